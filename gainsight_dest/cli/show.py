"""What a person sees on the terminal: the progress bar and the closing tables. Nothing else prints to it.

A word of an event, a config or an answer may hold what steers a terminal. So all that is printed goes by a `Screen`, by
`say`, or by a stream of `streams`, which print such letters as escapes; a line of JSON has them as such from the start.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.cli.tally import OTHER, Count, Tally
from gainsight_dest.explanation import Rule, printable, printable_lines
from gainsight_dest.summary import Summary, TraitSummary

if TYPE_CHECKING:
    from gainsight_dest.deliver import Deliverer, Waiting

#: Reasons, and types, that a closing table shows; the rest is in the output.
MOST_REASONS = MOST_TYPES = 30
_TEXTS = frozenset(
    {
        "type",
        "kind",
        "reason",
        "company",
        "person",
        "event",
        "version",
        "trait",
        "goes to",
        "or not",
        "values",
        "mapped",
    }
)
#: Columns of a closing table that goes into a log.
WIDTH_OF_A_LOG = 160
#: Columns that a terminal needs for its ^C: were they on a line of their own, the one above would stay there.
_ECHO = 3


class Screen(Console):
    """A console that prints words as they are: no markup in them is heeded, and what steers a terminal is escaped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text to print, and to be measured."""
        return super().render_str(printable_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is printed in the end, from whatever it was made of. What is a control is rich's own."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)

    def on_broken_pipe(self) -> None:
        """Newer releases of rich would end the process by themselves."""
        raise ReaderGoneError


def console_on_stderr() -> Screen:
    """A console on standard error, with columns enough for a log where it is no terminal."""
    return Screen(stderr=True, width=None if sys.stderr.isatty() else WIDTH_OF_A_LOG)


def console_on_stdout() -> Screen:
    """The same on standard output, for commands whose tables are what they print."""
    return Screen(soft_wrap=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_LOG)


def say(text: str) -> None:
    """Print lines on standard output, be it a terminal or not."""
    sys.stdout.write(f"{printable_lines(text)}\n")
    sys.stdout.flush()


class LogFormatter(logging.Formatter):
    """A log of one line a record, whatever is in it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return printable(super().format(record))


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['events'] / task.elapsed:,.0f} events/s" if task.elapsed else "")


def progress(console: Console, *, to_stdout: bool) -> Progress:
    """A bar by bytes read, with the number and the rate of events.

    It is silent where standard error is no terminal, and where the lines go into a pipe: whoever reads them there may
    write to the same terminal.
    """
    piped = to_stdout and stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return Progress(
        BarColumn(),
        TextColumn("{task.fields[events]:,} events"),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=piped or not sys.stderr.isatty(),
    )


class _Work(ProgressColumn):
    """What a delivery has done, what it has used of its budget, how long it may take; below it, what it waits for.

    What tells least is left out where there is no room for all.
    """

    max_refresh = 0.2

    def __init__(self, tally: Tally, deliverer: Deliverer, console: Console, bytes_ahead: Callable[[int], int]) -> None:
        super().__init__()
        self._tally = tally
        self._deliverer = deliverer
        self._console = console
        self._bytes_ahead = bytes_ahead

    def render(self, task: Task) -> Text:
        counts, budget, waiting = self._tally.total(), self._deliverer.budget, self._deliverer.waiting
        ahead = self._deliverer.ahead  # most of these are delivered; which are not is told in their turn
        done = task.completed + self._bytes_ahead(ahead)
        limit, left = budget.calls_per_minute, self._seconds_left(task, done)
        words = {
            "share": f"{100 * done / task.total:.0f}%" if task.total else "",
            "delivered": f"{counts['delivered'] + ahead:,} delivered",
            "failed": f"{counts['failed']:,} failed",
            "rate": f"{(counts['events'] + ahead) * 60 / task.elapsed:,.0f} events/min" if task.elapsed else "",
            "calls": "" if limit is None else f"{budget.used():,} of {limit:,} calls",
            "left": f"{timedelta(seconds=int(left))} left" if left else "",
        }
        room = self._console.width - _ECHO
        for least in ("rate", "calls", "left"):
            if len(_line(words)) > room:
                words[least] = ""
        lines = [Text(_line(words))] if waiting is None else [Text(_line(words)), Text(_waiting(waiting))]
        for line in lines:
            line.truncate(room, overflow="ellipsis")
        return Text("\n").join(lines)

    def _seconds_left(self, task: Task, done: float) -> float:
        """At the pace so far, but not sooner than the budget allows; 0 if there is nothing to reckon by."""
        if not done or not task.total or not task.elapsed:
            return 0
        more = (task.total - done) / done
        limit = self._deliverer.budget.calls_per_minute
        return max(task.elapsed * more, self._deliverer.calls * more * 60 / limit if limit else 0)


def _line(words: dict[str, str]) -> str:
    return " · ".join(filter(None, words.values()))


def _waiting(waiting: Waiting) -> str:
    until = datetime.fromtimestamp(waiting.until).astimezone()
    return f"waiting until {until:%H:%M:%S}: {printable(waiting.reason)}"


def delivery_progress(
    console: Console, tally: Tally, deliverer: Deliverer, bytes_ahead: Callable[[int], int], *, quiet: bool
) -> Progress:
    """All that a delivery is about, in a line or two. Silent where standard error is no terminal.

    `bytes_ahead`: how much of the file so many events are that come next in it.
    """
    return Progress(
        _Work(tally, deliverer, console, bytes_ahead),
        console=console,
        transient=True,
        refresh_per_second=4,
        disable=quiet or not sys.stderr.isatty(),
    )


def summary(tally: Tally) -> Iterator[Table]:
    """The closing tables: events by type, then errors and skipped events by reason, with the first number of each."""
    yield _by_type(tally)
    if tally.errors:
        faults = [
            (count, "", OTHER) if key == OTHER else (count, fault.kind, fault.message)
            for key, (fault, count) in tally.errors.items()
        ]
        yield _by_reason(("errors", "first at", "kind", "reason"), faults)
    if tally.skipped:
        yield _by_reason(("skipped", "first at", "reason"), [(n, reason) for reason, n in tally.skipped.items()])


def _by_type(tally: Tally) -> Table:
    shown = table("type", *tally.columns)
    ranked = sorted(tally.types.items(), key=lambda entry: (entry[0] == OTHER, -entry[1]["events"], entry[0]))
    rows, rest = ranked[:MOST_TYPES], [row for _, row in ranked[MOST_TYPES:]]
    for name, row in [*rows, (OTHER, sum(rest, Counter()))] if rest else rows:
        shown.add_row(name, *(f"{row[column]:,}" for column in tally.columns))
    shown.add_section()
    total = tally.total()
    shown.add_row("all", *(f"{total[column]:,}" for column in tally.columns), style="bold")
    return shown


def _by_reason(headings: tuple[str, ...], rows: Sequence[tuple[Count, str] | tuple[Count, str, str]]) -> Table:
    shown = table(*headings)
    ranked = sorted(rows, key=lambda row: (-row[0].times, row[0].first))
    for count, *texts in ranked[:MOST_REASONS]:
        shown.add_row(f"{count.times:,}", f"{count.first:,}", *texts)
    if rest := [row[0] for row in ranked[MOST_REASONS:]]:
        times, first = sum(count.times for count in rest), min(count.first for count in rest)
        shown.add_row(f"{times:,}", f"{first:,}", f"{len(rest):,} more reasons")
    return shown


class _Table(Table):
    def add_row(self, *cells: Any, **options: Any) -> None:
        """A row. A cell is a text of one line, or a list of lines: a line's end within a word is none of ours."""
        lines = ([cell] if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*(Text("\n".join(map(printable, cell))) for cell in lines), **options)


def table(*headings: str) -> _Table:
    """A plain table; counts to the right, texts to the left. Its cells are texts, or lists of lines."""
    table = _Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=" ")
    for heading in headings:
        is_text = heading in _TEXTS
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    return table


def traits(summary: Summary) -> Iterator[Table]:
    """What becomes of each trait, those that are lost most often first; and of each track event's name."""
    shown = table("type", "trait", "events", "lost", "goes to", "or not", "values")
    order = {name: place for place, name in enumerate(summary.events)}
    ranked = sorted(summary.traits.values(), key=lambda trait: (order[trait.type], -trait.lost, -trait.came))
    last = None
    for trait in ranked:
        if last not in {None, trait.type}:
            shown.add_section()
        shown.add_row(
            "" if trait.type == last else trait.type,
            trait.source,
            f"{trait.came:,}",
            f"{trait.lost:,}" if trait.lost else "",
            _went(trait),
            _dropped(trait),
            ", ".join(trait.examples),
        )
        last = trait.type
    yield shown
    if summary.names:
        names = table("event", "mapped", "events")
        for tally in sorted(summary.names.values(), key=lambda tally: (tally.kind == "mapped", -tally.times)):
            names.add_row(tally.text, tally.kind, f"{tally.times:,}")
        yield names


def _went(trait: TraitSummary) -> list[str]:
    """Where it went, how often if not always, and how it was changed."""
    lines = []
    for way, times in trait.went.most_common():
        notes = [] if times == trait.came else [f"{times:,}"]
        notes += [] if way.rule in _RULES_UNSAID else [way.rule]
        notes += [f"{n:,} {change}" for (field, change), n in trait.changed.items() if field == way.field]
        notes += [f"{n:,} refused: {why}" for (field, why), n in trait.refused.items() if field == way.field]
        lines.append(way.field + (f" ({', '.join(notes)})" if notes else ""))
    return lines


def _dropped(trait: TraitSummary) -> list[str]:
    """Why it did not go, and how often if not always."""
    fields = {loss.field for loss in trait.dropped} | {way.field for way in trait.went}
    lines = []
    for loss, times in trait.dropped.most_common():
        count = "" if times == trait.came else f"{times:,} "
        field = f" ({loss.field})" if loss.field and len(fields) > 1 else ""
        lines.append(f"{count}{loss.reason}{field}")
    return lines


#: What maps most fields goes without saying.
_RULES_UNSAID = frozenset({Rule.STANDARD, Rule.PROPERTY})
