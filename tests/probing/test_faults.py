"""Whatever fails, and whenever: the companies of a probe are deleted again, and no other is touched."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from gainsight_dest import Request, Response
from gainsight_dest.probing import FACTS, Probe, as_data
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.probing.runs import EVENT, THEIRS, Clock, names_in, probed, sandbox

#: The first shows most.
KINDS = (
    "dropped-after",
    "500",
    "500-after",
    "503",
    "429",
    "429-retry-after",
    "throttled-200",
    "html",
    "truncated",
    "result-false",
    "dropped-before",
)


@cache
def calls() -> int:
    """How many calls a probe takes when nothing fails."""
    return probed(sandbox().handle, event=EVENT).calls


def with_faults(*faults: PlannedFault) -> tuple[Probe, Sandbox]:
    tenant = sandbox(faults=faults)
    return probed(tenant.handle, event=EVENT), tenant


@pytest.mark.again
@pytest.mark.parametrize("kind", [*KINDS, "401"])
def test_one_fault_at_any_call_leaves_no_company(kind: str) -> None:
    left = {}
    for number in range(1, calls() + 1):
        probe, tenant = with_faults(PlannedFault(kind, calls=(number,)))
        if names_in(tenant) != [*THEIRS] or probe.left.companies:
            left[number] = (names_in(tenant), probe.left.companies, probe.ended)
    assert left == {}


@pytest.mark.again
@pytest.mark.parametrize("kind", KINDS)
def test_three_faults_in_a_row_from_any_call_on_leave_no_company(kind: str) -> None:
    left = {}
    for number in range(1, calls() + 1):
        probe, tenant = with_faults(PlannedFault(kind, calls=(number, number + 1, number + 2)))
        if names_in(tenant) != [*THEIRS] or probe.left.companies:
            left[number] = (names_in(tenant), probe.left.companies, probe.ended)
    assert left == {}


@pytest.mark.again
@pytest.mark.parametrize("kind", [*KINDS, "401"])
def test_a_tenant_that_answers_no_more_from_any_call_on_ends_the_probe_which_says_what_may_be_left(kind: str) -> None:
    for number in range(1, calls() + 1, 5):
        faults = PlannedFault(kind, calls=(*range(number, 1_000),))
        probe, tenant = with_faults(faults)
        there = {*names_in(tenant)} - {*THEIRS}
        assert there <= {*probe.left.companies}, number
        assert probe.is_complete == (probe.ended is None)
        assert {fact.name for fact in FACTS} <= probe.findings.keys()
        assert not any(finding.is_open for finding in probe.findings.values())


def test_one_fault_does_not_change_what_the_other_facts_say() -> None:
    whole = {name: found.answer for name, found in probed(sandbox().handle, event=EVENT).findings.items()}
    probe, _ = with_faults(PlannedFault("500", calls=(9,)))
    differing = {name for name, found in probe.findings.items() if found.answer != whole[name]}
    assert differing == set(), "a question is asked again"


def test_a_create_whose_answer_is_lost_is_not_repeated_and_what_it_made_is_found_and_looked_at() -> None:
    probe, tenant = with_faults(PlannedFault("dropped-after", action="create company", times=1))
    assert probe.findings["create-answer"].unanswered == "no answer"
    assert probe.findings["find-sees-create"].answer == "at once"
    assert probe.findings["company-null"].answer == "a find gives null"
    assert names_in(tenant) == [*THEIRS]


def test_a_wrong_key_is_found_before_anything_is_written() -> None:
    probe, tenant = with_faults(PlannedFault("401"))
    assert (probe.calls, names_in(tenant), tenant.people) == (1, [*THEIRS], [])
    assert "not authorized" in (probe.ended or "")


@pytest.mark.parametrize(
    "answer",
    [
        Response(302, b"", {"Location": "https://evil.example.com"}),
        Response(403, b"<html>firewall</html>"),
        Response(404, b'{"result": false, "errorCode": "GS_APIG_1000"}'),
        Response(200, b"<html>welcome</html>"),
        Response(200, b"[]"),
        Response(200, b'{"result": true, "data": {"records": [{"Name": "Acme", "Gsid": "1P02"}]}}'),
    ],
    ids=["redirect", "firewall", "no route", "page", "list", "a query that heeds no conditions"],
)
def test_who_does_not_answer_as_gainsight_does_is_not_written_to(answer: Response) -> None:
    asked = []

    def send(request: Request) -> Response:
        asked.append(request.action)
        return answer

    probe = probed(send)
    assert {*asked} == {"find company"}
    assert probe.ended
    assert not probe.has_written_companies


def test_a_query_that_gives_companies_of_others_deletes_none_of_them() -> None:
    tenant = sandbox()
    deleted = []

    def send(request: Request) -> Response:
        if request.method == "DELETE":
            deleted.append(request.path)
        answer = tenant.handle(request)
        if request.action != "find company" or not tenant.counts["create company"]:
            return answer
        return Response(200, json.dumps({"result": True, "data": {"records": tenant.companies}}).encode())

    probe = probed(send)
    assert names_in(tenant) == [*THEIRS]
    assert probe.findings["query-in"].answer == "finds others, too"
    assert len(deleted) == 3


@pytest.mark.parametrize("gsid", ["../../Person/1P02", "", "a?b", "1P02/", 7, None, ["1P02"], {"a": 1}, "x" * 100])
def test_a_gsid_that_is_none_goes_into_no_path(gsid: Any) -> None:
    tenant = sandbox()
    deleted = []

    def send(request: Request) -> Response:
        if request.method == "DELETE":
            deleted.append(request.path)
        answer = tenant.handle(request)
        body = json.loads(answer.body)
        data = body.get("data")
        if isinstance(data, dict) and data.get("records"):
            data["records"] = [{**record, "Gsid": gsid} for record in data["records"]]
        return Response(answer.status, json.dumps(body).encode(), answer.headers)

    probe = probed(send)
    assert deleted == []
    assert {*probe.left.companies} >= {*names_in(tenant)} - {*THEIRS}
    assert probe.left.companies
    assert probe.made == {}


def test_a_delete_that_is_refused_is_told_with_the_names_that_are_left() -> None:
    tenant = sandbox()

    def send(request: Request) -> Response:
        if request.method == "DELETE":
            return Response(403, b'{"result": false, "errorCode": "GS_APIG_2401", "requestId": "r"}')
        return tenant.handle(request)

    probe = probed(send)
    assert {*probe.left.companies} == {*names_in(tenant)} - {*THEIRS}
    assert probe.findings["delete"].unanswered == "refused: HTTP 403, GS_APIG_2401"
    assert as_data(probe)["left"]["companies"] == [*probe.left.companies]


def test_a_tenant_whose_calls_of_the_day_are_used_up_is_not_waited_for() -> None:
    clock = Clock()
    begun = clock.now
    tenant = sandbox(faults=[PlannedFault("429-retry-after", calls=(*range(8, 1_000),), seconds=3_600)])
    probe = probed(tenant.handle, clock)
    assert probe.ended == "Gainsight asks to wait for 3,600 seconds"
    assert {*probe.left.companies} == {*names_in(tenant)} - {*THEIRS}
    assert clock.now - begun < 3_600, "the companies are waited for, and not for ever"


def test_where_finds_are_refused_in_the_end_what_is_known_is_deleted_without_waiting() -> None:
    clock, tenant = Clock(), sandbox()
    begun = clock.now

    def send(request: Request) -> Response:
        if tenant.counts["delete company"] and request.action == "find company":
            return Response(400, b'{"result": false, "errorCode": "GSOBJ_1008"}')
        return tenant.handle(request)

    probe = probed(send, clock, gap=0.0)
    assert (names_in(tenant), probe.left.companies, clock.now - begun) == ([*THEIRS], (), 0)


def test_a_find_that_sees_a_create_only_after_a_while_is_waited_for() -> None:
    clock, tenant = Clock(), sandbox()
    made: list[float] = []

    def send(request: Request) -> Response:
        if request.action == "create company":
            made.append(clock.now)
        is_early = bool(made) and clock.now < made[-1] + 5
        if request.action == "find company" and is_early:
            return Response(200, b'{"result": true, "data": {"records": []}}')
        return tenant.handle(request)

    probe = probed(send, clock)
    assert probe.findings["find-sees-create"].answer == "after 7 s"
    assert names_in(tenant) == [*THEIRS]


ODD = [b"null", b"7", b'{"result": true, "data": {"records": [[1]]}}', b'{"data": [{"Gsid": {}, "Name": []}]}', b"\xff"]


@pytest.mark.again
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_at_any_call_ends_nothing_but_its_question(odd: bytes) -> None:
    left = {}
    for number in range(2, calls() + 1):
        tenant = sandbox()
        count = [0]

        def send(
            request: Request, number: int = number, tenant: Sandbox = tenant, count: list[int] = count
        ) -> Response:
            count[0] += 1
            answer = tenant.handle(request)
            return Response(200, odd) if count[0] == number else answer

        probe = probed(send)
        if names_in(tenant) != [*THEIRS] or probe.left.companies or probe.ended:
            left[number] = (names_in(tenant), probe.left.companies, probe.ended)
    assert left == {}
