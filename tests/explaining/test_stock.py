"""What RudderStack would do, by the table of differences: compared with the page, and with the vectors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import ConfigError, DestinationConfig, Profile, Tenant, explain
from gainsight_dest.explaining.stock import STOCK_RULES, StockRule, Would, would
from tests.conformance import VECTORS
from tests.some import ADA, CONFIG, group, identify, track
from tests.table import each_row
from tests.tenant_of_60_fields import ANSWER
from tests.tenant_of_60_fields import CONFIG as SIXTY_FIELDS

PAGE = Path(__file__).parents[2] / "docs/explanation/differences.md"
MAPPED = attrs.evolve(
    CONFIG,
    contract_id="c-0",
    person_map={"plan": "Plan__gc", "address.city": "City__gc", "firstName": "First__gc"},
    company_map={"industry": "Industry__gc"},
)
ALIKE = [vector for vector in VECTORS if "rule" not in vector]


def found(event: Any, config: Any = MAPPED) -> dict[str, tuple[str, str | None]]:
    """By its source and field, what RudderStack would do with each value, and the rule."""
    rows = explain(event, config).rows
    return {f"{row.source} {row.target}": (str(would(row)), row.stock) for row in rows if row.rule != "link"}


def contract(value: Any) -> dict[str, Any]:
    return track() | {"context": {"externalId": [{"type": "gainsightEventContractId", "id": value}]}}


@pytest.mark.parametrize(
    ("event", "place", "what", "rule"),
    [
        (
            identify(masterRecordId="m"),
            "traits.masterRecordId MasterRecordID",
            "dropped",
            "documented-master-record-id",
        ),
        (identify(masterRecordID="m"), "traits.masterRecordID MasterRecordID", "sent", None),
        (identify(name=""), "traits.name Name", "sent", "no-blank-name"),
        (identify(name="", firstName="Ada"), "traits.name Name", "dropped", None),
        (identify(Name="x"), "traits.Name None", "sent", "gainsight-spelled-traits-never-leak"),
        (group(Email="x"), "traits.Email None", "sent", "gainsight-spelled-traits-never-leak"),
        (identify(shoe=1), "traits.shoe None", "dropped", None),
        (identify(firstName=7), "FirstName Name", "not known", "name-parts-are-text"),
        (identify(firstName="A", lastName="B"), "FirstName + LastName Name", "sent", None),
        (identify(middlename="x"), "traits.middlename MiddleName", "not known", "middlename-alias"),
        (track(**{"a.b": 1}), 'properties["a.b"] a.b', "spelt otherwise", "dotted-property-keys-stay"),
        (track(ab=1), "properties.ab ab", "sent", None),
        (identify(address={"city": "Rome"}), "traits.address.city City__gc", "not known", "custom-map-paths"),
        (identify(plan=""), "traits.plan Plan__gc", "not known", "blank-custom-gives-way"),
        (identify(plan="gold"), "traits.plan Plan__gc", "sent", None),
        (group(employees=True), "traits.employees Employees", "sent", "numbers-only-in-number-fields"),
        (group(employees="0x10"), "traits.employees Employees", "sent", "numbers-only-in-number-fields"),
        (group(employees=""), "traits.employees Employees", "sent", "numbers-only-in-number-fields"),
        (group(industry=""), "traits.industry Industry", "dropped", None),
        (group(employees="many"), "traits.employees Employees", "dropped", None),
        (group(employees="12"), "traits.employees Employees", "sent", None),
        (identify(masterAvatarTypeCode=""), "traits.masterAvatarTypeCode MasterAvatarTypeCode", "dropped", None),
        (identify(comments=2**53 + 1), "traits.comments Comments", "spelt otherwise", "numbers-as-text"),
        (identify(comments=2**53), "traits.comments Comments", "sent", None),
        (
            contract(77),
            "context.externalId[gainsightEventContractId].id contractId",
            "dropped",
            "header-values-are-strings",
        ),
        (contract("c"), "context.externalId[gainsightEventContractId].id contractId", "sent", None),
        (
            contract(False),
            "context.externalId[gainsightEventContractId].id contractId",
            "not known",
            "contract-id-is-text",
        ),
        (group(industry="SW"), "traits.industry Industry__gc", "dropped", "every-mapping-takes-effect"),
        (group(industry="SW"), "traits.industry Industry", "sent", None),
        (
            identify(plan="a") | {"context": {"traits": {"plan": "b"}}},
            "context.traits.plan Plan__gc",
            "not known",
            "traits-before-context-traits",
        ),
    ],
)
def test_what_rudderstack_would_do_is_told_with_its_rule(event: Any, place: str, what: str, rule: str | None) -> None:
    assert found(event)[place] == (what, rule)


def test_the_table_is_that_of_the_page_and_names_every_rule_of_the_vectors() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \| (.*) \|$", PAGE.read_text("utf8"), re.MULTILINE)
    assert rows == [(rule.name, rule.rudderstack, rule.here) for rule in STOCK_RULES]
    assert {vector["rule"] for vector in VECTORS if "rule" in vector} <= {rule.name for rule in STOCK_RULES}


@each_row(STOCK_RULES, lambda rule: rule.name)
def test_what_is_not_known_of_rudderstack_is_not_told(rule: StockRule) -> None:
    assert (rule.would is None) is (rule.applies is None)
    if rule.rudderstack == "—":
        assert rule.would in {None, Would.UNKNOWN}


@each_row([rule for rule in STOCK_RULES if rule.applies], lambda rule: rule.name)
def test_a_rule_about_rows_is_found_in_an_event_of_its_vectors(rule: StockRule) -> None:
    vectors = [vector for vector in VECTORS if vector.get("rule") == rule.name]
    rules = {row.stock for vector in vectors for row in explain(vector["event"], vector["config"]).rows}
    # The vectors of the two are about a trait that did not come, and hold no integer beyond 2^53.
    assert rule.name in rules | {"no-blank-name", "numbers-as-text"}


@pytest.mark.parametrize("kind", ["identify", "group", "track"])
def test_no_difference_is_told_of_what_rudderstack_does_alike(kind: str) -> None:
    told: set[str | None] = set()
    events = 0
    for vector in ALIKE:
        try:
            config = DestinationConfig.from_rudderstack(vector["config"])
        except ConfigError:
            continue
        trace = explain(vector["event"], config)
        if trace.error is None and trace.type == kind:
            events += 1
            told |= {row.stock for row in trace.rows if would(row) is not Would.UNKNOWN}
    assert events > 50
    assert told <= {None, "no-blank-name"}


def test_a_value_that_is_made_to_fit_is_sent_as_it_is_there() -> None:
    config = SIXTY_FIELDS.fitting(Tenant.from_describe(ANSWER), "drop")
    rows = {row.source: row for row in explain(identify(name="Ada", score="7.126", plan="none"), config).rows}
    assert would(rows["traits.score"]) is Would.SPELT
    assert would(rows["traits.plan"]) is Would.SENT


def test_a_profile_counts_what_rudderstack_would_do_and_where_traits_came_and_were_lost() -> None:
    profile = Profile.of(
        [identify(Name="x"), identify(Name="y"), identify(None, Name="z"), *[identify(shoe=1)] * 9], MAPPED
    )
    spelled, shoe = (profile.traits["identify", ("traits", name)] for name in ("Name", "shoe"))
    assert spelled.stock == {(Would.SENT, "gainsight-spelled-traits-never-leak"): 2}
    assert (spelled.numbers, spelled.lost_in) == ([1, 2, 3], [1, 2, 3])
    assert (shoe.numbers, shoe.stock) == ([4, 5, 6, 7, 8], {(Would.DROPPED, None): 9})
    email = profile.traits["identify", ("traits", "email")].as_dict()
    assert email["rudderstack"] == [{"would": "sent", "rule": None, "times": 11}]
    assert (email["numbers"], email["lost_in"]) == ([1, 2, 3, 4, 5], [3])


def test_masks_do_not_change_what_rudderstack_would_do() -> None:
    seen, masked = Profile(), Profile(mask=True)
    for event in (group(employees=True, industry="SW"), identify(comments=2**60), contract(7), identify(ADA, Name="x")):
        seen.add(explain(event, MAPPED))
        masked.add(explain(event, MAPPED).masked())
    assert [each.stock for each in masked.traits.values()] == [each.stock for each in seen.traits.values()]
