"""What a command reads and writes while it runs: events with a bar kept up to them, lines on standard output."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress

from gainsight_dest.cli import read
from gainsight_dest.cli.files import ReaderGoneError, Write

_OUTPUT_BUFFER = 1 << 16
_EVENTS_BETWEEN_LOOKS = 1000


@contextmanager
def standard_output(bar: Progress) -> Iterator[Write]:
    """Standard output; by way of the bar where both are on one terminal, so that it stays below the lines."""
    if sys.stdout.isatty() and not bar.disable:
        yield lambda line: bar.console.out(line.decode().rstrip("\n"), highlight=False)
        return
    with plain_output() as write:
        yield write


@contextmanager
def plain_output() -> Iterator[Write]:
    """Standard output as it is. Raises ReaderGoneError where it was closed."""
    try:
        with open(sys.stdout.fileno(), "wb", buffering=_OUTPUT_BUFFER, closefd=False) as file:
            yield file.write
    except BrokenPipeError:
        raise ReaderGoneError from None  # click would end with 1, which here says that not all is well


def watched(items: Iterator[read.Item], file: io.BufferedReader, bar: Progress) -> Iterator[read.Item]:
    """The items, with the bar kept up to them."""
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    task = bar.add_task("", total=size, events=0)
    count = 0
    for count, item in enumerate(items, 1):
        yield item
        if count % _EVENTS_BETWEEN_LOOKS == 0:
            bar.update(task, events=count, completed=file.tell() if size else 0)
    bar.update(task, events=count)
