"""What the commands that read events show on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gainsight_dest.cli.show import STYLES
from gainsight_dest.fields import Fate
from tests.cli.process import CONFIG, EVENTS, ndjson, run
from tests.cli.terminal import SHOW_CURSOR, on_a_terminal, plain, run_on_a_terminal
from tests.some import identify


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


# --- explain ----------------------------------------------------------------------------------------------------------

#: What a terminal with 16 colours is sent for what becomes of a value.
SENT, BLANK, LOST, REFUSED, FAULT = (f"\x1b[{code}m" for code in ("32", "90", "33", "31", "1;31"))


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    refused = identify(emailOptOut="yes")
    path.write_bytes(
        ndjson(
            identify(plan="gold", shoe=38) | {"messageId": "m-1"},
            identify(location=""),
            identify("", plan="gold"),
            refused,
            {"type": "page"},
        )
    )
    return path


def test_a_terminal_shows_in_colours_what_becomes_of_a_value(messy: Path) -> None:
    shown = run_on_a_terminal("explain", messy, "--config", CONFIG).stdout.decode().replace("\r\n", "\n")
    assert "\x1b[1m1. m-1 identify\x1b[0m\n" in shown
    assert f'{SENT}  traits.plan   →  Person.Plan__gc  "gold"  (personMap)\x1b[0m\n' in shown
    assert f"{LOST}  traits.shoe   ✗  no mapping       38\x1b[0m\n" in shown
    assert f'{BLANK}  traits.location  ✗  blank (Person.Location)  ""\x1b[0m\n' in shown
    assert f"{FAULT}  error: traits.email: a non-blank string is needed" in shown
    assert f"{REFUSED}  traits.emailOptOut  →  Person.EmailOptOut" in shown
    assert f"{BLANK}5. skipped: " in shown


def test_each_fate_has_a_colour_of_its_own() -> None:
    assert [*STYLES] == [*Fate]
    assert len({*STYLES.values()}) == len(STYLES)


def test_the_summary_has_the_same_colours(messy: Path) -> None:
    shown = run_on_a_terminal("explain", messy, "--config", CONFIG, "--summary").stdout.decode()
    assert f"{SENT}Person.FirstName" not in shown
    assert f"{SENT}Person.Plan__gc" in shown
    assert f"{LOST}✗ no mapping" in shown
    assert f"{REFUSED}Person.EmailOptOut" in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colours_gets_none(variable: dict[str, str], messy: Path) -> None:
    shown = run_on_a_terminal("explain", messy, "--config", CONFIG, env=variable).stdout.decode()
    told = plain(shown)
    assert '  traits.plan   →  Person.Plan__gc  "gold"  (personMap)\n' in told
    assert SENT not in shown


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("more", [(), ("--summary",)])
def test_where_only_standard_output_is_a_terminal_it_has_colours_too(more: tuple[str, ...], messy: Path) -> None:
    done = on_a_terminal("explain", messy, "--config", CONFIG, *more, at=("stdout",))
    assert SENT.encode() in done.stdout


@pytest.mark.parametrize("more", [(), ("--format", "json"), ("--summary",), ("--lost",)])
def test_a_pipe_gets_no_colours(more: tuple[str, ...], messy: Path) -> None:
    done = run("explain", messy, "--config", CONFIG, *more)
    assert b"\x1b" not in done.stdout + done.stderr


def test_json_has_no_colours_at_a_terminal_either(messy: Path) -> None:
    shown = run_on_a_terminal("explain", messy, "--config", CONFIG, "--format", "json").stdout.decode()
    assert '{"number":1,"message_id":"m-1",' in plain(shown)
    assert SENT not in shown
