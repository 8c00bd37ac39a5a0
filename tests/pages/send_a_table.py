"""A sandbox for docs/how-to/send-a-table.md, that its commands deliver to; and what they print, as it is shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.process import run
from tests.examples import CONFIG
from tests.pages import Page


def around(page: Page) -> Iterator[None]:
    yield
    (command,) = re.findall(r"^\$ gainsight-dest (.*)$", page.text, re.MULTILINE)
    shown = page.text.partition(command)[2].split("```")[2].removeprefix("text\n")
    assert run(*shlex.split(command)).stdout.decode() == f"{shown}\n"
    with Server(sandbox := Sandbox(CONFIG)) as server:
        commands = re.findall(r"^gainsight-dest (deliver .*) --base-url \S+$", page.text, re.MULTILINE)
        for line in commands:
            assert run(*shlex.split(line), "--base-url", server.url).returncode == 0
    assert len(commands) == 2
    linked = [person for person in sandbox.people if person["companies"]]
    assert (len(sandbox.companies), len(sandbox.people), len(linked)) == (5, 7, 6)
    assert {company["Latest_NPS__gc"] for company in sandbox.companies if "Latest_NPS__gc" in company} == {
        "41",
        "18",
        "67",
    }
