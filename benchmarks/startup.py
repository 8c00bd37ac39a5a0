"""What `import gainsight_dest` costs beside `import attrs, cattrs`, each in fresh interpreters, measured in turn.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 30
PROGRAM = "import time; t = time.perf_counter(); import {}; print((time.perf_counter() - t) * 1000)"


def milliseconds(modules: str) -> float:
    """The time that one import takes in an interpreter of its own."""
    program = PROGRAM.format(modules)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print both and their difference."""
    for modules in ("attrs, cattrs", "gainsight_dest"):
        milliseconds(modules)  # so that neither is the first to read its files from the disk
    rounds = [(milliseconds("attrs, cattrs"), milliseconds("gainsight_dest")) for _ in range(ROUNDS)]
    theirs, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    more = statistics.median(ours - theirs for theirs, ours in rounds)
    print(f"attrs, cattrs   {theirs:6.1f} ms")
    print(f"gainsight_dest  {ours:6.1f} ms: {more:.1f} ms more, {ours / theirs:.2f} x")


if __name__ == "__main__":
    main()
