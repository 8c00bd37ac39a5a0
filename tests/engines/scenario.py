"""A company's events, what becomes of them one by one, a tenant that fails now and then, and what to hold an engine to.

```python
stream = events(2_000, people=100, companies=20, seed=1)
model = expected(stream, CONFIG)
with Tenant(faults(0.02), calls_per_minute=6_000) as tenant:
    accounts = ...  # an engine delivers the stream to tenant.url; (message id, status) of each event
    checked = check(stream, accounts, tenant.report(), model)
assert checked.problems == ()
```

The tenant is a process of its own, `python -m tests.engines.scenario`, as engines have workers in others.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any, NamedTuple

import attrs

from gainsight_dest import DestinationConfig, Request
from gainsight_dest.errors import ResponseError
from gainsight_dest.fields import LINKED, LINKS
from gainsight_dest.gainsight import folded
from gainsight_dest.outcome import Outcome, Status, begin
from gainsight_dest.sandbox import FAULTS, CallRecord, PlannedFault, Sandbox, faults_from

Event = dict[str, Any]
#: What a tenant holds, as `Sandbox.as_data` gives it.
Held = Mapping[str, list[dict[str, Any]]]

ROOT = Path(__file__).parents[2]

#: As RudderStack stores it: Spark's writer reads it from a file.
SETTINGS = {
    "domain": "acme.gainsightcloud.com",
    "accessKey": "the-key-of-the-scenario",
    "sharedSecret": "the-secret-of-the-scenario",
    "tenantId": "tenant",
    "topicName": "Support Tickets",
    "personMap": {"plan": "Plan__gc", "logins": "Logins__gc", "lastSeen": "Last_Seen__gc", "address.city": "City__gc"},
    "companyMap": {"plan": "Plan__gc", "health.score": "Health__gc"},
    "eventNameMap": {"Ticket Closure": "ticket_closed", "Ticket Opened": "ticket_opened"},
    "eventVersionMap": {"Ticket Closure": "1.0.0", "Ticket Opened": "1.0.0"},
}
CONFIG = DestinationConfig.from_rudderstack(SETTINGS)


# --- events -----------------------------------------------------------------------------------------------------------

FIRST_NAMES = ("Ada", "Charles", "Grace", "Alan", "Edith", "Kurt", "Emmy", "Hedy")
LAST_NAMES = ("Lovelace", "Babbage", "Hopper", "Turing", "Clarke", "Noether", "Lamarr")
INDUSTRIES = ("Software", "Banking", "Retail", "Logistics", "Health")
CITIES = ("London", "Wien", "Zürich", "東京")
PLANS = ("starter", "team", "enterprise")
MORNING = datetime(2026, 3, 2, tzinfo=timezone.utc)

#: Of so many events one is not to be sent, or at fault, or is refused, by turns.
ODD = 100


def events(count: int, people: int, companies: int, seed: int) -> list[Event]:
    """So many events in the order of their moments: 40 % identify, 20 % group, 40 % track; one in a hundred is odd.

    Every tenth person belongs to two or three companies, the others to one. Traits change from event to event, and an
    event has only some of them, so that a later value must win field by field. Two events share each moment: then the
    message id tells the order.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    employers = [_employers(person, companies, chance) for person in range(people)]
    stream = []
    for number in range(count):
        person = chance.randrange(people)
        kind = chance.choices(("identify", "group", "track"), (40, 20, 40))[0]
        if kind == "identify":
            event = _identify(number, person, chance)
        elif kind == "group":
            event = _group(number, person, chance.choice(employers[person]), chance)
        else:
            event = _track(number, person, chance)
        if number % ODD == ODD - 1:
            event |= _ODDITIES[number // ODD % len(_ODDITIES)]
        stream.append(event)
    return stream


def _employers(person: int, companies: int, chance: random.Random) -> list[int]:
    number = 2 + person // 10 % 2 if person % 10 == 0 else 1
    return chance.sample(range(companies), min(number, companies))


#: What makes an event odd, whatever its type was.
_ODDITIES: tuple[Event, ...] = (
    {"type": "page"},
    {"integrations": {"All": False}},
    {"type": "identify", "traits": {"firstName": "Nobody"}, "context": {}},
    {"type": "group", "traits": {"name": "A company without a person"}, "context": {}},
    {"type": "track", "event": "Not In The Maps"},
    {"type": "alias"},
    # The last three are refused by Gainsight itself: an address that is none, and dates that the calendar has not.
    {"type": "identify", "traits": {"email": "ada@example.com", "linkedinUrl": "no address"}},
    {
        "type": "group",
        "traits": {"name": "Refused Ltd", "renewalDate": "2026-02-30"},
        "context": {"traits": {"email": "ada@example.com"}},
    },
    {
        "type": "group",
        "traits": {"name": "Company 0 Ltd", "renewalDate": "soon"},
        "context": {"traits": {"email": "ada@example.com"}},
    },
)


def _envelope(kind: str, number: int, person: int) -> Event:
    when = MORNING + timedelta(seconds=number // 2)
    return {
        "type": kind,
        "channel": "web",
        "messageId": f"message-{number:08}",
        "userId": f"user-{person}",
        "originalTimestamp": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "context": {"library": {"name": "RudderLabs JavaScript SDK", "version": "3.15.1"}, "locale": "en-GB"},
        "integrations": {"All": True},
    }


def _identify(number: int, person: int, chance: random.Random) -> Event:
    traits = {
        "email": f"person{person}@example.com",
        "firstName": FIRST_NAMES[person % len(FIRST_NAMES)],
        "lastName": LAST_NAMES[person % len(LAST_NAMES)],
        "logins": number,
        **_some(chance, plan=chance.choice(PLANS), lastSeen=f"at {number}", comments=f"said so in {number}"),
        **_some(chance, address={"city": chance.choice(CITIES)}, signupSource="webinar"),
    }
    return {**_envelope("identify", number, person), "traits": traits}


def _group(number: int, person: int, company: int, chance: random.Random) -> Event:
    event = _envelope("group", number, person)
    event["context"]["traits"] = {"email": f"person{person}@example.com"}
    traits = {
        "name": f"Company {company} Ltd",
        "employees": 20 + number,
        "industry": INDUSTRIES[company % len(INDUSTRIES)],
        **_some(chance, plan=chance.choice(PLANS), arr=1000 + number, renewalDate=f"2027-01-{1 + number % 28:02}"),
        **_some(chance, health={"score": number % 101}),
    }
    return {**event, "groupId": f"company-{company}", "traits": traits}


def _track(number: int, person: int, chance: random.Random) -> Event:
    properties = {"messageId": f"message-{number:08}", "email": f"person{person}@example.com", "minutes": number % 90}
    return {**_envelope("track", number, person), "event": chance.choice([*CONFIG.events]), "properties": properties}


def _some(chance: random.Random, **traits: Any) -> dict[str, Any]:
    """About half of them."""
    return {name: value for name, value in traits.items() if chance.random() < 0.5}


# --- what becomes of them one by one ----------------------------------------------------------------------------------


@attrs.frozen
class Expected:
    """What is to come of events: the status of each message id, what the tenant holds, and the calls one by one."""

    statuses: Mapping[str, str]
    held: Held
    calls: int


def expected(stream: Iterable[Event], config: DestinationConfig) -> Expected:
    """What comes of the events if each is delivered alone, one after the other, to a tenant without faults or limits.

    The calls are RudderStack's for the events that have a request: 1 an identify, 3 a group, 1 a track.
    """
    sandbox = Sandbox(config, calls_per_minute=None, calls_per_day=None)
    statuses, calls = {}, 0
    for event in stream:
        begun = begin(0, event, config)
        if isinstance(begun, Outcome):
            statuses[event["messageId"]] = str(begun.status)
        else:
            calls += begun.calls
            statuses[event["messageId"]] = str(_sent(begun, sandbox))
    return Expected(statuses, sandbox.as_data(), calls)


def _sent(request: Request, sandbox: Sandbox) -> Status:
    following: Request | None = request
    try:
        while following is not None:
            following = following.next(sandbox.handle(following))
    except ResponseError:
        return Status.FAILED
    return Status.DELIVERED


# --- the tenant -------------------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """A call as the tenant got it. `at`: seconds since the epoch. `status`: None where the connection was dropped."""

    at: float
    action: str | None
    status: int | None
    fault: str | None


@attrs.frozen
class Report:
    """What the tenant holds, the calls that it got, in order, and how many of them were too many for its limit."""

    held: Held
    calls: Sequence[Made]
    throttled: int
    calls_per_minute: int | None


def faults(share: float, wait: float = 1) -> tuple[PlannedFault, ...]:
    """Faults that meet this share of the calls together, always the same ones: told to wait, broken, answer lost.

    `wait`: so many seconds.
    """
    kinds = (("429-retry-after", wait), ("500", None), ("dropped-after", None))
    each = share / len(kinds)
    return tuple(
        PlannedFault(kind, share=each, seed=seed, seconds=seconds) for seed, (kind, seconds) in enumerate(kinds)
    )


class Tenant:
    """A sandbox behind a port, in a process of its own, while its `with` block lasts; it keeps word of every call.

    `calls_per_minute`: its limit, in fixed minutes of its clock (None: no limit). `settings`: the destination config
    as RudderStack stores it.
    """

    def __init__(
        self,
        faults: Iterable[PlannedFault] = (),
        calls_per_minute: int | None = None,
        settings: Mapping[str, Any] = SETTINGS,
    ) -> None:
        self.url = ""
        self.calls_per_minute = calls_per_minute
        plan = [attrs.asdict(fault) for fault in faults]
        self._orders = {"config": settings, "faults": plan, "calls_per_minute": calls_per_minute}

    def __enter__(self) -> Tenant:  # noqa: PYI034 - Python 3.10 has no Self
        command = [sys.executable, "-m", "tests.engines.scenario"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self._ask(self._orders)
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            _pipe(self._process.stdin).close()

    def report(self) -> Report:
        """What it holds and what it got, up to now."""
        told = self._ask("report")
        return Report(told["held"], [Made(*call) for call in told["calls"]], told["throttled"], self.calls_per_minute)

    def _ask(self, order: Any) -> Any:
        write, read = _pipe(self._process.stdin), _pipe(self._process.stdout)
        write.write(json.dumps(order).encode() + b"\n")
        write.flush()
        return json.loads(read.readline())


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def serve(orders: Iterable[str], answer: IO[str]) -> None:
    """A Tenant's process: the first line orders it, each further one asks for a report, the end of them ends it."""
    from gainsight_dest.sandbox.server import Server  # noqa: PLC0415 - the extra `sandbox`, which the model is without

    lines = iter(orders)
    order = json.loads(next(lines))
    sandbox = Sandbox(
        DestinationConfig.from_rudderstack(order["config"]),
        calls_per_minute=order["calls_per_minute"],
        calls_per_day=None,
        faults=faults_from([{**each, "calls": list(each["calls"])} for each in order["faults"]]),
    )
    every: deque[CallRecord] = deque()
    sandbox.calls = every  # its own forgets all but the last ones
    with Server(sandbox, threads=32) as server:
        print(json.dumps(server.url), file=answer, flush=True)
        for _ in lines:
            calls = [(call.at, call.action, call.status, call.fault) for call in list(every)]
            told = {"held": sandbox.as_data(), "calls": calls, "throttled": sandbox.throttled}
            print(json.dumps(told), file=answer, flush=True)


# --- what is held to --------------------------------------------------------------------------------------------------


@attrs.frozen
class Checked:
    """What an engine left behind. `problems`: what is not as it should be, in words; the rest are figures.

    `doubles`: track events that came again. `lost`: answers of track events that were lost after the write.
    `busiest`: the calls of the busiest minute of the tenant's clock, and of any sixty seconds.
    """

    problems: tuple[str, ...]
    statuses: Mapping[str, int]
    companies: int
    people: int
    tracks: int
    doubles: int
    lost: int
    faults: int
    calls: int
    calls_alone: int
    busiest: tuple[int, int]


def check(
    stream: Sequence[Event], accounts: Iterable[tuple[str | None, str]], report: Report, model: Expected
) -> Checked:
    """Whether an engine has done what it should. `accounts`: message id and status of each event, as the engine tells.

    Each event is accounted for once; each company is there once; people and companies are what the model says, in all
    fields and links; a track event came once and as often again as its answer was lost; no minute has too many calls.
    """
    told = [*accounts]
    tracks = _ids(report.held)
    lost = _lost(report)
    busiest = _busiest([call.at for call in report.calls])
    problems = [
        *_of_accounts([str(event["messageId"]) for event in stream], told, model.statuses),
        *_of_companies(report.held),
        *_differences("company", _companies(report.held), _companies(model.held)),
        *_differences("person", _people(report.held), _people(model.held)),
        *_of_tracks(tracks, _ids(model.held), lost),
        *_of_minutes(busiest, report),
    ]
    return Checked(
        problems=tuple(problems),
        statuses=Counter(status for _, status in told),
        companies=len(report.held["companies"]),
        people=len(report.held["people"]),
        tracks=tracks.total(),
        doubles=tracks.total() - len(tracks),
        lost=lost.total(),
        faults=sum(call.fault is not None for call in report.calls),
        calls=len(report.calls),
        calls_alone=model.calls,
        busiest=busiest,
    )


def _of_accounts(
    ids: Sequence[str], told: Sequence[tuple[str | None, str]], statuses: Mapping[str, str]
) -> Iterable[str]:
    times = Counter(message_id for message_id, _ in told)
    yield from _some_of("not accounted for", [each for each in ids if not times[each]])
    yield from _some_of("accounted for more than once", [each for each in ids if times[each] > 1])
    yield from _some_of("accounted for, but never sent", times.keys() - {*ids})
    wrong = [
        f"{each} is {status}, not {statuses[each]}"
        for each, status in told
        if each and statuses.get(each, status) != status
    ]
    yield from _some_of("another outcome than one by one", wrong)


def _of_companies(held: Held) -> Iterable[str]:
    times = Counter(folded(company["Name"]) for company in held["companies"])
    yield from _some_of("companies more than once", [name for name, number in times.items() if number > 1])


def _differences(what: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterable[str]:
    yield from _some_of(f"no such {what}", wanted.keys() - found.keys())
    yield from _some_of(f"one {what} too many", found.keys() - wanted.keys())
    common = found.keys() & wanted.keys()
    yield from _some_of(f"another {what} than one by one", [key for key in common if found[key] != wanted[key]])


def _of_tracks(found: Counter[str], wanted: Counter[str], lost: Counter[str]) -> Iterable[str]:
    yield from _some_of("track events that did not come", wanted.keys() - found.keys())
    yield from _some_of("track events that were not to come", found.keys() - wanted.keys())
    more = [each for each in wanted if found[each] > wanted[each] + lost[each]]
    yield from _some_of("track events that came again without need", more)


def _of_minutes(busiest: tuple[int, int], report: Report) -> Iterable[str]:
    limit = report.calls_per_minute
    if limit is not None and max(busiest) > limit:
        yield f"{busiest[0]} calls in a minute, {busiest[1]} in sixty seconds: {limit} are allowed"
    if report.throttled:
        yield f"{report.throttled} calls were too many for the tenant"


def _some_of(what: str, found: Iterable[str | None]) -> Iterable[str]:
    """How many there are, and the first few of them."""
    names = sorted(map(str, found))
    if names:
        yield f"{what}: {len(names):,}, such as {', '.join(names[:3])}"


def _companies(held: Held) -> dict[str, Any]:
    """By Name; of two of a Name, which is a problem of its own, the last."""
    return {company["Name"]: {**company, "Gsid": None} for company in held["companies"]}


def _people(held: Held) -> dict[str, Any]:
    """By Email, linked to companies by their Names rather than by Gsids."""
    names = {company["Gsid"]: company["Name"] for company in held["companies"]}
    return {
        person["Email"]: {**person, LINKS: sorted(names[link[LINKED]] for link in person[LINKS])}
        for person in held["people"]
    }


def _ids(held: Held) -> Counter[str]:
    """How often each track event is there, by its message id and all else that it says."""
    return Counter(json.dumps(event, sort_keys=True) for event in held["events"])


def _lost(report: Report) -> Counter[str]:
    """How often the answer of each track event was lost after it was written.

    Events lie in the order of their coming, so each belongs to the call for one that was done in that place.
    """
    done = [call for call in report.calls if call.action == "send event" and _is_done(call)]
    texts = (json.dumps(event, sort_keys=True) for event in report.held["events"])
    return Counter(text for call, text in zip(done, texts, strict=True) if call.fault is not None)


def _is_done(call: Made) -> bool:
    """Whether what was asked for is done: a fault may only have lost the answer."""
    return call.status == 200 if call.fault is None else FAULTS[call.fault].is_done


def _busiest(moments: Sequence[float]) -> tuple[int, int]:
    """The calls of the busiest minute of the clock, and of the busiest sixty seconds from any moment."""
    fixed = Counter(int(moment // 60) for moment in moments)
    ordered = sorted(moments)
    sliding = (place + 1 - bisect_right(ordered, moment - 60) for place, moment in enumerate(ordered))
    return max(fixed.values(), default=0), max(sliding, default=0)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
