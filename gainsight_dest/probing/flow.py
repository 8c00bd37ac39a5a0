"""A probe as a flow: all facts in their order, then the end of its companies. No I/O, no clock, no threads.

```python
flow = probe_flow(probe)
step = next(flow)  # Send(request), Wait(seconds, reason), Hold(seconds), until StopIteration
probe.now = time.time()
step = flow.send(response)
```

Whoever drives it does what it yields, sets `Probe.now`, and sends back the answer to a Send: a Response, or the
exception that stands for one. To a Wait and a Hold it sends None. A Wait may be cut short where the probe is to end, a
Hold may not: it is for the companies, which are deleted in any case.
"""

from __future__ import annotations

from collections.abc import Callable

from gainsight_dest import gainsight
from gainsight_dest.deliver.flow import Hold
from gainsight_dest.errors import ResponseError, RetryableError, ThrottledError
from gainsight_dest.fields import COMPANY
from gainsight_dest.gainsight import GSID
from gainsight_dest.probing import calls
from gainsight_dest.probing.facts import FACTS
from gainsight_dest.probing.probe import NoAnswerError, NotAskedError, Probe, ProbeReply, Steps, StoppedError

#: What the deletes are found under, beside the facts.
CLEANING = "delete"
#: How often it is looked for companies that are left, at most; for some that may be there, at least.
_ROUNDS, _LOOKS = 6, 3
#: Calls in one round that are waited for, after too many, at most.
_HOLDS = 3


def probe_flow(probe: Probe, told: Callable[[], object] = lambda: None) -> Steps[None]:
    """Asks all facts, and deletes the companies.

    `told` is called once something more is known. What it raises is raised once the companies are deleted.
    """
    problem: Exception | None = None
    try:
        for fact in FACTS:
            finding = probe.begin(fact.name)
            try:
                finding.answer = yield from fact.ask(probe)
            except NotAskedError as reason:
                finding.unasked = str(reason)
            except NoAnswerError as reason:
                finding.unanswered = str(reason)
            except StoppedError:
                raise
            except Exception:  # noqa: BLE001 - whatever an odd answer makes of its reading, the companies are deleted
                finding.unanswered = "the answer cannot be read"
            told()
    except StoppedError:
        _tell_the_rest(probe)
    except Exception as error:  # noqa: BLE001 - it is raised below
        problem = error
    yield from clean_up(probe)
    if problem is not None:
        raise problem
    probe.is_complete = probe.ended is None and not probe.is_stopped
    told()


def _tell_the_rest(probe: Probe) -> None:
    """The question that was under way has no answer, those after it were not asked."""
    why = "the probe was ended" if probe.ended is None else "the probe could not go on"
    for fact in FACTS:
        finding = probe.findings.get(fact.name) or probe.begin(fact.name)
        if finding.is_open:
            finding.unanswered, finding.unasked = (why, None) if finding.exchanges else (None, why)


def clean_up(probe: Probe) -> Steps[None]:
    """Deletes every company of the probe that can be found, whatever happened before."""
    if not probe.has_written_companies:
        return
    finding = probe.begin(CLEANING)
    looks, refusal = 0, ""
    for round_ in range(_ROUNDS):
        if round_:
            yield Hold(2.0 ** min(round_, 4))
        send = _Patience(probe)
        refusal = (yield from _delete_known(probe, send)) or refusal
        reply = yield from send(calls.find(probe.config, COMPANY, calls.SELECTED, *probe.names))
        if reply is not None and (reply.error is None or _is_nothing(probe, reply)):
            looks += 1
            _note_what_is_gone(probe, reply, is_sure=looks >= _LOOKS)
        if not probe.left.companies:
            break
    if not probe.left.companies:
        finding.answer = "deleted" if probe.deleted else "nothing to delete"
    else:
        finding.unanswered = refusal or "no answer"


def _note_what_is_gone(probe: Probe, reply: ProbeReply, *, is_sure: bool) -> None:
    """What a find no longer shows is gone, if it did show it before, or has not shown it for a while."""
    can_see = bool(probe.found)
    probe.note_found(reply.records)
    shown = {str(record.get(GSID)) for record in reply.records}
    missing = probe.made.keys() - shown
    probe.deleted.update(missing if is_sure and can_see else missing & probe.found)
    if is_sure:
        probe.unsure.intersection_update(probe.seen(reply))


def _is_nothing(probe: Probe, reply: ProbeReply) -> bool:
    """Whether the failure says that nothing is found."""
    try:
        return not gainsight.finds_record(reply.response, "find company", probe.config.hide)
    except ResponseError:
        return False


def _delete_known(probe: Probe, send: _Patience) -> Steps[str]:
    """Deletes the companies that are known to be there. How one was refused, in a word; "" where none was."""
    refusal = ""
    for gsid in sorted(probe.made.keys() - probe.deleted):
        reply = yield from send(calls.delete(probe.config, gsid))
        if reply is not None and reply.error is None:
            probe.deleted.add(gsid)
        elif reply is not None:
            refusal = reply.refusal
    return refusal


class _Patience:
    """Sends the calls of one round, also where the probe is ended. What were too many is sent again, a few times."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._left = _HOLDS

    def __call__(self, request: calls.ProbeCall) -> Steps[ProbeReply | None]:
        """The answer to a call; None for none."""
        while True:
            reply, error = yield from self._probe.call(request)
            if not isinstance(error, ThrottledError):
                return None if isinstance(error, RetryableError) else reply
            if not self._left:
                return None
            self._left -= 1
            yield Hold(self._probe.wait_of(error))
