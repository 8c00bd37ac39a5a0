"""YAML 1.2 as plain data with lines, and changes to it that leave all other text as it is.

Read by YAML's core schema: `2026-01-01`, `no` and `012` apart, what looks like text is text; a key always is. Needs
ruamel.yaml (extra `testing`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"

#: Text that needs no quotes, except words that stand for something else, in this or in older YAML.
_PLAIN = r"[^\W\d_]([\w .@/+-]*[\w@/+-])?"
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off"})

#: What unquoted text is: first match; else it is text.
_SCALARS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    (r"~|null|Null|NULL|", lambda _: None),
    (r"true|True|TRUE", lambda _: True),
    (r"false|False|FALSE", lambda _: False),
    (r"[-+]?[0-9]{1,4000}", int),
    (r"0o[0-7]{1,4000}", lambda text: int(text, 0)),
    (r"0x[0-9a-fA-F]{1,4000}", lambda text: int(text, 0)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", lambda text: float(text.replace(".", ""))),
)


class DocumentError(ValueError):
    """What is wrong with a YAML text, and the line, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


def line_of(node: Node) -> int:
    """The line, from 1, that the node begins in."""
    line: int = node.start_mark.line
    return line + 1


# --- reading ----------------------------------------------------------------------------------------------------------


def composed(text: str) -> Node | None:
    """The tree of a text that holds one document; None for none. Raises DocumentError."""
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}") from None
    except YAMLError as error:  # a character that no YAML may hold
        position = getattr(error, "position", 0)
        problem = f"is not YAML: {getattr(error, 'reason', 'it cannot be read')}"
        raise DocumentError(text.count("\n", 0, position) + 1, problem) from None
    except RecursionError:
        raise DocumentError(1, "is nested too deep: write it flatter") from None
    return node


def data_of(node: Node) -> Any:
    """The plain data of a tree: objects, lists, texts, numbers, booleans, null. Raises DocumentError."""
    return _data(node, ())


def _data(node: Node, within: tuple[int, ...]) -> Any:
    if id(node) in within:
        raise DocumentError(line_of(node), "holds itself, which JSON cannot")
    inside = (*within, id(node))
    if isinstance(node, SequenceNode):
        return [_data(item, inside) for item in node.value]
    if isinstance(node, MappingNode):
        return _mapping(node, inside)
    return _scalar(node)


def _mapping(node: Node, within: tuple[int, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise DocumentError(line_of(key), "has a key that is not text")
        made = _data(value, within)
        if key.value == _MERGE:
            for each in reversed(made if isinstance(made, list) else [made]):
                if not isinstance(each, dict):
                    raise DocumentError(line_of(key), "merges something that is not an object")
                merged |= each
        elif key.value in own:
            raise DocumentError(line_of(key), f"has the key {key.value} twice")
        else:
            own[key.value] = made
    return merged | own


def _scalar(node: Any) -> Any:
    if node.style is None and node.tag != _TEXT_TAG:
        for pattern, make in _SCALARS:
            if re.fullmatch(pattern, node.value):
                return make(node.value)
    return node.value


def entries(node: Node) -> dict[str, tuple[Node, Node]]:
    """The nodes of the keys and values of a mapping, by key: its own, not what it merges."""
    return {key.value: (key, value) for key, value in node.value}


# --- writing ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Edit:
    """Text to stand in place of that from `start` to `end`."""

    start: int
    end: int
    text: str


def edited(text: str, changes: Iterable[tuple[Node, Any]]) -> str:
    """The text with each node turned into what holds that data. Comments and all else stay, as far as they can.

    Raises DocumentError for a node that shares a part with another by an anchor.
    """
    editor = _Editor(text if text.endswith("\n") else f"{text}\n")
    edits = [edit for node, new in changes for edit in editor.change(node, new)]
    made, done = "", 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):  # in one place: as they came, the inner first
        made, done = made + editor.text[done : edit.start] + edit.text, edit.end
    made += editor.text[done:]
    return made if editor.text == text else made.removesuffix("\n")


def _is_shared(node: Node) -> bool:
    """Whether there is an anchor, an alias or a merge in it."""
    if node.anchor is not None:
        return True
    if isinstance(node, MappingNode):
        return any(key.value == _MERGE or _is_shared(value) for key, value in node.value)
    return isinstance(node, SequenceNode) and any(map(_is_shared, node.value))


def same(one: Any, other: Any) -> bool:
    """Whether both are the same JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@attrs.frozen
class _Editor:
    text: str

    def change(self, node: Node, new: Any, key: Node | None = None) -> Iterator[_Edit]:
        """What turns the node, the value of that key if it is one, into that data."""
        if same(data_of(node), new):
            return
        if self._takes_keys(node, new):
            yield from self._change_keys(node, new)
        elif self._takes_items(node, new):
            for item, value in zip(node.value, new, strict=True):
                yield from self.change(item, value)
        elif _is_shared(node):
            raise DocumentError(line_of(key or node), "shares a part with another by an anchor: change it by hand")
        elif key is None:
            yield _Edit(node.start_mark.index, self._end(node), rendered(new, flow=True))
        else:
            yield self._behind(key, node, new)

    def _takes_keys(self, node: Node, new: Any) -> bool:
        """Whether keys can be changed one by one: it stands in lines, and none that goes stands behind a dash."""
        if not (isinstance(node, MappingNode) and not node.flow_style and isinstance(new, dict)):
            return False
        if _MERGE in entries(node):
            return False
        return any(key.value in new for key, _ in node.value) and all(
            key.value in new or self._begins_line(key) for key, _ in node.value
        )

    @staticmethod
    def _takes_items(node: Node, new: Any) -> bool:
        return (
            isinstance(node, SequenceNode)
            and not node.flow_style
            and isinstance(new, list)
            and len(node.value) == len(new)
        )

    def _change_keys(self, node: Node, new: dict[str, Any]) -> Iterator[_Edit]:
        known = entries(node)
        for name, (key, value) in known.items():
            if name in new:
                yield from self.change(value, new[name], key)
            else:
                yield _Edit(self._line_start(key), self._next_line(self._end(value, key)), "")
        more = {name: value for name, value in new.items() if name not in known}
        if more:
            last_key, last = node.value[-1]
            lines = rendered(more, indent=node.value[0][0].start_mark.column)
            end = self._next_line(self._end(last, last_key))
            yield _Edit(end, end, self._lines(lines) + self._newline)

    def _behind(self, key: Node, value: Node, new: Any) -> _Edit:
        """What puts that data behind the key: in lines where the value stood in lines, or was nothing."""
        colon = self.text.index(":", key.end_mark.index) + 1
        in_lines = not (getattr(value, "flow_style", False) and value.value)
        if isinstance(new, (dict, list)) and new and in_lines:
            lines = rendered(new, indent=key.start_mark.column + 2)
            return _Edit(colon, self._end(value, key), self._newline + self._lines(lines))
        begins = value.start_mark.index if value.start_mark.line == key.start_mark.line else colon
        space = " " if self.text[begins - 1] == ":" else ""
        return _Edit(begins, self._end(value, key), space + rendered(new, flow=True))

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _lines(self, text: str) -> str:
        return text.replace("\n", self._newline)

    def _end(self, node: Node, key: Node | None = None) -> int:
        """Where the text of a node ends, without the comments and blank lines behind it."""
        if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1], last[0]) if isinstance(last, tuple) else self._end(last)
        start: int = node.start_mark.index
        end: int = node.end_mark.index
        if start == end and key is not None:  # nothing behind the colon
            end = start = self.text.index(":", key.end_mark.index) + 1
        return start + len(self.text[start:end].rstrip())

    def _line_start(self, node: Node) -> int:
        return self.text.rfind("\n", 0, node.start_mark.index) + 1

    def _begins_line(self, node: Node) -> bool:
        return not self.text[self._line_start(node) : node.start_mark.index].strip()

    def _next_line(self, index: int) -> int:
        """Where the line begins that comes after the one that the index is in."""
        return self.text.index("\n", index) + 1


def rendered(value: Any, *, indent: int = 0, flow: bool = False) -> str:
    """A value as YAML: in lines, each that far to the right, or, `flow`, in one."""
    if flow:
        return _flow(value)
    return "\n".join(" " * indent + line for line in _lines(value))


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_word(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return _word(value)


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            first, *rest = _lines(item)
            if isinstance(item, (dict, list)) and item:
                yield f"{_word(key)}:"
                yield from (f"  {line}" for line in (first, *rest))
            else:
                yield f"{_word(key)}: {first}"
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _flow(value)


def _word(value: Any) -> str:
    """A scalar as it may stand anywhere: text is quoted unless no reader of YAML could take it for anything else."""
    if not isinstance(value, str):
        return json.dumps(value)
    if re.fullmatch(_PLAIN, value) and value.casefold() not in _WORDS:
        return value
    if value.isprintable():
        return f"'{value.replace(chr(39), chr(39) * 2)}'"
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() and letter not in '"\\' else f"\\U{ord(letter):08x}"
