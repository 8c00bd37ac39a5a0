"""What of each event is left to send if it is known what those before it said. It keeps digests alone."""

from __future__ import annotations

from typing import NamedTuple

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, UpdateCompany, UpsertPerson
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.gainsight import Response
from gainsight_dest.known.known import after
from gainsight_dest.known.recall import Recall
from gainsight_dest.known.told import Digests, Told

#: Of one tenant, whichever it is.
_DIGESTS = Digests.of(DestinationConfig(domain="any.gainsightcloud.com"), b"")
_TAKEN = Response(200, b"")


class Left(NamedTuple):
    """Which calls are left of an event.

    Whether its company is looked for, whether it is saved; whether its person is saved or linked; whether it is sent as
    a track event.
    """

    finds: bool = False
    saves: bool = False
    person: bool = False
    track: bool = False

    @property
    def calls(self) -> int:
        """How many they are."""
        return sum(self)


TRACK = Left(track=True)
#: Of an event that is refused, by its type: the calls until then.
REFUSED = {PERSON.event_type: Left(person=True), COMPANY.event_type: Left(finds=True, saves=True)}


class Repeats:
    """What was said of each person and company, as if Gainsight had taken it all: about 400 bytes of each."""

    def __init__(self) -> None:
        self._told: dict[bytes, bytes] = {}

    def add(self, first: Request) -> Left:
        """What is left of the event that begins with that request; from now on it is known, too."""
        records = _DIGESTS.records(first.records)
        if not records:
            return TRACK
        known = {record: Told.unpacked(self._told[record]) for record in records if record in self._told}
        recall = Recall(_DIGESTS, known)
        sent = set()
        request = recall.left_of(first)
        while request is not None:
            sent.add(type(request))
            request = recall.took(request, _TAKEN, _following(request))
        now = ((record, after(known.get(record), lesson, 0)) for record, lesson in recall.learned.items())
        self._told.update((record, told.packed()) for record, told in now if told is not None)
        return Left(FindCompany in sent, UpdateCompany in sent, UpsertPerson in sent)


def _following(request: Request) -> Request | None:
    """What comes next: a company has a Gsid by its Name."""
    if isinstance(request, FindCompany):
        return UpdateCompany(request.config, request.company, request.email)
    if isinstance(request, UpdateCompany):
        gsid = _DIGESTS.key(COMPANY, request.company).hex()
        return UpsertPerson(request.config, company_link(request.email, gsid))
    return None
