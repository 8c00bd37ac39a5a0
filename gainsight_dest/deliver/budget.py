"""The tenant's calls: how many may be made, and how long to wait for the next."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.deliver.patience import to_the_next_minute
from gainsight_dest.known.known import Store

_MINUTE = int(Duration.MINUTE)
_DAY = int(Duration.DAY)
#: Into no more parts than these is a minute cut: calls are not timed more finely than a tenth of a second.
_PARTS = 600


_STARTED = time.time() - time.monotonic()


def steady_clock() -> float:
    """Seconds since the epoch, by a clock that goes on evenly even if that of the machine is set meanwhile."""
    return _STARTED + time.monotonic()


class Budget:
    """So many calls in any minute and in any day, for all threads and Deliverers that share it. None: without end.

    Gainsight counts in fixed windows, by its own clock; any sixty seconds hold at least what one of its minutes holds,
    so a budget kept here is kept there. `clock` gives seconds since the epoch.

    `is_even`: the calls of a minute are spread over it, the first of them too, rather than made as soon as they may be.
    So a budget that is taken up by another process, which knows nothing of the calls made before, is kept all the same.
    """

    def __init__(
        self,
        calls_per_minute: int | None = CALLS_PER_MINUTE,
        calls_per_day: int | None = CALLS_PER_DAY,
        clock: Callable[[], float] = steady_clock,
        *,
        is_even: bool = False,
    ) -> None:
        self.calls_per_minute = calls_per_minute
        self.calls_per_day = calls_per_day
        rates = _rates(calls_per_minute, calls_per_day, is_even=is_even)
        self._bucket = InMemoryBucket(rates) if rates else None
        self._clock = clock
        self._lock = threading.Lock()
        self._latest = 0
        self._ahead = 0
        self._held_until = 0
        if is_even and rates and rates[0].interval < _DAY:  # the first is the step between calls, if there is one
            self.remember([(0.0, rates[0].limit)])

    def take(self) -> float:
        """0 if a call may be made now, which counts it; else the seconds to wait before asking again."""
        with self._lock:
            now = self._now()
            if now < self._held_until or self._bucket is None:
                return max(self._held_until - now, 0) / 1000
            call = RateItem("call", now)
            self._bucket.leak(call.timestamp)
            if self._bucket.put(call):
                return 0.0
            # One more: releases differ on whether a call that is just a minute old still counts.
            return (int(self._bucket.waiting(call)) + 1) / 1000  # type: ignore[arg-type] # it also serves async buckets

    def hold(self, seconds: float | None) -> None:
        """No call before so many seconds have passed, a day at most: Gainsight has said that there were too many.

        None: until the next minute.
        """
        wait = to_the_next_minute(self._clock()) if seconds is None else min(seconds, _DAY / 1000)
        with self._lock:
            self._held_until = max(self._held_until, self._now() + round(wait * 1000))

    def remember(self, calls: Iterable[tuple[float, int]]) -> None:
        """Count calls that were made before this run: seconds ago, and how many."""
        if self._bucket is None:
            return
        with self._lock:
            now = self._now()
            items = self._bucket.items
            for seconds_ago, number in calls:
                items += [RateItem("call", now - max(0, round(seconds_ago * 1000)))] * number
            items.sort(key=lambda item: item.timestamp)

    def used(self) -> int:
        """The calls of the last sixty seconds; 0 where there is no limit."""
        with self._lock:
            items = self._bucket.items if self._bucket else []
            return len(items) - bisect_left(items, self._now() - _MINUTE + 1, key=lambda item: item.timestamp)

    def _now(self) -> int:
        """In milliseconds, never back: where the clock is set back, time goes on from where it was."""
        now = round(self._clock() * 1000)
        self._ahead = max(self._ahead, self._latest - now)
        self._latest = now + self._ahead
        return self._latest


class SharedBudget:
    """The tenant's calls, as of Budget, for all processes that share the store, which counts them by its own clock."""

    def __init__(
        self,
        store: Store,
        tenant: bytes,
        calls_per_minute: int | None = CALLS_PER_MINUTE,
        calls_per_day: int | None = CALLS_PER_DAY,
    ) -> None:
        _rates(calls_per_minute, calls_per_day, is_even=False)
        self.calls_per_minute = calls_per_minute
        self.calls_per_day = calls_per_day
        self._store = store
        self._tenant = tenant

    def take(self) -> float:
        """As of Budget. Raises StoreError, as the others do."""
        return self._store.spend(self._tenant, self.calls_per_minute, self.calls_per_day)

    def hold(self, seconds: float | None) -> None:
        """As of Budget, for all processes."""
        wait = to_the_next_minute(time.time()) if seconds is None else min(seconds, _DAY / 1000)
        self._store.hold(self._tenant, wait)

    def remember(self, calls: Iterable[tuple[float, int]]) -> None:
        """Nothing: the store has counted the calls that were made before."""

    def used(self) -> int:
        """As of Budget."""
        return self._store.used(self._tenant)


def _rates(per_minute: int | None, per_day: int | None, *, is_even: bool) -> list[Rate]:
    """Those that limit anything, as the library wants them: the longer one larger, and not the looser one."""
    if any(limit is not None and limit < 1 for limit in (per_minute, per_day)):
        raise ValueError("a limit of calls must be at least 1, or None for none")
    rates = [] if per_minute is None else _evenly(per_minute) if is_even else [Rate(per_minute, _MINUTE)]
    if per_day is None:
        return rates
    rates = [rate for rate in rates if rate.limit < per_day]
    is_looser = rates and per_day * rates[-1].interval >= rates[-1].limit * _DAY
    return rates if is_looser else [*rates, Rate(per_day, _DAY)]


def _evenly(per_minute: int) -> list[Rate]:
    """A few calls in each small part of a minute: one, where a part is a tenth of a second or longer."""
    calls = max(1, per_minute // _PARTS)
    part = -(-_MINUTE * calls // per_minute)
    parts = -(-_MINUTE // part)
    step = Rate(calls, part)
    return [step] if parts == 1 else [step, Rate(calls * parts, part * parts)]  # the other only for `used` to count by
