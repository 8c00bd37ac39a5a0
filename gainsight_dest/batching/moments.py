"""When an event happened, in whatever form its source writes times, as UTC text that sorts. Pure functions.

Which of two events is the later one must not depend on how their times are written: one instant gives one text, and
texts sort as the instants do, down to the last digit of a second that is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import attrs

from gainsight_dest.reading import MOMENTS
from gainsight_dest.spelling import cut, printable
from gainsight_dest.values import kind

__all__ = ["Moment", "microseconds", "moment_of"]

#: A longer text is no time. In characters.
LONGEST = 100
#: Of a time that cannot be read so much is shown. In characters.
_LONGEST_SHOWN = 60

#: Numbers since 1970: by their digits, how many of these are parts of a second. So each unit reaches from 1973 to 2286,
#: no number is in two units, and a date that is written as a number, such as 20260301080000, is in none.
_PARTS = {9: 0, 10: 0, 12: 3, 13: 3, 15: 6, 16: 6, 18: 9, 19: 9}
_NUMBER = re.compile(r"(?P<whole>[1-9][0-9]*)(?:\.(?P<part>[0-9]*))?(?:[Ee]\+?(?P<more>[0-9]{1,2}))?")
_WRITTEN = re.compile(
    r"""
    (?P<year>[0-9]{4}) (?P<dash>[-/]?) (?P<month>[0-9]{2}) (?P=dash) (?P<day>[0-9]{2})
    (?: [T\ ]
        (?P<hour>[0-9]{2}) (?P<colon>:?) (?P<minute>[0-9]{2})
        (?: (?P=colon) (?P<second>[0-9]{2}) (?: [.,] (?P<part>[0-9]+) )? )?
    )?
    \ ?
    (?: Z | UTC | GMT
      | (?:UTC|GMT)? (?P<sign>[-+]) (?P<hours>[0-9]{2}) (?: :? (?P<minutes>[0-9]{2}) (?: :? (?P<seconds>[0-9]{2}) )? )?
        (?: \ [A-Z]{1,5} )?  # Go writes the name of the zone, too
    )?
    (?: \[ [-+/_A-Z0-9]+ \] )?  # so does Java
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all here is UTC, and Python 3.10 reads no zone that it would be told
_MICROSECOND, _TO_THE_MICROSECOND = timedelta(microseconds=1), len("2026-11-24T09:30:00.000000")
#: The lengths of times with whole seconds, with milliseconds and with microseconds.
_USUAL = frozenset(map(len, ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000Z", "2026-11-24T09:30:00.000000Z")))
#: What stands for a time that is missing: pandas' own, and their text.
_MISSING_TYPES = frozenset({"NAType", "NaTType"})
_MISSING_TEXTS = frozenset({"nat", "nan"})
_MOST_BITS = 64
#: numpy's integers, floats and times, by the letters that it has for them: their text tells what they are.
_NUMPYS = frozenset("iufM")


class Moment(NamedTuple):
    """When an event happened: `text`, "" where it does not tell.

    `unread`: the first of its times that was looked at and cannot be read, by its name and as it may be shown, such as
    `timestamp "03/01/2026"`; None where there is none.
    """

    text: str
    unread: str | None = None


@attrs.frozen
class UnreadTimes:
    """How many events have a time that cannot be read, and the first such time as it may be shown. They add up."""

    events: int = 0
    example: str | None = None

    def __add__(self, other: UnreadTimes) -> UnreadTimes:
        return UnreadTimes(self.events + other.events, other.example if self.example is None else self.example)

    def __bool__(self) -> bool:
        return self.events > 0

    @classmethod
    def of(cls, unread: str | None) -> UnreadTimes:
        """Of one event, by its `Moment.unread`."""
        return NONE if unread is None else cls(1, unread)

    def __str__(self) -> str:
        events = "1 event has" if self.events == 1 else f"{self.events:,} events have"
        return f"{events} a time that cannot be read, such as {self.example}. {CURE}"


NONE = UnreadTimes()
#: The order of such events, and what to do.
CURE = (
    "Such an event is put in order by another of its times. Without one, it comes before all others, in the order of "
    "message ids, so that an older value may win. Write times as ISO 8601 does, or as seconds, milliseconds, "
    "microseconds or nanoseconds since 1970."
)


def moment_of(event: Any) -> Moment:
    """When the event happened, by the first of MOMENTS that can be read. Null and blank ones are as if absent."""
    unread = None
    if isinstance(event, Mapping):
        for name in MOMENTS:
            value = event.get(name)
            if value is None:
                continue
            if text := instant(value):
                return Moment(text, unread)
            if unread is None and not _is_missing(value):
                unread = f"{name} {_shown(value)}"
    return Moment("", unread)


def microseconds(event: Any) -> int | None:
    """When the event happened, in microseconds since the epoch; None where it does not tell. What is finer is cut."""
    value = event.get(MOMENTS[0]) if isinstance(event, dict) else None
    if type(value) is str and len(value) in _USUAL and value[10] == "T" and value[19] in ".Z" and value[-1] == "Z":
        # As RudderStack writes it, and so nearly all are written: to read any form takes ten times as long.
        with suppress(ValueError):
            return (datetime.fromisoformat(value[:-1]) - _EPOCH) // _MICROSECOND
    text = moment_of(event).text
    return (datetime.fromisoformat(text[:_TO_THE_MICROSECOND]) - _EPOCH) // _MICROSECOND if text else None


def instant(value: object) -> str:
    """The instant that a value tells, in UTC, such as "2026-11-24T09:30:00.000000"; "" if it cannot be read.

    Further digits of the second follow these six, without zeros at the end. A time without a zone is taken for UTC, as
    RudderStack's are, a date for its midnight. Read are ISO 8601 texts and what is near them; numbers and numerals that
    count from 1970 in seconds, milliseconds, microseconds or nanoseconds, by their size, from 1973 to 2286; Python's
    datetime and date, and what pandas, numpy and Beam have for them. Raises nothing.
    """
    try:
        if isinstance(value, datetime):
            return _of_datetime(value)
        if callable(as_text := getattr(type(value), "to_rfc3339", None)):  # Beam's Timestamp
            return _of_text(as_text(value))
        text = _text(value)
        return "" if text is None else _of_text(text)
    except (ValueError, OverflowError, TypeError):  # a date that the calendar has not, or beyond its ends; pandas' NaT
        return ""


def _of_datetime(value: datetime) -> str:
    """Also pandas' and Google's, which have nanoseconds, with or without the microseconds."""
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    at = datetime(*parts) - (value.utcoffset() or timedelta())  # noqa: DTZ001 - see _EPOCH
    nanoseconds = at.microsecond * 1000 + getattr(value, "nanosecond", 0) % 1000
    return _sorting(at.replace(microsecond=0), f"{nanoseconds:09}")


def _of_text(text: str) -> str:
    if len(text) > LONGEST:
        return ""
    text = text.strip()
    number = _NUMBER.fullmatch(text)
    if number is not None and (moment := _of_number(number)):
        return moment
    written = _WRITTEN.fullmatch(text)
    return "" if written is None else _of_written(written)


def _of_number(found: re.Match[str]) -> str:
    whole, part, more = found["whole"], found["part"] or "", int(found["more"] or 0)
    whole, part = whole + part[:more].ljust(more, "0"), part[more:]
    parts = _PARTS.get(len(whole))
    if parts is None:
        return ""
    seconds = len(whole) - parts
    return _sorting(_EPOCH + timedelta(seconds=int(whole[:seconds])), whole[seconds:] + part)


def _of_written(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, hours, minutes, seconds = (
        int(found[name] or 0)
        for name in ("year", "month", "day", "hour", "minute", "second", "hours", "minutes", "seconds")
    )
    if hours >= 24 or minutes >= 60 or seconds >= 60:
        return ""
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - see _EPOCH
    return _sorting(at + offset if found["sign"] == "-" else at - offset, found["part"] or "")


def _sorting(at: datetime, part: str) -> str:
    """`at`: UTC, of whole seconds. `part`: digits of the rest. A text that goes on sorts after one that does not."""
    return f"{at.isoformat()}.{part.rstrip('0').ljust(6, '0')}"


def _text(value: object) -> str | None:
    """The value as text, if it is of a kind that may tell a time; None if not."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, int):  # of a long one Python would not print the digits
        return int.__repr__(value) if value.bit_length() <= _MOST_BITS else None
    if isinstance(value, date):
        return date.isoformat(value)
    is_numpys = getattr(getattr(value, "dtype", None), "kind", None) in _NUMPYS and getattr(value, "shape", None) == ()
    return str(value) if is_numpys or type(value).__module__ == "decimal" else None


def _is_missing(value: object) -> bool:
    if type(value).__name__ in _MISSING_TYPES or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return True
    text = _text(value)
    return text is not None and (not text.strip() or text.lower() in _MISSING_TEXTS)


def _shown(value: object) -> str:
    """A time that cannot be read, in quotes if it is a text. Of what is no time at all, only what it is."""
    text = None if isinstance(value, datetime) else _text(value)
    if text is None:
        return printable(kind(value))
    text = printable(cut(text, _LONGEST_SHOWN))
    return f'"{text}"' if isinstance(value, str) else text
