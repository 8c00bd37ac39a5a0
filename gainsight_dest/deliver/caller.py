"""Calls within the tenant's budget, the waits before one is made again, and the end of a run that gets nowhere.

All that a Deliverer's threads share.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import attrs

from gainsight_dest import gainsight
from gainsight_dest.batching.batch import Reply
from gainsight_dest.batching.requests import CompaniesRequest, FindCompanies
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.budget import Budget
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.send import Sender
from gainsight_dest.descriptors import (
    LOOKS,
    CreateCompany,
    FindCompany,
    Finds,
    Request,
    SendEvent,
    UpdateCompany,
    UpsertPerson,
)
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
from gainsight_dest.fields import COMPANY, linked_companies
from gainsight_dest.gainsight import NOT_YET, Response
from gainsight_dest.outcome import Fault, Status

#: Why a run waits for calls to be free, where it is not for an answer that it got.
BUDGET = "the budget of calls is used up"
#: The longest real sleep, in seconds: between two, a run that is to end does.
_NAP = 1.0
#: So many events that none gets through with are no accident of theirs: they are not what is at fault.
_FEW = 5
#: Companies of which is known that they are there: the latest ones, and for so many seconds.
_KNOWN = 100_000
_FRESH = 600.0


@attrs.frozen
class Waiting:
    """A wait for the tenant's budget, or to try again: until when, in seconds since the epoch, and why."""

    until: float
    reason: str


@attrs.frozen
class Trouble:
    """How often calls failed by a kind of fault that may pass, and by what the first of them did."""

    message: str
    times: int = 1


class _StoppedError(Exception):
    """The run is to end: nothing more is sent."""


@attrs.define(kw_only=True)
class _Effort:
    """What was spent: the calls, the seconds of waiting, when it began to fail, and what the last call failed by."""

    calls: int = 0
    waited: float = 0.0
    failing_since: float | None = None
    problem: str = ""


@attrs.define
class Way(_Effort):
    """How far the delivery of one event has come, and what became of it."""

    request: Request | None
    attempts: int = 0
    gsid: str | None = None
    status: Status = Status.DELIVERED
    error: GainsightDestError | None = None


@attrs.define
class _Asked(_Effort):
    """A request of a batch, and what came back."""

    request: Request
    answer: Response | RetryableError | None = None
    exists: frozenset[str] = frozenset()
    #: Whether some company was not found, and is not known to be there.
    is_missing: bool = False


@attrs.define(repr=False)
class _Probe(Finds):
    """A question that changes nothing: whoever answers it as Gainsight does is alive, whatever the answer is."""

    @property
    def headers(self) -> dict[str, str]:
        return gainsight.record_headers(self._config.access_key or "none")

    @property
    def body(self) -> Any:
        return gainsight.query(self.of.key, "-")

    def next(self, response: Response) -> None:
        if response.status >= 500 or not gainsight.is_of_gainsight(response):
            raise RetryableError(self.action, "no answer of Gainsight's", response.status)


class Caller:
    """Makes calls, and knows when to wait and when to end.

    `silence`: seconds without any call's getting through after which the run ends. `name`: who is called, for the
    reason of that.
    """

    def __init__(
        self,
        send: Sender,
        budget: Budget,
        patience: Patience,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
        *,
        silence: float = 900.0,
        name: str = "Gainsight",
    ) -> None:
        self.stopped = threading.Event()
        #: Why the run ended by itself, in a sentence.
        self.ended: str | None = None
        #: Told of each call before it is made.
        self.noting: Callable[[], object] | None = None
        #: Calls made so far, and seconds slept.
        self.calls = 0
        self.slept = 0.0
        self._send = send
        self._budget = budget
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._silence = silence
        self._name = name
        self._delayed = 0.0
        self._waiting_since = 0.0
        self._waits: dict[int, Waiting] = {}
        self._troubles: dict[str, Trouble] = {}
        self._lock = threading.Lock()
        self._has_worked = False
        #: Since when no call has got through, what was asked for since then, and when one did.
        self._silent_since: float | None = None
        self._failing: set[object] = set()
        self._through_at = float("-inf")
        #: How often each track event was sent without an answer.
        self._lost: Counter[int] = Counter()
        self._existing: OrderedDict[str, float] = OrderedDict()

    def begin(self, noting: Callable[[], object] | None = None) -> None:
        """A run begins. `noting` is told of each call before it is made."""
        self.stopped.clear()
        self.ended = None
        self.noting = noting
        self._silent_since = None
        self._lost.clear()

    @property
    def waiting(self) -> Waiting | None:
        """The wait that ends first, if there is one."""
        with self._lock:
            return min(self._waits.values(), key=lambda wait: wait.until, default=None)

    @property
    def delayed(self) -> float:
        """Seconds, by the clock, in which some call was waited with."""
        with self._lock:
            return self._delayed + (self._clock() - self._waiting_since if self._waits else 0.0)

    @property
    def troubles(self) -> dict[str, Trouble]:
        """The calls that failed by what may pass, by the class of their errors."""
        with self._lock:
            return dict(self._troubles)

    def go(self, request: Request | None) -> Way:
        """Sends the request and those that follow it."""
        way = Way(request)
        try:
            self._retrying(way, lambda: way.request)(self._go_on, way)
        except _StoppedError:
            way.status = Status.NOT_TRIED
        except (ResponseError, EventError, ConfigError) as error:
            way.status, way.error = Status.FAILED, self._heeded(error)
        return way

    def ask(self, request: Request, failures: int, waited: float) -> Reply:
        """The answer to one request of a batch, which has failed so often, and been waited for so long, before.

        Where there were too many calls it is sent again. After another fault that may pass, it is waited as long as
        becomes it, and what to send instead is left to the batch.
        """
        asked = _Asked(request, failing_since=self._clock() - waited if failures else None)
        try:
            self._retrying(asked, lambda: request, failures, waited)(self._ask, asked)
            if isinstance(request, FindCompanies) and request.looks and asked.is_missing:
                self._wait_to_retry(asked, self._patience.back_off(failures))
        except _StoppedError:
            return Reply(asked.answer, asked.calls)
        except (ResponseError, EventError, ConfigError) as error:
            return Reply(self._heeded(error), asked.calls, is_final=True)
        return Reply(asked.answer, asked.calls, waited=asked.waited, exists=asked.exists)

    def _heeded(self, error: GainsightDestError) -> GainsightDestError:
        if isinstance(error, CredentialsError):
            self.stopped.set()
        return error

    # --- one event, one request -------------------------------------------------------------------------------------

    def _go_on(self, way: Way) -> None:
        """Sends request after request, from where the last attempt ended."""
        if not self._is_spent(way.request):
            way.attempts += 1
        while way.request is not None:
            request = way.request
            try:
                _, following = self._exchange(request, way)
            except ThrottledError:
                raise
            except RetryableError as error:
                way.request = request.after(error) if self._patience.attempts > LOOKS + 1 else request.again
                raise
            way.request = self._known_to_exist(request, following)
            if isinstance(way.request, UpsertPerson):
                way.gsid = next(iter(linked_companies(way.request.person)), None)

    def _ask(self, asked: _Asked) -> None:
        if asked.answer is not None:  # a fault, which has been waited after
            return
        request = asked.request
        try:
            asked.answer, _ = self._exchange(request, asked)
        except ThrottledError:
            raise
        except RetryableError as error:
            asked.answer = error
            raise
        if isinstance(request, CompaniesRequest):
            told = request.read(asked.answer) or ()
            asked.exists = self._note(told, request.names)
            asked.is_missing = not asked.exists.issuperset(request.names)
            asked.problem = NOT_YET.meaning

    def _exchange(self, request: Request, effort: _Effort) -> tuple[Response, Request | None]:
        """One call: the answer, and what comes after it."""
        if self._is_spent(request):  # what is left is to be sure that others get through
            raise RetryableError(request.action, effort.problem)
        self._take_a_call()
        effort.calls += 1
        answer = None
        try:
            answer = self._send(request)
            following = request.next(answer)
        except RetryableError as error:
            effort.problem = error.problem
            self._note_trouble(error)
            if answer is not None and answer.status < 300 and gainsight.is_of_gainsight(answer):
                self._got_through(request)  # it was taken, and tells too little
            else:
                self._failed(request, effort, error)
            if self._is_spent(request):
                effort.problem += f"; sent {self._lost[id(request)]} times: Gainsight may have it as often"
                raise RetryableError(request.action, effort.problem, error.status) from None
            raise
        except BlockedError as error:
            if not self._has_worked and not self._is_alive(request.config):
                raise CredentialsError(*error.args) from None
            self._got_through(request)
            raise
        except RejectedError:
            self._got_through(request)
            raise
        self._got_through(request)
        return answer, following

    def _note_trouble(self, error: RetryableError) -> None:
        fault = Fault.of(error)
        with self._lock:
            known = self._troubles.get(fault.kind)
            self._troubles[fault.kind] = (
                Trouble(fault.message) if known is None else attrs.evolve(known, times=known.times + 1)
            )

    # --- what gets through ------------------------------------------------------------------------------------------

    def _got_through(self, request: Request) -> None:
        with self._lock:
            self._has_worked = True
            self._silent_since = None
            self._through_at = self._clock()
            self._lost.pop(id(request), None)

    def _failed(self, request: Request, effort: _Effort, error: RetryableError) -> None:
        """Heed a fault that may pass. Raises _StoppedError where it has not for too long."""
        now = self._clock()
        if effort.failing_since is None:
            effort.failing_since = now
        if isinstance(error, ThrottledError) or error.retry_after is not None:
            self._hold(error)
            return
        with self._lock:
            if self._silent_since is None:
                self._silent_since = now
                self._failing.clear()
            if len(self._failing) <= _FEW:
                self._failing.add(request.records or id(request))
            if isinstance(request, SendEvent) and error.is_lost:
                self._lost[id(request)] += 1
            is_silent = now - self._silent_since >= self._silence
            are_few = len(self._failing) <= _FEW
        if is_silent and are_few and self._is_alive(request.config):
            self._silent_since = now  # ask again after another such time, not at each fault
        elif is_silent:
            self._end(f"no call has got through for {_span(now - (self._silent_since or now))}", error)

    def _hold(self, error: RetryableError) -> None:
        """Have all wait as long as the answer asks for: it is a sign of life. Raises _StoppedError where it is long."""
        with self._lock:
            self._silent_since = None
        if error.retry_after is not None and error.retry_after > self._patience.in_total:
            self._end(f"Gainsight asks for a wait of {_span(error.retry_after)}", error)
        self._budget.hold(error.retry_after)

    def _end(self, reason: str, error: RetryableError) -> None:
        """End the run. Raises _StoppedError."""
        with self._lock:
            self.ended = self.ended or f"{reason} ({self._name}); the last fault: {error}"
        self.stopped.set()
        raise _StoppedError

    def _is_alive(self, config: DestinationConfig) -> bool:
        """Whether Gainsight answers a question that changes nothing: a call of the run, and of no event."""
        probe = _Probe(config)
        self._take_a_call()
        try:
            probe.next(self._send(probe))
        except GainsightDestError as error:
            return isinstance(error, ThrottledError)
        return True

    def _is_spent(self, request: Request | None) -> bool:
        """Whether it was sent so often without an answer that it is not to be sent again."""
        return self._lost.get(id(request), 0) > self._patience.resends

    # --- companies that are there -----------------------------------------------------------------------------------

    def _known_to_exist(self, request: Request, following: Request | None) -> Request | None:
        """What comes next, where a find may not see yet what was created a moment ago."""
        if isinstance(request, FindCompany):
            name = COMPANY.key_of(request.company)
            if isinstance(following, CreateCompany) and self._note((), (name,)):
                return UpdateCompany(request.config, request.company, request.email)
            if isinstance(following, UpdateCompany):
                self._note((name,))
        elif isinstance(request, (CreateCompany, UpdateCompany)):
            self._note((COMPANY.key_of(request.company),))
        return following

    def _note(self, names: Iterable[str], asked: Iterable[str] = ()) -> frozenset[str]:
        """Note that those companies are there; which of the others, that are asked for, are known to be."""
        now = self._clock()
        with self._lock:
            for name in names:
                self._existing[name] = now
                self._existing.move_to_end(name)
            while len(self._existing) > _KNOWN:
                self._existing.popitem(last=False)
            return frozenset(name for name in asked if now - self._existing.get(name, -_FRESH) < _FRESH)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _retrying(
        self, effort: _Effort, request: Callable[[], Request | None], failures: int = 0, waited: float = 0.0
    ) -> Callable[..., Any]:
        def may_fail(error: RetryableError) -> bool:
            """Whether it is for this event that it fails. If not, it is tried on, until the run ends."""
            tried = request()
            if tried is None or self._through_at > (effort.failing_since or 0) or self._is_alive(tried.config):
                self._lost.pop(id(tried), None)
                return True
            if isinstance(effort, _Asked):
                effort.answer = None
            self._failed(tried, effort, UnreachableError(error.action, error.problem, error.status))
            return False

        def is_over(error: RetryableError, *, is_by_time: bool) -> bool:
            if is_by_time and (isinstance(error, ThrottledError) or error.retry_after is not None):
                self._end(f"Gainsight has asked to wait for more than {_span(self._patience.in_total)}", error)
            return may_fail(error)

        wait = partial(self._wait_to_retry, effort)
        return self._patience.retrying(
            wait,
            self._budget.to_the_next_minute,
            failures,
            waited,
            is_over=is_over,
            is_spent=lambda: self._is_spent(request()),
        )

    def _take_a_call(self) -> None:
        while seconds := self._budget.take():
            self._wait(BUDGET, seconds)
        if self.stopped.is_set():
            raise _StoppedError
        if self.noting is not None:
            self.noting()
        with self._lock:
            self.calls += 1

    def _wait_to_retry(self, effort: _Effort, seconds: float) -> None:
        silent_since = self._silent_since
        if silent_since is not None:  # not beyond the time at which the run may end
            seconds = min(seconds, max(_NAP, silent_since + self._silence - self._clock()))
        self._wait(effort.problem, seconds)
        effort.waited += seconds

    def _wait(self, reason: str, seconds: float) -> None:
        """Sleeps in short naps, so that a run that is to end does. Raises _StoppedError."""
        me = threading.get_ident()
        with self._lock:
            now = self._clock()
            if not self._waits:
                self._waiting_since = now
            self._waits[me] = Waiting(now + seconds, reason)
        try:
            while seconds > 0:
                if self.stopped.is_set():
                    raise _StoppedError
                nap = min(seconds, _NAP) if self._sleep is time.sleep else seconds
                self._sleep(nap)
                seconds -= nap
                with self._lock:
                    self.slept += nap
        finally:
            with self._lock:
                del self._waits[me]
                if not self._waits:
                    self._delayed += self._clock() - self._waiting_since


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes:,} minutes" if minutes < 180 else f"{minutes // 60:,} hours"
