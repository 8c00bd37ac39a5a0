"""How a sandbox answers: envelopes, refusals, and what a fault makes of an answer."""

from __future__ import annotations

import json
from typing import Any

import attrs

from gainsight_dest.fields import Record
from gainsight_dest.gainsight import Response
from gainsight_dest.sandbox.faults import BROKEN, FAULTS, TOO_MANY, PlannedFault

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

    def envelope(self, request_id: str) -> Record:
        """What the caller gets to see."""
        return envelope_of(request_id, self.code, self.text, self.data)


class UndescribedError(RefusedError):
    """What is asked of the schema is not there, which Gainsight tells without an error code."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(400, title, detail)

    def envelope(self, request_id: str) -> Record:
        """What the caller gets to see."""
        return {"requestId": request_id, "result": False, "title": self.code, "detail": self.text}


def saved(companies: list[Record]) -> Record:
    """The data of a write of companies, and of a delete."""
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


def fail(fault: PlannedFault | None) -> None:
    """Raises RefusedError for a fault by which the call is not carried out."""
    refusal = None if fault is None else FAULTS[fault.kind].refusal
    if refusal is not None:
        raise RefusedError(*refusal)


def shown(status: int, envelope: Record, fault: PlannedFault | None, limit: int | None) -> Answer:
    """The answer as the caller gets to see it. `limit`: the calls of a minute, told to a call that is one too many."""
    kind = fault.kind if fault else None
    headers = {"Content-Type": "application/json", "x-gs-request-id": envelope["requestId"]}
    seconds = 0.0
    if kind in {"dropped-before", "dropped-after"}:
        return Answer(None)
    if status == TOO_MANY[0] and limit is not None:
        headers["x-ratelimit-limit"] = str(limit)
    if kind == "429-retry-after":
        headers["Retry-After"] = f"{_seconds(fault, _RETRY_AFTER):g}"
    if kind == "500-after":
        status, envelope = 500, envelope_of(envelope["requestId"], *BROKEN)
    if kind == "html":
        headers["Content-Type"] = "text/html"
        return Answer(Response(200, b"<html><body>Welcome to Gainsight</body></html>", headers))
    if kind == "slow":
        seconds = _seconds(fault, _SLOW)
    if kind in _NOTHING and envelope.get("data") == {"records": []}:
        status, changes = _NOTHING[kind]
        envelope = {**envelope, **changes}
    body = json.dumps(envelope).encode()
    return Answer(Response(status, body[: len(body) // 2] if kind == "truncated" else body, headers), seconds)


def _seconds(fault: PlannedFault | None, default: float) -> float:
    return default if fault is None or fault.seconds is None else fault.seconds


_NO_DATA = {"result": False, "errorDesc": "No data found for given criteria", "data": None}
_NOTHING: dict[str | None, tuple[int, Record]] = {
    "nothing-data": (200, {"data": []}),
    "nothing-words": (200, _NO_DATA),
    "nothing-code": (400, {**_NO_DATA, "errorCode": "GSOBJ_1011"}),
}
