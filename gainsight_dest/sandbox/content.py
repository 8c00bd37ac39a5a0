"""What a tenant holds: people, companies and events, as plain data, and how queries and writes change it."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from math import inf
from typing import Any

import attrs

from gainsight_dest.fields import COMPANY, LINKED, LINKS, PERSON, GainsightObject, Record
from gainsight_dest.gainsight import GSID


@attrs.define
class Content:
    """People by Email, companies in the order of their making, events in the order of their coming.

    Nothing here keeps two companies from having one Name: neither does Gainsight.
    """

    people: dict[str, Record] = attrs.field(factory=dict)
    companies: list[Record] = attrs.field(factory=list)
    events: list[Record] = attrs.field(factory=list)
    _by_name: dict[str, list[Record]] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    _order: dict[str, int] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    _made: int = attrs.field(default=0, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for company in self.companies:
            self._index(company)

    def _index(self, company: Record) -> None:
        self._by_name.setdefault(company[COMPANY.key], []).append(company)
        self._order[company[GSID]] = self._made
        self._made += 1

    def as_data(self) -> dict[str, list[Record]]:
        """All of it as plain data of its own, ready for JSON."""
        data: dict[str, list[Record]] = _copied(
            {"people": [*self.people.values()], "companies": self.companies, "events": self.events}
        )
        return data

    @classmethod
    def from_data(cls, data: dict[str, list[Record]]) -> Content:
        """The content of what `as_data` gave. Raises ValueError."""
        try:
            people, companies, events = (_objects(_copied(data[name])) for name in ("people", "companies", "events"))
            emails = [_text(person, PERSON.key) for person in people]
            gsids = [_text(company, GSID) for company in companies if _text(company, COMPANY.key)]
            linked = {link[LINKED] for person in people for link in _links(person)}
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"not a sandbox's content: {type(error).__name__} at {error}") from None
        if linked - set(gsids) or len(set(gsids)) < len(gsids) or len(set(emails)) < len(emails):
            raise ValueError("not a sandbox's content: Gsids are missing, or Gsids or Emails doubled")
        linked_people = ({**person, LINKS: _links(person)} for person in people)
        return cls({person[PERSON.key]: person for person in linked_people}, companies, events)

    def has_person(self, email: object) -> bool:
        """Whether there is a person of that Email."""
        return isinstance(email, str) and email in self.people

    def has_company(self, gsid: str) -> bool:
        """Whether there is a company of that Gsid."""
        return gsid in self._order

    def upsert_person(self, record: Record) -> None:
        """Creates the person of that Email or updates it; links are added to those that are there."""
        person = self.people.setdefault(record[PERSON.key], {})
        links = {link[LINKED]: link for link in _links(person)}
        for link in _links(record):
            links.setdefault(link[LINKED], link)
        person.update({**record, LINKS: [*links.values()]})

    def insert_company(self, record: Record) -> Record:
        """A new company, whether or not there is one of its Name."""
        number = self._made  # never that of a company which was deleted
        while self.has_company(gsid_of(number)):
            number += 1
        company = {GSID: gsid_of(number), **record}
        self.companies.append(company)
        self._index(company)
        return company

    def delete_company(self, gsid: str) -> Record | None:
        """Takes the company of that Gsid away, with the links of people to it; None if there is none."""
        if not self.has_company(gsid):
            return None
        del self._order[gsid]
        company = self.companies.pop(next(n for n, each in enumerate(self.companies) if each[GSID] == gsid))
        self.named(company[COMPANY.key]).remove(company)
        for person in self.people.values():
            person[LINKS] = [link for link in _links(person) if link[LINKED] != gsid]
        return company

    def named(self, name: str) -> list[Record]:
        """The companies of that Name."""
        return self._by_name.get(name, [])

    def query(self, where: Record | None, of: GainsightObject = COMPANY) -> Iterator[Record]:
        """The records of the object that meet the conditions, in the order of their making. Raises ValueError."""
        if not where:
            return iter(self._records(of))
        conditions = {str(each["alias"]): _checked(each) for each in where["conditions"]}
        meets = parsed(str(where.get("expression") or " AND ".join(conditions)), set(conditions))
        return (
            record
            for record in self._candidates(conditions.values(), of)
            if meets({alias: _holds(each, record) for alias, each in conditions.items()})
        )

    def _records(self, of: GainsightObject) -> Collection[Record]:
        return self.companies if of is COMPANY else self.people.values()

    def _candidates(self, conditions: Iterable[Record], of: GainsightObject) -> Collection[Record]:
        """Those that may meet the conditions: by the index of names, if they speak of nothing else."""
        is_by_name = all(each["name"] == COMPANY.key and each["operator"] in {"EQ", "IN"} for each in conditions)
        if of is not COMPANY or not is_by_name:
            return self._records(of)
        names = {name for each in conditions for name in each["value"] if isinstance(name, str)}
        return sorted((each for name in names for each in self.named(name)), key=lambda each: self._order[each[GSID]])


_GSID = "1P02SANDBOX"


def gsid_of(index: int) -> str:
    """The Gsid of the company made as the index-th."""
    return f"{_GSID}{index:012d}"


def _copied(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


def _links(person: Record) -> list[Record]:
    return _objects(person.get(LINKS, []))


def _objects(data: Any) -> list[Record]:
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise TypeError("no list of objects")
    return data


def _text(record: Record, name: str) -> str:
    if not isinstance(record[name], str) or not record[name].strip():
        raise ValueError(name)
    text: str = record[name]
    return text


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    """Whether the value stands so to the one wanted: texts, ISO dates among them, by their letters, numbers by size."""
    return lambda value, wanted: _is_alike([value, *wanted]) and holds(value, wanted[0])


def _is_alike(values: list[Any]) -> bool:
    kinds = {type(value) for value in values}
    return kinds == {str} or kinds <= {int, float}


def _of_texts(holds: Callable[[str, str], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda value, wanted: _is_alike([value, "", *wanted]) and holds(value, wanted[0])


def _chosen(value: Any) -> list[str]:
    """The options in a multi-select."""
    return value.split(";") if isinstance(value, str) else []


_EMPTY: tuple[Any, ...] = (None, "")
#: How many values each operator takes, at least and at most, and whether the field's value meets them.
_OPERATORS: dict[Any, tuple[int, float, Callable[[Any, list[Any]], bool]]] = {
    "EQ": (1, inf, lambda value, wanted: value == wanted[0]),
    "NE": (1, inf, lambda value, wanted: value != wanted[0]),
    "IN": (1, inf, lambda value, wanted: value in wanted),
    "LT": (1, 1, _ordered(operator.lt)),
    "GT": (1, 1, _ordered(operator.gt)),
    "LTE": (1, 1, _ordered(operator.le)),
    "GTE": (1, 1, _ordered(operator.ge)),
    "BTW": (2, 2, lambda value, wanted: _is_alike([value, *wanted]) and wanted[0] <= value <= wanted[1]),
    "CONTAINS": (1, 1, _of_texts(operator.contains)),
    "STARTS_WITH": (1, 1, _of_texts(str.startswith)),
    "ENDS_WITH": (1, 1, _of_texts(str.endswith)),
    "IS_NULL": (0, inf, lambda value, _: value in _EMPTY),
    "IS_NOT_NULL": (0, inf, lambda value, _: value not in _EMPTY),
    "INCLUDES": (1, inf, lambda value, wanted: any(each in wanted for each in _chosen(value))),
    "EXCLUDES": (1, inf, lambda value, wanted: not any(each in wanted for each in _chosen(value))),
}


def _checked(condition: Record) -> Record:
    if condition["operator"] not in _OPERATORS or not isinstance(condition["name"], str):
        raise ValueError("an unknown operator, or no name")
    least, most, _ = _OPERATORS[condition["operator"]]
    wanted = condition["value"] if least else condition.get("value") or []
    if not isinstance(wanted, list) or not least <= len(wanted) <= most:
        raise ValueError("no list of values, or not as many as the operator takes")
    return {**condition, "value": wanted}


def _holds(condition: Record, record: Record) -> bool:
    _, _, meets = _OPERATORS[condition["operator"]]
    return meets(record.get(condition["name"]), condition["value"])


def parsed(expression: str, aliases: set[str]) -> Callable[[dict[str, bool]], bool]:
    """What tells whether "A OR (B AND C)" holds, given which conditions hold. Raises ValueError.

    AND binds closer than OR, as in Python, whose parser reads it.
    """
    words = re.sub(r"\b(AND|OR)\b", lambda word: word[0].lower(), expression)
    try:
        tree = ast.parse(words.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("the expression cannot be read") from None

    def compiled(node: ast.expr) -> Callable[[dict[str, bool]], bool]:
        if isinstance(node, ast.BoolOp):
            parts = [compiled(value) for value in node.values]
            joined = any if isinstance(node.op, ast.Or) else all
            return lambda given: joined(part(given) for part in parts)
        if isinstance(node, ast.Name) and node.id in aliases:
            name = node.id
            return lambda given: given[name]
        raise ValueError("the expression names no condition, or an unknown one")

    return compiled(tree)
