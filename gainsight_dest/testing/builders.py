"""Whole events as RudderStack's server hands them to a destination: made up, always the same, new on each call.

```python
identify_event(plan="gold", address={"city": "Rome"})
group_event("Acme", employees=250)
track_event("Ticket Closure", contract_id="c-1", status="resolved")
```
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from gainsight_dest.gainsight import CONTRACT_ID_TYPE

#: Who all of it is about, where a test does not say.
EMAIL = "ada@example.com"
COMPANY = "Acme"
EVENT = "Ticket Closure"

#: The settings that every config for tests has, made up.
SETTINGS: dict[str, Any] = {
    "access_key": "test-access-key",
    "shared_secret": "test-shared-secret",
    "tenant_id": "test-tenant",
    "topic_name": "Support Tickets",
}

_Object = Mapping[str, Any]

#: What all events hold beside their own.
_COMMON: _Object = {
    "channel": "web",
    "anonymousId": "4e1f4f0a-52c2-4f0b-9c55-6c7b8d1f2a30",
    "userId": "user-1",
    "originalTimestamp": "2026-03-02T08:00:17.472Z",
    "sentAt": "2026-03-02T08:00:22.869Z",
    "integrations": {"All": True},
}
_CONTEXT: _Object = {
    "library": {"name": "RudderLabs JavaScript SDK", "version": "3.15.1"},
    "app": {"name": "Acme Desk", "namespace": "desk.acme.example", "version": "7.4.2"},
    "locale": "en-US",
    "page": {"path": "/home", "title": "Home", "url": "https://desk.acme.example/home"},
}
_MESSAGE_IDS = {
    "identify": "5f0c8f8e-8a0b-4f57-9a0e-3d1f6f1c0a01",
    "group": "5f0c8f8e-8a0b-4f57-9a0e-3d1f6f1c0a02",
    "track": "5f0c8f8e-8a0b-4f57-9a0e-3d1f6f1c0a03",
}


def identify_event(
    *,
    email: Any = EMAIL,
    traits: _Object | None = None,
    context_traits: _Object | None = None,
    event: _Object | None = None,
    **more_traits: Any,
) -> dict[str, Any]:
    """An identify event. `email` None: it has none. `traits`: those whose names are no keyword; keywords override them.

    `context_traits` are those of its context; the keys of `event` replace whatever it has at its top.
    """
    given = {**({} if email is None else {"email": email}), **(traits or {}), **more_traits}
    return _event("identify", {"traits": given}, {"traits": context_traits} if context_traits else {}, event)


def group_event(
    name: Any = COMPANY,
    /,
    *,
    email: Any = EMAIL,
    traits: _Object | None = None,
    context_traits: _Object | None = None,
    event: _Object | None = None,
    **more_traits: Any,
) -> dict[str, Any]:
    """A group event: the traits of a company, in its context the `email` of the person to be linked to it.

    `name` or `email` None: it has none. The rest is as in `identify_event`.
    """
    given = {**({} if name is None else {"name": name}), **(traits or {}), **more_traits}
    person = {**({} if email is None else {"email": email}), **(context_traits or {})}
    return _event("group", {"groupId": "group-1", "traits": given}, {"traits": person}, event)


def track_event(
    name: Any = EVENT,
    /,
    *,
    contract_id: Any = None,
    properties: _Object | None = None,
    event: _Object | None = None,
    **more_properties: Any,
) -> dict[str, Any]:
    """A track event of that name. `contract_id` becomes an external id. The rest is as in `identify_event`."""
    own = {"event": name, "properties": {**(properties or {}), **more_properties}}
    external = [{"type": CONTRACT_ID_TYPE, "id": contract_id}]
    return _event("track", own, {} if contract_id is None else {"externalId": external}, event)


def _event(event_type: str, own: _Object, context: _Object, event: _Object | None) -> dict[str, Any]:
    head = {"type": event_type, "messageId": _MESSAGE_IDS[event_type]}
    return copy.deepcopy({**head, **_COMMON, **own, "context": {**_CONTEXT, **context}, **(event or {})})
