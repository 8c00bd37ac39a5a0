"""A transport of httpx that ends in a sandbox rather than in a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx

from gainsight_dest.sandbox.answers import Answer
from gainsight_dest.sandbox.tenant import Sandbox


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries calls to a sandbox, for a Client and for an AsyncClient.

    A slow answer sleeps; where that is longer than the timeout, it is one. `sleep`: a function that may be awaited or
    not; None: time.sleep, or asyncio.sleep.
    """

    def __init__(self, sandbox: Sandbox, sleep: Callable[[float], object] | None) -> None:
        self._sandbox = sandbox
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's answer. Raises httpx's ReadError and ReadTimeout."""
        answer = self._answer(request, request.read())
        if seconds := _wait(answer, request):
            (self._sleep or time.sleep)(seconds)
        return _response(answer, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The same."""
        answer = self._answer(request, await request.aread())
        if seconds := _wait(answer, request):
            slept = (self._sleep or asyncio.sleep)(seconds)
            if isinstance(slept, Awaitable):
                await slept
        return _response(answer, request)

    def _answer(self, request: httpx.Request, body: bytes) -> Answer:
        headers = {name.decode(): value.decode() for name, value in request.headers.raw}
        return self._sandbox.receive(request.method, str(request.url), headers, body)


def _wait(answer: Answer, request: httpx.Request) -> float:
    """Seconds until the answer comes, or is given up."""
    patience: float | None = request.extensions.get("timeout", {}).get("read")
    return answer.seconds if patience is None else min(answer.seconds, patience)


def _response(answer: Answer, request: httpx.Request) -> httpx.Response:
    if _wait(answer, request) < answer.seconds:
        raise httpx.ReadTimeout("no answer in time", request=request)
    if answer.response is None:
        raise httpx.ReadError("the connection is gone", request=request)
    body = httpx.ByteStream(answer.response.body)
    return httpx.Response(answer.response.status, headers=answer.response.headers, stream=body, request=request)
