"""DataFrames of pandas, polars, DuckDB and pyarrow as events, with what each has in place of a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gainsight_dest import ConfigError, FindCompany, transform
from gainsight_dest.rows import events_of_frame
from gainsight_dest.rows.frames import rows_of
from tests import some

AT = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=timezone.utc)
ROWS: dict[str, list[Any]] = {
    "Account Name": ["Acme", "Globex"],
    "Owner": ["ada@example.com", "bo@example.com"],
    "Employees": [12, None],
    "ARR": [1200.5, float("nan")],
    "Renewal Date": [AT, None],
    "Tags": [["a", "b"], None],
}
NAMES = {"Account Name": "name", "Owner": "person.email"}
FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas with types that can be missing": lambda: pd.DataFrame(ROWS).convert_dtypes(),
    "pandas with Arrow's types": lambda: pa.table(ROWS).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda: pl.DataFrame(ROWS),
    "DuckDB": lambda: duckdb.from_arrow(pa.table(ROWS)),
    "a table of pyarrow": lambda: pa.table(ROWS),
    "a reader of pyarrow": lambda: pa.table(ROWS).to_reader(),
}


def events(frame: Any, kind: str = "group", **how: Any) -> list[dict[str, Any]]:
    return list(events_of_frame(frame, kind, some.CONFIG, **how))


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_the_rows_of_a_frame_are_events_whatever_library_it_is_of(make: Callable[[], Any]) -> None:
    first, second = events(make(), names=NAMES)
    assert first["context"] == {"traits": {"email": "ada@example.com"}}
    renewal = first["traits"].pop("renewalDate")
    assert datetime.fromisoformat(renewal) == AT
    assert first["traits"] == {"name": "Acme", "employees": 12, "arr": 1200.5, "tags": ["a", "b"]}
    assert second["traits"] == {"name": "Globex"}
    assert json.loads(json.dumps(first)) == first
    request = transform(first, some.CONFIG)
    assert isinstance(request, FindCompany)
    assert request.company["Employees"] == 12


def of_arrow(kind: Any, *values: Any) -> list[Any]:
    """The trait `plan` of each row, of a column of that type."""
    table = pa.table({"email": ["a@b.co"] * len(values), "plan": pa.array(values, kind)})
    return [event["traits"].get("plan") for event in events(table, "identify")]


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (pa.dictionary(pa.int8(), pa.string()), "gold", "gold"),
        (pa.decimal128(38, 2), Decimal("12.50"), 12.5),
        (pa.timestamp("ns", "Europe/Berlin"), AT, "2026-03-02T09:30:00.123456+01:00"),
        (pa.timestamp("ns"), 1_772_440_200_123_456_789, "2026-03-02T08:30:00.123456"),
        (pa.timestamp("s"), datetime(2026, 3, 2), "2026-03-02T00:00:00"),  # noqa: DTZ001 - a column without a zone
        (pa.duration("ns"), timedelta(days=1), "1 day, 0:00:00"),
        (pa.time64("ns"), 1_000_000_001, "00:00:01"),
        (
            pa.struct([("a", pa.int8()), ("b", pa.map_(pa.string(), pa.int8()))]),
            {"a": None, "b": [("x", 1)]},
            {"b": {"x": 1}},
        ),
        (pa.list_(pa.map_(pa.string(), pa.int8())), [[("x", 1)], None], [{"x": 1}, None]),
        (pa.binary(), b"abc", "YWJj"),
        (pa.null(), None, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_type_of_arrow_is_read(kind: Any, value: Any, found: Any) -> None:
    assert of_arrow(kind, value, None) == [found, None]


def test_a_time_that_python_has_none_for_is_a_text_and_the_others_are_times() -> None:
    at, far = of_arrow(pa.timestamp("s"), 0, 10**12)
    assert (at, type(far)) == ("1970-01-01T00:00:00", str)


def test_a_column_of_pandas_may_mix_texts_and_numbers_and_have_scalars_of_numpy() -> None:
    values = ["gold", 7, pd.NA, pd.NaT, np.float64("nan"), np.int64(3), np.bool_(True), np.array([1, np.nan])]
    values += [np.datetime64("2026-03-02"), pd.Timestamp("2026-03-02T08:00:00Z"), np.array(5), pd.Interval(0, 1)]
    frame = pd.DataFrame({"email": "a@b.co", "plan": pd.Series(values, dtype=object)})
    found = [event["traits"].get("plan") for event in events(frame, "identify")]
    assert found == [
        *("gold", 7, None, None, None, 3, True, [1.0, None]),
        *("2026-03-02", "2026-03-02T08:00:00+00:00", "5", "(0, 1]"),
    ]


def test_categories_and_columns_of_several_levels_are_read() -> None:
    frame = pd.DataFrame({("traits", "email"): ["a@b.co"], ("traits", "plan"): pd.Categorical(["gold"])})
    assert events(frame, "identify")[0]["traits"] == {"email": "a@b.co", "plan": "gold"}
    categories = pl.DataFrame(
        {"email": ["a@b.co", "b@b.co"], "plan": ["gold", None]}, schema_overrides={"plan": pl.Categorical}
    )
    assert [event["traits"].get("plan") for event in events(categories, "identify")] == ["gold", None]


def test_a_frame_without_rows_has_no_events_and_its_columns_are_looked_at() -> None:
    assert events(pl.DataFrame({"email": []}), "identify") == []
    assert list(rows_of([pa.record_batch({})])) == []
    with pytest.raises(ConfigError, match="none has the person's email"):
        events_of_frame(pa.table({}), "identify")


@pytest.mark.parametrize(
    ("frame", "more"), [([1], ""), (pl.LazyFrame({"email": ["a"]}), ": collect it first"), (None, "")]
)
def test_what_is_no_frame_is_refused(frame: Any, more: str) -> None:
    with pytest.raises(TypeError, match=rf"a DataFrame is needed, .*, not \w+{more}$"):
        events_of_frame(frame, "identify")
