"""A probe as data, and what differs from what is assumed."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from gainsight_dest.probing import FACTS, Verdict, as_data, compared, mark_in
from tests.probing.runs import MARK, probe_of, probed, sandbox


@pytest.fixture(scope="module")
def whole() -> Any:
    return json.loads(json.dumps(as_data(probed(sandbox().handle))))


@pytest.fixture
def data(whole: Any) -> Any:
    return deepcopy(whole)


def test_a_probe_is_data_with_answers_calls_and_what_is_left(data: Any) -> None:
    assert data["complete"] is True
    assert data["left"] == {"companies": [], "people": [f"gainsight-dest-probe-{MARK}@example.com"]}
    fact = data["facts"]["query-in"]
    assert (fact["answer"], fact["expected"]) == ("finds all", "finds all")
    (call,) = fact["calls"]
    assert (call["asked"], call["status"], call["code"]) == ("POST /v1/data/objects/query/Company", 200, None)
    assert call["shape"]["data"] == {"records": [{"Gsid": "text", "Name": "text"}]}
    deleted = data["facts"]["delete"]["calls"][0]["asked"]
    assert deleted == "DELETE /v1/data/objects/Company/{Gsid}"


def test_a_probe_that_was_never_begun_is_compared_all_the_same() -> None:
    found = compared(as_data(probe_of()))
    assert {each.verdict for each in found} == {Verdict.UNASKED}
    assert len(found) == len(FACTS)


def test_what_differs_is_told_with_its_fact(data: Any) -> None:
    data["facts"]["query-in"]["answer"] = "refused: HTTP 400, GSOBJ_1008"
    del data["facts"]["same-name"]["answer"]
    data["facts"]["same-name"]["unanswered"] = "HTTP 500"
    verdicts = {each.fact.name: (each.verdict, each.answer) for each in compared(data)}
    assert verdicts["query-in"] == (Verdict.DIFFERS, "refused: HTTP 400, GSOBJ_1008")
    assert verdicts["same-name"] == (Verdict.UNANSWERED, "HTTP 500")
    assert verdicts["event-answer"][0] is Verdict.UNASKED
    assert verdicts["query-or"][0] is Verdict.SAME


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"form": 2}, "form: must be 1"),
        ({"facts": None}, "it holds no facts"),
        ({"facts": {"query-in": []}}, "facts.query-in: must be an object"),
        ({"facts": {"query-in": {"answer": 7}}}, "facts.query-in.answer: must be a string"),
        ({"facts": {"query-in": {"unasked": None}}}, "facts.query-in.unasked: must be a string"),
    ],
)
def test_what_is_no_probe_is_refused_with_the_place(data: Any, change: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compared({**data, **change})


@pytest.mark.parametrize("other", [None, [], 7, {}, "facts"])
def test_other_json_is_refused(other: Any) -> None:
    with pytest.raises(ValueError, match="not what `probe` writes"):
        compared(other)


def test_the_mark_is_what_names_are_made_of(data: Any) -> None:
    assert mark_in(data) == MARK


@pytest.mark.parametrize("mark", [None, "", "a b", "../x", "A", "x" * 33, 7])
def test_a_mark_that_is_none_is_refused(data: Any, mark: Any) -> None:
    with pytest.raises(ValueError, match="mark: must be"):
        mark_in({**data, "mark": mark})
