"""How long `transform` takes, with reading the request, as a ratio to parsing the same event's JSON, side by side.

    python benchmarks/transform.py

Each round times every contestant in turn, so that a slow moment of the machine hits all of them alike; the figure is
the median of the rounds' ratios.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson

from gainsight_dest import CreateCompany, DestinationConfig, Request, Response, transform

CONFIG = {
    "domain": "example.invalid",
    "accessKey": "2f6c8a44-7d53-4a8b-9a50-7f5f1c8a2f10",
    "sharedSecret": "c0ffee00-1111-2222-3333-444455556666",
    "tenantId": "3f9f2e8a-0a2b-4e5c-8d0a-6a3f6f0d8c11",
    "topicName": "Support Tickets",
    "contractId": "contract-1",
    "personMap": [{"from": "plan", "to": "plan__gc"}],
    "companyMap": [{"from": "plan", "to": "plan__gc"}],
    "eventNameMap": [{"from": "Ticket Closure", "to": "ticket_closed"}],
    "eventVersionMap": [{"from": "Ticket Closure", "to": "1.0.0"}],
}

ENVELOPE = {
    "channel": "web",
    "messageId": "3c5d2f0e-52c8-4c8e-a4f1-6f2ad7d6b1c4",
    "anonymousId": "8d872292709c6fbe",
    "userId": "sample-user-id",
    "originalTimestamp": "2026-03-02T09:03:17.562Z",
    "sentAt": "2026-03-02T09:03:22.000Z",
    "integrations": {"All": True},
}
CONTEXT = {
    "app": {"name": "Acme Desk", "version": "4.2.1"},
    "library": {"name": "RudderLabs JavaScript SDK", "version": "3.1.0"},
    "locale": "en-GB",
    "ip": "203.0.113.9",
    "page": {"path": "/settings/profile", "title": "Profile"},
}

EVENTS = {
    "identify": {
        "type": "identify",
        **ENVELOPE,
        "context": CONTEXT,
        "traits": {
            "email": "ada@example.com",
            "name": "Ada Lovelace",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "location": "London, United Kingdom",
            "externalRecordId": "crm-000123",
            "timezone": "Europe/London",
            "comments": "Met at the user group in spring",
            "plan": "enterprise",
            "signupSource": "webinar",
            "seats": 12,
        },
    },
    "group": {
        "type": "group",
        **ENVELOPE,
        "groupId": "sample-group-id",
        "context": {**CONTEXT, "traits": {"email": "ada@example.com"}},
        "traits": {
            "name": "Analytical Engines Ltd",
            "employees": 1000,
            "industry": "Software",
            "billingAddress": "12 St James's Square, London",
            "arr": 120000,
            "mrr": 10000,
            "renewalDate": "2027-01-31",
            "status": "active",
            "plan": "enterprise",
            "tickerSymbol": "AEL",
            "signupSource": "webinar",
        },
    },
    "track": {
        "type": "track",
        **ENVELOPE,
        "event": "Ticket Closure",
        "context": {**CONTEXT, "externalId": [{"type": "gainsightEventContractId", "id": "sample-contract-id"}]},
        "properties": {
            "name": "Ada Lovelace",
            "status": "resolved",
            "ticketId": "T-10023",
            "priority": "high",
            "minutes": 42,
            "reopened": False,
            "agent": "Charles Babbage",
            "channel": "email",
            "tags": "billing",
            "score": 4.5,
            "product": "Analytical Engine",
        },
    },
}

#: Answers to a find and to a write.
FOUND_NONE = Response(200, b'{"result": true, "data": {"records": []}}')
SAVED = Response(200, b'{"result": true, "data": {"records": [{"Gsid": "1P02ABC", "Name": "Analytical Engines Ltd"}]}}')

ROUNDS = 200
CALLS = 500


def seconds(call: Callable[[], Any]) -> float:
    """The time of one call, over many."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS


def read(request: Request) -> tuple[str, str, dict[str, str], Any]:
    """What a client sends."""
    return request.method, request.url, request.headers, request.body


def chain(event: dict[str, Any], config: DestinationConfig) -> None:
    """All the requests of an event, each answered."""
    request: Request | None = transform(event, config)
    while request is not None:
        read(request)
        request = request.next(SAVED if isinstance(request, CreateCompany) else FOUND_NONE)


def measure(event: dict[str, Any], config: DestinationConfig) -> dict[str, list[float]]:
    """The times of each contestant, a round each."""
    body = json.dumps(event)
    contestants: dict[str, Callable[[], Any]] = {
        "transform": lambda: transform(event, config),
        "and read": lambda: read(transform(event, config)),
        "chain": lambda: chain(event, config),
        "json.loads": lambda: json.loads(body),
        "orjson.loads": lambda: orjson.loads(body),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, call in contestants.items():
            times[name].append(seconds(call))
    return times


def ratio(times: dict[str, list[float]], ours: str, theirs: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(times[ours], times[theirs], strict=True))


def main() -> None:
    """Print a line for each type of event."""
    config = DestinationConfig.from_rudderstack(CONFIG)
    print("event     bytes  transform  and read   x json.loads  x orjson.loads  all requests   x json.loads")
    for name, event in EVENTS.items():
        times = measure(event, config)
        alone, both, all_of_it = (statistics.median(times[each]) * 1e6 for each in ("transform", "and read", "chain"))
        print(
            f"{name:9} {len(json.dumps(event)):5}  {alone:6.2f} µs  {both:6.2f} µs"
            f"   {ratio(times, 'and read', 'json.loads'):12.2f}  {ratio(times, 'and read', 'orjson.loads'):14.2f}"
            f"     {all_of_it:6.2f} µs   {ratio(times, 'chain', 'json.loads'):12.2f}"
        )


if __name__ == "__main__":
    main()
