"""Every conformance vector, in several ways: the config as a dict and as a DestinationConfig, pickled, twice."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

from gainsight_dest import ConfigError, DestinationConfig, EventError, transform
from tests.conformance import VECTORS, every_request, every_vector, exact, walk


def outcome(event: Any, config: Any) -> dict[str, Any]:
    try:
        return walk(transform(event, config))
    except EventError:
        return {"error": "event"}
    except ConfigError:
        return {"error": "config"}


def test_there_are_vectors() -> None:
    assert len(VECTORS) > 500


@every_vector
def test_a_vector_holds_with_a_plain_dict_as_config(vector: dict[str, Any]) -> None:
    before = copy.deepcopy(vector)
    assert exact(outcome(vector["event"], vector["config"])) == exact(vector["expect"])
    assert vector == before, "the event or the config was changed"


@every_vector
def test_a_vector_holds_with_the_whole_destination_as_config(vector: dict[str, Any]) -> None:
    destination = {"id": "d-1", "Config": vector["config"], "enabled": True}
    assert exact(outcome(vector["event"], destination)) == exact(vector["expect"])


@every_vector
def test_a_vector_holds_twice_with_a_config_parsed_once_and_pickled(vector: dict[str, Any]) -> None:
    try:
        config = DestinationConfig.from_rudderstack(vector["config"])
    except ConfigError:
        # A config with templates is read anew for each event, and not once.
        assert vector["expect"] == {"error": "config"} or vector["rule"] == "dynamic-settings-are-filled"
        return
    assert exact(outcome(vector["event"], config)) == exact(vector["expect"])
    assert exact(outcome(vector["event"], config)) == exact(vector["expect"])
    assert exact(outcome(vector["event"], pickle.loads(pickle.dumps(config)))) == exact(vector["expect"])


@every_request
def test_a_vectors_request_survives_pickling_and_needs_the_event_no_more(vector: dict[str, Any]) -> None:
    event = copy.deepcopy(vector["event"])
    request = transform(event, vector["config"])
    revived = pickle.loads(pickle.dumps(request))
    event.clear()
    assert revived == request
    assert exact(walk(revived)) == exact(vector["expect"])


def test_every_difference_from_rudderstack_is_explained() -> None:
    page = (Path(__file__).parent.parent / "docs/explanation/differences.md").read_text("utf8")
    rules = {vector["rule"] for vector in VECTORS if "rule" in vector}
    assert {rule for rule in rules if f"`{rule}`" not in page} == set()
