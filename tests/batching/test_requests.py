"""Requests for many companies as values: what they ask, how they look, what they read from an answer."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from gainsight_dest import FindCompany, RejectedError, Response, RetryableError
from gainsight_dest.batching.requests import CompaniesRequest, CreateCompanies, FindCompanies, UpdateCompanies
from gainsight_dest.gainsight import RECORDS_PER_WRITE
from tests.some import ACCESS_KEY, ADA, CONFIG

URL = "https://acme.gainsightcloud.com/v1/data/objects"
KEYED = {"Accesskey": ACCESS_KEY, "Content-Type": "application/json"}
ACME, BRIX = {"Name": "Acme", "Employees": 7}, {"Name": " BRIX", "Arr": 1.5}
FIND = FindCompanies(CONFIG, ("Acme", " BRIX"))
CREATE = CreateCompanies(CONFIG, (ACME, BRIX))
UPDATE = UpdateCompanies(CONFIG, (ACME, BRIX))
EVERY = [FIND, CREATE, UPDATE]


def ok(*records: Any) -> Response:
    return Response(200, json.dumps({"result": True, "data": {"records": records}}).encode())


def named(request: CompaniesRequest) -> str:
    return type(request).__name__


def test_a_find_asks_for_all_names_in_one_query() -> None:
    assert FIND.as_dict() == {
        "method": "POST",
        "url": f"{URL}/query/Company",
        "headers": KEYED,
        "body": {
            "select": ["Name"],
            "where": {
                "conditions": [
                    {"name": "Name", "alias": "A", "value": ["Acme"], "operator": "EQ"},
                    {"name": "Name", "alias": "B", "value": [" BRIX"], "operator": "EQ"},
                ],
                "expression": "A OR B",
            },
        },
    }


def test_a_find_of_one_name_is_that_of_a_single_event() -> None:
    assert FindCompanies(CONFIG, ("Acme",)).as_dict() == FindCompany(CONFIG, ACME, ADA).as_dict()


def test_fifty_names_have_fifty_conditions_of_which_any_may_hold() -> None:
    names = tuple(f"Company {number}" for number in range(RECORDS_PER_WRITE))
    where = FindCompanies(CONFIG, names).body["where"]
    aliases = [condition["alias"] for condition in where["conditions"]]
    assert [condition["value"] for condition in where["conditions"]] == [[name] for name in names]
    assert len(set(aliases)) == RECORDS_PER_WRITE
    assert where["expression"] == " OR ".join(aliases)


@pytest.mark.parametrize(
    ("request_", "method", "url"),
    [(CREATE, "POST", f"{URL}/Company"), (UPDATE, "PUT", f"{URL}/Company?keys=Name")],
    ids=["create", "update"],
)
def test_a_write_holds_all_records(request_: CompaniesRequest, method: str, url: str) -> None:
    body = {"records": [ACME, BRIX]}
    assert request_.as_dict() == {"method": method, "url": url, "headers": KEYED, "body": body}


@pytest.mark.parametrize("request_", EVERY, ids=named)
def test_a_request_tells_the_names_and_the_records_that_it_is_about(request_: CompaniesRequest) -> None:
    assert request_.names == ("Acme", " BRIX")
    assert request_.records == {("Company", "acme"), ("Company", "brix")}


def test_a_find_tells_how_often_it_looks_again() -> None:
    assert [FIND.looks, FindCompanies(CONFIG, ("Acme",), 2).looks] == [0, 2]


def test_what_is_asked_is_called_as_for_a_single_event() -> None:
    assert [request.action for request in EVERY] == ["find company", "create company", "update company"]


def test_only_a_create_begins_again_with_its_find() -> None:
    assert [request.again for request in EVERY] == [FIND, FIND, UPDATE]


@pytest.mark.parametrize("request_", EVERY, ids=named)
def test_a_request_is_a_value_whose_repr_shows_no_company_and_no_secret(request_: CompaniesRequest) -> None:
    assert pickle.loads(pickle.dumps(request_)) == request_
    assert [other == request_ for other in EVERY].count(True) == 1
    for shown in ("Acme", "BRIX", ACCESS_KEY, "7"):
        assert shown not in repr(request_)
    assert repr(request_).startswith(f"<{named(request_)} {request_.method} {URL}")


def test_a_find_reads_which_names_there_are() -> None:
    assert FIND.read(ok({"Name": "Brix"})) == frozenset({" BRIX"})
    assert FIND.read(ok()) == frozenset()
    assert FIND.read(ok({"Name": "Cora"})) is None


def test_a_write_reads_the_gsids_by_name() -> None:
    for save in (CREATE, UPDATE):
        assert save.read(ok({"Gsid": "1P02A"}, {"Gsid": "1P02B"})) == {"Acme": "1P02A", " BRIX": "1P02B"}


@pytest.mark.parametrize("request_", EVERY, ids=named)
def test_nothing_follows_of_itself_and_a_refusal_says_what_was_asked(request_: CompaniesRequest) -> None:
    request_.next(ok({"Name": "Acme", "Gsid": "1P02A"}))
    with pytest.raises(RejectedError, match=f"^{request_.action}: Gainsight refused the request"):
        request_.next(Response(400, b'{"result": false}'))


@pytest.mark.parametrize("request_", [CREATE, UPDATE], ids=named)
def test_a_write_without_any_gsid_in_its_answer_is_an_error(request_: CompaniesRequest) -> None:
    with pytest.raises(RetryableError, match=f"{request_.action}: the answer holds no Gsid of the company"):
        request_.next(ok({"Name": "Acme"}))
