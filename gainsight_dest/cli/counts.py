"""The counts of a run: by type of event, and by reason for what was skipped or failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.outcome import Fault
from gainsight_dest.spelling import cut

#: Distinct types and reasons that a tally keeps apart: more are counted together, so that memory stays bounded.
MOST_KINDS = 1000
#: Of longer reasons the beginning is kept. In characters.
LONGEST_REASON = 1000
OTHER = "(other)"


@attrs.define
class Count:
    """How often something came, and the number of the first event it came with."""

    first: int
    times: int = 0


@attrs.define
class Tally:
    """What is counted of each type in `columns`, and the reasons of what was skipped or failed.

    One thread counts; others may ask meanwhile.
    """

    columns: tuple[str, ...]
    types: dict[str, Counter[str]] = attrs.field(factory=dict)
    skipped: dict[str, Count] = attrs.field(factory=dict)
    errors: dict[str, tuple[Fault, Count]] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, eq=False, repr=False)

    def add(
        self,
        number: int,
        event_type: str | None,
        counts: Mapping[str, int],
        skipped: str | None = None,
        fault: Fault | None = None,
    ) -> None:
        """Count one event more."""
        with self._lock:
            _slot(self.types, _kind(event_type), Counter()).update(counts)
        if skipped is not None:
            _slot(self.skipped, _short(skipped), Count(number)).times += 1
        if fault is not None:
            fault = Fault(fault.kind, None, _short(fault.message))
            # Where a line is no JSON differs from line to line: one kind, told by the first of them.
            key = NOT_JSON if fault.kind == NOT_JSON else fault.message
            _slot(self.errors, key, (fault, Count(number)))[1].times += 1

    def total(self) -> Counter[str]:
        """The sums over all types."""
        with self._lock:
            return sum(self.types.values(), Counter())

    def with_ahead(self, ahead: Mapping[tuple[str | None, str], int]) -> dict[str, Counter[str]]:
        """The counts of each type as they are now, and so many events more, by type and status."""
        with self._lock:
            types = {name: row.copy() for name, row in self.types.items()}
        for (event_type, status), times in ahead.items():
            _slot(types, _kind(event_type), Counter()).update({"events": times, status: times})
        return types

    def as_dict(self) -> dict[str, Any]:
        """The closing tables as plain data."""
        total = self.total()
        return {
            "types": {name: {column: row[column] for column in self.columns} for name, row in self.types.items()},
            "total": {column: total[column] for column in self.columns},
            "errors": [
                {**attrs.asdict(count), "kind": fault.kind, "reason": fault.message}
                for fault, count in self.errors.values()
            ],
            "skipped": [{**attrs.asdict(count), "reason": reason} for reason, count in self.skipped.items()],
        }


def _kind(event_type: str | None) -> str:
    return cut((event_type or "").strip().casefold()) or "(none)"


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"


_T = TypeVar("_T")


def _slot(slots: dict[str, _T], key: str, new: _T) -> _T:
    return slots.setdefault(key if key in slots or len(slots) < MOST_KINDS else OTHER, new)
