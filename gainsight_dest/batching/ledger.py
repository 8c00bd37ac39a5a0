"""What was answered to a call, and how far each event of a batch has come by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from gainsight_dest.errors import GainsightDestError, RetryableError, ThrottledError
from gainsight_dest.gainsight import Response
from gainsight_dest.known.told import NOTHING, Told
from gainsight_dest.outcome import Status


@attrs.frozen
class Reply:
    """An answer, and the calls that it took: for whoever tries again by itself, as after throttling.

    `answer`: a Response, the exception that stood in for one, or None if the request was not sent. `is_final`: whatever
    the exception is, the request is not to be tried again. `waited`: seconds, for `Batch.waited` to tell. `is_read`:
    `said` is what the Response says, as `Request.read` gives it, so that it is not read again. `news`: what others have
    told meanwhile, by the digests of the records: the request was not sent, as some of it need not be any more.
    """

    answer: Response | Exception | None
    calls: int = 1
    is_final: bool = False
    waited: float = 0.0
    is_read: bool = False
    said: Any = None
    news: Mapping[bytes, Told] = NOTHING


def response_of(action: str, answer: Response | Exception) -> Response:
    """The answer, if it is one. Raises the exception that stands in for it, as a GainsightDestError, and TypeError."""
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, GainsightDestError):
        raise answer
    if isinstance(answer, Exception):
        raise RetryableError(action, f"no answer ({type(answer).__name__})")
    raise TypeError(f"an answer must be a Response, an exception or None, not {type(answer).__name__}")


class Progress(NamedTuple):
    """How far an event has come: `attempts`, `calls`, `error`, `status` and `gsid` as of its Outcome.

    `is_under_way`: the last attempt goes on with the next call; else that begins another. `throttled` and `failures`:
    how many of its calls failed by throttling, and by anything else that may pass, but for those that the sender has
    repeated without asking the batch. `waited`: in seconds, if the sender says so. `is_assumed`: its company is known
    from before, and was not written. `reason`: why something of it was left out that is new.
    """

    attempts: int = 0
    calls: int = 0
    is_under_way: bool = False
    throttled: int = 0
    failures: int = 0
    waited: float = 0.0
    is_assumed: bool = False
    error: GainsightDestError | None = None
    status: Status = Status.NOT_TRIED
    gsid: str | None = None
    reason: str | None = None


class Write(NamedTuple):
    """What an event writes of a record. `is_last`: the event asks for nothing after that. `moment`: as of Told."""

    event: int
    record: Any
    is_last: bool = True
    moment: int | None = None


#: The progress of all events, in parts of PAGE each: so a turn copies few of them, and there may be 100,000 turns.
Pages = tuple[tuple[Progress, ...], ...]
PAGE = 256


def blank(count: int) -> Pages:
    """The pages of so many events, of which none has been tried."""
    return ((Progress(),) * PAGE,) * -(-count // PAGE)


class Ledger:
    """The pages while a turn is taken. `attempts`: an event that has failed so often for a while has failed.

    `changed`: the events that have come any further, or not as far as it seemed.
    """

    def __init__(self, pages: Pages, attempts: int) -> None:
        self.attempts = attempts
        self.changed: set[int] = set()
        self._pages = pages
        self._open: dict[int, list[Progress]] = {}

    @property
    def pages(self) -> Pages:
        """The pages with the changes."""
        pages = list(self._pages)
        for number, page in self._open.items():
            pages[number] = tuple(page)
        return tuple(pages)

    def of(self, event: int) -> Progress:
        """How far the event has come."""
        number, place = divmod(event, PAGE)
        return self._open.get(number, self._pages[number])[place]

    # The first two are for each call, and there may be 100,000: _replace would take twice as long.

    def called(self, events: Sequence[int], reply: Reply) -> None:
        """Count the calls for the events: as calls of the first of them, and as attempts of each."""
        if not reply.calls and not reply.waited:
            return
        first, is_answered = min(events), reply.answer is not None
        for event in events if reply.calls else ():
            known = self.of(event)
            begun = reply.calls - known.is_under_way
            if begun or event == first or not is_answered:
                calls = known.calls + (reply.calls if event == first else 0)
                self._put(event, Progress(known.attempts + begun, calls, is_answered, *known[3:]))
        for event in events if reply.waited else ():
            self._note(event, waited=self.of(event).waited + reply.waited)

    def saved(
        self, writes: Iterable[Write], gsid: str | None, *, is_assumed: bool = False, reason: str | None = None
    ) -> None:
        """They are taken, or known to be there, or left out for a reason."""
        for event, _, is_last, _ in writes:
            known = self.of(event)
            through = Status.DELIVERED if known.attempts else Status.UNCHANGED
            status = through if is_last else Status.NOT_TRIED
            told = gsid or known.gsid, reason or known.reason
            self._put(event, Progress(*known[:6], is_assumed, None, status, *told))

    def begin_again(self, events: Iterable[int]) -> None:
        """Their companies are not there, though it was known that they were."""
        for event in events:
            self._note(event, gsid=None, is_assumed=False)

    def fail(self, events: Iterable[int], error: GainsightDestError | None) -> None:
        """They have failed."""
        for event in events:
            self._note(event, status=Status.FAILED, error=error)

    def lose(self, events: Sequence[int], error: GainsightDestError, *, is_over: bool) -> bool:
        """They failed for a while, or for good: as it `is_over`, or after attempts enough. Whether for good."""
        counted = "throttled" if isinstance(error, ThrottledError) else "failures"
        for event in events if not is_over else ():
            self._note(event, is_under_way=False, **{counted: getattr(self.of(event), counted) + 1})
        if is_over or all(known.throttled + known.failures >= self.attempts for known in map(self.of, events)):
            self.fail(events, error)
            return True
        return False

    def _note(self, event: int, **facts: Any) -> None:
        self._put(event, self.of(event)._replace(**facts))

    def _put(self, event: int, progress: Progress) -> None:
        number, place = divmod(event, PAGE)
        page = self._open.get(number) or self._open.setdefault(number, [*self._pages[number]])
        page[place] = progress
        self.changed.add(event)
