"""The budget of calls that processes share: how many, and how long to wait."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gainsight_dest.known import Store
from tests.known.places import OnDisk, Place

TENANT, ANOTHER = b"tenant".ljust(16), b"another".ljust(16)
MINUTE, DAY = 60, 86_400
#: Calls are counted by a tenth of a second, and times told to the millisecond.
SLOT = 0.11


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


def spend(place: Place, store: Store, calls: int, per_minute: int | None, per_day: int | None = None) -> list[float]:
    """The times at which so many calls were made."""
    made = []
    for _ in range(calls):
        while wait := store.spend(TENANT, per_minute, per_day):
            place.now += wait
        made.append(place.now)
    return made


def most_in(made: list[float], seconds: float) -> int:
    """The most calls of any such time."""
    return max(bisect_right(made, begin + seconds) - place for place, begin in enumerate(made))


def test_a_minute_holds_so_many_calls_and_the_next_one_waits_for_the_first_to_be_a_minute_old(
    place: Place, store: Store
) -> None:
    other = place.open()
    assert [each.spend(TENANT, 3, None) for each in (store, other, store)] == [0, 0, 0]
    assert store.spend(TENANT, 4, None) == 0, "the limit is the caller's"
    place.now += 20
    assert other.spend(TENANT, 3, None) == pytest.approx(40, abs=SLOT)
    assert other.spend(ANOTHER, 3, None) == 0
    place.now += 40.1
    assert store.spend(TENANT, 3, None) == 0
    assert (store.used(TENANT), store.used(ANOTHER), store.used(b"nobody".ljust(16))) == (1, 1, 0)


def test_a_day_holds_so_many_calls(place: Place, store: Store) -> None:
    made = spend(place, store, 30, 10, 25)
    assert made[24] - made[0] < 200
    assert DAY < made[25] - made[0] < DAY + MINUTE
    assert most_in(made, DAY) == 25


def test_a_call_counts_until_it_is_a_day_old(place: Place, store: Store) -> None:
    made = spend(place, store, 25, 10, 25)
    place.now = made[0] + DAY - 0.5
    assert 0.5 < store.spend(TENANT, 10, 25) < MINUTE
    assert store.spend(TENANT, None, 25) > 0


@pytest.mark.parametrize(("per_minute", "per_day"), [(5, None), (None, 5), (5, 5), (5, 3), (5, 10**9), (1, 1)])
def test_limits_may_be_given_in_any_proportion(store: Store, per_minute: int | None, per_day: int | None) -> None:
    most = min(limit for limit in (per_minute, per_day) if limit is not None)
    assert [store.spend(TENANT, per_minute, per_day) for _ in range(most)] == [0] * most
    assert store.spend(TENANT, per_minute, per_day) > 0


def test_a_limit_that_is_lower_than_what_was_called_waits_for_as_many_to_be_old(place: Place, store: Store) -> None:
    for _ in range(5):
        assert store.spend(TENANT, 100, 100) == 0
        place.now += 10
    assert store.spend(TENANT, 2, None) == pytest.approx(MINUTE - 20, abs=SLOT)
    assert store.spend(TENANT, None, 2) == pytest.approx(DAY - 20, abs=SLOT)


def test_a_limit_of_none_at_all_never_lets_a_call_through(store: Store) -> None:
    assert store.spend(TENANT, 0, None) == pytest.approx(MINUTE, abs=SLOT)
    assert store.spend(TENANT, None, 0) == pytest.approx(DAY, abs=SLOT)


def test_without_a_limit_nothing_is_counted(store: Store) -> None:
    assert store.spend(TENANT, None, None) == 0
    assert store.used(TENANT) == 0


def test_a_hold_lets_no_call_through_whatever_is_left(place: Place, store: Store) -> None:
    store.hold(TENANT, 30)
    store.hold(TENANT, 10)
    other = place.open()
    for limits in ((None, None), (100, 1_000)):
        assert other.spend(TENANT, *limits) == pytest.approx(30)
        assert other.spend(ANOTHER, *limits) == 0
    assert store.used(TENANT) == 0
    place.now += 20
    store.hold(TENANT, 40)
    place.now += 10
    assert other.spend(TENANT, None, None) == pytest.approx(30)
    place.now += 30
    assert other.spend(TENANT, None, None) == 0


@pytest.mark.parametrize("limit", [None, 5])
def test_a_hold_ends_in_its_time_though_the_clock_is_set_back(place: Place, store: Store, limit: int | None) -> None:
    store.hold(TENANT, 30)
    place.now -= 3_600
    assert store.spend(TENANT, limit, None) == pytest.approx(30)
    place.now += 20
    assert store.spend(TENANT, limit, None) == pytest.approx(10)
    place.now -= 3_600
    store.hold(TENANT, 5)
    assert store.spend(TENANT, limit, None) == pytest.approx(5)


def test_a_clock_that_is_set_back_neither_frees_calls_nor_holds_them_for_longer(place: Place, store: Store) -> None:
    spend(place, store, 2, 2)
    place.now -= 3_600
    assert store.used(TENANT) == 2
    assert store.spend(TENANT, 2, None) == pytest.approx(MINUTE, abs=SLOT)
    place.now += 30
    assert store.spend(TENANT, 2, None) == pytest.approx(30, abs=SLOT)
    place.now += 30.2
    assert store.spend(TENANT, 2, None) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 9),
    st.none() | st.integers(1, 30),
    st.lists(st.sampled_from([0, 0, 0.05, 0.099, 1, 7, 59.95, 60, 119.9, 3_600, 30_000]), max_size=60),
)
def test_no_minute_and_no_day_ever_holds_more(
    place: Place, per_minute: int, per_day: int | None, pauses: list[float]
) -> None:
    place.now = round(place.now + 3 * DAY) + 0.5
    store, made = place.open(), []
    for pause in pauses:
        place.now += pause
        made += spend(place, store, 1, per_minute, per_day)
    store.close()
    if made:
        assert most_in(made, MINUTE) <= per_minute
        assert most_in(made, DAY) <= (per_day or len(made))


def test_all_of_the_calls_of_a_minute_can_be_made_again_and_again(place: Place, store: Store) -> None:
    made = spend(place, store, 50, 10)
    assert made[-1] - made[0] == pytest.approx(4 * MINUTE, abs=1)


@pytest.mark.again
def test_what_is_kept_of_the_calls_is_small_and_all_of_a_day(place: Place, store: Store) -> None:
    """Two days: a call each second for some minutes, then pauses of all lengths."""
    made: list[float] = []
    for burst in range(60):
        for _ in range(50 + burst):
            place.now += 1 + 0.7 * (burst % 2)
            made += spend(place, store, 1, 1_000, 10**6)
        place.now += (0, 30, 90, 700, 7_000)[burst % 5]
    assert place.now - made[0] > DAY
    of_a_day = sum(1 for each in made if each > place.now - DAY)
    assert store.spend(TENANT, None, of_a_day) > 0
    assert store.spend(TENANT, None, of_a_day + 100) == 0, "none counts for more than some minutes longer"
    assert slots_in(place, store) < len(made) // 8


def slots_in(place: Place, store: Store) -> int:
    if isinstance(place, OnDisk):
        return int(store._db.execute("SELECT count(*) FROM calls").fetchone()[0])  # type: ignore[attr-defined]
    return int(place.client.zcard(f"gainsight-dest:calls:{TENANT.hex()}"))  # type: ignore[attr-defined]
