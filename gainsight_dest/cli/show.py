"""What a person sees on the terminal: the progress bar and the closing tables. Nothing else prints to it.

A word of an event, a config or an answer may hold what steers a terminal. So all that is printed goes by a `Screen`, by
`say`, or by a stream of `streams`, which print such letters as escapes; a line of JSON has them as such from the start.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod, RenderableType
from rich.containers import Lines
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.explaining.profile import OTHER, Profile, Tallies, TraitProfile
from gainsight_dest.explaining.trace import UNSAID
from gainsight_dest.fields import Fate
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.plan.durations import lasting
from gainsight_dest.spelling import printable, printable_lines

if TYPE_CHECKING:
    from gainsight_dest.cli.progress import Look
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
        "fact",
        "verdict",
        "answer",
        "assumed",
    }
)
#: Where a value goes, or why it does not, as a terminal with colours shows it.
STYLES = {
    Fate.SENT: "green",
    Fate.BLANK: "bright_black",
    Fate.NOT_A_NUMBER: "magenta",
    Fate.UNFIT: "bright_magenta",
    Fate.OVERRIDDEN: "cyan",
    Fate.FAULT: "bold red",
    Fate.UNMAPPED: "yellow",
    Fate.UNREAD: "blue",
}
#: The same of what is sent and Gainsight will refuse; of an event that is skipped, and of its first line.
REFUSED, SKIPPED, HEAD = "red", "bright_black", "bold"
#: Terminals that have no colours.
_PLAIN_TERMINALS = frozenset({"dumb", "unknown"})
#: What a tenant says of events: how many it refuses, and how many by what it has.
_OF_TENANT = ("refused", "perhaps")
#: Columns of a closing table that goes into a log.
WIDTH_OF_A_LOG = 160
#: Columns from which on the parts of the table of traits have room side by side.
_WIDE = 120
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


def has_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal with colours, and the user has not asked for none."""
    is_plain = os.environ.get("TERM", "").lower() in _PLAIN_TERMINALS or os.environ.get("NO_COLOR", "")
    return stream.isatty() and not is_plain


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

    def __init__(
        self, look: Callable[[], Look], deliverer: Deliverer, console: Console, bytes_ahead: Callable[[int], int]
    ) -> None:
        super().__init__()
        self._look = look
        self._deliverer = deliverer
        self._console = console
        self._bytes_ahead = bytes_ahead

    def render(self, task: Task) -> Text:
        look, budget, waiting = self._look(), self._deliverer.budget, self._deliverer.waiting
        done = task.completed + self._bytes_ahead(sum(self._deliverer.ahead.values()))
        limit, left = budget.calls_per_minute, self._seconds_left(task, done)
        total = look.total
        words = {
            "share": f"{100 * done / task.total:.0f}%" if task.total else "",
            "delivered": f"{total['delivered']:,} delivered",
            "failed": f"{total['failed']:,} failed",
            "rate": f"{look.events_per_minute:,.0f} events/min" if look.seconds else "",
            "calls": "" if limit is None else f"{budget.used():,} of {limit:,} calls",
            "left": f"{lasting(int(left))} left" if left else "",
        }
        room = self._console.width - _ECHO
        for least in ("rate", "calls", "left"):
            if len(_line(words)) > room:
                words[least] = ""
        lines = [Text(_line(words))] if waiting is None else [Text(_line(words)), Text(waiting_words(waiting))]
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


def waiting_words(waiting: Waiting) -> str:
    """Until when a run waits, by the clock on the wall, and why."""
    until = datetime.fromtimestamp(waiting.until).astimezone()
    return f"waiting until {until:%H:%M:%S}: {printable(waiting.reason)}"


def delivery_progress(
    console: Console,
    look: Callable[[], Look],
    deliverer: Deliverer,
    bytes_ahead: Callable[[int], int],
    *,
    quiet: bool,
) -> Progress:
    """All that a delivery is about, in a line or two. Silent where standard error is no terminal.

    `look`: how far it has come. `bytes_ahead`: how much of the file so many events are that come next in it.
    """
    return Progress(
        _Work(look, deliverer, console, bytes_ahead),
        console=console,
        transient=True,
        refresh_per_second=4,
        disable=quiet or not sys.stderr.isatty(),
    )


def on_screen(bar: Progress) -> AbstractContextManager[object]:
    """The bar, while it is to be seen: some releases of rich end one that is not with a blank line."""
    return nullcontext() if bar.disable else bar


def print_counts(console: Console, counts: RunCounts) -> None:
    """Print the closing tables: events by type, then errors and skipped events by reason, with the first of each."""
    console.print(_by_type(counts.columns, counts.types))
    if counts.errors:
        console.print(_by_reason("errors", counts.errors, with_kind=True))
    if counts.skipped:
        console.print(_by_reason("skipped", counts.skipped, with_kind=False))


def print_profile(console: Console, profile: Profile) -> None:
    """Print the same tables of a profile."""
    columns = ("events", "skipped", "errors", "values sent", "not sent", *_OF_TENANT[: 2 * profile.has_tenant])
    types = {}
    for kind, events in profile.events.items():
        told = (profile.refused[kind], profile.doubtful[kind]) if profile.has_tenant else ()
        row = (events, profile.skips[kind], profile.faults[kind], *profile.values(kind), *told)
        types[kind] = Counter(dict(zip(columns, row, strict=True)))
    print_counts(console, RunCounts(columns, types, profile.skipped, profile.errors))
    if profile.lacks:
        console.print(_by_reason("lack", profile.lacks, with_kind=True))


def _by_type(columns: tuple[str, ...], types: Mapping[str, Counter[str]]) -> Table:
    shown = table("type", *columns)
    ranked = sorted(types.items(), key=lambda entry: (entry[0] == OTHER, -entry[1]["events"], entry[0]))
    rows, rest = ranked[:MOST_TYPES], [row for _, row in ranked[MOST_TYPES:]]
    for name, row in [*rows, (OTHER, sum(rest, Counter()))] if rest else rows:
        shown.add_row(name, *(f"{row[column]:,}" for column in columns))
    shown.add_section()
    total = sum(types.values(), Counter[str]())
    shown.add_row("all", *(f"{total[column]:,}" for column in columns), style="bold")
    return shown


def _by_reason(what: str, tallies: Tallies, *, with_kind: bool) -> Table:
    shown = table(what, "first at", *["kind"] * with_kind, "reason")
    ranked = tallies.ranked()
    for tally in ranked[:MOST_REASONS]:
        shown.add_row(f"{tally.times:,}", f"{tally.numbers[0]:,}", *[tally.kind] * with_kind, tally.text)
    if rest := ranked[MOST_REASONS:]:
        times, first = sum(tally.times for tally in rest), min(tally.numbers[0] for tally in rest)
        shown.add_row(f"{times:,}", f"{first:,}", f"{len(rest):,} more reasons")
    return shown


class _Cell(Text):
    """A text that is broken between words, and a word that is longer than a line behind a sign within it, if it can be.

    All is measured in cells: a letter of Chinese, Japanese or Korean takes two.
    """

    @classmethod
    def of(cls, text: Text) -> _Cell:
        """The same text and styles as a cell."""
        return cls(text.plain, spans=text.spans)

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        **_: Any,
    ) -> Lines:
        """The lines of it."""
        lines = Lines(part for line in self.split(allow_blank=True) for part in line.divide(_breaks(line.plain, width)))
        for line in lines:
            line.rstrip()
        if justify:
            lines.justify(console, width, justify=justify, overflow=overflow or "fold")
        return lines


#: A word with the blanks behind it; a part of one, with the signs behind it after which it may be broken.
_WORD = re.compile(r"\S+\s*|\s+")
_PART = re.compile(r"[^.,:;/@_\-\[\](){}=&?]*[.,:;/@_\-\[\](){}=&?]+|[^.,:;/@_\-\[\](){}=&?]+")


def _breaks(line: str, width: int) -> list[int]:
    """Where a line is broken so that each part fits into so many cells: at which of its letters another one begins."""
    found = []
    place = used = 0
    for piece in _pieces(line, width):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(place)
            used = 0
        place += len(piece)
        used += cell_len(piece)
    return found


def _pieces(line: str, width: int) -> Iterator[str]:
    """The words; of those that are too long the parts; of those that are still too long the letters."""
    for word in _WORD.findall(line):
        for part in [word] if cell_len(word.rstrip()) <= width else _PART.findall(word):
            yield from [part] if cell_len(part.rstrip()) <= width else part


#: A line of a cell, and its style.
_Line = tuple[str, str]


class _Table(Table):
    def add_row(self, *cells: Any, **options: Any) -> None:
        """A row. A cell is a text of one line, or a list of `_Line`: a line's end within a word is none of ours."""
        super().add_row(*map(_cell, cells), **options)


def _cell(cell: str | Sequence[_Line]) -> _Cell:
    if isinstance(cell, str):
        return _Cell(printable(cell))
    lines = [Text(printable(line), style) for line, style in cell]
    return _Cell.of(Text("\n").join(lines))


def table(*headings: str) -> _Table:
    """A plain table; counts to the right, texts to the left. Its cells are texts, or lists of lines."""
    table = _Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=" ")
    for heading in headings:
        is_text = heading in _TEXTS
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    return table


class _Traits:
    """The table of where each trait goes: side by side where there is room for it, else one below the other."""

    def __init__(self, rows: Sequence[TraitProfile]) -> None:
        self.rows = rows

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield self._side_by_side() if options.max_width >= _WIDE else self._stacked()

    def _side_by_side(self) -> Table:
        shown = table("type", "trait", "events", "lost", "goes to", "or not", "values")
        for is_new_type, trait in self._by_type(shown):
            head = trait.type if is_new_type else ""
            went = (_went(trait), _dropped(trait), ", ".join(_examples(trait)))
            shown.add_row(head, trait.source, *_times(trait), *went)
        return shown

    def _stacked(self) -> Table:
        """A line is what it goes to, then why it does not, then the values."""
        shown = table("trait", "events", "lost", "goes to")
        for is_new_type, trait in self._by_type(shown):
            if is_new_type:
                shown.add_row(trait.type, style="bold")
            dropped = [(f"✗ {line}", style) for line, style in _dropped(trait)]
            values = [(f"e.g. {', '.join(_examples(trait))}", "")] if trait.examples else []
            shown.add_row(trait.source, *_times(trait), [*_went(trait), *dropped, *values])
        return shown

    def _by_type(self, shown: Table) -> Iterator[tuple[bool, TraitProfile]]:
        """The traits, and whether one is the first of its type, which stands apart in the table."""
        last = None
        for trait in self.rows:
            if last not in {None, trait.type}:
                shown.add_section()
            yield trait.type != last, trait
            last = trait.type


def _times(trait: TraitProfile) -> tuple[str, str]:
    return f"{trait.came:,}", f"{trait.lost:,}" if trait.lost else ""


def traits(summary: Profile) -> Iterator[RenderableType]:
    """Where each trait goes, those that are lost most often first; and whether each track event's name is mapped."""
    order = {name: place for place, name in enumerate(summary.events)}
    yield _Traits(sorted(summary.traits.values(), key=lambda trait: (order[trait.type], -trait.lost, -trait.came)))
    if summary.names:
        names = table("event", "mapped", "events")
        for tally in sorted(summary.names.values(), key=lambda tally: (tally.kind == "mapped", -tally.times)):
            names.add_row(tally.text, tally.kind, f"{tally.times:,}")
        yield names


def _went(trait: TraitProfile) -> list[_Line]:
    """Where it went, how often if not always, with a tenant the data type there, and how it was changed."""
    lines = []
    for arrival, times in trait.went.most_common():
        notes = [] if times == trait.came else [f"{times:,}"]
        notes += [trait.types[arrival.field]] if arrival.field in trait.types else []
        notes += [] if arrival.rule in UNSAID else [arrival.rule]
        notes += [f"{n:,} {change}" for (field, change), n in trait.changed.items() if field == arrival.field]
        refused = [f"{n:,} refused: {why}" for (field, why), n in trait.refused.items() if field == arrival.field]
        notes += refused
        notes += [f"{n:,} {note}" for (field, note), n in trait.noted.items() if field == arrival.field]
        style = REFUSED if refused else STYLES[Fate.SENT]
        lines.append((arrival.field + (f" ({', '.join(notes)})" if notes else ""), style))
    return lines


def _examples(trait: TraitProfile) -> Iterator[str]:
    """A few values, and what the ids of options mean."""
    for example in trait.examples:
        yield f"{example} is {trait.labels[example]}" if example in trait.labels else example


def _dropped(trait: TraitProfile) -> list[_Line]:
    """Why it did not go, and how often if not always."""
    fields = {loss.field for loss in trait.dropped} | {arrival.field for arrival in trait.went}
    lines = []
    for loss, times in trait.dropped.most_common():
        count = "" if times == trait.came else f"{times:,} "
        field = f" ({loss.field})" if loss.field and len(fields) > 1 else ""
        lines.append((f"{count}{loss.reason}{field}", STYLES[loss.fate]))
    return lines
