"""The rules of lint on a config with events at hand, by their profile, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from gainsight_dest.explaining.alike import Spelling, look, told_apart
from gainsight_dest.explaining.profile import OTHER, TraitProfile, name_text
from gainsight_dest.fields import OBJECTS, Fate, GainsightObject
from gainsight_dest.linting.finding import Hit, Severity
from gainsight_dest.linting.of_config import EVENT_MAPS
from gainsight_dest.linting.rule import lint_rule
from gainsight_dest.linting.subject import MapRow, Subject
from gainsight_dest.spelling import Names, counted, cut, did_you_mean

_NAMES = EVENT_MAPS[0]
_BY_NAME = {of.name: of for of in OBJECTS}


def _came(subject: Subject, of: GainsightObject) -> dict[tuple[str, ...], TraitProfile]:
    """The traits that came in events of the type, by their paths."""
    traits = (trait for trait in subject.profile.traits.values() if trait.type == of.event_type)
    return {trait.path: trait for trait in traits if trait.path[0] in of.sources}


def _idle(subject: Subject, of: GainsightObject) -> dict[str, MapRow]:
    """The mapped traits that never came, though events of the type did. None where there were too many to tell."""
    came = _came(subject, of)
    if not subject.profile.taken(of.event_type) or any(path[1:] == (OTHER,) for path in came):
        return {}
    seen = {path[1:end] for path in came for end in range(2, len(path) + 1)}
    rows = {trait: (subject.hide(trait), row) for trait, row in subject.effective(of.map).items()}
    return {
        trait: row
        for trait, (shown, row) in rows.items()
        if (cut(shown),) not in seen and tuple(map(cut, shown.split("."))) not in seen
    }


def _idle_events(subject: Subject) -> dict[str, MapRow]:
    """The mapped events that never came, though other track events did."""
    if not subject.profile.taken("track") or OTHER in subject.profile.names:
        return {}
    rows = subject.effective(_NAMES)
    return {event: row for event, row in rows.items() if _as_shown(subject, event) not in subject.profile.names}


def _as_shown(subject: Subject, event: str) -> str:
    """An event's name as a profile holds it."""
    return name_text(subject.hide(event))


@lint_rule("unused-mapping", Severity.WARNING, "Compare it with what is sent.")
def unused_mappings(subject: Subject) -> Iterator[Hit]:
    """A trait, or an event, is mapped and never came, though events of that type did."""
    explained = {hit.place for rule in (misspelt_traits, misspelt_events) for hit in rule.check(subject)}
    for of in OBJECTS:
        for row in _idle(subject, of).values():
            if row.source_place not in explained:
                yield _unused(subject, row, subject.profile.taken(of.event_type), of.event_type)
    for row in _idle_events(subject).values():
        if row.source_place not in explained:
            yield _unused(subject, row, subject.profile.taken("track"), "track")


def _unused(subject: Subject, row: MapRow, times: int, event_type: str) -> Hit:
    return Hit(row.source_place, f"{subject.quoted(row.source)} did not come, in {_count(times, event_type)}")


@lint_rule("misspelt-trait", Severity.WARNING, "Spell the two alike.")
def misspelt_traits(subject: Subject) -> Iterator[Hit]:
    """A trait without a mapping is nearly one with a mapping, or a standard trait: it is not sent."""
    for of in OBJECTS:
        came = _came(subject, of)
        rows = {subject.hide(trait): row for trait, row in subject.effective(of.map).items()}
        mapped = Names(rows)
        idle = Names(map(subject.hide, _idle(subject, of)))
        fed = {path[-1] for path, trait in came.items() if len(path) == 2 and trait.went}
        standard = Names(of.feeds.all)
        hungry = Names(trait for trait, (field, _) in of.feeds.all.items() if not fed & set(field.traits))
        for trait in came.values():
            name = ".".join(trait.path[1:])
            times = sum(n for loss, n in trait.dropped.items() if loss.fate is Fate.UNMAPPED)
            if not times or name in rows or trait.path[1:] == (OTHER,):
                continue
            problem = f"has no mapping, in {_count(times, of.event_type)}"
            if near := mapped.respelt(name) or idle.misspelt(name):
                yield Hit(rows[near].source_place, f"{trait.source} {problem}", _meant(subject, near, name))
            elif near := standard.respelt(name) or hungry.misspelt(name):
                yield Hit(f"{of.event_type} {trait.source}", problem, did_you_mean(f"the standard trait {near}"))


def _meant(subject: Subject, near: str, name: str) -> str | None:
    """The question whether it is that one; with escapes if nobody could see in what they differ."""
    if look(near) != look(name):
        return did_you_mean(subject.quoted(near))
    return did_you_mean("{}, which looks like {}".format(*told_apart(subject.hide(near), subject.hide(name))))


def _unmapped(subject: Subject) -> Iterator[tuple[str, str | None, str]]:
    """The track events without a mapping: name, the mapped event that it is nearly, and the problem."""
    rows = subject.effective(_NAMES)
    mapped_names = {_as_shown(subject, event) for name in EVENT_MAPS for event in subject.effective(name)}
    mapped, idle = Names(rows), Names(_idle_events(subject))
    for name, tally in subject.profile.names.items():
        if tally.kind == "not mapped" and name not in mapped_names:
            problem = f"{subject.quoted(name)} has no row, and came in {_count(tally.times, 'track')}"
            yield name, mapped.respelt(name) or idle.misspelt(name), problem


@lint_rule("unmapped-event", Severity.ERROR, "Map them in eventNameMap and eventVersionMap, or do not send them here.")
def unmapped_events(subject: Subject) -> Iterator[Hit]:
    """Track events came that are in no map: they fail."""
    return (Hit(_NAMES, problem) for _, near, problem in _unmapped(subject) if near is None)


@lint_rule("misspelt-event", Severity.ERROR, "Spell the two alike.")
def misspelt_events(subject: Subject) -> Iterator[Hit]:
    """Track events came that are in no map, and are nearly one that is: they fail."""
    rows = subject.effective(_NAMES)
    for name, near, problem in _unmapped(subject):
        if near is not None:
            yield Hit(rows[near].source_place, problem, _meant(subject, near, name))


@lint_rule("refused-value", Severity.ERROR, "Send what the field takes.")
def refused_values(subject: Subject) -> Iterator[Hit]:
    """A standard field gets values that any Gainsight refuses: the events fail."""
    for trait in subject.profile.traits.values():
        for (field, refusal), times in trait.refused.items():
            record, _, name = field.partition(".")
            is_standard = record in _BY_NAME and name in _BY_NAME[record].by_name  # of many fields it is (other)
            if is_standard and (field, refusal) not in trait.kinds:
                yield _not_taken(trait, refusal, times)


@lint_rule("dropped-value", Severity.WARNING, "Send numbers.")
def dropped_values(subject: Subject) -> Iterator[Hit]:
    """A number field gets values that are not numbers: they are not sent."""
    for trait in subject.profile.traits.values():
        for loss, times in trait.dropped.items():
            if loss.fate is Fate.NOT_A_NUMBER:
                yield _not_taken(trait, f"{loss.field} takes a number", times)


def _not_taken(trait: TraitProfile, takes: str, times: int) -> Hit:
    return Hit(f"{trait.type} {trait.source}", f"{takes}, and gets something else from {_count(times, trait.type)}")


@lint_rule(
    "alike-companies", Severity.WARNING, "Send one of them alone; where Gainsight has both companies, merge them there."
)
def alike_companies(subject: Subject) -> Iterator[Hit]:
    """Names of companies that are hard to tell apart: letters that look alike, case, blanks. Each becomes a company."""
    for spellings in subject.profile.companies.alike():
        usual = max(spellings, key=lambda spelling: spelling.times)
        for other in spellings:
            if other is not usual:
                yield Hit("group traits.name", _alike(subject, other, usual))


def _alike(subject: Subject, one: Spelling, other: Spelling) -> str:
    """How often each came and first where, and whether Gainsight may still take them for one."""
    names = "one name", "another"
    if one.name is not None and other.name is not None:
        names = told_apart(subject.hide(one.name), subject.hide(other.name))
    came = [
        f"{name} came in {_count(spelling.times, 'group')}, {_first(spelling)}"
        for name, spelling in zip(names, (one, other), strict=True)
    ]
    are = "Gainsight may take them for two companies" if one.key == other.key else "to Gainsight they are two companies"
    return f"{', and '.join(came)}: they look alike, and {are}"


def _first(spelling: Spelling) -> str:
    """`number 7`, `numbers 1, 2, 3, …`."""
    more = ", …" if spelling.times > len(spelling.numbers) else ""
    return f"number{'' if spelling.times == 1 else 's'} {', '.join(map(str, spelling.numbers))}{more}"


def _count(times: int, event_type: str) -> str:
    return counted(times, f"{event_type} event")
