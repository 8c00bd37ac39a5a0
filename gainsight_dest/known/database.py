"""A file of SQLite: which names it may have, how a new one is made, and what to do when SQLite fails.

For whatever keeps something in such a file. Each has an error of its own, which is made of the file's name and of what
is wrong with it: here a `Fault`.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

Fault = Callable[[str, str], Exception]

#: What SQLite, the disk, and Python's reading of a damaged file raise.
FAULTS = (sqlite3.Error, sqlite3.Warning, OSError, ValueError, OverflowError, MemoryError)
_MOUNTS = Path("/proc/self/mountinfo")

#: What to do, by what SQLite says: first match.
_REMEDIES = (
    ("full", "make room on the disk, and run again"),
    ("I/O error", "see to the disk, and run again"),
    ("unable to open", "see that this user may write the file and its folder"),
    ("readonly", "see that this user may write the file and its folder"),
    ("locked", "wait until whoever has it is through"),
    ("closed", "open it again"),
)


def problem_of(error: BaseException, otherwise: str) -> str:
    """What one of FAULTS says, and what to do; `otherwise`: what to do if the file itself is at fault."""
    problem = shown(str(error)) if not isinstance(error, ValueError) else type(error).__name__
    remedy = next((remedy for words, remedy in _REMEDIES if words in problem), otherwise)
    return f"cannot be used: {problem or type(error).__name__}: {remedy}"


def real_name(path: str, fault: Fault, example: str) -> str:
    """The one name of the file, whatever links lead to it. Raises the fault for what SQLite has other uses for."""
    if not path.strip() or path == ":memory:" or path.startswith("file:") or "\0" in path:
        raise fault(path, f"needs the name of a file, such as {example}")
    return os.path.realpath(path)


def find_file(path: str, real: str, fault: Fault) -> os.stat_result | None:
    """The file, if it is there. Raises the fault if it has no one name that SQLite's own files can stand beside."""
    try:
        file = Path(real).stat()
    except FileNotFoundError:
        return None
    problem = None
    if stat.S_ISDIR(file.st_mode):
        problem = "is a folder: name a file"
    elif not stat.S_ISREG(file.st_mode):
        problem = "is no file on a disk: name one"
    elif file.st_nlink > 1:
        problem = f"has {file.st_nlink} names (hard links), which two runs could use at once: delete all but one"
    elif _is_mounted(real):
        problem = "is mounted by itself, without the files that stand beside it: mount its folder"
    if problem is not None:
        raise fault(path, problem)
    return file


def _is_mounted(real: str) -> bool:
    """Whether the file itself is mounted, as containers do it. Linux alone tells, and has it."""
    name = re.sub(rb"[ \t\n\\]", lambda found: b"\\%03o" % ord(found[0]), os.fsencode(real))
    try:
        mounts = _MOUNTS.read_bytes()
    except OSError:
        return False
    return any(line.split(b" ")[4:5] == [name] for line in mounts.splitlines())


def identity_of(name: str) -> tuple[int, int] | None:
    """By what a file is known again; None: it is not there."""
    try:
        file = os.stat(name)  # noqa: PTH116 - of each file for each use: a Path costs as much again
    except OSError:
        return None
    return file.st_dev, file.st_ino


def make_private(name: str, path: str, fault: Fault) -> None:
    """A new file that only this user can read, whatever the umask is. Raises the fault of the path."""
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return  # another process was quicker
    except OSError as error:
        raise fault(
            path, f"cannot be made: {name}: {error.strerror}. See that its folder is there, and can be written"
        ) from None


def decoded(text: bytes) -> str:
    """For `text_factory`: SQLite's own would quote what it cannot decode in its error."""
    return text.decode("utf-8", "replace")


def shown(text: str) -> str:
    """A text out of a file that may hold anything, for a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
