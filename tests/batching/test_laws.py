"""The laws of a batch, against the sandbox: what becomes of each event, and of the tenant, is what one by one gives."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import EventError, Request, Response, ResponseError
from gainsight_dest.batching.batch import transform_batch
from gainsight_dest.fields import linked_companies
from gainsight_dest.known.known import Known
from gainsight_dest.outcome import Outcome, Status, begin, known
from gainsight_dest.sandbox import FAULTS, Content, PlannedFault, Sandbox
from tests.batching.some import (
    BOB,
    CONFIG,
    WIRES,
    Send,
    Wire,
    answer,
    folded_content,
    folding,
    in_batches,
    sandbox,
    state,
    together,
    untrue,
)
from tests.some import ADA, group, identify, track

# --- events -----------------------------------------------------------------------------------------------------------

emails = st.sampled_from([ADA, "ADA@example.com", BOB, "no email"])
names = st.sampled_from(["Acme", "ACME", "Acme ", "Brix", "Cora", "Dyne"])
dates = st.sampled_from(["2024-01-01", "2025-12-31", "2025-02-30", "2024-01-01T10:00:00Z", "soon", "never", ""])
words = st.sampled_from(["gold", "silver", "", "x" * 501, "true", "12", 12, 1.5, True, False, ["a"], {"b": 1}])
person_traits = st.fixed_dictionaries(
    {},
    optional={
        "firstName": st.sampled_from(["Ada", "Bob", ["Ada"]]),
        "emailOptOut": st.sampled_from([True, False, "true", "perhaps"]),
        "linkedinUrl": st.sampled_from(["https://a.co", "http://b.co/c", "me"]),
        "timezone": st.sampled_from(["Europe/London", "GMT"]),
        "since": dates,
        "vip": words,
        "plan": words,
        "hue": st.sampled_from(["red"]),
    },
)
company_traits = st.fixed_dictionaries(
    {},
    optional={
        "employees": st.integers(0, 3),
        "arr": st.sampled_from([1, 2.5, "3", "much"]),
        "originalContractDate": dates,
        "stage": st.sampled_from(["1", "2"]),
        "industry": st.sampled_from(["Anvils", "Beer"]),
        "since": dates,
        "seats": words,
        "plan": words,
    },
)
identifies = st.builds(lambda email, traits: identify(email, **traits), emails, person_traits)
groups = st.builds(lambda name, email, traits: group(name, email, **traits), names, emails, company_traits)
tracks = st.builds(
    lambda event, n: track(event, n=n),
    st.sampled_from(["Ticket Closure", "Ticket Closure", "Ticket Opened"]),
    st.integers(0, 9),
)
others = st.sampled_from(
    [{"type": "page"}, {"type": "identify"}, {"type": "track", "integrations": {"All": False}}, {}]
)
event_lists = st.lists(st.one_of(identifies, groups, groups, tracks, others), max_size=16)
#: Where nothing is refused but for what the event itself is, so that all ends in one state whatever the way there.
good_events = st.lists(
    st.one_of(
        st.builds(
            lambda email, n: identify(email, firstName=f"{n}") | {"messageId": f"{n}"},
            st.sampled_from([ADA, BOB]),
            st.integers(0, 9),
        ),
        st.builds(
            lambda name, n: group(name, employees=n, stage=f"{n % 3}"),
            st.sampled_from(["Acme", "Brix", "Cora"]),
            st.integers(0, 9),
        ),
        tracks,
    ),
    max_size=10,
)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """What a tenant may hold beforehand: also two companies of one Name."""
    companies = [
        {"Gsid": f"OLD{number}", "Name": name, "Summary": "old"}
        for number, name in enumerate(draw(st.lists(names, max_size=4)))
    ]
    people = [
        {"Email": email, "Comments": "old", "companies": [{"Company_ID": each["Gsid"]} for each in companies[:1]]}
        for email in draw(st.sets(emails))
        if "@" in email
    ]
    return {"people": people, "companies": companies, "events": []}


# --- delivery ---------------------------------------------------------------------------------------------------------


def one_by_one(events: list[Any], send: Send) -> list[Outcome]:
    """What the three lines of the README make of each event."""
    outcomes = []
    for index, event in enumerate(events):
        begun = begin(index, event, CONFIG)
        if isinstance(begun, Outcome):
            outcomes.append(begun)
            continue
        request: Request | None = begun
        gsid, error = None, None
        try:
            while request is not None:
                request = request.next(send(request))
                if request is not None and (linked := linked_companies(request.body)):
                    (gsid,) = linked
        except ResponseError as fault:
            error = fault
        outcomes.append(known(index, event, Status.FAILED if error else Status.DELIVERED, error=error, gsid=gsid))
    return outcomes


def told(outcomes: Iterable[Outcome], tenant: Sandbox) -> list[Any]:
    """The outcomes, but for what differs from call to call; companies by their Names."""
    companies = {company["Gsid"]: company["Name"] for company in tenant.companies}
    return [
        (each.index, each.message_id, each.type, each.status, each.reason, _told(each.error), companies.get(each.gsid))
        for each in outcomes
    ]


def _told(error: Exception | None) -> Any:
    if isinstance(error, ResponseError):
        return type(error), error.action, error.problem, error.status, error.code, error.field_errors
    return error


@given(event_lists, contents(), st.sampled_from(WIRES))
def test_a_batch_ends_in_the_state_and_with_the_outcomes_of_one_by_one(
    events: list[Any], content: dict[str, Any], wire: Wire
) -> None:
    alone, batched = sandbox(Content.from_data(content)), sandbox(Content.from_data(content))
    outcomes = one_by_one(events, lambda request: wire(alone.handle(request)))
    batch = together(events, lambda request: wire(batched.handle(request)))
    assert told(batch.outcomes, batched) == told(outcomes, alone)
    assert state(batched) == state(alone)
    assert sum(outcome.calls for outcome in batch.outcomes) == sum(batched.counts.values())


PASSING = sorted(
    kind for kind in FAULTS if kind not in {"401", "result-false", "slow"} and not kind.startswith("nothing")
)


@given(good_events, st.sampled_from(PASSING), st.integers(1, 12))
def test_with_a_fault_at_any_call_that_passes_it_ends_in_the_state_of_none(
    events: list[Any], kind: str, number: int
) -> None:
    calm, faulty = sandbox(), sandbox(faults=[PlannedFault(kind, calls=(number,))])
    assert told(together(events, faulty.handle).outcomes, faulty) == told(together(events, calm.handle).outcomes, calm)
    people, companies, sent = state(faulty)
    assert (people, companies) == state(calm)[:2]
    assert _without_repeats(sent) == _without_repeats(calm.events)
    assert len(sent) <= len(calm.events) + FAULTS[kind].is_done


def _without_repeats(sent: list[Any]) -> list[Any]:
    """An event whose answer was lost comes twice, one right after the other, and so may two that are alike."""
    return [event for place, event in enumerate(sent) if place == 0 or sent[place - 1] != event]


@given(good_events, st.sampled_from(["401", "result-false"]), st.integers(1, 12))
def test_after_a_fault_that_ends_events_what_is_not_delivered_is_delivered_by_a_second_batch(
    events: list[Any], kind: str, number: int
) -> None:
    calm, faulty = sandbox(), sandbox(faults=[PlannedFault(kind, calls=(number,))])
    together(events, calm.handle)
    first = together(events, faulty.handle).outcomes
    ended = [
        outcome.index for outcome in first if outcome.status == "not tried" or isinstance(outcome.error, ResponseError)
    ]
    if kind == "result-false" and ended:  # whoever finds out that it was none sends all again from there
        ended = [*range(ended[0], len(events))]
    fixed = sandbox(faulty.content)
    together([events[index] for index in ended if events[index]["type"] != "track"], fixed.handle)
    assert state(fixed)[:2] == state(calm)[:2]


@given(event_lists, st.sampled_from(WIRES))
def test_a_batch_is_a_value_at_every_step(events: list[Any], wire: Wire) -> None:
    tenant = sandbox()
    batch, other = transform_batch(events, CONFIG), transform_batch(iter(events), CONFIG)
    assert len(batch) == len(batch.outcomes) == len(events)
    while batch.requests:
        requests = batch.requests
        stored = pickle.loads(pickle.dumps(batch))
        assert stored == batch == other
        assert stored.requests == requests
        answers = [wire(tenant.handle(request)) for request in requests]
        before = batch.outcomes
        other, batch = stored.next(answers), batch.next(answers)
        assert (stored.requests, stored.outcomes) == (requests, before), "nothing of it changes"
    assert all(outcome.status != "not tried" for outcome in batch.outcomes)


# --- what is known ----------------------------------------------------------------------------------------------------

#: In each list one batch; all of it comes twice, so that much is known.
batches_of_events = st.lists(event_lists, max_size=3).map(lambda batches: batches * 2)
batches_of_good_events = st.lists(good_events, max_size=3).map(lambda batches: batches * 2)
#: Faults that meet a few of the calls, one after the other or apart.
passing_faults = st.lists(
    st.builds(
        lambda kind, calls: PlannedFault(kind, calls=tuple(sorted(calls))),
        st.sampled_from(PASSING),
        st.sets(st.integers(1, 20), min_size=1, max_size=3),
    ),
    max_size=3,
)


def _as_if_delivered(outcomes: Iterable[Outcome], tenant: Sandbox) -> list[Any]:
    sent = (
        attrs.evolve(each, status=Status.DELIVERED) if each.status is Status.UNCHANGED else each for each in outcomes
    )
    return told(sent, tenant)


@given(batches_of_events, contents(), st.sampled_from(WIRES))
def test_what_is_known_changes_neither_the_state_nor_the_outcomes(
    batches: list[list[Any]], content: dict[str, Any], wire: Wire
) -> None:
    plain, knowing = sandbox(Content.from_data(content)), sandbox(Content.from_data(content))
    expected, _ = in_batches(batches, lambda request: wire(plain.handle(request)), None)
    outcomes, _ = in_batches(batches, lambda request: wire(knowing.handle(request)), Known())
    assert _as_if_delivered(outcomes, knowing) == told(expected, plain)
    assert state(knowing) == state(plain)
    assert sum(outcome.calls for outcome in outcomes) == sum(knowing.counts.values())
    assert all(not outcome.calls for outcome in outcomes if outcome.status == "unchanged")


@given(st.one_of(batches_of_events, batches_of_good_events), contents(), passing_faults)
def test_with_faults_that_pass_what_is_known_ends_in_the_state_of_none(
    batches: list[list[Any]], content: dict[str, Any], faults: list[PlannedFault]
) -> None:
    calm, faulty = sandbox(Content.from_data(content)), sandbox(Content.from_data(content), faults)
    expected, _ = in_batches(batches, calm.handle, None)
    outcomes, _ = in_batches(batches, faulty.handle, Known())
    assert [each.is_through for each in outcomes] == [each.is_through for each in expected]
    people, companies, sent = state(faulty)
    assert (people, companies) == state(calm)[:2]
    assert _without_repeats(sent) == _without_repeats(calm.events)


@given(good_events, good_events, st.sampled_from(["401", "result-false"]), st.integers(1, 12))
def test_after_a_fault_that_ends_events_what_is_known_hides_none_of_those_that_are_sent_again(
    before: list[Any], events: list[Any], kind: str, number: int
) -> None:
    calm, fixed = sandbox(), sandbox()
    in_batches([before, events], calm.handle, None)
    _, known_before = in_batches([before], fixed.handle, Known())
    faulty = sandbox(fixed.content, faults=[PlannedFault(kind, calls=(number,))])
    outcomes, known_after = in_batches([events], faulty.handle, known_before)
    ended = [each.index for each in outcomes if each.status == "not tried" or isinstance(each.error, ResponseError)]
    if kind == "result-false" and ended:
        ended = [*range(ended[0], len(events))]
    again = [events[index] for index in ended if events[index]["type"] != "track"]
    in_batches([again], sandbox(faulty.content).handle, known_after)
    assert state(fixed)[:2] == state(calm)[:2]


@given(st.one_of(batches_of_events, batches_of_good_events), contents(), st.sampled_from(WIRES), passing_faults)
def test_nothing_is_taken_for_known_that_gainsight_has_not(
    batches: list[list[Any]], content: dict[str, Any], wire: Wire, faults: list[PlannedFault]
) -> None:
    tenant, known_before = sandbox(Content.from_data(content), faults), Known()
    for events in batches:
        batch = transform_batch(events, CONFIG, known=known_before)
        identities = _identities([*events, *batches[0]])
        while requests := batch.requests:
            answers = [_answered(request, wire, tenant) for request in requests]
            # Before it hears the answers.
            assert not untrue(known_before.learn(batch.learned, at=1), tenant, identities)
            batch = batch.next(answers)
            assert not untrue(known_before.learn(batch.learned, at=1), tenant, identities)
        known_before = known_before.learn(batch.learned, at=1)


@given(batches_of_events, contents())
def test_nothing_is_taken_for_known_where_gainsight_holds_two_spellings_of_a_key_for_one(
    batches: list[list[Any]], content: dict[str, Any]
) -> None:
    plain, knowing = (sandbox(Content.from_data(folded_content(content))) for _ in range(2))
    expected, _ = in_batches(batches, folding(plain), None)
    outcomes, _ = in_batches(batches, folding(knowing), Known())
    assert _as_if_delivered(outcomes, knowing) == told(expected, plain)
    assert state(knowing) == state(plain)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[Content], Content]:
    """What somebody else does to the records: changes some, and deletes others, with all links to them."""
    emails_gone, names_gone = draw(st.sets(emails, max_size=1)), draw(st.sets(names, max_size=2))
    person, company = draw(st.sampled_from(["Zoe", None])), draw(st.sampled_from([99, None]))

    def change(content: Content) -> Content:
        data = content.as_data()
        companies = [each for each in data["companies"] if each["Name"] not in names_gone]
        people = [each for each in data["people"] if each["Email"] not in emails_gone]
        there = {each["Gsid"] for each in companies}
        for each in people:
            each["companies"] = [link for link in each["companies"] if link["Company_ID"] in there]
        return Content.from_data(
            {
                "companies": [each | ({"Employees": company} if company else {}) for each in companies],
                "people": [each | ({"FirstName": person} if person else {}) for each in people],
                "events": data["events"],
            }
        )

    return change


@given(batches_of_good_events, batches_of_good_events, changes())
def test_what_somebody_else_changes_is_right_again_once_all_is_sent_that_was_told_before(
    before: list[list[Any]], after: list[list[Any]], change: Callable[[Content], Content]
) -> None:
    def end(first: Known | None) -> Any:
        tenant = sandbox()
        _, second = in_batches(before, tenant.handle, first, at=0)
        tenant.content = change(tenant.content)
        _, third = in_batches(after, tenant.handle, second, at=1000)
        fresh = None if third is None else third.since(1000)
        outcomes, _ = in_batches([*before, *after], tenant.handle, fresh, at=2000)
        assert not any(isinstance(each.error, ResponseError) for each in outcomes)
        return state(tenant)[:2]

    assert end(Known()) == end(None)


@given(batches_of_good_events, changes(), st.sampled_from(WIRES))
def test_companies_that_somebody_deletes_cost_no_event(
    batches: list[list[Any]], change: Callable[[Content], Content], wire: Wire
) -> None:
    tenant = sandbox()
    _, known_before = in_batches(batches, tenant.handle, Known())
    tenant.content = change(tenant.content)
    outcomes, _ = in_batches(batches, lambda request: wire(tenant.handle(request)), known_before)
    there = {each["Gsid"] for each in tenant.companies}
    assert not any(isinstance(each.error, ResponseError) for each in outcomes)
    assert all(each.gsid in there for each in outcomes if each.gsid and each.status == "delivered")


#: As many companies as a call takes no more of, each spelled in one way; nothing is refused.
many_companies = st.builds(
    lambda name, email, n: group(f"Company {name}", email, employees=n, stage=f"{n % 3}"),
    st.integers(0, 120),
    st.sampled_from([ADA, BOB]),
    st.integers(0, 3),
)


@given(
    st.lists(st.one_of(good_events, st.lists(many_companies, max_size=120)), max_size=3).map(lambda each: each * 2),
    st.sets(st.integers(0, 120)),
    st.sampled_from(WIRES),
)
def test_what_is_known_costs_no_call_more(batches: list[list[Any]], there: set[int], wire: Wire) -> None:
    held = [{"Gsid": f"OLD{number}", "Name": f"Company {number}"} for number in there]
    content = {"people": [], "companies": held, "events": []}
    plain, knowing = sandbox(Content.from_data(content)), sandbox(Content.from_data(content))
    told_before: Known | None = Known()
    for events in batches:
        before = plain.counts.total(), knowing.counts.total()
        in_batches([events], lambda request: wire(plain.handle(request)), None)
        _, told_before = in_batches([events], lambda request: wire(knowing.handle(request)), told_before)
        assert knowing.counts.total() - before[1] <= plain.counts.total() - before[0]


@given(event_lists, event_lists, st.sampled_from(WIRES))
def test_a_batch_that_knows_something_is_a_value_at_every_step(
    before: list[Any], events: list[Any], wire: Wire
) -> None:
    tenant = sandbox()
    _, known_before = in_batches([before], tenant.handle, Known(b"salt"))
    batch, other = (transform_batch(events, CONFIG, known=known_before) for _ in range(2))
    while requests := batch.requests:
        stored = pickle.loads(pickle.dumps(batch))
        assert stored == batch == other
        assert stored.requests == requests
        assert stored.learned == batch.learned
        answers = [wire(tenant.handle(request)) for request in requests]
        other, batch = stored.next(answers), batch.next(answers)
    learnt = known_before and known_before.learn(batch.learned, at=1)
    assert pickle.loads(pickle.dumps(learnt)) == learnt


def _answered(request: Request, wire: Wire, tenant: Sandbox) -> Response | Exception:
    """The answer as it is heard: one that is broken cannot be changed any more."""
    given_answer = answer(request, tenant.handle)
    try:
        return wire(given_answer) if isinstance(given_answer, Response) else given_answer
    except (ValueError, KeyError, TypeError, AttributeError):
        return given_answer


def _identities(events: list[Any]) -> set[tuple[str, str]]:
    firsts = (begin(0, event, CONFIG) for event in events)
    return {identity for first in firsts if isinstance(first, Request) for identity in first.records}


def test_an_event_error_may_stand_in_for_an_event() -> None:
    (outcome,) = transform_batch([EventError("the line", "is no JSON")], CONFIG).outcomes
    assert (outcome.status, outcome.error) == ("failed", EventError("the line", "is no JSON"))
