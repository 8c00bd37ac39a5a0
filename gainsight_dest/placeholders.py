"""Texts that stand for what is filled in later: by an event, by the environment, or by nobody. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

#: Both stand for the event itself at the head of a path.
_EVENT = ("event", "message")
#: RudderStack's own form of a value that stands in the environment.
_ENV = r"\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*"
#: In a mapping, where a name such as env.changed may be meant as it is, only what looks like a variable is one.
_ENV_IN_ROWS = r"\s*env\.([A-Z_][A-Z0-9_]*)\s*"
_HOLE = r"\$\{[^{}]*\}"
#: What the whole text is, where nobody has filled it in, beside `<key>`.
_NAMES = r"\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%"
#: What an event or the environment is to fill in, in JSON Schema.
FOR_LATER = r"^\s*(\{\{[^|{}]+\|\|[\s\S]*\}\}|env\.[A-Za-z_][A-Za-z0-9_]*)\s*$"

Path = tuple[str, ...]


class Template(NamedTuple):
    """Where in the event the value of a setting is, and what it is without one."""

    path: Path
    default: str


def template(text: str) -> Template | None:
    """The template `{{ path || default }}` that the text is, if it is one."""
    text = text.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    head, bars, default = text[2:-2].partition("||")
    name = head.strip()
    if not bars or not name or any(mark in head for mark in "|{}"):
        return None
    return Template(_path(name), _unquoted(default.strip()))


def _path(text: str) -> Path:
    path = tuple(text.split("."))
    return path[1:] if len(path) > 1 and path[0] in _EVENT else path


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def variable(text: str, *, in_rows: bool = False) -> str | None:
    """The name of the environment variable that the text stands for, if it is `env.NAME`.

    `in_rows`: of a mapping, where the name must be in capitals.
    """
    found = re.fullmatch(_ENV_IN_ROWS if in_rows else _ENV, text)
    return found[1] if found else None


def is_for_later(text: object, *, in_rows: bool = False) -> bool:
    """Whether an event or the environment is to fill it in."""
    return isinstance(text, str) and (template(text) is not None or variable(text, in_rows=in_rows) is not None)


def placeholder_problem(text: str, *, in_rows: bool = False) -> str | None:
    """Why the text cannot be sent as it stands, and what to do; None if it can."""
    if not ("{" in text or "env." in text or "<" in text or "$" in text or "%" in text):  # as in nearly all
        return None
    if name := variable(text, in_rows=in_rows):
        return (
            f"stands for the environment variable {name}, which is not set, or was not looked up: "
            "set it, and in Python read the config with env=os.environ"
        )
    if template(text) is not None:
        return "is a template for each event to fill in, and here none does: give it where events come, such as a dict"
    if _has_hole(text.strip()):
        return "holds a placeholder that nobody has filled in: write the value, or env.NAME to have it from a variable"
    return None


def _has_hole(text: str) -> bool:
    if text.startswith("<") and text.endswith(">"):
        return True
    return "}}" in text.partition("{{")[2] or bool(re.search(_HOLE, text) or re.fullmatch(_NAMES, text))


def with_env(value: Any, env: Mapping[str, str], *, in_rows: bool = False) -> Any:
    """The value of a setting with what the environment fills in. What is not set there, or blank, stays."""
    if isinstance(value, str):
        name = variable(value, in_rows=in_rows)
        found = env.get(name, "") if name else ""
        return found if found.strip() else value
    if isinstance(value, (list, tuple)):
        return [with_env_in_row(row, env) for row in value]
    if isinstance(value, Mapping):
        return {source: with_env(to, env, in_rows=True) if isinstance(to, str) else to for source, to in value.items()}
    return value


def with_env_in_row(row: Any, env: Mapping[str, str]) -> Any:
    """The row of a mapping, with its `to` filled in."""
    if isinstance(row, Mapping) and isinstance(to := row.get("to"), str):
        return {**row, "to": with_env(to, env, in_rows=True)}
    return row
