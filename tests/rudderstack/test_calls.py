"""Which calls the service begins, and where requests wait for them. Counted, as far as that goes, not timed."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from gainsight_dest import ConfigError, DestinationConfig, FindCompany, Request, Response, RetryableError
from gainsight_dest.rudderstack import calls as calls_module
from gainsight_dest.rudderstack import create_app
from gainsight_dest.rudderstack.calls import BUDGET, SHARE, THREADS, Calls, in_thread
from gainsight_dest.sandbox import Sandbox
from tests.rudderstack.rudder import body, companies, destination, http_scope, known_companies, never
from tests.some import SETTINGS, group, identify

ROUTER = "/routerTransform"
SLOW, QUICK = "slow.example.com", "quick.example.com"
LONGEST = 60  # seconds; what takes longer hangs


def to(host: str) -> dict[str, Any]:
    return destination({**SETTINGS, "domain": host})


class Hosts:
    """Hosts that answer, but for one, which does not until it is told to. Counts the calls that each has at once."""

    def __init__(self, slow: str = SLOW) -> None:
        self.slow = slow
        self.is_let_go = threading.Event()
        self.most: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        host = request.config.domain
        with self._lock:
            self.calls[host] += 1
            self._now[host] += 1
            self.most[host] = max(self.most[host], self._now[host])
        try:
            if host.endswith(self.slow):
                assert self.is_let_go.wait(LONGEST)
            return companies(request)
        finally:
            with self._lock:
                self._now[host] -= 1


def asked(app: Any, work: Callable[[Callable[..., Any]], Coroutine[Any, Any, Any]]) -> Any:
    """What the work gives that posts to the router: by `post(*messages, to=destination)`, the output."""

    async def run() -> Any:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://transformer", timeout=LONGEST
        ) as client:

            async def post(*messages: Any, to: Any = None, **how: Any) -> Any:
                given = how or {"json": body(*messages, to=to)}
                return (await client.post(ROUTER, **given)).json()["output"]

            return await work(post)

    return asyncio.run(run())


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.005)


def statuses(outputs: list[Any]) -> Counter[int]:
    return Counter(each["statusCode"] for output in outputs for each in output)


# --- hosts ------------------------------------------------------------------------------------------------------------


def test_a_host_that_never_answers_holds_nobody_elses_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "WAIT", 0.2)
    hosts = Hosts()

    async def work(post: Callable[..., Any]) -> None:
        slow = [asyncio.ensure_future(post(group(f"S{n}"), to=to(SLOW))) for n in range(100)]
        await until(lambda: hosts.calls[SLOW] == SHARE)
        quick = await asyncio.gather(*(post(group(f"Q{n}"), to=to(QUICK)) for n in range(SHARE)))
        assert statuses(quick) == {200: SHARE}
        assert sum(each.done() for each in slow) <= 100 - SHARE
        await until(lambda: sum(each.done() for each in slow) == 100 - SHARE)  # those that were not let wait longer
        assert all("that host" in json.loads(each.result()[0]["error"])["message"] for each in slow if each.done())
        hosts.is_let_go.set()
        assert statuses(await asyncio.gather(*slow)) == {200: SHARE, 500: 100 - SHARE}

    asked(create_app(hosts), work)
    assert hosts.most[SLOW] == SHARE


def test_who_waits_for_a_turn_gets_it_and_takes_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "SHARE", 2)
    hosts = Hosts()

    async def work(post: Callable[..., Any]) -> None:
        before = threading.active_count()
        posted = [asyncio.ensure_future(post(group(f"S{n}"), to=to(SLOW))) for n in range(20)]
        await until(lambda: hosts.calls[SLOW] == 2)
        assert threading.active_count() <= before + 2
        hosts.is_let_go.set()
        assert statuses(await asyncio.gather(*posted)) == {200: 20}

    asked(create_app(hosts), work)
    assert hosts.most[SLOW] == 2


def test_when_all_threads_are_taken_others_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "THREADS", 3)
    monkeypatch.setattr(calls_module, "SHARE", 1)
    monkeypatch.setattr(calls_module, "WAIT", 0.05)
    hosts = Hosts(".slow")

    async def work(post: Callable[..., Any]) -> None:
        slow = [asyncio.ensure_future(post(group(), to=to(f"h{n}.slow"))) for n in range(3)]
        await until(lambda: len(hosts.calls) == 3)
        (told,) = await post(group(), to=to(QUICK))
        assert (told["statusCode"], "all hosts" in told["error"]) == (500, True)
        assert statuses([await post(identify())]) == {200: 1}  # what needs no call is not concerned
        hosts.is_let_go.set()
        assert statuses(await asyncio.gather(*slow)) == {200: 3}

    asked(create_app(hosts), work)


def test_a_hosts_share_counts_calls_of_requests_that_began_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "SHARE", 1)
    hosts = Hosts()

    async def work(post: Callable[..., Any]) -> None:
        slow = asyncio.ensure_future(post(group(), to=to(SLOW)))
        await until(lambda: hosts.calls[SLOW] == 1)
        mixed = body(group(), to=to(QUICK))
        mixed["input"] += body(group(), to=to(SLOW))["input"]
        mixed["input"][1]["metadata"]["jobId"] = 2
        output = await post(json=mixed)
        assert [each["statusCode"] for each in output] == [200, 500]
        hosts.is_let_go.set()
        await slow

    asked(create_app(hosts), work)
    assert hosts.most[SLOW] == 1


def test_a_host_that_has_kept_a_call_for_long_is_not_called_again_for_the_same_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls_module, "_SLOW", -1.0)
    tried: list[str] = []

    def send(request: Request) -> Response:
        tried.append(request.config.domain)
        if request.config.domain == SLOW:
            raise RetryableError(request.action, "no answer in time")
        return known_companies(request)

    async def work(post: Callable[..., Any]) -> None:
        mixed = body(*(group(f"S{n}") for n in range(60)), to=to(SLOW))  # two finds
        mixed["input"] += body(group(), to=to(QUICK))["input"]
        output = await post(json=mixed)
        assert statuses([output]) == {500: 60, 200: 1}

    asked(create_app(send), work)
    assert tried.count(SLOW) == 1


def test_no_turn_is_kept_of_a_host_that_is_called_no_more() -> None:
    app = create_app(companies)

    async def work(post: Callable[..., Any]) -> None:
        await asyncio.gather(*(post(group(), to=to(f"h{n}.example.com")) for n in range(50)))

    asked(app, work)
    gc.collect()
    assert not app.calls._turns
    assert not app.calls._under_way


# --- ends -------------------------------------------------------------------------------------------------------------


def test_no_call_is_begun_once_the_client_has_gone() -> None:
    hosts = Hosts()
    app = create_app(hosts)
    text = json.dumps(body(*(group(f"S{n}") for n in range(200)), to=to(SLOW))).encode()

    async def run() -> None:
        coming: asyncio.Queue[Any] = asyncio.Queue()
        coming.put_nowait({"type": "http.request", "body": text, "more_body": False})
        sent: list[Any] = []

        async def send(event: Any) -> None:
            sent.append(event)

        scope = http_scope(ROUTER, {"Content-Type": "application/json", "Content-Length": str(len(text))})
        answering = asyncio.ensure_future(app(scope, coming.get, send))
        await until(lambda: hosts.calls[SLOW] == 1)
        coming.put_nowait({"type": "http.disconnect"})
        await until(coming.empty)
        await asyncio.sleep(0)
        hosts.is_let_go.set()
        await answering
        output = json.loads(sent[-1]["body"])["output"]
        assert statuses([output]) == {500: 200}

    asyncio.run(run())
    assert hosts.calls[SLOW] == 1


def test_after_a_stop_calls_are_begun_for_a_while_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, status in ((60.0, 200), (-1.0, 500)):
        monkeypatch.setattr(calls_module, "LAST_CALLS", seconds)
        app = create_app(companies)
        app.stop()

        async def work(post: Callable[..., Any], status: int = status) -> None:
            output = await post(group(), identify("p@example.com"), to=to(QUICK))
            assert [each["statusCode"] for each in output] == [status, 200]

        asked(app, work)


def test_a_request_that_has_taken_too_long_begins_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "BUDGET", -1.0)
    assert BUDGET > 0

    async def work(post: Callable[..., Any]) -> None:
        (told,) = await post(group(), to=to(QUICK))
        assert (told["statusCode"], "60 seconds" in told["error"]) == (500, True)

    asked(create_app(never), work)


def test_a_thread_keeps_nobody_from_ending_and_what_is_raised_in_it_is_raised_where_it_is_waited_for() -> None:
    def broken() -> bool:
        if threading.current_thread().daemon:
            raise KeyError("here")
        return False

    with pytest.raises(KeyError, match="here"):
        asyncio.run(in_thread(broken))


def test_nobody_minds_a_thread_that_ends_after_it_was_waited_for() -> None:
    is_let_go = threading.Event()

    async def given_up() -> None:
        task = asyncio.ensure_future(in_thread(lambda: is_let_go.wait(LONGEST)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(given_up())
    is_let_go.set()
    for thread in threading.enumerate():
        if thread.name == "transform":
            thread.join(LONGEST)


def test_there_are_threads_for_many_slow_hosts() -> None:
    assert THREADS >= 16 * SHARE


# --- domains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "host", "is_allowed"),
    [
        ((), "internal.corp", True),
        (("*.gainsightcloud.com",), "acme.gainsightcloud.com", True),
        (("*.gainsightcloud.com",), "gainsightcloud.com", False),
        (("*.gainsightcloud.com",), "evilgainsightcloud.com", False),
        (("*.gainsightcloud.com",), "acme.gainsightcloud.com.evil.example", False),
        (("*.gainsightcloud.com",), "internal.corp", False),
        (("a.example", "Internal.CORP"), "internal.corp", True),
        (("",), "internal.corp", False),
    ],
)
def test_no_domain_is_called_but_those_that_are_allowed(patterns: tuple[str, ...], host: str, is_allowed: bool) -> None:
    async def work(post: Callable[..., Any]) -> None:
        told, plain = await post(group(), identify("p@example.com"), to=to(host))
        assert plain["statusCode"] == 200  # nothing is called for it
        if is_allowed:
            assert told["statusCode"] == 200
        else:
            assert told["statusCode"] == 400
            assert "destination.Config.domain: is not one that this service may call" in told["error"]
            assert told["statTags"]["errorType"] == "configuration"

    asked(create_app(companies if is_allowed else never, allowed=patterns), work)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_the_proxy_calls_none_but_those_either(version: str) -> None:
    sandbox = Sandbox()

    async def run(allowed: str) -> Any:
        app = create_app(sandbox.handle, allowed=[allowed])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://transformer") as client:
            (told,) = (await client.post(ROUTER, json=body(identify(), to=to(QUICK)))).json()["output"]
            given = {**told["batchedRequest"], "metadata": [{"jobId": 1}] if version == "v1" else {"jobId": 1}}
            answer = await client.post(f"/{version}/destinations/gainsight/proxy", json=given)
            return answer.json()["output"]["status"]

    assert asyncio.run(run("*.gainsightcloud.com")) == 400
    assert not sandbox.people
    assert asyncio.run(run("quick.example.com")) == 200
    assert sandbox.people


def test_a_domain_in_the_midst_of_a_request_is_looked_at_too() -> None:
    async def work(post: Callable[..., Any]) -> None:
        mixed = body(group(), to=to(QUICK))
        mixed["input"] += body(group(), to=to("internal.corp"))["input"]
        output = await post(json=mixed)
        assert [each["statusCode"] for each in output] == [200, 400]

    hosts = Hosts()
    asked(create_app(hosts, allowed=["*.example.com"]), work)
    assert set(hosts.calls) == {QUICK}


def test_a_call_that_is_not_allowed_is_no_call_that_waits() -> None:
    calls = Calls(never, ["*.example.com"])
    find = FindCompany(DestinationConfig(domain="internal.corp", access_key="key"), {"Name": "Acme"}, "a@b.co")
    with pytest.raises(ConfigError, match="this service may call"):
        calls.none(find)
