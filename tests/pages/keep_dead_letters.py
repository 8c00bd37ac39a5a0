"""The commands of docs/how-to/keep-dead-letters.md, sent to a sandbox; and what its Python has kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.pages import Page
from tests.pages.shell import pasted

LINES = (
    '{"type": "identify", "traits": {"name": "Ada"}}',
    "{",
    '{"type": "page"}',
    '{"type": "identify", "traits": {"email": "ada@example.com"}}',
)
LETTER = {
    "message": {"type": "identify", "traits": {"name": "Ada"}},
    "number": 1,
    "error": {
        "kind": "EventError",
        "path": "traits.email",
        "message": "traits.email: a non-blank string is needed for identify, got null",
        "status": None,
        "code": None,
        "request_id": None,
        "attempts": 0,
    },
}


def around(page: Page) -> Iterator[None]:
    yield
    assert len(page.letters) == 1
    config = (page.folder / "examples" / "destination.json").read_text("utf8")
    (page.folder / "destination.json").write_text(config, "utf8")
    with Server(Sandbox(DestinationConfig.from_rudderstack(json.loads(config)))) as server:
        what_failed_is_mended_and_sent_again(page, server.url)


def what_failed_is_mended_and_sent_again(page: Page, url: str) -> None:
    deliver, again = re.findall(r"^gainsight-dest deliver .* --errors .*$", page.text, re.MULTILINE)
    failed, still = page.folder / "failed.ndjson", page.folder / "still.ndjson"
    write(page.folder / "events.ndjson", *LINES)
    assert pasted(f"{deliver} --base-url {url}", page.folder).returncode == 1

    letters = read(failed)
    assert [letter["number"] for letter in letters] == [1, 2]
    assert letters[0] == LETTER
    assert letters[1]["message"] == "{"
    assert {**letters[0], "number": 7} == json.loads(shown(page)), "the page shows it"

    letters[0]["message"]["traits"]["email"] = "ada@example.com"
    letters[1]["message"] = '{"type": "identify", "traits": {"email": "grace@example.com"}}'
    write(failed, *map(json.dumps, letters))
    assert pasted(f"{again} --base-url {url}", page.folder).returncode == 0
    assert still.read_text("utf8") == ""


def shown(page: Page) -> str:
    """The dead letter on the page."""
    (letter,) = re.findall(r"^```json\n(.*)\n```$", page.text, re.MULTILINE)
    return str(letter)


def write(file: Path, *lines: str) -> None:
    file.write_text("\n".join(lines), "utf8")


def read(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf8").splitlines()]
