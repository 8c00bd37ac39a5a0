"""The units of systemd, the CronJob and the compose file: the page shows them, and their commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.some import SETTINGS, identify, track

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples" / "unattended").iterdir())
PAGE = (ROOT / "docs/how-to/run-unattended.md").read_text("utf8")
#: The key is not in the config: each has it from a file.
KEY = "a-key"
CONFIG = SETTINGS | {"accessKey": None}
TENANT = DestinationConfig.from_rudderstack(SETTINGS | {"accessKey": KEY})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_page_shows_the_file_as_it_is(file: Path) -> None:
    assert f"\n{file.read_text('utf8').rstrip()}\n```\n" in PAGE
    assert f"`examples/unattended/{file.name}`" in PAGE


def of_systemd() -> str:
    """As systemd reads the line: `%%` and `$$` are one letter each."""
    unit = next(file for file in FILES if file.suffix == ".service").read_text("utf8")
    (line,) = re.findall(r"^ExecStart=/bin/sh -c (.*)$", unit, re.MULTILINE)
    (command,) = shlex.split(line)
    return command.replace("%%", "%").replace("$$", "$")


def of_kubernetes() -> str:
    job = YAML(typ="safe").load(next(file for file in FILES if file.name == "cronjob.yaml"))
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sh", "-c"]
    (command,) = container["args"]
    return str(command)


def of_compose() -> str:
    """As compose reads it: `$$` is one letter."""
    service = YAML(typ="safe").load(next(file for file in FILES if file.name == "compose.yaml"))["services"]["deliver"]
    assert service["entrypoint"] == ["sh", "-c"]
    (command,) = service["command"]
    return str(command).replace("$$", "$")


COMMANDS: dict[str, Callable[[], str]] = {"systemd": of_systemd, "kubernetes": of_kubernetes, "compose": of_compose}


@pytest.mark.long
@pytest.mark.process
@pytest.mark.parametrize("system", COMMANDS)
def test_its_command_delivers_the_day_before_and_continues(system: str, tmp_path: Path) -> None:
    for name in ("bin", "data", "config", "metrics"):
        (tmp_path / name).mkdir()
    programs = {"gainsight-dest": f'exec {shlex.quote(sys.executable)} -m gainsight_dest "$@"'}
    programs["date"] = '[ "$*" = "-d yesterday +%F" ] && echo 2026-03-02'
    for program, text in programs.items():
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / program).chmod(0o755)
    (tmp_path / "key").write_text(f"{KEY}\n")
    for folder in ("data", "config"):
        (tmp_path / folder / "destination.json").write_text(json.dumps(CONFIG))
    events: list[Any] = [identify(), track(n=1), {"type": "identify"}]
    (tmp_path / "data" / "2026-03-02.ndjson").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    places = {"/data/": "data/", "/config/": "config/", "/var/lib/node_exporter/": "metrics/"}
    command = re.sub("|".join(places), lambda found: f"{tmp_path}/{places[found[0]]}", COMMANDS[system]())
    sandbox = Sandbox(TENANT)
    with Server(sandbox) as server:
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GAINSIGHT_ACCESS_KEY_FILE": str(tmp_path / "key"),
            "GAINSIGHT_DEST_DELIVER_BASE_URL": server.url,
        }
        for _ in range(2):
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=tmp_path / "data", env=environment, capture_output=True, check=False
            )
            assert done.returncode == 1, done.stderr  # one of the events is wrong
    assert (len(sandbox.people), len(sandbox.events)) == (1, 1), "the second run sends nothing"
    assert len((tmp_path / "data" / "2026-03-02.failed.ndjson").read_text().splitlines()) == 1


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd that could read its units")
@pytest.mark.process
def test_systemd_finds_nothing_wrong_with_its_units() -> None:
    units = [str(file) for file in FILES if file.suffix in {".service", ".timer"}]
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(units) == 2


def test_it_waits_longer_for_the_end_than_a_call_takes() -> None:
    from gainsight_dest.deliver.call import DEADLINE  # noqa: PLC0415 - needs the extra deliver

    found = re.findall(r"(?:TimeoutStopSec=|terminationGracePeriodSeconds: |stop_grace_period: )(\d+)", PAGE)
    assert len(found) == 3
    assert all(int(seconds) > DEADLINE for seconds in found)
