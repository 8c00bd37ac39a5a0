"""A tenant with custom fields, and batches that are delivered to it over a wire that may change the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from gainsight_dest import Request, Response
from gainsight_dest.batching.batch import Batch, transform_batch
from gainsight_dest.fields import COMPANY, PERSON, Datatype, linked_companies
from gainsight_dest.gainsight import folded
from gainsight_dest.known.known import Knowledge, Known
from gainsight_dest.known.told import Digests, Told
from gainsight_dest.outcome import Outcome
from gainsight_dest.sandbox import Content, DroppedConnectionError, PlannedFault, Sandbox
from tests import some
from tests.some import FREE, Event, group

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"since": "Since__gc", "vip": "Vip__gc", "plan": "Plan__gc", "hue": "Hue"},
    company_map={"since": "Since__gc", "seats": "Seats__gc", "plan": "Plan__gc"},
)
CUSTOM = {
    "Person": {"Since__gc": Datatype.DATE, "Vip__gc": Datatype.BOOLEAN},
    "Company": {"Since__gc": Datatype.DATETIME, "Seats__gc": Datatype.NUMBER},
}
BOB = "bob@example.com"

Send = Callable[[Request], Response]
#: Between what Gainsight says and what is heard.
Wire = Callable[[Response], Response]


def sandbox(content: Content | None = None, faults: Iterable[PlannedFault] = ()) -> Sandbox:
    """A tenant without limits, with custom fields of several datatypes."""
    return Sandbox(CONFIG, **FREE, custom_fields=CUSTOM, content=content, faults=faults)


# --- events -----------------------------------------------------------------------------------------------------------


def track(number: int = 0) -> Event:
    """An event of so many that can be told apart."""
    return some.track(n=number)


def groups(count: int) -> list[Event]:
    """As many groups of other companies and other people."""
    return [group(f"Company {number}", f"p{number}@example.com") for number in range(count)]


# --- what the wire makes of answers -----------------------------------------------------------------------------------


def as_it_is(response: Response) -> Response:
    """The answer."""
    return response


def _changed(response: Response, change: Callable[[dict[str, Any]], None]) -> Response:
    envelope = json.loads(response.body)
    change(envelope)
    return attrs.evolve(response, body=json.dumps(envelope).encode())


def _saved_records(envelope: dict[str, Any]) -> list[dict[str, Any]]:
    data = envelope["data"] or {}
    return [record for record in data.get("records") or () if "Gsid" in record]


def without_field_errors(response: Response) -> Response:
    """A refusal that names no field."""

    def change(envelope: dict[str, Any]) -> None:
        if not envelope["result"]:
            envelope["data"] = None

    return _changed(response, change)


def without_names(response: Response) -> Response:
    """Saved records that only have a Gsid, as in Gainsight's documentation."""

    def change(envelope: dict[str, Any]) -> None:
        if records := _saved_records(envelope):
            envelope["data"]["records"] = [{"Gsid": record["Gsid"]} for record in records]

    return _changed(response, change)


def backwards(response: Response) -> Response:
    """Records in another order than they were sent in."""

    def change(envelope: dict[str, Any]) -> None:
        if isinstance(envelope["data"], dict) and envelope["data"].get("records"):
            envelope["data"]["records"].reverse()

    return _changed(response, change)


def every_name_in_capitals(response: Response) -> Response:
    """A query that finds names whatever their case answers with the one that is kept, not the one asked for."""

    def change(envelope: dict[str, Any]) -> None:
        for record in (envelope["data"] or {}).get("records") or ():
            if "Gsid" not in record:
                record["Name"] = f" {record['Name'].upper()}"

    return _changed(response, change)


def finds_without_names(response: Response) -> Response:
    """A query that finds, but does not say what."""

    def change(envelope: dict[str, Any]) -> None:
        for record in (envelope["data"] or {}).get("records") or ():
            if "Gsid" not in record:
                del record["Name"]

    return _changed(response, change)


#: All of them.
WIRES = [as_it_is, without_field_errors, without_names, backwards, every_name_in_capitals, finds_without_names]


# --- a tenant that compares keys whatever their case ------------------------------------------------------------------


def folded_content(data: dict[str, Any]) -> dict[str, Any]:
    """The content with each key once, folded."""
    people = {folded(each["Email"]): {**each, "Email": folded(each["Email"])} for each in data["people"]}
    companies = {folded(each["Name"]): {**each, "Name": folded(each["Name"])} for each in data["companies"]}
    gsids = {each["Gsid"] for each in companies.values()}
    for each in people.values():
        each["companies"] = [link for link in each["companies"] if link["Company_ID"] in gsids]
    return {**data, "people": [*people.values()], "companies": [*companies.values()]}


def folding(tenant: Sandbox) -> Send:
    """Calls it with folded keys."""

    def send(request: Request) -> Response:
        body = json.loads(json.dumps(request.body))
        for record in (body, *body.get("records", ())):
            keys = {COMPANY.key, PERSON.key} & record.keys()
            record.update({key: folded(record[key]) for key in keys})
        for condition in body.get("where", {}).get("conditions", ()):
            condition["value"] = [folded(each) for each in condition["value"]]
        response = tenant.receive(request.method, request.url, request.headers, body).response
        assert response is not None
        return response

    return send


# --- delivery ---------------------------------------------------------------------------------------------------------


def ok(*records: Any) -> Response:
    return Response(200, json.dumps({"result": True, "data": {"records": records}}).encode())


def answer(request: Request, send: Send) -> Response | Exception:
    """The answer, or what stood in for it."""
    try:
        return send(request)
    except DroppedConnectionError as error:
        return error


def together(events: list[Any], send: Send) -> Batch:
    """The batch, delivered as its documentation says."""
    batch = transform_batch(events, CONFIG)
    while batch.requests:
        batch = batch.next([answer(request, send) for request in batch.requests])
    return batch


def in_batches(
    batches: Iterable[list[Any]], send: Send, known: Known | None, at: float = 0.0
) -> tuple[list[Outcome], Known | None]:
    """The outcomes of all batches, one after the other, and what is known in the end: each is told a second later."""
    outcomes: list[Outcome] = []
    for number, events in enumerate(batches):
        batch, _ = run(transform_batch(events, CONFIG, known=known), send)
        known = None if known is None else known.learn(batch.learned, at=at + number)
        outcomes += batch.outcomes
    return outcomes, known


def run(batch: Batch, send: Send) -> tuple[Batch, list[Request]]:
    """The batch once all is done, and what was sent, in order."""
    sent: list[Request] = []
    while requests := batch.requests:
        sent += requests
        batch = batch.next([answer(request, send) for request in requests])
    return batch, sent


def actions(sent: list[Request]) -> list[str]:
    return [request.action for request in sent]


def statuses(batch: Batch) -> list[str]:
    return [str(outcome.status) for outcome in batch.outcomes]


def after_companies(events: list[Event], send: Send) -> Batch:
    """The batch when only people and track events are left to send."""
    batch = transform_batch(events, CONFIG)
    while any("company" in request.action for request in batch.requests):
        batch = batch.next([answer(request, send) for request in batch.requests])
    return batch


def untrue(known: Knowledge, tenant: Sandbox, identities: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the records that the tenant does not hold as it is known of them."""
    digests = known.digests(CONFIG)
    by_digest = {digests.record(each): each for each in identities}
    return [
        by_digest[digest]
        for digest, told in known.view(by_digest).items()
        if not any(each.covers(told) and each.gsid == told.gsid for each in _held(tenant, digests, *by_digest[digest]))
    ]


def _held(tenant: Sandbox, digests: Digests, name: str, key: str) -> Iterable[Told]:
    """All that the tenant holds of the records of that key, however it is spelled."""
    of, records = (PERSON, tenant.people) if name == PERSON.name else (COMPANY, tenant.companies)
    for record in records:
        if of.identity(of.key_of(record)) == (name, key):
            yield digests.told(of, record, record.get("Gsid"))


def state(tenant: Sandbox) -> Any:
    """What the tenant holds; companies by their Names, of which two that are there beforehand may be one."""
    names_by_gsid = {company["Gsid"]: company["Name"] for company in tenant.companies}
    people = {
        person["Email"]: {**person, "companies": sorted(names_by_gsid[gsid] for gsid in linked_companies(person))}
        for person in tenant.people
    }
    companies = [{**company, "Gsid": str(company["Gsid"]).startswith("OLD")} for company in tenant.companies]
    return people, sorted(map(json.dumps, companies)), tenant.events
