"""The processor and the router: what becomes of each item, and what is told of one that failed."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import CredentialsError, EventError, Request, Response, RetryableError, ThrottledError, transform
from gainsight_dest.batching.batch import transform_batch
from gainsight_dest.rudderstack import companies as companies_module
from gainsight_dest.rudderstack import features, processor, router, transformer
from gainsight_dest.sandbox import Sandbox
from tests.rudderstack.rudder import (
    NOTHING,
    Data,
    Recorded,
    body,
    check_processed,
    check_routed,
    companies,
    destination,
    item,
    items,
    known_companies,
    never,
    told,
)
from tests.some import ACCESS_KEY, ADA, SETTINGS, group, identify, track

Send = Callable[[Request], Response]


def routed(given: Any, send: Send = never, **how: Any) -> list[Data]:
    output: list[Data] = router(given, send, **how)["output"]
    for each in output:
        check_routed(each)
    return output


def jobs(output: list[Data]) -> list[list[Any]]:
    return [[each["jobId"] for each in one["metadata"]] for one in output]


def test_the_features_are_those_that_rudder_server_reads() -> None:
    told_of = features()
    assert told_of["routerTransform"] == {"GAINSIGHT": True}
    assert told_of["supportTransformerProxyV1"] is True
    assert told_of["supportDestTransformCompactedPayloadV1"] is True


# --- bodies that are none ---------------------------------------------------------------------------------------------

INVALID = {"metadata": [{"destType": "gainsight"}], "batched": False, "statusCode": 400, "error": "Invalid event array"}


@pytest.mark.parametrize("given", [{"input": []}, {}, {"input": None}, {"input": {}}, {"input": "x"}, [], None, 1, "x"])
def test_a_router_body_without_items_is_an_invalid_event_array(given: Any) -> None:
    assert router(given, never) == {"output": [INVALID]}


def test_what_one_answer_holds_is_not_the_next_ones() -> None:
    router({"input": []}, never)["output"][0]["metadata"][0]["jobId"] = 1
    assert router({"input": []}, never) == {"output": [INVALID]}


@pytest.mark.parametrize("given", [None, {}, 1, "x", {"input": 1}])
def test_a_processor_body_that_is_no_list_is_one_failure(given: Any) -> None:
    [answer] = processor(given, never)
    check_processed(answer)
    assert (answer["statusCode"], answer["metadata"]) == (400, {"destType": "gainsight"})


def test_the_processor_answers_an_empty_list_with_one() -> None:
    assert processor([], never) == []


@pytest.mark.parametrize("meant_for", ["marketo", "gainsight_px", "GAINSIGHTPX"])
def test_a_request_for_another_destination_is_to_be_tried_again(meant_for: str) -> None:
    output = routed({**body(identify(), identify()), "destType": meant_for})
    assert jobs(output) == [[1], [2]]
    assert {(one["statusCode"], one["statTags"]["errorCategory"]) for one in output} == {(500, "platform")}


@pytest.mark.parametrize("meant_for", ["gainsight", " GAINSIGHT ", "", None, 1])
def test_a_request_for_this_destination_or_for_none_is_taken(meant_for: Any) -> None:
    assert routed({**body(identify()), "destType": meant_for})[0]["statusCode"] == 200


@pytest.mark.parametrize("given", [None, 1, "x", [], [[]], {}, {"message": None}, {"metadata": []}, {"metadata": "x"}])
def test_an_item_without_metadata_is_answered_without_any(given: Any) -> None:
    [answer] = routed({"input": [given]})
    assert (answer["metadata"], answer["destination"], answer["statusCode"]) == ([], {}, 400)
    [processed] = processor([given], never)
    check_processed(processed)
    assert "metadata" not in processed


def test_an_event_without_metadata_goes_out_without_any() -> None:
    given = {"message": identify(), "destination": destination()}
    [answer] = routed({"input": [given, {**item(identify()), "metadata": {}}]})
    assert (answer["metadata"], answer["batched"], answer["statusCode"]) == ([{}], True, 200)
    assert routed({"input": [given]})[0]["metadata"] == []
    assert "metadata" not in processor([given], never)[0]


# --- forms of a request -----------------------------------------------------------------------------------------------


def compacted(*messages: Any) -> Data:
    given = body(*messages)
    for each in given["input"]:
        del each["destination"]
    return {**given, "destinations": {"d-1": destination()}, "connections": {"s-1:d-1": {"enabled": True}}}


def test_the_compacted_format_means_the_same() -> None:
    messages = identify(), track(), group()
    assert router(compacted(*messages), companies) == router(body(*messages), companies)
    assert processor(compacted(*messages), companies) == processor(items(*messages), companies)


@pytest.mark.parametrize("name", [None, 1, "d-2", ["d-1"]])
def test_an_item_that_names_no_destination_of_the_compacted_format_is_to_be_tried_again(name: Any) -> None:
    given = compacted(identify(), track())
    given["input"][0]["metadata"]["destinationId"] = name
    for answer, other in (routed(given), processor(given, never)):
        assert (answer["statusCode"], answer["statTags"]["errorCategory"]) == (500, "platform")
        assert answer["error"] == "the item's destination is not among those of the request"
        assert other["statusCode"] == 200


@pytest.mark.parametrize("shared", [{}, None, [], {"d-1": None}, {"d-1": "x"}])
def test_a_compacted_body_without_the_destination_is_to_be_tried_again(shared: Any) -> None:
    assert routed({**compacted(identify()), "destinations": shared})[0]["statusCode"] == 500


def test_an_item_without_a_destination_that_is_not_compacted_has_no_config() -> None:
    given = body(identify())
    del given["input"][0]["destination"]
    [answer] = routed(given)
    assert (answer["statusCode"], answer["statTags"]["errorType"]) == (400, "configuration")


def test_an_item_that_carries_a_destination_keeps_it_in_the_compacted_format() -> None:
    given = compacted(identify())
    given["input"][0]["destination"] = destination({**SETTINGS, "domain": "brix.gainsightcloud.com"})
    assert routed(given)[0]["batchedRequest"]["endpoint"].startswith("https://brix.")


def transformed(**changes: Any) -> Data:
    request = routed(body(identify()))[0]["batchedRequest"]
    return {**request, "userId": "u-1", "statusCode": 200, **changes}


def test_a_message_that_is_a_request_already_is_passed_through() -> None:
    message = transformed()
    [answer] = routed(body(message))
    assert (answer["batchedRequest"], answer["statusCode"]) == (message, 200)


def test_a_passed_message_keeps_its_status() -> None:
    assert routed(body(transformed(statusCode=298)))[0]["statusCode"] == 298


def test_numbers_among_headers_and_params_of_a_passed_message_become_text() -> None:
    message = transformed(headers={"a": 1, "b": True, "c": 1.5, "d": "x", "e": False}, params={"keys": 7})
    request = routed(body(message))[0]["batchedRequest"]
    assert request["headers"] == {"a": "1", "b": "true", "c": "1.5", "d": "x", "e": "false"}
    assert request["params"] == {"keys": "7"}


BROKEN: list[Data] = [
    {"statusCode": "200"},
    {"statusCode": True},
    {"statusCode": 99},
    {"statusCode": 600},
    {"method": None},
    {"endpoint": ""},
    {"headers": []},
    {"headers": {"a": None}},
    {"headers": {"a": {}}},
    {"params": "x"},
    {"body": []},
    {"body": {"JSON": 1}},
    {"body": {"JSON": {"a": 1}, "FORM": {"b": 2}}},
    {"files": [1]},
]


@pytest.mark.parametrize("changes", BROKEN, ids=str)
def test_a_passed_message_that_rudder_server_could_not_read_is_the_events_fault(changes: Data) -> None:
    first, second = routed(body(transformed(**changes), track()))
    assert (first["statusCode"], first["statTags"]["errorType"]) == (400, "instrumentation")
    assert second["statusCode"] == 200


def test_the_processor_takes_a_message_with_a_status_code_as_an_event() -> None:
    [answer] = processor([item({**identify(), "statusCode": 200})], never)
    assert answer["output"]["body"]["JSON"] == {"Email": ADA}


# --- which items share a request --------------------------------------------------------------------------------------


def test_writes_of_one_person_become_one_item_with_all_their_metadata() -> None:
    output = routed(body(identify(firstName="Ada"), track(), identify(location="London"), identify("bob@example.com")))
    assert jobs(output) == [[1, 3], [2], [4]]
    assert [one["batched"] for one in output] == [True, False, False]
    person = {"Email": ADA, "FirstName": "Ada", "Location": "London", "Name": "Ada"}
    assert output[0]["batchedRequest"]["body"]["JSON"] == person


def test_links_of_one_person_are_merged_with_her_fields() -> None:
    output = routed(body(identify(location="London"), group("Acme"), group("Brix")), companies)
    assert jobs(output) == [[1, 2, 3]]
    links = [{"Company_ID": "G-Acme"}, {"Company_ID": "G-Brix"}]
    assert output[0]["batchedRequest"]["body"]["JSON"]["companies"] == links


def test_without_batch_each_job_has_its_own_item() -> None:
    output = routed(body(identify(), identify(), identify()), batch=False)
    assert jobs(output) == [[1], [2], [3]]


def test_writes_of_one_person_that_do_not_stand_for_each_other_come_back_in_order() -> None:
    output = routed(body(*[identify(timezone=zone) for zone in ("UTC", "CET", "CET", "UTC")]))
    assert jobs(output) == [[1], [2, 3], [4]]
    assert [one["batchedRequest"]["body"]["JSON"]["Timezone"] for one in output] == ["UTC", "CET", "UTC"]


def test_an_item_that_asks_to_come_back_alone_does() -> None:
    given = body(identify(location="a"), identify(location="b"), identify(location="c"), identify(location="d"))
    given["input"][1]["metadata"]["dontBatch"] = True
    given["input"][2]["metadata"]["dontBatch"] = False
    output = routed(given)
    assert jobs(output) == [[1], [2], [3, 4]]
    assert [one["batchedRequest"]["body"]["JSON"]["Location"] for one in output] == ["a", "b", "d"]
    for each in given["input"]:
        each["metadata"]["dontBatch"] = True
    assert jobs(routed(given)) == [[1], [2], [3], [4]]


def test_writes_of_one_person_at_two_destinations_stay_apart() -> None:
    there = destination({**SETTINGS, "domain": "brix.gainsightcloud.com"}, "d-2")
    output = routed({"input": [item(identify(), 1), item(identify(), 2, there), item(identify(), 3)]})
    assert jobs(output) == [[1, 3], [2]]
    assert output[1]["destination"] == there


def test_equal_destinations_are_one() -> None:
    given = [item(identify(), job, copy.deepcopy(destination())) for job in (1, 2)]
    assert jobs(routed({"input": given})) == [[1, 2]]


def test_destinations_without_an_id_are_told_apart_by_their_config() -> None:
    one, other = {"Config": SETTINGS}, {"id": 1, "Config": {**SETTINGS, "accessKey": "another-key"}}
    output = routed({"input": [item(identify(), 1, one), item(identify(), 2, other)]})
    assert [each["batchedRequest"]["headers"]["Accesskey"] for each in output] == [ACCESS_KEY, "another-key"]


def test_a_failed_write_of_a_person_touches_none_of_the_others() -> None:
    output = routed(body(identify(), {"type": "identify"}, identify()))
    assert jobs(output) == [[1, 3], [2]]
    assert [one["statusCode"] for one in output] == [200, 400]


# --- calls that failed ------------------------------------------------------------------------------------------------


Answer = Callable[[str], Any]


def raising(error: Callable[[str], Exception]) -> Answer:
    def answer(action: str) -> Response:
        raise error(action)

    return answer


def answering(response: Any) -> Answer:
    return lambda _: response


RETRYABLE, THROTTLED, ABORTED = ("network", "retryable"), ("network", "throttled"), ("network", "aborted")
#: Answer -> status code, category and type, the status of Gainsight's answer.
TABLE: dict[str, tuple[Answer, int, tuple[str, str], int]] = {
    "429": (answering(told(None, result=False, status=429)), 429, THROTTLED, 429),
    "GU_2400 at 400": (answering(told(None, result=False, status=400, errorCode="GU_2400")), 429, THROTTLED, 400),
    "500": (answering(Response(500, b"")), 500, RETRYABLE, 500),
    "503": (answering(Response(503, b"<html>down</html>")), 503, RETRYABLE, 503),
    "599": (answering(Response(599, b"{}")), 599, RETRYABLE, 599),
    "408": (answering(Response(408, b"")), 500, RETRYABLE, 408),
    "100": (answering(Response(100, b"")), 500, RETRYABLE, 100),
    "no answer": (raising(lambda action: RetryableError(action, "no answer (ReadTimeout)")), 500, RETRYABLE, 500),
    "throttled": (raising(lambda action: ThrottledError(action, "too many calls", 429)), 429, THROTTLED, 429),
    "a timeout": (raising(TimeoutError), 500, RETRYABLE, 500),
    "a KeyError": (raising(KeyError), 500, RETRYABLE, 500),
    "an untrusted host": (raising(lambda action: CredentialsError(action, "not trusted")), 500, RETRYABLE, 500),
    "no Response": (answering({"status": 200}), 500, RETRYABLE, 500),
    "400": (answering(told(None, result=False, status=400, errorCode="GSOBJ_1006")), 400, ABORTED, 400),
    "404": (answering(told(None, result=False, status=404, errorCode="GS_APIG_1000")), 404, ABORTED, 404),
    "401": (answering(told(None, result=False, status=401)), 401, ABORTED, 401),
    "403": (answering(Response(403, b"")), 403, ABORTED, 403),
    "302": (answering(Response(302, b"")), 400, ABORTED, 302),
    "200 that refuses": (answering(told(None, result=False, errorCode="GSOBJ_1002")), 400, ABORTED, 200),
    "200 with a wrong key": (answering(told(None, result=False, errorCode="GS_APIG_2401")), 400, ABORTED, 200),
    "200 that is no JSON": (answering(Response(200, b"<html>")), 500, RETRYABLE, 200),
}
CALLS = {"search": "find company", "create": "create company", "update": "update company"}


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("case", TABLE)
def test_a_failed_call_of_a_group_is_told_by_what_should_be_done(case: str, verb: str) -> None:
    answer, status, tags, theirs = TABLE[case]

    def send(request: Request) -> Any:
        if request.action == CALLS[verb]:
            return answer(request.action)
        return (known_companies if verb == "update" else companies)(request)

    [failed, fine] = routed(body(group(), track()), send)
    [processed] = processor([item(group())], send)
    check_processed(processed)
    for told_of in (failed, processed):
        assert told_of["statusCode"] == status
        assert (told_of["statTags"]["errorCategory"], told_of["statTags"]["errorType"]) == tags
        error = json.loads(told_of["error"])
        assert error["message"].startswith(f"failed to {verb} group: ")
        assert set(error["destinationResponse"]) == {"response", "status"}
        assert error["destinationResponse"]["status"] == theirs
    assert fine["statusCode"] == 200


def test_an_answer_that_is_json_is_told_as_json_and_another_as_its_text() -> None:
    refusal = told({"why": [1]}, result=False, status=400)
    [failed] = routed(body(group()), lambda _: refusal)
    assert json.loads(failed["error"])["destinationResponse"]["response"] == json.loads(refusal.body)
    [failed] = routed(body(group()), lambda _: Response(503, "<html>тихо".encode() + b"\xff"))
    assert json.loads(failed["error"])["destinationResponse"]["response"] == "<html>тихо\ufffd"


@pytest.mark.parametrize("answer", [b"[" * 100_000, b"1e999", b"[NaN]", b"9" * 5000, b"[" * 300 + b"]" * 300])
def test_an_odd_answer_is_told_without_a_fault_of_our_own(answer: bytes) -> None:
    [failed] = routed(body(group()), lambda _: Response(500, answer))
    assert failed["statTags"]["errorCategory"] == "network"
    json.dumps(json.loads(failed["error"]), allow_nan=False)


def test_an_answer_that_repeats_the_key_is_told_without_it() -> None:
    answer = told(None, result=False, status=401, errorDesc=f"wrong key: {ACCESS_KEY}")
    for told_of in (routed(body(group()), lambda _: answer)[0], processor([item(group())], lambda _: answer)[0]):
        assert ACCESS_KEY not in json.dumps(told_of["error"])


@pytest.mark.parametrize("key", ["abc/def+ghi12", 'quo"ted-key', "back\\slash-key", "schlüssel-123"])
def test_a_key_that_an_answer_spells_with_escapes_is_hidden_too(key: str) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in key)
    send = lambda _: Response(401, f'{{"result": false, "errorDesc": "no {spelled}"}}'.encode())  # noqa: E731
    [failed] = routed(body(group(), to=destination({**SETTINGS, "accessKey": key})), send)
    answer = json.loads(failed["error"])["destinationResponse"]["response"]
    assert key not in (answer["errorDesc"] if isinstance(answer, dict) else answer)


def test_a_wrong_key_ends_all_groups_of_its_destination_and_no_others() -> None:
    there = destination({**SETTINGS, "domain": "brix.gainsightcloud.com"}, "d-2")

    def send(request: Request) -> Response:
        return told(None, result=False, status=401) if "acme" in request.url else companies(request)

    recorded = Recorded(send)
    messages = [group(f"Company {n}", f"p{n}@example.com") for n in range(60)]
    given = [*items(*messages, track()), item(group(), 99, there)]
    output = routed({"input": given}, recorded)
    assert [one["statusCode"] for one in output] == [401] * 60 + [200, 200]
    assert all(json.loads(one["error"])["destinationResponse"]["status"] == 401 for one in output[:60])
    assert len(recorded.sent) <= 4


def test_an_error_of_the_event_that_send_raises_is_the_events() -> None:
    def send(_: Request) -> Response:
        raise EventError("the event", "holds a number that cannot be written as JSON")

    [failed] = routed(body(group()), send)
    assert (failed["statusCode"], failed["statTags"]["errorType"]) == (400, "instrumentation")
    assert failed["error"] == "the event: holds a number that cannot be written as JSON"


def test_a_company_saved_without_a_gsid_is_tried_again() -> None:
    send = lambda request: NOTHING if request.action == "find company" else told({"records": [{}]})  # noqa: E731
    [failed] = routed(body(group()), send)
    assert (failed["statusCode"], failed["statTags"]["errorType"]) == (500, "retryable")


# --- how many calls ---------------------------------------------------------------------------------------------------

FIFTY = [group(f"Company {n}", f"p{n}@example.com") for n in range(50)]


@pytest.mark.parametrize("send", [companies, known_companies])
def test_fifty_groups_of_fifty_companies_cost_two_calls(send: Send) -> None:
    recorded = Recorded(send)
    output = routed(body(*FIFTY), recorded)
    assert len(recorded.sent) == 2
    for n, one in enumerate(output):
        assert one["batchedRequest"]["body"]["JSON"]["companies"] == [{"Company_ID": f"G-Company {n}"}]


def test_fifty_groups_half_of_them_known_cost_three_calls() -> None:
    def send(request: Request) -> Response:
        if request.action == "find company":
            return told({"records": [{"Name": f"Company {n}"} for n in range(0, 50, 2)]})
        return companies(request)

    recorded = Recorded(send)
    assert {one["statusCode"] for one in routed(body(*FIFTY), recorded)} == {200}
    assert len(recorded.sent) == 3


def test_one_bad_company_among_fifty_fails_alone() -> None:
    tenant = Sandbox(calls_per_minute=None)
    groups = [*FIFTY]
    groups[17] = group("Company 17", "p17@example.com", originalContractDate="soon")
    output = routed(body(*groups), tenant.handle)
    assert [one["metadata"][0]["jobId"] for one in output if one["statusCode"] != 200] == [18]
    failed = output[17]
    assert (failed["statusCode"], failed["statTags"]["errorType"]) == (400, "aborted")
    assert json.loads(failed["error"])["message"].startswith("failed to create group: ")
    assert len(tenant.companies) == 49


def test_groups_of_one_company_are_saved_in_one_call_and_linked_each() -> None:
    recorded = Recorded(companies)
    output = routed(body(group(email=ADA, industry="a"), group(email="bob@example.com", industry="b")), recorded)
    assert recorded.actions == ["find company", "create company"]
    assert [one["batchedRequest"]["body"]["JSON"]["Email"] for one in output] == [ADA, "bob@example.com"]


# --- faults of our own ------------------------------------------------------------------------------------------------


def breaking(whole: Callable[..., Any], when: Callable[[Any], bool]) -> Callable[..., Any]:
    def broken(*given: Any, **more: Any) -> Any:
        if when(given[0]):
            raise ValueError("secret")
        return whole(*given, **more)

    return broken


def test_a_fault_of_our_own_is_the_items_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transformer, "transform", breaking(transform, lambda event: event["type"] == "track"))
    with caplog.at_level(logging.DEBUG):
        output = routed(body(identify(), track(), group()), companies)
    assert jobs(output) == [[1, 3], [2]]
    failed = output[1]
    assert (failed["statusCode"], failed["statTags"]["errorCategory"]) == (500, "platform")
    assert "errorType" not in failed["statTags"]
    assert "secret" not in json.dumps(failed["error"]) + caplog.text
    assert "ValueError" in caplog.text
    assert "test_transformer.py" in caplog.text


def test_a_fault_of_our_own_among_groups_leaves_the_rest_untouched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(companies_module, "transform_batch", breaking(transform_batch, lambda _: True))
    output = routed(body(group(), identify(), group("Brix")), companies)
    assert [(jobs([one])[0], one["statusCode"]) for one in output] == [([1], 500), ([2], 200), ([3], 500)]
    assert "secret" not in json.dumps(output[0]["error"]) + caplog.text


def test_a_company_with_neither_gsid_nor_error_is_a_fault_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companies_module._Saving, "run", lambda _: None)
    [failed] = routed(body(group()), never)
    assert (failed["statusCode"], failed["statTags"]["errorCategory"]) == (500, "platform")


def test_an_event_and_a_config_nested_without_end_are_their_own_items_alone() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    given = [
        item(identify(location=deep), 1),
        item(identify(), 2, destination({**SETTINGS, "x": deep})),
        item(track(), 3),
    ]
    output = routed({"input": given})
    assert sorted(jobs(output)) == [[1], [2], [3]]
    assert output[-1]["statusCode"] == 200
