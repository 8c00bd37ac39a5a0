"""`gainsight-dest sandbox` and `demo`."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from gainsight_dest.cli import sandbox
from gainsight_dest.cli.deliver import End
from gainsight_dest.gainsight import describe_body
from gainsight_dest.tenant import Tenant
from tests import tenant_of_60_fields
from tests.cli.process import (
    CONFIG,
    EVENTS,
    LONGEST,
    Done,
    address,
    asked_to_end,
    ended,
    ndjson,
    run,
    serving_sandbox,
    started,
    table,
    wrong_use,
)
from tests.some import ADA, identify


def deliver(url: str, stdin: bytes) -> Done:
    return run("deliver", "-", "--config", CONFIG, "--base-url", url, "--workers", 1, stdin=stdin)


Used = Callable[..., tuple[Done, Any]]


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Used:
    """The sandbox in this process, used while it would wait for its end; and what came of its use."""

    def used(use: Callable[[str], object], *arguments: object, command: str = "sandbox") -> tuple[Done, Any]:
        found: list[object] = []

        def wait() -> None:
            sys.stdout.flush()
            (url,) = re.findall(r" is at (http://[\w.:]+\d)", os.pread(sys.stdout.fileno(), 4096, 0).decode())
            found.append(use(url))

        monkeypatch.setattr(sandbox, "_wait_for_the_end", wait)
        done = run(command, *arguments)
        (result,) = found
        return done, result

    return used


def content_of(url: str) -> Any:
    return requests.get(f"{url}/content.json", timeout=LONGEST).json()


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_serves_until_it_is_asked_to_end(how: signal.Signals, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    with serving_sandbox("--data", data) as (process, url):
        assert deliver(url, ndjson(identify())).returncode == 0
        content = content_of(url)
        assert [person["Email"] for person in content["people"]] == [ADA]
        assert ADA in requests.get(url, timeout=LONGEST).text
        done = ended(process, how)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(data.read_bytes()) == content


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_until_it_is_asked_to_end(how: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_NAP", 0.005)
    looks = iter(range(10))
    with asked_to_end(lambda: next(looks) == 5, how):
        sandbox._wait_for_the_end()
    assert next(looks) == 6


def test_with_a_config_it_refuses_other_keys(used: Used, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"domain": "acme.co", "accessKey": "wrong"}))
    _, delivered = used(lambda url: deliver(url, ndjson(identify())), "--port", 0, "--config", wrong)
    assert delivered.returncode == 2
    assert "is not authorized" in delivered.stderr.decode().splitlines()[-1]


def test_with_a_tenant_it_has_that_tenants_fields(used: Used, tmp_path: Path) -> None:
    tenant = Tenant.from_describe(tenant_of_60_fields.ANSWER)
    file = tmp_path / "tenant.json"
    file.write_text(json.dumps(tenant.as_data()))

    def use(url: str) -> list[requests.Response]:
        bodies: list[dict[str, Any]] = [
            {"Email": ADA, "Plan__gc": "Gold"},
            {"Email": ADA, "Plan__gc": "Silver"},
        ]
        described = requests.post(
            f"{url}/v1/meta/services/objects/describe",
            json=describe_body(["Person", "Company"]),
            headers={"Accesskey": "any"},
            timeout=LONGEST,
        )
        return [
            described,
            *(
                requests.put(f"{url}/v1.0/api/people", json=body, headers={"Accesskey": "any"}, timeout=LONGEST)
                for body in bodies
            ),
        ]

    done, (described, gold, silver) = used(use, "--port", 0, "--tenant", file)
    assert done.returncode == 0
    assert Tenant.from_describe(described.json()) == tenant
    assert (gold.status_code, silver.status_code) == (200, 400)
    assert silver.json()["errorCode"] == "GSOBJ_VDTPKLST1002"


def test_its_content_is_saved_at_the_end_and_taken_up_again(used: Used, tmp_path: Path) -> None:
    data = tmp_path / "data.json"

    def use(url: str) -> Any:
        deliver(url, EVENTS.read_bytes())
        return content_of(url)

    done, content = used(use, "--port", 0, "--data", data)
    assert done.returncode == 0
    assert json.loads(data.read_bytes()) == content
    assert [path.name for path in tmp_path.iterdir()] == ["data.json"]
    assert len(content["people"]) > 5
    done, again = used(content_of, "--port", 0, "--data", data)
    assert done.returncode == 0
    assert again == content
    assert json.loads(data.read_bytes()) == content


def test_a_place_for_the_content_that_has_gone_is_told_at_the_end(used: Used, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    done, _ = used(lambda _: folder.rmdir(), "--port", 0, "--data", folder / "data.json")
    assert wrong_use(done) == f"{folder / 'data.json'} cannot be written: No such file or directory"


def test_faults_come_as_ordered(used: Used, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "result-false", "calls": [2]}]')
    people = [identify(f"p{n}@example.com") for n in range(3)]
    _, delivered = used(lambda url: deliver(url, ndjson(*people)), "--port", 0, "--faults", faults)
    assert (table(delivered)["all"]["delivered"], table(delivered)["all"]["failed"]) == (2, 1)


def test_calls_are_limited_as_it_is_told(used: Used) -> None:
    def statuses(url: str) -> list[int]:
        return [requests.put(f"{url}/v1.0/api/people", json={}, timeout=LONGEST).status_code for _ in range(2)]

    _, found = used(statuses, "--port", 0, "--calls-per-minute", 1, "--calls-per-day", 1)
    assert found == [400, 429]


@pytest.mark.parametrize(
    ("option", "text", "problem"),
    [
        ("--faults", '[{"kind": "none"}]', "faults[0]: kind must be one of 429,"),
        ("--faults", '[{"kind": "500", "often": 1}, 5]', "faults[0]: no such setting: often; faults[1]: must be an"),
        ("--faults", "{}", "faults must be a list of objects"),
        ("--faults", "[", "not JSON at column 2: Expecting value"),
        ("--data", "[", "not JSON at column 2: Expecting value"),
        ("--tenant", "[", "not JSON at column 2: Expecting value"),
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
    assert wrong_use(run("sandbox", "--port", 0, "--data", folder)) == f"{folder} cannot be written: it is not a file"
    assert (
        wrong_use(run("sandbox", "--port", 0, "--data", nowhere))
        == f"{nowhere} cannot be written: there is no such folder"
    )


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # cheroot leaves it to be collected
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


def test_a_demo_that_is_ended_half_way_keeps_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainsight_dest.cli.deliver.FileDelivery.end", lambda _: End(143))
    done = run("demo", "--keep")
    assert done.returncode == 143
    assert b"The sandbox stays" not in done.stdout


def test_the_demo_may_keep_its_page(used: Used) -> None:
    done, page = used(lambda url: requests.get(url, timeout=LONGEST).text, "--keep", command="demo")
    assert done.returncode == 0
    assert "Blue Harbor Foods" in page
    assert {f'href="#tried-{number}"' for number in (1, 2, 3)} <= {*re.findall(r'href="#tried-\d+"', page)}
    assert re.search(
        r"^The sandbox stays at http://.*: look at its page\. Ctrl-C ends it\.$", done.stdout.decode(), re.MULTILINE
    )


def test_of_many_records_the_first_are_listed_and_the_rest_are_counted() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(sandbox._listed(("event", "times"), [(f"event {n}", n) for n in range(1022)]))
    assert isinstance(console.file, io.StringIO)
    *_, last_but_one, last = console.file.getvalue().splitlines()
    assert last_but_one.split() == ["event", "19", "19"]
    assert last.strip() == "… and 1,002 more"


@pytest.mark.process
def test_the_demo_keeps_its_page_on_request_until_it_is_asked_to_end() -> None:
    with started("demo", "--keep") as process:
        url = address(process)
        assert process.stdout is not None
        assert any(b"The sandbox stays at" in line for line in process.stdout)
        assert "Blue Harbor Foods" in requests.get(url, timeout=LONGEST).text
        assert ended(process).returncode == 0


def test_the_commands_are_listed_and_none_is_cut_short() -> None:
    done = run("--help")
    listed = re.findall(r"^  (\w+) {2,}(.+)$", done.stdout.decode().split("Commands:")[1], re.MULTILINE)
    names = [
        *("check", "deliver", "demo", "describe", "explain", "init", "lint", "plan", "probe", "sandbox", "schema"),
        *("serve", "transform"),
    ]
    assert [name for name, _ in listed] == names
    assert all(about.endswith(".") and not about.endswith("...") for _, about in listed)
