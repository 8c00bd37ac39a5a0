"""The laws of a batch, against the sandbox: what becomes of each event, and of the tenant, is what one by one gives."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import EventError, Request, ResponseError
from gainsight_dest.batching.batch import transform_batch
from gainsight_dest.fields import linked_companies
from gainsight_dest.outcome import Outcome, Status, begin, known
from gainsight_dest.sandbox import FAULTS, Content, PlannedFault, Sandbox
from tests.batching.some import BOB, CONFIG, WIRES, Send, Wire, sandbox, state, together
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


def test_an_event_error_may_stand_in_for_an_event() -> None:
    (outcome,) = transform_batch([EventError("the line", "is no JSON")], CONFIG).outcomes
    assert (outcome.status, outcome.error) == ("failed", EventError("the line", "is no JSON"))
