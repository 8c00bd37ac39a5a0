"""What the commands that read events show on a terminal."""

from __future__ import annotations

import re

import pytest

from tests.cli.process import CONFIG, EVENTS
from tests.cli.terminal import SHOW_CURSOR, plain, run_on_a_terminal


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (["explain", EVENTS, "--summary", "--config", CONFIG], "all +78 +5 +22"),
        (["lint", "--events", EVENTS, "--config", CONFIG], "with 78 events, 1 of which cannot be read"),
        (["plan", EVENTS, "--config", CONFIG], "an hour +22 +13 +43 "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_terminal_shows_a_bar_until_the_events_are_read(command: list[object], last: str) -> None:
    during, after = (plain(part) for part in run_on_a_terminal(*command).stdout.decode().rsplit(SHOW_CURSOR, 1))
    assert re.search(r" 78 events [\d,]+ events/s", during)
    assert re.search(last, re.sub(r"\s+", " ", after)), after
    assert "events/s" not in after
