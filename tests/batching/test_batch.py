"""What a batch asks for, in which order, and what it tells of each event."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    FindCompany,
    PreparedEvent,
    Reply,
    Response,
    RetryableError,
    UpsertPerson,
    transform,
)
from gainsight_dest.batching.batch import transform_batch
from gainsight_dest.batching.requests import CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.outcome import Outcome, Status
from tests.batching.some import BOB, CONFIG, actions, after_companies, groups, ok, run, sandbox, statuses, track
from tests.some import ADA, Event, group, identify

# --- companies --------------------------------------------------------------------------------------------------------


def test_one_query_asks_for_fifty_names_and_the_next_for_what_is_left() -> None:
    first, second = transform_batch(groups(51), CONFIG).requests
    assert first == FindCompanies(CONFIG, tuple(f"Company {number}" for number in range(50)))
    assert second == FindCompanies(CONFIG, ("Company 50",))


def test_the_query_for_one_company_is_that_of_the_event_alone() -> None:
    (request,) = transform_batch([group()], CONFIG).requests
    assert request.as_dict() == transform(group(), CONFIG).as_dict()


def test_creates_and_updates_go_fifty_to_a_call() -> None:
    tenant = sandbox()
    run(transform_batch(groups(120), CONFIG), tenant.handle)
    assert tenant.counts == {"find company": 3, "create company": 3, "link person": 120}
    run(transform_batch(groups(120), CONFIG), tenant.handle)
    assert tenant.counts == {"find company": 6, "create company": 3, "update company": 3, "link person": 240}
    assert len(tenant.companies) == 120


def test_what_is_found_is_updated_and_the_rest_is_created() -> None:
    batch = transform_batch([group("Acme"), group("Brix"), group("Cora")], CONFIG).next([ok({"Name": "Brix"})])
    assert batch.requests == (
        CreateCompanies(CONFIG, ({"Name": "Acme"}, {"Name": "Cora"})),
        UpdateCompanies(CONFIG, ({"Name": "Brix"},)),
    )


def test_several_events_of_one_company_become_one_record_with_later_values_over_earlier() -> None:
    events = [
        group("Acme", employees=1, summary="first"),
        group("Brix"),
        group("Acme", BOB, employees=2),
        group("Acme", summary="last", arr=10),
    ]
    tenant = sandbox()
    _, sent = run(transform_batch(events, CONFIG), tenant.handle)
    acme = {"Name": "Acme", "Employees": 2, "Summary": "last", "Arr": 10}
    assert sent[1] == CreateCompanies(CONFIG, (acme, {"Name": "Brix"}))
    assert actions(sent) == ["find company", "create company", "link person", "link person"]


def test_names_that_differ_only_in_case_or_spaces_are_written_one_after_the_other() -> None:
    events = [group("Acme", employees=1), group("ACME", employees=2), group(" acme", employees=3), group("Brix")]
    _, sent = run(transform_batch(events, CONFIG), sandbox().handle)
    written = [request.body["records"] for request in sent if "create" in request.action]
    assert [[record["Name"] for record in records] for records in written] == [["Acme", "Brix"], ["ACME"], [" acme"]]
    sought = [request.names for request in sent if isinstance(request, FindCompanies)]
    assert sought == [("Acme", "Brix"), ("ACME",), (" acme",)], "each may or may not be another company"


def test_a_value_whose_refusal_would_be_hidden_by_a_later_one_is_written_first_by_itself() -> None:
    events = [group(seats=1), group(seats=2), group(seats="many"), group(seats=3)]
    tenant = sandbox()
    batch, sent = run(transform_batch(events, CONFIG), tenant.handle)
    written = [request.body["records"] for request in sent if isinstance(request, (CreateCompanies, UpdateCompanies))]
    assert written == [[{"Name": "Acme", "Seats__gc": seats}] for seats in (2, "many", 3)]
    assert statuses(batch) == ["delivered", "delivered", "failed", "delivered"]
    assert actions(sent).count("find company") == 1, "what was just created is there"


# --- people -----------------------------------------------------------------------------------------------------------


def test_identifies_and_links_of_one_email_become_one_call_with_fields_merged_and_links_united() -> None:
    events = [
        identify(firstName="Ada", vip=False),
        group("Brix"),
        identify(BOB),
        identify(vip=True),
        group("Acme"),
        group("Brix"),
    ]
    tenant = sandbox()
    batch = after_companies(events, tenant.handle)
    gsids = {company["Name"]: company["Gsid"] for company in tenant.companies}
    links = [{"Company_ID": gsids[name]} for name in ("Brix", "Acme")]
    ada = {"Email": ADA, "Name": "Ada", "FirstName": "Ada", "Vip__gc": True, "companies": links}
    assert batch.requests == (UpsertPerson(CONFIG, ada), UpsertPerson(CONFIG, {"Email": BOB}))


def test_emails_that_differ_only_in_case_or_spaces_are_written_one_after_the_other() -> None:
    events = [identify(ADA, vip=True), identify("ADA@example.com"), identify(BOB), identify(f" {ADA}")]
    _, sent = run(transform_batch(events, CONFIG), sandbox().handle)
    assert [request.body["Email"] for request in sent] == [ADA, BOB, "ADA@example.com", f" {ADA}"]


def test_a_person_is_written_twice_where_a_later_value_would_hide_a_refusal() -> None:
    events = [identify(vip="perhaps"), identify(vip=True, firstName="Ada")]
    batch, sent = run(transform_batch(events, CONFIG), sandbox().handle)
    assert [request.body["Vip__gc"] for request in sent] == ["perhaps", True]
    assert statuses(batch) == ["failed", "delivered"]


# --- track events -----------------------------------------------------------------------------------------------------


def test_track_events_go_one_at_a_time_in_order_after_all_writes() -> None:
    events = [track(1), identify(), track(2), group(), track(3)]
    tenant = sandbox()
    batch = after_companies(events, tenant.handle)
    assert [request.action for request in batch.requests] == ["link person"]
    for number in (1, 2, 3):
        batch = batch.next(map(tenant.handle, batch.requests))
        assert [request.body for request in batch.requests] == [{"n": number}]
    assert batch.next(map(tenant.handle, batch.requests)).requests == ()


def test_without_companies_and_people_it_begins_with_the_track_events() -> None:
    assert transform_batch([track()], CONFIG).requests == (transform(track(), CONFIG),)


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_an_outcome_tells_the_gsid_of_a_group_and_counts_a_shared_call_with_its_first_event() -> None:
    events = [
        {**identify(), "messageId": "m0"},
        {**group("Acme"), "messageId": "m1"},
        {**group("Brix", BOB), "messageId": "m2"},
        {**track(), "messageId": "m3"},
    ]
    tenant = sandbox()
    batch, sent = run(transform_batch(events, CONFIG), tenant.handle)
    gsids = {company["Name"]: company["Gsid"] for company in tenant.companies}
    assert batch.outcomes == (
        Outcome(0, "m0", "identify", Status.DELIVERED, 1, 1),
        Outcome(1, "m1", "group", Status.DELIVERED, 1, 2, gsid=gsids["Acme"]),
        Outcome(2, "m2", "group", Status.DELIVERED, 1, 1, gsid=gsids["Brix"]),
        Outcome(3, "m3", "track", Status.DELIVERED, 1, 1),
    )
    assert sum(outcome.calls for outcome in batch.outcomes) == len(sent) == sum(tenant.counts.values()) == 5


def test_before_anything_is_sent_no_event_is_tried() -> None:
    batch = transform_batch([identify(), group(), track()], CONFIG)
    assert [(o.status, o.attempts, o.calls) for o in batch.outcomes] == [("not tried", 0, 0)] * 3


def test_events_at_fault_and_events_not_for_gainsight_have_their_outcomes_at_once() -> None:
    unread = EventError("line 3", "is no JSON")
    events: list[Any] = [
        {"type": "identify", "messageId": "m0"},
        {"type": "page"},
        unread,
        {**track(), "integrations": {"All": False}},
        7,
    ]
    batch = transform_batch(events, CONFIG)
    assert batch.requests == ()
    assert statuses(batch) == ["failed", "skipped", "failed", "skipped", "failed"]
    assert [outcome.calls + outcome.attempts for outcome in batch.outcomes] == [0] * 5
    assert (batch.outcomes[0].message_id, batch.outcomes[2].error) == ("m0", unread)


def test_an_event_whose_settings_are_missing_fails_and_the_others_go() -> None:
    keyless = attrs.evolve(CONFIG, access_key=None)
    batch = transform_batch([identify(), track()], keyless)
    assert [request.action for request in batch.requests] == ["send event"]
    assert isinstance(batch.outcomes[0].error, ConfigError)


def test_an_event_behind_an_open_one_of_the_same_person_or_company_is_not_through_either() -> None:
    events = [
        group("Acme", ADA),
        identify(BOB, firstName="first"),
        {"type": "page"},
        group("Acme", BOB),
        identify("no email"),
        identify(BOB, firstName="last"),
        track(),
    ]
    batch = after_companies(events, sandbox().handle)
    assert [request.body["Email"] for request in batch.requests] == [ADA, BOB, "no email"]
    refusal = Response(400, b'{"result": false}')
    batch = batch.next([None, ok(), refusal])
    assert statuses(batch) == [
        "not tried",
        "delivered",
        "skipped",
        "not tried",
        "failed",
        "not tried",
        "not tried",
    ], "3 writes the company of 0, and 5 the person of 3"
    assert [str(batch.outcome(index).status) for index in (3, 5)] == ["delivered"] * 2, "by themselves"
    assert statuses(batch.next([ok()])) == ["delivered"] * 2 + ["skipped", "delivered", "failed", "delivered"] + [
        "not tried"
    ]


def test_an_event_that_failed_behind_an_open_one_may_be_sent_again_and_shows_no_error() -> None:
    batch = after_companies([group("Acme", ADA), group("Acme", BOB)], sandbox().handle)
    batch = batch.next([None, Response(400, b'{"result": false}')])
    assert str(batch.outcome(1).status) == "failed"
    assert [(outcome.status, outcome.error) for outcome in batch.outcomes] == [("not tried", None)] * 2
    assert statuses(batch.next([ok()])) == ["delivered", "failed"]


# --- the value itself -------------------------------------------------------------------------------------------------


def test_a_batch_of_nothing_is_done() -> None:
    batch = transform_batch([], CONFIG)
    assert (len(batch), batch.requests, batch.outcomes, batch.failures) == (0, (), (), ())
    assert batch.next([]) == batch


def test_a_batch_that_is_done_stays_as_it_is() -> None:
    batch, _ = run(transform_batch([identify(), group(), track()], CONFIG), sandbox().handle)
    assert batch.next([]) == batch
    assert pickle.loads(pickle.dumps(batch)) == batch


def test_events_may_come_from_an_iterator() -> None:
    def few() -> Iterator[Event]:
        yield identify()
        yield group()

    assert transform_batch(few(), CONFIG) == transform_batch([identify(), group()], CONFIG)


def test_a_plain_config_will_do() -> None:
    raw = {"domain": "acme.gainsightcloud.com", "accessKey": "key"}
    batch = transform_batch([group()], raw)
    assert batch == transform_batch([group()], DestinationConfig.from_rudderstack(raw))
    (find,) = batch.requests
    assert find.headers["Accesskey"] == "key"


def test_what_was_not_sent_is_asked_for_again_and_counts_as_nothing() -> None:
    tenant = sandbox()
    batch = transform_batch([group("Acme"), identify(BOB), track()], CONFIG)
    while batch.requests:
        assert batch.next([None] * len(batch.requests)) == batch
        batch = batch.next([None] * len(batch.requests)).next(map(tenant.handle, batch.requests))
    assert statuses(batch) == ["delivered"] * 3
    assert [outcome.attempts for outcome in batch.outcomes] == [1] * 3
    assert sum(outcome.calls for outcome in batch.outcomes) == sum(tenant.counts.values())


@pytest.mark.parametrize("raw", [{}, {"domain": 7}, None, [], "acme.co"])
def test_a_config_that_cannot_be_read_is_the_outcome_of_each_event_as_alone(raw: Any) -> None:
    with pytest.raises(ConfigError) as alone:
        transform(identify(), raw)
    batch = transform_batch([identify(), {"type": "page", "integrations": {"All": False}}, group("Acme")], raw)
    assert batch.requests == ()
    assert statuses(batch) == ["failed", "skipped", "failed"]
    assert [outcome.error for outcome in batch.outcomes] == [alone.value, None, alone.value]
    assert batch.next([]) == batch


def test_the_repr_shows_what_is_to_be_sent_and_no_value_and_no_secret() -> None:
    config = attrs.evolve(CONFIG, access_key="key-7f3a", shared_secret="secret-91bc")
    events = [identify(firstName="Ada", vip=True), group("Acme", BOB), track(), {"type": "page", "messageId": "m"}]
    batch = transform_batch(events, config)
    seen = [repr(batch)]
    answers = [[ok()], [ok({"Gsid": "1P02A"})], [ok(), ok()], [ok()]]
    seen += [repr(batch := batch.next(each)) for each in answers]
    assert seen == [
        "<Batch of 4 events, 1 requests to send: find company>",
        "<Batch of 4 events, 1 requests to send: create company>",
        "<Batch of 4 events, 2 requests to send: link person, upsert person>",
        "<Batch of 4 events, 1 requests to send: send event>",
        "<Batch of 4 events, 0 requests to send>",
    ]


@pytest.mark.parametrize("answers", [[], [ok(), ok()]])
def test_another_number_of_answers_than_of_requests_is_an_error(answers: list[Response]) -> None:
    batch = transform_batch([identify()], CONFIG)
    with pytest.raises(ValueError, match=f"^one answer a request is needed: 1 requests, {len(answers)} answers$"):
        batch.next(answers)


@pytest.mark.parametrize("answer", ["done", 200, {"result": True}, Reply("done"), Reply(KeyboardInterrupt())])  # type: ignore[arg-type]
def test_an_answer_that_is_none_is_an_error(answer: Any) -> None:
    given = answer.answer if isinstance(answer, Reply) else answer
    message = f"^an answer must be a Response, an exception or None, not {type(given).__name__}$"
    with pytest.raises(TypeError, match=message):
        transform_batch([identify()], CONFIG).next([answer])


def test_each_request_tells_which_events_it_is_for() -> None:
    batch = transform_batch([group("Acme"), {"type": "page"}, group("Blue"), group("Acme"), track()], CONFIG)
    assert [sorted(events) for events in batch.events] == [[0, 2, 3]]


def test_a_request_may_stand_in_for_an_event_that_has_been_transformed() -> None:
    events = [identify(), group(), track()]
    of_events = transform_batch(events, CONFIG)
    of_requests = transform_batch([transform(event, CONFIG) for event in events], CONFIG)
    assert of_requests.requests == of_events.requests
    assert statuses(run(of_requests, sandbox().handle)[0]) == ["delivered"] * 3


def test_a_group_without_a_person_saves_its_company_and_links_nobody() -> None:
    content = sandbox()
    alone = FindCompany(CONFIG, {"Name": "Acme", "Employees": 5})
    batch, sent = run(transform_batch([alone, group(), PreparedEvent(group(), alone)], CONFIG), content.handle)
    assert [request.action for request in sent] == ["find company", "create company", "link person"]
    assert [outcome.status for outcome in batch.outcomes] == ["delivered"] * 3
    assert [outcome.type for outcome in batch.outcomes] == [None, "group", "group"]
    assert len({outcome.gsid for outcome in batch.outcomes}) == 1
    assert None not in {outcome.gsid for outcome in batch.outcomes}


def test_a_group_without_a_person_is_settled_once_its_company_is_saved() -> None:
    alone = FindCompany(CONFIG, {"Name": "Acme"})
    batch = transform_batch([alone], CONFIG).next([ok()])
    assert list(batch.settled([0])) == []
    assert list(batch.next([ok({"Gsid": "1P02"})]).settled([0])) == [0]


def test_what_has_failed_least_is_due_first_and_what_is_left_waiting_stays_as_it_is() -> None:
    batch = transform_batch([identify(email=f"p{number}@example.com") for number in range(4)], CONFIG)
    assert [due.place for due in batch.due(2)] == [0, 1]
    failed = batch.after({0: Reply(RetryableError("upsert person", "no answer"), waited=7.0), 2: Reply(ok())})
    assert failed == batch.next([Reply(RetryableError("upsert person", "no answer"), waited=7.0), None, ok(), None])
    assert failed.changed == {0, 2}
    assert failed.requests == (batch.requests[1], batch.requests[3], batch.requests[0])
    assert [(due.place, due.failures, due.waited) for due in failed.due()] == [(0, 0, 0.0), (1, 0, 0.0), (2, 1, 7.0)]
    assert failed.due(2) == failed.due()[:2]
    assert failed.due(3) == failed.due(9) == failed.due()
    assert [due.request for due in failed.due()] == [*failed.requests]
