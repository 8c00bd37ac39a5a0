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
from functools import partial
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.address import COMPANIES_SENDER, Address, address, shares
from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.budget import Budget, steady_clock
from gainsight_dest.deliver.call import Timeout
from gainsight_dest.deliver.deliverer import Deliverer
from gainsight_dest.deliver.engines import ConfigReference, ConfigSource, config_of, read_file
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.settings import (
    OF_SHARDS,
    OPTIONS,
    OptionsError,
    contradictions,
    converted,
    default,
    has_password,
    shown_place,
    values_of,
)
from gainsight_dest.descriptors import FindCompany, UpsertPerson
from gainsight_dest.errors import ConfigError, CredentialsError, EventError, RetryableError
from gainsight_dest.fields import company_link
from gainsight_dest.known.known import Known, Store
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status, begin
from gainsight_dest.templates import Settings

_DAY = 86_400.0
#: Seconds to wait for another sender that has the journal: an engine that has given up on a task may start it again
#: while the first one is still sending what is left of its batch.
_HANDED_OVER = 900.0


class SavedGroup(NamedTuple):
    """A group event whose company is saved: its Gsid, the calls that it took, and whether it was as it is before.

    `reason`: why nothing was sent of it though it says something new, as of Outcome.
    """

    event: Event
    gsid: str
    calls: int = 0
    is_unchanged: bool = False
    reason: str | None = None

    @classmethod
    def of(cls, event: Event, outcome: Outcome) -> SavedGroup:
        """By what `save_companies` says of the event. Raises ValueError where its company is not saved."""
        if outcome.gsid is None:
            raise ValueError("the company of the group event is not saved")
        return cls(event, outcome.gsid, outcome.calls, outcome.status is Status.UNCHANGED, outcome.reason)


def _by_table(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Each field that is an option is read as its row of the table says."""
    return [each.evolve(converter=partial(converted, each.name)) if each.name in OPTIONS else each for each in fields]


@attrs.frozen(kw_only=True, field_transformer=_by_table)
class Shards:
    """How events are delivered by a sender for the companies and so many for people and track events.

    `config`: that of the destination; or the path of a JSON file, or a function, that is read in each process, so that
    what pickles holds no key. `calls_per_minute`, `calls_per_day`: what all of them may use of the tenant's limits
    together (None or 0: no limit); a tenth is for companies. `workers`: calls under way at once, `batch`: events merged
    at once, both by each sender. `known`: the place of a store, which each sender opens, and which counts the calls of
    all of them. The rest is as for Deliverer, as is what a sender is made with: `session`, `sleep` and `clock`. Numbers
    may be texts: see `gainsight_dest.deliver.settings.OPTIONS`. Raises OptionsError, and ConfigError for the config.
    Pickles; the repr shows no secret.
    """

    _config: DestinationConfig | Settings | ConfigReference = attrs.field(converter=config_of)
    shards: int = default("shards")
    calls_per_minute: int | None = default("calls_per_minute")
    calls_per_day: int | None = default("calls_per_day")
    workers: int = default("workers")
    batch: int = default("batch")
    base_url: str | None = default("base_url")
    timeout: Timeout = default("timeout")  # noqa: RUF009 - a value that does not change
    patience: Patience = default("patience")  # noqa: RUF009 - the same
    silence: float = default("silence")
    known: str | os.PathLike[str] | None = attrs.field(default=None, repr=lambda known: repr(shown_place(known)))
    resend_after: float | None = default("resend_after")

    @classmethod
    def of(cls, config: ConfigSource | ConfigReference, where: str = "Shards", **settings: Any) -> Shards:
        """By options as an engine is given them, by whatever is called `where`.

        Raises OptionsError, which lists all that is wrong with any of them, the config too.
        """
        return settings_by(where, config, settings)[0]

    def __attrs_post_init__(self) -> None:
        if problems := [*contradictions(attrs.asdict(self, recurse=False))]:
            raise OptionsError("Shards", *problems)

    @property
    def config(self) -> DestinationConfig | Settings:
        """The destination config. One that is given by reference is read now, once in each process.

        Raises ConfigError, and whatever gives it raises.
        """
        return self._config.open() if isinstance(self._config, ConfigReference) else self._config

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
            tracks_once=store is not None,
            **limits,
            **how,
        )
        return Shard(self, deliverer, store)


def settings_by(
    where: str,
    config: ConfigSource | ConfigReference | None,
    given: Mapping[str, Any],
    names: Sequence[str] = OF_SHARDS,
    *,
    is_shown: bool = False,
    is_opened: bool = False,
    read: Callable[[str], bytes] = read_file,
) -> tuple[Shards, dict[str, Any]]:
    """The Shards of the options that an engine is given, and the values of those that are the engine's own.

    `where`: whose options they are. `names`: which there are. `is_shown`: the engine may show them, so that no password
    may be in them. `is_opened`: a config that is given by reference is read now. `read`: a file. A config of None is
    missing. Raises OptionsError, which lists all that is wrong.
    """
    found, problems = values_of(given, names)
    if is_shown and has_password(found.get("known") or ""):
        problems.append(("known", "must hold no password, as the engine may show options"))
    try:
        source = config_of(config, read)
        if is_opened and isinstance(source, ConfigReference):
            source = source.open()
    except ConfigError as error:
        problems = [*error.problems, *problems]
    if problems:
        raise OptionsError(where, *problems)
    others = {name: found.pop(name, OPTIONS[name].default) for name in names if name not in OF_SHARDS}
    return Shards(config=source, **found), others


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
                reason = outcome.reason or group.reason if status is Status.UNCHANGED else None
                calls = outcome.calls + group.calls
                yield attrs.evolve(outcome, status=status, reason=reason, gsid=group.gsid, calls=calls)

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
