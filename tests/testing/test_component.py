"""RudderStack's component tests, replayed: what is read, what is answered, and what is told of a difference."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.rudderstack import processor, proxy, router
from gainsight_dest.testing import ABSENT, ComponentTest, Difference, load_component_tests
from tests.conformance import VECTORS, answer, saved
from tests.rudderstack.rudder import Data, body, companies, destination, item, items, known_companies, never, told
from tests.some import ACCESS_KEY, SECRETS, SETTINGS, SHARED_SECRET, group, identify, track

HOST = "https://acme.gainsightcloud.com"
PEOPLE = f"{HOST}/v1.0/api/people"


def case(feature: str = "processor", given: Any = None, expected: Any = None, **more: Any) -> Data:
    """A case, by default one that holds: an identify through the processor."""
    given = items(identify()) if given is None else given
    expected = processor(given, never) if expected is None else expected
    return {
        "name": "gainsight",
        "feature": feature,
        "input": {"request": {"body": given}},
        "output": {"response": {"status": 200, "body": expected}},
        **more,
    }


def write(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf8")
    return path


def load(folder: Path, *cases: Any, network: Any = ()) -> tuple[ComponentTest, ...]:
    return load_component_tests(write(folder / "data.json", [*cases]), network)


def entry(request: Data, response: Any, status: int = 200, **more: Any) -> Data:
    """An entry of networkCallsData for what a request is as plain data."""
    asked = {"method": request["method"], "url": request["url"], "data": request["body"], **more}
    return {"httpReq": asked, "httpRes": {"status": status, "data": response}}


class Kept:
    """A send that keeps each call with its answer, as networkCallsData."""

    def __init__(self, send: Callable[[Any], Any]) -> None:
        self.send = send
        self.calls: list[Data] = []

    def __call__(self, request: Any) -> Any:
        response = self.send(request)
        self.calls.append(entry(json.loads(json.dumps(request.as_dict())), json.loads(response.body), response.status))
        return response


def proxied(version: str = "v1", **metadata: Any) -> Data:
    [processed] = processor(items(identify()), never)
    one = {"jobId": 1, "workspaceId": "w-1", **metadata}
    return {**processed["output"], "metadata": [one] if version == "v1" else one}


BAD = {"type": "page"}
#: Their words for it, and tags of theirs that decide nothing.
THEIRS: Data = {
    "error": "Not today",
    "statTags": {
        "errorCategory": "dataValidation",
        "errorType": "instrumentation",
        "module": "destination",
        "implementation": "native",
        "feature": "another",
        "destinationId": "d-9",
    },
}


# --- cases that hold --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_every_vector_holds_as_a_case_of_the_processor_and_of_the_router(tmp_path: Path) -> None:
    cases = []
    for vector in VECTORS:
        for found in (False, True):
            expect = vector["expect"]
            network = []
            if "find" in expect:
                find = answer({"records": [{"Name": vector["event"]["traits"]["name"]}] if found else []})
                save = expect["update" if found else "create"]
                network = [
                    entry(expect["find"], json.loads(find.body)),
                    entry(save, json.loads(saved().body), headers=save["headers"]),
                ]
            given = [item(vector["event"], to=destination(vector["config"]))]
            send = _sender(found, vector["event"])
            for feature, asked, wanted in (
                ("processor", given, processor(given, send)),
                ("router", {"input": given}, router({"input": given}, send)),
            ):
                cases.append(case(feature, asked, wanted, networkCallsData=network, description=vector["id"]))
    loaded = load(tmp_path, *cases)
    assert len(loaded) == len({each.id for each in loaded}) == 4 * len(VECTORS)
    assert [each.id for each in loaded if each.differences()] == []


def _sender(found: bool, event: Any) -> Callable[[Any], Any]:
    def send(request: Any) -> Any:
        if request.action != "find company":
            return saved()
        return answer({"records": [{"Name": event["traits"]["name"]}] if found else []})

    return send


@pytest.mark.parametrize("send", [companies, known_companies], ids=["new companies", "known companies"])
@pytest.mark.parametrize("feature", ["processor", "router"])
def test_each_item_makes_calls_of_its_own_so_entries_of_one_company_each_do(
    tmp_path: Path, feature: str, send: Any
) -> None:
    given = items(group("Acme"), identify(), group("Bolt"), identify(name="Ada"), track())
    kept = Kept(send)
    expected: Any = []
    for one in given:
        made = processor([one], kept) if feature == "processor" else router({"input": [one]}, kept)["output"]
        expected += made
    assert len(kept.calls) == 4
    asked: Any = given if feature == "processor" else {"input": given, "destType": "gainsight"}
    wanted = expected if feature == "processor" else {"output": expected}
    [loaded] = load(tmp_path, case(feature, asked, wanted, networkCallsData=kept.calls))
    assert loaded.differences() == ()
    assert loaded.run() == wanted
    assert loaded.input == asked


def test_a_compacted_body_is_replayed_item_by_item_too(tmp_path: Path) -> None:
    given = body(identify(), identify("bob@example.com"))
    for each in given["input"]:
        del each["destination"]
    given["destinations"] = {"d-1": destination()}
    [loaded] = load(tmp_path, case("router", given, router(given, never)))
    assert loaded.differences() == ()
    assert [each["statusCode"] for each in loaded.expected["output"]] == [200, 200]


@pytest.mark.parametrize("given", [[], {}, "x", {"input": []}, {"input": {}}])
def test_a_body_without_items_is_replayed_as_it_is(tmp_path: Path, given: Any) -> None:
    loaded = load(
        tmp_path, case("processor", given, processor(given, never)), case("router", given, router(given, never))
    )
    assert [each.differences() for each in loaded] == [(), ()]


@pytest.mark.parametrize("feature", ["dataDelivery", "proxy"])
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("status", [200, 429, 503])
def test_a_delivery_is_replayed_by_its_version_and_its_status_is_that_of_the_answer(
    tmp_path: Path, feature: str, version: str, status: int
) -> None:
    given = proxied(version)
    kept = Kept(lambda _: told({}, result=status == 200, status=status))
    data = case(feature, given, proxy(version, given, kept), version=version, networkCallsData=kept.calls)
    data["output"]["response"]["status"] = status
    [loaded] = load(tmp_path, data)
    assert (loaded.feature, loaded.version, loaded.differences()) == ("dataDelivery", version, ())


def test_a_case_without_a_status_has_none_compared(tmp_path: Path) -> None:
    data = case()
    del data["output"]["response"]["status"]
    assert load(tmp_path, data)[0].differences() == ()


def test_importing_it_loads_no_test_runner_and_no_extra() -> None:
    program = (
        "import sys, gainsight_dest.testing; "
        "print(*{'pytest', 'hypothesis', 'requests', 'falcon', 'orjson', 'pyrate_limiter'} & {*sys.modules})"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == []


OWN_FORM = {
    "id": "gainsight-7",
    "scenario": "business",
    "successCriteria": "The company is saved, and the person linked to it",
    "module": "destination",
    "version": "v0",
}


@pytest.mark.parametrize("feature", ["processor", "router"])
def test_cases_as_rudderstack_has_them_run_unchanged_though_its_texts_metadata_and_params_are_its_own(
    tmp_path: Path, feature: str
) -> None:
    # Without metadata, with params that are none of ours, and with their words for what is wrong.
    known, company = "https://acme.gainsightcloud.com/v1/data/objects/query/Company", {"Gsid": "1P02", "Name": "Acme"}
    write(
        tmp_path / "network.json",
        [
            {
                "httpReq": {"url": known, "method": "POST", "params": {"limit": 10}},
                "httpRes": {"status": 200, "data": {"result": True, "data": {"records": [{"Name": "Acme"}]}}},
            },
            {
                "httpReq": {"url": f"{HOST}/v1/data/objects/Company", "method": "PUT", "params": {"more": "x"}},
                "httpRes": {"status": 200, "data": {"result": True, "data": {"records": [company]}}},
            },
        ],
    )
    given = [{"message": event, "destination": destination()} for event in (group(), {"type": "page"})]
    request = {
        "version": "1",
        "type": "REST",
        "method": "PUT",
        "endpoint": PEOPLE,
        "headers": {"Accesskey": ACCESS_KEY, "Content-Type": "application/json"},
        "params": {},
        "body": {
            "JSON": {"Email": "ada@example.com", "companies": [{"Company_ID": "1P02"}]},
            "JSON_ARRAY": {},
            "XML": {},
            "FORM": {},
        },
        "files": {},
    }
    asked: Any = given
    expected: Any = [{"output": {**request, "userId": ""}, "statusCode": 200}, {**THEIRS, "statusCode": 400}]
    if feature == "router":
        more = {"metadata": [None], "batched": False, "destination": destination()}
        asked = {"input": given, "destType": "gainsight"}
        expected = {
            "output": [
                {"batchedRequest": request, "statusCode": 200, **more},
                {**THEIRS, "statusCode": 400, **more},
            ]
        }
    write(tmp_path / feature / "data.json", [case(feature, asked, expected, **OWN_FORM)])
    [loaded] = load_component_tests(tmp_path)
    assert loaded.differences() == ()
    assert "error" in {each.path.rpartition(".")[2] for each in loaded.differences(texts=True)}


# --- which entry answers ----------------------------------------------------------------------------------------------

GIVEN = proxied()
SENT = {"method": "PUT", "url": PEOPLE, "body": GIVEN["body"]["JSON"]}


def delivered(tmp_path: Path, asked: Data, answered: Any = None) -> tuple[Difference, ...]:
    """What differs from a delivery whose one entry is that."""
    expected = proxy("v1", GIVEN, lambda _: told({}))
    entries = [{"httpReq": asked, "httpRes": answered or {"status": 200, "data": {"result": True, "data": {}}}}]
    [loaded] = load(tmp_path, case("proxy", GIVEN, expected, version="v1", networkCallsData=entries))
    return loaded.differences()


@pytest.mark.parametrize(
    "asked",
    [
        {"url": PEOPLE},
        {"url": PEOPLE, "method": None, "headers": None, "data": None, "params": None},
        {"url": PEOPLE, "method": "put"},
        {"url": PEOPLE, "params": {}},
        {"url": PEOPLE, "params": {"a": 1}},
        {"url": PEOPLE.replace("acme", "ACME")},
        {"url": PEOPLE, "data": SENT["body"]},
        {"url": PEOPLE, "data": json.dumps(SENT["body"], indent=1)},
        {"url": PEOPLE, "headers": {"ACCESSKEY": ACCESS_KEY, "content-type": "application/json"}},
    ],
)
def test_an_entry_answers_a_call_by_all_that_it_gives(tmp_path: Path, asked: Data) -> None:
    assert delivered(tmp_path, asked) == ()


MORE = " (what is there for this URL has another method, data or headers)"


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ({"url": PEOPLE, "method": "POST"}, MORE),
        ({"url": PEOPLE, "data": {"Email": "bob@example.com"}}, MORE),
        ({"url": PEOPLE, "data": "no JSON"}, MORE),
        ({"url": PEOPLE, "headers": {"Accesskey": "another"}}, MORE),
        ({"url": PEOPLE, "headers": {"X-More": "1"}}, MORE),
        ({"url": f"{PEOPLE}/more"}, ""),
        ({"url": f"{PEOPLE}?a="}, ""),
    ],
)
def test_a_call_that_no_entry_answers_is_the_first_difference(tmp_path: Path, asked: Data, more: str) -> None:
    first, *others = delivered(tmp_path, asked)
    assert first == Difference(("networkCallsData",), f"an answer to PUT {PEOPLE}{more}", ABSENT)
    assert str(first) == f"networkCallsData: expected 'an answer to PUT {PEOPLE}{more}', got nothing"
    assert [each.path for each in others] == [
        "output.status",
        "output.response[0].statusCode",
        "output.statTags",
    ]
    assert not any(secret in f"{first}{others}" for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "params", "fits"),
    [
        ("?keys=Name", None, True),
        ("?keys=Gsid", None, False),
        ("?keys=Name&more=1", None, False),
        ("", {"keys": "Name"}, True),
        ("", None, True),
        ("", {"keys": "Gsid"}, True),
        ("", {"keys": ["Name", 1]}, True),
    ],
)
def test_the_query_of_a_url_is_compared_but_not_params_which_rudderstack_compares_for_get_alone(
    tmp_path: Path, url: str, params: Any, fits: bool
) -> None:
    kept = Kept(known_companies)
    expected = processor(items(group()), kept)
    update = kept.calls[1]["httpReq"]
    assert (update["method"], update["url"].partition("?")[2]) == ("PUT", "keys=Name")
    update.update(url=update["url"].partition("?")[0] + url, params=params)
    [loaded] = load(tmp_path, case("processor", items(group()), expected, networkCallsData=kept.calls))
    assert (loaded.differences() == ()) is fits


@pytest.mark.parametrize(
    "answered",
    [
        {"status": 200, "data": {"result": True, "data": {}}},
        {"status": 200, "data": '{"result": true, "data": {}}', "headers": {"X-Calls": 1}, "statusText": "OK"},
        {"success": True, "response": {"status": 200, "data": {"result": True, "data": {}}}},
    ],
)
def test_an_answer_may_be_an_object_or_text_and_wrapped(tmp_path: Path, answered: Data) -> None:
    assert delivered(tmp_path, {"url": PEOPLE}, answered) == ()


def test_an_answer_without_data_is_empty(tmp_path: Path) -> None:
    paths = {each.path for each in delivered(tmp_path, {"url": PEOPLE}, {"status": 200})}
    assert "output.status" not in paths, "of a person nothing need be answered"
    assert "output.status" in {each.path for each in delivered(tmp_path, {"url": PEOPLE}, {"status": 400})}


def test_the_first_entry_that_fits_answers_of_the_cases_own_the_argument_and_the_folders_upwards(
    tmp_path: Path,
) -> None:
    places = ["own", "argument", "beside", "nearer", "above"]

    def calls(place: str) -> list[Data]:
        return [entry(SENT, {"result": False}, 410 + places.index(place))]

    def answered(**more: Any) -> str:
        write(tmp_path / "a/b/data.json", case("proxy", GIVEN, {}, **more))
        [loaded] = load_component_tests(tmp_path, calls("argument") if "argument" in used else ())
        return places[int(loaded.run()["output"]["status"]) - 410]

    used = {"argument"}
    write(tmp_path / "network.json", calls("above"))
    write(tmp_path / "a/networkCallsData.json", {"networkCallsData": calls("nearer")})
    assert answered(networkCallsData=calls("own")) == "own"
    assert answered() == "argument"
    used.clear()
    assert answered() == "nearer"
    write(tmp_path / "a/networkCallsData.json", [])
    assert answered() == "above"
    write(tmp_path / "a/b/network.json", calls("beside"))
    assert answered() == "beside"
    [alone] = load_component_tests(tmp_path / "a/b/data.json")
    assert alone.run()["output"]["status"] == 410 + places.index("beside")


# --- differences ------------------------------------------------------------------------------------------------------


def changed(tmp_path: Path, change: Callable[[Any], Any], given: Any = None) -> tuple[Difference, ...]:
    given = body(identify()) if given is None else given
    expected = json.loads(json.dumps(router(given, never)))
    change(expected["output"])
    return load(tmp_path, case("router", given, expected))[0].differences(texts=True)


@pytest.mark.parametrize(
    ("change", "path", "expected", "actual"),
    [
        (lambda out: out[0].update(batched=1), "output[0].batched", 1, False),
        (lambda out: out[0].update(statusCode=True), "output[0].statusCode", True, 200),
        (lambda out: out[0].update(statusCode="200"), "output[0].statusCode", "200", 200),
        (lambda out: out[0].update(more=None), "output[0].more", None, ABSENT),
        (lambda out: out[0].update({"a.b": 1}), 'output[0]["a.b"]', 1, ABSENT),
        (lambda out: out[0].pop("batched"), "output[0].batched", ABSENT, False),
        (lambda out: out[0].update(metadata={}), "output[0].metadata", {}, [items(identify())[0]["metadata"]]),
        (lambda out: out[0]["metadata"][0].update(jobId=2), "output[0].metadata[0].jobId", 2, 1),
        (lambda out: out[0]["metadata"].append(3), "output[0].metadata[1]", 3, ABSENT),
        (
            lambda out: out[0]["batchedRequest"]["body"]["JSON"].update(Name=""),
            "output[0].batchedRequest.body.JSON.Name",
            "",
            ABSENT,
        ),
    ],
)
def test_a_difference_has_its_place_and_both_values(
    tmp_path: Path, change: Callable[[Any], Any], path: str, expected: Any, actual: Any
) -> None:
    [difference] = changed(tmp_path, change)
    assert (difference.path, difference.expected, difference.actual) == (path, expected, actual)
    assert str(difference) == f"{path}: expected {expected!r}, got {actual!r}"
    assert repr(difference) == f"<Difference {difference}>"


def test_integral_numbers_are_equal_however_they_are_written(tmp_path: Path) -> None:
    assert changed(tmp_path, lambda out: out[0].update(statusCode=200.0)) == ()


def test_differences_come_in_the_order_of_the_body_and_order_counts(tmp_path: Path) -> None:
    given = body(identify(), identify("bob@example.com"))
    differences = changed(tmp_path, lambda out: out.reverse(), given)
    assert [each.path for each in differences] == [
        "output[0].batchedRequest.body.JSON.Email",
        "output[0].metadata[0].jobId",
        "output[1].batchedRequest.body.JSON.Email",
        "output[1].metadata[0].jobId",
    ]


def test_a_body_of_another_kind_differs_as_a_whole(tmp_path: Path) -> None:
    [difference] = load(tmp_path, case(expected="x"))[0].differences()
    assert (difference.path, difference.expected, type(difference.actual)) == ("the body", "x", list)


def test_a_status_that_is_not_ours_differs_unless_it_is_left_out(tmp_path: Path) -> None:
    data = case()
    data["output"]["response"]["status"] = 500
    [loaded] = load(tmp_path, data)
    assert loaded.differences() == (Difference(("status",), 500, 200),)
    assert loaded.differences(ignore="status") == ()


def test_keys_may_be_left_out_wherever_they_stand(tmp_path: Path) -> None:
    given = items({"type": "identify", "traits": {}})
    expected = [{"metadata": given[0]["metadata"], "statusCode": 400, "error": "email is required"}]
    [loaded] = load(tmp_path, case("processor", given, expected))
    assert [each.path for each in loaded.differences(texts=True)] == ["[0].error", "[0].statTags"]
    assert [each.path for each in loaded.differences("error", texts=True)] == ["[0].statTags"]
    assert loaded.differences(ignore=("error", "statTags"), texts=True) == ()
    assert [each.path for each in loaded.differences()] == ["[0].statTags"]
    assert loaded.differences(ignore="statTags") == ()


def test_errors_that_hold_json_are_compared_as_json_where_texts_are(tmp_path: Path) -> None:
    kept = Kept(lambda _: told(None, result=False, status=429))
    given = items(group())
    [expected] = processor(given, kept)
    error = json.loads(expected["error"])
    cases = [
        case("processor", given, [{**expected, "error": text}], networkCallsData=kept.calls)
        for text in (json.dumps(error, indent=2, sort_keys=True), json.dumps({**error, "message": "x"}), "no JSON", 1)
    ]
    loaded = load(tmp_path, *cases)
    paths = [[each.path for each in one.differences(texts=True)] for one in loaded]
    assert paths == [[], ["[0].error.message"], ["[0].error"], ["[0].error"]]
    assert [one.differences() for one in loaded] == [()] * 4


# --- what rudder-server reads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", ["processor", "router"])
def test_texts_and_tags_that_decide_nothing_are_compared_on_demand_alone(tmp_path: Path, feature: str) -> None:
    loaded = answered_with(tmp_path, feature, BAD, THEIRS)
    assert loaded.differences() == ()
    leaves = [each.path.rpartition(".")[2] for each in loaded.differences(texts=True)]
    assert leaves == ["error", "feature", "destinationId", "destType", "workspaceId"]


@pytest.mark.parametrize("feature", ["processor", "router"])
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"statusCode": 500}, "statusCode"),
        ({"statTags": {**THEIRS["statTags"], "errorType": "configuration"}}, "statTags.errorType"),
        ({"statTags": {**THEIRS["statTags"], "errorCategory": "network"}}, "statTags.errorCategory"),
        ({"statTags": None}, "statTags"),
        ({"statTags": {"destType": "GAINSIGHT", "errorCategory": "dataValidation"}}, "statTags.errorType"),
    ],
)
def test_what_decides_what_becomes_of_a_job_is_always_compared(
    tmp_path: Path, feature: str, change: Data, path: str
) -> None:
    [difference] = answered_with(tmp_path, feature, BAD, {**THEIRS, **change}).differences()
    assert difference.path.endswith(f"[0].{path}")


def answered_with(tmp_path: Path, feature: str, event: Data, answer: Data) -> ComponentTest:
    """A case of one item, whose answer is ours but for that."""
    given: Any = items(event)
    [ours] = processor(given, never) if feature == "processor" else router({"input": given}, never)["output"]
    expected: Any = [{**ours, **answer}]
    if feature == "router":
        given, expected = {"input": given, "destType": "gainsight"}, {"output": expected}
    return load(tmp_path, case(feature, given, expected))[0]


def test_a_request_is_compared_as_a_whole_with_its_fields_of_those_names(tmp_path: Path) -> None:
    names = ("error", "message", "destinationResponse", "metadata", "statTags")
    mapped = [{"from": name, "to": f"{name}__gc"} for name in names]
    given = [item(identify(**dict.fromkeys(names, "x")), to=destination({**SETTINGS, "personMap": mapped}))]
    for feature in ("processor", "router"):
        asked: Any = given if feature == "processor" else {"input": given}
        ours: Any = processor(asked, never) if feature == "processor" else router(asked, never)
        answered = json.loads(json.dumps(ours))
        [one] = answered if feature == "processor" else answered["output"]
        sent = one["output" if feature == "processor" else "batchedRequest"]["body"]["JSON"]
        for name in names:
            assert sent.pop(f"{name}__gc") == "x"
        [loaded] = load(tmp_path, case(feature, asked, answered))
        assert [each.path.rpartition(".")[2] for each in loaded.differences()] == [f"{name}__gc" for name in names]


def test_an_item_without_metadata_is_answered_without_any_in_whatever_way_that_is_written(tmp_path: Path) -> None:
    given = [{"message": event, "destination": destination()} for event in (identify(), BAD)]
    processed, routed = processor(given, never), router({"input": given}, never)["output"]
    assert not any("metadata" in each for each in processed)
    cases = [case("processor", given, processed)]
    for written in ([], [None], None):
        cases.append(case("processor", given, [{**each, "metadata": written} for each in processed]))
        cases.append(case("router", {"input": given}, {"output": [{**each, "metadata": written} for each in routed]}))
    absent = [{key: value for key, value in each.items() if key != "metadata"} for each in routed]
    cases.append(case("router", {"input": given}, {"output": absent}))
    loaded = load(tmp_path, *cases)
    assert [each.differences(texts=texts) for each in loaded for texts in (False, True)] == [()] * 16


@pytest.mark.parametrize("written", [[], [None], None, {}])
def test_metadata_that_does_not_come_back_is_a_difference(tmp_path: Path, written: Any) -> None:
    [difference] = changed(tmp_path, lambda out: out[0].update(metadata=written))
    assert difference.path == "output[0].metadata"


@pytest.mark.parametrize(("version", "path"), [("v0", "destinationResponse"), ("v1", "response[0].error")])
def test_of_a_delivery_statuses_are_compared_and_texts_on_demand(tmp_path: Path, version: str, path: str) -> None:
    given = proxied(version)
    kept = Kept(lambda _: told({}, result=False, status=503))
    expected = json.loads(json.dumps(proxy(version, given, kept)))
    output = expected["output"]
    output.update(message="theirs", destinationResponse="theirs") if version == "v0" else output.update(
        message="theirs"
    )
    for each in output.get("response", []):
        each["error"] = "theirs"
    [loaded] = load(tmp_path, case("proxy", given, expected, version=version, networkCallsData=kept.calls))
    assert loaded.differences("status") == ()
    assert [each.path for each in loaded.differences("status", texts=True)] == ["output.message", f"output.{path}"]
    output["status"] = 500
    for each in output.get("response", []):
        each["statusCode"] = 500
    [loaded] = load(tmp_path, case("proxy", given, expected, version=version, networkCallsData=kept.calls))
    assert all(each.path.lower().endswith(("status", "statuscode")) for each in loaded.differences())
    assert loaded.differences()


@pytest.mark.parametrize(
    ("version", "status", "fit"),
    [("v0", 404, {404, 400}), ("v1", 404, {404, 200}), ("v0", 503, {503}), ("v1", 503, {503, 200}), ("v0", 200, {200})],
)
def test_of_a_delivery_a_case_has_the_http_status_or_the_deliverys_own(
    tmp_path: Path, version: str, status: int, fit: set[int]
) -> None:
    given = proxied(version)
    kept = Kept(lambda _: told({}, result=status == 200, status=status))
    data = case("proxy", given, proxy(version, given, kept), version=version, networkCallsData=kept.calls)
    for each in (200, 400, 404, 503):
        data["output"]["response"]["status"] = each
        [loaded] = load(tmp_path, data)
        assert [one.path for one in loaded.differences()] == ([] if each in fit else ["status"])


@pytest.mark.parametrize(
    "change",
    [
        lambda out: out[0]["batchedRequest"]["headers"].update(Accesskey="MARKED-other"),
        lambda out: out[0]["batchedRequest"]["headers"].update(Accesskey=["MARKED-other"]),
        lambda out: out[0]["batchedRequest"]["headers"].pop("Accesskey"),
        lambda out: out[0]["batchedRequest"].update(headers=None),
        lambda out: out[0].update(batchedRequest=[{"headers": {"ACCESSKEY": None, "sharedSecret": "MARKED-other"}}]),
        lambda out: out[0].update(destination=None),
        lambda out: out[0].update(error=f"a key: {ACCESS_KEY}, {SHARED_SECRET}"),
        lambda out: out[0].update(error={"response": [ACCESS_KEY]}),
        lambda out: out.clear(),
    ],
)
def test_no_difference_shows_a_secret(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    differences = changed(tmp_path, change)
    assert differences
    shown = f"{differences} {[str(each) for each in differences]}"
    assert "MARKED" not in shown
    assert "***" in shown or "'Accesskey'" not in shown


def test_neither_a_case_nor_its_calls_show_what_they_hold(tmp_path: Path) -> None:
    calls = [entry(SENT, {"result": True}, headers={"Accesskey": ACCESS_KEY})]
    [loaded] = load(tmp_path, case(networkCallsData=calls))
    assert "MARKED" not in f"{loaded!r} {loaded.network!r}"
    assert "ada@" not in f"{loaded!r} {loaded.network!r}"


def test_long_values_are_cut_where_they_are_shown() -> None:
    assert len(str(Difference(("a",), "x" * 10_000, ABSENT))) < 500


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ([case(), case(description="a  case\nof two lines")], ["data-0 processor", "data-1 a case of two lines"]),
        (case(id="an-id"), ["data-0 an-id"]),
        ({"cases": [case(), case()]}, ["data-0 processor", "data-1 processor"]),
        ({"data": [case(name="GAINSIGHT", module="destination")]}, ["data-0 processor"]),
        ("\ufeff" + json.dumps(case()), ["data-0 processor"]),
    ],
)
def test_a_file_holds_cases_in_any_of_its_forms(tmp_path: Path, data: Any, ids: list[str]) -> None:
    loaded = load_component_tests(str(write(tmp_path / "data.json", data)))
    assert [each.id for each in loaded] == ids
    assert [each.differences() for each in loaded] == [()] * len(ids)


def test_a_folder_is_read_in_order_with_those_below_it(tmp_path: Path) -> None:
    for name in ("b.json", "router/data.json", "a.json", "notes.txt", "empty.json"):
        write(tmp_path / name, [] if name == "empty.json" else [case()])
    write(tmp_path / "network.json", [])
    ids = [each.id for each in load_component_tests(tmp_path)]
    assert ids == ["a-0 processor", "b-0 processor", "router/data-0 processor"]


def without(*steps: str) -> Data:
    data: Any = case()
    holder = data
    for step in steps[:-1]:
        holder = holder[step]
    del holder[steps[-1]]
    return dict(data)


def answering(asked: Any, answered: Any) -> Data:
    return case(networkCallsData=[{"httpReq": asked, "httpRes": answered}])


URL = {"url": PEOPLE}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("[{]", ": is not JSON (Expecting property name enclosed in double quotes: line 1 column 3"),
        ("[NaN]", ": is not JSON (NaN, which is not a number there): fix the file"),
        ("[" * 200_000, ": is nested too deep"),
        ("1", ": must be a list, got a number"),
        ("[]", ": holds no cases: give a file"),
        ([1], ": [0] must be an object, got a number"),
        ({"cases": [case(), None]}, ": cases[1] is missing: add it"),
        ([without("feature")], ": [0].feature is missing: add it"),
        ([case("batch")], ': [0].feature must be one of processor, router, dataDelivery, proxy, got "batch"'),
        (case(1), ": feature must be a string, got a number"),  # type: ignore[arg-type]
        ([case(name="slack")], ': [0].name must be "gainsight": leave out cases of anything else'),
        ([case(module="source")], ': [0].module must be "destination"'),
        ([case(version="v2")], ': [0].version must be one of v0, v1, got "v2"'),
        ([without("input")], ": [0].input is missing"),
        ([without("input", "request")], ": [0].input.request is missing"),
        ([without("input", "request", "body")], ": [0].input.request.body is missing: add it"),
        ([without("output", "response", "body")], ": [0].output.response.body is missing"),
        ([case(output=1)], ": [0].output must be an object, got a number"),
        ([case(output={"response": {"status": "200", "body": 1}})], "response.status must be an HTTP status"),
        ([case(networkCallsData={"a": 1})], ": [0].networkCallsData must be a list, got an object"),
        ([answering(None, {})], ": [0].networkCallsData[0].httpReq is missing"),
        ([answering({}, {"status": 200})], ": [0].networkCallsData[0].httpReq.url is missing"),
        ([answering({"url": "https://["}, {"status": 200})], "httpReq.url must be a URL, such as https://"),
        ([answering({**URL, "method": 1}, {"status": 200})], "httpReq.method must be a string, got a number"),
        ([answering({**URL, "headers": "a=1"}, {"status": 200})], "httpReq.headers must be an object, got a string"),
        ([answering(URL, None)], "httpRes is missing"),
        ([answering(URL, {})], "httpRes.status is missing"),
        ([answering(URL, {"response": {"status": 99}})], "httpRes.response.status must be an HTTP status"),
    ],
)
def test_a_broken_file_is_told_with_its_place_and_what_to_do(tmp_path: Path, data: Any, problem: str) -> None:
    file = write(tmp_path / "data.json", data)
    with pytest.raises(ValueError, match=r"data\.json: ") as caught:
        load_component_tests(file)
    assert str(caught.value).startswith(str(file))
    assert problem in str(caught.value)


def test_a_file_that_is_not_utf_8_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_bytes(b'["\xff"]')
    with pytest.raises(ValueError, match=r"data\.json: is not UTF-8"):
        load_component_tests(tmp_path)


def test_broken_calls_beside_the_cases_or_given_are_told_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^the argument network: \[0\]\.httpReq is missing: add it$"):
        load(tmp_path, case(), network=[{}])
    write(tmp_path / "network.json", {"networkCallsData": [1]})
    with pytest.raises(ValueError, match=r"network\.json: networkCallsData\[0\] must be an object, got a number$"):
        load(tmp_path, case())


def test_a_folder_without_cases_and_a_file_that_is_not_there_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no cases"):
        load_component_tests(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_component_tests(tmp_path / "none.json")


def test_a_request_of_a_vector_is_sent_by_the_proxy_to_its_own_entry(tmp_path: Path) -> None:
    cases = []
    for vector in VECTORS:
        [processed] = processor([item(vector["event"], to=destination(vector["config"]))], companies)
        if "output" in processed and "request" in vector["expect"]:
            given = {**processed["output"], "metadata": [processed["metadata"]]}
            kept = Kept(lambda _: told({}))
            cases.append(case("proxy", given, proxy("v1", given, kept), version="v1", networkCallsData=kept.calls))
    assert len(cases) > 250
    assert [each.id for each in load(tmp_path, *cases) if each.differences()] == []
