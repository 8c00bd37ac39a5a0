"""Delivery of a stream of events with asyncio: as Deliverer does it, in one event loop and without threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import AsyncExitStack, aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.batches import Item
from gainsight_dest.deliver.call import too_late
from gainsight_dest.deliver.chunks import async_chunks, async_until_broken
from gainsight_dest.deliver.driver import AHEAD, Done, Driver, check_batch, next_of
from gainsight_dest.deliver.flow import Answer, Flow, Run
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.order import Lanes
from gainsight_dest.descriptors import Request
from gainsight_dest.gainsight import Response
from gainsight_dest.outcome import Outcome
from gainsight_dest.templates import Settings, of_one_tenant

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")


@attrs.define(eq=False, repr=False, slots=False)
class AsyncDeliverer(Driver):
    """Delivers events to one destination, and gives one outcome for each, in an event loop of asyncio.

    `client`: an httpx AsyncClient to use, else one of its own. `send`: a function that sends a request with any other
    client, and gives a Response; whatever it raises but a GainsightDestError counts as no answer. With `base_url` it
    gets `request.at(base_url)`. `sleep`: a function that may be awaited. The rest is as for Deliverer. Raises
    ConfigError, ValueError.

    One `run` at a time, all of them in one loop. An asynchronous context manager: when it ends, so does the run, and
    it closes its own client.
    """

    _config: DestinationConfig | Settings = attrs.field(converter=of_one_tenant)
    _client: httpx.AsyncClient | None = None
    _send: Callable[[Request], Awaitable[Response]] | None = attrs.field(default=None, kw_only=True)
    _sleep: Callable[[float], Awaitable[object]] = attrs.field(default=asyncio.sleep, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self._client is not None and self._send is not None:
            raise ValueError("either a client or a function to send with, not both")
        self._close: Callable[[], Awaitable[object]] | None = None
        if self._send is not None:
            self._call = self._send
        else:
            from gainsight_dest.deliver.async_send import AsyncSender  # noqa: PLC0415 - another client needs no httpx

            is_here = self._base_url is not None and self._base_url.startswith("http:")
            sender = AsyncSender(self._client, self._timeout, connections=self._workers, is_here=is_here)
            self._call, self._close = sender, sender.close
            if sender.proxy is not None:
                self._run.target += f" by the proxy of {sender.proxy}"
        self._places = asyncio.Semaphore(self._workers)
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(
        self,
        events: AsyncIterable[Item] | Iterable[Item],
        journal: Journal | None = None,
        *,
        batch: int | None = None,
        linger: float | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """One outcome for each event, in order, while events are read as they are needed: `async for`.

        As `Deliverer.run`, with events from an asynchronous iterable or a plain one; `linger` is for the first kind, as
        nothing waits for the other. Leave it early, or cancel the task, to stop: calls under way are finished and
        recorded, at the latest when the Deliverer's `async with` ends.
        """
        check_batch(batch, linger)
        return self._outcomes(events, journal, batch, linger)

    async def deliver(self, request: Request) -> Outcome:
        """One request, and those that follow it."""
        run = self._begin(None) if self._run.is_stopped else self._run
        return self._last(0, None, await self._drive(run, self._flow(run, None, request)), None)

    async def close(self) -> None:
        """End the run, and close its own client."""
        self.stop()
        await self._ended(self._run, self._tasks)
        if self._close is not None:
            await self._close()

    async def __aenter__(self) -> AsyncDeliverer:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- one flow ---------------------------------------------------------------------------------------------------

    async def _drive(self, run: Run, flow: Flow[_T]) -> _T:
        acts = self._acts(run, flow)
        answer: Answer = None
        while not isinstance(act := next_of(acts, answer), Done):
            answer = None
            if isinstance(act, Request):
                answer = await self._answer(act)
            elif callable(act):
                answer = await asyncio.to_thread(act)
            else:
                await self._sleep(act)
        return act.value

    async def _answer(self, request: Request) -> Response | Exception:
        pointed = request if self._base_url is None else request.at(self._base_url)
        try:
            answer = await asyncio.wait_for(self._call(pointed), self._deadline)
        except asyncio.TimeoutError:
            return too_late(request.action, self._deadline)
        except Exception as error:  # noqa: BLE001 - another client has other errors
            return error
        if not isinstance(answer, Response):
            raise TypeError(f"send must give a Response, not {type(answer).__name__}")
        return answer

    # --- many events ------------------------------------------------------------------------------------------------

    async def _outcomes(
        self,
        events: AsyncIterable[Item] | Iterable[Item],
        journal: Journal | None,
        batch: int | None,
        linger: float | None,
    ) -> AsyncGenerator[Outcome, None]:
        run = self._begin(journal)
        self._places = asyncio.Semaphore(self._workers)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self._ended, run, self._tasks)
            opened.callback(self._end, run)
            if batch is None:
                outcomes = self._side_by_side(run, events, journal)
            else:
                lists = async_chunks(events, batch, linger, lambda: run.is_stopped)
                outcomes = self._in_batches(run, await opened.enter_async_context(aclosing(lists)), journal)
            async for outcome in await opened.enter_async_context(aclosing(outcomes)):
                yield outcome

    async def _in_batches(
        self, run: Run, lists: AsyncIterable[list[tuple[int, Item]]], journal: Journal | None
    ) -> AsyncGenerator[Outcome, None]:
        async for chunk in lists:
            begin = partial(self._chunk, chunk, journal)
            delivery = begin() if self._known is None else await asyncio.to_thread(begin)
            try:
                for outcome in delivery.front():
                    yield outcome
                while not run.is_stopped and (flows := delivery.flows(run)):
                    tasks = [self._task(self._in_its_place(run, flow)) for flow in flows]
                    try:
                        await self._ended(run, tasks)
                    finally:
                        delivery.take([task.result() for task in tasks])
                        self._settle(delivery, journal)
                    await self._drive(run, delivery.give_back(run))
                    for outcome in delivery.front():
                        yield outcome
            finally:
                await self._drive(run, delivery.end(run))
            for outcome in delivery.rest():
                yield outcome

    async def _side_by_side(
        self, run: Run, events: AsyncIterable[Item] | Iterable[Item], journal: Journal | None
    ) -> AsyncGenerator[Outcome, None]:
        broken: list[Exception] = []
        lanes: Lanes[asyncio.Event] = Lanes()
        window: deque[Outcome | asyncio.Task[Outcome]] = deque()
        size = AHEAD * self._workers if self._workers > 1 else 1

        async def work(index: int, event: Item, request: Request, turn: asyncio.Event) -> Outcome:
            await turn.wait()
            try:
                ending = await self._in_its_place(run, self._flow(run, event, request))
                return self._last(index, event, ending, journal)
            finally:
                for each in lanes.leave(turn):
                    each.set()

        async with aclosing(async_until_broken(events, broken)) as numbered:
            async for index, event in numbered:
                first = self._first(index, event, journal)
                if isinstance(first, Request):
                    turn = asyncio.Event()
                    if lanes.enter(turn, first.records):
                        turn.set()
                    window.append(self._task(work(index, event, first, turn)))
                else:
                    window.append(first)
                while window and (len(window) >= size or isinstance(window[0], Outcome) or window[0].done()):
                    yield await _outcome(window.popleft())
        while window:
            yield await _outcome(window.popleft())
        if broken:
            raise broken[0]

    # --- tasks ------------------------------------------------------------------------------------------------------

    async def _in_its_place(self, run: Run, flow: Flow[_T]) -> _T:
        async with self._places:
            return await self._drive(run, flow)

    def _task(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        with suppress(asyncio.CancelledError):
            task.exception()  # or else asyncio complains of one that nobody has asked for

    async def _ended(self, run: Run, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Waits until all tasks are done. However often it is cancelled meanwhile: what was sent is to be recorded."""
        cancelled: asyncio.CancelledError | None = None
        while pending := [task for task in tasks if not task.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError as error:
                run.is_stopped = True
                cancelled = cancelled or error
        if cancelled is not None:
            raise cancelled


async def _outcome(given: Outcome | asyncio.Task[Outcome]) -> Outcome:
    if isinstance(given, Outcome):
        return given
    await asyncio.wait([given])  # to await the task itself would cancel it with whoever awaits
    return given.result()
