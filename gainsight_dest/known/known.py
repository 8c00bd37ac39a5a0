"""What Gainsight was last told of each record: a value, and the same in a store that processes share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, Protocol

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.known.told import Digests, Learned, Told

if TYPE_CHECKING:
    from types import TracebackType

#: So many records a store keeps, where it is not said otherwise.
MOST = 1_000_000
#: A lease ends by itself after so many seconds, unless it is renewed: longer than any call takes.
LEASE = 90.0


class StoreError(GainsightDestError):
    """A store of what is known cannot be used: it says which one, why, and what to do."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class Knowledge(Protocol):
    """What is known, wherever it is kept: a Known, or a Store."""

    def digests(self, config: DestinationConfig) -> Digests:
        """Those of the config's tenant."""

    def view(self, records: Iterable[bytes]) -> Mapping[bytes, Told]:
        """What is known of those records, by their digests."""


class SharedKnowledge(Knowledge, Protocol):
    """The same in a store that others change meanwhile."""

    def at_once(self) -> AbstractContextManager[object]:
        """As of Store."""

    def learn(self, learned: Learned, at: float) -> None:
        """As of Store."""


@attrs.frozen(repr=False)
class Known:
    """What Gainsight was last told of each record. Frozen; compares by value and pickles; tells nothing of a record.

    ```python
    batch = transform_batch(events, config, known=known)
    ...  # send, until all is done
    known = known.learn(batch.learned, at=time.time())
    ```

    `salt`: for the digests, 16 bytes at most. `Known.open(where)` gives a store instead, which processes share.
    """

    salt: bytes = b""
    _told: Mapping[bytes, Told] = attrs.field(factory=dict)

    def view(self, records: Iterable[bytes], since: float = -inf) -> dict[bytes, Told]:
        """What is known of those records, if it was told since then; of others, when they were told last."""
        found = ((record, self._told[record].since(since)) for record in records if record in self._told)
        return {record: told for record, told in found if told is not None}

    def learn(self, learned: Learned, at: float) -> Known:
        """With what a batch has learnt, `at` so many seconds since the epoch."""
        told = {**self._told}
        for record, lesson in learned.items():
            if (now := after(told.pop(record, None), lesson, at)) is not None:
                told[record] = now
        return Known(self.salt, told)

    def digests(self, config: DestinationConfig) -> Digests:
        """Those of the config's tenant."""
        return Digests.of(config, self.salt)

    def since(self, moment: float) -> Known:
        """Only what was told since then, in seconds since the epoch; of others, when they were told last."""
        return Known(self.salt, self.view(self._told, moment))

    @staticmethod
    def open(where: str | os.PathLike[str], *, most: int = MOST) -> Store:
        """The store of that place: the path of a file, which is made if it is not there, or `redis://…`.

        `most`: so many records are kept; what was told longest ago goes first. Raises StoreError.
        """
        if str(where).startswith(("redis://", "rediss://", "unix://")):
            if find_spec("redis") is None:
                raise StoreError("redis", "needs its client: pip install 'gainsight-dest[redis]'")
            from gainsight_dest.known.redis import RedisStore  # noqa: PLC0415 - needs its extra

            return RedisStore(str(where), most)
        from gainsight_dest.known.sqlite import SqliteStore  # noqa: PLC0415 - the core loads no database

        return SqliteStore(where, most)

    def __len__(self) -> int:
        return len(self._told)

    def __repr__(self) -> str:
        return f"<Known: {len(self)} records>"


def after(before: Told | None, lesson: Told | None, at: float) -> Told | None:
    """What is known of a record after a lesson of that time, by what was known before.

    No event counts as one of a later time than that: a clock that is wrong would make all others older.
    """
    if lesson is None:
        return None if before is None else before.only_time
    moment = None if lesson.moment is None else min(lesson.moment, int(at * 1_000_000))
    # For each record that was written: attrs.evolve would take three times as long.
    if before is None or lesson.is_all:
        return Told(lesson.key, lesson.fields, lesson.links, lesson.gsid, at, moment=moment)
    told = before.then(Told(lesson.key, lesson.fields, lesson.links, lesson.gsid, at, moment=moment))
    return Told(told.key, told.fields, told.links, told.gsid, told.at, moment=told.moment) if told.is_all else told


class Store(ABC):
    """What is known, the leases of records and the budget of calls, for all processes that open the same place.

    A context manager; may be used by several threads, and after a fork. Records and tenants are digests: see
    `Digests`. An `owner` is a number that one event or batch under way has drawn: see `new_owner`. Times are
    in seconds since the epoch, by this machine's clock, or by the store's own where it has one. All methods raise
    StoreError.
    """

    #: For the digests: 16 bytes, drawn when the store is made.
    salt: bytes
    #: As it may be shown: no password.
    where: str

    def digests(self, config: DestinationConfig) -> Digests:
        """Those of the config's tenant."""
        return Digests.of(config, self.salt)

    def at_once(self) -> AbstractContextManager[object]:
        """What this thread does with the store in it costs less, where the store can do it in one. It must be short.

        If it raises, it may be that nothing of it was done.
        """
        return nullcontext()

    @abstractmethod
    def view(self, records: Iterable[bytes], since: float = -inf) -> dict[bytes, Told]:
        """What is known of those records, if it was told since then; of others, when they were told last.

        Nothing of one that somebody has a lease of.
        """

    @abstractmethod
    def learn(self, learned: Learned, at: float) -> None:
        """Add what a batch has learnt to what was known, as `after` does, whoever has a lease."""

    @abstractmethod
    def take(self, records: Collection[bytes], owner: int, known: dict[bytes, Told] | None = None) -> bool:
        """Lease all of the records, or none: False, if another owner has one.

        `known`: what is known of them is put into it.

        A lease that was not given back in time is as if it had been, but nothing is known of that record any more but
        when it was told last. An owner may take what it has: its lease begins anew.
        """

    @abstractmethod
    def give(self, learned: Learned, owner: int, at: float) -> None:
        """Give records back, with what Gainsight was told of each since they were taken: see `after`.

        None: it is not known any more what Gainsight has, but when it was told last. So it is of a record that the
        owner has no lease of any more.
        """

    @abstractmethod
    def release(self, owner: int) -> None:
        """Give back all that the owner has, with nothing said to Gainsight since."""

    @abstractmethod
    def renew(self, owners: Collection[int]) -> None:
        """Begin the leases of those owners anew."""

    @abstractmethod
    def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
        """0 if the tenant may be called now, which counts the call; else the seconds to wait before asking again.

        Any sixty seconds hold no more than `per_minute` calls, any day no more than `per_day`, of all processes. None:
        without end.
        """

    @abstractmethod
    def hold(self, tenant: bytes, seconds: float) -> None:
        """No call before so many seconds have passed, for any process."""

    @abstractmethod
    def used(self, tenant: bytes) -> int:
        """The calls of the last sixty seconds."""

    @abstractmethod
    def close(self) -> None:
        """Close it. Leases that were not given back end in their time."""

    def __enter__(self) -> Store:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def new_owner() -> int:
    """A number that no other owner has, in any process."""
    return int.from_bytes(os.urandom(8), "big") >> 1
