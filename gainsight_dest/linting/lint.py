"""What is wrong with a destination config, or may be, before it is used. The rules are a table in `linting.rules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gainsight_dest.config import DestinationConfig

if TYPE_CHECKING:
    from gainsight_dest.explaining.profile import Profile
    from gainsight_dest.linting.finding import Finding
    from gainsight_dest.tenant import Tenant


def lint(
    config: DestinationConfig | Mapping[str, Any],
    events: Iterable[Any] | Profile | None = None,
    *,
    tenant: Tenant | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with the config, or may be, in the order of the rules.

    `config`: RudderStack's Config, a destination that holds one, or a DestinationConfig. `events`: some that are sent
    by it, or a Profile of them; those switched off by their `integrations` are passed over. `tenant`: the one that they
    are for; a Profile must have been made with it. None: the one that the config makes values fit, if it does. Raises
    nothing for a config, or events, at fault.
    """
    import attrs  # noqa: PLC0415 - what lint needs is loaded when it is called

    from gainsight_dest.explaining.profile import Profile  # noqa: PLC0415 - the same
    from gainsight_dest.linting.rules import RULES  # noqa: PLC0415 - the same
    from gainsight_dest.linting.subject import subject_of  # noqa: PLC0415 - the same

    subject = subject_of(config)
    if tenant is not None:
        subject = attrs.evolve(subject, tenant=tenant)
    if events is not None:
        profile = events if isinstance(events, Profile) else Profile.of(events, subject.config, tenant=tenant)
        subject = attrs.evolve(subject, profile=profile)
    return tuple(finding for rule in RULES for finding in rule.findings(subject))
