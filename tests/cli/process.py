"""The command line as a process of its own, and what it prints as data."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "examples" / "events.ndjson"
CONFIG = ROOT / "examples" / "destination.json"
PROGRAM = [sys.executable, "-m", "gainsight_dest"]
LONGEST = 30  # seconds; what takes longer hangs

Done = subprocess.CompletedProcess[bytes]


def run(*arguments: object, stdin: bytes = b"") -> Done:
    """The command, run to its end."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=LONGEST)


@contextmanager
def started(*arguments: object, forever: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """The command while it runs; killed at the end if it still does, or, if not `forever`, when it hangs."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*PROGRAM, *map(str, arguments)], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        watchdog = threading.Timer(LONGEST, process.kill)
        if not forever:
            watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def ended(process: subprocess.Popen[bytes], how: int = signal.SIGINT) -> Done:
    """What the process printed and how it ended, once it was asked to."""
    process.send_signal(how)
    stdout, stderr = process.communicate(timeout=LONGEST)
    return Done(process.args, process.returncode, stdout, stderr)


def until(condition: Callable[[], object]) -> None:
    """Waits for the condition."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def lines(data: bytes) -> list[Any]:
    """The values of NDJSON."""
    return [json.loads(line) for line in data.splitlines()]


def ndjson(*values: Any) -> bytes:
    """The values as NDJSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def table(done: Done) -> dict[str, dict[str, int]]:
    """The closing table of a delivery: the counts of each type."""
    columns = ("events", "delivered", "failed", "skipped", "not tried", "calls")
    rows = re.findall(r"^(\S+)" + r" +([\d,]+)" * len(columns) + "$", done.stdout.decode(), re.MULTILINE)
    assert rows, done
    return {
        name: dict(zip(columns, (int(count.replace(",", "")) for count in counts), strict=True))
        for name, *counts in rows
    }


def wrong_use(done: Done) -> str:
    """The one line that says what is wrong; nothing else is printed, least of all a traceback."""
    text = done.stderr.decode()
    assert done.returncode == 2, done
    assert text.startswith("Error: "), text
    assert text.count("\n") == 1, text
    return text.removeprefix("Error: ").rstrip("\n")
