"""Events, tenants, plans of faults and clocks for the tests of delivery, and what a tenant is compared by."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from functools import cache
from typing import Any

import pytest
import requests
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig, EventError, Request, Response
from gainsight_dest.deliver import AsyncDeliverer, Deliverer, Outcome, Patience, Sender
from gainsight_dest.deliver.call import Timeout
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests import some
from tests.some import CONFIG, FREE, Event, group

IDENTIFY = some.identify(firstName="Ada") | {"messageId": "i"}
GROUP = group(employees=7) | {"messageId": "g"}
TRACK = some.track(ticket=1) | {"messageId": "t"}
#: Some that are sent, and all ways not to be.
ONE_OF_EACH_KIND: list[Any] = [
    IDENTIFY,
    {"type": "page", "messageId": "p"},
    {**IDENTIFY, "integrations": {"All": False}},
    {"type": "identify"},
    EventError("the line", "not JSON"),
    5,
    {"type": "track", "event": "Unknown"},
    GROUP,
    TRACK,
]

#: A real sleep of no length: threads may change places.
YIELD = {"sleep": lambda _: time.sleep(0)}
#: Waits for as long as may be.
PATIENT = Patience(attempts=10**6, in_total=10**9, resends=10**6)
NEVER = float("inf")  # as a silence: the run does not end by it
#: No tenant takes its key.
WRONG = DestinationConfig(domain="acme.co", access_key="another")
#: A test that waits so long has failed.
LONG = 60.0


def identify(email: str, **traits: Any) -> Event:
    """A person, whose address is the message's id too."""
    return some.identify(email, **traits) | {"messageId": email}


def track(number: int) -> Event:
    """An event of so many that can be told apart."""
    return some.track(n=number)


def endless(read: list[int]) -> Iterator[Event]:
    """Events without end. `read`: the number of each is added to it when it is taken."""
    for number in itertools.count():
        read.append(number)
        yield track(number)


def halting(first: Iterable[Any], seen: threading.Event, rest: Iterable[Any], otherwise: str) -> Iterator[Any]:
    """The first, and the rest once it is `seen` that the first got through. `otherwise`: what it means if not."""
    yield from first
    assert seen.wait(LONG), otherwise
    yield from rest


def tenant(**settings: Any) -> Sandbox:
    """A tenant without limits."""
    return Sandbox(CONFIG, **{**FREE, **settings})


def session_to(sandbox: Sandbox, sleep: Callable[[float], object] = lambda _: None) -> requests.Session:
    """The sandbox's session, but that it does not look for a proxy at each call, which is a third of a call's time."""
    session = sandbox.session(sleep)
    session.trust_env = False
    return session


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One for all: each has a socket of its own, and few tests say when they need it no longer."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


class InALoop(AsyncDeliverer):
    """An AsyncDeliverer that is used as a Deliverer is, for tests that both are to pass: each step has a loop run."""

    def __init__(self, config: Any, sandbox: Sandbox | None, sleep: Callable[[float], object], **settings: Any) -> None:
        async def pause(seconds: float) -> None:
            sleep(seconds)
            await asyncio.sleep(0)

        import httpx  # noqa: PLC0415 - whoever needs something else of this module need not have it

        client = None if sandbox is None else httpx.AsyncClient(transport=sandbox.transport(pause))
        super().__init__(config, client, sleep=asyncio.sleep if sleep is time.sleep else pause, **settings)

    def run(self, events: Any, *given: Any, **how: Any) -> Any:
        return self._steps(super().run(events, *given, **how))

    def _steps(self, outcomes: AsyncGenerator[Outcome, None]) -> Generator[Outcome, None, None]:
        try:
            while (outcome := _loop().run_until_complete(anext(outcomes, None))) is not None:
                yield outcome
        finally:
            _loop().run_until_complete(outcomes.aclose())

    def __enter__(self) -> InALoop:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        _loop().run_until_complete(self.close())


#: For tests that both kinds of delivery are to pass.
KINDS = pytest.mark.parametrize("kind", ["threads", pytest.param("async", marks=pytest.mark.again)])


def deliverer_to(
    sandbox: Sandbox | None,
    kind: str = "threads",
    config: Any = CONFIG,
    sleep: Callable[[float], object] = YIELD["sleep"],
    **settings: Any,
) -> Deliverer | InALoop:
    """What delivers to the sandbox, or over a connection, by threads and requests or by asyncio and httpx."""
    if kind == "async":
        return InALoop(config, sandbox, sleep, **settings)
    session = None if sandbox is None else session_to(sandbox, sleep)
    return Deliverer(config, session, sleep=sleep, **settings)


#: For tests that calls by both clients are to pass.
CLIENTS = pytest.mark.parametrize("client", ["requests", "httpx"])


def sent_by(client: str, request: Request, base_url: str | None, timeout: Timeout, deadline: float = 30.0) -> Response:
    """The answer to one call, by a client of its own. Raises as Sender does."""
    if client == "requests":
        return Sender(None, base_url, timeout, deadline)(request)

    async def call() -> Response | Exception:
        async with AsyncDeliverer(request.config, base_url=base_url, timeout=timeout, deadline=deadline) as deliverer:
            return await deliverer._answer(request)

    answer = _loop().run_until_complete(call())
    if isinstance(answer, Exception):
        raise answer
    return answer


def clocked(**settings: Any) -> tuple[Sandbox, dict[str, Any]]:
    """A sandbox and settings of a Deliverer on one clock, which only sleeping moves."""
    now = [1_000_000_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = lambda: now[0]  # noqa: E731 - it is what is passed on
    return Sandbox(CONFIG, clock=clock, **settings), {"sleep": sleep, "clock": clock}


def noting_waits(faults: list[PlannedFault], kind: str, **settings: Any) -> tuple[Any, list[Any]]:
    """What delivers one call a minute to a tenant with such faults; and what it waits for, at each of its sleeps."""
    sandbox, timing = clocked(faults=faults)
    seen: list[Any] = []

    def sleep(seconds: float) -> None:
        seen.append(deliverer.waiting)
        timing["sleep"](seconds)

    deliverer = deliverer_to(sandbox, kind, sleep=sleep, clock=timing["clock"], calls_per_minute=1, **settings)
    return deliverer, seen


def content(sandbox: Sandbox) -> Any:
    """What a sandbox holds, companies by Name instead of Gsid, events as a set: their order and repeats are free."""
    names = {company["Gsid"]: company["Name"] for company in sandbox.companies}
    people = {
        person["Email"]: {**person, "companies": sorted(names[link["Company_ID"]] for link in person["companies"])}
        for person in sandbox.people
    }
    companies = sorted(({**company, "Gsid": None} for company in sandbox.companies), key=lambda each: str(each["Name"]))
    return people, companies, {str(event) for event in sandbox.events}


def readers() -> list[threading.Thread]:
    """The threads that read events for whoever has them linger."""
    return [thread for thread in threading.enumerate() if thread.name == "gainsight-dest-events"]


def no_reader_is_left() -> bool:
    """Whether all threads that read have ended, or do so before long."""
    for thread in readers():
        thread.join(LONG)
    return not readers()


def events_with(values: st.SearchStrategy[int]) -> st.SearchStrategy[Event]:
    """Events of three people and three companies, whose traits are such values."""
    keys = st.sampled_from("abc")
    return st.one_of(
        st.builds(lambda key, n: identify(f"{key}@example.com", firstName=f"{n}"), keys, values),
        st.builds(lambda name, key, n: group(name, f"{key}@example.com", employees=n), keys, keys, values),
        st.builds(track, st.integers(0, 99)),
    )


small_events = events_with(st.integers(0, 99))
PLANS = st.lists(
    st.builds(
        PlannedFault,
        st.sampled_from(["429", "500", "500-after", "503", "dropped-before", "dropped-after", "html", "truncated"]),
        share=st.sampled_from([0.1, 0.4]),
        seed=st.integers(0, 99),
    ),
    max_size=2,
)
