"""The events of what an SDK sends: one event, a list of them, or a body `{"batch": […]}`. A pure function of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gainsight_dest.errors import EventError
from gainsight_dest.fields import present
from gainsight_dest.moments import MOMENTS
from gainsight_dest.values import kind

#: When an event happened, and by whom. A body tells it of each of its events that tells none of the same group.
_GROUPS = (MOMENTS, ("userId", "anonymousId"))
#: What a body tells of its events: the time at which it was sent, not that at which they happened.
_TOLD = frozenset({"sentAt", "receivedAt", "userId", "anonymousId"})
#: Objects that a body and its events may share: an event's own keys go first.
_MERGED = ("context", "integrations")


def events_of(body: Any) -> list[Any]:
    """The events in the body of an SDK's request: those of its `batch`, or of a list, or the one event that it is.

    A list may hold bodies as well as events. What a body tells of all its events, each of them has then: keys of
    `context` and `integrations`, `sentAt` where it has no time at all, `userId` and `anonymousId` where it has neither.
    All else of the body is left, such as a `writeKey`. An empty batch, or an empty list, has no events. What stands in
    a list in place of an event stays as it is, a batch within a batch too: `transform` raises an EventError for it.

    Raises EventError for a body that is neither an object nor a list, and for a `batch` that is no list. The body is
    not changed.
    """
    if isinstance(body, (list, tuple)):
        return [event for each in body for event in (_batched(each) if _is_batch(each) else [each])]
    if not isinstance(body, Mapping):
        raise EventError("the body", f"must be an event, a list of events, or an object with a batch, got {kind(body)}")
    if _is_batch(body):
        return [*_batched(body)]
    if "batch" in body and not present(body.get("type")):
        raise EventError("batch", f"must be a list of events, got {kind(body['batch'])}")
    return [body]


def _is_batch(value: Any) -> bool:
    """Whether it is a body of many events. An event has a type, and may have anything beside it."""
    if not isinstance(value, Mapping) or present(value.get("type")):
        return False
    return isinstance(value.get("batch"), (list, tuple))


def _batched(body: Mapping[str, Any]) -> Iterator[Any]:
    return (_completed(event, body) if isinstance(event, Mapping) else event for event in body["batch"])


def _completed(event: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with what the body tells of it."""
    more: dict[str, Any] = {}
    for group in _GROUPS:
        if not any(present(event.get(name)) for name in group):
            more |= {name: body[name] for name in group if name in _TOLD and present(body.get(name))}
    for name in _MERGED:
        shared, own = body.get(name), event.get(name)
        if isinstance(shared, Mapping) and shared:
            if isinstance(own, Mapping):
                more[name] = {**shared, **own}
            elif own is None:
                more[name] = shared
    return {**event, **more} if more else event
