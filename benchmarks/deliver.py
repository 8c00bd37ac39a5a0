"""Delivery beside a bare loop of `session.request`, on the same sandbox, in one run; and its memory.

python benchmarks/deliver.py
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from gainsight_dest import DestinationConfig, transform
from gainsight_dest.deliver import Deliverer

CONFIG = DestinationConfig(domain="acme.gainsightcloud.com", access_key="key")
ROUNDS = 9
FREE: dict[str, Any] = {"calls_per_minute": None, "calls_per_day": None}


def events(number: int) -> Iterator[dict[str, Any]]:
    """Identifies of different people: one call each, none in the way of another."""
    for n in range(number):
        yield {"type": "identify", "messageId": f"{n}", "traits": {"email": f"p{n}@example.com", "firstName": "Ada"}}


@contextmanager
def sandbox(*options: str) -> Iterator[str]:
    """A sandbox in a process of its own: its address."""
    command = [sys.executable, "-m", "gainsight_dest", "sandbox", "--port", "0", "--calls-per-minute", "0"]
    with subprocess.Popen([*command, "--calls-per-day", "0", *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = process.stdout.readline()
        try:
            yield next(word for word in line.replace(",", " ").split() if word.startswith("http://"))
        finally:
            process.terminate()


def bare(url: str, number: int) -> None:
    """What one would write without the library: the requests are ready, nothing is retried, counted or checked."""
    described = [transform(event, CONFIG).as_dict() for event in events(number)]
    with requests.Session() as session:
        for each in described:
            path = each["url"].removeprefix(f"https://{CONFIG.domain}")
            answer = session.request(
                each["method"], url + path, headers=each["headers"], json=each["body"], timeout=(5, 30)
            )
            assert answer.json()["result"] is True  # noqa: S101 - else nothing is measured


def ours(url: str, number: int, workers: int) -> None:
    """The same by a Deliverer."""
    with Deliverer(CONFIG, base_url=url, workers=workers, **FREE) as deliverer:
        assert all(outcome.status == "delivered" for outcome in deliverer.run(events(number)))  # noqa: S101 - the same


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(url: str, number: int, workers: int) -> None:
    """Both in turn, and the median of their ratios."""
    ours(url, number, workers)  # so that neither is the first
    rounds = [(seconds(lambda: bare(url, number)), seconds(lambda: ours(url, number, workers))) for _ in range(ROUNDS)]
    ratio = statistics.median(theirs / mine for theirs, mine in rounds)
    rates = [number / statistics.median(column) for column in zip(*rounds, strict=True)]
    label = "1 worker" if workers == 1 else f"{workers} workers"
    print(f"  {label:10}  {rates[1]:7.0f} calls/s, bare loop {rates[0]:7.0f}: {ratio:.2f} x")


MEMORY = """
import io, resource, sys
import requests
from gainsight_dest.deliver import Deliverer
sys.path.insert(0, sys.argv[1])
from deliver import CONFIG, FREE, events

class Answers(requests.adapters.BaseAdapter):
    def send(self, request, **_):
        answer = requests.Response()
        answer.status_code, answer.raw = 200, io.BytesIO(b'{"result": true}')
        answer.request, answer.url = request, request.url
        return answer
    def close(self): pass

session = requests.Session()
session.mount("https://", Answers())
with Deliverer(CONFIG, session, workers=8, **FREE) as deliverer:
    for outcome in deliverer.run(events(int(sys.argv[2]))):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kib(number: int) -> int:
    """The peak memory of a process that delivers so many events."""
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", MEMORY, here, f"{number}"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Print the ratios and the memory."""
    print("a sandbox that answers at once")
    with sandbox() as url:
        compare(url, 500, 1)
    print("a sandbox that answers in 20 ms")
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "faults.json")
        plan.write_text(json.dumps([{"kind": "slow", "seconds": 0.02}]), "utf8")
        with sandbox("--faults", str(plan)) as url:
            compare(url, 100, 1)
            compare(url, 100, 8)
    few, many = peak_kib(10_000), peak_kib(100_000)
    print(f"peak memory  {few / 1024:.1f} MB for 10,000 events, {many / 1024:.1f} MB for 100,000: {many / few:.2f} x")


if __name__ == "__main__":
    main()
