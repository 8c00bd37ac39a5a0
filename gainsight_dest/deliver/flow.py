"""The delivery of one event as a flow: what to send, how long to wait, how it ended. No I/O, no clock, no threads.

```python
flow = event_flow(run, request)
step = next(flow)  # Send(request), Wait(seconds, reason), Hold(seconds), Consult(ask), until StopIteration
run.now = time.time()
step = flow.send(response)
```

Whoever drives a flow does what it yields, sets `Run.now`, and sends back the answer to a Send: a Response, the
exception that stands for one, or None if the run is to end and nothing was sent. To a Wait and a Hold it sends None, to
a Consult, which is asked only of a run that knows something, what the store has said. StopIteration holds the Ending.
Flows of one Run may be driven side by side, one step at a time.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping
from math import inf
from typing import Any, NamedTuple, TypeVar

import attrs

from gainsight_dest import gainsight
from gainsight_dest.batching.ledger import Reply, response_of
from gainsight_dest.batching.requests import FindCompanies
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.patience import Patience, to_the_next_minute
from gainsight_dest.descriptors import LOOKS, CreateCompany, FindCompany, Request, SendEvent, UpdateCompany
from gainsight_dest.errors import (
    BlockedError,
    ConfigError,
    CredentialsError,
    EventError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnreachableError,
)
from gainsight_dest.fields import COMPANY
from gainsight_dest.gainsight import NOT_YET, Response
from gainsight_dest.known.known import Store, new_owner
from gainsight_dest.known.recall import Recall
from gainsight_dest.known.told import NOTHING, Digests, Learned, Told
from gainsight_dest.outcome import Fault, Status

#: Seconds without any call's getting through after which a run ends, where it is not said otherwise.
SILENCE = 900.0
#: A wait that the end of a silence cuts short is no shorter than this, in seconds.
_SHORTEST_WAIT = 1.0
#: So many events that none gets through with are no accident of theirs: they are not what is at fault.
_FEW = 5
#: Seconds until a record that another process writes is asked for again.
_LEASED = 0.05
#: Companies of which is known that they are there: the latest ones, and for so many seconds.
_KNOWN = 100_000
_FRESH = 600.0


@attrs.frozen
class Send:
    """Send the request, within the budget of calls. `is_paid`: the budget has counted it already."""

    request: Request
    is_paid: bool = False


@attrs.frozen
class Wait:
    """Wait so many seconds, unless the run is to end; `reason` is for people."""

    seconds: float
    reason: str


@attrs.frozen
class Hold:
    """No call of any flow before so many seconds have passed: Gainsight has asked for that."""

    seconds: float


@attrs.frozen
class Consult:
    """Ask the store of what is known, and give back what it says."""

    ask: Callable[[Store], Any]


#: Another process has a record.
_OCCUPIED = Wait(_LEASED, "another process writes the record")

Step = Send | Wait | Hold | Consult
Answer = Any
_T = TypeVar("_T")
Flow = Generator[Step, Answer, _T]


@attrs.frozen
class Trouble:
    """How often calls failed by a kind of fault that may pass, and the message of the first of them."""

    message: str
    times: int = 1


class _StoppedError(Exception):
    """The run is to end: nothing more is sent."""


@attrs.define
class Run:
    """What the events of a run share. Flows change it, and whoever drives them: `now`, and `is_stopped` to end the run.

    `silence`: seconds without any call's getting through after which the run ends. `target`: who is called, for the
    reason of that. `jitter` gives the chance in each wait, from 0 to 1. `digests`: those of the records, if there is a
    store of what is known; `resend_after`: what was told so many seconds ago is told again; `pay`: counts a call, if
    the store does that, and gives 0, or else the seconds to wait. `now`: seconds since the epoch. `ended`: why the run
    ended by itself, in a sentence. `troubles`: by the class of their errors. `owners`: those that have leases of
    records.
    """

    patience: Patience
    silence: float
    target: str
    jitter: Callable[[], float]
    digests: Digests | None = None
    resend_after: float = inf
    pay: Callable[[], float] | None = None
    now: float = 0.0
    is_stopped: bool = False
    ended: str | None = None
    troubles: dict[str, Trouble] = attrs.field(factory=dict)
    #: When a call got through last.
    through_at: float = -inf
    #: Since when no call has got through, and what was asked for since then.
    silent_since: float | None = None
    failing: set[object] = attrs.field(factory=set)
    #: How often each track event was sent without an answer.
    lost: Counter[int] = attrs.field(factory=Counter)
    #: The companies that are there, by when that was known.
    existing: OrderedDict[str, float] = attrs.field(factory=OrderedDict)
    owners: set[int] = attrs.field(factory=set)

    @property
    def since(self) -> float:
        """What was told since then is not told again."""
        return self.now - self.resend_after

    def another(self) -> Run:
        """The run that follows this one, which ends with that. What is known of the tenant stays."""
        self.is_stopped = True
        return attrs.evolve(self, is_stopped=False, ended=None, silent_since=None, failing=set(), lost=Counter())

    def end(self, reason: str, error: RetryableError) -> None:
        """End the run. Raises _StoppedError."""
        self.ended = self.ended or f"{reason} ({self.target}); the last fault: {error}"
        self.is_stopped = True
        raise _StoppedError

    def got_through(self, request: Request) -> None:
        """Gainsight has answered the request."""
        self.silent_since = None
        self.through_at = self.now
        self.lost.pop(id(request), None)

    def did_not_get_through(self, request: Request, error: RetryableError) -> None:
        """Nothing tells that Gainsight has seen the request."""
        if self.silent_since is None:
            self.silent_since = self.now
            self.failing.clear()
        if self.are_few:
            self.failing.add(request.records or id(request))
        if isinstance(request, SendEvent) and error.is_lost:
            self.lost[id(request)] += 1

    @property
    def are_few(self) -> bool:
        """Whether what fails may do so by its own fault."""
        return len(self.failing) <= _FEW

    def is_spent(self, request: Request) -> bool:
        """Whether it was sent so often without an answer that it is not to be sent again."""
        return self.lost.get(id(request), 0) > self.patience.resends

    def note_trouble(self, error: RetryableError) -> None:
        """Count a fault that may pass."""
        fault = Fault.of(error)
        known = self.troubles.get(fault.kind, Trouble(fault.message, 0))
        # Another mapping each time: it may be read meanwhile.
        self.troubles = {**self.troubles, fault.kind: attrs.evolve(known, times=known.times + 1)}

    def heeded(self, error: GainsightDestError) -> GainsightDestError:
        """The error that an event ends with: a wrong key ends the run, too."""
        self.is_stopped = self.is_stopped or isinstance(error, CredentialsError)
        return error

    def instead(self, request: Request, error: RetryableError) -> Request:
        """What to send after the fault."""
        if isinstance(error, ThrottledError):
            return request
        return request.after(error) if self.patience.attempts > LOOKS + 1 else request.again

    def known_to_exist(self, request: Request, following: Request | None) -> Request | None:
        """What comes next, where a find may not see yet what was created a moment ago."""
        if isinstance(request, FindCompany):
            name = COMPANY.key_of(request.company)
            if isinstance(following, CreateCompany) and self.known_companies([name]):
                return UpdateCompany(request.config, request.company, request.email)
            if isinstance(following, UpdateCompany):
                self.note_companies([name])
        elif isinstance(request, (CreateCompany, UpdateCompany)):
            self.note_companies([COMPANY.key_of(request.company)])
        return following

    def note_companies(self, names: Iterable[str]) -> None:
        """Note that those companies are there."""
        for name in names:
            self.existing[name] = self.now
            self.existing.move_to_end(name)
        while len(self.existing) > _KNOWN:
            self.existing.popitem(last=False)

    def known_companies(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the companies that are known to be there."""
        return frozenset(name for name in names if self.now - self.existing.get(name, -inf) < _FRESH)


# --- flows ------------------------------------------------------------------------------------------------------------


class Ending(NamedTuple):
    """How the delivery of one event ended: named as in Outcome."""

    status: Status
    attempts: int
    calls: int
    error: GainsightDestError | None
    gsid: str | None
    reason: str | None = None


@attrs.define
class _Effort:
    """What an event has cost: calls, failures but for throttling, seconds of waiting; and what it failed by last.

    `is_paid`: the next call is counted already.
    """

    failures: int = 0
    waited: float = 0.0
    failing_since: float | None = None
    calls: int = 0
    problem: str = ""
    is_paid: bool = False


class Facts(NamedTuple):
    """What a store knows an event by. `moment`: when it happened, in microseconds since the epoch.

    `sent`: by what it is kept that a track event was sent; None: that is not kept.
    """

    moment: int | None = None
    sent: bytes | None = None


NO_FACTS = Facts()


def event_flow(run: Run, request: Request, facts: Facts = NO_FACTS) -> Flow[Ending]:
    """Sends the request and those that follow it, and tries again while patience lasts.

    Nothing is sent of what is known, nor of what is older. What is sent has a lease of its records until it is through.
    """
    identities = frozenset() if run.digests is None else request.records
    if run.digests is None or not (identities or facts.sent):
        return (yield from _sent(run, request, None, _Effort()))
    digests, effort, owner = run.digests, _Effort(), new_owner()
    records = digests.records(identities) if facts.sent is None else frozenset({facts.sent})
    since = run.since if facts.sent is None else -inf

    def recalled(store: Store) -> tuple[Recall, Request | None, bool]:
        """What is known, what is left by that, and whether its records are leased now."""
        with store.at_once():
            recall = Recall(digests, store.view(records, since), *facts)
            first = recall.left_of(request)
            if first is not None:
                is_outdone = recall.is_outdone if any(facts) else None
                return recall, first, _take(run, store, records, owner, effort, is_outdone)
            if recall.learned:
                store.learn(recall.learned, run.now)
            return recall, None, False

    while True:
        recall, first, is_leased = yield Consult(recalled)
        if first is None:
            return Ending(Status.UNCHANGED, 0, 0, None, recall.gsid, recall.reason)
        if is_leased:
            break
        yield _OCCUPIED
        if run.is_stopped:
            return Ending(Status.NOT_TRIED, 0, 0, None, None)
    run.owners.add(owner)
    ending = yield from _sent(run, first, recall, effort)
    is_all = recall.learned.keys() >= records
    yield from give_back(run, recall.learned, owner, is_last=not is_all)
    run.owners.discard(owner)
    return ending


def _leased(
    run: Run, request: Request, owner: int, effort: _Effort, writes: Mapping[bytes, Told]
) -> Flow[tuple[bool, Mapping[bytes, Told]]]:
    """Whether nobody else writes the records of the request. Else it has waited for a moment.

    Or else it gives what others have told meanwhile that leaves out some of the writes.
    """
    records = frozenset() if run.digests is None else run.digests.records(request.records) | writes.keys()
    if not records:
        return True, {}
    news: dict[bytes, Told] = {}

    def is_outdone(known: Mapping[bytes, Told]) -> bool:
        both = ((record, write, known.get(record)) for record, write in writes.items())
        # A track event has no moment: if it is known, it was sent.
        news.update(
            (record, told)
            for record, write, told in both
            if told is not None and (write.moment is None or write.is_older_than(told))
        )
        return bool(news)

    def leased(store: Store) -> bool:
        with store.at_once():
            return _take(run, store, records, owner, effort, is_outdone if writes else None)

    if (yield Consult(leased)):
        run.owners.add(owner)
        return True, {}
    if not news:
        yield _OCCUPIED
    return False, news


def _take(
    run: Run,
    store: Store,
    records: frozenset[bytes],
    owner: int,
    effort: _Effort,
    is_outdone: Callable[[Mapping[bytes, Told]], object] | None,
) -> bool:
    """Whether the records were leased. If so, the first call for them may be counted, too.

    `is_outdone`: whether nothing is to be sent, by what is known of them now. Then they are given back as they are.
    """
    known: dict[bytes, Told] | None = None if is_outdone is None else {}
    if not store.take(records, owner, known):
        return False
    if is_outdone is not None and known and is_outdone(known):
        as_before = {record: Told(known[record].key) if record in known else None for record in records}
        store.give(as_before, owner, run.now)
        return False
    effort.is_paid = run.pay is not None and not run.pay()
    return True


def give_back(run: Run, learned: Learned, owner: int, *, is_last: bool) -> Flow[None]:
    """Gives back the records that something was learnt of; then, if it `is_last`, all others of the owner."""
    now = run.now

    def back(store: Store) -> None:
        with store.at_once():
            if learned:
                store.give(learned, owner, now)
            if is_last:
                store.release(owner)

    if owner in run.owners:
        yield Consult(back)
    if is_last:
        run.owners.discard(owner)


def _sent(run: Run, request: Request, recall: Recall | None, effort: _Effort) -> Flow[Ending]:
    attempts = 1
    gsid = None if recall is None else recall.gsid
    status: Status = Status.DELIVERED
    error: GainsightDestError | None = None
    try:
        while True:
            try:
                answer, following = yield from _exchange(run, effort, request, request.next)
            except RetryableError as fault:
                if recall is not None:
                    recall.failed(request, fault)
                request = run.instead(request, fault)
                seconds, _ = yield from _retry(run, effort, request, fault)
                yield from _wait(run, effort, seconds)
                attempts += not run.is_spent(request)
                continue
            except RejectedError as fault:
                anew = None if recall is None else recall.failed(request, fault)
                if anew is None:
                    raise
                request = anew
                continue
            following = run.known_to_exist(request, following)
            gsid = (following and following.gsid) or gsid
            if recall is not None:
                following = recall.took(request, answer, following)
            if following is None:
                break
            request = following
    except _StoppedError:
        status = Status.NOT_TRIED
    except (ResponseError, EventError, ConfigError) as fault:
        status, error = Status.FAILED, run.heeded(fault)
    return Ending(status, attempts if effort.calls else 0, effort.calls, error, gsid)


def request_flow(
    run: Run,
    request: Request,
    failures: int,
    waited: float,
    owner: int = 0,
    writes: Mapping[bytes, Told] = NOTHING,
) -> Flow[Reply]:
    """Sends one request of a batch, which has failed so often, and been waited for so many seconds, before.

    The owner leases its records, and keeps them; where another has one, nothing is sent. Nor is it where some of its
    `writes`, as of Batch, need not be sent any more: the reply then has the news. Where there were too many
    calls it is sent again. After another fault that may pass, it is waited as long as for an event alone, and what to
    send instead is left to the batch.
    """
    effort = _Effort(failures, waited, run.now - waited if failures else None)
    is_leased, news = yield from _leased(run, request, owner, effort, writes)
    if not is_leased:
        return Reply(None, 0, news=news)
    answer: Answer = None
    said: Any = None
    is_final = False
    try:
        while answer is None:
            try:
                answer, said = yield from _exchange(run, effort, request, request.read)
            except RetryableError as fault:
                seconds, goes_on = yield from _retry(run, effort, request, fault)
                if not (goes_on or isinstance(fault, ThrottledError)):
                    answer = fault
                yield from _wait(run, effort, seconds)
                continue
            run.note_companies(said or ())
            if isinstance(request, FindCompanies) and said is not None:
                said |= run.known_companies(request.names)
                if request.looks and not said.issuperset(request.names):
                    effort.problem = NOT_YET.meaning
                    yield from _wait(run, effort, run.patience.back_off(failures, run.jitter()))
    except _StoppedError:
        pass  # what was answered before counts
    except (ResponseError, EventError, ConfigError) as fault:
        answer, is_final = run.heeded(fault), True
    is_read = isinstance(answer, Response)
    return Reply(answer, effort.calls, is_final, effort.waited - waited, is_read, said)


def _exchange(run: Run, effort: _Effort, request: Request, read: Callable[[Response], _T]) -> Flow[tuple[Response, _T]]:
    """One call: the answer, and what it says. Raises ResponseError, EventError, ConfigError, _StoppedError."""
    if run.is_spent(request):  # what is left is to be sure that others get through
        raise RetryableError(request.action, effort.problem)
    answer = None
    try:
        answer = yield from _answer(request, effort)
        value = read(answer)
    except RetryableError as error:
        effort.problem = error.problem
        run.note_trouble(error)
        if _is_taken(answer, error):
            run.got_through(request)
        else:
            yield from _heed(run, effort, request, error)
        if run.is_spent(request):
            effort.problem += f"; sent {run.lost[id(request)]} times: Gainsight may have it as often"
            raise RetryableError(request.action, effort.problem, error.status) from None
        raise
    except BlockedError as error:
        if run.through_at == -inf and not (yield from _is_alive(request.config)):
            raise CredentialsError(*error.args) from None
        run.got_through(request)
        raise
    except RejectedError:
        run.got_through(request)
        raise
    run.got_through(request)
    return answer, value


def _is_taken(answer: Response | None, error: RetryableError) -> bool:
    """Whether the request was carried out, and the answer only tells too little."""
    if answer is None or answer.status >= 300 or isinstance(error, ThrottledError):
        return False
    return gainsight.is_of_gainsight(answer)


def _retry(run: Run, effort: _Effort, request: Request, error: RetryableError) -> Flow[tuple[float, bool]]:
    """Seconds to wait before another try, and whether it is made although patience is over, for others fail as well.

    Raises the error if patience is over, and it is for this event that it fails.
    """
    patience = run.patience
    seconds = patience.wait_after(error, effort.failures, run.now, run.jitter())
    effort.failures += not isinstance(error, ThrottledError)
    is_by_time = effort.waited + seconds > patience.in_total
    if effort.failures < patience.attempts and not is_by_time and not run.is_spent(request):
        return seconds, False
    if is_by_time and (isinstance(error, ThrottledError) or error.retry_after is not None):
        run.end(f"Gainsight has asked to wait for more than {_span(patience.in_total)}", error)
    if run.through_at > (effort.failing_since or 0) or (yield from _is_alive(request.config)):
        run.lost.pop(id(request), None)
        raise error
    yield from _heed(run, effort, request, UnreachableError(error.action, error.problem, error.status))
    return seconds, True


def _wait(run: Run, effort: _Effort, seconds: float) -> Flow[None]:
    """Waits, but not beyond the time at which the run may end. Raises _StoppedError."""
    if run.silent_since is not None:
        seconds = min(seconds, max(_SHORTEST_WAIT, run.silent_since + run.silence - run.now))
    yield Wait(seconds, effort.problem)
    if run.is_stopped:
        raise _StoppedError
    effort.waited += seconds


def _heed(run: Run, effort: _Effort, request: Request, error: RetryableError) -> Flow[None]:
    """Heeds a fault that may pass: all wait, or it adds to a silence. Raises _StoppedError if that is too long."""
    if effort.failing_since is None:
        effort.failing_since = run.now
    if isinstance(error, ThrottledError) or error.retry_after is not None:
        run.silent_since = None  # it is a sign of life
        seconds = to_the_next_minute(run.now) if error.retry_after is None else error.retry_after
        if seconds > run.patience.in_total and error.retry_after is not None:
            run.end(f"Gainsight asks for a wait of {_span(seconds)}", error)
        yield Hold(seconds)
        return
    run.did_not_get_through(request, error)
    silent_since = run.silent_since
    if silent_since is None or run.now - silent_since < run.silence:
        return
    if run.are_few and (yield from _is_alive(request.config)):
        run.silent_since = run.now  # ask again after another such time, not at each fault
    else:
        run.end(f"no call has got through for {_span(run.now - silent_since)}", error)


def _is_alive(config: DestinationConfig) -> Flow[bool]:
    """Whether Gainsight answers a question that changes nothing: a call of the run, and of no event.

    Whoever answers it as Gainsight does is alive, whatever the answer is.
    """
    question = FindCompanies(attrs.evolve(config, access_key=config.access_key or "none"), ("-",))
    try:
        answer = yield from _answer(question, _Effort())
    except GainsightDestError as error:
        return isinstance(error, ThrottledError)
    return answer.status < 500 and gainsight.is_of_gainsight(answer)


def _answer(request: Request, effort: _Effort) -> Flow[Response]:
    """The answer to a request. Raises the exception that stands for one, and _StoppedError if it was not sent."""
    is_paid, effort.is_paid = effort.is_paid, False
    answer = yield Send(request, is_paid)
    if answer is None:
        raise _StoppedError
    effort.calls += 1
    return response_of(request.action, answer)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes:,} minutes" if minutes < 180 else f"{minutes // 60:,} hours"
