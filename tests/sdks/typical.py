"""What applications typically ask an SDK of RudderStack's to send, and what is to be in Gainsight afterwards."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import attrs

from gainsight_dest.sandbox.content import gsid_of
from tests import some

CONFIG = attrs.evolve(
    some.CONFIG, person_map={"plan": "Plan__gc", "since": "Since__gc"}, company_map={"region": "Region__gc"}
)

#: Values of the SDK's own language, which it writes as it does.
MOMENT = datetime(2026, 3, 1, 8, 30, tzinfo=timezone.utc)

MARA: dict[str, Any] = {"email": "mara@example.com", "firstName": "Mara", "lastName": "Öz", "plan": "gold"}
BIRCH = {"name": 'Birch & Söhne "Ltd"'}
CONTRACT = {"externalId": [{"type": "gainsightEventContractId", "id": "contract-7"}]}

#: The method, its arguments as Node has them, and what becomes of the event.
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("identify", {"userId": "u-1", "traits": {**MARA, "since": MOMENT, "score": None}}, "delivered"),
    (
        "identify",
        {"userId": "u-2", "context": {"traits": {"email": "otis@example.com", "name": "Otis Lind"}}},
        "delivered",
    ),
    (
        "group",
        {
            "userId": "u-1",
            "groupId": "g-1",
            "traits": {**BIRCH, "employees": 12, "region": "EMEA"},
            "context": {"traits": {"email": MARA["email"]}},
        },
        "delivered",
    ),
    ("track", {"userId": "u-1", "event": "Ticket Closure", "properties": {"ticket": 7, "fee": 10.1}}, "delivered"),
    ("track", {"userId": "u-1", "event": "Ticket Closure", "context": CONTRACT}, "delivered"),
    ("track", {"userId": "u-1", "event": "Ticket Closure", "integrations": {"All": False}}, "skipped"),
    ("page", {"userId": "u-1", "name": "Docs", "properties": {"path": "/docs"}}, "skipped"),
]
STATUSES = [status for _, _, status in CALLS]


def content(moment: str) -> dict[str, Any]:
    """What is in Gainsight after all of them, by an SDK that writes the moment so."""
    gsid = gsid_of(0)
    mara = {"Email": "mara@example.com", "FirstName": "Mara", "LastName": "Öz", "Name": "Mara Öz", "Plan__gc": "gold"}
    event = {"name": "closed", "version": "1.0.0", "topic": "Tickets"}
    return {
        "people": [
            {**mara, "Since__gc": moment, "companies": [{"Company_ID": gsid}]},
            {"Email": "otis@example.com", "Name": "Otis Lind", "companies": []},
        ],
        "companies": [{"Gsid": gsid, "Name": BIRCH["name"], "Employees": 12, "Region__gc": "EMEA"}],
        "events": [
            {**event, "properties": {"ticket": 7, "fee": 10.1}},
            {**event, "properties": {}, "contract_id": "contract-7"},
        ],
    }
