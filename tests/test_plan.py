"""What a sample of events costs in calls: the figures, beside those of the batch itself, and what fits."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import ConfigError, DestinationConfig, EventError, transform_batch
from gainsight_dest.batching.moments import UnreadTimes, moment_of
from gainsight_dest.known import Known
from gainsight_dest.plan import WINDOWS, Fit, Limits, Load, MergedCalls, Plan, plan
from gainsight_dest.plan.durations import DAY, HOUR, MINUTE, between, duration, lasting
from gainsight_dest.sandbox import Content, Sandbox
from gainsight_dest.tenant import Tenant
from tests import some, strategies
from tests.known.test_recall import alone
from tests.some import CONFIG, FREE, Event
from tests.tenant_of_60_fields import ANSWER

MORNING = datetime(2026, 3, 2, tzinfo=timezone.utc)


def moment(seconds: float | None) -> Event:
    """When an event was: so long after the morning began; None: it does not tell."""
    if seconds is None:
        return {}
    return {"originalTimestamp": (MORNING + timedelta(seconds=seconds)).isoformat()}


def identify(person: object, seconds: float | None = None) -> Event:
    return some.identify(f"p{person}@example.com") | moment(seconds)


def group(person: object, company: object, seconds: float | None = None) -> Event:
    return some.group(f"Company {company}", f"p{person}@example.com") | moment(seconds)


def track(seconds: float | None = None, event: str = "Ticket Closure") -> Event:
    return some.track(event) | moment(seconds)


def words_of(name: str, seconds: float) -> Event:
    """What is said of a person."""
    return some.identify("p1@example.com", comments=name) | moment(seconds)


def size_of(employees: int, seconds: float) -> Event:
    """A company's size."""
    return some.group("Company 1", "p1@example.com", employees=employees) | moment(seconds)


def load_of(*events: Any, window: int = HOUR, config: DestinationConfig | None = CONFIG) -> Load:
    load = Load(window)
    for event in events:
        load.add(event, config)
    return load


def calls(load: Load) -> dict[int | None, int]:
    return {merged.seconds: merged.calls for merged in load.merged()}


def planned(*events: Any, a_day: int | None = None, limits: Limits | None = None, window: int = HOUR) -> Plan:
    return plan(load_of(*events, window=window), limits, a_day)


# --- the sample -------------------------------------------------------------------------------------------------------


def test_events_are_counted_by_what_becomes_of_them() -> None:
    load = Load()
    events: list[Any] = [
        identify(1),
        group(1, 1),
        track(),
        {"type": "page"},
        {"type": "identify"},
        5,
        EventError("the line", "?"),
    ]
    outcomes = [load.add(event, CONFIG) for event in events]
    assert load.counts == {"identify": 1, "group": 1, "track": 1, "skipped": 1, "at fault": 3}
    assert [outcome and str(outcome.status) for outcome in outcomes] == [None] * 3 + ["skipped"] + ["failed"] * 3
    assert (load.events, load.one_by_one) == (7, 5)
    assert repr(load) == "<Load of 7 events>"


def test_without_a_config_each_track_event_has_a_name() -> None:
    load = load_of(track(event="Anything"), track(event=" "), config=None)
    assert load.counts == {"track": 1, "at fault": 1}
    outcome = load.add(track(event="Anything"), CONFIG)
    assert outcome is not None
    assert isinstance(outcome.error, ConfigError)


def test_a_config_that_cannot_be_read_is_the_events_fault() -> None:
    outcome = Load().add(identify(1), {"domain": "localhost"})
    assert outcome is not None
    assert isinstance(outcome.error, ConfigError)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], (0, 0, 0, 0, 0)),
        ([identify(1, 0), identify(1, 59), group(1, 1, 30)], (3, 3, 3, 3, 3)),
        ([identify(1, 0), identify(1, 60)], (2, 1, 1, 1, 1)),
        ([identify(1, 0), identify(1, 600)], (2, 2, 1, 1, 1)),
        ([identify(1, 0), identify(1, 3600)], (2, 2, 2, 1, 1)),
        ([identify(1, 0), identify(1, 86_400)], (2, 2, 2, 2, 1)),
        ([identify(1, -1), identify(1, 0)], (2, 1, 1, 1, 1)),
        ([identify("A", 0), identify("a", 0)], (2, 2, 2, 2, 2)),
        ([track(0), track(0)], (2, 2, 2, 2, 2)),
        ([group(1, company, 0) for company in range(50)], (3, 3, 3, 3, 3)),
        ([group(1, company, 0) for company in range(51)], (5, 5, 5, 5, 5)),
        ([group(1, company, 60 * company) for company in range(3)], (9, 3, 3, 3, 3)),
        ([identify(1, 0), identify(1), group(1, 1), group(2, 1), track()], (9, 9, 9, 9, 5)),
        ([identify(1, -62e9), identify(1, 250e9)], (2, 2, 2, 2, 1)),
    ],
)
def test_a_person_costs_a_call_in_each_window_and_fifty_companies_two(
    events: list[Event], expected: tuple[int, ...]
) -> None:
    assert tuple(calls(load_of(*events)).values()) == expected


def test_a_window_of_any_length_is_measured_beside_the_usual_ones() -> None:
    load = load_of(identify(1, 0), identify(1, 44), identify(1, 45), window=45)
    assert calls(load) == {45: 2, 60: 1, 600: 1, 3600: 1, 86_400: 1, None: 1}


def test_windows_begin_with_the_sample() -> None:
    """Half an hour before midnight and half an hour after it are one window of an hour, and one day."""
    hour = [identify(1, 60 * minute) for minute in range(-30, 30)]
    assert calls(load_of(*hour)) == {60: 60, 600: 6, 3600: 1, 86_400: 1, None: 1}
    assert ranges(planned(*hour, a_day=1440))["an hour"] == (24, 24)
    assert planned(*(track(60 * minute) for minute in range(-30, 30))).chosen.busiest == 60


@pytest.mark.parametrize("window", [-1, 0, DAY + 1])
def test_a_window_is_of_a_day_at_most(window: int) -> None:
    with pytest.raises(ValueError, match="a window must be of 1 to 86400 seconds"):
        Load(window)


def test_the_busiest_window_is_told() -> None:
    load = load_of(identify(1, 0), identify(2, 10), group(3, 1, 20), track(30), identify(1, 4000))
    (hour,) = (merged for merged in load.merged() if merged.seconds == HOUR)
    assert hour == MergedCalls(
        HOUR, windows=2, people=4, companies=1, company_calls=2, tracks=1, alone=0, busiest=6, with_known=6
    )


def test_the_span_is_from_the_first_moment_to_the_last() -> None:
    span = load_of(identify(1, 90), identify(1, 30), identify(1)).span()
    assert span is not None
    assert (span.first, span.last) == (MORNING + timedelta(seconds=30), MORNING + timedelta(seconds=90))
    assert (span.seconds, span.strays) == (60, 0)
    assert load_of(identify(1)).span() is None


def test_a_few_events_of_another_year_are_left_out_of_the_span() -> None:
    events = [identify(1, 10 * number) for number in range(200)]
    span = load_of(*events, identify(1, -1e9), identify(1, 1e9)).span()
    assert span is not None
    assert (span.first, span.strays) == (MORNING, 2)
    assert span.last == MORNING + timedelta(seconds=2039)
    whole = load_of(*events, identify(1, 3600)).span()
    assert whole is not None
    assert (whole.seconds, whole.strays) == (3600, 0)


# --- beside the batch -------------------------------------------------------------------------------------------------


def calls_made(*windows: list[Event], held: int = 0) -> int:
    """By a batch for each window, in a sandbox that holds so many of the companies at first."""
    companies = [{"Gsid": f"G{number}", "Name": f"Company {number}"} for number in range(held)]
    content = Content.from_data({"people": [], "companies": companies, "events": []})
    sandbox = Sandbox(CONFIG, **FREE, content=content)
    for events in windows:
        batch = transform_batch(events, CONFIG)
        while batch.requests:
            batch = batch.next([sandbox.handle(request) for request in batch.requests])
        assert all(outcome.status == "delivered" for outcome in batch.outcomes)
    return sum(sandbox.counts.values())


people, companies, seconds = st.integers(0, 4), st.integers(0, 120), st.integers(0, 3 * 60)
some_events = st.lists(
    st.one_of(
        st.builds(identify, people, seconds), st.builds(group, people, companies, seconds), st.builds(track, seconds)
    ),
    max_size=150,
)


@given(some_events)
def test_the_estimate_is_what_a_batch_makes_of_new_companies(events: list[Event]) -> None:
    load = load_of(*events)
    assert calls(load)[None] == calls_made(events)
    minutes = groupby(sorted(events, key=moment_of), key=lambda event: moment_of(event).text[:16])
    assert calls(load)[MINUTE] == sum(calls_made(list(minute)) for _, minute in minutes)


@given(some_events, st.integers(0, 120))
def test_where_companies_are_both_new_and_known_it_is_one_call_more(events: list[Event], held: int) -> None:
    """Creates and updates are calls of their own, and each of the two may not be full."""
    made = calls_made(events, held=held)
    assert calls(load_of(*events))[None] <= made <= calls(load_of(*events))[None] + 1


@pytest.mark.parametrize(("length", "digits"), [(HOUR, len("2026-03-02T08")), (DAY, len("2026-03-02"))])
def test_of_a_lifelike_day_the_estimate_is_within_a_hundredth(length: int, digits: int) -> None:
    """Dates and numbers change with each event, and are merged; with one event of a hundred a stage, which is not.

    Ten of forty companies are new: where some are, a window's creates and updates are calls of their own. With one
    event of twenty that changes a stage it may be a hundredth, with one of five two.
    """
    chance = random.Random(20260302)  # noqa: S311 - no secret
    stages = ["Onboarding"] * 40
    events = []
    for number in range(1500):
        person = int(chance.expovariate(1 / 60))
        company = person % 40
        if chance.random() < 1 / 100:
            stages[company] = chance.choice(["Onboarding", "Adoption", "Renewal"])
        made = chance.choice([identify(person, 50 * number), group(person, company, 50 * number)])
        made["traits"] |= {"employees": number, "renewalDate": f"2027-01-{number % 28 + 1:02}"}
        made["traits"] |= {"lastName": f"Li {number}", "stage": stages[company]}
        events.append(made if number % 4 else track(50 * number))
    windows = [list(window) for _, window in groupby(events, key=lambda event: moment_of(event).text[:digits])]
    made_calls = calls_made(*windows, held=30)
    assert 0.99 * made_calls <= calls(load_of(*events))[length] < made_calls


@pytest.mark.parametrize(("batch", "calls_for_companies"), [(120, 4), (80, 6)])
def test_the_batch_is_told_that_so_few_calls_for_companies_need(batch: int, calls_for_companies: int) -> None:
    """Where the events of a company stand together, as Beam and Spark put them."""
    events = [group(1, number // 4, 0) for number in range(240)]
    chosen = planned(*events).chosen
    assert (chosen.company_calls, chosen.batch) == (4, 120)
    chunks = [events[start : start + batch] for start in range(0, 240, batch)]
    assert calls_made(*chunks) - len(chunks) == calls_for_companies  # the person is a call of each


# --- what is known ----------------------------------------------------------------------------------------------------


def with_known(load: Load) -> dict[int | None, int]:
    return {merged.seconds: merged.with_known for merged in load.merged()}


@pytest.mark.parametrize(
    ("events", "unchanged", "expected"),
    [
        ([], 0, (0, 0, 0, 0, 0, 0)),
        ([track(0), track(0)], 0, (2, 2, 2, 2, 2, 2)),
        ([identify(1, 0), identify(1, 60)], 1, (1, 1, 1, 1, 1, 1)),
        ([identify(1, 0), words_of("gold", 60), words_of("gold", 120)], 1, (2, 2, 1, 1, 1, 1)),
        ([words_of("a", 0), words_of("b", 60), words_of("a", 120)], 0, (3, 3, 1, 1, 1, 1)),
        ([identify("A", 0), identify("a", 60)], 0, (2, 2, 2, 2, 2, 2)),
        ([group(1, 1, 0), group(1, 1, 60)], 1, (3, 3, 3, 3, 3, 3)),
        ([group(1, 1, 0), group(2, 1, 60)], 0, (4, 4, 4, 4, 4, 4)),
        ([group(1, 1, 0), size_of(7, 60), size_of(7, 120)], 1, (4, 4, 3, 3, 3, 3)),
        ([group(1, company, 60 * company) for company in range(3)], 0, (9, 9, 3, 3, 3, 3)),
        ([identify(1), identify(1), track()], 1, (2, 2, 2, 2, 2, 2)),
    ],
)
def test_what_was_said_before_costs_no_call_where_it_is_known(
    events: list[Event], unchanged: int, expected: tuple[int, ...]
) -> None:
    load = load_of(*events)
    assert load.unchanged.total() == sum(plan(load).unchanged.values()) == unchanged
    assert (load.one_by_one_with_known, *with_known(load).values()) == expected
    assert tuple(way.with_known for way in plan(load).ways) == expected


def test_events_of_which_nothing_is_new_are_told_in_a_sentence() -> None:
    made = planned(identify(1, 0), identify(1, 1), group(1, 1, 2), group(1, 1, 3), track(4))
    assert made.unchanged == made.as_dict()["unchanged"] == {"identify": 1, "group": 1}
    assert made.of_what_is_known == (
        "With --known, 2 of 4 identify and group events cost no call: they say nothing new."
    )
    assert planned(identify(1, 0), track(4)).of_what_is_known == ""


def test_of_more_events_as_large_a_share_is_new() -> None:
    (alone, minute, *_) = planned(identify(1, 0), identify(1, 60), a_day=2000).ways
    assert (alone.high, alone.with_known) == (2000, 1000)
    assert (minute.high, minute.with_known) == (2000, 1000)


some_changes = st.lists(
    st.one_of(
        st.builds(identify, people, seconds),
        st.builds(words_of, st.sampled_from("ab"), seconds),
        st.builds(group, people, companies, seconds),
        st.builds(size_of, st.integers(0, 2), seconds),
        st.builds(track, seconds),
    ),
    max_size=150,
)


@given(some_changes)
def test_the_estimate_with_what_is_known_is_what_batches_make_or_a_little_more(events: list[Event]) -> None:
    """More where a value changes and changes back within a window; less where a window has new companies and others."""
    events.sort(key=moment_of)
    windows = [list(minute) for _, minute in groupby(events, key=lambda event: moment_of(event).text[:16])]
    tenant, told = Sandbox(CONFIG, **FREE), Known()
    for window in windows:
        batch = transform_batch(window, CONFIG, known=told)
        while batch.requests:
            batch = batch.next([tenant.handle(request) for request in batch.requests])
        told = told.learn(batch.learned, at=0)
    load = load_of(*events)
    assert sum(tenant.counts.values()) <= with_known(load)[MINUTE] + len(windows)
    if not any("traits" in event and {"comments", "employees"} & event["traits"].keys() for event in events):
        assert sum(tenant.counts.values()) == with_known(load)[MINUTE]


@given(some_changes)
def test_one_by_one_the_estimate_with_what_is_known_is_exact(events: list[Event]) -> None:
    tenant = Sandbox(CONFIG, **FREE)
    outcomes, _ = alone(events, tenant.handle, Known(), config=CONFIG)
    load = load_of(*events)
    assert load.one_by_one_with_known == sum(tenant.counts.values())
    assert load.unchanged.total() == sum(outcome.status == "unchanged" for outcome in outcomes)


@given(some_changes)
def test_with_what_is_known_no_window_needs_more(events: list[Event]) -> None:
    load = load_of(*events)
    assert load.one_by_one_with_known <= load.one_by_one
    assert all(merged.with_known <= merged.calls for merged in load.merged())
    figures = [load.one_by_one_with_known, *with_known(load).values()]
    assert figures == sorted(figures, reverse=True)


# --- laws -------------------------------------------------------------------------------------------------------------


@given(st.lists(strategies.events, max_size=8), st.sampled_from([None, CONFIG]))
def test_every_event_is_counted_whatever_it_is(events: list[Any], config: DestinationConfig | None) -> None:
    load = load_of(*events, config=config)
    assert load.events == len(events)
    sent = sum(load.counts[kind] for kind in ("identify", "group", "track"))
    assert max(calls(load).values()) <= load.one_by_one <= 3 * sent
    assert plan(load).as_dict()["events"]["all"] == len(events)


@given(some_events)
def test_a_longer_window_never_needs_more_calls(events: list[Event]) -> None:
    load = load_of(*events)
    figures = [load.one_by_one, *calls(load).values()]
    assert figures == sorted(figures, reverse=True)


@given(some_events, st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(events: list[Event], chance: random.Random) -> None:
    shuffled = events[:]
    chance.shuffle(shuffled)
    first, second = (plan(load_of(*each)).as_dict() for each in (events, shuffled))
    for each in (first, second):  # but for what is known by then
        del each["unchanged"]
        for way in each["ways"]:
            del way["with_known"]
            (way["merged"] or {}).pop("with_known", None)
    assert first == second


@given(some_events, st.integers(0, 150))
def test_two_halves_need_no_fewer_calls_than_the_whole(events: list[Event], middle: int) -> None:
    """Where their windows begin together, as those of a minute do."""
    whole, *halves = (calls(load_of(*part)) for part in (events, events[:middle], events[middle:]))
    assert all(whole[length] <= halves[0][length] + halves[1][length] for length in (MINUTE, None))


@given(some_events, st.integers(1, 10**9))
def test_the_lower_figure_of_a_day_is_never_above_the_higher(events: list[Event], a_day: int) -> None:
    made = planned(*events, a_day=a_day)
    for way in made.ways:
        assert 0 <= way.low <= way.high <= made.ways[0].high
        assert way.fit is (Fit.YES if way.high <= 50_000 else Fit.NO if way.low > 50_000 else Fit.PERHAPS)
        assert way.company_calls <= way.high


all_day = st.integers(0, 23).map(lambda hour: HOUR * hour)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just(identify), people, all_day),
            st.tuples(st.just(group), people, companies, all_day),
            st.tuples(st.just(track), all_day),
        ),
        max_size=100,
    ),
    st.integers(1, 4),
)
def test_the_figures_hold_the_days_that_they_stand_for(made: list[tuple[Any, ...]], times: int) -> None:
    """The first is the day of which each event comes so many times, the second is no less than that of others."""
    made = [(identify, "first", 0), *made, (identify, "last", DAY)]
    again = [make(*rest) for make, *rest in made] * times
    others = [
        make(*(f"{key} of {number}" for key in keys), seconds)
        for number in range(times)
        for make, *keys, seconds in made
    ]
    day = [make(*rest) for make, *rest in made]
    ways = {way.merged.seconds: way for way in planned(*day, a_day=len(again)).ways if way.merged}
    assert calls(load_of(*again)) == {length: way.low for length, way in ways.items()}
    assert all(most <= ways[length].high for length, most in calls(load_of(*others)).items())


@given(some_events)
def test_a_sample_of_a_day_is_told_as_it_is(events: list[Event]) -> None:
    made = planned(*events)
    assert made.events_a_day == len(events)
    assert all(way.low == way.high == way.calls for way in made.ways)


# --- a day ------------------------------------------------------------------------------------------------------------


def ranges(made: Plan) -> dict[str, tuple[int, int]]:
    return {way.name: (way.low, way.high) for way in made.ways}


def test_more_events_are_the_same_people_more_often_or_more_people() -> None:
    day = [identify(number % 5, 864 * number) for number in range(101)]
    assert ranges(planned(*day, a_day=202)) == {
        "one by one": (202, 202),
        "a minute": (101, 202),
        "10 minutes": (101, 202),
        "an hour": (101, 202),
        "a day": (6, 12),
        "all at once": (5, 10),
    }


def test_an_hour_stands_for_the_hours_of_a_day() -> None:
    """In windows of an hour a day is 24 of them; over a day the people may be the same."""
    hour = [identify(number % 5, 36 * number) for number in range(101)]
    made = ranges(planned(*hour, a_day=2424))
    assert made["an hour"] == (24 * 6, 24 * 6)
    assert made["a day"] == (5, 120)


def test_fewer_events_of_the_same_people_need_as_many_calls_at_most() -> None:
    day = [identify(number % 5, 864 * number) for number in range(101)]
    assert ranges(planned(*day, a_day=10))["a day"] == (1, 6)


def test_more_companies_share_calls() -> None:
    day = [group(number, number, 8640 * number) for number in range(11)]
    (way,) = (way for way in planned(*day, a_day=1100).ways if way.name == "a day")
    assert (way.low, way.company_calls, way.high) == (11 + 2 + 2, 48, 1100 + 48)


def test_more_companies_may_come_in_hours_that_have_none_of_them_yet() -> None:
    made = planned(group(1, 1, 0), identify(1, DAY), a_day=2000).chosen
    assert made.company_calls == 2 * (1000 / 50 + 24)


def test_the_busiest_window_grows_with_the_events_of_a_window() -> None:
    hour = [track(number) for number in range(10)]
    assert planned(*hour, a_day=240).chosen.busiest == 10
    assert planned(*hour, a_day=480).chosen.busiest == 20


def test_a_week_is_divided_by_its_days() -> None:
    week = [identify(number % 10, DAY * number / 10) for number in range(71)]
    made = planned(*week)
    assert made.events_a_day == 11
    assert ranges(made)["an hour"] == (11, 11)
    assert ranges(made)["all at once"] == (2, 2)


def test_the_days_track_events_are_a_call_each() -> None:
    made = planned(track(0), identify(1, 0), a_day=1000)
    assert made.track_calls == 500


def test_what_has_no_moment_is_sent_by_itself() -> None:
    made = planned(identify(1), identify(1), a_day=200)
    assert ranges(made) == dict.fromkeys(("one by one", *map(duration, WINDOWS)), (200, 200)) | {
        "all at once": (1, 100)
    }
    assert made.notes == ("No event has a time, so no window merges anything.",)


def test_a_time_that_cannot_be_read_is_counted_with_the_first_as_example() -> None:
    made = planned(
        identify(1, 0),
        identify(2) | {"timestamp": "01/03/2026"},
        track() | {"timestamp": 5, "sentAt": "2026-03-02"},
        {"type": "page", "timestamp": "not sent"},
    )
    assert made.unread == UnreadTimes(2, 'timestamp "01/03/2026"')
    assert made.untimed == 1
    assert made.as_dict()["unread"] == {"events": 2, "example": 'timestamp "01/03/2026"'}
    assert str(made.unread) in made.notes


def test_a_window_takes_events_whatever_form_their_times_have() -> None:
    forms: list[Any] = [1_772_438_400, "1772438400000", "2026-03-02 08:00:00 UTC", "2026-03-02T10:00:00.123456789+0200"]
    load = load_of(*(identify(1) | {"timestamp": form} for form in forms))
    assert calls(load)[MINUTE] == 1
    assert load.unread == UnreadTimes()


def test_no_event_is_no_call() -> None:
    made = planned(a_day=100)
    assert {way.high for way in made.ways} == {0}
    assert made.fit is Fit.YES


# --- what fits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "a_day", "of_calls", "expected"),
    [
        (Limits(), 50_000, 50_000, 8 * HOUR + 20 * MINUTE),
        (Limits(), 50_000, 50_001, DAY + 0.6),
        (Limits(), 50_000, 1, 0.6),
        (Limits(), 50_000, 0, 0),
        (Limits(10, 50_000), 14_400, 100, 600),
        (Limits(10, 50_000), 14_400, 60_000, 360_000),
        (Limits(100, None), 144_000, 60_000, 36_000),
        (Limits(None, 1000), 1000, 2500, 2 * DAY),
        (Limits(None, None), None, 10**9, 0),
    ],
)
def test_limits_tell_what_a_day_allows_and_how_long_calls_take(
    limits: Limits, a_day: int | None, of_calls: int, expected: float
) -> None:
    assert limits.a_day == a_day
    assert limits.seconds(of_calls) == pytest.approx(expected)


DAY_OF_FIVE = [identify(number % 5, 864 * number) for number in range(101)]
DAY_OF_TRACKS = [track(864 * number) for number in range(101)]


@pytest.mark.parametrize(
    ("events", "a_day", "limits", "fit", "verdict"),
    [
        (
            DAY_OF_FIVE,
            None,
            Limits(),
            Fit.YES,
            "Fits: 1 of 100 calls a minute and 101 of 50,000 calls a day in windows of an hour. So does one by one.",
        ),
        (
            DAY_OF_FIVE,
            None,
            Limits(100, 6),
            Fit.NO,
            "Does not fit: 101 calls a day in windows of an hour, 6 are allowed. Merging in windows of a day does: 6.",
        ),
        (
            DAY_OF_FIVE,
            None,
            Limits(None, 5),
            Fit.NO,
            "Does not fit: 101 calls a day in windows of an hour, 5 are allowed. Windows of a day do not either: "
            "6. If what is known is not sent again (--known), about 5 would be left, which fits. Send fewer events "
            "(integrations), or ask Gainsight for more calls.",
        ),
        (
            DAY_OF_FIVE,
            4040,
            Limits(1, None),
            Fit.PERHAPS,
            "May fit: 101 to 4,040 calls a day in windows of an hour, 1,440 are allowed at 1 a minute. Merging in "
            "windows of a day does: 6 to 240.",
        ),
        (
            DAY_OF_FIVE,
            101_000,
            Limits(),
            Fit.PERHAPS,
            "May fit: 101 to 101,000 calls a day in windows of an hour, 50,000 are allowed. Merging in windows of a "
            "day does: 6 to 6,000.",
        ),
        (
            DAY_OF_FIVE,
            1_010_000,
            Limits(),
            Fit.PERHAPS,
            "May fit: 101 to 1,010,000 calls a day in windows of an hour, 50,000 are allowed. Windows of a day "
            "may: 6 to 60,000. If what is known is not sent again (--known), about 50,000 would be left, which fits. "
            "Send fewer events (integrations), or ask Gainsight for more calls.",
        ),
        (
            DAY_OF_FIVE,
            None,
            Limits(None, None),
            Fit.YES,
            "Fits: 101 calls a day in windows of an hour, and no limit is set.",
        ),
        (
            DAY_OF_TRACKS,
            140_000,
            Limits(),
            Fit.NO,
            "Does not fit: track events alone need 140,000 calls a day, 50,000 are allowed. Send fewer of them "
            "(integrations, or the event maps), or ask Gainsight for more calls.",
        ),
    ],
)
def test_the_verdict_says_whether_it_fits_and_what_would(
    events: list[Event], a_day: int | None, limits: Limits, fit: Fit, verdict: str
) -> None:
    made = planned(*events, a_day=a_day, limits=limits)
    assert (made.fit, made.verdict) == (fit, verdict)


def test_a_longer_window_than_is_needed_is_told() -> None:
    twice = [event for event in DAY_OF_FIVE for _ in range(2)]
    assert planned(*twice, limits=Limits(100, 101), window=DAY).verdict == (
        "Fits: 1 of 100 calls a minute and 6 of 101 calls a day in windows of a day. So does merging in windows of a "
        "minute."
    )
    assert planned(*twice, limits=Limits(100, 101), window=MINUTE).verdict == (
        "Fits: 1 of 100 calls a minute and 101 of 101 calls a day in windows of a minute."
    )


def test_windows_of_a_day_that_do_not_fit_are_not_named_twice() -> None:
    assert planned(*DAY_OF_FIVE, limits=Limits(None, 5), window=DAY).verdict == (
        "Does not fit: 6 calls a day in windows of a day, 5 are allowed. If what is known is not sent again (--known), "
        "about 5 would be left, which fits. Send fewer events (integrations), or ask Gainsight for more calls."
    )


@pytest.mark.parametrize(
    ("events", "a_day", "limits", "notes"),
    [
        (DAY_OF_FIVE, None, Limits(), []),
        (DAY_OF_FIVE, 101, Limits(), []),
        (DAY_OF_FIVE[:2], None, Limits(), ["The sample counts as a whole day."]),
        (DAY_OF_FIVE, 202, Limits(), ["Of two figures, the first is for more events of the same people"]),
        ([*DAY_OF_FIVE, identify(1)], None, Limits(), ["1 event is without a time, and not merged."]),
        (
            DAY_OF_FIVE,
            None,
            Limits(None, 101),
            ["With Beam or Spark it may not fit: people and track events have 91 of"],
        ),
        (  # the last is of the next midnight: 25 hours have a find and a save
            [group(1, 60 * number, 864 * number) for number in range(101)],
            None,
            Limits(None, 400),
            ["With Beam or Spark it may not fit: companies have 40 of these calls, and may need 50 a day."],
        ),
        (DAY_OF_TRACKS, 101, Limits(1, None), []),
        (
            [track(0)] * 101,
            None,
            Limits(1, None),
            ["The sample counts", "The calls of the busiest window of an hour take 1 h 41 min"],
        ),
        (
            [group(number, number % 2, 864 * number) for number in range(101)],
            202_000,
            Limits(None, None),
            ["Of two figures", "With Beam or Spark, so few calls for companies need batch=8080 or more"],
        ),
        (DAY_OF_FIVE, None, Limits(801), ["With Beam or Spark, 2 shards are needed to use all of these calls."]),
        (DAY_OF_FIVE, None, Limits(None, None), []),
    ],
)
def test_notes_tell_what_to_know_of_the_figures(
    events: list[Event], a_day: int | None, limits: Limits, notes: list[str]
) -> None:
    made = planned(*events, a_day=a_day, limits=limits).notes
    assert len(made) == len(notes)
    assert all(note.startswith(begin) for note, begin in zip(made, notes, strict=True))


def test_events_far_outside_are_noted() -> None:
    events = [identify(1, 10 * number) for number in range(200)]
    assert (
        "1 event is far before or after the others, and left out of the span."
        in planned(*events, identify(1, -1e9)).notes
    )


@pytest.mark.parametrize(
    ("limits", "senders"),
    [(Limits(), 1), (Limits(800), 1), (Limits(801), 2), (Limits(2000), 3), (Limits(None, None), 1), (Limits(1), 1)],
)
def test_one_sender_is_enough_for_800_calls_a_minute(limits: Limits, senders: int) -> None:
    assert planned(*DAY_OF_FIVE, limits=limits).senders == senders


def test_without_a_limit_there_are_as_many_senders_as_the_calls_need() -> None:
    assert planned(*DAY_OF_TRACKS, a_day=3_000_000, limits=Limits(None, None)).senders == 3


def test_a_plan_is_plain_data() -> None:
    made = planned(identify(1, 0), {"type": "page"}, a_day=100)
    data = made.as_dict()
    assert data["events"] == {"all": 2, "identify": 1, "group": 0, "track": 0, "skipped": 1, "at fault": 0}
    assert data["span"] == {"first": "2026-03-02T00:00:00+00:00", "last": "2026-03-02T00:00:00+00:00", "strays": 0}
    assert data["ways"][0] == {
        "name": "one by one",
        "merged": None,
        "calls": 1,
        "low": 50,
        "high": 50,
        "company_calls": 0,
        "busiest": 0,
        "batch": 1,
        "with_known": 50,
        "fit": "yes",
        "seconds": 30.0,
    }
    assert data["ways"][1]["merged"]["calls"] == 1
    assert (data["fit"], data["shortest"], data["senders"]) == ("yes", "one by one", 1)
    assert planned().as_dict()["span"] is None
    assert planned(*DAY_OF_TRACKS, limits=Limits(1, 1)).as_dict()["shortest"] is None


def test_no_personal_data_is_kept() -> None:
    load = load_of(identify("ada", 0), group("ada", "Lovelace", 0), identify("ada"))
    assert "ada" not in f"{vars(load)} {plan(load)}"


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "a second"), (90, "90 seconds"), (60, "a minute"), (600, "10 minutes"), (3600, "an hour"), (86_400, "a day")],
)
def test_a_duration_is_told_in_the_largest_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (0.94, "0.9 s"),
        (0.96, "1 s"),
        (59.5, "1 min"),
        (59.7, "1 min"),
        (30_000, "8 h 20 min"),
        (90_061, "1 d 1 h"),
        (86_400e4, "10,000 d"),
    ],
)
def test_how_long_it_takes_is_told_in_two_units(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


def test_two_numbers_are_one_if_they_are_equal() -> None:
    assert (between(1000, 1000), between(1, 2000)) == ("1,000", "1 to 2,000")


# --- with a tenant ----------------------------------------------------------------------------------------------------

_OF_60 = Tenant.from_describe(ANSWER)


def refused_of(*events: Any, config: DestinationConfig | None = CONFIG) -> Load:
    load = Load(tenant=_OF_60)
    for event in events:
        load.add(event, config)
    return load


WRONG_STAGE = some.group("Company 1", "p1@example.com", stage="Lunched")
NO_REGION = some.group("Company 2", "p2@example.com", stage="Launched")


def test_events_that_the_tenant_refuses_are_counted_and_cost_calls() -> None:
    bad = some.identify("p1@example.com", timezone="Mars")
    made = plan(refused_of(bad, identify(2), WRONG_STAGE, NO_REGION, track()))
    assert made.refused == made.as_dict()["refused"] == {"identify": 1, "group": 1}
    assert made.notes[0] == (
        "The tenant refuses 2 of the 5 events that are sent. They cost calls, too: one by one up to 4 calls. "
        "explain --tenant says why it refuses them."
    )


def test_without_a_tenant_or_a_config_none_is_refused() -> None:
    for load in (load_of(WRONG_STAGE), refused_of(WRONG_STAGE, config=None), refused_of(NO_REGION)):
        assert plan(load).refused == {"identify": 0, "group": 0}
        assert not any("refuses" in note for note in plan(load).notes)


def test_what_is_refused_is_not_known_afterwards() -> None:
    once, again = refused_of(WRONG_STAGE), refused_of(WRONG_STAGE, WRONG_STAGE)
    assert (once.one_by_one_with_known, again.one_by_one_with_known) == (2, 4)
    assert again.unchanged.total() == 0
