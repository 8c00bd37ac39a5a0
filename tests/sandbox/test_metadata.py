"""What a sandbox says of its schema, and what else is asked of it beside events: users, deletes, people."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import Response
from gainsight_dest.fields import COMPANY, PERSON, Datatype
from gainsight_dest.gainsight import CODES
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject, describe
from gainsight_dest.tenant.types import TYPES
from gainsight_dest.testing.strategies import tenants
from tests import strategies
from tests.some import ACCESS_KEY, ADA, CONFIG, FREE
from tests.tenant_of_60_fields import ANSWER, OBJECTS, PICKLISTS

TENANT = Tenant.from_describe(ANSWER)
KEY = {"Accesskey": ACCESS_KEY}
ONE = "/v1/meta/services/objects/{}/describe"
MANY = "/v1/meta/services/objects/describe"
LIST = "/v1/meta/services/objects/list?po=company&em=false"
PICKLIST = "/v1/meta/services/dropdowns/{}"
USERS = "/v1/users/services/list"
BOTH = {"objectNames": ["Person", "Company"], "populatePickListOptions": "true"}
#: Every call that asks for the schema, or for users.
ASKED: list[tuple[str, str, Any]] = [
    ("GET", ONE.format("Company"), None),
    ("POST", MANY, BOTH),
    ("GET", LIST, None),
    ("GET", PICKLIST.format("x"), None),
    ("POST", USERS, {"limit": 1, "select": ["GSID"]}),
]


def sandbox(tenant: Tenant | None = TENANT, **settings: Any) -> Sandbox:
    return Sandbox(CONFIG, tenant=tenant, clock=lambda: 0.0, **{**FREE, **settings})


def response(of: Sandbox, method: str, path: str, body: Any = None, headers: dict[str, str] = KEY) -> Response:
    answer = of.receive(method, path, headers, body)
    assert answer.response is not None
    return answer.response


def asked(of: Sandbox, method: str, path: str, body: Any = None, headers: dict[str, str] = KEY) -> Any:
    """The status and the envelope of an answer."""
    answer = response(of, method, path, body, headers)
    return answer.status, json.loads(answer.body)


def test_the_schema_that_tests_use_has_60_fields_of_every_data_type() -> None:
    fields = [field for of in TENANT.objects.values() for field in of.fields.values()]
    assert len(fields) == 60
    assert {field.type for field in fields} == {*TYPES}


# --- the schema -------------------------------------------------------------------------------------------------------


@given(tenants())
def test_a_sandbox_describes_the_tenant_that_it_was_given(tenant: Tenant) -> None:
    of = sandbox(tenant)
    request = describe(CONFIG, [*tenant.objects])
    answer = of.handle(request)
    assert request.next(answer) is None
    assert Tenant.from_describe(answer) == tenant
    one_by_one = [response(of, "GET", f"{ONE.format(name)}?idd=true") for name in tenant.objects]
    assert Tenant.from_describe(one_by_one) == tenant


def test_an_answer_has_what_gainsight_tells_of_each_field() -> None:
    _, envelope = asked(sandbox(), "POST", MANY, BOTH)
    assert (envelope["result"], envelope["errorCode"]) == (True, None)
    assert [of["objectName"] for of in envelope["data"]] == ["Person", "Company"]
    for of in envelope["data"]:
        fields = {field["fieldName"]: field for field in of["fields"]}
        for field in OBJECTS[of["objectName"]]["fields"]:
            told = fields[field["fieldName"]]
            assert {**told["meta"], "properties": None} == {**field["meta"], "properties": None}
            assert {**told, "meta": None, "options": None} == {**field, "meta": None, "options": None}
            assert _by_label(told["options"]) == _by_label(field["options"])


def _by_label(options: list[dict[str, Any]] | None) -> list[tuple[Any, ...]]:
    return sorted((each["label"], each["value"], each["active"]) for each in options or [])


def test_objects_that_are_not_there_are_left_out_and_none_at_all_is_a_failure_without_a_code() -> None:
    of = sandbox()
    _, envelope = asked(of, "POST", MANY, {"objectNames": ["Planet", "Company"]})
    assert [each["objectName"] for each in envelope["data"]] == ["Company"]
    for call in (("POST", MANY, {"objectNames": ["Planet"]}), ("GET", ONE.format("Planet"), None)):
        status, envelope = asked(of, *call)
        assert (status, envelope["result"], envelope["title"]) == (400, False, "OBJECT_NOT_FOUND")
        assert "errorCode" not in envelope


def test_an_object_that_is_asked_for_often_is_told_of_once() -> None:
    _, envelope = asked(sandbox(), "POST", MANY, {"objectNames": ["Company"] * 1000})
    assert [each["objectName"] for each in envelope["data"]] == ["Company"]


def test_an_object_of_any_name_is_asked_for_by_it() -> None:
    name = "50% of a b/ü?"
    tenant = Tenant([TenantObject(name, "Odd", [TenantField("Plan__gc", options=(Option("gold", "1I00"),))])])
    of = sandbox(tenant)
    for answer in (
        response(of, "GET", f"{ONE.format(quote(name, safe=''))}?idd=true"),
        response(of, "POST", MANY, {"objectNames": [name], "populatePickListOptions": "true"}),
    ):
        assert Tenant.from_describe(answer) == tenant


_bodies = st.one_of(
    strategies.json_values,
    st.fixed_dictionaries({"objectNames": st.lists(st.sampled_from(["Person", "Company", "x", 7, None]))}),
    st.binary(max_size=20),
)
_paths = st.one_of(
    st.sampled_from([path for _, path, _ in ASKED]),
    st.builds(lambda pattern, part: pattern.format(quote(part, safe="")), st.sampled_from([ONE, PICKLIST]), st.text()),
    st.builds("/v1/data/objects/Company/{}".format, st.sampled_from(["x", "", "%", "1P02SANDBOX000000000001"])),
)
_methods = st.sampled_from(["GET", "POST", "DELETE", "PUT"])


@given(_methods, _paths, _bodies, st.sampled_from([KEY, {}, {"Accesskey": "wrong"}]), st.booleans())
def test_whatever_is_asked_is_answered_and_writes_nothing(
    method: str, path: str, body: Any, headers: dict[str, str], is_own: bool
) -> None:
    of = sandbox(None if is_own else TENANT)
    status, envelope = asked(of, method, path, body, headers)
    assert envelope["result"] is (status == 200)
    assert envelope["result"] or "title" in envelope or envelope["errorCode"] in CODES
    assert headers == KEY or status in {400, 401, 404}
    assert of.as_data() == Content().as_data()


@pytest.mark.parametrize("body", [None, [], {}, {"objectNames": "Company"}, {"objectNames": [7]}])
def test_a_describe_call_names_the_objects_in_a_list(body: Any) -> None:
    status, envelope = asked(sandbox(), "POST", MANY, body)
    assert (status, envelope["errorCode"]) == (400, "GSOBJ_1008")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("GET", ONE.format("Company"), None), False),
        (("GET", f"{ONE.format('Company')}?idd=false", None), False),
        (("GET", f"{ONE.format('Company')}?idd=true", None), True),
        (("POST", MANY, {"objectNames": ["Company"]}), False),
        (("POST", MANY, {"objectNames": ["Company"], "populatePickListOptions": "true"}), True),
        (("POST", MANY, {"objectNames": ["Company"], "populatePickListOptions": True}), True),
    ],
)
def test_options_are_told_to_those_who_ask_for_them(call: tuple[str, str, Any], told: bool) -> None:
    _, envelope = asked(sandbox(), *call)
    assert any(field["options"] for field in envelope["data"][0]["fields"]) is told


def test_each_picklist_is_read_by_the_category_that_its_field_names() -> None:
    of = sandbox()
    _, envelope = asked(of, "POST", MANY, BOTH)
    categories = [
        (field["options"], field["meta"]["properties"]["PICKLIST_CATEGORY_ID"])
        for each in envelope["data"]
        for field in each["fields"]
        if field["options"]
    ]
    assert len(categories) == len({category for _, category in categories}) == len(PICKLISTS)
    for options, category in categories:
        _, answer = asked(of, "GET", PICKLIST.format(category))
        assert [(item["name"], item["gsid"], item["active"]) for item in answer["data"]["childItems"]] == [
            (option["label"], option["value"], option["active"]) for option in options
        ]
    status, envelope = asked(of, "GET", PICKLIST.format("1I01"))
    assert (status, envelope["result"]) == (400, False)


def test_the_list_of_objects_names_those_of_the_tenant() -> None:
    _, envelope = asked(sandbox(), "GET", LIST)
    assert [(of["objectName"], of["createable"], of["readable"]) for of in envelope["data"]] == [
        ("Company", True, True),
        ("Person", True, True),
    ]


@pytest.mark.parametrize("call", ASKED)
def test_each_of_these_calls_needs_the_right_key_and_writes_nothing(call: tuple[str, str, Any]) -> None:
    of = sandbox()
    assert asked(of, *call, {})[0] == 400
    status, envelope = asked(of, *call, {"Accesskey": "wrong"})
    assert (status, envelope["result"], envelope["errorCode"]) == (401, False, "GS_APIG_2401")
    assert asked(of, *call)[0] in {200, 400}
    assert of.as_data() == Content().as_data()


# --- without a tenant -------------------------------------------------------------------------------------------------


def test_without_a_tenant_it_describes_the_standard_fields_and_the_custom_ones_that_it_takes() -> None:
    of = sandbox(None, custom_fields={"Company": {"Renewed__gc": Datatype.DATE}})
    tenant = Tenant.from_describe(of.handle(describe(CONFIG)))
    assert tenant == of.tenant
    company, person = tenant.objects["Company"], tenant.objects["Person"]
    assert {*company.fields} == {*COMPANY.by_name, *COMPANY.system, "Renewed__gc"}
    assert {*person.fields} == {*PERSON.by_name, *PERSON.system}
    assert company.fields["Renewed__gc"].type == "DATE"
    assert company.fields["Name"].is_required
    assert not company.fields["Gsid"].is_writable


# --- beside events ----------------------------------------------------------------------------------------------------


def test_users_are_listed() -> None:
    _, envelope = asked(sandbox(), "POST", USERS, {"limit": 1, "select": ["GSID"]})
    assert [[*user] for user in envelope["data"]] == [["GSID"]]


def test_a_person_may_come_by_either_path_and_is_found() -> None:
    of = sandbox(None)
    for path, name in (("/v1.0/api/people", "Ada"), ("/v1/peoplemgmt/v1.0/people", "Ada L")):
        assert asked(of, "PUT", path, {"Email": ADA, "Name": name})[0] == 200
    assert of.counts == {"upsert person": 2}
    _, envelope = asked(of, "POST", "/v1/data/objects/query/Person", {"select": ["Email", "Name"]})
    assert envelope["data"]["records"] == [{"Email": ADA, "Name": "Ada L"}]


def test_a_company_is_deleted_by_its_gsid_once() -> None:
    of = sandbox(None)
    _, envelope = asked(of, "POST", "/v1/data/objects/Company", {"records": [{"Name": "Acme"}, {"Name": "Bolt"}]})
    acme, bolt = envelope["data"]["records"]
    path = f"/v1/data/objects/Company/{acme['Gsid']}"
    status, envelope = asked(of, "DELETE", path)
    assert (status, envelope["data"]) == (200, {"count": 1, "errors": None, "records": [acme]})
    assert of.companies == [bolt]
    status, envelope = asked(of, "DELETE", path)
    assert (status, envelope["errorCode"]) == (400, "GSOBJ_1004")
    assert asked(of, "DELETE", path, None, {"Accesskey": "wrong"})[0] == 401
    assert of.counts["delete company"] == 3


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (("POST", "/v1/data/objects/query/Person", {"select": []}), "find person"),
        (("DELETE", "/v1/data/objects/Company/x", None), "delete company"),
        (ASKED[0], "describe objects"),
        (ASKED[1], "describe objects"),
        (ASKED[2], "list objects"),
        (ASKED[3], "read picklist"),
        (ASKED[4], "list users"),
    ],
)
def test_a_fault_meets_each_of_these_by_what_it_asks_for(call: tuple[str, str, Any], action: str) -> None:
    of = sandbox(faults=[PlannedFault("503", action=action)])
    assert asked(of, *call)[0] == 503
    assert [each.action for each in of.calls] == [action]


def test_a_call_that_is_one_too_many_tells_how_many_there_may_be_and_no_other_does() -> None:
    of = sandbox(calls_per_minute=1)
    answers = [response(of, *ASKED[-1]) for _ in range(2)]
    assert [(each.status, each.headers.get("x-ratelimit-limit")) for each in answers] == [(200, None), (429, "1")]
    assert "x-ratelimit-limit" not in response(sandbox(faults=[PlannedFault("429")]), *ASKED[-1]).headers
