"""How long an answer may be, what is nested too deep or has too many digits, and what a mutated body comes to."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, EventError, Request, Response
from gainsight_dest.rudderstack import companies as companies_module
from gainsight_dest.rudderstack import items as items_module
from gainsight_dest.rudderstack import processor, proxy, router
from gainsight_dest.rudderstack.clip import MOST_LEVELS, read
from gainsight_dest.rudderstack.items import MOST_ITEMS, Destinations, EventItem
from gainsight_dest.rudderstack.sizes import LEVELS, fit, measured
from gainsight_dest.rudderstack.statuses import LONGEST_TEXT, Failure, answered, cut
from gainsight_dest.rudderstack.transformer import processed, routed
from gainsight_dest.secret import Secret
from gainsight_dest.templates import MOST_FILLED
from tests.rudderstack.rudder import (
    Data,
    body,
    check_processed,
    check_proxied,
    check_routed,
    companies,
    destination,
    item,
    items,
    never,
    told,
)
from tests.some import ACCESS_KEY, SETTINGS, group, identify, track

GAINSIGHT = DestinationConfig.from_rudderstack(SETTINGS)
MiB = 2**20


def compacted(to: Data, *messages: Any) -> Data:
    given = body(*messages)
    for each in given["input"]:
        del each["destination"]
    return {**given, "destinations": {"d-1": to}}


def statuses(output: Any) -> list[int]:
    for each in output:
        check_routed(each)
    return [each["statusCode"] for each in output]


def length(answer: Any) -> int:
    return len(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))


# --- how long an answer may be ----------------------------------------------------------------------------------------

BIG = {**destination(), "x": "y" * 10_000}
HALF_OF_THEM = 60_000


@pytest.mark.parametrize("message", [{}, track(), group(), identify(), {"statusCode": 200}], ids=str)
def test_items_that_an_answer_has_no_room_for_are_to_be_tried_again(message: Data) -> None:
    messages: list[Any] = [{**message, "context": {"traits": {"email": f"p{n}@x.com"}}} for n in range(10)]
    if message == identify():
        messages = [identify(f"p{n}@x.com") for n in range(10)]
    given = compacted(BIG, *messages)
    answer = router(given, companies, longest=HALF_OF_THEM)
    assert length(answer) <= HALF_OF_THEM + 10 * 1000
    codes = statuses(answer["output"])
    assert len(codes) == 10
    assert 4 <= sum(code != 500 for code in codes) <= 5
    for each in answer["output"][5:]:
        assert each["error"] == "the answer to the request would have more than 60,000 bytes"
        assert each["statTags"]["errorCategory"] == "platform"
        assert each["destination"] == {"id": "d-1"}
    assert all(each["destination"] == BIG for each in answer["output"][:4])
    left = {**given, "input": given["input"][5:]}
    assert statuses(router(left, companies, longest=HALF_OF_THEM)["output"])[:4] == codes[:4]


def test_an_item_that_no_answer_has_room_for_is_at_fault() -> None:
    for answer in (
        router(compacted(BIG, identify()), never, longest=5000)["output"][0],
        router(body(identify(location="x" * 6000)), never, longest=5000)["output"][0],
        processor(items(identify(location="x" * 6000)), never, longest=5000)[0],
    ):
        assert (answer["statusCode"], answer["error"]) == (400, "the event: makes an answer of more than 5,000 bytes")
        assert length(answer) < 1000


def test_a_value_that_goes_into_many_fields_counts_for_each() -> None:
    value: Any = "x" * 1000
    for _ in range(100):
        value = {"a": value}
    rows = {".".join("a" * (n + 1)): f"A{n}__gc" for n in range(100)}
    given = body(identify(**value), identify("bob@x.com"), to=destination({**SETTINGS, "personMap": rows}))
    assert length(given) < 30_000
    assert statuses(router(given, never, longest=100_000)["output"]) == [400, 200]
    assert [each["statusCode"] for each in processor(given, never, longest=100_000)] == [400, 200]
    assert length(router(given, never)) > 100_000


@pytest.mark.long
def test_five_thousand_items_at_fault_of_one_long_destination_make_no_gigabytes() -> None:
    given = compacted({**destination(), "x": "y" * 400_000}, *[{}] * 5000)
    assert length(router(given, never)) < 72 * MiB


def test_an_item_without_metadata_for_which_there_is_no_room_is_told_without_an_id() -> None:
    answers = router({"input": [{**item(identify(name="x" * 900)), "metadata": None}] * 3}, never, longest=3500)
    assert answers["output"][-1]["destination"] == {}


def test_of_more_items_than_are_looked_at_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_ITEMS >= 10_000
    monkeypatch.setattr(items_module, "MOST_ITEMS", 3)
    [answer] = router(body(*[identify()] * 4), never)["output"]
    assert (answer["statusCode"], answer["metadata"]) == (500, [{"destType": "gainsight"}])
    [answer] = processor(items(*[identify()] * 4), never)
    assert (answer["statusCode"], answer["metadata"]) == (500, {"destType": "gainsight"})
    assert len(processor(items(*[identify()] * 3), never)) == 3


def test_a_link_or_a_refusal_for_which_there_is_no_room_is_told_without_gainsights_words() -> None:
    def long_id(request: Request) -> Response:
        if request.action == "find company":
            return told({"records": []})
        return told({"records": [{"Gsid": "G" * 90_000, "Name": each["Name"]} for each in request.body["records"]]})

    given = body(*[group(f"C{n}", f"p{n}@x.com") for n in range(3)])
    answer = router(given, long_id, longest=200_000)
    assert statuses(answer["output"]) == [200, 200, 500]
    answer = router(given, lambda _: Response(503, b"x" * 9000), longest=25_000)
    assert statuses(answer["output"]) == [503, 503, 503]
    quotes = [json.loads(each["error"])["destinationResponse"]["response"] for each in answer["output"]]
    assert [len(quote) > 8000 for quote in quotes] == [True, True, False]


def test_a_contract_id_of_the_events_own_counts() -> None:
    contract = {"externalId": [{"type": "gainsightEventContractId", "id": "c" * 6000}]}
    given = body({**track(), "context": contract})
    assert [each["statusCode"] for each in router(given, never, longest=5000)["output"]] == [400]
    assert [each["statusCode"] for each in router(given, never, longest=9000)["output"]] == [200]


def test_configs_are_filled_in_differently_only_so_often_a_request() -> None:
    rows = {f"t{n}": f"T{n}__gc" for n in range(1000)}
    to = destination({**SETTINGS, "topicName": "{{ properties.t || d }}", "personMap": rows})
    codes = statuses(router(compacted(to, *[track(t=f"{n}") for n in range(60)]), never)["output"])
    assert codes == sorted(codes)
    assert 10 < codes.count(200) < MOST_FILLED // 10_000
    failed = router(compacted(to, *[track(t=f"{n}") for n in range(60)]), never)["output"][-1]
    assert failed["error"] == "the request fills in more than 1,048,576 bytes of settings"
    same = [track(t=f"{n % 3}") for n in range(60)]
    assert set(statuses(router(compacted(to, *same), never)["output"])) == {200}
    wrong = destination({**SETTINGS, "topicName": "{{ properties.t || d }}", "personMap": {**rows, "x": 1.5}})
    codes = statuses(router(compacted(wrong, *[track(t=f"{n}") for n in range(60)]), never)["output"])
    assert 1 < codes.count(400) < 10
    assert codes.count(500) == 60 - codes.count(400)


# --- what is quoted ---------------------------------------------------------------------------------------------------


@pytest.mark.again
@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("text", [b"x" * MiB, b'{"a": "' + b"x" * MiB + b'"}', "тихо".encode() * MiB, b"\xff" * MiB])
def test_a_long_answer_is_quoted_up_to_ten_kilobytes(text: bytes, status: int) -> None:
    answer = answered(Response(status, text), GAINSIGHT)
    assert answer["status"] == status
    quote = answer["response"]
    assert isinstance(quote, str)
    assert LONGEST_TEXT <= len(quote.encode()) < LONGEST_TEXT + 100
    assert quote.endswith(" bytes)")
    [failed] = router(body(group()), lambda _: Response(503, text))["output"]
    assert json.loads(failed["error"])["destinationResponse"]["response"] == quote
    output = proxy("v0", {**wire(), "metadata": {}}, lambda _: Response(503, text))["output"]
    assert output["destinationResponse"]["response"] == quote


def test_a_short_answer_is_quoted_whole() -> None:
    for text in ('{"a": "' + "x" * (LONGEST_TEXT - 9) + '"}', "x" * LONGEST_TEXT):
        quote = answered(Response(400, text.encode()), GAINSIGHT)["response"]
        assert quote == (json.loads(text) if text[0] == "{" else text)


@pytest.mark.parametrize("before", range(LONGEST_TEXT - len(ACCESS_KEY) - 12, LONGEST_TEXT, 5))
@pytest.mark.parametrize("is_json", [True, False])
def test_no_part_of_a_key_is_left_where_an_answer_is_cut(before: int, is_json: bool) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in ACCESS_KEY) if is_json else ACCESS_KEY
    text = "x" * before + spelled + "y" * 20_000
    answer = answered(Response(400, (f'["{text}"]' if is_json else text).encode()), GAINSIGHT)
    assert ACCESS_KEY[:4] not in answer["response"]


def test_one_answer_to_many_is_quoted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*given: Any) -> Any:
        made.append(given)
        return answered(*given)

    monkeypatch.setattr(companies_module, "answered", counted)
    output = router(body(*[group(f"C{n}") for n in range(50)]), lambda _: Response(503, b"x" * MiB))["output"]
    assert len(output) == 50
    assert len(made) == 1


def test_answers_that_are_very_long_are_read_before_more_calls_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companies_module, "_MOST_HELD", 1)
    given = body(*[group(f"C{n}", f"p{n}@x.com") for n in range(160)])
    assert router(given, companies) == router(given, companies)
    assert statuses(router(given, companies)["output"]) == [200] * 160


def test_an_error_of_ours_is_cut_too() -> None:
    failure = Failure(EventError("x" * 20_000, "no"))
    assert len(failure.text) < LONGEST_TEXT + 100
    assert len(failure.destination_response["response"]) < LONGEST_TEXT + 100
    assert cut("x") == "x"
    assert len(cut("\ud800" * 20_000)) < LONGEST_TEXT + 100


# --- too deep, too many digits ----------------------------------------------------------------------------------------


def nested(levels: int, kind: type = list) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


ODD: dict[str, Any] = {
    "1,500 lists": nested(1500),
    "1,500 objects": nested(1500, dict),
    "100,000 lists": nested(100_000),
    "5,000 digits": 10**4999,
    "NaN": float("nan"),
    "an infinity": float("inf"),
    "a set": {1},
    "a key that is no string": {1: 1},
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("where", ["message", "metadata", "destination", "Config"])
def test_an_odd_value_is_its_items_alone(where: str, case: str) -> None:
    odd = ODD[case]
    first = item(track(a=1), 1)
    place = {"message": first["message"]["properties"], "Config": first["destination"]["Config"]}.get(where)
    first["destination"] = {**first["destination"], "Config": {**SETTINGS}}
    if where == "Config":
        place = first["destination"]["Config"]
    (first[where] if place is None else place)["odd"] = odd
    given = [first, item(track(), 2)]
    output = router({"input": given}, never)["output"]
    assert statuses(output) == [400, 200]
    assert [each["metadata"][0]["jobId"] for each in output] == [1, 2]
    tags = output[0]["statTags"]
    assert tags["errorType"] == ("configuration" if where in {"destination", "Config"} else "instrumentation")
    json.dumps(output, allow_nan=False)
    answers = processor(given, never)
    json.dumps(answers, allow_nan=False)
    assert [each["statusCode"] for each in answers] == [400, 200]


@pytest.mark.parametrize("case", ["1,500 lists", "5,000 digits", "an infinity"])
def test_an_odd_value_that_fills_a_setting_in_is_its_items_alone(case: str) -> None:
    to = destination({**SETTINGS, "topicName": "{{ properties.t || d }}"})
    output = router(compacted(to, track(t=ODD[case]), track(t="x")), never)["output"]
    assert statuses(output) == [400, 200]
    assert output[0]["statTags"]["errorType"] == "instrumentation"


@pytest.mark.parametrize("case", ["1,500 lists", "5,000 digits"])
@pytest.mark.parametrize("place", ["headers", "params", "files", "body", "x"])
def test_an_odd_request_is_its_items_alone(place: str, case: str) -> None:
    message = {**wire(), "statusCode": 200, place: {"JSON": {"a": ODD[case]}} if place == "body" else {"a": ODD[case]}}
    output = router(body(message, track()), never)["output"]
    assert statuses(output) == [400, 200]
    json.dumps(output)
    if place != "x":
        answer = proxy("v0", {**message, "metadata": {}}, never)["output"]
        assert (answer["status"], answer["statTags"]["errorType"]) == (400, "instrumentation")


def test_a_config_of_many_templates_or_of_a_long_path_is_at_fault() -> None:
    for config, problem in (
        ({f"x{n}": "{{ a || b }}" for n in range(201)}, "holds more than 200 templates"),
        ({"x": f"{{{{ {'a.' * 250}b || d }}}}"}, "holds a template with a path of more than 250 names"),
    ):
        [answer] = router(body(track(), to={"Config": {**SETTINGS, **config}}), never)["output"]
        assert (answer["statusCode"], answer["error"]) == (400, f"destination.Config: {problem}"), problem
    most = {f"x{n}": f"{{{{ {'a.' * 249}{n} || b }}}}" for n in range(200)}
    [answer] = router(body(track(), to=destination({**SETTINGS, **most})), never)["output"]
    assert answer["statusCode"] == 200


def test_json_text_that_python_cannot_read_goes_back_and_its_item_fails() -> None:
    deep = b'{"jobId": 1, "a": ' + b"[" * 9000 + b"]" * 9000 + b"}"
    long = b'{"jobId": 1, "a": ' + b"9" * 9000 + b"}"
    known, to = Destinations(), json.dumps(destination()).encode()
    for odd in (deep, long):
        first = EventItem(track(), odd, to, known.of(to))
        given = [first, first._replace(message={}), EventItem(track(), b'{"jobId": 2}', odd, known.of(odd))]
        output = routed(given, None, never)["output"]
        assert [each["statusCode"] for each in output] == [200, 400, 400]
        assert [each["metadata"] for each in output] == [[each.metadata] for each in given]
        assert output[2]["statTags"]["errorType"] == "configuration"
        assert [each["statusCode"] for each in processed(given, never)] == [200, 400, 400]
    unfit = json.dumps({"Config": SETTINGS, "a": nested(LEVELS + 10)}).encode()
    given = [EventItem(track(), b'{"jobId": 2}', unfit, known.of(unfit))]
    assert routed(given, None, never)["output"][0]["statusCode"] == 400


def test_what_json_can_hold_is_measured_and_passed_on_as_it_is() -> None:
    for value in (
        {"a": [1, 1.5, None, True, "é\n", {"b": nested(LEVELS - 10)}]},
        {},
        {"a": 10**4000, "b": (), "c": Secret("x")},
    ):
        same, size, fault = fit(value, "x")
        assert same is value
        assert fault is None
        assert size == measured(value, "x") >= length(value)
    assert fit({"jobId": 1, "a": nested(LEVELS), 2: 3}, "metadata")[0] == {"jobId": 1}


# --- bodies that no quick decoder takes -------------------------------------------------------------------------------


def text_of(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def test_what_is_nested_too_deep_is_cut_off_and_all_else_is_read() -> None:
    given = f'[{{"m": {text_of(5000)}, "s": "]}}\\"[[", "n": {"9" * 5000}}}, {{"m": {text_of(9)}}}]'
    first, second = read(given.encode())
    assert first["s"] == ']}"[['
    assert first["n"] == float("inf")
    assert second == {"m": json.loads(text_of(9))}
    levels, value = 0, first["m"]
    while isinstance(value, dict):
        levels, value = levels + 1, value["a"]
    assert (levels, value) == (MOST_LEVELS - 2, None)


@pytest.mark.again
@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100_000 + "]" * 99_999, '["', "NaN", "[Infinity]", "", "]" * 9, "[\x00]"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's own words
        read(text.encode())
    with pytest.raises(ValueError):  # noqa: PT011 - the same
        read(('["\u2200", ' + "[" * 100_000 + "]" * 100_000 + "]").encode("utf-16"))


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_is_not_deep_is_read_as_ever(value: Any) -> None:
    text = json.dumps(value)
    assert read(text.encode()) == json.loads(text)


# --- nothing raises ---------------------------------------------------------------------------------------------------


def wire() -> Data:
    request: Data = router(body(identify()), never)["output"][0]["batchedRequest"]
    return request


ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**5000, float("nan"), float("inf"), "", "x", "\ud83d", "\x1b]0;x\x07", "a" * 10_000),
    *([], {}, [[]], {"a": {}}, [None] * 50, nested(300), nested(2000, dict), {"\ud83d": "\udc00"}, "{{ a || b }}"),
]
ODD_ANSWERS: list[Any] = [
    *(Response(status, text) for status in (200, 204, 301, 400, 401, 429, 503, 999) for text in (b"", b"{}", b"\xff[")),
    Response(200, b'{"result": true, "data": [{"Gsid": "\\ud83d", "Name": "\\ud83d"}]}'),
    Response(400, b'{"result": false, "errorCode": "\\ud83d", "errorDesc": NaN, "data": [[{"errors": 1e999}]]}'),
    Response(200, b"[" * 5000),
    Response(200, b"9" * 5000),
    Response(429, b"{}", {"Retry-After": "9" * 100_000, "\ud83d": "\ud83d", "x-gs-request-id": "\x1b" * 9}),
    Response(503, b"{}", {1: 2, "retry-after": None}),  # type: ignore[dict-item]
    *(Response(None, b""), Response(10**5000, b""), Response(True, b""), Response(200, None), Response(200, "{}")),  # type: ignore[arg-type]
    *(Response(200, b"{}", None), Response(200, b"{}", []), None, "x"),  # type: ignore[arg-type]
]


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy of the value with something odd somewhere in it."""
    value = copy.copy(value)
    if not isinstance(value, (dict, list)) or not value or chance.random() < 0.15:
        return chance.choice(ODD_VALUES)
    key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    if chance.random() < 0.1:
        del value[key]
    elif chance.random() < 0.1 and isinstance(value, dict):
        value[chance.choice(["\ud83d", "", "dontBatch", "statusCode", "destinations"])] = chance.choice(ODD_VALUES)
    else:
        value[key] = mutated(value[key], chance)
    return value


WHOLE = [
    body(identify(), group(), track(), identify()),
    compacted(destination({**SETTINGS, "topicName": "{{ properties.t || d }}"}), identify(), group(), track(t=1)),
    body({**wire(), "statusCode": 200}, group()),
    {**wire(), "metadata": [{"jobId": 1}], "destinationConfig": {}},
]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))])
def test_two_hundred_mutated_bodies_and_answers_raise_nothing(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret

    def send(request: Request) -> Any:
        return companies(request) if chance.random() < 0.5 else chance.choice(ODD_ANSWERS)

    for _ in range(200):
        given = mutated(chance.choice(WHOLE), chance)
        for _ in range(chance.randrange(3)):
            given = mutated(given, chance)
        told_of: list[Any] = [router(given, send), processor(given, send)]
        for each in told_of[1]:
            check_processed(each)
        for version in ("v0", "v1"):
            told_of.append(proxy(version, given, send))
            check_proxied(told_of[-1], version)
        shown = json.dumps(told_of, allow_nan=False)
        assert "a fault of gainsight_dest's own" not in shown
