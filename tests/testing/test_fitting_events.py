"""Events drawn for a tenant: it takes all of each, and where it can take none that is said."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, explain
from gainsight_dest.tenant import Tenant, TenantField, TenantObject
from gainsight_dest.testing import configs, fitting_events, tenants
from tests.tenant_of_60_fields import ANSWER, CONFIG, answer_of

TENANT = Tenant.from_describe(ANSWER)


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data(), tenants(), configs())
def test_any_tenant_takes_all_events_that_are_drawn_for_it(
    data: st.DataObject, tenant: Tenant, config: DestinationConfig
) -> None:
    try:
        fitting = fitting_events(tenant, config)
    except ValueError:
        assume(False)
    event = data.draw(fitting)
    assert explain(event, config, tenant=tenant).fits is True


@pytest.mark.parametrize("event_type", ["identify", "group"])
def test_events_of_a_type_fit_sixty_fields_and_use_many_of_them(event_type: str) -> None:
    used: set[str | None] = set()

    @settings(max_examples=60, database=None, derandomize=True)
    @given(fitting_events(TENANT, CONFIG, event_type))
    def check(event: Any) -> None:
        trace = explain(event, CONFIG, tenant=TENANT)
        assert (trace.type, trace.fits, trace.lacks) == (event_type, True, ())
        used.update(row.type for row in trace.rows if row.sent is not None)

    check()
    assert len(used) > 8


def test_a_tracks_event_needs_an_event_that_the_config_maps() -> None:
    mapped = attrs.evolve(CONFIG, event_name_map={"a": "A"}, event_version_map={"a": "1"})

    @settings(max_examples=5, database=None)
    @given(fitting_events(TENANT, mapped, "track"))
    def check(event: Any) -> None:
        assert explain(event, mapped, tenant=TENANT).fits is True

    check()
    with pytest.raises(ValueError, match="no track event can fit: the config maps no event"):
        fitting_events(TENANT, attrs.evolve(CONFIG, event_name_map={}, event_version_map={}), "track")


def person(*fields: TenantField) -> TenantObject:
    return TenantObject("Person", fields=[TenantField("Email", type="EMAIL"), *fields])


@pytest.mark.parametrize(
    ("tenant", "event_type", "problem"),
    [
        (Tenant(), "identify", "no identify event can fit: the tenant was described without Person"),
        (Tenant.from_describe(answer_of("Company")), "group", "no group event can fit: nothing is for Person"),
        (
            Tenant([person(TenantField("Team__gc", is_required=True))]),
            "identify",
            "no identify event can fit: nothing is for Team__gc",
        ),
        (
            Tenant([person(TenantField("Name", is_required=True)), TENANT.objects["Company"]]),
            "group",
            "no group event can fit: nothing is for Name",
        ),
        (TENANT, "page", "type must be one of identify, group, track, or None for any of them"),
    ],
)
def test_where_no_event_can_fit_that_is_said(tenant: Tenant, event_type: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        fitting_events(tenant, CONFIG, event_type)


def test_what_a_name_is_made_of_is_left_out_where_the_tenant_takes_no_name() -> None:
    parts = [TenantField("FirstName", type="STRING"), TenantField("LastName", type="STRING")]
    tenant = Tenant([person(*parts)])

    @settings(max_examples=30, database=None)
    @given(fitting_events(tenant, CONFIG, "identify"))
    def check(event: Any) -> None:
        trace = explain(event, CONFIG, tenant=tenant)
        assert trace.fits is True
        sent = {row.target: row.sent for row in trace.rows if row.sent is not None}
        # One that is blank makes no name.
        assert not any(value.strip() for target, value in sent.items() if target != "Email")

    check()
