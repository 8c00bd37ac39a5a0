"""A tenant as plain data: what its file holds, read strictly. Knows the keys; the classes are in `tenant`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gainsight_dest.errors import ConfigError
from gainsight_dest.values import kind, quoted

#: Which form the data has. Data of another one is refused, rather than read in part.
VERSION = 1

#: Longer names are none of Gainsight's.
LONGEST_NAME = 255
#: More characters, or decimals, are told of no field.
MOST = 10**12
#: How many problems one error lists.
_MOST_PROBLEMS = 100

FieldFacts = dict[str, Any]
#: An option's label, its id, whether it is active.
OptionFacts = tuple[str, str, bool]


class ObjectFacts(NamedTuple):
    """What was read of an object: its name, its label, and the attributes of each of its fields."""

    name: str
    label: str
    fields: list[FieldFacts]


class UnreadableError(Exception):
    """What stands at a place cannot be read."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem


def shown(word: str) -> str:
    """A name as a repr may show it: whatever does not look like one of Gainsight's could be anything."""
    return word if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,99}", word) else "…"


def repaired(text: str) -> str:
    """The text with halves of surrogate pairs joined, and those replaced that have no other half: UTF-8 has none."""
    if text.isascii():
        return str.__str__(text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def text_at(value: Any, place: str) -> str:
    """A text. Raises UnreadableError."""
    if not isinstance(value, str):
        raise UnreadableError(place, f"must be a string, not {kind(value)}")
    return repaired(value)


def name_at(value: Any, place: str) -> str:
    """A name of Gainsight's. Raises UnreadableError."""
    name = text_at(value, place).strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UnreadableError(place, f"must be a name: up to {LONGEST_NAME} printable characters")
    return name


def type_at(value: Any, place: str) -> str:
    """A data type, in capitals. Raises UnreadableError."""
    return name_at(value, place).upper() if text_at(value, place).strip() else ""


def _boolean_at(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise UnreadableError(place, f"must be true or false, not {kind(value)}")
    return value


def _count_at(value: Any, place: str) -> int:
    if type(value) is not int or not 0 <= value <= MOST:
        raise UnreadableError(place, "must be a whole number, 0 or more")
    return value


def list_at(value: Any, place: str) -> list[Any]:
    """A list. Raises UnreadableError."""
    if not isinstance(value, (list, tuple)):
        raise UnreadableError(place, f"must be a list, not {kind(value)}")
    return [*value]


def object_at(value: Any, place: str) -> Mapping[str, Any]:
    """An object. Raises UnreadableError."""
    if not isinstance(value, Mapping):
        raise UnreadableError(place, f"must be an object, not {kind(value)}")
    return value


def _names_at(value: Any, place: str) -> tuple[str, ...]:
    return tuple(name_at(name, f"{place}[{index}]") for index, name in enumerate(list_at(value, place)))


_OPTION_KEYS = ("label", "id", "active")


def _options_at(value: Any, place: str) -> list[OptionFacts]:
    return [_option_at(option, f"{place}[{index}]") for index, option in enumerate(list_at(value, place))]


def _option_at(value: Any, place: str) -> OptionFacts:
    given = object_at(value, place)
    _check_keys(given, _OPTION_KEYS, place)
    label, gsid = (text_at(given.get(name, ""), f"{place}.{name}") for name in ("label", "id"))
    return label, gsid, _boolean_at(given.get("active", True), f"{place}.active")


#: What the data calls each attribute of a field, what reads it, and what it is if it is not there.
KEYS: dict[str, tuple[str, Callable[[Any, str], Any], Any]] = {
    "type": ("type", type_at, ""),
    "length": ("length", _count_at, None),
    "decimals": ("decimals", _count_at, None),
    "is_createable": ("createable", _boolean_at, True),
    "is_updateable": ("updateable", _boolean_at, True),
    "is_required": ("required", _boolean_at, False),
    "is_formula": ("formula", _boolean_at, False),
    "looks_up": ("looksUp", _names_at, ()),
    "options": ("options", _options_at, ()),
}
_LABEL = "label"


def checked(data: Any) -> list[ObjectFacts]:
    """What a tenant's data tells of each of its objects. Raises ConfigError with every problem found."""
    found: list[ObjectFacts] = []
    problems: list[tuple[str, str]] = []
    try:
        given = object_at(data, "tenant")
        _check_version(given.get("version"))
        _check_keys(given, ("version", "objects"), "")
        for name, each in object_at(given.get("objects"), "objects").items():
            facts = ObjectFacts("", "", [])
            for made in _object_at(name, each):
                if isinstance(made, UnreadableError):
                    problems.append((made.place, made.problem))
                else:
                    facts = made
            found.append(facts)
    except UnreadableError as error:
        problems.append((error.place, error.problem))
    if problems:
        raise ConfigError(*problems[:_MOST_PROBLEMS])
    return found


def _object_at(name: Any, value: Any) -> Iterator[UnreadableError | ObjectFacts]:
    """The problems with an object, and then what it tells."""
    fields: list[FieldFacts] = []
    place, label = _step("objects", name), ""
    try:
        name = _key_at(name, place)
        given = object_at(value, place)
        _check_keys(given, (_LABEL, "fields"), place)
        label = text_at(given.get(_LABEL, name), f"{place}.{_LABEL}")
        rows = object_at(given.get("fields"), f"{place}.fields")
    except UnreadableError as error:
        yield error
        return
    for field, row in rows.items():
        try:
            fields.append(_field_at(field, row, _step(f"{place}.fields", field)))
        except UnreadableError as error:
            yield error
    yield ObjectFacts(name, label, fields)


def _field_at(name: Any, value: Any, place: str) -> FieldFacts:
    given = object_at(value, place)
    facts: FieldFacts = {"name": _key_at(name, place)}
    _check_keys(given, (_LABEL, *(key for key, *_ in KEYS.values())), place)
    facts["label"] = text_at(given.get(_LABEL, facts["name"]), f"{place}.{_LABEL}")
    for attribute, (key, read, _) in KEYS.items():
        if key in given:
            facts[attribute] = read(given[key], f"{place}.{key}")
    return facts


def _key_at(key: Any, place: str) -> str:
    """A name that is written as it is: with blanks around it, two of them could be one."""
    name = name_at(key, place)
    if name != key:
        raise UnreadableError(place, "must be a name as Gainsight writes it, without blanks around it")
    return name


def _check_version(version: Any) -> None:
    if type(version) is not int or version != VERSION:
        raise UnreadableError("version", f"must be {VERSION}: describe the tenant anew")


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in given:
        if key not in known:
            raise UnreadableError(_step(place, key), "is not known here")


def _step(place: str, key: Any) -> str:
    name = quoted(key) if isinstance(key, str) else "a key that is no string"
    plain = isinstance(key, str) and shown(key) == key
    return f"{place}.{key}".removeprefix(".") if plain else f"{place}[{name}]"
