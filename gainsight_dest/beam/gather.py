# mypy: untyped-calls-exclude="apache_beam"
"""Brings together what one sender is to send: by company, by person, then by the sender's number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import apache_beam as beam
import attrs
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.shared import Shared

from gainsight_dest.batching.address import Address, address
from gainsight_dest.beam.told import Once, count, told, warn_of
from gainsight_dest.deliver.shards import Saved, Shards
from gainsight_dest.outcome import Outcome

#: The number of the one sender of companies, among those of the shards, which begin at 0.
COMPANIES = -1


@attrs.frozen
class Item:
    """An event on its way, or a Saved one, and where it goes. Beam pickles it, so it holds whatever an event may."""

    address: Address
    thing: Any

    @property
    def event(self) -> Any:
        """The event itself."""
        return self.thing.event if isinstance(self.thing, Saved) else self.thing

    @property
    def sender(self) -> int:
        """The number of its next sender."""
        is_first = self.address.company is not None and not isinstance(self.thing, Saved)
        return COMPANIES if is_first else self.address.shard

    @property
    def order(self) -> tuple[str, str]:
        """What sorts those of one key."""
        return self.address.moment, self.address.message_id

    def by_key(self) -> tuple[bytes, Item]:
        """It by its person or user."""
        return _bytes(self.address.key), self


#: What goes into a Gathered.
Keyed = tuple[bytes, Item]


class Route(beam.DoFn):
    """Group events by their company, the others by their key; those at fault or skipped are told.

    Of times that cannot be read the first is told, in each process.
    """

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._shared = Shared()
        self._once: Once

    def setup(self) -> None:
        """Beam asks for it."""
        self._once = self._shared.acquire(Once)

    def process(self, event: Any) -> Iterator[Any]:
        """Beam asks for it."""
        count("events")
        place = address(event, self._shards.config, self._shards.shards)
        if isinstance(place, Outcome):
            yield from told(event, place)
            return
        if place.unread is not None:
            warn_of(place.unread, self._once)
        if place.company is None:
            yield TaggedOutput("direct", Item(place, event).by_key())
        else:
            yield TaggedOutput("groups", (_bytes(place.company), Item(place, event)))


class Gathered(beam.PTransform[Any, Any]):
    """Keyed items as (number of the sender, items): those of one key in order, together, up to `batch` items.

    Not GroupIntoBatches: what its timer lets go is stamped with the first moment of the next window.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()
        self._batch = batch

    def expand(self, pcoll: Any) -> Any:
        """Beam asks for it. All is in the global window then: a sender's state is one, whatever the window."""
        numbered, chunks = tuple[int, list[Item]], partial(_chunks, size=self._batch)
        return (
            pcoll
            | "By key" >> beam.GroupByKey()
            | "In order" >> beam.Map(_ordered).with_output_types(numbered)
            | "By sender" >> beam.GroupByKey()
            | "In chunks" >> beam.FlatMap(chunks).with_output_types(numbered)
            | "All time" >> beam.WindowInto(GlobalWindows())
        )


def _ordered(group: tuple[bytes, Iterable[Item]]) -> tuple[int, list[Item]]:
    items = sorted(group[1], key=lambda item: item.order)
    return items[0].sender, items


def _chunks(sender: tuple[int, Iterable[list[Item]]], size: int) -> Iterator[tuple[int, list[Item]]]:
    number, groups = sender
    chunk: list[Item] = []
    for items in groups:
        if chunk and len(chunk) + len(items) > size:
            yield number, chunk
            chunk = []
        chunk += items
    yield number, chunk


def _bytes(key: str) -> bytes:
    """A key for Beam: equal for equal ones on every machine, half an emoji included."""
    return key.encode("utf-8", "surrogatepass")
