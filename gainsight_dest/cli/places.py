"""From a place in a config, such as `personMap[2].to`, to its line in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

Steps = tuple[str | int, ...]

#: No place has more steps: `sources[0].destinations[1].config.personMap[2].from` has eight. What stands deeper is found
#: by what it stands in.
DEEPEST = 12

_PART = r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+'
_STEP = r'\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([^.\[\]]+)'


class Lines:
    """The lines of a file, by what stands in them. `root`: where in it the Config is."""

    def __init__(self, lines: Mapping[Steps, int], root: Steps) -> None:
        self._lines = lines
        self._root = root

    def of(self, place: str) -> int | None:
        """The line of the place, from 1; that of what it would stand in, if it is not there; None if it is elsewhere.

        A name stands where its key does.
        """
        steps = _steps(place)
        if steps is None:
            return None
        whole = (*self._root, *steps)
        while whole not in self._lines:
            if not whole:  # an empty file
                return None
            whole = whole[:-1]
        return self._lines[whole]


def lines_of(text: str) -> dict[Steps, int]:
    """The lines of a JSON text, which must be valid."""
    return dict(_lines(text))


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
            if len(within) <= DEEPEST:
                yield _known(within), line
        elif part != ":":
            if isinstance(last, int) and len(within) <= DEEPEST:
                yield _known(within), line
            if part in {"[", "{"}:
                within.append(0 if part == "[" else None)


def _known(within: list[str | int | None]) -> Steps:
    return tuple(step for step in within if step is not None)
