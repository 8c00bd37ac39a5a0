"""Delivery of a stream of events: side by side where they may, in order where they must, within the budget."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any

import attrs
import requests

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver import transport
from gainsight_dest.deliver.batches import Ask, ChunkDelivery, Place
from gainsight_dest.deliver.budget import Budget, steady_clock
from gainsight_dest.deliver.caller import Caller, Trouble, Waiting
from gainsight_dest.deliver.chunks import chunks, leave_signals_to_the_main_thread, lingering_chunks, until_broken
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.order import Lanes
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.send import DEADLINE, Sender, Timeout, target_of
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import EventError
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, begin
from gainsight_dest.outcome import known as told
from gainsight_dest.templates import Settings, for_one_tenant

#: Events read ahead for each worker: enough that one which waits does not keep the others from work.
AHEAD = 32


class Deliverer:
    """Delivers events to one destination, and says of each what became of it.

    `session`: a requests Session to use, else one of its own. `base_url`: where to send instead of the tenant's host,
    such as a sandbox on this machine. `workers`: calls under way at once; events that write the same person or company
    keep their order. `calls_per_minute`, `calls_per_day`: what may be used of the tenant's limits (None: no limit), or
    a `budget` that several share. `timeout`: seconds to connect, seconds without a byte of the answer; `deadline`:
    seconds for a whole call. `patience`: when to give up on an event. `silence`: when calls are made and none gets
    through for so many seconds, the run ends, and `ended` says why; throttling is no silence. `sleep` and `clock`
    (seconds since the epoch) are for tests: with a sleep of your own, no time passes but what is slept, unless a clock
    says otherwise. Raises ConfigError, ValueError.

    One `run` at a time. A context manager, which closes its own session.
    """

    def __init__(
        self,
        config: DestinationConfig | Settings | Mapping[str, Any],
        session: requests.Session | None = None,
        base_url: str | None = None,
        workers: int = 1,
        calls_per_minute: int | None = 100,
        calls_per_day: int | None = 50_000,
        timeout: Timeout = (5, 30),
        sleep: Callable[[float], object] = time.sleep,
        *,
        clock: Callable[[], float] | None = None,
        patience: Patience | None = None,
        budget: Budget | None = None,
        silence: float = 900.0,
        deadline: float = DEADLINE,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._settings, self.config = for_one_tenant(config)
        self._caller: Caller
        if silence <= 0:
            raise ValueError(f"silence must be above 0 seconds, not {silence}")
        started = time.time()
        if clock is None:
            clock = steady_clock if sleep is time.sleep else lambda: started + self._caller.slept
        #: The address that calls go to.
        self.target = target_of(self.config, base_url)
        self._own_session = None
        if session is None:
            session = self._own_session = transport.session(workers)
        self._delivery: ChunkDelivery | None = None
        self._workers = workers
        self._patience = patience or Patience()
        self.budget = budget or Budget(calls_per_minute, calls_per_day, clock)
        sender = Sender(session, base_url, timeout, deadline)
        name = self.target if sender.proxy is None else f"{self.target} by the proxy of {sender.proxy}"
        self._caller = Caller(sender, self.budget, self._patience, sleep, clock, silence=silence, name=name)

    def run(
        self,
        events: Iterable[Event | EventError | PreparedEvent],
        journal: Journal | None = None,
        *,
        batch: int | None = None,
        linger: float | None = None,
    ) -> Generator[Outcome, None, None]:
        """One outcome for each event, in order, while events are read as they are needed.

        An EventError may stand in for an event that could not be read, a PreparedEvent for one that has been
        transformed, by the same config. A credentials error ends the run, and so does silence: nothing more is sent,
        what is left comes out as not tried. With several workers up to 32 events a worker are read ahead, and an outcome may wait until
        the next event is there. What `journal` knows is not sent again.

        `batch`: merge so many events into the fewest calls: see `transform_batch`. `linger`: seconds after which a
        batch that is not full is sent; None: wait until it is. With it, events are read by a thread of their own, and
        when the run ends early, those that it has read are the last.

        Raises JournalError, ValueError, and whatever `events` raises; end the iterator early to stop.
        """
        if batch is not None and batch < 1:
            raise ValueError(f"batch must be at least 1, not {batch}")
        if linger is not None and (batch is None or linger < 0):
            raise ValueError("linger is for how many seconds, from 0, a batch waits: it needs batch")
        return self._run(events, journal, batch, linger)

    def _run(
        self,
        events: Iterable[Event | EventError | PreparedEvent],
        journal: Journal | None,
        batch: int | None,
        linger: float | None,
    ) -> Generator[Outcome, None, None]:
        self._caller.begin(None if journal is None else journal.called)
        if batch is not None:
            yield from self._in_batches(enumerate(events), journal, batch, linger)
            return
        jobs = (self._job(index, event, journal) for index, event in enumerate(events))
        if self._workers == 1:
            for job in jobs:
                yield job.known or self._carry_out(job, journal)
        else:
            broken: list[Exception] = []
            yield from self._side_by_side(until_broken(jobs, broken), journal)
            if broken:
                raise broken[0]

    def deliver(self, request: Request) -> Outcome:
        """One request, and those that follow it."""
        self._caller.begin()
        return self._carry_out(_Job(0, None, request), None)

    @property
    def calls(self) -> int:
        """Calls made so far."""
        return self._caller.calls

    @property
    def waited(self) -> float:
        """Seconds that calls have been waited with so far, for the budget or to try again; of each worker by itself."""
        return self._caller.slept

    @property
    def ended(self) -> str | None:
        """Why the last run ended by itself before all was sent, in a sentence; None: it did not, or by a wrong key."""
        return self._caller.ended

    @property
    def delayed(self) -> float:
        """Seconds, by the clock, in which a call was waited with so far, however many of them were at once."""
        return self._caller.delayed

    @property
    def troubles(self) -> dict[str, Trouble]:
        """The calls that failed by what may pass so far, by the class of their errors."""
        return self._caller.troubles

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

    @property
    def waiting(self) -> Waiting | None:
        """What the run is waiting for: the wait that ends first, if there is one."""
        return self._caller.waiting

    def stop(self) -> None:
        """End the run from elsewhere: calls under way are finished, what is left comes out as not tried."""
        self._caller.stopped.set()

    def close(self) -> None:
        """Close its own session."""
        if self._own_session is not None:
            self._own_session.close()

    def __enter__(self) -> Deliverer:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one event --------------------------------------------------------------------------------------------------

    def _job(self, index: int, event: Event | EventError | PreparedEvent, journal: Journal | None) -> _Job:
        """The event with its first request, or with its outcome where that is known before anything is sent."""
        if journal is not None and (known := journal.find(index, event)):
            return _Job(index, event, None, known)
        begun = begin(index, event, self._settings)
        if isinstance(begun, Request):
            return _Job(index, event, begun)
        if journal is not None:
            journal.add(begun, event)
        return _Job(index, event, None, begun)

    def _carry_out(self, job: _Job, journal: Journal | None) -> Outcome:
        """Sends what the event asks for, and gives its outcome."""
        way = self._caller.go(job.request)
        made = {"attempts": way.attempts if way.calls else 0, "calls": way.calls}
        outcome = told(job.index, job.event, way.status, error=way.error, gsid=way.gsid, **made)
        if journal is not None and outcome.is_settled:
            journal.add(outcome, job.event)
        return outcome

    # --- in batches -------------------------------------------------------------------------------------------------

    def _in_batches(
        self, events: Iterable[Place], journal: Journal | None, size: int, linger: float | None
    ) -> Iterator[Outcome]:
        stopped = self._caller.stopped
        lists = chunks(events, size) if linger is None else lingering_chunks(events, size, linger, stopped.is_set)
        with ExitStack() as opened:
            ask: Ask = partial(map, self._caller.ask)
            if self._workers > 1:
                ask = partial(opened.enter_context(_pool(self._workers)).map, self._caller.ask)
            opened.callback(self._end_of_batches)
            for chunk in opened.enter_context(closing(lists)):
                how = {"attempts": self._patience.attempts, "at_once": self._workers}
                self._delivery = ChunkDelivery(chunk, self._settings, journal, **how)
                yield from self._delivery.run(ask, stopped.is_set)

    def _end_of_batches(self) -> None:
        self._caller.stopped.set()  # whoever waits for a retry or the budget gives up
        self._delivery = None

    # --- several at once --------------------------------------------------------------------------------------------

    def _side_by_side(self, jobs: Iterator[_Job], journal: Journal | None) -> Iterator[Outcome]:
        lanes: Lanes[_Job] = Lanes()
        lock = threading.Lock()
        window: deque[_Job] = deque()
        pool = _pool(self._workers)

        def work(job: _Job) -> None:
            try:
                job.future.set_result(self._carry_out(job, journal))
            except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is asked for
                job.future.set_exception(error)
            with lock:
                following = lanes.leave(job)
            with suppress(RuntimeError):  # the pool takes no more: no one waits for outcomes any longer
                for each in following:
                    pool.submit(work, each)

        try:
            for job in jobs:
                window.append(job)
                if job.known is not None or job.request is None:
                    job.future.set_result(job.known)
                else:
                    with lock:
                        may_start = lanes.enter(job, job.request.records)
                    if may_start:
                        pool.submit(work, job)
                while window and (len(window) >= AHEAD * self._workers or window[0].future.done()):
                    yield window.popleft().future.result()
            while window:
                yield window.popleft().future.result()
        finally:
            self._caller.stopped.set()  # whoever waits for a retry or the budget gives up
            pool.shutdown()


@attrs.define(eq=False)
class _Job:
    """An event, and what is known of it before anything is sent: its first request, or its outcome."""

    index: int
    event: Event | EventError | PreparedEvent | None
    request: Request | None
    known: Outcome | None = None
    future: Future[Any] = attrs.field(factory=Future)


def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "gainsight-dest", initializer=leave_signals_to_the_main_thread)


def deliver(
    request: Request, session: requests.Session | None = None, base_url: str | None = None, **settings: Any
) -> Outcome:
    """One request, and those that follow it, without a limit of calls unless `settings` has one: those of Deliverer."""
    limits = {"calls_per_minute": None, "calls_per_day": None}
    with Deliverer(request.config, session, base_url, **{**limits, **settings}) as deliverer:
        return deliverer.deliver(request)
