# mypy: untyped-calls-exclude="apache_beam"
"""A company's events by an engine, with the library's own transforms, into a tenant that fails now and then.

    python benchmarks/scale.py beam
    python benchmarks/scale.py spark --events 50000 --people 2000 --companies 300 --shards 4
    python benchmarks/scale.py spark --events 6000 --kill 1200

The events come in no order. Each must be accounted for once, each company made once, people and companies be what one
by one leaves there, no track event be missing or come again unless its answer was lost, no minute have too many calls;
calls are counted by the tenant, a sandbox in a process of its own. Exit status 1 if any of it does not hold.

With --kill Spark has two executors, processes of their own, of which one is killed after so many calls.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.engines.scenario import CONFIG, Checked, Tenant, check, events, expected, faults

SEED = 20260302
#: So that it ends in some minutes, and waits for the calls. Beam's own runner has one shard at work at a time.
CALLS_PER_MINUTE = {"beam": 16_000, "spark": 5_000}
#: Message id and status of each event, as the engine tells.
Accounts = list[tuple[str | None, str]]


def by_beam(files: Sequence[Path], url: str, options: argparse.Namespace, folder: Path) -> Accounts:
    """By WriteToGainsight, on Beam's own runner, which has a stateful step work at one shard after the other.

    So waits add up: those after a fault are as much shorter as the calls are faster.
    """
    import apache_beam as beam  # noqa: PLC0415 - one engine is enough
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415 - the same

    from gainsight_dest.beam import WriteToGainsight, parse_event  # noqa: PLC0415 - the same
    from gainsight_dest.deliver import Patience  # noqa: PLC0415 - the same

    with beam.Pipeline("FnApiRunner", PipelineOptions([])) as pipeline:
        lines = pipeline | beam.io.ReadFromText(str(files[0].parent / "*.ndjson"))
        written = (
            lines
            | beam.Map(parse_event)
            | WriteToGainsight(
                CONFIG,
                shards=options.shards,
                calls_per_minute=options.calls_per_minute,
                calls_per_day=None,
                base_url=url,
                patience=Patience(longest_wait=0.2),
            )
        )
        _ = written.outcomes | beam.Map(json.dumps) | beam.io.WriteToText(str(folder / "outcomes"))
    records = [json.loads(line) for file in folder.glob("outcomes*") for line in file.read_text("utf8").splitlines()]
    return [(record["message_id"], record["status"]) for record in records]


def by_spark(files: Sequence[Path], url: str, options: argparse.Namespace, folder: Path) -> Accounts:
    """By by_shard, on a local Spark with a thread for each shard. Its report tells how each event ended.

    With --kill there is a store, too: what a task that is run again has sent by then is not sent again.
    """
    import pyspark  # noqa: PLC0415 - one engine is enough
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the same

    from gainsight_dest.spark import by_shard  # noqa: PLC0415 - the same

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))  # for executors of their own
    each = -(-options.shards // 2)
    master = f"local-cluster[2,{each},1024]" if options.kill else f"local[{options.shards},4]"
    builder = SparkSession.builder.master(master).appName("scale").config("spark.driver.host", "127.0.0.1")
    spark = builder.config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
    known = options.known or (folder / "known.db" if options.kill else None)
    try:
        lines = spark.read.text(str(files[0].parent)).withColumnRenamed("value", "event")
        limits: dict[str, Any] = {"calls_per_minute": options.calls_per_minute, "base_url": url, "calls_per_day": None}
        report = by_shard(lines, CONFIG, options.shards, known=known, **limits)
        assert report.outcomes is not None  # noqa: S101 - by_shard says so
        rows = report.outcomes.select("message_id", "status").collect()
        # What a task has delivered before it died is unchanged when it is run again.
        return [(row.message_id, row.status.replace("unchanged", "delivered")) for row in rows]
    finally:
        spark.stop()


ENGINES: dict[str, Callable[[Sequence[Path], str, argparse.Namespace, Path], Accounts]] = {
    "beam": by_beam,
    "spark": by_spark,
}


def kill_an_executor(tenant: Tenant, options: argparse.Namespace) -> None:
    """Once so many calls have been made: the newest of those that this program has started."""
    while len(tenant.report().calls) < options.kill:
        time.sleep(0.5)
    os.kill(max(_executors(os.getpid())), signal.SIGKILL)


def _executors(program: int) -> list[int]:
    """The processes that descend from that one and are executors of Spark's. Linux alone tells them so."""
    found, parents = [], {program}
    for process in sorted(int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        with suppress(OSError):  # it may have ended
            parent = int(Path(f"/proc/{process}/stat").read_text("utf8").rpartition(")")[2].split()[1])
            if parent in parents:
                parents.add(process)
                if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{process}/cmdline").read_bytes():
                    found.append(process)
    return found


def share(text: str) -> float:
    """2% or 0.02."""
    return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--companies", type=int, default=300)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--faults", type=share, default=0.02, help="the share of the calls that fail, such as 2%%")
    parser.add_argument("--kill", type=int, metavar="CALLS", help="after so many calls, kill one of Spark's executors")
    parser.add_argument("--known", help="the place of a store, for Spark")
    parser.add_argument("--calls-per-minute", type=int, help="5,000, or 16,000 by Beam, rather than 100")
    options = parser.parse_args(arguments)
    options.calls_per_minute = options.calls_per_minute or CALLS_PER_MINUTE[options.engine]
    return options


def main() -> None:
    """Deliver, check, print the table."""
    options = options_of()
    stream = events(options.events, options.people, options.companies, SEED)
    model = expected(stream, CONFIG)
    with tempfile.TemporaryDirectory() as name, Tenant(faults(options.faults), options.calls_per_minute) as tenant:
        folder = Path(name)
        files = _files(folder / "events", random.Random(SEED).sample(stream, len(stream)))  # noqa: S311 - an order
        if options.kill:
            threading.Thread(target=kill_an_executor, args=(tenant, options), daemon=True).start()
        started = time.perf_counter()
        accounts = ENGINES[options.engine](files, tenant.url, options, folder)
        seconds = time.perf_counter() - started
        checked = check(stream, accounts, tenant.report(), model)
    show(options, checked, seconds)
    sys.exit(1 if checked.problems else 0)


def _files(folder: Path, stream: Sequence[dict[str, Any]]) -> list[Path]:
    """The events in eight files of NDJSON, for the engine to read side by side."""
    folder.mkdir()
    files = []
    for number in range(8):
        file = folder / f"part-{number}.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in stream[number::8]), "utf8")
        files.append(file)
    return files


def show(options: argparse.Namespace, checked: Checked, seconds: float) -> None:
    """The table."""
    limit = options.calls_per_minute
    statuses = ", ".join(f"{number:,} {status}" for status, number in sorted(checked.statuses.items()))
    rows = {
        "engine": f"{options.engine}, {options.shards} shards",
        "events": f"{options.events:,}: {statuses}",
        "companies": f"{checked.companies:,}",
        "people": f"{checked.people:,}",
        "track events": f"{checked.tracks:,}, of which {checked.doubles} came again: {checked.lost} answers were lost",
        "calls": f"{checked.calls:,}, of which {checked.faults:,} met a fault",
        "one by one": f"{checked.calls_alone:,} without a fault: {checked.calls / checked.calls_alone:.0%} of them",
        "busiest minute": f"{checked.busiest[0]:,} of {limit:,}; of any sixty seconds {checked.busiest[1]:,}",
        "time": f"{seconds:.0f} s, start-up included",
    }
    for name, text in rows.items():
        print(f"{name:15} {text}")
    for problem in checked.problems:
        print(f"{'WRONG':15} {problem}")
    if not checked.problems:
        print(f"{'ok':15} as one by one, field by field and link by link")


if __name__ == "__main__":
    main()
