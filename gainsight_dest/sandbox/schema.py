"""What a sandbox checks of a record before it writes it: which fields there are, and what they take.

Of a tenant whose fields are known, `TenantObject.refusals` decides. Without one there are the standard fields, and they
take whatever can be read as a value of their datatype. The codes are Gainsight's; which of them it gives for which
mistake is documented in part only, the rest is a likely guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from gainsight_dest.fields import CUSTOM, OBJECTS, PERSON, TAKES, Datatype, GainsightObject, Record
from gainsight_dest.tenant.types import LONGEST_CUSTOM_TEXT, OBJECT_CODES, PEOPLE_CODES, TYPES

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant, TenantField, TenantObject

#: What is said of a value that a datatype does not take.
WORDS: dict[Datatype, str] = {
    Datatype.TEXT: "Invalid string",
    Datatype.NUMBER: "Invalid number",
    Datatype.BOOLEAN: "Invalid boolean",
    # The words for a date are those of the one refusal that Gainsight shows: of OriginalContractDate, with GSOBJ_1006.
    Datatype.DATE: "Invalid dateTime format",
    Datatype.DATETIME: "Invalid dateTime format",
    Datatype.EMAIL: "Invalid email",
    Datatype.URL: "Invalid URL",
}


#: What a describe answer calls each datatype. Of ids and picklists nothing is known without a tenant.
_TYPES: dict[Datatype, str] = {
    Datatype.ANY: "ANY",
    Datatype.TEXT: "STRING",
    Datatype.NUMBER: "NUMBER",
    Datatype.BOOLEAN: "BOOLEAN",
    Datatype.DATE: "DATE",
    Datatype.DATETIME: "DATETIME",
    Datatype.EMAIL: "EMAIL",
    Datatype.URL: "URL",
}
_SYSTEM_TYPES = {"Gsid": "GSID", "CreatedDate": "DATETIME", "ModifiedDate": "DATETIME"}


@attrs.frozen
class FieldProblem:
    """Why a field is refused, as Gainsight tells it."""

    field: str
    code: str
    message: str
    value: Any

    @property
    def description(self) -> str:
        """An answer's `errorDesc`: it quotes the value, as Gainsight's does."""
        return f"{self.message}: {self.value}"

    def as_data(self) -> Record:
        """An entry of an answer's `errors`."""
        return {
            "errorMessage": self.message,
            "errorCode": self.code,
            "fieldName": self.field,
            "invalidValue": self.value,
        }


def refused_by(tenant: TenantObject, record: Record, of: GainsightObject, *, is_new: bool) -> Iterator[FieldProblem]:
    """Everything that the tenant refuses of a record, new or there already; and a key that nothing is found by."""
    refused = dict(tenant.refusals(record, is_new=is_new))
    for name, refusal in refused.items():
        yield FieldProblem(name, refusal.code, f"{name} {refusal.reason}", record.get(name))
    if of.key not in refused:
        yield from _key_problem(record, of)


def _key_problem(record: Record, of: GainsightObject) -> Iterator[FieldProblem]:
    if not isinstance(record.get(of.key), str) or not record[of.key].strip():
        code = _invalid(Datatype.EMAIL, of) if of is PERSON else OBJECT_CODES.null
        yield FieldProblem(of.key, code, f"{of.key} is required", record.get(of.key))


def _invalid(datatype: Datatype, of: GainsightObject) -> str:
    """The code for a value which the datatype does not take."""
    data_type = TYPES[_TYPES[datatype]]
    return data_type.people if of is PERSON else data_type.objects


def problems(record: Record, of: GainsightObject, custom: Mapping[str, Datatype] | None) -> Iterator[FieldProblem]:
    """Everything that is wrong with the record's fields. A null clears a field, but never the key.

    `custom`: the custom fields of the object; None: any field that ends in `__gc` is there.
    """
    codes = PEOPLE_CODES if of is PERSON else OBJECT_CODES
    yield from _key_problem(record, of)
    for name, value in record.items():
        datatype = of.datatype(name) or _custom(name, custom)
        if datatype is None:
            code = codes.unwritable if name in of.system else codes.unknown
            yield FieldProblem(name, code, f"Unknown field {name}", value)
        elif value is not None and not TAKES[datatype](value):
            yield FieldProblem(name, _invalid(datatype, of), WORDS[datatype], value)
        elif name.endswith(CUSTOM) and isinstance(value, str) and len(value) > LONGEST_CUSTOM_TEXT:
            yield FieldProblem(name, codes.long, "Value too long", value)


def _custom(name: str, custom: Mapping[str, Datatype] | None) -> Datatype | None:
    """What a custom field takes; None where there is no such field."""
    if custom is None:
        return Datatype.ANY if name.endswith(CUSTOM) else None
    return custom.get(name)


# --- as a tenant ------------------------------------------------------------------------------------------------------


def own_tenant(custom: Mapping[str, Mapping[str, Datatype] | None]) -> Tenant:
    """The standard fields, and these custom ones by their objects, as a tenant's."""
    from gainsight_dest.tenant import Tenant, TenantObject  # noqa: PLC0415 - few sandboxes are asked for their schema

    return Tenant([TenantObject(of.name, of.name, [*_own_fields(of, custom.get(of.name) or {})]) for of in OBJECTS])


def _own_fields(of: GainsightObject, custom: Mapping[str, Datatype]) -> Iterator[TenantField]:
    from gainsight_dest.tenant import TenantField  # noqa: PLC0415 - the same

    for name, datatype in {**custom, **{field.name: field.datatype for field in of.fields}}.items():
        yield TenantField(name, name, _TYPES[datatype], is_required=name == of.key)
    for name in of.system:
        type_ = _SYSTEM_TYPES.get(name, _TYPES[Datatype.ANY])
        yield TenantField(name, name, type_, is_createable=False, is_updateable=False)
