"""What becomes of each event of a file, as values."""

from __future__ import annotations

import json
from typing import Any

import attrs
import msgspec

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    Request,
    Secret,
    UnsupportedTypeError,
    preview,
    transform,
)
from gainsight_dest.cli.files import WrongInputError
from gainsight_dest.cli.read import Item
from gainsight_dest.outcome import Fault, is_nested
from gainsight_dest.secret import MASK
from gainsight_dest.spelling import printable
from gainsight_dest.templates import Settings
from gainsight_dest.transform import switched_off

#: What an event whose line or message is not JSON is at fault with, beside the names of the error classes.
NOT_JSON = "NotJSON"


_DELETE = b"\x7f"
_encode = msgspec.json.Encoder(decimal_format="number").encode


@attrs.frozen
class Outcome:
    """What became of one event: a request, a reason to skip it, or a fault. Its id and type, if they are texts."""

    item: Item
    message_id: str | None = None
    type: str | None = None
    request: Request | None = None
    skipped: str | None = None
    fault: Fault | None = None


class Configs:
    """The config for each event: the one given, or else that of the destination that came with the event."""

    def __init__(self, given: DestinationConfig | Settings | None) -> None:
        self._given = given
        self._parsed: dict[bytes, DestinationConfig | Settings] = {}

    def of(self, item: Item) -> DestinationConfig | Settings:
        """The config, which the event may fill in. Raises ConfigError; NoConfigError where there is none.

        What came with an event may ask for nothing of the environment, which is not the event's. The last one parsed is
        remembered: events of one destination mostly come together.
        """
        if self._given is not None:
            return self._given
        if item.destination is None:
            raise NoConfigError(item)
        try:
            key = _encode(item.destination)
        except (UnicodeEncodeError, RecursionError):  # nothing to remember it by
            return Settings(item.destination).as_fixed()
        if key not in self._parsed:
            self._parsed = {key: Settings(item.destination).as_fixed()}
        return self._parsed[key]


class NoConfigError(WrongInputError):
    """An event came without a destination of its own, and no config was given."""

    def __init__(self, item: Item) -> None:
        super().__init__(f"event {item.number} carries no destination of its own: name one with --config FILE")


def outcome(item: Item, configs: Configs) -> Outcome:
    """What becomes of the event. Raises NoConfigError."""
    if item.problem is not None:
        return Outcome(item, fault=Fault(NOT_JSON, None, item.problem))
    request = skipped = fault = None
    try:
        config = configs.of(item)
        skipped = switched_off(item.event)
        if skipped is None:
            request = transform(item.event, config)
    except UnsupportedTypeError as error:
        skipped = str(error)
    except (ConfigError, EventError) as error:
        fault = Fault.of(error)
    return Outcome(item, text_of(item, "messageId"), text_of(item, "type"), request, skipped, fault)


def text_of(item: Item, key: str) -> str | None:
    """What stands under a key of the event, if it is a text."""
    value = item.event.get(key) if isinstance(item.event, dict) else None
    return value if isinstance(value, str) else None


def counts(outcome: Outcome) -> dict[str, int]:
    """What the outcome adds to a tally: a group's request stands for three calls to Gainsight."""
    return {
        "events": 1,
        "requests": outcome.request.calls if outcome.request else 0,
        "skipped": outcome.skipped is not None,
        "errors": outcome.fault is not None,
    }


def as_record(outcome: Outcome, *, show_secrets: bool = False) -> dict[str, Any]:
    """The outcome as one JSON object."""
    record: dict[str, Any] = {**outcome.item.where, "message_id": outcome.message_id, "type": outcome.type}
    if outcome.request is not None:
        steps = preview(outcome.request)
        record["requests"] = [_described(label, request, show_secrets=show_secrets) for label, request in steps]
    if outcome.skipped is not None:
        record["skipped"] = outcome.skipped
    if outcome.fault is not None:
        record["error"] = attrs.asdict(outcome.fault)
    return record


def _described(label: str, request: Request, *, show_secrets: bool) -> dict[str, Any]:
    described = {"label": label, **request.as_dict()}
    described["headers"] = {
        name: value if type(value) is not Secret else str(value) if show_secrets else MASK
        for name, value in described["headers"].items()
    }
    return described


def as_event_at_fault(item: Item, fault: Fault, **facts: Any) -> dict[str, Any]:
    """The event as it came, with the reason: in RudderStack's nested form, so that it can be mended and run again."""
    nested = {**item.raw} if is_nested(item.raw) else {"message": item.raw}
    nested.pop("place", None)  # of a run before, which had it from another file
    return {**nested, **item.where, "error": {**attrs.asdict(fault), **facts}}


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
