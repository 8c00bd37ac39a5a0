"""`gainsight-dest deliver --known`: what is not sent again, and command lines that share a store."""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.process import CONFIG, EVENTS, LONGEST, lines, ndjson, run, started, table, until, wrong_use
from tests.cli.test_deliver import serving
from tests.known.places import Server
from tests.needs import NEEDS
from tests.some import group, identify, track

BATCHES = pytest.mark.parametrize("batch", [(), ("--no-batch",)], ids=["batch", "one by one"])
#: Calls a minute of all command lines together.
LIMIT = 30
#: Seconds for which a call may be on its way: what was sent later may arrive so much earlier.
ON_ITS_WAY = 1.0


@BATCHES
def test_what_was_sent_is_not_sent_again(batch: tuple[str, ...], tmp_path: Path) -> None:
    events = ndjson(identify(firstName="Ada"), group(employees=7), track())
    with serving() as tenant:
        once = tenant.deliver("-", "--known", tmp_path / "known.db", *batch, stdin=events)
        made = tenant.calls
        again = tenant.deliver("-", "--known", tmp_path / "known.db", *batch, "--format", "json", stdin=events)
        assert table(once)["all"]["delivered"] == 3
        assert table(once)["all"]["unchanged"] == 0
        assert (once.returncode, again.returncode) == (0, 0)
        assert tenant.calls == made + 1
    (told,) = lines(again.stdout)
    assert told["total"] == {
        "events": 3, "delivered": 1, "unchanged": 2, "failed": 0, "skipped": 0, "not tried": 0, "calls": 1
    }  # fmt: skip


def test_without_it_nothing_is_said_of_it() -> None:
    with serving() as tenant:
        assert "unchanged" not in tenant.deliver(EVENTS).stdout.decode()


def test_what_was_sent_longer_ago_is_sent_again(tmp_path: Path) -> None:
    events = ndjson(identify(firstName="Ada"))
    known = ("-", "--known", tmp_path / "known.db", "--resend-after")
    with serving() as tenant:
        tenant.deliver(*known, "24h", stdin=events)
        assert table(tenant.deliver(*known, "7d", stdin=events))["all"]["unchanged"] == 1
        assert tenant.calls == 1


def test_a_journal_reports_what_was_unchanged(tmp_path: Path) -> None:
    events = ndjson(identify(firstName="Ada"), track())
    journal = tmp_path / "run.db"
    with serving() as tenant:
        tenant.deliver("-", "--known", tmp_path / "known.db", stdin=events)
        tenant.deliver("-", "--known", tmp_path / "known.db", "--journal", journal, stdin=events)
    report = table(run("deliver", "--report", journal))["all"]
    assert (report["delivered"], report["unchanged"], report["calls"]) == (1, 1, 1)


@pytest.mark.parametrize("time", ["24", "0h", "a day", "-1h", "1w"])
def test_a_wrong_time_is_told(time: str, tmp_path: Path) -> None:
    done = run("deliver", EVENTS, "--config", CONFIG, "--known", tmp_path / "known.db", "--resend-after", time)
    assert "must be a length of time such as 90m, 24h or 7d" in done.stderr.decode()
    assert done.returncode == 2


def test_a_time_to_resend_needs_a_store() -> None:
    done = run("deliver", EVENTS, "--config", CONFIG, "--resend-after", "24h")
    assert "--resend-after needs --known" in done.stderr.decode()
    assert done.returncode == 2


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    done = run("deliver", EVENTS, "--config", CONFIG, "--known", file)
    assert str(file) in wrong_use(done)
    assert file.read_text() == "mine"


def test_the_errors_are_not_written_over_the_store(tmp_path: Path) -> None:
    with serving() as tenant:
        tenant.deliver(EVENTS, "--known", tmp_path / "known.db")
        before = (tmp_path / "known.db").read_bytes()
        done = tenant.deliver(EVENTS, "--known", tmp_path / "known.db", "--errors", tmp_path / "known.db")
    assert "the store of what is known" in wrong_use(done)
    assert (tmp_path / "known.db").read_bytes() == before


@pytest.mark.again
@pytest.mark.process
@BATCHES
def test_command_lines_with_one_store_double_nothing(batch: tuple[str, ...], tmp_path: Path) -> None:
    many = [group(f"Company {n}", f"person{n}@example.com", employees=n) for n in range(40)]
    files = [tmp_path / name for name in ("one.ndjson", "two.ndjson")]
    for file, events in zip(files, (many, many[::-1]), strict=True):
        file.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    with serving() as tenant:
        commands = [tenant.command(file, "--known", tmp_path / "known.db", *batch) for file in files]
        with started(*commands[0]) as one, started(*commands[1]) as other:
            both = [process.communicate(timeout=LONGEST) and process.returncode for process in (one, other)]
        assert both == [0, 0]
        assert len(tenant.sandbox.companies) == 40
        assert len(tenant.emails) == 40
        assert {len(person["companies"]) for person in tenant.sandbox.people} == {1}


@contextmanager
def counting() -> Iterator[tuple[str, list[float]]]:
    """A server that takes every call: its address, and when each arrived. It knows nothing of the library."""
    arrived: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            arrived.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = b'{"result": true}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", f"{len(answer)}")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", arrived
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def place_of(kind: str, folder: Path) -> Iterator[str]:
    """Where the store is."""
    if kind == "sqlite":
        yield str(folder / "known.db")
        return
    with Server() as server:
        yield server.url


@pytest.mark.long
@pytest.mark.process
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_command_lines_with_one_store_never_make_more_calls_a_minute_than_one_may(kind: str, tmp_path: Path) -> None:
    """A third is killed: what it has called counts."""
    if kind == "redis" and not all(NEEDS[name].is_met for name in ("redis", "redis-server")):
        pytest.skip("needs Redis")
    files = [tmp_path / name for name in ("one.ndjson", "two.ndjson", "three.ndjson")]
    for file in files:
        people = [identify(f"{file.stem}{n}@example.com", firstName="Ada") for n in range(20)]
        file.write_bytes(ndjson(*people))
    with counting() as (url, arrived), place_of(kind, tmp_path) as where:
        always = ("--config", CONFIG, "--base-url", url, "--calls-per-minute", LIMIT, "--known", where)
        with (
            started("deliver", files[0], *always, forever=True) as batches,
            started("deliver", files[1], *always, "--no-batch", forever=True) as alone,
        ):
            with started("deliver", files[2], *always, forever=True) as killed:
                until(lambda: len(arrived) > LIMIT // 2)
                killed.kill()
                killed.wait()
            both = [each.communicate(timeout=4 * LONGEST) and each.returncode for each in (batches, alone)]
    assert both == [0, 0]
    arrived.sort()
    assert len(arrived) >= 40
    assert arrived[-1] - arrived[0] > LONGEST
    # In any such time, and so in any of sixty seconds by when they were sent.
    span = 60 - ON_ITS_WAY
    most = max(bisect_left(arrived, begin + span) - place for place, begin in enumerate(arrived))
    assert most <= LIMIT
