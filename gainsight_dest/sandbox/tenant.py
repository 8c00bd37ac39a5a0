"""Gainsight: routes, keys, limits and faults around its content. Plain computation; it reads no clock but its own."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import EventError
from gainsight_dest.explaining.trace import EVENT
from gainsight_dest.fields import (
    COMPANY,
    CUSTOM,
    LINKED,
    LINKS,
    OBJECTS,
    PERSON,
    Datatype,
    GainsightObject,
    Record,
    is_link,
    linked_companies,
)
from gainsight_dest.gainsight import (
    DESCRIBE_ACTION,
    DESCRIBE_PATH,
    EVENTS_PATH,
    GSID,
    OBJECTS_PATH,
    OTHER_PEOPLE_PATH,
    PEOPLE_PATH,
    RECORDS_PER_WRITE,
    USERS_PATH,
    Response,
    delete_path,
    describe_path,
    insert_path,
    picklist_path,
    query_path,
)
from gainsight_dest.sandbox.answers import Answer, RefusedError, UndescribedError, envelope_of, fail, saved, shown
from gainsight_dest.sandbox.content import Content
from gainsight_dest.sandbox.faults import TOO_MANY, UNAUTHORIZED, FaultPlan, PlannedFault
from gainsight_dest.sandbox.limits import DAY, MINUTE, Window
from gainsight_dest.sandbox.metadata import described, listed, picklist
from gainsight_dest.sandbox.said import CallSide, WrittenRecord, answered, asked, written
from gainsight_dest.sandbox.schema import FieldProblem, own_tenant, problems, refused_by
from gainsight_dest.values import plain

if TYPE_CHECKING:
    import requests

    from gainsight_dest.sandbox.transport import SandboxTransport
    from gainsight_dest.tenant import Tenant

#: Rows that a query answers with at most.
ROWS_PER_QUERY = 5000
#: Calls that are remembered, to be looked at.
CALLS_KEPT = 200


class DroppedConnectionError(ConnectionError):
    """What a caller sees of a planned fault that drops the connection."""


@attrs.frozen
class CallRecord:
    """A call that was made: its number from 1, when, what it asked for, how it was answered (None: dropped).

    `request` and `answer`: what both sides said, without the keys; the answer also where the connection dropped before
    it came. `written`: the records that it wrote.
    """

    number: int
    at: float
    method: str
    path: str
    action: str | None
    status: int | None
    code: str | None
    request_id: str
    fault: str | None
    request: CallSide = attrs.field(factory=CallSide)
    answer: CallSide = attrs.field(factory=CallSide)
    written: tuple[WrittenRecord, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class _IncomingCall:
    """A call as it comes in: header names in lower case, the body parsed, or None where it is no JSON.

    `config`: the one whose keys, events and custom fields are right. `said`: what is kept of the call. `written`: what
    it has written so far.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    said: CallSide
    config: DestinationConfig | None
    custom: Mapping[str, dict[str, Datatype] | None]
    written: list[WrittenRecord] = attrs.field(factory=list)


def _target(url: str) -> tuple[str, dict[str, list[str]]]:
    """The path and the query of a URL; of one that is none, itself and nothing."""
    try:
        parts = urlsplit(url)
        return parts.path, parse_qs(parts.query)
    except ValueError:
        return url, {}


def _custom(
    of: GainsightObject, config: DestinationConfig | None, declared: Mapping[str, Datatype] | None
) -> dict[str, Datatype] | None:
    """The custom fields of an object: those that the config maps, and those that are declared; None: any are there."""
    if config is None and declared is None:
        return None
    mapped = [] if config is None else [field for *_, field in config.custom_fields[of.map] if field.endswith(CUSTOM)]
    return {**dict.fromkeys(mapped, Datatype.ANY), **(declared or {})}


class Sandbox:
    """A tenant of Gainsight in memory.

    `config` says which access key, shared secret, tenant id, topic, event names and versions and custom fields are
    right; without it any are. `tenant`: its fields; what it refuses is refused here, and what asks for its schema is
    told of it. `calls_per_minute` and `calls_per_day` (None: without end) are counted in fixed windows of `clock`, in
    seconds since the epoch. `faults` are met by the calls that they name. `custom_fields` gives datatypes where there
    is no tenant: `{"Company": {"Renewed__gc": Datatype.DATE}}`. May be used by several threads.
    """

    def __init__(
        self,
        config: DestinationConfig | None = None,
        *,
        tenant: Tenant | None = None,
        calls_per_minute: int | None = CALLS_PER_MINUTE,
        calls_per_day: int | None = CALLS_PER_DAY,
        clock: Callable[[], float] = time.time,
        faults: Iterable[PlannedFault] = (),
        custom_fields: Mapping[str, Mapping[str, Datatype]] | None = None,
        content: Content | None = None,
    ) -> None:
        self.content = content or Content()
        self.calls: deque[CallRecord] = deque(maxlen=CALLS_KEPT)
        #: How often each thing was asked for, and how often a call was one too many for the limits.
        self.counts: Counter[str] = Counter()
        self.throttled = 0
        self._config = config
        self._clock = clock
        self._plan = FaultPlan(tuple(faults))
        self._windows = (Window(MINUTE, calls_per_minute), Window(DAY, calls_per_day))
        self._lock = threading.Lock()
        self._number = 0
        self._declared = custom_fields or {}
        self._custom = self._custom_fields(config)
        self._tenant = tenant

    @property
    def config(self) -> DestinationConfig | None:
        """The config that it was given."""
        return self._config

    @property
    def given_tenant(self) -> Tenant | None:
        """The tenant that it was given."""
        return self._tenant

    def _custom_fields(self, config: DestinationConfig | None) -> dict[str, dict[str, Datatype] | None]:
        return {of.name: _custom(of, config, self._declared.get(of.name)) for of in OBJECTS}

    @property
    def tenant(self) -> Tenant:
        """What it says of its fields when it is asked: the tenant that it was given, or its own, of standard fields."""
        return own_tenant(self._custom) if self._tenant is None else self._tenant

    def _problems(
        self, record: Record, of: GainsightObject, incoming: _IncomingCall, *, is_new: bool
    ) -> list[FieldProblem]:
        known = None if self._tenant is None else self._tenant.object_of(of.name)
        if known is None:
            return [*problems(record, of, incoming.custom[of.name])]
        return [*refused_by(known, record, of, is_new=is_new)]

    # --- calls ------------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """The answer to a request descriptor. A slow one comes at once. Raises DroppedConnectionError."""
        described = request.as_dict()
        answer = self.receive(described["method"], described["url"], described["headers"], described["body"])
        if answer.response is None:
            raise DroppedConnectionError("dropped by plan")
        return answer.response

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        """The answer to a call with a JSON value as its body, or text or bytes of it."""
        return self.answer_to(method, url, headers, body)[0]

    def answer_to(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any,
        config: DestinationConfig | None = None,
    ) -> tuple[Answer, CallRecord]:
        """The same, with the record of the call. `config`: whose keys, events and custom fields are right for this call
        alone; None: those of the sandbox's own.
        """
        path, query = _target(url)
        line = f"{method} {url[max(0, url.find(path)) :]}"
        lower = {name.lower(): value.strip() for name, value in headers.items()}
        raw = _raw(body)
        custom = self._custom if config is None else self._custom_fields(config)
        config = config or self._config
        said = asked(line, lower, raw, *(() if config is None else (config.access_key, config.shared_secret)))
        incoming = _IncomingCall(method, path, query, lower, _json(raw), said, config, custom)
        with self._lock:
            return self._answer(incoming)

    def session(self, sleep: Callable[[float], object] = time.sleep) -> requests.Session:
        """A requests Session of which every call ends here. Slow answers `sleep`. Needs the extra `deliver`."""
        from gainsight_dest.sandbox.adapter import session_to  # noqa: PLC0415 - only this needs requests

        return session_to(self, sleep)

    def transport(self, sleep: Callable[[float], object] | None = None) -> SandboxTransport:
        """A transport of httpx of which every call ends here: `httpx.AsyncClient(transport=sandbox.transport())`.

        Slow answers `sleep`, which may be awaited. Needs the extra `async`.
        """
        from gainsight_dest.sandbox.transport import SandboxTransport  # noqa: PLC0415 - only this needs httpx

        return SandboxTransport(self, sleep)

    def _answer(self, incoming: _IncomingCall) -> tuple[Answer, CallRecord]:
        now = self._clock()
        self._number += 1
        request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, str(self._number)))
        action, carry_out = self._route(incoming)
        self.counts[action or "no such route"] += 1
        fault = self._plan.fault(self._number, action)
        envelope: Record = {}
        try:
            self._admit(now)
            fail(fault)
            data = carry_out(incoming)
            status, envelope = 200, envelope_of(request_id, data=data)
        except RefusedError as error:
            status, envelope = error.status, error.envelope(request_id)
        answer = shown(status, envelope, fault, self.limits[0])
        response = answer.response
        record = CallRecord(
            self._number,
            now,
            incoming.method,
            incoming.path,
            action,
            None if response is None else response.status,
            envelope.get("errorCode"),
            request_id,
            fault.kind if fault else None,
            incoming.said,
            CallSide() if response is None else answered(response, incoming.said),
            tuple(incoming.written),
        )
        self.calls.append(record)
        return answer, record

    def _admit(self, now: float) -> None:
        if any(window.is_full(now) for window in self._windows):
            self.throttled += 1
            raise RefusedError(*TOO_MANY)
        for window in self._windows:
            window.count(now)

    def used(self) -> tuple[int, int]:
        """The calls made in this minute and on this day."""
        minute, day = (window.used(self._clock()) for window in self._windows)
        return minute, day

    @property
    def limits(self) -> tuple[int | None, int | None]:
        """The calls that may be made in a minute and on a day; None: without end."""
        minute, day = (window.limit for window in self._windows)
        return minute, day

    def _route(self, incoming: _IncomingCall) -> tuple[str | None, Callable[[_IncomingCall], Any]]:
        """What a call asks for, and what carries it out."""
        for method, path, action, carry_out in self._ROUTES:
            parts = _parts(path, incoming.path) if method == incoming.method else None
            if parts is not None:
                if carry_out is Sandbox._upsert_person and isinstance(incoming.body, dict) and is_link(incoming.body):
                    action = "link person"  # noqa: PLW2901 - the one route that two requests take
                return action, partial(carry_out, self, *parts)
        return None, _no_such_route

    # --- what is asked for ------------------------------------------------------------------------------------------

    def _upsert_person(self, incoming: _IncomingCall) -> Record:
        self._check_access_key(incoming)
        person = _object(incoming.body)
        if not person:
            raise RefusedError(400, "GSOBJ_VCRUDR1001", "Row is empty")
        is_new = not self.content.has_person(person.get(PERSON.key))
        problems = self._problems({k: v for k, v in person.items() if k != LINKS}, PERSON, incoming, is_new=is_new)
        problems += [
            FieldProblem(LINKED, "GSOBJ_VDTGSID1001", "Invalid Gsid", gsid)
            for gsid in _gsids(person)
            if not self.content.has_company(gsid)
        ]
        if problems:
            raise RefusedError(
                400, problems[0].code, problems[0].description, {"errors": [p.as_data() for p in problems]}
            )
        email = person[PERSON.key]
        before = None if is_new else {**self.content.people[email]}
        self.content.upsert_person(person)
        incoming.written.append(written(PERSON.name, email, before, self.content.people[email], incoming.said))
        return {"count": 1, "errors": None}

    def _find_companies(self, incoming: _IncomingCall) -> Record:
        return self._found(incoming, COMPANY)

    def _find_people(self, incoming: _IncomingCall) -> Record:
        return self._found(incoming, PERSON)

    def _found(self, incoming: _IncomingCall, of: GainsightObject) -> Record:
        self._check_access_key(incoming)
        query = _object(incoming.body)
        try:
            found = [*self.content.query(query.get("where"), of)]
            first, most = _count(query, "offset", 0), _count(query, "limit", ROWS_PER_QUERY)
            select = _names(query["select"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RefusedError(400, "GSOBJ_1008", "Invalid query") from None
        rows = found[first : first + min(most, ROWS_PER_QUERY)]
        return {"records": [{name: row[name] for name in select if name in row} for row in rows]}

    def _create_companies(self, incoming: _IncomingCall) -> Record:
        self._check_access_key(incoming)
        companies = [self.content.insert_company(record) for record in self._checked_companies(incoming, is_new=True)]
        incoming.written.extend(
            written(COMPANY.name, company[GSID], None, company, incoming.said) for company in companies
        )
        return saved(companies)

    def _update_companies(self, incoming: _IncomingCall) -> Record:
        self._check_access_key(incoming)
        records = self._checked_companies(incoming, is_new=False)
        if incoming.query.get("keys") != [COMPANY.key]:
            raise RefusedError(400, "GSOBJ_1008", f"keys must be {COMPANY.key}")
        if any(not self.content.named(record[COMPANY.key]) for record in records):
            raise RefusedError(400, "GSOBJ_1011", "No data found for given criteria")
        for record in records:
            for company in self.content.named(record[COMPANY.key]):
                before = {**company}
                company.update(record)
                incoming.written.append(written(COMPANY.name, company[GSID], before, company, incoming.said))
        return saved([self.content.named(record[COMPANY.key])[0] for record in records])

    def _delete_company(self, gsid: str, incoming: _IncomingCall) -> Record:
        self._check_access_key(incoming)
        company = self.content.delete_company(gsid)
        if company is None:
            raise RefusedError(400, "GSOBJ_1004", f"Invalid Gsid: {gsid}")
        incoming.written.append(WrittenRecord(COMPANY.name, gsid, "deleted"))
        return saved([company])

    def _checked_companies(self, incoming: _IncomingCall, *, is_new: bool) -> list[Record]:
        """The records of a write: all of them, or none if one is wrong. Which one it is, the answer does not say."""
        records = _object(incoming.body).get("records")
        if not isinstance(records, list) or not 0 < len(records) <= RECORDS_PER_WRITE:
            raise RefusedError(400, "GSOBJ_1008", f"records must be a list of 1 to {RECORDS_PER_WRITE}")
        problems = [
            problem
            for record in records
            for problem in self._problems(_object(record), COMPANY, incoming, is_new=is_new)
        ]
        if problems:
            errors = [{"success": False, "parsedValue": p.value, "errors": [p.as_data()]} for p in problems]
            data = {"count": 0, "errors": [errors], "records": None}
            raise RefusedError(400, problems[0].code, problems[0].description, data)
        return records

    def _send_event(self, incoming: _IncomingCall) -> Record:
        headers = incoming.headers
        if any(
            not headers.get(name) for name in ("sharedsecret", "tenantid", "topicname", "eventname", "eventversion")
        ):
            raise RefusedError(400, "GSOBJ_1024", "Authentication headers are missing")
        config = incoming.config
        if config is not None:
            if not (_is(headers["sharedsecret"], config.shared_secret) and _is(headers["tenantid"], config.tenant_id)):
                raise RefusedError(*UNAUTHORIZED)
            if not _is(headers["topicname"], config.topic_name):
                raise RefusedError(400, "GSOBJ_1008", "No such topic")
            named = (headers["eventname"], headers["eventversion"])
            if not any(all(map(_is, named, event)) for event in config.events.values()):
                raise RefusedError(400, "GSOBJ_1008", "No such event, or not in this version")
        event = {"name": headers["eventname"], "version": headers["eventversion"], "topic": headers["topicname"]}
        if "contractid" in headers:
            event["contract_id"] = headers["contractid"]
        properties = _object(incoming.body)
        incoming.written.append(WrittenRecord(EVENT, str(len(self.content.events)), "sent"))
        self.content.events.append({**event, "properties": properties})
        return {}

    def _describe_many(self, incoming: _IncomingCall) -> list[Record]:
        self._check_access_key(incoming)
        asked = _object(incoming.body)
        try:
            names = _names(asked.get("objectNames"))
        except ValueError:
            raise RefusedError(400, "GSOBJ_1008", "objectNames must be a list of names") from None
        return self._described(names, with_options=asked.get("populatePickListOptions") in _TRUE)

    def _describe_one(self, name: str, incoming: _IncomingCall) -> list[Record]:
        self._check_access_key(incoming)
        return self._described([name], with_options=incoming.query.get("idd") == ["true"])

    def _described(self, names: list[str], *, with_options: bool) -> list[Record]:
        objects = described(self.tenant, names, with_options=with_options)
        if not objects:
            raise UndescribedError("OBJECT_NOT_FOUND", "There is no object of that name")
        return objects

    def _list_objects(self, incoming: _IncomingCall) -> list[Record]:
        self._check_access_key(incoming)
        return listed(self.tenant)

    def _read_picklist(self, category: str, incoming: _IncomingCall) -> Record:
        self._check_access_key(incoming)
        found = picklist(self.tenant, category)
        if found is None:
            raise UndescribedError("CATEGORY_NOT_FOUND", "There is no category of that id")
        return found

    def _list_users(self, incoming: _IncomingCall) -> list[Record]:
        self._check_access_key(incoming)
        return [{"GSID": "1P01SANDBOX000000000000"}]

    def _check_access_key(self, incoming: _IncomingCall) -> None:
        given = incoming.headers.get("accesskey")
        if not given:
            raise RefusedError(400, "GSOBJ_1024", "Authentication headers are missing")
        if incoming.config is not None and not _is(given, incoming.config.access_key):
            raise RefusedError(*UNAUTHORIZED)

    #: Method, path, what is asked for, what carries it out. A `*` of the path is handed on to it.
    _ROUTES: ClassVar[tuple[tuple[str, str, str, Callable[..., Any]], ...]] = (
        ("PUT", PEOPLE_PATH, "upsert person", _upsert_person),
        ("PUT", OTHER_PEOPLE_PATH, "upsert person", _upsert_person),
        ("POST", query_path(PERSON.name), "find person", _find_people),
        ("POST", query_path(COMPANY.name), "find company", _find_companies),
        ("POST", insert_path(COMPANY.name), "create company", _create_companies),
        ("PUT", insert_path(COMPANY.name), "update company", _update_companies),
        ("DELETE", delete_path(COMPANY.name, "*"), "delete company", _delete_company),
        ("POST", EVENTS_PATH, "send event", _send_event),
        ("POST", DESCRIBE_PATH, DESCRIBE_ACTION, _describe_many),
        ("GET", describe_path("*"), DESCRIBE_ACTION, _describe_one),
        ("GET", OBJECTS_PATH, "list objects", _list_objects),
        ("GET", picklist_path("*"), "read picklist", _read_picklist),
        ("POST", USERS_PATH, "list users", _list_users),
    )

    # --- content ----------------------------------------------------------------------------------------------------

    @property
    def people(self) -> list[Record]:
        """The people, as plain data, with the links to their companies."""
        return self.as_data()["people"]

    @property
    def companies(self) -> list[Record]:
        """The companies, as plain data, with their Gsids."""
        return self.as_data()["companies"]

    @property
    def events(self) -> list[Record]:
        """The events, as plain data: name, version, topic, contract_id if there is one, properties."""
        return self.as_data()["events"]

    def seen(self) -> tuple[dict[str, list[Record]], tuple[CallRecord, ...]]:
        """All content as plain data, and the calls that are remembered, as of one moment."""
        with self._lock:
            return self.content.as_data(), tuple(self.calls)

    def as_data(self) -> dict[str, list[Record]]:
        """All content as plain data, ready for JSON; `Content.from_data` takes it back."""
        with self._lock:
            return self.content.as_data()


#: What says yes in the body of a describe call: Gainsight's own sample writes it as text.
_TRUE = (True, "true")


def _parts(pattern: str, path: str) -> list[str] | None:
    """What stands in a path where its pattern has a `*`; None if it is another path."""
    if "*" not in pattern:
        return [] if path == pattern else None
    found = re.fullmatch("([^/]+)".join(map(re.escape, pattern.split("*"))), path)
    return None if found is None else [unquote(part) for part in found.groups()]


def _is(given: str, expected: str | None) -> bool:
    """Whether a header says what it should: spaces around it are lost on the way."""
    return expected is not None and given == expected.strip()


def _no_such_route(_: _IncomingCall) -> Any:
    raise RefusedError(404, "GS_APIG_1000", "No such route")


def _raw(body: Any) -> str | bytes:
    """The body as text or bytes; of a value that JSON cannot hold, none."""
    if isinstance(body, (str, bytes)):
        return body
    try:
        return json.dumps(body)
    except (ValueError, TypeError, RecursionError):
        return ""


def _json(raw: str | bytes) -> Any:
    """The JSON value of a body. None where it is no strict JSON, or nested too deep."""
    try:
        return plain(json.loads(raw), "body")
    except (ValueError, TypeError, RecursionError, EventError):
        return None


def _count(query: Record, name: str, default: int) -> int:
    count = query.get(name, default)
    if type(count) is not int or count < 0:
        raise ValueError(name)
    return count


def _names(select: Any) -> list[str]:
    if not isinstance(select, list) or not all(isinstance(name, str) for name in select):
        raise ValueError("select")
    return select


def _object(value: Any) -> Record:
    if not isinstance(value, dict):
        raise RefusedError(400, "GSOBJ_1008", "The body must be a JSON object")
    return value


def _gsids(person: Record) -> tuple[str, ...]:
    try:
        gsids = tuple(str(gsid) for gsid in linked_companies(person))
    except (TypeError, KeyError):
        gsids = None
    if gsids is None or not isinstance(person.get(LINKS, []), list):
        raise RefusedError(400, "GSOBJ_VDTGSID1001", "companies must be a list of objects with a Company_ID")
    return gsids
