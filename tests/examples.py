"""The example events and the destination that they are for, as they stand in the folder of examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gainsight_dest import DestinationConfig

EXAMPLES = Path(__file__).parent.parent / "examples"
CONFIG = DestinationConfig.from_rudderstack(json.loads((EXAMPLES / "destination.json").read_text("utf8")))
LINES = (EXAMPLES / "events.ndjson").read_text("utf8").splitlines()


def parsed(line: str) -> Any:
    """The event of a line, also if it is the message of an item; None for what is no JSON."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value["message"] if isinstance(value, dict) and "message" in value else value


EVENTS = [event for event in map(parsed, LINES) if isinstance(event, dict)]
