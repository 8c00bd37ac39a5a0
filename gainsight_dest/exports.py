"""What RudderStack exports: a Config, a destination that holds one, or a workspace of many. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gainsight_dest.errors import ConfigError
from gainsight_dest.values import kind

#: What RudderStack calls the type of destination, in any case.
_TYPE = "gainsight"
_DEFINITIONS = ("destinationDefinition", "DestinationDefinition")
#: What holds destinations, and as what.
_HOLDERS: dict[str, type] = {"sources": list, "destinations": list, "destination": Mapping}

Step = str | int


class Placed(NamedTuple):
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


def placed_in(obj: Any) -> list[Placed]:
    """The Gainsight destinations in an export of any form. A Config by itself is one, without a name."""
    if not is_workspace(obj):
        return [Placed((), obj)] if isinstance(obj, Mapping) else []
    found: list[Placed] = []
    ids: set[str] = set()
    for placed in _all(obj):
        if placed.id is None or placed.id not in ids:
            found.append(placed)
            ids |= {placed.id} if placed.id else set()
    return found


def _all(obj: Mapping[str, Any]) -> Iterator[Placed]:
    """All of them, as often as they stand there."""
    lists: list[tuple[tuple[Step, ...], Any]] = [(("destinations",), obj.get("destinations"))]
    for index, source in enumerate(_list(obj.get("sources"))):
        if isinstance(source, Mapping):
            lists.append((("sources", index, "destinations"), source.get("destinations")))
    if isinstance(obj.get("destination"), Mapping):  # one, as API v2 answers
        yield Placed(("destination",), obj["destination"])
    for steps, given in lists:
        for index, destination in enumerate(_list(given)):
            if isinstance(destination, Mapping) and _is_gainsight(destination):
                yield Placed((*steps, index), destination)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_gainsight(destination: Mapping[str, Any]) -> bool:
    definitions = (destination.get(name) for name in _DEFINITIONS)
    names = [_text(each, "name", "Name") for each in definitions if isinstance(each, Mapping)]
    return any((name or "").casefold() == _TYPE for name in (*names, _text(destination, "type", "Type")))


def _text(obj: Mapping[str, Any], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := obj.get(name), str)), None)
