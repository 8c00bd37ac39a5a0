"""Who waits for whom: jobs that write the same record go one after the other, in the order they came."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

_J = TypeVar("_J", bound=Hashable)


class Lanes(Generic[_J]):
    """Jobs under way, each behind the last one that shares a record with it. Plain bookkeeping, no threads."""

    def __init__(self) -> None:
        self._last: dict[Hashable, _J] = {}
        self._records: dict[_J, AbstractSet[Hashable]] = {}
        self._followers: dict[_J, list[_J]] = {}
        self._ahead: dict[_J, int] = {}

    def enter(self, job: _J, records: AbstractSet[Hashable]) -> bool:
        """Takes the job in; whether it may start now. Otherwise a later `leave` gives it."""
        ahead = {self._last[record] for record in records if record in self._last}
        for other in ahead:
            self._followers[other].append(job)
        self._last.update(dict.fromkeys(records, job))
        self._records[job], self._followers[job], self._ahead[job] = records, [], len(ahead)
        return not ahead

    def leave(self, job: _J) -> list[_J]:
        """Lets the job go; those that may start now, as nothing is ahead of them any more."""
        for record in self._records.pop(job):
            if self._last[record] == job:
                del self._last[record]
        del self._ahead[job]
        followers = self._followers.pop(job)
        for follower in followers:
            self._ahead[follower] -= 1
        return [follower for follower in followers if not self._ahead[follower]]
