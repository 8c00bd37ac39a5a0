"""The documentation agrees with the code: derived pages, the README's output, links, the changelog's version."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

UTF_8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}
ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
GENERATED = runpy.run_path(str(ROOT / "docs/generate.py"))


@pytest.mark.parametrize("name", GENERATED["PAGES"])
def test_a_page_derived_from_the_tables_says_what_they_say(name: str) -> None:
    page = GENERATED["NOTE"] + GENERATED["PAGES"][name]().rstrip() + "\n"
    assert (ROOT / "docs" / name).read_text("utf8") == page, "run: python docs/generate.py"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text("utf8")):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_of_the_docs_is_linked_from_their_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_readme_shows_what_its_main_command_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf8")
    (command,) = re.findall(r"^python3 -m venv .*bin/gainsight-dest (.*)$", readme, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "gainsight_dest", *command.split()], cwd=ROOT, capture_output=True, check=True, env=UTF_8
    )
    printed = [re.sub("─+", "─", line.rstrip()) for line in done.stdout.decode().splitlines()]
    shown = re.search(r"```text\n(type .*?)\n```", readme, re.DOTALL)
    assert shown is not None
    lines = [re.sub("─+", "─", line) for line in shown[1].splitlines() if line and "…" not in line]
    assert [line for line in lines if line not in printed] == []
    assert len(lines) > 20
