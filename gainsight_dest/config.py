"""The destination config: read strictly, checked whole, frozen.

A cattrs converter of our own reads the rows of a mapping (the global one turns null into "None" and false into "True"),
and one ConfigError lists every problem with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from gainsight_dest.errors import ConfigError
from gainsight_dest.gainsight import COMPANY_KEY, PERSON_KEY, event_headers
from gainsight_dest.reading import FOR_LATER, config_in, placeholder_problem, with_env
from gainsight_dest.secret import Secret, hide
from gainsight_dest.values import kind, quoted

if TYPE_CHECKING:
    from gainsight_dest.tenant.tenant import Tenant

Problem = tuple[str, str]

# --- what each setting takes ------------------------------------------------------------------------------------------
# Each reader gives the setting's value, or raises ConfigError with places relative to the setting.


def _wrong(problem: str, place: str = "") -> ConfigError:
    return ConfigError((place, problem))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(f"must be a string, not {kind(value)}: put it in quotes")


#: C0 and C1 controls, which could end a header early, and lone surrogates, which have no UTF-8.
_NOT_FOR_A_HEADER = r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"


def header_problem(value: str) -> str | None:
    """Why the value cannot be an HTTP header's, or None."""
    if not value.isprintable() and re.search(_NOT_FOR_A_HEADER, value):
        return "holds a control character or broken Unicode, which no HTTP header may"
    return None


def _header(value: object) -> str | None:
    """A setting that goes out as a header. null and blank mean absent."""
    text = "" if value is None else _text(value)
    if problem := header_problem(text) or placeholder_problem(text):
        raise _wrong(problem)
    return text if text.strip() else None


def _secret(value: object) -> Secret | None:
    header = _header(value)
    return None if header is None else Secret(header)


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#: The last label starts with a letter: else the name is an IP address in one of its notations.
_HOST = rf"(?=.{{1,253}}\Z)({_LABEL}\.)+(?=[a-z])(?!localhost\Z){_LABEL}"


def _domain(value: object) -> str:
    if value is None:
        raise _wrong("is needed: the host name of the Gainsight tenant")
    text = _text(value).strip()
    if problem := placeholder_problem(text):
        raise _wrong(problem)
    host = text[8:] if text[:8].lower() == "https://" else text
    host = host.removesuffix("/")
    # Only ASCII is lower-cased: the Kelvin sign, for one, would become a "k" and so another host.
    if host.isascii() and re.fullmatch(_HOST, host.lower()):
        return host.lower()
    raise _wrong(
        "must be a host name such as acme.gainsightcloud.com, without http://, port, path or user, "
        "and neither an IP address nor localhost"
    )


#: A mapping has no more rows: nobody writes so many, and each that is wrong costs a problem with its place.
MOST_ROWS = 10_000


#: The longest integer that Python writes as text has some 14,000 bits.
_MOST_BITS = 14_000


def _source(value: Any) -> str:
    return "" if value is None else _text(value)


def read_target(value: Any) -> str:
    """A `to`, of which an integer is its text: a version is easily written as one."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _MOST_BITS:
        return str(int(value))
    return _source(value)


@attrs.frozen
class MappingRow:
    """One row of a mapping: blank halves are what an untouched row of the dashboard looks like."""

    source: str = attrs.field(default="", metadata={"name": "from", "read": _source})
    target: str = attrs.field(default="", metadata={"name": "to", "read": read_target})


#: What is to be read: where it stands, what reads it, and itself.
_Part = tuple[str, Callable[[Any], Any], object]


def _all_read(parts: Iterable[_Part]) -> list[Any]:
    """What is read of each part. Raises ConfigError with the problems of all of them."""
    made: list[Any] = []
    problems: list[Problem] = []
    for place, read, value in parts:
        try:
            made.append(read(value))
        except ConfigError as error:
            problems += ((place + inner, problem) for inner, problem in error.problems)
    if problems:
        raise ConfigError(*problems)
    return made


def _pair(value: Any) -> MappingRow:
    """The row of a key and its value."""
    source, target = value
    return MappingRow(_text(source), read_target(target))


def _rows(value: object, check: Callable[[str], str | None]) -> Mapping[str, str]:
    """A mapping, from a list of `{from, to}` rows or a plain `{from: to}` object. The last row of a `from` wins.

    It has MOST_ROWS at most.

    `check` gives the problem with a `to`, or None. null and blank mean absent.
    """
    if isinstance(value, (list, tuple, Mapping)) and len(value) > MOST_ROWS:
        raise _wrong(f"has {len(value):,} rows: more than {MOST_ROWS:,} are not read")
    if value is None or (isinstance(value, str) and not value.strip()):
        placed: list[tuple[str, MappingRow]] = []
    elif isinstance(value, Mapping):
        places = [f"[{quoted(str(key))}]" for key in value]
        rows = _all_read((place, _pair, pair) for place, pair in zip(places, value.items(), strict=True))
        placed = [*zip(places, rows, strict=True)]
    elif isinstance(value, (list, tuple)):
        placed = [(f"[{index}].to", row) for index, row in enumerate(_structure(list(value), list[MappingRow]))]
    else:
        raise _wrong(f"must be a list of objects with from and to, or one object, not {kind(value)}")
    placed = [(place, row) for place, row in placed if row.source.strip() and row.target.strip()]
    problems = ((place, check(row.target) or placeholder_problem(row.target, in_rows=True)) for place, row in placed)
    if wrong := [(place, problem) for place, problem in problems if problem]:
        raise ConfigError(*wrong)
    return MappingProxyType({row.source: row.target for _, row in placed})


def _header_map(value: object) -> Mapping[str, str]:
    """A mapping of event names to what goes out as a header."""
    return _rows(value, header_problem)


REFUSE = "refuse"


def _fit(value: object) -> Tenant | None:
    from gainsight_dest.tenant.tenant import Tenant  # noqa: PLC0415 - few configs fit

    if value is None or isinstance(value, Tenant):
        return value
    raise _wrong("must be a Tenant: Tenant.from_data(data) makes one of a file's JSON")


def _fit_mode(value: object) -> str:
    from gainsight_dest.tenant.fitting import FitMode  # noqa: PLC0415 - few configs fit

    modes = [mode.value for mode in FitMode]
    if isinstance(value, str) and value in modes:
        return str(FitMode(value))
    raise _wrong(f"must be one of {', '.join(modes)}")


def checked_fit(tenant: object, mode: object) -> tuple[Tenant | None, str]:
    """The two settings of fit. Raises ConfigError."""
    parts: list[_Part] = [("fit", _fit, tenant), ("fit_mode", _fit_mode, mode)]
    made, made_mode = _all_read(parts)
    return made, made_mode


# --- the same in JSON Schema ------------------------------------------------------------------------------------------

_LABEL_IN_ANY_CASE = _LABEL.replace("a-z", "A-Za-z")
_END = r"/?\s*$"
_DOMAIN_SCHEMA = {
    "type": "string",
    "pattern": rf"{FOR_LATER}|^\s*([Hh][Tt][Tt][Pp][Ss]://)?(?=[^/\s]{{1,253}}{_END})({_LABEL_IN_ANY_CASE}\.)+"
    rf"(?=[A-Za-z])(?![Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]{_END}){_LABEL_IN_ANY_CASE}{_END}",
}
_NO_HEADER = {"type": "string", "pattern": _NOT_FOR_A_HEADER}
_HEADER_SCHEMA = {"type": ["string", "null"], "not": _NO_HEADER}


# --- the config -------------------------------------------------------------------------------------------------------


# What a setting is, beside its type: what RudderStack calls it, what reads it, what it is and who needs it, and its
# JSON Schema, or that of what no `to` of its rows may be. attrs.field stands in the class: no type checker sees through
# a function that calls it.


def _setting(
    name: str, read: Callable[[object], Any], about: str, schema: Mapping[str, Any] = _HEADER_SCHEMA
) -> dict[str, Any]:
    return {"name": name, "read": read, "about": about, "schema": schema}


def _mapping(name: str, read: Callable[[object], Any], about: str, no_target: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "read": read, "about": about, "no_target": no_target}


def _record_mapping(name: str, key: str, about: str) -> dict[str, Any]:
    """Of rows from traits to custom fields of the records that Gainsight finds by `key`."""
    problem = f"no mapping may set {key}: Gainsight finds the record by it, so another one would be written"

    def read(value: object) -> Mapping[str, str]:
        return _rows(value, lambda target: problem if target == key else None)

    return {**_mapping(name, read, about, {"const": key}), "key": key}


CustomField = tuple[str, tuple[str, ...] | None, str]


@attrs.frozen(kw_only=True, slots=False, repr=False)
class DestinationConfig:
    """One Gainsight destination: where the tenant is, its keys, and what goes where. Frozen; has `==`; pickles.

    Only `domain` is always needed. `access_key` is needed for identify and group; `shared_secret`, `tenant_id`,
    `topic_name` and both event maps for track. The maps are `{from: to}`: trait to custom field, event to name and to
    version. Raises ConfigError with every problem found. The repr shows no secret.

    `fit`: a Tenant, whose fields the values of people and companies are made to fit; None: they are sent as they are.
    `fit_mode`: what is done with those that cannot be: "refuse" fails the event, "drop" leaves the field out; "cut" and
    "cut-or-drop" are the same, but cut texts that are too long. RudderStack's own Config has neither.
    """

    domain: str = attrs.field(
        metadata=_setting("domain", _domain, "the tenant's host name; always needed", _DOMAIN_SCHEMA)
    )
    access_key: str | None = attrs.field(
        default=None,
        metadata=_setting(
            "accessKey", _secret, "the REST API key; identify and group need it, track sends it if it is there"
        ),
    )
    shared_secret: str | None = attrs.field(
        default=None, metadata=_setting("sharedSecret", _secret, "the key of the Events API; track needs it")
    )
    tenant_id: str | None = attrs.field(
        default=None, metadata=_setting("tenantId", _header, "the tenant's id in the Events API; track needs it")
    )
    topic_name: str | None = attrs.field(
        default=None, metadata=_setting("topicName", _header, "the topic that the events belong to; track needs it")
    )
    contract_id: str | None = attrs.field(
        default=None,
        metadata=_setting("contractId", _header, "the contract id of track events that bring none of their own"),
    )
    person_map: Mapping[str, str] = attrs.field(
        factory=dict,
        hash=False,
        metadata=_record_mapping("personMap", PERSON_KEY, "trait to custom field, for identify"),
    )
    company_map: Mapping[str, str] = attrs.field(
        factory=dict,
        hash=False,
        metadata=_record_mapping("companyMap", COMPANY_KEY, "trait to custom field, for group"),
    )
    event_name_map: Mapping[str, str] = attrs.field(
        factory=dict,
        hash=False,
        metadata=_mapping(
            "eventNameMap", _header_map, "event to what Gainsight calls it; track needs the event in it", _NO_HEADER
        ),
    )
    event_version_map: Mapping[str, str] = attrs.field(
        factory=dict,
        hash=False,
        metadata=_mapping(
            "eventVersionMap", _header_map, "event to its version in Gainsight; track needs the event in it", _NO_HEADER
        ),
    )
    fit: Tenant | None = attrs.field(default=None, hash=False)
    fit_mode: str = attrs.field(default=REFUSE)
    #: Where requests go in place of the tenant's host: see `Request.at`.
    base_url: str | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        parts: list[_Part] = [
            (each.name, each.metadata["read"], getattr(self, each.name)) for each in SETTINGS.values()
        ]
        if self.fit is not None or self.fit_mode != REFUSE:
            parts += [("fit", _fit, self.fit), ("fit_mode", _fit_mode, self.fit_mode)]
        try:
            made = _all_read(parts)
        except ConfigError as error:
            problems = _hidden(error.problems, self.access_key, self.shared_secret)
        else:
            self.__dict__.update(zip((name for name, *_ in parts), made, strict=True))  # it is frozen
            return
        raise ConfigError(*problems)

    @classmethod
    def from_rudderstack(cls, obj: Mapping[str, Any], env: Mapping[str, str] | None = None) -> DestinationConfig:
        """The config out of RudderStack's own: a destination's `Config` object, or the destination that holds one.

        A destination may hold it as `Config`, or, as RudderStack's API and its exports have it, as `config`; of a whole
        workspace, take one of `destinations_of(workspace)`. `env`: variables, such as os.environ, for settings that are
        `env.NAME`. Unknown keys (consent settings, connection modes, …) are passed over; null means absent.

        Raises ConfigError with every problem found, each with its place: `personMap[2].from: must be a string, not a
        number: put it in quotes`. A setting that still is a placeholder is one of them: `env.NAME` that is not set,
        `{{ X }}`, `${X}`, `<key>`.
        """
        given = config_in(obj)
        if not isinstance(given, Mapping):
            raise ConfigError(("destination config", f"must be an object, not {kind(given)}"))
        if env is not None:
            given = config_with_env(given, env)
        settings: dict[str, Any] = {setting.name: given.get(name) for name, setting in SETTINGS.items()}
        try:
            return cls(**settings)
        except ConfigError as error:
            problems = [(_as_written(place), problem) for place, problem in error.problems]
        raise ConfigError(*problems)

    @cached_property
    def custom_fields(self) -> Mapping[str, tuple[CustomField, ...]]:
        """The rows of `personMap` and of `companyMap`, as (trait, its path or None, field)."""
        return {
            name: _custom_fields(getattr(self, setting.name))
            for name, setting in SETTINGS.items()
            if "key" in setting.metadata
        }

    @cached_property
    def events(self) -> Mapping[str, tuple[str, str]]:
        """Event -> Gainsight's name and version, if it is in both maps. Empty if a setting for track is missing."""
        if None in (self.shared_secret, self.tenant_id, self.topic_name):
            return {}
        versions = self.event_version_map
        return {event: (name, versions[event]) for event, name in self.event_name_map.items() if event in versions}

    @cached_property
    def origin(self) -> str:
        """The beginning of every URL: the tenant's host, or another (see `Request.at`)."""
        return self.base_url or f"https://{self.domain}"

    @cached_property
    def _headers(self) -> dict[tuple[str, str], dict[str, str]]:
        """Of the events that were asked for so far."""
        return {}

    def event_headers(self, name: str, version: str) -> dict[str, str]:
        """The headers of an event by its name and version there, with the config's contract id. Raises ConfigError."""
        made = self._headers.get((name, version))
        if made is None:
            made = self._event_headers(name, version)
            if len(self._headers) < MOST_ROWS:
                self._headers[name, version] = made
        return made.copy()

    def _event_headers(self, name: str, version: str) -> dict[str, str]:
        if self.shared_secret is None or self.topic_name is None or self.tenant_id is None:
            raise self.missing("track", "shared_secret", "topic_name", "tenant_id")
        return event_headers(
            shared_secret=self.shared_secret,
            topic_name=self.topic_name,
            tenant_id=self.tenant_id,
            event_name=name,
            event_version=version,
            contract_id=self.contract_id,
            access_key=self.access_key,
        )

    def missing(self, purpose: str, *settings: str) -> ConfigError:
        """The error that names all of those settings that are missing."""
        names = (_NAMES[setting] for setting in settings if getattr(self, setting) is None)
        return ConfigError(*((name, f"is needed for {purpose}, but missing") for name in names))

    def at(self, base_url: str) -> DestinationConfig:
        """The same, for requests to another host: a URL as `Request.at` checks it."""
        config = object.__new__(DestinationConfig)
        config.__dict__.update(self.__dict__, base_url=base_url, origin=base_url)
        return config

    def fitting(self, tenant: Tenant | None, mode: str = REFUSE) -> DestinationConfig:
        """The same, with values made to fit the tenant's fields, or (None) not. Raises ConfigError."""
        fit, fit_mode = checked_fit(tenant, mode)
        config = object.__new__(DestinationConfig)
        config.__dict__.update(self.__dict__, fit=fit, fit_mode=fit_mode)
        return config

    def fitted(self, name: str, record: dict[str, Any]) -> dict[str, Any]:
        """The record of the object of that name as it fits `fit`, if that is set. Raises EventError.

        A tenant that was described without the object leaves it as it is.
        """
        of = None if self.fit is None else self.fit.object_of(name)
        if of is None:
            return record
        from gainsight_dest.tenant.fitting import fit_record  # noqa: PLC0415 - few configs fit

        return fit_record(record, of, self.fit_mode)[0]

    def hide(self, text: str) -> str:
        """The text with this config's secrets masked."""
        return hide(text, self.access_key, self.shared_secret)

    def __repr__(self) -> str:
        given = ((name, getattr(self, name)) for name in _NAMES)
        shown = [f"{name}={dict(value) if isinstance(value, Mapping) else value!r}" for name, value in given if value]
        if self.fit is not None:
            shown += [f"fit={self.fit!r}", f"fit_mode={str(self.fit_mode)!r}"]
        return self.hide(f"DestinationConfig({', '.join(shown)})")

    def __reduce__(self) -> tuple[Callable[..., DestinationConfig], tuple[dict[str, Any], str | None]]:
        settings = {name: getattr(self, name) for name in (*_NAMES, "fit", "fit_mode")}
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in settings.items()}
        return _rebuild, (plain, self.base_url)


#: The settings, by RudderStack's names.
SETTINGS: Mapping[str, attrs.Attribute[Any]] = {
    setting.metadata["name"]: setting for setting in attrs.fields(DestinationConfig) if setting.metadata
}
#: Those that are mappings, and those that are keys.
MAPS = tuple(name for name, setting in SETTINGS.items() if "no_target" in setting.metadata)
SECRETS = tuple(name for name, setting in SETTINGS.items() if setting.metadata["read"] is _secret)
#: RudderStack's names, by ours.
_NAMES = {setting.name: name for name, setting in SETTINGS.items()}


def config_with_env(config: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """The Config with what the environment fills in of the settings."""
    filled = {name: with_env(config[name], env) for name in SETTINGS if name in config}
    return {**config, **filled}


def _as_written(place: str) -> str:
    """The place by RudderStack's names."""
    name = place.partition("[")[0]
    return _NAMES.get(name, name) + place[len(name) :]


def _rebuild(settings: dict[str, Any], base_url: str | None) -> DestinationConfig:
    config = DestinationConfig(**settings)
    return config if base_url is None else config.at(base_url)


def _custom_fields(rows: Mapping[str, str]) -> tuple[CustomField, ...]:
    return tuple((trait, tuple(trait.split(".")) if "." in trait else None, field) for trait, field in rows.items())


# --- the converter ----------------------------------------------------------------------------------------------------


def _hook(name: str, read: Callable[[Any], Any]) -> Any:
    """How cattrs reads one attribute: under RudderStack's name, by our own reader."""
    return override(rename=name, struct_hook=lambda value, _: read(value))


@cache  # made when it is first needed: it takes as long as all the rest of an import
def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    halves = {half.name: _hook(half.metadata["name"], half.metadata["read"]) for half in attrs.fields(MappingRow)}
    read_row = make_dict_structure_fn(MappingRow, converter, **halves)

    def read_object(value: Any, _: type) -> MappingRow:
        if not isinstance(value, Mapping):
            raise _wrong(f"must be an object with from and to, not {kind(value)}")
        return read_row(value, MappingRow)

    converter.register_structure_hook(MappingRow, read_object)
    return converter


def _structure(value: Any, cls: Any) -> Any:
    """What cattrs makes of the value; its tree of errors becomes one flat ConfigError."""
    try:
        return _converter().structure(value, cls)
    except (ClassValidationError, IterableValidationError) as error:
        problems = list(_flat(error))
    raise ConfigError(*problems)


def _flat(error: BaseException) -> Iterator[Problem]:
    if isinstance(error, ClassValidationError):
        for inner, note in error.group_exceptions()[0]:
            half = attrs.fields_dict(MappingRow)[note.name].metadata["name"]
            yield from ((f".{half}{place}", problem) for place, problem in _flat(inner))
    elif isinstance(error, IterableValidationError):
        for inner, element in error.group_exceptions()[0]:
            yield from ((f"[{element.index}]{place}", problem) for place, problem in _flat(inner))
    elif isinstance(error, ConfigError):  # pragma: no branch - the readers raise no other
        yield from error.problems


def _hidden(problems: Iterable[Problem], *secrets: object) -> list[Problem]:
    texts = [secret for secret in secrets if isinstance(secret, str)]
    return [(hide(place.removeprefix("."), *texts), hide(problem, *texts)) for place, problem in problems]
