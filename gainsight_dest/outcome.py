"""How an event ended: a value, and the same as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from gainsight_dest import errors
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    FieldError,
    GainsightDestError,
    ResponseError,
    UnsupportedTypeError,
)
from gainsight_dest.templates import Settings
from gainsight_dest.transform import switched_off, transform

__all__ = ["Outcome", "PreparedEvent", "Status", "dead_letter", "outcome_record"]

Event = Mapping[str, Any]


#: Why an event is unchanged though it says something new: one of the same record that happened later was sent before.
OLDER = "older"
#: And why a track event is: it was sent by an earlier run, or by an earlier try of the same work.
SENT_BEFORE = "sent before"


@attrs.frozen
class PreparedEvent:
    """An event with its first request, for where another than `transform` has made that."""

    event: Event
    request: Request


class Status(str, Enum):
    """How an event ended. Equals its text: `outcome.status == "delivered"`."""

    DELIVERED = "delivered"
    #: Nothing was sent: Gainsight is known to have all that it says, or what is newer: `Outcome.reason` tells.
    UNCHANGED = "unchanged"
    #: It is at fault, or Gainsight refused it, or patience ran out: `Outcome.error` tells.
    FAILED = "failed"
    #: Of a type that this destination does not take, or switched off by its integrations.
    SKIPPED = "skipped"
    #: The run ended before, or while, it was delivered: send it again.
    NOT_TRIED = "not tried"

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class Outcome:
    """How one event ended.

    `index`: its place in the stream, from 0. `attempts`: 1 and the retries. `calls`: HTTP requests made; one that
    several events share counts with the first of them. `gsid`: that of a group's company. `reason`: why it was skipped,
    or is unchanged though it says something new.
    `resumed`: told by the journal of an earlier run, which made the attempts and calls.
    """

    index: int
    message_id: str | None
    type: str | None
    status: Status
    attempts: int = 0
    calls: int = 0
    error: GainsightDestError | None = None
    gsid: str | None = None
    reason: str | None = None
    resumed: bool = False

    @property
    def is_through(self) -> bool:
        """Whether Gainsight has what the event says."""
        return self.status in {Status.DELIVERED, Status.UNCHANGED}

    @property
    def is_settled(self) -> bool:
        """Whether the event need not be sent again as it is. With a wrong key it must: that is no fault of it."""
        return self.status is not Status.NOT_TRIED and not isinstance(self.error, CredentialsError)


def begin(
    index: int,
    event: Event | EventError | PreparedEvent | Request,
    config: DestinationConfig | Settings | Mapping[str, Any],
) -> Request | Outcome:
    """The event's first request, or its outcome where that is known before anything is sent.

    An EventError may stand in for an event that could not be read, a PreparedEvent or its Request for one that has been
    transformed.
    """
    if isinstance(event, Request):
        return event
    if isinstance(event, PreparedEvent):
        return event.request
    try:
        if isinstance(event, EventError):
            raise event
        if (reason := switched_off(event)) is not None:
            return known(index, event, Status.SKIPPED, reason=reason)
        return transform(event, config)
    except UnsupportedTypeError as error:
        return known(index, event, Status.SKIPPED, reason=str(error))
    except (EventError, ConfigError) as error:
        return known(index, event, Status.FAILED, error=error)


def known(index: int, event: Event | EventError | PreparedEvent | None, status: Status, **facts: Any) -> Outcome:
    """The event's outcome, with the message id and the type that it names."""
    return Outcome(index, text_of(event, "messageId"), text_of(event, "type"), status, **facts)


def text_of(event: Any, name: str) -> str | None:
    """What the event has under that name, if it is a text."""
    if isinstance(event, PreparedEvent):
        event = event.event
    value = event.get(name) if isinstance(event, (dict, Mapping)) else None
    return value if isinstance(value, str) else None


@attrs.frozen
class Fault:
    """Why an event is not with Gainsight: the name of the error's class, the place in the event, the whole message."""

    kind: str
    path: str | None
    message: str

    @classmethod
    def of(cls, error: GainsightDestError) -> Fault:
        """That of an error. The request id, which would make each one a reason of its own, is left out."""
        if isinstance(error, ResponseError):
            error = type(error)(error.action, error.problem, error.status, error.code, None, error.field_errors)
        return cls(type(error).__name__, getattr(error, "path", None), str(error))


NOT_TRIED = Fault("NotTried", None, "the run ended before it was delivered")


def fault_of(outcome: Outcome) -> Fault | None:
    """Why the event is not with Gainsight; None if it is, or need not be."""
    if outcome.status is Status.NOT_TRIED:
        return NOT_TRIED
    return None if outcome.error is None else Fault.of(outcome.error)


def facts_of(outcome: Outcome) -> dict[str, Any]:
    """What Gainsight's support will ask for, and how often the event was tried."""
    facts = {name: getattr(outcome.error, name, None) for name in ("status", "code", "request_id")}
    return {**facts, "attempts": outcome.attempts}


def error_record(outcome: Outcome) -> dict[str, Any] | None:
    """The fault as plain data: kind, path, message, and the facts; None if there is none."""
    fault = fault_of(outcome)
    return None if fault is None else {**attrs.asdict(fault), **facts_of(outcome)}


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data, ready for JSON, without its place: that of a stream tells nothing where there is none.

    `message_id`, `type`, `status`, `attempts`, `calls`, `gsid`, `reason`, and `error` as in a dead letter, or None.
    """
    return {
        "message_id": outcome.message_id,
        "type": outcome.type,
        "status": str(outcome.status),
        "attempts": outcome.attempts,
        "calls": outcome.calls,
        "gsid": outcome.gsid,
        "reason": outcome.reason,
        "error": error_record(outcome),
    }


def dead_letter(event: Any, outcome: Outcome) -> dict[str, Any]:
    """An event that failed, with the reason: `{"message": event, "error": {…}}`.

    That is RudderStack's nested form, so `gainsight-dest deliver` takes it again as it is, once the event is fixed.
    """
    return {"message": event, "error": error_record(outcome)}


def is_nested(value: Any) -> bool:
    """Whether the value is RudderStack's `{"message": event, …}`, as a dead letter is, rather than an event."""
    return isinstance(value, dict) and "message" in value and "type" not in value


def error_as_data(error: GainsightDestError) -> list[Any]:
    """The error as plain data: its class, then its arguments. Values that Gainsight refused are left out."""
    arguments = list(error.args)
    if isinstance(error, ResponseError):
        fields = [[each.field, each.code] for each in error.field_errors]
        arguments = [fields if each is error.field_errors else each for each in arguments]
    return [type(error).__name__, *arguments]


def error_from_data(data: list[Any]) -> GainsightDestError:
    """The error of what `error_as_data` gave."""
    name, *arguments = data
    kind: type[GainsightDestError] = getattr(errors, name)
    if issubclass(kind, errors.ConfigError):
        return kind(*((place, problem) for place, problem in arguments))
    if issubclass(kind, ResponseError):
        action, problem, status, code, request_id, fields, retry_after = arguments
        told = tuple(FieldError(field, code) for field, code in fields)
        return kind(action, problem, status, code, request_id, told, retry_after)
    return kind(*arguments)
