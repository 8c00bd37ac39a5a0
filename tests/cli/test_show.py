"""The closing tables, as text."""

from __future__ import annotations

import io

from rich.console import Console

from gainsight_dest.cli.outcome import OTHER, Fault, Outcome, Tally
from gainsight_dest.cli.read import Item
from gainsight_dest.cli.show import MOST_REASONS, summary


def shown(tally: Tally) -> list[list[str]]:
    """The rows of the tables, each as its words."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    for table in summary(tally):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [line.split() for line in console.file.getvalue().splitlines() if line.strip(" ─")]


def tally_of(*outcomes: Outcome) -> Tally:
    tally = Tally()
    for outcome in outcomes:
        tally.add(outcome)
    return tally


def fault(number: int, reason: str, times: int = 1) -> list[Outcome]:
    return [Outcome(Item(number), type="track", fault=Fault("EventError", "x", reason))] * times


def test_types_and_reasons_are_ranked_by_how_often_they_came() -> None:
    tally = tally_of(
        *fault(1, "rare"), *fault(2, "often", 1200), Outcome(Item(3), type="page", skipped="type: not [bold]supported")
    )
    assert shown(tally) == [
        ["type", "events", "requests", "skipped", "errors"],
        ["track", "1,201", "0", "0", "1,201"],
        ["page", "1", "0", "1", "0"],
        ["all", "1,202", "0", "1", "1,201"],
        ["errors", "first", "at", "kind", "reason"],
        ["1,200", "2", "EventError", "often"],
        ["1", "1", "EventError", "rare"],
        ["skipped", "first", "at", "reason"],
        ["1", "3", "type:", "not", "[bold]supported"],
    ]


def test_a_run_without_errors_shows_one_table() -> None:
    assert [row[0] for row in shown(tally_of(Outcome(Item(1), type="a")))] == ["type", "a", "all"]
    assert [row[0] for row in shown(Tally())] == ["type", "all"]


def test_reasons_beyond_the_most_are_counted_together() -> None:
    tally = tally_of(*(each for n in range(MOST_REASONS + 3) for each in fault(n + 1, f"reason {n}")))
    *_, last = shown(tally)
    assert last == ["3", str(MOST_REASONS + 1), "3", "more", "reasons"]


def test_reasons_beyond_what_is_kept_apart_have_a_row_too() -> None:
    tally = tally_of(*fault(1, "a"))
    tally.errors[OTHER] = tally.errors.pop("a")
    assert shown(tally)[-1] == ["1", "1", OTHER]
