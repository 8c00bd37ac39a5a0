"""The journal: what it keeps, what it refuses, what it never holds."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import EventError, RejectedError
from gainsight_dest.deliver import Journal, JournalError, Outcome, Status
from gainsight_dest.deliver.journal import entries
from tests.deliver.journals import TARGET, killed_after

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
        assert journal.find(1, {**EVENT, "fixed": True}) is None
        journal.add(Outcome(1, None, None, Status.DELIVERED), {**EVENT, "fixed": True})
    with Journal(path, TARGET) as journal:
        assert journal.find(1, {**EVENT, "fixed": True}) is not None


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
        for at, calls in [(100.0, 9), (700.25, 2), (700.75, 1), (998.5, 1)]:
            now[0] = at
            for _ in range(calls):
                journal.called()
        now[0] = 1000.0
        assert journal.calls_since(500) == [(299.0, 3), (1.0, 1)]
        assert journal.calls_since(0.5) == []
        now[0] = 998.75  # within the second of the last
        assert journal.calls_since(500) == [(297.75, 3), (0.0, 1)]


def test_every_call_counts_also_of_events_that_failed_and_were_sent_again(path: Path) -> None:
    now = [1000.0]
    for status in (Status.FAILED, Status.DELIVERED):
        with Journal(path, TARGET, retry_failed=True, clock=lambda: now[0]) as journal:
            assert journal.find(0, EVENT) is None
            journal.called()
            journal.add(Outcome(0, None, None, status, 1, 1), EVENT)
        now[0] += 10
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        assert journal.calls_since(60) == [(19.0, 1), (9.0, 1)]


def test_a_kill_loses_no_call_that_was_made(path: Path) -> None:
    killed_after(path, "for _ in range(30): journal.called()")
    with Journal(path, TARGET) as journal:
        assert sum(calls for _, calls in journal.calls_since(86_400)) == 30


def test_several_threads_may_call_at_once(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        threads = [threading.Thread(target=journal.called) for _ in range(80)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(calls for _, calls in journal.calls_since(86_400)) == 80


def test_calls_of_more_than_a_day_and_an_hour_ago_are_forgotten_also_while_it_is_open(path: Path) -> None:
    now = [0.0]
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        for now[0], known in [(0.0, 1), (1000.0, 2), (90_000.0, 3), (93_700.0, 2)]:
            journal.called()
            assert len(journal.calls_since(10**9)) == known
    now[0] = 10.0**6
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        assert journal.calls_since(10**9) == []


def test_calls_of_a_time_to_come_were_made_by_now_as_the_clock_was_set_back(path: Path) -> None:
    now = [10_000.0]
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        journal.called()
        now[0] = 9_000.0
        journal.called()
        assert journal.calls_since(60) == [(0.0, 1), (0.0, 1)]
    now[0] = 5_000.0
    with Journal(path, TARGET, clock=lambda: now[0]) as journal:
        assert journal.calls_since(60) == [(0.0, 2)]
        now[0] = 5_070.0  # and so they are forgotten, too
        assert journal.calls_since(60) == []


@pytest.mark.parametrize("text", ["half an emoji \ud83d", "\0 within", "日本", ""])
def test_any_text_can_be_recorded(path: Path, text: str) -> None:
    error = RejectedError("upsert person", text, 400, text, text)
    outcome = Outcome(0, text, text, Status.FAILED, 1, 1, error, text, text)
    with Journal(path, TARGET) as journal:
        journal.add(outcome, {"messageId": text})
        found = journal.find(0, {"messageId": text})
    assert found == attrs.evolve(outcome, resumed=True)
    assert [entry.outcome for entry in entries(path)] == [found]
