"""What a summary tells of many events, and that its memory is bounded."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, Profile, explain
from gainsight_dest.explaining.profile import AT_FAULT, MOST_KINDS, OTHER, Arrival, Loss, Tallies, TraitProfile
from gainsight_dest.fields import Fate
from tests import strategies
from tests.explaining.some import CONFIG, group, identify, track
from tests.some import SECRETS


def summary_of(*events: Any, config: DestinationConfig = CONFIG, mask: bool = False) -> Profile:
    summary = Profile(mask=mask)
    for event in events:
        summary.add(explain(event, config))
    return summary


def trait(summary: Profile, source: str) -> TraitProfile:
    (found,) = [trait for trait in summary.traits.values() if trait.source == source]
    return found


def test_a_trait_is_counted_by_where_it_went_and_why_it_did_not() -> None:
    summary = summary_of(
        group({"employees": 5}), group({"employees": "7"}), group({"employees": "many"}), group({"employees": ""})
    )
    employees = trait(summary, "traits.employees")
    assert (employees.came, employees.lost, employees.first) == (4, 2, 1)
    assert employees.went == {Arrival("Company.Employees", "standard"): 2}
    assert employees.changed == {("Company.Employees", "to number"): 1}
    assert employees.dropped == {
        Loss("not a number", "Company.Employees", Fate.NOT_A_NUMBER): 1,
        Loss("blank", "Company.Employees", Fate.BLANK): 1,
    }
    assert employees.examples == ["5", '"7"', '"many"']


def test_a_trait_that_feeds_two_fields_comes_once_and_is_lost_only_if_it_went_to_neither() -> None:
    config = DestinationConfig(domain="acme.co", access_key="k", person_map={"location": "Place__gc"})
    summary = summary_of(identify({"location": "Rome"}), identify({"location": ""}), config=config)
    location = trait(summary, "traits.location")
    assert (location.came, location.lost) == (2, 0)
    assert location.went == {Arrival("Person.Location", "standard"): 1, Arrival("Person.Place__gc", "personMap"): 2}
    assert location.dropped == {Loss("blank", "Person.Location", Fate.BLANK): 1}


def test_what_an_event_at_fault_would_have_sent_is_lost() -> None:
    summary = summary_of({"type": "identify", "traits": {"plan": "gold"}})
    assert trait(summary, "traits.plan").dropped == {Loss(AT_FAULT, "Person.Plan__gc", Fate.FAULT): 1}
    (error,) = summary.errors.values()
    assert (error.kind, error.times, error.numbers) == ("EventError", 1, [1])


def test_what_gainsight_will_refuse_is_counted() -> None:
    summary = summary_of(group({"renewalDate": "soon"}), group({"renewalDate": "2026-01-01"}))
    refused = trait(summary, "traits.renewalDate").refused
    assert refused == {("Company.RenewalDate", "RenewalDate takes a date"): 1}


def test_track_events_are_counted_by_name_and_whether_both_maps_have_it() -> None:
    summary = summary_of(track(), track(), track("No Version"), track("Unknown"), track(""), track(None))
    names = {name: (tally.kind, tally.times) for name, tally in summary.names.items()}
    assert names == {
        "Ticket Closure": ("mapped", 2),
        "No Version": ("not mapped", 1),
        "Unknown": ("not mapped", 1),
    }


def test_events_are_counted_by_type_and_what_is_no_event_for_gainsight_apart() -> None:
    summary = summary_of(identify({}), track(), {"type": "page"}, 5)
    summary.skip("switched off", 7)
    summary.fail("NotJSON", "not JSON at column 1", 9)
    assert summary.events == {"identify": 1, "track": 1, OTHER: 4}
    assert [(tally.text, tally.numbers) for tally in summary.skipped.values()] == [
        ('type: "page" is not supported: it must be identify, group or track', [3]),
        ("switched off", [7]),
    ]
    assert [(tally.kind, tally.numbers) for tally in summary.errors.values()] == [("EventError", [4]), ("NotJSON", [9])]


def test_what_is_skipped_and_at_fault_is_counted_by_type() -> None:
    summary = summary_of(identify({}), {"type": "identify"}, track("Unknown"), {"type": "page"})
    summary.skip("switched off", 5, "identify")
    summary.skip("switched off", 6)
    summary.fail("NotJSON", "not JSON at column 1", 7)
    assert summary.events == {"identify": 3, "track": 1, OTHER: 3}
    assert summary.faults == {"identify": 1, "track": 1, OTHER: 1}
    assert summary.skips == {"identify": 1, OTHER: 2}
    assert (summary.taken("identify"), summary.taken("track"), summary.taken("group")) == (2, 1, 0)
    assert sum(tally.times for tally in summary.errors.values()) == summary.faults.total()
    assert sum(tally.times for tally in summary.skipped.values()) == summary.skips.total()


def test_an_event_that_is_switched_off_is_skipped_with_the_reason_and_none_of_its_traits_is_counted() -> None:
    off = {**identify({"shoe": 38}), "integrations": {"All": False}}
    trace = explain(off, CONFIG)
    assert (trace.error, trace.skipped, len(trace.rows)) == (None, "switched off by the event's integrations", 2)
    profile = Profile.of([off, {**group({}), "integrations": {"Gainsight": False}}, {"type": "page"}], CONFIG)
    assert profile.events == profile.skips == {"identify": 1, "group": 1, OTHER: 1}
    assert (profile.traits, profile.names, profile.companies.as_data()) == ({}, {}, [])
    assert {(tally.kind, tally.text, *tally.numbers) for tally in profile.skipped.values()} == {
        ("skipped", "switched off by the event's integrations", 1, 2),
        ("UnsupportedTypeError", 'type: "page" is not supported: it must be identify, group or track', 3),
    }


def test_tallies_are_ranked_by_how_often_something_came_then_by_what_came_first() -> None:
    tallies = Tallies()
    for number, text in enumerate(["rare", "often", "also rare", "often"], 1):
        tallies.add("kind", text, number)
    assert [(tally.text, tally.times, tally.numbers) for tally in tallies.ranked()] == [
        ("often", 2, [2, 4]),
        ("rare", 1, [1]),
        ("also rare", 1, [3]),
    ]


def test_what_cannot_be_read_is_one_kind_told_by_the_first_of_them() -> None:
    summary = Profile()
    for number in (3, 5):
        summary.fail("NotJSON", f"not JSON at column {number}", number)
    (tally,) = summary.errors.values()
    assert (tally.kind, tally.text, tally.times, tally.numbers) == ("NotJSON", "not JSON at column 3", 2, [3, 5])


def test_of_some_rows_of_an_event_those_alone_are_counted_but_lost_goes_by_all() -> None:
    config = DestinationConfig(domain="acme.co", access_key="k", person_map={"location": "Place__gc"})
    explanation = explain(identify({"location": "", "shoe": 38}), config)
    lost = [row for row in explanation.rows if row.fate is not Fate.SENT]
    summary = Profile()
    summary.add(explanation, 1, lost)
    assert {each.source: (each.came, each.lost, each.went.total()) for each in summary.traits.values()} == {
        "traits.location": (1, 0, 0),  # as it is, it went to Place__gc
        "traits.shoe": (1, 1, 0),
    }
    assert summary.values("identify") == (0, 2)


def test_track_events_are_counted_by_name_if_the_row_of_it_is_among_those() -> None:
    explanation = explain(track(), CONFIG)
    summary = Profile()
    summary.add(explanation, 1, [])
    assert summary.names == {}
    summary.add(explanation, 2, [row for row in explanation.rows if row.source == "event"])
    assert [*summary.names] == ["Ticket Closure"]


def test_some_rows_are_masked_as_all_are() -> None:
    explanation = explain(identify({"shoe": 38}), CONFIG)
    summary = Profile(mask=True)
    summary.add(explanation, 1, [row for row in explanation.rows if row.source == "traits.shoe"])
    assert trait(summary, "traits.shoe").examples == ["<a number>"]


def test_examples_are_few_short_and_distinct() -> None:
    values = ["a", "a", "b" * 500, "c", "d"]
    examples = trait(summary_of(*(identify({"shoe": value}) for value in values)), "traits.shoe").examples
    assert examples == ['"a"', f'"{"b" * 59}…', '"c"']


def test_a_trait_whose_values_are_all_alike_is_looked_at_a_few_times_only() -> None:
    events = [identify({"shoe": 1})] * 30 + [identify({"shoe": 2})]
    assert trait(summary_of(*events), "traits.shoe").examples == ["1"]


def test_memory_is_bounded_and_the_counts_are_whole() -> None:
    events = [identify({f"t{number}": 1}) for number in range(MOST_KINDS + 50)]
    summary = summary_of(*events)
    assert len(summary.traits) <= MOST_KINDS + 2
    assert sum(trait.lost for trait in summary.traits.values()) == len(events)
    assert trait(summary, f'traits["{OTHER}"]').came == 51
    names = summary_of(*(track(properties={f"p{number}": 1}) for number in range(MOST_KINDS + 50)))
    pooled = trait(names, f'properties["{OTHER}"]')
    assert pooled.went == {Arrival(f"Event.{OTHER}", "as it is"): pooled.came}
    errors = Profile()
    for number in range(MOST_KINDS + 50):
        errors.fail(f"Kind{number}", "a text")
    assert len(errors.errors) == MOST_KINDS + 1
    assert errors.errors[OTHER].times == 50
    assert errors.errors[OTHER].numbers == [2001, 2002, 2003, 2004, 2005]


def test_with_mask_keys_that_may_be_values_are_counted_together() -> None:
    summary = summary_of(identify({"by": {"a@b.co": 1, "c@d.co": 2}}), identify({"by": {"e@f.co": 3}}), mask=True)
    by = trait(summary, "traits.by.*")
    assert (by.came, by.dropped, by.examples) == (2, {Loss("no mapping", None, Fate.UNMAPPED): 3}, ["<a number>"])


def test_with_mask_a_change_is_told_all_the_same() -> None:
    assert trait(summary_of(group({"employees": "7"}), mask=True), "traits.employees").changed == {
        ("Company.Employees", "to number"): 1
    }


def test_reprs_show_no_value() -> None:
    shown = repr(trait(summary_of(identify({"shoe": "38"})), "traits.shoe"))
    assert shown == "<TraitProfile identify traits.shoe: came 1, lost 1>"


# --- laws -------------------------------------------------------------------------------------------------------------


@given(st.lists(strategies.events, max_size=5), strategies.configs)
def test_every_row_of_every_event_that_is_not_skipped_is_counted_once(
    events: list[Any], config: DestinationConfig
) -> None:
    summary = summary_of(*events, config=config)
    explanations = [trace for event in events if (trace := explain(event, config)).skipped is None]
    rows = [row for explanation in explanations for row in explanation.rows]
    gone = [
        row
        for explanation in explanations
        for row in explanation.rows
        if row.fate is Fate.SENT and explanation.error is None
    ]
    traits = summary.traits.values()
    assert sum(trait.went.total() for trait in traits) == len(gone)
    assert sum(trait.dropped.total() for trait in traits) == len(rows) - len(gone)
    assert all(trait.lost <= trait.came <= trait.went.total() + trait.dropped.total() for trait in traits)
    assert summary.events.total() == len(events)


@given(st.lists(strategies.good_events, max_size=4), strategies.whole_configs)
def test_a_summary_shows_no_secret_and_is_ready_for_json(events: list[Any], config: DestinationConfig) -> None:
    text = json.dumps(summary_of(*events, config=config).as_dict())
    assert [secret for secret in SECRETS if secret in text] == []


@given(st.lists(strategies.marked_events, max_size=4), strategies.configs)
def test_with_mask_a_summary_holds_no_value_of_an_event(events: list[Any], config: DestinationConfig) -> None:
    summary = summary_of(*events, config=config, mask=True)
    text = json.dumps(summary.as_dict())
    assert [mark for mark in ("PERSONAL", "98765") if mark in text] == []
    assert "PERSONAL" not in repr([vars(summary), [*Counter(summary.traits)]])
