"""What only a tenant can tell: the table of facts, each with the calls that ask for it and how the answer is read.

A fact's `ask` yields requests and waits, and returns a short answer. The answers are of a closed vocabulary: nothing in
them is the tenant's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from gainsight_dest import gainsight
from gainsight_dest.checking.requests import ListUsers
from gainsight_dest.deliver.flow import Wait
from gainsight_dest.errors import ResponseError, ThrottledError
from gainsight_dest.fields import COMPANY, LINKED, LINKS, PERSON, GainsightObject, Record
from gainsight_dest.gainsight import GSID, OTHER_PEOPLE_PATH, PEOPLE_PATH
from gainsight_dest.probing import calls
from gainsight_dest.probing.probe import (
    BAD,
    FIRST,
    GOOD,
    SECOND,
    NoAnswerError,
    NotAskedError,
    Probe,
    ProbeReply,
    Steps,
)
from gainsight_dest.probing.samples import WORD, field_to_write, required
from gainsight_dest.probing.shape import HIDDEN, limit_headers, shown_code
from gainsight_dest.tenant import Certainty, Option, Tenant, TenantField, TenantObject, describe

#: Fields that are written, where a tenant has them: a text, a date, and a text of a person.
TEXT, DATE, PERSONS_TEXT = "TickerSymbol", "OriginalContractDate", "MiddleName"
PARENT = "ParentCompany"
#: A field that no tenant has, and a key of a record that is only looked up by.
NO_FIELD, LOOKED_UP_BY = "GainsightDestProbe__gc", "gainsightDestProbeParent"
_NO_DATE = "not a date"
_AT_ONCE = "at once"

#: Seconds between two looks for what was just created.
_LOOKS = (1.0, 2.0, 4.0, 8.0, 16.0)
#: No more calls than this provoke a 429.
_MOST_CALLS = 500


@attrs.frozen
class Fact:
    """One question to a tenant.

    `name`: by which probe.json has it. `question`: for people. `certainty`: of what is assumed. `expected`: what the
    library assumes, and the sandbox answers. `constant`: what to change where a tenant answers otherwise.
    `page`: which page says what is assumed. `ask`: the calls, and how they are read. `is_optional`: only on request.
    """

    name: str
    question: str
    certainty: Certainty
    expected: str
    constant: str
    page: str
    ask: Callable[[Probe], Steps[str]]
    is_optional: bool = False


# --- how answers are read ---------------------------------------------------------------------------------------------


def _envelope_in_words(reply: ProbeReply) -> str:
    """What a success of a write holds."""
    if reply.refusal:
        return reply.refusal
    if not reply.response.body.strip():
        return "no body"
    if not isinstance(reply.json, dict):
        return "JSON, no envelope"
    return "an envelope with a Gsid" if _has_gsid(reply.json) else "an envelope without a Gsid"


def _has_gsid(value: Any) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if any(str(key).lower() == GSID.lower() and each[key] for key in each):
                return True
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return False


def _saved_in_words(reply: ProbeReply, count: int) -> str:
    """Where the answer of a write of companies has their Gsids."""
    if reply.refusal:
        return reply.refusal
    gsids = [record.get(GSID) for record in reply.records]
    if reply.place is None or not all(gsids):
        return "no Gsids"
    return f"Gsids in {reply.place}" if len(gsids) == count else f"Gsids in {reply.place}, not as many as sent"


def _now_in_words(record: Record, field: str) -> str:
    """What a find gives of the field after null or "" was written into it."""
    if field not in record:
        return "a find leaves it out"
    value = record[field]
    given = {WORD: "what was there before", "": '""', None: "null"}
    is_text = value is None or isinstance(value, str)
    return f"a find gives {given.get(value, 'another text') if is_text else 'no text'}"


def _of_first(reply: ProbeReply, name: str) -> Record:
    """The record of that Name. Raises NoAnswerError for none."""
    if reply.refusal:
        raise NoAnswerError(reply.refusal)
    found = [record for record in reply.records if record.get(COMPANY.key) == name]
    if not found:
        raise NoAnswerError("the company was not found again")
    return found[0]


# --- before anything is written ---------------------------------------------------------------------------------------


def _ask_nothing(probe: Probe) -> Steps[str]:
    """The first question: whoever does not answer it as Gainsight does is not written to."""
    try:
        reply = yield from probe.look(FIRST)
        is_found = gainsight.finds_record(reply.response, "find company", probe.config.hide)
    except (ResponseError, NoAnswerError) as fault:
        probe.end(f"the first question, which changes nothing, was not answered: {fault.__cause__ or fault}")
    if is_found:
        probe.end(
            "a query for a Name that no company has found one: nothing is written, as it could not be found again"
        )
    return reply.refusal or f"an empty list in {reply.place}"


def _ask_users(probe: Probe) -> Steps[str]:
    reply = yield from probe.ask(ListUsers(probe.config))
    return reply.refusal or "answered"


def _ask_people(probe: Probe) -> Steps[str]:
    reply = yield from probe.ask(calls.find(probe.config, PERSON, (PERSON.key,), probe.email))
    if reply.refusal:
        return reply.refusal
    return "no list" if reply.place is None else f"a list in {reply.place}"


def _ask_description(probe: Probe) -> Steps[str]:
    """Of people and companies; the tenant is known then."""
    reply = yield from probe.ask(describe(probe.config))
    if reply.refusal:
        return reply.refusal
    tenant = _tenant_of(reply)
    if tenant is None:
        return "cannot be read"
    probe.tenant = tenant
    there = [of.name for of in (PERSON, COMPANY) if tenant.object_of(of.name) is not None]
    return f"{' and '.join(there)} can be read" if there else "no object"


def _ask_one_description(probe: Probe) -> Steps[str]:
    reply = yield from probe.ask(calls.describe_one(probe.config, COMPANY))
    if reply.refusal:
        return reply.refusal
    tenant = _tenant_of(reply)
    if tenant is None:
        return "cannot be read"
    if tenant.object_of(COMPANY.name) is None:
        return "no object"
    probe.tenant = probe.tenant or tenant
    return f"{COMPANY.name} can be read"


def _tenant_of(reply: ProbeReply) -> Tenant | None:
    try:
        return Tenant.from_describe(reply.response)
    except ResponseError:
        return None


# --- companies --------------------------------------------------------------------------------------------------------


def _described(probe: Probe, of: GainsightObject) -> TenantObject | None:
    return None if probe.tenant is None else probe.tenant.object_of(of.name)


def _company(probe: Probe, number: int) -> Record:
    """A new company, with what the tenant requires."""
    return {**required(_described(probe, COMPANY)), COMPANY.key: probe.name(number)}


def _company_text(probe: Probe) -> str:
    return field_to_write(_described(probe, COMPANY), TEXT, "STRING")


def _ask_create(probe: Probe) -> Steps[str]:
    """Two companies at once, which all others look at."""
    text = _company_text(probe)
    reply = yield from probe.insert(*({**_company(probe, number), text: WORD} for number in (FIRST, SECOND)))
    return _saved_in_words(reply, 2)


def _ask_sight(probe: Probe) -> Steps[str]:
    """How soon a find sees them."""
    begun = probe.now
    for look, seconds in enumerate((0.0, *_LOOKS)):
        if seconds:
            yield Wait(seconds, "a find may not see yet what was created")
        reply = yield from probe.look(FIRST, SECOND, is_paced=False)
        if {*probe.seen(reply)} == {probe.name(FIRST), probe.name(SECOND)}:
            probe.kept["found"] = reply
            return f"after {probe.now - begun:.0f} s" if look else _AT_ONCE
    return "not yet" if probe.made else "never"


def _ask_place(probe: Probe) -> Steps[str]:
    """Where the records of an answer are, and whether conditions with OR find both: of the reply that there is."""
    yield from ()
    reply = probe.kept.get("found")
    if reply is None:
        raise NotAskedError("the companies were not found")
    return f"both, in {reply.place}"


def _ask_in(probe: Probe) -> Steps[str]:
    probe.gsid(FIRST)
    names = [probe.name(FIRST), probe.name(SECOND)]
    reply = yield from probe.ask(calls.find(probe.config, COMPANY, calls.SELECTED, *names, operator="IN"))
    return reply.refusal or _found_in_words(probe, reply, 2)


def _found_in_words(probe: Probe, reply: ProbeReply, count: int) -> str:
    if len(probe.seen(reply)) < len(reply.records):
        return "finds others, too"
    return "finds all" if len(reply.records) == count else "finds none" if not reply.records else "finds some"


def _ask_case(probe: Probe) -> Steps[str]:
    probe.gsid(FIRST)
    name = probe.name(FIRST).upper()
    reply = yield from probe.ask(calls.find(probe.config, COMPANY, calls.SELECTED, name))
    return reply.refusal or _found_in_words(probe, reply, 1)


def _ask_update(probe: Probe) -> Steps[str]:
    probe.gsid(FIRST)
    reply = yield from probe.ask(
        calls.update(probe.config, {COMPANY.key: probe.name(FIRST), _company_text(probe): WORD})
    )
    return _saved_in_words(reply, 1)


def _ask_blank(number: int, value: str | None) -> Callable[[Probe], Steps[str]]:
    """What the value does to a text of a company."""

    def ask(probe: Probe) -> Steps[str]:
        probe.gsid(number)
        text = _company_text(probe)
        reply = yield from probe.ask(calls.update(probe.config, {COMPANY.key: probe.name(number), text: value}))
        if reply.refusal:
            return reply.refusal
        found = yield from probe.look(number, more=(text,))
        return _now_in_words(_of_first(found, probe.name(number)), text)

    return ask


def _ask_unknown_field(probe: Probe) -> Steps[str]:
    probe.gsid(FIRST)
    reply = yield from probe.ask(calls.update(probe.config, {COMPANY.key: probe.name(FIRST), NO_FIELD: WORD}))
    return reply.refusal or "taken"


def _ask_bad_date(probe: Probe) -> Steps[str]:
    """A batch of a good record and a bad one: the code of the refusal."""
    probe.gsid(FIRST)
    date = field_to_write(_described(probe, COMPANY), DATE, "DATE")
    reply = yield from probe.insert(_company(probe, GOOD), {**_company(probe, BAD), date: _NO_DATE})
    probe.kept["batch"] = reply
    if not reply.refusal:
        return "taken"
    return f"{reply.refusal}, the field's {code}" if (code := _code_of_field(reply)) else reply.refusal


def _code_of_field(reply: ProbeReply) -> str | None:
    """The code that the answer gives the field itself, if it is another one than that of the envelope."""
    codes = {shown_code(each.code) for each in (reply.error.field_errors if reply.error else ())}
    codes -= {None, HIDDEN, reply.error and shown_code(reply.error.code)}
    return min((str(code) for code in codes), default=None)


def _ask_atomic(probe: Probe) -> Steps[str]:
    if not _batch_of(probe).refusal:
        raise NotAskedError("the bad record was taken")
    reply = yield from probe.look(GOOD, BAD)
    if reply.refusal:
        raise NoAnswerError(reply.refusal)
    if probe.seen(reply):
        return "the good record is written"
    if probe.findings["find-sees-create"].answer == _AT_ONCE:  # then what is not seen is not there
        probe.unsure.difference_update((probe.name(GOOD), probe.name(BAD)))
    return "nothing is written"


def _ask_row(probe: Probe) -> Steps[str]:
    """Whether the refusal says which record it is about."""
    yield from ()
    reply = _batch_of(probe)
    if not reply.refusal:
        raise NotAskedError("the bad record was taken")
    errors = reply.data.get("errors") if isinstance(reply.data, dict) else reply.data
    if probe.name(BAD) in str(errors):
        return "by the record"
    return "by its place" if isinstance(errors, list) and len(errors) == 2 else "not told"


def _batch_of(probe: Probe) -> ProbeReply:
    if "batch" not in probe.kept:
        raise NotAskedError("the batch was not answered")
    return probe.kept["batch"]


def _ask_option(*, by_label: bool) -> Callable[[Probe], Steps[str]]:
    """Whether a picklist takes an option's label, its id; and what a find gives back."""

    def ask(probe: Probe) -> Steps[str]:
        field, option = _picklist(probe)
        probe.gsid(SECOND)
        sent = option.label if by_label else option.id
        reply = yield from probe.ask(calls.update(probe.config, {COMPANY.key: probe.name(SECOND), field: sent}))
        if reply.refusal:
            return reply.refusal
        found = yield from probe.look(SECOND, more=(field,))
        value = _of_first(found, probe.name(SECOND)).get(field)
        given = {option.label: "the label", option.id: "the id"}.get(str(value), "something else")
        return f"taken, a find gives {given}" if value else "taken, and not kept"

    return ask


def _picklist(probe: Probe) -> tuple[str, Option]:
    """A picklist of companies that can be written, with an option that has a label and an id of its own."""
    company = _described(probe, COMPANY)
    fields = () if company is None else company.fields.values()
    options = ((field.name, each) for field in fields if _is_picklist(field) for each in field.options)
    found = next(((name, each) for name, each in options if _is_usable(each)), None)
    if found is None:
        raise NotAskedError("no picklist of companies with options is known")
    return found


def _is_usable(option: Option) -> bool:
    return option.is_active and bool(option.id and option.label) and option.id != option.label


def _is_picklist(field: TenantField) -> bool:
    return field.type == "PICKLIST" and field.is_writable and field.is_updateable


def _ask_lookup(probe: Probe) -> Steps[str]:
    """Whether the parent company can be named instead of given by its Gsid."""
    parent, name = probe.gsid(FIRST), probe.name(SECOND)
    probe.gsid(SECOND)
    lookup = {
        "fields": {LOOKED_UP_BY: COMPANY.key},
        "lookupField": GSID,
        "objectName": COMPANY.name,
        "multiMatchOption": "FIRSTMATCH",
        "onNoMatch": "ERROR",
    }
    record = {COMPANY.key: name, LOOKED_UP_BY: probe.name(FIRST)}
    reply = yield from probe.ask(calls.update(probe.config, record, {PARENT: lookup}))
    if reply.refusal:
        return reply.refusal
    found = yield from probe.look(SECOND, more=(PARENT,))
    return "resolved" if _of_first(found, name).get(PARENT) == parent else "taken, and not resolved"


def _ask_same_name(probe: Probe) -> Steps[str]:
    first = probe.gsid(FIRST)
    reply = yield from probe.insert(_company(probe, FIRST))
    if reply.refusal:
        probe.unsure.discard(probe.name(FIRST))
        return reply.refusal
    gsids = {record.get(GSID) for record in reply.records}
    return "a second company" if gsids and first not in gsids else "the same company"


# --- people -----------------------------------------------------------------------------------------------------------


def _ask_paths(probe: Probe) -> Steps[str]:
    """Which of the paths takes a person."""
    taken, refusals = [], []
    for path in (PEOPLE_PATH, OTHER_PEOPLE_PATH):
        reply = yield from _person(probe, {_person_text(probe): WORD}, path)
        if reply.refusal:
            refusals.append(reply.refusal)
        else:
            taken.append(path)
            probe.kept.setdefault("person", reply)
            probe.kept.setdefault(path, reply)
    return "both" if not refusals else f"only {taken[0]}" if taken else f"neither, {refusals[0]}"


def _person(probe: Probe, fields: Record, path: str | None = None) -> Steps[ProbeReply]:
    """The answer to an upsert of the probe's person."""
    if path is None:
        path = next((each for each in (PEOPLE_PATH, OTHER_PEOPLE_PATH) if each in probe.kept), None)
    if path is None:
        raise NotAskedError("no path takes people")
    probe.has_written_people = True
    person = {**required(_described(probe, PERSON)), PERSON.key: probe.email, **fields}
    return (yield from probe.ask(calls.upsert(probe.config, person, path)))


def _person_text(probe: Probe) -> str:
    return field_to_write(_described(probe, PERSON), PERSONS_TEXT, "STRING")


def _ask_person_answer(probe: Probe) -> Steps[str]:
    yield from ()
    if "person" not in probe.kept:
        raise NotAskedError("no path takes people")
    return _envelope_in_words(probe.kept["person"])


def _ask_person_blank(value: str | None) -> Callable[[Probe], Steps[str]]:
    """What the value does to a text of a person, which was written before."""

    def ask(probe: Probe) -> Steps[str]:
        answered = probe.findings["query-people"].answer or ""
        if not answered.startswith("a list"):
            raise NotAskedError("people cannot be queried")
        field = _person_text(probe)
        for text in (WORD, value):
            reply = yield from _person(probe, {field: text})
            if reply.refusal:
                return reply.refusal
        found = yield from probe.ask(calls.find(probe.config, PERSON, (PERSON.key, field), probe.email))
        people = [each for each in found.records if each.get(PERSON.key) == probe.email]
        if not people:
            raise NoAnswerError(found.refusal or "the person was not found again")
        return _now_in_words(people[0], field)

    return ask


def _ask_person_field(probe: Probe) -> Steps[str]:
    reply = yield from _person(probe, {NO_FIELD: WORD})
    return reply.refusal or "taken"


def _ask_link(probe: Probe) -> Steps[str]:
    reply = yield from _person(probe, {LINKS: [{LINKED: probe.gsid(FIRST)}]})
    return reply.refusal or "taken"


# --- events, limits ---------------------------------------------------------------------------------------------------


def _ask_event(probe: Probe) -> Steps[str]:
    if probe.event is None:
        raise NotAskedError("no event was to be sent")
    reply = yield from probe.ask(probe.event, is_repeated=False)
    return _envelope_in_words(reply)


def _ask_limits(probe: Probe) -> Steps[str]:
    yield from ()
    return ", ".join(sorted(probe.limits)) or "none"


def _ask_throttled(probe: Probe) -> Steps[str]:
    """Calls that change nothing, until Gainsight has had too many."""
    if not probe.until_throttled:
        raise NotAskedError("no 429 was to be provoked")
    request = calls.find(probe.config, COMPANY, calls.SELECTED, probe.name(FIRST))
    for _ in range(_MOST_CALLS):
        probe.heed()
        reply, error = yield from probe.call(request)
        if reply is not None and isinstance(error, ThrottledError):
            probe.kept["throttled"] = reply
            yield Wait(probe.wait_of(error), "Gainsight has had too many calls, as it was to have")
            return f"HTTP {error.status}" + (f", {code}" if (code := shown_code(error.code)) else "")
        if reply is None:
            raise NoAnswerError("no answer")
    return f"not within {_MOST_CALLS} calls"


def _ask_headers(probe: Probe) -> Steps[str]:
    yield from ()
    if "throttled" not in probe.kept:
        raise NotAskedError("no 429 was provoked")
    return ", ".join(limit_headers(probe.kept["throttled"].response.headers)) or "none"


# --- the table --------------------------------------------------------------------------------------------------------

_D, _R, _G = Certainty.DOCUMENTED, Certainty.RECORDED, Certainty.GUESSED
_COMPANIES = "explanation/gainsight.md#companies"
_PEOPLE = "explanation/gainsight.md#people"
_FIELDS = "explanation/gainsight.md#fields"
_CALLS = "explanation/gainsight.md#calls"
_EVENTS = "explanation/gainsight.md#events"
_HERE = "reference/what-is-known-of-gainsight.md#recorded"

#: All facts, in the order in which they are asked: a later one looks at what an earlier one has written.
FACTS: tuple[Fact, ...] = (
    Fact(
        "query-nothing",
        "What does a query answer that finds nothing?",
        *(_R, "an empty list in data.records", "gainsight.finds_record", _COMPANIES, _ask_nothing),
    ),
    Fact(
        "list-users",
        "Can a key be tried with a list of one user?",
        *(_R, "answered", "gainsight.USERS_PATH", _HERE, _ask_users),
    ),
    Fact(
        "query-people",
        "Can people be queried as companies are?",
        *(_G, "a list in data.records", "gainsight.query_path", _PEOPLE, _ask_people),
    ),
    Fact(
        "describe-many",
        "Can the description of both objects be read?",
        *(_D, "Person and Company can be read", "tenant.describe", _HERE, _ask_description),
    ),
    Fact(
        "describe-one",
        "Can the description of one object be read?",
        *(_R, "Company can be read", "tenant.describe", _HERE, _ask_one_description),
    ),
    Fact(
        "create-answer",
        "Where does the answer to an insert of two have their Gsids?",
        *(_D, "Gsids in data.records", "gainsight.saved_gsids", _COMPANIES, _ask_create),
    ),
    Fact(
        "find-sees-create",
        "How soon does a find see what was created?",
        *(_G, _AT_ONCE, "descriptors.LOOKS", _COMPANIES, _ask_sight),
    ),
    Fact(
        "query-or",
        "Do conditions with OR find both, and where are the records?",
        *(_R, "both, in data.records", "gainsight.query", _COMPANIES, _ask_place),
    ),
    Fact(
        "query-in",
        "Does a query take IN on a text?",
        *(_G, "finds all", "gainsight.query", _COMPANIES, _ask_in),
    ),
    Fact(
        "query-case",
        "Does a query find a Name in capitals?",
        *(_G, "finds none", "gainsight.folded", _COMPANIES, _ask_case),
    ),
    Fact(
        "update-answer",
        "Where does the answer to an update have the Gsid?",
        *(_D, "Gsids in data.records", "gainsight.saved_gsids", _COMPANIES, _ask_update),
    ),
    Fact(
        "company-null",
        "What does null do to a text of a company?",
        *(_G, "a find gives null", "sandbox.schema.problems", _FIELDS, _ask_blank(FIRST, None)),
    ),
    Fact(
        "company-blank",
        'What does "" do to a text of a company?',
        *(_G, 'a find gives ""', "sandbox.schema.problems", _FIELDS, _ask_blank(SECOND, "")),
    ),
    Fact(
        "company-unknown-field",
        "How is an unknown field of a company refused?",
        *(_G, "refused: HTTP 400, GSOBJ_1002", "tenant.types", _FIELDS, _ask_unknown_field),
    ),
    Fact(
        "company-bad-date",
        "How is a bad date in a batch refused?",
        *(_D, "refused: HTTP 400, GSOBJ_1006", "tenant.types", _FIELDS, _ask_bad_date),
    ),
    Fact(
        "batch-atomic",
        "What does a batch with one bad record write?",
        *(_D, "nothing is written", "gainsight.RECORDS_PER_WRITE", _COMPANIES, _ask_atomic),
    ),
    Fact(
        "batch-row",
        "Does the refusal of a batch tell which record is bad?",
        *(_D, "not told", "batching.chunking", _COMPANIES, _ask_row),
    ),
    Fact(
        "picklist-label",
        "Does a picklist take the label of an option?",
        *(_G, "taken, a find gives the label", "tenant.types", _FIELDS, _ask_option(by_label=True)),
    ),
    Fact(
        "picklist-id",
        "Does a picklist take the id of an option?",
        *(_G, "taken, a find gives the id", "tenant.types", _FIELDS, _ask_option(by_label=False)),
    ),
    Fact(
        "company-lookup",
        "Are lookups resolved for a company?",
        *(_G, "refused: HTTP 400, GSOBJ_1002", "tenant.types", _COMPANIES, _ask_lookup),
    ),
    Fact(
        "same-name",
        "What does an insert with a Name make that is there?",
        *(_G, "a second company", "sandbox.content.Content.insert_company", _COMPANIES, _ask_same_name),
    ),
    Fact(
        "people-path",
        "Which path takes people?",
        *(_G, "both", "gainsight.PEOPLE_PATH", _PEOPLE, _ask_paths),
    ),
    Fact(
        "people-answer",
        "What does a people upsert answer?",
        *(_G, "an envelope without a Gsid", "gainsight.accepted", _PEOPLE, _ask_person_answer),
    ),
    Fact(
        "person-null",
        "What does null do to a text of a person?",
        *(_G, "a find gives null", "sandbox.schema.problems", _FIELDS, _ask_person_blank(None)),
    ),
    Fact(
        "person-blank",
        'What does "" do to a text of a person?',
        *(_G, 'a find gives ""', "sandbox.schema.problems", _FIELDS, _ask_person_blank("")),
    ),
    Fact(
        "person-unknown-field",
        "How is an unknown field of a person refused?",
        *(_D, "refused: HTTP 400, GSOBJ_VCRUDR1002", "gainsight.CODES", _FIELDS, _ask_person_field),
    ),
    Fact(
        "person-link",
        "Does an upsert link a person to a company?",
        *(_D, "taken", "fields.company_link", _PEOPLE, _ask_link),
    ),
    Fact(
        "event-answer",
        "What does an event answer?",
        *(_G, "an envelope without a Gsid", "gainsight.accepted", _EVENTS, _ask_event),
        is_optional=True,
    ),
    Fact(
        "limit-headers",
        "Which headers about limits come with a success?",
        *(_G, "none", "sandbox.answers", _CALLS, _ask_limits),
    ),
    Fact(
        "throttled",
        "How does the answer to too many calls look?",
        *(_D, "HTTP 429, GU_2400", "gainsight.CODES", _CALLS, _ask_throttled),
        is_optional=True,
    ),
    Fact(
        "throttled-headers",
        "Which headers come with it?",
        *(_D, "x-ratelimit-limit", "sandbox.answers", _CALLS, _ask_headers),
        is_optional=True,
    ),
)
