"""Rows of tables as events: which column feeds what, what a row gives, and what is said of columns that do not do."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from gainsight_dest import ConfigError, DestinationConfig, EventError, Tenant, transform
from gainsight_dest.rows import RowReader, events_of_rows
from gainsight_dest.rows.columns import RowKind, kinds_of
from gainsight_dest.templates import Settings
from gainsight_dest.tenant import TenantField, TenantObject
from tests import some

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "crm.id": "CRM__gc", "timezone": "Zone__gc", "id": "Own_ID__gc"},
    company_map={"plan": "Plan__gc", "healthScore": "Health__gc", "nps": "Latest_NPS__gc"},
)


def one(row: dict[str, Any], kind: str, names: dict[str, str] | None = None, **how: Any) -> dict[str, Any]:
    (event,) = RowReader(row, kind, how.pop("config", CONFIG), names=names, **how).events([*row.values()])
    return event


def problems(columns: list[str], kind: str, names: dict[str, str] | None = None, config: Any = CONFIG) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        RowReader(columns, kind, config, names=names)
    return [f"{place}: {problem}" for place, problem in caught.value.problems]


# --- columns ----------------------------------------------------------------------------------------------------------

NAMED = {
    "as RudderStack's warehouse has it": ("first_name", "firstName"),
    "as people write it": ("First Name", "firstName"),
    "as Gainsight's field": ("FirstName", "firstName"),
    "as Gainsight's field that is called otherwise": ("ExternalRecordID__gc", "externalRecordId"),
    "as the trait that a row maps": ("PLAN", "plan"),
    "as the field that a row maps it to": ("Plan__gc", "plan"),
    "with a dot": ("crm.id", "crm.id"),
    "with its place": ("traits.firstName", "firstName"),
    "as no trait": ("Favourite Colour", "Favourite Colour"),
}


@pytest.mark.parametrize(("column", "trait"), NAMED.values(), ids=NAMED)
def test_a_column_feeds_the_trait_of_its_letters_and_digits(column: str, trait: str) -> None:
    event = one({"Email": "ada@example.com", column: "x"}, "identify")
    assert event == {"type": "identify", "traits": {"email": "ada@example.com", trait: "x"}}


def test_a_row_of_companies_is_a_group_event() -> None:
    row = {"Account Name": "Acme", "Owner": "ada@example.com", "ARR": 12, "Latest_NPS__gc": 9, "Health Score": 7}
    event = one(row, "group", {"account name": "Name", "Owner": "person.email"})
    assert event == {
        "type": "group",
        "traits": {"name": "Acme", "arr": 12, "nps": 9, "healthScore": 7},
        "context": {"traits": {"email": "ada@example.com"}},
    }
    assert transform(event, CONFIG).body["where"]["conditions"][0]["value"] == ["Acme"]


def test_a_row_of_a_person_and_a_company_is_two_events() -> None:
    row = {
        "Email": "ada@example.com",
        "Plan": "gold",
        "Account": "Acme",
        "Company Industry": "Software",
        "user_id": "u",
    }
    reader = RowReader(row, "group, identify", CONFIG, names={"Account": "company.name", "user_id": "userId"})
    assert reader.events_of(row) == [
        {"type": "identify", "userId": "u", "traits": {"email": "ada@example.com", "plan": "gold"}},
        {
            "type": "group",
            "userId": "u",
            "traits": {"name": "Acme", "industry": "Software"},
            "context": {"traits": {"email": "ada@example.com"}},
        },
    ]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_row_without_its_company_is_the_person_alone(missing: Any) -> None:
    reader = RowReader(["email", "company name"], "identify,group", CONFIG)
    assert [event["type"] for event in reader.events(["ada@example.com", missing])] == ["identify"]


def test_of_two_emails_of_a_person_the_company_is_linked_by_the_events_own() -> None:
    columns = ["context_traits_email", "traits.email", "company.name"]
    reader = RowReader(columns, "identify,group", CONFIG)
    assert reader.events(["old@example.com", "ada@example.com", "Acme"])[1]["context"] == {
        "traits": {"email": "ada@example.com"}
    }
    by_context = RowReader(columns[::2], "identify,group", CONFIG).events(["old@example.com", "Acme"])
    assert [event["context"] for event in by_context] == [{"traits": {"email": "old@example.com"}}] * 2


def test_a_row_of_a_track_event_has_all_columns_as_properties() -> None:
    row = {"Minutes": 5, "First Name": "Ada", "context_traits_first_name": "Ada", "context_ip": "x", "": "no name"}
    row |= {"User ID": 7, "loaded_at": "x", "Timestamp": "2026-03-02T08:00:00Z", "properties.nested": 1, "traits.x": 2}
    assert one(row, "track: Ticket Closure", {"User ID": "userId", "Minutes": "duration"}) == {
        "type": "track",
        "event": "Ticket Closure",
        "userId": 7,
        "timestamp": "2026-03-02T08:00:00Z",
        "properties": {"duration": 5, "First Name": "Ada", "nested": 1, "traits.x": 2},
        "context": {"traits": {"firstName": "Ada"}},
    }


@pytest.mark.parametrize(
    ("row", "names", "event"),
    [
        ({"event": "ticket_closure", "event_text": "Ticket Closure"}, {}, "Ticket Closure"),
        ({"event_text": None, "event": "ticket_closure"}, {}, "ticket_closure"),
        ({"What": "Ticket Closure"}, {"What": "event"}, "Ticket Closure"),
    ],
)
def test_a_column_may_have_the_name_of_the_track_event(row: dict[str, Any], names: dict[str, str], event: str) -> None:
    assert one(row, "tracks", names) == {"type": "track", "event": event}


def test_the_events_own_keys_are_known_and_may_be_named() -> None:
    row = {"email": "a@b.co", "Anonymous ID": "a", "sent_at": "t", "When": "w", "Channel": "Partner", "group.id": "g"}
    event = one(row, "identify", {"When": "timestamp", "Channel": "traits.channel"}, config=None)
    keys = {"anonymousId": "a", "groupId": "g", "timestamp": "w", "sentAt": "t"}
    assert event == {"type": "identify", **keys, "traits": {"email": "a@b.co", "channel": "Partner"}}


def test_a_place_in_the_event_may_be_named_or_be_written_in_the_heading() -> None:
    row = {"email": "a@b.co", "Old": "old@b.co", "context.traits.plan": "gold", "Company Colour": "red", "company": "x"}
    reader = RowReader(row, "identify,group", CONFIG, names={"Old": "context.traits.email", "company": "company.name"})
    event, _ = reader.events([*row.values()])
    assert event["traits"] == {"email": "a@b.co", "Company Colour": "red"}
    assert event["context"] == {"traits": {"email": "old@b.co", "plan": "gold"}}


def test_a_column_can_be_left_out() -> None:
    row = {"email": "a@b.co", "E-Mail": "old", "plan": "gold"}
    assert one(row, "identify", {"E-Mail": "", "plan": " "})["traits"] == {"email": "a@b.co"}


def test_a_name_that_is_meant_for_an_object_that_the_row_does_not_give_is_a_part_of_the_trait() -> None:
    config = attrs.evolve(some.CONFIG, person_map={"company.size": "Size__gc"})
    assert one({"email": "a@b.co", "Size": 3}, "identify", {"Size": "company.size"}, config=config)["traits"] == {
        "company.size": 3,
        "email": "a@b.co",
    }
    assert one({"email": "a@b.co", "Size": 3}, "identify", {"Size": "person.firstName"})["traits"]["firstName"] == 3


def test_one_column_feeds_all_rows_of_the_config_that_have_its_letters() -> None:
    config = attrs.evolve(some.CONFIG, person_map={"last_name": "A__gc", "lastName": "B__gc"})
    traits = one({"email": "a@b.co", "LAST NAME": "L"}, "identify", config=config)["traits"]
    assert traits == {"email": "a@b.co", "last_name": "L", "lastName": "L"}


def test_a_config_that_events_fill_in_names_traits_too() -> None:
    given = {**some.SETTINGS, "contractId": "{{ context.contract || c0 }}", "personMap": {"lastSeen": "LastSeen__gc"}}
    for config in (given, Settings({"Config": given})):
        assert one({"email": "a@b.co", "last seen": 1}, "identify", config=config)["traits"]["lastSeen"] == 1


KINDS = {
    "identify": (RowKind("identify"),),
    " Identifies ": (RowKind("identify"),),
    "groups": (RowKind("group"),),
    "group,identify": (RowKind("identify"), RowKind("group")),
    "track": (RowKind("track"),),
    "track: A: b, c ": (RowKind("track", "A: b, c"),),
}


@pytest.mark.parametrize("text", KINDS)
def test_the_kind_of_event_is_a_word(text: str) -> None:
    assert kinds_of(text) == KINDS[text]


@pytest.mark.parametrize("text", ["", "page", "identify,track", "track:", "group:x", "identify,identify"])
def test_another_kind_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="the kind of event: must be identify, group, identify,group or track:NAME"):
        kinds_of(text)


# --- what is said of columns ------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[list[str], str, dict[str, str], list[str]]] = {
    "a column that is not there": (
        ["Acount", "Email"],
        "group",
        {"Account": "name"},
        ['column "Account": is not in the table. Did you mean "Acount"?'],
    ),
    "one that nothing is like": (["email"], "identify", {"x": "plan"}, ['column "x": is not in the table.']),
    "one of two that are alike": (
        ["A b", "a_b"],
        "identify",
        {"AB": "plan"},
        ['column "AB": is not in the table. Did'],
    ),
    "two that feed one trait": (
        ["Email", "e-mail"],
        "identify",
        {},
        ['column "e-mail": feeds email, and so does column "Email": leave one of them out'],
    ),
    "two that keep one name": (
        ["email", "a", "traits.a"],
        "identify",
        {},
        ['column "traits.a": feeds a, and so does column "a": leave one of them out'],
    ),
    "one that is named beside one that feeds the trait by itself": (
        ["email", "Work"],
        "identify",
        {"Work": "email"},
        ['column "email": feeds email, and so does column "Work": leave one of them out'],
    ),
    "two that are named so": (
        ["a", "b"],
        "identify",
        {"a": "email", "b": "email"},
        ['column "a": feeds email, and so does column "b": leave one of them out'],
    ),
    "two of one key": (
        ["email", "User ID", "user_id"],
        "identify",
        {},
        ['column "user_id": is the event\'s userId, and so is column "User ID": leave one of them out'],
    ),
    "one that is a key or a trait": (
        ["email", "Id"],
        "identify",
        {},
        ['column "Id": is the event\'s messageId, or the trait id: name it messageId, or traits.id'],
    ),
    "one that is there twice": (
        ["email", "email"],
        "identify",
        {},
        ['column "email": is there twice, as column 1 and'],
    ),
    "a trait that no field takes": (
        ["email", "a"],
        "identify",
        {"a": "frstName"},
        ['column "a": no field takes the trait "frstName". Did you mean firstName?'],
    ),
    "a trait that is like none": (
        ["email", "a"],
        "identify",
        {"a": "xyz"},
        ['column "a": no field takes the trait "xyz".'],
    ),
    "no email": (
        ["Work Mail", "x"],
        "identify",
        {},
        ['the columns: none has the person\'s email: name the column, COLUMN=email. Did you mean "Work Mail=email"?'],
    ),
    "no name, no email of a person": (
        ["Account", "x"],
        "group",
        {},
        [
            'the columns: none has the company\'s name: name the column, COLUMN=name. Did you mean "Account=name"?',
            "the columns: none has the email of a person at the company: name the column, COLUMN=person.email.",
        ],
    ),
    "no company": (
        ["Email", "First Name", "Account"],
        "identify,group",
        {},
        [
            "the columns: none has the company's name: name the column, COLUMN=company.name. "
            'Did you mean "Account=company.name"?'
        ],
    ),
    "no name of a track event": (
        ["x"],
        "track",
        {},
        ["the columns: none has the name of the track event (or say track:"],
    ),
    "no column": ([], "identify", {}, ["the columns: none has the person's email"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_columns_names_them(name: str) -> None:
    columns, kind, names, expected = WRONG[name]
    found = problems(columns, kind, names)
    assert [problem[: len(start)] for problem, start in zip(found, expected, strict=True)] == expected


def test_without_a_config_any_trait_may_be_named() -> None:
    assert one({"email": "a@b.co", "a": 1}, "identify", {"a": "anything"}, config=None)["traits"]["anything"] == 1


def test_five_thousand_columns_are_read_at_once() -> None:
    columns = ["email", *(f"column {number}" for number in range(5_000))]
    assert len(RowReader(columns, "identify", CONFIG).events(["a@b.co", *range(5_000)])[0]["traits"]) == 5_001


# --- rows -------------------------------------------------------------------------------------------------------------


def test_rows_that_are_mappings_may_lack_columns_of_the_first_but_have_no_others() -> None:
    rows: list[dict[str, Any]] = [
        {"email": "a@b.co", "plan": "gold"},
        {"email": "b@b.co"},
        {"plan": 1, "colour": "red"},
    ]
    events = events_of_rows(rows, "identify", CONFIG)
    assert [next(events)["traits"], next(events)["traits"]] == [
        {"email": "a@b.co", "plan": "gold"},
        {"email": "b@b.co"},
    ]
    with pytest.raises(EventError, match='the row: has the column "colour", which the table does not have'):
        next(events)
    assert list(events_of_rows([], "identify", CONFIG)) == []


def test_a_row_of_another_width_is_at_fault() -> None:
    reader = RowReader(["email"], "identify", CONFIG)
    with pytest.raises(EventError, match="the row: has 2 cells, and the table has 1 columns"):
        reader.events(["a@b.co", 1])


# --- types ------------------------------------------------------------------------------------------------------------

FIELDS = {
    "Score__gc": "NUMBER",
    "Beta__gc": "BOOLEAN",
    "Seen__gc": "DATETIME",
    "Note__gc": "STRING",
    "Plan__gc": "PICKLIST",
}
TENANT = Tenant([TenantObject("Person", fields=[TenantField(name, type=each) for name, each in FIELDS.items()])])
TYPED = DestinationConfig(
    domain="acme.gainsightcloud.com",
    person_map={
        **{name.removesuffix("__gc").lower(): name for name in FIELDS},
        "seenBy": "Elsewhere__gc",
        "both": "Score__gc",
    },
)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("score", "42", 42),
        ("score", " 4.5 ", 4.5),
        ("score", "1,000", "1,000"),
        ("beta", "yes", True),
        ("seen", "2026/03/02 10:00 UTC", "2026-03-02T10:00Z"),
        ("note", "42", "42"),
        ("plan", "gold ", "gold "),
        ("seenBy", "42", "42"),
        ("unknown", "42", "42"),
        ("emailOptOut", "no", False),
        ("masterAvatarTypeCode", "2", 2),
        ("location", "12", "12"),
    ],
)
def test_texts_are_typed_by_the_fields_of_the_tenant_and_by_those_that_every_tenant_has(
    column: str, text: str, value: Any
) -> None:
    row = {"email": "a@b.co", column: text}
    found = one(row, "identify", config=TYPED, tenant=TENANT)["traits"][column]
    assert (found, type(found)) == (value, type(value))


def test_a_column_may_have_the_label_of_the_tenants_field() -> None:
    fields = [TenantField("Score__gc", "Health Score (0-100)", "NUMBER"), TenantField("FirstName", "Given name")]
    fields += [TenantField("Elsewhere__gc", "Email")]  # the trait of that name goes first
    tenant = Tenant([TenantObject("Person", fields=fields)])
    row = {"Email": "a@b.co", "Health score (0-100)": "42", "Given Name": "Ada"}
    assert one(row, "identify", config=TYPED, tenant=tenant)["traits"] == {
        "email": "a@b.co",
        "score": 42,
        "firstName": "Ada",
    }


def test_a_text_that_another_field_of_the_trait_would_not_take_typed_stays_a_text() -> None:
    config = attrs.evolve(TYPED, person_map={"score": "Score__gc", "comments": "Score__gc"})
    row = {"email": "a@b.co", "comments": "7", "score": "7"}
    tenant = Tenant(
        [
            TenantObject(
                "Person", fields=[TenantField("Comments", type="STRING"), *TENANT.objects["Person"].fields.values()]
            )
        ]
    )
    traits = one(row, "identify", config=config, tenant=tenant)["traits"]
    assert traits == {"email": "a@b.co", "comments": "7", "score": 7}


def test_without_a_tenant_only_cells_that_are_all_texts_are_typed() -> None:
    row = {"name": "Acme", "person": "a@b.co", "arr": "1200.50", "renewal date": "2026/03/02", "employees": "12"}
    names = {"person": "person.email"}
    typed = one(row, "group", names, is_text=True)["traits"]
    assert typed == {"name": "Acme", "arr": 1200.5, "renewalDate": "2026-03-02", "employees": 12}
    assert one(row, "group", names)["traits"]["arr"] == "1200.50"
