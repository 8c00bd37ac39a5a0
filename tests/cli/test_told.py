"""`--tenant` of lint, explain and plan: what a tenant says of events before they are sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.tenant import Tenant
from tests.cli.process import Done, ndjson, run, wrong_use
from tests.cli.terminal import run_on_a_terminal
from tests.some import group, identify, track
from tests.tenant_of_60_fields import ANSWER, option_id

TENANT = Tenant.from_describe(ANSWER)
CONFIG = {
    "domain": "acme.gainsightcloud.com",
    "accessKey": "7d0c9a52-6d1e-4b7a",
    "personMap": [{"from": "plan", "to": "Plan__gc"}],
    "companyMap": [{"from": "region", "to": "Region__gc"}],
}
GOLD = option_id("Plans", "Gold")
EVENTS = (identify(plan=GOLD), identify(plan="Silver"), group(), group(region="APAC"))


@pytest.fixture
def files(tmp_path: Path) -> list[Any]:
    """The options that name a config and a tenant."""
    config, tenant = tmp_path / "config.json", tmp_path / "tenant.json"
    config.write_text(json.dumps(CONFIG))
    tenant.write_text(json.dumps(TENANT.as_data()))
    return ["--config", config, "--tenant", tenant]


def explained(files: list[Any], *options: str, events: Any = EVENTS) -> Done:
    return run("explain", "-", *files, *options, stdin=ndjson(*events))


def test_explain_tells_types_labels_refusals_and_the_verdict(files: list[Any]) -> None:
    done = explained(files)
    assert done.returncode == 0
    first, second, third, fourth = done.stdout.decode().split("\n\n")[:4]
    assert f'Person.Plan__gc  PICKLIST  "{GOLD}" is "Gold"  (personMap)' in first
    assert first.endswith("\n  the tenant takes it")
    assert '"Silver"  (personMap)  but Plan__gc has no such option\n  the tenant refuses it' in second
    assert third.endswith("\n  Company.Region__gc (PICKLIST) is missing: it is required in a new record")
    assert fourth.endswith("\n  the tenant takes it")
    assert "refused   perhaps" in done.stderr.decode()
    assert "Company.Region__gc" in done.stderr.decode()


def test_explain_as_json_holds_the_verdict(files: list[Any]) -> None:
    lines = [json.loads(line) for line in explained(files, "--format", "json").stdout.splitlines()]
    assert [line["fits"] for line in lines] == [True, False, None, True]
    assert [[lack["field"] for lack in line["lacks"]] for line in lines] == [[], [], ["Company.Region__gc"], []]
    assert lines[0]["rows"][1]["label"] == "Gold"


def test_the_summary_counts_what_the_tenant_says(files: list[Any]) -> None:
    data = json.loads(explained(files, "--summary", "--format", "json").stdout)
    assert (data["refused"], data["doubtful"]) == ({"identify": 1}, {"group": 1})
    assert "PICKLIST" in explained(files, "--summary").stdout.decode()


def test_masked_no_label_is_shown(files: list[Any]) -> None:
    done = explained(files, "--mask")
    assert "Gold" not in done.stdout.decode()
    assert "the tenant takes it" in done.stdout.decode()


def test_an_event_that_is_skipped_or_cannot_be_read_is_told_as_ever(files: list[Any]) -> None:
    done = run("explain", "-", *files, "--format", "json", stdin=b'{"type": "page"}\n{\n')
    skipped, unreadable = [json.loads(line) for line in done.stdout.splitlines()]
    assert "skipped" in skipped
    assert "fits" not in unreadable


def test_lint_tells_what_the_tenant_refuses_with_and_without_events(files: list[Any], tmp_path: Path) -> None:
    done = run("lint", *files)
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (
        0,
        f"{files[1]}: 0 errors and 0 warnings",
    )
    events = tmp_path / "events.ndjson"
    events.write_bytes(ndjson(*EVENTS))
    done = run("lint", *files, "--events", events, "--format", "json")
    assert done.returncode == 1
    rules = [(each["rule"], each["severity"], each["place"]) for each in json.loads(done.stdout)["findings"]]
    assert rules == [
        ("required-not-sent", "warning", "group"),
        ("no-such-option", "error", "identify traits.plan"),
    ]


def test_lint_finds_fields_that_the_tenant_has_not_at_their_lines(files: list[Any]) -> None:
    bad = {**CONFIG, "personMap": [{"from": "plan", "to": "Plans__gc"}]}
    Path(files[1]).write_text(json.dumps(bad, indent=1))
    done = run("lint", *files)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[:2] == [
        "error absent-field: a mapping sets a field that this tenant does not have: Gainsight refuses the whole record",
        '  7  personMap[0].to  the tenant\'s Person has no field "Plans__gc". Did you mean Plan__gc?',
    ]


def test_plan_tells_how_many_events_are_refused_and_what_they_cost(files: list[Any]) -> None:
    events = ndjson(*EVENTS, group(region="Mars"), {**track(), "type": "page"})
    done = run("plan", "-", *files, stdin=events)
    words = " ".join(done.stdout.decode().split())
    assert "The tenant refuses 2 of the 5 events that are sent." in words
    assert "up to 4 calls." in words
    data = json.loads(run("plan", "-", *files, "--format", "json", stdin=events).stdout)
    assert data["refused"] == {"identify": 1, "group": 1}


@pytest.mark.parametrize("command", [("explain", "-"), ("lint",), ("plan", "-")])
def test_a_file_that_is_no_tenant_is_wrong_use(files: list[Any], command: tuple[str, ...]) -> None:
    Path(files[3]).write_text('{"objects": 5}')
    problem = wrong_use(run(*command, *files, stdin=b""))
    assert problem.startswith(f"{files[3]} is not a tenant as `describe --out` writes it: ")


def test_what_the_tenant_says_is_on_the_page(files: list[Any], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = explained(files, "--html", str(page))
    assert done.returncode == 0
    html = page.read_text("utf8")
    for words in ("PICKLIST", "refused by the tenant", "What new records lack", "no-such-option"):
        assert words in html


def test_a_terminal_shows_the_verdict_in_colours(files: list[Any], tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(ndjson(*EVENTS))
    shown = run_on_a_terminal("explain", events, *files).stdout.decode().replace("\r\n", "\n")
    assert "\x1b[32m  the tenant takes it\x1b[0m\n" in shown
    assert "\x1b[31m  the tenant refuses it\x1b[0m\n" in shown
    assert "\x1b[31m  Company.Region__gc (PICKLIST) is missing: " in shown


def test_lint_and_explain_tell_what_cannot_be_made_to_fit(files: list[Any], tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(ndjson(identify(plan="gold"), identify(plan="Silver")))
    for mode, rule in (("refuse", "unfit-value"), ("drop", "left-out-value")):
        done = run("lint", *files, "--fit", mode, "--events", events, "--format", "json")
        assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]][-1:] == [rule]
    text = run("explain", events, *files, "--fit", "drop").stdout.decode()
    assert '"gold" to "Gold"  (personMap, fit: the option as Gainsight spells it)' in text
    assert "✗  does not fit: Plan__gc has no such option (Person.Plan__gc)" in text


def test_to_fit_is_of_no_use_without_events(files: list[Any]) -> None:
    done = run("lint", *files, "--fit", "drop")
    assert done.returncode == 2
    assert done.stderr.endswith(b"Error: --fit needs --events: alone it does nothing\n")
