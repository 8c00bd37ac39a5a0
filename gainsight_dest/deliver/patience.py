"""How long to go on with an event that does not get through."""

from __future__ import annotations

from typing import Any

import attrs

from gainsight_dest.errors import RetryableError, ThrottledError

#: Gainsight may ask for a wait of 0 seconds: without end, if each answer does.
_SHORTEST_WAIT = 1.0
#: Twice as long so often is for ever, and more would be no float.
_DOUBLINGS = 64


def above_0(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Raises ValueError for a setting that is not."""
    if value <= 0:
        raise ValueError(f"{attribute.alias} must be above 0, not {value}")


def at_least_1(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    """Raises ValueError for a setting that is not."""
    if value < 1:
        raise ValueError(f"{attribute.alias} must be at least 1, not {value}")


@attrs.frozen
class Patience:
    """When to give up on an event, and how long to wait before that.

    `attempts`: how often it may fail, throttling aside. `longest_wait`: seconds between two attempts at most; the first
    wait is a second or two, each further one twice as long. `in_total`: seconds of waiting for one event at most,
    throttling included. The last two are as rudder-server has them: five minutes, three hours. `resends`: how often a
    track event is sent again after its answer was lost, since each time may make one more of it in Gainsight.
    """

    attempts: int = attrs.field(default=12, validator=above_0)
    longest_wait: float = attrs.field(default=300.0, validator=above_0)
    in_total: float = attrs.field(default=10_800.0, validator=above_0)
    resends: int = attrs.field(default=2, validator=attrs.validators.ge(0))

    def back_off(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures: twice as long each time.

        `chance`, from 0 to 1, is added, so that not all come at once.
        """
        return min(2.0 ** min(failures, _DOUBLINGS) + chance, self.longest_wait)

    def wait_after(self, error: RetryableError, failures: int, now: float, chance: float) -> float:
        """Seconds to wait after the error: what it asks for, or else by how many failures were before it.

        `now`: seconds since the epoch.
        """
        if error.retry_after is not None:
            return max(error.retry_after, _SHORTEST_WAIT)
        if isinstance(error, ThrottledError):
            return to_the_next_minute(now)
        return self.back_off(failures, chance)


def to_the_next_minute(now: float) -> float:
    """Seconds until the clock's next minute has begun, and Gainsight's with it: they may differ by a second."""
    return 61 - now % 60
