"""The files that commands read and write, and the errors of those who name them."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from gainsight_dest import ConfigError, DestinationConfig
from gainsight_dest.cli import read


class WrongInputError(click.ClickException):
    """A wrong use of the command line, or a config that cannot be used."""

    exit_code = 2


class ReaderGoneError(Exception):
    """Whoever read standard output has had enough."""


def needs(command: str, extra: str, *modules: str) -> None:
    """Raises WrongInputError if a library that the command needs is not there."""
    if missing := [module for module in modules if find_spec(module) is None]:
        names = ", ".join(missing).replace("_", "-")
        raise WrongInputError(f"{command} needs {names}: pip install 'gainsight-dest[cli,{extra}]'")


Write = Callable[[bytes], object]
_F = TypeVar("_F", bound=Callable[..., Any])


#: The option that every command takes its destination by.
config_option = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The destination as RudderStack stores it (JSON), or its Config alone.",
)


def limit_option(name: str, default: int, about: str = "") -> Callable[[_F], _F]:
    """The option of a number of calls, of which 0 stands for no limit."""
    return click.option(
        name, type=click.IntRange(0), metavar="N", default=default, show_default=True, help=f"{about}0: no limit."
    )


def _share(_: click.Context, __: click.Parameter, value: str) -> float:
    if re.fullmatch(r"\d{1,3}(\.\d+)?%", value) and 0 < float(value[:-1]) <= 100:
        return float(value[:-1]) / 100
    raise click.BadParameter("must be a share such as 70%, above 0% and up to 100%")


#: The option of a share of those calls.
budget_option = click.option(
    "--budget",
    default="100%",
    show_default=True,
    metavar="SHARE",
    callback=_share,
    help="How much of the tenant's calls to use: the rest is for others.",
)


def limit(calls: int, share: float) -> int | None:
    """That share of the calls, one at least; None for 0, which stands for no limit."""
    return max(1, int(calls * share)) if calls else None


def destination_config(file: str) -> DestinationConfig:
    """The config that the file holds."""
    try:
        return DestinationConfig.from_rudderstack(json.loads(Path(file).read_bytes()))
    except ConfigError as error:
        problems = "".join(f"\n  {place}: {problem}" for place, problem in error.problems)
        raise WrongInputError(f"{file} is not a destination config:{problems}") from None
    except (ValueError, RecursionError) as error:
        raise WrongInputError(f"{file}: {read.not_json(error)}") from None


@contextmanager
def reading(path: str) -> Iterator[io.BufferedReader]:
    """The file; - is standard input."""
    if path == "-":
        yield cast("io.BufferedReader", sys.stdin.buffer)
    else:
        with Path(path).open("rb") as file:
            yield file


@contextmanager
def writing(path: str, source: io.BufferedReader, *, at_once: bool = False) -> Iterator[Write]:
    """A new file to write to, which must not be the one that is read. `at_once`: no line waits in memory."""
    try:
        if Path(path).exists() and os.path.samestat(Path(path).stat(), os.fstat(source.fileno())):
            raise WrongInputError(f"{path} is the file that the events come from: name another")
        file = Path(path).open("wb", buffering=0 if at_once else -1)  # noqa: SIM115 - closed below; only a failure to open is the user's mistake
    except OSError as error:
        raise WrongInputError(f"{path} cannot be written: {error.strerror}") from None
    with file:
        yield file.write


def nowhere(_: bytes) -> None:
    """For what no file was named for."""
