"""What pytest collects of mapping tests: a file, an item for each row, and what `--gainsight-update` writes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from gainsight_dest.testing.mapping import MappingTest, MappingTests


@attrs.define
class _FileUpdate:
    """A file, and what is to be expected of its rows, by their indexes."""

    tests: MappingTests
    expected: dict[int, dict[str, Any]] = attrs.field(factory=dict)


_UPDATES = pytest.StashKey[dict[Path, _FileUpdate]]()
_WRITTEN = pytest.StashKey[list[str]]()


class MappingFailedError(AssertionError):
    """What came of an event is not what is expected: a line for each difference."""


class MappingFile(pytest.File):
    """A file of mapping tests."""

    def collect(self) -> Iterator[MappingItem]:
        """An item for each row. Raises CollectError for a file at fault, or without the library that reads it."""
        if find_spec("ruamel") is None or find_spec("ruamel.yaml") is None:
            raise self.CollectError("mapping tests need ruamel.yaml: pip install 'gainsight-dest[testing]'")
        from gainsight_dest.testing.mapping import MappingFileError, read_mapping_tests  # noqa: PLC0415 - it needs that

        try:
            tests = read_mapping_tests(self.path)
        except MappingFileError as error:
            raise self.CollectError(str(error)) from None
        for index, test in enumerate(tests.rows):
            yield MappingItem.from_parent(self, name=test.name, index=index, tests=tests)


class MappingItem(pytest.Item):
    """A row as a test."""

    def __init__(self, *, index: int, tests: MappingTests, **rest: Any) -> None:
        super().__init__(**rest)
        self.index = index
        self.tests = tests

    @cached_property
    def row(self) -> MappingTest:
        """The row."""
        return self.tests.rows[self.index]

    def runtest(self) -> None:
        """Raise MappingFailedError, or note what to write if that is asked for."""
        problems = self.row.problems()
        if not problems:
            return
        if self.config.getoption("gainsight_update"):
            refusal = self._note()
            if refusal is None:
                return
            problems = (*problems, f"not written: {refusal}")
        about = f" ({self.tests.name})" if self.tests.name else ""
        head = f"{_shown(self.path, self.config)}:{self.row.line}: {self.row.name}{about}"
        raise MappingFailedError("\n".join([head, *(f"  {problem}" for problem in problems)]))

    def _note(self) -> str | None:
        """Note what to write. Why it cannot be, or None."""
        from gainsight_dest.testing.document import DocumentError  # noqa: PLC0415 - as above

        expected = {self.index: self.row.renewed()}
        try:
            self.tests.with_expected(expected)
        except DocumentError as error:
            return error.problem
        updates = self.config.stash.setdefault(_UPDATES, {})
        updates.setdefault(self.path, _FileUpdate(self.tests)).expected.update(expected)
        return None

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What differs, without the code that found it."""
        if isinstance(excinfo.value, MappingFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """File, line from 0, and name."""
        return self.path, self.row.line - 1, self.name


def write(config: pytest.Config) -> None:
    """Write what was noted, each file at once; one that is no longer what was tested is left as it is."""
    lines = config.stash.setdefault(_WRITTEN, [])
    for path, update in config.stash.get(_UPDATES, {}).items():
        before = path.read_bytes()
        encoding = "utf-8-sig" if before.startswith(codecs.BOM_UTF8) else "utf-8"
        if before == update.tests.text.encode(encoding):
            path.write_bytes(update.tests.with_expected(update.expected).encode(encoding))
            count = len(update.expected)
            result = f"{count} row{'s' if count != 1 else ''} written: look at the changes before you keep them"
        else:
            result = "nothing written: it was changed while the tests ran"
        lines.append(f"{_shown(path, config)}: {result}")


def written(config: pytest.Config) -> list[str]:
    """What to say of what was written, a line for each file."""
    return config.stash.get(_WRITTEN, []) or ["nothing to write"]


def _shown(path: Path, config: pytest.Config) -> str:
    """The path from the root of the tests, if it is there."""
    return str(path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path)
