"""The command line: `gainsight-dest`, also `python -m gainsight_dest`. Extra `cli`."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec

_NEEDS = ("click", "msgspec", "rich")
FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130  # as shells report an end by Ctrl-C
READER_GONE = 141  # as they report an end by a closed pipe


def main() -> None:
    """Run the command line and exit: 0 all well, 1 some events failed, 2 wrong use or config."""
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - click, which would print it, may be what is missing
            f"The command line needs {', '.join(missing)}: pip install 'gainsight-dest[cli]'", file=sys.stderr
        )
        sys.exit(WRONG_USE)

    import click  # noqa: PLC0415 - only once it is known to be there

    from gainsight_dest.cli import streams  # noqa: PLC0415 - the same
    from gainsight_dest.cli.app import cli  # noqa: PLC0415 - the same
    from gainsight_dest.cli.files import ReaderGoneError  # noqa: PLC0415 - the same

    streams.open_streams()
    try:
        status = cli.main(prog_name="gainsight-dest", standalone_mode=False)
    except click.ClickException as error:
        with suppress(OSError):
            error.show(streams.EscapingStream(sys.stderr))
        status = error.exit_code
    except OSError as error:  # a full disk, a device that fails
        with suppress(OSError):
            print(f"Error: {error.strerror}", file=sys.stderr)  # noqa: T201 - as click shows its own
        status = WRONG_USE
    except click.Abort:
        status = INTERRUPTED
    except ReaderGoneError:
        status = READER_GONE
    streams.flush()
    if any(thread.daemon for thread in threading.enumerate()):
        # One that still waits for standard input: Python's own way to end would break on it.
        os._exit(status)
    sys.exit(status)
