"""One call to Gainsight with requests: the only function of the library that touches a network."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxySchemeUnknown

from gainsight_dest import __version__
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver import transport
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import (
    ConfigError,
    CredentialsError,
    EventError,
    ResponseError,
    RetryableError,
    UnreachableError,
)
from gainsight_dest.gainsight import Response, request_id
from gainsight_dest.templates import Settings

log = logging.getLogger("gainsight_dest.deliver")

USER_AGENT = f"gainsight-dest/{__version__}"
#: No answer to a single record is near as long; reading on would cost memory for nothing.
LONGEST_ANSWER = 8 * 1024 * 1024
_CHUNK = 64 * 1024

Timeout = tuple[float, float]

#: Seconds for a whole call, from the look-up of the host to the last byte of the answer.
DEADLINE = 60.0

#: What the ways to get no answer are called: first match.
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (requests.ConnectTimeout, "no connection in time"),
    (requests.ReadTimeout, "no answer in time"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    (requests.exceptions.ContentDecodingError, "the answer cannot be decoded"),
    (requests.exceptions.SSLError, "no secure connection"),
    (requests.exceptions.ProxyError, "the proxy gave no connection"),
    (requests.ConnectionError, "the connection failed"),
    (requests.RequestException, "the call failed"),
    (Exception, "the answer cannot be read"),
)
#: What lies behind a connection that was never made.
_NOT_CONNECTED = (ConnectTimeoutError, NewConnectionError)
#: What lies behind a proxy that cannot be one.
_NO_PROXIES = (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema, ProxySchemeUnknown)

#: The variables that requests takes a proxy or a bundle of certificates from: first match.
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Sender:
    """Sends a request once, through a Session, to Gainsight or to what stands at `base_url`. Raises ConfigError.

    For whoever tries again by himself: `while request is not None: request = request.next(sender(request))`. `session`:
    None for one of its own, which keeps no cookie. `timeout`: seconds to connect, seconds without a byte of the answer.
    `deadline`: seconds for the whole call. What the session has of proxies, certificates, adapters and hooks is used,
    and its adapters are made to keep the deadline; no redirect is followed.
    """

    def __init__(
        self,
        session: requests.Session | None = None,
        base_url: str | None = None,
        timeout: Timeout = (5, 30),
        deadline: float = DEADLINE,
    ) -> None:
        if deadline <= 0:
            raise ValueError(f"deadline must be above 0 seconds, not {deadline}")
        self._session = session or transport.session()
        transport.watch(self._session)
        self._deadline = deadline
        self._base = None if base_url is None else checked_base_url(base_url)
        self._timeout = timeout
        # A sandbox on this machine is never reached through a proxy that the environment names.
        is_here = self._base is not None and self._base.startswith("http:")
        self._proxies = dict.fromkeys(("http", "https", "all"), "") if is_here else None

    def __call__(self, request: Request) -> Response:
        """Gainsight's answer.

        Raises RetryableError for none, UnreachableError among them for no connection; CredentialsError for a host that
        cannot be trusted, and for a proxy or a bundle of certificates that cannot work.
        """
        started = time.perf_counter()
        url = request.url
        path = url[url.index("/", len("https://")) :]
        try:
            response = self._exchange(request, f"{self._base}{path}" if self._base else url)
        except ResponseError as error:
            log.debug("%s %s: %s, %.0f ms", request.method, path, error.problem, _milliseconds(started))
            raise
        if log.isEnabledFor(logging.DEBUG):
            answered = (response.status, request_id(response, request.config.hide), _milliseconds(started))
            log.debug("%s %s: HTTP %s, request id %s, %.0f ms", request.method, path, *answered)
        return response

    @property
    def proxy(self) -> str | None:
        """Where the proxy that calls go through is named: a variable, or the session. None: there is no proxy."""
        if self._proxies is not None:
            return None
        if self._session.proxies:
            return "the session's proxies"
        return _variable(_PROXIES) if self._session.trust_env else None

    def _exchange(self, request: Request, url: str) -> Response:
        headers, body = _headers(request), _body(request)
        with transport.in_time(self._deadline, self._session, url) as call:
            try:
                answer = self._session.request(
                    request.method,
                    url,
                    headers=headers,
                    data=body,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                    proxies=self._proxies,
                    auth=_no_auth,
                    hooks={"response": [*self._session.hooks["response"], _without_redirect]},
                )
                with answer:
                    response = Response(answer.status_code, _content(answer, request.action), answer.headers)
            except ResponseError:
                raise
            except Exception as error:  # noqa: BLE001 - an odd answer makes requests and urllib3 raise whatever they like
                fault = error
            else:
                if not call.is_over:
                    return response
        if call.is_over:
            raise RetryableError(request.action, f"no whole answer within {self._deadline:g} seconds")
        raise self._error(request.action, fault)

    def _error(self, action: str, fault: Exception) -> ResponseError:
        chain = list(_chain(fault))
        name = type(chain[-1]).__name__
        if useless := _useless(chain, self.proxy):
            return CredentialsError(action, f"{useless} ({name})")
        meaning = next(meaning for kind, meaning in _FAULTS if isinstance(fault, kind))
        if isinstance(chain[-1], socket.gaierror):
            meaning += ": no host of that name is found"
        is_connected = not any(isinstance(each, _NOT_CONNECTED) for each in chain)
        return (RetryableError if is_connected else UnreachableError)(action, f"{meaning} ({name})")


def target_of(config: DestinationConfig | Settings, base_url: str | None) -> str:
    """Whom requests of the config go to: the tenant by its host, and by way of what, if any. Raises ConfigError."""
    tenant = f"https://{config.domain}"
    return tenant if base_url is None else f"{tenant} by way of {checked_base_url(base_url)}"


def checked_base_url(base_url: str) -> str:
    """The URL without a closing slash: https, or plain http to this machine. Raises ConfigError."""
    try:
        parts = urlsplit(base_url)
        is_web = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        parts, is_web = urlsplit(""), False
    beside = (parts.query, parts.fragment, parts.path.strip("/"), "@" in parts.netloc)
    if not is_web or not parts.hostname or any(beside):
        raise ConfigError(("base_url", "must be a URL such as http://127.0.0.1:8080, without user, path or query"))
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigError(("base_url", "must be https: plain http would show the keys, and is for this machine only"))
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _headers(request: Request) -> dict[str, str | bytes]:
    """Values as UTF-8. Spaces around a value are no part of it in HTTP, and requests refuses them."""
    headers: dict[str, str | bytes] = {name: value.strip().encode() for name, value in request.headers.items()}
    headers["User-Agent"] = USER_AGENT
    return headers


def _body(request: Request) -> bytes:
    try:
        return json.dumps(request.body, allow_nan=False).encode()
    except ValueError:  # an integer of thousands of digits
        raise EventError("the event", "holds a number that cannot be written as JSON") from None


def _content(answer: requests.Response, action: str) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        content += chunk
        if len(content) > LONGEST_ANSWER:
            answer.close()
            raise RetryableError(action, f"the answer is longer than {LONGEST_ANSWER:,} bytes", answer.status_code)
    return bytes(content)


def _without_redirect(answer: requests.Response, **_: object) -> None:
    """Keeps requests from reading a redirect, as a whole, to see where it leads."""
    answer.headers.pop("Location", None)


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding what a .netrc file may hold for the host."""
    return prepared


def _useless(chain: list[BaseException], proxy: str | None) -> str | None:
    """What cannot work for any call, and where it is named; None: nothing of the kind."""
    innermost = chain[-1]
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
        return "the host's certificate is not trusted: is the domain right?"
    if proxy and (any(isinstance(each, _NO_PROXIES) for each in chain) or "SOCKS" in str(innermost)):
        return f"the proxy cannot be used: look at {proxy}, and for SOCKS install requests[socks]"
    if proxy and "407" in str(innermost) and any(isinstance(each, requests.exceptions.ProxyError) for each in chain):
        return f"the proxy asks for a user and a password (407): look at {proxy}"
    bundle = _variable(_BUNDLES)
    is_about_a_bundle = "CA certificate bundle" in str(innermost) or "NO_CERTIFICATE_OR_CRL_FOUND" in str(innermost)
    if isinstance(innermost, OSError) and is_about_a_bundle:
        return f"the bundle of certificates cannot be read: look at {bundle or 'the verify of the session'}"
    return None


def _variable(names: tuple[str, ...]) -> str | None:
    """The first of the environment's variables that is set."""
    return next((name for name in names if os.environ.get(name)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what lies behind it, through the layers that requests and urllib3 put around that."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None:
        yield following
        seen.add(id(following))
        inner = [getattr(following, "reason", None), *following.args, following.__cause__, following.__context__]
        following = next((each for each in inner if isinstance(each, BaseException) and id(each) not in seen), None)


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
