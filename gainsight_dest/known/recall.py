"""What is left to send of one event, by what is known, and what its answers teach. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from gainsight_dest import gainsight
from gainsight_dest.descriptors import CreateCompany, FindCompany, Request, UpdateCompany, UpsertPerson
from gainsight_dest.errors import GainsightDestError, RejectedError, ThrottledError
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.gainsight import Response
from gainsight_dest.known.told import Digests, Told


class Recall:
    """What is known of the records of one event while it is delivered.

    `known`: what Gainsight was told before, by the digests of the records. `learned`: what it was told since, for
    `Store.give`. `gsid`: that of the company, where it is known and nothing of the company was sent.
    """

    def __init__(self, digests: Digests, known: Mapping[bytes, Told]) -> None:
        self.learned: dict[bytes, Told | None] = {}
        self.gsid: str | None = None
        self._digests = digests
        self._known = {**known}
        #: What the event begins with if the company is not there, though it is known that it was.
        self._anew: FindCompany | None = None

    def left_of(self, request: Request | None) -> Request | None:
        """The request, or what it leads to once what is known is passed; None: nothing is left to send."""
        if isinstance(request, FindCompany) and not request.looks:
            return self._left_of_group(request)
        if isinstance(request, UpsertPerson):
            told = self._known.get(self._record(request))
            is_known = told is not None and told.covers(self._digests.told(PERSON, request.person))
            return None if is_known else request
        return request

    def _left_of_group(self, find: FindCompany) -> Request | None:
        told, company = self._known.get(self._record(find)), self._digests.told(COMPANY, find.company)
        if told is None or told.gsid is None or told.key != company.key:
            return find
        self._anew = find
        if not told.covers(company):
            return UpdateCompany(find.config, find.company, find.email)
        self.gsid = told.gsid
        return self.left_of(UpsertPerson(find.config, company_link(find.email, told.gsid))) if find.email else None

    def took(self, request: Request, answer: Response, following: Request | None) -> Request | None:
        """Gainsight has taken the request: what is left of what follows."""
        if isinstance(request, UpsertPerson):
            self._tells(request, self._digests.told(PERSON, request.person))
        elif isinstance(request, (CreateCompany, UpdateCompany)):
            hide, gsid = request.config.hide, following and following.gsid
            gsid = gsid or gainsight.saved_gsid(answer, request.action, hide)
            self._tells(request, self._digests.told(COMPANY, request.company, gsid))
        elif isinstance(following, CreateCompany):
            self.learned[self._record(following)] = None
        return self.left_of(following)

    def _tells(self, request: Request, told: Told) -> None:
        record = self._record(request)
        # For each call: attrs.evolve would take three times as long.
        self.learned[record] = Told(told.key, told.fields, told.links, told.gsid, told.at, record not in self._known)

    def failed(self, request: Request, error: GainsightDestError) -> Request | None:
        """What to send instead, as Gainsight has not what was known; None: the error stands."""
        anew = self._anew
        is_by_known = isinstance(request, UpdateCompany) or (self.gsid is not None and request.gsid == self.gsid)
        if isinstance(error, RejectedError) and anew is not None and is_by_known:
            self.learned[self._record(anew)] = None
            del self._known[self._record(anew)]
            self._anew = self.gsid = None
            return anew
        is_write = isinstance(request, (UpsertPerson, CreateCompany, UpdateCompany))
        if is_write and not isinstance(error, ThrottledError):
            self.learned[self._record(request)] = None
        return None

    def _record(self, request: Request) -> bytes:
        """The digest of the one that the request itself is about."""
        if isinstance(request, UpsertPerson):
            return self._digests.record(PERSON.identity(PERSON.key_of(request.person)))
        if isinstance(request, (FindCompany, CreateCompany, UpdateCompany)):
            return self._digests.record(COMPANY.identity(COMPANY.key_of(request.company)))
        raise TypeError(f"{type(request).__name__} is about no record")
