"""What Gainsight takes into a field, and the code it refuses the rest with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gainsight_dest import fields
from gainsight_dest.fields import OBJECTS, Datatype, GainsightObject
from gainsight_dest.sandbox.schema import WORDS, FieldProblem, problems
from gainsight_dest.tenant.types import LONGEST_CUSTOM_TEXT

COMPANY = {"Name": "Acme"}
PERSON = {"Email": "ada@example.com"}
Custom = Mapping[str, Datatype] | None

#: Datatype -> what it takes, what it refuses, and the codes for a company and a person.
TABLE: dict[Datatype, tuple[list[Any], list[Any], str, str]] = {
    Datatype.ANY: (["x", 7, True, [1], {"a": 1}, ""], [], "GSOBJ_1002", "GSOBJ_VDTBSTR1001"),
    Datatype.TEXT: (["x", "", 7, 7.5, True], [["x"], {"a": 1}], "GSOBJ_1002", "GSOBJ_VDTBSTR1001"),
    Datatype.NUMBER: ([7, 7.5, 0, "12", " 1e3 "], ["many", "", True, [7], {}], "GSOBJ_1002", "GSOBJ_VDTNUM1001"),
    Datatype.BOOLEAN: ([True, False, "true", "FALSE"], ["yes", "", 1, [True]], "GSOBJ_1008", "GSOBJ_VDTBOOL1001"),
    Datatype.DATE: (
        ["2026-03-02", "2024-02-29", "2026-03-02T10:00:00Z", "2026-03-02 10:00"],
        [210318, "2026-02-29", "2026-13-01", "02.03.2026", "2026-03-02T24:00", "٢٠٢٦-03-02", "", ["2026-03-02"]],
        "GSOBJ_1006",
        "GSOBJ_VDTDATIME1001",
    ),
    Datatype.DATETIME: (
        ["2026-03-02", "2026-03-02T10:00:00.123456789+0100", "2026-03-02T10:00:00-05:30"],
        [1772445600000, "2026-03-02T10:60", "2026-03-02T10:00:00 Z", "2026-04-31T10:00Z", "soon", {}],
        "GSOBJ_1005",
        "GSOBJ_VDTDATIME1001",
    ),
    Datatype.EMAIL: (
        ["ada@example.com", "Ünï@exämple.co.uk"],
        ["ada", "ada@example", "a b@example.com", "ada@example.com ", "a@b@c.com", "ada@.com", "", 7, ["a@b.co"]],
        "GSOBJ_1002",
        "GSOBJ_VDTEMAIL1001",
    ),
    Datatype.URL: (
        ["https://linkedin.com/in/ada", "http://x"],
        ["linkedin.com/in/ada", "https://", "https://a b", "ftp://x", "", 7],
        "GSOBJ_1002",
        "GSOBJ_VDTURL1001",
    ),
}


def of_company(custom: Custom, record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in problems(record, fields.COMPANY, custom)]


def of_person(custom: Custom, record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in problems(record, fields.PERSON, custom)]


def test_every_datatype_that_refuses_anything_has_words_and_each_has_a_row_here() -> None:
    assert set(TABLE) == set(Datatype)
    assert set(WORDS) == {datatype for datatype, (_, refused, *_) in TABLE.items() if refused}


@pytest.mark.parametrize(("datatype", "value"), [(d, v) for d, row in TABLE.items() for v in (*row[0], None)])
def test_a_datatype_takes_what_is_one_and_null(datatype: Datatype, value: Any) -> None:
    custom = {"X__gc": datatype}
    assert of_company(custom, {**COMPANY, "X__gc": value}) == []
    assert of_person(custom, {**PERSON, "X__gc": value}) == []


@pytest.mark.parametrize(("datatype", "value"), [(d, v) for d, row in TABLE.items() for v in row[1]])
def test_a_datatype_refuses_what_is_none_with_the_objects_own_code(datatype: Datatype, value: Any) -> None:
    _, _, company_code, person_code = TABLE[datatype]
    custom = {"X__gc": datatype}
    assert of_company(custom, {**COMPANY, "X__gc": value}) == [("X__gc", company_code)]
    assert of_person(custom, {**PERSON, "X__gc": value}) == [("X__gc", person_code)]


@pytest.mark.parametrize("of", OBJECTS, ids=lambda of: of.name)
def test_each_standard_field_is_there_whatever_custom_fields_there_are(of: GainsightObject) -> None:
    record = dict.fromkeys(of.by_name) | {of.key: "ada@example.com"}
    assert [*problems(record, of, {})] == []


@pytest.mark.parametrize("name", ["Gsid", "CreatedDate", "CreatedBy", "ModifiedDate", "ModifiedBy"])
def test_a_system_field_is_refused(name: str) -> None:
    assert of_company(None, {**COMPANY, name: "x"}) == [(name, "GSOBJ_1008")]
    assert of_person(None, {**PERSON, name: None}) == [(name, "GSOBJ_VCRUDR1002")]


@pytest.mark.parametrize("name", ["Planet", "plan"])
def test_a_field_that_is_not_there_is_refused(name: str) -> None:
    assert of_company(None, {**COMPANY, name: "x"}) == [(name, "GSOBJ_1002")]
    assert of_person(None, {**PERSON, name: None}) == [(name, "GSOBJ_VCRUDR1002")]


@pytest.mark.parametrize("name", ["Csat", "Nps", "CurrentScore", "ScorecardId", "Trend"])
def test_a_companys_scores_cannot_be_written(name: str) -> None:
    assert of_company(None, {**COMPANY, name: 7}) == [(name, "GSOBJ_1008")]


def test_any_custom_field_is_there_until_it_is_said_which_are() -> None:
    record = {**COMPANY, "Plan__gc": "gold"}
    assert of_company(None, record) == []
    assert of_company({"Plan__gc": Datatype.TEXT}, record) == []
    assert of_company({"Other__gc": Datatype.TEXT}, record) == [("Plan__gc", "GSOBJ_1002")]
    assert of_person({}, {**PERSON, "Plan__gc": "gold"}) == [("Plan__gc", "GSOBJ_VCRUDR1002")]


def test_a_custom_text_of_500_characters_is_taken_and_one_more_is_too_long() -> None:
    longest = "x" * LONGEST_CUSTOM_TEXT
    assert LONGEST_CUSTOM_TEXT == 500
    assert of_company(None, {**COMPANY, "Plan__gc": longest, "Summary": f"{longest}x"}) == []
    assert of_company(None, {**COMPANY, "Plan__gc": f"{longest}x"}) == [("Plan__gc", "GSOBJ_1001")]
    assert of_person(None, {**PERSON, "Plan__gc": f"{longest}x"}) == [("Plan__gc", "GSOBJ_VDTBSTR1001")]


@pytest.mark.parametrize("key", [None, "", "  ", 7])
def test_the_key_must_be_a_text_that_is_not_blank(key: Any) -> None:
    assert ("Name", "GSOBJ_1007") in of_company(None, {"Name": key})
    assert ("Email", "GSOBJ_VDTEMAIL1001") in of_person(None, {"Email": key})


def test_a_record_without_its_key_is_refused() -> None:
    assert of_company(None, {"Arr": 7}) == [("Name", "GSOBJ_1007")]
    assert of_person(None, {"Name": "Ada"}) == [("Email", "GSOBJ_VDTEMAIL1001")]


def test_null_clears_any_field_but_the_key() -> None:
    names = [field.name for field in fields.COMPANY.fields if not field.required]
    assert of_company(None, {**COMPANY, **dict.fromkeys(names), "Plan__gc": None}) == []


def test_every_problem_of_a_record_is_told_in_the_order_of_its_fields() -> None:
    record = {"Arr": "many", "Name": "Acme", "Planet": 1, "RenewalDate": 210318}
    assert of_company(None, record) == [
        ("Arr", "GSOBJ_1002"),
        ("Planet", "GSOBJ_1002"),
        ("RenewalDate", "GSOBJ_1006"),
    ]


def test_a_problem_is_told_as_gainsight_tells_it_and_only_its_description_quotes_the_value() -> None:
    (problem,) = problems({**COMPANY, "OriginalContractDate": 210318}, fields.COMPANY, None)
    assert problem == FieldProblem("OriginalContractDate", "GSOBJ_1006", "Invalid dateTime format", 210318)
    assert problem.description == "Invalid dateTime format: 210318"
    assert problem.as_data() == {
        "errorMessage": "Invalid dateTime format",
        "errorCode": "GSOBJ_1006",
        "fieldName": "OriginalContractDate",
        "invalidValue": 210318,
    }
