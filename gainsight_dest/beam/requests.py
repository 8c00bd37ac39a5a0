# mypy: untyped-calls-exclude="apache_beam"
"""Events into requests: nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from gainsight_dest.beam import coders as _coders  # noqa: F401 - Beam is to know them
from gainsight_dest.beam.events import Object
from gainsight_dest.beam.options import read_by_beam
from gainsight_dest.beam.results import count, counted, letter
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.engines import ConfigReference, ConfigSource, config_of
from gainsight_dest.descriptors import Request
from gainsight_dest.outcome import Status, begin
from gainsight_dest.templates import Settings
from gainsight_dest.templates import config_of as config_of_each


class TransformEvents(beam.PTransform[Any, Any]):
    """Events into the first request of each: `requests`, `faults` and `skipped` of what it gives; nothing is sent.

    `requests`: Request objects. `faults`: the events that are at fault, as dead letters: `{"message": event, "error":
    {"kind", "path", "message", …}}`. `skipped`: `{"message": event, "reason": …}`. Each event is in one of them.
    Events fill in the templates of a dict. Raises ConfigError at once; of a path or a function, as of
    WriteToGainsight, in the workers.
    """

    def __init__(self, config: ConfigSource) -> None:
        super().__init__()
        self._config: DestinationConfig | Settings | ConfigReference
        if isinstance(config, (DestinationConfig, Settings, Mapping)):  # which may be of several tenants
            self._config = config_of_each(config)
        else:
            self._config = config_of(config, read_by_beam)

    def expand(self, pcoll: Any) -> Any:
        """Beam asks for it."""
        of_tags = {"faults": Object, "skipped": Object}
        fn = beam.ParDo(_Transform(self._config)).with_input_types(Any).with_output_types(Request, **of_tags)
        return pcoll | "Transform" >> fn.with_outputs("faults", "skipped", main="requests")


class _Transform(beam.DoFn):
    def __init__(self, source: DestinationConfig | Settings | ConfigReference) -> None:
        self._source = source
        self._config: DestinationConfig | Settings

    def setup(self) -> None:
        self._config = self._source.open() if isinstance(self._source, ConfigReference) else self._source

    def process(self, event: Any) -> Iterator[Any]:
        count("events")
        begun = begin(0, event, self._config)
        if isinstance(begun, Request):
            yield begun
            return
        counted(begun)
        if begun.status is Status.SKIPPED:
            yield TaggedOutput("skipped", Object(message=event, reason=begun.reason))
        else:
            yield TaggedOutput("faults", letter(event, begun))
