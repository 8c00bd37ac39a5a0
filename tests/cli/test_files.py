"""Files that commands write: each line whole, each fault with the file's name."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.cli.files import WrongInputError, check_written, reading, why, writing
from gainsight_dest.files import lines as file_lines
from gainsight_dest.files.lines import is_same_file

LINES = [b"one\n", b"two, which is longer\n", b"three\n"]


class Disk(io.FileIO):
    """A file that takes so many bytes at once, and so many in all."""

    def __init__(self, path: Path, at_once: int, room: int) -> None:
        super().__init__(path, "w")
        self._at_once = at_once
        self._room = room

    def write(self, data: Any) -> int:
        """What is taken of it. Raises OSError without room."""
        data = bytes(data)[: min(self._at_once, self._room)]
        if not data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._room -= len(data)
        return super().write(data)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[io.BufferedReader]:
    (tmp_path / "source").touch()
    with (tmp_path / "source").open("rb") as file:
        yield file


def write(path: Path, source: io.BufferedReader, *, at_once: bool) -> None:
    with writing(str(path), source, at_once=at_once) as write_line:
        for line in LINES:
            write_line(line)


def with_disk(monkeypatch: pytest.MonkeyPatch, path: Path, at_once: int = 7, room: int = 10**6) -> None:
    monkeypatch.setattr(file_lines, "open", lambda *_, **__: Disk(path, at_once, room), raising=False)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_that_takes_less_than_it_is_given_gets_all(
    *, at_once: bool, tmp_path: Path, source: io.BufferedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_disk(monkeypatch, tmp_path / "out")
    write(tmp_path / "out", source, at_once=at_once)
    assert (tmp_path / "out").read_bytes() == b"".join(LINES)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("room", range(len(b"".join(LINES))))
def test_a_disk_that_becomes_full_leaves_whole_lines(
    room: int, *, at_once: bool, tmp_path: Path, source: io.BufferedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_disk(monkeypatch, tmp_path / "out", room=room)
    with pytest.raises(WrongInputError, match=f"^{tmp_path}/out cannot be written: No space left on device$"):
        write(tmp_path / "out", source, at_once=at_once)
    whole = [b"".join(LINES[:number]) for number in range(len(LINES))]
    assert (tmp_path / "out").read_bytes() == max((each for each in whole if len(each) <= room), key=len)


def test_lines_that_wait_in_memory_are_written_as_they_become_many(tmp_path: Path, source: io.BufferedReader) -> None:
    with writing(str(tmp_path / "out"), source) as write_line:
        for number in range(100_000):
            write_line(b"%d\n" % number)
        assert (tmp_path / "out").stat().st_size > 500_000
    assert (tmp_path / "out").read_bytes() == b"".join(b"%d\n" % number for number in range(100_000))


def test_what_waits_is_written_also_where_the_command_ends_early(tmp_path: Path, source: io.BufferedReader) -> None:
    def broken() -> None:
        with writing(str(tmp_path / "out"), source) as write_line:
            write_line(b"one\n")
            raise LookupError

    with pytest.raises(LookupError):
        broken()
    assert (tmp_path / "out").read_bytes() == b"one\n"


def test_a_pipe_that_does_not_wait_for_its_reader_is_an_error(
    tmp_path: Path, source: io.BufferedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    monkeypatch.setattr(file_lines, "open", lambda *_, **__: io.FileIO(writer, "w"), raising=False)
    with (
        pytest.raises(WrongInputError, match="cannot be written: Resource temporarily unavailable"),
        writing(str(tmp_path / "pipe"), source, at_once=True) as write_line,
    ):
        write_line(b"x" * 10**6)
    os.close(reader)


def test_a_file_needs_a_name_and_a_place(tmp_path: Path, source: io.BufferedReader) -> None:
    for path, problem in [("", "needs a name"), (str(tmp_path), "Is a directory"), (f"{tmp_path}/a/b", "No such file")]:
        with pytest.raises(WrongInputError, match=problem), writing(path, source):
            pass


def test_a_file_is_the_same_by_any_name_also_before_it_is_there(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    other.symlink_to(one)
    assert is_same_file(one, other)
    assert not is_same_file(one, tmp_path / "third")
    one.touch()
    (tmp_path / "third").hardlink_to(one)
    assert is_same_file(tmp_path / "third", other)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "Address already in use"),
        (OSError("No socket could be created -- (('host', 80): [Errno -2] Name is not known)"), "Name is not known"),
    ],
)
def test_what_the_system_said_is_told_without_what_is_around_it(error: OSError, told: str) -> None:
    assert why(error) == told


def test_no_file_is_written_over_another_one_of_the_run_by_whatever_name(tmp_path: Path) -> None:
    config, link, new = tmp_path / "config", tmp_path / "link", tmp_path / "new"
    config.touch()
    link.symlink_to(config)
    others = {str(config): "the config", None: "nothing"}
    check_written({"--errors": str(new), "--output": None}, others)
    with pytest.raises(WrongInputError, match=r"link is the config: name another file for --errors"):
        check_written({"--errors": str(link)}, others)
    with pytest.raises(WrongInputError, match=r"new is the file of --errors: name another file for --output"):
        check_written({"--errors": str(new), "--output": str(new)}, {})


def test_without_a_name_what_is_written_goes_nowhere(tmp_path: Path, source: io.BufferedReader) -> None:
    with writing(None, source) as write_line:
        write_line(b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(("name", "why"), [("none", "No such file or directory"), ("a\0b", "no such name")])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(name: str, why: str, tmp_path: Path) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(WrongInputError) as refused, reading(path):
        pass
    assert refused.value.message == f"{path} cannot be read: {why}"
