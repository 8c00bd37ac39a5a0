"""The laws of lint: it raises nothing, it tells no secret, and what it finds nothing in works."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    RejectedError,
    Request,
    ResponseError,
    Severity,
    is_enabled,
    lint,
    transform,
)
from gainsight_dest.fields import COMPANY_FIELDS, PERSON_FIELDS
from gainsight_dest.linting.rules import RULES
from gainsight_dest.sandbox import Sandbox
from tests import strategies
from tests.some import ACCESS_KEY, SECRETS, SHARED_SECRET

CODES = {rule.code for rule in RULES}
STANDARD = {field.name for field in (*PERSON_FIELDS, *COMPANY_FIELDS)}
UNKNOWN_FIELD = {"GSOBJ_VCRUDR1002", "GSOBJ_1008"}
NAMES = ["Ticket Closure", "ticket opened", "アンケート回答"]


def often(good: Any, bad: Any, times: int = 12) -> st.SearchStrategy[Any]:
    """The good, and once in so many times the bad."""
    return st.integers(0, times).flatmap(lambda at: bad if at == 1 else good)


targets = often(
    st.sampled_from(["Plan__gc", "City__gc", "CRM_ID__gc", "Seats__gc", "X1__gc"]),
    st.sampled_from(
        ["Plan", "plan_gc", "companies", "Plan__gc ", "Email", "Name", "Gsid", "Nps", "Timezone", "A b__gc"]
    ),
    6,
)
sources = often(st.sampled_from(["plan", "a.b", "crm.id", "seats", "email", "name"]), strategies.texts, 30)
rows = st.fixed_dictionaries({"from": sources, "to": targets})
#: Mappings, most of them without a row that clashes with another.
record_maps = often(
    st.lists(rows, max_size=3, unique_by=(lambda row: row["from"], lambda row: row["to"])),
    st.lists(rows, max_size=4),
    30,
)
pairs = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)


@st.composite
def nearly_good_configs(draw: st.DrawFn) -> Any:
    """Configs of which many have no findings, and many have one or two."""
    named = draw(pairs)
    versioned = draw(often(st.just(named), pairs))
    track = {"sharedSecret": SHARED_SECRET, "tenantId": "5e7f", "topicName": "Tickets"} if named or versioned else {}
    config: dict[str, Any] = {
        "domain": draw(often(st.just("acme.gainsightcloud.com"), st.sampled_from(["cs.example.org", "x", None]), 30)),
        "accessKey": draw(often(st.just(ACCESS_KEY), st.none())),
        "personMap": draw(record_maps),
        "companyMap": draw(record_maps),
        "eventNameMap": [{"from": name, "to": draw(often(st.just("closed"), strategies.texts, 30))} for name in named],
        "eventVersionMap": dict.fromkeys(versioned, "1.0.0"),
        **{
            name: draw(often(st.just(value), st.one_of(st.none(), strategies.json_values), 20))
            for name, value in track.items()
        },
    }
    return config if draw(st.booleans()) else {"Config": config}


good_values = {
    "identify": {
        "firstName": "Ada",
        "linkedinUrl": "https://x.example",
        "emailOptOut": True,
        "masterAvatarTypeCode": 1,
    },
    "group": {"employees": "12", "arr": 1.5, "renewalDate": "2026-01-31", "industry": None, "summary": {"a": [1]}},
}
bad_values = {
    "identify": {"emailOptOut": "no", "linkedinUrl": 5, "firstName": ["Ada"], "email": "ada", "lastName": {"a": 1}},
    "group": {"arr": "a lot", "renewalDate": 1741996800000, "employees": "many", "mrr": True, "users": []},
}


@st.composite
def fitting_events(draw: st.DrawFn, config: Any) -> list[Any]:
    """Events that use most of what the config maps; some hold a value, or a name, that is at fault."""
    settings = config.get("Config", config)
    names = [*settings["eventVersionMap"], *(row["from"] for row in settings["eventNameMap"])]
    names += draw(often(st.just([]), pairs, 6))
    events: list[Any] = [{"type": "track", "event": name, "properties": {"a": 1}} for name in names]
    for event_type, rows in (("identify", settings["personMap"]), ("group", settings["companyMap"])):
        for _ in range(draw(st.integers(0, 2))):
            mapped = {row["from"]: draw(often(st.just("v"), strategies.json_values, 40)) for row in rows}
            values = draw(often(st.just(good_values), st.just(bad_values)))[event_type]
            chosen = {trait: values[trait] for trait in draw(st.lists(st.sampled_from(sorted(values)), max_size=3))}
            traits = {"name": "Acme", "email": "ada@example.com", **mapped, **chosen}
            email = draw(often(st.just("ada@example.com"), strategies.emails, 30))
            events.append({"type": event_type, "traits": traits, "context": {"traits": {"email": email}}})
    return [*events, *draw(often(st.just([]), st.lists(strategies.events, max_size=1)))]


configs_with_events = nearly_good_configs().flatmap(lambda config: st.tuples(st.just(config), fitting_events(config)))


def result(event: Any, config: Any) -> Request | EventError | ConfigError:
    try:
        return transform(event, config)
    except (EventError, ConfigError) as error:
        return error


def refusal(config: DestinationConfig, request: Request | None) -> ResponseError | None:
    """What the sandbox refuses the request with, or one of those that follow it."""
    sandbox = Sandbox(config)
    try:
        while request is not None:
            request = request.next(sandbox.handle(request))
    except ResponseError as error:
        return error
    return None


def is_in_neither_map(event: Any, config: DestinationConfig) -> bool:
    name = event.get("event")
    return name not in config.event_name_map and name not in config.event_version_map


@given(
    st.one_of(strategies.raw_configs, nearly_good_configs()),
    st.one_of(st.none(), st.lists(strategies.events, max_size=3)),
)
def test_any_json_value_as_config_and_as_events_gives_findings(config: Any, events: Any) -> None:
    findings = lint(config, events)
    assert {finding.rule for finding in findings} <= CODES
    assert all(isinstance(finding.severity, Severity) for finding in findings)
    assert all(finding.place and finding.problem and finding.remedy for finding in findings)


@given(strategies.configs, st.lists(strategies.events, max_size=3))
def test_a_config_made_in_python_gives_findings_too(config: DestinationConfig, events: Any) -> None:
    assert {finding.rule for finding in lint(config, events)} <= CODES


@given(st.one_of(strategies.keyed_raw_configs, strategies.whole_configs), st.lists(strategies.events, max_size=3))
def test_no_finding_holds_a_secret(config: Any, events: Any) -> None:
    shown = "".join(f"{finding!r} {finding}" for finding in lint(config, events))
    assert [secret for secret in SECRETS if secret in shown] == []


@given(configs_with_events, st.lists(st.one_of(strategies.events, strategies.good_events), max_size=3))
def test_a_config_without_findings_works_but_for_events_in_neither_map(given_both: Any, more: list[Any]) -> None:
    config, events = given_both
    clean = lint(config) == ()
    note(f"clean: {clean}")
    if clean:
        read = DestinationConfig.from_rudderstack(config)
        for event in [*events, *more]:
            request = result(event, read)
            assert not isinstance(request, ConfigError) or is_in_neither_map(event, read)
            refused = refusal(read, request) if isinstance(request, Request) else None
            assert refused is None or not {each.code for each in refused.field_errors} & UNKNOWN_FIELD


@given(configs_with_events)
def test_events_without_findings_go_through_but_for_what_they_lack_and_custom_fields(given_both: Any) -> None:
    config, events = given_both
    clean = lint(config, events) == ()
    note(f"clean: {clean}")
    if clean:
        read = DestinationConfig.from_rudderstack(config)
        for event in filter(is_enabled, events):
            request = result(event, read)
            assert not isinstance(request, ConfigError)
            refused = refusal(read, request) if isinstance(request, Request) else None
            assert refused is None or isinstance(refused, RejectedError)
            assert refused is None or not {each.field for each in refused.field_errors} & STANDARD


@pytest.mark.long
@pytest.mark.parametrize(
    ("strategy", "least"), [(nearly_good_configs().map(lambda c: (c, None)), 50), (configs_with_events, 40)]
)
def test_the_laws_meet_what_has_no_findings_often(strategy: Any, least: int) -> None:
    met = Counter[bool]()

    @settings(max_examples=200)
    @given(strategy)
    def count(both: Any) -> None:
        findings = lint(*both)
        met[not findings] += 1

    count()
    assert met[True] >= least
    assert met[False] >= least
