"""The requests of a probe: what no event asks of Gainsight."""

from __future__ import annotations

import attrs

from gainsight_dest import gainsight
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.fields import COMPANY, PERSON, GainsightObject, Record
from gainsight_dest.gainsight import GSID, Response

#: The fields that tell which company a record is.
SELECTED = (GSID, COMPANY.key)
#: Stands in a route for the Gsid of a record.
GSID_OF_A_RECORD = "{Gsid}"


@attrs.define(repr=False)
class ProbeCall(Request):
    """A call to some path with some body, of which nothing need follow.

    `route`: method and path, as they may be told to others.
    """

    _action: str
    _path: str
    _body: Record
    _route: str = ""

    @property
    def action(self) -> str:
        """What is asked of Gainsight."""
        return self._action

    @property
    def path(self) -> str:
        """What follows the host in the URL."""
        return self._path

    @property
    def body(self) -> Record:
        """A JSON object."""
        return self._body

    def next(self, response: Response) -> None:
        """Nothing. Raises ResponseError."""
        gainsight.accepted(response, self.action, self._config.hide)


class ProbePost(ProbeCall):
    """A query, an insert."""

    __slots__ = ()
    method = "POST"


class ProbePut(ProbeCall):
    """An update, an upsert."""

    __slots__ = ()
    method = "PUT"


class ProbeGet(ProbeCall):
    """A call that only reads."""

    __slots__ = ()
    method = "GET"


class ProbeDelete(ProbeCall):
    """The end of a record."""

    __slots__ = ()
    method = "DELETE"


def route_of(request: Request) -> str:
    """Method and path of a request, without an id of the tenant's."""
    route: str = getattr(request, "_route", "") or request.path
    return f"{request.method} {route}"


def find(
    config: DestinationConfig, of: GainsightObject, select: tuple[str, ...], *keys: str, operator: str = "EQ"
) -> ProbePost:
    """Asks for the records of those keys, and those of their fields."""
    body = gainsight.query(of.key, *keys)
    if operator != "EQ":
        condition = {"name": of.key, "alias": "A", "value": [*keys], "operator": operator}
        body["where"] = {"conditions": [condition], "expression": "A"}
    body["select"] = [*select]
    return ProbePost(config, f"find {of.name.lower()}", gainsight.query_path(of.name), body)


def insert(config: DestinationConfig, *companies: Record) -> ProbePost:
    """Creates companies."""
    return ProbePost(config, "create company", gainsight.insert_path(COMPANY.name), gainsight.records_body(*companies))


def update(config: DestinationConfig, company: Record, lookups: Record | None = None) -> ProbePut:
    """Updates the company of that Name. `lookups`: what Gainsight is to resolve itself."""
    body = gainsight.records_body(company) | ({} if lookups is None else {"lookups": lookups})
    return ProbePut(config, "update company", gainsight.update_path(COMPANY.name, COMPANY.key), body)


def delete(config: DestinationConfig, gsid: str) -> ProbeDelete:
    """Deletes the company of that Gsid."""
    path, route = (gainsight.delete_path(COMPANY.name, each) for each in (gsid, GSID_OF_A_RECORD))
    return ProbeDelete(config, "delete company", path, {}, route)


def upsert(config: DestinationConfig, person: Record, path: str = gainsight.PEOPLE_PATH) -> ProbePut:
    """Creates or updates the person of that Email."""
    return ProbePut(config, f"upsert {PERSON.name.lower()}", path, person)


def describe_one(config: DestinationConfig, of: GainsightObject) -> ProbeGet:
    """Asks for the description of one object."""
    return ProbeGet(config, f"describe {of.name.lower()}", f"{gainsight.describe_path(of.name)}?idd=true", {})
