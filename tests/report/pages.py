"""Summaries and findings for the tests of the page."""

from __future__ import annotations

from typing import Any

from gainsight_dest import Finding, Severity
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.profile import Profile
from gainsight_dest.tenant import Tenant
from tests.examples import CONFIG, LINES, parsed
from tests.some import ADA, group, identify
from tests.tenant_of_60_fields import ANSWER, option_id
from tests.tenant_of_60_fields import CONFIG as SIXTY_FIELDS

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    "</script></style></title><img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
    "&lt;b&gt;&#0;",
)
PROBLEMS = [
    Finding("two-fields", Severity.WARNING, "personMap.timezone", "also feeds Timezone", "Keep one."),
    Finding("no-version", Severity.ERROR, "eventVersionMap", 'has no row for "SLA Breached"', "Add a row."),
]


def examples(*, mask: bool = False) -> Profile:
    summary = Profile(mask=mask)
    for number, event in enumerate(map(parsed, LINES), 1):
        if event is None:
            summary.fail("NotJSON", "not JSON", number)
        else:
            summary.add(explain(event, CONFIG), number)
    return summary


def summary_of(*events: Any, config: Any = CONFIG) -> Profile:
    summary = Profile()
    for event in events:
        summary.add(explain(event, config))
    return summary


def of_a_tenant() -> Profile:
    """A summary of events of which a tenant of 60 fields refuses some, and lacks others."""
    events = [
        identify(plan=option_id("Plans", "Gold"), interests=["Billing"], score=1.234),
        identify(plan="Silver", birthday="31.1.2026", code="abcdef"),
        group(stage="Won", industryNew="x"),
    ]
    return Profile.of(events, SIXTY_FIELDS, tenant=Tenant.from_describe(ANSWER))


def many(traits: int) -> Profile:
    """A summary of so many traits, each third of which is lost."""
    summary = Profile()
    for n in range(traits // 3):
        kind = ("identify", "group", "track")[n % 3]
        place = "properties" if kind == "track" else "traits"
        values = {f"trait_{n:04}": n, f"other_{n:04}": str(n), f"third_{n:04}": None}
        event = {"type": kind, "event": "Ticket Opened", "context": {"traits": {"email": ADA}}}
        summary.add(explain({**event, place: {"name": "Acme", **values}}, CONFIG))
    return summary


def hostile(words: str) -> Profile:
    """A summary with the words wherever an event can have any."""
    email = {"email": f"{words}@example.com"}
    summary = summary_of(
        {"type": "identify", "traits": {**email, words: words, "plan": {words: words}}},
        {"type": "group", "traits": {"name": words, words: {words: 1}}, "context": {"traits": email}},
        {"type": "track", "event": "Ticket Opened", "properties": {words: [words]}},
        {"type": "track", "event": words, "properties": {words: words}},
        {"type": words},
        {"type": "identify", "traits": {words: 1}},
    )
    summary.fail(words, words)
    summary.skip(words)
    return summary
