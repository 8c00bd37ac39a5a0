"""What a probe may tell others, as plain data, and where it differs from what is assumed here."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

import attrs

from gainsight_dest import __version__
from gainsight_dest.fields import Record
from gainsight_dest.probing.facts import FACTS, Fact
from gainsight_dest.probing.probe import Probe, ProbeFinding

#: The version of the form.
_FORM = 1
_MARK = re.compile(r"[0-9a-z]{1,32}")


class Verdict(Enum):
    """How a tenant's answer stands to what is assumed."""

    SAME = "as assumed"
    DIFFERS = "differs"
    UNASKED = "not asked"
    UNANSWERED = "not answered"


@attrs.frozen
class Comparison:
    """A fact, and what a tenant answered: the answer, or why there is none."""

    fact: Fact
    verdict: Verdict
    answer: str


def as_data(probe: Probe) -> Record:
    """The probe as plain data, ready for JSON, as far as it has come: no key, no host, no value of the tenant's."""
    expected = {fact.name: fact.expected for fact in FACTS}
    return {
        "form": _FORM,
        "library": __version__,
        "mark": probe.mark,
        "complete": probe.is_complete,
        "calls": probe.calls,
        "left": {"companies": [*probe.left.companies], "people": [*probe.left.people]},
        "facts": {name: _finding(found, expected.get(name)) for name, found in probe.findings.items()},
    }


def _finding(finding: ProbeFinding, expected: str | None) -> Record:
    ended = {name: getattr(finding, name) for name in ("answer", "unasked", "unanswered")}
    exchanges = [attrs.asdict(each, recurse=False) for each in finding.exchanges]
    return {
        **{name: text for name, text in ended.items() if text is not None},
        "expected": expected,
        "calls": exchanges,
    }


def mark_in(data: Any) -> str:
    """The mark of the records of a probe. Raises ValueError for what is no probe."""
    _facts_in(data)
    mark = data.get("mark")
    if not isinstance(mark, str) or not _MARK.fullmatch(mark):
        raise ValueError("mark: must be small letters and digits")
    return mark


def compared(data: Any) -> tuple[Comparison, ...]:
    """All facts, with the answers of a probe as `as_data` has it. Raises ValueError, which says where it is wrong."""
    found = _facts_in(data)
    return tuple(_compared(fact, found.get(fact.name, {}), f"facts.{fact.name}") for fact in FACTS)


def _facts_in(data: Any) -> Record:
    if not isinstance(data, dict) or not isinstance(data.get("facts"), dict):
        raise ValueError("not what `probe` writes: it holds no facts")  # noqa: TRY004 - one kind of error for all
    if data.get("form") != _FORM:
        raise ValueError(f"form: must be {_FORM}: another version of this library has written it")
    facts: Record = data["facts"]
    return facts


def _compared(fact: Fact, found: Any, place: str) -> Comparison:
    if not isinstance(found, dict):
        raise ValueError(f"{place}: must be an object")  # noqa: TRY004 - the same
    verdicts = {"unanswered": Verdict.UNANSWERED, "unasked": Verdict.UNASKED}
    for name, verdict in verdicts.items():
        if name in found:
            return Comparison(fact, verdict, _text(found[name], f"{place}.{name}"))
    if "answer" not in found:
        return Comparison(fact, Verdict.UNASKED, "the probe did not come to it")
    answer = _text(found["answer"], f"{place}.answer")
    return Comparison(fact, Verdict.SAME if answer == fact.expected else Verdict.DIFFERS, answer)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place}: must be a string")  # noqa: TRY004 - the same
    return value
