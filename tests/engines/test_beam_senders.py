"""A sender in a worker of Beam: its share of the calls is kept, whoever takes it up and whatever fails before."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from apache_beam.pvalue import TaggedOutput

from gainsight_dest.batching.address import COMPANIES_SENDER
from gainsight_dest.beam.gather import _chunks, _ordered
from gainsight_dest.beam.sending import DeliverFn, SaveCompaniesFn
from tests.engines.beam_world import State, World, group, identify, items, people, track

DAY = 86_400


# --- the budget -------------------------------------------------------------------------------------------------------


def test_a_sender_keeps_its_minutes_while_processes_take_it_from_each_other() -> None:
    world = World(calls_per_minute=20)  # 18 for the shard
    state = State()
    start = world.now
    for process in range(8):
        step = world.step(DeliverFn, world.process())
        for bundle in range(3):
            list(step.process(people(*range(10 * process + 3 * bundle, 10 * process + 3 * bundle + 3)), state))
    assert len(world.sandbox.calls) == 72
    assert world.busiest() <= 18
    assert world.now - start >= 60 * 72 / 18 - 60


def test_a_sender_that_stays_makes_its_calls_as_fast_as_its_share_allows() -> None:
    world = World(calls_per_minute=20)
    state, step = State(), world.step(DeliverFn, world.process())
    start = world.now
    for bundle in range(36):
        list(step.process(people(bundle), state))
    assert world.busiest() <= 18
    assert world.now - start == pytest.approx(120, rel=0.02)


def test_a_sender_in_another_process_knows_the_calls_of_the_day() -> None:
    world = World(calls_per_day=30)  # 27 for the shard
    state = State()
    list(world.step(DeliverFn, world.process()).process(people(*range(27)), state))
    first = world.now
    list(world.step(DeliverFn, world.process()).process(people(27), state))
    assert DAY <= world.now - first <= DAY + 61


def test_calls_of_the_day_before_are_not_kept() -> None:
    world = World()
    state, step = State(), world.step(DeliverFn, world.process())
    list(step.process(people(1, 2), state))
    assert state.value is not None
    assert [calls for _, calls in state.value[1]] == [2]
    world.now += DAY + 61
    list(step.process(people(3), state))
    assert state.value[1] == [(int(world.now // 60), 1)]


def test_a_process_that_gets_a_sender_back_knows_what_the_other_has_made_meanwhile() -> None:
    world = World(calls_per_day=30)
    state, one, other = State(), world.process(), world.process()
    list(world.step(DeliverFn, one).process(people(*range(9)), state))
    list(world.step(DeliverFn, other).process(people(*range(9, 27)), state))
    last = world.now
    list(world.step(DeliverFn, one).process(people(27), state))
    assert world.now - last >= DAY


def test_companies_and_shards_keep_shares_that_add_up_to_the_limit() -> None:
    world = World(calls_per_minute=20, shards=2)
    senders = world.process()
    shares = []
    for number in (COMPANIES_SENDER, 0, 1):
        with senders.taken(number, ("", [])) as sender:
            before, start = len(world.sandbox.calls), world.now
            list(sender.shard.deliver([identify(each) for each in range(30)]))
            shares.append((len(world.sandbox.calls) - before) / (world.now - start) * 60)
    assert shares == [pytest.approx(each, rel=0.02) for each in (2, 9, 9)]


def test_seconds_that_calls_wait_for_the_tenant_are_counted_by_the_name_that_dataflow_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: Counter[str] = Counter()
    monkeypatch.setattr("gainsight_dest.beam.senders.count", lambda name, number: counted.update({name: number}))
    world = World(calls_per_minute=20)  # 18 for the shard
    state, step = State(), world.step(DeliverFn, world.process())
    for bundle in range(4):
        list(step.process(people(3 * bundle, 3 * bundle + 1, 3 * bundle + 2), state))
    assert counted["calls"] == 12
    assert counted["waiting_ms"] == pytest.approx(40_000, rel=0.02)
    assert counted["cumulativeThrottlingSeconds"] == counted["waiting_ms"] // 1000


# --- with a store -----------------------------------------------------------------------------------------------------


def through(world: World, *events: dict[str, Any], number: int = 0) -> list[tuple[str, int]]:
    """The events by new processes, with no state of Beam's: the statuses and calls of what comes out."""
    of_companies = [item for item in items(events) if item.address.company is not None]
    others = [item for item in items(events) if item.address.company is None]
    if of_companies:
        saved = world.step(SaveCompaniesFn, world.process()).process((COMPANIES_SENDER, of_companies), State())
        others += [each.value[1] for each in saved]
    sent = world.step(DeliverFn, world.process()).process((number, others), State())
    return sorted((each["status"], each["calls"]) for each in sent)


def test_what_the_store_knows_no_process_sends_again(tmp_path: Path) -> None:
    world = World(known=tmp_path / "known.db")
    rounds = [
        through(world, identify(1), group(2, "Acme"), track(1)),
        through(world, identify(1), group(2, "Acme"), track(2)),
        through(world, group(2, "Acme"), group(3, "Acme")),
    ]
    assert rounds == [
        [("delivered", 1), ("delivered", 1), ("delivered", 3)],
        [("delivered", 1), ("unchanged", 0), ("unchanged", 0)],
        [("delivered", 1), ("unchanged", 0)],
    ]
    assert sum(world.sandbox.counts.values()) == 7


def test_one_store_counts_the_calls_of_a_day_for_all_pipelines(tmp_path: Path) -> None:
    world = World(calls_per_day=100, known=tmp_path / "known.db")

    def sleep(seconds: float) -> None:
        raise WaitsError(seconds)

    world.sleep = sleep  # type: ignore[method-assign]
    for window in range(3):
        with suppress(WaitsError):
            through(world, *(track(90 * window + number) for number in range(90)))
    assert len(world.sandbox.events) == 100


class WaitsError(Exception):
    """No call may be made for so long."""


# --- bundles that are tried again -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_another_process", [False, True])
def test_a_bundle_that_is_tried_again_doubles_no_company_and_no_person(is_another_process: bool) -> None:
    world = World()
    saved: list[Any] = []
    senders = world.process()
    for _ in range(2):  # the state is as before, as the runner has it after a bundle that failed
        if is_another_process:
            senders = world.process()
        groups = items([group(1, "Acme"), group(2, "Acme"), group(2, "Blue Harbor")])
        made = list(world.step(SaveCompaniesFn, senders).process((COMPANIES_SENDER, groups), State()))
        saved = [each.value[1] for each in made]
        everything = [*saved, *items([identify(1), track(1)])]
        list(world.step(DeliverFn, senders).process((0, everything), State()))
    assert sorted(company["Name"] for company in world.sandbox.companies) == ["Acme", "Blue Harbor"]
    assert [(each["Email"], len(each["companies"])) for each in world.sandbox.people] == [
        ("p1@example.com", 1),
        ("p2@example.com", 2),
    ]
    assert len(world.sandbox.events) == 2  # Gainsight has no key against that


def test_calls_of_a_bundle_that_failed_count_when_it_is_tried_again() -> None:
    world = World(calls_per_minute=20)
    state, step = State(), world.step(DeliverFn, world.process())
    bundle: Any = step.process(people(1, 2), state)
    next(bundle)
    bundle.close()  # as when a step behind it raises
    assert state == State()
    list(step.process(people(1, 2), state))
    assert state.value is not None
    assert sum(calls for _, calls in state.value[1]) == len(world.sandbox.calls) > 2
    assert world.busiest() <= 18


def test_a_bundle_that_fails_lets_go_of_its_sender() -> None:
    world = World()
    senders = world.process()
    step = world.step(DeliverFn, senders)
    bundle: Any = step.process(people(1, 2), State())
    next(bundle)
    done = threading.Event()

    def take() -> None:
        with senders.taken(0, ("", [])):
            done.set()

    other = threading.Thread(target=take)
    other.start()
    assert not done.wait(0.05)  # two bundles of one sender are not under way together
    bundle.close()
    other.join(10)
    assert done.is_set()


def test_senders_are_closed_when_no_step_needs_them_any_more() -> None:
    world = World()
    senders = world.process()
    steps = [world.step(DeliverFn, senders) for _ in range(2)]
    list(steps[0].process(people(1), State()))
    closed: list[int] = []
    with senders.taken(0, ("", [])) as sender:
        sender.shard.close = lambda: closed.append(0)  # type: ignore[method-assign]
    steps[0].teardown()
    assert closed == []
    steps[1].teardown()
    assert closed == [0]


# --- what goes together -----------------------------------------------------------------------------------------------


def test_events_of_a_key_are_in_order_and_go_to_one_sender() -> None:
    late = {**identify(1), "timestamp": "2026-01-02T00:00:00Z"}
    early = {**identify(1), "timestamp": "2026-01-01T00:00:00Z", "messageId": "z"}
    number, ordered = _ordered((b"", items([late, early])))
    assert number == 0
    assert [item.event for item in ordered] == [early, late]
    assert _ordered((b"", items([group(1, "Acme")])))[0] == COMPANIES_SENDER


def test_chunks_hold_no_more_than_a_batch_and_keep_a_key_together() -> None:
    keys = [items([identify(key)] * size) for key, size in enumerate((2, 2, 5, 1, 3))]
    chunks = [*_chunks((3, keys), size=4)]
    assert [number for number, _ in chunks] == [3, 3, 3]
    assert [[item.address.key for item in chunk] for _, chunk in chunks] == [
        ["Person p0@example.com"] * 2 + ["Person p1@example.com"] * 2,
        ["Person p2@example.com"] * 5,
        ["Person p3@example.com"] + ["Person p4@example.com"] * 3,
    ]


def test_a_company_that_is_refused_is_told_at_once_with_its_dead_letter() -> None:
    world = World()
    bad = {**group(1, "Acme"), "traits": {"name": "Acme", "renewalDate": "no date"}}
    outcome, letter = world.step(SaveCompaniesFn, world.process()).process((COMPANIES_SENDER, items([bad])), State())
    assert isinstance(letter, TaggedOutput)
    assert (outcome["status"], outcome["message_id"], letter.tag) == ("failed", "g1", "failures")
    assert letter.value == {"message": bad, "error": outcome["error"]}
    assert world.sandbox.companies == []
