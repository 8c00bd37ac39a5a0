"""The app behind a port, in one process or several, until it is asked to stop. Extra `serve`."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

import attrs
import uvicorn
from uvicorn.supervisors import Multiprocess

from gainsight_dest.rudderstack.app import create_app, sender
from gainsight_dest.rudderstack.metrics import SHARED

#: Seconds that requests in flight have to be finished in, once a stop is asked for. More than a call may take.
GRACE = 60
#: Connections that may wait to be accepted.
_WAITING = 1024


@attrs.frozen
class Service:
    """What is to be served. Pickles, for workers are processes of their own; calling it makes the app."""

    base_url: str | None = None
    timeout: tuple[float, float] = (5, 30)
    batch: bool = True
    most_bytes: int = 64 * 2**20
    is_quiet: bool = False

    def __call__(self) -> Any:
        """The app, with the access log on standard error."""
        _heed_ctrl_c(yes=True)  # uvicorn does by now
        logger = logging.getLogger("gainsight_dest.rudderstack")
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.handlers = [handler]
        logger.setLevel(logging.WARNING if self.is_quiet else logging.INFO)
        send = sender(self.base_url, self.timeout)
        app = create_app(send, batch=self.batch, most_bytes=self.most_bytes)
        # A request makes thousands of values and no cycle: without this, a tenth of the time went into looking for one.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        return app


def run(service: Service, host: str, port: int, workers: int, listening: Callable[[str], object]) -> None:
    """Serves until SIGTERM or Ctrl-C; requests in flight are finished. Port 0: any that is free.

    `listening` is told the address. Raises OSError where the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_WAITING)  # from here on, whoever calls is waited for
        if workers > 1 and SHARED not in os.environ:
            os.environ[SHARED] = stack.enter_context(tempfile.TemporaryDirectory(prefix="gainsight-dest-metrics-"))
        config = uvicorn.Config(
            service,
            factory=True,
            workers=workers,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="error",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE,
            backlog=_WAITING,
        )
        name = f"[{host}]" if ":" in host else host
        if workers > 1:
            serve = _Workers(config, [listener]).run
        else:
            server = uvicorn.Server(config)
            serve = partial(server.run, [listener])
            # uvicorn heeds signals once the app is made, and raises them once more when it is done.
            for name_of in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name_of, server.handle_exit)
        listening(f"http://{name}:{listener.getsockname()[1]}")
        serve()


class _Workers(Multiprocess):
    """Workers that Ctrl-C, which comes to all of a terminal's processes, does not break while they are being made.

    They inherit that it is held back; here it is let in between two rounds.
    """

    def run(self) -> None:
        """Until a signal ends it."""
        resource_tracker.ensure_running()  # made later, it would let the signal in again
        _heed_ctrl_c(yes=False)
        try:
            super().run()
        finally:
            _heed_ctrl_c(yes=True)

    def handle_signals(self) -> None:
        """Those that have come."""
        _heed_ctrl_c(yes=True)
        _heed_ctrl_c(yes=False)
        super().handle_signals()


def _heed_ctrl_c(*, yes: bool) -> None:
    """Let the signal in, or hold it back, where the system can."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK if yes else signal.SIG_BLOCK, {signal.SIGINT})
