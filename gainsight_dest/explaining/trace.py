"""The trace of one event: a row for each trait and property, and all of them as text and as data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ConfigError, EventError, UnsupportedTypeError
from gainsight_dest.fields import COMPANY, PERSON, Fate
from gainsight_dest.secret import MASK, hidden
from gainsight_dest.spelling import cells, cut, filled, printable
from gainsight_dest.tenant.types import RefusalRule
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

    `fitted`: how the value was made to fit the tenant, if it was. `stock`: the rule by which RudderStack differs, if
    there is one: see `gainsight_dest.explaining.stock`.

    With a tenant also: `kind`: what such a refusal is about, a RefusalRule. `type`: what Gainsight calls the data type
    of the field, `"PICKLIST"`. `label`: what the ids of options that are sent mean. `note`: what Gainsight does with a
    value that it takes.
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
    kind: RefusalRule | None = None
    type: str | None = None
    label: str | None = None
    note: str | None = None
    fitted: str | None = None
    stock: str | None = None

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
        """How the value was changed on its way; None if it was not, or did not go.

        "to text", "to number", or "fit: " and how it was made to fit the tenant.
        """
        if self.fitted is not None and self.fate is Fate.SENT:
            return f"fit: {self.fitted}"
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
            label=None,
        )

    @property
    def _is_known(self) -> bool:
        """Whether the value stands in the config, too."""
        return self.rule in _OF_THE_CONFIG and self.fate is Fate.SENT

    def __repr__(self) -> str:
        return f"<Row {self.source} → {self.field or 'nowhere'}: {self.reason or 'sent'}>"


class Lack(NamedTuple):
    """A field that a new record needs, and that nothing of the event is for: `("Company", "Region__gc")`.

    `type`: what Gainsight calls its data type. `problem`: what Gainsight has against a record without it.
    """

    record: str
    target: str
    type: str | None
    problem: str

    @property
    def field(self) -> str:
        """Record and field: `Company.Region__gc`."""
        return f"{self.record}.{self.target}"


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

    With a tenant, `fits` says whether that takes the event. True: it takes all of it. False: it refuses it, whatever it
    has. None: it takes the event or not, by whether the person, or the company, is there already; or there is no
    telling, as the event has an error, or as the tenant was described without the object. Without a tenant it is None.
    `lacks`: fields that a new record needs, and that nothing of the event is for.
    """

    type: str | None
    rows: tuple[Row, ...]
    error: ConfigError | EventError | None = None
    request: Request | None = None
    config: DestinationConfig | None = None
    words: tuple[str, ...] = ()
    off: str | None = None
    fits: bool | None = None
    lacks: tuple[Lack, ...] = ()
    has_tenant: bool = False

    @property
    def skipped(self) -> str | None:
        """Why the event is not for Gainsight: switched off, or of another type; None if it is."""
        return self.off or (str(self.error) if isinstance(self.error, UnsupportedTypeError) else None)

    @property
    def refusal(self) -> str | None:
        """Why the tenant refuses the event, whatever it has; None if it takes it, or may take it."""
        if self.fits is not False:
            return None
        said = [f"{row.source}: {row.problem} ({row.field})" for row in self.rows if row.kind is not None]
        return "; ".join([*said, *(f"{lack.field} {lack.problem}" for lack in self.lacks)])

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
            **self.told_by_tenant(),
        }

    def told_by_tenant(self) -> dict[str, Any]:
        """What the tenant says of the whole event, as plain data: `fits` and `lacks`; nothing without a tenant."""
        if not self.has_tenant:
            return {}
        return {"fits": self.fits, "lacks": [{**lack._asdict(), "field": lack.field} for lack in self.lacks]}

    def text(self) -> str:
        """All of it as lines for people, with the event's values."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The lines of the text: the type, one for each row, what lacks, the error if there is one, what fits."""
        rows = [(row.source, *self._went(row)) for row in self.rows]
        words = " ".join(map(" ".join, rows))
        if self._said(words) != words:
            rows = [tuple(map(self._said, row)) for row in rows]
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)][:-1]
        body = ["  " + "  ".join([*map(filled, row, widths), row[-1]]).rstrip() for row in rows]
        tail = [self._said(f"  error: {self.error}")] if self.error else []
        told = [self._said(f"  {words}") for words, _ in self.verdict()]
        return [self.type or "no event for Gainsight", *body, *told, *tail]

    def verdict(self) -> Iterator[tuple[str, bool]]:
        """What the tenant says of the whole event, in lines, each with whether it is good: what lacks, what fits."""
        for lack in self.lacks:
            yield f"{lack.field} ({lack.type or 'of unknown type'}) is missing: it {lack.problem}", False
        if self.fits is not None:
            yield f"the tenant {'takes' if self.fits else 'refuses'} it", self.fits

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
        facts |= {"type": row.type} if self.has_tenant else {}
        if row.fate is Fate.SENT:
            facts |= {"sent": self._data(row.sent), "change": row.change, "refusal": row.problem}
            return facts | ({"label": self._data(row.label), "note": row.note} if self.has_tenant else {})
        return facts | {"reason": row.reason}

    def _went(self, row: Row) -> tuple[str, ...]:
        """Whether it goes, where or why not, with a tenant the data type there, and the values."""
        types = (row.type or "",) if self.has_tenant else ()
        if row.fate is not Fate.SENT:
            place = f"{row.reason} ({row.field})" if row.field else f"{row.reason}"
            return "✗", place, *types, self._json(row.value)
        value = self._json(row.sent if row.rule == Rule.NAME_PARTS else row.value)
        how = "as" if row.rule in _OF_THE_CONFIG else "to" if row.fitted else row.change
        change = f" {how} {self._json(row.sent)}" if how else ""
        words = [str(row.rule)] * (row.rule not in UNSAID) + [str(row.change)] * (row.fitted is not None)
        rule = f"  ({', '.join(words)})" if words else ""
        label = "" if row.label is None else f" is {self._json(row.label)}"
        against = f"  but {row.problem or row.note}" if row.problem or row.note else ""
        return "→", f"{row.field}", *types, f"{value}{change}{label}{rule}{against}"

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
