"""An event of each type gets all the way: where one is added, these tests show which rooms do not know it yet."""

from __future__ import annotations

import pytest
from hypothesis.strategies import SearchStrategy

from gainsight_dest import Request, explain, preview, transform, transform_batch
from gainsight_dest.fields import OBJECTS
from gainsight_dest.plan import Load
from gainsight_dest.rudderstack import as_wire, from_wire
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.faults import ACTIONS
from gainsight_dest.testing import events
from gainsight_dest.transform import EVENT_TYPES
from tests.batching.some import run
from tests.some import CONFIG, FREE, group, identify, track

#: An event of each type, which CONFIG sends.
EVENTS = {"identify": identify(), "group": group(), "track": track(n=1)}

each_type = pytest.mark.parametrize("event_type", EVENT_TYPES)


@each_type
def test_all_its_requests_are_taken_by_the_sandbox(event_type: str) -> None:
    sandbox = Sandbox(CONFIG, **FREE)
    request: Request | None = transform(EVENTS[event_type], CONFIG)
    while request is not None:
        request = request.next(sandbox.handle(request))


@each_type
def test_a_batch_delivers_it(event_type: str) -> None:
    batch, _ = run(transform_batch([EVENTS[event_type]], CONFIG), Sandbox(CONFIG, **FREE).handle)
    assert [outcome.status for outcome in batch.outcomes] == ["delivered"]


@each_type
def test_it_is_explained(event_type: str) -> None:
    trace = explain(EVENTS[event_type], CONFIG)
    assert (trace.type, trace.error) == (event_type, None)
    assert any(row.fate.value == "sent" for row in trace.rows)


@each_type
def test_a_plan_counts_its_calls(event_type: str) -> None:
    load = Load()
    assert load.add(EVENTS[event_type], CONFIG) is None
    assert load.counts == {event_type: 1}
    assert load.one_by_one == transform(EVENTS[event_type], CONFIG).calls


@each_type
def test_each_of_its_requests_comes_back_from_rudder_server(event_type: str) -> None:
    for _, request in preview(transform(EVENTS[event_type], CONFIG)):
        assert from_wire(as_wire(request)).as_dict() == request.as_dict()


@each_type
def test_a_fault_can_meet_each_of_its_requests(event_type: str) -> None:
    assert {request.action for _, request in preview(transform(EVENTS[event_type], CONFIG))} <= {*ACTIONS}


@each_type
def test_it_has_a_strategy(event_type: str) -> None:
    assert isinstance(events(event_type), SearchStrategy)


def test_each_object_is_written_by_events_of_one_of_the_types() -> None:
    assert {of.event_type for of in OBJECTS} <= {*EVENT_TYPES}
