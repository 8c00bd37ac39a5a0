"""Outcomes of events, and their records."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from gainsight_dest import Secret
from gainsight_dest.cli import outcome as cli
from gainsight_dest.cli.outcome import Configs, NoConfigError, as_record, counts, outcome
from gainsight_dest.cli.read import Item
from gainsight_dest.outcome import Fault
from tests.some import ACCESS_KEY, ADA, CONFIG, group, identify

CONFIGS = Configs(attrs.evolve(CONFIG, shared_secret=None))
IDENTIFY = identify() | {"messageId": "m-1"}


def record(event: Any, **options: Any) -> dict[str, Any]:
    return as_record(outcome(Item(7, event, raw=event), CONFIGS), **options)


def test_the_record_of_an_event_holds_its_number_id_type_and_requests() -> None:
    assert record(IDENTIFY) == {
        "number": 7,
        "message_id": "m-1",
        "type": "identify",
        "requests": [
            {
                "label": "upsert person",
                "method": "PUT",
                "url": f"https://{CONFIG.domain}/v1.0/api/people",
                "headers": {"Accesskey": "***", "Content-Type": "application/json"},
                "body": {"Email": ADA},
            }
        ],
    }


def test_the_record_of_a_group_shows_each_way_it_may_go() -> None:
    assert [request["label"] for request in record(group())["requests"]] == [
        "find company",
        "create company, if none was found",
        "update company, if found",
        "link person, once saved",
    ]


def test_secrets_show_on_request() -> None:
    (request,) = record(IDENTIFY, show_secrets=True)["requests"]
    assert request["headers"]["Accesskey"] == ACCESS_KEY
    assert type(request["headers"]["Accesskey"]) is str


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "page"}, 'type: "page" is not supported: it must be identify, group or track'),
        ({**IDENTIFY, "integrations": {"All": False}}, "switched off by the event's integrations"),
    ],
)
def test_an_event_that_the_server_would_hold_back_is_skipped(event: Any, reason: str) -> None:
    assert record(event)["skipped"] == reason
    assert set(record(event)) == {"number", "message_id", "type", "skipped"}


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ({"type": "identify"}, ("EventError", "traits.email")),
        ({"type": "track", "event": "x"}, ("ConfigError", "sharedSecret")),
        ([], ("EventError", "the event")),
        ({"type": 5, "messageId": 5}, ("EventError", "type")),
    ],
)
def test_an_event_at_fault_says_what_kind_where_and_why(event: Any, fault: tuple[str, str]) -> None:
    error = record(event)["error"]
    assert (error["kind"], error["path"]) == fault
    assert error["message"].startswith(f"{fault[1]}: ")


def test_without_a_config_the_events_own_destination_counts() -> None:
    own = Configs(None)
    for _ in range(2):
        item = Item(1, IDENTIFY, {"Config": {"domain": "own.co", "accessKey": "k"}})
        assert as_record(outcome(item, own))["requests"][0]["url"].startswith("https://own.co/")
    with pytest.raises(NoConfigError):
        outcome(Item(1, IDENTIFY), own)


@pytest.mark.parametrize("destination", [{"Config": {}}, 5, "\ud800", {"Config": {"domain": "\ud800"}}, [[]]])
def test_an_events_own_destination_at_fault_is_an_error_of_that_event(destination: Any) -> None:
    broken = outcome(Item(1, IDENTIFY, destination), Configs(None))
    assert broken.fault is not None
    assert broken.fault.kind == "ConfigError"


def test_a_destination_that_cannot_be_told_by_its_text_is_read_all_the_same() -> None:
    destination = {"Config": {"domain": "own.co", "accessKey": "k"}, "name": "\ud800"}
    assert as_record(outcome(Item(1, IDENTIFY, destination), Configs(None)))["requests"]


def test_a_given_config_goes_before_the_events_own_destination() -> None:
    item = Item(1, IDENTIFY, {"Config": {"domain": "own.co", "accessKey": "k"}})
    assert as_record(outcome(item, CONFIGS))["requests"][0]["url"].startswith(f"https://{CONFIG.domain}/")


FAULT = Fault("EventError", "traits.email", "traits.email: is needed")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (IDENTIFY, {"message": IDENTIFY}),
        ("{broken", {"message": "{broken"}),
        ({"message": IDENTIFY, "destination": {}}, {"message": IDENTIFY, "destination": {}}),
        ({"message": IDENTIFY, "number": 99, "error": "old"}, {"message": IDENTIFY}),
    ],
)
def test_an_event_at_fault_is_kept_in_a_form_that_can_be_run_again(raw: Any, expected: dict[str, Any]) -> None:
    error = {"kind": "EventError", "path": "traits.email", "message": "traits.email: is needed"}
    assert cli.as_event_at_fault(Item(3, raw=raw), FAULT) == {**expected, "number": 3, "error": error}


@pytest.mark.parametrize("value", ["\ud800", 10**30, Secret("s").upper(), 1.5, None, "é"])
def test_a_line_is_one_line_of_json_whatever_it_holds(value: Any) -> None:
    line = cli.line({"value": value})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"value": value}


def test_an_event_nested_too_deeply_to_be_written_is_left_out_of_its_line() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(cli.line({"number": 1, "message": deep})) == {"number": 1, "message": None}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (IDENTIFY, {"events": 1, "requests": 1, "skipped": 0, "errors": 0}),
        (group(), {"events": 1, "requests": 3, "skipped": 0, "errors": 0}),
        ({"type": "page"}, {"events": 1, "requests": 0, "skipped": 1, "errors": 0}),
        ({"type": "identify"}, {"events": 1, "requests": 0, "skipped": 0, "errors": 1}),
    ],
)
def test_an_outcome_counts_its_requests_or_as_skipped_or_as_an_error(event: Any, expected: dict[str, int]) -> None:
    assert counts(outcome(Item(1, event), CONFIGS)) == expected
