"""At twice the size an event, a config, or a batch takes about twice the time: nobody can make it take for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from gainsight_dest import DestinationConfig, GainsightDestError, Response, explain, transform, transform_batch
from gainsight_dest.config import MOST_ROWS
from gainsight_dest.fields import COMPANY_FIELDS, PERSON_FIELDS
from gainsight_dest.values import is_date, is_email, is_url
from tests.growth import MOST_GROWTH, growth
from tests.some import ADA, CONFIG, SETTINGS, group, identify, track

pytestmark = pytest.mark.once

#: Texts of a length, each made so that a pattern might go over it again and again.
TEXTS: dict[str, Callable[[int], str]] = {
    "digits and a letter": lambda n: "1" * n + "x",
    "digits with a point": lambda n: "1" * n + "." + "1" * n + "x",
    "an exponent": lambda n: "1e" + "1" * n + "x",
    "spaces": lambda n: " " * n + "x",
    "a number in spaces": lambda n: " " * n + "1" + " " * n,
    "dots": lambda n: "a." * n,
    "at signs": lambda n: "a@" * n,
    "braces": lambda n: "{{a||" + " " * n,
    "quotes": lambda n: '"' * n,
    "control characters": lambda n: "\x1b" * n,
    "the secret's beginning": lambda n: SETTINGS["accessKey"][:-1] * (n // 10),
    "a dash": lambda n: "-" * n,
}
#: One that is tried wherever the tests are run.
QUICK = "digits and a letter"
SIZE = 100_000
MANY = 5_000
TRAITS = [(identify, field.traits[0]) for field in PERSON_FIELDS] + [
    (group, field.traits[0]) for field in COMPANY_FIELDS
]


def tried(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with suppress(GainsightDestError):
            work()

    return run


@pytest.mark.parametrize(
    "text", [QUICK, *(pytest.param(text, marks=pytest.mark.long) for text in TEXTS if text != QUICK)]
)
def test_a_long_text_in_any_field_takes_no_longer_than_its_length_allows(text: str) -> None:
    def work(size: int) -> Callable[[], None]:
        value = TEXTS[text](size)
        events = [make(**{trait: value}) if trait != "name" else make() for make, trait in TRAITS if trait != "email"]
        events += [identify(value), identify(name=value), group(value), track(value=value), identify(custom=value)]
        events += [{**track(), "event": value}, {"type": value}, {**identify(), "type": "identify" + value}]
        works = [tried(lambda event=event: transform(event, CONFIG)) for event in events]  # type: ignore[misc]

        def run() -> None:
            for each in works:
                each()

        return run

    assert growth(work, SIZE) < MOST_GROWTH


@pytest.mark.long
@pytest.mark.parametrize("check", [is_date, is_email, is_url])
@pytest.mark.parametrize("text", TEXTS)
def test_what_a_text_looks_like_is_told_as_soon(text: str, check: Callable[[object], bool]) -> None:
    def work(size: int) -> Callable[[], object]:
        value = TEXTS[text](size)
        return lambda: check(value)

    assert growth(work, SIZE) < MOST_GROWTH


@pytest.mark.long
@pytest.mark.parametrize("setting", ["domain", "accessKey", "sharedSecret", "tenantId", "topicName", "contractId"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_long_setting_takes_no_longer_than_its_length_allows(text: str, setting: str) -> None:
    def work(size: int) -> Callable[[], object]:
        config = {**SETTINGS, setting: TEXTS[text](size)}
        return tried(lambda: DestinationConfig.from_rudderstack({"Config": config}))

    assert growth(work, SIZE) < MOST_GROWTH


def rows(count: int) -> list[dict[str, str]]:
    return [{"from": f"trait{n}.a.b", "to": f"Field{n}__gc"} for n in range(count)]


CONFIGS: dict[str, Callable[[int], Mapping[str, Any]]] = {
    "many rows": lambda n: {"personMap": rows(n), "companyMap": rows(n)},
    "many wrong rows": lambda n: {"personMap": [{"from": "a", "to": "Email"}] * n},
    "rows of no form": lambda n: {"personMap": [7] * n, "companyMap": {f"k{i}": [] for i in range(n)}},
    "many events": lambda n: {"eventNameMap": rows(n), "eventVersionMap": rows(n)},
    "a long path": lambda n: {"personMap": {"a." * (10 * n): "Long__gc"}},
}


@pytest.mark.long
@pytest.mark.parametrize("kind", CONFIGS)
def test_a_long_config_takes_no_longer_than_its_length_allows(kind: str) -> None:
    def work(size: int) -> Callable[[], None]:
        config = {"Config": {**SETTINGS, **CONFIGS[kind](size)}}
        return tried(lambda: (str(DestinationConfig.from_rudderstack(config)), transform(identify(), config)))

    assert growth(work, MOST_ROWS // 5) < MOST_GROWTH


EVENTS: dict[str, Callable[[int], Mapping[str, Any]]] = {
    "many traits": lambda n: identify(**{f"trait{i}": i for i in range(n)}),
    "many properties": lambda n: track(**{f"property{i}": {"a": [i]} for i in range(n)}),
    "a long list": lambda n: identify(custom=[{"a": i} for i in range(n)]),
    "a long list as text": lambda n: identify(location=[{"a": i} for i in range(n)]),
    "many external ids": lambda n: {
        **track(),
        "context": {"externalId": [{"type": "other", "id": i} for i in range(n)]},
    },
}


@pytest.mark.long
@pytest.mark.parametrize("kind", EVENTS)
def test_a_long_event_takes_no_longer_than_its_length_allows(kind: str) -> None:
    def work(size: int) -> Callable[[], None]:
        event = EVENTS[kind](size)
        return tried(lambda: (transform(event, CONFIG), explain(event, CONFIG)))

    assert growth(work, MANY) < MOST_GROWTH


BATCHES: dict[str, Callable[[int], list[Any]]] = {
    "one person": lambda n: [identify(ADA, firstName=f"{i}") for i in range(n)],
    "one person, by turns": lambda n: [identify(ADA, custom={"a": i} if i % 2 else None) for i in range(n)],
    "many people": lambda n: [identify(f"p{i}@example.com") for i in range(n)],
    "one company": lambda n: [group("Acme", ADA, employees=i) for i in range(n)],
    "many companies": lambda n: [group(f"Company {i}", ADA) for i in range(n)],
    "events at fault": lambda n: [{"type": "identify"}, {"type": 7}] * (n // 2),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", BATCHES)
def test_a_long_batch_takes_no_longer_than_its_length_allows(kind: str) -> None:
    def work(size: int) -> Callable[[], object]:
        events = BATCHES[kind](size)
        answer = Response(503)

        def run() -> object:
            batch = transform_batch(events, CONFIG)
            batch = batch.next([answer] * len(batch.requests))
            return batch.outcomes

        return run

    assert growth(work, MANY // 5) < MOST_GROWTH


ANSWERS: dict[str, Callable[[int], bytes]] = {
    "many records": lambda n: json.dumps({"result": True, "data": {"records": [{"Name": "x"}] * (n // 20)}}).encode(),
    "many errors": lambda n: json.dumps(
        {"result": False, "data": {"errors": [[{"fieldName": "a"}]] * (n // 20)}}
    ).encode(),
    "deep": lambda n: b"[" * n,
    "long words": lambda n: json.dumps({"result": False, "errorCode": "x" * n, "requestId": "y" * n}).encode(),
    "an integer": lambda n: b'{"result": ' + b"7" * n + b"}",
    "HTML": lambda n: b"<" * n,
}


@pytest.mark.long
@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_long_answer_takes_no_longer_than_its_length_allows(kind: str, status: int) -> None:
    requests = [transform(event, CONFIG) for event in (identify(), group(), track())]

    def work(size: int) -> Callable[[], None]:
        answer = Response(status, ANSWERS[kind](size), {"Retry-After": "7" * size})
        works = [tried(lambda request=request: request.next(answer)) for request in requests]  # type: ignore[misc]

        def run() -> None:
            for each in works:
                each()

        return run

    assert growth(work, SIZE) < MOST_GROWTH


def test_no_more_of_a_long_answer_is_kept_than_tells_something() -> None:
    wrong = {"fieldName": "Arr", "errorCode": "GSOBJ_1002", "invalidValue": "x" * 20_000}
    answer = Response(400, json.dumps({"result": False, "data": {"errors": [[wrong] * 1_000]}}).encode())
    with pytest.raises(GainsightDestError) as caught:
        transform(identify(), CONFIG).next(answer)
    told = getattr(caught.value, "field_errors", ())
    assert len(told) == 100
    assert {each.value for each in told} == {None}
    assert len(str(caught.value)) < 1_000
