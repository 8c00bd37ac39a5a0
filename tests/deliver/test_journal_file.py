"""The journal's file: its names, its lock, who may read it, what happens when it is damaged or taken away."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gainsight_dest import RejectedError
from gainsight_dest.deliver import Journal, JournalError, Outcome, Status
from gainsight_dest.deliver import journal as module
from gainsight_dest.deliver.journal import Entry, RunRecord, entries, runs
from gainsight_dest.known import database
from tests.deliver.journals import TARGET, killed_after

resource = pytest.importorskip("resource", reason="where an open file cannot be taken away, nor a disk made small")

EVENT = {"type": "identify"}
DELIVERED = Outcome(0, "m", "identify", Status.DELIVERED, 1, 1)
REFUSED = RejectedError("upsert person", "no", 400, "GSOBJ_1008", "id")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


def problem_of(path: str | Path, **how: Any) -> str:
    """Why it cannot be opened."""
    with pytest.raises(JournalError) as caught:
        Journal(path, TARGET, **how)
    assert caught.value.path == os.fspath(path)
    return caught.value.problem


# --- its name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", ":memory:", "file:run.db?mode=memory", "a\0b"])
def test_what_is_no_name_of_a_file_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert problem_of(name) == "needs the name of a file, such as run.db"
    with pytest.raises(JournalError, match="needs the name of a file"):
        list(entries(name))
    assert not any(tmp_path.iterdir())


def test_an_error_without_a_name_says_what_it_speaks_of() -> None:
    assert str(JournalError("", "no")) == "the journal: no"


def test_what_is_no_journal_is_refused_and_left_as_it_is(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"events\n" * 1000)
    assert problem_of(path) == (
        "cannot be used: file is not a database: "
        "it is no journal, or a damaged one: name another file, or go on with a copy of before"
    )
    assert path.read_bytes() == b"events\n" * 1000
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE mine (x)")
    assert problem_of(tmp_path / "other.db") == "is a database, but no journal: name another file"
    (tmp_path / "empty.db").touch()
    assert problem_of(tmp_path / "empty.db") == "is empty, which no journal is: delete it, or name another file"
    assert problem_of(tmp_path) == "is a folder: name a file"
    assert problem_of("/dev/null") == "is no file on a disk: name one"
    assert problem_of(tmp_path / "none" / "run.db").endswith("See that its folder is there, and can be written")
    assert problem_of(path / "run.db").startswith("cannot be used: [Errno 20] Not a directory")


@pytest.mark.parametrize("version", [1, 99])
def test_a_journal_of_another_version_is_refused(version: int, path: Path) -> None:
    Journal(path, TARGET).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE calls")
        db.execute("UPDATE about SET version = ?", (version,))
    assert problem_of(path) == f"was written by another version of this library ({version}, not 4): name a new file"


def test_one_journal_has_one_lock_by_whatever_name(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    names = ["link.db", "run.db", "./run.db", f"{tmp_path}/folder/link.db"]
    for name in names:
        with Journal(name, TARGET) as journal:
            journal.add(DELIVERED, EVENT)
            for other in names:
                assert problem_of(other).startswith("is in use by another run (")
                assert len(list(entries(other))) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "link.db", "run.db", "run.db-lock"]


def test_a_journal_that_a_killed_run_knew_by_a_link_is_whole_by_its_own_name(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    killed_after(tmp_path / "link.db", "journal.add(Outcome(0, 'm', 'identify', Status.DELIVERED), 5)")
    with Journal(path, TARGET) as journal:
        assert journal.find(0, 5) is not None


def test_a_journal_of_two_names_is_refused_before_and_while_it_is_used(path: Path, tmp_path: Path) -> None:
    with Journal(path, TARGET):
        (tmp_path / "other.db").hardlink_to(path)
        for name in (path, tmp_path / "other.db"):
            assert problem_of(name) == (
                "has 2 names (hard links), which two runs could use at once: delete all but one"
            )
    with pytest.raises(JournalError, match="has 2 names"):
        list(entries(path))
    (tmp_path / "other.db").unlink()
    Journal(path, TARGET).close()


def test_a_file_that_is_mounted_by_itself_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a run.db"
    mounts = tmp_path / "mounts"
    name = os.fsencode(path).replace(b" ", rb"\040")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    for _ in range(2):
        Journal(path, TARGET).close()  # where nothing is known of mounts
    mounts.write_bytes(b"36 35 98:0 / / rw - ext4 /dev/root rw\n")
    Journal(path, TARGET).close()
    mounts.write_bytes(b"36 35 98:0 / / rw - ext4 /dev/root rw\n37 36 98:0 /x " + name + b" rw - ext4 /dev/root rw\n")
    assert "is mounted by itself" in problem_of(path)


# --- its lock ---------------------------------------------------------------------------------------------------------


def test_a_killed_run_leaves_it_free(path: Path) -> None:
    with Journal(path, TARGET):
        assert problem_of(path).startswith("is in use by another run (database is locked): wait until it has ended")
    killed_after(path, "journal.add(Outcome(0, 'm', 'identify', Status.DELIVERED), 5)")
    with Journal(path, TARGET) as journal:
        assert journal.find(0, 5) is not None


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # from Python 3.12 on
def test_a_fork_does_not_keep_the_lock(path: Path) -> None:
    come, go = os.pipe()
    journal = Journal(path, TARGET)
    child = os.fork()
    if not child:  # it lives on until it is told to end
        os.read(come, 1)
        os._exit(0)
    journal.close()
    Journal(path, TARGET).close()
    os.write(go, b".")
    os.waitpid(child, 0)
    os.close(come)
    os.close(go)


def test_a_lock_that_cannot_be_used_says_so(path: Path) -> None:
    lock = path.with_name("run.db-lock")
    lock.write_bytes(b"no lock\n" * 1000)
    assert problem_of(path) == (
        f"its lock {lock} cannot be used (file is not a database): if no run uses the journal, delete that"
    )


# --- who may read it --------------------------------------------------------------------------------------------------


def test_its_files_can_be_read_by_this_user_only(path: Path) -> None:
    before = os.umask(0)
    try:
        with Journal(path, TARGET) as journal:
            journal.add(DELIVERED, EVENT)
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["run.db", "run.db-lock", "run.db-shm", "run.db-wal"], 0o600)


# --- taken away -------------------------------------------------------------------------------------------------------


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


TAKEN_AWAY: dict[str, Callable[[Path], object]] = {
    "the file removed": Path.unlink,
    "the file moved": lambda path: path.rename(path.with_name("other.db")),
    "the file replaced": replace,
    "its lock removed": lambda path: path.with_name("run.db-lock").unlink(),
    "its lock replaced": lambda path: replace(path.with_name("run.db-lock")),
    "what is written ahead removed": lambda path: path.with_name("run.db-wal").unlink(),
    "the folder removed": lambda path: shutil.rmtree(path.parent),
    "the folder moved": lambda path: path.parent.rename(path.parent.with_name("elsewhere")),
}
USES: dict[str, Callable[[Journal], object]] = {
    "find": lambda journal: journal.find(0, EVENT),
    "add": lambda journal: journal.add(DELIVERED, EVENT),
    "called": lambda journal: journal.called(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("how", TAKEN_AWAY)
def test_a_journal_that_is_taken_away_is_noticed_at_its_next_use(how: str, use: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with Journal(folder / "run.db", TARGET) as journal:
        journal.add(DELIVERED, EVENT)
        TAKEN_AWAY[how](folder / "run.db")
        with pytest.raises(JournalError, match=r"was removed, moved or replaced while this run used it: nothing more"):
            USES[use](journal)


def test_a_journal_that_is_closed_says_so(path: Path) -> None:
    journal = Journal(path, TARGET)
    journal.close()
    with pytest.raises(JournalError, match=r"Cannot operate on a closed database.*: open it again"):
        journal.add(DELIVERED, EVENT)


def test_what_a_journal_that_was_deleted_has_left_is_no_part_of_the_next(path: Path) -> None:
    killed_after(path, "journal.add(Outcome(0, 'm', 'identify', Status.DELIVERED), 5)")
    path.unlink()
    assert path.with_name("run.db-wal").stat().st_size
    path.with_name("run.db-new").write_bytes(b"left by one that was killed as it began")
    with Journal(path, TARGET) as journal:
        assert journal.find(0, 5) is None
    assert [each.name for each in path.parent.iterdir() if each != path] == ["run.db-lock"]


def test_two_that_begin_one_journal_at_once_have_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has seen that there is none, and waits, while the first makes it and records."""
    locked = module._locked

    def after_the_first(lock: str, name: str, wait: float) -> sqlite3.Connection:
        monkeypatch.setattr(module, "_locked", locked)
        with Journal(path, TARGET) as first:
            first.add(DELIVERED, EVENT)
        return locked(lock, name, wait)

    monkeypatch.setattr(module, "_locked", after_the_first)
    with Journal(path, TARGET) as second:
        assert second.find(0, EVENT) is not None


def test_a_lock_that_another_has_just_made_is_as_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.with_name("run.db-lock").touch()
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    Journal(path, TARGET).close()


def test_a_full_disk_is_told_with_what_to_do(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path, TARGET, keep_events=True) as journal:
        journal.add(DELIVERED, EVENT)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(JournalError, match=r"cannot be used: (disk I/O error|database or disk is full): .*run"):
                journal.add(Outcome(1, None, None, Status.DELIVERED), "x" * 200_000)
            assert journal.find(0, EVENT) is not None
            assert journal.find(1, "x" * 200_000) is None
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- damaged ----------------------------------------------------------------------------------------------------------

EVENTS = [{"type": "identify", "n": n} for n in range(12)]


def written(path: Path) -> tuple[bytes, list[Entry]]:
    """A journal's bytes, and what it holds."""
    with Journal(path, TARGET, clock=lambda: 1e9) as journal:
        for n, event in enumerate(EVENTS):
            status, error = (Status.FAILED, REFUSED) if n % 3 else (Status.DELIVERED, None)
            journal.add(Outcome(n, f"m{n}", "identify", status, 1, n, error, "1P02"), event)
            journal.called()
    return path.read_bytes(), list(entries(path))


def flipped(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def overwritten(data: bytearray, draw: random.Random) -> None:
    start, length = draw.randrange(len(data)), draw.randrange(1, 600)
    data[start : start + length] = draw.randbytes(len(data[start : start + length]))


def blank(data: bytearray, draw: random.Random) -> None:
    start, length = draw.randrange(len(data)), draw.randrange(1, 5000)
    data[start : start + length] = bytes(len(data[start : start + length]))


def another_header(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(100)] = draw.randrange(256)


def used(path: Path, right: list[Entry]) -> None:
    """Ask the journal for all that it knows, and go on with it."""
    try:
        for number, entry in enumerate(entries(path)):
            assert entry == right[number]
        with Journal(path, TARGET, clock=lambda: 1e9) as journal:
            for entry, event in zip(right, EVENTS, strict=True):
                assert journal.find(entry.outcome.index, event) == entry.outcome
            journal.add(Outcome(12, None, None, Status.DELIVERED), 5)
            journal.called()
            assert journal.find(12, 5)
            assert journal.calls_since(60)
    except JournalError as error:
        told = str(error)
        if not (told.startswith(f"{path}: ") and told.isprintable()):
            raise AssertionError(told) from error
        raise


@pytest.mark.again
@pytest.mark.parametrize("damage", [flipped, cut, overwritten, blank, another_header])
def test_a_damaged_journal_says_what_is_right_or_raises_its_error(
    damage: Callable[[bytearray, random.Random], None], path: Path, tmp_path: Path
) -> None:
    whole, right = written(tmp_path / "whole.db")
    for seed in range(80):
        data = bytearray(whole)
        damage(data, random.Random(seed))  # noqa: S311 - damage, not secrets
        path.write_bytes(data)
        with suppress(JournalError):
            used(path, right)
        for left in path.parent.glob("run.db*"):
            left.unlink()


def test_what_is_damaged_of_what_is_written_ahead_is_as_if_it_had_not_been_written(path: Path, tmp_path: Path) -> None:
    killed_after(
        tmp_path / "whole.db",
        "for n in range(12): journal.add(Outcome(n, None, None, Status.DELIVERED), n)",
    )
    whole = {end: (tmp_path / f"whole.db{end}").read_bytes() for end in ("", "-wal")}
    for seed in range(40):
        draw = random.Random(seed)  # noqa: S311 - damage, not secrets
        ahead = bytearray(whole["-wal"])
        draw.choice([flipped, cut, overwritten])(ahead, draw)
        path.write_bytes(whole[""])
        path.with_name("run.db-wal").write_bytes(ahead)
        with Journal(path, TARGET) as journal:
            known = [n for n in range(12) if journal.find(n, n)]
        assert known == list(range(len(known))), seed
        path.unlink()


WRONG: dict[str, str] = {
    "an outcome that is no JSON": "UPDATE outcomes SET outcome = '['",
    "an outcome as bytes": "UPDATE outcomes SET outcome = x'ff00'",
    "a text that is no UTF-8": "UPDATE outcomes SET outcome = CAST(x'ff' AS TEXT)",
    "a digest as text": "UPDATE outcomes SET digest = 'abc'",
    "a row of another number": "UPDATE outcomes SET number = number + 1",
    "another outcome": "UPDATE outcomes SET outcome = replace(outcome, 'delivered', 'failed')",
    "nothing about it": "DELETE FROM about",
    "two of it": "INSERT INTO about SELECT * FROM about",
    "no version": "UPDATE about SET version = 'two'",
    "no target": "UPDATE about SET target = NULL",
    "a salt as text": "UPDATE about SET salt = 'salt'",
    "a short salt": "UPDATE about SET salt = x'00'",
    "a column more": "ALTER TABLE outcomes ADD COLUMN more",
    "a column less": "ALTER TABLE about DROP COLUMN target",
    "calls as text": "UPDATE calls SET number = 'many'",
    "calls below zero": "UPDATE calls SET number = -5",
    "a run as text": "UPDATE runs SET waited = 'long'",
    "a run below zero": "UPDATE runs SET calls = -5",
}


def test_a_run_is_told_by_how_far_it_has_come_last(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        assert runs(path) == []
        journal.ran(RunRecord(1_000.5, 1_000.5, 0, 0.0))
        journal.ran(RunRecord(1_000.5, 1_060.25, 7, 12.125))
        assert runs(path) == [RunRecord(1_000.5, 1_060.25, 7, 12.125)]
    with Journal(path, TARGET) as journal:
        journal.ran(RunRecord(2_000.0, 2_001.0, 1, 0.0))
    assert [run.started for run in runs(path)] == [1_000.5, 2_000.0]


def _asked(path: Path) -> None:
    with Journal(path, TARGET) as journal:
        for number in range(2):
            journal.find(number, EVENT)
        journal.calls_since(60)
    runs(path)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_in_its_tables_is_told(wrong: str, path: Path) -> None:
    with Journal(path, TARGET) as journal:
        journal.add(DELIVERED, EVENT)
        journal.called()
        journal.ran(RunRecord(1.0, 2.0, 3, 0.5))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(WRONG[wrong])
    with pytest.raises(JournalError, match=r"Go on with a copy|name another file"):
        _asked(path)


@pytest.mark.parametrize("error", [5, ["Lost"], ["annotations"], ["RejectedError"], ["ConfigError", 5], [[]], []])
def test_an_error_that_another_has_written_and_no_one_can_read_is_told(
    error: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "error_as_data", lambda _: error)
    with Journal(path, TARGET) as journal:
        journal.add(Outcome(0, None, None, Status.FAILED, 1, 1, REFUSED), EVENT)
        with pytest.raises(
            JournalError, match=r"is damaged: an outcome cannot be read \(\w+Error\)\. Go on with a copy"
        ):
            journal.find(0, EVENT)


def test_a_status_that_another_has_written_and_no_one_knows_is_told(path: Path) -> None:
    lost: Any = SimpleNamespace(value="lost")
    with Journal(path, TARGET) as journal:
        journal.add(Outcome(0, None, None, lost), EVENT)
        with pytest.raises(JournalError, match=r"an outcome cannot be read \(ValueError\)"):
            journal.find(0, EVENT)
