"""The page, as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from datetime import date
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from gainsight_dest import Finding, Severity, __version__
from gainsight_dest.explaining.profile import MOST_KINDS, Arrival, Profile, TraitProfile
from gainsight_dest.report import page
from gainsight_dest.report.flow import COLUMNS, LONGEST
from gainsight_dest.report.page import CONTENT_SECURITY_POLICY, LONGEST_TITLE, MOST_LINES
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject
from tests.markup import counts, section, table, text_of
from tests.report.pages import HOSTILE, PROBLEMS, examples, hostile, many, summary_of
from tests.some import group, identify
from tests.tenant_of_60_fields import ANSWER, option_id
from tests.tenant_of_60_fields import CONFIG as SIXTY_FIELDS

LAST = ("Not sent, because", "Examples", "RudderStack would", "Events")
OTHERWISE = "otherwise in RudderStack"


class Reader(HTMLParser):
    """The elements and attributes of a page, and what is left open."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def heading(html: str) -> str:
    return text_of(html.split("<header>")[1].split("</header>", maxsplit=1)[0])


def table_total(html: str) -> int:
    """How many values are told in the table to be otherwise in RudderStack."""
    told = re.findall(r'<li class="differs"><b>([\d,]+)×', html)
    return sum(int(times.replace(",", "")) for times in told)


def test_nothing_is_a_page_that_says_so() -> None:
    html = page(Profile())
    for empty in ("None is known.", "No trait came.", "No track event came.", "None."):
        assert empty in html
    assert "<table" not in html
    assert "<svg" not in html
    shown = ("events", "problems", "values not sent", OTHERWISE, "events at fault", "events skipped")
    assert counts(html) == dict.fromkeys(shown, "0")


def test_on_top_stands_how_many_events_there_are_and_what_becomes_of_them() -> None:
    summary = examples()
    html = page(summary, PROBLEMS, title="Acme's events", source="events.ndjson")
    assert counts(html) == {
        "events": "78",
        "identify": "28",
        "group": "19",
        "track": "21",
        "other": "10",
        "problems": "2",
        "values not sent": str(sum(trait.dropped.total() for trait in summary.traits.values())),
        OTHERWISE: str(table_total(html)),
        "events at fault": str(sum(tally.times for tally in summary.errors.values())),
        "events skipped": "5",
    }
    assert "<title>Acme&#39;s events</title>" in html
    assert heading(html) == f"Acme's events events.ndjson gainsight-dest {__version__}"
    sent = sum(trait.went.total() for trait in summary.traits.values())
    assert f"Sent: {sent} , of which Gainsight will refuse 2 ." in text_of(html)


def test_a_note_stands_below_what_the_events_were_read_from() -> None:
    html = page(examples(), source="events.ndjson", note="Shown: <1> of 2.")
    assert heading(html).endswith("Shown: <1> of 2.")


def test_the_date_and_the_name_of_the_config_are_those_that_are_given() -> None:
    html = page(Profile(), made_on=date(2026, 3, 2), destination="<Acme>, revision 7")
    told = f"2026-03-02 , destination <Acme>, revision 7, gainsight-dest {__version__}"
    assert heading(html) == f"Where each trait goes {told}"
    assert '<time datetime="2026-03-02">' in html


def test_problems_are_told_errors_first_each_with_what_to_do() -> None:
    told = section(page(Profile(), PROBLEMS), "problems")
    assert [text_of(item) for item in re.findall(r"<li.*?</li>", told, re.DOTALL)] == [
        '✕ Error eventVersionMap has no row for "SLA Breached". Add a row. (no-version)',
        "! Warning personMap.timezone also feeds Timezone. Keep one. (two-fields)",
    ]


def test_the_table_holds_every_trait_what_is_lost_first() -> None:
    summary = examples()
    header, *rows = table(page(summary), "traits")
    assert header == ["Type", "Trait", "Came", "Lost", "Goes to", *LAST]
    assert {(kind, trait) for kind, trait, *_ in rows} == {(t.type, t.source) for t in summary.traits.values()}
    assert len(rows) == len(summary.traits)
    lost = [int(row[3]) for row in rows]
    assert lost == sorted(lost, reverse=True)


def test_a_trait_is_told_with_its_rule_its_change_its_reasons_and_its_examples() -> None:
    _, *rows = table(page(examples()), "traits")
    told = {(row[0], row[1]): row[2:] for row in rows}
    assert told["group", "traits.employees"] == [
        "12",
        "4",
        "8× Company.Employees standard, to number 3×",
        "3× its event is at fault 1× not a number",
        "1000 420 85",
        "8× sent 1× dropped",
        "2, 6, 11, 16, 17, … lost in 16, 29, 30, 63",
    ]
    assert told["identify", "traits.firstname"][2:4] == ["", "1× overridden by traits.firstName Person.FirstName"]
    assert told["identify", "context.traits.emailOptOut"][2] == (
        "1× Person.EmailOptOut standard 1× refused: EmailOptOut takes true or false"
    )


def test_losses_for_one_reason_are_told_together_with_the_fields_that_they_are_for() -> None:
    event = {"type": "track", "event": "Nope", "properties": {}}
    _, *rows = table(page(summary_of(event, event)), "traits")
    told = {row[1]: row[5] for row in rows}
    assert told["event"] == "4× no mapping header.eventName header.eventVersion"


def test_a_cell_of_many_lines_counts_the_rest() -> None:
    trait = TraitProfile("track", ("properties", "(other)"), 1)
    for n in range(MOST_LINES + 1234):
        trait.went[Arrival(f"Event.p{n:04}", "as it is")] += 1
    summary = Profile()
    summary.traits[trait.type, trait.path] = trait
    _, (*_, told, _, _, _, _) = table(page(summary), "traits")
    assert told.count("×") == MOST_LINES
    assert told.endswith("… and 1,234 more")


def test_track_events_errors_and_skipped_events_are_listed_the_most_frequent_first() -> None:
    opened = {"type": "track", "event": "Ticket Opened"}
    summary = summary_of({"type": "track", "event": "Nope"}, *[opened] * 7, {"type": "page"}, {"type": "identify"})
    html = page(summary)
    assert table(html, "names") == [
        ["Name", "In eventNameMap", "Events", "First events"],
        ["Ticket Opened", "mapped", "7", "2, 3, 4, 5, 6, …"],
        ["Nope", "not mapped", "1", "1"],
    ]
    assert table(html, "errors")[0] == ["Events", "Kind", "Error", "First events"]
    assert [[row[0], row[1], row[3]] for row in table(html, "errors")[1:]] == [
        ["1", "ConfigError", "1"],
        ["1", "EventError", "10"],
    ]
    assert table(html, "skipped")[1:] == [
        ["1", 'type: "page" is not supported: it must be identify, group or track', "9"],
    ]


def test_there_is_a_picture_for_each_type_that_says_in_words_what_it_shows() -> None:
    html = page(examples())
    headings = [text_of(each) for each in re.findall(r"<h3.*?</h3>", html)]
    assert [heading.split()[:3] for heading in headings] == [
        ["identify", "→", "Person"],
        ["group", "→", "Company"],
        ["track", "→", "Event"],
    ]
    pictures = re.findall(r'<svg class="picture".*?</svg>', html, re.DOTALL)
    assert len(pictures) == 3
    for number, picture in enumerate(pictures, 1):
        assert f'role="img" aria-labelledby="picture-{number}-title picture-{number}-words"' in picture
        (words,) = re.findall(r"<desc.*?</desc>", picture)
        assert re.search(r"Values: \d+ in all, \d+ sent, \d+ not. Sent to: \S+ \d+, .* Not sent: .*at fault \d+", words)


def test_a_picture_of_what_is_all_sent_or_all_lost_says_so() -> None:
    (sent,) = re.findall(r"<desc.*?</desc>", page(summary_of({"type": "identify", "traits": {"email": "a@b.co"}})))
    assert "Values: 1 in all, 1 sent, 0 not. Sent to: Person.Email 1. The table" in sent
    (lost,) = re.findall(r"<desc.*?</desc>", page(summary_of({"type": "group", "traits": {"a": 1}})))
    assert "Values: 1 in all, 0 sent, 1 not. Not sent: no mapping 1. The table" in lost


def test_a_trait_is_told_with_its_events_and_with_those_that_it_was_lost_from() -> None:
    events = [identify(shoe=1), identify(plan="x"), *[identify(plan="")] * 7]
    _, *rows = table(page(summary_of(*events)), "traits")
    told = {row[1]: row[-1] for row in rows}
    assert told["traits.shoe"] == "1 lost in 1"
    assert told["traits.email"] == "1, 2, 3, 4, 5, …"
    assert told["traits.plan"] == "2, 3, 4, 5, 6, …"


def test_a_trait_is_told_with_what_rudderstack_would_do_and_why() -> None:
    events = [identify(Name="x", plan="gold", shoe=1, middlename="M"), identify(Name="y"), identify(None, Name="z")]
    html = page(summary_of(*events))
    told = {row[1]: row[-2] for row in table(html, "traits")[1:]}
    assert told["traits.Name"] == "2× sent Email, Name replace the mapped field: gainsight-spelled-traits-never-leak"
    assert told["traits.plan"] == "1× sent"
    assert told["traits.shoe"] == "1× dropped"
    assert told["traits.middlename"] == "1× not known middlename-alias"
    assert counts(html)[OTHERWISE] == str(table_total(html)) == "2"


def test_each_picture_is_also_a_list_for_narrow_screens_with_the_same_counts() -> None:
    summary = examples()
    for part in re.findall(r'<ul class="ways">(.*?)</ul>', page(summary), re.DOTALL):
        items = [text_of(item) for item in re.findall(r"<li>(.*?)</li>", part, re.DOTALL)]
        assert items
        for item in items:
            _, count, *ways = re.split(r" (?=\d)|(?<=\d) , | (?=[→✕])", item)
            assert int(count) == sum(int(n) for n in re.findall(r"\b(\d+)$", "\n".join(ways), re.MULTILINE))
    (ways,) = re.findall(r'<ul class="ways">(.*?)</ul>', page(summary_of(identify(shoe=1))), re.DOTALL)
    assert text_of(ways) == "traits.email 1 → Person.Email 1 traits.shoe 1 ✕ no mapping 1"
    many_ways = TraitProfile("track", ("properties", "x"), 1)
    many_ways.went.update({Arrival(f"Event.p{n:02}", "as it is"): 1 for n in range(MOST_LINES + 3)})
    crowded = Profile()
    crowded.traits[many_ways.type, many_ways.path] = many_ways
    assert "… and 3 more" in text_of(re.findall(r'<ul class="ways">(.*?)</ul>', page(crowded), re.DOTALL)[0])


def test_a_long_name_stands_whole_in_the_picture_over_several_lines() -> None:
    name = "address_of_the_headquarters.street_and_number.of_the_building.and_the_door"
    html = page(summary_of({"type": "track", "event": "Ticket Opened", "properties": {name: 1}}))
    labels = [unescape(text) for text in re.findall(r'<text class="mono"[^>]*>([^<]*)', html)]
    assert f'properties["{name}"]' in "".join(labels)
    assert f"Event.{name}" in "".join(label.strip() for label in labels)
    assert max(map(len, labels)) <= COLUMNS + 1


def test_masked_values_show_as_they_are() -> None:
    _, *rows = table(page(examples(mask=True)), "traits")
    assert {row[6] for row in rows if row[1] == "traits.lastName"} == {"<a string>"}


@pytest.mark.parametrize("words", HOSTILE)
def test_no_word_of_an_event_or_a_config_becomes_html(words: str) -> None:
    problem = Finding(words, Severity.ERROR, words, words, words)
    kind = TraitProfile(words, (words,), 1, went=Counter({Arrival(words, words): 1}))
    summary = hostile(words)
    summary.events[words] += 1
    summary.traits[words, (words,)] = kind
    read = Reader(page(summary, [problem], title=words, source=words))
    tame = Reader(page(hostile("tame"), PROBLEMS))
    assert read.open == []
    assert {tag for tag, _ in read.elements} <= {tag for tag, _ in tame.elements}
    assert [tag for tag, _ in read.elements if tag in {"script", "style", "img"}] == ["style", "script"]
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src", "srcset"}]
        assert attributes.get("href", "#")[:1] in {"#", "d"}  # type: ignore[index]
    assert "49" not in table(page(hostile(words)), "traits")[1][1]


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800", "\u2028", "\x85"])
def test_what_is_no_letter_is_not_shown(letter: str) -> None:
    html = page(hostile(f"a{letter}b"), title=f"a{letter}b", source=letter)
    assert letter not in html.replace("\n", "")
    assert f"a{json.dumps(letter)[1:-1]}b" in html
    assert html.encode()


@pytest.mark.parametrize("letter", ["x", "日"])
def test_long_names_are_cut_and_can_still_be_read_on_demand(letter: str) -> None:
    name = letter * 5000
    html = page(hostile(name), source=name)
    shown = re.findall(r"<code[^>]*>([^<]*)</code>", html)
    assert max(map(len, map(unescape, shown))) <= LONGEST
    assert f"{letter * 500}" in html
    assert max(map(len, re.findall(rf"{letter}+", html))) <= LONGEST_TITLE
    labels = re.findall(r"<text[^>]*>([^<]*)", html)
    assert max(map(len, map(unescape, labels))) <= 40


def test_names_from_right_to_left_keep_to_themselves() -> None:
    name = "שלום"
    assert f'<code dir="auto">{name}</code>' in page(summary_of(), source=name)


def test_the_same_summary_gives_the_same_page() -> None:
    assert page(examples(), PROBLEMS) == page(examples(), PROBLEMS)


def test_the_page_loads_nothing_and_allows_its_own_script_and_style_alone() -> None:
    html = page(many(30), PROBLEMS)
    assert "http://" not in html
    assert "https://" not in html
    assert re.findall(r"<(?:script|style)[^>]*>", html) == ["<style>", "<script>"]
    assert not re.findall(r"\s(?:style|on\w+)=", html)
    (policy,) = [
        attributes["content"]
        for tag, attributes in Reader(html).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == CONTENT_SECURITY_POLICY
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for text in re.findall(r"<(?:script|style)>(.*?)</", html, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_the_policy_comes_before_all_that_it_is_about() -> None:
    html = page(Profile())
    assert html.index("Content-Security-Policy") < min(
        html.index("<style>"), html.index("<link"), html.index("<title>")
    )


def test_headings_skip_no_level_ids_are_unique_and_columns_have_a_scope() -> None:
    read = Reader(page(examples(), PROBLEMS))
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = " ".join(str(attributes.get("aria-labelledby", "")) for _, attributes in read.elements).split()
    assert set(named) <= set(ids)
    assert {attributes["scope"] for tag, attributes in read.elements if tag == "th"} == {"col", "row"}
    assert read.elements[1] == ("head", {})
    assert read.elements[0] == ("html", {"lang": "en"})


def test_a_full_summary_makes_a_page_that_can_be_opened() -> None:
    summary = many(MOST_KINDS + 900)
    html = page(summary)
    assert len(table(html, "traits")) == 1 + len(summary.traits) >= MOST_KINDS
    assert len(html.encode()) < 2_000_000
    assert html.count("<rect") < 1000


# --- with a tenant ----------------------------------------------------------------------------------------------------

TENANT = Tenant.from_describe(ANSWER)
GOLD = option_id("Plans", "Gold")


def of_a_tenant(*events: Any) -> str:
    return page(Profile.of(events, SIXTY_FIELDS, tenant=TENANT))


def test_with_a_tenant_each_field_has_its_type_and_each_id_its_label() -> None:
    html = of_a_tenant(identify(plan=GOLD, score=1.234))
    _, *rows = table(html, "traits")
    told = {row[1]: (row[4], row[6]) for row in rows}
    assert told["traits.plan"] == ("1× Person.Plan__gc PICKLIST, personMap", f'"{GOLD}" is Gold')
    assert told["traits.score"] == ("1× Person.Score__gc NUMBER, personMap 1× Score__gc keeps 2 decimals", "1.234")


def test_with_a_tenant_the_page_counts_what_that_refuses_and_tells_what_lacks() -> None:
    html = of_a_tenant(identify(plan="Silver"), identify(plan="Gold"), group(), group())
    assert (counts(html)["refused by the tenant"], counts(html)["perhaps refused"]) == ("1", "2")
    assert table(html, "lacks")[1:] == [["2", "group", "Company.Region__gc", "3, 4"]]
    assert "1× refused: Plan__gc has no such option" in text_of(section(html, "traits"))


def test_without_a_tenant_the_page_says_nothing_of_one() -> None:
    html = page(Profile.of([identify(plan=GOLD)], SIXTY_FIELDS))
    assert "refused by the tenant" not in html
    assert 'id="lacks"' not in html


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_of_a_tenant_do_nothing(words: str) -> None:
    plan = TenantField("Plan__gc", type="PICKLIST", options=(Option(words, "1I00A"),))
    fields = [TenantField("Email", type=words), plan, TenantField(words, type="STRING", is_required=True)]
    tenant = Tenant([TenantObject("Person", fields=fields)])
    reader = Reader(page(Profile.of([identify(plan="1I00A")], SIXTY_FIELDS, tenant=tenant)))
    tags = [tag for tag, _ in reader.elements]
    assert (reader.open, tags.count("script"), {"img", "iframe"}.intersection(tags)) == ([], 1, set())
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)
