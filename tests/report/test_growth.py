"""The law of time for what tells of events: at most some more than twice as long for what is twice as large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import Profile, explain
from gainsight_dest.report import page
from gainsight_dest.report.flow import Link, flow
from tests.growth import MOST_GROWTH, growth
from tests.some import CONFIG, group, identify, track

pytestmark = pytest.mark.once

#: Of so many traits, or letters divided by a hundred.
EVENTS: dict[str, Callable[[int], Any]] = {
    "traits": lambda n: identify(**{f"trait{i}": i for i in range(n)}),
    "traits of a company": lambda n: group(**{f"trait{i}": "x" for i in range(n)}),
    "properties": lambda n: track(**{f"property {i}": [i] for i in range(n)}),
    "a trait of traits": lambda n: identify(a={f"trait{i}": {"b": {}} for i in range(n)}),
    "a list": lambda n: identify(a=["x"] * n * 10),
    "a long value": lambda n: identify(a="x" * n * 100),
    "a long odd value": lambda n: identify(a="\u202e" * n * 10),
    "a long name": lambda n: identify(**{"x" * n * 100: 1}),
    "a long odd name": lambda n: track(**{"\x1b]" * n * 10: {"\u202e" * n * 10: 1}}),
    "a long event": lambda n: track("\x1be" * n * 10),
    "a long type": lambda n: {"type": "\x1bt" * n * 10},
    "a long email": lambda n: identify("@." * n * 100),
    "a long number": lambda n: group(employees="1" * n * 100 + "x"),
    "a contract": lambda n: {**track(), "context": {"externalId": [{"type": "x", "id": i} for i in range(n)]}},
}


@pytest.mark.long
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_explaining_takes_linear_time(event: Callable[[int], Any]) -> None:
    def work(size: int) -> Callable[[], object]:
        made = event(size)

        def tell() -> None:
            explanation = explain(made, CONFIG)
            explanation.text()
            explanation.masked().as_dict()
            summary = Profile()
            summary.add(explanation)
            summary.as_dict()
            page(summary)

        return tell

    assert growth(work, 300) < MOST_GROWTH


@pytest.mark.long
def test_a_picture_takes_linear_time() -> None:
    def work(size: int) -> Callable[[], object]:
        links = [Link(f"t{n}", f"f{n % 97}", is_lost=n % 3 == 0, times=n + 1) for n in range(size)]
        return lambda: flow(links)

    assert growth(work, 2000) < MOST_GROWTH
