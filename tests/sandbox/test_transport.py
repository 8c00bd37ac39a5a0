"""A transport of httpx that ends in a sandbox, for a client and for an asynchronous one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.some import ACCESS_KEY, ADA, CONFIG

PEOPLE = "https://acme.gainsightcloud.com/v1.0/api/people"
#: Answers a call to a sandbox, with the timeout that is given.
Put = Callable[..., httpx.Response]


def put(sandbox: Sandbox, sleep: Any = None, timeout: Any = None, key: Any = ACCESS_KEY) -> httpx.Response:
    with httpx.Client(transport=sandbox.transport(sleep), timeout=timeout) as client:
        return client.put(PEOPLE, json={"Email": ADA}, headers={"Accesskey": key})


def put_asynchronously(
    sandbox: Sandbox, sleep: Any = None, timeout: Any = None, key: Any = ACCESS_KEY
) -> httpx.Response:
    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=sandbox.transport(sleep), timeout=timeout) as client:
            return await client.put(PEOPLE, json={"Email": ADA}, headers={"Accesskey": key})

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("put", [put, put_asynchronously], ids=["Client", "AsyncClient"])


def sandbox(*faults: PlannedFault) -> Sandbox:
    return Sandbox(CONFIG, clock=lambda: 0.0, faults=faults)


@BOTH
@pytest.mark.parametrize(("key", "status"), [(ACCESS_KEY, 200), (ACCESS_KEY.encode(), 200), ("wrong", 401)])
def test_a_call_ends_in_the_sandbox(put: Put, key: str | bytes, status: int) -> None:
    tenant = sandbox()
    answer = put(tenant, key=key)
    assert (answer.status_code, len(tenant.people)) == (status, status == 200)
    assert answer.json()["requestId"] == answer.headers["X-GS-Request-ID"]


@BOTH
@pytest.mark.parametrize("timeout", [None, 5, httpx.Timeout(5, connect=1), httpx.Timeout(1, read=None)])
def test_a_slow_answer_sleeps_then_comes(put: Put, timeout: Any) -> None:
    slept: list[float] = []
    tenant = sandbox(PlannedFault("slow", seconds=5))
    assert put(tenant, slept.append, timeout).status_code == 200
    assert (slept, len(tenant.people)) == ([5], 1)


@BOTH
def test_an_answer_slower_than_the_timeout_is_one_but_what_was_asked_for_is_done(put: Put) -> None:
    slept: list[float] = []
    tenant = sandbox(PlannedFault("slow", seconds=5))
    with pytest.raises(httpx.ReadTimeout):
        put(tenant, slept.append, 4.9)
    assert (slept, len(tenant.people)) == ([4.9], 1)


@BOTH
@pytest.mark.parametrize(("kind", "people"), [("dropped-before", 0), ("dropped-after", 1)])
def test_a_dropped_connection_is_an_error_of_the_network(put: Put, kind: str, people: int) -> None:
    tenant = sandbox(PlannedFault(kind))
    with pytest.raises(httpx.ReadError):
        put(tenant)
    assert len(tenant.people) == people


@BOTH
def test_it_sleeps_in_earnest_where_no_other_sleep_is_given(put: Put) -> None:
    assert put(sandbox(PlannedFault("slow", seconds=0.001))).status_code == 200


def test_a_sleep_may_be_awaited() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert put_asynchronously(sandbox(PlannedFault("slow", seconds=5)), sleep).status_code == 200
    assert slept == [5]
