"""The delivery of some events as one batch: which requests go side by side, and the outcomes in order.

It does no I/O: whoever drives it runs the flows, and writes the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from gainsight_dest.batching.batch import Reply, transform_batch
from gainsight_dest.batching.stages import COMPANIES, TRACK_EVENTS
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.flow import Flow, Run, give_back, request_flow
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import EventError
from gainsight_dest.known.known import Knowledge, new_owner
from gainsight_dest.known.told import Digests, Learned
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
        told: Knowledge | None = None,
    ) -> None:
        self._chunk = chunk
        self._at_once = at_once
        self._outcomes = [*known]
        self._places = [place for place, outcome in enumerate(known) if outcome is None]
        events = [chunk[place][1] for place in self._places]
        self._batch = self._before = transform_batch(events, config, attempts=attempts, known=told)
        #: Who has leases; which companies are to be created, and so kept; which requests were sent.
        self._owner = new_owner()
        self._held: set[bytes] = set()
        self._sent: list[int] = []
        self._requests: tuple[Request, ...] = ()
        self._chosen: list[int] = []
        self._open = list(range(len(self._places)))
        self._in_order = False
        #: How many outcomes have been given.
        self._given = 0
        self._ahead: Counter[tuple[str | None, str]] = Counter()

    def flows(self, run: Run) -> list[Flow[Reply]]:
        """What goes side by side now; nothing: all is done."""
        requests, failures, waited = self._batch.requests, self._batch.failures, self._batch.waited
        self._requests = requests
        self._chosen = sorted(range(len(requests)), key=failures.__getitem__)
        if self._batch.stage is not COMPANIES:
            del self._chosen[self._at_once :]
        # Track events go one by one: the one that is settled is the first of those that are open.
        self._in_order = self._batch.stage is TRACK_EVENTS
        return [request_flow(run, requests[each], failures[each], waited[each], self._owner) for each in self._chosen]

    def take(self, replies: Sequence[Reply]) -> None:
        """The replies of the flows, in their order."""
        given: list[Reply | None] = [None] * len(self._requests)
        for place, reply in zip(self._chosen, replies, strict=True):
            given[place] = reply
        self._before, self._batch = self._batch, self._batch.next(given)
        both = zip(self._chosen, replies, strict=True)
        self._sent = [place for place, reply in both if reply.calls or reply.answer]

    def give_back(self, run: Run) -> Flow[None]:
        """Gives back the records that the last replies are about, with what was learnt; but what is to be created.

        Whoever has one of those never waits for another: a call for them is for none but them.
        """
        if run.digests is None:
            return
        learned = self._batch.lessons(self._before, self._sent)
        self._held = self._held_after(learned, run.digests) if self._before.stage is COMPANIES else set()
        is_over = self._before.stage is COMPANIES and not self._held
        yield from give_back(run, learned, self._owner, is_last=is_over)

    def _held_after(self, learned: Learned, digests: Digests) -> set[bytes]:
        sent = {record for place in self._sent for record in digests.records(self._requests[place].records)}
        return (self._held | sent) - learned.keys()

    def end(self, run: Run) -> Flow[None]:
        """Gives back all that is left. What was to be created may be there."""
        yield from give_back(run, dict.fromkeys(self._held), self._owner, is_last=True)
        self._held.clear()

    def settle(self) -> Iterator[tuple[Outcome, Item]]:
        """The outcomes that are settled now, with their events: to be recorded."""
        settled = list(self._batch.settled(self._open[:1] if self._in_order else self._open))
        for number in settled:
            place = self._places[number]
            yield self._put(place, self._batch.outcome(number)), self._chunk[place][1]
        if self._in_order:
            del self._open[: len(settled)]
        else:
            done = {*settled}
            self._open = [number for number in self._open if number not in done]

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
