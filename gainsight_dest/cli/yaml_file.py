"""A config in YAML: its data, and the line of each part. Needs ruamel.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gainsight_dest.cli.places import DEEPEST, Steps
from gainsight_dest.testing.document import composed, data_of, line_of

_TEXT_TAG = "tag:yaml.org,2002:str"
#: Numbers as JSON writes them. What only YAML takes for one, such as 007 or 0x1F, is meant as it is written.
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
_LIKE_A_NUMBER = r"[-+.0-9].*"


def parsed(data: bytes) -> tuple[Any, dict[Steps, int]]:
    """What the YAML holds, and the lines of its parts, by their steps. Raises ValueError, which says what is wrong."""
    try:
        node = composed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from None
    if node is None:
        return None, {}
    for each in _scalars(node):
        if each.style is None and re.fullmatch(_LIKE_A_NUMBER, each.value) and not re.fullmatch(_NUMBER, each.value):
            each.tag = _TEXT_TAG
    return data_of(node), dict(_lines(node, ()))


def _scalars(node: Node) -> Iterator[Any]:
    """All values and keys that are texts or numbers, each once."""
    seen: set[int] = set()
    left = [node]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, ScalarNode):
            yield each
        elif isinstance(each, MappingNode):
            left += [part for pair in each.value for part in pair]
        else:
            left += each.value


def _lines(node: Node, steps: Steps) -> Iterator[tuple[Steps, int]]:
    """The line of the node, and those of what stands in it."""
    if not steps:
        yield steps, line_of(node)
    if len(steps) == DEEPEST:
        return
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield (*steps, index), line_of(item)
            yield from _lines(item, (*steps, index))
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*steps, key.value), line_of(key)
            yield from _lines(value, (*steps, key.value))
