"""The keys that a file of mapping tests may hold, and what each takes: tables for the reader and the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gainsight_dest.errors import ConfigError, EventError, UnsupportedTypeError


class ValueKind(NamedTuple):
    """What a value may be: in words, as Python's types, as JSON Schema."""

    words: str
    types: tuple[Any, ...]
    schema: Mapping[str, Any]


TEXT = ValueKind("a string", (str,), {"type": "string"})
FLAG = ValueKind("true or false", (bool,), {"type": "boolean"})
OBJECT = ValueKind("an object", (dict,), {"type": "object"})
LIST = ValueKind("a list", (list,), {"type": "array"})
TEXT_OR_OBJECT = ValueKind("a string or an object", (str, dict), {"type": ["string", "object"]})
OBJECTS = ValueKind("an object or a list of objects", (dict, list), {"type": ["object", "array"]})
ANYTHING = ValueKind("anything", (object,), {})


class Key(NamedTuple):
    """What a key takes, and what it is for."""

    takes: ValueKind
    about: str


Keys = Mapping[str, Key]

FILE_KEYS: Keys = {
    "name": Key(TEXT, "what the file is about, shown with a failure"),
    "config": Key(TEXT_OR_OBJECT, "RudderStack's config of the destination, or the name of a file with it"),
    "tenant": Key(TEXT_OR_OBJECT, "the tenant, as describe --out writes it, or the name of a file with it"),
    "subset": Key(FLAG, "true: keys that are not written are not compared"),
    "rows": Key(LIST, "the tests"),
}
ROW_KEYS: Keys = {
    "name": Key(TEXT, "the name of the test: one line, which no other row has"),
    "given": Key(OBJECT, "the event"),
    "subset": Key(FLAG, "as for the file, for this row"),
    "expect": Key(OBJECT, "what Gainsight should get; pytest --gainsight-update writes it"),
}
EXPECT_KEYS: Keys = {
    "body": Key(OBJECT, "what is written: the person, the company (of a group), the properties (of a track)"),
    "headers": Key(OBJECT, 'the headers of the request; "***" is any secret'),
    "request": Key(OBJECTS, "parts of the first request; in a list, of each that may follow"),
    "link": Key(OBJECT, "the person that a group links to its company"),
    "error": Key(TEXT_OR_OBJECT, "a part of the error's text; or its kind, its message, or both"),
    "refusal": Key(TEXT, "a part of what the tenant has against the event"),
    "explain": Key(LIST, "where each trait and property goes, in their order"),
}
REQUEST_KEYS: Keys = {
    "step": Key(TEXT, "which request it is, as transform shows it"),
    "method": Key(TEXT, "the method, such as PUT"),
    "url": Key(TEXT, "the address"),
    "headers": Key(OBJECT, 'the headers; "***" is any secret'),
    "body": Key(OBJECT, "the body"),
}
ERROR_KEYS: Keys = {
    "kind": Key(TEXT, "the name of the error's class"),
    "message": Key(TEXT, "the whole text of the error"),
}
EXPLAIN_KEYS: Keys = {
    "source": Key(TEXT, "the trait or property, as a path"),
    "value": Key(ANYTHING, "its value in the event"),
    "field": Key(ANYTHING, "where it goes: Person.Email, Company.Name, Event.pages; null: nowhere"),
    "rule": Key(ANYTHING, "what maps it there, such as personMap"),
    "type": Key(ANYTHING, "the field's type in the tenant"),
    "sent": Key(ANYTHING, "the value that is sent"),
    "change": Key(ANYTHING, "how the value is changed"),
    "refusal": Key(ANYTHING, "why the tenant refuses it"),
    "label": Key(ANYTHING, "the field's label in the tenant"),
    "reason": Key(TEXT, "why it goes nowhere"),
}
FILE_NEEDS = ("config", "rows")
ROW_NEEDS = ("name", "given")
#: The kinds of errors that an event may end with before anything is sent.
ERROR_KINDS = tuple(error.__name__ for error in (EventError, UnsupportedTypeError, ConfigError))
#: What may stand beside `error`: an event at fault becomes no request.
BESIDE_ERROR = ("error", "explain")
