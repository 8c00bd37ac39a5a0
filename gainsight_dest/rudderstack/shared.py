"""The store that requests share: who may write a record now, and what is known while others deliver."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import inf
from typing import NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request, UpsertPerson
from gainsight_dest.errors import GainsightDestError, RejectedError, RetryableError, ThrottledError
from gainsight_dest.fields import LINKED, LINKS, PERSON
from gainsight_dest.gainsight import Response
from gainsight_dest.known.known import Store, new_owner
from gainsight_dest.known.recall import Recall
from gainsight_dest.known.told import Digests, Told
from gainsight_dest.rudderstack.send import Send, may_ask

#: Seconds that a request waits for others in all, if its `send` does not end it earlier.
PATIENCE = 60.0
#: Seconds between two looks whether a record is free: the first ones, and how they grow, to the longest ones.
_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.02, 1.5, 0.1
_OCCUPIED = "another request is writing the same record"
_USED_UP = "the calls that this service may make are used up"
_REST = b"rest"
_MAY_BE_GONE = "the company was known to be there, and may be gone: the next try looks for it"


@attrs.frozen
class Shared:
    """The store, and whether what it knows is left out; `resend_after`: but not what was told so many seconds ago."""

    store: Store
    is_known_left_out: bool = False
    resend_after: float = inf

    @classmethod
    def of(cls, store: Store | None, *, known: bool, resend_after: float | None) -> Shared | None:
        """That of the arguments of a public function. Raises ValueError for `known` without a store."""
        if store is None:
            if known:
                raise ValueError("known needs a store")
            return None
        return cls(store, known, inf if resend_after is None else resend_after)

    def since(self) -> float:
        """What was told since then is not told again."""
        return time.time() - self.resend_after


@attrs.frozen
class Limited:
    """A `send` that keeps a tenant's limits of calls, together with all that share the store. None: without end.

    Raises ThrottledError instead of a call that would be one too many: rudder-server comes again.
    """

    send: Send
    store: Store
    calls_per_minute: int | None
    calls_per_day: int | None

    def __call__(self, request: Request) -> Response:
        """Gainsight's answer."""
        tenant = self.store.digests(request.config).tenant
        seconds = self.store.spend(tenant, self.calls_per_minute, self.calls_per_day)
        if seconds:
            raise ThrottledError(request.action, _USED_UP, retry_after=seconds)
        return self.send(request)


class Leases:
    """The leases of one request: its records are written by nobody else. End them, whatever happens.

    `take` never waits. `wait` does, and must not be called while any are held: so no two requests wait for each other.
    """

    def __init__(self, store: Store, digests: Digests) -> None:
        self._store = store
        self._digests = digests
        self._owner = new_owner()
        self._held: set[bytes] = set()
        self._waits = 0
        self._left = PATIENCE

    @property
    def are_held(self) -> bool:
        """Whether it has any."""
        return bool(self._held)

    def records(self, request: Request) -> frozenset[bytes]:
        """Those of the request."""
        return self._digests.records(request.records)

    def take(self, request: Request, send: Send) -> bool:
        """Whether all records of the request were taken, anew if they are held; else none was.

        Raises what `send` would raise at once.
        """
        may_ask(request, send)
        records = self.records(request)
        if not self._store.take(records, self._owner):
            return False
        self._held |= records
        return True

    def give(self, learned: Mapping[bytes, Told | None]) -> None:
        """Give back those of these that are held, with what Gainsight was told of them."""
        if held := self._held & learned.keys():
            self._store.give({record: learned[record] for record in held}, self._owner, time.time())
            self._held -= held

    def told(self, requests: Sequence[Request], since: float, send: Send) -> Mapping[bytes, Told]:
        """What Gainsight was told since then of the records of the requests."""
        if not requests:
            return {}
        with suppress(GainsightDestError):  # it is said of each call
            may_ask(requests[0], send)
        return self._store.view({record for request in requests for record in self.records(request)}, since)

    def wait(self, request: Request, send: Send) -> None:
        """Wait a moment, as another has a record of the request. Raises RetryableError once that was too long."""
        pause = min(_LONGEST_PAUSE, _PAUSE * _GROWTH**self._waits) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._waits = min(self._waits + 1, 9)
        self._left -= pause
        if self._left < 0:
            raise occupied(request)
        may_ask(request, send)
        time.sleep(pause)

    def end(self) -> None:
        """Give back all that is held."""
        if self._held:
            self._held.clear()
            self._store.release(self._owner)


class NoLeases:
    """Of those who share nothing: each writes what it will."""

    are_held = False

    def records(self, _: Request) -> frozenset[bytes]:
        """None."""
        return frozenset()

    def take(self, _: Request, __: Send) -> bool:
        """It may always write."""
        return True

    def give(self, _: Mapping[bytes, Told | None]) -> None:
        """Nothing is held."""

    def told(self, _: Sequence[Request], __: float, ___: Send) -> Mapping[bytes, Told]:
        """Nothing is known."""
        return {}

    def wait(self, request: Request, _: Send) -> None:
        """Nobody is waited for."""
        raise occupied(request)

    def end(self) -> None:
        """Nothing is held."""


def occupied(request: Request) -> RetryableError:
    """What a request fails with as another has one of its records."""
    return RetryableError(request.action, _OCCUPIED)


# --- people -----------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where something is kept of a person: what Gainsight was told, and what rudder-server was given to deliver."""

    record: bytes
    given: bytes


class Tenants:
    """The digests of the tenants of a request, by their configs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, tuple[Digests, DestinationConfig]] = {}

    def of(self, config: DestinationConfig) -> Digests:
        """Those of the config's tenant."""
        known = self._known.get(id(config))
        if known is None:
            known = self._known[id(config)] = self._store.digests(config), config  # an id is that of what is there
        return known[0]


class People:
    """What is known of the people of a request that rudder-server delivers itself.

    What it was given and has not delivered is not told yet, but will be. So with each person is kept what was given to
    rudder-server last, and she counts as known only while Gainsight was told all of that.
    """

    def __init__(self, shared: Shared, requests: Iterable[Request]) -> None:
        self._shared = shared
        self._tenants = Tenants(shared.store)
        places: dict[bytes, bytes | None] = {}
        for request in requests:
            digests = self._tenants.of(request.config)
            for identity in request.records:
                is_person = identity[0] == PERSON.name
                places[digests.record(identity)] = _given(digests, identity) if is_person else None
        wanted = {*places, *filter(None, places.values())}
        self._seen: Mapping[bytes, Told] = shared.store.view(wanted) if wanted else {}
        since = shared.since()
        #: Those of whose fields something new is told.
        self._new: set[bytes] = set()
        #: What is known for sure, by the digests of the records.
        self.known = {
            record: told
            for record, given in places.items()
            if (told := self._seen.get(record)) is not None
            and told.at >= since
            and (given is None or self._is_through(told, given))
        }

    def _is_through(self, told: Told, given: bytes) -> bool:
        """Whether all was told that rudder-server was given, as far as that is known."""
        last = self._seen.get(given)
        return last is not None and told.covers(last)

    def pass_by(self, request: UpsertPerson) -> bool:
        """Whether the request says nothing new. If it does, none after it for the same person is passed by."""
        digests = self._tenants.of(request.config)
        (identity,) = request.records
        record = digests.record(identity)
        told = self.known.get(record)
        if told is None or record in self._new or not told.covers(digests.told(PERSON, request.person)):
            self._new.add(record)
            return False
        return True

    def give(self, requests: Iterable[UpsertPerson]) -> None:
        """Note that rudder-server is given these to deliver."""
        lessons: dict[bytes, Told | None] = {}
        for request in requests:
            digests = self._tenants.of(request.config)
            (identity,) = request.records
            place = _Place(digests.record(identity), _given(digests, identity))
            told = digests.told(PERSON, request.person)
            before = lessons.get(place.given) or self._seen.get(place.given)
            if before is not None and before.key != told.key:  # one record or two: that is not known
                lessons[place.record] = None
            if (now := lessons.get(place.given)) is not None:
                lessons[place.given] = now.then(told)
            else:
                known = self._seen.get(place.record)
                is_through = known is not None and self._is_through(known, place.given)
                lessons[place.given] = attrs.evolve(told, is_all=is_through or before is None)
        if lessons:
            self._shared.store.learn(lessons, time.time())


def _given(digests: Digests, identity: tuple[str, str]) -> bytes:
    return digests.record((f"given {identity[0]}", identity[1]))


# --- the companies of links -------------------------------------------------------------------------------------------


def note_links(shared: Shared, digests: Digests, links: Mapping[str, tuple[bytes, bool]]) -> None:
    """Note which links rudder-server is given without that their companies were asked for.

    `links`: by the Gsid of the company, its record, and whether that is so. If Gainsight refuses such a link, the
    company may be gone: see `delivering`.
    """
    wanted = {
        _place_of(digests, gsid): _company(record) if is_assumed else None
        for gsid, (record, is_assumed) in links.items()
    }
    noted = shared.store.view(wanted) if wanted else {}
    # Few change: most are noted already, or need not be.
    lessons = {place: told for place, told in wanted.items() if not _same(told, noted.get(place))}
    if lessons:
        shared.store.learn(lessons, time.time())


def _forgotten(shared: Shared, digests: Digests, request: UpsertPerson) -> bool:
    """Whether it was noted that the company of a link was not asked for. If so, nothing is known of it from now on."""
    links = request.person.get(LINKS)
    gsids = [link.get(LINKED) for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    noted = shared.store.view(_place_of(digests, gsid) for gsid in gsids if isinstance(gsid, str))
    if noted:
        companies = (told.key + told.fields[_REST] for told in noted.values())
        shared.store.learn(dict.fromkeys([*noted, *companies]), time.time())
    return bool(noted)


def _company(record: bytes) -> Told:
    """A note of the record: what a store keeps holds digests of half its size."""
    return Told(record[:8], {_REST: record[8:]}, is_all=True)


def _same(one: Told | None, other: Told | None) -> bool:
    return (one and (one.key, one.fields)) == (other and (other.key, other.fields))


def _place_of(digests: Digests, gsid: str) -> bytes:
    return digests.record(("link", gsid))


# --- deliveries -------------------------------------------------------------------------------------------------------


@contextmanager
def delivering(request: Request, send: Send, shared: Shared | None) -> Iterator[Callable[[Response], object]]:
    """Around the call that delivers a request of rudder-server's: what a person is told, the store learns.

    Gives what is to be called with the answer, once it says that Gainsight has taken the request. Nobody else writes
    the person meanwhile, and if the call fails, nothing is known of her. Raises RetryableError where another writes
    her for too long, and where she is linked to a company that is known to be there, but may be gone: rudder-server
    then has the event transformed again, for which the company is looked for.
    """
    if shared is None or not isinstance(request, UpsertPerson):
        yield lambda _: None
        return
    may_ask(request, send)
    digests = shared.store.digests(request.config)
    leases = Leases(shared.store, digests)
    records = leases.records(request)
    known = shared.store.view(records, shared.since())  # it shows nothing of what is leased
    while not leases.take(request, send):
        leases.wait(request, send)
        known = shared.store.view(records, shared.since())
    recall = Recall(digests, known)
    try:
        yield lambda answer: recall.took(request, answer, None)
    except GainsightDestError as error:
        recall.failed(request, error)
        if isinstance(error, RejectedError) and _forgotten(shared, digests, request):
            raise RetryableError(request.action, f"{error.problem}; {_MAY_BE_GONE}", error.status) from error
        raise
    except BaseException:
        recall.learned.update(dict.fromkeys(records))
        raise
    finally:
        try:
            leases.give(recall.learned)
        finally:
            leases.end()
