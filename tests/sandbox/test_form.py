"""What the form of the sandbox's page asks for."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from gainsight_dest import Tenant
from gainsight_dest.sandbox.form import MOST_EVENTS, STAND_IN, EventForm, events_in, read_form
from tests.some import ACCESS_KEY, CONFIG, identify, track
from tests.tenant_of_60_fields import ANSWER

ONE, OTHER = '{"type": "identify"}', '{"type":\n "track"}'
BOTH = [{"type": "identify"}, {"type": "track"}]


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{OTHER}",
        f"{ONE}{OTHER}",
        f"[{ONE}, {OTHER}]",
        f"\ufeff  {ONE},\r\n{OTHER},\n",
        f'{{"batch": [{ONE}, {OTHER}]}}',
        f'{{"message": {ONE}, "destination": {{}}}} {{"message": {OTHER}}}',
        f'[{{"message": {ONE}}}, {{"message": {OTHER}}}]',
    ],
)
def test_events_are_read_however_they_stand_there(text: str) -> None:
    assert events_in(text) == BOTH


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{ONE}\n{{oops", "line 2, column 2: not JSON: Expecting property name enclosed in double quotes"),
        (f"{ONE}\n\n[NaN]", "line 3: not JSON that is taken: NaN is no JSON"),
        ("[" * 200_000, "line 1: not JSON that is taken: it is nested too deep"),
        ("7", "the body: must be an event, a list of events, or an object with a batch, got a number"),
        (" ,\n", "has no event: paste one, in JSON"),
        ("[]", "has no event: paste one, in JSON"),
        (ONE * (MOST_EVENTS + 1), f"has {MOST_EVENTS + 1} events: it takes 1 to {MOST_EVENTS} at a time"),
    ],
)
def test_what_is_wrong_with_the_events_is_told_by_its_line(text: str, problem: str) -> None:
    read = read_form(EventForm.of(CONFIG, text), CONFIG)
    assert [(each.field, each.problem) for each in read.problems] == [("events", problem)]
    assert read.events == ()


def test_a_number_of_too_many_digits_is_told() -> None:
    (problem,) = read_form(EventForm.of(None, f'{{"type": {"1" * 5000}}}'), None).problems
    assert problem.problem.startswith("line 1: not JSON that is taken: Exceeds the limit")


def maps(**texts: str) -> EventForm:
    form = EventForm.of(CONFIG, ONE)
    return attrs.evolve(form, maps={**form.maps, **texts})


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("personMap", "{", "line 1, column 2: not JSON: Expecting property name enclosed in double quotes"),
        ("personMap", "{} {}", "must be one JSON object"),
        ("companyMap", "7", "companyMap must be a list of objects with from and to, or one object, not a number"),
        ("personMap", '{"plan": []}', 'personMap["plan"] must be a string, not a list: put it in quotes'),
        ("eventNameMap", '{"A": "\\u0007"}', 'eventNameMap["A"] holds a control character or broken Unicode, which'),
    ],
)
def test_what_is_wrong_with_a_map_is_told_of_that_map(name: str, text: str, problem: str) -> None:
    (found,) = read_form(maps(**{name: text}), CONFIG).problems
    assert found.field == name
    assert found.problem.startswith(problem)


def test_all_that_is_wrong_is_told_at_once() -> None:
    form = attrs.evolve(maps(personMap="{", eventNameMap='{"A": []}'), events="oops")
    assert [each.field for each in read_form(form, CONFIG).problems] == ["events", "personMap", "eventNameMap"]


def test_the_forms_maps_stand_in_for_the_configs_and_all_else_stays() -> None:
    tenant = Tenant.from_describe(ANSWER)
    config = attrs.evolve(CONFIG, person_map={"plan": "Plan__gc"}, fit=tenant, fit_mode="cut")
    read = read_form(maps(personMap='{"shoe": "Shoe__gc"}', companyMap=" "), config)
    assert read.problems == ()
    assert read.config == attrs.evolve(config, person_map={"shoe": "Shoe__gc"}, company_map={})


def test_the_form_begins_with_the_maps_of_the_config_and_changes_nothing_then() -> None:
    assert read_form(EventForm.of(CONFIG, ONE), CONFIG).config == CONFIG
    assert read_form(EventForm.of(None, ONE), None).config == STAND_IN


def test_a_key_that_was_pasted_into_a_map_is_not_shown() -> None:
    form = EventForm.of(attrs.evolve(CONFIG, person_map={ACCESS_KEY: "Key__gc"}))
    assert form.maps["personMap"] == '{\n "***": "Key__gc"\n}'


@pytest.mark.parametrize("event", [identify(), track()])
def test_the_repr_shows_nothing_of_what_was_filled_in(event: Any) -> None:
    assert repr(EventForm.of(CONFIG, str(event))) == f"<EventForm of {len(str(event))} characters>"


def test_a_browsers_form_is_read_with_the_ends_of_its_lines() -> None:
    form = EventForm.from_body(b"events=a%0D%0Ab%2B%E6%97%A5&personMap=")
    assert (form.events, form.maps["personMap"], form.maps["companyMap"]) == ("a\nb+日", "", "")


@pytest.mark.parametrize("body", [b"\xff", b"%FF;=&", b"&".join([b"a=1"] * 30)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whoever calls tells no more of it
        EventForm.from_body(body)
