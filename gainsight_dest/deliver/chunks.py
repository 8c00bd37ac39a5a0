"""Events as they come, in lists of so many: what a batch is made of."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Iterator
from contextlib import aclosing, suppress
from itertools import islice
from math import inf
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

_T = TypeVar("_T")

#: How long a thread waits before it looks whether it is to end, in seconds.
_LOOK = 0.1
#: So many events may be read at once before other tasks of the loop have their turn.
_TURN = 32


def leave_signals_to_the_main_thread() -> None:
    """One that the system gave to another thread would not wake the main one, where Python handles it."""
    if hasattr(signal, "pthread_sigmask"):  # pragma: no branch - Windows alone has none
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def until_broken(items: Iterable[_T], broken: list[Exception]) -> Iterator[_T]:
    """The items until one cannot be had, and why: it is raised when those before it have their outcomes."""
    try:
        yield from items
    except Exception as error:  # noqa: BLE001 - whatever it is, it is passed on
        broken.append(error)


def chunks(items: Iterable[_T], size: int) -> Generator[list[_T], None, None]:
    """Lists of so many items; the last one may be shorter. Raises what `items` raises, after what came before it."""
    broken: list[Exception] = []
    source = until_broken(items, broken)
    while chunk := list(islice(source, size)):
        yield chunk
    if broken:
        raise broken[0]


def lingering_chunks(
    items: Iterable[_T], size: int, linger: float, is_stopped: Callable[[], bool]
) -> Generator[list[_T], None, None]:
    """Lists of so many items, or of those that have come `linger` seconds after the first of them.

    The items are read by a thread of its own. Once it is stopped, those that have come are the last.
    """
    with _Reader(items, size, is_stopped) as reader:
        item = reader.get(inf)
        while item:
            chunk = [*item]
            until = time.monotonic() + linger
            while len(chunk) < size and (item := reader.get(until)):
                chunk += item
            yield chunk
            if item != ():
                item = reader.get(inf)
        if reader.broken:
            raise reader.broken[0]


async def async_until_broken(
    items: AsyncIterable[_T] | Iterable[_T], broken: list[Exception]
) -> AsyncGenerator[tuple[int, _T], None]:
    """The items, asynchronous or not, with their places, until one cannot be had: as `until_broken`."""
    try:
        if isinstance(items, AsyncIterable):
            index = 0
            async for item in items:
                yield index, item
                index += 1
        else:
            for index, item in enumerate(items):
                if index % _TURN == 0:
                    await asyncio.sleep(0)
                yield index, item
    except Exception as error:  # noqa: BLE001 - whatever it is, it is passed on
        broken.append(error)


async def async_chunks(
    items: AsyncIterable[_T] | Iterable[_T], size: int, linger: float | None, is_stopped: Callable[[], bool]
) -> AsyncGenerator[list[tuple[int, _T]], None]:
    """As `chunks`, of items with their places; of asynchronous ones, with `linger`, as `lingering_chunks`."""
    if not isinstance(items, AsyncIterable):
        for each in chunks(enumerate(items), size):
            await asyncio.sleep(0)
            yield each
        return
    broken: list[Exception] = []
    async with aclosing(_AsyncReader(items, broken, is_stopped if linger is not None else lambda: False)) as reader:
        item = await reader.get(inf)
        while item:
            chunk = [item]
            until = time.monotonic() + (inf if linger is None else linger)
            while len(chunk) < size and (item := await reader.get(until)):
                chunk.append(item)
            yield chunk
            item = await reader.get(inf)
    if broken:
        raise broken[0]


class _AsyncReader(Generic[_T]):
    """Reads items one by one, and goes on with that while nobody asks for them."""

    def __init__(self, items: AsyncIterable[_T], broken: list[Exception], is_stopped: Callable[[], bool]) -> None:
        self._items = async_until_broken(items, broken)
        self._is_stopped = is_stopped
        self._coming: asyncio.Task[tuple[int, _T] | None] | None = None

    async def get(self, until: float) -> tuple[int, _T] | None:
        """The next item; None where none comes in time, and at the end."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._next())
        while not self._coming.done():
            left = 0.0 if self._is_stopped() else until - time.monotonic()
            await asyncio.wait([self._coming], timeout=max(0.0, min(left, _LOOK)))
            if left <= 0:
                break
        if not self._coming.done():
            return None
        item = self._coming.result()
        if item is not None:
            self._coming = None
        return item

    async def _next(self) -> tuple[int, _T] | None:
        async for item in self._items:
            return item
        return None

    async def aclose(self) -> None:
        """End the reading."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait([self._coming])
        await self._items.aclose()


class _Reader(Generic[_T]):
    """Reads items in a thread, and gives those that are there: one in a tuple, an empty tuple at the end."""

    def __init__(self, items: Iterable[_T], size: int, is_stopped: Callable[[], bool]) -> None:
        self.broken: list[BaseException] = []
        self._ready: Queue[tuple[_T, ...]] = Queue(size)
        self._is_stopped = is_stopped
        self._closed = threading.Event()
        threading.Thread(target=self._read, args=[items], name="gainsight-dest-events", daemon=True).start()

    def get(self, until: float) -> tuple[_T, ...] | None:
        """The next item; None where none comes in time."""
        while True:
            is_stopped = self._is_stopped()
            left = 0.0 if is_stopped else until - time.monotonic()
            with suppress(Empty):
                return self._ready.get(timeout=min(left, _LOOK)) if left > 0 else self._ready.get_nowait()
            if left <= 0:
                return () if is_stopped else None

    def _read(self, items: Iterable[_T]) -> None:
        leave_signals_to_the_main_thread()
        try:
            for item in items:
                self._put((item,))
                if self._closed.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are asked for
            self.broken.append(error)
        self._put(())

    def _put(self, item: tuple[_T, ...]) -> None:
        while not self._closed.is_set():
            with suppress(Full):
                self._ready.put(item, timeout=_LOOK)
                return

    def __enter__(self) -> _Reader[_T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
