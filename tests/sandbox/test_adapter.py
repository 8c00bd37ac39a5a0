"""A requests Session that ends in a sandbox."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import requests

from gainsight_dest import Request, Response, transform
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests import some
from tests.some import ACCESS_KEY, group, identify, track

CONFIG = attrs.evolve(some.CONFIG, event_name_map={"Ticket Closure": "закрыт"})
PEOPLE = "https://acme.gainsightcloud.com/v1.0/api/people"
ADA = {"Email": some.ADA}
HEADERS = {"Accesskey": ACCESS_KEY}


class Sleep:
    """Sleeps not, but tells for how long it would have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def sandbox(*faults: PlannedFault) -> Sandbox:
    return Sandbox(CONFIG, clock=lambda: 0.0, faults=faults)


def delivered(session: requests.Session, request: Request | None) -> None:
    while request is not None:
        headers: dict[str, Any] = {name: value.encode() for name, value in request.headers.items()}
        answer = session.request(request.method, request.url, headers=headers, json=request.body)
        request = request.next(Response(answer.status_code, answer.content, answer.headers))


@pytest.mark.parametrize("times", [1, 2])
def test_what_transform_asks_for_is_delivered_through_a_session(times: int) -> None:
    tenant = sandbox()
    with tenant.session() as session:
        for _ in range(times):
            for event in (identify(name="Ada"), group(industry="Tools"), track(ticket=7)):
                delivered(session, transform(event, CONFIG))
    (company,) = tenant.companies
    (person,) = tenant.people
    assert (company["Name"], company["Industry"]) == ("Acme", "Tools")
    assert person == {**ADA, "Name": "Ada", "companies": [{"Company_ID": company["Gsid"]}]}
    event = {"name": "закрыт", "version": "1.0.0", "topic": "Tickets", "properties": {"ticket": 7}}
    assert tenant.events == [event] * times


def test_an_answer_is_that_of_requests_in_all_that_a_caller_looks_at() -> None:
    answer = sandbox().session().put(PEOPLE, json=ADA, headers=HEADERS)
    assert (answer.status_code, answer.ok, answer.url) == (200, True, PEOPLE)
    assert answer.json()["requestId"] == answer.headers["X-GS-Request-ID"]
    assert answer.request.method == "PUT"
    assert answer.history == []


def test_an_answer_may_be_read_as_a_stream() -> None:
    with sandbox().session().put(PEOPLE, json=ADA, headers=HEADERS, stream=True) as answer:
        chunks = [*answer.iter_content(10)]
    assert len(chunks) > 1
    assert b"".join(chunks).startswith(b'{"result": true')


def test_a_call_without_a_body_and_one_over_http_end_in_the_sandbox_too() -> None:
    tenant = sandbox()
    assert tenant.session().get("http://anywhere.example/v1").status_code == 404
    assert tenant.session().put(PEOPLE, headers=HEADERS).json()["errorCode"] == "GSOBJ_1008"
    assert [call.path for call in tenant.calls] == ["/v1", "/v1.0/api/people"]


def test_an_answer_in_time_takes_no_time() -> None:
    sleep = Sleep()
    sandbox().session(sleep).put(PEOPLE, json=ADA, headers=HEADERS, timeout=1)
    assert sleep.slept == []


@pytest.mark.parametrize("timeout", [None, 5, 5.0, 7, (1, 5), (1, None)])
def test_a_slow_answer_sleeps_then_comes(timeout: Any) -> None:
    sleep, tenant = Sleep(), sandbox(PlannedFault("slow", seconds=5))
    answer = tenant.session(sleep).put(PEOPLE, json=ADA, headers=HEADERS, timeout=timeout)
    assert (answer.status_code, sleep.slept, len(tenant.people)) == (200, [5], 1)


@pytest.mark.parametrize("timeout", [4.9, (30, 4.9)])
def test_an_answer_slower_than_the_timeout_is_one_but_what_was_asked_for_is_done(timeout: Any) -> None:
    sleep, tenant = Sleep(), sandbox(PlannedFault("slow", seconds=5))
    with pytest.raises(requests.ReadTimeout) as error:
        tenant.session(sleep).put(PEOPLE, json=ADA, headers=HEADERS, timeout=timeout)
    assert (sleep.slept, len(tenant.people)) == ([4.9], 1)
    assert error.value.request is not None
    assert error.value.request.url == PEOPLE


@pytest.mark.parametrize(("kind", "people"), [("dropped-before", 0), ("dropped-after", 1)])
def test_a_dropped_connection_is_a_connection_error(kind: str, people: int) -> None:
    tenant = sandbox(PlannedFault(kind))
    with pytest.raises(requests.ConnectionError):
        tenant.session().put(PEOPLE, json=ADA, headers=HEADERS)
    assert len(tenant.people) == people


def test_header_values_may_be_bytes_or_text() -> None:
    session = sandbox().session()
    bytes_headers: dict[str, Any] = {"Accesskey": ACCESS_KEY.encode()}
    assert session.put(PEOPLE, json=ADA, headers=bytes_headers).status_code == 200
    assert session.put(PEOPLE, json=ADA, headers={"accesskey": "wrong"}).status_code == 401
