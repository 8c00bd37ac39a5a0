"""RudderStack's SDKs send typical events to a receiver on loopback: each arrives in the sandbox, with its values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.needs import need
from tests.sdks.arriving import arrived, events_in
from tests.sdks.receiver import receiving
from tests.sdks.typical import CALLS, CONFIG, STATUSES, content

HERE = Path(__file__).parent


@attrs.frozen
class Sdk:
    """A program that has an SDK send calls, what it needs, and how that SDK writes the moment of the typical events."""

    program: tuple[str, ...]
    needs: tuple[str, ...]
    moment: str


SDKS = {
    "python": Sdk((sys.executable, str(HERE / "send.py")), ("sdk-python",), "2026-03-01T08:30:00+00:00"),
    "node": Sdk(("node", str(HERE / "send.js")), ("node", "sdk-node"), "2026-03-01T08:30:00.000Z"),
}


def moment(value: Any) -> Any:
    assert isinstance(value, datetime)
    return {"moment": value.isoformat()}


def sent(sdk: Sdk, folder: Path) -> list[bytes]:
    """The bodies of the requests in which the SDK sends the typical events."""
    calls = [(method, {**given, "messageId": f"m-{index}"}) for index, (method, given, _) in enumerate(CALLS)]
    with receiving() as receiver:
        done = subprocess.run(
            [*sdk.program, receiver.url],
            input=json.dumps(calls, default=moment),
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            cwd=folder,  # one of them reads settings from where it is started
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return receiver.bodies


def message_id(event: dict[str, Any]) -> str:
    return str(event["messageId"])


@pytest.mark.process
@pytest.mark.parametrize("name", SDKS)
def test_each_typical_event_that_an_sdk_sends_arrives_in_the_sandbox_with_its_values(name: str, tmp_path: Path) -> None:
    sdk = SDKS[name]
    need(*sdk.needs)
    events = sorted(events_in(sent(sdk, tmp_path)), key=message_id)  # one request may overtake another
    assert [*map(message_id, events)] == [f"m-{index}" for index in range(len(CALLS))]
    assert arrived(events, CONFIG) == (STATUSES, content(sdk.moment))
