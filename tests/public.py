"""Where the package is, and which names of its modules are public."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import gainsight_dest

PACKAGE = Path(gainsight_dest.__file__).parent


def public_names(module: str) -> set[str]:
    """The `__all__` of a module, read from its source: some modules need what is not installed."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    source = file.read_text("utf8") if file.exists() else ""
    listed = re.search(r"^__all__ = (\[.*?\])$", source, re.MULTILINE | re.DOTALL)
    return set(ast.literal_eval(listed[1])) if listed else set()
