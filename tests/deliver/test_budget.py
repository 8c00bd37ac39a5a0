"""The tenant's calls: how many, and how long to wait."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.deliver import Budget
from gainsight_dest.sandbox.limits import DAY, MINUTE, Window


class Clock:
    def __init__(self, now: float = 1_000_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def spend(budget: Budget, clock: Clock, calls: int) -> list[float]:
    """The times at which so many calls were made."""
    made = []
    for _ in range(calls):
        while wait := budget.take():
            clock.now += wait
        made.append(clock.now)
    return made


def test_a_minute_holds_so_many_calls_and_the_next_one_waits_for_the_first_to_be_a_minute_old() -> None:
    clock = Clock()
    budget = Budget(3, None, clock)
    assert [budget.take() for _ in range(3)] == [0, 0, 0]
    clock.now += 20
    assert budget.take() == pytest.approx(40, abs=0.01)
    clock.now += 40.01
    assert budget.take() == 0


def test_a_day_holds_so_many_calls() -> None:
    clock = Clock()
    made = spend(Budget(10, 25, clock), clock, 30)
    assert made[24] - made[0] < 200
    assert made[25] - made[0] == pytest.approx(DAY, abs=1)


@pytest.mark.parametrize(
    ("per_minute", "per_day"), [(None, None), (5, None), (None, 5), (5, 5), (5, 3), (5, 10**9), (100, 50_000)]
)
def test_limits_may_be_given_in_any_proportion(per_minute: int | None, per_day: int | None) -> None:
    clock = Clock()
    budget = Budget(per_minute, per_day, clock)
    most = min(limit for limit in (per_minute, per_day, 200) if limit is not None)
    assert [budget.take() for _ in range(most)] == [0] * most
    assert (budget.take() > 0) == (most < 200)


@pytest.mark.parametrize("limits", [(0, None), (None, 0), (-1, 5)])
def test_a_limit_below_one_is_refused(limits: tuple[int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Budget(*limits)


@given(st.integers(1, 20), st.integers(1, 60), st.lists(st.floats(0, 100), max_size=120))
def test_no_fixed_window_of_gainsights_ever_holds_more(per_minute: int, per_day: int, pauses: list[float]) -> None:
    clock = Clock()
    budget = Budget(per_minute, per_day, clock)
    windows = [Window(MINUTE, per_minute), Window(DAY, per_day)]
    for pause in pauses:
        clock.now += pause
        (now,) = spend(budget, clock, 1)
        assert not any(window.is_full(now) for window in windows)
        for window in windows:
            window.count(now)


def test_a_hold_lets_no_call_through_whatever_is_left() -> None:
    clock = Clock()
    for budget in (Budget(None, None, clock), Budget(100, 1000, clock)):
        budget.hold(30)
        budget.hold(10)
        assert budget.take() == pytest.approx(30)
    clock.now += 30
    assert budget.take() == 0


def test_a_hold_without_a_time_lasts_until_the_next_minute_has_begun() -> None:
    clock = Clock(1_000_000_050.0)
    budget = Budget(None, None, clock)
    budget.hold(None)
    assert (clock.now + budget.take()) % 60 == pytest.approx(1)


def test_a_hold_is_never_longer_than_a_day() -> None:
    budget = Budget(None, None, Clock())
    budget.hold(10**9)
    assert budget.take() == DAY


def test_used_tells_the_calls_of_the_last_minute() -> None:
    clock = Clock()
    budget = Budget(10, 1000, clock)
    spend(budget, clock, 4)
    clock.now += 30
    spend(budget, clock, 2)
    assert budget.used() == 6
    clock.now += 31
    assert budget.used() == 2
    assert Budget(None, None, clock).used() == 0


def test_calls_of_a_run_before_count() -> None:
    clock = Clock()
    budget = Budget(5, 100, clock)
    budget.remember([(3000.0, 7), (50.0, 2), (10.0, 2)])
    assert budget.used() == 4
    assert budget.take() == 0
    assert budget.take() == pytest.approx(10, abs=0.01)
    Budget(None, None, clock).remember([(1.0, 5)])


def test_calls_that_a_clock_now_set_back_puts_into_the_future_count_as_of_now() -> None:
    clock = Clock()
    budget = Budget(2, None, clock)
    budget.remember([(-3600.0, 2)])
    assert spend(budget, clock, 1) == [pytest.approx(1_000_000_060, abs=0.01)]


def test_a_clock_that_is_set_back_neither_frees_calls_nor_breaks() -> None:
    clock = Clock()
    budget = Budget(2, None, clock)
    spend(budget, clock, 2)
    clock.now -= 3600
    set_back = clock.now
    assert spend(budget, clock, 1) == [pytest.approx(set_back + 60, abs=0.01)]


@given(st.integers(1, 5_000), st.integers(0, 3))
def test_an_even_budget_keeps_its_limit_in_any_minute_whoever_takes_it_up(per_minute: int, successors: int) -> None:
    clock = Clock()
    made: list[float] = []
    for _ in range(successors + 1):
        budget = Budget(per_minute, None, clock, is_even=True)
        made += spend(budget, clock, min(per_minute, 400) * 2 // (successors + 1))
    assert made == sorted(made)
    for first, start in enumerate(made):
        assert bisect_left(made, start + MINUTE) - first <= per_minute


@pytest.mark.parametrize("per_minute", [1, 7, 25, 100, 1_000, 12_000])
def test_an_even_budget_makes_all_of_its_calls_and_no_burst(per_minute: int) -> None:
    clock = Clock()
    start = clock.now
    calls = max(2, per_minute)
    made = spend(Budget(per_minute, None, clock, is_even=True), clock, calls)
    assert made[0] > start
    # A millisecond more for each wait: see Budget.take.
    assert made[-1] - start == pytest.approx(calls / per_minute * MINUTE, rel=0.04, abs=0.2)
    assert max(Counter(made).values()) <= max(1, per_minute // 600)


def test_an_even_budget_tells_the_calls_of_the_last_minute_and_keeps_the_days_limit() -> None:
    clock = Clock()
    budget = Budget(60, 100, clock, is_even=True)
    made = spend(budget, clock, 99)  # the one that it began with counts
    assert budget.used() == 60
    assert made[-1] - made[0] < 100
    assert spend(budget, clock, 1)[0] - made[0] > DAY - 10


@pytest.mark.parametrize(("per_minute", "per_day"), [(None, 5), (60_000, 5)])
def test_an_even_budget_without_a_step_between_calls_begins_at_once(per_minute: int | None, per_day: int) -> None:
    clock = Clock()
    start = clock.now
    made = spend(Budget(per_minute, per_day, clock, is_even=True), clock, 6)
    assert made[4] == start
    assert made[5] - start >= DAY


def test_calls_that_are_remembered_count_whatever_their_order() -> None:
    clock = Clock()
    budget = Budget(3, None, clock)
    budget.remember([(10, 1), (50, 2)])
    assert budget.take() == pytest.approx(10, abs=0.01)
    clock.now += 10.01
    assert [budget.take(), budget.take()] == [0, 0]
