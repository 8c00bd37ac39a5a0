"""Every fault at every step of every event, once, twice and always: the outcome, and what the tenant holds.

The tests judge the cells, the documentation shows them.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import attrs

from gainsight_dest.deliver import Outcome
from gainsight_dest.sandbox import FAULTS, PlannedFault, Sandbox
from tests.deliver.runs import GROUP, IDENTIFY, TRACK, deliverer_to
from tests.some import CONFIG, Event

#: The steps of each event: an identify, a group of a company that is new, one of a company that is there, a track.
STEPS: dict[str, tuple[Event, tuple[str, ...]]] = {
    "identify": (IDENTIFY, ("upsert person",)),
    "group, new company": (GROUP, ("find company", "create company", "link person")),
    "group, known company": (GROUP, ("find company", "update company", "link person")),
    "track": (TRACK, ("send event",)),
}
#: How often the step fails before it goes well; None: always.
TIMES: dict[str, int | None] = {"once": 1, "twice": 2, "always": None}


class Cell(NamedTuple):
    """One delivery, before it is made: the fault, the event, the step that it meets, how often, and by what."""

    kind: str
    event: str
    step: str
    times: str
    batch: int | None = None
    driver: str = "threads"

    @property
    def name(self) -> str:
        """The cell in words."""
        how = "" if self.batch is None else ", in a batch"
        how += "" if self.driver == "threads" else ", asynchronous"
        return f"{self.kind}, {self.event}, {self.step}, {self.times}{how}"


@attrs.frozen
class Delivery:
    """What came of a cell."""

    outcome: Outcome
    sandbox: Sandbox
    waited: float
    #: All that were made, those among them that asked only whether Gainsight is there.
    calls: int


@cache
def delivery(cell: Cell) -> Delivery:
    """Deliver the event to a sandbox that fails so, on a clock that only sleeping moves; once for all who ask."""
    started = now = 1_000_000_020.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    times = TIMES[cell.times]
    # What asks for 7 seconds asks so 1,500 times before patience ends: a minute tells the same in a tenth of them.
    seconds = 60 if (cell.kind, times) == ("429-retry-after", None) else None
    fault = PlannedFault(cell.kind, action=cell.step, times=times, seconds=seconds)
    sandbox = Sandbox(CONFIG, clock=lambda: now, faults=[fault])
    if cell.event == "group, known company":
        sandbox.content.insert_company({"Name": "Acme", "Industry": "Anvils"})
    with deliverer_to(sandbox, cell.driver, sleep=sleep, clock=lambda: now) as deliverer:
        (outcome,) = deliverer.run([STEPS[cell.event][0]], batch=cell.batch)
    return Delivery(outcome, sandbox, now - started, deliverer.calls)


def cells(batch: int | None = None, driver: str = "threads") -> list[Cell]:
    """All that can be: a way to find nothing is only for a find."""
    return [
        Cell(kind, event, step, times, batch, driver)
        for kind in FAULTS
        for event, (_, steps) in STEPS.items()
        for step in steps
        for times in TIMES
        if not kind.startswith("nothing") or (step, event) == ("find company", "group, new company")
    ]
