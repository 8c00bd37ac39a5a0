"""`gainsight-dest probe`: asks a tenant what no public page says of Gainsight, and what that changes here."""

from __future__ import annotations

import json
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from gainsight_dest import ConfigError, DestinationConfig, EventError, transform
from gainsight_dest.cli import FAILED, WRONG_USE, show
from gainsight_dest.cli.ask import CountedCalls, ask_options
from gainsight_dest.cli.config import config_option, fixed_config
from gainsight_dest.cli.files import (
    ReaderGoneError,
    WrongInputError,
    blamed,
    check_replaceable,
    check_written,
    content,
    json_of,
    why,
    write_whole,
)
from gainsight_dest.cli.options import format_option, number_option, refuse_contradictions, refuse_idle
from gainsight_dest.cli.stop import Stop
from gainsight_dest.spelling import counted

if TYPE_CHECKING:
    from gainsight_dest.descriptors import Request
    from gainsight_dest.probing import Comparison, Probe
    from gainsight_dest.probing.probe import Steps

_OUT = "probe.json"
#: Options that go not with each other, by the names of their parameters.
_ALONE = ("yes", "out", "send_test_event", "until_throttled", "calls_per_minute", "timeout", "base_url")
_CONTRADICTIONS = {
    "compare": ("clean_up", *_ALONE),
    "clean_up": ("out", "send_test_event", "until_throttled", "form"),
}
#: Calls of a probe without the options, about.
_CALLS = 50
_STYLES = {"as assumed": "green", "differs": "bold yellow", "not asked": "bright_black", "not answered": "red"}


@click.command("probe", short_help="Ask a sandbox tenant what no public page says of Gainsight.")
@config_option
@click.option("--out", metavar="FILE", default=_OUT, show_default=True, help="Write what was found here.")
@click.option("--yes", is_flag=True, help="Do not ask whether to write to the tenant.")
@ask_options
@click.option("--send-test-event", metavar="NAME", help="Send this event of the config, too. Rules may start by it.")
@click.option("--until-throttled", is_flag=True, help="Make calls until Gainsight has had too many.")
@number_option("--calls-per-minute", 30, "How many calls to make in a minute; 0: as fast as possible.")
@click.option("--compare", metavar="FILE", help="Send nothing: show where this probe differs from what is assumed.")
@click.option("--clean-up", metavar="FILE", help="Only delete the companies that this probe has left.")
@format_option()
def probe_command(config_file: str | None, form: str, compare: str | None, clean_up: str | None, **options: Any) -> int:
    """Ask a tenant what no public page says of Gainsight: use a sandbox tenant.

    It writes a few companies and one person, by names that no other record has, and says so before. It deletes the
    companies at the end, also after an error or Ctrl-C. A person cannot be deleted this way. What it found is in FILE:
    shapes, codes and times of answers, without a key, a host, or a value of the tenant's.

    Exit status: 0 all was asked, 1 a question was not answered, or a company is left; with --compare: something
    differs; 2 wrong use or config, or a probe that could not go on; 130 ended by Ctrl-C, 143 by SIGTERM.
    """
    refuse_contradictions(_CONTRADICTIONS)
    refuse_idle({"destination": "config_file"})
    if compare is not None:
        return _compare(compare, form)
    if config_file is None:
        raise click.UsageError("--config FILE is needed, or --compare FILE", click.get_current_context())
    from gainsight_dest.probing import Probe, mark_in  # noqa: PLC0415 - few runs probe

    config = fixed_config(config_file)
    if config.access_key is None:
        raise WrongInputError(f"{config_file}: accessKey: is needed to ask a tenant")
    if clean_up is not None:
        with blamed(clean_up):
            mark = mark_in(json_of(clean_up, content(clean_up)))
        return _Run(Probe(config, mark, gap=_gap(options)), options).delete()
    check_replaceable(options["out"])
    check_written({"--out": options["out"]}, {config_file: "the config"})
    event = _event(config, options["send_test_event"])
    mark = secrets.token_hex(5)
    made = Probe(config, mark, event, until_throttled=options["until_throttled"], gap=_gap(options))
    return _Run(made, options).ask(form)


def _gap(options: dict[str, Any]) -> float:
    """Seconds from one call to the next."""
    calls = options["calls_per_minute"]
    return 60 / calls if calls else 0.0


def _event(config: DestinationConfig, name: str | None) -> Request | None:
    """What sends the event of that name, without properties. Raises WrongInputError."""
    if name is None:
        return None
    try:
        return transform({"type": "track", "event": name, "properties": {}}, config)
    except (ConfigError, EventError) as error:
        problem = str(error)
    raise WrongInputError(f"--send-test-event: {problem}")


class _Run:
    """One run of a probe: its file, and what is told of it at the terminal."""

    def __init__(self, made: Probe, options: dict[str, Any]) -> None:
        self._probe = made
        self._options = options
        self._calls = CountedCalls("probe", options["base_url"], options["timeout"])
        self._stop = Stop(self._end)
        self._told = 0
        self._problem: str | None = None

    def ask(self, form: str) -> int:
        """All questions. The exit status. Raises WrongInputError for a probe that could not go on."""
        from gainsight_dest.probing import as_data, compared, probe_flow  # noqa: PLC0415 - few runs probe

        self._confirm(self._plan())
        self._drive(probe_flow(self._probe, self._keep))
        found = compared(as_data(self._probe))
        _FORMS[form](found)
        self._tell_of_the_end(form)
        if self._problem is not None:
            raise WrongInputError(f"{self._options['out']} cannot be written: {self._problem}")
        if self._probe.ended is not None:
            raise WrongInputError(self._probe.config.hide(self._probe.ended))
        is_open = any(finding.unanswered is not None for finding in self._probe.findings.values())
        return self._stop.status or (FAILED if is_open or self._probe.left.companies else 0)

    def delete(self) -> int:
        """Only the companies that an earlier run has left. The exit status."""
        from gainsight_dest.probing import clean_up  # noqa: PLC0415 - few runs probe

        probe = self._probe
        probe.has_written_companies = True
        probe.unsure.update(probe.names)
        self._confirm(
            f"This deletes companies of {_target(probe.config, self._options)} with these names:", probe.names
        )
        self._drive(clean_up(probe))
        show.say(f"{counted(len(probe.deleted), 'company record')} deleted.")
        self._tell_what_is_left()
        return self._stop.status or (FAILED if probe.left.companies else 0)

    def _drive(self, flow: Steps[None]) -> None:
        from gainsight_dest.probing import drive  # noqa: PLC0415 - few runs probe

        with self._calls as send, self._stop.heeded():
            drive(self._probe, flow, send)

    def _end(self) -> None:
        self._probe.is_stopped = True
        if self._probe.has_written_companies:
            _say_aside("Ending: the companies are deleted first. Ctrl-C again would leave them there.")

    def _keep(self) -> None:
        """Write what is known so far, and say what is new of it."""
        from gainsight_dest.probing import as_data  # noqa: PLC0415 - few runs probe

        try:
            text = json.dumps(as_data(self._probe), indent=1, ensure_ascii=False)
            write_whole(self._options["out"], f"{text}\n", for_all=True)
        except OSError as error:  # the companies are deleted all the same
            self._problem = why(error)
        else:
            self._problem = None
        for name, finding in [*self._probe.findings.items()][self._told :]:
            said = finding.answer or finding.unanswered or finding.unasked
            _say_aside(f"{name}: {said}")
        self._told = len(self._probe.findings)

    # --- what is told -----------------------------------------------------------------------------------------------

    def _plan(self) -> str:
        probe, options = self._probe, self._options
        minutes = f", in about {_CALLS * probe.gap / 60:.0f} minutes" if probe.gap >= 1 else ""
        lines = [
            f"This asks {_target(probe.config, options)}, with about {_CALLS} calls{minutes}. It writes there:",
            f"  companies, which are deleted at the end: {probe.name(1)} to {probe.names[-1].rpartition('-')[2]}",
            f"  a person, who stays: {probe.email}",
        ]
        if probe.event is not None:
            lines.append(f"  an event, which stays: {options['send_test_event']}")
        if probe.until_throttled:
            lines.append("It makes calls until there are too many: for a minute, nobody's calls get through.")
        return "\n".join([*lines, "Rules and programs of the tenant may start by it: use a sandbox tenant."])

    def _confirm(self, text: str, names: Sequence[str] = ()) -> None:
        """Asks. Raises WrongInputError where nobody can answer, and click's Exit where the answer is no."""
        _say_aside("\n".join([text, *(f"  {name}" for name in names)]))
        if self._options["yes"]:
            return
        if not sys.stdin.isatty():
            raise WrongInputError("there is no terminal to ask at: to go on all the same, add --yes")
        if not click.confirm("Go on?", err=True):
            _say_aside("Nothing was sent.")
            raise click.exceptions.Exit(WRONG_USE)

    def _tell_of_the_end(self, form: str) -> None:
        say = show.say if form == "text" else _say_aside
        seconds = "" if self._probe.is_complete else ", though it did not come to its end"
        say(f"{counted(self._probe.calls, 'call')}. What was found is in {self._options['out']}{seconds}.")
        self._tell_what_is_left()

    def _tell_what_is_left(self) -> None:
        left = self._probe.left
        if left.companies:
            _say_aside("These companies could not be deleted, or may be there: delete them in Gainsight.")
            _say_aside("\n".join(f"  {name}" for name in left.companies))
        for email in left.people:
            _say_aside(f"This person stays; Gainsight has no public call to delete one: {email}")


def _target(config: DestinationConfig, options: dict[str, Any]) -> str:
    from gainsight_dest.deliver.call import target_of  # noqa: PLC0415 - few runs probe

    return target_of(config, options["base_url"])


def _say_aside(text: str) -> None:
    """Print lines on standard error, if anybody still reads them: the companies are deleted all the same."""
    with suppress(OSError, ReaderGoneError):
        show.console_on_stderr().print(Text(text), soft_wrap=True)


# --- comparisons ------------------------------------------------------------------------------------------------------


def _compare(file: str, form: str) -> int:
    from gainsight_dest.probing import Verdict, compared  # noqa: PLC0415 - few runs probe

    data = json_of(file, content(file))
    with blamed(file):
        found = compared(data)
    _FORMS[form](found)
    return FAILED if any(each.verdict is Verdict.DIFFERS for each in found) else 0


def _print_text(found: Sequence[Comparison]) -> None:
    console = show.console_on_stdout()
    table = show.table("fact", "verdict", "answer", "assumed")
    for each in found:
        expected = "" if each.answer == each.fact.expected else each.fact.expected
        table.add_row(each.fact.name, [(each.verdict.value, _STYLES[each.verdict.value])], each.answer, expected)
    console.print(table)
    for each in found:
        if each.verdict.value == "differs":
            told = f"{each.fact.name}: {each.fact.question} Change {each.fact.constant}, and docs/{each.fact.page}."
            console.print(Text(told), soft_wrap=True)
    numbers = Counter(each.verdict.value for each in found)
    show.say(", ".join(f"{number} {verdict}" for verdict, number in numbers.items()))


def _print_json(found: Sequence[Comparison]) -> None:
    rows = [
        {
            "fact": each.fact.name,
            "question": each.fact.question,
            "verdict": each.verdict.value,
            "answer": each.answer,
            "assumed": each.fact.expected,
            "certainty": each.fact.certainty.value,
            "constant": each.fact.constant,
            "page": each.fact.page,
        }
        for each in found
    ]
    show.say(json.dumps(rows, indent=2, ensure_ascii=False))


_FORMS = {"text": _print_text, "json": _print_json}
