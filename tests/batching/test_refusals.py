"""Refused batches: the record at fault is found with few calls, and takes no other with it."""

from __future__ import annotations

from math import log2
from typing import Any

import pytest

from gainsight_dest import ConfigError, RejectedError, Request, Response, ResponseError
from gainsight_dest.batching.batch import transform_batch
from gainsight_dest.batching.requests import FindCompanies
from gainsight_dest.gainsight import RECORDS_PER_WRITE
from gainsight_dest.sandbox import DroppedConnectionError, Sandbox
from tests.batching.some import (
    BOB,
    CONFIG,
    Send,
    actions,
    after_companies,
    groups,
    ok,
    run,
    sandbox,
    state,
    statuses,
    together,
    track,
    without_field_errors,
)
from tests.some import ADA, Event, group, identify

FEWEST_CALLS = 2 * log2(RECORDS_PER_WRITE) + 2
REFUSAL = Response(400, b'{"result": false}')


def company_calls(tenant: Sandbox) -> int:
    return sum(count for action, count in tenant.counts.items() if "company" in action)


def with_bad_ones(*places: int) -> list[Event]:
    """Fifty groups of new companies, of which those have a value that Gainsight refuses."""
    events = groups(RECORDS_PER_WRITE)
    for place in places:
        events[place]["traits"]["since"] = f"soon {place}"
    return events


def all_but(*places: int) -> list[str]:
    return ["failed" if place in places else "delivered" for place in range(RECORDS_PER_WRITE)]


def unnamed(tenant: Sandbox) -> Send:
    """The tenant, which does not say what it refuses."""
    return lambda request: without_field_errors(tenant.handle(request))


# --- companies --------------------------------------------------------------------------------------------------------


def test_a_record_that_the_refusal_names_is_written_apart_at_once() -> None:
    tenant = sandbox()
    batch = together(with_bad_ones(17), tenant.handle)
    assert tenant.counts == {"find company": 1, "create company": 3, "link person": 49}
    assert len(tenant.companies) == 49
    assert statuses(batch) == all_but(17)
    error = batch.outcomes[17].error
    assert isinstance(error, RejectedError)
    assert (error.action, error.code) == ("create company", "GSOBJ_1005")
    assert [(each.field, each.value) for each in error.field_errors] == [("Since__gc", "soon 17")]


@pytest.mark.again
@pytest.mark.parametrize("place", range(RECORDS_PER_WRITE))
def test_a_record_that_no_refusal_names_is_found_by_halves_wherever_it_is(place: int) -> None:
    tenant = sandbox()
    batch = together(with_bad_ones(place), unnamed(tenant))
    assert company_calls(tenant) <= FEWEST_CALLS
    assert len(tenant.companies) == 49
    assert statuses(batch) == all_but(place)
    assert sum(outcome.calls for outcome in batch.outcomes) == sum(tenant.counts.values())


@pytest.mark.parametrize("place", [0, 24, 25, 49])
def test_a_refused_update_is_split_as_a_create_is(place: int) -> None:
    tenant = sandbox()
    together(groups(RECORDS_PER_WRITE), tenant.handle)
    tenant.counts.clear()
    events = with_bad_ones(place)
    for event in events:
        event["traits"]["employees"] = 7
    batch = together(events, unnamed(tenant))
    assert company_calls(tenant) <= FEWEST_CALLS
    assert [company.get("Employees") for company in tenant.companies].count(7) == 49
    assert statuses(batch) == all_but(place)


@pytest.mark.parametrize("places", [(0, 1), (0, 49), (24, 25), (3, 30), (12, 13)])
def test_two_records_at_fault_are_both_found(places: tuple[int, int]) -> None:
    told, untold = sandbox(), sandbox()
    assert statuses(together(with_bad_ones(*places), told.handle)) == all_but(*places)
    assert company_calls(told) <= 5 + 1
    assert statuses(together(with_bad_ones(*places), unnamed(untold))) == all_but(*places)
    assert company_calls(untold) <= 2 * FEWEST_CALLS
    assert len(told.companies) == len(untold.companies) == 48


def test_where_all_are_at_fault_all_fail_each_by_its_own_error() -> None:
    events = with_bad_ones(*range(RECORDS_PER_WRITE))
    told, untold = together(events, sandbox().handle), together(events, unnamed(sandbox()))
    assert set(statuses(told) + statuses(untold)) == {"failed"}
    errors = [outcome.error for outcome in told.outcomes]
    assert [[each.value for each in error.field_errors] for error in errors if isinstance(error, RejectedError)] == [
        [f"soon {place}"] for place in range(RECORDS_PER_WRITE)
    ]


def test_a_named_value_that_all_records_hold_does_not_tell_them_apart_and_they_are_halved() -> None:
    events = [group(f"Company {number}", since="soon") for number in range(4)]
    batch, sent = run(transform_batch(events, CONFIG), sandbox().handle)
    sizes = [len(request.body["records"]) for request in sent if request.action == "create company"]
    assert sizes == [4, 2, 1, 2, 1, 1, 1]
    assert statuses(batch) == ["failed"] * 4


@pytest.mark.parametrize("bad", range(5))
@pytest.mark.parametrize("is_named", [True, False])
def test_a_merged_company_that_is_refused_is_split_within_its_events(bad: int, is_named: bool) -> None:
    own: list[Event] = [{"employees": 1}, {"summary": "new"}, {"arr": 5}, {"plan": "gold"}, {"users": 3}]
    own[bad] = {"since": "soon"}
    events = [group("Acme", **traits) for traits in own] + [group("Brix", BOB)]
    tenant = sandbox()
    batch, sent = run(transform_batch(events, CONFIG), tenant.handle if is_named else unnamed(tenant))
    assert statuses(batch) == ["failed" if place == bad else "delivered" for place in range(6)]
    alone = sandbox()
    for event in events:
        run(transform_batch([event], CONFIG), alone.handle)
    assert state(tenant) == state(alone)
    assert "failed" not in statuses(run(transform_batch([group("Acme")], CONFIG), tenant.handle)[0])
    assert actions(sent).count("create company") + actions(sent).count("update company") <= 2 * log2(6) + 4


def test_a_person_is_not_linked_to_a_company_that_was_refused() -> None:
    tenant = sandbox()
    batch = together([group("Acme", since="soon"), identify(firstName="Ada"), group("Brix")], tenant.handle)
    assert statuses(batch) == ["failed", "delivered", "delivered"]
    (brix,) = tenant.companies
    (ada,) = tenant.people
    assert ada["companies"] == [{"Company_ID": brix["Gsid"]}]
    assert ada["FirstName"] == "Ada"


def refusing_finds_of(name: str, tenant: Sandbox) -> Send:
    def send(request: Request) -> Response:
        if isinstance(request, FindCompanies) and name in request.names:
            return REFUSAL
        return tenant.handle(request)

    return send


def test_a_refused_query_is_halved_until_the_name_at_fault_stands_alone() -> None:
    tenant = sandbox()
    batch = together(groups(RECORDS_PER_WRITE), refusing_finds_of("Company 31", tenant))
    assert statuses(batch) == all_but(31)
    assert str(batch.outcomes[31].error) == "find company: Gainsight refused the request (HTTP 400)"
    assert tenant.counts["create company"] <= 6
    assert len(tenant.companies) == 49


def test_a_query_that_is_refused_by_itself_fails_all_events_of_its_company_and_no_other() -> None:
    tenant = sandbox()
    events = [group("Acme", arr=1), group("Acme", arr=2), group("ACME", arr=3)]
    batch = together(events, refusing_finds_of("Acme", tenant))
    assert statuses(batch) == ["failed", "failed", "delivered"]
    assert [company["Name"] for company in tenant.companies] == ["ACME"]


def test_an_error_of_another_kind_that_stands_in_for_an_answer_ends_only_what_it_must() -> None:
    fault = ConfigError(("access_key", "is needed"))
    batch = transform_batch([group("Acme"), group("Brix")], CONFIG).next([ok()])
    batch = batch.next([fault])
    assert [len(request.body["records"]) for request in batch.requests] == [1]
    batch = batch.next([fault])
    batch = batch.next([ok({"Gsid": "1P02B"})])
    batch = batch.next([ok()])
    assert [(outcome.status, outcome.error) for outcome in batch.outcomes] == [("failed", fault), ("delivered", None)]


@pytest.mark.parametrize(
    "lost", [Response(500), DroppedConnectionError("lost"), RejectedError("create company", "no")], ids=repr
)
def test_the_other_half_of_a_refused_call_is_sent_also_if_the_first_half_does_not_get_through(lost: Any) -> None:
    batch = transform_batch([group("Acme", ADA), group("Brix", BOB)], CONFIG).next([ok()]).next([REFUSAL])
    assert [request.body["records"] for request in batch.requests] == [[{"Name": "Acme"}]]
    batch = batch.next([lost])
    assert [{"Name": "Brix"}] in [request.body.get("records") for request in batch.requests]


def test_a_half_that_was_not_sent_is_kept_with_its_other_half() -> None:
    batch = transform_batch([group("Acme", ADA), group("Brix", BOB)], CONFIG).next([ok()]).next([REFUSAL])
    assert batch.next([None]) == batch
    taken = batch.next([None]).next([ok({"Gsid": "1P02A"})])
    assert [request.body["records"] for request in taken.requests] == [[{"Name": "Brix"}]]


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", range(4))
def test_a_merged_person_that_is_refused_is_sent_again_event_by_event(bad: int) -> None:
    traits: list[Event] = [{"firstName": "Ada"}, {"lastName": "Lovelace"}, {"location": "London"}, {"plan": "gold"}]
    traits[bad] = {"vip": "perhaps"}
    events = [*(identify(ADA, **each) for each in traits), identify(BOB)]
    tenant, alone = sandbox(), sandbox()
    batch, sent = run(transform_batch(events, CONFIG), tenant.handle)
    assert statuses(batch) == ["failed" if place == bad else "delivered" for place in range(5)]
    assert actions(sent) == ["upsert person"] * 6
    for event in events:
        run(transform_batch([event], CONFIG), alone.handle)
    assert state(tenant) == state(alone)


def test_a_refused_link_is_sent_again_without_the_fields_that_it_was_merged_with() -> None:
    tenant = sandbox()
    batch = after_companies([group(), identify(vip="perhaps")], tenant.handle)
    batch, sent = run(batch, tenant.handle)
    assert actions(sent) == ["link person", "link person", "upsert person"]
    assert statuses(batch) == ["delivered", "failed"]
    assert isinstance(batch.outcomes[1].error, RejectedError)
    assert batch.outcomes[1].error.action == "upsert person"


def test_what_comes_behind_a_refused_person_is_merged_again() -> None:
    words = ["perhaps", True, False, True]
    _, sent = run(transform_batch([identify(vip=word) for word in words], CONFIG), sandbox().handle)
    assert [request.body["Vip__gc"] for request in sent] == ["perhaps", True]


# --- track events -----------------------------------------------------------------------------------------------------


def test_a_refused_track_event_fails_and_the_next_ones_go() -> None:
    batch = transform_batch([track(1), track(2)], CONFIG).next([REFUSAL]).next([ok()])
    assert statuses(batch) == ["failed", "delivered"]
    assert isinstance(batch.outcomes[0].error, ResponseError)
    assert batch.outcomes[0].error.action == "send event"
