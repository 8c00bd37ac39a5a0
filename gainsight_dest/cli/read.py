"""Reading events: NDJSON or a JSON array, plain or gzipped, one after the other in constant memory."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import attrs
import ijson
import msgspec

from gainsight_dest.outcome import is_nested

#: A longer line is not an event (RudderStack takes 4 MB a request), and would cost the memory that is promised.
LONGEST_LINE = 16 * 1024 * 1024
_SHOWN_OF_A_LONG_LINE = 1000
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


@attrs.frozen
class Item:
    """One event as it was read.

    `number`: its line in NDJSON, its place in an array, from 1. `event`: the event, out of RudderStack's nested form if
    it came in it. `destination`: the destination that came with it, or None. `raw`: all of it, as it came. `problem`:
    why it could not be read, or None.
    """

    number: int
    event: Any = None
    destination: Any = None
    raw: Any = None
    problem: str | None = None

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
        yield Item(number + 1, problem=f"the file cannot be read from here on: {error}")


def _unzipped(file: io.BufferedReader) -> io.BufferedReader:
    if file.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    return file


def _starts_with_bracket(stream: io.BufferedReader) -> bool:
    return stream.peek(1).removeprefix(_BOM).lstrip(_SPACE)[:1] == b"["


def _array(stream: BinaryIO) -> Iterator[Item]:
    number = 0
    if stream.peek(1)[:3] == _BOM:  # type: ignore[attr-defined]
        stream.read(3)
    try:
        for number, value in enumerate(ijson.items(stream, "item"), 1):
            yield _item(number, value)
    except ijson.JSONError as error:
        reason = str(error).splitlines()[0]
        yield Item(number + 1, problem=f"the JSON array cannot be read from here on: {reason}")


def _lines(stream: io.BufferedReader) -> Iterator[Item]:
    whole = True
    number = 0
    while line := stream.readline(LONGEST_LINE):
        starts, whole = whole, line.endswith(b"\n") or len(line) < LONGEST_LINE
        if not starts:
            continue
        number += 1
        if not whole:
            shown = line[:_SHOWN_OF_A_LONG_LINE].decode(errors="backslashreplace")
            yield Item(number, raw=shown, problem=f"the line is longer than {LONGEST_LINE:,} bytes")
        elif text := line.removeprefix(_BOM).strip(_SPACE):
            yield _parsed(number, text)


def _parsed(number: int, text: bytes) -> Item:
    try:
        return _item(number, msgspec.json.decode(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the standard library takes more (lone surrogates, NaN), and says better what is wrong
    try:
        return _item(number, json.loads(text))
    except (ValueError, RecursionError) as error:
        return Item(number, raw=text.decode(errors="backslashreplace"), problem=not_json(error))


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
