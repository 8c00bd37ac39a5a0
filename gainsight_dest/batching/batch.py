"""Many events with the fewest calls: a pure value that says what to send, and takes the answers.

```python
batch = transform_batch(events, config)
while batch.requests:
    batch = batch.next([send(request) for request in batch.requests])
```

Companies come first, up to 50 in a call; then people, each with all its fields and links; then track events, in order.
Each event has the outcome that it would have alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.chunking import NOTHING_KNOWN, Call, Memory, Queue, Stage, Turn
from gainsight_dest.batching.ledger import PAGE, Ledger, Pages, Progress, Reply, blank
from gainsight_dest.batching.moments import microseconds
from gainsight_dest.batching.stages import STAGES
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request, SendEvent
from gainsight_dest.errors import ConfigError, CredentialsError, EventError
from gainsight_dest.gainsight import Response
from gainsight_dest.known.known import Knowledge
from gainsight_dest.known.told import NOTHING, Learned, Told, sent_told
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status, begin, text_of
from gainsight_dest.templates import Settings, for_one_tenant

__all__ = ["ATTEMPTS", "Answer", "Batch", "Reply", "transform_batch"]

#: How often an event is tried before it has failed, where it is not said otherwise.
ATTEMPTS = 12

Answer = Response | Exception | Reply | None

_REQUEST = attrgetter("request")
_FAILURES, _WAITED = attrgetter("failures"), attrgetter("waited")
#: Message id and type of an event. A plain tuple: there are many.
_Label = tuple[str | None, str | None]


class Due(NamedTuple):
    """A request of a batch, by its place, and what to wait by: see `Batch.failures` and `Batch.waited`."""

    place: int
    request: Request
    failures: int
    waited: float


@attrs.frozen(repr=False)
class Batch:
    """Events on their way to Gainsight: `requests` to be sent now, `next` for the answers, `outcomes` at the end.

    Frozen; compares by value and pickles, at any point on the way. The repr shows nothing of the events.
    """

    _labels: tuple[_Label, ...]
    _begun: tuple[Request | Outcome, ...]
    _config: DestinationConfig | None
    _attempts: int
    _pages: Pages
    #: Of the stage; before the first one it is at none.
    _number: int = -1
    _queues: tuple[Queue, ...] = ()
    _calls: tuple[Call, ...] = ()
    _memory: Memory = NOTHING_KNOWN
    #: The events that the last answers have changed something of: for whoever wants to look at no others.
    _changed: frozenset[int] = attrs.field(default=frozenset(), eq=False)

    @property
    def stage(self) -> Stage | None:
        """What the requests are for: one of `batching.stages.STAGES`. None: all is done."""
        return STAGES[self._number] if self._calls else None

    @property
    def requests(self) -> tuple[Request, ...]:
        """What may be sent now, in any order, side by side. Nothing: all is done."""
        return tuple(map(_REQUEST, self._calls))

    @property
    def events(self) -> tuple[tuple[int, ...], ...]:
        """The events that each of the requests is for, by their places."""
        return tuple(call.events for call in self._calls)

    @property
    def failures(self) -> tuple[int, ...]:
        """How often each of the requests, or what came before it, has failed for a while: what to wait by."""
        return self._least(_FAILURES)

    @property
    def waited(self) -> tuple[float, ...]:
        """How many seconds each of the requests has been waited for, as Reply says it."""
        return self._least(_WAITED)

    def _least(self, fact: Callable[[Progress], Any]) -> tuple[Any, ...]:
        return tuple(self._least_of(call, fact) for call in self._calls)

    def _least_of(self, call: Call, fact: Callable[[Progress], Any]) -> Any:
        """The least among the events of the call. Most calls are for one."""
        known = self._progress
        return fact(known(call.events[0])) if len(call.events) == 1 else min(map(fact, map(known, call.events)))

    def writes(self, place: int) -> Mapping[bytes, Told]:
        """What the request of that place writes of records that are there: when it happened, by their digests.

        Or by what it is kept that the track event was sent. If what is known of one of them is newer, it need not be
        sent: that is what `Reply.news` is for.
        """
        call, memory = self._calls[place], self._memory
        if self.stage is not None and self.stage.of is None:
            sent = memory.sent.get(call.events[0])
            return NOTHING if sent is None else {sent: sent_told(sent)}
        digests, of = memory.digests, None if self.stage is None else self.stage.of
        if digests is None or of is None or not memory.moments:
            return NOTHING
        found = {}
        for number, record, _ in call.heads:
            queue = self._queues[number]
            moment = queue.writes[queue.at].moment
            if not queue.exists or moment is None:
                continue
            write = Told(digests.key(of, record), moment=moment)
            if queue.told is None or not write.is_older_than(queue.told):  # else it is known, and only asks for a Gsid
                found[queue.record] = write
        return found

    def next(self, answers: Iterable[Answer]) -> Batch:
        """The batch once its requests are answered.

        `answers`: one a request, in their order: a Response, the exception that stood in for it, or None if it was not
        sent. What failed for a while is among the requests again, a create only after a find. After a CredentialsError
        nothing more is to be sent. Raises ValueError for another number of answers, TypeError for another thing.
        """
        given = tuple(answers)
        if len(given) != len(self._calls):
            raise ValueError(f"one answer a request is needed: {len(self._calls)} requests, {len(given)} answers")
        return self.after({place: _reply(answer) for place, answer in enumerate(given) if answer is not None})

    def after(self, replies: Mapping[int, Reply]) -> Batch:
        """As `next`, by the places of the requests that were sent. So what is left waiting costs nothing."""
        if self._config is None:
            return self
        ledger = Ledger(self._pages, self._attempts)
        turn = Turn(STAGES, self._number, self._queues, self._config, ledger, self._memory)
        turn.take(self._calls, replies, self._begun)
        same = self._labels, self._begun, self._config, self._attempts
        now = turn.number, tuple(turn.queues), tuple(turn.calls), turn.memory
        return Batch(*same, ledger.pages, *now, frozenset(ledger.changed))

    @property
    def changed(self) -> frozenset[int]:
        """The events that the last answers have changed something of, by their places."""
        return self._changed

    def due(self, most: int | None = None) -> list[Due]:
        """The requests to send first, and what to wait by: those that have failed least. `most`: no more than so many.

        Where that are those that have not failed at all, no others are looked at.
        """
        new = (place for place, call in enumerate(self._calls) if not self._least_of(call, _FAILURES))
        places = [] if most is None else list(islice(new, most))
        if len(places) != most:
            failures = self.failures
            places = sorted(range(len(failures)), key=failures.__getitem__)[:most]
        calls = ((place, self._calls[place]) for place in places)
        return [
            Due(place, call.request, self._least_of(call, _FAILURES), self._least_of(call, _WAITED))
            for place, call in calls
        ]

    @property
    def learned(self) -> Learned:
        """What Gainsight was told of the records that the batch has written, by their digests: for `Known.learn`.

        None: it is not known any more what Gainsight has, as a call is under way, or may have been carried out. Empty
        for a batch without `known`.
        """
        if self._memory.digests is None:
            return {}
        numbers = [number for call in self._calls for number in call.numbers]
        out = {
            queue.record: None
            for queue in map(self._queues.__getitem__, numbers)
            if queue.exists is not None and queue.record
        }
        sent = {record: sent_told(record) for event, record in self._memory.sent.items() if self._is_sent(event)}
        return {**self._memory.after(self._queues).learned, **out, **sent}

    def confirmed(self) -> tuple[Mapping[bytes, Told], Mapping[bytes, Told]]:
        """What is known of records of which events of a later time say nothing else, and those times, as lessons.

        For a store, before anything is sent: from then on, what happened before those times is older for all others.
        """
        memory = self._memory.after(self._queues)
        if self._config is not None and memory.moments and self.stage is STAGES[0]:
            # People come later, by what is known now.
            turn = Turn(STAGES, 0, self._queues, self._config, Ledger(self._pages, self._attempts), self._memory)
            turn.pass_by(self._begun)
            memory = memory.after(turn.queues)
        times = {
            record: told for record, told in memory.learned.items() if told is not None and told.moment is not None
        }
        return {record: memory.told[record] for record in times}, times

    def _is_sent(self, event: int) -> bool:
        return self._progress(event).status is Status.DELIVERED

    def lessons(self, before: Batch, places: Iterable[int]) -> Learned:
        """What was learnt of the records that those requests of the batch, as it was `before`, are about.

        A record that is not there yet, or that may be, is left out: nobody else is to create it meanwhile.
        """
        if before.stage is None:
            return {}
        if before.stage.of is None:
            events = (before._calls[place].events[0] for place in places)
            kept = ((event, self._memory.sent[event]) for event in events if event in self._memory.sent)
            return {record: sent_told(record) if self._is_sent(event) else None for event, record in kept}
        numbers = [number for place in places for number in before._calls[place].numbers]
        if (self._number, self._memory.only) != (before._number, before._memory.only):
            records = [before._queues[number].record for number in numbers]
            return {record: self._memory.learned.get(record) for record in records}
        queues = map(self._queues.__getitem__, numbers)
        return {queue.record: queue.lesson for queue in queues if not queue.is_to_be_created}

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """One for each event, in order; "not tried" for one that has not ended yet.

        An event is "not tried", too, while an earlier one of its person or company is: to send only the earlier one
        again would put older values over newer.
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
            begun, is_settled = self._begun[index], self.is_settled(index)
            if isinstance(begun, Request) and (behind or not is_settled):
                records = begun.records
                if not is_settled or records & behind:
                    behind |= records
                    continue
            yield index

    def is_settled(self, index: int) -> bool:
        """Whether the event by itself need not be sent again. One that a wrong key has ended must be."""
        known = self._progress(index)
        is_through = known.status is not Status.NOT_TRIED and not isinstance(known.error, CredentialsError)
        return is_through or isinstance(self._begun[index], Outcome)

    def records(self, index: int) -> frozenset[tuple[str, str]]:
        """Those of the event in that place: as of the request that it begins with."""
        begun = self._begun[index]
        return begun.records if isinstance(begun, Request) else frozenset()

    def outcome(self, index: int) -> Outcome:
        """The outcome of the event in that place, by itself."""
        begun = self._begun[index]
        if isinstance(begun, Outcome):
            return begun
        known = self._progress(index)
        label = self._labels[index]
        reason = known.reason if known.status is Status.UNCHANGED else None
        return Outcome(index, *label, known.status, known.attempts, known.calls, known.error, known.gsid, reason)

    def _progress(self, index: int) -> Progress:
        return self._pages[index // PAGE][index % PAGE]

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
    known: Knowledge | None = None,
    tracks_once: bool = False,
) -> Batch:
    """The batch of the events, with the first requests to be sent.

    An event at fault, or one that is not for Gainsight, becomes that event's outcome, and a config that cannot be read
    becomes that of each; nothing raises. Each event fills in the templates of a dict, but for its `domain` and its
    `accessKey`, which are to be the same for all. An EventError may stand in for an event that could not be read, a
    PreparedEvent or its Request for one that has been transformed, by the same config. `attempts`: an event whose
    request has failed so often for a while has failed. `known`: what Gainsight was told before is not sent again, nor
    what is older than what it was told of the same record. `tracks_once`: nor a track event whose message id is known.
    """
    config: DestinationConfig | Settings
    shared: DestinationConfig | None = None
    try:
        config, shared = for_one_tenant(destination_config)
    except ConfigError as error:
        config = Settings.at_fault(error)
    labels, begun, moments = [], [], {}
    for index, event in enumerate(events):
        first = begin(index, event, config)
        begun.append(first)
        labels.append((text_of(event, "messageId"), text_of(event, "type")))
        if known is not None and isinstance(first, Request) and first.records:
            moment = microseconds(event.event if isinstance(event, PreparedEvent) else event)
            if moment is not None:
                moments[index] = moment
    memory = NOTHING_KNOWN
    if known is not None and shared is not None:
        ids = ((index, label[0]) for index, label in enumerate(labels) if isinstance(begun[index], SendEvent))
        sent = {index: message_id for index, message_id in ids if message_id} if tracks_once else {}
        memory = _memory(begun, shared, known, moments, sent)
    return Batch(tuple(labels), tuple(begun), shared, attempts, blank(len(begun)), memory=memory).next(())


def _memory(
    begun: Iterable[Request | Outcome],
    config: DestinationConfig,
    known: Knowledge,
    moments: Mapping[int, int],
    message_ids: Mapping[int, str],
) -> Memory:
    digests = known.digests(config)
    identities = {record for first in begun if isinstance(first, Request) for record in first.records}
    sent = {event: digests.sent(message_id) for event, message_id in message_ids.items()}
    told = known.view({*digests.records(identities), *sent.values()})
    return Memory(digests, told, {}, moments=moments, sent=sent)


def _reply(answer: Answer) -> Reply:
    return answer if isinstance(answer, Reply) else Reply(answer)
