"""Records as one: what is merged, and what is written by itself lest its refusal be lost."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest.batching.merge import SHORT, merged, stands_for
from gainsight_dest.fields import COMPANY, OBJECTS, PERSON, Datatype, GainsightObject, Record

EMAIL = "ada@example.com"
LONG = "x" * 300
HUGE = 10**15


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (3, 4),
        (3, -4.0),
        (1.5, 2.5),
        (True, False),
        ("true", "FALSE"),
        ("12", "-7"),
        ("2024-01-01", "2025-12-31"),
        ("2024-01-01T10:00:00Z", "2025-12-31 09:30"),
        ("https://acme.example", "http://b.example/c"),
        (EMAIL, "bob@example.com"),
        ("soon", "never"),
        ("soon", "1 or 2"),
        ("x" * SHORT, "y"),
        (LONG, "y" * 300),
        (LONG, "y" * 301),
    ],
)
def test_a_value_stands_for_another_of_its_sort(earlier: Any, later: Any) -> None:
    assert stands_for(later, earlier, None)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (3.5, 3),
        (3, 3.5),
        (3, "3"),
        ("3", 3),
        (1, True),
        (True, 1),
        (True, "true"),
        ("true", True),
        ("true", "yes"),
        (HUGE, 3),
        (3, HUGE),
        (-1e300, 3),
        (HUGE, HUGE + 1),
        ("12", "twelve"),
        ("twelve", "12"),
        ("12", "1.5"),
        ("1.5", "12"),
        ("12", "9" * 30),
        (" true ", "true"),
        ("true", "true "),
        (" 12 ", "12"),
        ([1], [True]),
        ("2024-01-01", "2024-01-01T10:00:00Z"),
        ("2024-01-01T10:00:00Z", "2024-01-01"),
        ("2025-02-30", "2025-02-28"),
        ("soon", "2025-02-28"),
        ("2025-02-28", "soon"),
        ("acme", "https://acme.example"),
        ("https://acme.example", EMAIL),
        ("ada", EMAIL),
        ("x" * (SHORT + 1), "y"),
        (LONG, "y" * 299),
        ("", "a"),
        ("a", ""),
        (" ", ""),
        (None, "a"),
        ("a", None),
        (["a"], ["b"]),
        ({"a": 1}, {"a": 2}),
    ],
)
def test_a_value_does_not_stand_for_one_that_may_be_refused_where_it_is_taken(earlier: Any, later: Any) -> None:
    assert not stands_for(later, earlier, None)


@pytest.mark.parametrize(
    "value", ["", " ", LONG, HUGE, -1e300, 1.5, True, None, ["a"], {"a": [1]}, "2025-02-30"], ids=lambda v: repr(v)[:9]
)
@pytest.mark.parametrize("datatype", [None, Datatype.TEXT, Datatype.ANY])
def test_any_value_stands_for_itself(value: Any, datatype: Datatype | None) -> None:
    assert stands_for(value, value, datatype)


@pytest.mark.parametrize(("earlier", "later"), [("1", "2"), (1, 2), ("gold", "silver"), (1, True), (True, False)])
def test_an_id_or_a_picklist_item_stands_for_itself_alone(earlier: Any, later: Any) -> None:
    assert not stands_for(later, earlier, Datatype.ANY)


@pytest.mark.parametrize(
    ("of", "field"), [(of, field.name) for of in OBJECTS for field in of.fields if field.datatype is Datatype.ANY]
)
def test_no_field_of_ids_or_picklist_items_is_merged_with_another_value(of: GainsightObject, field: str) -> None:
    first, other = {of.key: "a", field: "1"}, {of.key: "a", field: "2"}
    assert merged([first, first, other], of) == (first, 2)


def test_later_values_go_over_earlier_ones_and_what_only_one_has_is_kept() -> None:
    records: list[Record] = [
        {"Name": "Acme", "Employees": 1, "Summary": "first"},
        {"Name": "Acme", "Employees": 2, "Arr": 10},
        {"Name": "Acme", "Summary": "last"},
    ]
    assert merged(records, COMPANY) == ({"Name": "Acme", "Employees": 2, "Summary": "last", "Arr": 10}, 3)


def test_one_record_is_itself() -> None:
    record = {"Name": "Acme", "Employees": 1}
    assert merged([record], COMPANY) == (record, 1)


@pytest.mark.parametrize("spelling", ["ACME", "Acme ", "acme"])
def test_records_with_keys_that_differ_in_case_or_spaces_are_not_merged(spelling: str) -> None:
    assert merged([{"Name": "Acme"}, {"Name": spelling}, {"Name": "Acme"}], COMPANY) == ({"Name": "Acme"}, 1)


def test_what_comes_after_a_record_that_is_not_merged_is_not_merged_either() -> None:
    records = [{"Name": "Acme", "Arr": 1}, {"Name": "Acme", "Arr": 2.5}, {"Name": "Acme", "Arr": 3}]
    assert merged(records, COMPANY) == ({"Name": "Acme", "Arr": 1}, 1)


def test_links_are_united_in_order_each_once_and_beside_the_fields() -> None:
    acme, brix, cora = ({"Company_ID": gsid} for gsid in ("1P02A", "1P02B", "1P02C"))
    records: list[Record] = [
        {"Email": EMAIL, "companies": [brix]},
        {"Email": EMAIL, "FirstName": "Ada"},
        {"Email": EMAIL, "companies": [acme]},
        {"Email": EMAIL, "companies": [brix, cora]},
    ]
    assert merged(records, PERSON) == ({"Email": EMAIL, "FirstName": "Ada", "companies": [brix, acme, cora]}, 4)


def test_without_links_there_is_no_list_of_them() -> None:
    assert merged([{"Email": EMAIL}, {"Email": EMAIL}], PERSON) == ({"Email": EMAIL}, 2)


def test_merging_changes_no_record() -> None:
    records: list[Record] = [
        {"Email": EMAIL, "FirstName": "Ada", "companies": [{"Company_ID": "1P02A"}]},
        {"Email": EMAIL, "FirstName": "Bob", "companies": [{"Company_ID": "1P02B"}]},
    ]
    merged(records, PERSON)
    assert [record["FirstName"] for record in records] == ["Ada", "Bob"]
    assert [len(record["companies"]) for record in records] == [1, 1]


@pytest.mark.parametrize("links", [5, "abc", None, ["abc"], {"Company_ID": "1"}])
def test_what_a_custom_mapping_puts_in_the_place_of_links_is_a_value_like_any_other(links: Any) -> None:
    mapped = {"Email": EMAIL, "companies": links}
    assert merged([mapped, mapped], PERSON) == (mapped, 1)
    for records in (
        [mapped, {"Email": EMAIL, "companies": [{"Company_ID": "1"}]}],
        [{**mapped, "companies": 1.5}, mapped],
    ):
        assert merged(records, PERSON) == (records[0], 1)
    assert merged([mapped, {"Email": EMAIL, "Name": "Ada"}], PERSON) == ({**mapped, "Name": "Ada"}, 2)
