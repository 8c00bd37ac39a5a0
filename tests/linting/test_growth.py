"""The law of time: lint takes at most some more than twice as long for a config of twice the size."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gainsight_dest import DestinationConfig, Profile, explain, lint
from gainsight_dest.cli.places import Lines, lines_of
from gainsight_dest.explaining.profile import LONGEST_ERROR, MOST_KINDS, MOST_WAYS, OTHER
from gainsight_dest.linting.subject import subject_of
from gainsight_dest.spelling import LONGEST_WORD, Names
from tests.growth import MOST_GROWTH, growth
from tests.some import SETTINGS, group, identify, track

pytestmark = pytest.mark.once

Rows = list[dict[str, Any]]


def _rows(count: int, source: str, target: str) -> Rows:
    return [{"from": source.format(n), "to": target.format(n)} for n in range(count)]


#: Of so many rows.
CONFIGS: dict[str, Callable[[int], dict[str, Any]]] = {
    "rows": lambda n: {"personMap": _rows(n, "trait{}", "F{}__gc")},
    "rows of fields that there are not": lambda n: {"personMap": _rows(n, "trait{}", "Feld{}")},
    "rows for one field": lambda n: {"companyMap": _rows(n, "trait{}", "F__gc")},
    "rows of one trait": lambda n: {"companyMap": _rows(n, "trait", "F{}__gc")},
    "events without a version": lambda n: {"eventNameMap": _rows(n, "letters{}", "e{}")},
    "events in one map each": lambda n: {
        "eventNameMap": [{"from": "a" * (n % 7) + _letters(n), "to": "e"} for n in range(n)],
        "eventVersionMap": [{"from": "b" * (n % 7) + _letters(n), "to": "1"} for n in range(n)],
    },
    "rows that are none": lambda n: {"personMap": [1, {"from": []}] * n},
    "rows with more keys": lambda n: {"personMap": [{"from": "a", "to": "b", **{f"k{i}": 1 for i in range(n)}}]},
    "keys": lambda n: {f"key{_letters(i)}": "x" for i in range(n)},
    "a map that is an object": lambda n: {"personMap": {f"trait{i}": "Field" for i in range(n)}},
}
#: Letters that a long text may consist of, by where it stands.
TEXTS = {
    "target": ("_", "_a", "a", ".", "a_", "_gc", " "),
    "topicName": ("{{", "}} ", "<", "[", "your ", "0", "k", "%", "_"),
    "accessKey": ("k", " "),
    "domain": ("a", "a.", "-", "/", " ", "[", "@", "http://"),
}


def _long(where: str, letters: str, size: int) -> dict[str, Any]:
    text = letters * (100 * size)
    return {"personMap": [{"from": "a", "to": text}]} if where == "target" else {where: text}


CONFIGS |= {
    f"{where} of {letters!r}": partial(_long, where, letters) for where, texts in TEXTS.items() for letters in texts
}


def _letters(number: int) -> str:
    """A number in letters: digits would tell names apart at once."""
    return str(number).translate(str.maketrans("0123456789", "abcdefghij"))


@pytest.mark.long
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_lint_takes_linear_time(config: Callable[[int], dict[str, Any]]) -> None:
    def work(size: int) -> Callable[[], object]:
        settings = {**SETTINGS, **config(size)}
        text = json.dumps({"Config": settings}, indent=1)

        def look() -> None:
            lines = Lines(lines_of(text), ("Config",))
            for finding in lint(settings):
                lines.of(finding.place)

        return look

    assert growth(work, 400) < MOST_GROWTH


@pytest.mark.long
def test_lint_with_events_takes_linear_time() -> None:
    def work(size: int) -> Callable[[], object]:
        settings = {
            **SETTINGS,
            "personMap": _rows(size, "traitsname{}x", "F{}__gc"),
            "eventNameMap": [{"from": f"an event {_letters(n)}", "to": "e"} for n in range(size)],
        }
        config = subject_of(settings).config
        summary = Profile()
        for n in range(size):
            summary.add(explain(identify(**{f"traitname{_letters(n)}y": 1}), config))
            summary.add(explain(track(f"an evnet {_letters(n)}"), config))
            summary.add(explain(group(f"Company {_letters(n)}"), config))
            summary.add(explain(group(f"company  {_letters(n)}"), config))
        return lambda: lint(settings, summary)

    assert growth(work, 120) < MOST_GROWTH


def test_names_are_compared_so_often_and_no_more() -> None:
    names = Names([*(f"some name {_letters(n)} abc" for n in range(100_000, 102_000)), "another one"])
    assert names.misspelt("anohter one") == "another one"
    for n in range(100_000, 102_000):
        names.misspelt(f"some thing {_letters(n)}")
    assert names.misspelt("anohter one") is None
    assert names.respelt("ANOTHER_ONE") == "another one"


def test_what_stands_deep_in_a_config_is_found_by_what_it_stands_in() -> None:
    deep = '{"Config": {"other": ' + '{"a":\n' * 800 + "[1,\n2]" + "}" * 801 + "}"
    lines = Lines(lines_of(deep), ("Config",))
    assert lines.of("other.a.a") == 2
    assert lines.of(".".join(["other", *"a" * 700])) == 10
    assert len(lines._lines) < 25


# --- what a summary keeps ---------------------------------------------------------------------------------------------


def test_a_summary_keeps_of_long_words_the_beginning() -> None:
    config = DestinationConfig.from_rudderstack({**SETTINGS, "personMap": {"x" * 1000: "F__gc"}})
    summary = Profile()
    for n in range(3):
        summary.add(explain(identify(**{"x" * 1000: 1, "y" * 500_000: {"z" * 500_000: n}}), config))
        summary.add(explain(track("e" * 500_000 + str(n)), config))
    summary.fail("NotJSON", "f" * 500_000)
    words = [key for _, path in summary.traits for key in path] + [*summary.names, *summary.errors]
    assert max(map(len, words)) <= LONGEST_ERROR + 1
    assert [len(name) for name in summary.names] == [LONGEST_WORD + 1]
    assert not [each for each in lint(config, summary) if each.rule == "unused-mapping" and "xxx" in each.problem]


def test_a_summary_keeps_so_many_ways_of_one_trait() -> None:
    summary = Profile()
    for n in range(3 * MOST_WAYS):
        config = DestinationConfig.from_rudderstack({**SETTINGS, "personMap": {"plan": f"F{n}__gc"}})
        summary.add(explain(identify(plan="gold"), config))
        summary.add(explain(identify(plan=float("nan")), config))
    trait = summary.traits["identify", ("traits", "plan")]
    assert len(trait.went) == MOST_WAYS + 1
    assert trait.went.total() == trait.came - trait.lost == 3 * MOST_WAYS
    assert len(trait.dropped) == MOST_WAYS + 1
    assert {loss.field for loss in trait.dropped} >= {OTHER}
    assert len(summary.traits) <= MOST_KINDS
