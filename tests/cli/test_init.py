"""The files that a project begins with: they pass lint and pytest as they are, and take the place of none."""

from __future__ import annotations

import errno
import os
import shlex
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import __version__
from gainsight_dest.cli.init import FILES
from tests.cli.process import lines, run, wrong_use
from tests.needs import need

if find_spec("ruamel") is not None:  # pytest in pytest unloads what it loads, and ruamel.yaml does not bear that
    import_module("gainsight_dest.testing.mapping")


def init(*folder: object) -> list[list[str]]:
    """Whether each file was written, by its name, as it is printed."""
    done = run("init", *folder)
    assert (done.returncode, done.stderr) == (0, b"")
    return [line.split()[:2] for line in done.stdout.decode().partition("\n\n")[0].splitlines()]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    init(tmp_path / "acme")
    monkeypatch.chdir(tmp_path / "acme")
    return tmp_path / "acme"


def test_it_writes_all_files_into_a_new_folder_and_says_what_to_do_there(tmp_path: Path) -> None:
    folder = tmp_path / "my project"
    done = run("init", folder)
    assert done.returncode == 0
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "destination.json",
        "events.ndjson",
        "mapping.gainsight.yaml",
        "mapping-tests.schema.json",
        ".github/workflows/gainsight.yml",
    }
    assert f"  cd {shlex.quote(str(folder))}  # go there\n" in done.stdout.decode()


def test_without_a_folder_it_writes_into_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert init() == [["wrote", file.name] for file in FILES]
    assert (tmp_path / "destination.json").exists()


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "destination.json").write_text("mine")
    (tmp_path / "events.ndjson").symlink_to(tmp_path / "nowhere")
    assert [word for word, _ in init(tmp_path)] == ["kept", "kept", "wrote", "wrote", "wrote"]
    assert (tmp_path / "destination.json").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert [word for word, _ in init(tmp_path)] == ["kept"] * 5


def commands(project: Path) -> list[str]:
    """What the workflow runs."""
    steps = [line.partition("- run: ")[2] for line in (project / FILES[-1].name).read_text("utf8").splitlines()]
    return [step for step in steps if step]


def test_lint_passes_as_the_workflow_runs_it(project: Path) -> None:
    (lint,) = (command for command in commands(project) if command.startswith("gainsight-dest "))
    done = run(*shlex.split(lint)[1:])
    assert (done.returncode, done.stdout.count(b"::error")) == (0, 0)
    assert b"::warning" in done.stdout, "of the host, which is made up"


def test_the_mapping_tests_pass_as_the_workflow_runs_them(pytester: pytest.Pytester) -> None:
    need("testing")
    init(pytester.path)
    assert commands(pytester.path)[-1] == "pytest"
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_the_workflow_is_yaml_that_installs_what_it_runs(project: Path) -> None:
    need("testing")
    from ruamel.yaml import YAML  # noqa: PLC0415 - not without its extra

    workflow: Any = YAML(typ="safe").load(project / FILES[-1].name)
    assert [*workflow] == ["name", "on", "permissions", "jobs"]
    (install,) = (step["run"] for step in workflow["jobs"]["mapping"]["steps"] if "pip" in step.get("run", ""))
    assert shlex.split(install, comments=True) == [
        "pip",
        "install",
        f"./wheels/gainsight_dest-{__version__}-py3-none-any.whl[cli,testing]",
    ]


def test_every_event_has_a_request_and_all_its_values_are_sent(project: Path) -> None:
    assert project.exists()
    explained = lines(run("explain", "events.ndjson", "--config", "destination.json", "--format", "json").stdout)
    assert [row for event in explained for row in event["rows"] if row["field"] is None] == []
    made = lines(run("transform", "events.ndjson", "--config", "destination.json").stdout)
    assert [len(record["requests"]) for record in made] == [1, 4, 1]


def test_the_keys_of_the_environment_go_before_those_that_are_made_up(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.exists()
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY", "the-real-one")
    shown = run("transform", "events.ndjson", "--config", "destination.json", "--show-secrets").stdout
    assert b"the-real-one" in shown
    assert b"made-up-set-GAINSIGHT_ACCESS_KEY" not in shown


def test_a_name_that_may_steer_a_terminal_is_printed_with_escapes(tmp_path: Path) -> None:
    assert b"\x1b" not in run("init", tmp_path / "a\x1b[2Jb").stdout


def test_a_place_that_cannot_be_written_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert b"is a file" in run("init", tmp_path / "file").stderr
    assert wrong_use(run("init", tmp_path / "file" / "in")).endswith("cannot be written: Not a directory")
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / ".github").touch()
    assert ".github/workflows/gainsight.yml cannot be written" in wrong_use(run("init", tmp_path / "acme"))


def test_of_a_file_that_the_disk_has_no_room_for_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Full(ExitStack):
        """A file that takes nothing."""

        def __init__(self, path: Path, *how: Any, **more: Any) -> None:
            super().__init__()
            self.enter_context(opened(path, *how, **more))

        def write(self, _: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(
        "gainsight_dest.cli.init.Path.open", lambda *how, **more: (Full if "x" in how else opened)(*how, **more)
    )
    assert wrong_use(run("init", tmp_path / "acme")).endswith(
        "destination.json cannot be written: No space left on device"
    )
    assert [*(tmp_path / "acme").iterdir()] == []
