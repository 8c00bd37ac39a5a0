"""The page, as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from gainsight_dest.gainsight import EVENTS_PATH, PEOPLE_PATH, insert_path
from gainsight_dest.sandbox import Content, PlannedFault, Sandbox
from gainsight_dest.sandbox.page import CONTENT_SECURITY_POLICY, MOST_ROWS, page
from tests.markup import counts, table

HOST = "https://acme.co"
KEYS = {"Accesskey": "my-access-key"}
EVENT = {"SharedSecret": "my-secret", "TenantId": "t", "TopicName": "t", "EventName": "closed", "EventVersion": "1.0"}


def put(sandbox: Sandbox, person: dict[str, Any]) -> None:
    sandbox.receive("PUT", HOST + PEOPLE_PATH, KEYS, person)


def create(sandbox: Sandbox, *companies: dict[str, Any]) -> list[str]:
    """The companies' Gsids."""
    sandbox.receive("POST", HOST + insert_path("Company"), KEYS, {"records": [*companies]})
    return [company["Gsid"] for company in sandbox.companies[-len(companies) :]]


def test_an_empty_sandbox_says_so() -> None:
    html = page(Sandbox())
    for empty in ("No people yet", "No companies yet", "No events yet", "No calls yet"):
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
        ["Email", "Name", "Companies", "Other fields"],
        ["bob@example.com", "", "Acme 日本商事", 'Comments "" EmailOptOut false'],
        ["ada@example.com", "Ada", "Acme", ""],
    ]
    assert table(html, "companies")[1:] == [["日本商事", other, "1", ""], ["Acme", acme, "2", "Arr 1200"]]
    assert counts(html) | {"people": "2", "companies": "2", "links": "3", "calls": "3"} == counts(html)


def test_events_are_shown_with_their_properties_as_json() -> None:
    sandbox = Sandbox()
    for headers in (EVENT, {**EVENT, "ContractId": "c-1"}):
        sandbox.receive("POST", HOST + EVENTS_PATH, headers, {"name": "Zoë", "tags": [1, None]})
    properties = '{"name": "Zoë", "tags": [1, null]}'
    assert table(page(sandbox), "events")[1:] == [
        ["closed", "1.0", "c-1", properties],
        ["closed", "1.0", "", properties],
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
    header, *rows = table(html, "calls")
    assert header == ["Number", "Time (UTC)", "Asked for", "Status", "Code", "Planned fault", "Request id"]
    assert [row[:-1] for row in rows] == [
        ["4", "2027-01-15 08:00:00", "GET /nowhere", "429", "GU_2400", ""],
        ["3", "2027-01-15 08:00:00", "upsert person", "429", "GU_2400", ""],
        ["2", "2027-01-15 08:00:00", "upsert person", "500", "GU_1101", "500"],
        ["1", "2027-01-15 08:00:00", "upsert person", "dropped", "", "dropped-after"],
    ]
    assert [row[-1] for row in rows] == [call.request_id for call in reversed(sandbox.calls)]
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
    assert len(table(html, "calls")) == 1 + MOST_ROWS
    assert "… and 7 more" in html


def test_no_name_becomes_html() -> None:
    evil = "<script>alert(1)</script>\"'&"
    sandbox = Sandbox()
    (gsid,) = create(sandbox, {"Name": evil, "Summary": evil, f"{evil}__gc": evil})
    put(sandbox, {"Email": "ada@example.com", "Name": evil, "companies": [{"Company_ID": gsid}], f"{evil}__gc": [evil]})
    headers = {**EVENT, "EventName": evil, "EventVersion": evil, "ContractId": evil}
    sandbox.receive("POST", HOST + EVENTS_PATH, headers, {evil: evil})
    sandbox.receive(f"<b>{evil}", f"https://acme.co/{evil}", {}, None)
    html = page(sandbox)
    assert [len(table(html, name)) for name in ("people", "companies", "events", "calls")] == [2, 2, 2, 5]
    assert "alert(1)" in html
    assert "<b>" not in html
    assert "<script>alert" not in html


def test_no_key_is_shown() -> None:
    sandbox = Sandbox()
    put(sandbox, {"Email": "ada@example.com"})
    sandbox.receive("POST", HOST + EVENTS_PATH, EVENT, {})
    assert "my-" not in page(sandbox) + json.dumps(sandbox.as_data())


def test_the_page_loads_nothing_and_its_policy_allows_its_own_script_and_style_alone() -> None:
    html = page(Sandbox())
    assert "http://" not in html
    assert "https://" not in html
    assert re.findall(r"<(?:script|style)[^>]*>", html) == ["<style>", "<script>"]
    assert not re.findall(r"\s(?:style|on\w+)=", html)
    assert len(re.findall(r"'sha256-[\w+/]{43}='", CONTENT_SECURITY_POLICY)) == 2
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_what_the_policy_allows_is_what_the_page_holds() -> None:
    html = page(Sandbox())
    for text in re.findall(r"<(?:script|style)>(.*?)</", html, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in CONTENT_SECURITY_POLICY
