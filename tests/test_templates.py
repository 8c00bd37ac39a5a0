"""A config that comes as data is filled in by each event, wherever it comes."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import ConfigError, DestinationConfig, EventError, explain, templates, transform, transform_batch
from gainsight_dest.templates import LONGEST_PATH, MOST_TEMPLATES, Settings
from tests.some import CONFIG, SETTINGS, group, identify, track

DYNAMIC = {**SETTINGS, "contractId": '{{ event.properties.contract || "c0" }}'}


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has been read as a config so far."""
    read: list[Any] = []
    real = DestinationConfig.from_rudderstack

    def counted(obj: Any, env: Any = None) -> DestinationConfig:
        read.append(obj)
        return real(obj, env)

    monkeypatch.setattr(DestinationConfig, "from_rudderstack", counted)
    return read


def contract(config: Any, **properties: Any) -> Any:
    return transform(track(**properties), config).headers["contractId"]


@pytest.mark.parametrize("form", [lambda raw: raw, lambda raw: {"Config": raw}, lambda raw: {"id": "x", "config": raw}])
def test_a_dict_is_filled_in_by_the_event_which_is_sent_without_it(form: Any) -> None:
    request = transform(track(contract="k9", n=1), form(DYNAMIC))
    assert (request.headers["contractId"], request.body) == ("k9", {"n": 1})
    assert contract(form(DYNAMIC)) == "c0"


def test_explain_and_a_batch_fill_it_in_alike() -> None:
    events = [track(contract="a", n=1), identify(), track(n=2)]
    batch = transform_batch(events, DYNAMIC)
    begun = [transform(event, DYNAMIC) for event in events]
    assert [explain(event, DYNAMIC).request for event in events] == begun
    assert list(batch._begun) == begun


def test_a_fixed_destination_config_is_never_filled_in() -> None:
    with pytest.raises(ConfigError, match="contractId: is a template for each event to fill in"):
        DestinationConfig.from_rudderstack(DYNAMIC)


def test_configs_that_come_out_alike_are_read_once(readings: list[Any]) -> None:
    settings = Settings(DYNAMIC)
    assert [contract(settings, contract=f"k{n % 3}") for n in range(30)] == ["k0", "k1", "k2"] * 10
    assert len(readings) == 3


def test_one_without_templates_is_read_once_and_is_the_same_for_each_event(readings: list[Any]) -> None:
    settings = Settings(SETTINGS)
    assert settings.as_fixed() == CONFIG
    assert all(settings.of(track(n=n))[0] is settings.as_fixed() for n in range(5))
    assert len(readings) == 1


def test_what_is_remembered_has_a_bound(readings: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_FILLED", 2_000)
    settings = Settings(DYNAMIC)
    for n in range(100):
        contract(settings, contract=f"k{n}")
        assert len(settings._filled) < 10
    assert contract(settings, contract="k1") == "k1"
    assert len(readings) == 101


def test_a_batch_goes_to_one_tenant_by_one_key() -> None:
    for name in ("domain", "accessKey"):
        raw = {**SETTINGS, name: "{{ context.x || acme.gainsightcloud.com }}"}
        outcomes = transform_batch([identify(), group()], raw).outcomes
        assert [str(outcome.error).split(",")[0] for outcome in outcomes] == [f"{name}: is filled in by each event"] * 2
        assert transform(identify(), raw).config.domain == "acme.gainsightcloud.com"


def test_a_batch_by_a_config_that_cannot_be_read_has_its_error_for_each_event() -> None:
    outcomes = transform_batch([identify(), track()], {"domain": 5}).outcomes
    assert {str(outcome.error) for outcome in outcomes} == {"domain: must be a string, not a number: put it in quotes"}


def test_a_value_that_does_not_do_is_the_configs_fault_and_one_without_a_text_the_events() -> None:
    with pytest.raises(ConfigError, match="contractId: must be a string, not a number"):
        contract(DYNAMIC, contract=5)
    with pytest.raises(ConfigError, match="contractId: holds a placeholder"):
        contract(DYNAMIC, contract="{{ x }}")
    with pytest.raises(EventError, match="integer too long"):
        contract(DYNAMIC, contract=10**5000)
    assert isinstance(explain(track(contract=float("nan")), DYNAMIC).error, EventError)


def test_a_destination_says_itself_that_it_has_no_templates() -> None:
    with pytest.raises(ConfigError, match="is a template"):
        transform(track(), {"Config": DYNAMIC, "hasDynamicConfig": False})


def test_a_config_that_holds_itself_is_read() -> None:
    odd: dict[str, Any] = {**SETTINGS, "other": 5}
    odd["itself"] = [odd]
    assert transform(identify(), odd).config == CONFIG


@pytest.mark.parametrize("given", [None, 5, "x", "{{ a || b }}", [], {"Config": None}, {}])
def test_what_is_no_config_is_a_config_error(given: Any) -> None:
    with pytest.raises(ConfigError):
        transform(identify(), given)
    assert isinstance(explain(identify(), given).error, ConfigError)


def test_the_environment_is_asked_by_whoever_gives_it() -> None:
    settings = Settings({**DYNAMIC, "sharedSecret": "env.KEY"}, {"KEY": "from-the-environment"})
    assert settings.of(track(contract="a"))[0].shared_secret == "from-the-environment"
    assert settings.shared().contract_id == "c0"
    assert settings.domain == "acme.gainsightcloud.com"


def test_an_event_can_neither_ask_the_environment_nor_be_quoted() -> None:
    settings = Settings(DYNAMIC, {"MARKED": "a secret of the environment", "X": "another"})
    for name in ("MARKED", "X"):
        with pytest.raises(ConfigError, match="environment variable") as error:
            settings.of(track(contract=f"env.{name}"))
        assert f"variable {name}" not in str(error.value)
        assert "another" not in str(error.value)
    with pytest.raises(ConfigError, match="contractId: "):
        Settings({**SETTINGS, "contractId": "{{ a || env.MARKED }}"}, {"MARKED": "x"}).of(track())


def test_what_stands_in_many_places_is_searched_once_and_filled_in_in_each() -> None:
    odd: Any = ["x"]
    for _ in range(100):
        odd = [odd, odd]
    rows = [{"from": "Ticket Closure", "to": "{{ properties.to || t }}"}]
    raw = {**SETTINGS, "other": odd, "eventNameMap": rows, "eventVersionMap": rows}
    headers = transform(track(to="both"), raw).headers
    assert (headers["eventName"], headers["eventVersion"]) == ("both", "both")


def test_a_config_may_be_nested_deep_where_nobody_reads_it() -> None:
    deep: Any = "{{ a || b }}"
    for _ in range(5_000):
        deep = [deep]
    assert transform(identify(), {**SETTINGS, "other": deep}).config == CONFIG


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ " + "a." * LONGEST_PATH + "a || 1 }}", f"holds a template with a path of more than {LONGEST_PATH} names"),
        (["{{ a || 1 }}"] * (MOST_TEMPLATES + 1), f"holds more than {MOST_TEMPLATES} templates"),
    ],
)
def test_templates_beyond_what_is_filled_in_are_the_configs_fault(template: Any, problem: str) -> None:
    given = {"domain": "acme.gainsightcloud.com", "accessKey": "k", "other": template}
    with pytest.raises(ConfigError) as caught:
        transform(identify(), given)
    assert str(caught.value) == f"destination config: {problem}"
