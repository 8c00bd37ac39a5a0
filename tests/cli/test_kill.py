"""A delivery that is killed again and again, and taken up each time, ends as one that was left alone."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("requests", reason="delivery needs the extra deliver")
pytest.importorskip("tenacity", reason="delivery needs the extra deliver")
pytest.importorskip("cheroot", reason="the sandbox's server needs the extra sandbox")

from gainsight_dest.deliver import Status
from gainsight_dest.deliver.journal import entries
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.deliver.fault_matrix import CONFIG
from tests.deliver.test_deliverer import content

EVENTS = 2000
KILLS = 20
WORKERS = 4


def event(number: int) -> dict[str, Any]:
    """One of a mix: half are identifies, the rest groups and tracks, of a few hundred people and fifty companies."""
    email = f"person{number % 317}@example.com"
    kinds = [
        {"type": "identify", "traits": {"email": email, "firstName": f"v{number}"}},
        {"type": "track", "event": "Ticket Closed", "properties": {"n": number}},
        {"type": "identify", "traits": {"email": email, "lastName": f"v{number}"}},
        {
            "type": "group",
            "traits": {"name": f"Company {number % 53}", "employees": number},
            "context": {"traits": {"email": email}},
        },
    ]
    return {"messageId": f"m{number}", **kinds[number % 4]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = {
        "domain": CONFIG.domain,
        "accessKey": CONFIG.access_key,
        "sharedSecret": CONFIG.shared_secret,
        "tenantId": CONFIG.tenant_id,
        "topicName": CONFIG.topic_name,
        "eventNameMap": dict(CONFIG.event_name_map),
        "eventVersionMap": dict(CONFIG.event_version_map),
    }
    (tmp_path / "config.json").write_text(json.dumps(settings), "utf8")
    lines = (json.dumps(event(number)) for number in range(EVENTS))
    (tmp_path / "events.ndjson").write_text("\n".join(lines), "utf8")
    return tmp_path


def start(folder: Path, server: Server, *options: str) -> subprocess.Popen[bytes]:
    limits = ["--calls-per-minute", "0", "--calls-per-day", "0"]
    files = [f"{folder}/events.ndjson", "--config", f"{folder}/config.json", "--journal", f"{folder}/run.db"]
    how = ["--base-url", server.url, "--workers", str(WORKERS), *limits, *options]
    command = [sys.executable, "-m", "gainsight_dest", "deliver", *files, *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("options", [[], ["--no-batch"]], ids=["in batches", "one by one"])
def test_killed_at_20_random_moments_and_started_again_it_ends_as_if_left_alone(
    folder: Path, options: list[str]
) -> None:
    alone = Sandbox(CONFIG, calls_per_minute=None, calls_per_day=None)
    with Server(alone) as server:
        first = start(folder, server, *options)
        first.communicate(timeout=120)
        assert first.returncode == 0
    calls_alone = sum(alone.counts.values())
    for file in folder.glob("run.db*"):
        file.unlink()

    disturbed = Sandbox(CONFIG, calls_per_minute=None, calls_per_day=None)
    # Moments by the calls that have been answered, not by a clock: each is within the run, however fast that is.
    moments = sorted(random.Random(20).sample(range(1, calls_alone), KILLS))  # noqa: S311 - moments, not secrets
    with Server(disturbed) as server:
        for moment in moments:
            process = start(folder, server, *options)
            while sum(disturbed.counts.values()) < moment:
                assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
            assert process.returncode == -9
        last = start(folder, server, *options)
        output, _ = last.communicate(timeout=120)
        assert last.returncode == 0

    assert content(disturbed) == content(alone)
    # Of what was under way when it was killed, Gainsight cannot be asked whether an event had come.
    assert EVENTS // 4 <= len(disturbed.events) <= EVENTS // 4 + KILLS * WORKERS
    # One by one, what was under way is repeated; in batches also what waited for another event of its company.
    repeated = KILLS * WORKERS * 3 if options else calls_alone
    assert calls_alone <= sum(disturbed.counts.values()) <= calls_alone + repeated
    assert [entry.outcome.index for entry in entries(folder / "run.db")] == list(range(EVENTS))
    assert {entry.outcome.status for entry in entries(folder / "run.db")} == {Status.DELIVERED}
    assert b"told by the journal" in output
