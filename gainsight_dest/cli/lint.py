"""`gainsight-dest lint`: what is wrong with a destination config, or may be."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.console import Console
from rich.text import Text

from gainsight_dest import DestinationConfig, Finding, Profile, Severity, explain, lint
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.config import config_needed, fit_option, fitting, written
from gainsight_dest.cli.events import reading_events
from gainsight_dest.cli.options import (
    fail_empty_option,
    format_option,
    refuse_idle,
    table_of,
    table_options,
    tenant_option,
)
from gainsight_dest.cli.streams import warn
from gainsight_dest.files.read import NOT_JSON
from gainsight_dest.linting.rules import RULES, LintRule
from gainsight_dest.linting.subject import subject_of
from gainsight_dest.spelling import counted
from gainsight_dest.templates import Settings
from gainsight_dest.transform import SWITCHED_OFF

if TYPE_CHECKING:
    from gainsight_dest.files.tables import TableOptions
    from gainsight_dest.tenant import Tenant

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_RULES = {rule.code: rule for rule in RULES}


@click.command("lint", short_help="Show what is wrong, or may be wrong, in a destination config.")
@config_needed
@tenant_option
@fit_option
@click.option("--events", metavar="FILE", help="Compare the config with these events: a file, or - for standard input.")
@table_options
@fail_empty_option
@click.option("--mask", is_flag=True, help="Show no values of the events, such as names of companies.")
@format_option("How to print it; github: as annotations of a GitHub workflow.", "github")
def lint_command(
    config_file: str,
    tenant: Tenant | None,
    fit: str | None,
    events: str | None,
    kind: str | None,
    columns: dict[str, str],
    form: str,
    *,
    fail_empty: bool,
    mask: bool,
) -> int:
    """Show what is wrong, or may be wrong, in a destination config. Nothing is sent.

    An error makes events fail. A warning may be what you want. With --events it also finds mappings that no event uses,
    names that are almost a mapped one, events without a mapping, values that Gainsight refuses, and names of companies
    that look alike. With --tenant it finds mappings to fields that this tenant has not, or lets no one write, and
    fields that a new record needs and nothing is mapped to. With both it finds the values that this tenant refuses: of
    another type, too long, no option of a picklist, and others; with --fit, those that cannot be made to fit.

    Exit status: 0 no errors, 1 errors, 2 wrong use.
    """
    refuse_idle({"fail_empty": "events", "mask": "events", "fit": "events", "kind": "events"})
    file = written(config_file)
    config = {"Config": file.config}
    profile = None
    if events is not None:
        profile = Profile(mask=mask)
        usable = fitting(subject_of(config).config, tenant, fit)
        table = table_of(kind, columns, usable, tenant)
        _add_events(profile, events, usable, tenant, table, fail_empty=fail_empty)
    findings = [(file.lines.of(finding.place), finding) for finding in lint(config, profile, tenant=tenant)]
    _FORMS[form](LintReport(config_file, findings, profile))
    return FAILED if any(finding.severity is Severity.ERROR for _, finding in findings) else 0


@attrs.frozen
class LintReport:
    """All that is found: in which file, what, and with which events, if there were any.

    `findings`: each with its line in the file; None if it is not about a place in it.
    """

    file: str
    findings: list[tuple[int | None, Finding]]
    profile: Profile | None

    def counts(self) -> dict[str, int]:
        """The findings by severity: errors and warnings."""
        found = Counter(finding.severity for _, finding in self.findings)
        return {f"{severity.value}s": found[severity] for severity in Severity}

    def events(self) -> dict[str, int] | None:
        """How many events were read, and how many of those cannot be; None without events."""
        if self.profile is None:
            return None
        unreadable = [tally.times for tally in self.profile.errors.values() if tally.kind == NOT_JSON]
        return {"read": self.profile.events.total(), "unreadable": sum(unreadable)}


def _add_events(
    profile: Profile,
    events: str,
    config: DestinationConfig | Settings,
    tenant: Tenant | None,
    table: TableOptions | None,
    *,
    fail_empty: bool,
) -> None:
    """Count the events of the file; warn of integrations that may be meant otherwise."""
    with reading_events(events, fail_empty=fail_empty, table=table) as source:
        for item in source.items:
            if item.problem is None:
                profile.add(explain(item.event, config, tenant=tenant), item.number)
            else:
                profile.fail(NOT_JSON, item.problem, item.number)
    for tally in profile.skipped.values():
        if tally.kind == "skipped" and tally.text != SWITCHED_OFF:  # which is meant so
            warn(f"{counted(tally.times, 'event')} {'is' if tally.times == 1 else 'are'} {tally.text}")


# --- forms ------------------------------------------------------------------------------------------------------------


def _print_text(report: LintReport) -> None:
    console = show.console_on_stdout()
    errors_first = sorted(report.findings, key=lambda each: each[1].severity is not Severity.ERROR)
    for code, found in groupby(errors_first, key=lambda each: each[1].rule):
        _print_rule(console, _RULES[code], list(found))
    console.print(Text(f"{report.file}: {_total(report)}"), soft_wrap=True)


def _total(report: LintReport) -> str:
    words = " and ".join(counted(number, name.removesuffix("s")) for name, number in report.counts().items())
    if events := report.events():
        words += f", with {counted(events['read'], 'event')}"
        words += f", {events['unreadable']:,} of which cannot be read" if events["unreadable"] else ""
    return words


def _print_rule(console: Console, rule: LintRule, found: list[tuple[int | None, Finding]]) -> None:
    """A rule, and below it what it found: line, place, problem, and the remedy where the rule's own will not do."""
    head = Text.assemble((rule.severity.value, _STYLES[rule.severity]), " ", (rule.code, "bold"), f": {rule.about}")
    console.print(head, soft_wrap=True)
    width = max(len(str(line or "")) for line, _ in found)
    for line, finding in found:
        remedy = "" if finding.remedy == rule.remedy else f". {finding.remedy}"
        number = f"{line or '':>{width}}  " if width else ""
        console.print(
            Text.assemble(f"  {number}", (finding.place, "cyan"), f"  {finding.problem}{remedy}"), soft_wrap=True
        )
    if any(finding.remedy == rule.remedy for _, finding in found):
        console.print(Text(f"  {rule.remedy}"), soft_wrap=True)
    console.print()


def _print_json(report: LintReport) -> None:
    findings = [_as_dict(*each) for each in report.findings]
    found = {"file": report.file, "findings": findings, "counts": report.counts(), "events": report.events()}
    show.say(json.dumps(found, indent=2, ensure_ascii=False))


def _as_dict(line: int | None, finding: Finding) -> dict[str, Any]:
    return {**attrs.asdict(finding), "severity": finding.severity.value, "line": line}


def _print_github(report: LintReport) -> None:
    for line, finding in report.findings:
        where = {"file": report.file, "line": line, "title": finding.rule}
        properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in where.items() if value)
        message = _escaped(f"{finding.place}: {finding.problem}. {finding.remedy}")
        show.say(f"::{finding.severity.value} {properties}::{message}")


def _escaped(text: str, more: str = "") -> str:
    """The text as a workflow command takes it; in a property of one, colons and commas are escaped, too."""
    return "".join(f"%{ord(letter):02X}" if letter in f"%\r\n{more}" else letter for letter in text)


_FORMS = {"text": _print_text, "json": _print_json, "github": _print_github}
