"""Writes files of lines: each line is whole whatever happens, and only this user can read a new file."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

_BUFFER = 64 * 1024


class LineFile:
    """A new file of lines, each of them whole whatever happens; only this user can read it.

    `at_once`: no line waits in memory. Raises OSError, also for a full disk: then the file ends with the last whole
    line. Raises ValueError for a name that no system has.
    """

    def __init__(self, path: str | os.PathLike[str], *, at_once: bool = False) -> None:
        self._raw: io.RawIOBase = open(path, "wb", buffering=0, opener=_private)  # noqa: SIM115 - a Path has no opener
        self._size = 0 if at_once else _BUFFER
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Write whole lines, at once or later. Raises OSError, as does `flush`."""
        self._buffer += data
        if len(self._buffer) > self._size:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        data = bytes(self._buffer)
        self._buffer.clear()
        done = 0
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


def _private(path: str, flags: int) -> int:
    """Opens a file that, if it is new, this user alone can read."""
    return os.open(path, flags, 0o600)


def is_same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether both names are of one file, by links too, also where it is not there yet."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
