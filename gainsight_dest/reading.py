"""What RudderStack hands in, before it is checked: exports of destinations, bodies of events, and texts that stand for
values. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.values import kind, present

# --- exports of destinations ------------------------------------------------------------------------------------------

#: What RudderStack calls the type of destination, in any case.
_TYPE = "gainsight"
_DEFINITIONS = ("destinationDefinition", "DestinationDefinition")
#: What holds destinations, and as what.
_HOLDERS: dict[str, type] = {"sources": list, "destinations": list, "destination": Mapping}

Step = str | int


class PlacedDestination(NamedTuple):
    """A destination, and where it stands in what was exported: the keys and indices."""

    steps: tuple[Step, ...]
    destination: Mapping[str, Any]

    @property
    def id(self) -> str | None:
        """Its id, if it is a text."""
        return _text(self.destination, "id", "ID")

    @property
    def name(self) -> str | None:
        """Its name, if it is a text."""
        return _text(self.destination, "name", "Name")


def config_key(obj: Mapping[str, Any]) -> str | None:
    """Under which key a destination holds its Config; None where the object is the Config itself."""
    if "Config" in obj:
        return "Config"
    return "config" if "config" in obj and "domain" not in obj else None


def config_in(obj: Any) -> Any:
    """The Config of a destination, or the object itself. A workspace, which may hold many, raises ConfigError."""
    if not isinstance(obj, Mapping):
        return obj
    if "Config" in obj:
        return obj["Config"]
    if is_workspace(obj):
        raise ConfigError(
            ("destination config", "is a workspace, not a destination: take one of destinations_of(workspace)")
        )
    key = config_key(obj)
    return obj if key is None else obj[key]


def is_workspace(obj: Any) -> bool:
    """Whether the object is a workspace, or another answer of RudderStack's that holds destinations."""
    if not isinstance(obj, Mapping) or "Config" in obj or "domain" in obj:
        return False
    return any(isinstance(obj.get(name), holder) for name, holder in _HOLDERS.items())


def destinations_of(workspace: Any) -> list[Mapping[str, Any]]:
    """The Gainsight destinations of a workspace as RudderStack exports it, in order, for `from_rudderstack`.

    A destination that several sources send to is there once. Raises ConfigError for what is no workspace.
    """
    if not is_workspace(workspace):
        problem = "must be an object with sources, each with destinations"
        given = "" if isinstance(workspace, Mapping) else f", not {kind(workspace)}"
        raise ConfigError(("workspace", problem + given))
    return [placed.destination for placed in placed_in(workspace)]


def placed_in(obj: Any) -> list[PlacedDestination]:
    """The Gainsight destinations in an export of any form. A Config by itself is one, without a name."""
    if not is_workspace(obj):
        return [PlacedDestination((), obj)] if isinstance(obj, Mapping) else []
    found: list[PlacedDestination] = []
    ids: set[str] = set()
    for placed in _all(obj):
        if placed.id is None or placed.id not in ids:
            found.append(placed)
            ids |= {placed.id} if placed.id else set()
    return found


def _all(obj: Mapping[str, Any]) -> Iterator[PlacedDestination]:
    """All of them, as often as they stand there."""
    lists: list[tuple[tuple[Step, ...], Any]] = [(("destinations",), obj.get("destinations"))]
    for index, source in enumerate(_list(obj.get("sources"))):
        if isinstance(source, Mapping):
            lists.append((("sources", index, "destinations"), source.get("destinations")))
    if isinstance(obj.get("destination"), Mapping):  # one, as API v2 answers
        yield PlacedDestination(("destination",), obj["destination"])
    for steps, given in lists:
        for index, destination in enumerate(_list(given)):
            if isinstance(destination, Mapping) and _is_gainsight(destination):
                yield PlacedDestination((*steps, index), destination)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_gainsight(destination: Mapping[str, Any]) -> bool:
    definitions = (destination.get(name) for name in _DEFINITIONS)
    names = [_text(each, "name", "Name") for each in definitions if isinstance(each, Mapping)]
    return any((name or "").casefold() == _TYPE for name in (*names, _text(destination, "type", "Type")))


def _text(obj: Mapping[str, Any], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := obj.get(name), str)), None)


# --- bodies of events -------------------------------------------------------------------------------------------------

#: When an event happened: first that is there. The first is the second, fixed for a wrong clock by rudder-server.
MOMENTS = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
#: When an event happened, and by whom. A body tells it of each of its events that tells none of the same group.
_GROUPS = (MOMENTS, ("userId", "anonymousId"))
#: What a body tells of its events: the time at which it was sent, not that at which they happened.
_TOLD = frozenset({"sentAt", "receivedAt", "userId", "anonymousId"})
#: Objects that a body and its events may share: an event's own keys go first.
_MERGED = ("context", "integrations")


def events_of(body: Any) -> list[Any]:
    """The events in the body of an SDK's request: those of its `batch`, or of a list, or the one event that it is.

    A list may hold bodies as well as events. What a body tells of all its events, each of them has then: keys of
    `context` and `integrations`, `sentAt` where it has no time at all, `userId` and `anonymousId` where it has neither.
    All else of the body is left, such as a `writeKey`. An empty batch, or an empty list, has no events. What stands in
    a list in place of an event stays as it is, a batch within a batch too: `transform` raises an EventError for it.

    Raises EventError for a body that is neither an object nor a list, and for a `batch` that is no list. The body is
    not changed.
    """
    if isinstance(body, (list, tuple)):
        return [event for each in body for event in (_batched(each) if _is_batch(each) else [each])]
    if not isinstance(body, Mapping):
        raise EventError("the body", f"must be an event, a list of events, or an object with a batch, got {kind(body)}")
    if _is_batch(body):
        return [*_batched(body)]
    if "batch" in body and not present(body.get("type")):
        raise EventError("batch", f"must be a list of events, got {kind(body['batch'])}")
    return [body]


def _is_batch(value: Any) -> bool:
    """Whether it is a body of many events. An event has a type, and may have anything beside it."""
    if not isinstance(value, Mapping) or present(value.get("type")):
        return False
    return isinstance(value.get("batch"), (list, tuple))


def _batched(body: Mapping[str, Any]) -> Iterator[Any]:
    return (_completed(event, body) if isinstance(event, Mapping) else event for event in body["batch"])


def _completed(event: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with what the body tells of it."""
    more: dict[str, Any] = {}
    for group in _GROUPS:
        if not any(present(event.get(name)) for name in group):
            more |= {name: body[name] for name in group if name in _TOLD and present(body.get(name))}
    for name in _MERGED:
        shared, own = body.get(name), event.get(name)
        if isinstance(shared, Mapping) and shared:
            if isinstance(own, Mapping):
                more[name] = {**shared, **own}
            elif own is None:
                more[name] = shared
    return {**event, **more} if more else event


# --- texts that stand for values --------------------------------------------------------------------------------------

#: Both stand for the event itself at the head of a path.
_EVENT = ("event", "message")
#: RudderStack's own form of a value that stands in the environment.
_ENV = r"\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*"
#: In a mapping, where a name such as env.changed may be meant as it is, only what looks like a variable is one.
_ENV_IN_ROWS = r"\s*env\.([A-Z_][A-Z0-9_]*)\s*"
_HOLE = r"\$\{[^{}]*\}"
#: What the whole text is, where nobody has filled it in, beside `<key>`.
_NAMES = r"\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%"
#: What an event or the environment is to fill in, in JSON Schema.
FOR_LATER = r"^\s*(\{\{[^|{}]+\|\|[\s\S]*\}\}|env\.[A-Za-z_][A-Za-z0-9_]*)\s*$"

Path = tuple[str, ...]


class Template(NamedTuple):
    """Where in the event the value of a setting is, and what it is without one."""

    path: Path
    default: str


def template(text: str) -> Template | None:
    """The template `{{ path || default }}` that the text is, if it is one."""
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


def variable(text: str, *, in_rows: bool = False) -> str | None:
    """The name of the environment variable that the text stands for, if it is `env.NAME`.

    `in_rows`: of a mapping, where the name must be in capitals.
    """
    found = re.fullmatch(_ENV_IN_ROWS if in_rows else _ENV, text)
    return found[1] if found else None


def is_for_later(text: object, *, in_rows: bool = False) -> bool:
    """Whether an event or the environment is to fill it in."""
    return isinstance(text, str) and (template(text) is not None or variable(text, in_rows=in_rows) is not None)


def placeholder_problem(text: str, *, in_rows: bool = False) -> str | None:
    """Why the text cannot be sent as it stands, and what to do; None if it can."""
    if not ("{" in text or "env." in text or "<" in text or "$" in text or "%" in text):  # as in nearly all
        return None
    if name := variable(text, in_rows=in_rows):
        return (
            f"stands for the environment variable {name}, which is not set, or was not looked up: "
            "set it, and in Python read the config with env=os.environ"
        )
    if template(text) is not None:
        return "is a template for each event to fill in, and here none does: give it where events come, such as a dict"
    if _has_hole(text.strip()):
        return "holds a placeholder that nobody has filled in: write the value, or env.NAME to have it from a variable"
    return None


def _has_hole(text: str) -> bool:
    if text.startswith("<") and text.endswith(">"):
        return True
    return "}}" in text.partition("{{")[2] or bool(re.search(_HOLE, text) or re.fullmatch(_NAMES, text))


def filled(value: Any, fill: Callable[..., str]) -> Any:
    """The value of a setting with `fill` applied to what may be filled in: it as a text, or each `to` of its rows.

    `fill` takes the text, and `in_rows`: whether it is of a row.
    """
    if isinstance(value, str):
        return fill(value, in_rows=False)
    if isinstance(value, (list, tuple)):
        return [{**row, **filled({"to": row["to"]}, fill)} if _has_target(row) else row for row in value]
    if isinstance(value, Mapping):
        return {source: fill(to, in_rows=True) if isinstance(to, str) else to for source, to in value.items()}
    return value


def _has_target(row: Any) -> bool:
    return isinstance(row, Mapping) and "to" in row


def with_env(value: Any, env: Mapping[str, str]) -> Any:
    """The value of a setting with what the environment fills in. What is not set there, or blank, stays."""

    def fill(text: str, *, in_rows: bool) -> str:
        name = variable(text, in_rows=in_rows)
        found = env.get(name, "") if name else ""
        return found if found.strip() else text

    return filled(value, fill)
