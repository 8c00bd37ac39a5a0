"""The destination that a command is given: a file of any form that RudderStack exports, and keys of the environment.

Keys in the environment go before those in the file, and `env.NAME` in the file is filled in from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from gainsight_dest import ConfigError, DestinationConfig
from gainsight_dest.cli.files import WrongInputError, blamed, content, json_of, needs
from gainsight_dest.cli.options import refuse_idle
from gainsight_dest.cli.places import Lines, Steps, lines_of
from gainsight_dest.reading import PlacedDestination, config_key, placed_in
from gainsight_dest.templates import Settings
from gainsight_dest.values import quoted

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

#: The variables that go before the file, by what RudderStack calls the setting. Each has a form that names a file.
KEYS = {"accessKey": "GAINSIGHT_ACCESS_KEY", "sharedSecret": "GAINSIGHT_SHARED_SECRET"}
_IN_A_FILE = "_FILE"
_YAML = (".yaml", ".yml")
_MOST_PROBLEMS = 100
_MOST_LISTED = 50
_CHOSEN = "gainsight_dest.cli.config.destination"
_ABOUT = "The destination as RudderStack stores or exports it (JSON or YAML), or its Config alone."
_F = TypeVar("_F", bound=Callable[..., Any])


def _remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
    context.meta[_CHOSEN] = value


def _options(*, required: bool, path: click.Path) -> Callable[[_F], _F]:
    about = "Which destination, if FILE holds several."
    which = click.option("--destination", metavar="NAME|ID", callback=_remember, expose_value=False, help=about)
    file = click.option("--config", "config_file", metavar="FILE", required=required, type=path, help=_ABOUT)
    return lambda command: file(which(command))


#: The options that commands take their destination by.
config_option = _options(required=False, path=click.Path(exists=True, dir_okay=False))
#: The same, of a command that is for nothing else.
config_needed = _options(required=True, path=click.Path())


#: How values are made to fit the tenant of --tenant. Its parameter is a word of FitMode, or None.
fit_option = click.option(
    "--fit",
    type=click.Choice(["refuse", "drop", "cut", "cut-or-drop"]),
    help="Make values fit the fields of --tenant. What cannot be: fail the event, or drop the field. "
    "cut: the same, with texts cut to the field's length.",
)


def fitting(
    config: DestinationConfig | Settings, tenant: Tenant | None, fit: str | None
) -> DestinationConfig | Settings:
    """The config with values made to fit, if that was asked for. Raises click.UsageError for --fit without --tenant."""
    refuse_idle({"fit": "tenant"})
    return config if fit is None or tenant is None else config.fitting(tenant, fit)


def given_fitting(file: str | None, tenant: Tenant | None, fit: str | None) -> DestinationConfig | Settings | None:
    """The same of the config of a command's --config; None without one. Raises as `given_config`, too."""
    config = given_config(file)
    if config is not None:
        return fitting(config, tenant, fit)
    refuse_idle({"fit": "config_file"})
    return None


@attrs.frozen
class ConfigFile:
    """A file with a destination: the Config as it is written, any JSON, and the lines of what stands in it.

    `name`: what RudderStack calls the destination, with its revision, if the file has them.
    """

    config: Any
    lines: Lines
    name: str | None = None


def given_config(file: str | None) -> DestinationConfig | Settings | None:
    """The config of a command's --config; None without one.

    Raises WrongInputError, and click.UsageError for --destination alone.
    """
    refuse_idle({"destination": "config_file"})
    return None if file is None else destination_config(file)


def destination_config(file: str, env: Mapping[str, str] = os.environ) -> DestinationConfig | Settings:
    """The config that the file holds; Settings, if events fill it in. Raises WrongInputError.

    `env`: the environment.
    """
    config = written(file, env).config
    try:
        return Settings({"Config": config}, env).as_fixed()
    except ConfigError as error:
        shown = [(_with_variable(place, env), problem) for place, problem in error.problems[:_MOST_PROBLEMS]]
        problems = "".join(f"\n  {place}: {problem}" for place, problem in shown)
        if more := len(error.problems[_MOST_PROBLEMS:]):
            problems += f"\n  and {more:,} more"
    raise WrongInputError(f"{file} is not a destination config:{problems}")


def fixed_config(file: str, env: Mapping[str, str] = os.environ) -> DestinationConfig:
    """The same, for an event that fills in nothing. Raises WrongInputError."""
    config = destination_config(file, env)
    try:
        return config.default() if isinstance(config, Settings) else config
    except ConfigError as error:
        problem = str(error)
    raise WrongInputError(f"{file} is not a destination config without an event that fills it in: {problem}")


def written(file: str, env: Mapping[str, str] = os.environ) -> ConfigFile:
    """The Config of the destination in the file, as it is written, with the keys that are in the environment.

    Raises WrongInputError.
    """
    found = _written(file)
    keys = _keys(env)
    return attrs.evolve(found, config={**found.config, **keys}) if isinstance(found.config, Mapping) else found


def _written(file: str) -> ConfigFile:
    given, lines = _parsed(file)
    context = click.get_current_context(silent=True)
    placed = _chosen(file, given, context.meta.get(_CHOSEN) if context else None)
    if placed is None:
        return ConfigFile(given, Lines(lines, ()))
    key = config_key(placed.destination)
    if key is None:
        return ConfigFile(placed.destination, Lines(lines, placed.steps))
    return ConfigFile(placed.destination[key], Lines(lines, (*placed.steps, key)), _name(placed))


def _name(placed: PlacedDestination) -> str | None:
    """What RudderStack calls the destination, and its revision: that, or when it was changed."""
    told = (placed.destination.get(key) for key in ("revisionId", "updatedAt"))
    revision = next((value for value in told if isinstance(value, str) and value.strip()), None)
    words = (placed.name, revision and f"revision {revision}")
    return ", ".join(filter(None, words)) or None


def _chosen(file: str, given: Any, name: str | None) -> PlacedDestination | None:
    """The destination that is meant; None where there is nothing that might be one. Raises WrongInputError."""
    found = placed_in(given)
    meant = found if name is None else [each for each in found if each.id == name]
    meant = meant or [each for each in found if each.name == name]
    if len(meant) == 1:
        return meant[0]
    if name is None and not isinstance(given, Mapping):
        return None
    if not found:
        raise WrongInputError(f"{file} holds no Gainsight destination: give an export that does, or its Config alone")
    listed = "".join(f"\n  {_called(each)}" for each in found[:_MOST_LISTED])
    which = f"of the name or id {quoted(name)}" if name is not None else ""
    how_many = "several destinations" if len(meant) > 1 else "no destination"
    words = " ".join(filter(None, (how_many, which)))
    raise WrongInputError(f"{file} holds {words}: choose one with --destination NAME|ID:{listed}")


def _called(placed: PlacedDestination) -> str:
    words = [quoted(placed.name) if placed.name is not None else "(no name)"]
    words += [f"id {quoted(placed.id)}"] if placed.id is not None else []
    return ", ".join(words)


# --- keys -------------------------------------------------------------------------------------------------------------


def _keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys that the environment has. Raises WrongInputError for a key twice, or a file that cannot be read."""
    found = {setting: _key(environment, name) for setting, name in KEYS.items()}
    return {setting: key for setting, key in found.items() if key is not None}


def _with_variable(place: str, environment: Mapping[str, str]) -> str:
    """The setting, with the variable that it came by, if it did."""
    name = KEYS.get(place, "")
    given = [each for each in (name, name + _IN_A_FILE) if environment.get(each, "").strip()]
    return f"{place} (of the variable {given[0]})" if name and given else place


def _key(environment: Mapping[str, str], name: str) -> str | None:
    """The key; a variable that is blank is none."""
    in_a_file = name + _IN_A_FILE
    value, path = (environment.get(each, "") for each in (name, in_a_file))
    if value.strip() and path.strip():
        raise WrongInputError(f"{name} and {in_a_file} are both set: keep one of them")
    if not path.strip():
        return value if value.strip() else None
    try:
        text = content(path).decode()
    except WrongInputError as error:
        problem = str(error)
    except UnicodeDecodeError:
        problem = f"{path} is not UTF-8"
    else:
        text = text.removesuffix("\n").removesuffix("\r")
        if text.strip():
            return text
        problem = f"{path} holds no key"
    raise WrongInputError(f"{in_a_file}: {problem}")


# --- files ------------------------------------------------------------------------------------------------------------


def _parsed(file: str) -> tuple[Any, dict[Steps, int]]:
    """What the file holds, and the lines of its parts. Raises WrongInputError."""
    data = content(file)
    if Path(file).suffix.lower() in _YAML:
        needs(f"{file}: YAML", "cli", "ruamel.yaml")
        from gainsight_dest.cli import yaml_file  # noqa: PLC0415 - few configs are YAML, and it takes long to load

        with blamed(file):
            return yaml_file.parsed(data)
    given = json_of(file, data)
    return given, lines_of(data.decode(json.detect_encoding(data), "surrogatepass"))
