"""What rudder-server sends: items of an event, its metadata and its destination, in any of their forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError
from gainsight_dest.rudderstack.dynamic import Template, filled, templates
from gainsight_dest.rudderstack.faults import NO_METADATA
from gainsight_dest.values import kind

Object = Mapping[str, Any]


#: An object, or the JSON text of one, which goes back as it came and is read only where it must be.
Kept = Any


class Item(NamedTuple):
    """One event, with what rudder-server wants to have back of it."""

    message: Any
    metadata: Kept
    destination: Kept


def opened(kept: Kept) -> Object:
    """The object."""
    value: Object = kept if isinstance(kept, Mapping) else json.loads(bytes(kept))
    return value


def items_of(given: Any) -> list[Item] | None:
    """The items of a list, or of a body that holds one as `input`; None where there is no such list.

    In the compacted format the body holds `destinations` by id, and the metadata of an item names its own. Metadata
    that is missing or no object is replaced, for an answer with an empty one would be thrown away as a whole.
    """
    compacted: Any = None
    if isinstance(given, Mapping):
        given, compacted = given.get("input"), given.get("destinations")
    if not isinstance(given, list):
        return None
    shared = compacted if isinstance(compacted, Mapping) else {}
    return [_item(each, shared) for each in given]


def _item(given: Any, shared: Object) -> Item:
    if type(given) is not dict:
        return Item(None, {**NO_METADATA}, {})
    metadata, destination = given.get("metadata"), given.get("destination")
    if type(metadata) is not dict or not metadata:
        metadata = dict(NO_METADATA)
    if destination is None and shared:
        name = metadata.get("destinationId")
        destination = shared.get(name) if isinstance(name, str) else None
    return Item(given.get("message"), metadata, destination if type(destination) is dict else {})


class Settings:
    """The Config of a destination, read once for all of its items."""

    def __init__(self, destination: Object) -> None:
        self.destination = destination
        self._config = destination.get("Config")
        self._templates: tuple[Template, ...] = ()
        if destination.get("hasDynamicConfig") is not False:
            self._templates = templates(self._config)
        self._read: dict[str, DestinationConfig | ConfigError] = {}
        self._fixed = None if self._templates else _read(self._config)

    def of(self, event: Any) -> tuple[DestinationConfig, Any]:
        """The config as it is for the event, and the event without what it has filled in there. Raises ConfigError."""
        fixed = self._fixed
        if type(fixed) is DestinationConfig:
            return fixed, event
        if fixed is None:
            config, event = filled(self._config, self._templates, event)
            key = json.dumps(config)
            if key not in self._read:
                self._read[key] = _read(config)
            fixed = self._read[key]
        if isinstance(fixed, ConfigError):
            raise fixed
        return fixed, event


def _read(config: Any) -> DestinationConfig | ConfigError:
    if not isinstance(config, Mapping):
        return ConfigError(("destination.Config", f"must be an object, not {kind(config)}"))
    try:
        return DestinationConfig.from_rudderstack({"Config": config})
    except ConfigError as error:
        return error


class Destinations:
    """The destinations of a request. Items that carry equal ones share their settings."""

    def __init__(self) -> None:
        self._by_identity: dict[int, Settings] = {}
        self._by_text: dict[bytes, Settings] = {}
        self._all: list[Settings] = []

    def settings(self, destination: Kept) -> Settings:
        """Those of the destination, which must outlive this."""
        if type(destination) is not dict:
            text = bytes(destination)
            if text not in self._by_text:
                self._by_text[text] = self._equal(opened(text))
            return self._by_text[text]
        known = self._by_identity.get(id(destination))
        return known if known is not None else self._equal(destination)

    def _equal(self, destination: Object) -> Settings:
        for settings in self._all:
            if settings.destination == destination:
                return settings
        settings = Settings(destination)
        self._all.append(settings)
        self._by_identity[id(destination)] = settings
        return settings
