"""A delivery that is killed again and again, and taken up each time, ends as one that was left alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.deliver import Status
from gainsight_dest.deliver.journal import entries
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.process import started
from tests.deliver.runs import content
from tests.some import CONFIG, FREE, SETTINGS, Event, group, identify, track

pytestmark = [pytest.mark.process, pytest.mark.long]

KILLS = {"thorough": 20, "fewer": 2}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 5)
EVENTS = 100 * KILLS
WORKERS = 4
LONGEST = 120  # seconds; what takes longer hangs


class Watched(Sandbox):
    """A tenant without limits that can be waited for until it has had so many calls."""

    def __init__(self) -> None:
        super().__init__(CONFIG, **FREE)
        self._called = threading.Condition()

    def receive(self, *call: Any) -> Any:
        answer = super().receive(*call)
        with self._called:
            self._called.notify_all()
        return answer

    @property
    def made(self) -> int:
        return sum(self.counts.values())

    def has_had(self, calls: int) -> bool:
        """Wait for it; False if it takes too long."""
        with self._called:
            return self._called.wait_for(lambda: self.made >= calls, LONGEST)


def event(number: int) -> Event:
    """One of a mix: half are identifies, the rest groups and tracks, of a few hundred people and fifty companies."""
    email = f"person{number % 317}@example.com"
    kinds = [
        identify(email, firstName=f"v{number}"),
        track(n=number),
        identify(email, lastName=f"v{number}"),
        group(f"Company {number % 53}", email, employees=number),
    ]
    return {"messageId": f"m{number}", **kinds[number % 4]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(SETTINGS), "utf8")
    lines = (json.dumps(event(number)) for number in range(EVENTS))
    (tmp_path / "events.ndjson").write_text("\n".join(lines), "utf8")
    return tmp_path


def start(folder: Path, server: Server, *options: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    limits = ["--calls-per-minute", "0", "--calls-per-day", "0"]
    files = [f"{folder}/events.ndjson", "--config", f"{folder}/config.json", "--journal", f"{folder}/run.db"]
    how = ["--base-url", server.url, "--workers", str(WORKERS), *limits, *options]
    return started("deliver", *files, *how, forever=True)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="in batches"),
        pytest.param(["--batch", "20"], id="in small batches"),
        pytest.param(["--no-batch"], id="one by one"),
    ],
)
def test_killed_at_random_moments_and_started_again_it_ends_as_if_left_alone(folder: Path, options: list[str]) -> None:
    alone = Watched()
    with Server(alone) as server, start(folder, server, *options) as first:
        first.communicate(timeout=LONGEST)
        assert first.returncode == 0
    for file in folder.glob("run.db*"):
        file.unlink()

    disturbed = Watched()
    # Moments by the calls that have been answered, not by a clock: each is within the run, however fast that is.
    moments = sorted(random.Random(20).sample(range(1, alone.made), KILLS))  # noqa: S311 - moments, not secrets
    with Server(disturbed) as server:
        for moment in moments:
            with start(folder, server, *options) as process:
                assert disturbed.has_had(moment), process.poll()
                process.kill()
                process.communicate()
                assert process.returncode == -9
        with start(folder, server, *options) as last:
            output, _ = last.communicate(timeout=LONGEST)
            assert last.returncode == 0

    assert content(disturbed) == content(alone)
    # Of what was under way when it was killed, Gainsight cannot be asked whether an event had come.
    assert EVENTS // 4 <= len(disturbed.events) <= EVENTS // 4 + KILLS * WORKERS
    # One by one, what was under way is repeated; in batches also what waited for another event of its company.
    repeated = KILLS * WORKERS * 3 if options else alone.made
    assert alone.made <= disturbed.made <= alone.made + repeated
    assert [entry.outcome.index for entry in entries(folder / "run.db")] == list(range(EVENTS))
    assert {entry.outcome.status for entry in entries(folder / "run.db")} == {Status.DELIVERED}
    assert b"were in the journal already" in output
