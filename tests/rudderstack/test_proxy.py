"""The delivery proxy: a request of rudder-server's is sent once, and what came of it is told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import CredentialsError, Request, Response, RetryableError
from gainsight_dest.rudderstack import proxy, router
from gainsight_dest.rudderstack.delivery import http_status
from gainsight_dest.sandbox import Sandbox
from tests.rudderstack.rudder import Data, Recorded, body, check_proxied, companies, never, told
from tests.some import ACCESS_KEY, ADA, group, identify, track

METADATA = {"jobId": 1, "destinationId": "d-1", "workspaceId": "w-1"}
DELIVERED = told({"ok": 1})


def wire(message: Any = None, metadata: Any = METADATA, **changes: Any) -> Data:
    request = router(body(message or identify()), companies)["output"][0]["batchedRequest"]
    return {**request, "userId": "", "metadata": metadata, "destinationConfig": {}, **changes}


def sent(version: str, given: Any, send: Callable[[Request], Any]) -> Data:
    answer = proxy(version, given, send)
    check_proxied(answer, version)
    output: Data = json.loads(json.dumps(answer, allow_nan=False))["output"]
    return output


def test_what_the_router_gave_is_delivered() -> None:
    tenant = Sandbox()
    for message in (identify(firstName="Ada"), track(n=1)):
        assert sent("v1", wire(message, [METADATA]), tenant.handle)["status"] == 200
    assert [person["FirstName"] for person in tenant.people] == ["Ada"]
    assert len(tenant.content.events) == 1


def test_a_success_of_v0_carries_gainsights_answer() -> None:
    send = Recorded(lambda _: DELIVERED)
    assert sent("v0", wire(), send) == {
        "status": 200,
        "message": "success",
        "destinationResponse": {"response": {"result": True, "data": {"ok": 1}}, "status": 200},
    }
    assert send.sent[0]["body"] == {"Email": ADA}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_success_of_v1_answers_each_metadata(count: int) -> None:
    several = [{**METADATA, "jobId": job} for job in range(count)]
    answer = sent("v1", wire(metadata=several), lambda _: DELIVERED)
    assert answer["response"] == [{"error": "success", "statusCode": 200, "metadata": each} for each in several]
    assert "statTags" not in answer


def raises(error: Exception) -> Callable[[Request], Response]:
    def send(_: Request) -> Response:
        raise error

    return send


def answers(answer: Any) -> Callable[[Request], Any]:
    return lambda _: answer


FAILURES: dict[str, tuple[Callable[[Request], Any], int, str]] = {
    "429": (answers(Response(429, b"{}")), 429, "throttled"),
    "GU_2400": (answers(told(None, result=False, status=400, errorCode="GU_2400")), 429, "throttled"),
    "500": (answers(Response(500, b"")), 500, "retryable"),
    "503": (answers(Response(503, b"down")), 503, "retryable"),
    "408": (answers(Response(408, b"")), 500, "retryable"),
    "no JSON": (answers(Response(200, b"<html>")), 500, "retryable"),
    "no Response": (answers(None), 500, "retryable"),
    "400": (answers(told(None, result=False, status=400)), 400, "aborted"),
    "401": (answers(told(None, result=False, status=401)), 401, "aborted"),
    "404": (answers(told(None, result=False, status=404, errorCode="GS_APIG_1000")), 404, "aborted"),
    "302": (answers(Response(302, b"")), 400, "aborted"),
    "200 that refuses": (answers(told(None, result=False)), 400, "aborted"),
    "no answer": (raises(RetryableError("upsert person", "no answer")), 500, "retryable"),
    "a KeyError": (raises(KeyError("secret")), 500, "retryable"),
    "an untrusted host": (raises(CredentialsError("upsert person", "not trusted")), 500, "retryable"),
}


@pytest.mark.parametrize("message", [identify(), track()], ids=["identify", "track"])
@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_told_by_what_should_be_done(case: str, message: Data) -> None:
    send, status, kind = FAILURES[case]
    several = [METADATA, {**METADATA, "jobId": 2}]
    one, many = sent("v0", wire(message), send), sent("v1", wire(message, several), send)
    for answer in (one, many):
        assert answer["status"] == status
        assert answer["statTags"]["errorCategory"] == "network"
        assert answer["statTags"]["errorType"] == kind
        assert answer["statTags"]["destinationId"] == "d-1"
        assert "secret" not in json.dumps(answer)
    assert [each["metadata"]["jobId"] for each in many["response"]] == [1, 2]
    assert {each["error"] for each in many["response"]} == {many["message"]}
    assert set(one["destinationResponse"]) == {"response", "status"}


BROKEN: dict[str, tuple[Any, str]] = {
    "null": (None, "instrumentation"),
    "a list": ([], "instrumentation"),
    "nothing": ({}, "instrumentation"),
    "another path": (wire(endpoint="https://acme.gainsightcloud.com/v1/other"), "instrumentation"),
    "http": (wire(endpoint="http://acme.gainsightcloud.com/v1.0/api/people"), "instrumentation"),
    "another host": (wire(endpoint="https://127.0.0.1/v1.0/api/people"), "configuration"),
    "no key": (wire(headers={}), "configuration"),
    "two formats": (wire(body={"JSON": {"a": 1}, "XML": {"b": 1}}), "instrumentation"),
    "FORM": (wire(body={"FORM": {"a": 1}}), "instrumentation"),
}


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_body_is_not_sent(case: str, version: str) -> None:
    given, kind = BROKEN[case]
    answer = sent(version, given, never)
    assert (answer["status"], answer["statTags"]["errorType"]) == (400, kind)
    assert ACCESS_KEY not in json.dumps(answer)


@pytest.mark.parametrize("metadata", [None, "x", 1, [None, 1]])
def test_metadata_that_is_none_is_not_answered(metadata: Any) -> None:
    assert sent("v1", wire(metadata=metadata), lambda _: DELIVERED)["response"] == []
    assert sent("v0", wire(metadata=metadata), lambda _: DELIVERED)["status"] == 200


def test_v1_answers_one_object_of_metadata_too() -> None:
    assert len(sent("v1", wire(), lambda _: DELIVERED)["response"]) == 1


@pytest.mark.parametrize("version", ["", "v2", "V1", "0"])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="version must be one of v0, v1"):
        proxy(version, wire(), never)


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_may_be_its_number(version: int) -> None:
    assert proxy(version, wire(), answers(DELIVERED)) == proxy(f"v{version}", wire(), answers(DELIVERED))


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 408, 429, 500, 503])
def test_the_http_status_is_what_rudder_server_reads(status: int) -> None:
    answer = {"output": {"status": status}}
    assert http_status("v1", answer) == http_status(1, answer) == 200
    assert http_status("v0", answer) == {201: 200, 404: 400}.get(status, status)
    with pytest.raises(ValueError, match="version must be one of v0, v1"):
        http_status("v2", answer)


def test_a_route_that_gainsight_has_not_is_told_inside() -> None:
    answer = proxy("v1", wire(metadata=[METADATA]), answers(Response(404, b"{}")))
    assert http_status("v1", answer) == 200
    assert (answer["output"]["status"], answer["output"]["response"][0]["statusCode"]) == (404, 404)


def test_a_delivery_for_too_many_jobs_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(proxy.__globals__, "MOST_ITEMS", 2)
    answer = sent("v1", wire(metadata=[METADATA] * 3), never)
    assert (answer["status"], answer["statTags"]["errorCategory"], len(answer["response"])) == (500, "platform", 2)
    assert sent("v1", wire(metadata=[METADATA] * 2), answers(DELIVERED))["status"] == 200


def test_what_is_told_of_many_jobs_is_shorter_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(proxy.__globals__, "LONGEST_ANSWER", 100)
    answer = sent("v1", wire(metadata=[METADATA] * 10), answers(Response(503, b"")))
    assert {len(each["error"]) for each in answer["response"]} == {10}
    assert len(answer["message"]) > 10


def test_an_answer_that_repeats_the_key_is_told_without_it() -> None:
    for status in (200, 401):
        answer = told({"key": ACCESS_KEY}, status=status, result=status == 200)
        assert ACCESS_KEY not in json.dumps([sent(each, wire(), answers(answer)) for each in ("v0", "v1")])


def test_a_link_is_sent_as_it_is() -> None:
    send = Recorded(lambda _: DELIVERED)
    assert sent("v0", wire(group()), send)["status"] == 200
    assert send.sent[0]["body"] == {"Email": ADA, "companies": [{"Company_ID": "G-Acme"}]}


def test_a_fault_of_our_own_is_told_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any) -> Request:
        raise ValueError("secret")

    monkeypatch.setitem(proxy.__globals__, "from_wire", broken)
    with caplog.at_level(logging.DEBUG):
        answer = sent("v0", wire(), never)
    assert (answer["status"], answer["statTags"]["errorCategory"]) == (500, "platform")
    assert "secret" not in json.dumps(answer) + caplog.text
