"""Some config, some events: what a test takes where it does not matter which, and what it starts from where it does.

What differs is said where it matters: `attrs.evolve(CONFIG, person_map={"plan": "Plan__gc"})`,
`identify(plan="gold") | {"messageId": "m-1"}`. Whole events, with all that RudderStack puts into them, are made by the
test kit: `gainsight_dest.testing`.
"""

from __future__ import annotations

from typing import Any

from gainsight_dest import DestinationConfig

Event = dict[str, Any]

#: Found in whatever shows them by mistake.
ACCESS_KEY = "MARKED-access-key-7f3a"
SHARED_SECRET = "MARKED-shared-secret-91bc"
SECRETS = (ACCESS_KEY, SHARED_SECRET)

#: A destination's Config, as RudderStack stores it.
SETTINGS: dict[str, Any] = {
    "domain": "acme.gainsightcloud.com",
    "accessKey": ACCESS_KEY,
    "sharedSecret": SHARED_SECRET,
    "tenantId": "tenant",
    "topicName": "Tickets",
    "eventNameMap": [{"from": "Ticket Closure", "to": "closed"}],
    "eventVersionMap": [{"from": "Ticket Closure", "to": "1.0.0"}],
}
CONFIG = DestinationConfig.from_rudderstack(SETTINGS)
#: For a sandbox, a Deliverer: no limit of calls, so that nothing waits.
FREE: dict[str, Any] = {"calls_per_minute": None, "calls_per_day": None}

ADA = "ada@example.com"


def identify(email: Any = ADA, **traits: Any) -> Event:
    """A person."""
    return {"type": "identify", "traits": {"email": email, **traits}}


def group(name: Any = "Acme", email: Any = ADA, **traits: Any) -> Event:
    """A company, and the person to be linked to it."""
    return {"type": "group", "traits": {"name": name, **traits}, "context": {"traits": {"email": email}}}


def track(name: Any = "Ticket Closure", **properties: Any) -> Event:
    """An event of Gainsight's."""
    return {"type": "track", "event": name, "properties": properties}
