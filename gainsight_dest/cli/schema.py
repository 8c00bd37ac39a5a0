"""`gainsight-dest schema`: the JSON Schema of a destination config, or of a file of mapping tests."""

from __future__ import annotations

import json

import click

from gainsight_dest import config_schema


@click.command(short_help="Print the JSON Schema of a config, or of mapping tests.")
@click.option("--mapping-tests", is_flag=True, help="Print that of a file of mapping tests (*.gainsight.yaml).")
def schema(*, mapping_tests: bool) -> int:
    """Print a JSON Schema (draft 2020-12), for an editor or a validator.

    It is that of a destination as RudderStack stores it, or its Config alone.
    """
    from gainsight_dest.testing.schema import mapping_tests_schema  # noqa: PLC0415 - most want the other

    made = mapping_tests_schema() if mapping_tests else config_schema()
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))
    return 0
