"""Odd answers, lost answers, no answers: never a link to the wrong company, never a second create without a find."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import CredentialsError, Reply, Request, Response, RetryableError, ThrottledError
from gainsight_dest.batching.batch import ATTEMPTS, transform_batch
from gainsight_dest.batching.chunking import Stage
from gainsight_dest.batching.requests import CompaniesRequest, CreateCompanies, FindCompanies
from gainsight_dest.batching.stages import COMPANIES, PEOPLE
from gainsight_dest.fields import linked_companies
from gainsight_dest.gainsight import RECORDS_PER_WRITE
from gainsight_dest.sandbox import Content, DroppedConnectionError, PlannedFault, Sandbox
from tests.batching.some import (
    BOB,
    CONFIG,
    Send,
    Wire,
    actions,
    finds_without_names,
    groups,
    ok,
    run,
    sandbox,
    statuses,
    track,
)
from tests.some import ADA, group, identify

NO_GSID = "the answer holds no Gsid of the company"
LOST = DroppedConnectionError("lost")
BROKEN = Response(500, b'{"result": false, "errorCode": "GU_1101"}')
WRONG_KEY = Response(401, b'{"result": false, "errorCode": "GS_APIG_2401"}')
Records = list[dict[str, Any]]


def wired(tenant: Sandbox, wire: Wire) -> Send:
    return lambda request: wire(tenant.handle(request))


def linked(tenant: Sandbox) -> dict[str, list[str]]:
    """The names of the companies that people are linked to."""
    names = {company["Gsid"]: company["Name"] for company in tenant.companies}
    return {person["Email"]: [names[gsid] for gsid in linked_companies(person)] for person in tenant.people}


def changed(change: Callable[[Records], Records]) -> Wire:
    """What a write of several companies answers with, changed."""

    def wire(response: Response) -> Response:
        envelope = json.loads(response.body)
        records = (envelope["data"] or {}).get("records") or []
        if len(records) > 1 and all("Gsid" in record for record in records):
            envelope["data"]["records"] = change(records)
        return Response(response.status, json.dumps(envelope).encode())

    return wire


def _bare(records: Records) -> Records:
    return [{"Gsid": record["Gsid"]} for record in records]


STRANGER = {"Gsid": "1P0STRANGER", "Name": "Zeta"}
TELLING: dict[str, Callable[[Records], Records]] = {
    "in order, without names": _bare,
    "out of order": lambda records: records[::-1],
    "in other case": lambda records: [{**record, "Name": f" {record['Name'].upper()}"} for record in records][::-1],
    "with a stranger": lambda records: [STRANGER, *records],
    "with one twice": lambda records: [records[0], *records],
}
PARTLY_TELLING: dict[str, Callable[[Records], Records]] = {
    "the first is missing": lambda records: records[1:],
    "the last is missing": lambda records: records[:-1],
    "one has no name": lambda records: [*_bare(records[:1]), *records[1:]],
    "one has no Gsid": lambda records: [{"Name": records[0]["Name"]}, *records[1:]],
    "a stranger stands for one": lambda records: [STRANGER, *records[1:]],
}
NOT_TELLING: dict[str, Callable[[Records], Records]] = {
    "fewer, without names": lambda records: _bare(records[1:]),
    "more, without names": lambda records: _bare([STRANGER, *records]),
    "none": lambda _: [],
    "no Gsids": lambda records: [{"Name": record["Name"]} for record in records],
    "only strangers": lambda records: [STRANGER for _ in records],
}
THREE = [group("Acme", ADA), group("Brix", BOB), group("Cora", "cy@example.com")]
RIGHT = {ADA: ["Acme"], BOB: ["Brix"], "cy@example.com": ["Cora"]}


# --- odd answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", TELLING.values(), ids=TELLING)
def test_records_are_matched_by_name_or_else_by_a_place_that_agrees(change: Callable[[Records], Records]) -> None:
    tenant = sandbox()
    batch, _ = run(transform_batch(THREE, CONFIG), wired(tenant, changed(change)))
    assert statuses(batch) == ["delivered"] * 3
    assert linked(tenant) == RIGHT
    assert tenant.counts == {"find company": 1, "create company": 1, "link person": 3}


@pytest.mark.parametrize("change", PARTLY_TELLING.values(), ids=PARTLY_TELLING)
def test_a_company_that_the_answer_leaves_out_is_found_and_written_again(change: Callable[[Records], Records]) -> None:
    tenant = sandbox()
    batch, _ = run(transform_batch(THREE, CONFIG), wired(tenant, changed(change)))
    assert linked(tenant) == RIGHT
    assert tenant.counts == {"find company": 2, "create company": 1, "update company": 1, "link person": 3}
    assert sorted(outcome.attempts for outcome in batch.outcomes) == [1, 1, 2]


@pytest.mark.parametrize("change", NOT_TELLING.values(), ids=NOT_TELLING)
def test_where_the_answer_tells_nothing_companies_are_written_again_and_at_last_alone(
    change: Callable[[Records], Records],
) -> None:
    tenant = sandbox()
    batch, sent = run(transform_batch(THREE, CONFIG), wired(tenant, changed(change)))
    assert statuses(batch) == ["delivered"] * 3
    assert linked(tenant) == RIGHT
    assert actions(sent).count("create company") == 1
    sizes = [len(request.names) for request in sent if isinstance(request, CompaniesRequest)]
    assert sizes == [3] * 10 + [1] * 3, "two finds, a create and seven updates; then each by itself"
    assert [outcome.attempts for outcome in batch.outcomes] == [9] * 3


@pytest.mark.parametrize("change", NOT_TELLING.values(), ids=NOT_TELLING)
def test_where_patience_ends_first_nobody_is_linked_to_anything(change: Callable[[Records], Records]) -> None:
    tenant = sandbox()
    batch, _ = run(transform_batch(THREE, CONFIG, attempts=1), wired(tenant, changed(change)))
    assert statuses(batch) == ["failed"] * 3
    for error in (outcome.error for outcome in batch.outcomes):
        assert isinstance(error, RetryableError)
        assert (error.action, error.problem) == ("create company", NO_GSID)
    assert tenant.people == []
    assert tenant.counts == {"find company": 1, "create company": 1}


def test_two_companies_of_one_name_are_found_as_one_and_the_first_is_linked() -> None:
    old = [{"Gsid": gsid, "Name": "Acme"} for gsid in ("OLD1", "OLD2")]
    tenant = sandbox(Content.from_data({"people": [], "companies": old, "events": []}))
    batch, _ = run(transform_batch([group("Acme"), group("Brix", BOB)], CONFIG), tenant.handle)
    assert batch.outcomes[0].gsid == "OLD1"
    assert linked(tenant) == {ADA: ["Acme"], BOB: ["Brix"]}
    assert tenant.counts == {"find company": 1, "create company": 1, "update company": 1, "link person": 2}


def test_a_find_that_does_not_say_what_it_found_is_split() -> None:
    tenant = sandbox(Content.from_data({"people": [], "companies": [{"Gsid": "OLD", "Name": "Acme"}], "events": []}))
    events = [*THREE, group("Dyne", "dee@example.com")]
    batch, sent = run(transform_batch(events, CONFIG), wired(tenant, finds_without_names))
    sought = [request.names for request in sent if isinstance(request, FindCompanies)]
    assert sought == [("Acme", "Brix", "Cora", "Dyne"), ("Acme", "Brix"), ("Cora", "Dyne"), ("Acme",), ("Brix",)]
    assert linked(tenant) == {**RIGHT, "dee@example.com": ["Dyne"]}
    assert [company["Name"] for company in tenant.companies].count("Acme") == 1
    assert batch.outcomes[0].gsid == "OLD"


def test_a_find_that_names_a_stranger_is_split() -> None:
    batch = transform_batch(THREE, CONFIG).next([ok({"Name": "Acme"}, {"Name": "Zeta"})])
    assert batch.requests == (FindCompanies(CONFIG, ("Acme",)), FindCompanies(CONFIG, ("Brix", "Cora")))


# --- lost answers -----------------------------------------------------------------------------------------------------


def creates_and_finds_of(name: str, sent: list[Request]) -> list[str]:
    return [
        request.action
        for request in sent
        if isinstance(request, (FindCompanies, CreateCompanies)) and name in request.names
    ]


@pytest.mark.parametrize(
    "kind", ["500", "500-after", "503", "429", "html", "truncated", "dropped-before", "dropped-after"]
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_create_whose_answer_was_lost_is_found_again_before_it_is_created(kind: str, times: int) -> None:
    tenant = sandbox(faults=[PlannedFault(kind, action="create company", times=times)])
    batch, sent = run(transform_batch(THREE, CONFIG), tenant.handle)
    assert statuses(batch) == ["delivered"] * 3
    assert len(tenant.companies) == 3
    for name in ("Acme", "Brix", "Cora"):
        order = creates_and_finds_of(name, sent)
        # Where the answer was lost, it is looked for again and again before it is created again.
        finds = ["find company"] * (3 if kind == "dropped-before" else 1)
        assert order == ["find company", "create company", *[*finds, "create company"] * times][: len(order)], order


@pytest.mark.parametrize("action", ["find company", "update company", "link person", "upsert person", "send event"])
def test_what_is_not_a_create_is_simply_sent_again_when_its_answer_was_lost(action: str) -> None:
    tenant = sandbox()
    run(transform_batch([group("Acme")], CONFIG), tenant.handle)
    tenant = sandbox(tenant.content, faults=[PlannedFault("dropped-after", action=action, times=2)])
    batch, sent = run(transform_batch([group("Acme", arr=1), identify(BOB), track()], CONFIG), tenant.handle)
    again = [request for request in sent if request.action == action]
    assert again == [again[0]] * 3
    assert statuses(batch) == ["delivered"] * 3
    assert sorted(outcome.attempts for outcome in batch.outcomes) == [1, 1, 3]
    assert sum(outcome.calls for outcome in batch.outcomes) == sum(tenant.counts.values()) == 7
    assert len(tenant.companies) == 1


def test_an_exception_of_any_client_counts_as_a_lost_answer() -> None:
    batch = transform_batch([identify()], CONFIG, attempts=2)
    again = batch.next([OSError("ada@example.com")])
    assert again.requests == batch.requests
    (outcome,) = again.next([OSError("ada@example.com")]).outcomes
    assert (outcome.status, outcome.attempts, outcome.calls) == ("failed", 2, 2)
    assert outcome.error == RetryableError("upsert person", "no answer (OSError)")


def test_failures_tells_how_often_each_request_or_what_came_before_it_has_failed() -> None:
    batch = transform_batch([*groups(51), identify(BOB)], CONFIG)
    assert batch.failures == (0, 0)
    batch = batch.next([ok(), LOST])
    assert (actions([*batch.requests]), batch.failures) == (["create company", "find company"], (0, 1))
    batch = batch.next([LOST, BROKEN])
    assert (actions([*batch.requests]), batch.failures) == (["find company", "find company"], (1, 2))
    tenant = sandbox()
    while len(batch.requests) == 2:
        batch = batch.next(map(tenant.handle, batch.requests))
    assert batch.failures == (3,)


@pytest.mark.parametrize(
    ("action", "failed", "counts"),
    [
        ("find company", 0, {"find company": 3, "upsert person": 1, "send event": 2}),
        ("create company", 0, {"find company": 3, "create company": 3, "upsert person": 1, "send event": 2}),
        ("link person", 0, {"find company": 1, "create company": 1, "link person": 3}),
        ("upsert person", 1, {"upsert person": 3, "link person": 1}),
        ("send event", 2, {"send event": 6, "upsert person": 1}),
    ],
)
def test_an_event_that_fails_too_often_has_failed_by_that_error_and_the_others_go_on(
    action: str, failed: int, counts: dict[str, int]
) -> None:
    tenant = sandbox(faults=[PlannedFault("500", action=action)])
    events = [group("Acme"), identify(BOB), track(1), track(2)]
    batch, _ = run(transform_batch(events, CONFIG, attempts=3), tenant.handle)
    for place, outcome in enumerate(batch.outcomes):
        if place == failed or (action == "send event" and place == 3):
            assert (outcome.status, outcome.attempts) == ("failed", 3)
            assert isinstance(outcome.error, RetryableError)
            assert (outcome.error.action, outcome.error.code) == (action, "GU_1101")
        else:
            assert (outcome.status, outcome.attempts) == ("delivered", 1)
    assert counts.items() <= tenant.counts.items()
    assert sum(outcome.calls for outcome in batch.outcomes) == sum(tenant.counts.values())


def test_an_event_is_tried_twelve_times_where_nothing_else_is_said() -> None:
    _, sent = run(transform_batch([track()], CONFIG), lambda _: BROKEN)
    assert len(sent) == ATTEMPTS == 12


def test_what_comes_behind_an_event_that_failed_too_often_goes_on() -> None:
    tenant = sandbox()
    events = [group("Acme", arr=1), group("ACME", arr=2), group("Acme", arr=3)]
    batch, _ = run(transform_batch(events, CONFIG, attempts=2), poisoned(tenant, {"Arr": 1}))
    assert statuses(batch) == ["failed", "delivered", "delivered"]


# --- what fails again and again ---------------------------------------------------------------------------------------


def poisoned(tenant: Sandbox, poison: dict[str, Any]) -> Send:
    """The tenant, which breaks at each write of a record with that."""

    def send(request: Request) -> Response:
        records = request.body.get("records", [request.body])
        return BROKEN if any(poison.items() <= record.items() for record in records) else tenant.handle(request)

    return send


def test_a_call_for_many_that_fails_again_and_again_is_made_in_smaller_parts() -> None:
    assert [COMPANIES.size(failures, ATTEMPTS) for failures in range(10)] == [*COMPANIES.sizes, 0]
    assert COMPANIES.sizes == (*[RECORDS_PER_WRITE] * 4, 25, 12, 6, 3, 0)


@pytest.mark.parametrize("place", [0, 17, 49])
def test_a_record_that_breaks_gainsight_does_not_take_the_others_with_it(place: int) -> None:
    events = groups(50)
    events[place]["traits"]["name"] = "Poison"
    tenant = sandbox()
    batch, sent = run(transform_batch(events, CONFIG), poisoned(tenant, {"Name": "Poison"}))
    assert statuses(batch) == ["failed" if number == place else "delivered" for number in range(50)]
    assert len(tenant.companies) == 49
    assert batch.outcomes[place].attempts == ATTEMPTS
    assert len(sent) - tenant.counts["link person"] <= 4 * ATTEMPTS


@pytest.mark.parametrize("attempts", [2, 3, 5, 8, 9, 12, 60])
@pytest.mark.parametrize("stage", [COMPANIES, PEOPLE], ids=["companies", "people"])
def test_however_few_the_attempts_a_record_that_breaks_gainsight_does_so_alone(stage: Stage, attempts: int) -> None:
    sizes = [stage.size(failures, attempts) for failures in range(attempts)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (stage.sizes[0], 0)


def test_a_query_that_breaks_gainsight_is_made_in_smaller_parts_too() -> None:
    tenant = sandbox()

    def send(request: Request) -> Response:
        is_poison = isinstance(request, FindCompanies) and "Company 7" in request.names
        return BROKEN if is_poison else tenant.handle(request)

    batch, _ = run(transform_batch(groups(50), CONFIG), send)
    assert [outcome.index for outcome in batch.outcomes if outcome.status == "failed"] == [7]


@pytest.mark.parametrize("place", range(2))
def test_one_event_of_a_company_that_breaks_gainsight_does_not_take_the_others_with_it(place: int) -> None:
    events = [group("Acme", employees=1), group("Acme", employees=2)]
    events[place]["traits"]["summary"] = "Poison"
    tenant = sandbox()
    batch, _ = run(transform_batch(events, CONFIG), poisoned(tenant, {"Summary": "Poison"}))
    assert statuses(batch) == ["failed" if number == place else "delivered" for number in range(2)]
    assert len(tenant.companies) == 1


@pytest.mark.parametrize("place", range(3))
def test_one_event_of_a_person_that_breaks_gainsight_does_not_take_the_others_with_it(place: int) -> None:
    events = [identify(), identify(firstName="Ada"), group("Acme")]
    events[place] = identify(lastName="Poison")
    tenant = sandbox()
    batch, _ = run(transform_batch(events, CONFIG), poisoned(tenant, {"LastName": "Poison"}))
    assert statuses(batch) == ["failed" if number == place else "delivered" for number in range(3)]


def test_events_of_one_record_stay_together_until_their_call_has_failed_often_enough() -> None:
    events = [group("Acme", arr=1), group("Acme", arr=2)]
    _, sent = run(transform_batch(events, CONFIG), lambda request: ok() if "find" in request.action else BROKEN)
    written = [request.body["records"][0]["Arr"] for request in sent if "create" in request.action]
    assert written == [2] * 8 + [1] * 4 + [2] * 4
    _, sent = run(transform_batch([identify(vip=True), identify(vip=False)], CONFIG), lambda _: BROKEN)
    written = [request.body["Vip__gc"] for request in sent]
    assert written == [False] * 4 + [True] * 8 + [False] * 8


def test_a_call_for_several_events_is_made_as_long_as_one_of_them_may_be_tried() -> None:
    batch = transform_batch([group("Acme"), identify()], CONFIG, attempts=2).next([LOST]).next([ok({"Name": "Acme"})])
    batch = batch.next([ok({"Gsid": "1P02A"})]).next([LOST])
    assert (actions([*batch.requests]), statuses(batch)) == (["link person"], ["not tried"] * 2)
    assert batch.failures == (2,), "of the first, which is sent alone from now on"
    batch = batch.next([LOST])
    assert (batch.failures, statuses(batch)) == ((1,), ["failed", "not tried"])
    assert statuses(batch.next([LOST])) == ["failed"] * 2


# --- what was tried, and when it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [group("Acme"), identify(), track()], ids=lambda event: str(event["type"]))
def test_calls_that_were_tried_elsewhere_count(event: dict[str, Any]) -> None:
    batch = transform_batch([event], CONFIG)
    tenant = sandbox()
    first = batch.next([Reply(tenant.handle(batch.requests[0]), calls=3)])
    done, sent = run(first, tenant.handle)
    (outcome,) = done.outcomes
    assert (outcome.status, outcome.attempts, outcome.calls) == ("delivered", 3, 3 + len(sent))


def test_what_was_waited_is_told_of_the_event_that_was_waited_for_least() -> None:
    batch = transform_batch([identify(), group(), identify(BOB)], CONFIG)
    batch = batch.next([Reply(LOST, waited=2.5)]).next([ok()]).next([Reply(None, calls=0, waited=1.0)])
    assert batch.waited == (3.5,), "the find, the create"
    batch = batch.next([ok({"Gsid": "1P02"})])
    assert batch.waited == (0.0, 0.0), "ada's identify has not been waited for"
    assert [outcome.attempts for outcome in batch.outcomes] == [0, 2, 0]


def test_an_answer_that_has_been_read_is_not_read_again() -> None:
    unreadable = Response(200, b"not JSON")
    batch = transform_batch([group("Acme")], CONFIG)
    batch = batch.next([Reply(unreadable, is_read=True, said=frozenset({"Acme"}))])
    assert actions([*batch.requests]) == ["update company"]
    batch = batch.next([Reply(unreadable, is_read=True, said={"Acme": "1P02"})])
    batch = batch.next([Reply(unreadable, is_read=True)])
    assert [(outcome.status, outcome.gsid) for outcome in batch.outcomes] == [("delivered", "1P02")]


def test_throttling_is_no_sign_of_a_record_that_breaks_gainsight_but_has_an_end() -> None:
    batch = transform_batch(groups(3), CONFIG)
    for _ in range(ATTEMPTS):
        assert len(batch.requests) == 1
        assert batch.failures == (0,)
        batch = batch.next([Response(429)])
    assert batch.requests == ()
    assert {(o.status, type(o.error), o.attempts) for o in batch.outcomes} == {("failed", ThrottledError, ATTEMPTS)}


def test_a_try_that_failed_and_was_not_repeated_is_one_attempt() -> None:
    (outcome,) = transform_batch([identify()], CONFIG).next([OSError()]).outcomes
    assert (outcome.status, outcome.attempts, outcome.calls) == ("not tried", 1, 1)


def test_calls_that_were_made_before_a_request_was_put_off_count_too() -> None:
    batch = transform_batch([identify()], CONFIG)
    waiting = batch.next([Reply(None, calls=2)])
    assert waiting.requests == batch.requests
    assert [(o.status, o.attempts, o.calls) for o in waiting.outcomes] == [("not tried", 2, 2)]
    (outcome,) = waiting.next([ok()]).outcomes
    assert (outcome.status, outcome.attempts, outcome.calls) == ("delivered", 3, 3)


@pytest.mark.parametrize("answer", [BROKEN, LOST, RetryableError("x", "y")], ids=repr)
@pytest.mark.parametrize("event", [group("Acme"), identify(), track()], ids=lambda event: str(event["type"]))
def test_what_is_not_to_be_tried_again_has_failed(event: dict[str, Any], answer: Response | Exception) -> None:
    batch = transform_batch([event], CONFIG).next([Reply(answer, calls=5, is_final=True)])
    (outcome,) = batch.outcomes
    assert batch.requests == ()
    assert (outcome.status, outcome.attempts, outcome.calls) == ("failed", 5, 5)
    assert isinstance(outcome.error, RetryableError)


def test_a_final_success_is_a_success() -> None:
    (outcome,) = transform_batch([identify()], CONFIG).next([Reply(ok(), is_final=True)]).outcomes
    assert (outcome.status, outcome.attempts, outcome.calls) == ("delivered", 1, 1)


@pytest.mark.parametrize(
    "wrong", [WRONG_KEY, CredentialsError("find company", "no"), Reply(Response(302), calls=2)], ids=repr
)
def test_wrong_credentials_end_the_batch(wrong: Any) -> None:
    batch = transform_batch([*groups(51), identify(BOB), track()], CONFIG).next([wrong, ok()])
    assert batch.requests == ()
    assert batch.failures == ()
    assert statuses(batch) == ["failed"] * 50 + ["not tried"] * 3
    assert all(isinstance(outcome.error, CredentialsError) for outcome in batch.outcomes[:50])
    assert batch.next([]) == batch


def test_wrong_credentials_for_a_track_event_leave_the_next_one_to_be_sent_again() -> None:
    batch = transform_batch([identify(), track(1), track(2)], CONFIG).next([ok()]).next([WRONG_KEY])
    assert batch.requests == ()
    assert statuses(batch) == ["delivered", "failed", "not tried"]
