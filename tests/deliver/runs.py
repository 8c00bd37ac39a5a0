"""Events, tenants, plans of faults and clocks for the tests of delivery, and what a tenant is compared by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from hypothesis import strategies as st

from gainsight_dest import DestinationConfig
from gainsight_dest.deliver import Patience
from gainsight_dest.sandbox import Fault, Sandbox
from tests import some
from tests.some import CONFIG, FREE, Event, group

IDENTIFY = some.identify(firstName="Ada") | {"messageId": "i"}
GROUP = group(employees=7) | {"messageId": "g"}
TRACK = some.track(ticket=1) | {"messageId": "t"}

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


def tenant(**settings: Any) -> Sandbox:
    """A tenant without limits."""
    return Sandbox(CONFIG, **{**FREE, **settings})


def session_to(sandbox: Sandbox, sleep: Callable[[float], object] = lambda _: None) -> requests.Session:
    """The sandbox's session, but that it does not look for a proxy at each call, which is a third of a call's time."""
    session = sandbox.session(sleep)
    session.trust_env = False
    return session


def clocked(**settings: Any) -> tuple[Sandbox, dict[str, Any]]:
    """A sandbox and settings of a Deliverer on one clock, which only sleeping moves."""
    now = [1_000_000_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = lambda: now[0]  # noqa: E731 - it is what is passed on
    return Sandbox(CONFIG, clock=clock, **settings), {"sleep": sleep, "clock": clock}


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


_keys = st.sampled_from("abc")
small_events = st.one_of(
    st.builds(lambda key, n: identify(f"{key}@example.com", firstName=f"{n}"), _keys, st.integers(0, 99)),
    st.builds(lambda name, key, n: group(name, f"{key}@example.com", employees=n), _keys, _keys, st.integers(0, 99)),
    st.builds(track, st.integers(0, 99)),
)
PLANS = st.lists(
    st.builds(
        Fault,
        st.sampled_from(["429", "500", "500-after", "503", "dropped-before", "dropped-after", "html", "truncated"]),
        share=st.sampled_from([0.1, 0.4]),
        seed=st.integers(0, 99),
    ),
    max_size=2,
)
