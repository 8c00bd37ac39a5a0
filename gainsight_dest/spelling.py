"""How words are shown and compared: fit for a screen, cut, and names that are nearly another. Pure functions."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

# --- words on a screen ------------------------------------------------------------------------------------------------

#: Of longer names and types the beginning is kept where many events are counted. In characters.
LONGEST_WORD = 200


def printable(text: str) -> str:
    """A word as a terminal, a log or a page may show it: what steers one, or is not seen, stands as JSON's escapes do.

    That is: controls (also a line's end), what turns the direction of a text, what has no width, halves of surrogates.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def printable_lines(text: str) -> str:
    """The same for a text of lines, whose ends stay."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def _printable(letter: str) -> str:
    is_shown = letter.isprintable() or unicodedata.category(letter) == "Zs"  # spaces of other widths
    return letter if is_shown else escaped(letter)


def escaped(letters: str) -> str:
    """The letters as JSON's escapes, as far as it has any for them."""
    return json.dumps(letters)[1:-1]


def cells(text: str) -> int:
    """How many cells of a terminal a printable text takes: a letter of Chinese, Japanese or Korean two, a mark none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in _MARKS or letter in _JOINED:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in _WIDE else 1


#: Marks that stand on the letter before them; vowels and finals of Korean, which are parts of it.
_MARKS = frozenset({"Mn", "Me"})
_JOINED = frozenset(map(chr, range(0x1160, 0x1200)))
_WIDE = frozenset({"W", "F"})


def filled(text: str, width: int) -> str:
    """The text, with blanks up to so many cells."""
    return text + " " * (width - cells(text))


def cut(text: str, longest: int = LONGEST_WORD) -> str:
    """The text, or the beginning of a longer one."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def counted(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# --- names that are nearly another ------------------------------------------------------------------------------------

#: Shorter names are too often near to others.
_SHORTEST = 4
#: Names of that many letters may differ by more than one slip, if they are as alike as that.
_LONG = 8
_ALIKE = 0.88
#: No one misspells a longer one, and comparing takes time.
_LONGEST = 100
#: What all comparisons of some Names may cost: a look at a length is 1, a comparison of names of 15 letters some 30. A
#: config with thousands of names that are nearly others has enough to fix by then.
MOST_COST = 300_000
_CHEAPER = 8


def did_you_mean(meant: str | None) -> str | None:
    """The question that goes with a wrong name; None where no other one is meant."""
    return None if meant is None else f"Did you mean {meant}?"


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
