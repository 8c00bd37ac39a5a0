"""`gainsight-dest deliver` to a sandbox behind a local port."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import DestinationConfig
from gainsight_dest.batching.defaults import BATCH
from gainsight_dest.cli import progress
from gainsight_dest.cli.deliver import COLUMNS, FileDelivery
from gainsight_dest.cli.files import nowhere
from gainsight_dest.cli.progress import Look
from gainsight_dest.deliver import Deliverer
from gainsight_dest.deliver.flow import Trouble
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests import some
from tests.cli.process import (
    CONFIG,
    EVENTS,
    LONGEST,
    Done,
    asked_to_end,
    ended,
    lines,
    ndjson,
    run,
    started,
    table,
    until,
    wrong_use,
)
from tests.cli.terminal import SHOW_CURSOR, on_a_terminal, plain, run_on_a_terminal
from tests.some import FREE, group, identify, track

DESTINATION = json.loads(CONFIG.read_bytes())
SETTINGS = DESTINATION["Config"]
HOST = f"https://{SETTINGS['domain']}"


@attrs.frozen
class Tenant:
    """A sandbox and its address."""

    sandbox: Sandbox
    url: str

    @property
    def calls(self) -> int:
        return sum(self.sandbox.counts.values())

    @property
    def emails(self) -> set[str]:
        return {person["Email"] for person in self.sandbox.people}

    def command(self, *arguments: object, config: Path = CONFIG) -> list[object]:
        first = ["deliver", "--config", config, "--base-url", self.url]
        limit = [] if "--calls-per-minute" in arguments else ["--calls-per-minute", "0"]
        return [*first, *limit, *arguments]

    def deliver(self, *arguments: object, stdin: bytes = b"", config: Path = CONFIG) -> Done:
        return run(*self.command(*arguments, config=config), stdin=stdin)


def told(done: Done) -> list[str]:
    """The lines of the log, without their times."""
    return re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (.+)$", done.stderr.decode(), re.MULTILINE)


def could_not_be_finished(done: Done) -> str:
    """Why the run was ended: that is told below the log."""
    log, _, error = b"\n".join([b"", done.stderr]).rpartition(b"\nError: ")
    assert log.count(b"\n") == len(told(done)) > 0
    return wrong_use(Done(done.args, done.returncode, done.stdout, b"Error: " + error))


@contextmanager
def serving(*faults: PlannedFault, sleep: Callable[[float], object] | None = None) -> Iterator[Tenant]:
    sandbox = Sandbox(DestinationConfig.from_rudderstack(DESTINATION), faults=faults, **FREE)
    with Server(sandbox, sleep=sleep) as server:
        yield Tenant(sandbox, server.url)


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    with serving() as tenant:
        yield tenant


def people(number: int) -> list[dict[str, Any]]:
    return [identify(f"p{n}@example.com") | {"messageId": f"m-{n}"} for n in range(number)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Events of five people."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson(*people(5)))
    return file


# --- what comes in, what comes out ------------------------------------------------------------------------------------


def test_all_delivered_ends_with_0(tenant: Tenant, file: Path) -> None:
    done = tenant.deliver(file)
    assert done.returncode == 0
    assert told(done) == [f"delivering 5 events of {file} to {HOST} by way of {tenant.url}, at most 50,000 calls a day"]
    assert done.stderr.count(b"\n") == 1
    assert table(done)["all"] == {"events": 5, "delivered": 5, "failed": 0, "skipped": 0, "not tried": 0, "calls": 5}
    assert tenant.emails == {event["traits"]["email"] for event in people(5)}


def test_the_examples_end_with_1_and_the_table_tells_what_gainsight_holds(tenant: Tenant) -> None:
    done = tenant.deliver(EVENTS)
    assert done.returncode == 1
    counts = table(done)
    assert counts["all"]["events"] == len(EVENTS.read_bytes().splitlines())
    assert counts["all"]["calls"] == tenant.calls
    assert counts["track"]["delivered"] == len(tenant.sandbox.events)
    assert counts["page"]["skipped"] == 1
    for name in ("events", "delivered", "failed", "skipped", "calls"):
        assert counts["all"][name] == sum(row[name] for kind, row in counts.items() if kind != "all")
    assert re.search(
        r"RejectedError +update company: a date is not understood \(HTTP 400, GSOBJ_1006", str(done.stdout)
    )


def test_merged_or_not_the_same_becomes_of_the_examples_in_fewer_calls() -> None:
    tables = []
    for how in (["--no-batch"], ["--batch", 3], []):
        with serving() as tenant:
            tables.append(table(tenant.deliver(EVENTS, *how)))
            assert tables[-1]["all"]["calls"] == tenant.calls
    calls = [counts["all"]["calls"] for counts in tables]
    assert calls[0] > calls[1] > calls[2]
    for counts in tables:
        for row in counts.values():
            del row["calls"]
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize(
    ("how", "count"),
    [
        ([], 1),  # by default it lingers a second
        pytest.param(["--linger", 0.05], 4, marks=pytest.mark.long),
        pytest.param(["--batch", 3, "--linger", 0.05], 4, marks=pytest.mark.long),
        pytest.param(["--linger", 0], 4, marks=pytest.mark.long),
        (["--no-batch"], 4),
    ],
    ids=lambda value: " ".join(map(str, value)) or "as it is" if isinstance(value, list) else "",
)
def test_what_comes_on_a_pipe_is_sent_before_the_pipe_is_closed(how: list[object], count: int, tenant: Tenant) -> None:
    with started(*tenant.command("-", *how)) as process:
        assert process.stdin is not None
        for number, line in enumerate(ndjson(*people(count)).splitlines(keepends=True), 1):
            process.stdin.write(line)
            process.stdin.flush()
            until(lambda: len(tenant.emails) == number)  # noqa: B023 - it is called at once
        process.stdin.close()
        assert process.wait(timeout=LONGEST) == 0


def test_the_file_of_errors_holds_the_failed_events_as_they_came_with_the_reason(
    tenant: Tenant, tmp_path: Path
) -> None:
    errors = tmp_path / "errors.ndjson"
    done = tenant.deliver(EVENTS, "--errors", errors)
    came = EVENTS.read_text("utf8").splitlines()
    kept = lines(errors.read_bytes())
    assert len(kept) == table(done)["all"]["failed"]
    for line in kept:
        text, error = came[line["number"] - 1], line["error"]
        assert set(error) == {"kind", "path", "message", "status", "code", "request_id", "attempts"}
        raw = text if error["kind"] == "NotJSON" else json.loads(text)
        nested = raw if isinstance(raw, dict) and "message" in raw else {"message": raw}
        assert line == {**nested, "number": line["number"], "error": error}
    refused = [line["error"] for line in kept if line["error"]["kind"] == "RejectedError"]
    assert [(error["status"], error["code"]) for error in refused] == [(400, "GSOBJ_1006"), (400, "GSOBJ_VDTBOOL1001")]
    assert all(error["request_id"] and error["attempts"] == 1 for error in refused)
    assert all(line["error"]["attempts"] == 0 for line in kept if line["error"]["kind"] == "EventError")


def test_the_file_of_errors_can_be_mended_and_sent_again(tenant: Tenant, tmp_path: Path) -> None:
    errors, again = tmp_path / "errors.ndjson", tmp_path / "again.ndjson"
    tenant.deliver(EVENTS, "--errors", errors)
    kept = lines(errors.read_bytes())
    (optout,) = (line for line in kept if line["error"]["code"] == "GSOBJ_VDTBOOL1001")
    optout["message"]["traits"] |= {"emailOptOut": True, "comments": "fixed"}
    errors.write_bytes(ndjson(*kept))
    counts = table(tenant.deliver(errors, "--errors", again))["all"]
    assert (counts["delivered"], counts["failed"]) == (1, len(kept) - 1)
    assert len(lines(again.read_bytes())) == len(kept) - 1
    (person,) = (person for person in tenant.sandbox.people if person.get("Comments") == "fixed")
    assert person["EmailOptOut"] is True


@pytest.mark.parametrize(
    ("data", "status", "expected"),
    [
        (ndjson(*people(3)), 0, (3, 3, 0)),
        (json.dumps(people(3)).encode(), 0, (3, 3, 0)),
        (gzip.compress(ndjson(*people(3)), mtime=0), 0, (3, 3, 0)),
        (ndjson(*({"message": event} for event in people(3))), 0, (3, 3, 0)),
        (b"", 0, (0, 0, 0)),
        (ndjson(*people(2)) + b"{oops\n", 1, (3, 2, 1)),
        (json.dumps(people(2)).encode()[:-1], 1, (3, 2, 1)),
    ],
    ids=["lines", "array", "gzip", "nested", "empty", "a line that is no JSON", "a broken array"],
)
def test_events_come_on_standard_input_in_many_forms(
    data: bytes, status: int, expected: tuple[int, ...], tenant: Tenant
) -> None:
    done = tenant.deliver("-", stdin=data)
    assert done.returncode == status
    counts = table(done)["all"]
    assert (counts["events"], counts["delivered"], counts["failed"]) == expected
    assert b"Traceback" not in done.stderr


def test_a_file_that_breaks_off_is_delivered_as_far_as_it_goes(tenant: Tenant, tmp_path: Path) -> None:
    file, errors = tmp_path / "events.gz", tmp_path / "errors"
    whole = gzip.compress(ndjson(*({**event, "anonymousId": str(hash(event["messageId"]))} for event in people(300))))
    file.write_bytes(whole[: len(whole) // 2])
    done = tenant.deliver(file, "--errors", errors)
    counts = table(done)
    assert done.returncode == 1
    assert b"its gzip data ends too early" in done.stdout
    assert counts["all"]["delivered"] == len(tenant.emails) > 0
    assert counts["all"]["failed"] == 1
    assert errors.read_bytes() == b""


def test_a_dry_run_prints_what_transform_does_and_sends_nothing(tenant: Tenant) -> None:
    done = tenant.deliver(EVENTS, "--dry-run")
    transformed = run("transform", EVENTS, "--config", CONFIG)
    assert (done.returncode, done.stdout) == (transformed.returncode, transformed.stdout)
    assert tenant.calls == 0


# --- wrong use --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "EVENTS and --config FILE are needed"),
        ([EVENTS], "EVENTS and --config FILE are needed"),
        (["--config", CONFIG], "EVENTS and --config FILE are needed"),
        (["no-such-file", "--config", CONFIG], "'no-such-file' does not exist"),
        ([EVENTS, "--config", "no-such-file"], "'no-such-file' does not exist"),
        ([EVENTS, "--config", CONFIG, "--workers", 0], "0 is not in the range 1<=x<=64"),
        ([EVENTS, "--config", CONFIG, "--calls-per-minute", -1], "-1 is not in the range x>=0"),
        ([EVENTS, "--config", CONFIG, "--retry-failed"], "name one with --journal"),
        ([EVENTS, "--config", CONFIG, "--keep-events"], "name one with --journal"),
        *(
            ([EVENTS, "--config", CONFIG, "--budget", share], "must be a share such as 70%")
            for share in ("0%", "101%", "70", "-5%", "all", "70 %", "1e1%", "nan%", "")
        ),
    ],
)
def test_wrong_use_ends_with_2_and_says_how_it_goes(arguments: list[object], reason: str) -> None:
    done = run("deliver", *arguments)
    assert done.returncode == 2
    assert "deliver [OPTIONS] [EVENTS]" in done.stderr.decode()
    assert reason in done.stderr.decode()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com", "base_url: must be https: plain http would show the keys"),
        ("example.com", "base_url: must be a URL such as"),
        ("http://127.0.0.1:99999", "base_url: must be a URL such as"),
        ("https://user:word@example.com", "base_url: must be a URL such as"),
    ],
)
def test_a_base_url_that_would_show_the_keys_is_refused(url: str, reason: str) -> None:
    assert wrong_use(run("deliver", EVENTS, "--config", CONFIG, "--base-url", url)).startswith(reason)


@pytest.mark.again
@pytest.mark.parametrize("target", ["events", "config", "journal"])
def test_the_errors_are_not_written_over_another_file_of_the_run(
    target: str, tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    files = {"events": file, "config": tmp_path / "config.json", "journal": tmp_path / "journal"}
    files["config"].write_bytes(CONFIG.read_bytes())
    tenant.deliver(file, "--journal", files["journal"])
    before = files[target].read_bytes()
    options = ["--journal", files["journal"], "--errors", tmp_path / "." / files[target].name]
    done = tenant.deliver(file, *options, config=files["config"])
    assert "name another" in wrong_use(done)
    assert files[target].read_bytes() == before


@pytest.mark.again
@pytest.mark.parametrize("target", ["events", "config", "journal", "journal-lock"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_the_errors_are_not_written_over_another_file_of_the_run_by_another_name(
    link: Callable[[Path, Path], None], target: str, tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    files = {"events": file, **{name: tmp_path / name for name in ("config", "journal", "journal-lock")}}
    files["config"].write_bytes(CONFIG.read_bytes())
    tenant.deliver(file, "--journal", files["journal"])
    before = files[target].read_bytes()
    link(tmp_path / "errors", files[target])
    done = tenant.deliver(file, "--journal", files["journal"], "--errors", tmp_path / "errors", config=files["config"])
    assert "name another" in wrong_use(done)
    assert files[target].read_bytes() == before


def test_the_errors_can_be_read_by_this_user_only(tenant: Tenant, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        tenant.deliver(EVENTS, "--errors", tmp_path / "errors")
        assert stat.S_IMODE((tmp_path / "errors").stat().st_mode) == 0o600
    finally:
        os.umask(before)


# --- a full disk ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
@pytest.mark.parametrize("how", [[], ["--no-batch", "--workers", 1]], ids=["in batches", "one by one"])
def test_an_error_that_cannot_be_written_ends_the_run_and_names_the_file(
    how: list[object], tenant: Tenant, tmp_path: Path
) -> None:
    file, journal = tmp_path / "events", tmp_path / "journal"
    file.write_bytes(ndjson(*people(2), {"type": "identify"}, *people(5)[2:]))
    options = [file, "--journal", journal, *how]
    done = tenant.deliver(*options, "--errors", "/dev/full")
    assert could_not_be_finished(done) == (
        "/dev/full cannot be written: No space left on device. The run was ended: event 3 and later ones are not in "
        "it. Make room and run the same command: the journal has them all"
    )
    counts = table(done)["all"]
    assert (counts["events"], counts["failed"]) == (6, 1)
    assert counts["delivered"] + counts["not tried"] == 5
    assert counts["delivered"] == len(tenant.emails)
    again = tenant.deliver(*options, "--errors", tmp_path / "errors")
    assert table(again)["all"] == {**counts, "delivered": 5, "not tried": 0, "calls": 5 - counts["delivered"]}
    assert [each["number"] for each in lines((tmp_path / "errors").read_bytes())] == [3]


def test_a_disk_that_becomes_full_cuts_no_dead_letter(tenant: Tenant, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="where a disk cannot be made small")
    file, errors = tmp_path / "events", tmp_path / "errors"
    file.write_bytes(ndjson(*({"type": "identify", "n": "x" * 300} for _ in range(5))))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        done = tenant.deliver(file, "--errors", errors)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert could_not_be_finished(done) == (
        f"{errors} cannot be written: File too large. The run was ended: event 4 and later ones are not in it"
    )
    assert [each["number"] for each in lines(errors.read_bytes())] == [1, 2, 3]
    assert table(done)["all"]["failed"] == 5  # what is at fault by itself needs no call


def test_a_journal_that_is_taken_away_ends_the_run_and_what_was_sent_is_told(tmp_path: Path) -> None:
    file, journal = tmp_path / "events", tmp_path / "journal"
    file.write_bytes(ndjson(*people(9)))

    class Thief(Sandbox):
        def receive(self, *call: Any) -> Any:
            if sum(self.counts.values()) == 4:
                journal.unlink()
            return super().receive(*call)

    sandbox = Thief(DestinationConfig.from_rudderstack(DESTINATION), **FREE)
    with Server(sandbox) as server:
        tenant = Tenant(sandbox, server.url)
        done = tenant.deliver(file, "--journal", journal, "--no-batch", "--workers", 1)
    assert could_not_be_finished(done).startswith(
        f"{journal}: it was removed, moved or replaced while this run used it"
    )
    assert table(done)["all"]["delivered"] == 4
    assert tenant.calls == 5


# --- a line that is being written -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--no-batch"], ["--no-batch", "--workers", "1"]], ids=" ".join)
def test_a_last_line_that_is_half_written_waits_for_the_next_run(
    how: list[str], tenant: Tenant, tmp_path: Path
) -> None:
    file, errors, whole = tmp_path / "events", tmp_path / "errors", ndjson(*people(4))
    options = [file, "--journal", tmp_path / "journal", "--errors", errors, *how]
    file.write_bytes(whole[:-20])
    done = tenant.deliver(*options)
    assert done.returncode == 1
    counts = table(done)["all"]
    assert (counts["events"], counts["delivered"], counts["failed"], counts["not tried"]) == (4, 3, 0, 1)
    assert "The last line is not complete yet. Run the same command when it is." in str(done.stdout)
    (letter,) = lines(errors.read_bytes())
    assert (letter["number"], letter["error"]["kind"]) == (4, "NotTried")
    assert letter["error"]["message"] == "the last line is not complete yet"

    file.write_bytes(whole)
    done = tenant.deliver(*options)
    assert done.returncode == 0
    assert table(done)["all"]["calls"] == 1
    assert len(tenant.emails) == 4
    assert errors.read_bytes() == b""


def test_a_last_line_that_is_no_json_has_failed_where_no_journal_waits_for_it_or_the_line_has_ended(
    tenant: Tenant, tmp_path: Path
) -> None:
    file = tmp_path / "events"
    for content, options in [(b'{"type": ', []), (b'{"type": \n', ["--journal", tmp_path / "journal"])]:
        file.write_bytes(content)
        counts = table(tenant.deliver(file, *options))["all"]
        assert (counts["failed"], counts["not tried"]) == (1, 0)


def test_a_wrong_key_ends_the_run_at_its_first_call(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    wrong, errors, journal = tmp_path / "wrong.json", tmp_path / "errors", tmp_path / "journal"
    wrong.write_text(json.dumps({**SETTINGS, "accessKey": "a-wrong-key"}))
    options = ["--errors", errors, "--journal", journal, "--workers", 1]
    done = tenant.deliver(file, *options, config=wrong)
    assert could_not_be_finished(done).startswith(
        "the run was ended: upsert person: the access key is not authorized (HTTP 401"
    )
    assert tenant.calls == 1
    counts = table(done)["all"]
    assert (counts["failed"], counts["not tried"]) == (1, 4)
    kept = lines(errors.read_bytes())
    assert [line["error"]["kind"] for line in kept] == ["CredentialsError"] + ["NotTried"] * 4
    assert [line["message"] for line in kept] == people(5)

    again = tenant.deliver(file, *options)  # with the right key nothing ends any more
    assert again.returncode in {0, 1}  # the one that failed may be left to --retry-failed
    assert tenant.deliver(file, *options, "--retry-failed").returncode == 0
    assert len(tenant.emails) == 5


@pytest.mark.parametrize("batch", [[], ["--no-batch"]])
def test_a_run_that_ends_by_itself_says_why_and_goes_on_by_the_same_command(
    batch: list[str], file: Path, tmp_path: Path
) -> None:
    options = ["--journal", tmp_path / "journal", *batch]
    with serving(PlannedFault("429-retry-after", calls=(3,), seconds=14_400)) as tenant:
        done = tenant.deliver(file, *options, "--workers", 1)
        reason = "the run was ended: Gainsight asks for a wait of 4 hours (https://"
        assert could_not_be_finished(done).startswith(reason)
        assert tenant.url in could_not_be_finished(done)
        counts = table(done)["all"]
        assert (counts["delivered"], counts["failed"], counts["not tried"]) == (2, 0, 3)
        assert tenant.deliver(file, *options).returncode == 0
        assert len(tenant.emails) == 5


# --- the journal ------------------------------------------------------------------------------------------------------


def test_a_second_run_with_the_journal_sends_nothing_and_says_so(tenant: Tenant, tmp_path: Path) -> None:
    options = ["--journal", tmp_path / "journal", "--errors", tmp_path / "errors"]
    first = tenant.deliver(EVENTS, *options)
    errors, calls = (tmp_path / "errors").read_bytes(), tenant.calls
    second = tenant.deliver(EVENTS, *options)
    assert (first.returncode, second.returncode) == (1, 1)
    assert tenant.calls == calls
    assert f"{table(first)['all']['events']} of them were in the journal already" in str(second.stdout)
    assert table(second)["all"] == {**table(first)["all"], "calls": 0}
    assert (tmp_path / "errors").read_bytes() == errors


def test_failed_events_are_sent_again_on_request(file: Path, tmp_path: Path) -> None:
    options = [file, "--workers", 1, "--journal", tmp_path / "journal"]
    with serving(PlannedFault("result-false", calls=(2, 4))) as tenant:
        assert table(tenant.deliver(*options))["all"]["failed"] == 2
        assert tenant.deliver(*options).returncode == 1
        assert tenant.calls == 5
        done = tenant.deliver(*options, "--retry-failed")
        assert done.returncode == 0
        assert (table(done)["all"]["delivered"], table(done)["all"]["calls"]) == (5, 2)
        assert len(tenant.emails) == 5


def test_the_journal_of_another_target_or_of_other_events_is_refused(
    tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    tenant.deliver(file, "--journal", journal)
    with serving() as other:
        assert wrong_use(other.deliver(file, "--journal", journal)) == (
            f"{journal}: is the journal of a delivery to {HOST} by way of {tenant.url}, "
            f"not to {HOST} by way of {other.url}: name another file"
        )
        assert other.calls == 0
    file.write_bytes(ndjson(*people(6)[1:]))
    assert could_not_be_finished(tenant.deliver(file, "--journal", journal)) == (
        f"{journal}: event 1 is not the one that it knows: were the events changed? "
        "Give those that it knows, or name a new file"
    )
    assert tenant.calls == 5


def test_the_journal_of_another_tenant_behind_the_same_url_is_refused(
    tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    other, journal = tmp_path / "other.json", tmp_path / "journal"
    other.write_text(json.dumps({**SETTINGS, "domain": "other.gainsightcloud.com"}))
    tenant.deliver(file, "--journal", journal)
    problem = wrong_use(tenant.deliver(file, "--journal", journal, config=other))
    assert f"not to https://other.gainsightcloud.com by way of {tenant.url}" in problem
    assert tenant.calls == 5


@pytest.mark.parametrize("option", ["--journal", "--report", "--errors", "--metrics-file"])
def test_a_file_without_a_name_is_no_file(option: str, tenant: Tenant, file: Path) -> None:
    events = [] if option == "--report" else [file]
    assert "name" in wrong_use(tenant.deliver(*events, option, ""))
    assert tenant.calls == 0


@pytest.mark.parametrize("kind", ["no database", "another database", "a folder", "in no folder"])
@pytest.mark.parametrize("option", ["--journal", "--report"])
def test_what_is_no_journal_is_refused_in_one_line(
    option: str, kind: str, tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "that"
    if kind == "no database":
        path.write_bytes(b"hello\n" * 1000)
    elif kind == "another database":
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE songs (name)")
    elif kind == "a folder":
        path.mkdir()
    else:
        path = path / "journal"
    before = path.read_bytes() if path.is_file() else None
    events = [] if option == "--report" else [file]
    assert wrong_use(tenant.deliver(*events, option, path)).startswith(f"{path}: ")
    assert tenant.calls == 0
    assert before == (path.read_bytes() if path.is_file() else None) or kind == "another database"


@pytest.mark.process
def test_a_journal_that_another_run_has_is_refused(file: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with serving(PlannedFault("slow", seconds=60)) as tenant:
        with started(*tenant.command(file, "--journal", journal)) as process:
            until(lambda: tenant.calls)
            problem = wrong_use(tenant.deliver(file, "--journal", journal))
            assert problem.startswith(f"{journal}: is in use by another run")
            process.kill()  # asked to end, it would wait for the call
        done = run("deliver", "--report", journal)
        assert done.returncode == 0


def test_a_report_tells_how_long_the_runs_took_and_what_they_spent(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    done = [json.loads(tenant.deliver(file, "--journal", journal, "--format", "json").stdout) for _ in range(2)]
    report = json.loads(run("deliver", "--report", journal, "--format", "json").stdout)
    assert [each["calls"] for each in (*done, report)] == [5, 0, 5]
    assert (report["runs"], report["exit_status"], report["total"]) == (2, 0, done[0]["total"])
    assert 0 < report["seconds"] < 60
    assert report["events_per_minute"] == pytest.approx(5 * 60 / report["seconds"], rel=0.02)
    assert report["seconds_waited"] == 0
    assert report["first_outcome"] <= report["last_outcome"]
    words = rb"^2 runs: .* events a minute, 5 calls, 0 s of waiting\.$"
    assert re.search(words, run("deliver", "--report", journal).stdout, re.MULTILINE)


def test_a_report_tells_what_the_journal_holds_and_sends_nothing(tenant: Tenant, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    done = tenant.deliver(EVENTS, "--journal", journal)
    calls = tenant.calls
    report = run("deliver", "--report", journal)
    assert report.returncode == 1
    assert table(report) == table(done)
    assert b"First outcome 20" in report.stdout
    assert tenant.calls == calls


def test_a_report_of_an_empty_or_missing_file_says_so(tenant: Tenant, tmp_path: Path) -> None:
    missing, empty, nothing = tmp_path / "missing", tmp_path / "empty", tmp_path / "nothing"
    empty.touch()
    nothing.touch()
    assert wrong_use(run("deliver", "--report", missing)) == f"{missing}: there is no such journal"
    assert not missing.exists()
    assert "no journal" in wrong_use(run("deliver", "--report", empty))
    tenant.deliver(nothing, "--journal", tmp_path / "journal")  # of a run without events
    report = run("deliver", "--report", tmp_path / "journal")
    assert report.returncode == 0
    assert table(report)["all"]["events"] == 0


# --- the end on request -----------------------------------------------------------------------------------------------


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_an_end_half_way_loses_nothing_and_the_journal_goes_on_from_there(how: signal.Signals, tmp_path: Path) -> None:
    file, journal, errors = tmp_path / "events", tmp_path / "journal", tmp_path / "errors"
    file.write_bytes(ndjson(*people(100)))
    answered = threading.Event()  # the calls under way are, once it has been asked to end
    with serving(PlannedFault("slow", calls=tuple(range(9, 50))), sleep=lambda _: answered.wait(LONGEST)) as tenant:
        options = [file, "--journal", journal, "--errors", errors]
        with started(*tenant.command(*options)) as process:
            until(lambda: tenant.calls > 8)
            threading.Timer(0.3, answered.set).start()
            done = ended(process, how)
        assert done.returncode == 128 + how
        assert b"Ended on request. Run the same command to continue." in done.stdout
        counts = table(done)["all"]
        assert counts["delivered"] == counts["calls"] == tenant.calls == len(tenant.emails)
        assert 8 < counts["delivered"] < 100
        assert counts["events"] == counts["delivered"] + counts["not tried"]
        not_tried = lines(errors.read_bytes())
        assert {line["error"]["kind"] for line in not_tried} == {"NotTried"}
        assert {line["message"]["traits"]["email"] for line in not_tried}.isdisjoint(tenant.emails)

        again = tenant.deliver(*options)
        assert again.returncode == 0
        assert (table(again)["all"]["delivered"], table(again)["all"]["calls"]) == (100, 100 - counts["calls"])
        assert len(tenant.emails) == tenant.calls == 100


def test_without_a_journal_the_end_says_where_the_rest_begins(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(ndjson(*people(200)))
    with serving(PlannedFault("slow", seconds=0.2)) as tenant, asked_to_end(lambda: tenant.calls):
        done = tenant.deliver(file)
    assert done.returncode == 130
    assert f"Events after event {table(done)['all']['events']} were not read." in done.stdout.decode()


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize(
    ("workers", "how"),
    [
        (1, signal.SIGINT),
        (4, signal.SIGTERM),
        *(pytest.param(*each, marks=pytest.mark.long) for each in ((1, signal.SIGTERM), (4, signal.SIGINT))),
    ],
)
def test_an_end_comes_promptly_while_standard_input_is_waited_for(
    workers: int, how: signal.Signals, tenant: Tenant
) -> None:
    with started(*tenant.command("-", "--workers", workers)) as process:
        assert process.stdin is not None
        process.stdin.write(ndjson(*people(1)))
        process.stdin.flush()
        until(lambda: tenant.emails)
        process.send_signal(how)
        assert process.wait(timeout=5) == 128 + how
        assert process.stdout is not None
        done = Done([], 128 + how, process.stdout.read(), b"")
    assert table(done)["all"]["delivered"] == 1


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_asked_twice_it_ends_at_once(how: signal.Signals) -> None:
    with serving(PlannedFault("slow", seconds=60)) as tenant, started(*tenant.command(EVENTS)) as process:
        until(lambda: tenant.calls)
        process.send_signal(how)
        with pytest.raises(Exception, match="timed out"):
            process.wait(timeout=0.5)  # the call under way is waited for
        process.send_signal(how)
        assert process.wait(timeout=5) == 128 + how


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("kind", ["429", "429-retry-after"])
def test_an_end_comes_soon_while_a_retry_is_waited_for(kind: str, file: Path) -> None:
    with serving(PlannedFault(kind, seconds=600)) as tenant, started(*tenant.command(file)) as process:
        until(lambda: tenant.calls)
        asked = time.monotonic()
        done = ended(process)
        took = time.monotonic() - asked
    assert done.returncode == 130
    assert table(done)["all"]["not tried"] == table(done)["all"]["events"] > 0
    assert took < 4


@pytest.mark.parametrize("with_journal", [True, False])
def test_what_the_end_leaves_is_told_as_not_tried_and_how_to_go_on(
    with_journal: bool, file: Path, tmp_path: Path
) -> None:
    journal = ["--journal", tmp_path / "journal"] if with_journal else []
    with serving(PlannedFault("429", seconds=600)) as tenant, asked_to_end(lambda: tenant.calls):
        done = tenant.deliver(file, *journal)
    assert done.returncode == 130
    assert table(done)["all"]["not tried"] == table(done)["all"]["events"] == 5
    again = "Run the same command to continue." if with_journal else "Events after event 5 were not read."
    assert done.stdout.decode().endswith(f"\nEnded on request. {again}\n")


@contextmanager
def a_run(counts: RunCounts | None = None) -> Iterator[FileDelivery]:
    with Deliverer(some.CONFIG) as deliverer:
        yield FileDelivery(deliverer, None, counts or RunCounts(COLUMNS), nowhere)


# --- the budget -------------------------------------------------------------------------------------------------------


def test_the_budget_is_a_share_of_the_calls_and_is_waited_for(file: Path) -> None:
    with serving() as tenant, asked_to_end(lambda: tenant.calls == 2):
        done = tenant.deliver(file, "--calls-per-minute", 4, "--budget", "70%", "--workers", 1)
    assert done.returncode == 130
    assert table(done)["all"]["calls"] == tenant.calls == 2


def test_calls_that_fail_for_a_while_are_tried_again(file: Path) -> None:
    with serving(PlannedFault("429-retry-after", seconds=1, times=1)) as tenant:
        done = tenant.deliver(file, "--workers", 1)
        assert done.returncode == 0
        assert table(done)["all"] == {
            "events": 5, "delivered": 5, "failed": 0, "skipped": 0, "not tried": 0, "calls": 6
        }  # fmt: skip


@pytest.mark.process
def test_a_terminal_shows_what_is_done_and_what_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(ndjson(*people(100)))
    with serving() as tenant:
        command = tenant.command(file, "--calls-per-minute", 20)
        done = on_a_terminal(*command, at=("stdin", "stdout", "stderr"), enough=rb"waiting until")
    assert done.returncode == 130
    progress, _, tables = done.stdout.decode().rpartition(SHOW_CURSOR)
    assert re.search(r"2\d% · 20 delivered · 0 failed · 20 of 20 calls · \d+ (min|s)( \d+ s)? left", progress)
    assert re.search(r"waiting until \d\d:\d\d:\d\d: the budget of calls is used up", progress)
    progress, tables = plain(progress), plain(tables)
    assert max(map(len, re.split(r"[\r\n]+", progress))) < 78  # there is room for ^C
    assert table(Done([], 130, tables.encode(), b""))["all"]["delivered"] == 20
    assert "Ended on request" in tables


def test_the_line_on_a_terminal_is_gone_once_all_is_delivered(tenant: Tenant, file: Path) -> None:
    done = run_on_a_terminal(*tenant.command(file))
    during, after = (plain(part) for part in done.stdout.decode().rsplit(SHOW_CURSOR, 1))
    assert done.returncode == 0
    assert re.search(r"100% · 5 delivered · 0 failed", during)
    assert table(Done([], 0, after.encode(), b""))["all"]["delivered"] == 5
    assert "%" not in after


def test_the_line_counts_what_is_through_and_bears_that_it_has_just_been_told(file: Path) -> None:
    with a_run() as run, file.open("rb") as source:
        assert len([*run._events(source)]) == 5
        assert [run._bytes_ahead(number) for number in (0, 5, 6)] == [0, file.stat().st_size, 0]


# --- what is told where nobody watches --------------------------------------------------------------------------------


def test_a_log_of_json_and_a_report_of_json_hold_nothing_else(tenant: Tenant, tmp_path: Path) -> None:
    file, metrics = tmp_path / "events", tmp_path / "m.prom"
    file.write_bytes(
        ndjson(*people(2), {"type": "identify"}, {"type": "identify"}, {"type": "page"}, group([])) + b"no"
    )
    done = tenant.deliver(file, "--log-format", "json", "--format", "json", "--metrics-file", metrics)
    log, (report,) = lines(done.stderr), lines(done.stdout)
    assert [(line["about"], line.get("kind"), line.get("event")) for line in log] == [
        ("start", None, None),
        ("fault", "EventError", 3),
        ("fault", "NotJSON", 7),
    ]
    start = {"events": 7, "source": str(file), "target": f"{HOST} by way of {tenant.url}", "workers": 4, "batch": 2000}
    assert {name: log[0][name] for name in start} == start
    assert (log[0]["calls_per_minute"], log[0]["calls_per_day"]) == (None, 50_000)
    assert report["total"] == {"events": 7, "delivered": 2, "failed": 4, "skipped": 1, "not tried": 0, "calls": 2}
    assert report["types"]["page"]["skipped"] == 1
    kinds = [(each["kind"], each["first"], each["times"]) for each in report["errors"]]
    assert kinds == [("EventError", 3, 2), ("EventError", 6, 1), ("NotJSON", 7, 1)]
    assert report["skipped"] == [
        {"first": 5, "times": 1, "reason": 'type: "page" is not supported: it must be identify, group or track'}
    ]
    assert (report["calls"], report["seconds_waited"], report["resumed"]) == (2, 0, 0)
    assert (report["exit_status"], report["ended"], report["notes"]) == (1, None, [])
    assert done.returncode == 1
    assert 0 < report["seconds"] < LONGEST
    assert 'events_total{type="identify",status="failed"} 2\n' in metrics.read_text()
    assert metrics.read_text().endswith("gainsight_dest_deliver_exit_status 1\n")
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644


def test_what_ends_a_run_is_a_line_of_its_log_and_a_part_of_its_report(
    tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({**SETTINGS, "accessKey": "a-wrong-key"}))
    done = tenant.deliver(file, "--log-format", "json", "--format", "json", config=wrong)
    *_, last = lines(done.stderr)
    (report,) = lines(done.stdout)
    assert done.returncode == report["exit_status"] == 2
    assert (last["about"], last["level"]) == ("error", "error")
    assert last["message"] == report["ended"]
    assert report["ended"].startswith("the run was ended: upsert person: the access key is not authorized")


def test_a_config_that_cannot_be_used_is_told_in_the_log(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("{}")
    done = tenant.deliver(file, "--log-format", "json", config=tmp_path / "none.json")
    (line,) = lines(done.stderr)
    assert done.returncode == 2
    assert "is not a destination config" in line["message"]


def test_what_is_to_be_said_of_the_file_is_a_line_of_the_log(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "events.gz").write_bytes(gzip.compress(ndjson(*people(1))) + b"junk")
    done = tenant.deliver(tmp_path / "events.gz", "--log-format", "json")
    assert done.returncode == 0
    assert [(line["about"], line["level"]) for line in lines(done.stderr)] == [("start", "info"), ("file", "warning")]


def test_a_closed_port_is_told_of_at_once_and_nothing_is_counted_as_delivered(tmp_path: Path) -> None:
    """So are events at fault that wait for those before them to be told."""
    file = tmp_path / "events"
    file.write_bytes(ndjson(*people(2), *[{"type": "identify"}] * 25))
    seen: list[Look] = []

    def sleep(_: float) -> None:
        run._log.see()
        seen.append(run.look())
        deliverer.stop()

    counts = RunCounts(COLUMNS)
    with Deliverer(some.CONFIG, base_url="http://127.0.0.1:9", sleep=sleep) as deliverer:
        run = FileDelivery(deliverer, None, counts, nowhere)
        with file.open("rb") as source, records_of(progress.log) as records:
            run.go(source, quiet=True, batch=BATCH)
    assert [record.getMessage() for record in records] == [
        "event 3 failed: EventError: traits.email: a non-blank string is needed for identify, got null",
        "a call failed and is tried again: UnreachableError: upsert person: the connection failed"
        " (ConnectionRefusedError)",
    ]
    assert seen[0].total == {"events": 25, "failed": 25}
    assert seen[0].waiting is not None
    assert counts.total() == {"events": 27, "failed": 25, "not tried": 2, "calls": 1}


def test_seconds_of_waiting_are_those_of_the_clock_however_many_workers_wait(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(ndjson(*people(4)))
    clock = Clock()
    sandbox = Sandbox(some.CONFIG, faults=[PlannedFault("429-retry-after", calls=(1,), seconds=30)], **FREE)
    with Deliverer(some.CONFIG, sandbox.session(), sleep=clock.sleep, clock=clock) as deliverer:
        run = FileDelivery(deliverer, None, RunCounts(COLUMNS), nowhere, clock=clock)
        with file.open("rb") as source:
            run.go(source, quiet=True, batch=BATCH)
        look = run.look()
    assert look.waited == deliverer.waited == look.seconds >= 30
    assert (look.calls, look.total["delivered"]) == (5, 4)


def test_two_that_wait_side_by_side_wait_once() -> None:
    clock = Clock()
    together = threading.Barrier(2, action=lambda: clock.sleep(30), timeout=LONGEST)
    sandbox = Sandbox(some.CONFIG, faults=[PlannedFault("500", calls=(1, 2))], **FREE)
    deliverer = Deliverer(some.CONFIG, sandbox.session(), workers=2, sleep=lambda _: together.wait(), clock=clock)
    assert [outcome.status for outcome in deliverer.run(people(2))] == ["delivered"] * 2
    assert deliverer.delayed == 30
    trouble = "upsert person: Gainsight has a temporary error (HTTP 500, GU_1101)"
    assert deliverer.troubles == {"RetryableError": Trouble(trouble, 2)}


def test_quiet_tells_of_no_progress(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.deliver(EVENTS, "--quiet", "--errors", tmp_path / "errors")
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_log_is_one_at_a_terminal_too(tenant: Tenant, file: Path) -> None:
    done = run_on_a_terminal(*tenant.command(file, "--log-format", "text"))
    shown = done.stdout.decode()
    assert SHOW_CURSOR not in shown
    assert "delivering 5 events of" in shown


def test_what_comes_on_standard_input_is_not_counted_before_and_its_limits_are_told(tenant: Tenant) -> None:
    done = tenant.deliver("-", "--calls-per-day", 0, stdin=ndjson(*people(1)))
    (line,) = told(done)
    target = f"{HOST} by way of {tenant.url}"
    assert line == f"delivering events of standard input to {target}, without a limit of calls"


@pytest.mark.parametrize("target", ["events", "config", "journal", "errors"])
def test_metrics_are_not_written_over_another_file_of_the_run(
    target: str, tenant: Tenant, file: Path, tmp_path: Path
) -> None:
    files = {"events": file, **{name: tmp_path / name for name in ("config", "journal", "errors")}}
    files["config"].write_bytes(CONFIG.read_bytes())
    options = ["--journal", files["journal"], "--errors", files["errors"], "--metrics-file", files[target]]
    assert "name another file for --metrics-file" in wrong_use(tenant.deliver(file, *options, config=files["config"]))
    assert tenant.calls == 0


@contextmanager
def records_of(log: logging.Logger) -> Iterator[list[logging.LogRecord]]:
    """What is logged while this is open."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[assignment,method-assign] # which is all that it is for
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield records
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


class Clock:
    """A clock that goes by what is slept."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


# --- what is told -----------------------------------------------------------------------------------------------------


def test_verbose_tells_of_each_call_on_standard_error(tenant: Tenant, file: Path) -> None:
    begun, *calls = told(tenant.deliver(file, "--verbose"))
    assert begun.startswith("delivering 5 events")
    assert len(calls) == tenant.calls == 5
    line = r"PUT /v1\.0/api/people: HTTP 200, request id [0-9a-f-]{36}, \d+ ms"
    assert all(re.fullmatch(line, each) for each in calls)


def test_neither_keys_nor_emails_are_told_anywhere(tmp_path: Path) -> None:
    """But for the file of errors, which holds the events themselves."""
    names = ("config", "events", "journal", "errors", "metrics")
    config, file, journal, errors, metrics = (tmp_path / name for name in names)
    keys = {name: f"MARKED-{name}-1" for name in ("accessKey", "sharedSecret", "tenantId")}
    settings = {**SETTINGS, **keys}
    config.write_text(json.dumps(settings))
    email = "marked.person@example.com"
    kinds = [
        identify(email),
        identify(email, emailOptOut="perhaps"),
        group("Acme", email),
        group([{"email": email}], email),
        track(email=email),
        track("unknown", email=email),
        {"type": "page", "traits": {"email": email}},
    ]
    events = [{**event, "messageId": str(number)} for number, event in enumerate(kinds, 1)]
    file.write_bytes(ndjson(*events) + b'{"type": "identify", "traits": {"email": "marked.person@example.com"\n')
    sandbox = Sandbox(
        DestinationConfig.from_rudderstack(settings),
        calls_per_minute=None,
        faults=[PlannedFault("dropped-before", calls=(1,))],
    )
    with Server(sandbox) as server:
        tenant = Tenant(sandbox, server.url)
        options = ["--journal", journal, "--errors", errors, "--metrics-file", metrics]
        done = tenant.deliver(file, "--verbose", "--log-format", "json", *options, config=config)
    report = run("deliver", "--report", journal)
    assert table(done)["all"]["delivered"] >= 3
    assert table(done)["all"]["failed"] >= 4
    texts = [done.stdout, done.stderr, report.stdout, report.stderr, metrics.read_bytes()]
    texts += [path.read_bytes() for path in tmp_path.glob("journal*")]
    assert len(texts) > 5
    for text in texts:
        assert not re.search(rb"MARKED|marked\.person", text, re.IGNORECASE)
    assert b"marked.person" in errors.read_bytes()
    assert b"MARKED" not in errors.read_bytes()


def test_the_journal_keeps_the_events_on_request(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    tenant.deliver(file, "--journal", tmp_path / "journal", "--keep-events")
    assert b"p0@example.com" in (tmp_path / "journal").read_bytes()
    assert SETTINGS["accessKey"].encode() not in (tmp_path / "journal").read_bytes()
