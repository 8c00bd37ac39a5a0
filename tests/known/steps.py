"""What owners do with records that they share, by chance: long stories of few records, in which all of it meets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from gainsight_dest.known import Told
from gainsight_dest.known.known import LEASE
from tests.known.places import record, told

RECORDS = [record(number) for number in range(3)]
OWNERS = (5, 2**63 - 1, 7)
#: What is done, and how often.
_DONE = {"take": 8, "give": 6, "learn": 2, "release": 2, "renew": 2, "wait": 4}
_WAITS = (1.0, LEASE / 2, LEASE / 2, LEASE, -5 * LEASE)
_LESSONS = [
    None,
    *(told(value, name=name, key=key) for value in "xy" for name in "ab" for key in "kkkK"),
    *(told(value, key="k", moment=moment) for value in "xy" for moment in (-7, 5, 9)),
    *(told("x", key="k", moment=moment, is_all=True) for moment in (None, 5)),
    *(Told(told(key="k").key, moment=moment, is_all=is_all) for moment in (5, 9) for is_all in (False, True)),
]


def steps(seed: int, number: int, *, waits: tuple[float, ...] = _WAITS) -> Iterator[tuple[str, list[Any]]]:
    """So many: the name of a method and what it is given, or `wait` and the seconds."""
    chance = random.Random(seed)  # noqa: S311 - a choice, no secret
    for at, name in enumerate(chance.choices([*_DONE], [*_DONE.values()], k=number)):
        owner, some = chance.choice(OWNERS), chance.sample(RECORDS, chance.choice((1, 1, 2, 3)))
        learned: dict[bytes, Told | None] = {each: chance.choice(_LESSONS) for each in some}
        given: dict[str, list[Any]] = {
            "take": [some, owner],
            "give": [learned, owner, at + 1.0],
            "learn": [learned, at + 1.0],
            "release": [owner],
            "renew": [chance.sample(OWNERS, chance.randint(0, 3))],
            "wait": [chance.choice(waits)],
        }
        yield name, given[name]
