"""How answers are read that differ from the sandbox's: what a tenant may answer instead, and the word for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import EventError, Request, Response
from gainsight_dest.probing import Probe, drive, probe_flow
from gainsight_dest.probing.probe import ProbeFinding
from gainsight_dest.tenant import Tenant
from tests.probing.runs import EVENT, MARK, TENANT, Clock, probe_of, sandbox

Other = Callable[[Request, Response], Response]


def name(number: int) -> str:
    return f"gainsight-dest-probe-{MARK}-{number}"


def answer(status: int = 200, **envelope: Any) -> Other:
    """Always this envelope."""
    body = {"result": status == 200, "errorCode": None, "requestId": "r", "data": None, **envelope}
    return lambda _request, _answer: Response(status, json.dumps(body).encode())


def raw(body: bytes, status: int = 200) -> Other:
    return lambda _request, _answer: Response(status, body)


def with_data(change: Callable[[Any], Any], action: str = "") -> Other:
    """The sandbox's answer with other data, where the action is that one."""

    def other(request: Request, given: Response) -> Response:
        if action and request.action != action:
            return given
        envelope = json.loads(given.body)
        return Response(given.status, json.dumps({**envelope, "data": change(envelope["data"])}).encode())

    return other


def of_records(change: Callable[[dict[str, Any]], Any], action: str = "") -> Other:
    """The same with other records; those that become None are left out."""
    return with_data(
        lambda data: {"records": [made for each in data["records"] if (made := change(each)) is not None]}, action
    )


def refused(code: str = "GSOBJ_1008", action: str = "") -> Other:
    refusal = answer(400, errorCode=code)
    return lambda request, given: refusal(request, given) if action in {"", request.action} else given


def without(*actions: str) -> Other:
    """No answer to these."""

    def other(request: Request, given: Response) -> Response:
        if request.action in actions:
            raise ConnectionError
        return given

    return other


def finding(fact: str, other: Other, tenant: Tenant | None = TENANT, **settings: Any) -> tuple[ProbeFinding, Probe]:
    """What came of the fact, of which the calls are answered otherwise, and the probe."""
    at, clock, made = sandbox(tenant=tenant), Clock(), probe_of(event=EVENT, **settings)

    def send(request: Request) -> Response:
        is_meant = [*made.findings][-1] == fact
        return other(request, at.handle(request)) if is_meant else at.handle(request)

    drive(made, probe_flow(made), send, clock, clock.sleep)
    return made.findings[fact], made


OLD = {"Gsid": "1P02OLD", "Name": name(1)}
ODD_OPTION = "Rosebud"

#: The fact, what is answered instead, the word for it.
ANSWERS: list[tuple[str, Other, str]] = [
    ("query-nothing", answer(data=[]), "an empty list in data"),
    ("query-nothing", answer(400, errorCode="GSOBJ_1011"), "refused: HTTP 400, GSOBJ_1011"),
    ("query-nothing", answer(200, result=False, errorDesc="No data found"), "refused: HTTP 200"),
    ("list-users", answer(403, errorCode="GS_APIG_2403"), "refused: HTTP 403, GS_APIG_2403"),
    ("query-people", answer(404, errorCode="GS_APIG_1000"), "refused: HTTP 404, GS_APIG_1000"),
    ("query-people", answer(data={}), "no list"),
    ("query-people", answer(data=[]), "a list in data"),
    ("describe-many", refused("GSOBJ_1023"), "refused: HTTP 400, GSOBJ_1023"),
    ("describe-many", answer(data=7), "cannot be read"),
    ("describe-many", with_data(lambda data: data[:1]), "Person can be read"),
    ("describe-many", with_data(lambda data: [{**data[0], "objectName": "Case"}]), "no object"),
    ("describe-one", refused("GSOBJ_1023"), "refused: HTTP 400, GSOBJ_1023"),
    ("describe-one", answer(data=7), "cannot be read"),
    ("describe-one", with_data(lambda data: [{**data[0], "objectName": "Case"}]), "no object"),
    ("create-answer", with_data(lambda data: data["records"]), "Gsids in data"),
    ("create-answer", of_records(lambda each: {**each, "Gsid": None}), "no Gsids"),
    ("create-answer", answer(data={"count": 2}), "no Gsids"),
    (
        "create-answer",
        of_records(lambda each: each if each["Name"] == name(1) else None),
        "Gsids in data.records, not as many as sent",
    ),
    ("create-answer", refused(), "refused: HTTP 400, GSOBJ_1008"),
    ("find-sees-create", of_records(lambda _: None), "not yet"),
    ("query-or", answer(), "both, in data.records"),
    ("query-in", refused(), "refused: HTTP 400, GSOBJ_1008"),
    ("query-in", of_records(lambda _: None), "finds none"),
    ("query-in", of_records(lambda each: each if each["Name"] == name(1) else None), "finds some"),
    ("query-in", answer(data={"records": [{"Name": "Acme"}]}), "finds others, too"),
    ("query-case", answer(data={"records": [OLD]}), "finds all"),
    ("update-answer", answer(data={"count": 1}), "no Gsids"),
    ("company-null", refused("GSOBJ_1007"), "refused: HTTP 400, GSOBJ_1007"),
    (
        "company-null",
        of_records(lambda each: {**each, "TickerSymbol": "probe"}, "find company"),
        "a find gives what was there before",
    ),
    (
        "company-null",
        of_records(lambda each: {k: v for k, v in each.items() if k != "TickerSymbol"}, "find company"),
        "a find leaves it out",
    ),
    (
        "company-null",
        of_records(lambda each: {**each, "TickerSymbol": [ODD_OPTION]}, "find company"),
        "a find gives no text",
    ),
    (
        "company-blank",
        of_records(lambda each: {**each, "TickerSymbol": ODD_OPTION}, "find company"),
        "a find gives another text",
    ),
    ("company-unknown-field", answer(), "taken"),
    ("company-bad-date", answer(), "taken"),
    (
        "company-bad-date",
        answer(
            400,
            errorCode="GSOBJ_1008",
            data={"errors": [[{"errors": [{"fieldName": "X", "errorCode": "GSOBJ_1006"}]}]]},
        ),
        "refused: HTTP 400, GSOBJ_1008, the field's GSOBJ_1006",
    ),
    ("batch-atomic", answer(data={"records": [{"Name": name(3), "Gsid": "1P02GOOD"}]}), "the good record is written"),
    ("picklist-label", refused("GSOBJ_1012"), "refused: HTTP 400, GSOBJ_1012"),
    (
        "picklist-id",
        of_records(lambda each: {"Gsid": each["Gsid"], "Name": each["Name"]}, "find company"),
        "taken, and not kept",
    ),
    (
        "picklist-id",
        of_records(lambda each: {key: each[key] if key in OLD else ODD_OPTION for key in each}, "find company"),
        "taken, a find gives something else",
    ),
    ("same-name", refused("GSOBJ_1008"), "refused: HTTP 400, GSOBJ_1008"),
    ("people-path", answer(404, errorCode="GS_APIG_1000"), "neither, refused: HTTP 404, GS_APIG_1000"),
    (
        "people-path",
        lambda request, given: (
            given if "peoplemgmt" in request.path else answer(404, errorCode="GS_APIG_1000")(request, given)
        ),
        "only /v1/peoplemgmt/v1.0/people",
    ),
    ("person-null", refused("GSOBJ_1007", "upsert person"), "refused: HTTP 400, GSOBJ_1007"),
    ("person-unknown-field", answer(), "taken"),
    ("person-link", refused("GSOBJ_VDTGSID1001"), "refused: HTTP 400, GSOBJ_VDTGSID1001"),
    ("event-answer", raw(b""), "no body"),
    ("event-answer", raw(b"[]"), "JSON, no envelope"),
    ("event-answer", answer(data=[{"id": 1}, {"gsid": "1E"}]), "an envelope with a Gsid"),
    ("event-answer", refused(), "refused: HTTP 400, GSOBJ_1008"),
    ("event-answer", refused("Rosebud"), "refused: HTTP 400"),
]


@pytest.mark.parametrize(("fact", "other", "word"), ANSWERS, ids=lambda value: value if isinstance(value, str) else "")
def test_an_answer_has_a_word(fact: str, other: Other, word: str) -> None:
    found, probe = finding(fact, other)
    assert (found.answer, found.unanswered, found.unasked) == (word, None, None)
    assert ODD_OPTION not in word
    assert probe.is_complete


#: The fact, what is answered instead, why there is no answer.
UNANSWERED: list[tuple[str, Other, str]] = [
    ("list-users", without("list users"), "no answer"),
    ("company-null", refused(action="find company"), "refused: HTTP 400, GSOBJ_1008"),
    ("company-null", of_records(lambda _: None, "find company"), "the company was not found again"),
    ("batch-atomic", refused(), "refused: HTTP 400, GSOBJ_1008"),
    ("query-in", answer(429, errorCode="GU_2400"), "HTTP 429, GU_2400"),
    ("person-null", answer(data={"records": []}), "the person was not found again"),
    ("person-null", refused(action="find person"), "refused: HTTP 400, GSOBJ_1008"),
    ("query-in", answer(data={"records": [{"Name": [], "Gsid": {}}], "count": {}}), ""),
]


@pytest.mark.parametrize(
    ("fact", "other", "why"), UNANSWERED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_answers_nothing_is_told_so(fact: str, other: Other, why: str) -> None:
    found, probe = finding(fact, other)
    assert (found.unanswered or "") == why
    assert probe.is_complete


def test_what_breaks_the_reading_is_told_and_the_rest_goes_on() -> None:
    found, probe = finding("same-name", with_data(lambda data: {"records": [{**data["records"][0], "Gsid": {}}]}))
    assert found.unanswered == "the answer cannot be read"
    assert probe.findings["people-path"].answer == "both"


def unasked(*changed: tuple[str, Other]) -> dict[str, str]:
    """The facts that are not asked where others are answered otherwise."""
    at, clock, made = sandbox(), Clock(), probe_of(event=EVENT)
    others = dict(changed)

    def send(request: Request) -> Response:
        other = others.get([*made.findings][-1])
        return at.handle(request) if other is None else other(request, at.handle(request))

    drive(made, probe_flow(made), send, clock, clock.sleep)
    return {fact: found.unasked for fact, found in made.findings.items() if found.unasked is not None}


def test_where_no_company_is_made_nothing_is_asked_of_companies() -> None:
    nothing = answer(400, errorCode="GSOBJ_1008")
    found = unasked(("create-answer", nothing), ("find-sees-create", answer(data={"records": []})))
    reason = "the company that it would look at could not be made"
    assert {fact for fact, why in found.items() if why == reason} >= {
        "query-in",
        "company-null",
        "same-name",
        "person-link",
    }


def test_where_the_bad_record_is_taken_the_batch_tells_no_more() -> None:
    found = unasked(("company-bad-date", answer()))
    assert found["batch-atomic"] == found["batch-row"] == "the bad record was taken"


def test_where_the_batch_is_not_answered_nothing_is_read_of_it() -> None:
    assert unasked(("company-bad-date", without("create company")))["batch-row"] == "the batch was not answered"


def test_where_no_path_takes_people_nothing_is_asked_of_them() -> None:
    found = unasked(("people-path", answer(404, errorCode="GS_APIG_1000")))
    assert found["people-answer"] == found["person-link"] == "no path takes people"


def test_where_people_cannot_be_queried_nothing_is_cleared_of_them() -> None:
    assert unasked(("query-people", refused()))["person-null"] == "people cannot be queried"


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        ([[{"errors": [{"invalidValue": name(4)}]}]], "by the record"),
        ([{"success": True}, {"success": False}], "by its place"),
        ([[{"success": False}]], "not told"),
        (None, "not told"),
    ],
)
def test_which_record_of_a_batch_is_bad_is_read_of_its_refusal(errors: Any, word: str) -> None:
    _, probe = finding("company-bad-date", answer(400, errorCode="GSOBJ_1006", data={"errors": errors}))
    assert probe.findings["batch-row"].answer == word


def test_a_lookup_may_be_resolved_or_not() -> None:
    gsids: list[str] = []

    def other(request: Request, given: Response) -> Response:
        records = json.loads(given.body)["data"].get("records") or []
        if request.action != "find company":
            return answer()(request, given)
        return answer(data={"records": [{**each, "ParentCompany": gsids[0] if gsids else None} for each in records]})(
            request, given
        )

    assert finding("company-lookup", other)[0].answer == "taken, and not resolved"
    gsids.append(next(gsid for gsid, each in finding("query-in", without())[1].made.items() if each == name(1)))
    assert finding("company-lookup", other)[0].answer == "resolved"


def test_a_picklist_may_be_absent() -> None:
    company = TENANT.objects["Company"]
    fields = [field for field in company.fields.values() if field.type != "PICKLIST"]
    found, _ = finding(
        "picklist-id", without(), Tenant([type(company)("Company", "", fields), TENANT.objects["Person"]])
    )
    assert found.unasked == "no picklist of companies with options is known"


def test_calls_without_an_answer_provoke_no_429() -> None:
    found, _ = finding("throttled", without("find company"), until_throttled=True)
    assert found.unanswered == "no answer"


def test_a_tenant_without_limits_is_not_called_for_ever() -> None:
    found, probe = finding("throttled", without(), until_throttled=True)
    assert found.answer == "not within 500 calls"
    assert len(found.exchanges) == 20
    assert probe.findings["throttled-headers"].unasked == "no 429 was provoked"


@pytest.mark.parametrize(
    ("error", "word"),
    [(ValueError(), "no answer"), (EventError("the event", "holds a number"), "it could not be sent")],
)
def test_an_event_that_cannot_be_sent_ends_only_its_question(error: Exception, word: str) -> None:
    def other(_: Request, __: Response) -> Response:
        raise error

    found, probe = finding("event-answer", other)
    assert found.unanswered == word
    assert probe.is_complete


def test_a_refusal_that_is_no_json_tells_nothing_of_the_batch() -> None:
    _, probe = finding("company-bad-date", raw(b"<html>", 400))
    assert probe.findings["company-bad-date"].answer == "refused: HTTP 400"
    assert probe.findings["batch-row"].answer == "not told"
