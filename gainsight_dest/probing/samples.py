"""What a probe writes into fields: which of them it looks at, and what goes into those that a tenant requires."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gainsight_dest.fields import Record
from gainsight_dest.tenant import TenantField, TenantObject

#: What is written into a text.
WORD = "probe"
#: By types, what a required field gets. Of other types nothing is known that a tenant would take.
_SAMPLES: dict[str, Any] = {
    "STRING": WORD,
    "RICHTEXTAREA": WORD,
    "EMAIL": "gainsight-dest-probe@example.com",
    "URL": "https://example.com",
    "NUMBER": 0,
    "PERCENTAGE": 0,
    "CURRENCY": 0,
    "BOOLEAN": False,
    "DATE": "2026-01-02",
    "DATETIME": "2026-01-02T03:04:05Z",
}


def field_to_write(of: TenantObject | None, usual: str, data_type: str) -> str:
    """The usual field, if it can be written; else the first of that type that can; the usual one if there is none."""
    if of is None or _is_free(of.fields.get(usual), {data_type}):
        return usual
    others = (name for name, field in of.fields.items() if name != of.key and _is_free(field, {data_type}))
    return next(others, usual)


def _is_free(field: TenantField | None, types: Collection[str]) -> bool:
    """Whether the field takes a value of those types in any write, and may be cleared."""
    if field is None or field.is_required or field.options:
        return False
    is_long = field.longest is None or field.longest >= len(WORD)
    return field.type in types and field.is_createable and field.is_updateable and is_long


def required(of: TenantObject | None) -> Record:
    """Values of the fields that a new record must have beside its key, as far as there are any that may do."""
    if of is None:
        return {}
    fields = (
        field for field in of.fields.values() if field.is_required and field.is_createable and field.name != of.key
    )
    values = {field.name: _sample(field) for field in fields}
    return {name: value for name, value in values.items() if value is not None}


def _sample(field: TenantField) -> Any:
    labels = [option.label for option in field.options if option.is_active and option.label]
    if labels:
        return labels[0]
    value = _SAMPLES.get(field.type)
    return value[: field.longest] if isinstance(value, str) and field.data_type.is_text else value
