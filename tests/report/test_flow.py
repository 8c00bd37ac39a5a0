"""What stands where in the picture, for any links."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.explaining.profile import Arrival, Loss, TraitProfile
from gainsight_dest.explaining.trace import Path
from gainsight_dest.fields import Fate
from gainsight_dest.report.flow import GAP, LINE, MOST, TALLEST, THICKEST, Flow, FlowNode, Link, Ribbon, flow, links

ALMOST = pytest.approx
CLOSE = 1e-6

NAMES = st.one_of(st.sampled_from(["email", "name", "3 more", "blank", ""]), st.text(max_size=4))
LINKS = st.lists(st.builds(Link, NAMES, NAMES, st.booleans(), st.integers(1, 100_000)), max_size=60)
FEW = st.integers(1, 8)


def columns(picture: Flow) -> tuple[tuple[FlowNode, ...], ...]:
    return picture.traits, picture.fields, picture.reasons


def edges(picture: Flow) -> dict[tuple[str, str, bool], list[tuple[float, Ribbon]]]:
    """The ribbons at each edge of each place, with where they begin there."""
    found: dict[tuple[str, str, bool], list[tuple[float, Ribbon]]] = {}
    for ribbon in picture.ribbons:
        found.setdefault(("trait", ribbon.link.trait, ribbon.link.is_lost), []).append((ribbon.at_trait, ribbon))
        found.setdefault(("end", ribbon.link.end, ribbon.link.is_lost), []).append((ribbon.at_end, ribbon))
    return found


@given(LINKS, FEW)
def test_no_place_overlaps_another_and_none_is_outside(given_links: list[Link], most: int) -> None:
    picture = flow(given_links, most)
    for column in columns(picture):
        for above, below in pairwise(column):
            assert above.top + above.height <= below.top + CLOSE
        for place in column:
            assert place.top >= -CLOSE
            assert place.top + place.height <= picture.height + CLOSE
            assert place.height >= LINE


@given(LINKS, FEW)
def test_a_ribbon_is_as_wide_as_its_count_says(given_links: list[Link], most: int) -> None:
    picture = flow(given_links, most)
    for ribbon in picture.ribbons:
        assert ribbon.width == ALMOST(ribbon.link.times * picture.unit)


@given(LINKS, FEW)
def test_what_comes_in_goes_out_or_falls_off(given_links: list[Link], most: int) -> None:
    picture = flow(given_links, most)
    sent = sum(link.times for link in given_links if not link.is_lost)
    lost = sum(link.times for link in given_links if link.is_lost)
    assert (picture.sent, picture.lost) == (sent, lost)
    assert sum(place.count for place in picture.traits) == sent + lost
    assert sum(place.sent for place in picture.fields) == sum(place.count for place in picture.fields) == sent
    assert sum(place.lost for place in picture.reasons) == sum(place.count for place in picture.reasons) == lost
    assert sum(ribbon.link.times for ribbon in picture.ribbons) == sent + lost


@given(LINKS, FEW)
def test_the_ribbons_of_a_place_lie_side_by_side_within_it(given_links: list[Link], most: int) -> None:
    picture = flow(given_links, most)
    places = {("trait", place.name, is_lost): place for place in picture.traits for is_lost in (False, True)}
    places |= {("end", place.name, False): place for place in picture.fields}
    places |= {("end", place.name, True): place for place in picture.reasons}
    for key, ribbons in edges(picture).items():
        place = places[key]
        ribbons.sort(key=lambda each: each[0])
        for (start, ribbon), (following, _) in pairwise(ribbons):
            assert start + ribbon.width == ALMOST(following, abs=CLOSE)
        assert sum(ribbon.link.times for _, ribbon in ribbons) == (place.lost if key[2] else place.sent)
        assert ribbons[0][0] >= place.top - CLOSE
        assert ribbons[-1][0] + ribbons[-1][1].width <= place.top + place.height + CLOSE


@given(LINKS, FEW)
def test_the_picture_is_bounded(given_links: list[Link], most: int) -> None:
    picture = flow(given_links, most)
    assert len(picture.traits) <= most + 1
    assert len(picture.fields) <= most + 1
    places = max(map(len, columns(picture)))
    assert picture.height <= places * LINE + TALLEST + CLOSE
    assert len(picture.ribbons) == len({ribbon.link[:3] for ribbon in picture.ribbons})


@given(LINKS, FEW)
def test_the_order_of_the_links_does_not_matter(given_links: list[Link], most: int) -> None:
    assert flow(given_links, most) == flow(given_links[::-1], most)


def test_nothing_makes_an_empty_picture() -> None:
    picture = flow([])
    assert (columns(picture), picture.ribbons, picture.height) == (((), (), ()), (), 0)


def test_the_biggest_have_places_of_their_own_and_the_rest_shares_one_at_the_foot() -> None:
    some = [Link(f"t{n}", f"f{n}", is_lost=False, times=1000 - n) for n in range(MOST + 12)]
    picture = flow(some)
    names = [place.name for place in picture.traits]
    assert names == [*(f"t{n}" for n in range(MOST)), "12 more"]
    assert [place.name for place in picture.fields] == [*(f"f{n}" for n in range(MOST)), "12 more"]
    assert picture.traits[-1].count == sum(link.times for link in some[MOST:])


def test_traits_of_one_field_stand_together_and_what_goes_nowhere_stands_below() -> None:
    picture = flow(
        [
            Link("city", "no mapping", is_lost=True, times=9),
            Link("traits.email", "Email", is_lost=False, times=5),
            Link("plan", "Plan__gc", is_lost=False, times=6),
            Link("context.traits.email", "Email", is_lost=False, times=2),
            Link("traits.email", "at fault", is_lost=True, times=1),
        ]
    )
    assert [place.name for place in picture.traits] == ["traits.email", "context.traits.email", "plan", "city"]
    assert [(place.name, place.count) for place in picture.fields] == [("Email", 7), ("Plan__gc", 6)]
    assert [(place.name, place.count) for place in picture.reasons] == [("at fault", 1), ("no mapping", 9)]


def test_a_field_stands_by_its_traits_and_the_rest_does_not_pull_it_away() -> None:
    some = [Link(f"t{n}", f"f{n}", is_lost=False, times=10) for n in range(5)]
    picture = flow([*some, Link("t9", "f0", is_lost=False, times=1)], most=5)
    assert picture.traits[-1].name == "1 more"
    assert [place.middle for place in picture.fields] == ALMOST([place.middle for place in picture.traits[:-1]], abs=5)


def test_the_thickest_trait_is_as_thick_as_it_may_be() -> None:
    picture = flow([Link("a", "b", is_lost=False, times=7)])
    assert picture.ribbons[0].width == ALMOST(THICKEST)
    assert picture.height == ALMOST(THICKEST + GAP)


def test_a_trait_has_a_link_for_each_way_and_each_loss() -> None:
    path: Path = ("traits", "timezone")
    ways = Counter({Arrival("Person.Timezone", "standard"): 2, Arrival("Person.Zone__gc", "personMap"): 1})
    trait = TraitProfile("identify", path, 1, went=ways, dropped=Counter({Loss("null", None, Fate.BLANK): 4}))
    assert [*links(trait)] == [
        Link("traits.timezone", "Person.Timezone", is_lost=False, times=2),
        Link("traits.timezone", "Person.Zone__gc", is_lost=False, times=1),
        Link("traits.timezone", "blank", is_lost=True, times=4),
    ]
