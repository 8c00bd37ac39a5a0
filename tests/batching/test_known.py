"""What a batch does with what is known: what it leaves out, what it asks instead, and what it learns."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import DestinationConfig, Reply, Request, Response
from gainsight_dest.batching.batch import Batch, transform_batch
from gainsight_dest.batching.requests import CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.descriptors import UpsertPerson
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.known import Known, Learned, Told
from tests.batching.some import BOB, CONFIG, actions, in_batches, ok, run, sandbox, statuses, track
from tests.some import ADA, Event, group, identify

DIGESTS = Known().digests(CONFIG)
REFUSED = Response(400, b'{"result": false, "errorCode": "GSOBJ_1011", "errorDesc": "No data found"}')
TOO_MANY = Response(429, b"")
LOST = OSError("lost")
WRONG_KEY = Response(401, b'{"result": false, "errorCode": "GS_APIG_2401"}')


def record_of(of: Any, key: str) -> bytes:
    return DIGESTS.record(of.identity(key))


def knowing(*records: dict[str, Any], gsids: str = "") -> Known:
    """Companies by their Names, whose Gsids are `gsids` one after the other, else that of the Name; people by Email."""
    learned = {}
    for record in records:
        of = COMPANY if "Name" in record and "Email" not in record else PERSON
        gsid = gsids or f"1{record['Name']}" if of is COMPANY else None
        learned[record_of(of, of.key_of(record))] = DIGESTS.told(of, record, gsid)
    return Known().learn(learned, at=1)


def batch_of(events: list[Event], *records: dict[str, Any], attempts: int = 12) -> Batch:
    return transform_batch(events, CONFIG, attempts=attempts, known=knowing(*records))


def link(email: str, *companies: str) -> dict[str, Any]:
    return {"Email": email, "companies": [{"Company_ID": f"1{name}"} for name in companies]}


def saved(*names: str) -> Response:
    return ok(*({"Name": name, "Gsid": f"1{name}"} for name in names))


def find(*names: str) -> Request:
    return FindCompanies(CONFIG, names)


def update(*companies: dict[str, Any]) -> Request:
    return UpdateCompanies(CONFIG, companies)


def create(*companies: dict[str, Any]) -> Request:
    return CreateCompanies(CONFIG, companies)


def upsert(person: dict[str, Any]) -> Request:
    return UpsertPerson(CONFIG, person)


ACME, ACME_7 = {"Name": "Acme"}, {"Name": "Acme", "Employees": 7}
BRIX, BRIX_7 = {"Name": "Brix"}, {"Name": "Brix", "Employees": 7}
ADA_1 = {"Email": ADA, "FirstName": "1", "Name": "1"}


# --- what is left to send ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "known", "first"),
    [
        ([identify(firstName="1")], [], [upsert(ADA_1)]),
        ([identify(firstName="1")], [ADA_1], []),
        ([identify(firstName="1"), identify()], [ADA_1], []),
        ([identify(firstName="1")], [{**ADA_1, "FirstName": "2"}], [upsert(ADA_1)]),
        ([identify(firstName="1")], [{**ADA_1, "Comments": "more"}], []),
        ([identify(ADA.upper())], [{"Email": ADA}], [upsert({"Email": ADA.upper()})]),
        ([group(employees=7)], [], [find("Acme")]),
        ([group(employees=7)], [ACME], [update(ACME_7)]),
        ([group(employees=7)], [ACME_7], [upsert(link(ADA, "Acme"))]),
        ([group(employees=7)], [ACME_7, link(ADA, "Acme", "Brix")], []),
        ([group(employees=7)], [ACME_7, link(ADA, "Brix")], [upsert(link(ADA, "Acme"))]),
        ([group("ACME", employees=7)], [ACME_7], [find("ACME")]),
        # Companies that are known are saved with those that are found.
        ([group("Acme", employees=7), group("Brix", employees=7)], [ACME], [find("Brix")]),
        ([group("Acme", employees=7), group("Brix", employees=7)], [ACME, BRIX], [update(ACME_7, BRIX_7)]),
        # What goes with something that is not known, is sent with it.
        ([identify(firstName="1"), identify(lastName="2")], [ADA_1], [upsert({**ADA_1, "LastName": "2", "Name": "2"})]),
        ([identify(firstName="1"), group()], [ADA_1, ACME], [upsert(ADA_1 | link(ADA, "Acme"))]),
        # A value that was another one meanwhile is told again.
        ([group(stage="2"), group(stage="1")], [{**ACME, "Stage": "1"}], [update({**ACME, "Stage": "2"})]),
        ([group(stage="1"), group(stage="2")], [{**ACME, "Stage": "1"}], [update({**ACME, "Stage": "2"})]),
        ([track()], [ADA_1], list(transform_batch([track()], CONFIG).requests)),
    ],
)
def test_only_what_is_not_known_is_left_to_send(
    events: list[Event], known: list[dict[str, Any]], first: list[Request]
) -> None:
    assert list(batch_of(events, *known).requests) == first


def test_an_event_of_which_all_is_known_is_unchanged() -> None:
    outcomes = batch_of([identify(), group(), track()], ACME, link(ADA, "Acme")).outcomes
    assert [(str(each.status), each.attempts, each.calls, each.gsid) for each in outcomes] == [
        ("unchanged", 0, 0, None),
        ("unchanged", 0, 0, "1Acme"),
        ("not tried", 0, 0, None),
    ]


def test_an_event_of_which_only_the_link_is_sent_is_delivered() -> None:
    batch, sent = run(batch_of([group(employees=7), group(employees=7, email=BOB)], ACME_7, link(ADA, "Acme")), _all_ok)
    assert [(str(each.status), each.calls, each.gsid) for each in batch.outcomes] == [
        ("unchanged", 0, "1Acme"),
        ("delivered", 1, "1Acme"),
    ]
    assert sent == [upsert(link(BOB, "Acme"))]


def _all_ok(_: Request) -> Response:
    return ok()


def test_companies_that_are_known_are_saved_in_one_call_with_those_that_are_found() -> None:
    batch = batch_of([group(name, employees=7) for name in ("Acme", "Brix", "Cora")], ACME)
    assert batch.requests == (find("Brix", "Cora"),)
    batch = batch.next([None])
    assert batch.requests == (find("Brix", "Cora"),)
    batch = batch.next([ok(BRIX)])
    assert batch.requests == (update(BRIX_7, ACME_7), create({"Name": "Cora", "Employees": 7}))


def test_a_config_that_cannot_be_read_knows_nothing() -> None:
    broken: DestinationConfig = {"domain": "localhost"}  # type: ignore[assignment]
    batch = transform_batch([identify()], broken, known=Known())
    assert (statuses(batch), batch.learned) == (["failed"], {})


# --- what is learnt ---------------------------------------------------------------------------------------------------


def learnt(batch: Batch, known: Known | None = None) -> dict[str, Told]:
    """What is known then, by the folded keys of the records."""
    return learnt_of(batch.learned, known)


def learnt_of(learned: Learned, known: Known | None = None) -> dict[str, Told]:
    told = (known or Known()).learn(learned, at=2)
    views = {key: told.view([DIGESTS.record((name, key))]) for name, key in _NAMES}
    return {key: each for key, view in views.items() for each in view.values()}


_KEYS = [(COMPANY, "Acme"), (COMPANY, "Brix"), (PERSON, ADA), (PERSON, BOB)]
_NAMES = [of.identity(key) for of, key in _KEYS]


def at_2(told: Told) -> Told:
    return Told(told.key, told.fields, told.links, told.gsid, 2)


def company(record: dict[str, Any]) -> Told:
    return at_2(DIGESTS.told(COMPANY, record, f"1{record['Name']}"))


def person(record: dict[str, Any]) -> Told:
    return at_2(DIGESTS.told(PERSON, record))


def test_what_is_answered_is_learnt_step_by_step() -> None:
    batch = transform_batch([group(employees=7), identify(firstName="1"), track()], CONFIG, known=Known())
    assert batch.learned == {}, "a question changes nothing"
    batch = batch.next([ok()])
    assert batch.learned == {record_of(COMPANY, "Acme"): None}, "it is under way"
    batch = batch.next([saved("Acme")])
    assert batch.learned.keys() == {record_of(COMPANY, "Acme"), record_of(PERSON, ADA)}
    assert learnt(batch) == {"acme": company(ACME_7)}
    batch = batch.next([ok()])
    assert learnt(batch) == {"acme": company(ACME_7), ADA: person(ADA_1 | link(ADA, "Acme"))}
    assert learnt(batch.next([ok()])) == learnt(batch)


def test_without_known_nothing_is_learnt() -> None:
    batch, _ = run(transform_batch([identify(), group()], CONFIG), sandbox().handle)
    assert batch.learned == {}


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (ok(), {ADA: person(ADA_1)}),
        (None, {}),  # it may still be under way
        (TOO_MANY, {}),
        (LOST, {}),
        (REFUSED, {}),
        (WRONG_KEY, {}),
        (Reply(LOST, is_final=True), {}),
        (Response(200, b"<html>"), {}),
    ],
)
def test_of_a_person_who_was_sent_only_what_is_answered_is_known(answer: Any, known: dict[str, Told]) -> None:
    before = knowing({"Email": ADA, "FirstName": "0"})
    batch = transform_batch([identify(firstName="1")], CONFIG, known=before).next([answer])
    assert learnt(batch, before).keys() == known.keys()


def test_what_came_back_with_too_many_calls_is_known_as_before_once_the_batch_has_ended() -> None:
    before = knowing({"Email": ADA, "FirstName": "0"})
    batch = transform_batch([identify(firstName="1")], CONFIG, known=before, attempts=1).next([TOO_MANY])
    assert batch.requests == ()
    assert batch.learned == {}


def test_it_is_added_to_what_was_known_unless_that_is_not_so_any_more() -> None:
    before = knowing({"Email": ADA, "Comments": "c"})
    events = [identify(firstName="1")]
    batch = transform_batch(events, CONFIG, known=before)
    added = learnt(batch.next([ok()]), before)[ADA]
    assert added.covers(DIGESTS.told(PERSON, {"Email": ADA, "Comments": "c", "FirstName": "1"}))
    lost = batch.next([LOST])
    assert learnt(lost, before) == {}
    assert learnt(lost.next([ok()]), before) == {ADA: person(ADA_1)}


def test_another_spelling_takes_the_place_of_what_was_known() -> None:
    """Gainsight may hold both for one person, who has the values of the later one then."""
    before = knowing({"Email": ADA, "FirstName": "0", "Comments": "c"})
    events = [identify(ADA.upper(), firstName="1"), identify(comments="d")]
    batch, _ = run(transform_batch(events, CONFIG, known=before), _all_ok)
    assert learnt(batch, before) == {ADA: person({"Email": ADA, "Comments": "d"})}


def test_another_company_of_the_name_has_nothing_of_the_one_before() -> None:
    before = knowing({**ACME, "Stage": "1"})
    batch = transform_batch([group(employees=7)], CONFIG, known=before)
    batch = batch.next([ok({"Name": "Acme", "Gsid": "1Other"})])
    acme = learnt(batch, before)["acme"]
    assert (acme.gsid, acme.fields) == ("1Other", company(ACME_7).fields)


def test_the_lessons_of_a_turn_are_those_of_the_records_that_were_sent() -> None:
    acme, brix, ada, bob = (record_of(of, key) for of, key in _KEYS)
    events = [group("Acme", employees=7), group("Brix", BOB, employees=7)]
    first = batch_of(events, ACME)
    second = first.next([ok()])
    assert second.lessons(first, [0]) == {}, "it is to be created, and nobody else is to do that"
    third = second.next([saved("Brix"), None])
    assert third.lessons(second, [0]).keys() == {brix}
    assert learnt_of(third.lessons(second, [0])) == {"brix": company(BRIX_7)}
    fourth = third.next([saved("Acme")])
    lessons = fourth.lessons(third, [0])
    assert lessons.keys() == {acme}
    assert learnt_of(lessons, knowing(ACME)) == {"acme": company(ACME_7)}, "also once the stage is over"
    fifth = fourth.next([ok(), LOST])
    assert fifth.lessons(fourth, [0, 1]) == {ada: fifth.learned[ada], bob: None}
    sixth = fifth.next([REFUSED])
    assert sixth.lessons(fifth, [0]) == {bob: None}
    assert sixth.lessons(sixth, [0]) == {}
    track_event = transform_batch([track()], CONFIG, known=Known())
    assert track_event.next([ok()]).lessons(track_event, [0]) == {}


# --- a company that is not there any more -----------------------------------------------------------------------------


def test_companies_that_are_known_and_refused_are_found_or_created() -> None:
    events = [group("Acme", employees=7), group("Brix", employees=7)]
    batch = batch_of(events, ACME, BRIX)
    batch = batch.next([REFUSED])
    assert batch.requests == (find("Acme", "Brix"),)
    assert learnt(batch, knowing(ACME, BRIX)) == {}
    batch = batch.next([ok(BRIX)])
    assert batch.requests == (create(ACME_7), update(BRIX_7))


def test_a_company_that_is_known_and_not_answered_is_found_again() -> None:
    batch = batch_of([group(employees=7)], ACME).next([LOST])
    assert batch.requests == (find("Acme"),)


def test_what_was_passed_of_a_company_is_sent_if_it_is_not_there_any_more() -> None:
    events = [group(stage="1"), group(stage="2")]
    for answer in (LOST, REFUSED):
        batch = batch_of(events, {**ACME, "Stage": "1"})
        assert batch.requests == (update({**ACME, "Stage": "2"}),)
        batch = batch.next([answer]).next([ok()])
        assert batch.requests == (create({**ACME, "Stage": "1"}),)


def test_events_whose_link_is_refused_for_a_known_gsid_begin_once_more() -> None:
    batch = batch_of([group(employees=7), identify(firstName="1")], ACME_7)
    assert batch.requests == (upsert(ADA_1 | link(ADA, "Acme")),)
    batch = batch.next([REFUSED])
    assert batch.requests == (upsert(link(ADA, "Acme")),)
    batch = batch.next([REFUSED])
    assert batch.requests == (upsert(ADA_1),)
    batch = batch.next([ok()])
    assert (batch.requests, statuses(batch)) == ((find("Acme"),), ["not tried", "not tried"])
    batch = batch.next([ok()]).next([ok({"Name": "Acme", "Gsid": "1New"})])
    assert batch.requests == (upsert(company_link(ADA, "1New")),)
    batch = batch.next([ok()])
    assert [(str(each.status), each.gsid) for each in batch.outcomes] == [("delivered", "1New"), ("delivered", None)]
    assert learnt(batch)["acme"].gsid == "1New"


def test_a_link_that_is_refused_again_has_failed() -> None:
    batch = batch_of([group(employees=7)], ACME_7).next([REFUSED]).next([ok(ACME)]).next([saved("Acme")])
    batch = batch.next([REFUSED])
    assert (batch.requests, statuses(batch)) == ((), ["failed"])


def test_all_events_of_that_company_begin_once_more_in_their_order() -> None:
    """Else the older value of the one would be written over the newer one of the other."""
    tenant = sandbox()
    events = [group("Brix", "no email", employees=1), group("Brix", employees=0)]
    _, known = in_batches([events], tenant.handle, Known())
    outcomes, _ = in_batches([events], tenant.handle, known)
    assert [str(each.status) for each in outcomes] == ["failed", "delivered"]
    assert tenant.companies[0]["Employees"] == 0


def test_a_company_that_was_saved_after_all_is_there_for_those_before() -> None:
    """A link of theirs that is refused then is refused for another reason: nothing is written over what is newer."""
    tenant = sandbox()
    events = [group("Acme", "no email", stage="1"), group("Acme", BOB, stage="2")]
    _, known = in_batches([[group("Acme", stage="1")]], tenant.handle, Known())
    batch, sent = run(transform_batch(events, CONFIG, known=known), tenant.handle)
    assert actions(sent) == ["update company", "link person", "link person"]
    assert statuses(batch) == ["failed", "delivered"]
    assert tenant.companies[0]["Stage"] == "2"


def test_what_was_refused_together_is_not_taken_for_known_in_parts() -> None:
    """The person's link, which is known, may be what it was refused for."""
    batch = batch_of([identify(firstName="1"), group()], {**link(ADA, "Acme")}, ACME)
    assert batch.requests == (upsert(ADA_1 | link(ADA, "Acme")),)
    batch = batch.next([REFUSED]).next([ok()])
    assert batch.requests == (upsert(link(ADA, "Acme")),)
