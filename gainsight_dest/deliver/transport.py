"""Sessions whose calls end in time: what a call is given for its whole length is kept, whatever the host does.

A timeout of requests is for each byte: a host that trickles can make a call last for days. So each connection has a
second handle, and a thread that watches shuts a connection down by that once the time of its call is up. That ends a
handshake, a header, a body, and an endless `100 Continue` alike. What it cannot end is the look-up of a name, which the
system's resolver ends, and the trying of one dead address after another, each of which has the connect timeout.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import attrs
import requests
from requests.adapters import HTTPAdapter


def session(connections: int = 1) -> requests.Session:
    """A session with so many connections to a host, that keeps no cookie."""
    made = requests.Session()
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(pool_maxsize=connections))
    return made


def watch(session: requests.Session) -> None:
    """Have the connections that the session makes from now on watched, where `in_time` asks for it."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter) and _watch_pools(adapter.poolmanager):
            make = partial(_watched_proxy_manager, adapter.proxy_manager_for)
            adapter.proxy_manager_for = make  # type: ignore[method-assign]


@contextmanager
def in_time(seconds: float, session: requests.Session, url: str) -> Iterator[TimedCall]:
    """The connection that a call uses in here, if there is one, is shut down after so many seconds."""
    call = TimedCall(time.monotonic() + seconds)
    if not isinstance(session.get_adapter(url), HTTPAdapter):
        yield call
        return
    _here.call = call
    _WATCH.add(call)
    try:
        yield call
    finally:
        _WATCH.remove(call)
        _here.call = None
        if call.handle is not None:
            call.handle.close()


@attrs.define(eq=False)
class TimedCall:
    """A call: when it must have ended, the connection that it uses, and whether that was shut down."""

    until: float
    connection: _Watched | None = None
    #: Of a connection that is closed already, while the answer is still read.
    handle: socket.socket | None = None
    is_over: bool = False

    def end(self) -> None:
        """Shut its connection down, or have it shut down as soon as there is one."""
        self.is_over = True
        for holder in (self, self.connection):
            handle = None if holder is None else holder.handle
            if handle is not None:
                with suppress(OSError):  # it has ended by itself
                    handle.shutdown(socket.SHUT_RDWR)


class _Watch:
    """The thread that ends calls whose time is up. It begins with a call, and ends with the last of those under way."""

    def __init__(self) -> None:
        self._calls: set[TimedCall] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, call: TimedCall) -> None:
        with self._changed:
            is_first = all(call.until < other.until for other in self._calls)
            self._calls.add(call)
            if self._thread is None or not self._thread.is_alive():  # a forked process has but its first thread
                self._thread = threading.Thread(target=self._run, name="gainsight-dest-watch", daemon=True)
                self._thread.start()
            elif is_first:
                self._changed.notify()

    def remove(self, call: TimedCall) -> None:
        with self._changed:
            self._calls.discard(call)
            if not self._calls:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._calls:
                now = time.monotonic()
                for call in [call for call in self._calls if call.until <= now]:
                    self._calls.discard(call)
                    call.end()
                if self._calls:
                    self._changed.wait(min(call.until for call in self._calls) - now)
            self._thread = None


_WATCH = _Watch()
_here = threading.local()


class _Watched:
    """A connection of urllib3's with a second handle of its socket, which survives what TLS makes of the first."""

    handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.handle = socket.fromfd(made.fileno(), made.family, made.type)
        self._take()
        return made

    def request(self, *arguments: Any, **options: Any) -> Any:
        self._take()
        return super().request(*arguments, **options)  # type: ignore[misc]

    def _take(self) -> None:
        """It is used by the call of this thread."""
        call: TimedCall | None = getattr(_here, "call", None)
        if call is not None:
            call.connection = self
            if call.is_over:
                call.end()

    def close(self) -> None:
        """An answer that ends with its connection is read when that is closed already: its call keeps the handle."""
        handle, self.handle = self.handle, None
        call: TimedCall | None = getattr(_here, "call", None)
        if handle is not None and call is not None and call.connection is self:
            call.handle, handle = handle, call.handle
        if handle is not None:
            handle.close()
        super().close()  # type: ignore[misc]


@cache
def _watched(pool: type) -> type:
    """The class of pools, with connections that are watched."""
    connection = pool.ConnectionCls  # type: ignore[attr-defined]
    return type(pool.__name__, (pool,), {"ConnectionCls": type(connection.__name__, (_Watched, connection), {})})


def _watch_pools(manager: Any) -> bool:
    """Have the manager make pools of watched connections; False if it does already."""
    pools: dict[str, Any] = manager.pool_classes_by_scheme
    if any(issubclass(pool.ConnectionCls, _Watched) for pool in pools.values()):
        return False
    manager.pool_classes_by_scheme = {name: _watched(pool) for name, pool in pools.items()}
    return True


def _watched_proxy_manager(make: Any, proxy: str, **options: Any) -> Any:
    manager = make(proxy, **options)
    _watch_pools(manager)
    return manager
