"""Calls to Gainsight, one at a time, of commands that ask it something: options, and the calls that were made."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, TypeVar

import click

from gainsight_dest import ConfigError, DestinationConfig, Request, Response
from gainsight_dest.cli.files import WrongInputError, needs
from gainsight_dest.cli.options import number_option
from gainsight_dest.descriptors import checked_base_url

_F = TypeVar("_F", bound=Callable[..., Any])
_SECONDS, _MOST_SECONDS, _TO_CONNECT = 60, 3600, 5


def ask_options(command: _F) -> _F:
    """The options of where calls go, and how long each may take."""
    how_long = "The longest time that a call may take, in seconds."
    seconds = number_option("--timeout", _SECONDS, how_long, least=1, most=_MOST_SECONDS)
    about = "Ask this address instead of Gainsight, for example a sandbox."
    return click.option("--base-url", metavar="URL", help=about)(seconds(command))


class CountedCalls:
    """Sends requests, each once, and counts them; to be closed. Raises WrongInputError for an address that is none."""

    def __init__(self, command: str, base_url: str | None, timeout: int) -> None:
        needs(command, "deliver", "requests")
        from gainsight_dest.deliver import transport  # noqa: PLC0415 - after the check above
        from gainsight_dest.deliver.send import Sender  # noqa: PLC0415 - the same

        self._session = transport.session()
        try:
            times = (min(_TO_CONNECT, timeout), timeout)
            self._send = Sender(self._session, base_url, times, timeout)
        except ConfigError as error:
            raise WrongInputError(f"--base-url: {error.problems[0][1]}") from None
        #: How many calls were begun.
        self.made = 0
        self._base_url = base_url

    def __enter__(self) -> CountedCalls:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @property
    def proxy(self) -> str | None:
        """Where the proxy is named that calls go through; None: there is none."""
        return self._send.proxy

    def at(self, config: DestinationConfig) -> DestinationConfig:
        """The config, for requests to where the calls go."""
        return config if self._base_url is None else config.at(checked_base_url(self._base_url))

    def __call__(self, request: Request) -> Response:
        """Gainsight's answer. Raises ResponseError."""
        self.made += 1
        return self._send(request)


def unknown_host(name: str) -> str | None:
    """Why the system knows no host of that name, which may have a port; None if it does."""
    host = name.rpartition("]")[0].lstrip("[") if name.startswith("[") else name.partition(":")[0]
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:  # a UnicodeError: no host can have that name
        return f"no host of that name is found ({type(error).__name__})"
    return None
