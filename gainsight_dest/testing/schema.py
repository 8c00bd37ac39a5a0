"""A file of mapping tests as a JSON Schema, draft 2020-12, derived from the reader's tables: for editors."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gainsight_dest.linting.schema import config_schema
from gainsight_dest.testing.keys import (
    BESIDE_ERROR,
    ERROR_KEYS,
    ERROR_KINDS,
    EXPECT_KEYS,
    EXPLAIN_KEYS,
    FILE_KEYS,
    FILE_NEEDS,
    REQUEST_KEYS,
    ROW_KEYS,
    ROW_NEEDS,
    Keys,
)

_ONE_LINE = {"pattern": r"^[^\r\n]*[^\s][^\r\n]*$"}


def mapping_tests_schema() -> dict[str, Any]:
    """The JSON Schema of `*.gainsight.yaml`. Whatever the reader takes is valid.

    The reader refuses some more: a name twice, a file that is not there, a config that cannot be used.
    """
    destination = config_schema()
    shared = destination.pop("$defs")
    del destination["$schema"]
    request = _object(REQUEST_KEYS)
    error = _object(ERROR_KEYS, kind={"enum": [*ERROR_KINDS]}) | {"minProperties": 1}
    expect = _object(
        EXPECT_KEYS,
        request={"if": {"type": "array"}, "then": {"items": request}, "else": request},
        error=_if_object(error),
        explain={"items": _object(EXPLAIN_KEYS)},
    )
    alone = {"properties": dict.fromkeys([name for name in EXPECT_KEYS if name not in BESIDE_ERROR], False)}
    expect |= {"minProperties": 1, "if": {"required": ["error"]}, "then": alone}
    row = _object(ROW_KEYS, ROW_NEEDS, name=_ONE_LINE, expect=expect)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mapping tests",
        "description": "Events, and what Gainsight should get for each.",
        **_object(
            FILE_KEYS,
            FILE_NEEDS,
            name=_ONE_LINE,
            config=_if_object({"$ref": "#/$defs/destination"}),
            rows={"minItems": 1, "items": row},
        ),
        "$defs": {**shared, "destination": destination},
    }
    return deepcopy(schema)  # its parts are shared


def _object(keys: Keys, needs: tuple[str, ...] = (), **more: dict[str, Any]) -> dict[str, Any]:
    """An object of those keys alone. `more`: what else is so of a key's value."""
    properties = {
        name: {"description": key.about, **key.takes.schema, **more.get(name, {})} for name, key in keys.items()
    }
    needed = {"required": [*needs]} if needs else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _if_object(then: dict[str, Any]) -> dict[str, Any]:
    """What is so of a value that may be a text as well."""
    return {"if": {"type": "object"}, "then": then}
