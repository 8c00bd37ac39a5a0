"""What may be told of an answer to others: its shape, its codes, its headers. Never a value of the tenant's.

All that comes out is of a closed vocabulary: kinds of values, keys made of common words, codes in the form that
Gainsight's have, names of headers about limits. What is anything else is "?".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gainsight_dest.fields import COMPANY, LINKED, LINKS, PERSON
from gainsight_dest.gainsight import GSID

Shape = Any

#: Stands for whatever may be the tenant's.
HIDDEN = "?"
#: Levels of an answer that are shown, and keys of one object.
_DEPTH = 8
_KEYS = 80
_CODE = re.compile(r"G[A-Z]{1,4}(?:_[A-Z]{1,12})?_[A-Z]{0,10}[0-9]{3,5}")
#: A key is shown if all of its words are among these: an id of the tenant's is not.
_COMMON = """
access account active activity all api async attempts batch body by calls category child children code codes
companies company contact count create createable created creates custom data date decimal default deleted desc
description detail details display dropdown duration email end entity entries entry error errors event events
external failed failure field fields first form format formula from group has hidden hide id identifier ids in index
info inserted invalid is item items job key keys label last length level limit list localized lookup map match max
message messages meta method min modified more multi name names next nillable no not number object objects of offset
on only operation option options order page parent parsed path people person persons picklist place places position
process properties property query read readable readonly record records request required response result results row
rows same size sort source standard start state status success summary system text time timestamp title to total
trace type types unique update updateable updated upsert url user users valid value values version warning warnings
write written
"""
_WORDS = frozenset(_COMMON.split())
#: Keys that Gainsight's pages name, and those of records.
_NAMED = frozenset({GSID, "GSID", LINKS, LINKED, *COMPANY.by_name, *COMPANY.system, *PERSON.by_name, *PERSON.system})
_HEADER_WORDS = r"(?:-(?:limit|remaining|reset|used|after|policy|second|minute|hour|day))*"
_HEADER = re.compile(rf"(?:x-)?rate-?limit{_HEADER_WORDS}|retry{_HEADER_WORDS}")


def json_of(body: bytes) -> Any:
    """The JSON value of an answer. Raises ValueError for anything else."""
    try:
        return json.loads(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def shape_of(body: bytes) -> Shape:
    """The shape of an answer: keys and kinds of values; a list has the one shape that its items have together."""
    if not body.strip():
        return "no body"
    try:
        return _shape(json_of(body), _DEPTH)
    except ValueError:
        return "no JSON"


def _shape(value: Any, depth: int) -> Shape:
    if not isinstance(value, (dict, list)):
        return _kind(value)
    if not depth:
        return "…"
    if isinstance(value, list):
        return [_together(_shape(item, depth - 1) for item in value)] if value else []
    shapes: dict[str, Shape] = {}
    for key, item in value.items():
        name = shown_key(key)
        if name in shapes or len(shapes) < _KEYS:
            made = _shape(item, depth - 1)
            shapes[name] = _together((shapes[name], made)) if name in shapes else made
    return shapes


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text" if value else "empty text"
    return "number"


def _together(shapes: Iterable[Shape]) -> Shape:
    """One shape for all: objects have the keys of all of them, kinds are joined by "or"."""
    kinds: set[str] = set()
    objects: list[dict[str, Shape]] = []
    lists: list[Shape] = []
    has_list = False
    for shape in shapes:
        if isinstance(shape, dict):
            objects.append(shape)
        elif isinstance(shape, list):
            has_list = True
            lists.extend(shape)
        else:
            kinds.update(shape.split(" or "))
    parts: list[Shape] = [" or ".join(sorted(kinds))] if kinds else []
    if has_list:
        parts.append([_together(lists)] if lists else [])
    if objects:
        keys = [*dict.fromkeys(key for each in objects for key in each)][:_KEYS]
        parts.append({key: _together(each[key] for each in objects if key in each) for key in keys})
    return parts[0] if len(parts) == 1 else {"one of": parts}


@lru_cache(1024)
def shown_key(key: str) -> str:
    """The key, if nothing of the tenant's can be in it."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key)
    is_common = "".join(words) == key.replace("_", "") and all(word.lower() in _WORDS for word in words)
    return key if key in _NAMED or (words and is_common) else HIDDEN


def shown_code(code: Any) -> str | None:
    """The error code, if it has the form of Gainsight's; None for none."""
    if code is None:
        return None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else HIDDEN


def limit_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the headers that speak of limits of calls, in lower case."""
    return tuple(sorted({name for each in headers if _HEADER.fullmatch(name := str(each).lower())}))
