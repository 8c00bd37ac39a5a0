"""Every conformance vector by RudderStack's protocol: the request inside, and what a group's company is sent."""

from __future__ import annotations

import copy
import json
from typing import Any

from gainsight_dest.rudderstack import Send, processor, router
from tests.conformance import GSID, REQUESTS, VECTORS, every_vector, exact, saved
from tests.rudderstack.rudder import (
    NOTHING,
    Data,
    Recorded,
    call,
    check_processed,
    check_routed,
    destination,
    item,
    never,
    told,
)
from tests.table import each_row

#: The way that a group takes, by whether its company is there.
WAYS = ("create", "update")
GROUPS = [vector for vector in REQUESTS if "link" in vector["expect"]]
OTHERS = [vector for vector in VECTORS if "link" not in vector["expect"]]


def answers(vector: Data, way: str) -> Send:
    def send(request: Any) -> Any:
        if request.action != "find company":
            return saved()
        return NOTHING if way == "create" else told({"records": [{"Name": vector["event"]["traits"]["name"]}]})

    return send


def check(answer: Data, expected: Data, request: str) -> None:
    if "error" in expected:
        kind = {"event": "instrumentation", "config": "configuration"}[expected["error"]]
        assert answer["statusCode"] == 400
        assert answer["statTags"]["errorCategory"] == "dataValidation"
        assert answer["statTags"]["errorType"] == kind
        assert (answer["statTags"]["destinationId"], answer["statTags"]["workspaceId"]) == ("d-1", "w-1")
    else:
        assert answer["statusCode"] == 200
        assert exact(call(answer[request])) == exact(expected["request" if "request" in expected else "link"])


@each_row(OTHERS, lambda vector: vector["id"])
def test_a_vector_of_one_request_comes_back_from_the_processor_and_the_router(vector: Data) -> None:
    given = item(vector["event"], to=destination(vector["config"]))
    before = copy.deepcopy(given)
    [processed] = processor([given], never)
    [routed] = router({"input": [given], "destType": "gainsight"}, never)["output"]
    check_processed(processed)
    check_routed(routed)
    check(processed, vector["expect"], "output")
    check(routed, vector["expect"], "batchedRequest")
    assert (processed["metadata"], routed["metadata"]) == (given["metadata"], [given["metadata"]])
    assert routed["destination"] == given["destination"]
    assert given == before


@each_row([(vector, way) for vector in GROUPS for way in WAYS], lambda row: f"{row[0]['id']}, {row[1]}")
def test_a_groups_company_is_found_and_saved_and_its_link_comes_back(row: tuple[Data, str]) -> None:
    vector, way = row
    given = item(vector["event"], to=destination(vector["config"]))
    for request in ("output", "batchedRequest"):
        send = Recorded(answers(vector, way))
        if request == "output":
            [answer] = processor([given], send)
            check_processed(answer)
        else:
            [answer] = router({"input": [given], "destType": "gainsight"}, send)["output"]
            check_routed(answer)
        check(answer, vector["expect"], request)
        assert [exact(each) for each in send.sent] == [exact(vector["expect"][step]) for step in ("find", way)]


def test_all_vectors_at_once_come_back_as_each_does_alone() -> None:
    given = [
        item(vector["event"], job, destination(vector["config"], f"d-{job}")) for job, vector in enumerate(VECTORS)
    ]
    answers_ = processor(given, lambda request: NOTHING if request.action == "find company" else saved())
    assert [answer["metadata"]["jobId"] for answer in answers_] == [*range(len(VECTORS))]
    for vector, answer in zip(VECTORS, answers_, strict=True):
        expected = vector["expect"]
        if "error" in expected:
            assert answer["statusCode"] == 400
        else:
            assert exact(call(answer["output"])) == exact(expected.get("link") or expected["request"])


@every_vector
def test_a_vectors_answer_is_json_that_reads_back_the_same(vector: Data) -> None:
    send = answers(vector, "create")
    answer = router({"input": [item(vector["event"], to=destination(vector["config"]))]}, send)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_the_links_of_the_vectors_name_the_gsid_that_the_tests_answer_with() -> None:
    assert {vector["expect"]["link"]["body"]["companies"][0]["Company_ID"] for vector in GROUPS} == {GSID}
