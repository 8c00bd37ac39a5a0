"""The files that commands read and write, and what is wrong with how they were named."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import click

from gainsight_dest.cli import WRONG_USE
from gainsight_dest.files.lines import LineFile, is_same_file
from gainsight_dest.files.read import not_json


class WrongInputError(click.ClickException):
    """A wrong use of the command line, or a config that cannot be used."""

    exit_code = WRONG_USE


class ReaderGoneError(Exception):
    """Whoever read standard output has had enough."""


def needs(command: str, extra: str, *modules: str) -> None:
    """Raises WrongInputError if a library that the command needs is not there."""
    if missing := [module for module in modules if find_spec(module) is None]:
        names = ", ".join(missing).replace("_", "-")
        raise WrongInputError(f"{command} needs {names}: pip install 'gainsight-dest[cli,{extra}]'")


Write = Callable[[bytes], object]
#: A config, or another file that is read at once, is not longer. In bytes.
LONGEST_FILE = 64 * 1024 * 1024


def content(file: str) -> bytes:
    """All of a file that is small, such as a config. Raises WrongInputError if it is not, or cannot be read."""
    with named(file, "read"), Path(file).open("rb") as opened:
        data = opened.read(LONGEST_FILE + 1)
    if len(data) > LONGEST_FILE:
        raise WrongInputError(f"{file} is longer than {LONGEST_FILE:,} bytes")
    return data


def json_of(file: str, data: bytes) -> Any:
    """The JSON that the file holds. Raises WrongInputError."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WrongInputError(f"{file}: {not_json(error)}") from None


@contextmanager
def reading(path: str) -> Iterator[io.BufferedReader]:
    """The file; - is standard input. Raises WrongInputError if it cannot be read."""
    if path == "-":
        yield cast("io.BufferedReader", sys.stdin.buffer)
        return
    with named(path, "read"):
        file = Path(path).open("rb")  # noqa: SIM115 - what is read from it may raise errors of its own
    with file:
        yield file


@contextmanager
def writing(path: str | None, source: io.BufferedReader, *, at_once: bool = False) -> Iterator[Write]:
    """A new file to write to, which must not be the one that is read; only this user can read it. None: nowhere.

    `at_once`: no line waits in memory. What is written raises WrongInputError, where the disk is full, say; then the
    file ends with the last whole line.
    """
    if path is None:
        yield nowhere
        return
    if not path:
        raise WrongInputError("a file to write to needs a name")
    with named(path, "written"):
        if Path(path).exists() and os.path.samestat(Path(path).stat(), os.fstat(source.fileno())):
            raise WrongInputError(f"{path} is the file that the events come from: name another")
        file = LineFile(path, at_once=at_once)

    def write(data: bytes) -> None:
        with named(path, "written"):
            file.write(data)

    try:
        yield write
    finally:
        with named(path, "written"):
            file.close()


@contextmanager
def named(path: str, done: str) -> Iterator[None]:
    """What the system says is wrong with a file, as a mistake of who named it."""
    try:
        yield
    except (OSError, ValueError) as error:  # a ValueError: no system has such a name
        raise WrongInputError(f"{path} cannot be {done}: {getattr(error, 'strerror', 'no such name')}") from None


@contextmanager
def blamed(path: str | None) -> Iterator[None]:
    """What is wrong with the content of a file, as a mistake of who named it."""
    try:
        yield
    except ValueError as error:
        raise WrongInputError(f"{path}: {error}") from None


def check_written(written: Mapping[str, str | None], others: Mapping[str, str] | Mapping[str | None, str]) -> None:
    """Raises WrongInputError if a file that is written would be written over another file of the run.

    `written`: the files, by their options. `others`: what each of the others is, by its name.
    """
    names = {path: name for path, name in others.items() if path}
    for option, path in written.items():
        if not path:
            continue
        for other, name in names.items():
            if is_same_file(path, other):
                raise WrongInputError(f"{path} is {name}: name another file for {option}")
        names[path] = f"the file of {option}"


def check_replaceable(path: str) -> None:
    """Raises WrongInputError if `write_whole` could not write it: now rather than when all would be lost."""
    if not path:
        raise WrongInputError("a file to write to needs a name")
    with named(path, "written"):
        try:
            problem = "" if stat.S_ISREG(os.stat(path).st_mode) else "it is not a file"  # noqa: PTH116 - it may be any name
        except FileNotFoundError:
            problem = "" if Path(path).absolute().parent.is_dir() else "there is no such folder"
    if problem:
        raise WrongInputError(f"{path} cannot be written: {problem}")


def write_whole(path: str, text: str, *, for_all: bool = False) -> None:
    """Write the text into the file, which is the old one or the new one, never a part.

    `for_all`: all may read it (0644), rather than this user alone. Raises OSError. The new file is written beside the
    old one, by a name that node_exporter does not read.
    """
    target = Path(path).absolute()
    number, new = tempfile.mkstemp(prefix=f".{target.name}-", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(number, "w", encoding="utf8", newline="\n") as file:
            file.write(text)
        if for_all:
            os.chmod(new, 0o644)  # noqa: PTH101 - mkstemp gives a name
        os.replace(new, target)  # noqa: PTH105 - the same
    except BaseException:
        with suppress(OSError):
            os.unlink(new)  # noqa: PTH108 - the same
        raise


def nowhere(_: object) -> None:
    """For what no file was named for."""


@contextmanager
def listening(host: str, port: int) -> Iterator[None]:
    """What is wrong with the address of a server, as a mistake of who named it."""
    try:
        yield
    except OSError as error:
        raise WrongInputError(f"cannot listen at {host}:{port}: {why(error)}") from None


def why(error: OSError) -> str:
    """What the system said: cheroot puts it into a sentence of its own."""
    return error.strerror or re.sub(r".*\[Errno -?\d+\] ", "", str(error)).rstrip(")")
