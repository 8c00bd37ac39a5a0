"""Requests as rudder-server holds them, there and back.

`{"version", "type", "method", "endpoint", "headers", "params", "body", "files"}`, of which the body has one place for
each of its formats, and all but one of these are empty. Pure functions of plain JSON data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from gainsight_dest import gainsight
from gainsight_dest.config import DestinationConfig, header_problem
from gainsight_dest.descriptors import Creates, Finds, Request, SendEvent, Updates, UpsertPerson
from gainsight_dest.errors import EventError
from gainsight_dest.fields import COMPANY
from gainsight_dest.gainsight import Response
from gainsight_dest.rudderstack.sizes import measured
from gainsight_dest.values import kind, text

Data = dict[str, Any]

#: Those of Gainsight are a tenth of it. Python's own parser keeps the last hundred that it has seen, whole.
_LONGEST_ENDPOINT = 2000

#: The places of a body. A request of Gainsight's has all that it says in the first.
BODY_FORMATS = ("JSON", "JSON_ARRAY", "XML", "FORM")


def as_wire(request: Request) -> Data:
    """The request as rudder-server takes it from a router. The query of a company update becomes its params."""
    endpoint, _, query = request.url.partition("?")
    return {
        "version": "1",
        "type": "REST",
        "method": request.method,
        "endpoint": endpoint,
        "headers": request.headers,
        "params": dict(parse_qsl(query)) if query else {},
        "body": {"JSON": request.body, "JSON_ARRAY": {}, "XML": {}, "FORM": {}},
        "files": {},
    }


def from_wire(data: object) -> Request:
    """The request that `as_wire` gave, or rudder-server has made of that: one of the five that Gainsight knows.

    It is built anew from what it asks, with the keys that are among its headers, so it goes nowhere but to Gainsight's
    own paths at a host that a destination may have. Company requests come back as plain ones, with nothing after them.
    Raises EventError or ConfigError, each with the place.
    """
    wire = checked(data)
    measured(wire, "the request")
    if wire["files"] or any(wire["body"][name] for name in BODY_FORMATS[1:]):
        raise EventError("body", "must be JSON: Gainsight takes nothing else")
    url = _url(wire["endpoint"])
    query = {**dict(parse_qsl(url.query)), **wire["params"]}
    headers = {name.lower(): value for name, value in wire["headers"].items()}
    config = DestinationConfig(
        domain=url.netloc,
        access_key=headers.get("accesskey"),
        shared_secret=headers.get("sharedsecret"),
        topic_name=headers.get("topicname"),
        tenant_id=headers.get("tenantid"),
    )
    make = _ROUTES.get((wire["method"].upper(), url.path))
    if make is None or query != _QUERIES.get(make, {}):
        raise EventError("endpoint", "is none of Gainsight's, or not by that method and query")
    request = make(config, wire["body"]["JSON"], headers)
    _ = request.headers  # raises ConfigError for a key that is not there
    return request


def checked(data: object) -> Data:
    """The request with nothing left out and each value of the type that rudder-server can decode: of numbers and
    booleans among headers and params, their text. Raises EventError, naming the place.
    """
    wire = _object(data, "the request")
    body = _object(wire.get("body"), "body")
    formats = {name: _object(body.get(name), f"body.{name}") for name in BODY_FORMATS}
    if sum(map(bool, formats.values())) > 1:
        raise EventError("body", "has more than one format filled")
    return {
        "version": "1",
        "type": "REST",
        "method": _text(wire.get("method"), "method"),
        "endpoint": _text(wire.get("endpoint"), "endpoint"),
        "headers": _texts(wire.get("headers"), "headers"),
        "params": _texts(wire.get("params"), "params"),
        "body": formats,
        "files": _object(wire.get("files"), "files"),
    }


# --- what Gainsight knows ---------------------------------------------------------------------------------------------


@attrs.define(repr=False)
class _Kept(Request):
    """A company request out of the wire: what it was part of is not known, so nothing comes after it."""

    _body: Any

    @property
    def body(self) -> Any:
        return self._body

    def next(self, response: Response) -> None:
        gainsight.check(response, self.action, self._config.hide)


class _KeptFind(Finds, _Kept):
    __slots__ = ()

    def next(self, response: Response) -> None:
        gainsight.finds_record(response, self.action, self._config.hide)


class _KeptCreate(Creates, _Kept):
    __slots__ = ()


class _KeptUpdate(Updates, _Kept):
    __slots__ = ()


_Make = Callable[[DestinationConfig, Any, Mapping[str, str]], Request]


def _person(config: DestinationConfig, body: Any, _: Mapping[str, str]) -> Request:
    return UpsertPerson(config, body)


def _event(config: DestinationConfig, body: Any, headers: Mapping[str, str]) -> Request:
    name = _header(headers.get("eventname"), "headers.eventName")
    version = _header(headers.get("eventversion"), "headers.eventVersion")
    contract_id = headers.get("contractid")
    return SendEvent(config, name, version, body, contract_id and _header(contract_id, "headers.contractId"))


def _find(config: DestinationConfig, body: Any, _: Mapping[str, str]) -> Request:
    return _KeptFind(config, body)


def _create(config: DestinationConfig, body: Any, _: Mapping[str, str]) -> Request:
    return _KeptCreate(config, body)


def _update(config: DestinationConfig, body: Any, _: Mapping[str, str]) -> Request:
    return _KeptUpdate(config, body)


def _path(url: Callable[..., str], *of: str) -> str:
    return urlsplit(url("host", *of)).path


#: What a request is by its method and path.
_ROUTES: dict[tuple[str, str], _Make] = {
    ("PUT", _path(gainsight.people_url)): _person,
    ("POST", _path(gainsight.events_url)): _event,
    ("POST", _path(gainsight.query_url, COMPANY.name)): _find,
    ("POST", _path(gainsight.insert_url, COMPANY.name)): _create,
    ("PUT", _path(gainsight.insert_url, COMPANY.name)): _update,
}
_QUERIES: dict[_Make, dict[str, str]] = {_update: {"keys": COMPANY.key}}


def _url(endpoint: str) -> Any:
    try:
        url = urlsplit(endpoint if len(endpoint) <= _LONGEST_ENDPOINT else "")
    except ValueError:
        url = urlsplit("")
    if url.scheme != "https":
        raise EventError("endpoint", "must be a URL with https://")
    return url


def _object(value: object, place: str) -> Data:
    if value is None or value == "":
        return {}
    if isinstance(value, dict):
        return value
    raise EventError(place, f"must be an object, got {kind(value)}")


def _text(value: object, place: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise EventError(place, f"a string is needed, got {kind(value)}")


def _header(value: object, place: str) -> str:
    header = _text(value, place)
    if problem := header_problem(header):
        raise EventError(place, problem)
    return header


def _texts(value: object, place: str) -> dict[str, str]:
    return {name: _as_text(item, f"{place}.{name}") for name, item in _object(value, place).items()}


def _as_text(value: object, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return text(value, place)
    if isinstance(value, (str, float)):
        return str(value)
    raise EventError(place, f"must be a string, got {kind(value)}")
