"""What has changed from one description of a tenant to the next, and which of it can make Gainsight refuse events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from gainsight_dest.spelling import counted
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject


class ChangeKind(NamedTuple):
    """A kind of change: what it is, in words, and whether it can make Gainsight refuse events that it took before."""

    about: str
    can_refuse: bool


#: What can make Gainsight refuse events that it took before, and what cannot, in words.
_REFUSING = {
    "object-gone": "the object is gone",
    "field-gone": "the field is gone",
    "required-field-new": "the field is new, and required",
    "type": "another type",
    "shorter": "a shorter length",
    "fewer-decimals": "fewer decimals",
    "required": "now required",
    "less-written": "can no longer be written as before",
    "looks-up": "looks up other objects",
    "options": "now takes its options alone",
    "option-gone": "the option is gone",
    "option-inactive": "the option is no longer active",
    "option-label": "the option has another label",
    "option-id": "the option has another id",
}
_HARMLESS = {
    "object-new": "the object is new",
    "field-new": "the field is new",
    "longer": "a longer length",
    "more-decimals": "more decimals",
    "not-required": "no longer required",
    "more-written": "can be written as not before",
    "option-new": "the option is new",
    "option-active": "the option is active again",
    "label": "another label",
}
#: All kinds, by their codes.
KINDS: Mapping[str, ChangeKind] = {
    code: ChangeKind(about, can_refuse=can_refuse)
    for can_refuse, kinds in ((True, _REFUSING), (False, _HARMLESS))
    for code, about in kinds.items()
}
_RANKS = {code: rank for rank, code in enumerate(KINDS)}


@attrs.frozen
class Change:
    """One thing that has changed: of which object and field, the code of its kind, and what was before and is now.

    `field`: None for a change of the object itself. `before`, `after`: words; None where there is nothing to say.
    """

    object: str
    field: str | None
    kind: str
    before: str | None = None
    after: str | None = None

    @property
    def can_refuse(self) -> bool:
        """Whether it can make Gainsight refuse events that it took before."""
        return KINDS[self.kind].can_refuse

    @property
    def place(self) -> str:
        """`Company`, `Company.Plan__gc`."""
        return self.object if self.field is None else f"{self.object}.{self.field}"


def changes(before: Tenant, after: Tenant) -> tuple[Change, ...]:
    """What has changed: first what can make Gainsight refuse events, then by object, field and kind."""
    return tuple(sorted(_of_tenants(before, after), key=_rank))


def _rank(change: Change) -> tuple[object, ...]:
    place = change.object, change.field or ""
    return not change.can_refuse, *place, _RANKS[change.kind], change.before or "", change.after or ""


def _of_tenants(before: Tenant, after: Tenant) -> Iterator[Change]:
    for name in {**before.objects, **after.objects}:
        was, now = before.objects.get(name), after.objects.get(name)
        if was is None or now is None:
            yield Change(name, None, "object-new" if was is None else "object-gone")
        else:
            yield from _of_objects(name, was, now)


def _of_objects(name: str, before: TenantObject, after: TenantObject) -> Iterator[Change]:
    yield from _different(name, None, "label", before.label, after.label)
    for field in {**before.fields, **after.fields}:
        was, now = before.fields.get(field), after.fields.get(field)
        if now is None:
            yield Change(name, field, "field-gone")
        elif was is None:
            yield Change(name, field, "required-field-new" if now.is_required else "field-new", after=now.type)
        else:
            yield from _of_fields(name, field, was, now)


def _of_fields(name: str, field: str, before: TenantField, after: TenantField) -> Iterator[Change]:
    yield from _different(name, field, "type", before.type, after.type)
    if before.type == after.type:  # of another type, a length is another thing
        yield from _amount(name, field, ("shorter", "longer"), before.longest, after.longest)
        yield from _amount(name, field, ("fewer-decimals", "more-decimals"), before.decimals, after.decimals)
    if before.is_required != after.is_required:
        yield Change(name, field, "required" if after.is_required else "not-required")
    if (was := _writes(before)) != (now := _writes(after)):
        kind = "more-written" if was < now else "less-written"
        yield Change(name, field, kind, _listed(was) or "read-only", _listed(now) or "read-only")
    yield from _different(name, field, "looks-up", _listed(before.looks_up), _listed(after.looks_up))
    yield from _different(name, field, "label", before.label, after.label)
    yield from _of_options(name, field, before.options, after.options)


def _writes(field: TenantField) -> frozenset[str]:
    """In which kinds of writes Gainsight takes the field."""
    if field.is_formula:
        return frozenset()
    words = {"created": field.is_createable, "updated": field.is_updateable}
    return frozenset(word for word, can in words.items() if can)


def _of_options(name: str, field: str, before: Sequence[Option], after: Sequence[Option]) -> Iterator[Change]:
    """The changes of options. One that is no more of its id is the one that has its label."""
    if after and not before:
        yield Change(name, field, "options", after=counted(len(after), "option"))
        return
    left = {_key(option): option for option in after}
    unmatched = []
    for option in before:
        other = left.pop(_key(option), None)
        if other is None:
            unmatched.append(option)
            continue
        yield from _different(name, field, "option-label", option.label, other.label)
        yield from _activity(name, field, option, other)
    by_label = {option.label: option for option in left.values()}
    for option in unmatched:
        other = by_label.pop(option.label, None)
        if other is None:
            yield Change(name, field, "option-gone", before=option.label)
            continue
        del left[_key(other)]
        yield Change(name, field, "option-id", f"{option.label}: {option.id}", f"{option.label}: {other.id}")
        yield from _activity(name, field, option, other)
    for option in left.values():
        yield Change(name, field, "option-new", after=option.label)


def _key(option: Option) -> str:
    """What an option is known by: its id, as its label may be changed; a description may have none."""
    return option.id or option.label


def _activity(name: str, field: str, before: Option, after: Option) -> Iterator[Change]:
    if before.is_active != after.is_active:
        yield Change(name, field, "option-active" if after.is_active else "option-inactive", after=after.label)


def _different(name: str, field: str | None, kind: str, before: str | None, after: str | None) -> Iterator[Change]:
    if before != after:
        yield Change(name, field, kind, before, after)


def _amount(name: str, field: str, kinds: tuple[str, str], before: int | None, after: int | None) -> Iterator[Change]:
    """The change of a number: the first kind for less of it, the second for more. None is without a known bound."""
    if before != after:
        is_less = before is None or (after is not None and after < before)
        yield Change(name, field, kinds[0 if is_less else 1], _number(before), _number(after))


def _number(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
