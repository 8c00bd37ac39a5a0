# mypy: untyped-calls-exclude="apache_beam"
"""Transforms an event, by engine and number of cores, as ratios to a plain loop, in one run.

    python benchmarks/engines.py

The work is the same everywhere: the JSON text of an event is parsed, transformed, and the body of its request written
as JSON; what comes out is only measured. Each engine does it with the library's own transform for it, and once with a
function that hands on the text as it is: that is what the engine costs by itself. Each runs in a process of its own,
held to so many cores where the system can do that. Start-up is told apart: it is what a few events take, from the
import of the engine to the result, and what a second such run takes is taken off each further one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from transform import CONFIG, EVENTS

from gainsight_dest import DestinationConfig, transform

NUMBER = 200_000
FEW = 2_000
FILES = 8
CHUNK = 1_000
ROUNDS = 2

DESTINATION = DestinationConfig.from_rudderstack(CONFIG)
#: Runs the events of a folder through the engine, with the transform or without: the characters that come out.
Run = Callable[[str, bool], int]

# --- the work ---------------------------------------------------------------------------------------------------------


def transformed(line: str) -> str:
    """The body of the event's request."""
    return json.dumps(transform(json.loads(line), DESTINATION).body)


def as_it_is(line: str) -> str:
    """The line."""
    return line


def lines_of(folder: str) -> Iterator[str]:
    """All events, as JSON text."""
    for file in sorted(Path(folder).iterdir()):
        with file.open(encoding="utf8") as lines:
            for line in lines:
                yield line.rstrip("\n")


def total(job: tuple[bool, Sequence[str]]) -> int:
    """What comes out of some events, in one process."""
    is_transformed, lines = job
    return sum(map(len, map(transformed if is_transformed else as_it_is, lines)))


# --- the engines ------------------------------------------------------------------------------------------------------
# Each gives its Run within so many cores; it stays up between runs, where it can.


def plain_loop(_: int) -> Run:
    """For comparison."""
    return lambda folder, is_transformed: sum(
        len(transformed(line) if is_transformed else as_it_is(line)) for line in lines_of(folder)
    )


def multiprocessing(cores: int) -> Run:
    """A pool of the standard library."""
    pool = get_context("spawn").Pool(cores)

    def run(folder: str, is_transformed: bool) -> int:  # noqa: FBT001 - see Run
        jobs = ((is_transformed, lines) for lines in _chunks(lines_of(folder)))
        return sum(pool.imap_unordered(total, jobs))

    return run


def _chunks(lines: Iterator[str]) -> Iterable[list[str]]:
    return iter(lambda: list(islice(lines, CHUNK)), [])


def beam(cores: int) -> Run:
    """Beam's own runner: one worker within this process, several as processes."""
    import apache_beam  # noqa: PLC0415 - one engine a process
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415 - the same

    from gainsight_dest.beam import TransformEvents, parse_event  # noqa: PLC0415 - the same

    how: dict[str, Any] = {"direct_num_workers": cores} | (
        {"direct_running_mode": "multi_processing"} if cores > 1 else {}
    )

    def run(folder: str, is_transformed: bool) -> int:  # noqa: FBT001 - see Run
        with tempfile.TemporaryDirectory() as out:
            with apache_beam.Pipeline("FnApiRunner", PipelineOptions([], **how)) as pipeline:
                lines = pipeline | apache_beam.io.ReadFromText(f"{folder}/*")
                if is_transformed:
                    told = lines | apache_beam.Map(parse_event) | TransformEvents(DESTINATION)
                    texts = told.requests | apache_beam.Map(_body)
                else:
                    texts = lines | apache_beam.Map(as_it_is)
                lengths = texts | apache_beam.Map(len) | apache_beam.CombineGlobally(sum)
                _ = lengths | apache_beam.Map(str) | apache_beam.io.WriteToText(f"{out}/total")
            return sum(int(file.read_text("utf8")) for file in Path(out).iterdir())

    return run


def _body(request: Any) -> str:
    return json.dumps(request.body)


def spark(cores: int) -> Run:
    """A local Spark with so many threads, each with a Python worker, beside the JVM itself."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession  # noqa: PLC0415 - one engine a process
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - the same

    from gainsight_dest.spark import transform_events  # noqa: PLC0415 - the same

    builder = SparkSession.builder.master(f"local[{cores}]").appName("engines")
    session = builder.config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()

    def run(folder: str, is_transformed: bool) -> int:  # noqa: FBT001 - see Run
        lines = session.read.text(folder).withColumnRenamed("value", "event")
        if is_transformed:
            texts = transform_events(lines, DESTINATION).withColumnRenamed("body", "text")
        else:
            texts = lines.mapInArrow(lambda batches: batches, "event string").withColumnRenamed("event", "text")
        (row,) = texts.agg(F.sum(F.length("text"))).collect()
        return int(row[0])

    return run


ENGINES: dict[str, Callable[[int], Run]] = {each.__name__: each for each in (plain_loop, multiprocessing, beam, spark)}

# --- the measurement --------------------------------------------------------------------------------------------------


class Times(NamedTuple):
    """Seconds: until a few events were through for the first time, and for each of the rest without and with work."""

    startup: float
    alone: float
    working: float


def measured(engine: str, cores: int, few: str, many: str) -> Times:
    """In this process."""
    started = time.perf_counter()
    run = ENGINES[engine](cores)
    run(few, False)  # noqa: FBT003 - see Run
    startup = time.perf_counter() - started
    alone, working = (
        statistics.median(_an_event(run, few, many, is_transformed) for _ in range(ROUNDS))
        for is_transformed in (False, True)
    )
    return Times(startup, alone, working)


def _an_event(run: Run, few: str, many: str, is_transformed: bool) -> float:  # noqa: FBT001 - see Run
    def seconds(folder: str) -> float:
        started = time.perf_counter()
        assert run(folder, is_transformed) > 0  # noqa: S101 - else nothing was measured
        return time.perf_counter() - started

    overhead = seconds(few)
    return (seconds(many) - overhead) / (NUMBER - FEW)


def in_a_process(engine: str, cores: int, few: Path, many: Path) -> Times:
    """In a process of its own, held to so many cores."""
    command = [sys.executable, __file__, engine, str(cores), str(few), str(many)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Times(*json.loads(done.stdout.splitlines()[-1]))


def hold_to(cores: int) -> None:
    """Keep this process, and those that it starts, to so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def write(folder: Path, number: int) -> Path:
    """So many events of each type in turn, in some files."""
    folder.mkdir()
    texts = [json.dumps(event) for event in EVENTS.values()]
    for part in range(FILES):
        lines = (texts[place % len(texts)] for place in range(part, number, FILES))
        (folder / f"part-{part}.ndjson").write_text("\n".join(lines) + "\n", "utf8")
    return folder


HEAD = """
                        start-up   µs an event          x the plain loop's throughput
engine           cores         s   alone  with work   with work   its own cost taken off
"""


def main() -> None:
    """Print a line for each engine and number of cores."""
    print(f"{NUMBER:,} events: JSON text, transformed, the body as JSON text; on a machine of {os.cpu_count()} cores")
    print(HEAD, end="")
    with tempfile.TemporaryDirectory() as name:
        few, many = write(Path(name, "few"), FEW), write(Path(name, "many"), NUMBER)
        loop = in_a_process("plain_loop", 1, few, many)
        show("plain_loop", 1, loop, loop)
        for engine in ("multiprocessing", "beam", "spark"):
            for cores in (1, 2):
                show(engine, cores, in_a_process(engine, cores, few, many), loop)


def show(engine: str, cores: int, times: Times, loop: Times) -> None:
    """A line."""
    net = (loop.working - loop.alone) / max(times.working - times.alone, 1e-9)
    print(
        f"{engine.replace('_', ' '):16} {cores:5}  {times.startup:8.1f}  {times.alone * 1e6:6.1f}  "
        f"{times.working * 1e6:9.1f}   {loop.working / times.working:9.2f}   {net:22.2f}",
        flush=True,
    )


if __name__ == "__main__":
    if arguments := sys.argv[1:]:
        hold_to(int(arguments[1]))
        print(json.dumps(measured(arguments[0], int(arguments[1]), *arguments[2:])))
    else:
        main()
