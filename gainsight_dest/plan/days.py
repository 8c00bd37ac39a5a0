"""From a sample to a day: the calls of each way to send its events."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import attrs

from gainsight_dest.gainsight import RECORDS_PER_WRITE
from gainsight_dest.plan.durations import DAY, duration
from gainsight_dest.plan.limits import Fit, Limits
from gainsight_dest.plan.load import CALLS, Load, MergedCalls

#: Those of a group's calls that are for its company: the third is for the person.
_OF_A_COMPANY = CALLS["group"] - 1


@attrs.frozen
class Way:
    """A way to send the events, and what it comes to.

    `name`: "one by one", "an hour", "all at once", as they are shown. `merged`: None for one by one. `calls`: of the
    sample. `low`, `high`: of a day: if the same people come more often, and if more people come. `company_calls`: how
    many of these `high` are to find and to save companies. `busiest`: calls of the busiest window, at most; 0 for one
    by one. `batch`: group events that a find and a save stand for, on average: a batch of fewer events, in which those
    of a company stand together, needs more calls for companies. `with_known`: what is left of `high` where it is known
    what was said before, if as large a share of the calls is left as of the sample's.
    """

    name: str
    merged: MergedCalls | None
    calls: int
    low: int
    high: int
    company_calls: int
    busiest: int
    batch: int
    with_known: int
    fit: Fit


@attrs.frozen
class Scale:
    """From the sample to a day, exactly.

    `events`: those of a day. `more`: how many times the sample's they are. `seconds`: of the sample; where it is taken
    for whole days, one at least.
    """

    load: Load
    events: Fraction
    more: Fraction
    seconds: int

    @classmethod
    def of(cls, load: Load, events_a_day: int | None) -> Scale:
        """That of a load. `events_a_day` None: the sample is taken for whole days, one at least."""
        span = load.span()
        seconds = span.seconds if span else 0
        if events_a_day is None:
            seconds = max(seconds, DAY)
            events = Fraction(load.events * DAY, seconds)
        else:
            events = Fraction(events_a_day)
        return cls(load, events, events / load.events if load.events else Fraction(0), seconds)

    def ways(self, limits: Limits) -> tuple[Way, ...]:
        """One by one, then merged: by the length of the window."""
        return (self._one_by_one(limits), *(self._merged(merged, limits) for merged in self.load.merged()))

    def _one_by_one(self, limits: Limits) -> Way:
        calls = self.load.one_by_one
        a_day = ceil(self.more * calls)
        of_companies = ceil(self.more * _OF_A_COMPANY * self.load.counts["group"])
        known = ceil(self.more * self.load.one_by_one_with_known)
        return Way("one by one", None, calls, a_day, a_day, of_companies, 0, 1, known, limits.fit(a_day, a_day))

    def _merged(self, merged: MergedCalls, limits: Limits) -> Way:
        """Windows of which the sample has only some, or a part, come as often as they come in a day.

        Within them the number of people grows with that of the events, or it does not.
        """
        more, counts = self.more, self.load.counts
        times = Fraction(DAY, max(self.seconds, merged.seconds or DAY))
        least, most = min(times, more), max(times, more)
        always = more * (merged.tracks + merged.alone)
        people = min(most * merged.people, more * (counts["identify"] + counts["group"]))
        # A window's last call for companies may not be full; with more events, windows that have none may have some.
        windows = max(times * merged.windows, Fraction(DAY, merged.seconds or DAY))
        full = _OF_A_COMPANY * (more * merged.companies / RECORDS_PER_WRITE + windows)
        of_companies = min(most * merged.company_calls, full, more * _OF_A_COMPANY * counts["group"])
        low = ceil(always + least * (merged.people + merged.company_calls))
        high = ceil(always + people + of_companies)
        return Way(
            name="all at once" if merged.seconds is None else duration(merged.seconds),
            merged=merged,
            calls=merged.calls,
            low=low,
            high=high,
            company_calls=ceil(of_companies),
            busiest=ceil(merged.busiest * max(Fraction(1), more / times)),
            batch=ceil(more * counts["group"] * _OF_A_COMPANY / (least * merged.company_calls)) if of_companies else 1,
            with_known=ceil(Fraction(high * merged.with_known, merged.calls)) if high else 0,
            fit=limits.fit(low, high),
        )
