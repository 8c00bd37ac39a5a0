"""The standard streams of a command: opened, escaped, flushed, and lines on standard output."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.spelling import escaped, printable_lines

if TYPE_CHECKING:
    from rich.progress import Progress

#: Takes what is to be printed: a text, of lines with their ends, or a line of JSON as `records.line` makes it.
Print = Callable[["str | bytes"], object]

_STREAMS = ("stdin", "stdout", "stderr")
_ESCAPES = "gainsight-dest.escapes"
_OUTPUT_BUFFER = 1 << 16


def open_streams() -> None:
    """Make the standard streams take whatever is printed: what the encoding of one has no letter for is escaped.

    One that the shell has closed is opened to nowhere. A file that is opened would else take its number, and be written
    to by whatever writes to the stream.
    """
    codecs.register_error(_ESCAPES, _escape)
    for number, name in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)  # which is the first free number, most of the time
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf8", closefd=False))  # noqa: SIM115 - until the process ends
        stream = getattr(sys, name)
        if number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)


class EscapingStream(io.StringIO):
    """A text stream for what others print, such as click its errors: it escapes what they do not."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Print it."""
        return self._stream.write(printable_lines(text))

    def flush(self) -> None:
        """Print what waits."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()


def flush() -> None:
    """Write what waits in the streams, as far as they still take it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()


def _escape(error: Any) -> tuple[str, int]:
    """JSON's escapes, so that what is JSON stays it. `error`: a UnicodeEncodeError, as Python calls this."""
    return escaped(error.object[error.start : error.end]), error.end


@contextmanager
def standard_output(bar: Progress) -> Iterator[Print]:
    """Standard output; by way of the bar where both are on one terminal, so that it stays below the lines."""
    if sys.stdout.isatty() and not bar.disable:
        yield lambda text: bar.console.out(_bytes(text).decode().rstrip("\n"), highlight=False)
        return
    with plain_output() as write:
        yield write


@contextmanager
def plain_output() -> Iterator[Print]:
    """Standard output without a bar. Raises ReaderGoneError where it was closed."""
    try:
        with open(sys.stdout.fileno(), "wb", buffering=_OUTPUT_BUFFER, closefd=False) as file:
            yield lambda text: file.write(_bytes(text))
    except BrokenPipeError:
        raise ReaderGoneError from None  # click would end with 1, which here says that not all is well


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else printable_lines(text).encode()


def warn(text: str) -> None:
    """Print a warning on standard error; above the bar, where there is one."""
    sys.stderr.write(f"{printable_lines(f'Warning: {text}')}\n")
