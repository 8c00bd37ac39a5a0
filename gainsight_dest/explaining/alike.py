"""Texts that look alike when they are printed: whether two do, how to show in what they differ, those among many."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import attrs

from gainsight_dest.explaining.trace import short
from gainsight_dest.gainsight import folded
from gainsight_dest.spelling import cut, escaped

#: Letters that take no room, or that of a space, though Unicode knows them as letters, marks or symbols.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
#: Letters and signs that look like others, beside those that NFKC knows, and in the same order what they are taken for.
_LOOKS = str.maketrans(
    # Cyrillic: capitals, then small ones
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u04ae"
    "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0443\u0445\u04bb"
    # Greek
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
    # Katakana: ニ カ ロ エ ト タ ハ ー ヘ ベ ペ
    "\u30cb\u30ab\u30ed\u30a8\u30c8\u30bf\u30cf\u30fc\u30d8\u30d9\u30da"
    # quotes, dashes, dots
    "\u2018\u2019\u02bc\u2032\u201c\u201d\u2033\u2010\u2013\u2212\u30fb\u25cb",
    "ABESIJKMHOPCTXYaceijopsyxh"
    "ABEZHIKMNOPTYXo"
    "\u4e8c\u529b\u53e3\u5de5\u535c\u5915\u516b\u4e00\u3078\u3079\u307a"
    "''''\"\"\"---\u00b7\u3007",
)
#: Names of companies that look different, and spellings of each, that are kept apart: no more are looked at.
MOST_NAMES = 2000
MOST_SPELLINGS = 5
_MOST_PLACES = 5
#: Of longer texts a part is shown, in which they differ. In characters.
_LONGEST = 180
_BEFORE = 40


def look(text: str) -> str:
    """What a reader sees of a text: texts with the same look are taken for the same, unless their case tells.

    Without blanks around it, doubled blanks, and letters that cannot be seen; accents as part of their letters.
    """
    if not (text.isascii() and text.isprintable()):
        seen = "".join(filter(_is_seen, text))
        text = unicodedata.normalize("NFKC", seen).translate(_LOOKS)
    return " ".join(text.split())


def _is_seen(letter: str) -> bool:
    return letter not in _UNSEEN and (letter.isspace() or unicodedata.category(letter) not in {"Cc", "Cf"})


def seen(text: str) -> str:
    """The text with all that cannot be seen, or looks like a space, as JSON's escapes."""
    return text if text.isprintable() and _UNSEEN.isdisjoint(text) else "".join(map(_seen_letter, text))


def _seen_letter(letter: str) -> str:
    return letter if letter.isprintable() and letter not in _UNSEEN else escaped(letter)


def twins(texts: Iterable[str]) -> dict[str, str]:
    """Of texts those that look like another of them, each with that other."""
    by_look: dict[str, str] = {}
    found: dict[str, str] = {}
    for text in texts:
        first = by_look.setdefault(look(text), text)
        if first != text:
            found[text] = first
            found.setdefault(first, text)
    return found


def told_apart(one: str, other: str) -> tuple[str, str]:
    r"""Both as quoted JSON: if a reader could take one for the other, with escapes, `\u00a0`, where they differ.

    Or if one looks as if it were in the other, and is not. Of long ones a part in which they differ is shown.
    """
    both = (one, other)
    if one == other or not (_are_alike(one, other) or short(one) == short(other)):
        return seen(short(one)), seen(short(other))
    start = max(0, _first_difference(one, other) - _BEFORE)
    cuts = [_clusters(text[start : start + _LONGEST]) for text in both]
    marked = _marked(_pairs(*cuts) if look(one).casefold() == look(other).casefold() else _aligned(*cuts))
    before = "…" if start else ""
    ends = ("…" if len(text) > start + _LONGEST else "" for text in both)
    first, second = (f'"{before}{text}{end}"' for text, end in zip(marked, ends, strict=True))
    return first, second


def _are_alike(one: str, other: str) -> bool:
    """Whether they look the same but for their case, or one looks as if it were in the other, and is not."""
    first, second = look(one).casefold(), look(other).casefold()
    return first == second or (first in second and one not in other) or (second in first and other not in one)


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _clusters(text: str) -> list[str]:
    """The text in pieces: each a letter, and the marks on it."""
    pieces: list[str] = []
    for letter in text:
        if pieces and unicodedata.combining(letter):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _marked(pairs: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Both texts of those pieces, with escapes in the pieces that look as in the other text, and are not the same."""
    marked: tuple[list[str], list[str]] = [], []
    for pair in pairs:
        for text, shown in zip(marked, _marked_piece(*pair), strict=True):
            text.append(shown)
    return "".join(marked[0]), "".join(marked[1])


def _aligned(one: list[str], other: list[str]) -> Iterator[tuple[str, str]]:
    """The pieces of two, one of which looks like a part of the other, side by side."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - it is loaded when there is something to find in another

    for _, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        yield from _pairs(one[start:end], other[begin:stop])


def _pairs(one: list[str], other: list[str]) -> Iterator[tuple[str, str]]:
    """The pieces of two, side by side while they look the same, what is not seen alone; then what is left."""
    at = by = 0
    while at < len(one) and by < len(other):
        first, second = look(one[at]).casefold(), look(other[by]).casefold()
        if first != second and first and second:
            break
        end, stop = at + (first == second or not first), by + (first == second or not second)
        yield "".join(one[at:end]), "".join(other[by:stop])
        at, by = end, stop
    yield "".join(one[at:]), "".join(other[by:])


def _marked_piece(one: str, other: str) -> tuple[str, str]:
    how = _with_escapes if one != other and look(one) == look(other) else _as_json
    return how(one), how(other)


def _as_json(text: str) -> str:
    return seen(json.dumps(text, ensure_ascii=False)[1:-1])


def _with_escapes(text: str) -> str:
    """As JSON, with escapes for all but the signs of ASCII that can be seen."""
    return "".join(_unicode(letter) if letter == " " else escaped(letter) for letter in text)


def _unicode(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


# --- names of companies -----------------------------------------------------------------------------------------------


@attrs.define(repr=False)
class Spelling:
    """One way to write the name of a company; None where names are masked. The repr shows no name.

    `key`: what Gainsight may compare it by. `times`: group events with it. `numbers`: those of the first of them.
    """

    name: str | None
    key: str
    times: int = 0
    numbers: list[int] = attrs.field(factory=list)

    def __repr__(self) -> str:
        return f"<Spelling: came {self.times}>"


class Spellings:
    """The names of companies of many events, by how they look, in bounded memory. With `mask` it keeps digests only."""

    def __init__(self, *, mask: bool = False) -> None:
        self._mask = mask
        self._by_look: dict[str, dict[str, Spelling]] = {}

    def add(self, name: str, number: int) -> None:
        """Count an event by the name of its company."""
        forms = look(name).casefold(), name, folded(name)
        form, written, key = map(_digest if self._mask else cut, forms)
        if form in self._by_look or len(self._by_look) < MOST_NAMES:
            spellings = self._by_look.setdefault(form, {})
            if written in spellings or len(spellings) < MOST_SPELLINGS:
                spelling = spellings.setdefault(written, Spelling(None if self._mask else written, key))
                spelling.times += 1
                if len(spelling.numbers) < _MOST_PLACES:
                    spelling.numbers.append(number)

    def alike(self) -> list[list[Spelling]]:
        """Those of each name that came in several, in the order in which they came."""
        return [[*spellings.values()] for spellings in self._by_look.values() if len(spellings) > 1]

    def as_data(self) -> list[list[dict[str, Any]]]:
        """The same as plain data."""
        kept = attrs.filters.exclude("key")
        return [[attrs.asdict(each, filter=kept) for each in spellings] for spellings in self.alike()]


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
