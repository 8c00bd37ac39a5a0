"""What Beam and Spark share: events as JSON text, where the keys come from, what failures are counted by."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.outcome import is_nested
from gainsight_dest.templates import Settings, of_one_tenant

#: What a job without a store says in its log.
ALONE = (
    "No store is named (known=…): while this job sends, no other may send to the tenant. Two would create the same "
    "companies, and each would take all of the tenant's calls for its own"
)


class ParsedEvent(NamedTuple):
    """An event as it was read, or the error that stands in for it. `text`: the text that it was, if it was one."""

    event: Any
    text: str | None = None

    @property
    def raw(self) -> Any:
        """What a dead letter holds of it: the event, or the text that is not JSON."""
        return self.text if isinstance(self.event, EventError) else self.event

    def as_text(self) -> str | None:
        """The event as JSON text, of ASCII where it was made here. Text that is not JSON stays as it is."""
        return json.dumps(self.event) if self.text is None and self.event is not None else self.text


def parsed(given: str | bytes | None) -> ParsedEvent:
    """The event of a JSON text, also in RudderStack's nested form, as in dead letters. None: no event.

    An error stands in for text that is not JSON. A nested text that was not JSON, and has been fixed, is parsed too.
    """
    if given is None:
        return ParsedEvent(None)
    try:
        event = json.loads(given)
    except (ValueError, RecursionError):
        text = given if isinstance(given, str) else given.decode(errors="replace")
        return ParsedEvent(EventError("the event", "is not JSON"), text)
    if not is_nested(event):
        return ParsedEvent(event, given if isinstance(given, str) else None)
    event = event["message"]
    return parsed(event) if isinstance(event, str) else ParsedEvent(event)


def json_with_keys(content: str | bytes) -> Any:
    """The JSON value. Raises ValueError, which holds nothing of the content, unlike an error of Python's own."""
    value: Any = None
    is_json = True
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        is_json = False
    if not is_json:  # raised here, so that the error before is not its context
        raise ValueError("is not JSON")
    return value


def failure_code(error: Mapping[str, Any]) -> str:
    """By what an `error_record` is counted: Gainsight's code, else `http_503`, else the kind of the error."""
    code: str = error["code"] or (error["status"] and f"http_{error['status']}") or error["kind"]
    return code


# --- where the keys come from -----------------------------------------------------------------------------------------

#: A destination config, or where to get it: the path of a JSON file, or a function that gives it, or its JSON text.
ConfigSource = DestinationConfig | Settings | Mapping[str, Any] | str | os.PathLike[str] | Callable[[], Any]


def read_file(path: str) -> bytes:
    """The content of a file. Raises OSError."""
    return Path(path).read_bytes()


@attrs.define(eq=False, repr=False)
class ConfigReference:
    """A destination config that is read where it is used first, in each process: what pickles it holds no key.

    `source`: the path of a JSON file, which `read` reads, or a function that gives the config, or its JSON text. It
    must pickle, if this is to. Two of the same are equal.
    """

    source: str | Callable[[], Any]
    read: Callable[[str], bytes] = read_file
    _opened: DestinationConfig | Settings | None = attrs.field(default=None, init=False)

    def open(self) -> DestinationConfig | Settings:
        """The config. Raises ConfigError, and whatever the function raises."""
        if self._opened is None:  # two threads may both read it, and read the same
            self._opened = self._config()
        return self._opened

    def _config(self) -> DestinationConfig | Settings:
        if callable(self.source):
            given = self.source()
            if not isinstance(given, (str, bytes)):
                return of_one_tenant(given)
            return _config_of("what the function gives", given)
        try:
            content = self.read(self.source)
        except OSError as error:
            raise ConfigError(
                ("config", f"the file cannot be read: {error.strerror or type(error).__name__}")
            ) from None
        return _config_of("the file", content)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.source, self.read

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.source, self.read = state
        self._opened = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigReference) and self.__getstate__() == other.__getstate__()

    def __hash__(self) -> int:
        return hash(self.__getstate__())

    def __repr__(self) -> str:
        named = getattr(self.source, "__qualname__", type(self.source).__name__) if callable(self.source) else None
        return f"<config of {named or self.source}>"


def _config_of(what: str, content: str | bytes) -> DestinationConfig | Settings:
    """Of JSON text. Raises ConfigError, which shows nothing of it."""
    try:
        return of_one_tenant(json_with_keys(content))
    except ConfigError as error:
        problems = ((f"config.{place}", problem) for place, problem in error.problems)
        raise ConfigError(*problems) from None
    except ValueError as error:
        raise ConfigError(("config", f"{what} {error}")) from None


def config_of(
    source: ConfigSource | ConfigReference | None, read: Callable[[str], bytes] = read_file
) -> DestinationConfig | Settings | ConfigReference:
    """The config itself, or a reference to where it is: of a path, which `read` reads, or of a function.

    Raises ConfigError: also for None, and for JSON text, since an engine may show what it is given, and keys are in it.
    """
    if source is None:
        raise ConfigError(("config", "is missing: give the path of a JSON file with the destination's config"))
    if isinstance(source, ConfigReference):
        return source
    if isinstance(source, os.PathLike):
        source = os.fsdecode(source)
    if isinstance(source, str):
        if source.lstrip().startswith(("{", "[")):
            problem = "must be the path of a JSON file, not its text: the engine may show it, and keys are in it"
            raise ConfigError(("config", problem))
        return ConfigReference(source, read)
    return ConfigReference(source, read) if callable(source) else of_one_tenant(source)
