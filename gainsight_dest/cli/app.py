"""The commands of `gainsight-dest`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from gainsight_dest import __version__
from gainsight_dest.cli.files import ReaderGoneError

#: What the names of all variables begin with: for `--workers` of `deliver` it is GAINSIGHT_DEST_DELIVER_WORKERS.
PREFIX = "GAINSIGHT_DEST"
#: Options that all commands share, and that go without a command's name, too: no more of them, as Kubernetes sets
#: GAINSIGHT_DEST_PORT itself for a service of that name.
_SHARED = ("config", "destination")

#: In which module of this package each command is, and as what.
COMMANDS = {
    "check": ("check", "check_command"),
    "deliver": ("deliver", "deliver"),
    "demo": ("sandbox", "demo"),
    "describe": ("describe", "describe_command"),
    "explain": ("explain", "explain_command"),
    "init": ("init", "init_command"),
    "lint": ("lint", "lint_command"),
    "plan": ("plan", "plan_command"),
    "probe": ("probe", "probe_command"),
    "sandbox": ("sandbox", "sandbox"),
    "schema": ("schema", "schema"),
    "serve": ("serve", "serve"),
    "transform": ("transform", "transform"),
}


class _Commands(click.Group):
    """The commands, each of which is loaded once it is asked for, as to load them all takes longer than most take.

    click itself would end with 1 where a reader has gone, which here says that not all is well.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's form
        """Their names."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's form
        """The command, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"gainsight_dest.cli.{module}"), name)
        for option in command.params:
            if isinstance(option, click.Option) and option.envvar is None:
                option.envvar = _variables(cmd_name, option)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Raises ReaderGoneError."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None


def _variables(command: str, option: click.Option) -> list[str]:
    """The variables that an option can be set by. click would name them by the parameter, which nobody sees."""
    name = next(each[2:] for each in option.opts if each.startswith("--"))
    names = [f"{command}_{name}", *([name] if name in _SHARED else [])]
    return [f"{PREFIX}_{each}".upper().replace("-", "_") for each in names]


@click.group(
    cls=_Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
    epilog=f"Environment variables can set all options: {PREFIX}_DELIVER_WORKERS sets --workers of deliver, "
    f"{PREFIX}_CONFIG sets --config of all commands. The keys in GAINSIGHT_ACCESS_KEY and GAINSIGHT_SHARED_SECRET, or "
    "in the files that GAINSIGHT_ACCESS_KEY_FILE and GAINSIGHT_SHARED_SECRET_FILE name, are used before those of the "
    "config.",
)
@click.version_option(__version__, prog_name="gainsight-dest")
def cli() -> None:
    """Customer events into Gainsight CS: RudderStack's identify, group and track events as Gainsight requests."""
