"""Runs the code of README.md and docs/: Python blocks as they stand, a page sharing one namespace, and commands.

What stands in for others, and what is to be true when a page is through, is in tests/pages.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.typing import Evaluator

from tests.needs import left_out

pytest_plugins = ("tests.groups",)
pytest.register_assert_rewrite("tests.pages")
from tests.pages import Page

ROOT = Path(__file__).parent
#: What the tests themselves are told by. All other variables of the command line are taken away: they would change it.
OF_THE_TESTS = "GAINSIGHT_DEST_TESTS_"
for name in [*os.environ]:
    if name.startswith("GAINSIGHT_") and not name.startswith(OF_THE_TESTS):
        del os.environ[name]
SOME_EVENTS_FAILED = 1

#: What the code of a page needs beside the core, by the names of tests/needs.py.
NEEDS = {
    "docs/tutorial.md": ("deliver",),
    "docs/explanation/sizing.md": ("cli",),
    "docs/how-to/check-a-config.md": ("cli",),
    "docs/how-to/check-a-file.md": ("cli",),
    "docs/how-to/consume-from-kafka.md": ("deliver",),
    "docs/how-to/deliver-asynchronously.md": ("deliver", "httpx"),
    "docs/how-to/deliver-in-batches.md": ("deliver",),
    "docs/how-to/deliver-with-your-own-client.md": ("deliver",),
    "docs/how-to/deliver.md": ("cli", "deliver"),
    "docs/how-to/keep-dead-letters.md": ("cli", "deliver", "sandbox"),
    "docs/how-to/observe.md": ("otel", "deliver", "httpx", "sandbox"),
    "docs/how-to/run-anywhere-else.md": ("deliver",),
    "docs/how-to/run-in-airflow.md": ("deliver",),
    "docs/how-to/run-in-beam.md": ("beam", "deliver", "sandbox"),
    "docs/how-to/run-in-dlt.md": ("dlt", "deliver", "sandbox"),
    "docs/how-to/run-in-spark.md": ("spark", "java", "deliver", "sandbox"),
    "docs/how-to/see-where-traits-go.md": ("cli", "report"),
    "docs/how-to/send-a-table.md": ("cli", "deliver", "sandbox", "pandas"),
    "docs/how-to/send-only-what-is-new.md": ("deliver",),
    "docs/how-to/test-a-mapping.md": ("testing",),
    "docs/how-to/use-the-sandbox.md": ("deliver", "sandbox"),
    "docs/how-to/write-mapping-tests.md": ("cli", "testing"),
    "docs/reference/schema.md": ("cli", "jsonschema"),
}


class _NotThroughError(Exception):
    """A block has failed: what comes after the last one would fail for that alone."""


class Code(Document):
    """The blocks of a page, and what is around them."""

    has_failed = False

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.namespace["_code"] = self
        self.folder = Path()
        self._stack = ExitStack()

    def evaluate(self, example: Example, evaluator: Evaluator) -> None:
        """Run a block."""
        __tracebackhide__ = True
        try:
            super().evaluate(example, evaluator)
        except SkipTest:
            raise
        except BaseException:
            self.has_failed = True
            raise

    def set_up(self) -> None:
        """Before the first block."""
        self._stack.enter_context(self._running())

    def tear_down(self) -> None:
        """After the last one, or where it was broken off."""
        self._stack.close()

    @contextmanager
    def _running(self) -> Iterator[None]:
        """At the root, as pages name files from there, and with a folder of the page's own."""
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            shutil.copytree(ROOT / "examples", Path(folder, "examples"))
            monkeypatch.chdir(ROOT)
            monkeypatch.setattr(tempfile, "tempdir", folder)
            page = Page(Path(self.path), self.namespace, Path(folder), monkeypatch)
            self.namespace["page"], self.folder = page, page.folder
            with suppress(_NotThroughError), _around(page):
                yield
                if self.has_failed:
                    raise _NotThroughError


def _around(page: Page) -> AbstractContextManager[None]:
    name = page.path.stem.replace("-", "_")
    if not (ROOT / "tests" / "pages" / f"{name}.py").exists():
        return nullcontext()
    return contextmanager(import_module(f"tests.pages.{name}").around)(page)


def run_console(example: Example) -> None:
    """Run the `$ …` lines of a console block. Events at fault are no failure: the examples hold some on purpose."""
    from tests.pages.shell import pasted  # noqa: PLC0415 - it wants what not every page needs

    assert isinstance(example.document, Code)
    for line in example.parsed.splitlines():
        done = pasted(line.removeprefix("$ "), example.document.folder)
        assert done.returncode in {0, SOME_EVENTS_FAILED}, f"{line}\n{done.stderr.decode()}"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name files from the root of the project, too."""
    monkeypatch.chdir(ROOT)


_collect_file = Sybil(
    parsers=[SkipParser(), PythonCodeBlockParser(), CodeBlockParser(language="console", evaluator=run_console)],
    pattern="*.md",
    setup=lambda namespace: namespace["_code"].set_up(),
    teardown=lambda namespace: namespace["_code"].tear_down(),
    document_types={".md": Code},
).pytest()
_needs = {ROOT / name: names for name, names in NEEDS.items()}
assert all(page.exists() for page in _needs), "a page that is not there needs nothing"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The blocks of a page, or why they are left out."""
    return left_out(file_path, parent, _needs.get(file_path, ())) or _collect_file(file_path, parent)
