"""The rules of lint on a config by itself, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from gainsight_dest.config import MAPS, SECRETS, SETTINGS
from gainsight_dest.errors import ConfigError
from gainsight_dest.fields import CUSTOM, OBJECTS, GainsightObject
from gainsight_dest.linting.finding import Hit, Severity
from gainsight_dest.linting.rule import lint_rule
from gainsight_dest.linting.subject import FROM, TO, MapRow, Subject, key_place
from gainsight_dest.reading import is_for_later, placeholder_problem
from gainsight_dest.secret import hide
from gainsight_dest.spelling import Names, did_you_mean, folded

EVENT_MAPS = ("eventNameMap", "eventVersionMap")
#: What track needs beside the event maps.
FOR_TRACK = ("sharedSecret", "topicName", "tenantId")

_GAINSIGHTS_HOST = ".gainsightcloud.com"
_PLAIN_FIELD = r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*__gc"
_BARE_FIELD = r"[A-Za-z]\w*"
_WHOSE = r"(my|your|insert|enter|replace|change|example|sample|dummy|fake|test)"
_WHAT = r"(access|shared|api|secret|key|tenant|contract|topic|domain|company|org|id|token|value|me|this|with|here)"
_PLACEHOLDERS = (
    r"\W+",  # …, ***
    r"(.)\1+",  # 0000, ----
    r"<.*>|\[.*\]|\$\{?\w+\}?|%\w+%",  # <access key>, ${ACCESS_KEY}
    r"(example|sample|placeholder|dummy|todo|tbd|fixme|changeme)(\W.*|_.*)?",
    rf"{_WHOSE}[\W_]*{_WHAT}([\W_].*)?",  # your-access-key, replace_me
    r"null|none|nil|undefined|secret|password|(access|shared)[\W_]*(key|secret)|(tenant|contract)[\W_]*id",
)


@lint_rule("invalid-setting", Severity.ERROR, "Fix it: until then every event fails.")
def invalid_settings(subject: Subject) -> Iterator[Hit]:
    """The config cannot be used: a setting is not text, a mapping not a list of rows, or a header holds a line end."""
    elsewhere = {"domain", *(hit.place for hit in (*merge_keys.check(subject), *placeholders.check(subject)))}
    return (Hit(place, problem) for place, problem in subject.problems if place not in elsewhere)


@lint_rule("unusable-domain", Severity.ERROR, "Name the host alone, such as acme.gainsightcloud.com.")
def unusable_domain(subject: Subject) -> Iterator[Hit]:
    """The domain is missing, or no host name."""
    for place, problem in subject.problems:
        if place == "domain":
            meant = _host_in(subject)
            yield Hit(place, problem, f"Write {meant}." if meant else None)


def _host_in(subject: Subject) -> str | None:
    """The host name that the domain holds, if it is one with something around it."""
    given = subject.settings.get("domain")
    if not isinstance(given, str) or subject.hide(given) != given:
        return None
    try:
        host = urlsplit(given.strip() if "//" in given else f"//{given.strip()}").hostname
        read: str = SETTINGS["domain"].metadata["read"](host)
    except (ValueError, ConfigError):
        return None
    return read


@lint_rule("unknown-host", Severity.WARNING, "Leave it if it is the tenant's own domain.")
def unknown_host(subject: Subject) -> Iterator[Hit]:
    """The domain is not under gainsightcloud.com: the keys would go to another host."""
    host = subject.config.domain
    if not subject.is_at_fault("domain") and not host.endswith(_GAINSIGHTS_HOST):
        yield Hit("domain", f"{host} is not under {_GAINSIGHTS_HOST[1:]}")


# --- fields -----------------------------------------------------------------------------------------------------------


@lint_rule("merge-key-target", Severity.ERROR, "Map the trait to a custom field.")
def merge_keys(subject: Subject) -> Iterator[Hit]:
    """A mapping sets the field by which Gainsight finds the record, so another one would be written."""
    for of, row in mapped(subject):
        if row.target == of.key:
            yield Hit(row.target_place, f"Gainsight finds a {of.name} by {row.target}")


@lint_rule("system-field-target", Severity.ERROR, "Map the trait to a custom field.")
def system_fields(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that Gainsight sets by itself and lets no one write."""
    for of, row in mapped(subject):
        if row.target in of.system:
            yield Hit(row.target_place, f"{row.target} is a system field of a {of.name}")


@lint_rule("unknown-field", Severity.ERROR, "The name of a custom field ends in __gc.")
def unknown_fields(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a field that is neither standard nor custom: Gainsight refuses the whole record."""
    for of, row in mapped(subject):
        name = row.target
        if subject.described(of) is not None:  # which has a rule of its own
            continue
        if not (name in of.by_name or name in of.system or name.endswith(CUSTOM)):
            problem = f"a {of.name} has no field {subject.quoted(name)}"
            yield Hit(row.target_place, problem, did_you_mean(_meant(of, name)))


def _meant(of: GainsightObject, name: str) -> str | None:
    """The field that the name is probably meant to be."""
    if folded(name) in map(folded, {of.key, *of.system}):
        return None
    fields = Names(of.by_name.keys() - {of.key})
    standard = fields.respelt(name)
    if standard is not None:
        return standard
    bare = name[:-2].rstrip("_")
    if name[-2:].lower() == "gc" and re.fullmatch(_BARE_FIELD, bare):
        return bare + CUSTOM
    return fields.misspelt(name) or (name + CUSTOM if re.fullmatch(_BARE_FIELD, name) else None)


@lint_rule("standard-field-target", Severity.WARNING, "Leave it if that is meant, or send the standard trait.")
def standard_fields(subject: Subject) -> Iterator[Hit]:
    """A mapping sets a standard field, over what the standard trait says."""
    for of, row in mapped(subject):
        field = of.by_name.get(row.target)
        if field is not None and row.target != of.key:
            traits = " or ".join(field.traits)
            yield Hit(row.target_place, f"the standard field {row.target} is that of the trait {traits}, too")


@lint_rule("odd-field-name", Severity.WARNING, "Copy the field's API name from Gainsight's Data Management.")
def odd_names(subject: Subject) -> Iterator[Hit]:
    """A custom field's name holds more than letters, digits and single underscores."""
    for of, row in mapped(subject):
        name = row.target
        if subject.described(of) is not None:  # and so whether there is one of that name
            continue
        if name.endswith(CUSTOM) and name not in of.by_name and not re.fullmatch(_PLAIN_FIELD, name):
            yield Hit(row.target_place, f"{subject.quoted(name)} is an odd name for a field")


@lint_rule("shared-target", Severity.WARNING, "Leave it if they never come together, or map one of them.")
def shared_targets(subject: Subject) -> Iterator[Hit]:
    """Two traits go to one field: of an event with both, the later row counts."""
    for of in OBJECTS:
        first: dict[str, MapRow] = {}
        for row in subject.effective(of.map).values():
            other = first.setdefault(row.target, row)
            if other is not row:
                field, trait = subject.quoted(row.target), subject.quoted(other.source)
                yield Hit(row.target_place, f"{field} is set by the trait {trait}, too")


def mapped(subject: Subject) -> Iterator[tuple[GainsightObject, MapRow]]:
    """Rows of traits whose fields are known, and have no stray spaces, which have a rule of their own."""
    for of in OBJECTS:
        for row in subject.whole(of.map):
            if not _has_stray_spaces(row.target) and not is_for_later(row.target, in_rows=True):
                yield of, row


# --- rows -------------------------------------------------------------------------------------------------------------


def _rows(subject: Subject) -> Iterator[MapRow]:
    for name in MAPS:
        yield from subject.rows[name]


@lint_rule("repeated-source", Severity.WARNING, "Remove the row.")
def repeated_sources(subject: Subject) -> Iterator[Hit]:
    """A trait, or an event, is mapped twice: the last row counts."""
    for name in MAPS:
        effective = subject.effective(name)
        for row in subject.whole(name):
            if effective[row.source] is not row:
                place = effective[row.source].place
                yield Hit(row.source_place, f"{subject.quoted(row.source)} is mapped again in {place}, which counts")


@lint_rule("half-blank-row", Severity.WARNING, "Fill it in, or remove the row.")
def half_blank_rows(subject: Subject) -> Iterator[Hit]:
    """Half of a row is blank: it is skipped."""
    for row in _rows(subject):
        if not row.is_whole and not row.others and (row.source.strip() or row.target.strip()):
            has, lacks = (FROM, TO) if row.source.strip() else (TO, FROM)
            yield Hit(row.place, f"the row has a {has} and no {lacks}")


@lint_rule("unread-row-key", Severity.WARNING, "Remove it, or name it from or to.")
def unread_row_keys(subject: Subject) -> Iterator[Hit]:
    """A row has a key other than from and to: it is ignored."""
    for row in _rows(subject):
        for key in row.others:
            meant = Names((FROM, TO)).respelt(key)
            yield Hit(row.place, f"{subject.quoted(key)} is not read", did_you_mean(meant))


@lint_rule("stray-spaces", Severity.ERROR, "Remove them.")
def stray_spaces(subject: Subject) -> Iterator[Hit]:
    """A key, an id, a field, or an event's name or version has spaces around it, and is sent with them."""
    about = "has a space, or a line end, around it"
    for name, text in subject.texts():
        if name in SETTINGS and name != "domain" and _has_stray_spaces(text):
            yield Hit(name, about)
    for name in MAPS:
        for row in subject.whole(name):
            if _has_stray_spaces(row.target):
                yield Hit(row.target_place, f"{subject.quoted(row.target)} {about}")


@lint_rule("stray-spaces-in-source", Severity.WARNING, "Remove them.")
def stray_spaces_in_sources(subject: Subject) -> Iterator[Hit]:
    """A trait, or an event, has spaces around it: it is found only if events have them, too."""
    for name in MAPS:
        for row in subject.whole(name):
            if _has_stray_spaces(row.source):
                yield Hit(row.source_place, f"{subject.quoted(row.source)} has a space, or a line end, around it")


def _has_stray_spaces(text: str) -> bool:
    return text != text.strip()


@lint_rule("event-without-version", Severity.ERROR, "Add a row to eventVersionMap.")
def events_without_version(subject: Subject) -> Iterator[Hit]:
    """An event is in eventNameMap and not in eventVersionMap: it fails."""
    return _in_one_map(subject, *EVENT_MAPS)


@lint_rule("event-without-name", Severity.ERROR, "Add a row to eventNameMap.")
def events_without_name(subject: Subject) -> Iterator[Hit]:
    """An event is in eventVersionMap and not in eventNameMap: it fails."""
    return _in_one_map(subject, *reversed(EVENT_MAPS))


def _in_one_map(subject: Subject, here: str, there: str) -> Iterator[Hit]:
    ours, theirs = subject.effective(here), subject.effective(there)
    unpaired = Names(event for event in theirs if event not in ours)
    for event, row in ours.items():
        if event not in theirs:
            near = unpaired.near(event)
            meant = near and f"{subject.quoted(near)} in {theirs[near].source_place}"
            problem = f"{there} has no row for the event {subject.quoted(event)}"
            yield Hit(row.source_place, problem, did_you_mean(meant))


# --- keys and ids -----------------------------------------------------------------------------------------------------


@lint_rule("missing-access-key", Severity.ERROR, "Fill in the REST API key.")
def missing_access_key(subject: Subject) -> Iterator[Hit]:
    """There is no accessKey, though traits are mapped or identify or group events come: they fail."""
    if subject.lacks("accessKey") and (wanted := _wants_records(subject)):
        yield Hit("accessKey", f"is missing, though {wanted}")


@lint_rule(
    "track-only", Severity.WARNING, "Leave it if no identify and no group comes here, or fill in the REST API key."
)
def track_only(subject: Subject) -> Iterator[Hit]:
    """There is no accessKey: only track events get through."""
    if subject.lacks("accessKey") and not _wants_records(subject):
        yield Hit("accessKey", "is missing: an identify or a group would fail")


def _wants_records(subject: Subject) -> str | None:
    """Why records are to be written, as far as is known."""
    for of in OBJECTS:
        if subject.whole(of.map):
            return f"{of.map} has rows"
        if subject.profile.taken(of.event_type):
            return f"there are {of.event_type} events"
    return None


@lint_rule("missing-track-setting", Severity.ERROR, "Fill it in.")
def missing_track_settings(subject: Subject) -> Iterator[Hit]:
    """Events are mapped, and a setting that track needs is missing: they fail."""
    if any(subject.whole(name) for name in EVENT_MAPS):
        for name in FOR_TRACK:
            if subject.lacks(name):
                yield Hit(name, "is missing, though events are mapped")


@lint_rule("idle-track-settings", Severity.WARNING, "Map the events in eventNameMap and eventVersionMap.")
def idle_track_settings(subject: Subject) -> Iterator[Hit]:
    """There are settings for track, and no event is mapped: every track event fails."""
    given = [name for name, _ in subject.texts() if name in FOR_TRACK]
    if given and not any(subject.whole(name) for name in EVENT_MAPS):
        yield Hit(given[0], f"no event is mapped, though track has {' and '.join(given)}")


@lint_rule("placeholder", Severity.ERROR, "Fill it in.")
def placeholders(subject: Subject) -> Iterator[Hit]:
    """A key, an id or the domain looks as if it was never filled in."""
    for name, text in subject.texts():
        # What is for later is filled in by each event, or by the environment; a topic may be called nearly anything.
        if name in SETTINGS and not is_for_later(text) and _is_placeholder(text, any_word=name != "topicName"):
            yield Hit(name, "looks like a placeholder")


def _is_placeholder(text: str, *, any_word: bool) -> bool:
    if placeholder_problem(text) is not None:
        return True
    return any_word and any(re.fullmatch(f"(?is){pattern}", text.strip()) for pattern in _PLACEHOLDERS)


@lint_rule("secret-elsewhere", Severity.ERROR, "Remove it there; if it was sent, ask Gainsight for a new one.")
def secrets_elsewhere(subject: Subject) -> Iterator[Hit]:
    """A key is in another setting, too, and would be sent as something else."""
    texts = dict(subject.texts())
    done: set[str] = set()
    for owner in SECRETS:
        secret = texts.get(owner, "").strip()
        others = [(key_place(name), text) for name, text in texts.items() if name != owner]
        for place, text in (*others, *_halves(subject)):
            if secret not in done and hide(text, secret) != text:
                yield Hit(place, f"holds the {owner}")
        done.add(secret)


def _halves(subject: Subject) -> Iterator[tuple[str, str]]:
    for row in _rows(subject):
        yield row.source_place, row.source
        yield row.target_place, row.target


@lint_rule("unread-key", Severity.WARNING, "Spell it as the setting.")
def unread_keys(subject: Subject) -> Iterator[Hit]:
    """A key of the Config is nearly a setting of this destination, and is not read."""
    names = Names((*SETTINGS, "Config"))
    for key in map(str, subject.settings):
        if key not in SETTINGS and (meant := names.near(key)):
            yield Hit(key_place(subject.hide(key)), "is not read by this destination", did_you_mean(meant))
