"""Summaries and findings for the tests of the page."""

from __future__ import annotations

from typing import Any

from gainsight_dest import Finding, Severity
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.profile import Profile
from tests.examples import CONFIG, LINES, parsed
from tests.some import ADA

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
