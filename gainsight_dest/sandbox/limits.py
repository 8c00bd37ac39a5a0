"""The calls that a tenant has, in fixed windows: by the minute and by the day."""

from __future__ import annotations

import attrs

MINUTE = 60
DAY = 86_400


@attrs.define
class Window:
    """A number of calls that may be made in each span of so many seconds, counted from the epoch."""

    seconds: int
    limit: int | None
    _span: int = -1
    _used: int = 0

    def used(self, now: float) -> int:
        """The calls made in the span that the time falls into."""
        return self._used if self._span == now // self.seconds else 0

    def is_full(self, now: float) -> bool:
        """Whether one call more would be too many."""
        return self.limit is not None and self.used(now) >= self.limit

    def count(self, now: float) -> None:
        """One call more."""
        self._span, self._used = int(now // self.seconds), self.used(now) + 1
