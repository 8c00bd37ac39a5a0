"""A destination config as it is written, for lint to look at: what is wrong stands beside what can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from gainsight_dest.config import MAPS, SECRETS, SETTINGS, DestinationConfig, Problem, read_target
from gainsight_dest.errors import ConfigError
from gainsight_dest.explaining.profile import Profile
from gainsight_dest.explaining.trace import is_name
from gainsight_dest.reading import config_in, filled, is_for_later, placeholder_problem
from gainsight_dest.secret import hide
from gainsight_dest.values import quoted

if TYPE_CHECKING:
    from gainsight_dest.fields import GainsightObject
    from gainsight_dest.tenant import Tenant, TenantObject

FROM, TO = "from", "to"

_NO_DOMAIN = "tenant.invalid"
_STAND_IN = "later"


@attrs.frozen
class MapRow:
    """A row of a mapping as it is written, null as "". `others`: its keys beside from and to."""

    source: str
    target: str
    place: str
    is_listed: bool
    others: tuple[str, ...] = ()

    @property
    def source_place(self) -> str:
        """Where the trait, or event, stands."""
        return f"{self.place}.{FROM}" if self.is_listed else self.place

    @property
    def target_place(self) -> str:
        """Where the field, or name, or version, stands."""
        return f"{self.place}.{TO}" if self.is_listed else self.place

    @property
    def is_whole(self) -> bool:
        """Whether neither half is blank."""
        return bool(self.source.strip() and self.target.strip())


@attrs.frozen
class Subject:
    """What lint looks at.

    `settings`: the Config as it is written. `rows`: the rows of each mapping, without those that cannot be read.
    `problems`: why DestinationConfig refuses it. `config`: what is left of it without what is refused. `profile`: of
    events by that; of none if none are at hand. `tenant`: the one that they are for, or are made to fit, if there is
    one.
    """

    settings: Mapping[str, Any]
    rows: Mapping[str, tuple[MapRow, ...]]
    problems: tuple[Problem, ...]
    config: DestinationConfig
    profile: Profile = attrs.field(factory=Profile)
    tenant: Tenant | None = None

    def texts(self) -> Iterator[tuple[str, str]]:
        """The settings that are non-blank strings."""
        for name, value in self.settings.items():
            if isinstance(value, str) and value.strip():
                yield str(name), value

    def whole(self, map_name: str) -> list[MapRow]:
        """The rows of a mapping that are not skipped."""
        return [row for row in self.rows[map_name] if row.is_whole]

    def effective(self, map_name: str) -> dict[str, MapRow]:
        """By what they map: those that no later row replaces."""
        return {row.source: row for row in self.whole(map_name)}

    def described(self, of: GainsightObject) -> TenantObject | None:
        """What the tenant has of the object; None if that is not known."""
        return None if self.tenant is None else self.tenant.object_of(of.name)

    def is_at_fault(self, setting: str) -> bool:
        """Whether DestinationConfig refuses the setting as a whole, or the whole config."""
        return any(place in {setting, "destination config"} for place, _ in self.problems)

    def lacks(self, setting: str) -> bool:
        """Whether the setting is absent or blank, rather than wrong."""
        return getattr(self.config, SETTINGS[setting].name) is None and not self.is_at_fault(setting)

    def hide(self, text: str) -> str:
        """The text with the secrets masked, those that do not do as secrets included."""
        return _hide(self.settings, text)

    def quoted(self, name: str) -> str:
        """A name as a finding may show it."""
        return quoted(self.hide(name))


def subject_of(given: Any) -> Subject:
    """What lint looks at, of a DestinationConfig or anything that might be RudderStack's own."""
    problems: tuple[Problem, ...] = ()
    try:
        written = _written(given)
        DestinationConfig.from_rudderstack({"Config": _stood_in(written)})
    except ConfigError as error:
        problems = error.problems
    settings = written if isinstance(written, Mapping) else {}
    rows = {name: tuple(_rows(settings, name)) for name in MAPS}
    config = _usable(_stood_in(settings), rows)
    if isinstance(given, DestinationConfig):
        config = config.fitting(given.fit, given.fit_mode)
    return Subject(settings, rows, problems, config, tenant=config.fit)


def _written(given: Any) -> Any:
    if isinstance(given, DestinationConfig):
        values = ((name, getattr(given, setting.name)) for name, setting in SETTINGS.items())
        return {name: value for name, value in values if value is not None}
    return config_in(given)


def _stood_in(written: Any) -> Any:
    """The Config with something in place of what an event or the environment is to fill in: that is no fault."""
    if not isinstance(written, Mapping):
        return written
    return {
        name: filled(value, partial(_stand_in, name)) if name in SETTINGS else value for name, value in written.items()
    }


def _stand_in(name: str, text: str, *, in_rows: bool) -> str:
    if not is_for_later(text, in_rows=in_rows) or in_rows is not (name in MAPS):
        return text
    return _NO_DOMAIN if name == "domain" else _STAND_IN


def _rows(settings: Mapping[str, Any], name: str) -> Iterator[MapRow]:
    value = settings.get(name)
    if isinstance(value, Mapping):
        for source, target in value.items():
            place = f"{name}[{quoted(_hide(settings, str(source)))}]"
            if isinstance(source, str) and (to := _target(target)) is not None:
                yield MapRow(source, to, place, is_listed=False)
    elif isinstance(value, (list, tuple)):
        for index, row in enumerate(value):
            source, target = (row.get(half) for half in (FROM, TO)) if isinstance(row, Mapping) else (0, 0)
            if isinstance(source, str | None) and (to := _target(target)) is not None:
                others = tuple(str(key) for key in row if key not in {FROM, TO})
                yield MapRow(source or "", to, f"{name}[{index}]", is_listed=True, others=others)


def _target(value: Any) -> str | None:
    """A `to` as it is read; None for what cannot be read."""
    try:
        return read_target(value)
    except ConfigError:
        return None


def _usable(settings: Mapping[str, Any], rows: Mapping[str, tuple[MapRow, ...]]) -> DestinationConfig:
    """The config without the settings and rows that are refused."""
    kept: dict[str, Any] = {"domain": _NO_DOMAIN}
    for name, setting in SETTINGS.items():
        if name in MAPS:
            whole = ({row.source: row.target} for row in rows[name] if row.is_whole)
            kept[setting.name] = {k: v for row in whole if _reads(setting, row) for k, v in row.items()}
        else:
            value = settings.get(name)
            # A placeholder is a mistake with a rule of its own: events are looked at as if it were filled in.
            if isinstance(value, str) and name != "domain" and placeholder_problem(value):
                value = _STAND_IN
            if _reads(setting, value):
                kept[setting.name] = value
    return DestinationConfig(**kept)


def _reads(setting: attrs.Attribute[Any], value: Any) -> bool:
    try:
        setting.metadata["read"](value)
    except ConfigError:
        return False
    return True


def _hide(settings: Mapping[str, Any], text: str) -> str:
    secrets = [secret for name in SECRETS if isinstance(secret := settings.get(name), str)]
    return hide(text, *secrets, *map(str.strip, secrets))


def key_place(key: str) -> str:
    """A key of the Config as a place."""
    return key if is_name(key) else f"[{quoted(key)}]"
