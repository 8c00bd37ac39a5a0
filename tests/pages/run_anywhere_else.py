"""Files of events, a steps.py and a Ray for docs/how-to/run-anywhere-else.md; and the outcomes of the events."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from gainsight_dest.batching.address import Address, address
from gainsight_dest.deliver.shards import SavedGroup, Shards
from gainsight_dest.sandbox import Sandbox
from tests.pages import Page
from tests.some import Event, group, identify

PEOPLE = [identify(f"person{n}@example.com") for n in range(6)]
NOBODY: Event = {"type": "identify", "traits": {}}
VIEW: Event = {"type": "page"}
#: Of each file; both have a line that is no JSON, too.
EVENTS: tuple[list[Event], ...] = ([*PEOPLE[:3], NOBODY], [NOBODY, VIEW, *PEOPLE[3:]])
WHY = {
    "the line: is not JSON": 2,
    "traits.email: a non-blank string is needed for identify, got null": 2,
    'type: "page" is not supported: it must be identify, group or track': 1,
}
BECAME = {"delivered": 6, "failed": 4, "skipped": 1}


def around(page: Page) -> Iterator[None]:
    write_steps(page)
    write_files(page)
    page.monkeypatch.setattr(os, "cpu_count", lambda: 2)  # there are two files: a process for each, and no more
    for name, module in ray().items():
        page.monkeypatch.setitem(sys.modules, name, module)
    page.namespace.update(WHY=WHY, BECAME=BECAME, became=partial(became, page))
    yield
    each_event_is_sent_by_its_shard(page)


def write_steps(page: Page) -> None:
    """The module that the page says to write: what its reader puts into it is what it shows."""
    blocks = re.findall(r"^```python\n(.*?)^```$", page.text, re.DOTALL | re.MULTILINE)
    functions = [block for block in blocks if "def transformed" in block or "def reasons" in block]
    assert len(functions) == 2
    (page.folder / "steps.py").write_text("\n\n".join(functions), "utf8")
    page.monkeypatch.syspath_prepend(page.folder)
    page.monkeypatch.setitem(sys.modules, "steps", ModuleType("steps"))  # so that it is forgotten afterwards
    del sys.modules["steps"]


def write_files(page: Page) -> None:
    for number, events in enumerate(EVENTS):
        lines = [*map(json.dumps, events), "{"]
        (page.folder / f"events-{number}.ndjson").write_text("\n".join(lines) + "\n", "utf8")


def became(page: Page, events: Iterable[Any]) -> Counter[str]:
    """How many of the events became what, delivered as the page does it."""
    return Counter(outcome.status.value for outcome in page.delivered(events, page.config, page.session))


class Dataset:
    """What Ray has of the kind, in one list."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def map_batches(self, function: Callable[[Mapping[str, Sequence[Any]]], dict[str, list[Any]]]) -> Dataset:
        made = function({name: [row[name] for row in self.rows] for name in self.rows[0]})
        return Dataset([dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)])

    def groupby(self, name: str) -> Groups:
        return Groups(name, Counter(row[name] for row in self.rows))

    def take_all(self) -> list[dict[str, Any]]:
        return self.rows

    def iter_rows(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


class Groups:
    """The values of a column, and how many rows have each."""

    def __init__(self, name: str, counts: Counter[Any]) -> None:
        self.name = name
        self.counts = counts

    def count(self) -> Dataset:
        return Dataset([{self.name: value, "count()": count} for value, count in self.counts.items()])


def ray() -> dict[str, ModuleType]:
    """The modules that the page imports of it."""
    modules = {name: ModuleType(name) for name in ("ray", "ray.data")}
    modules["ray"].__dict__["data"] = modules["ray.data"]
    modules["ray.data"].__dict__["read_text"] = read_text
    return modules


def read_text(paths: Iterable[str]) -> Dataset:
    return Dataset([{"text": line} for path in paths for line in Path(path).read_text("utf8").splitlines()])


def each_event_is_sent_by_its_shard(page: Page) -> None:
    sandbox, settings = Sandbox(page.config), page.settings
    now = [0.0]
    how = {"session": sandbox.session(), "sleep": lambda s: now.append(now[-1] + s), "clock": lambda: now[-1]}
    shard = Shards.shard  # the sender of the companies comes from it, too
    page.monkeypatch.setattr(Shards, "shard", lambda self, number: shard(self, number, **how))

    items = [*PEOPLE, *page.save_companies([group("Acme", "person0@example.com")])]
    assert isinstance(items[-1], SavedGroup)
    places = [place_of(item, page) for item in items]
    assert (places[-1].company, places[-1].key, places[-1].shard) == ("acme", places[0].key, places[0].shard)
    outcomes = [
        outcome
        for number in range(settings.shards)
        for outcome in page.deliver_shard(
            number, [item for item, place in zip(items, places, strict=True) if place.shard == number]
        )
    ]
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 7
    assert len(sandbox.people) == 6
    assert len(sandbox.companies) == 1


def place_of(item: Event | SavedGroup, page: Page) -> Address:
    place = address(item.event if isinstance(item, SavedGroup) else item, page.config, page.settings.shards)
    assert isinstance(place, Address)
    return place
