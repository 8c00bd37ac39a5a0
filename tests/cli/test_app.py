"""The commands as a whole: each is there, under its name, and another is not."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from gainsight_dest.cli.app import COMMANDS, cli
from gainsight_dest.cli.files import ReaderGoneError
from tests.cli.process import run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_there_under_its_name_and_the_help_tells_of_it(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert f"\n  {name} " in run("--help").stdout.decode()


def test_another_command_is_refused() -> None:
    assert "No such command 'send'" in run("send").stderr.decode()
    assert run("send").returncode == 2


@pytest.mark.parametrize("name", ["deliver", "explain", "plan", "transform"])
def test_the_help_of_what_takes_events_says_in_the_same_words_what_they_are(name: str) -> None:
    words = " ".join(run(name, "--help").stdout.decode().split())
    assert (
        "EVENTS is a file of JSON, plain or gzipped, or - for standard input: one event on each line, or over several "
        "lines, or all in an array. Events may also be as RudderStack and its SDKs send them, "
        '{"message": {...}} and {"batch": [...]}'
    ) in words


def test_a_reader_that_has_gone_is_told_of_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def invoke(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click.Group, "invoke", invoke)
    with pytest.raises(ReaderGoneError):
        cli.invoke(click.Context(cli))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_what_cannot_be_printed_ends_with_2_and_one_line() -> None:
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 - as a file without a buffer
        done = run("schema", stdout=full)
    assert (done.returncode, done.stderr) == (2, b"Error: No space left on device\n")
