"""Bundles that fail and workers that die: no event is lost, no company doubled, no track event for nothing."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.batching.address import COMPANIES_SENDER, Address, address
from gainsight_dest.beam.gather import RoutedEvent, _chunks, _ordered
from gainsight_dest.beam.sending import _TAKEN_OVER, DeliverFn, DeliverLaterFn, SaveCompaniesFn, _SendFn
from gainsight_dest.outcome import Outcome
from gainsight_dest.sandbox import PlannedFault
from tests.engines.beam_world import BehindError, Runner, State, World, map_all, quiet
from tests.engines.scenario import CONFIG, Checked, Expected, Made, Report, check, events, expected
from tests.known.conftest import STORES
from tests.known.places import OnDisk, OnServer, Place, Server

STREAM = events(400, people=24, companies=6, seed=11)
CHUNK = 60
FAULTS = (
    PlannedFault("dropped-after", action="send event", share=0.05),
    PlannedFault("dropped-after", action="create company", times=1),
    PlannedFault("500", share=0.02, seed=1),
    PlannedFault("429-retry-after", share=0.02, seed=2),
)

#: The calls that one may make.
MINUTE, DAY = 60, 150

Accounts = list[tuple[str | None, str]]


@cache
def model() -> Expected:
    return expected(STREAM, CONFIG)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A store of each kind, which senders open; its clock is the test's."""
    made: Place = OnDisk(tmp_path) if request.param == "sqlite" else OnServer(request.getfixturevalue("server"))
    made.stop_the_clock(monkeypatch)
    # A wait of a day is one step of this clock, in which no lease is renewed.
    monkeypatch.setattr("gainsight_dest.deliver.shards.Known.open", lambda _: made.open(lease=2 * 86_400))
    yield made
    made.close()


class Job:
    """The steps of a pipeline on workers of which some die, with bundles of which some fail behind them."""

    def __init__(self, world: World, *, dies: bool) -> None:
        self.world = world
        self.accounts: Accounts = []
        self.failed = 0
        self._dies = dies
        self._chance = random.Random(5)  # noqa: S311 - no secret
        self._senders = world.process()
        world.sandbox.calls = deque()  # its own forgets all but the last ones

    def run(self, deliver: Callable[[list[list[RoutedEvent]]], list[Any]]) -> None:
        """All of STREAM."""
        addressed = [(address(event, CONFIG, 1), event) for event in STREAM]
        self.accounts += [(told.message_id, str(told.status)) for told, _ in addressed if isinstance(told, Outcome)]
        items = [RoutedEvent(way, event) for way, event in addressed if isinstance(way, Address)]
        groups = [item for item in items if item.address.company is not None]
        direct = [item for item in items if item.address.company is None]
        state = State()
        for chunk in chunks(groups, lambda item: item.address.company):
            for each in self.bundle(SaveCompaniesFn, COMPANIES_SENDER, chunk, state):
                tag = getattr(each, "tag", None)
                if tag == "linked":
                    direct.append(each.value[1])
                elif tag is None:
                    self.tell([each])
        self.tell(deliver(chunks(direct, lambda item: item.address.key)))

    def tell(self, given: list[Any]) -> None:
        """What came out."""
        told = [each for each in given if not hasattr(each, "tag")]
        self.accounts += [(each["message_id"], each["status"].replace("unchanged", "delivered")) for each in told]

    def behind(self, size: int) -> Callable[[Any], None]:
        """A step that fails in one of two bundles, at any of its elements."""
        left = self._chance.choice([None, self._chance.randrange(size)])

        def fail(_: object) -> None:
            nonlocal left
            if left == 0:
                self.failed += 1
                raise BehindError
            left = None if left is None else left - 1

        return fail

    def dies(self) -> bool:
        """Whether the worker has died. Then there is another."""
        if not self._dies or self._chance.random() < 0.7:
            return False
        if 0 in self._senders._live and self._senders._live[0].is_used:
            self._senders._live[0].background(lambda *_: (), 1).pause()  # its thread ends with it
            quiet(self._senders)
        self._senders = self.world.process()
        return True

    def bundle(self, kind: type[_SendFn], number: int, chunk: list[RoutedEvent], state: State) -> list[Any]:
        """A bundle, until it has not failed."""
        while True:
            kept, step = State(state.value), self.world.step(kind, self._senders)
            with suppress(BehindError):
                given = map_all(step.process((number, chunk), kept), self.behind(len(chunk)))
                state.value = kept.value
                return given
            self.dies()

    def waiting(self, all_chunks: list[list[RoutedEvent]]) -> list[Any]:
        """While bundles wait."""
        state = State()
        return [each for chunk in all_chunks for each in self.bundle(DeliverFn, 0, chunk, state)]

    def later(self, all_chunks: list[list[RoutedEvent]]) -> list[Any]:
        """In the background."""
        runner, told = Runner(), []
        for chunk in [*all_chunks, None]:
            step = self.world.step(DeliverLaterFn, self._senders)
            if chunk is not None:
                runner.put(step, chunk)
            while runner.end_at is not None and (chunk is None or self._chance.random() < 0.8):
                with suppress(BehindError):
                    told += runner.ask(step, self.behind(CHUNK))
                if self._chance.random() < 0.8 and 0 in self._senders._live:
                    quiet(self._senders)
                if self.dies():
                    step = self.world.step(DeliverLaterFn, self._senders)
                    self.world.sleep(_TAKEN_OVER)
        return told

    def checked(self) -> Checked:
        """By what the tenant has, counted apart from the library."""
        calls = [Made(call.at, call.action, call.status, call.fault) for call in self.world.sandbox.calls]
        return check(STREAM, self.accounts, Report(self.world.sandbox.as_data(), calls, 0, MINUTE), model())


def chunks(items: list[RoutedEvent], key: Callable[[RoutedEvent], Any]) -> list[list[RoutedEvent]]:
    """As they are gathered."""
    groups = [(b"", [*group]) for _, group in groupby(sorted(items, key=key), key)]
    return [chunk for _, chunk in _chunks((0, [_ordered(group)[1] for group in groups]), CHUNK)]


class AtPlace(World):
    """A tenant, and a store with the same clock."""

    def __init__(self, place: Place, **settings: Any) -> None:
        super().__init__(FAULTS, known=place.where, **settings)
        self.now = place.now
        self._place = place

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._place.now = self.now


@pytest.mark.parametrize("way", [Job.waiting, Job.later], ids=["bounded", "unbounded"])
def test_bundles_that_fail_and_workers_that_die_lose_and_double_nothing_with_a_store(way: Any, place: Place) -> None:
    job = Job(AtPlace(place, calls_per_minute=MINUTE, calls_per_day=DAY), dies=True)
    job.run(lambda all_chunks: way(job, all_chunks))
    checked = job.checked()
    assert checked.problems == ()  # also of the calls in any sixty seconds
    moments = [call.at for call in job.world.sandbox.calls]
    busiest = max(sum(at <= other < at + 86_400 for other in moments) for at in moments)
    assert busiest <= DAY < len(moments)
    assert (checked.companies, job.failed > 3, checked.faults > 10) == (6, True, True)
    assert checked.doubles <= checked.lost


def test_bundles_that_fail_double_nothing_of_unbounded_input_without_a_store() -> None:
    job = Job(World(FAULTS, calls_per_minute=MINUTE), dies=False)
    job.run(job.later)
    checked = job.checked()
    assert checked.problems == ()
    assert job.failed > 3
