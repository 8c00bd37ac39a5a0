# mypy: untyped-calls-exclude="apache_beam"
"""What one sender is to send, gathered: by company or by person, then by the sender's number."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import apache_beam as beam
import attrs
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.shared import Shared

from gainsight_dest.batching.address import Address
from gainsight_dest.beam.results import count, results, warn_of
from gainsight_dest.deliver.shards import SavedGroup, Shards
from gainsight_dest.outcome import Outcome


@attrs.frozen
class RoutedEvent:
    """An event on its way, or a SavedGroup, and where it goes. Its coder takes whatever an event may hold."""

    address: Address
    thing: Any

    @property
    def event(self) -> Any:
        """The event itself."""
        return self.thing.event if isinstance(self.thing, SavedGroup) else self.thing

    @property
    def sender(self) -> int:
        """The number of its next sender."""
        return self.address.shard if isinstance(self.thing, SavedGroup) else self.address.sender

    def by_key(self) -> tuple[bytes, RoutedEvent]:
        """It by its person or user."""
        return _bytes(self.address.key), self


#: What goes into GatherBySender.
Keyed = tuple[bytes, RoutedEvent]


class RouteEvents(beam.DoFn):
    """Group events by their company, the others by their key; of those at fault or skipped, the results.

    Of times that cannot be read, each process warns of the first.
    """

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._shared = Shared()
        self._once: threading.Lock

    def setup(self) -> None:
        """Beam asks for it."""
        self._once = self._shared.acquire(threading.Lock)
        _ = self._shards.config  # it may be a reference, and is read now

    def process(self, event: Any) -> Iterator[Any]:
        """Beam asks for it."""
        count("events")
        place = self._shards.address(event)
        if isinstance(place, Outcome):
            yield from results(event, place)
            return
        if place.unread is not None:
            warn_of(place.unread, self._once)
        if place.company is None:
            yield TaggedOutput("direct", RoutedEvent(place, event).by_key())
        else:
            yield TaggedOutput("groups", (_bytes(place.company), RoutedEvent(place, event)))


class GatherBySender(beam.PTransform[Any, Any]):
    """Keyed events as (number of the sender, events): those of one key in order, together, up to `batch` of them.

    Not GroupIntoBatches: what its timer lets go is stamped with the first moment of the next window.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()
        self._batch = batch

    def expand(self, pcoll: Any) -> Any:
        """Beam asks for it. All is in the global window then: a sender's state is one, whatever the window."""
        numbered, chunks = tuple[int, list[RoutedEvent]], partial(_chunks, size=self._batch)
        return (
            pcoll
            | "By key" >> beam.GroupByKey()
            | "In order" >> beam.Map(_ordered).with_output_types(numbered)
            | "By sender" >> beam.GroupByKey()
            | "In chunks" >> beam.FlatMap(chunks).with_output_types(numbered)
            | "All time" >> beam.WindowInto(GlobalWindows())
        )


def _ordered(group: tuple[bytes, Iterable[RoutedEvent]]) -> tuple[int, list[RoutedEvent]]:
    items = sorted(group[1], key=lambda item: item.address.order)
    return items[0].sender, items


def _chunks(sender: tuple[int, Iterable[list[RoutedEvent]]], size: int) -> Iterator[tuple[int, list[RoutedEvent]]]:
    number, groups = sender
    chunk: list[RoutedEvent] = []
    for items in groups:
        if chunk and len(chunk) + len(items) > size:
            yield number, chunk
            chunk = []
        chunk += items
    yield number, chunk


def _bytes(key: str) -> bytes:
    """A key for Beam: equal for equal ones on every machine, half an emoji included."""
    return key.encode("utf-8", "surrogatepass")
