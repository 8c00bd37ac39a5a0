# mypy: untyped-calls-exclude="apache_beam"
"""Events into Gainsight, within the tenant's budget."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows, GlobalWindows, SlidingWindows, WindowFn
from apache_beam.utils.shared import Shared

from gainsight_dest.beam.events import Object
from gainsight_dest.beam.gather import GatherBySender, Keyed, RouteEvents
from gainsight_dest.beam.options import read_by_beam
from gainsight_dest.beam.sending import DeliverFn, DeliverLaterFn, SaveCompaniesFn
from gainsight_dest.deliver.engines import ALONE, ConfigSource
from gainsight_dest.deliver.settings import OF_SHARDS
from gainsight_dest.deliver.shards import settings_by

#: Seconds that a late event may come after its window of `WriteToGainsight(window=…)`, and still be sent.
_LATENESS = 86_400
#: Seconds that a late event which was let through may then take to its last sender, as Beam drops it on its way if its
#: window is gone meanwhile.
_ON_THE_WAY = 86_400

log = logging.getLogger("gainsight_dest.beam")


class WriteResult(NamedTuple):
    """The results of a write: `outcomes`, one dict an event, and `failures`, the dead letters of those that failed.

    Both are in the global window. Of unbounded input, people and track events have the time at which they were sent,
    others the end of their window.
    """

    outcomes: PCollection[Any]
    failures: PCollection[Any]


class WriteToGainsight(beam.PTransform[Any, Any]):
    """Delivers events within the tenant's budget, each company and person by one sender. Gives a `WriteResult`.

    `shards`: senders of people and events, side by side where the runner has the workers. `window`: seconds, or a
    WindowFn, to gather unbounded events for; None: as they are windowed. Bounded ones are gathered all at once: windows
    of them come in no order. `settings`: the others of `gainsight_dest.deliver.Shards`, such as `calls_per_minute`,
    `batch`, `base_url`, and `known`: without it, no other job may send at the same time.

    `config`: also the path of a JSON file, on any file system that Beam knows, or a function that gives it: then it is
    read by the workers, and the graph holds no key.

    Raises OptionsError when it is made, which names all that is wrong. A wrong key raises CredentialsError in a worker:
    the pipeline fails, and no event counts as done that was not.
    """

    def __init__(
        self,
        config: ConfigSource,
        *,
        shards: int = 1,
        window: float | str | WindowFn | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        own = window if isinstance(window, WindowFn) else None
        given = {"shards": shards, "window": None if own else window, **settings}
        self._shards, others = settings_by("WriteToGainsight", config, given, (*OF_SHARDS, "window"), read=read_by_beam)
        seconds = others["window"]
        self._window = FixedWindows(seconds) if seconds else own

    def display_data(self) -> dict[str, Any]:
        """The settings, without the keys: Beam shows them."""
        shown = {name: getattr(self._shards, name) for name in ("shards", "calls_per_minute", "calls_per_day", "batch")}
        return {name: "none" if value is None else value for name, value in shown.items()}

    def expand(self, pcoll: Any) -> WriteResult:
        """Beam asks for it. Raises ValueError for a windowing by which events would be sent twice."""
        if self._shards.known is None:
            log.warning("%s", ALONE)
        shared = Shared()
        deliver = DeliverFn if pcoll.is_bounded else DeliverLaterFn
        events = _windowed(pcoll, self._window)
        as_windowed = beam.WindowInto(events.windowing, allowed_lateness=events.windowing.allowed_lateness)

        addressed = events | "Address" >> _outputs(RouteEvents(self._shards), direct=Keyed, groups=Keyed)
        saved = (
            addressed.groups
            | "Companies" >> GatherBySender(self._shards.batch)
            | "Save companies" >> _outputs(SaveCompaniesFn(self._shards, shared), linked=Keyed)
        )
        sent = (
            (addressed.direct, saved.linked | "As windowed" >> as_windowed)
            | "All that is for a shard" >> beam.Flatten()
            | "Shards" >> GatherBySender(self._shards.batch)
            | "Deliver" >> _outputs(deliver(self._shards, shared))
        )
        outcomes = addressed.outcomes | "Outcomes at once" >> beam.WindowInto(GlobalWindows())
        failures = addressed.failures | "Failures at once" >> beam.WindowInto(GlobalWindows())
        return WriteResult(
            (outcomes, saved.outcomes, sent.outcomes) | "Outcomes" >> beam.Flatten(),
            (failures, saved.failures, sent.failures) | "Failures" >> beam.Flatten(),
        )


# --- windows ----------------------------------------------------------------------------------------------------------


def _windowed(pcoll: Any, window: WindowFn | None) -> Any:
    """The events in the windows that they are gathered for."""
    _check(pcoll.windowing)
    if pcoll.is_bounded:
        return pcoll | "Window" >> beam.WindowInto(GlobalWindows())
    if window is not None:
        # Late events are sent, each as it comes, and none twice.
        late = AfterWatermark(late=AfterCount(1))
        pcoll = pcoll | "Window" >> beam.WindowInto(
            window, trigger=late, accumulation_mode=AccumulationMode.DISCARDING, allowed_lateness=_LATENESS
        )
        _check(pcoll.windowing)
    lateness = pcoll.windowing.allowed_lateness
    if lateness == 0:  # then the watermark waits for all that is on its way
        return pcoll
    return pcoll | "Late" >> beam.WindowInto(pcoll.windowing, allowed_lateness=lateness + _ON_THE_WAY)


def _check(windowing: Any) -> None:
    if isinstance(windowing.windowfn, SlidingWindows):
        raise ValueError("sliding windows hold an event several times, so it would be sent as often: use fixed ones")  # noqa: TRY004 - its value
    if windowing.accumulation_mode == AccumulationMode.ACCUMULATING:
        raise ValueError("a trigger that accumulates would send events again: use AccumulationMode.DISCARDING")


def _outputs(fn: beam.DoFn, **more: Any) -> Any:
    """The transform of a DoFn of which the main output are outcomes, with failures and more beside them."""
    typed = beam.ParDo(fn).with_output_types(Object, failures=Object, **more)
    return typed.with_outputs("failures", *more, main="outcomes")
