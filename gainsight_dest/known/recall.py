"""What is left to send of one event, by what is known, and what its answers teach. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from gainsight_dest import gainsight
from gainsight_dest.descriptors import CreateCompany, FindCompany, Request, SendEvent, UpdateCompany, UpsertPerson
from gainsight_dest.errors import GainsightDestError, RejectedError, ThrottledError
from gainsight_dest.fields import COMPANY, PERSON, GainsightObject, Record, company_link
from gainsight_dest.gainsight import Response
from gainsight_dest.known.told import Digests, Told, newest, sent_told
from gainsight_dest.outcome import OLDER, SENT_BEFORE


class Recall:
    """What is known of the records of one event while it is delivered.

    `known`: what Gainsight was told before, by the digests of the records. `moment`: when the event happened, as of
    Told; what it writes of a record that was told by a newer one is left out. `sent`: by what it is kept that a track
    event was sent; then one that was is left out. `learned`: what Gainsight was told since, for `Store.give`. `gsid`:
    that of the company, where it is known and nothing of the company was sent. `reason`: why something is left out that
    is new, as of Outcome.
    """

    def __init__(
        self,
        digests: Digests,
        known: Mapping[bytes, Told],
        moment: int | None = None,
        sent: bytes | None = None,
    ) -> None:
        self.learned: dict[bytes, Told | None] = {}
        self.gsid: str | None = None
        self.reason: str | None = None
        self._moment = moment
        self._sent = sent
        self._digests = digests
        self._known = {**known}
        #: What the event begins with if the company is not there, though it is known that it was.
        self._anew: FindCompany | None = None
        self._last: Request | None = None
        self._last_record = b""

    def left_of(self, request: Request | None) -> Request | None:
        """The request, or what it leads to once what is known is passed; None: nothing is left to send."""
        if isinstance(request, UpsertPerson):
            told = self._known.get(self._record(request))
            return None if told and self._says_nothing(request, told, PERSON, request.person) else request
        if isinstance(request, FindCompany) and not request.looks:
            return self._left_of_group(request)
        if isinstance(request, UpdateCompany):
            told = self._known.get(self._record(request))
            if told and self._told(COMPANY, request.company).is_older_than(told):  # it is to be told its Gsid
                return UpdateCompany(request.config, {COMPANY.key: request.company[COMPANY.key]}, request.email)
        if isinstance(request, SendEvent) and self._sent in self._known:
            self.reason = SENT_BEFORE
            return None
        return request

    def _says_nothing(self, request: Request, told: Told, of: GainsightObject, record: Record) -> bool:
        """Whether what was told says all of the record, or is newer."""
        said = self._told(of, record)
        if told.covers(said):
            if newest(told.moment, said.moment) != told.moment:  # it is still so at that time
                self.learned[self._record(request)] = Told(told.key, moment=said.moment)
            return True
        if said.is_older_than(told):
            self.reason = OLDER
            return True
        return False

    def _told(self, of: GainsightObject, record: Record, gsid: str | None = None) -> Told:
        return self._digests.told(of, record, gsid, self._moment)

    def is_outdone(self, taken: Mapping[bytes, Told]) -> bool:
        """Whether something was told by another meanwhile that may leave out the event. `taken`: what is known now."""
        return any(record == self._sent or self._is_news(record, told) for record, told in taken.items())

    def _is_news(self, record: bytes, told: Told) -> bool:
        known = self._known.get(record)
        seen = None if known is None else known.moment
        return newest(told.moment, seen) != seen

    def _left_of_group(self, find: FindCompany) -> Request | None:
        told = self._known.get(self._record(find))
        if told is None or told.gsid is None or told.key != self._digests.key(COMPANY, find.company):
            return find
        self._anew = find
        if not self._says_nothing(find, told, COMPANY, find.company):
            return UpdateCompany(find.config, find.company, find.email)
        self.gsid = told.gsid
        return self.left_of(UpsertPerson(find.config, company_link(find.email, told.gsid))) if find.email else None

    def took(self, request: Request, answer: Response, following: Request | None) -> Request | None:
        """Gainsight has taken the request: what is left of what follows."""
        if isinstance(request, UpsertPerson):
            self._tells(request, self._told(PERSON, request.person))
        elif isinstance(request, SendEvent) and self._sent is not None:
            self.learned[self._sent] = sent_told(self._sent)
        elif isinstance(request, (CreateCompany, UpdateCompany)):
            hide, gsid = request.config.hide, following and following.gsid
            gsid = gsid or gainsight.saved_gsid(answer, request.action, hide)
            self._tells(request, self._told(COMPANY, request.company, gsid))
        elif isinstance(following, CreateCompany):
            self.learned[self._record(following)] = None
        return None if following is None else self.left_of(following)

    def _tells(self, request: Request, told: Told) -> None:
        record = self._record(request)
        known, moment = self._known.get(record), told.moment
        is_all = known is None or known.is_blank
        if known is not None and known.key == told.key:
            moment = newest(known.moment, moment)
        # For each call: attrs.evolve would take three times as long.
        self.learned[record] = Told(told.key, told.fields, told.links, told.gsid, told.at, is_all, moment)

    def failed(self, request: Request, error: GainsightDestError) -> Request | None:
        """What to send instead, as Gainsight has not what was known; None: the error stands."""
        anew = self._anew
        is_by_known = isinstance(request, UpdateCompany) or (self.gsid is not None and request.gsid == self.gsid)
        if isinstance(error, RejectedError) and anew is not None and is_by_known:
            record = self._record(anew)
            self.learned[record] = None
            told = self._known.pop(record).only_time
            if told is not None:  # if it is there after all, nothing older is written over what is newer
                self._known[record] = told
            self._anew = self.gsid = None
            return anew
        is_write = isinstance(request, (UpsertPerson, CreateCompany, UpdateCompany))
        if is_write and not isinstance(error, ThrottledError):
            self.learned[self._record(request)] = None
        return None

    def _record(self, request: Request) -> bytes:
        """The digest of the one that the request itself is about. It is asked for before a call, and after it."""
        if request is not self._last:
            self._last, self._last_record = request, self._digested(request)
        return self._last_record

    def _digested(self, request: Request) -> bytes:
        if isinstance(request, UpsertPerson):
            return self._digests.record(PERSON.identity(PERSON.key_of(request.person)))
        if isinstance(request, (FindCompany, CreateCompany, UpdateCompany)):
            return self._digests.record(COMPANY.identity(COMPANY.key_of(request.company)))
        raise TypeError(f"{type(request).__name__} is about no record")
