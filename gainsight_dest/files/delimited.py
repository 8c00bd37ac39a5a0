"""The rows of a CSV of any dialect and encoding, in constant memory: cells as texts, and which row cannot be read."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from gainsight_dest.files.formats import SEPARATORS, FileFormat
from gainsight_dest.files.read import IF_WINDOWS, LONGEST_LINE, numbered
from gainsight_dest.spelling import counted

_CHUNK = 1 << 16  # bytes
_SAMPLE = 20  # rows by which the separator is found
#: No row has more: lines that follow a quote that is never closed are to be rows.
_MOST_LINES = 10_000
#: What Excel may write as the first line.
_SEPARATOR_TOLD = re.compile(r"sep=([^\w\s\"']|\t)\s*", re.IGNORECASE)


class Record(NamedTuple):
    """A row of a CSV: the line that it begins in, its cells, its text, and why it cannot be read, or None.

    `is_open`: it is the last, and may still be written.
    """

    line: int
    cells: list[str]
    text: str
    problem: str | None = None
    is_open: bool = False


class _TooLongError(Exception):
    """A row does not end."""


class _Lines:
    """What a csv.reader takes its lines from. `taken`: those since the last row began, with their numbers."""

    def __init__(self, lines: Iterator[tuple[int, str, str | None]]) -> None:
        self._lines = lines
        self.taken: list[tuple[int, str]] = []
        self.problem: str | None = None
        self.is_over = False
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Raises _TooLongError."""
        if self._size > LONGEST_LINE or len(self.taken) > _MOST_LINES:
            raise _TooLongError
        try:
            number, text, problem = next(self._lines)
        except StopIteration:
            self.is_over = True
            raise
        self.taken.append((number, text))
        self._size += len(text)
        self.problem = self.problem or problem
        return text

    def begin(self) -> None:
        """A row begins."""
        self.taken, self.problem, self._size = [], None, 0


#: What follows a quote that ends a cell, and is no separator, tells that it was none.
_STRICT: dict[str, Any] = {"quotechar": '"', "strict": True}
_NEVER_CLOSED = "begins a quote that is never closed"


class Records:
    """The rows of a CSV, the header first. `width`: how many cells each row must have, once the header tells it.

    A quote that is never closed would make one cell of all that follows. So if lines within such a cell are rows by
    themselves, they are rows.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        start = stream.peek(_CHUNK).decode(errors="replace").removeprefix("\ufeff")
        self.width: int | None = None
        told = _SEPARATOR_TOLD.fullmatch(start.partition("\n")[0])
        self._form: dict[str, Any] = {"delimiter": told[1], **_STRICT} if told else _dialect(start)
        lines = _decoded(numbered(stream))
        if told:
            next(lines, None)
        self._lines = _Lines(lines)
        self._reader = csv.reader(self._lines, **self._form)
        self._again: Iterator[Record] = iter(())

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        while True:
            record = next(self._again, None)
            if record is not None:
                return record
            record = self._next()
            if record.cells or record.problem is not None:  # else the line is blank
                return record

    def _next(self) -> Record:
        """Raises StopIteration."""
        lines = self._lines
        lines.begin()
        cells: list[str] = []
        problem = None
        try:
            cells = next(self._reader)
        except csv.Error as error:
            problem = f"is no row of a CSV: {error}"
        except _TooLongError:
            problem = _NEVER_CLOSED
        text = "".join(line for _, line in lines.taken)
        if lines.is_over and lines.taken:  # the reader asked for more: it is within quotes
            problem = _NEVER_CLOSED
        first = lines.taken[0][0]
        if len(lines.taken) > 1 and self._is_taken_apart(problem, cells):
            apart = self._apart(lines.taken)
            self._again = apart
            return next(apart)
        problem = lines.problem or problem or self._width_problem(cells)
        is_open = lines.is_over or not text.endswith("\n")
        return Record(first, self._fitted(cells), text, problem, is_open=problem is not None and is_open)

    def _is_taken_apart(self, problem: str | None, cells: list[str]) -> bool:
        """Whether the lines of a row are rows by themselves. One that has an end is what it is, unless all are."""
        if self.width is None:
            return False
        if problem is not None:
            return True
        within = self._lines.taken[1:-1]
        return self._width_problem(cells) is not None and bool(within) and all(map(self._is_row, within))

    def _is_row(self, line: tuple[int, str]) -> bool:
        record = self._alone(*line)
        return record.problem is None and len(record.cells) == self.width

    def _apart(self, lines: list[tuple[int, str]]) -> Iterator[Record]:
        """What each line is by itself; those that are no rows are one fault with those before them."""
        faults: list[Record] = []
        for line in lines:
            record = self._alone(*line)
            if record.problem is not None:
                faults.append(record)
                continue
            if faults:
                yield _one_of(faults)
                faults = []
            if record.cells:
                yield record
        if faults:
            yield _one_of(faults)

    def _alone(self, number: int, text: str) -> Record:
        lines = _Lines(iter([(number, text, None)]))
        try:
            cells = next(csv.reader(lines, **self._form))
        except csv.Error as error:
            problem = _NEVER_CLOSED if lines.is_over else f"is no row of a CSV: {error}"
            return Record(number, [], text, problem, is_open=not text.endswith("\n"))
        return Record(number, self._fitted(cells), text, self._width_problem(cells))

    def _width_problem(self, cells: list[str]) -> str | None:
        if self.width is None or not cells or len(self._fitted(cells)) == self.width:
            return None
        return f"has {counted(len(cells), 'cell')}, and the header has {self.width:,}"

    def _fitted(self, cells: list[str]) -> list[str]:
        """The cells, without those at the end that are empty and have no column."""
        if self.width is None or len(cells) <= self.width or any(map(str.strip, cells[self.width :])):
            return cells
        return cells[: self.width]


def _one_of(faults: list[Record]) -> Record:
    """One fault for all, which follow each other."""
    return faults[0]._replace(text="".join(fault.text for fault in faults), is_open=faults[-1].is_open)


def _dialect(start: str) -> dict[str, Any]:
    """The separator, which gives most rows at the beginning as many cells as the header, and the quotes."""
    whole = start.rpartition("\n")[0] or start
    lines = whole.splitlines(keepends=True)
    quote = "'" if '"' not in whole and re.match(r"\s*'[^']*'\s*([,;\t|]|$)", whole) else '"'

    def score(separator: str) -> tuple[int, int]:
        rows = csv.reader(lines, delimiter=separator, **{**_STRICT, "quotechar": quote})
        try:
            head, *others = [row for row, _ in zip(rows, range(_SAMPLE), strict=False)]
        except (csv.Error, ValueError):
            return (0, 0)
        return (sum(len(row) == len(head) for row in others), len(head)) if len(head) > 1 else (0, 0)

    return {**_STRICT, "delimiter": max(SEPARATORS, key=score), "quotechar": quote}


def _decoded(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, str, str | None]]:
    """The lines with their numbers as text, and why one of them cannot be read."""
    for number, line in lines:
        data = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        problem = None
        if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
            problem = f"is longer than {LONGEST_LINE:,} bytes"
        elif b"\0" in line:
            problem = "holds a zero byte"
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            text = data.decode(errors="backslashreplace")
            problem = problem or f"is not UTF-8 at byte {error.start + 1}{IF_WINDOWS}"
        yield number, text.replace("\0", "") if problem else text, problem


@contextmanager
def long_cells() -> Iterator[None]:
    """While it is open, cells may be as long as lines: the limit is one for the whole process."""
    before = csv.field_size_limit(2 * LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)


# --- encodings --------------------------------------------------------------------------------------------------------


def in_utf8(stream: io.BufferedReader, found: FileFormat | None) -> io.BufferedReader:
    """The same text in UTF-8, its lines ended by line feeds, also where an old Mac ended them."""
    if found is not None and found.encoding is not None:
        decoder = codecs.getincrementaldecoder(found.encoding[0])("surrogatepass")
        stream = _made_over(stream, lambda data, final: decoder.decode(data, final).encode("utf-8", "surrogatepass"))
    start = stream.peek(_CHUNK)
    if b"\r" in start and b"\n" not in start:
        stream = _made_over(stream, lambda data, _: data.replace(b"\r", b"\n"))
    return stream


def _made_over(stream: io.BufferedReader, make: Callable[[bytes, bool], bytes]) -> io.BufferedReader:
    made: io.BufferedReader[Any] = io.BufferedReader(_MadeOver(stream, make))
    return made


class _MadeOver(io.RawIOBase):
    """What is made of the data of a stream, part by part."""

    def __init__(self, stream: io.BufferedReader, make: Callable[[bytes, bool], bytes]) -> None:
        self._stream = stream
        self._make = make
        self._ready = bytearray()
        self._is_over = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises OSError where the text breaks off within a letter."""
        while not self._ready and not self._is_over:
            data = self._stream.read1(_CHUNK)
            self._is_over = not data
            try:
                self._ready += self._make(data, self._is_over)
            except UnicodeError:
                raise OSError(0, "its text is damaged") from None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        del self._ready[:size]
        return size
