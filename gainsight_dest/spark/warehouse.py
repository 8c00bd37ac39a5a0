"""RudderStack's warehouse tables as events: a column `event` of JSON text, by expressions of Spark's alone.

A warehouse writes names in snake case, so that `firstName` is the column `first_name`. The way back goes by letters and
digits: a column belongs to the trait that has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from gainsight_dest.fields import OBJECTS, PERSON, Field
from gainsight_dest.spark.rows import EVENT
from gainsight_dest.spelling import folded
from gainsight_dest.templates import Settings, config_of

#: Columns that every table has, and the event's own key of each.
KEYS = {
    "id": "messageId",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "group_id": "groupId",
    "channel": "channel",
    "timestamp": "timestamp",
    "original_timestamp": "originalTimestamp",
    "sent_at": "sentAt",
    "received_at": "receivedAt",
}
#: Columns that the warehouse makes for itself, and those that an event's name is in.
_NAMES = ("event_text", "event")
_LEFT_OUT = {"uuid_ts", "loaded_at", *_NAMES}
_TO_THE_MICROSECOND = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
_CONTEXT, _CONTEXT_TRAITS = "context_", "context_traits_"


def _first_traits(fields: Iterable[Field]) -> dict[str, str]:
    """By their letters and digits: of each field's traits the first that has them."""
    traits: dict[str, str] = {}
    for trait in (trait for field in fields for trait in field.traits):
        traits.setdefault(folded(trait), trait)
    return traits


#: Of each kind: where the columns of its own go, the traits that Gainsight's fields take, the setting of further ones.
_KINDS: dict[str, tuple[str, Mapping[str, str], str | None]] = {
    **{of.event_type: (of.sources[0], _first_traits(of.fields), of.map) for of in OBJECTS},
    "track": ("properties", {}, None),
}
#: The names of the tables, for their kinds.
_TABLES = {"identifies": "identify", "groups": "group", "tracks": "track"}


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
    kind = _TABLES.get(kind, kind)
    if kind not in _KINDS:
        raise ValueError(f"kind must be identify, group or track, not {kind!r}")
    columns = {column.lower(): column for column in df.columns}
    if "id" not in columns:
        raise ValueError("the column id is missing: is this a table of RudderStack's?")
    if kind == "track" and not {*_NAMES} & {*columns}:
        raise ValueError("the columns event_text and event are missing: is this the table of a track event?")
    own, standard, setting = _KINDS[kind]
    custom = [] if config is None or setting is None else [row[0] for row in _default(config).custom_fields[setting]]
    others = [column for column in columns if column not in KEYS and column not in _LEFT_OUT]
    of_event = {column: column for column in others if not column.startswith(_CONTEXT)}
    of_person = {
        column.removeprefix(_CONTEXT_TRAITS): column for column in others if column.startswith(_CONTEXT_TRAITS)
    }
    of_people, custom_of_people = _KINDS[PERSON.event_type][1], custom if kind == PERSON.event_type else []

    def value(column: str, name: str) -> Column:
        return _finite(_column(columns[column]), df.schema[columns[column]].dataType).alias(name)

    parts = [F.lit(kind).alias("type")]
    for column, key in KEYS.items():
        if column in columns:
            parts.append(_exact(df, columns[column]).alias(key))
    if kind == "track":  # as it was sent, and as tables are called
        parts.append(F.coalesce(*(_column(columns[each]) for each in _NAMES if each in columns)).alias("event"))
    for place, traits in (
        (own, _named(of_event, standard, custom, names or {})),
        ("context", _named(of_person, of_people, custom_of_people, {})),
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


def _named(
    columns: Mapping[str, str], standard: Mapping[str, str], custom: Iterable[str], names: Mapping[str, str]
) -> dict[str, str]:
    """Trait to column. `columns`: as they are called here, and in the table.

    A column feeds the standard trait that has its letters and digits, and all rows of the config that have. A second
    column of the same ones keeps its name.
    """
    found: dict[str, str] = {}
    for name, column in columns.items():
        if name in names:
            found[names[name]] = column
            continue
        alike = [trait for trait in custom if folded(trait) == folded(name)]
        if folded(name) in standard:
            alike.append(standard[folded(name)])
        free = [trait for trait in alike if trait not in found]
        for trait in free or [name]:
            found.setdefault(trait, column)
    return found
