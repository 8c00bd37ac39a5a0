"""Hypothesis strategies: JSON at large, events near enough to real ones to get far, configs, answers."""

from __future__ import annotations

import json
import string
from typing import Any

from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, Response
from gainsight_dest.fields import COMPANY_FIELDS, PERSON_FIELDS
from tests.some import ACCESS_KEY, SECRETS, SHARED_SECRET

#: Texts that hold every kind of trouble: blanks, controls, lone surrogates, digits, dots, the secrets themselves.
texts = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(), max_size=4),
    st.sampled_from(["", " ", "a", "a.b", "12", " 12 ", "1e3", "1,000", "x\r\ny", "ада", "\ud800", *SECRETS]),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)

#: JSON proper: no NaN, no infinity.
finite_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)

_standard = sorted({trait for field in (*PERSON_FIELDS, *COMPANY_FIELDS) for trait in field.traits})
trait_names = st.one_of(st.sampled_from(_standard), st.sampled_from(["a", "a.b", "plan", "Email", "Name"]), texts)
emails = st.sampled_from(["ada@example.com", "Grace@Example.org", " ", "", "ünïcode@exämple.com"])


@st.composite
def trait_objects(draw: st.DrawFn) -> dict[str, Any]:
    """Traits that often hold an email and a name, and anything beside."""
    traits: dict[str, Any] = draw(st.dictionaries(trait_names, json_values, max_size=5))
    if draw(st.booleans()):
        traits["email"] = draw(emails)
    if draw(st.booleans()):
        traits["name"] = draw(st.one_of(texts, st.integers(), st.floats()))
    return traits


external_ids = st.fixed_dictionaries({"type": st.just("gainsightEventContractId"), "id": json_values})
contexts = st.fixed_dictionaries(
    {},
    optional={
        "traits": st.one_of(trait_objects(), json_values),
        "externalId": st.one_of(external_ids, st.lists(st.one_of(external_ids, json_values), max_size=2), json_values),
    },
)
near_events = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(["identify", "group", "track", " Identify ", "page"]), json_values)},
    optional={
        "messageId": texts,
        "event": st.one_of(st.sampled_from(["Ticket Closure", "a"]), json_values),
        "traits": st.one_of(trait_objects(), trait_objects(), json_values),
        "context": st.one_of(contexts, contexts, json_values),
        "properties": st.one_of(st.dictionaries(texts, json_values, max_size=3), json_values),
        "integrations": st.one_of(st.just({"All": True}), json_values),
    },
)
#: Any JSON value, most of them events.
events = st.one_of(near_events, near_events, near_events, json_values)

_marked = st.recursive(
    st.sampled_from(["PERSONAL-value", 987654321, "2026 PERSONAL", ["PERSONAL"], -98765.4321]),
    lambda inner: st.dictionaries(
        st.sampled_from(["a", "plan", "PERSONAL@example.com", "98765.4321"]), inner, max_size=3
    ),
    max_leaves=4,
)
_marked_traits = st.dictionaries(trait_names.filter(lambda name: name.isidentifier()), _marked, max_size=5)
#: Events whose values tell that they are personal.
marked_events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["identify", "group", "track", "PERSONAL-type"]),
        "event": st.sampled_from(["Ticket Closure", "a", "PERSONAL event"]),
        "traits": st.one_of(_marked_traits, _marked),
        "context": st.fixed_dictionaries(
            {
                "traits": st.one_of(_marked_traits, _marked),
                "externalId": st.builds(lambda value: {"type": "gainsightEventContractId", "id": value}, _marked),
            }
        ),
        "properties": _marked_traits,
    }
)

custom_fields = st.sampled_from(["plan__gc", "score__gc", "Location", "FirstName", "Industry"])
record_maps = st.dictionaries(
    st.one_of(st.sampled_from(_standard), st.sampled_from(["a", "a.b", "plan"])), custom_fields
)
event_maps = st.dictionaries(st.sampled_from(["Ticket Closure", "a"]), st.sampled_from(["closed", "1.0.0", "チケット"]))
optional_headers = st.one_of(st.none(), st.sampled_from(["", "x", *SECRETS]))

configs = st.builds(
    DestinationConfig,
    domain=st.just("acme.gainsightcloud.com"),
    access_key=st.sampled_from([ACCESS_KEY, ACCESS_KEY, None]),
    shared_secret=st.sampled_from([SHARED_SECRET, SHARED_SECRET, None]),
    tenant_id=optional_headers,
    topic_name=optional_headers,
    contract_id=optional_headers,
    person_map=record_maps,
    company_map=record_maps,
    event_name_map=event_maps,
    event_version_map=event_maps,
)

#: A config with all that any event needs.
whole_configs = st.builds(
    DestinationConfig,
    domain=st.just("acme.gainsightcloud.com"),
    access_key=st.just(ACCESS_KEY),
    shared_secret=st.just(SHARED_SECRET),
    tenant_id=st.just("tenant"),
    topic_name=st.just("Tickets"),
    person_map=record_maps,
    company_map=record_maps,
    event_name_map=st.just({"Ticket Closure": "closed", "a": "A"}),
    event_version_map=st.just({"Ticket Closure": "1.0.0", "a": "2"}),
)
_finite_traits = st.dictionaries(trait_names, finite_values, max_size=5)


def _good(
    event_type: str, traits: dict[str, Any], context_traits: dict[str, Any], properties: dict[str, Any], name: str
) -> dict[str, Any]:
    email = {"email": "ada@example.com"}
    return {
        "type": event_type,
        "event": name,
        "traits": {**traits, **email, "name": "Acme"},
        "context": {"traits": {**context_traits, **email}},
        "properties": properties,
    }


#: Events that become a request with any of `whole_configs`.
good_events = st.builds(
    _good,
    st.sampled_from(["identify", "group", "track"]),
    _finite_traits,
    _finite_traits,
    st.dictionaries(texts, finite_values, max_size=4),
    st.sampled_from(["Ticket Closure", "a"]),
)

#: What RudderStack might hand over as a Config, broken or not.
_raw_settings = st.fixed_dictionaries(
    {"domain": st.one_of(st.just("acme.gainsightcloud.com"), json_values)},
    optional={
        "tenantId": st.one_of(st.just("tenant"), json_values),
        "topicName": st.one_of(st.just("Tickets"), json_values),
        "contractId": json_values,
        **dict.fromkeys(
            ("personMap", "companyMap", "eventNameMap", "eventVersionMap"),
            st.one_of(
                st.lists(st.fixed_dictionaries({}, optional={"from": json_values, "to": json_values}), max_size=3),
                st.dictionaries(texts, json_values, max_size=3),
                json_values,
            ),
        ),
    },
)


def _keys(access_key: Any, shared_secret: Any) -> dict[str, Any]:
    return {"accessKey": access_key, "sharedSecret": shared_secret}


#: The same, with both keys known.
keyed_raw_configs = st.builds(lambda raw: {**raw, **_keys(ACCESS_KEY, SHARED_SECRET)}, _raw_settings)
raw_configs = st.one_of(
    json_values,
    keyed_raw_configs,
    st.builds(lambda raw, *keys: {**raw, **_keys(*keys)}, _raw_settings, json_values, json_values),
    st.builds(lambda raw: {"Config": raw}, st.one_of(_raw_settings, json_values)),
)

_codes = st.one_of(st.sampled_from(["GU_2400", "GSOBJ_1011", "GSOBJ_1006", "GS_APIG_2401", *SECRETS]), json_values)
_field_error = st.fixed_dictionaries({"fieldName": texts, "errorCode": _codes, "invalidValue": json_values})
_record = st.fixed_dictionaries({}, optional={"Gsid": json_values, "Name": texts, "errors": st.lists(_field_error)})
_data = st.one_of(
    json_values,
    st.lists(_record, max_size=2),
    st.fixed_dictionaries({}, optional={"records": st.lists(_record, max_size=2), "errors": st.lists(_record)}),
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "result": st.one_of(st.booleans(), json_values),
        "errorCode": _codes,
        "errorDesc": st.one_of(st.just("No data found for given criteria"), json_values),
        "requestId": st.one_of(st.uuids().map(str), json_values),
        "data": _data,
    },
)
statuses = st.one_of(st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]), st.integers(0, 700))
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "retry-after", "Date", "X-GS-Request-Id"]),
    st.one_of(st.sampled_from(["3", "1.5", "Mon, 23 Nov 2026 08:00:10 GMT", "Mon, 23 Nov 2026 08:00:00 GMT"]), texts),
)
#: Any bytes as an answer, many of them nearly Gainsight's.
responses = st.builds(
    Response,
    status=statuses,
    body=st.one_of(
        st.binary(max_size=40),
        st.text(string.printable, max_size=40).map(str.encode),
        json_values.map(lambda value: json.dumps(value).encode()),
        envelopes.map(lambda value: json.dumps(value).encode()),
    ),
    headers=headers,
)
