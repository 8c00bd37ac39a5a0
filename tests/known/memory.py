"""A store in memory, for one process: the contract in few lines, and a look at who has leases."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from math import inf

from gainsight_dest.known import Learned, Store, Told
from gainsight_dest.known.known import after


class MemoryStore(Store):
    """Its leases never end by themselves. `leases`: the owners, by the records. `spent`: the calls counted."""

    salt = b"memory"
    where = "memory"

    def __init__(self) -> None:
        self.leases: dict[bytes, int] = {}
        self.spent = 0
        self._told: dict[bytes, Told] = {}
        self._lock = threading.Lock()

    def view(self, records: Iterable[bytes], since: float = -inf) -> dict[bytes, Told]:
        with self._lock:
            found = ((record, self._told.get(record)) for record in records if record not in self.leases)
            seen = ((record, told and told.since(since)) for record, told in found)
            return {record: told for record, told in seen if told is not None}

    def learn(self, learned: Learned, at: float) -> None:
        for record, lesson in learned.items():
            self._keep(record, after(self._told.get(record), lesson, at))

    def take(self, records: Collection[bytes], owner: int, known: dict[bytes, Told] | None = None) -> bool:
        with self._lock:
            if any(self.leases.get(record, owner) != owner for record in records):
                return False
            self.leases.update(dict.fromkeys(records, owner))
            if known is not None:
                known.update((record, self._told[record]) for record in records if record in self._told)
            return True

    def give(self, learned: Learned, owner: int, at: float) -> None:
        with self._lock:
            for record, lesson in learned.items():
                if self.leases.pop(record) != owner:
                    raise AssertionError("nobody gives back what it has not")
                self._keep(record, after(self._told.get(record), lesson, at))

    def release(self, owner: int) -> None:
        with self._lock:
            self.leases = {record: each for record, each in self.leases.items() if each != owner}

    def renew(self, owners: Collection[int]) -> None:
        """They do not end."""

    def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
        del tenant, per_minute, per_day
        with self._lock:
            self.spent += 1
        return 0.0

    def hold(self, tenant: bytes, seconds: float) -> None:
        """No call is ever one too many."""

    def used(self, tenant: bytes) -> int:
        del tenant
        return self.spent

    def close(self) -> None:
        """It holds nothing open."""

    def _keep(self, record: bytes, told: Told | None) -> None:
        if told is None:
            self._told.pop(record, None)
        else:
            self._told[record] = told
