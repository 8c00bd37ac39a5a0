"""A tenant answers as Gainsight does: routes, keys, limits, envelopes, and what is written when."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, Request, Response, descriptors, errors, transform
from gainsight_dest.fields import Datatype
from gainsight_dest.gainsight import CODES
from gainsight_dest.sandbox import Content, DroppedConnectionError, PlannedFault, Sandbox
from gainsight_dest.sandbox.tenant import CALLS_KEPT, ROWS_PER_QUERY
from tests import some, strategies
from tests.some import ACCESS_KEY, FREE, SHARED_SECRET

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "nick": "FirstName"},
    company_map={"plan": "Plan__gc"},
    event_name_map={"Ticket Closure": "closed", "Login": "login"},
    event_version_map={"Ticket Closure": "1.0.0", "Login": "2"},
)
ADA = {"Email": some.ADA}
HOST = "https://acme.gainsightcloud.com"
PEOPLE = ("PUT", f"{HOST}/v1.0/api/people")
QUERY = ("POST", f"{HOST}/v1/data/objects/query/Company")
INSERT = ("POST", f"{HOST}/v1/data/objects/Company")
UPDATE = ("PUT", f"{HOST}/v1/data/objects/Company?keys=Name")
EVENTS = ("POST", f"{HOST}/v1.0/api/eventManager/event")
ROUTES = [PEOPLE, QUERY, INSERT, UPDATE, EVENTS]
KEY = {"Accesskey": ACCESS_KEY}
EVENT_HEADERS = {
    "sharedSecret": SHARED_SECRET,
    "tenantId": "tenant",
    "topicName": "Tickets",
    "eventName": "closed",
    "eventVersion": "1.0.0",
}
ALL_HEADERS = {**KEY, **EVENT_HEADERS}


def sandbox(config: DestinationConfig | None = CONFIG, **settings: Any) -> Sandbox:
    return Sandbox(config, clock=lambda: 0.0, **{**FREE, **settings})


def call(
    tenant: Sandbox, route: tuple[str, str], body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """The status and the envelope of an answer."""
    answer = tenant.receive(*route, ALL_HEADERS if headers is None else headers, body)
    assert answer.response is not None
    envelope: dict[str, Any] = json.loads(answer.response.body)
    return answer.response.status, envelope


def refusal(tenant: Sandbox, route: tuple[str, str], body: Any, headers: dict[str, str] | None = None) -> Any:
    """The status and the code of a call that is refused, and writes nothing."""
    before = tenant.as_data()
    status, envelope = call(tenant, route, body, headers)
    assert (envelope["result"], tenant.as_data()) == (False, before)
    return status, envelope["errorCode"]


def written(tenant: Sandbox, *records: dict[str, Any], route: tuple[str, str] = INSERT) -> list[dict[str, Any]]:
    status, envelope = call(tenant, route, {"records": [*records]})
    assert (status, envelope["result"]) == (200, True)
    saved: list[dict[str, Any]] = envelope["data"]["records"]
    return saved


# --- people -----------------------------------------------------------------------------------------------------------


def test_a_person_is_upserted_by_email() -> None:
    tenant = sandbox()
    for person in ({**ADA, "Name": "Ada", "Plan__gc": "gold"}, {**ADA, "Name": "Ada L"}, {"Email": "g@example.org"}):
        status, envelope = call(tenant, PEOPLE, person)
        assert (status, envelope["result"], envelope["errorCode"]) == (200, True, None)
    assert tenant.people == [
        {**ADA, "Name": "Ada L", "Plan__gc": "gold", "companies": []},
        {"Email": "g@example.org", "companies": []},
    ]


def test_links_to_companies_are_united() -> None:
    tenant = sandbox()
    gsids = [company["Gsid"] for company in written(tenant, {"Name": "Acme"}, {"Name": "Bolt"})]
    for gsid in (gsids[0], gsids[1], gsids[0]):
        assert call(tenant, PEOPLE, {**ADA, "companies": [{"Company_ID": gsid}]})[0] == 200
    assert tenant.people == [{**ADA, "companies": [{"Company_ID": gsid} for gsid in gsids]}]


@pytest.mark.parametrize(
    "companies",
    [
        [{"Company_ID": "1P02UNKNOWN"}],
        [{"Company_ID": "1P02SANDBOX000000000001"}],
        [{"Company_ID": None}],
        [{"Company_ID": ["1P02SANDBOX000000000000"]}],
        [{"Company_ID": "1P02SANDBOX000000000000"}, {"Company_ID": ""}],
        [{}],
        ["1P02SANDBOX000000000000"],
        [7],
        {},
        {"Company_ID": "1P02SANDBOX000000000000"},
        "",
        None,
        7,
    ],
)
def test_a_link_to_no_company_is_refused_and_the_person_is_not_written(companies: Any) -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    assert refusal(tenant, PEOPLE, {**ADA, "companies": companies}) == (400, "GSOBJ_VDTGSID1001")


@pytest.mark.parametrize(
    ("person", "code"),
    [
        ({}, "GSOBJ_VCRUDR1001"),
        ({"Name": "Ada"}, "GSOBJ_VDTEMAIL1001"),
        ({"Email": None, "Name": "Ada"}, "GSOBJ_VDTEMAIL1001"),
        ({"Email": "ada"}, "GSOBJ_VDTEMAIL1001"),
        ({**ADA, "EmailOptOut": "perhaps"}, "GSOBJ_VDTBOOL1001"),
        ({**ADA, "MasterAvatarTypeCode": "x"}, "GSOBJ_VDTNUM1001"),
        ({**ADA, "Name": ["Ada"]}, "GSOBJ_VDTBSTR1001"),
        ({**ADA, "LinkedinUrl": "ada"}, "GSOBJ_VDTURL1001"),
        ({**ADA, "Born__gc": "soon"}, "GSOBJ_VDTDATIME1001"),
        ({**ADA, "Plan__gc": "x" * 501}, "GSOBJ_VDTBSTR1001"),
        ({**ADA, "Other__gc": 1}, "GSOBJ_VCRUDR1002"),
        ({**ADA, "Gsid": "1P02"}, "GSOBJ_VCRUDR1002"),
        ([ADA], "GSOBJ_1008"),
        (None, "GSOBJ_1008"),
        ("Ada", "GSOBJ_1008"),
    ],
)
def test_a_person_that_is_wrong_is_refused_with_the_peoples_codes(person: Any, code: str) -> None:
    tenant = sandbox(custom_fields={"Person": {"Born__gc": Datatype.DATE}})
    assert refusal(tenant, PEOPLE, person) == (400, code)


def test_every_wrong_field_of_a_person_is_told_to_the_library() -> None:
    person = descriptors.UpsertPerson(CONFIG, person={**ADA, "EmailOptOut": "perhaps", "Other__gc": 1})
    with pytest.raises(errors.RejectedError) as error:
        person.next(sandbox().handle(person))
    assert error.value.field_errors == (
        errors.FieldError("EmailOptOut", "GSOBJ_VDTBOOL1001", "perhaps"),
        errors.FieldError("Other__gc", "GSOBJ_VCRUDR1002", 1),
    )


def test_null_clears_a_field() -> None:
    tenant = sandbox()
    for person in ({**ADA, "Name": "Ada"}, {**ADA, "Name": None}):
        call(tenant, PEOPLE, person)
    assert tenant.people == [{**ADA, "Name": None, "companies": []}]
    for route, arr in ((INSERT, 7), (UPDATE, None)):
        written(tenant, {"Name": "Acme", "Arr": arr}, route=route)
    assert [company["Arr"] for company in tenant.companies] == [None]


@pytest.mark.parametrize(
    ("config", "custom_fields", "known"),
    [
        (None, None, {"Plan__gc", "Other__gc", "Born__gc"}),
        (CONFIG, None, {"Plan__gc"}),
        (CONFIG, {"Person": {"Born__gc": Datatype.DATE}}, {"Plan__gc", "Born__gc"}),
        (CONFIG, {"Company": {"Born__gc": Datatype.DATE}}, {"Plan__gc"}),
        (None, {"Person": {"Born__gc": Datatype.DATE}}, {"Born__gc"}),
        (None, {"Person": {}}, set()),
    ],
)
def test_custom_fields_are_those_that_are_declared_or_mapped_onto_and_without_both_any(
    config: DestinationConfig | None, custom_fields: Any, known: set[str]
) -> None:
    for name in ("Plan__gc", "Other__gc", "Born__gc"):
        status, _ = call(sandbox(config, custom_fields=custom_fields), PEOPLE, {**ADA, name: "2026-03-02"})
        assert (status == 200) is (name in known)


# --- companies --------------------------------------------------------------------------------------------------------


def test_a_company_is_inserted_and_the_answer_holds_it_with_a_gsid() -> None:
    tenant = sandbox()
    status, envelope = call(tenant, INSERT, {"records": [{"Name": "Acme", "Arr": 7}, {"Name": "Bolt"}]})
    data = envelope.pop("data")
    assert (status, uuid.UUID(envelope.pop("requestId")).version) == (200, 5)
    assert envelope == {"result": True, "errorCode": None, "errorDesc": None, "message": None}
    assert data == {"count": 2, "errors": None, "records": tenant.companies}
    assert [company["Name"] for company in tenant.companies] == ["Acme", "Bolt"]
    assert len({company["Gsid"] for company in tenant.companies}) == 2


def test_an_insert_of_a_name_that_is_there_makes_a_second_company() -> None:
    tenant = sandbox()
    first, second = written(tenant, {"Name": "Acme"}) + written(tenant, {"Name": "Acme"})
    assert tenant.companies == [first, second]
    assert first["Gsid"] != second["Gsid"]


def test_an_update_changes_every_company_of_that_name_and_keeps_the_rest() -> None:
    tenant = sandbox()
    first, second, other = written(tenant, *({"Name": name, "Arr": 1} for name in ("Acme", "Acme", "Bolt")))
    change = {"Name": "Acme", "Industry": "Tools"}
    assert written(tenant, change, route=UPDATE) == [{**first, **change}]
    assert tenant.companies == [{**first, **change}, {**second, **change}, other]


def test_an_update_of_one_company_that_is_not_there_updates_none() -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    body = {"records": [{"Name": "Acme", "Arr": 7}, {"Name": "Bolt"}]}
    assert refusal(tenant, UPDATE, body) == (400, "GSOBJ_1011")


@pytest.mark.parametrize("query", ["", "?keys=Gsid", "?keys=", "?keys=Name&keys=Gsid", "?keys=Name,Gsid"])
def test_an_update_names_the_field_that_finds_the_records(query: str) -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    route = ("PUT", f"{INSERT[1]}{query}")
    assert refusal(tenant, route, {"records": [{"Name": "Acme", "Arr": 7}]}) == (400, "GSOBJ_1008")


@pytest.mark.parametrize("route", [INSERT, UPDATE])
def test_a_write_takes_fifty_records_and_not_one_more(route: tuple[str, str]) -> None:
    tenant = sandbox()
    records = [{"Name": f"Company {index}"} for index in range(51)]
    for record in records:
        written(tenant, record)
    assert refusal(tenant, route, {"records": records}) == (400, "GSOBJ_1008")
    assert [saved["Name"] for saved in written(tenant, *records[:50], route=route)] == [r["Name"] for r in records[:50]]


@pytest.mark.parametrize("route", [INSERT, UPDATE])
@pytest.mark.parametrize("place", [0, 25, 49])
def test_a_batch_with_one_bad_record_writes_nothing_and_does_not_say_which(route: tuple[str, str], place: int) -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    records: list[dict[str, Any]] = [{"Name": "Acme", "Arr": index} for index in range(50)]
    records[place]["OriginalContractDate"] = 210318
    assert refusal(tenant, route, {"records": records}) == (400, "GSOBJ_1006")
    _, envelope = call(tenant, route, {"records": records})
    refused = {
        "errorMessage": "Invalid dateTime format",
        "errorCode": "GSOBJ_1006",
        "fieldName": "OriginalContractDate",
        "invalidValue": 210318,
    }
    assert envelope["data"] == {
        "count": 0,
        "errors": [[{"success": False, "parsedValue": 210318, "errors": [refused]}]],
        "records": None,
    }
    assert envelope["errorDesc"] == "Invalid dateTime format: 210318"


@pytest.mark.parametrize("save", [descriptors.CreateCompany, descriptors.UpdateCompany])
def test_a_refused_company_is_an_error_that_names_field_and_code(
    save: type[descriptors.CreateCompany | descriptors.UpdateCompany],
) -> None:
    company = {"Name": "Acme", "RenewalDate": 210318, "Planet": "x"}
    request = save(CONFIG, company=company, email=some.ADA)
    with pytest.raises(errors.RejectedError) as error:
        request.next(sandbox().handle(request))
    assert (error.value.status, error.value.code) == (400, "GSOBJ_1006")
    assert error.value.field_errors == (
        errors.FieldError("RenewalDate", "GSOBJ_1006", 210318),
        errors.FieldError("Planet", "GSOBJ_1002", "x"),
    )
    assert "210318" not in str(error.value)


@pytest.mark.parametrize("route", [INSERT, UPDATE])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "GSOBJ_1008"),
        ([], "GSOBJ_1008"),
        ({}, "GSOBJ_1008"),
        ({"records": None}, "GSOBJ_1008"),
        ({"records": []}, "GSOBJ_1008"),
        ({"records": {"Name": "Acme"}}, "GSOBJ_1008"),
        ({"records": ["Acme"]}, "GSOBJ_1008"),
        ({"records": [{"Name": "Acme"}, None]}, "GSOBJ_1008"),
        ({"records": [{}]}, "GSOBJ_1007"),
        ({"records": [{"Name": None}]}, "GSOBJ_1007"),
        ({"records": [{"Name": "Acme", "Arr": "many"}]}, "GSOBJ_1002"),
        ({"records": [{"Name": "Acme", "Since__gc": "soon"}]}, "GSOBJ_1005"),
        ({"records": [{"Name": "Acme", "Plan__gc": "x" * 501}]}, "GSOBJ_1001"),
        ({"records": [{"Name": "Acme", "Other__gc": 1}]}, "GSOBJ_1002"),
        ({"records": [{"Name": "Acme", "Gsid": "1P02"}]}, "GSOBJ_1008"),
    ],
)
def test_a_company_write_that_is_wrong_is_refused(route: tuple[str, str], body: Any, code: str) -> None:
    tenant = sandbox(custom_fields={"Company": {"Since__gc": Datatype.DATETIME}})
    written(tenant, {"Name": "Acme"})
    assert refusal(tenant, route, body) == (400, code)


# --- queries ----------------------------------------------------------------------------------------------------------


def rows(tenant: Sandbox, **query: Any) -> list[dict[str, Any]]:
    status, envelope = call(tenant, QUERY, {"select": ["Name"], **query})
    assert (status, envelope["result"]) == (200, True)
    records: list[dict[str, Any]] = envelope["data"]["records"]
    return records


def test_a_query_answers_with_the_fields_that_are_selected_and_there() -> None:
    tenant = sandbox()
    (acme,) = written(tenant, {"Name": "Acme", "Arr": 7})
    assert rows(tenant, select=["Gsid", "Arr", "Industry"]) == [{"Gsid": acme["Gsid"], "Arr": 7}]
    assert rows(tenant, select=[]) == [{}]


def test_a_query_that_finds_nothing_answers_with_an_empty_list() -> None:
    request = descriptors.FindCompany(CONFIG, company={"Name": "Acme"}, email=some.ADA)
    assert json.loads(sandbox().handle(request).body)["data"] == {"records": []}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 0}, []),
        ({"offset": 3}, [3]),
        ({"offset": 1, "limit": 2}, [1, 2]),
        ({"offset": 4}, []),
        ({"offset": 10**30, "limit": 10**30}, []),
        ({"limit": 99}, [0, 1, 2, 3]),
    ],
)
def test_a_query_is_cut_by_offset_and_limit(limits: dict[str, Any], expected: list[int]) -> None:
    tenant = sandbox()
    written(tenant, *({"Name": "Acme", "Arr": index} for index in range(4)))
    assert [row["Arr"] for row in rows(tenant, select=["Arr"], **limits)] == expected


def test_a_query_answers_with_5000_rows_at_most() -> None:
    companies = [{"Gsid": f"1P02{index}", "Name": "Acme", "Arr": index} for index in range(5002)]
    tenant = sandbox(content=Content(companies=companies))
    assert ROWS_PER_QUERY == 5000
    assert len(rows(tenant)) == len(rows(tenant, limit=5001)) == 5000
    assert [row["Arr"] for row in rows(tenant, select=["Arr"], offset=5000)] == [5000, 5001]


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        {},
        {"select": None},
        {"select": "Name"},
        {"select": {"Name": 1}},
        {"select": [["Name"]]},
        {"select": [None]},
        {"select": ["Name"], "limit": -1},
        {"select": ["Name"], "offset": -1},
        {"select": ["Name"], "limit": "5"},
        {"select": ["Name"], "limit": None},
        {"select": ["Name"], "offset": 1.5},
        {"select": ["Name"], "offset": True},
        {"select": ["Name"], "where": "Name"},
        {"select": ["Name"], "where": {"conditions": [{"alias": "A"}]}},
        {"select": ["Name"], "where": {"conditions": [], "expression": "A"}},
        '{"select": ["Name"], "offset": 1e999}',
        '{"select": ["Name"], "limit": NaN}',
    ],
)
def test_a_malformed_query_is_refused(query: Any) -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    assert refusal(tenant, QUERY, query) == (400, "GSOBJ_1008")


@pytest.mark.parametrize("operator", ["AND", "OR"])
def test_an_expression_may_be_nested_as_deep_as_it_can_be_read(operator: str) -> None:
    tenant = sandbox()
    written(tenant, {"Name": "Acme"})
    condition = {"name": "Name", "alias": "A", "value": ["Acme"], "operator": "EQ"}
    for depth, result in ((150, True), (1500, False)):
        expression = f"A {operator} (" * depth + "A" + ")" * depth
        body = {"select": ["Name"], "where": {"conditions": [condition], "expression": expression}}
        assert call(tenant, QUERY, body)[1]["result"] is result


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_is_kept_with_its_name_version_topic_and_properties() -> None:
    tenant = sandbox()
    assert call(tenant, EVENTS, {"ticket": 7}, EVENT_HEADERS)[0] == 200
    assert tenant.events == [{"name": "closed", "version": "1.0.0", "topic": "Tickets", "properties": {"ticket": 7}}]


@pytest.mark.parametrize("contract_id", [None, "", "C-7"])
def test_an_event_keeps_the_contract_id_that_it_comes_with(contract_id: str | None) -> None:
    tenant = sandbox()
    headers = EVENT_HEADERS if contract_id is None else {**EVENT_HEADERS, "contractId": contract_id}
    call(tenant, EVENTS, {}, headers)
    assert tenant.events[0].get("contract_id") == contract_id


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"sharedSecret": "wrong"}, 401, "GS_APIG_2401"),
        ({"tenantId": "another"}, 401, "GS_APIG_2401"),
        ({"topicName": "Chats"}, 400, "GSOBJ_1008"),
        ({"eventName": "opened"}, 400, "GSOBJ_1008"),
        ({"eventVersion": "2"}, 400, "GSOBJ_1008"),
        *(({name: ""}, 400, "GSOBJ_1024") for name in EVENT_HEADERS),
        *(({name: None}, 400, "GSOBJ_1024") for name in EVENT_HEADERS),
    ],
)
def test_an_event_with_a_header_wrong_or_missing_is_refused(
    change: dict[str, str | None], status: int, code: str
) -> None:
    headers = {name: value for name, value in {**EVENT_HEADERS, **change}.items() if value is not None}
    assert refusal(sandbox(), EVENTS, {}, headers) == (status, code)


@pytest.mark.parametrize("body", [None, [], "x", 7, b"\xff"])
def test_an_event_is_a_json_object(body: Any) -> None:
    assert refusal(sandbox(), EVENTS, body) == (400, "GSOBJ_1008")


def test_a_tenant_without_a_config_takes_any_event_of_any_topic() -> None:
    tenant = sandbox(None)
    headers = dict.fromkeys(EVENT_HEADERS, "x")
    assert call(tenant, EVENTS, {}, headers)[0] == 200
    assert tenant.events == [{"name": "x", "version": "x", "topic": "x", "properties": {}}]
    assert refusal(tenant, EVENTS, {}, {**headers, "topicName": ""}) == (400, "GSOBJ_1024")


def test_a_tenant_whose_config_lacks_what_events_need_takes_none() -> None:
    config = DestinationConfig(domain="acme.gainsightcloud.com", access_key="key")
    assert refusal(sandbox(config), EVENTS, {}) == (401, "GS_APIG_2401")


# --- keys and routes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [PEOPLE, QUERY, INSERT, UPDATE])
def test_a_call_needs_the_right_access_key_under_any_case_of_its_header(route: tuple[str, str]) -> None:
    tenant = sandbox()
    assert refusal(tenant, route, {}, {}) == (400, "GSOBJ_1024")
    assert refusal(tenant, route, {}, {"Accesskey": ""}) == (400, "GSOBJ_1024")
    assert refusal(tenant, route, {}, {"Accesskey": "wrong"}) == (401, "GS_APIG_2401")
    for name in ("Accesskey", "accesskey", "ACCESSKEY"):
        assert refusal(tenant, route, None, {name: ACCESS_KEY}) == (400, "GSOBJ_1008")
    assert refusal(sandbox(None), route, None, {"Accesskey": "any"}) == (400, "GSOBJ_1008")


@pytest.mark.parametrize(
    "route",
    [
        ("GET", PEOPLE[1]),
        ("POST", PEOPLE[1]),
        ("put", PEOPLE[1]),
        ("PUT", f"{PEOPLE[1]}/"),
        ("POST", HOST),
        ("POST", "/"),
        ("POST", ""),
        ("POST", f"{INSERT[1]}/bulk"),
        ("PUT", "//[::1"),
    ],
)
def test_any_other_route_is_not_there(route: tuple[str, str]) -> None:
    tenant = sandbox()
    assert refusal(tenant, route, ADA) == (404, "GS_APIG_1000")
    assert tenant.counts == {"no such route": 1}
    assert tenant.calls[0].action is None


def test_the_host_is_no_matter() -> None:
    assert call(sandbox(), ("PUT", "http://127.0.0.1:8000/v1.0/api/people"), ADA)[0] == 200
    assert call(sandbox(), ("PUT", "/v1.0/api/people"), ADA)[0] == 200


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [ADA, json.dumps(ADA), json.dumps(ADA).encode(), json.dumps(ADA).encode("utf-16")])
def test_a_body_may_come_as_a_value_as_text_or_as_bytes(body: Any) -> None:
    assert call(sandbox(), PEOPLE, body)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        b"\xff\xfe\xfd",
        '{"Email": "ada@example.com", "Plan__gc": NaN}',
        '{"Email": "ada@example.com", "Plan__gc": 1e999}',
        '{"Email": "ada@example.com", "Plan__gc": ' + "[" * 300 + "]" * 300 + "}",
        "[" * 100_000,
        {**ADA, "Plan__gc": float("inf")},
        {**ADA, "Plan__gc": 10**5000},
        {**ADA, "Plan__gc": object()},
        iter([b"{}"]),
    ],
    ids=lambda body: repr(body)[:40] if isinstance(body, (str, bytes)) else type(body).__name__,
)
def test_a_body_that_is_no_strict_json_is_refused(body: Any) -> None:
    assert refusal(sandbox(), PEOPLE, body) == (400, "GSOBJ_1008")


def test_what_is_held_shares_nothing_with_what_was_sent_or_is_shown() -> None:
    tenant = sandbox()
    tags, properties, link = ["a"], {"ids": [1]}, {"Company_ID": ""}
    (company,) = written(tenant, {"Name": "Acme", "Tags": tags})
    link["Company_ID"] = company["Gsid"]
    call(tenant, PEOPLE, {**ADA, "Plan__gc": tags, "companies": [link]})
    call(tenant, EVENTS, properties)
    before = json.dumps(tenant.as_data())
    tags.append("b")
    properties["ids"].append(2)
    link["Company_ID"] = "x"
    shown = tenant.as_data()
    shown["companies"][0]["Tags"].append("c")
    shown["people"][0]["companies"][0].clear()
    shown["events"][0]["properties"]["ids"].clear()
    tenant.people.clear()
    assert json.dumps(tenant.as_data()) == before


def test_a_tenant_goes_on_from_the_content_of_another() -> None:
    first = sandbox()
    (company,) = written(first, {"Name": "Acme"})
    second = sandbox(content=Content.from_data(first.as_data()))
    call(second, PEOPLE, {**ADA, "companies": [{"Company_ID": company["Gsid"]}]})
    written(second, {"Name": "Acme"})
    assert (len(first.people), len(first.companies)) == (0, 1)
    assert (len(second.people), len(second.companies)) == (1, 2)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_minutes_calls_are_used_up_until_the_next_minute_begins() -> None:
    now = [6000.0]
    tenant = Sandbox(CONFIG, calls_per_minute=2, clock=lambda: now[0])
    assert call(tenant, PEOPLE, ADA)[0] == 200
    now[0] = 6059.999
    assert call(tenant, PEOPLE, ADA)[0] == 200
    assert refusal(tenant, PEOPLE, {"Email": "g@example.org"}) == (429, "GU_2400")
    assert (tenant.used(), tenant.throttled) == ((2, 2), 1)
    now[0] = 6060.0
    assert tenant.used() == (0, 2)
    assert call(tenant, PEOPLE, ADA)[0] == 200
    assert tenant.used() == (1, 3)


def test_a_days_calls_are_used_up_until_the_next_day_begins() -> None:
    now = [86_400.0 * 9]
    tenant = Sandbox(CONFIG, calls_per_minute=None, calls_per_day=2, clock=lambda: now[0])
    for _ in range(2):
        assert call(tenant, PEOPLE, ADA)[0] == 200
    now[0] = 86_400.0 * 10 - 0.001
    assert refusal(tenant, PEOPLE, ADA) == (429, "GU_2400")
    now[0] = 86_400.0 * 10
    assert call(tenant, PEOPLE, ADA)[0] == 200


def test_a_call_that_is_one_too_many_for_the_day_counts_for_neither_window() -> None:
    tenant = Sandbox(CONFIG, calls_per_minute=5, calls_per_day=1, clock=lambda: 0.0)
    for _ in range(3):
        call(tenant, PEOPLE, ADA)
    assert (tenant.used(), tenant.throttled) == ((1, 1), 2)


def test_the_limits_are_gainsights_unless_said_otherwise() -> None:
    tenant = Sandbox(clock=lambda: 0.0)
    assert tenant.limits == (100, 50_000)
    assert [call(tenant, PEOPLE, ADA)[0] for _ in range(101)] == [200] * 100 + [429]
    now = [0.0]
    tenant = Sandbox(clock=lambda: now[0], calls_per_minute=None)
    for _ in range(50_000):
        tenant._admit(0.0)
    assert call(tenant, PEOPLE, ADA)[0] == 429


def test_limits_of_none_are_without_end() -> None:
    tenant = sandbox()
    assert {call(tenant, PEOPLE, ADA)[0] for _ in range(150)} == {200}
    assert tenant.used() == (150, 150)


def test_calls_that_are_refused_count_like_any_other_and_so_does_every_route() -> None:
    tenant = Sandbox(CONFIG, calls_per_minute=3, clock=lambda: 0.0)
    answers = [call(tenant, route, None)[0] for route in (PEOPLE, EVENTS, ("GET", HOST), QUERY)]
    assert answers == [400, 400, 404, 429]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_the_last_calls_are_remembered_with_what_they_asked_for_and_how_they_were_answered() -> None:
    now = [1.0]
    tenant = Sandbox(CONFIG, clock=lambda: now[0], calls_per_minute=None, faults=[PlannedFault("503", calls=(2,))])
    call(tenant, PEOPLE, {**ADA, "companies": []})
    now[0] = 2.0
    call(tenant, EVENTS, {})
    first, second = tenant.calls
    assert (first.number, first.at, first.method, first.path) == (1, 1.0, "PUT", "/v1.0/api/people")
    assert (first.action, first.status, first.code, first.fault) == ("link person", 200, None, None)
    assert (second.number, second.at, second.action, second.status) == (2, 2.0, "send event", 503)
    assert (second.code, second.fault) == ("GU_1101", "503")
    assert first.request_id != second.request_id
    for _ in range(CALLS_KEPT):
        call(tenant, PEOPLE, ADA)
    assert [tenant.calls[0].number, len(tenant.calls)] == [3, CALLS_KEPT]
    assert tenant.counts == {"link person": 1, "send event": 1, "upsert person": CALLS_KEPT}


def test_a_request_id_is_in_the_envelope_and_the_header_and_the_same_in_every_run() -> None:
    ids = []
    for _ in range(2):
        answer = sandbox().handle(descriptors.UpsertPerson(CONFIG, person=ADA))
        assert json.loads(answer.body)["requestId"] == answer.headers["x-gs-request-id"]
        ids.append(answer.headers["x-gs-request-id"])
    assert ids[0] == ids[1]


def test_a_connection_dropped_by_plan_is_an_error_of_handle() -> None:
    tenant = sandbox(faults=[PlannedFault("dropped-after")])
    with pytest.raises(DroppedConnectionError):
        tenant.handle(descriptors.UpsertPerson(CONFIG, person=ADA))
    assert (len(tenant.people), tenant.calls[0].status) == (1, None)


def test_calls_from_several_threads_are_answered_one_at_a_time() -> None:
    tenant = sandbox()
    with ThreadPoolExecutor(8) as pool:
        statuses = [*pool.map(lambda n: call(tenant, INSERT, {"records": [{"Name": f"{n}"}]})[0], range(200))]
    assert (set(statuses), len({company["Gsid"] for company in tenant.companies})) == ({200}, 200)
    assert tenant.used() == (200, 200)


# --- laws -------------------------------------------------------------------------------------------------------------


def deliver(tenant: Sandbox, request: Request | None) -> None:
    while request is not None:
        request = request.next(tenant.handle(request))


@pytest.mark.parametrize("times", [1, 3])
def test_what_transform_asks_for_is_done_and_to_repeat_it_doubles_only_events(times: int) -> None:
    tenant = sandbox()
    for _ in range(times):
        deliver(tenant, transform(some.identify(plan="gold"), CONFIG))
        deliver(tenant, transform(some.group(), CONFIG))
        deliver(tenant, transform(some.track(n=1), CONFIG))
    (company,) = tenant.companies
    assert tenant.people == [{**ADA, "Plan__gc": "gold", "companies": [{"Company_ID": company["Gsid"]}]}]
    assert len(tenant.events) == times


_conditions = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.just("Name"), strategies.json_values),
        "alias": st.one_of(st.sampled_from("AB"), strategies.json_values),
        "value": st.one_of(st.lists(st.sampled_from(["Acme", 7, None])), strategies.json_values),
        "operator": st.one_of(st.sampled_from(["EQ", "NE", "IN"]), strategies.json_values),
    },
)
_queries = st.fixed_dictionaries(
    {},
    optional={
        "select": st.one_of(st.lists(st.sampled_from(["Name", "Gsid"])), strategies.json_values),
        "where": st.one_of(
            strategies.json_values,
            st.fixed_dictionaries(
                {"conditions": st.one_of(st.lists(_conditions, max_size=2), strategies.json_values)},
                optional={"expression": st.one_of(st.sampled_from(["A", "A OR B", "A AND B", "(A"]), strategies.texts)},
            ),
        ),
        "limit": st.one_of(st.integers(0, 3), strategies.json_values),
        "offset": strategies.json_values,
    },
)
_names = st.sampled_from(["Name", "Email", "Arr", "Plan__gc", "RenewalDate", "companies", "Gsid"])
_links = st.fixed_dictionaries({"Company_ID": st.sampled_from(["1P02SANDBOX000000000000", "1P02"])})
_records = st.builds(
    lambda record, key: {**record, **key},
    st.dictionaries(_names, strategies.json_values, max_size=3),
    st.sampled_from(
        [{}, {"Name": "Acme"}, {"Email": "ada@example.com"}, {"Email": "ada@example.com", "companies": []}]
    ),
)
_bodies = st.one_of(
    strategies.json_values,
    _queries,
    _records,
    st.builds(lambda record, links: {**record, "companies": links}, _records, st.lists(_links, max_size=2)),
    st.fixed_dictionaries({"records": st.one_of(st.lists(_records, max_size=3), strategies.json_values)}),
    st.binary(max_size=20),
)
_headers = st.one_of(
    st.just(ALL_HEADERS), st.dictionaries(st.sampled_from(list(ALL_HEADERS)), st.one_of(strategies.texts, st.just("x")))
)
_calls = st.tuples(
    st.one_of(st.sampled_from(ROUTES), st.tuples(st.sampled_from(["GET", "PUT"]), strategies.texts)), _headers, _bodies
)


@given(st.lists(_calls, max_size=6), st.sampled_from([CONFIG, None]))
def test_any_body_on_any_route_is_answered_and_content_changes_only_where_the_result_is_true(
    calls: list[tuple[tuple[str, str], dict[str, str], Any]], config: DestinationConfig | None
) -> None:
    tenant = sandbox(config, calls_per_minute=5)
    written(tenant, {"Name": "Acme", "Arr": 7})
    for route, headers, body in calls:
        before = tenant.as_data()
        answer = tenant.receive(*route, headers, body)
        assert answer.response is not None
        assert 200 <= answer.response.status <= 429
        envelope = json.loads(answer.response.body, parse_constant=pytest.fail)
        assert uuid.UUID(envelope["requestId"])
        assert envelope["result"] is (answer.response.status == 200)
        assert (envelope["errorCode"] is None) is envelope["result"]
        assert tenant.as_data() == before or envelope["result"]
    assert Content.from_data(tenant.as_data()) == tenant.content


@given(strategies.whole_configs, strategies.good_events)
def test_a_good_event_is_delivered_or_refused_by_a_sandbox_of_its_config(
    config: DestinationConfig, event: dict[str, Any]
) -> None:
    tenant, request = sandbox(config), transform(event, config)
    try:
        deliver(tenant, request)
    except errors.RejectedError as error:
        assert error.code in CODES  # noqa: PT017 - either is right, and this is what a refusal must be
    else:
        kind = {"identify": tenant.people, "group": tenant.companies, "track": tenant.events}[event["type"]]
        assert len(kind) == 1


def test_the_response_of_handle_is_the_libraries_own() -> None:
    request = descriptors.SendEvent(CONFIG, name="login", version="2", properties={})
    assert type(sandbox().handle(request)) is Response


def test_spaces_around_a_header_are_lost_on_the_way_and_make_no_difference() -> None:
    spaced = DestinationConfig(
        domain="acme.co",
        access_key=" key ",
        shared_secret="secret ",
        tenant_id=" tenant",
        topic_name=" Tickets ",
        event_name_map={"a": " A "},
        event_version_map={"a": "1 "},
    )
    tenant = Sandbox(spaced)
    for event in (
        some.identify(),
        some.track("a"),
    ):
        assert transform(event, spaced).next(tenant.handle(transform(event, spaced))) is None
    assert [event["name"] for event in tenant.events] == ["A"]
