"""The service reads of an item only its message where it can: what it answers is what the functions would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, get_type_hints

import falcon
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, EventError, transform
from gainsight_dest.rudderstack import app, processor, router
from gainsight_dest.rudderstack import items as items_module
from gainsight_dest.rudderstack.app import (
    LOOP,
    EventData,
    ThreadNeededError,
    answer_of_processor,
    answer_of_router,
    encoded,
)
from gainsight_dest.rudderstack.items import Destinations, DestinationSettings
from tests.rudderstack.bodies import DYNAMIC, Whim, bodies, whims
from tests.rudderstack.rudder import destination, item, never
from tests.some import SETTINGS, group, identify, track

GAINSIGHT = DestinationConfig.from_rudderstack(SETTINGS)


def text(value: Any) -> bytes | None:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return None


def plain(answer: Any) -> Any:
    return json.loads(encoded(answer))


ODD = [{"metadata": {}}, {"metadata": 7}, {"destination": None}, {"message": {"context": []}}, {"message": 7}]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_item_of_another_form_is_answered_as_by_the_functions(odd: dict[str, Any]) -> None:
    given_items = [{**item(identify()), **odd}, item(track())]
    assert plain(answer_of_processor(json.dumps(given_items).encode(), never)) == plain(processor(given_items, never))


READY = {"method": "POST", "endpoint": "https://x.example", "headers": {}, "body": {}, "statusCode": 298}


@pytest.mark.parametrize("message", [READY, track(n=10**30), {**READY, "context": 7}], ids=str)
def test_a_message_of_another_form_is_answered_as_by_the_functions(message: dict[str, Any]) -> None:
    given_body = {"input": [item(message)], "destType": "gainsight"}
    assert plain(answer_of_router(json.dumps(given_body).encode(), never, batch=True)) == plain(
        router(given_body, never)
    )


def test_a_body_that_the_encoder_does_not_take_is_measured_all_the_same() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(EventError, match="the event"):
        app._length(nested, "the event")
    while nested:
        nested = nested.pop()  # Python itself would end at letting go of it


def test_of_more_items_than_are_looked_at_none_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (app, items_module):
        monkeypatch.setattr(module, "MOST_ITEMS", 3)
    given_body = {"input": [item(identify())] * 4, "destType": "gainsight"}
    [answer] = plain(answer_of_router(json.dumps(given_body).encode(), never, batch=True))["output"]
    assert (answer["statusCode"], answer["metadata"]) == (500, [{"destType": "gainsight"}])


class _ReadEvent(Mapping[str, Any]):
    """An event that notes what is read of it."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self.event[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all of it is read")

    def __len__(self) -> int:
        return len(self.event)


@pytest.mark.parametrize("event", [identify(), track(), group(), {**group(), "type": None}], ids=str)
def test_the_service_decodes_whatever_of_an_event_is_read(event: dict[str, Any]) -> None:
    context = _ReadEvent(event.get("context", {}))
    read = _ReadEvent({**event, "context": context})
    with suppress(EventError):
        transform(read, GAINSIGHT)
    decoded = get_type_hints(EventData)
    assert read.read <= decoded.keys()
    assert context.read <= get_type_hints(decoded["context"]).keys()


@pytest.mark.parametrize("to", [destination(), destination(DYNAMIC)], ids=["fixed", "filled in"])
def test_only_a_template_reads_the_rest_of_a_message(to: dict[str, Any]) -> None:
    message = {**track(topic="T"), "event.properties.topic": 1, "other": {"properties": {"topic": "U"}}}
    given_body = {"input": [item(message, to=to)], "destType": "gainsight"}
    answer = plain(answer_of_router(json.dumps(given_body).encode(), never, batch=True))
    assert answer == plain(router(given_body, never))
    assert answer["output"][0]["statusCode"] == 200


def compacted(to: str, count: int) -> bytes:
    jobs = [{"message": identify(f"p{n}@x.com"), "metadata": {"destinationId": "d-1"}} for n in range(count)]
    return f'{{"input": {json.dumps(jobs)}, "destinations": {{"d-1": {to}}}}}'.encode()


def test_a_destination_that_items_share_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    of = Destinations.of

    def noted(known: Destinations, text: Any) -> DestinationSettings:
        read.append(text)
        return of(known, text)

    monkeypatch.setattr(Destinations, "of", noted)
    answer = plain(answer_of_router(compacted(json.dumps(destination()), 100), never, batch=True))
    assert [each["destination"] for each in answer["output"]] == [destination()] * 100
    assert len(read) == 1


def test_a_destination_counts_with_the_blanks_that_go_back_with_it() -> None:
    to = json.dumps(destination())
    body = compacted(f"{to[:-1]}{' ' * 4_000_000}{to[-1]}", 40)
    codes = [each["statusCode"] for each in answer_of_router(body, never, batch=True)["output"]]
    assert codes == [200] * 16 + [500] * 24
    with pytest.raises(ThreadNeededError):
        answer_of_router(body, never, LOOP, batch=True)


@given(bodies, whims, st.booleans())
def test_the_service_answers_what_the_functions_would(body: dict[str, Any], whim: Any, together: bool) -> None:
    given_text = text(body)
    if given_text is None:
        with pytest.raises(falcon.HTTPBadRequest):
            answer_of_router(json.dumps(body).encode(), Whim(*whim), batch=together)
        return
    routed = encoded(answer_of_router(given_text, Whim(*whim), batch=together))
    assert json.loads(routed) == plain(router(json.loads(given_text), Whim(*whim), batch=together))
    listed = text(body["input"])
    assert listed is not None
    for way in (listed, given_text):
        processed = encoded(answer_of_processor(way, Whim(*whim)))
        assert json.loads(processed) == plain(processor(json.loads(way), Whim(*whim)))
