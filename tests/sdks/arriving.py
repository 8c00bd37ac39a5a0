"""What was received, taken apart and delivered to a sandbox. The core alone does it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gainsight_dest import DestinationConfig, events_of, transform_batch
from gainsight_dest.sandbox import Sandbox

Event = dict[str, Any]


def events_in(bodies: Iterable[bytes | str]) -> list[Event]:
    """The events of the bodies, in order."""
    return [dict(event) for body in bodies for event in events_of(json.loads(body))]


def arrived(events: Iterable[Event], config: DestinationConfig) -> tuple[list[str], dict[str, Any]]:
    """What became of each, and what is in the sandbox then."""
    sandbox = Sandbox(config, calls_per_minute=None, calls_per_day=None)
    batch = transform_batch(events, config)
    while batch.requests:
        batch = batch.next([sandbox.handle(request) for request in batch.requests])
    return [str(outcome.status) for outcome in batch.outcomes], sandbox.as_data()
