"""What is wrong with a destination config, or may be, before it is used. The rules are a table in `linting.rules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gainsight_dest.config import DestinationConfig

if TYPE_CHECKING:
    from gainsight_dest.explaining.profile import Profile
    from gainsight_dest.linting.finding import Finding


def lint(
    config: DestinationConfig | Mapping[str, Any], events: Iterable[Any] | Profile | None = None
) -> tuple[Finding, ...]:
    """What is wrong with the config, or may be, in the order of the rules.

    `config`: RudderStack's Config, a destination that holds one, or a DestinationConfig. `events`: some that are sent
    by it, or a Profile of them; those switched off by their `integrations` are passed over. Raises
    nothing for a config, or events, at fault.
    """
    import attrs  # noqa: PLC0415 - what lint needs is loaded when it is called

    from gainsight_dest.explaining.profile import Profile  # noqa: PLC0415 - the same
    from gainsight_dest.linting.rules import RULES  # noqa: PLC0415 - the same
    from gainsight_dest.linting.subject import subject_of  # noqa: PLC0415 - the same

    subject = subject_of(config)
    if events is not None:
        profile = events if isinstance(events, Profile) else Profile.of(events, subject.config)
        subject = attrs.evolve(subject, profile=profile)
    return tuple(finding for rule in RULES for finding in rule.findings(subject))
