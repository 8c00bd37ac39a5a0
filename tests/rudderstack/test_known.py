"""What Gainsight has is answered as filtered, and nothing counts as had before it was delivered and answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import CredentialsError, Request, Response, RetryableError
from gainsight_dest.known import StoreError
from gainsight_dest.rudderstack import processor, proxy, router
from gainsight_dest.rudderstack import shared as shared_module
from gainsight_dest.rudderstack.app import LOOP, ThreadNeededError, answer_of_processor, answer_of_router
from gainsight_dest.rudderstack.calls import CallNeededError, Calls
from gainsight_dest.rudderstack.shared import Shared
from gainsight_dest.sandbox import Sandbox
from tests.batching.some import state, untrue
from tests.known.memory import MemoryStore
from tests.rudderstack.rudder import Data, Recorded, body, check_processed, check_proxied, check_routed, items, never
from tests.some import ADA, CONFIG, FREE, group, identify, track

BOB = "bob@example.com"
Deliver = Callable[..., Any]


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each wait for others, of which none is waited."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@attrs.define
class Rudder:
    """rudder-server, with a router that leaves out what is known. What it is given and has not delivered waits."""

    store: MemoryStore = attrs.field(factory=MemoryStore)
    tenant: Sandbox = attrs.field(factory=lambda: Sandbox(CONFIG, **FREE))
    known: bool = True
    resend_after: float | None = None
    waiting: deque[Data] = attrs.field(factory=deque)

    def transform(self, *events: Any, send: Any = None, **how: Any) -> list[int]:
        """The statuses of the items."""
        how |= {"store": self.store, "known": self.known, "resend_after": self.resend_after}
        output = router(body(*events), send or self.tenant.handle, **how)["output"]
        for each in output:
            check_routed(each)
        self.waiting.extend(each["batchedRequest"] for each in output if "batchedRequest" in each)
        return [each["statusCode"] for each in output]

    def deliver(self, send: Any = None) -> int:
        """The status of the delivery of what waits longest."""
        given = {**self.waiting[0], "metadata": [{"jobId": 1}]}
        store = self.store if self.known else None
        answer = proxy("v1", given, send or self.tenant.handle, store=store, resend_after=self.resend_after)
        check_proxied(answer, "v1")
        status: int = answer["output"]["status"]
        if status < 500 and status != 429:
            self.waiting.popleft()
        return status

    def all(self, *events: Any) -> list[int]:
        """The statuses of the items, of which those that are left are delivered, too."""
        statuses = self.transform(*events)
        while self.waiting:
            assert self.deliver() == 200
        return statuses


def of(*events: Any) -> Rudder:
    """One that has delivered those."""
    rudder = Rudder()
    rudder.all(*events)
    return rudder


# --- people -----------------------------------------------------------------------------------------------------------


def test_an_identify_of_which_all_was_delivered_is_filtered() -> None:
    rudder = of(identify(firstName="Ada", location="London"))
    output = router(body(identify(location="London")), never, store=rudder.store, known=True)["output"]
    assert [each["statusCode"] for each in output] == [298]
    assert output[0]["error"] == "not sent: Gainsight has all of it already"
    assert output[0]["metadata"] == [items(identify())[0]["metadata"]]
    assert rudder.transform(identify(location="Paris"), send=never) == [200]


def test_the_processor_filters_too() -> None:
    rudder = of(identify())
    [answer] = processor(items(identify()), never, store=rudder.store, known=True)
    check_processed(answer)
    assert answer["statusCode"] == 298


def test_without_the_proxy_no_identify_is_known() -> None:
    rudder = Rudder()
    for _ in range(3):
        assert rudder.transform(identify(), send=never) == [200]
        rudder.waiting.clear()


def test_what_the_proxy_delivers_that_this_router_did_not_give_is_not_known() -> None:
    rudder = Rudder(known=False)
    rudder.transform(identify())
    rudder.known = True
    rudder.deliver()
    assert rudder.transform(identify()) == [200]


def test_track_events_are_never_filtered() -> None:
    rudder = of(track(n=1))
    assert rudder.transform(track(n=1)) == [200]
    assert not rudder.store.leases


def test_what_was_told_too_long_ago_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rudder = Rudder(resend_after=60)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    rudder.all(identify(), group())
    now += 59
    assert rudder.transform(identify(), group(), send=never) == [298, 298]
    now += 2
    assert rudder.all(identify(), group()) == [200]
    assert rudder.transform(identify(), group(), send=never) == [298, 298]


def test_a_company_that_somebody_deleted_is_found_anew_by_the_try_after_the_refused_link() -> None:
    rudder = of(group())
    rudder.tenant = Sandbox(CONFIG, **FREE)
    event = group(email=BOB)
    assert rudder.transform(event, send=never) == [200], "it is known to be there"
    assert rudder.deliver() == 500
    rudder.waiting.clear()  # rudder-server has a job transformed again for each try
    assert rudder.all(event) == [200]
    assert [company["Name"] for company in rudder.tenant.companies] == [event["traits"]["name"]]
    assert rudder.tenant.people[0]["companies"] == [{"Company_ID": rudder.tenant.companies[0]["Gsid"]}]
    assert not rudder.store.leases


def test_a_link_that_is_refused_though_its_company_was_looked_for_is_given_up() -> None:
    """Else, a link that is wrong by itself would be tried for ever."""
    rudder = of(group())
    for status in (500, 400):
        assert rudder.transform(group(email=BOB)) == [200]
        assert rudder.deliver(refusing) == status
        rudder.waiting.clear()
    assert rudder.transform(identify(BOB, firstName="Bob")) == [200]
    assert rudder.deliver(refusing) == 400


class Noting(MemoryStore):
    """It counts what is learnt beside the leases."""

    learnt = 0

    def learn(self, learned: Any, at: float) -> None:
        self.learnt += 1
        super().learn(learned, at)


def test_which_links_are_noted_is_written_once() -> None:
    store = Noting()
    rudder = Rudder(store)
    rudder.all(group())
    written = []
    for email in (BOB, "cat@example.com"):
        before = store.learnt
        assert rudder.all(group(email=email)) == [200]
        written.append(store.learnt - before)
    assert written == [2, 1], "what is given to deliver, and at first that the company was not asked for"


def refusing(_: Any) -> Response:
    return Response(400, b'{"result": false, "errorCode": "GSOBJ_1006", "errorDesc": "refused"}')


ONE, OTHER = identify(location="a"), identify(location="b")


@pytest.mark.parametrize(
    ("before", "steps", "last"),
    [
        ([ONE], [OTHER], 200),  # the other one is still to be delivered, and this one after it
        ([ONE], [OTHER, "deliver"], 200),
        ([ONE], [OTHER, "deliver", ONE, "deliver"], 298),
        ([ONE], [OTHER, ONE, "deliver"], 200),
        ([ONE], [OTHER, ONE, "deliver", "deliver"], 298),
        ([track()], [OTHER, ONE, OTHER, "deliver", "deliver"], 200),
        ([ONE], [identify(firstName="x")], 200),  # that tells nothing of the place, but is not told yet
        ([ONE], [identify(BOB, location="b")], 298),
        ([ONE, identify(ADA.upper(), location="b")], [], 200),  # one person, or two
        ([ONE], [identify(ADA.upper(), location="b"), "deliver", ONE, "deliver"], 298),
    ],
)
def test_an_identify_is_filtered_only_if_nothing_else_of_the_person_is_on_its_way(
    before: list[Any], steps: list[Any], last: int
) -> None:
    rudder = of(*before)
    for step in steps:
        if step == "deliver":
            assert rudder.deliver() == 200
        else:
            rudder.transform(step)
    assert rudder.transform(ONE) == [last]


def test_once_one_of_a_request_is_sent_those_after_it_are_too() -> None:
    rudder = of(ONE)
    assert rudder.transform(ONE, OTHER, ONE, batch=False) == [298, 200, 200]


def test_what_is_on_its_way_in_two_spellings_makes_the_person_unknown() -> None:
    rudder = of(ONE)
    assert rudder.transform(identify(ADA.upper(), location="b"), OTHER, batch=False) == [200, 200]
    assert rudder.transform(ONE) == [200]


def _raising(error: Exception) -> Callable[[Request], Response]:
    def send(_: Request) -> Response:
        raise error

    return send


LOST = RetryableError("upsert person", "no answer")


@pytest.mark.parametrize(
    ("send", "status", "then"),
    [
        (_raising(LOST), 500, 200),
        (_raising(ValueError()), 500, 200),
        (_raising(CredentialsError("upsert person", "not trusted")), 500, 200),
        (lambda _: Response(503, b"{}"), 503, 200),
        (lambda _: Response(400, b"{}"), 400, 200),
        (lambda _: Response(200, b"odd"), None, 200),
        (lambda _: Response(429, b"{}"), 429, 298),
    ],
)
def test_a_delivery_that_failed_makes_a_person_unknown_unless_it_was_only_too_early(
    send: Any, status: int | None, then: int
) -> None:
    rudder = of(ONE)
    rudder.transform(identify(location="a", firstName="x"))
    rudder.transform(ONE)
    got = rudder.deliver(send)
    assert status in {None, got}
    assert not rudder.store.leases
    identities = [("Person", ADA)]
    known = rudder.store.view(rudder.store.digests(CONFIG).records(identities))
    assert bool(known) is (then == 298)


def test_an_end_in_the_midst_of_a_delivery_makes_a_person_unknown() -> None:
    rudder = of(ONE)
    rudder.transform(OTHER)

    def send(_: Request) -> Response:
        assert rudder.store.leases
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rudder.deliver(send)
    assert not rudder.store.leases
    assert not untrue(rudder.store, rudder.tenant, [("Person", ADA)])
    assert not rudder.store.view(rudder.store.digests(CONFIG).records([("Person", ADA)]))


def test_nothing_is_known_of_a_person_while_she_is_delivered() -> None:
    rudder = of(ONE)
    rudder.transform(OTHER)
    seen: list[list[int]] = []

    def send(request: Request) -> Response:
        seen.append(rudder.transform(ONE, send=never))
        return rudder.tenant.handle(request)

    assert rudder.deliver(send) == 200
    assert seen == [[200]]


def test_two_deliveries_of_a_person_go_one_after_the_other(naps: list[float]) -> None:
    rudder = Rudder()
    rudder.transform(ONE)
    records = rudder.store.digests(CONFIG).records([("Person", ADA)])
    assert rudder.store.take(records, 1)
    assert rudder.deliver(never) == 500
    assert sum(naps) > shared_module.PATIENCE - 0.2
    rudder.store.release(1)
    assert rudder.deliver() == 200


def test_a_delivery_needs_no_lease_for_what_is_no_person() -> None:
    rudder = Rudder()
    rudder.transform(track())

    def send(request: Request) -> Response:
        assert not rudder.store.leases
        return rudder.tenant.handle(request)

    assert rudder.deliver(send) == 200


# --- groups -----------------------------------------------------------------------------------------------------------


def test_a_group_whose_company_is_known_costs_no_call_and_is_filtered_once_the_person_is_linked() -> None:
    rudder = Rudder()
    assert rudder.transform(group(industry="x")) == [200]
    assert rudder.transform(group(industry="x"), send=never) == [200]
    assert rudder.waiting[0] == rudder.waiting[1]
    while rudder.waiting:
        rudder.deliver()
    assert rudder.transform(group(industry="x"), send=never) == [298]
    assert rudder.transform(group(industry="x", email=BOB), send=never) == [200]


def test_a_company_of_which_more_is_told_is_updated_without_a_find() -> None:
    rudder = of(group(industry="x"))
    send = Recorded(rudder.tenant.handle)
    assert rudder.transform(group(industry="y"), send=send) == [298]
    assert send.actions == ["update company"]


def test_a_company_that_is_not_there_any_more_is_found_to_be_so_when_it_is_told_something_new() -> None:
    rudder = of(group(industry="x"))
    rudder.tenant = Sandbox(CONFIG, **FREE)
    rudder.transform(group(industry="y"))
    assert [company["Industry"] for company in rudder.tenant.companies] == ["y"]


def test_something_new_of_a_persons_fields_does_not_send_her_links_again_in_the_same_request() -> None:
    rudder = of(identify(location="a"), group())
    assert rudder.transform(identify(location="b"), group(), batch=False) == [200, 298]
    assert rudder.transform(group()) == [200]  # until all is delivered


# --- the store --------------------------------------------------------------------------------------------------------


class Broken(MemoryStore):
    """One of which a method fails."""

    name = ""

    def _check(self, name: str) -> None:
        if name == self.name:
            raise StoreError("redis://store", "cannot be reached")

    def view(self, *given: Any) -> Any:
        self._check("view")
        return super().view(*given)

    def learn(self, *given: Any) -> None:
        self._check("learn")
        super().learn(*given)

    def take(self, *given: Any) -> bool:
        self._check("take")
        return super().take(*given)

    def give(self, *given: Any) -> None:
        self._check("give")
        super().give(*given)


@pytest.mark.parametrize("name", ["view", "learn"])
def test_people_and_groups_come_back_for_another_try_where_the_store_cannot_be_used(name: str) -> None:
    rudder = Rudder(Broken())
    rudder.store.name = name  # type: ignore[attr-defined] # it is a broken one
    assert rudder.transform(identify(), group(), track()) == [500, 500, 200]


@pytest.mark.parametrize("name", ["view", "take", "give"])
def test_a_delivery_comes_back_for_another_try_too(name: str) -> None:
    rudder = Rudder(Broken())
    rudder.transform(identify())
    rudder.store.name = name  # type: ignore[attr-defined] # it is a broken one
    assert rudder.deliver() == 500
    assert not rudder.store.leases


@pytest.mark.parametrize("answer", [answer_of_processor, answer_of_router])
def test_what_is_known_is_looked_up_where_it_may_take_long(answer: Any) -> None:
    how = {"shared": Shared(MemoryStore(), is_known_left_out=True)}
    with pytest.raises(ThreadNeededError):
        answer(b"[]", never, LOOP, **how, **({"batch": True} if answer is answer_of_router else {}))


def test_a_delivery_does_not_use_the_store_where_nobody_may_wait() -> None:
    rudder = Rudder(Broken())
    rudder.transform(identify())
    rudder.store.name = "view"  # type: ignore[attr-defined] # it is a broken one
    with pytest.raises(CallNeededError):
        rudder.deliver(Calls(never).none)


# --- laws -------------------------------------------------------------------------------------------------------------

_people = st.sampled_from([ADA, BOB, ADA.title()])
_events = st.one_of(
    st.builds(
        lambda email, traits: identify(email, **traits),
        _people,
        st.dictionaries(st.sampled_from(["firstName", "location"]), st.sampled_from(["a", "b"])),
    ),
    st.builds(
        lambda name, email, industry: group(name, email, industry=industry),
        st.sampled_from(["Acme", "Brix", "acme"]),
        _people,
        st.sampled_from(["a", "b"]),
    ),
    st.builds(lambda n: track(n=n), st.integers(0, 2)),
)
#: A request of events; a delivery, and how it goes: it fails before Gainsight has it, or after.
_steps = st.one_of(st.lists(_events, min_size=1, max_size=4), st.sampled_from(["well", "well", "before", "after"]))


def _failing(rudder: Rudder, how: str) -> Callable[[Request], Response]:
    def send(request: Request) -> Response:
        answer = rudder.tenant.handle(request) if how != "before" else Response(503, b"{}")
        if how == "after":
            raise LOST
        return answer

    return send


def _run(steps: list[Any], *, known: bool) -> Iterator[Rudder]:
    rudder = Rudder(known=known)
    for step in steps:
        if isinstance(step, list):
            rudder.transform(*step)
        elif rudder.waiting:
            rudder.deliver(_failing(rudder, step))
        yield rudder
    while rudder.waiting:
        assert rudder.deliver() == 200
    yield rudder


@given(st.lists(_steps, max_size=12))
def test_with_known_the_tenant_holds_in_the_end_what_it_does_without(steps: list[Any]) -> None:
    *_, plain = _run(steps, known=False)
    *_, known = _run(steps, known=True)
    assert state(known.tenant)[:2] == state(plain.tenant)[:2]
    assert sum(known.tenant.counts.values()) <= sum(plain.tenant.counts.values())


@given(st.lists(_steps, max_size=12))
def test_nothing_counts_as_known_that_the_tenant_does_not_hold(steps: list[Any]) -> None:
    identities = [("Person", ADA), ("Person", BOB), ("Company", "acme"), ("Company", "brix")]
    for rudder in _run(steps, known=True):
        assert not untrue(rudder.store, rudder.tenant, identities)
        assert not rudder.store.leases
