"""A text that hides itself wherever it is shown."""

from __future__ import annotations

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
