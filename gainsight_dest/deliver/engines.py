"""What Beam and Spark share: events as JSON text, a file with keys, what failures are counted by, names of settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gainsight_dest.errors import EventError
from gainsight_dest.outcome import is_nested
from gainsight_dest.spelling import Names, did_you_mean

#: What a job without a store says in its log.
ALONE = (
    "No store is named (known=…): while this job sends, no other may send to the tenant. Two would create the same "
    "companies, and each would take all of the tenant's calls for its own"
)


class OptionsError(ValueError):
    """Settings are wrong. The text names each and shows no value: a key may stand in the wrong place."""


class ParsedEvent(NamedTuple):
    """An event as it was read, or the error that stands in for it. `text`: the text that it was, if it was one."""

    event: Any
    text: str | None = None

    @property
    def raw(self) -> Any:
        """What a dead letter holds of it: the event, or the text that is not JSON."""
        return self.text if isinstance(self.event, EventError) else self.event

    def as_text(self) -> str | None:
        """The event as JSON text, of ASCII where it was made here. Text that is not JSON stays as it is."""
        return json.dumps(self.event) if self.text is None and self.event is not None else self.text


def parsed(given: str | bytes | None) -> ParsedEvent:
    """The event of a JSON text, also in RudderStack's nested form, as in dead letters. None: no event.

    An error stands in for text that is not JSON. A nested text that was not JSON, and has been fixed, is parsed too.
    """
    if given is None:
        return ParsedEvent(None)
    try:
        event = json.loads(given)
    except (ValueError, RecursionError):
        text = given if isinstance(given, str) else given.decode(errors="replace")
        return ParsedEvent(EventError("the event", "is not JSON"), text)
    if not is_nested(event):
        return ParsedEvent(event, given if isinstance(given, str) else None)
    event = event["message"]
    return parsed(event) if isinstance(event, str) else ParsedEvent(event)


def json_with_keys(content: bytes) -> Any:
    """The JSON value. Raises ValueError, which holds nothing of the content, unlike an error of Python's own."""
    value: Any = None
    is_json = True
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        is_json = False
    if not is_json:  # raised here, so that the error before is not its context
        raise ValueError("is not JSON")
    return value


def no_such_option(name: str, names: Names) -> str:
    """What is told of a setting that there is not."""
    question = did_you_mean(names.near(name))
    return f"{name}: there is no such option{f'. {question}' if question else ''}"


def has_password(place: str) -> bool:
    """Whether the place of a store may hold a password: as a user's, or among the options of a URL."""
    _, is_url, rest = place.partition("://")
    return bool(is_url) and ("@" in rest or "password" in rest.casefold())


def failure_code(error: Mapping[str, Any]) -> str:
    """By what an `error_record` is counted: Gainsight's code, else `http_503`, else the kind of the error."""
    code: str = error["code"] or (error["status"] and f"http_{error['status']}") or error["kind"]
    return code
