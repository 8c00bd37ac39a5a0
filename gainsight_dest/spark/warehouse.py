"""RudderStack's warehouse tables as events: a column `event` of JSON text, by expressions of Spark's alone.

A warehouse writes names in snake case, so that `firstName` is the column `first_name`. The way back goes by letters and
digits: a column belongs to the trait that has the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - so it is called in every Spark program
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import OBJECTS, PERSON
from gainsight_dest.rows.names import CONTEXT, CONTEXT_TRAITS, EVENT_NAMES, KEYS, LEFT_OUT, TABLES, TraitNames, named
from gainsight_dest.spark.rows import EVENT
from gainsight_dest.templates import Settings, config_of

_TO_THE_MICROSECOND = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
_OBJECTS = {of.event_type: of for of in OBJECTS}


def from_warehouse(
    df: DataFrame,
    kind: str,
    config: DestinationConfig | Mapping[str, Any] | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> DataFrame:
    """The rows of a table of RudderStack's warehouse as events: the one column `event`, of JSON text. Pure.

    `kind`: "identify", "group" or "track", or "identifies", "groups", "tracks". A track event is best read from the
    table of its name: `tracks` itself has no properties. `config`: whose personMap or companyMap names further traits.
    `names`: column to trait or property, where no rule can know it. Other columns keep their names. Raises ConfigError,
    ValueError.
    """
    kind = TABLES.get(kind, kind)
    if kind != "track" and kind not in _OBJECTS:
        raise ValueError(f"kind must be identify, group or track, not {kind!r}")
    columns = {column.lower(): column for column in df.columns}
    if "id" not in columns:
        raise ValueError("the column id is missing: is this a table of RudderStack's?")
    if kind == "track" and not {*EVENT_NAMES} & {*columns}:
        raise ValueError("the columns event_text and event are missing: is this the table of a track event?")
    of, given = _OBJECTS.get(kind), None if config is None else _default(config)
    own = "properties" if of is None else of.sources[0]
    others = [column for column in columns if column not in KEYS and column not in LEFT_OUT]
    of_event = {column: column for column in others if not column.startswith(CONTEXT)}
    of_person = {column: column.removeprefix(CONTEXT_TRAITS) for column in others if column.startswith(CONTEXT_TRAITS)}

    def value(column: str, name: str) -> Column:
        return _finite(_column(columns[column]), df.schema[columns[column]].dataType).alias(name)

    parts = [F.lit(kind).alias("type")]
    for column, key in KEYS.items():
        if column in columns:
            parts.append(_exact(df, columns[column]).alias(key))
    if kind == "track":  # as it was sent, and as tables are called
        parts.append(F.coalesce(*(_column(columns[each]) for each in EVENT_NAMES if each in columns)).alias("event"))
    for place, traits in (
        (own, named(of_event, TraitNames(of, given), names or {})[0]),
        ("context", named(of_person, TraitNames(PERSON, given if of is PERSON else None), {})[0]),
    ):
        if traits:
            values = F.struct(*(value(column, trait) for trait, column in traits.items()))
            parts.append((values if place == own else F.struct(values.alias("traits"))).alias(place))
    return df.select(F.to_json(F.struct(*parts)).alias(EVENT))


def _default(config: DestinationConfig | Mapping[str, Any]) -> DestinationConfig:
    """The config as it is for an event that fills nothing in."""
    found = config_of(config)
    return found.default() if isinstance(found, Settings) else found


def _column(name: str) -> Column:
    """The column of that name, whatever is in the name."""
    return F.col(f"`{name.replace('`', '``')}`")


def _finite(value: Column, kind: DataType) -> Column:
    """The value with null for NaN and the infinities, which to_json writes as texts, wherever they are in it."""
    if isinstance(kind, (DoubleType, FloatType)):
        return F.when(F.abs(value) < float("inf"), value)  # NaN is larger than all else, to Spark
    if isinstance(kind, ArrayType) and _has_floats(kind):
        return F.transform(value, lambda each: _finite(each, kind.elementType))
    if isinstance(kind, MapType) and _has_floats(kind):
        return F.transform_values(value, lambda _, each: _finite(each, kind.valueType))
    if isinstance(kind, StructType) and _has_floats(kind):
        fields = (_finite(value.getField(field.name), field.dataType).alias(field.name) for field in kind)
        return F.when(value.isNotNull(), F.struct(*fields))
    return value


def _has_floats(kind: DataType) -> bool:
    return any(name in kind.simpleString() for name in ("double", "float"))


def _exact(df: DataFrame, column: str) -> Column:
    """The column, a time as text with all of its digits: to_json has milliseconds, and events are ordered by it."""
    kind, value = df.schema[column].dataType, _column(column)
    if isinstance(kind, TimestampType):
        return F.date_format(value, _TO_THE_MICROSECOND)
    return value.cast("string") if isinstance(kind, TimestampNTZType) else _finite(value, kind)
