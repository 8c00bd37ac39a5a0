"""`gainsight-dest plan`."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import CONFIG, EVENTS, LONGEST, ROOT, Done, ndjson, run, started, wrong_use
from tests.some import ADA, SETTINGS, Event, group, identify, track

DESTINATION = {"Config": SETTINGS}


def at(time: str, event: Event) -> Event:
    return {**event, "timestamp": f"2026-03-02T{time}Z"}


DAY = [
    at("00:00:00", identify()),
    at("00:00:30", identify()),
    at("00:30:00", group("Lovelace Ltd")),
    at("12:00:00", track()),
    at("23:00:00", identify("grace@example.com")),
]


def planned(*arguments: object, events: bytes | None = None) -> Done:
    return run("plan", "-", *arguments, stdin=ndjson(*DAY) if events is None else events)


def data_of(done: Done) -> Any:
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def calls(done: Done) -> dict[str, int]:
    """Of a day, at most, by the way."""
    return {way["name"]: way["high"] for way in data_of(done)["ways"]}


def test_what_a_day_costs_is_told_for_people(tmp_path: Path) -> None:
    path = tmp_path / "destination.json"
    path.write_text(json.dumps(DESTINATION))
    done = planned("--config", path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [line.rstrip() for line in done.stdout.decode().splitlines()] == [
        "",
        "type       events   sent   skipped   errors",
        "───────────────────────────────────────────",
        "identify        3      3         0        0",
        "group           1      1         0        0",
        "track           1      1         0        0",
        "",
        "all             5      5         0        0",
        "",
        "windows of      people   companies   calls   with --known   take   fits",
        "───────────────────────────────────────────────────────────────────────",
        "(one by one)                             7              6    4 s   yes",
        "a minute             3           1       6              6    4 s   yes",
        "10 minutes           3           1       6              6    4 s   yes",
        "an hour              2           1       5              5    3 s   yes",
        "a day                2           1       5              5    3 s   yes",
        "(all at once)        2           1       5              5    3 s   yes",
        "",
        "From 2026-03-02 00:00:00 to 2026-03-02 23:00:00 UTC: 23 h.",
        "",
        "Fits: 1 of 100 calls a minute and 5 of 50,000 calls a day in windows of an hour. So does one by one.",
        "",
        "With --known, 1 of 4 identify and group events cost no call: they say nothing new.",
    ]


def test_the_plan_is_one_object_as_json() -> None:
    unmapped = at("12:00:00", track("Closed"))
    done = planned("--format", "json", "--config", CONFIG, events=ndjson(*DAY[:3], unmapped, *DAY[4:]))
    assert done.returncode == 0
    data = data_of(done)
    assert data["events"] == {"all": 5, "identify": 3, "group": 1, "track": 0, "skipped": 0, "at fault": 1}
    assert data["limits"] == {"calls_per_minute": 100, "calls_per_day": 50_000}
    assert (data["fit"], data["shortest"], data["window"], data["with_config"]) == ("yes", "one by one", 3600, True)
    assert 'ConfigError   eventNameMap: has no row for the event "Closed"' in done.stderr.decode()


def test_the_examples_are_told_to_the_last() -> None:
    done = run("plan", EVENTS, "--config", CONFIG)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "all            78     51         5       22" in text
    assert "an hour             22          13      43             41   26 s   yes" in text
    assert "say nothing new" not in text


def test_the_page_on_sizing_shows_what_it_prints() -> None:
    printed = [line.rstrip() for line in run("plan", EVENTS, "--config", CONFIG).stdout.decode().splitlines()]
    page = (ROOT / "docs/explanation/sizing.md").read_text("utf8")
    shown = re.search(r"```text\n(type .*?)\n```", page, re.DOTALL)
    assert shown is not None
    lines = [line for line in shown[1].splitlines() if "…" not in line]
    assert [line for line in lines if line not in printed] == []
    assert len(lines) > 20


def test_times_are_read_in_any_form_and_one_that_cannot_be_read_is_told_without_what_steers_a_terminal() -> None:
    times: list[Any] = ["2026-03-02 00:00:00 UTC", 1_772_409_600, "1772409600000", "02/03/2026 \x1b[2J", 7]
    events = ndjson(*({**identify(), "timestamp": time} for time in times))
    printed = " ".join(planned(events=events).stdout.decode().split())
    assert (
        r'2 events have a time that cannot be read, such as timestamp "02/03/2026 \u001b[2J". Such an event' in printed
    )
    assert "From 2026-03-02 00:00:00 to 2026-03-02 00:00:00 UTC" in printed
    data = data_of(planned("--format", "json", events=events))
    assert data["unread"] == {"events": 2, "example": r'timestamp "02/03/2026 \u001b[2J"'}
    assert data_of(planned("--format", "json"))["unread"] == {"events": 0, "example": None}
    assert "cannot be read" not in planned().stdout.decode()


def test_without_a_config_every_track_event_counts() -> None:
    done = planned("--format", "json", events=ndjson(at("00:00:00", track("Anything"))))
    assert calls(done)["one by one"] == 1
    assert data_of(done)["with_config"] is False
    assert "No config: all track events are counted." in planned().stdout.decode()
    assert "No config" not in planned(events=ndjson(*DAY[:3])).stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "fit"),
    [
        (("--calls-per-day", 5), 0, "yes"),
        (("--calls-per-day", 4), 1, "no"),
        (("--calls-per-day", 5, "--window", "10m"), 1, "no"),
        (("--calls-per-day", 10, "--budget", "50%"), 0, "yes"),
        (("--calls-per-day", 10, "--budget", "49.9%"), 1, "no"),
        (("--events-a-day", 100, "--calls-per-day", 100), 0, "yes"),
        (("--events-a-day", 100, "--calls-per-day", 99), 1, "perhaps"),
        (("--events-a-day", 1_000_000), 1, "no"),
        (("--events-a-day", 1_000_000, "--calls-per-day", 0, "--calls-per-minute", 0), 0, "yes"),
    ],
)
def test_the_exit_status_says_whether_it_fits(arguments: tuple[object, ...], status: int, fit: str) -> None:
    done = planned("--format", "json", *arguments)
    assert (done.returncode, data_of(done)["fit"]) == (status, fit)


def test_zero_calls_stand_for_no_limit() -> None:
    assert data_of(planned("--format", "json", "--calls-per-minute", 0))["limits"] == {
        "calls_per_minute": None,
        "calls_per_day": 50_000,
    }
    text = planned("--calls-per-minute", 0, "--calls-per-day", 0).stdout.decode()
    assert "Fits: 5 calls a day in windows of an hour, and no limit is set." in text
    assert "an hour              2           1       5              5          yes" in text


def test_a_day_of_more_events_is_told_as_calls_a_day() -> None:
    text = planned("--events-a-day", 5_000).stdout.decode()
    assert "windows of      people   companies      calls a day   with --known          take   fits" in text
    assert "an hour              2           1   1,005 to 3,088          3,088   30 min 53 s   yes" in text
    assert "Of two figures, the first is for more events of the same people" in text


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1800), ("2h", 7200), ("1d", 86_400), ("86400s", 86_400)]
)
def test_a_window_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert data_of(planned("--format", "json", "--window", text))["window"] == seconds


@pytest.mark.parametrize("text", ["", "1", "0s", "25h", "2d", "1.5h", "-1h", "1w", "1h30m", "999999s"])
def test_another_window_is_a_wrong_use(text: str) -> None:
    done = planned("--window", text)
    assert done.returncode == 2
    assert b"must be a length such as 30s, 10m, 1h or 1d, a day at most" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-", "--config", EVENTS), f"{EVENTS}: not JSON at line 2, column 1: Extra data"),
        (("-", "--events-a-day", 0), "Invalid value for '--events-a-day': 0 is not in the range x>=1."),
        (("-", "--budget", "0%"), "Invalid value for '--budget': must be a share such as 70%, above 0% and up to 100%"),
        (("/nowhere/events.ndjson",), "Invalid value for 'EVENTS': File '/nowhere/events.ndjson' does not exist."),
        ((), "Missing argument 'EVENTS'."),
    ],
)
def test_a_wrong_use_is_told_at_the_end_without_a_traceback(arguments: tuple[object, ...], problem: str) -> None:
    done = run("plan", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines()[-1] == f"Error: {problem}"
    assert b"Traceback" not in done.stderr


def test_lines_that_are_not_json_are_counted_and_told_once() -> None:
    done = planned(events=b'{"type":\n' + ndjson(*DAY) + b"}\n")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "     2          1   NotJSON   not JSON at column 9: Expecting value" in text
    assert "(none)          2      0         0        2" in text


def test_a_file_that_breaks_off_is_told_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(ndjson(*DAY * 100), mtime=0)[:-20])
    done = run("plan", path, "--format", "json")
    assert done.returncode == 0
    assert data_of(done)["events"]["at fault"] == 1
    assert data_of(done)["events"]["identify"] > 0
    assert b"the file cannot be read from here on" in done.stderr


def test_a_gzipped_array_in_nested_form_is_planned_for_by_its_own_destination(tmp_path: Path) -> None:
    path = tmp_path / "events.json.gz"
    events = [{"message": event, "destination": DESTINATION} for event in (*DAY, at("01:00:00", track("Not mapped")))]
    path.write_bytes(gzip.compress(json.dumps(events).encode(), mtime=0))
    data = data_of(run("plan", path, "--format", "json"))
    assert (data["events"]["track"], data["events"]["at fault"], data["with_config"]) == (1, 1, True)


@pytest.mark.parametrize("destination", [{"Config": {"domain": "localhost"}}, "acme.co"])
def test_an_events_own_destination_at_fault_is_an_error_of_that_event(destination: object) -> None:
    events = ndjson({"message": DAY[0], "destination": destination}, {"message": DAY[1], "destination": DESTINATION})
    done = planned("--format", "json", events=events)
    assert {name: data_of(done)["events"][name] for name in ("identify", "at fault")} == {"identify": 1, "at fault": 1}
    assert b"ConfigError" in done.stderr


def test_two_tenants_are_refused() -> None:
    other = {"Config": {**SETTINGS, "domain": "other.co"}}
    events = [{"message": DAY[0], "destination": destination} for destination in (DESTINATION, DESTINATION, other)]
    assert wrong_use(planned(events=ndjson(*events))) == (
        "event 3 goes to another tenant than those before it: plan for one tenant at a time"
    )


def test_no_event_is_no_call() -> None:
    done = planned(events=b"")
    assert done.returncode == 0
    assert "Fits: 0 of 100 calls a minute and 0 of 50,000 calls a day in windows of an hour." in done.stdout.decode()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_key_and_no_person_is_printed(form: str) -> None:
    wrong = identify([ADA]) | {"messageId": "m-ada"}
    events = [{"message": event, "destination": DESTINATION} for event in (*DAY, wrong)]
    done = planned("--format", form, events=ndjson(*events))
    shown = done.stdout + done.stderr
    assert b"traits.email: a non-blank string is needed" in shown
    assert [word for word in (b"ada", b"grace", b"Lovelace", b"MARKED") if word in shown] == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_has_gone_ends_it_quietly(form: str) -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    with os.fdopen(ours, "wb") as stdout:
        done = run("plan", "-", "--format", form, stdin=ndjson(*DAY), stdout=stdout)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


@pytest.mark.process
def test_a_closed_pipe_ends_a_process_of_its_own_quietly() -> None:
    with started("plan", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(ndjson(*DAY))
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=LONGEST) == 141


@pytest.mark.process
def test_ctrl_c_ends_it_without_a_traceback_and_without_a_plan() -> None:
    with started("plan", "-") as process:
        assert process.stdin is not None
        process.stdin.write(ndjson(*DAY * 500))  # more than a pipe holds: it is being read
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=LONGEST)
    assert (process.returncode, stdout) == (130, b"")
    assert b"Traceback" not in stderr
