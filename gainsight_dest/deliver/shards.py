"""Several senders with one tenant's calls, as engines run them on many machines: each has its share, and keeps it.

```python
settings = Shards(config=config, shards=4)
with settings.companies() as sender:
    outcomes = zip(groups, sender.save_companies(groups))
    saved = [SavedGroup(event, outcome.gsid, outcome.calls) for event, outcome in outcomes]
with settings.shard(0) as sender:
    outcomes = list(sender.deliver([*identifies, *saved]))
```

What goes to which sender is said by `Shards.address`. One sender alone can do all of it: `Shard.deliver_all`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.patience import Patience, at_least_1
from gainsight_dest.descriptors import FindCompany, UpsertPerson, checked_base_url
from gainsight_dest.errors import CredentialsError, EventError, RetryableError
from gainsight_dest.fields import company_link
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, begin
from gainsight_dest.templates import Settings, of_one_tenant

_DAY = 86_400.0
#: Seconds to wait for another sender that has the journal: an engine that has given up on a task may start it again
#: while the first one is still sending what is left of its batch.
_HANDED_OVER = 900.0


class SavedGroup(NamedTuple):
    """A group event whose company is saved: its Gsid, and the calls that it took."""

    event: Event
    gsid: str
    calls: int = 0


@attrs.frozen(kw_only=True)
class Shards:
    """How events are delivered by a sender for the companies and so many for people and track events.

    `calls_per_minute`, `calls_per_day`: what all of them may use of the tenant's limits together (None: no limit); a
    tenth is for companies. `workers`: calls under way at once, `batch`: events merged at once, both by each sender. The
    rest is as for Deliverer, as is what a sender is made with: `session`, `sleep` and `clock`. Raises ConfigError,
    ValueError. Pickles; the repr shows no secret.
    """

    config: DestinationConfig | Settings = attrs.field(converter=of_one_tenant)
    shards: int = 1
    calls_per_minute: int | None = CALLS_PER_MINUTE
    calls_per_day: int | None = CALLS_PER_DAY
    workers: int = attrs.field(default=WORKERS, validator=at_least_1)
    batch: int = attrs.field(default=BATCH, validator=at_least_1)
    base_url: str | None = attrs.field(default=None, converter=attrs.converters.optional(checked_base_url))
    timeout: Timeout = TIMEOUT
    patience: Patience = attrs.field(factory=Patience)
    silence: float = 900.0

    def __attrs_post_init__(self) -> None:
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
        deliverer = Deliverer(
            self.config,
            base_url=self.base_url,
            workers=self.workers,
            timeout=self.timeout,
            patience=self.patience,
            silence=self.silence,
            clock=clock,
            budget=Budget(minute, day, clock, is_even=True),
            **how,
        )
        return Shard(self, deliverer)


@attrs.define(eq=False, repr=False, slots=False)
class Shard:
    """One of the senders: a Deliverer that spreads its share of the calls evenly. A context manager; one run at a time.

    There is to be one of a number at a time, wherever it is; another may take up its work: see Budget.
    """

    _settings: Shards
    #: What makes the calls, and counts them.
    deliverer: Deliverer
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
                yield attrs.evolve(outcome, gsid=group.gsid, calls=outcome.calls + group.calls)

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
        saved: dict[int, tuple[str, int]] = {}
        groups = [index for index, place in places.items() if place.company is not None]
        groups.sort(key=lambda index: (places[index].company, places[index].order, index))
        outcomes = self.save_companies(map(events.__getitem__, groups), companies_journal)
        for index, outcome in zip(groups, outcomes, strict=True):
            if outcome.gsid is None:
                del places[index]
                yield attrs.evolve(outcome, index=index)
            else:
                saved[index] = outcome.gsid, outcome.calls
        order = sorted(places, key=lambda index: (places[index].key, places[index].order, index))
        items = (SavedGroup(events[n], *saved[n]) if n in saved else events[n] for n in order)
        for index, outcome in zip(order, self.deliver(items, journal), strict=True):
            yield attrs.evolve(outcome, index=index)

    def close(self) -> None:
        """Close its connections."""
        self.deliverer.close()

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
