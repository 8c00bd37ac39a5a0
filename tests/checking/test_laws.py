"""What holds of the changes between any two tenants."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from gainsight_dest.checking.changes import KINDS, changes
from gainsight_dest.tenant import Tenant, TenantField
from gainsight_dest.testing.strategies import tenants

#: Values of all types, of many lengths.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 1.255, -7, "", "x", "true", "12", "2026-03-02", "2026-03-02T09:30:00Z", "a@b.co"),
    *("https://example.com", "1P02" + "A" * 32, "0015g00000abcde", [], ["x"], {}, {"x": 1}),
    *("é" * length for length in (5, 6, 20, 80, 255, 256, 500, 501, 2_000, 32_768, 32_769)),
)


def values_of(*fields: TenantField) -> list[Any]:
    """Values, and the words of the fields' options."""
    options = [option for field in fields for option in field.options]
    return [*VALUES, *(word for option in options for word in (option.label, option.id, option.label.upper()))]


@given(tenants(), tenants())
def test_what_was_taken_is_taken_still_where_no_change_says_that_it_may_be_refused(
    before: Tenant, after: Tenant
) -> None:
    refusing = {(change.object, change.field) for change in changes(before, after) if change.can_refuse}
    for name, was in before.objects.items():
        if (name, None) in refusing:
            continue
        now = after.objects[name]
        for field in was.fields.keys() - {field for of, field in refusing if of == name}:
            for value in values_of(was.fields[field], now.fields[field]):
                for is_new in (True, False, None):
                    if was.field_refusal(field, value, is_new=is_new) is None:
                        assert now.field_refusal(field, value, is_new=is_new) is None, (field, is_new)
        missing = dict(now.refusals({}, is_new=True)).keys() - dict(was.refusals({}, is_new=True)).keys()
        assert {(name, field) for field in missing} <= refusing


@given(tenants(), tenants())
def test_changes_are_none_of_one_tenant_sorted_and_as_many_the_other_way_round(one: Tenant, other: Tenant) -> None:
    found = changes(one, other)
    assert changes(one, one) == ()
    assert [*found] == sorted(found, key=lambda change: not change.can_refuse)
    assert {change.kind for change in found} <= KINDS.keys()
    assert {change.place for change in found} == {change.place for change in changes(other, one)}
