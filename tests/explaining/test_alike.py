"""Texts that look alike: which do, and how they are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.explaining.alike import MOST_NAMES, MOST_SPELLINGS, Spellings, look, seen, told_apart, twins
from tests.growth import MOST_GROWTH, growth

#: One, another that looks the same, and both as they are shown.
ALIKE = [
    ("caf\u00e9", "cafe\u0301", r'"caf\u00e9"', r'"cafe\u0301"'),
    ("\u00e9lev\u00e9e", "e\u0301leve\u0301e", r'"\u00e9lev\u00e9e"', r'"e\u0301leve\u0301e"'),
    ("a\u0301\u0323", "a\u0323\u0301", r'"a\u0301\u0323"', r'"a\u0323\u0301"'),
    ("gold", "gold ", '"gold"', r'"gold\u0020"'),
    ("gold", "\tgold", '"gold"', r'"\tgold"'),
    ("a b", "a\u00a0b", r'"a\u0020b"', r'"a\u00a0b"'),
    ("a b", "a\u3000b", r'"a\u0020b"', r'"a\u3000b"'),
    ("a b", "a  b", '"a b"', r'"a \u0020b"'),
    ("ab", "a\u200bb", '"ab"', r'"a\u200bb"'),
    ("ab", "\ufeffab", '"ab"', r'"\ufeffab"'),
    ("ab", "a\u00adb", '"ab"', r'"a\u00adb"'),
    ("ab", "ab\u3164", '"ab"', r'"ab\u3164"'),
    ("ab", "ab\ufe0f", '"ab"', r'"ab\ufe0f"'),
    ("", " ", '""', r'"\u0020"'),
    ("\u8c48", "\uf900", r'"\u8c48"', r'"\uf900"'),  # an ideograph, and its copy for old encodings
    ("\u4e00", "\u2f00", r'"\u4e00"', r'"\u2f00"'),  # an ideograph, and a radical
    ("\u5de5\u5834", "\u30a8\u5834", '"\\u5de5\u5834"', '"\\u30a8\u5834"'),  # an ideograph, and Katakana
    ("ABC", "\uff21BC", '"ABC"', r'"\uff21BC"'),
    ("Acme", "\u0410cme", '"Acme"', r'"\u0410cme"'),  # Cyrillic
    ("Ben's", "Ben\u2019s", '"Ben\'s"', '"Ben\\u2019s"'),
    ("\u00c9T\u00c9 ", "\u00e9te\u0301", '"\u00c9T\u00c9\\u0020"', '"\u00e9te\u0301"'),  # their case can be seen
    ("\u4e8cb\u30cb", "\u30cbb\u4e8c", r'"\u4e8cb\u30cb"', r'"\u30cbb\u4e8c"'),
    ('say "e\u0301"', 'say "\u00e9"', r'"say \"e\u0301\""', r'"say \"\u00e9\""'),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "shown", "got"), ALIKE)
def test_what_looks_the_same_is_shown_with_escapes_where_it_differs(one: str, other: str, shown: str, got: str) -> None:
    assert look(one).casefold() == look(other).casefold()
    assert told_apart(one, other) == (shown, got)
    assert told_apart(other, one) == (got, shown)


@pytest.mark.parametrize(
    ("one", "other"),
    [("gold", "silver"), ("é", "e"), ("Acme", "Acme Ltd"), ("二", "三"), ("Schäfer", "Schaefer"), ("a.b", "ab")],
)
def test_what_can_be_seen_to_differ_is_shown_as_it_is(one: str, other: str) -> None:
    assert look(one) != look(other)
    assert told_apart(one, other) == (f'"{one}"', f'"{other}"')


def test_what_looks_as_if_it_were_in_the_other_is_shown_with_escapes() -> None:
    assert told_apart("Caf\u00e9", 'no row for "Cafe\u0301"') == (r'"Caf\u00e9"', r'"no row for \"Cafe\u0301\""')
    assert told_apart("Café", "no Café") == ('"Café"', '"no Café"')


def test_of_long_texts_the_part_is_shown_in_which_they_differ() -> None:
    one, other = ("x" * 300 + end + "y" * 300 for end in (" ", "\u00a0"))
    before, after = "x" * 40, "y" * 139
    assert told_apart(one, other) == (f'"…{before}\\u0020{after}…"', f'"…{before}\\u00a0{after}…"')
    assert told_apart("x" * 300 + "1", "x" * 300 + "2") == (f'"…{before}1"', f'"…{before}2"')
    assert told_apart("x" * 300, "y" * 300) == (f'"{"x" * 199}…', f'"{"y" * 199}…')


def test_what_cannot_be_seen_is_escaped_wherever_it_stands() -> None:
    assert seen("a\u200b\u3164\ufe0f é\n") == r"a\u200b\u3164\ufe0f é\n"


def test_those_are_found_that_look_like_another() -> None:
    assert twins(["a", "caf\u00e9", "b", "cafe\u0301", "caf\u00e9", "A"]) == {
        "cafe\u0301": "caf\u00e9",
        "caf\u00e9": "cafe\u0301",
    }


# --- names of companies -----------------------------------------------------------------------------------------------


def test_the_spellings_of_a_name_are_counted_with_the_numbers_of_the_first_events() -> None:
    spellings = Spellings()
    for number, name in enumerate(["Acme", "ACME", *["Acme"] * 6, "Blue"], 1):
        spellings.add(name, number)
    assert spellings.as_data() == [
        [{"name": "Acme", "times": 7, "numbers": [1, 3, 4, 5, 6]}, {"name": "ACME", "times": 1, "numbers": [2]}]
    ]
    assert repr(spellings.alike()) == "[[<Spelling: came 7>, <Spelling: came 1>]]"


def test_so_many_names_and_spellings_are_kept_and_no_more() -> None:
    spellings = Spellings()
    for number in range(MOST_NAMES + 100):
        spellings.add(f"Company {number}", number)
    for number in (7, MOST_NAMES + 7):
        for blanks in range(2, 10):
            spellings.add(f"Company{' ' * blanks}{number}", number)
    (alike,) = spellings.alike()
    assert [each.name for each in alike] == [f"Company{' ' * blanks}7" for blanks in range(1, 1 + MOST_SPELLINGS)]


def test_of_a_long_name_the_beginning_is_kept() -> None:
    spellings = Spellings()
    for end in (" ", "\u00a0", "b"):
        spellings.add("x" * 500_000 + end, 1)
    assert spellings.alike() == []
    spellings.add("\u200b" + "x" * 500_000, 2)
    assert max(len(str(each.name)) + len(each.key) for each in spellings.alike()[0]) < 500


@pytest.mark.again
@pytest.mark.parametrize("letters", ["e\u0301", "\u00a0 ", "\u200b", "a\u0301\u0323", "\u00e9b"])
def test_long_texts_take_no_longer_than_their_length_allows(letters: str) -> None:
    def work(size: int) -> Callable[[], object]:
        one, other = letters * size, letters * size + "\u00e9"

        def tell() -> None:
            told_apart(one, other)
            told_apart(one, one.upper())
            Spellings().add(one, 1)

        return tell

    assert growth(work, 5_000) < MOST_GROWTH


# --- laws -------------------------------------------------------------------------------------------------------------

texts = st.text(st.sampled_from('aé\u0301 \u00a0\u200bÉ"\\\n二ニ\ud800😀\ufe0f'), max_size=8)


@given(texts, texts)
def test_texts_that_differ_are_shown_as_texts_that_differ_and_are_the_same_json(one: str, other: str) -> None:
    shown = told_apart(one, other)
    assert tuple(map(json.loads, shown)) == (one, other)
    assert (shown[0] == shown[1]) == (one == other)
    assert one == other or look(shown[0]) != look(shown[1])


@given(texts)
def test_the_look_of_a_look_is_itself(text: str) -> None:
    assert look(look(text)) == look(text)
