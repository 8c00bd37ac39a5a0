"""No module of this folder is left over: what it says is said of a page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent
DOCS = FOLDER.parents[1] / "docs"


def test_each_module_with_something_around_a_page_is_named_after_one() -> None:
    pages = Counter(page.stem.replace("-", "_") for page in DOCS.rglob("*.md"))
    modules = {module.stem for module in FOLDER.glob("*.py") if "\ndef around(" in module.read_text("utf8")}
    assert {module: pages[module] for module in modules} == dict.fromkeys(modules, 1)
    assert len(modules) >= 7
