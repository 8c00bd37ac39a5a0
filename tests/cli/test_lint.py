"""`gainsight-dest lint` and `gainsight-dest schema`."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import config_schema, lint
from gainsight_dest.cli.places import Lines, lines_of
from tests.cli.process import CONFIG, EVENTS, ROOT, Done, ndjson, run, wrong_use
from tests.cli.terminal import on_a_terminal
from tests.linting.configs import GOOD, WELL, config, people, row, track
from tests.some import group

BAD = ROOT / "examples" / "bad-destination.json"


def report(done: Done) -> Any:
    return json.loads(done.stdout)


def written(folder: Path, value: Any, indent: int | None = 1) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps(value, indent=indent), "utf8")
    return file


def test_a_config_without_findings_ends_with_0_and_says_so(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    done = run("lint", "--config", file)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"{file}: 0 errors and 0 warnings\n", b"")


def test_warnings_alone_end_with_0(tmp_path: Path) -> None:
    done = run("lint", "--config", written(tmp_path, config(domain="cs.example.org")))
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[-1].endswith(": 0 errors and 1 warning")


def test_findings_are_grouped_by_rule_errors_first_and_counted_at_the_end() -> None:
    done = run("lint", "--config", BAD, "--events", EVENTS)
    blocks = done.stdout.decode().split("\n\n")
    assert done.returncode == 1
    assert done.stderr == b""
    assert [block.split()[0] for block in blocks[:-1]] == sorted(block.split()[0] for block in blocks[:-1])
    assert len(blocks) > 15
    assert blocks[0].splitlines() == [
        "error invalid-setting: the config cannot be used: a setting is not text, a mapping not a list of rows, "
        "or a header holds a line end",
        "  38  personMap[6].to  must be a string, not a number: put it in quotes",
        "  Fix it: until then every event fails.",
    ]
    findings = lint(json.loads(BAD.read_text("utf8")))
    assert re.fullmatch(rf"{BAD}: \d+ errors and \d+ warnings, with 78 events, 1 of which cannot be read\n", blocks[-1])
    assert sum(len(block.splitlines()) > 1 for block in blocks) == len(blocks) - 1
    assert len(findings) < sum(block.count("\n  ") for block in blocks)


def test_no_secret_shows_in_any_form() -> None:
    settings = json.loads(BAD.read_text("utf8"))["Config"]
    for form in ("text", "json", "github"):
        done = run("lint", "--config", BAD, "--events", EVENTS, "--format", form)
        assert settings["sharedSecret"].encode() not in done.stdout + done.stderr


def test_as_json_it_is_one_object_with_the_lines_and_the_counts() -> None:
    done = run("lint", "--config", BAD, "--events", EVENTS, "--format", "json")
    told = report(done)
    assert done.returncode == 1
    assert told["file"] == str(BAD)
    assert told["events"] == {"read": 78, "unreadable": 1}
    assert told["findings"][0] == {
        "rule": "invalid-setting",
        "severity": "error",
        "place": "personMap[6].to",
        "problem": "must be a string, not a number: put it in quotes",
        "remedy": "Fix it: until then every event fails.",
        "line": 38,
    }
    severities = [finding["severity"] for finding in told["findings"]]
    assert told["counts"] == {"errors": severities.count("error"), "warnings": severities.count("warning")}
    assert len({finding["rule"] for finding in told["findings"]}) >= 15
    assert report(run("lint", "--config", BAD, "--format", "json"))["events"] is None


def test_as_annotations_each_finding_is_a_line_at_its_line_in_the_file() -> None:
    done = run("lint", "--config", BAD, "--events", EVENTS, "--format", "github")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert lines[0] == (
        f"::error file={BAD},line=38,title=invalid-setting::"
        "personMap[6].to: must be a string, not a number: put it in quotes. Fix it: until then every event fails."
    )
    assert f"::error file={BAD},title=refused-value::group traits.originalContractDate: " in done.stdout.decode()
    assert len(lines) == len(report(run("lint", "--config", BAD, "--events", EVENTS, "--format", "json"))["findings"])


def test_annotations_escape_what_would_end_them(tmp_path: Path) -> None:
    folder = tmp_path / "a,b:c%d"
    folder.mkdir()
    file = written(folder, config(**people(row("a", "100% a:b, c\r\n"))))
    done = run("lint", "--config", file, "--format", "github")
    path = str(file).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    about = '"100%25 a:b, c\\r\\n" has a space, or a line end, around it'
    assert done.stdout.decode().startswith(f"::error file={path},line=")
    assert f",title=stray-spaces::personMap[1].to: {about}. " in done.stdout.decode()
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("form", ["lines", "array", "gzipped", "nested"])
def test_events_are_read_in_any_form(form: str, tmp_path: Path) -> None:
    events = [*WELL, track("b"), track("b")]
    nested = ndjson(*({"message": event, "destination": {"Config": {}}} for event in events))
    data = {
        "lines": ndjson(*events),
        "array": json.dumps(events).encode(),
        "gzipped": gzip.compress(ndjson(*events), mtime=0),
    }
    file = written(tmp_path, GOOD)
    done = run("lint", "--config", file, "--events", "-", "--format", "json", stdin={**data, "nested": nested}[form])
    (finding,) = report(done)["findings"]
    assert (finding["rule"], finding["line"]) == (
        "unmapped-event",
        Lines(lines_of(file.read_text("utf8")), ()).of("eventNameMap"),
    )
    assert report(done)["events"] == {"read": 5, "unreadable": 0}


def test_events_that_are_switched_off_or_unreadable_are_counted_and_not_told_of(tmp_path: Path) -> None:
    off = {**track("b"), "integrations": {"All": False}}
    events = ndjson(*WELL, off, [], {"type": "page"}) + b'{"type": \n'
    done = run("lint", "--config", written(tmp_path, GOOD), "--events", "-", "--format", "json", stdin=events)
    assert (done.returncode, report(done)["findings"]) == (0, [])
    assert report(done)["events"] == {"read": 7, "unreadable": 1}
    assert done.stderr == b""


@pytest.mark.parametrize("form", ["text", "json", "github"])
@pytest.mark.parametrize(("times", "words"), [(1, "1 event is"), (2, "2 events are")])
def test_of_integrations_that_are_spelled_in_another_way_it_is_warned(
    times: int, words: str, form: str, tmp_path: Path
) -> None:
    off = {**track("b"), "integrations": {"All": False, "GAINSIGHT": True}}
    events = ndjson(*WELL, *[off] * times)
    done = run("lint", "--config", written(tmp_path, GOOD), "--events", "-", "--format", form, stdin=events)
    told = 'switched off by the event\'s integrations, where "Gainsight" is spelled in another way: it is ignored'
    assert done.stderr.decode() == f"Warning: {words} {told}\n"


@pytest.mark.process
def test_a_terminal_gets_colours_and_a_pipe_does_not() -> None:
    done = on_a_terminal("lint", "--config", BAD, at=("stdout",))
    assert done.returncode == 1
    assert b"\x1b[1;31merror\x1b[0m" in done.stdout
    assert b"\x1b" not in run("lint", "--config", BAD).stdout


def test_the_page_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs/how-to/check-a-config.md").read_text("utf8")
    examples = [file.relative_to(ROOT) for file in (BAD, EVENTS)]
    printed = (
        run("lint", "--config", examples[0]).stdout
        + run("lint", "--config", examples[0], "--events", examples[1]).stdout
    )
    shown = "\n".join(re.findall(r"```text\n((?:error|warning) .*?)\n```", page, re.DOTALL)).splitlines()
    assert len(shown) > 4
    assert set(shown) - {"…"} - set(printed.decode().splitlines()) == set()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{\n"domain": }', "not JSON at line 2, column 11: Expecting value"),
        (b"", "not JSON at column 1: Expecting value"),
        (b"\xff\xfe\xff", "not UTF-8 at byte 3"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_config_that_is_no_json_ends_with_2_and_one_line(data: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(data)
    assert wrong_use(run("lint", "--config", file)) == f"{file}: {problem}"


def test_a_file_that_cannot_be_read_ends_with_2_and_one_line(tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert wrong_use(run("lint", "--config", none)) == f"{none} cannot be read: No such file or directory"
    assert wrong_use(run("lint", "--config", tmp_path)) == f"{tmp_path} cannot be read: Is a directory"
    done = run("lint", "--config", CONFIG, "--events", none)
    assert wrong_use(done) == f"{none} cannot be read: No such file or directory"


@pytest.mark.parametrize("arguments", [[], ["--config", CONFIG, "--format", "xml"], ["--what"], [EVENTS]])
def test_wrong_use_ends_with_2_and_says_how_it_goes(arguments: list[object]) -> None:
    done = run("lint", *arguments)
    assert done.returncode == 2
    assert b"Usage: gainsight-dest lint [OPTIONS]" in done.stderr


@pytest.mark.parametrize("value", [None, 5, [], "x", {}, {"Config": []}])
def test_json_that_is_no_config_gives_findings(value: Any, tmp_path: Path) -> None:
    done = run("lint", "--config", written(tmp_path, value), "--format", "json")
    assert done.returncode == 1
    assert report(done)["counts"]["errors"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_config_may_be_in_any_encoding_of_json(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(json.dumps(config(companyMap=[row("地域", "x")]), ensure_ascii=False, indent=1).encode(encoding))
    (finding,) = report(run("lint", "--config", file, "--format", "json"))["findings"]
    assert finding["line"] == json.dumps(GOOD, indent=1).split('"companyMap"')[0].count("\n") + 4


TEXT = """{"name": "a, \\"b\\" {[",
 "Config": {

  "domain": "x", "personMap": [
   {"from": "a",
    "to": "b"}, [], {},
   {"to": 1}
  ], "personMap2": {"a.b": 1, "a\\n\\u0062":
  null}, "a b": [[1,
  2]],
  "topicName": 1,
  "topicName": 2
}}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        *(("domain", 4), ("personMap", 4), ("personMap[0]", 5), ("personMap[0].from", 5), ("personMap[0].to", 6)),
        *(("personMap[1]", 6), ("personMap[2]", 6), ("personMap[3].to", 7), ("personMap[3].from", 7)),
        *(("personMap[9].to", 4), ('personMap2["a.b"]', 8), ('personMap2["a\\nb"]', 8), ('personMap2["***"]', 8)),
        *(('["a b"]', 9), ('["a b"][0][1]', 10), ("topicName", 12), ("accessKey", 2), ("name", 2)),
        *(("identify traits.plan", None), ('group context.traits["a.b"]', None), ("destination config", None)),
    ],
)
def test_a_place_is_the_line_that_its_key_stands_on_or_else_that_of_what_is_around_it(
    place: str, line: int | None
) -> None:
    assert Lines(lines_of(TEXT), ("Config",)).of(place) == line


@pytest.mark.parametrize("text", ["5", '"a"', "[]", "{}", " [1]", "null"])
def test_a_place_in_what_is_no_config_is_its_first_line(text: str) -> None:
    assert Lines(lines_of(text), ()).of("domain") == 1


def test_in_a_file_with_nothing_in_it_a_place_has_no_line() -> None:
    assert Lines({}, ("Config",)).of("personMap[0].from") is None


def test_names_of_companies_that_look_alike_are_told_unless_they_are_masked(tmp_path: Path) -> None:
    events = ndjson(*WELL, *(group(f"Blue{blank}Harbor", "a@b.co", region="EMEA") for blank in (" ", "\u00a0")))
    file = written(tmp_path, GOOD)
    arguments = ("lint", "--config", file, "--events", "-", "--format")
    for form in ("text", "json", "github"):
        shown, masked = (run(*arguments, form, *more, stdin=events) for more in ((), ("--mask",)))
        assert (shown.returncode, masked.returncode) == (0, 0)
        assert b"Harbor" in shown.stdout
        assert b"Harbor" not in masked.stdout
        assert b"one name came in 1 group event, number 5, and another came in 1 group event, number 4" in masked.stdout
    (finding,) = report(run(*arguments, "json", stdin=events))["findings"]
    assert (finding["rule"], finding["severity"], finding["line"]) == ("alike-companies", "warning", None)
    assert finding["problem"].startswith(
        r'"Blue\u00a0Harbor" came in 1 group event, number 5, and "Blue\u0020Harbor" came'
    )


def test_there_is_nothing_to_mask_without_events(tmp_path: Path) -> None:
    done = run("lint", "--config", written(tmp_path, GOOD), "--mask")
    assert done.returncode == 2
    assert b"--mask needs --events: alone it does nothing" in done.stderr


def test_the_schema_is_printed_as_json() -> None:
    done = run("schema")
    assert (done.returncode, report(done)) == (0, config_schema())
