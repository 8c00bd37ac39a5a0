# mypy: untyped-calls-exclude="apache_beam"
"""What a pipeline is told of an event: its record, its dead letter, and Beam's metrics."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import TaggedOutput

from gainsight_dest.batching.moments import CURE
from gainsight_dest.beam.events import Object
from gainsight_dest.errors import GainsightDestError, ResponseError
from gainsight_dest.outcome import Outcome, Status, dead_letter, outcome_record

#: The namespace of all metrics.
_NAMESPACE = "gainsight"
_UNREAD = "unread_times"

log = logging.getLogger("gainsight_dest.beam")


class Once:
    """True when it is asked first, whichever thread asks; then False."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self) -> bool:
        """Ask."""
        return self._lock.acquire(blocking=False)


def warn_of(unread: str, once: Once) -> None:
    """Count an event with a time that cannot be read, and tell of the first.

    `unread`: as a Moment has it.
    """
    count(_UNREAD)
    if once():
        log.warning("A time cannot be read: %s. The counter %s counts such events. %s", unread, _UNREAD, CURE)


def told(event: Any, outcome: Outcome) -> Iterator[Any]:
    """The outcome's record, and its dead letter if it has failed."""
    count_outcome(outcome)
    yield Object(outcome_record(outcome))
    if outcome.status is Status.FAILED:
        yield TaggedOutput("failures", letter(event, outcome))


def letter(event: Any, outcome: Outcome) -> Object:
    """The dead letter of an event that failed."""
    return Object(dead_letter(event, outcome))


def count_outcome(outcome: Outcome) -> None:
    """By its status, and by its code if it has failed."""
    count(str(outcome.status))
    if outcome.error is not None:
        count(f"failed_{_code(outcome.error)}")


def count(name: str, number: int = 1) -> None:
    """Add to a counter of the pipeline's."""
    Metrics.counter(_NAMESPACE, name).inc(number)


def _code(error: GainsightDestError) -> str:
    """Gainsight's code, else the HTTP status, else the kind of error: what failures are counted by."""
    code = isinstance(error, ResponseError) and (error.code or (error.status and f"http_{error.status}"))
    return re.sub(r"\W", "_", code or type(error).__name__)[:60]
