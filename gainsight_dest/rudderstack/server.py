"""The app behind a port, in one process or several, until it is asked to stop. Extra `serve`."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import attrs
import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from gainsight_dest.deliver.call import TIMEOUT, Timeout
from gainsight_dest.known.known import Known
from gainsight_dest.rudderstack.app import create_app, sender
from gainsight_dest.rudderstack.connections import Connection
from gainsight_dest.rudderstack.metrics import SHARED

#: Seconds that requests in flight have to be finished in, once a stop is asked for. More than calls are still begun in,
#: and the last of them may take.
GRACE = 60
#: Files that may be open: two for each call under way, or connection that is kept for another, one for each client.
_FILES = 4096
#: How often, and how many seconds apart, those who have come before a stop are let in.
_ROUNDS, _ROUND = 10, 0.02
#: Connections that may wait to be accepted.
_WAITING = 1024


@attrs.frozen
class Service:
    """What is to be served. Pickles, for workers are processes of their own; calling it makes the app."""

    base_url: str | None = None
    timeout: Timeout = TIMEOUT
    batch: bool = True
    most_bytes: int = 64 * 2**20
    is_quiet: bool = False
    allowed: Sequence[str] = ()
    #: The place of a store, as of `Known.open`, and how it is used, as of `create_app`.
    store: str | None = None
    known: bool = False
    resend_after: float | None = None
    calls_per_minute: int | None = None
    calls_per_day: int | None = None
    #: The folder that is removed at the end: of the store or the workers' counts, where they are this service's own.
    folder: str | None = None

    def __call__(self) -> Any:
        """The app, with the access log on standard error."""
        _heed_stops(yes=True)  # uvicorn does by now
        _end_with_parent(self.folder)
        _have_files()
        logger = logging.getLogger("gainsight_dest.rudderstack")
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.handlers = [handler]
        logger.setLevel(logging.WARNING if self.is_quiet else logging.INFO)
        send = sender(self.base_url, self.timeout)
        app = create_app(
            send,
            batch=self.batch,
            most_bytes=self.most_bytes,
            allowed=self.allowed,
            store=None if self.store is None else Known.open(self.store),
            known=self.known,
            resend_after=self.resend_after,
            calls_per_minute=self.calls_per_minute,
            calls_per_day=self.calls_per_day,
        )
        # A request makes thousands of values and no cycle: without this, a tenth of the time went into looking for one.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        return app


def run(service: Service, host: str, port: int, workers: int, listening: Callable[[str], object]) -> None:
    """Serves until SIGTERM or Ctrl-C; requests in flight are finished. Port 0: any that is free.

    `listening` gets the address. Raises OSError where the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_WAITING)  # from here on, a client that calls is kept waiting
        has_counts = workers > 1 and SHARED not in os.environ
        if has_counts or service.store is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gainsight-dest-serve-"))
            service = attrs.evolve(service, folder=folder, store=service.store or str(Path(folder, "store.db")))
            if has_counts:
                Path(folder, "counts").mkdir()
                os.environ[SHARED] = str(Path(folder, "counts"))
        config = uvicorn.Config(
            service,
            factory=True,
            http=Connection,
            proxy_headers=False,
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
            server = _UvicornServer(config)
            serve = partial(server.run, [listener])
            # uvicorn looks at signals once the app is made, and raises them once more when it is done.
            for name_of in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name_of, server.handle_exit)
        listening(f"http://{name}:{listener.getsockname()[1]}")
        serve()


class _UvicornServer(uvicorn.Server):
    """A server that lets those in who have come before it was asked to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Each round accepts connections, or reads what they have brought."""
        self.config.loaded_app.stop()
        for _ in range(_ROUNDS):
            await asyncio.sleep(_ROUND)
        await super().shutdown(sockets)


class _Worker(multiprocess.Process):
    """A worker with that server."""

    @cached_property
    def server(self) -> uvicorn.Server:
        """Made where it is first asked for: in the worker."""
        return _UvicornServer(self.config)


class _Workers(Multiprocess):
    """Workers that no signal breaks while they are being made: neither Ctrl-C, which comes to all of a terminal's
    processes, nor SIGTERM, which would leave those without an answer who have come already.

    They inherit that it is held back; here it is let in between two rounds.
    """

    def run(self) -> None:
        """Until a signal ends it."""
        vars(multiprocess)["Process"] = _Worker  # uvicorn asks for no other
        resource_tracker.ensure_running()  # made later, it would let the signal in again
        _heed_stops(yes=False)
        try:
            super().run()
        finally:
            _heed_stops(yes=True)

    def handle_signals(self) -> None:
        """Those that have come."""
        _heed_stops(yes=True)
        _heed_stops(yes=False)
        super().handle_signals()


def _heed_stops(*, yes: bool) -> None:
    """Let the signals in, or hold them back, where the system can."""
    if sys.platform != "win32":
        signals = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_UNBLOCK if yes else signal.SIG_BLOCK, signals)


def _end_with_parent(folder: str | None) -> None:
    """A worker whose parent is gone, killed perhaps, ends as if that had asked it to: the port is free again.

    It removes what that would have: the folder.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=[parent, folder], daemon=True).start()


def _end_after(parent: Any, folder: str | None) -> None:
    parent.join()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)  # another worker may be at it, too
    os.kill(os.getpid(), signal.SIGTERM)


def _have_files() -> None:
    """As many open files as it may need, or as the system lets it have."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has none

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= now < _FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES if most < 0 else min(_FILES, most), most))
