"""The GitHub Action and the hooks of pre-commit: what they run passes in a new project, and fails for a mistake."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cli.process import run

import_module("gainsight_dest.testing.mapping")  # pytest in pytest unloads what it loads: ruamel.yaml is to stay
ROOT = Path(__file__).parent.parent
#: They are no part of the package.
pytestmark = pytest.mark.once


def written(name: str) -> Any:
    return YAML(typ="safe").load(ROOT / name)


ACTION = written("action.yml") if (ROOT / "action.yml").exists() else {"runs": {"steps": []}, "inputs": {}}
STEPS: dict[str, Any] = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
HOOKS: dict[str, Any] = (
    {hook["id"]: hook for hook in written(".pre-commit-hooks.yaml")} if (ROOT / "action.yml").exists() else {}
)
#: A name that would be a command in the text of one, and two words where it is not quoted.
NASTY = "a file; touch hacked $(touch hacked) `touch hacked`"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as `init` begins it, among tests in Python that cannot be run here."""
    assert run("init", tmp_path).returncode == 0
    (tmp_path / "test_python.py").write_text("import not_there\n")
    (tmp_path / "conftest.py").write_text("import not_there\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --not-there\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_mistake(project: Path) -> None:
    file = project / "destination.json"
    file.write_text(file.read_text("utf8").replace("Plan__gc", "Plan_gc"), "utf8")


# --- the action -------------------------------------------------------------------------------------------------------


def step(name: str, project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """A step of the action, as a runner runs it, with the programs of this interpreter in its venv."""
    programs = project / ".venv" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for program, module in (("gainsight-dest", "gainsight_dest"), ("pytest", "pytest")):
        (programs / program).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        (programs / program).chmod(0o755)
    given = {key: str(ACTION["inputs"][key]["default"]) for key in ACTION["inputs"]} | inputs
    words = {f"inputs.{key}": value for key, value in given.items()} | {"runner.temp": str(project / "temp")}
    variables = {
        key: re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: words[found[1]], value)
        for key, value in STEPS[name]["env"].items()
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables, "VENV": str(project / ".venv")}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.process
def test_the_action_passes_in_a_new_project_and_fails_for_a_mistake(project: Path) -> None:
    assert step("Lint", project, events="events.ndjson").returncode == 0
    assert "3 passed" in step("Mapping tests", project).stdout
    with_mistake(project)
    done = step("Lint", project)
    assert done.returncode == 1
    assert "::error file=destination.json,line=8" in done.stdout
    assert step("Mapping tests", project).returncode == 1


@pytest.mark.long
@pytest.mark.process
def test_the_action_takes_names_as_names(project: Path) -> None:
    for name in ("destination.json", "events.ndjson"):
        (project / name).rename(project / f"{NASTY}.{name}")
    (project / "mapping.gainsight.yaml").rename(project / f"{NASTY}.gainsight.yaml")
    given = {"config": f"{NASTY}.destination.json", "events": f"{NASTY}.events.ndjson"}
    done = step("Lint", project, **given)
    assert (done.returncode, done.stderr) == (0, "")
    done = step("Mapping tests", project, tests=f"{NASTY}.gainsight.yaml")
    assert f"{NASTY}.gainsight.yaml:3: config" in done.stdout, "the file is found; the config that it names is not"
    assert not (project / "hacked").exists()


def test_no_command_of_the_action_holds_what_is_given() -> None:
    assert [name for name, each in STEPS.items() if "${{" in each["run"]] == []
    used = "".join(str(each.get("env")) + str(each.get("with")) for each in ACTION["runs"]["steps"])
    assert [name for name in ACTION["inputs"] if f"inputs.{name} " not in used] == []


def test_the_page_names_each_input_of_the_action_and_each_hook() -> None:
    page = (ROOT / "docs/how-to/start-a-project.md").read_text("utf8")
    named = re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)
    assert named == [*ACTION["inputs"], *HOOKS]


# --- pre-commit -------------------------------------------------------------------------------------------------------


def test_the_hook_of_lint_passes_in_a_new_project_and_fails_for_a_mistake(project: Path) -> None:
    hook = HOOKS["gainsight-lint"]
    command = [*shlex.split(hook["entry"])[1:], *hook["args"]]
    assert run(*command).returncode == 0
    with_mistake(project)
    assert run(*command).returncode == 1


def test_the_hook_of_the_tests_passes_in_a_new_project_and_fails_for_a_mistake(
    pytester: pytest.Pytester, project: Path
) -> None:
    pytester.chdir()
    for file in ("destination.json", "mapping.gainsight.yaml", "conftest.py", "test_python.py", "pytest.ini"):
        (pytester.path / file).write_bytes((project / file).read_bytes())
    command = shlex.split(HOOKS["gainsight-tests"]["entry"])[1:]
    pytester.runpytest_inprocess(*command).assert_outcomes(passed=3)
    with_mistake(pytester.path)
    pytester.runpytest_inprocess(*command).assert_outcomes(passed=1, failed=2)


@pytest.mark.parametrize(
    ("file", "hooks"),
    [
        ("destination.json", ["gainsight-lint", "gainsight-tests"]),
        ("mapping.gainsight.yaml", ["gainsight-tests"]),
        ("tests/plan.gainsight.yaml", ["gainsight-tests"]),
        ("events.ndjson", []),
        ("other/destination.json", []),
        ("destination.json.bak", []),
    ],
)
def test_a_hook_looks_at_the_files_that_it_is_about(file: str, hooks: list[str]) -> None:
    assert [name for name, hook in HOOKS.items() if re.search(hook["files"], file)] == hooks


def test_what_they_install_are_extras_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf8")
    extras = {*re.findall(r"^([\w-]+) = \[", project.partition("[project.optional-dependencies]")[2], re.MULTILINE)}
    wanted = [each for hook in HOOKS.values() for each in hook["additional_dependencies"]]
    wanted += re.findall(r'"\$ACTION(\[.*?\])"', STEPS["Install"]["run"])
    named = [name for each in wanted for name in each.strip(".[]").split(",")]
    assert named == ["cli", "testing", "cli", "testing"]
    assert {*named} <= extras
