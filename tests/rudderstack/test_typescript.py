"""The lines for a fork of RudderStack's transformer, as they stand on their page, are strict TypeScript."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.needs import need

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "stand-in-for-rudderstacks-transformer.md"
OPTIONS = [
    "--strict",
    "--noImplicitReturns",
    "--noEmit",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--module",
    "nodenext",
]

#: What stands around the lines.
FORK = """
import Koa from 'koa';
import { gainsight } from './lines';

new Koa().use(gainsight);
"""


@pytest.mark.process
def test_the_lines_of_the_page_compile_in_strict_typescript(tmp_path: Path) -> None:
    need("node", "typescript")
    packages = next(
        folder for folder in os.environ["NODE_PATH"].split(os.pathsep) if Path(folder, "typescript").is_dir()
    )
    (tmp_path / "node_modules").symlink_to(packages, target_is_directory=True)
    [lines] = re.findall(r"^```ts\n(.*?)^```$", PAGE.read_text("utf8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "lines.ts").write_text(f"{lines}\nexport {{ gainsight }};\n", "utf8")
    (tmp_path / "fork.ts").write_text(FORK, "utf8")
    compile_it = ["node", str(Path(packages, "typescript", "bin", "tsc")), *OPTIONS, "--types", "node", "fork.ts"]
    done = subprocess.run(compile_it, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
