"""Where a store may be: a file, or a server of Redis. Both have a clock that tests can set."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gainsight_dest.known import Store, Told
from gainsight_dest.known.sqlite import SqliteStore

if TYPE_CHECKING:
    import pytest  # the processes of the tests need it not, and are started often

#: Seconds; what takes longer hangs.
LONGEST = 60
START = 1_800_000_000.0


class Place(Protocol):
    """A place for one store, which may be opened several times."""

    #: What the clock shows, once it is stopped: seconds since the epoch.
    now: float
    #: For another process: see `opened`.
    where: str

    def open(self, **options: Any) -> Store:
        """The store. It is closed in the end."""

    def stop_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From here on, it shows `now`."""

    def close(self) -> None:
        """Close all stores."""


def opened(where: str, **options: Any) -> Store:
    """The store of a place, in any process."""
    if where.startswith("unix://"):
        from gainsight_dest.known.redis import RedisStore  # noqa: PLC0415 - not everybody has its client

        return RedisStore(where, **options)
    return SqliteStore(where, **options)


class OnDisk:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder / "known.db")
        self.now = time.time()
        self._stores: list[Store] = []
        self._options: dict[str, Any] = {}

    def open(self, **options: Any) -> Store:
        self._stores.append(opened(self.where, **self._options, **options))
        return self._stores[-1]

    def stop_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        del monkeypatch
        self.now = START
        self._options = {"clock": lambda: self.now}

    def close(self) -> None:
        for store in self._stores:
            store.close()


class Server:
    """A server of Redis, in a process of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="redis")  # of a short name: that of a socket may not be long
        self.socket = Path(self._folder.name, "s")
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:  # noqa: PYI034 - Python 3.10 has no Self
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self, *options: str) -> None:
        from redis import ConnectionError, Redis  # noqa: A004, PLC0415 - not everybody has it

        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, "--dir", self._folder.name, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + LONGEST
        with Redis(unix_socket_path=str(self.socket)) as client:
            while True:
                try:
                    client.ping()
                except ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                else:
                    return

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def client(self) -> Any:
        from redis import Redis  # noqa: PLC0415 - the same

        return Redis(unix_socket_path=str(self.socket))


class OnServer:
    """An empty server."""

    def __init__(self, server: Server) -> None:
        self.where = server.url
        self.client = server.client()
        self.client.flushall()
        self._now = time.time()
        self._is_stopped = False
        self._stores: list[Store] = []

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, now: float) -> None:
        self._now = now
        if self._is_stopped:
            self.client.mset({"clock:s": int(now), "clock:us": round(now % 1 * 1_000_000)})

    def open(self, **options: Any) -> Store:
        self._stores.append(opened(self.where, **options))
        return self._stores[-1]

    def stop_the_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gainsight_dest.known import redis as module  # noqa: PLC0415 - the same

        stopped = "{redis.call('GET', 'clock:s'), redis.call('GET', 'clock:us')}"
        before = module._BEFORE.replace("redis.call('TIME')", stopped)
        assert before != module._BEFORE
        monkeypatch.setattr(module, "_BEFORE", before)
        self._is_stopped = True
        self.now = START

    def close(self) -> None:
        for store in self._stores:
            store.close()
        self.client.close()


def record(number: int) -> bytes:
    """The digest of a record."""
    return number.to_bytes(16, "big")


def told(value: str = "v", *, name: str = "name", key: str = "a key", **others: Any) -> Told:
    """Something that Gainsight was told."""
    return Told(key.encode().ljust(8), {name.encode().ljust(4)[:4]: value.encode().ljust(8)[:8]}, **others)
