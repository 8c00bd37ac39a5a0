"""Reading events: NDJSON or a JSON array, plain or gzipped, one after the other in constant memory."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec

from gainsight_dest.outcome import is_nested

#: A longer line, or element of an array, is not an event (RudderStack takes 4 MB a request), and would cost the memory
#: that is promised. In bytes.
LONGEST_LINE = 16 * 1024 * 1024
_SHOWN_OF_A_LONG_LINE = 1000
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


@attrs.frozen
class Item:
    """One event as it was read.

    `number`: its line in NDJSON, its place in an array, from 1. `event`: the event, out of RudderStack's nested form if
    it came in it. `destination`: the destination that came with it, or None. `raw`: all of it, as it came. `problem`:
    why it could not be read, or None. `is_open`: its line is no JSON and the last, without an end: it may still be
    written.
    """

    number: int
    event: Any = None
    destination: Any = None
    raw: Any = None
    problem: str | None = None
    is_open: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing of the event to keep: the file broke off before it."""
        return self.raw is None and self.problem is not None


def events(file: io.BufferedReader) -> Iterator[Item]:
    """The events of a file, one at a time. A line that is not JSON, or a file that breaks off, is an Item at fault."""
    stream = _unzipped(file)
    number = 0
    try:
        for item in _array(stream) if _starts_with_bracket(stream) else _lines(stream):
            number = item.number
            yield item
    except (OSError, EOFError, zlib.error) as error:
        yield Item(number + 1, problem=f"the file cannot be read from here on: {_broken(error)}")


def _broken(error: Exception) -> str:
    """What is wrong with a file, in words of ours: those of gzip quote it."""
    if isinstance(error, EOFError):
        return "its gzip data ends too early"
    if isinstance(error, (gzip.BadGzipFile, zlib.error)):
        return "its gzip data is damaged"
    return getattr(error, "strerror", None) or "the system does not say why"


def _unzipped(file: io.BufferedReader) -> io.BufferedReader:
    if file.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    return file


def _starts_with_bracket(stream: io.BufferedReader) -> bool:
    return stream.peek(1).removeprefix(_BOM).lstrip(_SPACE)[:1] == b"["


def _array(stream: io.BufferedReader) -> Iterator[Item]:
    elements = _Elements()
    number = 0
    while not elements.are_over:
        if not (data := stream.read1(_CHUNK)):
            if text := elements.last():
                number += 1
                yield _element(number, text)
            yield Item(number + 1, problem="the JSON array cannot be read from here on: it breaks off")
            return
        for text in elements.of(data):
            number += 1
            yield _element(number, text)
    rest = elements.rest
    while not rest.strip(_SPACE):
        if not (rest := stream.read1(_CHUNK)):
            return
    yield Item(number + 1, problem="the JSON array cannot be read from here on: it has ended, and something follows")


def _element(number: int, text: bytes) -> Item:
    if len(text) > LONGEST_LINE:
        return _long(number, text, "element")
    return _parsed(number, text.strip(_SPACE), is_open=False)


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
    whole = True
    number = 0
    while line := stream.readline(LONGEST_LINE):
        starts, whole = whole, line.endswith(b"\n") or len(line) < LONGEST_LINE
        if not starts:
            continue
        number += 1
        if not whole:
            yield _long(number, line, "line")
        elif text := line.removeprefix(_BOM).strip(_SPACE):
            yield _parsed(number, text, is_open=not line.endswith(b"\n"))
        if whole and not line.endswith(b"\n"):
            return  # what comes now, while the file is being written, is the rest of this line


def _long(number: int, text: bytes, what: str) -> Item:
    shown = text[:_SHOWN_OF_A_LONG_LINE].decode(errors="backslashreplace")
    return Item(number, raw=shown, problem=f"the {what} is longer than {LONGEST_LINE:,} bytes")


def _parsed(number: int, text: bytes, *, is_open: bool) -> Item:
    try:
        return _item(number, msgspec.json.decode(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the standard library takes more (lone surrogates, NaN), and says better what is wrong
    try:
        return _item(number, json.loads(text))
    except (ValueError, RecursionError) as error:
        raw = text.decode(errors="backslashreplace")
        return Item(number, raw=raw, problem=not_json(error), is_open=is_open)


def _item(number: int, value: Any) -> Item:
    """The item of a value, taken out of the nested form if it came in it.

    A message that is a string is parsed: so a line that was not JSON can be mended where --errors has put it.
    """
    if not is_nested(value):
        return Item(number, value, raw=value)
    event = value["message"]
    if isinstance(event, str):
        try:
            event = json.loads(event)
        except (ValueError, RecursionError) as error:
            return Item(number, raw=value, problem=f"message: {not_json(error)}")
    return Item(number, event, value.get("destination"), value)


def not_json(error: Exception) -> str:
    """What json.loads found wrong, without the text that it found it in."""
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"not JSON at {line}column {error.colno}: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else "not JSON: a number is too long"
