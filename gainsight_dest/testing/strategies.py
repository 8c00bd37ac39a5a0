"""Hypothesis strategies: traits, events and configs that are valid, lifelike and nasty (extra `testing`).

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

from hypothesis import strategies as st

from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import OBJECTS
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
