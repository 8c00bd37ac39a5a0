"""When to give up, and how long to wait before that."""

from __future__ import annotations

import pytest

from gainsight_dest import GainsightDestError, RejectedError, ResponseError, RetryableError, ThrottledError, transform
from gainsight_dest.deliver import Patience
from gainsight_dest.deliver.flow import Hold, Run, Send, Wait, event_flow
from tests.some import CONFIG, identify


def waits(patience: Patience, *errors: ResponseError) -> list[float]:
    """The waits that these errors lead to, one after the other; the last one comes again and again.

    The clock stands 19 seconds after a minute has begun. Others get through meanwhile.
    """
    run = Run(patience, 10.0**9, "Gainsight", lambda: 0.5, now=19.0)
    flow = event_flow(run, transform(identify(), CONFIG))
    asked: list[float] = []
    left = list(errors)
    answer: GainsightDestError | None = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as end:
            ending = end.value
            break
        answer = None
        if isinstance(step, Send):
            answer = left.pop(0) if len(left) > 1 else left[0]
        elif isinstance(step, Wait):
            asked.append(step.seconds)
            run.through_at = 20.0
        else:
            assert isinstance(step, Hold)
    assert ending.error in {None, errors[-1]}
    return asked


FAILED = RetryableError("find company", "failed", 500)
THROTTLED = ThrottledError("find company", "too many calls", 429)


def test_failures_are_tried_again_twice_as_late_each_time_up_to_the_longest_wait() -> None:
    slept = waits(Patience(), FAILED)
    assert len(slept) == 11
    assert all(2**n <= wait <= 2**n + 1 for n, wait in enumerate(slept[:8]))
    assert slept[9:] == [300, 300]


def test_throttling_waits_for_the_next_minute_and_counts_by_time_alone() -> None:
    slept = waits(Patience(attempts=3, in_total=500), THROTTLED)
    assert slept == [42.0] * 11


def test_throttling_takes_nothing_from_the_attempts() -> None:
    slept = waits(Patience(attempts=2), THROTTLED, THROTTLED, FAILED, THROTTLED, FAILED)
    assert [slept[0], slept[1], slept[3]] == [42.0] * 3
    assert len(slept) == 4


def test_a_wait_that_gainsight_asks_for_is_kept_but_one_of_nothing_is_a_second() -> None:
    asked = ThrottledError("a", "b", 429, retry_after=7.5)
    assert waits(Patience(in_total=20), asked) == [7.5, 7.5]
    at_once = RetryableError("a", "b", 503, retry_after=0.0)
    assert waits(Patience(attempts=3), at_once) == [1.0, 1.0]


def test_a_wait_beyond_the_patience_is_not_begun() -> None:
    assert waits(Patience(), ThrottledError("a", "b", 429, retry_after=86_400.0)) == []


def test_a_refusal_is_not_tried_again() -> None:
    assert waits(Patience(), RejectedError("a", "b", 400)) == []


@pytest.mark.parametrize("name", ["attempts", "longest_wait", "in_total"])
def test_patience_is_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        Patience(**{name: 0})
