"""What the code of pages needs around it, and what is to be true when it is through: a module for each such page.

`around` of it is begun before the first block of the page, and goes on after the last: then it is looked at what
has come about, unless a block has failed. It stands here rather than in hidden blocks, so that it is linted and typed,
and a page's source is what its reader sees.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.needs import ALL_IS_NEEDED, NEEDS, need


class Page:
    """A page while its code runs: its attributes are what the code has named, and these."""

    def __init__(self, path: Path, namespace: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.text = path.read_text("utf8")
        #: Where the code's names are set.
        self.namespace = namespace
        #: The page's own: its commands are run in it, temporary folders are made in it. It has the examples.
        self.folder = folder
        #: What it changes is undone after the page.
        self.monkeypatch = monkeypatch

    def lacks(self, name: str) -> str | None:
        """Why a part of the page is to be skipped, if what it needs is not here."""
        if ALL_IS_NEEDED in os.environ:
            need(name)
        return None if NEEDS[name].is_met else f"{NEEDS[name].what}. To have it, {NEEDS[name].how}"

    def __getattr__(self, name: str) -> Any:
        try:
            return self.namespace[name]
        except KeyError:
            raise AttributeError(f"{self.path.name} names no {name}") from None
