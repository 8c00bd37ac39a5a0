"""Events as a pipeline holds them, whatever JSON they are."""

from __future__ import annotations

import json
from typing import Any

from gainsight_dest.outcome import is_nested

#: Events that nest more deeply than this stay as text: pickle, by which they go from step to step, has an end.
_DEEPEST = 200


class Object(dict[str, Any]):
    """A dict that Beam pickles: its own coder of texts fails at half an emoji, as SDKs send where they cut a text."""


class _List(list[Any]):
    """A list that Beam pickles."""


class _Text(str):
    """A text that Beam pickles."""

    __slots__ = ()


def parse_event(line: str | bytes) -> Any:
    """The event of a line of NDJSON. A line that is no JSON, or nests too deeply, stays text, to come out as failed.

    Better than json.loads in a pipeline: Beam's coder of plain values fails the pipeline at half an emoji. Takes
    RudderStack's nested form `{"message": event}` too, which dead letters have.
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return _as_text(line)
    if _is_too_deep(event):
        return _as_text(line)
    if is_nested(event):
        event = event["message"]
        if isinstance(event, str):  # a line that was no JSON, and may have been mended
            return parse_event(event)
    if isinstance(event, dict):
        return Object(event)
    if isinstance(event, list):
        return _List(event)
    return _Text(event) if isinstance(event, str) else event


def _as_text(line: str | bytes) -> str:
    return _Text(line if isinstance(line, str) else line.decode(errors="replace"))


def _is_too_deep(event: Any) -> bool:
    level = [event]
    for _ in range(_DEEPEST):
        nested = [each for each in level if isinstance(each, (dict, list))]
        if not nested:
            return False
        level = [value for each in nested for value in (each.values() if isinstance(each, dict) else each)]
    return True
