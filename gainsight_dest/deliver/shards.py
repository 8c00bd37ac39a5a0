"""Several senders with one tenant's calls, as engines run them on many machines: each has its share, and keeps it.

```python
settings = Shards(config=config, shards=4)
with settings.companies() as sender:
    outcomes = zip(groups, sender.save_companies(groups))
    saved = [SavedGroup.of(event, outcome) for event, outcome in outcomes]
with settings.shard(0) as sender:
    outcomes = list(sender.deliver([*identifies, *saved]))
```

What goes to which sender is said by `Shards.address`. One sender alone can do all of it: `Shard.deliver_all`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.address import COMPANIES_SENDER, Address, address, shares
from gainsight_dest.batching.defaults import BATCH, CALLS_PER_DAY, CALLS_PER_MINUTE, WORKERS
from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.budget import Budget, steady_clock
from gainsight_dest.deliver.call import TIMEOUT, Timeout
from gainsight_dest.deliver.deliverer import Deliverer
from gainsight_dest.deliver.engines import OptionsError, has_password, no_such_option
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.patience import Patience, above_0, at_least_1
from gainsight_dest.descriptors import FindCompany, UpsertPerson, checked_base_url
from gainsight_dest.errors import CredentialsError, EventError, RetryableError
from gainsight_dest.fields import company_link
from gainsight_dest.known.known import Known, Store
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status, begin
from gainsight_dest.spelling import Names
from gainsight_dest.templates import Settings, of_one_tenant

_DAY = 86_400.0
#: Seconds to wait for another sender that has the journal: an engine that has given up on a task may start it again
#: while the first one is still sending what is left of its batch.
_HANDED_OVER = 900.0


class SavedGroup(NamedTuple):
    """A group event whose company is saved: its Gsid, the calls that it took, and whether it was as it is before."""

    event: Event
    gsid: str
    calls: int = 0
    is_unchanged: bool = False

    @classmethod
    def of(cls, event: Event, outcome: Outcome) -> SavedGroup:
        """By what `save_companies` says of the event. Raises ValueError where its company is not saved."""
        if outcome.gsid is None:
            raise ValueError("the company of the group event is not saved")
        return cls(event, outcome.gsid, outcome.calls, outcome.status is Status.UNCHANGED)


def _number(value: Any) -> Any:
    """The number that a text stands for: options of engines are texts."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _limit(value: Any) -> Any:
    """The same of a limit, where 0 stands for none."""
    return _number(value) or None


def _whole(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Raises ValueError for a setting that is no whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{attribute.alias} must be a whole number")  # noqa: TRY004 - settings raise it


def _whole_limit(of: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """The same of a limit, if there is one."""
    if value is not None:
        _whole(of, attribute, value)


def _seconds(of: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Raises ValueError for a setting that is no number above 0; None is none at all."""
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"{attribute.alias} must be a number of seconds")  # noqa: TRY004 - settings raise it
    above_0(of, attribute, value)


def shown_place(known: str | os.PathLike[str] | None) -> str | None:
    """The place of a store, as it may be shown: of a URL that may hold a password, no more than its scheme."""
    if known is None:
        return None
    place = os.fspath(known)
    return f"{place.partition('://')[0]}://***" if has_password(place) else place


@attrs.frozen(kw_only=True)
class Shards:
    """How events are delivered by a sender for the companies and so many for people and track events.

    `calls_per_minute`, `calls_per_day`: what all of them may use of the tenant's limits together (None or 0: no limit);
    a tenth is for companies. `workers`: calls under way at once, `batch`: events merged at once, both by each sender.
    `known`: the place of a store, which each sender opens, and which counts the calls of all of them. The rest is as
    for Deliverer, as is what a sender is made with: `session`, `sleep` and `clock`. Numbers may be texts of digits.
    Raises ConfigError, ValueError. Pickles; the repr shows no secret.
    """

    config: DestinationConfig | Settings = attrs.field(converter=of_one_tenant)
    shards: int = attrs.field(default=1, converter=_number, validator=[_whole, at_least_1])
    calls_per_minute: int | None = attrs.field(default=CALLS_PER_MINUTE, converter=_limit, validator=_whole_limit)
    calls_per_day: int | None = attrs.field(default=CALLS_PER_DAY, converter=_limit, validator=_whole_limit)
    workers: int = attrs.field(default=WORKERS, converter=_number, validator=[_whole, at_least_1])
    batch: int = attrs.field(default=BATCH, converter=_number, validator=[_whole, at_least_1])
    base_url: str | None = attrs.field(default=None, converter=attrs.converters.optional(checked_base_url))
    timeout: Timeout = TIMEOUT
    patience: Patience = attrs.field(factory=Patience)
    silence: float = 900.0
    known: str | os.PathLike[str] | None = attrs.field(default=None, repr=lambda known: repr(shown_place(known)))
    resend_after: float | None = attrs.field(default=None, converter=_number, validator=_seconds)

    @classmethod
    def of(cls, config: DestinationConfig | Mapping[str, Any], **settings: Any) -> Shards:
        """By settings as an engine is given them. Raises OptionsError for names that are none, and as Shards does."""
        names = [field.name for field in attrs.fields(cls) if field.name != "config"]
        if wrong := [no_such_option(name, Names(names)) for name in settings if name not in names]:
            raise OptionsError("; ".join(wrong))
        return cls(config=config, **settings)

    def __attrs_post_init__(self) -> None:
        if self.resend_after is not None and self.known is None:
            raise ValueError("resend_after is for what is known: it needs known")
        for calls in (self.calls_per_minute, self.calls_per_day):
            shares(calls, self.shards)

    def address(self, event: Event | EventError) -> Address | Outcome:
        """Where the event goes, or its outcome where it goes nowhere."""
        return address(event, self.config, self.shards)

    def place(self, event: Event | EventError) -> Address:
        """Its address; of one that goes nowhere that of the first shard, whose sender finds its outcome again."""
        found = self.address(event)
        return Address(None, "", 0, "", found.message_id or "") if isinstance(found, Outcome) else found

    def alone(self, **how: Any) -> Shard:
        """One sender for all, companies too, with all of the calls: no other may be at work."""
        return self._sender(self.calls_per_minute, self.calls_per_day, **how)

    def companies(self, **how: Any) -> Shard:
        """The sender of the companies."""
        return self.shard(COMPANIES_SENDER, **how)

    def shard(self, number: int, **how: Any) -> Shard:
        """The sender of that shard, or of the companies: COMPANIES_SENDER. Raises IndexError."""
        both = (shares(calls, self.shards) for calls in (self.calls_per_minute, self.calls_per_day))
        minute, day = (each.companies if number == COMPANIES_SENDER else each.each[number] for each in both)
        return self._sender(minute, day, **how)

    def _sender(
        self, minute: int | None, day: int | None, *, clock: Callable[[], float] = steady_clock, **how: Any
    ) -> Shard:
        store = None if self.known is None else Known.open(self.known)
        limits: dict[str, Any] = {"budget": Budget(minute, day, clock, is_even=True)}
        if store is not None:  # it counts the calls of all of them
            limits = {"calls_per_minute": self.calls_per_minute, "calls_per_day": self.calls_per_day}
        deliverer = Deliverer(
            self.config,
            base_url=self.base_url,
            workers=self.workers,
            timeout=self.timeout,
            patience=self.patience,
            silence=self.silence,
            clock=clock,
            known=store,
            resend_after=self.resend_after,
            **limits,
            **how,
        )
        return Shard(self, deliverer, store)


@attrs.define(eq=False, repr=False, slots=False)
class Shard:
    """One of the senders: a Deliverer that spreads its share of the calls evenly. A context manager; one run at a time.

    There is to be one of a number at a time, wherever it is; another may take up its work: see Budget.
    """

    _settings: Shards
    #: What makes the calls, and counts them.
    deliverer: Deliverer
    _store: Store | None = None
    #: Times of the events of `deliver_all` that cannot be read.
    unread: UnreadTimes = attrs.field(factory=UnreadTimes, init=False)

    def save_companies(
        self, events: Iterable[Event], journal: str | os.PathLike[str] | None = None
    ) -> Iterator[Outcome]:
        """Creates or updates the companies of the group events, and links nobody: one outcome each, in order.

        `journal`: a file; what it knows is not sent again; another sender that still has it is waited for. Raises
        CredentialsError, or RetryableError where no call got through for long, after the outcomes of all that is
        settled; and JournalError.
        """
        yield from self._run(map(self._company, events), journal)

    def deliver(
        self, items: Iterable[Event | SavedGroup], journal: str | os.PathLike[str] | None = None
    ) -> Iterator[Outcome]:
        """Delivers identify and track events, and links the people of group events whose company is saved.

        One outcome each, in order; those of group events have the Gsid, and the calls for the company too. `journal`
        and errors as for `save_companies`.
        """
        saved: dict[int, SavedGroup] = {}
        for outcome in self._run(self._linked(items, saved), journal):
            group = saved.pop(outcome.index, None)
            if group is None:
                yield outcome
            else:
                is_new = outcome.status is Status.UNCHANGED and not group.is_unchanged
                status = Status.DELIVERED if is_new else outcome.status
                yield attrs.evolve(outcome, status=status, gsid=group.gsid, calls=outcome.calls + group.calls)

    def deliver_all(
        self,
        events: Sequence[Any],
        companies_journal: str | os.PathLike[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> Iterator[Outcome]:
        """Delivers all the events by this one sender, as all senders would: companies first, then people in order.

        One outcome each, whose `index` is the event's place among `events`, as soon as it is known. `events` may make
        an event each time it is asked for, so that not all are in memory, and have an EventError in place of one. Those
        of one company or person that happened at the same time go in their order there: with a journal it must be the
        same in each run. Journals and errors as for `save_companies`.
        """
        places = {index: self._settings.place(event) for index, event in enumerate(events)}
        for place in places.values():
            self.unread += UnreadTimes.of(place.unread)
        saved: dict[int, Outcome] = {}
        groups = [index for index, place in places.items() if place.company is not None]
        groups.sort(key=lambda index: (places[index].company, places[index].order, index))
        outcomes = self.save_companies(map(events.__getitem__, groups), companies_journal)
        for index, outcome in zip(groups, outcomes, strict=True):
            if outcome.gsid is None:
                del places[index]
                yield attrs.evolve(outcome, index=index)
            else:
                saved[index] = outcome
        order = sorted(places, key=lambda index: (places[index].key, places[index].order, index))
        items = (SavedGroup.of(events[n], saved[n]) if n in saved else events[n] for n in order)
        for index, outcome in zip(order, self.deliver(items, journal), strict=True):
            yield attrs.evolve(outcome, index=index)

    def close(self) -> None:
        """Close its connections."""
        self.deliverer.close()
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Shard:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(
        self, events: Iterable[Event | EventError | PreparedEvent], journal_file: str | os.PathLike[str] | None
    ) -> Iterator[Outcome]:
        wrong_key: CredentialsError | None = None
        with ExitStack() as opened:
            journal = None
            if journal_file is not None:
                journal = opened.enter_context(Journal(journal_file, self.deliverer.target, wait=_HANDED_OVER))
                if not self.deliverer.calls:  # those that it knows were made by another
                    self.deliverer.budget.remember(journal.calls_since(_DAY))
            for outcome in self.deliverer.run(events, journal, batch=self._settings.batch):
                if isinstance(outcome.error, CredentialsError) and not outcome.resumed:
                    wrong_key = outcome.error
                if outcome.is_settled or (wrong_key is None and self.deliverer.ended is None):
                    yield outcome
        if wrong_key is not None:
            raise wrong_key
        if self.deliverer.ended is not None:
            raise RetryableError("deliver", self.deliverer.ended)

    def _company(self, event: Event) -> Event | PreparedEvent:
        """The event with what it asks for of its company; as it is, if it asks for none."""
        find = begin(0, event, self._settings.config)
        return PreparedEvent(event, FindCompany(find.config, find.company)) if isinstance(find, FindCompany) else event

    def _linked(
        self, items: Iterable[Event | SavedGroup], saved: dict[int, SavedGroup]
    ) -> Iterator[Event | PreparedEvent]:
        """The items with what is left to ask for; those whose company is saved are noted by their places."""
        for index, item in enumerate(items):
            if not isinstance(item, SavedGroup):
                yield item
                continue
            saved[index] = item
            find = begin(0, item.event, self._settings.config)
            if isinstance(find, FindCompany):
                yield PreparedEvent(item.event, UpsertPerson(find.config, company_link(find.email, item.gsid)))
            else:
                yield item.event
