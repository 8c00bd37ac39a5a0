"""The store's file: its names, who may read it, what happens when it is damaged, full or taken away; a power cut."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gainsight_dest.known import Known, Store, StoreError, database
from gainsight_dest.known import sqlite as module
from gainsight_dest.known.known import LEASE
from gainsight_dest.known.sqlite import SqliteStore
from tests.known.places import record, told
from tests.known.steps import RECORDS, steps

ANN, BEN = record(0), record(1)
NO_STORE = "it is no store, or a damaged one: name another file, or delete it, and all is told again"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "known.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as opened:
        assert isinstance(opened, SqliteStore)
        yield opened


def problem_of(work: Callable[[], object], path: str | Path) -> str:
    """Why it cannot be used."""
    with pytest.raises(StoreError) as caught:
        work()
    assert caught.value.where == os.fspath(path)
    assert str(caught.value) == f"{path}: {caught.value.problem}"
    return caught.value.problem


def problem_of_opening(path: str | Path) -> str:
    return problem_of(lambda: Known.open(path), path)


def connection_of(store: SqliteStore) -> sqlite3.Connection:
    assert store._db is not None
    return store._db


# --- its name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", ":memory:", "file:known.db?mode=memory", "a\0b"])
def test_what_is_no_name_of_a_file_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert problem_of_opening(name) == "needs the name of a file, such as known.db"
    assert not any(tmp_path.iterdir())


def test_what_is_no_store_is_refused_and_left_as_it_is(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"events\n" * 1000)
    assert problem_of_opening(path) == f"cannot be used: file is not a database: {NO_STORE}"
    assert path.read_bytes() == b"events\n" * 1000
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    assert problem_of_opening(other) == "is a database, but no store of what is known: name another file"
    assert other.read_bytes() == before
    assert problem_of_opening(tmp_path) == "is a folder: name a file"
    assert problem_of_opening("/dev/null") == "is no file on a disk: name one"
    assert problem_of_opening(tmp_path / "none" / "k.db").endswith("See that its folder is there, and can be written")
    assert problem_of_opening(path / "known.db").startswith("cannot be used: [Errno 20] Not a directory")


def test_a_file_of_two_names_is_refused(path: Path, store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    with SqliteStore(tmp_path / "link.db") as same:
        assert same.salt == store.salt
    (tmp_path / "other.db").hardlink_to(path)
    assert problem_of_opening(path).startswith("has 2 names (hard links)")


def test_a_file_that_a_killed_process_has_only_just_made_becomes_a_store(path: Path) -> None:
    path.touch()
    with SqliteStore(path) as store:
        store.learn({ANN: told()}, 5)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with SqliteStore(path) as store:
        assert store.view([ANN]).keys() == {ANN}


def test_a_file_with_larger_pages_is_used_as_it_is(path: Path) -> None:
    """As those of earlier releases are."""
    change(path, "PRAGMA journal_mode = DELETE", "PRAGMA page_size = 4096", "VACUUM")
    with SqliteStore(path) as store:
        assert isinstance(store, SqliteStore)
        assert connection_of(store).execute("PRAGMA page_size").fetchone() == (4096,)
        store.learn({ANN: told()}, 5)
        assert store.view([ANN]).keys() == {ANN}


def test_all_that_open_a_new_one_at_a_time_have_the_same(path: Path) -> None:
    salts: list[bytes] = []
    barrier = threading.Barrier(8)

    def open_it() -> None:
        barrier.wait()
        with SqliteStore(path) as store:
            salts.append(store.salt)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(salts) == 8
    assert len({*salts}) == 1


def test_only_this_user_may_read_it(path: Path) -> None:
    mask = os.umask(0)
    try:
        with SqliteStore(path) as store:
            store.learn({ANN: told()}, 5)
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == ["known.db", "known.db-shm", "known.db-wal"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(mask)


# --- damage -----------------------------------------------------------------------------------------------------------


def change(path: Path, *statements: str) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


@pytest.mark.parametrize("version", [0, 99])
def test_a_store_of_another_version_is_refused(path: Path, version: int) -> None:
    change(path, f"UPDATE about SET version = {version}", "DROP TABLE holds")  # noqa: S608 - a number of ours
    assert problem_of_opening(path) == (
        f"was written by another version of this library ({version}, not 1): use that one, or delete it, "
        "and all is told again"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE calls",
        "DROP INDEX told_by_time",
        "ALTER TABLE told ADD COLUMN more",
        "DELETE FROM about",
        "INSERT INTO about SELECT * FROM about",
        "UPDATE about SET salt = 'text'",
        "UPDATE about SET salt = x'00'",
        "UPDATE about SET version = 'one'",
    ],
)
def test_a_store_that_is_not_as_it_was_made_is_refused(path: Path, statement: str) -> None:
    change(path, statement)
    assert problem_of_opening(path).startswith("is damaged: its tables are not as they were made: delete it")


def test_damage_on_the_disk_is_an_error(path: Path) -> None:
    with SqliteStore(path) as store:
        store.learn({record(number): told() for number in range(500)}, 5)
    whole = path.read_bytes()
    path.write_bytes(whole[: 3 * 4096] + bytes(len(whole) - 3 * 4096))
    with SqliteStore(path) as damaged:
        assert "malformed" in problem_of(lambda: damaged.view(map(record, range(500))), path)


@pytest.mark.parametrize("packed", ["x'00'", "'text'", "7", "x'4014000000000000ff0000'"])
def test_what_was_told_must_be_readable(path: Path, store: SqliteStore, packed: str) -> None:
    store.learn({ANN: told()}, 5)
    connection_of(store).execute(f"UPDATE told SET packed = {packed}")  # noqa: S608 - ours
    assert problem_of(lambda: store.view([ANN]), path).endswith(NO_STORE)
    assert problem_of(lambda: store.learn({ANN: told()}, 6), path).endswith(NO_STORE)
    assert store.take([BEN], 5), "it goes on"
    store.learn({ANN: attrs.evolve(told(), is_all=True)}, 7)
    assert store.view([ANN]).keys() == {ANN}, "all of it is told anew"


# --- the disk, and others ---------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_left_halfway(path: Path, store: SqliteStore) -> None:
    db = connection_of(store)
    ((pages,),) = db.execute("PRAGMA page_count").fetchall()
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    many = {record(number): told() for number in range(2_000)}
    assert problem_of(lambda: store.learn(many, 5), path) == (
        "cannot be used: database or disk is full: make room on the disk, and run again"
    )
    assert problem_of(lambda: store.take(many, 5), path).endswith("make room on the disk, and run again")
    assert store.view(many) == {}
    db.execute(f"PRAGMA max_page_count = {1_000_000}")
    assert store.take(many, 6)
    store.give(many, 6, 5)
    assert store.view(many).keys() == many.keys()


def test_a_file_that_may_grow_no_further_is_told(path: Path, store: SqliteStore) -> None:
    resource = pytest.importorskip("resource", reason="where no file can be kept small")
    signals = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signals.signal(signals.SIGXFSZ, signals.SIG_IGN)
    many = {record(number): told() for number in range(2_000)}
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        problem = problem_of(lambda: store.learn(many, 5), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signals.signal(signals.SIGXFSZ, handled)
    assert problem.endswith(("make room on the disk, and run again", "see to the disk, and run again"))
    assert store.view(many) == {}
    store.learn(many, 5)
    assert store.view(many).keys() == many.keys()


def test_a_file_that_may_not_be_written_is_told(path: Path, store: SqliteStore) -> None:
    connection_of(store).execute("PRAGMA query_only = 1")
    assert problem_of(lambda: store.take([ANN], 5), path) == (
        "cannot be used: attempt to write a readonly database: see that this user may write the file and its folder"
    )


def test_a_file_that_another_writes_for_too_long_is_told(path: Path, store: SqliteStore) -> None:
    connection_of(store).execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.view([ANN]) == {}
        assert problem_of(lambda: store.take([ANN], 5), path) == (
            "cannot be used: database is locked: wait until whoever has it is through"
        )
        other.execute("ROLLBACK")
    assert store.take([ANN], 5)


def test_another_that_writes_is_waited_for(store: SqliteStore) -> None:
    assert connection_of(store).execute("PRAGMA busy_timeout").fetchone() == (30_000,)


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_is_taken_away_is_told(path: Path, store: SqliteStore, tmp_path: Path, is_replaced: bool) -> None:
    (tmp_path / "away").mkdir()
    for file in tmp_path.glob("known.db*"):
        file.rename(tmp_path / "away" / file.name)
    if is_replaced:
        SqliteStore(path).close()
    problem = "was removed, moved or replaced while it was used: open it again"
    assert problem_of(lambda: store.take([ANN], 5), path) == problem
    assert problem_of(lambda: store.view([ANN]), path) == problem
    module._before_fork()
    module._after_fork()
    assert problem_of(lambda: store.view([ANN]), path) == problem


def test_a_fork_leaves_both_processes_to_open_it_again(store: SqliteStore) -> None:
    store.learn({ANN: told()}, 5)
    module._before_fork()
    assert store._db is None
    assert store._lock.locked()
    module._after_fork()
    assert store.view([ANN]).keys() == {ANN}
    module._before_fork()
    module._after_fork()
    store.close()


class Busy:
    """A connection that others keep busy for so many times."""

    def __init__(self, times: int, error: str = "database is locked", mode: str = "wal") -> None:
        self.times, self.error, self.mode = times, error, mode

    def execute(self, _: str) -> Busy:
        self.times -= 1
        if self.times >= 0:
            raise sqlite3.OperationalError(self.error)
        return self

    def fetchall(self) -> list[tuple[str]]:
        return [(self.mode,)]


def write_ahead(db: Any) -> None:
    module._write_ahead(db, "known.db")


def test_who_asks_to_write_ahead_while_another_does_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    write_ahead(Busy(3))
    with pytest.raises(sqlite3.OperationalError, match="I/O"):
        write_ahead(Busy(1, "disk I/O error"))
    monkeypatch.setattr(module, "_PATIENCE", -1)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(Busy(1))


def test_a_drive_where_nothing_can_be_shared_is_told() -> None:
    with pytest.raises(StoreError, match=r"known\.db: is on a drive where processes cannot share a file"):
        write_ahead(Busy(0, mode="delete"))


def test_what_is_wrong_is_told_in_the_words_of_whoever_has_the_file() -> None:
    assert database.problem_of(OSError(5, "Input/output error"), "mend it") == (
        "cannot be used: [Errno 5] Input/output error: mend it"
    )
    assert database.problem_of(ValueError("a secret"), "mend it") == "cannot be used: ValueError: mend it"
    assert database.problem_of(MemoryError(), "mend it") == "cannot be used: MemoryError: mend it"


# --- transactions -----------------------------------------------------------------------------------------------------


def test_what_is_done_at_once_is_one_transaction_and_one_wait_for_the_disk(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[SqliteStore] = []
    monkeypatch.setattr(SqliteStore, "_sync", lambda each: waits.append(each))  # noqa: PLW0108 - a method, not a function of the list
    store.learn({ANN: told()}, 5)
    waits.clear()
    statements: list[str] = []
    connection_of(store).set_trace_callback(statements.append)
    with store.at_once():
        assert store.view([ANN]).keys() == {ANN}
        assert store.take([ANN], 5)
        store.give({ANN: None}, 5, 6)
        assert not waits
    assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert sum(each in {"BEGIN IMMEDIATE", "COMMIT"} for each in statements) == 2
    assert len(waits) == 1


def test_what_breaks_off_has_not_been_done(path: Path, store: SqliteStore) -> None:
    def break_off() -> None:
        with store.at_once():
            assert store.take([ANN], 5)
            raise LookupError

    with pytest.raises(LookupError):
        break_off()
    assert store.take([ANN], 6)
    connection_of(store).execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="readonly"), store.at_once():
        store.take([BEN], 5)
    connection_of(store).execute("PRAGMA query_only = 0")
    with SqliteStore(path) as other:
        assert other.take([BEN], 6)


def traced(store: SqliteStore, work: Callable[[], object]) -> list[str]:
    """How the statements begin that it takes."""
    statements: list[str] = []
    connection_of(store).set_trace_callback(statements.append)
    work()
    connection_of(store).set_trace_callback(None)
    return [each.split()[0] for each in statements]


def test_a_record_of_which_nothing_is_known_takes_few_statements(store: SqliteStore) -> None:
    """They are what a delivery with a store takes the longest for."""
    store.learn({BEN: told()}, 5)  # the first that it keeps has it count what is there
    store.spend(b"t", 10, 100)

    def begin() -> None:
        with store.at_once():
            assert store.view([ANN]) == {}
            assert store.take([ANN], 5)
            assert store.spend(b"t", 10, 100) == 0

    assert traced(store, begin) == ["BEGIN", "WITH", "INSERT", "SELECT", "INSERT", "COMMIT"]
    whole = attrs.evolve(told(), is_all=True)
    assert traced(store, lambda: store.give({ANN: whole}, 5, 6)) == ["BEGIN", "DELETE", "INSERT", "COMMIT"]
    assert traced(store, lambda: store.spend(b"t", 10, 100)) == ["BEGIN", "SELECT", "INSERT", "COMMIT"]


def test_what_was_seen_is_looked_at_again_once_it_is_changed(store: SqliteStore) -> None:
    store.learn({ANN: told("1")}, 5)
    with store.at_once():
        assert store.view([ANN]).keys() == {ANN}
        store.learn({ANN: None, BEN: told("2")}, 6)
        assert store.view([ANN, BEN]).keys() == {BEN}
        assert store.take([BEN], 5)
        assert store.view([BEN]) == {}
        store.release(5)
        assert store.view([BEN]).keys() == {BEN}
        assert store.take([BEN], 5)
        store.renew([5])
        store.give({BEN: None}, 5, 7)
        assert store.view([ANN, BEN]) == {}


def test_the_calls_of_others_count_and_so_does_what_they_were_told_to_wait(path: Path) -> None:
    """What was counted last is remembered, and is never more than an aid."""
    now = 1_000_000.0
    with SqliteStore(path, clock=lambda: now) as store, SqliteStore(path, clock=lambda: now) as other:
        assert [each.spend(b"t", 4, None) for each in (store, other, other, store)] == [0, 0, 0, 0]
        assert min(each.spend(b"t", 4, None) for each in (store, other)) > 59
        assert store.spend(b"t", 10**30, 10**30) == 0, "however large the limit is"
        other.hold(b"t", 7)
        assert store.spend(b"t", 100, None) == pytest.approx(7)
        now += 61
        assert [store.spend(b"t", 2, None) for _ in range(2)] == [0, 0]
        assert other.spend(b"t", 2, None) > 59


def test_others_wait_until_it_is_done(store: SqliteStore) -> None:
    """It has one connection: what another thread does must not become part of it."""
    taken: list[bool] = []
    other = threading.Thread(target=lambda: taken.append(store.take([ANN], 6)))
    with store.at_once():
        other.start()
        other.join(0.05)
        assert not taken
        assert store.take([ANN], 5)
    other.join()
    assert taken == [False]


# --- a power cut ------------------------------------------------------------------------------------------------------


class Disk:
    """What of a store is on the disk: what was there when somebody last waited for that."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path, self._safe = path, path.parent / "safe"
        self.waits = 0
        sync = SqliteStore._sync

        def synced(store: SqliteStore) -> None:
            sync(store)
            self.waits += 1
            self.save()

        monkeypatch.setattr(SqliteStore, "_sync", synced)

    def save(self) -> None:
        shutil.rmtree(self._safe, ignore_errors=True)
        self._safe.mkdir()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            if not file.name.endswith("-shm"):  # the memory that processes share
                shutil.copy(file, self._safe)

    def after_a_power_cut(self) -> SqliteStore:
        left = self._path.parent / "left"
        shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(self._safe, left)
        return SqliteStore(left / self._path.name, clock=lambda: 0.0)


def test_the_disk_is_waited_for_where_less_is_known_than_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(path, monkeypatch)
    now = 0.0
    store = SqliteStore(path, most=2, clock=lambda: now)

    def waits(work: Callable[[], object]) -> int:
        before = disk.waits
        work()
        return disk.waits - before

    assert waits(lambda: store.take([ANN, BEN], 1)) == 0, "nothing is known"
    assert waits(lambda: store.give({ANN: told()}, 1, 5)) == 0
    assert waits(lambda: store.release(1)) == 0
    assert waits(lambda: store.take([ANN, BEN], 2)) == 1
    assert waits(lambda: store.take([ANN], 3)) == 0, "another has it"
    assert waits(lambda: store.give({ANN: None}, 2, 5)) == 0
    assert waits(lambda: store.learn({ANN: told()}, 5)) == 1
    assert waits(lambda: store.spend(b"t", 5, 5)) == 0
    assert waits(lambda: store.renew([2])) == 0
    assert waits(lambda: store.give({ANN: told()}, 9, 5)) == 1, "it has no lease"
    now = LEASE
    assert waits(lambda: store.take([BEN], 9)) == 0
    store.learn({ANN: told(), BEN: told()}, 5)
    now = 2 * LEASE
    assert waits(lambda: store.take([BEN], 9)) == 1, "a lease has ended, and it was known"
    store.learn({record(3): told()}, 6)
    assert store.take([record(4)], 4)
    assert waits(lambda: store.give({record(4): told()}, 4, 9)) == 1, "the oldest is gone"
    store.close()


def test_a_disk_that_cannot_be_waited_for_is_told(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    for name in ("fsync", "open"):
        with monkeypatch.context() as broken:
            broken.setattr(os, name, fail)
            assert "Input/output error" in problem_of(lambda: store.learn({ANN: told()}, 5), path)
    module._before_fork()
    store._sync()  # nobody has it open: SQLite has waited
    module._after_fork()
    assert store.view([ANN]).keys() == {ANN}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_what_is_known_after_a_power_cut_was_known_before_it(tmp_path: Path, seed: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        path, now = tmp_path / "known.db", 0.0
        for file in tmp_path.glob("known.db*"):
            file.unlink()
        disk = Disk(path, monkeypatch)
        with SqliteStore(path, most=2, clock=lambda: now) as store:
            disk.save()
            for number, (name, given_to_it) in enumerate(steps(seed, 40, waits=(LEASE / 2,))):
                if name == "wait":
                    now += given_to_it[0]
                else:
                    getattr(store, name)(*given_to_it)
                if number % 8 == 7:
                    with disk.after_a_power_cut() as after:
                        assert after.view(RECORDS).items() <= store.view(RECORDS).items(), (number, name)


def test_the_clock_of_a_store_is_the_machines(path: Path) -> None:
    store: Store = Known.open(path)
    assert store.take([ANN], 1)
    store.close()
    with SqliteStore(path, lease=0) as other:
        assert not other.take([ANN], 2)
