"""What the Tab key offers, in each shell that click knows."""

from __future__ import annotations

import pytest

from tests.cli.process import run

#: What is typed: what is offered.
OFFERED: dict[str, list[str]] = {
    "de": ["deliver", "demo", "describe"],
    "deliver --jo": ["--journal"],
    "lint --format ": ["text", "json", "github"],
    "explain --config ex": ["ex"],
    "deliver --nothing": [],
}


def offered(shell: str, typed: str, patch: pytest.MonkeyPatch) -> list[list[str]]:
    """The lines that the shell is given, each in its parts."""
    *before, last = typed.split(" ")
    is_fish = shell == "fish"
    patch.setenv("_GAINSIGHT_DEST_COMPLETE", f"{shell}_complete")
    patch.setenv("COMP_WORDS", " ".join(["gainsight-dest", *before, *([] if is_fish else [last])]))
    patch.setenv("COMP_CWORD", last if is_fish else str(len(before) + 1))
    done = run()
    assert (done.returncode, done.stderr) == (0, b"")
    return [line.split("," if shell == "bash" else "\t") for line in done.stdout.decode().splitlines() if line]


@pytest.mark.parametrize("typed", OFFERED)
def test_bash_is_given_the_words(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = offered("bash", typed, monkeypatch)
    assert [word for _, word in found] == OFFERED[typed]
    assert {kind for kind, _ in found} <= {"plain", "file"}


def test_bash_completes_files_where_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("bash", "explain --config ex", monkeypatch) == [["file", "ex"]]
    assert offered("bash", "explain ex", monkeypatch) == [["file", "ex"]]


def test_zsh_is_given_what_each_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for (line,) in offered("zsh", "deliver --jo", monkeypatch)]
    assert lines == ["plain", "--journal", "Record each outcome here. The same command continues the run."]


def test_fish_is_given_what_each_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = offered("fish", "deliver --jo", monkeypatch)
    assert "--journal" in found[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GAINSIGHT_DEST_COMPLETE", f"{shell}_source")
    done = run()
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"_GAINSIGHT_DEST_COMPLETE={shell}_complete".encode() in done.stdout
