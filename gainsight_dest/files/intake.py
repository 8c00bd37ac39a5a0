"""The events of a file on their way through a Deliverer: what is given to it, and which outcome is whose."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gainsight_dest.files.read import Item, fault_in
from gainsight_dest.outcome import Fault, Outcome, Status, known

#: Why a line is not sent that a journal is to take up when it is whole.
_UNFINISHED = Fault("NotTried", None, "the last line is not complete yet")


class PendingEvent(NamedTuple):
    """An event that was read, where it ends in the file, in bytes, and its place in the stream, from 0."""

    item: Item
    end: int
    position: int


class EndedEvent(NamedTuple):
    """An event with its outcome. `fault`: why it is not with Gainsight; None if it is, or need not be."""

    item: Item
    outcome: Outcome
    fault: Fault | None


class Intake:
    """Gives the events of a file to a Deliverer, and keeps each until its outcome is there, in the same order.

    `in_journal`: the outcomes are recorded. Then a last line without an end is left for the next run: as recorded, it
    would never be sent when it is whole.
    """

    def __init__(self, *, in_journal: bool) -> None:
        #: The number of the last event that was read; 0: none was.
        self.read = 0
        #: Whether the last line was left for the next run.
        self.is_unfinished = False
        #: The events that have no outcome yet.
        self.under_way: deque[PendingEvent] = deque()
        self._in_journal = in_journal
        self._last: Item | None = None

    def given(self, items: Iterable[Item], place: Callable[[], int] = int) -> Iterator[Any]:
        """What a Deliverer takes of each event. `place`: how many bytes of the file have been read."""
        for position, item in enumerate(items):
            self.read = item.number
            if item.is_missing or (item.is_open and self._in_journal):
                self._last = item
                return
            self.under_way.append(PendingEvent(item, place(), position))
            yield item.given

    def ended(self, outcome: Outcome) -> tuple[EndedEvent, int]:
        """The event that the next outcome is of, and where it ends in the file."""
        item, end, _ = self.under_way.popleft()
        return EndedEvent(item, outcome, fault_in(outcome)), end

    def rest(self) -> Iterator[EndedEvent]:
        """What has no outcome at the end: a part of an event, and events that were read when the end was asked for."""
        last = self._last
        if last is not None and last.is_missing:  # nothing of it is there to be sent, or to be recorded as sent
            failed = known(0, None, Status.FAILED, error=last.given)
            yield EndedEvent(last, failed, fault_in(failed))
        while self.under_way:
            item, *_ = self.under_way.popleft()
            not_tried = known(0, item.event, Status.NOT_TRIED)
            yield EndedEvent(item, not_tried, fault_in(not_tried))
        if last is not None and not last.is_missing:
            self.is_unfinished = True
            yield EndedEvent(last, known(0, None, Status.NOT_TRIED), _UNFINISHED)
