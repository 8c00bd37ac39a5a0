"""However a host answers: a call ends in time, keeps little, and raises nothing of its own kind."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from gainsight_dest import (
    CredentialsError,
    GainsightDestError,
    Response,
    RetryableError,
    UnreachableError,
    UpsertPerson,
)
from gainsight_dest.deliver import AsyncDeliverer, async_send, transport
from gainsight_dest.deliver.call import LONGEST_ANSWER, Timeout, check_length
from gainsight_dest.deliver.send import Sender
from tests.deliver.runs import CLIENTS, sent_by
from tests.some import CONFIG

PERSON = UpsertPerson(CONFIG, {"Email": "ada@example.com"})
SECONDS = 0.4  # as a deadline: short, and long enough for what ends by itself
PAUSE = 0.05  # between two bytes of a host that trickles
Answer = Callable[[socket.socket], object]


class Host:
    """A host that answers each request as it is told to, and counts them."""

    def __init__(self, answer: Answer, *, reads: bool = True) -> None:
        self.requests: list[bytes] = []
        self._answer, self._reads = answer, reads
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=[self._socket.accept()[0]], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            if not self._reads:
                self._answer(connection)
                return
            while head := _request(connection):
                self.requests.append(head)
                self._answer(connection)

    def close(self) -> None:
        self._socket.close()


def _request(connection: socket.socket) -> bytes:
    """The head of the next request, once its body has come too; nothing where there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (piece := connection.recv(65536)):
        body += piece
    return head


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    hosts = []

    def begin(answer: Answer | bytes, *, reads: bool = True) -> Host:
        hosts.append(Host((lambda c: c.sendall(answer)) if isinstance(answer, bytes) else answer, reads=reads))
        return hosts[-1]

    yield begin
    for each in hosts:
        each.close()


def trickling(head: bytes, piece: bytes) -> Answer:
    """So, then a piece again and again, until whoever reads has gone."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(PAUSE)
            connection.sendall(piece)

    return answer


def called(
    url: str | None,
    deadline: float = 30.0,
    session: requests.Session | None = None,
    client: str = "requests",
    timeout: Timeout = (5, 5),
) -> Response:
    if session is None:
        return sent_by(client, PERSON, url, timeout, deadline)
    return Sender(session, url, timeout, deadline)(PERSON)


# --- in time ----------------------------------------------------------------------------------------------------------

TRICKLES = {
    "a status line": trickling(b"", b"H"),
    "a header": trickling(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": trickling(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "a body": trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n", b"x"),
    "a body without an end": trickling(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "the size of a chunk": trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "100 Continue": trickling(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a redirect": trickling(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 99999\r\n\r\n", b"x"
    ),
}


@pytest.mark.again
@pytest.mark.parametrize("way", ["a session of its own", "a session that is given", "httpx"])
@pytest.mark.parametrize("what", TRICKLES)
def test_a_host_that_trickles_is_given_no_more_than_the_deadline(
    what: str, way: str, host: Callable[..., Host]
) -> None:
    url = host(TRICKLES[what]).url
    session = requests.Session() if way == "a session that is given" else transport.session()
    with session, pytest.raises(RetryableError, match=r"no whole answer within 0\.4 seconds"):
        called(url, SECONDS, None if way == "httpx" else session, "httpx")


@CLIENTS
def test_a_handshake_that_trickles_is_given_no_more_either(client: str, host: Callable[..., Host]) -> None:
    begun = host(trickling(b"\x16\x03\x03\x40\x00", b"\x02"), reads=False)
    # For httpx, a handshake is a part of the connecting. httpcore leaves one open that is ended from outside.
    deadline, connect = {"requests": (SECONDS, 5), "httpx": (30, SECONDS)}[client]
    with pytest.raises(RetryableError, match=r"no whole answer within|no connection in time"):
        called(begun.url.replace("http:", "https:"), deadline, client=client, timeout=(connect, 5))


def test_what_a_call_was_ended_by_does_not_meet_the_next_one(host: Callable[..., Host]) -> None:
    good = trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"")
    answers = iter([TRICKLES["a body"], good])

    def answer(connection: socket.socket) -> None:
        next(answers)(connection)

    sender = Sender(None, host(answer).url, (5, 5), SECONDS)
    with pytest.raises(RetryableError):
        sender(PERSON)
    assert sender(PERSON).body == b"{}"


def test_calls_side_by_side_have_a_deadline_each(host: Callable[..., Host]) -> None:
    slow, quick = host(TRICKLES["a header"]).url, host(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").url
    ended: list[str] = []

    def call(url: str) -> None:
        try:
            called(url, SECONDS)
            ended.append("answered")
        except RetryableError:
            ended.append("ended")

    threads = [threading.Thread(target=call, args=[url]) for url in (slow, quick, slow, quick, slow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["answered"] * 2 + ["ended"] * 3


def test_a_call_whose_time_is_up_before_it_is_connected_ends_once_it_is(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport._WATCH, "add", lambda call: call.end())
    with pytest.raises(RetryableError, match="no whole answer within 30 seconds"):
        called(host(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").url)


def test_a_session_that_is_given_can_be_used_for_calls_of_ones_own_as_before(host: Callable[..., Host]) -> None:
    begun = host(trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b""))
    with requests.Session() as session:
        Sender(session, begun.url)
        Sender(session, begun.url)
        assert session.put(begun.url, b"{}", timeout=30).text == "{}"


def test_a_proxy_of_the_session_is_named_as_such() -> None:
    session = requests.Session()
    session.proxies["https"] = "http://me:secret@127.0.0.1:9"
    assert Sender(session).proxy == "the session's proxies"


def test_a_deadline_is_above_0() -> None:
    with pytest.raises(ValueError, match="deadline must be above 0 seconds, not 0"):
        Sender(deadline=0)


# --- in little memory -------------------------------------------------------------------------------------------------


def bomb(mebibytes: int) -> bytes:
    """So much of nothing, packed by gzip, as the body of an answer."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(mebibytes)) + packer.flush()
    return b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed)


@pytest.mark.again
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n"])
def test_an_answer_is_unpacked_no_further_than_it_is_read(
    head: bytes, host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = 0
    stream = requests.Response.iter_content

    def counted(self: requests.Response, size: int) -> Iterator[bytes]:
        nonlocal unpacked
        for chunk in stream(self, size):
            unpacked += len(chunk)
            yield chunk

    monkeypatch.setattr(requests.Response, "iter_content", counted)
    with pytest.raises(RetryableError, match="longer than 8,388,608 bytes"):
        called(host(head + bomb(64)).url)
    assert unpacked < LONGEST_ANSWER + 2**20


def test_no_cookie_is_kept_or_sent_back(host: Callable[..., Host]) -> None:
    lines = b"".join(b"Set-Cookie: c%d=%s; Path=/\r\n" % (n, b"x" * 1000) for n in range(50))
    begun = host(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 2\r\n\r\n{}")
    session = transport.session()
    sender = Sender(session, begun.url)
    for _ in range(3):
        assert sender(PERSON).status == 200
    assert len(session.cookies) == 0
    assert not any(b"cookie" in each.lower() for each in begun.requests)


@pytest.mark.again
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n"])
def test_with_httpx_too_an_answer_is_unpacked_no_further_than_it_is_read(
    head: bytes, host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []

    def check(content: bytearray, *given: Any) -> None:
        lengths.append(len(content))
        check_length(content, *given)

    monkeypatch.setattr(async_send, "check_length", check)
    with pytest.raises(RetryableError, match="longer than 8,388,608 bytes"):
        called(host(head + bomb(64)).url, client="httpx")
    assert max(lengths) < LONGEST_ANSWER + 2**20


def test_with_httpx_a_packed_answer_is_unpacked_and_one_that_is_packed_in_another_way_is_a_fault(
    host: Callable[..., Host],
) -> None:
    packed = gzip.compress(b'{"result": true}')
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Encoding: %s\r\n\r\n"
    assert called(host(head % (len(packed), b"gzip") + packed).url, client="httpx").body == b'{"result": true}'
    for how, body in [(b"gzip", packed[:-9]), (b"br", packed), (b"gzip, gzip", packed)]:
        with pytest.raises(RetryableError, match="the answer cannot be decoded"):
            called(host(head % (len(body), how) + body).url, client="httpx")


def test_with_httpx_too_no_cookie_is_kept_or_sent_back(host: Callable[..., Host]) -> None:
    begun = host(b"HTTP/1.1 200 OK\r\nSet-Cookie: c=1; Path=/\r\nContent-Length: 2\r\n\r\n{}")

    async def calls() -> list[Any]:
        async with AsyncDeliverer(CONFIG, base_url=begun.url) as deliverer:
            return [await deliverer._answer(PERSON) for _ in range(3)]

    assert [answer.status for answer in asyncio.run(calls())] == [200] * 3
    assert len(begun.requests) == 3
    assert not any(b"cookie" in each.lower() for each in begun.requests)


# --- odd answers ------------------------------------------------------------------------------------------------------

ODD = {
    "a location that is no URL": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "a location that is no UTF-8": b"HTTP/1.1 302 Found\r\nLocation: http://x\xff\xfe/\r\nContent-Length: 0\r\n\r\n",
    "a chunk below nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-10\r\nhello\r\n0\r\n\r\n",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
    "a packing of many layers": b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 50 + b"\r\n\r\n{}",
}


@pytest.mark.again
@CLIENTS
@pytest.mark.parametrize("what", ODD)
def test_an_odd_answer_is_a_fault_like_others(client: str, what: str, host: Callable[..., Host]) -> None:
    with suppress(GainsightDestError):
        PERSON.next(called(host(ODD[what]).url, client=client))


def test_whatever_bytes_a_host_answers_nothing_else_is_raised(host: Callable[..., Host]) -> None:
    chance = random.Random(5)  # noqa: S311 - odd bytes, not secrets
    good = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nLocation: /x\r\n"
        b'Set-Cookie: a=b\r\nRetry-After: 7\r\n\r\nf\r\n{"result":true}\r\n0\r\n\r\n'
    )

    def mutated() -> bytes:
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        return bytes(data)

    def answer(connection: socket.socket) -> None:
        connection.sendall(mutated())
        connection.shutdown(socket.SHUT_WR)

    sender = Sender(None, host(answer).url, (5, 5), 5)
    for _ in range(200):
        with suppress(GainsightDestError):
            PERSON.next(sender(PERSON))


# --- what cannot work for any call ------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without a proxy or a bundle, to put one into."""
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@CLIENTS
@pytest.mark.parametrize("proxy", ["http://", "http://:3128", "nonsense://127.0.0.1:9", "socks9://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_one_is_named_by_its_variable(
    client: str, proxy: str, elsewhere: pytest.MonkeyPatch
) -> None:
    elsewhere.setenv("HTTPS_PROXY", proxy)
    with pytest.raises((CredentialsError, RetryableError)) as caught:
        called(None, timeout=(1, 1), client=client)
    assert proxy not in str(caught.value)
    assert type(caught.value) is CredentialsError, caught.value
    assert "HTTPS_PROXY" in str(caught.value)


@CLIENTS
def test_a_proxy_that_asks_for_a_password_is_named_by_its_variable(
    client: str, host: Callable[..., Host], elsewhere: pytest.MonkeyPatch
) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    elsewhere.setenv("https_proxy", host(answer).url.replace("//", "//me:wrong@"))
    with pytest.raises(CredentialsError, match=r"asks for a user and a password \(407\): look at https_proxy"):
        called(None, timeout=(1, 1), client=client)


def test_a_proxy_that_is_away_is_a_passing_fault(elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setenv("ALL_PROXY", "http://127.0.0.1:9")
    sender = Sender(None, None, (1, 1))
    assert sender.proxy == "ALL_PROXY"
    with pytest.raises(UnreachableError, match="the proxy gave no connection"):
        sender(PERSON)


@CLIENTS
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_is_none_is_named_by_its_variable(
    client: str, content: str | None, tmp_path: Path, host: Callable[..., Host], elsewhere: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    variable = {"requests": "REQUESTS_CA_BUNDLE", "httpx": "SSL_CERT_FILE"}[client]
    elsewhere.setenv(variable, str(bundle))
    with pytest.raises(CredentialsError, match=f"bundle of certificates cannot be read: look at {variable}"):
        called(host(b"").url.replace("http:", "https:"), timeout=(1, 1), client=client)


@CLIENTS
def test_a_port_that_is_closed_is_a_connection_that_was_never_made(client: str) -> None:
    with pytest.raises(UnreachableError, match="the connection failed"):
        called("http://127.0.0.1:9", client=client)


def test_a_process_that_is_forked_off_has_its_own_watch(host: Callable[..., Host]) -> None:
    program = (
        "import os, sys, warnings\n"
        "from gainsight_dest import DestinationConfig, RetryableError\n"
        "from gainsight_dest.deliver.send import Sender\n"
        "from gainsight_dest.descriptors import UpsertPerson\n"
        "person = UpsertPerson(DestinationConfig(domain='acme.co', access_key='k'), {'Email': 'ada@example.com'})\n"
        f"send = Sender(None, sys.argv[1], (5, 5), {SECONDS})\n"
        "def call():\n"
        "    try:\n"
        "        send(person)\n"
        "    except RetryableError as error:\n"
        "        return 'no whole answer' in str(error)\n"
        "assert call()\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"  # Python 3.12 warns of a fork beside a thread
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0 if call() else 3)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    url = host(TRICKLES["a body"]).url
    done = subprocess.run([sys.executable, "-c", program, url], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
