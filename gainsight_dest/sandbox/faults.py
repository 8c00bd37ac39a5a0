"""Faults to order, as data: which call fails, and how."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
from attrs.validators import optional


@attrs.frozen
class FaultKind:
    """How a call fails. `about`: what the caller gets to see. `refusal`: status, code and text of the answer to a call
    that is not carried out; None: what it asks for is done all the same.
    """

    about: str
    refusal: tuple[int, str, str] | None = None

    @property
    def is_done(self) -> bool:
        """Whether what the call asks for is done all the same."""
        return self.refusal is None


UNAUTHORIZED = (401, "GS_APIG_2401", "Unauthorized")
TOO_MANY = (429, "GU_2400", "Too many calls")
BROKEN = ("GU_1101", "Something went wrong")

#: Every way to fail. The page of faults and the fault matrix are derived from it.
FAULTS: dict[str, FaultKind] = {
    "429": FaultKind("HTTP 429 without Retry-After", TOO_MANY),
    "429-retry-after": FaultKind("HTTP 429 with Retry-After: `seconds`, else 7", TOO_MANY),
    "throttled-200": FaultKind("HTTP 200 with result: false and the code GU_2400", (200, *TOO_MANY[1:])),
    "500": FaultKind("HTTP 500, nothing was written", (500, *BROKEN)),
    "500-after": FaultKind("HTTP 500, but what was asked for is done"),
    "503": FaultKind("HTTP 503", (503, *BROKEN)),
    "401": FaultKind("HTTP 401, as for a wrong access key", UNAUTHORIZED),
    "result-false": FaultKind("HTTP 200 with result: false", (200, "GSOBJ_1008", "Refused")),
    "html": FaultKind("HTTP 200 with a page of HTML; what was asked for is done"),
    "truncated": FaultKind("the JSON breaks off half-way; what was asked for is done"),
    "slow": FaultKind("the answer takes `seconds`, else 60; what was asked for is done"),
    "dropped-before": FaultKind("the connection breaks before anything is done", (0, "dropped", "")),
    "dropped-after": FaultKind("the connection breaks once what was asked for is done"),
    "nothing-data": FaultKind("a query that finds nothing answers with data: []"),
    "nothing-words": FaultKind('a query that finds nothing answers "No data found"'),
    "nothing-code": FaultKind("a query that finds nothing answers HTTP 400, GSOBJ_1011"),
}

#: What a call asks for, in the words of `Request.action`: what events do, then what `check` and `probe` do beside it.
ACTIONS = (
    "find company",
    "create company",
    "update company",
    "link person",
    "upsert person",
    "send event",
    "find person",
    "delete company",
    "describe objects",
    "list objects",
    "read picklist",
    "list users",
)


_DAY = 86_400
Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_up_to(most: float, value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value <= most


def _checked(is_right: Callable[[Any], bool], what: str) -> Check:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_right(value):
            raise ValueError(f"{attribute.name} must be {what}, not {value!r}")

    return check


def _one_of(table: Collection[str]) -> Check:
    return _checked(lambda value: isinstance(value, str) and value in table, f"one of {', '.join(table)}")


_numbers = _checked(
    lambda value: isinstance(value, (list, tuple)) and all(_is_whole(each) and each > 0 for each in value),
    "a list of whole numbers from 1",
)
_share = _checked(partial(_is_up_to, 1), "a number from 0 to 1")
_whole = _checked(_is_whole, "a whole number")
_times = _checked(lambda value: _is_whole(value) and value >= 0, "a whole number from 0")
_seconds = _checked(partial(_is_up_to, _DAY), "a number from 0 to 86400")


@attrs.frozen
class PlannedFault:
    """One kind of fault, and the calls that it meets: all, unless one of these says otherwise.

    `calls`: the numbers of the calls, from 1. `action`: only calls that ask for this, such as "create company".
    `share`: this share of the calls, 0 to 1, chosen by `seed` and the call's number. `times`: at most so many calls.
    `seconds`: how long a slow answer takes, or what Retry-After says.
    """

    kind: str = attrs.field(validator=_one_of(FAULTS))
    calls: tuple[int, ...] = attrs.field(default=(), validator=_numbers)
    action: str | None = attrs.field(default=None, validator=optional(_one_of(ACTIONS)))
    share: float = attrs.field(default=1.0, validator=_share)
    seed: int = attrs.field(default=0, validator=_whole)
    times: int | None = attrs.field(default=None, validator=optional(_times))
    seconds: float | None = attrs.field(default=None, validator=optional(_seconds))

    def meets(self, number: int, action: str | None) -> bool:
        """Whether the call of that number, which asks for that, is one of them."""
        return (
            (not self.calls or number in self.calls)
            and (self.action is None or self.action == action)
            and (self.share == 1 or random.Random(f"{self.seed}:{number}").random() < self.share)  # noqa: S311 - a plan
        )


@attrs.define
class FaultPlan:
    """Faults in order: a call fails by the first that meets it and has not come as often as it should."""

    faults: Sequence[PlannedFault]
    _met: Counter[int] = attrs.field(factory=Counter)

    def fault(self, number: int, action: str | None) -> PlannedFault | None:
        """The fault of the call, if it has one; it counts as having come."""
        for index, fault in enumerate(self.faults):
            if (fault.times is None or self._met[index] < fault.times) and fault.meets(number, action):
                self._met[index] += 1
                return fault
        return None


def faults_from(data: Any) -> tuple[PlannedFault, ...]:
    """The faults of a list of objects such as `{"kind": "500", "action": "create company", "times": 2}`.

    Raises ValueError, naming every problem with its place.
    """
    if not isinstance(data, list):
        raise ValueError("faults must be a list of objects")  # noqa: TRY004 - one kind of error for all problems
    problems = [f"faults[{index}]: {problem}" for index, each in enumerate(data) for problem in _problems(each)]
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(PlannedFault(**{**each, "calls": tuple(each.get("calls", ()))}) for each in data)


def _problems(settings: Any) -> Iterator[str]:
    if not isinstance(settings, dict):
        yield "must be an object"
        return
    known = attrs.fields_dict(PlannedFault)
    for name, setting in known.items():
        if name not in settings:
            if setting.default is attrs.NOTHING:
                yield f"{name} is missing"
        else:
            check: Any = setting.validator
            try:
                check(None, setting, settings[name])
            except ValueError as error:
                yield str(error)
    yield from (f"no such setting: {name}" for name in settings if name not in known)
