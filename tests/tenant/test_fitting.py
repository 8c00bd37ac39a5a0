"""Values are made to fit where only one thing can be meant."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from gainsight_dest import ConfigError, DestinationConfig, EventError, Response, transform, transform_batch
from gainsight_dest.templates import Settings
from gainsight_dest.tenant import FitChange, FitMode, Option, Tenant, TenantField, TenantObject, fit, fit_record
from gainsight_dest.tenant.fitting import CUT, LEFT_OUT, WAYS
from gainsight_dest.tenant.types import TYPES
from tests import tenant_of_60_fields as sixty
from tests.some import ADA, CONFIG, SECRETS, SETTINGS, group, identify, track
from tests.tenant.some import COMPANY, PERSON, TENANT

UNFIT = object()
SEMICOLON = TenantField(
    "A", type="MULTISELECTDROPDOWNLIST", options=(Option("a;b", "1"), Option("c", "2"), Option("d;e"))
)

#: Field, value, and what fits; UNFIT where nothing does, or more than one thing may be meant.
TABLE: list[tuple[TenantField, Any, Any]] = [
    *(
        (PERSON.fields["Score__gc"], *row)
        for row in [
            ("7", 7),
            (" 12.50 ", 12.5),
            ("1e3", 1000),
            ("-7", -7),
            ("", UNFIT),
            ("1,000", UNFIT),
            ("0x10", UNFIT),
            (True, UNFIT),
            ("seven", UNFIT),
            ([7], UNFIT),
            ("9" * 500, UNFIT),
            (float("nan"), UNFIT),
        ]
    ),
    *((COMPANY.fields["Discount__gc"], *row) for row in [("12.5", 12.5), ("12 %", UNFIT)]),
    *((COMPANY.fields["Arr"], *row) for row in [("120000", 120000), ("$5", UNFIT)]),
    *(
        (COMPANY.fields["Industry"], *row)
        for row in [
            (7, "7"),
            (7.0, "7"),
            (1e-7, "1e-7"),
            (True, "true"),
            (10**5000, UNFIT),
            ([], UNFIT),
            ({}, UNFIT),
            ("x" * 256, UNFIT),
            (10**300, UNFIT),
        ]
    ),
    *((PERSON.fields["Bio__gc"], *row) for row in [(7, "7"), (False, "false")]),
    *(
        (PERSON.fields["Vip__gc"], *row)
        for row in [
            ("true", True),
            ("TRUE", True),
            (" yes ", True),
            (1, True),
            ("1", True),
            (1.0, True),
            ("false", False),
            ("No", False),
            (0, False),
            ("0", False),
            (-0.0, False),
            (2, UNFIT),
            ("", UNFIT),
            ("y", UNFIT),
            ("maybe", UNFIT),
            ([True], UNFIT),
        ]
    ),
    *(
        (PERSON.fields["Birthday__gc"], *row)
        for row in [
            ("2026/03/02", "2026-03-02"),
            ("2026.3.2", "2026-03-02"),
            ("20260302", "2026-03-02"),
            (20260302, "2026-03-02"),
            (" 2026-03-02 ", "2026-03-02"),
            ("2026-3-2", "2026-03-02"),
            (1772445600, "2026-03-02"),
            (1772445600000, "2026-03-02"),
            ("1772445600", "2026-03-02"),
            (1772445600.5, "2026-03-02"),
            ("03/02/2026", UNFIT),
            ("02.03.2026", UNFIT),
            ("2026-02-30", UNFIT),
            ("2026/13/01", UNFIT),
            ("2026/3-2", UNFIT),
            (20261301, UNFIT),
            (7, UNFIT),
            (-1772445600, UNFIT),
            (10**14, UNFIT),
            (99_999_999, UNFIT),
            (True, UNFIT),
            ("tomorrow", UNFIT),
            (float("inf"), UNFIT),
            ([2026, 3, 2], UNFIT),
            ("", UNFIT),
        ]
    ),
    *(
        (PERSON.fields["LastSeen__gc"], *row)
        for row in [
            (1772445600, "2026-03-02T10:00:00Z"),
            (1772445600123, "2026-03-02T10:00:00.123Z"),
            (1772445600.25, "2026-03-02T10:00:00.250Z"),
            ("1772445600000", "2026-03-02T10:00:00Z"),
            ("2026/03/02 10:00", "2026-03-02T10:00"),
            ("2026-03-02t10:00:00z", "2026-03-02T10:00:00Z"),
            ("2026-03-02 10:00:00 UTC", "2026-03-02T10:00:00Z"),
            ("2026-03-02T10:00:00,5+01", "2026-03-02T10:00:00.5+01:00"),
            ("2026-03-02 10:00:00 +0530", "2026-03-02T10:00:00+0530"),
            ("20260302", "2026-03-02"),
            ("2026-03-02T25:00", UNFIT),
            ("2026-03-02 10", UNFIT),
            ("2 March 2026", UNFIT),
        ]
    ),
    *(
        (PERSON.fields["Plan__gc"], *row)
        for row in [
            ("gold", "Gold"),
            (" GOLD ", "Gold"),
            ("1i00option01000000000000000000000001", "1I00OPTION01000000000000000000000001"),
            ("legacy", UNFIT),
            ("Legacy", UNFIT),
            ("Silver", UNFIT),
            ("", UNFIT),
            (7, UNFIT),
            (["Gold"], UNFIT),
            (None, None),
        ]
    ),
    *(
        (TenantField("A", type="PICKLIST", options=(Option("7"), Option("true"))), *row)
        for row in [(7, "7"), (True, "true"), (8, UNFIT)]
    ),
    *((TenantField("A", type="PICKLIST"), *row) for row in [(7, "7"), ("x", "x"), ([], UNFIT)]),
    *((COMPANY.fields["Region__gc"], *row) for row in [("Emea", UNFIT), ("apac", "APAC"), (None, UNFIT)]),
    *(
        (PERSON.fields["Interests__gc"], *row)
        for row in [
            (["Billing", "Reports"], "Billing;Reports"),
            (["billing", "API & WEBHOOKS"], "Billing;API & webhooks"),
            (("Billing",), "Billing"),
            ("billing; reports", "Billing;Reports"),
            (["Billing", "billing"], "Billing"),
            ([], UNFIT),
            (["Billing", "Sports"], UNFIT),
            (["Billing", None], UNFIT),
            (["Fax"], UNFIT),
            ("", UNFIT),
            ({"a": "Billing"}, UNFIT),
            (7, UNFIT),
            ([["Billing"]], UNFIT),
        ]
    ),
    *((SEMICOLON, *row) for row in [(["a;b", "C"], "1;c"), (["a;b"], "1"), ("A;B", UNFIT), (["d;e"], UNFIT)]),
    *((TenantField("A", type="MULTISELECTDROPDOWNLIST"), *row) for row in [(["x", 7], "x;7"), (["x;y"], UNFIT)]),
    *(
        (PERSON.fields["BackupEmail__gc"], *row)
        for row in [(" ada@example.com ", "ada@example.com"), ("ada", UNFIT), (7, UNFIT)]
    ),
    *((PERSON.fields["Blog__gc"], *row) for row in [("https://x.co ", "https://x.co"), ("x.co", UNFIT)]),
    *((PERSON.fields["Manager__gc"], *row) for row in [(" 1P01 ", "1P01"), ("Ada Lovelace", UNFIT)]),
    *(
        (PERSON.fields["SfdcContactId__gc"], *row)
        for row in [("0015g00000abcde\n", "0015g00000abcde"), ("0015", UNFIT)]
    ),
    *((PERSON.fields["Profile__gc"], *row) for row in [({"a": 1}, {"a": 1})]),
    *((TenantField("A", type="HOLOGRAM"), *row) for row in [("x" * 10_000, "x" * 10_000)]),
]


@pytest.mark.parametrize(
    ("field", "value", "expected"), TABLE, ids=[f"{row[0].name}-{n}" for n, row in enumerate(TABLE)]
)
def test_a_value_is_made_to_fit_or_left_where_that_is_not_certain(
    field: TenantField, value: Any, expected: Any
) -> None:
    fitted = fit(value, field)
    if expected is UNFIT:
        assert fitted.value is value
        assert fitted.refusal == field.refusal(value) is not None
        return
    assert (fitted.value, type(fitted.value)) == (expected, type(expected))
    assert fitted.refusal is field.refusal(fitted.value) is None
    assert (fitted.how is None) is (field.refusal(value) is None)


def test_each_type_of_the_table_that_is_made_to_fit_is_one_of_gainsights() -> None:
    assert WAYS.keys() <= TYPES.keys()
    assert TYPES.keys() - WAYS.keys() == {"IMAGE", "JSON"}  # which take anything


@pytest.mark.parametrize("mode", FitMode)
def test_a_text_is_cut_only_where_that_is_said(mode: FitMode) -> None:
    fitted = fit("123456", PERSON.fields["Code__gc"], mode)
    assert fitted.value == ("12345" if mode.cuts else "123456")
    assert fitted.how == (CUT if mode.cuts else None)
    number = fit(1234567, PERSON.fields["Code__gc"], mode)
    assert number.value == ("12345" if mode.cuts else 1234567)
    assert fit("a@" + "b" * 600 + ".co", PERSON.fields["BackupEmail__gc"], mode).refusal is not None
    assert fit("x" * 300, PERSON.fields["Plan__gc"], mode).refusal is not None
    assert str(mode) == mode == mode.value


# --- records ----------------------------------------------------------------------------------------------------------

RECORD = {"Email": ADA, "Plan__gc": "gold", "Score__gc": "7", "Vip__gc": True}


def test_a_record_that_fits_is_the_record() -> None:
    record = {"Email": ADA, "Plan__gc": "Gold"}
    assert fit_record(record, PERSON)[0] is record
    assert fit_record(record, PERSON)[1] == ()


def test_what_is_changed_of_a_record_is_told_and_the_record_is_left_as_it_was() -> None:
    before = dict(RECORD)
    made, changes = fit_record(before, PERSON)
    assert before == RECORD
    assert made == {"Email": ADA, "Plan__gc": "Gold", "Score__gc": 7, "Vip__gc": True}
    assert [*made] == [*RECORD]
    assert changes == (
        FitChange("Plan__gc", "gold", "Gold", "the option as Gainsight spells it"),
        FitChange("Score__gc", "7", 7, "the numeral as a number"),
    )
    assert "gold" not in repr(changes).replace("Gainsight", "")


#: What cannot be made to fit, and the reason.
UNFIT_FIELDS = [
    ("Plan__gc", "Silver", "has no such option"),
    ("Nowhere__gc", 7, "no such field"),
    ("Health__gc", 7, "is a formula, which cannot be written"),
    ("DynamicResolutionKey", "x", "is read-only"),
    ("Code__gc", "123456", "takes 5 characters at most"),
    ("Vip__gc", "maybe", "takes true or false, which the string is not"),
]


@pytest.mark.parametrize(("name", "value", "reason"), UNFIT_FIELDS)
def test_what_cannot_be_made_to_fit_fails_the_event_or_is_left_out(name: str, value: Any, reason: str) -> None:
    record = {"Email": ADA, name: value}
    for mode in FitMode:
        if mode.drops and not (mode.cuts and name == "Code__gc"):
            made, (change,) = fit_record(record, PERSON, mode)
            assert made == {"Email": ADA}
            assert (change.field, change.before, change.after, change.how) == (name, value, None, LEFT_OUT)
            assert change.refusal is not None
            assert change.refusal.reason == reason
        elif not (mode.cuts and name == "Code__gc"):
            with pytest.raises(EventError) as caught:
                fit_record(record, PERSON, mode)
            assert str(caught.value) == f"Person.{name}: cannot be made to fit the tenant: {reason}"


@pytest.mark.parametrize("mode", FitMode)
def test_the_key_is_never_changed_and_never_left_out(mode: FitMode) -> None:
    for record, of in (({"Email": f" {ADA}"}, PERSON), ({"Name": "x" * 256}, COMPANY)):
        with pytest.raises(EventError, match=rf"{of.name}\.{of.key}: cannot be made to fit"):
            fit_record(record, of, mode)


def test_a_field_that_can_only_be_written_at_first_may_be_sent() -> None:
    assert fit_record({"Name": "x", "ExternalId__gc": 7}, COMPANY)[0] == {"Name": "x", "ExternalId__gc": "7"}


def test_another_word_for_the_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="guess"):
        fit("x" * 300, COMPANY.fields["Industry"], "guess")


#: An answer to a find, an insert, and an upsert.
SAVED = b'{"result": true, "data": {"records": [{"Gsid": "1P02A", "Name": "Other"}]}}'

# --- the config -------------------------------------------------------------------------------------------------------

FITS = sixty.CONFIG.fitting(TENANT)


def test_people_and_companies_are_made_to_fit_after_the_mapping() -> None:
    person = transform(identify(plan="gold", score="7", lastSeen=1772445600, interests=["reports"]), FITS)
    assert person.body == {
        "Email": ADA,
        "Plan__gc": "Gold",
        "Score__gc": 7,
        "LastSeen__gc": "2026-03-02T10:00:00Z",
        "Interests__gc": "Reports",
    }
    company = transform(group(stage="launched", region="apac", arr="5"), FITS)
    assert company.company == {"Name": "Acme", "Stage": "Launched", "Region__gc": "APAC", "Arr": 5}  # type: ignore[attr-defined]
    assert transform(track(), FITS) == transform(track(), FITS)
    assert transform(track(plan="gold"), FITS).body == {"plan": "gold"}


def test_without_it_all_is_sent_as_it_is() -> None:
    assert sixty.CONFIG.fit is None
    assert transform(identify(plan="gold"), sixty.CONFIG).body == {"Email": ADA, "Plan__gc": "gold"}
    assert transform(identify(plan="gold"), FITS.fitting(None)).body == {"Email": ADA, "Plan__gc": "gold"}


def test_what_does_not_fit_fails_its_own_event_in_a_batch_alone() -> None:
    events = [
        identify(plan="silver"),
        identify("b@b.co", plan="gold"),
        group(stage="Lunched"),
        group("Other", region="APAC"),
    ]
    batch = transform_batch(events, FITS)
    while batch.requests:
        batch = batch.next([Response(200, SAVED) for _ in batch.requests])
    told = [str(outcome.error) if outcome.error else None for outcome in batch.outcomes]
    assert told == [
        "Person.Plan__gc: cannot be made to fit the tenant: has no such option",
        None,
        "Company.Stage: cannot be made to fit the tenant: has no such option",
        None,
    ]


def test_dropped_fields_leave_the_rest_to_be_sent() -> None:
    config = sixty.CONFIG.fitting(TENANT, "drop")
    assert transform(identify(plan="silver", score=7), config).body == {"Email": ADA, "Score__gc": 7}
    with pytest.raises(EventError, match=r"Person\.Email: cannot be made to fit the tenant: takes an email address"):
        transform(identify("ada"), config)


def test_an_object_that_the_tenant_was_described_without_is_left_as_it_is() -> None:
    config = sixty.CONFIG.fitting(Tenant([COMPANY]))
    assert transform(identify(plan="silver"), config).body == {"Email": ADA, "Plan__gc": "silver"}
    empty = sixty.CONFIG.fitting(Tenant([TenantObject("Person")]))
    with pytest.raises(EventError, match=r"Person\.Email: cannot be made to fit the tenant: no such field"):
        transform(identify(), empty)


def test_a_config_that_fits_compares_pickles_and_hashes() -> None:
    made = DestinationConfig(domain="acme.gainsightcloud.com", access_key="k", fit=TENANT, fit_mode="drop")
    same = pickle.loads(pickle.dumps(made))
    assert same == made
    assert hash(same) == hash(made)
    assert (same.fit, same.fit_mode) == (TENANT, "drop")
    assert made != attrs.evolve(made, fit_mode="cut")
    assert made != attrs.evolve(made, fit=None)
    assert made.at("http://127.0.0.1:1").fit is TENANT
    assert made.at("http://127.0.0.1:1").fitting(None).origin == "http://127.0.0.1:1"
    assert "fit=<Tenant Company: 28 fields, Person: 32 fields>, fit_mode='drop'" in repr(made)
    assert not any(secret in repr(CONFIG.fitting(TENANT)) for secret in SECRETS)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"fit": TENANT.as_data()}, "fit: must be a Tenant: Tenant.from_data(data) makes one"),
        ({"fit": True}, "fit: must be a Tenant"),
        ({"fit": TENANT, "fit_mode": "guess"}, "fit_mode: must be one of refuse, drop, cut, cut-or-drop"),
        ({"fit_mode": None}, "fit_mode: must be one of"),
        (
            {"fit": 7, "fit_mode": 7},
            "fit: must be a Tenant: Tenant.from_data(data) makes one of a file's JSON; fit_mode: must",
        ),
    ],
)
def test_wrong_settings_are_config_errors(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as made:
        DestinationConfig(domain="acme.gainsightcloud.com", **settings)
    with pytest.raises(ConfigError) as changed:
        CONFIG.fitting(settings.get("fit"), settings.get("fit_mode", "refuse"))
    assert problem in str(made.value)
    assert problem in str(changed.value)


def test_rudderstacks_own_config_has_no_such_setting() -> None:
    made = DestinationConfig.from_rudderstack({"domain": "acme.gainsightcloud.com", "fit": 7, "fit_mode": 7})
    assert (made.fit, made.fit_mode) == (None, "refuse")


def test_a_config_that_events_fill_in_fits_too() -> None:
    given = {**SETTINGS, "personMap": dict(sixty.CONFIG.person_map), "topicName": "{{ event.topic || Tickets }}"}
    settings = Settings(given).fitting(TENANT, "drop")
    for made in (settings, pickle.loads(pickle.dumps(settings))):
        request = transform(identify(plan="gold", score="many"), made)
        assert request.body == {"Email": ADA, "Plan__gc": "Gold"}
        assert (request.config.fit, request.config.fit_mode) == (TENANT, "drop")
    assert transform(identify(plan="gold"), Settings(given)).body == {"Email": ADA, "Plan__gc": "gold"}
    with pytest.raises(ConfigError, match="fit_mode: must be one of"):
        Settings(given).fitting(TENANT, "guess")


@pytest.mark.parametrize("mode", FitMode)
def test_a_group_whose_person_cannot_be_linked_fails_before_its_company_is_written(mode: FitMode) -> None:
    with pytest.raises(EventError, match=r"Person\.Email: cannot be made to fit the tenant: takes an email address"):
        transform(group(email="no address"), sixty.CONFIG.fitting(TENANT, mode))
    assert transform(group(email="no address"), sixty.CONFIG).body
