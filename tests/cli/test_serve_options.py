"""What `gainsight-dest serve` makes of its options."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest.rudderstack import server
from gainsight_dest.rudderstack.server import Service
from tests.cli.process import run, wrong_use


@pytest.mark.parametrize(
    ("arguments", "service", "place"),
    [
        ([], Service(), ("127.0.0.1", 9090, 1)),
        (
            ["--no-batch", "--max-body", 2, "--quiet", "--base-url", "http://127.0.0.1:9"],
            Service("http://127.0.0.1:9", batch=False, most_bytes=2 * 2**20, is_quiet=True),
            ("127.0.0.1", 9090, 1),
        ),
        (
            ["--allow-domain", "*.GainsightCloud.com", "--allow-domain", "eu.example.com"],
            Service(allowed=("*.GainsightCloud.com", "eu.example.com")),
            ("127.0.0.1", 9090, 1),
        ),
        (
            ["--store", "{}/known.db", "--known", "--resend-after", "24h"],
            Service(store="{}/known.db", known=True, resend_after=86_400.0),
            ("127.0.0.1", 9090, 1),
        ),
        (
            ["--calls-per-minute", 90, "--calls-per-day", 40_000],
            Service(calls_per_minute=90, calls_per_day=40_000),
            ("127.0.0.1", 9090, 1),
        ),
        (["--host", "::1", "--port", 0, "--workers", 3], Service(), ("::1", 0, 3)),
    ],
    ids=["none", "of the service", "domains", "of the store", "limits", "of the place"],
)
def test_the_service_is_as_it_is_told_and_says_where_it_is(
    arguments: list[object],
    service: Service,
    place: tuple[str, int, int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    arguments = [str(each).format(tmp_path) for each in arguments]
    service = attrs.evolve(service, store=service.store and service.store.format(tmp_path))
    served: list[Any] = []

    def serve(given: Service, host: str, port: int, workers: int, listening: Callable[[str], object]) -> None:
        served.append((given, (host, port, workers)))
        listening("http://there")
        sys.stdout.flush()

    monkeypatch.setattr(server, "run", serve)
    done = run("serve", *arguments)
    assert served == [(service, place)]
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"RudderStack's transformer for Gainsight is at http://there\n"


@pytest.mark.parametrize(
    ("now", "most", "then"),
    [(1024, 4096, 4096), (1024, 2048, 2048), (1024, -1, 4096), (65536, 65536, 65536), (-1, -1, -1)],
)
def test_it_may_open_as_many_files_as_it_may_need(
    now: int, most: int, then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")

    limits = [(now, most)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    server._have_files()
    assert limits[-1] == (then, most)


def test_a_wrong_base_url_and_a_place_that_cannot_be_had_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(server, "run", serve)
    assert wrong_use(run("serve")) == "cannot listen at 127.0.0.1:9090: Address already in use"
    assert wrong_use(run("serve", "--base-url", "nowhere")).startswith("base_url: must be")
