"""What a body may hold: plain JSON values, their text, and their number."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

from gainsight_dest.errors import EventError
from gainsight_dest.spelling import cut

if TYPE_CHECKING:
    from decimal import Decimal

#: Deeper nesting is refused: Python's own JSON and pickle give up not far beyond.
MAX_DEPTH = 200

SCALARS = frozenset({str, int, bool, type(None)})
#: The classes that JSON's own values have in Python.
NATIVE = SCALARS | {float, dict, list}

# Patterns are left to re's own cache: compiling them would take a tenth of the time of an import.
_NUMERAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INTEGER = r"[+-]?[0-9]{1,300}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_LONGEST_INTEGER = 1e300
#: A longer text is no number: the longest that is one in JavaScript needs some 330 digits.
LONGEST_NUMERAL = 400
#: JavaScript writes no more zeros after a point and no more digits before one: it takes an exponent instead.
_MOST_ZEROS = -6
_MOST_DIGITS = 21
_LONGEST_NAME = 100
_LONGEST_PLACE = 1_000


def kind(value: object) -> str:
    """What a value is in the words of JSON, for errors: "null", "a number", "an object"."""
    value = native(value)
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
    short = cut(text, _LONGEST_NAME)
    return json.dumps(short, ensure_ascii=not short.isprintable())


def native(value: Any) -> Any:
    """A text, a number, a boolean or a null of any class as Python's own; anything else as it is.

    Those of numpy and pandas, Decimals, whatever Python's `numbers` knows as real, subclasses of str and of
    numbers. Null is what stands for a missing value: pandas' NA, and a date that equals nothing, as NaT.
    """
    if type(value) in NATIVE:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # a Secret or an enum goes out as the text it is
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if value is _of_module("pandas", "NA"):
        return None
    for module, name, made in _FOREIGN:
        if _is_a(value, module, name):
            return made(value)
    return value


def present(value: object) -> bool:
    """Whether a standard field takes the value: neither null nor "". 0 and false are present."""
    own = value if type(value) in NATIVE else native(value)
    return own is not None and (type(own) is not str or own != "")


def _of_module(module: str, name: str) -> Any:
    """What a module has under that name, which need not be loaded to tell: there is no such value before it is."""
    return getattr(sys.modules.get(module), name, _of_module)


def _is_a(value: object, module: str, name: str) -> bool:
    cls = _of_module(module, name)
    return isinstance(cls, type) and isinstance(value, cls)


def _from_decimal(value: Decimal) -> int | float:
    if not value.is_finite():
        return nan
    if abs(value) < _LONGEST_INTEGER and value == value.to_integral_value():
        return int(value)
    return float(value)


def _from_real(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a fraction may be larger
        return inf


def _from_item(value: Any) -> Any:
    """Of numpy's booleans, and numbers that Python's `numbers` does not know; what they hold is else left as it is."""
    made = value.item()
    return made if type(made) in SCALARS or type(made) is float else value


def _unless_missing(value: Any) -> Any:
    """A date as it is, unless it is NaT, which equals nothing."""
    return value if value == value else None  # noqa: PLR0124


#: What makes Python's own of a value of that class: module, class, function. The first that fits is taken.
_FOREIGN: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("datetime", "date", _unless_missing),
    ("decimal", "Decimal", _from_decimal),
    ("numpy", "datetime64", _unless_missing),
    ("numpy", "timedelta64", _unless_missing),  # an integer to Python's `numbers`
    ("numbers", "Integral", int),
    ("numbers", "Real", _from_real),
    ("numpy", "generic", _from_item),
)


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
        name = key if type(key) is str else _key(key)
        if type(item) is str or type(item) in SCALARS or (type(item) is float and isfinite(item)):
            copy[name] = item
        else:
            try:
                copy[name] = _plain(item, depth - 1)
            except _UnfitError as unfit:
                unfit.place = _step(name) + unfit.place
                raise
    return copy


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise _UnfitError(f"has a key that is {kind(key)}: JSON's keys are strings")


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
    value = native(value)
    if type(value) in SCALARS:
        return value
    if type(value) is float:
        if not isfinite(value):
            raise _UnfitError("must be a finite number: JSON has no NaN and no infinity")
        return value
    if isinstance(value, Mapping):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _plain_list(value, depth)
    if _is_a(value, "datetime", "date"):
        return value.isoformat()
    if _is_a(value, "numpy", "datetime64"):
        return _numpys_moment(value)
    if _is_a(value, "uuid", "UUID"):
        return str(value)
    raise _UnfitError(f"is {kind(value)}, which JSON cannot hold")


def _numpys_moment(value: Any) -> str:
    """A date of numpy's as Python would write it, with nanoseconds if it has any."""
    made = value.item()
    if _is_a(made, "datetime", "date"):
        return str(made.isoformat())
    # Python's dates are coarser, or end before it.
    return re.sub(r"\.0+$|(?<=\.[0-9]{6})0+$", "", str(value))


def text(value: Any, path: str) -> str:
    """A string as it is; anything else as compact JSON, numbers as in JavaScript. Raises EventError as `plain`."""
    value = plain(value, path)
    if isinstance(value, str):
        return value
    try:
        return _compact(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        raise EventError(path, "holds an integer too long to be written as text") from None


def _compact(value: Any) -> str:
    return _WRITERS[type(value)](value)


def _compact_object(value: dict[str, Any]) -> str:
    return f"{{{','.join([f'{encode_basestring(key)}:{_compact(item)}' for key, item in value.items()])}}}"


def _compact_list(value: list[Any]) -> str:
    return f"[{','.join(map(_compact, value))}]"


def _as_javascript(value: float) -> str:
    """The shortest digits of a number, with an exponent from 1e21 on and below a millionth."""
    if value == 0:
        return "0"
    written = repr(value)
    if "e" not in written:  # most are not so large, nor so small
        return written.removesuffix(".0")
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    significant = f"{whole}{part}".lstrip("0")
    point = len(significant) - len(part) + int(exponent or 0)  # digits before it; below 0, zeros after it
    digits = significant.rstrip("0")
    if _MOST_ZEROS < point <= 0:
        shown = f"0.{'0' * -point}{digits}"
    elif 0 < point <= _MOST_DIGITS:
        shown = ".".join(filter(None, (digits[:point].ljust(point, "0"), digits[point:])))
    else:
        shown = f"{'.'.join(filter(None, (digits[:1], digits[1:])))}e{point - 1:+d}"
    return shown if value > 0 else f"-{shown}"


#: How a value is written as compact JSON, by its class.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: repr,
    float: _as_javascript,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    dict: _compact_object,
    list: _compact_list,
}


def number(value: Any) -> int | float | None:
    """A finite number as it is, a decimal numeral in a string as a number, anything else as None (leave it out).

    A numeral of more than LONGEST_NUMERAL characters is no number.
    """
    if type(value) is int:
        return value
    value = value if type(value) in NATIVE else native(value)
    if type(value) is str:
        return _of_numeral(value.strip())
    if type(value) is int or (type(value) is float and isfinite(value)):
        return value
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
