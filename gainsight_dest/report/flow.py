"""The picture of where traits go: what stands where in it. Pure functions of names and counts.

In the middle the traits; to their right the fields that they go to, to their left the reasons why they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from gainsight_dest.explaining.profile import TraitProfile
from gainsight_dest.spelling import cells, printable

#: Traits, and fields, with a place of their own, the biggest: the rest share one.
MOST = 40
#: The least height of a place, a line of text, and what a thicker one has around it.
LINE, GAP = 22.0, 6.0
#: What each further line of a name takes; columns of a line, and of a name: more of it is left out.
NEXT_LINE, COLUMNS, LONGEST = 14.0, 34, 200
#: What the widths of ribbons come to at most: of a trait that has a place of its own, of all.
THICKEST, TALLEST = 32.0, 480.0

_NO_SAY = 1e-9


class Link(NamedTuple):
    """So many values of a trait went to a field; or, lost, to none, for a reason."""

    trait: str
    end: str
    is_lost: bool
    times: int


@attrs.frozen
class FlowNode:
    """A trait, a field or a reason, and where it stands. `lost`, `sent`: how many of its values. `lines`: its name."""

    name: str
    lost: int
    sent: int
    top: float
    height: float
    lines: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many values it has in all."""
        return self.lost + self.sent

    @property
    def middle(self) -> float:
        """The line that it is centred on."""
        return self.top + self.height / 2


@attrs.frozen
class Ribbon:
    """A link as drawn: where its upper edge begins and ends, and its width, in proportion to its count."""

    link: Link
    at_trait: float
    at_end: float
    width: float


@attrs.frozen
class Flow:
    """The picture. `unit`: the width of one value."""

    traits: tuple[FlowNode, ...]
    fields: tuple[FlowNode, ...]
    reasons: tuple[FlowNode, ...]
    ribbons: tuple[Ribbon, ...]
    height: float
    unit: float

    @property
    def lost(self) -> int:
        """Values that are not sent."""
        return sum(trait.lost for trait in self.traits)

    @property
    def sent(self) -> int:
        """Values that are."""
        return sum(trait.sent for trait in self.traits)


def links(trait: TraitProfile) -> Iterator[Link]:
    """Where the values of a trait went. One that feeds two fields counts for each."""
    for arrival, times in trait.went.items():
        yield Link(trait.source, arrival.field, is_lost=False, times=times)
    for loss, times in trait.dropped.items():
        yield Link(trait.source, loss.fate.value, is_lost=True, times=times)


def flow(given: Sequence[Link], most: int = MOST) -> Flow:
    """The picture of the links, with at most so many traits and fields, and one more of each for the rest."""
    names = _names(((link.trait, link.times) for link in given), most)
    ends = _names(((link.end, link.times) for link in given if not link.is_lost), most)
    drawn = _merged(given, names, ends)
    totals = _totals((link.trait, link) for link in drawn)
    rest = next((new for old, new in names.items() if new != old), None)
    unit = _unit({name: sum(sides) for name, sides in totals.items()}, rest)
    traits = _stacked([(name, totals[name]) for name in _ranked(drawn, rest)], unit)
    sent, lost = ([link for link in drawn if link.is_lost is is_lost] for is_lost in (False, True))
    fields, reasons = _beside(traits, sent, rest, unit), _beside(traits, lost, None, unit)
    ribbons = (*_ribbons(sent, traits, fields, unit), *_ribbons(lost, traits, reasons, unit))
    columns = [tuple(column.values()) for column in (traits, fields, reasons)]
    return Flow(columns[0], columns[1], columns[2], ribbons, max(map(_foot, columns)), unit)


def wrapped(name: str) -> tuple[str, ...]:
    """The name in lines of COLUMNS at most; where there is a dot near its end, a line ends there."""
    name = printable(name)
    lines, rest = [], cut_to(name, LONGEST)
    while cells(rest) > COLUMNS:
        line = _fitting(rest, COLUMNS)
        at = line.rfind(".", len(line) // 2) + 1
        lines.append(line[:at] if at else line)
        rest = rest[len(lines[-1]) :]
    return (*lines, rest)


def cut_to(text: str, columns: int) -> str:
    """The text, if it is not wider; else what there is room for."""
    line = _fitting(text, columns)
    return text if line == text else f"{line[:-1]}…"


def _fitting(text: str, columns: int) -> str:
    """As much of a text as there is room for; one letter at least."""
    room = columns
    for at, letter in enumerate(text):
        room -= cells(letter)
        if room < 0:
            return text[: max(at, 1)]
    return text


def _names(counted: Iterable[tuple[str, int]], most: int) -> dict[str, str]:
    """What each goes by: its own name, or that of the rest."""
    counts: Counter[str] = Counter()
    for name, count in counted:
        counts[name] += count
    rest = f"{len(counts) - most:,} more"
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: name if rank < most else rest for rank, name in enumerate(ranked)}


def _merged(given: Sequence[Link], names: Mapping[str, str], ends: Mapping[str, str]) -> list[Link]:
    """The links by those names, one for each trait and end."""
    counts: Counter[tuple[str, str, bool]] = Counter()
    for trait, end, is_lost, times in given:
        counts[names[trait], end if is_lost else ends[end], is_lost] += times
    return [Link(*key, times) for key, times in sorted(counts.items())]


def _totals(named: Iterable[tuple[str, Link]]) -> dict[str, tuple[int, int]]:
    """Lost and sent, by name."""
    totals: dict[str, tuple[int, int]] = {}
    for name, link in named:
        lost, sent = totals.get(name, (0, 0))
        totals[name] = (lost + link.times, sent) if link.is_lost else (lost, sent + link.times)
    return totals


def _unit(counts: Mapping[str, int], rest: str | None) -> float:
    own = [count for name, count in counts.items() if name != rest]
    return min(THICKEST / max(own, default=1), TALLEST / max(1, sum(counts.values())))


def _ranked(drawn: Sequence[Link], rest: str | None) -> list[str]:
    """The traits: those of one field together, those of the biggest field first; then what goes nowhere; the rest."""
    totals: Counter[tuple[bool, str]] = Counter()
    for link in drawn:
        totals[link.is_lost, link.end] += link.times
    ranks: dict[str, tuple[bool, bool, int, str, int]] = {}
    for trait, end, is_lost, times in drawn:
        rank = (trait == rest, is_lost, -totals[is_lost, end], end, -times)
        ranks[trait] = min(rank, ranks.get(trait, rank))
    return sorted(ranks, key=lambda trait: (ranks[trait], trait))


def _stacked(counted: Iterable[tuple[str, tuple[int, int]]], unit: float) -> dict[str, FlowNode]:
    """The places by name, one below the other."""
    places, top = {}, 0.0
    for name, (lost, sent) in counted:
        lines = wrapped(name)
        height = max(LINE + NEXT_LINE * (len(lines) - 1), max(lost, sent) * unit + GAP)
        places[name] = FlowNode(name, lost, sent, top, height, lines)
        top += places[name].height
    return places


def _beside(
    traits: Mapping[str, FlowNode], drawn: Sequence[Link], rest: str | None, unit: float
) -> dict[str, FlowNode]:
    """The places that the links end at, by name, each as near as there is room to the traits that it is for."""
    pulls = _pulls(traits, drawn, rest)
    totals = _totals((link.end, link) for link in drawn)
    names = sorted(pulls, key=lambda name: (pulls[name], name))
    stack = [*_stacked([(name, totals[name]) for name in names], unit).values()]
    foot = max(_foot([*traits.values()]), _foot(stack))
    free = 0.0
    for rank, place in enumerate(stack):  # where it is pulled to, but below the one before it
        stack[rank] = attrs.evolve(place, top=max(free, pulls[place.name] - place.height / 2))
        free = stack[rank].top + place.height
    for rank, place in reversed([*enumerate(stack)]):  # but above the foot, and the one after it
        foot = min(place.top, foot - place.height)
        stack[rank] = attrs.evolve(place, top=foot)
    return {place.name: place for place in stack}


def _pulls(traits: Mapping[str, FlowNode], drawn: Iterable[Link], rest: str | None) -> dict[str, float]:
    """The middle of the traits that an end is for. The rest of them, if named, has no say beside others."""
    sums: dict[str, tuple[float, float]] = {}
    for link in drawn:
        weight = link.times * (_NO_SAY if link.trait == rest else 1.0)
        pull, weights = sums.get(link.end, (0.0, 0.0))
        sums[link.end] = pull + traits[link.trait].middle * weight, weights + weight
    return {end: pull / weights for end, (pull, weights) in sums.items()}


def _foot(column: Sequence[FlowNode]) -> float:
    return column[-1].top + column[-1].height if column else 0.0


def _ribbons(
    drawn: Sequence[Link], traits: Mapping[str, FlowNode], ends: Mapping[str, FlowNode], unit: float
) -> Iterator[Ribbon]:
    at_trait = _edges([(link, traits[link.trait], ends[link.end]) for link in drawn], unit)
    at_end = _edges([(link, ends[link.end], traits[link.trait]) for link in drawn], unit)
    for link in drawn:
        yield Ribbon(link, at_trait[link], at_end[link], link.times * unit)


def _edges(drawn: Sequence[tuple[Link, FlowNode, FlowNode]], unit: float) -> dict[Link, float]:
    """Where each link begins at the first of its places, side by side, in the order of the others."""
    totals = _totals((place.name, link) for link, place, _ in drawn)
    free = {place.name: place.middle - sum(totals[place.name]) * unit / 2 for _, place, _ in drawn}
    edges = {}
    for link, place, _ in sorted(drawn, key=lambda each: each[2].middle):
        edges[link] = free[place.name]
        free[place.name] += link.times * unit
    return edges
