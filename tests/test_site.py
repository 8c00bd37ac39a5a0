"""The documentation as a site: it builds without a warning, its links lead somewhere, it loads nothing from outside."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import attrs
import pytest

from tests.needs import need
from tests.public import public_names

if TYPE_CHECKING:
    from selenium import webdriver

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: The packages, and the pages that tell of them.
PARTS = ("beam", "deliver", "plan", "report", "rudderstack", "sandbox", "spark", "testing")
PACKAGES = {"": "core", **{name: name for name in PARTS}}
#: What a browser loads by itself: tag and attribute. Of links, only those of a kind that it follows.
LOADED = {("audio", "src"), ("embed", "src"), ("iframe", "src"), ("img", "src"), ("img", "srcset"), ("object", "data")}
LOADED |= {("script", "src"), ("source", "src"), ("source", "srcset"), ("use", "href"), ("video", "src")}
NOT_FOLLOWED = {"alternate", "author", "canonical", "edit", "next", "prev"}
ELSEWHERE = r"(?:[a-z]+:)?//"


class Page(HTMLParser):
    """What a built page links to, what it loads, and the ids that it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.ids: set[str] = set()
        self.feed(file.read_text("utf8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attributes}
        self.ids |= {of["id"]} if "id" in of else set()
        if tag == "a" and "href" in of:
            self.links.add(of["href"])
        if tag == "link" and not set(of.get("rel", "").split()) <= NOT_FOLLOWED:
            self.loaded.add(of["href"])
        self.loaded |= {value for name, value in of.items() if (tag, name) in LOADED}
        if "mermaid" in of.get("class", "").split():  # the theme would fetch what draws it
            self.loaded.add("https://a diagram")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The built site, and how the build went."""
    folder = tmp_path_factory.mktemp("site")
    # The theme tells at each start, on standard error, when its maintenance ends: that is no warning of the build.
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    return folder, subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    need("selenium", "browser", "axe")
    from tests.browser import chromium  # noqa: PLC0415 - not without its needs

    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(build: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[Path, Page]:
    folder, _ = build
    return {file: Page(file) for file in folder.rglob("*.html")}


def test_the_site_builds_without_a_warning(build: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = build
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line and not line.startswith("INFO")] == []


def test_every_page_of_the_docs_is_in_the_site(build: tuple[Path, object], pages: dict[Path, Page]) -> None:
    folder, _ = build
    names = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    expected = {folder / (name.with_name("index.html") if name.stem == "README" else name) for name in names}
    assert pages.keys() - {folder / "404.html"} == expected


def test_no_source_file_is_in_the_site(build: tuple[Path, object]) -> None:
    folder, _ = build
    assert [file for file in folder.rglob("*") if file.suffix in {".py", ".pyc", ".md"}] == []


def test_every_link_within_the_site_leads_somewhere(build: tuple[Path, object], pages: dict[Path, Page]) -> None:
    folder, _ = build
    broken = []
    for file, page in pages.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = unquote(parts.path)  # that of 404.html, which stands for any page, begins at the root
            target = (folder / path.lstrip("/") if path.startswith("/") else file.parent / path) if path else file
            target = (target / "index.html" if target.is_dir() else target).resolve()
            ids = pages[target].ids if target in pages else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in ids):
                broken.append(f"{file.relative_to(folder)}: {link}")
    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 100


def test_the_site_loads_nothing_from_another_host(build: tuple[Path, object], pages: dict[Path, Page]) -> None:
    folder, _ = build
    found = {link for page in pages.values() for link in page.loaded if re.match(ELSEWHERE, link)}
    for style in folder.rglob("*.css"):
        found |= set(re.findall(rf"(?:url\(|@import)\s*[\"']?{ELSEWHERE}[^)\"']*", style.read_text("utf8")))
    assert found == set()
    assert all(page.loaded for page in pages.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(
    package: str, build: tuple[Path, object], pages: dict[Path, Page]
) -> None:
    folder, _ = build
    told = {name.rpartition(".")[2] for name in pages[folder / f"reference/api/{PACKAGES[package]}.html"].ids}
    core = {name.rpartition(".")[2] for name in pages[folder / "reference/api/core.html"].ids}
    assert public_names(f"gainsight_dest.{package}".rstrip(".")) - told - core == set()


def test_a_class_of_attrs_has_its_signature_in_the_reference(build: tuple[Path, object]) -> None:
    folder, _ = build
    page = re.sub(r"<[^>]+>", "", (folder / "reference/api/core.html").read_text("utf8"))
    core = import_module("gainsight_dest")
    made = {name: kind for name in core.__all__ if isinstance(kind := getattr(core, name), type) and attrs.has(kind)}
    for name, kind in made.items():
        shown = re.search(rf"^{name}\(\n?(.*?)\n?\)$", page, re.MULTILINE | re.DOTALL)
        if name == "Batch":  # made by transform_batch alone
            assert shown is None
            continue
        assert shown is not None, name
        assert re.findall(r"(?:^|[ *] ?)(\w+): ", shown[1]) == [*inspect.signature(kind).parameters], name
    assert len(made) > 8


@pytest.mark.parametrize("page", ["index", "how-to/deliver", "reference/engine-options"])
def test_all_can_read_a_page_of_the_site(page: str, build: tuple[Path, object], browser: webdriver.Chrome) -> None:
    from tests.axe import violations  # noqa: PLC0415 - not without its needs

    folder, _ = build
    found = {}
    for scheme, width in (("light", 1280), ("dark", 390)):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        browser.get((folder / f"{page}.html").as_uri())
        found[scheme, width] = violations(browser, ".md-content")  # around it, colors still change
    assert {place: rules for place, rules in found.items() if rules} == {}
