"""Reading events: JSON in lines, over several lines or in an array, plain or gzipped, in constant memory."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import msgspec

from gainsight_dest import EventError, Outcome, events_of
from gainsight_dest.files.formats import FileFormat, format_of
from gainsight_dest.outcome import Fault, fault_of, is_nested

#: A longer line, or element of an array, is not an event (RudderStack takes 4 MB a request), and would cost the memory
#: that is promised. In bytes.
LONGEST_LINE = 16 * 1024 * 1024
_SHOWN_OF_A_LONG_LINE = 1000
_BOM = b"\xef\xbb\xbf"
#: What a problem begins with where it is the encoding.
_NOT_UTF8 = "not UTF-8"
_GZIP = b"\x1f\x8b"
_SPACE = b" \t\r\n"


#: What an event that could not be read is at fault with, beside the names of the error classes, and where.
NOT_JSON = "NotJSON"
_LINE = "the line"


@attrs.frozen
class Item:
    """One event as it was read.

    `number`: the line that it begins in, or its place in an array, from 1. `event`: the event, out of RudderStack's
    nested form if it came in it. `destination`: the destination that came with it, or None. `raw`: all of it, as it
    came. `problem`: why it could not be read, or None. `is_open`: it is no JSON and the last, without an end: it may
    still be written. `place`: where it is, if its number is that of others too: `line 3, batch[1]`.
    """

    number: int
    event: Any = None
    destination: Any = None
    raw: Any = None
    problem: str | None = None
    is_open: bool = False
    place: str | None = None

    @property
    def where(self) -> dict[str, Any]:
        """Its number, and its place if it has one, as keys of a record."""
        return {"number": self.number} if self.place is None else {"number": self.number, "place": self.place}

    @property
    def given(self) -> Any:
        """The event, or the error that stands in for one that could not be read."""
        return self.event if self.problem is None else EventError(_LINE, self.problem)

    @property
    def is_in_another_encoding(self) -> bool:
        """Whether it could not be read since it is not UTF-8."""
        return self.problem is not None and self.problem.startswith(_NOT_UTF8)

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing of the event to keep: the file broke off before it."""
        return self.raw is None and self.problem is not None


def fault_in(outcome: Outcome) -> Fault | None:
    """Why the event is not with Gainsight; None if it is, or need not be."""
    error = outcome.error
    if isinstance(error, EventError) and error.path == _LINE:
        return Fault(NOT_JSON, None, error.problem)
    return fault_of(outcome)


class WrongFormatError(Exception):
    """The file is something else: `format` tells what. `is_packed`: that is within gzip."""

    def __init__(self, found: FileFormat, *, is_packed: bool = False) -> None:
        super().__init__(found.name)
        self.format = found
        self.is_packed = is_packed


def events(
    file: io.BufferedReader,
    warn: Callable[[str], object] = str,
    table: Callable[[io.BufferedReader, FileFormat | None], Iterator[Item]] | None = None,
) -> Iterator[Item]:
    """The events of a file, one at a time. A line that is not JSON, or a file that breaks off, is an Item at fault.

    `warn` takes what is to be said of the file, without its name. `table`: what makes events of it, if it is a table:
    by the data, out of gzip, and what kind of file that is. Raises WrongFormatError before the first event.
    """
    is_packed = file.peek(2)[:2] == _GZIP
    stream: io.BufferedReader[Any] = io.BufferedReader(_GzipStream(file, warn)) if is_packed else file
    number = 0
    try:
        found = format_of(stream.peek(_CHUNK))
        for item in _json(stream, found) if table is None else table(stream, found):
            number = item.number
            yield item
    except WrongFormatError as error:
        raise WrongFormatError(error.format, is_packed=is_packed) from None
    except (OSError, EOFError, zlib.error) as error:
        yield Item(number + 1, problem=f"the file cannot be read from here on: {_broken(error)}")


def _json(stream: io.BufferedReader, found: FileFormat | None) -> Iterator[Item]:
    if found is not None:
        raise WrongFormatError(found)
    is_array = stream.peek(1).removeprefix(_BOM).lstrip(_SPACE)[:1] == b"["
    return _array(stream) if is_array else _lines(stream)


def _broken(error: Exception) -> str:
    """What is wrong with a file, in words of ours: those of gzip quote it."""
    if isinstance(error, EOFError):
        return "its gzip data ends too early"
    if isinstance(error, (gzip.BadGzipFile, zlib.error)):
        return "its gzip data is damaged"
    return getattr(error, "strerror", None) or "the system does not say why"


class _GzipStream(io.RawIOBase):
    """What is in gzip data. What comes after it and is none, such as padding, is passed over with a warning."""

    def __init__(self, file: io.BufferedReader, warn: Callable[[str], object]) -> None:
        self._file = gzip.GzipFile(fileobj=file)
        self._warn = warn
        self._is_over = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises BadGzipFile, EOFError and zlib.error where the data is damaged."""
        data = b"" if self._is_over else self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        try:
            return self._file.read1(size)
        except gzip.BadGzipFile as error:
            if not str(error).startswith("Not a gzipped file"):  # as it began as one, this is what comes after it
                raise
        self._is_over = True
        self._warn("what follows the gzip data is not gzip data, and was ignored")
        return b""


def _array(stream: io.BufferedReader) -> Iterator[Item]:
    elements = _Elements()
    number = 0
    while not elements.are_over:
        if not (data := stream.read1(_CHUNK)):
            if text := elements.last():
                number += 1
                yield from _element(number, text)
            yield Item(number + 1, problem="the JSON array cannot be read from here on: it ends too early")
            return
        for text in elements.of(data):
            number += 1
            yield from _element(number, text)
    rest = elements.rest
    while not rest.strip(_SPACE):
        if not (rest := stream.read1(_CHUNK)):
            return
    yield Item(number + 1, problem="the JSON array cannot be read from here on: something follows its end")


def _element(number: int, text: bytes) -> tuple[Item, ...]:
    if len(text) > LONGEST_LINE:
        return (_long(number, text, "element"),)
    return _parsed(number, text.strip(_SPACE), what="element")


_CHUNK = 1 << 16  # bytes
_OPENING, _CLOSING, (_COMMA, _QUOTE) = b"[{", b"]}", b',"'
_SIMPLE = rb'[^"\[\]{}]*(?:"[^"\\]*"[^"\[\]{}]*)*'  # without brackets, but in strings, and without backslashes in those
#: What is passed over at once: inside an element to the next bracket that holds others, in the array itself to the next
#: bracket or comma, in a string to its end. No byte can be read in two ways, so it takes linear time.
_INSIDE = re.compile(_SIMPLE + rb"(?:[\[{]" + _SIMPLE + rb"[\]}]" + _SIMPLE + rb")*")
_BETWEEN = re.compile(rb'[^",\[\]{}]*(?:"[^"\\]*"[^",\[\]{}]*)*')
_IN_A_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


class _Elements:
    """Takes a JSON array apart, in linear time and the memory of one element. What an element is, is not looked at.

    A JSON library that reads a stream would end the process at a nesting of thousands, or at a long number.
    """

    def __init__(self) -> None:
        self.are_over = False
        self.rest = b""
        self._depth = 0
        self._count = 0
        self._text = bytearray()
        self._is_in_string = False
        self._is_escaped = False

    def of(self, data: bytes) -> Iterator[bytes]:
        """The texts of the elements that end in the data; of one that is too long, a byte more than it may have."""
        start, at, end, depth = 0, int(self._is_escaped), len(data), self._depth
        self._is_escaped = False
        while True:
            pattern = _IN_A_STRING if self._is_in_string else _INSIDE if depth > 1 else _BETWEEN
            at = pattern.match(data, at).end()  # type: ignore[union-attr] # each of them matches the empty text, too
            if at >= end:
                break
            mark = data[at]
            at += 1
            if mark in _OPENING:
                depth += 1
                if depth == 1:
                    start = at
            elif mark in _CLOSING:
                depth -= 1
                if depth == 0:
                    text = self._ended(data[start : at - 1])
                    if self._count > 1 or text.strip(_SPACE):
                        yield text
                    self.are_over, self.rest = True, data[at:]
                    return
            elif mark == _QUOTE:
                self._is_in_string = not self._is_in_string
            elif mark == _COMMA:
                yield self._ended(data[start : at - 1])
                start = at
            else:  # a backslash, the last byte: what it is for is still to come
                self._is_escaped = True
        self._depth = depth
        self._keep(data[start:])

    def last(self) -> bytes:
        """The text of an element that is whole, though nothing follows it; else none."""
        text = bytes(self._text).rstrip(_SPACE)
        return text if self._depth == 1 and not self._is_in_string and text.endswith((b"}", b"]")) else b""

    def _keep(self, part: bytes) -> None:
        self._text += part[: LONGEST_LINE + 1 - len(self._text)]

    def _ended(self, part: bytes) -> bytes:
        self._keep(part)
        text = bytes(self._text)
        self._text.clear()
        self._count += 1
        return text


def _lines(stream: io.BufferedReader) -> Iterator[Item]:
    """The events of lines: of each its own, or one of several lines where they make one.

    A line that is no JSON itself, and leaves brackets open, begins one. What ends it, see `_OpenText`.
    """
    begun: _OpenText | None = None
    for number, whole_line in numbered(stream):
        line = whole_line
        if begun is None:
            items = None if len(line) >= LONGEST_LINE else _plain(number, line)
            if items is not None:
                yield from items
                continue
        else:
            line = begun.rest(line)
            if begun.goes_on:
                continue
            yield from begun.items()
            begun = None
        if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
            yield _long(number, line, "line")
        elif text := line.removeprefix(_BOM).strip(_SPACE):
            items = _parsed(number, text, is_open=not line.endswith(b"\n"))
            if _is_fault(items) and text.startswith(b"{") and (_left_open(text) or 0) > 0:
                begun = _OpenText(number, line.removeprefix(_BOM))
            else:
                yield from items
    if begun is not None:
        yield from begun.items(is_last=True)


def _plain(number: int, text: bytes, what: str = "line") -> tuple[Item, ...] | None:
    """The events of a text that is JSON, as most are; None for all others, which take a closer look."""
    try:
        return items_of(number, msgspec.json.decode(text), what)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def numbered(stream: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, from 1; of one that is too long, its beginning."""
    whole = True
    number = 0
    while line := stream.readline(LONGEST_LINE):
        starts, whole = whole, line.endswith(b"\n") or len(line) < LONGEST_LINE
        if starts:
            number += 1
            yield number, line
        if whole and not line.endswith(b"\n"):
            return  # what comes now, while the file is being written, is the rest of this line


_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)


def _left_open(line: bytes) -> int | None:
    """How many brackets the line leaves open, fewer than 0 if it closes more; None if it ends within a string."""
    bare, strings = _STRING.subn(rb"\1", line)  # of each that is whole one quote is left
    if bare.count(b'"') < strings:
        return None
    return sum(map(bare.count, (b"{", b"["))) - sum(map(bare.count, (b"}", b"]")))


class _OpenText:
    """A text that a line has begun, and others may go on with.

    They do, until its brackets are closed, if they are blank or begin with a space, a quote, a comma or what closes
    them. So a line of NDJSON that is broken takes none of those that follow with it: they begin with `{`. Where the
    lines make no JSON, one that is an object by itself is an event, and what stands between such lines one fault.
    """

    def __init__(self, number: int, line: bytes) -> None:
        self.goes_on = True
        self._number = number
        self._text = bytearray(line)  # a list of short lines would take many times their bytes
        self._depth = _left_open(line) or 0
        self._is_broken = False  # a string goes over the end of a line, which JSON has none of

    def rest(self, line: bytes) -> bytes:
        """What is left of the next line, once the text has taken its part: all, or what follows its end, or nothing."""
        if line[:1] not in _GOES_ON or len(self._text) + len(line) > LONGEST_LINE:
            self.goes_on = False
            return line
        if line[:1] == b"}" and (self._is_broken or self._depth == 1):
            self.goes_on = False
            self._text += b"}"
            return line[1:]
        self._text += line
        if not self._is_broken:
            self._look_at(line)
        return b""

    def _look_at(self, line: bytes) -> None:
        left = _left_open(line)
        if left is None:
            self._is_broken = True
        else:
            self._depth += left
            self.goes_on = self._depth > 0

    def items(self, *, is_last: bool = False) -> Iterator[Item]:
        """What the lines make. `is_last`: nothing follows, so what has no end yet may still be written."""
        whole = bytes(self._text).strip(_SPACE)
        items = _parsed(self._number, whole, is_open=is_last and self._is_open(whole))
        if not _is_fault(items):
            yield from items
            return
        first, rest = self._number, bytearray()
        for number, line in enumerate(io.BytesIO(self._text), self._number):
            text = line.strip(_SPACE)
            is_likely = number > self._number and text.startswith(b"{") and text.endswith(b"}")
            alone = _parsed(number, text) if is_likely else ()
            if not alone or _is_fault(alone):
                rest += line
                continue
            yield from _remains(first, rest)
            yield from alone
            first, rest = number + 1, bytearray()
        yield from items if first == self._number else _remains(first, rest)

    def _is_open(self, whole: bytes) -> bool:
        """Whether it may still be written. One line that has an end is left so by what writes an event over several."""
        if not self._text.endswith(b"\n"):
            return True
        return not self._is_broken and (b"\n" in whole or whole.endswith((b"{", b"[", b",")))


def _is_fault(items: tuple[Item, ...]) -> bool:
    return bool(items) and items[0].problem is not None


_GOES_ON = b' \t\r\n"},]'


def _remains(number: int, rest: bytearray) -> tuple[Item, ...]:
    text = bytes(rest).strip(_SPACE)
    return _parsed(number, text) if text else ()


def _long(number: int, text: bytes, what: str) -> Item:
    shown = text[:_SHOWN_OF_A_LONG_LINE].decode(errors="backslashreplace")
    return Item(number, raw=shown, problem=f"the {what} is longer than {LONGEST_LINE:,} bytes")


def shown_of(text: str) -> str:
    """What is kept of a text that is no event: all, or the beginning of one that is too long."""
    return text if len(text) <= LONGEST_LINE else text[:_SHOWN_OF_A_LONG_LINE]


def _parsed(number: int, text: bytes, *, is_open: bool = False, what: str = "line") -> tuple[Item, ...]:
    """The events of a text, or the one item of its fault. `what`: what the number counts."""
    plain = _plain(number, text, what)
    if plain is not None:
        return plain
    letters = ""  # the standard library takes more (lone surrogates, NaN), and says better what is wrong
    try:
        letters = text.decode(errors="surrogatepass")  # as json.loads would, which takes zeros for UTF-16
        return items_of(number, json.loads(letters), what)
    except (ValueError, RecursionError) as error:
        if what == "line" and getattr(error, "msg", None) == "Extra data":
            items = _one_after_another(number, letters)
            if items is not None:
                return items
        raw = text.decode(errors="backslashreplace")
        before = number - 1 if what == "line" else 0
        return (Item(number, raw=raw, problem=_why_not(error, before), is_open=is_open),)


def _one_after_another(number: int, letters: str) -> tuple[Item, ...] | None:
    """The events of objects without a line's end between them; None if anything else is among them."""
    decoder = json.JSONDecoder()
    found: list[Item] = []
    at, line, begins = 0, number, 0
    while at < len(letters):
        try:
            value, end = decoder.raw_decode(letters, at)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        found += items_of(line, value, "line", f"line {line}, column {at - begins + 1}")
        after = _BLANKS.match(letters, end).end()  # type: ignore[union-attr] # it matches the empty text, too
        if ends := letters.count("\n", at, after):
            line, begins = line + ends, letters.rindex("\n", at, after) + 1
        at = after
    return tuple(found)


_BLANKS = re.compile(r"[ \t\r\n]*")


def items_of(number: int, value: Any, what: str, place: str | None = None) -> tuple[Item, ...]:
    """The events of a value: of the nested form the one in it, of an SDK's body all of its batch.

    A message that is a string is parsed: so a line that was not JSON can be fixed where --errors has put it.
    """
    if not isinstance(value, dict) or ("type" in value and "batch" not in value):
        return (Item(number, value, raw=value, place=place),)
    event, destination = value, None
    if is_nested(value):
        event, destination = value["message"], value.get("destination")
        if isinstance(event, str):
            try:
                event = json.loads(event)
            except (ValueError, RecursionError) as error:
                return (Item(number, raw=value, problem=f"message: {not_json(error)}", place=place),)
    batch = _batch_of(event)
    if batch is None:
        return (Item(number, event, destination, value, place=place),)
    at = place or f"{what} {number}"
    about = {} if destination is None else {"destination": destination}
    return tuple(
        Item(number, each, destination, {"message": each, **about} if about else each, place=f"{at}, batch[{index}]")
        for index, each in enumerate(batch)
    )


def _batch_of(value: Any) -> list[Any] | None:
    """The events of a body as an SDK sends it; None if it is one event by itself, or none at all."""
    if not isinstance(value, dict) or not isinstance(value.get("batch"), list):
        return None
    batch = events_of(value)
    return None if batch[:1] and batch[0] is value else batch


def _why_not(error: Exception, before: int) -> str:
    """What is wrong, with the line counted in the file: so many are before the text."""
    if isinstance(error, json.JSONDecodeError) and error.lineno > 1:
        return f"not JSON at line {before + error.lineno}, column {error.colno}: {error.msg}"
    problem = not_json(error)
    return f"{problem}{IF_WINDOWS}" if isinstance(error, UnicodeDecodeError) else problem


IF_WINDOWS = "; if it is Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8"


def not_json(error: Exception) -> str:
    """What json.loads found wrong, without the text that it found it in."""
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"not JSON at {line}column {error.colno}: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"{_NOT_UTF8} at byte {error.start + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else "not JSON: a number is too long"
