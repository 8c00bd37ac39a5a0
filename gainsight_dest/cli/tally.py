"""The counts of a run: by type of event, and by reason for what was skipped or failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

import attrs

from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.explanation import cut
from gainsight_dest.outcome import Fault

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
    """What is counted of each type in `columns`, and the reasons of what was skipped or failed."""

    columns: tuple[str, ...]
    types: dict[str, Counter[str]] = attrs.field(factory=dict)
    skipped: dict[str, Count] = attrs.field(factory=dict)
    errors: dict[str, tuple[Fault, Count]] = attrs.field(factory=dict)

    def add(
        self,
        number: int,
        event_type: str | None,
        counts: Mapping[str, int],
        skipped: str | None = None,
        fault: Fault | None = None,
    ) -> None:
        """Count one event more."""
        _slot(self.types, cut((event_type or "").strip().casefold()) or "(none)", Counter()).update(counts)
        if skipped is not None:
            _slot(self.skipped, _short(skipped), Count(number)).times += 1
        if fault is not None:
            fault = Fault(fault.kind, None, _short(fault.message))
            # Where a line is no JSON differs from line to line: one kind, told by the first of them.
            key = NOT_JSON if fault.kind == NOT_JSON else fault.message
            _slot(self.errors, key, (fault, Count(number)))[1].times += 1

    def total(self) -> Counter[str]:
        """The sums over all types."""
        return sum(self.types.values(), Counter())


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"


_T = TypeVar("_T")


def _slot(slots: dict[str, _T], key: str, new: _T) -> _T:
    return slots.setdefault(key if key in slots or len(slots) < MOST_KINDS else OTHER, new)
