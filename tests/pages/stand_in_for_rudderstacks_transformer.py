"""Around the code of docs/how-to/stand-in-for-rudderstacks-transformer.md: the file of its store."""

from __future__ import annotations

from collections.abc import Iterator

from tests.pages import Page


def around(page: Page) -> Iterator[None]:
    """It is made in the page's folder."""
    page.monkeypatch.chdir(page.folder)
    yield
    assert (page.folder / "known.db").exists()
