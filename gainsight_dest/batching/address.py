"""Which sender an event belongs to, where several share the tenant's calls. Pure functions.

Companies come first, by one sender for all of them, so that each is made once and 50 go into a call. Then people and
track events go to so many shards, each with a sender of its own. The shard follows from the person's Email alone: over
processes, windows and runs a person is written by one sender, in order.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

import attrs

from gainsight_dest.batching.moments import moment_of
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, UpsertPerson
from gainsight_dest.errors import EventError
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.gainsight import folded
from gainsight_dest.outcome import Event, Outcome, begin, text_of
from gainsight_dest.templates import Settings
from gainsight_dest.values import native, text

__all__ = ["Address", "Shares", "address", "shard_of", "shares"]

#: The number of the one sender of companies, beside those of the shards, which begin at 0.
COMPANIES_SENDER = -1

#: Of so many calls the sender of the companies gets one, as it writes 50 in a call where others write one person.
CALLS_PER_COMPANIES_CALL = 10

#: By whom a track event goes, which belongs to no record: the events of a user stay in order.
USERS = ("userId", "anonymousId", "messageId")


class Address(NamedTuple):
    """Where an event goes.

    `company`: of a group event the folded Name of its company, which is to be saved first; else None. `key`: by what it
    goes then: its person, or a track event's user. `shard`: the number of the sender, from 0. `moment`: when it
    happened, as UTC text that sorts; "" where it does not tell. The events of a key are ordered by `moment` and
    `message_id`. `unread`: a time of it that cannot be read, to be told; else None.
    """

    company: str | None
    key: str
    shard: int
    moment: str
    message_id: str
    unread: str | None = None

    @property
    def sender(self) -> int:
        """The number of the sender that the event goes to first: COMPANIES_SENDER, or its shard."""
        return self.shard if self.company is None else COMPANIES_SENDER

    @property
    def order(self) -> tuple[str, str]:
        """What sorts the events of one company, person or user."""
        return self.moment, self.message_id


@attrs.frozen
class Shares:
    """How many calls the sender of the companies may make, and each of the shards; None: without end."""

    companies: int | None
    each: tuple[int | None, ...]


def address(event: Event | EventError, config: DestinationConfig | Settings, shards: int) -> Address | Outcome:
    """Where the event goes, or its outcome where it goes nowhere: it is at fault, or not for Gainsight."""
    first = begin(0, event, config)
    if isinstance(first, Outcome):
        return first
    company = None
    if isinstance(first, FindCompany):
        company, key = folded(COMPANY.key_of(first.company)), " ".join(PERSON.identity(first.email))
    elif isinstance(first, UpsertPerson):
        key = " ".join(PERSON.identity(PERSON.key_of(first.person)))
    else:
        key = f"User {_user(event)}"
    moment, message_id = moment_of(event), text_of(event, "messageId") or ""
    return Address(company, key, shard_of(key, shards), moment.text, message_id, moment.unread)


def shard_of(key: str, shards: int) -> int:
    """The shard of the key, from 0: the same on every machine and in every run."""
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


def shares(calls: int | None, shards: int) -> Shares:
    """The calls of a minute or a day, divided: they add up to what there is. Raises ValueError for too few of them."""
    if shards < 1:
        raise ValueError(f"shards must be at least 1, not {shards}")
    if calls is None:
        return Shares(None, (None,) * shards)
    companies = max(1, calls // CALLS_PER_COMPANIES_CALL)
    fewest, more = divmod(calls - companies, shards)
    if fewest < 1:
        raise ValueError(
            f"{calls} calls are too few for {shards} shards: the companies' sender and each shard need one at least"
        )
    return Shares(companies, tuple(fewest + (number < more) for number in range(shards)))


def _user(event: Any) -> str:
    """The first of the ids that a track event has, as text; "" if it has none."""
    return next(filter(None, (_id(event.get(name), name) for name in USERS)), "")


def _id(value: Any, name: str) -> str:
    """A text or a number of any class as text; "" for anything else."""
    own = native(value)
    try:
        return text(own, name) if type(own) in {str, int, float} else ""
    except EventError:  # no finite number, or one of thousands of digits
        return ""
