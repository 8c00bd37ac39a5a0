"""Dispatch, the errors of each type, the contract id, and what the vectors cannot say in JSON."""

from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from gainsight_dest import (
    DestinationConfig,
    FindCompany,
    SendEvent,
    UpsertPerson,
    errors,
    group,
    identify,
    is_enabled,
    track,
    transform,
)
from gainsight_dest.transform import switched_off
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
            with pytest.raises(errors.EventError, match=f"^type: must be {one.__name__} here$"):
                one(other, CONFIG)
    with pytest.raises(errors.UnsupportedTypeError):
        one({**event, "type": "page"}, CONFIG)
    with pytest.raises(errors.EventError, match=r"^the event: must be an object, got null$"):
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
        ({"type": None, "batch": [TRACK]}, "batch: is for many events, not for one: events_of(body) takes them apart"),
        ({"context": [1]}, "context: must be an object, got a list"),
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
    with pytest.raises(errors.EventError) as error:
        transform({**TRACK, **change}, CONFIG)
    assert str(error.value).startswith(message)
    assert error.value.path == message.split(": ", 1)[0]
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


#: The places of objects that an event of each type is read for.
READ = {
    "identify": ["traits", "context", "context.traits"],
    "group": ["traits", "context", "context.traits"],
    "track": ["context", "properties"],
}
PLACES = ["traits", "context", "context.traits", "properties"]
#: What is good for any type.
WHOLE = {**IDENTIFY, **GROUP, **TRACK}


def changed(event_type: str, place: str, value: Any) -> dict[str, Any]:
    """An event with another value in that place."""
    event = {**WHOLE, "type": event_type, place: value}
    return {**event, "context": {"traits": value}} if place == "context.traits" else event


@pytest.mark.parametrize("value", ["x", " ", [1], [[]], [{}], 0, False, 1.5, "{}"], ids=repr)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("event_type", READ)
def test_what_is_no_object_is_at_fault_where_the_type_reads_one_and_not_looked_at_elsewhere(
    event_type: str, place: str, value: Any
) -> None:
    event = changed(event_type, place, value)
    if place in READ[event_type]:
        with pytest.raises(errors.EventError, match=f"^{place}: must be an object, got ") as error:
            transform(event, CONFIG)
        assert error.value.path == place
    else:
        assert transform(event, CONFIG) == transform({**WHOLE, "type": event_type}, CONFIG)


@pytest.mark.parametrize("value", ["", [], (), None, {}], ids=repr)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("event_type", READ)
def test_an_empty_list_or_text_is_an_empty_object(event_type: str, place: str, value: Any) -> None:
    assert outcome(changed(event_type, place, value)) == outcome(changed(event_type, place, {}))


def outcome(event: dict[str, Any]) -> Any:
    """The request, or the error as text."""
    try:
        return transform(event, CONFIG)
    except errors.EventError as error:
        return str(error)


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
    with pytest.raises(errors.ConfigError) as error:
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
        ([{"type": ID, "id": 1e-7}], "1e-7"),
        ([{"type": ID, "id": 0}], None),
        ([{"type": ID, "id": -0.0}], None),
        ([{"type": ID, "id": False}], None),
        ([{"type": ID, "id": True}], None),
        ([{"type": ID, "id": " \t"}], None),
        ([{"type": ID, "id": "\n"}], None),
        ([{"type": ID, "id": ["c-1"]}], None),
        ([{"type": ID, "id": {"a": 1}}], None),
        ([{"type": ID, "id": " c-1 "}], " c-1 "),
        ([{"type": ID, "id": "契約 1"}], "契約 1"),
        ([{"type": ID, "id": "no-break\u00a0space"}], "no-break\u00a0space"),
    ],
)
def test_the_contract_id_is_that_of_the_first_external_id_of_its_type(external: Any, contract_id: str | None) -> None:
    event = {**TRACK, "context": {"externalId": external}}
    assert transform(event, CONFIG) == attrs.evolve(EVENT, contract_id=contract_id)
    headers = transform(event, attrs.evolve(CONFIG, contract_id="configured")).headers
    assert headers["contractId"] == ("configured" if contract_id is None else contract_id)


#: Integrations, and why they hold an event back; None: they do not. What follows "by the event's integrations".
INTEGRATIONS: list[tuple[Any, str | None]] = [
    ({}, None),
    ({"All": True}, None),
    ({"All": False}, ""),
    ({"All": False, "Gainsight": True}, None),
    ({"All": True, "Gainsight": False}, ""),
    ({"All": False, "Gainsight": {"option": 1}}, None),
    ({"All": False, "Gainsight": {}}, None),
    ({"All": False, "Gainsight": None}, ""),
    ({"All": True, "Gainsight": None}, None),
    ({"All": True, "Gainsight": "false"}, None),
    ({"All": False, "Gainsight": "true"}, ", where Gainsight must be true, false or an object, not a string"),
    ({"All": False, "Gainsight": 1}, ", where Gainsight must be true, false or an object, not a number"),
    ({"All": False, "Braze": True}, ""),
    ({"Braze": False}, None),
    (None, ", which must be an object, not null"),
    ([], ", which must be an object, not a list"),
    ("", ", which must be an object, not a string"),
    (True, ", which must be an object, not a boolean"),
    ({"All": "false"}, ", where All must be true or false, not a string"),
    ({"All": "true"}, ", where All must be true or false, not a string"),
    ({"All": None, "Gainsight": True}, ", where All must be true or false, not null"),
    ({"All": {}}, ", where All must be true or false, not an object"),
    *(
        ({"All": False, name: value}, ', where "Gainsight" is spelled in another way: it is ignored')
        for name in ("GAINSIGHT", "gainsight", " Gainsight ", "Gainsight CS", "gainsight_cs")
        for value in (True, {"option": 1})
    ),
    ({"All": False, "GAINSIGHT": False}, ""),
    ({"All": False, "Gainsight PX": True}, ""),
    ({"All": False, "Gainsight": False, "GAINSIGHT": True}, ""),
    ({"GAINSIGHT": False}, None),
    ({"all": False, "gainsight": False}, None),
    (MappingProxyType({"All": False}), ""),
    ({"All": False, 5: True}, ""),
]


@pytest.mark.parametrize(("integrations", "reason"), INTEGRATIONS, ids=repr)
def test_integrations_let_an_event_through_or_tell_why_not(integrations: Any, reason: str | None) -> None:
    event = {**IDENTIFY, "integrations": integrations}
    assert switched_off(event) == (None if reason is None else f"switched off by the event's integrations{reason}")
    assert is_enabled(event) is (reason is None)
    assert transform(event, CONFIG) == PERSON


def test_what_is_no_event_or_has_no_integrations_is_not_switched_off() -> None:
    assert is_enabled([])  # type: ignore[arg-type]
    assert is_enabled({})
    assert is_enabled(IDENTIFY)
