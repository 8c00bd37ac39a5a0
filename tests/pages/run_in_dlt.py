"""A sandbox for docs/how-to/run-in-dlt.md, and what is in it when the page is through."""

from __future__ import annotations

from collections.abc import Iterator

from dlt.common import logger

import gainsight_dest.dlt as room
from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.pages import Page

#: Any name is an attribute of this module, also `__path__`, and coverage asks how long that is.
vars(logger)["__path__"] = []


def around(page: Page) -> Iterator[None]:
    config = DestinationConfig(domain="acme.example.invalid", access_key="…", company_map={"plan": "Plan__gc"})
    sandbox = Sandbox(config)
    with Server(sandbox) as server:
        page.monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        page.monkeypatch.setenv("DLT_DATA_DIR", str(page.folder / "dlt"))
        page.monkeypatch.setenv("DESTINATION__GAINSIGHT__BASE_URL", server.url)
        page.monkeypatch.setattr(room, "_BUDGETS", {})
        page.monkeypatch.chdir(page.folder)
        page.namespace["__name__"] = "__main__"  # dlt looks at the module of a function, as in a script
        yield
    assert [(company["Name"], company["Plan__gc"]) for company in sandbox.companies] == [
        ("Acme", "gold"),
        ("Globex", "free"),
    ]
    assert len(sandbox.people) == 2
    assert [*(page.folder / "failed").iterdir()] == []
