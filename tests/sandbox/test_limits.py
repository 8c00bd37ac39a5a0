"""Calls in fixed windows."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.sandbox.limits import DAY, MINUTE, Window


@pytest.mark.parametrize("seconds", [MINUTE, DAY])
def test_a_window_is_full_at_its_limit_and_empty_when_the_next_begins(seconds: int) -> None:
    window = Window(seconds, 2)
    start = 20_000 * DAY
    window.count(start)
    assert (window.used(start), window.is_full(start)) == (1, False)
    window.count(start + seconds - 0.001)
    assert (window.used(start + seconds - 0.001), window.is_full(start + seconds - 0.001)) == (2, True)
    assert (window.used(start + seconds), window.is_full(start + seconds)) == (0, False)


def test_windows_are_counted_from_the_epoch_not_from_the_first_call() -> None:
    window = Window(MINUTE, 1)
    window.count(59.9)
    assert not window.is_full(60)


def test_a_window_without_a_limit_counts_and_is_never_full() -> None:
    window = Window(MINUTE, None)
    for _ in range(1000):
        window.count(0)
    assert (window.used(0), window.is_full(0)) == (1000, False)


def test_a_limit_of_none_at_all_is_full_at_once() -> None:
    assert Window(MINUTE, 0).is_full(0)


@given(
    st.lists(st.floats(0, 30), max_size=60).map(lambda steps: list(accumulate(steps))),
    st.integers(1, 5),
)
def test_no_span_ever_holds_more_calls_than_the_limit(times: list[float], limit: int) -> None:
    window = Window(MINUTE, limit)
    made: dict[float, int] = {}
    for now in times:
        if not window.is_full(now):
            window.count(now)
            made[now // MINUTE] = made.get(now // MINUTE, 0) + 1
        assert window.used(now) == made.get(now // MINUTE, 0) <= limit
