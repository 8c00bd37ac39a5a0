"""What a store of what is known takes: on the disk, of the CPU for each use and each delivery, and of the memory.

    python benchmarks/known.py [uses] [deliveries] [memory] [redis://…]

Without a name it does all three; the memory takes a quarter of an hour.

**Each use**, with a million people in the file. Beside it, in the same run, a `Known`, which is a dict: what the
digests and their packing take without a store. With an address, the same of that server, which should be empty.

**A delivery**: the CPU of this process alone, with a sandbox in another one, which is called by HTTP, with and without
a store in turn. A day as in `benchmarks/calls.py`, of which much is known, is what the limit is for; events of which
nothing is known, so that the store saves nothing, are the worst there is.

**Memory**: the peak of processes that deliver 20,000 and 100,000 events.

Everything is timed in turn, so that a slow moment of the machine hits all alike; the least of the rounds is printed.
Exit status 1 if a limit is missed.
"""

from __future__ import annotations

import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import calls
from calls import CONFIG
from deliver import sandbox

from gainsight_dest.deliver import Deliverer
from gainsight_dest.known import Known, Store, Told, new_owner

PEOPLE = 1_000_000
FIELDS, LINKS = 10, 2
MOST_MB = 300
AT_ONCE = 500
ROUNDS, TIMES = 7, 60
#: Of deliveries: how large the batches are, how many events a run has, and how many runs there are. They are short, so
#: that some of them are undisturbed.
DELIVERIES: tuple[tuple[int | None, int, int], ...] = ((None, 25, 30), (25, 25, 30), (500, 500, 8))
#: By how much a store may lengthen those of a day.
MOST_RATIO = 1.15
#: By how much the memory may grow from a fifth of the events to all.
FEW, MANY, MOST_GROWTH = 20_000, 100_000, 1.1
LIMITS: dict[str, Any] = {"calls_per_minute": 10**6, "calls_per_day": 10**8}  # they are counted, and never reached
TENANT = b"a tenant".ljust(16)
CHANCE = random.Random(1)  # noqa: S311 - records, no secrets

Event = dict[str, Any]
Work = Callable[[Sequence[bytes]], object]
#: So many events, of a name that no others have.
Made = Callable[[object, int], Sequence[Event]]


def told() -> Told:
    """A person with ten fields and two links."""
    fields = {CHANCE.randbytes(4): CHANCE.randbytes(8) for _ in range(FIELDS)}
    return Told(CHANCE.randbytes(8), fields, frozenset(CHANCE.randbytes(8) for _ in range(LINKS)))


def people(number: int) -> Iterator[dict[bytes, Told]]:
    """So many, some at once."""
    for _ in range(number // AT_ONCE):
        yield {CHANCE.randbytes(16): told() for _ in range(AT_ONCE)}


def fill(store: Store) -> tuple[list[bytes], float]:
    """A million people, each told once: some of them, and the CPU seconds of the store."""
    seconds, some = 0.0, []
    for at, each in enumerate(people(PEOPLE)):
        begun = time.process_time()
        store.learn(each, 1e9 + at)
        seconds += time.process_time() - begun
        some += [*each][:2]
    return some, seconds


def uses(store: Store) -> dict[str, tuple[Work, bool]]:
    """What is timed, of records that are given to it, and whether they are known."""
    lesson = told()

    def release(records: Sequence[bytes]) -> None:
        owner = new_owner()
        store.take(records, owner)
        store.release(owner)

    def give(records: Sequence[bytes]) -> None:
        owner = new_owner()
        store.take(records, owner)
        store.give(dict.fromkeys(records, lesson), owner, 1e9)

    return {
        "view": (store.view, True),
        "take and release, new": (release, False),
        "take and release, known": (release, True),
        "take and give, new": (give, False),
        "take and give, known": (give, True),
        "spend": (lambda _: store.spend(TENANT, 10**6, 10**8), True),
        "spend without a limit": (lambda _: store.spend(TENANT, None, None), True),
    }


def of_a_dict(some: Sequence[bytes]) -> dict[str, tuple[Work, bool]]:
    """The same of a value in memory."""
    known = Known().learn({record: told() for record in some[:AT_ONCE]}, 1e9)
    learnt = told()
    return {
        "a dict: view": (known.view, True),
        "a dict: learn, known": (lambda records: Known().learn(dict.fromkeys(records, learnt), 1e9), True),
        "packed and unpacked": (lambda records: [Told.unpacked(learnt.packed()) for _ in records], True),
    }


def compare(works: dict[str, tuple[Work, bool]], some: Sequence[bytes]) -> None:
    """Print the microseconds of each, for one record and for fifty."""
    print(f"  {'':26}{'1 record':>12}{'50 records':>14}{'by the clock':>14}{'':>14}   µs")
    least: dict[tuple[str, int], tuple[float, float]] = {}
    for _ in range(ROUNDS):
        for name, (work, is_known) in works.items():
            for number in (1, 50):
                given = [
                    CHANCE.sample(some, number) if is_known else [CHANCE.randbytes(16) for _ in range(number)]
                    for _ in range(TIMES)
                ]
                cpu, clock = time.process_time(), time.perf_counter()
                for records in given:
                    work(records)
                took = (time.process_time() - cpu) / TIMES * 1e6, (time.perf_counter() - clock) / TIMES * 1e6
                least[name, number] = min(least.get((name, number), took), took)
    for name in works:
        (cpu, clock), (cpu_of_fifty, clock_of_fifty) = least[name, 1], least[name, 50]
        print(f"  {name:26}{cpu:12.0f}{cpu_of_fifty:14.0f}{clock:14.0f}{clock_of_fifty:14.0f}")


def on_disk() -> bool:
    """Print what a file takes; whether it is small enough."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "known.db")
        with Known.open(path) as store:
            some, seconds = fill(store)
            print(f"SQLite {sqlite3.sqlite_version}, {PEOPLE:,} people with {FIELDS} fields and {LINKS} links each")
            compare({**uses(store), **of_a_dict(some)}, some)
        size = sum(file.stat().st_size for file in path.parent.iterdir()) / 1e6
        is_small = size <= MOST_MB
        print(f"  {size:.0f} MB, {seconds / PEOPLE * 1e6:.0f} µs to learn each; limit {MOST_MB} MB: ", end="")
        print("ok" if is_small else "MISSED")
        return is_small


def on_server(url: str) -> None:
    """Print what a server takes."""
    from redis import Redis  # noqa: PLC0415 - not everybody has it

    client = Redis.from_url(url)
    before = client.info("memory")["used_memory"]
    with Known.open(url) as store:
        some, seconds = fill(store)
        print(f"Redis {client.info('server')['redis_version']}, the same people")
        compare(uses(store), some)
        size = (client.info("memory")["used_memory"] - before) / 1e6
        print(f"  {size:.0f} MB of memory, {seconds / PEOPLE * 1e6:.0f} µs to learn each")
    client.close()


# --- deliveries -------------------------------------------------------------------------------------------------------


def new_people(name: object, number: int) -> list[Event]:
    """Identifies of people that nobody has heard of."""
    return [
        {"type": "identify", "traits": {"email": f"{name}-{n}@example.com", "firstName": "Ada", "title": "Countess"}}
        for n in range(number)
    ]


def new_companies(name: object, number: int) -> list[Event]:
    """Groups of such companies, each with a person."""
    return [
        {
            "type": "group",
            "traits": {"name": f"Company {name}-{n}", "employees": n},
            "context": {"traits": {"email": f"of-{name}-{n}@example.com"}},
        }
        for n in range(number)
    ]


def cpu_of(url: str, events: Sequence[Event], batch: int | None, known: Store | None) -> float:
    """The CPU seconds that delivering them takes."""
    with Deliverer(CONFIG, base_url=url, known=known, **LIMITS) as deliverer:
        begun = time.process_time()
        outcomes = list(deliverer.run(events, batch=batch))
        seconds = time.process_time() - begun
    assert all(outcome.status in {"delivered", "unchanged"} for outcome in outcomes)  # noqa: S101 - else it is no delivery
    return seconds


def both(url: str, made: Made, batch: int | None, known: Store, number: int, runs: int) -> tuple[float, float]:
    """The least CPU seconds of a run without a store, and with it. Each run has other events."""
    rounds = []
    for run in range(runs):
        events = made(f"{batch}-{run}", number), made(f"{batch}-{run}-known", number)
        rounds.append((cpu_of(url, events[0], batch, None), cpu_of(url, events[1], batch, known)))
    without, with_it = zip(*rounds, strict=True)
    return min(without), min(with_it)


def of_days(url: str, batch: int | None, known: Store, number: int) -> tuple[float, float]:
    """The CPU seconds of some of the second day, a run's on average, without and with it, in parts by turns."""
    first, second = calls.repeating_days()
    cpu_of(url, first, 500, known)
    without = with_it = 0.0
    parts = [second[begin : begin + number] for begin in range(0, max(750, 2 * number), number)]
    for part in parts:
        without += cpu_of(url, part, batch, None)
        with_it += cpu_of(url, part, batch, known)
    return without / len(parts), with_it / len(parts)


def in_deliveries() -> bool:
    """Print what a store adds to the CPU of a delivery; whether that is little enough, where there are days."""
    print(f"deliveries by HTTP, CPU of the delivering process, µs an event{'':9}without{'':4}with{'':3}ratio")
    are_cheap = True
    with sandbox() as url, tempfile.TemporaryDirectory() as folder:
        for batch, number, runs in DELIVERIES:
            how = "one by one" if batch is None else f"in batches of {batch}"
            with Known.open(Path(folder, f"{batch}.db")) as known:
                without, with_it = of_days(url, batch, known, number)
                are_cheap &= with_it <= MOST_RATIO * without
                told_of("a day of which much is known, " + how, without / number, with_it / number)
                for what, made in (("people of whom", new_people), ("companies of which", new_companies)):
                    least = (seconds / number for seconds in both(url, made, batch, known, number, runs))
                    told_of(f"{what} nothing is known, {how}", *least)
    print(f"  limit of the days {MOST_RATIO}: {'ok' if are_cheap else 'MISSED'}")
    return are_cheap


def told_of(what: str, without: float, with_it: float) -> None:
    """Print the seconds."""
    print(f"  {what:58}{without * 1e6:11.0f}{with_it * 1e6:8.0f}{with_it / without:8.2f}", flush=True)


# --- memory -----------------------------------------------------------------------------------------------------------

MEMORY = """
import asyncio, io, resource, sys
import requests
sys.path.insert(0, sys.argv[1])
from deliver import CONFIG
from gainsight_dest import Response
from gainsight_dest.deliver import AsyncDeliverer, Deliverer
from gainsight_dest.known import Known
from known import LIMITS

number, batch, kind = int(sys.argv[3]), int(sys.argv[4]) or None, sys.argv[5]

def events():
    for n in range(number):
        yield {"type": "identify", "messageId": f"{n}", "traits": {"email": f"p{n}@example.com", "firstName": "Ada"}}

class Answers(requests.adapters.BaseAdapter):
    def send(self, request, **_):
        answer = requests.Response()
        answer.status_code, answer.raw = 200, io.BytesIO(b'{"result": true}')
        answer.request, answer.url = request, request.url
        return answer
    def close(self): pass

async def send(_): return Response(200, b'{"result": true}')

async def run(known):
    async with AsyncDeliverer(CONFIG, send=send, known=known, workers=8, **LIMITS) as deliverer:
        async for outcome in deliverer.run(events(), batch=batch):
            pass

with Known.open(sys.argv[2]) as known:
    if kind == "async":
        asyncio.run(run(known))
    else:
        session = requests.Session()
        session.mount("https://", Answers())
        with Deliverer(CONFIG, session, known=known, workers=8, **LIMITS) as deliverer:
            for outcome in deliverer.run(events(), batch=batch):
                pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_mb(number: int, batch: int | None, kind: str) -> float:
    """The peak memory of a process that delivers so many events, with a new store."""
    with tempfile.TemporaryDirectory() as folder:
        given = (str(Path(__file__).parent), str(Path(folder, "known.db")), str(number), str(batch or 0), kind)
        done = subprocess.run([sys.executable, "-c", MEMORY, *given], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def in_memory() -> bool:
    """Print the memory of deliveries; whether it stays."""
    print(f"peak memory of a delivery with a store, MB{'':14}{FEW:,}{'':5}{MANY:,} events")
    is_flat = True
    for kind in ("threads", "async"):
        for batch in (None, 500):
            few, many = peak_mb(FEW, batch, kind), peak_mb(MANY, batch, kind)
            is_flat &= many <= MOST_GROWTH * few
            how = "one by one" if batch is None else f"in batches of {batch}"
            print(f"  {kind + ', ' + how:50}{few:10.1f}{many:12.1f}{many / few:8.2f}")
    print(f"  limit {MOST_GROWTH}: {'ok' if is_flat else 'MISSED'}")
    return is_flat


def main() -> None:
    """Print the figures."""
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    parts = {"deliveries": in_deliveries, "memory": in_memory, "uses": on_disk}
    urls = [each for each in sys.argv[1:] if each not in parts]
    chosen = [part for name, part in parts.items() if name in sys.argv or len(urls) == len(sys.argv) - 1]
    are_kept = [part() for part in chosen]
    for url in urls:
        on_server(url)
    sys.exit(0 if all(are_kept) else 1)


if __name__ == "__main__":
    main()
