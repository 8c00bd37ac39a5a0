"""Differences in words, each with the rule of the mapping that made it. Pure functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gainsight_dest.config import SETTINGS
from gainsight_dest.explaining.alike import look, seen, told_apart, twins
from gainsight_dest.explaining.trace import EVENT, HEADER, Row, Rule, Trace, short
from gainsight_dest.fields import CUSTOM, OBJECTS, Fate, GainsightObject
from gainsight_dest.secret import MASK, hidden
from gainsight_dest.testing.difference import ABSENT, SECRET_NAMES, Difference, Path, place_text
from gainsight_dest.values import quoted

#: What an event makes a record of, by its type.
_OF: dict[str | None, GainsightObject] = {of.event_type: of for of in OBJECTS}

#: The key of an expectation that says what the tenant has against the event.
REFUSAL = "refusal"

#: The settings, by the headers in lower case that they are sent as; of the secret ones no value is shown.
_SETTINGS = {name.lower(): name for name in SETTINGS}

#: The words for a rule that sends a value.
_BY = {
    Rule.STANDARD: "as a standard field",
    Rule.PROPERTY: "as a property",
    Rule.LINK: "to link the person",
    Rule.CONTRACT: "as the contract id",
}

#: Rules that send a word of the config.
_WORDS = (Rule.NAME_MAP, Rule.VERSION_MAP)

_NONE: Mapping[str, str] = {}

#: The words for a fate that sends none, where the row has none of its own.
_FATES = {
    Fate.NOT_A_NUMBER: "is not a number",
    Fate.BLANK: "is blank",
}


def reasons_of(differences: Iterable[Difference], explanation: Trace) -> tuple[str, ...]:
    """The differences as lines. Keys that look like another of them stand with escapes where they differ."""
    differences = tuple(differences)
    alike = twins(step for each in differences for step in each.steps if isinstance(step, str))
    spelled = {key: told_apart(key, other)[0] for key, other in alike.items()}
    return tuple(line_of(each, explanation, spelled) for each in differences)


def line_of(difference: Difference, explanation: Trace, spelled: Mapping[str, str] = _NONE) -> str:
    """A difference as a line: `body.Plan__gc: expected "gold", got nothing: traits.plan has no row in personMap`.

    `spelled`: keys that look like another, each as it is shown.
    """
    expected = difference.expected
    if difference.steps == (REFUSAL,) and expected is ABSENT:
        return seen(f"the tenant refuses it: {difference.actual}")
    why = _why(difference, explanation)
    place = place_text(difference.steps, spelled)
    shown, got = _both_shown(difference, explanation)
    line = f"unexpected {place} {got}" if expected is ABSENT else f"{place}: expected {shown}, got {got}"
    return seen(f"{line}: {why}" if why else line)


def _both_shown(difference: Difference, explanation: Trace) -> tuple[str, str]:
    """What is expected and what came; in texts that look the same, what differs stands as escapes."""
    expected, actual = difference.expected, difference.actual
    if isinstance(expected, str) and isinstance(actual, str) and not _is_secret(difference.steps):
        return told_apart(explanation.shown(expected), explanation.shown(actual))
    shown, got = (_shown(value, difference.steps, explanation) for value in (expected, actual))
    return shown, got


def _shown(value: Any, path: Path, explanation: Trace) -> str:
    if value is ABSENT:
        return repr(ABSENT)
    return short(MASK if _is_secret(path) else hidden(explanation.shown(value), str, SECRET_NAMES))


def _is_secret(path: Path) -> bool:
    return str(path[-1]).lower() in SECRET_NAMES


# --- why --------------------------------------------------------------------------------------------------------------


def _why(difference: Difference, explanation: Trace) -> str | None:
    """The rule that made the difference; None where none did."""
    path, expected, actual = difference.steps, difference.expected, difference.actual
    if len(path) == 1 and actual is ABSENT:
        return _without(str(path[0]), explanation)
    if path[0] == "explain" and actual is ABSENT and isinstance(expected, Mapping):
        return _no_row(expected.get("source"), explanation.rows)
    is_header, target = _target(path)
    if target is None:
        return None
    rows = [row for row in explanation.rows if row.target == target and (row.record == HEADER) is is_header]
    sent = next((row for row in rows if row.fate is Fate.SENT), None)
    if sent is not None:
        how = "" if expected is ABSENT else _change(sent)
        return "; ".join([_goes(sent) + how, *(_overridden(row) for row in rows if _is_meant(row, expected))])
    if is_header:
        setting = _SETTINGS.get(target.lower())
        return setting and f"it is the config's {setting}"
    return _missing(target, expected, rows, explanation) if actual is ABSENT else None


def _no_row(source: Any, rows: tuple[Row, ...]) -> str | None:
    """Which source there is that looks like the one that a row is expected of; None if there is none."""
    meant = source if isinstance(source, str) else ""
    came = next((row.source for row in rows if meant and row.source != meant and look(row.source) == look(meant)), None)
    if came is None:
        return None
    shown, got = told_apart(meant, came)
    return f"the event has no source {shown}, but {got}"


def _without(key: str, explanation: Trace) -> str | None:
    """Why there is nothing at all under a key of an expectation."""
    if explanation.error is not None:
        return f"{type(explanation.error).__name__}: {explanation.error}"
    request = explanation.request
    if key == REFUSAL:
        return _not_refused(explanation)
    if key == "error" and request is not None:
        return f"the event became a request: {request.action}"
    return f"{explanation.type} links no person to a company"


def _not_refused(explanation: Trace) -> str:
    """Why a refusal did not come."""
    if not explanation.has_tenant:
        return "the file names no tenant"
    if explanation.fits:
        return "the tenant takes it"
    return "it goes by what the tenant has, or that is not known"


def _target(path: Path) -> tuple[bool, str | None]:
    """Whether it is a header's place, and the name of the header or field that the place is of, or is in."""
    steps = [step for step in path if isinstance(step, str)]
    if steps[0] == "request":
        steps = steps[1:]
    if steps[1:2] == ["records"]:  # a company's, in what is written
        steps = steps[1:]
    if len(steps) < 2 or steps[0] in {"error", "explain"}:
        return False, None
    return steps[0] == "headers", steps[1]


def _goes(row: Row) -> str:
    """`traits.plan goes there by personMap`."""
    if row.rule == Rule.NAME_PARTS:
        return f"it is made of {row.source}"
    if row.rule in _WORDS:
        return f"{row.rule} has it for this event"
    return f"{row.source} goes there {_BY.get(str(row.rule), f'by {row.rule}')}"


def _change(row: Row) -> str:
    if row.rule in {Rule.NAME_PARTS, *_WORDS}:
        return ""
    if row.fitted is not None:
        return f", made to fit: {row.fitted}"
    return f", turned {row.change}" if row.change else ", unchanged"


def _is_meant(row: Row, expected: Any) -> bool:
    return row.fate is Fate.OVERRIDDEN and row.value == expected


def _overridden(row: Row) -> str:
    return f"{row.source} is {row.reason}"


def _missing(target: str, expected: Any, rows: list[Row], explanation: Trace) -> str | None:
    """Why nothing is in the field: what is for it and did not go, else what may have been meant to."""
    if rows:
        return _not_sent(rows[0])
    of = _OF.get(explanation.type)
    if of is None:
        return _no_property(target, explanation)
    name, config = of.map, explanation.config
    traits = [trait for trait, _, field in (config.custom_fields[name] if config else ()) if field == target]
    if mistaken := _mistaken(traits, explanation.rows):
        row, trait, came = mistaken
        return f"{row} has no row in {name}, which has {trait}, and the event has {came}"
    meant = _meant(target, expected, explanation.rows)
    if meant is not None:
        return f"{meant.source} {f'has no row in {name}' if meant.fate is Fate.UNMAPPED else 'is not read here'}"
    if target in of.by_name:
        traits += of.by_name[target].traits
    if traits:
        return f"it is made of {' or '.join(map(_named, traits))}, and the event has no such trait"
    return f"no row of {name} goes there"


def _no_property(target: str, explanation: Trace) -> str:
    """That the event has no such property; and which one it has that looks like it."""
    sent = (str(row.target) for row in explanation.rows if row.record == EVENT)
    twin = next((name for name in sent if look(name) == look(target)), None)
    if twin is None:
        return f"the event has no property {_named(target)}"
    meant, came = told_apart(target, twin)
    return f"the event has no property {meant}, it has {came}"


def _mistaken(traits: list[str], rows: tuple[Row, ...]) -> tuple[str, str, str] | None:
    """A trait of the event that looks like one of these and is not: its place, that one and itself, line_of apart."""
    looks = {look(trait): trait for trait in traits}
    for row in rows:
        came = ".".join(row.path[1:])
        trait = looks.get(look(came))
        if row.fate is Fate.UNMAPPED and trait is not None:
            return (row.source, *told_apart(trait, came))
    return None


def _not_sent(row: Row) -> str:
    if row.fate is Fate.BLANK and row.value is None:
        return f"{row.source} is null"
    return f"{row.source} {_FATES.get(row.fate) or row.reason}"


def _meant(target: str, expected: Any, rows: tuple[Row, ...]) -> Row | None:
    """The trait without a mapping that is named like the field, else the one that has its value."""
    free = [row for row in rows if row.fate in {Fate.UNMAPPED, Fate.UNREAD}]
    named = [row for row in free if _bare(row.path[-1]) == _bare(target.removesuffix(CUSTOM))]
    valued = [row for row in free if row.value == expected and not isinstance(expected, bool)]
    return next(iter(named or valued), None)


def _named(name: str) -> str:
    return name if name.isprintable() and name.strip() else quoted(name)


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
