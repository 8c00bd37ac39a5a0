"""A delivery that is asked to end, in each way, at each moment, loses nothing: a second run does the rest."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

import pytest

from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.process import CONFIG, LONGEST, ndjson, run, started, table, until
from tests.some import FREE, identify

pytestmark = [pytest.mark.process, pytest.mark.long]

INT, TERM = signal.SIGINT, signal.SIGTERM
PEOPLE = 12
#: What goes on when the end is asked for: what meets calls from the third on, or None: more events are waited for.
MOMENTS: dict[str, PlannedFault | None] = {
    "calls are under way": PlannedFault("slow", calls=tuple(range(3, 7))),
    "a wait goes on": PlannedFault("429-retry-after", calls=(3,), seconds=600),
    "standard input is waited for": None,
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("how", [[INT], [TERM], [INT, TERM]], ids=["Ctrl-C", "SIGTERM", "twice"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_however_and_whenever_it_is_asked_to_end_nothing_is_lost(
    moment: str, how: list[signal.Signals], workers: int, tmp_path: Path
) -> None:
    fault, may_answer = MOMENTS[moment], threading.Event()
    events = [identify(f"p{number}@example.com") | {"messageId": f"m-{number}"} for number in range(PEOPLE)]
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson(*events))
    sandbox = Sandbox(
        DestinationConfig.from_rudderstack(json.loads(CONFIG.read_bytes())),
        faults=[] if fault is None else [fault],
        **FREE,
    )

    with Server(sandbox, sleep=lambda _: may_answer.wait(LONGEST)) as server:
        to = ["--config", CONFIG, "--base-url", server.url, "--journal", tmp_path / "journal"]
        options = [*to, "--calls-per-minute", "0", "--no-batch", "--workers", workers]
        with started("deliver", "-" if fault is None else file, *options) as process:
            assert process.stdin is not None
            if fault is None:
                process.stdin.write(ndjson(*events[:2]))
                process.stdin.flush()
            until(lambda: len(sandbox.calls) > 2 or (fault is None and len(sandbox.people) == 2))
            for each in how:
                process.send_signal(each)
            threading.Timer(0.3, may_answer.set).start()
            assert process.wait(LONGEST) in {128 + each for each in how}  # the first may end it before the second comes
            may_answer.set()

        assert {person["Email"] for person in sandbox.people} <= {event["traits"]["email"] for event in events}
        delivered = len(sandbox.people)
        assert delivered >= 2
        again = run("deliver", file, *options)

    assert again.returncode == 0
    assert sorted(person["Email"] for person in sandbox.people) == sorted(event["traits"]["email"] for event in events)
    assert table(again)["all"]["delivered"] == PEOPLE
    # A call that was under way when all ended at once is made again, and no other is.
    assert table(again)["all"]["calls"] <= PEOPLE - delivered + (workers if len(how) > 1 else 0)
