"""What is told of a delivery where nobody watches it."""

from __future__ import annotations

import io
import json
import logging
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest.cli import progress
from gainsight_dest.cli.files import WrongInputError, check_replaceable, write_whole
from gainsight_dest.cli.progress import (
    JsonFormatter,
    Look,
    ProgressLog,
    known_events,
    metrics,
)
from gainsight_dest.deliver import Waiting
from gainsight_dest.deliver.flow import Trouble
from gainsight_dest.outcome import Fault

LOOK = Look(
    {
        "identify": Counter({"events": 1200, "delivered": 1190, "failed": 6, "not tried": 4, "calls": 600}),
        "page": Counter({"events": 2, "skipped": 2}),
    },
    seconds=90,
    calls=601,
    waited=12.34,
    resumed=598,
    share=0.25,
    waiting=Waiting(0.0, "no answer\x1b in time"),
    troubles={"ThrottledError": Trouble("upsert person: too many calls (HTTP 429)", 3)},
)


class Clock:
    """A clock that goes as it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, progress.log.name)
    return caplog


# --- how far it has come ----------------------------------------------------------------------------------------------


def test_a_look_counts_what_is_through_and_the_pace_of_this_run() -> None:
    assert LOOK.as_dict() == {
        "delivered": 1190,
        "unchanged": 0,
        "failed": 6,
        "skipped": 2,
        "not_tried": 4,
        "resumed": 598,
        "share": 0.25,
        "seconds": 90,
        "events_per_minute": 400.0,  # 1202, but 598 of the journal's and 4 that were not tried, in a minute and a half
        "calls": 601,
        "seconds_waited": 12.34,
        "waiting": {"until": "1970-01-01T00:00:00.000Z", "reason": "no answer\x1b in time"},
    }


def test_a_look_is_a_line_without_what_steers_a_terminal() -> None:
    words = LOOK.words()
    assert words.startswith(
        "1,190 delivered, 6 failed, 2 skipped, 4 not tried, 25% of the file; "
        "1 min 30 s, 400 events a minute, 601 calls, 12 s of waiting; waiting until "
    )
    assert words.endswith(": no answer\\u001b in time")


def test_a_look_at_nothing_yet_tells_of_zeros() -> None:
    look = Look({}, seconds=0, calls=1, waited=0)
    assert look.words() == "0 delivered, 0 failed; 0 s, 0 events a minute, 1 call, 0 s of waiting"
    assert (look.as_dict()["share"], look.as_dict()["waiting"]) == (None, None)


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"", 0), (b"{}\n{}\n", 2), (b"[{}, {}, {}]", 3), (b"{}\n{oops\n", 2), (b"\xff\xfe{\x00", None)],
)
def test_the_events_of_a_short_file_are_counted_and_it_is_still_read_from_its_beginning(
    data: bytes, number: int | None, tmp_path: Path
) -> None:
    (tmp_path / "events").write_bytes(data)
    with open(str(tmp_path / "events"), "rb") as file:  # noqa: PTH123 - its name is a text, as where a command opens it
        assert known_events(file) == number
        assert file.read() == data


def test_the_events_of_a_long_file_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_COUNTED", 5)
    (tmp_path / "events").write_bytes(b"{}\n{}\n")
    with (tmp_path / "events").open("rb") as file:
        assert known_events(file) is None


# --- what is told when ------------------------------------------------------------------------------------------------


def test_the_first_fault_of_each_kind_is_told_and_no_other(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    watch = ProgressLog(lambda: LOOK, clock=clock)
    for number in (7, 8):
        watch.fault(Fault("EventError", "x", "x: is wrong"), number)
        watch.fault(Fault("RejectedError", None, "refused"), number + 1000)
        watch.see()
    assert log.messages == [
        "event 7 failed: EventError: x: is wrong",
        "event 1,007 failed: RejectedError: refused",
        "a call failed and is tried again: ThrottledError: upsert person: too many calls (HTTP 429)",
    ]
    assert {record.levelname for record in log.records} == {"WARNING"}


def test_a_call_that_fails_and_an_event_that_has_are_two_things(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    watch = ProgressLog(lambda: LOOK, clock=clock)
    watch.see()
    watch.fault(Fault("ThrottledError", None, "too many"), 3)
    assert len(log.records) == 2


def test_each_minute_it_is_told_how_far_it_has_come(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    watch = ProgressLog(lambda: attrs.evolve(LOOK, troubles={}), clock=clock)
    counts = []
    for _ in range(150):
        watch.see()
        counts.append(len(log.records))
        clock.now += 1
    assert [counts[at] for at in (0, 59, 60, 119, 120, 149)] == [0, 0, 1, 1, 2, 2]
    assert log.messages == [LOOK.words()] * 2
    record: Any = log.records[0]
    assert (record.about, record.facts) == ("progress", LOOK.as_dict())


def test_metrics_are_written_each_quarter_of_a_minute_and_each_look_is_told_of(clock: Clock, tmp_path: Path) -> None:
    file, seen = tmp_path / "m.prom", list[Look]()
    watch = ProgressLog(lambda: LOOK, str(file), seen.append, clock)
    written = []
    for _ in range(40):
        watch.see()
        written.append(file.exists())
        file.unlink(missing_ok=True)
        clock.now += 1
    assert [at for at, is_there in enumerate(written) if is_there] == [15, 30]
    assert seen == [LOOK] * 40


def test_metrics_that_cannot_be_written_are_told_of_once(
    clock: Clock, log: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    file = tmp_path / "gone" / "m.prom"
    watch = ProgressLog(lambda: LOOK, str(file), clock=clock)
    watch.write(LOOK)
    watch.write(LOOK)
    assert log.messages == [f"{file} cannot be written: No such file or directory"]


def test_a_thread_sees_to_it_while_it_is_open(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(progress, "_LOOKS", 0.001)
    looks = 0

    def look() -> Look:
        nonlocal looks
        looks += 1
        return LOOK

    watch = ProgressLog(look, clock=clock)
    with watch:
        while looks < 3:
            pass
    assert not watch._thread.is_alive()


# --- the log ----------------------------------------------------------------------------------------------------------


def test_a_line_of_json_has_the_words_and_the_facts_and_nothing_that_steers_a_terminal() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s", ("it \x1b[31m failed\n",), None)
    record.created = 0.5
    record.about, record.facts = "fault", {"reason": "\x9b\u202e", "event": 3}
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "warning",
        "about": "fault",
        "message": "it \x1b[31m failed\n",
        "reason": "\x9b\u202e",
        "event": 3,
    }


def test_a_line_of_another_log_is_about_a_call() -> None:
    record = logging.LogRecord("x", logging.DEBUG, "", 0, "PUT %s", ("/v1.0/api/people",), None)
    assert json.loads(JsonFormatter().format(record))["about"] == "call"


# --- metrics ----------------------------------------------------------------------------------------------------------


def samples(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_metrics_tell_all_of_a_look() -> None:
    found = samples(metrics(LOOK, now=1_000.0))
    assert {name.removeprefix("gainsight_dest_deliver_"): value for name, value in found.items()} == {
        'events_total{type="identify",status="delivered"}': "1190",
        'events_total{type="identify",status="unchanged"}': "0",
        'events_total{type="identify",status="failed"}': "6",
        'events_total{type="identify",status="skipped"}': "0",
        'events_total{type="identify",status="not tried"}': "4",
        'events_total{type="page",status="delivered"}': "0",
        'events_total{type="page",status="unchanged"}': "0",
        'events_total{type="page",status="failed"}': "0",
        'events_total{type="page",status="skipped"}': "2",
        'events_total{type="page",status="not tried"}': "0",
        "resumed_events_total": "598",
        "calls_total": "601",
        'failed_calls_total{kind="ThrottledError"}': "3",
        "waited_seconds_total": "12.34",
        "waiting": "1",
        "running": "1",
        "started_timestamp_seconds": "910",
        "updated_timestamp_seconds": "1000",
    }
    ended = samples(metrics(attrs.evolve(LOOK, waiting=None), now=1_000.0, status=143))
    names = ("exit_status", "running", "waiting")
    assert [ended[f"gainsight_dest_deliver_{name}"] for name in names] == ["143", "0", "0"]


def test_metrics_are_what_prometheus_reads_whatever_a_type_is() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    types = ['a "quoted" \\ type', "two\nlines", "\x1b[31m", "\ud800", "日本", 'x"} 1\nforged{a="']
    look = Look({name: Counter({"events": 1, "failed": 1}) for name in types}, seconds=1, calls=1, waited=0)
    text = metrics(look, now=2.0)
    text.encode()
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert all(name.startswith("gainsight_dest_deliver_") for name in families)
    failed = [each for each in families["gainsight_dest_deliver_events"].samples if each.labels["status"] == "failed"]
    assert [each.value for each in failed] == [1.0] * len(types)
    assert [each.labels["type"] for each in failed] == [
        'a "quoted" \\ type', "two\\nlines", "\\u001b[31m", "\\ud800", "日本", 'x"} 1\\nforged{a="'
    ]  # fmt: skip


def test_types_beyond_the_most_are_counted_together_and_none_changes_its_label_meanwhile() -> None:
    types = {f"type {number}": Counter({"events": 1, "skipped": 1}) for number in range(40)}
    found = samples(metrics(Look(types, seconds=1, calls=0, waited=0), now=0))
    skipped = {name: value for name, value in found.items() if 'status="skipped"' in name}
    assert len(skipped) == 31
    assert skipped['gainsight_dest_deliver_events_total{type="(other)",status="skipped"}'] == "10"
    assert skipped['gainsight_dest_deliver_events_total{type="type 0",status="skipped"}'] == "1"


@pytest.mark.parametrize(("for_all", "mode"), [(True, 0o644), (False, 0o600)])
def test_the_file_is_whole_and_readable_by_all_if_it_is_for_all_and_nothing_is_left_beside_it(
    *, for_all: bool, mode: int, tmp_path: Path
) -> None:
    file = tmp_path / "m.prom"
    for text in ("one\n", "two\n"):
        write_whole(str(file), text, for_all=for_all)
        assert file.read_text() == text
        assert stat.S_IMODE(file.stat().st_mode) == mode
    assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]


def test_a_file_that_cannot_be_replaced_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "m.prom").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(str(tmp_path / "m.prom"), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "needs a name"),
        (".", "it is not a file"),
        ("none/m.prom", "there is no such folder"),
        ("file/m.prom", "Not a directory"),
        ("a\0b", "no such name"),
    ],
)
def test_a_place_where_metrics_cannot_be_is_known_at_once(
    name: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(WrongInputError, match=problem):
        check_replaceable(name)
    check_replaceable("file")
    check_replaceable("new")


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    before = progress.log.level
    yield
    assert progress.log.level in {before, logging.INFO}


def test_lines_go_to_standard_error_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with progress.logging_on_stderr("json", progress=True, calls=True):
        progress.tell("start", "begun", events=3)
        logging.getLogger("gainsight_dest.deliver").debug("a call")
    progress.tell("start", "too late")
    logging.getLogger("gainsight_dest.deliver").debug("too late")
    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert [(line["about"], line["message"], line.get("events")) for line in lines] == [
        ("start", "begun", 3),
        ("call", "a call", None),
    ]


def test_what_nobody_asked_for_is_told_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with progress.logging_on_stderr("text", progress=False, calls=False):
        progress.tell("fault", "a fault", logging.WARNING)
    assert stderr.getvalue() == ""
