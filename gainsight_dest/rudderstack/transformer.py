"""RudderStack's transformer for this destination: what comes back for each item that rudder-server sends.

Pure functions of plain JSON data, but for `send`, which makes the calls that find and save the companies of groups: the
Gsid that a person is linked by is not known before. All else is left to rudder-server to deliver. Nothing raises: what
is wrong with an item is told in its place, and no item touches another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from gainsight_dest.api import Response, folded
from gainsight_dest.batch import Batch, transform_batch
from gainsight_dest.companies import CompaniesRequest
from gainsight_dest.descriptors import FindCompany, Request, UpsertPerson
from gainsight_dest.errors import CredentialsError, EventError, GainsightDestError
from gainsight_dest.fields import company_link, email_key
from gainsight_dest.lanes import Lane, Write
from gainsight_dest.merge import PERSON
from gainsight_dest.rudderstack.faults import DESTINATION, NO_METADATA, Failure, MisroutedError, answered, unforeseen
from gainsight_dest.rudderstack.items import Destinations, Item, Kept, items_of, opened
from gainsight_dest.rudderstack.send import Send, asked
from gainsight_dest.rudderstack.wire import as_wire, checked
from gainsight_dest.transform import transform

Data = dict[str, Any]

#: What rudder-server is told where it has sent no items.
NO_ITEMS = "Invalid event array"


def features() -> Data:
    """What rudder-server asks a transformer for first: what it can do."""
    return {
        "routerTransform": {DESTINATION.upper(): True},
        "regulations": [],
        "supportSourceTransformV1": True,
        "supportTransformerProxyV1": True,
        "upgradedToSourceTransformV2": True,
        "supportDestTransformCompactedPayloadV1": True,
    }


def processor(items: Any, send: Send) -> list[Data]:
    """One answer an item, in order: the request as `output`, or the error.

    `items`: a list of `{message, metadata, destination}`, or a body in the compacted format. What a group's company
    needs is sent by `send`, as many in a call as may be; the output is the link of the person.
    """
    read = items_of(items)
    if read is None:
        return [_processed(Item(None, {**NO_METADATA}, {}), Failure(EventError("the body", "must be a list of items")))]
    return processed(read, send)


def router(body: Any, send: Send, *, batch: bool = True) -> Data:
    """`{"output": […]}`, in which every item's metadata comes back exactly once.

    `body`: `{"input": [{message, metadata, destination}], "destType": "gainsight"}`, or the same in the compacted
    format. Items that write the same person share one, with `batched` true, where the writes may become one, as in a
    batch; `batch` False gives each item its own. An item whose message is a request already is passed through.
    """
    items = items_of(body) if isinstance(body, Mapping) else None
    if not items:
        return {"output": [{"metadata": [{**NO_METADATA}], "batched": False, "statusCode": 400, "error": NO_ITEMS}]}
    return routed(items, body.get("destType"), send, batch=batch)


def processed(items: Sequence[Item], send: Send) -> list[Data]:
    """`processor` for items that have been read."""
    return [_processed(item, result) for item, result in zip(items, _results(items, send), strict=True)]


def routed(items: Sequence[Item], meant_for: Any, send: Send, *, batch: bool = True) -> Data:
    """`router` for items that have been read, of a request that is meant for the destination of that name."""
    if isinstance(meant_for, str) and meant_for.strip().lower() not in {"", DESTINATION}:
        error = MisroutedError(f"this transformer is for {DESTINATION}, and the request for another destination")
        return {"output": [_routed([item], Failure(error)) for item in items]}
    shares = _shares(_results(items, send, passing=True), together=batch)
    return {"output": [_routed([items[index] for index in indices], result) for indices, result in shares]}


# --- from items to requests -------------------------------------------------------------------------------------------


@attrs.frozen
class _Passed:
    """A message that is a request already, as it goes back."""

    data: Data
    status: int


_Result = Request | Failure | _Passed


def _results(items: Sequence[Item], send: Send, *, passing: bool = False) -> list[_Result]:
    """What becomes of each item: the request that is left to send, or why there is none."""
    destinations = Destinations()
    results: list[_Result] = []
    groups: dict[int, dict[int, FindCompany]] = {}
    for index, item in enumerate(items):
        result = _begun(item, destinations, passing=passing)
        results.append(result)
        if type(result) is FindCompany:
            # Settings give the same config, not only an equal one, to all items that it is the same for.
            groups.setdefault(id(result.config), {})[index] = result
    for same in groups.values():
        for index, linked in zip(same, _linked([*same.values()], send), strict=True):
            results[index] = linked
    return results


def _begun(item: Item, destinations: Destinations, *, passing: bool) -> _Result:
    try:
        message = item.message
        if passing and type(message) is dict and (status := message.get("statusCode")):
            return _passed(message, status)
        config, event = destinations.settings(item.destination).of(message)
        return transform(event, config)
    except GainsightDestError as error:
        return Failure(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's alone
        return unforeseen(error)


def _passed(message: Data, status: Any) -> _Passed:
    if type(status) is not int or not 100 <= status <= 599:
        raise EventError("statusCode", "must be an HTTP status")
    return _Passed({**message, **checked(message)}, status)


def _linked(finds: Sequence[FindCompany], send: Send) -> Iterable[UpsertPerson | Failure]:
    """The links that are left once the companies are found and saved, or why there is none."""
    try:
        return [*_links(finds, send)]
    except Exception as error:  # noqa: BLE001 - the same
        return [unforeseen(error)] * len(finds)


def _links(finds: Sequence[FindCompany], send: Send) -> Iterator[UpsertPerson | Failure]:
    config = finds[0].config
    batch, answers = _saved(transform_batch(finds, config, attempts=1), send)
    outcomes = [batch.outcome(index) for index in range(len(finds))]
    # A wrong key has ended the batch: those that were not tried would have met it, too.
    stop = next((outcome for outcome in outcomes if isinstance(outcome.error, CredentialsError)), None)
    for find, outcome in zip(finds, outcomes, strict=True):
        if outcome.error is None and outcome.gsid is not None:
            yield UpsertPerson(config, company_link(find.email, outcome.gsid))
            continue
        fault = outcome if outcome.error or stop is None else stop
        answer = answers.get(fault.index)
        error = fault.error or RuntimeError("a company has neither a Gsid nor an error")
        yield Failure(error, None if answer is None else answered(answer, config))


def _saved(batch: Batch, send: Send) -> tuple[Batch, Mapping[int, Response]]:
    """The batch once its companies are saved, and the last answer for each of its events."""
    last: dict[int, Response] = {}
    while batch.requests and isinstance(batch.requests[0], CompaniesRequest):
        answers = [_answer(request, send) for request in batch.requests]
        for events, answer in zip(batch.events, answers, strict=True):
            for event in events:
                last.pop(event, None)
                if isinstance(answer, Response):
                    last[event] = answer
        batch = batch.next(answers)
    return batch, last


def _answer(request: Request, send: Send) -> Response | GainsightDestError:
    try:
        return asked(request, send)
    except GainsightDestError as error:
        return error


# --- which items share a request --------------------------------------------------------------------------------------

_Share = tuple[Sequence[int], _Result]


def _shares(results: Sequence[_Result], *, together: bool) -> list[_Share]:
    """Each result with the items that it is for, those that write the same person together where they may be."""
    if not together:
        return [((index,), result) for index, result in enumerate(results)]
    shares: list[_Share] = []
    people: dict[tuple[int, str], list[int]] = {}
    for index, result in enumerate(results):
        if type(result) is UpsertPerson:
            people.setdefault((id(result.config), folded(email_key(result.person))), []).append(index)
        else:
            shares.append(((index,), result))
    for indices in people.values():
        shares += [(indices, results[indices[0]])] if len(indices) == 1 else _merged(indices, results)
    return sorted(shares, key=lambda share: share[0][0])


def _merged(indices: Sequence[int], results: Sequence[_Result]) -> Iterator[_Share]:
    writes = {index: result for index in indices if isinstance(result := results[index], UpsertPerson)}
    lane = Lane(tuple(Write(index, request.person) for index, request in writes.items()))
    while not lane.is_done:
        person, count = lane.head(PERSON)
        events = lane.events(count)
        yield events, UpsertPerson(writes[events[0]].config, person)
        lane = lane.on(count)


# --- answers ----------------------------------------------------------------------------------------------------------


def _processed(item: Item, result: _Result) -> Data:
    if isinstance(result, Request):
        return {"output": {**as_wire(result), "userId": ""}, "metadata": item.metadata, "statusCode": 200}
    return {"metadata": item.metadata, **_told(result, "processor", item.metadata)}


def _routed(items: Sequence[Item], result: _Result) -> Data:
    metadata, destination = [item.metadata for item in items], items[0].destination
    if isinstance(result, Failure):
        told = _told(result, "router", *metadata)
        return {"metadata": metadata, "batched": False, **told, "destination": destination}
    request, status = (result.data, result.status) if isinstance(result, _Passed) else (as_wire(result), 200)
    return {
        "batchedRequest": request,
        "metadata": metadata,
        "batched": len(items) > 1,
        "statusCode": status,
        "destination": destination,
    }


def _told(failure: Any, feature: str, *metadata: Kept) -> Data:
    tags = failure.tags(feature, *map(opened, metadata))
    return {"statusCode": failure.status, "error": failure.text, "statTags": tags}
