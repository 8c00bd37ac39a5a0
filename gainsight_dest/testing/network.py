"""The guard against the network: one audit hook for the process, which sees Python's sockets from whatever calls them.

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
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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


#: The uses that each guard has seen, the innermost last. A list, as guards may nest: a test of tests.
_watching: list[list[NetworkUse]] = []

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
    _install()
    uses: list[NetworkUse] = []
    _watching.append(uses)
    try:
        yield uses
    finally:
        _watching.pop()


@cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    __tracebackhide__ = True
    if event in _WORDS:
        for uses in _watching[-1:]:
            watch(event, args, uses, sys._getframe().f_back)  # noqa: SLF001 - there is no other way to the caller


def watch(event: str, args: tuple[Any, ...], uses: list[NetworkUse], frame: FrameType | None) -> None:
    """Note the audit event, if it is a use of the network. Raises NetworkUsedError, but not for opening a socket: only
    the next step has an address.
    """
    __tracebackhide__ = True
    what = _what(event, args)
    frames = list(_frames(frame))
    if what is None or any((each.f_globals.get("__name__"), each.f_code.co_name) in _HARMLESS for each in frames):
        return
    use = NetworkUse(what, _where(frames))
    uses[:] = [each for each in uses if each != use and each.what != _WORDS[OPENED]]
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
    libraries, main = _libraries(), threading.main_thread().ident or 0
    # At once, and last: the main thread goes on, and its frames with it.
    mains = list(_frames(sys._current_frames().get(main)))  # noqa: SLF001 - the same
    for each in (*frames, *mains):
        if not each.f_code.co_filename.startswith(libraries):
            return _place(each)
    return _place(frames[0]) if frames else "no Python code"


def _libraries() -> tuple[str, ...]:
    """Where code comes from that is not the user's."""
    paths = sysconfig.get_paths()
    return ("<", *(paths[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def _place(frame: FrameType) -> str:
    here = os.getcwd() + os.sep  # noqa: PTH109 - texts are compared
    return f"{frame.f_code.co_filename.removeprefix(here)}:{frame.f_lineno}"


# --- what the audit events say ----------------------------------------------------------------------------------------

OPENED = "socket.__new__"
_LOOK_UP = "look up"
_WORDS = {
    OPENED: "open a socket",
    "socket.bind": "bind to",
    "socket.connect": "connect to",
    "socket.sendto": "send to",
    "socket.sendmsg": "send to",
    "socket.getaddrinfo": _LOOK_UP,
    "socket.gethostbyname": _LOOK_UP,
    "socket.gethostbyaddr": _LOOK_UP,
    "socket.getnameinfo": _LOOK_UP,
}


def _what(event: str, args: tuple[Any, ...]) -> str | None:
    """What was tried, such as `connect to 192.0.2.1:80`; None if it stays on the machine."""
    words, first, second = _WORDS[event], args[0], (*args, None)[1]
    if words == _LOOK_UP:
        return f"{words} {_address(first if isinstance(first, tuple) else args)}"
    import socket  # noqa: PLC0415 - this is loaded in every session of pytest, sockets may not be

    if (second if event == OPENED else first.family) not in {socket.AF_INET, socket.AF_INET6}:
        return None
    if event == OPENED:
        return words
    return f"{words} {_address(second if isinstance(second, tuple) else (second or 'its peer',))}"


def _address(parts: tuple[Any, ...]) -> str:
    """Host and port; the host alone if no port is given."""
    host, *port = parts[:2]
    return ":".join(
        map(_text, ["this machine" if host is None else host, *(each for each in port if each is not None)])
    )


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
