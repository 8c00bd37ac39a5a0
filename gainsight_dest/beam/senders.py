"""The live senders of a process: each keeps its share of the calls, whatever bundle or process it takes up."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from gainsight_dest.beam.background import UNASKED, Background
from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.beam.results import THROTTLED, count
from gainsight_dest.deliver.shards import Shard, Shards
from gainsight_dest.outcome import Outcome

#: Who made the latest calls, and the calls of the last day: (minute since the epoch, number). Beam's state of a sender.
Made = tuple[str, list[tuple[int, int]]]

_MINUTES_OF_A_DAY = 24 * 60


class LiveSender:
    """A Shard in this process, with the calls of the last day, by minute."""

    def __init__(self, shard: Shard, made: Made, clock: Callable[[], float] = time.time) -> None:
        self.shard = shard
        self._name = uuid.uuid4().hex
        self._clock = clock
        self._before, minutes = made
        self._minutes = dict(minutes)
        self._calls, self._waited, self._throttled = 0, 0.0, 0
        self._background: Background | None = None
        shard.deliverer.budget.remember(_ages(minutes, clock()))

    def knows(self, made: Made) -> bool:
        """Whether no other process has made calls since. After a bundle that failed, all is as it was before."""
        return made[0] in {self._name, self._before}

    @property
    def made(self) -> Made:
        """For the next process."""
        oldest = self._minute() - _MINUTES_OF_A_DAY
        self._minutes = {minute: calls for minute, calls in self._minutes.items() if minute >= oldest}
        return self._name, sorted(self._minutes.items())

    def note(self) -> None:
        """Count the calls and the waiting since the last time."""
        made = self.shard.deliverer
        more, longer = made.calls - self._calls, round((made.waited - self._waited) * 1000)
        self._calls, self._waited = self._calls + more, self._waited + longer / 1000
        if more:
            minute = self._minute()
            self._minutes[minute] = self._minutes.get(minute, 0) + more
            count("calls", more)
        if longer:
            count("waiting_ms", longer)
        if seconds := int(made.delayed) - self._throttled:
            self._throttled += seconds
            count(THROTTLED, seconds)

    def background(self, send: Callable[[Shard, Iterable[RoutedEvent]], Iterable[Outcome]], batch: int) -> Background:
        """What sends for it in a thread, by `send`: the same one each time."""
        if self._background is None:
            self._background = Background(partial(send, self.shard), self.shard.deliverer.stop, batch)
        return self._background

    @property
    def is_used(self) -> bool:
        """Whether a bundle may ask how something ended."""
        return self._background is not None and self._background.is_used

    def close(self) -> None:
        """Stop, and close its connections."""
        if self._background is not None:
            self._background.close()
        self.shard.close()

    def _minute(self) -> int:
        return int(self._clock() // 60)


class LiveSenders:
    """The live senders of a process, for all its threads: one Shard a number. `how`: what Shards makes them with."""

    def __init__(self, shards: Shards, **how: Any) -> None:
        self._shards = shards
        self._how = how
        self._clock: Callable[[], float] = how.get("clock", time.time)
        self._lock = threading.Lock()
        self._locks: dict[int, threading.Lock] = {}
        self._live: dict[int, LiveSender] = {}
        self._users = self._joined = 0

    @contextmanager
    def taken(self, number: int, made: Made) -> Iterator[LiveSender]:
        """The sender, to oneself: a runner may have given up on a bundle that is still under way."""
        with self._lock:
            lock = self._locks.setdefault(number, threading.Lock())
        with lock:
            sender = self._live.get(number)
            if sender is None or not sender.knows(made):
                if sender is not None:
                    sender.close()
                shard = self._shards.shard(number, **self._how)
                sender = self._live[number] = LiveSender(shard, made, self._clock)
            yield sender

    def now(self) -> float:
        """Seconds since the epoch."""
        return float(self._clock())

    def has(self, number: int, made: Made) -> bool:
        """Whether the sender is here, and no other process has made calls since."""
        with self._lock:
            sender = self._live.get(number)
        return sender is not None and sender.knows(made)

    def join(self) -> None:
        """One more uses them."""
        with self._lock:
            self._users += 1
            self._joined += 1
            _UNUSED.discard(self)

    def leave(self) -> None:
        """One less; after the last one they are closed: after a while, if a bundle may still ask how something ended.

        For a runner drops the steps whose bundle has failed, and some drop them after each bundle.
        """
        with self._lock:
            self._users -= 1
            if self._users:
                return
            if any(sender.is_used for sender in self._live.values()):
                _UNUSED.add(self)
                later = threading.Timer(UNASKED, self._close, [self._joined])
                later.daemon = True
                later.start()
                return
        self._close(self._joined)

    def _close(self, joined: int) -> None:
        """Close them, if nobody has joined since."""
        with self._lock:
            if joined != self._joined:
                return
            closing = [self._live.pop(number) for number in list(self._live)]
            _UNUSED.discard(self)
        for sender in closing:
            sender.close()


#: Those that nobody uses, and that are kept for a while: Beam's Shared would forget them.
_UNUSED: set[LiveSenders] = set()


def _ages(minutes: Iterable[tuple[int, int]], now: float) -> list[tuple[float, int]]:
    """Seconds ago and number of calls, the oldest first. A minute's calls count from its end, to be safe."""
    return [(max(0.0, now - 60 * (minute + 1)), calls) for minute, calls in minutes]
