"""Differences in words, each with the rule of the mapping that made it. Pure functions of values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gainsight_dest.explanation import HEADER, Explanation, Row, Rule, path_text, short
from gainsight_dest.fields import COMPANY, CUSTOM, PERSON, Fate, Table
from gainsight_dest.secret import MASK
from gainsight_dest.testing.compare import ABSENT, Absent, Difference, Path
from gainsight_dest.values import quoted

#: The map and the table of fields, by the type of an event.
_MAPS: dict[str | None, tuple[str, Table]] = {
    "identify": (Rule.PERSON_MAP, PERSON),
    "group": (Rule.COMPANY_MAP, COMPANY),
}

#: The headers, in lower case, that are settings as they are; of the secret ones no value is told.
_SETTINGS = {
    "accesskey": "accessKey",
    "sharedsecret": "sharedSecret",
    "topicname": "topicName",
    "tenantid": "tenantId",
    "contractid": "contractId",
}
_SECRET = ("accesskey", "sharedsecret")

#: How a rule is told that sends a value.
_BY = {
    Rule.STANDARD: "as a standard field",
    Rule.PROPERTY: "as a property",
    Rule.LINK: "to link the person",
    Rule.CONTRACT: "as the contract id",
}

#: Rules that send a word of the config.
_WORDS = (Rule.NAME_MAP, Rule.VERSION_MAP)

#: How a fate is told that sends none, where the row has no words of its own.
_FATES = {
    Fate.NOT_A_NUMBER: "is not a number",
    Fate.BLANK: "is blank",
}


def told(difference: Difference, explanation: Explanation) -> str:
    """A difference as a line: `body.Plan__gc: expected "gold", got nothing: traits.plan has no row in personMap`."""
    path, expected, actual = difference.path, difference.expected, difference.actual
    why = _why(difference, explanation)
    place = _place(path)
    shown, got = (_shown(value, path, explanation) for value in (expected, actual))
    line = f"unexpected {place} {got}" if expected is ABSENT else f"{place}: expected {shown}, got {got}"
    return _seen(f"{line}: {why}" if why else line)


def _seen(line: str) -> str:
    """The line with all that cannot be seen, or be told from a space, as JSON's escapes."""
    return line if line.isprintable() else "".join(map(_seen_letter, line))


def _seen_letter(letter: str) -> str:
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]


def _place(path: Path) -> str:
    """`request[1].body.Plan__gc`, `body["a b"]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else path_text(("", step)) if text else step
    return text


def _shown(value: Any, path: Path, explanation: Explanation) -> str:
    if value is ABSENT:
        return Absent.ABSENT.value
    return short(MASK if _is_secret(path) else _without_keys(explanation.shown(value)))


def _is_secret(path: Path) -> bool:
    return str(path[-1]).lower() in _SECRET


def _without_keys(value: Any) -> Any:
    """The value with what stands under the name of a secret header masked, even if it is no secret of the config."""
    if isinstance(value, Mapping):
        return {key: MASK if _is_secret((key,)) else _without_keys(item) for key, item in value.items()}
    return [_without_keys(item) for item in value] if isinstance(value, list) else value


# --- why --------------------------------------------------------------------------------------------------------------


def _why(difference: Difference, explanation: Explanation) -> str | None:
    """The rule that made the difference; None where none did."""
    path, expected, actual = difference.path, difference.expected, difference.actual
    if len(path) == 1 and actual is ABSENT:
        return _without(str(path[0]), explanation)
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


def _without(key: str, explanation: Explanation) -> str | None:
    """Why there is nothing at all under a key of an expectation."""
    if explanation.error is not None:
        return f"{type(explanation.error).__name__}: {explanation.error}"
    request = explanation.request
    if key == "error" and request is not None:
        return f"the event became a request: {request.action}"
    return f"{explanation.type} links no person to a company"


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
    return f", turned {row.change}" if row.change else ", unchanged"


def _is_meant(row: Row, expected: Any) -> bool:
    return row.fate is Fate.OVERRIDDEN and row.value == expected


def _overridden(row: Row) -> str:
    return f"{row.source} is {row.reason}"


def _missing(target: str, expected: Any, rows: list[Row], explanation: Explanation) -> str | None:
    """Why nothing is in the field: what is for it and did not go, else what may have been meant to."""
    if rows:
        return _not_sent(rows[0])
    if explanation.type not in _MAPS:
        return f"the event has no property {_named(target)}"
    name, table = _MAPS[explanation.type]
    meant = _meant(target, expected, explanation.rows)
    if meant is not None:
        return f"{meant.source} {f'has no row in {name}' if meant.fate is Fate.UNMAPPED else 'is not read here'}"
    config = explanation.config
    custom = config and (config.person_map if table is PERSON else config.company_map)
    traits = [trait for trait, field in (custom or {}).items() if field == target]
    if target in table.fields:
        traits += table.fields[target].traits
    if traits:
        return f"it is made of {' or '.join(map(_named, traits))}, and the event has no such trait"
    return f"no row of {name} goes there"


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
