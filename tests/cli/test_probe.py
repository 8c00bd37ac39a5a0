"""`gainsight-dest probe`: over HTTP, with what fails, at its end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.cli import probe as command
from gainsight_dest.cli import show
from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.process import Done, asked_to_end, called, run, started, until, wrong_use
from tests.probing.runs import THEIRS, names_in, sandbox
from tests.some import SECRETS, SETTINGS


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files go to a folder of their own, and what is waited for between two tries takes no time."""
    monkeypatch.chdir(tmp_path)
    Path("destination.json").write_text(json.dumps(SETTINGS), "utf8")
    monkeypatch.setattr("gainsight_dest.probing.driving._wait", lambda *_, **__: None)


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[Sandbox, str]]:
    tenant = sandbox(**settings)
    with Server(tenant) as server:
        yield tenant, server.url


QUICK = ("--config", "destination.json", "--calls-per-minute", 0)


def probe(url: str, *arguments: object) -> Done:
    return run("probe", *QUICK, "--yes", "--base-url", url, *arguments)


def written(file: str = "probe.json") -> Any:
    return json.loads(Path(file).read_text("utf8"))


def test_a_probe_over_http_answers_as_the_table_has_it_and_leaves_no_company() -> None:
    with serving() as (tenant, url):
        done = probe(url)
    assert done.returncode == 0, done
    assert names_in(tenant) == [*THEIRS]
    data = written()
    assert (data["complete"], data["calls"]) == (True, sum(tenant.counts.values()))
    assert "28 as assumed, 3 not asked" in done.stdout.decode()
    said = done.stderr.decode()
    assert f"by way of {url}" in said
    assert f"This person stays; Gainsight has no public call to delete one: {data['left']['people'][0]}" in said
    assert not any(secret in done.stdout.decode() + said + json.dumps(data) for secret in SECRETS)
    assert not re.search(r"acme|127\.0\.0\.1", json.dumps(data))


def test_what_it_says_it_will_write_is_what_it_writes() -> None:
    with serving() as (tenant, url):
        done = probe(url, "--send-test-event", "Ticket Closure")
    said = done.stderr.decode()
    name = re.findall(r"(gainsight-dest-probe-[0-9a-f]+)-1 to 4", said)[0]
    assert [person["Email"] for person in tenant.people] == [f"{name}@example.com"]
    assert [event["name"] for event in tenant.events] == ["closed"]
    assert "an event, which stays: Ticket Closure" in said
    assert tenant.counts["delete company"] == 3


def test_two_probes_have_different_names() -> None:
    with serving() as (_, url):
        marks = set()
        for _ in range(2):
            probe(url)
            marks.add(written()["mark"])
    assert len(marks) == 2


def test_json_is_one_list_of_facts() -> None:
    with serving() as (_, url):
        done = probe(url, "--format", "json")
    rows = json.loads(done.stdout)
    assert len(rows) == len(written()["facts"]) - 1
    assert rows[0] == {
        "fact": "query-nothing",
        "question": "What does a query answer that finds nothing?",
        "verdict": "as assumed",
        "answer": "an empty list in data.records",
        "assumed": "an empty list in data.records",
        "certainty": "recorded",
        "constant": "gainsight.finds_record",
        "page": "explanation/gainsight.md#companies",
    }


# --- asking first -----------------------------------------------------------------------------------------------------


def test_without_a_terminal_and_without_yes_nothing_is_sent() -> None:
    with serving() as (tenant, url):
        done = run("probe", *QUICK, "--base-url", url)
    assert (done.returncode, tenant.counts.total()) == (2, 0)
    assert done.stderr.decode().splitlines()[-1] == (
        "Error: there is no terminal to ask at: to go on all the same, add --yes"
    )
    assert not Path("probe.json").exists()


@pytest.mark.parametrize(("reply", "status"), [("n", 2), ("", 2), ("y", 0)])
def test_at_a_terminal_it_asks(reply: str, status: int) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{reply}\n".encode())
    with (
        serving() as (tenant, url),
        os.fdopen(theirs) as stdin,
        tempfile.TemporaryFile("w+", encoding="utf8") as out,
        tempfile.TemporaryFile("w+", encoding="utf8") as err,
    ):
        arguments = ("probe", *QUICK, "--base-url", url)
        assert called(arguments, stdin=stdin, stdout=out, stderr=err) == status
        err.seek(0)
        said = err.read()
    os.close(ours)
    assert ("Nothing was sent." in said) == (status == 2)
    assert bool(tenant.counts) == (status == 0)


# --- what fails -------------------------------------------------------------------------------------------------------


def free_url() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_closed_port_ends_it_before_anything_is_written() -> None:
    done = probe(free_url())
    assert done.returncode == 2
    said = "the first question, which changes nothing, was not answered: find company: the connection failed"
    assert said in done.stderr.decode()
    assert written()["facts"]["create-answer"] == {
        "unasked": "the probe could not go on",
        "expected": "Gsids in data.records",
        "calls": [],
    }


def test_a_host_that_hangs_ends_it_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        done = probe(f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", 1)
    assert done.returncode == 2
    assert written()["complete"] is False


def test_a_wrong_key_ends_it_before_anything_is_written() -> None:
    with serving(faults=[PlannedFault("401")]) as (tenant, url):
        done = probe(url)
    assert done.returncode == 2
    assert "the access key is not authorized" in done.stderr.decode()
    assert names_in(tenant) == [*THEIRS]


@pytest.mark.again
@pytest.mark.parametrize("kind", ["dropped-after", "500", "html", "429-retry-after"])
def test_a_fault_on_the_wire_changes_nothing_but_its_answer(kind: str) -> None:
    for number in (6, 9, 34):
        with serving(faults=[PlannedFault(kind, calls=(number,))]) as (tenant, url):
            done = probe(url)
        assert done.returncode in {0, 1}, done
        assert names_in(tenant) == [*THEIRS]


def test_a_company_that_cannot_be_deleted_is_named() -> None:
    with serving(faults=[PlannedFault("result-false", calls=(*range(34, 100),))]) as (tenant, url):
        done = probe(url)
    left = {*names_in(tenant)} - {*THEIRS}
    said = done.stderr.decode()
    assert done.returncode == 1
    assert left == {*written()["left"]["companies"]}
    assert all(name in said.partition("delete them in Gainsight")[2] for name in left)


def test_a_limit_of_calls_is_waited_for() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 5
        return now[0]

    with serving(calls_per_minute=10, clock=clock) as (tenant, url):
        done = probe(url)
    assert done.returncode == 0, done
    assert tenant.throttled > 0
    assert names_in(tenant) == [*THEIRS]


def test_a_429_is_provoked_only_on_request() -> None:
    with serving(calls_per_minute=60, clock=lambda: 0.0) as (tenant, url):
        done = probe(url, "--until-throttled")
    data = written()
    assert (done.returncode, tenant.throttled > 0) == (1, True), "on a clock that stands still, nothing is deleted"
    assert data["facts"]["throttled"]["answer"] == "HTTP 429, GU_2400"
    assert data["facts"]["throttled-headers"]["answer"] == "x-ratelimit-limit"
    assert "nobody's calls get through" in done.stderr.decode()


# --- its end ----------------------------------------------------------------------------------------------------------


@pytest.mark.again
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_half_way_it_deletes_the_companies_and_keeps_what_it_knows(how: signal.Signals) -> None:
    with serving(faults=[PlannedFault("slow", calls=(8,), seconds=0.5)]) as (tenant, url):
        with asked_to_end(lambda: tenant.counts.total() >= 8, how):
            done = probe(url)
        assert done.returncode == 128 + how, done
        assert names_in(tenant) == [*THEIRS]
    data = written()
    assert data["complete"] is False
    assert data["facts"]["create-answer"]["answer"] == "Gsids in data.records"
    assert data["facts"]["same-name"]["unasked"] == "the probe was ended"
    assert data["left"] == {"companies": [], "people": []}
    assert "Ending: the companies are deleted first" in done.stderr.decode()


def test_asked_to_end_before_it_has_written_anything_it_just_ends() -> None:
    with serving(faults=[PlannedFault("slow", calls=(2,), seconds=0.5)]) as (tenant, url):
        with asked_to_end(lambda: tenant.counts.total() >= 2):
            done = probe(url)
        assert (done.returncode, tenant.counts.total()) == (130, 2)
    assert "Ending" not in done.stderr.decode()


@pytest.mark.process
def test_what_a_kill_has_left_is_deleted_by_the_file_that_it_has_left() -> None:
    with serving(faults=[PlannedFault("slow", calls=(9,), seconds=3)]) as (tenant, url):
        with started("probe", *QUICK, "--yes", "--base-url", url) as process:
            until(lambda: tenant.counts.total() >= 9)
            process.kill()
            process.wait()
        assert len(names_in(tenant)) == len(THEIRS) + 2
        assert written()["complete"] is False
        assert [*Path().glob(".probe.json-*")] == []
        done = run("probe", *QUICK, "--yes", "--base-url", url, "--clean-up", "probe.json")
    assert (done.returncode, names_in(tenant)) == (0, [*THEIRS])
    assert done.stdout.decode() == "2 company records deleted.\n"


def test_cleaning_up_says_first_what_it_deletes() -> None:
    with serving() as (tenant, url):
        probe(url)
        before = tenant.counts.total()
        done = run("probe", *QUICK, "--base-url", url, "--clean-up", "probe.json")
    assert (done.returncode, tenant.counts.total()) == (2, before)
    assert f"gainsight-dest-probe-{written()['mark']}-4" in done.stderr.decode()


def test_a_file_that_cannot_be_written_keeps_no_company_in_the_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write_whole", full)
    with serving() as (tenant, url):
        done = probe(url)
    assert (done.returncode, names_in(tenant)) == (2, [*THEIRS])
    assert "probe.json cannot be written: No space left on device" in done.stderr.decode()


@pytest.mark.parametrize("error", [ReaderGoneError(), BrokenPipeError()])
def test_whoever_has_stopped_reading_keeps_no_company_in_the_tenant(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise error

    monkeypatch.setattr(show, "console_on_stderr", gone)
    with serving() as (tenant, url):
        done = probe(url)
    assert (done.returncode, names_in(tenant)) == (0, [*THEIRS])
    assert written()["complete"] is True


# --- comparing --------------------------------------------------------------------------------------------------------


def test_a_probe_is_compared_without_asking_anybody() -> None:
    with serving() as (tenant, url):
        probe(url)
        before = tenant.counts.total()
        done = run("probe", "--compare", "probe.json")
    assert (done.returncode, tenant.counts.total()) == (0, before)


def test_what_differs_is_told_with_the_page_and_the_constant_to_change() -> None:
    with serving() as (_, url):
        probe(url)
    data = written()
    data["facts"]["people-path"]["answer"] = "only /v1/peoplemgmt/v1.0/people"
    Path("probe.json").write_text(json.dumps(data), "utf8")
    done = run("probe", "--compare", "probe.json")
    assert done.returncode == 1
    assert (
        "people-path: Which path takes people? Change gainsight.PEOPLE_PATH, and docs/explanation/gainsight.md#people."
        in done.stdout.decode()
    )


# --- wrong use --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--yes"], "--config FILE is needed, or --compare FILE"),
        (["--compare", "destination.json"], "destination.json: not what `probe` writes: it holds no facts"),
        (["--compare", "nowhere.json"], "nowhere.json cannot be read: No such file or directory"),
        (["--compare", "a", "--yes"], "--compare and --yes contradict each other"),
        (["--compare", "a", "--clean-up", "a"], "--compare and --clean-up contradict each other"),
        (["--clean-up", "a", "--until-throttled"], "--clean-up and --until-throttled contradict"),
        ([*QUICK, "--clean-up", "destination.json"], "not what `probe` writes"),
        ([*QUICK, "--out", "destination.json"], "destination.json is the config: name another file for --out"),
        ([*QUICK, "--out", "no/such/folder"], "no/such/folder cannot be written: there is no such folder"),
        ([*QUICK, "--send-test-event", "Nothing"], "--send-test-event: "),
        ([*QUICK, "--base-url", "ftp://x"], "--base-url"),
        ([*QUICK, "--calls-per-minute", "-1"], "--calls-per-minute"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_sent(arguments: list[object], problem: str) -> None:
    done = run("probe", *arguments)
    assert done.returncode == 2, done
    assert problem in done.stderr.decode()
    assert not Path("probe.json").exists()


def test_a_config_without_a_key_is_refused() -> None:
    Path("destination.json").write_text(json.dumps({**SETTINGS, "accessKey": ""}), "utf8")
    assert wrong_use(run("probe", *QUICK)) == "destination.json: accessKey: is needed to ask a tenant"
