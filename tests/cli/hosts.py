"""Hosts on this machine that answer as they are told to, and a small Gainsight that answers what a check asks."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from gainsight_dest import Response
from tests.tenant_of_60_fields import response_of

Answer = Callable[[str, Any], Response]


@attrs.define
class Host:
    """A host that serves: where, and the paths that were asked for."""

    url: str
    asked: list[str]


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """A host that answers each path and JSON body as it is told to."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(self.path)
            response = answer(self.path, body)
            self.send_response(response.status)
            for name, value in {**response.headers, "Content-Length": str(len(response.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A caller that does not trust the certificate, or that has gone."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Host(f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        thread.join()
        with suppress(OSError):
            server.server_close()


def envelope(status: int = 200, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """An answer of Gainsight's own."""
    body = {"result": status == 200, "errorCode": None, "requestId": "6a1f0c1e-0000", "data": None, **more}
    return Response(status, json.dumps(body).encode(), headers or {})


def gainsight(**other: Response) -> Answer:
    """What Gainsight answers to what a check asks, of the tenant of 60 fields.

    `other`: what it answers instead, by what is asked: `users`, `read_Company`, `describe_Person`, `event`.
    """

    def answer(path: str, body: Any) -> Response:
        name = _asked(path, body)
        if name in other:
            return other[name]
        return response_of(*body["objectNames"]) if "describe" in name else envelope(data={"records": []})

    return answer


def _asked(path: str, body: Any) -> str:
    if path.endswith("/describe"):
        return "_".join(["describe", *body["objectNames"]])
    if "/query/" in path:
        return f"read_{path.rpartition('/')[2]}"
    return "users" if "users" in path else "event"
