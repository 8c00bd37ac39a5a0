"""A tenant as a value: its objects, their fields and options, and what it refuses of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import attrs

from gainsight_dest.gainsight import COMPANY_SYSTEM_FIELDS, CUSTOM, KEYS, LINKS, PERSON_OBJECT, SYSTEM_FIELDS
from gainsight_dest.tenant import answers as _answers
from gainsight_dest.tenant import data as _data
from gainsight_dest.tenant.types import (
    OBJECT_CODES,
    OTHER,
    PEOPLE_CODES,
    RULES,
    TYPES,
    Certainty,
    Choice,
    GainsightType,
    RefusalRule,
    longest,
)
from gainsight_dest.values import kind

#: What stands between the options of a multi-select.
BETWEEN_OPTIONS = ";"


@attrs.frozen
class Option:
    """An option of a picklist: its label, its id (the Gsid of the item), and whether it may still be chosen."""

    label: str = attrs.field(repr=False)
    id: str = attrs.field(default="", repr=False)
    is_active: bool = True


@attrs.frozen
class Refusal:
    """What Gainsight would answer: its code, the reason in plain words and without the value, what it is about.

    `certainty`: how it is known. Most of what is refused is documented; of which forms of a value are, nothing is.
    """

    code: str
    reason: str
    rule: RefusalRule
    certainty: Certainty = Certainty.GUESSED


def _sorted_options(options: Iterable[Option]) -> tuple[Option, ...]:
    return tuple(sorted(set(options), key=lambda option: (option.label, option.id, option.is_active)))


def _sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _amount(value: int | None) -> int | None:
    """A length, or a number of decimals, of which Gainsight writes 0 where there is none to tell."""
    return value or None


@attrs.frozen(slots=False)
class TenantField:
    """A field of an object of the tenant's.

    `type`: Gainsight's data type, in capitals; "" where it is not told. `length`: how many characters a text may have,
    `decimals`: how many of a number are kept; None where it is not told, or 0. `options`: of a picklist, by their
    labels; none where they are not told. `looks_up`: the objects whose records a lookup names. A formula is never
    written. `of`: the name of its object, which says by which codes it refuses. The repr shows no label.
    """

    name: str = attrs.field(repr=_data.shown)
    label: str = attrs.field(default="", repr=False)
    type: str = attrs.field(default="", repr=_data.shown)
    length: int | None = attrs.field(default=None, converter=_amount, repr=False)
    decimals: int | None = attrs.field(default=None, converter=_amount, repr=False)
    is_createable: bool = attrs.field(default=True, repr=False)
    is_updateable: bool = attrs.field(default=True, repr=False)
    is_required: bool = attrs.field(default=False, repr=False)
    is_formula: bool = attrs.field(default=False, repr=False)
    options: tuple[Option, ...] = attrs.field(default=(), converter=_sorted_options, repr=False)
    looks_up: tuple[str, ...] = attrs.field(default=(), converter=_sorted_names, repr=False)
    of: str = attrs.field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.label:
            self.__dict__["label"] = self.name  # it is frozen
        if self.is_formula:
            self.__dict__.update(is_createable=False, is_updateable=False)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes alone: what was derived of them is made again."""
        return {name: self.__dict__[name] for name in _ATTRIBUTES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def is_writable(self) -> bool:
        """Whether it takes a value in a new record, or in an update."""
        return self.is_createable or self.is_updateable

    @property
    def is_custom(self) -> bool:
        """Whether the tenant has made the field."""
        return self.name.endswith(CUSTOM)

    @cached_property
    def data_type(self) -> GainsightType:
        """What is known of its type; of one that is not in the table, that it takes anything."""
        return TYPES.get(self.type, OTHER)

    @cached_property
    def longest(self) -> int | None:
        """How many characters a text may have; None where it is not bounded."""
        if not self.data_type.is_text:
            return None
        return self.length or longest(self.type, is_custom=self.is_custom)

    def refusal(self, value: Any) -> Refusal | None:
        """What Gainsight would answer to that JSON value in this field; None where nothing is known against it.

        Whether the field can be written, `TenantObject.refusals` says. A null clears a field that is not required.
        """
        if value is None:
            return self._refused(RefusalRule.NULL, "takes no null") if self.is_required else None
        data_type = self.data_type
        if not data_type.takes(value):
            code = data_type.people if self._is_of_people else data_type.objects
            reason = f"takes {data_type.words}, {_but(value)}"
            return Refusal(code, reason, RefusalRule.TYPE, data_type.certainty)
        bound = self.longest
        if bound is not None and len(value) > bound:
            reason = f"takes {bound:,} characters at most"
            return self._refused(RefusalRule.LENGTH, reason)
        if self.options and data_type.choice is not Choice.NONE:
            return self._choice_refusal(value)
        return None

    def option_of(self, word: str) -> Option | None:
        """The option of that label or id, written so; one that may be chosen before one that may not."""
        return self._options_by_word.get(word)

    def option_meant(self, word: str) -> Option | None:
        """The one option that may be chosen and has that label or id, but for case and the spaces around it.

        None where there is no such option, or more than one.
        """
        return self.option_of(word) or self._options_by_form.get(_form(word))

    @cached_property
    def _is_of_people(self) -> bool:
        return self.of == PERSON_OBJECT

    @cached_property
    def _options_by_word(self) -> dict[str, Option]:
        """By labels, and by ids, which stand behind labels; those that may be chosen go first."""
        ranked = sorted(self.options, key=lambda option: option.is_active)
        return {
            **{option.id: option for option in ranked if option.id},
            **{option.label: option for option in ranked if option.label},
        }

    @cached_property
    def _options_by_form(self) -> dict[str, Option | None]:
        """Those that may be chosen; None for what more than one of them may be meant by."""
        found: dict[str, Option | None] = {}
        for option in self.options:
            if option.is_active:
                for form in {_form(option.label), _form(option.id)} - {""}:
                    found[form] = None if form in found else option
        return found

    def _choice_refusal(self, value: str) -> Refusal | None:
        """Of one option, or of several joined by a semicolon, which may be a part of a label, too."""
        whole = self._options_by_word.get(value)
        if whole is None and self.data_type.choice is Choice.MANY:
            refusals = map(self._option_refusal, value.split(BETWEEN_OPTIONS))
            return next((refusal for refusal in refusals if refusal is not None), None)
        return self._option_refusal(value)

    def _option_refusal(self, word: str) -> Refusal | None:
        option = self._options_by_word.get(word)
        if option is None:
            if self._options_by_form.get(_form(word)) is None:
                return self._refused(RefusalRule.OPTION, "has no such option")
            return self._refused(
                RefusalRule.CASE, "has the option in another spelling: in another case, or without spaces"
            )
        return None if option.is_active else self._refused(RefusalRule.INACTIVE, "has the option, but it is not active")

    def _refused(self, rule: RefusalRule, reason: str) -> Refusal:
        return Refusal(self._code(rule), reason, rule, RULES[rule])

    def _code(self, rule: RefusalRule) -> str:
        codes = PEOPLE_CODES if self._is_of_people else OBJECT_CODES
        if rule in _OF_OPTIONS:
            return self.data_type.people if self._is_of_people else self.data_type.objects
        if rule is RefusalRule.LENGTH:
            return codes.long
        return codes.null if rule in _OF_NULLS else codes.unwritable

    def missing(self) -> Refusal:
        """What Gainsight would answer to a new record without the field, which is required."""
        return self._refused(RefusalRule.MISSING, "is required in a new record")

    def write_refusal(self, *, is_new: bool | None) -> Refusal | None:
        """Why no value can be written to it in a new record, in an update, or (None) in either."""
        rule, reason = self._unwritable(is_new=is_new)
        return None if rule is None else self._refused(rule, reason)

    def _unwritable(self, *, is_new: bool | None) -> tuple[RefusalRule | None, str]:
        can = {None: self.is_writable, True: self.is_createable, False: self.is_updateable}[is_new]
        if can:
            return None, ""
        if self.is_formula:
            return RefusalRule.FORMULA, "is a formula, which cannot be written"
        if self.name in (SYSTEM_FIELDS if self._is_of_people else COMPANY_SYSTEM_FIELDS):
            return RefusalRule.SYSTEM, "is a system field, which cannot be written"
        if not self.is_writable:
            return RefusalRule.READ_ONLY, "is read-only"
        if is_new:
            return RefusalRule.ONLY_ON_UPDATE, "cannot be written in a new record"
        return RefusalRule.ONLY_ON_CREATE, "can be written in a new record only"


_ATTRIBUTES = tuple(each.name for each in attrs.fields(TenantField))
_OF_OPTIONS = frozenset({RefusalRule.OPTION, RefusalRule.CASE, RefusalRule.INACTIVE})
_OF_NULLS = frozenset({RefusalRule.NULL, RefusalRule.MISSING})


def _form(word: str) -> str:
    return word.strip().casefold()


def _but(value: Any) -> str:
    """What is given instead, without the value."""
    return "which the string is not" if isinstance(value, str) else f"not {kind(value)}"


def _by_name(each: Mapping[str, Any] | Iterable[Any]) -> Mapping[str, Any]:
    values = each.values() if isinstance(each, Mapping) else each
    return MappingProxyType({value.name: value for value in sorted(values, key=lambda value: value.name)})


@attrs.frozen(slots=False, repr=False)
class TenantObject:
    """An object of the tenant's, such as Person or Company: its fields by their names, as Gainsight spells them.

    `fields` is given as a mapping, or as the fields alone.
    """

    name: str
    label: str = ""
    fields: Mapping[str, TenantField] = attrs.field(default=(), converter=_by_name, hash=False)

    def __attrs_post_init__(self) -> None:
        if not self.label:
            self.__dict__["label"] = self.name  # it is frozen
        if any(field.of != self.name for field in self.fields.values()):
            owned = _by_name(attrs.evolve(field, of=self.name) for field in self.fields.values())
            self.__dict__["fields"] = owned

    def __repr__(self) -> str:
        return f"<TenantObject {_data.shown(self.name)}: {len(self.fields):,} fields>"

    def __reduce__(self) -> tuple[Callable[..., TenantObject], tuple[str, str, list[TenantField]]]:
        return TenantObject, (self.name, self.label, [*self.fields.values()])

    @property
    def key(self) -> str | None:
        """The field by which records are found; None where it is not known."""
        return KEYS.get(self.name)

    def refusals(
        self,
        record: Mapping[str, Any],
        is_new: bool | None = None,  # noqa: FBT001 - it is as plain without its name
    ) -> Iterator[tuple[str, Refusal]]:
        """What Gainsight would refuse of a record, as pairs of a field's name and a Refusal, one for each field.

        `is_new`: whether the record is created: then what is required must be there, too; None: either may be.
        A person's `companies` are left alone: they are no field.
        """
        for name, value in record.items():
            refusal = self.field_refusal(name, value, is_new=is_new)
            if refusal is not None:
                yield name, refusal
        if is_new:
            for name in self._required:
                if name not in record:
                    yield name, self.fields[name].missing()

    def field_refusal(self, name: str, value: Any, *, is_new: bool | None = None) -> Refusal | None:
        """The same of one field, by the name that a record has for it."""
        field = self.fields.get(name)
        if field is None:
            return None if name == LINKS and self.name == PERSON_OBJECT else self._unknown
        if name == self.key and is_new is not True:  # it finds the record, and stays as it is
            return field.refusal(value)
        return field.write_refusal(is_new=is_new) or field.refusal(value)

    @property
    def _unknown(self) -> Refusal:
        codes = PEOPLE_CODES if self.name == PERSON_OBJECT else OBJECT_CODES
        return Refusal(codes.unknown, "no such field", RefusalRule.UNKNOWN, RULES[RefusalRule.UNKNOWN])

    @cached_property
    def _required(self) -> tuple[str, ...]:
        """What a new record must have. What cannot be written, Gainsight fills in by itself."""
        return tuple(field.name for field in self.fields.values() if field.is_required and field.is_createable)


@attrs.frozen(slots=False, repr=False)
class Tenant:
    """What a tenant of Gainsight has. A value: it compares, hashes and pickles, and holds no record and no key.

    `objects`: by their names, as Gainsight spells them. It is given as a mapping, or as the objects alone.
    """

    objects: Mapping[str, TenantObject] = attrs.field(default=(), converter=_by_name, hash=False)

    def __hash__(self) -> int:
        return hash((*self.objects,))

    def __repr__(self) -> str:
        shown = ", ".join(f"{_data.shown(each.name)}: {len(each.fields):,} fields" for each in self.objects.values())
        return f"<Tenant {shown or 'without objects'}>"

    def __reduce__(self) -> tuple[Callable[..., Tenant], tuple[list[TenantObject]]]:
        return Tenant, ([*self.objects.values()],)

    def object_of(self, name: str) -> TenantObject | None:
        """The object of that name; None where the tenant was described without it."""
        return self.objects.get(name)

    @classmethod
    def from_describe(cls, answers: Any) -> Tenant:
        """The tenant that describe answers tell of.

        `answers`: a Response, its JSON, or a list of either, of which a later one goes before an earlier one about the
        same object. What differs from answer to answer is forgiven: what is not told has a default. Raises
        ResponseError for an answer that is no success, and, with its place, for what cannot be read.
        """
        return cls._of(_answers.objects_in(answers))

    @classmethod
    def from_data(cls, data: Any) -> Tenant:
        """The tenant of what `as_data` gave. Raises ConfigError with every problem found, each with its place."""
        return cls._of(_data.checked(data))

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data, ready for JSON: sorted, and without what is as usual. `from_data` takes it back."""
        return {
            "version": _data.VERSION,
            "objects": {each.name: _object_as_data(each) for each in self.objects.values()},
        }

    @classmethod
    def _of(cls, objects: Iterable[_data.ObjectFacts]) -> Tenant:
        return cls([_made(facts) for facts in objects])


def _made(facts: _data.ObjectFacts) -> TenantObject:
    fields = [_field(of=facts.name, **each) for each in facts.fields]
    return TenantObject(facts.name, facts.label, fields)


def _field(*, options: Iterable[_data.OptionFacts] = (), **facts: Any) -> TenantField:
    return TenantField(options=tuple(Option(*option) for option in options), **facts)


def _object_as_data(of: TenantObject) -> dict[str, Any]:
    label = {} if of.label == of.name else {"label": of.label}
    return {**label, "fields": {field.name: _field_as_data(field) for field in of.fields.values()}}


def _field_as_data(field: TenantField) -> dict[str, Any]:
    data: dict[str, Any] = {} if field.label == field.name else {"label": field.label}
    for attribute, (key, _, default) in _data.KEYS.items():
        value = getattr(field, attribute)
        if value != default:
            data[key] = value
    if field.looks_up:
        data["looksUp"] = [*field.looks_up]
    if field.options:
        data["options"] = [_option_as_data(option) for option in field.options]
    return data


def _option_as_data(option: Option) -> dict[str, Any]:
    data: dict[str, Any] = {"label": option.label}
    if option.id:
        data["id"] = option.id
    if not option.is_active:
        data["active"] = False
    return data
