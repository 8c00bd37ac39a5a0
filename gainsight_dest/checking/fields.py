"""Whether the fields that a config writes are in a tenant's object, can be written, and have a fitting type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gainsight_dest.checking.result import Mark, Result
from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import Datatype, Field, GainsightObject
from gainsight_dest.spelling import Names, counted, did_you_mean
from gainsight_dest.tenant import TenantField, TenantObject

#: The step that these results are of.
FIELDS = "fields"

#: A value of each datatype: a field whose type does not take it takes none of what events send there. Those of ids and
#: picklists, which are of any datatype, have none.
_SAMPLES: Mapping[Datatype, Any] = {
    Datatype.TEXT: "a",
    Datatype.NUMBER: 1,
    Datatype.BOOLEAN: True,
    Datatype.DATE: "2026-01-31",
    Datatype.DATETIME: "2026-01-31T12:00:00Z",
    Datatype.EMAIL: "a@example.com",
    Datatype.URL: "https://example.com",
}


def of_fields(config: DestinationConfig, of: GainsightObject, own: TenantObject) -> Iterator[Result]:
    """A result for each mapped field, one for all standard fields that are well, and one for each that is not.

    Also one for each field that the tenant requires in a new record, and that nothing is mapped to.
    """
    mapped = {field: trait for trait, _, field in config.custom_fields[of.map]}
    names = Names(own.fields)
    for name, trait in mapped.items():
        yield _mapped(of, own, names, name, trait)
    standard = [field for field in of.fields if field.name not in mapped]
    problems = [(field, _standard_problem(own, field)) for field in standard]
    well = sum(problem is None for _, problem in problems)
    yield Result(FIELDS, of.name, Mark.OK, f"{counted(well, 'standard field')} can be written")
    for field, problem in problems:
        if problem is not None:
            yield _not_well(of, field, problem)
    yield from _required(of, own, {*mapped, *of.by_name})


def _mapped(of: GainsightObject, own: TenantObject, names: Names, name: str, trait: str) -> Result:
    """The result for a field that a row of a map writes."""
    subject, problem = f"{of.name}.{name}", _problem(own, name)
    if problem is None:
        return Result(FIELDS, subject, Mark.OK, _described(own.fields[name]))
    meant = did_you_mean(names.near(name)) if name not in own.fields else None
    remedy = meant or f"Map the trait {trait} to another field, or remove its row of {of.map}."
    return Result(FIELDS, subject, Mark.FAULT, problem, remedy)


def _not_well(of: GainsightObject, field: Field, problem: str) -> Result:
    """The result for a standard field that cannot take what events send. Events without its traits are not refused."""
    subject, traits = f"{of.name}.{field.name}", " or ".join(field.traits)
    if field.required:
        return Result(FIELDS, subject, Mark.FAULT, problem, f"Without it no {of.event_type} event can be sent.")
    return Result(FIELDS, subject, Mark.WARNING, problem, f"Events with the trait {traits} will be refused.")


def _standard_problem(own: TenantObject, field: Field) -> str | None:
    problem = _problem(own, field.name)
    if problem is not None or field.datatype not in _SAMPLES or own.fields[field.name].options:
        return problem
    refusal = own.fields[field.name].refusal(_SAMPLES[field.datatype])
    return None if refusal is None else f"events send {field.datatype.value}, but it {refusal.reason}"


def _problem(own: TenantObject, name: str) -> str | None:
    """Why the field cannot be written, whatever the value; None if it can."""
    field = own.fields.get(name)
    if field is None:
        return f"the tenant's {own.name} has no such field"
    refusal = field.write_refusal(is_new=None)
    return None if refusal is None else f"it {refusal.reason}"


def _required(of: GainsightObject, own: TenantObject, fed: set[str]) -> Iterator[Result]:
    for name, refusal in own.refusals({}, is_new=True):
        if name not in fed:
            remedy = f"Map a trait to it in {of.map}: a new {of.name} without it will be refused."
            yield Result(FIELDS, f"{of.name}.{name}", Mark.FAULT, f"it {refusal.reason}", remedy)


def _described(field: TenantField) -> str:
    """Its type, and what bounds its values."""
    active = sum(option.is_active for option in field.options)
    words = [field.type]
    words += [f"up to {field.length:,} characters"] if field.length and not field.options else []
    words += [counted(active, "option")] if field.options else []
    words += [f"looks up {', '.join(field.looks_up)}"] if field.looks_up else []
    words += [] if field.is_createable else ["only in updates"]
    words += [] if field.is_updateable else ["only in new records"]
    return ", ".join(words)
