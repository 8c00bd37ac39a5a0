"""One call to Gainsight, whatever client makes it: what is sent, how much is read, and which error a fault becomes."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from gainsight_dest import __version__
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request, checked_base_url
from gainsight_dest.errors import (
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
#: An answer is read in pieces of so many bytes.
PIECE = 64 * 1024

#: Seconds to connect, and seconds without a byte of the answer.
Timeout = tuple[float, float]
TIMEOUT: Timeout = (5, 30)

#: Seconds for a whole call, from the look-up of the host to the last byte of the answer.
DEADLINE = 60.0

#: A gateway may refuse a call of these with a body.
_WITHOUT_BODY = frozenset({"GET", "DELETE"})

#: The variables that a client takes a proxy from: first match.
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@attrs.frozen
class Faults:
    """The errors of a client, and which of ours they become.

    `meanings`: what the ways to get no answer are called: first match. `unconnected`: what lies behind a connection
    that was never made; `bad_proxies`: behind a proxy that cannot be one; `of_a_proxy`: what a proxy is refused by.
    `bundles`: the variables that a bundle of certificates is taken from, `or_bundle`: where else it may be named.
    `socks`: what to install for SOCKS.
    """

    meanings: tuple[tuple[type[Exception], str], ...]
    unconnected: tuple[type[Exception], ...]
    bad_proxies: tuple[type[Exception], ...]
    of_a_proxy: type[Exception]
    bundles: tuple[str, ...]
    or_bundle: str
    socks: str

    def error(self, action: str, fault: Exception, proxy: str | None) -> ResponseError:
        """The error for a call that got no answer. `proxy`: where the proxy is named, if there is one."""
        chain = list(_chain(fault))
        name = type(chain[-1]).__name__
        if useless := self._useless(chain, proxy):
            return CredentialsError(action, f"{useless} ({name})")
        meaning = next(meaning for kind, meaning in self.meanings if isinstance(fault, kind))
        if isinstance(chain[-1], socket.gaierror):
            meaning += ": no host of that name is found"
        is_connected = not any(isinstance(each, self.unconnected) for each in chain)
        return (RetryableError if is_connected else UnreachableError)(action, f"{meaning} ({name})")

    def _useless(self, chain: list[BaseException], proxy: str | None) -> str | None:
        """What cannot work for any call, and where it is named; None: nothing of the kind."""
        innermost = chain[-1]
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain):
            return "the host's certificate is not trusted: is the domain right?"
        if proxy and (any(isinstance(each, self.bad_proxies) for each in chain) or "SOCKS" in str(innermost)):
            return self.bad_proxy(proxy)
        if proxy and "407" in str(innermost) and any(isinstance(each, self.of_a_proxy) for each in chain):
            return f"the proxy asks for a user and a password (407): look at {proxy}"
        is_about_a_bundle = "CA certificate bundle" in str(innermost) or "NO_CERTIFICATE_OR_CRL_FOUND" in str(innermost)
        if isinstance(innermost, OSError) and is_about_a_bundle:
            return self.bad_bundle()
        return None

    def bad_proxy(self, proxy: str) -> str:
        """What to tell of a proxy that cannot be one."""
        return f"the proxy cannot be used: look at {proxy}, and for SOCKS install {self.socks}"

    def bad_bundle(self) -> str:
        """What to tell of a bundle that holds no certificates."""
        return f"the bundle of certificates cannot be read: look at {variable(self.bundles) or self.or_bundle}"


@contextmanager
def logged(request: Request) -> Iterator[Callable[[Response], Response]]:
    """One line of the log for the call: method, path, its answer, which goes through what this gives, or its error."""
    started = time.perf_counter()

    def ended(words: str) -> None:
        log.debug("%s %s: %s, %.0f ms", request.method, request.path, words, (time.perf_counter() - started) * 1000)

    def answered(response: Response) -> Response:
        if log.isEnabledFor(logging.DEBUG):
            ended(f"HTTP {response.status}, request id {request_id(response, request.config.hide)}")
        return response

    try:
        yield answered
    except ResponseError as error:
        ended(error.problem)
        raise


def target_of(config: DestinationConfig | Settings, base_url: str | None) -> str:
    """Whom requests of the config go to: the tenant by its host, and by way of what, if any. Raises ConfigError."""
    tenant = f"https://{config.domain}"
    return tenant if base_url is None else f"{tenant} by way of {checked_base_url(base_url)}"


def headers_of(request: Request) -> dict[str, bytes]:
    """Values as UTF-8. Spaces around a value are no part of it in HTTP, and clients refuse them."""
    headers = {name: value.strip().encode() for name, value in request.headers.items()}
    return {**headers, "User-Agent": USER_AGENT.encode()}


def body_of(request: Request) -> bytes:
    """JSON, or nothing where the method carries none. Raises EventError."""
    if request.method in _WITHOUT_BODY:
        return b""
    try:
        return json.dumps(request.body, allow_nan=False).encode()
    except ValueError:  # an integer of thousands of digits
        raise EventError("the event", "holds a number that cannot be written as JSON") from None


def check_length(content: bytearray, action: str, status: int) -> None:
    """Raises RetryableError for an answer that goes on too long."""
    if len(content) > LONGEST_ANSWER:
        raise RetryableError(action, f"the answer is longer than {LONGEST_ANSWER:,} bytes", status)


def too_late(action: str, deadline: float) -> RetryableError:
    """The error for an answer that took more than so many seconds."""
    return RetryableError(action, f"no whole answer within {deadline:g} seconds")


def proxy_variable() -> str | None:
    """The variable that names the proxy; None: there is no proxy."""
    return variable(_PROXIES)


def variable(names: tuple[str, ...]) -> str | None:
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
