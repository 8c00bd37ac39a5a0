"""Where each trait and property of an event goes, or why it does not: what `transform` does, step by step.

Pure functions of values, made of the tables and functions that `transform` is made of. A law of the tests holds the two
together: what the rows say is sent is the request, no more and no less.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request, SendEvent
from gainsight_dest.errors import ConfigError, EventError
from gainsight_dest.explaining.stock import compared
from gainsight_dest.explaining.told import fitted, said_by
from gainsight_dest.explaining.trace import CONFIG, EVENT, HEADER, Path, Row, Rule, Trace
from gainsight_dest.fields import (
    COMPANY,
    OBJECTS,
    PERSON,
    Fate,
    Field,
    GainsightObject,
    dig,
    first_present,
    has_name,
    name_parts,
    number_as_name,
    source_of,
    sources,
    taken,
)
from gainsight_dest.templates import Settings, configured
from gainsight_dest.transform import (
    CONTRACT_ID_PLACE,
    Object,
    context_and_properties_of,
    contract_id_of,
    is_contract_id,
    switched_off,
    traits_of,
    transform,
    type_of,
)
from gainsight_dest.values import native, plain_object, present

if TYPE_CHECKING:
    from gainsight_dest.tenant import Tenant

TRAITS, CONTEXT_TRAITS, PROPERTIES = "traits", "context.traits", "properties"

#: Objects that no mapping touches have a row for each leaf, down to this depth.
_DEEPEST = 20


def explain(
    event: Object, destination_config: DestinationConfig | Settings | Object, *, tenant: Tenant | None = None
) -> Trace:
    """Where each trait and property of the event goes, or why it does not.

    `destination_config` is a DestinationConfig (the fast way), or RudderStack's own Config as a dict, which is then
    parsed on each call, and whose templates `{{ path || default }}` the event fills in: what it fills in is none of its
    traits. Raises nothing for an event or a config at fault: that is the explanation's `error`.

    With a `tenant` the rows also have the data type of each field, what the ids of options mean, and what that tenant
    refuses. `fits` says whether it takes the whole event: True, False, or None if that depends on what it has.
    A config that makes values fit a tenant is explained with that one, if no other is given.
    """
    has_tenant = tenant is not None
    try:
        config, event = configured(destination_config, event)
    except (ConfigError, EventError) as error:
        return Trace(event_type_of(event), (), error, off=switched_off(event), has_tenant=has_tenant)
    request, fault = _transformed(event, config)
    if config.fit is None:
        event_type, rows = _rows(event, config, request)
    else:
        event_type, rows = _fitted_rows(event, config, config.fit)
        tenant = config.fit if tenant is None else tenant
    if isinstance(fault, EventError):
        rows = [_blamed(row, fault) for row in rows]
    words, off = _quotable(event, config), switched_off(event)
    if tenant is None:
        return Trace(event_type, tuple(rows), fault, request, config, words, off)
    said = said_by(tenant, rows)
    fits, lacks = (None, ()) if request is None else (said.fits, said.lacks)
    return Trace(event_type, said.rows, fault, request, config, words, off, fits, lacks, has_tenant=True)


def _transformed(event: Any, config: DestinationConfig) -> tuple[Request | None, ConfigError | EventError | None]:
    """What `transform` returns, or what it raises."""
    try:
        return transform(event, config), None
    except (ConfigError, EventError) as error:
        return None, error


def _fitted_rows(event: Any, config: DestinationConfig, tenant: Tenant) -> tuple[str | None, list[Row]]:
    """The event's type, and its rows as they are before values are made to fit, with what is then made of each."""
    unfitted = config.fitting(None)
    event_type, rows = _rows(event, unfitted, _transformed(event, unfitted)[0])
    of = next((tenant.object_of(of.name) for of in OBJECTS if of.event_type == event_type), None)
    return event_type, rows if of is None else fitted(rows, of, config.fit_mode)


def _rows(event: Any, config: DestinationConfig, request: Request | None) -> tuple[str | None, list[Row]]:
    """The event's type and its rows; None and no rows where it is no event for this destination."""
    event_type = event_type_of(event)
    if event_type is None:
        return None, []
    try:
        trail = _TRAILS[event_type](event, config, request)
    except EventError:  # traits that are no object
        return event_type, []
    return event_type, compared([*trail.rows()])


def event_type_of(event: Any) -> str | None:
    """The event's type: identify, group or track; None for anything else."""
    try:
        return type_of(event.get("type")) if isinstance(event, Mapping) else None
    except EventError:
        return None


def _blamed(row: Row, fault: EventError) -> Row:
    """The row, at fault if the error is about it, or about what it sends to its field."""
    is_about = row.source == fault.path or (row.fate is Fate.SENT and row.field == fault.path)
    return row._replace(fate=Fate.FAULT, sent=None, problem=fault.problem) if is_about else row


def _quotable(event: Any, config: DestinationConfig) -> tuple[str, ...]:
    """The event's own words that an error may quote: what the config holds, too, is no secret of the event's."""
    if not isinstance(event, Mapping):
        return ()
    words = (event.get("type"), event.get("event"))
    return tuple(word for word in words if isinstance(word, str) and word not in config.events)


class _Trail:
    """The rows of one event in the making.

    `objects`: those of the event, by their places, in the order of the rows. `read`: the places that events of its type
    are read for.
    """

    def __init__(self, config: DestinationConfig, objects: Mapping[str, Object], read: Collection[str]) -> None:
        self._objects = objects
        self._read = read
        self._rows: dict[Path, list[Row]] = {}
        self._claimed: set[Path] = set()
        self._sent: dict[tuple[str | None, str | None], tuple[list[Row], int]] = {}
        self._secrets = tuple(secret for secret in (config.access_key, config.shared_secret) if secret)
        self._hide = config.hide

    def add(self, row: Row) -> None:
        """Add a row of a value. What is sent overrides what was sent to the same field before."""
        path = row.path
        self._claimed.add(path)
        rows = self._rows.setdefault(path[:2], [])
        if row.fate is Fate.SENT:
            if (row.record, row.target) in self._sent:
                self.drop(row.record, row.target, Fate.OVERRIDDEN, by=path)
            self._sent[row.record, row.target] = rows, len(rows)
        rows.append(row)

    def drop(self, record: str | None, target: str | None, fate: Fate, **why: Any) -> None:
        """What was sent to the field before is not, after all."""
        if (record, target) in self._sent:
            rows, index = self._sent.pop((record, target))
            rows[index] = rows[index]._replace(**{"fate": fate, "sent": None, "problem": None, **why})

    def sent(self, record: str, target: str) -> Any:
        """What is sent to the field; None if nothing is."""
        rows, index = self._sent.get((record, target), ([], 0))
        return rows[index].sent if rows else None

    def rows(self) -> Iterator[Row]:
        """All rows, by their objects and in the order of those; then what stands in none."""
        for place, among in self._objects.items():
            for key, value in among.items():
                top = (place, _name_of(key))
                yield from map(self._safe, self._rows.pop(top, ()))
                if top in self._claimed:
                    continue
                if place in self._read:
                    for path, leaf in self._untouched(top, value, _DEEPEST):
                        yield self._safe(Row(path, leaf, Fate.UNMAPPED))
                else:
                    yield self._safe(Row(top, value, Fate.UNREAD))
        for rows in self._rows.values():
            yield from map(self._safe, rows)

    def _untouched(self, path: Path, value: Any, depth: int) -> Iterator[tuple[Path, Any]]:
        """The parts of a value that no row is about; none is about the whole."""
        if depth and isinstance(value, Mapping) and value:
            for key, inner in value.items():
                below = (*path, _name_of(key))
                if below not in self._claimed:
                    yield from self._untouched(below, inner, depth - 1)
        else:
            yield path, value

    def _safe(self, row: Row) -> Row:
        """The row, with any secret in the event's own names masked."""
        if self._secrets and any(secret in "\n".join(row.path) for secret in self._secrets):
            target = self._hide(str(row.target)) if row.record == EVENT else row.target
            return row._replace(path=tuple(map(self._hide, row.path)), target=target)
        return row


def _record(of: GainsightObject, event: Object, config: DestinationConfig) -> _Trail:
    """The rows of the traits that feed a record of the object. Raises EventError."""
    traits, context_traits = traits_of(event)
    objects = {TRAITS: traits, CONTEXT_TRAITS: context_traits, PROPERTIES: _object_in(event, PROPERTIES)}
    trail = _Trail(config, objects, read=of.sources)
    if CONTEXT_TRAITS not in of.sources:
        context_traits = {}
    _standard(trail, of, TRAITS, traits)
    _standard(trail, of, CONTEXT_TRAITS, context_traits, senior=traits)
    _custom(trail, of, config, traits, context_traits)
    return trail


def _identify(event: Object, config: DestinationConfig, request: Request | None) -> _Trail:
    trail = _record(PERSON, event, config)
    name = trail.sent(PERSON.name, "Name")
    if not has_name({"Name": name}):
        trail.drop(PERSON.name, "Name", Fate.BLANK, problem="no name" if present(name) else None)
        if request is not None and "Name" in request.body:
            parts = " + ".join(name_parts(request.body))
            name = request.body["Name"]
            trail.add(Row((parts,), None, Fate.SENT, PERSON.name, "Name", Rule.NAME_PARTS, name))
    return trail


def _group(event: Object, config: DestinationConfig, _request: Request | None) -> _Trail:
    trail = _record(COMPANY, event, config)
    _, context_traits = traits_of(event)
    if "email" in context_traits:
        email = context_traits["email"]
        sent = native(email)
        refusal = PERSON.refusal(PERSON.key, sent)
        path = (CONTEXT_TRAITS, "email")
        trail.add(Row(path, email, Fate.SENT, PERSON.name, PERSON.key, Rule.LINK, sent, problem=refusal))
    return trail


def _track(event: Object, config: DestinationConfig, request: Request | None) -> _Trail:
    context, properties = context_and_properties_of(event)
    objects = {TRAITS: _object_in(event, TRAITS), CONTEXT_TRAITS: _object_in(context, TRAITS), PROPERTIES: properties}
    trail = _Trail(config, objects, read=(PROPERTIES,))
    event_name = native(event.get("event"))
    if event_name is not None:
        for rule, header, words in (
            (Rule.NAME_MAP, "eventName", config.event_name_map),
            (Rule.VERSION_MAP, "eventVersion", config.event_version_map),
        ):
            word = words.get(event_name) if isinstance(event_name, str) else None
            fate = Fate.UNMAPPED if word is None else Fate.SENT
            trail.add(Row(("event",), event_name, fate, HEADER, header, rule, word))
    for key, value in properties.items():
        trail.add(_property(key, value))
    _contract(trail, contract_id_of(context.get("externalId")), config, request)
    return trail


def _object_in(event: Object, place: str) -> Object:
    """The object at a place that events of the type are not read for; an empty one for what is no object."""
    among = event.get(place)
    return among if isinstance(among, Mapping) else {}


#: What makes the rows of an event, by its type.
_TRAILS: dict[str, Callable[[Object, DestinationConfig, Request | None], _Trail]] = {
    "identify": _identify,
    "group": _group,
    "track": _track,
}


def _standard(trail: _Trail, of: GainsightObject, place: str, traits: Object, senior: Object | None = None) -> None:
    """Add the traits that feed standard fields. `senior`: traits that go before these."""
    for trait, value in traits.items():
        feed = of.feeds.all.get(trait)
        if feed is not None:
            trail.add(_fed(of, (place, trait), value, *feed, traits, senior))


def _fed(
    of: GainsightObject,
    path: Path,
    value: Any,
    field: Field,
    before: Sequence[str],
    traits: Object,
    senior: Object | None,
) -> Row:
    by = made = problem = None
    first = first_present(field.traits, senior) if senior and present(value) else None
    if first is not None:
        fate, by = Fate.OVERRIDDEN, (TRAITS, first)
    else:
        try:
            fate, made = taken(field, before, value, traits, "")
            if fate is Fate.SENT and field.name == COMPANY.key and of is COMPANY and not isinstance(made, str):
                made = number_as_name(made)
        except EventError as error:
            fate, problem = Fate.FAULT, error.problem
    if fate is Fate.SENT:
        problem = of.refusal(field.name, made)
    elif fate is Fate.OVERRIDDEN and by is None:
        by = (path[0], str(first_present(before, traits)))
    return Row(path, value, fate, of.name, field.name, Rule.STANDARD, made, by, problem)


def _custom(
    trail: _Trail, of: GainsightObject, config: DestinationConfig, traits: Object, context_traits: Object
) -> None:
    """Add the values that the rows of a map may take, and which of them is taken."""
    for row in config.custom_fields[of.map]:
        source = source_of(row, traits, context_traits)
        first = (source[0], *source[1]) if source else None
        for place, keys, value in sources(row, traits, context_traits):
            path = (place, *keys)
            new = Row(path, value, Fate.BLANK, of.name, row[2], of.map)
            if native(value) is None:
                among: Any = dig(traits if place == TRAITS else context_traits, keys[:-1])
                if not isinstance(among, Mapping) or keys[-1] not in among:
                    continue
            elif path == first:
                new = _as_it_is(new, keys[-1], of)
            else:
                new = new._replace(fate=Fate.OVERRIDDEN, by=first)
            trail.add(new)


def _as_it_is(row: Row, key: str, of: GainsightObject | None = None) -> Row:
    """The row, with its value sent as it is, if JSON can hold it."""
    try:
        sent = plain_object({key: row.value}, "")[native(key)]
    except EventError as error:
        return row._replace(fate=Fate.FAULT, problem=error.problem)
    problem = of.refusal(str(row.target), sent) if of else None
    return row._replace(fate=Fate.SENT, sent=sent, problem=problem)


def _property(key: Any, value: Any) -> Row:
    name = _name_of(key)
    return _as_it_is(Row((PROPERTIES, name), value, Fate.SENT, EVENT, name, Rule.PROPERTY), key)


def _name_of(key: Any) -> str:
    """A key as it goes out, or would; of one that is no text, what it looks like."""
    return str(native(key))


def _contract(trail: _Trail, contract_id: Any, config: DestinationConfig, request: Request | None) -> None:
    """Add where the contract id comes from: the event, or else the config."""
    its_own = is_contract_id(contract_id)
    if native(contract_id) is not None:
        sent = request.contract_id if isinstance(request, SendEvent) else contract_id
        row = Row((CONTRACT_ID_PLACE,), contract_id, Fate.SENT, HEADER, "contractId", Rule.CONTRACT, sent)
        if not its_own:
            problem = "no id" if present(contract_id) else None
            row = row._replace(fate=Fate.BLANK, sent=None, problem=problem)
        trail.add(row)
    if not its_own and config.contract_id is not None:
        value = config.contract_id
        trail.add(Row((CONFIG, "contractId"), value, Fate.SENT, HEADER, "contractId", Rule.CONTRACT, value))
