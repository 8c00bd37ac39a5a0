"""The service under load, beside `orjson.loads` and `orjson.dumps` of the same bytes, in one run.

python benchmarks/serve.py [REQUESTS]

Batches of 200 identifies of about 1.2 kB go to the router's route over loopback, from another process. First comes the
CPU time of an event, by type, in this process. REQUESTS, such as 100000, are sent at the end to watch the memory. Then
fifty groups of one new company come at once, each in a request of its own. At last the service is stopped under load:
what was taken is answered.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from gainsight_dest import DestinationConfig
from gainsight_dest.rudderstack import router
from gainsight_dest.rudderstack.app import answer_of_router, encoded
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server

ITEMS = 200
SECONDS = 6.0
COMPANY_REQUESTS = 50
HEADERS = {"Content-Type": "application/json"}
DESTINATION = {
    "id": "2XmWqYtKjB",
    "name": "Gainsight",
    "Config": {
        "domain": "acme.gainsightcloud.com",
        "accessKey": "EXAMPLE-access-key-7d0c9a52-6d1e-4b7a",
        "personMap": [{"from": "plan", "to": "Plan__gc"}, {"from": "department", "to": "Department__gc"}],
        "sharedSecret": "EXAMPLE-shared-secret",
        "topicName": "Tickets",
        "tenantId": "EXAMPLE-tenant",
        "eventNameMap": [{"from": "Order Completed", "to": "Order"}],
        "eventVersionMap": [{"from": "Order Completed", "to": "1.0"}],
    },
    "enabled": True,
}


def identify(number: int) -> dict[str, Any]:
    """An event of about 1.2 kB, as RudderStack's JavaScript SDK sends it."""
    page = {"path": "/login", "referrer": "$direct", "title": "Sign in", "url": "https://desk.acme.example/login"}
    traits = {"email": f"p{number}@example.com", "firstName": "Ada", "lastName": "Lovelace", "plan": "gold", "age": 36}
    return {
        "type": "identify",
        "channel": "web",
        "messageId": f"bb2adece-e2ad-49af-a023-{number:012}",
        "anonymousId": "424b1fee-9709-4315-85d9-5954058b4714",
        "userId": f"user-{number}",
        "traits": {**traits, "timezone": "Europe/London", "department": "Research", "comments": "met at the summit"},
        "context": {
            "library": {"name": "RudderLabs JavaScript SDK", "version": "3.15.1"},
            "app": {"name": "Acme Desk", "namespace": "desk.acme.example", "version": "7.4.2"},
            "locale": "en-US",
            "ip": "203.0.113.7",
            "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/134.0.0.0 Safari/537.36",
            "page": page,
            "screen": {"density": 2, "width": 1440, "height": 900, "innerWidth": 1440, "innerHeight": 789},
            "sessionId": 1764000000000 + number,
        },
        "originalTimestamp": "2026-03-02T08:00:17.472Z",
        "sentAt": "2026-03-02T08:00:22.869Z",
        "receivedAt": "2026-03-02T08:00:22.869Z",
        "request_ip": "203.0.113.7",
        "integrations": {"All": True},
    }


def track(number: int) -> dict[str, Any]:
    """An event of the same length, about."""
    order = {"orderId": f"o-{number}", "total": 1299.5, "currency": "EUR", "coupon": "SPRING", "quantity": 3}
    return {**identify(number), "type": "track", "event": "Order Completed", "properties": order, "traits": {}}


def job(number: int) -> dict[str, Any]:
    """What rudder-server wants to have back."""
    names = {"sourceId": "1hB3", "destinationId": DESTINATION["id"], "workspaceId": "1hB2", "userId": f"user-{number}"}
    return {"jobId": number, "attemptNum": 0, "createdAt": "2026-03-02T08:00:23.001Z", **names}


def bodies(event: Callable[[int], dict[str, Any]] = identify) -> dict[str, bytes]:
    """A request in the format in which every item has its destination, and in the compacted one."""
    items = [{"message": event(n), "metadata": job(n)} for n in range(ITEMS)]
    whole = [{**item, "destination": DESTINATION} for item in items]
    shared = {"destinations": {DESTINATION["id"]: DESTINATION}, "connections": {}}
    return {
        "whole": orjson.dumps({"input": whole, "destType": "gainsight"}),
        "compacted": orjson.dumps({"input": items, "destType": "gainsight", **shared}),
    }


@contextmanager
def service(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`gainsight-dest serve` in a process of its own, and its address."""
    command = [sys.executable, "-m", "gainsight_dest", "serve", "--port", "0", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield process, process.stdout.readline().split()[-1]
        process.terminate()


def client(url: str, body: bytes, stop: Callable[[], bool], packed: bool) -> list[float]:  # noqa: FBT001 - for Pool, which gives no names
    """Requests one after the other over one connection: how long each took. Ends when it is refused."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    headers = {**HEADERS, "Accept-Encoding": "gzip"} if packed else HEADERS
    times = []
    while not stop():
        started = time.perf_counter()
        connection.request("POST", "/routerTransform", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200  # noqa: S101 - else nothing is measured
        times.append(time.perf_counter() - started)
    return times


def load(url: str, body: bytes, connections: int, *, packed: bool = False) -> list[float]:
    """The times of all requests of some seconds, by clients in one process of their own."""
    with multiprocessing.Pool(1) as pool:
        return pool.apply(clients, (url, body, connections, packed))


def clients(url: str, body: bytes, connections: int, packed: bool) -> list[float]:  # noqa: FBT001 - the same
    """Connections side by side, for some seconds."""
    end = time.perf_counter() + SECONDS
    times: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: times.append(client(url, body, lambda: time.perf_counter() > end, packed)))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [each for some in times for each in some]


def bare(body: bytes) -> float:
    """Events a second of loads and dumps alone, for a second."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + 1:
        orjson.dumps(orjson.loads(body))
        count += 1
    return count * ITEMS / (time.perf_counter() - started)


def within(body: bytes) -> float:
    """Events a second of the functions alone, with loads and dumps, in this process."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + 1:
        orjson.dumps(router(orjson.loads(body), never))
        count += 1
    return count * ITEMS / (time.perf_counter() - started)


def cpu(body: bytes) -> float:
    """Seconds of CPU an event that the service takes beside HTTP, the least of a hundred rounds."""
    times = []
    for _ in range(100):
        started = time.thread_time()
        encoded(answer_of_router(body, never, batch=True))
        times.append(time.thread_time() - started)
    return min(times) / ITEMS


def never(_: object) -> Any:
    """No identify needs a call."""
    raise AssertionError


def memory(process: subprocess.Popen[str]) -> float:
    """MB that the process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main(requests: int) -> None:
    """Print the figures."""
    for event in (identify, track):
        each = ", ".join(f"{1e6 * cpu(body):.1f} µs {name}" for name, body in bodies(event).items())
        print(f"CPU of one {event.__name__}: {each}")
    for name, body in bodies().items():
        print(f"{name}: {ITEMS} identifies of {len(json.dumps(identify(1))):,} bytes, {len(body):,} bytes in all")
        for connections, packed in ((1, False), (4, False), (16, False), (4, True)):
            with service() as (_, url):
                load(url, body, 1)
                before = bare(body)
                times = sorted(load(url, body, connections, packed=packed))
                both = statistics.mean((before, bare(body)))
                rate = len(times) * ITEMS / SECONDS
                p50, p99 = (1000 * times[int(len(times) * share)] for share in (0.5, 0.99))
                print(
                    f"  {connections:2} connections{', gzip' if packed else '':6} {rate:8,.0f} events/s, "
                    f"orjson {both:8,.0f}: {rate / both:.2f} x   p50 {p50:.1f} ms, p99 {p99:.1f} ms"
                )
        print(f"  the functions alone, no service: {within(body) / bare(body):.2f} x")
    watch_memory(requests)
    for workers in (1, 2, 4):
        for alike in (True, False):
            one_new_company(workers, alike=alike)
    stop_under_load()


def one_new_company(workers: int, *, alike: bool) -> None:
    """Fifty requests at once with a group of the same new company, whose traits are alike or not.

    A call to the tenant takes 100 ms.
    """
    config = DestinationConfig.from_rudderstack(DESTINATION)
    faults = [PlannedFault("slow", seconds=0.1)]
    tenant = Sandbox(config, calls_per_minute=None, calls_per_day=None, faults=faults)
    together = threading.Barrier(COMPANY_REQUESTS)

    def ask(url: str, number: int) -> tuple[float, int]:
        traits = {"name": "Acme", "industry": "Research" if alike else f"Industry {number}"}
        event = {"type": "group", "traits": traits, "context": {"traits": {"email": f"p{number}@example.com"}}}
        items = [{"message": event, "metadata": job(number), "destination": DESTINATION}]
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
        connection.request("GET", "/health")
        connection.getresponse().read()
        together.wait()
        started = time.perf_counter()
        connection.request("POST", "/routerTransform", orjson.dumps({"input": items}), HEADERS)
        (answer,) = orjson.loads(connection.getresponse().read())["output"]
        return time.perf_counter() - started, answer["statusCode"]

    with (
        Server(tenant, threads=64) as server,
        service("--base-url", server.url, "--workers", str(workers)) as (_, url),
        ThreadPoolExecutor(COMPANY_REQUESTS) as pool,
    ):
        answers = sorted(pool.map(partial(ask, url), range(COMPANY_REQUESTS)))
    statuses = Counter(status for _, status in answers)
    traits = "alike" if alike else "not alike"
    print(
        f"{COMPANY_REQUESTS} groups at once of a new company, traits {traits}, {workers} workers: "
        f"{len(tenant.companies)} companies, {sum(tenant.counts.values())} calls, statuses {dict(statuses)}, "
        f"p50 {1000 * answers[COMPANY_REQUESTS // 2][0]:.0f} ms, p99 {1000 * answers[-1][0]:.0f} ms"
    )


def watch_memory(requests: int) -> None:
    """Small requests, many of them: what the service holds along the way."""
    body = orjson.dumps({"input": [{"message": identify(1), "metadata": job(1), "destination": DESTINATION}] * 5})
    with service() as (process, url):
        done, shown = 0, [f"{memory(process):.0f} MB"]
        steps = 5
        for _ in range(steps):
            count = iter(range(requests // steps))
            client(url, body, lambda left=count: next(left, None) is None, packed=False)  # type: ignore[misc] # mypy takes the default for an argument
            done += requests // steps
            shown.append(f"{memory(process):.0f} after {done:,}")
        print(f"memory: {', '.join(shown)}")


def stop_under_load() -> None:
    """SIGTERM while eight clients are sending: whatever was taken must be answered."""
    body = bodies()["whole"]
    with service() as (process, url):
        parts = urlsplit(url)
        answered, broken = [], []

        def sending() -> None:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
            while True:
                try:
                    connection.request("POST", "/routerTransform", body, HEADERS)
                except OSError:
                    return  # not taken
                try:
                    answer = connection.getresponse()
                    answered.append(len(orjson.loads(answer.read())["output"]))
                    if answer.getheader("Connection") == "close":
                        return
                except http.client.RemoteDisconnected:
                    return  # closed between two requests: a client sends it again
                except (http.client.HTTPException, OSError) as error:
                    broken.append(error)
                    return

        threads = [threading.Thread(target=sending) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        status = process.wait()
        whole = all(count == ITEMS for count in answered)
        print(f"stopped under load: {len(answered)} answered, {len(broken)} broken off, whole: {whole}, exit {status}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
