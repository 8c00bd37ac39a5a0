"""What Gainsight checks of a record before it writes it: which fields there are, and what they take.

The codes are Gainsight's; which of them it gives for which mistake is documented in part only, the rest is a likely
guess. Text limits come from a tenant's schema; 500 for a custom field is Gainsight's default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from gainsight_dest.fields import CUSTOM, PERSON, TAKES, Datatype, GainsightObject, Record

LONGEST_CUSTOM_TEXT = 500


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


@attrs.frozen
class Codes:
    """Gainsight's codes for what is wrong with a record of an object.

    `unknown`: there is no such field. `long`: the text is too long. `missing`: there is no key. `invalid`: the datatype
    does not take the value; `of`: another code for a value of that datatype.
    """

    unknown: str
    long: str
    missing: str
    invalid: str
    of: Mapping[Datatype, str]


#: Of companies, relationships and custom objects: Error_Codes_for_Company,_Relationship,_and_Custom_Object_APIs.
_OF_OBJECTS = Codes(
    "GSOBJ_1008",
    "GSOBJ_1001",
    "GSOBJ_1007",
    "GSOBJ_1002",
    {Datatype.DATE: "GSOBJ_1006", Datatype.DATETIME: "GSOBJ_1005"},
)
#: Person_API/Error_Codes_for_Person_API.
_OF_PEOPLE = Codes(
    "GSOBJ_VCRUDR1002",
    "GSOBJ_VDTBSTR1001",
    "GSOBJ_VDTEMAIL1001",
    "GSOBJ_VDTBSTR1001",
    {
        Datatype.NUMBER: "GSOBJ_VDTNUM1001",
        Datatype.BOOLEAN: "GSOBJ_VDTBOOL1001",
        Datatype.DATE: "GSOBJ_VDTDATIME1001",
        Datatype.DATETIME: "GSOBJ_VDTDATIME1001",
        Datatype.EMAIL: "GSOBJ_VDTEMAIL1001",
        Datatype.URL: "GSOBJ_VDTURL1001",
    },
)


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


def problems(record: Record, of: GainsightObject, custom: Mapping[str, Datatype] | None) -> Iterator[FieldProblem]:
    """Everything that is wrong with the record's fields. A null clears a field, but never the key.

    `custom`: the custom fields of the object; None: any field that ends in `__gc` is there.
    """
    codes = _OF_PEOPLE if of is PERSON else _OF_OBJECTS
    if not isinstance(record.get(of.key), str) or not record[of.key].strip():
        yield FieldProblem(of.key, codes.missing, f"{of.key} is required", record.get(of.key))
    for name, value in record.items():
        datatype = of.datatype(name) or _custom(name, custom)
        if datatype is None:
            yield FieldProblem(name, codes.unknown, f"Unknown field {name}", value)
        elif value is not None and not TAKES[datatype](value):
            yield FieldProblem(name, codes.of.get(datatype, codes.invalid), WORDS[datatype], value)
        elif name.endswith(CUSTOM) and isinstance(value, str) and len(value) > LONGEST_CUSTOM_TEXT:
            yield FieldProblem(name, codes.long, "Value too long", value)


def _custom(name: str, custom: Mapping[str, Datatype] | None) -> Datatype | None:
    """What a custom field takes; None where there is no such field."""
    if custom is None:
        return Datatype.ANY if name.endswith(CUSTOM) else None
    return custom.get(name)
