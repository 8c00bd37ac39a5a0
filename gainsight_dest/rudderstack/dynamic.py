"""Settings that each event fills in: strings `{{ path || default }}` anywhere in a destination's Config.

Finding the templates takes time by the length of the Config, an event's values by that of the event. What filling in
costs, which is by the length of the Config for each event, is for the caller to bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

from gainsight_dest.errors import ConfigError
from gainsight_dest.fields import present
from gainsight_dest.rudderstack.sizes import LEVELS
from gainsight_dest.values import plain

#: Both stand for the event itself at the head of a path.
_EVENT = ("event", "message")
#: A Config may hold so many templates.
MOST_TEMPLATES = 200
_CONFIG = "destination.Config"

Path = tuple[str, ...]


class Template(NamedTuple):
    """Where in the event the value of a setting is, and what it is without one."""

    path: Path
    default: str


def template(text: str) -> Template | None:
    """The template that the text is, if it is one."""
    text = text.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    head, bars, default = text[2:-2].partition("||")
    name = head.strip()
    if not bars or not name or any(mark in head for mark in "|{}"):
        return None
    return Template(_path(name), _unquoted(default.strip()))


def _path(text: str) -> Path:
    path = tuple(text.split("."))
    return path[1:] if len(path) > 1 and path[0] in _EVENT else path


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


#: What of a value is to be filled in: all of it by a template, or by key or index more of these.
_Holes = Template | dict[Any, Any]


class _Step:
    """A step of one path or more: the steps after it, and the whole path, if one ends here."""

    __slots__ = ("after", "path")

    def __init__(self) -> None:
        self.after: dict[str, _Step] = {}
        self.path: Path | None = None


Values = dict[Path, Any]


@attrs.frozen(repr=False, eq=False)
class Dynamic:
    """A Config with templates in it."""

    _config: Any
    _holes: _Holes
    _first: _Step

    @classmethod
    def of(cls, config: Any) -> Dynamic | None:
        """None for a Config without templates. Raises ConfigError for one with too many, or with too long a path.

        `config`: what is no more than LEVELS deep.
        """
        found: list[Template] = []
        holes = _holes(config, found)
        if holes is None:
            return None
        first = _Step()
        for path, _ in found:
            step = first
            for name in path:
                step = step.after.setdefault(name, _Step())
            step.path = path
        return cls(config, holes, first)

    def taken(self, event: Any) -> tuple[Values, Any]:
        """What the event fills in, and the event without it. Raises EventError for a value that JSON cannot hold.

        A value that is missing, null or "" is not taken. A path may stand in several settings.
        """
        values: Values = {}
        return values, _taken(self._first, event, values)

    def filled(self, values: Values) -> Any:
        """The Config with these values, and with the defaults where there is none."""
        return _filled(self._config, self._holes, values)


def _holes(value: Any, found: list[Template]) -> _Holes | None:
    if isinstance(value, str):
        if "{{" not in value or (one := template(value)) is None:
            return None
        if len(one.path) > LEVELS:
            raise ConfigError((_CONFIG, f"holds a template with a path of more than {LEVELS} names"))
        found.append(one)
        if len(found) > MOST_TEMPLATES:
            raise ConfigError((_CONFIG, f"holds more than {MOST_TEMPLATES} templates"))
        return one
    if not isinstance(value, (Mapping, list)):
        return None
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    return {key: holes for key, item in items if (holes := _holes(item, found)) is not None} or None


def _taken(step: _Step, event: Any, values: Values) -> Any:
    """The event without what the paths take out of it; that goes into `values`."""
    if not isinstance(event, Mapping):
        return event
    changed, gone = {}, set()
    for name, after in step.after.items():
        item = event.get(name)
        if not present(item):
            continue
        rest = _taken(after, item, values) if after.after else item
        if after.path is not None:
            values[after.path] = plain(item, ".".join(after.path))
            gone.add(name)
        elif rest is not item:
            changed[name] = rest
    if not gone and not changed:
        return event
    return {name: changed.get(name, item) for name, item in event.items() if name not in gone}


def _filled(value: Any, holes: _Holes, values: Values) -> Any:
    """A copy of the value with what is filled in."""
    if isinstance(holes, Template):
        return values.get(holes.path, holes.default)
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    for key, below in holes.items():
        copy[key] = _filled(copy[key], below, values)
    return copy
