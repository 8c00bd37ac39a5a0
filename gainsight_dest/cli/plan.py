"""`gainsight-dest plan`: what a sample of events costs in calls, and what of it fits Gainsight's limits."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gainsight_dest import ConfigError, DestinationConfig, EventError
from gainsight_dest.cli import outcome, read, show
from gainsight_dest.cli.config import config_option, destination_config
from gainsight_dest.cli.files import (
    WrongInputError,
    budget_option,
    fail_empty_option,
    limit,
    limit_option,
    reading,
)
from gainsight_dest.cli.options import refuse_contradictions, refuse_idle
from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.cli.streams import plain_output, read_events, watched
from gainsight_dest.cli.tally import Tally
from gainsight_dest.outcome import Fault, fault_of
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


@click.command("plan", short_help="Tell how many calls EVENTS cost, and whether that fits.")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
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
@limit_option("--calls-per-minute", 100, "What the tenant has; ")
@limit_option("--calls-per-day", 50_000, "What the tenant has; ")
@fail_empty_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_context
def plan_command(
    context: click.Context,
    /,
    events: str,
    config_file: str | None,
    window: int,
    events_a_day: int | None,
    budget: float,
    calls_per_minute: int,
    calls_per_day: int,
    form: str,
    *,
    fail_empty: bool,
) -> int:
    """Tell how many calls EVENTS cost, one by one and merged, and whether a day of them fits. Nothing is sent.

    EVENTS is a file, or - for standard input, plain or gzipped: JSON in lines, over several lines or in an array, also
    as RudderStack and its SDKs send it, {"message": {...}} and {"batch": [...]}: a sample, best of a whole day. Without
    --config and without a destination of its own, {"message": {...}, "destination": {...}}, a track event counts as
    sent whatever its name.

    In each window of time a person costs one call, whatever comes of them, fifty companies cost two, a track event
    costs one. Windows go by the events' own timestamps.

    Exit status: 0 it fits, 1 it does not, or not for certain, 2 wrong use or config.
    """
    no_limits = {} if calls_per_minute or calls_per_day else {"budget": ("calls_per_minute", "calls_per_day")}
    refuse_contradictions(context, no_limits)  # a share of what has no limit
    refuse_idle(context, {"destination": "config_file"})
    configs = _Configs(destination_config(config_file) if config_file else None)
    load = Load(window)
    tally = Tally(("events", "sent", "skipped", "errors"))
    with ExitStack() as stack:
        file = stack.enter_context(reading(events))
        bar = show.progress(show.console_on_stderr(), to_stdout=False)
        if not bar.disable:  # some releases of rich end a disabled bar with a blank line
            stack.enter_context(bar)
        for item in watched(read_events(file, fail_empty=fail_empty), file, bar):
            _add(item, configs, load, tally)
    made = plan(load, Limits(limit(calls_per_minute, budget), limit(calls_per_day, budget)), events_a_day)
    if form == "json":
        printed = outcome.line({**made.as_dict(), "with_config": not configs.missing})
        _print_events(show.console_on_stderr(), tally)
    else:
        console = show.console_on_stdout()
        with console.capture() as captured:
            _print_events(console, tally)
            _print_plan(console, made, without_config=bool(configs.missing and load.counts["track"]))
        printed = captured.get().encode()
    with plain_output() as write:
        write(printed)
    return 0 if made.fit is Fit.YES else DOES_NOT_FIT


class _Configs:
    """The config for each event, or None. A plan is for one tenant, so they must be of one.

    `missing`: whether an event had none.
    """

    def __init__(self, given: DestinationConfig | Settings | None) -> None:
        self._configs = outcome.Configs(given)
        self._domain: str | None = None
        self.missing = False

    def of(self, item: read.Item) -> DestinationConfig | Settings | None:
        """The config; None if none was given, nor came with the event. Raises ConfigError, WrongInputError."""
        try:
            config = self._configs.of(item)
        except outcome.NoConfigError:
            self.missing = True
            return None
        if config.domain != self._domain is not None:
            raise WrongInputError(
                f"event {item.number} goes to another tenant than those before it: plan for one tenant at a time"
            )
        self._domain = config.domain
        return config


def _add(item: read.Item, configs: _Configs, load: Load, tally: Tally) -> None:
    if item.problem is not None:
        load.add(EventError("the line", item.problem))
        fault: Fault | None = Fault(NOT_JSON, None, item.problem)
        tally.add(item.number, None, {"events": 1, "errors": 1}, None, fault)
        return
    config: Any
    try:
        config = configs.of(item)
    except ConfigError:  # of the event's own destination: the same error is the event's outcome
        config = item.destination
    result = load.add(item.event, config)
    skipped, fault = (None, None) if result is None else (result.reason, fault_of(result))
    counts = {"events": 1, "sent": result is None, "skipped": skipped is not None, "errors": fault is not None}
    tally.add(item.number, outcome.text_of(item, "type"), counts, skipped, fault)


# --- what is printed --------------------------------------------------------------------------------------------------


def _print_events(console: Console, tally: Tally) -> None:
    for table in show.summary(tally):
        console.print(table)


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
