"""Arrow's values as JSON has them. Pure functions.

A time, a date or an interval that Python has no value for, such as the year 0, is text, too: no value ends a job.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import VariantVal

from gainsight_dest.errors import EventError
from gainsight_dest.values import plain

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
#: After so many days the Gregorian calendar repeats itself; so many years are in them.
_ERA, _ERA_YEARS = 146_097, 400
_EPOCH = date(1970, 1, 1).toordinal()
_UNITS = {"s": _SECOND, "ms": 1_000, "us": 1}
#: A type by its name, as pyarrow has no function for it.
_MONTHS = "month_interval"


def values_of(column: pa.Array) -> Iterator[Any]:
    """Each value of a column of events as JSON has it; an EventError in place of one that cannot be read.

    A struct has no nulls then, as Spark has one in each field that is absent.
    """
    try:
        values = column.to_pylist()
    except Exception:  # noqa: BLE001 - which one depends on the kind: OverflowError, KeyError, that of a time zone
        column = _with_texts(pa.array(_Retyped(column)), column.type)
        values = column.to_pylist()
    for value in values:
        try:
            yield _object(value, column.type)
        except Exception as error:  # noqa: BLE001 - a variant may hold a time that Python has no value for
            yield EventError("the event", f"has a value that cannot be read ({type(error).__name__})")


def _object(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        if any((field.metadata or {}).get(b"variant") == b"true" for field in fields):
            return _plain(VariantVal(value["value"], value["metadata"]).toPython())
        return {field.name: _object(value[field.name], field.type) for field in fields if value[field.name] is not None}
    if pa.types.is_map(kind):
        return {_name(_object(key, kind.key_type)): _object(item, kind.item_type) for key, item in value}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_object(item, kind.value_type) for item in value]
    return _plain(value)


def _name(key: Any) -> str:
    """The key of a map as that of an object: what is no text is written as JSON."""
    return key if isinstance(key, str) else json.dumps(key)


def _plain(value: Any) -> Any:
    """What JSON has no form for is text, bytes in Base64, intervals as ISO 8601 has them. NaN stays: it is a fault."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, timedelta):
        return _interval(micros=value // timedelta(microseconds=1))
    if isinstance(value, pa.MonthDayNano):
        return _interval(value.months, value.days, value.nanoseconds // 1_000)
    try:
        return plain(value, "")
    except EventError:
        return str(value)


# --- what Python has no value for -------------------------------------------------------------------------------------


@attrs.frozen
class _Retyped:
    """An array with its months as the integers that they are: pyarrow has no array of months, but can show another."""

    array: pa.Array

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return _without_months(self.array.type).__arrow_c_schema__(), self.array.__arrow_c_array__()[1]


def _without_months(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        fields = (kind.field(number) for number in range(kind.num_fields))
        return pa.struct([field.with_type(_without_months(field.type)) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(_without_months(kind.key_type), _without_months(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_without_months(kind.value_type)))
    return pa.int32() if str(kind) == _MONTHS else kind


def _with_texts(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The array with texts in place of times, dates and intervals of months, whatever they are in. `kind`: its own."""
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        parts = [_with_texts(pc.struct_field(array, [at]), field.type) for at, field in enumerate(fields)]
        retyped = [
            field.with_type(part.type).with_nullable(nullable=True) for field, part in zip(fields, parts, strict=True)
        ]
        return pa.StructArray.from_arrays(parts, fields=retyped, mask=array.is_null())
    if pa.types.is_map(kind):
        keys, items = _with_texts(array.keys, kind.key_type), _with_texts(array.items, kind.item_type)
        return pa.MapArray.from_arrays(_whole(array), keys, items)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(_whole(array), _with_texts(array.values, kind.value_type))
    if str(kind) == _MONTHS:
        return _texts(array, _interval)
    if pa.types.is_date32(kind):
        return _texts(array.view(pa.int32()), _day)
    if pa.types.is_timestamp(kind):
        return _times(array)
    return array


def _whole(array: pa.Array) -> pa.Array:
    """Where each list of an array begins and ends, null where there is none."""
    offsets = array.offsets.to_pylist()
    nulls = [*array.is_null().to_pylist(), False]
    return pa.array([None if is_null else at for at, is_null in zip(offsets, nulls, strict=True)], pa.int32())


def _texts(numbers: pa.Array, text: Callable[[int], str]) -> pa.Array:
    return pa.array([None if number is None else text(number) for number in numbers.to_pylist()], pa.string())


def _times(array: pa.Array) -> pa.Array:
    """In the zone of the session, as Python writes times, with more digits for the year where it needs them."""
    size = _UNITS[array.type.unit]
    instants = array.view(pa.int64())
    if array.type.tz is None:
        return _texts(instants, lambda at: _time(at * size))
    try:
        local = pc.local_timestamp(array).view(pa.int64())
    except pa.ArrowException:  # a zone that this machine does not know
        local = instants
    both = zip(instants.to_pylist(), local.to_pylist(), strict=True)
    texts = [None if at is None else f"{_time(here * size)}{_offset((here - at) * size)}" for at, here in both]
    return pa.array(texts, pa.string())


def _day(days: int) -> str:
    """A day, counted from 1970."""
    eras, rest = divmod(days + _EPOCH - 1, _ERA)
    found = date.fromordinal(rest + 1)
    year = found.year + eras * _ERA_YEARS
    return f"{year:04}-{found:%m-%d}" if 0 <= year <= 9999 else f"{year:+07}-{found:%m-%d}"


def _time(micros: int) -> str:
    days, rest = divmod(micros, _DAY)
    seconds, part = divmod(rest, _SECOND)
    text = f"{_day(days)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{part:06}" if part else text


def _offset(micros: int) -> str:
    seconds = abs(micros) // _SECOND
    text = f"{'-' if micros < 0 else '+'}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _interval(months: int = 0, days: int = 0, micros: int = 0) -> str:
    """Each part with its sign, as Java writes it: months need not have the sign of days."""
    seconds, part = divmod(abs(micros), _SECOND)
    more, seconds = divmod(seconds, 86_400)
    sign = -1 if micros < 0 else 1
    whole = f"{sign * seconds}" if sign * seconds or not part else f"{'-' if sign < 0 else ''}0"
    text = f"{months}M" * bool(months) + f"{days + sign * more}D" * bool(days + sign * more)
    if seconds or part:
        text += f"T{whole}" + f".{part:06}".rstrip("0") * bool(part) + "S"
    return f"P{text or 'T0S'}"
