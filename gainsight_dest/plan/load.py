"""A sample of events as it is measured: how many of each kind there are, and who came when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from itertools import accumulate, groupby
from math import ceil, gcd
from typing import TYPE_CHECKING, Any

import attrs

from gainsight_dest.batching.moments import UnreadTimes, moment_of
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.explaining.told import is_taken
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.gainsight import RECORDS_PER_WRITE
from gainsight_dest.outcome import Event, Outcome, Status, begin
from gainsight_dest.plan.durations import DAY, HOUR, MINUTE
from gainsight_dest.plan.repeats import REFUSED, TRACK, Left, Repeats
from gainsight_dest.templates import Settings

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

#: The windows, in seconds, that a plan compares beside the one that is asked for.
WINDOWS = (MINUTE, 10 * MINUTE, HOUR, DAY)
#: The calls of an event by itself.
CALLS = {PERSON.event_type: UpsertPerson.calls, COMPANY.event_type: FindCompany.calls, "track": SendEvent.calls}

#: A key and the moment that it came at, as one number: half of what a tuple would take. So many bits are the moment's.
_BITS = 40
_MOMENT = (1 << _BITS) - 1
#: So many letters of a moment are its date, hour, minute and second.
_TO_THE_SECOND = len("2026-11-24T09:30:00")
#: So few of the events, at either end, may have a wrong clock.
_STRAYS = 0.01

#: Stands in where there is no config: it has all settings, and no track event's name is looked up in it.
_ANY = DestinationConfig(
    domain="any.gainsightcloud.com",
    access_key="-",
    shared_secret="-",  # noqa: S106 - no secret
    tenant_id="-",
    topic_name="-",
)


@attrs.frozen
class Span:
    """When the sample begins and ends, in UTC.

    `strays`: events that are left out of it, as they lie farther from most than most are apart.
    """

    first: datetime
    last: datetime
    strays: int = 0

    @property
    def seconds(self) -> int:
        """How long it is."""
        return (self.last - self.first) // timedelta(seconds=1)


@attrs.frozen
class MergedCalls:
    """What merging makes of the sample, in windows of so many `seconds`; None: all of it at once.

    `windows`: those with an event. `people`, `companies`: each counted once in each window that it comes in.
    `company_calls`: to find and to save the companies. `tracks`: a call each. `alone`: calls for the events that have
    no moment, which no window takes. `busiest`: the calls of the window that takes most. `with_known`: all calls that
    are left where it is known what was said before, from one window to the next.
    """

    seconds: int | None
    windows: int
    people: int
    companies: int
    company_calls: int
    tracks: int
    alone: int
    busiest: int
    with_known: int

    @property
    def calls(self) -> int:
        """All of them."""
        return self.people + self.company_calls + self.tracks + self.alone


class Load:
    """Events as they are measured: counts, and who came when. It keeps no name, only hashes of them.

    `window`: seconds of a window that is wanted beside WINDOWS, a day at most. `counts`: the events that are sent by
    type (identify, group, track), and those skipped or at fault. `untimed`: those that are sent and have no moment; no
    window merges them. `unread`: how many of those that are sent have a time that cannot be read, and the first such
    time. `unchanged`: those that say nothing new, by type. `one_by_one_with_known`: the calls of the others, each by
    itself. `refused`: those that the `tenant` refuses, whatever it has, by type: they are sent, and cost their calls.
    Raises ValueError for another window.

    Memory goes by the people and the companies of each minute, not by the events: 200 bytes at most for each of them,
    and as many again for a plan; and 400 for each person and each company.
    """

    def __init__(self, window: int = HOUR, *, tenant: Tenant | None = None) -> None:
        if not 0 < window <= DAY:
            raise ValueError(f"a window must be of 1 to {DAY} seconds")
        self.window = window
        self.counts: Counter[str] = Counter()
        self.untimed: Counter[str] = Counter()
        self.unread = UnreadTimes()
        self.unchanged: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._tenant = tenant
        self.one_by_one_with_known = 0
        self._repeats = Repeats()
        self._untimed_left = 0
        self._new_people: set[int] = set()
        self._sought: set[int] = set()
        self._saved: set[int] = set()
        self._grain = gcd(window, *WINDOWS)
        self._people: set[int] = set()
        self._companies: set[int] = set()
        self._untimed_people: set[int] = set()
        self._untimed_companies: set[int] = set()
        self._tracks: Counter[int] = Counter()
        self._moments: Counter[int] = Counter()
        self._first = self._last = 0

    def add(
        self, event: Event | EventError, config: DestinationConfig | Settings | Mapping[str, Any] | None = None
    ) -> Outcome | None:
        """Count an event: None if it would be sent, else its outcome, failed or skipped.

        `config` None: any, in which each track event has a name and a version. An EventError may stand in for an event
        that could not be read.
        """
        first = begin(0, event, _ANY if config is None else config)
        if isinstance(first, Outcome) and not (config is None and isinstance(first.error, ConfigError)):
            self.counts["skipped" if first.status is Status.SKIPPED else "at fault"] += 1
            return first
        kind, email, company = _written(first)
        self.counts[kind] += 1
        left = self._left(kind, first, is_refused=config is not None and self._is_refused(first))
        moment = moment_of(event)
        if moment.unread is not None:
            self.unread += UnreadTimes.of(moment.unread)
        if moment.text:
            self._add_at(_seconds_to(datetime.fromisoformat(moment.text[:_TO_THE_SECOND])), email, company, left)
        else:
            self._add_untimed(kind, email, company)
            self._untimed_left += left.calls
        return None

    def _is_refused(self, first: Request | Outcome) -> bool:
        """Whether the tenant refuses the event. Without a config nobody knows, as no custom field is mapped."""
        return self._tenant is not None and isinstance(first, Request) and is_taken(self._tenant, first) is False

    def _left(self, kind: str, first: Request | Outcome, *, is_refused: bool) -> Left:
        """What is left of the event where it is known what those before it said. From one that is refused none is."""
        self.refused[kind] += is_refused
        left = TRACK
        if isinstance(first, Request):
            left = REFUSED[kind] if is_refused else self._repeats.add(first)
        self.one_by_one_with_known += left.calls
        self.unchanged[kind] += not left.calls
        return left

    def _add_untimed(self, kind: str, email: str | None, company: str | None) -> None:
        self.untimed[kind] += 1
        if email is not None:
            self._untimed_people.add(_hash(email))
        if company is not None:
            self._untimed_companies.add(_hash(company))

    def _add_at(self, moment: int, email: str | None, company: str | None, left: Left) -> None:
        if not self._moments:
            self._first = self._last = moment
        self._first, self._last = min(self._first, moment), max(self._last, moment)
        slot = moment - moment % self._grain
        self._moments[slot] += 1
        if email is None:
            self._tracks[slot] += 1
        else:
            _add(_hash(email) << _BITS | slot, (self._people, True), (self._new_people, left.person))
        if company is not None:
            pair = _hash(company) << _BITS | slot
            _add(pair, (self._companies, True), (self._sought, left.finds), (self._saved, left.saves))

    @property
    def events(self) -> int:
        """All of them."""
        return self.counts.total()

    @property
    def one_by_one(self) -> int:
        """The calls of those that are sent, each by itself, as RudderStack sends them."""
        return _alone(self.counts)

    def span(self) -> Span | None:
        """From the first moment to the last, but for strays; None if there is no moment."""
        if not self._moments:
            return None
        slots = sorted(self._moments.items())
        most = int(_STRAYS * self._moments.total())
        first, last = _beyond(slots, most), _beyond(slots[::-1], most)
        reach = last + self._grain - first
        kept = [slot for slot in self._moments if first - reach <= slot <= last + reach]
        strays = self._moments.total() - sum(self._moments[slot] for slot in kept)
        first, last = max(min(kept), self._first), min(max(kept) + self._grain - 1, self._last)
        return Span(_utc(first), _utc(last), strays)

    def merged(self) -> tuple[MergedCalls, ...]:
        """What merging makes of them in each of the windows, the shortest first, and all at once.

        Windows begin with the span: an hour from half past nine is one window of an hour, not parts of two.
        """
        keys = [sorted(each) for each in (self._people, self._companies, self._new_people, self._sought, self._saved)]
        span = self.span()
        first = _seconds_to(span.first) if span else 0
        start = first - first % self._grain
        windows = sorted({*WINDOWS, self.window})
        return (*(self._in_windows(seconds, start, keys) for seconds in windows), self._at_once())

    def _in_windows(self, seconds: int, start: int, keys: Sequence[Sequence[int]]) -> MergedCalls:
        of_people, of_companies, new_people, sought, saved = (_by_window(each, seconds, start) for each in keys)
        of_tracks: Counter[int] = Counter()
        for slot, number in self._tracks.items():
            of_tracks[slot - (slot - start) % seconds] += number
        company_calls = Counter({slot: _company_calls(number) for slot, number in of_companies.items()})
        calls = of_people + of_tracks + company_calls
        return MergedCalls(
            seconds,
            windows=len(calls),
            people=of_people.total(),
            companies=of_companies.total(),
            company_calls=company_calls.total(),
            tracks=of_tracks.total(),
            alone=_alone(self.untimed),
            busiest=max(calls.values(), default=0),
            with_known=of_tracks.total() + self._untimed_left + new_people.total() + _in_full(sought) + _in_full(saved),
        )

    def _at_once(self) -> MergedCalls:
        people = len({pair >> _BITS for pair in self._people} | self._untimed_people)
        companies = len({pair >> _BITS for pair in self._companies} | self._untimed_companies)
        tracks, of_companies = self.counts["track"], _company_calls(companies)
        calls = people + of_companies + tracks
        return MergedCalls(None, int(calls > 0), people, companies, of_companies, tracks, 0, calls, with_known=calls)

    def __repr__(self) -> str:
        return f"<Load of {self.events} events>"


def _alone(counts: Mapping[str, int]) -> int:
    return sum(calls * counts[kind] for kind, calls in CALLS.items())


def _add(key: int, *sets: tuple[set[int], bool]) -> None:
    for each, is_wanted in sets:
        if is_wanted:
            each.add(key)


def _in_full(companies: Mapping[int, int]) -> int:
    """The calls for the companies of each window."""
    return sum(ceil(number / RECORDS_PER_WRITE) for number in companies.values())


def _company_calls(companies: int) -> int:
    """To find them, and to create or update them. If there are some of both, it is one more."""
    return 2 * ceil(companies / RECORDS_PER_WRITE)


def _written(first: Request | Outcome) -> tuple[str, str | None, str | None]:
    """The event's type, the Email of the person and the Name of the company that it writes.

    As they are spelled: a call takes one spelling. An Outcome is that of a track event which _ANY has no name for.
    """
    if isinstance(first, UpsertPerson):
        return PERSON.event_type, PERSON.key_of(first.person), None
    if isinstance(first, FindCompany):
        return COMPANY.event_type, first.email, COMPANY.key_of(first.company)
    return "track", None, None


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf8", "surrogatepass"), digest_size=8).digest(), "big")


def _by_window(keys: Sequence[int], seconds: int, start: int) -> Counter[int]:
    """How many keys came in each window. `keys`: sorted, so that those of one window stand together."""
    floored = (key - ((key & _MOMENT) - start) % seconds for key in keys)
    return Counter(key & _MOMENT for key, _ in groupby(floored))


def _seconds_to(at: datetime) -> int:
    """The whole seconds to a moment in UTC from a day before the year 1: no window begins before that."""
    return at.toordinal() * DAY + at.hour * HOUR + at.minute * MINUTE + at.second


def _utc(seconds: int) -> datetime:
    return datetime.min.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds - DAY)


def _beyond(slots: Sequence[tuple[int, int]], most: int) -> int:
    """The first of the slots with which there are more than `most` events."""
    totals = accumulate(number for _, number in slots)
    return next(slot for (slot, _), total in zip(slots, totals, strict=True) if total > most)
