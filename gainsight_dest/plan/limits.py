"""The calls that a tenant may make, and whether a number of them is within."""

from __future__ import annotations

from enum import Enum

import attrs

from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.plan.durations import DAY, MINUTE


class Fit(str, Enum):
    """Whether a day's calls are within the limits. Equals its text: `plan.fit == "yes"`."""

    YES = "yes"
    #: It depends on how many people there are beyond the sample.
    PERHAPS = "perhaps"
    NO = "no"

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class Limits:
    """The calls that may be made. None: any number."""

    calls_per_minute: int | None = CALLS_PER_MINUTE
    calls_per_day: int | None = CALLS_PER_DAY

    @property
    def a_day(self) -> int | None:
        """The calls that both allow in a day."""
        per_minute, per_day = self.calls_per_minute, self.calls_per_day
        limits = (per_minute and per_minute * DAY // MINUTE, per_day)
        return min((limit for limit in limits if limit is not None), default=None)

    def seconds(self, calls: int) -> float:
        """How long so many calls take at full speed, from the beginning of a day."""
        if calls == 0 or self.a_day is None:
            return 0.0
        days, before = divmod(calls - 1, self.a_day)
        return days * DAY + (0.0 if self.calls_per_minute is None else (before + 1) * MINUTE / self.calls_per_minute)

    def fit(self, low: int, high: int) -> Fit:
        """Whether a day's calls are within, of which there are from `low` to `high`."""
        if self.a_day is None or high <= self.a_day:
            return Fit.YES
        return Fit.NO if low > self.a_day else Fit.PERHAPS
