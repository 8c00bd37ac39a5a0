"""The requests of a probe, as any client would send them."""

from __future__ import annotations

from typing import Any

import pytest

from gainsight_dest import Request, Response, errors
from gainsight_dest.deliver.call import body_of
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.probing import calls
from tests.some import ACCESS_KEY, CONFIG

ONE = {"name": "Name", "alias": "A", "value": ["a"], "operator": "EQ"}
TABLE: list[tuple[Request, str, str, Any]] = [
    (
        calls.find(CONFIG, COMPANY, calls.SELECTED, "a"),
        "POST",
        "/v1/data/objects/query/Company",
        {"select": ["Gsid", "Name"], "where": {"conditions": [ONE], "expression": "A"}},
    ),
    (
        calls.find(CONFIG, PERSON, ("Email",), "a", "b", operator="IN"),
        "POST",
        "/v1/data/objects/query/Person",
        {
            "select": ["Email"],
            "where": {
                "conditions": [{"name": "Email", "alias": "A", "value": ["a", "b"], "operator": "IN"}],
                "expression": "A",
            },
        },
    ),
    (calls.insert(CONFIG, {"Name": "a"}), "POST", "/v1/data/objects/Company", {"records": [{"Name": "a"}]}),
    (
        calls.update(CONFIG, {"Name": "a"}, {"X": {}}),
        "PUT",
        "/v1/data/objects/Company?keys=Name",
        {"records": [{"Name": "a"}], "lookups": {"X": {}}},
    ),
    (calls.delete(CONFIG, "1P02"), "DELETE", "/v1/data/objects/Company/1P02", {}),
    (calls.upsert(CONFIG, {"Email": "a@b.co"}), "PUT", "/v1.0/api/people", {"Email": "a@b.co"}),
    (calls.describe_one(CONFIG, COMPANY), "GET", "/v1/meta/services/objects/Company/describe?idd=true", {}),
]


@pytest.mark.parametrize(("request_", "method", "path", "body"), TABLE, ids=lambda value: getattr(value, "action", ""))
def test_a_call_is_sent_as_any_request(request_: Request, method: str, path: str, body: Any) -> None:
    assert request_.as_dict() == {
        "method": method,
        "url": f"https://{CONFIG.domain}{path}",
        "headers": {"Accesskey": ACCESS_KEY, "Content-Type": "application/json"},
        "body": body,
    }
    assert ACCESS_KEY not in repr(request_)


def test_nothing_follows_a_call_and_a_refusal_is_raised() -> None:
    request = calls.delete(CONFIG, "1P02")
    request.next(Response(200, b'{"result": true}'))
    with pytest.raises(errors.RejectedError, match="delete company"):
        request.next(Response(400, b'{"result": false}'))


def test_the_route_of_a_call_has_no_id() -> None:
    assert calls.route_of(calls.delete(CONFIG, "1P02")) == "DELETE /v1/data/objects/Company/{Gsid}"
    assert calls.route_of(calls.insert(CONFIG)) == "POST /v1/data/objects/Company"


def test_a_delete_and_a_get_carry_no_body_and_all_others_do() -> None:
    assert {request.method: body_of(request) for request, *_ in TABLE if not body_of(request)} == {
        "DELETE": b"",
        "GET": b"",
    }
    assert body_of(calls.insert(CONFIG)) == b'{"records": []}'
