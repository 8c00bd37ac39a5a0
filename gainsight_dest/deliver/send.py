"""One call to Gainsight with requests."""

from __future__ import annotations

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxySchemeUnknown

from gainsight_dest.deliver import transport
from gainsight_dest.deliver.call import (
    DEADLINE,
    PIECE,
    TIMEOUT,
    Faults,
    Timeout,
    body_of,
    check_length,
    headers_of,
    logged,
    proxy_variable,
    too_late,
)
from gainsight_dest.descriptors import Request, checked_base_url
from gainsight_dest.errors import ResponseError
from gainsight_dest.gainsight import Response

_FAULTS = Faults(
    meanings=(
        (requests.ConnectTimeout, "no connection in time"),
        (requests.ReadTimeout, "no answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
        (requests.exceptions.ContentDecodingError, "the answer cannot be decoded"),
        (requests.exceptions.SSLError, "no secure connection"),
        (requests.exceptions.ProxyError, "the proxy gave no connection"),
        (requests.ConnectionError, "the connection failed"),
        (requests.RequestException, "the call failed"),
        (Exception, "the answer cannot be read"),
    ),
    unconnected=(ConnectTimeoutError, NewConnectionError),
    bad_proxies=(requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema, ProxySchemeUnknown),
    of_a_proxy=requests.exceptions.ProxyError,
    bundles=("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    or_bundle="the verify of the session",
    socks="requests[socks]",
)


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
        timeout: Timeout = TIMEOUT,
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
        cannot be trusted, and for a proxy or a bundle of certificates that cannot work; EventError for a number that
        cannot be sent.
        """
        with logged(request) as answered:
            return answered(self._exchange(request))

    @property
    def proxy(self) -> str | None:
        """Where the proxy that calls go through is named: a variable, or the session. None: there is no proxy."""
        if self._proxies is not None:
            return None
        if self._session.proxies:
            return "the session's proxies"
        return proxy_variable() if self._session.trust_env else None

    def _exchange(self, request: Request) -> Response:
        url = request.url if self._base is None else self._base + request.path
        headers, body = headers_of(request), body_of(request)
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
            raise too_late(request.action, self._deadline)
        raise _FAULTS.error(request.action, fault, self.proxy)


def _content(answer: requests.Response, action: str) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(PIECE):
        content += chunk
        check_length(content, action, answer.status_code)
    return bytes(content)


def _without_redirect(answer: requests.Response, **_: object) -> None:
    """Keeps requests from reading a redirect, as a whole, to see where it leads."""
    answer.headers.pop("Location", None)


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding what a .netrc file may hold for the host."""
    return prepared
