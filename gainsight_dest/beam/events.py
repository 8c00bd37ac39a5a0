"""Events as a pipeline holds them, whatever JSON they are."""

from __future__ import annotations

from typing import Any

from gainsight_dest.deliver.engines import parsed

#: Events that nest more deeply than this stay as text: pickle, by which they go from step to step, has an end.
_DEEPEST = 200


class Object(dict[str, Any]):
    """A dict with a coder of its own, or pickled by Beam, whose coder of texts fails at half an emoji.

    SDKs send half of one where they cut a text.
    """


class _List(list[Any]):
    """A list that Beam pickles."""


class _Text(str):
    """A text that Beam pickles."""

    __slots__ = ()


def parse_event(line: str | bytes) -> Any:
    """The event of a line of NDJSON. A line that is not JSON, or nests too deeply, stays text, which fails later.

    Better than json.loads in a pipeline: Beam's coder of plain values fails the pipeline at half an emoji. Takes
    RudderStack's nested form `{"message": event}` too, which dead letters have.
    """
    found = parsed(line)
    event = found.raw
    if _may_be_too_deep(line) and _is_too_deep(event):
        event = found.text or (line if isinstance(line, str) else line.decode(errors="replace"))
    picklable = _PICKLABLE.get(type(event))
    return event if picklable is None else picklable(event)


_PICKLABLE: dict[type, type] = {dict: Object, list: _List, str: _Text}


#: What may open an object or a list; the last, in a dead letter of which the text is its message.
_OPENING = ("{", "[", "\\u00")


def _may_be_too_deep(line: str | bytes) -> bool:
    """Whether its text opens so many objects and lists: to count them costs far less than to look at the event."""
    if isinstance(line, str):
        return sum(map(line.count, _OPENING)) > _DEEPEST
    return sum(line.count(each.encode()) for each in _OPENING) > _DEEPEST


def _is_too_deep(event: Any) -> bool:
    level = [event]
    for _ in range(_DEEPEST):
        nested = [each for each in level if isinstance(each, (dict, list))]
        if not nested:
            return False
        level = [value for each in nested for value in (each.values() if isinstance(each, dict) else each)]
    return True
