"""What is known, in delivery: what is sent, what is learnt, and the laws of it against the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import Request, ResponseError
from gainsight_dest.batching.moments import microseconds
from gainsight_dest.deliver import Budget, Deliverer, Outcome, Patience
from gainsight_dest.deliver.batches import ChunkDelivery
from gainsight_dest.deliver.flow import Consult, Facts, Run, Send, event_flow
from gainsight_dest.descriptors import FindCompany
from gainsight_dest.known import Known, Store
from gainsight_dest.outcome import begin
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from tests.batching.some import BOB, CONFIG, sandbox, state, untrue
from tests.batching.test_laws import (
    batches_of_events,
    batches_of_good_events,
    changes,
    contents,
    good_events,
    one_by_one,
    passing_faults,
)
from tests.deliver.runs import KINDS, InALoop, deliverer_to
from tests.known.memory import MemoryStore
from tests.some import FREE, group, identify, track

EVENTS = [identify(firstName="Ada"), group(employees=7), track(), group(employees=7, email=BOB)]
#: One by one, and in batches of so many.
BATCHES = pytest.mark.parametrize("batch", [None, 1, 3, 500])
sizes = st.sampled_from([None, 1, 3, 500])


def delivered(
    events: list[Any], tenant: Sandbox, store: Store | None, batch: int | None = None, **settings: Any
) -> list[Outcome]:
    with deliverer_to(tenant, config=CONFIG, known=store, **{**FREE, **settings}) as deliverer:
        return list(deliverer.run(events, batch=batch))


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [str(outcome.status) for outcome in outcomes]


def knowing(kind: str, tenant: Sandbox, store: Store, **settings: Any) -> Deliverer | InALoop:
    return deliverer_to(tenant, kind, CONFIG, known=store, **{**FREE, **settings})


# --- what is sent -----------------------------------------------------------------------------------------------------


@KINDS
@BATCHES
@pytest.mark.parametrize("workers", [1, 4])
def test_what_is_known_is_not_sent_again(kind: str, batch: int | None, workers: int) -> None:
    tenant, store = sandbox(), MemoryStore()
    with knowing(kind, tenant, store, workers=workers) as deliverer:
        first = list(deliverer.run(EVENTS, batch=batch))
        made = tenant.counts.total()
        second = list(deliverer.run(EVENTS, batch=batch))
        assert {outcome.status for outcome in first} == {"delivered"}
        assert statuses(second) == ["unchanged", "unchanged", "delivered", "unchanged"]
        assert [(each.calls, each.attempts) for each in second] == [(0, 0), (0, 0), (1, 1), (0, 0)]
        assert {each.gsid for each in second if each.type == "group"} == {tenant.companies[0]["Gsid"]}
        assert tenant.counts.total() == made + 1 == deliverer.calls == store.spent
    assert store.leases == {}


@BATCHES
def test_a_file_keeps_it_from_run_to_run(batch: int | None, tmp_path: Path) -> None:
    tenant = sandbox()
    for expected in ("delivered", "unchanged"):
        with Known.open(tmp_path / "known.db") as store:
            assert statuses(delivered([*EVENTS[:2], EVENTS[3]], tenant, store, batch)) == [expected] * 3


def test_a_company_that_is_known_is_updated_without_a_find() -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([group(employees=7)], tenant, store)
    assert statuses(delivered([group(employees=8)], tenant, store)) == ["delivered"]
    assert tenant.counts == {"find company": 1, "create company": 1, "link person": 1, "update company": 1}
    assert tenant.companies[0]["Employees"] == 8


@BATCHES
def test_a_company_that_was_deleted_is_found_out_and_created_anew(batch: int | None) -> None:
    store = MemoryStore()
    delivered([group(employees=7)], sandbox(), store, batch)
    emptied = sandbox()
    assert statuses(delivered([group(employees=8)], emptied, store, batch)) == ["delivered"]
    assert (emptied.counts["find company"], emptied.counts["create company"]) == (1, 1)
    assert emptied.companies[0]["Employees"] == 8


@BATCHES
def test_what_was_told_too_long_ago_is_told_again(batch: int | None) -> None:
    tenant, store, now = sandbox(), MemoryStore(), [1000.0]

    def run(at: float) -> list[str]:
        now[0] = at
        return statuses(delivered(EVENTS[:2], tenant, store, batch, resend_after=60, clock=lambda: now[0]))

    assert run(1000) == ["delivered", "delivered"]
    assert run(1060) == ["unchanged", "unchanged"]
    assert run(1061) == ["delivered", "delivered"]
    assert run(1120) == ["unchanged", "unchanged"], "a person's fields and links, which are told apart, too"


def test_a_sandbox_and_the_tenant_are_kept_apart() -> None:
    tenant, store = sandbox(), MemoryStore()
    assert statuses(delivered([identify()], tenant, store)) == ["delivered"]
    assert statuses(delivered([identify()], tenant, store, base_url="http://127.0.0.1:8080")) == ["delivered"]
    assert statuses(delivered([identify()], tenant, store)) == ["unchanged"]


def transactions(store: Any, work: Callable[[], object]) -> int:
    """Those that are written while it works."""
    statements: list[str] = []
    store._db.set_trace_callback(statements.append)
    work()
    store._db.set_trace_callback(None)
    return statements.count("COMMIT")


@KINDS
@BATCHES
def test_a_call_costs_two_transactions_of_a_file(kind: str, batch: int | None, tmp_path: Path) -> None:
    """In the one before it, its record is leased, and the call is counted."""
    tenant = sandbox()
    limits = {"calls_per_minute": 10**6, "calls_per_day": 10**8}
    people = [identify(f"{number}@example.com", firstName="Ada") for number in range(10)]
    with Known.open(tmp_path / "known.db") as store, knowing(kind, tenant, store, **limits) as deliverer:
        ends = -(-10 // (batch or 10))  # of a batch: all that it may still have is given back
        assert transactions(store, lambda: list(deliverer.run(people, batch=batch))) <= 2 * 10 + ends
        assert transactions(store, lambda: list(deliverer.run(people, batch=batch))) <= 10, "nothing to send"
        groups = transactions(store, lambda: list(deliverer.run([group(employees=7)], batch=batch)))
        assert groups == 4 if batch is None else groups <= 8
        assert tenant.counts.total() == deliverer.calls == 10 + 3 == deliverer.budget.used()


# --- laws -------------------------------------------------------------------------------------------------------------


@given(batches_of_good_events, passing_faults, sizes)
def test_whatever_faults_pass_it_ends_in_the_state_of_none(
    batches: list[list[Any]], faults: list[PlannedFault], batch: int | None
) -> None:
    events = [*chain(*batches)]
    calm, faulty, store = sandbox(), sandbox(faults=faults), MemoryStore()
    one_by_one(events, calm.handle)
    outcomes = delivered(events, faulty, store, batch)
    assert not any(isinstance(each.error, ResponseError) for each in outcomes)
    assert state(faulty)[:2] == state(calm)[:2]
    assert store.leases == {}


def _identities(events: list[Any]) -> set[tuple[str, str]]:
    firsts = (begin(0, event, CONFIG) for event in events)
    return {identity for first in firsts if isinstance(first, Request) for identity in first.records}


@given(
    st.one_of(batches_of_events, batches_of_good_events),
    contents(),
    st.one_of(passing_faults, st.builds(lambda number: [PlannedFault("401", calls=(number,))], st.integers(1, 12))),
    sizes,
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(0, 8)),
)
def test_nothing_is_taken_for_known_that_gainsight_has_not_however_a_run_ends(
    batches: list[list[Any]],
    content: dict[str, Any],
    faults: list[PlannedFault],
    batch: int | None,
    attempts: int,
    most: int | None,
) -> None:
    events = [*chain(*batches)]
    tenant, store = sandbox(Content.from_data(content), faults), MemoryStore()
    patience = Patience(attempts=attempts)
    with deliverer_to(tenant, config=CONFIG, known=store, patience=patience, **FREE) as deliverer:
        run = deliverer.run(events, batch=batch)
        for number, _ in enumerate(run):
            assert not untrue(store, tenant, _identities(events))
            if number == most:
                deliverer.stop()
        run.close()
    assert not untrue(store, tenant, _identities(events))
    assert store.leases == {}


@given(batches_of_good_events, batches_of_good_events, changes(), sizes)
def test_what_somebody_else_changes_is_right_again_after_its_time(
    before: list[list[Any]], after: list[list[Any]], change: Callable[[Content], Content], batch: int | None
) -> None:
    first, second = [*chain(*before)], [*chain(*after)]

    def end(store: Store | None) -> Any:
        tenant, now = sandbox(), [0.0]
        settings = {} if store is None else {"resend_after": 100.0, "clock": lambda: now[0]}
        delivered(first, tenant, store, batch, **settings)
        tenant.content = change(tenant.content)
        now[0] = 50.0
        delivered(second, tenant, store, batch, **settings)
        now[0] = 120.0
        outcomes = delivered([*first, *second], tenant, store, batch, **settings)
        assert not any(isinstance(each.error, ResponseError) for each in outcomes)
        return state(tenant)[:2]

    assert end(MemoryStore()) == end(None)


# --- two at a time ----------------------------------------------------------------------------------------------------


class Worker:
    """Delivers events as a process of its own does, but one step at a time, when it is told to."""

    def __init__(self, events: list[Any], batch: int | None, tenant: Sandbox, store: Store) -> None:
        self._run = Run(Patience(), 900.0, "the tenant", lambda: 0.5, store.digests(CONFIG))
        self._tenant = tenant
        self._store = store
        self._steps = self._one_by_one(events) if batch is None else self._in_batches(events, batch)

    def step(self) -> bool:
        """Do one. Whether there was any."""
        return next(self._steps, None) is not None

    def _one_by_one(self, events: list[Any]) -> Iterator[bool]:
        for event in events:
            first = begin(0, event, CONFIG)
            if isinstance(first, Request):
                yield from self._driven(event_flow(self._run, first, Facts(microseconds(event))))

    def _in_batches(self, events: list[Any], batch: int) -> Iterator[bool]:
        for start in range(0, len(events), batch):
            chunk = [*enumerate(events)][start : start + batch]
            delivery = ChunkDelivery(
                chunk, [None] * len(chunk), CONFIG, attempts=12, at_once=2, told=self._store, now=time.time()
            )
            while flows := delivery.flows(self._run):
                replies = []
                for flow in flows:
                    replies.append((yield from self._driven(flow)))  # noqa: PERF401 - a comprehension yields nothing
                delivery.take(replies)
                yield from self._driven(delivery.give_back(self._run))
            yield from self._driven(delivery.end(self._run))

    def _driven(self, flow: Generator[Any, Any, Any]) -> Generator[bool, None, Any]:
        answer = None
        while True:
            try:
                act = flow.send(answer)
            except StopIteration as end:
                return end.value
            yield True
            self._run.now = time.time()
            answer = None
            if isinstance(act, Send):
                answer = self._tenant.handle(act.request)
            elif isinstance(act, Consult):
                answer = act.ask(self._store)


def test_a_budget_of_ones_own_counts_the_calls_and_the_store_does_not() -> None:
    tenant, store, budget = sandbox(), MemoryStore(), Budget(100, 1_000)
    with deliverer_to(tenant, config=CONFIG, known=store, budget=budget) as deliverer:
        assert [outcome.status for outcome in deliverer.run(EVENTS[:1])] == ["delivered"]
    assert budget.used() == 1
    assert store.used(store.digests(CONFIG).tenant) == 0


@given(
    st.lists(good_events, min_size=2, max_size=2),
    st.lists(sizes, min_size=2, max_size=2),
    st.lists(st.integers(0, 1), max_size=300),
)
def test_of_two_at_a_time_neither_waits_for_ever_nor_doubles_a_company_nor_trusts_what_is_not_so(
    events: list[list[Any]], batch: list[int | None], turns: list[int]
) -> None:
    """In whatever order they take their steps."""
    tenant, store = sandbox(), MemoryStore()
    workers = [Worker(each, size, tenant, store) for each, size in zip(events, batch, strict=True)]
    identities = _identities([*chain(*events)])
    for turn in turns:
        workers[turn].step()
        assert not untrue(store, tenant, identities)
    for _ in range(10_000):
        steps = [worker.step() for worker in workers]
        if not any(steps):
            break
    else:
        pytest.fail("each waits for the other")
    names = [company["Name"] for company in tenant.companies]
    assert len(names) == len({*names})
    assert not untrue(store, tenant, identities)
    assert store.leases == {}
    for company in tenant.companies:
        said = [
            [each["traits"]["employees"] for each in part if each.get("traits", {}).get("name") == company["Name"]]
            for part in events
        ]
        assert company["Employees"] in {part[-1] for part in said if part}, "the last that one of them said"
    linked = {(each["Email"], link["Company_ID"]) for each in tenant.people for link in each["companies"]}
    assert len(linked) == len({identity for each in chain(*events) for identity in [_link(each)] if identity})


def _link(event: Any) -> tuple[str, str] | None:
    first = begin(0, event, CONFIG)
    return (first.email, first.company["Name"]) if isinstance(first, FindCompany) else None
