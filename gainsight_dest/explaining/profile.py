"""The profile of many events: how often each trait came, where it went, how often and why it did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany
from gainsight_dest.explaining.alike import Spellings
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.stock import Would, would
from gainsight_dest.explaining.trace import Path, Row, Rule, Trace, path_text, short
from gainsight_dest.fields import COMPANY, Fate
from gainsight_dest.spelling import LONGEST_WORD, cut, printable
from gainsight_dest.templates import Settings

if TYPE_CHECKING:
    from gainsight_dest.tenant import RefusalRule, Tenant

#: Distinct traits, errors and names that are kept apart: more are counted together, so that memory stays bounded.
MOST_KINDS = 2000
#: Where those are counted.
OTHER = "(other)"
#: Why what would have been sent was not.
AT_FAULT = "its event is at fault"

#: Of one trait: the fields that it goes to, the reasons why it does not. There are more only where each event brings a
#: config of its own.
MOST_WAYS = 100
#: Of a longer error the beginning is kept. In characters.
LONGEST_ERROR = 1000

_MOST_EXAMPLES = 3
_MOST_LOOKS = 20
_LONGEST_EXAMPLE = 60
_MOST_PLACES = 5


class Arrival(NamedTuple):
    """Where a trait goes: `Person.Plan__gc`, and what maps it there: `personMap`."""

    field: str
    rule: str


class Loss(NamedTuple):
    """Why a trait did not go: the reason, the field that it is for, if any, and what the reason comes down to."""

    reason: str
    field: str | None
    fate: Fate


_OTHER_ARRIVAL = Arrival(OTHER, OTHER)


@attrs.define(repr=False)
class TraitProfile:
    """One trait, or property, of all events of a type. The repr shows no value.

    `came`: events that it came in. `lost`: those of them from which it went nowhere. `went`, `changed`, `dropped`,
    `refused`: how often it went where, was changed how (`(field, "to number")`), did not go, why, and went where
    Gainsight will refuse it, why. `kinds`: of those refusals, what each is about, if a tenant said so. `noted`: what
    Gainsight does with values that it takes. `types`: what the tenant calls the data type of a field that it went to.
    `stock`: what RudderStack would do with the values of events without an error, and by which rule that differs.
    `first`: the number of the first event with it. `numbers`, `lost_in`: those of the first events that it came in, and
    that it was lost from. `examples`: a few values as JSON. `labels`: what the ids of options in an example mean.
    """

    type: str
    path: Path
    first: int
    came: int = 0
    lost: int = 0
    went: Counter[Arrival] = attrs.field(factory=Counter)
    changed: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    dropped: Counter[Loss] = attrs.field(factory=Counter)
    refused: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    kinds: dict[tuple[str, str], RefusalRule] = attrs.field(factory=dict)
    noted: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    stock: Counter[tuple[Would, str | None]] = attrs.field(factory=Counter)
    numbers: list[int] = attrs.field(factory=list)
    lost_in: list[int] = attrs.field(factory=list)
    types: dict[str, str] = attrs.field(factory=dict)
    examples: list[str] = attrs.field(factory=list)
    labels: dict[str, str] = attrs.field(factory=dict)
    _looks: int = 0

    @property
    def source(self) -> str:
        """The trait's path as text: `traits.address.city`."""
        return path_text(self.path)

    def add(self, row: Row, trace: Trace) -> bool:
        """Count a row of an event; whether it is sent."""
        is_sent = row.fate is Fate.SENT and trace.error is None
        field = row.field
        if trace.error is None:
            self.stock[would(row), row.stock] += 1
        if is_sent:
            arrival = Arrival(cut(str(field)), str(row.rule))
            arrival = arrival if arrival in self.went or len(self.went) < MOST_WAYS else _OTHER_ARRIVAL
            self.went[arrival] += 1
            if row.change:
                self.changed[arrival.field, row.change] += 1
            self._add_told(row, arrival.field)
        else:
            fate = row.fate if row.fate is not Fate.SENT else Fate.FAULT
            loss = Loss(cut(row.reason or AT_FAULT, LONGEST_ERROR), field and cut(field), fate)
            is_known = loss in self.dropped or len(self.dropped) < MOST_WAYS
            self.dropped[loss if is_known else Loss(fate.value, OTHER, fate)] += 1
        if self._looks < _MOST_LOOKS and len(self.examples) < _MOST_EXAMPLES:
            self._looks += 1
            example = short(trace.shown(row.value), _LONGEST_EXAMPLE)
            if example not in self.examples:
                self.examples.append(example)
            if row.label is not None:
                self.labels[example] = cut(row.label, _LONGEST_EXAMPLE)
        return is_sent

    def count(self, number: int, *, went: bool) -> None:
        """Count an event that it came in; whether any of it went."""
        self.came += 1
        self.lost += not went
        for numbers in [self.numbers] + [self.lost_in] * (not went):
            if len(numbers) < _MOST_PLACES:
                numbers.append(number)

    def _add_told(self, row: Row, field: str) -> None:
        """Count what is said of a value that is sent. Fields that are counted together have no words of their own."""
        is_one = OTHER not in field
        if row.problem:
            refusal = field, row.problem if is_one or row.kind is None else str(row.kind)
            self.refused[refusal] += 1
            if row.kind is not None:
                self.kinds[refusal] = row.kind
        if is_one and row.type is not None:
            self.types[field] = row.type
        if is_one and row.note:
            self.noted[field, row.note] += 1

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "type": self.type,
            "source": self.source,
            "came": self.came,
            "lost": self.lost,
            "went": [{**self._arrival(arrival), "times": n} for arrival, n in self.went.most_common()],
            "changed": [{"field": f, "change": how, "times": n} for (f, how), n in self.changed.most_common()],
            "dropped": [{"reason": why, "field": f, "times": n} for (why, f, _), n in self.dropped.most_common()],
            "refused": [{"field": f, "refusal": why, "times": n} for (f, why), n in self.refused.most_common()],
            **({"noted": self._noted()} if self.noted else {}),
            "rudderstack": [{"would": str(w), "rule": rule, "times": n} for (w, rule), n in self.stock.most_common()],
            "examples": list(self.examples),
            **({"labels": dict(self.labels)} if self.labels else {}),
            "first": self.first,
            "numbers": list(self.numbers),
            "lost_in": list(self.lost_in),
        }

    def _noted(self) -> list[dict[str, Any]]:
        return [{"field": field, "note": note, "times": n} for (field, note), n in self.noted.most_common()]

    def _arrival(self, arrival: Arrival) -> dict[str, str]:
        data_type = self.types.get(arrival.field)
        return {**arrival._asdict(), **({} if data_type is None else {"type": data_type})}

    def __repr__(self) -> str:
        return f"<TraitProfile {self.type} {self.source}: came {self.came}, lost {self.lost}>"


@attrs.define
class Tally:
    """How often something came, and the numbers of the first events that it came with."""

    kind: str
    text: str
    times: int = 0
    numbers: list[int] = attrs.field(factory=list)


class Tallies(dict[str, Tally]):
    """A tally for each text, or key, in bounded memory: what comes after the first MOST_KINDS is counted as OTHER."""

    def add(self, kind: str, text: str, number: int, key: str | None = None) -> None:
        """Count one more. `number`: the event's. `key`: what it is counted by, if it is not the text."""
        text = cut(text, LONGEST_ERROR)
        key = text if key is None else cut(key, LONGEST_ERROR)
        if key not in self and len(self) >= MOST_KINDS:
            kind = text = key = OTHER
        tally = self.setdefault(key, Tally(kind, text))
        tally.times += 1
        if len(tally.numbers) < _MOST_PLACES:
            tally.numbers.append(number)

    def ranked(self) -> list[Tally]:
        """What came most often first; of those that came as often, what came first."""
        return sorted(self.values(), key=lambda tally: (-tally.times, tally.numbers))


class Profile:
    """Where the traits of many events go, counted in bounded memory. With `mask` it keeps no value of them.

    `events`: how many there were of each type; `faults`, `skips`: how many of those are at fault, are skipped.
    `traits`: a TraitProfile for each trait, by type and path. `names`: the track events by name, kind "mapped" or "not
    mapped". `errors`: by kind and text. `skipped`: by reason.

    Of events that were explained with a tenant: `refused`: how many of each type that refuses, whatever it has.
    `doubtful`: how many it takes or not, by whether their records are there already; or of which it cannot tell.
    `lacks`: the fields that a new record needs and nothing of the event is for, `Company.Region__gc`; kind: the type.
    """

    def __init__(self, *, mask: bool = False) -> None:
        self.mask = mask
        self.events: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.traits: dict[tuple[str, Path], TraitProfile] = {}
        self.names = Tallies()
        self.companies = Spellings(mask=mask)
        self.errors = Tallies()
        self.skipped = Tallies()
        self.has_tenant = False
        self.refused: Counter[str] = Counter()
        self.doubtful: Counter[str] = Counter()
        self.lacks = Tallies()
        self._number = 0

    @classmethod
    def of(
        cls,
        events: Iterable[Any],
        config: DestinationConfig | Settings | Mapping[str, Any],
        *,
        tenant: Tenant | None = None,
    ) -> Profile:
        """That of all the events by one config, and with one tenant if it is given, without masks."""
        profile = cls()
        for event in events:
            profile.add(explain(event, config, tenant=tenant))
        return profile

    def add(self, trace: Trace, number: int | None = None, rows: Sequence[Row] | None = None) -> None:
        """Count an event; one that is not for Gainsight as skipped.

        `number`: what to find it by, such as its line; None: the one after the last. `rows`: those to count, if not all
        of it; whether a trait was lost goes by all.
        """
        number = self._numbered(number)
        if trace.off is None and isinstance(trace.request, FindCompany):
            self.companies.add(trace.shown(COMPANY.key_of(trace.request.company)), number)
        if self.mask:
            trace = trace.masked()
            rows = rows and [row.masked() for row in rows]
        if trace.skipped is not None:
            self.skip(trace.skipped, number, trace.type, "skipped" if trace.off else type(trace.error).__name__)
            return
        event_type = trace.type or OTHER
        self.events[event_type] += 1
        if trace.error is not None:
            self.faults[event_type] += 1
            self.errors.add(type(trace.error).__name__, str(trace.error), number)
        elif trace.has_tenant:
            self._add_told(trace, event_type, number)
        sent = set() if rows is None or trace.error else {row.path for row in trace.rows if row.fate is Fate.SENT}
        rows = trace.rows if rows is None else rows
        came: dict[tuple[str, Path], bool] = {}
        for row in rows:
            trait = self._trait(event_type, row.path, number)
            key = (trait.type, trait.path)
            # What is counted together is not kept apart by its fields.
            counted = row._replace(target=row.target and OTHER, by=None) if trait.path[-1] == OTHER else row
            came[key] = trait.add(counted, trace) or row.path in sent or came.get(key, False)
        for key, went in came.items():
            self.traits[key].count(number, went=went)
        if rows is trace.rows or any(row.rule in _NAMING for row in rows):
            self._name(trace, number)

    def _add_told(self, trace: Trace, event_type: str, number: int) -> None:
        """Count what the tenant says of the event."""
        self.has_tenant = True
        self.refused[event_type] += trace.fits is False
        self.doubtful[event_type] += trace.fits is None
        for lack in trace.lacks:
            self.lacks.add(event_type, lack.field, number)

    def fail(self, kind: str, text: str, number: int | None = None) -> None:
        """Count what could not be read as an event: all of a kind together, shown by the first of them."""
        self.events[OTHER] += 1
        self.faults[OTHER] += 1
        self.errors.add(kind, text, self._numbered(number), key=kind)

    def skip(
        self, reason: str, number: int | None = None, event_type: str | None = None, kind: str = "skipped"
    ) -> None:
        """Count an event that is not for Gainsight. `event_type`: identify, group or track, if it is one of them."""
        event_type = event_type or OTHER
        self.events[event_type] += 1
        self.skips[event_type] += 1
        self.skipped.add(kind, reason, self._numbered(number))

    def taken(self, event_type: str) -> int:
        """How many events of a type there were without those that are skipped."""
        return self.events[event_type] - self.skips[event_type]

    def values(self, event_type: str) -> tuple[int, int]:
        """How many values of events of a type were sent, and how many were not. One that feeds two fields is two."""
        traits = [trait for trait in self.traits.values() if trait.type == event_type]
        return sum(trait.went.total() for trait in traits), sum(trait.dropped.total() for trait in traits)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, ready for JSON."""
        return {
            "events": dict(self.events),
            "traits": [trait.as_dict() for trait in self.traits.values()],
            "names": [attrs.asdict(tally) for tally in self.names.values()],
            "companies": self.companies.as_data(),
            "errors": [attrs.asdict(tally) for tally in self.errors.values()],
            "skipped": [attrs.asdict(tally) for tally in self.skipped.values()],
            **self._told(),
        }

    def _told(self) -> dict[str, Any]:
        """What the tenant says, as plain data; nothing without one."""
        if not self.has_tenant:
            return {}
        lacks = [attrs.asdict(tally) for tally in self.lacks.values()]
        return {"refused": dict(+self.refused), "doubtful": dict(+self.doubtful), "lacks": lacks}

    def _numbered(self, number: int | None) -> int:
        self._number = self._number + 1 if number is None else number
        return self._number

    def _trait(self, event_type: str, path: Path, number: int) -> TraitProfile:
        key = event_type, path if sum(map(len, path)) <= LONGEST_WORD else tuple(map(cut, path))
        if key not in self.traits:
            if len(self.traits) >= MOST_KINDS:
                key = event_type, (path[0], OTHER)
            self.traits.setdefault(key, TraitProfile(*key, first=number))
        return self.traits[key]

    def _name(self, trace: Trace, number: int) -> None:
        """Count a track event by its name, which is mapped if it has a row in both maps."""
        rows = [row for row in trace.rows if row.rule in _NAMING]
        if rows and rows[0].fate is not Fate.FAULT:
            is_mapped = all(row.fate is Fate.SENT for row in rows)
            name = name_text(str(trace.shown(rows[0].value)))
            self.names.add("mapped" if is_mapped else "not mapped", name, number)


_NAMING = frozenset({Rule.NAME_MAP, Rule.VERSION_MAP})


def name_text(name: str) -> str:
    """The name of a track event as a profile holds it."""
    return printable(cut(name))
