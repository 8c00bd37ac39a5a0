"""The three stages of a batch: its companies, then its people, then its track events. Pure values, step by step.

A stage says which calls may be made now, and what it becomes once they are answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.requests import CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.batching.writes import NOTHING, Book, Call, Lane, Reading, Verdict
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import LOOKS, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import GainsightDestError, ResponseError, RetryableError
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.gainsight import RECORDS_PER_WRITE, no_gsid, not_found_yet

# --- companies --------------------------------------------------------------------------------------------------------


class Part(NamedTuple):
    """Lanes whose heads go into one call, and those of its other half: see Call."""

    lanes: tuple[int, ...]
    other: tuple[int, ...] = ()


@attrs.frozen
class Companies:
    """Companies are found, then created or updated, as many in a call as may be."""

    config: DestinationConfig
    lanes: tuple[Lane, ...]
    calls: tuple[Call, ...] = ()

    @classmethod
    def of(cls, config: DestinationConfig, lanes: Sequence[Lane], book: Book) -> Companies:
        """The stage at its beginning."""
        step = _CompaniesStep(lanes, book)
        step.ready.extend(range(len(lanes)))
        return cls._from(config, step)

    def next(self, readings: Sequence[Reading], book: Book) -> Companies:
        """The stage once its calls are answered."""
        step = _CompaniesStep(self.lanes, book)
        for call, reading in zip(self.calls, readings, strict=True):
            step.take(call, reading)
        return self._from(self.config, step)

    @classmethod
    def _from(cls, config: DestinationConfig, step: _CompaniesStep) -> Companies:
        lanes = tuple(step.lanes)
        return cls(config, lanes, tuple(_company_call(config, lanes, part) for part in step.all_parts()))


def _company_call(config: DestinationConfig, lanes: Sequence[Lane], part: Part) -> Call:
    taken = [(number, *lanes[number].head(COMPANY)) for number in part.lanes]
    events = tuple(event for number, _, count in taken for event in lanes[number].events(count))
    exists = lanes[part.lanes[0]].exists
    request: Request
    if exists is None:
        names = tuple(lanes[number].name for number in part.lanes)
        request = FindCompanies(config, names, lanes[part.lanes[0]].looks)
    else:
        save = UpdateCompanies if exists else CreateCompanies
        request = save(config, tuple(record for _, record, _ in taken))
    return Call(request, events, tuple((number, count) for number, _, count in taken), part.other)


class _CompaniesStep:
    """One step of the stage. Lanes that are `ready` are free to go together with others into new parts."""

    def __init__(self, lanes: Iterable[Lane], book: Book) -> None:
        self.lanes = list(lanes)
        self.ready: list[int] = []
        self._parts: list[Part] = []
        self._book = book

    def all_parts(self) -> Iterator[Part]:
        """What goes into one call each."""
        yield from self._parts
        together: dict[tuple[bool | None, int, int], list[int]] = {}
        for number in self.ready:
            lane = self.lanes[number]
            if lane.is_done:
                continue
            if lane.is_narrow:
                yield Part((number,))
            else:
                most = self._book.most_records(lane.writes[lane.at].event)
                together.setdefault((lane.exists, lane.looks, most), []).append(number)
        for (*_, most), numbers in together.items():
            for start in range(0, len(numbers), most):
                yield Part(tuple(numbers[start : start + most]))

    def take(self, call: Call, reading: Reading) -> None:
        """What the answer makes of the lanes of the call."""
        self._book.made(call, reading)
        if reading.verdict is Verdict.UNSENT:
            self._parts.append(Part(_numbers(call), call.other))
        elif reading.verdict is Verdict.TAKEN:
            self._taken(call, reading.value)
        elif reading.verdict is Verdict.REFUSED:
            self._refused(call, reading.error)
        else:
            for head in call.heads:
                self._lost(call, head, reading.error, is_over=reading.verdict is Verdict.OVER)
        if call.other and reading.verdict in {Verdict.REFUSED, Verdict.LOST, Verdict.OVER}:
            self._parts.append(Part(call.other))

    def _taken(self, call: Call, value: Any) -> None:
        if isinstance(call.request, FindCompanies):
            if value is None:
                self._parts += map(Part, _halves(_numbers(call)))
                return
            for number, count in call.heads:
                lane = self.lanes[number]
                if lane.name in value or not lane.looks:
                    self._go_on(number, lane._replace(exists=lane.name in value, looks=0))
                else:
                    self.lanes[number] = lane._replace(looks=lane.looks - 1)
                    self._lost(call, (number, count), not_found_yet(call.request.action), is_over=False)
            return
        for number, count in call.heads:
            lane = self.lanes[number]
            if lane.name in value:
                self._book.saved(lane.events(count), value[lane.name])
                self._book.through(lane.ended(count))
                lane = lane.on(count)._replace(exists=True)
                # They were refused together, and these are taken: one of the rest is at fault.
                self._go_on(number, lane.narrowed(rest, rest // 2) if (rest := lane.until - lane.at) > 0 else lane)
            else:
                self._lost(call, (number, count), no_gsid(call.request.action), is_over=False)
        self._blame(call.other)

    def _refused(self, call: Call, error: GainsightDestError | None) -> None:
        numbers = _numbers(call)
        if len(numbers) > 1:
            if isinstance(call.request, FindCompanies):
                self._parts += map(Part, _halves(numbers))
            elif suspects := self._suspects(call, error):
                self._parts += [Part(tuple(n for n in numbers if n not in suspects)), Part(suspects)]
            else:
                self._blame(numbers)
            return
        ((number, count),) = call.heads
        lane = self.lanes[number]
        if count > 1 and not isinstance(call.request, FindCompanies):
            self._go_on(number, lane.narrowed(count, count // 2))
        else:
            self._book.fail(lane.events(count), error)
            self._go_on(number, lane.on(count)._replace(until=0))

    def _blame(self, numbers: tuple[int, ...]) -> None:
        """One of these, at least, is at fault."""
        if len(numbers) == 1:
            self._parts.append(Part(numbers))
        elif numbers:
            self._parts.append(Part(*_halves(numbers)))

    def _suspects(self, call: Call, error: GainsightDestError | None) -> tuple[int, ...]:
        """Those that hold a value that Gainsight names as refused; none where that does not tell them from others."""
        refused = error.field_errors if isinstance(error, ResponseError) else ()
        suspects = tuple(
            number
            for number, record in zip(_numbers(call), call.request.body["records"], strict=True)
            if any(each.value is not None and record.get(each.field) == each.value for each in refused)
        )
        return suspects if len(suspects) < len(call.heads) else ()

    def _lost(self, call: Call, head: tuple[int, int], error: GainsightDestError | None, *, is_over: bool) -> None:
        number, count = head
        lane = self.lanes[number]
        if isinstance(call.request, CreateCompanies):
            may_be_there = isinstance(error, RetryableError) and error.is_lost and self._book.attempts > LOOKS + 1
            lane = lane._replace(exists=None, looks=LOOKS if may_be_there else 0)
        if is_over:
            self._book.fail(lane.events(count), error)
        if is_over or not self._book.lose(lane.events(count), error):
            self._go_on(number, lane.on(count))
        elif count > 1 and max(map(self._book.most_records, lane.events(count))) == 1:
            self._go_on(number, lane.narrowed(count, 1))
        else:
            self._go_on(number, lane)

    def _go_on(self, number: int, lane: Lane) -> None:
        if not lane.is_done and lane.name != self.lanes[number].name:
            # Another spelling of the same name: Gainsight may or may not take it for the same company.
            lane = lane._replace(exists=None, looks=0)
        self.lanes[number] = lane
        self.ready.append(number)


def _numbers(call: Call) -> tuple[int, ...]:
    return tuple(number for number, _ in call.heads)


def _halves(numbers: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:]


# --- people -----------------------------------------------------------------------------------------------------------


@attrs.frozen
class People:
    """People are upserted with their fields and links, one a call; a refused call is made again event by event."""

    config: DestinationConfig
    lanes: tuple[Lane, ...]
    calls: tuple[Call, ...]

    @classmethod
    def of(cls, config: DestinationConfig, lanes: Iterable[Lane]) -> People:
        """The stage at its beginning."""
        return cls._with(config, [(lane, _person_call(config, lane)) for lane in lanes])

    def next(self, readings: Sequence[Reading], book: Book) -> People:
        """The stage once its calls are answered."""
        left = []
        for lane, call, reading in zip(self.lanes, self.calls, readings, strict=True):
            following = _person_step(lane, call, reading, book)
            if following is lane:
                left.append((lane, call))
            elif not following.is_done:
                left.append((following, _person_call(self.config, following)))
        return self._with(self.config, left)

    @classmethod
    def _with(cls, config: DestinationConfig, left: Sequence[tuple[Lane, Call]]) -> People:
        return cls(config, tuple(lane for lane, _ in left), tuple(call for _, call in left))


def _person_call(config: DestinationConfig, lane: Lane) -> Call:
    person, count = lane.head(PERSON)
    return Call(UpsertPerson(config, person), lane.events(count))


def _person_step(lane: Lane, call: Call, reading: Reading, book: Book) -> Lane:
    count = len(call.events)
    verdict = reading.verdict
    book.made(call, reading)
    if verdict is Verdict.TAKEN:
        book.through(call.events)
    elif verdict is Verdict.UNSENT:
        return lane
    elif verdict is Verdict.REFUSED and count > 1:
        return lane.narrowed(count, 1)
    elif verdict is Verdict.LOST:
        if book.lose(call.events, reading.error):
            is_suspect = max(map(book.most_records, call.events)) < RECORDS_PER_WRITE
            return lane.narrowed(count, 1) if count > 1 and is_suspect else lane
    else:
        book.fail(call.events, reading.error)
    return lane.on(count)


# --- track events -----------------------------------------------------------------------------------------------------


@attrs.frozen
class Tracks:
    """Track events are sent one by one, in order. One that is past and has no note was delivered at once."""

    events: tuple[tuple[int, SendEvent], ...]
    at: int = 0

    def is_past(self, event: int) -> bool:
        """Whether the track event in that place has been sent."""
        return self.at == len(self.events) or event < self.events[self.at][0]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The next one."""
        return tuple(Call(request, (event,)) for event, request in self.events[self.at : self.at + 1])

    def next(self, readings: Sequence[Reading], book: Book) -> Tracks:
        """The stage once its call is answered."""
        (reading,) = readings
        (call,) = self.calls
        verdict = reading.verdict
        if verdict is Verdict.TAKEN and reading.calls == 1 and book.of(call.events[0]) is NOTHING:
            return Tracks(self.events, self.at + 1)
        book.made(call, reading)
        if verdict is Verdict.UNSENT or (verdict is Verdict.LOST and book.lose(call.events, reading.error)):
            return self
        if verdict is Verdict.TAKEN:
            book.through(call.events)
        elif verdict is not Verdict.LOST:
            book.fail(call.events, reading.error)
        return Tracks(self.events, self.at + 1)
