"""The JSON Schema of a destination config takes what DestinationConfig takes, and refuses what is wrongly made."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gainsight_dest import ConfigError, DestinationConfig, config_schema
from tests import strategies
from tests.conformance import VECTORS

ROOT = Path(__file__).parents[2]
DOMAIN = "acme.gainsightcloud.com"
VALIDATOR = Draft202012Validator(config_schema())


def validates(config: Any) -> bool:
    return bool(VALIDATOR.is_valid(config))


def reads(config: Any) -> bool:
    try:
        DestinationConfig.from_rudderstack(config)
    except ConfigError:
        return False
    return True


def test_it_is_a_schema_of_that_draft() -> None:
    Draft202012Validator.check_schema(config_schema())
    assert config_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_setting_is_in_it_with_what_it_is() -> None:
    settings = config_schema()["$defs"]["config"]["properties"]
    assert list(settings)[:3] == ["domain", "accessKey", "sharedSecret"]
    assert len(settings) == len([setting for setting in attrs.fields(DestinationConfig) if setting.metadata])
    assert all(setting["description"] for setting in settings.values())


def test_what_it_gives_may_be_changed() -> None:
    config_schema()["$defs"]["config"]["properties"]["tenantId"]["type"].append("number")
    assert config_schema()["$defs"]["config"]["properties"]["tenantId"]["type"] == ["string", "null"]


@given(st.one_of(strategies.raw_configs, strategies.raw_configs.map(lambda raw: {"name": "x", "Config": raw})))
def test_whatever_is_read_validates_and_the_other_way_round(config: Any) -> None:
    assert validates(config) == reads(config)


domains = st.one_of(
    st.from_regex(r"\A\s?(https://|HTTPS?://)?([a-zA-Z0-9-]{1,3}\.){0,3}(co|localhost|LocalHost|1|\u212a)/{0,2}\s?\Z"),
    st.text(st.sampled_from("aZ0-./: \n\u0130\u212a"), max_size=8),
)


@given(domains)
def test_a_domain_validates_if_it_is_read(domain: str) -> None:
    assert validates({"domain": domain}) == reads({"domain": domain})


@pytest.mark.parametrize("length", [62, 63, 64])
def test_labels_and_names_are_as_long_as_they_may_be(length: int) -> None:
    for domain in (f"{'a' * length}.co", f"{'a.' * length}{'b.' * length}co", ("a" * 63 + ".") * 3 + "b" * length):
        assert validates({"domain": domain}) == reads({"domain": domain})


NO_TEXTS: list[Any] = [5, True, [], {}]
NO_MAPS: list[Any] = [5, "x", ["x"], [5], [None], [[]], {"a": 5.5}, {"": []}, {"a": True}]


@pytest.mark.parametrize(
    "config",
    [
        *(None, 5, "x", [], {}, {"domain": None}, {"domain": 5}, {"domain": "http://acme.co"}, {"domain": "localhost"}),
        *({"Config": None}, {"Config": []}, {"Config": {}}, {"domain": DOMAIN, "Config": 5}),
        *({"domain": DOMAIN, key: value} for key in ("accessKey", "topicName") for value in (*NO_TEXTS, "a\nb")),
        *({"domain": DOMAIN, "personMap": value} for value in NO_MAPS),
        *({"domain": DOMAIN, "companyMap": [{"from": value}]} for value in NO_TEXTS),
        *({"domain": DOMAIN, "companyMap": [{"to": value}]} for value in (5.5, *NO_TEXTS[1:])),
        *({"config": None}, {"id": "x", "config": {}}, {"config": {"domain": 5}}),
        {"domain": DOMAIN, "personMap": [{"from": "a", "to": "Email"}]},
        {"domain": DOMAIN, "companyMap": {"a": "Name"}},
        {"domain": DOMAIN, "eventNameMap": [{"from": "a", "to": "b\r\n"}]},
        {"domain": DOMAIN, "eventVersionMap": {"a": "\ud800"}},
        {"domain": DOMAIN, "contractId": "\x00"},
    ],
)
def test_what_is_wrongly_made_is_refused_by_both(config: Any) -> None:
    assert not reads(config)
    assert not validates(config)


@pytest.mark.parametrize(
    "settings",
    [
        {"personMap": [{"from": "", "to": "Email"}, {"from": None, "to": "Email"}, {"to": "Email"}, {"note": 1}]},
        {"companyMap": {" ": "Name", "a": None, "b": ""}, "personMap": {"a": "Name"}},
        {"eventNameMap": [{"from": "", "to": "\x00"}, {"from": "a", "to": "\n"}]},
        {"eventVersionMap": {"": "\x00", "a": "\n"}, "connectionMode": 5},
        {"eventVersionMap": {"a": 2}, "eventNameMap": [{"from": "a", "to": 7}], "personMap": "", "companyMap": {}},
    ],
)
def test_what_is_passed_over_is_refused_by_neither(settings: dict[str, Any]) -> None:
    assert reads({"domain": DOMAIN, **settings})
    assert validates({"domain": DOMAIN, **settings})


def test_a_destination_as_the_api_has_it_is_taken_by_both() -> None:
    for config in ({"id": "x", "config": {"domain": DOMAIN}}, {"config": 5, "domain": DOMAIN}):
        assert reads(config)
        assert validates(config)


def test_what_is_to_be_filled_in_later_validates() -> None:
    for value in ("env.NAME", " {{ a.b || c }} "):
        assert validates({"domain": value, "accessKey": value, "eventNameMap": {"a": value}})
        assert not reads({"domain": DOMAIN, "accessKey": value})


def test_the_configs_of_the_vectors_and_of_the_examples_validate() -> None:
    read = [vector["config"] for vector in VECTORS if reads(vector["config"])]
    assert len(read) > 100
    assert all(map(validates, read))
    assert validates(json.loads((ROOT / "examples/destination.json").read_text("utf8")))
    assert not validates(json.loads((ROOT / "examples/bad-destination.json").read_text("utf8")))


@pytest.mark.parametrize("place", [ROOT / "docs/reference", files("gainsight_dest")], ids=["page", "package"])
def test_it_is_published_as_a_page_and_in_the_package(place: Any) -> None:
    text = place.joinpath("destination-config.schema.json").read_text("utf8")
    assert json.loads(text) == config_schema(), "run: python docs/generate.py"
