"""Delivery over a real connection: a Deliverer's own session, and the sandbox behind a port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from gainsight_dest.deliver import Deliverer, Status
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests.deliver.runs import GROUP, IDENTIFY, KINDS, TRACK, deliverer_to, tenant
from tests.some import CONFIG, FREE


@pytest.fixture
def sandbox() -> Sandbox:
    return tenant()


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    with Server(sandbox) as server:
        yield server


@KINDS
@pytest.mark.parametrize("workers", [1, 4])
def test_events_arrive_by_a_client_of_its_own(kind: str, workers: int, sandbox: Sandbox, server: Server) -> None:
    with deliverer_to(None, kind, base_url=server.url, workers=workers, **FREE) as deliverer:
        outcomes = list(deliverer.run([IDENTIFY, GROUP, TRACK] * 20))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert (len(sandbox.people), len(sandbox.companies), len(sandbox.events)) == (1, 1, 20)
    assert deliverer.calls == sum(sandbox.counts.values()) == 100
    assert deliverer.target == f"https://{CONFIG.domain} by way of {server.url}"


@KINDS
@pytest.mark.parametrize(
    ("fault", "looks"),
    [("dropped-before", 2), *((kind, 0) for kind in ("dropped-after", "html", "truncated", "500-after", "503"))],
)
def test_a_fault_on_the_wire_is_as_one_in_memory(kind: str, fault: str, looks: int) -> None:
    sandbox = tenant(faults=[PlannedFault(fault, action="create company", times=1)])
    with Server(sandbox) as server, deliverer_to(None, kind, base_url=server.url, **FREE) as deliverer:
        (outcome,) = deliverer.run([GROUP])
    assert (outcome.status, outcome.attempts, outcome.calls) == ("delivered", 2 + looks, 5 + looks)
    (company,) = sandbox.companies
    assert outcome.gsid == company["Gsid"]


def test_one_target_has_one_name_however_it_is_written(server: Server) -> None:
    assert Deliverer(CONFIG, base_url=f"{server.url}/").target == Deliverer(CONFIG, base_url=server.url).target


def test_two_tenants_behind_one_base_url_are_two_targets(server: Server) -> None:
    other = attrs.evolve(CONFIG, domain="other.gainsightcloud.com")
    assert Deliverer(CONFIG, base_url=server.url).target != Deliverer(other, base_url=server.url).target


@KINDS
def test_a_connection_is_kept_for_the_next_call(
    kind: str, sandbox: Sandbox, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = []
    connect = socket.socket.connect

    def counted(self: socket.socket, address: Any) -> None:
        connections.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", counted)
    with deliverer_to(None, kind, base_url=server.url, **FREE) as deliverer:
        list(deliverer.run([TRACK] * 30))
    assert len(connections) == 1
    assert len(sandbox.events) == 30
