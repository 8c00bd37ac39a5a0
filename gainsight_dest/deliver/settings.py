"""The options of the engines, in one table: what each takes, and what it is if it is not given.

By it they are read, checked and documented, for Beam and for Spark alike: a text that an engine hands on means what the
number in a program means, and is refused in the same words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

import attrs

from gainsight_dest.batching.address import shares
from gainsight_dest.batching.defaults import BATCH, CALLS_PER_DAY, CALLS_PER_MINUTE, WORKERS
from gainsight_dest.deliver.call import TIMEOUT, Timeout
from gainsight_dest.deliver.flow import SILENCE
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.descriptors import checked_base_url
from gainsight_dest.errors import ConfigError
from gainsight_dest.spelling import Names, did_you_mean
from gainsight_dest.values import kind, native

#: No number of calls, events or seconds is larger.
MOST = 1_000_000_000
#: A text that is a number. Longer ones are none.
_NUMERAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
#: What does not depend on an engine.
BOTH = frozenset({"Beam", "Spark"})


class OptionsError(ConfigError, ValueError):
    """Options are wrong. One error lists all that are, and shows no text of them: a key may stand in the wrong place.

    `where`: whose options they are, such as "by_shard". `problems`: as of ConfigError, by the names of the options.
    """

    def __init__(self, where: str, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.args = (where, *problems)  # so that it pickles
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {'; '.join(f'{name}: {problem}' for name, problem in self.problems)}"


# --- what an option may be --------------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    """The number that a text stands for; anything else, as it is."""
    value = native(value)
    if not isinstance(value, str) or not _NUMERAL.fullmatch(value):
        return value
    return int(value) if value.lstrip("-").isdigit() else float(value)


def _wrong(takes: str, value: Any) -> ValueError:
    """What is told of a value. Of a text that is no number it is not told which."""
    number = _number(value)
    shown = number if type(number) in {int, float} and abs(number) < 10 * MOST else kind(value)
    return ValueError(f"must be {takes}, not {shown}")


def _whole(takes: str, least: int, most: int = MOST) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _number(value)
        if type(number) is not int or not least <= number <= most:
            raise _wrong(takes, value)
        return number

    return read


def _limit(value: Any) -> int | None:
    return _read_limit(value) or None


def _seconds(value: Any, most: float = MOST, takes: str | None = None) -> float:
    number = _number(value)
    if type(number) not in {int, float} or not 0 < number <= most:
        raise _wrong(takes or _SECONDS, value)
    return float(number)


def _window(value: Any) -> float:
    return _seconds(value, takes=_WINDOW)


def _silence(value: Any) -> float:
    return _seconds(value, inf)


def _timeout(value: Any) -> Timeout:
    first, second = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    return _seconds(first), _seconds(second)


def _patience(value: Any) -> Patience:
    if not isinstance(value, Patience):
        raise _wrong("a Patience", value)
    return value


def _base_url(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("a URL", value)
    try:
        return checked_base_url(value)
    except ConfigError as error:
        raise ValueError(error.problems[0][1]) from None


def _store(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _wrong(_PLACE, value)
    place = os.fsdecode(value)
    if "://" in place or Path(place).is_absolute():
        return place
    raise ValueError(f"must be {_PLACE}: all processes of the job open it")


def _folder(value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise _wrong(_FOLDER, value)
    folder = Path(os.fsdecode(value))
    if folder.is_absolute():
        return folder
    raise ValueError(f"must be {_FOLDER}, and no URL")


_LIMIT = "a whole number, or 0 for no limit"
_SECONDS = "a number of seconds above 0"
_WINDOW = f"{_SECONDS}, or a WindowFn"
_PLACE = "an absolute path, or the URL of a Redis that all processes reach"
_FOLDER = "an absolute path of a folder that driver and executors share"
_read_limit = _whole(_LIMIT, 0)


@attrs.frozen
class EngineOption:
    """An option of the engines.

    `takes`: what it may be, in words. `read`: makes the value of what is given, a text too, and raises ValueError.
    `default`: None where there is none; `unit`: of a number. `about`: what it is for. `engines`: who has it.
    `is_optional`: None may be given, and is as if nothing were.
    """

    name: str
    takes: str
    read: Callable[[Any], Any]
    default: Any
    unit: str
    about: str
    engines: frozenset[str] = BOTH
    is_optional: bool = False

    def of(self, value: Any) -> Any:
        """The value. Raises ValueError for what it cannot be."""
        return None if value is None and self.is_optional else self.read(value)


def _count(name: str, most: int, default: int, unit: str, about: str) -> EngineOption:
    takes = f"a whole number from 1 to {most:,}"
    return EngineOption(name, takes, _whole(takes, 1, most), default, unit, about)


def _calls(name: str, default: int, about: str) -> EngineOption:
    return EngineOption(name, _LIMIT, _limit, default, "calls", about, is_optional=True)


_ROWS = (
    _count("shards", 10_000, 1, "senders", "of people and track events, side by side; one more is for companies"),
    _calls("calls_per_minute", CALLS_PER_MINUTE, "what all senders may use of the tenant's calls together"),
    _calls("calls_per_day", CALLS_PER_DAY, "the same of a day"),
    _count("workers", 1_000, WORKERS, "calls", "calls that each sender has under way at once"),
    _count("batch", 1_000_000, BATCH, "events", "events that each sender merges at once"),
    EngineOption("base_url", "a URL", _base_url, None, "", "where to send instead of the tenant", is_optional=True),
    EngineOption("known", _PLACE, _store, None, "", "the store that all jobs of the tenant share", is_optional=True),
    EngineOption(
        "resend_after",
        _SECONDS,
        _seconds,
        None,
        "seconds",
        "send again what was sent so long ago; never, if it is not given",
        is_optional=True,
    ),
    EngineOption("timeout", f"{_SECONDS}, or two", _timeout, TIMEOUT, "seconds", "to connect, and without a byte"),
    EngineOption("patience", "a Patience", _patience, Patience(), "", "when to give up on an event; no text"),
    EngineOption("silence", _SECONDS, _silence, SILENCE, "seconds", "a job ends if no call gets through for so long"),
    EngineOption(
        "window",
        _WINDOW,
        _window,
        None,
        "seconds",
        "for how long unbounded events are gathered; as they are windowed, if it is not given",
        frozenset({"Beam"}),
        is_optional=True,
    ),
    EngineOption(
        "journal",
        _FOLDER,
        _folder,
        None,
        "",
        "where each task keeps what it has sent",
        frozenset({"Spark"}),
        is_optional=True,
    ),
    EngineOption(
        "failed", _FOLDER, _folder, None, "", "where failed events are kept", frozenset({"Spark"}), is_optional=True
    ),
)
#: By their names.
OPTIONS: Mapping[str, EngineOption] = {option.name: option for option in _ROWS}
#: Those of `Shards`.
OF_SHARDS = tuple(option.name for option in _ROWS if option.engines == BOTH)


def default(name: str) -> Any:
    """What the option is if it is not given."""
    return OPTIONS[name].default


def converted(name: str, value: Any) -> Any:
    """The value of the option, for a field of Shards. Raises OptionsError."""
    try:
        return OPTIONS[name].of(value)
    except ValueError as error:
        raise OptionsError("Shards", (name, str(error))) from None


# --- reading them -----------------------------------------------------------------------------------------------------


def values_of(given: Mapping[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The values of the options that are given, and the problems of those that are wrong. `names`: which there are."""
    there = [*names]
    spellings, found, problems = Names(there), {}, []
    for name, value in given.items():
        if name not in there:
            problems.append((name, _not_there(name, spellings)))
            continue
        try:
            found[name] = OPTIONS[name].of(value)
        except ValueError as error:
            problems.append((name, str(error)))
    return found, problems or [*contradictions(found)]


def contradictions(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with values that are right each by itself."""
    if found.get("resend_after") is not None and found.get("known") is None:
        yield "resend_after", "is for what is known: it needs known"
    for name in ("calls_per_minute", "calls_per_day"):
        try:
            shares(found.get(name, OPTIONS[name].default), found.get("shards", OPTIONS["shards"].default))
        except ValueError as error:
            yield name, str(error)


def _not_there(name: str, names: Names) -> str:
    option = OPTIONS.get(name)
    if option is not None:
        return f"there is no such option here, it is one of {' and '.join(sorted(option.engines))}: leave it out"
    question = did_you_mean(names.near(name))
    return f"there is no such option{f'. {question}' if question else ''}"


# --- places -----------------------------------------------------------------------------------------------------------


def has_password(place: str) -> bool:
    """Whether the place of a store may hold a password: as a user's, or among the options of a URL."""
    _, is_url, rest = place.partition("://")
    return bool(is_url) and ("@" in rest or "password" in rest.casefold())


def shown_place(known: str | os.PathLike[str] | None) -> str | None:
    """The place of a store, as it may be shown: of a URL that may hold a password, no more than its scheme."""
    if known is None:
        return None
    place = os.fspath(known)
    return f"{place.partition('://')[0]}://***" if has_password(place) else place
