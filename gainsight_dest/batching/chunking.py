"""Which records go together into a call, and what to do when it is refused or lost: by keys and records alone.

Records of several keys share a call. What several events write of one record is merged. A refused call is divided until
what is at fault stands alone; one that fails again and again is made in smaller and smaller parts. What Gainsight is
known to have needs no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import takewhile
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.ledger import Ledger, Reply, Write, response_of
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import LOOKS, Request
from gainsight_dest.errors import (
    CredentialsError,
    GainsightDestError,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.fields import GainsightObject
from gainsight_dest.gainsight import Response, folded, no_gsid, not_found_yet
from gainsight_dest.known.told import Digests, Learned, Told, newest
from gainsight_dest.outcome import OLDER, SENT_BEFORE, Outcome

#: The first records as one, as many as may be, and how many they are. None: nothing is merged.
Merge = Callable[[Iterable[Any]], tuple[Any, int]] | None


class Queue(NamedTuple):
    """What events write of one record, in their order.

    `exists`: whether Gainsight has the record; None: that is to be asked. `looks`: how often it is looked for before it
    is created again, as it may just have been created. `at`: how many of the writes are done. `until`, `width`: some
    were refused together; before the write of that number no more than so many are merged.

    `told`: what Gainsight was told of the record, whose digest is `record`; None: that is not known. `is_learnt`: it
    has changed in this batch, by what `lesson` says. `is_assumed`: that it `exists` is known from before, and Gainsight
    may say otherwise.
    """

    writes: tuple[Write, ...]
    exists: bool | None
    looks: int = 0
    at: int = 0
    until: int = 0
    width: int = 0
    record: bytes = b""
    told: Told | None = None
    is_learnt: bool = False
    lesson: Told | None = None
    is_assumed: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether the next write was refused together with others."""
        return self.at < self.until

    @property
    def is_to_be_created(self) -> bool:
        """Whether it is not there yet, as far as that is known, or may have been created just now."""
        return self.at < len(self.writes) and (self.exists is False or self.looks > 0)

    def head(self, merge: Merge) -> tuple[Any, int]:
        """The next writes as one record, and how many they are."""
        end = min(self.at + self.width, self.until) if self.is_narrow else len(self.writes)
        end = self._in_order(end) if self.record else end
        if merge is None or end == self.at + 1:
            return self.writes[self.at].record, 1
        return merge(self.writes[place].record for place in range(self.at, end))

    def _in_order(self, end: int) -> int:
        """Up to the first write that is older than one before it: once that is told, this one is left out."""
        last = None if self.told is None else self.told.moment
        for place in range(self.at, end):
            moment = self.writes[place].moment
            if place > self.at and moment is not None and last is not None and moment < last:
                return place
            last = newest(last, moment)
        return end

    def moment(self, count: int) -> int | None:
        """When the newest of the next writes happened."""
        return reduce(newest, (write.moment for write in self.writes[self.at : self.at + count]), None)

    def events(self, count: int) -> list[int]:
        """Those of the next writes."""
        return [write.event for write in self.writes[self.at : self.at + count]]

    def past(self, count: int) -> Queue:
        """With the next writes done."""
        # For each call, and there may be 100,000: _replace would take three times as long.
        writes, exists, looks, at, *rest = self
        return Queue(writes, exists, looks, at + count, *rest)  # type: ignore[arg-type] # it is of various types

    def narrowed(self, count: int, width: int) -> Queue:
        """With the next writes in parts."""
        return self._replace(until=self.at + count, width=max(1, width))

    def tells(self, told: Told) -> Queue:
        """Once Gainsight was told that."""
        whole = told if self.told is None else self.told.then(told)
        if self.lesson is not None:
            lesson = self.lesson.then(told)
        elif self.told is None or self.told.is_blank:
            # For each record that was written: attrs.evolve would take three times as long.
            lesson = Told(told.key, told.fields, told.links, told.gsid, told.at, is_all=True, moment=whole.moment)
        else:
            lesson = told
        return self._replace(told=whole, is_learnt=True, lesson=lesson, is_assumed=False)

    def forgotten(self) -> Queue:
        """Once it is not known any more what Gainsight has. What stays is when it was told last."""
        told = None if self.told is None else self.told.only_time
        lesson = None if told is None else attrs.evolve(told, is_all=True)
        return self._replace(told=told, is_learnt=True, lesson=lesson)

    def confirmed(self, moment: int | None) -> Queue:
        """Once an event of that time has said what is known: it is still so then."""
        if self.told is None or newest(self.told.moment, moment) == self.told.moment:
            return self
        time = Told(self.told.key, moment=moment)
        lesson = time if self.lesson is None else self.lesson.then(time)
        return self._replace(told=self.told.then(time), is_learnt=True, lesson=lesson)

    def unassumed(self) -> Queue:
        """Once it is not known any more whether Gainsight has the record at all."""
        return self.forgotten()._replace(exists=None, is_assumed=False)


class Call(NamedTuple):
    """A request, and the events that it is for.

    `heads`: the queues that it takes from, by their numbers, each with the record, and of how many writes that is.
    `other`: the other half of a call that was refused. If this one is taken, that one holds what was refused.
    """

    request: Request
    events: tuple[int, ...]
    heads: tuple[tuple[int, Any, int], ...]
    other: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of its queues."""
        return tuple(number for number, _, _ in self.heads)


class Stage(NamedTuple):
    """A kind of calls, all of which a batch makes before those of the next kind.

    `writes`: what events write by such calls, given what each began with. `key`, `merge`: of their records. `of`: the
    object whose records they are, if they can be known. `exists`: what is known of each record at first, as of Queue.
    `sizes`: how many records go into a call that has failed so often; 0: one, and no more than a single event writes of
    it. `request`: that for the heads of queues like this one.
    """

    writes: Callable[[Sequence[Request | Outcome | None], Ledger], Iterable[Write]]
    key: Callable[[Any], str]
    merge: Merge
    of: GainsightObject | None
    exists: bool | None
    sizes: tuple[int, ...]
    request: Callable[[DestinationConfig, Queue, Sequence[Any]], Request]

    @property
    def halves(self) -> bool:
        """Whether what is refused is halved. Where a call takes one record alone, its events are sent one by one."""
        return self.sizes[0] > 1

    def size(self, failures: int, attempts: int) -> int:
        """The size after so many failures. Also if there are few attempts, the last one is of the last size."""
        last = len(self.sizes) - 1
        return self.sizes[min(last, failures * last // max(1, min(last, attempts - 1)))]


class Memory(NamedTuple):
    """What is known of records at first, by their digests, and what was learnt in the stages that are over.

    `again`: events that are to begin once more, without what was known: Gainsight may have said that it is not so.
    `only`: those that have begun once more; None: all are on their first way. `moments`: when events happened, as of
    Told; `sent`: by what it is kept that track events were sent; both by the events.
    """

    digests: Digests | None
    told: Mapping[bytes, Told]
    learned: Learned
    again: tuple[int, ...] = ()
    only: tuple[int, ...] | None = None
    moments: Mapping[int, int] = {}
    sent: Mapping[int, bytes] = {}

    def queue(self, stage: Stage, writes: Sequence[Write]) -> Queue:
        """That of what events write of one record in that stage."""
        if self.digests is None or stage.of is None:
            return Queue(tuple(writes), stage.exists)
        if self.moments:
            writes = [write._replace(moment=self.moments.get(write.event)) for write in writes]
        first = writes[0].record
        record = self.digests.record(stage.of.identity(stage.key(first)))
        told = self.told.get(record)
        is_there = told is not None and told.gsid is not None and told.key == self.digests.key(stage.of, first)
        is_assumed = is_there and stage.exists is None
        return Queue(tuple(writes), is_assumed or stage.exists, record=record, told=told, is_assumed=is_assumed)

    def after(self, queues: Iterable[Queue]) -> Memory:
        """Once the stage of those is over."""
        learned = {each.record: each.lesson for each in queues if each.is_learnt}
        return self._replace(learned={**self.learned, **learned}) if learned else self

    def begun(self, all_begun: Sequence[Request | Outcome]) -> Sequence[Request | Outcome | None]:
        """What each event has begun with, if it is on its way."""
        if self.only is None:
            return all_begun
        only = {*self.only}
        return [each if event in only else None for event, each in enumerate(all_begun)]

    def once_more(self, only: Sequence[int]) -> Memory:
        """With those events on their way once more."""
        times = ((record, told.only_time) for record, told in self.told.items())
        told = {record: each for record, each in times if each is not None}
        return self._replace(told=told, again=(), only=tuple(only))

    def was_sent(self, write: Write) -> bool:
        """Whether it is known that the track event was sent."""
        return self.sent.get(write.event) in self.told


NOTHING_KNOWN = Memory(None, {}, {})


class Turn:
    """One turn of a batch: takes the answers to its calls, and makes the next ones.

    `number`: of the stage; `queues` and `calls` are those of that stage. Without calls nothing more is to be sent.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        number: int,
        queues: Iterable[Queue],
        config: DestinationConfig,
        ledger: Ledger,
        memory: Memory,
    ) -> None:
        self.number = number
        self.queues = [*queues]
        self.calls: list[Call] = []
        self.memory = memory
        self._stages = stages
        self._stage = stages[number]
        self._config = config
        self._ledger = ledger
        self._free: list[int] = []
        self._has_ended = False

    def take(self, calls: Sequence[Call], replies: Mapping[int, Reply], begun: Sequence[Request | Outcome]) -> None:
        """Take the answers to calls, and make the next ones: of this stage, or the first after it that has any.

        `replies`: by the places of the calls. The others stay where they are.
        """
        done = 0
        for place in sorted(replies):
            call, reply = calls[place], replies[place]
            self.calls += calls[done:place]
            done = place + 1
            self._ledger.called(call.events, reply)
            if reply.news:
                self._renew(call, reply.news)
            elif reply.answer is None:
                self.calls.append(call)
            else:
                self._take(call, reply, reply.answer)
        self.calls += calls[done:]
        if self._has_ended:
            self.memory = self.memory.after(self.queues)
            self.number, self.queues, self.calls = len(self._stages) - 1, [], []
            return
        self._make_calls()
        while not self.calls and (self.number < len(self._stages) - 1 or self.memory.again):
            self._begin_stage(begun)
            self._make_calls()

    def _renew(self, call: Call, news: Mapping[bytes, Told]) -> None:
        """The call was not made, as others have told something meanwhile: it is made anew by that."""
        self.memory = self.memory._replace(told={**self.memory.told, **news})
        for number in call.numbers:
            queue = self.queues[number]
            self.queues[number] = queue._replace(told=news.get(queue.record, queue.told))
            self._free.append(number)
        self._call_other(call)

    def _begin_stage(self, begun: Sequence[Request | Outcome]) -> None:
        """The next one, or the first, for what is to begin once more."""
        self.memory = self.memory.after(self.queues)
        self.number += 1
        if self.number == len(self._stages):
            self.number, only = 0, self._of_their_records(self.memory.again, begun)
            self._ledger.begin_again(only)
            self.memory = self.memory.once_more(only)
        self._stage = self._stages[self.number]
        by_key: dict[str, list[Write]] = {}
        for write in self._stage.writes(self.memory.begun(begun), self._ledger):
            by_key.setdefault(folded(self._stage.key(write.record)), []).append(write)
        self.queues = [self.memory.queue(self._stage, writes) for writes in by_key.values()]
        self._free = [*range(len(self.queues))]

    def pass_by(self, begun: Sequence[Request | Outcome]) -> None:
        """Begin the next stage, and pass what is known, without any calls."""
        self._begin_stage(begun)
        for number in self._free:
            self._has_more(number)

    def _of_their_records(self, again: Sequence[int], begun: Sequence[Request | Outcome]) -> list[int]:
        """All events that write a record of the first stage which one of these writes.

        In their order, so that no older value is written over a newer one.
        """
        first = self._stages[0]
        keys = {write.event: folded(first.key(write.record)) for write in first.writes(begun, self._ledger)}
        chosen = {keys[event] for event in again}
        return [event for event, key in keys.items() if key in chosen]

    def _make_calls(self) -> None:
        """Make the calls for all records that are free to go together with any others of which as much is known."""
        together: dict[tuple[bool | None, int, int], list[int]] = {}
        for number in self._ready():
            queue = self.queues[number]
            if queue.is_narrow or not self._stage.halves:
                self._call((number,))
            else:
                most = self._size(queue.writes[queue.at].event) or 1
                together.setdefault((queue.exists, queue.looks, most), []).append(number)
        for (*_, most), numbers in together.items():
            for start in range(0, len(numbers), most):
                self._call(numbers[start : start + most])

    def _ready(self) -> list[int]:
        """The records to make calls for. Those that are assumed to be there wait for all that are looked for.

        So that they are saved together.
        """
        ready = [*filter(self._has_more, self._free)]
        if self._stage.exists is not None or not self.memory.told:
            return ready
        firsts = (*ready, *(call.heads[0][0] for call in self.calls))
        if any(self.queues[number].exists is None for number in firsts):
            return [number for number in ready if not self.queues[number].is_assumed]
        under_way = {*ready, *(number for call in self.calls for number in call.numbers)}
        waiting = (
            number
            for number, queue in enumerate(self.queues)
            if queue.is_assumed and queue.at < len(queue.writes) and number not in under_way
        )
        return [*ready, *waiting]

    def _has_more(self, number: int) -> bool:
        """Whether something of the record is to be sent, once what Gainsight is known to have is passed."""
        if self._stage.of is None:
            return self._has_unsent(number)
        queue = self.queues[number]
        while queue.exists and queue.told is not None and (queue.told.gsid or self._stage.exists):
            record, count = self._head(queue)
            reason = None
            if (told := self._told(record)) is None or not queue.told.covers(told):
                if not self._is_older(queue, record):
                    break
                reason, count = OLDER, 1
            passed, moment = queue.writes[queue.at : queue.at + count], queue.moment(count)
            self._ledger.saved(passed, queue.told.gsid, is_assumed=queue.is_assumed, reason=reason)
            queue = self.queues[number] = self._respelled(queue, queue.confirmed(moment).past(count))
            if queue.at == len(queue.writes):
                return False
        return True

    def _has_unsent(self, number: int) -> bool:
        """The same of track events, which are passed if they were sent before."""
        queue = first = self.queues[number]
        while queue.at < len(queue.writes) and self.memory.was_sent(queue.writes[queue.at]):
            queue = queue.past(1)
        self._ledger.saved(queue.writes[first.at : queue.at], None, reason=SENT_BEFORE)
        self.queues[number] = queue
        return queue.at < len(queue.writes)

    def _is_older(self, queue: Queue, record: Any) -> bool:
        """Whether the next write of the queue, which is the record, is older than what Gainsight was told of it."""
        moment = queue.writes[queue.at].moment
        if queue.told is None or moment is None:
            return False
        key = self._key_of(record)
        return key is not None and Told(key, moment=moment).is_older_than(queue.told)

    def _key_of(self, record: Any) -> bytes | None:
        digests, of = self.memory.digests, self._stage.of
        return None if digests is None or of is None else digests.key(of, record)

    def _told(self, record: Any, gsid: str | None = None, moment: int | None = None) -> Told | None:
        """What Gainsight is told by the record; None where nothing is to be known of it."""
        digests, of = self.memory.digests, self._stage.of
        return None if digests is None or of is None else digests.told(of, record, gsid, moment)

    def _size(self, event: int) -> int:
        return self._stage.size(self._ledger.of(event).failures, self._ledger.attempts)

    def _call(self, numbers: Sequence[int], other: tuple[int, ...] = ()) -> None:
        heads = [(number, *self._written(self.queues[number])) for number in numbers]
        events = [event for number, _, count in heads for event in self.queues[number].events(count)]
        request = self._stage.request(self._config, self.queues[numbers[0]], [record for _, record, _ in heads])
        self.calls.append(Call(request, tuple(events), tuple(heads), other))

    def _head(self, queue: Queue) -> tuple[Any, int]:
        """What goes into a call: the next writes as one record, and how many. A question is for all of the same key."""
        return queue.head(self._of_one_key if queue.exists is None else self._stage.merge)

    def _written(self, queue: Queue) -> tuple[Any, int]:
        """What is written by a call: the head; of a company that is older, only its key, to be told its Gsid."""
        record, count = self._head(queue)
        if queue.exists and self._stage.exists is None and self._is_older(queue, record):
            return self._only_key(record), 1
        return record, count

    def _only_key(self, record: Any) -> Any:
        of = self._stage.of
        return record if of is None else {of.key: record[of.key]}

    def _of_one_key(self, records: Iterable[Any]) -> tuple[Any, int]:
        first, *others = records
        keys = takewhile(self._stage.key(first).__eq__, map(self._stage.key, others))
        return first, 1 + sum(1 for _ in keys)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _take(self, call: Call, reply: Reply, answer: Response | Exception) -> None:
        try:
            said = reply.said if reply.is_read else call.request.read(response_of(call.request.action, answer))
        except (RetryableError, CredentialsError) as error:
            is_wrong_key = isinstance(error, CredentialsError)
            self._has_ended |= is_wrong_key
            for number, _, count in call.heads:
                self._lose(number, count, self.queues[number], error, is_over=is_wrong_key or reply.is_final)
            self._call_other(call)
        except GainsightDestError as error:
            self._refused(call, error)
            self._call_other(call)
        else:
            self._taken(call, said)
            if call.other:
                self._blame(call.other)

    def _taken(self, call: Call, said: Any) -> None:
        """Gainsight took it. `said`: the keys that it told of, with the Gsids of those that were saved, or None."""
        is_question = self.queues[call.heads[0][0]].exists is None
        if is_question and said is None:
            for half in _halves(call.numbers):
                self._call(half)
            return
        for number, record, count in call.heads:
            queue = self.queues[number]
            key = None if said is None else self._key(queue)
            if said is None or key in said:
                if not is_question:
                    queue = self._saved(queue, record, count, said and said[key])
                self._go_on(number, queue if queue.exists else queue._replace(exists=True, looks=0))
            elif not is_question:
                self._lose(number, count, queue, no_gsid(call.request.action))
            elif queue.looks:
                queue = queue._replace(looks=queue.looks - 1)
                self._lose(number, count, queue, not_found_yet(call.request.action))
            else:
                self._go_on(number, queue.forgotten()._replace(exists=False))

    def _saved(self, queue: Queue, record: Any, count: int, gsid: str | None) -> Queue:
        # What was passed before is there, too, and has this Gsid.
        first = 0 if queue.is_assumed else queue.at
        self._ledger.saved(queue.writes[first : queue.at + count], gsid)
        if told := self._told(record, gsid, queue.moment(count)):
            queue = queue.tells(told)
        queue = queue.past(count)
        rest = queue.until - queue.at
        # They were refused together, and these are taken: one of the rest is at fault.
        return queue.narrowed(rest, min(queue.width, rest // 2)) if rest > 0 else queue

    def _refused(self, call: Call, error: GainsightDestError) -> None:
        """Gainsight refused the call: the record at fault has to be found."""
        (number, _, count), *others = call.heads
        queue = self.queues[number]
        if any(self.queues[each].is_assumed for each in call.numbers):
            for each in call.numbers:  # it may not be there any more: all of it is to be written anew
                known = self.queues[each]
                self._go_on(each, known.unassumed()._replace(at=0) if known.is_assumed else known)
        elif others and (suspects := _suspects(call, error)):
            self._call([each for each in call.numbers if each not in suspects])
            self._call(suspects)
        elif others:
            self._blame(call.numbers)
        elif count > 1 and queue.exists is not None:
            # It may be refused for what is known to be there, and is not any more.
            self._go_on(number, queue.forgotten().narrowed(count, count // 2 if self._stage.halves else 1))
        else:
            events = queue.events(count)
            again = [event for event in events if self._ledger.of(event).is_assumed]
            self.memory = self.memory._replace(again=(*self.memory.again, *again))
            self._ledger.fail([event for event in events if event not in again], error)
            queue = queue.forgotten().past(count)
            self._go_on(number, queue._replace(until=0) if self._stage.halves else queue)

    def _lose(self, number: int, count: int, queue: Queue, error: GainsightDestError, *, is_over: bool = False) -> None:
        events = queue.events(count)
        was_assumed = queue.is_assumed
        if not isinstance(error, ThrottledError) and queue.exists is not None:
            queue = queue.unassumed() if was_assumed else queue.forgotten()
        if queue.exists is False:  # it may have been created
            may_be_there = isinstance(error, RetryableError) and error.is_lost and self._ledger.attempts > LOOKS + 1
            queue = queue._replace(exists=None, looks=LOOKS if may_be_there else 0)
        if self._ledger.lose(events, error, is_over=is_over):
            queue = queue.past(count)
        elif was_assumed and not queue.is_assumed:  # all of it is to be written, if it is not there any more
            queue = queue._replace(at=0)
        elif count > 1 and not any(map(self._size, events)):
            queue = queue.narrowed(count, 1)
        self._go_on(number, queue)

    def _go_on(self, number: int, queue: Queue) -> None:
        self.queues[number] = self._respelled(self.queues[number], queue)
        if queue.at < len(queue.writes):
            self._free.append(number)

    def _respelled(self, before: Queue, queue: Queue) -> Queue:
        """The queue after that one. Another spelling of its key: Gainsight may or may not take it for the same record.

        That is asked again.
        """
        is_next = self._stage.exists is None and before.at < queue.at < len(queue.writes)
        if is_next and self._key(queue) != self._key(before):
            return queue._replace(exists=None, looks=0, is_assumed=False)
        return queue

    def _key(self, queue: Queue) -> str:
        return self._stage.key(queue.writes[queue.at].record)

    def _call_other(self, call: Call) -> None:
        if call.other:
            self._call(call.other)

    def _blame(self, numbers: tuple[int, ...]) -> None:
        """One of these, at least, is at fault."""
        first, second = _halves(numbers)
        self._call(first or second, second if first else ())


def _halves(numbers: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:]


def _suspects(call: Call, error: GainsightDestError) -> list[int]:
    """Those that hold a value that Gainsight names as refused; none where that does not tell them from others."""
    refused = error.field_errors if isinstance(error, ResponseError) else ()
    values = [(each.field, each.value) for each in refused if each.value is not None]
    suspects = [
        number for number, record, _ in call.heads if any(record.get(field) == value for field, value in values)
    ]
    return suspects if len(suspects) < len(call.heads) else []
