"""A sender of unbounded input: what comes is in Beam's state, a thread sends it, short bundles tell how it ended."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import attrs
import pytest

from gainsight_dest.beam.background import UNASKED, Background
from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.beam.senders import _UNUSED
from gainsight_dest.beam.sending import _AGAIN, _TAKEN_OVER, DeliverLaterFn
from gainsight_dest.deliver import Outcome
from gainsight_dest.errors import CredentialsError, RetryableError
from gainsight_dest.outcome import Status
from gainsight_dest.sandbox import PlannedFault
from tests.engines.beam_world import BehindError, Runner, World, identify, items, quiet, track


def tracks(*numbers: int) -> list[RoutedEvent]:
    return items([track(number) for number in numbers])


def persons(*numbers: int) -> list[RoutedEvent]:
    return items([identify(number) for number in numbers])


def ids(given: list[Any]) -> list[str]:
    return [each["message_id"] for each in given]


def fails(_: object) -> None:
    raise BehindError


# --- bundles ----------------------------------------------------------------------------------------------------------


def test_what_comes_is_sent_after_its_bundle_and_told_once_by_the_next_ones() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1, 2))
    assert (world.sandbox.events, runner.ask_at) == ([], world.now)
    told = runner.ask(step)  # it begins
    quiet(senders)
    assert runner.ask_at is not None
    assert 0 < runner.ask_at - world.now <= 1
    told += runner.ask(step)
    assert ids(told) == ["t1", "t2"]
    assert (len(world.sandbox.events), runner.ask_at is not None, runner.end_at) == (2, True, None)
    assert runner.ask(step) == []
    assert runner.state["waiting"] == []


def test_a_bundle_does_not_wait_for_the_calls() -> None:
    world, runner = World(), Runner()
    answered = threading.Event()
    world.sleep = lambda _: answered.wait(30)  # type: ignore[method-assign, assignment]
    world.settings = attrs.evolve(world.settings, calls_per_minute=20)
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1))
    assert runner.ask(step) == []
    assert runner.ask(step) == []
    assert world.sandbox.events == []
    answered.set()
    step.teardown()


def test_chunks_that_wait_are_sent_as_one_batch_in_their_order() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    newer = attrs.evolve(
        persons(1)[0], thing=identify(1) | {"messageId": "n", "traits": {"email": "p1@example.com", "firstName": "B"}}
    )
    runner.put(step, persons(1, 2), [newer], persons(1))
    runner.ask(step)
    quiet(senders)
    assert ids(runner.ask(step)) == ["i1", "i2", "n", "i1"]
    assert (len(world.sandbox.calls), world.sandbox.people[0]["FirstName"]) == (2, "B")


@pytest.mark.parametrize("size", [1, 3])
def test_a_queue_that_is_longer_than_two_batches_is_sent_from_the_state_bit_by_bit(size: int) -> None:
    world, runner = World(batch=4), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, *(tracks(*range(size * chunk, size * chunk + size)) for chunk in range(24)))
    told: list[str] = []
    for _ in range(80):
        loaded = senders.taken(0, ("", []))
        with loaded as sender:
            assert len(sender.background(step.outcomes, 4)._chunks) <= 8
        told += ids(runner.ask(step))
        quiet(senders)
    assert told == [f"t{number}" for number in range(24 * size)]
    assert len(world.sandbox.events) == 24 * size


def test_the_bag_does_not_grow_with_what_was_sent() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    told: list[str] = []
    for number in range(20):  # it is never empty
        runner.put(step, tracks(number))
        told += ids(runner.ask(step))
        quiet(senders)
        assert len(runner.state["waiting"]) <= 4
    assert told == [f"t{number}" for number in range(19)]


def test_the_last_bundle_waits_for_all_that_is_left() -> None:
    world, runner = World(calls_per_minute=20), Runner()
    step = world.step(DeliverLaterFn, world.process())
    runner.put(step, tracks(1, 2), tracks(3))
    assert ids(runner.end(step)) == ["t1", "t2", "t3"]
    assert (runner.ask_at, runner.state["waiting"]) == (None, [])


# --- bundles that fail ------------------------------------------------------------------------------------------------


def test_a_bundle_that_fails_behind_the_sender_sends_nothing_again() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1, 2, 3))
    runner.ask(step)
    quiet(senders)
    before = attrs.asdict(runner)
    for _ in range(3):
        with pytest.raises(BehindError):
            runner.ask(step, fails)
    assert attrs.asdict(runner) == before
    assert ids(runner.ask(step)) == ["t1", "t2", "t3"]
    assert len(world.sandbox.events) == 3


def test_a_runner_that_goes_back_to_an_earlier_state_is_told_again_what_it_lost() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1, 2))
    checkpoint = attrs.evolve(runner)
    runner.ask(step)
    quiet(senders)
    assert ids(runner.ask(step)) == ["t1", "t2"]
    assert ids(checkpoint.ask(step)) == ["t1", "t2"]
    assert len(world.sandbox.events) == 2


def test_what_a_runner_no_longer_has_in_its_state_is_not_sent_on() -> None:
    sent: list[str] = []
    is_stopped = threading.Event()

    def send(given: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        for place, item in enumerate(given):
            sent.append(item.event["messageId"])
            if place == 1:
                is_stopped.wait(30)
            is_over = is_stopped.is_set()
            yield Outcome(place, None, None, Status.NOT_TRIED if is_over else Status.DELIVERED)

    background = Background(send, is_stopped.set, 10)
    background.add("a", tracks(1, 2), 0)
    background.ask()
    background.add("b", tracks(3), 0)
    background.keep({"b"})
    is_stopped.clear()
    background.ask()
    while not background.told("b", 0):
        background.ask()
    background.close()
    assert sent[-1] == "t3"
    assert "a" not in background


def test_a_step_that_a_runner_drops_with_its_bundle_sends_nothing_again() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1, 2))
    step.teardown()
    told: list[str] = []
    for behind in (str, fails, fails, str, str):
        step = world.step(DeliverLaterFn, senders)
        with suppress(BehindError):
            told += ids(runner.ask(step, behind))
        quiet(senders)
        step.teardown()
    assert told == ["t1", "t2"]
    assert len(world.sandbox.events) == 2


def test_senders_that_nobody_uses_are_closed_after_a_while() -> None:
    world, runner = World(), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1))
    runner.ask(step)
    quiet(senders)
    step.teardown()
    first = senders._joined
    other = world.step(DeliverLaterFn, senders)
    senders._close(first)  # the first while is over
    assert senders.has(0, ("", []))
    other.teardown()
    assert senders in _UNUSED
    senders._close(first)
    assert senders.has(0, ("", []))
    senders._close(senders._joined)
    assert not senders.has(0, ("", []))
    assert senders not in _UNUSED


# --- processes --------------------------------------------------------------------------------------------------------


def test_another_process_takes_up_the_work_of_one_that_died_where_it_was() -> None:
    world, runner = World(), Runner()
    first, other = world.process(), world.process()
    step = world.step(DeliverLaterFn, first)
    runner.put(step, tracks(1, 2))
    runner.ask(step)
    quiet(first)
    runner.ask(step)
    runner.put(step, tracks(3))
    runner.ask(step)
    quiet(first)  # t3 is sent, and it dies before anybody is told
    step = world.step(DeliverLaterFn, other)
    assert runner.ask(step) == []
    assert len(world.sandbox.events) == 3  # it may still be at work
    world.now += _TAKEN_OVER
    runner.ask(step)
    quiet(other)
    assert ids(runner.ask(step)) == ["t3"]
    assert Counter(each["properties"]["number"] for each in world.sandbox.events) == {1: 1, 2: 1, 3: 2}


def test_a_sender_that_waits_says_that_it_is_at_work_so_that_no_other_takes_its_work() -> None:
    world, runner = World(), Runner()
    waits, go = threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        waits.set()
        go.wait(30)

    world.sleep = sleep  # type: ignore[method-assign, assignment]
    world.settings = attrs.evolve(world.settings, calls_per_minute=20)
    first, other = world.process(), world.process()
    step = world.step(DeliverLaterFn, first)
    runner.put(step, tracks(1))
    for _ in range(20):
        assert runner.ask(step) == []
        assert waits.wait(30)
        world.now += _AGAIN
    assert runner.ask(world.step(DeliverLaterFn, other)) == []
    assert not other.has(0, ("", []))
    go.set()
    step.teardown()


def test_a_sender_that_nobody_asks_stops_and_goes_on_when_somebody_does() -> None:
    begun, is_stopped = threading.Event(), threading.Event()

    def send(given: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        for place, _ in enumerate(given):
            if place == 1:
                begun.set()
                is_stopped.wait(30)
            yield Outcome(place, None, None, Status.NOT_TRIED if place == 1 else Status.DELIVERED)

    background = Background(send, is_stopped.set, 10)
    background.add("a", tracks(1, 2), 0)
    background.ask()
    assert begun.wait(30)
    watch = background._watch
    assert watch is not None
    assert watch.interval == UNASKED
    watch.cancel()
    watch.function()  # as after so long
    background.close()
    assert len(background.told("a", 0)) == 1
    while len(background.told("a", 0)) < 2:
        background.ask()
    background.close()


def test_a_send_that_begins_as_it_is_to_stop_gets_no_event() -> None:
    got: list[RoutedEvent] = []
    is_over = threading.Event()

    def send(given: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        background.pause()
        got.extend(given)
        is_over.set()
        return iter(())

    background = Background(send, lambda: None, 10)
    background.close()  # nobody has asked for anything
    background.add("a", tracks(1), 0)
    background.ask()
    assert is_over.wait(30)
    background.close()
    assert got == []
    assert background.told("a", 0) == []


def test_senders_that_take_the_work_from_each_other_keep_the_budget_and_lose_nothing() -> None:
    world, runner = World(calls_per_minute=20), Runner()  # 18 for the shard
    told: list[str] = []
    for number in range(4):
        senders = world.process()
        step = world.step(DeliverLaterFn, senders)
        world.now += _TAKEN_OVER
        runner.put(step, tracks(*range(9 * number, 9 * number + 9)))
        runner.ask(step)
        quiet(senders)
        told += ids(runner.ask(step))
    assert told == [f"t{number}" for number in range(36)]
    assert (len(world.sandbox.events), world.busiest()) == (36, 9)  # a minute goes by until one takes over


# --- errors -----------------------------------------------------------------------------------------------------------


def test_what_ended_the_sending_fails_a_bundle_once_all_that_was_settled_is_told() -> None:
    world, runner = World([PlannedFault("401", (2, 3))]), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1, 2))
    runner.ask(step)
    quiet(senders)
    assert ids(runner.ask(step)) == ["t1"]
    with pytest.raises(CredentialsError):
        runner.ask(step)
    runner.ask(step)
    quiet(senders)
    with pytest.raises(CredentialsError):
        runner.ask(step)
    runner.ask(step)  # the key is right again
    quiet(senders)
    assert ids(runner.ask(step)) == ["t2"]
    assert len(world.sandbox.events) == 2


def test_a_silence_fails_a_bundle_and_the_next_one_goes_on() -> None:
    world, runner = World([PlannedFault("503", times=40)], silence=60.0), Runner()
    senders = world.process()
    step = world.step(DeliverLaterFn, senders)
    runner.put(step, tracks(1))
    told: list[str] = []
    failed = 0
    while not told:
        try:
            told += ids(runner.ask(step))
        except RetryableError:
            failed += 1
        quiet(senders)
    assert (told, failed > 1, len(world.sandbox.events)) == (["t1"], True, 1)
