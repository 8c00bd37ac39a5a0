"""Whether code uses the network: one audit hook for the process, which sees Python's sockets from whatever calls them.

```python
with guarded() as uses:
    code_under_test()
assert uses == []
```

Seen are sockets of IPv4 and IPv6 and look-ups of hosts, in any thread. Local sockets pass, such as an event loop's own.
What was connected before, or is sent by C code with sockets of its own, is not seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs


class NetworkUsedError(OSError):
    """What code under guard gets in place of the network."""


@attrs.frozen
class NetworkUse:
    """What was tried, such as `connect to 192.0.2.1:80`, and the file and line of the code that did."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


#: Those who watch, the innermost last. A list, as guards may nest: a test of tests.
_watching: list[list[NetworkUse]] = []
_installed: list[bool] = []

#: What opens sockets and reaches nobody, by module and function: an event loop's pair on Windows, questions about IPv6.
_HARMLESS = frozenset(
    {
        ("socket", "socketpair"),
        ("socket", "_fallback_socketpair"),
        ("socket", "has_dualstack_ipv6"),
        ("urllib3.util.connection", "_has_ipv6"),
    }
)


@contextmanager
def guarded() -> Iterator[list[NetworkUse]]:
    """Until it is left, reaching for the network raises NetworkUsedError; what was tried stands in the list, once each.

    A socket that was opened stands there only if nothing was done with one afterwards.
    """
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    uses: list[NetworkUse] = []
    _watching.append(uses)
    try:
        yield uses
    finally:
        _watching.pop()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    __tracebackhide__ = True
    if event in _EVENTS:
        for uses in _watching[-1:]:
            watch(event, args, uses, sys._getframe().f_back)  # noqa: SLF001 - there is no other way to the caller


def watch(event: str, args: tuple[Any, ...], uses: list[NetworkUse], frame: FrameType | None) -> None:
    """Note the audit event, if it is a use of the network. Raises NetworkUsedError, but for a socket being opened: to
    whom it is to go, the next step tells.
    """
    __tracebackhide__ = True
    what = _EVENTS[event](*args)
    frames = list(_frames(frame))
    if what is None or any((each.f_globals.get("__name__"), each.f_code.co_name) in _HARMLESS for each in frames):
        return
    use = NetworkUse(what, _where(frames))
    uses[:] = [each for each in uses if each != use and each.what != _OPEN]
    uses.append(use)
    if event != OPENED:
        raise NetworkUsedError(f"no network in this test: {use}")


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _where(frames: list[FrameType]) -> str:
    """File and line of the innermost frame that is neither Python's nor an installed library's.

    Where a thread has none, as an event loop's, it is the main thread's; else the innermost of any.
    """
    libraries, main = _libraries(), _main_thread()
    # At once, and last: the main thread goes on, and its frames with it.
    mains = list(_frames(sys._current_frames().get(main)))  # noqa: SLF001 - the same
    for each in (*frames, *mains):
        if not each.f_code.co_filename.startswith(libraries):
            return _place(each)
    return _place(frames[0]) if frames else "no Python code"


def _main_thread() -> int:
    import threading  # noqa: PLC0415 - only a test that fails needs it

    return threading.main_thread().ident or 0


def _libraries() -> tuple[str, ...]:
    """Where code comes from that is not the user's."""
    import sysconfig  # noqa: PLC0415 - only a test that fails needs it

    paths = sysconfig.get_paths()
    return ("<", *(paths[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def _place(frame: FrameType) -> str:
    here = os.getcwd() + os.sep  # noqa: PTH109 - texts are compared
    return f"{frame.f_code.co_filename.removeprefix(here)}:{frame.f_lineno}"


# --- what the audit events say ----------------------------------------------------------------------------------------

OPENED = "socket.__new__"
_OPEN = "open a socket"


def _opened(_: Any, family: int, *__: Any) -> str | None:
    return _OPEN if _is_internet(family) else None


def _told(words: str) -> Callable[..., str | None]:
    """Tells of a call on a socket, with an address."""
    return lambda sock, address=None: f"{words} {_address(address)}" if _is_internet(sock.family) else None


def _looked_up(host: Any, port: Any = None, *_: Any) -> str:
    return f"look up {'this machine' if host is None else _text(host)}{'' if port is None else f':{_text(port)}'}"


def _named(address: Any) -> str:
    return f"look up {_address(address)}"


def _is_internet(family: int) -> bool:
    import socket  # noqa: PLC0415 - this is loaded in every session of pytest, sockets may not be

    return family in {socket.AF_INET, socket.AF_INET6}


def _address(address: Any) -> str:
    """Host and port; the host alone where there is no port."""
    if isinstance(address, tuple):
        return ":".join(map(_text, address[:2]))
    return "its peer" if address is None else _text(address)


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


_EVENTS: dict[str, Callable[..., str | None]] = {
    OPENED: _opened,
    "socket.bind": _told("bind to"),
    "socket.connect": _told("connect to"),
    "socket.sendto": _told("send to"),
    "socket.sendmsg": _told("send to"),
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,
    "socket.gethostbyaddr": _looked_up,
    "socket.getnameinfo": _named,
}
