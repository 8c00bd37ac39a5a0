"""Texts that stand for what is filled in later are told from those that are meant."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import ConfigError, DestinationConfig, transform
from gainsight_dest.reading import placeholder_problem
from tests.some import CONFIG, SETTINGS, identify, track

ENV = {"KEY": "a-key", "VERSION": "2.0", "BLANK": " ", "lower": "case"}


def problems(env: Any = None, **settings: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        DestinationConfig.from_rudderstack({**SETTINGS, **settings}, env)
    return [f"{place}: {problem}" for place, problem in error.value.problems]


@pytest.mark.parametrize("setting", ["domain", "accessKey", "sharedSecret", "tenantId", "topicName", "contractId"])
@pytest.mark.parametrize(
    "text",
    [
        *("{{ X }}", "{{X}}", "key-{{ X }}", " {{ X }} ", "{{ a.b || c }}", "{{}}", "${X}", "key-${X}", "${X:-}"),
        *("<key>", "<access key>", "< >", "$ACCESS_KEY", "%ACCESS_KEY%", "env.KEY", " env.KEY ", "env.lower"),
    ],
)
def test_a_placeholder_that_is_left_in_a_setting_is_refused(setting: str, text: str) -> None:
    (problem,) = problems(**{setting: text})
    assert problem.startswith(f"{setting}: ")
    assert "host name" not in problem
    with pytest.raises(ConfigError):
        transform(identify(), {**SETTINGS, setting: text.replace(" || ", " ")})


@pytest.mark.parametrize("rows", ["personMap", "companyMap", "eventNameMap", "eventVersionMap"])
@pytest.mark.parametrize("text", ["{{ X }}", "${X}", "<field>", "env.FIELD"])
def test_a_placeholder_that_is_left_in_a_mapping_is_refused(rows: str, text: str) -> None:
    assert [problem.split(":")[0] for problem in problems(**{rows: [{}, {"from": "a", "to": text}]})] == [
        f"{rows}[1].to"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "k",
        "a-b",
        "{x}",
        "{{",
        "}}{{",
        "$",
        "$5",
        "50%",
        "a<b>",
        "a > b",
        "100%%",
        "$lower",
        "environment.X",
        "env.",
        "env.a-b",
    ],
)
def test_a_text_that_is_none_is_taken_as_it_is(text: str) -> None:
    assert placeholder_problem(text) is None
    assert DestinationConfig(domain="acme.co", topic_name=text).topic_name == text


def test_a_name_in_a_mapping_may_look_like_a_variable_that_is_not_in_capitals() -> None:
    assert dict(DestinationConfig(domain="acme.co", event_name_map={"env.X": "env.changed"}).event_name_map) == {
        "env.X": "env.changed"
    }


def test_what_is_refused_says_what_to_do_and_shows_no_value() -> None:
    (unset,) = problems(accessKey="env.KEY")
    assert "environment variable KEY, which is not set" in unset
    assert "env=os.environ" in unset
    (left,) = problems(accessKey="sk-live-${X}")
    assert "write the value" in left
    assert "sk-live" not in left


def test_what_stands_in_the_environment_is_filled_in_from_there() -> None:
    rows: Any
    for rows in ([{"from": "Ticket Closure", "to": "env.VERSION"}, "x"][:1], {"Ticket Closure": "env.VERSION"}):
        given = {
            **SETTINGS,
            "accessKey": " env.KEY ",
            "eventVersionMap": rows,
            "tenantId": "env.lower",
            "other": "env.X",
        }
        config = DestinationConfig.from_rudderstack({"config": given, "name": "x"}, ENV)
        assert (config.access_key, config.tenant_id) == ("a-key", "case")
        assert transform(track(), config).headers["eventVersion"] == "2.0"
        assert "a-key" not in repr(config)


@pytest.mark.parametrize("name", ["BLANK", "NOT_THERE"])
def test_a_variable_that_is_blank_or_not_set_fills_nothing_in(name: str) -> None:
    assert f"environment variable {name}" in problems(ENV, accessKey=f"env.{name}")[0]


def test_what_the_environment_fills_in_is_read_as_strictly_and_never_shown() -> None:
    env = {"KEY": "MARKED\nX", "OTHER": "{{ X }}", "AGAIN": "env.KEY"}
    (problem,) = problems(env, accessKey="env.KEY", personMap={"MARKED\nX": "Plan__gc"})
    assert "control character" in problem
    assert "MARKED" not in problem
    assert "placeholder" in problems(env, accessKey="env.OTHER")[0]
    assert "environment variable KEY" in problems(env, accessKey="env.AGAIN")[0]


def test_a_key_that_is_a_settings_name_hides_no_place_so_that_it_breaks() -> None:
    assert problems(accessKey="person_map", personMap=[{"from": "a", "to": []}])[0].endswith("put it in quotes")


def test_without_variables_in_it_a_config_is_the_same_with_any_environment() -> None:
    assert DestinationConfig.from_rudderstack(SETTINGS, ENV) == CONFIG
    assert DestinationConfig.from_rudderstack({**SETTINGS, "contractId": None}, ENV) == CONFIG
    odd = {**SETTINGS, "personMap": [5, {"from": "a", "to": 7}], "companyMap": {"a": None}}
    with pytest.raises(ConfigError) as error:
        DestinationConfig.from_rudderstack(odd, ENV)
    assert [place for place, _ in error.value.problems] == ["personMap[0]"]


@pytest.mark.parametrize("piece", ["{{", "${", "<", "> ", "{{ a ||", "%A", "$A"])
def test_a_long_text_of_half_placeholders_is_looked_at_in_a_moment(piece: str) -> None:
    assert placeholder_problem(piece * 100_000 + ".") is None
