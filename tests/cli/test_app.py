"""The commands as a whole: each is there, under its name, and another is not."""

from __future__ import annotations

import click
import pytest

from gainsight_dest.cli.app import COMMANDS, cli
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
