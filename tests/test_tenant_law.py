"""A law: what explain calls fitting, a sandbox with that tenant takes; what it calls refused, the sandbox refuses."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, EventError, RejectedError, Request, explain, transform
from gainsight_dest.fields import OBJECTS
from gainsight_dest.gainsight import CODES
from gainsight_dest.sandbox import Content, Sandbox
from gainsight_dest.tenant import Tenant
from gainsight_dest.testing.strategies import configs, events, tenants
from tests import tenant_of_60_fields
from tests.some import FREE, group, identify
from tests.tenant_of_60_fields import PICKLISTS, option_id

TENANT = Tenant.from_describe(tenant_of_60_fields.ANSWER)
Event = dict[str, Any]


def refused_by(sandbox: Sandbox, event: Event, config: DestinationConfig) -> dict[str, Any] | None:
    """The values that the sandbox refuses, by their fields; None if it takes the event. What it refuses, it writes not.

    A field that is missing has null.
    """
    request: Request | None = transform(event, config)
    while request is not None:
        before = sandbox.as_data()
        try:
            request = request.next(sandbox.handle(request))
        except RejectedError as error:
            assert error.code in CODES  # noqa: PT017 - what it refuses with is asserted beside what it refuses
            assert sandbox.as_data() == before
            return {str(each.field): each.value for each in error.field_errors}
    return None


def check(tenant: Tenant, config: DestinationConfig, all_events: list[Event]) -> None:
    def new() -> Sandbox:
        return Sandbox(config, tenant=tenant, **FREE)

    def there(event: Event) -> Sandbox:
        person = {"Email": transform(event, config).body["Email"], "companies": []}
        return Sandbox(config, tenant=tenant, **FREE, content=Content(people={person["Email"]: person}))

    sandbox = new()
    for event in all_events:
        trace = explain(event, config, tenant=tenant)
        refused = refused_by(sandbox, event, config)
        told = {row.target for row in trace.rows if row.kind is not None} | {lack.target for lack in trace.lacks}
        assert trace.fits is None or trace.fits is (refused is None)
        assert refused is None or {*refused} <= told
        if event["type"] == "identify" and trace.fits is None:
            assert (refused_by(new(), event, config) is None) is not (refused_by(there(event), event, config) is None)


@given(tenants(), configs(), st.lists(events(), min_size=1, max_size=3))
def test_explain_and_a_sandbox_agree_on_any_event_of_any_tenant(
    tenant: Tenant, config: DestinationConfig, all_events: list[Event]
) -> None:
    check(tenant, config, all_events)


_VALUES = [
    *(label.strip("()") for labels in PICKLISTS.values() for label in labels),
    *(option_id("Plans", label) for label in ("Gold", "Legacy")),
    *("gold", "Billing;Reports", "Billing;Fax", "SMB; Enterprise", "Person", "x" * 6, "x" * 501, "x" * 32_769, ""),
    *("2026-03-02", "2026-03-02T10:00:00Z", "2026-02-30", "02.03.2026", 1_772_445_600_000),
    *(0, 7, 7.255, -1e300, "7", "many", True, False, "true", None, ["a"], {"a": 1}),
    *("ada@example.com", "ada", "https://example.com", "example.com", "003000000000001", "1P02SANDBOX000000000000"),
]
_MAPPED = (*tenant_of_60_fields.CONFIG.person_map, *tenant_of_60_fields.CONFIG.company_map)
_STANDARD = {trait for of in OBJECTS for field in of.fields for trait in field.traits} - {"email", "name"}
_traits = st.dictionaries(st.sampled_from(sorted({*_MAPPED, *_STANDARD})), st.sampled_from(_VALUES), max_size=4)
_company_names = st.sampled_from(["Acme", "B" * 256])
_of_60_fields = st.one_of(
    st.builds(lambda traits: identify(**traits), _traits),
    st.builds(lambda name, traits: group(name, **{"region": "EMEA", **traits}), _company_names, _traits),
)


@given(st.lists(_of_60_fields, min_size=1, max_size=3))
def test_they_agree_on_values_of_all_types(all_events: list[Event]) -> None:
    check(TENANT, tenant_of_60_fields.CONFIG, all_events)


# --- after fit --------------------------------------------------------------------------------------------------------


def check_fitted(tenant: Tenant, config: DestinationConfig, event: Event, mode: str) -> None:
    """What was made to fit is refused for what a new record lacks, or for when a field may be written, alone."""
    fitting = attrs.evolve(config, fit=tenant, fit_mode=mode)
    try:
        transform(event, fitting)
    except EventError:
        return
    for name, value in (refused_by(Sandbox(config, tenant=tenant, **FREE), event, fitting) or {}).items():
        fields = [of.fields[name] for of in tenant.objects.values() if name in of.fields]
        is_missing = value is None and any(field.is_required for field in fields)
        assert is_missing or any(field.is_createable is not field.is_updateable for field in fields)


_modes = st.sampled_from(["refuse", "drop", "cut", "cut-or-drop"])


@given(tenants(), configs(), events(), _modes)
def test_what_was_made_to_fit_a_tenant_is_never_refused_for_its_type(
    tenant: Tenant, config: DestinationConfig, event: Event, mode: str
) -> None:
    check_fitted(tenant, config, event, mode)


@given(_of_60_fields, _modes)
def test_nor_is_it_for_any_type_there_is(event: Event, mode: str) -> None:
    check_fitted(TENANT, tenant_of_60_fields.CONFIG, event, mode)
