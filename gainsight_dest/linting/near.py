"""Names that are nearly another: in another case, with other separators, or misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

#: Shorter names are too often near to others.
_SHORTEST = 4
#: Names of that many letters may differ by more than one slip, if they are as alike as that.
_LONG = 8
_ALIKE = 0.88
#: No one misspells a longer one, and comparing takes time.
_LONGEST = 100


def folded(name: str) -> str:
    """The letters and digits of a name, in one case."""
    return re.sub(r"[\W_]+", "", name).casefold()


class Names:
    """Names, to find the one that another is nearly."""

    def __init__(self, names: Iterable[str]) -> None:
        names = list(names)
        self._by_form = {folded(name): name for name in reversed(names)}
        self._parts = [(name, _parts(name)) for name in names if len(name) <= _LONGEST]

    def respelt(self, name: str) -> str | None:
        """The first that differs in case and separators only."""
        form = folded(name)
        return self._by_form.get(form) if form else None

    def misspelt(self, name: str) -> str | None:
        """The first that differs by a slip; in names with dots, by one in each part."""
        if len(name) > _LONGEST:
            return None
        parts = _parts(name)
        for other, those in self._parts:
            if len(parts) == len(those) and all(map(_is_slip, parts, those)):
                return other
        return None

    def near(self, name: str) -> str | None:
        """Either of the two."""
        return self.respelt(name) or self.misspelt(name)


def _parts(name: str) -> list[str]:
    return [folded(part) for part in name.split(".")]


def _is_slip(one: str, other: str) -> bool:
    """Whether the two are the same, or probably meant to be."""
    if one == other:
        return one != ""
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST or 2 * len(short) < _ALIKE * (len(short) + len(long)):
        return False
    if re.findall(r"\d", one) != re.findall(r"\d", other):
        return False
    if len(short) >= _LONG and SequenceMatcher(None, short, long).ratio() >= _ALIKE:
        return True
    if len(short) == len(long):
        return any(_swapped(short, at) == long for at in range(len(short) - 1))
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _swapped(text: str, at: int) -> str:
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
