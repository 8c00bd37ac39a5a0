"""From a RudderStack event to the first request for Gainsight.

Pure functions: no I/O, no clock, no randomness; neither the event nor the config is ever changed, and equal input gives
equal output. That is what makes a mapping testable with `==`, and the library at home in any pipeline.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from gainsight_dest.config import DestinationConfig, header_problem
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import ConfigError, EventError, UnsupportedTypeError
from gainsight_dest.fields import COMPANY, PERSON, company_of, email_of, person_of
from gainsight_dest.gainsight import CONTRACT_ID_TYPE, INTEGRATION
from gainsight_dest.templates import Settings, configured
from gainsight_dest.values import kind, native, plain_object, quoted, shown, text

__all__ = ["group", "identify", "is_enabled", "track", "transform"]

#: Where a track event brings a contract id of its own.
CONTRACT_ID_PLACE = f"context.externalId[{CONTRACT_ID_TYPE}].id"

#: Why an event is skipped that `is_enabled` does not let through: so it begins, and `switched_off` tells more.
SWITCHED_OFF = "switched off by the event's integrations"
#: What the destination may be called there by mistake, in lower case, without spaces and signs.
_MISSPELLED = frozenset({"gainsight", "gainsightcs", "gainsightnxt"})

Object = Mapping[str, Any]
_R = TypeVar("_R", bound=Request)


def transform(event: Object, destination_config: DestinationConfig | Settings | Object) -> Request:
    """The first request for Gainsight that the event asks for; its `next` gives what follows each answer.

    `destination_config` is a DestinationConfig (the fast way), or RudderStack's own Config as a dict, which is then
    parsed on each call, and whose templates `{{ path || default }}` the event fills in. Raises EventError
    (UnsupportedTypeError for a page, a screen, an alias, …) or ConfigError, and nothing else.
    """
    config = destination_config
    if type(config) is not DestinationConfig:
        config, event = configured(config, event)
    try:
        event_type = event.get("type") if type(event) is dict else _mapping(event).get("type")
        make = _MAKERS.get(event_type) if type(event_type) is str else None
        return make(event, config) if make else _MAKERS[_type_of(event)](event, config)
    except (EventError, ConfigError) as error:
        fault = error
    raise fault.masked(config.hide)


def identify(event: Object, destination_config: DestinationConfig | Object) -> UpsertPerson:
    """`transform` for an identify event, which may leave out its `type`. Raises EventError for another type."""
    return _only(UpsertPerson, "identify", event, destination_config)


def group(event: Object, destination_config: DestinationConfig | Object) -> FindCompany:
    """`transform` for a group event, which may leave out its `type`. Raises EventError for another type."""
    return _only(FindCompany, "group", event, destination_config)


def track(event: Object, destination_config: DestinationConfig | Object) -> SendEvent:
    """`transform` for a track event, which may leave out its `type`. Raises EventError for another type."""
    return _only(SendEvent, "track", event, destination_config)


def is_enabled(event: Object) -> bool:
    """Whether the event's `integrations` object lets it through to Gainsight: `All` is true unless it says otherwise.

    An object of options, as SDKs may send for one integration, enables it. RudderStack's server filters by this before
    a destination sees the event, so `transform` does not look at it. As there, `integrations` that are no object, or
    with an `All` that is neither true nor false, let nothing through, and only "Gainsight" is Gainsight.
    """
    return switched_off(event) is None


def switched_off(event: Object) -> str | None:
    """Why the event's `integrations` do not let it through, with what may be wrong with them; None if they do."""
    if not isinstance(event, (dict, Mapping)) or "integrations" not in event:
        return None
    integrations = event["integrations"]
    if not isinstance(integrations, (dict, Mapping)):
        return f"{SWITCHED_OFF}, which must be an object, not {kind(integrations)}"
    to_all = native(integrations.get("All", True))
    if not isinstance(to_all, bool):
        return f"{SWITCHED_OFF}, where All must be true or false, not {kind(to_all)}"
    own = native(integrations.get(INTEGRATION))
    if own is True or isinstance(own, Mapping) or (to_all and own is not False):
        return None
    if not isinstance(own, bool) and own is not None:
        return f"{SWITCHED_OFF}, where {INTEGRATION} must be true, false or an object, not {kind(own)}"
    if own is None and any(map(_is_misspelled, integrations.items())):
        return f'{SWITCHED_OFF}, where "{INTEGRATION}" is spelled in another way: it is ignored'
    return SWITCHED_OFF


def _is_misspelled(integration: tuple[Any, Any]) -> bool:
    """Whether a row of integrations is meant to enable this one."""
    name, value = integration
    is_meant = "".join(filter(str.isalnum, str(name))).lower() in _MISSPELLED
    return is_meant and (native(value) is True or isinstance(value, Mapping))


def _identify(event: Object, config: DestinationConfig) -> UpsertPerson:
    if config.access_key is None:
        raise config.missing("identify", "access_key")
    traits, context_traits = traits_of(event)
    person = person_of(traits, context_traits, config.custom_fields[PERSON.map])
    return UpsertPerson(config, person if config.fit is None else config.fitted(PERSON.name, person))


def _group(event: Object, config: DestinationConfig) -> FindCompany:
    if config.access_key is None:
        raise config.missing("group", "access_key")
    traits, context_traits = traits_of(event)
    company, email = company_of(traits, config.custom_fields[COMPANY.map]), email_of(context_traits)
    if config.fit is not None:
        config.fitted(PERSON.name, {PERSON.key: email})  # the link's: a key is never changed, but may be refused
        company = config.fitted(COMPANY.name, company)
    return FindCompany(config, company, email)


def _track(event: Object, config: DestinationConfig) -> SendEvent:
    context, properties = context_and_properties_of(event)
    event_name = event.get("event")
    mapped = config.events.get(event_name) if type(event_name) is str else None
    name, version = mapped or _name_and_version(event_name, config)
    external = context.get("externalId")
    contract_id = None if external is None else _contract_id(external)
    return SendEvent(config, name, version, plain_object(properties, "properties"), contract_id)


#: What makes the first request, by type as RudderStack's SDKs write it.
_MAKERS: dict[str, Callable[[Object, DestinationConfig], Request]] = {
    "identify": _identify,
    "group": _group,
    "track": _track,
}
#: The types of events that this destination takes.
EVENT_TYPES = tuple(_MAKERS)

_NOTHING: Object = {}


def _mapping(event: Object) -> Object:
    if isinstance(event, Mapping):
        return event
    raise EventError("the event", f"must be an object, got {kind(event)}")


def _type_of(event: Object) -> str:
    word = event.get("type")
    if native(word) is None and "batch" in event:
        raise EventError("batch", "is for many events, not for one: events_of(body) takes them apart")
    return type_of(word)


def type_of(word: object) -> str:
    """The event's type, trimmed and case-folded. Raises EventError, for another than three UnsupportedTypeError."""
    if not isinstance(word, str) or not word.strip():
        raise EventError("type", f"must be identify, group or track, got {shown(word)}")
    folded = word.strip().casefold()
    if folded not in _MAKERS:
        raise UnsupportedTypeError("type", f"{quoted(word)} is not supported: it must be identify, group or track")
    return folded


def _only(request_type: type[_R], event_type: str, event: Object, destination_config: DestinationConfig | Object) -> _R:
    if isinstance(event, Mapping) and native(event.get("type")) is None:
        event = {**event, "type": event_type}
    request = transform(event, destination_config)
    if not isinstance(request, request_type):
        raise EventError("type", f"must be {event_type} here")
    return request


def traits_of(event: Object) -> tuple[Object, Object]:
    """What identify and group are read for: traits and context.traits. Raises EventError for one that is no object."""
    traits = event.get("traits", _NOTHING)
    context = event.get("context", _NOTHING)
    if type(traits) is not dict:
        traits = _object(traits, "traits")
    if type(context) is not dict:
        context = _object(context, "context")
    context_traits = context.get("traits", _NOTHING)
    if type(context_traits) is not dict:
        context_traits = _object(context_traits, "context.traits")
    return traits, context_traits


def context_and_properties_of(event: Object) -> tuple[Object, Object]:
    """What a track is read for: context and properties. Raises EventError for one that is no object."""
    context = event.get("context", _NOTHING)
    properties = event.get("properties", _NOTHING)
    if type(properties) is not dict:
        properties = _object(properties, "properties")
    if type(context) is not dict:
        context = _object(context, "context")
    return context, properties


def _object(value: Any, place: str) -> Object:
    """The object, of which PHP writes an empty one as an empty list, and a dashboard as ""."""
    if isinstance(value, Mapping):
        return value
    own = native(value)
    if own is None or (isinstance(own, (str, list, tuple)) and not own):
        return _NOTHING
    raise EventError(place, f"must be an object, got {kind(value)}")


def _name_and_version(event: Any, config: DestinationConfig) -> tuple[str, str]:
    """What Gainsight calls the event, and its version. Raises EventError, or ConfigError naming all that is missing."""
    event = native(event)
    if not isinstance(event, str) or not event.strip():
        raise EventError("event", f"a non-blank string is needed for track, got {shown(event)}")
    if None in (config.shared_secret, config.topic_name, config.tenant_id):
        raise config.missing("track", "shared_secret", "topic_name", "tenant_id")
    if event in config.events:
        return config.events[event]
    maps = (("eventNameMap", config.event_name_map), ("eventVersionMap", config.event_version_map))
    problem = f"has no row for the event {quoted(event)}"
    raise ConfigError(*((place, problem) for place, rows in maps if event not in rows))


def _contract_id(external: Any) -> str | None:
    """The contract id that goes out as a header; None where there is none, or what is no id."""
    contract_id = contract_id_of(external)
    if type(contract_id) is str and contract_id.isprintable() and contract_id.strip():
        return contract_id
    if not is_contract_id(contract_id):
        return None
    header = text(contract_id, CONTRACT_ID_PLACE)
    if problem := header_problem(header):
        raise EventError(CONTRACT_ID_PLACE, problem)
    return header


def contract_id_of(external: Any) -> Any:
    """The id, as it came, of the first external id of the contract type; None where there is none."""
    for entry in external if isinstance(external, (list, tuple)) else (external,):
        word = entry.get("type") if type(entry) is dict or isinstance(entry, Mapping) else None
        if isinstance(word, str) and word == CONTRACT_ID_TYPE:
            return entry.get("id")
    return None


def is_contract_id(value: Any) -> bool:
    """Whether the value is an id: non-blank text, or a number other than 0."""
    own = native(value)
    if type(own) is str:
        return bool(own.strip())
    return type(own) in {int, float} and own != 0


class _CallableModule(ModuleType):
    """This module, which is called as its function is: `gainsight_dest.transform` names both, so they are one."""

    __call__ = staticmethod(transform)

    @property
    def __signature__(self) -> Any:
        from inspect import signature  # noqa: PLC0415 - who asks for a signature has loaded it

        return signature(transform)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return import_module, (__name__,)


if not TYPE_CHECKING:  # pragma: no branch - a type checker knows the function
    sys.modules[__name__].__class__ = _CallableModule
