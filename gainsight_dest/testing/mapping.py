"""Mapping tests as data: files named `*.gainsight.yaml`, read strictly, run, and written anew. Needs ruamel.yaml.

```yaml
config: destination.json
rows:
  - name: the plan reaches Gainsight
    given: {type: identify, traits: {email: ada@example.com, plan: gold}}
    expect:
      body: {Email: ada@example.com, Plan__gc: gold}
```
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.trace import Trace
from gainsight_dest.secret import hidden
from gainsight_dest.spelling import Names, did_you_mean
from gainsight_dest.tenant import Tenant
from gainsight_dest.testing.compare import differences, outcome, renewed
from gainsight_dest.testing.document import DocumentError, composed, data_of, edited, entries, line_of, same
from gainsight_dest.testing.keys import (
    BESIDE_ERROR,
    ERROR_KEYS,
    ERROR_KINDS,
    EXPECT_KEYS,
    EXPLAIN_KEYS,
    FILE_KEYS,
    FILE_NEEDS,
    REQUEST_KEYS,
    ROW_KEYS,
    ROW_NEEDS,
    Keys,
)
from gainsight_dest.testing.reasons import reasons_of
from gainsight_dest.values import kind, quoted

_T = TypeVar("_T")


class MappingFileError(ValueError):
    """What is wrong with a file of mapping tests: one line each, with file and line, and what to do."""


@attrs.frozen
class MappingTest:
    """A row: an event, and what is expected of it. `line`: where it stands in its file. The repr shows no value.

    `tenant`: the one that the event is for. One that it refuses fails the test, unless a refusal is expected.
    """

    name: str
    line: int
    config: DestinationConfig = attrs.field(repr=False)
    given: Any = attrs.field(repr=False)
    expect: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    subset: bool = False
    tenant: Tenant | None = attrs.field(default=None, repr=False)

    def problems(self) -> tuple[str, ...]:
        """Where what came is not what is expected, a line each, with the reason; none if the test passes."""
        expected = self._expected
        if expected is None:
            return ("it has no expect: write one, or let pytest --gainsight-update write what came",)
        explanation = self._explained()
        found = differences(expected, outcome(explanation), subset=self.subset)
        return reasons_of(found, explanation)

    def renewed(self) -> dict[str, Any]:
        """What would pass, in the form of what is expected, without secrets."""
        return renewed(self._expected, outcome(self._explained()), subset=self.subset)

    def _explained(self) -> Trace:
        return explain(self.given, self.config, tenant=self.tenant)

    @property
    def _expected(self) -> Mapping[str, Any] | None:
        expected: Mapping[str, Any] | None = hidden(self.expect, self.config.hide)
        return expected


@attrs.frozen
class MappingTests:
    """The rows of a file, in its order, and its text. `name`: what the file says that it is about."""

    path: Path
    text: str = attrs.field(repr=False)
    rows: tuple[MappingTest, ...]
    name: str | None = None

    def with_expected(self, expected: Mapping[int, Mapping[str, Any]]) -> str:
        """The text with what is to be expected of the rows of those indexes. Comments and all else stay.

        Raises DocumentError for a row that can only be changed by hand.
        """
        nodes = _rows_of(self.text)
        wanted = [data_of(node) for node in nodes]
        for index, expect in expected.items():
            wanted[index] = {**wanted[index], "expect": expect}
        text = edited(self.text, ((nodes[index], wanted[index]) for index in expected))
        got = [data_of(node) for node in _rows_of(text)]
        for index, node in enumerate(nodes):
            if not same(got[index], wanted[index]):
                raise DocumentError(line_of(node), "would not read back as it was written: change it by hand")
        return text


def _rows_of(text: str) -> list[Node]:
    root = composed(text)
    nodes: list[Node] = entries(root)["rows"][1].value if root is not None else []
    return nodes


def read_mapping_tests(path: Path) -> MappingTests:
    """The mapping tests of a file. Raises MappingFileError with all that is wrong, OSError where it cannot be read."""
    reader = _FileReader(path)
    try:
        text = path.read_bytes().decode("utf-8")
        tests = reader.tests(text.removeprefix("\ufeff"))
    except UnicodeDecodeError:
        reader.problems.append((1, "is not UTF-8: save it as such"))
    except DocumentError as error:
        reader.problems.append((error.line, error.problem))
    if reader.problems:
        raise MappingFileError("\n".join(f"{path.name}:{line}: {problem}" for line, problem in sorted(reader.problems)))
    return tests


@attrs.frozen
class _FileReader:
    """Reads a file, and keeps what is wrong with it, each with its line."""

    path: Path
    problems: list[tuple[int, str]] = attrs.field(factory=list)

    def tests(self, text: str) -> MappingTests:
        root = composed(text)
        if root is None:
            raise DocumentError(1, "is empty: it must hold config and rows")
        data_of(root)  # what no data can be made of is found first
        file = self._object(root, FILE_KEYS, "the file", FILE_NEEDS)
        config = self._config(file["config"]) if "config" in file else None
        tenant = self._tenant(file["tenant"]) if "tenant" in file else None
        name = data_of(file["name"]) if "name" in file else None
        subset = "subset" in file and data_of(file["subset"])
        rows = [self._row(node, config, tenant, subset=subset) for node in self._rows(file)]
        names: dict[str, int] = {}
        for row in rows:
            if row is not None and row.name in names:
                problem = f"another row, in line {names[row.name]}, has the name {quoted(row.name)}: give each its own"
                self.problems.append((row.line, problem))
            elif row is not None:
                names[row.name] = row.line
        return MappingTests(self.path, text, tuple(row for row in rows if row is not None), name)

    def _rows(self, file: Mapping[str, Node]) -> list[Node]:
        nodes: list[Node] = file["rows"].value if "rows" in file else []
        if "rows" in file and not nodes:
            self._wrong(file["rows"], "rows is empty: write at least one")
        return nodes

    def _row(
        self, node: Node, config: DestinationConfig | None, tenant: Tenant | None, *, subset: bool
    ) -> MappingTest | None:
        row = self._object(node, ROW_KEYS, "a row", ROW_NEEDS)
        expect = self._expect(row["expect"]) if "expect" in row else None
        if "name" not in row or "given" not in row or config is None:
            return None
        own = data_of(row["subset"]) if "subset" in row else subset
        given = data_of(row["given"])
        return MappingTest(data_of(row["name"]), line_of(node), config, given, expect, own, tenant)

    def _expect(self, node: Node) -> dict[str, Any]:
        expect = self._object(node, EXPECT_KEYS, "expect")
        if not expect:
            self._wrong(node, f"expect is empty: it must hold one of {', '.join(EXPECT_KEYS)}")
        if "error" in expect and (others := expect.keys() - {*BESIDE_ERROR}):
            problem = f"expect has error and {', '.join(sorted(others))}: an event at fault becomes no request"
            self._wrong(expect["error"], problem)
        for step in _each(expect.get("request")):
            self._object(step, REQUEST_KEYS, "request")
        for row in _each(expect.get("explain")):
            self._object(row, EXPLAIN_KEYS, "a row of explain")
        if isinstance(expect.get("error"), MappingNode):
            error = self._object(expect["error"], ERROR_KEYS, "error")
            if not error:
                self._wrong(expect["error"], "error is empty: it must hold kind, message or both")
            if "kind" in error and (name := data_of(error["kind"])) not in ERROR_KINDS:
                self._wrong(error["kind"], f"no such kind of error: {quoted(name)}{_meant(name, ERROR_KINDS)}")
        expected: dict[str, Any] = data_of(node) if isinstance(node, MappingNode) else {}
        return expected

    def _config(self, node: Node) -> DestinationConfig | None:
        """The config that is written there, or is in the file that is named there."""
        return self._made(node, "config", DestinationConfig.from_rudderstack)

    def _tenant(self, node: Node) -> Tenant | None:
        """The tenant that is written there, or is in the file that is named there, as `describe --out` writes it."""
        return self._made(node, "tenant", Tenant.from_data)

    def _made(self, node: Node, key: str, make: Callable[[Any], _T]) -> _T | None:
        """What is made of the data that is written there, or is in the file that is named there."""
        try:
            data = data_of(node)
            if isinstance(data, str):
                data = _read_data(self.path.parent / data)
            return make(data)
        except ConfigError as error:
            self._wrong(node, f"{key}: {error}")
        except OSError as error:
            self._wrong(node, f"{key}: {quoted(data_of(node))} cannot be read: {error.strerror}")
        except ValueError as error:  # no JSON, no YAML, no UTF-8
            self._wrong(node, f"{key}: {quoted(data_of(node))} is neither JSON nor YAML: {error}")
        return None

    def _object(self, node: Node, keys: Keys, what: str, needs: Collection[str] = ()) -> dict[str, Node]:
        """The values of an object, by key: those that are as they should be. What is not, is kept as a problem."""
        if not isinstance(node, MappingNode):
            self._wrong(node, f"{what} must be an object, got {kind(data_of(node))}")
            return {}
        found: dict[str, Node] = {}
        for key, value in _pairs(node):
            made: Any = data_of(value)
            if key.value not in keys:
                self._wrong(key, f"{what} has no key {quoted(key.value)}{_meant(key.value, keys)}")
            elif not isinstance(made, keys[key.value].takes.types):
                self._wrong(value, f"{key.value} must be {keys[key.value].takes.words}, got {kind(made)}")
            elif key.value == "name" and (not made.strip() or not made.isprintable()):
                self._wrong(value, "name must be one line of text, and not blank")
            else:
                found[key.value] = value
        here = {key.value for key, _ in _pairs(node)}
        for name in needs:
            if name not in here:
                self._wrong(node, f"{what} has no {name}: add it")
        return found

    def _wrong(self, node: Node, problem: str) -> None:
        self.problems.append((line_of(node), problem))


def _pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """Keys and values, those that are merged from elsewhere, too."""
    own = {key.value for key, _ in node.value}
    for key, value in node.value:
        if key.value != "<<":
            yield key, value
            continue
        for each in value.value if isinstance(value, SequenceNode) else [value]:
            yield from ((inner, item) for inner, item in _pairs(each) if inner.value not in own)


def _each(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.value) if isinstance(node, SequenceNode) else [node]


def _meant(key: str, known: Collection[str]) -> str:
    question = did_you_mean(Names(known).near(key))
    return f". {question}" if question else f": it may be {', '.join(known)}"


def _read_data(path: Path) -> Any:
    text = path.read_text("utf-8-sig")
    try:
        return json.loads(text)
    except ValueError:
        root = composed(text)
        return None if root is None else data_of(root)
