"""Two jobs at one tenant, with one store: as two streaming queries over the same companies, each by micro-batches.

Nothing is lost, no company is there twice, the last values are those of the last events, and the calls keep to the
limits, by a count of the test's own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gainsight_dest.deliver import Shards
from gainsight_dest.deliver import shards as shards_module
from gainsight_dest.known import Known
from gainsight_dest.sandbox import PlannedFault, Sandbox
from tests.known.places import Place
from tests.some import CONFIG, Event, group, identify, track

COMPANIES, PEOPLE, EVENTS = 8, 20, 160
PER_MINUTE = 30


class Job:
    """A query: its micro-batches come shuffled, and are delivered by senders that a micro-batch makes anew."""

    def __init__(self, settings: Shards, events: list[Event], chance: random.Random, tenant: Tenant) -> None:
        shuffled = chance.sample(events, len(events))
        self._batches = [shuffled[begin : begin + 20] for begin in range(0, len(shuffled), 20)]
        self._settings = settings
        self._tenant = tenant
        self.outcomes: list[Any] = []

    def step(self) -> bool:
        """Deliver the next micro-batch. Whether there was one."""
        if not self._batches:
            return False
        batch = self._batches.pop(0)
        with self._settings.alone(session=self._tenant.session(), sleep=self._tenant.sleep) as sender:
            self.outcomes += sender.deliver_all(batch)
        return True


class Tenant:
    """A sandbox without limits, whose calls are counted here, by the clock of the store."""

    def __init__(self, place: Place, faults: list[PlannedFault]) -> None:
        self.sandbox = Sandbox(CONFIG, faults=faults, calls_per_minute=None, calls_per_day=None)
        self.calls: list[float] = []
        self._place = place

    def sleep(self, seconds: float) -> None:
        self._place.now += seconds

    def session(self) -> Any:
        session = self.sandbox.session(lambda _: None)
        session.trust_env = False
        send = session.request

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(self._place.now)
            return send(*args, **kwargs)

        session.request = counted  # type: ignore[method-assign]
        return session

    def most_within(self, seconds: float) -> int:
        """The most calls of any such time."""
        return max(sum(begin <= at < begin + seconds for at in self.calls) for begin in self.calls)


@pytest.fixture
def opening(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shards]:
    """Shards whose senders open the place, by its clock."""

    class Opens(Known):
        @staticmethod
        def open(where: Any, **how: Any) -> Any:
            assert str(where) == "/the/place"
            return place.open(**how)

    monkeypatch.setattr(shards_module, "Known", Opens)
    return lambda **settings: Shards(config=CONFIG, known="/the/place", **settings)


def history(seed: int) -> list[Event]:
    """Events in order of time, each of which tells all fields of its person or its company."""
    chance, events = random.Random(seed), []  # noqa: S311 - a choice, no secret
    for number in range(EVENTS):
        kind = chance.choice(["identify", "group", "track"])
        if kind == "identify":
            event = identify(f"p{chance.randrange(PEOPLE)}@example.com", firstName=f"{number}")
        elif kind == "group":
            event = group(f"C{chance.randrange(COMPANIES)}", f"link-{number}@example.com", industry=f"{number}")
        else:
            event = track(n=number)
        at = f"2020-01-01T00:{number // 60:02}:{number % 60:02}Z"
        events.append({**event, "messageId": f"m-{number}", "timestamp": at})
    return events


def last_of(events: list[Event], kind: str, key: str, value: str) -> dict[str, str]:
    """Of each record, what its newest event says."""
    return {each["traits"][key]: each["traits"][value] for each in events if each["type"] == kind}


def values(records: Any, key: str, value: str) -> dict[str, str]:
    return {each[key]: each[value] for each in records if value in each}


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.again)])
def test_two_queries_over_shared_companies_act_as_one(place: Place, opening: Callable[..., Shards], seed: int) -> None:
    tenant, events = Tenant(place, []), history(seed)
    chance = random.Random(seed)  # noqa: S311 - the same
    settings = opening(calls_per_minute=PER_MINUTE, calls_per_day=None, workers=1)  # as all share one clock
    jobs = [Job(settings, events[part::2], chance, tenant) for part in range(2)]
    while any([job.step() for job in chance.sample(jobs, 2)]):  # noqa: C419 - each takes its step
        place.now += chance.choice([0.1, 5.0])
    outcomes = [each for job in jobs for each in job.outcomes]
    assert sorted(each.message_id for each in outcomes) == sorted(each["messageId"] for each in events), "each once"
    assert {str(each.status) for each in outcomes} <= {"delivered", "unchanged"}
    assert {each.reason for each in outcomes} == {None, "older"}
    names = [company["Name"] for company in tenant.sandbox.companies]
    assert len(names) == len({*names})
    assert values(tenant.sandbox.companies, "Name", "Industry") == last_of(events, "group", "name", "industry")
    assert values(tenant.sandbox.people, "Email", "FirstName") == last_of(events, "identify", "email", "firstName")
    linked = [person for person in tenant.sandbox.people if person["Email"].startswith("link-")]
    assert [len(person["companies"]) for person in linked] == [1] * sum(each["type"] == "group" for each in events)
    assert len(tenant.sandbox.events) == sum(each["type"] == "track" for each in events)
    assert tenant.most_within(60) <= PER_MINUTE
    assert len(tenant.calls) == sum(each.calls for each in outcomes)


def test_the_day_is_counted_for_all_micro_batches_of_all_jobs(place: Place, opening: Callable[..., Shards]) -> None:
    tenant = Tenant(place, [])
    settings = opening(calls_per_minute=None, calls_per_day=40, workers=1)
    for batch in range(3):
        with settings.alone(session=tenant.session(), sleep=tenant.sleep) as sender:
            outcomes = [*sender.deliver_all([track(n=number + 30 * batch) for number in range(30)])]
        assert {str(each.status) for each in outcomes} == {"delivered"}
    assert len(tenant.calls) == 90
    assert tenant.most_within(24 * 3600) <= 40


@contextmanager
def ended_by(error: type[BaseException]) -> Iterator[None]:
    with pytest.raises(error):
        yield


class KilledError(BaseException):
    """A worker ends in the midst of its work."""


@pytest.mark.parametrize("at", [1, 5, 9])
def test_a_bundle_that_is_run_again_loses_nothing_and_doubles_only_what_had_no_answer(
    place: Place, opening: Callable[..., Shards], at: int
) -> None:
    """The worker ends once Gainsight has carried out a call, and before it has the answer."""
    tenant, events = Tenant(place, []), history(3)[:40]
    settings = opening(calls_per_minute=None, calls_per_day=None, workers=1, batch=10)

    def session() -> Any:
        made = tenant.session()
        send = made.request

        def dying(*args: Any, **kwargs: Any) -> Any:
            answer = send(*args, **kwargs)
            if len(tenant.calls) == at:
                raise KilledError
            return answer

        made.request = dying
        return made

    with settings.alone(session=session(), sleep=tenant.sleep) as sender, ended_by(KilledError):
        list(sender.deliver_all(events))
    with settings.alone(session=session(), sleep=tenant.sleep) as sender:
        outcomes = [*sender.deliver_all(events)]
    assert {str(each.status) for each in outcomes} <= {"delivered", "unchanged"}
    names = [company["Name"] for company in tenant.sandbox.companies]
    assert len(names) == len({*names})
    assert values(tenant.sandbox.companies, "Name", "Industry") == last_of(events, "group", "name", "industry")
    tracks = sum(each["type"] == "track" for each in events)
    assert tracks <= len(tenant.sandbox.events) <= tracks + 1


def test_a_second_run_of_the_same_bundle_sends_nothing(place: Place, opening: Callable[..., Shards]) -> None:
    tenant, events = Tenant(place, []), history(4)[:40]
    settings = opening(calls_per_minute=None, calls_per_day=None)
    runs = []
    for _ in range(2):
        with settings.alone(session=tenant.session(), sleep=tenant.sleep) as sender:
            runs.append([*sender.deliver_all(events)])
    assert {str(each.status) for each in runs[1]} == {"unchanged"}
    assert {each.reason for each in runs[1] if each.type == "track"} == {"sent before"}
    assert sum(each.calls for each in runs[1]) == 0
