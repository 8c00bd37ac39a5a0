"""Reading Gainsight's answers: what is a success, what is nothing found, and what to do about the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gainsight_dest import (
    BlockedError,
    CredentialsError,
    FieldError,
    RejectedError,
    Response,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.gainsight import (
    CODES,
    RECORDS_PER_WRITE,
    check,
    finds_record,
    folded,
    found_records,
    no_gsid,
    query,
    saved_gsid,
    saved_gsids,
)

NOT_FOUND = {"result": False, "errorCode": "GSOBJ_1011", "errorDesc": "No data found for given criteria", "data": None}


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def failure(response: Response) -> ResponseError:
    with pytest.raises(ResponseError) as error:
        check(response, "upsert person", str)
    return error.value


@pytest.mark.parametrize(
    "response",
    [
        answer({"result": True, "data": {}}),
        answer({}),
        answer({"data": None}, 201),
        answer({"result": None}, 204),
        answer({"result": True, "errorCode": "GU_2400"}),
        answer({"errorCode": "not one of Gainsight's"}),
    ],
)
def test_a_2xx_with_an_object_whose_result_is_not_false_is_a_success(response: Response) -> None:
    assert check(response, "upsert person", str) == json.loads(response.body)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer({}, 429), ThrottledError),
        (answer(b"<html>slow down</html>", 429), ThrottledError),
        (answer({"result": False, "errorCode": "GU_2400"}), ThrottledError),
        (answer({"errorCode": "GU_2400"}), ThrottledError),
        (answer({"result": False, "errorCode": "GS_APIG_2404"}, 403), ThrottledError),
        (answer({}, 408), RetryableError),
        (answer({}, 500), RetryableError),
        (answer(b"<html>bad gateway</html>", 502), RetryableError),
        (answer({"result": False, "errorCode": "GU_1101"}, 400), RetryableError),
        (answer({"result": False, "errorCode": "GSOBJ_1003"}), RetryableError),
        (answer(b"<html>ok</html>"), RetryableError),
        (answer(b""), RetryableError),
        (answer(b'{"result": tr'), RetryableError),
        (answer([]), RetryableError),
        (answer(b'{"result": true, "data": NaN}'), RetryableError),
        (answer(b"[" * 100_000), RetryableError),
        (answer(b"\xff\xfe\xfd"), RetryableError),
        (answer({}, 0), RetryableError),
        (answer({}, 100), RetryableError),
        (answer({}, 600), RetryableError),
        (answer({"result": False}, 401), CredentialsError),
        (answer({"requestId": "r-1", "title": "no"}, 403), CredentialsError),
        (answer({}, 401), BlockedError),
        (answer({"message": "Forbidden"}, 403), BlockedError),
        (answer(b"<html>not here</html>", 403), BlockedError),
        (answer(b"", 401), BlockedError),
        (answer({"result": False, "errorCode": "GS_APIG_2401"}, 400), CredentialsError),
        (answer({"result": False, "errorCode": "GS_APIG_2402"}, 400), CredentialsError),
        (answer({"result": False, "errorCode": "GSOBJ_1024"}, 400), CredentialsError),
        (answer({"result": False, "errorCode": "GS_APIG_1000"}, 404), CredentialsError),
        (answer(b"", 302, Location="https://elsewhere.example"), CredentialsError),
        (answer({}, 400), RejectedError),
        (answer({}, 404), RejectedError),
        (answer({"result": False}), RejectedError),
        (answer({"result": False, "errorCode": "GSOBJ_1006"}, 400), RejectedError),
        (answer({"result": False, "errorCode": "NEW_1"}, 400), RejectedError),
        (answer({"result": False, "errorCode": ["GU_2400"]}), RejectedError),
    ],
)
def test_an_answer_that_is_no_success_says_what_to_do(response: Response, error: type[ResponseError]) -> None:
    assert type(failure(response)) is error


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_table_decides_at_any_status_that_fails(code: str) -> None:
    for status in (200, 400, 500):
        assert type(failure(answer({"result": False, "errorCode": code}, status))) is CODES[code].error


def test_an_error_carries_status_code_action_request_id_and_the_fields() -> None:
    refused = {"errorMessage": "x", "errorCode": "GSOBJ_1006", "fieldName": "RenewalDate", "invalidValue": 210318}
    body = {
        "result": False,
        "errorCode": "GSOBJ_1006",
        "errorDesc": "210318 is no date",
        "requestId": "8a1c-77",
        "data": {"count": 0, "errors": [[{"success": False, "parsedValue": 210318, "errors": [refused]}]]},
    }
    error = failure(answer(body, 400))
    assert (error.status, error.code, error.action, error.request_id) == (400, "GSOBJ_1006", "upsert person", "8a1c-77")
    assert error.field_errors == (FieldError("RenewalDate", "GSOBJ_1006", 210318),)
    assert "210318" not in str(error) + repr(error)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"errors": [{"fieldName": "A", "errorCode": "GSOBJ_1001", "invalidValue": ["x"]}]},
            ("A", "GSOBJ_1001", ["x"]),
        ),
        ([{"fieldName": "A", "errorCode": "GSOBJ_1001"}], ("A", "GSOBJ_1001", None)),
        ([{"fieldName": "ada@example.com", "errorCode": 7, "invalidValue": {"Name": "x"}}], (None, None, None)),
        ([{"fieldName": "A", "errorCode": "GSOBJ_1001", "invalidValue": [{"Name": "x"}]}], ("A", "GSOBJ_1001", None)),
    ],
)
def test_field_errors_are_read_from_flat_and_nested_lists(data: Any, expected: tuple[Any, ...]) -> None:
    assert failure(answer({"result": False, "data": data}, 400)).field_errors == (FieldError(*expected),)


def test_field_errors_keep_their_order() -> None:
    data = {"errors": [[{"errors": [{"fieldName": name} for name in "AB"]}], [{"errors": [{"fieldName": "C"}]}]]}
    assert [e.field for e in failure(answer({"result": False, "data": data}, 400)).field_errors] == ["A", "B", "C"]


def test_words_of_an_answer_are_quoted_only_if_they_look_like_names() -> None:
    error = failure(
        answer({"result": False, "errorCode": "Ada Lovelace <ada@example.com>", "requestId": "x" * 65}, 400)
    )
    assert (error.code, error.request_id) == (None, None)


def test_the_request_id_may_come_as_a_header_in_any_case() -> None:
    assert failure(answer(b"", 500, x_GS_request_ID="id-1")).request_id == "id-1"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after": " 1.5 "}, 1.5),
        (
            {"Retry_After": "Mon, 23 Nov 2026 08:00:30 GMT", "Date": "Mon, 23 Nov 2026 08:00:00 GMT"},
            30.0,
        ),
        ({"Retry_After": "Mon, 23 Nov 2026 08:00:00 GMT", "Date": "Mon, 23 Nov 2026 08:00:30 GMT"}, 0.0),
        ({"Retry_After": "Mon, 23 Nov 2026 08:00:30 GMT"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "9" * 400}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_read_from_the_answer_alone(headers: dict[str, str], seconds: float | None) -> None:
    assert failure(answer({}, 429, **headers)).retry_after == seconds
    assert failure(answer({}, 503, **headers)).retry_after == seconds


@pytest.mark.parametrize(
    "response",
    [
        answer({"result": True, "data": {"records": []}}),
        answer({"result": True, "data": []}),
        answer(NOT_FOUND),
        answer(NOT_FOUND, 400),
        answer(NOT_FOUND, 500),
        answer({"result": False, "errorCode": "GSOBJ_1011"}, 404),
        answer({"result": False, "errorDesc": "no data found"}),
        answer({"result": False, "message": "No Data Found."}, 400),
    ],
)
def test_nothing_found_has_several_forms(response: Response) -> None:
    assert finds_record(response, "find company", str) is False


@pytest.mark.parametrize("data", [{"records": [{"Name": "x", "Gsid": "1P02"}]}, [{"Name": "x"}], [{}]])
def test_records_may_be_in_data_or_in_its_records(data: Any) -> None:
    assert finds_record(answer({"result": True, "data": data}), "find company", str) is True


@pytest.mark.parametrize("data", [None, {}, {"records": None}, {"records": {}}, {"records": [1]}, ["x"], "none", 0])
def test_a_search_answer_without_a_list_of_records_is_an_error_not_a_company_to_create(data: Any) -> None:
    with pytest.raises(RetryableError, match="find company: the answer holds no list of records"):
        finds_record(answer({"result": True, "data": data}), "find company", str)


def test_a_failed_search_is_not_taken_for_nothing_found() -> None:
    with pytest.raises(RetryableError):
        finds_record(answer({"errorDesc": "No data found"}, 500), "find company", str)
    with pytest.raises(RejectedError):
        finds_record(answer({"result": False, "errorDesc": "bad field"}, 400), "find company", str)


@pytest.mark.parametrize("data", [{"count": 1, "errors": None, "records": [{"Gsid": "1P02"}]}, [{"Gsid": "1P02"}]])
def test_the_gsid_is_the_first_saved_records(data: Any) -> None:
    assert saved_gsid(answer({"result": True, "data": data}), "create company", str) == "1P02"


@pytest.mark.parametrize(
    "data",
    [None, {}, {"records": []}, {"records": None}, {"records": [{}]}, {"records": [{"Gsid": " "}]}, [{"Gsid": 7}]],
)
def test_a_saved_company_without_a_gsid_is_an_error_that_says_so(data: Any) -> None:
    with pytest.raises(RetryableError, match="create company: the answer holds no Gsid of the company"):
        saved_gsid(answer({"result": True, "data": data}), "create company", str)


def test_the_repr_of_a_response_shows_neither_body_nor_headers() -> None:
    response = answer({"errorDesc": "ada@example.com"}, 400, Set_Cookie="session=1")
    assert repr(response) == f"Response(status=400, body=<{len(response.body)} bytes>)"


# --- many companies at once -------------------------------------------------------------------------------------------

NAMES = ("Acme", "Brix ")


def records(*records: dict[str, Any]) -> Response:
    return answer({"result": True, "data": {"records": records}})


def test_a_query_of_many_names_joins_a_condition_for_each_with_or() -> None:
    assert query("Name", "Acme", "Brix ", "Acme OR B") == {
        "select": ["Name"],
        "where": {
            "conditions": [
                {"name": "Name", "alias": "A", "value": ["Acme"], "operator": "EQ"},
                {"name": "Name", "alias": "B", "value": ["Brix "], "operator": "EQ"},
                {"name": "Name", "alias": "C", "value": ["Acme OR B"], "operator": "EQ"},
            ],
            "expression": "A OR B OR C",
        },
    }


def test_no_alias_of_a_query_comes_twice_or_is_an_operator() -> None:
    conditions = query("Name", *map(str, range(RECORDS_PER_WRITE)))["where"]["conditions"]
    aliases = {condition["alias"] for condition in conditions}
    assert len(aliases) == RECORDS_PER_WRITE
    assert not aliases & {"AND", "OR"}


@pytest.mark.parametrize(
    ("response", "found"),
    [
        (records(), set()),
        (answer(NOT_FOUND), set()),
        (records({"Name": "Brix "}), {"Brix "}),
        (records({"Name": "BRIX"}, {"Name": " acme"}), {"Acme", "Brix "}),
        (records({"Name": "Acme"}, {"Name": "Acme"}), {"Acme"}),
        (records({"Name": "Acme"}, {"Name": "Cora"}), None),
        (records({"Name": "Acme"}, {}), None),
        (records({"Name": 7}), None),
    ],
)
def test_a_query_of_many_names_tells_which_there_are_or_that_it_cannot(
    response: Response, found: set[str] | None
) -> None:
    assert found_records(response, "Name", NAMES, "find company", str) == found


@pytest.mark.parametrize("record", [{"Name": "Acme"}, {"Name": "another"}, {}])
def test_whatever_a_query_of_one_name_finds_is_that_company(record: dict[str, Any]) -> None:
    assert found_records(records(record), "Name", ("Acme",), "find company", str) == frozenset({"Acme"})
    assert found_records(records(), "Name", ("Acme",), "find company", str) == frozenset()


@pytest.mark.parametrize(
    ("response", "error"), [(answer({}, 500), RetryableError), (answer({"result": False}), RejectedError)]
)
def test_a_failed_query_of_many_names_is_not_taken_for_nothing_found(
    response: Response, error: type[ResponseError]
) -> None:
    with pytest.raises(error, match=r"^find company: "):
        found_records(response, "Name", NAMES, "find company", str)


@pytest.mark.parametrize(
    ("saved", "gsids"),
    [
        ([{"Gsid": "1"}, {"Gsid": "2"}], {"Acme": "1", "Brix ": "2"}),
        ([{"Gsid": "1", "Name": "Acme"}, {"Gsid": "2", "Name": "Brix"}], {"Acme": "1", "Brix ": "2"}),
        ([{"Gsid": "2", "Name": "BRIX"}, {"Gsid": "1", "Name": " acme"}], {"Acme": "1", "Brix ": "2"}),
        ([{"Gsid": "1", "Name": "Acme"}, {"Gsid": "9", "Name": "Acme"}], {"Acme": "1"}),
        ([{"Gsid": "2", "Name": "Brix"}], {"Brix ": "2"}),
        ([{"Gsid": "9", "Name": "Cora"}, {"Gsid": "1", "Name": "Acme"}, {"Gsid": "2"}], {"Acme": "1"}),
        ([{"Gsid": "1"}, {"Gsid": " "}], {"Acme": "1"}),
        ([{"Gsid": 7}, {"Gsid": "2"}], {"Brix ": "2"}),
    ],
)
def test_gsids_of_many_go_by_the_names_in_the_answer_or_else_by_order(
    saved: list[dict[str, Any]], gsids: dict[str, str]
) -> None:
    assert saved_gsids(records(*saved), "Name", NAMES, "create company", str) == gsids


@pytest.mark.parametrize(
    "saved",
    [
        [],
        [{"Gsid": "1"}],
        [{"Gsid": "1"}, {"Gsid": "2"}, {"Gsid": "3"}],
        [{"Gsid": "9", "Name": "Cora"}, {"Gsid": "8", "Name": "Dyne"}],
        [{"Name": "Acme"}, {"Name": "Brix"}],
    ],
)
def test_an_answer_that_does_not_tell_whose_the_gsids_are_gives_none(saved: list[dict[str, Any]]) -> None:
    with pytest.raises(RetryableError) as error:
        saved_gsids(records(*saved), "Name", NAMES, "create company", str)
    assert str(error.value) == "create company: the answer holds no Gsid of the company (HTTP 200)"


def test_the_first_record_is_that_of_the_only_company() -> None:
    saved = records({"Gsid": "1", "Name": "another"}, {"Gsid": "2", "Name": "Acme"})
    assert saved_gsids(saved, "Name", ("Acme",), "create company", str) == {"Acme": "1"}


def test_a_company_without_a_gsid_among_others_may_be_tried_again() -> None:
    assert no_gsid("update company") == RetryableError(
        "update company", "the answer holds no Gsid of the company", None
    )


@pytest.mark.parametrize("key", ["Straße", " STRASSE", "strasse\t", "Strasse"])
def test_keys_that_gainsight_may_take_for_one_are_folded_into_one(key: str) -> None:
    assert folded(key) == "strasse"


def test_a_record_without_a_name_is_not_the_company_of_that_name() -> None:
    names = ("None", "Acme", "Brix")
    assert found_records(records({"Name": "Acme"}, {}), "Name", names, "find company", str) is None
    saved = records({"Name": "Acme", "Gsid": "1"}, {"Gsid": "2"}, {"Name": None, "Gsid": "3"})
    assert saved_gsids(saved, "Name", names, "create company", str) == {"Acme": "1"}


def test_a_query_for_more_names_than_there_are_aliases_is_no_query() -> None:
    with pytest.raises(ValueError, match="longer"):
        query("Name", *map(str, range(60)))
