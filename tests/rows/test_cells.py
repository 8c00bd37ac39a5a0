"""What a cell holds, as JSON: never an error, whatever it is."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import EventError
from gainsight_dest.rows import RowReader
from gainsight_dest.rows.cells import cell

CELLS: dict[str, tuple[Any, Any]] = {
    "null": (None, None),
    "NaN": (float("nan"), None),
    "a NaN of decimals": (Decimal("NaN"), None),
    "a text": ("x", "x"),
    "an empty text": ("", ""),
    "an integer": (10**30, 10**30),
    "false": (False, False),
    "a decimal": (Decimal("12.50"), 12.5),
    "an infinity, which an event at fault names": (float("inf"), float("inf")),
    "a date": (date(2026, 3, 2), "2026-03-02"),
    "a time in a zone": (datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=1))), "2026-03-02T08:00:00+01:00"),
    "bytes": (b"abc", "YWJj"),
    "an id": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "an interval": (timedelta(days=1), "1 day, 0:00:00"),
    "a time of day": (time(8, 30), "08:30:00"),
    "a list": ([1, None, float("nan"), (2,)], [1, None, None, [2]]),
    "an object": ({"a": 1, "b": None, 3: b"x"}, {"a": 1, "3": "eA=="}),
}


@pytest.mark.parametrize(("value", "found"), CELLS.values(), ids=CELLS)
def test_a_cell_is_what_json_has_for_it_and_none_where_it_is_missing(value: Any, found: Any) -> None:
    assert cell(value) == found


def test_what_is_nested_without_an_end_is_text() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert json.dumps(cell(endless), allow_nan=False).endswith('"' + "]" * 200)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=5)
    | st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(timezone.utc))
    | st.timedeltas()
    | st.times()
    | st.uuids()
    | st.complex_numbers()
)
_KEYS = st.text() | st.integers() | st.none() | st.booleans()
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(_VALUES, min_size=3, max_size=3))
def test_any_cells_make_an_event_that_json_can_hold(cells: list[Any]) -> None:
    reader = RowReader(["email", "plan", "timestamp"], "identify")
    (event,) = reader.events(cells)
    assert event["type"] == "identify"
    json.dumps(event)


@given(st.lists(_SCALARS, max_size=4))
def test_a_row_of_another_width_raises_the_documented_error_alone(cells: list[Any]) -> None:
    reader = RowReader(["email", "plan"], "identify")
    if len(cells) == 2:
        assert len(reader.events(cells)) == 1
    else:
        with pytest.raises(EventError):
            reader.events(cells)
