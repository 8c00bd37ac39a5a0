"""Lint with a tenant: each rule finds what it is for, and nothing else does; what takes the place of other rules."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given

from gainsight_dest import DestinationConfig, Finding, Profile, Severity, explain, lint
from gainsight_dest.explaining.profile import MOST_WAYS
from gainsight_dest.linting.rules import OF_A_TENANT
from gainsight_dest.linting.subject import subject_of
from gainsight_dest.tenant import Tenant, TenantField, TenantObject
from tests import strategies
from tests.linting.configs import companies, company, config, people, person, row, track
from tests.tenant_of_60_fields import ANSWER, answer_of, option_id

_DESCRIBED = Tenant.from_describe(ANSWER).objects
_FROZEN = TenantField("Frozen__gc", type="STRING", is_createable=False, is_updateable=False)
_LATER = TenantField("Later__gc", type="STRING", is_createable=False)
_PERSON = attrs.evolve(_DESCRIBED["Person"], fields=[*_DESCRIBED["Person"].fields.values(), _FROZEN, _LATER])
TENANT = Tenant([_PERSON, _DESCRIBED["Company"]])
#: Events that the good config and the tenant are right for.
WELL = [person(plan="Gold"), company(), track()]


def mapping(name: str, **traits: Any) -> tuple[dict[str, Any], list[Any]]:
    """A config with a trait mapped to the field of that name, and events with it."""
    (trait,) = traits
    return people(row(trait, name)), [*WELL, person(**traits)]


def of_company(name: str, **traits: Any) -> tuple[dict[str, Any], list[Any]]:
    """The same of companies."""
    (trait,) = traits
    return companies(row(trait, name)), [*WELL, company(**traits)]


#: Rule, what triggers it and no other, where; and its next of kin that do not.
TABLE: list[tuple[str, dict[str, Any], list[str], list[dict[str, Any]]]] = [
    ("absent-field", people(row("tier", "Tier__gc")), ["personMap[1].to"], [people(row("bio", "Bio__gc"))]),
    ("absent-field", companies(row("bio", "Bio__gc")), ["companyMap[1].to"], []),
    ("absent-field", people(row("a", "City Name__gc"), row("b", "Tier")), ["personMap[1].to", "personMap[2].to"], []),
    ("formula-target", people(row("health", "Health__gc")), ["personMap[1].to"], []),
    ("read-only-target", people(row("ice", "Frozen__gc")), ["personMap[1].to"], []),
    ("written-once-target", companies(row("id", "ExternalId__gc")), ["companyMap[1].to"], []),
    ("written-once-target", people(row("late", "Later__gc")), ["personMap[1].to"], []),
    ("id-target", people(row("boss", "Manager__gc")), ["personMap[1].to"], [people(row("photo", "Photo__gc"))]),
    ("id-target", people(row("crm", "SfdcContactId__gc")), ["personMap[1].to"], []),
    (
        "unmapped-required-field",
        {"companyMap": [row("segments", "Segments__gc")]},
        ["companyMap"],
        [{"companyMap": []}],
    ),
]
#: The same with events: changes of the config and the events.
TABLE_OF_EVENTS: list[tuple[str, tuple[dict[str, Any], list[Any]], list[str], list[list[Any]]]] = [
    ("unmapped-required-field", ({"companyMap": []}, [company()]), ["companyMap"], [[person(plan="Gold")], [track()]]),
    ("required-not-sent", ({}, [*WELL, company(region=None)]), ["group"], [[*WELL, company(region="APAC")]]),
    ("absent-standard-field", ({}, [*WELL, company(industryNew="x")]), ["group traits.industryNew"], []),
    (
        "unwritable-standard-field",
        ({}, [*WELL, person(dynamicResolutionKey="x")]),
        ["identify traits.dynamicResolutionKey"],
        [],
    ),
    ("wrong-type", mapping("Vip__gc", vip="yes"), ["identify traits.vip"], [[*WELL, person(vip=True)]]),
    ("wrong-type", mapping("Score__gc", score="7"), ["identify traits.score"], [[*WELL, person(score=7)]]),
    ("wrong-type", ({}, [*WELL, company(renewalDate="2026-01-31", arr="much")]), ["group traits.arr"], []),
    (
        "wrong-date",
        mapping("Birthday__gc", born="31.1.2026"),
        ["identify traits.born"],
        [[*WELL, person(born="2026-01-31")]],
    ),
    ("wrong-date", mapping("LastSeen__gc", seen=1741996800000), ["identify traits.seen"], []),
    ("no-id", ({}, [*WELL, company(csm="Grace Hopper")]), ["group traits.csm"], [[*WELL, company(csm="1P01")]]),
    (
        "no-multi-select",
        mapping("Interests__gc", likes=["Billing"]),
        ["identify traits.likes"],
        [[*WELL, person(likes="Billing;Reports")]],
    ),
    ("too-long", mapping("Code__gc", code="abcdef"), ["identify traits.code"], [[*WELL, person(code="abcde")]]),
    ("no-such-option", ({}, [*WELL, person(plan="Silver")]), ["identify traits.plan"], [[*WELL, person(plan="Free")]]),
    (
        "no-such-option",
        mapping("Interests__gc", likes="Billing,Reports"),
        ["identify traits.likes"],
        [[*WELL, person(likes=option_id("Interests", "Billing"))]],
    ),
    ("misspelt-option", ({}, [*WELL, person(plan="gold")]), ["identify traits.plan"], []),
    (
        "inactive-option",
        ({}, [*WELL, company(stage="Won")]),
        ["group traits.stage"],
        [[*WELL, company(stage="Launched")]],
    ),
    ("more-decimals", of_company("Discount__gc", off=12.25), ["group traits.off"], [[*WELL, company(off=12.5)]]),
    (
        "more-decimals",
        ({}, [*WELL, company(employees=7.5)]),
        ["group traits.employees"],
        [[*WELL, company(employees=7.0), company(employees=8)]],
    ),
]


def found(*given: Any, tenant: Tenant | None = TENANT) -> list[tuple[str, str]]:
    return [(finding.rule, finding.place) for finding in lint(*given, tenant=tenant)]


@pytest.mark.parametrize(("rule", "bad", "places", "good"), TABLE)
def test_a_rule_finds_what_it_is_for_and_no_other_rule_does(
    rule: str, bad: dict[str, Any], places: list[str], good: list[dict[str, Any]]
) -> None:
    assert found(config(**bad)) == [(rule, place) for place in places]
    assert [found(config(**changes)) for changes in good] == [[] for _ in good]


@pytest.mark.parametrize(("rule", "given", "places", "good"), TABLE_OF_EVENTS)
def test_a_rule_finds_what_it_is_for_in_events_and_no_other_rule_does(
    rule: str, given: tuple[dict[str, Any], list[Any]], places: list[str], good: list[list[Any]]
) -> None:
    changes, events = given
    assert found(config(**changes), events) == [(rule, place) for place in places]
    assert [found(config(**changes), each) for each in good] == [[] for _ in good]


def test_an_object_without_a_description_is_told_where_events_write_it() -> None:
    people_alone = Tenant.from_describe(answer_of("Person"))
    assert found(config(), tenant=people_alone) == [("undescribed-object", "companyMap")]
    assert found(config(companyMap=[]), tenant=people_alone) == []
    assert found(config(companyMap=[]), [company()], tenant=people_alone) == [("undescribed-object", "companyMap")]


def test_a_config_that_makes_values_fit_is_told_of_those_that_do_not() -> None:
    well = DestinationConfig.from_rudderstack(config())
    events = [*WELL, person(plan="gold"), person(plan="Silver")]
    place = "identify traits.plan"
    for mode, rule in (("refuse", "unfit-value"), ("drop", "left-out-value")):
        (finding,) = lint(well.fitting(TENANT, mode), events)
        assert (finding.rule, finding.place) == (rule, place)
        assert "Plan__gc" in finding.problem
        assert finding.problem.endswith("has no such option, in 1 identify event (Person.Plan__gc)")
    assert found(well, events) == [("no-such-option", place), ("misspelt-option", place)]


def test_every_rule_stands_in_the_tables() -> None:
    tried = {row[0] for row in TABLE} | {row[0] for row in TABLE_OF_EVENTS}
    tried |= {"undescribed-object", "unfit-value", "left-out-value"}
    assert {rule.code for rule in OF_A_TENANT} == tried


def test_what_is_well_has_no_findings() -> None:
    assert lint(config(), WELL, tenant=TENANT) == ()


def test_without_a_tenant_no_rule_of_it_finds_anything() -> None:
    bad = config(**people(row("health", "Health__gc"), row("tier", "Tier__gc")))
    events = [*WELL, person(plan="Silver", health=1, tier=2), company(stage="Won", region=None)]
    assert found(bad, events, tenant=None) == []


def test_a_profile_gives_what_its_events_do() -> None:
    events = [*WELL, person(plan="Silver"), company(region=None)]
    profile = Profile.of(events, subject_of(config()).config, tenant=TENANT)
    assert lint(config(), profile, tenant=TENANT) == lint(config(), events, tenant=TENANT) != ()


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("plan__gc", "Plan__gc"),
        ("Plan", "Plan__gc"),
        ("Interrests__gc", "Interests__gc"),
        ("Interets", "Interests__gc"),
        ("Salesforce Contact", "SfdcContactId__gc"),
        ("first name", "FirstName"),
        ("Healthy__gc", None),  # a formula cannot be meant
        ("Nothing__gc", None),
    ],
)
def test_an_absent_field_may_be_meant_to_be_another(target: str, meant: str | None) -> None:
    (finding,) = lint(config(**people(row("a", target))), tenant=TENANT)
    assert finding.rule == "absent-field"
    fallback = "Create the field in Gainsight's Data Management, or map another one."
    assert finding.remedy == (f"Did you mean {meant}?" if meant else fallback)


def test_a_field_that_the_tenant_has_is_no_unknown_and_no_odd_one() -> None:
    fields = [TenantField("Email", type="EMAIL"), TenantField("Title", type="STRING"), TenantField("A b__gc")]
    tenant = Tenant([TenantObject("Person", fields=fields)])
    given = config(personMap=[row("title", "Title"), row("ab", "A b__gc")], companyMap=[])
    assert found(given, tenant=tenant) == []
    assert found(given, tenant=None) == [("unknown-field", "personMap[0].to"), ("odd-field-name", "personMap[1].to")]


def test_a_system_field_is_told_once() -> None:
    assert found(config(**people(row("made", "CreatedDate")))) == [("system-field-target", "personMap[1].to")]


def test_a_mapped_field_that_is_not_there_is_told_of_the_config_and_not_of_each_event() -> None:
    bad = config(**people(row("tier", "Tier__gc"), row("health", "Health__gc")))
    assert found(bad, [*WELL, person(tier=1, health=2)]) == [
        ("absent-field", "personMap[1].to"),
        ("formula-target", "personMap[2].to"),
    ]


def test_a_required_field_that_nothing_is_mapped_to_is_told_once() -> None:
    assert found(config(companyMap=[]), [company(), company()]) == [("unmapped-required-field", "companyMap")]


def test_what_a_finding_says() -> None:
    events = [*WELL, person(plan="Silver"), person(plan="Bronze"), company(region=None)]
    lacks, option = lint(config(), events, tenant=TENANT)
    assert str(lacks) == (
        "warning: group: Company.Region__gc, which a new record needs, is missing in 1 group event. "
        "Send it with every event that may be the first of its record. (required-not-sent)"
    )
    assert option == Finding(
        "no-such-option",
        Severity.ERROR,
        "identify traits.plan",
        "Plan__gc has no such option, in 2 identify events (Person.Plan__gc)",
        "Send the label of an option, or add it to the picklist.",
    )


def test_no_value_of_an_event_is_told() -> None:
    events = [person(plan="PERSONAL", linkedinUrl="PERSONAL"), company(stage="PERSONAL", csm="PERSONAL x")]
    findings = lint(config(), events, tenant=TENANT)
    assert len(findings) == 4
    assert "PERSONAL" not in " ".join(map(str, findings))


def test_a_secret_in_a_name_of_the_tenants_is_not_shown() -> None:
    key = str(config()["accessKey"])
    name = f"{key}__gc"
    tenant = Tenant(
        [TenantObject("Company", label=key, fields=[TenantField("Name"), TenantField(name, is_required=True)])]
    )
    findings = lint(config(), [company()], tenant=tenant)
    assert {finding.rule for finding in findings} >= {"unmapped-required-field", "absent-field"}
    assert key not in " ".join(map(str, findings))


def test_fields_without_number_are_looked_through_for_what_a_name_means_in_bounded_work() -> None:
    fields = [TenantField(f"Field{n:04}x__gc", label=f"A field {n}") for n in range(2000)]
    tenant = Tenant([TenantObject("Person", fields=[TenantField("Email"), *fields])])
    rows = [row(f"t{n}", f"Feild{n:04}x__gc") for n in range(500)]
    findings = [each for each in lint(config(personMap=rows), tenant=tenant) if each.rule == "absent-field"]
    assert len(findings) == 500
    assert findings[0].remedy == "Did you mean Field0000x__gc?"


@given(strategies.raw_configs, strategies.events)
def test_any_config_and_any_event_give_findings_with_a_tenant(given_config: Any, event: Any) -> None:
    assert all(isinstance(finding, Finding) for finding in lint(given_config, [event], tenant=TENANT))


@pytest.mark.parametrize("tenant", [None, TENANT])
def test_a_profile_of_more_fields_than_are_kept_apart_gives_findings(tenant: Tenant | None) -> None:
    profile = Profile()
    for n in range(MOST_WAYS + 5):
        profile.add(explain(person(plan=n), config(personMap=[row("plan", f"Field{n}")]), tenant=tenant))
    assert all(isinstance(finding, Finding) for finding in lint(config(), profile, tenant=tenant))
