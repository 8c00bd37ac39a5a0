"""What lint says of a config: its findings, as values."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import attrs


class Severity(Enum):
    """How much a finding matters. Error: events fail by it. Warning: they may, or something may go missing."""

    ERROR = "error"
    WARNING = "warning"


@attrs.frozen
class Finding:
    """One thing that is wrong, or may be: by which rule, where, what, and what to do.

    `place`: in the Config, `personMap[2].to`; in the events, `identify traits.plan`. No text of it holds a secret, or a
    value of an event other than names of companies that look alike; names of traits and events it may.
    """

    rule: str
    severity: Severity
    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.place}: {self.problem}. {self.remedy} ({self.rule})"


class Hit(NamedTuple):
    """What a rule's check finds: the place, the problem, and a remedy if there is a better one than the rule's."""

    place: str
    problem: str
    remedy: str | None = None
