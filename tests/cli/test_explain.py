"""`gainsight-dest explain`."""

from __future__ import annotations

import gzip
import json
import re
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
from tests.markup import counts, text_of
from tests.needs import need
from tests.some import group, identify, track

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


def test_it_is_told_what_page_was_written_how_big_it_is_and_how_to_open_it(tmp_path: Path) -> None:
    need("report")
    page = tmp_path / "a report.html"
    last = explained("--html", page, events=ndjson(IDENTIFY, TRACK)).stderr.decode().splitlines()[-1]
    size = f"{page.stat().st_size:,} bytes"
    assert last == f"{page}: a page of 2 events, {size}. Open it in a browser: {page.as_uri()}"
    one = explained("--html", page, "--event", 1, events=ndjson(IDENTIFY, TRACK)).stderr.decode()
    assert f"{page}: a page of 1 event, " in one


@pytest.mark.parametrize(
    ("destination", "told"),
    [
        ({"name": "Acme"}, "destination Acme, gainsight"),
        ({"name": "Acme", "revisionId": "r7", "updatedAt": "2026"}, "destination Acme, revision r7, gainsight"),
        (
            {"updatedAt": "2026-03-02T08:00:00Z", "revisionId": 7},
            "destination revision 2026-03-02T08:00:00Z, gainsight",
        ),
        ({}, " gainsight"),
    ],
)
def test_the_page_has_its_date_and_the_name_and_revision_of_the_destination(
    destination: dict[str, Any], told: str, tmp_path: Path
) -> None:
    need("report")
    config, page = tmp_path / "config.json", tmp_path / "report.html"
    config.write_text(json.dumps({**destination, "Config": DESTINATION["Config"]}), "utf8")
    done = run("explain", "-", "--config", config, "--html", page, stdin=ndjson(IDENTIFY))
    assert done.returncode == 0
    made = page.read_text("utf8").split('<p class="made">')[1].split("</p>")[0]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d , ?{re.escape(told.strip())}-dest \S+", text_of(made))


def test_a_page_is_not_written_over_the_config(tmp_path: Path) -> None:
    need("report")
    config = tmp_path / "config.json"
    config.write_bytes(CONFIG.read_bytes())
    done = run("explain", EVENTS, "--config", config, "--html", tmp_path / "." / "config.json")
    assert wrong_use(done).endswith("config.json is the config: name another file for --html")
    assert config.read_bytes() == CONFIG.read_bytes()


# --- some of it -------------------------------------------------------------------------------------------------------

MESSY = (
    ndjson(
        IDENTIFY,
        {"type": "page"},
        {**IDENTIFY, "integrations": {"All": False}},
        {**TRACK, "integrations": {"All": False, "GAINSIGHT": True}},
        group(None, plan="gold", shoe=""),
        group(plan="gold", employees="many", shoe=""),
        5,
        [],
        TRACK,
        track("Ticket Closure", plan="gold"),
        {"batch": [IDENTIFY, {"type": "alias"}, identify("")]},
        {"type": 5},
        {**IDENTIFY, "traits": "none"},
        identify(firstName="Ada", location=""),
    )
    + b'{"type": \n{"type": 5 5}\n'
)


def numbers(done: Done) -> list[int]:
    """The events that are told, as lines of JSON."""
    return [line["number"] for line in lines(done.stdout)]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--type", "group"], [5, 6]),
        (["--type", "group", "--type", "track"], [4, 5, 6, 9, 10]),
        (["--event", 2, "--event", 11], [2, 11, 11, 11]),
        (["--event", 2, "--type", "track"], []),
        (["--trait", "traits.plan"], [1, 5, 6, 11]),
        (["--trait", "plan"], [1, 5, 6, 10, 11]),
        (["--trait", "plan", "--type", "group"], [5, 6]),
        (["--trait", "plan", "--lost"], [5]),
        (["--lost", "--type", "identify"], [1, 11, 11, 13, 14]),
        (["--lost", "--event", 14], [14]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_some_events_may_be_asked_for(options: list[object], shown: list[int]) -> None:
    done = explained("--format", "json", *options, events=MESSY)
    assert numbers(done) == shown
    assert re.search(rf"^Shown: {len(shown)} of the \d+ events that were read\.$", done.stderr.decode(), re.MULTILINE)


def test_some_rows_may_be_asked_for() -> None:
    done = explained("--trait", "plan", "--lost", events=MESSY)
    assert done.stdout.decode() == (
        "5. group\n"
        '  traits.plan  ✗  its event is at fault (Company.Plan__gc)  "gold"\n'
        "  error: traits.name: a non-blank string or a number is needed for group, got null\n\n"
    )
    assert done.returncode == 1


def test_the_exit_status_heeds_only_what_is_shown() -> None:
    assert [explained("--event", number, events=MESSY).returncode for number in (1, 2, 5)] == [0, 0, 1]


def test_what_was_asked_for_and_did_not_come_is_told() -> None:
    done = explained("--trait", "plam", "--event", 1, "--event", 99, events=MESSY)
    assert (done.stdout, done.returncode) == (b"", 0)
    assert done.stderr.decode().splitlines()[-2:] == [
        "Warning: there is no event 99",
        "Warning: no event that was read has the trait plam",
    ]


def test_a_trait_that_is_masked_goes_by_what_is_shown_of_it() -> None:
    event = identify(by={"ada@b.co": 1})
    assert numbers(explained("--mask", "--trait", "by.*", "--format", "json", events=ndjson(event))) == [1]
    assert numbers(explained("--mask", "--trait", 'by["ada@b.co"]', "--format", "json", events=ndjson(event))) == []


def test_events_that_are_left_out_need_no_destination_of_their_own() -> None:
    events = ndjson({"message": IDENTIFY, "destination": DESTINATION}, TRACK)
    done = run("explain", "-", "--type", "identify", "--format", "json", stdin=events)
    assert (done.returncode, numbers(done)) == (0, [1])


def test_a_page_of_some_events_says_so_and_tells_of_no_mapping_that_they_do_not_use(tmp_path: Path) -> None:
    need("report")
    page = tmp_path / "page.html"
    told = {}
    for options in ((), ("--event", 1)):
        explained("--html", page, *options, events=MESSY)
        told[options] = page.read_text("utf8")
    assert "did not come" in told[()]
    assert "Shown:" not in told[()]
    assert "did not come" not in told["--event", 1]
    assert "<p>Shown: 1 of the 1 events that were read.</p>" in told["--event", 1]


# --- counts -----------------------------------------------------------------------------------------------------------

#: Events, skipped, at fault; values sent, values not sent.
Counts = tuple[int, int, int, int, int]


def of_the_table(done: Done) -> dict[str, Counts]:
    """The closing table: the counts of each type."""
    rows = re.findall(r"^(\S+)" + r" +(\d+)" * 5 + "$", done.stderr.decode(), re.MULTILINE)
    return {kind: tuple(map(int, counts)) for kind, *counts in rows}  # type: ignore[misc] # five of them


def of_lines(done: Done) -> Counts:
    told = lines(done.stdout)
    rows = [("sent" in row and "error" not in line) for line in told for row in line.get("rows", ())]
    skipped, faults = (sum(key in line for line in told) for key in ("skipped", "error"))
    return len(told), skipped, faults, rows.count(True), rows.count(False)


def of_the_summary(done: Done) -> Counts:
    (summary,) = lines(done.stdout)
    times = {key: sum(tally["times"] for tally in summary[key]) for key in ("skipped", "errors")}
    went, dropped = (
        sum(way["times"] for trait in summary["traits"] for way in trait[key]) for key in ("went", "dropped")
    )
    return sum(summary["events"].values()), times["skipped"], times["errors"], went, dropped


def otherwise(summary: Any) -> int:
    """How many values RudderStack is known to treat in another way."""
    told = (each for trait in summary["traits"] for each in trait["rudderstack"])
    return sum(each["times"] for each in told if each["rule"] and each["would"] != "not known")


def of_the_page(path: Path) -> Counts:

    html = path.read_text("utf8")
    told = counts(html)
    (sent,) = re.findall(r" Sent: ([\d,]+)", text_of(html))
    words = (told["events"], told["events skipped"], told["events at fault"], sent, told["values not sent"])
    return tuple(int(word.replace(",", "")) for word in words)  # type: ignore[return-value] # five of them


@pytest.mark.again
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--mask",),
        ("--lost",),
        ("--lost", "--mask"),
        ("--type", "identify"),
        ("--trait", "plan"),
        ("--trait", "plan", "--lost"),
        ("--event", 3, "--event", 11),
    ],
    ids=lambda options: " ".join(map(str, options)) or "all",
)
def test_all_that_is_printed_and_the_page_count_alike(options: tuple[object, ...], tmp_path: Path) -> None:
    need("report")
    page = tmp_path / "page.html"
    in_lines = explained("--format", "json", *options, events=MESSY)
    in_sum = explained("--format", "json", "--summary", "--html", page, *options, events=MESSY)
    as_text = explained(*options, events=MESSY)
    table = of_the_table(as_text)
    assert table == of_the_table(in_lines) == of_the_table(in_sum)
    assert table["all"] == of_lines(in_lines) == of_the_summary(in_sum) == of_the_page(page)
    assert table.pop("all") == tuple(map(sum, zip(*table.values(), strict=True)))
    (summary,) = lines(in_sum.stdout)
    assert {kind: row[0] for kind, row in table.items()} == summary["events"]
    assert otherwise(summary) == int(counts(page.read_text("utf8"))["otherwise in RudderStack"])
    assert as_text.stdout.decode().count("\n\n") == sum(summary["events"].values())


def test_the_counts_of_a_messy_file_are_these() -> None:
    assert of_the_table(explained(events=MESSY)) == {
        "identify": (6, 1, 2, 7, 4),
        "group": (2, 0, 1, 3, 6),
        "track": (3, 1, 1, 4, 4),
        "(other)": (7, 2, 5, 0, 0),
        "all": (18, 4, 9, 14, 14),
    }


def test_the_closing_tables_and_the_summary_tell_why_integrations_switch_an_event_off() -> None:
    done = explained("--summary", "--format", "json", events=MESSY)
    (summary,) = lines(done.stdout)
    reason = "switched off by the event's integrations"
    hint = f'{reason}, where "Gainsight" is spelled in another way: it is ignored'
    assert [tally["text"] for tally in summary["skipped"]][1:3] == [reason, hint]
    assert hint in done.stderr.decode()
    assert hint in run("transform", "-", "--config", CONFIG, stdin=MESSY).stderr.decode()


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
def test_it_ends_once_it_has_the_events_that_it_was_asked_for_though_more_may_come() -> None:
    with started("explain", "-", "--config", CONFIG, "--event", 2) as process:
        assert process.stdin is not None
        process.stdin.write(ndjson(TRACK, IDENTIFY, TRACK))
        process.stdin.flush()
        assert process.wait(LONGEST) == 0
        assert process.stdout is not None
        assert process.stdout.readline() == b"2. m-1 identify\n"


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
