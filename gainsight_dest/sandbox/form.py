"""What the form of the sandbox's page holds: events as text, and a config's maps. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl

import attrs

from gainsight_dest.config import MAPS, SETTINGS, DestinationConfig
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.outcome import is_nested
from gainsight_dest.reading import events_of
from gainsight_dest.spelling import printable

#: Bytes of a form, and events in it, that are taken.
MOST_OF_A_FORM = 2**20
MOST_EVENTS = 50

#: The form's field for events; the maps go by RudderStack's names for them.
EVENTS = "events"
#: Stands in for the config of a sandbox that takes every key. Its keys are masked wherever they stand, so they are no
#: words that an event may hold.
STAND_IN = DestinationConfig(
    domain="sandbox.example.invalid",
    access_key="stand-in-access-key",
    shared_secret="stand-in-shared-secret",  # noqa: S106 - it opens nothing
    tenant_id="sandbox",
    topic_name="sandbox",
)


class FormProblem(NamedTuple):
    """What is wrong with a field of the form: the field's name, and why, in words."""

    field: str
    problem: str


@attrs.frozen(repr=False)
class EventForm:
    """The form as it was filled in: the text of its events, and of each map. The repr shows none of it."""

    events: str
    maps: Mapping[str, str]

    @classmethod
    def of(cls, config: DestinationConfig | None, events: str = "") -> EventForm:
        """The form as it is before anybody fills it in, with the maps of the config."""
        maps = {name: {} if config is None else dict(getattr(config, SETTINGS[name].name)) for name in MAPS}
        hide = STAND_IN.hide if config is None else config.hide  # a key may have been pasted where it does not belong
        return cls(events, {name: hide(_map_text(rows)) for name, rows in maps.items()})

    @classmethod
    def from_body(cls, body: bytes) -> EventForm:
        """The form as a browser sends it. Raises ValueError for a body that is none."""
        pairs = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20))
        texts = {name: value.replace("\r\n", "\n") for name, value in pairs.items()}
        return cls(texts.get(EVENTS, ""), {name: texts.get(name, "") for name in MAPS})

    def __repr__(self) -> str:
        return f"<EventForm of {len(self.events)} characters>"


def _map_text(rows: Mapping[str, str]) -> str:
    return json.dumps(rows, indent=1, ensure_ascii=False) if rows else "{}"


@attrs.frozen(repr=False)
class ReadForm:
    """What the form asks for: events, and the config to try them with; or what is wrong with it, and then neither."""

    events: tuple[Any, ...] = ()
    config: DestinationConfig = STAND_IN
    problems: tuple[FormProblem, ...] = ()


def read_form(form: EventForm, config: DestinationConfig | None) -> ReadForm:
    """What the form asks for. `config`: that of the sandbox, whose maps those of the form stand in for."""
    problems: list[FormProblem] = []
    events: list[Any] = []
    try:
        events = events_in(form.events)
    except (ValueError, EventError) as error:
        problems.append(FormProblem(EVENTS, str(error)))
    else:
        if not 0 < len(events) <= MOST_EVENTS:
            problem = f"has {len(events):,} events: it takes 1 to {MOST_EVENTS} at a time"
            problems.append(FormProblem(EVENTS, problem if events else "has no event: paste one, in JSON"))
    maps: dict[str, Any] = {}
    for name, text in form.maps.items():
        try:
            found = values_in(text)
            maps[name] = found[0] if found else {}
            if len(found) > 1:
                problems.append(FormProblem(name, "must be one JSON object"))
        except ValueError as error:
            problems.append(FormProblem(name, str(error)))
    made = config or STAND_IN
    try:
        made = _with_maps(made, maps)
    except ConfigError as error:
        problems += (FormProblem(_map_of(place), f"{place} {problem}") for place, problem in error.problems)
    return ReadForm(problems=tuple(problems)) if problems else ReadForm(tuple(events), made)


def _with_maps(config: DestinationConfig, maps: Mapping[str, Any]) -> DestinationConfig:
    """The config with other maps. Raises ConfigError with RudderStack's names of places."""
    settings = {name: getattr(config, setting.name) for name, setting in SETTINGS.items()}
    made = DestinationConfig.from_rudderstack({**settings, **maps})
    return made if config.fit is None else made.fitting(config.fit, config.fit_mode)


def _map_of(place: str) -> str:
    return next((name for name in MAPS if place.startswith(name)), EVENTS)


def events_in(text: str) -> list[Any]:
    """The events of a text: one, one after another in whatever lines, in an array, or as RudderStack's SDKs send them.

    Raises ValueError for what is no JSON, with the line, and EventError for what is no event.
    """
    return [_bare(event) for value in values_in(text) for event in events_of(_bare(value))]


def _bare(value: Any) -> Any:
    """The event out of RudderStack's nested form."""
    return value["message"] if is_nested(value) else value


def values_in(text: str) -> list[Any]:
    """The JSON values that stand one after another in a text. Raises ValueError, with the line."""
    return [*_values(text)]


def _values(text: str) -> Iterator[Any]:
    at = 0
    while (at := _after_spaces(text, at)) < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise ValueError(f"line {line}: not JSON that is taken: {_why(error)}") from None
        yield value


def _after_spaces(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return at if found is None else found.end()


def _why(error: Exception) -> str:
    return "it is nested too deep" if isinstance(error, RecursionError) else printable(str(error).partition(":")[0])


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


#: Between values there may also be commas, as in the middle of an array that was copied.
_SPACES = re.compile(r"[\s,\ufeff]+")
_DECODER = json.JSONDecoder(parse_constant=_not_json)
