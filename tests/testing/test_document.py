"""YAML as data with lines, and changes that leave all other text as it is."""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.testing.document import DocumentError, composed, data_of, edited, entries, rendered, same


def read(text: str) -> Any:
    root = composed(text)
    assert root is not None
    return data_of(root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T08:00:00Z", "2026-01-01T08:00:00Z"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-012", -12),
        ("0o17", 15),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("<Gsid of the company>", "<Gsid of the company>"),
    ],
)
def test_unquoted_text_is_read_by_yamls_core_schema(text: str, value: Any) -> None:
    assert repr(read(f"a: {text}")["a"]) == repr(value)


def test_what_is_no_number_is_one() -> None:
    assert math.isnan(read("a: .nan")["a"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no: 1\n12: 2\nnull: 3\n", {"no": 1, "12": 2, "null": 3}),
        ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n", {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}),
        ("a: &x {k: 1}\nb: {<<: [*x, {k: 2, m: 3}]}\n", {"a": {"k": 1}, "b": {"k": 1, "m": 3}}),
    ],
)
def test_keys_are_text_and_parts_may_be_shared(text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: [\n", "line 3: is not YAML: "),
        ("a: 1\n\tb: 2\n", "line 2: is not YAML: "),
        ("a: 1\nb: \x01\n", "line 2: is not YAML: "),
        ("a: 1\n---\nb: 2\n", "line 2: is not YAML: "),
        ("a: 1\nb: 2\na: 3\n", "line 3: has the key a twice"),
        ("? [1, 2]\n: 3\n", "line 1: has a key that is not text"),
        ("a: 1\nb: {<<: 1}\n", "line 2: merges something that is not an object"),
        ("a: &x\n  b: *x\n", "line 1: holds itself, which JSON cannot"),
        ("a: *nobody\n", "line 1: is not YAML: "),
        ("[" * sys.getrecursionlimit(), "line 1: is nested too deep: write it flatter"),
    ],
)
def test_what_no_data_can_be_made_of_is_told_by_its_line(text: str, error: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert str(caught.value).startswith(error)


def test_an_empty_text_holds_nothing() -> None:
    assert composed("# only a comment\n") is None


# --- changes ----------------------------------------------------------------------------------------------------------


def changed(text: str, new: Any) -> str:
    root = composed(text)
    assert root is not None
    made = edited(text, [(entries(root)["a"][1], new)])
    assert same(read(made)["a"], new)
    assert read(made).get("z") == read(text).get("z")
    return made


@pytest.mark.parametrize(
    ("text", "new", "made"),
    [
        ("a: 1  # why\n", 1, "a: 1  # why\n"),
        ("a:   b  # why\n", "c", None),
        ("a:\n  k: 1  # why\n  # of l\n  l: 2\n\n# of z\nz: 0\n", {"k": 3, "l": 2}, "a:\n  k: 3  # why\n  # of l\n  l: 2\n\n# of z\nz: 0\n"),
        ("a:\n  k: 1  # why\n  # of l\n  l: 2\n\n# of z\nz: 0\n", {"l": 2}, "a:\n  # of l\n  l: 2\n\n# of z\nz: 0\n"),
        ("a:\n  k: 1  # why\n\n# of z\nz: 0\n", {"k": 1, "m": [1]}, "a:\n  k: 1  # why\n  m:\n    - 1\n\n# of z\nz: 0\n"),
        ("a:\n  k: 1", {"l": 2}, "a:\n  {l: 2}"),
        ("a:\n  j: 0\n  k: 1", {"j": 0, "l": 2}, "a:\n  j: 0\n  l: 2"),
        ("a:\n  k: 1", {"k": 1, "m": "no date"}, "a:\n  k: 1\n  m: no date"),
        ("a:\n  k:\n  l: 2\n", {"k": {"x": "1"}, "l": 2}, "a:\n  k:\n    x: '1'\n  l: 2\n"),
        ("a:\n  k:\n  l: 2\n", {"k": 5, "l": 2}, "a:\n  k: 5\n  l: 2\n"),
        ("a:\n  k:\n    x: 1\n  l: 2\n", {"k": 5, "l": 2}, "a:\n  k: 5\n  l: 2\n"),
        ("a:\n  k: []\n", {"k": [{"x": 1}]}, "a:\n  k:\n    - x: 1\n"),
        ("a:\n  k: [1]\n", {"k": [{"x": [1]}, "a, b"]}, "a:\n  k: [{x: [1]}, 'a, b']\n"),
        ("a:\n  k: {x: 1, y: 2}  # why\n", {"k": {"x": "2026-01-01"}}, "a:\n  k: {x: '2026-01-01'}  # why\n"),
        ("a:\n  - k: 1\n    l: 2\n  - x  # why\n", [{"k": 1, "l": 3}, "y"], "a:\n  - k: 1\n    l: 3\n  - y  # why\n"),
        ("a:\n  k:\n    x: 1\nz: 0\n", {"k": {"x": 1, "v": 2}, "l": 3}, "a:\n  k:\n    x: 1\n    v: 2\n  l: 3\nz: 0\n"),
        ("a:\n  - k: 1\n    l: 2\n", [{"l": 3}], "a:\n  - {l: 3}\n"),
        ("a:\n  k:\n    - 1\n    - 2\n", {"k": [1]}, "a:\n  k:\n    - 1\n"),
        ("a:\n  k: |\n    text\n\n  l: 1\n", {"k": "x", "l": 1}, "a:\n  k: x\n\n  l: 1\n"),
        ("a:\r\n  k: 1\r\n  l: 2 # why\r\n", {"l": 2, "m": {"n": 1}}, "a:\r\n  l: 2 # why\r\n  m:\r\n    n: 1\r\n"),
        ("a: {k: 1}\nz: 0\n", {"k": 2}, "a: {k: 2}\nz: 0\n"),
        ("a: [&x 1, 2]\nz: 1\n", [1, 2], "a: [&x 1, 2]\nz: 1\n"),
    ],
)  # fmt: skip
def test_a_change_leaves_all_other_text(text: str, new: Any, made: str | None) -> None:
    assert changed(text, new) == (made or "a:   c  # why\n")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nz: *x\n",
        "z: &x 1\na: *x\n",
        "z: &x {k: 1}\na: {<<: *x, l: 2}\n",
        "z: &x {k: 1}\na:\n  <<: *x\n  l: 2\n",
        "z: &x {k: 1}\na:\n  - *x\n",
        "z: &x {k: 1}\na:\n  m: *x\n",
    ],
)
def test_a_part_that_is_shared_is_left_to_be_changed_by_hand(text: str) -> None:
    with pytest.raises(DocumentError, match="shares a part with another by an anchor: change it by hand"):
        changed(text, [2] if "- *x" in text else {"m": 2})


def test_several_changes_are_made_at_once() -> None:
    text = "a:\n  k: 1\nb:\n  l: 2\n"
    root = composed(text)
    assert root is not None
    nodes = entries(root)
    assert (
        edited(text, [(nodes["a"][1], {"k": 1, "n": 0}), (nodes["b"][1], {"l": 3})])
        == "a:\n  k: 1\n  n: 0\nb:\n  l: 3\n"
    )


#: What YAML can hold: no lone surrogate, no control character that it does not let through.
_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
    st.sampled_from(["no", "12", "012", "1_000", ".5e3", "1e3", "2026-01-01", "null", "~", "", " ", "a: b", "# a", "- a", "***", "{", "}", ", ", "a\nb", "<<", "é"]),
)  # fmt: skip
_json = st.recursive(
    st.one_of(_texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_texts.filter("<<".__ne__), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("it's: no", "'it''s: no'"),
        ("a\nb", '"a\\U0000000ab"'),
        ("no", "'no'"),
        (1.5, "1.5"),
        (None, "null"),
    ],
)
def test_a_scalar_is_written_so_that_every_reader_takes_it_for_what_it_is(value: Any, text: str) -> None:
    assert rendered(value, flow=True) == text
    assert same(read(f"a: {text}\n"), {"a": value})


@given(_json, st.booleans())
def test_a_value_is_read_back_as_it_was_written(value: Any, flow: bool) -> None:
    assert same(read(f"a: {rendered(value, flow=True)}\n" if flow else f"a:\n{rendered({'b': value}, indent=2)}\n"), {"a": value if flow else {"b": value}})  # fmt: skip


@given(_json, _json, st.booleans())
def test_any_value_may_become_any_other(before: Any, after: Any, flow: bool) -> None:
    text = f"# top\na:\n  k: {rendered(before, flow=True)}  # why\nz: 1 # end\n"
    if not flow:
        text = "# top\n" + rendered({"a": {"k": before}}) + "\n# of z\nz: 1 # end\n"
    made = changed(text, {"k": after, "new": 1})
    assert made.startswith("# top\n")
    assert made.endswith("z: 1 # end\n")
