"""The rules of lint with a tenant at hand, on the config, then on events by their profile, in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from gainsight_dest.explaining.profile import TraitProfile
from gainsight_dest.explaining.told import CANNOT_FIT
from gainsight_dest.fields import CUSTOM, OBJECTS, Fate, GainsightObject
from gainsight_dest.linting.finding import Hit, Severity
from gainsight_dest.linting.of_config import mapped
from gainsight_dest.linting.rule import lint_rule
from gainsight_dest.linting.subject import MapRow, Subject
from gainsight_dest.spelling import Names, counted, did_you_mean
from gainsight_dest.tenant.types import RefusalRule

if TYPE_CHECKING:
    from gainsight_dest.tenant import TenantField, TenantObject

#: Data types that take the id of a record, and no text that people write.
_IDS = frozenset({"LOOKUP", "GSID", "SFDCID"})
_DATES = frozenset({"DATE", "DATETIME"})
_MULTI_SELECTS = frozenset({"MULTISELECTDROPDOWNLIST"})
#: What is wrong with a field whatever the value.
_UNWRITABLE = frozenset(
    {
        RefusalRule.SYSTEM,
        RefusalRule.FORMULA,
        RefusalRule.READ_ONLY,
        RefusalRule.ONLY_ON_CREATE,
        RefusalRule.ONLY_ON_UPDATE,
    }
)


# --- the config -------------------------------------------------------------------------------------------------------


@lint_rule("undescribed-object", Severity.WARNING, "Describe the tenant anew, with this object.")
def undescribed_objects(subject: Subject) -> Iterator[Hit]:
    """Events write records of an object that the tenant was described without: nothing is known of its fields."""
    for of in OBJECTS:
        is_written = subject.whole(of.map) or subject.profile.taken(of.event_type)
        if subject.tenant is not None and is_written and subject.described(of) is None:
            yield Hit(of.map, f"the tenant was described without {of.name}")


@lint_rule("absent-field", Severity.ERROR, "Create the field in Gainsight's Data Management, or map another one.")
def absent_fields(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that this tenant does not have: Gainsight refuses the whole record."""
    meant: dict[str, _Meant] = {}
    for of, own, row in _rows(subject):
        if row.target not in own.fields and row.target not in of.system:
            if of.name not in meant:
                meant[of.name] = _Meant(own)
            problem = f"the tenant's {of.name} has no field {subject.quoted(row.target)}"
            yield Hit(row.target_place, problem, did_you_mean(meant[of.name].by(row.target)))


class _Meant:
    """The fields of an object that can be written, to find the one that a wrong name probably means."""

    def __init__(self, own: TenantObject) -> None:
        fields = [field for field in own.fields.values() if field.is_writable]
        self._names = Names(field.name for field in fields)
        self._labels = Names(field.label for field in fields)
        self._by_label = {field.label: field.name for field in fields}

    def by(self, name: str) -> str | None:
        """Its name: nearly that name, that with `__gc`, or the one whose label is that name."""
        label = self._labels.respelt(name.removesuffix(CUSTOM))
        near = self._names.respelt(name) or self._names.respelt(name + CUSTOM) or (label and self._by_label[label])
        return near or self._names.misspelt(name) or self._names.misspelt(name + CUSTOM)


@lint_rule("formula-target", Severity.ERROR, "Map the trait to another field.")
def formulas(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that this tenant computes by a formula: Gainsight refuses the whole record."""
    return _targets(subject, lambda field: field.is_formula, "is a formula")


@lint_rule("read-only-target", Severity.ERROR, "Map the trait to another field.")
def read_only(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that this tenant lets no one write: Gainsight refuses the whole record."""
    return _targets(subject, lambda field: not field.is_formula and not field.is_writable, "is read-only")


@lint_rule("written-once-target", Severity.WARNING, "Leave it if events only ever come of records that can take it.")
def written_once(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that only a new record, or only an old one, takes: of the others the record is refused."""
    yield from _targets(subject, lambda field: _is_for(field, new=True, old=False), "cannot be updated")
    yield from _targets(subject, lambda field: _is_for(field, new=False, old=True), "cannot be written in a new record")


def _is_for(field: TenantField, *, new: bool, old: bool) -> bool:
    return field.is_createable is new and field.is_updateable is old


@lint_rule("id-target", Severity.WARNING, "Leave it if the trait holds such ids.")
def id_targets(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a lookup, or another field of ids: it takes the id of a record, and no name of one."""
    for of, own, row in _rows(subject):
        field = own.fields.get(row.target)
        if field is not None and field.type in _IDS and field.is_writable:
            looks_up = f", of {' or '.join(field.looks_up)}" if field.looks_up else ""
            yield Hit(row.target_place, f"{of.name}.{row.target} takes ids ({field.type}{looks_up})")


@lint_rule("unmapped-required-field", Severity.WARNING, "Map a trait to it.")
def unmapped_required(subject: Subject) -> Iterator[Hit]:
    """This tenant requires a field of new records, and nothing is mapped to it: they are refused."""
    for of in OBJECTS:
        for name in _unmapped(subject, of):
            yield Hit(of.map, f"a new {of.name} needs {subject.quoted(name)}, and no trait is mapped to it")


def _unmapped(subject: Subject, of: GainsightObject) -> Iterator[str]:
    """The fields that a new record needs, and that neither a standard trait nor a row of the config is for."""
    own = subject.described(of)
    if own is not None and (subject.whole(of.map) or subject.profile.taken(of.event_type)):
        fed = {*of.by_name, *(row.target for row in subject.whole(of.map))}
        yield from (name for name, _ in own.refusals({}, is_new=True) if name not in fed)


def _rows(subject: Subject) -> Iterator[tuple[GainsightObject, TenantObject, MapRow]]:
    """The rows of traits, each with what the tenant has of its object. The merge keys have a rule of their own."""
    for of, row in mapped(subject):
        own = subject.described(of)
        if own is not None and row.target != of.key:
            yield of, own, row


def _targets(subject: Subject, is_wrong: Callable[[TenantField], bool], what: str) -> Iterator[Hit]:
    for of, own, row in _rows(subject):
        field = own.fields.get(row.target)
        if field is not None and row.target not in of.system and is_wrong(field):
            yield Hit(row.target_place, f"{of.name}.{row.target} {what}")


# --- events -----------------------------------------------------------------------------------------------------------


@lint_rule("required-not-sent", Severity.WARNING, "Send it with every event that may be the first of its record.")
def required_not_sent(subject: Subject) -> Iterator[Hit]:
    """Events come without a field that this tenant requires of new records: if theirs is new, it is refused."""
    for of in OBJECTS:
        unmapped = {f"{of.name}.{name}" for name in _unmapped(subject, of)}
        for tally in subject.profile.lacks.values():
            if tally.kind == of.event_type and tally.text not in unmapped:
                problem = f"{tally.text}, which a new record needs, is missing in {_count(tally.times, tally.kind)}"
                yield Hit(tally.kind, problem)


@lint_rule("absent-standard-field", Severity.ERROR, "Do not send it, or map it to a field that is there.")
def absent_standard_fields(subject: Subject) -> Iterator[Hit]:
    """A standard trait is for a field that this tenant does not have: Gainsight refuses the whole record."""
    return _refused(subject, {RefusalRule.UNKNOWN}, is_mapped=False)


@lint_rule("unwritable-standard-field", Severity.ERROR, "Do not send it.")
def unwritable_standard_fields(subject: Subject) -> Iterator[Hit]:
    """A standard trait is for a field that this tenant lets no one write, or not in each record: it is refused."""
    return _refused(subject, _UNWRITABLE, is_mapped=False)


@lint_rule("wrong-type", Severity.ERROR, "Send what the field takes, or map another field.")
def wrong_types(subject: Subject) -> Iterator[Hit]:
    """A field gets values that are not of its data type in this tenant: the events fail."""
    return _refused(subject, {RefusalRule.TYPE, RefusalRule.NULL}, but_of=_IDS | _DATES | _MULTI_SELECTS)


@lint_rule("wrong-date", Severity.ERROR, "Send dates as 2026-03-02, dates with times as 2026-03-02T09:30:00Z.")
def wrong_dates(subject: Subject) -> Iterator[Hit]:
    """A date field gets dates in another form, or what is no date: the events fail."""
    return _refused(subject, {RefusalRule.TYPE}, of=_DATES)


@lint_rule("no-id", Severity.ERROR, "Send the id of the record.")
def no_ids(subject: Subject) -> Iterator[Hit]:
    """A lookup, or another field of ids, gets what is no id, such as a name: the events fail."""
    return _refused(subject, {RefusalRule.TYPE}, of=_IDS)


@lint_rule("no-multi-select", Severity.ERROR, "Send a text with a semicolon between the options.")
def no_multi_selects(subject: Subject) -> Iterator[Hit]:
    """A multi-select gets what is no text, such as a list: the events fail."""
    return _refused(subject, {RefusalRule.TYPE}, of=_MULTI_SELECTS)


@lint_rule("too-long", Severity.ERROR, "Send less, or have the field made longer.")
def too_long(subject: Subject) -> Iterator[Hit]:
    """A field gets texts that are longer than this tenant keeps there: the events fail."""
    return _refused(subject, {RefusalRule.LENGTH})


@lint_rule("no-such-option", Severity.ERROR, "Send the label of an option, or add it to the picklist.")
def no_such_options(subject: Subject) -> Iterator[Hit]:
    """A picklist gets values that are none of its options: the events fail."""
    return _refused(subject, {RefusalRule.OPTION})


@lint_rule("misspelt-option", Severity.WARNING, "Spell it as the picklist does.")
def misspelt_options(subject: Subject) -> Iterator[Hit]:
    """A picklist gets an option in another case, or with spaces around it. It is not known whether that is taken."""
    return _refused(subject, {RefusalRule.CASE})


@lint_rule("inactive-option", Severity.WARNING, "Send another option, or make it active again.")
def inactive_options(subject: Subject) -> Iterator[Hit]:
    """A picklist gets an option that may no longer be chosen. It is not known whether that is taken."""
    return _refused(subject, {RefusalRule.INACTIVE})


@lint_rule("unfit-value", Severity.ERROR, "Send what the field takes, or have what does not fit left out.")
def unfit_values(subject: Subject) -> Iterator[Hit]:
    """A value cannot be made to fit the field of this tenant, as the config asks for: the event fails."""
    return _unfit(subject, Fate.FAULT, CANNOT_FIT)


@lint_rule("left-out-value", Severity.WARNING, "Leave it if that is meant, or send what the field takes.")
def left_out_values(subject: Subject) -> Iterator[Hit]:
    """A value cannot be made to fit the field of this tenant, and is left out, as the config asks for."""
    return _unfit(subject, Fate.UNFIT, Fate.UNFIT.value)


def _unfit(subject: Subject, fate: Fate, begins: str) -> Iterator[Hit]:
    for trait in subject.profile.traits.values():
        for loss, times in trait.dropped.items():
            if loss.fate is fate and loss.reason.startswith(begins):
                yield Hit(_place(trait), f"{loss.reason}, in {_count(times, trait.type)} ({loss.field})")


@lint_rule("more-decimals", Severity.WARNING, "Leave it if so many are enough.")
def more_decimals(subject: Subject) -> Iterator[Hit]:
    """A number comes with more decimals than this tenant keeps."""
    for trait in subject.profile.traits.values():
        for (_, note), times in trait.noted.items():
            yield Hit(_place(trait), f"{note}, and gets more from {_count(times, trait.type)}")


def _refused(
    subject: Subject,
    kinds: Collection[RefusalRule],
    *,
    of: Collection[str] | None = None,
    but_of: Collection[str] = (),
    is_mapped: bool | None = None,
) -> Iterator[Hit]:
    """The values that the tenant refuses for such a reason.

    `of`, `but_of`: only those in fields of these data types, or of none of these. `is_mapped`: only those that a row of
    the config sends to their field, or only the others; None: both.
    """
    for trait in subject.profile.traits.values():
        for (field, problem), times in trait.refused.items():
            data_type = trait.types.get(field, "")
            is_of_them = trait.kinds.get((field, problem)) in kinds and data_type not in but_of
            if is_of_them and (of is None or data_type in of) and is_mapped in {None, _is_mapped(trait, field)}:
                yield Hit(_place(trait), f"{problem}, in {_count(times, trait.type)} ({field})")


def _is_mapped(trait: TraitProfile, field: str) -> bool:
    return any(arrival.field == field and arrival.rule in _MAPS for arrival in trait.went)


_MAPS = frozenset(of.map for of in OBJECTS)


def _place(trait: TraitProfile) -> str:
    return f"{trait.type} {trait.source}"


def _count(times: int, event_type: str) -> str:
    return counted(times, f"{event_type} event")
