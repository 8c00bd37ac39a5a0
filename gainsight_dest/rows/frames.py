"""The rows of DataFrames and of Arrow's data, whatever library they are of: tuples of Python's own values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Row = tuple[Any, ...]


def table_of(frame: Any) -> tuple[list[str], Iterator[Row]]:
    """The names of the columns, and the rows, of a DataFrame of any library. Raises TypeError for what is none.

    pandas goes first by its own rows: a column of it may mix texts and numbers, which Arrow has no form for.
    """
    if hasattr(frame, "itertuples"):
        return [_label(column) for column in frame.columns], frame.itertuples(index=False, name=None)
    if not hasattr(frame, "__arrow_c_stream__"):
        raise TypeError(
            f"a DataFrame is needed, of pandas, polars, DuckDB, pyarrow or another library with __arrow_c_stream__, "
            f"not {type(frame).__name__}" + (": collect it first" if hasattr(frame, "collect") else "")
        )
    import pyarrow as pa  # noqa: PLC0415 - of an extra, and slow to load

    reader = pa.RecordBatchReader.from_stream(frame)
    return list(reader.schema.names), rows_of(reader)


def _label(column: Any) -> str:
    return ".".join(map(str, column)) if isinstance(column, tuple) else str(column)


def rows_of(batches: Iterable[Any]) -> Iterator[Row]:
    """The rows of record batches of Arrow's, one at a time."""
    for batch in batches:
        if batch.num_columns:
            yield from zip(*map(values_of, batch.columns), strict=True)


def values_of(column: Any) -> list[Any]:
    """The values of an array of Arrow's: maps as dicts, times to the microsecond, what Python cannot hold as text."""
    import pyarrow as pa  # noqa: PLC0415 - the same

    kind = column.type
    if pa.types.is_dictionary(kind):
        words = values_of(column.dictionary)  # not every type can be decoded by Arrow itself
        return [None if index is None else words[index] for index in column.indices.to_pylist()]
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time64(kind) and kind.unit == "ns":
        column = column.cast(pa.time64("us"), safe=False)
    try:
        found: list[Any] = column.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        found = [_value(scalar) for scalar in column]
    return [_object(value, kind) for value in found] if _has_maps(kind) else found


def _value(scalar: Any) -> Any:
    """The value, or Arrow's text of one that Python cannot hold, such as a time after the year 9999."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return str(scalar.cast("string"))


def _has_maps(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - the same

    return pa.types.is_map(kind) or any(_has_maps(kind.field(at).type) for at in range(kind.num_fields))


def _object(value: Any, kind: Any) -> Any:
    """A value as JSON has it: Arrow gives the pairs of a map."""
    import pyarrow as pa  # noqa: PLC0415 - the same

    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {
            kind.field(at).name: _object(value[kind.field(at).name], kind.field(at).type)
            for at in range(kind.num_fields)
        }
    if pa.types.is_map(kind):
        return {key: _object(item, kind.item_type) for key, item in value}
    if isinstance(value, list):
        return [_object(item, kind.value_type) for item in value]
    return value
