"""What docs/how-to/run-in-beam.md has made of the example events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.pages import Page


def around(page: Page) -> Iterator[None]:
    yield
    outcomes, failures = told(page, "outcomes"), told(page, "failures")
    statuses = Counter(each["status"] for each in outcomes)
    assert statuses == {"delivered": 49, "failed": 24, "skipped": 5}
    assert len(failures) == 24
    assert page.counters["calls"] == sum(page.sandbox.counts.values()) == sum(each["calls"] for each in outcomes)
    assert page.counters["events"] == len(outcomes)

    assert {*outcomes[0]} == {"message_id", "type", "status", "attempts", "calls", "gsid", "reason", "error"}
    assert any(each["status"] == "delivered" and each["attempts"] == each["calls"] == 1 for each in outcomes)
    assert {*failures[0]} == {"message", "error"}
    assert {*failures[0]["error"]} == {"kind", "path", "message", "status", "code", "request_id", "attempts"}


def told(page: Page, name: str) -> list[Any]:
    """What came out of the transform by this name."""
    files = Path(page.out).glob(f"{name}*")
    return [json.loads(line) for file in files for line in file.read_text("utf8").splitlines()]
