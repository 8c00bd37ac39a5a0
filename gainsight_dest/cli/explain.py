"""`gainsight-dest explain`: where each trait and property goes, or why it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.progress import Progress
from rich.text import Text

from gainsight_dest import Profile, Trace, explain, lint
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.config import config_option, fit_option, given_fitting, written
from gainsight_dest.cli.events import Configs, reading_events
from gainsight_dest.cli.files import check_written, needs, nowhere, writing
from gainsight_dest.cli.options import (
    events_argument,
    fail_empty_option,
    format_option,
    refuse_contradictions,
    several_option,
    table_of,
    table_options,
    tenant_option,
)
from gainsight_dest.cli.pick import Pick
from gainsight_dest.cli.streams import plain_output, standard_output, warn
from gainsight_dest.explaining.trace import Row
from gainsight_dest.fields import Fate
from gainsight_dest.files import records
from gainsight_dest.files.read import NOT_JSON, Item
from gainsight_dest.outcome import Fault, text_of
from gainsight_dest.spelling import counted, printable
from gainsight_dest.transform import EVENT_TYPES

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

_TYPE = click.Choice(EVENT_TYPES, case_sensitive=False)


@click.command("explain", short_help="Show where each trait of EVENTS goes, or why it does not.")
@events_argument
@table_options
@config_option
@tenant_option
@fit_option
@click.option("--summary", is_flag=True, help="Show each trait once, over all events, instead of each event.")
@click.option("--html", metavar="FILE", help="Write the summary as a web page, with a picture of what goes where.")
@several_option(
    "--trait", "traits", "Show only this trait: traits.plan, plan, or all of traits.address.", metavar="NAME"
)
@several_option("--type", "types", "Show only events of this type.", type=_TYPE)
@several_option("--event", "numbers", "Show only the event with this number.", type=click.IntRange(1), metavar="N")
@click.option("--lost", is_flag=True, help="Show only what did not reach a field, and events with errors.")
@fail_empty_option
@click.option("--mask", is_flag=True, help="Show no values of the events, only what they are: <a string>.")
@format_option()
def explain_command(events: str, config_file: str | None, **options: Any) -> int:
    """Show where each trait and property of EVENTS goes, or why it does not. Nothing is sent.

    EVENTS is a file of JSON, plain or gzipped, or - for standard input: one event on each line, or over several lines,
    or all in an array. Events may also be as RudderStack and its SDKs send them, {"message": {...}} and
    {"batch": [...]}. Without --config each event must carry its destination, {"message": {...}, "destination": {...}}.
    With --as, EVENTS is a table, CSV or Parquet: each row is an event.

    For each trait: where it came from, the field that it goes to, its value, and how it was changed; or why it does not
    go: no mapping, blank, not a number, overridden by another. With --format json it is one object for each event, or
    one for the summary.

    With --tenant also what that tenant says: the data type of each field, what the ids of options mean, the values that
    it refuses and why, the fields that a new record lacks, and whether it takes the event. What it refuses does not
    change the exit status: lint is for that.

    --trait, --type, --event and --lost choose what is shown, alone or together. An event without any of it is not shown
    and not counted, and does not change the exit status. A line at the end says how many events were read, and how many
    of them are shown. With --event, reading ends with the last of these events.

    Exit status: 0 all well, 1 some events have errors, 2 wrong use or config.
    """
    summary, html, form, tenant = (options[name] for name in ("summary", "html", "form", "tenant"))
    # With --html alone nothing is printed that could be of a format.
    refuse_contradictions({} if summary else {"html": ("form",)})
    given = given_fitting(config_file, tenant, options["fit"])
    configs = Configs(given)
    table = table_of(options["kind"], options["columns"], given, tenant)
    if html is not None:
        needs("--html", "report", "jinja2")
        check_written({"--html": html}, {config_file: "the config"})
    pick = Pick(options["numbers"], options["types"], options["traits"], lost=options["lost"])
    profile = Profile()
    in_colours = form == "text" and show.has_colours(sys.stdout)  # which rich stands in for while there is a bar
    with ExitStack() as stack:
        each_is_shown = not summary and html is None
        source = reading_events(events, fail_empty=options["fail_empty"], to_stdout=each_is_shown, table=table)
        file, bar, items = stack.enter_context(source)
        write_page = stack.enter_context(writing(html, file))
        printing = _printing(bar, form, in_colours=in_colours) if each_is_shown else nullcontext(nowhere)
        print_entry = stack.enter_context(printing)
        asked = _Asked(configs, tenant, pick, mask=options["mask"])
        for entry in filter(None, map(asked.entry, pick.asked(items))):
            entry.count(profile)
            print_entry(entry)
        page = _page(profile, events, config_file, asked) if html else b""
        write_page(page)
    if summary:
        _print_summary(profile, pick, form)
    console = show.console_on_stderr()
    show.print_profile(console, profile)
    for line in filter(None, (_shown(profile, pick), html and _written_page(html, page, profile))):
        console.print(f"\n{line}", soft_wrap=True)
    for problem in pick.unmet():
        warn(problem)
    return FAILED if profile.errors else 0


def _print_summary(profile: Profile, pick: Pick, form: str) -> None:
    if form == "json":
        with plain_output() as write:
            write(records.line({"read": pick.read, **profile.as_dict()}))
        return
    out = show.console_on_stdout()
    for table in show.traits(profile):
        out.print(table)


def _shown(profile: Profile, pick: Pick) -> str | None:
    """How much is shown, if it is not all."""
    if pick.is_all:
        return None
    return f"Shown: {profile.events.total():,} of the {pick.read:,} events that were read."


def _written_page(html: str, page: bytes, profile: Profile) -> str:
    many = counted(profile.events.total(), "event")
    return f"{html}: a page of {many}, {len(page):,} bytes. Open it in a browser: {Path(html).absolute().as_uri()}"


# --- one event --------------------------------------------------------------------------------------------------------


@attrs.frozen
class _EventEntry:
    """What is shown of one event: its trace, and of its rows those that were asked for; None: it could not be read.

    `word`: the type as it came.
    """

    item: Item
    trace: Trace | None = None
    rows: tuple[Row, ...] = ()
    word: str | None = None
    message_id: str | None = None

    @property
    def skipped(self) -> str | None:
        """Why it is not for Gainsight, if it is not."""
        return None if self.trace is None else self.trace.skipped

    @property
    def fault(self) -> Fault | None:
        """What it is at fault with, if it is."""
        if self.trace is None:
            return Fault(NOT_JSON, None, str(self.item.problem))
        return None if self.skipped or self.trace.error is None else Fault.of(self.trace.error)

    def count(self, profile: Profile) -> None:
        """Count it."""
        if self.trace is None:
            profile.fail(NOT_JSON, str(self.item.problem), self.item.number)
        else:
            profile.add(self.trace, self.item.number, None if self.rows is self.trace.rows else self.rows)

    def line(self) -> bytes:
        """All of it as a line of JSON."""
        facts: dict[str, Any] = {**self.item.where, "message_id": self.message_id, "type": self.word}
        if self.skipped is not None:
            return records.line({**facts, "skipped": self.skipped})
        facts["rows"] = [] if self.trace is None else self._of_rows(self.trace).as_dict()["rows"]
        facts |= {} if self.trace is None else self.trace.told_by_tenant()
        if self.fault is not None:
            facts["error"] = attrs.asdict(self.fault)
        return records.line(facts)

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
        elif self.trace is None:
            yield f"{head} error: {self.item.problem}"
        else:
            first, *lines = self._of_rows(self.trace).lines()
            yield f"{head} {first}"
            yield from lines
        yield ""

    def _styles(self) -> list[str]:
        """The styles of those lines but for the last."""
        at_fault = [] if self.fault is None else [show.STYLES[Fate.FAULT]]
        if self.skipped is not None:
            return [show.SKIPPED]
        if self.trace is None:
            return at_fault
        told = [show.STYLES[Fate.SENT] if is_good else show.REFUSED for _, is_good in self.trace.verdict()]
        return [show.HEAD, *map(_style, self.rows), *told, *at_fault]

    def _of_rows(self, trace: Trace) -> Trace:
        return trace if self.rows is trace.rows else attrs.evolve(trace, rows=self.rows)


def _style(row: Row) -> str:
    return show.REFUSED if row.fate is Fate.SENT and row.problem else show.STYLES[row.fate]


@attrs.frozen
class _Asked:
    """What is asked for: of which events and rows, with which configs and tenant, with or without their values."""

    configs: Configs
    tenant: Tenant | None
    pick: Pick
    mask: bool = attrs.field(kw_only=True)

    def entry(self, item: Item) -> _EventEntry | None:
        """What is shown of the event; None if nothing of it was asked for. Raises NoConfigError."""
        if item.problem is not None:
            return _EventEntry(item) if self.pick.shows((), at_fault=True) else None
        trace = explain(item.event, self.configs.of(item), tenant=self.tenant)
        trace = trace.masked() if self.mask else trace
        rows = () if trace.skipped else self.pick.rows(trace)
        if not self.pick.shows(rows, at_fault=trace.error is not None and not trace.skipped):
            return None
        names = (trace.type, None) if self.mask else (text_of(item.event, "type"), text_of(item.event, "messageId"))
        return _EventEntry(item, trace, rows, *names)


@contextmanager
def _printing(bar: Progress, form: str, *, in_colours: bool) -> Iterator[Callable[[_EventEntry], object]]:
    """What prints events on standard output."""
    if in_colours:
        console = show.console_on_stdout() if bar.disable else bar.console
        yield lambda entry: console.print(entry.styled(), soft_wrap=True)
        return
    with standard_output(bar) as write:
        yield lambda entry: write(entry.line() if form == "json" else entry.text())


def _page(profile: Profile, events: str, config_file: str | None, asked: _Asked) -> bytes:
    from gainsight_dest.report import page  # noqa: PLC0415 - of an extra of its own

    shown = _shown(profile, asked.pick)
    seen = profile if shown is None else None  # of some events alone nobody knows what none of them uses
    config = written(config_file) if config_file else None
    findings = lint({"Config": config.config}, seen, tenant=asked.tenant) if config else ()
    name = "standard input" if events == "-" else Path(events).name
    html = page(
        profile,
        findings,
        source=name,
        note=shown,
        made_on=datetime.now().astimezone().date(),
        destination=config.name if config else None,
    )
    return html.encode(errors="backslashreplace")
