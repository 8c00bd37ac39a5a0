# mypy: untyped-calls-exclude="apache_beam"
"""The steps that send: while a bundle waits, or, for people and events of unbounded input, in the background."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import apache_beam as beam
from apache_beam.coders import ListCoder, StrUtf8Coder, TupleCoder, VarIntCoder
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.shared import Shared
from apache_beam.utils.timestamp import Timestamp

from gainsight_dest.beam.background import UNASKED, Background
from gainsight_dest.beam.coders import RoutedEventCoder
from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.beam.results import results
from gainsight_dest.beam.senders import LiveSenders, Made
from gainsight_dest.deliver.shards import SavedGroup, Shard, Shards
from gainsight_dest.outcome import Outcome

#: Seconds between two bundles of a sender that has something to send.
_PAUSE = 1.0
#: Seconds until a bundle that is to end the work looks again.
_LOOK = 0.02
#: Seconds after which a sender says again that it is at work, and after which another takes its work.
_AGAIN, _TAKEN_OVER = 10, 2 * UNASKED

_MADE = ReadModifyWriteStateSpec(
    "calls", TupleCoder((StrUtf8Coder(), ListCoder(TupleCoder((VarIntCoder(), VarIntCoder())))))
)
#: Chunks: name, events. Some have been sent.
_WAITING = BagStateSpec("waiting", TupleCoder((StrUtf8Coder(), ListCoder(RoutedEventCoder()))))
#: When the sender was at work, how many chunks are in the bag, and which are to be sent: name, outcomes given.
_QUEUE = ReadModifyWriteStateSpec(
    "queue", TupleCoder((VarIntCoder(), VarIntCoder(), ListCoder(TupleCoder((StrUtf8Coder(), VarIntCoder())))))
)
_ASK = TimerSpec("ask", TimeDomain.REAL_TIME)
_END = TimerSpec("end", TimeDomain.WATERMARK)

_MADE_PARAM = beam.DoFn.StateParam(_MADE)
_WAITING_PARAM = beam.DoFn.StateParam(_WAITING)
_QUEUE_PARAM = beam.DoFn.StateParam(_QUEUE)
_ASK_PARAM = beam.DoFn.TimerParam(_ASK)
_END_PARAM = beam.DoFn.TimerParam(_END)


# --- what is sent -----------------------------------------------------------------------------------------------------


class _Fn(beam.DoFn):
    """Has the senders of this process. Stateful by a sender's number, over windows, so that it works in one place."""

    def __init__(self, shards: Shards, shared: Shared) -> None:
        self._shards = shards
        self._shared = shared
        self._senders: LiveSenders

    def setup(self) -> None:
        _ = self._shards.config  # it may be a reference, and is read now
        self._senders = self._shared.acquire(partial(LiveSenders, self._shards))
        self._senders.join()

    def teardown(self) -> None:
        self._senders.leave()

    @abstractmethod
    def outcomes(self, shard: Shard, items: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        """The outcomes of the items, in their order."""

    def results(self, item: RoutedEvent, outcome: Outcome) -> Iterator[Any]:
        """What is given for that."""
        return results(item.event, outcome)


class _Companies(_Fn):
    def outcomes(self, shard: Shard, items: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        return shard.save_companies(item.event for item in items)

    def results(self, item: RoutedEvent, outcome: Outcome) -> Iterator[Any]:
        if outcome.is_through and outcome.gsid is not None:
            saved = RoutedEvent(item.address, SavedGroup.of(item.event, outcome))
            yield TaggedOutput("linked", saved.by_key())
        else:
            yield from results(item.event, outcome)


class _PeopleAndEvents(_Fn):
    def outcomes(self, shard: Shard, items: Iterable[RoutedEvent]) -> Iterator[Outcome]:
        return shard.deliver(item.thing for item in items)


# --- while the bundle waits -------------------------------------------------------------------------------------------


class _SendFn(_Fn):
    """For what a bundle may wait for.

    All that is bounded: no checkpoint waits meanwhile, and there runners drop timers of the clock, or fire them all at
    the end. And companies: 50 of them take two or three calls, and what links their people has to be in time for its
    window, which the watermark would leave behind.
    """

    def process(self, element: tuple[int, list[RoutedEvent]], made: Any = _MADE_PARAM) -> Iterator[Any]:
        number, items = element
        with self._senders.taken(number, made.read() or ("", [])) as sender:
            try:
                for item, outcome in zip(items, self.outcomes(sender.shard, items), strict=True):
                    sender.note()
                    yield from self.results(item, outcome)
            finally:
                sender.note()
            made.write(sender.made)


class SaveCompaniesFn(_Companies, _SendFn):
    """Saves companies while the bundle waits."""


class DeliverFn(_PeopleAndEvents, _SendFn):
    """Delivers people and track events while the bundle waits."""


# --- in the background ------------------------------------------------------------------------------------------------


class _SendLaterFn(_Fn):
    """For people and events of unbounded input: what comes is kept in Beam's state, and a thread sends it.

    Each second a bundle gives the outcomes that are there, with the time of the clock, and notes how far it is: if the
    worker dies, no more than that is sent again. Once nothing more can come, one bundle waits for all that is left.
    """

    def process(
        self,
        element: tuple[int, list[RoutedEvent]],
        waiting: Any = _WAITING_PARAM,
        queue: Any = _QUEUE_PARAM,
        ask: Any = _ASK_PARAM,
        end: Any = _END_PARAM,
    ) -> None:
        name = uuid4().hex
        at, stored, names = queue.read() or _EMPTY
        waiting.add((name, element[1]))
        queue.write((at, stored + 1, [*names, (name, 0)]))
        ask.set(Timestamp.of(self._senders.now()))
        end.set(GlobalWindow().max_timestamp())

    @on_timer(_ASK)
    def on_ask(
        self,
        number: Any = beam.DoFn.KeyParam,
        made: Any = _MADE_PARAM,
        waiting: Any = _WAITING_PARAM,
        queue: Any = _QUEUE_PARAM,
        ask: Any = _ASK_PARAM,
        end: Any = _END_PARAM,
    ) -> Iterator[Any]:
        yield from self._given(number, made, waiting, queue)
        if _is_done(queue):
            end.clear()
        else:
            ask.set(Timestamp.of(self._senders.now() + _PAUSE))

    @on_timer(_END)
    def on_end(
        self,
        number: Any = beam.DoFn.KeyParam,
        made: Any = _MADE_PARAM,
        waiting: Any = _WAITING_PARAM,
        queue: Any = _QUEUE_PARAM,
        ask: Any = _ASK_PARAM,
    ) -> Iterator[Any]:
        yield from self._given(number, made, waiting, queue)
        while not _is_done(queue):
            time.sleep(_LOOK)
            yield from self._given(number, made, waiting, queue)
        ask.clear()

    def _given(self, number: int, made: Any, waiting: Any, queue: Any) -> Iterator[Any]:
        """The outcomes that are there, after which the state says so."""
        at, stored, names = queue.read() or _EMPTY
        before: Made = made.read() or ("", [])
        now = self._senders.now()
        if before[0] and not self._senders.has(number, before) and now < at + _TAKEN_OVER:
            return  # another process may be at it
        with self._senders.taken(number, before) as sender:
            background = sender.background(self.outcomes, self._shards.batch)
            names = _load(background, names, waiting)
            left, is_news = [], False
            for name, given in names:
                told = background.told(name, given) if name in background else []
                is_news = is_news or bool(told)
                for item, outcome in told:
                    yield from self.results(item, outcome)
                if name not in background or given + len(told) < background.size(name):
                    left.append((name, given + len(told)))
            sender.note()
            if not is_news:
                background.raise_error()
            background.ask()
            if is_news or now >= at + _AGAIN or before[0] != sender.made[0]:
                made.write(sender.made)
                queue.write((int(now), _without_sent(waiting, stored, left), left))


_EMPTY: tuple[int, int, list[tuple[str, int]]] = (0, 0, [])


def _is_done(queue: Any) -> bool:
    return not (queue.read() or _EMPTY)[2]


def _load(background: Background, names: list[tuple[str, int]], waiting: Any) -> list[tuple[str, int]]:
    """Give it of the chunks in state what there is room for, in order; it forgets those that are not in state.

    Those that are there; FnApiRunner, when it repeats bundles, leaves names whose chunks it has taken back.
    """
    background.keep({name for name, _ in names})
    if not background.has_room() or all(name in background for name, _ in names):
        return names
    chunks = dict(waiting.read())
    for name, given in names:
        if name in chunks and name not in background and background.has_room():
            background.add(name, chunks[name], given)
    return [(name, given) for name, given in names if name in chunks]


def _without_sent(waiting: Any, stored: int, left: list[tuple[str, int]]) -> int:
    """How many chunks are in the bag, after those that are sent have left it, if they are half of it."""
    if stored <= 2 * len(left):
        return stored
    names = {name for name, _ in left}
    chunks = [chunk for chunk in waiting.read() if chunk[0] in names] if names else []
    waiting.clear()
    for chunk in chunks:
        waiting.add(chunk)
    return len(chunks)


class DeliverLaterFn(_PeopleAndEvents, _SendLaterFn):
    """Delivers people and track events in the background."""
