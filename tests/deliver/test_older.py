"""What is older than what Gainsight was told is left out: any order of events leaves what their own order leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import Request
from gainsight_dest.batching.moments import microseconds
from gainsight_dest.deliver import Outcome
from gainsight_dest.fields import COMPANY
from gainsight_dest.known import Store, Told
from gainsight_dest.outcome import OLDER, begin
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.batching.some import BOB, CONFIG, sandbox
from tests.deliver.runs import deliverer_to
from tests.deliver.test_known import Worker
from tests.known.memory import MemoryStore
from tests.some import ADA, FREE, Event, group, identify, track

#: One by one, and in batches of so many.
BATCHES = pytest.mark.parametrize("batch", [None, 500])
sizes = st.sampled_from([None, 1, 3, 500])


def at(second: int, event: Event) -> Event:
    """The event, which happened in that second."""
    return {**event, "timestamp": f"2020-01-01T00:{second // 60:02}:{second % 60:02}Z"}


def delivered(
    events: list[Any], tenant: Sandbox, store: Store, batch: int | None = None, kind: str = "threads", **settings: Any
) -> list[Outcome]:
    with deliverer_to(tenant, kind, CONFIG, known=store, **{**FREE, **settings}) as deliverer:
        return list(deliverer.run(events, batch=batch))


def told(outcomes: list[Outcome]) -> list[tuple[str, str | None, int]]:
    return [(str(each.status), each.reason, each.calls) for each in outcomes]


def names(tenant: Sandbox) -> dict[str, Any]:
    return {person["Email"]: person.get("FirstName") for person in tenant.people}


def company(tenant: Sandbox) -> dict[str, Any]:
    (found,) = tenant.companies
    return found


LEFT_OUT = ("unchanged", OLDER, 0)


@BATCHES
@pytest.mark.parametrize("kind", ["threads", "async"])
def test_an_event_that_is_older_than_what_was_told_of_its_person_is_left_out(batch: int | None, kind: str) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, identify(firstName="new"))], tenant, store, batch, kind)
    outcomes = delivered(
        [at(3, identify(firstName="old")), at(4, identify(lastName="also old")), at(6, identify(comments="c"))],
        tenant,
        store,
        batch,
        kind,
    )
    assert told(outcomes) == [LEFT_OUT, LEFT_OUT, ("delivered", None, 1)]
    (person,) = tenant.people
    assert (person["FirstName"], person.get("LastName"), person["Comments"]) == ("new", None, "c")


@BATCHES
def test_an_event_that_is_older_than_what_was_told_of_its_company_only_links(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, group(industry="new"))], tenant, store, batch)
    outcomes = delivered(
        [at(3, group(industry="old", email=BOB)), at(4, group(industry="older"))], tenant, store, batch
    )
    assert told(outcomes) == [("delivered", None, 1), LEFT_OUT]
    assert {each.gsid for each in outcomes} == {company(tenant)["Gsid"]}
    assert company(tenant)["Industry"] == "new"
    assert [len(person["companies"]) for person in tenant.people] == [1, 1]


@BATCHES
def test_a_link_that_is_older_than_what_was_told_of_its_person_is_left_out(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, identify(firstName="new"))], tenant, store, batch)
    outcomes = delivered([at(4, group(industry="a")), at(4, group(industry="a", email=BOB))], tenant, store, batch)
    assert told(outcomes) == [("delivered", None, 2), ("delivered", None, 1)]
    again = delivered([at(4, group(industry="a"))], tenant, store, batch)
    assert told(again) == [LEFT_OUT]
    assert {person["Email"]: len(person["companies"]) for person in tenant.people} == {ADA: 0, BOB: 1}


@BATCHES
def test_within_one_run_too_an_older_event_does_not_follow_a_newer_one(batch: int | None) -> None:
    tenant = sandbox()
    events = [
        *(at(second, identify(firstName=f"{second}")) for second in (5, 3, 7, 6)),
        *(at(second, group(industry=f"{second}", email=f"{second}@example.com")) for second in (5, 3, 7, 6)),
    ]
    outcomes = delivered(events, tenant, MemoryStore(), batch)
    assert [str(each.status) for each in outcomes[:4]] == ["delivered", "unchanged", "delivered", "unchanged"]
    assert [each.reason for each in outcomes] == [None, OLDER, None, OLDER, None, None, None, None]
    assert names(tenant)[ADA] == "7"
    assert company(tenant)["Industry"] == "7"
    assert len(tenant.people) == 5


@BATCHES
def test_an_older_event_is_sent_if_the_newer_one_was_refused(batch: int | None) -> None:
    tenant = sandbox()
    bad = group(renewalDate="no date")
    outcomes = delivered([at(5, bad), at(3, group(industry="old"))], tenant, MemoryStore(), batch)
    assert [str(each.status) for each in outcomes] == ["failed", "delivered"]
    assert company(tenant)["Industry"] == "old"


@BATCHES
def test_what_was_refused_or_lost_leaves_the_time_of_what_was_told_before(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, group(industry="new"))], tenant, store, batch)
    refused = delivered([at(6, group(renewalDate="no date"))], tenant, store, batch)
    assert [str(each.status) for each in refused] == ["failed"]
    outcomes = delivered([at(4, group(industry="old", email=BOB))], tenant, store, batch)
    assert [(str(each.status), each.reason) for each in outcomes] == [("delivered", None)], "it is linked"
    assert company(tenant)["Industry"] == "new"
    assert outcomes[0].gsid == company(tenant)["Gsid"]


@BATCHES
def test_an_event_that_says_the_same_at_a_later_time_counts_as_told(batch: int | None) -> None:
    """In order of time the value of the one between is written, and then the first one again."""
    tenant, store = sandbox(), MemoryStore()
    events = [identify(firstName="a"), group(industry="a", email=BOB)]
    delivered([at(1, event) for event in events], tenant, store, batch)
    assert told(delivered([at(9, event) for event in events], tenant, store, batch)) == [("unchanged", None, 0)] * 2
    between = [at(5, identify(firstName="b")), at(5, group(industry="b", email=BOB))]
    assert told(delivered(between, tenant, store, batch)) == [LEFT_OUT] * 2
    assert (names(tenant)[ADA], company(tenant)["Industry"]) == ("a", "a")


@BATCHES
def test_older_is_older_whatever_is_to_be_told_again(batch: int | None) -> None:
    tenant, store, now = sandbox(), MemoryStore(), [1_600_000_000.0]
    how: dict[str, Any] = {"resend_after": 100.0, "clock": lambda: now[0]}
    delivered([at(5, identify(firstName="new")), at(5, group(industry="new"))], tenant, store, batch, **how)
    now[0] += 1_000
    older = [at(4, identify(firstName="old")), at(4, group(industry="old", email=BOB))]
    assert [each.reason for each in delivered(older, tenant, store, batch, **how)] == [OLDER, None]
    assert (names(tenant)[ADA], company(tenant)["Industry"]) == ("new", "new")
    again = [at(5, identify(firstName="new")), at(5, group(industry="new"))]
    assert [str(each.status) for each in delivered(again, tenant, store, batch, **how)] == ["delivered"] * 2


@BATCHES
def test_a_company_that_is_gone_is_created_with_what_an_older_event_says(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, group(industry="new"))], tenant, store, batch)
    tenant.content = sandbox().content
    outcomes = delivered([at(4, group(industry="old", email=BOB))], tenant, store, batch)
    assert [str(each.status) for each in outcomes] == ["delivered"]
    assert company(tenant)["Industry"] == "old"
    assert [len(person["companies"]) for person in tenant.people] == [1]


@BATCHES
def test_a_link_that_is_refused_for_another_reason_writes_nothing_older(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, group(industry="new"))], tenant, store, batch)
    outcomes = delivered([at(4, group(industry="old", email="no email"))], tenant, store, batch)
    assert [str(each.status) for each in outcomes] == ["failed"]
    assert company(tenant)["Industry"] == "new"


@BATCHES
@pytest.mark.parametrize(
    "first",
    [identify(firstName="new"), {**identify(firstName="new"), "timestamp": "03/01/2026"}],
    ids=["without a time", "with one that cannot be read"],
)
def test_an_event_whose_time_nobody_knows_is_never_older_nor_makes_others_so(first: Event, batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    assert told(delivered([first], tenant, store, batch)) == [("delivered", None, 1)]
    assert told(delivered([at(1, identify(firstName="1"))], tenant, store, batch)) == [("delivered", None, 1)]
    assert told(delivered([{**first, "traits": {"email": ADA, "firstName": "2"}}], tenant, store, batch)) == [
        ("delivered", None, 1)
    ]
    assert told(delivered([at(0, identify(firstName="0"))], tenant, store, batch)) == [LEFT_OUT]
    assert names(tenant) == {ADA: "2"}


@BATCHES
def test_a_clock_that_is_years_ahead_makes_no_other_event_older(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    ahead = {**identify(firstName="ahead"), "timestamp": "9999-12-31T23:59:59Z"}
    delivered([ahead], tenant, store, batch)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    assert told(delivered([{**identify(firstName="now"), "timestamp": soon}], tenant, store, batch)) == [
        ("delivered", None, 1)
    ]


@BATCHES
def test_another_spelling_of_a_key_may_be_another_record_and_is_sent(batch: int | None) -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(5, identify(firstName="new"))], tenant, store, batch)
    assert told(delivered([at(4, identify(ADA.upper(), firstName="old"))], tenant, store, batch)) == [
        ("delivered", None, 1)
    ]


@BATCHES
def test_track_events_are_sent_whenever_they_happened(batch: int | None) -> None:
    tenant = sandbox()
    outcomes = delivered([at(5, track(n=1)), at(3, track(n=2))], tenant, MemoryStore(), batch)
    assert told(outcomes) == [("delivered", None, 1)] * 2


# --- two at a time ----------------------------------------------------------------------------------------------------


class Meanwhile(MemoryStore):
    """Another tells something at the moment at which records are to be leased, once."""

    def __init__(self, learned: Callable[[MemoryStore], dict[bytes, Told | None]]) -> None:
        super().__init__()
        self._then: Callable[[MemoryStore], dict[bytes, Told | None]] | None = learned

    def take(self, records: Any, owner: int, known: Any = None) -> bool:
        then, self._then = self._then, None
        if then is not None:
            self.learn(then(self), time.time())
        return super().take(records, owner, known)


def of_event(event: Event) -> Callable[[MemoryStore], dict[bytes, Told | None]]:
    """What another has learnt of the people and companies of the event, which it has sent."""

    def learned(store: MemoryStore) -> dict[bytes, Told | None]:
        other, tenant = MemoryStore(), sandbox()
        delivered([event], tenant, other)
        first = begin(0, event, CONFIG)
        assert isinstance(first, Request)
        records = store.digests(CONFIG).records(first.records)
        return {**other.view(records)}

    return learned


@BATCHES
def test_what_another_has_told_before_the_lease_leaves_out_what_is_older(batch: int | None) -> None:
    tenant = sandbox()
    store = Meanwhile(of_event(at(5, identify(firstName="new"))))
    older = [at(4, identify(firstName="old")), at(6, identify(BOB, firstName="b")), at(7, identify(BOB, lastName="c"))]
    outcomes = delivered(older, tenant, store, batch)
    assert (str(outcomes[0].status), outcomes[0].reason, outcomes[0].calls) == LEFT_OUT
    assert names(tenant) == {BOB: "b"}
    assert store.leases == {}


@BATCHES
def test_what_another_has_told_before_the_lease_and_is_older_changes_nothing(batch: int | None) -> None:
    tenant = sandbox()
    store = Meanwhile(of_event(at(3, identify(firstName="older"))))
    assert told(delivered([at(4, identify(firstName="4"))], tenant, store, batch)) == [("delivered", None, 1)]
    assert names(tenant) == {ADA: "4"}


def test_of_the_companies_of_a_call_only_the_older_ones_are_left_out() -> None:
    """Another tells of one of them between the find and the update."""
    tenant = sandbox()
    delivered([at(1, group(name, industry="1")) for name in ("Acme", "Brix")], tenant, MemoryStore())
    gsid = next(each["Gsid"] for each in tenant.companies if each["Name"] == "Brix")

    class Between(MemoryStore):
        def take(self, records: Any, owner: int, known: Any = None) -> bool:
            if known is not None and len(records) == 2:
                digests, self.take = self.digests(CONFIG), super().take  # type: ignore[method-assign]
                newer = digests.told(COMPANY, {"Name": "Brix", "Industry": "5"}, gsid, microseconds(at(5, {})))
                self.learn({digests.record(COMPANY.identity("Brix")): newer}, time.time())
            return super().take(records, owner, known)

    store = Between()
    events = [at(3, group(name, email=f"{name}@example.com", industry="3")) for name in ("Acme", "Brix")]
    outcomes = delivered(events, tenant, store, 500)
    assert {each["Name"]: each["Industry"] for each in tenant.companies} == {"Acme": "3", "Brix": "1"}
    assert told(outcomes) == [("delivered", None, 3), ("delivered", None, 1)], "the find, an update, and two links"
    assert store.leases == {}


class Interrupted(MemoryStore):
    """Another does something, once, when records are to be leased, or when something is asked at once."""

    def __init__(self) -> None:
        super().__init__()
        self.then: dict[str, Callable[[], object]] = {}

    def take(self, records: Any, owner: int, known: Any = None) -> bool:
        self.then.pop("take", lambda: None)()
        return super().take(records, owner, known)

    def at_once(self) -> Any:
        self.then.pop("at once", lambda: None)()
        return super().at_once()


def test_what_says_the_same_is_noted_before_anything_is_sent() -> None:
    """Else another could send what is older while the companies of the batch are saved."""
    tenant, store = sandbox(), Interrupted()
    delivered([at(1, identify(firstName="a"))], tenant, store)
    others: list[Outcome] = []
    store.then["take"] = lambda: others.extend(delivered([at(5, identify(firstName="b"))], tenant, store))
    outcomes = delivered([at(9, group(email=BOB)), at(9, identify(firstName="a"))], tenant, store, 500)
    assert told(outcomes) == [("delivered", None, 3), ("unchanged", None, 0)]
    assert told(others) == [LEFT_OUT]


def test_what_another_has_told_since_it_was_looked_at_is_looked_at_again() -> None:
    tenant, store = sandbox(), Interrupted()
    delivered([at(1, identify(firstName="a"))], tenant, store)
    store.then["at once"] = lambda: delivered([at(5, identify(firstName="b"))], tenant, store)
    assert told(delivered([at(9, identify(firstName="a"))], tenant, store, 500)) == [("delivered", None, 1)]
    assert names(tenant) == {ADA: "a"}


def test_a_link_that_is_known_when_its_company_is_found_counts_as_told_again() -> None:
    tenant, store = sandbox(), MemoryStore()
    delivered([at(1, group())], tenant, store)
    digests = store.digests(CONFIG)
    forgotten = digests.told(COMPANY, {"Name": "Acme"})
    store.learn({digests.record(COMPANY.identity("Acme")): Told(forgotten.key, is_all=True)}, time.time())
    assert told(delivered([at(9, group())], tenant, store, 500)) == [("delivered", None, 2)]
    assert told(delivered([at(5, identify(firstName="b"))], tenant, store, 500)) == [LEFT_OUT]


# --- the law ----------------------------------------------------------------------------------------------------------

_VALUES = st.sampled_from("xy")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Events in order of time, each of which tells all fields of its person or company, and as micro-batches."""
    count = draw(st.integers(1, 10))
    events = []
    for second in range(count):
        value, key = draw(_VALUES), draw(st.sampled_from("ab"))
        if draw(st.booleans()):
            event = identify(f"{key}@example.com", firstName=value)
        else:
            event = group(key, f"{second}@link.example.com", industry=value)
        events.append(at(second, event))
    shuffled, batches = draw(st.permutations(events)), []
    while shuffled:
        size = draw(st.integers(1, len(shuffled)))
        batches.append(shuffled[:size])
        shuffled = shuffled[size:]
    return events, batches


def left(tenant: Sandbox) -> Any:
    people = {each["Email"]: (each.get("FirstName"), len(each["companies"])) for each in tenant.people}
    return people, {each["Name"]: each["Industry"] for each in tenant.companies}, len(tenant.companies)


@given(
    histories(),
    sizes,
    st.sampled_from([None, 5.0]),
    st.sampled_from([[], [PlannedFault("500-after", calls=(2,))], [PlannedFault("dropped-after", share=0.3, seed=3)]]),
)
def test_any_order_of_micro_batches_leaves_what_the_events_leave_in_order_of_time(
    history: tuple[list[Event], list[list[Event]]],
    batch: int | None,
    resend_after: float | None,
    faults: list[PlannedFault],
) -> None:
    events, batches = history
    in_order, shuffled, store = sandbox(), sandbox(faults=faults), MemoryStore()
    delivered(events, in_order, MemoryStore())
    now = [1_600_000_000.0]
    for part in batches:
        outcomes = delivered(part, shuffled, store, batch, resend_after=resend_after, clock=lambda: now[0])
        assert {str(each.status) for each in outcomes} <= {"delivered", "unchanged"}
        assert {each.reason for each in outcomes if str(each.status) == "delivered"} <= {None}
        now[0] += 3
    assert left(shuffled) == left(in_order)
    assert store.leases == {}


@given(histories(), st.tuples(sizes, sizes), st.lists(st.integers(0, 1), max_size=200))
def test_so_do_two_at_a_time_in_whatever_order_they_take_their_steps(
    history: tuple[list[Event], list[list[Event]]], batch: tuple[int | None, int | None], turns: list[int]
) -> None:
    events, batches = history
    in_order, shuffled, store = sandbox(), sandbox(), MemoryStore()
    delivered(events, in_order, MemoryStore())
    parts = [[event for part in batches[which::2] for event in part] for which in range(2)]
    workers = [Worker(part, size, shuffled, store) for part, size in zip(parts, batch, strict=True)]
    for turn in turns:
        workers[turn].step()
    for _ in range(10_000):
        if not any([worker.step() for worker in workers]):  # noqa: C419 - each takes its step
            break
    else:
        pytest.fail("each waits for the other")
    assert left(shuffled) == left(in_order)
    assert store.leases == {}


def test_the_law_can_fail() -> None:
    events = [at(second, identify(firstName=f"{second}")) for second in (2, 1)]
    tenant = sandbox()
    with deliverer_to(tenant, config=CONFIG, **FREE) as deliverer:
        list(deliverer.run(events))
    assert names(tenant) == {ADA: "1"}
