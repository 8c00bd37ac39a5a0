"""With a tenant's fields, a sandbox refuses what the tenant would, with its codes, and writes nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gainsight_dest.sandbox import Sandbox
from gainsight_dest.tenant import Tenant
from tests.some import ADA, FREE
from tests.tenant_of_60_fields import ANSWER, CONFIG, answer_of, option_id

TENANT = Tenant.from_describe(ANSWER)
HEADERS = {"Accesskey": str(CONFIG.access_key)}
PEOPLE = ("PUT", "/v1.0/api/people")
INSERT = ("POST", "/v1/data/objects/Company")
UPDATE = ("PUT", "/v1/data/objects/Company?keys=Name")
QUERY = ("POST", "/v1/data/objects/query/Company")
ACME = {"Name": "Acme", "Region__gc": "EMEA"}


def sandbox(tenant: Tenant = TENANT) -> Sandbox:
    return Sandbox(CONFIG, tenant=tenant, clock=lambda: 0.0, **FREE)


def answered(of: Sandbox, route: tuple[str, str], body: Any) -> Any:
    answer = of.receive(*route, HEADERS, body)
    assert answer.response is not None
    return json.loads(answer.response.body)


def code(of: Sandbox, route: tuple[str, str], body: Any) -> str | None:
    """The code of the answer; None for a success. What is refused is not written."""
    before = of.as_data()
    envelope = answered(of, route, body)
    assert envelope["result"] or of.as_data() == before
    found: str | None = envelope["errorCode"]
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"Plan__gc": "Gold"}, None),
        ({"Plan__gc": option_id("Plans", "Gold")}, None),
        ({"Plan__gc": "Silver"}, "GSOBJ_VDTPKLST1002"),
        ({"Plan__gc": "gold"}, "GSOBJ_VDTPKLST1002"),
        ({"Plan__gc": "Legacy"}, "GSOBJ_VDTPKLST1002"),
        ({"Interests__gc": "Billing;Reports"}, None),
        ({"Interests__gc": "Billing;Skiing"}, "GSOBJ_VDTPKLST1002"),
        ({"Score__gc": 7.25}, None),
        ({"Score__gc": "many"}, "GSOBJ_VDTNUM1001"),
        ({"Vip__gc": "yes"}, "GSOBJ_VDTBOOL1001"),
        ({"LastSeen__gc": "soon"}, "GSOBJ_VDTDATIME1001"),
        ({"Blog__gc": "ada"}, "GSOBJ_VDTURL1001"),
        ({"SfdcContactId__gc": "003"}, "GSOBJ_VDTSFDCID1001"),
        ({"Manager__gc": "the boss"}, "GSOBJ_VDTGSID1001"),
        ({"Code__gc": "12345"}, None),
        ({"Code__gc": "123456"}, "GSOBJ_VDTBSTR1001"),
        ({"Code__gc": None}, None),
        ({"Code__gc": ""}, None),
        ({"Health__gc": 7}, "GSOBJ_VCRUDR1002"),
        ({"DynamicResolutionKey": "x"}, "GSOBJ_VCRUDR1002"),
        ({"Planet__gc": "x"}, "GSOBJ_VCRUDR1002"),
    ],
)
def test_a_person_is_taken_or_refused_as_the_tenants_fields_say(fields: dict[str, Any], expected: str | None) -> None:
    of = sandbox()
    for _ in range(2):
        assert code(of, PEOPLE, {"Email": ADA, **fields}) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"Arr": 7.5}, None),
        ({"Arr": "many"}, "GSOBJ_1002"),
        ({"Stage": "Launched"}, None),
        ({"Stage": "Landed"}, "GSOBJ_1012"),
        ({"Stage": "Won"}, "GSOBJ_1012"),
        ({"Region__gc": None}, "GSOBJ_1007"),
        ({"RenewalDate": 210318}, "GSOBJ_1006"),
        ({"Audited__gc": "soon"}, "GSOBJ_1005"),
        ({"TickerSymbol": "x" * 21}, "GSOBJ_1001"),
        ({"ParentCompany": "no id"}, "GSOBJ_1004"),
        ({"IndustryNew": "x"}, "GSOBJ_1002"),
        ({"DaysToRenewal__gc": 7}, "GSOBJ_1008"),
        ({"Gsid": "1P02"}, "GSOBJ_1008"),
    ],
)
def test_a_company_is_taken_or_refused_as_the_tenants_fields_say(change: dict[str, Any], expected: str | None) -> None:
    of = sandbox()
    assert code(of, INSERT, {"records": [{**ACME, **change}]}) == expected
    code(of, INSERT, {"records": [ACME]})
    assert code(of, UPDATE, {"records": [{**ACME, **change}]}) == expected


def test_a_new_company_needs_what_is_required_and_an_update_does_not() -> None:
    of = sandbox()
    assert code(of, INSERT, {"records": [{"Name": "Acme"}]}) == "GSOBJ_1007"
    assert code(of, INSERT, {"records": [ACME]}) is None
    assert code(of, UPDATE, {"records": [{"Name": "Acme", "Arr": 7}]}) is None


@pytest.mark.parametrize("key", [{}, {"Name": None}, {"Name": 7}])
def test_a_key_that_the_tenant_refuses_is_told_once(key: dict[str, Any]) -> None:
    data = answered(sandbox(), INSERT, {"records": [{"Region__gc": "EMEA", **key}]})["data"]
    assert [each["errors"][0]["fieldName"] for each in data["errors"][0]] == ["Name"]


def test_a_field_that_is_written_once_is_taken_of_a_new_company_alone() -> None:
    of = sandbox()
    assert code(of, INSERT, {"records": [{**ACME, "ExternalId__gc": "7"}]}) is None
    assert code(of, UPDATE, {"records": [{**ACME, "ExternalId__gc": "8"}]}) == "GSOBJ_1008"


@pytest.mark.parametrize("route", [INSERT, UPDATE])
@pytest.mark.parametrize("place", [0, 25, 49])
def test_a_batch_with_one_record_that_the_tenant_refuses_writes_nothing(route: tuple[str, str], place: int) -> None:
    of = sandbox()
    code(of, INSERT, {"records": [ACME]})
    records: list[dict[str, Any]] = [{**ACME, "Arr": index} for index in range(50)]
    records[place]["Stage"] = "Landed"
    assert code(of, route, {"records": records}) == "GSOBJ_1012"
    data = answered(of, route, {"records": records})["data"]
    refused = {
        "errorMessage": "Stage has no such option",
        "errorCode": "GSOBJ_1012",
        "fieldName": "Stage",
        "invalidValue": "Landed",
    }
    assert data == {
        "count": 0,
        "errors": [[{"success": False, "parsedValue": "Landed", "errors": [refused]}]],
        "records": None,
    }


def test_what_was_sent_is_what_a_query_finds_be_it_a_label_or_an_id_or_null_or_nothing() -> None:
    of = sandbox()
    for value in ("Launched", option_id("Stages", "Launched"), None):
        record = {**ACME, "Stage": value, "TickerSymbol": ""}
        code(of, UPDATE if of.companies else INSERT, {"records": [record]})
        found = answered(of, QUERY, {"select": ["Stage", "TickerSymbol"]})["data"]["records"]
        assert found == [{"Stage": value, "TickerSymbol": ""}]


@pytest.mark.parametrize("route", [INSERT, UPDATE])
@pytest.mark.parametrize("name", [{}, {"Name": None}, {"Name": ""}, {"Name": " "}, {"Name": 7}])
def test_a_company_has_a_name_whatever_the_tenant_takes(route: tuple[str, str], name: dict[str, Any]) -> None:
    of = sandbox(Tenant.from_describe({"data": [{"objectName": "Company", "fields": [{"fieldName": "Name"}]}]}))
    assert code(of, route, {"records": [name]}) == "GSOBJ_1007"


@pytest.mark.parametrize("email", [{}, {"Email": None}, {"Email": [ADA]}, {"Email": {}}])
def test_a_person_has_an_email_whatever_the_tenant_takes(email: dict[str, Any]) -> None:
    of = sandbox(Tenant.from_describe({"data": [{"objectName": "Person", "fields": [{"fieldName": "Email"}]}]}))
    assert code(of, PEOPLE, {**email, "companies": []}) == "GSOBJ_VDTEMAIL1001"


def test_an_object_that_was_not_described_is_as_without_a_tenant() -> None:
    of = sandbox(Tenant.from_describe(answer_of("Company")))
    assert code(of, PEOPLE, {"Email": ADA, "MasterAvatarTypeCode": "7"}) is None
    assert code(of, INSERT, {"records": [{**ACME, "Arr": "7"}]}) == "GSOBJ_1002"
    assert code(sandbox(), PEOPLE, {"Email": ADA, "MasterAvatarTypeCode": "7"}) == "GSOBJ_VDTNUM1001"


def test_a_link_to_a_company_is_no_field() -> None:
    of = sandbox()
    (company,) = answered(of, INSERT, {"records": [ACME]})["data"]["records"]
    assert code(of, PEOPLE, {"Email": ADA, "companies": [{"Company_ID": company["Gsid"]}]}) is None
    assert code(of, PEOPLE, {"Email": ADA, "companies": [{"Company_ID": "1P02"}]}) == "GSOBJ_VDTGSID1001"
