"""What Gainsight checks of a record before it writes it: which fields there are, and what they take.

The codes are Gainsight's; which of them it gives for which mistake is documented in part only, the rest is a likely
guess. Text limits come from a tenant's schema; 500 for a custom field is Gainsight's default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from gainsight_dest.api import COMPANY_KEY, PERSON_KEY
from gainsight_dest.fields import COMPANY_FIELDS, CUSTOM, PERSON_FIELDS, TAKES, Datatype, Field, Record

LONGEST_CUSTOM_TEXT = 500


@attrs.frozen
class Rule:
    """What is said of a value that a datatype does not take, and the codes for a company's field and a person's."""

    message: str
    company_code: str
    person_code: str


RULES: dict[Datatype, Rule] = {
    Datatype.ANY: Rule("", "GSOBJ_1002", "GSOBJ_VDTBSTR1001"),
    Datatype.TEXT: Rule("Invalid string", "GSOBJ_1002", "GSOBJ_VDTBSTR1001"),
    Datatype.NUMBER: Rule("Invalid number", "GSOBJ_1002", "GSOBJ_VDTNUM1001"),
    Datatype.BOOLEAN: Rule("Invalid boolean", "GSOBJ_1002", "GSOBJ_VDTBOOL1001"),
    # The words for a date are those of the one refusal that Gainsight shows: of OriginalContractDate, with GSOBJ_1006.
    Datatype.DATE: Rule("Invalid dateTime format", "GSOBJ_1006", "GSOBJ_VDTDATIME1001"),
    Datatype.DATETIME: Rule("Invalid dateTime format", "GSOBJ_1005", "GSOBJ_VDTDATIME1001"),
    Datatype.EMAIL: Rule("Invalid email", "GSOBJ_1002", "GSOBJ_VDTEMAIL1001"),
    Datatype.URL: Rule("Invalid URL", "GSOBJ_1002", "GSOBJ_VDTURL1001"),
}


@attrs.frozen
class Problem:
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


@attrs.frozen
class Schema:
    """The fields of one object and the codes of its refusals. `custom` None: any field that ends in `__gc` is there."""

    key: str
    fields: Mapping[str, Datatype]
    custom: Mapping[str, Datatype] | None
    code_of: Callable[[Rule], str]
    unknown_code: str
    long_code: str
    null_code: str

    def problems(self, record: Record) -> Iterator[Problem]:
        """Everything that is wrong with the record's fields. A null clears a field, but never the key."""
        if not isinstance(record.get(self.key), str) or not record[self.key].strip():
            yield Problem(self.key, self.null_code, f"{self.key} is required", record.get(self.key))
        for name, value in record.items():
            datatype = self.datatype(name)
            if datatype is None:
                yield Problem(name, self.unknown_code, f"Unknown field {name}", value)
            elif value is not None and not TAKES[datatype](value):
                rule = RULES[datatype]
                yield Problem(name, self.code_of(rule), rule.message, value)
            elif name.endswith(CUSTOM) and isinstance(value, str) and len(value) > LONGEST_CUSTOM_TEXT:
                yield Problem(name, self.long_code, "Value too long", value)

    def datatype(self, name: str) -> Datatype | None:
        """What the field takes; None where there is no such field."""
        if name in self.fields:
            return self.fields[name]
        if self.custom is None:
            return Datatype.ANY if name.endswith(CUSTOM) else None
        return self.custom.get(name)


def _datatypes(fields: tuple[Field, ...]) -> dict[str, Datatype]:
    return {field.name: field.datatype for field in fields}


def person_schema(custom: Mapping[str, Datatype] | None) -> Schema:
    """The Person object. Its codes: Person_API/Error_Codes_for_Person_API."""
    return Schema(
        PERSON_KEY,
        _datatypes(PERSON_FIELDS),
        custom,
        lambda rule: rule.person_code,
        unknown_code="GSOBJ_VCRUDR1002",
        long_code="GSOBJ_VDTBSTR1001",
        null_code="GSOBJ_VDTEMAIL1001",
    )


def company_schema(custom: Mapping[str, Datatype] | None) -> Schema:
    """The Company object. Its codes: Error_Codes_for_Company,_Relationship,_and_Custom_Object_APIs."""
    return Schema(
        COMPANY_KEY,
        _datatypes(COMPANY_FIELDS),
        custom,
        lambda rule: rule.company_code,
        unknown_code="GSOBJ_1008",
        long_code="GSOBJ_1001",
        null_code="GSOBJ_1007",
    )
