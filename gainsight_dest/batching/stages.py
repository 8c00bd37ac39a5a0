"""The stages of a batch in their order: its companies, then its people, then its track events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from gainsight_dest.batching.chunking import Queue, Stage
from gainsight_dest.batching.ledger import Ledger, Write
from gainsight_dest.batching.merge import merged
from gainsight_dest.batching.requests import CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.outcome import Outcome, Status

Begun = Sequence[Request | Outcome | None]


def _companies(begun: Begun, _: Ledger) -> list[Write]:
    groups = [(event, first) for event, first in enumerate(begun) if isinstance(first, FindCompany)]
    return [Write(event, first.company, is_last=not first.email) for event, first in groups]


def _companies_request(config: DestinationConfig, queue: Queue, companies: Sequence[Any]) -> Request:
    if queue.exists is None:
        return FindCompanies(config, tuple(map(COMPANY.key_of, companies)), queue.looks)
    save = UpdateCompanies if queue.exists else CreateCompanies
    return save(config, tuple(companies))


def _people(begun: Begun, ledger: Ledger) -> Iterator[Write]:
    """Also of groups, once their companies are saved: the links."""
    for event, first in enumerate(begun):
        if isinstance(first, UpsertPerson):
            yield Write(event, first.person)
        elif isinstance(first, FindCompany) and (known := ledger.of(event)).status is Status.NOT_TRIED:
            yield Write(event, company_link(first.email, str(known.gsid)))


def _track_events(begun: Begun, _: Ledger) -> list[Write]:
    return [Write(event, first) for event, first in enumerate(begun) if isinstance(first, SendEvent)]


COMPANIES = Stage(
    writes=_companies,
    key=COMPANY.key_of,
    merge=partial(merged, of=COMPANY),
    of=COMPANY,
    exists=None,
    sizes=(50, 50, 50, 50, 25, 12, 6, 3, 0),
    request=_companies_request,
)
PEOPLE = Stage(
    writes=_people,
    key=PERSON.key_of,
    merge=partial(merged, of=PERSON),
    of=PERSON,
    exists=True,
    sizes=(1, 1, 1, 1, 0),
    request=lambda config, _, people: UpsertPerson(config, people[0]),
)
TRACK_EVENTS = Stage(
    writes=_track_events,
    key=lambda _: "",
    merge=None,
    of=None,
    exists=True,
    sizes=(1,),
    request=lambda _config, _queue, requests: requests[0],
)

STAGES = (COMPANIES, PEOPLE, TRACK_EVENTS)
