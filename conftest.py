"""Runs the code of README.md and docs/: Python blocks as they stand, a page sharing one namespace, and commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
SOME_EVENTS_FAILED = 1


def run_console(example: Example) -> None:
    """Run the `$ …` lines of a console block. Events at fault are no failure: the examples hold some on purpose."""
    for line in example.parsed.splitlines():
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line.removeprefix("$ ")],  # noqa: S607
            cwd=example.namespace["folder"],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in {0, SOME_EVENTS_FAILED}, f"{line}\n{done.stderr}"


def make_folder(namespace: dict[str, Any]) -> None:
    """A folder to run a page's commands in, with the examples in it; and whether Spark has no Java to run on."""
    namespace["no_java"] = shutil.which("java") is None and not {"CI", "JAVA_HOME"} & {*os.environ}
    namespace["folder"] = tempfile.mkdtemp()
    shutil.copytree(ROOT / "examples", Path(namespace["folder"]) / "examples")


def remove_folder(namespace: dict[str, Any]) -> None:
    """Leave nothing behind."""
    shutil.rmtree(namespace["folder"])


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages name files from the root of the project."""
    monkeypatch.chdir(ROOT)


pytest_collect_file = Sybil(
    parsers=[SkipParser(), PythonCodeBlockParser(), CodeBlockParser(language="console", evaluator=run_console)],
    pattern="*.md",
    setup=make_folder,
    teardown=remove_folder,
).pytest()
