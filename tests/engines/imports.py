"""What a fresh Python says when it imports the library: for the tests of what is imported when."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

#: Each time as if the library had not been imported; what it is made of is not read again, which would take seconds.
WITHOUT = """
import sys
from importlib import import_module
package, *all_that_is_missing = sys.argv[1:]
for missing in all_that_is_missing:
    here = {**sys.modules}
    sys.modules[missing] = None
    try:
        import_module(package)
        print()
    except ImportError as error:
        print(type(error).__name__, error.name, error)
    for name in [name for name in sys.modules if name == missing or name.startswith("gainsight_dest")]:
        del sys.modules[name]
    if missing in here:
        sys.modules[missing] = here[missing]
"""


def printed(program: str, *arguments: str) -> str:
    """What the program prints."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def told_without(package: str, *missing: str) -> dict[str, str]:
    """What is said of the package's import where one of these modules is not installed, by its name."""
    return dict(zip(missing, printed(WITHOUT, package, *missing).splitlines(), strict=True))


def told_of(missing: str, extra: str) -> str:
    """What is to be said of the import of an extra's package where a module that it needs is not installed."""
    remedy = f"pip install 'gainsight-dest[{extra}]'"
    return f"ImportError {missing} gainsight_dest.{extra} needs {missing}, which is not installed: {remedy}"
