"""A record on disk of what became of each event, so that a run that was cut off can be taken up again.

SQLite, from the standard library. It holds no secret, and of an event no more than its message id and a keyed digest,
unless `keep_events` asks for the events themselves.
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
from typing import Any

import attrs

from gainsight_dest.errors import GainsightDestError
from gainsight_dest.outcome import Outcome, Prepared, Status, error_as_data, error_from_data

_VERSION = 1
_TABLES = """
CREATE TABLE about (version INTEGER, target TEXT, salt BLOB);
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY,  -- the event's place in the stream, from 0
    digest BLOB NOT NULL,
    at REAL NOT NULL,            -- when its outcome was known, in seconds since the epoch
    message_id TEXT, type TEXT, status TEXT NOT NULL, attempts INTEGER, calls INTEGER,
    error TEXT, gsid TEXT, reason TEXT,
    event TEXT                   -- the event itself, if asked for
);
"""
_COLUMNS = "number, message_id, type, status, attempts, calls, error, gsid, reason"


class JournalError(GainsightDestError):
    """The journal cannot be used: it says which file, why, and what to do."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@attrs.frozen
class Entry:
    """An outcome as the journal has it, and when it was known, in seconds since the epoch."""

    outcome: Outcome
    at: float


class Journal:
    """The journal of one stream of events to one target. A context manager; may be used by several threads.

    An outcome is on the disk before the next call for its record is made: neither a killed process nor a power cut
    loses it. `target` is where the events go, such as "https://acme.gainsightcloud.com": a journal of another one is
    refused. `retry_failed`: take up failed events as if they had not been tried. One process at a time: a lock file
    stands beside it. `wait`: seconds to wait for another that has it. Raises JournalError.
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
        self._path = os.fspath(path)
        self._retry_failed = retry_failed
        self._keep_events = keep_events
        self._clock = clock
        self._mutex = threading.Lock()
        with ExitStack() as opened, _told(self._path):
            self._guard = opened.enter_context(closing(_locked(f"{self._path}-lock", self._path, wait)))
            database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._db = opened.enter_context(closing(database))
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._salt = self._open(target)
            opened.pop_all()

    def _open(self, target: str) -> bytes:
        if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._db.executescript(f"BEGIN; {_TABLES}")
            self._db.execute("INSERT INTO about VALUES (?, ?, ?)", (_VERSION, target, secrets.token_bytes(16)))
            self._db.execute("COMMIT")
        version, journaled, salt = _about(self._db, self._path)
        if version != _VERSION:
            raise JournalError(self._path, "was written by another version of this library: name a new file")
        if journaled != target:
            raise JournalError(self._path, f"is the journal of a delivery to {journaled}, not to {target}")
        return salt

    def find(self, index: int, event: Any) -> Outcome | None:
        """What is known of the event; None: send it. Raises JournalError if another one stood in its place before."""
        with self._mutex, _told(self._path):
            query = f"SELECT digest, {_COLUMNS} FROM outcomes WHERE number = ?"  # noqa: S608 - constants of ours
            row = self._db.execute(query, (index,)).fetchone()
        if row is None:
            return None
        digest, *columns = row
        outcome = _outcome(columns)
        if self._retry_failed and outcome.status is Status.FAILED:
            return None  # whatever stands there now: it may have been mended
        if digest != self._digest(event):
            raise JournalError(self._path, f"event {index + 1} is not the one that it knows: were the events changed?")
        return outcome

    def add(self, outcome: Outcome, event: Any) -> None:
        """Record what became of the event."""
        error = None if outcome.error is None else json.dumps(error_as_data(outcome.error))
        values = [outcome.index, self._digest(event), self._clock(), outcome.message_id, outcome.type]
        values += [outcome.status.value, outcome.attempts, outcome.calls, error, outcome.gsid, outcome.reason]
        values += [_json(event) if self._keep_events else None]
        with self._mutex, _told(self._path):
            self._db.execute(f"INSERT OR REPLACE INTO outcomes VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608

    def calls_since(self, seconds_ago: float) -> list[tuple[float, int]]:
        """What was called of late: how many seconds ago an event ended, and its calls. The oldest first."""
        now = self._clock()
        with self._mutex, _told(self._path):
            rows = self._db.execute("SELECT at, calls FROM outcomes WHERE at > ? ORDER BY at", (now - seconds_ago,))
            return [(now - at, calls) for at, calls in rows if calls]

    def close(self) -> None:
        """Close the file, for another run to take up."""
        with self._mutex:  # SQLite does not survive a connection that is closed while it is used
            self._db.close()
            self._guard.close()

    def __enter__(self) -> Journal:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _digest(self, event: Any) -> bytes:
        return blake2b(_json(event).encode(), key=self._salt, digest_size=16).digest()


def entries(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """All that a journal holds, in the order of the events, also while a run goes on. Raises JournalError."""
    name = os.fspath(path)
    if not Path(name).is_file():
        raise JournalError(name, "there is no such journal")
    with _told(name), closing(sqlite3.connect(f"{Path(name).absolute().as_uri()}?mode=ro", uri=True)) as db:
        _about(db, name)
        for at, *columns in db.execute(f"SELECT at, {_COLUMNS} FROM outcomes ORDER BY number"):  # noqa: S608 - the same
            yield Entry(_outcome(columns), at)


def _about(db: sqlite3.Connection, path: str) -> tuple[int, str, bytes]:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"about", "outcomes"} <= tables:
        raise JournalError(path, "is a database, but no journal: name another file")
    version, target, salt = db.execute("SELECT version, target, salt FROM about").fetchone()
    return version, target, salt


def _outcome(columns: list[Any]) -> Outcome:
    index, message_id, event_type, status, attempts, calls, error, gsid, reason = columns
    told = None if error is None else error_from_data(json.loads(error))
    return Outcome(index, message_id, event_type, Status(status), attempts, calls, told, gsid, reason, resumed=True)


def _json(event: Any) -> str:
    """The event as text, the same for the same event. What JSON cannot hold is shown as Python does."""
    if isinstance(event, Prepared):
        event = event.event
    try:
        return json.dumps(event, default=repr)
    except (ValueError, TypeError, RecursionError):
        return "cannot be written as JSON"


def _locked(lock: str, path: str, wait: float) -> sqlite3.Connection:
    """A lock that ends with the process, however that ends: SQLite's own, on a file of its own."""
    with _told(path):
        guard = sqlite3.connect(lock, isolation_level=None, check_same_thread=False, timeout=wait)
        try:
            guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            guard.close()
            raise JournalError(path, f"is in use by another run ({error})") from None
        return guard


@contextmanager
def _told(path: str) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(path, f"cannot be used: {error}") from None
