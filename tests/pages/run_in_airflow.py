"""An Airflow for docs/how-to/run-in-airflow.md, and a day that it delivers with a wrong key and with the right one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.pages import Page
from tests.some import track

Work = Callable[..., Any]


class Connection:
    """The tenant, as it is in Airflow's connections."""

    host, password = "acme.gainsightcloud.com", "key"
    extra_dejson = {  # noqa: RUF012 - so it is called, and a dict, in Airflow
        "sharedSecret": "secret",
        "tenantId": "tenant",
        "topicName": "Support Tickets",
        "eventNameMap": {"Ticket Closure": "ticket_closed"},
        "eventVersionMap": {"Ticket Closure": "1.0.0"},
    }

    @classmethod
    def get(cls, name: str) -> Connection:
        assert name == "gainsight"
        return cls()


class AirflowFailException(Exception):  # noqa: N818 - so it is called in Airflow
    """Fails a task that is not to be tried again."""


def task(**_: Any) -> Callable[[Work], Work]:
    """The work, as it is."""
    return lambda work: work


def dag(**_: Any) -> Callable[[Work], Callable[[], None]]:
    """What makes a graph of the tasks, and runs none."""
    return lambda _: lambda: None


def airflow() -> dict[str, ModuleType]:
    """The modules that the page imports of it."""
    modules = {name: ModuleType(name) for name in ("airflow", "airflow.sdk", "airflow.sdk.exceptions")}
    modules["airflow.sdk"].__dict__.update(Connection=Connection, dag=dag, task=task)
    modules["airflow.sdk.exceptions"].__dict__.update(AirflowFailException=AirflowFailException)
    return modules


def around(page: Page) -> Iterator[None]:
    for name, module in airflow().items():
        page.monkeypatch.setitem(sys.modules, name, module)
    yield
    a_day_that_was_cut_off_goes_on(page)


def a_day_that_was_cut_off_goes_on(page: Page) -> None:
    closures = [track(n=n) for n in range(6)]
    lines = [*map(json.dumps, closures), "{", json.dumps({"type": "page"})]
    (page.folder / "2026-03-02.ndjson").write_text("\n".join(lines) + "\n", "utf8")
    config = {**Connection.extra_dejson, "domain": Connection.host, "accessKey": Connection.password}
    sandbox = Sandbox(DestinationConfig.from_rudderstack(config), faults=[PlannedFault("401", calls=(3,))])
    page.namespace.update(FOLDER=page.folder, deliver_file=partial(page.deliver_file, session=sandbox.session()))

    with pytest.raises(AirflowFailException, match="access key"):
        page.deliver_day(ds="2026-03-02")
    assert 0 < len(sandbox.events) < 6, "the first attempt was cut off"

    report = page.deliver_day(ds="2026-03-02")
    assert report["counts"] == {"delivered": 6, "failed": 1, "skipped": 1}
    assert json.loads(json.dumps(report)) == report, "it can be an XCom"
    assert sorted(event["properties"]["n"] for event in sandbox.events) == [0, 1, 2, 3, 4, 5], "none was sent twice"
    (letter,) = map(json.loads, (page.folder / "2026-03-02.failed.ndjson").read_text("utf8").splitlines())
    assert (letter["message"], letter["number"], letter["error"]["message"]) == (
        "{",
        7,
        "not JSON at column 2: Expecting property name enclosed in double quotes",
    )
