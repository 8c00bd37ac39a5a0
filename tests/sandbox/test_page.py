"""The page, as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from gainsight_dest.gainsight import EVENTS_PATH, PEOPLE_PATH, delete_path, insert_path
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from gainsight_dest.sandbox.form import EventForm, FormProblem
from gainsight_dest.sandbox.model import MOST_LINKS, MOST_ROWS, MOST_SHOWN, Asked
from gainsight_dest.sandbox.page import CONTENT_SECURITY_POLICY, page
from gainsight_dest.sandbox.workbench import TriedForm, Workbench
from tests.markup import counts, section, table, text_of
from tests.some import ADA, CONFIG, SECRETS, group, identify, track

HOST = "https://acme.co"
KEYS = {"Accesskey": "my-access-key"}
EVENT = {"SharedSecret": "my-secret", "TenantId": "t", "TopicName": "t", "EventName": "closed", "EventVersion": "1.0"}


def put(sandbox: Sandbox, person: dict[str, Any]) -> None:
    sandbox.receive("PUT", HOST + PEOPLE_PATH, KEYS, person)


def create(sandbox: Sandbox, *companies: dict[str, Any]) -> list[str]:
    """The companies' Gsids."""
    sandbox.receive("POST", HOST + insert_path("Company"), KEYS, {"records": [*companies]})
    return [company["Gsid"] for company in sandbox.companies[-len(companies) :]]


def listed(html: str, name: str) -> list[str]:
    """The rows of a list, each as the text of its heading."""
    return [text_of(row) for row in re.findall(r"<summary>(.*?)</summary>", section(html, name), re.DOTALL)]


def opened(html: str, place: str) -> str:
    """What stands in a row of a list."""
    return html.split(f'<details id="{place}">')[1].split("</details>", maxsplit=1)[0].split("</summary>")[1]


def links(html: str) -> list[str]:
    return re.findall(r'<a href="([^"]*)"', html)


def sent(bench: Workbench, *events: Any) -> TriedForm:
    done = bench.send(EventForm.of(bench.config, "\n".join(map(json.dumps, events))))
    assert isinstance(done, TriedForm)
    return done


def test_an_empty_sandbox_says_so() -> None:
    html = page(Sandbox())
    for empty in ("No people yet", "No companies yet", "No events yet", "None yet: try one above", "No calls yet"):
        assert empty in html
    assert "<table>" not in html
    nothing = dict.fromkeys(("people", "companies", "links", "events", "calls", "throttled"), "0")
    assert counts(html) == nothing | {"calls in this minute": "0 of 100"}


def test_people_and_companies_are_shown_with_their_links_and_fields_newest_first() -> None:
    sandbox = Sandbox()
    acme, other = create(sandbox, {"Name": "Acme", "Arr": 1200}, {"Name": "日本商事"})
    put(sandbox, {"Email": "ada@example.com", "Name": "Ada", "companies": [{"Company_ID": acme}]})
    put(
        sandbox,
        {
            "Email": "bob@example.com",
            "Comments": "",
            "EmailOptOut": False,
            "companies": [{"Company_ID": acme}, {"Company_ID": other}],
        },
    )
    html = page(sandbox)
    assert table(html, "people") == [
        ["Email", "Name", "Companies", "Other fields", "Calls", "RudderStack events"],
        ["bob@example.com", "", "Acme , 日本商事", 'Comments "" EmailOptOut false', "3", ""],
        ["ada@example.com", "Ada", "Acme", "", "2", ""],
    ]
    assert table(html, "companies")[1:] == [
        ["日本商事", other, "1", "", "1", ""],
        ["Acme", acme, "2", "Arr 1200", "1", ""],
    ]
    assert counts(html) | {"people": "2", "companies": "2", "links": "3", "calls": "3"} == counts(html)


def test_events_are_shown_with_their_properties_as_json() -> None:
    sandbox = Sandbox()
    for headers in (EVENT, {**EVENT, "ContractId": "c-1"}):
        sandbox.receive("POST", HOST + EVENTS_PATH, headers, {"name": "Zoë", "tags": [1, None]})
    properties = "name Zoë tags [1, null]"
    assert table(page(sandbox), "sent")[1:] == [
        ["closed", "1.0", "c-1", properties, "2", ""],
        ["closed", "1.0", "", properties, "1", ""],
    ]


def test_calls_are_shown_with_what_became_of_them() -> None:
    sandbox = Sandbox(
        calls_per_minute=2,
        clock=lambda: 1_800_000_000.5,
        faults=[PlannedFault("dropped-after", calls=(1,)), PlannedFault("500", (2,))],
    )
    for name in ("ada", "bob", "eve"):
        put(sandbox, {"Email": f"{name}@example.com"})
    sandbox.receive("GET", "https://acme.co/nowhere", {}, None)
    html = page(sandbox)
    assert listed(html, "calls") == [
        "4 GET /nowhere 429 GU_2400 2027-01-15 08:00:00",
        "3 upsert person 429 GU_2400 2027-01-15 08:00:00",
        "2 upsert person 500 GU_1101 planned fault: 500 2027-01-15 08:00:00",
        "1 upsert person ada@example.com dropped planned fault: dropped-after 2027-01-15 08:00:00",
    ]
    assert "None: the connection dropped." in opened(html, "call-1")
    for call in sandbox.calls:
        assert call.request_id in opened(html, f"call-{call.number}") or call.status is None
    assert counts(html) | {"calls": "4", "calls in this minute": "2 of 2", "throttled": "2"} == counts(html)


def test_a_sandbox_without_limits_says_so() -> None:
    assert counts(page(Sandbox(calls_per_minute=None)))["calls in this minute"] == "0 no limit"


def test_the_newest_of_many_rows_are_shown_and_the_rest_is_counted() -> None:
    many = 1234 + MOST_ROWS
    people = {f"{n}@example.com": {"Email": f"{n}@example.com"} for n in range(many)}
    html = page(Sandbox(content=Content(people)))
    rows = table(html, "people")[1:]
    assert (len(rows), rows[0][0], rows[-1][0]) == (MOST_ROWS, f"{many - 1}@example.com", "1234@example.com")
    assert "… and 1,234 more" in html
    assert counts(html)["people"] == "1,434"


def test_calls_that_are_no_longer_kept_are_counted_too() -> None:
    sandbox = Sandbox(calls_per_minute=None)
    for _ in range(MOST_ROWS + 7):
        put(sandbox, {"Email": "ada@example.com"})
    html = page(sandbox)
    assert len(listed(html, "calls")) == MOST_ROWS
    assert "… and 7 more" in html


def test_no_name_becomes_html() -> None:
    evil = "<script>alert(1)</script>\"'&"
    sandbox = Sandbox()
    (gsid,) = create(sandbox, {"Name": evil, "Summary": evil, f"{evil}__gc": evil})
    put(sandbox, {"Email": "ada@example.com", "Name": evil, "companies": [{"Company_ID": gsid}], f"{evil}__gc": [evil]})
    headers = {**EVENT, "EventName": evil, "EventVersion": evil, "ContractId": evil}
    sandbox.receive("POST", HOST + EVENTS_PATH, headers, {evil: evil})
    sandbox.receive(f"<b>{evil}", f"https://acme.co/{evil}", {}, None)
    bench = Workbench(sandbox)
    event = {"type": "identify", "traits": {"email": f"{evil}@example.com", evil: {evil: evil}}}
    done = sent(bench, event, {"type": evil}, {"type": "track", "event": evil})
    refused = EventForm(f"</textarea>{evil}", dict.fromkeys(EventForm.of(None).maps, evil))
    html = page(bench, Asked(done.number, "")) + page(
        bench, Asked(None, evil), (refused, (FormProblem("events", evil),))
    )
    assert [len(table(html, name)) for name in ("people", "companies", "sent")] == [3, 2, 2]
    assert [len(listed(html, name)) for name in ("tried", "calls")] == [3, 5]
    assert "alert(1)" in html
    assert "<b>" not in html
    assert "<script>alert" not in html
    assert html.count("</textarea>") == 10


def test_no_key_is_shown() -> None:
    sandbox = Sandbox()
    put(sandbox, {"Email": "ada@example.com"})
    sandbox.receive("POST", HOST + EVENTS_PATH, EVENT, {})
    assert "my-" not in page(sandbox) + json.dumps(sandbox.as_data())


def test_no_key_of_the_config_is_shown_wherever_an_event_or_a_call_holds_it() -> None:
    bench = Workbench(Sandbox(CONFIG))
    said = " ".join(SECRETS)
    body = json.dumps({"Email": ADA, "Name": said})
    for key in (*SECRETS, "MARKED-another-key"):
        bench.sandbox.receive("PUT", f"/v1.0/api/people?key={SECRETS[0]}", {"Accesskey": key}, body)
    bench.watch([identify(name=said), track(said), {"type": said}])
    html = page(bench)
    calls = "".join(section(html, name) for name in ("people", "calls", "tried"))
    assert "***" in calls
    assert "MARKED" not in calls


def test_the_page_loads_nothing_and_its_policy_allows_its_own_script_and_style_alone() -> None:
    html = page(Sandbox())
    assert "http://" not in html
    assert "https://" not in html
    assert re.findall(r"<(?:script|style|link|img)[^>]*>", html) == [
        '<link rel="icon" href="data:,">',
        "<style>",
        "<script>",
    ]
    assert not re.findall(r"\s(?:style|on\w+)=", html)
    assert len(re.findall(r"'sha256-[\w+/]{43}='", CONTENT_SECURITY_POLICY)) == 2
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_what_the_policy_allows_is_what_the_page_holds() -> None:
    html = page(Sandbox())
    for text in re.findall(r"<(?:script|style)>(.*?)</", html, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in CONTENT_SECURITY_POLICY


# --- a call, its records, its event ----------------------------------------------------------------------------------


def test_a_call_opens_to_its_request_its_answer_and_what_changed() -> None:
    sandbox = Sandbox()
    put(sandbox, {"Email": ADA, "Plan__gc": "gold"})
    put(sandbox, {"Email": ADA, "Plan__gc": "silver", "Score__gc": 1})
    inside = opened(page(sandbox), "call-2")
    assert text_of(inside) == (
        "Request PUT /v1.0/api/people Accesskey *** "
        '{ "Email": "ada@example.com", "Plan__gc": "silver", "Score__gc": 1 } '
        f"Answer 200 OK Content-Type application/json x-gs-request-id {sandbox.calls[1].request_id} "
        '{ "result": true, "errorCode": null, "errorDesc": null, '
        f'"requestId": "{sandbox.calls[1].request_id}", "data": {{ "count": 1, "errors": null }}, "message": null }} '
        'What changed updated: ada@example.com Plan__gc "gold" → "silver" Score__gc 1'
    )


def test_one_gets_from_a_call_to_its_record_and_from_there_to_the_event_and_back() -> None:
    bench = Workbench(Sandbox(CONFIG))
    sent(bench, group(), identify())
    html = page(bench)
    assert links(opened(html, "call-2")) == ["#tried-1", "#company-0"]
    assert links(opened(html, "call-3")) == ["#tried-1", "#person-0", "#company-0"]
    assert links(opened(html, "call-4")) == ["#tried-2", "#person-0"]
    assert links(section(html, "companies")) == ["#call-2", "#tried-1"]
    assert links(section(html, "people")) == ["#company-0", "#call-4", "#call-3", "#tried-2", "#tried-1"]
    assert links(opened(html, "tried-1")) == ["#company-0", "#person-0", "#call-1", "#call-2", "#call-3"]
    ids = re.findall(r' id="([^"]*)"', html)
    assert len(ids) == len({*ids})
    assert {link[1:] for link in links(html) if link != "/"} <= {*ids}


def test_an_event_that_another_delivers_is_linked_to_what_it_is_about() -> None:
    sandbox = Sandbox(CONFIG)
    sent(Workbench(sandbox), group("Acme"), track(a=1), track(a=2))  # as another would
    bench = Workbench(sandbox)
    bench.watch([identify(), group("ACME"), track(a=2)])
    html = page(bench)
    assert links(opened(html, "tried-1")) == ["#person-0", "#call-3"]
    assert links(opened(html, "tried-2")) == ["#company-0", "#person-0", "#call-2", "#call-3"]
    assert links(opened(html, "tried-3")) == ["#event-1", "#call-5"]
    assert links(opened(html, "call-5")) == ["#tried-3", "#event-1"]
    assert links(opened(html, "call-4")) == ["#event-0"]


def test_what_is_not_shown_is_not_linked_to() -> None:
    sandbox = Sandbox()
    acme, *_ = create(sandbox, {"Name": "Acme"}, *({"Name": f"c{n}"} for n in range(4)))
    put(sandbox, {"Email": ADA, "companies": [{"Company_ID": acme}]})
    sandbox.receive("DELETE", HOST + delete_path("Company", acme), KEYS, None)
    html = page(sandbox)
    assert "created: 1P02SANDBOX000000000000" in text_of(opened(html, "call-1"))
    assert "deleted: 1P02SANDBOX000000000000" in text_of(opened(html, "call-3"))
    assert links(opened(html, "call-3")) == []
    assert listed(html, "calls")[-1].startswith("1 create company 1P02SANDBOX000000000000, c0, … and 3 more")


def test_of_many_links_some_are_shown() -> None:
    sandbox = Sandbox()
    for _ in range(MOST_LINKS + 2):
        put(sandbox, {"Email": ADA})
    assert table(page(sandbox), "people")[1][4] == "7 , 6 , 5 , 4 , 3 , … and 2 more"


def test_a_long_value_is_shown_in_part_and_odd_content_is_shown_too() -> None:
    long = "x" * 10_000
    person = {"Email": f"{long}@example.com", "Summary": long, f"{long}__gc": [long]}
    data: Any = {"people": [person], "companies": [], "events": [{"name": 7}, {"a": "b"}]}
    bench = Workbench(Sandbox(content=Content.from_data(data)))
    bench.watch([identify(f"{long}@example.com")])
    html = page(bench)
    assert max(map(len, re.findall(r"x+", section(html, "people")))) == MOST_SHOWN
    assert max(map(len, re.findall(r"x+", "".join(listed(html, "tried"))))) == 200
    assert [row[:4] for row in table(html, "sent")[1:]] == [["", "", "", ""], ["7", "", "", ""]]
    assert table(html, "people")[1][-1] == "1"


# --- the form and the filter ------------------------------------------------------------------------------------------


def test_the_result_of_a_form_is_shown_with_rows_and_calls() -> None:
    bench = Workbench(Sandbox(CONFIG))
    done = sent(bench, identify(shoe=38), {"type": "page"}, identify(None))
    html = page(bench, Asked(done.number))
    result = html.split('<section aria-labelledby="result">')[1].split('<section aria-labelledby="holds">')[0]
    shown = text_of(result)
    assert shown.startswith("Result 3 events: 1 delivered, 1 skipped, 1 failed Event 1 : identify ada@example")
    assert "traits.shoe ✗ no mapping 38" in shown
    assert "Event 2 : no event for Gainsight, skipped type:" in shown
    assert shown.count("No call was made.") == 2
    assert "PUT /v1.0/api/people" in shown
    assert (
        html.split('name="events"')[1]
        .split("</textarea>")[0]
        .endswith(json.dumps(identify(None)).replace('"', "&#34;"))
    )


def test_a_result_that_is_no_longer_kept_is_told() -> None:
    assert "The result of these events is no longer kept." in page(Sandbox(), Asked(7))


def test_a_form_that_is_wrong_comes_back_as_it_was_filled_in_with_what_is_wrong() -> None:
    form = EventForm(" \n\toops\x07", {**EventForm.of(None).maps, "companyMap": "{"})
    html = page(Sandbox(), refused=(form, (FormProblem("events", "is wrong"), FormProblem("companyMap", "too"))))
    assert 'aria-describedby="events-problem">\n \n\toops\x07</textarea>' in html
    assert 'aria-describedby="companyMap-problem">\n{</textarea>' in html
    assert "<details open>" in html
    assert "Nothing was sent" in html
    assert html.count("aria-invalid") == 2 + html.split("<body>")[0].count("aria-invalid")


def test_the_filter_leaves_what_has_all_its_words_anywhere() -> None:
    bench = Workbench(Sandbox(CONFIG))
    sent(bench, group("Acme"), group("日本商事", "bob@example.com"), track(colour="teal"))
    html = page(bench, Asked(None, "ACME"))
    assert [row[0] for row in table(html, "companies")[1:]] == ["Acme"]
    assert "None with these words" in section(html, "people")
    assert [row.split()[0] for row in listed(html, "calls")] == ["2", "1"]
    assert [row.split()[0] for row in listed(html, "tried")] == ["1"]
    assert 'value="ACME"' in html
    html = page(bench, Asked(None, "日本商事 201"))
    assert listed(html, "calls") == []
    assert [row[0] for row in table(page(bench, Asked(None, "teal")), "sent")[1:]] == ["closed"]
    assert counts(html)["companies"] == "2"


def test_the_filter_finds_among_all_and_says_how_many_more_there_are() -> None:
    people = {f"{n}@example.com": {"Email": f"{n}@example.com"} for n in range(500)}
    sandbox = Sandbox(content=Content(people))
    assert [row[0] for row in table(page(sandbox, Asked(None, "499@")), "people")[1:]] == ["499@example.com"]
    html = page(sandbox, Asked(None, "example"))
    assert len(table(html, "people")) == 1 + MOST_ROWS
    assert "… and 300 more" in html
