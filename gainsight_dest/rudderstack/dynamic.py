"""Settings that each event fills in: strings `{{ path || default }}` anywhere in a destination's Config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gainsight_dest.fields import present

_TEMPLATE = r"\s*\{\{\s*([^|{}\s][^|{}]*?)\s*\|\|\s*(.*?)\s*\}\}\s*"
#: Both stand for the event itself at the head of a path.
_EVENT = ("event", "message")

Path = tuple[str, ...]


class Template(NamedTuple):
    """One of them: where in the Config it stands, where in the event its value is, what it is without one."""

    place: tuple[str | int, ...]
    path: Path
    default: str


def templates(config: Any) -> tuple[Template, ...]:
    """Those that the Config holds, at any depth."""
    return tuple(_templates(config, ()))


def _templates(value: Any, place: tuple[str | int, ...]) -> Iterator[Template]:
    if isinstance(value, str):
        if "{{" in value and (match := re.fullmatch(_TEMPLATE, value, re.DOTALL)):
            yield Template(place, _path(match[1]), _unquoted(match[2]))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _templates(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _templates(item, (*place, index))


def filled(config: Any, found: tuple[Template, ...], event: Any) -> tuple[Any, Any]:
    """The Config as this event fills it, and the event without the values that were taken out of it.

    A value that is missing, null or "" leaves the setting to its default. A path may stand in several settings.
    """
    taken = set()
    for template in found:
        value = _dig(event, template.path)
        if present(value):
            taken.add(template.path)
        config = _with(config, template.place, value if present(value) else template.default)
    for path in sorted(taken):
        event = _without(event, path)
    return config, event


def _path(text: str) -> Path:
    path = tuple(text.split("."))
    return path[1:] if len(path) > 1 and path[0] in _EVENT else path


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _dig(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _with(value: Any, place: tuple[str | int, ...], new: Any) -> Any:
    """A copy of the value with something new in that place."""
    if not place:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[place[0]] = _with(value[place[0]], place[1:], new)
    return copy


def _without(value: Any, path: Path) -> Any:
    """A copy of the value without what is at the path, if that is still there."""
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: item for name, item in value.items() if name != path[0]}
    return {**value, path[0]: _without(value[path[0]], path[1:])}
