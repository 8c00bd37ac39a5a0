"""What a body may hold: plain JSON values, their text, and their number."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from gainsight_dest.errors import EventError

if TYPE_CHECKING:
    from decimal import Decimal

#: Deeper nesting is refused: Python's own JSON and pickle give up not far beyond.
MAX_DEPTH = 200

SCALARS = frozenset({str, int, bool, type(None)})

# Patterns are left to re's own cache: compiling them would take a tenth of the time of an import.
_NUMERAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INTEGER = r"[+-]?[0-9]{1,300}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_LONGEST_INTEGER = 1e300
#: A longer text is no number: the longest that is one in JavaScript needs some 330 digits.
LONGEST_NUMERAL = 400
_LONGEST_NAME = 100
_LONGEST_PLACE = 1_000


def kind(value: object) -> str:
    """What a value is in the words of JSON, for errors: "null", "a number", "an object"."""
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return f"a {type(value).__name__}"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (str, "a string"),
    ((int, float), "a number"),
    ((list, tuple), "a list"),
    (Mapping, "an object"),
)


def shown(value: object) -> str:
    """What stands where a non-blank string is needed, without its value."""
    return "a blank string" if isinstance(value, str) else kind(value)


def quoted(text: str) -> str:
    """A name out of an event or a config, as an error may show it: quoted, without control characters, not too long."""
    short = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


class _UnfitError(Exception):
    """A value that JSON cannot hold. `place` grows on the way up to where the value sits."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.place = ""

    @property
    def shown(self) -> str:
        """The place, without its middle where it is very long."""
        half = _LONGEST_PLACE // 2
        return self.place if len(self.place) <= _LONGEST_PLACE else f"{self.place[:half]}…{self.place[-half:]}"


def plain(value: Any, path: str) -> Any:
    """A copy of the value that strict JSON can hold and that shares nothing mutable with it.

    Dates become ISO 8601 text, UUIDs text, Decimals numbers, tuples lists. Raises EventError, naming the place below
    `path`, for NaN, an infinity, a key that is no string, or anything else JSON has no form for.
    """
    if type(value) in SCALARS:
        return value
    try:
        return _plain(value, MAX_DEPTH)
    except _UnfitError as unfit:
        place, problem = path + unfit.shown, unfit.problem
    raise EventError(place, problem)


def plain_object(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`plain` for an object."""
    for key, item in value.items():
        if type(key) is not str:
            break
        if not (type(item) is str or type(item) in SCALARS or (type(item) is float and isfinite(item))):
            break
    else:  # nothing in it to copy or to convert
        return dict(value)
    try:
        return _plain_dict(value, MAX_DEPTH)
    except _UnfitError as unfit:
        place, problem = path + unfit.shown, unfit.problem
    raise EventError(place, problem)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise _UnfitError(f"is nested more than {MAX_DEPTH} levels deep")
    if type(value) is dict:
        return _plain_dict(value, depth)
    if type(value) is list:
        return _plain_list(value, depth)
    return _plain_other(value, depth)


def _plain_dict(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for key, item in value.items():
        if type(key) is not str and not isinstance(key, str):
            raise _UnfitError(f"has a key that is {kind(key)}: JSON's keys are strings")
        if type(item) is str or type(item) in SCALARS or (type(item) is float and isfinite(item)):
            copy[key] = item
        else:
            try:
                copy[key] = _plain(item, depth - 1)
            except _UnfitError as unfit:
                unfit.place = _step(key) + unfit.place
                raise
    return copy


def _step(key: str) -> str:
    return f".{key}" if key.isprintable() and len(key) <= _LONGEST_NAME else f"[{quoted(key)}]"


def _plain_list(value: Iterable[Any], depth: int) -> list[Any]:
    copy = list(value)
    for index, item in enumerate(copy):
        if type(item) not in SCALARS and not (type(item) is float and isfinite(item)):
            try:
                copy[index] = _plain(item, depth - 1)
            except _UnfitError as unfit:
                unfit.place = f"[{index}]{unfit.place}"
                raise
    return copy


def _plain_other(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        if not isfinite(value):
            raise _UnfitError("must be a finite number: JSON has no NaN and no infinity")
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)  # a Secret or an enum goes out as the text it is
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return _plain_dict(value, depth)
    if isinstance(value, tuple):
        return _plain_list(value, depth)
    if _is_a(value, "decimal", "Decimal"):
        return _plain_other(_from_decimal(value), depth)
    if _is_a(value, "datetime", "date") and value == value:  # noqa: PLR0124 - pandas' NaT is a date that equals nothing
        return value.isoformat()
    if _is_a(value, "uuid", "UUID"):
        return str(value)
    raise _UnfitError(f"is {kind(value)}, which JSON cannot hold")


def _is_a(value: object, module: str, name: str) -> bool:
    """Whether the value is of a class that need not be loaded to tell: there is no such value before it is."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))


def _from_decimal(value: Decimal) -> int | float:
    if not value.is_finite():
        return nan
    if abs(value) < _LONGEST_INTEGER and value == value.to_integral_value():
        return int(value)
    return float(value)


def text(value: Any, path: str) -> str:
    """A string as it is; anything else as compact JSON, integral numbers without `.0`. Raises EventError as `plain`."""
    value = plain(value, path)
    if isinstance(value, str):
        return value
    try:
        return json.dumps(_integral(value), ensure_ascii=False, separators=(",", ":"))
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        raise EventError(path, "holds an integer too long to be written as text") from None


def _integral(value: Any) -> Any:
    """The value with each integral float as an integer, as JavaScript prints it, up to where it takes an exponent."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integral(item) for item in value]
    return value


def number(value: Any) -> int | float | None:
    """A finite number as it is, a decimal numeral in a string as a number, anything else as None (leave it out).

    A numeral of more than LONGEST_NUMERAL characters is no number.
    """
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _of_numeral(value.strip())
    if _is_a(value, "decimal", "Decimal"):
        value = _from_decimal(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    return None


def _of_numeral(numeral: str) -> int | float | None:
    if len(numeral) > LONGEST_NUMERAL or not re.fullmatch(_NUMERAL, numeral):
        return None
    if re.fullmatch(_INTEGER, numeral):
        return int(numeral)
    value = float(numeral)
    return int(value) if value.is_integer() else value if isfinite(value) else None


def is_date(value: object) -> bool:
    """Whether it is an ISO 8601 date that the calendar has, with or without a time, as text."""
    if not isinstance(value, str) or not re.fullmatch(f"{_DATE}({_TIME}{_ZONE}?)?", value):
        return False
    from datetime import date  # noqa: PLC0415 - few values are asked about, and each import would pay for it

    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def is_email(value: object) -> bool:
    """Whether it looks like an email address."""
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value) is not None


def is_url(value: object) -> bool:
    """Whether it looks like the address of a web page."""
    return isinstance(value, str) and re.fullmatch(r"https?://\S+", value) is not None
