"""dlt's destination: a load job is delivered as a file, and one that is tried again sends nothing twice."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common import logger
from dlt.common.json import json as typed_json
from dlt.pipeline.exceptions import PipelineStepFailed

import gainsight_dest.dlt as room
from gainsight_dest import CredentialsError
from gainsight_dest.deliver import JournalError
from gainsight_dest.dlt import _deliver_job as deliver_job
from gainsight_dest.dlt import gainsight
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests.some import CONFIG, FREE, SECRETS, SETTINGS, group, identify, track

#: Any name is an attribute of this module, also `__path__`, and coverage asks how long that is.
vars(logger)["__path__"] = []

CLOSURES = [track(n=n) for n in range(6)]
EVENTS = [*CLOSURES, identify(), group(employees=5), {"type": "identify"}, {"type": "page"}]
LONG = 60.0


@pytest.fixture(autouse=True)
def _of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the user's is read, nobody is told of the run, and no budget is shared with other tests."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(room, "_BUDGETS", {})


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A load job, as dlt lays it, of all events."""
    file = tmp_path / "load" / "normalized" / "1795868731.3" / "started_jobs" / "events.d66f2f36ef.0.typed-jsonl"
    file.parent.mkdir(parents=True)
    write(file, [{"message": event} for event in EVENTS])
    return file


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_bytes(b"".join(typed_json.typed_dumpb(row) + b"\n" for row in rows))


def deliver(file: Path, server: Server, **settings: Any) -> None:
    deliver_job(str(file), {}, **{"config": SETTINGS, "failed": "failed", "base_url": server.url, **FREE, **settings})


def tickets(sandbox: Sandbox) -> list[int]:
    return sorted(event["properties"]["n"] for event in sandbox.events)


def letters(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in folder.iterdir() for line in file.read_text("utf8").splitlines()]


# --- a job ------------------------------------------------------------------------------------------------------------


def test_a_job_is_delivered_and_its_dead_letters_are_kept(job: Path, caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(job, server)
    assert (tickets(sandbox), len(sandbox.people), len(sandbox.companies)) == ([0, 1, 2, 3, 4, 5], 1, 1)
    (letter,) = letters(Path("failed"))
    assert (letter["message"], letter["number"], letter["error"]["kind"]) == ({"type": "identify"}, 9, "EventError")
    assert [
        (record.levelno, record.getMessage()) for record in caplog.records if record.name == "gainsight_dest.dlt"
    ] == [(logging.WARNING, "events.d66f2f36ef of 1795868731.3: 8 delivered, 1 failed, 1 skipped")]


def test_without_a_failure_no_file_of_dead_letters_is_left(job: Path) -> None:
    write(job, [{"message": identify()}])
    with Server(Sandbox(CONFIG)) as server:
        deliver(job, server)
    assert [*Path("failed").iterdir()] == []


def test_rows_may_be_events_themselves_and_several_in_a_line_and_gzipped(job: Path) -> None:
    rows = [{**event, "_dlt_load_id": "1795868731.3", "_dlt_id": f"x{n}"} for n, event in enumerate(EVENTS)]
    packed = job.with_name(f"{job.name}.gz")
    packed.write_bytes(gzip.compress(b"".join(typed_json.typed_dumpb(some) + b"\n" for some in (rows[:4], rows[4:]))))
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(packed, server)
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]
    (letter,) = letters(Path("failed"))
    assert letter["message"] == {"type": "identify"}


def test_a_message_that_dlt_has_made_a_text_of_is_the_event_in_it(job: Path) -> None:
    write(job, [{"message": json.dumps(identify(firstName="\u2028"))}, {"message": "no event"}])
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(job, server)
    assert [person["FirstName"] for person in sandbox.people] == ["\u2028"]
    (letter,) = letters(Path("failed"))
    assert (letter["message"], letter["error"]["kind"]) == ("no event", "NotJSON")


def test_values_that_json_has_none_of_are_sent_as_they_are_without_dlt(job: Path) -> None:
    at = datetime(2026, 3, 2, 8, tzinfo=timezone.utc)
    write(job, [{"message": track(at=at, sum=Decimal("12.50"))}])
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(job, server)
    assert [event["properties"] for event in sandbox.events] == [{"at": at.isoformat(), "sum": 12.5}]


def test_a_job_of_another_format_says_what_to_do(job: Path) -> None:
    with pytest.raises(ValueError, match="is parquet: load it as typed-jsonl"):
        deliver_job(str(job.with_suffix(".parquet")), {}, config=SETTINGS, failed="failed")


def test_a_job_that_is_tried_again_sends_nothing_twice(job: Path) -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("401", calls=(4,))])
    with Server(sandbox) as server:
        with pytest.raises(CredentialsError):
            deliver(job, server, batch=1, workers=1)
        sent = tickets(sandbox)
        assert 0 < len(sent) < 6
        again = job.with_name(job.name.replace(".0.", ".1."))  # as dlt counts
        job.rename(again)
        deliver(again, server, batch=1, workers=1)
        deliver(again, server)
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]
    assert [letter["number"] for letter in letters(Path("failed"))] == [9]


def test_a_job_to_another_target_is_no_continuation(job: Path) -> None:
    with Server(Sandbox(CONFIG)) as one, Server(Sandbox(CONFIG)) as other:
        deliver(job, one)
        with pytest.raises(JournalError, match="is the journal of a delivery to"):
            deliver(job, other)


def test_what_the_store_knows_is_not_sent_by_another_job(job: Path) -> None:
    sandbox = Sandbox(CONFIG)
    write(job, [{"message": identify()}])
    with Server(sandbox) as server:
        deliver(job, server, known="known.db")
        other = job.with_name("events.another.0.typed-jsonl")
        write(other, [{"message": identify()}])
        deliver(other, server, known="known.db")
        assert len(sandbox.calls) == 1


def test_the_jobs_of_a_process_share_one_budget_and_a_new_process_takes_up_the_journals(job: Path) -> None:
    limits = {"calls_per_minute": 20, "calls_per_day": 1_000}
    journal = job.parents[1] / "gainsight" / "events.d66f2f36ef.db"
    with Server(Sandbox(CONFIG)) as server:
        deliver(job, server, **limits)
        ((key, budget),) = room._BUDGETS.items()
        assert key[1:] == (20, 1_000)
        deliver(job, server, **limits)
        assert [*room._BUDGETS.values()] == [budget]
        room._BUDGETS.clear()
        assert [budget.take() for budget in [room._budget(key[0], 5, None, journal)] * 2][-1] > 0, "5 of them are made"


# --- a pipeline -------------------------------------------------------------------------------------------------------


def pipeline(server: Server, **settings: Any) -> Any:
    destination = gainsight(config=SETTINGS, failed="failed", base_url=server.url, **settings)
    return dlt.pipeline("customers", destination=destination, pipelines_dir="pipelines")


def rows(events: list[Any]) -> Iterator[dict[str, Any]]:
    return ({"message": event} for event in events)


def test_a_pipeline_is_delivered_and_no_key_is_in_its_files(tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        info = pipeline(server).run(rows(EVENTS), table_name="events")
    assert not info.has_failed_jobs
    assert (tickets(sandbox), len(sandbox.people), len(sandbox.companies)) == ([0, 1, 2, 3, 4, 5], 1, 1)
    assert len(letters(Path("failed"))) == 1
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [secret for secret in SECRETS if secret.encode() in held] == []


@pytest.mark.long
def test_a_load_that_ended_stays_to_be_done_and_the_next_run_continues_it() -> None:
    sandbox = Sandbox(CONFIG, faults=[PlannedFault("401", calls=tuple(range(4, 9)))])
    with Server(sandbox) as server:
        running = pipeline(server, batch=1, workers=1)
        with pytest.raises(PipelineStepFailed, match="access key"):
            running.run(rows(EVENTS), table_name="events")
        assert 0 < len(sandbox.events) < 6
        assert len(running.list_normalized_load_packages()) == 1
        assert not running.run().has_failed_jobs
    assert tickets(sandbox) == [0, 1, 2, 3, 4, 5]


PROGRAM = """
import sys
from tests.test_dlt import EVENTS, SETTINGS, gainsight, dlt, rows
destination = gainsight(config=SETTINGS, failed="failed", base_url=sys.argv[1], batch=1, workers=1)
dlt.pipeline("customers", destination=destination, pipelines_dir="pipelines").run(rows(EVENTS), table_name="events")
"""


@pytest.mark.long
@pytest.mark.process
def test_after_a_kill_the_next_run_continues_and_doubles_at_most_the_call_under_way() -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen([sys.executable, "-c", PROGRAM, server.url], env=environment) as process:
            until = time.monotonic() + LONG
            while len(sandbox.events) < 3 and time.monotonic() < until:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        sent = len(sandbox.events)
        assert 3 <= sent < 6
        assert not pipeline(server, batch=1, workers=1).run().has_failed_jobs
    assert {*tickets(sandbox)} == {0, 1, 2, 3, 4, 5}, "nothing is lost"
    assert len(tickets(sandbox)) <= 7
    assert len(sandbox.companies) == 1
