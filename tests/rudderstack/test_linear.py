"""The work for a request grows with its length, and no faster: of every kind that a body may be.

Work is counted, in lines and calls of Python: that is the same on every machine. What one call does with a long text is
not seen by that; it is timed, at four times the length, where a square would show as sixteen times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from gainsight_dest import Response, templates
from gainsight_dest.reading import template
from gainsight_dest.rudderstack import items as items_module
from gainsight_dest.rudderstack import processor, proxy, router
from gainsight_dest.rudderstack.clip import read
from tests.rudderstack.rudder import Data, body, companies, destination, item, items, known_companies, told
from tests.some import SETTINGS, group, identify, track

pytestmark = pytest.mark.once

Run = Callable[[], Any]


def work(run: Run) -> int:
    """Lines and calls until it is done."""
    count = 0

    def seen(_: Any, event: str, __: Any) -> Any:
        nonlocal count
        count += event in {"line", "call"}
        return seen

    def called(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event == "c_call"

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(seen)
    sys.setprofile(called)
    try:
        run()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return count


def seconds(run: Run) -> float:
    """CPU time until it is done, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def refusing(_: Any) -> Response:
    return told([{"errors": [{"fieldName": "x"}]}], result=False, status=400)


def routing(given: Data, send: Any = companies, **more: Any) -> Run:
    return lambda: router(given, send, **more)


def compacted(config: Any, *messages: Any, **more: Any) -> Data:
    given = body(*messages)
    for each in given["input"]:
        del each["destination"]
    return {**given, "destinations": {"d-1": destination({**SETTINGS, **config}, **more)}}


def people(n: int) -> list[Any]:
    return [identify(f"p{k}@example.com", name="x") for k in range(n)]


def rows(n: int) -> Data:
    return {"personMap": [{"from": f"t{k}", "to": f"T{k}__gc"} for k in range(n)]}


def proxied(version: str, metadata: Any, send: Any = lambda _: told({}), **changes: Any) -> Run:
    wire = router(body(identify()), companies)["output"][0]["batchedRequest"]
    return lambda: proxy(version, {**wire, "metadata": metadata, **changes}, send)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


TEMPLATES = {f"x{k}": f"{{{{ properties.a{k} || d }}}}" for k in range(100)}

#: What grows, by how many of it there are.
MANY: dict[str, Callable[[int], Run]] = {
    "identifies": lambda n: routing(body(*people(n))),
    "identifies of one person": lambda n: routing(body(*[identify(name="x")] * n)),
    "identifies of one person that are not merged": lambda n: routing(
        body(*[identify(timezone=f"{k}") for k in range(n)])
    ),
    "identifies of one person that come back alone": lambda n: routing(
        {"input": [{**each, "metadata": {"dontBatch": True}} for each in items(*[identify()] * n)]}
    ),
    "groups of as many companies": lambda n: routing(body(*[group(f"C{k}", f"p{k}@x.com") for k in range(n)])),
    "groups of known companies": lambda n: routing(body(*[group(f"C{k}") for k in range(n)]), known_companies),
    "groups of one company": lambda n: routing(body(*[group(email=f"p{k}@x.com") for k in range(n)])),
    "groups that are refused": lambda n: routing(body(*[group(f"C{k}") for k in range(n)]), refusing),
    "tracks": lambda n: routing(body(*[track(n=1)] * n)),
    "events at fault": lambda n: routing(body(*[{"type": "page"}] * n)),
    "a destination each": lambda n: routing({"input": [item(identify(), 1, {"id": f"{k}"}) for k in range(n)]}),
    "a destination of one spelling each": lambda n: routing(
        {"input": [item(identify(), k, destination(dict(SETTINGS))) for k in range(n)]}
    ),
    "compacted items": lambda n: routing(compacted({}, *people(n))),
    "compacted items without a destination": lambda n: routing({**compacted({}, *people(n)), "destinations": {}}),
    "the processor's items": lambda n: lambda: processor(items(*people(n)), companies),
    "messages that are requests": lambda n: routing(
        body(*[{"statusCode": 200, "method": "POST", "endpoint": "https://x"}] * n)
    ),
    "events for a dynamic config": lambda n: routing(compacted(TEMPLATES, *[track(a1=1)] * n)),
    "events that fill a dynamic config in differently": lambda n: routing(
        compacted({"topicName": "{{ properties.t || d }}"}, *[track(t=f"{k}") for k in range(n)])
    ),
    "events and the rows of a dynamic config that they fill in differently": lambda n: routing(
        compacted({"topicName": "{{ properties.t || d }}", **rows(n)}, *[track(t=f"{k}") for k in range(n)])
    ),
    "items and the rows of their config": lambda n: routing(compacted(rows(n), *people(n)), longest=200_000),
    "templates": lambda n: routing(compacted({f"x{k}": f"{{{{ a{k} || d }}}}" for k in range(n)}, *[track()] * n)),
    "names in the path of a template": lambda n: routing(
        compacted({"topicName": f"{{{{ {'a.' * n}b || d }}}}"}, *[track()] * n)
    ),
    "traits": lambda n: routing(body(identify(**{f"t{k}": k for k in range(n)}))),
    "properties": lambda n: routing(body(track(**{f"t{k}": [k] for k in range(n)}))),
    "rows of a map": lambda n: routing(compacted(rows(n), identify())),
    "rows at fault": lambda n: routing(compacted({"personMap": [{"from": k} for k in range(n)]}, *people(n))),
    "levels of an event": lambda n: routing(body(track(a=nested(n)))),
    "levels of metadata": lambda n: routing({"input": [{**item(track()), "metadata": {"jobId": 1, "a": nested(n)}}]}),
    "levels of a config": lambda n: routing(compacted({"a": nested(n)}, *[track()] * n)),
    "metadata of a delivery": lambda n: proxied("v1", [{"jobId": k} for k in range(n)]),
    "fields of a delivery": lambda n: proxied("v1", [{"jobId": 1}], body={"JSON": {f"a{k}": [k] for k in range(n)}}),
    "headers of a delivery": lambda n: proxied("v0", {}, headers={f"a{k}": k for k in range(n)}),
    "levels of a delivery": lambda n: proxied("v0", {}, body={"JSON": {"a": nested(n)}}),
    "values of an answer": lambda n: proxied("v0", {}, lambda _: told([{"a": [k]} for k in range(n)])),
    "items that are none": lambda n: routing({"input": [None, 1, [], {}] * n}),
    "brackets": lambda n: lambda: read(b"[" * n + b"]" * n),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", MANY)
def test_twice_as_many_take_at_most_two_and_a_half_times_the_work(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What grows with the items and with the config, up to a bound, is past it.
    monkeypatch.setattr(items_module, "MOST_FILLED", 20_000)
    monkeypatch.setattr(templates, "MOST_TEMPLATES", 50)
    make = MANY[kind]
    make(3)()  # what is made once is made
    assert work(make(200)) <= 2.5 * work(make(100))


def letters(config: Any) -> Callable[[int], Run]:
    """A config with a long text, for a few events."""
    return lambda n: routing(compacted(config("x" * n), *[track(), identify()] * 5))


def event(message: Callable[[int], Any]) -> Callable[[int], Run]:
    return lambda n: routing(body(*[message(n)] * 5))


#: What is long, by how many letters it has.
LONG: dict[str, Callable[[int], Run]] = {
    "a template that is none": lambda n: lambda: template("{{a||" + " " * n),
    "a template that is never closed": lambda n: lambda: template("{{" * n),
    "a template of white space": lambda n: lambda: template(f"{{{{{' ' * n}a{' ' * n}||{' ' * n}}}}}"),
    "a template of bars": lambda n: lambda: template("{{a" + "|" * n + "}}"),
    "a path": lambda n: lambda: template("{{" + "a." * n + "||}}"),
    "a secret": letters(lambda text: {"accessKey": text}),
    "a secret in other settings": letters(lambda text: {"accessKey": text, "topicName": text, "tenantId": text[:-1]}),
    "a domain": letters(lambda text: {"domain": text}),
    "a name in a config": letters(lambda text: {text: 1}),
    "a trait": event(lambda n: identify(location="x" * n)),
    "a name of a trait": event(lambda n: identify(**{"x" * n: 1})),
    "a type": event(lambda n: {"type": "x" * n}),
    "an event's name": event(lambda n: {"type": "track", "event": "x" * n}),
    "a company's name": lambda n: routing(body(group("x" * n))),
    "an endpoint": lambda n: proxied("v0", {}, endpoint="https://" + "a." * n),
    "a query": lambda n: proxied("v0", {}, endpoint="https://a.b/c?" + "a=b&" * n),
    "a header": lambda n: proxied("v0", {}, headers={"Accesskey": "a" * n}),
    "an answer": lambda n: proxied("v0", {}, lambda _: told("x" * n)),
    "an answer that is no JSON": lambda n: proxied("v0", {}, lambda _: Response(500, b"\xff" * n)),
    "an answer of brackets": lambda n: proxied("v0", {}, lambda _: Response(500, b"[" * n)),
    "an answer to many groups": lambda n: routing(
        body(*[group(f"C{k}") for k in range(50)]), lambda _: Response(503, b"x" * n)
    ),
    "a string that is broken off": lambda n: lambda: unreadable(b'"\\"' + b'\\"' * n),
    "a string of backslashes": lambda n: lambda: unreadable(b'"' + b"\\" * n),
    "quotes": lambda n: lambda: unreadable(b'"' * n),
    "an integer": lambda n: lambda: read(b"9" * n),
}


def unreadable(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's own words
        read(text)


@pytest.mark.long
@pytest.mark.parametrize("kind", LONG)
def test_four_times_as_long_takes_nowhere_near_sixteen_times_the_time(kind: str) -> None:
    make = LONG[kind]
    short = seconds(make(50_000))
    assert seconds(make(200_000)) <= 8 * max(short, 0.002)
