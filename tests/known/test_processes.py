"""Processes that share a store: one at a time has a record, however many there are, and whenever one is killed."""

from __future__ import annotations

import random
import sys
import time
from bisect import bisect_right
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.known.places import LONGEST, OnDisk, Place, record, told
from tests.known.processes import RECORDS, finished, map_records, started

pytestmark = [
    pytest.mark.again,
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="processes are killed and forked as Unix has it"),
]

PROCESSES = 4
KILLS = 20
#: Of the tests that wait for one to end. In seconds.
LEASE = 0.3
#: What a killed process has sent may be read a moment later.
A_LITTLE = 0.1
LIMIT = 100
START_MS = 1_800_000_000_123


def test_no_two_have_a_record_at_a_time_and_all_end(shared: Place, tmp_path: Path) -> None:
    (tmp_path / "holders").write_bytes(bytes(8 * RECORDS))
    with ExitStack() as stack:
        finished(
            [
                stack.enter_context(started("take", shared.where, tmp_path / "holders", seed))
                for seed in range(PROCESSES)
            ]
        )
    assert shared.open().take(map_records([*range(RECORDS)]), 1), "nothing stays locked"


def test_all_processes_together_make_no_more_calls_than_one_may(shared: Place) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        processes = [stack.enter_context(started("spend", shared.where, 60, LIMIT)) for _ in range(PROCESSES)]
        made = sum(int(each) for each in finished(processes))
    if time.monotonic() - begun < LONGEST:  # else, it is another minute
        assert made == LIMIT
        assert shared.open().used(b"t" * 16) == LIMIT


@pytest.mark.parametrize(("per_minute", "per_day"), [(10, 10**6), (7, 60)])
def test_no_minute_and_no_day_of_all_processes_together_ever_holds_more(
    tmp_path: Path, per_minute: int, per_day: int
) -> None:
    place = OnDisk(tmp_path)
    (tmp_path / "clock").write_bytes(START_MS.to_bytes(8, "big"))
    with ExitStack() as stack:
        arguments = ("spend_for_hours", place.where, tmp_path / "clock", 40, per_minute, per_day)
        processes = [stack.enter_context(started(*arguments)) for _ in range(PROCESSES)]
        made = sorted(float(each) for printed in finished(processes) for each in printed.split())
    assert len(made) == 40 * PROCESSES
    for place_of, begin in enumerate(made):
        assert bisect_right(made, begin + 60) - place_of <= per_minute
        assert bisect_right(made, begin + 86_400) - place_of <= per_day


@pytest.mark.parametrize("kills", [2, pytest.param(KILLS, marks=pytest.mark.long)])
def test_what_a_killed_process_had_is_free_when_its_lease_has_ended_and_not_known(shared: Place, kills: int) -> None:
    store = shared.open(lease=LEASE)
    everybody = map_records([*range(50)])
    for number in range(kills):
        store.learn(dict.fromkeys(everybody, told(f"{number}")), 5)
        with started("hold", shared.where, LEASE, 50) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "taken\n"
        assert store.view(everybody) == {}
        time.sleep(LEASE + A_LITTLE)
        assert store.take(everybody, number)
        assert store.view(everybody) == {}
        store.release(number)
        assert store.view(everybody) == {}


@pytest.mark.parametrize("kills", [2, pytest.param(KILLS, marks=pytest.mark.long)])
def test_whenever_a_process_is_killed_what_is_known_was_answered(shared: Place, tmp_path: Path, kills: int) -> None:
    """Whatever it was about to do: it is killed at a moment that nobody has chosen."""
    store = shared.open(lease=LEASE)
    everybody = map_records([*range(10)])
    log = tmp_path / "log"
    for _ in range(kills):
        with started("write", shared.where, LEASE, log) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.random() / 20)  # noqa: S311 - a moment, no secret
        last = {int(number): (did, value) for did, number, value in map(str.split, log.read_text().splitlines())}
        known = store.view(everybody)
        for number, (did, value) in last.items():
            if record(number) in known:
                assert did == "answered"
                assert known[record(number)].fields == told(value).fields
        time.sleep(LEASE + A_LITTLE)
        assert store.take(everybody, 1)
        store.release(1)


@pytest.mark.parametrize("is_used", ["used", "unused"])
def test_a_fork_harms_neither_process(shared: Place, is_used: str) -> None:
    with started("fork", shared.where, is_used) as process:
        finished([process])
