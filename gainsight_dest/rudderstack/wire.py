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
from gainsight_dest.descriptors import CreateCompany, FindCompany, Request, SendEvent, UpdateCompany, UpsertPerson
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
    make, wanted = _ROUTES.get((wire["method"].upper(), url.path), (None, None))
    if make is None or query != wanted:
        raise EventError("endpoint", "is not one of Gainsight's, or not with that method and query")
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


# --- what Gainsight knows ---------------------------------------------------------------------------------------------


@attrs.define(repr=False)
class _LoneRequest(Request):
    """A company request out of the wire. What it was part of is not known, so nothing comes after it."""

    _like: FindCompany | CreateCompany | UpdateCompany
    _body: Any

    @property
    def method(self) -> str:  # type: ignore[override] # of any other request it is the same for the class
        return self._like.method

    @property
    def action(self) -> str:
        return self._like.action

    @property
    def path(self) -> str:
        return self._like.path

    @property
    def body(self) -> Any:
        return self._body

    def next(self, response: Response) -> None:
        read = gainsight.finds_record if isinstance(self._like, FindCompany) else gainsight.check
        read(response, self.action, self._config.hide)


_Make = Callable[[DestinationConfig, Any, Mapping[str, str]], Request]


def _person(config: DestinationConfig, body: Any, _: Mapping[str, str]) -> Request:
    return UpsertPerson(config, body)


def _event(config: DestinationConfig, body: Any, headers: Mapping[str, str]) -> Request:
    name = _header(headers.get("eventname"), "headers.eventName")
    version = _header(headers.get("eventversion"), "headers.eventVersion")
    contract_id = headers.get("contractid")
    return SendEvent(config, name, version, body, contract_id and _header(contract_id, "headers.contractId"))


def _lone(kind: type[FindCompany | CreateCompany | UpdateCompany]) -> _Make:
    return lambda config, body, _: _LoneRequest(config, kind(config, {COMPANY.key: ""}), body)


def _address(request: Request) -> tuple[str, str, Data]:
    url = urlsplit(request.url)
    return request.method, url.path, dict(parse_qsl(url.query))


_MAKES: tuple[_Make, ...] = (_person, _event, _lone(FindCompany), _lone(CreateCompany), _lone(UpdateCompany))
_NOBODYS = DestinationConfig(domain="example.invalid")
#: What makes the request of a method and path, and the query that goes with them.
_ROUTES = {
    (method, path): (make, query)
    for make in _MAKES
    for method, path, query in [_address(make(_NOBODYS, {}, {"eventname": "any", "eventversion": "any"}))]
}
