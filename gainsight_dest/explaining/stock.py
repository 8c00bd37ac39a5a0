"""What RudderStack's own Gainsight CS destination does otherwise: the table of differences, and rows they are about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from gainsight_dest.explaining.trace import Row, Rule
from gainsight_dest.fields import COMPANY, NAME_PARTS, OBJECTS, Fate, Form
from gainsight_dest.values import kind, native, present

__all__ = ["STOCK_RULES", "StockRule", "Would", "would"]


class Would(Enum):
    """What RudderStack would do with a value."""

    SENT = "sent"
    DROPPED = "dropped"
    SPELT = "spelt otherwise"
    UNKNOWN = "not known"

    def __str__(self) -> str:
        return self.value


class _Beside:
    """What stands beside a row in its event, looked at when a rule asks: few do."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._contended: frozenset[str | None] | None = None

    def has_name(self) -> bool:
        """Whether a Name is sent."""
        return any(row.field == _NAME and row.fate is Fate.SENT for row in self._rows)

    def has_plain_parts(self) -> bool:
        """Whether each part of a name that is sent is a text."""
        parts = (row.sent for row in self._rows if row.field in _PARTS and row.fate is Fate.SENT)
        return all(isinstance(native(part), str) for part in parts)

    def is_contended(self, field: str | None) -> bool:
        """Whether traits and context.traits both have a value for a custom field."""
        if self._contended is None:
            places = {(row.field, row.path[0]) for row in self._rows if row.rule in _MAPS}
            times = Counter(of for of, _ in places)
            self._contended = frozenset(of for of, many in times.items() if many > 1)
        return field in self._contended


class StockRule(NamedTuple):
    """A difference on purpose: its name, as in the vectors; what RudderStack does ("—": not known); what is done here.

    `would`: what RudderStack would do with the values of the rows that it `applies` to; None for a rule that is about
    whole events, or configs. `applies` takes a row and what is beside it; `of`: the rules that such a row goes by.
    """

    name: str
    rudderstack: str
    here: str
    would: Would | None = None
    applies: Callable[[Row, _Beside], bool] | None = None
    of: tuple[str | None, ...] = ()


_MAPS = frozenset(of.map for of in OBJECTS)
_BY_MAP = {of.map: {(trait,) for trait in of.feeds.all} for of in OBJECTS}
#: Texts that JavaScript reads as numbers, and that are no decimal numerals.
_JAVASCRIPT_NUMERAL = re.compile(r"\s*0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\s*")
#: Integers up to here are exact in JavaScript.
_EXACT = 2**53
_STANDARD, _UNMAPPED, _BY_MAPS = (Rule.STANDARD,), (None,), tuple(sorted(_MAPS))
_NAME = "Person.Name"
_PARTS = frozenset(f"Person.{part}" for part in NAME_PARTS)


def _is_documented_id(row: Row, _: _Beside) -> bool:
    return row.path[-1] == "masterRecordId" and row.fate is Fate.SENT


def _is_blank_name(row: Row, beside: _Beside) -> bool:
    return row.fate is Fate.BLANK and row.field == _NAME and not beside.has_name()


def _is_spelled_like_a_key(row: Row, _: _Beside) -> bool:
    return row.path[0] == "traits" and row.path[1:] in {("Email",), ("Name",)} and row.fate is Fate.UNMAPPED


def _is_name_of_odd_parts(_: Row, beside: _Beside) -> bool:
    return not beside.has_plain_parts()


def _is_middlename(row: Row, _: _Beside) -> bool:
    return row.path[-1] == "middlename"


def _is_dotted_property(row: Row, _: _Beside) -> bool:
    return row.fate is Fate.SENT and "." in str(row.target)


def _is_by_a_path(row: Row, _: _Beside) -> bool:
    return len(row.path) > 2 or "." in row.path[-1]


def _is_blank_custom(row: Row, _: _Beside) -> bool:
    return not present(row.value)


def _is_number_for_javascript(row: Row, _: _Beside) -> bool:
    value = native(row.value)
    if row.fate is Fate.BLANK:
        return row.record == COMPANY.name and value == "" and _takes_numbers(row)
    if row.fate is not Fate.NOT_A_NUMBER:
        return False
    return isinstance(value, bool) or (isinstance(value, str) and _JAVASCRIPT_NUMERAL.fullmatch(value) is not None)


def _takes_numbers(row: Row) -> bool:
    field = COMPANY.by_name.get(str(row.target))
    return field is not None and field.form is Form.NUMBER


def _is_beyond_javascript(row: Row, _: _Beside) -> bool:
    value = native(row.value)
    return type(value) is int and abs(value) > _EXACT and row.fate is Fate.SENT and isinstance(row.sent, str)


def _is_contract_number(row: Row, _: _Beside) -> bool:
    return row.fate is Fate.SENT and kind(native(row.value)) == "a number"


def _is_no_contract_id(row: Row, _: _Beside) -> bool:
    return row.fate is Fate.BLANK


def _is_second_mapping(row: Row, _: _Beside) -> bool:
    return row.fate is Fate.SENT and row.path[1:] in _BY_MAP[str(row.rule)]


def _is_contended(row: Row, beside: _Beside) -> bool:
    return beside.is_contended(row.field)


#: The differences, in the order of their page. A test compares the two, and both with the vectors.
STOCK_RULES: tuple[StockRule, ...] = (
    StockRule(
        "documented-master-record-id",
        "drops `masterRecordId`",
        "reads both spellings",
        Would.DROPPED,
        _is_documented_id,
        _STANDARD,
    ),
    StockRule("no-blank-name", "sends an empty `Name`", "leaves `Name` out", Would.SENT, _is_blank_name, _STANDARD),
    StockRule(
        "gainsight-spelled-traits-never-leak",
        "`Email`, `Name` replace the mapped field",
        "not read as fields",
        Would.SENT,
        _is_spelled_like_a_key,
        _UNMAPPED,
    ),
    StockRule(
        "name-parts-are-text",
        "—",
        "makes a `Name` of texts and numbers only",
        Would.UNKNOWN,
        _is_name_of_odd_parts,
        (Rule.NAME_PARTS,),
    ),
    StockRule("middlename-alias", "—", "`middlename` is read too", Would.UNKNOWN, _is_middlename, _STANDARD),
    StockRule(
        "dotted-property-keys-stay",
        "splits `a.b` into nested objects",
        "keeps the key",
        Would.SPELT,
        _is_dotted_property,
        (Rule.PROPERTY,),
    ),
    StockRule("custom-map-paths", "—", "exact key first, then a dotted path", Would.UNKNOWN, _is_by_a_path, _BY_MAPS),
    StockRule(
        "blank-custom-gives-way",
        "—",
        "takes the first value that is not blank",
        Would.UNKNOWN,
        _is_blank_custom,
        _BY_MAPS,
    ),
    StockRule(
        "numbers-only-in-number-fields",
        '`true` becomes 1, `"0x10"` 16',
        "leaves the field out",
        Would.SENT,
        _is_number_for_javascript,
        _STANDARD,
    ),
    StockRule(
        "numbers-as-text",
        "as JavaScript writes them",
        "the same, except integers beyond 2^53",
        Would.SPELT,
        _is_beyond_javascript,
        _STANDARD,
    ),
    StockRule(
        "header-values-are-strings",
        "a numeric contract id is retried for 30 days",
        "is sent as its text",
        Would.DROPPED,
        _is_contract_number,
        (Rule.CONTRACT,),
    ),
    StockRule(
        "contract-id-is-text",
        "—",
        "`false`, 0 and blanks are no contract id",
        Would.UNKNOWN,
        _is_no_contract_id,
        (Rule.CONTRACT,),
    ),
    StockRule("header-injection", "—", "refuses control characters"),
    StockRule("objects-only", "—", "refuses traits and properties that are not objects"),
    StockRule("empty-is-an-object", "—", 'takes `[]` and `""` for an empty object'),
    StockRule("unread-parts-are-not-looked-at", "—", "checks only what the event's type needs"),
    StockRule("identity-is-text", "—", "emails are text; a company's numeric name is sent as text"),
    StockRule("type-is-normalised", "—", "trims and case-folds `type`"),
    StockRule("event-names-are-data", "`toString` passes the map check", "only configured names pass"),
    StockRule(
        "every-mapping-takes-effect",
        "ignores rows for most standard traits",
        "uses every row",
        Would.DROPPED,
        _is_second_mapping,
        _BY_MAPS,
    ),
    StockRule("merge-key-is-not-mappable", "—", "refuses rows onto `Email` or `Name`"),
    StockRule(
        "traits-before-context-traits", "—", "one order for all person fields", Would.UNKNOWN, _is_contended, _BY_MAPS
    ),
    StockRule("single-external-id", "—", "takes one object or a list"),
    StockRule("domain-is-a-host", "—", "refuses what is not a host name"),
    StockRule("config-is-checked", "—", "refuses values of the wrong type"),
    StockRule("settings-as-written", "—", "an integer is a version, a blank is no mapping, a placeholder is no key"),
    StockRule("dynamic-settings-are-filled", "fills in templates", "the same, and takes more paths"),
)
_BY_SOURCE = {
    source: [(rule, rule.applies) for rule in STOCK_RULES if rule.applies is not None and source in rule.of]
    for source in {source for rule in STOCK_RULES for source in rule.of}
}


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows, each with the name of the rule by which RudderStack differs about it, if there is one."""
    beside = _Beside(rows)
    return [row if (rule := _rule_for(row, beside)) is None else row._replace(stock=rule.name) for row in rows]


def _rule_for(row: Row, beside: _Beside) -> StockRule | None:
    for rule, applies in _BY_SOURCE.get(row.rule, ()):
        if applies(row, beside):
            return rule
    return None


_BY_RULE = {rule.name: rule for rule in STOCK_RULES}


def would(row: Row) -> Would:
    """What RudderStack would do with the value of the row, in an event without an error: as here, if no rule differs.

    A value that is made to fit a tenant here is sent as it is there.
    """
    if row.stock is not None:
        return _BY_RULE[row.stock].would or Would.UNKNOWN
    if row.fitted is not None:
        return Would.SPELT
    return Would.SENT if row.fate in {Fate.SENT, Fate.UNFIT} else Would.DROPPED
