"""How a sandbox answers: envelopes, refusals, and what a fault makes of an answer."""

from __future__ import annotations

import json
from typing import Any

import attrs

from gainsight_dest.fields import Record
from gainsight_dest.gainsight import Response
from gainsight_dest.sandbox.faults import Fault

_SLOW = 60.0
_RETRY_AFTER = 7.0


@attrs.frozen
class Answer:
    """What comes back: a response, or None for a connection that drops, after so many seconds."""

    response: Response | None
    seconds: float = 0.0


class RefusedError(Exception):
    """The call is answered with an error envelope."""

    def __init__(self, status: int, code: str, text: str, data: Any = None) -> None:
        super().__init__(status, code, text, data)
        self.status, self.code, self.text, self.data = status, code, text, data


def saved(companies: list[Record]) -> Record:
    """The data of a write of companies."""
    return {"count": len(companies), "errors": None, "records": [dict(company) for company in companies]}


def envelope_of(request_id: str, code: str | None = None, text: str | None = None, data: Any = None) -> Record:
    """The envelope around an answer; one with an error code is a failure."""
    return {
        "result": code is None,
        "errorCode": code,
        "errorDesc": text,
        "requestId": request_id,
        "data": data,
        "message": None,
    }


# --- faults -----------------------------------------------------------------------------------------------------------


_TOO_MANY = (429, "GU_2400", "Too many calls")
_BROKEN = "GU_1101", "Something went wrong"
#: What stands in for a call that is not carried out: status, code, text.
_UNDONE: dict[str, tuple[int, str, str]] = {
    "429": _TOO_MANY,
    "429-retry-after": _TOO_MANY,
    "throttled-200": (200, *_TOO_MANY[1:]),
    "500": (500, *_BROKEN),
    "503": (503, *_BROKEN),
    "401": (401, "GS_APIG_2401", "Unauthorized"),
    "result-false": (200, "GSOBJ_1008", "Refused"),
    "dropped-before": (0, "dropped", ""),
}


def fail(fault: Fault | None) -> None:
    """What the fault makes of a call that is not carried out. Raises RefusedError."""
    if fault is not None and fault.kind in _UNDONE:
        raise RefusedError(*_UNDONE[fault.kind])


def shown(status: int, envelope: Record, fault: Fault | None) -> Answer:
    """The answer as the caller gets to see it."""
    kind = fault.kind if fault else None
    headers = {"Content-Type": "application/json", "x-gs-request-id": envelope["requestId"]}
    seconds = 0.0
    if kind in {"dropped-before", "dropped-after"}:
        return Answer(None)
    if kind == "429-retry-after":
        headers["Retry-After"] = f"{_seconds(fault, _RETRY_AFTER):g}"
    if kind == "500-after":
        status, envelope = 500, envelope_of(envelope["requestId"], *_BROKEN)
    if kind == "html":
        headers["Content-Type"] = "text/html"
        return Answer(Response(200, b"<html><body>Welcome to Gainsight</body></html>", headers))
    if kind == "slow":
        seconds = _seconds(fault, _SLOW)
    if kind in _NOTHING and envelope["data"] == {"records": []}:
        status, changes = _NOTHING[kind]
        envelope = {**envelope, **changes}
    body = json.dumps(envelope).encode()
    return Answer(Response(status, body[: len(body) // 2] if kind == "truncated" else body, headers), seconds)


def _seconds(fault: Fault | None, default: float) -> float:
    return default if fault is None or fault.seconds is None else fault.seconds


_NO_DATA = {"result": False, "errorDesc": "No data found for given criteria", "data": None}
_NOTHING: dict[str | None, tuple[int, Record]] = {
    "nothing-data": (200, {"data": []}),
    "nothing-words": (200, _NO_DATA),
    "nothing-code": (400, {**_NO_DATA, "errorCode": "GSOBJ_1011"}),
}
