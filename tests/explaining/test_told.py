"""What a tenant says of an event: types, labels, what it refuses, what lacks, and whether it takes all of it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given

from gainsight_dest import DestinationConfig, Profile, Row, Trace, explain, transform
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.explaining.profile import MOST_WAYS, OTHER
from gainsight_dest.explaining.told import is_taken
from gainsight_dest.fields import Fate
from gainsight_dest.tenant import RefusalRule, Tenant, TenantField, TenantObject
from tests import strategies
from tests.explaining.some import group, identify, track
from tests.tenant_of_60_fields import ANSWER, answer_of, option_id
from tests.tenant_of_60_fields import CONFIG as OF_60_FIELDS

NAMES = {"Ticket Closure": "closed", "a": "A"}
CONFIG = attrs.evolve(OF_60_FIELDS, event_name_map=NAMES, event_version_map=dict.fromkeys(NAMES, "1"))
TENANT = Tenant.from_describe(ANSWER)
GOLD, BILLING, REPORTS = (
    option_id("Plans", "Gold"),
    option_id("Interests", "Billing"),
    option_id("Interests", "Reports"),
)
REGION = {"region": "APAC"}


def told(event: Any, config: DestinationConfig = CONFIG, tenant: Tenant = TENANT) -> Trace:
    return explain(event, config, tenant=tenant)


def row_of(event: Any, source: str) -> Row:
    (row,) = (row for row in told(event).rows if row.source == source)
    return row


#: Traits of a person, what the field is of, what is said against the value, and of what kind that is.
REFUSED: list[tuple[dict[str, Any], str | None, str | None, RefusalRule | None]] = [
    ({"plan": "Gold"}, "PICKLIST", None, None),
    ({"plan": GOLD}, "PICKLIST", None, None),
    ({"plan": "gold"}, "PICKLIST", "Plan__gc has the option in another", RefusalRule.CASE),
    ({"plan": "Silver"}, "PICKLIST", "Plan__gc has no such option", RefusalRule.OPTION),
    ({"plan": "Legacy"}, "PICKLIST", "Plan__gc has the option, but", RefusalRule.INACTIVE),
    ({"interests": ["Billing"]}, "MULTISELECTDROPDOWNLIST", "Interests__gc takes labels or ids", RefusalRule.TYPE),
    ({"interests": "Billing;API & webhooks"}, "MULTISELECTDROPDOWNLIST", None, None),
    ({"score": "7"}, "NUMBER", "Score__gc takes a number", RefusalRule.TYPE),
    ({"vip": "yes"}, "BOOLEAN", "Vip__gc takes true or false", RefusalRule.TYPE),
    ({"birthday": "31.1.2026"}, "DATE", "Birthday__gc takes a date", RefusalRule.TYPE),
    ({"manager": "Grace Hopper"}, "LOOKUP", "Manager__gc takes the Gsid of a record", RefusalRule.TYPE),
    ({"code": "abcdef"}, "STRING", "Code__gc takes 5 characters at most", RefusalRule.LENGTH),
    ({"dynamicResolutionKey": "k"}, "STRING", "DynamicResolutionKey is read-only", RefusalRule.READ_ONLY),
    ({"timezone": "UTC"}, "PICKLIST", None, None),
    ({"timezone": "Mars"}, "PICKLIST", "Timezone has no such option", RefusalRule.OPTION),
]


@pytest.mark.parametrize(("traits", "data_type", "problem", "kind"), REFUSED)
def test_each_value_is_told_with_its_type_and_what_is_against_it(
    traits: dict[str, Any], data_type: str | None, problem: str | None, kind: RefusalRule | None
) -> None:
    (name,) = traits
    row = row_of(identify(traits), f"traits.{name}")
    assert (row.fate, row.type, row.kind) == (Fate.SENT, data_type, kind)
    assert (row.problem or "").startswith(problem or "")
    assert (row.problem is None) is (problem is None)
    assert told(identify(traits)).fits is (problem is None)


def test_a_field_that_the_tenant_has_not_is_told_and_has_no_type() -> None:
    row = row_of(group({"industryNew": "x", **REGION}), "traits.industryNew")
    assert (row.type, row.problem, row.kind) == (None, "no such field", RefusalRule.UNKNOWN)


def test_what_is_not_sent_has_the_type_of_the_field_that_it_is_for() -> None:
    event = group({"employees": "many", "summary": "", "shoe": 38, **REGION})
    types = {row.source: (row.type, row.reason) for row in told(event).rows if row.reason}
    assert types == {
        "traits.employees": ("NUMBER", "not a number"),
        "traits.summary": ("RICHTEXTAREA", "blank"),
        "traits.shoe": (None, "no mapping"),
    }


@pytest.mark.parametrize(
    ("traits", "label"),
    [
        ({"plan": GOLD}, "Gold"),
        ({"plan": "Gold"}, None),
        ({"plan": f"{GOLD};{GOLD}"}, None),
        ({"plan": 5}, None),
        ({"interests": f"{BILLING};{REPORTS}"}, "Billing;Reports"),
        ({"interests": f"Billing;{REPORTS};x"}, "Billing;Reports;x"),
        ({"interests": "Billing;Reports"}, None),
        ({"bio": GOLD}, None),
    ],
)
def test_what_the_ids_of_options_mean_is_told(traits: dict[str, Any], label: str | None) -> None:
    (name,) = traits
    assert row_of(identify(traits), f"traits.{name}").label == label


@pytest.mark.parametrize(
    ("score", "note"),
    [(1.25, None), (1, None), (1.234, "Score__gc keeps 2 decimals"), (10**400, None), ("1.234", None)],
)
def test_a_number_with_more_decimals_than_are_kept_is_noted_and_not_refused(score: Any, note: str | None) -> None:
    row = row_of(identify({"score": score}), "traits.score")
    assert row.note == note
    assert told(identify({"score": 1.234})).fits is True


def test_a_number_field_without_decimals_says_so() -> None:
    row = row_of(identify({"masterAvatarTypeCode": 7.5}), "traits.masterAvatarTypeCode")
    assert (row.note, row.problem) == ("MasterAvatarTypeCode keeps no decimals", None)


# --- the whole event --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "fits"),
    [
        (identify({}), True),
        (identify({"plan": "Gold"}), True),
        (identify({"plan": "Silver"}), False),
        (group(REGION), True),
        (group({}), None),  # a new company needs a region
        (group({**REGION, "externalId": "1"}), None),  # which is written in a new company only
        (group({"externalId": "1"}), False),  # a new one lacks a region, another one takes no ExternalId
        (group({**REGION, "stage": "Won"}), False),
        (group({**REGION}, email="ada"), False),
        (track(properties={"plan": "Silver"}), True),
    ],
)
def test_whether_the_tenant_takes_the_event_is_told_if_it_does_not_go_by_what_is_there(event: Any, fits: Any) -> None:
    trace = told(event)
    assert trace.fits is fits
    assert trace.request is not None
    assert is_taken(TENANT, trace.request) is fits
    assert (trace.refusal is None) is (fits is not False)


def test_what_a_new_record_lacks_is_told() -> None:
    (lack,) = told(group({})).lacks
    assert tuple(lack) == ("Company", "Region__gc", "PICKLIST", "is required in a new record")
    assert lack.field == "Company.Region__gc"


def test_a_field_that_is_written_once_says_when_it_is_refused() -> None:
    row = row_of(group({"externalId": "1", **REGION}), "traits.externalId")
    assert (row.problem, row.kind) == (
        "ExternalId__gc can be written in a new record only",
        RefusalRule.ONLY_ON_CREATE,
    )


def test_a_refusal_that_is_of_one_case_alone_says_of_which() -> None:
    key = TenantField("Email", type="EMAIL", is_createable=False)
    tenant = Tenant([TenantObject("Person", fields=[key, TenantField("Name", type="STRING")])])
    (row,) = explain(identify({}), CONFIG, tenant=tenant).rows
    assert row.problem == "Email cannot be written in a new record"
    frozen = attrs.evolve(key, is_updateable=False)
    (row,) = explain(identify({}), CONFIG, tenant=Tenant([TenantObject("Person", fields=[frozen])])).rows
    assert row.problem == "Email is read-only, if the Person is new"
    name = TenantField("Name", type="STRING", is_updateable=False, is_createable=False)
    row = explain(identify({"name": "Ada"}), CONFIG, tenant=Tenant([TenantObject("Person", fields=[name])])).rows[1]
    assert row.problem == "Name is read-only"


@pytest.mark.parametrize("event", [identify({"emailOptOut": "yes"}), group({"arr": "much"})])
def test_of_an_object_that_was_not_described_is_told_what_is_told_without_a_tenant(event: Any) -> None:
    trace = told(event, tenant=Tenant())
    assert trace.rows == explain(event, CONFIG).rows
    assert (trace.fits, trace.lacks, trace.refusal) == (None, (), None)


def test_a_tenant_of_companies_alone_says_nothing_of_the_person() -> None:
    company = Tenant.from_describe(answer_of("Company"))
    assert told(group(REGION), tenant=company).fits is None
    assert told(group({**REGION, "stage": "Won"}), tenant=company).fits is False


@pytest.mark.parametrize(
    ("event", "config"),
    [({"type": "identify", "traits": {"plan": "Silver"}}, CONFIG), ({"type": "page"}, CONFIG), (identify({}), {})],
)
def test_an_event_with_an_error_is_neither_taken_nor_refused(event: Any, config: Any) -> None:
    trace = explain(event, config, tenant=TENANT)
    assert isinstance(trace.error, EventError | ConfigError)
    assert (trace.fits, trace.lacks, trace.has_tenant) == (None, (), True)


def test_without_a_tenant_nothing_is_told_of_one() -> None:
    trace = explain(identify({"plan": "Silver"}), CONFIG)
    assert (trace.fits, trace.lacks, trace.has_tenant) == (None, (), False)
    assert {(row.type, row.kind, row.label, row.note) for row in trace.rows} == {(None, None, None, None)}
    assert trace.as_dict().keys() == {"type", "rows", "error"}


# --- text and data ----------------------------------------------------------------------------------------------------


def test_the_text_has_the_types_the_labels_and_the_verdict() -> None:
    assert told(identify({"plan": GOLD, "vip": "yes", "score": 1.234, "shoe": 38})).text() == (
        "identify\n"
        '  traits.email  →  Person.Email      EMAIL     "ada@example.com"\n'
        f'  traits.plan   →  Person.Plan__gc   PICKLIST  "{GOLD}" is "Gold"  (personMap)\n'
        '  traits.vip    →  Person.Vip__gc    BOOLEAN   "yes"  (personMap)  '
        f"but {row_of(identify({'vip': 'yes'}), 'traits.vip').problem}\n"
        "  traits.score  →  Person.Score__gc  NUMBER    1.234  (personMap)  but Score__gc keeps 2 decimals\n"
        "  traits.shoe   ✗  no mapping                  38\n"
        "  the tenant refuses it"
    )


def test_the_text_tells_what_a_new_record_lacks() -> None:
    assert told(group({})).lines()[-1] == "  Company.Region__gc (PICKLIST) is missing: it is required in a new record"
    assert told(group(REGION)).lines()[-1] == "  the tenant takes it"


def test_as_data_it_holds_what_the_tenant_says() -> None:
    data = json.loads(json.dumps(told(group({"stage": "Launched", "employees": "x"})).as_dict()))
    assert (data["fits"], data["lacks"]) == (
        None,
        [
            {
                "record": "Company",
                "target": "Region__gc",
                "type": "PICKLIST",
                "problem": "is required in a new record",
                "field": "Company.Region__gc",
            }
        ],
    )
    name, stage, employees, _ = data["rows"]
    assert (name["type"], name["label"], name["note"]) == ("STRING", None, None)
    assert (stage["type"], stage["refusal"]) == ("PICKLIST", None)
    assert (employees["type"], employees["reason"]) == ("NUMBER", "not a number")


def test_masked_it_holds_neither_values_nor_what_their_ids_mean() -> None:
    masked = told(identify({"plan": GOLD, "code": "abcdef", "interests": f"{BILLING};x"})).masked()
    text = masked.text() + json.dumps(masked.as_dict()) + repr(masked.rows)
    assert [word for word in ("Gold", GOLD, "abcdef", "Billing") if word in text] == []
    assert (masked.fits, masked.has_tenant) == (False, True)


def test_a_secret_in_a_name_of_the_tenants_is_not_shown() -> None:
    key = str(CONFIG.access_key)
    field = TenantField(f"{key}__gc", label=key, type=key, is_required=True)
    tenant = Tenant([TenantObject("Person", fields=[TenantField("Email", type="EMAIL"), field])])
    config = attrs.evolve(CONFIG, person_map={"plan": field.name})
    for event in (identify({}), identify({"plan": 1})):
        trace = explain(event, config, tenant=tenant)
        assert key not in trace.text() + repr(trace)


# --- many events ------------------------------------------------------------------------------------------------------


def test_a_profile_counts_what_the_tenant_says() -> None:
    events = [group({}), group(REGION), group({**REGION, "stage": "Won"}), identify({"plan": "Silver", "score": 0.125})]
    profile = Profile.of(events, CONFIG, tenant=TENANT)
    assert profile.has_tenant
    assert (profile.refused, profile.doubtful) == ({"identify": 1, "group": 1}, {"group": 1, "identify": 0})
    (lack,) = profile.lacks.values()
    assert (lack.kind, lack.text, lack.times, lack.numbers) == ("group", "Company.Region__gc", 1, [1])
    stage = profile.traits["group", ("traits", "stage")]
    assert stage.types == {"Company.Stage": "PICKLIST"}
    assert [*stage.kinds.values()] == [RefusalRule.INACTIVE]
    data = json.loads(json.dumps(profile.as_dict()))
    assert (data["refused"], data["doubtful"], len(data["lacks"])) == ({"identify": 1, "group": 1}, {"group": 1}, 1)
    (score,) = (trait for trait in data["traits"] if trait["source"] == "traits.score")
    assert score["went"] == [{"field": "Person.Score__gc", "rule": "personMap", "type": "NUMBER", "times": 1}]
    assert score["noted"] == [{"field": "Person.Score__gc", "note": "Score__gc keeps 2 decimals", "times": 1}]


def test_a_profile_without_a_tenant_says_nothing_of_one() -> None:
    profile = Profile.of([group({})], CONFIG)
    assert not profile.has_tenant
    assert {"refused", "doubtful", "lacks"}.isdisjoint(profile.as_dict())


def test_texts_of_a_thousand_lengths_are_refused_for_one_reason() -> None:
    events = [identify({"code": "x" * length}) for length in range(6, 1006)]
    (code,) = (trait for trait in Profile.of(events, CONFIG, tenant=TENANT).traits.values() if "code" in trait.path)
    assert [*code.refused.values()] == [1000]


def test_a_profile_of_fields_without_number_stays_as_small_as_ever() -> None:
    names = [f"Field{n:04}__gc" for n in range(1000)]
    fields = [TenantField(name, type="NUMBER", decimals=1) for name in names]
    tenant = Tenant([TenantObject("Person", fields=[TenantField("Email", type="EMAIL"), *fields])])
    profile = Profile()
    for at, name in enumerate(names):
        config = attrs.evolve(CONFIG, person_map={"plan": name})
        profile.add(explain(identify({"plan": "x" if at % 2 else 1.25}), config, tenant=tenant))
    plan = profile.traits["identify", ("traits", "plan")]
    for counted in (plan.went, plan.refused, plan.kinds, plan.types, plan.noted):
        assert len(counted) <= MOST_WAYS + 1
    assert plan.refused[OTHER, "type"] == (1000 - MOST_WAYS) / 2


# --- laws -------------------------------------------------------------------------------------------------------------


@given(strategies.good_events)
def test_a_tenant_changes_nothing_of_what_is_sent_or_why_not(event: dict[str, Any]) -> None:
    with_tenant, without = explain(event, CONFIG, tenant=TENANT), explain(event, CONFIG)
    assert with_tenant.request == without.request == transform(event, CONFIG)
    assert with_tenant.error == without.error
    same = [(row.path, row.fate, row.field, row.sent, row.by) for row in without.rows]
    assert [(row.path, row.fate, row.field, row.sent, row.by) for row in with_tenant.rows] == same


@given(strategies.events)
def test_with_a_tenant_nothing_is_raised_and_all_of_it_pickles(event: Any) -> None:
    trace = explain(event, CONFIG, tenant=TENANT)
    again: Trace = pickle.loads(pickle.dumps(trace))
    assert again.as_dict() == trace.as_dict()


@given(strategies.good_events)
def test_an_event_fits_if_neither_a_new_record_nor_another_one_is_refused(event: dict[str, Any]) -> None:
    trace = explain(event, CONFIG, tenant=TENANT)
    assert trace.request is not None
    assert is_taken(TENANT, trace.request) is trace.fits
    if trace.fits:
        assert {row.kind for row in trace.rows} == {None}
        assert trace.lacks == ()


@given(strategies.marked_events)
def test_no_refusal_holds_a_value_of_the_event(event: dict[str, Any]) -> None:
    for row in explain(event, CONFIG, tenant=TENANT).rows:
        if row.kind is not None:
            assert "PERSONAL" not in f"{row.problem} {row.note}"
