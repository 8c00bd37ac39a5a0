"""What Beam and Spark share: events of JSON text, files with keys, the codes of failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gainsight_dest.deliver.engines import ParsedEvent, failure_code, json_with_keys, parsed
from gainsight_dest.errors import EventError, RejectedError, RetryableError
from gainsight_dest.outcome import Status, error_record, known

PAGE = {"type": "page"}
TEXT = json.dumps(PAGE)


@pytest.mark.parametrize(
    ("given", "event", "text"),
    [
        (TEXT, PAGE, TEXT),
        (TEXT.encode(), PAGE, None),
        (json.dumps({"message": PAGE, "error": {}}), PAGE, None),
        (json.dumps({"message": TEXT}), PAGE, TEXT),
        (json.dumps({"message": None}), None, None),
        (json.dumps({"type": "x", "message": PAGE}), {"type": "x", "message": PAGE}, ...),
        (None, None, None),
        ("[]", [], "[]"),
    ],
)
def test_an_event_is_parsed_also_in_the_nested_form_of_dead_letters(given: Any, event: Any, text: Any) -> None:
    found = parsed(given)
    assert found == ParsedEvent(event, given if text is ... else text)
    assert found.raw == event
    assert json.loads(found.as_text() or "null") == event


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("{", "{"),
        ("", ""),
        (b"{", "{"),
        (b'"\xff"', '"\ufffd"'),
        ("[" * 100_000, "[" * 100_000),
        (json.dumps({"message": "{"}), "{"),
    ],
    ids=str,
)
def test_text_that_is_not_json_is_kept_as_it_is_with_an_error_for_the_event(given: Any, text: str) -> None:
    found = parsed(given)
    assert isinstance(found.event, EventError)
    assert (found.raw, found.as_text()) == (text, text)


@pytest.mark.parametrize(
    "content", [b'{"accessKey": "hidden", ', '{"accessKey": "hidden"'.encode("utf-16"), b"[" * 100_000]
)
def test_what_is_not_json_is_an_error_that_holds_nothing_of_the_file(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^is not JSON$") as raised:
        json_with_keys(content)
    assert (raised.value.__context__, raised.value.__cause__) == (None, None)
    assert json_with_keys(b'{"a": null}') == {"a": None}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RejectedError("upsert person", "refused", 400, "GSOBJ_1"), "GSOBJ_1"),
        (RetryableError("send event", "broken", 502), "http_502"),
        (RetryableError("send event", "no answer"), "RetryableError"),
        (EventError("type", "is missing"), "EventError"),
    ],
)
def test_a_failure_has_gainsights_code_else_its_status_else_its_kind(error: Any, code: str) -> None:
    record = error_record(known(0, None, Status.FAILED, error=error))
    assert record is not None
    assert failure_code(record) == code
