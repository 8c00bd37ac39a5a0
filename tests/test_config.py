"""The destination config: read strictly, every problem with its place."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given

from gainsight_dest import ConfigError, DestinationConfig, Secret
from gainsight_dest.config import SETTINGS
from tests import strategies

DOMAIN = "acme.gainsightcloud.com"
KELVIN = "\u212a"  # lower-cases to an ASCII k
HOST = (
    "must be a host name such as acme.gainsightcloud.com, without http://, port, path or user, "
    "and neither an IP address nor localhost"
)


def read(**settings: Any) -> DestinationConfig:
    return DestinationConfig.from_rudderstack({"domain": DOMAIN, **settings})


def problems(settings: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        DestinationConfig.from_rudderstack(settings)
    return [f"{place}: {problem}" for place, problem in error.value.problems]


def test_a_config_is_read_from_rudderstacks_own() -> None:
    config = read(
        accessKey="key",
        sharedSecret="secret",
        tenantId="tenant",
        topicName="Tickets",
        contractId="c-1",
        personMap=[{"from": "plan", "to": "plan__gc"}, {"from": "", "to": ""}],
        companyMap=[],
        eventNameMap=[{"from": "Ticket Closure", "to": "closed"}],
        eventVersionMap={"Ticket Closure": "1.0.0"},
        oneTrustCookieCategories=[{"oneTrustCookieCategory": ""}],
        connectionMode={"web": "cloud"},
    )
    assert config == DestinationConfig(
        domain=DOMAIN,
        access_key="key",
        shared_secret="secret",
        tenant_id="tenant",
        topic_name="Tickets",
        contract_id="c-1",
        person_map={"plan": "plan__gc"},
        event_name_map={"Ticket Closure": "closed"},
        event_version_map={"Ticket Closure": "1.0.0"},
    )


def test_a_whole_destination_is_read_by_its_config() -> None:
    assert DestinationConfig.from_rudderstack({"id": "d", "Config": {"domain": DOMAIN}}) == read()


@pytest.mark.parametrize(
    "rows",
    [
        [{"from": "a", "to": "x"}, {"from": "b", "to": "y"}, {"from": "a", "to": "z"}],
        [{"from": "a", "to": "z"}, {"from": "b", "to": "y"}, {"from": "a", "to": " "}, {"from": " ", "to": "q"}],
        [{"from": "a", "to": "z"}, {"from": "b", "to": "y"}, {}, {"from": None, "to": "x"}, {"from": "a"}],
        ({"from": "a", "to": "z"}, {"from": "b", "to": "y", "note": 1}),
        {"a": "z", "b": "y", "c": None, "d": "", "": "e"},
    ],
)
def test_rows_with_a_blank_half_are_skipped_and_the_last_row_of_a_trait_wins(rows: Any) -> None:
    assert dict(read(personMap=rows).person_map) == {"a": "z", "b": "y"}


@pytest.mark.parametrize("settings", [{}, {"accessKey": None, "personMap": None}, {"accessKey": "", "topicName": "  "}])
def test_null_and_blank_mean_absent(settings: dict[str, Any]) -> None:
    assert read(**settings) == DestinationConfig(domain=DOMAIN)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("acme.gainsightcloud.com", "acme.gainsightcloud.com"),
        (" https://Acme.GainsightCloud.com/ ", "acme.gainsightcloud.com"),
        ("HTTPS://cs.example.org", "cs.example.org"),
        ("acme.us2.gainsightcloud.com/", "acme.us2.gainsightcloud.com"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("a-1.b2.io", "a-1.b2.io"),
    ],
)
def test_a_domain_is_a_host_name_with_little_tolerated_around_it(given: str, host: str) -> None:
    assert read(domain=given).domain == host


@pytest.mark.parametrize(
    "domain",
    [
        *("", " ", "acme", "localhost", "foo.localhost", "http://acme.co", "https://", "https://https://acme.co"),
        *("acme.co/x", "acme.co//", "acme.co:8443", "user@acme.co", "acme.co?x", "acme.co#x", "acme.co\\x", "a b.co"),
        *("127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.0x7f", "[::1]", "::1", "10.0.0.1."),
        *("acme..co", ".acme.co", "acme.co.", "-acme.co", "acme-.co", "acme_x.co", "acme.co\nx.co", "acme。co"),
        *(f"{KELVIN}.co", "münchen.de", "１２７.0.0.1", f"{'a' * 64}.co", f"{'a.' * 127}co", "evil.com/@acme.co"),
    ],
)
def test_anything_but_a_host_name_is_refused_as_domain(domain: str) -> None:
    assert problems({"domain": domain}) == [f"domain: {HOST}"]
    with pytest.raises(ConfigError, match=r"^domain: must be a host name"):
        DestinationConfig(domain=domain)


def test_every_problem_is_listed_with_its_place() -> None:
    settings = {
        "accessKey": 5,
        "sharedSecret": ["x"],
        "tenantId": True,
        "topicName": "Tickets\r\nX-Evil: 1",
        "contractId": "\ud800",
        "personMap": [{"from": "a", "to": "b"}, "x", {"from": 7, "to": []}, {"from": "e", "to": "Email"}],
        "companyMap": "age",
        "eventNameMap": {"a\n": 1.5, "b": "fine"},
        "eventVersionMap": [{"from": "a", "to": "1\n"}],
    }
    bad_header = "holds a control character or broken Unicode, which no HTTP header may"
    assert problems(settings) == [
        "domain: is needed: the host name of the Gainsight tenant",
        "accessKey: must be a string, not a number: put it in quotes",
        "sharedSecret: must be a string, not a list: put it in quotes",
        "tenantId: must be a string, not a boolean: put it in quotes",
        f"topicName: {bad_header}",
        f"contractId: {bad_header}",
        "personMap[1]: must be an object with from and to, not a string",
        "personMap[2].from: must be a string, not a number: put it in quotes",
        "personMap[2].to: must be a string, not a list: put it in quotes",
        "companyMap: must be a list of objects with from and to, or one object, not a string",
        'eventNameMap["a\\n"]: must be a string, not a number: put it in quotes',
        f"eventVersionMap[0].to: {bad_header}",
    ]


def test_a_config_made_in_python_lists_every_problem_under_pythons_names() -> None:
    with pytest.raises(ConfigError) as error:
        DestinationConfig(domain=DOMAIN, access_key=5, person_map={"x": "Email"}, event_name_map={1: "a"})  # type: ignore[arg-type, dict-item]
    assert [place for place, _ in error.value.problems] == ["access_key", 'person_map["x"]', 'event_name_map["1"]']
    assert error.value.path == "access_key"


@pytest.mark.parametrize(("rows", "key"), [("personMap", "Email"), ("companyMap", "Name")])
def test_the_field_that_finds_a_record_cannot_be_mapped(rows: str, key: str) -> None:
    problem = f"no mapping may set {key}: Gainsight finds the record by it, so another one would be written"
    assert problems({"domain": DOMAIN, rows: [{}, {"from": "x", "to": key}]}) == [f"{rows}[1].to: {problem}"]


def test_a_persons_name_and_a_companys_email_can_be_mapped() -> None:
    assert read(personMap={"x": "Name"}, companyMap={"x": "Email"})


@pytest.mark.parametrize("config", [None, 5, "x", [], {"Config": None}, {"Config": []}])
def test_what_is_no_object_is_no_config(config: Any) -> None:
    assert len(problems(config)) == 1
    assert problems(config)[0].startswith("destination config: must be an object, not ")


@pytest.mark.parametrize(
    "settings",
    [
        {"accessKey": "MARKED", "personMap": {"MARKED": 5.5}},
        {"sharedSecret": "MARKED", "personMap": {"MARKED": "Email"}},
        {"accessKey": "MARKED\n"},
        {"accessKey": ["MARKED"], "sharedSecret": {"MARKED": 1}},
        {"domain": "https://user:MARKED@acme.co"},
        {"domain": "MARKED"},
    ],
)
def test_no_problem_shows_a_secret_wherever_it_sits(settings: dict[str, Any]) -> None:
    assert "MARKED" not in "".join(problems({"domain": DOMAIN, **settings}))


def test_a_repr_shows_settings_but_no_secret_wherever_it_sits() -> None:
    config = read(accessKey="MARKED", sharedSecret="SECRET", topicName="x-MARKED", personMap={"SECRET": "x"})
    assert repr(config) == (
        f"DestinationConfig(domain='{DOMAIN}', access_key='***', shared_secret='***', topic_name='x-***', "
        "person_map={'***': 'x'})"
    )
    assert isinstance(config.access_key, Secret)


def test_a_config_pickles_copies_hashes_and_evolves() -> None:
    config = read(accessKey="key", personMap={"a.b": "x"}, eventNameMap={"e": "E"}, eventVersionMap={"e": "1"})
    for twin in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config), copy.copy(config), attrs.evolve(config)):
        assert twin == config
        assert hash(twin) == hash(config)
        assert isinstance(twin.access_key, Secret)
    assert attrs.evolve(config, access_key="other") != config


def test_a_config_is_frozen_and_keeps_no_hold_on_what_it_came_from() -> None:
    rows = {"a": "x"}
    config = DestinationConfig(domain=DOMAIN, person_map=rows)
    rows["b"] = "y"
    assert dict(config.person_map) == {"a": "x"}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.domain = "other.co"  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.person_map["b"] = "y"  # type: ignore[index]


def test_what_track_needs_is_named_all_at_once() -> None:
    error = read(tenantId="t").missing("track", "shared_secret", "tenant_id", "topic_name")
    assert str(error) == "sharedSecret: is needed for track, but missing; topicName: is needed for track, but missing"


def test_events_are_those_in_both_maps_of_a_config_that_can_send_them() -> None:
    maps = {"eventNameMap": {"a": "A", "b": "B"}, "eventVersionMap": {"b": "1", "c": "2"}}
    whole = {"sharedSecret": "s", "tenantId": "t", "topicName": "T"}
    assert dict(read(**maps, **whole).events) == {"b": ("B", "1")}
    for setting in whole:
        assert dict(read(**maps, **{**whole, setting: None}).events) == {}


def test_the_headers_of_events_are_the_same_when_no_more_of_them_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainsight_dest.config.MOST_ROWS", 2)
    config = read(sharedSecret="s", tenantId="t", topicName="p")
    made = [config.event_headers(name, "1") for name in "abcabc"]
    assert [headers["eventName"] for headers in made] == [*"abcabc"]
    assert made[:3] == made[3:]
    assert len(config._headers) == 2


@given(strategies.configs)
def test_a_config_written_as_rudderstack_writes_it_reads_back_the_same(config: DestinationConfig) -> None:
    settings = {
        name: [{"from": k, "to": v} for k, v in value.items()]
        if hasattr(value := getattr(config, setting.name), "items")
        else value
        for name, setting in SETTINGS.items()
    }
    assert DestinationConfig.from_rudderstack(json.loads(json.dumps(settings))) == config


@pytest.mark.parametrize(
    "rows", [[{}] * 10_001, dict.fromkeys(map(str, range(10_001)), "X__gc")], ids=["list", "object"]
)
def test_a_mapping_of_very_many_rows_is_refused_before_they_are_read(rows: Any) -> None:
    with pytest.raises(ConfigError, match=r"personMap: has 10,001 rows: more than 10,000 are not read"):
        DestinationConfig.from_rudderstack({"domain": "acme.co", "personMap": rows})
