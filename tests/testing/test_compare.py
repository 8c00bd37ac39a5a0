"""Differences between the result of an event and what was expected, with their reasons: tables and laws."""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, explain
from gainsight_dest.secret import hidden
from gainsight_dest.testing import configs, events, group_event, identify_event, track_event
from gainsight_dest.testing.compare import differences, outcome, renewed
from gainsight_dest.testing.mapping import MappingTest
from gainsight_dest.testing.reasons import line_of
from tests import some
from tests.some import ACCESS_KEY, SHARED_SECRET

CONFIG = attrs.evolve(
    some.CONFIG,
    contract_id="contract",
    person_map={"score": "Score__gc", "crm.id": "CRM_ID__gc", "address.city": "City__gc", "title": "Location"},
    company_map={"region": "Region__gc"},
    event_name_map={"Ticket Closure": "ticket_closed"},
)
HOST = "https://acme.gainsightcloud.com"
IDENTIFY = identify_event(
    plan="gold", score="12", address={"city": "Rome"}, location="", title=None, firstName="Ada", lastName="L", age=36
)
PERSON = {"Email": "ada@example.com", "FirstName": "Ada", "LastName": "L", "Score__gc": "12", "City__gc": "Rome"}
PERSON["Name"] = "Ada L"
GROUP = group_event(employees="many", users="12", region=None, arr="", renewalDate="2026-01-01", Industry=True)
COMPANY = {"Name": "Acme", "Users": 12, "RenewalDate": "2026-01-01"}
TRACK = track_event(status="resolved")
NO_EMAIL = identify_event(email=None)
PROBLEM = "traits.email: a non-blank string is needed for identify, got null"


def lines(event: Any, expected: Any, subset: bool = False) -> list[str]:
    explanation = explain(event, CONFIG)
    came = outcome(explanation)
    return [line_of(each, explanation) for each in differences(expected, came, subset=subset)]


@pytest.mark.parametrize(
    ("event", "expected", "subset"),
    [
        (IDENTIFY, {"body": PERSON}, False),
        (IDENTIFY, {"headers": {"Content-Type": "application/json", "Accesskey": "***"}}, False),
        (IDENTIFY, {"request": {"method": "PUT", "url": f"{HOST}/v1.0/api/people"}}, False),
        (IDENTIFY, {"request": [{"step": "upsert person", "body": PERSON}]}, False),
        (IDENTIFY, {"body": {"Score__gc": "12"}, "headers": {}}, True),
        (GROUP, {"body": COMPANY}, False),
        (GROUP, {"body": {"Users": 12.0}}, True),
        (GROUP, {"link": {"Email": "ada@example.com", "companies": [{"Company_ID": "<Gsid of the company>"}]}}, False),
        (GROUP, {"request": [{"method": "POST"}, {}, {"method": "PUT"}, {"step": "link person, once saved"}]}, False),
        (GROUP, {"request": {"body": {"select": ["Name"]}}}, True),
        (TRACK, {"headers": {"sharedSecret": "***", "eventName": "ticket_closed"}}, True),
        (NO_EMAIL, {"error": "email: a non-blank"}, False),
        (NO_EMAIL, {"error": {"kind": "EventError"}}, False),
        (NO_EMAIL, {"error": {"kind": "EventError", "message": PROBLEM}, "explain": []}, False),
        (TRACK, {"explain": [{"source": "properties.status", "sent": "resolved"}]}, True),
        (TRACK, {"explain": [{"rule": "eventNameMap"}]}, True),
        (TRACK, {"explain": [{"source": "properties.status", "value": "resolved", "field": "Event.status"}, {"source": "event", "rule": "eventNameMap"}, {"source": "event"}, {"field": "header.contractId"}]}, False),
    ],
)  # fmt: skip
def test_what_is_expected_and_came_makes_no_difference(event: Any, expected: Any, subset: bool) -> None:
    assert lines(event, expected, subset) == []


@pytest.mark.parametrize(
    ("event", "expected", "line"),
    [
        ({}, {"Plan__gc": "gold"}, 'body.Plan__gc: expected "gold", got nothing: traits.plan has no row in personMap'),
        ({}, {"Tier__gc": "gold"}, 'body.Tier__gc: expected "gold", got nothing: traits.plan has no row in personMap'),
        ({}, {"Age__gc": 3}, "body.Age__gc: expected 3, got nothing: traits.age has no row in personMap"),
        ({}, {"X__gc": True}, "body.X__gc: expected true, got nothing: no row of personMap goes there"),
        ({}, {"CRM_ID__gc": 1}, "body.CRM_ID__gc: expected 1, got nothing: it is made of crm.id, and the event has no such trait"),
        ({}, {"Timezone": "x"}, 'body.Timezone: expected "x", got nothing: it is made of timezone, and the event has no such trait'),
        ({}, {"MiddleName": 1}, "body.MiddleName: expected 1, got nothing: it is made of middleName or middlename or middle_name, and the event has no such trait"),
        ({}, {"Location": "Rome"}, 'body.Location: expected "Rome", got nothing: traits.location is blank'),
        ({}, {"Score__gc": "gold"}, 'body.Score__gc: expected "gold", got "12": traits.score goes there by personMap, unchanged'),
        ({}, {"Score__gc": 12}, 'body.Score__gc: expected 12, got "12": traits.score goes there by personMap, unchanged'),
        ({}, {"FirstName": "A"}, 'body.FirstName: expected "A", got "Ada": traits.firstName goes there as a standard field, unchanged'),
        ({}, {"Name": "Ada"}, 'body.Name: expected "Ada", got "Ada L": it is made of FirstName + LastName'),
        ({"properties": {"plan": "p"}}, {"Y__gc": "p"}, 'body.Y__gc: expected "p", got nothing: properties.plan is not read here'),
    ],
)  # fmt: skip
def test_a_difference_in_a_person_says_which_rule_made_it(event: Any, expected: Any, line: str) -> None:
    assert lines({**IDENTIFY, **event}, {"body": expected}, subset=True) == [line]


@pytest.mark.parametrize(
    ("event", "expected", "line"),
    [
        (identify_event(email=None, context_traits={"email": "b@c.de"}), {"body": {"Email": "a"}}, 'body.Email: expected "a", got "b@c.de": context.traits.email goes there as a standard field, unchanged'),
        (identify_event(location="x", title="y"), {"body": {"Location": "x"}}, 'body.Location: expected "x", got "y": traits.title goes there by personMap, unchanged; traits.location is overridden by traits.title'),
        (identify_event(comments=12), {"body": {"Comments": 12}}, 'body.Comments: expected 12, got "12": traits.comments goes there as a standard field, turned to text'),
        (GROUP, {"body": {"Employees": 3}}, "body.Employees: expected 3, got nothing: traits.employees is not a number"),
        (GROUP, {"body": {"Users": 13}}, "body.Users: expected 13, got 12: traits.users goes there as a standard field, turned to number"),
        (GROUP, {"body": {"Region__gc": "EMEA"}}, 'body.Region__gc: expected "EMEA", got nothing: traits.region is null'),
        (GROUP, {"body": {"Arr": 1}}, "body.Arr: expected 1, got nothing: traits.arr is blank"),
        (GROUP, {"body": {"Industry": True}}, "body.Industry: expected true, got nothing: traits.Industry has no row in companyMap"),
        (GROUP, {"link": {"Email": "b@c.de"}}, 'link.Email: expected "b@c.de", got "ada@example.com": context.traits.email goes there to link the person, unchanged'),
        (GROUP, {"request": [{}, {"body": {"records": [{"Users": 1}]}}, {}, {}]}, "request[1].body.records[0].Users: expected 1, got 12: traits.users goes there as a standard field, turned to number"),
        (GROUP, {"request": {"body": {"select": []}}}, 'unexpected request.body.select[0] "Name"'),
        (GROUP, {"request": {"url": "x"}}, f'request.url: expected "x", got "{HOST}/v1/data/objects/query/Company"'),
        (TRACK, {"body": {" ": 1}}, 'body[" "]: expected 1, got nothing: the event has no property " "'),
        (TRACK, {"body": {"open": 1}}, "body.open: expected 1, got nothing: the event has no property open"),
        (TRACK, {"body": {"status": 1}}, 'body.status: expected 1, got "resolved": properties.status goes there as a property, unchanged'),
        (TRACK, {"headers": {"eventName": "x"}}, 'headers.eventName: expected "x", got "ticket_closed": eventNameMap has it for this event'),
        (TRACK, {"headers": {"contractId": "x"}}, 'headers.contractId: expected "x", got "contract": Config.contractId goes there as the contract id, unchanged'),
        (TRACK, {"headers": {"topicName": "x"}}, 'headers.topicName: expected "x", got "Tickets": it is the config\'s topicName'),
        (TRACK, {"headers": {"X-More": "x"}}, 'headers.X-More: expected "x", got nothing'),
        (TRACK, {"headers": {"sharedSecret": "another"}}, 'headers.sharedSecret: expected "***", got "***": it is the config\'s sharedSecret'),
        (TRACK, {"request": {"headers": {"Accesskey": "another"}}}, 'request.headers.Accesskey: expected "***", got "***": it is the config\'s accessKey'),
        (TRACK, {"link": {}}, "link: expected {}, got nothing: track links no person to a company"),
        (TRACK, {"error": "x"}, 'error: expected "x", got nothing: the event became a request: send event'),
        (TRACK, {"explain": [{"source": "a b", "sent": 1}]}, 'explain[0]: expected {"source": "a b", "sent": 1}, got nothing'),
        (TRACK, {"explain": [{"source": "event", "rule": "x"}]}, 'explain[0].rule: expected "x", got "eventNameMap"'),
        (NO_EMAIL, {"body": {"a b": 1}}, f'body: expected {{"a b": 1}}, got nothing: EventError: {PROBLEM}'),
        (NO_EMAIL, {"error": {"kind": "ConfigError"}}, 'error.kind: expected "ConfigError", got "EventError"'),
        (NO_EMAIL, {"error": "phone"}, f'error.message: expected "phone", got "{PROBLEM}"'),
        ({"type": "page"}, {"body": {}}, 'body: expected {}, got nothing: UnsupportedTypeError: type: "page" is not supported: it must be identify, group or track'),
        ({"type": "page"}, {"headers": {"Accesskey": "x", "b": ["y"]}}, 'headers: expected {"Accesskey": "***", "b": ["y"]}, got nothing: UnsupportedTypeError: type: "page" is not supported: it must be identify, group or track'),
    ],
)  # fmt: skip
def test_a_difference_says_which_rule_made_it(event: Any, expected: Any, line: str) -> None:
    assert lines(event, expected, subset=True) == [line]


@pytest.mark.parametrize(
    ("event", "expected", "line"),
    [
        (IDENTIFY, {"body": {**PERSON, "City__gc": "x"}}, 'body.City__gc: expected "x", got "Rome": traits.address.city goes there by personMap, unchanged'),
        (IDENTIFY, {"body": {key: PERSON[key] for key in PERSON if key != "City__gc"}}, 'unexpected body.City__gc "Rome": traits.address.city goes there by personMap'),
        (TRACK, {"body": {}}, 'unexpected body.status "resolved": properties.status goes there as a property'),
        (track_event(tags=["a"]), {"body": {"tags": []}}, 'unexpected body.tags[0] "a": properties.tags goes there as a property'),
        (track_event(properties={"a b": 1}), {"body": {}}, 'unexpected body["a b"] 1: properties["a b"] goes there as a property'),
        (track_event(flag=1), {"body": {"flag": True}}, "body.flag: expected true, got 1: properties.flag goes there as a property, unchanged"),
        (NO_EMAIL, {"explain": [{"source": "x"}]}, 'explain[0]: expected {"source": "x"}, got nothing'),
        (identify_event(), {"request": []}, None),
    ],
)  # fmt: skip
def test_without_subset_nothing_more_may_come(event: Any, expected: Any, line: str | None) -> None:
    (got,) = lines(event, expected)
    assert got == line or (line is None and got.startswith('unexpected request[0] {"step": "upsert person"'))


def test_what_cannot_be_seen_or_told_from_a_space_is_escaped() -> None:
    explanation = explain(identify_event(firstName="Ada\xa0L"), CONFIG)
    (line,) = (
        line_of(each, explanation)
        for each in differences({"body": {"FirstName": "Ada\u200bL"}}, outcome(explanation), subset=True)
    )
    assert line.startswith(r'body.FirstName: expected "Ada\u200bL", got "Ada\u00a0L"')


#: As a keyword Python would compose such letters.
NFD: dict[str, Any] = {"pre\u0301nom": "A"}
ACCENTED = attrs.evolve(CONFIG, person_map={"pr\u00e9nom": "Nick__gc"})


@pytest.mark.parametrize(
    ("event", "expected", "shown"),
    [
        (identify_event(firstName="Zoe\u0308"), {"body": {"FirstName": "Zo\u00eb"}}, [r'body.FirstName: expected "Zo\u00eb", got "Zoe\u0308": traits.firstName goes there as a standard field, unchanged']),
        (identify_event(firstName="Ada "), {"body": {"FirstName": "Ada"}}, [r'body.FirstName: expected "Ada", got "Ada\u0020": traits.firstName goes there as a standard field, unchanged']),
        (track_event(tags=["\uf900"]), {"body": {"tags": ["\u8c48"]}}, [r'body.tags[0]: expected "\u8c48", got "\uf900": properties.tags goes there as a property, unchanged']),
        (track_event(properties={"caf\u00e9": 1}), {"body": {"cafe\u0301": 1}}, ['body.cafe\u0301: expected 1, got nothing: the event has no property "cafe\\u0301", it has "caf\\u00e9"']),
        (identify_event(**NFD), {"body": {"Email": "ada@example.com", "Nick__gc": "B"}}, ['body.Nick__gc: expected "B", got nothing: traits.pre\u0301nom has no row in personMap, which has "pr\\u00e9nom", and the event has "pre\\u0301nom"']),
        (identify_event(**NFD), {"explain": [{"source": "traits.pr\u00e9nom"}]}, ['explain[0]: expected {"source": "traits.prénom"}, got nothing: the event has no source "traits.pr\\u00e9nom", but "traits.pre\\u0301nom"']),
        ({"type": "track", "event": "Caf\u00e9"}, {"error": 'the event "Cafe\u0301"'}, [r'error.message: expected "the event \"Cafe\u0301\"", got "eventNameMap: has no row for the event \"Caf\u00e9\"; eventVersionMap: has no row for the event \"Caf']),
    ],
)  # fmt: skip
def test_what_looks_the_same_is_shown_with_escapes_where_it_differs(
    event: Any, expected: Any, shown: list[str]
) -> None:
    problems = MappingTest("a", 1, ACCENTED, event, expected, subset=True).problems()
    assert [line[: len(start)] for line, start in zip(problems, shown, strict=True)] == shown


def test_of_keys_that_look_the_same_both_are_shown_with_escapes_where_they_differ() -> None:
    event = track_event(properties={"caf\u00e9": 1, "b": 1})
    missing, *more = MappingTest("a", 1, CONFIG, event, {"body": {"cafe\u0301": 1}}).problems()
    assert missing.startswith(r'body["cafe\u0301"]: expected 1, got nothing: ')
    assert more == [
        r'unexpected body["caf\u00e9"] 1: properties.' + "caf\u00e9 goes there as a property",
        "unexpected body.b 1: properties.b goes there as a property",
    ]


def test_no_line_shows_a_secret() -> None:
    event = track_event(note=f"the key is {ACCESS_KEY}")
    expected = {"body": {"note": f"{SHARED_SECRET}?"}, "headers": {"Accesskey": ACCESS_KEY[:-1]}}
    shown = "\n".join(lines(event, expected))
    assert shown.count("***") > 2
    assert not any(secret in shown for secret in (ACCESS_KEY, SHARED_SECRET, ACCESS_KEY[:-1]))


def test_a_short_key_is_masked_too() -> None:
    came = outcome(explain(TRACK, attrs.evolve(CONFIG, access_key="k")))
    assert came["headers"]["Accesskey"] == "***"


@pytest.mark.parametrize(
    ("event", "expected", "made"),
    [
        (identify_event(), {"body": {"Email": "old@example.com"}}, {"body": {"Email": "ada@example.com"}}),
        (
            {"type": "page"},
            {"error": "old"},
            {"error": 'type: "page" is not supported: it must be identify, group or track'},
        ),
        ({"type": "page"}, {"error": {"kind": "ConfigError"}}, {"error": {"kind": "UnsupportedTypeError"}}),
        (identify_event(), {"request": {"method": "POST"}}, {"request": {"method": "PUT"}}),
        (identify_event(), {"request": [{"method": "POST"}]}, {"request": [{"method": "PUT"}]}),
        (
            identify_event(),
            {"body": {"Email": "ada@example.com"}, "explain": [{"source": "traits.email", "sent": "x"}]},
            {"body": {"Email": "ada@example.com"}, "explain": [{"source": "traits.email", "sent": "ada@example.com"}]},
        ),
        (identify_event(), {"error": "x"}, {"body": {"Email": "ada@example.com"}}),
    ],
)
def test_what_no_longer_holds_is_renewed(event: Any, expected: Any, made: Any) -> None:
    assert renewed(expected, outcome(explain(event, CONFIG)), subset=True) == made


# --- laws -------------------------------------------------------------------------------------------------------------

_some = st.sampled_from(["Email", "Name", "Plan__gc", "status", "Accesskey", "x", "***", 1, None])
_objects = st.dictionaries(st.sampled_from(["Email", "Name", "Plan__gc", "status", "eventName", "Accesskey"]), _some, max_size=3)  # fmt: skip
_explained = st.lists(
    st.fixed_dictionaries({}, optional={"source": st.sampled_from(["traits.email", "event", "traits.plan"]), "sent": _some}),
    max_size=2,
)  # fmt: skip
_steps = st.fixed_dictionaries({}, optional={"method": st.just("PUT"), "step": st.just("x"), "body": _objects})
_requests = st.fixed_dictionaries(
    {},
    optional={
        "body": _objects,
        "headers": _objects,
        "link": _objects,
        "request": st.one_of(_steps, st.lists(_steps, max_size=4)),
        "explain": _explained,
    },
)
_errors = st.fixed_dictionaries(
    {"error": st.one_of(st.just("x"), st.fixed_dictionaries({"kind": st.just("ConfigError")}))},
    optional={"explain": _explained},
)
_expected = st.one_of(st.none(), _requests, _errors)
_given = st.one_of(events(), events().map(lambda event: {**event, "traits": {}, "event": "unknown"}))


@given(_given, configs(), _expected, st.booleans())
def test_what_is_renewed_holds_and_keeps_what_holds(
    event: Any, config: DestinationConfig, expected: Any, subset: bool
) -> None:
    came = outcome(explain(event, config))
    made = renewed(expected, came, subset=subset)
    assert differences(made, came, subset=subset) == ()
    assert renewed(made, came, subset=subset) == made
    if expected and not differences(expected, came, subset=subset):
        assert made == expected
    if expected and {*expected} - {"explain"} <= came.keys():
        assert made.keys() == expected.keys()
    assert hidden(made, config.hide) == made


@given(_given, configs(), _expected.filter(bool), st.booleans())
def test_every_difference_can_be_told(event: Any, config: DestinationConfig, expected: Any, subset: bool) -> None:
    explanation = explain(event, config)
    for each in differences(expected, outcome(explanation), subset=subset):
        line = line_of(each, explanation)
        assert line.isprintable()
        assert "test-access-key" not in line
