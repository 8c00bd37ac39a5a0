"""What RudderStack's own Gainsight CS destination does otherwise: the table of differences, and rows they are about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from gainsight_dest.explaining.trace import EVENT, Row, Rule
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


class _Beside(NamedTuple):
    """What stands beside a row in its event: whether a Name is sent, whether each part of one is a text, and the custom
    fields for which both places have a value.
    """

    has_name: bool
    has_plain_parts: bool
    contended: frozenset[str | None]


class StockRule(NamedTuple):
    """A difference on purpose: its name, as in the vectors; what RudderStack does ("—": not known); what is done here.

    `would`: what RudderStack would do with the values of the rows that it `applies` to; None for a rule that is about
    whole events, or configs. `applies` takes a row and what is beside it.
    """

    name: str
    rudderstack: str
    here: str
    would: Would | None = None
    applies: Callable[[Row, _Beside], bool] | None = None


_MAPS = frozenset(of.map for of in OBJECTS)
_BY_MAP = {of.map: {(trait,) for trait in of.feeds.all} for of in OBJECTS}
#: Texts that JavaScript reads as numbers, and that are no decimal numerals.
_JAVASCRIPT_NUMERAL = re.compile(r"\s*0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\s*")
#: Integers up to here are exact in JavaScript.
_EXACT = 2**53
_NAME = "Person.Name"
_PARTS = frozenset(f"Person.{part}" for part in NAME_PARTS)


def _is_documented_id(row: Row, _: _Beside) -> bool:
    return row.path[1:] == ("masterRecordId",) and row.rule == Rule.STANDARD and row.fate is Fate.SENT


def _is_blank_name(row: Row, beside: _Beside) -> bool:
    return row.field == _NAME and row.fate is Fate.BLANK and not beside.has_name


def _is_spelled_like_a_key(row: Row, _: _Beside) -> bool:
    return row.path[0] == "traits" and row.path[1:] in {("Email",), ("Name",)} and row.fate is Fate.UNMAPPED


def _is_name_of_odd_parts(row: Row, beside: _Beside) -> bool:
    return row.rule == Rule.NAME_PARTS and not beside.has_plain_parts


def _is_middlename(row: Row, _: _Beside) -> bool:
    return row.path[1:] == ("middlename",) and row.rule == Rule.STANDARD


def _is_dotted_property(row: Row, _: _Beside) -> bool:
    return row.record == EVENT and row.fate is Fate.SENT and "." in str(row.target)


def _is_by_a_path(row: Row, _: _Beside) -> bool:
    return row.rule in _MAPS and (len(row.path) > 2 or "." in row.path[-1])


def _is_blank_custom(row: Row, _: _Beside) -> bool:
    return row.rule in _MAPS and not present(row.value)


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
    return row.rule == Rule.CONTRACT and row.fate is Fate.SENT and kind(native(row.value)) == "a number"


def _is_no_contract_id(row: Row, _: _Beside) -> bool:
    return row.rule == Rule.CONTRACT and row.fate is Fate.BLANK


def _is_second_mapping(row: Row, _: _Beside) -> bool:
    return row.rule in _MAPS and row.fate is Fate.SENT and row.path[1:] in _BY_MAP[row.rule]


def _is_contended(row: Row, beside: _Beside) -> bool:
    return row.rule in _MAPS and row.field in beside.contended


#: The differences, in the order of their page. A test compares the two, and both with the vectors.
STOCK_RULES: tuple[StockRule, ...] = (
    StockRule(
        "documented-master-record-id",
        "drops `masterRecordId`",
        "reads both spellings",
        Would.DROPPED,
        _is_documented_id,
    ),
    StockRule("no-blank-name", "sends an empty `Name`", "leaves `Name` out", Would.SENT, _is_blank_name),
    StockRule(
        "gainsight-spelled-traits-never-leak",
        "`Email`, `Name` replace the mapped field",
        "not read as fields",
        Would.SENT,
        _is_spelled_like_a_key,
    ),
    StockRule(
        "name-parts-are-text", "—", "makes a `Name` of texts and numbers only", Would.UNKNOWN, _is_name_of_odd_parts
    ),
    StockRule("middlename-alias", "—", "`middlename` is read too", Would.UNKNOWN, _is_middlename),
    StockRule(
        "dotted-property-keys-stay",
        "splits `a.b` into nested objects",
        "keeps the key",
        Would.SPELT,
        _is_dotted_property,
    ),
    StockRule("custom-map-paths", "—", "exact key first, then a dotted path", Would.UNKNOWN, _is_by_a_path),
    StockRule(
        "blank-custom-gives-way", "—", "takes the first value that is not blank", Would.UNKNOWN, _is_blank_custom
    ),
    StockRule(
        "numbers-only-in-number-fields",
        '`true` becomes 1, `"0x10"` 16',
        "leaves the field out",
        Would.SENT,
        _is_number_for_javascript,
    ),
    StockRule(
        "numbers-as-text",
        "as JavaScript writes them",
        "the same, except integers beyond 2^53",
        Would.SPELT,
        _is_beyond_javascript,
    ),
    StockRule(
        "header-values-are-strings",
        "a numeric contract id is retried for 30 days",
        "is sent as its text",
        Would.DROPPED,
        _is_contract_number,
    ),
    StockRule(
        "contract-id-is-text", "—", "`false`, 0 and blanks are no contract id", Would.UNKNOWN, _is_no_contract_id
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
    ),
    StockRule("merge-key-is-not-mappable", "—", "refuses rows onto `Email` or `Name`"),
    StockRule("traits-before-context-traits", "—", "one order for all person fields", Would.UNKNOWN, _is_contended),
    StockRule("single-external-id", "—", "takes one object or a list"),
    StockRule("domain-is-a-host", "—", "refuses what is not a host name"),
    StockRule("config-is-checked", "—", "refuses values of the wrong type"),
    StockRule("settings-as-written", "—", "an integer is a version, a blank is no mapping, a placeholder is no key"),
    StockRule("dynamic-settings-are-filled", "fills in templates", "the same, and takes more paths"),
)
_OF_ROWS = tuple((rule, rule.applies) for rule in STOCK_RULES if rule.applies is not None)


def compared(rows: Sequence[Row]) -> list[Row]:
    """The rows, each with the name of the rule by which RudderStack differs about it, if there is one."""
    beside = _beside(rows)
    return [row if (rule := _rule_for(row, beside)) is None else row._replace(stock=rule.name) for row in rows]


def _beside(rows: Sequence[Row]) -> _Beside:
    sent = {row.field: row.sent for row in rows if row.fate is Fate.SENT}
    places = {(row.field, row.path[0]) for row in rows if row.rule in _MAPS}
    fields = Counter(field for field, _ in places)
    return _Beside(
        has_name=_NAME in sent,
        has_plain_parts=all(isinstance(native(sent[part]), str) for part in _PARTS & sent.keys()),
        contended=frozenset(field for field, times in fields.items() if times > 1),
    )


def _rule_for(row: Row, beside: _Beside) -> StockRule | None:
    return next((rule for rule, applies in _OF_ROWS if applies(row, beside)), None)


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
