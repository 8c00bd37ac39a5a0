"""Delivery of a stream of events: side by side where they may, in order where they must, within the budget."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import attrs
import requests
from requests.adapters import HTTPAdapter

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.budget import Budget
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.lanes import Lanes
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.send import Sender, Timeout, checked_base_url
from gainsight_dest.descriptors import Request, UpsertPerson
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnsupportedTypeError,
)
from gainsight_dest.fields import linked_companies
from gainsight_dest.outcome import Outcome, Status
from gainsight_dest.transform import SWITCHED_OFF, is_enabled, transform

Event = Mapping[str, Any]

#: Why a run waits for calls to be free, where it is not for an answer that it got.
BUDGET = "the budget of calls is used up"

#: Events read ahead for each worker: enough that one which waits does not keep the others from work.
AHEAD = 32
#: The longest real sleep, in seconds: between two, a run that is to end does.
_NAP = 1.0


@attrs.frozen
class Waiting:
    """A wait for the tenant's budget, or to try again: until when, in seconds since the epoch, and why."""

    until: float
    reason: str


class Deliverer:
    """Delivers events to one destination, and says of each what became of it.

    `session`: a requests Session to use, else one of its own. `base_url`: where to send instead of the tenant's host,
    such as a sandbox on this machine. `workers`: calls under way at once; events that write the same person or company
    keep their order. `calls_per_minute`, `calls_per_day`: what may be used of the tenant's limits (None: no limit), or
    a `budget` that several share. `timeout`: seconds to connect, seconds without a byte of the answer. `patience`: when
    to give up on an event. `sleep` and `clock` (seconds since the epoch) are for tests: with a sleep of your own, no
    time passes but what is slept, unless a clock says otherwise. Raises ConfigError, ValueError.

    One `run` at a time. A context manager, which closes its own session.
    """

    def __init__(
        self,
        config: DestinationConfig | Mapping[str, Any],
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
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self.config = config if isinstance(config, DestinationConfig) else DestinationConfig.from_rudderstack(config)
        self._slept = 0.0
        started = time.time()
        if clock is None:
            clock = time.time if sleep is time.sleep else lambda: started + self._slept
        self._clock = clock
        self.budget = budget or Budget(calls_per_minute, calls_per_day, self._clock)
        #: The address that calls go to.
        self.target = f"https://{self.config.domain}" if base_url is None else checked_base_url(base_url)
        #: Calls made so far.
        self.calls = 0
        self._own_session = None
        if session is None:
            session = self._own_session = _session(workers)
        self._send = Sender(session, base_url, timeout)
        self._workers = workers
        self._patience = patience or Patience()
        self._sleep = sleep
        self._waits: dict[int, Waiting] = {}
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def run(
        self, events: Iterable[Event | EventError], journal: Journal | None = None
    ) -> Generator[Outcome, None, None]:
        """One outcome for each event, in order, while events are read as they are needed.

        An EventError may stand in for an event that could not be read. A credentials error ends the run: nothing more
        is sent, what is left comes out as not tried. With several workers up to 32 events a worker are read ahead, and
        an outcome may wait until the next event is there. What `journal` knows is not sent again.

        Raises JournalError, and whatever `events` raises; end the iterator early to stop.
        """
        self._stopped.clear()
        jobs = (self._job(index, event, journal) for index, event in enumerate(events))
        if self._workers == 1:
            for job in jobs:
                yield job.known or self._carry_out(job, journal)
        else:
            broken: list[Exception] = []
            yield from self._side_by_side(_until_broken(jobs, broken), journal)
            if broken:
                raise broken[0]

    def deliver(self, request: Request) -> Outcome:
        """One request, and those that follow it."""
        self._stopped.clear()
        return self._carry_out(_Job(0, None, None, None, request), None)

    @property
    def waiting(self) -> Waiting | None:
        """What the run is waiting for: the wait that ends first, if there is one."""
        with self._lock:
            return min(self._waits.values(), key=lambda wait: wait.until, default=None)

    def stop(self) -> None:
        """End the run from elsewhere: calls under way are finished, what is left comes out as not tried."""
        self._stopped.set()

    def close(self) -> None:
        """Close its own session."""
        if self._own_session is not None:
            self._own_session.close()

    def __enter__(self) -> Deliverer:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one event --------------------------------------------------------------------------------------------------

    def _job(self, index: int, event: Event | EventError, journal: Journal | None) -> _Job:
        """The event with its first request, or with its outcome where that is known before anything is sent."""
        job = _Job(index, event, _text(event, "messageId"), _text(event, "type"))
        if journal is not None and (known := journal.find(index, event)):
            job.known = known
            return job
        try:
            if isinstance(event, EventError):
                raise event
            if is_enabled(event):
                job.request = transform(event, self.config)
                return job
            job.known = job.outcome(Status.SKIPPED, reason=SWITCHED_OFF)
        except UnsupportedTypeError as error:
            job.known = job.outcome(Status.SKIPPED, reason=str(error))
        except (EventError, ConfigError) as error:
            job.known = job.outcome(Status.FAILED, error=error)
        if journal is not None:
            journal.add(job.known, event)
        return job

    def _carry_out(self, job: _Job, journal: Journal | None) -> Outcome:
        """Sends what the event asks for, and gives its outcome."""
        way = _Way(job.request)
        status, error = Status.DELIVERED, None
        try:
            wait = partial(self._wait_to_retry, way)
            self._patience.retrying(wait, self.budget.to_the_next_minute)(self._go_on, way)
        except _StoppedError:
            status = Status.NOT_TRIED
        except (ResponseError, EventError, ConfigError) as fault:
            status, error = Status.FAILED, fault
            if isinstance(fault, CredentialsError):
                self._stopped.set()
        outcome = job.outcome(status, way.attempts if way.calls else 0, way.calls, error, way.gsid)
        # A wrong key is not the event's fault: with the right one, the next run sends it.
        if journal is not None and status is not Status.NOT_TRIED and not isinstance(error, CredentialsError):
            journal.add(outcome, job.event)
        return outcome

    def _go_on(self, way: _Way) -> None:
        """Sends request after request, from where the last attempt ended."""
        way.attempts += 1
        while way.request is not None:
            self._take_a_call()
            way.calls += 1
            request = way.request
            try:
                way.request = request.next(self._send(request))
            except ThrottledError as error:
                self.budget.hold(error.retry_after)
                way.problem = error.problem
                raise
            except RetryableError as error:
                way.request, way.problem = request.again, error.problem
                raise
            if isinstance(way.request, UpsertPerson):
                way.gsid = next(iter(linked_companies(way.request.person)), None)

    def _take_a_call(self) -> None:
        while seconds := self.budget.take():
            self._wait(BUDGET, seconds)
        if self._stopped.is_set():
            raise _StoppedError
        with self._lock:
            self.calls += 1

    def _wait_to_retry(self, way: _Way, seconds: float) -> None:
        self._wait(way.problem, seconds)

    def _wait(self, reason: str, seconds: float) -> None:
        """Sleeps in short naps, so that a run that is to end does. Raises _StoppedError."""
        me = threading.get_ident()
        with self._lock:
            self._waits[me] = Waiting(self._clock() + seconds, reason)
        try:
            while seconds > 0:
                if self._stopped.is_set():
                    raise _StoppedError
                nap = min(seconds, _NAP) if self._sleep is time.sleep else seconds
                self._sleep(nap)
                seconds -= nap
                with self._lock:
                    self._slept += nap
        finally:
            with self._lock:
                del self._waits[me]

    # --- several at once --------------------------------------------------------------------------------------------

    def _side_by_side(self, jobs: Iterator[_Job], journal: Journal | None) -> Iterator[Outcome]:
        lanes: Lanes[_Job] = Lanes()
        lock = threading.Lock()
        window: deque[_Job] = deque()
        pool = ThreadPoolExecutor(self._workers, "gainsight-dest", initializer=_leave_signals_to_the_main_thread)

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
            self._stopped.set()  # whoever waits for a retry or the budget gives up
            pool.shutdown()


class _StoppedError(Exception):
    """The run is to end: nothing more is sent."""


@attrs.define(eq=False)
class _Job:
    """An event, and what is known of it before anything is sent: its first request, or its outcome."""

    index: int
    event: Event | EventError | None
    message_id: str | None
    type: str | None
    request: Request | None = None
    known: Outcome | None = None
    future: Future[Any] = attrs.field(factory=Future)

    def outcome(
        self,
        status: Status,
        attempts: int = 0,
        calls: int = 0,
        error: ResponseError | EventError | ConfigError | None = None,
        gsid: str | None = None,
        reason: str | None = None,
    ) -> Outcome:
        return Outcome(self.index, self.message_id, self.type, status, attempts, calls, error, gsid, reason)


@attrs.define
class _Way:
    """How far the delivery of one event has come."""

    request: Request | None
    attempts: int = 0
    calls: int = 0
    gsid: str | None = None
    #: What its last attempt failed by.
    problem: str = ""


def _leave_signals_to_the_main_thread() -> None:
    """One that the system gave to another thread would not wake the main one, where Python handles it."""
    if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows alone has none
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _until_broken(jobs: Iterator[_Job], broken: list[Exception]) -> Iterator[_Job]:
    """The jobs until one cannot be had, and why: it is raised when those before it have their outcomes."""
    try:
        yield from jobs
    except Exception as error:  # noqa: BLE001 - whatever it is, it is passed on
        broken.append(error)


def _text(event: Any, name: str) -> str | None:
    value = event.get(name) if isinstance(event, Mapping) else None
    return value if isinstance(value, str) else None


def _session(workers: int) -> requests.Session:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=workers))
    session.mount("http://", HTTPAdapter(pool_maxsize=workers))
    return session


def deliver(
    request: Request, session: requests.Session | None = None, base_url: str | None = None, **settings: Any
) -> Outcome:
    """One request, and those that follow it, without a limit of calls unless `settings` has one: those of Deliverer."""
    limits = {"calls_per_minute": None, "calls_per_day": None}
    with Deliverer(request.config, session, base_url, **{**limits, **settings}) as deliverer:
        return deliverer.deliver(request)
