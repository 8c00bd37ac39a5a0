"""One call to Gainsight with requests: the only function of the library that touches a network."""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from gainsight_dest import __version__
from gainsight_dest.api import Response, request_id
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ConfigError, CredentialsError, EventError, ResponseError, RetryableError

log = logging.getLogger("gainsight_dest.deliver")

USER_AGENT = f"gainsight-dest/{__version__}"
#: No answer to a single record is near as long; reading on would cost memory for nothing.
LONGEST_ANSWER = 8 * 1024 * 1024
_CHUNK = 64 * 1024

Timeout = tuple[float, float]

#: What the ways to get no answer are called: first match.
_FAULTS: tuple[tuple[type[requests.RequestException], str], ...] = (
    (requests.ConnectTimeout, "no connection in time"),
    (requests.ReadTimeout, "no answer in time"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    (requests.exceptions.ContentDecodingError, "the answer cannot be decoded"),
    (requests.exceptions.SSLError, "no secure connection"),
    (requests.ConnectionError, "the connection failed"),
    (requests.RequestException, "the call failed"),
)


class Sender:
    """Sends a request once, through a Session, to Gainsight or to what stands at `base_url`. Raises ConfigError.

    For whoever tries again by himself: `while request is not None: request = request.next(sender(request))`. `session`:
    None for one of its own. `timeout`: seconds to connect, seconds without a byte of the answer.
    """

    def __init__(
        self, session: requests.Session | None = None, base_url: str | None = None, timeout: Timeout = (5, 30)
    ) -> None:
        self._session = session or requests.Session()
        self._base = None if base_url is None else checked_base_url(base_url)
        self._timeout = timeout
        # A sandbox on this machine is never reached through a proxy that the environment names.
        is_here = self._base is not None and self._base.startswith("http:")
        self._proxies = dict.fromkeys(("http", "https", "all"), "") if is_here else None

    def __call__(self, request: Request) -> Response:
        """Gainsight's answer. Raises RetryableError for none, CredentialsError for a host that cannot be trusted."""
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

    def _exchange(self, request: Request, url: str) -> Response:
        try:
            with self._session.request(
                request.method,
                url,
                headers=_headers(request),
                data=_body(request),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                proxies=self._proxies,
                auth=_no_auth,
            ) as answer:
                body = b"".join(_chunks(answer, request.action))
                return Response(answer.status_code, body, answer.headers)
        except requests.RequestException as error:
            fault = error
        raise _error(request.action, fault)


def target_of(config: DestinationConfig, base_url: str | None) -> str:
    """Where requests of the config go: the base URL, or else the tenant's host. Raises ConfigError."""
    return f"https://{config.domain}" if base_url is None else checked_base_url(base_url)


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


def _chunks(answer: requests.Response, action: str) -> Iterator[bytes]:
    length = 0
    for chunk in answer.iter_content(_CHUNK):
        length += len(chunk)
        if length > LONGEST_ANSWER:
            answer.close()
            raise RetryableError(action, f"the answer is longer than {LONGEST_ANSWER:,} bytes", answer.status_code)
        yield chunk


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding what a .netrc file may hold for the host."""
    return prepared


def _error(action: str, fault: requests.RequestException) -> ResponseError:
    innermost = _innermost(fault)
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return CredentialsError(action, "the host's certificate is not trusted: is the domain right?")
    meaning = next(meaning for kind, meaning in _FAULTS if isinstance(fault, kind))
    return RetryableError(action, f"{meaning} ({type(innermost).__name__})")


def _innermost(error: BaseException) -> BaseException:
    """What lies behind the layers that requests and urllib3 put around an error."""
    seen = {id(error)}
    while True:
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        following = next((each for each in inner if isinstance(each, BaseException) and id(each) not in seen), None)
        if following is None:
            return error
        error = following
        seen.add(id(error))


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
