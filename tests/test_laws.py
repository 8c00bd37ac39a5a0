"""The laws of the core, for any input that hypothesis can think of."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    ConfigError,
    CreateCompany,
    DestinationConfig,
    EventError,
    FindCompany,
    GainsightDestError,
    Request,
    Response,
    ResponseError,
    SendEvent,
    UpdateCompany,
    UpsertPerson,
    is_enabled,
    preview,
    transform,
)
from gainsight_dest.fields import OBJECTS
from tests import strategies
from tests.some import ADA, CONFIG, SECRETS

COMPANY = {"Name": "Acme"}
REQUESTS: tuple[Request, ...] = (
    UpsertPerson(CONFIG, person={"Email": ADA}),
    SendEvent(CONFIG, name="closed", version="1.0.0", properties={}),
    FindCompany(CONFIG, company=COMPANY, email=ADA),
    CreateCompany(CONFIG, company=COMPANY, email=ADA),
    UpdateCompany(CONFIG, company=COMPANY, email=ADA),
)


def result(event: Any, config: Any) -> Request | EventError | ConfigError:
    try:
        return transform(event, config)
    except (EventError, ConfigError) as error:
        return error


def step(request: Request, response: Response) -> Request | ResponseError | None:
    try:
        return request.next(response)
    except ResponseError as error:
        return error


def same(one: Any, other: Any) -> bool:
    """Equality that takes NaN for NaN and tells 1 from true: the texts of the values."""
    return repr(one) == repr(other)


def texts_of(value: object) -> str:
    """All that a log or a terminal might show of a value or an error."""
    shown = f"{value!r} {value}"
    if isinstance(value, GainsightDestError):
        shown += "".join(traceback.format_exception(value)) + repr(value.args) + repr(vars(value))
    if isinstance(value, Request):
        shown += repr(value.headers) + repr(preview(value)) + repr(value.config)
    return shown


@given(strategies.events, strategies.configs)
def test_any_json_value_as_event_gives_a_request_or_raises_event_error_or_config_error(event: Any, config: Any) -> None:
    assert isinstance(result(event, config), (Request, EventError, ConfigError))


@given(strategies.events, strategies.raw_configs)
def test_any_json_value_as_config_gives_a_request_or_raises_event_error_or_config_error(event: Any, raw: Any) -> None:
    assert isinstance(result(event, raw), (Request, EventError, ConfigError))


@given(strategies.events, strategies.configs)
def test_equal_input_gives_equal_output(event: Any, config: DestinationConfig) -> None:
    twin = attrs.evolve(config)
    assert twin == config
    assert hash(twin) == hash(config)
    assert result(event, config) == result(copy.deepcopy(event), twin)


@given(strategies.events, strategies.raw_configs)
def test_neither_the_event_nor_the_config_is_changed(event: Any, raw: Any) -> None:
    before = copy.deepcopy((event, raw))
    result(event, raw)
    assert same((event, raw), before)


@given(strategies.good_events, strategies.whole_configs)
def test_a_request_shares_nothing_with_its_event(event: Any, config: DestinationConfig) -> None:
    request = transform(event, config)
    before = copy.deepcopy(request)
    _ruin(event)
    assert request == before


def _ruin(value: Any) -> None:
    for inner in list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else []):
        _ruin(inner)
    if isinstance(value, (dict, list)):
        value.clear()


@given(strategies.events, strategies.configs)
def test_requests_and_errors_survive_pickling(event: Any, config: DestinationConfig) -> None:
    outcome = result(event, config)
    revived = pickle.loads(pickle.dumps(outcome))
    assert revived == outcome
    assert str(revived) == str(outcome)
    if isinstance(outcome, Request):
        assert revived.as_dict() == outcome.as_dict()


@given(strategies.good_events, strategies.whole_configs)
def test_bodies_are_strict_json_and_headers_are_strings_fit_for_http(event: Any, config: DestinationConfig) -> None:
    for _, request in preview(transform(event, config)):
        assert json.loads(json.dumps(request.body, allow_nan=False)) == request.body
        for name, value in request.headers.items():
            assert isinstance(value, str)
            assert not set(value.encode() + name.encode()) & {*range(32), 127}


@given(strategies.events, st.one_of(strategies.whole_configs, strategies.keyed_raw_configs))
def test_no_repr_and_no_error_of_transform_contains_a_secret(event: Any, config: Any) -> None:
    shown = texts_of(result(event, config)) + repr(config if isinstance(config, DestinationConfig) else "")
    assert [secret for secret in SECRETS if secret in shown] == []


@given(st.sampled_from(REQUESTS), strategies.responses)
def test_no_repr_and_no_error_of_an_answer_contains_a_secret(request: Request, response: Response) -> None:
    shown = texts_of(step(request, response)) + repr(response)
    assert [secret for secret in SECRETS if secret in shown] == []


@given(
    strategies.good_events,
    strategies.whole_configs,
    st.dictionaries(strategies.texts, strategies.json_values, max_size=4),
)
def test_an_unmapped_trait_never_reaches_a_body(event: Any, config: DestinationConfig, extra: dict[str, Any]) -> None:
    rows = [row for of in OBJECTS for row in config.custom_fields[of.map]]
    mapped = {head for trait, path, _ in rows for head in (trait, *(path or ())[:1])}
    mapped |= {trait for of in OBJECTS for trait in of.feeds.all}
    event["traits"] = {trait: value for trait, value in event["traits"].items() if trait in mapped}
    extra = {trait: value for trait, value in extra.items() if trait not in mapped}
    assert result({**event, "traits": {**extra, **event["traits"]}}, config) == transform(event, config)


@given(st.one_of(strategies.near_events, strategies.good_events), strategies.configs, strategies.configs)
def test_person_settings_never_affect_a_company_and_the_other_way_round(
    event: Any, config: DestinationConfig, other: DestinationConfig
) -> None:
    events = ("event_name_map", "event_version_map", "tenant_id", "topic_name", "contract_id")
    for event_type, foreign in (("identify", "company_map"), ("group", "person_map")):
        changed = attrs.evolve(config, **{name: getattr(other, name) for name in (foreign, *events)})
        one, two = (result({**event, "type": event_type}, each) for each in (config, changed))
        if isinstance(one, Request):
            assert isinstance(two, Request)
            assert [s.request.as_dict() for s in preview(one)] == [s.request.as_dict() for s in preview(two)]
        else:
            assert one == two


@given(st.sampled_from(REQUESTS), strategies.responses)
def test_any_bytes_as_an_answer_give_a_request_or_none_or_a_response_error(
    request: Request, response: Response
) -> None:
    outcome = step(request, response)
    assert outcome is None or isinstance(outcome, (Request, ResponseError))
    if isinstance(outcome, ResponseError):
        assert outcome.action == request.action
        assert pickle.loads(pickle.dumps(outcome)) == outcome


@given(strategies.events)
def test_any_json_value_is_enabled_or_not(event: Any) -> None:
    assert is_enabled(event) in {True, False}
