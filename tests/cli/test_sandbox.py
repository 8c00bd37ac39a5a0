"""`gainsight-dest sandbox` and `demo`, run as a person runs them."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

for module in ("requests", "tenacity", "pyrate_limiter", "cheroot", "jinja2"):
    pytest.importorskip(module, reason="sandbox and demo need the extras deliver and sandbox")

import requests

from tests.cli.process import CONFIG, EVENTS, Done, ended, ndjson, run, started, table, wrong_use

ADA = {"type": "identify", "traits": {"email": "ada@example.com"}}


def address(process: subprocess.Popen[bytes]) -> str:
    """Where the process says that it serves."""
    assert process.stdout is not None
    while line := process.stdout.readline().decode():
        if found := re.search(r" is at (http://[\w.:]+\d)", line):
            return found[1]
    raise AssertionError("it names no address")


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with started("sandbox", "--port", 0, *arguments) as process:
        yield process, address(process)


def deliver(url: str, stdin: bytes) -> Done:
    return run("deliver", "-", "--config", CONFIG, "--base-url", url, "--workers", 1, stdin=stdin)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_serves_until_it_is_asked_to_end(how: signal.Signals) -> None:
    with serving() as (process, url):
        assert deliver(url, ndjson(ADA)).returncode == 0
        assert [person["Email"] for person in requests.get(f"{url}/content.json", timeout=5).json()["people"]] == [
            "ada@example.com"
        ]
        assert "ada@example.com" in requests.get(url, timeout=5).text
        done = ended(process, how)
    assert (done.returncode, done.stderr) == (0, b"")


def test_with_a_config_it_refuses_other_keys(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"domain": "acme.co", "accessKey": "wrong"}))
    with serving("--config", wrong) as (_, url):
        assert "is not authorized" in wrong_use(deliver(url, ndjson(ADA)))


def test_its_content_is_saved_at_the_end_and_taken_up_again(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    with serving("--data", data) as (process, url):
        deliver(url, EVENTS.read_bytes())
        content = requests.get(f"{url}/content.json", timeout=5).json()
        assert ended(process).returncode == 0
    assert json.loads(data.read_bytes()) == content
    assert [path.name for path in tmp_path.iterdir()] == ["data.json"]
    with serving("--data", data) as (process, url):
        assert requests.get(f"{url}/content.json", timeout=5).json() == content
        assert ended(process, signal.SIGTERM).returncode == 0
    assert json.loads(data.read_bytes()) == content


def test_faults_come_as_ordered(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "result-false", "calls": [2]}]')
    with serving("--faults", faults) as (_, url):
        people = [{**ADA, "traits": {"email": f"p{n}@example.com"}} for n in range(3)]
        done = deliver(url, ndjson(*people))
    assert (table(done)["all"]["delivered"], table(done)["all"]["failed"]) == (2, 1)


def test_calls_are_limited_as_it_is_told() -> None:
    with serving("--calls-per-minute", 1, "--calls-per-day", 1) as (_, url):
        bodies = [requests.put(f"{url}/v1.0/api/people", json={}, timeout=5).status_code for _ in range(2)]
    assert bodies == [400, 429]


@pytest.mark.parametrize(
    ("option", "text", "problem"),
    [
        ("--faults", '[{"kind": "none"}]', "faults[0]: kind must be one of 429,"),
        ("--faults", '[{"kind": "500", "often": 1}, 5]', "faults[0]: no such setting: often; faults[1]: must be an"),
        ("--faults", "{}", "faults must be a list of objects"),
        ("--faults", "[", "not JSON at column 2: Expecting value"),
        ("--data", "[", "not JSON at column 2: Expecting value"),
        ("--data", "[]", "not a sandbox's content: TypeError"),
        ("--data", "{}", "not a sandbox's content: KeyError at 'people'"),
        ("--data", "\udc80", "not UTF-8 at byte 1"),
    ],
)
def test_a_broken_file_ends_with_2_and_one_line(option: str, text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(text, "utf8", "surrogateescape")
    assert wrong_use(run("sandbox", "--port", 0, option, file)).startswith(f"{file}: {problem}")
    assert file.read_text("utf8", "surrogateescape") == text


def test_a_place_for_the_content_that_cannot_be_had_is_known_at_once(tmp_path: Path) -> None:
    folder, nowhere = tmp_path / "folder", tmp_path / "none" / "data.json"
    folder.mkdir()
    assert wrong_use(run("sandbox", "--port", 0, "--data", folder)) == f"{folder} cannot be read: Is a directory"
    assert (
        wrong_use(run("sandbox", "--port", 0, "--data", nowhere))
        == f"{nowhere} cannot be written: there is no such folder"
    )


def test_a_port_in_use_ends_with_2_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("sandbox", "--port", port)
    assert wrong_use(done) == f"cannot listen at 127.0.0.1:{port}: Address already in use"


# --- the demo ---------------------------------------------------------------------------------------------------------


def test_the_demo_delivers_the_examples_and_shows_what_came_of_them() -> None:
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, b"")
    counts = table(done)["all"]
    assert counts["events"] == len(EVENTS.read_bytes().splitlines())
    assert min(counts["delivered"], counts["failed"], counts["skipped"]) > 0
    shown = [line.split() for line in done.stdout.decode().splitlines()]
    for heading in (["company", "fields", "people"], ["person", "fields", "company"], ["event", "version", "times"]):
        assert heading in shown
    assert any(words[:3] == ["Blue", "Harbor", "Foods"] for words in shown)


def test_the_demo_keeps_its_page_on_request_until_it_is_asked_to_end() -> None:
    with started("demo", "--keep") as process:
        url = address(process)
        assert process.stdout is not None
        assert any(b"The sandbox stays at" in line for line in process.stdout)
        assert "Blue Harbor Foods" in requests.get(url, timeout=5).text
        assert ended(process).returncode == 0


def test_the_commands_are_listed_and_none_is_cut_short() -> None:
    done = run("--help")
    listed = re.findall(r"^  (\w+) {2,}(.+)$", done.stdout.decode().split("Commands:")[1], re.MULTILINE)
    names = ["deliver", "demo", "explain", "lint", "plan", "sandbox", "schema", "serve", "transform"]
    assert [name for name, _ in listed] == names
    assert all(about.endswith(".") and not about.endswith("...") for _, about in listed)
