"""Streams of events: order, side by side, stops, and what becomes of each event."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    ConfigError,
    CredentialsError,
    DestinationConfig,
    EventError,
    RetryableError,
    UpsertPerson,
    transform,
)
from gainsight_dest.deliver import Budget, Deliverer, Journal, Outcome, Patience, Status, deliver
from gainsight_dest.deliver.deliverer import AHEAD
from gainsight_dest.sandbox import Fault, Sandbox
from tests.deliver.runs import (
    GROUP,
    IDENTIFY,
    NEVER,
    PATIENT,
    PLANS,
    TRACK,
    YIELD,
    clocked,
    content,
    identify,
    session_to,
    small_events,
    tenant,
    track,
)
from tests.some import CONFIG, FREE, group


def run(events: list[Any], sandbox: Sandbox | None = None, **settings: Any) -> list[Outcome]:
    session = session_to(sandbox or tenant())
    with Deliverer(CONFIG, session, **{**FREE, **YIELD, **settings}) as deliverer:
        return list(deliverer.run(events))


@pytest.mark.parametrize("workers", [1, 4])
def test_there_is_one_outcome_for_each_event_in_order_faults_included(workers: int) -> None:
    events = [
        IDENTIFY,
        {"type": "page", "messageId": "p"},
        {**IDENTIFY, "integrations": {"All": False}},
        {"type": "identify"},
        EventError("the line", "not JSON"),
        5,
        {"type": "track", "event": "Unknown"},
        GROUP,
        TRACK,
    ]
    outcomes = run(events, workers=workers)
    assert [outcome.index for outcome in outcomes] == list(range(9))
    assert [outcome.status.value for outcome in outcomes] == [
        *("delivered", "skipped", "skipped", "failed", "failed", "failed", "failed", "delivered", "delivered")
    ]
    assert [outcome.calls for outcome in outcomes] == [1, 0, 0, 0, 0, 0, 0, 3, 1]
    assert [outcome.attempts for outcome in outcomes] == [1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert [outcome.message_id for outcome in outcomes] == ["i", "p", "i", None, None, None, None, "g", "t"]
    assert [outcome.type for outcome in outcomes][:3] == ["identify", "page", "identify"]
    assert "not supported" in str(outcomes[1].reason)
    assert "integrations" in str(outcomes[2].reason)
    assert outcomes[4].error == events[4]
    assert [type(outcome.error) for outcome in outcomes[5:7]] == [EventError, ConfigError]
    assert str(outcomes[7].gsid).startswith("1P02")


def test_deliver_takes_one_request_to_its_end() -> None:
    sandbox = Sandbox(CONFIG)
    outcome = deliver(transform(GROUP, CONFIG), sandbox.session())
    assert (outcome.status, outcome.calls, outcome.gsid) == ("delivered", 3, sandbox.companies[0]["Gsid"])


def test_deliver_tells_what_is_missing_of_a_request_made_by_hand() -> None:
    request = UpsertPerson(DestinationConfig(domain="acme.co"), {"Email": "a@b.co"})
    assert type(deliver(request, Sandbox().session()).error) is ConfigError


def test_a_dict_will_do_as_a_config() -> None:
    config = {"domain": "acme.co", "accessKey": "k"}
    with Deliverer(config, Sandbox().session()) as deliverer:
        assert [outcome.status for outcome in deliverer.run([IDENTIFY])] == ["delivered"]


def test_at_least_one_worker_is_needed() -> None:
    with pytest.raises(ValueError, match="workers"):
        Deliverer(CONFIG, workers=0)


@pytest.mark.parametrize("workers", [1, 3])
def test_events_are_read_as_they_are_needed(workers: int) -> None:
    read = []

    def endless() -> Iterator[dict[str, Any]]:
        for number in itertools.count():
            read.append(number)
            yield track(number)

    session = tenant().session()
    outcomes = Deliverer(CONFIG, session, workers=workers, **FREE).run(endless())
    for _ in range(5):
        next(outcomes)
    outcomes.close()
    assert len(read) <= (5 if workers == 1 else 5 + AHEAD * workers)


def test_a_hundred_groups_of_one_new_company_by_eight_workers_make_one_company() -> None:
    sandbox = tenant()
    events = [group("Acme", f"person{number}@example.com", employees=number) for number in range(100)]
    outcomes = run(events, sandbox, workers=8)
    assert Counter(outcome.status.value for outcome in outcomes) == {"delivered": 100}
    (company,) = sandbox.companies
    assert company["Employees"] == 99, "the last one has the last word"
    assert all(person["companies"] == [{"Company_ID": company["Gsid"]}] for person in sandbox.people)
    assert len(sandbox.people) == 100


class Watched(Sandbox):
    """A sandbox that notes which calls are under way together, and is slow enough that some are."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(CONFIG, **FREE, **settings)
        self.under_way: list[str] = []
        self.together = 0
        self.clashes = 0
        self._watch = threading.Lock()

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        key = str(body)
        with self._watch:
            self.clashes += key in self.under_way
            self.under_way.append(key)
            self.together = max(self.together, len(self.under_way))
        time.sleep(0.001)
        answer = super().receive(method, url, headers, body)
        with self._watch:
            self.under_way.remove(key)
        return answer


def test_different_events_go_side_by_side_and_never_more_than_there_are_workers() -> None:
    sandbox = Watched()
    run([track(number) for number in range(60)], sandbox, workers=5)
    assert 2 <= sandbox.together <= 5


@given(st.lists(small_events, max_size=12), PLANS)
def test_side_by_side_and_whatever_fails_for_a_while_ends_as_one_by_one(events: list[Any], plan: list[Fault]) -> None:
    alone, together = tenant(), tenant(faults=plan)
    assert {outcome.status for outcome in run(events, alone)} <= {Status.DELIVERED}
    outcomes = run(
        events, together, workers=4, patience=PATIENT, silence=NEVER, clock=itertools.count(0, 3600).__next__
    )
    assert {outcome.status for outcome in outcomes} <= {Status.DELIVERED}
    assert content(together) == content(alone)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_wrong_key_ends_the_run_at_once_and_what_is_left_is_not_tried(workers: int) -> None:
    sandbox = Sandbox(DestinationConfig(domain="acme.co", access_key="another"))
    outcomes = run([identify(f"{n}@example.com") for n in range(50)] + [{"type": "page"}], sandbox, workers=workers)
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    assert 1 <= len(failed) <= workers
    assert all(type(outcome.error) is CredentialsError for outcome in failed)
    assert sum(sandbox.counts.values()) == len(failed)
    assert [outcome.status.value for outcome in outcomes[workers:]] == ["not tried"] * (50 - workers) + ["skipped"]
    assert {outcome.calls for outcome in outcomes[workers:]} == {0}


@pytest.mark.parametrize("workers", [1, 4])
def test_a_run_can_be_ended_from_elsewhere_and_the_next_one_begins_anew(workers: int) -> None:
    with Deliverer(CONFIG, tenant().session(), workers=workers, **FREE) as deliverer:
        outcomes = deliverer.run(track(number) for number in range(200))
        first = next(outcomes)
        deliverer.stop()
        rest = list(outcomes)
        assert first.status == "delivered"
        assert rest[-1].status == "not tried"
        assert len(rest) == 199
        assert [outcome.status for outcome in deliverer.run([TRACK])] == ["delivered"]


def test_whoever_waits_for_a_retry_does_not_hold_up_the_end() -> None:
    sandbox = tenant(faults=[Fault("500")])
    naps = threading.Semaphore(0)

    def sleep(seconds: float) -> None:
        assert seconds > 0
        naps.release()
        time.sleep(0.001)

    def stop_at_the_first_nap() -> None:
        naps.acquire()
        deliverer.stop()

    deliverer = Deliverer(CONFIG, sandbox.session(), workers=3, sleep=sleep, **FREE, patience=Patience(attempts=10**6))
    outcomes = deliverer.run([track(number) for number in range(5)])
    threading.Thread(target=stop_at_the_first_nap).start()
    assert {outcome.status for outcome in outcomes} == {Status.NOT_TRIED}


def test_closing_the_iterator_ends_the_run_and_records_what_was_under_way(tmp_path: Path) -> None:
    sandbox = tenant()
    deliverer = Deliverer(CONFIG, sandbox.session(), workers=4, **FREE)
    events = [track(number) for number in range(500)]
    with Journal(tmp_path / "run.db", deliverer.target) as journal:
        outcomes = deliverer.run(events, journal)
        next(outcomes)
        outcomes.close()
        known = [n for n, event in enumerate(events) if journal.find(n, event)]
        assert sorted(event["properties"]["n"] for event in sandbox.events) == known
        list(deliverer.run(events, journal))
    assert sorted(event["properties"]["n"] for event in sandbox.events) == list(range(500))


def test_an_error_of_the_journal_comes_out_of_the_run(tmp_path: Path) -> None:
    for workers in (1, 3):
        deliverer = Deliverer(CONFIG, tenant().session(), workers=workers, **FREE)
        journal = Journal(tmp_path / f"{workers}.db", deliverer.target)
        outcomes = deliverer.run([track(number) for number in range(300)], journal)
        next(outcomes)
        journal.close()
        with pytest.raises(Exception, match="closed"):
            list(outcomes)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_whoever_brings_the_events_comes_out_of_the_run_after_those_before_it(workers: int) -> None:
    def broken() -> Iterator[Any]:
        yield from [TRACK] * 5
        raise LookupError("no more")

    outcomes = Deliverer(CONFIG, tenant().session(), workers=workers, **FREE).run(broken())
    assert [next(outcomes).status.value for _ in range(5)] == ["delivered"] * 5
    with pytest.raises(LookupError):
        next(outcomes)


def test_the_journal_spares_what_is_delivered_and_skipped_and_failed(tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG)
    events: list[Any] = [IDENTIFY, {"type": "page"}, {"type": "identify"}, GROUP]
    with Deliverer(CONFIG, sandbox.session()) as deliverer, Journal(tmp_path / "run.db", deliverer.target) as journal:
        first = list(deliverer.run(events, journal))
        calls = deliverer.calls
        second = list(deliverer.run(events, journal))
        assert deliverer.calls == calls
    assert [outcome.resumed for outcome in second] == [True] * 4
    assert [(o.status, o.error, o.gsid, o.calls) for o in first] == [
        (o.status, o.error, o.gsid, o.calls) for o in second
    ]


def test_a_thousand_events_keep_within_the_limits_and_take_as_long_as_those_ask() -> None:
    sandbox, timing = clocked(calls_per_minute=100, calls_per_day=600)
    started = timing["clock"]()
    with Deliverer(CONFIG, sandbox.session(timing["sleep"]), calls_per_day=600, **timing) as deliverer:
        outcomes = list(deliverer.run(track(number) for number in range(1000)))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert sandbox.throttled == 0
    assert 86_400 < timing["clock"]() - started < 86_400 + 600


def test_where_others_use_up_the_calls_it_waits_for_the_next_minute() -> None:
    sandbox, timing = clocked(calls_per_minute=10)
    with Deliverer(CONFIG, sandbox.session(timing["sleep"]), **FREE, **timing) as deliverer:
        outcomes = list(deliverer.run(track(number) for number in range(35)))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert sandbox.throttled <= 3, "one call a minute finds out, no more"


def test_two_deliverers_may_share_a_budget() -> None:
    sandbox, timing = clocked(calls_per_minute=10)
    budget = Budget(10, None, timing["clock"])
    deliverers = [Deliverer(CONFIG, sandbox.session(), budget=budget, **timing) for _ in range(2)]
    for number in range(15):
        for deliverer in deliverers:
            assert deliverer.deliver(transform(track(number), CONFIG)).status == "delivered"
    assert sandbox.throttled == 0


def test_it_tells_what_it_waits_for_and_until_when() -> None:
    sandbox, timing = clocked(faults=[Fault("429", times=1)])
    seen = []

    def sleep(seconds: float) -> None:
        seen.append(deliverer.waiting)
        timing["sleep"](seconds)

    deliverer = Deliverer(CONFIG, sandbox.session(), sleep=sleep, clock=timing["clock"], calls_per_minute=1)
    assert deliverer.waiting is None
    list(deliverer.run([TRACK]))
    assert deliverer.waiting is None
    reasons = [waiting.reason for waiting in seen if waiting]
    assert {*reasons} == {"too many calls", "the budget of calls is used up"}
    assert all(waiting.until > 1_000_000_000 for waiting in seen if waiting)


def test_patience_ends_and_the_event_has_failed_with_what_was_wrong() -> None:
    sandbox, timing = clocked(faults=[Fault("503", action="send event")])
    with Deliverer(CONFIG, sandbox.session(), patience=Patience(attempts=3), **timing) as deliverer:
        (outcome,) = deliverer.run([TRACK])
    assert type(outcome.error) is RetryableError
    assert outcome.attempts == outcome.calls == 3
    assert deliverer.ended is None


def test_with_a_sleep_of_ones_own_no_time_passes_but_what_is_slept() -> None:
    sandbox = tenant(faults=[Fault("429-retry-after", times=1), Fault("429", calls=(3,))])
    slept: list[float] = []
    with Deliverer(CONFIG, sandbox.session(), sleep=slept.append, calls_per_minute=4) as deliverer:
        outcomes = list(deliverer.run([TRACK] * 4))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert slept[0] == 7
    assert 1 <= slept[1] <= 61
    assert len(slept) <= 4


def test_a_real_sleep_is_taken_in_naps_so_that_the_end_need_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            deliverer.stop()

    monkeypatch.setattr(time, "sleep", nap)
    sandbox = tenant(faults=[Fault("429-retry-after", seconds=3000)])
    deliverer = Deliverer(CONFIG, sandbox.session(), sleep=time.sleep, **FREE)
    assert [outcome.status for outcome in deliverer.run([TRACK])] == ["not tried"]
    assert naps == [1, 1, 1]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signals of threads")
def test_signals_are_left_to_the_main_thread_which_alone_can_heed_them() -> None:
    blocked: list[set[int]] = []

    class Asked(Sandbox):
        def receive(self, *call: Any) -> Any:
            blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            return super().receive(*call)

    run([TRACK] * 20, Asked(CONFIG, **FREE), workers=3)
    assert all({signal.SIGINT, signal.SIGTERM} <= mask for mask in blocked)
    assert len(blocked) == 20
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
