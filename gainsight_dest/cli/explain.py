"""`gainsight-dest explain`: where each trait and property goes, or why it does not."""

from __future__ import annotations

import json
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import attrs
import click

from gainsight_dest import ConfigError, Explanation, Summary, UnsupportedTypeError, explain, is_enabled, lint
from gainsight_dest.cli import outcome, read, show
from gainsight_dest.cli.files import config_option, content, destination_config, needs, nowhere, reading, writing
from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.cli.streams import plain_output, standard_output, watched
from gainsight_dest.cli.tally import Tally
from gainsight_dest.explanation import printable
from gainsight_dest.outcome import Fault
from gainsight_dest.transform import SWITCHED_OFF

FAILED = 1


@click.command("explain", short_help="Tell where each trait of EVENTS goes, or why it does not.")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
@click.option("--summary", is_flag=True, help="Tell it of each trait, over all events, rather than of each event.")
@click.option("--html", metavar="FILE", help="Write the summary as a page, with a picture of what goes where.")
@click.option("--mask", is_flag=True, help="Show no value of the events, but what it is: <a string>.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
def explain_command(
    events: str, config_file: str | None, form: str, html: str | None, *, summary: bool, mask: bool
) -> int:
    """Tell where each trait and property of EVENTS goes, or why it does not. Nothing is sent.

    EVENTS is NDJSON or a JSON array, plain or gzipped, a file or - for standard input; events may come in RudderStack's
    nested form, {"message": {...}, "destination": {...}}; without --config each must carry its destination so.

    For each event, or with --summary for each trait of all: where it came from, the field it went to, its value, how it
    was changed, or why it did not go: no mapping, blank, not a number, overridden by another. As json it is one object
    an event, or one for the summary.

    Exit status: 0 all well, 1 some events are at fault, 2 wrong use or config.
    """
    if html is not None:
        needs("--html", "report", "jinja2")
    configs = outcome.Configs(destination_config(config_file) if config_file else None)
    counts = Summary(mask=mask)
    tally = Tally(("events", "skipped", "errors"))
    console = show.console_on_stderr()
    is_told = not summary and html is None
    with ExitStack() as stack:
        file = stack.enter_context(reading(events))
        write_page = stack.enter_context(writing(html, file) if html else nullcontext(nowhere))
        bar = show.progress(console, to_stdout=is_told)
        if not bar.disable:  # some releases of rich end a disabled bar with a blank line
            stack.enter_context(bar)
        write = stack.enter_context(standard_output(bar)) if is_told else None
        for item in watched(read.events(file), file, bar):
            told = _told(item, configs, mask=mask)
            told.count(tally, counts)
            if write is not None:
                write(told.line() if form == "json" else told.text())
        if html is not None:
            write_page(_page(counts, events, config_file))
    if summary and form == "json":
        with plain_output() as write_summary:
            write_summary(outcome.line(counts.as_dict()))
    elif summary:
        out = show.console_on_stdout()
        for table in show.traits(counts):
            out.print(table)
    for table in show.summary(tally):
        console.print(table)
    return FAILED if tally.errors else 0


@attrs.frozen
class _Told:
    """What is told of one event: its explanation, or why there is none."""

    item: read.Item
    type: str | None
    message_id: str | None
    explanation: Explanation | None = None
    skipped: str | None = None
    fault: Fault | None = None

    def count(self, tally: Tally, counts: Summary) -> None:
        """Count it."""
        found = {"events": 1, "skipped": self.skipped is not None, "errors": self.fault is not None}
        tally.add(self.item.number, self.type, found, self.skipped, self.fault)
        if self.explanation is not None:
            counts.add(self.explanation, self.item.number)
        elif self.fault is not None:
            counts.fail(self.fault.kind, self.fault.message, self.item.number)
        else:
            counts.skip(str(self.skipped), self.item.number)

    def line(self) -> bytes:
        """All of it as a line of JSON."""
        facts: dict[str, Any] = {"number": self.item.number, "message_id": self.message_id, "type": self.type}
        if self.skipped is not None:
            return outcome.line({**facts, "skipped": self.skipped})
        facts["rows"] = [] if self.explanation is None else self.explanation.as_dict()["rows"]
        if self.fault is not None:
            facts["error"] = attrs.asdict(self.fault)
        return outcome.line(facts)

    def text(self) -> str:
        """All of it as lines for people."""
        head = " ".join(filter(None, (f"{self.item.number}.", printable(self.message_id or ""))))
        if self.explanation is not None and self.skipped is None:
            body = self.explanation.text()
        else:
            body = f"  skipped: {self.skipped}" if self.skipped else f"  error: {self.fault and self.fault.message}"
        return f"{head} {body.lstrip()}\n\n"


def _told(item: read.Item, configs: outcome.Configs, *, mask: bool) -> _Told:
    if item.problem is not None:
        return _Told(item, None, None, fault=Fault(NOT_JSON, None, item.problem))
    try:
        explanation = explain(item.event, configs.of(item))
    except ConfigError as error:  # of the event's own destination
        explanation = Explanation(None, (), error)
    explanation = explanation.masked() if mask else explanation
    problem = explanation.error
    event_type = explanation.type if mask else outcome.text_of(item, "type")
    message_id = None if mask else outcome.text_of(item, "messageId")
    if not is_enabled(item.event):
        return _Told(item, event_type, message_id, skipped=SWITCHED_OFF)
    if isinstance(problem, UnsupportedTypeError):
        return _Told(item, event_type, message_id, explanation, skipped=str(problem))
    fault = None if problem is None else Fault(type(problem).__name__, problem.path, str(problem))
    return _Told(item, event_type, message_id, explanation, fault=fault)


def _page(counts: Summary, events: str, config_file: str | None) -> bytes:
    from gainsight_dest.report import page  # noqa: PLC0415 - of an extra of its own

    findings = lint(json.loads(content(config_file)), counts) if config_file else ()
    name = "standard input" if events == "-" else Path(events).name
    return page(counts, findings, source=name).encode(errors="backslashreplace")
