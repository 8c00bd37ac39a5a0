"""The events of what an SDK sends."""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

from gainsight_dest import EventError, events_of, transform
from tests import strategies
from tests.some import CONFIG, group, identify, track

IDENTIFY, GROUP = identify(), group()
TIME = "2026-11-27T02:38:12.211Z"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (IDENTIFY, [IDENTIFY]),
        (MappingProxyType(IDENTIFY), [IDENTIFY]),
        ({}, [{}]),
        ([IDENTIFY, GROUP], [IDENTIFY, GROUP]),
        ((IDENTIFY,), [IDENTIFY]),
        ([], []),
        ({"batch": [IDENTIFY, GROUP]}, [IDENTIFY, GROUP]),
        ({"batch": (IDENTIFY,)}, [IDENTIFY]),
        ({"batch": []}, []),
        ({"batch": [], "type": None}, []),
        ([{"batch": [IDENTIFY]}, GROUP, {"batch": []}, {"batch": [GROUP]}], [IDENTIFY, GROUP, GROUP]),
        ({**track(), "batch": [IDENTIFY]}, [{**track(), "batch": [IDENTIFY]}]),
        ({"batch": [IDENTIFY, None, "x", [GROUP]]}, [IDENTIFY, None, "x", [GROUP]]),
        ([None, 5, [IDENTIFY]], [None, 5, [IDENTIFY]]),
    ],
)
def test_an_event_a_list_or_a_batch_is_events(body: Any, expected: list[Any]) -> None:
    assert events_of(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"batch": "x"}, "batch: must be a list of events, got a string"),
        ({"batch": None, "sentAt": TIME}, "batch: must be a list of events, got null"),
        ({"batch": IDENTIFY}, "batch: must be a list of events, got an object"),
        (None, "the body: must be an event, a list of events, or an object with a batch, got null"),
        ("{}", "the body: must be an event, a list of events, or an object with a batch, got a string"),
    ],
)
def test_anything_else_is_told(body: Any, message: str) -> None:
    with pytest.raises(EventError) as error:
        events_of(body)
    assert str(error.value) == message


@pytest.mark.parametrize("inner", [{"batch": [GROUP]}, {"batch": "x"}, {"batch": {}}])
def test_a_batch_that_cannot_be_taken_apart_costs_none_of_its_neighbours(inner: Any) -> None:
    for body in ({"batch": [IDENTIFY, inner]}, [{"batch": [IDENTIFY, inner]}]):
        first, second = events_of(body)
        assert first == IDENTIFY
        with pytest.raises(EventError, match=r"^batch: is for many events, not for one: events_of\(body\) takes them"):
            transform(second, CONFIG)


@pytest.mark.parametrize(
    ("body", "event", "expected"),
    [
        ({"sentAt": TIME}, {}, {"sentAt": TIME}),
        ({"sentAt": TIME, "timestamp": "later"}, {"sentAt": ""}, {"sentAt": TIME}),
        *(
            ({"sentAt": TIME}, {name: "2026-11-01"}, {name: "2026-11-01"})
            for name in ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
        ),
        ({"timestamp": TIME}, {}, {}),
        ({"userId": "u-1", "anonymousId": "a-1"}, {}, {"userId": "u-1", "anonymousId": "a-1"}),
        ({"userId": "u-1", "anonymousId": "a-1"}, {"anonymousId": "a-2"}, {"anonymousId": "a-2"}),
        ({"anonymousId": "a-1"}, {"anonymousId": None}, {"anonymousId": "a-1"}),
        ({"writeKey": "k", "messageId": "m-1", "type": ""}, {}, {}),
        ({"integrations": {"All": False}}, {}, {"integrations": {"All": False}}),
        ({"integrations": {"All": False}}, {"integrations": None}, {"integrations": {"All": False}}),
        (
            {"integrations": {"All": False, "Braze": True}},
            {"integrations": {"Gainsight": True, "Braze": False}},
            {"integrations": {"All": False, "Gainsight": True, "Braze": False}},
        ),
        ({"integrations": {"All": False}}, {"integrations": "x"}, {"integrations": "x"}),
        ({"integrations": []}, {}, {}),
        (
            {"context": {"ip": "::1", "traits": {"a": 1}}},
            {"context": {"traits": {"b": 2}}},
            {"context": {"ip": "::1", "traits": {"b": 2}}},
        ),
        ({"context": {"ip": "::1"}}, {}, {"context": {"ip": "::1"}}),
        ({"context": {}}, {}, {}),
        ({"context": "x"}, {}, {}),
    ],
)
def test_what_a_body_tells_of_all_its_events_each_of_them_has(
    body: dict[str, Any], event: dict[str, Any], expected: dict[str, Any]
) -> None:
    whole = {**body, "batch": [{"type": "track", **event}]}
    before = copy.deepcopy(whole)
    assert events_of(whole) == events_of([whole]) == [{"type": "track", **expected}]
    assert whole == before


def test_an_event_that_the_body_adds_nothing_to_is_the_very_same() -> None:
    assert events_of({"batch": [IDENTIFY]})[0] is IDENTIFY


@given(strategies.json_values)
def test_any_json_is_events_or_an_event_error(body: Any) -> None:
    try:
        events = events_of(body)
    except EventError:
        return
    assert isinstance(events, list)
