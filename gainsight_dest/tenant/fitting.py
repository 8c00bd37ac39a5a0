"""Values made to fit a tenant's fields, where only one thing can be meant.

Pure functions. What fits already is left as it is; what is made of the rest fits. `WAYS` is the table of what may be
meant, by the data type of the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, NamedTuple

import attrs

from gainsight_dest.errors import EventError
from gainsight_dest.tenant.tenant import BETWEEN_OPTIONS, Refusal, TenantField, TenantObject
from gainsight_dest.values import number, text

Record = dict[str, Any]


class FitMode(str, Enum):
    """What becomes of a value that cannot be made to fit, and of a text that is too long. Equals its text."""

    #: The event fails, with an EventError that names the field.
    REFUSE = "refuse"
    #: The field is left out.
    DROP = "drop"
    #: A text is cut to the field's length; else as `refuse`.
    CUT = "cut"
    #: A text is cut; else as `drop`.
    CUT_OR_DROP = "cut-or-drop"

    def __str__(self) -> str:
        return self.value

    @property
    def cuts(self) -> bool:
        """Whether it cuts texts."""
        return self in {FitMode.CUT, FitMode.CUT_OR_DROP}

    @property
    def drops(self) -> bool:
        """Whether it leaves fields out."""
        return self in {FitMode.DROP, FitMode.CUT_OR_DROP}


class Fitted(NamedTuple):
    """A value as it fits a field.

    `how`: what was done, in words; None for a value that is as it was. `refusal`: why it cannot be made to fit; None
    where it fits now.
    """

    value: Any
    how: str | None = None
    refusal: Refusal | None = None


@attrs.frozen
class FitChange:
    """What was changed of a record: the field, what it was, what it is, and how.

    `refusal`: why the field was left out; then `after` is None. The repr shows no value.
    """

    field: str
    before: Any = attrs.field(repr=False)
    after: Any = attrs.field(repr=False)
    how: str
    refusal: Refusal | None = None


LEFT_OUT = "left out"


def fit_record(record: Record, of: TenantObject, mode: str = FitMode.REFUSE) -> tuple[Record, tuple[FitChange, ...]]:
    """The record as it fits the object, and what was changed for that; the record itself where nothing was.

    The key is never changed: another one would be another record. Raises EventError, which names the field and the
    reason without the value, for what cannot be made to fit, unless `mode` drops it; for the key, always.
    """
    changes = tuple(_changes(record, of, FitMode(mode)))
    if not changes:
        return record, ()
    made = {**record, **{change.field: change.after for change in changes}}
    for change in changes:
        if change.refusal is not None:
            del made[change.field]
    return made, changes


def _changes(record: Record, of: TenantObject, mode: FitMode) -> Iterator[FitChange]:
    for name, value in record.items():
        refusal = of.field_refusal(name, value)
        if refusal is None:
            continue
        field, is_key = of.fields.get(name), name == of.key
        fitted = Fitted(value, refusal=refusal)
        if field is not None and not is_key and field.is_writable:
            fitted = fit(value, field, mode)
        if fitted.refusal is None:
            yield FitChange(name, value, fitted.value, str(fitted.how))
        elif mode.drops and not is_key:
            yield FitChange(name, value, None, LEFT_OUT, fitted.refusal)
        else:
            raise EventError(f"{of.name}.{name}", f"cannot be made to fit the tenant: {fitted.refusal.reason}")


def fit(value: Any, field: TenantField, mode: str = FitMode.REFUSE) -> Fitted:
    """The JSON value as it fits the field: one that does already, as it is.

    Of the mode, only whether it cuts matters here. Whether the field can be written is not asked.
    """
    refusal = field.refusal(value)
    if refusal is None:
        return Fitted(value)
    for made, how in _made(value, field, can_cut=FitMode(mode).cuts and field.data_type.can_cut):
        if field.refusal(made) is None:
            return Fitted(made, how)
    return Fitted(value, refusal=refusal)


def _made(value: Any, field: TenantField, *, can_cut: bool) -> Iterator[tuple[Any, str]]:
    """What may be meant by the value, in the forms of the field's type, and how each was made."""
    for way in WAYS.get(field.type, ()):
        made = way.make(value, field)
        if made is not None:
            yield made, way.how
            if can_cut:
                yield made[: field.longest], f"{way.how}, {CUT}"
    if can_cut and isinstance(value, str):
        yield value[: field.longest], CUT


CUT = "cut to the field's length"


# --- what may be meant ------------------------------------------------------------------------------------------------
# Each function gives what a value that does not fit stands for, or None.


def _trimmed(value: Any, _: TenantField) -> str | None:
    return value.strip() if isinstance(value, str) else None


def _numeral_as_number(value: Any, _: TenantField) -> int | float | None:
    return number(value) if isinstance(value, str) else None


def _as_text(value: Any, _: TenantField) -> str | None:
    """The text of a number or a boolean, as JSON writes it."""
    if not isinstance(value, (bool, int, float)):
        return None
    try:
        return text(value, "")
    except EventError:  # no number that JSON has, or one that is too long
        return None


#: The words for true and false, in any case.
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _as_boolean(value: Any, _: TenantField) -> bool | None:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower())
    return bool(value) if type(value) in {int, float} and value in {0, 1} else None


_DATE = r"(?:(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<day>[0-9]{1,2})|(?P<compact>[0-9]{8}))"
_TIME = r"(?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
_ZONE = r"(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_DATE_AND_TIME = rf"{_DATE}(?:(?:T| +){_TIME} *{_ZONE})?"


def _year_first(value: Any, _: TenantField) -> str | None:
    """A date that begins with its year, with or without a time, in the ISO form: any other order can be two dates."""
    word = str(value) if type(value) is int and _FIRST_DAY <= value <= _LAST_DAY else value
    if not isinstance(word, str):
        return None
    found = re.fullmatch(_DATE_AND_TIME, word.strip().upper())
    if found is None:
        return None
    compact, time = found["compact"], found["time"]
    year, month, day = (compact[:4], compact[4:6], compact[6:]) if compact else found.group("year", "month", "day")
    made = f"{year}-{int(month):02}-{int(day):02}"
    return made if time is None else f"{made}T{time.replace(',', '.')}{_zone(found['zone'] or '')}"


def _zone(zone: str) -> str:
    if zone in {"UTC", "GMT"}:
        return "Z"
    return f"{zone}:00" if len(zone) == len("+01") else zone


#: Integers between them can be dates without signs, and are no times since the epoch.
_FIRST_DAY, _LAST_DAY = 19000101, 21001231
#: Numbers from the first to the second are seconds since the epoch (March 1973 to the year 5138), from there to the
#: third milliseconds of about the same years.
_SECONDS, _MILLISECONDS, _END = 10**8, 10**11, 10**14
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _moment(value: Any) -> datetime | None:
    """The moment that a number of seconds or milliseconds since the epoch is."""
    count = None if isinstance(value, bool) else number(value)
    if count is None or not _SECONDS <= count < _END:
        return None
    return _EPOCH + (timedelta(seconds=count) if count < _MILLISECONDS else timedelta(milliseconds=count))


def _epoch_as_date(value: Any, _: TenantField) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.date().isoformat()


def _epoch_as_time(value: Any, _: TenantField) -> str | None:
    moment = _moment(value)
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _as_option(value: Any, field: TenantField) -> str | None:
    """The option that is meant, by its label, or by its id where that was given."""
    word = value if isinstance(value, str) else _as_text(value, field)
    if word is None:
        return None
    if not field.options:
        return word
    option = field.option_meant(word)
    if option is None:
        return None
    return option.id if option.id.casefold() == word.strip().casefold() or not option.label else option.label


def _as_options(value: Any, field: TenantField) -> str | None:
    """The options that are meant by a list, or by a text of several, each once. None where one of them is not known."""
    parts = value.split(BETWEEN_OPTIONS) if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not parts:
        return None
    made = [_joinable(_as_option(part, field), field) for part in parts]
    return None if None in made else BETWEEN_OPTIONS.join(dict.fromkeys(word for word in made if word is not None))


def _joinable(word: str | None, field: TenantField) -> str | None:
    """A word for an option that can stand among others: its id, where a semicolon is in its label."""
    if word is None or BETWEEN_OPTIONS not in word:
        return word
    option = field.option_of(word)
    return None if option is None or not option.id or BETWEEN_OPTIONS in option.id else option.id


class FitWay(NamedTuple):
    """A way from what a value may mean to a form that a field takes: in words, and what makes it."""

    how: str
    make: Callable[[Any, TenantField], Any]


_TRIMMED = FitWay("without the spaces around it", _trimmed)
_TEXT = FitWay("the number or boolean as text", _as_text)
_NUMBER = FitWay("the numeral as a number", _numeral_as_number)
_BOOLEAN = FitWay("the word or number as true or false", _as_boolean)
_YEAR_FIRST = FitWay("the date in the ISO form", _year_first)

#: What may be meant, by the data type of the field, in order. Of any other type there is none.
WAYS: Mapping[str, tuple[FitWay, ...]] = {
    "STRING": (_TEXT,),
    "RICHTEXTAREA": (_TEXT,),
    "EMAIL": (_TRIMMED,),
    "URL": (_TRIMMED,),
    "NUMBER": (_NUMBER,),
    "PERCENTAGE": (_NUMBER,),
    "CURRENCY": (_NUMBER,),
    "BOOLEAN": (_BOOLEAN,),
    "DATE": (_YEAR_FIRST, FitWay("the time since the epoch as a date", _epoch_as_date)),
    "DATETIME": (_YEAR_FIRST, FitWay("the time since the epoch in the ISO form", _epoch_as_time)),
    "PICKLIST": (FitWay("the option as Gainsight spells it", _as_option),),
    "MULTISELECTDROPDOWNLIST": (FitWay(f"the options joined by {BETWEEN_OPTIONS}", _as_options),),
    "GSID": (_TRIMMED,),
    "LOOKUP": (_TRIMMED,),
    "SFDCID": (_TRIMMED,),
}
