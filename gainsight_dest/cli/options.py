"""Options that contradict each other, which are refused: to leave one out in silence would be to do something else."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click
from click.core import ParameterSource

#: What is told of an option: that it was not given.
_DEFAULTS = frozenset({ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP})


def refuse_contradictions(context: click.Context, against: Mapping[str, tuple[str, ...]]) -> None:
    """Raises click.UsageError if an option was given, and one of those that it goes `against`, be it as a variable.

    Options go by the names of their parameters. One that is given its own default, `--batch 2000 --no-batch`, is given
    all the same; a flag that is given as false is not.
    """
    pairs = ((name, other) for name, others in against.items() for other in others)
    for pair in pairs:
        if all(_is_given(context, name) for name in pair):
            both = " and ".join(_named(context, name) for name in pair)
            raise click.UsageError(f"{both} contradict each other: leave one of them out", context)


def refuse_idle(context: click.Context, of: Mapping[str, str]) -> None:
    """Raises click.UsageError if an option is on the command line, and the one that it speaks `of` is not given.

    A variable may be set for several commands, of which some have no use for it.
    """
    for name, other in of.items():
        is_here = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_here and not _is_given(context, other):
            words = _named(context, name), _named(context, other)
            raise click.UsageError("{} says more of {}: without that it does nothing".format(*words), context)


def _is_given(context: click.Context, name: str) -> bool:
    is_there = context.get_parameter_source(name) not in {None, *_DEFAULTS}
    return is_there and context.params[name] is not False


def _named(context: click.Context, name: str) -> str:
    """As it is written on the command line, and which variable it came by, if it did."""
    parameter = next(each for each in context.command.params if each.name == name)
    shown = name.upper() if isinstance(parameter, click.Argument) else parameter.opts[-1]
    if context.get_parameter_source(name) is not ParameterSource.ENVIRONMENT:
        return shown
    own = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or ()
    variables = [*own, f"{context.auto_envvar_prefix}_{name.upper()}"]
    return f"{shown} (of the variable {next(each for each in variables if each in os.environ)})"
