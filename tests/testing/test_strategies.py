"""The strategies: every event becomes a request, all is JSON, and failures shrink to something to look at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, FindCompany, Request, SendEvent, UpsertPerson, explain, preview, transform
from gainsight_dest.tenant import Tenant
from gainsight_dest.testing import configs, events, tenants, traits
from gainsight_dest.testing.strategies import EVENTS

TYPES: dict[str, type[Request]] = {"identify": UpsertPerson, "group": FindCompany, "track": SendEvent}


@given(events(), configs())
def test_every_event_becomes_a_request_with_every_config(event: Any, config: DestinationConfig) -> None:
    request = transform(event, config)
    assert type(request) is TYPES[event["type"]]
    for _, step in preview(request):
        json.dumps(step.as_dict(), allow_nan=False)


@given(events(), configs())
def test_every_event_is_explained_without_an_error(event: Any, config: DestinationConfig) -> None:
    assert explain(event, config).error is None


@pytest.mark.parametrize("event_type", TYPES)
def test_only_events_of_the_type_are_drawn(event_type: str) -> None:
    @given(events(event_type))
    @settings(max_examples=30)
    def check(event: Any) -> None:
        assert event["type"] == event_type

    check()


@given(st.one_of(events(), traits(), traits(names=["a.b"])))
def test_all_of_it_is_json_that_any_server_may_send(value: Any) -> None:
    assert json.loads(json.dumps(value, allow_nan=False).encode()) == value
    json.dumps(value, ensure_ascii=False).encode()  # no lone surrogate


@given(events("identify", traits=st.just({"plan": "gold", "email": "own@example.com"})))
def test_traits_of_ones_own_go_before_what_the_event_needs(event: Any) -> None:
    assert event["traits"] == {"plan": "gold", "email": "own@example.com"}


@given(events("track", traits=st.just({"status": "x"}), names=["Renamed"]))
def test_a_track_has_ones_own_names_and_properties(event: Any) -> None:
    assert (event["event"], event["properties"]) == ("Renamed", {"status": "x"})


def test_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="type must be one of identify, group, track, or None for any of them"):
        events("page")


@given(configs())
def test_a_config_is_whole(config: DestinationConfig) -> None:
    assert config.events.keys() >= EVENTS.keys()
    assert "test-access-key" not in repr(config)


QUICK = settings(max_examples=2000, derandomize=True, database=None)


@pytest.mark.long
def test_the_plainest_config_maps_the_events_that_are_drawn_and_nothing_else() -> None:
    plainest = find(configs(), lambda _: True, settings=QUICK)
    assert plainest.events.keys() == EVENTS.keys()
    assert (plainest.person_map, plainest.company_map) == ({}, {})


@pytest.mark.long
def test_a_failure_shrinks_to_a_plain_event() -> None:
    event = find(events("identify"), lambda _: True, settings=QUICK)
    assert (event["traits"], "traits" in event["context"]) == ({"email": "ada@example.com"}, False)
    event = find(events("identify"), lambda event: "plan" in event["traits"], settings=QUICK)
    assert event["traits"].keys() == {"email", "plan"}


@pytest.mark.parametrize(
    "is_nasty",
    [
        lambda event: "" in event.get("traits", {}).values(),
        lambda event: None in event.get("traits", {}).values(),
        lambda event: any(isinstance(value, dict) for value in event.get("properties", {}).values()),
        lambda event: "traits" in event["context"] and "email" not in event["traits"],
        lambda event: not event.get("context", {}).get("externalId", [{"id": 1}])[0]["id"],
        lambda event: isinstance(event.get("traits", {}).get("name"), int),
    ],
)
def test_what_real_data_holds_now_and_then_is_drawn(is_nasty: Any) -> None:
    find(events(), is_nasty, settings=settings(QUICK, phases=[Phase.generate]))


def test_a_config_without_a_map_is_drawn_now_and_then() -> None:
    found = find(configs(), lambda config: not config.person_map, settings=settings(QUICK, phases=[Phase.generate]))
    assert found.events.keys() >= EVENTS.keys()


@given(st.data())
def test_a_config_maps_onto_standard_and_custom_fields(data: st.DataObject) -> None:
    config = data.draw(configs())
    assert all(config.person_map.values())
    assert "Email" not in config.person_map.values()


@given(tenants())
def test_a_tenant_has_people_and_companies_each_with_a_key_that_may_be_written(tenant: Tenant) -> None:
    assert {"Person", "Company"} <= {*tenant.objects}
    for of in ("Person", "Company"):
        record = {str(tenant.objects[of].key): "ada@example.com"}
        assert not [*tenant.objects[of].refusals(record, is_new=False)]


@pytest.mark.again
@pytest.mark.parametrize(
    "is_so",
    [
        lambda company: "Industry" not in company.fields,
        lambda company: any(field.type == "PICKLIST" and field.options for field in company.fields.values()),
        lambda company: any(field.type == "HOLOGRAM" for field in company.fields.values()),
        lambda company: any(field.is_required and field.name != "Name" for field in company.fields.values()),
        lambda company: any(field.is_createable is not field.is_updateable for field in company.fields.values()),
        lambda company: any(field.is_formula for field in company.fields.values()),
    ],
)
def test_what_tenants_have_now_and_then_is_drawn(is_so: Any) -> None:
    find(tenants(), lambda tenant: is_so(tenant.objects["Company"]), settings=settings(QUICK, phases=[Phase.generate]))
