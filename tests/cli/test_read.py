"""Reading events out of whatever file they come in."""

from __future__ import annotations

import gzip
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from gainsight_dest.cli import read
from gainsight_dest.cli.read import Item, events

EVENTS: list[Any] = [{"type": "identify", "n": 1}, {"type": "group", "n": 12345678901234567890123}, {"type": "é"}]


def read_all(data: bytes) -> list[Item]:
    return list(events(io.BufferedReader(io.BytesIO(data))))


def ndjson(*values: Any) -> bytes:
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


FORMS = {
    "ndjson": ndjson(*EVENTS),
    "ndjson without a last newline": ndjson(*EVENTS)[:-1],
    "ndjson with CRLF": ndjson(*EVENTS).replace(b"\n", b"\r\n"),
    "ndjson with a byte order mark": b"\xef\xbb\xbf" + ndjson(*EVENTS),
    "array": json.dumps(EVENTS).encode(),
    "array, pretty, after blank lines": b"\n \t" + json.dumps(EVENTS, indent=2, ensure_ascii=False).encode(),
    "array with a byte order mark": b"\xef\xbb\xbf" + json.dumps(EVENTS).encode(),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_events_are_read_from_ndjson_or_an_array_plain_or_gzipped(data: bytes) -> None:
    expected = [Item(number, event, raw=event) for number, event in enumerate(EVENTS, 1)]
    assert read_all(data) == expected
    assert read_all(gzip.compress(data, mtime=0)) == expected
    assert read_all(gzip.compress(data[:9], mtime=0) + gzip.compress(data[9:], mtime=0)) == expected


def test_the_nested_form_is_taken_apart() -> None:
    nested = {"message": EVENTS[0], "destination": {"Config": {}}, "metadata": {"jobId": 1}}
    assert read_all(ndjson(nested)) == [Item(1, EVENTS[0], {"Config": {}}, nested)]
    event = {"type": "track", "message": "hello"}
    assert read_all(ndjson(event)) == [Item(1, event, raw=event)]


def test_a_message_that_is_a_string_is_json_to_be_parsed() -> None:
    (item,) = read_all(ndjson({"message": json.dumps(EVENTS[0])}))
    assert item.event == EVENTS[0]
    (item,) = read_all(ndjson({"message": '{"type": "iden'}))
    assert item.problem == "message: not JSON at column 10: Unterminated string starting at"


def test_blank_lines_are_passed_over_but_counted() -> None:
    assert [item.number for item in read_all(b"\n" + ndjson(1) + b" \t\r\n\n" + ndjson(2))] == [2, 5]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[]", b" [ ] \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_holds_no_events(data: bytes) -> None:
    assert read_all(data) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": 1', "not JSON at column 8: Expecting ',' delimiter"),
        (b"hello", "not JSON at column 1: Expecting value"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 8"),
        (b"{" * 100_000, "not JSON at column 2: Expecting property name enclosed in double quotes"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON: a number is too long"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_line_that_is_not_json_is_an_error_of_that_line(line: bytes, problem: str) -> None:
    first, fault, last = read_all(ndjson(1) + line + b"\n" + ndjson(3))
    assert (first.event, last.event, last.number) == (1, 3, 3)
    assert fault == Item(2, raw=line.decode(errors="backslashreplace"), problem=problem)


def test_what_only_pythons_json_takes_is_read_and_left_to_transform_to_judge() -> None:
    assert [item.event for item in read_all(b'"\\ud800"\n[Infinity]\n1e999\n')[::2]] == ["\ud800", float("inf")]


def test_a_line_too_long_to_be_an_event_is_passed_over_in_constant_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 64)
    long = ndjson("x" * 300)
    first, fault, last = read_all(ndjson(1) + long + ndjson(3))
    assert (first.event, last.event, last.number) == (1, 3, 3)
    assert fault == Item(2, raw=long[:64].decode(), problem="the line is longer than 64 bytes")
    exact = ndjson("x" * 61)
    assert len(exact) == 64
    assert [item.problem for item in read_all(exact + ndjson(2))] == [None, None]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"n": 1}, {"n": 2', "parse error: premature EOF"),
        (b'[{"n": 1}, {"n": }]', "parse error: unallowed token at this point in JSON text"),
        (b'[{"n": 1}] {"n": 2}', "parse error: trailing garbage"),
    ],
)
def test_a_broken_array_gives_what_can_be_read_and_says_where_it_ends(data: bytes, reason: str) -> None:
    *whole, fault = read_all(data)
    assert [item.event for item in whole] == [{"n": 1}]
    assert fault == Item(2, problem=f"the JSON array cannot be read from here on: {reason}")


def test_a_broken_gzip_file_gives_what_can_be_read_and_says_where_it_ends() -> None:
    data = gzip.compress(ndjson(*({"n": n, "x": str(n) * 50} for n in range(2000))))
    *whole, fault = read_all(data[: len(data) // 2])
    assert len(whole) > 100
    assert [item.event["n"] for item in whole] == list(range(len(whole)))
    assert fault.number == len(whole) + 1
    assert (fault.problem or "").startswith("the file cannot be read from here on: Compressed file ended")


def test_numbers_of_an_array_keep_every_digit() -> None:
    (item,) = read_all(b'[{"arr": 2.50, "id": 12345678901234567890123}]')
    assert item.event == {"arr": Decimal("2.50"), "id": 12345678901234567890123}
