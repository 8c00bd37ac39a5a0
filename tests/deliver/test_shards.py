"""Senders that share a tenant's calls: what they do together is what one alone would, and no minute has too many."""

from __future__ import annotations

import itertools
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import ConfigError, CredentialsError, EventError, RetryableError
from gainsight_dest.batching.address import address
from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver import Outcome, Patience, SavedGroup, Shards
from gainsight_dest.outcome import Status
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.deliver.runs import NEVER, PATIENT, PLANS, WRONG, content, identify, session_to, small_events, tenant, track
from tests.some import CONFIG, FREE, group


def how(sandbox: Sandbox) -> dict[str, Any]:
    """No time passes but an hour whenever the clock is read."""
    clock = itertools.count(0, 3600).__next__
    return {"session": session_to(sandbox), "sleep": lambda _: None, "clock": clock}


def alone(events: list[Any], sandbox: Sandbox) -> list[Outcome]:
    with Shards(config=CONFIG, **FREE).alone(**how(sandbox)) as sender:
        return list(sender.deliver(events))


def by_shards(events: list[Any], settings: Shards, sandbox: Sandbox) -> list[Outcome]:
    """What an engine does: companies, then each shard. The outcomes in the order of the events."""
    outcomes: dict[int, Outcome] = {}
    companies, shards = [], defaultdict(list)
    for index, event in enumerate(events):
        place = address(event, settings.config, settings.shards)
        if isinstance(place, Outcome):
            outcomes[index] = place
        elif place.company is not None:
            companies.append((index, event, place.shard))
        else:
            shards[place.shard].append((index, event))
    with settings.companies(**how(sandbox)) as sender:
        for (index, event, shard), outcome in zip(
            companies, sender.save_companies([event for _, event, _ in companies]), strict=True
        ):
            if outcome.is_through:
                shards[shard].append((index, SavedGroup.of(event, outcome)))
            else:
                outcomes[index] = outcome
    for number, items in shards.items():
        items.sort(key=lambda item: item[0])
        with settings.shard(number, **how(sandbox)) as sender:
            told = sender.deliver([item for _, item in items])
            outcomes |= {index: outcome for (index, _), outcome in zip(items, told, strict=True)}
    return [outcomes[index] for index in range(len(events))]


@given(st.lists(small_events, max_size=12), PLANS, st.integers(1, 5))
def test_shards_together_leave_what_one_sender_leaves_whatever_fails(
    events: list[Any], plan: list[PlannedFault], shards: int
) -> None:
    events = [*events, {"type": "page", "messageId": "skipped"}, {"type": "identify", "messageId": "at fault"}]
    one, many = tenant(), tenant(faults=plan)
    expected = alone(events, one)
    settings = Shards(config=CONFIG, shards=shards, patience=PATIENT, silence=NEVER, **FREE)
    outcomes = by_shards(events, settings, many)
    assert content(many) == content(one)
    assert [facts(each) for each in outcomes] == [facts(each) for each in expected]
    assert sum(each.calls for each in outcomes) == sum(many.counts.values())


@given(st.lists(small_events, max_size=12), PLANS)
def test_one_sender_delivers_all_as_shards_together_do_whatever_fails(
    events: list[Any], plan: list[PlannedFault]
) -> None:
    events = [{"type": "page", "messageId": "skipped"}, *events, EventError("the event", "is not JSON")]
    one, all_of_it = tenant(), tenant(faults=plan)
    expected = by_shards(events, Shards(config=CONFIG, **FREE), one)
    with Shards(config=CONFIG, patience=PATIENT, silence=NEVER, **FREE).alone(**how(all_of_it)) as sender:
        outcomes = list(sender.deliver_all(events))
    assert sorted(each.index for each in outcomes) == list(range(len(events)))
    assert content(all_of_it) == content(one)
    outcomes.sort(key=lambda each: each.index)
    assert [facts(each) for each in outcomes] == [facts(each) for each in expected]
    assert sum(each.calls for each in outcomes) == sum(all_of_it.counts.values())


def test_one_sender_delivers_by_time_then_by_message_id_then_by_place() -> None:
    times = ["2026-03-02", "2026-03-01", "?", "2026-03-02"]
    people = [identify("a@example.com", firstName=str(n)) | {"timestamp": time} for n, time in enumerate(times)]
    companies = [group(industry=str(n)) | {"timestamp": time} for n, time in enumerate(times)]
    sandbox = tenant()
    with Shards(config=CONFIG, **FREE).alone(**how(sandbox)) as sender:
        assert len(list(sender.deliver_all([*people, *companies]))) == 8
        assert sender.unread == UnreadTimes(2, 'timestamp "?"')
    assert [each["FirstName"] for each in sandbox.people if each["Email"] == "a@example.com"] == ["3"]
    assert [each["Industry"] for each in sandbox.companies] == ["3"]


def test_one_sender_goes_on_from_its_journals(tmp_path: Path) -> None:
    sandbox = tenant()
    events = [group("Acme", email="a@example.com"), group("Bad", renewalDate="no date"), identify("b@example.com")]
    runs = []
    for _ in range(2):
        with Shards(config=CONFIG, **FREE).alone(**how(sandbox)) as sender:
            runs.append(list(sender.deliver_all(events, tmp_path / "companies", tmp_path / "people")))
    assert [(each.index, str(each.status)) for each in runs[0]] == [(1, "failed"), (0, "delivered"), (2, "delivered")]
    assert [(each.index, each.calls, each.resumed) for each in runs[1]] == [
        (each.index, each.calls, True) for each in runs[0]
    ]
    assert sum(sandbox.counts.values()) == sum(each.calls for each in runs[0])


def facts(outcome: Outcome) -> tuple[Any, ...]:
    """What does not depend on the faults on the way."""
    return outcome.message_id, outcome.type, outcome.status, outcome.error, outcome.reason, outcome.gsid is None


@given(st.lists(small_events, max_size=12), st.integers(1, 5))
def test_shards_together_make_no_more_calls_than_one_sender(events: list[Any], shards: int) -> None:
    one, many = tenant(), tenant()
    alone(events, one)
    by_shards(events, Shards(config=CONFIG, shards=shards, **FREE), many)
    assert sum(many.counts.values()) == sum(one.counts.values())


def test_a_company_that_is_refused_fails_its_event_and_links_nobody() -> None:
    sandbox = tenant()
    event = group("Bad", email="one@example.com", renewalDate="no date")
    (outcome,) = by_shards([event], Shards(config=CONFIG, shards=2, **FREE), sandbox)
    assert (outcome.status, len(sandbox.people), len(sandbox.companies)) == ("failed", 0, 0)


def test_what_is_no_group_event_is_told_by_the_companies_sender_as_it_would_be_by_any() -> None:
    sandbox = tenant()
    events = [identify("a@example.com"), {"type": "page"}, {"type": "group"}]
    with Shards(config=CONFIG, **FREE).companies(**how(sandbox)) as sender:
        assert [str(each.status) for each in sender.save_companies(events)] == ["delivered", "skipped", "failed"]


def test_an_event_that_has_no_company_to_be_linked_to_is_delivered_by_itself() -> None:
    sandbox = tenant()
    with Shards(config=CONFIG, **FREE).shard(0, **how(sandbox)) as sender:
        (outcome,) = sender.deliver([SavedGroup(identify("a@example.com"), "1P02", 2)])
    assert (outcome.status, outcome.gsid, outcome.calls) == ("delivered", "1P02", 3)


def test_a_group_event_that_is_switched_off_saves_no_company() -> None:
    sandbox = tenant()
    event = {**group("Acme", email="a@example.com"), "integrations": {"All": False}}
    with Shards(config=CONFIG, **FREE).companies(**how(sandbox)) as sender:
        (outcome,) = sender.save_companies([event])
    assert (outcome.status, len(sandbox.companies)) == ("skipped", 0)


def test_a_wrong_key_is_raised_once_what_is_settled_is_told() -> None:
    settings = Shards(config=WRONG, **FREE)
    events = [{"type": "page"}, {"type": "identify"}, identify("a@example.com"), {"type": "page"}]
    with settings.shard(0, **how(tenant())) as sender:
        outcomes = sender.deliver(events)
        assert [str(next(outcomes).status) for _ in range(3)] == ["skipped", "failed", "skipped"]
        with pytest.raises(CredentialsError):
            next(outcomes)


def test_where_no_call_gets_through_for_long_it_ends_with_an_error_after_what_is_settled() -> None:
    sandbox = tenant(faults=[PlannedFault("dropped-before")])
    settings = Shards(config=CONFIG, patience=PATIENT, silence=1.0, **FREE)
    with settings.shard(0, **how(sandbox)) as sender:
        outcomes = sender.deliver([{"type": "page"}, identify("a@example.com")])
        assert str(next(outcomes).status) == "skipped"
        with pytest.raises(RetryableError, match="deliver: "):
            next(outcomes)


@pytest.mark.parametrize("kind", ["companies", "people"])
def test_what_the_journal_knows_is_not_sent_again(kind: str, tmp_path: Path) -> None:
    sandbox = tenant()
    settings = Shards(config=CONFIG, **FREE)
    items: list[Any] = [group(f"Company {n}", email=f"p{n}@example.com") for n in range(3)]
    if kind == "people":
        items = [SavedGroup(item, "1P02", 1) for item in items]

    def run() -> list[Outcome]:
        with settings.companies(**how(sandbox)) as sender:
            way: Callable[..., Iterator[Outcome]] = sender.save_companies if kind == "companies" else sender.deliver
            return list(way(items, journal=tmp_path / "journal"))

    first = run()
    made = sum(sandbox.counts.values())
    second = run()
    assert sum(sandbox.counts.values()) == made > 0
    assert [each.gsid for each in second] == [each.gsid for each in first]
    assert all(each.resumed for each in second)
    assert not any(each.resumed for each in first)


def test_a_sender_waits_for_the_one_that_still_has_its_journal_and_goes_on_from_it(tmp_path: Path) -> None:
    """As when an engine has given up on a task that is sending what is left of its batch."""
    sandbox = tenant()
    settings = Shards(config=CONFIG, batch=1, **FREE)
    events = [track(number) for number in range(3)]
    told: list[Outcome] = []

    def run_again() -> None:
        with settings.shard(0, **how(sandbox)) as sender:
            told.extend(sender.deliver(events, journal=tmp_path / "journal"))

    again = threading.Thread(target=run_again)
    with settings.shard(0, **how(sandbox)) as sender:
        outcomes = sender.deliver(events, journal=tmp_path / "journal")
        next(outcomes)
        again.start()
        assert next(outcomes).status == "delivered"
        assert told == []
        outcomes.close()  # type: ignore[attr-defined]
    again.join()
    assert [each.resumed for each in told] == [True, True, False]
    assert len(sandbox.events) == 3


def test_the_calls_that_a_journal_knows_count() -> None:
    now = 1_000_000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    sandbox = tenant()
    settings = Shards(config=CONFIG, calls_per_minute=20, calls_per_day=None)
    sender = settings.shard(0, session=sandbox.session(sleep), sleep=sleep, clock=lambda: now)
    sender.deliverer.budget.remember([(0.5, 18)])
    with sender:
        assert [each.status for each in sender.deliver([identify("a@example.com")])] == ["delivered"]
        assert sender.deliverer.calls == 1
        assert sender.deliverer.waited == pytest.approx(59.5, abs=0.2)


def test_a_senders_second_run_counts_its_own_calls_once(tmp_path: Path) -> None:
    now = 1_000_000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    sandbox = tenant()
    settings = Shards(config=CONFIG, calls_per_minute=11, calls_per_day=None)  # 10 for the shard: one in six seconds
    with settings.shard(0, session=sandbox.session(sleep), sleep=sleep, clock=lambda: now) as sender:
        waits = []
        for number in range(12):
            before = sender.deliverer.waited
            events = [identify(f"p{each}@example.com") for each in range(number + 1)]
            list(sender.deliver(events, journal=tmp_path / "journal"))
            waits.append(sender.deliverer.waited - before)
    assert waits == pytest.approx([6.0] * 12, abs=0.2)


def test_a_sender_that_is_stopped_leaves_the_rest_untried() -> None:
    sandbox = tenant()
    with Shards(config=CONFIG, batch=1, **FREE).shard(0, **how(sandbox)) as sender:
        outcomes = sender.deliver([identify("a@example.com"), track(1)])
        first = next(outcomes)
        sender.deliverer.stop()
        assert [str(each.status) for each in (first, *outcomes)] == ["delivered", "not tried"]


def test_a_base_url_that_would_show_the_keys_is_refused() -> None:
    with pytest.raises(ConfigError, match="base_url"):
        Shards(config=CONFIG, base_url="http://acme.example.com")


def test_settings_take_rudderstacks_own_config_and_pickle_and_hide_the_keys() -> None:
    settings = Shards(config={"domain": "acme.co", "accessKey": "hidden-key"}, patience=Patience(attempts=3))
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert "hidden-key" not in repr(settings)
    with pytest.raises(IndexError):
        settings.shard(1)


# --- with a store -----------------------------------------------------------------------------------------------------


def test_what_a_store_knows_costs_no_call_whoever_sent_it(tmp_path: Path) -> None:
    sandbox = tenant()
    settings = Shards(config=CONFIG, shards=3, known=tmp_path / "known.db", **FREE)
    events = [*(group(f"Company {n % 2}", email=f"p{n}@example.com") for n in range(4)), identify("a@example.com")]
    first = by_shards(events, settings, sandbox)
    assert {str(each.status) for each in first} == {"delivered"}
    made, held = sum(sandbox.counts.values()), content(sandbox)
    second = by_shards(events, settings, sandbox)
    assert [(str(each.status), each.calls, each.gsid) for each in second] == [
        ("unchanged", 0, each.gsid) for each in first
    ]
    with settings.alone(**how(sandbox)) as sender:
        assert {str(each.status) for each in sender.deliver_all(events)} == {"unchanged"}
    assert (sum(sandbox.counts.values()), content(sandbox)) == (made, held)


def test_a_group_event_is_unchanged_only_if_its_company_and_its_link_are(tmp_path: Path) -> None:
    sandbox = tenant()
    settings = Shards(config=CONFIG, known=tmp_path / "known.db", **FREE)
    a, b = "a@example.com", "b@example.com"
    rounds = [
        [group(email=a)],
        [group(email=a), group(email=b)],  # a link that is new
        [group(email=a, industry="Retail"), group(email=b, industry="Retail")],  # a company that is another
        [group(email=a, industry="Retail")],
    ]
    told = [[(str(each.status), each.calls) for each in by_shards(events, settings, sandbox)] for events in rounds]
    assert told == [
        [("delivered", 3)],
        [("unchanged", 0), ("delivered", 1)],
        [("delivered", 1), ("delivered", 0)],
        [("unchanged", 0)],
    ]


def test_what_was_told_longer_ago_than_is_asked_for_is_told_again(tmp_path: Path) -> None:
    sandbox = tenant()
    statuses = []
    for resend_after in (None, 3_600.0, 1e-9):
        settings = Shards(config=CONFIG, known=tmp_path / "known.db", resend_after=resend_after, **FREE)
        with settings.alone(session=session_to(sandbox), sleep=lambda _: None) as sender:
            statuses += [str(each.status) for each in sender.deliver([identify("a@example.com")])]
    assert statuses == ["delivered", "unchanged", "delivered"]


class WaitsError(Exception):
    """No call may be made for so long."""


def test_one_store_counts_the_calls_of_a_day_for_all_senders_and_runs(tmp_path: Path) -> None:
    sandbox = tenant()
    settings = Shards(config=CONFIG, calls_per_minute=None, calls_per_day=100, known=tmp_path / "known.db")

    def sleep(seconds: float) -> None:
        raise WaitsError(seconds)

    for run in range(3):
        with settings.shard(0, session=session_to(sandbox), sleep=sleep) as sender, suppress(WaitsError):
            list(sender.deliver([track(90 * run + number) for number in range(90)]))
    assert len(sandbox.events) == sum(sandbox.counts.values()) == 100


def test_two_jobs_side_by_side_create_no_company_twice(tmp_path: Path) -> None:
    sandbox = tenant()
    settings = Shards(config=CONFIG, known=tmp_path / "known.db", **FREE)
    together = threading.Barrier(2)
    companies = [f"Company {number}" for number in range(20)]

    def job(person: str) -> None:
        session = session_to(sandbox)
        post = session.request

        def late(*args: Any, **kwargs: Any) -> Any:
            with suppress(threading.BrokenBarrierError):  # both have asked for it, or the other one waits
                together.wait(0.2)
            return post(*args, **kwargs)

        session.request = late  # type: ignore[method-assign]
        with settings.alone(session=session) as sender:
            told.extend(sender.deliver_all([group(name, email=person) for name in companies]))

    told: list[Outcome] = []
    jobs = [threading.Thread(target=job, args=[f"p{number}@example.com"]) for number in range(2)]
    for each in jobs:
        each.start()
    for each in jobs:
        each.join(60)
    assert sorted(company["Name"] for company in sandbox.companies) == sorted(companies)
    assert [len(person["companies"]) for person in sandbox.people] == [20, 20]
    assert [str(each.status) for each in told] == ["delivered"] * 40


def test_a_group_event_without_a_company_is_not_saved() -> None:
    with pytest.raises(ValueError, match="is not saved"):
        SavedGroup.of(group(), Outcome(0, None, None, Status.FAILED))
