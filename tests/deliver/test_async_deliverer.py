"""What is AsyncDeliverer's alone: asynchronous events, a client of one's own, and how a run in a loop ends."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from math import inf
from pathlib import Path
from typing import Any

import httpx
import pytest

from gainsight_dest import EventError, Request, Response, RetryableError, transform
from gainsight_dest.deliver import AsyncDeliverer, Journal, Outcome, Patience, Status
from gainsight_dest.deliver.journal import entries
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.deliver.runs import GROUP, IDENTIFY, LONG, TRACK, identify, tenant, track
from tests.some import CONFIG, FREE, Event, group

SIZES = pytest.mark.parametrize("batch", [None, 1, 3, 500])


def sending(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    """A function that sends to the sandbox, and lets others have their turn."""

    async def send(request: Request) -> Response:
        await asyncio.sleep(0)
        return sandbox.handle(request)

    return send


def deliverer_to(sandbox: Sandbox, **settings: Any) -> AsyncDeliverer:
    return AsyncDeliverer(CONFIG, send=sending(sandbox), **{**FREE, **settings})


async def coming(*events: Any) -> AsyncIterator[Any]:
    for event in events:
        await asyncio.sleep(0)
        yield event


async def told(outcomes: AsyncIterator[Outcome]) -> list[Outcome]:
    return [outcome async for outcome in outcomes]


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


# --- events -----------------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("linger", [None, 0, inf])
@pytest.mark.parametrize("workers", [1, 4])
def test_events_may_come_from_an_asynchronous_iterable(batch: int | None, linger: float | None, workers: int) -> None:
    events = [IDENTIFY, {"type": "page"}, GROUP, EventError("the line", "is not JSON"), TRACK]

    async def main() -> list[Outcome]:
        async with deliverer_to(tenant(), workers=workers) as deliverer:
            return await told(deliverer.run(coming(*events), batch=batch, linger=None if batch is None else linger))

    outcomes = asyncio.run(main())
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert statuses(outcomes) == ["delivered", "skipped", "delivered", "failed", "delivered"]


@SIZES
def test_an_error_of_asynchronous_events_comes_after_the_outcomes_before_it(batch: int | None) -> None:
    async def broken() -> AsyncIterator[Event]:
        for _ in range(5):
            yield TRACK
        raise LookupError("no more")

    seen: list[Outcome] = []

    async def main() -> None:
        async with deliverer_to(tenant(), workers=3) as deliverer:
            async for outcome in deliverer.run(broken(), batch=batch):
                seen.append(outcome)  # noqa: PERF401 - what came before the error is what is looked at

    with pytest.raises(LookupError):
        asyncio.run(main())
    assert statuses(seen) == ["delivered"] * 5


def test_a_batch_that_is_not_full_is_sent_after_it_has_lingered_and_a_full_one_at_once() -> None:
    async def main() -> None:
        seen = asyncio.Event()

        async def events() -> AsyncIterator[Event]:
            for number in range(4):
                yield track(number)
            await asyncio.wait_for(seen.wait(), LONG)
            yield track(4)

        async with deliverer_to(tenant()) as deliverer, aclosing(deliverer.run(events(), batch=3, linger=0.05)) as run:
            first = [await anext(run) for _ in range(4)]
            assert statuses(first) == ["delivered"] * 4
            seen.set()
            assert statuses(await told(run)) == ["delivered"]

    asyncio.run(main())


def test_a_run_that_waits_for_events_can_be_ended_from_elsewhere() -> None:
    async def events() -> AsyncIterator[Event]:
        yield TRACK
        await asyncio.sleep(LONG)

    async def main() -> list[Outcome]:
        async with deliverer_to(tenant()) as deliverer:
            asyncio.get_running_loop().call_later(0.05, deliverer.stop)
            return await told(deliverer.run(events(), batch=500, linger=inf))

    assert statuses(asyncio.run(main())) == ["not tried"]


def test_a_list_is_not_read_further_than_a_batch_or_the_workers_need() -> None:
    numbers = itertools.count()

    async def main() -> None:
        async with deliverer_to(tenant()) as deliverer:
            for batch in (None, 10):
                async with aclosing(deliverer.run(map(track, numbers), batch=batch)) as run:
                    await anext(run)

    asyncio.run(main())
    assert next(numbers) == 1 + 10


@pytest.mark.parametrize("linger", [None, inf])
def test_no_asynchronous_event_is_read_before_there_is_a_place_for_it(linger: float | None) -> None:
    read: list[int] = []

    async def endless() -> AsyncIterator[Event]:
        for number in itertools.count():
            read.append(number)
            yield track(number)

    async def main() -> None:
        deliverer = deliverer_to(tenant())
        async with deliverer, aclosing(deliverer.run(endless(), batch=3, linger=linger)) as run:
            assert [(await anext(run)).index for _ in range(3)] == [0, 1, 2]

    asyncio.run(main())
    assert read == [0, 1, 2]


def test_eight_are_under_way_at_once_and_no_more() -> None:
    sandbox, under_way, most = tenant(), 0, 0

    async def send(request: Request) -> Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return sandbox.handle(request)

    async def main() -> list[Outcome]:
        async with AsyncDeliverer(CONFIG, send=send, workers=8, **FREE) as deliverer:
            events = [identify(f"{n}@example.com") for n in range(50)]
            return [*await told(deliverer.run(events)), *await told(deliverer.run(events, batch=20))]

    assert statuses(asyncio.run(main())) == ["delivered"] * 100
    assert most == 8


@SIZES
def test_other_tasks_have_their_turn_where_nothing_is_to_be_sent(batch: int | None) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(other())
        async with deliverer_to(tenant()) as deliverer:
            assert len(await told(deliverer.run([{"type": "page"}] * 2_000, batch=batch))) == 2_000
        task.cancel()

    asyncio.run(main())
    assert turns >= 4


# --- how a run ends ---------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("way", ["the task is cancelled", "it is cancelled again and again", "the loop is left"])
def test_what_was_under_way_is_finished_and_recorded(way: str, batch: int | None, tmp_path: Path) -> None:
    sandbox = tenant()
    events = [identify(f"{n}@example.com") for n in range(40)]

    async def main(journal: Journal) -> None:
        started = asyncio.Event()

        async def send(request: Request) -> Response:
            answer = sandbox.handle(request)
            started.set()
            await asyncio.sleep(0.01)
            return answer

        async with AsyncDeliverer(CONFIG, send=send, workers=4, **FREE) as deliverer:

            async def work() -> None:
                async for _ in deliverer.run(events, journal, batch=batch):
                    if way == "the loop is left":
                        break

            task = asyncio.create_task(work())
            if "cancelled" in way:
                await started.wait()
                task.cancel()
            for _ in range(100 if "again" in way else 0):
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() == ("cancelled" in way)
        assert not deliverer._tasks
        assert deliverer.waiting is None

    with Journal(tmp_path / "run.db", "here") as journal:
        asyncio.run(main(journal))
        known = {entry.outcome.index for entry in entries(tmp_path / "run.db")}
        assert 1 <= len(known) == len(sandbox.people) < 40

        async def again() -> list[Outcome]:
            async with deliverer_to(sandbox) as deliverer:
                return await told(deliverer.run(events, journal))

        assert {outcome.index for outcome in asyncio.run(again()) if outcome.resumed} == known
    assert sum(sandbox.counts.values()) == 40, "nothing was sent twice"


@pytest.mark.parametrize("batch", [None, 500])
def test_whoever_waits_does_not_hold_up_the_end(batch: int | None) -> None:
    sandbox = tenant(faults=[PlannedFault("429-retry-after", seconds=3000)])

    async def main() -> list[Outcome]:
        async with deliverer_to(sandbox, workers=3) as deliverer:
            asyncio.get_running_loop().call_later(0.05, deliverer.stop)
            return await told(deliverer.run([track(n) for n in range(5)], batch=batch))

    began = time.monotonic()
    assert statuses(asyncio.run(main())) == ["not tried"] * 5
    assert time.monotonic() - began < 30


@SIZES
def test_a_run_that_was_left_early_ends_with_the_next_and_does_not_end_it(batch: int | None) -> None:
    sandbox = tenant()

    async def main() -> list[Outcome]:
        async with deliverer_to(sandbox, workers=4) as deliverer:
            first, second = deliverer.run(map(track, range(100)), batch=batch), deliverer.run([TRACK] * 9, batch=batch)
            await anext(first)
            outcomes = [await anext(second)]
            await first.aclose()
            return outcomes + await told(second)

    assert statuses(asyncio.run(main())) == ["delivered"] * 9
    if batch is None:
        assert len(sandbox.events) < 100, "what the first had read ahead is not sent"


def test_one_deliverer_runs_again_and_again() -> None:
    async def main() -> None:
        async with deliverer_to(tenant(), workers=2) as deliverer:
            for batch in (None, 2, None):
                assert statuses(await told(deliverer.run([IDENTIFY, GROUP, TRACK], batch=batch))) == ["delivered"] * 3
            assert (await deliverer.deliver(transform(GROUP, CONFIG))).gsid is not None
            assert deliverer.calls == 5 + 4 + 5 + 3, "a batch makes one of the identify and the link"

    asyncio.run(main())


# --- a client of one's own --------------------------------------------------------------------------------------------


def test_whatever_a_function_raises_is_no_answer() -> None:
    answers: list[Exception] = [OSError("MARKED"), RetryableError("upsert person", "gone"), asyncio.TimeoutError()]

    async def send(_: Request) -> Response:
        if answers:
            raise answers.pop()
        return Response(200)

    async def pause(_: float) -> None: ...

    async def main() -> Outcome:
        async with AsyncDeliverer(CONFIG, send=send, sleep=pause) as deliverer:
            outcome = await deliverer.deliver(transform(IDENTIFY, CONFIG))
            assert "MARKED" not in str(deliverer.troubles)
            return outcome

    outcome = asyncio.run(main())
    assert (outcome.status, outcome.attempts, outcome.calls) == (Status.DELIVERED, 4, 4)


def test_what_is_no_response_is_an_error_of_whoever_wrote_the_function() -> None:
    async def send(_: Request) -> Any:
        return None

    async def main() -> None:
        async with AsyncDeliverer(CONFIG, send=send) as deliverer:
            await told(deliverer.run([IDENTIFY]))

    with pytest.raises(TypeError, match="send must give a Response, not NoneType"):
        asyncio.run(main())


def test_a_function_that_takes_too_long_is_given_no_more_than_the_deadline() -> None:
    async def send(_: Request) -> Response:
        await asyncio.sleep(LONG)
        return Response(200)

    async def main() -> Outcome:
        patience = Patience(attempts=1)
        async with AsyncDeliverer(CONFIG, send=send, deadline=0.02, patience=patience, silence=0.001) as deliverer:
            outcome = await deliverer.deliver(transform(IDENTIFY, CONFIG))
            assert "no whole answer within 0.02 seconds" in str(deliverer.ended)
            return outcome

    assert asyncio.run(main()).status == "not tried"


def test_a_function_gets_requests_to_the_base_url() -> None:
    urls: list[str] = []
    sandbox = tenant()

    async def send(request: Request) -> Response:
        urls.append(request.url)
        return sandbox.handle(request)

    async def main() -> Outcome:
        async with AsyncDeliverer(CONFIG, send=send, base_url="http://127.0.0.1:8080/") as deliverer:
            assert deliverer.target == f"https://{CONFIG.domain} by way of http://127.0.0.1:8080"
            return await deliverer.deliver(transform(group(), CONFIG))

    assert asyncio.run(main()).gsid == sandbox.companies[0]["Gsid"]
    assert [url.split("/")[2] for url in urls] == ["127.0.0.1:8080"] * 3


def test_a_client_that_is_given_keeps_its_headers_and_stays_open() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b'{"result": true}')

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, headers={"X-Gateway": "1"}, auth=("me", "mine")) as client:
            async with AsyncDeliverer(CONFIG, client) as deliverer:
                assert statuses(await told(deliverer.run([IDENTIFY]))) == ["delivered"]
            assert not client.is_closed

    asyncio.run(main())
    assert (seen[0].headers["X-Gateway"], "Authorization" in seen[0].headers) == ("1", False)


def test_either_a_client_or_a_function() -> None:
    with pytest.raises(ValueError, match="either a client or a function to send with, not both"):
        AsyncDeliverer(CONFIG, httpx.AsyncClient(), send=sending(tenant()))


def test_a_proxy_is_named_in_why_the_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", "http://me:secret@127.0.0.1:9")
    now = [0.0]

    async def pause(seconds: float) -> None:
        now[0] += seconds

    async def main() -> str:
        async with AsyncDeliverer(CONFIG, sleep=pause, clock=lambda: now[0]) as deliverer:
            assert statuses(await told(deliverer.run([IDENTIFY]))) == ["not tried"]
            return str(deliverer.ended)

    ended = asyncio.run(main())
    assert "by the proxy of ALL_PROXY" in ended
    assert "secret" not in ended


@pytest.mark.process
def test_neither_client_is_loaded_for_the_other() -> None:
    program = (
        "import sys\n"
        "from gainsight_dest.deliver import {0}\n"
        "{0}({{'domain': 'acme.co', 'accessKey': 'k'}})\n"
        "print('requests' in sys.modules, 'httpx' in sys.modules)"
    )
    for name, loaded in [("Deliverer", "True False"), ("AsyncDeliverer", "False True")]:
        done = subprocess.run([sys.executable, "-c", program.format(name)], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == loaded
