"""How users' code types. mypy checks this file; nothing runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from requests import Session
from typing_extensions import assert_type

from gainsight_dest import (
    Batch,
    ConfigError,
    DestinationConfig,
    EventError,
    FindCompany,
    GainsightDestError,
    Reply,
    Request,
    Response,
    ResponseError,
    SendEvent,
    ThrottledError,
    UpsertPerson,
    events_of,
    group,
    identify,
    is_enabled,
    preview,
    track,
    transform,
    transform_batch,
)
from gainsight_dest.deliver import Deliverer, Outcome, Patience, deliver
from gainsight_dest.sandbox import PlannedFault, Sandbox


def settings() -> DestinationConfig:
    """A config takes plain texts and dicts."""
    config = DestinationConfig(domain="acme.co", access_key="key", person_map={"plan": "Plan__gc"})
    assert_type(config.access_key, "str | None")
    assert_type(DestinationConfig.from_rudderstack({"Config": {}}), DestinationConfig)
    DestinationConfig()  # type: ignore[call-arg] # it has a tenant
    DestinationConfig(domain="acme.co", accessKey="key")  # type: ignore[call-arg] # RudderStack's name of it
    DestinationConfig(domain="acme.co", tenant_id=7)  # type: ignore[arg-type] # a text
    return config


def loop(event: Mapping[str, Any], send: Callable[[Request], Response]) -> None:
    """The loop types as it stands in the README."""
    request: Request | None = transform(event, settings())
    while request is not None:
        request = request.next(send(request))


def types(event: dict[str, Any]) -> None:
    """Each type of event has its type of request; a plain dict is a config too."""
    assert_type(transform(event, {"domain": "acme.co"}), Request)
    assert_type(identify(event, settings()), UpsertPerson)
    assert_type(group(event, settings()), FindCompany)
    assert_type(track(event, settings()), SendEvent)
    assert_type(is_enabled(event), bool)
    assert_type(events_of({"batch": [event]}), list[Any])
    for label, request in preview(transform(event, settings())):
        assert_type(label, str)
        assert_type(request, Request)
        assert_type(request.headers, dict[str, str])


def errors(event: dict[str, Any], response: Response) -> str | float | None:
    """Errors type by what they carry."""
    try:
        transform(event, settings()).next(response)
    except ConfigError as error:
        assert_type(error.problems, tuple[tuple[str, str], ...])
    except EventError as error:
        return error.path
    except ThrottledError as error:
        return error.retry_after
    except ResponseError as error:
        return error.request_id
    return None


def delivery(events: Iterable[dict[str, Any]], session: Session) -> None:
    """A stream of events gives outcomes; a single request gives one."""
    with Deliverer(settings(), session, workers=8, patience=Patience(attempts=3)) as deliverer:
        for outcome in deliverer.run(events):
            assert_type(outcome, Outcome)
            assert_type(outcome.error, GainsightDestError | None)
            assert_type(outcome.gsid, str | None)
    assert_type(deliver(transform({}, settings()), timeout=(1, 2)), Outcome)


def batch(events: Iterable[dict[str, Any]], send: Callable[[Request], Response]) -> tuple[Outcome, ...]:
    """A batch gives requests, takes answers, and tells outcomes."""
    events_on_their_way = transform_batch(events, settings())
    assert_type(events_on_their_way, Batch)
    while events_on_their_way.requests:
        answers = [send(request) for request in events_on_their_way.requests]
        events_on_their_way = events_on_their_way.next(answers)
        events_on_their_way = events_on_their_way.next([None, OSError(), Reply(None, calls=2)])
    return events_on_their_way.outcomes


def sandbox() -> None:
    """A sandbox answers requests, and is read as plain data."""
    gainsight = Sandbox(settings(), faults=[PlannedFault("500", share=0.1)])
    assert_type(gainsight.handle(transform({}, settings())), Response)
    assert_type(gainsight.people, list[dict[str, Any]])
