"""What a person sees on the terminal: the progress bar and the closing tables."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gainsight_dest.cli.outcome import OTHER, Count, Row, Tally

#: Reasons that a closing table shows; the rest is in the output.
MOST_REASONS = 30
#: Columns of a closing table that goes into a log.
WIDTH_OF_A_LOG = 160


def console_on_stderr() -> Console:
    """A console on standard error, with columns enough for a log where it is no terminal."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_OF_A_LOG)


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
    table = _table("type", "events", "requests", "skipped", "errors")
    for name, row in sorted(tally.types.items(), key=lambda entry: (-entry[1].events, entry[0])):
        table.add_row(Text(name), *_cells(row))
    table.add_section()
    table.add_row("all", *_cells(tally.total()), style="bold")
    return table


def _cells(row: Row) -> list[str]:
    return [f"{count:,}" for count in (row.events, row.requests, row.skipped, row.errors)]


def _by_reason(headings: tuple[str, ...], rows: Sequence[tuple[Count, str] | tuple[Count, str, str]]) -> Table:
    table = _table(*headings)
    ranked = sorted(rows, key=lambda row: (-row[0].times, row[0].first))
    for count, *texts in ranked[:MOST_REASONS]:
        table.add_row(f"{count.times:,}", f"{count.first:,}", *map(Text, texts))
    if rest := [row[0] for row in ranked[MOST_REASONS:]]:
        times, first = sum(count.times for count in rest), min(count.first for count in rest)
        table.add_row(f"{times:,}", f"{first:,}", f"{len(rest):,} more reasons")
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=" ")
    for heading in headings:
        is_text = heading in {"type", "kind", "reason"}
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    return table
