"""Where the cells of a table go: for each column, the event, the place in it, and the type. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError
from gainsight_dest.fields import COMPANY, OBJECTS, PERSON, Datatype, GainsightObject
from gainsight_dest.rows.names import (
    CONTEXT,
    CONTEXT_TRAITS,
    EVENT_NAMES,
    KEYS,
    LEFT_OUT,
    TABLES,
    TraitNames,
    named,
)
from gainsight_dest.spelling import Names, did_you_mean, folded
from gainsight_dest.tenant.fitting import fit
from gainsight_dest.tenant.tenant import Tenant, TenantField
from gainsight_dest.values import quoted

#: The objects of an event that a value stands in; none: it is a key of the event itself.
Place = tuple[str, ...]
TRACK = "track"
_TRAITS, _PROPERTIES, _CONTEXT = ("traits",), ("properties",), ("context", "traits")


class RowKind(NamedTuple):
    """What an event of a row is. `type`: of event. `name`: of a track event; None: a column has it."""

    type: str
    name: str | None = None


def kinds_of(text: str) -> tuple[RowKind, ...]:
    """The events of a row: "identify", "group", "identify,group", "track" or "track:NAME".

    The names of RudderStack's tables, identifies, groups and tracks, are taken, too. Raises ConfigError.
    """
    first, colon, name = text.partition(":")
    if colon and _word(first) == TRACK and name.strip():
        return (RowKind(TRACK, name.strip()),)
    words = [_word(word) for word in text.split(",")]
    if len(words) == 1 and words[0] in {*(of.event_type for of in OBJECTS), TRACK}:
        return (RowKind(words[0]),)
    if sorted(words) == [COMPANY.event_type, PERSON.event_type]:
        return (RowKind(PERSON.event_type), RowKind(COMPANY.event_type))
    raise ConfigError(
        ("the kind of event", f"must be identify, group, identify,group or track:NAME, not {quoted(text)}")
    )


def _word(text: str) -> str:
    word = text.strip().casefold()
    return TABLES.get(word, word)


class CellPlan(NamedTuple):
    """A cell that an event takes: where it is in the row, the name that it has there, and what its text is made by."""

    at: int
    name: str
    typed: Callable[[str], Any] | None = None


@attrs.frozen
class EventPlan:
    """How an event is made of a row.

    `cells`: those of each place in it; of two for one name, a later one that is not missing goes before. `needs`: the
    cell without which there is no event; None: there always is one.
    """

    kind: RowKind
    cells: tuple[tuple[Place, tuple[CellPlan, ...]], ...]
    needs: int | None = None


class ColumnsPlan:
    """Finds for each column of a table where in which event its cells go."""

    def __init__(
        self,
        columns: tuple[str, ...],
        kinds: tuple[RowKind, ...],
        config: DestinationConfig | None,
        tenant: Tenant | None,
        *,
        is_text: bool,
    ) -> None:
        self._columns = columns
        self._kinds = kinds
        self._is_config_known = config is not None
        self._tenant, self._is_text = tenant, is_text
        self._problems: list[tuple[str, str]] = []
        first = kinds[0]
        own = next((of for of in OBJECTS if of.event_type == first.type), None)
        #: Where cells may go: the traits there, by the place as it is written before a name.
        self._traits: dict[str, TraitNames] = {}
        #: What a column without a place is a trait of.
        self._own = "properties" if own is None else own.event_type
        self._traits[self._own] = TraitNames(own, config, tenant)
        if len(kinds) > 1:
            self._traits[COMPANY.event_type] = TraitNames(COMPANY, config, tenant)
        #: The traits of a person that is beside the event: of an identify event's own in another place.
        beside = config if own is PERSON else None
        self._traits["context.traits"] = TraitNames(PERSON, beside, tenant)

    def made(self, names: Mapping[str, str]) -> tuple[EventPlan, ...]:
        """Raises ConfigError."""
        self._check_columns()
        targets = self._targets(self._written(names))
        plans = tuple(self._plan(kind, targets) for kind in self._kinds)
        if self._problems:
            raise ConfigError(*self._problems)
        return plans

    def _check_columns(self) -> None:
        seen: dict[str, int] = {}
        for number, column in enumerate(self._columns, 1):
            if column and column in seen:
                self._tell(column, f"is there twice, as column {seen[column]:,} and as column {number:,}")
            seen.setdefault(column, number)

    def _tell(self, column: str, problem: str) -> None:
        self._problems.append((f"column {quoted(column)}", problem))

    def _written(self, names: Mapping[str, str]) -> dict[str, str]:
        """The names that were given, by the columns as the table has them."""
        found: dict[str, str] = {}
        by_form: dict[str, list[str]] = {}
        for column in self._columns:
            by_form.setdefault(folded(column), []).append(column)
        for column, name in names.items():
            alike = by_form.get(folded(column), [])
            meant = column if column in self._columns else alike[0] if len(alike) == 1 else None
            if meant is None:
                question = did_you_mean(_quoted_or_none(Names(self._columns).near(column)))
                self._tell(column, " ".join(filter(None, ("is not in the table.", question))))
            else:
                found[meant] = name.strip()
        return found

    # --- where each column goes ---------------------------------------------------------------------------------------

    def _targets(self, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Of each place as it is written before a name, and "" for the event itself: name there, to column."""
        found: dict[str, dict[str, str]] = {"": {}}
        by_rule: dict[str, dict[str, str]] = {place: {} for place in self._traits}
        explicit: dict[str, dict[str, str]] = {place: {} for place in self._traits}
        for column in filter(None, self._columns):
            place, name = self._goes_to(column, names.get(column))
            if place is None:
                continue
            if place == "":
                self._feed_key(found[""], name, column)
            else:
                by_rule[place][column] = name
                if column in names:
                    explicit[place][column] = self._trait(place, name, column)
        for place, columns in by_rule.items():
            found[place], lost = named(columns, self._traits[place], explicit[place])
            given = ((column, found[place][trait], trait) for column, trait in explicit[place].items())
            for column, other, trait in [*lost, *(each for each in given if each[0] != each[1])]:
                self._tell(column, f"feeds {trait}, and so does column {quoted(other)}: leave one of them out")
        return found

    def _feed_key(self, keys: dict[str, str], key: str, column: str) -> None:
        other = keys.setdefault(key, column)
        if other != column:
            self._tell(column, f"is the event's {key}, and so is column {quoted(other)}: leave one of them out")

    def _trait(self, place: str, name: str, column: str) -> str:
        """The trait that is meant by a name which was given for the column."""
        traits = self._traits[place]
        meant = traits.meant(name)
        if meant is None and self._is_config_known:
            question = traits.did_you_mean(name)
            self._tell(column, " ".join(filter(None, (f"no field takes the trait {quoted(name)}.", question))))
        return meant or name

    def _goes_to(self, column: str, given: str | None) -> tuple[str | None, str]:
        """The place as it is written before a name, and the name; None for the place of what is left out."""
        if given is not None:
            return self._as_written(given)
        lower = column.strip().lower()
        if lower in LEFT_OUT:
            is_name = lower in EVENT_NAMES and self._kinds[0] == RowKind(TRACK)
            return ("", lower) if is_name else (None, "")
        if lower.startswith(CONTEXT_TRAITS):
            return "context.traits", lower.removeprefix(CONTEXT_TRAITS)
        if lower.startswith(CONTEXT):
            return None, ""
        if folded(column) in _KEYS_BY_FORM:
            key = _KEYS_BY_FORM[folded(column)]
            if trait := next(iter(self._traits[self._own].alike(column)), None):
                self._tell(column, f"is the event's {key}, or the trait {trait}: name it {key}, or traits.{trait}")
            return "", key
        head, name = _divided(column)
        if head and self._place(head) is not None:
            return self._place(head), name
        if len(self._kinds) > 1 and folded(column).startswith(_OF_A_COMPANY):
            rest = folded(column).removeprefix(_OF_A_COMPANY)
            if rest and self._traits[COMPANY.event_type].alike(rest):
                return COMPANY.event_type, rest
        return self._own, column

    def _as_written(self, given: str) -> tuple[str | None, str]:
        """The same of a name that was given."""
        if not given:
            return None, ""
        if given in _KEYS_BY_FORM.values():
            return "", given
        if given == "event" and self._kinds[0] == RowKind(TRACK):
            return "", EVENT_NAMES[0]
        head, name = _divided(given)
        place = self._place(head) if head else self._own
        return (self._own, given) if place is None else (place, name)

    def _place(self, head: str) -> str | None:
        """What is written before a name, as the place; None if it is none of this table, but a part of the name."""
        if head == "context.traits":
            return head
        if head in {"traits", "properties"}:
            return self._own if (head == "properties") == (self._own == "properties") else None
        if head == "company":
            of = COMPANY.event_type
            return of if of in self._traits else None
        return self._own if self._own == PERSON.event_type else "context.traits"  # of a person

    # --- events -------------------------------------------------------------------------------------------------------

    def _plan(self, kind: RowKind, targets: Mapping[str, Mapping[str, str]]) -> EventPlan:
        indices = {column: index for index, column in enumerate(self._columns)}
        keys = sorted(targets[""].items(), key=_in_order)
        of_event = tuple(CellPlan(indices[column], _EVENT_KEYS.get(key, key)) for key, column in keys)
        cells: list[tuple[Place, tuple[CellPlan, ...]]] = [((), of_event)]
        written = self._own if kind == self._kinds[0] else kind.type
        own = targets[written]
        place = _PROPERTIES if kind.type == TRACK else _TRAITS
        beside = targets["context.traits"] if kind == self._kinds[0] else self._email(targets)
        parts = [(place, own, self._traits[written]), (_CONTEXT, beside, self._traits["context.traits"])]
        for where, columns, traits in parts:
            if columns:
                made = (CellPlan(indices[c], trait, self._typed(traits, trait)) for trait, c in columns.items())
                cells.append((where, tuple(made)))
        self._check_needs(kind, own, beside, targets[""])
        needs = indices.get(own.get("name", "")) if kind != self._kinds[0] else None
        return EventPlan(kind, tuple(cells), needs)

    @staticmethod
    def _email(targets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The column of the person's email, by the trait, of a row that gives a company, too."""
        places = {**targets["context.traits"], **targets[PERSON.event_type]}
        return {"email": places["email"]} if "email" in places else {}

    def _check_needs(
        self, kind: RowKind, own: Mapping[str, str], beside: Mapping[str, str], keys: Mapping[str, str]
    ) -> None:
        """What the event cannot do without. What is wrong with a name may be why it is missing."""
        if self._problems:
            return
        prefix = "" if kind == self._kinds[0] else "company."
        if kind.type == PERSON.event_type and "email" not in {*own, *beside}:
            self._lacks("the person's email", "email", "email", "mail")
        if kind.type == COMPANY.event_type and "name" not in own:
            self._lacks("the company's name", f"{prefix}name", *_OF_COMPANIES)
        if kind.type == COMPANY.event_type and not prefix and "email" not in beside:
            self._lacks("the email of a person at the company", "person.email", "email", "mail")
        if kind == RowKind(TRACK) and not {*EVENT_NAMES} & {*keys}:
            self._lacks("the name of the track event (or say track:NAME)", "event", "event")

    def _lacks(self, what: str, name: str, *words: str) -> None:
        """Tell that no column has what an event needs, and which might."""
        named_so = (column for word in words for column in self._columns if word in folded(column))
        likely = next(named_so, None)
        question = "" if likely is None else f" Did you mean {quoted(f'{likely}={name}')}?"
        self._problems.append(("the columns", f"none has {what}: name the column, COLUMN={name}.{question}"))

    def _typed(self, traits: TraitNames, trait: str) -> Callable[[str], Any] | None:
        """What makes a value of a text in the cell, by the types of the fields that the trait feeds; None: nothing."""
        if traits.of is None or (self._tenant is None and not self._is_text):
            return None
        found = [_field_of(traits.of, name, self._tenant) for name in traits.fields.get(trait, ())]
        fields = [field for field in found if field is not None]
        if not any(field.type in _TYPED for field in fields):
            return None
        first = next(field for field in fields if field.type in _TYPED)

        def typed(text: str) -> Any:
            made = fit(text, first)
            is_taken = made.refusal is None and all(field.refusal(made.value) is None for field in fields)
            return made.value if is_taken else text

        return typed


_KEYS_BY_FORM = {folded(column): key for column, key in KEYS.items()}
_OF_A_COMPANY = "company"
#: What the column of its name may be called, the likeliest first.
_OF_COMPANIES = ("account", "company", "customer", "organi", "client", "name")
#: What may stand before the name of a trait.
_HEADS = ("context.traits", "traits", "properties", "company", "person")
#: The order of an event's own keys; the last that has its name goes first.
_ORDER = [*KEYS.values(), *reversed(EVENT_NAMES)]
_EVENT_KEYS = dict.fromkeys(EVENT_NAMES, "event")


def _in_order(item: tuple[str, str]) -> int:
    return _ORDER.index(item[0])


def _divided(name: str) -> tuple[str, str]:
    """What stands before the name of a trait, and the name."""
    for head in _HEADS:
        if name.startswith(f"{head}.") and len(name) > len(head) + 1:
            return head, name[len(head) + 1 :]
    return "", name


def _quoted_or_none(name: str | None) -> str | None:
    return None if name is None else quoted(name)


# --- types of fields --------------------------------------------------------------------------------------------------

#: Gainsight's data types for which a text is made something else, or a date of its own form.
_TYPED = frozenset({"NUMBER", "PERCENTAGE", "CURRENCY", "BOOLEAN", "DATE", "DATETIME"})
#: The same of the fields that every tenant has.
_TYPES = {
    Datatype.NUMBER: "NUMBER",
    Datatype.BOOLEAN: "BOOLEAN",
    Datatype.DATE: "DATE",
    Datatype.DATETIME: "DATETIME",
}


def _field_of(of: GainsightObject, name: str, tenant: Tenant | None) -> TenantField | None:
    """The field as the tenant has it; else as every tenant has, if it is one of those."""
    described = None if tenant is None else tenant.object_of(of.name)
    if described is not None and name in described.fields:
        return described.fields[name]
    standard = of.by_name.get(name)
    return None if standard is None else TenantField(name, type=_TYPES.get(standard.datatype, ""))
