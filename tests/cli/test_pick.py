"""Which events and rows `explain` is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gainsight_dest import explain
from gainsight_dest.cli.pick import Pick, names_of
from gainsight_dest.explaining.explain import event_type_of
from gainsight_dest.explaining.profile import AT_FAULT
from gainsight_dest.explaining.trace import Row
from gainsight_dest.files.read import Item
from tests.some import CONFIG, identify, track


def sources(pick: Pick, event: Any) -> list[str]:
    return [row.source for row in pick.rows(explain(event, CONFIG))]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("event",), {"event"}),
        (("traits", "plan"), {"traits.plan", "plan"}),
        (("context.traits", "plan"), {"context.traits.plan", "plan"}),
        (
            ("traits", "address", "city"),
            {"traits.address.city", "address.city", "traits.address", "address"},
        ),
        (("traits", "a.b", "c"), {'traits["a.b"].c', "a.b.c", 'traits["a.b"]', "a.b"}),
        (("traits", "a\x1b"), {'traits["a\\u001b"]', "a\\u001b"}),
    ],
)
def test_a_trait_goes_by_its_path_without_its_object_and_by_what_it_is_part_of(
    path: tuple[str, ...], names: set[str]
) -> None:
    assert {*names_of(path)} == names


def test_what_is_asked_for_nothing_shows_all() -> None:
    pick = Pick()
    assert pick.is_all
    assert sources(pick, identify(plan="gold", shoe=38)) == ["traits.email", "traits.plan", "traits.shoe"]
    assert pick.shows((), at_fault=False)
    assert [*pick.unmet()] == []


@pytest.mark.parametrize("options", [{"numbers": [1]}, {"types": ["track"]}, {"traits": ["a"]}, {"lost": True}])
def test_what_is_asked_for_something_does_not_show_all(options: dict[str, Any]) -> None:
    assert not Pick(**options).is_all


def test_of_a_trait_there_are_its_rows_alone_and_an_event_without_is_left_out() -> None:
    pick = Pick(traits=["plan", "traits.address", "traits.never"])
    assert sources(pick, identify(plan="gold", address={"city": "Rome", "zip": 1}, shoe=38)) == [
        "traits.plan",
        "traits.address.city",
        "traits.address.zip",
    ]
    assert not pick.shows((), at_fault=True)
    assert [*pick.unmet()] == ["no event that was read has the trait traits.never"]


def test_lost_is_what_reached_no_field_and_all_of_an_event_at_fault() -> None:
    pick = Pick(lost=True)
    assert sources(pick, identify(firstName="Ada", lastName="", shoe=38)) == ["traits.lastName", "traits.shoe"]
    rows = pick.rows(explain(identify(email="", firstName="Ada"), CONFIG))
    assert [(row.source, row.reason, row.field) for row in rows][1:] == [
        ("traits.firstName", AT_FAULT, "Person.FirstName")
    ]
    assert pick.shows((), at_fault=True)
    assert not pick.shows((), at_fault=False)


def test_lost_and_a_trait_go_together() -> None:
    pick = Pick(traits=["shoe"], lost=True)
    assert sources(pick, identify(firstName="", shoe=38)) == ["traits.shoe"]
    assert not pick.shows((), at_fault=True)


# --- events -----------------------------------------------------------------------------------------------------------


class Taken:
    """Items, and how many of them were taken."""

    def __init__(self, *items: Item) -> None:
        self.count = 0
        self._items = items

    def __iter__(self) -> Iterator[Item]:
        for item in self._items:
            self.count += 1
            yield item


EVENTS = [identify(), track("a"), {"type": " Track "}, {"type": "page"}, 5]


def items(*events: Any) -> Taken:
    return Taken(*(Item(number, event) for number, event in enumerate(events, 1)))


def test_no_more_events_are_read_than_it_takes() -> None:
    taken, pick = items(*EVENTS), Pick(numbers=[3, 1])
    assert [item.number for item in pick.asked(iter(taken))] == [1, 3]
    assert (taken.count, pick.read, [*pick.unmet()]) == (3, 3, [])


def test_all_events_that_share_a_number_are_shown() -> None:
    batch = [Item(2, identify(), place=f"line 2, batch[{place}]") for place in range(3)]
    taken, pick = Taken(Item(1, identify()), *batch, Item(3, identify()), Item(4, identify())), Pick(numbers=[2])
    assert [item.place for item in pick.asked(iter(taken))] == [item.place for item in batch]
    assert (taken.count, pick.read) == (5, 4)


def test_an_event_that_is_not_there_is_told() -> None:
    pick = Pick(numbers=[2000, 1])
    assert [item.number for item in pick.asked(iter(items(*EVENTS)))] == [1]
    assert [*pick.unmet()] == ["there is no event 2,000"]


def test_events_are_asked_for_by_their_types_as_transform_reads_those() -> None:
    pick = Pick(types=["track"])
    assert [item.number for item in pick.asked(iter(items(*EVENTS)))] == [2, 3]
    assert pick.read == len(EVENTS)
    assert [event_type_of(event) for event in EVENTS] == ["identify", "track", "track", None, None]


def test_a_row_that_is_shown_as_at_fault_is_the_same_but_for_that() -> None:
    (row, *_) = Pick(lost=True).rows(explain({"type": "identify", "traits": {"plan": "gold"}}, CONFIG))
    assert isinstance(row, Row)
    assert (row.path, row.value, row.sent) == (("traits", "plan"), "gold", None)
