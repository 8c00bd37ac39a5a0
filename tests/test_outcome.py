"""Outcomes as values, and their errors as plain data."""

from __future__ import annotations

import json
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from gainsight_dest import DestinationConfig, errors, transform
from gainsight_dest.outcome import (
    Outcome,
    PreparedEvent,
    Status,
    begin,
    dead_letter,
    error_as_data,
    error_from_data,
    known,
    outcome_record,
    text_of,
)
from tests.some import CONFIG, identify

IDENTIFY = identify() | {"messageId": "m-1"}
ERRORS = [
    errors.ConfigError(("a", "b"), ("c", "d")),
    errors.EventError("traits.email", "is needed"),
    errors.UnsupportedTypeError("type", "no"),
    errors.RetryableError("find company", "failed", 500, "GU_1101", "id", (), 7.0),
    errors.ThrottledError("find company", "too many", 429),
    errors.CredentialsError("send event", "wrong", 401),
    errors.BlockedError("upsert person", "a firewall", 403),
    errors.UnreachableError("find company", "no connection"),
    errors.RejectedError(
        "create company",
        "bad",
        400,
        "GSOBJ_1006",
        "id",
        (errors.FieldError("Arr", "GSOBJ_1002"), errors.FieldError(None, None)),
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_as_json(error: errors.GainsightDestError) -> None:
    assert error_from_data(json.loads(json.dumps(error_as_data(error)))) == error


def test_every_error_of_the_library_that_an_outcome_can_hold_is_tried() -> None:
    tried = {type(error) for error in ERRORS}
    kinds = [errors.GainsightDestError]
    for kind in kinds:
        kinds += [each for each in kind.__subclasses__() if each.__module__ == "gainsight_dest.errors"]
    assert tried == {*kinds} - {errors.GainsightDestError, errors.ResponseError}


def test_a_value_that_gainsight_refused_is_left_out() -> None:
    error = errors.RejectedError(
        "create company", "bad", 400, None, None, (errors.FieldError("Arr", "GSOBJ_1002", "secret value"),)
    )
    assert "secret value" not in json.dumps(error_as_data(error))


def test_an_outcome_is_a_value_and_its_status_equals_its_text() -> None:
    outcome = Outcome(0, "m", "identify", Status.DELIVERED, 1, 1)
    assert outcome == pickle.loads(pickle.dumps(outcome))
    assert outcome.status == "delivered"
    assert f"{Status.NOT_TRIED}" == "not tried"


def test_an_event_begins_with_its_first_request() -> None:
    assert begin(3, IDENTIFY, CONFIG) == transform(IDENTIFY, CONFIG)


@pytest.mark.parametrize("error", [errors.EventError("line 7", "is no JSON"), errors.EventError("", "")])
def test_an_event_that_could_not_be_read_fails_by_the_error_that_stands_in_for_it(error: errors.EventError) -> None:
    assert begin(3, error, CONFIG) == Outcome(3, None, None, Status.FAILED, error=error)


def test_an_event_at_fault_fails_and_one_without_the_settings_that_it_needs_does() -> None:
    nobody = begin(0, {**IDENTIFY, "traits": {}}, CONFIG)
    keyless = begin(1, IDENTIFY, DestinationConfig(domain="acme.gainsightcloud.com"))
    for index, outcome, error in ((0, nobody, errors.EventError), (1, keyless, errors.ConfigError)):
        assert isinstance(outcome, Outcome)
        assert (outcome.index, outcome.message_id, outcome.type, outcome.status) == (index, "m-1", "identify", "failed")
        assert type(outcome.error) is error
        assert (outcome.attempts, outcome.calls) == (0, 0)


@pytest.mark.parametrize("event", [7, None, [], "identify"])
def test_what_is_no_object_fails_and_names_nothing(event: Any) -> None:
    outcome = begin(0, event, CONFIG)
    assert isinstance(outcome, Outcome)
    assert (outcome.message_id, outcome.type, outcome.status) == (None, None, "failed")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**IDENTIFY, "integrations": {"All": False}}, "switched off by the event's integrations"),
        (
            {**IDENTIFY, "integrations": {"All": False, "GAINSIGHT": True}},
            'switched off by the event\'s integrations, where "Gainsight" is spelled in another way: it is ignored',
        ),
        (
            {**IDENTIFY, "type": "page"},
            'type: "page" is not supported: it must be identify, group or track',
        ),
        (errors.UnsupportedTypeError("type", "no"), "type: no"),
    ],
)
def test_an_event_that_is_not_for_gainsight_is_skipped_and_says_why(event: Any, reason: str) -> None:
    outcome = begin(0, event, CONFIG)
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.reason, outcome.error) == ("skipped", reason, None)


def test_a_known_outcome_names_the_message_and_the_type() -> None:
    outcome = known(2, IDENTIFY, Status.DELIVERED, calls=1, gsid="1P02")
    assert outcome == Outcome(2, "m-1", "identify", Status.DELIVERED, calls=1, gsid="1P02")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"messageId": "m"}, "m"),
        (MappingProxyType({"messageId": "m"}), "m"),
        ({"messageId": 7}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_text_of_an_event_is_given_only_where_it_is_one(event: Any, text: str | None) -> None:
    assert text_of(event, "messageId") == text


# --- as it is kept ----------------------------------------------------------------------------------------------------

REFUSED = errors.RejectedError(
    "upsert person", "refused", 400, "GSOBJ_1006", "r-1", (errors.FieldError("Plan__gc", "GSOBJ_1006"),)
)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Outcome(0, "m", "track", Status.DELIVERED, 1, 1), None),
        (Outcome(0, "m", "page", Status.SKIPPED, reason="a page"), None),
        (
            Outcome(3, "m", "identify", Status.FAILED, error=errors.EventError("traits.email", "is blank")),
            {
                "kind": "EventError",
                "path": "traits.email",
                "message": "traits.email: is blank",
                "status": None,
                "code": None,
                "request_id": None,
                "attempts": 0,
            },
        ),
        (
            Outcome(0, "m", "identify", Status.FAILED, 2, 2, REFUSED),
            {
                "kind": "RejectedError",
                "path": None,
                "message": "upsert person: refused (HTTP 400, GSOBJ_1006, Plan__gc: GSOBJ_1006)",
                "status": 400,
                "code": "GSOBJ_1006",
                "request_id": "r-1",
                "attempts": 2,
            },
        ),
        (
            Outcome(0, None, None, Status.NOT_TRIED),
            {
                "kind": "NotTried",
                "path": None,
                "message": "the run ended before it was delivered",
                "status": None,
                "code": None,
                "request_id": None,
                "attempts": 0,
            },
        ),
    ],
)
def test_an_outcome_is_plain_data_with_its_fault(outcome: Outcome, error: dict[str, Any] | None) -> None:
    record = outcome_record(outcome)
    assert json.loads(json.dumps(record)) == record
    assert record.pop("error") == error
    facts = ("message_id", "type", "attempts", "calls", "gsid", "reason")
    assert record == {"status": str(outcome.status), **{name: getattr(outcome, name) for name in facts}}


def test_a_dead_letter_is_the_event_in_rudderstacks_nested_form_with_the_reason() -> None:
    event = {"type": "identify"}
    outcome = Outcome(0, None, "identify", Status.FAILED, error=errors.EventError("traits.email", "is blank"))
    letter = dead_letter(event, outcome)
    assert letter["message"] is event
    assert letter["error"] == outcome_record(outcome)["error"]


def test_a_prepared_event_begins_with_its_request_and_is_known_by_what_it_is() -> None:
    request = transform(identify("bob@example.com"), CONFIG)
    prepared = PreparedEvent(IDENTIFY, request)
    assert begin(0, prepared, CONFIG) is request
    assert text_of(prepared, "messageId") == "m-1"
    assert known(0, prepared, Status.DELIVERED).type == "identify"
