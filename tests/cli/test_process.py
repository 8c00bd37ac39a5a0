"""What the other tests take for granted of the command line as they run it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli import process as here
from tests.cli.process import CONFIG, EVENTS, ended, ndjson, run, run_process, started, until
from tests.some import identify

pytestmark = pytest.mark.process


@pytest.mark.again
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["transform", "-", "--config", CONFIG], 0),
        (["explain", EVENTS, "--config", CONFIG], 1),
        pytest.param(["lint", "--config", CONFIG, "--events", EVENTS], 1, marks=pytest.mark.long),
        pytest.param(["plan", EVENTS, "--config", CONFIG], 0, marks=pytest.mark.long),
        (["deliver", EVENTS, "--config", CONFIG, "--dry-run"], 1),
        pytest.param(["transform", "no-such-file"], 2, marks=pytest.mark.long),
        pytest.param(["sandbox", "--data", "no-such-folder/data.json"], 2, marks=pytest.mark.long),
        (["serve", "--base-url", "nowhere"], 2),
        pytest.param(["schema"], 0, marks=pytest.mark.long),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_in_this_process_a_command_prints_and_ends_as_in_one_of_its_own(arguments: list[object], status: int) -> None:
    given = ndjson(identify())
    there = run_process(*arguments, stdin=given)
    done = run(*arguments, stdin=given)
    assert there.returncode == status
    assert (done.returncode, done.stdout, done.stderr) == (there.returncode, there.stdout, there.stderr)


def test_what_is_started_heeds_ctrl_c_where_this_process_ignores_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with started("transform", "-", "--config", CONFIG) as process:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(ndjson(identify()) * 500)
            process.stdin.flush()
            process.stdout.readline()
            assert ended(process).returncode == 130
    finally:
        signal.signal(signal.SIGINT, before)


#: Ignores that it is asked to end, as does its child.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if (child := os.fork()):
    print(child, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_what_has_been_started_is_gone_with_all_that_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "_TO_END", 0.1)
    with started(program=[sys.executable, "-c", STUBBORN]) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_alive(child)
    assert process.returncode == -signal.SIGKILL
    until(lambda: not is_alive(child))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text("utf8").rpartition(") ")[2][0] != "Z"  # it waits to be counted
