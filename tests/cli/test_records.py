"""Events and what is said of them, as records."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from gainsight_dest import Outcome, Request, Secret, explain
from gainsight_dest.cli.events import Configs, NoConfigError
from gainsight_dest.files import records
from gainsight_dest.files.read import Item, fault_in
from gainsight_dest.files.records import as_record
from gainsight_dest.outcome import Fault, begin
from tests.some import ACCESS_KEY, ADA, CONFIG, group, identify

CONFIGS = Configs(attrs.evolve(CONFIG, shared_secret=None))
IDENTIFY = identify() | {"messageId": "m-1"}


def first_of(item: Item, configs: Configs) -> Request | Outcome:
    return begin(0, item.given, configs.of(item))


def record(event: Any, **options: Any) -> dict[str, Any]:
    item = Item(7, event, raw=event)
    return as_record(item, first_of(item, CONFIGS), **options)


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
        assert as_record(item, first_of(item, own))["requests"][0]["url"].startswith("https://own.co/")
    with pytest.raises(NoConfigError):
        own.of(Item(1, IDENTIFY))


@pytest.mark.parametrize("destination", [{"Config": {}}, 5, "\ud800", {"Config": {"domain": "\ud800"}}, [[]]])
def test_an_events_own_destination_at_fault_is_an_error_of_that_event(destination: Any) -> None:
    broken = first_of(Item(1, IDENTIFY, destination), Configs(None))
    assert isinstance(broken, Outcome)
    assert fault_in(broken).kind == "ConfigError"  # type: ignore[union-attr] # there is one


def test_an_event_that_is_switched_off_is_skipped_even_if_its_own_destination_is_at_fault() -> None:
    item = Item(1, {**IDENTIFY, "integrations": {"All": False}}, {"Config": {}})
    configs = Configs(None)
    assert as_record(item, first_of(item, configs))["skipped"] == "switched off by the event's integrations"
    trace = explain(item.event, configs.of(item))
    assert (trace.skipped, trace.type) == ("switched off by the event's integrations", "identify")


def test_the_events_of_one_destination_share_its_config() -> None:
    own, other = {"Config": {"domain": "own.co"}}, {"Config": {"domain": "other.co"}}
    configs = Configs(None)
    first, again, another = (configs.of(Item(1, IDENTIFY, destination)) for destination in (own, {**own}, other))
    assert first is again
    assert (first.domain, another.domain) == ("own.co", "other.co")


def test_a_destination_that_cannot_be_told_by_its_text_is_read_all_the_same() -> None:
    destination = {"Config": {"domain": "own.co", "accessKey": "k"}, "name": "\ud800"}
    item = Item(1, IDENTIFY, destination)
    assert as_record(item, first_of(item, Configs(None)))["requests"]


def test_a_given_config_goes_before_the_events_own_destination() -> None:
    item = Item(1, IDENTIFY, {"Config": {"domain": "own.co", "accessKey": "k"}})
    assert as_record(item, first_of(item, CONFIGS))["requests"][0]["url"].startswith(f"https://{CONFIG.domain}/")


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
    assert records.dead_letter(Item(3, raw=raw), FAULT) == {**expected, "number": 3, "error": error}


@pytest.mark.parametrize("value", ["\ud800", 10**30, Secret("s").upper(), 1.5, None, "é"])
def test_a_line_is_one_line_of_json_whatever_it_holds(value: Any) -> None:
    line = records.line({"value": value})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"value": value}


def test_an_event_nested_too_deeply_to_be_written_is_left_out_of_its_line() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(records.line({"number": 1, "message": deep})) == {"number": 1, "message": None}
