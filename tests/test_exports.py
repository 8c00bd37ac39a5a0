"""What RudderStack exports is taken in each of its forms."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import ConfigError, DestinationConfig, destinations_of
from gainsight_dest.reading import placed_in
from tests.some import CONFIG, SETTINGS

GAINSIGHT = {"name": "GAINSIGHT", "displayName": "Gainsight"}


def destination(name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"id-{name}", "name": name, "config": SETTINGS, "destinationDefinition": GAINSIGHT, **more}


def workspace(*sources: list[Any]) -> dict[str, Any]:
    return {"workspaceId": "w", "sources": [{"id": f"s{n}", "destinations": each} for n, each in enumerate(sources)]}


@pytest.mark.parametrize(
    "given",
    [
        SETTINGS,
        {"Config": SETTINGS},
        {"config": SETTINGS},
        {"id": "2x", "type": "GAINSIGHT", "name": "gs", "enabled": True, "config": SETTINGS},
        {"ID": "d", "Name": "gs", "DestinationDefinition": {"Name": "GAINSIGHT"}, "Config": SETTINGS, "config": 5},
        {**SETTINGS, "config": {"domain": "other.example.com"}, "sources": [], "destination": {}},
    ],
)
def test_a_config_is_read_out_of_each_form(given: dict[str, Any]) -> None:
    assert DestinationConfig.from_rudderstack(given) == CONFIG


def test_a_workspace_gives_its_gainsight_destinations_each_once() -> None:
    one, two = destination("one"), destination("two")
    other = destination("px", destinationDefinition={"name": "GAINSIGHT_PX"})
    odd = [None, 5, {}, {"destinationDefinition": None}, {"destinationDefinition": {"name": 5}}]
    given = workspace([one, other, *odd], [two, dict(one)])
    assert destinations_of(given) == [one, two]
    assert DestinationConfig.from_rudderstack(destinations_of(given)[1]) == CONFIG


def test_a_destination_without_an_id_is_there_as_often_as_it_stands() -> None:
    nameless = {"Config": SETTINGS, "DestinationDefinition": {"Name": "Gainsight"}}
    assert destinations_of(workspace([nameless], [nameless])) == [nameless, nameless]


@pytest.mark.parametrize(
    "form", [lambda each: {"destination": each}, lambda each: {"destinations": [each], "paging": {}}]
)
def test_the_answers_of_the_api_are_taken_too(form: Any) -> None:
    one = {"id": "1", "type": "GAINSIGHT", "config": SETTINGS}
    assert destinations_of(form(one)) == [one]


@pytest.mark.parametrize(
    "given", [{"sources": []}, {"sources": [None, {}, {"destinations": None}]}, {"destinations": []}]
)
def test_a_workspace_may_have_none(given: dict[str, Any]) -> None:
    assert destinations_of(given) == []


@pytest.mark.parametrize("given", [None, [], "x", {}, SETTINGS, {"sources": {}}, {"Config": SETTINGS}])
def test_what_is_no_workspace_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match="must be an object with sources"):
        destinations_of(given)


def test_a_whole_workspace_is_no_config_and_the_error_says_what_to_take() -> None:
    with pytest.raises(ConfigError, match=r"take one of destinations_of\(workspace\)"):
        DestinationConfig.from_rudderstack(workspace([destination("one")]))


def test_where_a_destination_stands_is_known() -> None:
    placed = placed_in(workspace([], [5, destination("one")]))
    assert [(each.steps, each.id, each.name) for each in placed] == [
        (("sources", 1, "destinations", 1), "id-one", "one")
    ]
    assert [each.steps for each in placed_in({"destination": destination("x")})] == [("destination",)]
    assert placed_in([]) == []
