"""One call: what goes out, what comes back, and what is refused."""

from __future__ import annotations

import logging
import pickle
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import (
    ConfigError,
    CredentialsError,
    DestinationConfig,
    EventError,
    Response,
    RetryableError,
    SendEvent,
    UpsertPerson,
    __version__,
)
from gainsight_dest.deliver import call
from gainsight_dest.descriptors import checked_base_url
from tests.deliver.runs import CLIENTS, sent_by
from tests.some import CONFIG, SHARED_SECRET

PERSON = UpsertPerson(CONFIG, {"Email": "marked@example.com", "FirstName": "Zoë"})
EVENT = SendEvent(CONFIG, "チケット", "1.0.0", {"n": 1}, " contract ")
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nx-gs-request-id: r-1\r\n\r\n{"result":true}'

Serve = Callable[[bytes], str]


class Endpoint:
    """A server that answers every connection with the same bytes and keeps what it was sent."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self, answer: bytes) -> str:
        threading.Thread(target=self._run, args=(answer,), daemon=True).start()
        return self.url

    def _run(self, answer: bytes) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with closing(connection):
                head, _, body = _received(connection).partition(b"\r\n\r\n")
                self.got += [head, body]
                connection.sendall(answer)


def _received(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.socket.close()


def sent(
    url: str | None, request: Any = PERSON, timeout: tuple[float, float] = (5, 5), client: str = "requests"
) -> Response:
    return sent_by(client, request, url, timeout)


@CLIENTS
def test_a_call_carries_the_requests_headers_as_utf_8_its_body_as_json_and_our_name(
    client: str, endpoint: Endpoint
) -> None:
    response = sent(endpoint.serve(OK), EVENT, client=client)
    assert (response.status, response.body) == (200, b'{"result":true}')
    head, body = endpoint.got
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1.0/api/eventManager/event HTTP/1.1"
    assert "eventName: チケット".encode() in lines
    assert b"contractId: contract" in lines, "spaces around a value are no part of it"
    assert f"sharedSecret: {SHARED_SECRET}".encode() in lines
    assert f"User-Agent: gainsight-dest/{__version__}".encode() in lines
    assert body == b'{"n": 1}'


@CLIENTS
def test_what_the_environment_says_of_proxies_and_passwords_does_not_touch_a_sandbox(
    client: str, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n", "utf8")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert sent(endpoint.serve(OK).replace("http:", "HTTP:"), client=client).status == 200
    assert b"authorization" not in endpoint.got[0].lower()


@CLIENTS
def test_a_redirect_is_not_followed(client: str, endpoint: Endpoint) -> None:
    response = sent(
        endpoint.serve(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"), client=client
    )
    assert response.status == 307
    with pytest.raises(CredentialsError, match="redirect"):
        PERSON.next(response)


BROKEN = {
    "nothing at all": (b"", "the connection failed|the answer broke off"),
    "no HTTP": (b"hello\r\n\r\n", "the connection failed|the answer broke off"),
    "a body that breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "the answer broke off"),
    "no gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "the answer cannot be decoded",
    ),
}


@CLIENTS
@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_is_a_passing_fault(client: str, name: str, endpoint: Endpoint) -> None:
    answer, words = BROKEN[name]
    with pytest.raises(RetryableError, match=words) as caught:
        sent(endpoint.serve(answer), client=client)
    assert caught.value.action == "upsert person"
    assert caught.value.status is None
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value
    assert caught.value.__cause__ is None


@CLIENTS
def test_an_answer_that_does_not_come_is_a_passing_fault(client: str, endpoint: Endpoint) -> None:
    with pytest.raises(RetryableError, match="no answer in time"):
        sent(endpoint.url, timeout=(5, 0.05), client=client)  # it listens, and never answers


@CLIENTS
def test_a_host_that_is_not_there_is_a_passing_fault(client: str, endpoint: Endpoint) -> None:
    endpoint.socket.close()
    with pytest.raises(RetryableError, match=r"the connection failed \(ConnectionRefusedError\)"):
        sent(endpoint.url, client=client)
    config = DestinationConfig(domain="no-such-host.invalid", access_key="k")
    with pytest.raises(RetryableError, match="the connection failed: no host of that name is found"):
        sent(None, UpsertPerson(config, {"Email": "a@b.co"}), client=client)


@CLIENTS
def test_an_answer_without_end_is_not_read_to_its_end(
    client: str, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "LONGEST_ANSWER", 100_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b" " * 200_000
    with pytest.raises(RetryableError, match="longer than 100,000 bytes") as caught:
        sent(endpoint.serve(answer), client=client)
    assert caught.value.status == 200


@pytest.mark.again
@CLIENTS
def test_a_certificate_that_is_not_trusted_ends_the_run(client: str, tmp_path: Path) -> None:
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("there is no openssl to make a certificate with")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

    def shake_hands() -> None:
        with pytest.raises(ssl.SSLError):
            server.accept()

    thread = threading.Thread(target=shake_hands)
    thread.start()
    with pytest.raises(CredentialsError, match="certificate is not trusted"):
        sent(f"https://127.0.0.1:{server.getsockname()[1]}", client=client)
    thread.join()
    server.close()


@CLIENTS
def test_a_number_that_cannot_be_written_is_the_events_fault(client: str, endpoint: Endpoint) -> None:
    with pytest.raises(EventError, match="cannot be written as JSON"):
        sent(endpoint.url, SendEvent(CONFIG, "a", "1", {"n": 10**5000}), client=client)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1/", "http://localhost:1"),
        ("http://LocalHost", "http://LocalHost"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("https://gateway.example.com/", "https://gateway.example.com"),
        ("https://gateway.example.com:8443", "https://gateway.example.com:8443"),
    ],
)
def test_a_base_url_is_https_or_this_machine(url: str, base: str) -> None:
    assert checked_base_url(url) == base


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com"),
        *(
            "http://0.0.0.0:80",
            "http://[::]:80",
            "http://2130706433",
            "ftp://127.0.0.1",
            "127.0.0.1:8080",
            "",
            "https://",
        ),
        *("https://me:mine@example.com", "https://@example.com", "https://example.com/path", "https://example.com?a=b"),
        *("https://example.com#a", "http://127.0.0.1:99999", "http://127.0.0.1:x", "http://[::1"),
    ],
)
def test_any_other_base_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_base_url(url)
    assert caught.value.path == "base_url"
    assert "mine" not in str(caught.value)


@CLIENTS
def test_each_call_is_one_line_of_the_log_without_host_key_or_person(
    client: str, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "gainsight_dest.deliver"):
        sent(endpoint.serve(OK), client=client)
        with pytest.raises(RetryableError):
            sent("http://127.0.0.1:9", client=client)
    first, second = [record.getMessage() for record in caplog.records if record.name == "gainsight_dest.deliver"]
    assert first.startswith("PUT /v1.0/api/people: HTTP 200, request id r-1, ")
    assert second.startswith("PUT /v1.0/api/people: the connection failed (ConnectionRefusedError), ")
    assert first.endswith(" ms")
    assert not any(word in caplog.text for word in ("MARKED", "marked@example.com", "Zoë"))
