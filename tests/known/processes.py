"""What processes of the tests do with a store that they share. `python -m tests.known.processes JOB WHERE …`."""

from __future__ import annotations

import mmap
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gainsight_dest
from gainsight_dest.known import new_owner
from tests.known.places import LONGEST, opened, record, told

ROOT = Path(__file__).parents[2]
#: Records that are taken, and the most at once.
RECORDS, AT_ONCE = 120, 50
ROUNDS = 40


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that does one of the jobs below. It is killed in the end."""
    command = [sys.executable, "-m", "tests.known.processes", *map(str, arguments)]
    # The library that the tests test, wherever they are run from.
    folders = [str(ROOT), str(Path(gainsight_dest.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What they have printed. They must end well, and in time."""
    printed = []
    for process in processes:
        printed.append(process.communicate(timeout=LONGEST)[0])
        assert process.returncode == 0
    return printed


def say(what: object) -> None:
    """To the test, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def take(where: str, holders: str, seed: str) -> None:
    """Take records again and again. Who has one is written down where all processes see it."""
    chance = random.Random(seed)  # noqa: S311 - a choice, no secret
    with opened(where) as store, Path(holders).open("r+b") as file, mmap.mmap(file.fileno(), 0) as seen:
        for _ in range(ROUNDS):
            owner = new_owner()
            wanted = chance.sample(range(RECORDS), chance.randint(1, AT_ONCE))
            while not store.take(map_records(wanted), owner):
                time.sleep(chance.random() / 500)
            for each in wanted:
                place = slice(8 * each, 8 * each + 8)
                assert seen[place] == bytes(8), "nobody has it"
                seen[place] = owner.to_bytes(8, "big")
            assert store.view(map_records(wanted)) == {}
            for each in wanted:
                place = slice(8 * each, 8 * each + 8)
                assert seen[place] == owner.to_bytes(8, "big"), "nobody else has taken it"
                seen[place] = bytes(8)
            if chance.random() < 0.2:
                store.release(owner)
            else:
                store.give({record(each): chance.choice([None, told(f"{each}")]) for each in wanted}, owner, 5)


def map_records(numbers: list[int]) -> list[bytes]:
    return [record(each) for each in numbers]


def spend(where: str, calls: str, per_minute: str) -> None:
    """Ask for so many calls; print how many there were."""
    with opened(where) as store:
        say(sum(store.spend(b"t" * 16, int(per_minute), None) == 0 for _ in range(int(calls))))


def spend_for_hours(where: str, clock: str, calls: str, per_minute: str, per_day: str) -> None:
    """Make so many calls, by a clock that all processes share and set forward when they wait; print when each was."""
    read: list[float] = []
    with Path(clock).open("r+b") as file, mmap.mmap(file.fileno(), 0) as shown:

        def now() -> float:
            read.append(int.from_bytes(shown[:8], "big") / 1000)
            return read[-1]

        with opened(where, clock=now) as store:
            for _ in range(int(calls)):
                while wait := store.spend(b"t" * 16, int(per_minute), int(per_day)):
                    later = round((read[-1] + wait) * 1000)
                    if later > int.from_bytes(shown[:8], "big"):
                        shown[:8] = later.to_bytes(8, "big")
                say(read[-1])


def hold(where: str, lease: str, numbers: str) -> None:
    """Take so many records, say so, and never give them back."""
    with opened(where, lease=float(lease)) as store:
        assert store.take(map_records([*range(int(numbers))]), new_owner())
        say("taken")
        signal.pause()


def write(where: str, lease: str, log: str) -> None:
    """Write records again and again; what was sent and what was answered stands in a log, whenever it is killed."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    chance = random.Random(os.getpid())  # noqa: S311 - a choice, no secret
    with opened(where, lease=float(lease)) as store:
        say("ready")
        while True:
            wanted, owner, value = chance.sample(range(10), 3), new_owner(), f"{chance.randrange(10**8)}"
            if not store.take(map_records(wanted), owner):
                continue
            os.write(file, "".join(f"sent {each} {value}\n" for each in wanted).encode())
            os.write(file, "".join(f"answered {each} {value}\n" for each in wanted).encode())
            store.give(dict.fromkeys(map_records(wanted), told(value)), owner, 5)


def fork(where: str, is_used: str) -> None:
    """Fork while the store is open, and while threads use it: both processes go on with it, and so does a third."""
    store, is_over = opened(where), threading.Event()

    def use() -> None:
        owner = new_owner()
        while not is_over.is_set():
            assert store.take([record(1)], owner)
            store.give({record(1): told()}, owner, 5)

    threads = [threading.Thread(target=use)] if is_used == "used" else []
    for thread in threads:
        thread.start()
    children = []
    for number in range(10, 16):
        child = os.fork()
        if child == 0:
            store.learn({record(number): told()}, 5)
            os._exit(0 if store.take([record(number)], number) else 1)
        children.append(child)
        assert store.take([record(number + 50)], number)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    is_over.set()
    for thread in threads:
        thread.join()
    with opened(where) as third:
        assert not any(third.take([record(number)], 1) for number in (*range(10, 16), *range(60, 66)))
        store.close()
        assert third.take([record(2)], 1)
        third.release(1)


JOBS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (take, spend, spend_for_hours, hold, write, fork)
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](*sys.argv[2:])
