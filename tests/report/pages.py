"""Summaries and findings for the tests of the page, and what is read out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from gainsight_dest import DestinationConfig, Finding, Severity
from gainsight_dest.explain import explain
from gainsight_dest.summary import Summary

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIG = DestinationConfig.from_rudderstack(json.loads((EXAMPLES / "destination.json").read_bytes()))


PROBLEMS = [
    Finding("two-fields", Severity.WARNING, "personMap.timezone", "also feeds Timezone", "Keep one."),
    Finding("no-version", Severity.ERROR, "eventVersionMap", 'has no row for "SLA Breached"', "Add a row."),
]


def lines() -> Iterator[tuple[int, Any]]:
    """The example events by number; None for a line that is not JSON."""
    for number, line in enumerate((EXAMPLES / "events.ndjson").read_bytes().splitlines(), 1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        yield number, event["message"] if isinstance(event, dict) and "message" in event else event


def examples(*, mask: bool = False) -> Summary:
    summary = Summary(mask=mask)
    for number, event in lines():
        if event is None:
            summary.fail("NotJSON", "not JSON", number)
        else:
            summary.add(explain(event, CONFIG), number)
    return summary


def summary_of(*events: Any, config: Any = CONFIG) -> Summary:
    summary = Summary()
    for event in events:
        summary.add(explain(event, config))
    return summary


def many(traits: int) -> Summary:
    """A summary of so many traits, each third of which is lost."""
    summary = Summary()
    for n in range(traits // 3):
        kind = ("identify", "group", "track")[n % 3]
        place = "properties" if kind == "track" else "traits"
        values = {f"trait_{n:04}": n, f"other_{n:04}": str(n), f"third_{n:04}": None}
        context = {"traits": {"email": "ada@example.com"}}
        event = {"type": kind, "event": "Ticket Opened", "context": context}
        summary.add(explain({**event, place: {"name": "Acme", **values}}, CONFIG))
    return summary


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(html: str, name: str) -> str:
    return html.split(f'<section aria-labelledby="{name}">')[1].split("</section>", maxsplit=1)[0]


def table(html: str, name: str) -> list[list[str]]:
    """The rows of a table, its header first, each as the texts of its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", section(html, name), re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def counts(html: str) -> dict[str, str]:
    part = html.split('<dl class="counts">')[1].split("</dl>", maxsplit=1)[0]
    return {text_of(name): text_of(count) for name, count in re.findall(r"<dt>(.*?)</dt>(<dd.*?</dd>)", part)}
