"""Settings that each event fills in: strings `{{ path || default }}` anywhere in a destination's Config.

Finding the templates takes time by the length of the Config, an event's values by that of the event. What filling in
costs is by the length of the Config for each event that brings other values: configs that come out alike are read once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from gainsight_dest.config import REFUSE, DestinationConfig, checked_fit, config_with_env
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.reading import Path, Template, config_in, template, variable
from gainsight_dest.secret import MASK
from gainsight_dest.values import MAX_DEPTH, plain, present

if TYPE_CHECKING:
    from gainsight_dest.tenant.tenant import Tenant

Object = Mapping[str, Any]

#: A Config may hold so many templates.
MOST_TEMPLATES = 200
#: The configs that events have filled in are remembered up to so many bytes.
MOST_FILLED = 2**20
#: A path has no more names, and a template that stands deeper in a Config is none.
LONGEST_PATH = MAX_DEPTH + 50
#: What a text, a list or an object takes beside its letters.
_AROUND = 8
#: What all events of a batch, or of a delivery, have in common.
_SHARED = ("domain", "accessKey")

#: What of a value is to be filled in: all of it by a template, or by key or index more of these.
_Holes = Template | dict[Any, Any]


class _PathStep:
    """A step of one path or more: the steps after it, and the whole path, if one ends here."""

    __slots__ = ("after", "path")

    def __init__(self) -> None:
        self.after: dict[str, _PathStep] = {}
        self.path: Path | None = None


Values = dict[Path, Any]


@attrs.frozen(repr=False, eq=False)
class Dynamic:
    """A Config with templates in it."""

    _config: Any
    _holes: _Holes
    _first: _PathStep
    #: The length of the texts in it, and of what is around them, in letters.
    length: int

    @classmethod
    def of(cls, config: Any, place: str = "destination config") -> Dynamic | None:
        """None for a Config without templates. Raises ConfigError for one with too many, or with too long a path.

        `place`: where the error says that it is.
        """
        search = _Search(place)
        holes = search.holes(config, LONGEST_PATH)
        if holes is None:
            return None
        first = _PathStep()
        for path, _ in search.found:
            step = first
            for name in path:
                step = step.after.setdefault(name, _PathStep())
            step.path = path
        return cls(config, holes, first, _length(config))

    def taken(self, event: Any) -> tuple[Values, Any]:
        """What the event fills in, and the event without it. Raises EventError for a value that JSON cannot hold.

        A value that is missing, null or "" is not taken. A path may stand in several settings.
        """
        values: Values = {}
        return values, _taken(self._first, event, values)

    def fills(self, setting: str) -> bool:
        """Whether the setting is, or holds, a template."""
        return isinstance(self._holes, dict) and setting in self._holes

    def filled(self, values: Values) -> Any:
        """The Config with these values, and with the defaults where there is none."""
        return _filled(self._config, self._holes, values)


#: What is not looked at: most of what a Config holds beside texts.
_NO_TEMPLATES = frozenset({bool, int, float, type(None)})


class _Search:
    """The search for templates: those found, and the lists and objects that hold none, or that are being searched."""

    def __init__(self, place: str) -> None:
        self.found: list[Template] = []
        self._searched: set[int] = set()
        self._place = place

    def holes(self, value: Any, levels: int) -> _Holes | None:
        """What of the value is to be filled in, down to so many levels."""
        if isinstance(value, str):
            return self._hole(value) if "{{" in value else None
        if type(value) is dict or isinstance(value, Mapping):
            items: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, list):
            items = enumerate(value)
        else:
            return None
        if levels == 0 or id(value) in self._searched:
            return None
        self._searched.add(id(value))
        holes = {}
        for key, item in items:  # in a loop, as each level takes but one frame of Python's so
            if type(item) not in _NO_TEMPLATES and (below := self.holes(item, levels - 1)) is not None:
                holes[key] = below
        if not holes:
            return None
        self._searched.remove(id(value))  # it may stand in other places, too
        return holes

    def _hole(self, text: str) -> Template | None:
        if (one := template(text)) is None:
            return None
        if len(one.path) > LONGEST_PATH:
            raise ConfigError((self._place, f"holds a template with a path of more than {LONGEST_PATH} names"))
        self.found.append(one)
        if len(self.found) > MOST_TEMPLATES:
            raise ConfigError((self._place, f"holds more than {MOST_TEMPLATES} templates"))
        return one


def _length(config: Any) -> int:
    """How many letters the texts in it have, and about what is around them."""
    length, left, seen = 0, [config], set[int]()
    while left:
        value = left.pop()
        length += _AROUND + (len(value) if isinstance(value, str) else 0)
        if isinstance(value, (Mapping, list)) and id(value) not in seen:
            seen.add(id(value))
            left += [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
    return length


def _taken(step: _PathStep, event: Any, values: Values) -> Any:
    """The event without what the paths take out of it; that goes into `values`."""
    if not isinstance(event, Mapping):
        return event
    changed, gone = {}, set()
    for name, after in step.after.items():
        item = event.get(name)
        if not present(item):
            continue
        rest = _taken(after, item, values) if after.after else item
        if after.path is not None:
            values[after.path] = plain(item, ".".join(after.path))
            gone.add(name)
        elif rest is not item:
            changed[name] = rest
    if not gone and not changed:
        return event
    return {name: changed.get(name, item) for name, item in event.items() if name not in gone}


def _filled(value: Any, holes: _Holes, values: Values) -> Any:
    """A copy of the value with what is filled in."""
    if isinstance(holes, Template):
        return values.get(holes.path, holes.default)
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    for key, below in holes.items():
        copy[key] = _filled(copy[key], below, values)
    return copy


# --- configs ----------------------------------------------------------------------------------------------------------


class Settings:
    """A Config that comes as data: what it is for each event. It is read once, or once for all that fill in the same.

    Made of anything, and read when it is first asked for: what is wrong with it is told of each event. `env`: as for
    `DestinationConfig.from_rudderstack`.
    """

    def __init__(self, given: Any, env: Mapping[str, str] | None = None) -> None:
        self._given = given
        self._env = env
        self._fixed: DestinationConfig | ConfigError | Dynamic | None = None
        self._filled: dict[str, DestinationConfig | ConfigError] = {}
        self._kept = 0

    def __reduce__(self) -> tuple[Callable[..., Settings], tuple[Any, ...]]:
        """What was given, to be read anew where it arrives; the environment, which holds other secrets, stays here."""
        return _given_settings, (self._given, self._fit)

    def fitting(self, tenant: Tenant, mode: str = REFUSE) -> Settings:
        """The same, with values made to fit the tenant's fields: `DestinationConfig.fitting`. Raises ConfigError."""
        settings = Settings(self._given, self._env)
        settings._fit = checked_fit(tenant, mode)
        return settings

    @classmethod
    def at_fault(cls, error: ConfigError) -> Settings:
        """Those that have that error for each event."""
        settings = cls(None)
        settings._fixed = error
        return settings

    def of(self, event: Any) -> tuple[DestinationConfig, Any]:
        """The config as it is for the event, and the event without what it has filled in there.

        Raises ConfigError; EventError for a value that cannot be filled in.
        """
        fixed = self._read_once()
        if isinstance(fixed, Dynamic):
            values, event = fixed.taken(event)
            key = key_of(values)
            known = self._filled.get(key)
            if known is None:
                known = self._filled[key] = self._filled_in(fixed, values, len(key))
            fixed = known
        if isinstance(fixed, ConfigError):
            raise afresh(fixed)
        return fixed, event

    def default(self) -> DestinationConfig:
        """The config for an event that fills in nothing. Raises ConfigError."""
        return self.of(None)[0]

    def shared(self) -> DestinationConfig:
        """The same, of which the domain and the key are those of all events. Raises ConfigError where they are not."""
        default = self.default()
        if isinstance(self._fixed, Dynamic) and (names := [name for name in _SHARED if self._fixed.fills(name)]):
            problem = "is filled in by each event, and here all go to one tenant with one key: write it as it is"
            raise ConfigError(*((name, problem) for name in names))
        return default

    def as_fixed(self) -> DestinationConfig | Settings:
        """The config itself, if it is the same for each event. Raises ConfigError."""
        return self if isinstance(self._read_once(), Dynamic) else self.default()

    @property
    def domain(self) -> str:
        """The host of the tenant, for an event that fills in nothing. Raises ConfigError."""
        return self.default().domain

    def _read_once(self) -> DestinationConfig | ConfigError | Dynamic:
        if self._fixed is None:
            self._fixed = self._begun()
        return self._fixed

    def _begun(self) -> DestinationConfig | ConfigError | Dynamic:
        given = self._given
        try:
            config = self._config(given)
            if self._env is not None and isinstance(config, Mapping):  # before events fill in what they like
                config = config_with_env(config, self._env)
            if isinstance(given, Mapping) and given.get("hasDynamicConfig") is False:
                return self._read(config)
            return Dynamic.of(config, self._place) or self._read(config)
        except ConfigError as error:
            return error

    #: Where an error about all of the Config says that it is.
    _place = "destination config"
    #: The tenant that values are made to fit, and how.
    _fit: tuple[Tenant | None, str] | None = None

    def _config(self, given: Any) -> Any:
        """The Config in what was given. Raises ConfigError."""
        return config_in(given)

    def _filled_in(self, dynamic: Dynamic, values: Values, length: int) -> DestinationConfig | ConfigError:
        """The config by these values. Those before are forgotten once they are too many."""
        self._kept += dynamic.length + length
        if self._kept > MOST_FILLED:
            self._filled.clear()
            self._kept = dynamic.length + length
        return self._read_filled(dynamic, values)

    def _read(self, config: Any) -> DestinationConfig | ConfigError:
        try:
            read = DestinationConfig.from_rudderstack({"Config": config})
            return read if self._fit is None else read.fitting(*self._fit)
        except ConfigError as error:
            return error

    def _read_filled(self, dynamic: Dynamic, values: Values) -> DestinationConfig | ConfigError:
        """The config by these values, which no error shows."""
        read = self._read(dynamic.filled(values))
        if isinstance(read, DestinationConfig):
            return read
        names = [name for value in values.values() if isinstance(value, str) and (name := variable(value))]
        return ConfigError(*((place, _masked(problem, names)) for place, problem in read.problems))


def _given_settings(given: Any, fit: tuple[Tenant | None, str] | None) -> Settings:
    settings = Settings(given)
    settings._fit = fit  # noqa: SLF001 - it is made here
    return settings


def _masked(text: str, names: Iterable[str]) -> str:
    """The text with each of the names masked, be it ever so short."""
    for name in names:
        text = text.replace(f" {name},", f" {MASK},")
    return text


def key_of(values: Values) -> str:
    """The values as text, in which no value is like another. Raises EventError for a number that has no text."""
    try:
        return json.dumps([*values.items()])
    except ValueError:
        raise EventError("the event", "holds an integer too long to be written as text") from None


def configured(given: DestinationConfig | Settings | Object, event: Any) -> tuple[DestinationConfig, Any]:
    """The config for the event, and the event without what it has filled in there. Raises ConfigError, EventError."""
    if isinstance(given, DestinationConfig):
        return given, event
    return (given if isinstance(given, Settings) else Settings(given)).of(event)


def config_of(given: DestinationConfig | Settings | Object) -> DestinationConfig | Settings:
    """The config itself, or what RudderStack's own says: Settings, if events fill it in. Raises ConfigError."""
    if isinstance(given, DestinationConfig):
        return given
    return (given if isinstance(given, Settings) else Settings(given)).as_fixed()


def for_one_tenant(
    given: DestinationConfig | Settings | Object,
) -> tuple[DestinationConfig | Settings, DestinationConfig]:
    """What is the config of each event, and that by which all of them are sent. Raises ConfigError."""
    config = config_of(given)
    return config, config.shared() if isinstance(config, Settings) else config


def of_one_tenant(given: DestinationConfig | Settings | Object) -> DestinationConfig | Settings:
    """What is the config of each event, where all go to one tenant with one key. Raises ConfigError."""
    return for_one_tenant(given)[0]


_E = TypeVar("_E", bound=Exception)


def afresh(error: _E) -> _E:
    """The error, to be raised again: without the traces of the times before, which would grow and keep all alive."""
    return error.with_traceback(None)
