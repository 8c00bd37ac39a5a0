"""Gainsight's objects, and which trait feeds which of their fields: the tables, and the functions that apply them.

Pure functions of values. The tables are the only place that knows objects and field names; the reference page of fields
and the tests are derived from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any

import attrs

from gainsight_dest.config import CustomField
from gainsight_dest.errors import EventError
from gainsight_dest.gainsight import (
    COMPANY_KEY,
    COMPANY_SYSTEM_FIELDS,
    CUSTOM,
    LINKS,
    PERSON_KEY,
    SYSTEM_FIELDS,
    folded,
)
from gainsight_dest.tenant.types import TAKES, Datatype
from gainsight_dest.values import SCALARS, native, number, plain, present, shown, text

__all__ = [
    "COMPANY_SYSTEM_FIELDS",
    "CUSTOM",
    "LINKS",
    "SYSTEM_FIELDS",
    "TAKES",
    "Datatype",
]

Traits = Mapping[str, Any]
Record = dict[str, Any]


class Form(Enum):
    """How a trait's value reaches a field."""

    AS_IS = "as it is"
    TEXT = "text"
    NUMBER = "number"


@attrs.frozen
class Field:
    """One Gainsight field: its name, the traits that feed it (the first that is present wins), its form, its datatype.

    Ids and picklist items, which only the tenant can tell right from wrong, are of any datatype here.
    """

    name: str
    traits: tuple[str, ...]
    form: Form = Form.AS_IS
    datatype: Datatype = Datatype.ANY
    required: bool = False


def _field(name: str, *traits: str, datatype: Datatype = Datatype.ANY, **how: Any) -> Field:
    return Field(name, traits, datatype=datatype, **how)


PERSON_FIELDS: tuple[Field, ...] = (
    _field(PERSON_KEY, "email", required=True, datatype=Datatype.EMAIL),
    _field("Name", "name", datatype=Datatype.TEXT),
    _field("FirstName", "firstName", "firstname", "first_name", datatype=Datatype.TEXT),
    _field("LastName", "lastName", "lastname", "last_name", datatype=Datatype.TEXT),
    _field("MiddleName", "middleName", "middlename", "middle_name", datatype=Datatype.TEXT),
    _field("LinkedinUrl", "linkedinUrl", datatype=Datatype.URL),
    _field("Location", "location", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("ExternalRecordID__gc", "externalRecordId", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("EmailOptOut", "emailOptOut", datatype=Datatype.BOOLEAN),
    _field("DynamicResolutionKey", "dynamicResolutionKey", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("Timezone", "timezone"),
    _field("Comments", "comments", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("MasterRecordID", "masterRecordId", "masterRecordID"),
    _field("MasterAvatarTypeCode", "masterAvatarTypeCode", form=Form.NUMBER, datatype=Datatype.NUMBER),
)

COMPANY_FIELDS: tuple[Field, ...] = (
    _field(COMPANY_KEY, "name", required=True, datatype=Datatype.TEXT),
    _field("Employees", "employees", form=Form.NUMBER, datatype=Datatype.NUMBER),
    _field("Arr", "arr", datatype=Datatype.NUMBER),
    _field("BillingAddress", "billingAddress", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("Summary", "summary", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("CompanyType", "companyType"),
    _field("Csm", "csm"),
    _field("CustomerlifetimeInMonths", "customerLifetimeInMonths", form=Form.NUMBER, datatype=Datatype.NUMBER),
    _field("Industry", "industry", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("LifecycleInWeeks", "lifecycleInWeeks", form=Form.NUMBER, datatype=Datatype.NUMBER),
    _field("ManagedAs", "managedAs"),
    _field("Mrr", "mrr", datatype=Datatype.NUMBER),
    _field("OriginalContractDate", "originalContractDate", datatype=Datatype.DATE),
    _field("ParentCompany", "parentCompany"),
    _field("RenewalDate", "renewalDate", datatype=Datatype.DATE),
    _field("Stage", "stage"),
    _field("Status", "status"),
    _field("Tags", "tags"),
    _field("TickerSymbol", "tickerSymbol", form=Form.TEXT, datatype=Datatype.TEXT),
    _field("Users", "users", form=Form.NUMBER, datatype=Datatype.NUMBER),
    _field("SfdcAccountId", "sfdcAccountId"),
    _field("IndustryNew", "industryNew"),
)

#: What a link of a person to a company calls the Gsid of its company.
LINKED = "Company_ID"

#: A person's Name is made of these, in this order, where none is known.
NAME_PARTS = ("FirstName", "MiddleName", "LastName")
#: What is no Name: false and 0 (as == has it) are no words.
_NO_NAME = (None, "", False)


def _number(value: Any, path: str) -> int | float | None:  # noqa: ARG001 - one signature for all forms
    return number(value)


#: What makes a field's value out of a present one. None leaves the field out; EventError: JSON cannot hold the value.
FORMS: dict[Form, Callable[[Any, str], Any]] = {Form.AS_IS: plain, Form.TEXT: text, Form.NUMBER: _number}


class Fate(Enum):
    """The way of a trait, or a property, to a field."""

    SENT = "sent"
    BLANK = "blank"
    NOT_A_NUMBER = "not a number"
    UNFIT = "does not fit"
    OVERRIDDEN = "overridden"
    FAULT = "at fault"
    UNMAPPED = "no mapping"
    UNREAD = "not read"


class Feeds:
    """The fields of a table by the traits that feed them, and by their names.

    `strings`, `integers`: trait -> the field that takes a non-empty string, an integer of it as it is, no alias before
    it: most values of an event. `all`: trait -> the field, and those of its traits that go before this one.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.strings = {field.traits[0]: field.name for field in fields if field.form is not Form.NUMBER}
        self.integers = {field.traits[0]: field.name for field in fields if field.form is not Form.TEXT}
        self.all = {trait: (field, field.traits[:rank]) for field in fields for rank, trait in enumerate(field.traits)}


@attrs.frozen(slots=False, eq=False)
class GainsightObject:
    """An object of Gainsight's, of which events write records.

    `name`: what Gainsight calls it, in its paths, too. `key`: the field that it finds a record by. `event_type`: of
    which events its records are made. `map`: the setting that feeds its custom fields, as RudderStack calls it.
    `sources`: where in the event its traits are, what goes before the others first. `fields`: its standard fields.
    `system`: those that Gainsight sets by itself: no mapping can write them.
    """

    name: str
    key: str
    event_type: str
    map: str
    sources: tuple[str, ...]
    fields: tuple[Field, ...]
    system: frozenset[str] = SYSTEM_FIELDS

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The standard fields by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def feeds(self) -> Feeds:
        """The standard fields by the traits that feed them."""
        return Feeds(self.fields)

    def key_of(self, record: Record) -> str:
        """What Gainsight finds the record by."""
        return str(record.get(self.key))

    def identity(self, key: str) -> tuple[str, str]:
        """The record of that key, as Gainsight may compare it: `("Company", "acme")`. See `Request.records`."""
        return self.name, folded(key)

    def datatype(self, name: str) -> Datatype | None:
        """What the field of that name takes; None for a field that is not a standard one."""
        field = self.by_name.get(name)
        return None if field is None else field.datatype

    def refusal(self, name: str, value: Any) -> str | None:
        """Why Gainsight will refuse the value in the field of that name; None where nothing is known against it."""
        datatype = self.datatype(name)
        if datatype is not None:
            return None if TAKES[datatype](value) else f"{name} takes {datatype.value}"
        if name in self.system:
            return f"{name} is a system field, which cannot be written"
        return None if name.endswith(CUSTOM) else f"no such field: the name of a custom field ends in {CUSTOM}"


PERSON = GainsightObject("Person", PERSON_KEY, "identify", "personMap", ("traits", "context.traits"), PERSON_FIELDS)
COMPANY = GainsightObject(
    "Company", COMPANY_KEY, "group", "companyMap", ("traits",), COMPANY_FIELDS, COMPANY_SYSTEM_FIELDS
)
OBJECTS = (PERSON, COMPANY)

_PERSON_FEEDS = PERSON.feeds
_COMPANY_FEEDS = COMPANY.feeds


def person_of(traits: Traits, context_traits: Traits, custom: Sequence[CustomField]) -> Record:
    """The person of an identify event, with or without a Name. Raises EventError, naming the trait."""
    person = _standard(traits, _PERSON_FEEDS)
    if context_traits:
        _fill_up(person, context_traits, senior=traits)
    email = person.get(PERSON_KEY, traits.get("email"))
    if type(email) is not str or not email.strip():
        place = "traits" if PERSON_KEY not in person or present(traits.get("email")) else "context.traits"
        raise EventError(f"{place}.email", f"a non-blank string is needed for identify, got {shown(email)}")
    if custom:
        _add_custom(person, custom, traits, context_traits)
    if not person.get("Name") and not has_name(person):
        _add_name(person)
    return person


def company_of(traits: Traits, custom: Sequence[CustomField]) -> Record:
    """The company of a group event. Raises EventError, naming the trait."""
    company = _standard(traits, _COMPANY_FEEDS)
    name = company.get(COMPANY_KEY, traits.get("name"))
    if type(name) is not str or not name.strip():
        company[COMPANY_KEY] = number_as_name(name)
    if custom:
        _add_custom(company, custom, traits, {})
    return company


def email_of(context_traits: Traits) -> str:
    """The email of the person that a group event links to its company. Raises EventError."""
    email = context_traits.get("email")
    if isinstance(email, str) and email.strip():
        return str.__str__(email)
    raise EventError("context.traits.email", f"a non-blank string is needed for group, got {shown(email)}")


def company_link(email: str, gsid: str) -> Record:
    """The person that, upserted, is linked to the company of that Gsid."""
    return {PERSON_KEY: email, LINKS: [{LINKED: gsid}]}


def is_link(person: Record) -> bool:
    """Whether the person carries links to companies."""
    return LINKS in person


def linked_companies(person: Record) -> tuple[str, ...]:
    """The Gsids of the companies that the person carries links to."""
    return tuple(link[LINKED] for link in person.get(LINKS, ()))


def _standard(traits: Traits, feeds: Feeds) -> Record:
    """The fields of the table that the traits feed.

    It walks the traits that are there, not the fields that could be: an event carries few of them.
    """
    record: Record = {}
    strings, fed = feeds.strings, feeds.all
    for trait in traits:
        if trait in strings:  # nearly all that are mapped, and nearly all are texts
            value = traits[trait]
            if type(value) is str and value:
                record[strings[trait]] = value
                continue
        elif trait not in fed:
            continue
        value = traits[trait]
        if type(value) is int and trait in feeds.integers:
            record[feeds.integers[trait]] = value
        elif value is not None:
            _feed(record, feeds, trait, value, traits, "traits")
    return record


def _fill_up(person: Record, context_traits: Traits, senior: Traits) -> None:
    """Sets the fields that `context.traits` feeds and `traits`, its senior, has nothing for."""
    for trait, value in context_traits.items():
        feed = _PERSON_FEEDS.all.get(trait)
        if feed is not None and not first_present(feed[0].traits, senior):
            _feed(person, _PERSON_FEEDS, trait, value, context_traits, "context.traits")


def _feed(record: Record, feeds: Feeds, trait: str, value: Any, traits: Traits, place: str) -> None:
    """Sets the field that the trait feeds, if it takes the value."""
    field, before = feeds.all[trait]
    fate, made = taken(field, before, value, traits, f"{place}.{trait}")
    if fate is Fate.SENT:
        record[field.name] = made


def taken(field: Field, before: Sequence[str], value: Any, traits: Traits, path: str) -> tuple[Fate, Any]:
    """What becomes of a trait's value, and what the field takes of it, if `before`, its other traits that go before
    this one, leave it any. Raises EventError.
    """
    if not present(value):
        return Fate.BLANK, None
    if before and first_present(before, traits):
        return Fate.OVERRIDDEN, None
    made = FORMS[field.form](value, path)
    return (Fate.NOT_A_NUMBER if made is None else Fate.SENT), made


def first_present(traits: Sequence[str], among: Traits) -> str | None:
    """The first of the traits that is present."""
    for trait in traits:
        if present(among.get(trait)):
            return trait
    return None


def _add_custom(record: Record, custom: Sequence[CustomField], traits: Traits, context_traits: Traits) -> None:
    """Sets each custom field that has a value over a standard field of its name."""
    for row in custom:
        trait, path, name = row
        value = traits.get(trait)
        if value is None and path is not None:
            value = dig(traits, path)
        if type(value) in _AS_THEY_ARE and value != "":  # most of them
            record[name] = value
        elif value is not None or context_traits:
            source = source_of(row, traits, context_traits)
            if source is not None:
                record[name] = plain(source[2], f"{source[0]}.{trait}")


_AS_THEY_ARE = SCALARS - {type(None)}


#: Where a custom field may take its value from: place, keys below it, value.
Source = tuple[str, Sequence[str], Any]


def source_of(row: CustomField, traits: Traits, context_traits: Traits) -> Source | None:
    """Where a custom field takes its value from: the first that is neither null nor "", else the first that is ""."""
    blank = None
    for source in sources(row, traits, context_traits):
        if present(source[2]):
            return source
        if blank is None and native(source[2]) is not None:
            blank = source
    return blank


def sources(row: CustomField, traits: Traits, context_traits: Traits) -> Iterator[Source]:
    """Where a custom field may take its value from, in order."""
    trait, path, _ = row
    for place, among in (("traits", traits), ("context.traits", context_traits)):
        if among:
            yield place, (trait,), among.get(trait)
            if path is not None:
                yield place, path, dig(among, path)


def dig(value: Any, path: Sequence[str]) -> Any:
    """The value along a dotted path through nested objects; None if there is none."""
    for key in path:
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def has_name(person: Record) -> bool:
    """Whether the person's Name is a name: neither absent nor "", false or 0."""
    return person.get("Name") not in _NO_NAME


def name_parts(person: Record) -> tuple[str, ...]:
    """The fields that a Name is made of: those that are non-blank text or numbers."""
    return tuple([part for part in NAME_PARTS if _is_part(person.get(part))])


def _is_part(value: Any) -> bool:
    return bool(value.strip()) if type(value) is str else type(value) in {int, float}


def _add_name(person: Record) -> None:
    """Sets Name, where there is none, to the parts that are known; leaves it out where none is."""
    person.pop("Name", None)
    parts = [(part, person[part]) for part in name_parts(person)]
    if name := " ".join([value if type(value) is str else text(value, part) for part, value in parts]).strip():
        person["Name"] = name


def number_as_name(name: Any) -> str:
    """The Name of a company whose trait is a number. Raises EventError."""
    if type(native(name)) in {int, float}:
        return text(name, "traits.name")
    raise EventError("traits.name", f"a non-blank string or a number is needed for group, got {shown(name)}")
