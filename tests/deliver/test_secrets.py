"""With everything told that can be told, no key and no person shows."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest

from gainsight_dest.deliver import Journal
from gainsight_dest.sandbox import FAULTS, PlannedFault
from gainsight_dest.sandbox.server import Server
from tests.deliver.runs import KINDS, deliverer_to, tenant
from tests.some import group, identify, track

MARKED = "marked.person@example.com"
EVENTS = [
    identify(MARKED, firstName="MARKED-name"),
    identify("MARKED-no-address", emailOptOut=MARKED),
    group("MARKED-company", MARKED),
    group("A", MARKED, renewalDate=MARKED),
    track(email=MARKED),
    {**track(), "properties": MARKED},
    identify({"email": MARKED}),
]


@pytest.mark.again
@pytest.mark.parametrize("batch", [None, 500])
@pytest.mark.parametrize("fault", [None, *FAULTS])
@KINDS
def test_neither_logs_nor_outcomes_nor_errors_nor_the_journal_show_a_key_or_a_person(
    kind: str,
    fault: str | None,
    batch: int | None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    faults = [] if fault is None else [PlannedFault(fault, calls=(1, 4), seconds=0.01)]
    sandbox = tenant(faults=faults)
    with (
        caplog.at_level(logging.DEBUG),
        Server(sandbox) as server,
        deliverer_to(None, kind, base_url=server.url, workers=2) as deliverer,
        Journal(tmp_path / "run.db", deliverer.target) as journal,
    ):
        outcomes = list(deliverer.run(EVENTS, journal, batch=batch))
        told = [repr(deliverer), repr(journal), repr(sandbox), caplog.text, *capfd.readouterr()]
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    errors = [outcome.error for outcome in outcomes if outcome.error]
    told += [repr(outcomes), *map(str, errors), *("".join(traceback.format_exception(error)) for error in errors)]
    assert len(errors) >= 3, "some are told of"
    assert caplog.records
    assert "marked" not in "\n".join(told).lower()
    assert b"marked" not in written.lower()
