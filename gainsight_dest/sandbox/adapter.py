"""A requests Session that ends in a sandbox rather than in a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from gainsight_dest.sandbox.tenant import Sandbox


class SandboxAdapter(BaseAdapter):
    """Carries calls to a sandbox. A slow answer sleeps; where that is longer than the timeout, it is one."""

    def __init__(self, sandbox: Sandbox, sleep: Callable[[float], object]) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._sleep = sleep

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - the signature is requests' own
        timeout: Any = None,
        verify: bool | str = True,  # noqa: ARG002, FBT001, FBT002 - the same
        cert: Any = None,  # noqa: ARG002 - the same
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - the same
    ) -> requests.Response:
        """The sandbox's answer. Raises requests' ConnectionError and ReadTimeout."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = self._sandbox.receive(str(request.method), str(request.url), headers, request.body)
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        if patience is not None and answer.seconds > patience:
            self._sleep(patience)
            raise requests.ReadTimeout(request=request)
        if answer.seconds:
            self._sleep(answer.seconds)
        if answer.response is None:
            raise requests.ConnectionError(request=request)
        response = requests.Response()
        response.status_code = answer.response.status
        response.headers = CaseInsensitiveDict(answer.response.headers)
        response.raw = io.BytesIO(answer.response.body)
        response.request, response.url = request, str(request.url)
        return response

    def close(self) -> None:
        """Nothing is open."""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def session_to(sandbox: Sandbox, sleep: Callable[[float], object]) -> requests.Session:
    """A Session of which every call ends in the sandbox."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, SandboxAdapter(sandbox, sleep))
    return session
