"""The sandbox behind a port: over HTTP, and as the WSGI application that it is."""

from __future__ import annotations

import gc
import io
import json
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import attrs
import pytest
import requests

from gainsight_dest import Request, Response, transform
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.form import MOST_OF_A_FORM
from gainsight_dest.sandbox.server import MOST_BYTES, Server, app
from gainsight_dest.tenant import Tenant, describe
from tests import some
from tests.tenant_of_60_fields import ANSWER

CONFIG = attrs.evolve(some.CONFIG, topic_name="トピック", event_name_map={"Ticket Closure": "チケット完了"})
GROUP = some.group("日本商事")
TRACK = some.track(status="resolved")
PEOPLE = "/v1.0/api/people"
ADA = {"Email": some.ADA}
KEY = {"Accesskey": "k"}


class Slept(list[float]):
    """The seconds that were asked for, none of them slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def session() -> Iterator[Any]:
    with requests.Session() as session:
        yield session


def deliver(event: dict[str, Any], server: Server, session: Any) -> None:
    request: Request | None = transform(event, CONFIG)
    while request is not None:
        answer = session.request(
            request.method,
            request.url.replace("https://acme.gainsightcloud.com", server.url),
            headers={name: value.encode() for name, value in request.headers.items()},
            json=request.body,
            timeout=(5, 30),
            allow_redirects=False,
        )
        request = request.next(Response(answer.status_code, answer.content, answer.headers))


def test_a_tenants_fields_are_described_over_http_and_a_company_is_deleted(session: Any) -> None:
    sandbox = Sandbox(CONFIG, tenant=Tenant.from_describe(ANSWER))
    gsid = sandbox.content.insert_company({"Name": "Acme"})["Gsid"]
    with Server(sandbox) as server:
        request = describe(CONFIG).at(server.url)
        headers = {name: value.encode() for name, value in request.headers.items()}
        answers = [
            session.post(request.url, json=request.body, headers=headers, timeout=30),
            session.get(f"{server.url}/v1/meta/services/objects/Person/describe?idd=true", headers=headers, timeout=30),
            session.delete(f"{server.url}/v1/data/objects/Company/{gsid}", headers=headers, timeout=30),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert Tenant.from_describe(answers[0].json()) == sandbox.tenant
    assert Tenant.from_describe(answers[1].json()).objects["Person"] == sandbox.tenant.objects["Person"]
    assert sandbox.companies == []


def asked(sandbox: Sandbox, method: str, path: str, body: bytes = b"", **environ: Any) -> tuple[str, Any, bytes]:
    """Status, headers and body of the application's answer."""
    started: list[Any] = []
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    setup_testing_defaults(given)
    sleep, only_loopback = given.pop("sleep", Slept()), given.pop("only_loopback", False)
    answer = app(sandbox, sleep, only_loopback=only_loopback)(given, lambda *args: started.extend(args))  # type: ignore[arg-type]
    return started[0], dict(started[1]), b"".join(answer)


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_an_event_is_delivered_whole_over_one_connection(session: Any) -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(GROUP, server, session)
        held = session.get(f"{server.url}/content.json").json()
    assert held == sandbox.as_data()
    assert [company["Name"] for company in held["companies"]] == ["日本商事"]
    assert held["people"] == [{**ADA, "companies": [{"Company_ID": held["companies"][0]["Gsid"]}]}]
    assert [call.action for call in sandbox.calls] == ["find company", "create company", "link person"]
    assert next(iter(session.adapters["http://"].poolmanager.pools._container.values())).num_connections == 1


def test_header_values_are_read_as_utf_8(session: Any) -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server:
        deliver(TRACK, server, session)
    assert sandbox.events == [
        {"name": "チケット完了", "version": "1.0.0", "topic": "トピック", "properties": {"status": "resolved"}}
    ]


@pytest.mark.parametrize(("kind", "held"), [("dropped-before", []), ("dropped-after", [{**ADA, "companies": []}])])
def test_a_dropped_connection_is_one_to_the_client_and_nothing_is_said(
    kind: str, held: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox = Sandbox(faults=[PlannedFault(kind)])
    with Server(sandbox) as server, pytest.raises(requests.ConnectionError):
        requests.put(f"{server.url}{PEOPLE}", json=ADA, headers=KEY, timeout=5)
    assert sandbox.people == held
    assert capfd.readouterr() == ("", "")


def test_a_body_in_chunks_is_read_to_its_end_and_the_connection_goes_on(session: Any) -> None:
    sandbox = Sandbox()
    with Server(sandbox) as server:
        for _ in range(2):
            answer = session.put(f"{server.url}{PEOPLE}", data=iter([b'{"Email":', b'"ada@example.com"}']), headers=KEY)
            assert answer.status_code == 200
    assert sandbox.people == [{**ADA, "companies": []}]


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_too_much_is_told_so(chunked: bool) -> None:
    with Server(Sandbox()) as server:
        piece = bytes(2**20)
        body = (piece for _ in range(17)) if chunked else piece * 17
        answer = requests.put(f"{server.url}{PEOPLE}", data=body, headers=KEY, timeout=5)
    assert (answer.status_code, answer.json()["errorDesc"]) == (413, f"The body is longer than {MOST_BYTES} bytes")


def test_a_foreign_host_is_refused_on_loopback() -> None:
    sandbox = Sandbox()
    with Server(sandbox) as server:
        for host in ("localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:80"):
            assert requests.get(server.url, headers={"Host": host}, timeout=5).status_code == 200
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "[::", "[::2]", ":80"):
            answer = requests.put(f"{server.url}{PEOPLE}", json=ADA, headers={**KEY, "Host": host}, timeout=5)
            assert answer.status_code == 421
            assert answer.json()["result"] is False
    assert not sandbox.calls


def test_clients_that_go_away_leave_no_word_and_no_half_call(capfd: pytest.CaptureFixture[str]) -> None:
    sandbox = Sandbox()
    with Server(sandbox) as server:
        address = (server.url.split("/")[2].split(":")[0], int(server.url.rsplit(":", 1)[1]))
        for sent in (
            b"",
            b"PU",
            b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}",
            b"no HTTP\r\n\r\n",
        ):
            with socket.create_connection(address, 5) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1000):  # until the server is done with it
                    pass
    assert not sandbox.calls
    assert capfd.readouterr() == ("", "")


def test_a_slow_answer_does_not_outlast_the_server() -> None:
    met = threading.Event()
    seen: list[type[BaseException]] = []

    class Met(Sandbox):
        def receive(self, *args: Any) -> Any:
            met.set()
            return super().receive(*args)

    def call(url: str) -> None:
        try:
            requests.put(f"{url}{PEOPLE}", json=ADA, headers=KEY, timeout=50)
        except requests.RequestException as error:
            seen.append(type(error))

    with Server(Met(faults=[PlannedFault("slow", seconds=3600)])) as server:
        caller = threading.Thread(target=call, args=(server.url,))
        caller.start()
        assert met.wait(10)
    caller.join(10)
    assert seen == [requests.ConnectionError]


def test_a_server_that_was_stopped_is_gone_and_starts_no_more() -> None:
    server = Server(Sandbox())
    with server:
        assert requests.get(server.url, timeout=5).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=5)
    with pytest.raises(RuntimeError, match="make another"), server:
        pass


def test_a_slow_answer_comes_in_the_end(session: Any) -> None:
    with Server(Sandbox(faults=[PlannedFault("slow", seconds=0.01)])) as server:
        assert session.put(server.url + PEOPLE, json=ADA, headers=KEY, timeout=5).ok


def test_chunks_that_cannot_be_read_are_refused() -> None:
    with (
        Server(Sandbox()) as server,
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as connection,
    ):
        connection.sendall(
            f"PUT {PEOPLE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n".encode()
        )
        assert b" 400 " in connection.recv(1000)


@pytest.mark.parametrize(("level", "is_told"), [(logging.INFO, False), (logging.ERROR, True)])
def test_the_servers_own_errors_are_told_and_nothing_else(
    level: int, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Server(Sandbox())._http.error_log("something", level)
    assert ("something" in capsys.readouterr().err) == is_told


# --- the form ---------------------------------------------------------------------------------------------------------

FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_HOST": "localhost:1"}
OWN = {**FORM, "HTTP_ORIGIN": "http://localhost:1", "HTTP_SEC_FETCH_SITE": "same-origin"}


def form(events: str, **maps: str) -> bytes:
    return urlencode({"events": events, **maps}).encode()


def test_a_form_is_sent_once_and_shown_by_where_it_leads() -> None:
    sandbox = Sandbox(CONFIG)
    with Server(sandbox) as server, requests.Session() as session:
        headers = {"Origin": server.url}
        answer = session.post(server.url, {"events": json.dumps(GROUP)}, headers=headers, timeout=5)
        assert answer.history[0].status_code == 303
        assert answer.history[0].headers["Location"] == "/?form=1#result"
        assert "1 event: 1 delivered" in answer.text
        assert "1 event: 1 delivered" in session.get(f"{server.url}/?form=1&find=x", timeout=5).text
    assert [company["Name"] for company in sandbox.companies] == ["日本商事"]


def test_a_form_that_is_wrong_is_told_and_not_sent() -> None:
    sandbox = Sandbox(CONFIG)
    status, headers, body = asked(sandbox, "POST", "/", form("{"), **OWN)
    assert (status.split()[0], headers["Content-Type"]) == ("422", "text/html; charset=utf-8")
    assert b"line 1, column 2: not JSON" in body
    assert not sandbox.calls


@pytest.mark.parametrize(
    ("sender", "is_taken"),
    [
        ({"HTTP_ORIGIN": "http://localhost:1", "HTTP_SEC_FETCH_SITE": "same-origin"}, True),
        ({"HTTP_ORIGIN": "http://localhost:1"}, True),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, True),
        ({}, False),
        ({"HTTP_ORIGIN": "null"}, False),
        ({"HTTP_ORIGIN": "http://localhost:2"}, False),
        ({"HTTP_ORIGIN": "https://localhost:1"}, False),
        ({"HTTP_ORIGIN": "http://evil.example"}, False),
        ({"HTTP_ORIGIN": "http://evil.example", "HTTP_SEC_FETCH_SITE": "same-origin"}, False),
        ({"HTTP_ORIGIN": "http://localhost:1", "HTTP_SEC_FETCH_SITE": "cross-site"}, False),
        ({"HTTP_ORIGIN": "http://localhost:1", "HTTP_SEC_FETCH_SITE": "same-site"}, False),
        ({"HTTP_SEC_FETCH_SITE": "none"}, False),
    ],
)
def test_a_form_is_taken_from_the_page_itself_alone(sender: dict[str, str], is_taken: bool) -> None:
    sandbox = Sandbox(CONFIG)
    status, _, _ = asked(sandbox, "POST", "/", form(json.dumps(GROUP)), **FORM, **sender)
    assert status == ("303 See Other" if is_taken else "403 Forbidden")
    assert bool(sandbox.calls) is is_taken


def test_a_name_that_was_made_to_resolve_here_gets_nowhere_even_with_an_origin_of_its_own() -> None:
    sandbox = Sandbox(CONFIG)
    evil = {**FORM, "HTTP_HOST": "evil.example:1", "HTTP_ORIGIN": "http://evil.example:1"}
    status, _, _ = asked(sandbox, "POST", "/", form(json.dumps(GROUP)), only_loopback=True, **evil)
    assert status == "421 Misdirected Request"
    assert not sandbox.calls


@pytest.mark.parametrize(
    ("changed", "body", "status"),
    [
        ({"CONTENT_TYPE": "text/plain"}, form("{}"), "415 Unsupported Media Type"),
        ({"CONTENT_TYPE": "application/json"}, b"{}", "415 Unsupported Media Type"),
        ({}, form(" " * MOST_OF_A_FORM), "413 "),
        ({}, b"\xff", "400 Bad Request"),
    ],
)
def test_what_is_no_form_is_refused(changed: dict[str, str], body: bytes, status: str) -> None:
    assert asked(Sandbox(), "POST", "/", body, **{**OWN, **changed})[0].startswith(status)


@pytest.mark.parametrize("query", ["form=7&find=x", "form=x", "form=" + "9" * 5000, "&".join(["a=1"] * 30), "form=%31"])
def test_any_query_gives_a_page(query: str) -> None:
    status, headers, body = asked(Sandbox(), "GET", "/", QUERY_STRING=query)
    assert (status, headers["Referrer-Policy"]) == ("200 OK", "same-origin")
    assert (b"no longer kept" in body) is (query in {"form=7&find=x", "form=%31"})


# --- the application --------------------------------------------------------------------------------------------------


def test_a_slow_answer_sleeps() -> None:
    slept = Slept()
    body = json.dumps(ADA).encode()
    status, _, _ = asked(
        Sandbox(faults=[PlannedFault("slow", seconds=45)]), "PUT", PEOPLE, body, HTTP_ACCESSKEY="k", sleep=slept
    )
    assert (status, slept) == ("200 OK", [45])


def test_what_is_not_the_sandboxes_page_or_content_is_a_call() -> None:
    sandbox = Sandbox()
    status, headers, body = asked(sandbox, "GET", "/no such/é?".encode().decode("latin-1"), QUERY_STRING="a=1")
    assert (status, headers["Content-Type"]) == ("404 Not Found", "application/json")
    assert json.loads(body)["errorCode"] == "GS_APIG_1000"
    assert [call.path for call in sandbox.calls] == ["/no%20such/%C3%A9%3F"]


def test_page_and_content_and_a_browsers_icon_are_no_calls() -> None:
    sandbox = Sandbox()
    status, headers, body = asked(sandbox, "GET", "/")
    assert (status, headers["Content-Type"]) == ("200 OK", "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"No companies yet" in body
    assert json.loads(asked(sandbox, "GET", "/content.json")[2]) == sandbox.as_data()
    assert asked(sandbox, "GET", "/favicon.ico")[0] == "404 Not Found"
    assert not sandbox.calls


def test_head_is_answered_without_a_body() -> None:
    sandbox = Sandbox()
    assert asked(sandbox, "HEAD", "/content.json")[2] == b""
    assert asked(sandbox, "HEAD", "/nothing")[2] == b""


def test_the_query_reaches_the_sandbox() -> None:
    sandbox = Sandbox()
    records = json.dumps({"records": [{"Name": "Acme"}]}).encode()
    path = "/v1/data/objects/Company"
    assert asked(sandbox, "POST", path, records, HTTP_ACCESSKEY="k")[0] == "200 OK"
    assert asked(sandbox, "PUT", path, records, HTTP_ACCESSKEY="k", QUERY_STRING="keys=Name")[0] == "200 OK"
    assert asked(sandbox, "PUT", path, records, HTTP_ACCESSKEY="k")[0] == "400 Bad Request"


def test_a_header_value_that_is_no_utf_8_stays_latin_1() -> None:
    sandbox = Sandbox()
    names = {"SHAREDSECRET": "s", "TENANTID": "t", "TOPICNAME": "t", "EVENTNAME": "caf\xe9", "EVENTVERSION": "1"}
    headers = {f"HTTP_{name}": value for name, value in names.items()}
    assert asked(
        sandbox, "POST", transform(TRACK, CONFIG).url[len("https://acme.gainsightcloud.com") :], b"{}", **headers
    )
    assert [event["name"] for event in sandbox.events] == ["caf\xe9"]


@pytest.mark.parametrize("length", ["-1", "much", "²"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    sandbox = Sandbox()
    assert asked(sandbox, "PUT", PEOPLE, b"{}", CONTENT_LENGTH=length)[0] == "400 Bad Request"
    assert not sandbox.calls


def test_half_an_emoji_breaks_neither_page_nor_content() -> None:
    sandbox = Sandbox()
    asked(sandbox, "PUT", PEOPLE, b'{"Email": "ada@example.com", "Name": "\\ud83d"}', HTTP_ACCESSKEY="k")
    assert b"\\ud83d" in asked(sandbox, "GET", "/")[2]
    assert json.loads(asked(sandbox, "GET", "/content.json")[2])["people"][0]["Name"] == "\ud83d"


def test_a_client_that_goes_away_before_its_answer_leaves_no_trace() -> None:
    """On Python 3.13 and later, a writer that cannot be closed would tell of it when it is collected."""
    for _ in range(5):
        with Server(Sandbox(faults=[PlannedFault("slow", seconds=0.05)])) as server:
            connection = socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(f"PUT {PEOPLE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            connection.close()  # with a reset
            assert requests.put(server.url + PEOPLE, json=ADA, timeout=5).status_code == 400
    gc.collect()
