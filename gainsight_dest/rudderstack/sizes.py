"""How long the JSON of a value will be, known before it is written, and whether there will be any. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from gainsight_dest.errors import EventError
from gainsight_dest.values import MAX_DEPTH, kind

#: What is nested deeper is not passed on. An event's value may be MAX_DEPTH deep, within a request, within an answer.
LEVELS = MAX_DEPTH + 50
#: A longer integer is not passed on: Python prints none of more than 4,300 digits.
_MOST_BITS = 14_000
#: What a letter becomes that is written as `\u0001`.
_LONGEST_LETTER = 6
#: A number, true, false or null, and what stands between two values.
_SCALAR = 8


def measured(value: Any, place: str) -> int:
    """The length of the value as JSON, in bytes: about, and seldom less than what it is.

    Raises EventError for what cannot be written: nested more than LEVELS deep, an integer or a key that JSON or Python
    has no text for, a number that is not finite.
    """
    size, depth, level = 0, 0, [value]
    while level:
        below: list[Any] = []
        for each in level:
            sort = type(each)
            if sort is str:
                size += letters(each)
            elif sort is dict or sort is list or isinstance(each, (dict, list, tuple)):
                if depth == LEVELS:
                    raise EventError(place, f"is nested more than {LEVELS} levels deep")
                size += _SCALAR * (1 + len(each))
                if isinstance(each, dict):
                    size += _names(each, place)
                    below += each.values()
                else:
                    below += each
            elif each is not None and sort is not bool:
                size += _other(each, place)
        depth, level = depth + 1, below
    return size


def letters(text: str) -> int:
    """The length of the text as JSON, in bytes, at most."""
    return len(text) if text.isascii() and text.isprintable() else _LONGEST_LETTER * len(text)


def _names(given: Mapping[Any, Any], place: str) -> int:
    """The length of the keys."""
    try:
        return letters("".join(given))
    except TypeError:
        name = next(name for name in given if not isinstance(name, str))
        raise EventError(place, f"has a key that is {kind(name)}: JSON's keys are strings") from None


def _other(value: object, place: str) -> int:
    """The length of a number, or of what is a string by another name."""
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise EventError(place, "holds an integer too long to be written as text")
        return _SCALAR + value.bit_length() // 3
    if isinstance(value, float):
        if not isfinite(value):
            raise EventError(place, "must be a finite number: JSON has no NaN and no infinity")
        return _SCALAR * 3
    if isinstance(value, str):
        return letters(value)
    raise EventError(place, f"is {kind(value)}, which JSON cannot hold")


def fit(given: dict[Any, Any], place: str) -> tuple[dict[Any, Any], int, EventError | None]:
    """The object as it may be passed on, its length, and what is wrong with it: without what JSON cannot hold, where
    there is any such thing.
    """
    try:
        return given, measured(given, place), None
    except EventError as error:
        left = {name: item for name, item in given.items() if _is_fit({name: item})}
        return left, measured(left, place), error


def _is_fit(given: Any) -> bool:
    try:
        measured(given, "")
    except EventError:
        return False
    return True
