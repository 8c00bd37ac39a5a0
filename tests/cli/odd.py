"""Odd events, and words that steer a terminal."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

#: What would show that it got through: a colour that no command uses.
STEERS = "\x1b[7777m"
#: Colour, title, C1, direction, no width, line's ends, markup, half an emoji.
WORD = (
    f"w{STEERS}\x1b]0;t\x07\x9b31m\x90\x85\x08\x7f\r\n\u202e\u202a\u2066\u2069\u200e\u200f\u200b\u2060\ufeff\u2028\u2029"
    "\U000e0041[red]r[/red][link=http://example.com]l[/link][/]:warning:\ud83d"
)

CONFIG: dict[str, Any] = {
    "domain": "acme.gainsightcloud.com",
    "accessKey": "an-access-key",
    "sharedSecret": "a-shared-secret",
    "tenantId": "tenant",
    "topicName": "Tickets",
    "contractId": "contract",
    "personMap": [{"from": "plan", "to": "Plan__gc"}, {"from": f"p{WORD}", "to": f"P{WORD}"}],
    "companyMap": [{"from": "tier", "to": "Tier__gc"}, {"from": f"c{WORD}", "to": f"C{WORD}__gc"}],
    "eventNameMap": [{"from": "Ticket", "to": "t"}, {"from": f"e{WORD}", "to": "e"}, {"from": f"n{WORD}", "to": "n"}],
    "eventVersionMap": [{"from": "Ticket", "to": "1"}, {"from": f"e{WORD}", "to": "1"}],
    WORD: WORD,
}


def hostile_events() -> Iterator[Any]:
    """Events with the word wherever one may stand."""
    odd: dict[str, Any] = {WORD: WORD, f"p{WORD}": WORD, f"c{WORD}": {WORD: [WORD, {WORD: 1}]}}
    ada = {"email": "ada@example.com"}
    yield {"type": WORD, "messageId": WORD}
    yield {"type": "identify", "messageId": WORD, "traits": {**ada, **odd, "plan": WORD, "phone": WORD}}
    yield {"type": "identify", "messageId": WORD, "traits": {**ada, WORD: float("nan"), f"p{WORD}": float("nan")}}
    yield {"type": "identify", "traits": {"email": f"{WORD}@example.com"}, "context": {"traits": odd}}
    yield {"type": "group", "messageId": WORD, "traits": {"name": WORD, **odd}, "context": {"traits": ada}}
    yield {"type": "group", "traits": {"name": "Acme", "tier": WORD, "employees": WORD}, "context": {"traits": ada}}
    yield {"type": "track", "messageId": WORD, "event": WORD, "properties": odd}
    yield {"type": "track", "messageId": WORD, "event": f"e{WORD}", "properties": {**odd, WORD: {WORD: WORD}}}
    yield {"type": "track", "event": "Ticket", "properties": odd, "context": {"externalId": [{"id": WORD, WORD: WORD}]}}
    yield {"type": "track", "event": f"n{WORD}", "integrations": {WORD: WORD}}
    yield {"type": "identify", "traits": ada, "integrations": {"Gainsight": False, WORD: WORD}}
    yield {"message": {"type": "identify", "traits": ada}, "destination": {"Config": {"domain": WORD, WORD: WORD}}}
    yield {"message": WORD}


def hostile_lines() -> bytes:
    """Those as NDJSON, and a line that is none."""
    events = b"".join(json.dumps(event).encode() + b"\n" for event in hostile_events())
    return events + b'{"type": "' + WORD.encode(errors="replace") + b"\xff\n"


# --- odd in any way ---------------------------------------------------------------------------------------------------

_TEXTS = (
    *(
        "",
        " ",
        "a",
        "\x00",
        "\ud83d",
        "\udc00\ud83d",
        "é",
        "日本",
        "ada@example.com",
        "Ticket",
        "a.b",
        "__gc",
        "[",
        "]",
    ),
    *("identify", "group", "track", "page", "IDENTIFY ", "null", "NaN", "-0", "1e999", "9" * 400, "1" * 5000 + "x"),
    *("2026-01-31T12:00:00.000Z", "0001-01-01", "9999-12-31T23:59:60Z", "2026-13-45", WORD, "x" * 10_000, "{{a||b}}"),
)
_NUMBERS = (0, -1, 1.5, 1e308, -1e-320, float("nan"), float("inf"), -float("inf"), 2**63, -(2**64), 10**300, 10**4299)
_KEYS = (
    *("type", "traits", "context", "properties", "event", "messageId", "integrations", "externalId", "message", "name"),
    *("email", "plan", "tier", "timestamp", "originalTimestamp", "destination", "Config", "All", "Gainsight", "id"),
)


def _value(random_: random.Random, depth: int) -> Any:
    kind = random_.randrange(8 if depth else 5)
    if kind < 2:
        return random_.choice(_TEXTS)
    if kind < 4:
        return random_.choice(_NUMBERS)
    if kind == 4:
        return random_.choice((None, True, False))
    if kind == 5:
        return [_value(random_, depth - 1) for _ in range(random_.randrange(4))]
    return {random_.choice(_KEYS + _TEXTS): _value(random_, depth - 1) for _ in range(random_.randrange(5))}


def _event(random_: random.Random) -> Any:
    """Something of an event's form, most of the time."""
    if random_.random() < 0.1:
        return _value(random_, 3)
    event = {key: _value(random_, 3) for key in random_.sample(_KEYS, random_.randrange(8))}
    if random_.random() < 0.8:
        event["type"] = random_.choice(("identify", "group", "track"))
        traits = _value(random_, 3)
        more = {"email": "ada@example.com", "name": random_.choice(_TEXTS)}
        event["traits"] = {**traits, **more} if isinstance(traits, dict) else more
    return event


def _nested(random_: random.Random) -> bytes:
    depth = random_.choice((150, 250, 1500, 50_000))
    opening, closing = random_.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return b'{"type": "identify", "traits": {"email": "a@b.example", "plan": %b1%b}}' % (
        opening * depth,
        closing * depth,
    )


def _broken(random_: random.Random) -> bytes:
    text = bytearray(json.dumps(_event(random_)).encode())
    for _ in range(3):
        text[random_.randrange(len(text))] = random_.choice((0x22, 0x5C, 0x5B, 0x7D, 0xFF, 0x00, 0x9B))
    return bytes(text)


def odd_texts(count: int, seed: int = 0, *, broken: bool = True) -> Iterator[bytes]:
    """So many texts of events, most of them JSON; none holds a line's end. `broken`: some may hold half a string."""
    random_ = random.Random(seed)  # noqa: S311 - the same ones each time
    for _ in range(count):
        lot = random_.random()
        if lot < 0.01:
            yield _nested(random_)
        elif lot < 0.05 and broken:
            yield _broken(random_)
        elif lot < 0.06:
            yield b'{"type": "track", "event": "Ticket", "properties": {"n": %b}}' % (
                b"9" * random_.choice((30, 9_000))
            )
        else:
            yield json.dumps(_event(random_), ensure_ascii=random_.random() < 0.9).encode(errors="surrogatepass")
