"""A connection of the service: what it takes, for how long, and what it refuses. Each bound is made small here."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gainsight_dest.rudderstack import connections, create_app
from gainsight_dest.rudderstack.connections import LONGEST_HEAD, Connection
from tests.rudderstack.rudder import never

LONGEST = 30  # seconds; what takes longer hangs
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /routerTransform HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
EMPTY = b'{"input": []}'


@contextmanager
def served(app: Any) -> Iterator[tuple[uvicorn.Server, int]]:
    """The app behind such connections, in a thread, and its port."""
    config = uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        until(lambda: server.started)
        yield server, listener.getsockname()[1]
        server.should_exit = server.force_exit = True
        thread.join(LONGEST)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _soon_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LINGER", 0.05)


@pytest.fixture
def server() -> Iterator[tuple[uvicorn.Server, int]]:
    with served(create_app(never)) as running:
        yield running


@pytest.fixture
def port(server: tuple[uvicorn.Server, int]) -> int:
    return server[1]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.005)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONGEST)


def read(client: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    pieces = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionError:
        pass
    return b"".join(pieces)


def exchanged(port: int, *pieces: bytes) -> bytes:
    """All that is answered to the pieces before the connection is closed."""
    with connected(port) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
        except ConnectionError:
            pass
        return read(client)


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def is_up(port: int) -> bool:
    return b'{"service":"UP"}' in exchanged(port, GET + b"Connection: close\r\n\r\n")


# --- lengths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        GET + b"A: " + b"x" * 2**22,
        GET + b"".join(b"A%d: x\r\n" % n for n in range(2**18)),
        b"GET /" + b"x" * 2**22,
        b"GET /health HTTP/1.1\r\n" + b"x" * 2**22,
        b"\r\n" * 2**21,
        POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 2**22,
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: " + b"x" * 2**22,
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"A: x\r\n" * 2**20,
    ],
    ids=["a value", "headers", "a path", "a name", "blank lines", "a chunk's extension", "a trailer", "trailers"],
)
def test_what_is_no_body_is_read_up_to_a_limit(port: int, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = HttpToolsProtocol.data_received

    def counted(connection: Any, data: bytes) -> None:
        fed.append(len(data))
        feed(connection, data)

    monkeypatch.setattr(HttpToolsProtocol, "data_received", counted)
    answer = exchanged(port, head)
    assert not answer or status(answer) in {400, 431}
    assert sum(fed) <= LONGEST_HEAD + 2 * connections._PIECE
    assert is_up(port)


def test_headers_too_long_are_told_of(port: int) -> None:
    answer = exchanged(port, GET + b"A: " + b"x" * 2 * LONGEST_HEAD)
    assert status(answer) == 431
    assert b"apiversion: 2" in answer
    assert answer.endswith(b'{"status": 431, "error": "the headers are too long"}')


def test_headers_may_be_as_long_as_the_limit(port: int) -> None:
    head = GET + b"Connection: close\r\nA: "
    answer = exchanged(port, head + b"x" * (LONGEST_HEAD - len(head) - 4) + b"\r\n\r\n")
    assert status(answer) == 200


def test_a_body_after_its_headers_and_headers_after_a_body_are_not_counted_together(port: int) -> None:
    body = b'{"input": []}'.ljust(3 * LONGEST_HEAD)
    request = POST + b"Content-Length: %d\r\nA: %s\r\n\r\n" % (len(body), b"x" * 40_000) + body
    answer = exchanged(port, request, request, GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 3


def test_a_body_may_come_in_chunks_of_a_byte(port: int) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in EMPTY.ljust(20_000)) + b"0\r\n\r\n"
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert len(chunks) > LONGEST_HEAD
    assert status(exchanged(port, head + chunks)) == 200


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"G", GET, GET + b"A: x"])
def test_headers_that_do_not_come_are_not_waited_for(port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_PATIENCE", 0.1)
    assert status(exchanged(port, sent)) == 408
    assert is_up(port)


def test_headers_that_trickle_are_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_PATIENCE", 0.2)
    trickle = [b"A: x\r\n"] * 4
    with connected(port) as client:
        client.sendall(GET + b"\r\n")  # of a connection that is used again, too
        until(lambda: b"UP" in client.recv(65536))
        started = time.monotonic()
        client.settimeout(0.05)
        client.sendall(GET)
        while True:
            try:
                answer = client.recv(65536)
                break
            except TimeoutError:
                client.sendall(trickle[0])
    assert status(answer) == 408
    assert time.monotonic() - started < LONGEST / 2


def test_a_body_that_is_answered_before_it_has_come_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BODY_PATIENCE", 0.1)
    answer = exchanged(port, b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert status(answer) == 405


def test_an_answer_that_nobody_reads_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "ANSWER_PATIENCE", 0.1)

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % 2**26)]})
        await send({"type": "http.response.body", "body": b"x" * 2**26})

    with served(app) as (server, port), connected(port) as client:
        client.sendall(GET + b"\r\n")
        until(lambda: server.server_state.connections)
        until(lambda: not server.server_state.connections)
        assert len(read(client)) < 2**26


def test_an_answer_that_is_read_is_whole() -> None:
    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % 2**26)]})
        await send({"type": "http.response.body", "body": b"x" * 2**26})

    with served(app) as (_, port):
        assert len(exchanged(port, GET + b"Connection: close\r\n\r\n").partition(b"\r\n\r\n")[2]) == 2**26


# --- counts -----------------------------------------------------------------------------------------------------------


def test_connections_without_a_request_make_room_for_others(
    server: tuple[uvicorn.Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 10)
    running, port = server
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(port))
        assert is_up(port)
        until(lambda: len(running.server_state.connections) <= 10)


def test_where_all_are_at_work_one_more_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    app = create_app(never)
    with served(app) as (server, port), ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(2)]
        for client in clients:
            client.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(EMPTY))
        until(lambda: len(server.server_state.tasks) == 2)
        assert exchanged(port, GET + b"\r\n") == b""
        for client in clients:
            client.sendall(EMPTY)
            assert status(read(client)) == 200


def test_some_requests_may_be_sent_before_the_first_is_answered_but_not_any_number(port: int) -> None:
    few = [GET + b"\r\n"] * 10 + [GET + b"Connection: close\r\n\r\n"]
    assert exchanged(port, b"".join(few)).count(b"HTTP/1.1 200") == 11
    waiting = POST + b"Content-Length: 2\r\n\r\n"
    exchanged(port, waiting + b"{}" + (GET + b"\r\n") * 20_000)
    assert is_up(port)


def test_a_request_that_waits_for_those_before_it_is_not_taken_for_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BODY_PATIENCE", 0.05)
    is_let_go = threading.Event()
    inner = create_app(never)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(None, is_let_go.wait, LONGEST)
        await inner(scope, receive, send)

    with served(app) as (_, port), connected(port) as client:
        second = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(EMPTY)
        client.sendall(GET + b"\r\n" + second)
        time.sleep(0.2)
        client.sendall(EMPTY)
        is_let_go.set()
        assert read(client).count(b"HTTP/1.1 200") == 2


# --- one request is not two -------------------------------------------------------------------------------------------

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2, 2\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length : 2\r\n",
        b"Content-Length: 0x2\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: y\r\n Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\n",
    ],
)
def test_where_a_request_ends_is_not_told_in_two_ways(port: int, head: bytes) -> None:
    seen: list[bytes] = []
    with connected(port) as client:
        client.sendall(POST + head + b"\r\n{}" + HIDDEN)
        client.settimeout(0.1)
        try:
            while piece := client.recv(65536):
                seen.append(piece)
        except (TimeoutError, ConnectionError):
            pass
    answer = b"".join(seen)
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert not answer or status(answer) in {400, 408}
