"""The builders: whole events, the same on each call, and new."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import EventError, FindCompany, SendEvent, UpsertPerson, is_enabled, transform
from gainsight_dest.testing import group_event, identify_event, track_event
from tests import some

EVENTS = Path(__file__).parent.parent.parent / "examples/events.ndjson"
CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "team name": "Team__gc"},
    event_name_map={"Ticket Closure": "ticket_closed"},
)
BUILDERS: tuple[Callable[..., dict[str, Any]], ...] = (identify_event, group_event, track_event)


@pytest.mark.parametrize("build", BUILDERS)
def test_an_event_has_all_that_one_of_rudderstacks_has(build: Callable[..., dict[str, Any]]) -> None:
    events = map(json.loads, EVENTS.read_text("utf8").splitlines())
    real = next(event for event in events if event.get("type") == build()["type"])
    assert real.keys() <= build().keys()
    assert {"library", "app", "page"} <= build()["context"].keys()
    assert is_enabled(build())


@pytest.mark.parametrize("build", BUILDERS)
def test_each_call_gives_an_event_that_is_equal_and_shares_nothing(build: Callable[..., dict[str, Any]]) -> None:
    given: dict[str, Any] = {"nested": {"list": [1]}}
    one, other = (build(deep=given, event={"integrations": given}) for _ in range(2))
    assert one == other
    for event in (one, given):
        event.setdefault("integrations", {"nested": {}})["nested"].clear()
        event.get("context", {}).clear()
    assert other["integrations"] == {"nested": {"list": [1]}}
    assert other["context"]["library"]
    assert {**other.get("traits", {}), **other.get("properties", {})}["deep"] == {"nested": {"list": [1]}}


def test_an_identify_is_made_of_its_traits() -> None:
    event = identify_event(email="grace@example.com", traits={"team name": "A"}, plan="gold")
    person = {"Email": "grace@example.com", "Plan__gc": "gold", "Team__gc": "A"}
    assert transform(event, CONFIG) == UpsertPerson(CONFIG, person=person)
    assert transform(identify_event(), CONFIG) == UpsertPerson(CONFIG, person={"Email": "ada@example.com"})


def test_traits_of_the_context_go_there() -> None:
    event = identify_event(email=None, context_traits={"email": "grace@example.com"})
    assert event["traits"] == {}
    assert transform(event, CONFIG) == UpsertPerson(CONFIG, person={"Email": "grace@example.com"})
    assert "traits" not in identify_event()["context"]


def test_a_group_is_made_of_its_name_its_traits_and_the_email_of_a_person() -> None:
    event = group_event("Bolt", email="grace@example.com", traits={"email": "info@example.com"}, employees=7)
    company = {"Name": "Bolt", "Employees": 7}
    assert transform(event, CONFIG) == FindCompany(CONFIG, company=company, email="grace@example.com")
    assert event["traits"]["email"] == "info@example.com"


def test_a_track_is_made_of_its_name_and_its_properties() -> None:
    event = track_event("Ticket Closure", contract_id="c-1", properties={"the status": "resolved"}, name="John")
    properties = {"the status": "resolved", "name": "John"}
    sent = SendEvent(CONFIG, name="ticket_closed", version="1.0.0", properties=properties, contract_id="c-1")
    assert transform(event, CONFIG) == sent
    assert transform(track_event(), CONFIG) == SendEvent(CONFIG, name="ticket_closed", version="1.0.0", properties={})


@pytest.mark.parametrize(
    "event",
    [
        identify_event(email=None),
        group_event(None),
        group_event(email=None),
        track_event(None),
        track_event(event={"event": 1}),
    ],
)
def test_what_is_left_out_is_missed(event: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        transform(event, CONFIG)


@pytest.mark.parametrize("build", BUILDERS)
def test_a_key_of_the_event_replaces_what_would_be_there(build: Callable[..., dict[str, Any]]) -> None:
    event = build(event={"type": "page", "context": {}, "rudderId": "r-1"})
    assert (event["type"], event["context"], event["rudderId"]) == ("page", {}, "r-1")
