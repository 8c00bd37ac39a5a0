"""Arguments and options that several commands have, and the refusal of options that contradict each other.

To leave one of those out in silence would be to do something else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from gainsight_dest import ConfigError, DestinationConfig
from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.cli.files import WrongInputError, content, json_of
from gainsight_dest.templates import Settings

if TYPE_CHECKING:
    from gainsight_dest.files.tables import TableOptions
    from gainsight_dest.tenant import Tenant

_F = TypeVar("_F", bound=Callable[..., Any])

#: The argument of commands that read events, and their option.
events_argument = click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
errors_option = click.option(
    "--errors", metavar="FILE", help="Write failed events to this file, with the reasons, to fix and send again."
)
fail_empty_option = click.option(
    "--fail-empty", is_flag=True, help="If there are no events, end with status 2. Without this it is a warning."
)


def format_option(help: str = "How to print it.", *more: str) -> Callable[[_F], _F]:  # noqa: A002 - click's own word
    """The option of how to print: as text, as JSON, or in one of the other forms."""
    form = click.Choice(["text", "json", *more])
    return click.option("--format", "form", type=form, default="text", show_default=True, help=help)


def number_option(name: str, default: int, about: str, least: int = 0, most: int | None = None) -> Callable[[_F], _F]:
    """The option of a number."""
    number = click.IntRange(least, most)
    return click.option(name, type=number, metavar="N", default=default, show_default=True, help=about)


def several_option(name: str, parameter: str, about: str, **how: Any) -> Callable[[_F], _F]:
    """An option that can be given more than once. `parameter`: what gets all of its values."""
    return click.option(name, parameter, multiple=True, help=f"{about} Can be repeated.", **how)


def listen_options(port: int) -> Callable[[_F], _F]:
    """The options of where a server listens."""
    at_port = number_option("--port", port, "The port to listen at; 0: any free one.", most=65535)
    where = "The address to listen at. There is no password."
    at_host = click.option("--host", default="127.0.0.1", show_default=True, help=where)
    return lambda command: at_port(at_host(command))


# --- the tenant -------------------------------------------------------------------------------------------------------


def tenant_in(file: str) -> Tenant:
    """The Tenant that is in the file. Raises WrongInputError, which says where the file is wrong."""
    from gainsight_dest.tenant import Tenant  # noqa: PLC0415 - few runs have one, and each would pay for the import

    data = json_of(file, content(file))
    try:
        return Tenant.from_data(data)
    except ConfigError as error:
        problem = str(error)
    raise WrongInputError(f"{file} is not a tenant as `describe --out` writes it: {problem}")


def _tenant(_: click.Context, __: click.Parameter, value: str | None) -> Tenant | None:
    return None if value is None else tenant_in(value)


#: The option of the tenant that events are for, of a command that has a use for it. Its parameter is a Tenant, or None.
tenant_option = click.option(
    "--tenant",
    metavar="FILE",
    callback=_tenant,
    help="The fields of the tenant, as `describe --out FILE` writes them.",
)


# --- tables -----------------------------------------------------------------------------------------------------------


def _kind(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """What --as says, once it is known to be right."""
    if value is not None:
        from gainsight_dest.rows.columns import kinds_of  # noqa: PLC0415 - few runs have a table

        try:
            kinds_of(value)
        except ConfigError as error:
            raise click.BadParameter(error.problems[0][1]) from None
    return value


def _columns(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """What --column says: the trait of each column."""
    found: dict[str, str] = {}
    for value in values:
        column, sign, name = value.rpartition("=")
        if not sign or not column.strip():
            raise click.BadParameter(f"must be COLUMN=NAME, such as 'Account Name=name', not {value!r}")
        if column in found:
            raise click.BadParameter(f"names the column {column!r} twice")
        found[column] = name
    return found


def table_options(command: _F) -> _F:
    """The options of how a table is read, of a command that reads events: its parameters `kind` and `columns`."""
    about = "What the rows of a table, CSV or Parquet, are: identify, group, identify,group, or track:NAME."
    kind = click.option("--as", "kind", metavar="KIND", callback=_kind, help=about)
    meant = "With --as: the trait of a column whose name does not say it, such as 'Account Name=name'."
    column = several_option("--column", "columns", meant, metavar="COLUMN=NAME", callback=_columns)
    return kind(column(command))


def table_of(
    kind: str | None,
    columns: Mapping[str, str],
    config: DestinationConfig | Settings | None,
    tenant: Tenant | None,
) -> TableOptions | None:
    """How a table is read; None where the events are no table. Raises click.UsageError for --column without --as."""
    refuse_idle({"columns": "kind"})
    if kind is None:
        return None
    from gainsight_dest.files.tables import TableOptions  # noqa: PLC0415 - few runs have a table

    return TableOptions(kind, columns, config, tenant)


# --- what is known ----------------------------------------------------------------------------------------------------

#: Seconds of each unit that a length of time may be in.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,9})([smhd])", value.strip())
    if found is None or not int(found[1]):
        raise click.BadParameter("must be a length of time such as 90m, 24h or 7d, above 0")
    return float(int(found[1]) * _UNITS[found[2]])


#: The option of how long what was told counts as known.
resend_after_option = click.option(
    "--resend-after",
    metavar="TIME",
    callback=_seconds,
    help="Send what was sent longer ago than this again, such as 24h or 7d.  [default: never]",
)


def known_options(command: _F) -> _F:
    """The options of a store of what is known."""
    about = "Do not send again what this file, or redis://..., says that Gainsight has. Processes can share it."
    return click.option("--known", metavar="FILE|URL", help=about)(resend_after_option(command))


# --- limits of calls --------------------------------------------------------------------------------------------------


def limit_options(command: _F) -> _F:
    """The options of how many calls may be made, of which 0 stands for no limit."""
    about = "The tenant's limit; 0: no limit."
    command = number_option("--calls-per-day", CALLS_PER_DAY, about)(command)
    return number_option("--calls-per-minute", CALLS_PER_MINUTE, about)(command)


def _share(_: click.Context, __: click.Parameter, value: str) -> float:
    if re.fullmatch(r"\d{1,3}(\.\d+)?%", value) and 0 < float(value[:-1]) <= 100:
        return float(value[:-1]) / 100
    raise click.BadParameter("must be a share such as 70%, above 0% and up to 100%")


#: The option of a share of those calls.
budget_option = click.option(
    "--budget",
    default="100%",
    show_default=True,
    metavar="SHARE",
    callback=_share,
    help="The share of the tenant's calls to use. The rest is left for others.",
)


def limits(options: Mapping[str, Any]) -> dict[str, Any]:
    """The calls that may be made, by the parameters of those options: the share, one at least; None for no limit."""
    names = ("calls_per_minute", "calls_per_day")
    return {name: max(1, int(options[name] * options.get("budget", 1))) if options[name] else None for name in names}


# --- contradictions ---------------------------------------------------------------------------------------------------

#: Where the value of an option comes from that was not given.
_DEFAULTS = frozenset({ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP})


def refuse_contradictions(against: Mapping[str, tuple[str, ...]]) -> None:
    """Raises click.UsageError if an option was given, and one of those that it goes `against`, be it as a variable.

    Options go by the names of their parameters. One that is given its own default, `--batch 2000 --no-batch`, is given
    all the same; a flag that is given as false is not.
    """
    context = click.get_current_context()
    pairs = ((name, other) for name, others in against.items() for other in others)
    for pair in pairs:
        if all(_is_given(context, name) for name in pair):
            both = " and ".join(_named(context, name) for name in pair)
            raise click.UsageError(f"{both} contradict each other: leave one of them out", context)


def refuse_idle(of: Mapping[str, str]) -> None:
    """Raises click.UsageError if an option is on the command line, and the one that it goes with is not given.

    A variable may be set for several commands, of which some have no use for it.
    """
    context = click.get_current_context()
    for name, other in of.items():
        is_here = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_here and not _is_given(context, other):
            words = _named(context, name), _named(context, other)
            raise click.UsageError("{} needs {}: alone it does nothing".format(*words), context)


def _is_given(context: click.Context, name: str) -> bool:
    is_there = context.get_parameter_source(name) not in {None, *_DEFAULTS}
    return is_there and context.params[name] is not False


def _named(context: click.Context, name: str) -> str:
    """As it is written on the command line, and which variable it came by, if it did."""
    parameter = next(each for each in context.command.params if each.name == name)
    shown = name.upper() if isinstance(parameter, click.Argument) else parameter.opts[-1]
    if context.get_parameter_source(name) is not ParameterSource.ENVIRONMENT:
        return shown
    return f"{shown} (of the variable {next(each for each in parameter.envvar or () if each in os.environ)})"
