"""Bodies that no quick decoder takes, read so that what is too deep or too long in one item costs no other.

Pure functions; linear in the length of the body.
"""

from __future__ import annotations

import json
import re
from math import inf
from typing import Any, NoReturn

#: What is nested deeper is not read: no item that holds such a thing where it counts is taken anyway.
MOST_LEVELS = 300
#: Python neither reads nor prints a longer integer.
MOST_DIGITS = 4300

#: What an escape, the beginning or end of a string, or a bracket is. Each is short, so nothing is kept to go back to.
_TOKEN = rb'\\.|"|[\[\]{}]'


def read(body: bytes) -> Any:
    """The JSON value, with null for what is nested too deep and an infinity for an integer that is too long.

    Whatever uses one of these refuses it, as too deep or as not finite. Raises ValueError for what is no JSON.
    """
    try:
        return json.loads(_clipped(body), parse_int=_integer, parse_constant=_not_json)
    except RecursionError:  # in another encoding, of which the brackets were not seen
        raise ValueError("nested too deep") from None


def _clipped(body: bytes) -> bytes:
    """The text with null for what is nested too deep."""
    pieces, depth, kept, is_text = [], 0, 0, False
    for token in re.finditer(_TOKEN, body, re.DOTALL):
        start = token.start()
        mark = body[start]
        if mark in b'"':
            is_text = not is_text
        elif is_text:
            continue
        elif mark in b"[{":
            depth += 1
            if depth == MOST_LEVELS + 1:
                pieces += [body[kept:start], b"null"]
        elif mark in b"]}":
            if depth == MOST_LEVELS + 1:
                kept = token.end()
            depth -= 1
    return b"".join([*pieces, body[kept:]]) if pieces else body


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else inf


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)
