"""The trace of one event: a row for each trait and property, and all of them as text and as data."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ConfigError, EventError, UnsupportedTypeError
from gainsight_dest.fields import COMPANY, PERSON, Fate
from gainsight_dest.secret import MASK, hidden
from gainsight_dest.spelling import cells, cut, filled, printable
from gainsight_dest.values import kind, native, plain, quoted

#: The object that a value came in, and the keys below: `("traits", "address", "city")`.
Path = tuple[str, ...]


class Rule:
    """What may decide where something goes: the table of fields, a map of the config, or the form of the request."""

    STANDARD = "standard"
    PERSON_MAP = PERSON.map
    COMPANY_MAP = COMPANY.map
    NAME_MAP = "eventNameMap"
    VERSION_MAP = "eventVersionMap"
    NAME_PARTS = "made of its parts"
    LINK = "link to the company"
    PROPERTY = "as it is"
    CONTRACT = "contract id"


#: What a row may be for, beside a Person and a Company.
EVENT, HEADER = "Event", "header"

#: Where a value comes from that is the config's own, not the event's.
CONFIG = "Config"

#: Rules that send what the config says.
_OF_THE_CONFIG = frozenset({Rule.NAME_MAP, Rule.VERSION_MAP})
#: Rules that send something else than the value of their source.
_MADE = _OF_THE_CONFIG | {Rule.NAME_PARTS}
#: Rules that go without saying.
UNSAID = frozenset({Rule.STANDARD, Rule.PROPERTY})

_LONGEST_KEY = 60
_ANY_KEY = "*"


class Row(NamedTuple):
    """Where one trait, or property, went for one field, or why it did not. The repr shows no value.

    `value`: as it came. `record` and `target`: the field it is for, `"Person"` and `"Plan__gc"`, or `"header"` and
    `"contractId"`; None where no mapping is for it. `rule`: what maps it. `sent`: what goes out, if it does. `by`: the
    path of what overrides it. `problem`: what is wrong with it, if it is at fault; of what is sent, why Gainsight will
    refuse it.
    """

    path: Path
    value: Any
    fate: Fate
    record: str | None = None
    target: str | None = None
    rule: str | None = None
    sent: Any = None
    by: Path | None = None
    problem: str | None = None

    @property
    def source(self) -> str:
        """The path as text: `traits.address.city`."""
        return path_text(self.path)

    @property
    def field(self) -> str | None:
        """Record and field: `Person.Plan__gc`; None if it is for no field."""
        return f"{self.record}.{self.target}" if self.target is not None else None

    @property
    def change(self) -> str | None:
        """How the value was changed on its way: "to text", "to number"; None if it was not, or did not go."""
        if self.fate is not Fate.SENT or self.rule in _MADE or self.value is self.sent:
            return None
        sent = masked(self.sent)
        return None if masked(self.value) == sent else _CHANGES.get(sent)

    @property
    def reason(self) -> str | None:
        """Why it did not go, in words without values; None if it went."""
        if self.fate is Fate.SENT:
            return None
        if self.by is not None:
            return f"overridden by {path_text(self.by)}"
        if self.fate is Fate.BLANK and native(self.value) is None:
            return "null"
        return self.problem or self.fate.value

    def masked(self) -> Row:
        """The same without a value of the event: what the values are, such as `<a string>`, stands for them."""
        return self._replace(
            path=_masked_path(self.path),
            target=self.target if self.target is None or self.record != EVENT else _masked_key(self.target),
            value=masked(self.value) if self.path[0] != CONFIG and not self._is_known else self.value,
            sent=masked(self.sent) if self.path[0] != CONFIG and self.rule not in _OF_THE_CONFIG else self.sent,
            by=self.by and _masked_path(self.by),
            problem=self.fate.value if self.fate is Fate.FAULT else self.problem,
        )

    @property
    def _is_known(self) -> bool:
        """Whether the value stands in the config, too."""
        return self.rule in _OF_THE_CONFIG and self.fate is Fate.SENT

    def __repr__(self) -> str:
        return f"<Row {self.source} → {self.field or 'nowhere'}: {self.reason or 'sent'}>"


class Kind(str):
    """What stands for a value that is not to be seen: `<a string>`."""

    __slots__ = ()


def masked(value: Any) -> Kind:
    """What is shown in place of the value."""
    return value if isinstance(value, Kind) else Kind(f"<{kind(value)}>")


_CHANGES = {masked(""): "to text", masked(0): "to number"}


def path_text(path: Path) -> str:
    """A path as text; a key that is more than letters, digits, - and _ stands in brackets: `traits["a.b"]`."""
    return path[0] + "".join(f".{key}" if is_name(key) else f"[{quoted(key)}]" for key in path[1:])


def is_name(key: str) -> bool:
    """Whether a key stands in a path as it is, without brackets."""
    name = key.replace("-", "_")
    return key == _ANY_KEY or (len(key) <= _LONGEST_KEY and name.isidentifier())


def _masked_path(path: Path) -> Path:
    """The path with `*` for keys that are no names: an address or an id may be a key."""
    return path if path[0] == CONFIG else (path[0], *map(_masked_key, path[1:]))


def _masked_key(key: str) -> str:
    return key if is_name(key) else _ANY_KEY


@attrs.frozen(repr=False)
class Trace:
    """Where each trait and property of one event goes, or why it does not. The repr shows no value.

    `type`: identify, group or track; None for anything else. `rows`: at least one for each trait and property, in the
    event's order, then what is added: a Name made of its parts, the config's contract id. `error`: what `transform`
    raises. `request`: what it returns. `words`: what of the event the error may quote. `off`: why the event's
    `integrations` hold it back, if they do: its rows are there all the same.
    """

    type: str | None
    rows: tuple[Row, ...]
    error: ConfigError | EventError | None = None
    request: Request | None = None
    config: DestinationConfig | None = None
    words: tuple[str, ...] = ()
    off: str | None = None

    @property
    def skipped(self) -> str | None:
        """Why the event is not for Gainsight: switched off, or of another type; None if it is."""
        return self.off or (str(self.error) if isinstance(self.error, UnsupportedTypeError) else None)

    def masked(self) -> Trace:
        """The same without a value of the event."""
        error = self.error and self.error.masked(self._without_words)
        return attrs.evolve(self, rows=tuple(row.masked() for row in self.rows), error=error, request=None, words=())

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, ready for JSON. Keys of the config that are secret are masked."""
        return {
            "type": self.type,
            "rows": [self._row(row) for row in self.rows],
            "error": self.error and {"kind": type(self.error).__name__, "message": str(self.error)},
        }

    def text(self) -> str:
        """All of it as lines for people, with the event's values."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The lines of the text: the type, one for each row, the error if there is one."""
        rows = [(row.source, *self._went(row)) for row in self.rows]
        words = " ".join(map(" ".join, rows))
        if self._said(words) != words:
            rows = [tuple(map(self._said, row)) for row in rows]  # type: ignore[misc] # as many words as before
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)][:-1]
        body = ["  " + "  ".join([*map(filled, row, widths), row[-1]]).rstrip() for row in rows]
        tail = [self._said(f"  error: {self.error}")] if self.error else []
        return [self.type or "no event for Gainsight", *body, *tail]

    def shown(self, value: Any) -> Any:
        """A value of a row as JSON can hold it, without secrets."""
        if isinstance(value, Kind):
            return value
        try:
            return hidden(plain(value, "value"), self._hide)
        except EventError:
            return masked(value)

    def _row(self, row: Row) -> dict[str, Any]:
        facts: dict[str, Any] = {"source": row.source, "value": self._data(row.value)}
        facts |= {"field": row.field, "rule": row.rule}
        if row.fate is Fate.SENT:
            return facts | {"sent": self._data(row.sent), "change": row.change, "refusal": row.problem}
        return facts | {"reason": row.reason}

    def _went(self, row: Row) -> tuple[str, str, str]:
        """Whether it goes, where or why not, and the values."""
        if row.fate is not Fate.SENT:
            return "✗", f"{row.reason} ({row.field})" if row.field else f"{row.reason}", self._json(row.value)
        value = self._json(row.sent if row.rule == Rule.NAME_PARTS else row.value)
        how = "as" if row.rule in _OF_THE_CONFIG else row.change
        change = f" {how} {self._json(row.sent)}" if how else ""
        rule = "" if row.rule in UNSAID else f"  ({row.rule})"
        refusal = f"  but {row.problem}" if row.problem else ""
        return "→", f"{row.field}", f"{value}{change}{rule}{refusal}"

    def _data(self, value: Any) -> Any:
        shown = self.shown(value)
        return str(shown) if isinstance(shown, Kind) else shown

    def _json(self, value: Any) -> str:
        return short(self.shown(value))

    def _said(self, text: str) -> str:
        return printable(self._hide(text))

    def _hide(self, text: str) -> str:
        return text if self.config is None else self.config.hide(text)

    def _without_words(self, text: str) -> str:
        for word in self.words:
            text = text.replace(self._hide(quoted(word)), f'"{MASK}"')
        return text

    def __repr__(self) -> str:
        return self._hide(f"<Trace {self.type}: {len(self.rows)} rows, {self.error or 'no error'}>")


_LONGEST_VALUE = 200


def short(value: Any, longest: int = _LONGEST_VALUE) -> str:
    """A JSON value as text of at most that many characters."""
    if isinstance(value, Kind):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except ValueError:  # an integer of more than 4,300 digits
        text = masked(value)
    return cut(printable(text), longest)
