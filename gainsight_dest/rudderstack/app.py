"""The transformer as an ASGI app: routes, bodies, errors. What is answered is decided by the pure functions.

Extra `serve`. Bodies are awaited without a thread. The work is done in one only where it has to wait for Gainsight, or
may be long: to hand each request to a thread took up to a third of the time. `calls` says what waits where.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypedDict

import attrs
import falcon
import falcon.asgi
import msgspec
from isal import igzip

from gainsight_dest.deliver import Sender
from gainsight_dest.deliver.call import TIMEOUT, Timeout
from gainsight_dest.deliver.transport import session
from gainsight_dest.known.known import Store
from gainsight_dest.rudderstack import clip
from gainsight_dest.rudderstack.calls import SHARE, CallNeededError, Calls, in_thread
from gainsight_dest.rudderstack.delivery import VERSIONS, http_status, proxied
from gainsight_dest.rudderstack.items import MOST_ITEMS, Destinations, DestinationSettings, EventItem, opened
from gainsight_dest.rudderstack.metrics import CONTENT_TYPE, Metrics
from gainsight_dest.rudderstack.send import Send
from gainsight_dest.rudderstack.shared import Limited, Shared
from gainsight_dest.rudderstack.sizes import measured
from gainsight_dest.rudderstack.transformer import features, items_to_process, items_to_route, processed, routed

log = logging.getLogger("gainsight_dest.rudderstack")
access = logging.getLogger("gainsight_dest.rudderstack.access")

MiB = 2**20
#: Seconds that a body may take to arrive.
PATIENCE = 30.0
#: Seconds that a call may take. A stop waits for those under way, and begins no other.
DEADLINE = 30.0
#: Long bodies that are worked on at once. More would only take turns.
_AT_ONCE = 4
#: How many of the longest bodies may be there at once. Shorter ones may take as much memory together.
_BODIES = 8
#: An answer that is shorter is not worth the packing.
_WORTH_PACKING = 1400
#: What zlib calls that form.
_GZIP = 31
#: A body up to this length, with up to so many items, is answered where it was read, if no call is needed. That keeps
#: all others waiting: for some 50 ms, if they are the worst.
_SHORT = MiB // 4
_FEW = 256
#: The length of an answer that is written there, where each item gets back what the body holds once for all.
_SHORT_ANSWER = 8 * MiB
#: The key of an ASGI scope where the rest of the app finds what tells that the client has gone.
_RECEIVE = "gainsight_dest.receive"
_TOO_SLOW = "the body took too long"
_API_VERSION = ("apiVersion", "2")
_JSON = "application/json"


class ThreadNeededError(BaseException):
    """It would take long where it is. No Exception, as those stand for answers."""


class WorkPlace(NamedTuple):
    """Where a body is answered: whether that may take long there."""

    is_thread: bool

    def takes(self, items: int, answer: int = 0) -> None:
        """So many items, and bytes of an answer. Raises ThreadNeededError."""
        if not self.is_thread and (items > _FEW or answer > _SHORT_ANSWER):
            raise ThreadNeededError

    def waits(self) -> None:
        """For something else than a call. Raises ThreadNeededError."""
        if not self.is_thread:
            raise ThreadNeededError

    def read(self, body: bytes) -> Any:
        """The value of a body that the quick decoder refuses. Raises ValueError, ThreadNeededError."""
        self.waits()
        return clip.read(body)


LOOP, THREAD = WorkPlace(is_thread=False), WorkPlace(is_thread=True)
Work = Callable[[bytes, Send, WorkPlace], Any]


def create_app(
    send: Send | None = None,
    *,
    batch: bool = True,
    most_bytes: int = 64 * MiB,
    allowed: Sequence[str] = (),
    store: Store | None = None,
    known: bool = False,
    resend_after: float | None = None,
    calls_per_minute: int | None = None,
    calls_per_day: int | None = None,
) -> Any:
    """The ASGI application. Run it by any ASGI server, or by `gainsight-dest serve`.

    `send` makes the calls for groups and for the delivery proxy; None: a `gainsight_dest.deliver.Sender`, to
    Gainsight. `batch` False: one item a job. A body of more than `most_bytes`, packed or unpacked, is refused.
    `allowed`: patterns of the domains that are called, such as `*.gainsightcloud.com`; none: whatever a config names.
    `store`, `known`, `resend_after`: as for `router`; without a store, two requests may create one company.
    `calls_per_minute`, `calls_per_day`: the calls to a tenant by all that share the store, which that needs; what would
    take another is answered as throttled. Once its `stop()` was called, it begins no more calls after a while, so that
    all requests end. Raises ValueError for limits or `known` without a store.
    """
    metrics = Metrics()
    counted = metrics.counting(sender() if send is None else send)
    if not calls_per_minute is calls_per_day is None:
        if store is None:
            raise ValueError("a limit of calls needs a store")
        counted = Limited(counted, store, calls_per_minute, calls_per_day)
    calls = Calls(counted, allowed)
    app = falcon.asgi.App(middleware=[_RequestLog(metrics)])
    shared = Shared.of(store, known=known, resend_after=resend_after)
    post = partial(_PostRoute, calls=calls, room=_Memory(_BODIES * most_bytes), metrics=metrics, most_bytes=most_bytes)

    app.add_route(of := "/v0/destinations/gainsight", post(of, partial(answer_of_processor, shared=shared)))
    app.add_route(of := "/routerTransform", post(of, partial(answer_of_router, batch=batch, shared=shared)))
    for version in VERSIONS:
        work, status = (
            partial(answer_of_proxy, version, shared=shared if known else None),
            partial(http_status, version),
        )
        app.add_route(of := f"/{version}/destinations/gainsight/proxy", post(of, work, status=status))
    app.add_route("/features", _GetRoute(lambda: msgspec.json.encode(features())))
    app.add_route("/health", _GetRoute(lambda: msgspec.json.encode({"service": "UP"})))
    app.add_route("/metrics", _GetRoute(metrics.page, CONTENT_TYPE))
    app.add_error_handler(falcon.HTTPError, _tell)
    app.add_error_handler(Exception, _tell)
    return _LimitedApp(app, most_bytes, calls)


def sender(base_url: str | None = None, timeout: Timeout = TIMEOUT) -> Sender:
    """One with a connection for each request at a host. Raises ConfigError for a `base_url` that it cannot use."""
    return Sender(session(SHARE), base_url, timeout, DEADLINE)


# --- bodies -----------------------------------------------------------------------------------------------------------


class _Context(TypedDict, total=False):
    """What `transform` reads of an event's context."""

    traits: Any
    externalId: Any


class EventData(TypedDict, total=False):
    """What `transform` reads of an event, and by which `router` knows a request. The rest of it, most of it, is left:
    to make objects of that would take a fifth of the time.
    """

    type: Any
    traits: Any
    context: _Context
    event: Any
    properties: Any
    batch: Any
    statusCode: Any


class _RawItem(msgspec.Struct):
    """An item of which only the message is read: the rest goes back as it came. Decoded from text, for of what is
    not read the decoder does not check that it is UTF-8.
    """

    message: msgspec.Raw
    metadata: msgspec.Raw
    destination: msgspec.Raw = msgspec.Raw()


class _RawBody(msgspec.Struct, rename={"meant_for": "destType"}):
    """A router's body, or a processor's in the compacted format. `destinations`: by id, for items without one."""

    input: list[_RawItem]
    meant_for: Any = None
    destinations: dict[str, msgspec.Raw] = {}


class _RawMetadata(msgspec.Struct, rename="camel"):
    """What is read of metadata if the item has no destination of its own."""

    destination_id: str


_BODY = msgspec.json.Decoder(_RawBody)
_BODY_OR_LIST = msgspec.json.Decoder(_RawBody | list[_RawItem])
_EVENT = msgspec.json.Decoder(EventData)
_METADATA = msgspec.json.Decoder(_RawMetadata)
#: What the text of an object begins with.
_OBJECT = ord("{")
_ENCODER = msgspec.json.Encoder(enc_hook=str.__str__)  # a Secret is no text for it


def _items(body: _RawBody) -> list[EventItem]:
    """The items, as the pure functions want them. Raises LookupError where one has no metadata or no destination."""
    known = Destinations()
    shared = {name: (text, known.of(_object(text))) for name, text in body.destinations.items()}
    items = []
    for item in body.input:
        metadata = item.metadata
        _object(metadata)
        if item.destination:
            destination, settings = item.destination, known.of(_object(item.destination))
        else:
            destination, settings = shared[_METADATA.decode(metadata).destination_id]
        length = len(metadata) + len(destination)
        items.append(EventItem(_message(item.message, settings), metadata, destination, settings, length))
    return items


def _object(text: msgspec.Raw) -> bytes:
    """The text of an object. Raises LookupError for another value."""
    whole = bytes(text)
    if whole[0] != _OBJECT:
        raise LookupError
    return whole


def _message(text: msgspec.Raw, settings: DestinationSettings) -> Any:
    """The message. Of an event, only what is read: all of it where there are templates, which may name any place."""
    if not settings.are_filled_in:
        with suppress(msgspec.ValidationError):
            message = _EVENT.decode(text)
            if "statusCode" not in message:
                return message
    return msgspec.json.decode(text)


def _quickly(decoder: msgspec.json.Decoder[Any], body: bytes, place: WorkPlace) -> tuple[list[EventItem], Any]:
    """The items and what they are meant for; none where anything is wrong, which the functions say of its item."""
    with suppress(Exception):
        # As text: it would not look at the bytes of what goes back as it came.
        value = decoder.decode(body.decode())
        raw = _RawBody(value) if isinstance(value, list) else value
        place.takes(max(len(raw.input), len(raw.destinations)))
        if len(raw.input) <= MOST_ITEMS:
            items = _items(raw)
            place.takes(len(items), sum(item.length for item in items))
            return items, raw.meant_for
    return [], None


def _length(value: Any, place: str) -> int:
    """The length of a request's body, which is strict, plain JSON."""
    try:
        return len(_ENCODER.encode(value))
    except (ValueError, OverflowError, RecursionError):
        return measured(value, place)


def answer_of_processor(
    body: bytes, send: Send, place: WorkPlace = THREAD, *, shared: Shared | None = None
) -> list[dict[str, Any]]:
    """What `processor` gives for the body. Raises HTTPBadRequest."""
    _look_up(shared, place)
    items, _ = _quickly(_BODY_OR_LIST, body, place)
    if items:
        return processed(items, send, measure=_length, shared=shared)
    return processed(items_to_process(_taken(body, place)), send, shared=shared)


def answer_of_router(
    body: bytes, send: Send, place: WorkPlace = THREAD, *, batch: bool, shared: Shared | None = None
) -> dict[str, Any]:
    """What `router` gives for the body. Raises HTTPBadRequest."""
    _look_up(shared, place)
    items, meant_for = _quickly(_BODY, body, place)
    if items:
        return routed(items, meant_for, send, batch=batch, measure=_length, shared=shared)
    return routed(*items_to_route(_taken(body, place)), send, batch=batch, shared=shared)


def answer_of_proxy(
    version: str, body: bytes, send: Send, place: WorkPlace = THREAD, *, shared: Shared | None = None
) -> dict[str, Any]:
    """What `proxy` gives for the body. Raises HTTPBadRequest."""
    return proxied(version, decoded(body, place), send, shared)


def _look_up(shared: Shared | None, place: WorkPlace) -> None:
    """What is known is looked up for each request, which may take long. Raises ThreadNeededError."""
    if shared is not None and shared.is_known_left_out:
        place.waits()


def _taken(body: bytes, place: WorkPlace) -> Any:
    value = decoded(body, place)
    items = value.get("input") if type(value) is dict else value
    count = len(items) if type(items) is list else 0
    place.takes(count, count * len(body))
    return value


def decoded(body: bytes, place: WorkPlace = THREAD) -> Any:
    """The JSON value. Raises HTTPBadRequest."""
    with suppress(msgspec.DecodeError, RecursionError, ValueError):
        return msgspec.json.decode(body)
    try:  # what the quick decoder does not take of one item must not cost the others
        return place.read(body)
    except ValueError:
        raise falcon.HTTPBadRequest(title="the body is not JSON") from None


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


@attrs.define(eq=False)
class _Memory:
    """The memory that bodies may take, in bytes. Threads take of it, too."""

    left: int
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def take(self, size: int) -> None:
        """Raises HTTPServiceUnavailable where there is none left: rudder-server comes again."""
        with self._lock:
            if size > self.left:
                raise falcon.HTTPServiceUnavailable(title="too many long bodies at once")
            self.left -= size

    def give(self, size: int) -> None:
        """Gives it back."""
        with self._lock:
            self.left += size


@attrs.define(eq=False)
class _Body:
    """The body of a request, of which the room is given back at the end. `held`: bytes of that."""

    room: _Memory
    most_bytes: int
    data: bytes = b""
    held: int = 0

    async def read(self, request: falcon.asgi.Request) -> None:
        """Raises HTTPContentTooLarge, HTTPBadRequest, HTTPServiceUnavailable."""
        data = bytearray()  # a list of pieces takes forty times as much where each is a byte
        async for piece in request.stream:
            if len(data) + len(piece) > self.most_bytes:
                raise falcon.HTTPContentTooLarge(title=_too_long(self.most_bytes))
            self._take(len(piece))
            data += piece
        if request.content_length is not None and len(data) < request.content_length:
            raise falcon.HTTPBadRequest(title="the body broke off")
        self.data = bytes(data)

    def unpack(self) -> None:
        """Raises HTTPContentTooLarge, HTTPBadRequest, HTTPServiceUnavailable."""
        whole = unpacked(self.data, self.most_bytes)
        self._take(len(whole))
        self.data = whole

    def _take(self, size: int) -> None:
        self.room.take(size)
        self.held += size


# --- routes -----------------------------------------------------------------------------------------------------------


def _at_once() -> asyncio.Semaphore:
    return asyncio.Semaphore(_AT_ONCE)


def _ok(_: object) -> int:
    return 200


@attrs.frozen
class _PostRoute:
    """A route that takes JSON and gives JSON."""

    route: str
    work: Work
    status: Callable[[Any], int] = attrs.field(default=_ok, kw_only=True)
    calls: Calls
    room: _Memory
    metrics: Metrics
    most_bytes: int
    _long: asyncio.Semaphore = attrs.field(factory=_at_once)

    async def on_post(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        given = (request.content_type or _JSON).partition(";")[0].strip().lower()
        packing = (request.get_header("Content-Encoding") or "identity").strip().lower()
        if given != _JSON:
            raise falcon.HTTPUnsupportedMediaType(title=f"the content type must be {_JSON}")
        if packing not in {"identity", "gzip"}:
            raise falcon.HTTPUnsupportedMediaType(title="the content encoding must be gzip, or none")
        body = _Body(self.room, self.most_bytes)
        try:
            try:
                await asyncio.wait_for(body.read(request), PATIENCE)
            except asyncio.TimeoutError:
                raise falcon.HTTPError(falcon.HTTP_408, title=_TOO_SLOW) from None
            status, text = await self._answered(body, request, is_packed=packing == "gzip")
        finally:
            self.room.give(body.held)
        response.status, response.content_type = status, _JSON
        response.set_header("Vary", "Accept-Encoding")
        if len(text) >= _WORTH_PACKING and _takes_gzip(request.get_header("Accept-Encoding") or ""):
            response.set_header("Content-Encoding", "gzip")
            text = igzip.compress(text, 1) if len(text) <= _SHORT else await in_thread(partial(igzip.compress, text, 1))
        response.data = text

    async def _answered(self, body: _Body, request: falcon.asgi.Request, *, is_packed: bool) -> tuple[int, bytes]:
        try:
            if len(body.data) <= _SHORT and not is_packed:
                with suppress(ThreadNeededError):
                    return self._worked(body, self.calls.none, LOOP)
            async with self._long:
                if is_packed:
                    await in_thread(body.unpack)
                return await in_thread(partial(self._worked, body, self.calls.none))
        except CallNeededError as needed:
            host = needed.host
        return await self.calls.made(host, partial(self._worked, body), request.scope[_RECEIVE])

    def _worked(self, body: _Body, send: Send, place: WorkPlace = THREAD) -> tuple[int, bytes]:
        answer = self.work(body.data, send, place)
        text = encoded(answer)
        items = answer if isinstance(answer, list) else answer["output"]
        if isinstance(items, list):
            self.metrics.items(self.route, Counter(item["statusCode"] for item in items).items())
        return self.status(answer), text


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, parameters = each.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


@attrs.frozen
class _GetRoute:
    """A route that is only read."""

    text: Callable[[], bytes]
    content_type: str = _JSON

    async def on_get(self, _: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        response.data, response.content_type = self.text(), self.content_type

    on_head = on_get


@attrs.frozen
class _RequestLog:
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
        if status in {408, 413, 503}:  # what is left of the body would be taken for the next request
            response.set_header("Connection", "close")
    else:
        log.error("%s in a request", type(error).__name__)
    response.status, response.content_type, response.data = status, _JSON, _error(status, title)


def _error(status: int, title: str) -> bytes:
    return msgspec.json.encode({"status": status, "error": title})


@attrs.frozen
class _LimitedApp:
    """The app, which awaits the beginning of a body before it looks at anything, behind a check of its length."""

    app: Any
    most_bytes: int
    calls: Calls

    def stop(self) -> None:
        """Soon, begin no more calls."""
        self.calls.stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        length, first = headers.get(b"content-length", b"0"), None
        if not length.isdigit():
            return await _refuse(send, 400, "Content-Length is not a number")
        if int(length[:20]) > self.most_bytes:
            return await _refuse(send, 413, _too_long(self.most_bytes))
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

        scope[_RECEIVE] = receive
        await self.app(scope, received, send)
        return None


async def _refuse(send: Any, status: int, title: str) -> None:
    text = _error(status, title)
    headers = {"content-type": _JSON, "content-length": str(len(text)), "connection": "close", "apiversion": "2"}
    head = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text})
