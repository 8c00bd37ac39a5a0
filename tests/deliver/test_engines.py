"""What Beam and Spark share: events of JSON text, files with keys, the codes of failures."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver import Shards
from gainsight_dest.deliver.engines import ParsedEvent, config_of, failure_code, json_with_keys, parsed
from gainsight_dest.deliver.settings import OptionsError
from gainsight_dest.deliver.shards import settings_by
from gainsight_dest.errors import ConfigError, EventError, RejectedError, RetryableError
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


# --- where the keys come from -----------------------------------------------------------------------------------------

KEY = "hidden-key"
GIVEN = {"domain": "acme.gainsightcloud.com", "accessKey": KEY}
CONFIG = DestinationConfig.from_rudderstack(GIVEN)


def given_config() -> dict[str, str]:
    return GIVEN


def given_text() -> str:
    return json.dumps(GIVEN)


def given_bytes() -> bytes:
    return given_text().encode()


def read_anything(path: str) -> bytes:
    return json.dumps({**GIVEN, "domain": f"{path}.gainsightcloud.com"}).encode()


@pytest.mark.parametrize("source", [GIVEN, CONFIG, given_config, given_text, given_bytes, lambda: CONFIG])
def test_a_config_may_be_itself_or_a_function_that_gives_it(source: Any) -> None:
    assert Shards(config=source).config == CONFIG


def test_a_config_may_be_the_path_of_a_file_on_any_file_system(tmp_path: Path) -> None:
    file = tmp_path / "destination.json"
    file.write_text(given_text(), "utf8")
    for source in (file, str(file)):
        assert Shards(config=source).config == CONFIG
    elsewhere = Shards(config=config_of("of-another", read_anything))
    assert elsewhere.config == DestinationConfig.from_rudderstack({**GIVEN, "domain": "of-another.gainsightcloud.com"})


@pytest.mark.parametrize("source", [given_config, given_text, "/data/destination.json"])
def test_what_is_given_by_reference_pickles_and_shows_without_the_keys(source: Any) -> None:
    shards = Shards(config=source)
    if callable(source):
        assert shards.config.access_key == KEY  # type: ignore[union-attr] # also once it is read
    pickled = pickle.dumps(shards)
    assert KEY.encode() not in pickled
    assert KEY not in repr(shards)
    again = pickle.loads(pickled)
    assert (again, hash(again)) == (shards, hash(shards))
    assert again != Shards(config=given_bytes)
    assert repr(source if isinstance(source, str) else source.__qualname__).strip("'") in repr(again)


def test_a_config_by_reference_is_read_when_it_is_used_and_once() -> None:
    asked: list[int] = []

    def ask() -> Any:
        asked.append(1)
        return CONFIG

    shards = Shards(config=ask)
    assert asked == []
    assert shards.config is shards.config
    assert asked == [1]
    read, _ = settings_by("the job", ask, {}, is_opened=True)
    assert asked == [1, 1]
    assert read == Shards(config=CONFIG)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("/data/none.json", "config: the file cannot be read: No such file or directory"),
        (lambda: "{", "config: what the function gives is not JSON"),
        (lambda: json.dumps({"domain": "localhost", "accessKey": KEY}), "config.domain: "),
        (lambda: None, "must be an object"),
    ],
)
def test_a_reference_that_leads_to_no_config_is_an_error_where_it_is_read(source: Any, problem: str) -> None:
    shards = Shards(config=source)
    with pytest.raises(ConfigError, match=problem) as raised:
        _ = shards.config
    assert KEY not in str(raised.value)
    with pytest.raises(OptionsError, match=f"^the job: .*{problem}"):
        settings_by("the job", source, {}, is_opened=True)


def test_the_text_of_a_config_is_refused_as_an_engine_may_show_it() -> None:
    with pytest.raises(ConfigError, match="must be the path of a JSON file, not its text"):
        config_of(f" {given_text()}")
    reference = config_of(given_config)
    assert config_of(reference) is reference
