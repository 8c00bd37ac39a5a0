"""A track event that was sent is not sent again, by its message id, where a store keeps that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import Response, transform_batch
from gainsight_dest.deliver import Deliverer, Outcome, Patience, Shards
from gainsight_dest.known import Known, Store
from gainsight_dest.known.told import sent_told
from gainsight_dest.outcome import SENT_BEFORE
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.batching.some import CONFIG, sandbox
from tests.deliver.runs import KINDS, deliverer_to, session_to
from tests.known.memory import MemoryStore
from tests.some import FREE, Event, track

BATCHES = pytest.mark.parametrize("batch", [None, 500])
LEFT_OUT = ("unchanged", SENT_BEFORE, 0)
SENT = ("delivered", None, 1)


def tracks(*ids: Any) -> list[Event]:
    return [track(n=number) | {"messageId": each} for number, each in enumerate(ids)]


def delivered(
    events: list[Any], tenant: Sandbox, store: Store, batch: int | None, kind: str = "threads", **settings: Any
) -> list[Outcome]:
    how = {**FREE, "tracks_once": True, **settings}
    with deliverer_to(tenant, kind, CONFIG, known=store, **how) as deliverer:
        return list(deliverer.run(events, batch=batch))


def told(outcomes: list[Outcome]) -> list[tuple[str, str | None, int]]:
    return [(str(each.status), each.reason, each.calls) for each in outcomes]


@KINDS
@BATCHES
def test_what_was_sent_is_not_sent_again(batch: int | None, kind: str) -> None:
    tenant, store = sandbox(), MemoryStore()
    assert told(delivered(tracks("a", "b"), tenant, store, batch, kind)) == [SENT, SENT]
    assert told(delivered(tracks("b", "c", "a"), tenant, store, batch, kind)) == [LEFT_OUT, SENT, LEFT_OUT]
    assert len(tenant.events) == 3
    assert store.leases == {}


@BATCHES
def test_of_two_of_one_message_id_in_a_run_one_is_sent(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    assert told(delivered(tracks("a", "a", "b", "a"), tenant, store, batch)) == [SENT, LEFT_OUT, SENT, LEFT_OUT]
    assert len(tenant.events) == 2


@BATCHES
@pytest.mark.parametrize("message_id", [None, "", 5])
def test_one_without_a_message_id_is_always_sent(message_id: Any, batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    assert told(delivered(tracks(message_id, message_id), tenant, store, batch)) == [SENT, SENT]


@BATCHES
def test_it_stays_sent_whatever_is_to_be_told_again(batch: int | None) -> None:
    tenant, store, now = sandbox(), MemoryStore(), [1_600_000_000.0]
    how: dict[str, Any] = {"resend_after": 1.0, "clock": lambda: now[0]}
    delivered(tracks("a"), tenant, store, batch, **how)
    now[0] += 1_000
    assert told(delivered(tracks("a"), tenant, store, batch, **how)) == [LEFT_OUT]


@BATCHES
@pytest.mark.parametrize("kind", ["500", "dropped-after", "result-false"])
def test_what_had_no_answer_or_failed_is_not_taken_for_sent(kind: str, batch: int | None) -> None:
    tenant, store = sandbox(faults=[PlannedFault(kind)]), MemoryStore()
    patience = Patience(attempts=1, resends=0)
    (failed,) = delivered(tracks("a"), tenant, store, batch, patience=patience)
    assert str(failed.status) != "delivered"
    assert store.leases == {}
    assert told(delivered(tracks("a"), sandbox(), store, batch)) == [SENT]


@BATCHES
def test_an_answer_that_was_lost_and_then_had_is_one(batch: int | None) -> None:
    tenant, store = sandbox(faults=[PlannedFault("dropped-after", times=1)]), MemoryStore()
    assert [str(each.status) for each in delivered(tracks("a"), tenant, store, batch)] == ["delivered"]
    assert told(delivered(tracks("a"), tenant, store, batch)) == [LEFT_OUT]


@BATCHES
def test_a_try_that_is_still_under_way_elsewhere_is_waited_for(batch: int | None) -> None:
    """As when an engine has given up on a bundle that goes on: what that sends is not sent twice."""
    tenant, store = sandbox(), MemoryStore()
    digests = store.digests(CONFIG)
    sent = digests.sent("a")
    assert store.take([sent], 1)
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            store.give({sent: sent_told(sent)}, 1, time.time())

    assert told(delivered(tracks("a"), tenant, store, batch, sleep=sleep)) == [LEFT_OUT]
    assert len(waits) == 2
    assert len(tenant.events) == 0


@BATCHES
def test_one_that_another_has_sent_before_the_lease_is_left_out(batch: int | None) -> None:
    tenant = sandbox()

    class Meanwhile(MemoryStore):
        def take(self, records: Any, owner: int, known: Any = None) -> bool:
            sent = self.digests(CONFIG).sent("a")
            self.learn({sent: sent_told(sent)}, time.time())
            return super().take(records, owner, known)

    store = Meanwhile()
    assert told(delivered(tracks("a", "b"), tenant, store, batch)) == [LEFT_OUT, SENT]
    assert len(tenant.events) == 1
    assert store.leases == {}


def test_it_is_kept_only_where_that_is_asked_for() -> None:
    tenant, store = sandbox(), MemoryStore()
    for batch in (None, 500):
        assert told(delivered(tracks("a"), tenant, store, batch, tracks_once=False)) == [SENT]
    with pytest.raises(ValueError, match="tracks_once is for what is known: it needs known"):
        Deliverer(CONFIG, tracks_once=True)


def test_the_senders_of_engines_keep_it_where_a_store_is_named(tmp_path: Path) -> None:
    tenant = sandbox()
    for known, numbers in ((tmp_path / "known.db", [2, 2]), (None, [4, 6])):
        for number in numbers:
            with Shards(config=CONFIG, shards=2, known=known, **FREE).shard(1, session=session_to(tenant)) as sender:
                outcomes = [*sender.deliver(tracks("a", "b"))]
            assert {each.is_through for each in outcomes} == {True}
            assert len(tenant.events) == number


def test_a_batch_by_itself_learns_what_was_sent() -> None:
    known = Known()
    batch = transform_batch(tracks("a", "b", None), CONFIG, known=known, tracks_once=True)
    batch = batch.next([Response(200, b'{"result": true}')])
    assert len(batch.learned) == 1
    known = known.learn(batch.learned, at=time.time())
    again = transform_batch(tracks("a", "b", None), CONFIG, known=known, tracks_once=True)
    assert [str(each.status) for each in again.outcomes] == ["unchanged", "not tried", "not tried"]
    assert len(transform_batch(tracks("a"), CONFIG, known=known).requests) == 1
