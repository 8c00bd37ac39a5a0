"""The closing tables and the line of a delivery, as text."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from gainsight_dest import DestinationConfig, Profile, explain
from gainsight_dest.cli import events as cli_events
from gainsight_dest.cli.events import _watched
from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.cli.progress import Look
from gainsight_dest.cli.show import (
    MOST_REASONS,
    MOST_TYPES,
    Screen,
    _Cell,
    delivery_progress,
    print_counts,
    print_profile,
    progress,
    traits,
)
from gainsight_dest.explaining.profile import OTHER, Tally
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.read import events
from gainsight_dest.outcome import Fault
from tests.some import CONFIG, identify

COLUMNS = ("events", "requests", "skipped", "errors")


def screen(width: int) -> Screen:
    return Screen(file=io.StringIO(), width=width, color_system=None)


def text_on(console: Screen) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def shown(counts: RunCounts) -> list[list[str]]:
    """The rows of the tables, each as its words."""
    console = screen(120)
    print_counts(console, counts)
    return [line.split() for line in text_on(console).splitlines() if line.strip(" ─")]


def printed(table: RenderableType, width: int) -> str:
    """What a console of that width shows, without what frames it."""
    console = screen(width)
    console.print(table)
    return text_on(console).replace("─", "")


#: What is counted of an event: its number, its type, why it was skipped, its fault.
Came = tuple[int, str, str | None, Fault | None]


def counts_of(*events: Came) -> RunCounts:
    counts = RunCounts(COLUMNS)
    for number, event_type, skipped, fault in events:
        row = {"events": 1, "skipped": skipped is not None, "errors": fault is not None}
        counts.add(number, event_type, row, skipped, fault)
    return counts


def came(number: int, event_type: str, skipped: str | None = None) -> Came:
    return number, event_type, skipped, None


def fault(number: int, reason: str, times: int = 1) -> list[Came]:
    return [(number, "track", None, Fault("EventError", "x", reason))] * times


def test_types_and_reasons_are_ranked_by_how_often_they_came() -> None:
    counts = counts_of(*fault(1, "rare"), *fault(2, "often", 1200), came(3, "page", "type: not [bold]supported"))
    assert shown(counts) == [
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
    assert [row[0] for row in shown(counts_of(came(1, "a")))] == ["type", "a", "all"]
    assert [row[0] for row in shown(RunCounts(COLUMNS))] == ["type", "all"]


def test_reasons_beyond_the_most_are_counted_together() -> None:
    counts = counts_of(*(each for n in range(MOST_REASONS + 3) for each in fault(n + 1, f"reason {n}")))
    *_, last = shown(counts)
    assert last == ["3", str(MOST_REASONS + 1), "3", "more", "reasons"]


def test_types_beyond_the_most_are_counted_together() -> None:
    often = [came(1, "often")] * 3
    counts = counts_of(*often, *(came(n, f"type {n}") for n in range(5000)))
    rows = shown(counts)
    assert len(rows) == 1 + MOST_TYPES + 2
    assert rows[1] == ["often", "3", "0", "0", "0"]
    assert rows[-2] == [OTHER, f"{5000 - MOST_TYPES + 1:,}", "0", "0", "0"]
    assert rows[-1] == ["all", "5,003", "0", "0", "0"]


def test_long_words_are_kept_in_part() -> None:
    long = "x" * 1_000_000
    counts = counts_of(came(1, long, long), *fault(2, long))
    assert max(map(len, [*counts.types, *counts.skipped, *counts.errors])) <= 1001
    assert len(shown(counts)) < 50


EXAMPLES = Path(__file__).parents[2] / "examples"


def explained() -> Profile:
    """Where the traits of the examples go."""
    config = DestinationConfig.from_rudderstack(json.loads((EXAMPLES / "destination.json").read_bytes()))
    counts = Profile()
    with (EXAMPLES / "events.ndjson").open("rb") as file:
        for item in events(file):
            if item.problem is None:
                counts.add(explain(item.event, config), item.number)
    return counts


def test_at_80_columns_no_line_is_longer_and_no_word_is_broken_but_behind_a_sign_within_it() -> None:
    counts = explained()
    shown = "".join(printed(table, 80) for table in traits(counts))
    assert max(map(cell_len, shown.splitlines())) <= 80
    first, *_ = (line for line in shown.splitlines() if "traits.masterAvatarTypeCode" in line)
    assert first.split() == ["traits.masterAvatarTypeCode", "4", "1", "Person.MasterAvatarTypeCode"]
    words = {word.strip("(),") for word in shown.split()}
    fields = {way.field for trait in counts.traits.values() for way in trait.went}
    assert {field for field in fields if len(field) <= 27} <= words


def test_the_closing_tables_of_events_that_are_explained_are_made_of_their_profile() -> None:
    counts = explained()
    console = screen(80)
    print_profile(console, counts)
    lines = [line.split() for line in text_on(console).splitlines() if line.strip(" ─")]
    heads = [["errors", "first", "at", "kind", "reason"], ["skipped", "first", "at", "reason"]]
    assert [line for line in lines if line[1:3] == ["first", "at"]] == heads
    assert lines[lines.index(heads[0]) - 1] == [
        "all",
        str(counts.events.total()),
        str(counts.skips.total()),
        str(counts.faults.total()),
        *(str(sum(values)) for values in zip(*map(counts.values, counts.events), strict=True)),
    ]


def test_a_wide_screen_shows_where_a_trait_goes_side_by_side() -> None:
    head, *_ = [line.split() for line in printed(next(iter(traits(explained()))), 160).splitlines() if line.strip()]
    assert head == ["type", "trait", "events", "lost", "goes", "to", "or", "not", "values"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a blank string", 9, ["a blank", "string"]),
        ("traits.email", 12, ["traits.email"]),
        ("traits.email", 11, ["traits.", "email"]),
        ("see traits.email", 10, ["see", "traits.", "email"]),
        ("https://a.example.com/in/ada", 12, ["https://a.", "example.com/", "in/ada"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("日本商事", 8, ["日本商事"]),
        ("日本商事", 7, ["日本商", "事"]),
        ("at 日本商事", 8, ["at", "日本商事"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
        ("日", 1, ["日"]),
        ("", 5, [""]),
    ],
)
def test_a_cell_is_broken_between_words_and_measured_in_cells(text: str, width: int, lines: list[str]) -> None:
    assert [line.plain for line in _Cell(text).wrap(Console(), width)] == lines


def test_a_cell_of_counts_is_still_to_the_right() -> None:
    assert [line.plain for line in _Cell("7").wrap(Console(), 3, justify="right")] == ["  7"]


@pytest.mark.parametrize("width", [1, 2, 5, 10])
def test_a_terminal_may_be_as_narrow_as_it_likes(width: int) -> None:
    console = Screen(file=io.StringIO(), width=width, force_terminal=True)
    print_counts(console, counts_of(*fault(1, "a reason\x1b")))


def test_reasons_beyond_what_is_kept_apart_have_a_row_too() -> None:
    counts = counts_of(*fault(1, "a"))
    counts.errors[OTHER] = Tally(OTHER, OTHER, 1, [1])
    assert shown(counts)[-1] == ["1", "1", OTHER, OTHER]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (
            120,
            "25% · 1,234 delivered · 56 failed · 1,290 events/min · 97 of 100 calls · 6 min left\n"
            "waiting until 12:00:05: no answer in time (ReadTimeout)",
        ),
        (
            80,
            "25% · 1,234 delivered · 56 failed · 97 of 100 calls · 6 min left\n"
            "waiting until 12:00:05: no answer in time (ReadTimeout)",
        ),
        (
            60,
            "25% · 1,234 delivered · 56 failed · 6 min left\nwaiting until 12:00:05: no answer in time (ReadTimeout)",
        ),
        (40, "25% · 1,234 delivered · 56 failed\nwaiting until 12:00:05: no answer in…"),
        (20, "25% · 1,234 deli…\nwaiting until 12…"),
    ],
)
def test_the_line_of_a_delivery_leaves_out_what_tells_least_where_there_is_no_room(width: int, expected: str) -> None:
    types = {"identify": Counter({"events": 1290, "delivered": 1234, "failed": 56})}
    until = datetime(2026, 1, 31, 12, 0, 5).astimezone().timestamp()
    deliverer: Any = SimpleNamespace(
        calls=200,
        ahead=Counter(),
        budget=SimpleNamespace(calls_per_minute=100, used=lambda: 97),
        waiting=SimpleNamespace(until=until, reason="no answer in time (ReadTimeout)"),
    )
    look = Look(types, seconds=60, calls=200, waited=0)
    screen = Console(file=io.StringIO(), width=width)
    bar = delivery_progress(screen, lambda: look, deliverer, lambda _: 0, quiet=True)
    (task,) = (bar.tasks[each] for each in [bar.add_task("", total=400)])
    bar.update(task.id, completed=100)
    task.start_time, task.stop_time = 0.0, 60.0
    assert bar.columns[0](task) == Text(expected)  # type: ignore[operator] # it may be a text in general


def test_the_line_of_a_delivery_counts_what_is_through_and_waits_to_be_told() -> None:
    counts = RunCounts(("events", "delivered", "failed"))
    counts.add(1, "identify", {"events": 10, "delivered": 10})
    ahead = Counter({("identify", "delivered"): 10, (None, "failed"): 20})
    deliverer: Any = SimpleNamespace(calls=20, ahead=ahead, budget=SimpleNamespace(calls_per_minute=None), waiting=None)
    look = Look(counts.with_ahead(ahead), seconds=60, calls=20, waited=0)
    screen = Console(file=io.StringIO(), width=100)
    bar = delivery_progress(screen, lambda: look, deliverer, lambda events: 10 * events, quiet=True)
    bar.update(bar.add_task("", total=800), completed=100)
    (task,) = bar.tasks
    task.start_time, task.stop_time = 0.0, 60.0
    expected = "50% · 20 delivered · 20 failed · 40 events/min · 1 min left"
    assert bar.columns[0](task) == Text(expected)  # type: ignore[operator] # it may be a text in general


def test_the_bar_is_kept_up_with_the_events_now_and_then_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_events, "_EVENTS_BETWEEN_LOOKS", 10)
    path = tmp_path / "events"
    path.write_bytes(b"{}\n" * 25)
    with path.open("rb") as file:
        bar = progress(Console(file=io.StringIO()), to_stdout=False)
        seen = [(bar.tasks[0].fields["events"], bar.tasks[0].completed) for _ in _watched(events(file), file, bar)]
        assert bar.tasks[0].total == 75
        assert bar.tasks[0].fields["events"] == 25
    assert [count for count, _ in seen] == [0] * 10 + [10] * 10 + [20] * 5
    assert 0 < seen[10][1] <= seen[20][1] <= 75


def test_traits_of_events_without_names_of_their_own_are_one_table() -> None:
    counts = Profile()
    counts.add(explain(identify(), CONFIG), 1)
    (told,) = traits(counts)
    head, row = [line.split() for line in printed(told, 120).splitlines() if line.strip()]
    assert head == ["type", "trait", "events", "lost", "goes", "to", "or", "not", "values"]
    assert row == ["identify", "traits.email", "1", "Person.Email", '"ada@example.com"']


def test_a_reader_that_has_gone_is_told_as_such_whatever_rich_would_do() -> None:
    with pytest.raises(ReaderGoneError):
        Screen().on_broken_pipe()
