"""A config with mappings of all sorts, and events to explain with it."""

from __future__ import annotations

from typing import Any

import attrs

from tests import some
from tests.some import ADA, Event

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "address.city": "City__gc", "score": "FirstName", "tier": "Plan__gc"},
    company_map={"region": "Region__gc", "health.nps": "Nps"},
    event_name_map={"Ticket Closure": "ticket_closed", "No Version": "none"},
)
EMAIL = {"email": ADA}


def identify(traits: dict[str, Any], **context_traits: Any) -> Event:
    """A person of traits, some of which may be in the context."""
    return some.identify(**traits) | {"context": {"traits": context_traits}}


def group(traits: dict[str, Any], **context_traits: Any) -> Event:
    """A company of traits, and a person of those in the context."""
    return {"type": "group", "traits": {"name": "Acme", **traits}, "context": {"traits": {**EMAIL, **context_traits}}}


def track(event: Any = "Ticket Closure", **more: Any) -> Event:
    """An event that need have no properties."""
    return {"type": "track", "event": event, **more}
