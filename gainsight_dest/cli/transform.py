"""`gainsight-dest transform`: the requests that events would become."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext

import click

from gainsight_dest.cli import outcome, show
from gainsight_dest.cli.config import config_option, destination_config
from gainsight_dest.cli.files import (
    WrongInputError,
    fail_empty_option,
    is_same_file,
    nowhere,
    reading,
    writing,
)
from gainsight_dest.cli.options import refuse_idle
from gainsight_dest.cli.streams import read_events, standard_output, watched
from gainsight_dest.cli.tally import Tally

FAILED = 1


@click.command(short_help="Print the requests that EVENTS would become; send nothing.")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
@click.option("-o", "--output", metavar="FILE", help="Write the requests here rather than to standard output.")
@click.option(
    "--errors", metavar="FILE", help="Write the events at fault here, with the reason, to mend and run again."
)
@fail_empty_option
@click.option("--show-secrets", is_flag=True, help="Show the keys in the headers rather than ***.")
@click.pass_context
def transform(
    context: click.Context,
    /,
    events: str,
    config_file: str | None,
    output: str | None,
    errors: str | None,
    *,
    fail_empty: bool,
    show_secrets: bool,
) -> int:
    """Print the requests that EVENTS would become, one JSON object an event, in order. Nothing is sent.

    EVENTS is a file, or - for standard input, plain or gzipped: JSON in lines, over several lines or in an array, also
    as RudderStack and its SDKs send it, {"message": {...}} and {"batch": [...]}. Without --config each event must carry
    its destination, {"message": {...}, "destination": {...}}.

    For each event: its number (the line, or the place in the array), message id, type, and its requests, or why it is
    skipped, or its error. A group's requests are all that it may lead to: find, then create or update, then link.

    Exit status: 0 all well, 1 some events are at fault, 2 wrong use or config.
    """
    refuse_idle(context, {"destination": "config_file"})
    output = None if output == "-" else output
    _check_files({"--output": output, "--errors": errors}, config_file)
    configs = outcome.Configs(destination_config(config_file) if config_file else None)
    tally = Tally(("events", "requests", "skipped", "errors"))
    console = show.console_on_stderr()
    with ExitStack() as stack:
        file = stack.enter_context(reading(events))
        bar = show.progress(console, to_stdout=output is None)
        if not bar.disable:  # some releases of rich end a disabled bar with a blank line
            stack.enter_context(bar)
        write = stack.enter_context(writing(output, file) if output else standard_output(bar))
        write_error = stack.enter_context(writing(errors, file) if errors else nullcontext(nowhere))
        for item in watched(read_events(file, fail_empty=fail_empty), file, bar):
            result = outcome.outcome(item, configs)
            tally.add(result.item.number, result.type, outcome.counts(result), result.skipped, result.fault)
            write(outcome.line(outcome.as_record(result, show_secrets=show_secrets)))
            if result.fault is not None and not item.is_missing:
                write_error(outcome.line(outcome.as_event_at_fault(item, result.fault)))
    for table in show.summary(tally):
        console.print(table)
    return FAILED if tally.errors else 0


def _check_files(written: dict[str, str | None], config_file: str | None) -> None:
    """Raises WrongInputError if what is written would be written over another file of the run."""
    seen = {config_file: "the config"} if config_file else {}
    for option, file in written.items():
        for other, name in seen.items():
            if file and is_same_file(file, other):
                raise WrongInputError(f"{file} is {name}: name another file for {option}")
        if file:
            seen[file] = f"the file of {option}"
