"""What the tests of the journal share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TARGET = "https://acme.gainsightcloud.com"


def killed_after(path: Path, *lines: str) -> None:
    """A process of its own opens the journal, does that, and is killed."""
    program = [
        "import os, sys",
        "from gainsight_dest.deliver import *",
        "journal = Journal(sys.argv[1], sys.argv[2])",
        *lines,
        "os.kill(os.getpid(), 9)",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(program), str(path), TARGET], check=False)
    assert done.returncode == -9
