"""The JSON Schema of mapping tests takes what the reader takes, and refuses what is wrongly made."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gainsight_dest.testing import keys, mapping_tests_schema
from gainsight_dest.testing.document import composed, data_of
from gainsight_dest.testing.mapping import MappingFileError, read_mapping_tests
from tests.cli.process import run
from tests.public import PACKAGE

ROOT = Path(__file__).parents[2]
START = PACKAGE / "cli" / "start"
VALIDATOR = Draft202012Validator(mapping_tests_schema())
SCHEMA_LINE = "# yaml-language-server: $schema="

Steps = tuple[str | int, ...]

#: Each object of the file, with all its keys.
_REQUEST = {"step": "upsert person", "method": "PUT", "url": "https://acme.co", "headers": {}, "body": {}}
_EXPLAIN = dict.fromkeys(keys.EXPLAIN_KEYS) | {"source": "traits.plan", "reason": "no mapping"}
_EXPECT = {"body": {}, "headers": {}, "request": [_REQUEST], "link": {}, "refusal": "x", "explain": [_EXPLAIN]}
WHOLE: dict[str, Any] = {
    "name": "all keys",
    "config": {"domain": "acme.gainsightcloud.com"},
    "tenant": {"version": 1, "objects": {}},
    "subset": True,
    "rows": [
        {"name": "one", "given": {"type": "identify"}, "subset": False, "expect": _EXPECT},
        {"name": "two", "given": {}, "expect": {"request": _REQUEST, "explain": [_EXPLAIN]}},
        {"name": "three", "given": {}, "expect": {"error": {"kind": "EventError", "message": "x"}, "explain": []}},
        {"name": "four", "given": {}, "expect": {"error": "x"}},
    ],
}
#: Where each object of the file is, the keys that it may have, and those that it must.
OBJECTS: list[tuple[Steps, keys.Keys, tuple[str, ...]]] = [
    ((), keys.FILE_KEYS, keys.FILE_NEEDS),
    (("rows", 0), keys.ROW_KEYS, keys.ROW_NEEDS),
    (("rows", 0, "expect"), {name: key for name, key in keys.EXPECT_KEYS.items() if name != "error"}, ()),
    (("rows", 0, "expect", "request", 0), keys.REQUEST_KEYS, ()),
    (("rows", 1, "expect", "request"), keys.REQUEST_KEYS, ()),
    (("rows", 0, "expect", "explain", 0), keys.EXPLAIN_KEYS, ()),
    (("rows", 2, "expect", "error"), keys.ERROR_KEYS, ()),
]


def validates(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def reads(document: Any, folder: Path) -> bool:
    (folder / "a.gainsight.yaml").write_text(json.dumps(document), "utf8")
    try:
        read_mapping_tests(folder / "a.gainsight.yaml")
    except MappingFileError:
        return False
    return True


def at(document: Any, steps: Steps) -> Any:
    for step in steps:
        document = document[step]
    return document


def changed(steps: Steps, **changes: Any) -> dict[str, Any]:
    """The whole document with other values at that place; None: without the key."""
    document = copy.deepcopy(WHOLE)
    place = at(document, steps)
    for name, value in changes.items():
        place.pop(name, None)
        if value is not None:
            place[name] = value
    return document


def test_it_is_a_schema_of_that_draft_and_may_be_changed() -> None:
    Draft202012Validator.check_schema(mapping_tests_schema())
    mapping_tests_schema()["properties"].clear()
    assert [*mapping_tests_schema()["properties"]] == [*keys.FILE_KEYS]


def test_all_keys_are_taken_by_both(tmp_path: Path) -> None:
    for steps, names, _ in OBJECTS:
        assert [*at(WHOLE, steps)] == [*names], steps
    assert validates(WHOLE)
    assert reads(WHOLE, tmp_path)


@pytest.mark.parametrize(
    "file", ["examples/mappings.gainsight.yaml", "gainsight_dest/cli/start/mapping.gainsight.yaml"]
)
def test_the_files_of_the_project_are_valid(file: str) -> None:
    root = composed((ROOT / file).read_text("utf8"))
    assert root is not None
    assert [error.message for error in VALIDATOR.iter_errors(data_of(root))] == []


def wrong() -> Iterator[tuple[str, dict[str, Any]]]:
    """Documents with one mistake each, by what it is."""
    for steps, names, needs in OBJECTS:
        place = ".".join(map(str, steps)) or "the file"
        yield f"{place}: a key that is none", changed(steps, bdy={})
        yield from ((f"{place}: no {name}", changed(steps, **{name: None})) for name in needs)
        for name, key in names.items():
            if key.takes is not keys.ANYTHING:
                yield f"{place}: {name} is a number", changed(steps, **{name: 12})
    yield "no rows", changed((), rows=[])
    yield "a row that is none", changed((), rows=["x"])
    yield "a blank name", changed(("rows", 0), name=" ")
    yield "a name of two lines", changed(("rows", 0), name="a\nb")
    yield "an empty expect", changed(("rows", 0), expect={})
    yield "an empty error", changed(("rows", 2), expect={"error": {}})
    yield "no such kind of error", changed(("rows", 2, "expect", "error"), kind="EventErrr")
    yield "error beside body", changed(("rows", 3, "expect"), body={})
    yield "a step that is none", changed(("rows", 0, "expect"), request=["x"])
    yield "a config without a domain", changed((), config={"accessKey": "k"})


WRONG = dict(wrong())


def test_what_is_wrongly_made_is_refused_by_both(tmp_path: Path) -> None:
    assert len(WRONG) > 40
    assert [name for name, document in WRONG.items() if validates(document)] == []
    assert [name for name, document in WRONG.items() if reads(document, tmp_path)] == []


def test_every_key_says_what_it_is_for() -> None:
    tables = (names for _, names, _ in OBJECTS)
    assert [name for names in tables for name, key in names.items() if len(key.about) < 5] == []


def test_the_command_prints_it() -> None:
    done = run("schema", "--mapping-tests")
    assert (done.returncode, json.loads(done.stdout)) == (0, mapping_tests_schema())


def test_a_new_project_has_it_and_its_tests_name_it_for_the_editor(tmp_path: Path) -> None:
    assert run("init", tmp_path).returncode == 0
    first, *_ = (tmp_path / "mapping.gainsight.yaml").read_text("utf8").splitlines()
    assert first.startswith(SCHEMA_LINE)
    assert json.loads((tmp_path / first.removeprefix(SCHEMA_LINE)).read_text("utf8")) == mapping_tests_schema()
