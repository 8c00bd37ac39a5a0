"""Dispatch, the errors of each type, the contract id, and what the vectors cannot say in JSON."""

from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    FindCompany,
    SendEvent,
    UnsupportedTypeError,
    UpsertPerson,
    group,
    identify,
    is_enabled,
    track,
    transform,
)
from tests import some
from tests.some import ACCESS_KEY, ADA, SHARED_SECRET

CONFIG = attrs.evolve(
    some.CONFIG,
    event_name_map={"Ticket Closure": "closed", "Named only": "n"},
    event_version_map={"Ticket Closure": "1.0.0", "Versioned only": "1"},
)
IDENTIFY = some.identify(name="Ada")
GROUP = some.group()
TRACK = some.track(status="resolved")
PERSON = UpsertPerson(CONFIG, person={"Email": ADA, "Name": "Ada"})
COMPANY = FindCompany(CONFIG, company={"Name": "Acme"}, email=ADA)
EVENT = SendEvent(CONFIG, name="closed", version="1.0.0", properties={"status": "resolved"})


def read_only(value: Any) -> Any:
    """The value with a Mapping that is no dict for every object in it."""
    return MappingProxyType({k: read_only(v) for k, v in value.items()}) if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("event", "expected"), [(IDENTIFY, PERSON), (GROUP, COMPANY), (TRACK, EVENT)], ids=["identify", "group", "track"]
)
def test_an_event_becomes_the_first_request_it_asks_for(event: dict[str, Any], expected: Any) -> None:
    assert transform(event, CONFIG) == expected
    assert transform(MappingProxyType(event), CONFIG) == expected
    assert transform(OrderedDict(event), CONFIG) == expected
    assert transform(read_only(event), CONFIG) == expected
    assert transform({**event, "type": f" {event['type'].upper()}\t"}, CONFIG) == expected


@pytest.mark.parametrize(
    ("one", "event", "expected"), [(identify, IDENTIFY, PERSON), (group, GROUP, COMPANY), (track, TRACK, EVENT)]
)
def test_identify_group_and_track_take_their_own_type_with_or_without_its_name(
    one: Any, event: dict[str, Any], expected: Any
) -> None:
    assert one(event, CONFIG) == expected
    assert one({**event, "type": None}, CONFIG) == expected
    for other in (IDENTIFY, GROUP, TRACK):
        if other is not event:
            with pytest.raises(EventError, match=f"^type: must be {one.__name__} here$"):
                one(other, CONFIG)
    with pytest.raises(UnsupportedTypeError):
        one({**event, "type": "page"}, CONFIG)
    with pytest.raises(EventError, match=r"^the event: must be an object, got null$"):
        one(None, CONFIG)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "page"}, 'type: "page" is not supported: it must be identify, group or track'),
        ({"type": "a\nb"}, 'type: "a\\nb" is not supported: it must be identify, group or track'),
        ({"type": ACCESS_KEY}, 'type: "***" is not supported: it must be identify, group or track'),
        ({"type": None}, "type: must be identify, group or track, got null"),
        ({"type": " "}, "type: must be identify, group or track, got a blank string"),
        ({"type": ["track"]}, "type: must be identify, group or track, got a list"),
        ({"traits": "x"}, "traits: must be an object, got a string"),
        ({"context": [1]}, "context: must be an object, got a list"),
        ({"context": {"traits": 5}}, "context.traits: must be an object, got a number"),
        ({"properties": False}, "properties: must be an object, got a boolean"),
        ({"properties": {ACCESS_KEY: float("nan")}}, "properties.***: must be a finite number"),
        ({"event": None}, "event: a non-blank string is needed for track, got null"),
        ({"event": " "}, "event: a non-blank string is needed for track, got a blank string"),
        ({"event": 7}, "event: a non-blank string is needed for track, got a number"),
        (
            {"context": {"externalId": {"type": "gainsightEventContractId", "id": "x\ny"}}},
            "context.externalId[gainsightEventContractId].id: holds a control character",
        ),
    ],
)
def test_an_event_at_fault_is_told_what_where_and_what_to_do(change: dict[str, Any], message: str) -> None:
    with pytest.raises(EventError) as error:
        transform({**TRACK, **change}, CONFIG)
    assert str(error.value).startswith(message)
    assert error.value.path == message.split(": ", 1)[0]
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


@pytest.mark.parametrize("event_type", ["identify", "group", "track"])
@pytest.mark.parametrize("place", ["traits", "context", "properties"])
def test_objects_are_objects_whatever_the_type(event_type: str, place: str) -> None:
    with pytest.raises(EventError, match=f"^{place}: must be an object"):
        transform({**IDENTIFY, **GROUP, **TRACK, "type": event_type, place: "x"}, CONFIG)


@pytest.mark.parametrize("missing", [{}, {"properties": None}, {"properties": {}}])
def test_a_track_without_properties_has_an_empty_body(missing: dict[str, Any]) -> None:
    event = {"type": "track", "event": "Ticket Closure", "context": None, "traits": None, **missing}
    assert transform(event, CONFIG).body == {}


@pytest.mark.parametrize(
    ("event", "settings", "message"),
    [
        (IDENTIFY, {"access_key": None}, "accessKey: is needed for identify, but missing"),
        (GROUP, {"access_key": ""}, "accessKey: is needed for group, but missing"),
        (
            TRACK,
            {"shared_secret": None, "topic_name": None},
            "sharedSecret: is needed for track, but missing; topicName: is needed for track, but missing",
        ),
        (
            {**TRACK, "event": "constructor"},
            {},
            "; ".join(
                f'{place}: has no row for the event "constructor"' for place in ("eventNameMap", "eventVersionMap")
            ),
        ),
        ({**TRACK, "event": "Named only"}, {}, 'eventVersionMap: has no row for the event "Named only"'),
        ({**TRACK, "event": "Versioned only"}, {}, 'eventNameMap: has no row for the event "Versioned only"'),
        ({**TRACK, "event": "Ticket Closure "}, {}, 'eventNameMap: has no row for the event "Ticket Closure "'),
        ({**TRACK, "event": f"to {SHARED_SECRET}"}, {}, 'eventNameMap: has no row for the event "to ***"'),
    ],
)
def test_a_config_that_lacks_what_an_event_needs_is_at_fault(
    event: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        transform(event, attrs.evolve(CONFIG, **settings))
    assert str(error.value).startswith(message)


def test_a_track_needs_no_access_key_and_an_identify_nothing_but_it() -> None:
    assert "Accesskey" not in transform(TRACK, attrs.evolve(CONFIG, access_key=None)).headers
    assert transform(IDENTIFY, DestinationConfig(domain="acme.co", access_key="k"))


def test_an_event_name_may_be_a_kind_of_string() -> None:
    class Name(str):
        __slots__ = ()

    assert transform({**TRACK, "event": Name("Ticket Closure")}, CONFIG) == EVENT


ID = "gainsightEventContractId"


@pytest.mark.parametrize(
    ("external", "contract_id"),
    [
        (None, None),
        ([], None),
        ("c-1", None),
        ([None, "c-1", {"type": "other", "id": "c-1"}], None),
        ([{"type": ID, "id": "c-1"}, {"type": ID, "id": "c-2"}], "c-1"),
        (({"type": ID, "id": "c-1"},), "c-1"),
        ({"type": ID, "id": "c-1"}, "c-1"),
        (MappingProxyType({"type": ID, "id": "c-1"}), "c-1"),
        ([{"type": ID, "id": ""}, {"type": ID, "id": "c-2"}], None),
        ([{"type": ID}], None),
        ([{"type": ID, "id": None}], None),
        ([{"type": ID, "id": 77}], "77"),
        ([{"type": ID, "id": 77.0}], "77"),
        ([{"type": ID, "id": 0}], "0"),
        ([{"type": ID, "id": False}], "false"),
        ([{"type": ID, "id": "契約 1"}], "契約 1"),
        ([{"type": ID, "id": "no-break\u00a0space"}], "no-break\u00a0space"),
    ],
)
def test_the_contract_id_is_that_of_the_first_external_id_of_its_type(external: Any, contract_id: str | None) -> None:
    request = transform({**TRACK, "context": {"externalId": external}}, CONFIG)
    assert request == attrs.evolve(EVENT, contract_id=contract_id)


@pytest.mark.parametrize(
    ("integrations", "enabled"),
    [
        (None, True),
        ({}, True),
        ("x", True),
        ({"All": True}, True),
        ({"All": False}, False),
        ({"All": False, "Gainsight": True}, True),
        ({"All": True, "Gainsight": False}, False),
        ({"All": False, "Gainsight": {"option": 1}}, True),
        ({"All": False, "Gainsight": None}, False),
        ({"All": None, "Gainsight": None}, True),
        ({"All": False, "Braze": True}, False),
        ({"Braze": False}, True),
    ],
)
def test_integrations_let_an_event_through_unless_they_say_otherwise(integrations: Any, enabled: bool) -> None:
    assert is_enabled({**IDENTIFY, "integrations": integrations}) is enabled


def test_what_is_no_event_is_not_switched_off() -> None:
    assert is_enabled([])  # type: ignore[arg-type]
    assert is_enabled({})
