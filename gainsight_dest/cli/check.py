"""`gainsight-dest check`: a destination, tried against Gainsight before the first event."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import click

from gainsight_dest import DestinationConfig, Request, ResponseError
from gainsight_dest.checking.check import check
from gainsight_dest.checking.result import Mark, Result, status_of
from gainsight_dest.checking.steps import Answered, CheckSubject, Host
from gainsight_dest.cli import show
from gainsight_dest.cli.ask import CountedCalls, ask_options, unknown_host
from gainsight_dest.cli.config import config_needed, fixed_config, written
from gainsight_dest.cli.options import format_option, tenant_option
from gainsight_dest.spelling import counted
from gainsight_dest.values import quoted

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

#: What stands before each line, and its style.
SIGNS = {
    Mark.OK: ("✓", "green"),
    Mark.WARNING: ("!", "bold yellow"),
    Mark.FAULT: ("✗", "bold red"),
    Mark.UNTRIED: ("·", "bright_black"),
}
_MOST_NAMED = 20


@click.command("check", short_help="Check a destination against Gainsight, before the first event.")
@config_needed
@tenant_option
@click.option("--send-test-event", "event", metavar="NAME", help="Send one event of this name of the maps: a real one.")
@ask_options
@format_option()
def check_command(
    config_file: str, tenant: Tenant | None, event: str | None, base_url: str | None, timeout: int, form: str
) -> int:
    """Check a destination against Gainsight, before the first event. Nothing is changed there.

    It looks at the config, the host, the connection, the access key, its rights to people and companies, each mapped
    and each standard field, and the settings for track events. Each line says how it went: ✓ well, ! events may be
    refused, ✗ to be fixed, · not tried; and what to do. A step that fails does not keep others from being tried.

    With --tenant the fields are those of a file that `describe` wrote. With --send-test-event it sends one track event
    without properties, which starts the rules of the tenant that wait for it.

    Exit status: 0 all well, 1 something is to be fixed in mappings or rights, 2 wrong use or config, or no answer to
    check against, as with a wrong key; 130 ended by Ctrl-C.
    """
    config = fixed_config(config_file)
    _check_event(event, config)
    with CountedCalls("check", base_url, timeout) as calls:
        subject = CheckSubject(calls.at(config), {"Config": written(config_file).config}, tenant, calls.proxy, event)
        report = Report(config_file, calls)
        try:
            for result in check(subject, lambda asked: _asked(asked, calls)):
                report.results.append(_hidden(result, config))
            report.is_whole = True
        finally:  # what is known is shown after Ctrl-C, too
            _FORMS[form](report)
    return status_of(report.results)


@attrs.define
class Report:
    """What was found so far in the destination of a file, the calls that it took, and whether that is all."""

    file: str
    calls: CountedCalls
    results: list[Result] = attrs.field(factory=list)
    is_whole: bool = False

    def counts(self) -> dict[str, int]:
        """The results by their marks."""
        found = Counter(result.mark for result in self.results)
        return {mark.value: found[mark] for mark in Mark}


def _check_event(event: str | None, config: DestinationConfig) -> None:
    """Raises click.UsageError for an event that cannot be sent."""
    if event is None or event in config.events:
        return
    names = [quoted(name) for name in config.events]
    known = f"these can be sent: {', '.join(names[:_MOST_NAMED])}" if names else "the config has none that can be sent"
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    raise click.UsageError(f"--send-test-event: no event {quoted(event)} is in both maps; {known}{more}")


def _asked(asked: Host | Request, calls: CountedCalls) -> Answered | str | None:
    """What came of it."""
    if isinstance(asked, Host):
        return unknown_host(asked.name)
    response = None
    try:
        response = calls(asked)
        asked.next(response)
    except ResponseError as error:
        return Answered(response, error)
    return Answered(response)


def _hidden(result: Result, config: DestinationConfig) -> Result:
    """The result without a key, should one be in a name."""
    subject, found, remedy = map(config.hide, (result.subject, result.found, result.remedy))
    return attrs.evolve(result, subject=subject, found=found, remedy=remedy)


# --- forms ------------------------------------------------------------------------------------------------------------


def _print_text(report: Report) -> None:
    shown = show.table("", "step", "of what", "found", "what to do")
    last = None
    for result in report.results:
        sign, style = SIGNS[result.mark]
        step = result.step if result.step != last else ""
        shown.add_row([(sign, style)], step, result.subject, result.found, result.remedy)
        last = result.step
    for column in shown.columns:
        column.justify = "left"
    console = show.console_on_stdout()
    console.print(shown)
    counts = report.counts()
    words = [counted(counts[mark.value], noun) for mark, noun in ((Mark.FAULT, "fault"), (Mark.WARNING, "warning"))]
    words += [f"{counts[Mark.UNTRIED.value]:,} not tried"] if counts[Mark.UNTRIED.value] else []
    end = "" if report.is_whole else "; ended before the steps that are left"
    console.print(f"\n{report.file}: {', '.join(words)}; {counted(report.calls.made, 'call')}{end}", soft_wrap=True)


def _print_json(report: Report) -> None:
    results = [{**_shown(result), "mark": result.mark.value} for result in report.results]
    facts = {"counts": report.counts(), "calls": report.calls.made, "is_whole": report.is_whole}
    found = {"file": report.file, "results": results, **facts}
    show.say(json.dumps(found, indent=2, ensure_ascii=False))


def _shown(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in ("step", "subject", "mark", "found", "remedy")}


_FORMS = {"text": _print_text, "json": _print_json}
