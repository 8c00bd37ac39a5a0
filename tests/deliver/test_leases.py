"""Leases in delivery: who waits for whom, across Deliverers that share a store, and one budget for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.deliver import Deliverer, Outcome, Patience
from gainsight_dest.deliver.flow import Consult, Run, Wait, request_flow
from gainsight_dest.known import Digests, Known, Store
from gainsight_dest.known.known import LEASE
from gainsight_dest.sandbox import PlannedFault
from gainsight_dest.transform import transform
from tests.batching.some import CONFIG, sandbox
from tests.deliver.runs import KINDS, deliverer_to, session_to
from tests.known.memory import MemoryStore
from tests.some import FREE, group, identify, track

BATCHES = pytest.mark.parametrize("batch", [None, 500])
EVENTS = [identify(firstName="Ada"), group(employees=7), track()]
#: An owner that the deliverers are not.
ANOTHER = -1


class NotingStore(MemoryStore):
    """One that notes what is renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.renewed: list[Collection[int]] = []

    def renew(self, owners: Collection[int]) -> None:
        self.renewed.append(owners)


def records_of(event: Any, store: Store) -> frozenset[bytes]:
    return Digests.of(CONFIG, store.salt).records(transform(event, CONFIG).records)


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [str(outcome.status) for outcome in outcomes]


@KINDS
@BATCHES
def test_a_record_that_another_writes_is_waited_for(kind: str, batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    store.take(records_of(EVENTS[1], store), ANOTHER)
    waits = []

    def sleep(seconds: float) -> None:
        waits.append((seconds, sum(tenant.counts.values())))
        if len(waits) == 3:
            store.release(ANOTHER)

    with deliverer_to(tenant, kind, CONFIG, sleep, known=store, **FREE) as deliverer:
        assert statuses(list(deliverer.run(EVENTS[:2], batch=batch))) == ["delivered"] * 2
    assert waits == [(0.05, 0)] * 3, "nothing was sent before"
    assert not store.leases


@KINDS
@BATCHES
def test_whoever_waits_for_another_does_not_hold_up_the_end(kind: str, batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    store.take(records_of(EVENTS[1], store), ANOTHER)
    with deliverer_to(tenant, kind, CONFIG, lambda _: deliverer.stop(), known=store, **FREE) as deliverer:
        assert statuses(list(deliverer.run(EVENTS, batch=batch))) == ["not tried"] * 3
    assert not tenant.counts
    assert {*store.leases.values()} == {ANOTHER}


@BATCHES
def test_what_is_free_is_sent_while_another_writes_the_rest(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    busy = group("Busy", "busy@example.com")
    free = [group(f"Free {n}", f"{n}@example.com") for n in range(60)]
    store.take(records_of(busy, store), ANOTHER)

    def sleep(_: float) -> None:
        time.sleep(0)
        if len(tenant.companies) >= (60 if batch is None else 11):  # fifty are looked for in one call
            store.release(ANOTHER)

    with deliverer_to(tenant, "threads", CONFIG, sleep, known=store, workers=4, **FREE) as deliverer:
        outcomes = list(deliverer.run([busy, *free], batch=batch))
    assert statuses(outcomes) == ["delivered"] * 61
    assert len(tenant.companies) == 61


@KINDS
@BATCHES
def test_leases_are_renewed_while_something_is_waited_for(kind: str, batch: int | None) -> None:
    store = NotingStore()
    fault = PlannedFault("429-retry-after", calls=(2,), seconds=300)
    tenant = sandbox(faults=[fault])
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    settings: dict[str, Any] = {"known": store, "clock": lambda: clock[0], **FREE}
    with deliverer_to(tenant, kind, CONFIG, sleep, **settings) as deliverer:
        deliverer._nap = 1.0
        assert statuses(list(deliverer.run(EVENTS, batch=batch))) == ["delivered"] * 3
    assert len(store.renewed) >= 300 // (LEASE / 3 + 1) - 1
    assert all(len(owners) == 1 for owners in store.renewed)


@KINDS
@BATCHES
@pytest.mark.parametrize("workers", [1, 4])
def test_a_run_that_is_left_early_gives_its_leases_back(kind: str, batch: int | None, workers: int) -> None:
    tenant, store = sandbox(), MemoryStore()
    with deliverer_to(tenant, kind, CONFIG, known=store, workers=workers, **FREE) as deliverer:
        outcomes = deliverer.run([{"type": "page"}, *EVENTS], batch=batch)
        next(outcomes)
        outcomes.close()
    assert not store.leases


def test_a_call_that_was_sent_without_an_answer_before_the_end_is_not_trusted() -> None:
    store = MemoryStore()
    event = identify(firstName="Ada")
    with deliverer_to(sandbox(), config=CONFIG, known=store, **FREE) as deliverer:
        list(deliverer.run([event]))
    (record,) = records_of(event, store)
    assert store.view([record])

    later = identify(firstName="Grace")
    for batch in (None, 500):
        tenant = sandbox(faults=[PlannedFault("dropped-after")])
        with deliverer_to(tenant, "threads", CONFIG, lambda _: deliverer.stop(), known=store, **FREE) as deliverer:
            assert statuses(list(deliverer.run([later], batch=batch))) == ["not tried"]
        assert tenant.people, "it was carried out"
        assert not store.view([record])
        assert not store.leases


def run_of(store: Store) -> Run:
    run = Run(Patience(), 900.0, "here", lambda: 0.0)
    run.digests = Digests.of(CONFIG, store.salt)
    return run


def test_a_request_of_a_batch_whose_record_another_writes_is_not_sent() -> None:
    store = MemoryStore()
    event = identify()
    store.take(records_of(event, store), ANOTHER)
    flow = request_flow(run_of(store), transform(event, CONFIG), 0, 0.0, 5)
    consult = next(flow)
    assert isinstance(consult, Consult)
    wait = flow.send(consult.ask(store))
    assert isinstance(wait, Wait)
    with pytest.raises(StopIteration) as end:
        flow.send(None)
    assert (end.value.value.answer, end.value.value.calls) == (None, 0)


# --- side by side -----------------------------------------------------------------------------------------------------


def side_by_side(
    tenants: Callable[[], Any], open_store: Callable[[], Store], lists: list[list[Any]], **how: Any
) -> list[list[Outcome]]:
    """What as many Deliverers as there are lists give, each with a connection to the store of its own."""
    ready = threading.Barrier(len(lists))
    batch = how.pop("batch")

    def deliver(events: list[Any]) -> list[Outcome]:
        with open_store() as store, Deliverer(CONFIG, tenants(), known=store, **how) as deliverer:
            ready.wait()
            return list(deliverer.run(events, batch=batch))

    with ThreadPoolExecutor(len(lists)) as pool:
        return list(pool.map(deliver, lists))


@pytest.mark.again
@BATCHES
def test_deliverers_side_by_side_double_no_company_and_lose_no_link(batch: int | None, tmp_path: Path) -> None:
    tenant = sandbox()
    # More than go into one call, in other orders: whoever waited with leases for those of another would wait for ever.
    shared = [group(f"Company {n % 120}", f"person{n}@example.com", employees=n) for n in range(130)]
    lists = [shared, shared[::-1], shared[60:] + shared[:60]]
    ended = side_by_side(
        lambda: session_to(tenant), lambda: Known.open(tmp_path / "known.db"), lists, batch=batch, workers=4, **FREE
    )
    assert {status for outcomes in ended for status in statuses(outcomes)} <= {"delivered", "unchanged"}
    assert len(tenant.companies) == 120
    assert len(tenant.people) == 130
    assert [len(person["companies"]) for person in tenant.people] == [1] * 130


@BATCHES
def test_deliverers_with_one_store_have_one_budget(batch: int | None) -> None:
    tenant, clock = sandbox(), [1000.0]
    lock = threading.Lock()
    calls: list[float] = []

    class Shared(MemoryStore):
        def spend(self, tenant: bytes, per_minute: int | None, per_day: int | None) -> float:
            assert (len(tenant), per_minute, per_day) == (16, 10, 50_000)
            with lock:
                if sum(at > clock[0] - 60 for at in calls) >= 10:
                    return 5.0
                calls.append(clock[0])
                return 0.0

    store = Shared()

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    for _ in range(2):
        with deliverer_to(tenant, "threads", CONFIG, sleep, known=store, calls_per_minute=10) as deliverer:
            outcomes = list(deliverer.run([track(n=n) for n in range(15)], batch=batch))
            assert statuses(outcomes) == ["delivered"] * 15
            assert deliverer.budget.calls_per_minute == 10
    assert len(calls) == 30
    assert clock[0] >= 1000 + 2 * 60


def test_what_gainsight_asks_to_wait_all_wait() -> None:
    held: list[float] = []

    class Shared(MemoryStore):
        def hold(self, tenant: bytes, seconds: float) -> None:
            held.append(seconds)
            assert len(tenant) == 16

        def used(self, tenant: bytes) -> int:
            return 7 if len(tenant) == 16 else 0

    tenant = sandbox(faults=[PlannedFault("429-retry-after", times=1, seconds=30)])
    with deliverer_to(tenant, config=CONFIG, known=Shared(), **FREE) as deliverer:
        assert statuses(list(deliverer.run([track()]))) == ["delivered"]
        deliverer.budget.hold(None)
        deliverer.budget.remember([(1.0, 5)])
        assert deliverer.budget.used() == 7
    assert held[0] == 30
    assert 0 < held[1] <= 60


def test_a_time_to_resend_needs_a_store() -> None:
    with pytest.raises(ValueError, match="needs known"):
        Deliverer(CONFIG, resend_after=60.0)
