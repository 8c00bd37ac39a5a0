"""Word from the tasks of an action while they send: so much so far. The driver hears it, and can have them stop.

Spark tells the driver what a Python task has done when the task ends, and nothing at all if it is killed. So each task
says it over a connection of its own, once a second, in a line of JSON: counts, and no event. If the driver hangs up, as
it does when the action is cancelled, or if it dies, the task sends nothing more. Without a connection the task sends
all the same, but what it has sent is not known if it is killed.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, NamedTuple

log = logging.getLogger("gainsight_dest.spark")

#: What is counted.
COUNTS = ("events", "delivered", "unchanged", "failed", "skipped", "not_tried", "calls")
Counts = Mapping[str, int]
#: Seconds: between two words of a task, to connect, between two lines of the driver's log, for a task's last word.
_BEAT, _CONNECT, _LOG, _LAST_WORDS = 1.0, 5.0, 60.0, 3.0
#: A longer line is no word of a task. In bytes.
_LONGEST = 2_000


class DriverAddress(NamedTuple):
    """Where the driver listens, and what a task says first, so that it is heard."""

    host: str
    port: int
    token: str


class Listener:
    """What hears the tasks, on the driver, while its `with` block lasts.

    `bound`: the address that it listens at; `host`: as tasks call it. Raises OSError where it cannot listen.
    """

    def __init__(self, host: str, bound: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._said: dict[tuple[str, int], Counts] = {}
        self._lock = threading.Lock()
        self._clock, self._logged_at = clock, clock()
        self._server = _Server((bound, 0), _Ear)
        self._server.listener = self
        #: For tasks.
        self.driver = DriverAddress(host, self._server.server_address[1], secrets.token_hex(16))
        threading.Thread(
            target=self._server.serve_forever, args=[0.1], name="gainsight-dest-beats", daemon=True
        ).start()

    def hear(self, line: bytes) -> bool:
        """Note what a task says; False if it is no task of this driver's."""
        try:
            token, sender, attempt, *numbers = json.loads(line)
            counts = dict(zip(COUNTS, map(int, numbers), strict=True))
            if not hmac.compare_digest(str(token).encode(), self.driver.token.encode()):
                return False
            key = str(sender), int(attempt)
        except (ValueError, TypeError):
            return False
        with self._lock:
            self._said[key] = counts
            now = self._clock()
            if is_due := now - self._logged_at >= _LOG:
                self._logged_at = now
        if is_due:
            log.info("so far: %s", ", ".join(f"{number} {name}" for name, number in self.counts().items()))
        return True

    def counts(self) -> dict[str, int]:
        """What the tasks have done so far: by their last attempts, and the calls of all."""
        with self._lock:
            said = sorted(self._said.items())
        last = {sender: counts for (sender, _), counts in said}
        found = {name: sum(counts[name] for counts in last.values()) for name in COUNTS}
        return {**found, "calls": sum(counts["calls"] for _, counts in said)}

    def last_words(self) -> dict[str, int]:
        """Hang up, and what the tasks have done then."""
        self.close()
        return self.counts()

    def close(self) -> None:
        """Hang up: tasks that are still sending stop, and have some seconds to say what they have sent."""
        self._server.shutdown()
        self._server.take_the_last()
        self._server.hang_up(_LAST_WORDS)
        self._server.server_close()

    def __enter__(self) -> Listener:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    timeout = 0
    listener: Listener

    def __init__(self, *given: Any) -> None:
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def take_the_last(self) -> None:
        """Those that have called, and were not answered so far."""
        self._is_idle = self.fileno() < 0
        while not self._is_idle:
            self.handle_request()

    def handle_timeout(self) -> None:
        self._is_idle = True

    def hang_up(self, seconds: float) -> None:
        """Say nothing more to any task, and wait for so long until they do the same."""
        with self._changed:
            for request in self._open:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_WR)
            self._changed.wait_for(lambda: not self._open, seconds)


class _Ear(StreamRequestHandler):
    timeout = 60.0

    def handle(self) -> None:
        with suppress(OSError):  # of a task that was killed
            while (line := self.rfile.readline(_LONGEST)) and self.server.listener.hear(line):  # type: ignore[attr-defined]
                pass


@contextmanager
def beating(
    driver: DriverAddress | None, sender: str, attempt: int, counts: Callable[[], Counts], stop: Callable[[], None]
) -> Iterator[None]:
    """In a task: tell the driver the counts, once a second and at the end; `stop`, again and again, if it hangs up."""
    if driver is None:
        yield
        return
    done = threading.Event()
    lines: list[socket.socket] = []

    def say() -> None:
        said = counts()
        lines[0].sendall(json.dumps([driver.token, sender, attempt, *(said[name] for name in COUNTS)]).encode() + b"\n")

    def beat() -> None:
        try:
            lines.append(socket.create_connection((driver.host, driver.port), _CONNECT))
        except OSError as error:
            log.warning("%s cannot tell the driver what it sends: %s", sender, error)
            return
        with lines[0] as line:
            line.settimeout(_BEAT)
            has_hung_up = False
            while not has_hung_up and not done.is_set():
                try:
                    say()
                    has_hung_up = not line.recv(1)
                except TimeoutError:
                    pass
                except OSError:
                    has_hung_up = True
            while not done.wait(_BEAT / 4):  # again and again: a run that begins just now is to hear it, too
                stop()
            with suppress(OSError):
                say()

    thread = threading.Thread(target=beat, name="gainsight-dest-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RD)  # which ends the wait for the driver
        thread.join(_BEAT + _CONNECT)
