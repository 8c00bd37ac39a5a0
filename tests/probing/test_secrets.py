"""What a probe writes down holds no key, no host, and nothing that an answer said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gainsight_dest import Request, Response
from gainsight_dest.probing import as_data
from gainsight_dest.sandbox import PlannedFault
from tests.probing.runs import EVENT, Clock, probed, sandbox
from tests.some import ACCESS_KEY, SHARED_SECRET
from tests.tenant_of_60_fields import CONFIG, PICKLISTS

#: Planted as keys and values of every answer, as codes, ids and headers.
PLANTED = ("MARKED-value-5c1e", "MARKEDvalue", "hunter2", "GSOBJ_HUNTER", "a.b@acme.example", "1P02MARKED")
THE_TENANTS = {CONFIG.domain, CONFIG.domain.partition(".")[0], ACCESS_KEY, SHARED_SECRET, CONFIG.topic_name or "?"}
LABELS = {label.strip("()") for labels in PICKLISTS.values() for label in labels if len(label) > 5}


def planted(value: Any) -> Any:
    """The value with secrets in all of its objects, and in place of all that is text."""
    if isinstance(value, dict):
        kept = {"result", "errorCode", "Gsid", "Name", "objectName", "fieldName", "dataType", "label", "value"}
        inner = {key: each if key in kept else planted(each) for key, each in value.items()}
        return {**inner, **{secret: {secret: secret} for secret in PLANTED}}
    if isinstance(value, list):
        return (
            [*map(planted, value), *PLANTED]
            if not all(isinstance(each, dict) for each in value)
            else [*map(planted, value)]
        )
    return PLANTED[0] if isinstance(value, str) else value


def told(send: Any, **settings: Any) -> str:
    return json.dumps(as_data(probed(send, **settings)), ensure_ascii=False)


def check(text: str) -> None:
    found = {secret for secret in {*PLANTED, *THE_TENANTS, *LABELS} if secret in text}
    assert found == set()


def test_secrets_in_all_answers_are_not_told() -> None:
    tenant = sandbox()

    def send(request: Request) -> Response:
        answer = tenant.handle(request)
        headers = {**answer.headers, **{f"x-{secret}": secret for secret in PLANTED}, "x-ratelimit-limit": PLANTED[0]}
        return Response(answer.status, json.dumps(planted(json.loads(answer.body))).encode(), headers)

    text = told(send, event=EVENT)
    check(text)
    assert '"answer": "finds all"' in text, "it was asked all the same"


@pytest.mark.parametrize("secret", PLANTED)
def test_secrets_in_all_errors_are_not_told(secret: str) -> None:
    tenant, count = sandbox(), [0]

    def send(request: Request) -> Response:
        count[0] += 1
        if count[0] < 6:
            return tenant.handle(request)
        envelope = {"result": False, "errorCode": secret, "errorDesc": secret, "requestId": secret, "message": secret}
        errors = [[{"errors": [{"fieldName": secret, "errorCode": secret, "invalidValue": secret}]}]]
        return Response(400, json.dumps({**envelope, "data": {"errors": errors}}).encode(), {"x-gs-request-id": secret})

    check(told(send, event=EVENT))


@pytest.mark.parametrize("error", [OSError(PLANTED[0]), ValueError(PLANTED[1]), RuntimeError(*PLANTED)])
def test_what_an_exception_says_is_not_told(error: Exception) -> None:
    def send(_: Request) -> Response:
        raise error

    check(told(send))


def test_nothing_of_the_tenants_is_told_of_a_probe_of_the_sandbox() -> None:
    clock = Clock()
    tenant = sandbox(calls_per_minute=100, clock=clock, faults=[PlannedFault("html", calls=(12,))])
    check(json.dumps(as_data(probed(tenant.handle, clock, event=EVENT, until_throttled=True)), ensure_ascii=False))
