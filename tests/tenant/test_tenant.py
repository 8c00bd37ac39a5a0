"""A tenant is a value, and says what it refuses of a record."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest

from gainsight_dest import ConfigError
from gainsight_dest.gainsight import CODES
from gainsight_dest.tenant import Certainty, Option, RefusalRule, Tenant, TenantField, TenantObject
from gainsight_dest.tenant.types import RULES, TYPES
from tests.growth import MOST_GROWTH, growth
from tests.tenant.some import COMPANY, PERSON, TENANT, answer, company, field

# --- a value ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [TENANT, COMPANY, COMPANY.fields["Stage"], TenantField("A"), Tenant()])
def test_a_tenant_and_its_parts_pickle_copy_compare_and_hash(value: Any) -> None:
    if isinstance(value, TenantField):
        assert value.option_of("x") is None  # what it derives stays out of the pickle
    for made in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
        assert made == value
        assert hash(made) == hash(value)
        assert repr(made) == repr(value)
    assert len({value, pickle.loads(pickle.dumps(value))}) == 1


def test_tenants_that_differ_anywhere_are_not_equal() -> None:
    stage = COMPANY.fields["Stage"]
    others = [
        attrs.evolve(stage, length=7),
        attrs.evolve(stage, label="x"),
        attrs.evolve(stage, options=stage.options[1:]),
    ]
    for other in others:
        assert other != stage
        assert Tenant([TenantObject("Company", "", [other])]) != Tenant([TenantObject("Company", "", [stage])])


def test_the_order_in_which_things_are_told_does_not_matter() -> None:
    one, other = TenantField("A", options=(Option("x"), Option("y"))), TenantField("B")
    first, second = TenantObject("Company", "", [one, other]), TenantObject("Company", "", {"B": other, "A": one})
    assert first == second
    assert [*first.fields] == [*second.fields] == ["A", "B"]
    assert TenantField("A", options=(Option("y"), Option("x"), Option("x"))) == one
    assert json.dumps(Tenant([first]).as_data()) == json.dumps(Tenant({"Company": second}).as_data())


def test_a_tenant_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        TENANT.objects = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        TENANT.objects["X"] = COMPANY  # type: ignore[index]


def test_a_repr_shows_no_label_and_no_id() -> None:
    assert repr(TENANT) == "<Tenant Company: 28 fields, Person: 32 fields>"
    assert repr(Tenant()) == "<Tenant without objects>"
    assert repr(COMPANY) == "<TenantObject Company: 28 fields>"
    assert repr(COMPANY.fields["Stage"]) == "TenantField(name=Stage, type=PICKLIST)"
    assert repr(TenantField("a key-7f3a", type="NOT-A-TYPE")) == "TenantField(name=…, type=…)"
    assert repr(Option("Gold", "1I00")) == "Option(is_active=True)"


def test_a_formula_is_never_written() -> None:
    made = TenantField("A", is_formula=True)
    assert (made.is_createable, made.is_updateable, made.is_writable) == (False, False, False)


# --- as data ----------------------------------------------------------------------------------------------------------


def test_the_data_is_small_and_sorted() -> None:
    tenant = Tenant.from_describe(
        answer(
            company(
                field("Users", "Users"),
                {
                    "fieldName": "Stage",
                    "label": "Stage",
                    "dataType": "PICKLIST",
                    "options": [{"label": "Won", "value": "2", "active": False}, {"label": "New", "value": "1"}],
                    "meta": {"required": True, "updateable": False},
                },
                field("Csm", "CSM", "LOOKUP", length=36, lookupDetail={"lookupObjects": [{"objectName": "GsUser"}]}),
            )
        )
    )
    data = {
        "version": 1,
        "objects": {
            "Company": {
                "fields": {
                    "Csm": {"label": "CSM", "type": "LOOKUP", "length": 36, "looksUp": ["GsUser"]},
                    "Stage": {
                        "type": "PICKLIST",
                        "updateable": False,
                        "required": True,
                        "options": [{"label": "New", "id": "1"}, {"label": "Won", "id": "2", "active": False}],
                    },
                    "Users": {"type": "NUMBER"},
                }
            }
        },
    }
    assert tenant.as_data() == data
    assert json.dumps(tenant.as_data()) == json.dumps(data)
    assert Tenant.from_data(data) == tenant


def test_sixty_fields_go_into_data_and_come_back() -> None:
    text = json.dumps(TENANT.as_data())
    assert Tenant.from_data(json.loads(text)) == TENANT
    assert len(text) < 7_000


def data(**fields: Any) -> Any:
    return {"version": 1, "objects": {"Company": {"fields": fields}}}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, "tenant: must be an object, not null"),
        ([], "tenant: must be an object, not a list"),
        ({}, "version: must be 1"),
        ({"version": True, "objects": {}}, "version: must be 1"),
        ({"version": 2, "objects": {}}, "version: must be 1"),
        ({"version": 1}, "objects: must be an object, not null"),
        ({"version": 1, "objects": {}, "more": 1}, "more: is not known here"),
        ({"version": 1, "objects": {}, "a b": 1}, '["a b"]: is not known here'),
        ({"version": 1, "objects": {"": {"fields": {}}}}, 'objects[""]: must be a name'),
        ({"version": 1, "objects": {7: {"fields": {}}}}, "objects[a key that is no string]: must be a string"),
        ({"version": 1, "objects": {"A": 7}}, "objects.A: must be an object, not a number"),
        ({"version": 1, "objects": {"A": {}}}, "objects.A.fields: must be an object, not null"),
        ({"version": 1, "objects": {"A": {"fields": {}, "x": 1}}}, "objects.A.x: is not known here"),
        ({"version": 1, "objects": {"A": {"label": 7, "fields": {}}}}, "objects.A.label: must be a string"),
        (data(A=7), "objects.Company.fields.A: must be an object, not a number"),
        ({"version": 1, "objects": {" A": {"fields": {}}}}, 'objects[" A"]: must be a name as Gainsight writes it'),
        (data(**{"A ": {}}), 'objects.Company.fields["A "]: must be a name as Gainsight writes it'),
        (data(A={"typ": "STRING"}), "objects.Company.fields.A.typ: is not known here"),
        (data(A={"label": None}), "objects.Company.fields.A.label: must be a string, not null"),
        (data(A={"type": 7}), "objects.Company.fields.A.type: must be a string"),
        (data(A={"length": "7"}), "objects.Company.fields.A.length: must be a whole number"),
        (data(A={"length": -1}), "objects.Company.fields.A.length: must be a whole number"),
        (data(A={"decimals": True}), "objects.Company.fields.A.decimals: must be a whole number"),
        (data(A={"createable": 1}), "objects.Company.fields.A.createable: must be true or false, not a number"),
        (data(A={"looksUp": "X"}), "objects.Company.fields.A.looksUp: must be a list, not a string"),
        (data(A={"looksUp": [7]}), "objects.Company.fields.A.looksUp[0]: must be a string"),
        (data(A={"options": {}}), "objects.Company.fields.A.options: must be a list, not an object"),
        (data(A={"options": ["x"]}), "objects.Company.fields.A.options[0]: must be an object, not a string"),
        (data(A={"options": [{"label": 7}]}), "objects.Company.fields.A.options[0].label: must be a string"),
        (data(A={"options": [{"value": "1"}]}), "objects.Company.fields.A.options[0].value: is not known here"),
        (data(A={"options": [{"active": 1}]}), "objects.Company.fields.A.options[0].active: must be true or false"),
        (
            data(A={"length": -1}, B={"length": -1}),
            "A.length: must be a whole number, 0 or more; objects.Company.fields.B",
        ),
    ],
)
def test_data_of_another_form_is_refused_with_the_place(given: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Tenant.from_data(given)
    assert problem in str(caught.value)


def test_very_many_problems_are_not_all_told() -> None:
    with pytest.raises(ConfigError) as caught:
        Tenant.from_data(data(**{f"F{number}": 7 for number in range(5_000)}))
    assert len(caught.value.problems) == 100


# --- what is refused --------------------------------------------------------------------------------------------------

#: Field of the company or the person -> what it takes; what it refuses, for which rule.
VALUES: list[tuple[TenantObject, str, list[Any], list[Any], RefusalRule, str]] = [
    (
        PERSON,
        "Code__gc",
        ["", "x", "12345", "日本日本日"],
        ["123456", "日本日本日本"],
        RefusalRule.LENGTH,
        "GSOBJ_VDTBSTR1001",
    ),
    (COMPANY, "TickerSymbol", ["x" * 20], ["x" * 21], RefusalRule.LENGTH, "GSOBJ_1001"),
    (COMPANY, "Industry", ["x" * 255], [7, 7.5, True, [], {}], RefusalRule.TYPE, "GSOBJ_1002"),
    (PERSON, "Bio__gc", ["x" * 32_768], ["x" * 32_769], RefusalRule.LENGTH, "GSOBJ_VDTBSTR1001"),
    (
        PERSON,
        "Score__gc",
        [0, -7, 7.25, 10**20],
        ["7", "", True, float("nan"), float("inf"), [7]],
        RefusalRule.TYPE,
        "GSOBJ_VDTNUM1001",
    ),
    (COMPANY, "Discount__gc", [12.5], ["12.5", True], RefusalRule.TYPE, "GSOBJ_1008"),
    (COMPANY, "Arr", [1e6], ["1,000", False], RefusalRule.TYPE, "GSOBJ_1002"),
    (PERSON, "Vip__gc", [True, False], ["true", "yes", 1, 0, ""], RefusalRule.TYPE, "GSOBJ_VDTBOOL1001"),
    (
        PERSON,
        "Birthday__gc",
        ["2026-03-02", "2026-03-02T09:30:00Z"],
        ["02.03.2026", "2026-02-30", "", 1],
        RefusalRule.TYPE,
        "GSOBJ_VDTDATIME1001",
    ),
    (COMPANY, "RenewalDate", ["2026-03-02"], [210318, "soon"], RefusalRule.TYPE, "GSOBJ_1006"),
    (COMPANY, "Audited__gc", ["2026-03-02T09:30:00Z"], [1772445600000], RefusalRule.TYPE, "GSOBJ_1005"),
    (PERSON, "BackupEmail__gc", ["a@b.co"], ["a", " a@b.co", "", 7], RefusalRule.TYPE, "GSOBJ_VDTEMAIL1001"),
    (PERSON, "Blog__gc", ["https://x.co"], ["x.co", ""], RefusalRule.TYPE, "GSOBJ_VDTURL1001"),
    (
        PERSON,
        "SfdcContactId__gc",
        ["0015g00000abcde", "0015g00000abcdeAAA"],
        ["0015", "0015g00000abcd-", 7],
        RefusalRule.TYPE,
        "GSOBJ_VDTSFDCID1001",
    ),
    (COMPANY, "Csm", ["1P01E316G9DAPFOLE6"], ["Ada Lovelace", "", 7, "ada@b.co"], RefusalRule.TYPE, "GSOBJ_1004"),
    (PERSON, "Manager__gc", ["1P01"], ["Ada Lovelace"], RefusalRule.TYPE, "GSOBJ_VDTGSID1001"),
    (PERSON, "Photo__gc", ["x", 7, [], {}], [], RefusalRule.TYPE, ""),
    (PERSON, "Profile__gc", ["x", 7, [], {"a": [1]}], [], RefusalRule.TYPE, ""),
    (
        PERSON,
        "Plan__gc",
        ["Gold", "1I00OPTION01000000000000000000000001"],
        ["Silver", ""],
        RefusalRule.OPTION,
        "GSOBJ_VDTPKLST1002",
    ),
    (
        PERSON,
        "Plan__gc",
        ["Free"],
        ["gold", " Gold", "1i00option01000000000000000000000001"],
        RefusalRule.CASE,
        "GSOBJ_VDTPKLST1002",
    ),
    (
        PERSON,
        "Plan__gc",
        ["Free"],
        ["Legacy", "1I00OPTION01000000000000000000000003"],
        RefusalRule.INACTIVE,
        "GSOBJ_VDTPKLST1002",
    ),
    (PERSON, "Plan__gc", ["Free"], [7, ["Gold"], True], RefusalRule.TYPE, "GSOBJ_VDTPKLST1002"),
    (COMPANY, "Stage", ["Launched"], ["Lunched"], RefusalRule.OPTION, "GSOBJ_1012"),
    (COMPANY, "Region__gc", ["EMEA", "emea", "日本"], ["Emea"], RefusalRule.OPTION, "GSOBJ_1012"),
    (
        PERSON,
        "Interests__gc",
        ["Billing", "Billing;Reports", "API & webhooks;1I00OPTION02000000000000000000000000"],
        ["Billing;Sports", "Billing;", ""],
        RefusalRule.OPTION,
        "GSOBJ_VDTPKLST1002",
    ),
    (PERSON, "Interests__gc", ["Billing"], ["Billing; Reports", "billing"], RefusalRule.CASE, "GSOBJ_VDTPKLST1002"),
    (PERSON, "Interests__gc", ["Billing"], ["Billing;Fax"], RefusalRule.INACTIVE, "GSOBJ_VDTPKLST1002"),
    (PERSON, "Interests__gc", ["Billing"], [["Billing"], 7], RefusalRule.TYPE, "GSOBJ_VDTPKLST1002"),
]


@pytest.mark.parametrize(("of", "name", "taken", "refused", "rule", "code"), VALUES)
def test_a_field_takes_what_is_of_its_type_and_refuses_the_rest_with_its_code(
    of: TenantObject, name: str, taken: list[Any], refused: list[Any], rule: RefusalRule, code: str
) -> None:
    made = of.fields[name]
    assert [made.refusal(value) for value in taken] == [None] * len(taken)
    assert (made.refusal(None) is None) is not made.is_required
    for value in refused:
        refusal = made.refusal(value)
        assert refusal is not None
        assert (refusal.rule, refusal.code) == (rule, code)
        assert code in CODES
        assert not isinstance(value, str) or len(value) < len("12345") or value not in refusal.reason


def test_a_type_that_is_not_known_and_one_that_is_not_told_take_anything() -> None:
    for made in (TenantField("A", type="HOLOGRAM"), TenantField("A")):
        anything: list[Any] = ["x" * 100_000, 7, [], {}, True, None]
        assert [made.refusal(value) for value in anything] == [None] * 6


def test_a_picklist_whose_options_are_not_told_takes_any_text() -> None:
    for data_type in ("PICKLIST", "MULTISELECTDROPDOWNLIST"):
        made = TenantField("A", type=data_type)
        assert made.refusal("x;y") is None
        assert made.refusal(["x"]) is not None


def test_a_label_with_a_semicolon_is_one_option() -> None:
    made = TenantField("A", type="MULTISELECTDROPDOWNLIST", options=(Option("a;b", "1"), Option("c", "2")))
    assert made.refusal("a;b") is None
    assert made.refusal("a;b;c") is not None
    assert made.refusal("1;c") is None


def test_of_two_options_of_one_label_the_active_one_counts() -> None:
    made = TenantField("A", type="PICKLIST", options=(Option("x", "1", is_active=False), Option("x", "2")))
    assert made.refusal("x") is None
    assert made.refusal("1") is not None


@pytest.mark.parametrize(
    ("name", "type", "length", "longest"),
    [
        ("A", "STRING", 7, 7),
        ("A", "STRING", 0, 255),
        ("A", "URL", None, 255),
        ("A__gc", "STRING", None, 500),
        ("A__gc", "RICHTEXTAREA", None, 32_768),
        ("A", "RICHTEXTAREA", 100, 100),
        ("A", "NUMBER", 7, None),
        ("A", "PICKLIST", 7, None),
        ("A", "HOLOGRAM", 7, None),
    ],
)
def test_how_long_a_text_may_be(name: str, type: str, length: int | None, longest: int | None) -> None:  # noqa: A002
    assert TenantField(name, type=type, length=length).longest == longest


Refused = dict[str, str]


def thrice(refused: Refused) -> tuple[Refused, Refused, Refused]:
    """The same whether the record is new, is there, or may be either."""
    return refused, refused, refused


#: What is refused of a record: of a new one, of one that is there, and where it is not known which.
RECORDS: list[tuple[TenantObject, dict[str, Any], Refused, Refused, Refused]] = [
    (PERSON, {"Email": "a@b.co"}, {}, {}, {}),
    (PERSON, {}, {"Email": "missing GSOBJ_1007"}, {}, {}),
    (PERSON, {"Email": None}, *thrice({"Email": "null GSOBJ_1007"})),
    (PERSON, {"Email": "a@b.co", "companies": [{"Company_ID": "1P02"}]}, {}, {}, {}),
    (PERSON, {"Email": "a@b.co", "plan__gc": "Gold"}, *thrice({"plan__gc": "no such field GSOBJ_VCRUDR1002"})),
    (PERSON, {"Email": "a@b.co", "Gsid": "1"}, *thrice({"Gsid": "system field GSOBJ_VCRUDR1002"})),
    (PERSON, {"Email": "a@b.co", "Health__gc": 1}, *thrice({"Health__gc": "formula GSOBJ_VCRUDR1002"})),
    (
        PERSON,
        {"Email": "a@b.co", "DynamicResolutionKey": "x"},
        *thrice({"DynamicResolutionKey": "read-only GSOBJ_VCRUDR1002"}),
    ),
    (COMPANY, {"Name": "x"}, {"Region__gc": "missing GSOBJ_1007"}, {}, {}),
    (COMPANY, {"Name": "x", "Region__gc": None}, *thrice({"Region__gc": "null GSOBJ_1007"})),
    (COMPANY, {"Name": "x", "Region__gc": "APAC", "companies": []}, *thrice({"companies": "no such field GSOBJ_1002"})),
    (
        COMPANY,
        {"Name": "x", "Region__gc": "APAC", "ExternalId__gc": "7"},
        {},
        {"ExternalId__gc": "only on create GSOBJ_1008"},
        {},
    ),
    (
        COMPANY,
        {"Name": "x", "Region__gc": "Mars", "Users": "7"},
        *thrice({"Region__gc": "no such option GSOBJ_1012", "Users": "type GSOBJ_1002"}),
    ),
    (
        TenantObject("Company", "", [TenantField("Name", is_updateable=False), TenantField("A", is_createable=False)]),
        {"Name": "x", "A": 1},
        {"A": "only on update GSOBJ_1008"},
        {},
        {},
    ),
    (
        TenantObject("Other", "", [TenantField("Name", is_updateable=False)]),
        {"Name": "x"},
        {},
        {"Name": "only on create GSOBJ_1008"},
        {},
    ),
    (
        TenantObject("Other", "", [TenantField("Nps", is_createable=False, is_updateable=False, is_required=True)]),
        {"Nps": 1},
        *thrice({"Nps": "system field GSOBJ_1008"}),
    ),
    (
        TenantObject("Other", "", [TenantField("Nps", is_createable=False, is_updateable=False, is_required=True)]),
        {},
        {},
        {},
        {},
    ),
]


@pytest.mark.parametrize(("of", "record", "if_new", "if_there", "either"), RECORDS)
def test_what_is_refused_of_a_record(
    of: TenantObject, record: dict[str, Any], if_new: Refused, if_there: Refused, either: Refused
) -> None:
    for is_new, expected in ((True, if_new), (False, if_there), (None, either)):
        found = {name: f"{refusal.rule} {refusal.code}" for name, refusal in of.refusals(record, is_new=is_new)}
        assert found == expected


def test_each_code_of_the_tables_is_one_of_gainsights_and_each_rule_has_a_certainty() -> None:
    assert {code for each in TYPES.values() for code in (each.people, each.objects)} <= CODES.keys()
    assert set(RULES) == set(RefusalRule) - {RefusalRule.TYPE}  # which each type has for itself
    assert {each.certainty for each in TYPES.values()} <= set(Certainty)
    assert [str(each) for each in (Certainty.GUESSED, RefusalRule.TYPE)] == ["guessed", "type"]


def test_of_an_object_that_is_not_there_nothing_is_known() -> None:
    assert TENANT.object_of("Relationship") is None
    assert TENANT.object_of("Company") is COMPANY
    assert TenantObject("Relationship").key is None


# --- size -------------------------------------------------------------------------------------------------------------


def big(fields: int, options: int) -> Any:
    """A describe answer: so many fields, one of them with so many options."""
    many = {
        "fieldName": "Many",
        "dataType": "PICKLIST",
        "options": [{"label": f"L{n}", "value": f"I{n}"} for n in range(options)],
    }
    return answer(company(many, *(field(f"F{number}__gc") for number in range(fields))))


def test_a_big_tenant_is_read_in_time_by_its_size() -> None:
    def work(size: int) -> Any:
        body = big(size, 2 * size)
        return lambda: Tenant.from_data(Tenant.from_describe(body).as_data())

    assert growth(work, 250) < MOST_GROWTH


def test_values_of_a_long_picklist_are_judged_in_time_by_their_number() -> None:
    def work(size: int) -> Any:
        made = Tenant.from_describe(big(1, size)).objects["Company"].fields["Many"]
        return lambda: (
            [made.refusal(f"L{number}") for number in range(size)] + [made.refusal(f"l{n}") for n in range(size)]
        )

    assert growth(work, 1_000) < MOST_GROWTH
