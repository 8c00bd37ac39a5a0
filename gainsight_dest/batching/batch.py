"""Many events with the fewest calls: a pure value that says what to send, and takes what was answered.

```python
batch = transform_batch(events, config)
while batch.requests:
    batch = batch.next([send(request) for request in batch.requests])
```

Companies come first, up to 50 in a call; then people, each with all its fields and links; then track events, in order.
What became of each event is what would have become of it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from gainsight_dest.batching.requests import CompaniesRequest
from gainsight_dest.batching.stages import Companies, People, Tracks
from gainsight_dest.batching.writes import ATTEMPTS, NOTHING, Book, Call, Lane, Note, Notes, Reading, Verdict, Write
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import ConfigError, CredentialsError, EventError, GainsightDestError, RetryableError
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.gainsight import Response, folded
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status, begin, text_of
from gainsight_dest.templates import Settings, for_one_tenant

Stage = Companies | People | Tracks


@attrs.frozen
class Reply:
    """An answer, and the calls that it took: for whoever tries again by itself, as after throttling.

    `answer`: a Response, the exception that stood in for one, or None if the request was not sent. `is_final`: whatever
    the exception is, the request is not to be tried again. `waited`: seconds, for `Batch.waited` to tell. `exists`:
    companies that are there, though a find may not see them yet: they were created a moment ago.
    """

    answer: Response | Exception | None
    calls: int = 1
    is_final: bool = False
    waited: float = 0.0
    exists: frozenset[str] = frozenset()


Answer = Response | Exception | Reply | None


#: What an event is known by, message id and type, and what it began with. Plain tuples: there are many.
_Label = tuple[str | None, str | None]
_Begun = Request | Outcome


@attrs.frozen(repr=False)
class Batch:
    """Events on their way to Gainsight: `requests` may be sent now, `next` takes the answers, `outcomes` tells.

    Frozen; compares by value and pickles, at any point on the way. The repr shows nothing of the events.
    """

    _labels: tuple[_Label, ...]
    _begun: tuple[_Begun, ...]
    _attempts: int
    _notes: Notes
    _stage: Stage
    _is_ended: bool = False

    @property
    def requests(self) -> tuple[Request, ...]:
        """What may be sent now, in any order, side by side. Nothing: all is done."""
        return tuple(call.request for call in self._calls)

    @property
    def events(self) -> tuple[tuple[int, ...], ...]:
        """The events that each of the requests is for, by their places."""
        return tuple(call.events for call in self._calls)

    @property
    def failures(self) -> tuple[int, ...]:
        """How often each of the requests, or what came before it, has failed for a while: what to wait by."""
        of = self._notes.of
        return tuple(min(of(event).failures for event in call.events) for call in self._calls)

    @property
    def waited(self) -> tuple[float, ...]:
        """How many seconds each of the requests has been waited for, if whoever waits tells: see Reply."""
        of = self._notes.of
        return tuple(min(of(event).waited for event in call.events) for call in self._calls)

    def next(self, answers: Iterable[Answer]) -> Batch:
        """The batch once its requests are answered.

        `answers`: one a request, in their order: a Response, the exception that stood in for it, or None if it was not
        sent. What failed for a while is among the requests again, a create only after a find. After a CredentialsError
        nothing more is to be sent. Raises ValueError for another number of answers, TypeError for another thing.
        """
        given, calls = tuple(answers), self._calls
        if len(given) != len(calls):
            raise ValueError(f"one answer a request is needed: {len(calls)} requests, {len(given)} answers")
        readings = [_reading(call.request, answer) for call, answer in zip(calls, given, strict=True)]
        book = Book(self._notes, self._attempts)
        stage = self._stage.next(readings, book) if calls else self._stage
        notes = book.notes
        ended = self._is_ended or any(isinstance(reading.error, CredentialsError) for reading in readings)
        stage = _stage_with_work(stage, self._begun, notes)
        return attrs.evolve(self, stage=stage, notes=notes, is_ended=ended)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of the events, one each, in order; "not tried" for one that is not through yet.

        Nor is one whose person or company an earlier event will write that is not through: to send only that one again
        would put older values over newer.
        """
        settled = {*self.settled(range(len(self)))}
        outcomes = map(self.outcome, range(len(self)))
        return tuple(
            attrs.evolve(each, status=Status.NOT_TRIED, error=None)
            if each.is_settled and index not in settled
            else each
            for index, each in enumerate(outcomes)
        )

    def settled(self, among: Iterable[int]) -> Iterator[int]:
        """Those of the events that need not be sent again, now or after others. `among`: in order, all that may not."""
        behind: set[tuple[str, str]] = set()
        for index in among:
            begun, is_settled = self._begun[index], self._is_settled(index)
            if isinstance(begun, Request) and (behind or not is_settled):
                records = begun.records
                if not is_settled or records & behind:
                    behind |= records
                    continue
            yield index

    def _is_settled(self, index: int) -> bool:
        """Whether the event by itself need not be sent again. One that a wrong key has ended must be."""
        note = self._notes.of(index)
        if note is NOTHING:
            return isinstance(self._begun[index], Outcome) or self._is_past(index)
        return note.is_through and not isinstance(note.error, CredentialsError)

    def _is_past(self, index: int) -> bool:
        """Whether the event, of which nothing is noted, is a track event that was delivered at once."""
        return isinstance(self._stage, Tracks) and self._stage.is_past(index)

    def outcome(self, index: int) -> Outcome:
        """What became of the event in that place, by itself."""
        begun = self._begun[index]
        if isinstance(begun, Outcome):
            return begun
        note = self._notes.of(index)
        if note is NOTHING and self._is_past(index):
            note = Note(calls=1, is_through=True)
        status = Status.NOT_TRIED
        if note.is_through:
            status = Status.DELIVERED if note.error is None else Status.FAILED
        # The last try is one that failed for a while, or there is one more.
        is_last = note.tries and (status is Status.NOT_TRIED or isinstance(note.error, RetryableError))
        begun_at_all = note.calls or note.tries or note.gsid or note.is_through
        attempts = note.tries + (not is_last) if begun_at_all else 0
        return Outcome(index, *self._labels[index], status, attempts, note.calls, note.error, note.gsid)

    @property
    def _calls(self) -> tuple[Call, ...]:
        return () if self._is_ended else self._stage.calls

    def __len__(self) -> int:
        return len(self._begun)

    def __repr__(self) -> str:
        actions = ", ".join(sorted({request.action for request in self.requests}))
        return f"<Batch of {len(self)} events, {len(self.requests)} requests to send{actions and ': '}{actions}>"


def transform_batch(
    events: Iterable[Event | EventError | PreparedEvent | Request],
    destination_config: DestinationConfig | Settings | Mapping[str, Any],
    *,
    attempts: int = ATTEMPTS,
) -> Batch:
    """The batch of the events, with the first requests to be sent.

    An event at fault, or one that is not for Gainsight, becomes that event's outcome, and a config that cannot be read
    becomes that of each; nothing raises. Each event fills in the templates of a dict, but for its `domain` and its
    `accessKey`, which are to be the same for all. An EventError may stand in for an event that could not be read, a
    PreparedEvent or its Request for one that has been transformed, by the same config. `attempts`: an event whose
    request has failed so often for a while has failed.
    """
    config: DestinationConfig | Settings
    shared: DestinationConfig | None = None
    try:
        config, shared = for_one_tenant(destination_config)
    except ConfigError as error:
        config = Settings.at_fault(error)
    labels, begun = [], []
    companies: dict[str, list[Write]] = {}
    for index, event in enumerate(events):
        first = begin(index, event, config)
        labels.append((text_of(event, "messageId"), text_of(event, "type")))
        begun.append(first)
        if isinstance(first, FindCompany):
            company = first.company
            companies.setdefault(folded(COMPANY.key_of(company)), []).append(
                Write(index, company, is_all=not first.email)
            )
    lanes = [Lane(tuple(writes)) for writes in companies.values()]
    notes = Notes()
    stage: Stage = Tracks(())
    if shared is not None:
        stage = _stage_with_work(Companies.of(shared, lanes, Book(notes, attempts)), begun, notes)
    return Batch(tuple(labels), tuple(begun), attempts, notes, stage)


def _stage_with_work(stage: Stage, begun: Sequence[_Begun], notes: Notes) -> Stage:
    """The stage, or one after it, that has anything to send."""
    if isinstance(stage, Companies) and not stage.calls:
        stage = People.of(stage.config, _people(begun, notes))
    if isinstance(stage, People) and not stage.calls:
        stage = Tracks(tuple((index, first) for index, first in enumerate(begun) if isinstance(first, SendEvent)))
    return stage


def _people(begun: Sequence[_Begun], notes: Notes) -> Iterator[Lane]:
    """What the events write of people, now that the companies have their Gsids."""
    people: dict[str, list[Write]] = {}
    for index, first in enumerate(begun):
        if isinstance(first, UpsertPerson):
            person = first.person
        elif isinstance(first, FindCompany) and not (note := notes.of(index)).is_through:
            person = company_link(first.email, str(note.gsid))
        else:
            continue
        people.setdefault(folded(PERSON.key_of(person)), []).append(Write(index, person))
    return (Lane(tuple(writes)) for writes in people.values())


def _reading(request: Request, answer: Answer) -> Reading:
    """What an answer comes to."""
    tried = answer if isinstance(answer, Reply) else Reply(answer, 0 if answer is None else 1)
    if tried.answer is None:
        return Reading(Verdict.UNSENT, calls=tried.calls, waited=tried.waited)
    try:
        value = _value(request, tried.answer)
        if tried.exists and isinstance(value, frozenset):
            value |= tried.exists
    except RetryableError as error:
        return Reading(Verdict.OVER if tried.is_final else Verdict.LOST, None, error, tried.calls, tried.waited)
    except CredentialsError as error:
        return Reading(Verdict.OVER, None, error, tried.calls)
    except GainsightDestError as error:
        return Reading(Verdict.REFUSED, None, error, tried.calls)
    return Reading(Verdict.TAKEN, value, None, tried.calls, tried.waited)


def _value(request: Request, answer: Response | Exception) -> Any:
    """What the answer says. Raises the exception that stands in for it, or what it is an error by."""
    if isinstance(answer, Response):
        return request.read(answer) if isinstance(request, CompaniesRequest) else request.next(answer)
    if isinstance(answer, GainsightDestError):
        raise answer
    if isinstance(answer, Exception):
        raise RetryableError(request.action, f"no answer ({type(answer).__name__})")
    raise TypeError(f"an answer must be a Response, an exception or None, not {type(answer).__name__}")
