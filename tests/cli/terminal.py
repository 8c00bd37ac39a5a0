"""The command line at a terminal, of which there are none on Windows as they are here."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from unittest import mock

from tests.cli.process import LONGEST, Done, called, piped, started

#: What a terminal is sent once a bar is gone.
SHOW_CURSOR = "\x1b[?25h"


def run_on_a_terminal(*arguments: object, env: Mapping[str, str] | None = None) -> Done:
    """The command, run to its end in this process, with what it prints at a terminal of 80 columns: all of it.

    `env`: more of the environment.
    """
    ours, theirs = _terminal()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(_sent(ours)))
    reader.start()
    with (
        os.fdopen(theirs, "w", encoding="utf8") as terminal,
        piped(b"") as source,
        mock.patch.dict(os.environ, {**_of_a_terminal(), **(env or {})}, clear=True),
    ):
        status = called(arguments, stdin=source, stdout=terminal, stderr=terminal)
    reader.join()
    os.close(ours)
    return Done([*map(str, arguments)], status, b"".join(shown), b"")


def on_a_terminal(*arguments: object, at: tuple[str, ...], enough: bytes | None = None) -> Done:
    """The command, run to its end in a process of its own, with these streams `at` such a terminal: what it is sent.

    Once that is `enough`, Ctrl-C is pressed.
    """
    ours, theirs = _terminal()
    options: dict[str, Any] = {"env": _of_a_terminal(), **dict.fromkeys(at, theirs)}
    with started(*arguments, **options) as process:
        os.close(theirs)
        shown = b""
        for part in _sent(ours):
            shown += part
            if enough is not None and re.search(enough, shown):
                enough = None
                process.send_signal(signal.SIGINT)
        os.close(ours)
        process.communicate(timeout=LONGEST)
    return Done(process.args, process.returncode, shown, b"")


def _terminal() -> tuple[int, int]:
    """Our side of it, and that of a program."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return ours, theirs


def _of_a_terminal() -> dict[str, str]:
    """The environment at a terminal that has colours."""
    return {**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, "TERM": "xterm"}


def _sent(terminal: int) -> Iterator[bytes]:
    """What the program writes to its side, until it has closed it."""
    with suppress(OSError):  # Linux's way to say so
        while part := os.read(terminal, 65536):
            yield part


def plain(shown: str) -> str:
    """What a terminal shows, without what moves its cursor and colours it."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")
