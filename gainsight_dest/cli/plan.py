"""`gainsight-dest plan`: what a sample of events costs in calls, and what of it fits Gainsight's limits."""

from __future__ import annotations

import re
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gainsight_dest import ConfigError, DestinationConfig
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.config import config_option, given_config
from gainsight_dest.cli.events import Configs, NoConfigError, reading_events
from gainsight_dest.cli.files import WrongInputError
from gainsight_dest.cli.options import (
    budget_option,
    events_argument,
    fail_empty_option,
    format_option,
    limit_options,
    limits,
    refuse_contradictions,
    table_of,
    table_options,
    tenant_option,
)
from gainsight_dest.cli.streams import plain_output
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.read import Item
from gainsight_dest.files.records import line
from gainsight_dest.plan import Fit, Limits, Load, Plan, plan
from gainsight_dest.plan.durations import DAY, HOUR, MINUTE, between, lasting
from gainsight_dest.templates import Settings

_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


def _window(_: click.Context, __: click.Parameter, value: str) -> int:
    found = re.fullmatch(r"(\d{1,5})([smhd])", value)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= DAY:
        raise click.BadParameter("must be a length such as 30s, 10m, 1h or 1d, a day at most")
    return seconds


@click.command("plan", short_help="Show how many calls EVENTS cost, and whether that fits.")
@events_argument
@table_options
@config_option
@tenant_option
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="LENGTH",
    callback=_window,
    help="Merge the events of so much time: 30s, 10m, 1h, at most 1d.",
)
@click.option("--events-a-day", type=click.IntRange(1), metavar="N", help="Events of a day, if the sample is not one.")
@budget_option
@limit_options
@fail_empty_option
@format_option()
def plan_command(events: str, config_file: str | None, window: int, events_a_day: int | None, **options: Any) -> int:
    """Show how many calls EVENTS cost, one by one and merged, and whether a day of them fits. Nothing is sent.

    EVENTS is a file of JSON, plain or gzipped, or - for standard input: one event on each line, or over several lines,
    or all in an array. Events may also be as RudderStack and its SDKs send them, {"message": {...}} and
    {"batch": [...]}. With --as, EVENTS is a table, CSV or Parquet: each row is an event.

    The events are a sample, best of a whole day. Each may carry its destination, {"message": {...}, "destination":
    {...}}. Without that and without --config, all track events are counted, also those that a config has no name for.

    The events are merged in windows of time, by their timestamps. In a window, all events of one person cost one call
    together, up to fifty companies cost two, and each track event costs one. With --tenant and configs it also counts
    the events that this tenant refuses: they cost calls, too.

    Exit status: 0 it fits, 1 it does not fit or may not fit, 2 wrong use or config.
    """
    allowed = limits(options)
    has_limit = any(number is not None for number in allowed.values())
    refuse_contradictions({} if has_limit else {"budget": tuple(allowed)})  # a share of what has no limit
    given = given_config(config_file)
    configs = _TenantConfigs(given)
    table = table_of(options["kind"], options["columns"], given, options["tenant"])
    load = Load(window, tenant=options["tenant"])
    counts = RunCounts(("events", "sent", "skipped", "errors"))
    with reading_events(events, fail_empty=options["fail_empty"], table=table) as source:
        for item in source.items:
            result = load.add(item.given, configs.given_to(item))
            counts.add_item(item, result, sent=result is None)
    made = plan(load, Limits(**allowed), events_a_day)
    if options["form"] == "json":
        printed = line({**made.as_dict(), "with_config": not configs.missing})
        show.print_counts(show.console_on_stderr(), counts)
    else:
        console = show.console_on_stdout()
        with console.capture() as captured:
            show.print_counts(console, counts)
            _print_plan(console, made, without_config=bool(configs.missing and load.counts["track"]))
        printed = captured.get().encode()
    with plain_output() as write:
        write(printed)
    return 0 if made.fit is Fit.YES else FAILED


class _TenantConfigs(Configs):
    """The config for each event, or None. A plan is for one tenant, so they must be of one.

    `missing`: whether an event had none.
    """

    def __init__(self, given: DestinationConfig | Settings | None) -> None:
        super().__init__(given)
        self._domain: str | None = None
        self.missing = False

    def given_to(self, item: Item) -> DestinationConfig | Settings | None:
        """The config; None if none was given, nor came with the event. Raises WrongInputError."""
        try:
            config = self.of(item)
            domain = config.domain
        except NoConfigError:
            self.missing = True
            return None
        except ConfigError:  # of the event's own destination: the same error is the event's outcome
            return config
        if domain != self._domain is not None:
            raise WrongInputError(
                f"event {item.number} goes to another tenant than those before it: plan for one tenant at a time"
            )
        self._domain = domain
        return config


# --- what is printed --------------------------------------------------------------------------------------------------


def _print_plan(console: Console, made: Plan, *, without_config: bool) -> None:
    console.print(_ways(made))
    if (span := made.span) is not None:
        when = f"{span.first:%Y-%m-%d %H:%M:%S} to {span.last:%Y-%m-%d %H:%M:%S} UTC"
        console.print(f"\nFrom {when}: {lasting(span.seconds)}.")
    console.print(f"\n{made.verdict}", style="bold")
    if made.of_what_is_known:
        console.print(f"\n{made.of_what_is_known}")
    if without_config:
        console.print(
            "\nNo config: all track events are counted. With --config FILE, only those that it has a name for."
        )
    for note in made.notes:
        console.print(f"\n{note}")


def _ways(made: Plan) -> Table:
    """The ways to send the events; where the sample is not what a day brings, their calls a day."""
    is_as_it_is = all(way.low == way.high == way.calls for way in made.ways)
    calls = "calls" if is_as_it_is else "calls a day"
    shown = show.table("windows of", "people", "companies", calls, "with --known", "take", "fits")
    shown.columns[0].justify = shown.columns[-1].justify = "left"
    for way in made.ways:
        shown.add_row(
            way.name if way.merged and way.merged.seconds else f"({way.name})",
            *(["", ""] if way.merged is None else [f"{way.merged.people:,}", f"{way.merged.companies:,}"]),
            between(way.low, way.high),
            f"{way.with_known:,}",
            "" if made.limits.a_day is None else lasting(made.limits.seconds(way.high)),
            str(way.fit),
            style="bold" if way is made.chosen else None,
        )
    return shown
