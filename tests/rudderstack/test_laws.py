"""The laws of the router, the processor and the proxy, on whole requests of every kind."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, Request, Response
from gainsight_dest.rudderstack import as_wire, from_wire, processor, proxy, router
from gainsight_dest.sandbox import Sandbox
from tests.rudderstack import rudder
from tests.rudderstack.bodies import Whim, any_destinations, bodies, keyed_bodies, keyed_destinations, whims
from tests.some import ACCESS_KEY, ADA, CONFIG, FREE, SECRETS, SETTINGS, SHARED_SECRET, group, identify, track
from tests.strategies import events, good_events, responses, whole_configs
from tests.strategies import json_values as any_json

OWN_FAULT = "a fault of gainsight_dest's own"


def metadata_of(given: Any) -> list[Any]:
    """The metadata that must come back of an item: its own, if there is any."""
    value = given.get("metadata") if type(given) is dict else None
    return [value] if type(value) is dict else []


def count(metadata: Any) -> Counter[str]:
    return Counter(json.dumps(each, sort_keys=True) for each in metadata)


def spelled(value: Any) -> str:
    """Text that tells NaN as itself."""
    return json.dumps(value, sort_keys=True)


# --- laws -------------------------------------------------------------------------------------------------------------


@given(bodies, whims, st.booleans())
def test_whatever_the_router_is_sent_each_metadata_comes_back_once(
    given: rudder.Data, whim: Any, together: bool
) -> None:
    before = spelled(given)
    output = router(given, Whim(*whim), batch=together)["output"]
    assert spelled(given) == before
    assert spelled(router(copy.deepcopy(given), Whim(*whim), batch=together)["output"]) == spelled(output)
    if not given["input"]:
        return
    for each in output:
        rudder.check_routed(each)
        assert OWN_FAULT not in each.get("error", "")
    expected = [metadata_of(each) for each in given["input"]]
    assert count(each for one in output for each in one["metadata"]) == count(each for one in expected for each in one)
    if not together:
        assert [one["metadata"] for one in output] == expected


@given(bodies, whims)
def test_whatever_the_processor_is_sent_each_item_is_answered_in_its_place(given: rudder.Data, whim: Any) -> None:
    before = spelled(given)
    output = processor(given, Whim(*whim))
    assert spelled(given) == before
    assert spelled(processor(copy.deepcopy(given), Whim(*whim))) == spelled(output)
    assert [[one["metadata"]] if "metadata" in one else [] for one in output] == [*map(metadata_of, given["input"])]
    for each in output:
        rudder.check_processed(each)
        assert OWN_FAULT not in each.get("error", "")


@given(any_json, whims)
def test_nothing_raises_whatever_the_body(given: Any, whim: Any) -> None:
    send = Whim(*whim)
    json.dumps(router(given, send))
    json.dumps(processor(given, send))
    for version in ("v0", "v1"):
        rudder.check_proxied(proxy(version, given, send), version)


@given(keyed_bodies, whims)
def test_no_error_and_no_tag_holds_a_secret(given: rudder.Data, whim: Any) -> None:
    told = [*processor(given, Whim(*whim)), *router(given, Whim(*whim))["output"]]
    for each in told:
        shown = json.dumps([each.get("error"), each.get("statTags")])
        assert not any(secret in shown for secret in SECRETS)


@given(events, st.one_of(keyed_destinations, any_destinations), whims)
def test_the_router_makes_of_one_event_what_the_processor_does(event: Any, to: Any, whim: Any) -> None:
    if type(event) is dict and event.get("statusCode"):
        return
    given = rudder.item(event, to=to)
    [one] = router({"input": [given]}, Whim(*whim))["output"]
    [other] = processor([given], Whim(*whim))
    if "error" in other:
        assert (one["error"], one["statusCode"]) == (other["error"], other["statusCode"])
        assert {**one["statTags"], "feature": "processor"} == other["statTags"]
    else:
        assert spelled({**one["batchedRequest"], "userId": ""}) == spelled(other["output"])


people = st.sampled_from([ADA, "bob@example.com"])
traits = st.dictionaries(
    st.sampled_from(["firstName", "lastName", "name", "location", "comments"]), st.sampled_from(["a", "b", ""])
)
sendable = st.one_of(
    st.builds(lambda email, traits: identify(email, **traits), people, traits),
    st.builds(
        lambda name, industry, email: group(name, email, industry=industry),
        st.sampled_from(["Acme", "Brix"]),
        st.sampled_from(["a", "b"]),
        people,
    ),
    st.builds(lambda n: track(n=n), st.integers(0, 9)),
)


def tenant() -> Sandbox:
    return Sandbox(CONFIG, **FREE)


def delivered(given: list[Any], *, together: bool, at_once: bool) -> tuple[Any, int]:
    """What the tenant holds once rudder-server has delivered the items, and how many calls that took."""
    sandbox = tenant()
    for part in [given] if at_once else [[each] for each in given]:
        for one in router(rudder.body(*part), sandbox.handle, batch=together)["output"]:
            assert one["statusCode"] == 200
            sent = rudder.call(one["batchedRequest"])
            answer = sandbox.receive(sent["method"], sent["url"], sent["headers"], sent["body"])
            assert answer.response is not None
            assert answer.response.status == 200
    return sandbox.content, sum(sandbox.counts.values())


@given(st.lists(sendable, max_size=8))
def test_merged_items_leave_the_tenant_as_single_ones_do(given: list[Any]) -> None:
    if not given:
        return
    content, calls = delivered(given, together=True, at_once=True)
    apart, more = delivered(given, together=False, at_once=True)
    alone, most = delivered(given, together=False, at_once=False)
    assert content == apart
    assert calls <= more <= most
    assert content == alone


# --- the wire and the proxy -------------------------------------------------------------------------------------------


@given(good_events, whole_configs)
def test_a_request_comes_back_from_the_wire_as_it_was(event: Any, config: DestinationConfig) -> None:
    seen: list[Request] = []

    def send(request: Request) -> Response:
        seen.append(request)
        return rudder.companies(request)

    to = rudder.destination(
        {
            **SETTINGS,
            "tenantId": config.tenant_id,
            "contractId": "c",
            "personMap": dict(config.person_map),
            "companyMap": dict(config.company_map),
            "eventNameMap": dict(config.event_name_map),
            "eventVersionMap": dict(config.event_version_map),
        }
    )
    [routed] = router({"input": [rudder.item(event, to=to)]}, send)["output"]
    for wire in [routed["batchedRequest"], *map(as_wire, seen)]:
        before = copy.deepcopy(wire)
        again = from_wire(json.loads(json.dumps(wire)))
        assert again.as_dict() == {**rudder.call(wire), "url": again.url}
        assert as_wire(again) == wire == before
    for request in seen:
        assert from_wire(as_wire(request)).as_dict() == request.as_dict()


_wires = st.builds(
    lambda message, changes, metadata: {
        **router(rudder.body(message), rudder.companies)["output"][0]["batchedRequest"],
        **changes,
        "metadata": metadata,
    },
    st.sampled_from([identify(), track(a=1), identify("b@c.de", name="x")]),
    st.dictionaries(
        st.sampled_from(["version", "method", "endpoint", "headers", "params", "body", "files", "x"]),
        any_json,
        max_size=1,
    ),
    st.one_of(st.just({"jobId": 1}), st.lists(st.just({"jobId": 1}), max_size=3), any_json),
)


@given(_wires, whims)
def test_whatever_the_proxy_is_sent_it_tells(wire: rudder.Data, whim: Any) -> None:
    before = spelled(wire)
    for version in ("v0", "v1"):
        told = proxy(version, wire, Whim(*whim))
        rudder.check_proxied(told, version)
        assert spelled(proxy(version, copy.deepcopy(wire), Whim(*whim))) == spelled(told)
        assert OWN_FAULT not in told["output"]["message"]
    assert spelled(wire) == before


@given(st.sampled_from([identify(), {"type": "track", "event": "Ticket Closure"}]), responses)
def test_the_proxy_tells_no_secret_that_an_answer_holds(message: Any, response: Response) -> None:
    wire = router(rudder.body(message), rudder.companies)["output"][0]["batchedRequest"]
    sent = {ACCESS_KEY, SHARED_SECRET} & set(wire["headers"].values())
    shown = json.dumps([proxy(version, wire, lambda _: response) for version in ("v0", "v1")])
    assert not any(secret in shown for secret in sent)
