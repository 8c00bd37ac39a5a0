"""RudderStack's transformer for this destination: what comes back for each item that rudder-server sends.

Pure functions of plain JSON data, except for `send`, which makes the calls that find and save the companies of groups:
the Gsid that a person is linked by is not known before; and except for a store, if one is shared. All else is left to
rudder-server to deliver. Nothing raises: what is wrong with an item stands in its place, and no item touches another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from gainsight_dest.batching.merge import merged
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import EventError, GainsightDestError
from gainsight_dest.fields import PERSON
from gainsight_dest.gainsight import folded
from gainsight_dest.known.known import Store, StoreError
from gainsight_dest.rudderstack.companies import links
from gainsight_dest.rudderstack.items import EventItem, RawObject, items_of, opened, stand_in
from gainsight_dest.rudderstack.send import Send
from gainsight_dest.rudderstack.shared import People, Shared
from gainsight_dest.rudderstack.sizes import letters, measured
from gainsight_dest.rudderstack.statuses import (
    DESTINATION,
    NO_METADATA,
    CrowdedError,
    Failure,
    MisroutedError,
    Unchanged,
    unforeseen,
)
from gainsight_dest.rudderstack.wire import as_wire, checked
from gainsight_dest.templates import afresh
from gainsight_dest.transform import transform

Data = dict[str, Any]

#: The error if rudder-server has sent no items.
NO_ITEMS = "Invalid event array"
#: Bytes that an answer may have, about. Each item's holds its destination, which many items may name: a request of a
#: kilobyte, packed, could ask for gigabytes.
LONGEST_ANSWER = 64 * 2**20


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


def processor(
    items: Any,
    send: Send,
    *,
    longest: int = LONGEST_ANSWER,
    store: Store | None = None,
    known: bool = False,
    resend_after: float | None = None,
) -> list[Data]:
    """One answer an item, in order: the request as `output`, or the error.

    `items`: a list of `{message, metadata, destination}`, or a body in the compacted format. What a group's company
    needs is sent by `send`, as many in a call as may be; the output is the link of the person. The rest is as for
    `router`.
    """
    shared = Shared.of(store, known=known, resend_after=resend_after)
    return processed(items_to_process(items), send, longest=longest, shared=shared)


def router(
    body: Any,
    send: Send,
    *,
    batch: bool = True,
    longest: int = LONGEST_ANSWER,
    store: Store | None = None,
    known: bool = False,
    resend_after: float | None = None,
) -> Data:
    """`{"output": […]}`, in which every item's metadata comes back exactly once.

    `body`: `{"input": [{message, metadata, destination}], "destType": "gainsight"}`, or the same in the compacted
    format. Items that write the same person share one, with `batched` true, where the writes may become one, as in a
    batch; `batch` False gives each item its own. An item whose message is a request already is passed through.

    `longest`: bytes that the answer may have as JSON, about. Items for which there is no room come back with status
    500, for rudder-server to try again; one that has no room alone is at fault. Of more than MOST_ITEMS items none is
    looked at, and none comes back: rudder-server tries all of them again.

    `store`: all that share it save a company one at a time, so none is created twice; an item whose company is
    being saved elsewhere for too long comes back with 500. `known`: an identify or a group that tells Gainsight nothing
    new comes back with 298, as filtered, unless it was told more than `resend_after` seconds ago (None: however long).
    What `proxy` has delivered, given the same store, counts as told. Raises ValueError for `known` without a store.
    """
    shared = Shared.of(store, known=known, resend_after=resend_after)
    return routed(*items_to_route(body), send, batch=batch, longest=longest, shared=shared)


def items_to_process(given: Any) -> list[EventItem]:
    """The items of what `processor` takes."""
    read = items_of(given)
    return stand_in(EventError("the body", "must be a list of items")) if read is None else read


def items_to_route(body: Any) -> tuple[list[EventItem], Any]:
    """The items of what `router` takes, and for which destination they are meant."""
    return (items_of(body) or [], body.get("destType")) if isinstance(body, Mapping) else ([], None)


#: The length of a request's body as JSON, in bytes, of which the second argument says what it is. Raises EventError.
Measure = Callable[[Any, str], int]


def processed(
    items: Sequence[EventItem],
    send: Send,
    *,
    longest: int = LONGEST_ANSWER,
    measure: Measure = measured,
    shared: Shared | None = None,
) -> list[Data]:
    """`processor` for items that have been read."""
    results = _Results(send, _AnswerRoom(longest, longest), measure, shared, passing=False).of(items)
    return [_processed(item.metadata, result) for item, result in zip(items, results, strict=True)]


def routed(
    items: Sequence[EventItem],
    meant_for: Any,
    send: Send,
    *,
    batch: bool = True,
    longest: int = LONGEST_ANSWER,
    measure: Measure = measured,
    shared: Shared | None = None,
) -> Data:
    """`router` for items that have been read, of a request that is meant for the destination of that name."""
    if not items:
        return {"output": [{"metadata": [{**NO_METADATA}], "batched": False, "statusCode": 400, "error": NO_ITEMS}]}
    if isinstance(meant_for, str) and meant_for.strip().lower() not in {"", DESTINATION}:
        error = MisroutedError(f"this transformer is for {DESTINATION}, and the request for another destination")
        shares: list[_Share] = [([item], Failure(error)) for item in items]
    else:
        results = _Results(send, _AnswerRoom(longest, longest), measure, shared, passing=True).of(items)
        shares = _shares(items, results, together=batch)
    return {"output": [_routed(*share) for share in shares]}


# --- from items to requests -------------------------------------------------------------------------------------------


@attrs.frozen
class _ReadyRequest:
    """A message that is a request already, as it goes back."""

    data: Data
    status: int


_Result = Request | Failure | Unchanged | _ReadyRequest

_Linked = UpsertPerson | Failure | Unchanged

#: What an answer has for each item beside what was sent with it: names, tags, the rest of a request.
_ITEM = 500


class _OverlongError(EventError):
    """The answer for the event alone would be too long."""


@attrs.define
class _AnswerRoom:
    """What is left of the length that an answer may have."""

    longest: int
    left: int

    def take(self, size: int, before: int = 0) -> None:
        """Takes so many bytes of it, for an item that has taken others before.

        Raises CrowdedError where they are not left, _OverlongError where there never were enough.
        """
        if before + size > self.longest:
            raise _OverlongError("the event", f"makes an answer of more than {self.longest:,} bytes")
        if size > self.left:
            raise CrowdedError(f"the answer to the request would have more than {self.longest:,} bytes")
        self.left -= size


class _Results:
    """The results for the items of a request: the requests that are left to send, or failures."""

    def __init__(
        self, send: Send, room: _AnswerRoom, measure: Measure, shared: Shared | None, *, passing: bool
    ) -> None:
        self._send = send
        self._room = room
        self._measure = measure
        self._shared = shared
        self._passing = passing
        self._headers: dict[int, int] = {}

    def of(self, items: Sequence[EventItem]) -> list[_Result]:
        """One result an item."""
        results = [self._begun(item) for item in items]
        if self._shared is not None and self._shared.is_known_left_out:
            return self._left_of(results, self._shared)
        return self._with_links(results, None)

    def _left_of(self, results: list[_Result], shared: Shared) -> list[_Result]:
        """The results, once what is known is left out; the rest is noted, as rudder-server will deliver it."""
        about = [each for each in results if isinstance(each, (UpsertPerson, FindCompany))]
        try:
            people = People(shared, about)
            passed: list[_Result] = [
                Unchanged() if isinstance(each, UpsertPerson) and people.pass_by(each) else each for each in results
            ]
            linked = self._with_links(passed, people)
            people.give(each for each in linked if isinstance(each, UpsertPerson))
        except StoreError as error:  # what is given to deliver must be noted, so none of them is given
            return [Failure(error) if isinstance(each, (UpsertPerson, FindCompany)) else each for each in results]
        return linked

    def _with_links(self, results: list[_Result], people: People | None) -> list[_Result]:
        """The results, with the links of groups in place of what their companies need."""
        results = [*results]
        groups: dict[int, dict[int, FindCompany]] = {}
        for index, result in enumerate(results):
            if type(result) is FindCompany:
                # Settings give the same config, not only an equal one, to all items that it is the same for.
                groups.setdefault(id(result.config), {})[index] = result
        for same in groups.values():
            for index, linked in zip(same, self._linked([*same.values()], people), strict=True):
                results[index] = linked
        return results

    def _begun(self, item: EventItem) -> _Result:
        """The item's result, if there is room for its answer.

        The destination counts for the processor too, in whose answers it is not: it is gone through for each item.
        """
        try:
            known = _ITEM + item.length
            self._room.take(known)
            try:
                result, size = self._measured(item)
            except GainsightDestError as error:
                result = Failure(error)
                size = letters(result.text)
            self._room.take(size, known)
        except GainsightDestError as error:
            return Failure(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's alone
            return unforeseen(error)
        return result

    def _measured(self, item: EventItem) -> tuple[_Result, int]:
        """The item's result, and how long that is."""
        message = item.message
        if item.fault:
            raise afresh(item.fault)
        if self._passing and type(message) is dict and (status := message.get("statusCode")):
            passed = _passed(message, status)
            return passed, measured(passed.data, "the event")
        config, event = item.settings.of(message)
        request = transform(event, config)
        size = self._headers.get(id(config))
        if size is None:
            size = self._headers[id(config)] = _headers(config)
        if type(request) is FindCompany:  # nothing is sent on but the link, of which the length is not known yet
            return request, size
        if type(request) is SendEvent and request.contract_id:
            size += letters(request.contract_id)
        return request, size + self._measure(request.body, "the event")

    def _linked(self, finds: Sequence[FindCompany], people: People | None) -> Iterable[_Linked]:
        """The links that are left once the companies are found and saved, or why there is none."""
        try:
            return [self._linked_in_room(result) for result in links(finds, self._send, self._shared, people)]
        except StoreError as error:
            return [Failure(error)] * len(finds)
        except Exception as error:  # noqa: BLE001 - the same
            return [unforeseen(error)] * len(finds)

    def _linked_in_room(self, result: _Linked) -> _Linked:
        """The result; where there is no room for what Gainsight has said, one without it."""
        if isinstance(result, Unchanged):
            return result
        try:
            self._room.take(letters(result.text) if isinstance(result, Failure) else measured(result.body, "the event"))
        except GainsightDestError as error:
            return Failure(result.error if isinstance(result, Failure) else error)
        return result


def _headers(config: DestinationConfig) -> int:
    """The length of the headers of a request as JSON, in bytes, at most: of all that is not the same for any config."""
    keys = (config.access_key, config.shared_secret, config.topic_name, config.tenant_id, config.contract_id)
    names = (max(map(letters, rows.values()), default=0) for rows in (config.event_name_map, config.event_version_map))
    return letters("".join(filter(None, keys))) + sum(names)


def _passed(message: Data, status: Any) -> _ReadyRequest:
    if type(status) is not int or not 100 <= status <= 599:
        raise EventError("statusCode", "must be an HTTP status")
    return _ReadyRequest({**message, **checked(message)}, status)


# --- which items share a request --------------------------------------------------------------------------------------

_Share = tuple[Sequence[EventItem], _Result]
_Writes = list[tuple[int, UpsertPerson]]


def _shares(items: Sequence[EventItem], results: Sequence[_Result], *, together: bool) -> list[_Share]:
    """Each result with the items that it is for, those that write the same person together where they may be."""
    shares: list[_Share] = [([item], result) for item, result in zip(items, results, strict=True)]
    if not together:
        return shares
    people: defaultdict[tuple[int, str], _Writes] = defaultdict(list)
    for index, result in enumerate(results):
        if type(result) is UpsertPerson:
            people[id(result.config), folded(PERSON.key_of(result.person))].append((index, result))
    joined: set[int] = set()
    for writes in people.values():
        for part in _parts(writes, items) if len(writes) > 1 else ():
            for (first, *others), request in _merged(part):
                shares[first] = ([items[first], *(items[index] for index in others)], request)
                joined.update(others)
    return [share for index, share in enumerate(shares) if index not in joined] if joined else shares


def _parts(writes: _Writes, items: Sequence[EventItem]) -> list[_Writes]:
    """The writes that may be merged, in order. One that must come back alone parts those before it from those after."""
    parts: list[_Writes] = [[]]
    for write in writes:
        if opened(items[write[0]].metadata).get("dontBatch"):
            parts += [[write], []]
        else:
            parts[-1].append(write)
    return parts


def _merged(writes: _Writes) -> Iterator[tuple[Sequence[int], UpsertPerson]]:
    """The indices of those that become one, and that one."""
    at = 0
    while at < len(writes):
        config = writes[at][1].config
        person, count = merged((writes[n][1].person for n in range(at, len(writes))), PERSON)
        yield [index for index, _ in writes[at : at + count]], UpsertPerson(config, person)
        at += count


# --- answers ----------------------------------------------------------------------------------------------------------


def _processed(metadata: RawObject, result: _Result) -> Data:
    given = {} if metadata is None else {"metadata": metadata}
    if isinstance(result, Unchanged):
        return {**given, "statusCode": result.status, "error": result.text}
    if isinstance(result, Failure):
        return {**given, **_failed(result, "processor", [metadata])}
    request, status = _request(result)
    return {"output": {**request, "userId": ""}, **given, "statusCode": status}


def _routed(items: Sequence[EventItem], result: _Result) -> Data:
    metadata = [item.metadata for item in items if item.metadata is not None]
    if isinstance(result, Unchanged):
        said = {"statusCode": result.status, "error": result.text}
        return {"metadata": metadata, "batched": False, **said, "destination": items[0].destination}
    if isinstance(result, Failure):
        is_short = isinstance(result.error, _SHORT) or not isinstance(result.error, GainsightDestError)
        return {
            "metadata": metadata,
            "batched": False,
            **_failed(result, "router", metadata),
            "destination": _named(metadata) if is_short else items[0].destination,
        }
    request, status = _request(result)
    return {
        "batchedRequest": request,
        "metadata": metadata,
        "batched": len(items) > 1,
        "statusCode": status,
        "destination": items[0].destination,
    }


def _request(result: Request | _ReadyRequest) -> tuple[Data, int]:
    return (result.data, result.status) if isinstance(result, _ReadyRequest) else (as_wire(result), 200)


#: With these, as with a fault of our own, comes no more of the destination than its id: how long it is, is not counted.
_SHORT = (CrowdedError, MisroutedError, _OverlongError)


def _named(metadata: Sequence[RawObject]) -> Data:
    """What is left of a destination that there is no room for: its id, as the metadata has it."""
    names = [name for each in metadata if isinstance(name := opened(each).get("destinationId"), str)]
    return {"id": names[0]} if names else {}


def _failed(failure: Failure, feature: str, metadata: Sequence[RawObject]) -> Data:
    tags = failure.tags(feature, *map(opened, metadata))
    return {"statusCode": failure.status, "error": failure.text, "statTags": tags}
