"""`gainsight-dest deliver` to a sandbox behind a local port."""

from __future__ import annotations

import gzip
import json
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
from gainsight_dest.cli.deliver import COLUMNS, Run
from gainsight_dest.cli.files import nowhere
from gainsight_dest.cli.tally import Tally
from gainsight_dest.deliver import Deliverer
from gainsight_dest.sandbox import Fault, Sandbox
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


@contextmanager
def serving(*faults: Fault, sleep: Callable[[float], object] | None = None) -> Iterator[Tenant]:
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
    assert done.stderr == b""
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


@pytest.mark.process
@pytest.mark.parametrize(
    ("how", "count"),
    [
        ([], 1),  # by default it lingers a second
        pytest.param(["--linger", 0.05], 4, marks=pytest.mark.long),
        (["--batch", 3, "--linger", 0.05], 4),
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
    optout["message"]["traits"] |= {"emailOptOut": True, "comments": "mended"}
    errors.write_bytes(ndjson(*kept))
    counts = table(tenant.deliver(errors, "--errors", again))["all"]
    assert (counts["delivered"], counts["failed"]) == (1, len(kept) - 1)
    assert len(lines(again.read_bytes())) == len(kept) - 1
    (person,) = (person for person in tenant.sandbox.people if person.get("Comments") == "mended")
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
    assert wrong_use(done) == (
        "/dev/full cannot be written: No space left on device. The run was ended, and event 3 and all after it are not "
        "in there. With room for it, run the same command: the journal tells of all"
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
    assert wrong_use(done) == (
        f"{errors} cannot be written: File too large. The run was ended, and event 4 and all after it are not in there"
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
    assert wrong_use(done).startswith(f"{journal}: it was removed, moved or replaced while this run used it")
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
    assert "The last line is not whole yet. Run the same command when it is." in str(done.stdout)
    (letter,) = lines(errors.read_bytes())
    assert (letter["number"], letter["error"]["kind"]) == (4, "NotTried")
    assert letter["error"]["message"] == "the last line is not whole yet"

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
    assert wrong_use(done).startswith("the run was ended: upsert person: the access key is not authorized (HTTP 401")
    assert tenant.calls == 1
    counts = table(done)["all"]
    assert (counts["failed"], counts["not tried"]) == (1, 4)
    kept = lines(errors.read_bytes())
    assert [line["error"]["kind"] for line in kept] == ["CredentialsError"] + ["NotTried"] * 4
    assert [line["message"] for line in kept] == people(5)

    again = tenant.deliver(file, *options)  # with the right key nothing ends any more
    assert again.stderr == b""
    assert again.returncode in {0, 1}  # the one that failed may be left to --retry-failed
    assert tenant.deliver(file, *options, "--retry-failed").returncode == 0
    assert len(tenant.emails) == 5


@pytest.mark.parametrize("batch", [[], ["--no-batch"]])
def test_a_run_that_ends_by_itself_says_why_and_goes_on_by_the_same_command(
    batch: list[str], file: Path, tmp_path: Path
) -> None:
    options = ["--journal", tmp_path / "journal", *batch]
    with serving(Fault("429-retry-after", calls=(3,), seconds=14_400)) as tenant:
        done = tenant.deliver(file, *options, "--workers", 1)
        reason = "the run was ended: Gainsight asks for a wait of 4 hours (https://"
        assert wrong_use(done).startswith(reason)
        assert tenant.url in wrong_use(done)
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
    assert f"{table(first)['all']['events']} of them are told by the journal: nothing was sent" in str(second.stdout)
    assert table(second)["all"] == {**table(first)["all"], "calls": 0}
    assert (tmp_path / "errors").read_bytes() == errors


def test_failed_events_are_sent_again_on_request(file: Path, tmp_path: Path) -> None:
    options = [file, "--workers", 1, "--journal", tmp_path / "journal"]
    with serving(Fault("result-false", calls=(2, 4))) as tenant:
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
    assert wrong_use(tenant.deliver(file, "--journal", journal)) == (
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


@pytest.mark.parametrize("option", ["--journal", "--report", "--errors"])
def test_a_file_without_a_name_is_no_file(option: str, tenant: Tenant, file: Path) -> None:
    assert "name" in wrong_use(tenant.deliver(file, option, ""))
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
    assert wrong_use(tenant.deliver(file, option, path)).startswith(f"{path}: ")
    assert tenant.calls == 0
    assert before == (path.read_bytes() if path.is_file() else None) or kind == "another database"


@pytest.mark.process
def test_a_journal_that_another_run_has_is_refused(file: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with serving(Fault("slow", seconds=60)) as tenant:
        with started(*tenant.command(file, "--journal", journal)) as process:
            until(lambda: tenant.calls)
            problem = wrong_use(tenant.deliver(file, "--journal", journal))
            assert problem.startswith(f"{journal}: is in use by another run")
            process.kill()  # asked to end, it would wait for the call
        done = run("deliver", "--report", journal)
        assert done.returncode == 0


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


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_an_end_half_way_loses_nothing_and_the_journal_goes_on_from_there(how: signal.Signals, tmp_path: Path) -> None:
    file, journal, errors = tmp_path / "events", tmp_path / "journal", tmp_path / "errors"
    file.write_bytes(ndjson(*people(100)))
    answered = threading.Event()  # the calls under way are, once it has been asked to end
    with serving(Fault("slow", calls=tuple(range(9, 50))), sleep=lambda _: answered.wait(LONGEST)) as tenant:
        options = [file, "--journal", journal, "--errors", errors]
        with started(*tenant.command(*options)) as process:
            until(lambda: tenant.calls > 8)
            threading.Timer(0.3, answered.set).start()
            done = ended(process, how)
        assert done.returncode == 130
        assert done.stderr == b""
        assert b"Ended on request. Run the same command to go on." in done.stdout
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
    with serving(Fault("slow", seconds=0.2)) as tenant, asked_to_end(lambda: tenant.calls):
        done = tenant.deliver(file)
    assert done.returncode == 130
    assert f"What comes after event {table(done)['all']['events']} was not read." in done.stdout.decode()


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
        assert process.wait(timeout=5) == 130
        assert process.stdout is not None
        done = Done([], 130, process.stdout.read(), b"")
    assert table(done)["all"]["delivered"] == 1


@pytest.mark.process
def test_asked_twice_it_ends_at_once() -> None:
    with serving(Fault("slow", seconds=60)) as tenant, started(*tenant.command(EVENTS)) as process:
        until(lambda: tenant.calls)
        process.send_signal(signal.SIGINT)
        with pytest.raises(Exception, match="timed out"):
            process.wait(timeout=0.5)  # the call under way is waited for
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 130


@pytest.mark.process
@pytest.mark.parametrize("kind", ["429", "429-retry-after"])
def test_an_end_comes_soon_while_a_retry_is_waited_for(kind: str, file: Path) -> None:
    with serving(Fault(kind, seconds=600)) as tenant, started(*tenant.command(file)) as process:
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
    with serving(Fault("429", seconds=600)) as tenant, asked_to_end(lambda: tenant.calls):
        done = tenant.deliver(file, *journal)
    assert (done.returncode, done.stderr) == (130, b"")
    assert table(done)["all"]["not tried"] == table(done)["all"]["events"] == 5
    again = "Run the same command to go on." if with_journal else "What comes after event 5 was not read."
    assert done.stdout.decode().endswith(f"\nEnded on request. {again}\n")


@contextmanager
def a_run(tally: Tally | None = None) -> Iterator[Run]:
    with Deliverer(some.CONFIG) as deliverer:
        yield Run(deliverer, None, tally or Tally(COLUMNS), nowhere)


def test_an_event_that_was_just_read_when_the_end_came_is_told_as_not_tried(file: Path) -> None:
    tally = Tally(COLUMNS)
    with a_run(tally) as run, file.open("rb") as source:
        next(run._events(source))
        run._close()
    assert tally.types == {"identify": {"events": 1, "not tried": 1, "calls": 0}}


# --- the budget -------------------------------------------------------------------------------------------------------


def test_the_budget_is_a_share_of_the_calls_and_is_waited_for(file: Path) -> None:
    with serving() as tenant, asked_to_end(lambda: tenant.calls == 2):
        done = tenant.deliver(file, "--calls-per-minute", 4, "--budget", "70%", "--workers", 1)
    assert done.returncode == 130
    assert table(done)["all"]["calls"] == tenant.calls == 2


def test_calls_that_fail_for_a_while_are_tried_again(file: Path) -> None:
    with serving(Fault("429-retry-after", seconds=1, times=1)) as tenant:
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
    assert re.search(r"2\d% · 20 delivered · 0 failed · 20 of 20 calls · 0:\d\d:\d\d left", progress)
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


# --- what is told -----------------------------------------------------------------------------------------------------


def test_verbose_tells_of_each_call_on_standard_error(tenant: Tenant, file: Path) -> None:
    done = tenant.deliver(file, "--verbose")
    told = done.stderr.decode().splitlines()
    assert len(told) == tenant.calls == 5
    line = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} PUT /v1\.0/api/people: HTTP 200, request id [0-9a-f-]{36}, \d+ ms"
    assert all(re.fullmatch(line, each) for each in told)


def test_neither_keys_nor_emails_are_told_anywhere(tmp_path: Path) -> None:
    """But for the file of errors, which holds the events themselves."""
    config, file, journal, errors = (tmp_path / name for name in ("config", "events", "journal", "errors"))
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
        faults=[Fault("dropped-before", calls=(1,))],
    )
    with Server(sandbox) as server:
        tenant = Tenant(sandbox, server.url)
        done = tenant.deliver(file, "--verbose", "--journal", journal, "--errors", errors, config=config)
    report = run("deliver", "--report", journal)
    assert table(done)["all"]["delivered"] >= 3
    assert table(done)["all"]["failed"] >= 4
    told = [done.stdout, done.stderr, report.stdout, report.stderr]
    told += [path.read_bytes() for path in tmp_path.glob("journal*")]
    assert len(told) > 4
    for text in told:
        assert not re.search(rb"MARKED|marked\.person", text, re.IGNORECASE)
    assert b"marked.person" in errors.read_bytes()
    assert b"MARKED" not in errors.read_bytes()


def test_the_journal_keeps_the_events_on_request(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    tenant.deliver(file, "--journal", tmp_path / "journal", "--keep-events")
    assert b"p0@example.com" in (tmp_path / "journal").read_bytes()
    assert SETTINGS["accessKey"].encode() not in (tmp_path / "journal").read_bytes()
