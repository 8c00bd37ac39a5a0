"""What the tests use to go through tables is itself tested: a row that fails is told, and no row is passed over."""

from __future__ import annotations

import pytest

from tests.table import ONE, each_row


def test_every_row_that_fails_is_named_and_the_others_are_gone_through_all_the_same() -> None:
    seen: list[int] = []

    @each_row([1, 2, 3, 4], str)
    def is_odd(row: int) -> None:
        seen.append(row)
        assert row % 2 == 1

    with pytest.raises(AssertionError, match=r"^2 of 4 rows: 2, 4$") as caught:
        is_odd()
    assert seen == [1, 2, 3, 4]
    assert isinstance(caught.value.__cause__, AssertionError)


def test_one_row_alone_may_be_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setenv(ONE, "2")
    each_row([1, 2, 3], str)(seen.append)()
    assert seen == [2]


@pytest.mark.parametrize("rows", [[], [1, 1]])
def test_a_table_without_rows_or_with_two_of_a_name_is_none(rows: list[int]) -> None:
    with pytest.raises(AssertionError):
        each_row(rows, str)
