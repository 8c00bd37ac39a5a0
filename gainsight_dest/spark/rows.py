"""Events out of the rows of a DataFrame: JSON text as it is, a struct, a map or a variant as the object that it is."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import MapType, StringType, StructType, VariantType, VariantVal

from gainsight_dest.deliver.engines import ParsedEvent, parsed
from gainsight_dest.errors import EventError
from gainsight_dest.outcome import is_nested
from gainsight_dest.values import plain

#: The column that events are in.
EVENT = "event"

Batches = Iterator[pa.RecordBatch]


def check_event_column(schema: StructType) -> None:
    """Raises ValueError where there is no column of events."""
    if EVENT not in schema.names:
        raise ValueError(
            f"a column {EVENT!r} is needed, of JSON text or a struct: there is {', '.join(schema.names) or 'none'}"
        )
    kind = schema[EVENT].dataType
    if not isinstance(kind, (StringType, StructType, MapType, VariantType)):
        raise ValueError(  # noqa: TRY004 - it is a schema that is wrong, as above
            f"the column {EVENT!r} must be JSON text, a struct, a map or a variant, not {kind.simpleString()}"
        )


def events_only(df: DataFrame) -> DataFrame:
    """The column of events alone. Raises ValueError where there is none."""
    check_event_column(df.schema)
    return df.select(EVENT)


def read(batch: pa.RecordBatch) -> Iterator[ParsedEvent]:
    """The events of a batch of rows."""
    column = batch.column(EVENT)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    for value in column.to_pylist():
        if is_text:
            yield parsed(value)
        else:
            event = _object(value, column.type)
            yield ParsedEvent(event["message"] if is_nested(event) else event)


def each_event(
    record: Callable[[ParsedEvent], dict[str, Any]], schema: pa.Schema
) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    """What a task does with its batches of rows: of each event it makes the record."""

    def recorded(rows: Iterable[pa.RecordBatch]) -> Batches:
        for batch in rows:
            yield from batches(map(record, read(batch)), schema, size=batch.num_rows)

    return recorded


def as_json(value: Any) -> str:
    """JSON text, ASCII alone: Arrow's texts are UTF-8, which has none for half an emoji."""
    return json.dumps(value)


def fit(text: str | None) -> str | None:
    """The text as Arrow can hold it: half an emoji, which has no UTF-8, as its escape."""
    return text if text is None or text.isascii() else text.encode(errors="backslashreplace").decode()


def _object(value: Any, kind: pa.DataType) -> Any:
    """A value of Arrow's as JSON has it: a struct without its nulls, as Spark has one in each field that is absent."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        if any((field.metadata or {}).get(b"variant") == b"true" for field in fields):
            return _plain(VariantVal(value["value"], value["metadata"]).toPython())
        return {field.name: _object(value[field.name], field.type) for field in fields if value[field.name] is not None}
    if pa.types.is_map(kind):
        return {key: _object(item, kind.item_type) for key, item in value}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_object(item, kind.value_type) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """What JSON has no form for is text, as Spark's own to_json has it, bytes in Base64. NaN stays: it is a fault."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    try:
        return plain(value, EVENT)
    except EventError:
        return str(value)


def batches(rows: Iterable[dict[str, Any]], schema: pa.Schema, size: int = 1_000) -> Batches:
    """The rows, so many at a time."""
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield pa.RecordBatch.from_pylist(chunk, schema)
            chunk = []
    if chunk:
        yield pa.RecordBatch.from_pylist(chunk, schema)
