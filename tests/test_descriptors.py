"""Requests as values: what they ask, what follows, how they look, compare and preview."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from gainsight_dest import (
    ConfigError,
    CreateCompany,
    DestinationConfig,
    FindCompany,
    RejectedError,
    Request,
    Response,
    RetryableError,
    Secret,
    SendEvent,
    UpdateCompany,
    UpsertPerson,
    preview,
)
from gainsight_dest.descriptors import GSID_PLACEHOLDER
from tests.some import ACCESS_KEY, ADA, CONFIG, SHARED_SECRET

PERSON = {"Email": ADA, "Name": "Ada"}
COMPANY = {"Name": "Acme", "Employees": 7}
LINK = {"Email": ADA, "companies": [{"Company_ID": "1P02"}]}
FIND = FindCompany(CONFIG, company=COMPANY, email=ADA)
CREATE = CreateCompany(CONFIG, company=COMPANY, email=ADA)
UPDATE = UpdateCompany(CONFIG, company=COMPANY, email=ADA)
UPSERT = UpsertPerson(CONFIG, person=PERSON)
SEND = SendEvent(CONFIG, name="closed", version="1.0.0", properties={"status": "resolved"})
KEYED = {"Accesskey": ACCESS_KEY, "Content-Type": "application/json"}
EVERY = [FIND, CREATE, UPDATE, UPSERT, SEND]


def ok(data: Any = None) -> Response:
    return Response(200, json.dumps({"result": True, "data": data}).encode())


@pytest.mark.parametrize(
    ("request_", "method", "path", "headers", "body"),
    [
        (UPSERT, "PUT", "/v1.0/api/people", KEYED, PERSON),
        (
            SEND,
            "POST",
            "/v1.0/api/eventManager/event",
            {
                "sharedSecret": SHARED_SECRET,
                "topicName": "Tickets",
                "tenantId": "tenant",
                "Content-Type": "application/json",
                "eventName": "closed",
                "eventVersion": "1.0.0",
                "Accesskey": ACCESS_KEY,
            },
            {"status": "resolved"},
        ),
        (
            FIND,
            "POST",
            "/v1/data/objects/query/Company",
            KEYED,
            {
                "select": ["Name"],
                "where": {
                    "conditions": [{"name": "Name", "alias": "A", "value": ["Acme"], "operator": "EQ"}],
                    "expression": "A",
                },
            },
        ),
        (CREATE, "POST", "/v1/data/objects/Company", KEYED, {"records": [COMPANY]}),
        (UPDATE, "PUT", "/v1/data/objects/Company?keys=Name", KEYED, {"records": [COMPANY]}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Request) else "",
)
def test_a_request_describes_one_call(
    request_: Request, method: str, path: str, headers: dict[str, str], body: Any
) -> None:
    assert request_.as_dict() == {
        "method": method,
        "url": f"https://acme.gainsightcloud.com{path}",
        "headers": headers,
        "body": body,
    }


def test_a_group_goes_from_find_to_create_or_update_to_link_to_done() -> None:
    assert FIND.next(ok([])) == CREATE
    assert FIND.next(ok({"records": [{"Name": "Acme", "Gsid": "1P02"}]})) == UPDATE
    for save in (CREATE, UPDATE):
        link = save.next(ok({"records": [{"Gsid": "1P02"}]}))
        assert link == UpsertPerson(CONFIG, person=LINK)
        assert link.next(ok()) is None


def test_one_request_is_all_of_an_identify_and_of_a_track() -> None:
    assert UPSERT.next(ok()) is None
    assert SEND.next(ok()) is None


@pytest.mark.parametrize(
    ("request_", "action"),
    [
        (FIND, "find company"),
        (CREATE, "create company"),
        (UPDATE, "update company"),
        (UPSERT, "upsert person"),
        (UpsertPerson(CONFIG, person=LINK), "link person"),
        (SEND, "send event"),
    ],
)
def test_a_failure_says_what_was_asked(request_: Request, action: str) -> None:
    with pytest.raises(RejectedError) as error:
        request_.next(Response(400, b'{"result": false}'))
    assert error.value.action == action
    assert str(error.value) == f"{action}: Gainsight refused the request (HTTP 400)"


@pytest.mark.parametrize("word", ["errorCode", "requestId"])
def test_a_secret_that_gainsight_echoes_is_masked(word: str) -> None:
    with pytest.raises(RetryableError) as error:
        UPSERT.next(Response(500, json.dumps({word: ACCESS_KEY}).encode()))
    assert ACCESS_KEY not in f"{error.value!r} {error.value} {vars(error.value)}"


def test_the_preview_of_a_group_shows_each_way_it_may_go() -> None:
    link = {"Email": ADA, "companies": [{"Company_ID": GSID_PLACEHOLDER}]}
    assert preview(FIND) == (
        ("find company", FIND),
        ("create company, if none was found", CREATE),
        ("update company, if found", UPDATE),
        ("link person, once saved", UpsertPerson(CONFIG, person=link)),
    )


@pytest.mark.parametrize("request_", [UPSERT, SEND], ids=["identify", "track"])
def test_the_preview_of_a_single_request_is_itself(request_: Request) -> None:
    assert preview(request_) == ((request_.action, request_),)


def test_calls_counts_what_an_event_still_costs() -> None:
    assert [request.calls for request in EVERY] == [3, 2, 2, 1, 1]


@pytest.mark.parametrize("request_", EVERY, ids=lambda request: type(request).__name__)
def test_equal_requests_are_equal_and_different_ones_are_not(request_: Request) -> None:
    twin = attrs.evolve(request_)
    assert twin == request_
    assert twin is not request_
    assert attrs.evolve(request_, config=attrs.evolve(CONFIG, access_key="other")) != request_
    assert [other == request_ for other in EVERY].count(True) == 1


@pytest.mark.parametrize("request_", EVERY, ids=lambda request: type(request).__name__)
def test_a_request_cannot_be_changed_by_its_attributes(request_: Request) -> None:
    for name in ("config", "person", "company", "email", "name", "version", "properties", "contract_id", "url", "new"):
        with pytest.raises(AttributeError):
            setattr(request_, name, "x")


def test_a_request_can_be_read_by_its_attributes() -> None:
    assert UPSERT.config == FIND.config == CONFIG
    assert UPSERT.person == PERSON
    assert (CREATE.company, CREATE.email) == (COMPANY, ADA)
    assert (SEND.name, SEND.version, SEND.properties, SEND.contract_id) == (
        "closed",
        "1.0.0",
        {"status": "resolved"},
        None,
    )


def test_headers_are_made_anew_each_time() -> None:
    UPSERT.headers["Accesskey"] = "other"
    assert UPSERT.headers == KEYED


def test_a_repr_names_fields_and_shows_no_value_and_no_secret() -> None:
    assert repr(UPSERT) == "<UpsertPerson PUT https://acme.gainsightcloud.com/v1.0/api/people {Email, Name}>"
    assert repr(FIND) == (
        "<FindCompany POST https://acme.gainsightcloud.com/v1/data/objects/query/Company {Name, Employees}>"
    )
    assert repr(UPSERT.headers) == "{'Accesskey': '***', 'Content-Type': 'application/json'}"
    assert isinstance(SEND.headers["sharedSecret"], Secret)


def test_a_secret_hides_in_the_headers_also_where_it_was_put_by_mistake() -> None:
    config = attrs.evolve(CONFIG, topic_name=ACCESS_KEY, tenant_id=f"of {SHARED_SECRET}")
    request = attrs.evolve(SEND, config=config, name=ACCESS_KEY, contract_id=f"c {ACCESS_KEY}")
    assert ACCESS_KEY not in repr(request.headers)
    assert SHARED_SECRET not in repr(request.headers)
    assert (request.headers["topicName"], request.headers["eventName"]) == (ACCESS_KEY, ACCESS_KEY)
    assert "'1.0.0'" in repr(request.headers)


def test_the_contract_id_of_the_event_goes_before_the_configured_one() -> None:
    config = attrs.evolve(CONFIG, contract_id="configured")
    assert attrs.evolve(SEND, config=config).headers["contractId"] == "configured"
    assert attrs.evolve(SEND, config=config, contract_id="own").headers["contractId"] == "own"


@pytest.mark.parametrize("request_", EVERY, ids=lambda request: type(request).__name__)
def test_a_request_made_by_hand_without_its_keys_says_so(request_: Request) -> None:
    bare = attrs.evolve(request_, config=DestinationConfig(domain="acme.co"))
    with pytest.raises(ConfigError, match="needed for"):
        _ = bare.headers


def test_only_a_create_is_not_simply_repeated_but_begins_again_with_its_find() -> None:
    assert CREATE.again == FIND
    assert [request.again for request in (FIND, UPDATE, UPSERT, SEND)] == [FIND, UPDATE, UPSERT, SEND]


@pytest.mark.parametrize(
    ("request_", "records"),
    [
        (UPSERT, {("Person", ADA)}),
        (UpsertPerson(CONFIG, {"Email": " ADA@Example.com"}), {("Person", ADA)}),
        (UpsertPerson(CONFIG, {}), {("Person", "none")}),
        (FIND, {("Company", "acme"), ("Person", ADA)}),
        (CREATE, {("Company", "acme"), ("Person", ADA)}),
        (UPDATE, {("Company", "acme"), ("Person", ADA)}),
        (SEND, set()),
    ],
)
def test_requests_that_write_the_same_record_share_a_key(request_: Request, records: set[tuple[str, str]]) -> None:
    assert request_.records == records


def test_a_group_without_a_person_ends_with_its_company() -> None:
    find = FindCompany(CONFIG, {"Name": "Acme"})
    assert find.records == {("Company", "acme")}
    create = find.next(Response(200, b'{"result": true, "data": []}'))
    assert isinstance(create, CreateCompany)
    assert create.again == find
    assert create.branches() == ()
    assert create.next(Response(200, b'{"result": true, "data": {"records": [{"Gsid": "1P02"}]}}')) is None
    with pytest.raises(RetryableError):
        create.next(Response(500, b""))
    assert [step.request.action for step in preview(find)] == ["find company", "create company", "update company"]


def test_a_create_whose_answer_was_lost_is_looked_for_a_few_times_before_it_is_made_again() -> None:
    create = CreateCompany(CONFIG, {"Name": "Acme"}, ADA)
    find: Any = create.after(RetryableError("create company", "no answer in time"))
    none = Response(200, b'{"result": true, "data": {"records": []}}')
    for looks in (2, 1):
        assert find.looks == looks
        with pytest.raises(RetryableError, match="may have been created a moment ago") as caught:
            find.next(none)
        find = find.after(caught.value)
    assert find == FindCompany(CONFIG, {"Name": "Acme"}, ADA)
    assert find.next(none) == create
    assert create.after(RetryableError("create company", "failed", 503)) == find
