"""What engines are held to: it is the same each time, the senders alone meet it, and it finds what is wrong."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

pytest.importorskip("requests", reason="the extra `deliver` is not installed")
pytest.importorskip("pyrate_limiter", reason="the extra `deliver` is not installed")
pytest.importorskip("cheroot", reason="the extra `sandbox` is not installed")

from gainsight_dest.deliver.shards import Saved, Shards
from gainsight_dest.outcome import Outcome
from gainsight_dest.sandbox import Fault
from gainsight_dest.shards import Address, address
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
MODEL = expected(STREAM, CONFIG)
CALLS_PER_MINUTE = 60_000
#: By the numbers of the calls: the first ones are for companies, the last ones for track events.
PLAN = (
    Fault("dropped-after", action="create company", times=1),
    Fault("429-retry-after", action="upsert person", times=1, seconds=1),
    Fault("500", action="link person", times=1),
    Fault("dropped-after", action="send event", times=1),
)

Accounts = list[tuple[str | None, str]]


def test_the_events_are_the_same_each_time_and_of_every_kind() -> None:
    assert events(1_000, people=40, companies=8, seed=3) == STREAM
    assert events(1_000, people=40, companies=8, seed=8) != STREAM
    kinds = Counter(event["type"] for event in STREAM)
    assert kinds["identify"] > kinds["group"] > 0.1 * len(STREAM)
    assert kinds["track"] > 0.3 * len(STREAM)
    assert len({event["messageId"] for event in STREAM}) == len(STREAM)
    moments = [event["originalTimestamp"] for event in STREAM]
    assert moments == sorted(moments)
    assert {*MODEL.statuses.values()} == {"delivered", "failed", "skipped"}
    assert Counter(len(person["companies"]) for person in MODEL.held["people"])[1] > 10
    assert {len(person["companies"]) for person in MODEL.held["people"]} >= {1, 2, 3}


def test_the_order_of_events_shows_in_what_the_tenant_holds() -> None:
    backwards = expected(STREAM[::-1], CONFIG)
    assert backwards.statuses == MODEL.statuses
    assert backwards.held["people"] != MODEL.held["people"]
    assert backwards.held["companies"] != MODEL.held["companies"]


def by_senders_alone(stream: Sequence[Event], url: str) -> Accounts:
    """What engines do, in one process, one sender after the other; the events come in no order."""
    settings = Shards(config=CONFIG, shards=2, calls_per_minute=CALLS_PER_MINUTE, calls_per_day=None, base_url=url)
    shuffled = random.Random(1).sample(stream, len(stream))  # noqa: S311 - no secret
    addressed = [(address(event, CONFIG, settings.shards), event) for event in shuffled]
    accounts = [(told.message_id, str(told.status)) for told, _ in addressed if isinstance(told, Outcome)]
    ways = [(way, event) for way, event in addressed if isinstance(way, Address)]
    items: list[tuple[Address, Event | Saved]] = [(way, event) for way, event in ways if way.company is None]

    groups = sorted(((way, event) for way, event in ways if way.company is not None), key=by_company)
    with settings.companies() as sender:
        saved = sender.save_companies([event for _, event in groups])
        for (way, event), outcome in zip(groups, saved, strict=True):
            if outcome.gsid is None:
                accounts.append((outcome.message_id, str(outcome.status)))
            else:
                items.append((way, Saved(event, outcome.gsid, outcome.calls)))
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


def test_the_senders_alone_meet_it_whatever_order_events_come_in_and_answers_lost() -> None:
    with Tenant(PLAN, CALLS_PER_MINUTE) as tenant:
        accounts = by_senders_alone(STREAM, tenant.url)
        checked = check(STREAM, accounts, tenant.report(), MODEL)
    assert checked.problems == ()
    assert (checked.lost, checked.doubles, checked.faults) == (1, 1, 4)
    assert checked.statuses == Counter(MODEL.statuses.values())
    assert checked.calls < checked.calls_alone / 2
    assert max(checked.busiest) <= checked.calls


def test_faults_meet_their_share_of_the_calls() -> None:
    met = sum(any(fault.meets(number, None) for fault in faults(0.02)) for number in range(1, 20_001))
    assert 0.018 < met / 20_000 < 0.022


# --- it finds faults --------------------------------------------------------------------------------------------------

ALL: Accounts = [*MODEL.statuses.items()]
#: A call for each track event, all in a minute, as if nothing else had been sent.
CALLS = [Made(60.0, "send event", 200, None)] * len(MODEL.held["events"])
DONE = Report(MODEL.held, CALLS, 0, CALLS_PER_MINUTE)


def held(**parts: Any) -> Report:
    calls = CALLS + [Made(60.0, "send event", 200, None)] * (len(parts.get("events", CALLS)) - len(CALLS))
    return attrs.evolve(DONE, held={**MODEL.held, **parts}, calls=calls[: len(parts.get("events", CALLS))])


def problems(accounts: Accounts = ALL, report: Report = DONE, model: Expected = MODEL) -> tuple[str, ...]:
    return check(STREAM, accounts, report, model).problems


def changed(name: str, change: Callable[[list[Any]], object]) -> Report:
    records = [*MODEL.held[name]]
    change(records)
    return held(**{name: records})


def test_what_the_model_says_is_no_problem() -> None:
    assert problems() == ()


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        (ALL[1:], "not accounted for: 1"),
        ([*ALL, ALL[0]], "accounted for more than once: 1"),
        ([*ALL, ("message-x", "delivered")], "accounted for, but never sent: 1, such as message-x"),
        ([*ALL, (None, "failed")], "accounted for, but never sent: 1, such as None"),
        ([(ALL[0][0], "not tried"), *ALL[1:]], "another outcome than one by one: 1"),
    ],
)
def test_an_event_that_is_not_accounted_for_once_as_it_should_be_is_found(accounts: Accounts, found: str) -> None:
    (problem,) = problems(accounts)
    assert problem.startswith(found)


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (changed("companies", lambda each: each.append({**each[0], "Gsid": "2"})), "companies more than once: 1"),
        (changed("people", list.pop), "no such person: 1"),
        (changed("people", lambda each: each.append({**each[0], "Email": "x@example.com"})), "one person too many: 1"),
        (changed("people", lambda each: each.append({**each.pop(), "Logins__gc": -1})), "another person than one by"),
        (changed("people", lambda each: each.append({**each.pop(0), "companies": []})), "another person than one by"),
        (changed("companies", lambda each: each.append({**each.pop(), "Arr": -1})), "another company than one by one"),
        (changed("events", list.pop), "track events that did not come: 1"),
        (changed("events", lambda each: each.append({**each[0], "name": "x"})), "track events that were not to come"),
        (changed("events", lambda each: each.append(each[0])), "track events that came again without need: 1"),
        (attrs.evolve(DONE, throttled=3), "3 calls were too many"),
        (attrs.evolve(DONE, calls_per_minute=len(CALLS) - 1), f"{len(CALLS)} calls in a minute"),
    ],
)
def test_what_the_tenant_should_not_hold_or_have_got_is_found(report: Report, found: str) -> None:
    (problem,) = problems(report=report)
    assert problem.startswith(found)


def test_a_track_event_may_come_again_if_its_own_answer_was_lost_and_only_then() -> None:
    twice = changed("events", lambda each: each.append(each[0]))
    first, *others = twice.calls
    lost = first._replace(status=None, fault="dropped-after")
    assert problems(report=attrs.evolve(twice, calls=[lost, *others])) == ()
    assert problems(report=attrs.evolve(twice, calls=[others[0], lost, *others[1:]])) != ()
    before = first._replace(status=500, fault="500")
    assert problems(report=attrs.evolve(twice, calls=[before, *twice.calls])) != ()


def test_calls_are_counted_by_the_clocks_minute_and_by_any_sixty_seconds() -> None:
    calls = [call._replace(at=float(30 + number % 2 * 60)) for number, call in enumerate(CALLS)]
    half, rest = divmod(len(CALLS), 2)
    assert check(STREAM, ALL, attrs.evolve(DONE, calls=calls), MODEL).busiest == (half + rest, half + rest)
    calls = [call._replace(at=float(30 + number % 2 * 59)) for number, call in enumerate(CALLS)]
    assert check(STREAM, ALL, attrs.evolve(DONE, calls=calls), MODEL).busiest == (half + rest, len(CALLS))
