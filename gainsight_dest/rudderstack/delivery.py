"""RudderStack's delivery proxy for this destination: sends a request of rudder-server's, and gives the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gainsight_dest.errors import GainsightDestError
from gainsight_dest.known.known import Store
from gainsight_dest.rudderstack.items import MOST_ITEMS
from gainsight_dest.rudderstack.send import Send, asked
from gainsight_dest.rudderstack.shared import Shared, delivering
from gainsight_dest.rudderstack.sizes import fit
from gainsight_dest.rudderstack.statuses import AnswerData, CrowdedError, Failure, answered, unforeseen
from gainsight_dest.rudderstack.transformer import LONGEST_ANSWER
from gainsight_dest.rudderstack.wire import from_wire

#: The versions of the protocol, by what they are called: whether metadata is a list, and each of it answered.
VERSIONS: Mapping[str, bool] = {"v0": False, "v1": True}
FEATURE = "dataDelivery"

Data = dict[str, Any]


def proxy(
    version: str | int, body: Any, send: Send, *, store: Store | None = None, resend_after: float | None = None
) -> Data:
    """`{"output": {"status", "message", …}}`: `status` is the delivery's, and `http_status` that of the HTTP answer.

    `version`: "v0" or 0, whose body carries one object as `metadata`, or "v1" or 1, with a list of them. `body`: a
    request as the router gave it. `send` makes the call, once. What is wrong with the body counts as the event's
    or the config's fault. `store`, `resend_after`: where to note what was delivered of people, for a router that leaves
    out what is known. Raises ValueError for another version, and nothing else.
    """
    shared = Shared.of(store, known=store is not None, resend_after=resend_after)
    return proxied(version, body, send, shared)


def proxied(version: str | int, body: Any, send: Send, shared: Shared | None) -> Data:
    """`proxy`, with what its requests share."""
    version = _version(version)
    metadata = _metadata(body)
    result = _sent(body, send, shared) if len(metadata) <= MOST_ITEMS else Failure(_TOO_MANY)
    metadata = metadata[:MOST_ITEMS]
    tags: Data = {}
    message = "success"
    if isinstance(result, Failure):
        message, status, answer = result.text, result.status, result.destination_response
        tags = {"statTags": result.tags(FEATURE, *metadata)}
    else:
        status, answer = result["status"], result
    details: Data
    if VERSIONS[version]:
        error = message[: LONGEST_ANSWER // max(1, len(metadata))]
        details = {"response": [{"error": error, "statusCode": status, "metadata": each} for each in metadata]}
    else:
        details = {"destinationResponse": answer}
    return {"output": {"status": status, "message": message, **details, **tags}}


def http_status(version: str | int, answer: Data) -> int:
    """The status of the HTTP answer that carries what `proxy` gave.

    By v1, rudder-server reads the delivery's status inside. By v0 it goes by this one, but takes 404 for a route that
    is not there, and would try again.
    """
    status: int = answer["output"]["status"]
    if VERSIONS[_version(version)] or 200 <= status <= 299:
        return 200
    return 400 if status == 404 else status


_TOO_MANY = CrowdedError(f"a delivery for more than {MOST_ITEMS:,} jobs is not looked at")


def _version(version: str | int) -> str:
    version = version if isinstance(version, str) else f"v{version}"
    if version not in VERSIONS:
        raise ValueError(f"version must be one of {', '.join(VERSIONS)}")
    return version


def _sent(body: Any, send: Send, shared: Shared | None) -> AnswerData | Failure:
    answer = None
    try:
        request = from_wire(body)
        with delivering(request, send, shared) as took:
            response = asked(request, send)
            answer = answered(response, request.config)
            request.next(response)
            took(response)
    except GainsightDestError as error:
        return Failure(error, answer)
    except Exception as error:  # noqa: BLE001 - whatever it is, the job must come back
        return unforeseen(error)
    return answer


def _metadata(body: Any) -> list[Mapping[str, Any]]:
    given = body.get("metadata") if isinstance(body, Mapping) else None
    several = given if isinstance(given, list) else [given]
    return [fit(dict(each), "metadata")[0] for each in several if isinstance(each, Mapping)]
