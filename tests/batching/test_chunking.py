"""Who goes together into a call, by keys and records alone, and what a turn costs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from gainsight_dest import CredentialsError, RejectedError, Reply, Response
from gainsight_dest.batching.batch import Batch, transform_batch
from gainsight_dest.batching.chunking import NOTHING_KNOWN, Call, Queue, Turn
from gainsight_dest.batching.ledger import PAGE, Ledger, Write, blank
from gainsight_dest.batching.merge import merged
from gainsight_dest.batching.requests import CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.batching.stages import COMPANIES, PEOPLE, STAGES, TRACK_EVENTS
from gainsight_dest.descriptors import LOOKS, Request
from gainsight_dest.fields import GainsightObject, Record
from gainsight_dest.outcome import Status
from tests.batching.some import BOB, CONFIG, groups, ok, statuses, track
from tests.some import ADA, Event, group, identify

Given = Response | Exception | None
LOST = OSError("lost")
WRONG_KEY = Response(401, b'{"result": false, "errorCode": "GS_APIG_2401"}')

# --- another object ---------------------------------------------------------------------------------------------------

WIDGET = GainsightObject("Widget", "Sku", "widget", "widgetMap", ("traits",), ())


class FindWidgets(FindCompanies):
    of = WIDGET


class CreateWidgets(CreateCompanies):
    of = WIDGET


class UpdateWidgets(UpdateCompanies):
    of = WIDGET


def widgets_request(_: Any, queue: Queue, records: Sequence[Record]) -> Request:
    if queue.exists is None:
        return FindWidgets(CONFIG, tuple(map(WIDGET.key_of, records)), queue.looks)
    return (UpdateWidgets if queue.exists else CreateWidgets)(CONFIG, tuple(records))


class Widgets:
    """The turns of a batch of such records, one an event."""

    def __init__(self, *records: Record) -> None:
        self.stage = COMPANIES._replace(
            writes=lambda *_: [Write(event, record) for event, record in enumerate(records)],
            key=WIDGET.key_of,
            merge=partial(merged, of=WIDGET),
            request=widgets_request,
        )
        self.ledger = Ledger(blank(len(records)), 12)
        self._turn(-1, (), (), ())

    def take(self, *answers: Given) -> list[Request]:
        """The next requests."""
        self._turn(0, self.queues, self.calls, answers)
        return self.requests

    def _turn(self, number: int, queues: Sequence[Queue], calls: Sequence[Call], answers: Sequence[Given]) -> None:
        turn = Turn((self.stage,), number, queues, CONFIG, self.ledger, NOTHING_KNOWN)
        turn.take(calls, {place: Reply(answer, int(answer is not None)) for place, answer in enumerate(answers)}, ())
        self.queues, self.calls = turn.queues, turn.calls

    @property
    def requests(self) -> list[Request]:
        return [call.request for call in self.calls]


def test_any_object_is_found_then_saved_by_its_key() -> None:
    widgets = Widgets({"Sku": "a", "Size": 1}, {"Sku": "b"}, {"Sku": "a", "Size": 2})
    assert widgets.requests == [FindWidgets(CONFIG, ("a", "b"))]
    assert widgets.requests[0].url.endswith("/query/Widget")
    assert widgets.requests[0].records == {("Widget", "a"), ("Widget", "b")}
    create, update = CreateWidgets(CONFIG, ({"Sku": "a", "Size": 2},)), UpdateWidgets(CONFIG, ({"Sku": "b"},))
    assert widgets.take(ok({"Sku": "b"})) == [create, update]
    assert update.url.endswith("/Widget?keys=Sku")
    assert widgets.take(ok({"Gsid": "1A"}), ok({"Gsid": "1B"})) == []
    assert [widgets.ledger.of(event).gsid for event in range(3)] == ["1A", "1B", "1A"]
    assert {widgets.ledger.of(event).status for event in range(3)} == {Status.DELIVERED}


def test_what_is_refused_or_lost_of_any_object_is_divided_and_found_again() -> None:
    widgets = Widgets(*({"Sku": f"{number}"} for number in range(4)))
    widgets.take(ok())
    refused = RejectedError("create widget", "no")
    (first,) = widgets.take(refused)
    assert first == CreateWidgets(CONFIG, ({"Sku": "0"}, {"Sku": "1"}))
    found, other = widgets.take(LOST)[::-1]
    assert found == FindWidgets(CONFIG, ("0", "1"), LOOKS), "it may have been created"
    assert other == CreateWidgets(CONFIG, ({"Sku": "2"}, {"Sku": "3"}))


# --- who goes together ------------------------------------------------------------------------------------------------


def test_a_find_is_for_all_events_of_the_name_and_a_save_for_those_that_can_be_merged() -> None:
    events = [group(arr=1), group(arr=2.5), group("ACME"), group("Brix", BOB)]
    batch = transform_batch(events, CONFIG)
    assert batch.events == ((0, 1, 3),), "ACME may be another company"
    assert batch.next([ok()]).events == ((0, 3),)


def test_a_lost_find_counts_for_all_events_of_the_name() -> None:
    batch = transform_batch([group(arr=1), group(arr=2.5)], CONFIG, attempts=1).next([LOST])
    assert statuses(batch) == ["failed"] * 2
    assert [outcome.calls for outcome in batch.outcomes] == [1, 0]


@pytest.mark.parametrize("refused", ["all", "the second half"])
def test_a_refused_find_is_divided_as_a_refused_write_is(refused: str) -> None:
    refusal = RejectedError("find company", "no")
    batch = transform_batch(groups(4), CONFIG).next([refusal])
    assert [request.body["where"]["expression"] for request in batch.requests] == ["A OR B"]
    batch = batch.next([refusal if refused == "all" else ok()])
    sought = [request.names for request in batch.requests if isinstance(request, FindCompanies)]
    assert sought == [("Company 0",), ("Company 2", "Company 3")] if refused == "all" else [("Company 2",)]


def test_a_half_that_does_not_tell_what_it_found_is_divided_and_so_is_the_other() -> None:
    batch = transform_batch(groups(4), CONFIG).next([RejectedError("find company", "no")])
    batch = batch.next([ok({"Name": "a stranger"})])
    sought = [request.names for request in batch.requests if isinstance(request, FindCompanies)]
    assert sought == [("Company 0",), ("Company 1",), ("Company 2",)]


def test_a_batch_tells_its_stage() -> None:
    batch = transform_batch([track(), identify(), group()], CONFIG)
    seen = []
    for answer in ([ok()], [ok({"Gsid": "1P02"})], [ok()], [ok()]):
        seen.append(batch.stage)
        batch = batch.next(answer)
    assert seen == [COMPANIES, COMPANIES, PEOPLE, TRACK_EVENTS]
    assert batch.stage is None


# --- attempts ---------------------------------------------------------------------------------------------------------


def attempts(batch: Batch) -> list[int]:
    return [outcome.attempts for outcome in batch.outcomes]


def test_each_event_of_a_call_has_been_tried() -> None:
    batch = transform_batch([group(), group("Brix", BOB)], CONFIG).next([ok()])
    assert attempts(batch) == [1, 1]


def test_an_attempt_after_a_lost_one_counts_though_it_has_not_ended() -> None:
    batch = transform_batch([group()], CONFIG).next([LOST])
    assert attempts(batch) == [1]
    batch = batch.next([ok()])
    assert (attempts(batch), statuses(batch)) == ([2], ["not tried"])
    batch = batch.next([None])
    assert attempts(batch) == [2], "what was not sent is no attempt"
    batch = batch.next([Reply(None, calls=2)])
    assert attempts(batch) == [3], "the second of them failed as well, after the first had ended the attempt"
    assert attempts(batch.next([ok({"Gsid": "1P02"})])) == [4]


def test_a_wrong_key_ends_the_batch_and_leaves_what_failed_beside_it_to_be_sent_again() -> None:
    either: tuple[list[Response | Exception], ...] = ([WRONG_KEY, LOST], [LOST, WRONG_KEY])
    for answers in either:
        batch = transform_batch([identify(ADA), identify(BOB), track()], CONFIG).next(answers)
        assert batch.requests == ()
        assert sorted(statuses(batch)) == ["failed", "not tried", "not tried"]
        (error,) = [outcome.error for outcome in batch.outcomes if outcome.error]
        assert isinstance(error, CredentialsError)
        assert attempts(batch) == [1, 1, 0]


# --- what a turn costs ------------------------------------------------------------------------------------------------


def calls_of_python(work: Callable[[], object]) -> int:
    """How many functions are called meanwhile."""
    count = 0

    def note(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    gc.disable()  # hypothesis counts what it takes, by a function of Python's
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def test_a_delivered_track_event_is_noted_by_as_much_work_however_many_there_are() -> None:
    work = []
    for count in (2 * PAGE, 40 * PAGE):
        first = transform_batch(map(track, range(count)), CONFIG)
        steps = [first]
        for _ in range(3):
            steps.append(steps[-1].next([ok()]))
        for before, after in pairwise(steps):
            changed = [new is not old for old, new in zip(before._pages, after._pages, strict=True)]
            assert changed == [True] + [False] * (count // PAGE - 1), "one page is copied"
            assert all(new.writes is old.writes for old, new in zip(before._queues, after._queues, strict=True))
        assert [str(first.outcome(0).status), str(steps[1].outcome(0).status)] == ["not tried", "delivered"]
        work.append(calls_of_python(lambda at=steps[-1]: at.next([ok()])))  # type: ignore[misc]
    assert work[0] == work[1] < 100


@pytest.mark.parametrize("event", [identify(), track()], ids=lambda event: str(event["type"]))
def test_what_is_delivered_at_once_is_known_alike(event: Event) -> None:
    batch = transform_batch([event], CONFIG)
    known = batch.next([ok()])._pages[0][0]
    assert (known.status, known.attempts, known.calls, known.error) == ("delivered", 1, 1, None)


def test_the_stages_come_in_order() -> None:
    assert STAGES == (COMPANIES, PEOPLE, TRACK_EVENTS)
