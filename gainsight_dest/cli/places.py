"""From a place in a config, such as `personMap[2].to`, to its line in the JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

Steps = tuple[str | int, ...]

#: No place has more steps: `Config.personMap[2].from` has four. What stands deeper is found by what it stands in.
_DEEPEST = 8

_PART = r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+'
_STEP = r'\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([^.\[\]]+)'


class Lines:
    """The lines of a JSON text, which must be valid, by what stands in them."""

    def __init__(self, text: str) -> None:
        self._lines = dict(_lines(text))
        self._root: Steps = ("Config",) if ("Config",) in self._lines else ()

    def of(self, place: str) -> int | None:
        """The line of the place, from 1; that of what it would stand in, if it is not there; None if it is elsewhere.

        A name stands where its key does.
        """
        steps = _steps(place)
        if steps is None:
            return None
        while steps and (*self._root, *steps) not in self._lines:
            steps = steps[:-1]
        return self._lines[(*self._root, *steps)]


def _steps(place: str) -> Steps | None:
    """The place as keys and indices; None if it is none in a config: `identify traits.plan`."""
    if " " in place.split("[", 1)[0]:
        return None
    found = re.findall(_STEP, place)
    return tuple(int(index) if index else json.loads(quoted) if quoted else name for index, quoted, name in found)


def _lines(text: str) -> Iterator[tuple[Steps, int]]:
    """Where each key, and each element of a list, begins: its steps and its line. Of a repeated key the last counts.

    `within` holds a step for each list and object around the part: an index, or a key, None before there is one.
    """
    within: list[str | int | None] = []
    line, read = 1, 0
    for match in re.finditer(_PART, text):
        part, start = match[0], match.start()
        line += text.count("\n", read, start)
        read = start
        last = within[-1] if within else 0
        if part in {"]", "}"}:
            within.pop()
        elif part == ",":
            within[-1] = last + 1 if isinstance(last, int) else None
        elif last is None:
            within[-1] = json.loads(part)
            if len(within) <= _DEEPEST:
                yield _known(within), line
        elif part != ":":
            if isinstance(last, int) and len(within) <= _DEEPEST:
                yield _known(within), line
            if part in {"[", "{"}:
                within.append(0 if part == "[" else None)


def _known(within: list[str | int | None]) -> Steps:
    return tuple(step for step in within if step is not None)
