"""The app: routes, bodies, errors, counts. What it answers of events is tested where the pure functions are."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import falcon
import httpx
import pytest

from gainsight_dest import DestinationConfig, FindCompany, Request, Response, RetryableError
from gainsight_dest.rudderstack import app as app_module
from gainsight_dest.rudderstack import clip, create_app, features
from gainsight_dest.rudderstack.delivery import http_status
from gainsight_dest.rudderstack.metrics import Metrics
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.known.memory import MemoryStore
from tests.rudderstack.rudder import (
    body,
    check_processed,
    check_proxied,
    check_routed,
    destination,
    http_scope,
    item,
    items,
    never,
)
from tests.some import ADA, FREE, group, identify, track

PROCESSOR, ROUTER = "/v0/destinations/gainsight", "/routerTransform"
PROXIES = {version: f"/{version}/destinations/gainsight/proxy" for version in ("v0", "v1")}
POSTED = [PROCESSOR, ROUTER, *PROXIES.values()]
PAGES = ["/features", "/health", "/metrics"]
JSON = {"Content-Type": "application/json"}
LONG = 100


def ask(app: Any, method: str, path: str, **how: Any) -> httpx.Response:
    """The answer to a request. None is without the header that rudder-server's router panics without."""

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://transformer") as client:
            return await client.request(method, path, **how)

    answer = asyncio.run(asked())
    assert answer.headers.get_list("apiVersion") == ["2"]
    return answer


def post(app: Any, path: str, content: Any, **headers: str) -> httpx.Response:
    if isinstance(content, (dict, list)):
        content = json.dumps(content).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(app, "POST", path, content=content, headers={**JSON, **given})


def refused(answer: httpx.Response, status: int) -> str:
    """What the error says, which is JSON, with the status in it, too."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    assert set(told) == {"status", "error"}
    assert told["status"] == status
    assert isinstance(told["error"], str)
    return str(told["error"])


def raw(app: Any, path: str, headers: Mapping[str, str], *events: Mapping[str, Any]) -> httpx.Response:
    """The answer to a body that comes in these events, and then no more."""
    sent: list[Any] = []
    coming = iter(events)

    async def receive() -> Any:
        event = next(coming, None)
        if event is None:
            await asyncio.Event().wait()
        return event

    async def send(event: Any) -> None:
        sent.append(event)

    asyncio.run(app(http_scope(path, {**JSON, **headers}), receive, send))
    head, *rest = sent
    pairs = [(name.decode(), value.decode()) for name, value in head["headers"]]
    answer = httpx.Response(head["status"], headers=pairs, content=b"".join(each["body"] for each in rest))
    assert answer.headers.get_list("apiVersion") == ["2"]
    return answer


def piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


async def chunks(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def counted(app: Any, name: str, **labels: str) -> float:
    """A count of the metrics page; 0 if it is not there."""
    for line in ask(app, "GET", "/metrics").text.splitlines():
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and dict(re.findall(r'(\w+)="([^"]*)"', found[1] or "")) == labels:
            return float(found[2])
    return 0


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def app(sandbox: Sandbox) -> Any:
    return create_app(sandbox.handle)


def proxied(app: Any, message: Any, version: str, **more: Any) -> httpx.Response:
    """The answer of the proxy to the request of a message."""
    request = post(app, ROUTER, body(message)).json()["output"][0]["batchedRequest"]
    metadata: Any = {"jobId": 1, "destinationId": "d-1", "workspaceId": "w-1"}
    metadata = [metadata] if version == "v1" else metadata
    return post(app, PROXIES[version], {**request, "metadata": metadata, "destinationConfig": {}, **more})


# --- routes -----------------------------------------------------------------------------------------------------------


def test_it_tells_its_features_and_that_it_is_up(app: Any) -> None:
    assert ask(app, "GET", "/features").json() == features()
    assert ask(app, "GET", "/health").json() == {"service": "UP"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_be_asked_for_by_head(app: Any, path: str) -> None:
    answer = ask(app, "HEAD", path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_processor_answers_each_item_in_order(app: Any, sandbox: Sandbox) -> None:
    answer = post(app, PROCESSOR, items(identify(), group(), track(), {"type": "page"}))
    assert answer.status_code == 200
    told = answer.json()
    for each in told:
        check_processed(each)
    assert [each["statusCode"] for each in told] == [200, 200, 200, 400]
    assert [each["metadata"]["jobId"] for each in told] == [1, 2, 3, 4]
    assert [company["Name"] for company in sandbox.companies] == ["Acme"]


def test_the_router_answers_each_job_once(app: Any) -> None:
    answer = post(app, ROUTER, body(identify(), group(), track(), {"type": "page"}))
    assert answer.status_code == 200
    output = answer.json()["output"]
    for each in output:
        check_routed(each)
    assert sorted(one["jobId"] for each in output for one in each["metadata"]) == [1, 2, 3, 4]


def test_a_body_may_be_compacted(app: Any) -> None:
    one = item(identify())
    del one["destination"]
    compacted = {"input": [one], "destType": "gainsight", "destinations": {"d-1": destination()}, "connections": {}}
    answer = post(app, ROUTER, compacted, X_Content_Format="json+compactedv1")
    plain = post(app, ROUTER, body(identify()))
    assert answer.json() == plain.json()


@pytest.mark.parametrize("batch", [True, False])
def test_the_items_of_a_person_are_merged_unless_it_is_told_not_to(sandbox: Sandbox, batch: bool) -> None:
    app = create_app(sandbox.handle, batch=batch)
    output = post(app, ROUTER, body(identify(firstName="Ada"), identify(lastName="L"))).json()["output"]
    assert [len(each["metadata"]) for each in output] == ([2] if batch else [1, 1])


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_the_proxy_delivers(app: Any, sandbox: Sandbox, version: str) -> None:
    answer = proxied(app, identify(), version)
    assert answer.status_code == 200
    check_proxied(answer.json(), version)
    assert [person["Email"] for person in sandbox.people] == [ADA]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize(
    ("kind", "status"), [("429", 429), ("503", 503), ("401", 401), ("dropped-before", 500), ("result-false", 400)]
)
def test_a_proxys_answer_tells_the_status_of_the_delivery(version: str, kind: str, status: int) -> None:
    app = create_app(Sandbox(faults=[PlannedFault(kind)]).handle)
    answer = proxied(app, identify(), version)
    assert answer.json()["output"]["status"] == status
    assert answer.status_code == http_status(version, answer.json())
    check_proxied(answer.json(), version)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_the_proxy_calls_no_host_but_gainsights(version: str) -> None:
    answer = proxied(create_app(never), identify(), version, endpoint="https://evil.example/v1.0/other")
    assert answer.json()["output"]["status"] == 400
    check_proxied(answer.json(), version)


def test_two_apps_in_a_process_do_not_share_their_counts() -> None:
    one, other = create_app(never), create_app(never)
    ask(one, "GET", "/health")
    labels = {"route": "/health", "status": "200"}
    assert counted(one, "gainsight_dest_requests_total", **labels) == 1
    assert counted(other, "gainsight_dest_requests_total", **labels) == 0


def test_without_a_send_it_makes_a_sender(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr(app_module, "sender", lambda: sandbox.handle)
    post(create_app(), PROCESSOR, items(group()))
    assert [company["Name"] for company in sandbox.companies] == ["Acme"]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nowhere", "/v0/destinations/other", "/v2/destinations/gainsight/proxy"])
def test_another_path_is_not_found(app: Any, path: str) -> None:
    refused(ask(app, "GET", path), 404)
    refused(post(app, path, {}), 404)


@pytest.mark.parametrize("path", POSTED)
def test_what_is_posted_is_not_read(app: Any, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = ask(app, method, path)
        refused(answer, 405)
        assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", PAGES)
def test_what_is_read_is_not_posted(app: Any, path: str) -> None:
    refused(post(app, path, {}), 405)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/jsonx"])
def test_another_content_type_is_refused(app: Any, content_type: str) -> None:
    refused(post(app, ROUTER, {}, Content_Type=content_type), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"])
def test_a_content_type_may_have_parameters(app: Any, content_type: str) -> None:
    assert post(app, ROUTER, body(identify()), Content_Type=content_type).status_code == 200


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_another_packing_is_refused(app: Any, encoding: str) -> None:
    refused(post(app, ROUTER, {}, Content_Encoding=encoding), 415)


@pytest.mark.again
@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        rb"[\"1]",
        rb"[\[]",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"nul",
        b"\xff",
        b'"\xff"',
        b"[1,]",
        b"{'a': 1}",
        b"\0",
    ],
)
def test_what_is_no_json_is_refused(app: Any, path: str, text: bytes) -> None:
    assert "not JSON" in refused(post(app, path, text), 400)


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("depth", [500, pytest.param(100_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_what_is_nested_deep_is_no_fault_of_our_own(app: Any, path: str, depth: int, brackets: str) -> None:
    opening = '{"a":' if brackets == "{}" else "["
    deep = opening * depth + "1" + brackets[1] * depth
    one = json.dumps(item(identify(comments="HERE"))).replace('"HERE"', deep)
    texts = [
        deep,
        f"[{one}]",
        f'{{"input": [{one}]}}',
        one.replace('"w-1"', deep),
        f'{{"input": [{{"metadata": {deep}}}]}}',
    ]
    for text in texts:
        assert post(app, path, text.encode()).status_code in {200, 400}, text[:200]


@pytest.mark.again
@pytest.mark.parametrize("text", ["null", "1", "[]", "{}", '"x"', "[null]", '{"input": []}', '{"input": 5}', "[[]]"])
@pytest.mark.parametrize("path", POSTED)
def test_json_of_another_shape_is_told_of_and_nothing_breaks(app: Any, path: str, text: str) -> None:
    answer = post(app, path, text.encode())
    assert answer.status_code == (400 if path == PROXIES["v0"] else 200)
    assert path not in PROXIES.values() or answer.json()["output"]["status"] == 400
    assert "fault of gainsight_dest" not in answer.text


def nest(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


#: Values that one decoder or another does not take, and what becomes of an item that has one as a name.
ODD_VALUES = {
    "half an emoji": ('"\\ud83d"', 200),
    "30 digits": ("1" * 30, 200),
    "5,000 digits": ("1" * 5000, 400),
    "a number too large": ("1e400", 400),
    "190 levels": (nest(190), 200),
    "900 levels": (nest(900), 400),
    "1,500 levels": (nest(1500), 400),
    "100,000 levels": (nest(100_000), 400),
    "1,500 lists": ("[" * 1500 + "]" * 1500, 400),
}


@pytest.mark.again
@pytest.mark.parametrize("path", [PROCESSOR, ROUTER])
@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize(("odd", "status"), ODD_VALUES.values(), ids=ODD_VALUES)
def test_what_a_decoder_does_not_take_of_an_item_costs_no_other(
    app: Any, path: str, odd: str, status: int, compacted: bool
) -> None:
    given: Any = body(identify("a@example.com", firstName="HERE"), identify())
    if compacted:
        for each in given["input"]:
            del each["destination"]
        given["destinations"] = {"d-1": destination()}
    elif path == PROCESSOR:
        given = given["input"]
    answer = post(app, path, json.dumps(given).replace('"HERE"', odd).encode())
    assert answer.status_code == 200, answer.text[:1000]
    told = answer.json()
    told = told if path == PROCESSOR else told["output"]
    assert {job(each): each["statusCode"] for each in told} == {1: status, 2: 200}


@pytest.mark.again
@pytest.mark.parametrize("path", PROXIES.values())
@pytest.mark.parametrize(
    "odd",
    [odd for odd, status in ODD_VALUES.values() if status == 400],
    ids=[name for name, (_, status) in ODD_VALUES.items() if status == 400],
)
def test_what_a_decoder_does_not_take_is_never_delivered_in_part(path: str, odd: str) -> None:
    app = create_app(never)
    request = post(app, ROUTER, body(identify(firstName="HERE"))).json()["output"][0]["batchedRequest"]
    text = json.dumps({**request, "metadata": []}).replace('"HERE"', odd)
    assert post(app, path, text.encode()).json()["output"]["status"] == 400


@pytest.mark.again
@pytest.mark.parametrize("where", ["message", "metadata", "destination"])
@pytest.mark.parametrize("level", range(930, 1000, 3))
def test_what_is_nested_nearly_too_deep_costs_no_other_either(app: Any, where: str, level: int) -> None:
    given = body(identify("a@example.com"), identify())
    given["input"][0] = {**given["input"][0], where: {**given["input"][0][where], "more": "HERE"}}
    answer = post(app, ROUTER, json.dumps(given).replace('"HERE"', nest(level)).encode())
    assert answer.status_code == 200, answer.text[:1000]
    told = {job(each): each["statusCode"] for each in clip.read(answer.content)["output"]}
    assert told[2] == 200
    assert len(told) == 2


def job(told: Any) -> int:
    """Whose answer it is."""
    metadata = told["metadata"]
    return int((metadata[0] if isinstance(metadata, list) else metadata)["jobId"])


@pytest.mark.parametrize("path", [PROCESSOR, ROUTER])
@pytest.mark.parametrize("where", ["metadata", "destination"])
@pytest.mark.parametrize("bad", [b'"\xff"', b'"\xc3"', b'"\n"', b'"\\x"', b"NaN", b"01", b"1.", b"tru", b"[1,]"])
def test_what_only_goes_back_must_be_json_too(app: Any, path: str, where: str, bad: bytes) -> None:
    one = item(identify())
    one[where]["more"] = "HERE"
    given: Any = [one] if path == PROCESSOR else {"input": [one]}
    refused(post(app, path, json.dumps(given).encode().replace(b'"HERE"', bad)), 400)


@pytest.mark.parametrize("path", [PROCESSOR, ROUTER])
@pytest.mark.parametrize("value", ['é\u2028\0 "\\', 2**70, -1.5e300, [], {}, None, {"a": [{"b": [1, None]}]}, True])
def test_metadata_goes_back_as_it_came(app: Any, path: str, value: Any) -> None:
    one = item(identify())
    one["metadata"]["more"] = value
    given: Any = [one] if path == PROCESSOR else {"input": [one]}
    answer = post(app, path, given).json()
    told = answer[0]["metadata"] if path == PROCESSOR else answer["output"][0]["metadata"][0]
    assert told == one["metadata"]


def test_of_an_unforeseen_error_only_its_name_is_told(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(given: Any, *_: object, **__: object) -> Any:
        raise KeyError(str(given))

    monkeypatch.setattr(app_module, "routed", broken)
    answer = post(app, ROUTER, body(identify()))
    assert "KeyError" in refused(answer, 500)
    assert ADA not in answer.text
    assert ADA not in caplog.text
    assert "KeyError" in caplog.text
    assert counted(app, "gainsight_dest_requests_total", route=ROUTER, status="500") == 1


# --- the length of bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_may_be_as_long_as_the_limit_and_no_longer(packed: bool, chunked: bool) -> None:
    app = create_app(never, most_bytes=LONG)
    for length, status in ((LONG, 200), (LONG + 1, 413)):
        text = b'{"input": []}'.ljust(length)
        sent = gzip.compress(text) if packed else text
        headers = {"Content_Encoding": "gzip"} if packed else {}
        answer = post(app, ROUTER, chunks(sent) if chunked else sent, **headers)
        assert answer.status_code == status
        if status == 413:
            assert refused(answer, 413) == "the body is longer than 100 bytes"


def test_a_body_that_is_too_long_is_refused_before_it_has_come() -> None:
    app = create_app(never, most_bytes=LONG)
    for length in (str(LONG + 1), "9" * 30):
        answer = raw(app, ROUTER, {"Content-Length": length})
        refused(answer, 413)
        assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "", "1 2", "0x10"])
def test_a_length_that_is_no_number_is_refused(app: Any, length: str) -> None:
    assert "Content-Length" in refused(raw(app, ROUTER, {"Content-Length": length}), 400)


def test_a_body_that_breaks_off_is_refused(app: Any) -> None:
    refused(raw(app, ROUTER, {"Content-Length": "100"}, piece(b"{"), {"type": "http.disconnect"}), 400)


def test_a_body_shorter_than_its_length_is_refused(app: Any) -> None:
    text = json.dumps(body(identify())).encode()
    answer = raw(app, ROUTER, {"Content-Length": str(len(text) + 1)}, piece(text, more=False))
    assert refused(answer, 400) == "the body broke off"


@pytest.mark.parametrize("pieces", [[], [piece(b"{")]])
@pytest.mark.parametrize("headers", [{"Content-Length": "100"}, {"Transfer-Encoding": "chunked"}])
def test_a_body_that_does_not_come_is_not_waited_for_without_end(
    app: Any, headers: dict[str, str], pieces: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "PATIENCE", 0.01)
    answer = raw(app, ROUTER, headers, *pieces)
    assert refused(answer, 408) == "the body took too long"
    assert answer.headers["Connection"] == "close"


def test_bodies_have_room_together_and_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "_BODIES", 1)
    app = create_app(never, most_bytes=LONG)
    whole = b'{"input": []}'.ljust(LONG)
    packed = gzip.compress(whole)
    for _ in range(3):
        assert post(app, ROUTER, whole).status_code == 200
        refused(post(app, ROUTER, chunks(whole + b" ")), 413)
        refused(raw(app, ROUTER, {"Content-Length": "100"}, piece(b"{"), {"type": "http.disconnect"}), 400)
        refused(post(app, ROUTER, b"{".ljust(LONG)), 400)
        answer = post(app, ROUTER, packed, Content_Encoding="gzip")  # the packed one is there, too
        assert refused(answer, 503) == "too many long bodies at once"
        assert answer.headers["Connection"] == "close"


def test_a_body_may_come_in_chunks(app: Any) -> None:
    text = json.dumps(body(identify())).encode()
    assert post(app, ROUTER, chunks(text)).json() == post(app, ROUTER, text).json()


# --- packing ----------------------------------------------------------------------------------------------------------


#: Packed at no time, so that the name of a test does not hold the hour.
PACKED = gzip.compress(b"{}", mtime=0)


def test_a_body_may_be_packed(app: Any) -> None:
    text = json.dumps(body(identify(), group())).encode()
    answer = post(app, ROUTER, gzip.compress(text), Content_Encoding="GZip")
    assert answer.json() == post(app, ROUTER, text).json()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"\x1f\x8b",
        PACKED[:-1],
        PACKED[:-8] + b"\0" * 8,
        PACKED + b"x",
        PACKED + PACKED,
        gzip.compress(b"", mtime=0)[:12],
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(app: Any, broken: bytes) -> None:
    assert "gzip" in refused(post(app, ROUTER, broken, Content_Encoding="gzip"), 400)


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    app = create_app(never, most_bytes=2**16)
    bomb = gzip.compress(b" " * 2**24)
    assert len(bomb) < 2**16
    refused(post(app, ROUTER, bomb, Content_Encoding="gzip"), 413)


def packing(app: Any, content: Any, accepted: str) -> tuple[str | None, Any]:
    answer = post(app, ROUTER, content, Accept_Encoding=accepted)
    assert "Accept-Encoding" in answer.headers["Vary"]
    return answer.headers.get("Content-Encoding"), answer.json()


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", "gzip"),
        ("br, GZIP;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("identity", None),
        ("", None),
        ("gzipped", None),
    ],
)
def test_a_long_answer_is_packed_where_that_is_accepted(app: Any, accepted: str, packed: str | None) -> None:
    given = body(*(identify(f"p{n}@example.com") for n in range(20)))
    encoding, answer = packing(app, given, accepted)
    assert encoding == packed
    assert answer == packing(app, given, "identity")[1]


def test_a_short_answer_is_not_packed(app: Any) -> None:
    assert packing(app, {"input": []}, "gzip")[0] is None


# --- what is counted and logged ---------------------------------------------------------------------------------------


def test_it_counts_requests_items_and_calls(app: Any) -> None:
    post(app, ROUTER, body(identify(), group(), track(), {"type": "page"}))
    post(app, PROCESSOR, items({}, {}))
    requests, made = "gainsight_dest_requests_total", "gainsight_dest_calls_total"
    assert counted(app, requests, route=ROUTER, status="200") == 1
    assert counted(app, "gainsight_dest_items_total", route=PROCESSOR, status="400") == 2
    assert counted(app, "gainsight_dest_items_total", route=ROUTER, status="400") == 1
    assert counted(app, made, action="find company", status="200") == 1
    assert counted(app, made, action="create company", status="200") == 1
    assert counted(app, "gainsight_dest_request_seconds_count", route=ROUTER) == 1


def test_a_call_without_an_answer_is_counted() -> None:
    def send(request: Request) -> Response:
        raise TimeoutError(request.action)

    app = create_app(send)
    post(app, PROCESSOR, items(group()))
    assert counted(app, "gainsight_dest_calls_total", action="find company", status="none") == 1


def test_a_path_that_is_no_route_is_neither_counted_by_name_nor_logged(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gainsight_dest")
    ask(app, "GET", "/path-of-ada?email=query-of-ada")
    ask(app, "BREW", "/health?email=query-of-ada")
    post(app, f"{ROUTER}?email=query-of-ada", body(identify(firstName="name-of-ada")))
    logged = " ".join(record.getMessage() for record in caplog.records)
    for text in (logged, ask(app, "GET", "/metrics").text):
        assert "of-ada" not in text
        assert ADA not in text
    assert "GET (none) 404" in logged
    assert f"POST {ROUTER} 200" in logged
    assert "BREW" not in logged
    assert counted(app, "gainsight_dest_requests_total", route="(none)", status="404") == 1


def test_its_own_sender_has_a_connection_for_each_request_under_way() -> None:
    send = app_module.sender("http://127.0.0.1:1")
    with pytest.raises(RetryableError, match="the connection failed"):
        send(FindCompany(DestinationConfig(domain="acme.co", access_key="key"), {"Name": "Acme"}, ADA))


def test_what_is_nested_too_deep_to_come_back_is_refused() -> None:
    nest: Any = 1
    for _ in range(100_000):
        nest = [nest]
    with pytest.raises(falcon.HTTPBadRequest):
        app_module.encoded({"metadata": nest})


def test_where_workers_share_their_counts_the_page_is_made_of_those(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert Metrics().page() == b""


def test_only_what_needs_a_call_or_may_take_long_is_handed_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made_in: list[str] = []

    def send(request: Request) -> Response:
        made_in.append(threading.current_thread().name)
        return Sandbox().handle(request)

    started: list[str] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    app = create_app(send)

    def threads(given: Any, **headers: str) -> int:
        del started[:]
        assert post(app, ROUTER, given, **headers).status_code == 200
        return started.count("transform")

    text = json.dumps(body(identify())).encode()
    assert threads(body(identify(), track())) == 0
    assert threads(body(identify(), group())) == 1
    assert threads(gzip.compress(text), Content_Encoding="gzip") == 2  # one unpacks
    assert threads(text.ljust(app_module._SHORT)) == 0
    assert threads(text.ljust(app_module._SHORT + 1)) == 1
    few = body(*(identify(f"p{n}@example.com") for n in range(app_module._FEW)))
    assert threads(few) == 0
    assert threads({"input": [*few["input"], item(identify())]}) == 1
    compacted = {"input": [{"message": {}, "metadata": {}}] * app_module._FEW, "destinations": {"d-1": {}}}
    assert threads(compacted) == 0
    assert threads({**compacted, "destinations": {"d-1": {"x": "y" * 2**15}}}) == 1
    assert threads(text.replace(ADA.encode(), b"\\ud83d")) == 1  # the slow decoder
    assert set(made_in) == {"transform"}


# --- limits of calls --------------------------------------------------------------------------------------------------


def test_a_call_over_the_limit_is_not_made_and_answered_as_throttled() -> None:
    sandbox, store = Sandbox(**FREE), Counting()
    one, other = (create_app(sandbox.handle, store=store, calls_per_minute=4, calls_per_day=100) for _ in range(2))
    statuses = [
        post(app, ROUTER, body(group(f"Company {number}"))).json()["output"][0]["statusCode"]
        for number, app in enumerate((one, other, one))
    ]
    assert statuses == [200, 200, 429], "find and create, twice"
    answer = proxied(other, identify(), "v1")
    assert answer.json()["output"]["status"] == 429
    assert sum(sandbox.counts.values()) == 4
    assert store.limits == {(4, 100)}
    assert not store.leases


def test_a_limit_needs_a_store() -> None:
    with pytest.raises(ValueError, match="needs a store"):
        create_app(never, calls_per_day=5)


class Counting(MemoryStore):
    """It lets so many calls through as a minute may have, in a minute without end."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: set[tuple[int | None, int | None]] = set()

    def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
        self.limits.add((per_minute, per_day))
        if self.spent >= (per_minute or 0):
            return 30.0
        return super().spend(tenant, per_minute, per_day)
