"""Events and what is said of them as JSON, one object a line."""

from __future__ import annotations

import json
from typing import Any

import attrs
import msgspec

from gainsight_dest import Outcome, Request, Secret, preview
from gainsight_dest.files.read import Item, fault_in
from gainsight_dest.outcome import Fault, facts_of, is_nested, text_of
from gainsight_dest.secret import MASK
from gainsight_dest.spelling import printable

_DELETE = b"\x7f"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def as_record(item: Item, first: Request | Outcome, *, show_secrets: bool = False) -> dict[str, Any]:
    """The event as one JSON object: with the requests that the first may lead to, or why there is none."""
    names = {"message_id": text_of(item.event, "messageId"), "type": text_of(item.event, "type")}
    record: dict[str, Any] = {**item.where, **names}
    if isinstance(first, Request):
        record["requests"] = [_described(*step, show_secrets=show_secrets) for step in preview(first)]
    elif (fault := fault_in(first)) is not None:
        record["error"] = attrs.asdict(fault)
    else:
        record["skipped"] = first.reason
    return record


def _described(label: str, request: Request, *, show_secrets: bool) -> dict[str, Any]:
    described = {"label": label, **request.as_dict()}
    described["headers"] = {
        name: value if type(value) is not Secret else str(value) if show_secrets else MASK
        for name, value in described["headers"].items()
    }
    return described


def dead_letter(item: Item, fault: Fault, **facts: Any) -> dict[str, Any]:
    """The event as it came, with the reason: in RudderStack's nested form, so that it can be fixed and run again."""
    nested = {**item.raw} if is_nested(item.raw) else {"message": item.raw}
    nested.pop("place", None)  # of a run before, which had it from another file
    return {**nested, **item.where, "error": {**attrs.asdict(fault), **facts}}


def letter_line(item: Item, fault: Fault, outcome: Outcome) -> bytes:
    """The dead letter of an event that has ended, as a line."""
    return line(dead_letter(item, fault, **facts_of(outcome)))


def line(record: dict[str, Any]) -> bytes:
    """The record as a line of NDJSON, UTF-8, with escapes for what may steer a terminal or is not seen."""
    try:
        return _escaped(_encode(record)) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot carry and an escape can
        return json.dumps(record, default=float).encode() + b"\n"
    except RecursionError:  # only an event at fault in an array can be nested as deep as that
        return line({**record, "message": None})


def _escaped(text: bytes) -> bytes:
    """JSON with an escape for each letter that `printable` has one for: they are within strings, as it is compact."""
    if text.isascii() and _DELETE not in text:  # the encoder has escaped all others
        return text
    return printable(text.decode()).encode()
