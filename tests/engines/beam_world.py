"""A tenant with a clock of its own, and what a runner keeps of a sender: for the tests of the steps that send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import attrs

from gainsight_dest.batching.address import address
from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.beam.senders import LiveSenders, Made
from gainsight_dest.beam.sending import _MADE, _QUEUE, _WAITING, DeliverLaterFn, _Fn
from gainsight_dest.deliver import Outcome, Shards
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests import some
from tests.engines.scenario import CONFIG

_T = TypeVar("_T", bound=_Fn)


def identify(number: int) -> some.Event:
    return some.identify(f"p{number}@example.com") | {"messageId": f"i{number}"}


def group(number: int, company: str) -> some.Event:
    return some.group(company, f"p{number}@example.com") | {"messageId": f"g{number}"}


def track(number: int) -> some.Event:
    return some.track("Ticket Opened", number=number) | {"messageId": f"t{number}"}


def items(events: Sequence[dict[str, Any]]) -> list[RoutedEvent]:
    places = [address(event, CONFIG, 1) for event in events]
    assert not any(isinstance(place, Outcome) for place in places)
    return [RoutedEvent(place, event) for place, event in zip(places, events, strict=True)]  # type: ignore[arg-type]


@attrs.define
class State:
    """What a runner keeps of a sender. A bundle that fails leaves what was there."""

    value: Made | None = None

    def read(self) -> Made | None:
        return self.value

    def write(self, value: Made) -> None:
        self.value = value


@attrs.frozen
class Given:
    """In the place of Beam's Shared: the one of a process."""

    senders: LiveSenders

    def acquire(self, _: Callable[[], LiveSenders]) -> LiveSenders:
        return self.senders


class World:
    """A tenant, and a clock that moves as someone sleeps."""

    def __init__(self, faults: Sequence[PlannedFault] = (), **settings: Any) -> None:
        self.now = 1_000_000.0
        self.sandbox = Sandbox(CONFIG, clock=lambda: self.now, calls_per_minute=None, calls_per_day=None, faults=faults)
        self.settings = Shards(config=CONFIG, workers=1, **{**some.FREE, **settings})

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def process(self) -> LiveSenders:
        """What a new process has."""
        session = self.sandbox.session(self.sleep)
        return LiveSenders(self.settings, session=session, sleep=self.sleep, clock=lambda: self.now)

    def step(self, kind: type[_T], senders: LiveSenders) -> _T:
        step = kind(self.settings, Given(senders))  # type: ignore[arg-type]
        step.setup()
        return step

    def busiest(self) -> int:
        moments = [call.at for call in self.sandbox.calls]
        return max(sum(at <= other < at + 60 for other in moments) for at in moments)


def people(*numbers: int) -> tuple[int, list[RoutedEvent]]:
    return 0, items([identify(number) for number in numbers])


class BehindError(Exception):
    """A step behind the sender has failed."""


class _Cell:
    def __init__(self, spec: Any, content: list[bytes]) -> None:
        self._coder = spec.coder
        self.content = [*content]

    def read(self) -> Any:
        return self._coder.decode(self.content[0]) if self.content else None

    def write(self, value: Any) -> None:
        self.content = [self._coder.encode(value)]


class _Bag(_Cell):
    def read(self) -> Any:
        return iter([self._coder.decode(each) for each in self.content])

    def add(self, value: Any) -> None:
        self.content.append(self._coder.encode(value))

    def clear(self) -> None:
        self.content = []


@attrs.define
class _Timer:
    at: float | None = None

    def set(self, at: Any) -> None:
        self.at = float(at)

    def clear(self) -> None:
        self.at = None


@attrs.define
class Runner:
    """What a runner keeps of the sender 0: its state, as the coders have it, and its timers."""

    state: dict[str, list[bytes]] = attrs.field(factory=dict)
    ask_at: float | None = None
    end_at: float | None = None

    def put(self, step: DeliverLaterFn, *bundle: list[RoutedEvent]) -> None:
        """A bundle with these chunks."""
        for each in bundle:
            self._run(partial(step.process, (0, each)), "made")

    def ask(self, step: DeliverLaterFn, behind: Callable[[Any], object] = str) -> list[Any]:
        """A bundle of the timer. What is `behind` the step may raise: then all is as before."""
        return self._run(lambda **kept: map_all(step.on_ask(0, **kept), behind))  # type: ignore[no-any-return]

    def end(self, step: DeliverLaterFn) -> list[Any]:
        """The last bundle, after which nothing may be left."""
        return self._run(lambda **kept: map_all(step.on_end(0, **kept), str), "end")  # type: ignore[no-any-return]

    def _run(self, call: Callable[..., Any], without: str = "") -> Any:
        cells = {name: _Cell(spec, self.state.get(name, [])) for name, spec in (("made", _MADE), ("queue", _QUEUE))}
        bag, ask, end = _Bag(_WAITING, self.state.get("waiting", [])), _Timer(self.ask_at), _Timer(self.end_at)
        kept = {**cells, "waiting": bag, "ask": ask, "end": end}
        given = call(**{name: each for name, each in kept.items() if name != without})
        self.state = {name: each.content for name, each in {**cells, "waiting": bag}.items()}
        self.ask_at, self.end_at = ask.at, end.at
        return given


def map_all(results: Iterator[Any], behind: Callable[[Any], object]) -> list[Any]:
    """What a step gives, after what is behind it has had it."""
    given = []
    with closing(results):  # type: ignore[type-var]
        for each in results:
            behind(each)
            given.append(each)
    return given


def quiet(senders: LiveSenders) -> None:
    """Wait until the thread has nothing to do."""
    thread = senders._live[0].background(lambda *_: (), 1)._thread
    if thread is not None:
        thread.join(30)
