"""What a body may hold."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from math import inf, nan
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import EventError, Secret
from gainsight_dest.values import MAX_DEPTH, is_date, is_email, is_url, kind, number, plain, plain_object, quoted, text
from tests import strategies


class Plan(str, enum.Enum):
    GOLD = "gold"


class Level(enum.IntEnum):
    HIGH = 3


class Rows(list[Any]):
    """As a reader of YAML makes of a list."""


class Point(NamedTuple):
    x: int
    y: int


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 3, 2, 9, 30, tzinfo=timezone.utc), "2026-03-02T09:30:00+00:00"),
        (date(2026, 3, 2), "2026-03-02"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal(12), 12),
        (Decimal("12.50"), 12.5),
        ((1, (2,)), [1, [2]]),
        (Plan.GOLD, "gold"),
        (Secret("s3cret"), "s3cret"),
        (Level.HIGH, 3),
        (OrderedDict(a=MappingProxyType({"b": (1,)})), {"a": {"b": [1]}}),
        ({Plan.GOLD: 1.5}, {"gold": 1.5}),
        (Point(1, 2), [1, 2]),
        (Rows([Rows()]), [[]]),
    ],
)
def test_python_values_with_a_json_form_take_it(value: Any, expected: Any) -> None:
    copy = plain({"x": value}, "traits")["x"]
    assert copy == expected
    assert type(copy) is type(expected)
    assert json.loads(json.dumps(copy)) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nan, "x: must be a finite number: JSON has no NaN and no infinity"),
        ({"a": [0, {"b": inf}]}, "x.a[1].b: must be a finite number: JSON has no NaN and no infinity"),
        (Decimal("NaN"), "x: must be a finite number: JSON has no NaN and no infinity"),
        (Decimal("sNaN"), "x: must be a finite number: JSON has no NaN and no infinity"),
        (Decimal("1e999"), "x: must be a finite number: JSON has no NaN and no infinity"),
        ({"a": {1: 2}}, "x.a: has a key that is a number: JSON's keys are strings"),
        ({"a\nb": {2, 3}}, 'x["a\\nb"]: is a set, which JSON cannot hold'),
        ([b""], "x[0]: is a bytes, which JSON cannot hold"),
        (nested(MAX_DEPTH + 1), f"x{'[0]' * MAX_DEPTH}: is nested more than {MAX_DEPTH} levels deep"),
    ],
)
def test_a_value_that_json_cannot_hold_is_named_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(EventError) as error:
        plain(value, "x")
    assert str(error.value) == message
    with pytest.raises(EventError) as error:
        plain_object({"y": value}, "x")
    assert str(error.value).startswith("x.y")


def test_nesting_up_to_the_limit_is_kept() -> None:
    assert plain(nested(MAX_DEPTH), "x") == nested(MAX_DEPTH)


def test_a_value_that_contains_itself_is_refused_not_followed_forever() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(EventError, match="nested more than"):
        plain(loop, "x")


def test_an_object_with_a_key_that_is_no_string_is_refused_at_its_own_place() -> None:
    with pytest.raises(EventError, match=r"^properties: has a key that is null: JSON's keys are strings$"):
        plain_object({None: 1}, "properties")  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is", "as it is"),
        (12, "12"),
        (12.0, "12"),
        (12.5, "12.5"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (123456789012345680000.0, "123456789012345680000"),
        (-999999999999999900000.0, "-999999999999999900000"),
        (2**53 + 1.0, "9007199254740992"),
        (2**53 + 1, "9007199254740993"),
        (0.1, "0.1"),
        (-0.00012, "-0.00012"),
        (1e-5, "0.00001"),
        (1.25e-6, "0.00000125"),
        (1e-7, "1e-7"),
        (-1.5e-9, "-1.5e-9"),
        (5e-324, "5e-324"),
        (100.25, "100.25"),
        ({"a": [1e-5, {"b": 1e21, "c": -0.0}]}, '{"a":[0.00001,{"b":1e+21,"c":0}]}'),
        ({'"\n': "\t"}, '{"\\"\\n":"\\t"}'),
        ([], "[]"),
        ({}, "{}"),
        (True, "true"),
        ({"city": "NY"}, '{"city":"NY"}'),
        ({"a": [1.0, {"b": 2.0}], "c": None}, '{"a":[1,{"b":2}],"c":null}'),
        (["Zürich", "日本"], '["Zürich","日本"]'),
        (date(2026, 3, 2), "2026-03-02"),
        (Decimal("7.0"), "7"),
    ],
)
def test_text_is_a_string_as_it_is_or_else_compact_json(value: Any, expected: str) -> None:
    assert text(value, "x") == expected


def test_an_integer_that_python_will_not_print_is_refused() -> None:
    with pytest.raises(EventError, match="integer too long"):
        text([10**5000], "traits.comments")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_text_is_that_number_again_in_its_shortest_digits(value: float) -> None:
    written = text(value, "x")
    assert float(written) == value
    assert len(written.strip("-0.").replace(".", "").partition("e")[0].strip("0")) <= 17


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (7.5, 7.5),
        (7.0, 7.0),
        ("100", 100),
        (" 12 ", 12),
        ("1e3", 1000),
        ("12.50", 12.5),
        ("-7", -7),
        ("+4", 4),
        (".5", 0.5),
        ("5.", 5),
        ("9007199254740993", 9007199254740993),
        (Decimal("2.5"), 2.5),
        (Decimal(3), 3),
        (Level.HIGH, 3),
    ],
)
def test_a_number_or_a_decimal_numeral_is_a_number(value: Any, expected: float) -> None:
    assert number(value) == expected
    assert type(number(value)) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "1,000",
            "0x10",
            "12 months",
            "1_000",
            "１２",
            "Infinity",
            "nan",
            "1e999",
            "9" * 5000,
            ".",
            "e3",
            "--1",
        ),
        *(True, False, None, [], [1], {}, nan, inf, -inf, Decimal("NaN"), Decimal("Infinity"), date(2026, 3, 2)),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_anything_else_is_no_number(value: Any) -> None:
    assert number(value) is None


@given(strategies.json_values)
def test_a_plain_copy_equals_what_json_would_make_of_the_value(value: Any) -> None:
    try:
        copy = plain(value, "x")
    except EventError:
        with pytest.raises(ValueError, match="not JSON compliant"):
            json.dumps(value, allow_nan=False)
    else:
        assert copy == json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "a list"),
        ({}, "an object"),
        (MappingProxyType({}), "an object"),
        (b"", "a bytes"),
    ],
)
def test_a_kind_is_named_in_the_words_of_json(value: Any, name: str) -> None:
    assert kind(value) == name


def test_a_quoted_name_shows_no_control_character_and_is_not_endless() -> None:
    assert quoted("Zürich") == '"Zürich"'
    assert quoted("a\r\nb") == '"a\\r\\nb"'
    assert quoted("x" * 200) == f'"{"x" * 100}…"'


def test_any_mapping_is_an_object() -> None:
    class Frozen(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"a": 1}[key]

        def __iter__(self) -> Any:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert plain({"x": Frozen()}, "traits") == {"x": {"a": 1}}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23",
        "2024-02-29",
        "2026-11-23T08:00",
        "2026-11-23 23:59:59",
        "2026-11-23T08:00:00.123456789",
        "2026-11-23T08:00:00Z",
        "2026-11-23T08:00+01:00",
        "2026-11-23T08:00:00-0500",
    ],
)
def test_an_iso_date_that_the_calendar_has_is_a_date(value: str) -> None:
    assert is_date(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "20261123", "2026-11", "23.11.2026", " 2026-11-23", "2026-11-23\n", "２０２６-11-23"),
        *(
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "0000-01-01",
            "2026-11-23T24:00",
            "2026-11-23T08:60",
            "2026-11-23T8",
        ),
        *("2026-11-23Z", "2026-11-23T08:00 Z", "2026-11-23T08:00:00."),
        *(None, 20261123, date(2026, 11, 23), ["2026-11-23"]),
    ],
)
def test_anything_else_is_no_date(value: object) -> None:
    assert not is_date(value)


@pytest.mark.parametrize("value", ["ada@example.com", "a.b+c@mail.example.co.uk", "ünïcode@exämple.com"])
def test_an_email_address_is_known_by_its_looks(value: str) -> None:
    assert is_email(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "ada", "ada@example", "@example.com", "ada@.com", "ada@example.", "ada@example..com", "a@b@example.com"),
        *("ada @example.com", " ada@example.com", "ada@example.com\n", None, 7, ["ada@example.com"]),
    ],
)
def test_anything_else_is_no_email_address(value: object) -> None:
    assert not is_email(value)


@pytest.mark.parametrize("value", ["http://a", "https://acme.example/a?b=c#d", "https://localhost:8080"])
def test_the_address_of_a_web_page_is_known_by_its_looks(value: str) -> None:
    assert is_url(value)


@pytest.mark.parametrize(
    "value", ["", "acme.example", "ftp://acme.example", "https://", "https://a b", " https://a", "https://a\n", None, 7]
)
def test_anything_else_is_no_address_of_a_web_page(value: object) -> None:
    assert not is_url(value)
