"""What a tenant says of itself: the data of describe answers, of the list of objects, and of a picklist's options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gainsight_dest.fields import CUSTOM, Record
from gainsight_dest.gainsight import COMPANY_SYSTEM_FIELDS, GSID

if TYPE_CHECKING:
    from gainsight_dest.tenant import Option, Tenant, TenantField

_CATEGORY = "1I01SANDBOX"


def described(tenant: Tenant, names: list[str], *, with_options: bool = True) -> list[Record]:
    """The objects of those names, each once, as a describe answer has them; those that are not there are left out.

    `with_options`: the options of picklists, too.
    """
    categories = {(field.of, field.name): category for category, field in _categories(tenant)}
    return [
        {
            "objectName": of.name,
            "label": of.label,
            "fields": [
                _field(field, categories.get((of.name, field.name)), with_options=with_options)
                for field in of.fields.values()
            ],
        }
        for of in map(tenant.object_of, dict.fromkeys(names))
        if of is not None
    ]


def listed(tenant: Tenant) -> list[Record]:
    """All objects, as the list of objects has them."""
    return [
        {
            "objectName": of.name,
            "label": of.label,
            "objectType": "CUSTOM" if of.name.endswith(CUSTOM) else "STANDARD",
            "createable": any(field.is_createable for field in of.fields.values()),
            "readable": True,
        }
        for of in tenant.objects.values()
    ]


def picklist(tenant: Tenant, category: str) -> Record | None:
    """The options of a category, as a picklist has them; None where there is no such category."""
    for each, field in _categories(tenant):
        if each == category:
            return {
                "gsid": category,
                "name": field.label,
                "childItems": [
                    {"name": option.label, "systemName": option.label, "active": option.is_active, "gsid": option.id}
                    for option in field.options
                ],
            }
    return None


def _categories(tenant: Tenant) -> Iterator[tuple[str, TenantField]]:
    """Each field that has options, and the category which they are of."""
    with_options = (field for of in tenant.objects.values() for field in of.fields.values() if field.options)
    return ((f"{_CATEGORY}{number:012d}", field) for number, field in enumerate(with_options))


def _field(field: TenantField, category: str | None, *, with_options: bool) -> Record:
    options = [_option(option, place) for place, option in enumerate(field.options)] if with_options else None
    meta: Record = {
        "createable": field.is_createable,
        "updateable": field.is_updateable,
        "required": field.is_required,
        "nillable": not field.is_required,
        "readOnly": not field.is_writable,
        "length": field.length or 0,
        "decimalPlaces": field.decimals or 0,
        "hidden": False,
        "formulaField": field.is_formula,
        "hasLookup": bool(field.looks_up),
        "lookupDetail": _lookup(field),
        "fieldGroupType": _group(field),
        "properties": {"PICKLIST_CATEGORY_ID": category} if category else {},
    }
    return {"fieldName": field.name, "label": field.label, "dataType": field.type, "options": options, "meta": meta}


def _group(field: TenantField) -> str:
    if field.name in COMPANY_SYSTEM_FIELDS:
        return "SYSTEM"
    return "CUSTOM" if field.is_custom else "STANDARD"


def _lookup(field: TenantField) -> Record | None:
    if not field.looks_up:
        return None
    return {"fieldName": GSID, "lookupObjects": [{"objectName": name} for name in field.looks_up]}


def _option(option: Option, place: int) -> Record:
    return {
        "label": option.label,
        "value": option.id,
        "active": option.is_active,
        "defaultValue": False,
        "displayOrder": place,
    }
