"""Reading events out of whatever file they come in."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections import deque
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.files import read
from gainsight_dest.files.read import Item, events
from tests.growth import MOST_GROWTH, growth

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


@pytest.mark.parametrize(
    ("data", "is_open"),
    [
        (b'{"a": ', True),
        (b'{"a": \n', False),
        (b'{"message": "{"}', False),  # the line is whole: what is wrong in it stays wrong
        (b"{}", False),
        (b"[1, ", False),
        (b'{"a": \xc3', True),
        (b'{"a": {\n', True),  # more lines may make it whole
        (b'{"a": 1,\n', True),
        (b'{\n "a": 1', True),
        (b'{\n "a": 1\n', True),
        (b'{\n "a": "1', True),
        (b'{\n "a": "1\n', False),  # none can
    ],
)
def test_a_last_line_that_may_still_be_written_is_told(data: bytes, *, is_open: bool) -> None:
    for content in (data, b"1\n" + data) if data[:1] == b"{" else (data,):
        *_, item = read_all(content)
        assert item.is_open == is_open


@pytest.mark.parametrize("last", [b'{"n": 2', b'{"n": 2}'])
def test_what_is_written_while_the_last_line_is_read_is_no_line_of_its_own(last: bytes) -> None:
    class Growing(io.BytesIO):
        """A file whose last line is ended, and followed, once its end has been read."""

        def readinto(self, buffer: Any) -> int:
            taken = super().readinto(buffer)
            if not taken and not self.getvalue().endswith(b"}\n"):
                self.write(b"}\n")
                self.seek(-2, io.SEEK_END)
            return taken

    items = list(events(io.BufferedReader(Growing(b'{"n": 1}\n' + last))))
    assert [item.number for item in items] == [1, 2]
    assert [item.is_open for item in items] == [False, last[-1:] != b"}"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[]", b" [ ] \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_holds_no_events(data: bytes) -> None:
    assert read_all(data) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": 1', "not JSON at column 8: Expecting ',' delimiter"),
        (b"hello", "not JSON at column 1: Expecting value"),
        (
            b'{"a": "\xff"}',
            "not UTF-8 at byte 8; if it is Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8",
        ),
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
        (b'[{"n": 1}, {"n": 2', "it ends too early"),
        (b'[{"n": 1}, "', "it ends too early"),
        (b'[{"n": 1}', "it ends too early"),
        (b'[{"n": 1}] {"n": 2}', "something follows its end"),
        (b'[{"n": 1}]' + b" " * 70_000 + b"]", "something follows its end"),
    ],
    ids=lambda value: repr(value)[:30],
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
    assert fault.problem == "the file cannot be read from here on: its gzip data ends too early"


def test_what_is_wrong_with_a_file_is_told_without_what_is_in_it() -> None:
    whole = gzip.compress(ndjson(1), mtime=0)
    broken = whole[:-6] + b"\0" + whole[-5:]  # the checksum
    assert read_all(broken)[-1].problem == "the file cannot be read from here on: its gzip data is damaged"

    for why, told in (
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError("secret"), "the system does not say why"),
    ):
        (item,) = events(io.BufferedReader(Gone(why)))
        assert item.problem == f"the file cannot be read from here on: {told}"


class Gone(io.RawIOBase):
    """A file that begins as an array, and then cannot be read."""

    def __init__(self, why: OSError) -> None:
        self._why = why
        self._begins = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._begins:
            raise self._why
        self._begins = False
        buffer[:1] = b"["
        return 1


# --- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b'{"n": }',
        b"",
        b"1 2",
        b'"\xff"',
        b"{]",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"9" * 5000,
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_element_that_is_not_json_is_an_error_of_that_element(text: bytes) -> None:
    first, fault, last = read_all(b"[1, " + text + b", 3]")
    assert (first.event, last.event, last.number) == (1, 3, 3)
    (alone,) = read_all(text) if text else [Item(1, raw="", problem="not JSON at column 1: Expecting value")]
    if not text.startswith(b"["):  # that would be an array
        assert (fault.number, fault.raw, fault.problem) == (2, alone.raw, alone.problem)
    assert fault.problem


def test_a_fault_of_an_array_quotes_nothing_of_it() -> None:
    for text in (b'{"email": "secret@example.com", "x": \xe9}', b'{"secret": tru}', b'"secret', b'{"secret"'):
        for item in read_all(b"[1," + text + b"]"):
            assert "secret" not in str(item.problem)


def test_a_comma_too_many_is_an_element_without_text() -> None:
    assert [item.problem is None for item in read_all(b"[1,,2,]")] == [True, False, True, False]


def test_an_element_too_long_to_be_an_event_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 64)
    long = json.dumps({"x": ["y" * 300, {}]}).encode()
    first, fault, last = read_all(b"[1," + long + b",3]")
    assert (first.event, last.event, last.number) == (1, 3, 3)
    assert fault == Item(2, raw=long[:65].decode(), problem="the element is longer than 64 bytes")
    exact = b'"' + b"x" * 62 + b'"'
    assert [item.problem for item in read_all(b"[" + exact + b"," + exact + b"]")] == [None, None]


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text('ab"\\[]{},: \u202e\n', max_size=8), st.text(max_size=4)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text('a"\\[]{},:', max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=6), st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]))
def test_an_array_is_read_however_it_is_cut(given_: list[Any], chunk: int, escaped: bool, indent: int | None) -> None:
    data = json.dumps(given_, ensure_ascii=escaped, indent=indent).encode()
    with mock.patch.object(read, "_CHUNK", chunk):
        items = read_all(b" \n" + data + b"\n ")
    assert [item.problem for item in items] == [None] * len(given_)
    assert [item.raw for item in items] == given_


@pytest.mark.parametrize("chunk", range(1, 9))
def test_an_escape_may_be_cut_in_two(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_CHUNK", chunk)
    assert [item.raw for item in read_all(rb'["a\"b", "\\", 1]')] == ['a"b', "\\", 1]


# --- several lines ----------------------------------------------------------------------------------------------------

SOME: list[dict[str, Any]] = [
    {"type": "identify", "traits": {"tags": ["a}", {"n": 1}, {"n": 2}], "x": 'say "{" \\\\'}},
    {"type": "é"},
    {"type": "c"},
]


def read_as(data: bytes) -> list[tuple[int, Any, str | None]]:
    return [(item.number, item.event, item.problem) for item in read_all(data)]


@pytest.mark.parametrize("indent", [0, 1, 4, "\t"])
@pytest.mark.parametrize("between", ["\n", "", "\r\n\r\n", "  "])
def test_events_over_several_lines_are_read_one_after_another(indent: int | str, between: str) -> None:
    texts = [json.dumps({"n": 1} | event, indent=indent or 1, ensure_ascii=False) for event in SOME]
    assert [item.event for item in read_all(between.join(texts).encode())] == [{"n": 1} | event for event in SOME]
    assert [item.problem for item in read_all(gzip.compress(b"\xef\xbb\xbf" + texts[0].encode()))] == [None]


def test_the_number_of_an_event_is_the_line_that_it_begins_in() -> None:
    text = b'{"type": "a"}\n{\n  "type": "b"\n}\n\n{\n"type":\n"c"}{"type": "d"}\n{"type": "e"}\n'
    assert [(item.number, item.event["type"], item.place) for item in read_all(text)] == [
        (1, "a", None),
        (2, "b", None),
        (6, "c", "line 6, column 1"),
        (8, "d", "line 8, column 5"),
        (9, "e", None),
    ]


def test_events_in_one_line_have_their_columns_as_places() -> None:
    items = read_all(b'{"n": 1}{"n": 2} {"n": 3}\n{"n": 4}\n')
    assert [(item.event["n"], item.number, item.place) for item in items] == [
        (1, 1, "line 1, column 1"),
        (2, 1, "line 1, column 9"),
        (3, 1, "line 1, column 18"),
        (4, 2, None),
    ]


@pytest.mark.parametrize("rest", ["x", "{", "1", "[]", ",", '{"n": ' + "9" * 5000 + "}", '{"n":' * 20_000])
def test_a_line_of_objects_and_something_else_is_one_fault(rest: str) -> None:
    first, last = read_all(b'{"n": 1}' + rest.encode() + b'\n{"n": 2}\n')
    assert first.problem is not None
    assert (last.event, last.number) == ({"n": 2}, 2)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": {"b":',
        b'{"a": [',
        b'{"a": 1,',
        b'{"a": "b',
        b'{"a": {"b": 1}',
        b"{",
        b'{"a": {"b": "}',
        b'{"message": {',
    ],
)
@pytest.mark.parametrize("before", [b"", b'{"n": 0}\n'])
def test_a_broken_line_costs_that_line_alone(line: bytes, before: bytes) -> None:
    for after in (b'{"n": 1}\n{"n": 2}\n', b'\r\n{"n": 1}\r\n{"n": 2}', b' {"n": 1}\n  {"n": 2}\n{'):
        items = read_all(before + line + b"\n" + after)
        assert [item.event["n"] for item in items if item.problem is None][-2:] == [1, 2]
        fault = next(item for item in items if item.problem is not None)
        assert (fault.raw, fault.number) == (line.decode(), before.count(b"\n") + 1)


def test_zeros_in_a_line_are_not_taken_for_another_encoding() -> None:
    for line in (b"12\0", b"1\0\xe9", b'x\0{"a": 1}', b"1\0002\0"):
        first, fault, last = read_all(b'{"n": 1}\n' + line + b'\n{"n": 3}\n')
        assert (first.event, last.event) == ({"n": 1}, {"n": 3})
        assert fault.problem is not None


def test_two_broken_lines_are_two_faults() -> None:
    assert [item.raw for item in read_all(b'{"a": {\n{"b": {\nhello\n"x\n1\n')] == [
        '{"a": {',
        '{"b": {',
        "hello",
        '"x',
        1,
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{\n a: 1\n}", "not JSON at line 3, column 2: Expecting property name enclosed in double quotes"),
        (b'{\n "a": "x\n y",\n "b": 1\n}', "not JSON at line 3, column 9: Invalid control character at"),
        (b'{\n "a": tru\n}', "not JSON at line 3, column 7: Expecting value"),
        (b'{\n "a": 1\n}}', "not JSON at line 4, column 2: Extra data"),
        (b'{\n "a": 1 ]]\n', "not JSON at line 3, column 9: Expecting ',' delimiter"),
    ],
)
def test_a_broken_text_of_several_lines_is_one_fault_or_one_more_for_what_follows_it(text: bytes, problem: str) -> None:
    first, fault, *_, last = read_all(b'{"n": 1}\n' + text + b'\n{"n": 3}\n')
    assert (first.event, last.event) == ({"n": 1}, {"n": 3})
    assert fault.number == 2
    if not text.endswith(b"}}"):
        assert fault.problem == problem
        assert fault.raw == text.strip().decode()


def test_what_stands_between_objects_of_a_text_that_is_none_is_a_fault_each() -> None:
    text = b'{"a": [\n {"n": 1},\n {"n": 2}\n x\n y\n {"n": 3}\n\n{"n": 4}\n'
    assert [(item.number, item.raw if item.problem else item.event) for item in read_all(text)] == [
        (1, '{"a": [\n {"n": 1},'),
        (3, {"n": 2}),
        (4, "x\n y"),
        (6, {"n": 3}),
        (8, {"n": 4}),
    ]


def test_a_text_of_several_lines_is_kept_no_further_than_a_line_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 64)
    items = read_all(b"{\n" + b' "x": "y",\n' * 50 + b'}\n{"n": 2}\n')
    assert items[-1].event == {"n": 2}
    assert max(len(item.raw) for item in items[:-1]) <= 64


def test_lines_that_are_no_json_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lines begin a text, and however many are in it: the work is that of their bytes."""
    looked = 0
    left_open, decode = read._left_open, json.loads

    def counted(line: bytes) -> int | None:
        nonlocal looked
        looked += len(line)
        return left_open(line)

    def decoded(text: str) -> Any:
        nonlocal looked
        looked += len(text)
        return decode(text)

    monkeypatch.setattr(read, "_left_open", counted)
    monkeypatch.setattr(json, "loads", decoded)
    for line in (b"{\n", b" {\n", b'{"\n', b' "\n', b' {"a": [}\n', b"}\n", b'{"a": 1}{\n'):
        for data in (b"{\n" + line * 200, line * 200):
            looked = 0
            deque(events(io.BufferedReader(io.BytesIO(data))), maxlen=0)
            assert looked <= 8 * len(data), line


@given(
    st.lists(
        st.sampled_from([b"{", b"}", b'"', b"\\\\", b"[", b"]", b":", b",", b" ", b"\n", b'{"a": 1}', b'"a": ', b"1"])
    )
)
def test_whatever_the_lines_are_the_first_of_them_are_read_alike_when_more_is_added(parts: list[bytes]) -> None:
    """As an event is found again by its place and its text. What is still open may change: the last line.

    Of an array that breaks off, that is its last element, as a comma or the end is to follow.
    """
    data = b"".join(parts)
    is_array = data.lstrip(b" \n").startswith(b"[")
    for end in range(len(data)):
        try:
            before = read_all(data[:end])
        except read.WrongFormatError:  # nothing of it is read
            continue
        after = read_all(data) if any(item.problem is None for item in before) else []
        is_open = before[-2:] if is_array else [item for item in before if item.number == before[-1].number]
        settled = [item for item in before if item.problem is None and item not in is_open]
        assert [item.raw for item in after if item.problem is None][: len(settled)] == [item.raw for item in settled]


# --- bodies of SDKs ---------------------------------------------------------------------------------------------------

BODY = {"batch": [{"type": "identify", "n": 1}, {"type": "track", "n": 2}]}


@pytest.mark.parametrize(
    ("data", "places"),
    [
        (b"\n\n" + ndjson(BODY), ["line 3, batch[0]", "line 3, batch[1]"]),
        (json.dumps(BODY, indent=1).encode(), ["line 1, batch[0]", "line 1, batch[1]"]),
        (json.dumps([BODY]).encode(), ["element 1, batch[0]", "element 1, batch[1]"]),
        (ndjson(BODY | {"type": None}), ["line 1, batch[0]", "line 1, batch[1]"]),
        (ndjson({"message": BODY}), ["line 1, batch[0]", "line 1, batch[1]"]),
        (json.dumps(BODY).encode() * 2, ["line 1, column 1, batch[0]", "line 1, column 1, batch[1]"]),
    ],
)
def test_a_body_of_an_sdk_is_its_events_each_with_its_place(data: bytes, places: list[str]) -> None:
    items = read_all(data)[:2]
    assert [item.place for item in items] == places
    assert [item.event for item in items] == [item.raw for item in items] == BODY["batch"]
    assert items[0].where == {"number": items[0].number, "place": places[0]}


def test_a_body_that_came_with_a_destination_gives_it_to_each_of_its_events() -> None:
    for item in read_all(ndjson({"message": BODY, "destination": {"Config": {}}})):
        assert item.raw == {"message": item.event, "destination": {"Config": {}}}
        assert item.destination == {"Config": {}}


def test_what_is_no_body_is_an_event_and_an_empty_batch_has_none() -> None:
    odd = [{"type": "track", "batch": [1]}, {"batch": "x"}, {"batch": None}]
    assert [item.event for item in read_all(ndjson(*odd))] == odd
    assert [item.event for item in read_all(ndjson({"batch": []}, {"batch": [3]}))] == [3]


# --- what is something else -------------------------------------------------------------------------------------------

JUNK = "what follows the gzip data is not gzip data, and was ignored"


@pytest.mark.parametrize("junk", [b"junkjunk", b"\n", b"\0\0x", b"\x1f", b"x" * 100_000])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_what_follows_gzip_data_is_ignored_with_a_warning(junk: bytes, end: bytes) -> None:
    said: list[str] = []
    lines = ndjson(*({"n": n} for n in range(2000))).removesuffix(b"\n") + end
    for data in (gzip.compress(lines, mtime=0), gzip.compress(lines[:9], mtime=0) + gzip.compress(lines[9:], mtime=0)):
        items = list(events(io.BufferedReader(io.BytesIO(data + junk)), said.append))
        assert [item.raw["n"] for item in items] == list(range(2000))
    assert said == [JUNK, JUNK]


def test_zeros_after_gzip_data_are_padding_and_nothing_is_said_of_it() -> None:
    said: list[str] = []
    assert len(list(events(io.BufferedReader(io.BytesIO(gzip.compress(b"1") + b"\0" * 512)), said.append))) == 1
    assert said == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_something_else_is_told_before_the_first_event(*, packed: bool) -> None:
    data = ndjson(*SOME).decode().encode("utf-16")
    with pytest.raises(read.WrongFormatError) as refused:
        read_all(gzip.compress(data) if packed else data)
    assert (refused.value.format.name, refused.value.is_packed) == ("UTF-16", packed)


@pytest.mark.parametrize("text", [b'{"n": NaN}', b'"a\x01b"', b'{"a": "\n"}', b'{"a": "\xe9"}', b'{"a": \0}'])
def test_an_odd_letter_in_an_array_costs_that_element_at_most(text: bytes) -> None:
    first, odd, last = read_all(b"[1, " + text + b", 3]")
    assert (first.event, last.event) == (1, 3)
    assert (odd.problem is None) == (b"NaN" in text)
    assert odd.is_in_another_encoding == (b"\xe9" in text)


# --- the law of time --------------------------------------------------------------------------------------------------

LONG: dict[str, Callable[[int], bytes]] = {
    "a string": lambda size: b'"' + b"x" * size + b'"',
    "escapes": lambda size: b'"' + rb"\"" * (size // 2) + b'"',
    "a string without an end": lambda size: b'"' + b"x" * size,
    "escapes without an end": lambda size: b'"' + rb"\"" * (size // 2),
    "spaces": lambda size: b" " * size + b"1",
    "numbers": lambda size: b"[" + b"1," * (size // 2) + b"1]",
    "a numeral": lambda size: b"1" * size,
    "a fraction": lambda size: b"0." + b"1" * size,
    "lists": lambda size: b"[" + b"[[]]," * (size // 5) + b"1]",
    "depth": lambda size: b"[" * size,
    "depth of objects": lambda size: b'{"":' * (size // 4),
    "strings": lambda size: b"[" + b'"","a",' * (size // 7) + b"1]",
    "quotes": lambda size: b'"' * size,
    "backslashes": lambda size: b"\\" * size,
    "closed": lambda size: b"[" + b"}" * size,
    "commas": lambda size: b"," * (size // 20),
    "objects in a line": lambda size: b'{"a":1}' * (size // 7),
    "lines that begin a text": lambda size: b"{\n" * (size // 100),
    "lines of one text": lambda size: b"{\n" + b' "a": [\n' * (size // 8),
    "bytes that are no UTF-8": lambda size: b'"' + b"\xff" * size + b'"',
}


@pytest.mark.long
@pytest.mark.parametrize("in_an_array", [False, True], ids=["line", "element"])
@pytest.mark.parametrize("form", LONG.values(), ids=LONG)
def test_reading_takes_linear_time(form: Callable[[int], bytes], in_an_array: bool) -> None:
    def work(size: int) -> Callable[[], object]:
        data = b"[1," + form(size) + b",1]" if in_an_array else form(size) + b"\n1\n"
        return lambda: deque(events(io.BufferedReader(io.BytesIO(data))), maxlen=0)

    assert growth(work, 50_000) < MOST_GROWTH


@pytest.mark.long
def test_a_line_beyond_all_bounds_takes_the_memory_of_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 100_000)
    for whole in (
        b"x" * 3_000_000 + b"\n",
        b'["' + b"x" * 3_000_000 + b'"]',
        b"[" * 100_000 + b" " * 3_000_000,
        b"{\n" + b" \n" * 49_000,
    ):
        packed = gzip.compress(whole, mtime=0)
        tracemalloc.start()
        assert [item.problem is None for item in read_all(packed)] == [False]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_500_000
