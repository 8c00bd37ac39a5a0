"""What is kept of a call."""

from __future__ import annotations

import json

import pytest

from gainsight_dest import Response
from gainsight_dest.sandbox.said import (
    MOST_FIELDS,
    MOST_KEPT,
    MOST_OF_A_HEADER,
    MOST_OF_A_VALUE,
    WrittenField,
    answered,
    asked,
    written,
)

SAID = asked("", {"accesskey": "my-access-key"}, "")
KEYS = {"accesskey": "my-access-key", "sharedsecret": "my-shared-secret"}


def test_headers_of_gainsight_are_kept_without_the_keys_and_no_others() -> None:
    said = asked("PUT /x", {**KEYS, "eventname": "closed", "authorization": "Basic x", "cookie": "y"}, "{}")
    assert said.headers == {"Accesskey": "***", "sharedSecret": "***", "eventName": "closed"}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": ["x my-access-key"], "my-shared-secret": 1}),
        '{"a": "\\u006dy-access-key"}',
        "my-access-key my-shared-secret",
        "x" * (MOST_KEPT - 5) + "my-access-key",
        b"\xffmy-access-key",
    ],
)
def test_a_key_is_not_shown_wherever_it_is(body: str | bytes) -> None:
    said = asked("GET /my-access-key", {**KEYS, "topicname": "my-shared-secret"}, body)
    answer = answered(Response(200, body if isinstance(body, bytes) else body.encode(), {"x": "my-access-key"}), said)
    for side in (said, answer):
        assert "my-" not in "".join([side.line, side.text(), *side.headers.values(), repr(side)])


def test_a_key_of_the_config_is_not_shown_where_the_call_brings_another() -> None:
    said = asked("PUT /x", KEYS, '{"a": "the-configs-own \\"quoted\\""}', 'the-configs-own "quoted"', None)
    assert json.loads(said.text()) == {"a": "***"}


def test_json_is_indented_and_what_is_none_stays_as_it_is() -> None:
    assert asked("", {}, '{"a":"日本\\n"}').text() == '{\n  "a": "日本\\n"\n}'
    assert asked("", {}, "no\x1bjson\n").text() == "no\\u001bjson\n"
    deep = "[" * 5000
    assert asked("", {}, deep).text() == deep


@pytest.mark.parametrize(("length", "rest"), [(MOST_KEPT, 0), (MOST_KEPT + 7, 7)])
def test_of_a_long_body_the_beginning_is_kept_and_the_rest_is_counted(length: int, rest: int) -> None:
    said = asked("", {"eventname": "e" * 1000}, "x" * length)
    assert (len(said.text()), said.rest) == (MOST_KEPT, rest)
    assert len(said.headers["eventName"]) == MOST_OF_A_HEADER


def test_a_body_that_masks_have_made_short_still_is_not_whole() -> None:
    said = asked("", KEYS, '"' + "my-access-key" * 1000 + '"')
    assert said.rest == 1


def test_the_answer_begins_with_its_status() -> None:
    said = asked("", {}, "")
    assert answered(Response(429, b"", {}), said).line == "429 Too Many Requests"
    assert answered(Response(299, b"", {}), said).line == "299"


def test_what_was_written_is_what_differs() -> None:
    before = {"Email": "a@b.co", "Plan": "gold", "Tags": [1], "companies": [{"Company_ID": "1"}]}
    after = {**before, "Plan": "x" * 1000, "New": None, "companies": [{"Company_ID": "1"}, {"Company_ID": "2"}]}
    record = written("Person", "a@b.co", before, after, SAID)
    assert (record.done, record.linked) == ("updated", ("2",))
    assert [field.name for field in record.fields] == ["Plan", "New"]
    assert record.fields[0].before == '"gold"'
    assert len(str(record.fields[0].after)) == MOST_OF_A_VALUE + 1  # …
    assert record.fields[1] == WrittenField("New", None, "null")


def test_a_new_record_is_created_and_one_that_is_the_same_unchanged() -> None:
    record = {"Name": "Acme", "Gsid": "1"}
    assert written("Company", "1", None, record, SAID).done == "created"
    assert written("Company", "1", record, {**record}, SAID).done == "unchanged"


def test_of_many_fields_some_are_kept() -> None:
    assert len(written("Person", "a", None, {f"f{n}": n for n in range(MOST_FIELDS + 1)}, SAID).fields) == MOST_FIELDS


def test_a_key_in_a_record_is_masked_before_it_could_be_cut_in_two() -> None:
    value = "x" * (MOST_OF_A_VALUE - 5) + "my-access-key"
    record = written("Person", "a", {"A": [value]}, {"A": {"my-access-key": value}, "my-access-key": 1}, SAID)
    assert "my-" not in str(record.fields)
    assert [field.name for field in record.fields] == ["A", "***"]
