"""What a check finds, as values, and the exit status that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import attrs


class Mark(Enum):
    """How a part of a check went. Warning: events may be refused. Fault: they will be, or nothing can be sent."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNTRIED = "not tried"


@attrs.frozen
class Result:
    """One thing that was looked at: in which step, of what, how it went, what was found, and what to do.

    `subject`: `Company`, `Company.Plan__gc`, a place in the config; "" for the step as a whole. `remedy`: "" where
    nothing is to be done. `is_about_all`: a fault of it leaves nothing to check against: no connection, a wrong key.
    """

    step: str
    subject: str
    mark: Mark
    found: str
    remedy: str = ""
    is_about_all: bool = False


#: Exit statuses: something is to be fixed in mappings or rights; there was nothing to check against.
TO_FIX, NO_ANSWER = 1, 2


def status_of(results: Iterable[Result]) -> int:
    """0: no fault; TO_FIX; NO_ANSWER."""
    faults = [result.is_about_all for result in results if result.mark is Mark.FAULT]
    return 0 if not faults else NO_ANSWER if any(faults) else TO_FIX
