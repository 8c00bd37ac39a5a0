"""A test that goes through the rows of a table, as one: told one by one, thousands cost more than they take to run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import TypeVar

Row = TypeVar("Row")
OfAll = Callable[[], None]

#: Names the one row to go through, for who looks into it.
ONE = "GAINSIGHT_DEST_TESTS_ROW"
_MOST_NAMES = 20


def each_row(rows: Sequence[Row], name: Callable[[Row], str]) -> Callable[[Callable[[Row], None]], OfAll]:
    """A test of one row becomes a test of all; it names the rows that fail, and shows how the first does."""
    named = [(name(row), row) for row in rows]
    assert len({each for each, _ in named}) == len(rows) > 0

    def over(test: Callable[[Row], None]) -> OfAll:
        def test_rows() -> None:
            wrong: dict[str, Exception] = {}
            for each, row in named:
                if os.environ.get(ONE, each) == each:
                    try:
                        test(row)
                    except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are looked at, too
                        wrong[each] = error
            if wrong:
                names = ", ".join([*wrong][:_MOST_NAMES])
                raise AssertionError(f"{len(wrong)} of {len(rows)} rows: {names}") from next(iter(wrong.values()))

        update_wrapper(test_rows, test)
        del test_rows.__wrapped__  # type: ignore[attr-defined]  # pytest would look for a fixture `row`
        return test_rows

    return over
