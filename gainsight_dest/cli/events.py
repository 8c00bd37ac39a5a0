"""The events of a file as commands take them: one by one, with a bar, each with its config."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rich.progress import Progress

from gainsight_dest import DestinationConfig
from gainsight_dest.cli import show
from gainsight_dest.cli.files import WrongInputError, reading
from gainsight_dest.cli.streams import warn
from gainsight_dest.files import read
from gainsight_dest.files.formats import recoding
from gainsight_dest.files.read import Item
from gainsight_dest.templates import Settings

if TYPE_CHECKING:
    from gainsight_dest.files.tables import TableOptions

_STDIN = "<stdin>"
#: For iconv, and for Windows PowerShell, whose default it is in most of Europe and the Americas.
_WINDOWS_1252 = ("WINDOWS-1252", "Default")
_EVENTS_BETWEEN_LOOKS = 1000
_HOW_TO_NAME = "\nSay which column is which with --column COLUMN=NAME; --column COLUMN= leaves one out."


class EventFile(NamedTuple):
    """A file while its events are read: the bar is kept up to the items."""

    file: io.BufferedReader
    bar: Progress
    items: Iterator[Item]


@contextmanager
def reading_events(
    path: str, *, fail_empty: bool, to_stdout: bool = False, table: TableOptions | None = None
) -> Iterator[EventFile]:
    """The events of a file, with a bar while this is open. `to_stdout`: lines are printed meanwhile.

    Raises WrongInputError, as `read_events`, and for a file that cannot be read.
    """
    with reading(path) as file:
        bar = show.progress(show.console_on_stderr(), to_stdout=to_stdout)
        with show.on_screen(bar):
            yield EventFile(file, bar, _watched(read_events(file, fail_empty=fail_empty, table=table), file, bar))


def read_events(
    file: io.BufferedReader,
    *,
    fail_empty: bool = False,
    warn: Callable[[str], object] = warn,
    table: TableOptions | None = None,
) -> Iterator[Item]:
    """The events of a file, with warnings of what is odd about all of it. `table`: how, if it is a table.

    Raises WrongInputError for a file that is something else, such as a table; with `fail_empty` for one without events.
    """
    name, in_commands = name_of(file) or "standard input", name_of(file) or "FILE"
    is_empty = is_utf8 = True
    try:
        rows = None if table is None else table.items
        for item in read.events(file, lambda text: warn(f"{name}: {text}"), rows):
            if is_utf8 and item.is_in_another_encoding:
                commands = "".join(f"\n  {each}" for each in recoding(in_commands, *_WINDOWS_1252))
                warn(f"{name} is not all UTF-8: event {item.number:,} is not. If it is Windows-1252:{commands}")
                is_utf8 = False
            is_empty = False
            yield item
    except read.WrongFormatError as error:
        raise WrongInputError(error.format.advice(in_commands, is_packed=error.is_packed)) from None
    except ValueError as error:
        how = _HOW_TO_NAME if getattr(error, "is_of_columns", False) else ""
        raise WrongInputError(f"{name}: {error}{how}") from None
    if is_empty and fail_empty:
        raise WrongInputError(f"{name} holds no events")
    if is_empty:
        warn(f"{name} holds no events")


def name_of(file: io.BufferedReader) -> str | None:
    """The name of the file; None for standard input."""
    is_named = isinstance(file.name, (str, Path)) and file.name != _STDIN
    return str(file.name) if is_named else None


def _watched(items: Iterator[Item], file: io.BufferedReader, bar: Progress) -> Iterator[Item]:
    """The items, with the bar kept up to them."""
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    task = bar.add_task("", total=size, events=0)
    count = 0
    for count, item in enumerate(items, 1):
        yield item
        if count % _EVENTS_BETWEEN_LOOKS == 0:
            bar.update(task, events=count, completed=file.tell() if size else 0)
    bar.update(task, events=count)


class Configs:
    """The config for each event: the one given, or else that of the destination that came with the event."""

    def __init__(self, given: DestinationConfig | Settings | None) -> None:
        self._given = given
        self._key: bytes | None = None
        self._last = Settings(None)

    def of(self, item: Item) -> DestinationConfig | Settings:
        """The config, which the event may fill in. Raises NoConfigError where there is none.

        What came with an event may ask for nothing of the environment, which is not the event's. The last one is
        remembered: events of one destination mostly come together.
        """
        if self._given is not None:
            return self._given
        if item.destination is None and item.problem is None:
            raise NoConfigError(item)
        try:
            key = msgspec.json.encode(item.destination)
        except (UnicodeEncodeError, RecursionError):  # nothing to remember it by
            key = None
        if key is None or key != self._key:
            self._key, self._last = key, Settings(item.destination)
        return self._last


class NoConfigError(WrongInputError):
    """An event came without a destination of its own, and no config was given."""

    def __init__(self, item: Item) -> None:
        super().__init__(f"event {item.number} carries no destination of its own: name one with --config FILE")
