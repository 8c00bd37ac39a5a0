"""Gainsight's data types: what each takes, how certain that is, and the code that the rest is refused with.

One table, which all that tells what Gainsight will refuse asks: the sandbox, lint, explain, plan, mapping tests, fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from math import isfinite
from typing import Any, NamedTuple

from gainsight_dest.values import is_date, is_email, is_url, number


class Datatype(Enum):
    """What Gainsight keeps in a field. A value that is no such thing is refused there, not here."""

    ANY = "anything"
    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    DATE = "a date"
    DATETIME = "a date and time"
    EMAIL = "an email address"
    URL = "a URL"


#: What can be read as a value of a datatype, in whatever form: all that can be told without the tenant.
TAKES: dict[Datatype, Callable[[Any], bool]] = {
    Datatype.ANY: lambda _: True,
    Datatype.TEXT: lambda value: not isinstance(value, (list, dict)),
    Datatype.NUMBER: lambda value: number(value) is not None,
    Datatype.BOOLEAN: lambda value: (
        isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"})
    ),
    Datatype.DATE: is_date,
    Datatype.DATETIME: is_date,
    Datatype.EMAIL: is_email,
    Datatype.URL: is_url,
}


class Certainty(str, Enum):
    """How it is known what Gainsight takes, or answers. Equals its text."""

    #: Gainsight's pages say so.
    DOCUMENTED = "documented"
    #: It was seen in an answer of a tenant, or in code that runs against one.
    RECORDED = "recorded"
    #: Nobody is known to have tried it.
    GUESSED = "guessed"

    def __str__(self) -> str:
        return self.value


class RefusalRule(str, Enum):
    """What is wrong with a value, or with a record. Equals its text."""

    UNKNOWN = "no such field"
    SYSTEM = "system field"
    FORMULA = "formula"
    READ_ONLY = "read-only"
    ONLY_ON_CREATE = "only on create"
    ONLY_ON_UPDATE = "only on update"
    MISSING = "missing"
    NULL = "null"
    TYPE = "type"
    LENGTH = "length"
    OPTION = "no such option"
    CASE = "option in another case"
    INACTIVE = "inactive option"

    def __str__(self) -> str:
        return self.value


class Choice(Enum):
    """How many options of its picklist a field takes."""

    NONE = "none"
    ONE = "one"
    MANY = "many"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


def _is_anything(_: Any) -> bool:
    return True


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z_-]+", value) is not None


def _is_salesforce_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", value) is not None


class GainsightType(NamedTuple):
    """One of Gainsight's data types.

    `words`: what a field of it takes. `takes`: whether a JSON value has the form in which Gainsight itself shows such
    values, as far as it can be told without the field. `people`, `objects`: the code for a value that it does not take,
    in a person, and in a record of another object. `certainty`: how that is known. `choice`: how many options of a
    picklist it takes. `is_text`: whether a value's length is bounded by the field's. `can_cut`: whether the beginning
    of a value is one, too.
    """

    name: str
    words: str
    takes: Callable[[Any], bool]
    people: str
    objects: str
    certainty: Certainty
    choice: Choice = Choice.NONE
    is_text: bool = False
    can_cut: bool = False


_GENERIC = "GSOBJ_1002"
_VALIDATION = "GSOBJ_1008"
_NO_TEXT = "GSOBJ_VDTBSTR1001"
_NO_DATE = "GSOBJ_VDTDATIME1001"
_NO_OPTION = "GSOBJ_VDTPKLST1002"
_BAD_OPTION = "GSOBJ_1012"
_NO_ID = "GSOBJ_VDTGSID1001"
_BAD_ID = "GSOBJ_1004"

#: The data types that Gainsight's describe answers are known to name. The codes are documented; which JSON values they
#: are given for is documented for ids of Salesforce alone, and a guess where a value could be read in another form.
TYPES: dict[str, GainsightType] = {
    each.name: each
    for each in (
        GainsightType("STRING", "text", _is_text, _NO_TEXT, _GENERIC, Certainty.GUESSED, is_text=True, can_cut=True),
        GainsightType(
            "RICHTEXTAREA", "text", _is_text, _NO_TEXT, _GENERIC, Certainty.GUESSED, is_text=True, can_cut=True
        ),
        GainsightType(
            "EMAIL", "an email address", is_email, "GSOBJ_VDTEMAIL1001", _GENERIC, Certainty.DOCUMENTED, is_text=True
        ),
        GainsightType("URL", "a URL", is_url, "GSOBJ_VDTURL1001", _GENERIC, Certainty.DOCUMENTED, is_text=True),
        GainsightType("NUMBER", "a number", _is_number, "GSOBJ_VDTNUM1001", _GENERIC, Certainty.GUESSED),
        GainsightType("PERCENTAGE", "a number", _is_number, "GSOBJ_VDTPERCENT1001", _VALIDATION, Certainty.GUESSED),
        GainsightType("CURRENCY", "a number", _is_number, "GSOBJ_VDTCURREN1001", _GENERIC, Certainty.GUESSED),
        GainsightType("BOOLEAN", "true or false", _is_boolean, "GSOBJ_VDTBOOL1001", _VALIDATION, Certainty.GUESSED),
        GainsightType("DATE", "a date, such as 2026-03-02", is_date, _NO_DATE, "GSOBJ_1006", Certainty.RECORDED),
        GainsightType(
            "DATETIME",
            "a date and time, such as 2026-03-02T09:30:00Z",
            is_date,
            _NO_DATE,
            "GSOBJ_1005",
            Certainty.GUESSED,
        ),
        GainsightType(
            "PICKLIST", "an option's label or id", _is_text, _NO_OPTION, _BAD_OPTION, Certainty.GUESSED, Choice.ONE
        ),
        GainsightType(
            "MULTISELECTDROPDOWNLIST",
            "labels or ids of options, joined by ;",
            _is_text,
            _NO_OPTION,
            _BAD_OPTION,
            Certainty.GUESSED,
            Choice.MANY,
        ),
        GainsightType("GSID", "a Gsid", _is_id, _NO_ID, _BAD_ID, Certainty.GUESSED),
        GainsightType("LOOKUP", "the Gsid of a record", _is_id, _NO_ID, _BAD_ID, Certainty.GUESSED),
        GainsightType(
            "SFDCID",
            "an id of Salesforce, of 15 or 18 letters and digits",
            _is_salesforce_id,
            "GSOBJ_VDTSFDCID1001",
            _GENERIC,
            Certainty.DOCUMENTED,
        ),
        GainsightType("IMAGE", "anything", _is_anything, _NO_TEXT, _GENERIC, Certainty.GUESSED),
        GainsightType("JSON", "anything", _is_anything, _NO_TEXT, _GENERIC, Certainty.GUESSED),
    )
}
#: What is known of a data type that is not in the table: nothing, so it takes anything.
OTHER = GainsightType("", "anything", _is_anything, _NO_TEXT, _GENERIC, Certainty.GUESSED)

#: How long a text may be in a field whose length the tenant does not tell, as seen in tenants. In characters.
LONGEST_TEXT = 255
LONGEST_CUSTOM_TEXT = 500
LONGEST_RICH_TEXT = 32_768


def longest(data_type: str, *, is_custom: bool) -> int:
    """How long a text may be in a field of that type whose length is not told. In characters."""
    if data_type == "RICHTEXTAREA":
        return LONGEST_RICH_TEXT
    return LONGEST_CUSTOM_TEXT if is_custom else LONGEST_TEXT


class RecordCodes(NamedTuple):
    """The codes for what is wrong with a record whatever the types of its fields, and how each is known.

    `unknown`: there is no such field. `unwritable`: it cannot be written. `null`: it takes no null, or is missing.
    `long`: the text is too long.
    """

    unknown: str
    unwritable: str
    null: str
    long: str


#: Of people: Person_API/Error_Codes_for_Person_API.
PEOPLE_CODES = RecordCodes("GSOBJ_VCRUDR1002", "GSOBJ_VCRUDR1002", "GSOBJ_1007", _NO_TEXT)
#: Of the rest: Error_Codes_for_Company,_Relationship,_and_Custom_Object_APIs.
OBJECT_CODES = RecordCodes(_GENERIC, _VALIDATION, "GSOBJ_1007", "GSOBJ_1001")

#: How it is known that such a record is refused, and with which code.
RULES: dict[RefusalRule, Certainty] = {
    RefusalRule.UNKNOWN: Certainty.DOCUMENTED,
    RefusalRule.SYSTEM: Certainty.DOCUMENTED,
    RefusalRule.FORMULA: Certainty.RECORDED,
    RefusalRule.READ_ONLY: Certainty.RECORDED,
    RefusalRule.ONLY_ON_CREATE: Certainty.GUESSED,
    RefusalRule.ONLY_ON_UPDATE: Certainty.GUESSED,
    RefusalRule.MISSING: Certainty.DOCUMENTED,
    RefusalRule.NULL: Certainty.DOCUMENTED,
    RefusalRule.LENGTH: Certainty.DOCUMENTED,
    RefusalRule.OPTION: Certainty.DOCUMENTED,
    RefusalRule.CASE: Certainty.GUESSED,
    RefusalRule.INACTIVE: Certainty.GUESSED,
}
