"""Events out of the rows of a DataFrame: JSON text as it is, a struct, a map or a variant as an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, MapType, StringType, StructType, VariantType

from gainsight_dest.deliver.engines import ParsedEvent, parsed
from gainsight_dest.errors import EventError
from gainsight_dest.outcome import is_nested
from gainsight_dest.spark.arrow import values_of

#: The column that events are in.
EVENT = "event"

Batches = Iterator[pa.RecordBatch]


def check_event_column(schema: StructType) -> None:
    """Raises ValueError where there is no column of events."""
    if EVENT not in schema.names:
        is_kafkas = "value" in schema.names and isinstance(schema["value"].dataType, (BinaryType, StringType))
        raise ValueError(
            f"a column {EVENT!r} is needed, of JSON text or a struct: there is {', '.join(schema.names) or 'none'}"
            + f'. Is it value? Then .selectExpr("CAST(value AS STRING) AS {EVENT}")' * is_kafkas
        )
    kind = schema[EVENT].dataType
    if isinstance(kind, BinaryType):
        raise ValueError(  # noqa: TRY004 - it is a schema that is wrong, as above
            f'the column {EVENT!r} is binary: cast it first, with .selectExpr("CAST({EVENT} AS STRING) AS {EVENT}")'
        )
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
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        yield from map(parsed, column.to_pylist())
        return
    for event in values_of(column):
        if isinstance(event, EventError):
            yield ParsedEvent(event, str(event))  # a text that is no JSON stays an error, wherever it goes
        else:
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
