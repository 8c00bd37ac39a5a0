"""The transformer as an ASGI app: routes, bodies, errors. What is answered is decided by the pure functions.

Extra `serve`. Bodies are awaited without a thread. The work is done in one only where it has to wait for Gainsight, or
may be long: to hand each request to a thread took up to a third of the time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeVar

import attrs
import falcon
import falcon.asgi
import msgspec
import requests
from isal import igzip
from requests.adapters import HTTPAdapter

from gainsight_dest.deliver import Sender
from gainsight_dest.rudderstack.items import Item, opened
from gainsight_dest.rudderstack.metrics import CONTENT_TYPE, Metrics
from gainsight_dest.rudderstack.proxy import VERSIONS, proxy
from gainsight_dest.rudderstack.send import Send
from gainsight_dest.rudderstack.transformer import features, processed, processor, routed, router

log = logging.getLogger("gainsight_dest.rudderstack")
access = logging.getLogger("gainsight_dest.rudderstack.access")

MiB = 2**20
#: Seconds that a body may take to arrive.
PATIENCE = 30.0
#: Requests under way at once. Most of the time of one is spent waiting for Gainsight, if it has any groups.
THREADS = 32
#: An answer that is shorter is not worth the packing.
_WORTH_PACKING = 1400
#: What zlib calls that form.
_GZIP = 31
#: A body up to this length is answered where it was read, if no call is needed.
_SHORT = MiB
_TOO_SLOW = "the body took too long"
_API_VERSION = ("apiVersion", "2")
_JSON = "application/json"

_T = TypeVar("_T")
Answer = tuple[int, Any, Sequence[Mapping[str, Any]]]
Work = Callable[[bytes, Send], Answer]


def create_app(send: Send | None = None, *, batch: bool = True, most_bytes: int = 64 * MiB) -> Any:
    """The ASGI application. Run it by any ASGI server, or by `gainsight-dest serve`.

    `send` makes the calls for groups and for the delivery proxy; None: a `gainsight_dest.deliver.Sender`, to
    Gainsight. `batch` False: one item a job. A body of more than `most_bytes`, packed or unpacked, is refused.
    """
    metrics = Metrics()
    sending = metrics.counting(sender() if send is None else send)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="transform")
    app = falcon.asgi.App(middleware=[_Watch(metrics)])

    def post(route: str, work: Work) -> None:
        app.add_route(route, _Posted(route, work, sending, pool, metrics, most_bytes))

    def of_processor(body: bytes, send: Send) -> Answer:
        answer = answer_of_processor(body, send)
        return 200, answer, answer

    def of_router(body: bytes, send: Send) -> Answer:
        answer = answer_of_router(body, send, batch=batch)
        return 200, answer, answer["output"]

    def of_proxy(version: str) -> Work:
        def work(body: bytes, send: Send) -> Answer:
            answer = proxy(version, decoded(body), send)
            return answer["output"]["status"], answer, ()

        return work

    post("/v0/destinations/gainsight", of_processor)
    post("/routerTransform", of_router)
    for version in VERSIONS:
        post(f"/{version}/destinations/gainsight/proxy", of_proxy(version))
    app.add_route("/features", _Page(lambda: msgspec.json.encode(features())))
    app.add_route("/health", _Page(lambda: msgspec.json.encode({"service": "UP"})))
    app.add_route("/metrics", _Page(metrics.page, CONTENT_TYPE))
    app.add_error_handler(falcon.HTTPError, _tell)
    app.add_error_handler(Exception, _tell)
    return _guarded(app, most_bytes)


def sender(base_url: str | None = None, timeout: tuple[float, float] = (5, 30)) -> Sender:
    """One with a connection for each request under way. Raises ConfigError for a `base_url` that it cannot use."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=THREADS))
    return Sender(session, base_url, timeout)


# --- bodies -----------------------------------------------------------------------------------------------------------


class _Job(msgspec.Struct):
    """An item of which only the message is read: the rest goes back as it came. Decoded from text, for of what is
    not read the decoder does not check that it is UTF-8.
    """

    message: Any
    metadata: msgspec.Raw
    destination: msgspec.Raw


class _Jobs(msgspec.Struct, rename={"meant_for": "destType"}):
    """A router's body."""

    input: list[_Job]
    meant_for: Any = None


def _text(value: Any) -> str:
    """For the encoder, to which a Secret is no text."""
    return str.__str__(value)


_JOBS = msgspec.json.Decoder(_Jobs)
_LIST = msgspec.json.Decoder(list[_Job])
_ENCODER = msgspec.json.Encoder(enc_hook=_text)


def _items(jobs: list[_Job]) -> list[Item] | None:
    """The items, if each has metadata and a destination of its own, as the pure functions want them."""
    for job in jobs:
        metadata = bytes(job.metadata)
        if metadata[:1] != b"{" or b":" not in metadata or bytes(job.destination)[:1] != b"{":
            return None
    return [Item(job.message, job.metadata, job.destination) for job in jobs]


def _quickly(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T | None:
    """The items' body, unless it is of another form, or is none that this decoder takes."""
    with suppress(msgspec.DecodeError, RecursionError, ValueError):
        return decoder.decode(body.decode())  # as text: it would not look at the bytes of what goes back as it came
    return None


def answer_of_processor(body: bytes, send: Send) -> list[dict[str, Any]]:
    """What `processor` gives for the body. Raises HTTPBadRequest."""
    items = _items(_quickly(_LIST, body) or [])
    return processed(items, send) if items else processor(decoded(body), send)


def answer_of_router(body: bytes, send: Send, *, batch: bool) -> dict[str, Any]:
    """What `router` gives for the body. Raises HTTPBadRequest."""
    jobs = _quickly(_JOBS, body) or _Jobs([])
    if items := _items(jobs.input):
        return routed(items, jobs.meant_for, send, batch=batch)
    return router(decoded(body), send, batch=batch)


def decoded(body: bytes) -> Any:
    """The JSON value. Raises HTTPBadRequest."""
    with suppress(msgspec.DecodeError, RecursionError, ValueError):
        return msgspec.json.decode(body)
    try:  # one item with half an emoji, which the quick decoder refuses, must not cost the others
        return json.loads(body, parse_constant=_not_json)
    except RecursionError:
        raise falcon.HTTPBadRequest(title="the body is nested too deep") from None
    except ValueError:
        raise falcon.HTTPBadRequest(title="the body is not JSON") from None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def encoded(answer: Any) -> bytes:
    """The answer as JSON. Raises HTTPBadRequest for what was nested too deep to come back."""
    with suppress(RecursionError, ValueError, OverflowError):
        return _ENCODER.encode(answer)
    try:
        return json.dumps(answer, default=opened).encode()
    except (RecursionError, ValueError):
        raise falcon.HTTPBadRequest(title="the body is nested too deep, or a number in it is too long") from None


def unpacked(body: bytes, most_bytes: int) -> bytes:
    """What was packed by gzip. Raises HTTPBadRequest, HTTPContentTooLarge."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        whole = unpacker.decompress(body, most_bytes + 1)
    except zlib.error:
        raise falcon.HTTPBadRequest(title="the body is not gzip") from None
    if len(whole) > most_bytes:
        raise falcon.HTTPContentTooLarge(title=_too_long(most_bytes))
    if not unpacker.eof or unpacker.unused_data:
        raise falcon.HTTPBadRequest(title="the body is not one whole gzip stream")
    return whole


def _too_long(most_bytes: int) -> str:
    return f"the body is longer than {most_bytes:,} bytes"


async def _read(request: falcon.asgi.Request, most_bytes: int) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream:
        size += len(piece)
        if size > most_bytes:
            raise falcon.HTTPContentTooLarge(title=_too_long(most_bytes))
        pieces.append(piece)
    if request.content_length is not None and size < request.content_length:
        raise falcon.HTTPBadRequest(title="the body broke off")
    return b"".join(pieces)


# --- routes -----------------------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """A request, as far as its answer depends on it."""

    body: bytes
    is_packed: bool
    takes_gzip: bool


class _CallNeededError(BaseException):
    """Gainsight is to be called, which takes a thread. No Exception, as those stand for answers."""


def _no_call(_: object) -> NoReturn:
    raise _CallNeededError


@attrs.frozen
class _Posted:
    """A route that takes JSON and gives JSON."""

    route: str
    work: Work
    send: Send
    pool: ThreadPoolExecutor
    metrics: Metrics
    most_bytes: int

    async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        given = (request.content_type or _JSON).partition(";")[0].strip().lower()
        packing = (request.get_header("Content-Encoding") or "identity").strip().lower()
        if given != _JSON:
            raise falcon.HTTPUnsupportedMediaType(title=f"the content type must be {_JSON}")
        if packing not in {"identity", "gzip"}:
            raise falcon.HTTPUnsupportedMediaType(title="the content encoding must be gzip, or none")
        try:
            body = await asyncio.wait_for(_read(request, self.most_bytes), PATIENCE)
        except asyncio.TimeoutError:
            raise falcon.HTTPError(falcon.HTTP_408, title=_TOO_SLOW) from None
        asked = _Asked(body, packing == "gzip", _takes_gzip(request.get_header("Accept-Encoding") or ""))
        answer = None
        if len(body) <= _SHORT and not asked.is_packed:
            with suppress(_CallNeededError):
                answer = self._answer(asked, _no_call)
        if answer is None:
            answer = await asyncio.get_running_loop().run_in_executor(self.pool, self._answer, asked, self.send)
        status, text, packed = answer
        response.status, response.data, response.content_type = status, text, _JSON
        response.set_header("Vary", "Accept-Encoding")
        if packed:
            response.set_header("Content-Encoding", "gzip")

    def _answer(self, asked: _Asked, send: Send) -> tuple[int, bytes, bool]:
        body = unpacked(asked.body, self.most_bytes) if asked.is_packed else asked.body
        status, answer, items = self.work(body, send)
        self.metrics.items(self.route, Counter(item["statusCode"] for item in items).items())
        text = encoded(answer)
        if asked.takes_gzip and len(text) >= _WORTH_PACKING:
            return status, igzip.compress(text, 1), True
        return status, text, False


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, parameters = each.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


@attrs.frozen
class _Page:
    """A route that is only read."""

    text: Callable[[], bytes]
    content_type: str = _JSON

    async def on_get(self, _: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        response.data, response.content_type = self.text(), self.content_type

    on_head = on_get


@attrs.frozen
class _Watch:
    """Around every request: the header without which rudder-server's router panics, the counts, the access log."""

    metrics: Metrics

    async def process_request(self, request: falcon.asgi.Request, _: falcon.asgi.Response) -> None:
        request.context.started = time.perf_counter()

    async def process_response(
        self,
        request: falcon.asgi.Request,
        response: falcon.asgi.Response,
        _: object,
        __: bool,  # noqa: FBT001 - the signature is falcon's own
    ) -> None:
        response.set_header(*_API_VERSION)
        # A path that is no route may hold anything.
        route, status = request.uri_template or "(none)", falcon.code_to_http_status(response.status)[:3]
        seconds = time.perf_counter() - request.context.started
        self.metrics.answered(route, int(status), seconds)
        method = request.method if request.method in falcon.HTTP_METHODS else "(other)"
        access.info("%s %s %s, %.1f ms", method, route, status, seconds * 1000)


async def _tell(
    _: falcon.asgi.Request, response: falcon.asgi.Response, error: Exception, __: Mapping[str, Any]
) -> None:
    """What is wrong, as JSON. Of a fault of our own, only its name."""
    status, title = 500, f"a fault of gainsight_dest's own ({type(error).__name__}): please report it"
    if isinstance(error, falcon.HTTPError):
        status, title = error.status_code, error.title or "wrong request"
        response.set_headers(error.headers or {})
        if status in {408, 413}:  # what is left of the body would be taken for the next request
            response.set_header("Connection", "close")
    else:
        log.error("%s in a request", type(error).__name__)
    response.status, response.content_type, response.data = status, _JSON, _error(status, title)


def _error(status: int, title: str) -> bytes:
    return msgspec.json.encode({"status": status, "error": title})


def _guarded(app: Any, most_bytes: int) -> Any:
    """The app, which awaits the beginning of a body before it looks at anything, behind a check of its length."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        length, first = headers.get(b"content-length", b"0"), None
        if not length.isdigit():
            return await _refuse(send, 400, "Content-Length is not a number")
        if int(length[:20]) > most_bytes:
            return await _refuse(send, 413, _too_long(most_bytes))
        if length != b"0" or b"transfer-encoding" in headers:
            try:
                first = await asyncio.wait_for(receive(), PATIENCE)
            except asyncio.TimeoutError:
                return await _refuse(send, 408, _TOO_SLOW)

        async def received() -> Any:
            nonlocal first
            if first is None:
                return await receive()
            event, first = first, None
            return event

        await app(scope, received, send)
        return None

    return call


async def _refuse(send: Any, status: int, title: str) -> None:
    text = _error(status, title)
    headers = {"content-type": _JSON, "content-length": str(len(text)), "connection": "close", "apiversion": "2"}
    head = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text})
