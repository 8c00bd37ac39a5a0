"""Any sequence of events, faults and interruptions, then a run without: the sandbox equals the model."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gainsight_dest.deliver import Journal, Outcome, Status
from gainsight_dest.sandbox import FAULTS, PlannedFault
from tests.deliver.runs import NEVER, PATIENT, content, deliverer_to, events_with, tenant
from tests.some import FREE

EVENTS = events_with(st.integers(0, 9))
#: Everything that passes: a refusal would be the end of an event.
FAULT = st.builds(
    PlannedFault,
    st.sampled_from([kind for kind in FAULTS if kind != "result-false"]),
    share=st.just(0.3),
    seed=st.integers(0, 99),
)


class Model:
    """What Gainsight should hold, worked out without a line of the library."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.companies: dict[str, dict[str, Any]] = {}
        self.events: set[int] = set()

    def apply(self, event: dict[str, Any]) -> None:
        """One event more."""
        if event["type"] == "track":
            self.events.add(event["properties"]["n"])
            return
        email = event["traits"].get("email") or event["context"]["traits"]["email"]
        person = self.people.setdefault(email, {"Email": email, "companies": set()})
        if event["type"] == "identify":
            person |= {"FirstName": event["traits"]["firstName"], "Name": event["traits"]["firstName"]}
        else:
            name = event["traits"]["name"]
            self.companies[name] = {"Name": name, "Employees": event["traits"]["employees"]}
            person["companies"].add(name)


class Delivery(RuleBasedStateMachine):
    """A growing file of events, and runs over it with one journal, that fail and are cut off in any way."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.sandbox = tenant()
        self.events: list[dict[str, Any]] = []

    @rule(events=st.lists(EVENTS, min_size=1, max_size=4))
    def more_events_come(self, events: list[dict[str, Any]]) -> None:
        self.events += events

    @rule(
        faults=st.lists(FAULT, max_size=2),
        kind=st.sampled_from(["threads", "async"]),
        workers=st.sampled_from([1, 4]),
        batch=st.sampled_from([None, 2, 500]),
        cut_off_after=st.none() | st.integers(0, 3),
    )
    def a_run_goes_as_it_may(
        self, faults: list[PlannedFault], kind: str, workers: int, batch: int | None, cut_off_after: int | None
    ) -> None:
        self.run(faults, kind, workers, batch, cut_off_after)

    def run(
        self, faults: list[PlannedFault], kind: str, workers: int, batch: int | None, cut_off_after: int | None = None
    ) -> list[Outcome]:
        """One run, on a clock that goes on by an hour each time it is asked, so that no limit and no wait is long."""
        self.sandbox = tenant(faults=faults, content=self.sandbox.content)
        clock = itertools.count(0, 3600).__next__
        how = {"workers": workers, "clock": clock, "patience": PATIENT, "silence": NEVER, **FREE}
        with (
            deliverer_to(self.sandbox, kind, **how) as deliverer,
            Journal(self.folder / "run.db", deliverer.target) as journal,
        ):
            outcomes = deliverer.run(self.events, journal, batch=batch)
            told = list(itertools.islice(outcomes, cut_off_after))
            outcomes.close()
            return told

    def teardown(self) -> None:
        """The run without faults, and the comparison."""
        outcomes = self.run([], "threads", workers=1, batch=None)
        assert {outcome.status for outcome in outcomes} <= {Status.DELIVERED}
        assert len(outcomes) == len(self.events)
        model = Model()
        for event in self.events:
            model.apply(event)
        people, companies, _ = content(self.sandbox)
        assert people == {
            email: {**person, "companies": sorted(person["companies"])} for email, person in model.people.items()
        }
        assert companies == [{**model.companies[name], "Gsid": None} for name in sorted(model.companies)]
        assert {event["properties"]["n"] for event in self.sandbox.events} == model.events
        shutil.rmtree(self.folder)


Delivery.TestCase.settings = settings(
    max_examples=60 if "CI" in os.environ else 15,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDelivery = Delivery.TestCase
