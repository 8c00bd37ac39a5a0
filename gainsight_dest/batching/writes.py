"""What the stages of a batch are made of: calls and how they were answered, notes of events, lanes of writes.

A lane holds the writes of one company or one person in the order of their events. Its head, the next ones as one
record, goes into a call; what comes of that moves it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.merge import merged
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import GainsightDestError, RetryableError, ThrottledError
from gainsight_dest.fields import COMPANY, GainsightObject, Record
from gainsight_dest.gainsight import RECORDS_PER_WRITE

#: How often an event is tried before it has failed, where it is not said otherwise.
ATTEMPTS = 12
#: A call for several events that has failed so often may do so because of one of them: it is made in smaller parts.
FAILURES_BEFORE_A_SPLIT = 4
#: So often it can be halved.
_HALVINGS = RECORDS_PER_WRITE.bit_length()


def most_records(failures: int, attempts: int = ATTEMPTS) -> int:
    """How many records go into a call that has failed so often: one, at the last, before its event has failed."""
    begin = max(1, min(FAILURES_BEFORE_A_SPLIT, attempts - _HALVINGS))
    steps = max(1, min(_HALVINGS, attempts - begin))
    return max(1, RECORDS_PER_WRITE >> max(0, -(-_HALVINGS * (failures - begin + 1) // steps)))


class Verdict(Enum):
    """What the answer to a call comes to."""

    UNSENT = "the call was not made"
    TAKEN = "Gainsight took it"
    REFUSED = "Gainsight will never take it"
    LOST = "it may be tried again"
    OVER = "it will not be tried again"


class Reading(NamedTuple):
    """A call's answer, read: `value` is what a CompaniesRequest reads from it."""

    verdict: Verdict
    value: Any = None
    error: GainsightDestError | None = None
    calls: int = 1
    waited: float = 0.0


class Call(NamedTuple):
    """A request, the events that it is for, and, of companies, the lanes of which it takes so many writes each.

    `other`: the other half of a call that was refused. If this one is taken, that one holds what was refused.
    """

    request: Request
    events: tuple[int, ...]
    heads: tuple[tuple[int, int], ...] = ()
    other: tuple[int, ...] = ()


class Note(NamedTuple):
    """What is known of an event beyond its request.

    `calls` that count with it; `tries` that failed for a while; of these `throttled` by throttling and `failures` by
    something else, but for those that whoever made the calls had by himself; seconds `waited`, if he told.
    """

    calls: int = 0
    tries: int = 0
    throttled: int = 0
    failures: int = 0
    waited: float = 0.0
    gsid: str | None = None
    error: GainsightDestError | None = None
    is_through: bool = False


NOTHING = Note()

#: Notes that are kept apart from the older ones, which a step need not copy then.
_RECENT = 1000


@attrs.frozen
class Notes:
    """The notes of a batch by event, in two parts, so that a step that notes little costs little."""

    older: Mapping[int, Note] = attrs.field(factory=dict)
    recent: Mapping[int, Note] = attrs.field(factory=dict)

    def of(self, event: int) -> Note:
        """What is known of the event: NOTHING itself, if nothing is."""
        return self.recent.get(event) or self.older.get(event, NOTHING)

    def with_changes(self, changes: Mapping[int, Note]) -> Notes:
        """These notes and newer ones."""
        recent = {**self.recent, **changes}
        return Notes(self.older, recent) if len(recent) <= _RECENT else Notes({**self.older, **recent})


class Book:
    """The notes of a batch while a step is taken, and what changes in them."""

    def __init__(self, notes: Notes, attempts: int) -> None:
        self._notes = notes
        #: After so many failures an event has failed.
        self.attempts = attempts
        self._changes: dict[int, Note] = {}

    @property
    def notes(self) -> Notes:
        """All of them."""
        return self._notes.with_changes(self._changes) if self._changes else self._notes

    def made(self, call: Call, reading: Reading) -> None:
        """Count the calls with the first event that they were for."""
        if reading.calls:
            first = min(call.events)
            self._note(first, calls=self.of(first).calls + reading.calls)
        is_last_failed = reading.verdict is Verdict.UNSENT or (
            reading.verdict is Verdict.OVER and isinstance(reading.error, RetryableError)
        )
        failed = reading.calls - (not is_last_failed)
        if failed or reading.waited:
            for event in call.events:
                note = self.of(event)
                self._note(event, tries=note.tries + failed, waited=note.waited + reading.waited)

    def of(self, event: int) -> Note:
        """What is known of the event."""
        return self._changes.get(event) or self._notes.of(event)

    def through(self, events: Iterable[int]) -> None:
        """They are delivered."""
        for event in events:
            self._note(event, is_through=True)

    def saved(self, events: Iterable[int], gsid: str) -> None:
        """Their company is saved."""
        for event in events:
            self._note(event, gsid=gsid)

    def fail(self, events: Iterable[int], error: GainsightDestError | None) -> None:
        """They have failed."""
        for event in events:
            self._note(event, error=error, is_through=True)

    def lose(self, events: Sequence[int], error: GainsightDestError | None) -> bool:
        """They were tried and may be tried again; or else, after attempts enough, have failed. Whether they may."""
        counted = "throttled" if isinstance(error, ThrottledError) else "failures"
        for event in events:
            note = self.of(event)
            self._note(event, tries=note.tries + 1, **{counted: getattr(note, counted) + 1})
        is_over = all(self.of(event).throttled + self.of(event).failures >= self.attempts for event in events)
        if is_over:
            self.fail(events, error)
        return not is_over

    def most_records(self, event: int) -> int:
        """How many records may go into a call with this event: fewer, where such calls have failed again and again."""
        return most_records(self.of(event).failures, self.attempts)

    def _note(self, event: int, **facts: Any) -> None:
        self._changes[event] = self.of(event)._replace(**facts)


class Write(NamedTuple):
    """What an event writes of a person or a company. `is_all`: it asks for nothing after that."""

    event: int
    record: Record
    is_all: bool = False


class Lane(NamedTuple):
    """The writes of one company or one person, in the order of their events, and how far they have come.

    `until`: some of them were refused together; before this, no more than `width` are merged. `exists`: whether
    Gainsight has the company of the next write; None if it is to be asked. `looks`: it may just have been created: it
    is looked for so often before it is created again.
    """

    writes: tuple[Write, ...]
    at: int = 0
    until: int = 0
    width: int = 0
    exists: bool | None = None
    looks: int = 0

    @property
    def is_done(self) -> bool:
        """Whether there is no more to write."""
        return self.at == len(self.writes)

    @property
    def is_narrow(self) -> bool:
        """Whether what comes next was refused together with others."""
        return self.at < self.until

    @property
    def name(self) -> str:
        """Of the company that is written next."""
        return COMPANY.key_of(self.writes[self.at].record)

    def head(self, of: GainsightObject) -> tuple[Record, int]:
        """The next writes as one record, and how many they are."""
        end = min(self.at + self.width, self.until) if self.is_narrow else len(self.writes)
        if end == self.at + 1:
            return self.writes[self.at].record, 1
        return merged((write.record for write in self.writes[self.at : end]), of)

    def events(self, count: int) -> tuple[int, ...]:
        """Those of the next writes."""
        return tuple(write.event for write in self.writes[self.at : self.at + count])

    def ended(self, count: int) -> tuple[int, ...]:
        """Those of their events that ask for nothing more."""
        return tuple(write.event for write in self.writes[self.at : self.at + count] if write.is_all)

    def on(self, count: int) -> Lane:
        """Past the next writes."""
        return self._replace(at=self.at + count)

    def narrowed(self, count: int, width: int) -> Lane:
        """With the next writes in parts."""
        return self._replace(until=self.at + count, width=max(1, width))
