"""The example events: every field, every feature, every kind of mistake, and the documentation's own three."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import (
    GainsightDestError,
    Request,
    SendEvent,
    UnsupportedTypeError,
    is_enabled,
    transform,
)
from gainsight_dest.fields import COMPANY_FIELDS, PERSON_FIELDS
from tests.examples import CONFIG, EVENTS, EXAMPLES, LINES, parsed


def result(event: Any) -> Request | GainsightDestError:
    try:
        return transform(event, CONFIG)
    except GainsightDestError as error:
        return error


def test_there_are_as_many_as_a_company_sends_in_a_morning() -> None:
    assert len(LINES) >= 60
    assert sum(isinstance(result(event), Request) for event in EVENTS) >= 45


def test_they_begin_with_the_documentations_own() -> None:
    identify, group, track, track_with_contract = EVENTS[:4]
    assert (identify["userId"], identify["traits"]) == (
        "sample-user-id",
        {"email": "user@email.com", "firstName": "John", "lastName": "Doe", "comments": "example identify call"},
    )
    assert (group["groupId"], group["traits"]) == (
        "sample-group-id",
        {"name": "Example Company", "employees": 1000, "industry": "Software"},
    )
    assert group["context"]["traits"]["email"] == "user@email.com"
    for event in (track, track_with_contract):
        assert (event["event"], event["properties"]) == ("Ticket Closure", {"name": "John Doe", "status": "resolved"})
    external = [{"type": "gainsightEventContractId", "id": "sample-contract-id"}]
    assert track_with_contract["context"]["externalId"] == external
    request = transform(track_with_contract, CONFIG)
    assert isinstance(request, SendEvent)
    assert request.headers["contractId"] == "sample-contract-id"


@pytest.mark.parametrize(("event_type", "fields"), [("identify", PERSON_FIELDS), ("group", COMPANY_FIELDS)])
def test_every_trait_of_the_tables_comes_in_an_event_that_goes_through(event_type: str, fields: Any) -> None:
    good = [e for e in EVENTS if isinstance(result(e), Request) and e["type"].strip().lower() == event_type]
    traits = {
        trait
        for event in good
        for place in (event.get("traits"), event["context"].get("traits"))
        for trait, value in (place or {}).items()
        if value not in (None, "")
    }
    assert {trait for field in fields for trait in field.traits} - traits == set()


def test_every_kind_of_mistake_is_among_them() -> None:
    errors = [error for error in map(result, EVENTS) if isinstance(error, GainsightDestError)]
    paths = {getattr(error, "path", None) for error in errors}
    assert paths >= {"type", "traits", "context", "properties", "event", "traits.email", "traits.name"}
    assert paths >= {"context.traits.email", "eventNameMap", "eventVersionMap"}
    assert "context.externalId[gainsightEventContractId].id" in paths
    assert any(isinstance(error, UnsupportedTypeError) for error in errors)
    assert any(not is_enabled(event) for event in EVENTS)
    assert any(parsed(line) is None for line in LINES)
    assert any(not isinstance(parsed(line), (dict, type(None))) for line in LINES)


def test_no_one_in_them_could_be_real() -> None:
    text = (EXAMPLES / "events.ndjson").read_text("utf8") + (EXAMPLES / "destination.json").read_text("utf8")
    domains = {part.split('"')[0] for part in text.split("@")[1:]}
    assert {d for d in domains if not d.startswith(("example.", "email.com"))} == set()
    assert CONFIG.access_key is not None
    assert CONFIG.access_key.startswith("EXAMPLE")
