"""The counts of a run."""

from __future__ import annotations

from collections import Counter

import pytest

from gainsight_dest.cli import outcome as cli
from gainsight_dest.cli import tally as tallies
from gainsight_dest.cli.outcome import Configs, Outcome
from gainsight_dest.cli.read import Item
from gainsight_dest.cli.tally import Count, Tally
from gainsight_dest.outcome import Fault
from tests.some import CONFIG, group, identify

CONFIGS = Configs(CONFIG)
COLUMNS = ("events", "requests", "skipped", "errors")


def row(*counts: int) -> dict[str, int]:
    return dict(zip(COLUMNS, counts, strict=True))


def add(tally: Tally, outcome: Outcome) -> None:
    tally.add(outcome.item.number, outcome.type, cli.counts(outcome), outcome.skipped, outcome.fault)


def test_a_tally_counts_by_type_and_by_reason_with_the_first_number() -> None:
    tally = Tally(COLUMNS)
    for number, event in enumerate(
        [identify(), group(), {"type": " Page "}, {"type": "identify"}, {"type": "page"}, 5], 1
    ):
        add(tally, cli.outcome(Item(number, event), CONFIGS))
    assert tally.types == {
        "identify": row(2, 1, 0, 1),
        "group": row(1, 3, 0, 0),
        "page": row(2, 0, 2, 0),
        "(none)": row(1, 0, 0, 1),
    }
    assert tally.total() == row(6, 4, 2, 2)
    assert [(count.first, count.times) for _, count in tally.errors.values()] == [(4, 1), (6, 1)]
    assert [(count.first, count.times) for count in tally.skipped.values()] == [(3, 1), (5, 1)]


def test_lines_that_are_not_json_are_one_kind_told_by_the_first() -> None:
    tally = Tally(COLUMNS)
    for number in range(1, 4):
        add(tally, cli.outcome(Item(number, problem=f"not JSON at column {number}"), CONFIGS))
    assert list(tally.errors.values()) == [(Fault("NotJSON", None, "not JSON at column 1"), Count(1, 3))]


def test_a_tally_of_endless_kinds_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_KINDS", 3)
    tally = Tally(COLUMNS)
    for number in range(10):
        add(tally, Outcome(Item(number), type=f"t{number}", skipped=f"reason {number}"))
        add(tally, Outcome(Item(number), type=f"t{number}", fault=Fault("EventError", None, f"reason {number}")))
    assert (len(tally.types), len(tally.skipped), len(tally.errors)) == (4, 4, 4)
    assert tally.types["(other)"] == row(14, 0, 7, 7)
    assert tally.skipped["(other)"] == Count(3, 7)


def test_what_is_ahead_is_added_to_the_counts_as_they_are_now_and_not_to_the_tally() -> None:
    tally = Tally(("events", "failed"))
    tally.add(1, "Identify", {"events": 1, "failed": 1})
    found = tally.with_ahead({("identify ", "failed"): 2, (None, "delivered"): 1})
    assert found == {"identify": {"events": 3, "failed": 3}, "(none)": {"events": 1, "delivered": 1}}
    assert tally.types == {"identify": {"events": 1, "failed": 1}}


def test_a_tally_as_plain_data_tells_all_that_its_tables_do() -> None:
    tally = Tally(COLUMNS)
    for number, event in enumerate([identify(), {"type": "identify"}, {"type": "page"}], 1):
        add(tally, cli.outcome(Item(number, event), CONFIGS))
    assert tally.as_dict() == {
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


def test_a_tally_of_nothing_is_all_zeros() -> None:
    assert Tally(COLUMNS).total() == Counter()
    assert all(Tally(COLUMNS).total()[column] == 0 for column in COLUMNS)
