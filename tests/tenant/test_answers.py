"""Describe answers become a Tenant, or a ResponseError that says where."""

from __future__ import annotations

import json
import traceback
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest

from gainsight_dest import RejectedError, ResponseError, RetryableError, ThrottledError
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject
from tests import tenant_of_60_fields as sixty
from tests.some import SECRETS
from tests.tenant.some import TENANT, answer, company, field, only, response

GOLD = Option("Gold", "1I00A")
LEGACY = Option("Legacy", "1I00B", is_active=False)

#: Four shapes of one field, as answers have it, and that field.
DOCUMENTED = (
    answer(
        company(
            {
                "fieldName": "Plan__gc",
                "label": "Plan",
                "dataType": "PICKLIST",
                "options": [
                    {"label": "Gold", "value": "1I00A", "active": True, "defaultValue": False, "displayOrder": 1},
                    {"label": "Legacy", "value": "1I00B", "active": False, "defaultValue": False, "displayOrder": 0},
                ],
                "meta": {
                    "createable": True,
                    "updateable": False,
                    "required": True,
                    "nillable": False,
                    "readOnly": False,
                    "length": 200,
                    "decimalPlaces": 0,
                    "hidden": False,
                    "formulaField": False,
                    "hasLookup": False,
                    "lookupDetail": None,
                    "fieldGroupType": "CUSTOM",
                    "properties": {"PICKLIST_CATEGORY_ID": "1I01C"},
                },
            }
        )
    ),
    TenantField(
        "Plan__gc",
        "Plan",
        "PICKLIST",
        length=200,
        is_updateable=False,
        is_required=True,
        options=(GOLD, LEGACY),
        of="Company",
    ),
)
RECORDED = (
    {
        "result": True,
        "data": {
            "objectName": "Company",
            "fields": [
                {
                    "fieldName": "Plan__gc",
                    "dataType": "picklist",
                    "options": [
                        {"name": "Gold", "systemName": "gold", "active": "true", "gsid": "1I00A"},
                        {"name": "Legacy", "systemName": "legacy", "active": "false", "gsid": "1I00B"},
                    ],
                    "meta": {"length": "200", "lookupDetail": {}, "required": "false"},
                }
            ],
        },
    },
    TenantField("Plan__gc", "", "PICKLIST", length=200, options=(LEGACY, GOLD), of="Company"),
)
WITHOUT_ERROR_CODE = (
    {"requestId": "6a1f", "data": [company(field(type="CURRENCY", decimalPlaces=2, readOnly=True))]},
    TenantField("Seats__gc", "Seats", "CURRENCY", decimals=2, is_createable=False, is_updateable=False, of="Company"),
)
WITH_LITTLE = (
    {"data": [{"objectName": "Company", "fields": [{"fieldName": "Beam__gc", "dataType": "HOLOGRAM"}]}]},
    TenantField("Beam__gc", "", "HOLOGRAM", of="Company"),
)
SHAPES = {
    "documented": DOCUMENTED,
    "recorded": RECORDED,
    "without an error code": WITHOUT_ERROR_CODE,
    "unknown type, missing keys": WITH_LITTLE,
    "no type": (answer(company({"fieldName": "Beam__gc"})), TenantField("Beam__gc", of="Company")),
    "what meta holds beside the name": (
        answer(company({"fieldName": "Seats", "dataType": "NUMBER", "required": True, "updateable": False})),
        TenantField("Seats", "", "NUMBER", is_required=True, is_updateable=False, of="Company"),
    ),
    "an object without an envelope": (company(field()), TenantField("Seats__gc", "Seats", "NUMBER", of="Company")),
    "options that are texts, numbers, or nothing": (
        answer(company({"fieldName": "Plan", "options": ["Gold", {"label": 7}, {"value": "1I00A"}, {"label": None}]})),
        TenantField("Plan", options=(Option("Gold"), Option("7"), Option("1I00A", "1I00A")), of="Company"),
    ),
    "a lookup": (
        answer(
            company(field("Csm", "CSM", "LOOKUP", lookupDetail={"lookupObjects": [{"objectName": "GsUser"}, "X", {}]}))
        ),
        TenantField("Csm", "CSM", "LOOKUP", looks_up=("GsUser", "X"), of="Company"),
    ),
    "a formula": (
        answer(company(field(formulaField=True, createable=True))),
        TenantField("Seats__gc", "Seats", "NUMBER", is_formula=True, of="Company"),
    ),
    "a system field of which no rights are told": (
        answer(company(field("Csat", "CSAT"))),
        TenantField("Csat", "CSAT", "NUMBER", is_createable=False, is_updateable=False, of="Company"),
    ),
    "a field of the system group": (
        answer(company(field(fieldGroupType="SYSTEM", length=-1, decimalPlaces=2.0, updateable=1))),
        TenantField("Seats__gc", "Seats", "NUMBER", decimals=2, is_createable=False, of="Company"),
    ),
    "nothing where something may be": (
        answer(company(field(length="", required=" ", createable=None, decimalPlaces=None))),
        TenantField("Seats__gc", "Seats", "NUMBER", of="Company"),
    ),
    "twice the same": (
        answer(company(field(), field()), company(field())),
        TenantField("Seats__gc", "Seats", "NUMBER", of="Company"),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_field_is_read_from_any_shape_of_answer(shape: str) -> None:
    body, expected = SHAPES[shape]
    assert only(body) == expected
    assert only(response(body if "data" in body else answer(body))) == expected


def test_a_label_that_is_not_told_is_the_name() -> None:
    (field_of,) = Tenant.from_describe(WITH_LITTLE[0]).objects["Company"].fields.values()
    assert field_of.label == "Beam__gc"
    assert TenantObject("Company").label == "Company"


def test_sixty_fields_of_every_type_are_read() -> None:
    assert {name: len(of.fields) for name, of in TENANT.objects.items()} == {"Person": 32, "Company": 28}
    plan = TENANT.objects["Person"].fields["Plan__gc"]
    assert [option.label for option in plan.options if option.is_active] == ["Enterprise", "Free", "Gold"]
    assert TENANT.objects["Company"].fields["Csm"].looks_up == ("GsUser",)
    assert {row[2] for row in (*sixty.PERSON, *sixty.COMPANY)} == {
        each.type for of in TENANT.objects.values() for each in of.fields.values()
    }


def test_several_answers_make_one_tenant_and_a_later_one_about_an_object_goes_first() -> None:
    answers = [sixty.response_of("Person"), sixty.answer_of("Company")]
    assert Tenant.from_describe(answers) == TENANT
    assert Tenant.from_describe(tuple(answers)) == TENANT
    again = Tenant.from_describe([sixty.ANSWER, answer(company(field()))])
    assert [*again.objects["Company"].fields] == ["Seats__gc"]
    assert again.objects["Person"] == TENANT.objects["Person"]
    assert Tenant.from_describe([]) == Tenant()
    assert Tenant.from_describe(answer()) == Tenant()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (7, "the answer: must be a Response or its JSON object, not a number"),
        ([7], "answers[0]: must be a Response"),
        ([[answer()]], "answers[0]: must be a Response or its JSON object, not a list"),
        ({"result": True}, "data: must be a list, not null"),
        ({"data": "x"}, "data: must be a list, not a string"),
        ([answer(), {"data": 7}], "answers[1].data: must be a list"),
        (answer(7), "data[0]: must be an object, not a number"),
        ({"data": {}}, "data.objectName: must be a string, not null"),
        (answer({"objectName": " ", "fields": []}), "data[0].objectName: must be a name"),
        (answer({"objectName": "Company"}), "data[0].fields: must be a list, not null"),
        (answer({"objectName": "Company", "label": 7, "fields": []}), "data[0].label: must be a string"),
        (answer(company(), {"objectName": "X", "fields": [None]}), "data[1].fields[0]: must be an object, not null"),
        (answer(company({"fieldName": 7})), "data[0].fields[0].fieldName: must be a string, not a number"),
        (answer(company(field("\x00"))), "data[0].fields[0].fieldName: must be a name"),
        (answer(company(field("x" * 256))), "data[0].fields[0].fieldName: must be a name: up to 255"),
        (answer(company(field(type=7))), "data[0].fields[0].dataType: must be a string"),  # type: ignore[arg-type]
        (answer(company({"fieldName": "A", "meta": []})), "data[0].fields[0].meta: must be an object, not a list"),
        (answer(company(field(length=1.5))), "data[0].fields[0].meta.length: must be a whole number"),
        (answer(company(field(length=True))), "data[0].fields[0].meta.length: must be a whole number"),
        (answer(company(field(length=10**400))), "data[0].fields[0].meta.length: must be a whole number"),
        (answer(company(field(decimalPlaces="two"))), "data[0].fields[0].meta.decimalPlaces: must be a whole number"),
        (answer(company(field(required="perhaps"))), "data[0].fields[0].meta.required: must be true or false"),
        (answer(company(field(createable=[]))), "data[0].fields[0].meta.createable: must be true or false, not a list"),
        (answer(company(field(readOnly=2))), "data[0].fields[0].meta.readOnly: must be true or false, not a number"),
        (answer(company(field(lookupDetail=7))), "data[0].fields[0].meta.lookupDetail: must be an object"),
        (
            answer(company(field(lookupDetail={"lookupObjects": [7]}))),
            "data[0].fields[0].meta.lookupDetail.lookupObjects[0].objectName: must be a string",
        ),
        (
            answer(company({"fieldName": "A", "options": {}})),
            "data[0].fields[0].options: must be a list, not an object",
        ),
        (
            answer(company({"fieldName": "A", "options": [{"label": []}]})),
            "data[0].fields[0].options[0].label: must be a string, not a list",
        ),
        (answer(company({"fieldName": "A", "options": [7]})), "data[0].fields[0].options[0]: must be an object"),
        (answer(company(field(), field(label="Chairs"))), "data[0].fields[1]: is there twice, and not the same"),
        (answer(company(field()), company()), "data[1]: is there twice, and not the same"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(body: Any, place: str) -> None:
    with pytest.raises(ResponseError) as caught:
        Tenant.from_describe(body)
    assert f"describe objects: the answer cannot be read: {place}" in str(caught.value)


@pytest.mark.parametrize("value", [nan, inf, -inf, Decimal("NaN"), {1}, b"12", object()])
def test_a_length_that_json_cannot_hold_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(ResponseError, match=r"meta\.length: must be a whole number"):
        Tenant.from_describe(answer(company(field(length=value))))


@pytest.mark.parametrize(
    ("body", "status", "error", "code"),
    [
        (
            {"requestId": "6a1f", "result": False, "title": "OBJECT_NOT_FOUND", "detail": "x"},
            404,
            RejectedError,
            "OBJECT_NOT_FOUND",
        ),
        (
            {"requestId": "6a1f", "result": False, "title": "OBJECT_NOT_FOUND", "detail": "x"},
            200,
            RejectedError,
            "OBJECT_NOT_FOUND",
        ),
        ({"result": False, "title": "Something else"}, 200, RejectedError, None),
        ({"result": False, "errorCode": "GS_APIG_2404", "title": "x"}, 200, ThrottledError, "GS_APIG_2404"),
        (b"<html>", 200, RetryableError, None),
        (b"", 200, RetryableError, None),
        (b"[]", 200, RetryableError, None),
        (b'{"data": [NaN]}', 200, RetryableError, None),
        (b'{"data":' + b"[" * 100_000, 200, RetryableError, None),
    ],
)
def test_an_answer_that_is_no_success_is_the_error_that_it_is_anywhere(
    body: Any, status: int, error: type[ResponseError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        Tenant.from_describe(response(body, status))
    assert type(caught.value) is error
    assert (caught.value.code or None) == code
    if isinstance(body, dict) and status == 200:
        with pytest.raises(error):
            Tenant.from_describe(body)


def test_depth_in_what_is_not_read_does_not_matter() -> None:
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    assert only(answer(company({**field(), "more": deep}))).name == "Seats__gc"
    with pytest.raises(ResponseError):
        Tenant.from_describe(deep)


def test_halves_of_surrogate_pairs_are_joined_or_replaced_and_the_tenant_goes_into_utf8() -> None:
    options = [{"label": "\ud83d\ude00"}, {"label": "half \ud83d"}, {"label": "日本", "value": "\ude00"}]
    tenant = Tenant.from_describe(answer(company({"fieldName": "A", "label": "\udc00", "options": options})))
    made = tenant.objects["Company"].fields["A"]
    assert made.label == "\ufffd"
    assert [(option.label, option.id) for option in made.options] == [
        ("half \ufffd", ""),
        ("日本", "\ufffd"),
        ("😀", ""),
    ]
    assert json.dumps(tenant.as_data(), ensure_ascii=False).encode()
    with pytest.raises(ResponseError, match="fieldName: must be a name"):
        Tenant.from_describe(answer(company({"fieldName": "A\x00\ud83d"})))


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("is_response", [False, True])
def test_a_key_in_an_answer_is_in_no_error_and_no_repr(secret: str, is_response: bool) -> None:
    """Whatever is done to the answer: one value of it after the other is the key, or a list of it."""
    body = answer(company({**field(), "options": [{"label": "Gold", "value": "1I00A"}]}), errorDesc=None, title=None)
    body |= {"message": None, "localizedErrorDesc": None}
    for planted in (secret, [secret], {secret: secret}):
        for changed in _with(body, planted):
            for result in (changed, {**changed, "result": False}) if isinstance(changed, dict) else (changed,):
                assert secret not in _shown(response(result) if is_response else result)


def _with(value: Any, planted: Any) -> Any:
    """The value with one part of it after the other replaced."""
    yield planted
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in [*items]:
        for changed in _with(item, planted):
            copy = value.copy()
            copy[key] = changed
            yield copy


def _shown(body: Any) -> str:
    """All that a log might show of what is made of the answer."""
    try:
        tenant = Tenant.from_describe(body)
    except ResponseError as error:
        return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    objects = [*tenant.objects.values()]
    fields = [each for of in objects for each in of.fields.values()]
    return repr([tenant, *objects, *fields, *(option for each in fields for option in each.options)])
