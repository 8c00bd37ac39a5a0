"""A connection of the service: uvicorn's, with bounds on what it lacks them for. Extra `serve`.

uvicorn with httptools takes headers of any length, waits for them for ever, keeps as many connections as come, and an
answer for as long as the client does not read it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes that a request may have before its body, or behind it, or between two pieces of it.
LONGEST_HEAD = 64 * 1024
#: Seconds for the head of a request to arrive, from the connection or its first byte on.
HEAD_PATIENCE = 30.0
#: Seconds for the body, in which one that has been answered already must have come, too.
BODY_PATIENCE = 60.0
#: Seconds for an answer to be read.
ANSWER_PATIENCE = 60.0
#: Connections at once. One more closes one that has no request.
MOST_CONNECTIONS = 500
#: Requests that a client may send before the first of them is answered.
_MOST_PIPELINED = 16
#: How much is parsed between two looks at what it was.
_PIECE = 16 * 1024
#: Seconds that what still comes is thrown away before a refused connection is closed, so that the refusal is read.
_LINGER = 1.0


class Connection(HttpToolsProtocol):
    """One that is closed where it would take more than its share of memory or time."""

    _beyond = 0  # bytes since the request, or the last piece of its body, began
    _is_refused = False
    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """A client has come."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            idle = (each for each in self.connections if each is not self and getattr(each, "is_idle", False))
            (next(idle, None) or self).transport.abort()
        self._wait(HEAD_PATIENCE)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._wait(None)
        self.resume_writing()
        super().connection_lost(exc)

    # --- what is read -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Piece by piece."""
        if self._reading is None:  # the first byte of another request
            self._wait(HEAD_PATIENCE)
        for start in range(0, len(data), _PIECE):
            if self._is_refused or self.transport.is_closing():
                return
            piece = data[start : start + _PIECE]
            self._beyond += len(piece)
            super().data_received(piece)
            if self._beyond > LONGEST_HEAD:
                self._refuse(431, "the headers are too long")
            elif len(self.pipeline) > _MOST_PIPELINED:
                self._refuse(429, "too many requests before the first of them was answered")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._beyond = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its headers have come."""
        self._beyond = 0
        self._wait(BODY_PATIENCE)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of its body has."""
        self._beyond = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it has."""
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds: float | None) -> None:
        """Wait so long for what is to come next."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self.pipeline:  # it is not read, as those before it are under way
            self._wait(BODY_PATIENCE)
        else:
            self._refuse(408, "the request took too long")

    # --- what is written ----------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The answer is not read as fast as it is written."""
        super().pause_writing()
        self._writing = self.loop.call_later(ANSWER_PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        """It has been read."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        super().resume_writing()

    def _refuse(self, status: int, title: str) -> None:
        """Tell why, unless another answer is under way, and close the connection once that is read."""
        self._is_refused = True
        self._wait(None)
        if self.transport.is_closing() or not self.is_idle:
            self.transport.close()
            return
        text = json.dumps({"status": status, "error": title}).encode()
        head = f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n"
        self.transport.write(f"{head}connection: close\r\napiversion: 2\r\n\r\n".encode() + text)
        self.loop.call_later(_LINGER, self.transport.close)
