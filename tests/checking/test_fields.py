"""Whether the fields that a config writes are there, as results of a check."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from gainsight_dest.checking.fields import of_fields
from gainsight_dest.checking.result import NO_ANSWER, TO_FIX, Mark, Result, status_of
from gainsight_dest.fields import COMPANY, PERSON, GainsightObject
from gainsight_dest.tenant import Tenant, TenantField, TenantObject
from tests.some import CONFIG
from tests.tenant_of_60_fields import ANSWER

WHOLE = Tenant.from_describe(ANSWER)


def results(of: GainsightObject, *fields: TenantField, without: str = "") -> dict[str, Result]:
    """What is found in the tenant of 60 fields with these in place of those of their names, by subject."""
    own = {**WHOLE.objects[of.name].fields, **{field.name: field for field in fields}}
    own.pop(without, None)
    found = of_fields(CONFIG, of, TenantObject(of.name, fields=own))
    return {result.subject: result for result in found}


@pytest.mark.parametrize(
    ("of", "field", "words"),
    [
        (COMPANY, TenantField("Employees", type="BOOLEAN"), "events send a number, but it takes true or false"),
        (COMPANY, TenantField("RenewalDate", type="NUMBER"), "events send a date, but it takes a number"),
        (COMPANY, TenantField("Summary", type="DATE"), "events send text, but it takes a date"),
        (PERSON, TenantField("EmailOptOut", type="EMAIL"), "events send true or false, but it takes an email"),
        (PERSON, TenantField("LinkedinUrl", type="GSID"), "events send a URL, but it takes a Gsid"),
    ],
)
def test_a_standard_field_of_another_type_is_a_warning(of: GainsightObject, field: TenantField, words: str) -> None:
    result = results(of, field)[f"{of.name}.{field.name}"]
    assert (result.mark, result.remedy[:21]) == (Mark.WARNING, "Events with the trait")
    assert result.found.startswith(words)


def test_a_field_of_options_fits_a_text_and_one_of_an_unknown_type_anything() -> None:
    industry = attrs.evolve(WHOLE.objects["Company"].fields["Stage"], name="Industry")
    assert "Company.Industry" not in results(COMPANY, industry)
    assert "Company.Users" not in results(COMPANY, TenantField("Users", type="HOLOGRAM"))


@pytest.mark.parametrize(("of", "key", "event_type"), [(PERSON, "Email", "identify"), (COMPANY, "Name", "group")])
def test_without_its_key_no_event_can_be_sent(of: GainsightObject, key: str, event_type: str) -> None:
    for found in (results(of, without=key), results(of, TenantField(key, type="NUMBER"))):
        result = found[f"{of.name}.{key}"]
        assert (result.mark, result.remedy) == (Mark.FAULT, f"Without it no {event_type} event can be sent.")


def test_a_standard_field_that_a_map_writes_is_looked_at_as_mapped() -> None:
    config = attrs.evolve(CONFIG, company_map={"area": "Industry", "region": "Region__gc"})
    found = [*of_fields(config, COMPANY, WHOLE.objects["Company"])]
    assert [(each.subject, each.mark) for each in found[:2]] == [
        ("Company.Industry", Mark.OK),
        ("Company.Region__gc", Mark.OK),
    ]
    assert found[2].found == "20 standard fields can be written"


def test_many_names_that_are_not_there_are_compared_in_bounds() -> None:
    """The names of the tenant are laid out once for all rows, not for each."""
    fields = [TenantField(f"Field{number}__gc", type="STRING") for number in range(2_000)]
    config = attrs.evolve(CONFIG, company_map={f"t{n}": f"Feild{n}x__gc" for n in range(1_000)})
    own = TenantObject("Company", fields=fields)
    found = [*of_fields(config, COMPANY, own)]
    assert sum(result.mark is Mark.FAULT for result in found) >= 1_000


@pytest.mark.parametrize(
    ("marks", "status"),
    [
        ([], 0),
        ([{"mark": Mark.WARNING}, {"mark": Mark.UNTRIED}, {"mark": Mark.OK}], 0),
        ([{"mark": Mark.FAULT}], TO_FIX),
        ([{"mark": Mark.FAULT}, {"mark": Mark.FAULT, "is_about_all": True}], NO_ANSWER),
        ([{"mark": Mark.WARNING, "is_about_all": True}], 0),
    ],
)
def test_the_status_is_that_of_the_worst_fault(marks: list[dict[str, Any]], status: int) -> None:
    assert status_of(Result("step", "", found="x", **mark) for mark in marks) == status
