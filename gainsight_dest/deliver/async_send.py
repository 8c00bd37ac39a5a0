"""One call to Gainsight with httpx, for asyncio."""

from __future__ import annotations

import os
import zlib
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from gainsight_dest.deliver.call import (
    PIECE,
    Faults,
    Timeout,
    body_of,
    check_length,
    headers_of,
    logged,
    proxy_variable,
)
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import CredentialsError, ResponseError
from gainsight_dest.gainsight import Response

_FAULTS = Faults(
    meanings=(
        (httpx.ConnectTimeout, "no connection in time"),
        (httpx.TimeoutException, "no answer in time"),
        (httpx.DecodingError, "the answer cannot be decoded"),
        (zlib.error, "the answer cannot be decoded"),
        (httpx.ProxyError, "the proxy gave no connection"),
        (httpx.RemoteProtocolError, "the answer broke off"),
        (httpx.NetworkError, "the connection failed"),
        (httpx.HTTPError, "the call failed"),
        (Exception, "the answer cannot be read"),
    ),
    unconnected=(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    bad_proxies=(httpx.UnsupportedProtocol, httpx.InvalidURL),
    of_a_proxy=httpx.ProxyError,
    bundles=("SSL_CERT_FILE", "SSL_CERT_DIR"),
    or_bundle="the verify of the client",
    socks="httpx[socks]",
)


class AsyncSender:
    """Sends a request once, through an AsyncClient. One of its own keeps no cookie; it is made with the first call.

    `client`: None for one of its own, with so many `connections`, which goes through the environment's proxy unless it
    `is_here`: a sandbox on this machine is never reached through one. `timeout`: seconds to connect, seconds without a
    byte of the answer. What a client that is given has of proxies, certificates and headers is used; no redirect is
    followed.
    """

    def __init__(self, client: httpx.AsyncClient | None, timeout: Timeout, *, connections: int, is_here: bool) -> None:
        self._client = client
        self._own: httpx.AsyncClient | None = None
        self._timeout = timeout
        self._connections = connections
        self._is_here = is_here

    async def __call__(self, request: Request) -> Response:
        """Gainsight's answer. Raises as Sender does."""
        with logged(request) as answered:
            return answered(await self._exchange(request))

    @property
    def proxy(self) -> str | None:
        """Where the proxy that calls go through is named; None: there is none, or it is that of the client."""
        return None if self._client is not None or self._is_here else proxy_variable()

    async def close(self) -> None:
        """Close its own client."""
        own, self._own = self._own, None
        if own is not None:
            await own.aclose()

    async def _exchange(self, request: Request) -> Response:
        # The one packing that `_content` unpacks; httpx would do so without a bound.
        headers = {name.encode(): value for name, value in (headers_of(request) | {"Accept-Encoding": b"gzip"}).items()}
        body = body_of(request)
        connect, read = self._timeout
        timeout = httpx.Timeout(read, connect=connect, pool=None)
        client = self._client or self._own or self._made(request.action)
        try:
            sent = client.build_request(request.method, request.url, headers=headers, content=body, timeout=timeout)
            answer = await client.send(sent, stream=True, auth=None, follow_redirects=False)
            try:
                return Response(answer.status_code, await _content(answer, request.action), answer.headers)
            finally:
                await answer.aclose()
        except ResponseError:
            raise
        except Exception as error:  # noqa: BLE001 - an odd answer makes a client raise whatever it likes
            fault = error
        raise _FAULTS.error(request.action, fault, self.proxy)

    def _made(self, action: str) -> httpx.AsyncClient:
        """A client of its own. Raises CredentialsError for a proxy or a bundle of certificates that cannot work."""
        limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
        try:
            _check_proxy(self.proxy)
            self._own = httpx.AsyncClient(trust_env=not self._is_here, limits=limits)
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            fault = error
        else:
            self._own.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            return self._own
        is_proxys = self.proxy is not None and not isinstance(fault, OSError)
        useless = _FAULTS.bad_proxy(str(self.proxy)) if is_proxys else _FAULTS.bad_bundle()
        raise CredentialsError(action, f"{useless} ({type(fault).__name__})")


def _check_proxy(variable: str | None) -> None:
    """Raises ValueError for a proxy without a host, for which httpx would look again and again."""
    if variable is not None and "//" in os.environ[variable] and not urlsplit(os.environ[variable]).hostname:
        raise ValueError("no host")


async def _content(answer: httpx.Response, action: str) -> bytes:
    """The body, unpacked no further than it is read."""
    if answer.is_stream_consumed:  # as of a transport in a test
        return answer.content
    packing = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in {"gzip", "identity", ""}:
        raise httpx.DecodingError(packing)
    unpacker = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    content = bytearray()
    async for piece in answer.aiter_raw(PIECE):
        left = piece
        while left:
            content += left if unpacker is None else unpacker.decompress(left, PIECE)
            check_length(content, action, answer.status_code)
            left = b"" if unpacker is None else unpacker.unconsumed_tail
    if unpacker is not None and not unpacker.eof:
        raise httpx.DecodingError("it breaks off")
    return bytes(content)
