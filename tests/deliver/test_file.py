"""A file delivered in one call, as a scheduler does it."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import CredentialsError, RetryableError
from gainsight_dest.deliver import EventReason, FileReport, Journal, JournalError, Patience, deliver_file
from gainsight_dest.known import Known
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.deliver.runs import LONG
from tests.some import CONFIG, FREE, SETTINGS, identify, track

CLOSURES = [track(n=n) for n in range(6)]
#: As a scheduler's retry finds them: six events, one at fault, one that is skipped.
LINES = [*map(json.dumps, CLOSURES), "{", json.dumps({"type": "page"})]
COUNTS = {"delivered": 6, "failed": 1, "skipped": 1}
QUICK: dict[str, Any] = {**FREE, "sleep": lambda _: None}


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "2026-03-02.ndjson"
    path.write_text("".join(f"{line}\n" for line in LINES), "utf8")
    return path


def run(path: Path, sandbox: Sandbox, **settings: Any) -> FileReport:
    return deliver_file(path, CONFIG, sandbox.session(), **{**QUICK, **settings})


def tickets(sandbox: Sandbox) -> list[int]:
    return sorted(event["properties"]["n"] for event in sandbox.events)


def letters(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf8").splitlines()]


def test_the_report_says_how_the_events_ended_and_why() -> None:
    reasons = EventReason("not JSON", 7, 1, "NotJSON"), EventReason("type page is skipped", 8, 2)
    report = FileReport(COUNTS, reasons[:1], reasons[1:], calls=6, waited=1.5, resumed=0)
    assert report.events == 8
    assert json.loads(json.dumps(report.as_dict())) == {
        "events": 8,
        "counts": COUNTS,
        "errors": [{"reason": "not JSON", "first": 7, "times": 1, "kind": "NotJSON"}],
        "skipped": [{"reason": "type page is skipped", "first": 8, "times": 2, "kind": None}],
        "calls": 6,
        "waited": 1.5,
        "resumed": 0,
        "is_complete": True,
    }
    assert pickle.loads(pickle.dumps(report)) == report


@pytest.mark.parametrize("batch", [None, 2, 2_000])
def test_a_file_is_delivered_and_its_dead_letters_are_written(day: Path, tmp_path: Path, batch: int | None) -> None:
    sandbox = Sandbox(CONFIG)
    report = run(day, sandbox, failed=tmp_path / "failed.ndjson", batch=batch)
    assert report.counts == COUNTS
    assert [(reason.kind, reason.first, reason.times) for reason in report.errors] == [("NotJSON", 7, 1)]
    assert [(reason.kind, reason.first, reason.times) for reason in report.skipped] == [(None, 8, 1)]
    assert (report.calls, report.resumed, report.is_complete) == (6, 0, True)
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]
    (letter,) = letters(tmp_path / "failed.ndjson")
    assert (letter["message"], letter["number"], letter["error"]["kind"]) == ("{", 7, "NotJSON")
    assert (tmp_path / "failed.ndjson").stat().st_mode & 0o077 == 0


def test_a_config_may_be_as_rudderstack_stores_it(day: Path) -> None:
    assert deliver_file(day, SETTINGS, Sandbox(CONFIG).session(), **QUICK).counts == COUNTS


FORMS = {
    "an array": lambda text: f"[{','.join(text.splitlines()[:6])}]".encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "bodies of an SDK": lambda text: json.dumps({"batch": list(map(json.loads, text.splitlines()[:6]))}).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_it_reads_what_the_command_line_reads(day: Path, form: str) -> None:
    day.write_bytes(FORMS[form](day.read_text("utf8")))
    sandbox = Sandbox(CONFIG)
    assert run(day, sandbox).counts["delivered"] == 6
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]


def test_a_wrong_key_is_raised_and_the_same_call_continues(day: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("401", calls=(3,))])
    files: dict[str, Any] = {"journal": tmp_path / "run.db", "failed": tmp_path / "failed.ndjson", "workers": 1}
    with pytest.raises(CredentialsError, match="access key"):
        run(day, sandbox, **files)
    sent = len(sandbox.events)
    assert 0 < sent < 6, "the first attempt was cut off"
    assert len(letters(tmp_path / "failed.ndjson")) > 1, "what was not sent is kept, too"

    report = run(day, sandbox, **files)
    assert (report.counts, report.resumed) == (COUNTS, sent + 2), "what failed or was skipped is known, too"
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5], "none was sent twice"
    assert [letter["number"] for letter in letters(tmp_path / "failed.ndjson")] == [7]


def test_a_tenant_that_answers_no_call_is_an_error_that_may_pass(day: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("503")])
    with pytest.raises(RetryableError, match="503"):
        deliver_file(day, CONFIG, sandbox.session(), **FREE, sleep=lambda _: None, silence=60.0, clock=ticking())
    assert sandbox.events == []


def ticking() -> Any:
    """A clock on which each look takes ten seconds."""
    moments = iter(range(0, 10**9, 10))
    lock = threading.Lock()

    def now() -> float:
        with lock:
            return float(next(moments))

    return now


def test_an_event_that_the_journal_has_with_a_wrong_key_ends_no_later_run(day: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("401", calls=(1,))])
    with pytest.raises(CredentialsError):
        run(day, sandbox, journal=tmp_path / "run.db")
    assert run(day, sandbox, journal=tmp_path / "run.db").counts == COUNTS


def test_failed_events_of_a_journal_are_sent_again_on_request(day: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("result-false", calls=(1,))])
    first = run(day, sandbox, journal=tmp_path / "run.db", keep_events=True)
    assert first.counts == {"delivered": 5, "failed": 2, "skipped": 1}
    again = run(day, sandbox, journal=tmp_path / "run.db", retry_failed=True)
    assert (again.counts, again.calls) == (COUNTS, 1)


def test_calls_of_an_earlier_run_count_for_the_day(day: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG)
    run(day, sandbox, journal=tmp_path / "run.db")
    day.write_text(day.read_text("utf8") + json.dumps(track(n=6)) + "\n", "utf8")
    waited: list[float] = []
    limits = {"calls_per_minute": None, "calls_per_day": 6, "sleep": waited.append}
    report = run(day, sandbox, journal=tmp_path / "run.db", **limits)
    assert (report.calls, tickets(sandbox)[-1]) == (1, 6)
    assert sum(waited) > 3_600
    assert report.waited > 3_600


@pytest.mark.parametrize("is_open", [True, False])
def test_what_the_store_knows_is_not_sent(tmp_path: Path, *, is_open: bool) -> None:
    day, where = tmp_path / "day.ndjson", tmp_path / "known.db"
    day.write_text(json.dumps(identify(firstName="Ada")) + "\n", "utf8")
    sandbox = Sandbox(CONFIG)
    with Known.open(where) as store:
        for counts in ({"delivered": 1}, {"unchanged": 1}):
            assert run(day, sandbox, known=store if is_open else where).counts == counts
    assert len(sandbox.people) == 1


def test_a_last_line_that_is_not_complete_is_left_for_the_next_run(day: Path, tmp_path: Path) -> None:
    whole = json.dumps(track(n=6))
    day.write_text("\n".join([*LINES[:6], whole[:20]]), "utf8")
    sandbox = Sandbox(CONFIG)
    report = run(day, sandbox, journal=tmp_path / "run.db")
    assert (report.counts, report.is_complete) == ({"delivered": 6, "not tried": 1}, False)
    day.write_text("\n".join([*LINES[:6], whole]) + "\n", "utf8")
    assert run(day, sandbox, journal=tmp_path / "run.db").is_complete
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5, 6]


def test_a_file_that_breaks_off_counts_as_a_failure_without_a_dead_letter(day: Path, tmp_path: Path) -> None:
    day.write_bytes(gzip.compress("\n".join([*LINES[:6], ""]).encode())[:-9])
    report = run(day, Sandbox(CONFIG), failed=tmp_path / "failed.ndjson")
    assert report.counts["failed"] == 1
    assert [reason.reason for reason in report.errors] == [
        "the file cannot be read from here on: its gzip data ends too early"
    ]
    assert letters(tmp_path / "failed.ndjson") == []


def test_what_is_odd_of_the_file_is_logged(day: Path, caplog: pytest.LogCaptureFixture) -> None:
    day.write_bytes(gzip.compress(day.read_bytes()) + b"padding")
    with caplog.at_level(logging.WARNING, "gainsight_dest.deliver"):
        run(day, Sandbox(CONFIG))
    assert [record.getMessage() for record in caplog.records] == [
        f"{day}: what follows the gzip data is not gzip data, and was ignored"
    ]


def test_a_file_of_another_kind_says_how_to_make_events_of_it(day: Path) -> None:
    day.write_text("email,plan\nada@example.com,gold\n", "utf8")
    with pytest.raises(ValueError, match="is a table, CSV, not JSON in UTF-8"):
        run(day, Sandbox(CONFIG))


def test_what_cannot_be_read_or_written_is_an_error_of_the_system(day: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "none.ndjson", Sandbox(CONFIG))
    with pytest.raises(IsADirectoryError):
        run(day, Sandbox(CONFIG), failed=tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_dead_letter_that_cannot_be_written_ends_the_run_and_the_journal_has_all(day: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG)
    with pytest.raises(OSError, match="No space left"):
        run(day, sandbox, journal=tmp_path / "run.db", failed="/dev/full")
    assert run(day, sandbox, journal=tmp_path / "run.db").counts == COUNTS
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "what"),
    [("2026-03-02.ndjson", "file of the events"), ("run.db", "journal"), ("known.db", "store of what is known")],
)
def test_dead_letters_are_written_over_no_file_of_the_run(day: Path, tmp_path: Path, name: str, what: str) -> None:
    before = day.read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / name)
    files = {"journal": tmp_path / "run.db", "known": tmp_path / "known.db"}
    with pytest.raises(ValueError, match=f"link is the {what}: name another file for failed"):
        run(day, Sandbox(CONFIG), failed=os.fspath(tmp_path / "link"), **files)
    assert day.read_bytes() == before


def test_a_store_that_is_open_goes_with_dead_letters(day: Path, tmp_path: Path) -> None:
    with Known.open(tmp_path / "known.db") as store:
        assert run(day, Sandbox(CONFIG), known=store, failed=tmp_path / "failed.ndjson").counts == COUNTS


def test_another_file_at_the_same_journal_is_refused(day: Path, tmp_path: Path) -> None:
    run(day, Sandbox(CONFIG), journal=tmp_path / "run.db")
    day.write_text(json.dumps(track(n=7)) + "\n", "utf8")
    with pytest.raises(JournalError):
        run(day, Sandbox(CONFIG), journal=tmp_path / "run.db")


def test_an_end_that_was_asked_for_before_sends_nothing(day: Path) -> None:
    stop = threading.Event()
    stop.set()
    sandbox = Sandbox(CONFIG)
    report = run(day, sandbox, stop=stop)
    assert (report.events, report.is_complete, sandbox.events) == (0, False, [])


class Looked(threading.Event):
    """Says, too, when another thread than this one has looked at it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_been = threading.Event()
        self._mine = threading.current_thread()

    def is_set(self) -> bool:
        if threading.current_thread() is not self._mine:
            self.has_been.set()
        return super().is_set()


def with_each_call(sandbox: Sandbox, act: Callable[[], object]) -> Any:
    """A session that does that before each call."""
    session = sandbox.session()
    send = session.send
    session.send = lambda *each, **more: (act(), send(*each, **more))[1]  # type: ignore[method-assign]
    return session


def test_one_that_nobody_asks_for_changes_nothing(day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainsight_dest.deliver.file._LOOK", 0.001)
    stop = Looked()
    session = with_each_call(Sandbox(CONFIG), lambda: stop.has_been.wait(LONG))
    report = deliver_file(day, CONFIG, session, stop=stop, workers=1, **QUICK)
    assert (report.counts, report.is_complete) == (COUNTS, True)


def test_an_end_that_is_asked_for_ends_a_long_wait_and_the_same_call_continues(
    day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real clock: a wait of a day for the budget ends."""
    monkeypatch.setattr("gainsight_dest.deliver.driver._NAP", 0.01)
    stop, sandbox = threading.Event(), Sandbox(CONFIG)
    session = with_each_call(sandbox, stop.set)
    with Journal(tmp_path / "run.db", "https://acme.gainsightcloud.com"):
        pass
    report = deliver_file(
        day, CONFIG, session, journal=tmp_path / "run.db", stop=stop, calls_per_minute=1, calls_per_day=1, workers=1
    )
    assert (report.is_complete, len(sandbox.events)) == (False, 1)
    assert report.counts["not tried"] >= 1
    assert run(day, sandbox, journal=tmp_path / "run.db").counts == COUNTS
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]


def test_patience_and_all_else_of_a_deliverer_may_be_set(day: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("503", calls=(1,))])
    report = run(day, sandbox, patience=Patience(attempts=1), workers=1)
    assert report.counts == {"delivered": 5, "failed": 2, "skipped": 1}
    with pytest.raises(TypeError, match="worker"):
        run(day, sandbox, worker=3)


def test_a_table_is_delivered_by_the_kind_of_its_rows(tmp_path: Path) -> None:
    table, sandbox = tmp_path / "contacts.csv", Sandbox()
    table.write_text("Work Mail,Account\nada@example.com,Acme\nbo@example.com\n", "utf8")
    names = {"Work Mail": "email", "Account": "company.name"}
    report = run(table, sandbox, kind="identify,group", names=names)
    assert report.counts == {"delivered": 2, "failed": 1}
    assert report.errors[0].reason == "row 2 (line 3) has 1 cell, and the header has 2"
    assert [company["Name"] for company in sandbox.companies] == ["Acme"]
    with pytest.raises(ValueError, match="none has the person's email"):
        run(table, sandbox, kind="identify")
