# mypy: untyped-calls-exclude="apache_beam"
"""Coders of what goes from worker to worker: JSON after one byte that says so, not pickle."""

from __future__ import annotations

import json
from typing import Any

from apache_beam.coders import Coder, PickleCoder
from apache_beam.coders.typecoders import registry

from gainsight_dest.batching.address import Address
from gainsight_dest.beam.events import Object
from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.deliver.shards import SavedGroup

#: The first byte: the form of the rest. Another form gets another byte, so that state of an earlier release is read.
_JSON, _PICKLED = b"1", b"P"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SCALARS = {str, int, float, bool, type(None)}
_ADDRESS = len(Address._fields)


def to_bytes(value: Any) -> bytes:
    """The value as bytes, the same for the same value: JSON if it is JSON, half an emoji included, or else pickled.

    What JSON does not have is pickled, such as a datetime, a tuple, a key that is a number: it comes back as it was.
    """
    try:
        text = _ENCODER.encode(value)  # first, as it finds what holds itself
        if _comes_back(value):
            return _JSON + text.encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        pass
    return _PICKLED + bytes(PickleCoder().encode(value))


def from_bytes(content: bytes) -> Any:
    """The value of what `to_bytes` gave; a dict of any class is a dict. Raises ValueError for another form."""
    form, rest = content[:1], content[1:]
    if form == _JSON:
        return json.loads(rest.decode("utf-8", "surrogatepass"))
    if form == _PICKLED:
        return PickleCoder().decode(rest)
    raise ValueError("an element is of a form that this release of gainsight-dest does not know: a newer one made it")


def _comes_back(value: Any) -> bool:
    """Whether the value is as it was after it has been JSON."""
    left = [value]
    while left:
        each = left.pop()
        kind = type(each)
        if kind is dict or kind is Object:
            if any(type(key) is not str for key in each):
                return False
            left += each.values()
        elif kind is list:
            left += each
        elif kind not in _SCALARS:
            return False
    return True


class ObjectCoder(Coder):
    """Of outcomes and dead letters."""

    def encode(self, value: Any) -> bytes:
        """Beam asks for it."""
        return to_bytes(value)

    def decode(self, encoded: bytes) -> Object:
        """Beam asks for it. Raises ValueError."""
        return Object(from_bytes(encoded))


class RoutedEventCoder(Coder):
    """Of events on their way to a sender."""

    def encode(self, value: RoutedEvent) -> bytes:
        """Beam asks for it."""
        thing = value.thing
        return to_bytes([*value.address, *(thing if isinstance(thing, SavedGroup) else (thing,))])

    def decode(self, encoded: bytes) -> RoutedEvent:
        """Beam asks for it. Raises ValueError."""
        parts = from_bytes(encoded)
        address, thing = Address(*parts[:_ADDRESS]), parts[_ADDRESS:]
        return RoutedEvent(address, SavedGroup(*thing) if len(thing) > 1 else thing[0])


# Beam finds the coder of a type here; that of a bundle names this module, so that a worker imports it.
registry.register_coder(Object, ObjectCoder)
registry.register_coder(RoutedEvent, RoutedEventCoder)
