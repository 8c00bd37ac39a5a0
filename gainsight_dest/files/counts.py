"""The counts of a run: by type of event, and by reason for what was skipped or failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from gainsight_dest.explaining.profile import MOST_KINDS, OTHER, Tallies, Tally
from gainsight_dest.files.intake import EndedEvent
from gainsight_dest.files.read import NOT_JSON, Item, fault_in
from gainsight_dest.outcome import Fault, Outcome, Status, text_of
from gainsight_dest.spelling import cut


@attrs.define
class RunCounts:
    """What is counted of each type in `columns`, and the reasons of what was skipped or failed.

    One thread counts; others may ask meanwhile.
    """

    columns: tuple[str, ...]
    types: dict[str, Counter[str]] = attrs.field(factory=dict)
    skipped: Tallies = attrs.field(factory=Tallies)
    errors: Tallies = attrs.field(factory=Tallies)
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
            _row(self.types, event_type).update(counts)
        if skipped is not None:
            self.skipped.add("skipped", skipped, number)
        if fault is not None:
            # Where a line is no JSON differs from line to line: one kind, shown by the first of them.
            self.errors.add(fault.kind, fault.message, number, NOT_JSON if fault.kind == NOT_JSON else None)

    def add_ended(self, event: EndedEvent) -> Fault | None:
        """Count an event that has ended. Why it failed; None if it did not."""
        item, outcome, fault = event
        at_fault = None if outcome.status is Status.NOT_TRIED else fault
        calls = 0 if outcome.resumed else outcome.calls
        counts = {"events": 1, str(outcome.status): 1, "calls": calls}
        self.add(item.number, outcome.type, counts, outcome.reason, at_fault)
        return at_fault

    def add_item(self, item: Item, outcome: Outcome | None, **sent: int) -> None:
        """Count an event that is not sent now, by its outcome; None for one that would be sent, as `sent` says."""
        skipped, fault = (None, None) if outcome is None else (outcome.reason, fault_in(outcome))
        counts = {"events": 1, "skipped": skipped is not None, "errors": fault is not None, **sent}
        self.add(item.number, text_of(item.event, "type"), counts, skipped, fault)

    def total(self) -> Counter[str]:
        """The sums over all types."""
        with self._lock:
            return sum(self.types.values(), Counter())

    def with_ahead(self, ahead: Mapping[tuple[str | None, str], int]) -> dict[str, Counter[str]]:
        """The counts of each type as they are now, and so many events more, by type and status."""
        with self._lock:
            types = {name: row.copy() for name, row in self.types.items()}
        for (event_type, status), times in ahead.items():
            _row(types, event_type).update({"events": times, status: times})
        return types

    def as_dict(self) -> dict[str, Any]:
        """The closing tables as plain data."""
        total = self.total()
        return {
            "types": {name: {column: row[column] for column in self.columns} for name, row in self.types.items()},
            "total": {column: total[column] for column in self.columns},
            "errors": [{**_facts(tally), "kind": tally.kind, "reason": tally.text} for tally in self.errors.values()],
            "skipped": [{**_facts(tally), "reason": tally.text} for tally in self.skipped.values()],
        }


def _facts(tally: Tally) -> dict[str, int]:
    return {"first": tally.numbers[0], "times": tally.times}


def _row(types: dict[str, Counter[str]], event_type: str | None) -> Counter[str]:
    """The counts of a type, which are made if they are not there; those of OTHER once there are too many."""
    name = cut((event_type or "").strip().casefold()) or "(none)"
    return types.setdefault(name if name in types or len(types) < MOST_KINDS else OTHER, Counter())
