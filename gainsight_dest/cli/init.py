"""`gainsight-dest init`: the files that a project begins with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

import click

from gainsight_dest.cli.files import named
from gainsight_dest.cli.streams import plain_output

_FOLDER = Path(__file__).parent / "start"


class StartFile(NamedTuple):
    """A file that a project begins with: where it goes, where its text is, what it is."""

    name: str
    source: str
    about: str

    @property
    def text(self) -> str:
        """What is written."""
        return (_FOLDER / self.source).read_text("utf8")


FILES = (
    StartFile("destination.json", "destination.json", "the destination, as RudderStack stores it, with made-up keys"),
    StartFile("events.ndjson", "events.ndjson", "an event of each type"),
    StartFile("mapping.gainsight.yaml", "mapping.gainsight.yaml", "tests of the mapping, which pytest runs"),
    StartFile("mapping-tests.schema.json", "mapping-tests.schema.json", "what an editor knows of the tests"),
    StartFile(".github/workflows/gainsight.yml", "gainsight.yml", "lint and the tests for each pull request"),
)
_NEXT = (
    ("see where each trait goes", "gainsight-dest explain events.ndjson --config destination.json"),
    ("look for mistakes", "gainsight-dest lint --config destination.json --events events.ndjson"),
    ("run the tests", "pytest"),
)


@click.command("init", short_help="Write the files that a project begins with.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
def init_command(folder: str) -> int:
    """Write the files that a project begins with into DIR, or into this folder.

    A destination, an event of each type, tests of the mapping, and a workflow for GitHub that runs lint and the tests.
    A file that is there already is left as it is. Nothing is sent.

    The keys in the destination are made up. Keep them so in git: those in GAINSIGHT_ACCESS_KEY and
    GAINSIGHT_SHARED_SECRET are used before those of the file.
    """
    wide = max(len(file.name) for file in FILES)
    steps = [("go there", f"cd {shlex.quote(folder)}"), *_NEXT] if folder != "." else _NEXT
    with plain_output() as write:
        for file in FILES:
            is_new = _written(Path(folder, file.name), file.text)
            what = file.about if is_new else "is there already"
            write(f"{'wrote' if is_new else 'kept '}  {file.name:<{wide}}  {what}\n")
        write("\nNext:\n")
        for what, command in steps:
            write(f"  {command}  # {what}\n")
    return 0


def _written(path: Path, text: str) -> bool:
    """Write a new file. False: it is there already. Raises WrongInputError; then no part of the file is left."""
    with named(str(path), "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("x", encoding="utf8", newline="\n")
        except FileExistsError:
            return False
        try:
            with file:
                file.write(text)
        except OSError:
            path.unlink()
            raise
    return True
