"""Events a second and peak memory of `gainsight-dest transform` and `explain --summary`, for files of growing size made
of the examples.

python benchmarks/command_line.py [EVENTS …]

The same lines are parsed by `json.loads` alone in the same run, for a ratio. Needs Linux, for the peak memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZES = (10_000, 100_000, 1_000_000)
COMMANDS = ("transform", "explain --summary")
PROGRAM = """
import sys
from gainsight_dest.cli import main
try:
    main()
finally:
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            print("peak", line.split()[1], file=sys.stderr)
"""


def make(file: Path, count: int) -> None:
    """A file of so many events: the examples over and over."""
    lines = (EXAMPLES / "events.ndjson").read_bytes().splitlines(keepends=True)
    with file.open("wb") as out:
        out.writelines(islice(cycle(lines), count))


def run(command: str, file: Path) -> tuple[float, float]:
    """Seconds, and peak memory in MB."""
    options = [str(file), "--config", str(EXAMPLES / "destination.json")]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split(), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    (peak,) = (line.split()[1] for line in done.stderr.splitlines() if line.startswith("peak "))
    return seconds, int(peak) / 1024


def parse(file: Path) -> float:
    """Seconds that json.loads takes for the same lines."""
    started = time.perf_counter()
    with file.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):
                json.loads(line)
    return time.perf_counter() - started


def main(sizes: list[int]) -> None:
    """Print a line for each size and command."""
    print("command             events      MB   seconds   events/s   x json.loads   peak memory")
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "events.ndjson"
            make(file, count)
            alone = parse(file)
            size = file.stat().st_size / 1e6
            for command in COMMANDS:
                seconds, peak = run(command, file)
                rate, ratio = count / seconds, seconds / alone
                print(
                    f"{command:<17} {count:8,} {size:7.1f} {seconds:9.1f} {rate:10,.0f} {ratio:14.1f} {peak:10.1f} MB"
                )


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(SIZES))
