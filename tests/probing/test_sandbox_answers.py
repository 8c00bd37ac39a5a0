"""The sandbox answers a probe as the table of facts has it, and the companies are gone afterwards."""

from __future__ import annotations

import pytest

from gainsight_dest.probing import FACTS, Probe, Verdict, as_data, compared
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.tenant import Tenant
from tests.probing.runs import EVENT, MARK, TENANT, THEIRS, Clock, names_in, probed, sandbox

EMAIL = f"gainsight-dest-probe-{MARK}@example.com"


def differing(probe: Probe) -> dict[str, str]:
    """The facts that were not answered as the table says, with what came of them."""
    return {each.fact.name: each.answer for each in compared(as_data(probe)) if each.verdict is not Verdict.SAME}


@pytest.fixture
def full() -> tuple[Probe, Sandbox]:
    """A probe with all that can be asked for."""
    clock = Clock()
    tenant = sandbox(calls_per_minute=100, clock=clock)
    return probed(tenant.handle, clock, event=EVENT, until_throttled=True), tenant


def test_every_fact_is_answered_as_the_table_has_it(full: tuple[Probe, Sandbox]) -> None:
    probe, _ = full
    assert differing(probe) == {}
    assert (probe.is_complete, probe.ended) == (True, None)
    assert [*probe.findings] == [*(fact.name for fact in FACTS), "delete"]


def test_nothing_is_left_but_a_person_and_an_event_and_the_companies_of_others_are_untouched(
    full: tuple[Probe, Sandbox],
) -> None:
    probe, tenant = full
    assert names_in(tenant) == [*THEIRS]
    assert [person["Email"] for person in tenant.people] == [EMAIL]
    assert [event["name"] for event in tenant.events] == ["closed"]
    assert probe.left == ((), (EMAIL,))
    assert probe.calls == sum(tenant.counts.values())


def test_without_options_no_event_is_sent_and_no_429_is_provoked() -> None:
    tenant = sandbox()
    probe = probed(tenant.handle)
    assert differing(probe) == {
        "event-answer": "no event was to be sent",
        "throttled": "no 429 was to be provoked",
        "throttled-headers": "no 429 was provoked",
    }
    assert tenant.events == []
    assert probe.calls < 50


def test_a_tenant_that_does_not_describe_itself_is_asked_all_but_picklists() -> None:
    tenant = sandbox(tenant=None)
    probe = probed(tenant.handle)
    assert names_in(tenant) == [*THEIRS]
    assert {"picklist-label", "picklist-id"} <= differing(probe).keys()
    assert differing(probe)["picklist-id"] == "no picklist of companies with options is known"


def test_fields_that_a_tenant_requires_are_filled_in_and_those_it_lacks_are_not_written() -> None:
    company, person = TENANT.objects["Company"], TENANT.objects["Person"]
    lacking = {"TickerSymbol", "OriginalContractDate"}
    fields = [field for name, field in company.fields.items() if name not in lacking]
    tenant = sandbox(tenant=Tenant([type(company)("Company", "", fields), person]))
    probe = probed(tenant.handle)
    assert any(field.is_required and field.name != "Name" for field in fields)
    assert probe.findings["create-answer"].answer == "Gsids in data.records"
    assert probe.findings["company-null"].answer == "a find gives null"
    assert probe.findings["company-bad-date"].answer == "refused: HTTP 400, GSOBJ_1006"


def test_calls_are_paced() -> None:
    clock, tenant = Clock(), sandbox()
    begun = clock.now
    probe = probed(tenant.handle, clock, gap=2.0)
    assert clock.now - begun >= 2 * (probe.calls - 10)  # looks right after a create, and deletes, do not wait
