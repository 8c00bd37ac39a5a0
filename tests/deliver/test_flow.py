"""The laws of a flow: what it asks for follows from the answers and the time alone, and it ends when it is to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    BlockedError,
    CredentialsError,
    EventError,
    RejectedError,
    Response,
    RetryableError,
    ThrottledError,
    gainsight,
    transform,
    transform_batch,
)
from gainsight_dest.deliver import Patience
from gainsight_dest.deliver.flow import Hold, Run, Send, Wait, event_flow, request_flow
from gainsight_dest.sandbox import Sandbox
from tests.deliver.runs import deliverer_to, tenant
from tests.some import CONFIG, FREE, Event, group, identify, track

EVENTS = [identify(), group(), track(ticket=1)]
#: None: the sandbox answers.
ANSWERS = st.lists(
    st.sampled_from(
        [
            None,
            Response(500),
            Response(503, b"", {"Retry-After": "20"}),
            Response(429),
            Response(429, b"", {"Retry-After": "0"}),
            Response(200, b"<html>"),
            Response(200, b'{"result": true, "data": {}}'),
            Response(403, b"<html>"),
            Response(400, b'{"result": false, "errorCode": "GSOBJ_1008"}'),
            RetryableError("a", "no answer"),
            ConnectionError("of another client"),
        ]
    ),
    max_size=30,
)
PATIENCE = st.builds(
    Patience,
    attempts=st.integers(1, 5),
    longest_wait=st.sampled_from([1.0, 30.0, 300.0]),
    in_total=st.sampled_from([1.0, 100.0, 10_000.0]),
    resends=st.integers(0, 2),
)


def run_of(patience: Patience, silence: float = 900.0) -> Run:
    return Run(patience, silence, "Gainsight", lambda: 0.5, now=1_000_000_000.0)


def steps(run: Run, flow: Any, answers: Iterable[Any], took: float = 0.25) -> Iterator[Any]:
    """What the flow asks for, and at last what it returns. A call takes so many seconds, a wait as long as asked."""
    sandbox = Sandbox(CONFIG, **FREE)
    left = iter(answers)
    answer = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as end:
            yield end.value
            return
        answer = None
        if isinstance(step, Send) and not run.is_stopped:
            answer = next(left, None) or sandbox.handle(step.request)
            run.now += took
        elif isinstance(step, Wait):
            run.now += step.seconds
        yield step


@given(st.sampled_from(EVENTS), ANSWERS, PATIENCE)
def test_the_same_answers_at_the_same_times_lead_to_the_same_steps(
    event: Event, answers: list[Any], patience: Patience
) -> None:
    told = []
    for _ in range(2):
        run = run_of(patience)
        told.append([*map(str, steps(run, event_flow(run, transform(event, CONFIG)), answers))])
    assert told[0] == told[1]


@given(st.sampled_from(EVENTS), ANSWERS, PATIENCE)
def test_no_wait_is_longer_than_patience_allows_and_all_of_them_together_are_not(
    event: Event, answers: list[Any], patience: Patience
) -> None:
    run = run_of(patience)
    waits = [
        step.seconds
        for step in steps(run, event_flow(run, transform(event, CONFIG)), answers)
        if isinstance(step, Wait)
    ]
    # Beyond patience it goes on only where nothing shows that anyone gets through: until the silence is over.
    assert sum(waits) <= patience.in_total + run.silence + max(61.0, patience.longest_wait)
    assert all(0 < seconds <= max(61.0, patience.longest_wait) for seconds in waits)


@given(st.sampled_from(EVENTS), ANSWERS, st.integers(0, 20), st.booleans())
def test_once_the_run_is_stopped_nothing_more_is_sent(
    event: Event, answers: list[Any], stop_after: int, is_in_a_batch: bool
) -> None:
    run = run_of(Patience())
    flow: Any = event_flow(run, transform(event, CONFIG))
    if is_in_a_batch:
        (request,) = transform_batch([event], CONFIG).requests
        flow = request_flow(run, request, 0, 0.0)
    sent_after = 0
    for number, step in enumerate(steps(run, flow, answers)):
        sent_after += run.is_stopped and isinstance(step, Send) and number > stop_after
        if number == stop_after:
            run.is_stopped = True
    assert sent_after <= 1, "it asks once, gets None, and ends"


@pytest.mark.parametrize("event", EVENTS)
def test_of_a_run_that_is_stopped_already_nothing_is_sent_and_no_attempt_counts(event: Event) -> None:
    run = run_of(Patience())
    run.is_stopped = True
    *_, ending = steps(run, event_flow(run, transform(event, CONFIG)), [])
    assert (ending.status, ending.attempts, ending.calls, ending.error) == ("not tried", 0, 0, None)


@pytest.mark.parametrize(
    ("error", "status", "is_stopped"),
    [
        (EventError("the event", "holds a number that cannot be written as JSON"), "failed", False),
        (RejectedError("a", "b", 400), "failed", False),
        (CredentialsError("a", "b", 401), "failed", True),
    ],
)
def test_an_exception_that_stands_for_an_answer_is_the_events_error(
    error: Exception, status: str, is_stopped: bool
) -> None:
    run = run_of(Patience())
    *_, ending = steps(run, event_flow(run, transform(identify(), CONFIG)), [error])
    assert (ending.status, ending.error, run.is_stopped) == (status, error, is_stopped)


def test_what_another_client_raises_is_no_answer() -> None:
    run = run_of(Patience(attempts=1))
    *_, ending = steps(run, event_flow(run, transform(identify(), CONFIG)), [OSError("with a key in it"), None])
    assert str(ending.error) == "upsert person: no answer (OSError)"


@pytest.mark.parametrize("answer", [Response(429), Response(200, b'{"result": false, "errorCode": "GS_APIG_2404"}')])
def test_all_wait_where_one_is_throttled_at_whatever_status(answer: Response) -> None:
    with pytest.raises(ThrottledError):
        transform(identify(), CONFIG).next(answer)
    run = run_of(Patience())
    told = [*steps(run, event_flow(run, transform(identify(), CONFIG)), [answer])]
    assert [type(step) for step in told[:-1]] == [Send, Hold, Wait, Send]
    assert told[1].seconds == told[2].seconds == 61 - (1_000_000_000.25 % 60)


@pytest.mark.parametrize("batch", [None, 500])
def test_each_answer_is_read_once(batch: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    value = gainsight._json

    def noted(body: bytes) -> Any:
        read.append(body)
        return value(body)

    monkeypatch.setattr(gainsight, "_json", noted)
    with deliverer_to(tenant(), **FREE) as deliverer:
        outcomes = [*deliverer.run([group(), identify(), track(ticket=1)], batch=batch)]
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 3
    assert len(read) == deliverer.calls


def test_a_page_of_a_firewall_is_the_events_fault_only_once_others_get_through() -> None:
    run = run_of(Patience())
    page = Response(403, b"<html>")
    *_, ending = steps(run, event_flow(run, transform(identify(), CONFIG)), [page, page])
    assert type(ending.error) is CredentialsError
    run = run_of(Patience())
    *_, ending = steps(run, event_flow(run, transform(identify(), CONFIG)), [page, None])
    assert type(ending.error) is BlockedError


def test_flows_of_one_run_take_turns_and_know_of_each_others_companies() -> None:
    run = run_of(Patience())
    blind = Response(200, b'{"result": true, "data": {"records": []}}')
    saved = Response(200, b'{"result": true, "data": {"records": [{"Name": "Acme", "Gsid": "1P02"}]}}')
    first, second = (event_flow(run, transform(group(email=f"{n}@example.com"), CONFIG)) for n in "ab")
    assert isinstance(first.send(None), Send)
    assert isinstance(second.send(None), Send)
    created = first.send(blind)
    assert isinstance(created, Send)
    assert created.request.action == "create company"
    first.send(saved)
    known = second.send(blind)
    assert isinstance(known, Send)
    assert known.request.action == "update company"


def test_a_batchs_request_is_read_once_and_its_companies_are_known() -> None:
    run = run_of(Patience())
    (request,) = transform_batch([group()], CONFIG).requests
    *_, reply = steps(run, request_flow(run, request, 0, 0.0), [])
    assert (reply.calls, reply.said, reply.waited, reply.is_final) == (1, frozenset(), 0.0, False)


@pytest.mark.process
def test_a_flow_loads_no_client_no_thread_of_its_own_and_no_chance() -> None:
    program = (
        "import sys\n"
        "from gainsight_dest.deliver import flow, batches, order\n"
        "clients = {'requests', 'httpx', 'socket', 'ssl', 'asyncio', 'sqlite3'}\n"
        "held = {name for module in (flow, batches, order) for name in vars(module)}\n"
        "print({*clients, 'threading', 'random', 'time'} & held, clients & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "set() set()\n"
