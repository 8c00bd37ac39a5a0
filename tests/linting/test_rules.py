"""Lint: each rule finds what it is for, and nothing else does; what a finding says, and what it keeps to itself."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from gainsight_dest import DestinationConfig, Finding, Profile, Severity, explain, lint
from gainsight_dest.linting.rules import OF_EVENTS, OF_THE_CONFIG, RULES
from tests.examples import EVENTS, EXAMPLES
from tests.linting.configs import (
    CLOSED,
    GOOD,
    NO_EVENTS,
    NOTHING_MAPPED,
    WELL,
    companies,
    company,
    config,
    maps,
    people,
    person,
    row,
    track,
)
from tests.some import identify


def named(name: str) -> Any:
    """A group event of a company of that name."""
    event = company()
    return {**event, "traits": {**event["traits"], "name": name}}


#: What RudderStack writes into a Config, and beside one, in its exports of today. There will be more of them.
RUDDERSTACKS = (
    *(
        "connectionMode",
        "consentManagement",
        "oneTrustCookieCategories",
        "ketchConsentPurposes",
        "eventFilteringOption",
    ),
    *("blacklistedEvents", "whitelistedEvents", "eventDelivery", "eventDeliveryTS", "useNativeSDK", "transformAtV1"),
    *(
        "useNativeSDKToSend",
        "useServerSideFiltering",
        "enableConsentManagement",
        "saveDestinationResponse",
        "transformAt",
    ),
    *(
        "id",
        "name",
        "enabled",
        "type",
        "secretConfig",
        "destinationDefinition",
        "destinationDefinitionId",
        "workspaceId",
    ),
    *(
        "transformations",
        "isProcessorEnabled",
        "revisionId",
        "createdAt",
        "updatedAt",
        "deleted",
        "liveEventsConfig",
        "a b",
    ),
)

#: Rule, what triggers it and no other, where; and its next of kin that do not.
TABLE: list[tuple[str, dict[str, Any], list[str], list[dict[str, Any]]]] = [
    ("invalid-setting", {"contractId": 5}, ["contractId"], [{"contractId": None}]),
    ("invalid-setting", people(row(5, "x"), "x"), ["personMap[1].from", "personMap[2]"], []),
    ("invalid-setting", {"companyMap": {"a": 5.5, "region": "Region__gc"}}, ['companyMap["a"]'], []),
    ("invalid-setting", maps("b", "a\nb"), ["eventNameMap[1].to"], [maps("b", "ü")]),
    (
        "unusable-domain",
        {"domain": "http://acme.gainsightcloud.com"},
        ["domain"],
        [{"domain": "HTTPS://acme.gainsightcloud.com/"}],
    ),
    ("unusable-domain", {"domain": None}, ["domain"], []),
    ("unusable-domain", {"domain": 5}, ["domain"], []),
    ("unusable-domain", {"domain": "https://[::1"}, ["domain"], []),
    ("unknown-host", {"domain": "cs.example.org"}, ["domain"], [{"domain": "acme.us2.gainsightcloud.com"}]),
    ("merge-key-target", people(row("mail", "Email")), ["personMap[1].to"], [people(row("mail", "Mail__gc"))]),
    (
        "merge-key-target",
        companies(row("title", "Name")),
        ["companyMap[1].to"],
        [companies(row("", "Name__gc")) | companies()],
    ),
    ("system-field-target", people(row("id", "Gsid")), ["personMap[1].to"], []),
    ("system-field-target", companies(row("nps", "Nps")), ["companyMap[1].to"], [companies(row("nps", "Nps__gc"))]),
    ("unknown-field", people(row("tier", "Tier")), ["personMap[1].to"], [people(row("tier", "Tier__gc"))]),
    ("standard-field-target", people(row("tz", "Timezone")), ["personMap[1].to"], [people(row("tz", "Industry__gc"))]),
    ("standard-field-target", {"personMap": {"name": "Name"}}, ['personMap["name"]'], []),
    ("odd-field-name", people(row("a", "City Name__gc")), ["personMap[1].to"], [people(row("a", "City_Name_2__gc"))]),
    ("odd-field-name", people(row("a", "__gc"), row("b", "A__gc__gc")), ["personMap[1].to", "personMap[2].to"], []),
    ("shared-target", people(row("tier", "Plan__gc")), ["personMap[1].to"], [companies(row("plan", "Plan__gc"))]),
    ("repeated-source", people(row("plan", "Tier__gc")), ["personMap[0].from"], [people(row("Plan", "Tier__gc"))]),
    (
        "half-blank-row",
        people(row("a", ""), row(" ", "A__gc")),
        ["personMap[1]", "personMap[2]"],
        [people(row("", None))],
    ),
    ("half-blank-row", {"companyMap": {"a": None}}, ['companyMap["a"]'], []),
    ("unread-row-key", people({"from": "a", "To": "A__gc"}), ["personMap[1]"], []),
    ("unread-row-key", people({**row("a", "A__gc"), "note": 1}), ["personMap[1]"], []),
    ("stray-spaces", {"tenantId": "5e7f1c38 "}, ["tenantId"], [{"domain": " acme.gainsightcloud.com "}]),
    ("stray-spaces", people(row("a", "A__gc ")), ["personMap[1].to"], []),
    ("stray-spaces", maps("b", " b", "1 "), ["eventNameMap[1].to", "eventVersionMap[1].to"], [maps("b", "a b")]),
    ("stray-spaces-in-source", people(row(" a", "A__gc")), ["personMap[1].from"], [people(row("a b", "A__gc"))]),
    ("event-without-version", {"eventNameMap": {CLOSED: "a", "b": "b"}}, ['eventNameMap["b"]'], [maps("b")]),
    ("event-without-name", {"eventVersionMap": {CLOSED: "1", "b": "2"}}, ['eventVersionMap["b"]'], [maps("b")]),
    ("missing-access-key", {"accessKey": " "}, ["accessKey"], []),
    ("track-only", {"accessKey": None, **NOTHING_MAPPED}, ["accessKey"], [NOTHING_MAPPED]),
    ("missing-track-setting", {"topicName": "", "tenantId": None}, ["topicName", "tenantId"], []),
    (
        "idle-track-settings",
        NO_EVENTS,
        ["sharedSecret"],
        [{**NO_EVENTS, "sharedSecret": "", "topicName": "", "tenantId": ""}],
    ),
    ("placeholder", {"accessKey": "your-access-key"}, ["accessKey"], [{"accessKey": '{{ message.key || "xxx" }}'}]),
    ("secret-elsewhere", {"contractId": GOOD["accessKey"]}, ["contractId"], [{"contractId": "7d0c9a52"}]),
    ("secret-elsewhere", {"accessKey": GOOD["sharedSecret"]}, ["sharedSecret"], []),
    ("secret-elsewhere", people(row("a", f"A_{'abcd'}__gc")) | {"accessKey": "abcd"}, ["personMap[1].to"], []),
    ("unread-key", {"personmap": []}, ["personmap"], [{"eventDelivery": True, "useNativeSDK": {"web": False}}]),
    ("unread-key", {"access key": 1}, ['["access key"]'], [{name: 1} for name in RUDDERSTACKS]),
]
#: The same with events at hand.
TABLE_OF_EVENTS: list[tuple[str, dict[str, Any], list[Any], list[str], list[list[Any]]]] = [
    ("missing-access-key", {"accessKey": "", **NOTHING_MAPPED}, [track(), person()], ["accessKey"], []),
    ("track-only", {"accessKey": "", **NOTHING_MAPPED}, [track()], ["accessKey"], []),
    (
        "unused-mapping",
        people(row("tier", "Tier__gc")),
        WELL,
        ["personMap[1].from"],
        [WELL[1:], [*WELL, person(tier=None)]],
    ),
    (
        "unused-mapping",
        companies(row("a.b", "B__gc")),
        WELL,
        ["companyMap[1].from"],
        [[*WELL, company(a={"b": 1})], [*WELL, company(**{"a.b": 1})]],
    ),
    ("unused-mapping", maps("b"), WELL, ["eventNameMap[1].from"], [WELL[:2], [*WELL, track("b")]]),
    ("misspelt-trait", {}, [*WELL, person(Plan="gold")], ["personMap[0].from"], [[*WELL, person(planet="Mars")]]),
    (
        "misspelt-trait",
        people(row("address.city", "City__gc")),
        [*WELL, person(addressCity="Rome")],
        ["personMap[1].from"],
        [],
    ),
    (
        "misspelt-trait",
        companies(row("segment", "Segment__gc")),
        [*WELL, company(sgement="SMB")],
        ["companyMap[1].from"],
        [],
    ),
    (
        "misspelt-trait",
        {},
        [*WELL, person(FirstName="Ada")],
        ["identify traits.FirstName"],
        [[*WELL, company(FirstName="Ada")]],
    ),
    (
        "misspelt-trait",
        {},
        [*WELL, company(indutsry="Retail")],
        ["group traits.indutsry"],
        [[*WELL, company(industry="Retail", indutsry="Retail")]],
    ),
    (
        "unmapped-event",
        {},
        [*WELL, track("b"), track("b")],
        ["eventNameMap"],
        [[*WELL, {**track("b"), "integrations": {"All": False}}], [*WELL, track(5), track(" ")]],
    ),
    ("misspelt-event", {}, [*WELL, track("ticket_closure")], ["eventNameMap[0].from"], []),
    ("misspelt-event", {}, [*WELL[:2], track("Ticket Closures")], ["eventNameMap[0].from"], []),
    (
        "refused-value",
        {},
        [*WELL, company(renewalDate="soon")],
        ["group traits.renewalDate"],
        [[*WELL, company(renewalDate="2026-01-31")]],
    ),
    (
        "dropped-value",
        {},
        [*WELL, company(employees="many")],
        ["group traits.employees"],
        [[*WELL, company(employees="12")]],
    ),
    (
        "alike-companies",
        {},
        [*WELL, *map(named, ["Zo\u00eb's", "Zoe\u0308's", "Blue Harbor", "Blue\u00a0Harbor", "BLUE HARBOR "])],
        ["group traits.name"] * 3,
        [
            [*WELL, *map(named, ["Zoë", "Zoe", "Blue Harbor", "Blueharbor", "B 1", "B 2", "Blue Harbor"])],
            [*WELL, *({**named(name), "integrations": {"All": False}} for name in ("Acme", "acme "))],
            [*WELL, *({**named(name), "context": {}} for name in ("Foo", "foo "))],
        ],
    ),
]


def found(*given: Any) -> list[tuple[str, str]]:
    return [(finding.rule, finding.place) for finding in lint(*given)]


@pytest.mark.parametrize(("rule", "bad", "places", "good"), TABLE)
def test_a_rule_finds_what_it_is_for_and_no_other_rule_does(
    rule: str, bad: dict[str, Any], places: list[str], good: list[dict[str, Any]]
) -> None:
    assert found(config(**bad)) == [(rule, place) for place in places]
    assert [found(config(**changes)) for changes in good] == [[] for _ in good]


@pytest.mark.parametrize(("rule", "changes", "events", "places", "good"), TABLE_OF_EVENTS)
def test_a_rule_finds_what_it_is_for_in_events_and_no_other_rule_does(
    rule: str, changes: dict[str, Any], events: list[Any], places: list[str], good: list[list[Any]]
) -> None:
    assert found(config(**changes), events) == [(rule, place) for place in places]
    assert [found(config(**changes), each) for each in good] == [[] for _ in good]


def test_every_rule_stands_in_the_tables() -> None:
    assert {rule.code for rule in OF_THE_CONFIG} == {rule for rule, *_ in TABLE}
    assert {rule.code for rule in OF_EVENTS} <= {rule for rule, *_ in TABLE_OF_EVENTS}
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_a_good_config_has_no_findings_in_any_form() -> None:
    for given in (GOOD, {"Config": GOOD}, DestinationConfig.from_rudderstack(GOOD)):
        assert lint(given, WELL) == ()


@pytest.mark.parametrize("given", [None, 5, "x", [], {"Config": None}])
def test_what_is_no_object_is_one_finding(given: Any) -> None:
    assert found(given) == [("invalid-setting", "destination config")]


def test_an_empty_config_lacks_a_domain_and_a_key() -> None:
    assert found({}) == [("unusable-domain", "domain"), ("track-only", "accessKey")]


def test_a_config_made_in_python_is_told_of_under_rudderstacks_names() -> None:
    made = DestinationConfig(domain="acme.gainsightcloud.com", person_map={"a": "B"}, event_name_map={"e": "E"})
    assert found(made) == [
        ("unknown-field", 'personMap["a"]'),
        ("event-without-version", 'eventNameMap["e"]'),
        ("missing-access-key", "accessKey"),
        ("missing-track-setting", "sharedSecret"),
        ("missing-track-setting", "topicName"),
        ("missing-track-setting", "tenantId"),
    ]


def test_a_summary_tells_what_its_events_do() -> None:
    events = [*WELL, track("b"), company(employees="many")]
    summary = Profile()
    for number, event in enumerate(events, 1):
        summary.add(explain(event, GOOD), number)
    assert lint(GOOD, summary) == lint(GOOD, iter(events)) != ()


def test_events_are_told_by_what_can_be_used_of_a_config_that_is_refused() -> None:
    bad = config(domain="x", contractId=5, **people(row("mail", "Email"), row("seats", "Seats__gc")))
    assert found(bad, [*WELL, person(mail="m"), person(Seats=5)]) == [
        ("invalid-setting", "contractId"),
        ("unusable-domain", "domain"),
        ("merge-key-target", "personMap[1].to"),
        ("misspelt-trait", "personMap[2].from"),
    ]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("plan_gc", "plan__gc"),
        ("Plan__GC", "Plan__gc"),
        ("PlanGc", "Plan__gc"),
        ("Plan", "Plan__gc"),
        ("firstname", "FirstName"),
        ("First_Name", "FirstName"),
        ("LinkedinUlr", "LinkedinUrl"),
        ("Plan name", None),
        ("email", None),
        ("GSID", None),
    ],
)
def test_an_unknown_field_may_be_meant_to_be_another(target: str, meant: str | None) -> None:
    (finding,) = lint(config(**people(row("a", target))))
    assert finding.rule == "unknown-field"
    assert finding.remedy == (f"Did you mean {meant}?" if meant else "The name of a custom field ends in __gc.")


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"domain": "http://Acme.gainsightcloud.com:80/login?x"}, "Write acme.gainsightcloud.com."),
        ({"domain": "acme.gainsightcloud.com/login"}, "Write acme.gainsightcloud.com."),
        ({"domain": "localhost"}, "Name the host alone, such as acme.gainsightcloud.com."),
        ({"domain": f"https://{GOOD['accessKey']}.co:1"}, "Name the host alone, such as acme.gainsightcloud.com."),
        ({"access_key": "k"}, "Did you mean accessKey?"),
        ({"persnoMap": []}, "Did you mean personMap?"),
        ({"config": {}}, "Did you mean Config?"),
        ({"contractIds": ""}, "Did you mean contractId?"),
        (people({"FROM": "a"}), "Did you mean from?"),
        (
            {
                "eventNameMap": {CLOSED: "a", "Ticket Opened": "b"},
                "eventVersionMap": {CLOSED: "1", "ticket opened": "1"},
            },
            'Did you mean "ticket opened" in eventVersionMap["ticket opened"]?',
        ),
    ],
)
def test_a_remedy_says_what_is_probably_meant(changes: dict[str, Any], remedy: str) -> None:
    assert lint(config(**changes))[0].remedy == remedy


def test_events_are_looked_at_as_if_what_is_left_out_were_filled_in() -> None:
    event = company(renewalDate=5)
    for key in ("<key>", "env.KEY", "{{ KEY }}", "a-key"):
        rules = {finding.rule for finding in lint(config(accessKey=key), [*WELL, event])}
        assert rules == ({"refused-value", "placeholder"} if key in {"<key>", "{{ KEY }}"} else {"refused-value"})


@pytest.mark.parametrize(
    "text",
    [
        *("…", "...", "***", "xxx", "XXXX", "0000", "<access key>", "[key]", "${ACCESS_KEY}", "$KEY", "%KEY%"),
        *("changeme", "change-me", "your-access-key", "YOUR_KEY", "my-secret", "EXAMPLE-key-7d0c", "TODO", "todo: ask"),
        *("placeholder", "tbd", "null", "undefined", "secret", "shared key", "insert key here", "replace_me"),
    ],
)
def test_a_key_that_was_never_filled_in_is_told(text: str) -> None:
    assert found(config(accessKey=text)) == [("placeholder", "accessKey")]


@pytest.mark.parametrize(
    "text",
    [
        *("7d0c9a52-6d1e", "youraqt7", "exampleton7", "todorov-9", "k", "secret-7d0c9a52", "nullable"),
        *('{{ message.traits.key || "xxx" }}', "{{ event.context.key || changeme }}"),
    ],
)
def test_a_key_that_looks_like_one_or_is_filled_in_by_events_is_not(text: str) -> None:
    assert found(config(accessKey=text)) == []


def test_a_topic_may_be_called_anything() -> None:
    assert found(config(topicName="Example Topic")) == []


def test_names_that_say_no_more_than_that_something_is_odd_stay_short() -> None:
    (finding,) = lint(config(**people(row("a", "x" * 500 + " __gc"))))
    assert len(finding.problem) < 200


def test_too_many_traits_to_tell_apart_hide_no_mapping_that_was_not_used() -> None:
    events = [person(**{f"t{number}": 1}) for number in range(2500)]
    assert found(GOOD, events) == []


def test_too_many_events_to_tell_apart_hide_no_mapping_that_was_not_used() -> None:
    events = [track(f"{number} times") for number in range(2500)]
    assert {rule for rule, _ in found(GOOD, events)} == {"unmapped-event"}


def test_a_mapping_at_fault_is_not_also_called_unused() -> None:
    bad = config(**people(row("address", "Email")))
    assert found(bad, [*WELL, person(address={"city": "Rome"})]) == [("merge-key-target", "personMap[1].to")]


@pytest.mark.parametrize("secret", ["accessKey", "sharedSecret"])
def test_no_finding_shows_a_secret_wherever_it_sits(secret: str) -> None:
    hidden = "MARKED-0f6b2d94"
    bad = config(
        **{secret: f" {hidden} ", hidden: 1, "tenantId": hidden, "domain": f"http://{hidden}.co"},
        personMap=[row(hidden, hidden), row(f"{hidden}x", f" {hidden}"), row(hidden, "Email"), {hidden: 1}],
        companyMap={hidden: hidden, f"{hidden}2": 5, "x" * 95 + hidden: "Name"},
        eventNameMap=[row(f"a {hidden}", "a")],
    )
    events = [person(**{f"{hidden}X": 1}), company(**{hidden: {hidden: 1}}), track(hidden), track(f"A_{hidden}")]
    findings = lint(bad, events)
    assert len({finding.rule for finding in findings}) > 11
    assert [finding for finding in findings if "MARKED" in repr(finding) + str(finding)] == []


PAIRS = [
    ("Zo\u00ebs", "Zoe\u0308s", r'"Zoe\u0308s"', r'"Zo\u00ebs"', False),
    ("Blue Harbor", "Blue\u00a0Harbor", r'"Blue\u00a0Harbor"', r'"Blue\u0020Harbor"', False),
    ("Blue Harbor", "Blue  Harbor", r'"Blue \u0020Harbor"', '"Blue Harbor"', False),
    ("Blue Harbor", "Blue Har\u200bbor", r'"Blue Har\u200bbor"', '"Blue Harbor"', False),
    ("Blue Harbor", "\ufeffBlue Harbor", r'"\ufeffBlue Harbor"', '"Blue Harbor"', False),
    ("Blue Harbor", "Blue Harbor ", r'"Blue Harbor\u0020"', '"Blue Harbor"', True),
    ("Blue Harbor", "\u00a0Blue Harbor", r'"\u00a0Blue Harbor"', '"Blue Harbor"', True),
    ("Blue Harbor", "BLUE HARBOR", '"BLUE HARBOR"', '"Blue Harbor"', True),
    ("Blue Harbor", "\u0412lue Harbor", r'"\u0412lue Harbor"', '"Blue Harbor"', False),
]


@pytest.mark.parametrize(("usual", "other", "shown", "usual_shown", "may_be_one"), PAIRS)
def test_names_of_companies_that_look_alike_are_told_with_escapes_and_where_they_came(
    usual: str, other: str, shown: str, usual_shown: str, may_be_one: bool
) -> None:
    (finding,) = lint(GOOD, [*WELL, *map(named, [other, *[usual] * 7])])
    are = "Gainsight may take them for two companies" if may_be_one else "to Gainsight they are two companies"
    assert finding.problem == (
        f"{shown} came in 1 group event, number 4, and {usual_shown} came in 7 group events, numbers 5, 6, 7, 8, 9, …: "
        f"they look alike, and {are}"
    )
    assert finding.remedy == "Send one of them alone; where Gainsight has both companies, merge them there."


def test_of_a_masked_summary_no_name_of_a_company_is_shown_or_kept() -> None:
    summary = Profile(mask=True)
    for name in ("MARKED Harbor", "MARKED\u00a0Harbor", "MARKED Harbor"):
        summary.add(explain(named(name), GOOD))
    (finding,) = [each for each in lint(GOOD, summary) if each.rule == "alike-companies"]
    assert finding.problem == (
        "one name came in 1 group event, number 2, and another came in 2 group events, numbers 1, 3: "
        "they look alike, and to Gainsight they are two companies"
    )
    assert "MARKED" not in repr(vars(summary.companies)) + json.dumps(summary.as_dict())


#: As keywords Python would compose such letters.
NFD = {"pre\u0301nom": "A"}


@pytest.mark.parametrize(
    ("event", "remedy"),
    [
        (identify(**NFD), r'Did you mean "pr\u00e9nom", which looks like "pre\u0301nom"?'),
        (identify(PRÉNOM="A"), 'Did you mean "prénom"?'),
        (track("caf\u00e9"), r'Did you mean "cafe\u0301", which looks like "caf\u00e9"?'),
    ],
)
def test_names_that_differ_in_what_cannot_be_seen_are_told_with_escapes(event: Any, remedy: str) -> None:
    bad = config(**people(row("pr\u00e9nom", "Nick__gc")), **maps("cafe\u0301"))
    hits = [each.remedy for each in lint(bad, [*WELL, event]) if each.rule.startswith("misspelt")]
    assert hits == [remedy]


def test_a_finding_says_all_in_a_line() -> None:
    finding = Finding("rule", Severity.ERROR, "personMap[2].to", "a Person has no field", "Did you mean Plan__gc?")
    assert str(finding) == "error: personMap[2].to: a Person has no field. Did you mean Plan__gc? (rule)"


def test_the_bad_example_shows_at_least_fifteen_rules_and_no_value_of_an_event() -> None:
    bad = json.loads((EXAMPLES / "bad-destination.json").read_text("utf8"))
    findings = lint(bad, EVENTS)
    assert len(Counter(finding.rule for finding in findings)) >= 15
    text = "".join(map(str, findings))
    assert "@" not in text
    assert bad["Config"]["sharedSecret"] not in text


def test_the_good_examples_only_mistakes_are_those_made_on_purpose() -> None:
    good = json.loads((EXAMPLES / "destination.json").read_text("utf8"))
    assert {finding.rule for finding in lint(good)} == {"placeholder", "event-without-version", "unknown-host"}
