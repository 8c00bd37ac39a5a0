"""What is told of an answer: keys and kinds, and nothing that may be the tenant's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.probing.shape import HIDDEN, limit_headers, shape_of, shown_code, shown_key


def shape(value: Any) -> Any:
    return shape_of(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (7.5, "number"),
        ("", "empty text"),
        ("Ada", "text"),
        ([], []),
        ({}, {}),
        ({"result": True, "data": {"count": 1}}, {"result": "true", "data": {"count": "number"}}),
        ([{"name": "Ada"}, {"name": None, "id": 1}], [{"name": "null or text", "id": "number"}]),
        ([1, "a", None], ["null or number or text"]),
        ([[1], ["a"], []], [["number or text"]]),
        ([{"id": 1}, 7, []], [{"one of": ["number", [], {"id": "number"}]}]),
        ({"Acme Inc": 1, "s3cret": "x"}, {HIDDEN: "number or text"}),
    ],
)
def test_a_shape_has_keys_and_kinds(value: Any, expected: Any) -> None:
    assert shape(value) == expected


@pytest.mark.parametrize(("body", "expected"), [(b"", "no body"), (b" \n", "no body"), (b"<html>", "no JSON")])
def test_what_is_no_json_is_told_so(body: bytes, expected: str) -> None:
    assert shape_of(body) == expected


def test_what_is_nested_too_deep_is_cut_or_no_json() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = {"data": deep}
    assert "…" in json.dumps(shape(deep), ensure_ascii=False)
    assert shape_of(b"[" * 100_000) == "no JSON"


def test_an_object_with_many_keys_is_cut() -> None:
    keys = [f"{first}{second.title()}" for first in ("id", "name", "data", "row") for second in COMMON]
    assert len(shape(dict.fromkeys(keys, 1))) == 80
    assert len(shape([{key: 1} for key in keys])[0]) == 80


COMMON: tuple[str, ...] = (
    "list",
    "count",
    "type",
    "key",
    "label",
    "date",
    "time",
    "url",
    "user",
    "size",
    "page",
    "path",
    "text",
    "unique",
)
COMMON += ("value", "code", "error", "event", "field", "index", "item", "level")


@pytest.mark.parametrize(
    "key",
    ["result", "errorCode", "requestId", "personId", "GSID", "Gsid", "TickerSymbol", "Company_ID", "created_date"],
)
def test_a_key_of_common_words_is_shown(key: str) -> None:
    assert shown_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "acme", "Plan__gc", "1P02", "data.acme", "a-key", "data1", "errorAcme", "日本", "user user", "_", "data\n"],
)
def test_any_other_key_is_hidden(key: str) -> None:
    assert shown_key(key) == HIDDEN


@pytest.mark.parametrize(
    "code", ["GU_2400", "GS_APIG_2404", "GSOBJ_1006", "GSOBJ_VDTNUM1001", "GSOBJ_PEOPLE1001", None]
)
def test_a_code_in_gainsights_form_is_shown(code: Any) -> None:
    assert shown_code(code) == code


@pytest.mark.parametrize(
    "code", ["", "SECRET", "GSOBJ_ACME", "GSOBJ_1006 Acme", "gsobj_1006", "GSOBJ_1006\n", 7, ["GU_2400"]]
)
def test_any_other_code_is_hidden(code: Any) -> None:
    assert shown_code(code) == HIDDEN


def test_headers_about_limits_are_named_in_lower_case_and_without_their_values() -> None:
    headers = {"X-RateLimit-Limit": "100", "Retry-After": "7", "x-rate-limit-remaining": "1", "Server": "acme"}
    headers |= {"x-ratelimit-acme": "1", "x-gs-request-id": "r"}
    assert limit_headers(headers) == ("retry-after", "x-rate-limit-remaining", "x-ratelimit-limit")


_KEYS = st.text().filter(lambda key: shown_key(key) == HIDDEN) | st.sampled_from(["data", "records", "Gsid"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner),
    max_leaves=30,
)
_TOLD = {"null", "true", "false", "number", "text", "empty text", "or", "one", "of", "data", "records", "Gsid", "?"}


@given(_JSON)
def test_the_words_of_a_shape_are_never_the_answers(value: Any) -> None:
    told = json.dumps(shape(value))
    for mark in '{}[]:,"':
        told = told.replace(mark, " ")
    assert {*told.split()} <= _TOLD | {"\\u2026", "empty"}
