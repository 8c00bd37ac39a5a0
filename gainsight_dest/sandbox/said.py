"""What both sides of a call said, without the keys, and what the call wrote: kept in bounded memory, to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import attrs

from gainsight_dest.explaining.trace import short
from gainsight_dest.fields import LINKED, LINKS, Record
from gainsight_dest.gainsight import Response
from gainsight_dest.secret import MASK, hidden, hide
from gainsight_dest.spelling import printable, printable_lines

__all__ = ["CallSide", "WrittenField", "WrittenRecord"]

#: Characters of a body that are kept, of a header's value, and of a value of a record.
MOST_KEPT, MOST_OF_A_HEADER, MOST_OF_A_VALUE = 10_000, 500, 200
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
#: Fields of one record that are kept.
MOST_FIELDS = 200

#: Headers of a request that are kept, by their names in lower case, and whether each is a key. No other header is kept:
#: what a client adds of its own may be a secret.
REQUEST_HEADERS: Mapping[str, tuple[str, bool]] = {
    "accesskey": ("Accesskey", True),
    "sharedsecret": ("sharedSecret", True),
    "tenantid": ("tenantId", False),
    "topicname": ("topicName", False),
    "eventname": ("eventName", False),
    "eventversion": ("eventVersion", False),
    "contractid": ("contractId", False),
    "content-type": ("Content-Type", False),
}


@attrs.frozen(repr=False)
class CallSide:
    """What one side of a call said. The repr shows nothing of it.

    `line`: what it begins with: `PUT /v1.0/api/people`, `200 OK`. `headers`: without values that are keys. `body`: its
    beginning. `rest`: how many more characters it had.
    """

    line: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str = ""
    rest: int = 0
    _secrets: tuple[str, ...] = ()

    def text(self) -> str:
        """The body for people: JSON over several lines, secrets masked."""
        if not self.rest:
            try:
                value = hidden(json.loads(self.body), self.hide)
                return printable_lines(json.dumps(value, indent=2, ensure_ascii=False))
            except (ValueError, RecursionError):
                pass
        return printable_lines(self.hide(self.body))

    def hide(self, text: str) -> str:
        """The text with the keys of the call masked."""
        return hide(text, *self._secrets)

    def __repr__(self) -> str:
        return f"<CallSide of {len(self.body) + self.rest} characters>"


def asked(line: str, headers: Mapping[str, str], body: str | bytes, *secrets: str | None) -> CallSide:
    """The side that asks: header names in lower case. `secrets`: what is masked beside the keys of the call itself."""
    keys = (headers.get(name) for name, (_, is_key) in REQUEST_HEADERS.items() if is_key)
    all_secrets = _forms([*secrets, *keys])
    shown = {
        name: MASK if is_key else _header(headers[lower], all_secrets)
        for lower, (name, is_key) in REQUEST_HEADERS.items()
        if lower in headers
    }
    return CallSide(_header(line, all_secrets), shown, *_kept(body, all_secrets), all_secrets)


def answered(response: Response, request: CallSide) -> CallSide:
    """The side that answers the one that asked."""
    secrets = request._secrets  # noqa: SLF001 - of this module's class
    line = f"{response.status} {_PHRASES.get(response.status, '')}".strip()
    headers = {name: _header(value, secrets) for name, value in response.headers.items()}
    return CallSide(line, headers, *_kept(response.body, secrets), secrets)


def _header(value: str, secrets: tuple[str, ...]) -> str:
    return printable(hide(value, *secrets))[:MOST_OF_A_HEADER]


def _kept(body: str | bytes, secrets: tuple[str, ...]) -> tuple[str, int]:
    """The beginning of a body, and how much is left out. A secret is masked before it could be cut in two."""
    text = body if isinstance(body, str) else body.decode("utf8", "replace")
    if len(text) <= MOST_KEPT:
        return text, 0
    text = hide(text, *secrets)
    return text[:MOST_KEPT], max(1, len(text) - MOST_KEPT)


def _forms(secrets: Iterable[str | None]) -> tuple[str, ...]:
    """Each secret as it is, and as JSON writes it."""
    found = dict.fromkeys(secret for secret in secrets if secret)
    return tuple(
        dict.fromkeys(form for secret in found for form in (str(secret), json.dumps(secret)[1:-1], _json(secret)[1:-1]))
    )


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# --- what a call wrote ------------------------------------------------------------------------------------------------


class WrittenField(NamedTuple):
    """A field that a call changed: its value before and after, as JSON; None: it had none."""

    name: str
    before: str | None
    after: str | None


class WrittenRecord(NamedTuple):
    """A record that a call wrote: `("Person", "ada@example.com")`, a Company by its Gsid, an Event by its place.

    `done`: "created", "updated", "unchanged", "deleted", "sent". `fields`: those that differ now. `linked`: the Gsids
    of companies that a person is linked to now, and was not.
    """

    kind: str
    key: str
    done: str
    fields: tuple[WrittenField, ...] = ()
    linked: tuple[str, ...] = ()


def written(kind: str, key: str, before: Record | None, after: Record, said: CallSide) -> WrittenRecord:
    """The record as it was, None if it is new, and as it is now. `said`: what asked for it, whose keys are masked."""
    old = before or {}
    changed = [name for name in after if name != LINKS and (name not in old or old[name] != after[name])]
    fields = tuple(
        WrittenField(_cut(said.hide(name)), _value(old[name], said) if name in old else None, _value(after[name], said))
        for name in changed[:MOST_FIELDS]
    )
    known = {link[LINKED] for link in old.get(LINKS, ())}
    linked = tuple(gsid for link in after.get(LINKS, ()) if (gsid := link[LINKED]) not in known)
    done = "created" if before is None else "updated" if fields or linked else "unchanged"
    return WrittenRecord(kind, key, done, fields, linked[:MOST_FIELDS])


def _value(value: Any, said: CallSide) -> str:
    return short(hidden(value, said.hide), MOST_OF_A_VALUE)


def _cut(name: str) -> str:
    return printable(name)[:MOST_OF_A_VALUE]
