"""Names that are nearly another: in another case, with other separators, or misspelt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

#: Shorter names are too often near to others.
_SHORTEST = 4
#: Names of that many letters may differ by more than one slip, if they are as alike as that.
_LONG = 8
_ALIKE = 0.88
#: No one misspells a longer one, and comparing takes time.
_LONGEST = 100
#: What all comparisons of some Names may cost: a look at a length is 1, a comparison of names of 15 letters some 30. A
#: config with thousands of names that are nearly others has enough to be mended by then.
MOST_COST = 300_000
_CHEAPER = 8


def folded(name: str) -> str:
    """The letters and digits of a name, in one case, an accent as part of its letter."""
    whole = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return re.sub(r"[\W_]+", "", whole).casefold()


class Names:
    """Names, to find the one that another is nearly."""

    def __init__(self, names: Iterable[str]) -> None:
        names = list(names)
        self._by_form = {folded(name): name for name in reversed(names)}
        self._by_shape: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}
        self._cost = 0
        for name in names:
            if len(name) <= _LONGEST:
                parts = _parts(name)
                self._by_shape.setdefault(_shape(parts), []).append((name, parts))

    def respelt(self, name: str) -> str | None:
        """The first that differs in case and separators only."""
        form = folded(name)
        return self._by_form.get(form) if form else None

    def misspelt(self, name: str) -> str | None:
        """The first that differs by a slip; in names with dots, by one in each part.

        None once MOST_COST is spent.
        """
        if len(name) > _LONGEST:
            return None
        parts = _parts(name)
        for other, those in self._by_shape.get(_shape(parts), ()):
            if self._cost >= MOST_COST:
                return None
            self._cost += 1
            if all(map(_is_as_long, parts, those)):
                self._cost += len(name) * len(other) // _CHEAPER
                if all(map(_is_slip, parts, those)):
                    return other
        return None

    def near(self, name: str) -> str | None:
        """Either of the two."""
        return self.respelt(name) or self.misspelt(name)


def _parts(name: str) -> list[str]:
    return [folded(part) for part in name.split(".")]


def _shape(parts: list[str]) -> tuple[str, ...]:
    """What a slip leaves as it is: how many parts there are, and their digits."""
    return tuple("".join(re.findall(r"\d", part)) for part in parts)


def _is_as_long(one: str, other: str) -> bool:
    """Whether the two are the same, or long enough, and nearly as long as each other."""
    short, long = sorted((len(one), len(other)))
    return one == other or (short >= _SHORTEST and 2 * short >= _ALIKE * (short + long))


def _is_slip(one: str, other: str) -> bool:
    """Whether two of the same digits, nearly as long, are the same, or probably meant to be."""
    if one == other:
        return one != ""
    short, long = sorted((one, other), key=len)
    if len(short) >= _LONG and SequenceMatcher(None, short, long).ratio() >= _ALIKE:
        return True
    if len(short) == len(long):
        return any(_swapped(short, at) == long for at in range(len(short) - 1))
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _swapped(text: str, at: int) -> str:
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
