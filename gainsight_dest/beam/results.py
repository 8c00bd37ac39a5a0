# mypy: untyped-calls-exclude="apache_beam"
"""The results of a pipeline: records of outcomes, dead letters, and Beam's counters."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import TaggedOutput

from gainsight_dest.batching.moments import CURE
from gainsight_dest.beam.events import Object
from gainsight_dest.deliver.engines import failure_code
from gainsight_dest.outcome import Outcome, Status, dead_letter, outcome_record

#: The namespace of all metrics.
_NAMESPACE = "gainsight"
_UNREAD = "unread_times"
#: Dataflow reads it, in any namespace: workers that wait for the tenant are no reason to start more of them.
THROTTLED = "cumulativeThrottlingSeconds"

log = logging.getLogger("gainsight_dest.beam")


def warn_of(unread: str, once: threading.Lock) -> None:
    """Count an event with a time that cannot be read, and warn of the first: `once` stays locked then.

    `unread`: as a Moment has it.
    """
    count(_UNREAD)
    if once.acquire(blocking=False):
        log.warning("A time cannot be read: %s. The counter %s counts such events. %s", unread, _UNREAD, CURE)


def results(event: Any, outcome: Outcome) -> Iterator[Any]:
    """The record of the outcome, counted; and the dead letter of an event that failed."""
    yield counted(outcome)
    if outcome.status is Status.FAILED:
        yield TaggedOutput("failures", letter(event, outcome))


def letter(event: Any, outcome: Outcome) -> Object:
    """The dead letter of an event that failed."""
    return Object(dead_letter(event, outcome))


def counted(outcome: Outcome) -> Object:
    """The record of the outcome, counted by its status, and by the code of its error."""
    record = outcome_record(outcome)
    count(record["status"])
    if record["error"] is not None:
        count(f"failed_{_counter(failure_code(record['error']))}")
    return Object(record)


def count(name: str, number: int = 1) -> None:
    """Add to a counter of the pipeline."""
    _of_pipeline(name).inc(number)


@cache
def _of_pipeline(name: str) -> Any:
    """The counter: to make one costs more than to count."""
    return Metrics.counter(_NAMESPACE, name)


def _counter(code: str) -> str:
    """The code as a part of a counter's name."""
    return re.sub(r"\W", "_", code)[:60]
