"""The laws of tenants, for any answer, any data and any value that hypothesis can think of."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import ConfigError, EventError, Response, ResponseError, transform
from gainsight_dest.tenant import FitMode, Tenant, TenantField, fit, fit_record
from gainsight_dest.tenant.types import TYPES
from gainsight_dest.testing.strategies import tenants
from tests import strategies
from tests import tenant_of_60_fields as sixty
from tests.tenant.some import TENANT, answer, company
from tests.tenant.test_answers import SHAPES

# --- answers ----------------------------------------------------------------------------------------------------------

_FEW = [field for field in sixty.OBJECTS["Company"]["fields"] if field["options"] or field["meta"]["hasLookup"]][:3]
#: Answers that are read, to be mutated.
ANSWERS = [answer(company(*_FEW)), *(body if "data" in body else answer(body) for body, _ in SHAPES.values())]
_DEEP: Any = json.loads("[" * 90 + "]" * 90)
_ODD = ["", " ", "\ud83d", "\x00", "true", "12", "x" * 300, 10**400, -1, 1.5, [], {}, [[]], _DEEP, None]
_values = st.one_of(st.sampled_from(_ODD).map(copy.deepcopy), strategies.json_values)
#: A describe answer has no more levels that are read.
_LEVELS = 12


def _places(value: Any, levels: int = _LEVELS) -> list[tuple[Any, Any]]:
    """All containers, each with one of its keys or indices."""
    keys = [*value] if isinstance(value, dict) else [*range(len(value))] if isinstance(value, list) else []
    within = [place for key in keys for place in _places(value[key], levels - 1)] if levels else []
    return [(value, key) for key in keys] + within


@st.composite
def mutated_answers(draw: st.DrawFn) -> Any:
    """An answer of which some parts are gone, doubled, or something else."""
    whole = [copy.deepcopy(draw(st.sampled_from(ANSWERS)))]
    for _ in range(draw(st.integers(1, 3))):
        places = _places(whole)
        within, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(["replace", "remove", "double", "rename"]))
        if how == "remove" and within is not whole:
            del within[key]
        elif how == "double" and isinstance(within, list) and within is not whole:
            within.append(copy.deepcopy(within[key]))
        elif how == "rename" and isinstance(within, dict):
            within[draw(st.sampled_from(["label", "name", "value", "fieldName", "data", "options"]))] = within.pop(key)
        else:
            within[key] = draw(_values)
    return whole[0]


def read(body: Any) -> Tenant | ResponseError:
    try:
        return Tenant.from_describe(body)
    except ResponseError as error:
        return error


@given(mutated_answers())
def test_a_mutated_answer_gives_a_tenant_or_a_response_error(body: Any) -> None:
    result = read(body)
    assert isinstance(result, (Tenant, ResponseError))
    if isinstance(result, Tenant):
        assert Tenant.from_data(json.loads(json.dumps(result.as_data()))) == result
        assert json.dumps(result.as_data(), ensure_ascii=False).encode()


@given(mutated_answers(), st.binary(max_size=3), st.integers(0, 2_000), st.sampled_from([200, 200, 400, 404, 500]))
def test_so_does_one_whose_bytes_are_mutated(body: Any, more: bytes, place: int, status: int) -> None:
    text = json.dumps(body).encode()
    place %= len(text)
    result = read(Response(status, text[:place] + more + text[place + len(more) :]))
    assert isinstance(result, (Tenant, ResponseError))


# --- data -------------------------------------------------------------------------------------------------------------


@given(tenants())
def test_a_tenant_goes_into_data_and_json_and_pickle_and_comes_back(tenant: Tenant) -> None:
    data = tenant.as_data()
    text = json.dumps(data)
    assert Tenant.from_data(json.loads(text)) == tenant
    assert json.dumps(Tenant.from_data(data).as_data()) == text
    assert pickle.loads(pickle.dumps(tenant)) == tenant
    assert hash(Tenant.from_data(data)) == hash(tenant)


@st.composite
def mutated_data(draw: st.DrawFn) -> Any:
    """A tenant's data of which a part is something else."""
    whole = [json.loads(json.dumps(draw(tenants()).as_data()))]
    places = _places(whole)
    within, key = places[draw(st.integers(0, len(places) - 1))]
    within[key] = draw(_values)
    return whole[0]


@given(st.one_of(strategies.json_values, mutated_data()))
def test_any_json_as_data_gives_a_tenant_or_a_config_error(data: Any) -> None:
    result: Tenant | ConfigError
    try:
        result = Tenant.from_data(data)
    except ConfigError as error:
        result = error
    assert isinstance(result, Tenant) or all(place and problem for place, problem in result.problems)


# --- fit --------------------------------------------------------------------------------------------------------------

FIELDS = [
    *(field for of in TENANT.objects.values() for field in of.fields.values()),
    *(TenantField("A", type=name) for name in TYPES),
]
_words = st.sampled_from([option.label for field in FIELDS for option in field.options] or [""])
_near = st.one_of(
    _words,
    _words.map(str.upper),
    st.lists(_words, max_size=3),
    st.integers(10**8, 10**14),
    st.integers().map(str),
    st.booleans().map(str),
    st.dates().map(lambda day: day.isoformat().replace("-", "/")),
    st.datetimes().map(str),
    st.text(min_size=255, max_size=600),
)
values = st.one_of(_near, _near, strategies.json_values)


@given(st.sampled_from(FIELDS), values, st.sampled_from(FitMode))
def test_what_fits_is_left_and_what_is_made_to_fit_is_never_refused(
    field: TenantField, value: Any, mode: FitMode
) -> None:
    before = repr(value)
    fitted = fit(value, field, mode)
    assert repr(value) == before
    if field.refusal(value) is None:
        assert fitted.value is value
        assert fitted.how is None
    if fitted.refusal is None:
        assert field.refusal(fitted.value) is None
        again = fit(fitted.value, field, mode)
        assert (again.value is fitted.value, again.how) == (True, None)
    else:
        assert fitted.value is value


@given(tenants(), st.sampled_from(FitMode), st.data())
def test_a_record_that_was_made_to_fit_is_refused_for_nothing(
    tenant: Tenant, mode: FitMode, data: st.DataObject
) -> None:
    of = tenant.objects["Company"]
    record = {
        **data.draw(st.dictionaries(st.sampled_from([*of.fields, "Nowhere__gc"]), values, max_size=4)),
        "Name": "Acme",
    }
    try:
        made, changes = fit_record(record, of, mode)
    except EventError:
        assert [*of.refusals(record)]
        return
    assert [*of.refusals(made)] == []
    assert fit_record(made, of, mode) == (made, ())
    assert bool(changes) is bool([*of.refusals(record)])


@given(strategies.events, strategies.configs)
def test_a_tenant_without_objects_changes_no_request(event: Any, config: Any) -> None:
    assert _sent(event, config) == _sent(event, config.fitting(Tenant()))


def _sent(event: Any, config: Any) -> Any:
    try:
        return repr(transform(event, config).as_dict())
    except (EventError, ConfigError) as error:
        return repr(error)
