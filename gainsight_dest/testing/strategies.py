"""Hypothesis strategies: traits, events, configs and tenants that are valid, lifelike and nasty (extra `testing`).

```python
@given(events(), configs())
def test_every_event_becomes_a_request(event, config):
    transform(event, config)  # raises nothing
```

All are JSON as a server may send it: no NaN, no lone surrogate. The simplest come first, so failures shrink to them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import attrs
from hypothesis import strategies as st

from gainsight_dest.config import DestinationConfig
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.trace import Row, Rule
from gainsight_dest.fields import COMPANY, CUSTOM, NAME_PARTS, OBJECTS, PERSON, Datatype, GainsightObject
from gainsight_dest.gainsight import GSID
from gainsight_dest.sandbox.schema import own_tenant
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject
from gainsight_dest.testing import builders
from gainsight_dest.transform import EVENT_TYPES

Strategy = st.SearchStrategy[Any]

#: The track events that every config of `configs` maps, and what it maps them to.
EVENTS = {
    builders.EVENT: ("ticket_closed", "1.0.0"),
    "Ticket Opened": ("ticket_opened", "1.1.0"),
    "評価": ("rated", "2"),
}

_STANDARD = sorted({trait for of in OBJECTS for field in of.fields for trait in field.traits})
_KEYS = {"email", "name"}  # of their own: an event without them becomes no request
_OWN = ("plan", "address", "crm.id", "score", "Plan", "team name", "")
_PATHS = ("plan", "score", "address.city", "crm.id", "address", "email", "team name")
_CUSTOM = ("Plan__gc", "City__gc", "Score__gc", "CRM_ID__gc", "Location", "Industry")
_LIFELIKE = ("gold", "Ada", "Ada Lovelace", "EMEA", "250", " 12.50 ", "1,000", "2026-01-31", "2026-02-30", "true", "no")
_NASTY = (
    "",
    " ",
    "\t",
    "0",
    "null",
    "a.b",
    "x\r\ny: z",
    "\x00",
    "日本商事",
    'O\'Neil "Ltd"',
    "\u202eabc",
    "👩‍🚀",
    "é" * 300,
)

_texts = st.one_of(st.sampled_from(_LIFELIKE), st.sampled_from(_NASTY), st.text(max_size=12))
_numbers = st.one_of(
    st.integers(0, 100_000),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
)
_scalars = st.one_of(_texts, _numbers, st.booleans(), st.none())
_addresses = st.fixed_dictionaries(
    {}, optional={"city": _texts, "country": st.sampled_from(["IT", "日本"]), "zip": _scalars}
)
_values = st.one_of(
    _scalars,
    _addresses,
    st.lists(_scalars, max_size=3),
    st.recursive(_scalars, lambda inner: st.dictionaries(_texts, inner, max_size=3), max_leaves=4),
)
_emails = st.sampled_from(["ada@example.com", "Grace.Hopper+test@Example.ORG", "ünïcode@exämple.com", "no address"])
_company_names = st.one_of(
    st.sampled_from([builders.COMPANY, "Lindenhof Logistik AG, Zürich", "日本商事", " Acme ", 'O\'Neil "Ltd"']),
    st.text(min_size=1, max_size=20).filter(str.strip),
    st.integers(0, 10**9),
)
_contract_ids = st.one_of(st.sampled_from(["c-1", "契約-7"]), st.integers(0, 10**6), st.sampled_from(["", None]))


def traits(names: Collection[str] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Traits, or properties, of any value: standard ones, some of `names` (those that a config maps), made-up ones.

    Neither an email nor a name of a company is among them, unless in `names`: `events` adds them.
    """
    known = st.sampled_from([*names, *sorted({*_STANDARD, *_OWN} - _KEYS)])
    own = [known, st.sampled_from([*names])] if names else [known]
    made_up = st.text(max_size=8).filter(lambda name: name not in _KEYS)
    return st.dictionaries(st.one_of(*own, made_up), _values, max_size=6)


def events(
    type: str | None = None,  # noqa: A002 - the key of an event that it sets
    traits: Strategy | None = None,
    names: Collection[str] = tuple(EVENTS),
) -> st.SearchStrategy[dict[str, Any]]:
    """Whole events that become a request with any config of `configs`.

    `type`: identify, group or track; None: any of them. `traits`: a strategy for its traits, a track's properties;
    what it gives goes before the email and the name that the event needs. `names`: those of track events: give
    `config.events` for a config of your own. Raises ValueError for another type.
    """
    if type not in {None, *EVENT_TYPES}:
        raise ValueError(f"type must be one of {', '.join(EVENT_TYPES)}, or None for any of them")
    some = _some_traits() if traits is None else traits
    made = {
        "identify": st.builds(_identify, _emails, some, _some_traits(), st.booleans()),
        "group": st.builds(
            builders.group_event, _company_names, email=_emails, traits=some, context_traits=_some_traits()
        ),
        "track": st.builds(
            builders.track_event, st.sampled_from([*names]), properties=some, contract_id=st.none() | _contract_ids
        ),
    }
    return st.one_of(*made.values()) if type is None else made[type]


def configs() -> st.SearchStrategy[DestinationConfig]:
    """Whole configs: all settings are there, maps of any size, every track event of `EVENTS` mapped."""
    more = st.dictionaries(_texts, st.sampled_from(["other", "1.0"]), max_size=2)
    return st.builds(
        _config,
        domain=st.sampled_from(["acme.example.invalid", "acme-1.eu.example.invalid"]),
        contract_id=st.sampled_from([None, "contract-1"]),
        person_map=_maps(),
        company_map=_maps(),
        more_names=more,
        more_versions=more,
    )


def _some_traits() -> Strategy:
    return traits()


def _maps() -> Strategy:
    sources = st.one_of(st.sampled_from([*_PATHS, *_STANDARD]), st.text(min_size=1, max_size=8))
    return st.dictionaries(sources, st.sampled_from(_CUSTOM), max_size=4)


def _identify(email: str, given: Any, context_traits: Any, in_context: bool) -> dict[str, Any]:  # noqa: FBT001 - drawn
    if in_context and "email" not in given:
        return builders.identify_event(email=None, traits=given, context_traits={"email": email, **context_traits})
    return builders.identify_event(email=email, traits=given, context_traits=context_traits)


def _config(more_names: dict[str, str], more_versions: dict[str, str], **settings: Any) -> DestinationConfig:
    return DestinationConfig(
        event_name_map={**more_names, **{event: name for event, (name, _) in EVENTS.items()}},
        event_version_map={**more_versions, **{event: version for event, (_, version) in EVENTS.items()}},
        **builders.SETTINGS,
        **settings,
    )


# --- tenants ----------------------------------------------------------------------------------------------------------

#: Data types of Gainsight's, and one that no table knows.
_TYPES = (
    "STRING",
    "NUMBER",
    "BOOLEAN",
    "PICKLIST",
    "MULTISELECTDROPDOWNLIST",
    "DATE",
    "DATETIME",
    "EMAIL",
    "URL",
    "RICHTEXTAREA",
    "CURRENCY",
    "PERCENTAGE",
    "GSID",
    "SFDCID",
    "LOOKUP",
    "IMAGE",
    "JSON",
    "HOLOGRAM",
)
#: What every tenant begins with: the standard fields, and the custom ones that configs of `configs` map, as texts.
_BASE = own_tenant({of.name: {name: Datatype.TEXT for name in _CUSTOM if name.endswith(CUSTOM)} for of in OBJECTS})
_PLACES = sorted(
    (of.name, name) for of in OBJECTS for name in _BASE.objects[of.name].fields if name not in {of.key, GSID}
)
_rights = st.sampled_from(
    [
        {},
        {"is_required": True},
        {"is_createable": False, "is_updateable": False},
        {"is_createable": False},
        {"is_updateable": False},
        {"is_formula": True},
    ]
)
_options = st.lists(
    st.builds(
        Option,
        label=st.one_of(st.sampled_from([*_LIFELIKE, "GOLD", "Emea"]), st.text(min_size=1, max_size=8)),
        id=st.integers(0, 99).map("1I00{}".format),
        is_active=st.sampled_from([True, True, True, False]),
    ),
    max_size=4,
    unique_by=(lambda option: option.label, lambda option: option.id),
).map(tuple)
_facts = st.builds(
    lambda facts, rights: {**facts, **rights},
    st.fixed_dictionaries(
        {"type": st.sampled_from(_TYPES)},
        optional={
            "label": st.sampled_from(["Plan", "評価"]),
            "length": st.sampled_from([3, 255, 500]),
            "decimals": st.sampled_from([1, 2]),
            "options": _options,
            "looks_up": st.sampled_from([("Company",), ("GsUser", "Person")]),
        },
    ),
    _rights,
)
_other_objects = st.builds(
    lambda name, facts: TenantObject(name, "", [TenantField("Plan__gc", **facts)]),
    st.sampled_from(["Relationship", "call_to_action", "Asset__gc"]),
    _facts,
)


def tenants() -> st.SearchStrategy[Tenant]:
    """Tenants that have people and companies, with a key each.

    Most of the standard fields are there, and most of the custom ones that configs of `configs` map. A few are of
    another data type, short, required, read-only, a formula, or have options. Another object may be there, too.
    """
    places = st.sampled_from(_PLACES)
    changes = st.dictionaries(places, _facts, max_size=8)
    return st.builds(_tenant, changes, st.sets(places, max_size=3), st.lists(_other_objects, max_size=1))


def _tenant(
    changes: dict[tuple[str, str], dict[str, Any]], lacking: set[tuple[str, str]], others: list[TenantObject]
) -> Tenant:
    objects = [
        attrs.evolve(
            of,
            fields=[
                attrs.evolve(field, **changes.get((of.name, field.name), {}))
                for field in of.fields.values()
                if (of.name, field.name) not in lacking
            ],
        )
        for of in _BASE.objects.values()
    ]
    return Tenant([*objects, *others])


# --- events that fit a tenant -----------------------------------------------------------------------------------------


def fitting_events(
    tenant: Tenant,
    config: DestinationConfig,
    type: str | None = None,  # noqa: A002 - the key of an event that it sets
) -> st.SearchStrategy[dict[str, Any]]:
    """Whole events that the tenant takes all of, whether their records are there or not.

    They use the standard traits and those that the config maps, for what the tenant lets them write. `type`: identify,
    group or track; None: any of those that can fit. Raises ValueError for another type, and where no event can fit: the
    tenant lacks the object or its key, or requires a field that nothing is mapped to.
    """
    if type not in {None, *EVENT_TYPES}:
        raise ValueError(f"type must be one of {', '.join(EVENT_TYPES)}, or None for any of them")
    fed = {of.event_type: _fed(tenant, config, of) for of in OBJECTS}
    problems = {kind: _no_fit(tenant, of, fed[kind]) for kind, of in _OF.items()}
    kinds = [kind for kind in EVENT_TYPES if type in {None, kind} and problems.get(kind) is None]
    kinds = [kind for kind in kinds if kind != "track" or config.events]
    if not kinds:
        raise ValueError(f"no {type or 'such'} event can fit: {problems.get(str(type)) or 'the config maps no event'}")
    values = {kind: _values_of(by_trait) for kind, by_trait in fed.items()}
    made = {
        "identify": st.builds(_identify_of, values["identify"]),
        "group": st.builds(_group_of, values["group"], _emails),
        "track": st.builds(builders.track_event, st.sampled_from([*config.events] or [""]), properties=traits()),
    }
    some = st.one_of([made[kind] for kind in kinds])
    return some.map(lambda event: _fitted(event, config, tenant)).filter(bool)


#: What an event makes a record of, by its type.
_OF = {of.event_type: of for of in OBJECTS}

#: The fields of a tenant by the traits that feed them, and whether an event must have the trait.
_Fed = dict[str, tuple[TenantField, bool]]


def _fed(tenant: Tenant, config: DestinationConfig, of: GainsightObject) -> _Fed:
    own = tenant.object_of(of.name)
    if own is None:
        return {}
    required = {of.key, *(name for name, _ in own.refusals({}, is_new=True))}
    targets = {field.traits[0]: field.name for field in of.fields}
    key_traits = of.by_name[of.key].traits
    targets |= {trait: name for trait, _, name in config.custom_fields[of.map] if trait not in key_traits}
    return {
        trait: (own.fields[name], name in required)
        for trait, name in targets.items()
        if name in own.fields and (name == of.key or own.fields[name].is_createable is own.fields[name].is_updateable)
    }


def _no_fit(tenant: Tenant, of: GainsightObject, fed: _Fed) -> str | None:
    """Why no event of the object can fit; None if one can."""
    own, names = tenant.object_of(of.name), {field.name for field, _ in fed.values()}
    if own is None:
        return f"the tenant was described without {of.name}"
    lacks = [name for name, _ in own.refusals({}, is_new=True) if name not in names]
    if of is COMPANY:  # whose person is linked by its key alone
        person = tenant.object_of(PERSON.name)
        lacks += ["Person"] if person is None else [*dict(person.refusals({PERSON.key: "a@b.co"}, is_new=True))]
    return f"nothing is for {', '.join(lacks)}" if lacks else None


def _values_of(fed: _Fed) -> Strategy:
    """Traits with values that fit their fields."""
    must = {trait: _fitting(field) for trait, (field, is_needed) in fed.items() if is_needed}
    may = {trait: _fitting(field) for trait, (field, is_needed) in fed.items() if not is_needed}
    return st.fixed_dictionaries(must, optional=may)


def _fitting(field: TenantField) -> Strategy:
    """Values that the field takes, if any of these."""
    options = [word for option in field.options for word in (option.label, option.id) if word]
    texts = st.one_of(_texts, st.text(max_size=field.longest or 12))
    by_type: dict[str, Strategy] = {
        "EMAIL": _emails,
        "URL": st.sampled_from(["https://example.com", "https://例え.jp/a?b=c"]),
        "BOOLEAN": st.booleans(),
        "DATE": st.dates().map(str),
        "DATETIME": st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z"),
        "SFDCID": st.sampled_from(["0015g00000A1b2C", "0015g00000A1b2CAAZ"]),
        **dict.fromkeys(("GSID", "LOOKUP"), st.sampled_from(["1P02A", "1P01E316"])),
        **dict.fromkeys(("NUMBER", "CURRENCY", "PERCENTAGE"), _numbers),
    }
    if options:
        one = st.sampled_from(options)
        by_type["PICKLIST"] = one
        by_type["MULTISELECTDROPDOWNLIST"] = st.lists(one, min_size=1, max_size=3, unique=True).map(";".join)
    return by_type.get(field.type, texts)


def _identify_of(given: dict[str, Any]) -> dict[str, Any]:
    return builders.identify_event(email=None, traits=given)


def _group_of(given: dict[str, Any], email: str) -> dict[str, Any]:
    return builders.group_event(None, email=email, traits=given)


def _fitted(event: dict[str, Any], config: DestinationConfig, tenant: Tenant) -> dict[str, Any]:
    """The event without the traits that the tenant refuses; an empty one if then it refuses it still."""
    trace = explain(event, config, tenant=tenant)
    while trace.fits is not True:
        refused = {name for row in trace.rows if row.kind is not None for name in _made_of(row)}
        left = {trait: value for trait, value in event["traits"].items() if trait not in refused}
        if len(left) == len(event["traits"]):
            return {}
        event = {**event, "traits": left}
        trace = explain(event, config, tenant=tenant)
    return event


def _made_of(row: Row) -> set[str]:
    """The traits that what the row sends is made of."""
    if row.rule == Rule.NAME_PARTS:
        return {trait for name in NAME_PARTS for trait in PERSON.by_name[name].traits}
    return {row.path[-1]}
