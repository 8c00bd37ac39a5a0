"""A config that nothing is wrong with, what it is changed by, and events that it is right for."""

from __future__ import annotations

from typing import Any

from tests.some import Event, group, identify

CLOSED = "Ticket Closure"


def row(source: Any, target: Any) -> dict[str, Any]:
    return {"from": source, "to": target}


#: Nothing is wrong with it.
GOOD = {
    "domain": "acme.gainsightcloud.com",
    "accessKey": "7d0c9a52-6d1e-4b7a",
    "sharedSecret": "2b84e1f0-53c6-4f0d",
    "tenantId": "5e7f1c38-90ab",
    "topicName": "Support Tickets",
    "personMap": [row("plan", "Plan__gc"), row("", "")],
    "companyMap": [row("region", "Region__gc")],
    "eventNameMap": [row(CLOSED, "ticket_closed")],
    "eventVersionMap": [row(CLOSED, "1.0.0")],
    "connectionMode": {"web": "cloud"},
}
NOTHING_MAPPED: dict[str, Any] = {"personMap": [], "companyMap": None}
NO_EVENTS: dict[str, Any] = {"eventNameMap": [], "eventVersionMap": {}}


def config(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def person(**traits: Any) -> Event:
    return identify(**traits)


def company(**traits: Any) -> Event:
    return group(**{"region": "EMEA", **traits})


def track(name: Any = CLOSED) -> Event:
    return {"type": "track", "event": name}


#: Events that the good config is right for.
WELL = [person(plan="gold"), company(), track()]


def maps(source: str, name: Any = "a", version: Any = "1") -> dict[str, Any]:
    """Both event maps, with one more event."""
    return {
        "eventNameMap": [*GOOD["eventNameMap"], row(source, name)],
        "eventVersionMap": [*GOOD["eventVersionMap"], row(source, version)],
    }


def people(*rows: Any) -> dict[str, Any]:
    return {"personMap": [row("plan", "Plan__gc"), *rows]}


def companies(*rows: Any) -> dict[str, Any]:
    return {"companyMap": [row("region", "Region__gc"), *rows]}
