"""Texts, numbers, booleans and nulls of other classes than Python's own: alike in every form and field."""

from __future__ import annotations

import enum
import json
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from gainsight_dest import ConfigError, EventError, Request, explain, is_enabled, transform, transform_batch
from gainsight_dest.fields import COMPANY_FIELDS, PERSON_FIELDS
from gainsight_dest.values import kind, native
from tests import some
from tests.needs import need

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "deep.in": "Deep__gc"},
    company_map={"plan": "Plan__gc"},
    contract_id="configured",
)
ID = "gainsightEventContractId"


def events(value: Any) -> list[dict[str, Any]]:
    """Events with the value wherever one may stand."""
    people = {trait: value for field in PERSON_FIELDS[1:] for trait in field.traits}
    companies = {trait: value for field in COMPANY_FIELDS[1:] for trait in field.traits}
    external = {"externalId": [{"type": value, "id": 1}, {"type": ID, "id": value}]}
    return [
        {"type": "identify", "traits": {"email": some.ADA, "plan": value, "deep": {"in": value}, **people}},
        {
            "type": "identify",
            "traits": {"email": some.ADA, "no": value, "row": {"for": value}},
            "properties": {"a": value},
        },
        {"type": "identify", "traits": {"email": some.ADA, "firstname": value}, "context": {"traits": people}},
        {"type": "identify", "traits": {"email": value, "plan": value}, "context": {"traits": {"email": some.ADA}}},
        {"type": "identify", "traits": value, "context": {"traits": {"email": some.ADA, "plan": 1}}},
        some.group(plan=value, **companies),
        some.group(name=value),
        some.group(email=value),
        some.track(x=value, deep=[value, {"in": value}]) | {"context": external},
        some.track(value),
        {**some.track(), "properties": value, "context": value},
        {**some.track(), "type": value, "integrations": {"All": value}},
        {**some.track(), "integrations": {"All": False, "Gainsight": value}},
        {"type": "identify", "traits": {value: 1} if isinstance(value, str) else {}},
    ]


def told(event: dict[str, Any]) -> Any:
    """All that is made of the event, as JSON, so that 1 differs from true."""
    explanation = explain(event, CONFIG)
    try:
        request = transform(event, CONFIG)
    except (ConfigError, EventError) as error:
        made: Any = str(error)
    else:
        assert isinstance(explanation.request, Request)
        made = request.as_dict()
    outcomes = transform_batch([event], CONFIG).outcomes
    rows = [(row.source, row.field, row.fate.value, row.reason, row.change, row.problem) for row in explanation.rows]
    sent = [(explanation.shown(row.sent), type(row.sent).__name__) for row in explanation.rows]
    return json.dumps([made, rows, sent, str(explanation.error), is_enabled(event), outcomes[0].status])


def check_alike(value: Any, own: Any) -> None:
    """Whatever is made of an event with the value is what is made of it with Python's own."""
    assert (native(value), type(native(value))) == (own, type(own))
    assert kind(value) == kind(own)
    for event, same in zip(events(value), events(own), strict=True):
        assert told(event) == told(same)


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "<Text>"


class Plan(str, enum.Enum):
    GOLD = "gold"


class Level(enum.IntEnum):
    HIGH = 3


class Amount(float):
    __slots__ = ()

    def __repr__(self) -> str:
        return "<Amount>"


class Int64:
    """As numpy's integers: one to `numbers`, and no int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value


class Float32:
    """As numpy's floats but for float64: a real number to `numbers`, and no float."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


Integral.register(Int64)
Real.register(Float32)


@pytest.mark.parametrize(
    ("value", "own"),
    [
        *((Text("x"), "x"), (Text(""), ""), (Text(" "), " "), (Text(some.ADA), some.ADA), (Plan.GOLD, "gold")),
        *((Level.HIGH, 3), (Amount(1.5), 1.5), (Amount(2), 2.0)),
        *((Decimal(500), 500), (Decimal("1.50"), 1.5), (Decimal(0), 0), (Fraction(1, 2), 0.5)),
        *((Int64(500), 500), (Int64(0), 0), (Float32(7.0), 7.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_of_another_class_is_what_pythons_own_is(value: Any, own: Any) -> None:
    check_alike(value, own)


def test_a_date_that_equals_nothing_is_null() -> None:
    class NotATime(datetime):
        def __eq__(self, other: object) -> bool:
            return False

        __hash__ = datetime.__hash__

    check_alike(NotATime(2026, 3, 2, tzinfo=timezone.utc), None)


@pytest.mark.parametrize(
    "value", [Fraction(10**400), Decimal("NaN"), Decimal("sNaN"), Decimal("1e999")], ids=["long", "nan", "snan", "far"]
)
def test_a_number_that_is_not_finite_is_refused_but_for_a_number_field_which_is_left_out(value: Any) -> None:
    assert "Employees" not in transform(some.group(employees=value), CONFIG).company  # type: ignore[attr-defined]
    with pytest.raises(EventError, match=r"^properties.x: must be a finite number"):
        transform(some.track(x=value), CONFIG)


# --- libraries that need not be here: classes that look like theirs ---------------------------------------------------


class Generic:
    """As numpy's scalars: `item` gives what they hold."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def item(self) -> Any:
        return self.held

    def __str__(self) -> str:
        return str(self.held)


class Timed(Generic):
    """What numpy has for times: NaT equals nothing."""

    def __init__(self, held: Any, shown: str) -> None:
        super().__init__(held)
        self.shown = shown

    def __str__(self) -> str:
        return self.shown

    def __eq__(self, other: object) -> bool:
        return self.held is not None

    __hash__ = Generic.__hash__


class Datetime64(Timed):
    """As numpy's dates, of which `item` gives one of Python's, or nanoseconds where that cannot be."""


class Timedelta64(Timed):
    """As numpy's: an integer to `numbers`, and none of JSON's."""

    def __int__(self) -> int:
        return int(self.held)


Integral.register(Timedelta64)


class Missing:
    """As pandas' NA: neither true nor false, neither equal to anything nor not."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = object.__hash__


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Modules that have what is asked of numpy and pandas, and nothing else; returned is pandas' NA."""
    missing = Missing()
    numpy = SimpleNamespace(generic=Generic, datetime64=Datetime64, timedelta64=Timedelta64)
    monkeypatch.setitem(sys.modules, "numpy", numpy)
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(NA=missing))
    return missing


@pytest.mark.parametrize(
    ("value", "own"),
    [
        *((Generic(True), True), (Generic(False), False), (Generic(5), 5), (Generic(1.5), 1.5), (Generic(None), None)),
        *((Datetime64(None, "NaT"), None), (Timedelta64(None, "NaT"), None)),
    ],
    ids=lambda value: f"{type(value).__name__} {value}",
)
def test_a_scalar_that_numpy_knows_is_what_pythons_own_is(stand_ins: Any, value: Any, own: Any) -> None:
    assert stand_ins is not None
    check_alike(value, own)


def test_what_pandas_has_for_a_missing_value_is_null(stand_ins: Any) -> None:
    check_alike(stand_ins, None)


@pytest.mark.parametrize("value", [Generic(b""), Generic((1, 2)), Generic(1j), Timedelta64(5, "5 seconds")], ids=str)
def test_a_scalar_that_json_has_no_form_for_is_refused(stand_ins: Any, value: Any) -> None:
    assert stand_ins is not None
    assert native(value) is value
    name = type(value).__name__
    with pytest.raises(EventError, match=rf"^properties.x: is a {name}, which JSON cannot hold$"):
        transform(some.track(x=value), CONFIG)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Datetime64(datetime(2026, 3, 1, 8, tzinfo=timezone.utc), "…"), "2026-03-01T08:00:00+00:00"),
        (Datetime64(date(2026, 3, 1), "2026-03"), "2026-03-01"),
        (Datetime64(1, "2026-03-01T08:00:00.000000000"), "2026-03-01T08:00:00"),
        (Datetime64(1, "2026-03-01T08:00:00.120000000"), "2026-03-01T08:00:00.120000"),
        (Datetime64(1, "2026-03-01T08:00:00.123456000"), "2026-03-01T08:00:00.123456"),
        (Datetime64(1, "2026-03-01T08:00:00.123456700"), "2026-03-01T08:00:00.123456700"),
        (Datetime64(1, "99999-03-10"), "99999-03-10"),
    ],
    ids=str,
)
def test_numpys_dates_are_written_as_pythons_are(stand_ins: Any, value: Any, expected: str) -> None:
    assert stand_ins is not None
    assert transform(some.track(x=value), CONFIG).body == {"x": expected}
    row = next(row for row in explain(some.identify(plan=value), CONFIG).rows if row.target == "Plan__gc")
    assert (row.sent, row.change) == (expected, "to text")


def test_a_module_that_has_not_what_is_asked_of_it_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(generic="no class"))
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace())
    with pytest.raises(EventError, match=r"^properties.x: is a object, which JSON cannot hold$"):
        transform(some.track(x=object()), CONFIG)


# --- the libraries themselves -----------------------------------------------------------------------------------------


def library(name: str) -> Any:
    """numpy, or pandas."""
    need("pandas")
    return import_module(name)


@pytest.mark.parametrize(
    ("name", "given", "own"),
    [
        *((f"{sign}int{bits}", 100, 100) for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *((f"float{bits}", 1.5, 1.5) for bits in (16, 32, 64)),
        *(("longdouble", 1.5, 1.5), ("float64", 0, 0.0), ("int64", 0, 0)),
        *(("bool_", True, True), ("bool_", False, False)),
        *(("str_", "x", "x"), ("str_", "", ""), ("str_", some.ADA, some.ADA)),
        *(("datetime64", "NaT", None), ("timedelta64", "NaT", None)),
    ],
)
def test_numpys_own_scalars_are_what_pythons_are(name: str, given: Any, own: Any) -> None:
    check_alike(getattr(library("numpy"), name)(given), own)


def test_pandas_own_missing_values_are_null() -> None:
    pandas = library("pandas")
    check_alike(pandas.NA, None)
    check_alike(pandas.NaT, None)


def test_rows_of_a_table_of_pandas_are_events() -> None:
    pandas = library("pandas")
    table = pandas.DataFrame(
        {
            "name": ["Acme", "Birch"],
            "employees": pandas.array([500, None], dtype="Int64"),
            "arr": [1.5, 2.0],
            "status": pandas.array([None, "active"], dtype="string"),
            "renewalDate": pandas.to_datetime(["2027-01-31", None]),
        }
    )
    companies = [transform(some.group(**row), CONFIG).company for row in table.to_dict("records")]  # type: ignore[attr-defined]
    assert companies == [
        {"Name": "Acme", "Employees": 500, "Arr": 1.5, "RenewalDate": "2027-01-31T00:00:00"},
        {"Name": "Birch", "Arr": 2.0, "Status": "active"},
    ]
    assert [type(value) for value in companies[0].values()] == [str, int, float, str]


def test_one_moment_is_one_text_whoever_has_made_it() -> None:
    numpy, pandas = library("numpy"), library("pandas")
    text = "2026-03-01T08:00:00.120000"
    moments = [datetime.fromisoformat(text), pandas.Timestamp(text)]
    moments += [numpy.datetime64(text, unit) for unit in ("us", "ns")]
    assert [transform(some.track(x=each), CONFIG).body for each in moments] == [{"x": text}] * 4


@pytest.mark.parametrize("shape", [(), (0,), (2,), (2, 2)], ids=str)
def test_an_array_or_a_table_is_refused_wherever_it_stands(shape: tuple[int, ...]) -> None:
    array = library("numpy").ones(shape)
    for value in (array, library("pandas").Series(array.ravel())):
        assert kind(value) == f"a {type(value).__name__}"
        for event in events(value):
            told(event)
        with pytest.raises(EventError, match="which JSON cannot hold"):
            transform(some.track(x=[value]), CONFIG)
