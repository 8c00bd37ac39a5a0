"""What a probe writes: the usual field or another that will do, and values of those that a tenant requires."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest.probing.samples import field_to_write, required
from gainsight_dest.tenant import Option, TenantField, TenantObject
from gainsight_dest.tenant.types import TYPES

OPTIONS = (Option("a", "1", is_active=False), Option("b"))


def company(*fields: TenantField) -> TenantObject:
    return TenantObject("Company", "", [TenantField("Name", type="STRING", is_required=True), *fields])


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (TenantField("Usual", type="STRING"), "Usual"),
        (TenantField("Usual", type="STRING", is_updateable=False), "Other"),
        (TenantField("Usual", type="STRING", is_createable=False), "Other"),
        (TenantField("Usual", type="STRING", is_required=True), "Other"),
        (TenantField("Usual", type="STRING", length=4), "Other"),
        (TenantField("Usual", type="NUMBER"), "Other"),
        (TenantField("Usual", type="STRING", options=(Option("a"),)), "Other"),
    ],
)
def test_a_text_is_written_into_the_usual_field_or_another_that_can_be_written(
    field: TenantField, written: str
) -> None:
    assert field_to_write(company(field, TenantField("Other", type="STRING")), "Usual", "STRING") == written


def test_where_no_field_will_do_or_none_is_known_it_is_the_usual_one() -> None:
    assert field_to_write(company(), "Usual", "STRING") == "Usual"
    assert field_to_write(None, "Usual", "STRING") == "Usual"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (TenantField("F", type="STRING", is_required=True), {"F": "probe"}),
        (TenantField("F", type="STRING", length=3, is_required=True), {"F": "pro"}),
        (TenantField("F", type="NUMBER", is_required=True), {"F": 0}),
        (TenantField("F", type="BOOLEAN", is_required=True), {"F": False}),
        (TenantField("F", type="PICKLIST", is_required=True, options=OPTIONS), {"F": "b"}),
        (TenantField("F", type="LOOKUP", is_required=True), {}),
        (TenantField("F", type="STRING"), {}),
        (TenantField("F", type="STRING", is_required=True, is_createable=False), {}),
    ],
)
def test_what_a_tenant_requires_gets_a_value_if_any_may_do(field: TenantField, values: dict[str, Any]) -> None:
    assert required(company(field)) == values
    assert required(None) == {}


def test_each_value_is_one_that_its_type_takes() -> None:
    fields = [TenantField(f"F{name}", type=name, is_required=True) for name in TYPES]
    of = company(*fields)
    values = required(of)
    assert [
        (name, of.fields[name].refusal(value)) for name, value in values.items() if of.fields[name].refusal(value)
    ] == []
    assert len(values) > 8
