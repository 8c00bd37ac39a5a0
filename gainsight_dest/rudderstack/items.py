"""What rudder-server sends: items of an event, its metadata and its destination, in any of their forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gainsight_dest import templates
from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError, EventError, GainsightDestError
from gainsight_dest.rudderstack.sizes import fit, measured
from gainsight_dest.rudderstack.statuses import CrowdedError, NoDestinationError
from gainsight_dest.templates import MOST_FILLED, Dynamic, Values
from gainsight_dest.values import kind

Object = Mapping[str, Any]

#: A request of more items is not looked at: the answer for so many would be too long.
MOST_ITEMS = 65_536
#: To list what is wrong with a Config takes so many times as long as to read one.
_FAULTS_COST = 10

#: An object, or the JSON text of one, which goes back as it came and is read only where it must be.
RawObject = Any


class EventItem(NamedTuple):
    """One event, with what rudder-server wants to have back of it. `metadata` None: nothing.

    `fault`: what is wrong with it, if that could be seen at once. `length`: of the metadata as JSON, in bytes, where it
    is no text.
    """

    message: Any
    metadata: RawObject
    destination: RawObject
    fault: GainsightDestError | None = None
    length: int = 0


def opened(kept: RawObject) -> Object:
    """The object; an empty one for metadata that is not there, or that Python cannot read."""
    if kept is None or isinstance(kept, Mapping):
        return kept or {}
    try:
        value: Object = json.loads(bytes(kept))
    except (ValueError, RecursionError):  # a number that is too long, or it is nested too deep
        return {}
    return value


def items_of(given: Any) -> list[EventItem] | None:
    """The items of a list, or of a body that holds one as `input`; None where there is no such list.

    In the compacted format the body holds `destinations` by id, and the metadata of an item names its own. What of
    metadata JSON cannot hold is left out of it, and the item's fault.
    """
    shared: Object | None = None
    if isinstance(given, Mapping):
        if "destinations" in given:
            shared = given["destinations"] if isinstance(given["destinations"], Mapping) else {}
        given = given.get("input")
    if not isinstance(given, list):
        return None
    return [_item(each, shared) for each in given]


def _item(given: Any, shared: Object | None) -> EventItem:
    if type(given) is not dict:
        return EventItem(None, None, {})
    metadata: Object | None = None
    length, fault = 0, None
    if type(given.get("metadata")) is dict:
        metadata, length, fault = fit(given["metadata"], "metadata")
    destination = given.get("destination")
    if destination is None and shared is not None:
        name = (metadata or {}).get("destinationId")
        destination = shared.get(name) if isinstance(name, str) else None
        if type(destination) is not dict:
            lost = NoDestinationError("the item's destination is not among those of the request")
            return EventItem(given.get("message"), metadata, {}, fault or lost, length)
    return EventItem(given.get("message"), metadata, destination if type(destination) is dict else {}, fault, length)


def _spelling(destination: Object) -> str:
    """The destination as text, in which no value is like another: 1, 1.0 and true are not. "" where there is none."""
    try:
        return json.dumps(destination, sort_keys=True)
    except (ValueError, TypeError, RecursionError):  # it is at fault
        return ""


class DestinationSettings(templates.Settings):
    """The Config of a destination, for all of its items. `size`: as JSON, in bytes. `destination`: without what JSON
    cannot hold.

    What `of` raises is also CrowdedError, where too much is to be filled in.
    """

    _place = "destination.Config"

    def __init__(
        self, destination: Object, size: int, destinations: Destinations, fault: ConfigError | None = None
    ) -> None:
        super().__init__(destination)
        self.destination = destination
        self.size = size
        self._destinations = destinations
        self._fixed = fault
        self._length = 0

    def _config(self, given: Any) -> Any:
        config = given.get("Config")
        if not isinstance(config, Mapping):
            raise ConfigError((self._place, f"must be an object, not {kind(config)}"))
        return config

    def _filled_in(self, dynamic: Dynamic, values: Values, length: int) -> DestinationConfig | ConfigError:
        if not self._filled:  # which the length of the request pays for
            self._length = measured(self._config(self._given), "destination")
            return self._read_filled(dynamic, values)
        self._destinations.fill(self._length + length)
        read = self._read_filled(dynamic, values)
        if isinstance(read, ConfigError):
            self._destinations.filled((self._length + length) * (_FAULTS_COST - 1))
        return read


class Destinations:
    """The destinations of a request. Items that carry the same, or what is spelled alike, share their settings."""

    def __init__(self) -> None:
        self._known: dict[int | bytes, DestinationSettings] = {}
        self._by_spelling: dict[str, DestinationSettings] = {}
        self._left = MOST_FILLED

    def settings(self, destination: RawObject) -> DestinationSettings:
        """Those of the destination, which must outlive this."""
        key = id(destination) if type(destination) is dict else bytes(destination)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._read(key) if isinstance(key, bytes) else self._spelled(destination)
        return known

    def shown(self, destination: RawObject) -> RawObject:
        """The destination as it goes back: text as it came, an object without what JSON cannot hold."""
        return self.settings(destination).destination if type(destination) is dict else destination

    def fill(self, length: int) -> None:
        """Before a Config of that length is filled in. Raises CrowdedError where there were too many."""
        if self._left < length:
            raise CrowdedError(f"the request fills in more than {MOST_FILLED:,} bytes of settings")
        self._left -= length

    def filled(self, length: int) -> None:
        """Counts what filling in a Config has cost beyond that."""
        self._left -= length

    def _read(self, text: bytes) -> DestinationSettings:
        try:
            return self._spelled(json.loads(text))
        except (ValueError, RecursionError):
            fault = EventError("destination", "is nested too deep, or holds an integer that is too long")
            return DestinationSettings({}, len(text), self, _of_config(fault))

    def _spelled(self, given: dict[Any, Any]) -> DestinationSettings:
        spelling = _spelling(given)
        known = self._by_spelling.get(spelling)
        if known is None:
            destination, length, fault = fit(given, "destination")
            known = DestinationSettings(destination, len(spelling) or length, self, _of_config(fault))
            if spelling:
                self._by_spelling[spelling] = known
        return known


def _of_config(fault: EventError | None) -> ConfigError | None:
    """The same, of a destination."""
    return None if fault is None else ConfigError((fault.path, fault.problem))
