"""Probes of sandboxes, on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from gainsight_dest import Request, Response, track
from gainsight_dest.probing import Probe, drive, probe_flow
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.tenant import Tenant
from tests import tenant_of_60_fields
from tests.some import FREE
from tests.tenant_of_60_fields import ANSWER, CONFIG

MARK = "7f3a"
TENANT = Tenant.from_describe(ANSWER)
EVENT = track({"type": "track", "event": "Ticket Closure", "properties": {}}, tenant_of_60_fields.CONFIG)

Send = Callable[[Request], Response]
#: Companies of others: they are there before a probe, and have to be there after it.
THEIRS = ("Acme", "Gainsight-dest-probe", "gainsight-dest-probe-other-1")


@attrs.define
class Clock:
    """Seconds since the epoch, moved by sleeping."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds


def sandbox(tenant: Tenant | None = TENANT, **settings: Any) -> Sandbox:
    """A sandbox without limits, which holds companies of others."""
    made = Sandbox(CONFIG, tenant=tenant, **{**FREE, **settings})
    for name in THEIRS:
        made.content.insert_company({"Name": name})
    return made


def probe_of(**settings: Any) -> Probe:
    """A probe that is not begun yet."""
    return Probe(CONFIG, MARK, **settings)


def probed(send: Send, clock: Clock | None = None, **settings: Any) -> Probe:
    """A probe that has come to its end."""
    clock = clock or Clock()
    made = probe_of(**settings)
    drive(made, probe_flow(made), send, clock, clock.sleep)
    return made


def names_in(tenant: Sandbox) -> list[str]:
    """The companies that are there."""
    return [company["Name"] for company in tenant.companies]
