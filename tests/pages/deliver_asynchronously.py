"""A tenant for docs/how-to/deliver-asynchronously.md in which no time passes but what is slept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from gainsight_dest import CredentialsError, DestinationConfig, EventError, transform
from gainsight_dest.deliver import Budget
from gainsight_dest.sandbox import Fault, Sandbox
from tests.pages import Page
from tests.some import Event, group, identify

JAPANESE = group("日本商事")
FIND, SAVE, LINK = "/v1/data/objects/query/Company", "/v1/data/objects/Company", "/v1.0/api/people"
STREAM = [
    *(group(f"Company {n % 3}", f"person{n}@example.com", employees=n) for n in range(20)),
    *(identify(f"person{n % 5}@example.com", comments=str(n)) for n in range(40)),
    {"type": "page"},
    {"type": "identify"},
]

real_sleep = asyncio.sleep


class Clock:
    """What is slept, and the time that it makes."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        await real_sleep(0)


class Tenant(httpx.AsyncBaseTransport):
    """The sandbox, and how many calls are under way in it."""

    def __init__(self, config: DestinationConfig, faults: list[Fault]) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(config, clock=self.clock, faults=faults)
        self.paths: list[str] = []
        self.under_way = self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await real_sleep(0)
        answer = self.sandbox.receive(request.method, str(request.url), request.headers, json.loads(request.content))
        self.under_way -= 1
        if answer.response is None:
            raise httpx.ReadError("dropped", request=request)
        return httpx.Response(answer.response.status, content=answer.response.body, headers=answer.response.headers)


Work = Callable[[httpx.AsyncClient], Awaitable[Any]]


def run(page: Page, work: Work, *faults: Fault) -> tuple[Any, Tenant]:
    """What came of it, and the tenant that it was done in."""
    tenant = Tenant(page.config, [*faults])
    page.namespace["budget"] = Budget(clock=tenant.clock)

    async def main() -> Any:
        async with httpx.AsyncClient(transport=tenant) as client:
            return await work(client)

    with patch("asyncio.sleep", tenant.clock.sleep):
        return asyncio.run(main()), tenant


def around(page: Page) -> Iterator[None]:
    yield
    one_event_is_delivered(page)
    after_a_lost_answer_the_create_begins_with_its_find(page)
    a_throttled_call_waits(page, "429", 61)
    a_throttled_call_waits(page, "429-retry-after", 7)
    asyncio.run(page.new_client().aclose())
    a_stream_keeps_the_order_of_each_person_and_company(page)
    eight_are_under_way_at_once(page)
    a_wrong_key_ends_the_stream(page)
    a_batch_is_delivered(page)


def one_event_is_delivered(page: Page) -> None:
    _, tenant = run(page, one(page, JAPANESE))
    assert tenant.paths == [FIND, SAVE, LINK]
    assert tenant.clock.slept == []
    assert tenant.sandbox.people[0]["companies"] == [{"Company_ID": tenant.sandbox.companies[0]["Gsid"]}]


def after_a_lost_answer_the_create_begins_with_its_find(page: Page) -> None:
    _, tenant = run(page, one(page, JAPANESE), Fault("dropped-after", calls=(2,)))
    assert tenant.paths == [FIND, SAVE, FIND, SAVE, LINK]
    assert len(tenant.sandbox.companies) == 1
    assert tenant.clock.slept == [2]


def a_throttled_call_waits(page: Page, kind: str, seconds: int) -> None:
    _, tenant = run(page, one(page, JAPANESE), Fault(kind, calls=(2,)))
    assert tenant.paths == [FIND, SAVE, SAVE, LINK]
    assert tenant.clock.slept == [seconds]


def one(page: Page, event: Event) -> Work:
    """The page's way to deliver an event."""
    return lambda client: page.deliver(transform(event, page.config), client)


def stream(page: Page) -> Work:
    """The page's way to deliver many."""
    return lambda client: page.deliver_all(STREAM, page.config, client)


def a_stream_keeps_the_order_of_each_person_and_company(page: Page) -> None:
    failed, tenant = run(page, stream(page), Fault("500", share=0.1, seed=7), Fault("dropped-after", share=0.1))
    assert [(event, type(error)) for event, error in failed] == [({"type": "identify"}, EventError)]
    assert 1 < tenant.most <= 8
    companies = {company["Name"]: company["Employees"] for company in tenant.sandbox.companies}
    assert companies == {"Company 0": 18, "Company 1": 19, "Company 2": 17}
    assert len(tenant.sandbox.companies) == 3
    latest = {person["Email"]: person.get("Comments") for person in tenant.sandbox.people}
    assert [latest[f"person{n}@example.com"] for n in range(6)] == ["35", "36", "37", "38", "39", None]


def eight_are_under_way_at_once(page: Page) -> None:
    people = [identify(f"person{n}@example.com") for n in range(20)]
    failed, tenant = run(page, lambda client: page.deliver_all(people, page.config, client))
    assert failed == []
    assert tenant.most == 8


def a_wrong_key_ends_the_stream(page: Page) -> None:
    with pytest.raises(CredentialsError) as refused:
        run(page, stream(page), Fault("401", calls=(5,)))
    assert refused.value.status == 401


def a_batch_is_delivered(page: Page) -> None:
    faults = [Fault("429", times=1), Fault("dropped-after", share=0.2)]
    outcomes, tenant = run(page, lambda client: page.deliver_batch(STREAM, page.config, client), *faults)
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 60 + ["skipped", "failed"]
    assert len(tenant.sandbox.companies) == 3
