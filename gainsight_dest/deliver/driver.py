"""What drives the flows of a run, whatever client makes the calls: the budget, the waits, the journal, the counts."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.batches import ChunkDelivery, Item
from gainsight_dest.deliver.budget import Budget, steady_clock
from gainsight_dest.deliver.call import target_of
from gainsight_dest.deliver.flow import Answer, Ending, Flow, Hold, Run, Trouble, Wait
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.descriptors import Request
from gainsight_dest.outcome import Outcome, begin, known
from gainsight_dest.templates import Settings, for_one_tenant

_T = TypeVar("_T")

#: Events read ahead for each worker: enough that one which waits does not keep the others from work.
AHEAD = 32
#: Why a run waits for calls to be free, where it is not for an answer that it got.
BUDGET = "the budget of calls is used up"
#: The longest real sleep, in seconds: between two, a run that is to end does.
_NAP = 1.0


@attrs.frozen
class Waiting:
    """A wait for the tenant's budget, or to try again: until when, in seconds since the epoch, and why."""

    until: float
    reason: str


class Driver:
    """What Deliverer and AsyncDeliverer have in common: their settings, what they tell, and all but calls and sleep.

    `is_real`: whether a sleep takes the time that it should.
    """

    def __init__(
        self,
        config: DestinationConfig | Settings | Mapping[str, Any],
        base_url: str | None,
        workers: int,
        calls_per_minute: int | None,
        calls_per_day: int | None,
        budget: Budget | None,
        patience: Patience | None,
        silence: float,
        clock: Callable[[], float] | None,
        *,
        is_real: bool,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if silence <= 0:
            raise ValueError(f"silence must be above 0 seconds, not {silence}")
        self._settings, self.config = for_one_tenant(config)
        #: Calls made so far.
        self.calls = 0
        #: Seconds that calls have been waited with so far, for the budget or to try again; of each worker by itself.
        self.waited = 0.0
        started = time.time()
        self._clock = clock or (steady_clock if is_real else lambda: started + self.waited)
        self._nap = _NAP if is_real else float("inf")
        #: The address that calls go to.
        self.target = target_of(self.config, base_url)
        self.budget = budget or Budget(calls_per_minute, calls_per_day, self._clock)
        self._workers = workers
        self._run = Run(patience or Patience(), silence, self.target, random.random)
        self._noting: Callable[[], object] | None = None
        self._delivery: ChunkDelivery | None = None
        self._lock = threading.Lock()
        self._delayed = 0.0
        self._waiting_since = 0.0
        self._waits: dict[object, Waiting] = {}

    @property
    def ended(self) -> str | None:
        """Why the last run ended by itself before all was sent, in a sentence; None: it did not, or by a wrong key."""
        return self._run.ended

    @property
    def troubles(self) -> dict[str, Trouble]:
        """The calls that failed by what may pass so far, by the class of their errors."""
        return self._run.troubles

    @property
    def delayed(self) -> float:
        """Seconds, by the clock, in which a call was waited with so far, however many of them were at once."""
        with self._lock:
            return self._delayed + (self._clock() - self._waiting_since if self._waits else 0.0)

    @property
    def waiting(self) -> Waiting | None:
        """What the run is waiting for: the wait that ends first, if there is one."""
        with self._lock:
            return min(self._waits.values(), key=lambda wait: wait.until, default=None)

    @property
    def ahead(self) -> Counter[tuple[str | None, str]]:
        """Events of a batch that are through, while their outcomes wait for others before them: by type and status."""
        delivery = self._delivery
        return Counter() if delivery is None else delivery.ahead

    @property
    def failed_ahead(self) -> list[Outcome]:
        """The outcomes of those of them that have failed."""
        delivery = self._delivery
        return [] if delivery is None else delivery.failed_ahead

    def stop(self) -> None:
        """End the run from elsewhere: calls under way are finished, what is left is "not tried"."""
        self._run.is_stopped = True

    # --- what a run does --------------------------------------------------------------------------------------------

    def _begin(self, journal: Journal | None) -> None:
        self._run.begin()
        self._noting = None if journal is None else journal.called

    def _acts(self, flow: Flow[_T]) -> Generator[Request | float, Answer, _T]:
        """What a flow needs done: requests to send, and seconds to sleep."""
        answer: Answer = None
        while True:
            with self._lock:
                self._run.now = self._clock()
                try:
                    step = flow.send(answer)
                except StopIteration as end:
                    result: _T = end.value
                    return result
            answer = None
            if isinstance(step, Hold):
                self.budget.hold(step.seconds)
            elif isinstance(step, Wait):
                yield from self._naps(step)
            else:
                while not self._run.is_stopped and (seconds := self.budget.take()):
                    yield from self._naps(Wait(seconds, BUDGET))
                if not self._run.is_stopped:
                    self._note_call()
                    answer = yield step.request

    def _note_call(self) -> None:
        if self._noting is not None:
            self._noting()
        with self._lock:
            self.calls += 1

    def _naps(self, wait: Wait) -> Iterator[float]:
        """A wait in pieces, so that a run that is to end does."""
        me = object()
        with self._lock:
            now = self._clock()
            if not self._waits:
                self._waiting_since = now
            self._waits[me] = Waiting(now + wait.seconds, wait.reason)
        left = wait.seconds
        try:
            while left > 0 and not self._run.is_stopped:
                nap = min(left, self._nap)
                yield nap
                left -= nap
                with self._lock:
                    self.waited += nap
        finally:
            with self._lock:
                del self._waits[me]
                if not self._waits:
                    self._delayed += self._clock() - self._waiting_since

    # --- one event, one batch ---------------------------------------------------------------------------------------

    def _first(self, index: int, event: Item, journal: Journal | None) -> Request | Outcome:
        """The event's first request, or its outcome where that is known before anything is sent."""
        if journal is not None and (found := journal.find(index, event)):
            return found
        first = begin(index, event, self._settings)
        if journal is not None and isinstance(first, Outcome):
            journal.add(first, event)
        return first

    def _last(self, index: int, event: Item | None, ending: Ending, journal: Journal | None) -> Outcome:
        """The event's outcome, recorded if it is settled."""
        outcome = known(index, event, **ending._asdict())
        if journal is not None and outcome.is_settled:
            journal.add(outcome, event)
        return outcome

    def _chunk(self, chunk: Sequence[tuple[int, Item]], journal: Journal | None) -> ChunkDelivery:
        """The delivery of a batch, with what is settled from the beginning."""
        found = [None if journal is None else journal.find(index, event) for index, event in chunk]
        how = {"attempts": self._run.patience.attempts, "at_once": self._workers}
        delivery = self._delivery = ChunkDelivery(chunk, found, self._settings, **how)
        self._record(delivery, journal)
        return delivery

    def _record(self, delivery: ChunkDelivery, journal: Journal | None) -> None:
        for outcome, event in delivery.settle():
            if journal is not None:
                journal.add(outcome, event)

    def _end_run(self) -> None:
        self._run.is_stopped = True  # whoever waits for a retry or the budget gives up
        self._delivery = None


def check_batch(batch: int | None, linger: float | None) -> None:
    """Raises ValueError for what cannot be."""
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    if linger is not None and (batch is None or linger < 0):
        raise ValueError("linger is for how many seconds, from 0, a batch waits: it needs batch")
