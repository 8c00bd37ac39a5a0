"""Going through the steps of a check, whatever is answered."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import Request, Response, ResponseError, UnreachableError
from gainsight_dest.checking.check import check
from gainsight_dest.checking.result import Mark, status_of
from gainsight_dest.checking.steps import STEPS, Answered, CheckSubject, Host
from gainsight_dest.gainsight import CODES
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.tenant import Tenant
from gainsight_dest.testing.strategies import configs, tenants
from tests.some import SECRETS
from tests.tenant_of_60_fields import ANSWER, CONFIG

TENANT = Tenant.from_describe(ANSWER)
WRITTEN = {"domain": CONFIG.domain, "accessKey": CONFIG.access_key}

_scalars = st.one_of(st.none(), st.booleans(), st.integers(-2, 10**6), st.text(max_size=5))
_json = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner))
_envelopes: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "result": st.booleans(),
        "errorCode": st.sampled_from(sorted(CODES)) | _json,
        "errorDesc": st.sampled_from(["No data found", *SECRETS]),
        "requestId": st.just("6a1f0c1e") | _json,
        "data": st.just(ANSWER["data"]) | st.just({"records": []}) | _json,
    },
)
_bodies = (_envelopes | _json).map(json.dumps).map(str.encode) | st.binary(max_size=20)
_statuses = st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 503])
_answers = st.builds(Response, _statuses, _bodies) | st.just(None)


def answer_to(request: Request, response: Response | None) -> Answered:
    """What came of it; None: no answer."""
    try:
        if response is None:
            raise UnreachableError(request.action, "the connection failed (OSError)")
        request.next(response)
    except ResponseError as error:
        return Answered(response, error)
    return Answered(response)


@given(st.lists(_answers, min_size=1, max_size=9), st.booleans(), st.sampled_from([None, "Ticket Closure"]))
def test_whatever_is_answered_each_step_says_something_and_no_secret(
    answers: list[Response | None], is_known: bool, event: str | None
) -> None:
    asked: list[Host | Request] = []

    def ask(item: Host | Request) -> Answered | str | None:
        asked.append(item)
        if isinstance(item, Host):
            return None if is_known else "no host of that name is found"
        return answer_to(item, answers[len(asked) % len(answers)])

    results = [*check(CheckSubject(CONFIG, WRITTEN, test_event=event), ask)]
    assert {result.step for result in results} == {step.name for step in STEPS}
    assert status_of(results) in {0, 1, 2}
    assert not any(secret in str(results) for secret in SECRETS)
    assert len(asked) <= 7
    assert len([*filter(lambda item: asked.count(item) > 1, asked)]) == 0, "nothing is asked twice"
    if status_of(results) == 0:
        assert [result for result in results if result.mark is Mark.UNTRIED and result.step != "track"] == []


@given(tenants(), configs())
def test_against_a_sandbox_of_any_tenant_it_finds_what_the_tenants_file_gives(tenant: Tenant, config: Any) -> None:
    sandbox = Sandbox(config, tenant=tenant)

    def ask(item: Host | Request) -> Answered | None:
        return None if isinstance(item, Host) else answer_to(item, sandbox.handle(item))

    asked = [*check(CheckSubject(config, {"domain": config.domain}), ask)]
    given_file = [*check(CheckSubject(config, {"domain": config.domain}, tenant), ask)]
    assert status_of(asked) in {0, 1}
    fields = [[result for result in results if result.step == "fields"] for results in (asked, given_file)]
    assert fields[0] == fields[1]
    well = {result.subject for result in fields[0] if result.mark is Mark.OK}
    for of, rows in (("Person", config.person_map), ("Company", config.company_map)):
        for name in rows.values():
            own = tenant.objects[of].fields.get(name)
            assert (f"{of}.{name}" in well) == (own is not None and own.is_writable)


def test_a_connection_that_is_lost_after_a_page_is_told() -> None:
    def ask(item: Host | Request) -> Answered | None:
        if isinstance(item, Host):
            return None
        return answer_to(item, Response(404, b"<html>") if item.action == "list users" else None)

    (fault,) = [result for result in check(CheckSubject(CONFIG, WRITTEN), ask) if result.mark is Mark.FAULT]
    assert (fault.step, fault.found) == ("Gainsight", "the connection failed (OSError)")


def test_without_a_connection_each_later_step_says_that_it_was_not_tried() -> None:
    results = [*check(CheckSubject(CONFIG, WRITTEN), lambda _: "no host of that name is found")]
    untried = {result.step for result in results if result.mark is Mark.UNTRIED}
    assert untried == {"connection", "Gainsight", "key", "rights", "fields", "track"}
    assert {result.found for result in results if result.step in {"key", "fields"}} == {"the step host failed before"}
