"""How long to go on with an event that does not get through."""

from __future__ import annotations

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
    throttling included. The last two are as rudder-server has them: five minutes, three hours.
    """

    attempts: int = attrs.field(default=12, validator=_positive)
    longest_wait: float = attrs.field(default=300.0, validator=_positive)
    in_total: float = attrs.field(default=10_800.0, validator=_positive)

    def retrying(
        self,
        sleep: Callable[[float], None],
        to_the_next_minute: Callable[[], float],
        failures: int = 0,
        waited: float = 0.0,
    ) -> Retrying:
        """What calls a function again while it raises RetryableError and patience lasts.

        `failures`, `waited`: what has gone before, in times and seconds.
        """
        back_off = wait_exponential(multiplier=2**failures) + wait_random(0, 1)

        def wait(state: RetryCallState) -> float:
            error = _error(state)
            if error.retry_after is not None:
                return max(error.retry_after, _SHORTEST_WAIT)
            return (
                to_the_next_minute() if isinstance(error, ThrottledError) else min(back_off(state), self.longest_wait)
            )

        def is_over(state: RetryCallState) -> bool:
            nonlocal failures
            failures += not isinstance(_error(state), ThrottledError)
            return failures >= self.attempts or waited + state.idle_for + state.upcoming_sleep > self.in_total

        return Retrying(
            sleep=sleep, wait=wait, stop=is_over, retry=retry_if_exception_type(RetryableError), reraise=True
        )


def _error(state: RetryCallState) -> RetryableError:
    return cast("RetryableError", cast("Any", state.outcome).exception())  # tenacity asks only after one
