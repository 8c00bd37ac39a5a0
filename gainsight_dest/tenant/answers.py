"""Describe answers, read: what differs from one envelope to another is forgiven, what is made of it is strict.

Errors name places by their numbers, and quote nothing of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gainsight_dest.errors import ResponseError
from gainsight_dest.gainsight import (
    CODES,
    COMPANY_SYSTEM_FIELDS,
    DESCRIBE_ACTION,
    PERSON_OBJECT,
    SYSTEM_FIELDS,
    Response,
    check,
    checked_envelope,
)
from gainsight_dest.tenant.data import (
    MOST,
    FieldFacts,
    ObjectFacts,
    OptionFacts,
    UnreadableError,
    list_at,
    name_at,
    object_at,
    text_at,
    type_at,
)
from gainsight_dest.values import kind, number

#: What stands for true and false.
_BOOLEANS: dict[str | int, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
#: A number of more digits is no label.
_LONGEST_NUMBER = 10**18


def objects_in(answers: Any) -> list[ObjectFacts]:
    """What the answers tell of each object. Raises ResponseError, with the place of what cannot be read."""
    try:
        return [*_merged(_all(answers)).values()]
    except UnreadableError as error:
        place, problem = error.place, error.problem
    raise ResponseError(DESCRIBE_ACTION, f"the answer cannot be read: {place}: {problem}")


def _merged(answers: Iterable[list[ObjectFacts]]) -> dict[str, ObjectFacts]:
    return {facts.name: facts for answer in answers for facts in answer}


def _all(answers: Any) -> Iterator[list[ObjectFacts]]:
    if isinstance(answers, (list, tuple)):
        for index, answer in enumerate(answers):
            yield _objects(answer, f"answers[{index}]")
    else:
        yield _objects(answers, "")


def _known_word(word: str) -> str:
    """What an error may quote of an answer that comes without the config which knows the keys."""
    return word if word in CODES else ""


def _objects(answer: Any, place: str) -> list[ObjectFacts]:
    """The objects of one answer."""
    data = _data(answer, place)
    at = f"{place}.data".removeprefix(".")
    if isinstance(data, Mapping):
        data, steps = [data], [at]
    else:
        data = list_at(data, at)
        steps = [f"{at}[{index}]" for index in range(len(data))]
    return _each_once(
        (_object(each, step) for each, step in zip(data, steps, strict=True)), steps, lambda facts: facts.name
    )


def _data(answer: Any, place: str) -> Any:
    if isinstance(answer, Response):
        return check(answer, DESCRIBE_ACTION, _known_word).get("data")
    if not isinstance(answer, Mapping):
        raise UnreadableError(place or "the answer", f"must be a Response or its JSON object, not {kind(answer)}")
    if "objectName" in answer and "data" not in answer:
        return answer
    return checked_envelope(answer, DESCRIBE_ACTION, _known_word).get("data")


def _each_once(facts: Iterable[Any], steps: Iterable[str], name: Callable[[Any], str]) -> list[Any]:
    """What stands there more than once, but for what differs, once. Raises UnreadableError where it does differ."""
    found: dict[str, Any] = {}
    for each, step in zip(facts, steps, strict=True):
        if found.setdefault(name(each), each) != each:
            raise UnreadableError(step, "is there twice, and not the same")
    return [*found.values()]


def _object(value: Any, place: str) -> ObjectFacts:
    given = object_at(value, place)
    name = name_at(given.get("objectName"), f"{place}.objectName")
    label = _label(given, place, name)
    at = f"{place}.fields"
    rows = list_at(given.get("fields"), at)
    steps = [f"{at}[{index}]" for index in range(len(rows))]
    system = SYSTEM_FIELDS if name == PERSON_OBJECT else COMPANY_SYSTEM_FIELDS
    fields = (_field(row, step, system) for row, step in zip(rows, steps, strict=True))
    return ObjectFacts(name, label, _each_once(fields, steps, lambda facts: str(facts["name"])))


def _label(given: Mapping[str, Any], place: str, default: str) -> str:
    label = given.get("label")
    return default if label is None else text_at(label, f"{place}.label")


def _field(value: Any, place: str, system: frozenset[str]) -> FieldFacts:
    given = object_at(value, place)
    meta, at = given.get("meta"), f"{place}.meta"
    # Where there is no meta, what it would hold may stand beside its name.
    meta, at = (given, place) if meta is None else (object_at(meta, at), at)
    name = name_at(given.get("fieldName"), f"{place}.fieldName")
    is_system = name in system or meta.get("fieldGroupType") == "SYSTEM"
    is_read_only = _boolean(meta, "readOnly", at, default=False)
    is_formula = _boolean(meta, "formulaField", at, default=False)
    can = not (is_read_only or is_formula)
    data_type = given.get("dataType")
    return {
        "name": name,
        "label": _label(given, place, name),
        "type": "" if data_type is None else type_at(data_type, f"{place}.dataType"),
        "length": _count(meta, "length", at),
        "decimals": _count(meta, "decimalPlaces", at),
        "is_createable": can and _boolean(meta, "createable", at, default=not is_system),
        "is_updateable": can and _boolean(meta, "updateable", at, default=not is_system),
        "is_required": _boolean(meta, "required", at, default=False),
        "is_formula": is_formula,
        "looks_up": tuple(_looked_up(meta.get("lookupDetail"), f"{at}.lookupDetail")),
        "options": _options(given.get("options"), f"{place}.options"),
    }


def _boolean(given: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
    value = given.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        return default
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, (str, int)) and word in _BOOLEANS:
        return _BOOLEANS[word]
    raise UnreadableError(f"{place}.{key}", f"must be true or false, not {kind(value)}")


def _count(given: Mapping[str, Any], key: str, place: str) -> int | None:
    """A length, or a number of decimals. Below 0 it stands for none, as 0 does."""
    value = given.get(key)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    count = None if isinstance(value, bool) else number(value)
    if count is None or count != int(count) or count > MOST:
        raise UnreadableError(f"{place}.{key}", "must be a whole number")
    return max(int(count), 0)


def _looked_up(detail: Any, place: str) -> Iterator[str]:
    """The names of the objects that a lookup names records of."""
    if detail is None:
        return
    objects = object_at(detail, place).get("lookupObjects")
    at = f"{place}.lookupObjects"
    for index, each in enumerate([] if objects is None else list_at(objects, at)):
        name = each.get("objectName") if isinstance(each, Mapping) else each
        if name is not None:
            yield name_at(name, f"{at}[{index}].objectName")


def _options(options: Any, place: str) -> list[OptionFacts]:
    if options is None:
        return []
    made = (_option(option, f"{place}[{index}]") for index, option in enumerate(list_at(options, place)))
    return [option for option in made if option[0] or option[1]]


def _option(value: Any, place: str) -> OptionFacts:
    """An option, as a describe answer has it, or as the answer about a picklist. A text is a label."""
    given = {"label": value} if isinstance(value, str) else object_at(value, place)
    label, gsid = (_word(given, keys, place) for keys in (("label", "name"), ("value", "gsid")))
    return label or gsid, gsid, _boolean(given, "active", place, default=True)


def _word(given: Mapping[str, Any], keys: tuple[str, ...], place: str) -> str:
    """What stands under the first of the keys that is there. A number is its text."""
    for key in keys:
        value = given.get(key)
        if value is not None:
            is_number = type(value) is int and abs(value) < _LONGEST_NUMBER
            return str(value) if is_number else text_at(value, f"{place}.{key}")
    return ""
