"""What has changed between two descriptions of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from gainsight_dest.checking.changes import KINDS, Change, changes
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject
from tests.tenant_of_60_fields import ANSWER

WHOLE = Tenant.from_describe(ANSWER)
GOLD, FREE = Option("Gold", "1I001"), Option("Free", "1I002")
PLAN = TenantField("Plan__gc", "Plan", "PICKLIST", options=(GOLD, FREE))
CODE = TenantField("Code__gc", "Code", "STRING", length=10)
SCORE = TenantField("Score__gc", "Score", "NUMBER", decimals=2)
OWNER = TenantField("Owner__gc", "Owner", "LOOKUP", looks_up=("GsUser",))


def tenant(*fields: TenantField, **objects: Any) -> Tenant:
    return Tenant([TenantObject("Company", fields=fields), *objects.values()])


Row = tuple[TenantField, dict[str, Any], str, str | None, str | None]
ROWS: tuple[Row, ...] = (
    (CODE, {"type": "NUMBER", "length": None}, "type", "STRING", "NUMBER"),
    (CODE, {"length": 5}, "shorter", "10", "5"),
    (CODE, {"length": 2000}, "longer", "10", "2,000"),
    (CODE, {"length": None}, "longer", "10", "500"),
    (attrs.evolve(CODE, length=2000), {"length": None}, "shorter", "2,000", "500"),
    (SCORE, {"decimals": 1}, "fewer-decimals", "2", "1"),
    (SCORE, {"decimals": 3}, "more-decimals", "2", "3"),
    (CODE, {"is_required": True}, "required", None, None),
    (attrs.evolve(CODE, is_required=True), {"is_required": False}, "not-required", None, None),
    (CODE, {"is_formula": True}, "less-written", "created, updated", "read-only"),
    (CODE, {"is_updateable": False}, "less-written", "created, updated", "created"),
    (attrs.evolve(CODE, is_updateable=False), {"is_updateable": True}, "more-written", "created", "created, updated"),
    (
        attrs.evolve(CODE, is_updateable=False),
        {"is_updateable": True, "is_createable": False},
        "less-written",
        "created",
        "updated",
    ),
    (OWNER, {"looks_up": ("GsUser", "Person")}, "looks-up", "GsUser", "GsUser, Person"),
    (CODE, {"label": "Codes"}, "label", "Code", "Codes"),
    (attrs.evolve(PLAN, options=()), {"options": (GOLD, FREE)}, "options", None, "2 options"),
    (PLAN, {"options": (GOLD,)}, "option-gone", "Free", None),
    (PLAN, {"options": (GOLD, FREE, Option("Max", "1I003"))}, "option-new", None, "Max"),
    (PLAN, {"options": (GOLD, attrs.evolve(FREE, is_active=False))}, "option-inactive", None, "Free"),
    (
        attrs.evolve(PLAN, options=(attrs.evolve(GOLD, is_active=False),)),
        {"options": (GOLD,)},
        "option-active",
        None,
        "Gold",
    ),
    (PLAN, {"options": (GOLD, Option("Gratis", "1I002"))}, "option-label", "Free", "Gratis"),
    (PLAN, {"options": (GOLD, Option("Free", "1I009"))}, "option-id", "Free: 1I002", "Free: 1I009"),
)


@pytest.mark.parametrize(("field", "change", "kind", "before", "after"), ROWS)
def test_a_field_that_differs_is_a_change_of_one_kind(
    field: TenantField, change: dict[str, Any], kind: str, before: str | None, after: str | None
) -> None:
    found = changes(tenant(field), tenant(attrs.evolve(field, **change)))
    assert found == (Change("Company", field.name, kind, before, after),)
    assert found[0].place == f"Company.{field.name}"


def test_what_is_gone_or_new_is_a_change() -> None:
    person = TenantObject("Person")
    assert changes(tenant(CODE, x=person), tenant(SCORE)) == (
        Change("Company", "Code__gc", "field-gone"),
        Change("Person", None, "object-gone"),
        Change("Company", "Score__gc", "field-new", after="NUMBER"),
    )
    required = attrs.evolve(SCORE, is_required=True)
    assert [change.kind for change in changes(tenant(), tenant(required, x=person))] == [
        "required-field-new",
        "object-new",
    ]
    renamed = TenantObject("Company", "Account")
    assert changes(tenant(), Tenant([renamed])) == (Change("Company", None, "label", "Company", "Account"),)


def test_each_kind_is_shown_by_an_example() -> None:
    shown = {row[2] for row in ROWS} | {"field-gone", "field-new", "required-field-new", "object-gone", "object-new"}
    assert shown == {*KINDS}


def test_an_option_without_an_id_is_known_by_its_label() -> None:
    plan = attrs.evolve(PLAN, options=(Option("Gold"), Option("Free")))
    found = changes(tenant(plan), tenant(attrs.evolve(plan, options=(Option("Free"), Option("Max")))))
    assert [(change.kind, change.before, change.after) for change in found] == [
        ("option-gone", "Gold", None),
        ("option-new", None, "Max"),
    ]


def test_an_option_of_another_id_may_be_inactive_too() -> None:
    plan = attrs.evolve(PLAN, options=(Option("Gold", "1I009", is_active=False), FREE))
    assert [change.kind for change in changes(tenant(PLAN), tenant(plan))] == ["option-inactive", "option-id"]


def test_of_another_type_the_length_is_no_change_of_its_own() -> None:
    found = changes(tenant(CODE), tenant(attrs.evolve(CODE, type="EMAIL", length=5)))
    assert [change.kind for change in found] == ["type"]


def test_a_tenant_that_is_the_same_has_not_changed() -> None:
    assert changes(WHOLE, Tenant.from_data(WHOLE.as_data())) == ()


def test_all_that_is_gone_is_new_the_other_way_round() -> None:
    nothing = Tenant([])
    assert [change.kind for change in changes(WHOLE, nothing)] == ["object-gone"] * 2
    assert [change.kind for change in changes(nothing, WHOLE)] == ["object-new"] * 2
    assert not any(change.can_refuse for change in changes(nothing, WHOLE))


def test_what_can_refuse_events_comes_first_and_the_rest_is_sorted() -> None:
    before = tenant(*(attrs.evolve(field, label="x") for field in (CODE, SCORE)))
    found = changes(before, tenant(attrs.evolve(CODE, length=5), attrs.evolve(SCORE, decimals=None)))
    assert [(change.field, change.kind) for change in found] == [
        ("Code__gc", "shorter"),
        ("Code__gc", "label"),
        ("Score__gc", "more-decimals"),
        ("Score__gc", "label"),
    ]


@pytest.mark.parametrize("size", [2_000])
def test_a_big_tenant_is_compared_with_a_look_at_each_option(size: int) -> None:
    """Counted by what is asked of options: as many looks at a label for each, be there few or many."""
    counts = [_looks(size), _looks(2 * size)]
    assert counts[1] <= 2.2 * counts[0]


def _looks(size: int) -> int:
    looks = 0

    class Label(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal looks
            looks += 1
            return str.__hash__(self)

        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

    def made(first: int, name: Callable[[int], str]) -> Tenant:
        options = tuple(Option(Label(f"o{n}"), name(n)) for n in range(first, first + size))
        return tenant(attrs.evolve(PLAN, options=options))

    before, after = made(0, lambda n: f"i{n}"), made(size // 2, lambda n: f"j{n}")
    looks = 0
    assert len(changes(before, after)) == size + size // 2
    return looks
