"""What rudder-server sends: items of an event, its metadata and its destination, in any of their forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gainsight_dest import templates
from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError, EventError, GainsightDestError
from gainsight_dest.rudderstack.sizes import fit, measured
from gainsight_dest.rudderstack.statuses import NO_METADATA, CrowdedError, NoDestinationError
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

    `settings`: those of the destination. `length`: of metadata and destination as JSON, in bytes. `fault`: what is
    wrong with the item, if that could be seen at once.
    """

    message: Any
    metadata: RawObject
    destination: RawObject
    settings: DestinationSettings
    length: int = 0
    fault: GainsightDestError | None = None


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
    if len(given) > MOST_ITEMS:
        return stand_in(CrowdedError(f"a request of more than {MOST_ITEMS:,} items is not looked at"))
    destinations = Destinations()
    return [_item(each, shared, destinations) for each in given]


def stand_in(fault: GainsightDestError) -> list[EventItem]:
    """What stands for all items of a request that are not looked at."""
    return [EventItem(None, {**NO_METADATA}, {}, Destinations().of({}), fault=fault)]


def _item(given: Any, shared: Object | None, destinations: Destinations) -> EventItem:
    given = given if type(given) is dict else {}
    metadata: Object | None = None
    length = 0
    fault: GainsightDestError | None = None
    if type(given.get("metadata")) is dict:
        metadata, length, fault = fit(given["metadata"], "metadata")
    destination = given.get("destination")
    if destination is None and shared is not None:
        name = (metadata or {}).get("destinationId")
        destination = shared.get(name) if isinstance(name, str) else None
        if type(destination) is not dict:
            fault = fault or NoDestinationError("the item's destination is not among those of the request")
    settings = destinations.of(destination if type(destination) is dict else {})
    return EventItem(given.get("message"), metadata, settings.destination, settings, length + settings.size, fault)


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
        self, destination: Object, size: int, destinations: Destinations, fault: EventError | None = None
    ) -> None:
        super().__init__(destination)
        self.destination = destination
        self.size = size
        self._destinations = destinations
        self._fixed = None if fault is None else ConfigError((fault.path, fault.problem))
        self._length = 0

    @property
    def are_filled_in(self) -> bool:
        """Whether events fill in some of them."""
        return isinstance(self._read_once(), Dynamic)

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

    def of(self, destination: dict[Any, Any] | bytes) -> DestinationSettings:
        """The settings of a destination, which must outlive this, or of one that is the JSON text of an object."""
        key = id(destination) if isinstance(destination, dict) else destination
        known = self._known.get(key)
        if known is None:
            read = self._spelled(destination) if isinstance(destination, dict) else self._read(destination)
            known = self._known[key] = read
        return known

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
            return DestinationSettings({}, len(text), self, fault)

    def _spelled(self, given: dict[Any, Any]) -> DestinationSettings:
        spelling = _spelling(given)
        known = self._by_spelling.get(spelling)
        if known is None:
            destination, length, fault = fit(given, "destination")
            known = DestinationSettings(destination, len(spelling) or length, self, fault)
            if spelling:
                self._by_spelling[spelling] = known
        return known
