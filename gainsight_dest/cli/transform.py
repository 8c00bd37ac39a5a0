"""`gainsight-dest transform`: the requests that events would become."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from gainsight_dest import Outcome
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.config import config_option, fit_option, given_fitting
from gainsight_dest.cli.events import Configs, reading_events
from gainsight_dest.cli.files import check_written, writing
from gainsight_dest.cli.options import (
    errors_option,
    events_argument,
    fail_empty_option,
    refuse_idle,
    table_of,
    table_options,
    tenant_option,
)
from gainsight_dest.cli.streams import standard_output
from gainsight_dest.files import records
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.read import fault_in
from gainsight_dest.outcome import begin

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant


@click.command(short_help="Print the requests that EVENTS would become; send nothing.")
@events_argument
@table_options
@config_option
@tenant_option
@fit_option
@click.option("-o", "--output", metavar="FILE", help="Write the requests to this file instead of standard output.")
@errors_option
@fail_empty_option
@click.option("--show-secrets", is_flag=True, help="Show the keys in the headers instead of ***.")
def transform(
    events: str,
    kind: str | None,
    columns: dict[str, str],
    config_file: str | None,
    tenant: Tenant | None,
    fit: str | None,
    output: str | None,
    errors: str | None,
    *,
    fail_empty: bool,
    show_secrets: bool,
) -> int:
    """Print the requests that EVENTS would become, one JSON object an event, in order. Nothing is sent.

    EVENTS is a file of JSON, plain or gzipped, or - for standard input: one event on each line, or over several lines,
    or all in an array. Events may also be as RudderStack and its SDKs send them, {"message": {...}} and
    {"batch": [...]}. Without --config each event must carry its destination, {"message": {...}, "destination": {...}}.
    With --as, EVENTS is a table, CSV or Parquet: each row is an event.

    For each event: its number (the line, or the place in the array), message id, type, and its requests, or why it is
    skipped, or its error. A group has all requests that may follow: find, then create or update, then link.

    With --tenant and --fit, values are made to fit the tenant's fields, where only one thing can be meant.

    Exit status: 0 all well, 1 some events have errors, 2 wrong use or config.
    """
    refuse_idle({} if kind else {"tenant": "fit"})
    given = given_fitting(config_file, tenant, fit)
    configs = Configs(given)
    table = table_of(kind, columns, given, tenant)
    output = None if output == "-" else output
    check_written({"--output": output, "--errors": errors}, {config_file: "the config"})
    counts = RunCounts(("events", "requests", "skipped", "errors"))
    with ExitStack() as stack:
        source = stack.enter_context(
            reading_events(events, fail_empty=fail_empty, to_stdout=output is None, table=table)
        )
        write = stack.enter_context(standard_output(source.bar) if output is None else writing(output, source.file))
        write_error = stack.enter_context(writing(errors, source.file))
        for item in source.items:
            first = begin(0, item.given, configs.of(item))
            if isinstance(first, Outcome):
                counts.add_item(item, first)
                if (fault := fault_in(first)) is not None and not item.is_missing:
                    write_error(records.line(records.dead_letter(item, fault)))
            else:
                counts.add_item(item, None, requests=first.calls)
            write(records.line(records.as_record(item, first, show_secrets=show_secrets)))
    show.print_counts(show.console_on_stderr(), counts)
    return FAILED if counts.errors else 0
