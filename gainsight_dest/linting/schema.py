"""The destination config as a JSON Schema, draft 2020-12, derived from DestinationConfig: for editors and CI."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import attrs

from gainsight_dest.config import MOST_ROWS, SETTINGS

_NOT_BLANK = {"type": "string", "pattern": r"\S"}
_HALF = {"type": ["string", "null"]}
_TARGET = {"type": ["string", "integer", "null"]}
_CONFIG = {"type": "object", "$ref": "#/$defs/config"}


def config_schema() -> dict[str, Any]:
    """The JSON Schema of a config as it is written: RudderStack's Config, or a destination that holds one.

    It is of what `DestinationConfig.from_rudderstack` takes, and of what an event or the environment is to fill in.
    """
    config = {
        "properties": {name: _schema(setting.metadata) for name, setting in SETTINGS.items()},
        "required": [name for name, setting in SETTINGS.items() if setting.default is attrs.NOTHING],
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gainsight destination",
        "description": "A destination as RudderStack stores it, or its Config alone. Other keys are not read.",
        "type": "object",
        "if": {"required": ["Config"]},
        "then": {"properties": {"Config": _CONFIG}},
        "else": {
            "if": {"required": ["config"], "not": {"required": ["domain"]}},
            "then": {"properties": {"config": _CONFIG}},
            "else": {"$ref": "#/$defs/config"},
        },
        "$defs": {"config": config},
    }
    return deepcopy(schema)  # its parts are shared


def _schema(setting: Mapping[str, Any]) -> dict[str, Any]:
    about = {"description": setting["about"]}
    return about | (_rows(setting["no_target"]) if "no_target" in setting else setting["schema"])


def _rows(no_target: Mapping[str, Any]) -> dict[str, Any]:
    """A list of `{from, to}`, or an object. What is refused as `to` is not where a half is blank."""
    refused = {"allOf": [_NOT_BLANK, no_target]}
    return {
        "type": ["array", "object", "string", "null"],
        "pattern": r"^\s*$",
        "maxItems": MOST_ROWS,
        "maxProperties": MOST_ROWS,
        "items": {
            "type": "object",
            "properties": {
                "from": {"description": "the trait, by its name or dotted path, or the event", **_HALF},
                "to": {"description": "the field, or the event's name or version in Gainsight", **_TARGET},
            },
            "not": {"required": ["from", "to"], "properties": {"from": _NOT_BLANK, "to": refused}},
        },
        "patternProperties": {_NOT_BLANK["pattern"]: {**_TARGET, "not": refused}},
        "additionalProperties": _TARGET,
    }
