"""Events tried in a sandbox."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from gainsight_dest import DestinationConfig, Tenant
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.form import EventForm
from gainsight_dest.sandbox.said import MOST_KEPT
from gainsight_dest.sandbox.workbench import (
    EVENTS_KEPT,
    FORMS_KEPT,
    MOST_ROWS_KEPT,
    TracedRow,
    TriedEvent,
    TriedForm,
    Workbench,
    event_record,
)
from tests.some import ACCESS_KEY, ADA, CONFIG, SECRETS, group, identify, track
from tests.tenant_of_60_fields import ANSWER


def form(*events: Any, config: DestinationConfig | None = CONFIG, **maps: str) -> EventForm:
    made = EventForm.of(config, "\n".join(map(json.dumps, events)))
    return attrs.evolve(made, maps={**made.maps, **maps})


def sent(bench: Workbench, *events: Any, **maps: str) -> tuple[TriedEvent, ...]:
    done = bench.send(form(*events, config=bench.config, **maps))
    assert isinstance(done, TriedForm)
    return done.events


def actions(event: TriedEvent) -> list[str | None]:
    return [call.action for call in event.calls]


@pytest.mark.parametrize("config", [CONFIG, None], ids=["config", "no config"])
def test_events_are_delivered_one_after_another(config: DestinationConfig | None) -> None:
    sandbox = Sandbox(config)
    names = '{"Ticket Closure": "closed"}'
    maps = {"eventNameMap": names, "eventVersionMap": names.replace("closed", "1.0.0")}
    company, again, event = sent(Workbench(sandbox), group(), group(), track(status="resolved"), **maps)
    assert actions(company) == ["find company", "create company", "link person"]
    assert actions(again) == ["find company", "update company", "link person"]
    assert actions(event) == ["send event"]
    assert {each.status for each in (company, again, event)} == {"delivered"}
    assert [each.about for each in (company, again, event)] == ["Acme", "Acme", "Ticket Closure"]
    assert [call.written[0].done for call in company.calls[1:]] == ["created", "created"]
    assert [call.written[0].done for call in again.calls[1:]] == ["unchanged", "unchanged"]
    assert [person["Email"] for person in sandbox.people] == [ADA]
    assert [each["properties"] for each in sandbox.events] == [{"status": "resolved"}]


def test_what_the_forms_maps_name_is_there_for_the_form_and_for_nobody_else() -> None:
    sandbox = Sandbox(CONFIG)
    bench = Workbench(sandbox)
    (mapped,) = sent(bench, identify(shoe=38), personMap='{"shoe": "Shoe__gc"}')
    assert (mapped.status, sandbox.people[0]["Shoe__gc"]) == ("delivered", 38)
    answer = sandbox.receive(
        "PUT", "https://x/v1.0/api/people", {"accesskey": ACCESS_KEY}, {"Email": ADA, "Shoe__gc": 39}
    )
    assert answer.response is not None
    assert answer.response.status == 400


def test_rows_say_where_each_trait_goes() -> None:
    (event,) = sent(Workbench(Sandbox(CONFIG)), identify(firstName="Ada", shoe=38, masterAvatarTypeCode="7"))
    assert event.rows == (
        TracedRow("traits.email", f'"{ADA}"', "Person.Email", f'"{ADA}"', None),
        TracedRow("traits.firstName", '"Ada"', "Person.FirstName", '"Ada"', None),
        TracedRow("traits.shoe", "38", None, None, "no mapping"),
        TracedRow("traits.masterAvatarTypeCode", '"7"', "Person.MasterAvatarTypeCode", "7", None, "to number"),
        TracedRow("FirstName", '"Ada"', "Person.Name", '"Ada"', None, "made of its parts"),
    )


def test_without_a_config_no_word_of_an_event_is_masked() -> None:
    (event,) = sent(Workbench(Sandbox()), identify(name="sandbox"))
    assert '"name": "sandbox"' in event.text
    assert '"Name": "sandbox"' in event.calls[0].request.text()


def test_a_tenant_says_what_it_refuses() -> None:
    sandbox = Sandbox(tenant=Tenant.from_describe(ANSWER))
    (event,) = sent(Workbench(sandbox), identify(plan="Silver", name="Ada"), personMap='{"plan": "Plan__gc"}')
    (row,) = (row for row in event.rows if row.field == "Person.Plan__gc")
    assert event.status == "failed"
    assert row.notes.startswith("PICKLIST, personMap")
    assert row.refusal
    assert "GSOBJ_VDTPKLST1002" in str(event.told)


def test_an_event_at_fault_and_one_for_others_make_no_call() -> None:
    fault, other, off = sent(
        Workbench(Sandbox(CONFIG)), identify(None), {"type": "page"}, identify() | {"integrations": {"All": False}}
    )
    assert [str(each.status) for each in (fault, other, off)] == ["failed", "skipped", "skipped"]
    assert str(fault.told).startswith("traits.email")
    assert fault.calls + other.calls + off.calls == ()


@pytest.mark.parametrize(
    ("kind", "told"),
    [("dropped-after", "upsert person: the connection dropped"), ("500", "upsert person: Gainsight has a temporary")],
)
def test_a_call_that_fails_ends_its_event_and_is_not_made_again(kind: str, told: str) -> None:
    bench = Workbench(Sandbox(CONFIG, faults=[PlannedFault(kind, times=1)]))
    failed, other = sent(bench, identify(), identify("bob@example.com"))
    assert [str(each.status) for each in (failed, other)] == ["failed", "delivered"]
    assert str(failed.told).startswith(told)
    assert len(failed.calls) == 1


def test_a_form_that_is_wrong_sends_nothing() -> None:
    sandbox = Sandbox(CONFIG)
    bench = Workbench(sandbox)
    problems = bench.send(form(identify(), companyMap="{"))
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == ["companyMap"]
    assert (len(sandbox.calls), bench.tried.forms) == (0, ())


def test_what_another_delivers_is_explained_and_sent_nowhere() -> None:
    sandbox = Sandbox(CONFIG)
    bench = Workbench(sandbox)
    bench.watch([identify(), group(), track(a=1), {"type": "page"}, identify(None), 7])
    person, company, event, other, fault, odd = bench.tried.events
    assert [each.status for each in (person, company, event)] == [None, None, None]
    assert [str(each.status) for each in (other, fault, odd)] == ["skipped", "failed", "failed"]
    assert person.records == {("Person", ADA)}
    assert company.records == {("Company", "acme"), ("Person", ADA)}
    assert event.records == {event_record("closed", "1.0.0", None, {"a": 1})}
    assert not sandbox.calls


def test_events_and_forms_are_remembered_up_to_a_number() -> None:
    bench = Workbench(Sandbox(CONFIG, calls_per_minute=None))
    bench.watch([identify()] * (EVENTS_KEPT + 3))
    for _ in range(FORMS_KEPT + 2):
        bench.send(form(identify(None)))
    assert [len(bench.tried.events), len(bench.tried.forms)] == [EVENTS_KEPT, FORMS_KEPT]
    assert bench.tried.events[-1].number == EVENTS_KEPT + 3 + FORMS_KEPT + 2
    assert bench.tried.forms[0].number == 3


def test_what_is_remembered_of_a_large_event_is_bounded() -> None:
    traits = {f"trait_{n}": "x" * 1000 for n in range(MOST_ROWS_KEPT + 100)}
    (event,) = sent(Workbench(Sandbox(CONFIG)), identify(**traits))
    assert (len(event.rows), event.rest) == (MOST_ROWS_KEPT, 101)
    assert len(event.text) < MOST_KEPT + 100
    assert event.text.endswith(" more characters")
    assert max(len(row.value) for row in event.rows) <= 201


def test_no_key_is_remembered_of_an_event_that_holds_it() -> None:
    bench = Workbench(Sandbox(CONFIG))
    said = f"{SECRETS[0]} {SECRETS[1]}"
    for event in sent(bench, identify(name=said), {**track(said), "properties": {said: said}}, group(said)):
        shown = [event.about, event.text, str(event.told), *(str(attrs.astuple(row)) for row in event.rows)]
        shown += [side.text() for call in event.calls for side in (call.request, call.answer)]
        assert not any(secret in "".join(shown) for secret in SECRETS)
    assert "MARKED" not in repr(bench.tried.events) + repr(bench.tried.forms)
