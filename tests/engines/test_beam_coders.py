# mypy: untyped-calls-exclude="apache_beam"
"""What goes from worker to worker is JSON, and comes back as it was, whatever an event holds."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NoReturn

import apache_beam as beam
import pytest
from apache_beam.coders import PickleCoder
from apache_beam.coders.typecoders import registry
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.batching.address import Address
from gainsight_dest.beam import WriteToGainsight, parse_event
from gainsight_dest.beam.coders import ObjectCoder, RoutedEventCoder, from_bytes, to_bytes
from gainsight_dest.beam.events import Object
from gainsight_dest.beam.gather import Keyed, RoutedEvent
from gainsight_dest.deliver.shards import SavedGroup
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests import some
from tests.engines.beam_runs import not_run, run
from tests.engines.scenario import CONFIG, events

TEXTS = st.text(st.characters())  # halves of emojis too
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
ADDRESSES = st.builds(Address, st.none() | TEXTS, TEXTS, st.integers(0, 9), TEXTS, TEXTS, st.none() | TEXTS)
THINGS = JSON | st.builds(SavedGroup, st.dictionaries(TEXTS, JSON, max_size=4), TEXTS, st.integers(0, 9), st.booleans())


def exact(value: Any) -> str:
    """With its types: 1 is not True, nor 1.0."""
    return repr(value)


@given(JSON)
def test_json_comes_back_as_it_was_without_pickle_by_the_same_bytes(value: Any) -> None:
    content = to_bytes(value)
    assert content[:1] == b"1"
    assert exact(from_bytes(content)) == exact(value)
    assert to_bytes(from_bytes(content)) == content


@given(ADDRESSES, THINGS)
def test_an_event_on_its_way_comes_back_as_it_was(address: Address, thing: Any) -> None:
    coder = RoutedEventCoder()
    there = RoutedEvent(address, thing)
    assert exact(coder.decode(coder.encode(there))) == exact(there)


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_an_outcome_or_a_dead_letter_comes_back_as_it_was(record: dict[str, Any]) -> None:
    back = ObjectCoder().decode(ObjectCoder().encode(Object(record)))
    assert type(back) is Object
    assert exact(back) == exact(record)


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 3, 1, tzinfo=timezone.utc),
        Decimal("1.10"),
        b"\xff",
        (1, 2),
        {"traits": {"pair": (1,)}},
        {1: "a"},
        _Text("a"),
        {_Text("a"): 1},
        {"logins": 10**5000},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_does_not_have_comes_back_as_it_was_by_pickle(value: Any) -> None:
    content = to_bytes(value)
    assert content[:1] == b"P"
    back = from_bytes(content)
    assert (back, type(back)) == (value, type(value))


def test_what_holds_itself_ends() -> None:
    value: dict[str, Any] = {}
    value["itself"] = value
    back = from_bytes(to_bytes(value))
    assert back["itself"] is back


@pytest.mark.parametrize("content", [b"2[]", b"", pickle.dumps({})])
def test_a_form_of_another_release_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="a form that this release of gainsight-dest does not know"):
        from_bytes(content)


def test_a_form_that_this_release_has_written_is_read_by_later_ones() -> None:
    start = b'1["acme","Person ada@example.com",0,"2026-03-01T00:00:00","m1",null,{"type":"group"},"1P0",2,false'
    there = RoutedEvent(
        Address("acme", "Person ada@example.com", 0, "2026-03-01T00:00:00", "m1"),
        SavedGroup({"type": "group"}, "1P0", 2),
    )
    assert RoutedEventCoder().decode(start + b"]") == there  # before a group had a reason
    assert RoutedEventCoder().decode(start + b",null]") == there
    assert RoutedEventCoder().encode(there) == start + b",null]"


# --- in a pipeline ----------------------------------------------------------------------------------------------------


def test_beam_finds_the_coders_by_the_types() -> None:
    written = not_run() | beam.Create([some.identify()]) | WriteToGainsight(CONFIG)
    for each in written:
        assert type(registry.get_coder(each.element_type)) is ObjectCoder
    keyed = registry.get_coder(beam.typehints.native_type_compatibility.convert_to_beam_type(Keyed))
    assert type(keyed.value_coder()) is RoutedEventCoder


def test_no_element_of_a_pipeline_is_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("an element is pickled")

    monkeypatch.setattr(
        "apache_beam.coders.coders.pickle", SimpleNamespace(dumps=refuse, HIGHEST_PROTOCOL=5, loads=refuse)
    )
    with pytest.raises(AssertionError, match="an element is pickled"):
        PickleCoder().encode({})
    stream = [*events(60, people=9, companies=3, seed=4), some.identify(firstName="\ud83d"), some.identify(email="")]
    tenant = Sandbox(CONFIG, **some.FREE)

    def build(pipeline: Any) -> dict[str, Any]:
        lines = pipeline | beam.Create([json.dumps(event) for event in stream])
        parsed = lines | beam.Map(parse_event).with_output_types(Object)  # Beam encodes some, to know their size
        written = parsed | WriteToGainsight(CONFIG, base_url=server.url, **some.FREE)
        return written._asdict()  # type: ignore[no-any-return]

    with Server(tenant) as server:
        ran = run(build)
    assert len(ran.outputs["outcomes"]) == len(stream)
    assert len(ran.outputs["failures"]) > 0
    assert tenant.counts["link person"] + tenant.counts["upsert person"] > 0
