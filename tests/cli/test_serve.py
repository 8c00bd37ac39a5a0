"""`gainsight-dest serve`, run as a service manager runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests

from gainsight_dest.rudderstack import server
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.process import LONGEST, address, ended, run, serving, started, until, wrong_use
from tests.needs import need
from tests.rudderstack.rudder import body, destination
from tests.some import CONFIG, FREE, SETTINGS, group, identify

pytestmark = pytest.mark.process

ROUTER = "/routerTransform"
NOWHERE = "http://127.0.0.1:9"
WAYS_TO_END = [
    (1, signal.SIGINT),
    *(
        pytest.param(*each, marks=pytest.mark.long)
        for each in ((2, signal.SIGTERM), (1, signal.SIGTERM), (2, signal.SIGINT))
    ),
]


def post(url: str, given: Any) -> requests.Response:
    return requests.post(url, json=given, timeout=LONGEST)


def counted(url: str, path: str) -> int:
    """How many requests for the path the service says it has answered."""
    text = requests.get(f"{url}/metrics", timeout=LONGEST).text
    found = re.findall(rf'^gainsight_dest_requests_total{{route="{path}",status="200"}} (\S+)$', text, re.MULTILINE)
    return sum(int(float(each)) for each in found)


@pytest.mark.again
@pytest.mark.parametrize(("workers", "how"), WAYS_TO_END)
def test_what_is_in_flight_when_it_is_asked_to_end_is_answered(workers: int, how: signal.Signals) -> None:
    sandbox = Sandbox(CONFIG, **FREE, faults=[PlannedFault("slow", action="create company", seconds=2)])
    count = 6
    with (
        Server(sandbox) as tenant,
        serving("--base-url", tenant.url, "--workers", workers, "--quiet") as (process, url),
        ThreadPoolExecutor(count) as pool,
    ):
        bodies = [body(group(f"Company {n}")) for n in range(count)]
        answers = [pool.submit(post, f"{url}{ROUTER}", each) for each in bodies]
        until(lambda: len(sandbox.companies) == count)  # they are written, and the answers are on their way
        assert not any(answer.done() for answer in answers)
        done = ended(process, how)
        assert (done.returncode, done.stderr) == (0, b"")
        gsids = {company["Name"]: company["Gsid"] for company in sandbox.companies}
        for n, answer in enumerate(answers):
            (told,) = answer.result().json()["output"]
            assert told["batchedRequest"]["body"]["JSON"]["companies"] == [{"Company_ID": gsids[f"Company {n}"]}]


@pytest.mark.long
@pytest.mark.parametrize(("workers", "how"), WAYS_TO_END)
def test_it_may_be_asked_to_end_as_soon_as_it_has_told_its_address(workers: int, how: signal.Signals) -> None:
    with serving("--workers", workers) as (process, _):
        done = ended(process, how)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.again
@pytest.mark.skipif(os.name == "nt", reason="a terminal of another kind")
@pytest.mark.parametrize(
    ("workers", "asked"),
    [(2, 0), *(pytest.param(*each, marks=pytest.mark.long) for each in ((1, 0), (1, 20), (2, 20)))],
)
def test_ctrl_c_which_reaches_every_process_of_it_ends_it_quietly(workers: int, asked: int) -> None:
    with started("serve", "--port", 0, "--quiet", "--workers", workers) as process:
        url = address(process)
        for _ in range(asked):  # workers may still be on their way
            assert requests.get(f"{url}/health", timeout=LONGEST).status_code == 200
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=LONGEST)
    assert (process.returncode, stderr) == (0, b"")


@pytest.mark.again
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no such signals")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_what_was_sent_before_it_is_asked_to_end_is_answered(workers: int) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving("--workers", workers, "--quiet") as (process, url), ExitStack() as stack:
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        assert requests.get(f"{url}/health", timeout=LONGEST).ok
        os.killpg(process.pid, signal.SIGSTOP)  # so that none of it is accepted yet
        clients = [stack.enter_context(socket.create_connection(place, timeout=LONGEST)) for _ in range(50)]
        for client in clients:
            client.sendall(request)
        time.sleep(0.2)  # when it goes on, it is time to look whether it is to end
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)
        answers = [_all(client) for client in clients]
        assert all(answer.endswith(b'{"service":"UP"}') for answer in answers), answers
        _, stderr = process.communicate(timeout=LONGEST)
    assert (process.returncode, stderr) == (0, b"")


def _all(client: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    pieces = []
    with suppress(ConnectionError):
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.skipif(os.name == "nt", reason="another way to share a port")
def test_workers_whose_parent_is_killed_end_and_leave_neither_the_port_nor_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving("--workers", 2, "--quiet") as (process, url):
        until(lambda: requests.get(f"{url}/health", timeout=LONGEST).ok)
        process.kill()
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        until(lambda: _is_free(place))
        until(lambda: not [*tmp_path.iterdir()])


def _is_free(place: tuple[str, int]) -> bool:
    with socket.socket() as client:
        if client.connect_ex(place) == 0:
            return False
    try:
        socket.create_server(place).close()
    except OSError:
        return False
    return True


@pytest.mark.long
def test_it_ends_in_time_though_hosts_never_answer() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as silent,
        serving("--base-url", f"http://127.0.0.1:{silent.getsockname()[1]}", "--quiet", forever=True) as (process, url),
        ThreadPoolExecutor(32) as pool,
    ):
        many = [
            body(*(group(f"C{n}") for n in range(500)), to=destination({**SETTINGS, "domain": f"h{host}.example.com"}))
            for host in range(32)
        ]
        answers = [pool.submit(post, f"{url}{ROUTER}", each) for each in many]
        accepted = [silent.accept()[0] for _ in range(32)]
        started_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=70)
        assert time.monotonic() - started_at < 60
        assert (process.returncode, stderr) == (0, b"")
        for answer in answers:
            assert {each["statusCode"] for each in answer.result().json()["output"]} == {500}
        for each in accepted:
            each.close()


# --- a store that all requests share ----------------------------------------------------------------------------------


def at_once(given: list[tuple[str, Any]]) -> list[Any]:
    """The items of the answers to those requests, by their addresses, all of which are sent at the same moment."""
    together = threading.Barrier(len(given))

    def ask(request: tuple[str, Any]) -> Any:
        with requests.Session() as session:
            session.get(f"{request[0]}/health", timeout=LONGEST)
            together.wait()
            answer = session.post(f"{request[0]}{ROUTER}", json=request[1], timeout=LONGEST)
        return answer.json()["output"][0]

    with ThreadPoolExecutor(len(given)) as pool:
        return [*pool.map(ask, given)]


@pytest.mark.parametrize(
    "workers", [1, pytest.param(2, marks=pytest.mark.again), pytest.param(4, marks=pytest.mark.long)]
)
def test_fifty_requests_at_once_for_a_new_company_create_it_once(workers: int) -> None:
    sandbox = Sandbox(CONFIG, **FREE, faults=[PlannedFault("slow", seconds=0.05)])
    with (
        Server(sandbox, threads=64) as tenant,
        serving("--base-url", tenant.url, "--workers", workers, "--quiet") as (_, url),
    ):
        told = at_once([(url, body(group("Acme", f"p{number}@example.com"))) for number in range(50)])
    [company] = sandbox.companies
    assert {each["statusCode"] for each in told} == {200}
    links = [each["batchedRequest"]["body"]["JSON"] for each in told]
    assert {link["companies"][0]["Company_ID"] for link in links} == {company["Gsid"]}
    assert len({link["Email"] for link in links}) == 50


@pytest.mark.again
def test_two_services_that_share_a_store_create_a_company_once(tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG, **FREE, faults=[PlannedFault("slow", seconds=0.05)])
    with Server(sandbox, threads=64) as tenant, ExitStack() as stack:
        options = ("--base-url", tenant.url, "--store", tmp_path / "known.db", "--quiet")
        urls = [stack.enter_context(serving(*options))[1] for _ in range(2)]
        told = at_once([(urls[number % 2], body(group("Acme", industry=f"i{number}"))) for number in range(20)])
    assert len(sandbox.companies) == 1
    assert {each["statusCode"] for each in told} == {200}


def test_what_the_proxy_delivered_is_filtered_if_it_is_told_to(tmp_path: Path) -> None:
    sandbox = Sandbox(CONFIG, **FREE)
    options = ("--known", "--resend-after", "1h", "--store", tmp_path / "known.db", "--quiet")
    with Server(sandbox) as tenant:
        for statuses in ([200, 200], [298, 298]):  # the store stays, as it has a name
            with serving("--base-url", tenant.url, *options) as (_, url):
                output = post(f"{url}{ROUTER}", body(identify(firstName="Ada"), group(email="b@example.com"))).json()[
                    "output"
                ]
                assert [each["statusCode"] for each in output] == statuses
                for each in output:
                    if "batchedRequest" in each:
                        delivery = {**each["batchedRequest"], "metadata": each["metadata"]}
                        assert (
                            post(f"{url}/v1/destinations/gainsight/proxy", delivery).json()["output"]["status"] == 200
                        )


def test_items_of_a_person_are_not_merged_if_it_is_told_not_to() -> None:
    with serving("--quiet", "--no-batch") as (_, url):
        assert merged(url) == [1, 1]


def test_it_answers_as_soon_as_it_has_told_its_address() -> None:
    with serving() as (_, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=LONGEST):
            pass
        assert requests.get(f"{url}/health", timeout=LONGEST).json() == {"service": "UP"}


@pytest.mark.long
def test_the_counts_of_the_workers_add_up() -> None:
    with serving("--workers", 2, "--quiet") as (_, url), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(f"{url}{ROUTER}", body(identify())), range(40)))
        assert all(answer.status_code == 200 for answer in answers)
        until(lambda: counted(url, ROUTER) == 40)  # a request is counted once it is answered
        assert {counted(url, ROUTER) for _ in range(10)} == {40}


@pytest.mark.long
def test_the_workers_leave_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving("--workers", 2) as (process, url):
        assert requests.get(f"{url}/health", timeout=LONGEST).ok
        assert [*tmp_path.iterdir()]
        assert ended(process, signal.SIGTERM).returncode == 0
    assert not [*tmp_path.iterdir()]


@pytest.mark.again
@pytest.mark.parametrize(
    ("workers", "quiet"),
    [(1, False), *(pytest.param(*each, marks=pytest.mark.long) for each in ((1, True), (2, False)))],
)
def test_its_access_log_holds_nothing_of_an_event_and_none_is_kept_on_request(workers: int, quiet: bool) -> None:
    with serving("--workers", workers, *["--quiet"] * quiet) as (process, url):
        post(f"{url}{ROUTER}?q=of-ada", body(identify(firstName="of-ada")))
        requests.get(f"{url}/of-ada", timeout=LONGEST)
        done = ended(process, signal.SIGTERM)
    lines = done.stderr.decode().splitlines()
    told = [re.sub(r"^\S+ \S+ (.*), [\d.]+ ms$", r"\1", line) for line in lines]
    assert sorted(told) == ([] if quiet else ["GET (none) 404", f"POST {ROUTER} 200"])


# --- one service that is asked all this -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with serving("--quiet", "--max-body", 1, "--base-url", NOWHERE) as (process, url):
        yield url
        done = ended(process, signal.SIGTERM)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr


def merged(service: str) -> list[int]:
    """How many jobs are in each item of the answer for two items of one person."""
    output = post(f"{service}{ROUTER}", body(identify(firstName="A"), identify(lastName="B"))).json()["output"]
    return [len(each["metadata"]) for each in output]


def test_items_of_a_person_are_merged(service: str) -> None:
    assert merged(service) == [2]


def test_a_body_longer_than_it_is_told_is_refused(service: str) -> None:
    headers = {"Content-Type": "application/json"}
    for length, status in ((2**20, 200), (2**20 + 1, 413)):
        text = b'{"input": []}'.ljust(length)
        answer = requests.post(f"{service}{ROUTER}", data=text, headers=headers, timeout=LONGEST)
        assert answer.status_code == status
        assert answer.headers["apiVersion"] == "2"
    assert answer.json() == {"status": 413, "error": "the body is longer than 1,048,576 bytes"}


def test_gainsight_out_of_reach_is_told_of_the_jobs_that_need_it(service: str) -> None:
    output = post(f"{service}{ROUTER}", body(group(), identify())).json()["output"]
    assert [each["statusCode"] for each in output] == [500, 200]
    assert json.loads(output[0]["error"])["message"].startswith("failed to search group")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 1000,
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /routerTransform HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /routerTransform HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /routerTransform HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"x" * 100_000,
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: x\r\n" * 100_000,
    ],
)
def test_garbage_does_not_end_it(service: str, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(service.rpartition(":")[2])), timeout=LONGEST) as client:
        with suppress(OSError):  # it need not be read to its end
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
        _all(client)
    assert requests.get(f"{service}/health", timeout=LONGEST).json() == {"service": "UP"}


@pytest.mark.parametrize("is_own", [True, False])
def test_a_worker_asks_itself_to_end_once_its_parent_is_gone_and_removes_the_services_own_counts(
    is_own: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *which: asked.append(which))
    server._end_after(mock.Mock(), str(tmp_path) if is_own else None)
    assert asked == [(os.getpid(), signal.SIGTERM)]
    assert tmp_path.exists() is not is_own


# --- wrong use, which needs no process of its own -------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_ends_with_2_and_one_line(workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", "--port", port, "--workers", workers)
    assert wrong_use(done) == f"cannot listen at 127.0.0.1:{port}: Address already in use"


def test_a_host_that_is_none_ends_with_2_and_one_line() -> None:
    assert wrong_use(run("serve", "--port", 0, "--host", "192.0.2.1")).startswith("cannot listen at 192.0.2.1:0: ")


@pytest.mark.again
@pytest.mark.parametrize(
    "url", ["nowhere", "http://example.com", "https://u@example.com", "https://example.com/path", "ftp://127.0.0.1"]
)
def test_a_wrong_base_url_ends_with_2_and_one_line(url: str) -> None:
    assert "base_url: must be" in wrong_use(run("serve", "--port", 0, "--base-url", url))


def test_a_store_that_cannot_be_used_ends_with_2_and_one_line(tmp_path: Path) -> None:
    assert str(tmp_path) in wrong_use(run("serve", "--port", 0, "--store", tmp_path))


def test_a_server_of_a_store_that_is_not_there_ends_with_2_and_one_line() -> None:
    need("redis")
    said = wrong_use(run("serve", "--port", 0, "--store", "redis://:MARKED-password@127.0.0.1:1"))
    assert "127.0.0.1:1" in said
    assert "MARKED" not in said


def test_how_long_something_is_known_is_no_matter_where_nothing_is() -> None:
    done = run("serve", "--port", 0, "--resend-after", "1h")
    assert done.returncode == 2
    assert b"--resend-after needs --known" in done.stderr
