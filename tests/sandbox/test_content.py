"""What a tenant holds: its writes, its queries, and its way into plain data and back."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.fields import PERSON
from gainsight_dest.sandbox import Content
from gainsight_dest.sandbox.content import gsid_of, parsed

ADA = "ada@example.com"


def condition(name: str, operator: str, *values: Any, alias: str = "A") -> dict[str, Any]:
    return {"name": name, "alias": alias, "value": [*values], "operator": operator}


def where(*conditions: dict[str, Any], expression: str | None = None) -> dict[str, Any]:
    clause: dict[str, Any] = {"conditions": [*conditions]}
    return clause if expression is None else {**clause, "expression": expression}


def filled() -> Content:
    content = Content()
    for name, industry, arr in [("Acme", "Tools", 1), ("Bolt", "Tools", 2), ("Acme", "Food", 3), ("Cog", None, 4)]:
        content.insert_company({"Name": name, "Industry": industry, "Arr": arr})
    return content


def found(content: Content, clause: Any) -> list[int]:
    """The Arr of each company found, by which `filled` tells them apart."""
    return [company["Arr"] for company in content.query(clause)]


# --- writes -----------------------------------------------------------------------------------------------------------


def test_a_person_is_created_then_updated_by_email() -> None:
    content = Content()
    content.upsert_person({"Email": ADA, "Name": "Ada", "Location": "London"})
    content.upsert_person({"Email": ADA, "Name": "Ada L", "Comments": None})
    content.upsert_person({"Email": "grace@example.org"})
    assert content.as_data()["people"] == [
        {"Email": ADA, "Name": "Ada L", "Location": "London", "Comments": None, "companies": []},
        {"Email": "grace@example.org", "companies": []},
    ]


def test_links_are_united_and_each_company_is_linked_once() -> None:
    content = filled()
    links = [{"Company_ID": gsid_of(index)} for index in range(3)]
    content.upsert_person({"Email": ADA, "companies": [links[0], links[1], links[1]]})
    content.upsert_person({"Email": ADA, "Name": "Ada"})
    content.upsert_person({"Email": ADA, "companies": [links[1], links[2]]})
    assert content.people[ADA] == {"Email": ADA, "Name": "Ada", "companies": links}


def test_two_companies_may_have_one_name_and_never_one_gsid() -> None:
    content = filled()
    assert [company["Arr"] for company in content.named("Acme")] == [1, 3]
    assert content.named("acme") == []
    assert len({company["Gsid"] for company in content.companies}) == 4


def test_a_company_is_there_by_its_whole_gsid_alone() -> None:
    content = filled()
    assert content.has_company(gsid_of(0))
    assert not any(content.has_company(gsid) for gsid in (gsid_of(4), "", "1P02", gsid_of(0)[:-1], f" {gsid_of(0)}"))


def test_content_that_came_with_gsids_of_its_own_goes_on_without_doubling_one() -> None:
    companies = [{"Gsid": gsid, "Name": "Acme", "Arr": arr} for gsid, arr in [("1P02XYZ", 1), (gsid_of(2), 2)]]
    content = Content.from_data({"people": [], "companies": companies, "events": []})
    made = [content.insert_company({"Name": "Acme", "Arr": arr})["Gsid"] for arr in (3, 4)]
    assert made == [gsid_of(3), gsid_of(4)]
    assert content.has_company("1P02XYZ")
    assert found(content, where(condition("Name", "EQ", "Acme"))) == [1, 2, 3, 4]


# --- deletes ----------------------------------------------------------------------------------------------------------


def test_a_company_that_is_deleted_is_found_no_more_and_nobody_is_linked_to_it() -> None:
    content = filled()
    links = [{"Company_ID": gsid_of(index)} for index in range(2)]
    content.upsert_person({"Email": ADA, "companies": links})
    deleted = content.delete_company(gsid_of(0))
    assert deleted == {"Gsid": gsid_of(0), "Name": "Acme", "Industry": "Tools", "Arr": 1}
    assert not content.has_company(gsid_of(0))
    assert content.people[ADA]["companies"] == links[1:]
    assert found(content, where(condition("Name", "IN", "Cog", "Acme"))) == [3, 4]
    assert found(content, None) == [2, 3, 4]
    assert content.delete_company(gsid_of(0)) is None
    assert Content.from_data(content.as_data()) == content


def test_the_gsid_of_a_deleted_company_is_never_given_again() -> None:
    content = filled()
    content.delete_company(gsid_of(3))
    assert content.insert_company({"Name": "Dot", "Arr": 5})["Gsid"] == gsid_of(4)
    assert found(content, where(condition("Name", "IN", "Dot", "Cog", "Bolt"))) == [2, 5]


# --- queries ----------------------------------------------------------------------------------------------------------


def test_people_are_found_by_the_same_conditions() -> None:
    content = filled()
    for email, name in ((ADA, "Ada"), ("grace@example.org", "Grace")):
        content.upsert_person({"Email": email, "Name": name})
    (ada,) = content.query(where(condition("Email", "EQ", ADA)), PERSON)
    assert ada["Name"] == "Ada"
    assert [person["Name"] for person in content.query(None, PERSON)] == ["Ada", "Grace"]
    assert [person["Name"] for person in content.query(where(condition("Name", "EQ", "Grace")), PERSON)] == ["Grace"]


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (None, [1, 2, 3, 4]),
        ({}, [1, 2, 3, 4]),
        (where(condition("Name", "EQ", "Acme"), expression="A"), [1, 3]),
        (where(condition("Name", "EQ", "Acme")), [1, 3]),
        (where(condition("Name", "EQ", "acme")), []),
        (where(condition("Name", "EQ", 7)), []),
        (where(condition("Name", "NE", "Acme")), [2, 4]),
        (where(condition("Name", "IN", "Cog", "Bolt", "None", 7)), [2, 4]),
        (where(condition("Industry", "EQ", "Tools")), [1, 2]),
        (where(condition("Industry", "EQ", None)), [4]),
        (where(condition("Industry", "NE", "Tools")), [3, 4]),
        (where(condition("Planet", "EQ", "x")), []),
        (where(condition("Gsid", "EQ", gsid_of(1))), [2]),
        (where(condition("Arr", "IN", 4, 1)), [1, 4]),
        (where(condition("Arr", "LT", 2)), [1]),
        (where(condition("Arr", "LTE", 2.5)), [1, 2]),
        (where(condition("Arr", "GT", 3)), [4]),
        (where(condition("Arr", "GTE", 3)), [3, 4]),
        (where(condition("Arr", "GTE", "3")), []),
        (where(condition("Arr", "BTW", 2, 3)), [2, 3]),
        (where(condition("Name", "BTW", "B", "Ca")), [2]),
        (where(condition("Industry", "LT", None)), []),
        (where(condition("Industry", "CONTAINS", "oo")), [1, 2, 3]),
        (where(condition("Industry", "STARTS_WITH", "Foo")), [3]),
        (where(condition("Industry", "ENDS_WITH", "ols")), [1, 2]),
        (where(condition("Industry", "CONTAINS", 7)), []),
        (where(condition("Industry", "IS_NULL")), [4]),
        (where(condition("Industry", "IS_NOT_NULL")), [1, 2, 3]),
        (where({"name": "Industry", "alias": "A", "operator": "IS_NULL"}), [4]),
        (where(condition("Industry", "INCLUDES", "Food", "Toys")), [3]),
        (where(condition("Industry", "EXCLUDES", "Food")), [1, 2, 4]),
    ],
)
def test_a_condition_chooses_companies_in_the_order_of_their_making(clause: Any, expected: list[int]) -> None:
    assert found(filled(), clause) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("A", [1, 3]),
        ("A AND B", [1]),
        ("A OR B", [1, 2, 3]),
        ("C OR A", [1, 3, 4]),
        ("A AND B OR C", [1, 4]),
        ("A AND (B OR C)", [1]),
        ("C OR A AND B", [1, 4]),
        ("(C OR A) AND B", [1]),
        ("(A)AND(B)", [1]),
        ("  ((A))  ", [1, 3]),
        ("A AND A AND A", [1, 3]),
        (None, []),
        ("", []),
    ],
)
def test_conditions_are_joined_by_alias_and_closer_by_and_than_by_or(
    expression: str | None, expected: list[int]
) -> None:
    conditions = (
        condition("Name", "EQ", "Acme", alias="A"),
        condition("Industry", "EQ", "Tools", alias="B"),
        condition("Arr", "EQ", 4, alias="C"),
    )
    assert found(filled(), where(*conditions, expression=expression)) == expected


def test_or_ed_names_are_looked_up_like_one_and_come_in_the_order_of_their_making() -> None:
    clause = where(
        condition("Name", "EQ", "Cog"),
        condition("Name", "IN", "Acme", "Cog", alias="Long_alias1"),
        expression="A OR Long_alias1",
    )
    assert found(filled(), clause) == [1, 3, 4]


@pytest.mark.parametrize(
    "expression",
    [
        "B",
        "A AND",
        "A B",
        "A AND B",
        "A OR B",
        "(A",
        "A)",
        "NOT A",
        "not A",
        "A == A",
        "A | A",
        "A if A else A",
        "A()",
        "A.real",
        "True",
        "1",
        "'A'",
        "A; A",
        "A := A",
        "lambda: A",
        "\0",
        "\ud800",
        "(" * 300 + "A" + ")" * 300,
        "-" * 100_000 + "A",
    ],
)
@pytest.mark.parametrize("content", [Content(), filled()], ids=["empty", "filled"])
def test_a_malformed_expression_is_refused_whatever_there_is_to_find(content: Content, expression: str) -> None:
    with pytest.raises(ValueError, match="expression"):
        list(content.query(where(condition("Name", "EQ", "Zed"), expression=expression)))


@pytest.mark.parametrize(
    "clause",
    [
        7,
        "Name",
        [1],
        {"expression": "A"},
        {"conditions": None},
        {"conditions": []},
        {"conditions": [7]},
        where({}),
        where({"name": "Name", "value": ["x"], "operator": "EQ"}),
        where({"alias": "A", "value": ["x"], "operator": "EQ"}),
        where({"alias": "A", "name": "Name", "operator": "EQ"}),
        where({"alias": "A", "name": "Name", "value": ["x"]}),
        where(condition("Name", "EQ")),
        where({**condition("Name", "EQ"), "value": "Acme"}),
        where({**condition("Name", "EQ"), "value": None}),
        where({**condition("Name", "EQ", "x"), "name": ["Name"]}),
        where({**condition("Name", "EQ", "x"), "name": None}),
        where(condition("Name", "LIKE", "x")),
        where(condition("Name", "BTW", "x")),
        where(condition("Name", "LT", "x", "y")),
        where({**condition("Name", "IS_NULL"), "value": "x"}),
        where({**condition("Name", "EQ", "x"), "operator": ["EQ"]}),
    ],
)
@pytest.mark.parametrize("content", [Content(), filled()], ids=["empty", "filled"])
def test_a_malformed_condition_is_refused_whatever_there_is_to_find(content: Content, clause: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        list(content.query(clause))


expressions: st.SearchStrategy[tuple[str, Callable[[dict[str, bool]], bool]]] = st.recursive(
    st.sampled_from("ABC").map(lambda alias: (alias, lambda given: given[alias])),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]} OR {two[1][0]})", lambda given: two[0][1](given) or two[1][1](given))
        ),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]} AND {two[1][0]})", lambda given: two[0][1](given) and two[1][1](given))
        ),
    ),
    max_leaves=12,
)


@given(expressions, st.fixed_dictionaries({alias: st.booleans() for alias in "ABC"}))
def test_an_expression_holds_as_logic_says(
    expression: tuple[str, Callable[[dict[str, bool]], bool]], values: dict[str, bool]
) -> None:
    written, meaning = expression
    assert parsed(written, set("ABC"))(values) is meaning(values)


@given(st.text(alphabet="AB ()ORNDornd01#\\'\n", max_size=20))
def test_any_expression_is_read_or_refused(expression: str) -> None:
    try:
        holds = parsed(expression, {"A", "B"})
    except ValueError:
        return
    assert holds({"A": True, "B": True}) is True
    assert holds({"A": False, "B": False}) is False


# --- as data ----------------------------------------------------------------------------------------------------------

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
records = st.dictionaries(st.sampled_from(["Plan__gc", "Tags", "Arr"]), values)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """A content that has been through any sequence of writes."""
    content = Content()
    for _ in range(draw(st.integers(0, 6))):
        step = draw(st.sampled_from(["person", "company", "link", "event"]))
        if step == "company":
            content.insert_company({**draw(records), "Name": draw(st.sampled_from(["Acme", "Bolt"]))})
        elif step == "event":
            content.events.append({"name": "closed", "properties": draw(records)})
        else:
            gsids = [company["Gsid"] for company in content.companies] if step == "link" else []
            links = [{"Company_ID": draw(st.sampled_from(gsids))}] if gsids else []
            email = draw(st.sampled_from([ADA, "grace@example.org"]))
            content.upsert_person({**draw(records), "Email": email, "companies": links})
    return content


@given(contents(), records)
def test_a_content_comes_back_from_its_data_by_way_of_json_and_goes_on_as_before(
    content: Content, record: dict[str, Any]
) -> None:
    data = json.loads(json.dumps(content.as_data()))
    revived = Content.from_data(data)
    assert revived == content
    assert revived.as_data() == data
    assert [*revived.query(where(condition("Name", "EQ", "Acme")))] == content.named("Acme")
    for each in (content, revived):
        each.upsert_person({"Email": ADA, "companies": [{"Company_ID": each.insert_company({"Name": "x"})["Gsid"]}]})
        each.events.append(record)
    assert revived.as_data() == content.as_data()


def spoil(data: Any) -> None:
    """Changes whatever can be changed in it."""
    if isinstance(data, dict):
        for value in data.values():
            spoil(value)
        data["spoilt"] = True
    elif isinstance(data, list):
        for value in data:
            spoil(value)
        data.append("spoilt")


@given(contents())
def test_data_shares_nothing_with_the_content_either_way(content: Content) -> None:
    data = content.as_data()
    before = copy.deepcopy(data)
    revived = Content.from_data(data)
    spoil(data)
    assert content.as_data() == before
    assert revived.as_data() == before


EMPTY: dict[str, Any] = {"people": [], "companies": [], "events": []}
COMPANY = {"Gsid": "1P02", "Name": "Acme"}


def test_a_person_without_links_may_come_without_a_list_of_them() -> None:
    assert Content.from_data({**EMPTY, "people": [{"Email": ADA}]}).people == {ADA: {"Email": ADA, "companies": []}}


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        "people",
        [],
        {},
        {"people": [], "companies": []},
        {**EMPTY, "people": None},
        {**EMPTY, "people": {}},
        {**EMPTY, "people": "people"},
        {**EMPTY, "people": [7]},
        {**EMPTY, "people": ["Email"]},
        {**EMPTY, "people": [{}]},
        {**EMPTY, "people": [{"Email": 7}]},
        {**EMPTY, "people": [{"Email": " "}]},
        {**EMPTY, "people": [{"Email": ADA}, {"Email": ADA}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": None}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": {}}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": ["1P02"]}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": [{}]}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": [{"Company_ID": ["1P02"]}]}]},
        {**EMPTY, "people": [{"Email": ADA, "companies": [{"Company_ID": "1P02"}]}]},
        {**EMPTY, "companies": [{"Gsid": "1P02"}]},
        {**EMPTY, "companies": [{"Name": "Acme"}]},
        {**EMPTY, "companies": [{**COMPANY, "Name": ["Acme"]}]},
        {**EMPTY, "companies": [{**COMPANY, "Gsid": 7}]},
        {**EMPTY, "companies": [COMPANY, COMPANY]},
        {**EMPTY, "companies": [COMPANY, None]},
        {**EMPTY, "events": "closed"},
        {**EMPTY, "events": [7]},
        {**EMPTY, "events": [{"at": object()}]},
        {**EMPTY, "events": [{"at": float("nan")}]},
    ],
)
def test_broken_data_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^not a sandbox's content: "):
        Content.from_data(data)


def test_data_nested_beyond_reason_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ValueError, match=r"^not a sandbox's content: RecursionError"):
        Content.from_data({**EMPTY, "events": nested})
