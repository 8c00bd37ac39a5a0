"""The files that commands read and write, and the errors of those who name them."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import click


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
#: A config, or another file that is read at once, is not longer. In bytes.
LONGEST_FILE = 64 * 1024 * 1024
_BUFFER = 64 * 1024
_F = TypeVar("_F", bound=Callable[..., Any])


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


def content(file: str) -> bytes:
    """All of a file that is small, such as a config. Raises WrongInputError if it is not, or cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(LONGEST_FILE + 1)
    except (OSError, ValueError) as error:  # a ValueError: no system has such a name
        raise WrongInputError(f"{file} cannot be read: {getattr(error, 'strerror', 'no such name')}") from None
    if len(data) > LONGEST_FILE:
        raise WrongInputError(f"{file} is longer than {LONGEST_FILE:,} bytes")
    return data


#: The option of commands that read events.
fail_empty_option = click.option(
    "--fail-empty", is_flag=True, help="End with 2 where there are no events, rather than warn."
)


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
    """A new file to write to, which must not be the one that is read; only this user can read it.

    `at_once`: no line waits in memory. What is written raises WrongInputError, where the disk is full, say; then the
    file ends with the last whole line.
    """
    if not path:
        raise WrongInputError("a file to write to needs a name")
    with _named(path):
        if Path(path).exists() and os.path.samestat(Path(path).stat(), os.fstat(source.fileno())):
            raise WrongInputError(f"{path} is the file that the events come from: name another")
        raw = open(path, "wb", buffering=0, opener=_private)  # noqa: SIM115 - closed below; a Path has no opener
    file = _Lines(path, raw, 0 if at_once else _BUFFER)
    try:
        yield file.write
    finally:
        file.close()


class _Lines:
    """A file of lines, each of them whole whatever happens."""

    def __init__(self, path: str, raw: io.RawIOBase, buffer: int) -> None:
        self._path = path
        self._raw = raw
        self._size = buffer
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Write it, at once or later. Raises WrongInputError, as does `flush`."""
        self._buffer += data
        if len(self._buffer) > self._size:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        data = bytes(self._buffer)
        self._buffer.clear()
        done = 0
        with _named(self._path):
            try:
                while done < len(data):
                    done += self._taken(data[done:])
            except OSError:
                self._take_back(done - (data.rfind(b"\n", 0, done) + 1))
                raise

    def close(self) -> None:
        """Write what waits, and close the file."""
        try:
            self.flush()
        finally:
            with _named(self._path):
                self._raw.close()

    def _taken(self, data: bytes) -> int:
        """How much of it the file took, which may be less than all."""
        taken = self._raw.write(data)
        if not taken:  # a pipe that does not wait for its reader
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return taken

    def _take_back(self, written: int) -> None:
        """Cut off so many bytes, the beginning of a line. A pipe gives nothing back."""
        if written and self._raw.seekable():
            self._raw.seek(-written, os.SEEK_CUR)
            self._raw.truncate()


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongInputError(f"{path} cannot be written: {error.strerror}") from None


def _private(path: str, flags: int) -> int:
    """Opens a file that, if it is new, this user alone can read."""
    return os.open(path, flags, 0o600)


def is_same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether both names are of one file, by links too, also where it is not there yet."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def nowhere(_: bytes) -> None:
    """For what no file was named for."""


def why(error: OSError) -> str:
    """What the system said: cheroot puts it into a sentence of its own."""
    return error.strerror or re.sub(r".*\[Errno -?\d+\] ", "", str(error)).rstrip(")")
