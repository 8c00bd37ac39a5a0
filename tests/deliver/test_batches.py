"""Streams of events in batches: each has the outcome that it has alone, whatever fails, wherever the run ends."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    ConfigError,
    CredentialsError,
    EventError,
    RejectedError,
    RetryableError,
)
from gainsight_dest.batching.batch import Batch
from gainsight_dest.deliver import Deliverer, Journal, JournalError, Outcome, Patience, Status
from gainsight_dest.deliver.journal import entries
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from tests.deliver import runs
from tests.deliver.runs import (
    GROUP,
    IDENTIFY,
    KINDS,
    LONG,
    NEVER,
    ONE_OF_EACH_KIND,
    PATIENT,
    PLANS,
    TRACK,
    WRONG,
    clocked,
    content,
    endless,
    halting,
    identify,
    no_reader_is_left,
    noting_waits,
    small_events,
    tenant,
    track,
)
from tests.some import CONFIG, FREE, group

SIZES = [1, 3, 500]


def deliverer_to(sandbox: Sandbox, **settings: Any) -> Any:
    return runs.deliverer_to(sandbox, **{**FREE, **settings})


def run(
    events: list[Any],
    sandbox: Sandbox | None = None,
    batch: int | None = 500,
    journal: Journal | None = None,
    **settings: Any,
) -> list[Outcome]:
    """One run over the events. Each call is counted once, with one event."""
    to = sandbox or tenant()
    before = sum(to.counts.values())
    with deliverer_to(to, **settings) as deliverer:
        outcomes = list(deliverer.run(events, journal, batch=batch))
        made = sum(outcome.calls for outcome in outcomes if not outcome.resumed)
        assert deliverer.calls == sum(to.counts.values()) - before
        # Where one fails, it was asked whether Gainsight is there.
        assert made == deliverer.calls or not {*statuses(outcomes)} <= {"delivered", "skipped"}
    return outcomes


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


def people(count: int) -> list[dict[str, Any]]:
    return [identify(f"p{number}@example.com", firstName=f"{number}") for number in range(count)]


def tracks(count: int) -> list[dict[str, Any]]:
    return [track(number) for number in range(count)]


def tickets(sandbox: Sandbox) -> list[int]:
    return [event["properties"]["n"] for event in sandbox.events]


def facts(outcomes: list[Outcome]) -> list[Any]:
    """The outcomes, but for what names a call: its attempts and calls, an answer's id, a company's Gsid."""
    return [
        (each.index, each.message_id, each.type, each.status, each.reason, type(each.error), bool(each.gsid))
        for each in outcomes
    ]


# --- outcomes ---------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch", SIZES)
def test_there_is_one_outcome_for_each_event_in_order_faults_included(kind: str, workers: int, batch: int) -> None:
    events = ONE_OF_EACH_KIND
    outcomes = run(events, workers=workers, batch=batch, kind=kind)
    assert facts(outcomes) == facts(run(events, batch=None, kind=kind))
    assert statuses(outcomes) == [
        *("delivered", "skipped", "skipped", "failed", "failed", "failed", "failed", "delivered", "delivered")
    ]
    assert [outcome.index for outcome in outcomes] == list(range(9))
    assert [outcome.message_id for outcome in outcomes] == ["i", "p", "i", None, None, None, None, "g", "t"]
    assert outcomes[4].error == events[4]
    assert [type(outcome.error) for outcome in outcomes[5:7]] == [EventError, ConfigError]
    assert str(outcomes[7].gsid).startswith("1P02")


@pytest.mark.again
@pytest.mark.parametrize("workers", [1, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.long), *SIZES[1:]])
def test_there_may_be_more_events_than_a_batch_holds(workers: int, batch: int) -> None:
    sandbox = tenant()
    events = [each for n in range(220) for each in (identify(f"{n}@example.com"), {"type": "page"}, track(n))]
    outcomes = run(events, sandbox, batch, workers=workers)
    assert [outcome.index for outcome in outcomes] == list(range(660)), "of the whole stream, not of the batch"
    assert statuses(outcomes) == ["delivered", "skipped", "delivered"] * 220
    assert [outcome.message_id for outcome in outcomes[::3]] == [f"{n}@example.com" for n in range(220)]
    assert tickets(sandbox) == list(range(220)), "in order"
    assert len(sandbox.people) == 220


@pytest.mark.parametrize("batch", SIZES)
def test_of_no_events_there_are_no_outcomes(batch: int) -> None:
    assert run([], batch=batch) == []


def test_a_refused_event_fails_and_those_that_share_its_calls_do_not() -> None:
    sandbox = tenant()
    events = [group(f"Company {n}", f"{n}@example.com", employees=n) for n in range(20)]
    events[7]["traits"]["originalContractDate"] = "soon"
    outcomes = run(events, sandbox)
    assert [outcome.index for outcome in outcomes if outcome.status is Status.FAILED] == [7]
    assert type(outcomes[7].error) is RejectedError
    assert len(sandbox.companies) == len(sandbox.people) == 19


@given(
    st.lists(small_events, max_size=12),
    PLANS,
    st.sampled_from([1, 2, 3, 5, 500]),
    st.sampled_from([1, 4]),
    st.sampled_from(["threads", "async"]),
)
def test_whatever_fails_for_a_while_ends_as_one_by_one(
    events: list[Any], plan: list[PlannedFault], batch: int, workers: int, kind: str
) -> None:
    alone, batched = tenant(), tenant(faults=plan)
    expected = run(events, alone, None)
    clock = itertools.count(0, 3600).__next__
    outcomes = run(events, batched, batch, workers=workers, patience=PATIENT, silence=NEVER, clock=clock, kind=kind)
    assert facts(outcomes) == facts(expected)
    assert content(batched) == content(alone)


# --- calls ------------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 8])
def test_a_hundred_groups_of_one_new_company_find_it_once_and_create_it_once(kind: str, workers: int) -> None:
    sandbox = tenant()
    events = [group("Acme", f"person{number}@example.com", employees=number) for number in range(100)]
    outcomes = run(events, sandbox, workers=workers, kind=kind)
    assert statuses(outcomes) == ["delivered"] * 100
    assert sandbox.counts == {"find company": 1, "create company": 1, "link person": 100}
    (company,) = sandbox.companies
    assert company["Employees"] == 99, "the last one has the last word"
    assert {outcome.gsid for outcome in outcomes} == {company["Gsid"]}
    assert [person["companies"] for person in sandbox.people] == [[{"Company_ID": company["Gsid"]}]] * 100


def test_what_one_batch_created_the_next_one_finds() -> None:
    sandbox = tenant()
    run([group("Acme", f"person{number}@example.com") for number in range(6)], sandbox, batch=3)
    assert sandbox.counts == {"find company": 2, "create company": 1, "update company": 1, "link person": 6}


class Meeting(Sandbox):
    """A sandbox that answers about people only once as many as it waits for have asked."""

    def __init__(self, count: int) -> None:
        super().__init__(CONFIG, **FREE)
        self._barrier = threading.Barrier(count)

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        self._barrier.wait(LONG)
        return super().receive(method, url, headers, body)


def test_what_a_batch_asks_for_at_a_time_goes_side_by_side() -> None:
    assert statuses(run(people(12), Meeting(4), workers=4)) == ["delivered"] * 12


class Together(Sandbox):
    """A sandbox that notes how many calls are under way together."""

    def __init__(self) -> None:
        super().__init__(CONFIG, **FREE)
        self.most = 0
        self._under_way = 0
        self._watch = threading.Lock()

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        with self._watch:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        time.sleep(0)
        answer = super().receive(method, url, headers, body)
        with self._watch:
            self._under_way -= 1
        return answer


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
def test_never_more_calls_are_under_way_than_there_are_workers(kind: str, workers: int) -> None:
    sandbox = Together()
    run(people(60), sandbox, workers=workers, kind=kind)
    assert 1 <= sandbox.most <= workers


@pytest.mark.long
def test_a_thousand_events_keep_within_the_limit_and_take_as_long_as_it_asks() -> None:
    sandbox, timing = clocked(calls_per_minute=100)
    started = timing["clock"]()
    outcomes = run(people(500) + tracks(500), sandbox, calls_per_minute=100, **timing)
    assert statuses(outcomes) == ["delivered"] * 1000
    assert sandbox.throttled == 0
    assert 9 * 60 <= timing["clock"]() - started < 10 * 60


@KINDS
def test_where_others_use_up_the_calls_it_waits_and_counts_the_call_that_found_out(kind: str) -> None:
    sandbox, timing = clocked(calls_per_minute=10)
    outcomes = run(people(15) + tracks(20), sandbox, **timing, kind=kind)
    assert statuses(outcomes) == ["delivered"] * 35
    assert sandbox.throttled <= 3, "one call a minute finds out, no more"
    assert Counter((outcome.attempts, outcome.calls) for outcome in outcomes) == {
        (1, 1): 35 - sandbox.throttled,
        (2, 2): sandbox.throttled,
    }


@pytest.mark.parametrize("event", [IDENTIFY, GROUP, TRACK])
@pytest.mark.parametrize("kind", ["429", "429-retry-after", "throttled-200", "500-after", "dropped-after"])
@pytest.mark.parametrize("patience", [Patience(), Patience(attempts=2)])
def test_one_event_is_tried_as_often_as_alone(event: Any, kind: str, patience: Patience) -> None:
    told = []
    for batch in (None, 1):
        sandbox, timing = clocked(faults=[PlannedFault(kind, calls=(1, 2))])
        (outcome,) = run([event], sandbox, batch, patience=patience, **timing)
        told.append((outcome.status, outcome.attempts, outcome.calls, type(outcome.error), sandbox.counts))
    assert told[0] == told[1]


# --- faults -----------------------------------------------------------------------------------------------------------


class Poisoned(Sandbox):
    """A sandbox that always breaks by what holds a certain word."""

    def __init__(self, word: str) -> None:
        always = Sandbox(CONFIG, **FREE, faults=[PlannedFault("500")])
        super().__init__(CONFIG, **FREE)
        self._broken = always
        self._word = word

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        answer = super().receive if self._word.encode() not in body else self._counted
        return answer(method, url, headers, body)

    def _counted(self, *call: Any) -> Any:
        with self._lock:
            self.counts["broken"] += 1
        return self._broken.receive(*call)


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("poison", ["Company 7", "p7@example.com"])
def test_what_always_breaks_gainsight_fails_alone(kind: str, workers: int, poison: str) -> None:
    sandbox = Poisoned(f'"{poison}"')
    events = [group(f"Company {n}", f"p{n}@example.com", employees=n) for n in range(50)] + people(50) + tracks(5)
    outcomes = run(events, sandbox, workers=workers, kind=kind)
    failed = [outcome for outcome in outcomes if outcome.status is not Status.DELIVERED]
    assert [outcome.index for outcome in failed] == ([7] if poison == "Company 7" else [7, 57])
    assert {type(outcome.error) for outcome in failed} == {RetryableError}
    assert {outcome.attempts for outcome in failed} == {12}
    assert len(sandbox.people) == (50 if poison == "Company 7" else 49)
    assert len(sandbox.companies) == (49 if poison == "Company 7" else 50)
    assert tickets(sandbox) == list(range(5))


def test_patience_ends_and_the_event_has_failed_with_what_was_wrong() -> None:
    sandbox, timing = clocked(faults=[PlannedFault("503", action="send event")])
    (outcome,) = run([TRACK], sandbox, patience=Patience(attempts=3), **timing)
    assert (outcome.status, type(outcome.error)) == ("failed", RetryableError)
    assert outcome.attempts == outcome.calls == 3


def test_each_further_wait_for_one_event_is_longer_also_over_the_steps_of_a_batch() -> None:
    slept: list[float] = []
    run([IDENTIFY], tenant(faults=[PlannedFault("500", times=7)]), sleep=slept.append)
    assert [2**n <= seconds <= 2**n + 1 for n, seconds in enumerate(slept)] == [True] * 7


@KINDS
def test_it_tells_what_it_waits_for_and_until_when(kind: str) -> None:
    faults = [PlannedFault("429", times=1), PlannedFault("500", times=1)]
    deliverer, seen = noting_waits(faults, kind, calls_per_day=None)
    assert deliverer.waiting is None
    assert statuses(list(deliverer.run([TRACK], batch=500))) == ["delivered"]
    assert deliverer.waiting is None
    reasons = {waiting.reason for waiting in seen if waiting}
    assert {"too many calls", "the budget of calls is used up"} < reasons
    assert len(reasons) == 3
    assert all(waiting is not None and waiting.until > 1_000_000_000 for waiting in seen)


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_none_waits_for_one_that_fails_and_what_is_through_is_recorded_while_its_outcome_waits(
    kind: str, workers: int, tmp_path: Path
) -> None:
    seen: list[tuple[int, list[int]]] = []

    def sleep(_: float) -> None:
        seen.append((deliverer.ahead.total(), [entry.outcome.index for entry in entries(tmp_path / "run.db")]))

    deliverer = deliverer_to(Poisoned('"p0@example.com"'), workers=workers, sleep=sleep, kind=kind)
    assert not deliverer.ahead
    with Journal(tmp_path / "run.db", "here") as journal:
        outcomes = deliverer.run([*people(4), {"type": "page"}, IDENTIFY], journal, batch=500)
        first = next(outcomes)
        assert (first.status, deliverer.ahead.total()) == ("failed", 5)
        assert deliverer.ahead == {("identify", "delivered"): 4, ("page", "skipped"): 1}
        assert statuses(list(outcomes)) == ["delivered"] * 3 + ["skipped", "delivered"]
    assert len(seen) == 11
    assert seen[0] == (1, [4]), "what is not to be sent"
    assert seen[2:] == [(5, [1, 2, 3, 4, 5])] * 9
    assert not deliverer.ahead


def test_what_is_ahead_is_counted_as_what_became_of_it_and_what_the_journal_knows_is_not(tmp_path: Path) -> None:
    events = [*people(1), {"type": "page"}, {"type": "identify"}, {"type": 5}]
    seen: list[tuple[Any, list[int]]] = []

    def sleep(_: float) -> None:
        seen.append((deliverer.ahead, [outcome.index for outcome in deliverer.failed_ahead]))
        deliverer.stop()

    for number in (3, 4):
        deliverer = deliverer_to(Poisoned('"p0@example.com"'), sleep=sleep)
        assert deliverer.failed_ahead == []
        with Journal(tmp_path / "run.db", "here") as journal:
            assert len(list(deliverer.run(events[:number], journal, batch=500))) == number
    assert seen == [
        ({("page", "skipped"): 1, ("identify", "failed"): 1}, [2]),
        ({(None, "failed"): 1}, [3]),
    ]


@KINDS
def test_a_number_that_cannot_be_written_fails_its_own_event_before_it_is_sent(kind: str) -> None:
    outcomes = list(deliverer_to(tenant(), kind=kind).run([track(1), track(10**5000), track(2)], batch=500))
    assert statuses(outcomes) == ["delivered", "failed", "delivered"]
    assert type(outcomes[1].error) is EventError


# --- a wrong key ------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch", SIZES)
def test_a_wrong_key_ends_the_run_at_once_and_what_is_left_is_not_tried(
    kind: str, workers: int, batch: int, tmp_path: Path
) -> None:
    sandbox = Sandbox(WRONG, **FREE)
    page = {"type": "page"}
    with Journal(tmp_path / "run.db", "here") as journal:
        outcomes = run([*people(50), page, *tracks(3)], sandbox, batch, journal, workers=workers, kind=kind)
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    assert 1 <= len(failed) <= workers
    assert {type(outcome.error) for outcome in failed} == {CredentialsError}
    assert sum(sandbox.counts.values()) == len(failed)
    assert statuses(outcomes[workers:]) == ["not tried"] * (50 - workers) + ["skipped"] + ["not tried"] * 3
    assert {outcome.calls for outcome in outcomes[workers:]} == {0}
    assert [entry.outcome.index for entry in entries(tmp_path / "run.db")] == [50], "all else is to be sent"


def test_a_key_that_is_wrong_from_some_call_on_leaves_the_rest_to_the_next_run(tmp_path: Path) -> None:
    events = [track(0), *people(3), track(1), {"type": "page"}, track(2), track(3), track(4)]
    sandbox = tenant(faults=[PlannedFault("401", calls=(6,))])
    with Journal(tmp_path / "run.db", "here") as journal:
        first = run(events, sandbox, 7, journal)
        again = run(events, sandbox, 7, journal)
    assert statuses(first) == [*["delivered"] * 5, "skipped", "failed", "not tried", "not tried"]
    assert statuses(again) == [*["delivered"] * 5, "skipped", *["delivered"] * 3]
    assert [outcome.resumed for outcome in again] == [True] * 6 + [False] * 3
    assert tickets(sandbox) == [0, 1, 2, 3, 4]


# --- its end ----------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch", SIZES)
def test_a_run_can_be_ended_from_elsewhere_and_the_next_one_begins_anew(kind: str, workers: int, batch: int) -> None:
    sandbox = tenant()
    with deliverer_to(sandbox, workers=workers, kind=kind) as deliverer:
        outcomes = deliverer.run(iter(tracks(200)), batch=batch)
        first = next(outcomes)
        deliverer.stop()
        assert statuses([first, *outcomes]) == ["delivered"] + ["not tried"] * 199
        assert statuses(list(deliverer.run([TRACK], batch=batch))) == ["delivered"]
    assert len(sandbox.events) == 2


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", ["429-retry-after", "500"])
def test_whoever_waits_for_a_retry_does_not_hold_up_the_end(
    kind: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps = itertools.count(1)

    def nap(seconds: float) -> None:
        assert seconds <= 1, "it looks whether it is to end"
        if next(naps) == 3:
            deliverer.stop()

    monkeypatch.setattr(time, "sleep", nap)
    sandbox = tenant(faults=[PlannedFault(kind, seconds=3000)])
    patience = Patience(attempts=10**6)
    deliverer = deliverer_to(sandbox, workers=workers, sleep=time.sleep, patience=patience)
    outcomes = list(deliverer.run(people(3) + tracks(2), batch=500))
    assert statuses(outcomes) == ["not tried"] * 5
    assert sum(outcome.calls for outcome in outcomes) == sum(sandbox.counts.values()) == deliverer.calls
    assert deliverer.waiting is None


@KINDS
def test_whoever_waits_for_the_budget_does_not_hold_up_the_end(kind: str) -> None:
    def stop(_: float) -> None:
        deliverer.stop()

    deliverer = deliverer_to(tenant(), sleep=stop, calls_per_minute=2, kind=kind)
    assert statuses(list(deliverer.run(people(5), batch=500))) == ["delivered"] * 2 + ["not tried"] * 3


@pytest.mark.again
@KINDS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch", SIZES)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_closing_the_iterator_records_what_is_known_and_a_second_run_does_the_rest(
    kind: str, workers: int, batch: int, count: int, tmp_path: Path
) -> None:
    sandbox = tenant()
    events = [*tracks(5), *people(5), {"type": "page"}, *(track(n) for n in range(5, 10))]
    with Journal(tmp_path / "run.db", "here") as journal:
        with deliverer_to(sandbox, workers=workers, kind=kind) as deliverer:
            outcomes = deliverer.run(events, journal, batch=batch)
            for _ in range(count):
                next(outcomes)
            outcomes.close()
        sent = set(tickets(sandbox))
        known = [entry.outcome for entry in entries(tmp_path / "run.db")]
        assert {events[each.index]["properties"]["n"] for each in known if each.type == "track"} == sent
        assert len([each for each in known if each.type == "identify"]) == len(sandbox.people)
        second = run(events, sandbox, batch, journal, workers=workers, kind=kind)
    assert [outcome.index for outcome in second if outcome.resumed] == [each.index for each in known]
    assert statuses(second) == ["delivered"] * 10 + ["skipped"] + ["delivered"] * 5
    assert tickets(sandbox) == list(range(10)), "none is doubled"
    assert sandbox.counts == {"send event": 10, "upsert person": 5}


@KINDS
def test_the_journal_spares_what_is_delivered_and_skipped_and_failed(kind: str, tmp_path: Path) -> None:
    sandbox = tenant()
    events: list[Any] = [IDENTIFY, {"type": "page"}, {"type": "identify"}, GROUP, TRACK]
    with Journal(tmp_path / "run.db", "here") as journal:
        first = run(events, sandbox, 3, journal, kind=kind)
        calls = sum(sandbox.counts.values())
        second = run(events, sandbox, 500, journal, kind=kind)
        alone = run(events, sandbox, None, journal, kind=kind)
    assert sum(sandbox.counts.values()) == calls
    assert [outcome.resumed for outcome in second] == [True] * 5
    assert second == alone
    assert [(o.index, o.status, o.error, o.gsid, o.calls, o.attempts) for o in first] == [
        (o.index, o.status, o.error, o.gsid, o.calls, o.attempts) for o in second
    ]


def test_what_a_run_one_by_one_left_is_delivered_in_batches(tmp_path: Path) -> None:
    sandbox = tenant(faults=[PlannedFault("result-false", calls=(2,))])
    events = people(4)
    with Journal(tmp_path / "run.db", "here") as journal:
        assert statuses(run(events, sandbox, None, journal)) == ["delivered", "failed", "delivered", "delivered"]
    with Journal(tmp_path / "run.db", "here", retry_failed=True) as journal:
        again = run([*events, TRACK], sandbox, 500, journal)
    assert statuses(again) == ["delivered"] * 5
    assert [outcome.index for outcome in again if not outcome.resumed] == [1, 4]


# --- cut off ----------------------------------------------------------------------------------------------------------


class CutError(BaseException):
    """The end of a process, in a test that goes on."""


class Cut(Sandbox):
    """A sandbox of which some calls, by number, end the process: before what they ask for is done, or after."""

    def __init__(self, cuts: Mapping[int, bool], **settings: Any) -> None:
        super().__init__(CONFIG, **FREE, **settings)
        self._cuts = dict(cuts)
        self._numbers = itertools.count(1)

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        is_done = self._cuts.get(next(self._numbers))
        if is_done is False:
            raise CutError
        answer = super().receive(method, url, headers, body)
        if is_done:
            raise CutError
        return answer


def events_of_all_sorts() -> list[Any]:
    return [
        group("Acme", "a@example.com", employees=1),
        identify("a@example.com", firstName="1"),
        track(1),
        group("Brix", "b@example.com", employees=2),
        group("Acme", "b@example.com", employees=3),
        track(2),
        identify("b@example.com", firstName="4"),
        group("Acme", "c@example.com", employees=5),
        {"type": "page"},
        identify("a@example.com", firstName="6"),
        track(3),
    ]


@pytest.mark.again
@KINDS
@pytest.mark.parametrize(
    "batch", [2, pytest.param(4, marks=pytest.mark.long), pytest.param(500, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("is_done", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_run_that_is_cut_off_at_any_call_is_taken_up_again_to_the_same_end(
    kind: str, batch: int, is_done: bool, tmp_path: Path
) -> None:
    calm, events = tenant(), events_of_all_sorts()
    expected = run(events, calm, None, kind=kind)
    calls = sum(calm.counts.values())
    for number in range(1, calls + 1):
        sandbox = Cut({number: is_done})
        with Journal(tmp_path / f"{number}.db", "here") as journal, deliverer_to(sandbox, kind=kind) as deliverer:
            first = deliverer.run(events, journal, batch=batch)
            try:
                list(first)
            except CutError:
                known = [entry.outcome.index for entry in entries(tmp_path / f"{number}.db")]
                assert 8 in known or batch < 500, "what nothing needs to be sent for is known"
            else:
                assert number > sum(sandbox.counts.values()), "it was over before"
            outcomes = list(deliverer.run(events, journal, batch=batch))
        assert facts(outcomes) == facts(expected)
        assert content(sandbox) == content(calm)
        assert len(sandbox.events) <= 3 + is_done, "one is doubled only where its answer was lost"


@given(
    st.lists(small_events, max_size=10),
    PLANS,
    st.dictionaries(st.integers(1, 30), st.booleans(), max_size=3),
    st.lists(st.integers(0, 6), max_size=2),
    st.sampled_from([2, 3, 500]),
    st.sampled_from([1, 4]),
    st.sampled_from(["threads", "async"]),
)
def test_however_often_a_run_is_cut_off_and_whatever_fails_it_ends_as_one_by_one(
    events: list[Any],
    plan: list[PlannedFault],
    cuts: dict[int, bool],
    closes: list[int],
    batch: int,
    workers: int,
    kind: str,
) -> None:
    calm, sandbox = tenant(), Cut(cuts, faults=plan)
    expected = run(events, calm, None)
    clock = itertools.count(0, 3600).__next__
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "run.db", "here") as journal:
        for close_after in [*closes, *[None] * (len(cuts) + 1)]:
            how = {"workers": workers, "patience": PATIENT, "silence": NEVER, "clock": clock}
            with deliverer_to(sandbox, kind=kind, **how) as deliverer:
                outcomes = deliverer.run(events, journal, batch=batch)
                try:
                    told = list(itertools.islice(outcomes, close_after))
                except CutError:
                    continue
                outcomes.close()
        assert facts(told) == facts(expected)
    assert content(sandbox) == content(calm)


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_an_older_value_is_never_put_over_a_newer_one_where_the_first_of_two_was_not_through(
    kind: str, workers: int, tmp_path: Path
) -> None:
    events = [group("Acme", "a@example.com", employees=1), group("Acme", "b@example.com", employees=2)]
    sandbox = Poisoned('"a@example.com"')
    naps = itertools.count(1)

    def stop_at_the_third_nap(_: float) -> None:
        if next(naps) == 3:
            deliverer.stop()

    with Journal(tmp_path / "run.db", "here") as journal:
        settings = {"workers": workers, "patience": PATIENT, "silence": NEVER, "sleep": stop_at_the_third_nap}
        with deliverer_to(sandbox, **settings, kind=kind) as deliverer:
            first = list(deliverer.run(events, journal, batch=500))
        assert statuses(first) == ["not tried"] * 2, "the second one is through, but not to be left out"
        assert [person["Email"] for person in sandbox.people] == ["b@example.com"]
        assert [*entries(tmp_path / "run.db")] == []
        fixed = tenant(content=Content.from_data(sandbox.as_data()))
        assert statuses(run(events, fixed, None, journal, kind=kind)) == ["delivered"] * 2
    (company,) = fixed.companies
    assert company["Employees"] == 2
    assert len(fixed.people) == 2


@KINDS
@pytest.mark.parametrize("batch", SIZES)
def test_a_run_that_is_cut_off_while_an_outcome_is_recorded_loses_no_event(
    kind: str, batch: int, tmp_path: Path
) -> None:
    events = [identify("a@example.com"), track(1), {"type": "page"}, track(2), {"type": "page"}, track(3)]
    for cut in range(len(events)):
        recorded = itertools.count()

        class CutOff(Journal):
            def add(self, *known: Any, recorded: Iterator[int] = recorded, cut: int = cut) -> None:
                if next(recorded) == cut:
                    raise CutError
                super().add(*known)

        sandbox = tenant()
        with CutOff(tmp_path / f"{cut}.db", "here") as journal, deliverer_to(sandbox, kind=kind) as deliverer:
            with pytest.raises(CutError):
                list(deliverer.run(events, journal, batch=batch))
            outcomes = list(deliverer.run(events, journal, batch=batch))
        assert statuses(outcomes) == ["delivered", "delivered", "skipped", "delivered", "skipped", "delivered"]
        assert [outcome.type for outcome in outcomes] == [event["type"] for event in events]
        assert {1, 2, 3} == {*tickets(sandbox)}
        assert len(sandbox.people) == 1


def test_a_run_that_is_cut_off_does_not_wait_for_those_that_wait_for_the_budget() -> None:
    waits = threading.Event()
    told: list[bool] = []

    class CutOnceAnotherWaits(Sandbox):
        def receive(self, *_: Any) -> Any:
            assert waits.wait(LONG)
            raise CutError

    def sleep(_: float) -> None:
        waits.set()
        until = time.monotonic() + LONG
        while not deliverer._run.is_stopped and time.monotonic() < until:
            time.sleep(0.001)
        told.append(deliverer._run.is_stopped)
        deliverer.stop()  # or else the test would not end

    sandbox = CutOnceAnotherWaits(CONFIG, **FREE)
    deliverer = deliverer_to(sandbox, workers=2, sleep=sleep, clock=lambda: 0.0, calls_per_minute=1)
    with pytest.raises(CutError):
        list(deliverer.run(people(2), batch=500))
    assert told == [True], "it waited for the budget to be free"


# --- errors -----------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("linger", [None, 0, inf])
@pytest.mark.parametrize("batch", SIZES)
def test_an_error_of_whoever_brings_the_events_comes_out_of_the_run_after_those_before_it(
    kind: str, batch: int, linger: float | None, workers: int
) -> None:
    def broken() -> Iterator[Any]:
        yield from [TRACK] * 5
        raise LookupError("no more")

    outcomes = deliverer_to(tenant(), workers=workers, kind=kind).run(broken(), batch=batch, linger=linger)
    assert statuses([next(outcomes) for _ in range(5)]) == ["delivered"] * 5
    with pytest.raises(LookupError):
        next(outcomes)
    assert no_reader_is_left()


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", SIZES)
def test_an_error_of_the_journal_comes_out_of_the_run(kind: str, workers: int, batch: int, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.db", "here")
    outcomes = deliverer_to(tenant(), workers=workers, kind=kind).run(tracks(300), journal, batch=batch)
    next(outcomes)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        list(outcomes)


@KINDS
def test_an_error_of_the_journal_at_the_last_event_of_a_batch_comes_out_of_the_run(kind: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.db", "here")
    outcomes = deliverer_to(tenant(), kind=kind).run(tracks(2), journal, batch=2)
    next(outcomes)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        next(outcomes)


def test_events_that_were_changed_are_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "run.db", "here") as journal:
        run(tracks(3), None, 500, journal)
        with pytest.raises(JournalError, match="event 2 is not the one"):
            run([track(0), track(9), track(2)], None, 500, journal)


@pytest.mark.parametrize(
    ("settings", "about"),
    [
        ({"batch": 0}, "batch must be at least 1, not 0"),
        ({"batch": -3}, "batch"),
        ({"linger": 1.0}, "linger"),
        ({"linger": 0}, "linger"),
        ({"batch": 5, "linger": -0.1}, "linger"),
    ],
)
def test_what_cannot_be_is_refused_at_once(settings: dict[str, Any], about: str) -> None:
    read = iter([TRACK])
    with pytest.raises(ValueError, match=about):
        deliverer_to(tenant()).run(read, **settings)
    assert [*read] == [TRACK], "nothing was read"


# --- reading ----------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
def test_events_are_read_no_more_than_a_batch_ahead(kind: str, workers: int) -> None:
    read: list[int] = []
    outcomes = deliverer_to(tenant(), workers=workers, kind=kind).run(endless(read), batch=10)
    assert read == []
    for taken in range(1, 25):
        next(outcomes)
        assert len(read) == -(-taken // 10) * 10
    outcomes.close()


@pytest.mark.parametrize("linger", [0, 0.2])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_batch_that_is_not_full_is_sent_after_it_has_lingered(workers: int, linger: float) -> None:
    seen = threading.Event()
    source = halting(tracks(3), seen, [track(3), track(4)], "it waited for a full batch")
    sandbox = tenant()
    outcomes = deliverer_to(sandbox, workers=workers).run(source, batch=500, linger=linger)
    first = [next(outcomes) for _ in range(3)]
    seen.set()
    told = [*first, *outcomes]
    assert statuses(told) == ["delivered"] * 5
    assert [outcome.index for outcome in told] == tickets(sandbox) == list(range(5))
    assert no_reader_is_left()


def test_a_full_batch_does_not_linger() -> None:
    seen = threading.Event()
    outcomes = deliverer_to(tenant()).run(halting(tracks(3), seen, [track(3)], "it lingered"), batch=3, linger=inf)
    first = [next(outcomes) for _ in range(3)]
    seen.set()
    assert statuses([*first, *outcomes]) == ["delivered"] * 4


def test_a_run_that_waits_for_events_can_be_ended_from_elsewhere() -> None:
    over = threading.Event()

    def source() -> Iterator[Any]:
        yield TRACK
        deliverer.stop()  # while the batch lingers, or before
        assert over.wait(LONG), "the run waited for what is to come"

    deliverer = deliverer_to(tenant())
    assert statuses(list(deliverer.run(source(), batch=500, linger=inf))) == ["not tried"]
    over.set()
    assert no_reader_is_left()


def test_closing_a_run_that_lingers_ends_the_thread_that_reads() -> None:
    outcomes = deliverer_to(tenant()).run((track(n) for n in itertools.count()), batch=3, linger=inf)
    next(outcomes)
    outcomes.close()
    assert no_reader_is_left()


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (TRACK, PlannedFault("500", action="send event")),
        (GROUP, PlannedFault("500", action="link person")),
        *((event, PlannedFault("429-retry-after", seconds=200, calls=(1, 3, 5))) for event in (TRACK, GROUP)),
    ],
)
def test_patience_in_all_is_that_of_one_by_one(event: dict[str, Any], fault: PlannedFault) -> None:
    ends = []
    for batch in (None, 5):
        sandbox, timing = clocked(faults=[fault])
        patience = Patience(attempts=60, in_total=300)
        with Deliverer(CONFIG, sandbox.session(timing["sleep"]), patience=patience, **timing) as deliverer:
            (outcome,) = deliverer.run([event], batch=batch)
        ends.append((outcome.status, outcome.attempts, timing["clock"]() < 1_000_000_000 + 400))
    assert ends[0] == ends[1]
    assert ends[1][2]


def test_one_worker_makes_as_few_calls_for_companies_as_many_do() -> None:
    counts = []
    for workers in (1, 4):
        sandbox = Sandbox(CONFIG, **FREE)
        for number in range(0, 500, 2):
            sandbox.content.insert_company({"Name": f"C{number}"})
        run([group(f"C{n}", "ada@example.com") for n in range(500)], sandbox, workers=workers, batch=500)
        counts.append([sandbox.counts[f"{action} company"] for action in ("find", "update", "create")])
    assert counts == [[10, 5, 5]] * 2


@KINDS
def test_what_is_ahead_is_nothing_once_the_run_is_over(kind: str) -> None:
    with deliverer_to(tenant(), kind=kind) as deliverer:
        outcomes = deliverer.run([IDENTIFY, {"type": "page"}, {"type": "page"}], batch=5)
        next(outcomes)
        assert deliverer.ahead == {("page", "skipped"): 2}
        outcomes.close()
        assert not deliverer.ahead


def test_an_answer_costs_no_more_where_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for people, nor for track events, nor for those that share a person."""
    looks: Counter[str] = Counter()

    def counted(kind: type, name: str) -> None:
        method = getattr(kind, name)

        def look(*given: Any) -> Any:
            looks[name] += 1
            return method(*given)

        monkeypatch.setattr(kind, name, look)

    counted(Batch, "is_settled")
    counted(Batch, "_progress")
    events = [identify(f"p{number % 75}@example.com", firstName=f"{number}") for number in range(100)]
    with deliverer_to(tenant()) as deliverer:
        outcomes = deliverer.run([*events, *map(track, range(25))], batch=500)
        assert all(outcome.status is Status.DELIVERED for outcome in outcomes)
    assert looks["is_settled"] <= 3 * 125
    assert looks["_progress"] <= 10 * 125
