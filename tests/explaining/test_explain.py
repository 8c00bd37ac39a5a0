"""Where each trait goes, or why it does not: the table of cases, and the laws that tie `explain` to `transform`."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    FindCompany,
    Request,
    Row,
    SendEvent,
    Trace,
    UnsupportedTypeError,
    explain,
    transform,
)
from gainsight_dest.fields import Fate
from gainsight_dest.spelling import cells
from tests import strategies
from tests.conformance import every_vector
from tests.explaining.some import CONFIG, group, identify, track

#: An event, and what is told of all but its email, name and event name: source, field, what is sent or why nothing is.
CASES: list[tuple[str, dict[str, Any], list[tuple[str, str | None, Any]]]] = [
    (
        "a standard trait goes to its field",
        identify({"name": "Ada"}),
        [("traits.name", "Person.Name", "Ada")],
    ),
    (
        "a trait without a mapping goes nowhere",
        identify({"shoe": 38, "Email": "x"}),
        [("traits.shoe", None, "no mapping"), ("traits.Email", None, "no mapping")],
    ),
    (
        "an object without a mapping is told leaf by leaf",
        identify({"a": {"b": {"c": 1}, "d": []}, "e": {}}),
        [
            ("traits.a.b.c", None, "no mapping"),
            ("traits.a.d", None, "no mapping"),
            ("traits.e", None, "no mapping"),
        ],
    ),
    (
        "beside a mapped path the rest of its object is told",
        identify({"address": {"city": "Rome", "zip": "00184"}}),
        [("traits.address.city", "Person.City__gc", "Rome"), ("traits.address.zip", None, "no mapping")],
    ),
    (
        "keys that are no names stand in brackets",
        identify({"a.b": 1, "": 2, "x y": {"ü-1": 3, "1": 4}}),
        [
            ('traits["a.b"]', None, "no mapping"),
            ('traits[""]', None, "no mapping"),
            ('traits["x y"].ü-1', None, "no mapping"),
            ('traits["x y"]["1"]', None, "no mapping"),
        ],
    ),
    (
        "a key with a dot goes before the path",
        identify({"address.city": "Rome", "address": {"city": "Oslo"}}),
        [
            ('traits["address.city"]', "Person.City__gc", "Rome"),
            ("traits.address.city", "Person.City__gc", 'overridden by traits["address.city"]'),
        ],
    ),
    (
        "what is blank for a standard field is a value for a custom one, and null is one for none",
        identify({"location": "", "comments": None, "plan": "", "address": {"city": None}}),
        [
            ("traits.location", "Person.Location", "blank"),
            ("traits.comments", "Person.Comments", "null"),
            ("traits.plan", "Person.Plan__gc", ""),
            ("traits.address.city", "Person.City__gc", "null"),
        ],
    ),
    (
        "a blank custom trait gives way to a value further along",
        identify({"plan": "", "address.city": "", "address": {"city": ""}}, plan=7, address={"city": "Rome"}),
        [
            ("traits.plan", "Person.Plan__gc", "overridden by context.traits.plan"),
            ('traits["address.city"]', "Person.City__gc", "overridden by context.traits.address.city"),
            ("traits.address.city", "Person.City__gc", "overridden by context.traits.address.city"),
            ("context.traits.plan", "Person.Plan__gc", 7),
            ("context.traits.address.city", "Person.City__gc", "Rome"),
        ],
    ),
    (
        "of blank custom traits the first goes",
        identify({"address.city": None, "address": {"city": ""}}, **{"address.city": ""}),
        [
            ('traits["address.city"]', "Person.City__gc", "null"),
            ("traits.address.city", "Person.City__gc", ""),
            ('context.traits["address.city"]', "Person.City__gc", "overridden by traits.address.city"),
        ],
    ),
    (
        "false and 0 are no name, and only texts and numbers are parts of one",
        identify({"name": False, "firstName": "Ada", "middleName": True, "lastName": 2}),
        [
            ("traits.name", "Person.Name", "no name"),
            ("traits.firstName", "Person.FirstName", "Ada"),
            ("traits.middleName", "Person.MiddleName", True),
            ("traits.lastName", "Person.LastName", 2),
            ("FirstName + LastName", "Person.Name", "Ada 2"),
        ],
    ),
    (
        "what the type does not read is not looked at",
        {**track(properties={"a": 1}, traits="x"), "context": {"traits": [7]}},
        [("properties.a", "Event.a", 1)],
    ),
    (
        "an empty list is an empty object",
        {**identify({"name": "N"}), "context": {"traits": []}, "properties": [1]},
        [("traits.name", "Person.Name", "N")],
    ),
    (
        "a null where a custom trait would be is told, and what follows is taken",
        identify({"plan": None}, plan="gold"),
        [("traits.plan", "Person.Plan__gc", "null"), ("context.traits.plan", "Person.Plan__gc", "gold")],
    ),
    (
        "the first alias that is present wins",
        identify({"firstname": "B", "first_name": "C", "lastname": "D", "lastName": ""}),
        [
            ("traits.firstname", "Person.FirstName", "B"),
            ("traits.first_name", "Person.FirstName", "overridden by traits.firstname"),
            ("traits.lastname", "Person.LastName", "D"),
            ("traits.lastName", "Person.LastName", "blank"),
            ("FirstName + LastName", "Person.Name", "B D"),
        ],
    ),
    (
        "traits go before context.traits",
        identify({"first_name": "B"}, firstName="A", location="Rome", email="x@example.com", shoe=1, name=""),
        [
            ("traits.first_name", "Person.FirstName", "B"),
            ("context.traits.firstName", "Person.FirstName", "overridden by traits.first_name"),
            ("context.traits.location", "Person.Location", "Rome"),
            ("context.traits.email", "Person.Email", "overridden by traits.email"),
            ("context.traits.shoe", None, "no mapping"),
            ("context.traits.name", "Person.Name", "blank"),
            ("FirstName", "Person.Name", "B"),
        ],
    ),
    (
        "a custom mapping goes before the standard field of its name",
        identify({"firstName": "Ada", "score": 7, "name": "N"}),
        [
            ("traits.firstName", "Person.FirstName", "overridden by traits.score"),
            ("traits.score", "Person.FirstName", 7),
            ("traits.name", "Person.Name", "N"),
        ],
    ),
    (
        "of two mappings onto one field the last goes",
        identify({"plan": "gold", "tier": "1", "name": "N"}),
        [
            ("traits.plan", "Person.Plan__gc", "overridden by traits.tier"),
            ("traits.tier", "Person.Plan__gc", "1"),
            ("traits.name", "Person.Name", "N"),
        ],
    ),
    (
        "a number field takes numbers, and a text field makes texts",
        group({"employees": "1,000", "users": " 12 ", "summary": {"a": 1}, "lifecycleInWeeks": True, "arr": "x"}),
        [
            ("traits.employees", "Company.Employees", "not a number"),
            ("traits.users", "Company.Users", 12),
            ("traits.summary", "Company.Summary", '{"a":1}'),
            ("traits.lifecycleInWeeks", "Company.LifecycleInWeeks", "not a number"),
            ("traits.arr", "Company.Arr", "x"),
        ],
    ),
    (
        "a group reads the email alone of context.traits",
        group({"region": "EMEA", "health": {"nps": 9}}, plan="gold"),
        [
            ("traits.region", "Company.Region__gc", "EMEA"),
            ("traits.health.nps", "Company.Nps", 9),
            ("context.traits.plan", None, "not read"),
        ],
    ),
    (
        "properties go as they are, and traits of a track event are not read",
        track(properties={"a": None, "b.c": [1]}, traits={"plan": 1}, context={"traits": {"plan": 1}}),
        [
            ("traits.plan", None, "not read"),
            ("context.traits.plan", None, "not read"),
            ("properties.a", "Event.a", None),
            ('properties["b.c"]', "Event.b.c", [1]),
        ],
    ),
    (
        "an identify event's properties are not read",
        {**identify({"name": "N"}), "properties": {"a": 1}},
        [("traits.name", "Person.Name", "N"), ("properties.a", None, "not read")],
    ),
    (
        "a value that JSON cannot hold is at fault",
        identify({"plan": float("nan"), "location": {1, 2}, "tier": [object()]}),
        [
            ("traits.plan", "Person.Plan__gc", "must be a finite number: JSON has no NaN and no infinity"),
            ("traits.location", "Person.Location", "is a set, which JSON cannot hold"),
            ("traits.tier", "Person.Plan__gc", "is a object, which JSON cannot hold"),
        ],
    ),
    (
        "a property that JSON cannot hold is at fault, and so is a key that is none",
        track(properties={"a": float("inf"), 1: 2, "c": date(2026, 1, 2)}),
        [
            ("properties.a", "Event.a", "must be a finite number: JSON has no NaN and no infinity"),
            ('properties["1"]', "Event.1", "has a key that is a number: JSON's keys are strings"),
            ("properties.c", "Event.c", "2026-01-02"),
        ],
    ),
]


def told(row: Row) -> tuple[str, str | None, Any]:
    return row.source, row.field, row.sent if row.fate is Fate.SENT else row.reason


@pytest.mark.parametrize(("event", "rows"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_trait_is_told(event: dict[str, Any], rows: list[tuple[str, str | None, Any]]) -> None:
    known = {"traits.email", "event"} | ({"traits.name", "context.traits.email"} if event["type"] == "group" else set())
    assert [told(row) for row in explain(event, CONFIG).rows if row.source not in known] == rows


def rows_of(event: dict[str, Any], config: DestinationConfig = CONFIG) -> dict[str, Row]:
    return {row.source: row for row in explain(event, config).rows}


@pytest.mark.parametrize(
    ("value", "sent", "change"),
    [
        ("a", "a", None),
        (1, "1", "to text"),
        (True, "true", "to text"),
        (["x"], '["x"]', "to text"),
    ],
)
def test_how_a_value_was_changed_to_text_is_told(value: Any, sent: str, change: str | None) -> None:
    row = rows_of(identify({"location": value}))["traits.location"]
    assert (row.sent, row.change) == (sent, change)


@pytest.mark.parametrize(
    ("value", "sent", "change"),
    [(1, 1, None), ("1", 1, "to number"), ("1.5", 1.5, "to number"), (Decimal(2), 2, None)],
)
def test_how_a_value_was_changed_to_a_number_is_told(value: Any, sent: float, change: str | None) -> None:
    row = rows_of(group({"users": value}))["traits.users"]
    assert (row.sent, row.change) == (sent, change)


def test_a_number_as_a_companys_name_is_told_as_text() -> None:
    row = rows_of({**group({}), "traits": {"name": 12.0}})["traits.name"]
    assert (row.sent, row.change) == ("12", "to text")


def test_where_an_events_name_and_version_come_from_is_told() -> None:
    rows = [row for row in explain(track(), CONFIG).rows if row.source == "event"]
    assert [(row.field, row.rule, row.value, row.sent, row.change) for row in rows] == [
        ("header.eventName", "eventNameMap", "Ticket Closure", "ticket_closed", None),
        ("header.eventVersion", "eventVersionMap", "Ticket Closure", "1.0.0", None),
    ]


def test_the_map_that_has_no_row_for_an_event_is_told() -> None:
    explanation = explain(track("No Version"), CONFIG)
    assert isinstance(explanation.error, ConfigError)
    assert [(row.field, row.reason) for row in explanation.rows] == [
        ("header.eventName", None),
        ("header.eventVersion", "no mapping"),
    ]


@pytest.mark.parametrize(
    ("event_id", "configured", "expected"),
    [
        ("c-1", None, [("context.externalId[gainsightEventContractId].id", "c-1", "c-1")]),
        (7, "c-2", [("context.externalId[gainsightEventContractId].id", 7, "7")]),
        (None, "c-2", [("Config.contractId", "c-2", "c-2")]),
        (
            "",
            "c-2",
            [("context.externalId[gainsightEventContractId].id", "", "blank"), ("Config.contractId", "c-2", "c-2")],
        ),
        *(
            (
                no_id,
                "c-2",
                [
                    ("context.externalId[gainsightEventContractId].id", no_id, "no id"),
                    ("Config.contractId", "c-2", "c-2"),
                ],
            )
            for no_id in (False, 0, "  ", {"a": 1})
        ),
        (
            "a\nb",
            None,
            [
                (
                    "context.externalId[gainsightEventContractId].id",
                    "a\nb",
                    "holds a control character or broken Unicode, which no HTTP header may",
                )
            ],
        ),
        (None, None, []),
    ],
)
def test_where_the_contract_id_comes_from_is_told(event_id: Any, configured: str | None, expected: list[Any]) -> None:
    event = track(context={"externalId": [{"type": "gainsightEventContractId", "id": event_id}]})
    rows = [row for row in explain(event, attrs.evolve(CONFIG, contract_id=configured)).rows if row.rule]
    told = [(row.source, row.value, row.reason or row.sent) for row in rows if row.target == "contractId"]
    assert told == expected


@pytest.mark.parametrize(
    ("event", "source", "refusal"),
    [
        (identify({"emailOptOut": "yes"}), "traits.emailOptOut", "EmailOptOut takes true or false"),
        (identify({"linkedinUrl": "x"}), "traits.linkedinUrl", "LinkedinUrl takes a URL"),
        ({**identify({}), "traits": {"email": "ada"}}, "traits.email", "Email takes an email address"),
        (group({"renewalDate": "2026-02-30"}), "traits.renewalDate", "RenewalDate takes a date"),
        (group({"arr": "much"}), "traits.arr", "Arr takes a number"),
        (group({"health": {"nps": 9}}), "traits.health.nps", "Nps is a system field, which cannot be written"),
        (group({}, email="ada"), "context.traits.email", "Email takes an email address"),
        (group({"renewalDate": "2026-02-28"}), "traits.renewalDate", None),
    ],
)
def test_what_gainsight_will_refuse_is_told_of_what_is_sent(
    event: dict[str, Any], source: str, refusal: str | None
) -> None:
    row = rows_of(event)[source]
    assert (row.fate, row.problem) == (Fate.SENT, refusal)


def test_a_field_that_gainsight_has_not_is_told() -> None:
    config = attrs.evolve(CONFIG, person_map={"plan": "Plan"})
    assert rows_of(identify({"plan": 1}), config)["traits.plan"].problem == (
        "no such field: the name of a custom field ends in __gc"
    )


@pytest.mark.parametrize(
    ("event", "error", "type_", "at_fault"),
    [
        ({"type": "identify", "traits": {"email": 5}}, EventError, "identify", ["traits.email"]),
        ({"type": "identify", "traits": {"plan": 5}}, EventError, "identify", []),
        ({"type": "identify", "traits": [1]}, EventError, "identify", []),
        ({"type": "group", "traits": {"name": " "}}, EventError, "group", ["traits.name"]),
        ({"type": "group", "traits": {"name": True}}, EventError, "group", ["traits.name"]),
        (group({}, email=" "), EventError, "group", ["context.traits.email"]),
        (track(7), EventError, "track", ["event", "event"]),
        (track("Unknown"), ConfigError, "track", []),
        ({"type": "page"}, UnsupportedTypeError, None, []),
        ({"type": None}, EventError, None, []),
        ({}, EventError, None, []),
        ("text", EventError, None, []),
        (None, EventError, None, []),
    ],
)
def test_an_event_at_fault_is_explained_as_far_as_it_goes(
    event: Any, error: type[Exception], type_: str | None, at_fault: list[str]
) -> None:
    explanation = explain(event, CONFIG)
    assert type(explanation.error) is error
    assert explanation.request is None
    assert explanation.type == type_
    assert [row.source for row in explanation.rows if row.fate is Fate.FAULT] == at_fault


def test_a_config_at_fault_is_the_error() -> None:
    explanation = explain(identify({}), {"domain": "localhost"})
    assert isinstance(explanation.error, ConfigError)
    assert (explanation.type, explanation.rows) == ("identify", ())


def test_rudderstacks_own_config_will_do() -> None:
    explanation = explain(identify({}), {"Config": {"domain": "acme.co", "accessKey": "k"}})
    assert [row.field for row in explanation.rows] == ["Person.Email"]


def test_an_object_too_deep_to_be_told_leaf_by_leaf_is_told_as_one() -> None:
    nested: Any = 1
    for _ in range(100_000):
        nested = {"a": nested}
    (row,) = [row for row in explain(identify({"deep": nested, "name": "N"}), CONFIG).rows if row.field is None]
    assert len(row.path) == 22
    text = explain(identify({"deep": nested, "name": "N"}), CONFIG).text()
    assert "<an object>" in text


def test_the_text_is_for_people() -> None:
    event = identify({"plan": "gold", "shoe": 38, "first_name": "Ada", "location": 7, "emailOptOut": "yes"})
    assert explain(event, CONFIG).text() == (
        "identify\n"
        '  traits.email        →  Person.Email        "ada@example.com"\n'
        '  traits.plan         →  Person.Plan__gc     "gold"  (personMap)\n'
        "  traits.shoe         ✗  no mapping          38\n"
        '  traits.first_name   →  Person.FirstName    "Ada"\n'
        '  traits.location     →  Person.Location     7 to text "7"\n'
        '  traits.emailOptOut  →  Person.EmailOptOut  "yes"  but EmailOptOut takes true or false\n'
        '  FirstName           →  Person.Name         "Ada"  (made of its parts)'
    )


def test_columns_of_the_text_are_aligned_by_the_cells_of_a_terminal() -> None:
    names = ["質問", "e\u0301", "한국어", "ｶﾅ", "a\u200db", "plan", "\u1112\u1161\u11ab"]
    identified = explain({"type": "identify", "traits": {"email": "a@b.co", **dict.fromkeys(names, 1)}}, CONFIG)
    tracked = explain(track(properties=dict.fromkeys(names, 1)), CONFIG)
    for explanation, before_value in ((identified, "mapping|Email"), (tracked, r"Event\.\S+|header\.\w+")):
        lines = explanation.lines()[1:]
        assert len({cells(re.split("[→✗]", line)[0]) for line in lines}) == 1, explanation.text()
        columns = [re.match(f".*?({before_value}) +", line) for line in lines]
        assert len({cells(column[0]) for column in columns if column}) == 1, explanation.text()
        assert "\u200d" not in explanation.text()


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("plan", 4),
        ("Zürich", 6),
        ("日本商事", 8),
        ("ｶﾅ", 2),
        ("Ａ", 2),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),
        ("e\u0301", 1),
        ("a\u20dd", 1),
        ("🎉", 2),
        ("…", 1),
        ("שלום", 4),
    ],
)
def test_a_text_is_measured_in_cells(text: str, width: int) -> None:
    assert cells(text) == width


def test_the_lines_are_the_type_a_row_each_and_the_error() -> None:
    explanation = explain(identify({"email": "", "plan": "gold"}), CONFIG)
    assert len(explanation.lines()) == 1 + len(explanation.rows) + 1
    assert "\n".join(explanation.lines()) == explanation.text()


def test_masked_text_holds_no_value_of_the_event() -> None:
    event = identify({"plan": "gold", "shoe": 38, "name": "", "by": {"ada@example.com": 1, "note": 2}})
    assert explain(event, CONFIG).masked().text() == (
        "identify\n"
        "  traits.email    →  Person.Email         <a string>\n"
        "  traits.plan     →  Person.Plan__gc      <a string>  (personMap)\n"
        "  traits.shoe     ✗  no mapping           <a number>\n"
        "  traits.name     ✗  blank (Person.Name)  <a string>\n"
        "  traits.by.*     ✗  no mapping           <a number>\n"
        "  traits.by.note  ✗  no mapping           <a number>"
    )


def test_an_event_name_that_the_config_knows_is_not_masked_and_another_is() -> None:
    assert '"Ticket Closure" as "ticket_closed"' in explain(track(), CONFIG).masked().text()
    text = explain(track("Ada's Divorce"), CONFIG).masked().text()
    assert "Divorce" not in text
    assert 'eventNameMap: has no row for the event "***"' in text


@pytest.mark.parametrize(
    "name",
    [
        f"Ada's {CONFIG.access_key}",
        f"Ada's {'x' * 200}",
        "Ada's\n\x1b[2J",
        "Ada's \u202e",
        "Ada's \"\\",
        "Ada's \ud800",
    ],
)
def test_no_part_of_an_event_name_is_left_by_the_mask_whatever_it_holds(name: str) -> None:
    masked = explain(track(name), CONFIG).masked()
    assert "Ada" not in masked.text() + str(masked.error) + repr(masked.as_dict())
    typed = explain({"type": name}, CONFIG).masked()
    assert "Ada" not in typed.text() + str(typed.error) + repr(typed.as_dict())


def test_the_text_of_an_error_and_of_what_is_no_event() -> None:
    assert explain({"type": "page"}, CONFIG).text() == (
        'no event for Gainsight\n  error: type: "page" is not supported: it must be identify, group or track'
    )


def test_as_data_it_is_ready_for_json() -> None:
    explanation = explain(identify({"plan": Decimal("1.50"), "name": "", "shoe": {1}}), CONFIG)
    assert json.loads(json.dumps(explanation.as_dict())) == {
        "type": "identify",
        "rows": [
            {
                "source": "traits.email",
                "value": "ada@example.com",
                "field": "Person.Email",
                "rule": "standard",
                "sent": "ada@example.com",
                "change": None,
                "refusal": None,
            },
            {
                "source": "traits.plan",
                "value": 1.5,
                "field": "Person.Plan__gc",
                "rule": "personMap",
                "sent": 1.5,
                "change": None,
                "refusal": None,
            },
            {"source": "traits.name", "value": "", "field": "Person.Name", "rule": "standard", "reason": "blank"},
            {"source": "traits.shoe", "value": "<a set>", "field": None, "rule": None, "reason": "no mapping"},
        ],
        "error": None,
    }


def test_an_integer_that_python_will_not_print_is_told_by_its_kind() -> None:
    assert "<a number>" in explain(identify({"shoe": 10**5000}), CONFIG).text()


def test_control_characters_of_a_value_do_not_reach_a_terminal() -> None:
    assert "\x1b" not in explain(identify({"shoe\x1b[2J": "\x1b[2J\x9b"}), CONFIG).text()
    assert "\x9b" not in explain(identify({"shoe": "\x9b"}), CONFIG).text()


def test_a_secret_in_a_name_of_the_event_is_not_shown() -> None:
    config = DestinationConfig(
        domain="acme.co",
        access_key="key-4711",
        event_name_map={"key-4711 made": "x"},
        event_version_map={"key-4711 made": "1"},
    )
    for event in (identify({"key-4711": 1}), {"type": "track", "event": "key-4711 made"}):
        explanation = explain(event, config)
        assert "key-4711" not in explanation.text() + json.dumps(explanation.as_dict())


def test_reprs_show_no_value() -> None:
    explanation = explain(identify({"plan": "gold"}), CONFIG)
    assert repr(explanation) == "<Trace identify: 2 rows, no error>"
    assert repr(explanation.rows[1]) == "<Row traits.plan → Person.Plan__gc: sent>"
    assert repr(explain(identify({"shoe": "38"}), CONFIG).rows[1]) == "<Row traits.shoe → nowhere: no mapping>"


# --- laws -------------------------------------------------------------------------------------------------------------

anything = st.one_of(strategies.events, strategies.good_events)
any_config = st.one_of(strategies.configs, strategies.whole_configs)


def parts_of(request: Request) -> dict[str, list[tuple[str, Any]]]:
    """What a request sends, as rows tell it: by record, or header; names without secrets."""
    if isinstance(request, FindCompany):
        return {"Company": [*request.company.items()], "Person": [("Email", request.email)]}
    if isinstance(request, SendEvent):
        known = ("eventName", "eventVersion", "contractId")
        headers = [(name, str(value)) for name, value in request.headers.items() if name in known]
        return {
            "Event": [(request.config.hide(name), value) for name, value in request.body.items()],
            "header": headers,
        }
    return {"Person": [*request.body.items()]}


def transformed(event: Any, config: Any) -> Request | EventError | ConfigError:
    """What `transform` returns, or what it raises."""
    try:
        return transform(event, config)
    except (EventError, ConfigError) as error:
        return error


def check_agreement(event: Any, config: DestinationConfig) -> None:
    explanation = explain(event, config)
    request = transformed(event, config)
    if not isinstance(request, Request):
        assert (explanation.error, explanation.request) == (request, None)
        return
    assert (explanation.error, explanation.request) == (None, request)
    assert Fate.FAULT not in {row.fate for row in explanation.rows}
    sent = [(row.record, row.target, row.sent) for row in explanation.rows if row.fate is Fate.SENT]
    parts = parts_of(request)
    goes = [(record, name, value) for record, fields in parts.items() for name, value in fields]
    assert sorted(map(repr, sent)) == sorted(map(repr, goes))


@given(anything, any_config)
def test_explain_agrees_with_transform_on_every_event(event: Any, config: DestinationConfig) -> None:
    check_agreement(event, config)


@every_vector
def test_explain_agrees_with_transform_on_every_vector(vector: dict[str, Any]) -> None:
    event, raw = vector["event"], vector["config"]
    explanation = explain(event, raw)
    assert (explanation.request or explanation.error) == transformed(event, raw)
    if explanation.config is not None:
        check_agreement(event, explanation.config)


def leaves(value: Any, path: tuple[str, ...]) -> set[tuple[str, ...]]:
    if isinstance(value, Mapping) and value:
        return {leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))}
    return {path}


@given(strategies.good_events, strategies.whole_configs)
def test_no_trait_and_no_property_is_passed_over(event: dict[str, Any], config: DestinationConfig) -> None:
    config = attrs.evolve(config, access_key="k" * 9 + "!", shared_secret="s" * 9 + "!")  # in no key of the event
    told = {row.path for row in explain(event, config).rows}
    for place, among in (
        ("traits", event["traits"]),
        ("context.traits", event["context"]["traits"]),
        ("properties", event["properties"]),
    ):
        for key, value in among.items():
            for leaf in leaves(value, (place, key)):
                assert any(leaf[:length] in told for length in range(2, len(leaf) + 1)), leaf


@given(anything, any_config)
def test_explain_shows_no_secret(event: Any, config: DestinationConfig) -> None:
    for explanation in (explain(event, config), explain(event, config).masked()):
        data = json.dumps(explanation.as_dict())
        shown = [explanation.text(), repr(explanation), repr(explanation.rows), data, str(explanation.error)]
        secrets = [secret for secret in (config.access_key, config.shared_secret) if secret is not None]
        assert [text for text in shown for secret in secrets if secret in text] == []


@given(strategies.marked_events, any_config)
def test_a_masked_explanation_holds_no_value_of_the_event(event: dict[str, Any], config: DestinationConfig) -> None:
    explanation = explain(event, config).masked()
    shown = [explanation.text(), json.dumps(explanation.as_dict()), repr(explanation.rows), str(explanation.error)]
    assert [text for text in shown for mark in ("PERSONAL", "98765") if mark in text] == []
    assert "PERSONAL" not in str(list(map(tuple, explanation.rows)))


@given(anything, any_config)
def test_explain_is_pure_and_its_result_pickles(event: Any, config: DestinationConfig) -> None:
    before = copy.deepcopy(event)
    first, second = explain(event, config), explain(copy.deepcopy(event), config)
    assert repr(event) == repr(before)
    assert repr(first.rows) == repr(second.rows)
    again: Trace = pickle.loads(pickle.dumps(first))
    assert again.as_dict() == first.as_dict()


@given(strategies.json_values, strategies.raw_configs)
def test_explain_raises_nothing_whatever_it_is_given(event: Any, config: Any) -> None:
    assert isinstance(explain(event, config), Trace)
