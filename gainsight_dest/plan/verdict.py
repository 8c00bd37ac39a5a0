"""Whether a day's events fit, as a value and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

import attrs

from gainsight_dest.batching.address import shares
from gainsight_dest.batching.defaults import BATCH
from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.plan.days import Scale, Way
from gainsight_dest.plan.durations import DAY, MINUTE, between, lasting
from gainsight_dest.plan.limits import Fit, Limits
from gainsight_dest.plan.load import CALLS, Load, Span
from gainsight_dest.spelling import counted

#: Calls a minute of one sender: four workers, and an answer in 0.3 seconds.
CALLS_OF_A_SENDER = 800
#: A sample that spans so much of a day is taken for a day without a word.
_NEARLY = 0.8
_KINDS = (*CALLS, "skipped", "at fault")
#: Those that may say what was said before.
_REPEATED = (PERSON.event_type, COMPANY.event_type)


@attrs.frozen
class Plan:
    """What a sample comes to in a day, in each way, and whether it fits.

    `counts`: events of the sample by type, and those skipped or at fault. `untimed`: those without a moment. `unread`:
    those with a time that cannot be read, and an example. `events_a_day`: those of the day that is planned for.
    `unchanged`: identify and group events of the sample that say nothing new, by type, if they come in this order.
    `is_given`: whether that was given; else the sample is taken for whole days. `track_calls`: those of a day's track
    events, which nothing merges. `ways`: one by one, then merged, by the length of the window. `window`: seconds of the
    one that is asked about. `refused`: events of the sample that the tenant refuses, by type; without a tenant none.
    """

    counts: Mapping[str, int]
    unchanged: Mapping[str, int]
    untimed: int
    unread: UnreadTimes
    span: Span | None
    events_a_day: int
    is_given: bool
    limits: Limits
    window: int
    track_calls: int
    ways: tuple[Way, ...]
    refused: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def chosen(self) -> Way:
        """The way that is asked about."""
        return next(way for way in self.ways if way.merged is not None and way.merged.seconds == self.window)

    @property
    def fit(self) -> Fit:
        """Whether a day's events fit, merged in the window that is asked about."""
        return self.chosen.fit

    @property
    def shortest(self) -> Way | None:
        """The first way that fits: one by one, or the shortest window; None if not even a day's does."""
        return next((way for way in self.ways[:-1] if way.fit is Fit.YES), None)

    @property
    def senders(self) -> int:
        """How many senders, the shards of Beam and Spark, can use up the calls: see CALLS_OF_A_SENDER."""
        a_minute = self.limits.calls_per_minute
        return max(1, ceil((self.chosen.high * MINUTE / DAY if a_minute is None else a_minute) / CALLS_OF_A_SENDER))

    @property
    def verdict(self) -> str:
        """Whether it fits, in a sentence or two."""
        return " ".join(_verdict(self))

    @property
    def of_what_is_known(self) -> str:
        """How many events of the sample say nothing new, in a sentence; "" if none does."""
        unchanged, sent = sum(self.unchanged.values()), sum(self.counts[kind] for kind in _REPEATED)
        if not unchanged:
            return ""
        return f"With --known, {unchanged:,} of {sent:,} identify and group events cost no call: they say nothing new."

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the figures, a sentence or two each."""
        return tuple(_notes(self))

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, ready for JSON. `seconds` of a way: how long its `high` calls take at full speed."""
        span = self.span
        return {
            "events": {"all": sum(self.counts.values()), **self.counts},
            "unchanged": dict(self.unchanged),
            "refused": dict(self.refused),
            "untimed": self.untimed,
            "unread": attrs.asdict(self.unread),
            "span": span and {"first": span.first.isoformat(), "last": span.last.isoformat(), "strays": span.strays},
            "events_a_day": self.events_a_day,
            "is_given": self.is_given,
            "limits": attrs.asdict(self.limits),
            "window": self.window,
            "track_calls": self.track_calls,
            "ways": [self._way_as_dict(way) for way in self.ways],
            "senders": self.senders,
            "fit": str(self.fit),
            "shortest": self.shortest and self.shortest.name,
            "verdict": self.verdict,
            "notes": list(self.notes),
        }

    def _way_as_dict(self, way: Way) -> dict[str, Any]:
        merged = way.merged and {**attrs.asdict(way.merged), "calls": way.merged.calls}
        seconds = self.limits.seconds(way.high)
        return {**attrs.asdict(way, recurse=False), "merged": merged, "fit": str(way.fit), "seconds": seconds}


def plan(load: Load, limits: Limits | None = None, events_a_day: int | None = None) -> Plan:
    """What the load comes to in a day, and whether it fits.

    `events_a_day`: of the whole stream, those that are skipped or at fault among them. None: the sample is taken for
    whole days, one at least.
    """
    limits = limits or Limits()
    scale = Scale.of(load, events_a_day)
    return Plan(
        counts={kind: load.counts[kind] for kind in _KINDS},
        unchanged={kind: load.unchanged[kind] for kind in _REPEATED},
        refused={kind: load.refused[kind] for kind in _REPEATED},
        untimed=load.untimed.total(),
        unread=load.unread,
        span=load.span(),
        events_a_day=ceil(scale.events),
        is_given=events_a_day is not None,
        limits=limits,
        window=load.window,
        track_calls=ceil(scale.more * load.counts["track"]),
        ways=scale.ways(limits),
    )


# --- the verdict ------------------------------------------------------------------------------------------------------


def _verdict(plan: Plan) -> Iterator[str]:
    way, limits, shortest = plan.chosen, plan.limits, plan.shortest
    where = f"in windows of {way.name}"
    needs = f"{between(way.low, way.high)} calls a day"
    if limits.a_day is None:
        yield f"Fits: {needs} {where}, and no limit is set."
        return
    if way.fit is Fit.YES:
        yield f"Fits: {_used(plan)} {where}."
        if shortest is not None and shortest is not way:
            yield f"So does {_way_in_words(shortest)}."
        return
    if plan.track_calls > limits.a_day:
        yield (
            f"Does not fit: track events alone need {plan.track_calls:,} calls a day, {_allowed(limits)}. Send fewer "
            f"of them (integrations, or the event maps), or ask Gainsight for more calls."
        )
        return
    verb = "May fit" if way.fit is Fit.PERHAPS else "Does not fit"
    yield f"{verb}: {needs} {where}, {_allowed(limits)}."
    if shortest is not None:
        yield f"{_way_in_words(shortest).capitalize()} does: {between(shortest.low, shortest.high)}."
        return
    longest = plan.ways[-2]
    if longest is not way:
        verb = "do not either" if longest.fit is Fit.NO else "may"
        yield f"Windows of {longest.name} {verb}: {between(longest.low, longest.high)}."
    if limits.fit(way.with_known, way.with_known) is Fit.YES:
        yield f"If what is known is not sent again (--known), about {way.with_known:,} would be left, which fits."
    yield "Send fewer events (integrations), or ask Gainsight for more calls."


def _way_in_words(way: Way) -> str:
    return "one by one" if way.merged is None else f"merging in windows of {way.name}"


def _used(plan: Plan) -> str:
    """How much of each limit is used, evenly over the day."""
    way, limits = plan.chosen, plan.limits
    used = ((limits.calls_per_minute, MINUTE, "minute"), (limits.calls_per_day, DAY, "day"))
    return " and ".join(
        f"{between(*(ceil(calls * seconds / DAY) for calls in (way.low, way.high)))} of {limit:,} calls a {unit}"
        for limit, seconds, unit in used
        if limit is not None
    )


def _allowed(limits: Limits) -> str:
    if limits.a_day == limits.calls_per_day:
        return f"{limits.a_day:,} are allowed"
    return f"{limits.a_day:,} are allowed at {limits.calls_per_minute:,} a minute"


# --- the notes --------------------------------------------------------------------------------------------------------


def _notes(plan: Plan) -> Iterator[str]:
    yield from _of_the_refused(plan)
    yield from _of_the_sample(plan)
    if plan.fit is Fit.YES:
        yield from _of_two_waves(plan)
        yield from _of_the_busiest(plan)
    if plan.chosen.batch > BATCH:
        yield (
            f"With Beam or Spark, so few calls for companies need batch={plan.chosen.batch} or more: the default of "
            f"{BATCH:,} events holds too few companies."
        )
    if plan.senders > 1:
        yield f"With Beam or Spark, {plan.senders:,} shards are needed to use all of these calls."


def _of_the_refused(plan: Plan) -> Iterator[str]:
    refused = sum(plan.refused.values())
    if refused:
        sent, calls = sum(plan.counts[kind] for kind in CALLS), sum(CALLS[kind] * n for kind, n in plan.refused.items())
        yield (
            f"The tenant refuses {refused:,} of the {sent:,} events that are sent. They cost calls, too: one by "
            f"one up to {counted(calls, 'call')}. explain --tenant says why it refuses them."
        )


def _of_the_busiest(plan: Plan) -> Iterator[str]:
    way, a_minute = plan.chosen, plan.limits.calls_per_minute
    if a_minute is not None and way.busiest * MINUTE > a_minute * plan.window:
        takes = lasting(way.busiest * MINUTE / a_minute)
        yield f"The calls of the busiest window of {way.name} take {takes}: later events wait until then."


def _of_the_sample(plan: Plan) -> Iterator[str]:
    span = plan.span
    if plan.untimed and span is None:
        yield "No event has a time, so no window merges anything."
    elif plan.untimed:
        yield f"{_events(plan.untimed)} without a time, and not merged."
    if plan.unread:
        yield str(plan.unread)
    if span is not None and span.strays:
        yield f"{_events(span.strays)} far before or after the others, and left out of the span."
    if plan.is_given and plan.chosen.low != plan.chosen.high:
        yield (
            "Of two figures, the first is for more events of the same people, the second for more people with as many "
            "events each. The time is for the second. A sample of a whole day gives one figure."
        )
    if not plan.is_given and (span is None or span.seconds < _NEARLY * DAY):
        yield "The sample counts as a whole day. If it is not, use --events-a-day N."


def _events(number: int) -> str:
    return f"{counted(number, 'event')} {'is' if number == 1 else 'are'}"


def _of_two_waves(plan: Plan) -> Iterator[str]:
    """Beam and Spark send companies and people by senders of their own, each with a share, which may be too small."""
    way = plan.chosen
    allowed = list(_of_two_senders(plan.limits))
    for what, calls, sender in (
        ("companies", way.company_calls, 0),
        ("people and track events", way.high - way.company_calls, 1),
    ):
        most = min((each[sender] for each in allowed), default=calls)
        if calls > most:
            yield (
                f"With Beam or Spark it may not fit: {what} have {most:,} of these calls, and may need {calls:,} a day."
            )


def _of_two_senders(limits: Limits) -> Iterator[tuple[int, int]]:
    """What each limit allows in a day to the sender of the companies, and to all others."""
    for limit, times in ((limits.calls_per_minute, DAY // MINUTE), (limits.calls_per_day, 1)):
        if limit is not None:
            companies = shares(max(limit, 2), 1).companies or 0  # with a limit it is a number
            yield times * companies, times * max(limit - companies, 1)
