"""A record on disk of the outcome of each event, so that a run that was cut off can be continued.

SQLite, from the standard library. It holds no secret, and of an event no more than its message id and a keyed digest,
unless `keep_events` asks for the events themselves.

What it says is right, or it says nothing: the tables must be as they were made, SQLite must find its pages in order,
and each row has a check of its own, so that damage on the disk is an error and never another outcome.

**One run at a time.** The lock is SQLite's, on a file of its own beside the journal: it ends with the process, however
that ends, a fork does not inherit it, and it leaves the journal free to be read meanwhile. It holds by the file's real
name. SQLite writes ahead to a file beside that name, too, which no other name would find, so a journal with two names
that cannot be told to be one, a hard link or a file that is mounted by itself, is refused, whatever locks there are.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from gainsight_dest.errors import GainsightDestError
from gainsight_dest.known.database import (
    FAULTS,
    decoded,
    find_file,
    identity_of,
    make_private,
    problem_of,
    real_name,
    shown,
)
from gainsight_dest.outcome import Outcome, PreparedEvent, Status, error_as_data, error_from_data

__all__ = ["Entry", "Journal", "JournalError", "entries"]

_VERSION = 4
_TABLES = {
    "about": "CREATE TABLE about (version INTEGER, target TEXT, salt BLOB)",
    # number: the event's place in the stream, from 0. at: when its outcome was known, in seconds since the epoch.
    # outcome: a list as JSON, of what `Journal.add` puts into it. row_check: of all columns before it. event: the event
    # itself, if asked for.
    "outcomes": (
        "CREATE TABLE outcomes (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, at REAL NOT NULL,"
        " outcome TEXT NOT NULL, row_check BLOB NOT NULL, event TEXT)"
    ),
    # The calls that were made in each second since the epoch, answered or not.
    "calls": "CREATE TABLE calls (second INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    # When each run began and was last heard of, since the epoch; its calls; how long it waited. In milliseconds.
    "runs": (
        "CREATE TABLE runs (started INTEGER PRIMARY KEY, ended INTEGER NOT NULL, calls INTEGER NOT NULL,"
        " waited INTEGER NOT NULL)"
    ),
}
_SELECT = "SELECT number, digest, at, outcome, row_check FROM outcomes"
_INSERT = "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?)"
_COUNT = "INSERT INTO calls VALUES (?, ?) ON CONFLICT (second) DO UPDATE SET number = number + excluded.number"
#: What stands beside a journal while it is used. The lock stays.
_BESIDE = ("-lock", "-wal", "-shm")
#: Whoever makes a file closes it, and so would end the locks that this process has on it.
_MAKING = threading.Lock()
_SALT = 16
_HOUR = 3600
#: How long calls are known: for a tenant's day, and the most that clocks may differ by.
_KEPT = 25 * _HOUR

#: What to do, if it is neither the disk nor another that has it.
_OTHERWISE = "it is no journal, or a damaged one: name another file, or go on with a copy of before"


class JournalError(GainsightDestError):
    """The journal cannot be used: it says which file, why, and what to do."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path or 'the journal'}: {self.problem}"


@attrs.frozen
class Entry:
    """An outcome as the journal has it, and when it was known, in seconds since the epoch."""

    outcome: Outcome
    at: float


@attrs.frozen
class RunRecord:
    """A run as the journal has it: from when to when, in seconds since the epoch, its calls, its seconds of waiting."""

    started: float
    ended: float
    calls: int
    waited: float


class Journal:
    """The journal of one stream of events to one target. A context manager; may be used by several threads.

    An outcome is on the disk before the next call for its record is made: neither a killed process nor a power cut
    loses it. `target` is where the events go, such as "https://acme.gainsightcloud.com": a journal of another one is
    refused. `retry_failed`: take up failed events as if they had not been tried. One run at a time, by whatever name
    it knows the file: a lock file stands beside it. `wait`: seconds to wait for another that has it.

    All methods raise JournalError: also when the file, its lock or its folder is removed or replaced meanwhile. New
    files can be read by this user only.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        target: str,
        *,
        retry_failed: bool = False,
        keep_events: bool = False,
        clock: Callable[[], float] = time.time,
        wait: float = 0,
    ) -> None:
        self._path = os.fsdecode(path)
        self._retry_failed = retry_failed
        self._keep_events = keep_events
        self._clock = clock
        self._mutex = threading.Lock()
        with ExitStack() as opened, _told(self._path):
            real = _real(self._path)
            is_new = not _is_there(self._path, real)
            self._guard = opened.enter_context(closing(_locked(f"{real}-lock", self._path, wait)))
            if is_new and not _is_there(self._path, real):  # another may have made it, while this one waited
                _make(real, target)
            made = identity_of(real)
            self._db = opened.enter_context(closing(_connect(real)))
            self._db.execute("PRAGMA journal_mode = WAL")
            about = _about(self._db, self._path)
            if about.target != target:
                journaled = shown(about.target)
                raise JournalError(
                    self._path, f"is the journal of a delivery to {journaled}, not to {target}: name another file"
                )
            self._salt = about.salt
            self._forget_old_calls()
            beside = {name: identity_of(name) for name in (f"{real}-lock", f"{real}-wal")}
            #: What must stay where it is.
            self._files = {real: made, **{name: found for name, found in beside.items() if found}}
            self._see_that_it_is_there()
            opened.pop_all()

    def find(self, index: int, event: Any) -> Outcome | None:
        """What is known of the event; None: send it. Raises JournalError if another one stood in its place before."""
        rows = self._execute(f"{_SELECT} WHERE number = ?", index)
        if not rows:
            return None
        entry, digest = _entry(rows[0], self._salt, self._path)
        if self._retry_failed and entry.outcome.status is Status.FAILED:
            return None  # whatever stands there now: it may have been fixed
        if digest != self._digest(event):
            raise JournalError(
                self._path,
                f"event {index + 1} is not the one that it knows: were the events changed? "
                "Give those that it knows, or name a new file",
            )
        return entry.outcome

    def add(self, outcome: Outcome, event: Any) -> None:
        """Record the outcome of the event."""
        error = None if outcome.error is None else error_as_data(outcome.error)
        labels, counts = (outcome.message_id, outcome.type, outcome.status.value), (outcome.attempts, outcome.calls)
        # As ASCII: half an emoji has no UTF-8, in which SQLite keeps its texts.
        told = json.dumps([*labels, *counts, error, outcome.gsid, outcome.reason])
        values = [outcome.index, self._digest(event), float(self._clock()), told]
        kept = _json(event) if self._keep_events else None
        self._execute(_INSERT, *values, _check(values, self._salt), kept, synchronous="FULL")

    def called(self) -> None:
        """Count a call that is about to be made. A kill of the process does not lose it; a power cut may."""
        now = int(self._clock())
        self._execute(_COUNT, now, 1, synchronous="NORMAL")
        if now >= self._forgets_at:
            with self._mutex, _told(self._path):
                self._forget_old_calls()

    def ran(self, run: RunRecord) -> None:
        """Record how far a run has come; one that began at the same time is replaced."""
        started, ended, waited = (round(1000 * seconds) for seconds in (run.started, run.ended, run.waited))
        replace = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)"
        self._execute(replace, started, ended, run.calls, waited, synchronous="NORMAL")

    def calls_since(self, seconds_ago: float) -> list[tuple[float, int]]:
        """What was called of late: how many seconds ago, and how many. The oldest first.

        Calls are counted by the second, and told as if made at its end: so none is forgotten too early.
        """
        now = self._clock()
        calls = self._execute("SELECT second, number FROM calls WHERE second + 1 > ?", now - seconds_ago)
        if not all(isinstance(number, int) and number >= 0 for _, number in calls):
            raise _damaged(self._path, "a number of calls is none")
        return [(max(0.0, now - second - 1), number) for second, number in calls]

    def close(self) -> None:
        """Close the file, for another run to take up."""
        with self._mutex, _told(self._path):  # SQLite does not survive a connection that is closed while it is used
            self._files = {}
            self._db.close()
            self._guard.close()

    def __enter__(self) -> Journal:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _execute(self, statement: str, *values: Any, synchronous: str | None = None) -> list[Any]:
        """The rows that the statement gives. `synchronous`: for one that writes, what it survives: SQLite's word."""
        with self._mutex, _told(self._path):
            self._see_that_it_is_there()
            if synchronous is not None:
                self._db.execute(f"PRAGMA synchronous = {synchronous}")
            return self._db.execute(statement, values).fetchall()

    def _digest(self, event: Any) -> bytes:
        return blake2b(_json(event).encode(), key=self._salt, digest_size=16).digest()

    def _see_that_it_is_there(self) -> None:
        """What is written to a file that was removed is lost, and the lock of one holds nobody off."""
        for name, identity in self._files.items():
            if identity_of(name) != identity:
                file = "it" if name == next(iter(self._files)) else f"its file {name}"
                raise JournalError(
                    self._path,
                    f"{file} was removed, moved or replaced while this run used it: nothing more is recorded. "
                    "Put it back and run again; what was sent of late may be sent again",
                )

    def _forget_old_calls(self) -> None:
        """Those that no limit asks for; and where the clock was set back, those to come were made by now."""
        now = int(self._clock())
        self._forgets_at = now + _HOUR
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM calls WHERE second < ?", (now - _KEPT,))
            ((ahead,),) = self._db.execute("SELECT sum(number) FROM calls WHERE second > ?", (now,)).fetchall()
            if ahead is not None:
                self._db.execute("DELETE FROM calls WHERE second > ?", (now,))
                self._db.execute(_COUNT, (now, ahead))


def entries(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """All that a journal holds, in the order of the events, also while a run goes on. Raises JournalError."""
    name = os.fsdecode(path)
    with _reading(name) as (db, salt):
        for row in db.execute(f"{_SELECT} ORDER BY number"):
            yield _entry(row, salt, name)[0]


def runs(path: str | os.PathLike[str]) -> list[RunRecord]:
    """The runs that a journal tells of, in their order, also while one goes on. Raises JournalError."""
    name = os.fsdecode(path)
    with _reading(name) as (db, _):
        rows = db.execute("SELECT started, ended, calls, waited FROM runs ORDER BY started").fetchall()
    if not all(isinstance(value, int) and value >= 0 for row in rows for value in row):
        raise _damaged(name, "a run is none")
    return [RunRecord(started / 1000, ended / 1000, calls, waited / 1000) for started, ended, calls, waited in rows]


@contextmanager
def _reading(name: str) -> Iterator[tuple[sqlite3.Connection, bytes]]:
    """The journal, open to be read, and its salt. Raises JournalError."""
    with _told(name):
        real = _real(name)
        if not _is_there(name, real):
            raise JournalError(name, "there is no such journal")
        with closing(_connect(f"{Path(real).as_uri()}?mode=ro", uri=True)) as db:
            yield db, _about(db, name).salt


def files_of(path: str | os.PathLike[str]) -> list[str]:
    """All files that a journal of that name is made of, by their real names, whether they are there or not."""
    real = os.path.realpath(os.fsdecode(path))
    return [real, *(f"{real}{end}" for end in _BESIDE)]


# --- its file ---------------------------------------------------------------------------------------------------------


def _real(path: str) -> str:
    return real_name(path, JournalError, "run.db")


def _is_there(path: str, real: str) -> bool:
    """Whether there is such a file. Raises JournalError if it cannot be a journal, or be locked."""
    file = find_file(path, real, JournalError)
    if file is not None and file.st_size == 0:
        raise JournalError(path, "is empty, which no journal is: delete it, or name another file")
    return file is not None


def _locked(lock: str, path: str, wait: float) -> sqlite3.Connection:
    with _MAKING:
        if not os.path.lexists(lock):
            make_private(lock, path, JournalError)
    guard = sqlite3.connect(lock, isolation_level=None, check_same_thread=False, timeout=wait)
    try:
        guard.execute("PRAGMA journal_mode = MEMORY")  # it needs no file beside it
        guard.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        guard.close()
        if "locked" in str(error):
            problem = f"is in use by another run ({error}): wait until it has ended, or name another file"
        else:
            problem = f"its lock {lock} cannot be used ({error}): if no run uses the journal, delete that"
        raise JournalError(path, problem) from None
    return guard


def _make(real: str, target: str) -> None:
    """A new journal, which is there all at once: so an empty file is none that a killed process has begun."""
    new = f"{real}-new"
    for left in (new, f"{real}-wal", f"{real}-shm"):  # of a killed process, of a journal that was deleted
        Path(left).unlink(missing_ok=True)
    try:
        make_private(new, real, JournalError)
        with closing(_connect(new)) as db:
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("BEGIN")
            for table in _TABLES.values():
                db.execute(table)
            db.execute("INSERT INTO about VALUES (?, ?, ?)", (_VERSION, target, secrets.token_bytes(_SALT)))
            db.execute("COMMIT")
        Path(new).replace(real)
    finally:
        Path(new).unlink(missing_ok=True)


# --- what it says -----------------------------------------------------------------------------------------------------


class _About(NamedTuple):
    target: str
    salt: bytes


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    db = sqlite3.connect(name, isolation_level=None, check_same_thread=False, uri=uri)
    db.text_factory = decoded  # SQLite's own would quote what it cannot decode in its error
    return db


def _about(db: sqlite3.Connection, path: str) -> _About:
    """What the journal says of itself. Raises JournalError for anything that is not whole."""
    tables = dict(db.execute("SELECT name, sql FROM sqlite_master").fetchall())
    if not {"about", "outcomes"} <= tables.keys():
        raise JournalError(path, "is a database, but no journal: name another file")
    rows = db.execute("SELECT version, target, salt FROM about").fetchall()
    version, target, salt = rows[0] if len(rows) == 1 else (None, None, None)
    if isinstance(version, int) and version != _VERSION:
        raise JournalError(
            path, f"was written by another version of this library ({version}, not {_VERSION}): name a new file"
        )
    is_whole = tables == _TABLES and version == _VERSION
    if not (is_whole and isinstance(target, str) and isinstance(salt, bytes) and len(salt) == _SALT):
        raise _damaged(path, "its tables are not as they were made")
    ((found, *_), *_) = db.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise _damaged(path, str(found).splitlines()[-1])
    return _About(target, salt)


def _entry(row: tuple[Any, ...], salt: bytes, path: str) -> tuple[Entry, bytes]:
    """What a row says, and the digest of its event. Raises JournalError."""
    *values, check = row
    if check != _check(values, salt):
        raise _damaged(path, "an outcome is not as it was written")
    number, digest, at, told = values
    try:
        message_id, event_type, status, attempts, calls, error, gsid, reason = json.loads(told)
        error = None if error is None else error_from_data(error)
        status = Status(status)
    except (ValueError, TypeError, AttributeError, RecursionError) as problem:
        raise _damaged(path, f"an outcome cannot be read ({type(problem).__name__})") from None
    outcome = Outcome(number, message_id, event_type, status, attempts, calls, error, gsid, reason, resumed=True)
    return Entry(outcome, at), digest


def _check(values: list[Any], salt: bytes) -> bytes:
    """A digest of a row. `ascii` is the same in all releases of Python, which `repr` is not."""
    return blake2b(ascii(values).encode(), key=salt, digest_size=8).digest()


def _json(event: Any) -> str:
    """The event as text, the same for the same event. What JSON cannot hold is shown as Python does."""
    if isinstance(event, PreparedEvent):
        event = event.event
    try:
        return json.dumps(event, default=repr)
    except (ValueError, TypeError, RecursionError):
        return "cannot be written as JSON"


def _damaged(path: str, found: str) -> JournalError:
    return JournalError(
        path,
        f"is damaged: {shown(found)}. Go on with a copy of it from before; with a new file, all is sent again",
    )


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What SQLite, the disk, and Python's reading of a damaged file raise, as our error."""
    try:
        yield
    except FAULTS as error:
        raise JournalError(path, problem_of(error, _OTHERWISE)) from None
