"""What the tests of this folder need, and the places that a store may be in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.known.places import OnDisk, OnServer, Place, Server
from tests.needs import NEEDS, needing

OF_REDIS = ("redis", "redis-server")
pytest_pycollect_makemodule = needing(test_redis=OF_REDIS, test_jobs=("deliver",))
#: Where there is no Redis, that file says so, for all.
STORES = ["sqlite", "redis"] if all(NEEDS[name].is_met for name in OF_REDIS) else ["sqlite"]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A real one, which keeps nothing on the disk."""
    with Server() as started:
        yield started


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An empty one of each kind, with a clock that stands still."""
    made: Place = OnDisk(tmp_path) if request.param == "sqlite" else OnServer(request.getfixturevalue("server"))
    made.stop_the_clock(monkeypatch)
    yield made
    made.close()


@pytest.fixture(params=STORES)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty one of each kind, for processes: with the clock of the machine."""
    made: Place = OnDisk(tmp_path) if request.param == "sqlite" else OnServer(request.getfixturevalue("server"))
    yield made
    made.close()
