"""Secrets: a text that does not show itself, and texts and JSON values with secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

MASK = "***"
_SHORTEST = 4  # hiding every "a" of a message would hide the message


class Secret(str):
    """A string that equals its text, encodes and pickles like it, and shows as `***` in a repr, also inside a dict."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


def hide(text: str, *secrets: str | None) -> str:
    """The text with every occurrence of a secret masked, for places where foreign words meet ours."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def conceal(text: str, *secrets: str | None) -> str:
    """The same text, as a Secret if a secret is in it: a key may have been pasted into a setting beside its own."""
    for secret in secrets:
        if secret is not None and len(secret) >= _SHORTEST and secret in text:
            return Secret(text)
    return text


def hidden(value: Any, hide: Callable[[str], str], keys: Container[str] = ()) -> Any:
    """A JSON value with `hide` applied to each text in it, names of keys too.

    `keys`: names, in lower case, of what is masked as a whole. A Secret is always masked, null never.
    """
    if isinstance(value, str):
        return MASK if isinstance(value, Secret) else hide(value)
    if isinstance(value, Mapping):
        return {
            hide(key): MASK if key.lower() in keys and item is not None else hidden(item, hide, keys)
            for key, item in value.items()
        }
    return [hidden(item, hide, keys) for item in value] if isinstance(value, list) else value
