"""Bodies as RudderStack's SDKs for Python, Node and JavaScript send them, kept here: what becomes of each event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest.sandbox.content import gsid_of
from tests import some
from tests.sdks.arriving import arrived, events_in

BODIES = Path(__file__).parent / "bodies"
CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "company.name": "Employer__gc"},
    company_map={"renewalDate": "Renewed__gc"},
)
COMPANY = {"Gsid": gsid_of(0)}
LINKED = {"companies": [{"Company_ID": gsid_of(0)}]}
EVENT = {"name": "closed", "version": "1.0.0", "topic": "Tickets"}


def text(name: str) -> list[str]:
    return (BODIES / f"{name}.ndjson").read_text("utf8").splitlines()


@pytest.mark.parametrize(
    ("name", "statuses", "content"),
    [
        (
            "python",
            {
                "identify": [
                    "delivered",
                    "failed",
                ],  # this SDK drops what an application itself has put into context.traits
                "group": ["delivered", "failed"],
                "track": ["delivered", "delivered"],
                "page": ["skipped"],
                "screen": ["skipped"],
                "alias": ["skipped"],
            },
            {
                "people": [
                    {
                        "Email": "tove@example.com",
                        "FirstName": "Tove",
                        "LastName": "Ek",
                        "Name": "Tove Ek",
                        "Plan__gc": "gold",
                        **LINKED,
                    }
                ],
                "companies": [
                    {
                        **COMPANY,
                        "Name": 'Hazel & Daughters "Ltd"',
                        "Employees": 12,
                        "RenewalDate": "2027-01-31",
                        "Renewed__gc": "2027-01-31",
                    }
                ],
                "events": [
                    {**EVENT, "properties": {"ticket": 7, "when": "2026-03-01T00:00:00+00:00", "fee": 10.1}},
                    {**EVENT, "properties": {}},
                ],
            },
        ),
        (
            "node",
            {
                "identify": ["delivered", "delivered"],
                "group": ["delivered"],
                "track": ["delivered", "skipped", "delivered"],
                "page": ["skipped"],
                "alias": ["skipped"],
            },
            {
                "people": [
                    {
                        "Email": "ilse@example.com",
                        "FirstName": "Ilse",
                        "Name": "Ilse",
                        "Plan__gc": "silver",
                        **LINKED,
                    },
                    {"Email": "bram@example.com", "Name": "Bram", "companies": []},
                ],
                "companies": [{**COMPANY, "Name": "Jörg Öl KG", "Employees": 40}],
                "events": [
                    {**EVENT, "properties": {"ticket": 8, "opened": "2026-02-03T04:05:06.000Z"}},
                    {**EVENT, "properties": {}, "contract_id": "55"},
                ],
            },
        ),
        (
            "javascript",
            {
                "identify": ["delivered", "failed"],
                "group": ["delivered", "failed"],
                "track": ["delivered", "failed"],
                "page": ["skipped"],
            },
            {
                "people": [
                    {
                        "Email": "Runa@Example.com",
                        "FirstName": "Runa",
                        "LastName": "O'Dell",
                        "Name": "Runa O'Dell",
                        "Plan__gc": "pro",
                        "Employer__gc": "Skerry A/S",
                        **LINKED,
                    }
                ],
                "companies": [
                    {
                        **COMPANY,
                        "Name": "Skerry A/S",
                        "Employees": 1.2,
                        "Industry": '["Shipping","Oil"]',
                        "RenewalDate": "2027-03-01T00:00:00.000Z",
                        "Renewed__gc": "2027-03-01T00:00:00.000Z",
                    }
                ],
                "events": [{**EVENT, "properties": {"ticket": 3, "a.b": 1, "nested": {"deep": [1, {}]}}}],
            },
        ),
    ],
)
def test_each_event_of_the_bodies_arrives_or_is_told(
    name: str, statuses: dict[str, list[str]], content: dict[str, Any]
) -> None:
    events = events_in(text(name))
    became, found = arrived(events, CONFIG)
    by_type: dict[str, list[str]] = {}
    for event, status in zip(events, became, strict=True):
        by_type.setdefault(event["type"], []).append(status)
    assert by_type == statuses
    assert found == content
