"""Request descriptors: what to ask of Gainsight, and what to ask next once it has answered.

Frozen values that do no I/O and read no clock, so a mapping is tested with `==`, and a request is delivered by any
client. All control flow of a single event stands in this module: identify and track are one request; a group is
find -> create or update -> link.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import attrs

from gainsight_dest import gainsight
from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError, RetryableError
from gainsight_dest.fields import COMPANY, PERSON, GainsightObject, Record, company_link, is_link, linked_companies
from gainsight_dest.gainsight import CONTRACT_ID_HEADER, Response
from gainsight_dest.secret import conceal

#: Stands in a preview where the Gsid will be that Gainsight gives the company.
GSID_PLACEHOLDER = "<Gsid of the company>"


@attrs.define(repr=False)
class Request(ABC):
    """One HTTP request to Gainsight. Compares by value and pickles; the repr names fields and shows no value of them.

    Deliver it with any client: `while request is not None: request = request.next(send(request))`.
    """

    # Private and read through properties, here and below, rather than attrs.frozen: frozen attributes are set through
    # object.__setattr__, which took a third of the time of a whole transform.
    _config: DestinationConfig

    #: The HTTP method.
    method: ClassVar[str]
    #: How many calls an event costs from this request to its last.
    calls: ClassVar[int] = 1

    @property
    def config(self) -> DestinationConfig:
        return self._config

    @property
    @abstractmethod
    def action(self) -> str:
        """What is asked of Gainsight: "find company", "upsert person", and so on."""

    @property
    @abstractmethod
    def path(self) -> str:
        """What follows the host in the URL, query included."""

    @property
    def url(self) -> str:
        """The whole URL, query included."""
        return self._config.origin + self.path

    @property
    def headers(self) -> dict[str, str]:
        """Header names and values. Send the values as UTF-8 bytes: an event's name may hold any letter.

        The keys are Secrets: they equal their text, and hide in a repr.
        """
        access_key = self._config.access_key
        if access_key is None:
            raise self._config.missing("identify and group", "access_key")
        return gainsight.record_headers(access_key)

    @property
    @abstractmethod
    def body(self) -> Record:
        """Strict, plain JSON: an object. Treat it as read-only."""

    @abstractmethod
    def next(self, response: Response) -> Request | None:
        """What comes after this answer; None: the event is delivered. Raises ResponseError."""

    def read(self, response: Response) -> Any:
        """What the answer says of the records of a request of a batch; None: it was taken. Raises ResponseError."""
        return self.next(response)

    def branches(self) -> tuple[tuple[str, Request], ...]:
        """The requests that may come next, with no answer at hand, and when each does."""
        return ()

    @property
    def again(self) -> Request:
        """What to send instead when the answer was lost, or said only that something failed: the request may have been
        carried out. To repeat it does no harm, but for a create, which begins again with its find; an event, for which
        Gainsight has no way to ask, may then be there twice.
        """
        return self

    def after(self, error: RetryableError) -> Request:
        """`again`, by what the fault tells: a create whose answer was lost is looked for a few times, as a find may not
        see at once what was created.
        """
        del error
        return self.again

    @property
    def records(self) -> frozenset[tuple[str, str]]:
        """The records that this request and those after it write, as (object, key): `("Company", "acme")`.

        Requests that share one must not be under way at the same time. Keys are case-folded and trimmed, for Gainsight
        may find a record so.
        """
        return frozenset()

    @property
    def gsid(self) -> str | None:
        """The Gsid of the company that a link carries; None for any other request."""
        return None

    def at(self, base_url: str) -> Request:
        """The same request to another host, such as a sandbox on this machine, and so for all that come after it.

        `base_url`: https, or plain http to this machine, without a path. Raises ConfigError.
        """
        return attrs.evolve(self, config=self._config.at(checked_base_url(base_url)))

    def as_dict(self) -> dict[str, Any]:
        """Method, url, headers and body as plain data, ready for JSON. The keys are in it."""
        return {"method": self.method, "url": self.url, "headers": self.headers, "body": self.body}

    def __repr__(self) -> str:
        names = ", ".join(self._names())
        return self._config.hide(f"<{type(self).__name__} {self.method} {self.url} {{{names}}}>")

    def _names(self) -> Iterable[str]:
        """What the body is made of, for the repr."""
        return self.body


@attrs.define(repr=False)
class UpsertPerson(Request):
    """Creates the person of that Email, or updates its fields; with `companies`, links it to them."""

    method = "PUT"
    path = gainsight.PEOPLE_PATH

    _person: Record

    @property
    def person(self) -> Record:
        return self._person

    @property
    def action(self) -> str:
        return "link person" if is_link(self._person) else "upsert person"

    @property
    def records(self) -> frozenset[tuple[str, str]]:
        return frozenset({PERSON.identity(PERSON.key_of(self._person))})

    @property
    def gsid(self) -> str | None:
        return next(iter(linked_companies(self._person)), None)

    @property
    def body(self) -> Record:
        return self._person

    def next(self, response: Response) -> Request | None:
        gainsight.accepted(response, self.action, self._config.hide)
        return None


@attrs.define(repr=False)
class SendEvent(Request):
    """Sends a Gainsight Event of that name and version. `contract_id` None: the configured one, if there is one."""

    method = "POST"
    path = gainsight.EVENTS_PATH

    _name: str
    _version: str
    _properties: Record
    _contract_id: str | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return self._version

    @property
    def properties(self) -> Record:
        return self._properties

    @property
    def contract_id(self) -> str | None:
        return self._contract_id

    @property
    def action(self) -> str:
        return "send event"

    @property
    def headers(self) -> dict[str, str]:
        config = self._config
        headers = config.event_headers(self._name, self._version)
        if self._contract_id is not None:
            headers[CONTRACT_ID_HEADER] = conceal(self._contract_id, config.shared_secret, config.access_key)
        return headers

    @property
    def body(self) -> Record:
        return self._properties

    def next(self, response: Response) -> Request | None:
        gainsight.accepted(response, self.action, self._config.hide)
        return None


@attrs.define(repr=False)
class _CompanyRequest(Request):
    """What the three steps of a group share: the company, and the email of the person to be linked to it.

    Without an email, nobody is linked: the company is all that is written.
    """

    _company: Record
    _email: str = ""

    @property
    def company(self) -> Record:
        return self._company

    @property
    def email(self) -> str:
        return self._email

    @property
    def records(self) -> frozenset[tuple[str, str]]:
        company = COMPANY.identity(COMPANY.key_of(self._company))
        return frozenset({company, PERSON.identity(self._email)} if self._email else {company})

    def _names(self) -> Iterable[str]:
        return self._company


class OfAnObject(Request):
    """What is asked of one record of an object, or of many, which are found by its key."""

    __slots__ = ()
    #: What is done, in a word.
    verb: ClassVar[str]
    of: ClassVar[GainsightObject] = COMPANY

    @property
    def action(self) -> str:
        return f"{self.verb} {self.of.name.lower()}"


class Finds(OfAnObject):
    """What to find one record and many have in common."""

    __slots__ = ()
    method = "POST"
    verb = "find"

    @property
    def path(self) -> str:
        return gainsight.query_path(self.of.name)


class Creates(OfAnObject):
    """What to create one record and many have in common."""

    __slots__ = ()
    method = "POST"
    verb = "create"

    @property
    def path(self) -> str:
        return gainsight.insert_path(self.of.name)


class Updates(OfAnObject):
    """What to update one record and many have in common."""

    __slots__ = ()
    method = "PUT"
    verb = "update"

    @property
    def path(self) -> str:
        return gainsight.update_path(self.of.name, self.of.key)


#: How often a company whose create was lost is looked for before it is created again: a find may not see it at once.
LOOKS = 2


@attrs.define(repr=False)
class FindCompany(_CompanyRequest, Finds):
    """Asks whether there is a company of that Name: then it is updated, else created.

    `looks`: the company may just have been created; so often, to find none is a temporary error, after which to look
    again, each time a little later.
    """

    _looks: int = 0
    calls = 3

    @property
    def looks(self) -> int:
        return self._looks

    @property
    def again(self) -> FindCompany:
        return FindCompany(self._config, self._company, self._email, max(0, self._looks - 1)) if self._looks else self

    @property
    def body(self) -> Record:
        return gainsight.query_of_one(COMPANY.key, COMPANY.key_of(self._company))

    def next(self, response: Response) -> CreateCompany | UpdateCompany:
        is_found = gainsight.finds_record(response, self.action, self._config.hide)
        if not is_found and self._looks:
            raise gainsight.not_found_yet(self.action)
        save = UpdateCompany if is_found else CreateCompany
        return save(self._config, self._company, self._email)

    def branches(self) -> tuple[tuple[str, Request], ...]:
        create = CreateCompany(self._config, self._company, self._email)
        update = UpdateCompany(self._config, self._company, self._email)
        return ("if none was found", create), ("if found", update)


class _SaveCompany(_CompanyRequest):
    __slots__ = ()
    calls = 2

    @property
    def body(self) -> Record:
        return gainsight.records_body(self._company)

    def next(self, response: Response) -> UpsertPerson | None:
        gsid = gainsight.saved_gsid(response, self.action, self._config.hide)
        return self._link(gsid) if self._email else None

    def branches(self) -> tuple[tuple[str, Request], ...]:
        return (("once saved", self._link(GSID_PLACEHOLDER)),) if self._email else ()

    def _link(self, gsid: str) -> UpsertPerson:
        return UpsertPerson(self._config, company_link(self._email, gsid))


class CreateCompany(Creates, _SaveCompany):
    """Inserts the company, then links the person, if there is one.

    If the answer is lost, find again: the company may be there.
    """

    __slots__ = ()

    @property
    def again(self) -> FindCompany:
        return FindCompany(self._config, self._company, self._email)

    def after(self, error: RetryableError) -> FindCompany:
        return FindCompany(self._config, self._company, self._email, LOOKS if error.is_lost else 0)


class UpdateCompany(Updates, _SaveCompany):
    """Updates the company of that Name, then links the person, if there is one."""

    __slots__ = ()


def checked_base_url(base_url: str) -> str:
    """The URL without a closing slash: https, or plain http to this machine. Raises ConfigError."""
    try:
        parts = urlsplit(base_url)
        is_web = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        parts, is_web = urlsplit(""), False
    beside = (parts.query, parts.fragment, parts.path.strip("/"), "@" in parts.netloc)
    if not is_web or not parts.hostname or any(beside):
        raise ConfigError(("base_url", "must be a URL such as http://127.0.0.1:8080, without user, path or query"))
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigError(("base_url", "must be https: plain http would show the keys, and is for this machine only"))
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Step(NamedTuple):
    """One line of a preview: what is done and when, and the request that does it."""

    label: str
    request: Request


def preview(request: Request) -> tuple[Step, ...]:
    """The requests that one may lead to, itself first, labelled, with no answer at hand: what a dry run prints.

    For a group: the find, the create ("if none was found"), the update ("if found"), and the link, with a placeholder
    where Gainsight's Gsid will stand.
    """
    steps = [Step(request.action, request)]
    for step in steps:  # grows while it is walked: a branch may have branches
        known = [each.request for each in steps]
        steps += [
            Step(f"{following.action}, {when}", following)
            for when, following in step.request.branches()
            if following not in known
        ]
    return tuple(steps)
