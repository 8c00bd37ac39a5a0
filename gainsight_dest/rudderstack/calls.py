"""Which calls of the service are begun, and where they wait: no host takes the room of the others. Extra `serve`.

A request that needs a call waits for its turn at the host of that, then for a thread, on the event loop: that costs
next to nothing. In the thread, each further call is begun only if its host has room, and while somebody waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from fnmatch import fnmatchcase
from functools import partial
from math import inf
from typing import Any, NoReturn, TypeVar
from weakref import WeakValueDictionary

import attrs

from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ConfigError, RetryableError
from gainsight_dest.gainsight import Response
from gainsight_dest.rudderstack.send import Send

#: Requests that may be at calls at once. Each takes a thread, which is made for it: that is little beside a call.
THREADS = 256
#: How many of them at one host. Gainsight takes fewer calls a minute than these make where it is quick.
SHARE = 16
#: Seconds that a request waits for its turn, before rudder-server has to come again.
WAIT = 5.0
#: Seconds from a request's first call after which it begins no other.
BUDGET = 60.0
#: Seconds after a stop was asked for in which calls are still begun.
LAST_CALLS = 25.0
#: A host that has kept a call for so many seconds, and not answered, is not called again in the same request.
_SLOW = 5.0

_CROWDED = "too many requests to that host are under way"
_BUSY = "too many requests to all hosts are under way"
_STOPPING = "the service is being stopped"
_GONE = "the client has given up"
_OVER = f"the request has taken more than {BUDGET:.0f} seconds"
_SILENT = "the host has not answered the call before"

_T = TypeVar("_T")
Receive = Callable[[], Awaitable[Any]]


class CallNeededError(BaseException):
    """A host is to be called, which takes a thread. No Exception, as those stand for answers."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


def _lower(patterns: Sequence[str]) -> Sequence[str]:
    return [pattern.lower() for pattern in patterns]


def _semaphore() -> asyncio.Semaphore:
    return asyncio.Semaphore(THREADS)


@attrs.define(eq=False)
class Calls:
    """The calls of a service. `allowed`: patterns of the domains that may be called, such as `*.gainsightcloud.com`;
    none: all that a config may name.
    """

    send: Send
    allowed: Sequence[str] = attrs.field(default=(), converter=_lower)
    _until: float = inf
    _turns: WeakValueDictionary[str, asyncio.Semaphore] = attrs.field(factory=WeakValueDictionary)
    _threads: asyncio.Semaphore = attrs.field(factory=_semaphore)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _under_way: Counter[str] = attrs.field(factory=Counter)

    def stop(self) -> None:
        """Begin no more calls after a while."""
        self._until = time.monotonic() + LAST_CALLS

    @property
    def is_stopped(self) -> bool:
        """Whether no call is begun any more."""
        return time.monotonic() > self._until

    @property
    def none(self) -> Send:
        """For where nobody may wait. Raises CallNeededError; ConfigError for a domain that is not allowed."""
        return _NoCalls(self)

    def allowed_host(self, request: Request) -> str:
        """Whom the request goes to. Raises ConfigError."""
        host = request.config.domain
        if self.allowed and not any(fnmatchcase(host, pattern) for pattern in self.allowed):
            raise ConfigError(("destination.Config.domain", "is not one that this service may call"))
        return host

    async def made(self, host: str, work: Callable[[Send], _T], receive: Receive) -> _T:
        """What the work gives whose first call is to the host. `receive` tells when the client has gone."""
        asking = _RequestCalls(self)
        watch = asyncio.ensure_future(_watched(receive, asking))
        try:
            async with self._turn(host) as is_had, _had(self._threads) as is_free:
                if not is_had:
                    asking.refused[host] = _CROWDED
                if not is_free:
                    asking.end = _BUSY
                return await in_thread(partial(work, asking))
        finally:
            watch.cancel()

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[bool]:
        turn = self._turns.get(host)
        if turn is None:
            turn = self._turns[host] = asyncio.Semaphore(SHARE)
        async with _had(turn) as is_had:
            yield is_had

    @contextmanager
    def room(self, host: str) -> Iterator[bool]:
        """Whether one more call to the host may be under way."""
        with self._lock:
            is_free = self._under_way[host] < SHARE
            self._under_way[host] += is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._under_way[host] -= is_free
                if not self._under_way[host]:
                    del self._under_way[host]


@attrs.define(eq=False)
class _NoCalls:
    """A `send` that makes none."""

    calls: Calls

    def __call__(self, request: Request) -> NoReturn:
        raise CallNeededError(self.calls.allowed_host(request))

    check = __call__


@attrs.define(eq=False)
class _RequestCalls:
    """The calls of one request, as a `send`. `end`: why it makes no more; `refused`: why none to these hosts.

    `came_at`: when the request came, in seconds since the epoch.
    """

    calls: Calls
    end: str | None = None
    refused: dict[str, str] = attrs.field(factory=dict)
    came_at: float = attrs.field(factory=time.time)
    _started: float = attrs.field(factory=time.monotonic)

    def __call__(self, request: Request) -> Response:
        host = self.calls.allowed_host(request)
        with self.calls.room(host) as is_free:
            why = self._why_not(host) or (None if is_free else _CROWDED)
            if why is not None:
                raise RetryableError(request.action, why)
            begun = time.monotonic()
            try:
                return self.calls.send(request)
            except Exception:
                if time.monotonic() - begun > _SLOW:
                    self.refused[host] = _SILENT
                raise

    def check(self, request: Request) -> None:
        """Raises what a call would that is not even begun, but for the room that it needs at its host."""
        why = self._why_not(self.calls.allowed_host(request))
        if why is not None:
            raise RetryableError(request.action, why)

    def _why_not(self, host: str) -> str | None:
        if self.calls.is_stopped:
            return _STOPPING
        if time.monotonic() - self._started > BUDGET:
            return _OVER
        return self.end or self.refused.get(host)


async def _watched(receive: Receive, asking: _RequestCalls) -> None:
    """Ends the calls once the client has gone. Whatever has been sent of the body is read by now."""
    if (await receive())["type"] == "http.disconnect":
        asking.end = _GONE


@asynccontextmanager
async def _had(semaphore: asyncio.Semaphore) -> AsyncIterator[bool]:
    """Whether it was had in time."""
    try:
        await asyncio.wait_for(semaphore.acquire(), WAIT)
    except asyncio.TimeoutError:
        yield False
        return
    try:
        yield True
    finally:
        semaphore.release()


async def in_thread(work: Callable[[], _T]) -> _T:
    """What the work gives, or raises, in a thread that the end of the process does not wait for."""
    done: Future[_T] = Future()
    done.set_running_or_notify_cancel()  # from here on, nobody can take it back

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name="transform", daemon=True).start()
    return await asyncio.wrap_future(done)
