"""The counts of a run."""

from __future__ import annotations

from collections import Counter

import pytest

from gainsight_dest import Outcome
from gainsight_dest.explaining import profile
from gainsight_dest.explaining.profile import Tally
from gainsight_dest.files import counts as counting
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.read import Item
from gainsight_dest.outcome import Fault, begin
from tests.some import CONFIG, group, identify

COLUMNS = ("events", "requests", "skipped", "errors")


def row(*counts: int) -> Counter[str]:
    return Counter(dict(zip(COLUMNS, counts, strict=True)))


def add(counts: RunCounts, item: Item) -> None:
    first = begin(0, item.given, CONFIG)
    if isinstance(first, Outcome):
        counts.add_item(item, first)
    else:
        counts.add_item(item, None, requests=first.calls)


def test_a_run_counts_by_type_and_by_reason_with_the_first_number() -> None:
    counts = RunCounts(COLUMNS)
    for number, event in enumerate(
        [identify(), group(), {"type": " Page "}, {"type": "identify"}, {"type": "page"}, 5], 1
    ):
        add(counts, Item(number, event))
    assert counts.types == {
        "identify": row(2, 1, 0, 1),
        "group": row(1, 3, 0, 0),
        "page": row(2, 0, 2, 0),
        "(none)": row(1, 0, 0, 1),
    }
    assert counts.total() == row(6, 4, 2, 2)
    assert [(tally.numbers, tally.times) for tally in counts.errors.values()] == [([4], 1), ([6], 1)]
    assert [(tally.numbers, tally.times) for tally in counts.skipped.values()] == [([3], 1), ([5], 1)]


def test_lines_that_are_not_json_are_one_kind_told_by_the_first() -> None:
    counts = RunCounts(COLUMNS)
    for number in range(1, 4):
        add(counts, Item(number, problem=f"not JSON at column {number}"))
    assert list(counts.errors.values()) == [Tally("NotJSON", "not JSON at column 1", 3, [1, 2, 3])]


def test_the_counts_of_endless_kinds_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (counting, profile):
        monkeypatch.setattr(module, "MOST_KINDS", 3)
    counts = RunCounts(COLUMNS)
    for number in range(10):
        counts.add(number, f"t{number}", {"events": 1, "skipped": 1}, f"reason {number}")
        fault = Fault("EventError", None, f"reason {number}")
        counts.add(number, f"t{number}", {"events": 1, "errors": 1}, fault=fault)
    assert (len(counts.types), len(counts.skipped), len(counts.errors)) == (4, 4, 4)
    assert counts.types["(other)"] == row(14, 0, 7, 7)
    assert counts.skipped["(other)"] == Tally("(other)", "(other)", 7, [3, 4, 5, 6, 7])


def test_what_is_ahead_is_added_to_the_counts_as_they_are_now_and_not_to_those_that_are_kept() -> None:
    counts = RunCounts(("events", "failed"))
    counts.add(1, "Identify", {"events": 1, "failed": 1})
    found = counts.with_ahead({("identify ", "failed"): 2, (None, "delivered"): 1})
    assert found == {"identify": {"events": 3, "failed": 3}, "(none)": {"events": 1, "delivered": 1}}
    assert counts.types == {"identify": {"events": 1, "failed": 1}}


def test_the_counts_as_plain_data_tells_all_that_its_tables_do() -> None:
    counts = RunCounts(COLUMNS)
    for number, event in enumerate([identify(), {"type": "identify"}, {"type": "page"}], 1):
        add(counts, Item(number, event))
    assert counts.as_dict() == {
        "types": {"identify": row(2, 1, 0, 1), "page": row(1, 0, 1, 0)},
        "total": row(3, 1, 1, 1),
        "errors": [
            {
                "first": 2,
                "times": 1,
                "kind": "EventError",
                "reason": "traits.email: a non-blank string is needed for identify, got null",
            }
        ],
        "skipped": [
            {
                "first": 3,
                "times": 1,
                "reason": 'type: "page" is not supported: it must be identify, group or track',
            }
        ],
    }


def test_the_counts_of_nothing_are_all_zeros() -> None:
    assert RunCounts(COLUMNS).total() == Counter()
    assert all(RunCounts(COLUMNS).total()[column] == 0 for column in COLUMNS)
