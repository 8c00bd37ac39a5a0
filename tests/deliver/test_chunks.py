"""Events in lists of so many: when a list is full, when it is sent all the same, and how reading ends."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.deliver.chunks import chunks, lingering_chunks
from tests.deliver.runs import LONG, halting, no_reader_is_left, readers


def never() -> bool:
    return False


def broken_after(count: int) -> Iterator[int]:
    yield from range(count)
    raise LookupError("no more")


@pytest.mark.parametrize("lingers", [False, True])
@given(count=st.integers(0, 20), size=st.integers(1, 8))
def test_all_items_come_in_order_and_only_the_last_list_is_shorter(lingers: bool, count: int, size: int) -> None:
    lists = [*(lingering_chunks(range(count), size, inf, never) if lingers else chunks(range(count), size))]
    assert [item for each in lists for item in each] == [*range(count)]
    assert all(len(each) == size for each in lists[:-1])
    assert all(1 <= len(each) <= size for each in lists)


@pytest.mark.parametrize("lingers", [False, True])
@pytest.mark.parametrize(("count", "lists"), [(0, []), (2, [[0, 1]]), (3, [[0, 1, 2]]), (4, [[0, 1, 2], [3]])])
def test_an_error_of_the_source_comes_after_what_came_before_it(
    lingers: bool, count: int, lists: list[list[int]]
) -> None:
    source = broken_after(count)
    got = lingering_chunks(source, 3, inf, never) if lingers else chunks(source, 3)
    assert [next(got) for _ in lists] == lists
    with pytest.raises(LookupError, match="no more"):
        next(got)
    assert [*got] == []
    assert no_reader_is_left()


def test_no_more_than_a_list_is_read_at_a_time() -> None:
    numbers = itertools.count()
    got = chunks(numbers, 5)
    assert next(got) == [0, 1, 2, 3, 4]
    assert next(numbers) == 5


def test_nothing_is_read_before_a_list_is_asked_for() -> None:
    source = iter(range(3))
    chunks(source, 2)
    lingering_chunks(source, 2, 0, never)
    assert [*source] == [0, 1, 2]


@pytest.mark.parametrize("linger", [0, 0.001, 0.3])
def test_what_has_come_does_not_wait_longer_than_it_lingers(linger: float) -> None:
    seen = threading.Event()
    source = halting(range(3), seen, range(3, 5), "they waited until the list is full")
    got = lingering_chunks(source, 100, linger, never)
    items: list[int] = []
    while len(items) < 3:
        items += next(got)
    assert items == [0, 1, 2]
    seen.set()
    assert [item for each in got for item in each] == [3, 4]
    assert no_reader_is_left()


def test_a_full_list_waits_for_nothing() -> None:
    seen = threading.Event()
    got = lingering_chunks(halting(range(3), seen, [3], "a full list waited"), 3, inf, never)
    assert next(got) == [0, 1, 2]
    seen.set()
    assert [*got] == [[3]]


def test_a_list_that_lingers_for_ever_is_sent_at_the_end() -> None:
    assert [*lingering_chunks(range(5), 3, inf, never)] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_once_it_is_stopped_what_has_come_is_the_last(size: int) -> None:
    stopped, over = threading.Event(), threading.Event()
    has_come: list[int] = []

    def source() -> Iterator[int]:
        for number in range(size):
            has_come.append(number)
            yield number
        stopped.set()
        assert over.wait(LONG), "whoever stops does not wait for what is to come"
        yield -1

    got = [item for each in lingering_chunks(source(), size, inf, stopped.is_set) for item in each]
    over.set()
    assert got == has_come == [*range(size)]
    assert no_reader_is_left()


def test_one_that_is_stopped_from_the_beginning_waits_for_nothing() -> None:
    over = threading.Event()

    def source() -> Iterator[int]:
        assert over.wait(LONG)
        yield 0

    assert [*lingering_chunks(source(), 5, inf, lambda: True)] == []
    over.set()
    assert no_reader_is_left()


def test_closing_ends_the_thread_that_reads_also_where_it_waits_for_a_place() -> None:
    read: list[int] = []
    is_full = threading.Event()

    def endless() -> Iterator[int]:
        for number in itertools.count():
            read.append(number)
            if number == 4:  # two were taken, two are in the queue: there is no place for this one
                is_full.set()
            yield number

    got = lingering_chunks(endless(), 2, inf, never)
    assert next(got) == [0, 1]
    assert is_full.wait(LONG)
    assert readers()
    got.close()
    assert no_reader_is_left()
    assert read == [0, 1, 2, 3, 4]


def test_no_more_than_a_list_waits_and_one_item_in_hand() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    for taken, each in enumerate(lingering_chunks(source(), 10, inf, never), 1):
        assert len(each) == 10
        assert len(read) <= taken * 10 + 10 + 1
    assert len(read) == 100


def test_whatever_ends_the_source_comes_out_of_the_lists_too() -> None:
    def ended() -> Iterator[int]:
        yield 1
        raise SystemExit(3)

    lists = lingering_chunks(ended(), 5, 60, lambda: False)
    assert next(lists) == [1]
    with pytest.raises(SystemExit):
        next(lists)
