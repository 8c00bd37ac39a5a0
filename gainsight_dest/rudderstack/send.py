"""What makes a call to Gainsight, as the program that embeds the transformer provides it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from gainsight_dest.descriptors import Request
from gainsight_dest.errors import GainsightDestError, RetryableError
from gainsight_dest.gainsight import Response

#: Makes the call, once: rudder-server tries again. It gives Gainsight's answer, or raises: a GainsightDestError says
#: what to do, anything else counts as no answer. `gainsight_dest.deliver.Sender` is one.
Send = Callable[[Request], Response]


def may_ask(request: Request, send: Send) -> None:
    """Raises what a call would raise at once, where `send` may make none now.

    A `send` may have a method `check` that tells that of a request, before anything is done for the call.
    """
    check = getattr(send, "check", None)
    if check is not None:
        check(request)


def came_at(send: Send) -> float:
    """When the request came for which `send` makes calls, in seconds since the epoch: now, if it does not tell."""
    came: float | None = getattr(send, "came_at", None)
    return time.time() if came is None else came


def asked(request: Request, send: Send) -> Response:
    """The answer. Raises GainsightDestError for none, whatever `send` has raised."""
    try:
        answer: object = send(request)
    except GainsightDestError:
        raise
    except Exception as error:  # noqa: BLE001 - another client has other errors
        name = type(error).__name__
    else:
        if isinstance(answer, Response) and _is_whole(answer):
            return answer
        name = f"no whole Response, but a {type(answer).__name__}"
    raise RetryableError(request.action, f"no answer ({name})")


def _is_whole(answer: Response) -> bool:
    """Whether each part of the answer is what it should be."""
    status, body, headers = (answer.status, answer.body, answer.headers)
    is_status = type(status) is int and 100 <= status <= 999
    return is_status and isinstance(body, bytes) and isinstance(headers, Mapping)
