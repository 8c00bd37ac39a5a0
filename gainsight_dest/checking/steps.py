"""The steps of a check, as a table: what each asks, and what it finds in the answers. None of them does any I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

import attrs

from gainsight_dest.checking.fields import FIELDS, of_fields
from gainsight_dest.checking.requests import ListUsers, ReadOne
from gainsight_dest.checking.result import Mark, Result
from gainsight_dest.config import SETTINGS, DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import CredentialsError, ResponseError, RetryableError, ThrottledError
from gainsight_dest.fields import COMPANY, OBJECTS, PERSON, GainsightObject
from gainsight_dest.gainsight import Response, is_of_gainsight
from gainsight_dest.linting.finding import Severity
from gainsight_dest.linting.lint import lint
from gainsight_dest.spelling import counted
from gainsight_dest.tenant import Tenant, describe
from gainsight_dest.transform import track


@attrs.frozen
class Host:
    """Asks whether a host of that name is known: the answer is what is wrong, or None."""

    name: str


@attrs.frozen
class Answered:
    """What came of a request: a response, or none, and the error that either stands for. None: it is a success."""

    response: Response | None
    error: ResponseError | None = None


@attrs.frozen
class CheckSubject:
    """What is checked. `written`: the Config as it is in its file. `tenant`: None to ask Gainsight for it.

    `proxy`: where the proxy is named that calls go through, if they do. `test_event`: the name of a track event, as
    RudderStack has it, to send; None for none.
    """

    config: DestinationConfig
    written: Any
    tenant: Tenant | None = None
    proxy: str | None = None
    test_event: str | None = None


#: A step's run: it gives what it asks, and is sent what came of it; and it gives what it has found.
Looks = Generator["Host | Request | Result", Any, None]


#: Why what needs a key is not tried.
NO_KEY = "the config has no accessKey"


@attrs.frozen
class CheckStep:
    """One step: its name, what it is about, how it looks, whether it needs an access key, and whether a fault of it
    leaves nothing to check against: then nothing more is asked.
    """

    name: str
    look: Callable[[CheckSubject, str], Looks]
    subject: str = ""
    needs_key: bool = False
    is_about_all: bool = False


# --- the config and the way to Gainsight ------------------------------------------------------------------------------

_MARKS = {Severity.ERROR: Mark.FAULT, Severity.WARNING: Mark.WARNING}


def _config(subject: CheckSubject, step: str) -> Looks:
    findings = lint(subject.written)
    for finding in findings:
        yield Result(step, finding.place, _MARKS[finding.severity], finding.problem, finding.remedy)
    if not findings:
        yield Result(step, "", Mark.OK, "nothing is wrong in it")


def _host(subject: CheckSubject, step: str) -> Looks:
    name = _host_of(subject.config)
    if subject.proxy is not None:
        yield Result(step, name, Mark.UNTRIED, f"calls go through a proxy ({subject.proxy}), which looks it up")
        return
    problem = yield Host(name)
    if problem is None:
        yield Result(step, name, Mark.OK, "its name is known")
    else:
        yield Result(step, name, Mark.FAULT, problem, "Is the domain right? Is there a network, and a name server?")


def _connection(subject: CheckSubject, step: str) -> Looks:
    answer = yield ListUsers(subject.config)
    name, error = _host_of(subject.config), answer.error
    if answer.response is None:
        yield Result(step, name, Mark.FAULT, _said(error), _remedy_without_an_answer(error))
    elif subject.config.origin.startswith("https:"):
        yield Result(step, name, Mark.OK, "secure, and the certificate is trusted")
    else:
        yield Result(step, name, Mark.OK, "without TLS, as it stays on this machine")


def _remedy_without_an_answer(error: ResponseError) -> str:
    if isinstance(error, CredentialsError):
        return "Does a proxy open secure connections? Then name its certificate in REQUESTS_CA_BUNDLE."
    return "Is the domain right? Does a firewall let calls to it out?"


def _gainsight(subject: CheckSubject, step: str) -> Looks:
    answer = yield ListUsers(subject.config)
    if answer.response.status == 404 and not _is_gainsights(answer):  # not every gateway may have the route of users
        answer = yield ReadOne(subject.config, COMPANY)
    name, error = _host_of(subject.config), answer.error
    if _is_gainsights(answer):
        yield Result(step, name, Mark.OK, "Gainsight answers")
    elif error is None:
        found = f"the answer is not Gainsight's (HTTP {answer.response.status})"
        yield Result(step, name, Mark.FAULT, found, _remedy_for_others(None))
    else:
        yield Result(step, name, Mark.FAULT, _said(error), _remedy_for_others(error.status))


def _is_gainsights(answer: Answered) -> bool:
    """Whether Gainsight itself has answered; or what stands before it, in its place, that there are too many calls."""
    if answer.response is None:
        return False
    return is_of_gainsight(answer.response) or isinstance(answer.error, ThrottledError)


def _remedy_for_others(status: int | None) -> str:
    if status is not None and 300 <= status <= 399:
        return "Set domain to the host of the tenant itself, such as acme.gainsightcloud.com."
    return "Is the domain right? Is there a login page, a proxy or a firewall before Gainsight?"


#: What a key is tried with: first what needs the least of rights.
_TRIES: tuple[Callable[[DestinationConfig], Request], ...] = (
    ListUsers,
    *(partial(ReadOne, of=of) for of in (COMPANY, PERSON)),
)


def _key(subject: CheckSubject, step: str) -> Looks:
    """The key is accepted if it may do anything: one that lacks a right, or a route that is not there, says nothing."""
    answer = yield _TRIES[0](subject.config)
    for ask in _TRIES[1:]:
        if answer.error is None or not _lacks_a_right(answer.error):
            break
        answer = yield ask(subject.config)
    if answer.error is None:
        yield Result(step, "", Mark.OK, "accepted")
    else:
        yield Result(step, "", Mark.FAULT, _said(answer.error), _remedy_of(answer.error))


def _lacks_a_right(error: ResponseError) -> bool:
    """Whether the key is known, and this alone is refused."""
    if isinstance(error, CredentialsError):
        return error.status in {403, 404} and error.code not in _OF_THE_KEY
    return error.status is not None and not isinstance(error, RetryableError)


#: Codes that speak of the key, or of who uses it, rather than of what is asked.
_OF_THE_KEY = frozenset({"GS_APIG_2401", "GS_APIG_2402", "GSOBJ_1024"})


# --- rights and fields ------------------------------------------------------------------------------------------------


def _rights(of: GainsightObject, subject: CheckSubject, step: str) -> Looks:
    answer = yield ReadOne(subject.config, of)
    yield _right(step, of, answer.error, "its records may be read")
    if subject.tenant is None:
        answer = yield describe(subject.config, (of.name,))
        yield _right(step, of, answer.error, "its fields may be read")


def _right(step: str, of: GainsightObject, error: ResponseError | None, well: str) -> Result:
    if error is None:
        return Result(step, of.name, Mark.OK, well)
    remedy = _remedy_of(error)
    if isinstance(error, CredentialsError):
        remedy = f"Give the user of the key the right to read {of.name}, or make a key for a user who has it."
    return Result(step, of.name, Mark.FAULT, f"{error.action}: {_said(error)}", remedy, _is_unfinished(error))


def _fields(of: GainsightObject, subject: CheckSubject, step: str) -> Looks:
    tenant, problem = subject.tenant, (f"the tenant's file has no {of.name}", "Write it again with `describe --out`.")
    if tenant is None and subject.config.access_key is None:
        yield Result(step, of.name, Mark.UNTRIED, NO_KEY)
        return
    if tenant is None:
        answer = yield describe(subject.config, (of.name,))
        if answer.error is not None:
            remedy = "Write the fields to a file with a key that may read them, and give it as --tenant."
            yield Result(step, of.name, Mark.UNTRIED, "Gainsight does not describe it to this key", remedy)
            return
        try:
            tenant = Tenant.from_describe(answer.response)
            problem = f"Gainsight describes no {of.name} to this key", f"Has the tenant a {of.name}?"
        except ResponseError as error:
            remedy = "Please report this, with the version of this library."
            yield Result(step, of.name, Mark.FAULT, _said(error), remedy, is_about_all=True)
            return
    own = tenant.object_of(of.name)
    if own is None:
        yield Result(step, of.name, Mark.FAULT, *problem)
    else:
        yield from of_fields(subject.config, of, own)


# --- track ------------------------------------------------------------------------------------------------------------

_TRACK_SETTINGS = ("shared_secret", "tenant_id", "topic_name", "contract_id")


def _track(subject: CheckSubject, step: str) -> Looks:
    config = subject.config
    if subject.test_event is not None:
        yield from _test_event(subject, step, subject.test_event)
    elif config.events:
        settings = [_NAMES[name] for name in _TRACK_SETTINGS if getattr(config, name) is not None]
        what = f"{', '.join(settings)} and {counted(len(config.events), 'event')} of the maps"
        found = f"{what} cannot be tried without sending an event"
        yield Result(step, "", Mark.UNTRIED, found, "To try them, send one: --send-test-event NAME.")
    else:
        yield Result(
            step, "", Mark.UNTRIED, "no track event can be sent: none is in both maps, or a setting is missing"
        )


def _test_event(subject: CheckSubject, step: str, event: str) -> Looks:
    name, version = subject.config.events[event]
    answer = yield track({"type": "track", "event": event, "properties": {}}, subject.config)
    error = answer.error
    if error is None:
        yield Result(step, event, Mark.OK, f"an event was sent as {name}, version {version}")
        return
    remedy = "Compare sharedSecret, tenantId, topicName and the maps with the event in Gainsight."
    is_unfinished = _is_unfinished(error)
    yield Result(step, event, Mark.FAULT, _said(error), _remedy_of(error) if is_unfinished else remedy, is_unfinished)


_NAMES = {setting.name: name for name, setting in SETTINGS.items()}


# --- what answers say -------------------------------------------------------------------------------------------------


def _host_of(config: DestinationConfig) -> str:
    """The host that calls go to, and its port if it is none that goes without saying."""
    return config.origin.partition("://")[2]


def _said(error: ResponseError) -> str:
    """The problem, the status and the code, without what was asked."""
    return str(error).partition(": ")[2]


def _is_unfinished(error: ResponseError) -> bool:
    """Whether the same call may be answered otherwise later."""
    return isinstance(error, RetryableError)


#: What to do about an error of the key's: by its code, else by its class.
_REMEDIES: Mapping[str | type[ResponseError], str] = {
    "GS_APIG_2402": "Add the address of this machine to the list of allowed addresses in Gainsight.",
    "GS_APIG_1000": "Is the domain that of the tenant?",
    ThrottledError: "The tenant's calls are used up. Run the check again in a minute; use --budget for deliveries.",
    RetryableError: "Run the check again later.",
    CredentialsError: "Make a new access key in Gainsight. The one before it ends at once.",
    ResponseError: "Look the code up in Gainsight's error codes.",
}


def _remedy_of(error: ResponseError) -> str:
    if error.code is not None and error.code in _REMEDIES:
        return _REMEDIES[error.code]
    return next(_REMEDIES[kind] for kind in type(error).__mro__ if kind in _REMEDIES)


#: All steps, in their order. A later one asks what an earlier one has asked without another call.
STEPS: tuple[CheckStep, ...] = (
    CheckStep("config", _config),
    CheckStep("host", _host, is_about_all=True),
    CheckStep("connection", _connection, needs_key=True, is_about_all=True),
    CheckStep("Gainsight", _gainsight, needs_key=True, is_about_all=True),
    CheckStep("key", _key, needs_key=True, is_about_all=True),
    *(CheckStep("rights", partial(_rights, of), of.name, needs_key=True) for of in OBJECTS),
    *(CheckStep(FIELDS, partial(_fields, of), of.name) for of in OBJECTS),
    CheckStep("track", _track),
)
