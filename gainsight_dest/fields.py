"""Which trait feeds which Gainsight field: the two tables, and the functions that apply them.

Pure functions of values. The tables are the only place that knows field names; the reference page of fields and the
tests are derived from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

from gainsight_dest.api import COMPANY_KEY, PERSON_KEY
from gainsight_dest.config import CustomField
from gainsight_dest.errors import EventError
from gainsight_dest.values import SCALARS, number, plain, shown, text

Traits = Mapping[str, Any]
Record = dict[str, Any]


class Form(Enum):
    """What becomes of a trait's value on its way into a field."""

    AS_IS = "as it is"
    TEXT = "text"
    NUMBER = "number"


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

#: Where a person carries links to companies, and a link the Gsid of its company.
LINKS = "companies"
LINKED = "Company_ID"

#: What the name of a custom field ends in.
CUSTOM = "__gc"

#: A person's Name is made of these, in this order, where none is known.
NAME_PARTS = ("FirstName", "MiddleName", "LastName")


def _number(value: Any, path: str) -> int | float | None:  # noqa: ARG001 - one signature for all forms
    return number(value)


#: What makes a field's value out of a present one. None leaves the field out; EventError: JSON cannot hold the value.
FORMS: dict[Form, Callable[[Any, str], Any]] = {Form.AS_IS: plain, Form.TEXT: text, Form.NUMBER: _number}


class Feeds:
    """The fields of a table by the traits that feed them.

    `strings`, `integers`: trait -> the field that takes a non-empty string, an integer of it as it is, no alias before
    it: most values of an event. `all`: trait -> the field, and those of its traits that go before this one.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.strings = {field.traits[0]: field.name for field in fields if field.form is not Form.NUMBER}
        self.integers = {field.traits[0]: field.name for field in fields if field.form is not Form.TEXT}
        self.all = {trait: (field, field.traits[:rank]) for field in fields for rank, trait in enumerate(field.traits)}


PERSON_FEEDS = Feeds(PERSON_FIELDS)
COMPANY_FEEDS = Feeds(COMPANY_FIELDS)


def present(value: object) -> bool:
    """Whether a standard field takes the value: neither null nor "". 0 and false are present."""
    return value is not None and not (isinstance(value, str) and not value)


def person_of(traits: Traits, context_traits: Traits, custom: Sequence[CustomField]) -> Record:
    """The person of an identify event, with or without a Name. Raises EventError, naming the trait."""
    person = _standard(traits, PERSON_FEEDS)
    if context_traits:
        _fill_up(person, context_traits, senior=traits)
    email = person.get(PERSON_KEY, traits.get("email"))
    if type(email) is not str or not email.strip():
        place = "traits" if PERSON_KEY not in person or present(traits.get("email")) else "context.traits"
        raise EventError(f"{place}.email", f"a non-blank string is needed for identify, got {shown(email)}")
    if custom:
        _add_custom(person, custom, traits, context_traits)
    if not person.get("Name"):
        _add_name(person)
    return person


def company_of(traits: Traits, custom: Sequence[CustomField]) -> Record:
    """The company of a group event. Raises EventError, naming the trait."""
    company = _standard(traits, COMPANY_FEEDS)
    name = company.get(COMPANY_KEY, traits.get("name"))
    if type(name) is not str or not name.strip():
        company[COMPANY_KEY] = _number_as_name(name)
    if custom:
        _add_custom(company, custom, traits, {})
    return company


def company_name(company: Record) -> str:
    """The Name that Gainsight finds the company by."""
    name: str = company[COMPANY_KEY]
    return name


def email_of(context_traits: Traits) -> str:
    """The email of the person that a group event links to its company. Raises EventError."""
    email = context_traits.get("email")
    if isinstance(email, str) and email.strip():
        return str.__str__(email)
    raise EventError("context.traits.email", f"a non-blank string is needed for group, got {shown(email)}")


def email_key(person: Record) -> str:
    """The Email that Gainsight finds the person by."""
    return str(person.get(PERSON_KEY))


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
    strings, integers = feeds.strings, feeds.integers
    for trait, value in traits.items():
        if type(value) is str and value and trait in strings:
            record[strings[trait]] = value
        elif type(value) is int and trait in integers:
            record[integers[trait]] = value
        elif value is not None and trait in feeds.all:
            _feed(record, feeds, trait, value, traits, "traits")
    return record


def _fill_up(person: Record, context_traits: Traits, senior: Traits) -> None:
    """Sets the fields that `context.traits` feeds and `traits`, its senior, has nothing for."""
    for trait, value in context_traits.items():
        feed = PERSON_FEEDS.all.get(trait)
        if feed is not None and not _any_present(feed[0].traits, senior):
            _feed(person, PERSON_FEEDS, trait, value, context_traits, "context.traits")


def _feed(record: Record, feeds: Feeds, trait: str, value: Any, traits: Traits, place: str) -> None:
    """Sets the field that the trait feeds, if the value is present and no alias before it is."""
    field, before = feeds.all[trait]
    if present(value) and not (before and _any_present(before, traits)):
        taken = FORMS[field.form](value, f"{place}.{trait}")
        if taken is not None:
            record[field.name] = taken


def _any_present(traits: Sequence[str], among: Traits) -> bool:
    return any(present(among.get(trait)) for trait in traits)


def _add_custom(record: Record, custom: Sequence[CustomField], traits: Traits, context_traits: Traits) -> None:
    """Sets each custom field that has a value, "" included, over a standard field of its name."""
    for trait, path, name in custom:
        value, place = traits.get(trait), "traits"
        if value is None and path is not None:
            value = _dig(traits, path)
        if value is None and context_traits:
            value, place = context_traits.get(trait), "context.traits"
            if value is None and path is not None:
                value = _dig(context_traits, path)
        if value is not None:
            record[name] = value if type(value) in SCALARS else plain(value, f"{place}.{trait}")


def _dig(value: Any, path: Sequence[str]) -> Any:
    """The value along a dotted path through nested objects; None if there is none."""
    for key in path:
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _add_name(person: Record) -> None:
    """Sets Name, where it is absent or blank, to the parts that are known; leaves it out where none is."""
    if present(person.get("Name")):  # 0 and false are
        return
    person.pop("Name", None)
    parts = [(part, person[part]) for part in NAME_PARTS if part in person]
    known = [value if type(value) is str else text(value, part) for part, value in parts if present(value)]
    if name := " ".join(known).strip():
        person["Name"] = name


def _number_as_name(name: Any) -> str:
    if isinstance(name, (int, float)) and not isinstance(name, bool):
        return text(name, "traits.name")
    raise EventError("traits.name", f"a non-blank string or a number is needed for group, got {shown(name)}")
