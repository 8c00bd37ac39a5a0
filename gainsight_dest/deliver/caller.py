"""Calls within the tenant's budget, and the waits before one is made again. All that a Deliverer's threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import attrs

from gainsight_dest.api import Response
from gainsight_dest.batch import Tried
from gainsight_dest.deliver.budget import Budget
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.send import Sender
from gainsight_dest.descriptors import Request, UpsertPerson
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    GainsightDestError,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.fields import linked_companies
from gainsight_dest.outcome import Status

#: Why a run waits for calls to be free, where it is not for an answer that it got.
BUDGET = "the budget of calls is used up"
#: The longest real sleep, in seconds: between two, a run that is to end does.
_NAP = 1.0


@attrs.frozen
class Waiting:
    """A wait for the tenant's budget, or to try again: until when, in seconds since the epoch, and why."""

    until: float
    reason: str


class _StoppedError(Exception):
    """The run is to end: nothing more is sent."""


@attrs.define(kw_only=True)
class _Effort:
    """What was spent: the calls, the seconds of waiting, and what the last call failed by."""

    calls: int = 0
    waited: float = 0.0
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


class Caller:
    """Makes calls, and knows when to wait and when to end."""

    def __init__(
        self,
        send: Sender,
        budget: Budget,
        patience: Patience,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self.stopped = threading.Event()
        #: Calls made so far, and seconds slept.
        self.calls = 0
        self.slept = 0.0
        self._send = send
        self._budget = budget
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._waits: dict[int, Waiting] = {}
        self._lock = threading.Lock()

    @property
    def waiting(self) -> Waiting | None:
        """The wait that ends first, if there is one."""
        with self._lock:
            return min(self._waits.values(), key=lambda wait: wait.until, default=None)

    def go(self, request: Request | None) -> Way:
        """Sends the request and those that follow it."""
        way = Way(request)
        try:
            wait = partial(self._wait_to_retry, way)
            self._patience.retrying(wait, self._budget.to_the_next_minute)(self._go_on, way)
        except _StoppedError:
            way.status = Status.NOT_TRIED
        except (ResponseError, EventError, ConfigError) as error:
            way.status, way.error = Status.FAILED, self._heeded(error)
        return way

    def ask(self, request: Request, failures: int, waited: float) -> Tried:
        """The answer to one request of a batch, which has failed so often, and been waited for so long, before.

        Where there were too many calls it is sent again. After another fault that may pass, it is waited as long as
        becomes it, and what to send instead is left to the batch.
        """
        asked = _Asked(request)
        try:
            wait = partial(self._wait_to_retry, asked)
            self._patience.retrying(wait, self._budget.to_the_next_minute, failures, waited)(self._ask, asked)
        except _StoppedError:
            return Tried(asked.answer, asked.calls)
        except (ResponseError, EventError, ConfigError) as error:
            return Tried(self._heeded(error), asked.calls, is_final=True)
        return Tried(asked.answer, asked.calls, waited=asked.waited)

    def _heeded(self, error: GainsightDestError) -> GainsightDestError:
        if isinstance(error, CredentialsError):
            self.stopped.set()
        return error

    def _go_on(self, way: Way) -> None:
        """Sends request after request, from where the last attempt ended."""
        way.attempts += 1
        while way.request is not None:
            request = way.request
            try:
                _, way.request = self._exchange(request, way)
            except ThrottledError:
                raise
            except RetryableError:
                way.request = request.again
                raise
            if isinstance(way.request, UpsertPerson):
                way.gsid = next(iter(linked_companies(way.request.person)), None)

    def _ask(self, asked: _Asked) -> None:
        if asked.answer is not None:  # a fault, which has been waited after
            return
        try:
            asked.answer, _ = self._exchange(asked.request, asked)
        except ThrottledError:
            raise
        except RetryableError as error:
            asked.answer = error
            raise

    def _exchange(self, request: Request, effort: _Effort) -> tuple[Response, Request | None]:
        """One call: the answer, and what comes after it."""
        self._take_a_call()
        effort.calls += 1
        try:
            answer = self._send(request)
            return answer, request.next(answer)
        except RetryableError as error:
            effort.problem = error.problem
            if isinstance(error, ThrottledError):
                self._budget.hold(error.retry_after)
            raise

    def _take_a_call(self) -> None:
        while seconds := self._budget.take():
            self._wait(BUDGET, seconds)
        if self.stopped.is_set():
            raise _StoppedError
        with self._lock:
            self.calls += 1

    def _wait_to_retry(self, effort: _Effort, seconds: float) -> None:
        self._wait(effort.problem, seconds)
        effort.waited += seconds

    def _wait(self, reason: str, seconds: float) -> None:
        """Sleeps in short naps, so that a run that is to end does. Raises _StoppedError."""
        me = threading.get_ident()
        with self._lock:
            self._waits[me] = Waiting(self._clock() + seconds, reason)
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
