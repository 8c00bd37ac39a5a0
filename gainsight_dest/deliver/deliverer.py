"""Delivery of a stream of events with requests and threads: side by side where they may, in order where they must."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any, TypeVar

import attrs
import requests

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver import transport
from gainsight_dest.deliver.batches import Item
from gainsight_dest.deliver.chunks import chunks, leave_signals_to_the_main_thread, lingering_chunks, until_broken
from gainsight_dest.deliver.driver import AHEAD, Done, Driver, check_batch, next_of
from gainsight_dest.deliver.flow import Answer, Flow, Run
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.order import Lanes
from gainsight_dest.deliver.send import Sender
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.outcome import Outcome
from gainsight_dest.templates import Settings, of_one_tenant

_T = TypeVar("_T")


@attrs.define(eq=False, repr=False, slots=False)
class Deliverer(Driver):
    """Delivers events to one destination, and gives one outcome for each.

    `session`: a requests Session to use, else one of its own. `base_url`: where to send instead of the tenant's host,
    such as a sandbox on this machine. `workers`: calls under way at once; events that write the same person or company
    keep their order. `calls_per_minute`, `calls_per_day`: what may be used of the tenant's limits (None: no limit), or
    a `budget` that several share. `timeout`: seconds to connect, seconds without a byte of the answer; `deadline`:
    seconds for a whole call. `patience`: when to give up on an event. `silence`: when calls are made and none gets
    through for so many seconds, the run ends, and `ended` says why; throttling is no silence. `known`: a store of what
    Gainsight was told, which is not sent again, nor what is older; `resend_after`: but what was told so many seconds
    ago; `tracks_once`: nor a track event of a message id that was sent. `sleep` and `clock` (seconds since the epoch)
    are for tests: with a sleep of your own, no time passes but what is slept, unless a clock says otherwise. Raises
    ConfigError, ValueError.

    One `run` at a time. A context manager, which closes its own session.
    """

    _config: DestinationConfig | Settings = attrs.field(converter=of_one_tenant)
    _session: requests.Session | None = None
    _sleep: Callable[[float], object] = attrs.field(default=time.sleep, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._own_session = transport.session(self._workers) if self._session is None else None
        session = self._session or self._own_session
        self._send = Sender(session, self._base_url, self._timeout, self._deadline)
        if self._send.proxy is not None:
            self._run.target += f" by the proxy of {self._send.proxy}"

    def run(
        self,
        events: Iterable[Item],
        journal: Journal | None = None,
        *,
        batch: int | None = None,
        linger: float | None = None,
    ) -> Generator[Outcome, None, None]:
        """One outcome for each event, in order, while events are read as they are needed.

        An EventError may stand in for an event that could not be read, a PreparedEvent for one that has been
        transformed, by the same config. A credentials error ends the run, and so does silence: nothing more is sent,
        what is left is "not tried". With several workers up to 32 events a worker are read ahead, and an outcome may
        wait until the next event is there. What `journal` knows is not sent again.

        `batch`: merge so many events into the fewest calls: see `transform_batch`. `linger`: seconds after which a
        batch that is not full is sent; None: wait until it is. With it, events are read by a thread of their own, and
        when the run ends early, those that it has read are the last.

        Raises JournalError, ValueError, and whatever `events` raises; end the iterator early to stop.
        """
        check_batch(batch, linger)
        return self._outcomes(enumerate(events), journal, batch, linger)

    def deliver(self, request: Request) -> Outcome:
        """One request, and those that follow it."""
        run = self._begin(None) if self._run.is_stopped else self._run
        return self._carry_out(run, _Job(0, None, request), None)

    def close(self) -> None:
        """Close its own session."""
        if self._own_session is not None:
            self._own_session.close()

    def __enter__(self) -> Deliverer:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one flow ---------------------------------------------------------------------------------------------------

    def _drive(self, run: Run, flow: Flow[_T]) -> _T:
        acts = self._acts(run, flow)
        answer: Answer = None
        while not isinstance(act := next_of(acts, answer), Done):
            answer = None
            if isinstance(act, Request):
                try:
                    answer = self._send(act)
                except GainsightDestError as error:
                    answer = error
            elif callable(act):
                answer = act()
            else:
                self._sleep(act)
        return act.value

    def _carry_out(self, run: Run, job: _Job, journal: Journal | None) -> Outcome:
        """Sends what the event asks for, and gives its outcome."""
        return self._last(job.index, job.event, self._drive(run, self._flow(run, job.event, job.request)), journal)

    # --- many events ------------------------------------------------------------------------------------------------

    def _outcomes(
        self, events: Iterable[tuple[int, Item]], journal: Journal | None, batch: int | None, linger: float | None
    ) -> Generator[Outcome, None, None]:
        run = self._begin(journal)
        with ExitStack() as opened:
            pool = opened.enter_context(_pool(self._workers)) if self._workers > 1 else None
            opened.callback(self._end, run)
            if batch is not None:
                lists = chunks(events, batch)
                if linger is not None:
                    lists = lingering_chunks(events, batch, linger, lambda: run.is_stopped)
                yield from self._in_batches(run, opened.enter_context(closing(lists)), journal, pool)
            elif pool is not None:
                yield from self._side_by_side(run, events, journal, pool)
            else:
                for index, event in events:
                    first = self._first(index, event, journal)
                    if isinstance(first, Request):
                        first = self._carry_out(run, _Job(index, event, first), journal)
                    yield first

    def _in_batches(
        self,
        run: Run,
        lists: Iterable[list[tuple[int, Item]]],
        journal: Journal | None,
        pool: ThreadPoolExecutor | None,
    ) -> Iterator[Outcome]:
        drive = partial(self._drive, run)
        for chunk in lists:
            delivery = self._chunk(chunk, journal)
            try:
                yield from delivery.front()
                while not run.is_stopped and (flows := delivery.flows(run)):
                    delivery.take(list(pool.map(drive, flows) if pool else map(drive, flows)))
                    drive(delivery.give_back(run))
                    self._settle(delivery, journal)
                    yield from delivery.front()
            finally:
                drive(delivery.end(run))
            yield from delivery.rest()

    def _side_by_side(
        self, run: Run, events: Iterable[tuple[int, Item]], journal: Journal | None, pool: ThreadPoolExecutor
    ) -> Iterator[Outcome]:
        lanes: Lanes[_Job] = Lanes()
        lock = threading.Lock()
        window: deque[Future[Outcome]] = deque()
        broken: list[Exception] = []

        def work(job: _Job) -> None:
            try:
                job.future.set_result(self._carry_out(run, job, journal))
            except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is asked for
                job.future.set_exception(error)
            with lock:
                following = lanes.leave(job)
            with suppress(RuntimeError):  # the pool takes no more: no one waits for outcomes any longer
                for each in following:
                    pool.submit(work, each)

        firsts = ((index, event, self._first(index, event, journal)) for index, event in events)
        for index, event, first in until_broken(firsts, broken):
            if isinstance(first, Outcome):
                window.append(Future())
                window[-1].set_result(first)
            else:
                job = _Job(index, event, first)
                window.append(job.future)
                with lock:
                    may_start = lanes.enter(job, first.records)
                if may_start:
                    pool.submit(work, job)
            while window and (len(window) >= AHEAD * self._workers or window[0].done()):
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
        if broken:
            raise broken[0]


@attrs.define(eq=False)
class _Job:
    """An event with its first request, and where its outcome will be."""

    index: int
    event: Item | None
    request: Request
    future: Future[Outcome] = attrs.field(factory=Future)


def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "gainsight-dest", initializer=leave_signals_to_the_main_thread)


def deliver(request: Request, session: requests.Session | None = None, **settings: Any) -> Outcome:
    """One request, and those that follow it, without a limit of calls unless `settings` has one: those of Deliverer."""
    limits = {"calls_per_minute": None, "calls_per_day": None}
    with Deliverer(request.config, session, **{**limits, **settings}) as deliverer:
        return deliverer.deliver(request)
