"""A page's commands, run as a person pastes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import Done, run, started

LONGEST = 60  # seconds; what takes longer hangs
#: A command that means the same to every shell: words, with spaces between them.
PLAIN = re.compile(r"gainsight-dest( [\w./:-]+)+", re.ASCII)


def pasted(line: str, folder: Path) -> Done:
    """The line, run in the folder by a shell of the reader's own, not by one of our pytest's; nothing of it stays.

    A plain command needs no shell, and runs in this process.
    """
    if PLAIN.fullmatch(line):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            return run(*line.split(" ")[1:])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTEST_ADDOPTS"] = "-p no:anyio -p no:xdist -p no:hypothesispytest"  # they take their time
    shell = ["bash", "-c"]
    with started(line, program=shell, forever=True, stdin=subprocess.DEVNULL, cwd=folder, env=environment) as process:
        stdout, stderr = process.communicate(timeout=LONGEST)
    return Done(line, process.returncode, stdout, stderr)
