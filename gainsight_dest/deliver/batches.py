"""The delivery of some events as one batch: which requests go side by side, and the outcomes in order.

It does no I/O: whoever drives it runs the flows, and writes the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from gainsight_dest.batching.batch import Batch, Due, Reply, transform_batch
from gainsight_dest.batching.stages import COMPANIES
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.flow import Consult, Flow, Run, give_back, request_flow
from gainsight_dest.deliver.order import Lanes
from gainsight_dest.errors import EventError
from gainsight_dest.known.known import SharedKnowledge, new_owner
from gainsight_dest.known.told import Digests, Learned, Told
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status
from gainsight_dest.templates import Settings

#: What may stand in a stream of events.
Item = Event | EventError | PreparedEvent


class ChunkDelivery:
    """The delivery of some events as one batch, but for those whose outcomes are `known` already.

    ```python
    while flows := delivery.flows(run):
        delivery.take([drive(flow) for flow in flows])
        drive(delivery.give_back(run))
        for outcome, event in delivery.settle():
            journal.add(outcome, event)
        yield from delivery.front()
    drive(delivery.end(run))
    yield from delivery.rest()
    ```

    An outcome is settled once no earlier event that shares a person or company with it is open: if the run is cut off,
    the open ones are sent again without putting older values over newer ones. `at_once`: calls for people that are made
    before that is done; those that have failed come last, so that none waits for them. Calls for companies, which are
    few, go together: what is found together is saved together.
    """

    def __init__(
        self,
        chunk: Sequence[tuple[int, Item]],
        known: Sequence[Outcome | None],
        config: DestinationConfig | Settings,
        *,
        attempts: int,
        at_once: int,
        told: SharedKnowledge | None = None,
        tracks_once: bool = False,
        now: float = 0.0,
    ) -> None:
        self._chunk = chunk
        self._at_once = at_once
        self._outcomes = [*known]
        self._places = [place for place, outcome in enumerate(known) if outcome is None]
        events = [chunk[place][1] for place in self._places]
        how: dict[str, Any] = {"attempts": attempts, "known": told, "tracks_once": tracks_once}
        #: When records were told last, as the store has noted it already.
        self._batch, self._times = _confirmed(partial(transform_batch, events, config, **how), told, now)
        self._before = self._batch
        #: Who has leases; which companies are to be created, and so kept; which requests were sent.
        self._owner = new_owner()
        self._held: set[bytes] = set()
        self._sent: list[Due] = []
        self._due: list[Due] = []
        #: Events that are not settled, each behind those before it that share a record with it. First of all those that
        #: are behind none, and of which something has changed since they were looked at last.
        self._lanes: Lanes[int] = Lanes()
        numbers = range(len(self._places))
        self._first = {number for number in numbers if self._lanes.enter(number, self._batch.records(number))}
        self._changed = {*self._first}
        #: How many outcomes have been given.
        self._given = 0
        self._ahead: Counter[tuple[str | None, str]] = Counter()

    def flows(self, run: Run) -> list[Flow[Reply]]:
        """What goes side by side now; nothing: all is done."""
        self._due = self._batch.due(None if self._batch.stage is COMPANIES else self._at_once)
        writes = map(self._batch.writes, (each.place for each in self._due))
        return [
            request_flow(run, each.request, each.failures, each.waited, self._owner, its)
            for each, its in zip(self._due, writes, strict=True)
        ]

    def take(self, replies: Sequence[Reply]) -> None:
        """The replies of the flows, in their order."""
        both = [*zip(self._due, replies, strict=True)]
        self._before, self._batch = self._batch, self._batch.after({due.place: reply for due, reply in both})
        self._sent = [due for due, reply in both if reply.calls or reply.answer]
        self._changed |= self._batch.changed

    def give_back(self, run: Run) -> Flow[None]:
        """Gives back the records that the last replies are about, with what was learnt; but what is to be created.

        Whoever has one of those never waits for another: a call for them is for none but them.
        """
        if run.digests is None:
            return
        learned = self._batch.lessons(self._before, [due.place for due in self._sent])
        self._held = self._held_after(learned, run.digests) if self._before.stage is COMPANIES else set()
        is_over = self._before.stage is COMPANIES and not self._held
        yield from give_back(run, learned, self._owner, is_last=is_over)

    def _held_after(self, learned: Learned, digests: Digests) -> set[bytes]:
        sent = {record for due in self._sent for record in digests.records(due.request.records)}
        return (self._held | sent) - learned.keys()

    def end(self, run: Run) -> Flow[None]:
        """Gives back all that is left. What was to be created may be there.

        What events of a later time have said again is known for that time.
        """
        yield from give_back(run, dict.fromkeys(self._held), self._owner, is_last=True)
        self._held.clear()
        learned = self._batch.learned.items()
        again = {
            record: told
            for record, told in learned
            if told
            and told.is_blank
            and not told.is_all
            and told.moment is not None
            and self._times.get(record) != told
        }
        if again:
            now = run.now
            yield Consult(lambda store: store.learn(again, now))

    def settle(self) -> Iterator[tuple[Outcome, Item]]:
        """The outcomes that are settled now, with their events: to be recorded."""
        for number in self._settled():
            place = self._places[number]
            yield self._put(place, self._batch.outcome(number)), self._chunk[place][1]

    def _settled(self) -> list[int]:
        """Those that are settled now, in order. Each is looked at no more often than something changes."""
        settled = []
        changed, self._changed = [*self._changed & self._first], set()
        while changed:
            number = changed.pop()
            if self._batch.is_settled(number):
                settled.append(number)
                self._first.discard(number)
                following = self._lanes.leave(number)
                self._first.update(following)
                changed += following
        return sorted(settled)

    def front(self) -> Iterator[Outcome]:
        """The next outcomes that are there, and all before them."""
        while self._given < len(self._chunk) and (outcome := self._outcomes[self._given]) is not None:
            self._given += 1
            self._count(outcome, -1)
            yield outcome

    def rest(self) -> Iterator[Outcome]:
        """All that are left, of a run that has ended: settled or not."""
        for place, outcome in zip(self._places, self._batch.outcomes, strict=True):
            if self._outcomes[place] is None:
                self._put(place, outcome)
        yield from self.front()

    @property
    def ahead(self) -> Counter[tuple[str | None, str]]:
        """Events that are through while their outcomes wait for others before them: by type and status.

        Those that the journal knows are not among them.
        """
        return +self._ahead.copy()  # it may change meanwhile: a copy is made at once

    @property
    def failed_ahead(self) -> list[Outcome]:
        """The outcomes of those that have failed."""
        waiting = self._outcomes[self._given :]
        return [each for each in waiting if each is not None and each.status is Status.FAILED and not each.resumed]

    def _put(self, place: int, outcome: Outcome) -> Outcome:
        """Keep the outcome in its place."""
        placed = self._outcomes[place] = attrs.evolve(outcome, index=self._chunk[place][0])
        self._count(placed, 1)
        return placed

    def _count(self, outcome: Outcome, times: int) -> None:
        if not outcome.resumed:
            self._ahead[outcome.type, str(outcome.status)] += times


def _confirmed(
    make: Callable[[], Batch], told: SharedKnowledge | None, now: float
) -> tuple[Batch, Mapping[bytes, Told]]:
    """The batch, once the store has noted the times of events that say what is known, and these times.

    If others have told something meanwhile, it is made anew by that.
    """
    while True:
        batch = make()
        seen, times = batch.confirmed()
        if told is None or not times:
            return batch, times
        with told.at_once():
            if told.view(seen) == seen:
                told.learn(times, now)
                return batch, times
