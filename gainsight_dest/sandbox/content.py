"""What a tenant holds: people, companies and events, as plain data, and how queries and writes change it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from gainsight_dest.fields import COMPANY, LINKED, LINKS, PERSON, Record
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
    _places: dict[str, int] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for place, company in enumerate(self.companies):
            self._index(company, place)

    def _index(self, company: Record, place: int) -> None:
        self._by_name.setdefault(company[COMPANY.key], []).append(company)
        self._places[company[GSID]] = place

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

    def has_company(self, gsid: str) -> bool:
        """Whether there is a company of that Gsid."""
        return gsid in self._places

    def upsert_person(self, record: Record) -> None:
        """Creates the person of that Email or updates it; links are added to those that are there."""
        person = self.people.setdefault(record[PERSON.key], {})
        links = {link[LINKED]: link for link in _links(person)}
        for link in _links(record):
            links.setdefault(link[LINKED], link)
        person.update({**record, LINKS: [*links.values()]})

    def insert_company(self, record: Record) -> Record:
        """A new company, whether or not there is one of its Name."""
        place = number = len(self.companies)
        while self.has_company(gsid_of(number)):
            number += 1
        company = {GSID: gsid_of(number), **record}
        self.companies.append(company)
        self._index(company, place)
        return company

    def named(self, name: str) -> list[Record]:
        """The companies of that Name."""
        return self._by_name.get(name, [])

    def query(self, where: Record | None) -> Iterator[Record]:
        """The companies that meet the conditions, in the order of their making. Raises ValueError."""
        if not where:
            return iter(self.companies)
        conditions = {str(each["alias"]): _checked(each) for each in where["conditions"]}
        meets = parsed(str(where.get("expression") or " AND ".join(conditions)), set(conditions))
        return (
            company
            for company in self._candidates(conditions.values())
            if meets({alias: _holds(each, company) for alias, each in conditions.items()})
        )

    def _candidates(self, conditions: Iterable[Record]) -> list[Record]:
        """Those that may meet the conditions: by the index of names, if they speak of nothing else."""
        if not all(each["name"] == COMPANY.key and each["operator"] in {"EQ", "IN"} for each in conditions):
            return self.companies
        names = {name for each in conditions for name in each["value"] if isinstance(name, str)}
        places = sorted(self._places[company[GSID]] for name in names for company in self.named(name))
        return [self.companies[place] for place in places]


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


_OPERATORS: dict[Any, Callable[[Any, list[Any]], bool]] = {
    "EQ": lambda value, wanted: value == wanted[0],
    "NE": lambda value, wanted: value != wanted[0],
    "IN": lambda value, wanted: value in wanted,
}


def _checked(condition: Record) -> Record:
    if condition["operator"] not in _OPERATORS or not isinstance(condition["name"], str):
        raise ValueError("an unknown operator, or no name")
    if not isinstance(condition["value"], list) or not condition["value"]:
        raise ValueError("no list of values")
    return condition


def _holds(condition: Record, company: Record) -> bool:
    return _OPERATORS[condition["operator"]](company.get(condition["name"]), condition["value"])


def parsed(expression: str, aliases: set[str]) -> Callable[[dict[str, bool]], bool]:
    """What tells whether "A OR (B AND C)" holds, given which conditions hold. Raises ValueError.

    AND binds closer than OR, as in Python, whose parser reads it.
    """
    words = re.sub(r"\b(AND|OR)\b", lambda operator: operator[0].lower(), expression)
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
