"""How users' code types. mypy checks this file; nothing runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import assert_type

from gainsight_dest import (
    ConfigError,
    DestinationConfig,
    EventError,
    FindCompany,
    Request,
    Response,
    ResponseError,
    SendEvent,
    ThrottledError,
    UpsertPerson,
    group,
    identify,
    is_enabled,
    preview,
    track,
    transform,
)


def settings() -> DestinationConfig:
    """A config takes plain texts and dicts."""
    config = DestinationConfig(domain="acme.co", access_key="key", person_map={"plan": "Plan__gc"})
    assert_type(config.access_key, "str | None")
    assert_type(DestinationConfig.from_rudderstack({"Config": {}}), DestinationConfig)
    return config


def deliver(event: Mapping[str, Any], send: Callable[[Request], Response]) -> None:
    """The loop types as it stands in the README."""
    request: Request | None = transform(event, settings())
    while request is not None:
        request = request.next(send(request))


def requests(event: dict[str, Any]) -> None:
    """Each type of event has its type of request; a plain dict is a config too."""
    assert_type(transform(event, {"domain": "acme.co"}), Request)
    assert_type(identify(event, settings()), UpsertPerson)
    assert_type(group(event, settings()), FindCompany)
    assert_type(track(event, settings()), SendEvent)
    assert_type(is_enabled(event), bool)
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
