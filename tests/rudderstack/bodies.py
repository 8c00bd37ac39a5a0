"""Strategies for whole bodies of requests, good and bad, and for what may be answered to a call."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import strategies as st

from gainsight_dest import Request, Response
from tests.rudderstack.rudder import companies
from tests.some import SETTINGS
from tests.strategies import events, good_events, json_values, keyed_raw_configs, raw_configs, responses

DYNAMIC = {
    **SETTINGS,
    "topicName": '{{ event.properties.topic || "Tickets" }}',
    "personMap": [{"from": "{{ message.traits.from || a }}", "to": "A__gc"}],
}
names = st.sampled_from(["d-1", "d-2", "d-1"])
metadata = st.one_of(
    st.builds(
        lambda job, name, workspace: {"jobId": job, "destinationId": name, "workspaceId": workspace},
        st.integers(0, 5),
        names,
        st.sampled_from(["w-1", None, 1]),
    ),
    st.sampled_from([None, {}, [], "x", 1, {"jobId": 7}]),
)


def _destinations(config: Any) -> Any:
    return st.one_of(
        st.builds(lambda name, config, **more: {"id": name, "Config": config, **more}, names, config),
        st.builds(
            lambda name, config, dynamic: {"id": name, "Config": config, "hasDynamicConfig": dynamic},
            names,
            st.one_of(st.just(DYNAMIC), config),
            st.sampled_from([True, False, None]),
        ),
    )


good = {"id": "d-1", "Config": SETTINGS}
keyed_destinations = st.one_of(st.just(good), st.builds(copy.deepcopy, st.just(good)), _destinations(keyed_raw_configs))
any_destinations = st.one_of(keyed_destinations, _destinations(raw_configs), json_values)
requests = st.builds(
    lambda method, endpoint, headers, data, status: {
        "method": method,
        "endpoint": endpoint,
        "headers": headers,
        "body": data,
        "statusCode": status,
    },
    st.sampled_from(["POST", "PUT", "", None, 1]),
    st.sampled_from(["https://acme.gainsightcloud.com/v1.0/api/people", "http://x", "", None]),
    st.sampled_from([{}, {"a": 1}, {"a": None}, None, [], "x"]),
    st.sampled_from([{"JSON": {"a": 1}}, {"JSON": {"a": 1}, "XML": {"b": 1}}, {}, None, [], {"FORM": 1}]),
    st.sampled_from([200, 298, 400, 0, 99, True, "200", 1.5]),
)
messages = st.one_of(events, good_events, good_events, requests)


def _items(destinations: Any) -> Any:
    return st.builds(
        lambda message, metadata, destination: {"message": message, "metadata": metadata, "destination": destination},
        messages,
        metadata,
        destinations,
    )


def _bodies(item: Any, destinations: Any) -> Any:
    lists = st.lists(item, max_size=5)
    return st.one_of(
        st.builds(lambda given: {"input": given, "destType": "gainsight"}, lists),
        st.builds(
            lambda given, shared: {
                "input": [
                    {name: value for name, value in each.items() if name != "destination"}
                    for each in given
                    if type(each) is dict
                ],
                "destinations": shared,
                "connections": {},
            },
            lists,
            st.one_of(st.dictionaries(names, destinations, max_size=2), st.none(), st.just([])),
        ),
    )


bodies = _bodies(st.one_of(_items(any_destinations), _items(any_destinations), json_values), any_destinations)
keyed_bodies = _bodies(_items(keyed_destinations), keyed_destinations)


class Whim:
    """A send that answers anything, or raises: the same again for the same seed."""

    def __init__(self, answers: list[Any], seed: int) -> None:
        self.answers = answers
        self.random = random.Random(seed)  # noqa: S311 - no secret

    def __call__(self, request: Request) -> Response:
        answer = self.random.choice([companies, companies, *self.answers])
        if isinstance(answer, Exception):
            raise answer
        answered: Response = answer(request) if answer is companies else answer
        return answered


_answers: Any = st.lists(
    st.one_of(responses, st.sampled_from([KeyError("x"), TimeoutError(), OSError("no"), None, "x", {}])), max_size=3
)
whims = st.tuples(_answers, st.integers(0, 9))
