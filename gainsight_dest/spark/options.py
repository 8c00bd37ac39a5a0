"""Options of the writer: texts, checked all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.engines import OptionsError, has_password, json_with_keys, no_such_option
from gainsight_dest.deliver.shards import Shards
from gainsight_dest.errors import ConfigError
from gainsight_dest.spelling import Names
from gainsight_dest.templates import Settings, of_one_tenant


@attrs.frozen
class WriterOptions:
    """What the options say. `failed`, `journal`: folders."""

    shards: Shards
    failed: Path | None = None
    journal: Path | None = None


def _config(text: str) -> DestinationConfig | Settings:
    if text.lstrip().startswith(("{", "[")):
        raise ValueError("must be the path of a JSON file, not its text: Spark may show options, and keys are in it")
    try:
        return of_one_tenant(json_with_keys(Path(text).read_bytes()))
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except ConfigError as error:
        raise ValueError(f"the file is not a destination config: {error}") from None
    except ValueError as error:
        raise ValueError(f"the file {error}") from None


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise ValueError("must be a whole number from 1")


def _limit(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) or None
    raise ValueError("must be a whole number; 0: no limit")


def _store(text: str) -> str:
    if has_password(text):
        raise ValueError("must hold no password, as Spark may show options")
    return absolute_store(text)


def absolute_store(place: str) -> str:
    """The place of a store, as it is. Raises ValueError for a path that is not the same in each process."""
    if "://" in place or Path(place).is_absolute():
        return place
    raise ValueError("must be an absolute path, or the URL of a Redis that driver and executors reach")


def _folder(text: str) -> Path:
    if Path(text).is_absolute():
        return Path(text)
    raise ValueError("must be an absolute path of a folder that driver and executors share, and no URL")


#: What reads each option.
OPTIONS: dict[str, Callable[[str], Any]] = {
    "config": _config,
    "shards": _number,
    "calls_per_minute": _limit,
    "calls_per_day": _limit,
    "workers": _number,
    "batch": _number,
    "base_url": str,
    "known": _store,
    "resend_after": _number,
    "failed": _folder,
    "journal": _folder,
}
#: What Spark itself puts among the options of a stream.
_SPARKS_OWN = {"checkpointlocation", "queryname"}


def settings_of(options: Mapping[str, str]) -> WriterOptions:
    """What the options say. Raises OptionsError, which names all that are wrong."""
    names = Names(OPTIONS)
    problems, found = [], {}
    for name, text in options.items():
        if name in OPTIONS:
            try:
                found[name] = OPTIONS[name](text)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        elif name.lower() not in _SPARKS_OWN:
            problems.append(no_such_option(name, names))
    if "config" not in options:
        problems.append("config: is missing: the path of a JSON file with the destination's config")
    folders = {name: found.pop(name, None) for name in ("failed", "journal")}
    if not problems:
        try:
            return WriterOptions(Shards(**found), **folders)
        except (ConfigError, ValueError) as error:
            problems.append(str(error))
    raise OptionsError("options of gainsight: " + "; ".join(problems))
