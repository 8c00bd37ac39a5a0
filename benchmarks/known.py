"""What a store of what is known takes: on the disk for a million people, and of the CPU for each use of it.

    python benchmarks/known.py [redis://…]

Beside it, in the same run, a `Known`, which is a dict: what the digests and their packing take without a store. The
uses are timed in turn, so that a slow moment of the machine hits all alike; the least of the rounds is printed. With an
address, the same of that server, which should be empty: its memory, and this process's CPU. Exit status 1 if the file
is larger than it may be.
"""

from __future__ import annotations

import os
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gainsight_dest.known import Known, Store, Told, new_owner

PEOPLE = 1_000_000
FIELDS, LINKS = 10, 2
MOST_MB = 300
AT_ONCE = 500
ROUNDS, TIMES = 7, 60
TENANT = b"a tenant".ljust(16)
CHANCE = random.Random(1)  # noqa: S311 - records, no secrets

Work = Callable[[Sequence[bytes]], object]


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


def main() -> None:
    """Print the figures."""
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    is_small = on_disk()
    for url in sys.argv[1:]:
        on_server(url)
    sys.exit(0 if is_small else 1)


if __name__ == "__main__":
    main()
