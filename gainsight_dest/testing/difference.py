"""JSON compared: the places where two values are not the same. Pure functions of values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from itertools import zip_longest
from typing import Any

import attrs

from gainsight_dest.config import SECRETS
from gainsight_dest.explaining.trace import path_text
from gainsight_dest.spelling import cut

#: Keys and indices on the way to a place.
Path = tuple[str | int, ...]

#: The headers and settings, in lower case, whose values are never shown.
SECRET_NAMES = frozenset(map(str.lower, SECRETS))

#: Letters of a value that are shown.
_LONGEST = 400


class Absent(Enum):
    """What stands where there is no value, which is not the same as null."""

    ABSENT = "nothing"

    def __repr__(self) -> str:
        return self.value


ABSENT = Absent.ABSENT
"""What a Difference has in place of a value that is not there."""


@attrs.frozen(repr=False)
class Difference:
    """A place where a value is not the expected one, such as `("body", "Plan__gc")`, with both values.

    `expected` and `actual` are ABSENT where there is no value.
    """

    steps: Path
    expected: Any
    actual: Any

    @property
    def path(self) -> str:
        """The place as text, such as `output[0].batchedRequest.headers.Accesskey`."""
        return place_text(self.steps) or "the body"

    def __str__(self) -> str:
        return f"{self.path}: expected {_short(self.expected)}, got {_short(self.actual)}"

    def __repr__(self) -> str:
        return f"<Difference {self}>"


_NONE: Mapping[str, str] = {}


def place_text(steps: Path, spelled: Mapping[str, str] = _NONE) -> str:
    """`request[1].body.Plan__gc`, `body["a b"]`. `spelled`: keys that stand in brackets, and what stands there."""
    text = ""
    for step in steps:
        if isinstance(step, int) or step in spelled:
            text += f"[{step if isinstance(step, int) else spelled[step]}]"
        else:
            text += path_text(("", step)).removeprefix("" if text else ".")
    return text


def compared(
    steps: Path,
    expected: Any,
    actual: Any,
    *,
    subset: bool = False,
    ignored: Collection[str] = (),
    nested: Collection[str] = (),
) -> Iterator[Difference]:
    """The places where two values are not the same JSON: 1 is 1.0, and is not true.

    `subset`: keys that are not expected are not compared; `ignored`: nor are these. `nested`: keys whose texts are
    compared as the JSON that they hold, if both hold some.
    """
    how: dict[str, Any] = {"subset": subset, "ignored": ignored, "nested": nested}
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in expected if subset else {**expected, **actual}:
            if key not in ignored:
                pair = expected.get(key, ABSENT), actual.get(key, ABSENT)
                yield from compared((*steps, key), *(_parsed(*pair) if key in nested else pair), **how)
    elif isinstance(expected, list) and isinstance(actual, list):
        for index, pair in enumerate(zip_longest(expected, actual, fillvalue=ABSENT)):
            yield from compared((*steps, index), *pair, **how)
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        yield Difference(steps, expected, actual)


def _parsed(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Both texts as the JSON that they hold; as they are, if one of them holds none."""
    if isinstance(expected, str) and isinstance(actual, str):
        try:
            return json.loads(expected), json.loads(actual)
        except (ValueError, RecursionError):
            pass
    return expected, actual


def _short(value: Any) -> str:
    return cut(repr(value), _LONGEST)
