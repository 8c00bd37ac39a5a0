"""The two field tables, field by field, and what happens where several traits feed one field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from gainsight_dest import DestinationConfig, EventError, Secret
from gainsight_dest.fields import (
    COMPANY_FIELDS,
    PERSON_FIELDS,
    TAKES,
    Datatype,
    Field,
    Form,
    company_link,
    company_of,
    email_of,
    linked_companies,
    person_of,
)
from gainsight_dest.values import number, text
from tests import strategies

EMAIL = {"email": "ada@example.com"}
VALUES: list[Any] = ["London", " 12 ", "1e3", 7, 7.5, 0, True, False, [1], {"a": 1.0}, date(2026, 3, 2)]


def person(traits: dict[str, Any], context: Any = None, **rows: str) -> dict[str, Any]:
    config = DestinationConfig(domain="acme.co", person_map={k.replace("__", "."): v for k, v in rows.items()})
    return person_of({**EMAIL, "name": "Ada", **traits}, context or {}, config.custom_fields["personMap"])


def company(traits: dict[str, Any], **rows: str) -> dict[str, Any]:
    config = DestinationConfig(domain="acme.co", company_map={k.replace("__", "."): v for k, v in rows.items()})
    return company_of({"name": "Acme", **traits}, config.custom_fields["companyMap"])


def taken(field: Field, value: Any) -> dict[str, Any]:
    """What the table says becomes of a value: the field with it, or nothing."""
    if field.form is Form.NUMBER:
        return {} if number(value) is None else {field.name: number(value)}
    if field.form is Form.TEXT:
        return {field.name: text(value, "x")}
    return {field.name: "2026-03-02" if isinstance(value, date) else value}


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    ("field", "trait"), [(f, t) for f in PERSON_FIELDS[2:] for t in f.traits], ids=lambda x: getattr(x, "name", x)
)
def test_each_alias_feeds_its_person_field_in_the_fields_form(field: Field, trait: str, value: Any) -> None:
    expected = {"Email": "ada@example.com", "Name": "Ada", **taken(field, value)}
    assert person({trait: value}) == expected
    assert person({}, {trait: value}) == expected


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    ("field", "trait"), [(f, t) for f in COMPANY_FIELDS[1:] for t in f.traits], ids=lambda x: getattr(x, "name", x)
)
def test_each_trait_feeds_its_company_field_in_the_fields_form(field: Field, trait: str, value: Any) -> None:
    assert company({trait: value}) == {"Name": "Acme", **taken(field, value)}


@pytest.mark.parametrize("blank", [None, ""])
def test_null_and_the_empty_string_are_not_present(blank: Any) -> None:
    assert company({"industry": blank, "arr": blank, "users": blank}) == {"Name": "Acme"}
    assert person({"firstName": blank, "first_name": "Ada"})["FirstName"] == "Ada"
    assert person({"timezone": blank}, {"timezone": "UTC"})["Timezone"] == "UTC"


@pytest.mark.parametrize("traits", [{"firstName": "a", "first_name": "c"}, {"first_name": "c", "firstName": "a"}])
def test_the_first_alias_wins_in_whatever_order_the_traits_come(traits: dict[str, Any]) -> None:
    assert person(traits)["FirstName"] == "a"
    assert person({}, traits)["FirstName"] == "a"


def test_every_alias_in_traits_comes_before_any_in_context_traits() -> None:
    assert person({"first_name": "c"}, {"firstName": "a", "lastName": "z"})["FirstName"] == "c"


def test_a_value_that_is_no_number_leaves_the_field_out_and_lets_no_later_one_in() -> None:
    assert "MasterAvatarTypeCode" not in person({"masterAvatarTypeCode": "none"}, {"masterAvatarTypeCode": 3})


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ({"firstName": "Ada", "lastName": "Lovelace"}, "Ada Lovelace"),
        ({"last_name": "Lovelace", "middlename": "King", "firstname": "Ada"}, "Ada King Lovelace"),
        ({"middleName": "King"}, "King"),
        ({"firstName": 7, "lastName": False}, "7"),
        ({"firstName": 0, "middleName": 1.5, "lastName": 1e-7}, "0 1.5 1e-7"),
        ({"firstName": "Ada", "middleName": " ", "lastName": "L."}, "Ada L."),
        ({"firstName": " Ada ", "lastName": ["L."], "middleName": {"a": 1}}, "Ada"),
        ({"firstName": " ", "lastName": " "}, None),
        ({"firstName": True}, None),
        ({}, None),
        ({"name": "", "firstName": "Ada"}, "Ada"),
        ({"name": 0, "firstName": "Ada"}, "Ada"),
        ({"name": -0.0}, None),
        ({"name": False, "firstName": "Ada"}, "Ada"),
        ({"name": False}, None),
        ({"name": True, "firstName": "Ada"}, True),
        ({"name": 1, "firstName": "Ada"}, 1),
        ({"name": " ", "firstName": "Ada"}, " "),
        ({"name": [], "firstName": "Ada"}, []),
        ({"name": {}, "firstName": "Ada"}, {}),
    ],
)
def test_a_name_is_made_of_its_parts_where_none_is_known(traits: dict[str, Any], name: Any) -> None:
    record = person_of({**EMAIL, **traits}, {}, ())
    assert record.get("Name") == name
    assert ("Name" in record) is (name is not None)


@pytest.mark.parametrize(
    ("rows", "traits", "name"),
    [
        ({"nick": "Name"}, {"name": "Ada L", "nick": "Ada"}, "Ada"),
        ({"nick": "Name"}, {"name": "Ada L", "nick": "", "firstName": "A."}, "A."),
        ({"nick": "Name"}, {"name": "Ada L", "nick": ""}, None),
        ({"nick": "Name"}, {"name": "Ada L", "nick": False, "lastName": "L."}, "L."),
        ({"nick": "FirstName"}, {"name": 0, "nick": 7, "lastName": "L."}, "7 L."),
        ({"given": "FirstName"}, {"name": None, "given": "Ada", "firstName": "A."}, "Ada"),
    ],
)
def test_a_name_is_looked_for_after_the_custom_fields(rows: dict[str, str], traits: dict[str, Any], name: Any) -> None:
    assert person(traits, **rows).get("Name") == name


@pytest.mark.parametrize(
    ("traits", "context", "value"),
    [
        ({"a.b": 1, "a": {"b": 2}}, {"a.b": 3, "a": {"b": 4}}, 1),
        ({"a": {"b": 2}}, {"a.b": 3, "a": {"b": 4}}, 2),
        ({"a.b": None, "a": {"b": None}}, {"a.b": 3, "a": {"b": 4}}, 3),
        ({"a": "no object"}, {"a": {"b": 4}}, 4),
        ({"a.b": ""}, {"a.b": 3}, 3),
        ({"a.b": "", "a": {"b": 2}}, {"a.b": 3}, 2),
        ({"a.b": "", "a": {"b": None}}, {"a.b": "", "a": {"b": 4}}, 4),
        ({"a.b": None, "a": {"b": ""}}, {"a.b": None}, ""),
        ({"a.b": ""}, {"a.b": ""}, ""),
        ({"a.b": ""}, {"a.b": 0}, 0),
        ({"a.b": ""}, {"a.b": False}, False),
        ({"a.b": " "}, {"a.b": 3}, " "),
        ({"a.b": []}, {"a.b": 3}, []),
        ({"a.b": ""}, {}, ""),
        ({"a": {"b": {"c": [1, None]}}}, {}, {"c": [1, None]}),
        ({"a": [{"b": 1}]}, {}, None),
        ({}, {}, None),
    ],
)
def test_a_custom_field_takes_the_key_then_the_path_in_traits_then_in_context(
    traits: dict[str, Any], context: dict[str, Any], value: Any
) -> None:
    assert person(traits, context, a__b="x__gc").get("x__gc") == value
    if not context:
        assert company(traits, a__b="x__gc").get("x__gc") == value


def test_a_custom_field_goes_over_a_standard_one_and_its_trait_still_feeds_both() -> None:
    assert company({"industry": 5}, industry="Industry") == {"Name": "Acme", "Industry": 5}
    assert company({"industry": 5}, industry="Sector__gc") == {"Name": "Acme", "Industry": "5", "Sector__gc": 5}


@pytest.mark.parametrize(
    ("traits", "context", "message"),
    [
        ({}, {}, "traits.email: a non-blank string is needed for identify, got null"),
        ({"email": ""}, {}, "traits.email: a non-blank string is needed for identify, got a blank string"),
        ({"email": " "}, EMAIL, "traits.email: a non-blank string is needed for identify, got a blank string"),
        ({"email": 5}, EMAIL, "traits.email: a non-blank string is needed for identify, got a number"),
        ({"email": ""}, {"email": 5}, "context.traits.email: a non-blank string is needed for identify, got a number"),
        ({**EMAIL, "timezone": float("nan")}, {}, "traits.timezone: must be a finite number"),
        (EMAIL, {"location": {"a": [float("inf")]}}, "context.traits.location.a[0]: must be a finite number"),
        ({**EMAIL, "x": float("nan")}, {}, "traits.x: must be a finite number"),
        (EMAIL, {"x": {"y": {1}}}, "context.traits.x.y: is a set, which JSON cannot hold"),
    ],
)
def test_a_person_at_fault_is_named_by_its_trait(traits: dict[str, Any], context: dict[str, Any], message: str) -> None:
    config = DestinationConfig(domain="acme.co", person_map={"x": "x__gc"})
    with pytest.raises(EventError) as error:
        person_of(traits, context, config.custom_fields["personMap"])
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "expected"), [("Acme", "Acme"), (" Acme ", " Acme "), (42, "42"), (4.0, "4"), (4.5, "4.5"), (0, "0")]
)
def test_a_companys_name_is_a_string_unchanged_or_a_number_as_text(name: Any, expected: str) -> None:
    assert company({"name": name})["Name"] == expected


@pytest.mark.parametrize(
    ("name", "got"),
    [
        (None, "null"),
        ("", "a blank string"),
        (" ", "a blank string"),
        (True, "a boolean"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_a_company_without_a_name_is_refused(name: Any, got: str) -> None:
    with pytest.raises(EventError) as error:
        company({"name": name})
    assert str(error.value) == f"traits.name: a non-blank string or a number is needed for group, got {got}"


@pytest.mark.parametrize("email", [None, "", " ", 5, {}])
def test_a_group_is_linked_by_an_email_that_is_a_non_blank_string(email: Any) -> None:
    assert email_of({"email": " Ada@example.com"}) == " Ada@example.com"
    assert type(email_of({"email": Secret("ada@example.com")})) is str
    with pytest.raises(EventError, match=r"^context.traits.email: a non-blank string is needed for group, got "):
        email_of({"email": email})


def test_no_trait_feeds_two_standard_fields_and_no_field_stands_twice() -> None:
    for table in (PERSON_FIELDS, COMPANY_FIELDS):
        traits = [trait for field in table for trait in field.traits]
        assert len(set(traits)) == len(traits)
        assert len({field.name for field in table}) == len(table)


def test_the_gsids_of_linked_companies_can_be_read_back() -> None:
    assert linked_companies(company_link("ada@example.com", "1P02")) == ("1P02",)
    assert linked_companies({"Email": "ada@example.com"}) == ()


@pytest.mark.parametrize("field", [*PERSON_FIELDS, *COMPANY_FIELDS], ids=lambda field: field.name)
def test_a_field_of_numbers_takes_numbers_and_one_of_texts_is_kept_as_text(field: Field) -> None:
    assert (field.form is not Form.NUMBER) or (field.datatype is Datatype.NUMBER)
    assert (field.form is not Form.TEXT) or (field.datatype is Datatype.TEXT)


@given(strategies.json_values)
def test_every_datatype_says_of_any_value_whether_it_takes_it(value: Any) -> None:
    assert TAKES.keys() == set(Datatype)
    assert {takes(value) for takes in TAKES.values()} <= {True, False}
