"""What is told of values that are made to fit a tenant: each change, what is left out, what fails the event."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    DestinationConfig,
    EventError,
    FindCompany,
    Profile,
    Request,
    Row,
    UpsertPerson,
    explain,
    transform,
)
from gainsight_dest.fields import Fate
from gainsight_dest.tenant import FitMode, Tenant, TenantField, TenantObject
from gainsight_dest.testing import configs, events, tenants
from gainsight_dest.testing.compare import differences, outcome
from gainsight_dest.testing.reasons import reasons_of
from tests.explaining.some import group, identify, track
from tests.tenant_of_60_fields import ANSWER, CONFIG, answer_of

TENANT = Tenant.from_describe(ANSWER)
FITTING = CONFIG.fitting(TENANT)


def row_of(event: Any, source: str, mode: str = "refuse") -> Row:
    (row,) = (row for row in explain(event, CONFIG.fitting(TENANT, mode)).rows if row.source == source)
    return row


@pytest.mark.parametrize(
    ("traits", "sent", "how"),
    [
        ({"plan": "gold"}, "Gold", "the option as Gainsight spells it"),
        ({"plan": "Gold"}, "Gold", None),
        ({"interests": ["billing", "Reports"]}, "Billing;Reports", "the options joined by ;"),
        ({"score": "1.5"}, 1.5, "the numeral as a number"),
        ({"vip": "yes"}, True, "the word or number as true or false"),
        ({"birthday": "2026.1.31"}, "2026-01-31", "the date in the ISO form"),
        ({"code": 12}, "12", "the number or boolean as text"),
    ],
)
def test_each_change_is_told(traits: dict[str, Any], sent: Any, how: str | None) -> None:
    (name,) = traits
    row = row_of(identify(traits), f"traits.{name}")
    assert (row.sent, row.fitted, row.change, row.problem) == (sent, how, how and f"fit: {how}", None)


def test_what_is_left_out_is_told_with_the_reason() -> None:
    row = row_of(identify({"code": "abcdef"}), "traits.code", "drop")
    assert (row.fate, row.sent) == (Fate.UNFIT, None)
    assert row.reason == "does not fit: Code__gc takes 5 characters at most"


def test_what_fails_the_event_is_at_fault_and_so_is_all_that_would() -> None:
    trace = explain(identify({"code": "abcdef", "plan": "Silver", "vip": 1}), FITTING)
    assert isinstance(trace.error, EventError)
    assert trace.error.path in {"Person.Code__gc", "Person.Plan__gc"}
    told = {row.source: (row.fate, row.problem) for row in trace.rows}
    assert told == {
        "traits.email": (Fate.SENT, None),
        "traits.code": (Fate.FAULT, "cannot be made to fit the tenant: takes 5 characters at most"),
        "traits.plan": (Fate.FAULT, "cannot be made to fit the tenant: has no such option"),
        "traits.vip": (Fate.SENT, None),
    }
    assert (trace.fits, trace.lacks) == (None, ())


def test_a_key_that_does_not_fit_fails_the_event_in_every_mode() -> None:
    short = Tenant([TenantObject("Company", fields=[TenantField("Name", type="STRING", length=3)])])
    for mode in FitMode:
        trace = explain(group({}), CONFIG.fitting(short, mode))
        (name, *_) = trace.rows
        assert isinstance(trace.error, EventError)
        assert (name.fate, trace.error.path) == (Fate.FAULT, "Company.Name")


def test_a_text_is_cut_only_where_that_is_asked_for() -> None:
    row = row_of(identify({"code": "abcdef"}), "traits.code", "cut")
    assert (row.sent, row.fitted) == ("abcde", "cut to the field's length")


def test_a_name_is_made_of_its_parts_before_they_are_made_to_fit() -> None:
    event = identify({"firstName": "A" * 90, "lastName": "B"})
    trace = explain(event, CONFIG.fitting(TENANT, "drop"))
    rows = {row.target: row for row in trace.rows}
    assert rows["FirstName"].fate is Fate.UNFIT
    assert (rows["Name"].source, rows["Name"].sent) == ("FirstName + LastName", f"{'A' * 90} B")
    assert isinstance(trace.request, UpsertPerson)
    assert "FirstName" not in trace.request.person
    (name,) = (row for row in explain(event, FITTING).rows if row.target == "Name")
    assert name.sent == f"{'A' * 90} B"


def test_it_is_explained_with_the_tenant_that_it_fits_unless_another_is_given() -> None:
    assert explain(identify({"plan": "gold"}), FITTING).fits is True
    other = Tenant([TenantObject("Person", fields=[TenantField("Email", type="EMAIL")])])
    assert explain(identify({"plan": "gold"}), FITTING, tenant=other).fits is False


def test_an_object_that_the_tenant_was_described_without_is_left_as_it_is() -> None:
    people = Tenant.from_describe(answer_of("Person"))
    rows = explain(group({"stage": 5}), CONFIG.fitting(people)).rows
    assert [(row.sent, row.fitted) for row in rows if row.source == "traits.stage"] == [(5, None)]


def test_a_track_event_has_nothing_to_fit() -> None:
    config = attrs.evolve(FITTING, event_name_map={"a": "A"}, event_version_map={"a": "1"})
    assert explain(track("a", properties={"plan": "gold"}), config).fits is True


def test_the_text_tells_what_was_made_of_a_value_and_how() -> None:
    trace = explain(identify({"plan": "gold", "timezone": "utc", "code": "ab"}), FITTING)
    assert trace.text() == (
        "identify\n"
        '  traits.email     →  Person.Email     EMAIL     "ada@example.com"\n'
        '  traits.plan      →  Person.Plan__gc  PICKLIST  "gold" to "Gold"  '
        "(personMap, fit: the option as Gainsight spells it)\n"
        '  traits.timezone  →  Person.Timezone  PICKLIST  "utc" to "UTC"  (fit: the option as Gainsight spells it)\n'
        '  traits.code      →  Person.Code__gc  STRING    "ab"  (personMap)\n'
        "  the tenant takes it"
    )
    left_out = explain(identify({"code": "abcdef"}), CONFIG.fitting(TENANT, "drop")).lines()[2]
    assert left_out == (
        '  traits.code   ✗  does not fit: Code__gc takes 5 characters at most (Person.Code__gc)  STRING  "abcdef"'
    )


def test_masked_neither_the_value_nor_what_was_made_of_it_is_shown() -> None:
    text = explain(identify({"plan": "gold", "code": "abcdef"}), CONFIG.fitting(TENANT, "cut")).masked().text()
    assert [word for word in ("gold", "Gold", "abcde") if word in text] == []
    assert "fit: cut to the field's length" in text


def test_a_profile_counts_the_changes_and_what_is_left_out() -> None:
    given_events = [identify({"plan": "gold", "code": "abcdef"})] * 3
    profile = Profile.of(given_events, CONFIG.fitting(TENANT, "drop"))
    plan, code = (profile.traits["identify", ("traits", name)] for name in ("plan", "code"))
    assert plan.changed == {("Person.Plan__gc", "fit: the option as Gainsight spells it"): 3}
    assert (code.lost, [loss.fate for loss in code.dropped]) == (3, [Fate.UNFIT])


def test_a_mapping_test_says_how_a_value_was_made_to_fit() -> None:
    trace = explain(identify({"plan": "gold"}), FITTING)
    found = differences({"body": {"Email": "ada@example.com", "Plan__gc": "gold"}}, outcome(trace))
    assert reasons_of(found, trace) == (
        'body.Plan__gc: expected "gold", got "Gold": traits.plan goes there by personMap, '
        "made to fit: the option as Gainsight spells it",
    )


def transformed(event: Any, config: DestinationConfig) -> Request | EventError:
    try:
        return transform(event, config)
    except EventError as error:
        return error


@given(events(), configs(), tenants(), st.sampled_from([*FitMode]))
def test_explain_agrees_with_transform_whatever_is_made_to_fit(
    event: Any, config: Any, tenant: Tenant, mode: str
) -> None:
    config = config.fitting(tenant, mode)
    trace = explain(event, config)
    request = transformed(event, config)
    assert (trace.request or trace.error) == request
    assert (trace.error is None) is (Fate.FAULT not in {row.fate for row in trace.rows})
    sent = {(row.record, row.target): row.sent for row in trace.rows if row.fate is Fate.SENT}
    if isinstance(request, UpsertPerson):
        assert sent == {("Person", name): value for name, value in request.person.items()}
    if isinstance(request, FindCompany):
        company = {("Company", name): value for name, value in request.company.items()}
        assert sent == {**company, ("Person", "Email"): request.email}
