"""The companies of a request's groups: found and saved, each by one request at a time if they share a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from gainsight_dest.batching.batch import Batch, transform_batch
from gainsight_dest.batching.requests import FindCompanies
from gainsight_dest.batching.stages import COMPANIES
from gainsight_dest.descriptors import FindCompany, Request, UpsertPerson
from gainsight_dest.errors import CredentialsError, GainsightDestError
from gainsight_dest.fields import COMPANY, company_link
from gainsight_dest.gainsight import Response
from gainsight_dest.known.known import Known, StoreError
from gainsight_dest.known.told import Told
from gainsight_dest.outcome import Outcome
from gainsight_dest.rudderstack.send import Send, asked, came_at
from gainsight_dest.rudderstack.shared import Leases, NoLeases, People, Shared, note_links, occupied
from gainsight_dest.rudderstack.statuses import AnswerData, Failure, Unchanged, answered

#: After so many bytes of answers they are read before more calls are made.
_MOST_HELD = 16 * 2**20

_Answers = list[Response | GainsightDestError | None]


def links(
    finds: Sequence[FindCompany], send: Send, shared: Shared | None, people: People | None
) -> Iterator[UpsertPerson | Failure | Unchanged]:
    """For each of the groups of one config the link that is left once its company is saved, or why there is none.

    `people`: what is known; nothing that it says is sent, or is left.
    """
    config = finds[0].config
    leases = NoLeases() if shared is None else Leases(shared.store, shared.store.digests(config))

    def begin(told: Mapping[bytes, Told]) -> Batch:
        before = {} if people is None else people.known
        known = None if shared is None else Known(shared.store.salt, {**before, **told})
        return transform_batch(finds, config, attempts=1, known=known)

    saving = _Saving(begin, send, leases)
    try:
        saving.run()
    finally:
        saving.end()
    batch, last = saving.batch, saving.last
    outcomes = [batch.outcome(index) for index in range(len(finds))]
    if shared is not None and people is not None:
        _note(finds, outcomes, shared)
    # A wrong key has ended the batch: those that were not tried would have met it, too.
    stop = next((outcome for outcome in outcomes if isinstance(outcome.error, CredentialsError)), None)
    for find, outcome in zip(finds, outcomes, strict=True):
        if outcome.is_through:  # the person is linked already
            yield Unchanged()
            continue
        if outcome.error is None and outcome.gsid is not None:
            yield UpsertPerson(config, company_link(find.email, outcome.gsid))
            continue
        fault = outcome if outcome.error or stop is None else stop
        error = fault.error or RuntimeError("a company has neither a Gsid nor an error")
        yield Failure(error, last.get(fault.index))


def _note(finds: Sequence[FindCompany], outcomes: Sequence[Outcome], shared: Shared) -> None:
    """Note the links to companies that no call was made for."""
    digests = shared.store.digests(finds[0].config)
    both = zip(finds, outcomes, strict=True)
    noted = {
        each.gsid: (digests.record(COMPANY.identity(COMPANY.key_of(find.company))), not each.attempts)
        for find, each in both
        if each.gsid is not None and each.error is None
    }
    note_links(shared, digests, noted)


@attrs.define
class _Saving:
    """A batch while its companies are saved, and the last answer for each event that had one.

    `begin` gives the batch, by what others have told since the request came: that need not be told again, as it might
    have been told before them. `lost`: companies that may or may not have been written: nobody else writes them before
    the request ends.
    """

    begin: Callable[[Mapping[bytes, Told]], Batch]
    send: Send
    leases: Leases | NoLeases
    last: dict[int, AnswerData] = attrs.field(factory=dict)
    lost: set[bytes] = attrs.field(factory=set)
    batch: Batch = attrs.field(init=False)
    _came_at: float = attrs.field(init=False)
    _has_sent: bool = False

    def __attrs_post_init__(self) -> None:
        self.batch = self.begin({})
        self._came_at = came_at(self.send)

    def run(self) -> None:
        """Until all companies are saved."""
        self._look()
        while self.batch.stage is COMPANIES:
            before, answers = self.batch, self._answers()
            if all(answer is None for answer in answers):
                error = self._waited()
                if error is None:
                    continue
                answers = [error] * len(answers)
            self._has_sent = True
            self.batch = before.next(answers)
            self._give_back(before, answers)

    def _look(self) -> None:
        """Begin anew with what others have told meanwhile, if they have."""
        told = self.leases.told(self.batch.requests, self._came_at, self.send)
        if told:
            self.batch = self.begin(told)

    def end(self) -> None:
        """Give back all that is left."""
        try:
            self.leases.give(dict.fromkeys(self.lost))
        finally:
            self.leases.end()

    def _answers(self) -> _Answers:
        answers: _Answers = []
        held = 0
        for request, events in zip(self.batch.requests, self.batch.events, strict=True):
            answer = self._answer(request) if held < _MOST_HELD else None
            answers.append(answer)
            if isinstance(answer, Response):
                held += len(answer.body)
                self.last.update(dict.fromkeys(events, answered(answer, request.config)))
            elif answer is not None:
                for event in events:
                    self.last.pop(event, None)
        return answers

    def _answer(self, request: Request) -> Response | GainsightDestError | None:
        """None: another request is writing one of its companies."""
        try:
            return asked(request, self.send) if self.leases.take(request, self.send) else None
        except StoreError:  # it would be the same for each of the others
            raise
        except GainsightDestError as error:
            return error

    def _waited(self) -> GainsightDestError | None:
        """Wait for a moment, as all requests have to wait for others; why they wait no longer."""
        requests = self.batch.requests
        if self.leases.are_held:
            return occupied(requests[0])
        try:
            self.leases.wait(requests[0], self.send)
        except GainsightDestError as error:
            return error
        if not self._has_sent:
            self._look()
        return None

    def _give_back(self, before: Batch, answers: _Answers) -> None:
        """Give back the companies that are through, with what was learnt of them."""
        needed = {record for request in self.batch.requests for record in self.leases.records(request)}
        sent = [place for place, answer in enumerate(answers) if answer is not None]
        lessons = self.batch.lessons(before, sent)
        learned: dict[bytes, Told | None] = {}
        for place in sent:
            request, is_answered = before.requests[place], isinstance(answers[place], Response)
            for record in self.leases.records(request) - needed:
                lesson = lessons.get(record)
                if lesson is None and not is_answered and not isinstance(request, FindCompanies):
                    self.lost.add(record)
                else:
                    learned[record] = lesson
        self.lost -= learned.keys()
        self.leases.give(learned)
