"""Every fault at every step of every event, once, twice and always: what becomes of the event, and of the tenant.

The tests judge the cells, the documentation shows them.
"""

from __future__ import annotations

from typing import Any

import attrs

from gainsight_dest import DestinationConfig
from gainsight_dest.deliver import Deliverer, Outcome
from gainsight_dest.sandbox import FAULTS, Fault, Sandbox

CONFIG = DestinationConfig(
    domain="acme.gainsightcloud.com",
    access_key="MARKED-access-key",
    shared_secret="MARKED-shared-secret",
    tenant_id="tenant",
    topic_name="Tickets",
    event_name_map={"Ticket Closed": "closed"},
    event_version_map={"Ticket Closed": "1.0.0"},
)
EMAIL = "ada@example.com"
IDENTIFY = {"type": "identify", "messageId": "i", "traits": {"email": EMAIL, "firstName": "Ada"}}
GROUP = {
    "type": "group",
    "messageId": "g",
    "traits": {"name": "Acme", "employees": 7},
    "context": {"traits": {"email": EMAIL}},
}
TRACK = {"type": "track", "messageId": "t", "event": "Ticket Closed", "properties": {"ticket": 1}}

#: The steps of each event: an identify, a group of a company that is new, one of a company that is there, a track.
STEPS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "identify": (IDENTIFY, ("upsert person",)),
    "group, new company": (GROUP, ("find company", "create company", "link person")),
    "group, known company": (GROUP, ("find company", "update company", "link person")),
    "track": (TRACK, ("send event",)),
}
#: How often the step fails before it goes well; None: always.
TIMES: dict[str, int | None] = {"once": 1, "twice": 2, "always": None}


@attrs.frozen
class Cell:
    """One delivery: the fault, the event, the step that it meets, how often, how, and what came of it."""

    kind: str
    event: str
    step: str
    times: str
    batch: int | None
    outcome: Outcome
    sandbox: Sandbox
    waited: float

    @property
    def name(self) -> str:
        """The cell in words."""
        how = "" if self.batch is None else ", in a batch"
        return f"{self.kind}, {self.event}, {self.step}, {self.times}{how}"


def cell(kind: str, event: str, step: str, times: str, batch: int | None = None) -> Cell:
    """Deliver the event to a sandbox that fails so, on a clock that only sleeping moves."""
    started = now = 1_000_000_020.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    sandbox = Sandbox(CONFIG, clock=lambda: now, faults=[Fault(kind, action=step, times=TIMES[times])])
    if event == "group, known company":
        sandbox.content.insert_company({"Name": "Acme", "Industry": "Anvils"})
    with Deliverer(CONFIG, sandbox.session(sleep), sleep=sleep, clock=lambda: now) as deliverer:
        (outcome,) = deliverer.run([STEPS[event][0]], batch=batch)
    return Cell(kind, event, step, times, batch, outcome, sandbox, now - started)


def cells(batch: int | None = None) -> list[Cell]:
    """All that can be: a way to find nothing is only for a find."""
    return [
        cell(kind, event, step, times, batch)
        for kind in FAULTS
        for event, (_, steps) in STEPS.items()
        for step in steps
        for times in TIMES
        if not kind.startswith("nothing") or (step, event) == ("find company", "group, new company")
    ]
