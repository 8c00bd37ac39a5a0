"""What is known, leases and the budget in a file of SQLite, for the processes of one machine.

The file holds digests, and the Gsids of companies. It is written ahead to a file beside it, which only processes of one
machine can share: no network drive. It is a cache: if it is deleted, all is told again. A copy of before must never be
put in its place, as it would say what is no longer so.

**What survives what.** A killed process loses nothing that a method has returned from. A power cut may take the last
transactions back, in their order. So those are waited for until they are on the disk that say less than the file said
before: a lease of a record of which something is known, and that it is known no more. What was told, a lease that was
given back and a call that was counted need no waiting: without them, a record stays leased, and is forgotten with that
lease.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple
from weakref import WeakSet

from gainsight_dest.known.database import FAULTS, decoded, find_file, identity_of, make_private, problem_of, real_name
from gainsight_dest.known.known import LEASE, MOST, Store, StoreError, after
from gainsight_dest.known.told import Learned, Told

_VERSION = 1
_SALT = 16
#: Bytes that are written for each record, lease and call, at least. Half of what SQLite has by itself take a tenth less
#: of its CPU for a record that is new, and a twentieth more of the disk.
_PAGE = 2048
#: Seconds to wait for another process that writes.
_PATIENCE = 30.0
#: A tenth of a second is the time that calls are counted by.
_SLOTS = 10
_MINUTE = 60 * _SLOTS
_DAY = 24 * 60 * _MINUTE

_TABLES = {
    # opened: when it was last opened.
    "about": "CREATE TABLE about (version INTEGER, salt BLOB, opened REAL)",
    # at: the second in which it was told, by which the oldest goes first. The rows are numbered, and the keys have an
    # index: a table in the order of its keys would be larger, and twice as slow to fill.
    "told": (
        "CREATE TABLE told (number INTEGER PRIMARY KEY, record BLOB NOT NULL UNIQUE, at INTEGER NOT NULL,"
        " packed BLOB NOT NULL)"
    ),
    "told_by_time": "CREATE INDEX told_by_time ON told (at)",
    # spoilt: somebody whose lease had ended has written the record since: nothing is known when it is given back.
    "leases": (
        "CREATE TABLE leases (record BLOB PRIMARY KEY, owner INTEGER NOT NULL, until REAL NOT NULL,"
        " spoilt INTEGER NOT NULL) WITHOUT ROWID"
    ),
    # upto: the calls of the tenant from the beginning until the end of that slot. So those of any time are a
    # difference, and a row that is left out makes calls seem later than they were, never earlier.
    "calls": (
        "CREATE TABLE calls (tenant BLOB NOT NULL, slot INTEGER NOT NULL, upto INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, slot)) WITHOUT ROWID"
    ),
    "holds": "CREATE TABLE holds (tenant BLOB PRIMARY KEY, began REAL NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID",
}
_OTHERWISE = "it is no store, or a damaged one: name another file, or delete it, and all is told again"

# Of each record: what is known, and its lease.
_LOOK = (
    "WITH wanted (record) AS (VALUES {}) SELECT wanted.record, packed, owner, until FROM wanted"
    " LEFT JOIN told ON told.record = wanted.record LEFT JOIN leases ON leases.record = wanted.record"
)
_KEEP = (
    "INSERT INTO told (record, at, packed) VALUES (?, ?, ?)"
    " ON CONFLICT (record) DO UPDATE SET at = excluded.at, packed = excluded.packed"
)
# What is not known any more. What stays is when it was told last, by `Told.only_time`, if that is known.
_DROP = "DELETE FROM told WHERE {} AND only_time(packed) IS NULL"
_ONLY_TIME = "UPDATE told SET packed = only_time(packed) WHERE {}"
_OF_RECORD = "record = ?"
_OLDEST = "DELETE FROM told WHERE number IN (SELECT number FROM told ORDER BY at, number LIMIT ?)"

_TAKE = "INSERT INTO leases VALUES (?, ?, ?, 0) ON CONFLICT (record) DO UPDATE SET until = excluded.until"
_SHORTEN = "UPDATE leases SET until = min(until, ?) WHERE record = ? AND owner <> ?"
_GIVE = "DELETE FROM leases WHERE record = ? AND owner = ? AND until > ? AND NOT spoilt"
_GIVE_LATE = "DELETE FROM leases WHERE record = ? AND owner = ?"
_SPOIL = "UPDATE leases SET spoilt = 1 WHERE record = ?"
_ENDED = "record IN (SELECT record FROM leases WHERE until <= ?)"
_OF_OWNER = "record IN (SELECT record FROM leases WHERE owner = ? AND (until <= ? OR spoilt))"

# The newest slot of a tenant, its calls, those until a minute ago, and those until a day ago.
_CALLS = (
    "SELECT slot, upto,"
    " (SELECT upto FROM calls WHERE tenant = ? AND slot <= ? ORDER BY slot DESC LIMIT 1),"
    " (SELECT upto FROM calls WHERE tenant = ? AND slot <= ? ORDER BY slot DESC LIMIT 1)"
    " FROM calls WHERE tenant = ? ORDER BY slot DESC LIMIT 1"
)
# The newest slot of a tenant, its calls, and whether they are held. Not in one with the insert: one that selects from
# its own table fills another table in between, which takes three times as long as both.
_NEWEST = (
    "SELECT slot, upto, EXISTS (SELECT 1 FROM holds WHERE holds.tenant = calls.tenant"
    " AND (began > :now OR began + seconds > :now)) FROM calls WHERE tenant = :tenant ORDER BY slot DESC LIMIT 1"
)
_COUNT = "INSERT INTO calls VALUES (?, ?, ?) ON CONFLICT (tenant, slot) DO UPDATE SET upto = excluded.upto"
_FREED = "SELECT slot FROM calls WHERE tenant = ? AND slot > ? AND upto > ? ORDER BY slot LIMIT 1"
_THIN = (
    "DELETE FROM calls WHERE tenant = ? AND slot >= ? AND slot <"
    " (SELECT max(slot) FROM calls WHERE tenant = ? AND slot < ?)"
)
_HOLD = (
    "INSERT INTO holds VALUES (?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET began = excluded.began,"
    " seconds = excluded.seconds WHERE began + seconds < excluded.began + excluded.seconds OR began > excluded.began"
)

_KEY = itemgetter(0)
#: Records are asked for by so many at once: for each number, SQLite makes the statement ready once.
_AT_ONCE = (1, 2, 4, 8, 16, 32, 64, 256)
_LOOKS = {size: _LOOK.format(", ".join(["(?)"] * size)) for size in _AT_ONCE}


class _Seen(NamedTuple):
    """What the file holds of a record: what is known of it, packed, and its lease. None: nothing; nobody has one."""

    packed: object
    owner: int | None
    until: float

    def left(self, now: float) -> Told | None:
        """What is known of it once it is taken: of a lease that has ended, only when it was told last."""
        told = None if self.packed is None else _unpacked(self.packed)
        return told.only_time if told is not None and self.owner is not None and self.until <= now else told


class _Part:
    """A context manager of two functions. One of `contextlib` would be made anew each time, and there are many."""

    def __init__(self, begin: Callable[[], sqlite3.Connection], end: Callable[[BaseException | None], None]) -> None:
        self._begin = begin
        self._end = end

    def __enter__(self) -> sqlite3.Connection:
        return self._begin()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._end(error)


class SqliteStore(Store):
    """The store of a file. It is made if it is not there, for this user only to read.

    `most`: so many records are kept; each process that has the file open may add half a percent between two looks.
    `lease`: seconds after which a lease ends. `clock`: seconds since the epoch, the same for all processes. All methods
    raise StoreError: also when the file is removed or replaced meanwhile.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        most: int = MOST,
        *,
        lease: float = LEASE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.where = os.fsdecode(path)
        self._most = most
        self._spare = most // 200
        self._added = self._spare  # the first to add something looks
        self._lease = lease
        self._clock = clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._is_closed = False
        self._is_to_be_synced = False
        #: The thread that has begun a transaction, to which all that it does belongs, and how many parts are under way.
        self._writer: int | None = None
        self._depth = 0
        #: What was seen in the transaction, until it changes something of that.
        self._seen: dict[bytes, _Seen] = {}
        self._transaction = _Part(self._begin, self._end)
        self._look_at = _Part(self._begin_to_look, self._end_looking)
        #: By the tenants: what is known of their calls, as they were counted last.
        self._known_calls: dict[bytes, _Calls] = {}
        with self._telling():
            self._real = real_name(self.where, StoreError, "known.db")
            if find_file(self.where, self._real, StoreError) is None:
                make_private(self._real, self.where, StoreError)
            self._identity = identity_of(self._real)
            self._db, self.salt = _opened(self._real, self.where, clock())
        _OPEN.add(self)

    def at_once(self) -> AbstractContextManager[object]:
        """One transaction."""
        return self._transaction

    def view(self, records: Iterable[bytes], since: float = -inf) -> dict[bytes, Told]:
        """What is known of those records, if it was told since then. Nothing of one that somebody has a lease of."""
        told = {}
        with self._look_at as db:
            for record, each in self._look(db, records).items():
                if each.owner is None and each.packed is not None:
                    told[record] = _unpacked(each.packed).since(since)
        return {record: each for record, each in told.items() if each is not None}

    def learn(self, learned: Learned, at: float) -> None:
        """Add what a batch has learnt to what was known, whoever has a lease."""
        with self._transaction as db:
            self._keep(db, learned, at)
            # That an event of a later time has said the same says no less than before.
            self._is_to_be_synced |= any(each is None or each.is_all or not each.is_blank for each in learned.values())

    def take(self, records: Collection[bytes], owner: int, known: dict[bytes, Told] | None = None) -> bool:
        """Lease all of the records, or none: False, if another owner has one."""
        wanted = sorted({*records})
        with self._transaction as db:
            now = self._clock()
            until = now + self._lease
            seen = self._look(db, wanted)
            leases = [(record, each) for record, each in seen.items() if each.owner is not None]
            self._seen = {}
            if any(each.owner != owner and each.until > now for _, each in leases):
                # Where the clock was set back, others would not end in time.
                late = [(until, record, owner) for record, each in leases if each.until > until]
                db.executemany(_SHORTEN, late)
                return False
            self._is_to_be_synced |= any(each.packed is not None for each in seen.values())
            ended = [(record,) for record, each in leases if each.until <= now]
            if ended:
                _forget(db, ended)
                db.executemany("DELETE FROM leases WHERE record = ?", ended)
            if known is not None:
                known.update((record, told) for record, each in seen.items() if (told := each.left(now)) is not None)
            db.executemany(_TAKE, [(record, owner, until) for record in wanted])
        return True

    def give(self, learned: Learned, owner: int, at: float) -> None:
        """Give records back, with what Gainsight was told of each since they were taken."""
        with self._transaction as db:
            now = self._clock()
            mine = {
                record: lesson for record, lesson in learned.items() if db.execute(_GIVE, (record, owner, now)).rowcount
            }
            self._keep(db, mine, at)
            if late := learned.keys() - mine.keys():
                _forget(db, [(record,) for record in late])
                db.executemany(_GIVE_LATE, [(record, owner) for record in late])
                db.executemany(_SPOIL, [(record,) for record in late])
                self._is_to_be_synced = True

    def release(self, owner: int) -> None:
        """Give back all that the owner has, with nothing said to Gainsight since."""
        with self._transaction as db:
            self._seen = {}
            _forget(db, [(owner, self._clock())], _OF_OWNER)
            db.execute("DELETE FROM leases WHERE owner = ?", (owner,))

    def renew(self, owners: Collection[int]) -> None:
        """Begin the leases of those owners anew. Of what others did not give back in time, nothing is known."""
        with self._transaction as db:
            self._seen = {}
            now = self._clock()
            rows = [(now + self._lease, owner, now) for owner in owners]
            db.executemany("UPDATE leases SET until = ? WHERE owner = ? AND until > ?", rows)
            _sweep(db, now)

    def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
        """0 if the tenant may be called now, which counts the call; else the seconds to wait before asking again."""
        if per_minute is per_day is None:
            with self._look_at as db:
                return _held(db, tenant, self._clock())
        with self._transaction as db:
            now = self._clock()
            slot, known = int(now * _SLOTS), self._known_calls.get(tenant)
            if known is not None and known.slot <= slot:
                newest, total, is_held = db.execute(_NEWEST, {"now": now, "tenant": tenant}).fetchone() or (0, 0, True)
                is_in_this_minute = slot - slot % _MINUTE <= newest <= slot
                if is_in_this_minute and not is_held and total < known.most(per_minute, per_day):
                    db.execute(_COUNT, (tenant, slot, total + 1))
                    return 0.0
            wait, self._known_calls[tenant] = _spend(db, tenant, now, per_minute, per_day)
            return wait

    def hold(self, tenant: bytes, seconds: float) -> None:
        """No call before so many seconds have passed, for any process."""
        with self._transaction as db:
            db.execute(_HOLD, (tenant, self._clock(), seconds))

    def used(self, tenant: bytes) -> int:
        """The calls of the last sixty seconds."""
        with self._look_at as db:
            _, total, minute, _ = _calls(db, tenant, int(self._clock() * _SLOTS))
        return total - minute

    def close(self) -> None:
        """Close it. Leases that were not given back end in their time."""
        with self._telling():
            self._is_closed = True
            self._disconnect()
        _OPEN.discard(self)

    # --- what is written ----------------------------------------------------------------------------------------------

    def _look(self, db: sqlite3.Connection, records: Iterable[bytes]) -> Mapping[bytes, _Seen]:
        """What the file holds of the records."""
        wanted = [*records]
        if wanted and self._seen and self._seen.keys() == {*wanted}:
            return self._seen
        seen: dict[bytes, _Seen] = {}
        while wanted:
            size = next((each for each in _AT_ONCE if len(wanted) <= each), _AT_ONCE[-1])
            part, wanted = wanted[:size], wanted[size:]
            for record, packed, owner, until in db.execute(_LOOKS[size], (*part, *[None] * (size - len(part)))):
                if record is not None:
                    seen[record] = _Seen(packed, owner, until)
        if self._writer is not None:
            self._seen = seen
        return seen

    def _keep(self, db: sqlite3.Connection, learned: Learned, at: float) -> None:
        """Add it to what is known of the records, whoever has a lease."""
        added = [record for record, lesson in learned.items() if lesson is not None and not lesson.is_all]
        known = self._look(db, added) if added else {}
        self._seen = {}
        told, forgotten = [], []
        for record, lesson in sorted(learned.items(), key=_KEY):
            packed = known[record].packed if record in known else None
            now_known = after(None if packed is None else _unpacked(packed), lesson, at)
            if now_known is None:
                forgotten.append((record,))
            else:
                told.append((record, int(now_known.at), now_known.packed()))
        if told:
            db.executemany(_KEEP, told)
        if forgotten:
            _forget(db, forgotten)
        self._added += len(told)
        if self._added > self._spare:
            self._added = 0
            ((number,),) = db.execute("SELECT count(*) FROM told")
            if number > self._most:
                # No more at once than others can wait for; the next look goes on.
                db.execute(_OLDEST, (min(number - self._most, len(told) + 2 * self._spare + 1_000),))
                self._is_to_be_synced = True

    # --- its file -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """One thread at a time; what goes wrong is our error."""
        with self._lock:
            try:
                yield
            except FAULTS as error:
                raise StoreError(self.where, problem_of(error, _OTHERWISE)) from None

    def _begin_to_look(self) -> sqlite3.Connection:
        """Begin to look at what is there: in the transaction, if this thread has begun one."""
        if self._writer == threading.get_ident() and self._db is not None:
            self._depth += 1
            return self._db
        self._lock.acquire()
        try:
            return self._connection()
        except BaseException as error:
            self._lock.release()
            self._tell(error)
            raise

    def _end_looking(self, error: BaseException | None) -> None:
        if self._depth:
            self._depth -= 1
            return
        self._lock.release()
        if error is not None:
            self._tell(error)

    def _begin(self) -> sqlite3.Connection:
        """Begin a transaction, or a part of one."""
        if self._writer == threading.get_ident() and self._db is not None:
            self._depth += 1
            return self._db
        self._lock.acquire()
        try:
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._lock.release()
            self._tell(error)
            raise
        self._is_to_be_synced = False
        self._writer = threading.get_ident()
        return db

    def _end(self, error: BaseException | None) -> None:
        """End it, or the part. It is on the disk at the end, if that was asked for."""
        if self._depth:
            self._depth -= 1
            return
        is_to_be_synced = self._is_to_be_synced
        try:
            if self._db is not None and error is None:
                self._db.execute("COMMIT")
        except BaseException as fault:
            error = fault
            raise
        finally:
            if error is not None:
                self._roll_back()
            self._seen = {}
            self._writer = None
            self._lock.release()
            if error is not None:
                self._tell(error)
        if is_to_be_synced:
            self._sync()  # other threads need not wait for it

    def _tell(self, error: BaseException) -> None:
        """Raise ours, for one that stands for what is wrong with the file."""
        if isinstance(error, FAULTS):
            raise StoreError(self.where, problem_of(error, _OTHERWISE)) from None

    def _roll_back(self) -> None:
        if self._db is not None and self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        """That of this process: before a fork, it is closed."""
        if self._is_closed:
            raise StoreError(self.where, "is closed: open it again")
        # What is known by a file that was removed is old, and its leases hold nobody off.
        if identity_of(self._real) != self._identity:
            raise StoreError(self.where, "was removed, moved or replaced while it was used: open it again")
        if self._db is None:
            self._db, _ = _opened(self._real, self.where, self._clock())
        return self._db

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _sync(self) -> None:
        """As `synchronous = FULL` does it; but whether that is needed is known when the transaction is through."""
        try:
            file = os.open(f"{self._real}-wal", os.O_RDWR)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        except FileNotFoundError:
            pass  # closed meanwhile: SQLite has seen to it
        except OSError as error:
            raise StoreError(self.where, problem_of(error, "see to the disk, and run again")) from None


def _opened(real: str, path: str, now: float) -> tuple[sqlite3.Connection, bytes]:
    """A connection, and the salt. Raises StoreError for a file that is no store."""
    db = sqlite3.connect(real, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
    try:
        db.text_factory = decoded
        db.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file
        db.create_function("only_time", 1, _only_time, deterministic=True)
        if not _is_empty(db):
            _salt(db, path)  # what is no store is left as it is
        _write_ahead(db, path)
        _make(db)
        salt = _salt(db, path)
        # What is left of processes that were killed. It is on the disk at once, so that the name of the file beside it
        # is there, too; from now on `SqliteStore._sync` says when to wait for the disk.
        db.execute("PRAGMA synchronous = FULL")
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE about SET opened = ?", (now,))
            _sweep(db, now)
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db, salt


def _write_ahead(db: sqlite3.Connection, path: str) -> None:
    """Let readers and a writer work at a time. SQLite does not wait for those who ask for it at the same moment."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            ((mode,),) = db.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break
    if mode != "wal":
        raise StoreError(path, "is on a drive where processes cannot share a file: name one on a disk of this machine")


def _is_empty(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _make(db: sqlite3.Connection) -> None:
    """The tables, in a file that has none."""
    if not _is_empty(db):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if _is_empty(db):  # still: another process may have been quicker
            for statement in _TABLES.values():
                db.execute(statement)
            db.execute("INSERT INTO about VALUES (?, ?, 0)", (_VERSION, secrets.token_bytes(_SALT)))


def _salt(db: sqlite3.Connection, path: str) -> bytes:
    """What the digests are salted with. Raises StoreError for anything that is not whole."""
    tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())
    if not {"about", "told"} <= tables.keys():
        raise StoreError(path, "is a database, but no store of what is known: name another file")
    rows = db.execute("SELECT version, salt FROM about").fetchall()
    version, salt = rows[0] if len(rows) == 1 else (None, None)
    if isinstance(version, int) and version != _VERSION:
        raise StoreError(
            path,
            f"was written by another version of this library ({version}, not {_VERSION}): use that one, or delete it, "
            "and all is told again",
        )
    if tables != _TABLES or version != _VERSION or not isinstance(salt, bytes) or len(salt) != _SALT:
        raise StoreError(path, "is damaged: its tables are not as they were made: delete it, and all is told again")
    return salt


def _sweep(db: sqlite3.Connection, now: float) -> None:
    """A lease that has ended is as if it had been given back, but nothing is known of the record."""
    _forget(db, [(now,)], _ENDED)
    db.execute("DELETE FROM leases WHERE until <= ?", (now,))


def _forget(db: sqlite3.Connection, values: list[tuple[Any, ...]], which: str = _OF_RECORD) -> None:
    """It is not known any more what Gainsight has of those records, but when it was told last."""
    for statement in (_DROP, _ONLY_TIME):
        db.executemany(statement.format(which), values)


def _only_time(packed: object) -> bytes | None:
    told = _unpacked(packed).only_time
    return None if told is None else told.packed()


def _unpacked(packed: object) -> Told:
    if not isinstance(packed, bytes):
        raise ValueError(type(packed).__name__)  # noqa: TRY004 - it is what a damaged file raises
    return Told.unpacked(packed)


class _Calls(NamedTuple):
    """Of a tenant's calls, those until a minute, and until a day before that slot, and perhaps a few more.

    From then on, there are no fewer until a minute, or a day, ago: they are counted from the beginning.
    """

    slot: int
    minute: int
    day: int

    def most(self, per_minute: int | None, per_day: int | None) -> float:
        """While there are fewer calls in all, there may be one more."""
        by_minute = inf if per_minute is None else self.minute + per_minute
        return min(by_minute, inf if per_day is None else self.day + per_day)


def _spend(
    db: sqlite3.Connection, tenant: bytes, now: float, per_minute: int | None, per_day: int | None
) -> tuple[float, _Calls]:
    """0 if the tenant may be called now, which counts the call; else the seconds to wait. And what it had called."""
    slot = int(now * _SLOTS)
    newest, total, *before = _calls(db, tenant, slot)
    known = _Calls(slot, *before)
    if (held := _held(db, tenant, now)) > 0:
        return held, known
    wait = 0.0
    for (limit, span), earlier in zip(((per_minute, _MINUTE), (per_day, _DAY)), before, strict=True):
        if limit is not None and total - earlier >= limit:
            freed = db.execute(_FREED, (tenant, slot - span - 1, total - limit)).fetchone()
            # A millisecond more: what is counted by the slot is asked for by the second.
            wait = max(wait, ((freed[0] if freed else slot) + span + 1) / _SLOTS - now + 0.001)
    if not wait:
        db.execute(_COUNT, (tenant, slot, total + 1))
        if slot // _MINUTE > newest // _MINUTE:
            _thin(db, tenant, newest // _MINUTE, slot)
    return wait, known


def _calls(db: sqlite3.Connection, tenant: bytes, slot: int) -> tuple[int, int, int, int]:
    """The tenant's newest slot, its calls in all, until a minute ago, and until a day ago."""
    row = db.execute(_CALLS, (tenant, slot - _MINUTE - 1, tenant, slot - _DAY - 1, tenant)).fetchone()
    newest, total, minute, day = row or (0, 0, 0, 0)
    if newest > slot:  # the clock was set back: they were made by now
        db.execute(_COUNT, (tenant, slot, total))
        db.execute("DELETE FROM calls WHERE tenant = ? AND slot > ?", (tenant, slot))
    return min(newest, slot), total, minute or 0, day or 0


def _thin(db: sqlite3.Connection, tenant: bytes, newest: int, slot: int) -> None:
    """Of minutes that are over and no longer counted by the slot, keep the last slot; of the days before, nothing.

    `newest`: the minute of the last call but this one.
    """
    for minute in (newest - 1, newest):
        if (minute + 1) * _MINUTE <= slot - _MINUTE:
            db.execute(_THIN, (tenant, minute * _MINUTE, tenant, (minute + 1) * _MINUTE))
    db.execute(_THIN, (tenant, 0, tenant, slot - _DAY))


def _held(db: sqlite3.Connection, tenant: bytes, now: float) -> float:
    """The seconds that are left of a hold."""
    row = db.execute("SELECT began, seconds FROM holds WHERE tenant = ?", (tenant,)).fetchone()
    if row is None:
        return 0.0
    began, seconds = row
    if began > now:  # the clock was set back: it begins now
        db.execute("UPDATE holds SET began = ? WHERE tenant = ?", (now, tenant))
        return float(seconds)
    return max(0.0, float(began + seconds - now))


# --- a fork -----------------------------------------------------------------------------------------------------------

#: SQLite does not survive a fork, not even for a new connection: so there is none at that moment, nor any use of one.
_OPEN: WeakSet[SqliteStore] = WeakSet()
_FORKING = threading.Lock()
_held_still: list[SqliteStore] = []


def _before_fork() -> None:
    _FORKING.acquire()
    _held_still[:] = _OPEN
    for store in _held_still:
        store._lock.acquire()  # noqa: SLF001 - of this module
        with suppress(sqlite3.Error):
            store._disconnect()  # noqa: SLF001 - the same


def _after_fork() -> None:
    """In both processes. Each opens the file again when it has a use for it."""
    for store in _held_still:
        store._lock.release()  # noqa: SLF001 - the same
    _held_still.clear()
    _FORKING.release()


if sys.platform != "win32":
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
