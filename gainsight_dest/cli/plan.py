"""`gainsight-dest plan`: what a sample of events costs in calls, and what of it fits Gainsight's limits."""

from __future__ import annotations

import re
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gainsight_dest import ConfigError, DestinationConfig
from gainsight_dest.cli import show
from gainsight_dest.cli.config import config_option, destination_config
from gainsight_dest.cli.counts import RunCounts
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
    refuse_idle,
)
from gainsight_dest.cli.read import Item
from gainsight_dest.cli.records import line
from gainsight_dest.cli.streams import plain_output
from gainsight_dest.plan import Fit, Limits, Load, Plan, plan
from gainsight_dest.plan.durations import DAY, HOUR, MINUTE, between, lasting
from gainsight_dest.templates import Settings

DOES_NOT_FIT = 1
_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


def _window(_: click.Context, __: click.Parameter, value: str) -> int:
    found = re.fullmatch(r"(\d{1,5})([smhd])", value)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= DAY:
        raise click.BadParameter("must be a length such as 30s, 10m, 1h or 1d, a day at most")
    return seconds


@click.command("plan", short_help="Show how many calls EVENTS cost, and whether that fits.")
@events_argument
@config_option
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="LENGTH",
    callback=_window,
    help="Merge what comes within it: 30s, 10m, 1h, a day at most.",
)
@click.option(
    "--events-a-day", type=click.IntRange(1), metavar="N", help="What a day brings, if the sample is not all of it."
)
@budget_option
@limit_options("What the tenant has; ")
@fail_empty_option
@format_option()
@click.pass_context
def plan_command(
    context: click.Context,
    /,
    events: str,
    config_file: str | None,
    window: int,
    events_a_day: int | None,
    **options: Any,
) -> int:
    """Show how many calls EVENTS cost, one by one and merged, and whether a day of them fits. Nothing is sent.

    EVENTS is a file, or - for standard input, plain or gzipped: JSON in lines, over several lines or in an array, also
    as RudderStack and its SDKs send it, {"message": {...}} and {"batch": [...]}: a sample, best of a whole day. Without
    --config and without a destination of its own, {"message": {...}, "destination": {...}}, a track event counts as
    sent whatever its name.

    In each window of time a person costs one call, whatever comes of them, fifty companies cost two, a track event
    costs one. Windows go by the events' own timestamps.

    Exit status: 0 it fits, 1 it does not, or not for certain, 2 wrong use or config.
    """
    allowed = limits(options)
    has_limit = any(number is not None for number in allowed.values())
    refuse_contradictions(context, {} if has_limit else {"budget": tuple(allowed)})  # a share of what has no limit
    refuse_idle(context, {"destination": "config_file"})
    configs = _TenantConfigs(destination_config(config_file) if config_file else None)
    load = Load(window)
    counts = RunCounts(("events", "sent", "skipped", "errors"))
    with reading_events(events, fail_empty=options["fail_empty"]) as source:
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
    return 0 if made.fit is Fit.YES else DOES_NOT_FIT


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
    if without_config:
        console.print(
            "\nNo config: every track event counts as sent. With --config FILE, those that it has a name for."
        )
    for note in made.notes:
        console.print(f"\n{note}")


def _ways(made: Plan) -> Table:
    """The ways to send the events; where the sample is not what a day brings, their calls a day."""
    is_as_it_is = all(way.low == way.high == way.calls for way in made.ways)
    shown = show.table("windows of", "people", "companies", "calls" if is_as_it_is else "calls a day", "take", "fits")
    shown.columns[0].justify = shown.columns[-1].justify = "left"
    for way in made.ways:
        shown.add_row(
            way.name if way.merged and way.merged.seconds else f"({way.name})",
            *(["", ""] if way.merged is None else [f"{way.merged.people:,}", f"{way.merged.companies:,}"]),
            between(way.low, way.high),
            "" if made.limits.a_day is None else lasting(made.limits.seconds(way.high)),
            str(way.fit),
            style="bold" if way is made.chosen else None,
        )
    return shown
