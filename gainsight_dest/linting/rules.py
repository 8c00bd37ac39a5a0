"""The rules of lint, in the order in which they are tried and told."""

from __future__ import annotations

from gainsight_dest.linting import of_config, of_events, of_tenant
from gainsight_dest.linting.rule import LintRule

__all__ = ["OF_A_TENANT", "OF_EVENTS", "OF_THE_CONFIG", "RULES", "LintRule"]

#: What is found in a config by itself, what with events at hand, and what with a tenant, with events or without.
OF_THE_CONFIG, OF_EVENTS, OF_A_TENANT = (
    tuple(each for each in vars(module).values() if isinstance(each, LintRule))
    for module in (of_config, of_events, of_tenant)
)

RULES = OF_THE_CONFIG + OF_EVENTS + OF_A_TENANT
