"""Hostile bodies and clients at a service that runs: no fault of its own, no crash, no hang.

HYPOTHESIS_PROFILE=thorough sends 100,000 of them.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.process import started
from tests.strategies import events, finite_values, keyed_raw_configs

pytestmark = pytest.mark.process

LONGEST = 20  # seconds; an answer that takes longer hangs
ROUTES = (
    "/routerTransform",
    "/v0/destinations/gainsight",
    "/v0/destinations/gainsight/proxy",
    "/v1/destinations/gainsight/proxy",
    "/features",
    "/nothing/here",
)

metadata = st.one_of(
    st.fixed_dictionaries({"jobId": st.integers(0, 9)}, optional={"destinationId": st.sampled_from(["d", "e"])}),
    finite_values,
)
#: Their domain is no host, or one that cannot be reached: a group's calls end at once.
destinations = st.one_of(st.fixed_dictionaries({"id": st.just("d"), "Config": keyed_raw_configs}), finite_values)
items = st.one_of(
    st.fixed_dictionaries({}, optional={"message": events, "metadata": metadata, "destination": destinations}),
    finite_values,
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "version": finite_values,
        "method": st.one_of(st.sampled_from(["PUT", "POST"]), finite_values),
        "endpoint": st.one_of(st.just("https://acme.gainsightcloud.com/v1.0/api/people"), finite_values),
        "headers": st.one_of(st.dictionaries(st.sampled_from(["Accesskey", "x"]), finite_values), finite_values),
        "body": st.one_of(st.fixed_dictionaries({"JSON": finite_values}), finite_values),
        "metadata": st.one_of(metadata, st.lists(metadata, max_size=2)),
        "statusCode": finite_values,
    },
)
bodies = st.one_of(
    st.lists(items, max_size=4),
    st.fixed_dictionaries(
        {"input": st.one_of(st.lists(items, max_size=4), finite_values)},
        optional={
            "destType": finite_values,
            "destinations": st.dictionaries(st.sampled_from(["d", "e"]), destinations),
        },
    ),
    requests,
    st.lists(st.fixed_dictionaries({"message": requests}), max_size=2).map(lambda jobs: {"input": jobs}),
    finite_values,
)


def _as_text(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """JSON in which a piece is cut out, or replaced by any bytes."""
    text = draw(bodies.map(_as_text))
    start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 8))
    return text[:start] + draw(st.binary(max_size=8)) + text[start + length :]


deep = st.integers(1, 30_000).flatmap(
    lambda depth: st.sampled_from(
        [b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth]
    ).flatmap(lambda nest: st.sampled_from([nest, b'{"input":[{"message":%b,"metadata":%b}]}' % (nest, nest)]))
)
texts = st.one_of(bodies.map(_as_text), bodies.map(_as_text), damaged(), st.binary(max_size=64), deep)
packed = texts.flatmap(lambda text: st.sampled_from([gzip.compress(text, 1), gzip.compress(text, 1)[:-3], text]))
headers = st.fixed_dictionaries(
    {"Content-Type": st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain"])},
    optional={
        "Accept-Encoding": st.sampled_from(["gzip", "gzip;q=0", "br", ""]),
        "X-Content-Format": st.text("ab+", max_size=3),
    },
)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    # Nothing listens at port 1: a call that a group makes ends at once, and counts as no answer.
    with started(
        "serve", "--port", "0", "--quiet", "--max-body", "1", "--base-url", "http://127.0.0.1:1", forever=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].decode()
        assert process.poll() is None, "it has ended"


def answered(url: str, method: str, path: str, body: bytes, head: dict[str, str]) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=LONGEST)
    try:
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.getheader("apiVersion") == "2"
        text = gzip.decompress(text) if answer.getheader("Content-Encoding") == "gzip" else text
        return answer.status, json.loads(text)
    finally:
        connection.close()


def found(name: str, value: Any) -> Iterator[Any]:
    """The values of that name, wherever they are among the answers' own."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            elif key not in {"metadata", "destination", "batchedRequest"}:
                yield from found(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from found(name, item)


@given(path=st.sampled_from(ROUTES), method=st.sampled_from(["POST", "POST", "POST", "PUT"]), body=texts, head=headers)
def test_no_body_makes_a_fault_of_the_services_own(
    service: str, path: str, method: str, body: bytes, head: dict[str, str]
) -> None:
    status, answer = answered(service, method, path, body, head)
    assert "platform" not in set(found("errorCategory", answer)) or b"destType" in body or b"destinations" in body
    assert status < 500 or set(found("errorType", answer)) == {"retryable"}


# --- what is no whole request -----------------------------------------------------------------------------------------

#: Of which clients make their bytes.
scraps = st.sampled_from(
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /routerTransform HTTP/1.1\r\nHost: x\r\n",
        b"Content-Type: application/json\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Length: 13\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: close\r\n",
        b" folded\r\n",
        b"A: " + b"x" * 100_000 + b"\r\n",
        b"\r\n",
        b"\n",
        b'{"input": []}',
        b'd\r\n{"input": []}\r\n0\r\n\r\n',
        b"ffffffffffffffff\r\n",
        b"-1\r\n",
        b"1;x=y\r\n{\r\n",
        b"0\r\n\r\n",
        b"\0",
        b"\xff\xfe",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
)


def _is_up(url: str) -> bool:
    return answered(url, "GET", "/health", b"", {}) == (200, {"service": "UP"})


@given(pieces=st.lists(scraps, max_size=12), breaks_off=st.booleans())
def test_no_client_that_sends_anything_and_goes_hurts_it(service: str, pieces: list[bytes], breaks_off: bool) -> None:
    parts = urlsplit(service)
    with socket.create_connection((parts.hostname, parts.port), timeout=LONGEST) as client, suppress(ConnectionError):
        for piece in pieces:
            client.sendall(piece)
        if not breaks_off:
            with suppress(OSError):  # it may be closed already
                client.shutdown(socket.SHUT_WR)
            while text := client.recv(65536):
                assert b"fault of gainsight_dest" not in text
                assert b"Internal Server Error" not in text
    assert _is_up(service)


def test_hundreds_of_connections_that_say_nothing_keep_nobody_out(service: str) -> None:
    parts = urlsplit(service)
    with ExitStack() as stack:
        for _ in range(900):  # as many as a process may usually open
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=LONGEST))
        assert _is_up(service)


@given(path=st.sampled_from(ROUTES[:4]), body=packed)
def test_no_packed_body_does_either(service: str, path: str, body: bytes) -> None:
    head = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    status, answer = answered(service, "POST", path, body, head)
    assert status < 500 or set(found("errorType", answer)) == {"retryable"}
