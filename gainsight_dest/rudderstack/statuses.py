"""The statuses of items that failed: a code, by which rudder-server retries or not, and tags for its metrics.

It retries 5xx, 429 and 408, gives up on other 4xx, and keeps jobs for hours: so each error has the code for what should
be done about it.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import PurePath
from typing import Any

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    GainsightDestError,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.gainsight import Response
from gainsight_dest.known.known import StoreError
from gainsight_dest.secret import hidden
from gainsight_dest.values import plain

log = logging.getLogger("gainsight_dest.rudderstack")

#: How rudder-server names this destination.
DESTINATION = "gainsight"


def _refused(status: int | None) -> int:
    """A 4xx that is not retried. A refusal may come with any status."""
    return status if status is not None and 400 <= status <= 499 and status not in {408, 429} else 400


def _failed(status: int | None) -> int:
    """A 5xx, which is retried."""
    return status if status is not None and 500 <= status <= 599 else 500


@attrs.frozen
class StatusRow:
    """The code and the tags of an error: `status` makes the code from that of Gainsight's answer."""

    error: type[Exception]
    status: Callable[[int | None], int]
    category: str
    type: str | None
    when: str


class MisroutedError(GainsightDestError):
    """What was sent is for another destination. To be tried again until someone has fixed the route."""


class NoDestinationError(GainsightDestError):
    """An item of the compacted format names no destination that came with it. To be tried again: no event's fault."""


class CrowdedError(GainsightDestError):
    """The request asks for more than is done at once. To be tried again: what was answered is not in it then."""


RETRYABLE = StatusRow(RetryableError, _failed, "network", "retryable", "Gainsight failed, or did not answer")

#: First match.
ROWS: tuple[StatusRow, ...] = (
    StatusRow(EventError, lambda _: 400, "dataValidation", "instrumentation", "the event is at fault"),
    StatusRow(ConfigError, lambda _: 400, "dataValidation", "configuration", "the destination config is at fault"),
    StatusRow(
        ThrottledError,
        lambda _: 429,
        "network",
        "throttled",
        "the calls are used up, as Gainsight or a limit says",
    ),
    RETRYABLE,
    StatusRow(ResponseError, _refused, "network", "aborted", "Gainsight refused"),
    StatusRow(MisroutedError, lambda _: 500, "platform", None, "the request is for another destination"),
    StatusRow(NoDestinationError, lambda _: 500, "platform", None, "a compacted item's destination is not there"),
    StatusRow(CrowdedError, lambda _: 500, "platform", None, "the request asks for more than is done at once"),
    StatusRow(StoreError, lambda _: 500, "platform", None, "the store that requests share cannot be used"),
    StatusRow(Exception, lambda _: 500, "platform", None, "a fault of gainsight_dest's own"),
)

#: How a failed call of a group begins what it says.
_GROUP_CALLS = {"find company": "search", "create company": "create", "update company": "update"}

#: What stands for metadata in an answer that is about no item: rudder-server throws one away that has none.
NO_METADATA: Mapping[str, Any] = {"destType": DESTINATION}

#: What Gainsight said, and the HTTP status of that.
AnswerData = dict[str, Any]

#: A longer text, of an error or an answer, is cut. In bytes.
LONGEST_TEXT = 10_000


@attrs.frozen(slots=False)
class Failure:
    """What an item has instead of a request. `answer`: what `answered` gave, if the failure is about an answer."""

    error: Exception
    answer: AnswerData | None = attrs.field(default=None, repr=False)

    @property
    def status(self) -> int:
        """The status code of the item."""
        return self._row.status(self._answered)

    @cached_property
    def text(self) -> str:
        """What rudder-server shows of it. Of a group's failed call, a JSON text with Gainsight's answer."""
        error = self.error
        if not isinstance(error, GainsightDestError):
            return f"a fault of gainsight_dest's own ({type(error).__name__}): please report it"
        if not isinstance(error, ResponseError) or error.action not in _GROUP_CALLS:
            return cut(str(error))
        problem = cut(str(error).removeprefix(f"{error.action}: "))
        message = f"failed to {_GROUP_CALLS[error.action]} group: {problem}"
        return json.dumps({"message": message, "destinationResponse": self.destination_response}, ensure_ascii=False)

    @property
    def destination_response(self) -> AnswerData:
        """Gainsight's answer and its status; where there is none, what is known of that and the status of the item."""
        if self.answer is not None:
            return self.answer
        known = isinstance(self.error, GainsightDestError)
        return {"response": cut(str(self.error)) if known else self.text, "status": self.status}

    def tags(self, feature: str, *metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The `statTags`: of which kind the failure is, and whose."""
        row = self._row
        tags = {
            "errorCategory": row.category,
            "errorType": row.type,
            "destType": DESTINATION.upper(),
            "module": "destination",
            "implementation": "native",
            "feature": feature,
        }
        for name in ("destinationId", "workspaceId"):
            tags[name] = next((one[name] for one in metadata if isinstance(one.get(name), str)), None)
        return {name: value for name, value in tags.items() if value}

    @property
    def _answered(self) -> int | None:
        return self.error.status if isinstance(self.error, ResponseError) else None

    @property
    def _row(self) -> StatusRow:
        if isinstance(self.error, CredentialsError) and self._answered is None:
            return RETRYABLE  # a host that cannot be trusted has not answered: the next try may meet the right one
        return next(row for row in ROWS if isinstance(self.error, row.error))


@attrs.frozen
class Unchanged:
    """What an item has instead of a request of which Gainsight has all already: rudder-server counts it as filtered."""

    status = 298
    text = "not sent: Gainsight has all of it already"


def answered(response: Response, config: DestinationConfig) -> AnswerData:
    """An answer of Gainsight's, as JSON where it is, else as text, as those who read rudder-server's log may see it.

    Of a longer one than LONGEST_TEXT the beginning, as text.
    """
    body: Any
    try:
        body = hidden(plain(json.loads(response.body, parse_constant=str), "the answer"), config.hide)
        if len(response.body) > LONGEST_TEXT:
            body = json.dumps(body, ensure_ascii=False)
    except (ValueError, RecursionError, EventError):  # an EventError: it is nested too deep to be passed on
        body = config.hide(response.body.decode("utf-8", "replace"))
    # Cut once the secrets are hidden: a half of one would not be known again.
    return {"response": cut(body) if isinstance(body, str) else body, "status": response.status}


def cut(text: str) -> str:
    """The text, or its beginning and a note of how long it was, where it is longer than LONGEST_TEXT."""
    whole = _bytes(text)
    if len(whole) <= LONGEST_TEXT:
        return text
    return f"{whole[:LONGEST_TEXT].decode('utf-8', 'ignore')}… (cut: {len(whole):,} bytes)"


def _bytes(text: str) -> bytes:
    """The text as UTF-8, with a question mark for half an emoji."""
    return text.encode("utf-8", "replace")


def unforeseen(error: Exception) -> Failure:
    """A fault of our own. What it says may hold the event's values: only where it came from is logged."""
    for frame in traceback.extract_tb(error.__traceback__, limit=-1):
        log.error("%s at %s:%s", type(error).__name__, PurePath(frame.filename).name, frame.lineno)
    return Failure(error)
