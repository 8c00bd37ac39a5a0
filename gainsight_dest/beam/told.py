# mypy: untyped-calls-exclude="apache_beam"
"""What a pipeline is told of an event: its record, its dead letter, and Beam's metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import TaggedOutput

from gainsight_dest.beam.events import Object
from gainsight_dest.errors import GainsightDestError, ResponseError
from gainsight_dest.outcome import Outcome, Status, dead_letter, outcome_record

#: The namespace of all metrics.
_NAMESPACE = "gainsight"


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
