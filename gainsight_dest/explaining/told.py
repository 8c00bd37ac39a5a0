"""What a tenant says of an event: the data types, what ids of options mean, what it refuses, what a record lacks.

Pure functions of values. What is refused, the tenant alone decides: see `TenantObject.refusals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from gainsight_dest.descriptors import FindCompany, Request, UpsertPerson
from gainsight_dest.explaining.trace import EVENT, HEADER, Lack, Row
from gainsight_dest.fields import COMPANY, PERSON, Fate, Record
from gainsight_dest.spelling import counted
from gainsight_dest.tenant.types import Choice, RefusalRule

if TYPE_CHECKING:
    from gainsight_dest.tenant import FitChange, FitMode, Refusal, Tenant, TenantField, TenantObject

#: So begins what is said of a value for which the event fails.
CANNOT_FIT = "cannot be made to fit the tenant"
#: What stands between the options of a multi-select.
_BETWEEN_OPTIONS = ";"
#: Refusals that say by themselves whether they are of new records or of others.
_SAY_WHEN = frozenset({RefusalRule.MISSING, RefusalRule.ONLY_ON_CREATE, RefusalRule.ONLY_ON_UPDATE})
#: Data types of numbers, which are kept with so many decimals.
_NUMBERS = frozenset({"NUMBER", "PERCENTAGE", "CURRENCY"})


class Said(NamedTuple):
    """The rows with what the tenant says of each, the fields that a new record lacks, and whether it takes all.

    `fits`: see `Trace`.
    """

    rows: tuple[Row, ...]
    lacks: tuple[Lack, ...]
    fits: bool | None


class _Against(NamedTuple):
    """What the tenant has against a field of a record: what it is about, and in words, which go on from a name."""

    kind: RefusalRule
    words: str

    def problem(self, name: str) -> str:
        """The same of the field of that name."""
        return self.words if self.kind is RefusalRule.UNKNOWN else f"{name} {self.words}"


#: That of a record, by the fields; None where the tenant was described without the object.
_Judged = Mapping[str, _Against] | None


def said_by(tenant: Tenant, rows: Iterable[Row]) -> Said:
    """What the tenant says of the rows of one event, which are all that it sends."""
    rows = tuple(rows)
    records = _records(rows)
    judged = {name: _judged(tenant.object_of(name), record) for name, record in records.items()}
    lacks = [
        Lack(name, field, _type(tenant.object_of(name), field), against.words)
        for name, (by_field, _) in judged.items()
        for field, against in (by_field or {}).items()
        if field not in records[name]
    ]
    fits = _all_fit(is_taken for _, is_taken in judged.values())
    told = tuple(_told(row, tenant, judged.get(str(row.record), (None, None))[0]) for row in rows)
    return Said(told, tuple(lacks), fits)


def is_taken(tenant: Tenant, request: Request) -> bool | None:
    """Whether the tenant takes the event that begins with the request: as `Trace.fits` says it."""
    return _all_fit(_judged(tenant.object_of(name), record)[1] for name, record in records_of(request).items())


def records_of(request: Request) -> dict[str, Record]:
    """What the event that begins with the request writes, by the objects."""
    if isinstance(request, UpsertPerson):
        return {PERSON.name: request.person}
    if isinstance(request, FindCompany):
        return {COMPANY.name: request.company, PERSON.name: {PERSON.key: request.email}}
    return {}


def fitted(rows: Sequence[Row], of: TenantObject, mode: str) -> list[Row]:
    """The rows of an object with their values as they are made to fit it, in a mode of FitMode.

    What cannot be made to fit is left out, where the mode drops it, and else at fault. The key is never changed.
    """
    from gainsight_dest.tenant.fitting import FitMode, fit_record  # noqa: PLC0415 - few configs make values fit

    fit_mode = FitMode(mode)
    record = {name: value for name, value in _records(rows).get(of.name, {}).items() if name != of.key}
    changes = fit_record(record, of, FitMode.CUT_OR_DROP if fit_mode.cuts else FitMode.DROP)[1]
    by_field = {change.field: change for change in changes}
    return [_fitted(row, by_field.get(str(row.target)), fit_mode) if row.record == of.name else row for row in rows]


def _fitted(row: Row, change: FitChange | None, mode: FitMode) -> Row:
    if change is None or row.fate is not Fate.SENT:
        return row
    if change.refusal is None:
        return row._replace(sent=change.after, fitted=change.how, problem=None)
    if mode.drops:
        problem = _Against(change.refusal.rule, change.refusal.reason).problem(change.field)
        return row._replace(fate=Fate.UNFIT, sent=None, problem=f"{Fate.UNFIT.value}: {problem}")
    return row._replace(fate=Fate.FAULT, sent=None, problem=f"{CANNOT_FIT}: {change.refusal.reason}")


def _records(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """The same of rows: those that are sent."""
    records: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.fate is Fate.SENT and _is_of_a_record(row):
            records.setdefault(str(row.record), {})[str(row.target)] = row.sent
    return records


def _is_of_a_record(row: Row) -> bool:
    return row.target is not None and row.record not in {None, EVENT, HEADER}


def _judged(of: TenantObject | None, record: Record) -> tuple[_Judged, bool | None]:
    """What the tenant has against the record, by the fields, and whether it takes it, new or not."""
    if of is None:
        return None, None
    new, there = dict(of.refusals(record, is_new=True)), dict(of.refusals(record, is_new=False))
    against = {field: _against(of.name, new.get(field), there.get(field)) for field in dict.fromkeys((*there, *new))}
    return against, _both(not new, not there)


def _both(if_new: bool, if_there: bool) -> bool | None:  # noqa: FBT001 - two of a kind
    """The answer if both are the same; None if it goes by what is there."""
    return if_new if if_new is if_there else None


def _all_fit(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is, True if all are."""
    given = set(verdicts)
    return False if False in given else None if None in given else True


def _against(name: str, new: Refusal | None, there: Refusal | None) -> _Against:
    """Of what a new record of the object is refused for, and what another one."""
    either = [refusal for refusal in (new, there) if refusal is not None]
    first = either[0]
    if len(either) > 1 or first.rule in _SAY_WHEN:
        return _Against(first.rule, first.reason)
    when = "is new" if new is not None else "is there already"
    return _Against(first.rule, f"{first.reason}, if the {name} {when}")


def _told(row: Row, tenant: Tenant, judged: _Judged) -> Row:
    """The row, with what the tenant says of it; as it is where that has nothing to say."""
    of = tenant.object_of(str(row.record)) if _is_of_a_record(row) else None
    if of is None:
        return row
    name = str(row.target)
    row = row._replace(type=_type(of, name))
    if row.fate is not Fate.SENT or judged is None:
        return row
    against, field = judged.get(name), of.fields.get(name)
    if against is not None:
        row = row._replace(problem=against.problem(name), kind=against.kind)
    else:
        row = row._replace(problem=None, note=None if field is None else _note(field, row.sent))
    return row if field is None else row._replace(label=label_of(field, row.sent))


def _type(of: TenantObject | None, name: str) -> str | None:
    field = None if of is None else of.fields.get(name)
    return None if field is None else field.type


def label_of(field: TenantField, value: Any) -> str | None:
    """What the ids of options in the value mean, joined as they are; None for a value without any."""
    if not field.options or not isinstance(value, str):
        return None
    words = value.split(_BETWEEN_OPTIONS) if field.data_type.choice is Choice.MANY else [value]
    labels = [_label(field, word) for word in words]
    return _BETWEEN_OPTIONS.join(labels) if labels != words else None


def _label(field: TenantField, word: str) -> str:
    option = field.option_of(word)
    return option.label if option is not None and option.id == word else word


def _note(field: TenantField, value: Any) -> str | None:
    """What Gainsight does with a value that it takes: of a number with more decimals than it keeps, that it does."""
    kept = field.decimals or 0
    if field.type not in _NUMBERS or type(value) is not float or not isfinite(value) or round(value, kept) == value:
        return None
    return f"{field.name} keeps {counted(kept, 'decimal') if kept else 'no decimals'}"
