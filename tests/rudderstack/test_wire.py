"""Requests as rudder-server holds them, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gainsight_dest import ConfigError, DestinationConfig, EventError, RejectedError, Request, Response, transform
from gainsight_dest.batching.requests import FindCompanies
from gainsight_dest.rudderstack import as_wire, from_wire
from tests.rudderstack.rudder import NOTHING, Data, check_request, saved, told
from tests.some import ACCESS_KEY, ADA, SETTINGS, group, identify, track

GAINSIGHT = DestinationConfig.from_rudderstack(SETTINGS)


def requests() -> dict[str, Request]:
    """The five that Gainsight knows, a link, and a find of several."""
    find = transform(group(), SETTINGS)
    create, update = find.next(NOTHING), find.next(told({"records": [{"Name": "Acme"}]}))
    assert create is not None
    assert update is not None
    link = create.next(saved(create))
    assert link is not None
    contract = {**track(a=None), "context": {"externalId": {"type": "gainsightEventContractId", "id": 7}}}
    return {
        "person": transform(identify(name="Ada"), SETTINGS),
        "event": transform(track(a=1), SETTINGS),
        "event with a contract": transform(contract, SETTINGS),
        "find": find,
        "create": create,
        "update": update,
        "link": link,
        "find of several": FindCompanies(GAINSIGHT, ("Acme", "Brix")),
    }


every = pytest.mark.parametrize("name", requests())


@every
def test_a_request_comes_back_as_it_was(name: str) -> None:
    request = requests()[name]
    wire = as_wire(request)
    check_request(wire)
    again = from_wire(json.loads(json.dumps(wire)))
    assert again.as_dict() == request.as_dict()
    assert again.action == request.action
    assert as_wire(again) == wire
    assert ACCESS_KEY not in repr(again)


def test_the_query_of_an_update_is_its_params() -> None:
    wire = as_wire(requests()["update"])
    assert wire["endpoint"] == "https://acme.gainsightcloud.com/v1/data/objects/Company"
    assert wire["params"] == {"keys": "Name"}


@every
def test_a_query_may_stand_in_the_endpoint(name: str) -> None:
    request = requests()[name]
    wire = {**as_wire(request), "endpoint": request.url, "params": {}}
    assert from_wire(wire).as_dict() == request.as_dict()
    assert from_wire({**as_wire(request), "endpoint": request.url}).as_dict() == request.as_dict()


@every
def test_names_of_headers_and_the_method_may_be_in_any_case(name: str) -> None:
    wire = as_wire(requests()[name])
    wire = {
        **wire,
        "method": wire["method"].lower(),
        "headers": {name.upper(): value for name, value in wire["headers"].items()},
    }
    assert from_wire(wire).as_dict() == requests()[name].as_dict()


@every
def test_what_is_empty_may_be_left_out_or_null(name: str) -> None:
    wire = as_wire(requests()[name])
    bare = {key: wire[key] for key in ("method", "endpoint", "headers", "params", "body")}
    assert from_wire(bare).as_dict() == requests()[name].as_dict()
    nulls = {**bare, "files": None, "body": {"JSON": wire["body"]["JSON"], "XML": None, "FORM": ""}}
    assert from_wire(nulls).as_dict() == requests()[name].as_dict()


@every
def test_nothing_comes_after_a_request_out_of_the_wire(name: str) -> None:
    again = from_wire(as_wire(requests()[name]))
    assert again.next(told({"records": [{"Name": "Acme", "Gsid": "1"}]})) is None
    with pytest.raises(RejectedError):
        again.next(told(None, result=False, status=400))


def test_a_find_that_found_nothing_is_a_success() -> None:
    again = from_wire(as_wire(requests()["find"]))
    assert again.next(Response(200, b'{"result": false, "errorCode": "GSOBJ_1011"}')) is None


PERSON = as_wire(requests()["person"])
EVENT = as_wire(requests()["event"])
UPDATE = as_wire(requests()["update"])
HOST = "https://acme.gainsightcloud.com"


def without(wire: Data, header: str) -> Data:
    return {**wire, "headers": {name: value for name, value in wire["headers"].items() if name != header}}


EVENTS_FAULT: dict[str, tuple[Any, str]] = {
    "null": (None, "method"),
    "a list": ([], "the request"),
    "a number": (1, "the request"),
    "an empty object": ({}, "method"),
    "no method": ({**PERSON, "method": ""}, "method"),
    "another method": ({**PERSON, "method": "DELETE"}, "endpoint"),
    "http": ({**PERSON, "endpoint": "http://acme.gainsightcloud.com/v1.0/api/people"}, "endpoint"),
    "no URL": ({**PERSON, "endpoint": "https://[::1"}, "endpoint"),
    "a number as endpoint": ({**PERSON, "endpoint": 1}, "endpoint"),
    "another path": ({**PERSON, "endpoint": f"{HOST}/v1.0/api/people/"}, "endpoint"),
    "a query too many": ({**PERSON, "endpoint": f"{PERSON['endpoint']}?a=b"}, "endpoint"),
    "params too many": ({**PERSON, "params": {"a": "b"}}, "endpoint"),
    "an update by another key": ({**UPDATE, "params": {"keys": "Gsid"}}, "endpoint"),
    "an update by no key": ({**UPDATE, "params": {}}, "endpoint"),
    "a FORM": ({**PERSON, "body": {"FORM": {"a": "b"}}}, "body"),
    "two formats": ({**PERSON, "body": {"JSON": {"a": 1}, "XML": {"b": 1}}}, "body"),
    "a list as JSON": ({**PERSON, "body": {"JSON": [1]}}, "body.JSON"),
    "a text as body": ({**PERSON, "body": "x"}, "body"),
    "files": ({**PERSON, "files": {"a": "b"}}, "body"),
    "a list as files": ({**PERSON, "files": ["a"]}, "files"),
    "a list among headers": ({**PERSON, "headers": {"a": []}}, "headers.a"),
    "an object among params": ({**PERSON, "params": {"a": {}}}, "params.a"),
    "no event name": (without(EVENT, "eventName"), "headers.eventName"),
    "an event name with a line break": (
        {**EVENT, "headers": {**EVENT["headers"], "eventName": "a\r\nb"}},
        "headers.eventName",
    ),
    "a contract with half an emoji": (
        {**EVENT, "headers": {**EVENT["headers"], "contractId": "\ud83d"}},
        "headers.contractId",
    ),
    "a long endpoint": ({**PERSON, "endpoint": f"{PERSON['endpoint']}?{'a' * 2000}"}, "endpoint"),
    "a header of 5,000 digits": ({**PERSON, "headers": {"a": 10**5000}}, "headers.a"),
    "no event version": (without(EVENT, "eventVersion"), "headers.eventVersion"),
}


@pytest.mark.parametrize("case", EVENTS_FAULT)
def test_a_request_that_is_none_of_gainsights_is_refused(case: str) -> None:
    wire, place = EVENTS_FAULT[case]
    with pytest.raises(EventError) as caught:
        from_wire(wire)
    assert caught.value.path == place
    assert ACCESS_KEY not in str(caught.value)


CONFIGS_FAULT: dict[str, Data] = {
    "no access key": without(PERSON, "Accesskey"),
    "no shared secret": without(EVENT, "sharedSecret"),
    "no topic": without(EVENT, "topicName"),
    "no tenant": without(EVENT, "tenantId"),
    "an address for a host": {**PERSON, "endpoint": "https://10.0.0.1/v1.0/api/people"},
    "a user before the host": {**PERSON, "endpoint": "https://a@acme.gainsightcloud.com/v1.0/api/people"},
    "a port": {**PERSON, "endpoint": "https://acme.gainsightcloud.com:8080/v1.0/api/people"},
    "no host": {**PERSON, "endpoint": "https:///v1.0/api/people"},
    "a key with a line break": {**PERSON, "headers": {"Accesskey": "a\r\nb"}},
}


@pytest.mark.parametrize("case", CONFIGS_FAULT)
def test_a_request_without_its_key_or_to_no_host_of_gainsights_is_refused(case: str) -> None:
    with pytest.raises(ConfigError):
        from_wire(CONFIGS_FAULT[case])


def test_a_number_for_a_header_is_its_text() -> None:
    headers = {"Accesskey": 12345678}
    assert from_wire({**PERSON, "headers": headers}).as_dict()["headers"]["Accesskey"] == "12345678"


def test_the_wire_is_not_changed() -> None:
    before = json.dumps(PERSON)
    from_wire(PERSON)
    assert json.dumps(PERSON) == before
    assert PERSON["body"]["JSON"]["Email"] == ADA
