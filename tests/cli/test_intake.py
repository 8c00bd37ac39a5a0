"""The events of a file on their way through a delivery: which are given to it, and what is left at the end."""

from __future__ import annotations

import pytest

from gainsight_dest import EventError, Outcome, Status
from gainsight_dest.files.intake import Intake
from gainsight_dest.files.read import Item

EVENT = {"type": "identify", "messageId": "m"}
WHOLE = Item(1, EVENT, raw=EVENT)
BROKEN = Item(2, raw="}", problem="not JSON")
#: The last of a file that may still be written, and of one that breaks off.
OPEN = Item(3, raw='{"ty', problem="not JSON", is_open=True)
MISSING = Item(3, problem="the file cannot be read from here on")

#: By the last item of a file, and whether there is a journal: how many are given, and what is left to be said.
ENDS: list[tuple[Item, bool, int, list[tuple[int, str]]]] = [
    (OPEN, False, 3, [(1, "not tried"), (2, "not tried"), (3, "not tried")]),
    (OPEN, True, 2, [(1, "not tried"), (2, "not tried"), (3, "not tried")]),
    (MISSING, False, 2, [(3, "failed"), (1, "not tried"), (2, "not tried")]),
    (MISSING, True, 2, [(3, "failed"), (1, "not tried"), (2, "not tried")]),
]


@pytest.mark.parametrize(("last", "in_journal", "given", "left"), ENDS)
def test_what_was_read_and_has_no_outcome_is_told_at_the_end(
    last: Item, given: int, left: list[tuple[int, str]], *, in_journal: bool
) -> None:
    intake = Intake(in_journal=in_journal)
    assert len([*intake.given([WHOLE, BROKEN, last])]) == given
    assert [(event.item.number, str(event.outcome.status)) for event in intake.rest()] == left
    assert intake.is_unfinished is (last is OPEN and in_journal)
    assert intake.read == 3


def test_an_outcome_is_that_of_the_first_event_that_has_none() -> None:
    intake = Intake(in_journal=True)
    events = intake.given([WHOLE, BROKEN], iter([90, 92]).__next__)
    assert (next(events), type(next(events)), [*events]) == (EVENT, EventError, [])
    assert [(each.item, each.end, each.position) for each in intake.under_way] == [(WHOLE, 90, 0), (BROKEN, 92, 1)]

    delivered = Outcome(0, "m", "identify", Status.DELIVERED)
    assert intake.ended(delivered) == ((WHOLE, delivered, None), 90)
    failed = Outcome(1, None, None, Status.FAILED, error=EventError("the line", "not JSON"))
    event, end = intake.ended(failed)
    assert event.fault is not None
    assert (event.item, event.fault.kind, end) == (BROKEN, "NotJSON", 92)
    assert [*intake.rest()] == []
