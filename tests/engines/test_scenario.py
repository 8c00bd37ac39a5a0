"""What engines are held to: it is the same each time, the senders alone meet it, and it finds what is wrong."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import attrs
import pytest

from gainsight_dest.batching.address import Address, address
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.shards import SavedGroup, Shards
from gainsight_dest.outcome import Outcome
from gainsight_dest.sandbox import PlannedFault
from tests.engines.scenario import (
    CONFIG,
    Event,
    Expected,
    Made,
    Report,
    Tenant,
    check,
    events,
    expected,
    faults,
)

STREAM = events(1_000, people=40, companies=8, seed=3)
CALLS_PER_MINUTE = 60_000
#: Seconds to wait before a call is made again, at most; what Gainsight asks for, too.
WAIT = 0.05
#: By the numbers of the calls: the first ones are for companies, the last ones for track events.
PLAN = (
    PlannedFault("dropped-after", action="create company", times=1),
    PlannedFault("429-retry-after", action="upsert person", times=1, seconds=WAIT),
    PlannedFault("500", action="link person", times=1),
    PlannedFault("dropped-after", action="send event", times=1),
)

Accounts = list[tuple[str | None, str]]


@cache
def model() -> Expected:
    """What is to come of STREAM. Not all who collect the tests need it."""
    return expected(STREAM, CONFIG)


def test_the_events_are_the_same_each_time_and_of_every_kind() -> None:
    assert events(1_000, people=40, companies=8, seed=3) == STREAM
    assert events(1_000, people=40, companies=8, seed=8) != STREAM
    kinds = Counter(event["type"] for event in STREAM)
    assert kinds["identify"] > kinds["group"] > 0.1 * len(STREAM)
    assert kinds["track"] > 0.3 * len(STREAM)
    assert len({event["messageId"] for event in STREAM}) == len(STREAM)
    moments = [event["originalTimestamp"] for event in STREAM]
    assert moments == sorted(moments)
    assert {*model().statuses.values()} == {"delivered", "failed", "skipped"}
    assert Counter(len(person["companies"]) for person in model().held["people"])[1] > 10
    assert {len(person["companies"]) for person in model().held["people"]} >= {1, 2, 3}


def test_the_order_of_events_shows_in_what_the_tenant_holds() -> None:
    backwards = expected(STREAM[::-1], CONFIG)
    assert backwards.statuses == model().statuses
    assert backwards.held["people"] != model().held["people"]
    assert backwards.held["companies"] != model().held["companies"]


def by_senders_alone(stream: Sequence[Event], url: str) -> Accounts:
    """What engines do, in one process, one sender after the other; the events come in no order."""
    settings = Shards(
        config=CONFIG,
        shards=2,
        calls_per_minute=CALLS_PER_MINUTE,
        calls_per_day=None,
        base_url=url,
        patience=Patience(longest_wait=WAIT),
    )
    shuffled = random.Random(1).sample(stream, len(stream))  # noqa: S311 - no secret
    addressed = [(address(event, CONFIG, settings.shards), event) for event in shuffled]
    accounts = [(told.message_id, str(told.status)) for told, _ in addressed if isinstance(told, Outcome)]
    ways = [(way, event) for way, event in addressed if isinstance(way, Address)]
    items: list[tuple[Address, Event | SavedGroup]] = [(way, event) for way, event in ways if way.company is None]

    groups = sorted(((way, event) for way, event in ways if way.company is not None), key=by_company)
    with settings.companies() as sender:
        saved = sender.save_companies([event for _, event in groups])
        for (way, event), outcome in zip(groups, saved, strict=True):
            if outcome.gsid is None:
                accounts.append((outcome.message_id, str(outcome.status)))
            else:
                items.append((way, SavedGroup(event, outcome.gsid, outcome.calls)))
    for number in range(settings.shards):
        own = sorted((item for item in items if item[0].shard == number), key=by_key)
        with settings.shard(number) as sender:
            outcomes = sender.deliver([thing for _, thing in own])
            accounts += [(outcome.message_id, str(outcome.status)) for outcome in outcomes]
    return accounts


def by_company(item: tuple[Address, Any]) -> tuple[str, ...]:
    return item[0].company or "", item[0].moment, item[0].message_id


def by_key(item: tuple[Address, Any]) -> tuple[str, ...]:
    return item[0].key, item[0].moment, item[0].message_id


@pytest.mark.long
def test_the_senders_alone_meet_it_whatever_order_events_come_in_and_answers_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gainsight_dest.deliver.patience._SHORTEST_WAIT", WAIT)
    with Tenant(PLAN, CALLS_PER_MINUTE) as tenant:
        accounts = by_senders_alone(STREAM, tenant.url)
        checked = check(STREAM, accounts, tenant.report(), model())
    assert checked.problems == ()
    assert (checked.lost, checked.doubles, checked.faults) == (1, 1, 4)
    assert checked.statuses == Counter(model().statuses.values())
    assert checked.calls < checked.calls_alone / 2
    assert max(checked.busiest) <= checked.calls


def test_faults_meet_their_share_of_the_calls() -> None:
    met = sum(any(fault.meets(number, None) for fault in faults(0.02)) for number in range(1, 5_001))
    assert 0.018 < met / 5_000 < 0.022


# --- it finds faults --------------------------------------------------------------------------------------------------


def everything() -> Accounts:
    return [*model().statuses.items()]


def done() -> Report:
    """A call for each track event, all in a minute, as if nothing else had been sent."""
    calls = [Made(60.0, "send event", 200, None)] * len(model().held["events"])
    return Report(model().held, calls, 0, CALLS_PER_MINUTE)


def held(**parts: Any) -> Report:
    calls = [Made(60.0, "send event", 200, None)] * len(parts.get("events", model().held["events"]))
    return attrs.evolve(done(), held={**model().held, **parts}, calls=calls)


def problems(accounts: Accounts | None = None, report: Report | None = None) -> tuple[str, ...]:
    return check(STREAM, accounts or everything(), report or done(), model()).problems


def changed(name: str, change: Callable[[list[Any]], object]) -> Report:
    records = [*model().held[name]]
    change(records)
    return held(**{name: records})


def test_what_the_model_says_is_no_problem() -> None:
    assert problems() == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda told: told[1:], "not accounted for: 1"),
        (lambda told: [*told, told[0]], "accounted for more than once: 1"),
        (lambda told: [*told, ("message-x", "delivered")], "accounted for, but never sent: 1, such as message-x"),
        (lambda told: [*told, (None, "failed")], "accounted for, but never sent: 1, such as None"),
        (lambda told: [(told[0][0], "not tried"), *told[1:]], "another outcome than one by one: 1"),
    ],
)
def test_an_event_that_is_not_accounted_for_once_as_it_should_be_is_found(
    change: Callable[[Accounts], Accounts], found: str
) -> None:
    (problem,) = problems(change(everything()))
    assert problem.startswith(found)


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("companies", lambda each: each.append({**each[0], "Gsid": "2"}), "companies more than once: 1"),
        ("people", list.pop, "no such person: 1"),
        ("people", lambda each: each.append({**each[0], "Email": "x@example.com"}), "one person too many: 1"),
        ("people", lambda each: each.append({**each.pop(), "Logins__gc": -1}), "another person than one by"),
        ("people", lambda each: each.append({**each.pop(0), "companies": []}), "another person than one by"),
        ("companies", lambda each: each.append({**each.pop(), "Arr": -1}), "another company than one by one"),
        ("events", list.pop, "track events that did not come: 1"),
        ("events", lambda each: each.append({**each[0], "name": "x"}), "track events that were not to come"),
        ("events", lambda each: each.append(each[0]), "track events that came again without need: 1"),
    ],
)
def test_what_the_tenant_should_not_hold_is_found(name: str, change: Callable[[list[Any]], object], found: str) -> None:
    (problem,) = problems(report=changed(name, change))
    assert problem.startswith(found)


def test_too_many_calls_are_found() -> None:
    (problem,) = problems(report=attrs.evolve(done(), throttled=3))
    assert problem.startswith("3 calls were too many")
    calls = len(done().calls)
    (problem,) = problems(report=attrs.evolve(done(), calls_per_minute=calls - 1))
    assert problem.startswith(f"{calls} calls in a minute")


def test_a_track_event_may_come_again_if_its_own_answer_was_lost_and_only_then() -> None:
    twice = changed("events", lambda each: each.append(each[0]))
    first, *others = twice.calls
    lost = first._replace(status=None, fault="dropped-after")
    assert problems(report=attrs.evolve(twice, calls=[lost, *others])) == ()
    assert problems(report=attrs.evolve(twice, calls=[others[0], lost, *others[1:]])) != ()
    before = first._replace(status=500, fault="500")
    assert problems(report=attrs.evolve(twice, calls=[before, *twice.calls])) != ()


def test_calls_are_counted_by_the_clocks_minute_and_by_any_sixty_seconds() -> None:
    made = done().calls
    calls = [call._replace(at=float(30 + number % 2 * 60)) for number, call in enumerate(made)]
    half, rest = divmod(len(made), 2)
    assert check(STREAM, everything(), attrs.evolve(done(), calls=calls), model()).busiest == (half + rest, half + rest)
    calls = [call._replace(at=float(30 + number % 2 * 59)) for number, call in enumerate(made)]
    assert check(STREAM, everything(), attrs.evolve(done(), calls=calls), model()).busiest == (half + rest, len(made))
