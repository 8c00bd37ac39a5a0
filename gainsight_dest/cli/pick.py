"""Which events and rows `explain` is asked for. Pure, but that it remembers what it was asked for and did not meet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gainsight_dest import Trace
from gainsight_dest.explaining.explain import event_type_of
from gainsight_dest.explaining.profile import AT_FAULT
from gainsight_dest.explaining.trace import Path, Row, path_text
from gainsight_dest.fields import Fate
from gainsight_dest.files.read import Item
from gainsight_dest.spelling import printable


class Pick:
    """What is asked for: of events their `numbers` and `types`, of rows their `traits`, or that they are `lost`.

    What is empty asks for all. An event is shown if all that is asked for is there: with traits it has a row of one of
    them; with `lost` it has a row that did not reach a field, or is at fault. `read`: the events that it was asked of.
    """

    def __init__(
        self,
        numbers: Collection[int] = (),
        types: Collection[str] = (),
        traits: Collection[str] = (),
        *,
        lost: bool = False,
    ) -> None:
        self.read = 0
        self._numbers = frozenset(numbers)
        self._types = frozenset(types)
        self._traits = frozenset(traits)
        self._lost = lost
        self._last = max(numbers, default=None)
        self._unmet_numbers = dict.fromkeys(sorted(numbers))
        self._unmet_traits = dict.fromkeys(traits)

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self._numbers or self._types or self._traits or self._lost)

    def asked(self, items: Iterator[Item]) -> Iterator[Item]:
        """The events of these numbers and types. No more are read than it takes to have them."""
        for item in items:
            if self._last is not None and item.number > self._last:
                return
            self.read += 1
            self._unmet_numbers.pop(item.number, None)
            if self._is_asked(item):
                yield item
            if item.number == self._last and item.place is None:  # with a place there may be more of the number
                return

    def _is_asked(self, item: Item) -> bool:
        if self._numbers and item.number not in self._numbers:
            return False
        return not self._types or event_type_of(item.event) in self._types

    def rows(self, trace: Trace) -> tuple[Row, ...]:
        """The rows that are asked for. What is lost as its event is at fault says so."""
        rows = trace.rows
        if self._traits:
            rows = tuple(row for row in rows if self._is_of_a_trait(row))
        if self._lost and trace.error is not None:
            return tuple(map(_at_fault, rows))
        if self._lost:
            return tuple(row for row in rows if row.fate is not Fate.SENT)
        return rows

    def shows(self, rows: Collection[Row], *, at_fault: bool) -> bool:
        """Whether an event is shown of which these rows are."""
        if rows:
            return True
        return not self._traits and (at_fault or not self._lost)

    def unmet(self) -> Iterator[str]:
        """What was asked for and did not come, as sentences."""
        for number in self._unmet_numbers:
            yield f"there is no event {number:,}"
        for trait in self._unmet_traits:
            yield f"no event that was read has the trait {trait}"

    def _is_of_a_trait(self, row: Row) -> bool:
        found = self._traits.intersection(names_of(row.path))
        for name in found:
            self._unmet_traits.pop(name, None)
        return bool(found)


def names_of(path: Path) -> Iterator[str]:
    """What a trait may be asked for by: its path as it is shown, without the object it came in, and what it is part of.

    `traits.address.city`, `address.city`, `traits.address`, `address`.
    """
    tails = (path, path[1:]) if len(path) > 1 else (path,)
    for least, tail in enumerate(reversed(tails), 1):
        for end in range(least, len(tail) + 1):
            yield printable(path_text(tail[:end]))


def _at_fault(row: Row) -> Row:
    if row.fate is not Fate.SENT:
        return row
    return row._replace(fate=Fate.FAULT, sent=None, problem=AT_FAULT)
