"""How long to go on with an event that does not get through."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, cast

import attrs
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random

from gainsight_dest.errors import RetryableError, ThrottledError

#: Gainsight may ask for a wait of 0 seconds: without end, if each answer does.
_SHORTEST_WAIT = 1.0


def _positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be above 0, not {value}")


@attrs.frozen
class Patience:
    """When to give up on an event, and how long to wait before that.

    `attempts`: how often it may fail, throttling aside. `longest_wait`: seconds between two attempts at most; the first
    wait is a second or two, each further one twice as long. `in_total`: seconds of waiting for one event at most,
    throttling included. The last two are as rudder-server has them: five minutes, three hours. `resends`: how often a
    track event is sent again after its answer was lost, since each time may make one more of it in Gainsight.
    """

    attempts: int = attrs.field(default=12, validator=_positive)
    longest_wait: float = attrs.field(default=300.0, validator=_positive)
    in_total: float = attrs.field(default=10_800.0, validator=_positive)
    resends: int = attrs.field(default=2, validator=attrs.validators.ge(0))

    def back_off(self, failures: int) -> float:
        """Seconds to wait after so many failures: twice as long each time, and some chance."""
        return min(2.0**failures + random.random(), self.longest_wait)  # noqa: S311 - so that not all come at once

    def retrying(
        self,
        sleep: Callable[[float], None],
        to_the_next_minute: Callable[[], float],
        failures: int = 0,
        waited: float = 0.0,
        *,
        is_over: Callable[..., bool] = lambda _, **__: True,
        is_spent: Callable[[], bool] = lambda: False,
    ) -> Retrying:
        """What calls a function again while it raises RetryableError and patience lasts.

        `failures`, `waited`: what has gone before, in times and seconds. `is_over` is asked, with the error and whether
        it `is_by_time`, once patience is at its end: False to go on. `is_spent`: whether it is to end at once.
        """
        back_off = wait_exponential(multiplier=2**failures) + wait_random(0, 1)

        def wait(state: RetryCallState) -> float:
            error = _error(state)
            if error.retry_after is not None:
                return max(error.retry_after, _SHORTEST_WAIT)
            return (
                to_the_next_minute() if isinstance(error, ThrottledError) else min(back_off(state), self.longest_wait)
            )

        def stop(state: RetryCallState) -> bool:
            nonlocal failures
            error = _error(state)
            failures += not isinstance(error, ThrottledError)
            is_by_time = waited + state.idle_for + state.upcoming_sleep > self.in_total
            is_at_end = failures >= self.attempts or is_by_time or is_spent()
            return is_at_end and is_over(error, is_by_time=is_by_time)

        return Retrying(sleep=sleep, wait=wait, stop=stop, retry=retry_if_exception_type(RetryableError), reraise=True)


def _error(state: RetryCallState) -> RetryableError:
    return cast("RetryableError", cast("Any", state.outcome).exception())  # tenacity asks only after one
