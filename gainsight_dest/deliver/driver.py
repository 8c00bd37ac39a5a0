"""What drives the flows of a run, whatever client makes the calls: the budget, the waits, the journal, the counts."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from math import inf
from typing import Any, Generic, TypeVar

import attrs

from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.batching.moments import microseconds
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.batches import ChunkDelivery, Item
from gainsight_dest.deliver.budget import Budget, SharedBudget, steady_clock
from gainsight_dest.deliver.call import DEADLINE, TIMEOUT, Timeout, target_of
from gainsight_dest.deliver.flow import (
    NO_FACTS,
    SILENCE,
    Answer,
    Consult,
    Ending,
    Facts,
    Flow,
    Hold,
    Run,
    Trouble,
    Wait,
    event_flow,
)
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.patience import Patience, above_0, at_least_1
from gainsight_dest.descriptors import Request, checked_base_url
from gainsight_dest.known.known import LEASE, Store
from gainsight_dest.known.told import Digests, Learned, Told
from gainsight_dest.outcome import Outcome, PreparedEvent, begin, text_of
from gainsight_dest.outcome import known as outcome_of
from gainsight_dest.templates import Settings, for_one_tenant, of_one_tenant

#: What has to be done for a flow.
Act = Request | float | Callable[[], Any]
_T = TypeVar("_T")
_Step = TypeVar("_Step")

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


@attrs.define(kw_only=True, eq=False, repr=False, slots=False)
class Driver:
    """What Deliverer and AsyncDeliverer have in common: their settings, what they tell, and all but calls and sleep."""

    _config: DestinationConfig | Settings = attrs.field(converter=of_one_tenant)
    _base_url: str | None = attrs.field(default=None, converter=attrs.converters.optional(checked_base_url))
    _workers: int = attrs.field(default=1, validator=at_least_1)
    _calls_per_minute: int | None = CALLS_PER_MINUTE
    _calls_per_day: int | None = CALLS_PER_DAY
    _timeout: Timeout = TIMEOUT
    _sleep: Callable[[float], Any]
    _clock: Callable[[], float] | None = None
    _patience: Patience | None = None
    _budget: Budget | None = None
    _silence: float = attrs.field(default=SILENCE, validator=above_0)
    _deadline: float = attrs.field(default=DEADLINE, validator=above_0)
    _known: Store | None = None
    _resend_after: float | None = attrs.field(default=None, validator=attrs.validators.optional(above_0))
    _tracks_once: bool = False
    #: That by which all events are sent.
    config: DestinationConfig = attrs.field(init=False)
    #: The address that calls go to.
    target: str = attrs.field(init=False)
    budget: Budget | SharedBudget = attrs.field(init=False)
    #: Calls made so far.
    calls: int = attrs.field(default=0, init=False)
    #: Seconds that calls have been waited with so far, for the budget or to try again; of each worker by itself.
    waited: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.config = for_one_tenant(self._config)[1]
        started, takes_time = time.time(), self._sleep in (time.sleep, asyncio.sleep)
        self._now = self._clock or (steady_clock if takes_time else lambda: started + self.waited)
        self._nap = _NAP if takes_time else float("inf")
        self.target = target_of(self.config, self._base_url)
        self._told = None if self._known is None else ToldTo(self._known, self._base_url)
        self._run = Run(self._patience or Patience(), self._silence, self.target, random.random)
        limits = self._calls_per_minute, self._calls_per_day
        if self._told is not None:
            self._run.digests = self._told.digests(self.config)
            self._run.resend_after = inf if self._resend_after is None else self._resend_after
            if self._budget is None:
                self.budget = SharedBudget(self._told.store, self._run.digests.tenant, *limits)
                self._run.pay = self.budget.take
            else:
                self.budget = self._budget
        elif self._resend_after is not None or self._tracks_once:
            name = "tracks_once" if self._resend_after is None else "resend_after"
            raise ValueError(f"{name} is for what is known: it needs known")
        else:
            self.budget = self._budget or Budget(*limits, self._now)
        self._renewed_at = -inf
        #: What calls are noted in.
        self._journal: Journal | None = None
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
            return self._delayed + (self._now() - self._waiting_since if self._waits else 0.0)

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

    def _begin(self, journal: Journal | None) -> Run:
        """A run of its own: whoever left another early, and has not closed it, does not stop this one by that."""
        self._run = self._run.another()
        self._journal = journal
        return self._run

    def _acts(self, run: Run, flow: Flow[_T]) -> Generator[Act, Answer, _T]:
        """What a flow of the run needs done: requests to send, seconds to sleep, functions to call, which may block.

        It is sent the answers to the first, and what the last give.
        """
        answer: Answer = None
        while True:
            with self._lock:
                run.now = self._now()
                step = next_of(flow, answer)
            answer = None
            if isinstance(step, Done):
                return step.value
            if isinstance(step, Hold):
                yield from self._blocking(partial(self.budget.hold, step.seconds))
            elif isinstance(step, Wait):
                yield from self._naps(run, step)
            elif isinstance(step, Consult):
                store: Any = self._known
                answer = yield partial(step.ask, store)
            else:
                if not step.is_paid:
                    yield from self._pay(run)
                if not run.is_stopped:
                    if self._journal is not None:
                        self._journal.called()
                    with self._lock:
                        self.calls += 1
                    answer = yield step.request

    def _pay(self, run: Run) -> Generator[Act, Answer, None]:
        """Waits until the budget has counted a call, or the run is to end."""
        while not run.is_stopped and (seconds := (yield from self._blocking(self.budget.take))):
            yield from self._naps(run, Wait(seconds, BUDGET))

    def _blocking(self, ask: Callable[[], _T]) -> Generator[Act, Answer, _T]:
        """What the budget says, for which a shared one may have to wait."""
        if isinstance(self.budget, Budget):
            return ask()
        said: _T = yield ask
        return said

    def _naps(self, run: Run, wait: Wait) -> Iterator[Act]:
        """A wait in pieces, so that a run that is to end does."""
        me = object()
        with self._lock:
            now = self._now()
            if not self._waits:
                self._waiting_since = now
            self._waits[me] = Waiting(now + wait.seconds, wait.reason)
        left = wait.seconds
        try:
            while left > 0 and not run.is_stopped:
                nap = min(left, self._nap)
                yield nap
                left -= nap
                with self._lock:
                    self.waited += nap
                    now = self._now()
                    is_due = run.owners and now - self._renewed_at > LEASE / 3
                    self._renewed_at = now if is_due else self._renewed_at
                if is_due and self._known is not None:
                    yield partial(self._known.renew, tuple(run.owners))
        finally:
            with self._lock:
                del self._waits[me]
                if not self._waits:
                    self._delayed += self._now() - self._waiting_since

    # --- one event, one batch ---------------------------------------------------------------------------------------

    def _first(self, index: int, event: Item, journal: Journal | None) -> Request | Outcome:
        """The event's first request, or its outcome where that is known before anything is sent."""
        if journal is not None and (found := journal.find(index, event)):
            return found
        first = begin(index, event, self._config)
        return _recorded(first, event, journal) if isinstance(first, Outcome) else first

    def _flow(self, run: Run, event: Item | None, request: Request) -> Flow[Ending]:
        """That of the event, which begins with the request."""
        facts = NO_FACTS
        if run.digests is not None and request.records:
            facts = Facts(microseconds(event.event if isinstance(event, PreparedEvent) else event))
        elif run.digests is not None and self._tracks_once and (message_id := text_of(event, "messageId")):
            facts = Facts(None, run.digests.sent(message_id))
        return event_flow(run, request, facts)

    def _last(self, index: int, event: Item | None, ending: Ending, journal: Journal | None) -> Outcome:
        """The event's outcome, recorded if it is settled."""
        return _recorded(outcome_of(index, event, **ending._asdict()), event, journal)

    def _chunk(self, chunk: Sequence[tuple[int, Item]], journal: Journal | None) -> ChunkDelivery:
        """The delivery of a batch, with what is settled from the beginning."""
        found = [None if journal is None else journal.find(index, event) for index, event in chunk]
        with self._lock:
            self._run.now = self._now()  # no step has said it yet, or long ago
        patience, told = self._run.patience, self._told and self._told.since(self._run.since)
        delivery = self._delivery = ChunkDelivery(
            chunk,
            found,
            self._config,
            attempts=patience.attempts,
            at_once=self._workers,
            told=told,
            tracks_once=self._tracks_once,
            now=self._run.now,
        )
        self._settle(delivery, journal)
        return delivery

    def _settle(self, delivery: ChunkDelivery, journal: Journal | None) -> None:
        for outcome, event in delivery.settle():
            _recorded(outcome, event, journal)

    def _end(self, run: Run) -> None:
        run.is_stopped = True  # whoever waits for a retry or the budget gives up
        if run is self._run:
            self._delivery = None


@attrs.frozen
class ToldTo:
    """What a store knows of what was told to a host, since then. A sandbox and a tenant are two hosts."""

    store: Store
    base_url: str | None
    moment: float = -inf

    def digests(self, config: DestinationConfig) -> Digests:
        """Those of the config's tenant there."""
        return self.store.digests(config if self.base_url is None else config.at(self.base_url))

    def view(self, records: Iterable[bytes]) -> dict[bytes, Told]:
        """As of Store."""
        return self.store.view(records, self.moment)

    def at_once(self) -> AbstractContextManager[object]:
        """As of Store."""
        return self.store.at_once()

    def learn(self, learned: Learned, at: float) -> None:
        """As of Store."""
        self.store.learn(learned, at)

    def since(self, moment: float) -> ToldTo:
        """Only what was told since then."""
        return attrs.evolve(self, moment=moment)


@attrs.frozen
class Done(Generic[_T]):
    """The end of a generator, and what it has returned."""

    value: _T


def next_of(generator: Generator[_Step, Answer, _T], answer: Answer) -> _Step | Done[_T]:
    """What the generator asks for next, once it has the answer."""
    try:
        return generator.send(answer)
    except StopIteration as end:
        return Done(end.value)


def _recorded(outcome: Outcome, event: Item | None, journal: Journal | None) -> Outcome:
    if journal is not None and outcome.is_settled:
        journal.add(outcome, event)
    return outcome


def check_batch(batch: int | None, linger: float | None) -> None:
    """Raises ValueError for what cannot be."""
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    if linger is not None and (batch is None or linger < 0):
        raise ValueError("linger is for how many seconds, from 0, a batch waits: it needs batch")
