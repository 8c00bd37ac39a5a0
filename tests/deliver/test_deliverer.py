"""Streams of events: order, side by side, stops, and the outcome of each event."""

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
from gainsight_dest.deliver import AsyncDeliverer, Budget, Deliverer, Journal, Outcome, Patience, Status, deliver
from gainsight_dest.deliver.driver import AHEAD
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.deliver.runs import (
    GROUP,
    IDENTIFY,
    KINDS,
    NEVER,
    ONE_OF_EACH_KIND,
    PATIENT,
    PLANS,
    TRACK,
    clocked,
    content,
    deliverer_to,
    endless,
    identify,
    noting_waits,
    small_events,
    tenant,
    track,
)
from tests.some import CONFIG, FREE, group


def run(events: list[Any], sandbox: Sandbox | None = None, **settings: Any) -> list[Outcome]:
    with deliverer_to(sandbox or tenant(), **{**FREE, **settings}) as deliverer:
        return list(deliverer.run(events))


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_there_is_one_outcome_for_each_event_in_order_faults_included(kind: str, workers: int) -> None:
    events = ONE_OF_EACH_KIND
    outcomes = run(events, workers=workers, kind=kind)
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


@pytest.mark.parametrize("kind", [Deliverer, AsyncDeliverer])
def test_what_follows_the_client_is_given_by_its_name(kind: Any) -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        kind(CONFIG, None, "http://127.0.0.1:8080")


def test_at_least_one_worker_is_needed() -> None:
    with pytest.raises(ValueError, match="workers"):
        Deliverer(CONFIG, workers=0)


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
def test_events_are_read_as_they_are_needed(kind: str, workers: int) -> None:
    read: list[int] = []
    outcomes = deliverer_to(tenant(), workers=workers, **FREE, kind=kind).run(endless(read))
    for _ in range(5):
        next(outcomes)
    outcomes.close()
    assert len(read) <= (5 if workers == 1 else 5 + AHEAD * workers)


@KINDS
def test_a_hundred_groups_of_one_new_company_by_eight_workers_make_one_company(kind: str) -> None:
    sandbox = tenant()
    events = [group("Acme", f"person{number}@example.com", employees=number) for number in range(100)]
    outcomes = run(events, sandbox, workers=8, kind=kind)
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


@given(st.lists(small_events, max_size=12), PLANS, st.sampled_from(["threads", "async"]))
def test_side_by_side_and_whatever_fails_for_a_while_ends_as_one_by_one(
    events: list[Any], plan: list[PlannedFault], kind: str
) -> None:
    alone, together = tenant(), tenant(faults=plan)
    assert {outcome.status for outcome in run(events, alone)} <= {Status.DELIVERED}
    clock = itertools.count(0, 3600).__next__
    outcomes = run(events, together, kind=kind, workers=4, patience=PATIENT, silence=NEVER, clock=clock)
    assert {outcome.status for outcome in outcomes} <= {Status.DELIVERED}
    assert content(together) == content(alone)


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_a_wrong_key_ends_the_run_at_once_and_what_is_left_is_not_tried(kind: str, workers: int) -> None:
    sandbox = Sandbox(DestinationConfig(domain="acme.co", access_key="another"))
    outcomes = run(
        [identify(f"{n}@example.com") for n in range(50)] + [{"type": "page"}], sandbox, workers=workers, kind=kind
    )
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    assert 1 <= len(failed) <= workers
    assert all(type(outcome.error) is CredentialsError for outcome in failed)
    assert sum(sandbox.counts.values()) == len(failed)
    assert [outcome.status.value for outcome in outcomes[workers:]] == ["not tried"] * (50 - workers) + ["skipped"]
    assert {outcome.calls for outcome in outcomes[workers:]} == {0}


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_a_run_can_be_ended_from_elsewhere_and_the_next_one_begins_anew(kind: str, workers: int) -> None:
    with deliverer_to(tenant(), workers=workers, **FREE, kind=kind) as deliverer:
        outcomes = deliverer.run(track(number) for number in range(200))
        first = next(outcomes)
        deliverer.stop()
        rest = list(outcomes)
        assert first.status == "delivered"
        assert rest[-1].status == "not tried"
        assert len(rest) == 199
        assert [outcome.status for outcome in deliverer.run([TRACK])] == ["delivered"]


def test_whoever_waits_for_a_retry_does_not_hold_up_the_end() -> None:
    sandbox = tenant(faults=[PlannedFault("500")])
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


@KINDS
def test_closing_the_iterator_ends_the_run_and_records_what_was_under_way(kind: str, tmp_path: Path) -> None:
    sandbox = tenant()
    deliverer = deliverer_to(sandbox, workers=4, **FREE, kind=kind)
    events = [track(number) for number in range(500)]
    with Journal(tmp_path / "run.db", deliverer.target) as journal:
        outcomes = deliverer.run(events, journal)
        next(outcomes)
        outcomes.close()
        known = [n for n, event in enumerate(events) if journal.find(n, event)]
        assert sorted(event["properties"]["n"] for event in sandbox.events) == known
        list(deliverer.run(events, journal))
    assert sorted(event["properties"]["n"] for event in sandbox.events) == list(range(500))


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_run_that_was_left_early_ends_with_the_next_and_does_not_end_it(workers: int, batch: int | None) -> None:
    deliverer = deliverer_to(tenant(), workers=workers, **FREE)
    first, second = (deliverer.run([track(n) for n in range(9)], batch=batch) for _ in range(2))
    next(first)
    begun = [next(second)]
    assert {outcome.status for outcome in list(first)[4:]} == {Status.NOT_TRIED}
    assert [outcome.status for outcome in begun + list(second)] == [Status.DELIVERED] * 9


@KINDS
def test_an_error_of_the_journal_comes_out_of_the_run(kind: str, tmp_path: Path) -> None:
    for workers in (1, 3):
        deliverer = deliverer_to(tenant(), workers=workers, **FREE, kind=kind)
        journal = Journal(tmp_path / f"{workers}.db", deliverer.target)
        outcomes = deliverer.run([track(number) for number in range(300)], journal)
        next(outcomes)
        journal.close()
        with pytest.raises(Exception, match="closed"):
            list(outcomes)


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_whoever_brings_the_events_comes_out_of_the_run_after_those_before_it(
    kind: str, workers: int
) -> None:
    def broken() -> Iterator[Any]:
        yield from [TRACK] * 5
        raise LookupError("no more")

    outcomes = deliverer_to(tenant(), workers=workers, **FREE, kind=kind).run(broken())
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


@KINDS
def test_a_thousand_events_keep_within_the_limits_and_take_as_long_as_those_ask(kind: str) -> None:
    sandbox, timing = clocked(calls_per_minute=100, calls_per_day=600)
    started = timing["clock"]()
    with deliverer_to(sandbox, calls_per_day=600, **timing, kind=kind) as deliverer:
        outcomes = list(deliverer.run(track(number) for number in range(1000)))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert sandbox.throttled == 0
    assert 86_400 < timing["clock"]() - started < 86_400 + 600


@KINDS
def test_where_others_use_up_the_calls_it_waits_for_the_next_minute(kind: str) -> None:
    sandbox, timing = clocked(calls_per_minute=10)
    with deliverer_to(sandbox, **FREE, **timing, kind=kind) as deliverer:
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


@KINDS
def test_it_tells_what_it_waits_for_and_until_when(kind: str) -> None:
    deliverer, seen = noting_waits([PlannedFault("429", times=1)], kind)
    assert deliverer.waiting is None
    list(deliverer.run([TRACK]))
    assert deliverer.waiting is None
    reasons = [waiting.reason for waiting in seen if waiting]
    assert {*reasons} == {"too many calls", "the budget of calls is used up"}
    assert all(waiting.until > 1_000_000_000 for waiting in seen if waiting)


@KINDS
def test_patience_ends_and_the_event_has_failed_with_what_was_wrong(kind: str) -> None:
    sandbox, timing = clocked(faults=[PlannedFault("503", action="send event")])
    with deliverer_to(sandbox, patience=Patience(attempts=3), **timing, kind=kind) as deliverer:
        (outcome,) = deliverer.run([TRACK])
    assert type(outcome.error) is RetryableError
    assert outcome.attempts == outcome.calls == 3
    assert deliverer.ended is None


@KINDS
def test_with_a_sleep_of_ones_own_no_time_passes_but_what_is_slept(kind: str) -> None:
    sandbox = tenant(faults=[PlannedFault("429-retry-after", times=1), PlannedFault("429", calls=(3,))])
    slept: list[float] = []
    with deliverer_to(sandbox, sleep=slept.append, calls_per_minute=4, kind=kind) as deliverer:
        outcomes = list(deliverer.run([TRACK] * 4))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert slept[0] == 7
    assert 1 <= slept[1] <= 61
    assert len(slept) <= 4


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_a_sleep_of_ones_own_comes_out_of_the_run(kind: str, workers: int) -> None:
    def sleep(_: float) -> None:
        raise LookupError("no clock")

    sandbox = tenant(faults=[PlannedFault("500")])
    outcomes = deliverer_to(sandbox, workers=workers, sleep=sleep, **FREE, kind=kind).run([TRACK] * 5)
    with pytest.raises(LookupError, match="no clock"):
        list(outcomes)


def test_a_real_sleep_is_taken_in_naps_so_that_the_end_need_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            deliverer.stop()

    monkeypatch.setattr(time, "sleep", nap)
    sandbox = tenant(faults=[PlannedFault("429-retry-after", seconds=3000)])
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
