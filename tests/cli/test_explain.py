"""`gainsight-dest explain`."""

from __future__ import annotations

import gzip
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import (
    CONFIG,
    EVENTS,
    LONGEST,
    PROGRAM,
    Done,
    lines,
    ndjson,
    run,
    run_process,
    started,
    wrong_use,
)
from tests.needs import need
from tests.some import identify, track

IDENTIFY = identify(plan="gold", shoe=38) | {"messageId": "m-1"}
TRACK = track("Ada's Divorce", a="PERSONAL")
DESTINATION = {"Config": {"domain": "acme.co", "accessKey": "MARKED-access-key", "personMap": {"plan": "Plan__gc"}}}


def explained(*arguments: object, events: bytes) -> Done:
    return run("explain", "-", "--config", CONFIG, *arguments, stdin=events)


def test_each_event_is_told_for_people() -> None:
    done = explained(events=ndjson(IDENTIFY, {"type": "page"}, {**IDENTIFY, "integrations": {"All": False}}, 5))
    assert done.returncode == 1
    assert done.stdout.decode() == (
        "1. m-1 identify\n"
        '  traits.email  →  Person.Email     "ada@example.com"\n'
        '  traits.plan   →  Person.Plan__gc  "gold"  (personMap)\n'
        "  traits.shoe   ✗  no mapping       38\n"
        "\n"
        '2. skipped: type: "page" is not supported: it must be identify, group or track\n'
        "\n"
        "3. m-1 skipped: switched off by the event's integrations\n"
        "\n"
        "4. no event for Gainsight\n"
        "  error: the event: must be an object, got a number\n"
        "\n"
    )


def test_each_event_is_told_as_a_line_of_json() -> None:
    done = explained("--format", "json", events=ndjson(IDENTIFY, {"type": "page"}) + b"{\n")
    first, second, third = lines(done.stdout)
    assert {key: first[key] for key in ("number", "message_id", "type")} == {
        "number": 1,
        "message_id": "m-1",
        "type": "identify",
    }
    assert [(row["source"], row.get("sent", row.get("reason"))) for row in first["rows"]] == [
        ("traits.email", "ada@example.com"),
        ("traits.plan", "gold"),
        ("traits.shoe", "no mapping"),
    ]
    assert second["skipped"].startswith('type: "page" is not supported')
    assert third["error"]["kind"] == "NotJSON"


def test_the_examples_are_told_to_the_last_and_counted() -> None:
    done = run("explain", EVENTS, "--config", CONFIG, "--format", "json")
    assert done.returncode == 1
    assert [line["number"] for line in lines(done.stdout)] == list(range(1, 79))
    assert "all            78         5       22" in done.stderr.decode()


def test_the_summary_tells_of_each_trait() -> None:
    done = explained("--summary", events=ndjson(IDENTIFY, IDENTIFY, TRACK))
    text = " ".join(done.stdout.decode().split())
    assert "traits.shoe 2 2 no mapping 38" in text
    assert 'traits.plan 2 Person.Plan__gc (personMap) "gold"' in text
    assert "Ada's Divorce not mapped 1" in text


def test_the_summary_is_one_object_as_json() -> None:
    (summary,) = lines(explained("--summary", "--format", "json", events=ndjson(IDENTIFY, TRACK)).stdout)
    assert summary["events"] == {"identify": 1, "track": 1}
    assert [(trait["source"], trait["lost"]) for trait in summary["traits"]] == [
        ("traits.email", 0),
        ("traits.plan", 0),
        ("traits.shoe", 1),
        ("properties.a", 1),
        ("event", 1),
        ("Config.contractId", 1),
    ]


@pytest.mark.parametrize("more", [(), ("--summary",), ("--format", "json"), ("--summary", "--format", "json")])
def test_with_mask_no_value_of_an_event_is_shown(more: tuple[str, ...]) -> None:
    events = [IDENTIFY, TRACK, {"type": "Ada's"}, {**IDENTIFY, "traits": {"email": 987654}}]
    done = explained("--mask", *more, events=ndjson(*events))
    shown = done.stdout + done.stderr
    assert b"traits.plan" in shown
    assert [word for word in (b"ada@", b"gold", b"38", b"Ada", b"PERSONAL", b"987654", b"m-1") if word in shown] == []


def test_the_page_is_written_and_holds_the_configs_problems(tmp_path: Path) -> None:
    need("report")
    done = explained("--html", tmp_path / "report.html", events=ndjson(IDENTIFY, TRACK))
    page = (tmp_path / "report.html").read_text("utf8")
    assert done.stdout == b""
    assert "traits.shoe" in page
    assert "placeholder" in page
    assert "EXAMPLE-access-key" not in page


def test_the_page_may_be_masked(tmp_path: Path) -> None:
    need("report")
    explained("--html", tmp_path / "report.html", "--mask", events=ndjson(IDENTIFY, TRACK))
    page = (tmp_path / "report.html").read_text("utf8")
    assert "&lt;a string&gt;" in page
    assert [word for word in ("ada@", "gold", "Divorce", "PERSONAL") if word in page] == []


def test_an_events_own_destination_will_do(tmp_path: Path) -> None:
    path = tmp_path / "events.json.gz"
    path.write_bytes(gzip.compress(json.dumps([{"message": IDENTIFY, "destination": DESTINATION}]).encode(), mtime=0))
    (line,) = lines(run("explain", path, "--format", "json").stdout)
    assert [row["field"] for row in line["rows"]] == ["Person.Email", "Person.Plan__gc", None]


def test_an_events_own_destination_at_fault_is_an_error_of_that_event() -> None:
    done = run("explain", "-", stdin=ndjson({"message": IDENTIFY, "destination": {"Config": {"domain": "localhost"}}}))
    assert b"error: domain: must be a host name" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-",), "event 1 carries no destination of its own: name one with --config FILE"),
        ((EVENTS, "--config", EVENTS), f"{EVENTS}: not JSON at line 2, column 1: Extra data"),
        (
            (EVENTS, "--config", CONFIG, "--html", "/nowhere/page.html"),
            "/nowhere/page.html cannot be written: No such file",
        ),
    ],
)
def test_a_wrong_use_is_told_in_one_line(arguments: tuple[Any, ...], problem: str) -> None:
    if "--html" in arguments:
        need("report")
    assert wrong_use(run("explain", *arguments, stdin=ndjson(IDENTIFY))).startswith(problem)


@pytest.mark.process
def test_a_reader_that_has_had_enough_ends_it_quietly() -> None:
    shell = f"yes '{json.dumps(IDENTIFY)}' | head -100000 | {' '.join(PROGRAM)} explain - --config {CONFIG} | head -1"
    done = run_process(program=["bash", "-c", shell])
    assert done.stdout == b"1. m-1 identify\n"
    assert b"Traceback" not in done.stderr


@pytest.mark.process
def test_ctrl_c_ends_it_without_a_traceback() -> None:
    with started("explain", "-", "--config", CONFIG) as process:
        assert process.stdin is not None
        process.stdin.write(ndjson(*[IDENTIFY] * 500))
        process.stdin.flush()
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=LONGEST)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
