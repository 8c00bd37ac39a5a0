"""The commands of `gainsight-dest`."""

from __future__ import annotations

from typing import Any

import click

from gainsight_dest import __version__
from gainsight_dest.cli.deliver import deliver
from gainsight_dest.cli.explain import explain_command
from gainsight_dest.cli.files import ReaderGoneError
from gainsight_dest.cli.lint import lint_command
from gainsight_dest.cli.plan import plan_command
from gainsight_dest.cli.sandbox import demo, sandbox
from gainsight_dest.cli.schema import schema
from gainsight_dest.cli.serve import serve
from gainsight_dest.cli.transform import transform


class _Commands(click.Group):
    """The commands; click itself would end with 1 where a reader has gone, which here says that not all is well."""

    def invoke(self, ctx: click.Context) -> Any:
        """Raises ReaderGoneError."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gainsight-dest")
def cli() -> None:
    """Customer events into Gainsight CS: RudderStack's identify, group and track events as Gainsight requests."""


for command in (demo, transform, explain_command, lint_command, plan_command, schema, deliver, sandbox, serve):
    cli.add_command(command)
