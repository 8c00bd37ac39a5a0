"""A probe that is ended, at whatever call: what it has written is deleted, what it has found is kept."""

from __future__ import annotations

import pytest

from gainsight_dest import Request, Response
from gainsight_dest.deliver.flow import Send
from gainsight_dest.probing import as_data, clean_up, drive, probe_flow
from tests.probing.runs import THEIRS, Clock, names_in, probe_of, probed, sandbox


def calls() -> int:
    return probed(sandbox().handle).calls


@pytest.mark.parametrize("is_done", [True, False], ids=["answered", "not sent"])
def test_ctrl_c_at_any_call_leaves_no_company_and_is_raised_at_the_end(is_done: bool) -> None:
    left = {}
    for number in range(1, calls() + 1):
        tenant, clock, probe, count = sandbox(), Clock(), probe_of(), [0]

        def send(request: Request, number: int = number, tenant: object = tenant, count: list[int] = count) -> Response:
            count[0] += 1
            if count[0] == number and not is_done:
                raise KeyboardInterrupt
            answer: Response = tenant.handle(request)  # type: ignore[attr-defined]
            if count[0] == number:
                raise KeyboardInterrupt
            return answer

        with pytest.raises(KeyboardInterrupt):
            drive(probe, probe_flow(probe), send, clock, clock.sleep)
        if names_in(tenant) != [*THEIRS] or probe.left.companies or probe.is_complete:
            left[number] = (names_in(tenant), probe.left.companies)
    assert left == {}


def test_a_probe_that_is_to_end_asks_no_more_and_cuts_its_waits_short() -> None:
    tenant, clock, probe = sandbox(), Clock(), probe_of(gap=1_000.0)
    begun = clock.now

    def send(request: Request) -> Response:
        probe.is_stopped |= request.action == "create company"
        return tenant.handle(request)

    drive(probe, probe_flow(probe), send, clock, clock.sleep)
    assert names_in(tenant) == [*THEIRS]
    assert tenant.people == []
    assert clock.now - begun < 6_000
    assert probe.findings["create-answer"].answer == "Gsids in data.records"
    assert probe.findings["query-in"].unasked == "the probe was ended"
    assert not as_data(probe)["complete"]


def test_a_wait_ends_soon_once_the_probe_is_to_end() -> None:
    probe, slept = probe_of(gap=600.0), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        probe.is_stopped = True

    tenant = sandbox()
    drive(probe, probe_flow(probe), tenant.handle, lambda: 0.0, sleep)
    assert slept == [0.2]


def test_what_is_raised_by_who_is_told_is_raised_once_the_companies_are_deleted() -> None:
    tenant, clock, probe = sandbox(), Clock(), probe_of()

    def told() -> None:
        if probe.made:
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - it says nothing
        drive(probe, probe_flow(probe, told), tenant.handle, clock, clock.sleep)
    assert tenant.counts["delete company"] == 2
    assert names_in(tenant) == [*THEIRS]
    assert not probe.is_complete


def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    tenant, clock, probe, slept = sandbox(), Clock(), probe_of(gap=2.0), list[float]()

    def send(request: Request) -> Response:
        clock.now -= 3_600
        return tenant.handle(request)

    drive(probe, probe_flow(probe), send, clock, slept.append)
    assert sum(slept) <= 2.0 * probe.calls + 60
    assert probe.is_complete


def test_what_a_kill_has_left_is_deleted_by_the_mark_alone() -> None:
    tenant, clock, killed = sandbox(), Clock(), probe_of()
    flow = probe_flow(killed)
    answer: object = None
    while tenant.counts["create company"] < 2:
        killed.now = clock()
        step = flow.send(answer)
        answer = tenant.handle(step.request) if isinstance(step, Send) else None
    assert len(names_in(tenant)) > len(THEIRS)
    later = probe_of()
    later.has_written_companies = True
    later.unsure.update(later.names)
    drive(later, clean_up(later), tenant.handle, clock, clock.sleep)
    assert names_in(tenant) == [*THEIRS]
    assert later.left.companies == ()
