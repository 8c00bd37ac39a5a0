"""`gainsight-dest schema`: the JSON Schema of a destination config."""

from __future__ import annotations

import json

import click

from gainsight_dest import config_schema


@click.command(short_help="Print the JSON Schema of a destination config.")
def schema() -> int:
    """Print the JSON Schema (draft 2020-12) of a destination as RudderStack stores it, or its Config alone."""
    click.echo(json.dumps(config_schema(), indent=2, ensure_ascii=False))
    return 0
