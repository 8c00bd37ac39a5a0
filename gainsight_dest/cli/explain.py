"""`gainsight-dest explain`: where each trait and property goes, or why it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import attrs
import click
from rich.progress import Progress
from rich.text import Text

from gainsight_dest import ConfigError, Profile, Trace, UnsupportedTypeError, explain, lint
from gainsight_dest.cli import outcome, read, show
from gainsight_dest.cli.config import config_option, destination_config, written
from gainsight_dest.cli.files import (
    WrongInputError,
    fail_empty_option,
    is_same_file,
    needs,
    nowhere,
    reading,
    writing,
)
from gainsight_dest.cli.options import refuse_contradictions, refuse_idle
from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.cli.pick import TYPES, Pick, type_in
from gainsight_dest.cli.streams import plain_output, read_events, standard_output, warn, watched
from gainsight_dest.explaining.trace import Row
from gainsight_dest.fields import Fate
from gainsight_dest.outcome import Fault
from gainsight_dest.spelling import printable
from gainsight_dest.transform import switched_off

FAILED = 1


@click.command("explain", short_help="Tell where each trait of EVENTS goes, or why it does not.")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
@click.option("--summary", is_flag=True, help="Tell it of each trait, over all events, rather than of each event.")
@click.option("--html", metavar="FILE", help="Write the summary as a page, with a picture of what goes where.")
@click.option(
    "--trait",
    "traits",
    multiple=True,
    metavar="NAME",
    help="Only of this trait, such as traits.plan, plan or traits.address with all that is in it. May be given again.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice(TYPES, case_sensitive=False),
    help="Only of events of this type. May be given again.",
)
@click.option(
    "--event",
    "numbers",
    multiple=True,
    type=click.IntRange(1),
    metavar="N",
    help="Only of this event, by the number that it is told with. May be given again.",
)
@click.option("--lost", is_flag=True, help="Only of what did not reach a field, and of events at fault.")
@fail_empty_option
@click.option("--mask", is_flag=True, help="Show no value of the events, but what it is: <a string>.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_context
def explain_command(context: click.Context, /, events: str, config_file: str | None, **options: Any) -> int:
    """Tell where each trait and property of EVENTS goes, or why it does not. Nothing is sent.

    EVENTS is a file, or - for standard input, plain or gzipped: JSON in lines, over several lines or in an array, also
    as RudderStack and its SDKs send it, {"message": {...}} and {"batch": [...]}. Without --config each event must carry
    its destination, {"message": {...}, "destination": {...}}.

    For each event, or with --summary for each trait of all: where it came from, the field it went to, its value, how it
    was changed, or why it did not go: no mapping, blank, not a number, overridden by another. As json it is one object
    an event, or one for the summary.

    --trait, --type, --event and --lost go together, and with all the rest. An event of which nothing is left is left
    out: it is not counted, nor does the exit status heed it. At the end it is told how many events are shown, of how
    many that were read. With --event no more of EVENTS is read than needed.

    Exit status: 0 all well, 1 some events are at fault, 2 wrong use or config.
    """
    summary, html, form = (options[name] for name in ("summary", "html", "form"))
    # With --html alone nothing is printed that could be of a format.
    refuse_contradictions(context, {} if summary else {"html": ("form",)})
    refuse_idle(context, {"destination": "config_file"})
    if html is not None:
        _check_page(html, config_file)
    configs = outcome.Configs(destination_config(config_file) if config_file else None)
    pick = Pick(options["numbers"], options["types"], options["traits"], lost=options["lost"])
    counts = Profile()
    console = show.console_on_stderr()
    with ExitStack() as stack:
        file = stack.enter_context(reading(events))
        write_page = stack.enter_context(writing(html, file) if html else nullcontext(nowhere))
        is_told = not summary and html is None
        bar = show.progress(console, to_stdout=is_told)
        in_colours = form == "text" and show.has_colours(sys.stdout)  # which rich stands in for while there is a bar
        if not bar.disable:  # some releases of rich end a disabled bar with a blank line
            stack.enter_context(bar)
        tell = stack.enter_context(_telling(bar, form, in_colours=in_colours) if is_told else nullcontext(_nothing))
        items = pick.asked(watched(read_events(file, fail_empty=options["fail_empty"]), file, bar))
        for told in filter(None, (_told(item, configs, pick, mask=options["mask"]) for item in items)):
            told.count(counts)
            tell(told)
        page = _page(counts, events, config_file, _shown(counts, pick)) if html else b""
        write_page(page)
    if summary:
        _print_summary(counts, pick, form)
    for table in show.explained(counts):
        console.print(table)
    for line in filter(None, (_shown(counts, pick), html and _written_page(html, page, counts))):
        console.print(f"\n{line}", soft_wrap=True)
    for problem in pick.unmet():
        warn(problem)
    return FAILED if counts.errors else 0


def _check_page(html: str, config_file: str | None) -> None:
    """Raises WrongInputError if the page cannot be made, or would be written over the config."""
    needs("--html", "report", "jinja2")
    if config_file and is_same_file(html, config_file):
        raise WrongInputError(f"{html} is the config: name another file for --html")


def _print_summary(counts: Profile, pick: Pick, form: str) -> None:
    if form == "json":
        with plain_output() as write:
            write(outcome.line({"read": pick.read, **counts.as_dict()}))
        return
    out = show.console_on_stdout()
    for table in show.traits(counts):
        out.print(table)


def _shown(counts: Profile, pick: Pick) -> str | None:
    """How much is shown, if it is not all."""
    if pick.is_all:
        return None
    return f"Shown: {counts.events.total():,} of the {pick.read:,} events that were read."


def _written_page(html: str, page: bytes, counts: Profile) -> str:
    number = counts.events.total()
    many = "1 event" if number == 1 else f"{number:,} events"
    return f"{html}: a page of {many}, {len(page):,} bytes. Open it in a browser: {Path(html).absolute().as_uri()}"


# --- one event --------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Told:
    """What is told of one event: its explanation, and of its rows those that were asked for; or why there is none.

    `type`: identify, group or track; None for anything else. `word`: the type as it came.
    """

    item: read.Item
    type: str | None = None
    word: str | None = None
    message_id: str | None = None
    explanation: Trace | None = None
    rows: tuple[Row, ...] = ()
    skipped: str | None = None
    fault: Fault | None = None

    def count(self, counts: Profile) -> None:
        """Count it."""
        if self.explanation is not None:
            is_all = self.rows is self.explanation.rows
            counts.add(self.explanation, self.item.number, None if is_all else self.rows)
        elif self.fault is not None:
            counts.fail(self.fault.kind, self.fault.message, self.item.number)
        else:
            counts.skip(str(self.skipped), self.item.number, self.type)

    def line(self) -> bytes:
        """All of it as a line of JSON."""
        facts: dict[str, Any] = {**self.item.where, "message_id": self.message_id, "type": self.word}
        if self.skipped is not None:
            return outcome.line({**facts, "skipped": self.skipped})
        facts["rows"] = [] if self.explanation is None else self._of_rows(self.explanation).as_dict()["rows"]
        if self.fault is not None:
            facts["error"] = attrs.asdict(self.fault)
        return outcome.line(facts)

    def text(self) -> str:
        """All of it as lines for people."""
        return "".join(f"{line}\n" for line in self._lines())

    def styled(self) -> Text:
        """The same for a terminal with colours."""
        return Text("\n").join(map(Text, self._lines(), [*self._styles(), ""]))

    def _lines(self) -> Iterator[str]:
        """The lines, and one below that is empty."""
        head = " ".join(filter(None, (f"{self.item.place or self.item.number}.", printable(self.message_id or ""))))
        if self.skipped is not None:
            yield f"{head} skipped: {self.skipped}"
        elif self.explanation is None:
            yield f"{head} error: {self.fault and self.fault.message}"
        else:
            first, *lines = self._of_rows(self.explanation).lines()
            yield f"{head} {first}"
            yield from lines
        yield ""

    def _styles(self) -> list[str]:
        """The styles of those lines but for the last."""
        at_fault = [] if self.fault is None else [show.STYLES[Fate.FAULT]]
        if self.skipped is not None:
            return [show.SKIPPED]
        return at_fault if self.explanation is None else [show.HEAD, *map(_style, self.rows), *at_fault]

    def _of_rows(self, explanation: Trace) -> Trace:
        return explanation if self.rows is explanation.rows else attrs.evolve(explanation, rows=self.rows)


def _style(row: Row) -> str:
    return show.REFUSED if row.fate is Fate.SENT and row.problem else show.STYLES[row.fate]


def _told(item: read.Item, configs: outcome.Configs, pick: Pick, *, mask: bool) -> _Told | None:
    """What is told of the event; None if nothing of it was asked for. Raises NoConfigError."""
    if item.problem is not None:
        fault = Fault(NOT_JSON, None, item.problem)
        return _Told(item, fault=fault) if pick.shows((), at_fault=True) else None
    explanation = _explained(item, configs)
    explanation = explanation.masked() if mask else explanation
    event_type = explanation.type
    word = event_type if mask else outcome.text_of(item, "type")
    facts = item, event_type, word, None if mask else outcome.text_of(item, "messageId")
    problem = explanation.error
    off = switched_off(item.event)
    if off is not None or isinstance(problem, UnsupportedTypeError):
        if not pick.shows((), at_fault=False):
            return None
        return _Told(*facts, skipped=off) if off else _Told(*facts, explanation, skipped=str(problem))
    rows = pick.rows(explanation)
    if not pick.shows(rows, at_fault=problem is not None):
        return None
    fault_of = None if problem is None else Fault(type(problem).__name__, problem.path, str(problem))
    return _Told(*facts, explanation, rows, fault=fault_of)


def _explained(item: read.Item, configs: outcome.Configs) -> Trace:
    """The explanation; its type is known also where the config is at fault. Raises NoConfigError."""
    try:
        explanation = explain(item.event, configs.of(item))
    except ConfigError as error:  # of the event's own destination
        explanation = Trace(None, (), error)
    return explanation if explanation.type else attrs.evolve(explanation, type=type_in(item))


def _nothing(_: _Told) -> None:
    """For where no event is told by itself."""


@contextmanager
def _telling(bar: Progress, form: str, *, in_colours: bool) -> Iterator[Callable[[_Told], object]]:
    """What prints events on standard output."""
    if in_colours:
        console = show.console_on_stdout() if bar.disable else bar.console
        yield lambda told: console.print(told.styled(), soft_wrap=True)
        return
    with standard_output(bar) as write:
        yield lambda told: write(told.line() if form == "json" else told.text())


def _page(counts: Profile, events: str, config_file: str | None, shown: str | None) -> bytes:
    from gainsight_dest.report import page  # noqa: PLC0415 - of an extra of its own

    seen = counts if shown is None else None  # of some events alone it cannot be told what none of them uses
    findings = lint({"Config": written(config_file).config}, seen) if config_file else ()
    name = "standard input" if events == "-" else Path(events).name
    return page(counts, findings, source=name, note=shown).encode(errors="backslashreplace")
