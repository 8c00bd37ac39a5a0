# mypy: untyped-calls-exclude="apache_beam"
"""A pipeline in this process, and what came out of it: for the tests of Beam."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import attrs
from apache_beam.options.pipeline_options import PipelineOptions

from gainsight_dest.beam import WriteToGainsight
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.engines.scenario import CONFIG
from tests.some import FREE

_KEPT: dict[str, list[Any]] = defaultdict(list)


def keep(element: Any, place: str) -> None:
    """The pipeline runs in this process, and refers to this function by its name."""
    _KEPT[place].append(element)


@attrs.frozen
class Ran:
    """The elements of each output by its name, and the counters by theirs."""

    outputs: Mapping[str, list[Any]]
    counters: Mapping[str, int]


def not_run(*arguments: str) -> Any:
    """A pipeline to look at. Beam makes a folder for each, and removes it when it has run."""
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions([*arguments]))
    shutil.rmtree(pipeline.local_tempdir)
    return pipeline


def run(build: Callable[[Any], Mapping[str, Any]], arguments: Sequence[str] = (), runner: str = "FnApiRunner") -> Ran:
    """Run a pipeline: `build` gets it, and gives PCollections by name."""
    pipeline = beam.Pipeline(runner, PipelineOptions([*arguments]))
    run_id = uuid.uuid4().hex
    names = []
    for name, output in build(pipeline).items():
        names.append(name)
        _ = output | f"Keep {name}" >> beam.Map(keep, place=f"{run_id} {name}")
    result = pipeline.run()
    result.wait_until_finish()
    counters: Counter[str] = Counter()
    for metric in result.metrics().query()["counters"]:
        if metric.key.metric.namespace == "gainsight":
            counters[metric.key.metric.name] += metric.committed
    return Ran({name: _KEPT.pop(f"{run_id} {name}", []) for name in names}, counters)


def write(source: Any, url: str, arguments: Sequence[str] = (), runner: str = "FnApiRunner", **settings: Any) -> Ran:
    """Run a pipeline of a source and WriteToGainsight."""
    settings = {"config": CONFIG, "base_url": url, **FREE, **settings}
    return run(lambda pipeline: (pipeline | source | WriteToGainsight(**settings))._asdict(), arguments, runner)


def deliver(events: Sequence[Any], sandbox: Sandbox, arguments: Sequence[str] = (), **settings: Any) -> Ran:
    """The events into that sandbox, which stands behind a port as long."""
    with Server(sandbox) as server:
        return write(beam.Create([*events]), server.url, arguments, **settings)
