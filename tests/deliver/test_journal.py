"""The journal: what it keeps, what it refuses, what it never holds."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import EventError, RejectedError
from gainsight_dest.deliver import Journal, JournalError, Outcome, Status
from gainsight_dest.deliver.journal import entries

TARGET = "https://acme.gainsightcloud.com"
EVENT = {"type": "identify", "traits": {"email": "marked@example.com"}}
DELIVERED = Outcome(0, "m", "identify", Status.DELIVERED, 2, 3, gsid="1P02")
FAILED = Outcome(1, None, None, Status.FAILED, 1, 1, RejectedError("upsert person", "no", 400, "GSOBJ_1008", "id"))
SKIPPED = Outcome(2, None, "page", Status.SKIPPED, reason="type: no")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


def test_what_was_recorded_is_found_by_the_next_run(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        assert journal.find(0, EVENT) is None
        for outcome in (DELIVERED, FAILED, SKIPPED):
            journal.add(outcome, EVENT)
    with Journal(path, TARGET) as journal:
        for outcome in (DELIVERED, FAILED, SKIPPED):
            found = journal.find(outcome.index, EVENT)
            assert found is not None
            assert found.resumed
            assert (found.status, found.error, found.gsid, found.reason, found.attempts, found.calls) == (
                *(outcome.status, outcome.error, outcome.gsid, outcome.reason),
                *(outcome.attempts, outcome.calls),
            )
        assert journal.find(3, EVENT) is None


def test_failed_events_are_taken_up_again_if_asked_even_if_they_were_mended(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        journal.add(DELIVERED, EVENT)
        journal.add(FAILED, EVENT)
    with Journal(path, TARGET, retry_failed=True) as journal:
        assert journal.find(0, EVENT) is not None
        assert journal.find(1, {**EVENT, "mended": True}) is None
        journal.add(Outcome(1, None, None, Status.DELIVERED), {**EVENT, "mended": True})
    with Journal(path, TARGET) as journal:
        assert journal.find(1, {**EVENT, "mended": True}) is not None


def test_another_event_in_the_place_of_one_is_refused(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        journal.add(DELIVERED, EVENT)
        with pytest.raises(JournalError, match="event 1 is not the one that it knows"):
            journal.find(0, {**EVENT, "traits": {}})


@pytest.mark.parametrize("event", [EventError("the line", "not JSON"), 5, None, {"a": {1, 2}}, [[]] * 3])
def test_anything_that_can_stand_for_an_event_can_be_recorded(path: Path, event: Any) -> None:
    with Journal(path, TARGET) as journal:
        journal.add(DELIVERED, event)
        assert journal.find(0, event) is not None


def test_an_event_that_no_json_can_hold_can_be_recorded(path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with Journal(path, TARGET) as journal:
        journal.add(DELIVERED, deep)
        assert journal.find(0, deep) is not None


def test_a_journal_of_a_delivery_to_elsewhere_is_refused(path: Path) -> None:
    Journal(path, TARGET).close()
    with pytest.raises(
        JournalError, match=r"is the journal of a delivery to https://acme.gainsightcloud.com, not to http"
    ):
        Journal(path, "http://127.0.0.1:8080")
    Journal(path, TARGET).close()


def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"events\n" * 1000)
    with pytest.raises(JournalError, match="cannot be used: file is not a database"):
        Journal(path, TARGET)
    assert path.read_bytes() == b"events\n" * 1000
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(JournalError, match="is a database, but no journal"):
        Journal(other, TARGET)
    with pytest.raises(JournalError, match="cannot be used: unable to open"):
        Journal(tmp_path, TARGET)
    with pytest.raises(JournalError, match="cannot be used: unable to open"):
        Journal(tmp_path / "none" / "run.db", TARGET)


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    Journal(path, TARGET).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET version = 99")
    db.close()
    with pytest.raises(JournalError, match="another version"):
        Journal(path, TARGET)


def test_two_runs_cannot_share_a_journal_and_a_killed_one_leaves_it_free(path: Path) -> None:
    with Journal(path, TARGET), pytest.raises(JournalError, match="is in use by another run"):
        Journal(path, TARGET)
    program = (
        "import os, sys; from gainsight_dest.deliver import *\n"
        "journal = Journal(sys.argv[1], sys.argv[2])\n"
        "journal.add(Outcome(0, 'm', 'identify', Status.DELIVERED), 5)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path), TARGET], check=False)
    assert done.returncode == -9
    with Journal(path, TARGET) as journal:
        assert journal.find(0, 5) is not None


def test_a_run_may_wait_for_the_one_that_has_the_journal(path: Path) -> None:
    found: list[Outcome | None] = []

    def wait() -> None:
        with Journal(path, TARGET, wait=60) as journal:
            found.append(journal.find(0, EVENT))

    waiting = threading.Thread(target=wait)
    with Journal(path, TARGET) as journal:
        waiting.start()
        journal.add(DELIVERED, EVENT)
        assert found == []
    waiting.join()
    assert [each and each.status for each in found] == [Status.DELIVERED]


def test_it_can_be_read_while_a_run_goes_on(path: Path) -> None:
    with Journal(path, TARGET, clock=lambda: 5.0) as journal:
        journal.add(FAILED, EVENT)
        (entry,) = entries(path)
    assert (entry.outcome.index, entry.outcome.error, entry.at) == (1, FAILED.error, 5.0)
    with pytest.raises(JournalError, match="there is no such journal"):
        list(entries(path.parent / "none.db"))


def test_it_holds_no_event_unless_asked(path: Path) -> None:
    for keep in (False, True):
        with Journal(path, TARGET, keep_events=keep) as journal:
            journal.add(DELIVERED, EVENT)
        assert (b"marked@example.com" in path.read_bytes()) == keep


def test_several_threads_may_write_at_once(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        threads = [
            threading.Thread(target=journal.add, args=(Outcome(n, None, None, Status.DELIVERED), n)) for n in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(journal.find(n, n) for n in range(40))


def test_it_tells_the_calls_of_late_by_how_long_they_are_ago(path: Path) -> None:
    now = [1000.0]
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        for index, (at, calls) in enumerate([(100.0, 9), (700.0, 3), (800.0, 0), (990.0, 1)]):
            now[0] = at
            journal.add(Outcome(index, None, None, Status.DELIVERED, 1, calls), EVENT)
        now[0] = 1000.0
        assert journal.calls_since(500) == [(300.0, 3), (10.0, 1)]
