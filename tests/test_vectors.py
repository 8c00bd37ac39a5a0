"""Every conformance vector, in several ways: the config as a dict and as a DestinationConfig, pickled, twice."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import ConfigError, DestinationConfig, EventError, Request, Response, transform

VECTORS: list[dict[str, Any]] = [
    json.loads(line)
    for file in sorted((Path(__file__).parent / "vectors").glob("*.jsonl"))
    for line in file.read_text("utf8").splitlines()
]
REQUESTS = [vector for vector in VECTORS if "error" not in vector["expect"]]
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
every_request = pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector["id"])
GSID = "1P02GSID"


def answer(data: Any) -> Response:
    return Response(200, json.dumps({"result": True, "data": data}).encode())


def saved() -> Response:
    return answer({"count": 1, "errors": None, "records": [{"Gsid": GSID}]})


def plain(request: Request | None) -> Any:
    """The request as JSON would carry it, so that 1 differs from true."""
    return None if request is None else json.loads(json.dumps(request.as_dict(), allow_nan=False))


def exact(value: Any) -> str:
    """Text that tells 1 from true but not 1.0 from 1, nor one order of keys from another."""
    return json.dumps(value, sort_keys=True).replace(".0,", ",").replace(".0}", "}").replace(".0]", "]")


def walk(request: Request) -> dict[str, Any]:
    """What a vector expects of the request: itself, or every step that a group may take."""
    if request.calls == 1:
        assert request.next(answer({})) is None
        return {"request": plain(request)}
    create, update = request.next(answer({"records": []})), request.next(answer({"records": [{"Name": "x"}]}))
    assert create is not None
    assert update is not None
    links = create.next(saved()), update.next(saved())
    assert links[0] is not None
    assert links[0] == links[1]
    assert links[0].next(answer({})) is None
    return {"find": plain(request), "create": plain(create), "update": plain(update), "link": plain(links[0])}


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
        assert vector["expect"] == {"error": "config"}
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
