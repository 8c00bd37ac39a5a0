"""What is left to send of one event, by what is known, and what is learnt: each rule, then against the sandbox."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    CredentialsError,
    DestinationConfig,
    RejectedError,
    Request,
    Response,
    ResponseError,
    RetryableError,
    ThrottledError,
    transform,
)
from gainsight_dest.batching.ledger import response_of
from gainsight_dest.descriptors import FindCompany, UpdateCompany, UpsertPerson
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.known import Known, Told
from gainsight_dest.known.recall import Recall
from gainsight_dest.outcome import Outcome, Status, begin
from gainsight_dest.outcome import known as outcome_of
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from tests.batching.some import (
    CONFIG,
    WIRES,
    Send,
    Wire,
    answer,
    folded_content,
    folding,
    ok,
    sandbox,
    state,
    untrue,
)
from tests.batching.test_laws import (
    batches_of_events,
    batches_of_good_events,
    changes,
    contents,
    one_by_one,
    passing_faults,
    told,
)
from tests.some import ADA, Event, group, identify, track

DIGESTS = Known().digests(CONFIG)
ACME, ADAS = DIGESTS.record(COMPANY.identity("Acme")), DIGESTS.record(PERSON.identity(ADA))
SAVED = ok({"Name": "Acme", "Gsid": "1A"})


def company(gsid: str | None = "1A", name: str = "Acme", **fields: Any) -> Told:
    return DIGESTS.told(COMPANY, {"Name": name, **fields}, gsid)


def person(email: str = ADA, **fields: Any) -> Told:
    return DIGESTS.told(PERSON, {"Email": email, **fields})


def linked(gsid: str = "1A") -> Told:
    return DIGESTS.told(PERSON, company_link(ADA, gsid))


def first_of(event: Event, **known: Told) -> tuple[Recall, Request | None]:
    """`known`: by whom: company, person."""
    records = {"company": ACME, "person": ADAS}
    recall = Recall(DIGESTS, {records[name]: each for name, each in known.items()})
    return recall, recall.left_of(transform(event, CONFIG))


def find(**fields: Any) -> FindCompany:
    return FindCompany(CONFIG, {"Name": "Acme", **fields}, ADA)


def update(**fields: Any) -> UpdateCompany:
    return UpdateCompany(CONFIG, {"Name": "Acme", **fields}, ADA)


def link(gsid: str = "1A") -> UpsertPerson:
    return UpsertPerson(CONFIG, company_link(ADA, gsid))


# --- what is left -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ({}, find(Employees=7)),
        ({"company": company(Employees=6)}, update(Employees=7)),
        ({"company": company(Employees=7)}, link()),
        ({"company": company(Employees=7, Stage="1"), "person": person(FirstName="Ada")}, link()),
        ({"company": company(Employees=7), "person": linked("1B")}, link()),
        ({"company": company(Employees=7), "person": linked()}, None),
        ({"company": company(Employees=6), "person": linked()}, update(Employees=7)),
        # It is not known that there is a company of that very spelling, or which.
        ({"company": company(name="ACME", Employees=7)}, find(Employees=7)),
        ({"company": company(None, Employees=7)}, find(Employees=7)),
    ],
)
def test_of_a_group_only_what_is_not_known_is_left(known: dict[str, Told], left: Request | None) -> None:
    recall, first = first_of(group(employees=7), **known)
    assert first == left
    assert recall.gsid == ("1A" if left in (link(), None) else None)
    assert recall.learned == {}


def test_a_group_without_a_person_ends_with_its_company() -> None:
    whole = FindCompany(CONFIG, {"Name": "Acme", "Employees": 7}, "")
    recall = Recall(DIGESTS, {ACME: company(Employees=7)})
    assert recall.left_of(whole) is None
    assert recall.gsid == "1A"
    recall = Recall(DIGESTS, {ACME: company()})
    first = recall.left_of(whole)
    assert first == UpdateCompany(CONFIG, {"Name": "Acme", "Employees": 7}, "")
    assert recall.took(first, SAVED, first.next(SAVED)) is None
    assert recall.learned == {ACME: company(Employees=7)}


@pytest.mark.parametrize(
    ("known", "is_left"),
    [
        ({}, True),
        ({"person": person(FirstName="Ada", Name="Ada")}, False),
        ({"person": person(FirstName="Bob", Name="Ada")}, True),
        ({"person": person(ADA.upper(), FirstName="Ada", Name="Ada")}, True),
        ({"person": linked()}, True),
    ],
)
def test_a_person_who_is_known_is_not_sent(known: dict[str, Told], is_left: bool) -> None:
    event = identify(firstName="Ada")
    assert first_of(event, **known)[1] == (transform(event, CONFIG) if is_left else None)


def test_a_track_event_is_always_sent() -> None:
    recall, first = first_of(track())
    assert first == transform(track(), CONFIG)
    assert recall.took(first, ok(), None) is None
    assert recall.failed(first, RetryableError("send event", "lost")) is None
    assert recall.learned == {}


def test_a_company_that_may_just_have_been_created_is_looked_for() -> None:
    recall, _ = first_of(group(), company=company())
    looking = FindCompany(CONFIG, {"Name": "Acme"}, ADA, 2)
    assert recall.left_of(looking) == looking


# --- what is learnt ---------------------------------------------------------------------------------------------------


def learnt(event: Event, answers: Iterable[Any], **known: Told) -> dict[bytes, Told | None]:
    """What the answers teach: Responses, and errors that stand in for one. The request is sent again after these."""
    recall, request = first_of(event, **known)
    for each in answers:
        assert request is not None
        if isinstance(each, Response):
            request = recall.took(request, each, request.next(each))
        else:
            request = recall.failed(request, each) or request
    return recall.learned


EMPTY = ok()
LOST, THROTTLED = RetryableError("find", "no answer"), ThrottledError("find", "too many")
REFUSED, WRONG_KEY = RejectedError("find", "no"), CredentialsError("find", "wrong key")


@pytest.mark.parametrize(
    ("known", "answers", "expected"),
    [
        # Nothing was known: what is told is all that is known.
        ({}, [EMPTY], {ACME: None}),
        ({}, [EMPTY, SAVED], {ACME: "all"}),
        ({}, [EMPTY, SAVED, EMPTY], {ACME: "all", ADAS: "all"}),
        ({}, [ok({"Name": "Acme"})], {}),
        ({}, [ok({"Name": "Acme"}), SAVED, EMPTY], {ACME: "all", ADAS: "all"}),
        # It is added to what was known.
        ({"company": company(Stage="1")}, [SAVED], {ACME: "more"}),
        ({"company": company(Stage="1"), "person": person()}, [SAVED, EMPTY], {ACME: "more", ADAS: "more"}),
        ({"company": company(Employees=7)}, [EMPTY], {ADAS: "all"}),
        # What was sent and not answered is not known, until it is answered.
        ({"company": company()}, [LOST], {ACME: None}),
        ({"company": company()}, [LOST, SAVED], {ACME: "more"}),
        ({"company": company(Employees=7)}, [LOST], {ADAS: None}),
        ({}, [LOST], {}),
        ({"company": company()}, [THROTTLED], {}),
        ({"company": company(Employees=7)}, [THROTTLED, WRONG_KEY], {ADAS: None}),
        # The company is not there any more: nothing is known of it, until it is told anew.
        ({"company": company()}, [REFUSED], {ACME: None}),
        ({"company": company()}, [REFUSED, EMPTY, SAVED], {ACME: "all"}),
        ({"company": company(Employees=7)}, [REFUSED, EMPTY, SAVED, EMPTY], {ACME: "all", ADAS: "all"}),
        # It is refused once more: it is at fault.
        ({"company": company(Employees=7)}, [REFUSED, EMPTY, SAVED, REFUSED], {ACME: "all", ADAS: None}),
        ({"company": company()}, [REFUSED, ok({"Name": "Acme"}), REFUSED], {ACME: None}),
    ],
)
def test_what_is_answered_is_known_and_nothing_else(
    known: dict[str, Told], answers: list[Any], expected: dict[bytes, str | None]
) -> None:
    lessons = {ACME: company(Employees=7), ADAS: linked()}
    said = {
        record: each if each is None else (each.fields, each.links, each.gsid, each.is_all)
        for record, each in learnt(group(employees=7), answers, **known).items()
    }
    assert said == {
        record: word and (lessons[record].fields, lessons[record].links, lessons[record].gsid, word == "all")
        for record, word in expected.items()
    }


def test_an_event_begins_anew_once() -> None:
    recall, first = first_of(group(employees=7), company=company())
    assert first == update(Employees=7)
    assert recall.failed(first, REFUSED) == find(Employees=7)
    assert recall.failed(update(Employees=7), REFUSED) is None


def test_a_link_that_is_refused_for_a_known_gsid_begins_its_event_anew() -> None:
    recall, first = first_of(group(employees=7), company=company(Employees=7))
    assert first == link()
    assert recall.failed(first, REFUSED) == find(Employees=7)
    assert recall.gsid is None


def test_a_link_that_is_refused_for_a_gsid_of_this_event_has_failed() -> None:
    recall, first = first_of(group(employees=7), company=company())
    assert first is not None
    second = recall.took(first, SAVED, first.next(SAVED))
    assert second == link()
    assert recall.failed(second, REFUSED) is None
    assert recall.learned[ADAS] is None


def test_only_requests_about_records_are_learnt_of() -> None:
    with pytest.raises(TypeError, match="SendEvent is about no record"):
        Recall(DIGESTS, {})._record(transform(track(), CONFIG))


# --- against the sandbox ----------------------------------------------------------------------------------------------


def alone(
    events: list[Any],
    send: Send,
    known: Known,
    *,
    at: float = 0.0,
    tries: int = 12,
    config: DestinationConfig = CONFIG,
) -> tuple[list[Outcome], Known]:
    """Each event by itself, tried again after what may pass, and what is known in the end: of each a second later."""
    outcomes = []
    digests = known.digests(config)
    for index, event in enumerate(events):
        begun = begin(index, event, config)
        if isinstance(begun, Outcome):
            outcomes.append(begun)
            continue
        recall = Recall(digests, known.view(digests.records(begun.records)))
        error, calls, gsid = _delivered(recall, begun, send, tries)
        known = known.learn(recall.learned, at + index)
        status = Status.FAILED if error else Status.DELIVERED if calls else Status.UNCHANGED
        outcomes.append(outcome_of(index, event, status, error=error, calls=calls, gsid=gsid))
    return outcomes, known


def _delivered(recall: Recall, begun: Request, send: Send, tries: int) -> tuple[ResponseError | None, int, str | None]:
    """Why it has failed, the calls, and the company's Gsid."""
    request, calls, failures = recall.left_of(begun), 0, 0
    gsid = recall.gsid
    while request is not None:
        calls += 1
        try:
            response = response_of(request.action, answer(request, send))
            following = request.next(response)
        except ResponseError as error:
            anew = recall.failed(request, error)
            failures += 1
            if anew is not None:
                request = anew
            elif isinstance(error, RetryableError) and failures < tries:
                request = request if isinstance(error, ThrottledError) else request.after(error)
            else:
                return error, calls, gsid
            continue
        gsid = (following and following.gsid) or gsid
        request = recall.took(request, response, following)
    return None, calls, gsid


def as_if_delivered(outcomes: Iterable[Outcome], tenant: Sandbox) -> list[Any]:
    return [
        tuple("delivered" if part is Status.UNCHANGED else part for part in each) for each in told(outcomes, tenant)
    ]


@given(batches_of_events, contents(), st.sampled_from(WIRES[:4]))
def test_what_is_known_changes_neither_the_state_nor_the_outcomes(
    batches: list[list[Any]], content: dict[str, Any], wire: Wire
) -> None:
    events = [*chain(*batches)]
    plain, knowing = sandbox(Content.from_data(content)), sandbox(Content.from_data(content))
    expected = one_by_one(events, lambda request: wire(plain.handle(request)))
    outcomes, _ = alone(events, lambda request: wire(knowing.handle(request)), Known())
    assert as_if_delivered(outcomes, knowing) == told(expected, plain)
    assert state(knowing) == state(plain)
    assert knowing.counts.total() == sum(each.calls for each in outcomes)


@given(batches_of_good_events)
def test_what_is_known_costs_no_call_more(batches: list[list[Any]]) -> None:
    plain, knowing = sandbox(), sandbox()
    known = Known()
    for events in batches:
        before = plain.counts.total(), knowing.counts.total()
        one_by_one(events, plain.handle)
        _, known = alone(events, knowing.handle, known)
        assert knowing.counts.total() - before[1] <= plain.counts.total() - before[0]


@given(batches_of_events, contents())
def test_two_spellings_of_a_key_may_be_one_record(batches: list[list[Any]], content: dict[str, Any]) -> None:
    events = [*chain(*batches)]
    plain, knowing = (sandbox(Content.from_data(folded_content(content))) for _ in range(2))
    one_by_one(events, folding(plain))
    alone(events, folding(knowing), Known())
    assert state(knowing) == state(plain)


@given(batches_of_good_events, passing_faults)
def test_with_faults_that_pass_it_ends_in_the_state_of_none(
    batches: list[list[Any]], faults: list[PlannedFault]
) -> None:
    events = [*chain(*batches)]
    calm, faulty = sandbox(), sandbox(faults=faults)
    one_by_one(events, calm.handle)
    alone(events, faulty.handle, Known())
    assert state(faulty)[:2] == state(calm)[:2]


@given(st.one_of(batches_of_events, batches_of_good_events), contents(), passing_faults, st.integers(1, 3))
def test_nothing_is_taken_for_known_that_gainsight_has_not(
    batches: list[list[Any]], content: dict[str, Any], faults: list[PlannedFault], tries: int
) -> None:
    events = [*chain(*batches)]
    tenant, known = sandbox(Content.from_data(content), faults), Known()
    firsts = [begin(0, event, CONFIG) for event in events]
    identities = {identity for first in firsts if isinstance(first, Request) for identity in first.records}
    for place, event in enumerate(events):
        _, known = alone([event], tenant.handle, known, at=place, tries=tries)
        assert not untrue(known, tenant, identities)


@given(batches_of_good_events, batches_of_good_events, changes())
def test_what_somebody_else_changes_is_right_again_once_all_is_sent_that_was_told_before(
    before: list[list[Any]], after: list[list[Any]], change: Any
) -> None:
    first, second = [*chain(*before)], [*chain(*after)]
    plain, knowing = sandbox(), sandbox()
    one_by_one(first, plain.handle)
    _, known = alone(first, knowing.handle, Known())
    for tenant in (plain, knowing):
        tenant.content = change(tenant.content)
    one_by_one(second, plain.handle)
    _, known = alone(second, knowing.handle, known, at=1000)
    one_by_one([*first, *second], plain.handle)
    outcomes, _ = alone([*first, *second], knowing.handle, known.since(1000), at=2000)
    there = {each["Gsid"] for each in knowing.companies}
    assert state(knowing)[:2] == state(plain)[:2]
    assert not any(isinstance(each.error, ResponseError) for each in outcomes)
    assert all(each.gsid in there for each in outcomes if each.gsid and each.status == "delivered")
