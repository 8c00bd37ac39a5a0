"""A sandbox behind a local port, with a page to look at. Needs the extra `sandbox`."""

from __future__ import annotations

import errno
import ipaddress
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from cheroot import wsgi
from cheroot.server import HTTPConnection

from gainsight_dest.gainsight import Response
from gainsight_dest.sandbox.form import MOST_OF_A_FORM, EventForm
from gainsight_dest.sandbox.model import Asked
from gainsight_dest.sandbox.page import CONTENT_SECURITY_POLICY, page
from gainsight_dest.sandbox.tenant import Sandbox
from gainsight_dest.sandbox.workbench import TriedForm, Workbench

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Server", "app"]

#: Bytes of a body that are taken, and that are read before a longer one is refused: who is still sending when the
#: connection closes does not get to see why.
MOST_BYTES = 16 * 2**20
_READ_BYTES = 4 * MOST_BYTES
_PIECE = 2**16
#: Connections that may wait to be accepted: beyond them, a client waits a second to try again.
_WAITING = 128
#: Seconds that a stop leaves to answers under way, before it closes the connections.
_GRACE = 0.2


class _BadRequestError(Exception):
    """The call does not get as far as the sandbox."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.response = _json(status, {"result": False, "errorCode": None, "errorDesc": text})


def app(
    sandbox: Sandbox,
    sleep: Callable[[float], object] = time.sleep,
    *,
    only_loopback: bool = False,
    workbench: Workbench | None = None,
) -> WSGIApplication:
    """The WSGI application of a sandbox: its page at /, what it holds at /content.json, Gainsight's API elsewhere.

    Slow answers `sleep`. `only_loopback`: calls to another host than this machine by name are refused. `workbench`:
    what the form of the page uses; None: one of its own.
    """
    bench = workbench or Workbench(sandbox)

    def respond(environ: WSGIEnvironment) -> Response:
        # A page on the web can have its own name resolve to 127.0.0.1 and then read what is here.
        if only_loopback and not _is_loopback(environ.get("HTTP_HOST", "")):
            raise _BadRequestError(421, "The sandbox is called by the name of localhost alone")
        local = _local(environ, bench)
        if local is not None:
            return local
        body = _body(environ)
        answer = sandbox.receive(environ["REQUEST_METHOD"], _url(environ), _headers(environ), body)
        if answer.seconds:
            sleep(answer.seconds)
        if answer.response is None:
            raise _dropped()
        return answer.response

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            response = respond(environ)
        except _BadRequestError as error:
            response = error.response
        headers = {**response.headers, "Content-Length": str(len(response.body))}
        start_response(f"{response.status} {responses.get(response.status, '')}", [*headers.items()])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    return application


def _local(environ: WSGIEnvironment, bench: Workbench) -> Response | None:
    """The answer to what is no call of Gainsight's API; None for a call. Raises _BadRequestError."""
    route = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if route == ("GET", "/"):
        return _page(200, page(bench, _asked(environ)))
    if route == ("POST", "/"):
        return _sent(environ, bench)
    if route == ("GET", "/content.json"):
        return _json(200, bench.sandbox.as_data())
    if route == ("GET", "/favicon.ico"):  # a browser asks for it unbidden, which must not count as a call
        return _json(404, None)
    return None


def _asked(environ: WSGIEnvironment) -> Asked:
    """What the page is asked to show. What cannot be read is not asked."""
    try:
        query = parse_qs(_text(environ.get("QUERY_STRING", "")), max_num_fields=10)
    except ValueError:
        return Asked()
    form, find = (query.get(name, [""])[0] for name in ("form", "find"))
    is_number = form.isascii() and form.isdigit() and len(form) < _LONGEST_NUMBER
    return Asked(int(form) if is_number else None, find[:_LONGEST_FIND])


def _sent(environ: WSGIEnvironment, bench: Workbench) -> Response:
    """The answer to a form. Raises _BadRequestError."""
    if not _is_own(environ):
        raise _BadRequestError(403, "A form is taken from the sandbox's own page alone")
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _BadRequestError(415, "A form is application/x-www-form-urlencoded")
    body = _body(environ)
    if len(body) > MOST_OF_A_FORM:
        raise _BadRequestError(413, f"The form is longer than {MOST_OF_A_FORM} bytes")
    try:
        form = EventForm.from_body(body)
    except ValueError:
        raise _BadRequestError(400, "The form cannot be read") from None
    done = bench.send(form)
    if isinstance(done, TriedForm):  # a reload shows it, and does not send it again
        return Response(303, b"", {**_LOCAL, "Location": f"/?form={done.number}#result"})
    return _page(422, page(bench, refused=(form, done)))


def _is_own(environ: WSGIEnvironment) -> bool:
    """Whether a browser says that the form is of this page: that of another site could change what is here."""
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
    if site is None and origin is None:
        return False
    return site in {None, "same-origin"} and origin in {None, own}


def _page(status: int, html: str) -> Response:
    return Response(status, html.encode("utf-8", "xmlcharrefreplace"), _PAGE)  # half an emoji is no UTF-8


_LONGEST_NUMBER, _LONGEST_FIND = 16, 200
_LOCAL = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PAGE = {
    **_LOCAL,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",  # without any, the page's own form would come from nowhere
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _json(status: int, data: Any) -> Response:
    return Response(status, json.dumps(data).encode(), {**_LOCAL, "Content-Type": "application/json"})


def _dropped() -> ConnectionResetError:
    """What makes the server close the connection without a word: no answer, nothing logged."""
    return ConnectionResetError(errno.ECONNRESET, "dropped")


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _url(environ: WSGIEnvironment) -> str:
    """The URL that was asked for, without the host: nothing depends on it, and the caller's may be malformed."""
    query = environ.get("QUERY_STRING", "")
    return f"http://sandbox{quote(environ['PATH_INFO'], encoding='latin-1')}{'?' if query else ''}{_text(query)}"


def _headers(environ: WSGIEnvironment) -> Mapping[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): _text(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }


def _text(value: str) -> str:
    """The bytes that WSGI hands over as Latin-1, read as UTF-8 where they are."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _body(environ: WSGIEnvironment) -> bytes:
    """The whole body. Raises _BadRequestError, and ConnectionResetError where it breaks off."""
    stream = environ["wsgi.input"]
    chunked = bool(environ.get("wsgi.input_terminated"))
    length = environ.get("CONTENT_LENGTH") or "0"
    if not chunked and not (length.isascii() and length.isdigit()):
        raise _BadRequestError(400, "Content-Length is not a number")
    try:
        body, size = _read(stream, _READ_BYTES if chunked else min(int(length), _READ_BYTES))
        if chunked and size < _READ_BYTES:
            list(getattr(stream, "read_trailer_lines", tuple)())  # left there, they would begin the next request
    except (ValueError, OverflowError, MemoryError):
        raise _BadRequestError(400, "The body's chunks cannot be read") from None
    if size > MOST_BYTES:
        raise _BadRequestError(413, f"The body is longer than {MOST_BYTES} bytes")
    if not chunked and size < int(length):
        raise _dropped()
    return body


def _read(stream: Any, most: int) -> tuple[bytes, int]:
    """So many bytes at most, and how many they were; of too many, only the first are kept."""
    pieces, size = [], 0
    while size < most and (piece := stream.read(min(_PIECE, most - size))):
        size += len(piece)
        if size <= MOST_BYTES:
            pieces.append(piece)
    return b"".join(pieces), size


class _QuietConnection(HTTPConnection):
    """Closes its writer, too: left to be collected, it would tell on standard error of an answer that no one took."""

    def close(self) -> None:
        super().close()
        with suppress(OSError):
            self.wfile.close()


class _QuietServer(wsgi.Server):
    """Says nothing of clients that come and go."""

    ConnectionClass = _QuietConnection
    expiration_interval = 0.1  # how long a stop takes, too
    keep_alive_conn_limit = 1000

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is cheroot's own
        """Errors of the server's own, on standard error."""
        if level >= logging.ERROR:
            super().error_log(msg, level, traceback)


class Server:
    """A sandbox behind a port of this machine; port 0 is any that is free. Serves within its `with` block.

    Slow answers `sleep`; without it they wait, but not beyond the end. `workbench`: what the form of the page uses;
    None: one of its own. Raises OSError where the port cannot be had.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 16,
        *,
        sleep: Callable[[float], object] | None = None,
        workbench: Workbench | None = None,
    ) -> None:
        self._stopped = threading.Event()
        only_loopback = _is_loopback(_bracketed(host))
        application = app(sandbox, sleep or self._wait, only_loopback=only_loopback, workbench=workbench)
        self._http = _QuietServer((host, port), application, numthreads=threads, request_queue_size=_WAITING)
        self._http.shutdown_timeout = _GRACE

    @property
    def url(self) -> str:
        """Where it serves, such as "http://127.0.0.1:34567"."""
        host, port = self._http.bind_addr
        return f"http://{_bracketed(_LOOPBACK_OF.get(host, host))}:{port}"

    def __enter__(self) -> Server:  # noqa: PYI034 - Self is of Python 3.11
        if self._stopped.is_set():
            raise RuntimeError("this server has been stopped; make another")
        self._http.prepare()
        threading.Thread(target=self._http.serve, name=f"sandbox at {self.url}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends serving; slow answers that are under way are dropped."""
        self._stopped.set()
        self._http.stop()

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise _dropped()


#: What stands for all addresses is none to call.
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is read, not bound


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
