# mypy: untyped-calls-exclude="apache_beam"
"""Events into requests by Beam: every vector as `transform` has it, whatever its JSON; and what is imported when."""

from __future__ import annotations

import json
import math
import pickle
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.internal import cloudpickle_pickler, pickler
from apache_beam.pvalue import TaggedOutput

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    Request,
    UnsupportedTypeError,
    is_enabled,
    transform,
)
from gainsight_dest.beam import TransformEvents, WriteToGainsight, parse_event
from gainsight_dest.beam.requests import _Transform
from gainsight_dest.templates import Settings, config_of
from tests.conformance import VECTORS, exact, walk
from tests.engines.beam_runs import run
from tests.engines.imports import printed, told_of, told_without
from tests.engines.scenario import CONFIG, events


def expected(event: Any, config: DestinationConfig | Settings) -> tuple[Any, ...]:
    """What the pure function says of the event."""
    try:
        request = transform(event, config)
    except UnsupportedTypeError as error:
        return "skipped", str(error)
    except (EventError, ConfigError) as error:
        return "faults", type(error).__name__, error.path, str(error)
    return ("requests", request) if is_enabled(event) else ("skipped", "switched off by the event's integrations")


def became(tag: str, value: Any) -> tuple[Any, ...]:
    """What the pipeline says of it."""
    if tag == "requests":
        return tag, value
    if tag == "skipped":
        return tag, value["reason"]
    return tag, value["error"]["kind"], value["error"]["path"], value["error"]["message"]


class TransformVector(beam.DoFn):
    """The step of TransformEvents with the vector's own config: nearly each has another."""

    def process(self, line: str) -> Iterator[Any]:
        vector = json.loads(line)
        event = parse_event(json.dumps(vector["event"]))
        step = _Transform(config_of(vector["config"]))
        step.setup()
        for made in step.process(event):
            is_tagged = isinstance(made, TaggedOutput)
            yield vector["id"], (made.tag, made.value) if is_tagged else ("requests", made)


def configured(vector: dict[str, Any]) -> DestinationConfig | Settings | None:
    try:
        return config_of(vector["config"])
    except ConfigError:
        return None


def test_every_vector_comes_through_a_pipeline_as_transform_has_it() -> None:
    vectors = {vector["id"]: vector for vector in VECTORS if configured(vector)}
    lines = [json.dumps(vector) for vector in vectors.values()]

    def build(pipeline: Any) -> Any:
        made = pipeline | beam.Create(lines) | beam.ParDo(TransformVector())  # type: ignore[no-untyped-call]
        return {"made": made | beam.Reshuffle()}  # so that all is encoded, as from worker to worker

    made = run(build).outputs["made"]
    assert len(made) == len(vectors) > 400
    for name, (tag, value) in made:
        vector = vectors[name]
        config = configured(vector)
        assert config is not None
        assert became(tag, value) == expected(vector["event"], config), name
        if tag == "requests":
            assert exact(walk(value)) == exact(vector["expect"]), name
        elif is_enabled(vector["event"]):
            assert "error" in vector["expect"], name
        if tag != "requests":
            assert exact(value["message"]) == exact(vector["event"]), name


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if configured(each) is None], ids=lambda vector: vector["id"]
)
def test_a_vectors_config_that_is_at_fault_is_refused_before_a_pipeline_runs(vector: dict[str, Any]) -> None:
    assert vector["expect"] == {"error": "config"}
    with pytest.raises(ConfigError):
        TransformEvents(vector["config"])


def test_each_event_comes_out_once_as_its_request_or_its_fault_or_skipped_and_is_counted() -> None:
    stream = events(1_000, people=40, companies=8, seed=5)

    def build(pipeline: Any) -> Any:
        made = pipeline | beam.Create(stream) | TransformEvents(CONFIG)
        assert made.requests.element_type is Request
        return {tag: made[tag] for tag in ("requests", "faults", "skipped")}

    ran = run(build)
    wanted = [expected(event, CONFIG) for event in stream]
    got = [became(tag, value) for tag, values in ran.outputs.items() for value in values]
    assert sorted(map(repr, got)) == sorted(map(repr, wanted))
    requests = [value for tag, *values in wanted if tag == "requests" for value in values]
    assert sorted(map(exact_of, ran.outputs["requests"])) == sorted(map(exact_of, requests))
    faults = [kind for tag, kind, *_ in (each for each in wanted if each[0] == "faults")]
    skipped = sum(tag == "skipped" for tag, *_ in wanted)
    assert ran.counters == {
        "events": 1_000,
        "failed": len(faults),
        "skipped": skipped,
        **{f"failed_{kind}": faults.count(kind) for kind in set(faults)},
    }
    assert {"EventError", "ConfigError"} == set(faults)
    assert skipped > 0


def exact_of(request: Request) -> str:
    return exact(request.as_dict())


# --- lines of any kind ------------------------------------------------------------------------------------------------

HALF = "\ud83d"
LINES: tuple[Any, ...] = (
    '{"type": "identify", "traits": {"email": "ada@example.com", "firstName": "\\ud83d"}}',
    '{"type": "identify", "traits": {"firstName": "\\ud83d"}}',
    '{"type": "identify", "traits": {"email": "ada@example.com", "lastName": NaN}}',
    '{"type": "page", "name": "\\ud83d"}',
    '["\\ud83d"]',
    '"\\ud83d"',
    HALF,
    "17",
    "null",
    "{",
    b'{"type": "identify", "traits": {"email": "\xff"}}',
    "[" * 50_000 + "]" * 50_000,
    '{"type": "identify", "traits": {"email": "ada@example.com", "deep": ' + "[" * 600 + "]" * 600 + "}}",
    json.dumps({"type": "identify", "traits": {"email": "ada@example.com", "logins": 10**30}}),
    '{"message": "' + r"\u005b" * 600 + r"\u005d" * 600 + '"}',
)


def parse_pickled(line: bytes) -> Any:
    """As a source may give half an emoji, which Beam's coder of texts does not."""
    return parse_event(pickle.loads(line))


def test_no_line_whatever_it_is_fails_the_pipeline() -> None:
    def build(pipeline: Any) -> Any:
        lines = pipeline | beam.Create([pickle.dumps(line) for line in LINES])
        made = lines | beam.Map(parse_pickled) | beam.Reshuffle() | TransformEvents(CONFIG)
        return {tag: made[tag] | f"{tag} on" >> beam.Reshuffle() for tag in ("requests", "faults", "skipped")}

    ran = run(build)
    assert {tag: len(values) for tag, values in ran.outputs.items()} == {"requests": 2, "faults": 12, "skipped": 1}
    assert {each["error"]["path"] for each in ran.outputs["faults"]} == {"the event", "traits.email", "traits.lastName"}
    messages = [each["message"] for each in ran.outputs["faults"]]
    for kept in (["\ud83d"], HALF, 17, None, "{", '{"type": "identify", "traits": {"email": "\ufffd"}}', LINES[12]):
        assert kept in messages
    json.dumps(messages)


def test_an_event_is_what_json_loads_makes_of_its_line_as_text_and_as_bytes() -> None:
    for line in (
        '{"a": [{"b": "c"}]}',
        '["a"]',
        '"a"',
        "1.5",
        "true",
        "null",
        '{"deep": ' + "[" * 150 + "]" * 150 + "}",
    ):
        assert parse_event(line) == parse_event(line.encode()) == json.loads(line)
    assert math.isnan(parse_event("NaN"))


def test_rudderstacks_nested_form_holds_the_event_as_it_does_for_the_command_line() -> None:
    event = {"type": "page", "message": "not the event"}
    assert parse_event(json.dumps(event)) == event
    assert parse_event(json.dumps({"message": event, "error": {}})) == event
    assert parse_event(json.dumps({"message": json.dumps(event)})) == event
    assert parse_event(json.dumps({"message": "{"})) == "{"
    assert parse_event(json.dumps({"message": None})) is None


@pytest.mark.parametrize("line", ['{"a": "\\ud83d"}', '["\\ud83d"]', '"\\ud83d"', HALF])
def test_beams_coder_takes_what_parse_event_gives(line: str) -> None:
    coder = coders.FastPrimitivesCoder()
    assert coder.decode(coder.encode(parse_event(line))) == parse_event(line)
    with pytest.raises(UnicodeEncodeError):
        coder.encode(json.loads(line) if line != HALF else line)


# --- pickling and imports ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pickled", [pickle, cloudpickle_pickler, pickler])
def test_the_transforms_pickle_as_beam_does_it(pickled: Any) -> None:
    revived = pickled.loads(pickled.dumps(TransformEvents(CONFIG)))
    assert revived._config == CONFIG
    assert pickled.loads(pickled.dumps(WriteToGainsight(CONFIG, shards=3)))._shards.shards == 3


def test_importing_the_library_loads_no_beam() -> None:
    program = (
        "import sys, gainsight_dest, gainsight_dest.deliver, gainsight_dest.batching.address\n"
        "print('apache_beam' in sys.modules, 'gainsight_dest.beam' in sys.modules)"
    )
    assert printed(program).split() == ["False", "False"]


MISSING = ("apache_beam", "requests", "pyrate_limiter")


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_not_installed_is_named_with_the_extra_that_has_it(missing: str) -> None:
    assert told_without("gainsight_dest.beam", *MISSING)[missing] == told_of(missing, "beam")


@pytest.mark.parametrize(
    ("absent", "importing", "problem"),
    [
        ("apache_beam.metrics.metric", ["requests", "results"], "needs apache_beam, .*'gainsight-dest\\[beam\\]'"),
        ("gainsight_dest.deliver.shards", ["write", "gather"], "gainsight_dest.deliver.shards"),
    ],
)
def test_only_what_is_not_the_librarys_own_is_a_matter_of_extras(
    absent: str, importing: list[str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gainsight_dest.beam", *(f"gainsight_dest.beam.{each}" for each in importing)):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=problem) as caught:
        import_module("gainsight_dest.beam")
    assert isinstance(caught.value, ModuleNotFoundError) is absent.startswith("gainsight_dest")
