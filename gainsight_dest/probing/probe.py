"""A probe under way: what it asks for its facts, what came of each call, and the records that it has written."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import attrs

from gainsight_dest import gainsight
from gainsight_dest.batching.ledger import response_of
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.flow import Send, Wait
from gainsight_dest.deliver.patience import to_the_next_minute
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import (
    CredentialsError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.fields import COMPANY, Record
from gainsight_dest.gainsight import GSID, Response
from gainsight_dest.probing import calls
from gainsight_dest.probing.calls import route_of
from gainsight_dest.probing.shape import HIDDEN, Shape, json_of, limit_headers, shape_of, shown_code

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

#: What the names of all records of a probe begin with; a mark follows that no other probe has.
PREFIX = "gainsight-dest-probe-"
#: Companies of a probe, by their numbers: two to look at, and a batch of which one is bad.
FIRST, SECOND, GOOD, BAD = range(1, 5)

#: How often a question is sent again after a fault that may pass, and after too many calls.
_RETRIES, _THROTTLES = 2, 3
#: Questions in a row without an answer after which there is no use in asking more.
_SILENT = 3
#: Seconds: who asks for a longer wait has used up the calls of a day.
_LONGEST_WAIT = 120.0
#: Calls that are kept of one question.
_CALLS_KEPT = 20
_GSID = re.compile(r"[A-Za-z0-9-]{4,64}")

_T = TypeVar("_T")
Steps = Generator[Any, Any, _T]


class StoppedError(Exception):
    """Nothing more is asked: the end was asked for, or there is no use in going on."""


class NotAskedError(Exception):
    """The question cannot be asked; the text says why."""


class NoAnswerError(Exception):
    """The question was asked, and nothing came that answers it; the text says what came."""


@attrs.frozen
class Exchange:
    """One call of a probe, as it may be told to others: no value of the tenant's is in it.

    `asked`: method and path. `status`, `code`: of the answer; None for no answer, for no code. `milliseconds`: to its
    end. `shape`: see `shape_of`. `headers`: the names of those that speak of limits.
    """

    asked: str
    status: int | None
    code: str | None
    milliseconds: int
    shape: Shape
    headers: tuple[str, ...]


@attrs.define
class ProbeFinding:
    """What came of a question: the `answer`, or why there is none: `unasked`, `unanswered`. With the calls it took."""

    answer: str | None = None
    unasked: str | None = None
    unanswered: str | None = None
    exchanges: list[Exchange] = attrs.field(factory=list)

    @property
    def is_open(self) -> bool:
        """Whether nothing has come of it yet."""
        return self.answer is None and self.unasked is None and self.unanswered is None


@attrs.frozen
class ProbeReply:
    """What came back of a call: the answer, and the error that it is; None for a success."""

    response: Response
    error: ResponseError | None

    @property
    def refusal(self) -> str:
        """How it was refused, in a word; "" for a success."""
        return "" if self.error is None else f"refused: {told_of(self.error)}"

    @property
    def json(self) -> Any:
        """The JSON value of the answer; None where it is none."""
        try:
            return json_of(self.response.body)
        except ValueError:
            return None

    @property
    def data(self) -> Any:
        """What the envelope holds."""
        envelope = self.json
        return envelope.get("data") if isinstance(envelope, dict) else None

    @property
    def place(self) -> str | None:
        """Where its list of records is."""
        if isinstance(self.data, dict) and isinstance(self.data.get("records"), list):
            return "data.records"
        return "data" if isinstance(self.data, list) else None

    @property
    def records(self) -> list[Record]:
        """The records in it."""
        data = self.data
        found = data.get("records") if isinstance(data, dict) else data
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class LeftBehind(NamedTuple):
    """What stays in the tenant: names of companies that could not be deleted, or may be there; emails of people."""

    companies: tuple[str, ...]
    people: tuple[str, ...]


def told_of(error: ResponseError) -> str:
    """Status and code of an error: `HTTP 400, GSOBJ_1006`."""
    code = shown_code(error.code)
    words = (None if error.status is None else f"HTTP {error.status}", None if code == HIDDEN else code)
    return ", ".join(filter(None, words)) or "no answer"


@attrs.define
class Probe:
    """One probe of a tenant. Whoever drives it sets `now`, seconds since the epoch, and `is_stopped` to end it.

    `mark`: what tells its records from all others: letters and digits. `event`: the request that sends a track event;
    None: none is sent. `until_throttled`: whether to call until Gainsight has had too many. `gap`: seconds from one
    call to the next, at least. `findings`: by the names of the facts, as far as it has come. `ended`: why it ended by
    itself.
    """

    config: DestinationConfig
    mark: str
    event: Request | None = None
    until_throttled: bool = False
    gap: float = 2.0
    now: float = 0.0
    is_stopped: bool = False
    ended: str | None = None
    findings: dict[str, ProbeFinding] = attrs.field(factory=dict)
    calls: int = 0
    #: Whether it has come to its end, with all companies looked after.
    is_complete: bool = False
    #: What the tenant says of its fields, once it has.
    tenant: Tenant | None = None
    #: Whether a company may have been written, a person.
    has_written_companies: bool = False
    has_written_people: bool = False
    #: The companies that are known to be there, by their Gsids, and those of them that are deleted.
    made: dict[str, str] = attrs.field(factory=dict)
    deleted: set[str] = attrs.field(factory=set)
    #: Those that a find has shown.
    found: set[str] = attrs.field(factory=set)
    #: Companies that may be there, though they have no Gsid that is known.
    unsure: set[str] = attrs.field(factory=set)
    #: Replies that another question looks at, too.
    kept: dict[str, ProbeReply] = attrs.field(factory=dict)
    #: Names of headers about limits that came with an answer of a success.
    limits: set[str] = attrs.field(factory=set)
    _at: float = 0.0
    _silent: int = 0
    _exchanges: list[Exchange] = attrs.field(factory=list)

    # --- names ------------------------------------------------------------------------------------------------------

    def name(self, number: int) -> str:
        """The Name of a company of this probe."""
        return f"{PREFIX}{self.mark}-{number}"

    @property
    def names(self) -> tuple[str, ...]:
        """The Names of all companies that it may write."""
        return tuple(self.name(number) for number in (FIRST, SECOND, GOOD, BAD))

    @property
    def email(self) -> str:
        """The Email of its person."""
        return f"{PREFIX}{self.mark}@example.com"

    @property
    def left(self) -> LeftBehind:
        """What is there still, or may be."""
        there = {name for gsid, name in self.made.items() if gsid not in self.deleted} | self.unsure
        return LeftBehind(tuple(sorted(there)), (self.email,) if self.has_written_people else ())

    def gsid(self, number: int) -> str:
        """The Gsid of the company. Raises NotAskedError where it is not known to be there."""
        name = self.name(number)
        found = [gsid for gsid, each in self.made.items() if each == name]
        if not found:
            raise NotAskedError("the company that it would look at could not be made")
        return found[0]

    # --- calls ------------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> ProbeFinding:
        """The finding of the fact of that name, to which the calls that follow belong."""
        finding = self.findings[name] = ProbeFinding()
        self._exchanges = finding.exchanges
        return finding

    def heed(self) -> None:
        """Raises StoppedError if the probe is to end."""
        if self.is_stopped:
            raise StoppedError

    def ask(self, request: Request, *, is_paced: bool = True, is_repeated: bool = True) -> Steps[ProbeReply]:
        """Gainsight's answer, a refusal too. A fault that may pass is asked after again, if `is_repeated`.

        Raises NoAnswerError, StoppedError.
        """
        failures = throttles = 0
        while True:
            self.heed()
            seconds = self._at + self.gap - self.now
            if is_paced and seconds > 0:
                yield Wait(min(seconds, self.gap), "no more calls than a tenant can spare")  # a clock may be set back
                self.heed()
            reply, error = yield from self.call(request)
            if isinstance(error, ThrottledError):
                throttles += 1
                if (error.retry_after or 0) > _LONGEST_WAIT:
                    self.end(f"Gainsight asks to wait for {error.retry_after:,.0f} seconds")
                if throttles > _THROTTLES:
                    self._count_silence(error)
                    raise NoAnswerError(told_of(error)) from error
                yield Wait(self.wait_of(error), "Gainsight has had too many calls")
            elif isinstance(error, RetryableError):
                failures += 1
                if failures > _RETRIES or not is_repeated:
                    self._count_silence(error)
                    raise NoAnswerError(told_of(error)) from error
                yield Wait(2.0**failures, error.problem)
            elif _is_about_all(error):
                self.end(str(error))
            elif reply is None:
                raise NoAnswerError("it could not be sent")
            else:
                self._silent = 0
                return reply

    def call(self, request: Request) -> Steps[tuple[ProbeReply | None, ResponseError | None]]:
        """One call, come what may: the answer, if there is one, and the error that it is or that stands for it."""
        begun = self.now
        answer = yield Send(request)
        self.calls += 1
        self._at = begun
        response, error = None, None
        try:
            response = response_of(request.action, answer)
            gainsight.accepted(response, request.action, self.config.hide)
        except ResponseError as fault:
            error = fault
        except GainsightDestError as fault:  # a request that cannot be sent
            error = RejectedError(request.action, str(fault))
        self._keep(request, response, error, self.now - begun)
        return None if response is None else ProbeReply(response, error), error

    def _keep(self, request: Request, response: Response | None, error: ResponseError | None, seconds: float) -> None:
        headers = () if response is None else limit_headers(response.headers)
        if response is not None and error is None:
            self.limits.update(headers)
        made = Exchange(
            route_of(request),
            None if response is None else response.status,
            None if error is None else shown_code(error.code),
            round(seconds * 1000),
            "no answer" if response is None else shape_of(response.body),
            headers,
        )
        if len(self._exchanges) >= _CALLS_KEPT:  # the last of them says more than one in the middle
            self._exchanges.pop()
        self._exchanges.append(made)

    def wait_of(self, error: RetryableError) -> float:
        """Seconds to wait after too many calls, at most two minutes."""
        seconds = to_the_next_minute(self.now) if error.retry_after is None else error.retry_after
        return min(max(seconds, 1.0), _LONGEST_WAIT)

    def _count_silence(self, error: RetryableError) -> None:
        """One more question without an answer. Raises StoppedError for one too many."""
        self._silent += 1
        if self._silent >= _SILENT:
            self.end(f"no call gets through; the last fault: {error}")

    def end(self, reason: str) -> NoReturn:
        """Ask no more. Raises StoppedError."""
        self.ended = self.ended or reason
        raise StoppedError

    # --- companies --------------------------------------------------------------------------------------------------

    def insert(self, *companies: Record) -> Steps[ProbeReply]:
        """The answer to an insert. What it has made is known then, also where the answer does not come."""
        names = [company[COMPANY.key] for company in companies]
        self.has_written_companies = True
        self.unsure.update(names)
        reply: ProbeReply = yield from self.ask(calls.insert(self.config, *companies), is_repeated=False)
        if reply.error is not None:
            return reply  # whether all were refused is asked when they are deleted
        if len(reply.records) == len(names):
            for record, name in zip(reply.records, names, strict=True):
                self._note(record, str(record.get(COMPANY.key, name)))
        return reply

    def look(self, *numbers: int, more: Iterable[str] = (), is_paced: bool = True) -> Steps[ProbeReply]:
        """The answer to a query for those companies of the probe, with those fields of them."""
        names = [self.name(number) for number in numbers]
        request = calls.find(self.config, COMPANY, (*calls.SELECTED, *more), *names)
        reply: ProbeReply = yield from self.ask(request, is_paced=is_paced)
        if reply.error is None:
            self.note_found(reply.records)
        return reply

    def note_found(self, records: Iterable[Record]) -> None:
        """A find has shown those that have a Name of this probe; no other is ever touched."""
        for record in records:
            gsid = self._note(record, str(record.get(COMPANY.key)))
            if gsid is not None:
                self.found.add(gsid)

    def _note(self, record: Record, name: str) -> str | None:
        """The Gsid of a company of this probe, which is there then; None for any other."""
        if name not in self.names:
            return None
        gsid = record.get(GSID)
        if not isinstance(gsid, str) or not _GSID.fullmatch(gsid):
            self.unsure.add(name)
            return None
        self.made[gsid] = name
        self.unsure.discard(name)
        return gsid

    def seen(self, reply: ProbeReply) -> list[str]:
        """The Names of this probe among the records of a reply."""
        names = self.names
        return [name for record in reply.records if (name := record.get(COMPANY.key)) in names]


def _is_about_all(error: ResponseError | None) -> bool:
    """Whether no other call will get through, either: a key that is refused, a host that cannot be trusted."""
    if not isinstance(error, CredentialsError):
        return False
    return error.status not in {403, 404}  # a right that the key lacks, a path that the tenant has not
