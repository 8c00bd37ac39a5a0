"""`gainsight-dest lint`: what is wrong with a destination config, or may be."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from itertools import groupby
from typing import Any

import attrs
import click
from rich.console import Console
from rich.text import Text

from gainsight_dest import DestinationConfig, Finding, Profile, Severity, explain, lint
from gainsight_dest.cli import show
from gainsight_dest.cli.config import config_needed, written
from gainsight_dest.cli.files import WrongInputError, fail_empty_option, reading
from gainsight_dest.cli.options import refuse_idle
from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.cli.streams import read_events, warn, watched
from gainsight_dest.linting.rules import RULES, Rule
from gainsight_dest.linting.subject import subject_of
from gainsight_dest.transform import SWITCHED_OFF, switched_off

FOUND_ERRORS = 1

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_RULES = {rule.code: rule for rule in RULES}


@click.command("lint", short_help="Tell what is wrong with a destination config, or may be.")
@config_needed
@click.option(
    "--events", metavar="FILE", help="Events that are sent by it, to compare it with: as for transform, - included."
)
@fail_empty_option
@click.option("--mask", is_flag=True, help="Show no value of the events, such as the name of a company.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print it; github: as annotations of a workflow.",
)
@click.pass_context
def lint_command(
    context: click.Context, /, config_file: str, events: str | None, form: str, *, fail_empty: bool, mask: bool
) -> int:
    """Tell what is wrong with a destination config, or may be. Nothing is sent.

    An error makes events fail; a warning may be meant so. With --events it also tells of mappings that none of them
    uses, of names that are nearly a mapped one, of events that are not mapped, of values that Gainsight refuses, of
    names of companies that look alike.

    Exit status: 0 no errors, 1 errors, 2 wrong use.
    """
    refuse_idle(context, {"fail_empty": "events", "mask": "events"})
    file = written(config_file)
    config = {"Config": file.config}
    seen = None
    if events is not None:
        seen = _seen(events, subject_of(config).config, Profile(mask=mask), fail_empty=fail_empty)
    placed = [Placed(finding, file.lines.of(finding.place)) for finding in lint(config, seen.summary if seen else None)]
    _FORMS[form](Report(config_file, placed, seen))
    return FOUND_ERRORS if any(each.finding.severity is Severity.ERROR for each in placed) else 0


@attrs.frozen
class Placed:
    """A finding, and its line in the file of the config; None if it is not about a place in it."""

    finding: Finding
    line: int | None


@attrs.frozen
class Seen:
    """The events of a file: what becomes of them, how many there are, and how many of those cannot be read."""

    summary: Profile
    events: int
    unreadable: int


@attrs.frozen
class Report:
    """All that is found: in which file, what, and with which events, if there were any."""

    file: str
    findings: list[Placed]
    seen: Seen | None

    def counts(self) -> dict[str, int]:
        """The findings by severity: errors and warnings."""
        found = Counter(each.finding.severity for each in self.findings)
        return {f"{severity.value}s": found[severity] for severity in Severity}


def _seen(events: str, config: DestinationConfig, summary: Profile, *, fail_empty: bool) -> Seen:
    """The events of the file, counted in the summary; of integrations that may be meant otherwise it is warned."""
    found = Counter[bool]()
    off = Counter[str]()
    try:
        with ExitStack() as stack:
            file = stack.enter_context(reading(events))
            bar = show.progress(show.console_on_stderr(), to_stdout=False)
            if not bar.disable:  # some releases of rich end a disabled bar with a blank line
                stack.enter_context(bar)
            for item in watched(read_events(file, fail_empty=fail_empty), file, bar):
                found[item.problem is None] += 1
                if item.problem is not None:
                    summary.fail(NOT_JSON, item.problem, item.number)
                elif (reason := switched_off(item.event)) is None:
                    summary.add(explain(item.event, config), item.number)
                else:
                    off[reason] += 1
                    summary.skip(reason, item.number)
    except OSError as error:
        raise WrongInputError(f"{events} cannot be read: {error.strerror}") from None
    for reason, times in off.items():
        if reason != SWITCHED_OFF:  # which is meant so
            warn(f"{_counted(times, 'event')} {'is' if times == 1 else 'are'} {reason}")
    return Seen(summary, found.total(), found[False])


# --- forms ------------------------------------------------------------------------------------------------------------


def _print_text(report: Report) -> None:
    console = show.console_on_stdout()
    errors_first = sorted(report.findings, key=lambda each: each.finding.severity is not Severity.ERROR)
    for code, found in groupby(errors_first, key=lambda each: each.finding.rule):
        _print_rule(console, _RULES[code], list(found))
    console.print(Text(f"{report.file}: {_total(report)}"), soft_wrap=True)


def _total(report: Report) -> str:
    words = " and ".join(_counted(number, name.removesuffix("s")) for name, number in report.counts().items())
    if report.seen is not None:
        words += f", with {_counted(report.seen.events, 'event')}"
        words += f", {report.seen.unreadable:,} of which cannot be read" if report.seen.unreadable else ""
    return words


def _print_rule(console: Console, rule: Rule, found: list[Placed]) -> None:
    """A rule, and below it what it found: line, place, problem, and the remedy where the rule's own will not do."""
    head = Text.assemble((rule.severity.value, _STYLES[rule.severity]), " ", (rule.code, "bold"), f": {rule.about}")
    console.print(head, soft_wrap=True)
    width = max(len(str(each.line or "")) for each in found)
    for line, finding in ((each.line, each.finding) for each in found):
        remedy = "" if finding.remedy == rule.remedy else f". {finding.remedy}"
        number = f"{line or '':>{width}}  " if width else ""
        console.print(
            Text.assemble(f"  {number}", (finding.place, "cyan"), f"  {finding.problem}{remedy}"), soft_wrap=True
        )
    if any(each.finding.remedy == rule.remedy for each in found):
        console.print(Text(f"  {rule.remedy}"), soft_wrap=True)
    console.print()


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _print_json(report: Report) -> None:
    findings = [_as_dict(each) for each in report.findings]
    events = report.seen and {"read": report.seen.events, "unreadable": report.seen.unreadable}
    found = {"file": report.file, "findings": findings, "counts": report.counts(), "events": events}
    show.say(json.dumps(found, indent=2, ensure_ascii=False))


def _as_dict(each: Placed) -> dict[str, Any]:
    facts = attrs.asdict(each.finding)
    return {**facts, "severity": each.finding.severity.value, "line": each.line}


def _print_github(report: Report) -> None:
    for each in report.findings:
        finding = each.finding
        where = {"file": report.file, "line": each.line, "title": finding.rule}
        properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in where.items() if value)
        message = _escaped(f"{finding.place}: {finding.problem}. {finding.remedy}")
        show.say(f"::{finding.severity.value} {properties}::{message}")


def _escaped(text: str, more: str = "") -> str:
    """The text as a workflow command takes it; in a property of one, colons and commas are escaped, too."""
    return "".join(f"%{ord(letter):02X}" if letter in f"%\r\n{more}" else letter for letter in text)


_FORMS = {"text": _print_text, "json": _print_json, "github": _print_github}
