"""The table of facts names what is there: constants, pages, headings; and the page shows the table."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.probing import FACTS, Fact

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference/what-is-known-of-gainsight.md"
each_fact = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)


def named(path: str) -> Any:
    """What the dotted name means: the longest part of it that is a module, and attributes from there on."""
    names = path.split(".")
    for count in range(len(names), 0, -1):
        try:
            found: Any = import_module(".".join(["gainsight_dest", *names[:count]]))
        except ModuleNotFoundError:
            continue
        for name in names[count:]:
            found = getattr(found, name)
        return found
    raise AssertionError(path)


def test_no_fact_has_the_name_of_another() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS)


@each_fact
def test_the_constant_of_a_fact_is_there(fact: Fact) -> None:
    assert named(fact.constant) is not None


@each_fact
def test_the_page_of_a_fact_has_the_heading(fact: Fact) -> None:
    page, _, anchor = fact.page.partition("#")
    headings = re.findall(r"^#+ (.*)$", (DOCS / page).read_text("utf8"), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_page_shows_the_table() -> None:
    rows = [
        f"| `{fact.name}` | {fact.question} | {fact.certainty} | {fact.expected} | `{fact.constant}` |"
        for fact in FACTS
    ]
    shown = [line for line in PAGE.read_text("utf8").splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert shown == rows
