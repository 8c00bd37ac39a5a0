"""What requests share: a company is saved by one at a time, and what others told meanwhile is not told again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gainsight_dest import Request, Response, RetryableError, UpsertPerson
from gainsight_dest.known import StoreError
from gainsight_dest.rudderstack import processor, router
from gainsight_dest.rudderstack import shared as shared_module
from gainsight_dest.rudderstack.calls import CallNeededError, Calls, _RequestCalls
from gainsight_dest.rudderstack.shared import PATIENCE, Leases, NoLeases
from gainsight_dest.sandbox import Sandbox
from tests.known.memory import MemoryStore
from tests.rudderstack.rudder import Data, Recorded, body, check_routed, companies, never
from tests.some import CONFIG, FREE, group, identify, track

MANY = 50


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each wait for others, of which none is waited. Threads that other tests have left sleep on."""
    taken: list[float] = []
    sleep, me = time.sleep, threading.get_ident()

    def nap(seconds: float) -> None:
        if threading.get_ident() == me:
            taken.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", nap)
    return taken


def routed(given: Data, send: Any, **how: Any) -> list[Data]:
    output = router(given, send, **how)["output"]
    for each in output:
        check_routed(each)
    return json.loads(json.dumps(output))  # type: ignore[no-any-return] # JSON has no types


def statuses(output: list[Data]) -> list[int]:
    return [each["statusCode"] for each in output]


def error(each: Data) -> str:
    text: str = json.loads(each["error"])["message"]
    return text


class Busy(MemoryStore):
    """A store in which another owner has some records until it was asked for them so often; `then` that is done."""

    def __init__(self, *names: str, times: float) -> None:
        super().__init__()
        self.theirs = self.digests(CONFIG).records(("Company", name) for name in names)
        self.times = times
        self.held: list[set[bytes]] = []
        self.then: Callable[[], object] = lambda: None
        assert self.take(self.theirs, 1)

    def take(self, records: Any, owner: int, known: Any = None) -> bool:
        if super().take(records, owner, known):
            return True
        self.held.append({record for record, each in self.leases.items() if each != 1})
        self.times -= 1
        if self.times == 0:
            self.release(1)
            self.then()
        return False


# --- one at a time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alike", [True, False])
def test_requests_at_once_for_a_new_company_create_it_once(alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_module, "PATIENCE", 1e9)
    sandbox, store = Sandbox(CONFIG, **FREE), MemoryStore()
    together = threading.Barrier(MANY)

    def ask(number: int) -> list[Data]:
        given = body(group("Acme", f"p{number}@example.com", industry="x" if alike else f"i{number}"))
        together.wait()
        return routed(given, sandbox.handle, store=store)

    with ThreadPoolExecutor(MANY) as pool:
        answers = [*pool.map(ask, range(MANY))]
    [company] = sandbox.companies
    assert [statuses(answer) for answer in answers] == [[200]] * MANY
    for answer in answers:
        assert answer[0]["batchedRequest"]["body"]["JSON"]["companies"] == [{"Company_ID": company["Gsid"]}]
    assert sum(sandbox.counts.values()) <= 2 * MANY
    assert not store.leases


def test_requests_that_want_the_same_companies_in_another_order_do_not_wait_for_each_other_for_ever() -> None:
    sandbox, store = Sandbox(CONFIG, **FREE), MemoryStore()
    names = [f"C{number}" for number in range(120)]
    orders = [names, names[::-1], names[60:] + names[:60], names[::2] + names[1::2]]
    together = threading.Barrier(len(orders))

    def ask(order: list[str]) -> list[Data]:
        together.wait()
        return routed(body(*map(group, order)), sandbox.handle, store=store, batch=False)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(orders)) as pool:
        patch.setattr(shared_module, "PATIENCE", 1e9)
        answers = [*pool.map(ask, orders)]
    assert [statuses(answer) for answer in answers] == [[200] * 120] * len(orders)
    assert sorted(company["Name"] for company in sandbox.companies) == sorted(names)
    assert not store.leases


def test_who_waits_longer_than_a_request_may_comes_back_for_another_try(naps: list[float]) -> None:
    [answer] = routed(body(group("Acme")), never, store=Busy("acme", times=-1))
    assert answer["statusCode"] == 500
    assert error(answer) == "failed to search group: another request is writing the same record"
    assert answer["statTags"]["errorType"] == "retryable"
    assert PATIENCE - 0.1 <= sum(naps) <= PATIENCE
    assert max(naps) <= 0.1
    assert naps[0] <= 0.02


def test_while_it_waits_it_holds_nothing(naps: list[float]) -> None:
    sandbox = Sandbox(CONFIG, **FREE)
    names = [f"C{number}" for number in range(50)]
    store = Busy("brix", times=5)
    output = routed(body(*map(group, [*names, "Brix"])), sandbox.handle, store=store, batch=False)
    assert statuses(output) == [200] * 51
    assert naps
    assert not any(store.held[2:])  # those of the first call are found and saved by then
    assert not store.leases


def test_who_cannot_wait_as_it_must_keep_what_was_lost_comes_back_at_once(naps: list[float]) -> None:
    def send(request: Request) -> Response:
        if request.action == "create company":
            raise RetryableError(request.action, "no answer")
        return companies(request)

    store = Busy("brix", times=-1)
    names = [f"C{number}" for number in range(50)]
    output = routed(body(*map(group, [*names, "Brix"])), send, store=store, batch=False)
    assert statuses(output) == [500] * 51
    assert "the same record" in error(output[-1])
    assert not naps
    assert set(store.leases.values()) == {1}


def test_a_company_whose_create_was_lost_is_written_by_nobody_else_before_the_request_ends() -> None:
    store = MemoryStore()
    [acme] = store.digests(CONFIG).records([("Company", "acme")])
    held: list[bool] = []

    def send(request: Request) -> Response:
        held.append(acme in store.leases)
        if request.action == "create company" and "Acme" in str(request.body):
            raise RetryableError(request.action, "no answer")
        return companies(request)

    names = ["Acme", *(f"C{number}" for number in range(60))]
    output = routed(body(*map(group, names)), send, store=store, batch=False)
    assert statuses(output)[0] == 500
    assert all(held)
    assert not store.leases
    assert not store.view([acme])


@pytest.mark.parametrize("how", [KeyboardInterrupt, ValueError, StoreError("known.db", "the disk is full")])
def test_all_is_given_back_whatever_happens(how: Any) -> None:
    store = MemoryStore()

    def send(request: Request) -> Response:
        if request.action == "create company":
            assert store.leases
            raise how
        return companies(request)

    if how is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            router(body(group()), send, store=store)
    else:
        [answer] = routed(body(group()), send, store=store)
        assert answer["statusCode"] == 500
    assert not store.leases


def test_a_wrong_key_gives_back_what_was_not_written() -> None:
    store = MemoryStore()

    def send(request: Request) -> Response:
        if "C0" in str(request.body):
            return companies(request)
        return Response(302)  # a wrong key is answered so

    output = routed(body(*(group(f"C{number}") for number in range(60))), send, store=store, batch=False)
    assert len({*statuses(output)}) == 1
    assert output[0]["statusCode"] >= 400
    assert not store.leases


# --- what others told meanwhile ---------------------------------------------------------------------------------------


def test_what_another_has_told_while_it_waited_is_not_told_again() -> None:
    sandbox, store = Sandbox(CONFIG, **FREE), Busy("acme", times=3)
    store.then = lambda: router(body(group("Acme", industry="x")), sandbox.handle, store=store)
    [answer] = routed(body(group("Acme", "eve@example.com", industry="x")), never, store=store)
    [company] = sandbox.companies
    assert answer["statusCode"] == 200
    assert answer["batchedRequest"]["body"]["JSON"] == {
        "Email": "eve@example.com",
        "companies": [{"Company_ID": company["Gsid"]}],
    }


def test_what_is_new_beside_that_is_told_without_looking_for_the_company() -> None:
    sandbox, store = Sandbox(CONFIG, **FREE), Busy("acme", times=3)
    store.then = lambda: router(body(group("Acme", industry="x")), sandbox.handle, store=store)
    send = Recorded(sandbox.handle)
    assert statuses(routed(body(group("Acme", industry="y")), send, store=store)) == [200]
    assert send.actions == ["update company"]
    assert [company["Industry"] for company in sandbox.companies] == ["y"]


def test_what_was_told_before_the_request_came_is_told_again() -> None:
    sandbox, store = Sandbox(CONFIG, **FREE), MemoryStore()
    send = Recorded(sandbox.handle)
    for _ in range(2):
        assert statuses(routed(body(group()), send, store=store)) == [200]
    assert send.actions == ["find company", "create company", "find company", "update company"]


def test_what_was_told_while_it_waited_for_its_turn_counts() -> None:
    sandbox, store = Sandbox(CONFIG, **FREE), MemoryStore()
    late = _RequestCalls(Calls(never))
    router(body(group()), sandbox.handle, store=store)
    assert statuses(routed(body(group()), late, store=store)) == [200]


# --- where it may be waited -------------------------------------------------------------------------------------------


class Untouched(MemoryStore):
    """One that nobody may use."""

    def __getattribute__(self, name: str) -> Any:
        assert name not in {"view", "take", "learn", "give", "release"}
        return super().__getattribute__(name)


def test_the_store_is_not_used_where_nobody_may_wait() -> None:
    with pytest.raises(CallNeededError):
        router(body(group()), Calls(never).none, store=Untouched())
    assert statuses(routed(body(identify(), track()), Calls(never).none, store=Untouched())) == [200, 200]


def test_a_domain_that_may_not_be_called_is_said_of_its_item() -> None:
    for send in (_RequestCalls(Calls(never, ["*.other.com"])), Calls(never, ["*.other.com"]).none):
        [answer] = routed(body(group()), send, store=MemoryStore())
        assert answer["statusCode"] == 400
        assert "is not one that this service may call" in answer["error"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda asking: setattr(asking, "end", "the client has given up"), "the client has given up"),
        (lambda asking: setattr(asking.calls, "_until", 0), "the service is being stopped"),
        (lambda asking: setattr(asking, "_started", -1e9), "the request has taken more than 60 seconds"),
    ],
)
def test_nobody_waits_for_others_once_no_call_would_be_made(
    end: Callable[[Any], object], said: str, naps: list[float]
) -> None:
    asking = _RequestCalls(Calls(never))
    store = Busy("acme", times=3)
    store.times = -1
    end(asking)
    [answer] = routed(body(group()), asking, store=store)
    assert answer["statusCode"] == 500
    assert said in error(answer)
    assert not naps


# --- a store that cannot be used --------------------------------------------------------------------------------------


class Broken(MemoryStore):
    """One of which a method fails."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            setattr(self, name, self._fail)

    def _fail(self, *_: Any) -> Any:
        raise StoreError("redis://store", "cannot be reached")


@pytest.mark.parametrize("name", ["view", "take", "give"])
def test_groups_come_back_for_another_try_where_the_store_cannot_be_used(name: str) -> None:
    send = Recorded(companies)
    output = routed(body(*map(group, map(str, range(60))), identify(), track()), send, store=Broken(name), batch=False)
    assert statuses(output) == [500] * 60 + [200, 200]
    assert output[0]["error"] == "redis://store: cannot be reached"
    assert output[0]["statTags"]["errorCategory"] == "platform"
    assert len(send.sent) <= 4


def test_a_lease_of_a_request_without_records_is_none() -> None:
    store = MemoryStore()
    leases = Leases(store, store.digests(CONFIG))
    assert leases.told([], 0.0, never) == {}
    leases.end()
    assert not leases.are_held


def test_without_a_store_nobody_waits() -> None:
    leases = NoLeases()
    assert leases.take(UpsertPerson(CONFIG, {}), never)
    with pytest.raises(RetryableError, match="another request is writing the same record"):
        leases.wait(UpsertPerson(CONFIG, {}), never)


# --- processor, app ---------------------------------------------------------------------------------------------------


def test_the_processor_shares_the_store_too() -> None:
    [answer] = processor(body(group("Acme")), never, store=Busy("acme", times=-1))
    assert answer["statusCode"] == 500


def test_to_know_anything_takes_a_store() -> None:
    with pytest.raises(ValueError, match="known needs a store"):
        router(body(group()), never, known=True)
