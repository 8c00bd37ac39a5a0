"""Gainsight's side of the conversation: addresses, headers, query bodies, answers, error codes.

All that is known of Gainsight's REST API stands in this module, as tables and pure functions. The pages that the rows
come from live under support.gainsight.com/gainsight_nxt/API_and_Developer_Docs/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn

import attrs

from gainsight_dest.errors import (
    BlockedError,
    CredentialsError,
    FieldError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
)
from gainsight_dest.secret import conceal

#: What Gainsight finds the record of a write by. A custom mapping onto one of them would write another record.
PERSON_KEY = "Email"
COMPANY_KEY = "Name"

#: What Gainsight gives a record to be known by.
GSID = "Gsid"

PERSON_OBJECT = "Person"
#: The key of each object that is known here, by the object's name.
KEYS = {PERSON_OBJECT: PERSON_KEY, "Company": COMPANY_KEY}

#: What Gainsight sets by itself in every record, and in a company: no mapping can write it.
SYSTEM_FIELDS = frozenset({GSID, "CreatedDate", "CreatedBy", "ModifiedDate", "ModifiedBy", "GsIngestionSource"})
COMPANY_SYSTEM_FIELDS = SYSTEM_FIELDS | {"Csat", "Nps", "CurrentScore", "PreviousScore", "ScorecardId", "Trend"}

#: Where a person carries links to companies.
LINKS = "companies"

#: What the name of a custom field ends in.
CUSTOM = "__gc"

#: Gainsight takes at most this many records in one company write, and all or none of them.
RECORDS_PER_WRITE = 50

#: How RudderStack names a contract id among a track event's external ids.
CONTRACT_ID_TYPE = "gainsightEventContractId"

#: How RudderStack names this destination in an event's `integrations`.
INTEGRATION = "Gainsight"


# --- addresses, headers, bodies ---------------------------------------------------------------------------------------

#: Person_API/People_API_Documentation: an upsert, one person a call.
PEOPLE_PATH = "/v1.0/api/people"
#: The same, as Gainsight's own web app calls it. A probe asks which of the two a tenant has.
OTHER_PEOPLE_PATH = "/v1/peoplemgmt/v1.0/people"
#: Events_API/Events_API.
EVENTS_PATH = "/v1.0/api/eventManager/event"


#: Users_API, "Read API": changes nothing, so it shows whether a key is accepted. Seen in code, not documented.
USERS_PATH = "/v1/users/services/list"


#: Data_Management_API/Metadata, "Post Describe OMD": the fields of many objects.
DESCRIBE_PATH = "/v1/meta/services/objects/describe"
#: The same page, "Get Lite API Call OMD": the objects, without their fields.
OBJECTS_PATH = "/v1/meta/services/objects/list"


def describe_path(name: str) -> str:
    """The fields of one object. Seen in code that runs against tenants, not documented."""
    return f"/v1/meta/services/objects/{name}/describe"


def picklist_path(category: str) -> str:
    """The options of a picklist. Seen, too; the field's `PICKLIST_CATEGORY_ID` names the category."""
    return f"/v1/meta/services/dropdowns/{category}"


def query_path(name: str) -> str:
    """Of the object of that name. Company_and_Relationship_API/Company_API_Documentation, "Read API"."""
    return f"/v1/data/objects/query/{name}"


def insert_path(name: str) -> str:
    """The same page, "Insert API"."""
    return f"/v1/data/objects/{name}"


def update_path(name: str, key: str) -> str:
    """The same page, "Update API": `keys` names the field that finds the records."""
    return f"{insert_path(name)}?keys={key}"


def delete_path(name: str, gsid: str) -> str:
    """The same page, "Delete API": one record."""
    return f"{insert_path(name)}/{gsid}"


#: What asking for the schema is called in errors.
DESCRIBE_ACTION = "describe objects"


def describe_body(names: Sequence[str]) -> dict[str, Any]:
    """The body that asks for the fields of those objects, options of picklists included. The documented values."""
    return {
        "objectNames": [*names],
        "includeChilds": "true",
        "childLevels": "0",
        "populatePickListOptions": "true",
        "removeHidden": "false",
        "host": "MDA",
    }


def record_headers(access_key: str) -> dict[str, str]:
    """For people and companies. About/API_Documentation_Overview."""
    return {"Accesskey": access_key, "Content-Type": "application/json"}


def event_headers(
    *,
    shared_secret: str,
    topic_name: str,
    tenant_id: str,
    event_name: str,
    event_version: str,
    contract_id: str | None,
    access_key: str | None,
) -> dict[str, str]:
    """For events: what would be the body elsewhere goes into headers. Events_API/Events_API."""
    headers = {
        "sharedSecret": shared_secret,
        "topicName": topic_name,
        "tenantId": tenant_id,
        "Content-Type": "application/json",
        "eventName": event_name,
        "eventVersion": event_version,
    }
    if contract_id is not None:
        headers[CONTRACT_ID_HEADER] = contract_id
    if access_key is not None:
        headers["Accesskey"] = access_key
    return {name: conceal(value, shared_secret, access_key) for name, value in headers.items()}


CONTRACT_ID_HEADER = "contractId"

#: The aliases of a query's conditions, enough for RECORDS_PER_WRITE: A to Z, AA to AZ. None of them is AND or OR.
_ALIASES = tuple(f"{first}{second}" for first in ("", "A") for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def query(key: str, *values: str) -> dict[str, Any]:
    """The body that asks for the records with those values of the key: conditions joined with OR, the documented form.

    Raises ValueError for more than RECORDS_PER_WRITE and two.
    """
    aliases = _ALIASES[: len(values)]
    conditions = [
        {"name": key, "alias": alias, "value": [value], "operator": "EQ"}
        for alias, value in zip(aliases, values, strict=True)
    ]
    return {"select": [key], "where": {"conditions": conditions, "expression": " OR ".join(aliases)}}


def query_of_one(key: str, value: str) -> dict[str, Any]:
    """The same for one value."""
    condition = {"name": key, "alias": "A", "value": [value], "operator": "EQ"}
    return {"select": [key], "where": {"conditions": [condition], "expression": "A"}}


def query_of_any(key: str) -> dict[str, Any]:
    """The body that asks for the key of one record, any of them."""
    return {"select": [key], "limit": 1, "offset": 0}


def users_body() -> dict[str, Any]:
    """The body that asks for the id of one user, any of them."""
    return {"includeTotal": False, "limit": 1, "page": 0, "select": ["GSID"]}


def records_body(*records: dict[str, Any]) -> dict[str, Any]:
    """The body of an insert or an update."""
    return {"records": list(records)}


# --- answers ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Response:
    """An answer of Gainsight, as any HTTP client gives it: status, body as it came, headers in any case.

    The repr shows neither body nor headers: an error description may hold a record's values.
    """

    status: int
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)


Hide = Callable[[str], str]


def check(response: Response, action: str, hide: Hide) -> dict[str, Any]:
    """The envelope of a success: a 2xx with a JSON object whose `result` is not false. Raises ResponseError."""
    return _checked(_envelope(response), response, action, hide)


def checked_envelope(envelope: Mapping[str, Any], action: str, hide: Hide) -> dict[str, Any]:
    """`check` for the JSON object of an answer whose status nobody has kept. Raises ResponseError."""
    return _checked({**envelope}, Response(200), action, hide)


def accepted(response: Response, action: str, hide: Hide) -> None:
    """Checks the answer to a write of which nothing need be known but that it was taken. Raises ResponseError.

    Gainsight does not document what such an answer holds: a 2xx without a body, or with JSON that is no object,
    will do.
    """
    value = _json(response.body)
    envelope = value if isinstance(value, dict) else None
    is_bare = envelope is None and (value is not _NOT_JSON or not response.body.strip())
    if not (is_bare and 200 <= response.status <= 299):
        _checked(envelope, response, action, hide)


def finds_record(response: Response, action: str, hide: Hide) -> bool:
    """Whether a query found a record. Raises ResponseError.

    "Nothing" has three forms: an empty list in `data.records` or in `data`, or `result: false` with the words or the
    code for it, at any status.
    """
    return bool(_found(response, action, hide))


def found_records(
    response: Response, key: str, values: Sequence[str], action: str, hide: Hide
) -> frozenset[str] | None:
    """Those values of the key that a query found; None where the answer does not say which. Raises ResponseError."""
    records = _found(response, action, hide)
    if len(values) == 1:
        return frozenset(values) if records else frozenset()
    by_folded = {folded(value): value for value in values}
    found = {_folded_key(record, key) for record in records}
    return frozenset(by_folded[each] for each in found if each) if found <= by_folded.keys() else None


def saved_gsid(response: Response, action: str, hide: Hide) -> str:
    """The Gsid of the one record that an insert or update saved. Raises ResponseError."""
    return saved_gsids(response, "", ("",), action, hide)[""]


def saved_gsids(response: Response, key: str, values: Sequence[str], action: str, hide: Hide) -> dict[str, str]:
    """The Gsids of the records that an insert or update saved, by the values of the key that were sent.

    Raises ResponseError, also where it has none. An answer's record belongs to the value that it names. Where none
    names any, it goes by their order, if there are as many as were sent. One without a Gsid is left out: none is better
    than that of another.
    """
    envelope = check(response, action, hide)
    records = _records(envelope) or []
    if len(values) == 1:
        records = records[:1]
    elif any(key in record for record in records):
        by_folded = {_folded_key(record, key): record for record in reversed(records)}
        records = [by_folded.get(folded(value), {}) for value in values]
    pairs = zip(values, records, strict=True) if len(records) == len(values) else ()
    gsids = {value: gsid for value, record in pairs if isinstance(gsid := record.get(GSID), str) and gsid.strip()}
    if not gsids:
        raise _error(NO_GSID, response, envelope, action, hide)
    return gsids


def no_gsid(action: str) -> ResponseError:
    """The error of a company that was saved among others and has no Gsid in the answer."""
    return NO_GSID.error(action, NO_GSID.meaning)


def not_found_yet(action: str) -> ResponseError:
    """The error of a company that is not found, though it may just have been created."""
    return NOT_YET.error(action, NOT_YET.meaning)


def is_of_gainsight(response: Response) -> bool:
    """Whether the answer is Gainsight's own, rather than that of a firewall or a proxy before it."""
    return _is_gainsights(_envelope(response))


def folded(key: str) -> str:
    """A record's key as Gainsight may compare it."""
    return key.strip().casefold()


def _folded_key(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return folded(value) if isinstance(value, str) else None


def _found(response: Response, action: str, hide: Hide) -> list[dict[str, Any]]:
    """The records that a query found. Raises ResponseError."""
    given = _envelope(response)
    if _says_nothing_found(given):
        return []
    envelope = _checked(given, response, action, hide)
    records = _records(envelope)
    if records is None:
        raise _error(NO_RECORDS, response, envelope, action, hide)
    return records


def request_id(response: Response, hide: Hide) -> str | None:
    """What Gainsight calls this exchange, if the answer tells."""
    return _request_id(_envelope(response) or {}, response, hide)


def _request_id(envelope: dict[str, Any], response: Response, hide: Hide) -> str | None:
    return _word(envelope.get("requestId"), hide) or _word(_header(response, "x-gs-request-id"), hide)


def _envelope(response: Response) -> dict[str, Any] | None:
    """The answer's JSON object; None for anything else."""
    value = _json(response.body)
    return value if isinstance(value, dict) else None


def _json(body: bytes) -> Any:
    """The JSON value of an answer; _NOT_JSON where it is none."""
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        return _NOT_JSON


def _checked(envelope: dict[str, Any] | None, response: Response, action: str, hide: Hide) -> dict[str, Any]:
    """The envelope, if it is that of a success. Raises ResponseError."""
    verdict = _verdict(response.status, envelope)
    if envelope is None or verdict is not None:
        raise _error(verdict or UNREADABLE, response, envelope or {}, action, hide)
    return envelope


def _is_gainsights(envelope: dict[str, Any] | None) -> bool:
    return envelope is not None and not envelope.keys().isdisjoint({"result", "errorCode", "requestId"})


def _not_json(constant: str) -> NoReturn:
    """NaN and the infinities, which Python's parser takes and JSON has not."""
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_not_json)
#: What is read of an answer that is not JSON.
_NOT_JSON = object()


def _records(envelope: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The records in `data.records` or in `data` itself; None if there is no list of objects in either place."""
    data = envelope.get("data")
    records = data.get("records") if isinstance(data, dict) else data
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        return records
    return None


def _says_nothing_found(envelope: dict[str, Any] | None) -> bool:
    if envelope is None or envelope.get("result") is not False:
        return False
    words = f"{envelope.get('errorDesc')} {envelope.get('message')}"
    return envelope.get("errorCode") == NOTHING_FOUND or "no data found" in words.lower()


# --- errors, by what to do --------------------------------------------------------------------------------------------


@attrs.frozen
class Code:
    """One of Gainsight's error codes: the error it becomes here, and what it means."""

    error: type[ResponseError]
    meaning: str


NOTHING_FOUND = "GSOBJ_1011"

#: What each code means, and so what to do. A code not listed counts by the HTTP status.
#: Sources: Error_Codes_for_Person_API, Error_Codes_for_Company,_Relationship,_and_Custom_Object_APIs.
CODES: dict[str, Code] = {
    "GU_2400": Code(ThrottledError, "too many calls"),
    "GS_APIG_2404": Code(ThrottledError, "too many calls"),
    "GU_1101": Code(RetryableError, "Gainsight has a temporary error"),
    "GSOBJ_1003": Code(RetryableError, "Gainsight has a temporary error"),
    "GS_APIG_2401": Code(CredentialsError, "the access key is not authorized"),
    "GS_APIG_2402": Code(CredentialsError, "this IP address is not allowed"),
    "GSOBJ_1024": Code(CredentialsError, "the authentication headers are wrong"),
    "GS_APIG_1000": Code(CredentialsError, "no such route: is the domain right?"),
    "GSOBJ_1001": Code(RejectedError, "a value is too long"),
    "GSOBJ_1002": Code(RejectedError, "a value is invalid"),
    "GSOBJ_1004": Code(RejectedError, "a Gsid is bad"),
    "GSOBJ_1005": Code(RejectedError, "a date-time is not understood"),
    "GSOBJ_1006": Code(RejectedError, "a date is not understood"),
    "GSOBJ_1007": Code(RejectedError, "null is not allowed"),
    "GSOBJ_1008": Code(RejectedError, "a value failed validation"),
    NOTHING_FOUND: Code(RejectedError, "nothing matches"),
    "GSOBJ_1012": Code(RejectedError, "a picklist value is bad"),
    "GSOBJ_VDTEMAIL1001": Code(RejectedError, "an email address is not accepted"),
    "GSOBJ_VDTBOOL1001": Code(RejectedError, "a boolean is not accepted"),
    "GSOBJ_VDTNUM1001": Code(RejectedError, "a number is not accepted"),
    "GSOBJ_VDTNUM1002": Code(RejectedError, "a number is not accepted"),
    "GSOBJ_VDTBSTR1001": Code(RejectedError, "a text is not accepted"),
    "GSOBJ_VDTDATIME1001": Code(RejectedError, "a date-time is not accepted"),
    "GSOBJ_VDTCURREN1001": Code(RejectedError, "a currency amount is not accepted"),
    "GSOBJ_VDTCURREN1002": Code(RejectedError, "a currency amount is not accepted"),
    "GSOBJ_VDTPERCENT1001": Code(RejectedError, "a percentage is not accepted"),
    "GSOBJ_VDTURL1001": Code(RejectedError, "a URL is not accepted"),
    "GSOBJ_VDTPKLST1001": Code(RejectedError, "a picklist value is not accepted"),
    "GSOBJ_VDTPKLST1002": Code(RejectedError, "a picklist value is not accepted"),
    "GSOBJ_VDTGSID1001": Code(RejectedError, "a Gsid is not accepted"),
    "GSOBJ_VDTSFDCID1001": Code(RejectedError, "a Salesforce id is not accepted"),
    "GSOBJ_VCRUDR1001": Code(RejectedError, "the record is empty"),
    "GSOBJ_VCRUDR1002": Code(RejectedError, "a field is unknown; a custom field's name ends in __gc"),
    "GSOBJ_PEOPLE1001": Code(RejectedError, "no such person"),
    "OBJECT_NOT_FOUND": Code(RejectedError, "no such object"),
}


UNREADABLE = Code(RetryableError, "the answer is not a JSON object")
NO_RECORDS = Code(RetryableError, "the answer holds no list of records")
NOT_YET = Code(RetryableError, "the company is not found, but may have been created a moment ago")
NO_GSID = Code(RetryableError, "the answer holds no Gsid of the company")
REFUSED = Code(RejectedError, "Gainsight refused the request")
BLOCKED = Code(BlockedError, "something before Gainsight refused the request: a firewall? a proxy? a wrong key?")

#: What each HTTP status means where no code says more: first match, both ends included.
STATUSES: tuple[tuple[int, int, Code], ...] = (
    (300, 399, Code(CredentialsError, "a redirect, not followed as the key would go with it: is the domain right?")),
    (401, 401, Code(CredentialsError, "the access key is not authorized")),
    (403, 403, Code(CredentialsError, "the access key lacks the right")),
    (408, 408, Code(RetryableError, "Gainsight took too long")),
    (429, 429, Code(ThrottledError, "too many calls")),
    (400, 499, REFUSED),
)
FAILED = Code(RetryableError, "Gainsight, or something before it, failed")


def _verdict(status: int, envelope: dict[str, Any] | None) -> Code | None:
    """What the answer means: None is a success. A known code says more than the status does."""
    result, code = (None, None) if envelope is None else (envelope.get("result"), _code(envelope))
    row = CODES.get(code) if isinstance(code, str) else None
    if 200 <= status <= 299:
        if envelope is None:
            return UNREADABLE
        return (row or REFUSED) if result is False else None if result is True else row
    if status in {401, 403} and not _is_gainsights(envelope):
        return BLOCKED
    return row or next((by_status for low, high, by_status in STATUSES if low <= status <= high), FAILED)


def _code(envelope: dict[str, Any]) -> Any:
    """The error code, for which a metadata call has a title."""
    code = envelope.get("errorCode")
    return envelope.get("title") if code is None and envelope.get("result") is False else code


def _error(code: Code, response: Response, envelope: dict[str, Any], action: str, hide: Hide) -> ResponseError:
    return code.error(
        action,
        code.meaning,
        response.status,
        _word(_code(envelope), hide),
        _request_id(envelope, response, hide),
        tuple(islice(_field_errors(envelope.get("data"), hide), _FIELD_ERRORS)),
        _retry_after(response),
    )


_WORD = r"[A-Za-z0-9_.-]{1,64}"
#: No more field errors of an answer are kept, nor longer values of them: an outcome may outlive a million others.
_FIELD_ERRORS = 100
_LONGEST_VALUE = 10_000


def _word(value: object, hide: Hide) -> str | None:
    """A code, an id or a field name out of an answer, if it looks like one: an error must not quote a record."""
    return hide(value) if isinstance(value, str) and re.fullmatch(_WORD, value) else None


def _field_errors(data: object, hide: Hide) -> Iterator[FieldError]:
    """The field errors of a refused write, which sit in lists of lists of `errors`, or in one flat list."""
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            waiting.append(item.get("errors"))
            if "fieldName" in item:
                field, code = _word(item["fieldName"], hide), _word(item.get("errorCode"), hide)
                yield FieldError(field, code, _refused(item.get("invalidValue")))


def _refused(value: Any) -> Any:
    """The value that Gainsight names as invalid: a scalar or a list of scalars, never a whole record."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (list, dict)) for item in items):
        return None
    return value if sum(len(item) if isinstance(item, str) else 1 for item in items) <= _LONGEST_VALUE else None


def _header(response: Response, name: str) -> str | None:
    for key, value in response.headers.items():
        if str(key).lower() == name:
            return str(value)
    return None


def _retry_after(response: Response) -> float | None:
    """Seconds to wait, from `Retry-After`: a number, or a date less the answer's own `Date` (we read no clock)."""
    wait = (_header(response, "retry-after") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", wait):
        return float(wait)
    from datetime import datetime  # noqa: PLC0415 - few answers need it, and each import would pay for it

    try:
        until, now = (
            datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")  # noqa: DTZ007 - both are GMT, only the gap counts
            for date in (wait, (_header(response, "date") or "").strip())
        )
    except ValueError:
        return None
    return max(0.0, (until - now).total_seconds())
