"""The calls that batches make, counted in the sandbox, beside RudderStack's: 1 an identify, 3 a group, 1 a track.

    python benchmarks/calls.py

Nothing is timed: the same events come from the same seeds, so every run counts the same. A limit is judged on one batch
of all the events; smaller batches are for information. Every event must be delivered, and what batches leave in the
sandbox must be what one by one leaves there, or the count stops. What is saved where it is known what was said before
is counted in batches of 500, and one by one. Exit status 1 if a limit is missed.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import attrs

from gainsight_dest import DestinationConfig, Outcome, RejectedError, Request, Response, transform, transform_batch
from gainsight_dest.deliver import Deliverer
from gainsight_dest.fields import linked_companies
from gainsight_dest.known import Known, Store
from gainsight_dest.sandbox import Content, Sandbox

CONFIG = DestinationConfig(
    domain="acme.gainsightcloud.com",
    access_key="key",
    shared_secret="secret",  # noqa: S106 - no secret
    tenant_id="tenant",
    topic_name="Support Tickets",
    person_map={"plan": "Plan__gc", "logins": "Logins__gc", "lastSeen": "Last_Seen__gc"},
    company_map={"plan": "Plan__gc"},
    event_name_map={"Ticket Closure": "ticket_closed", "Ticket Opened": "ticket_opened"},
    event_version_map={"Ticket Closure": "1.0.0", "Ticket Opened": "1.0.0"},
)
RUDDERSTACK = {"identify": 1, "group": 3, "track": 1}
CALLS_A_MINUTE = 100
SIZES = (500, 2000)
SEED = 20260302

Event = dict[str, Any]
Send = Callable[[Request], Response]
#: Between what Gainsight says and what is heard.
Wire = Callable[[Response], Response]

# --- events -----------------------------------------------------------------------------------------------------------

FIRST_NAMES = ("Ada", "Charles", "Grace", "Alan", "Edith", "Kurt", "Emmy", "Hedy")
LAST_NAMES = ("Lovelace", "Babbage", "Hopper", "Turing", "Clarke", "Noether", "Lamarr")
INDUSTRIES = ("Software", "Banking", "Retail", "Logistics", "Health")
PLANS = ("starter", "team", "enterprise")
TRACKED = tuple(CONFIG.events)
MORNING = datetime(2026, 3, 2, tzinfo=timezone.utc)


def email_of(person: int) -> str:
    """Of the person of that number."""
    return f"person{person}@example.com"


def company_of(company: int) -> str:
    """The Name of the company of that number."""
    return f"Company {company} Ltd"


def envelope(kind: str, number: int, person: int) -> Event:
    """What the number-th event has, whatever its type."""
    return {
        "type": kind,
        "channel": "web",
        "messageId": f"message-{number}",
        "userId": f"user-{person}",
        "originalTimestamp": moment(number),
        "context": {"library": {"name": "RudderLabs JavaScript SDK", "version": "3.15.1"}, "locale": "en-GB"},
        "integrations": {"All": True},
    }


def moment(number: int) -> str:
    """When the number-th event came."""
    when = MORNING + timedelta(seconds=17.25 * number)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identify(number: int, person: int) -> Event:
    """The person's names stay; the plan changes now and then, the logins and the last-seen from event to event."""
    traits = {
        "email": email_of(person),
        "firstName": FIRST_NAMES[person % len(FIRST_NAMES)],
        "lastName": LAST_NAMES[person % len(LAST_NAMES)],
        "plan": PLANS[(person + number // 400) % len(PLANS)],
        "logins": number + 1,
        "lastSeen": moment(number),
    }
    return {**envelope("identify", number, person), "traits": traits}


def group(number: int, person: int, company: int) -> Event:
    """The company's industry stays; the plan changes now and then, the employees from event to event."""
    event = envelope("group", number, person)
    event["context"]["traits"] = {"email": email_of(person)}
    traits = {
        "name": company_of(company),
        "employees": 20 + number,
        "industry": INDUSTRIES[company % len(INDUSTRIES)],
        "plan": PLANS[(company + number // 400) % len(PLANS)],
    }
    return {**event, "groupId": f"company-{company}", "traits": traits}


def track(number: int, person: int) -> Event:
    """A ticket of the person's."""
    properties = {"email": email_of(person), "ticketId": f"T-{number}", "status": "resolved", "minutes": number % 90}
    return {**envelope("track", number, person), "event": TRACKED[number % len(TRACKED)], "properties": properties}


def day(count: int, people: int, companies: int, *, is_skewed: bool) -> list[Event]:
    """So many events: 40 % identify, 30 % group, 30 % track, in any order; each person is of one company.

    `is_skewed`: the n-th person is n times as rarely met as the first. Else all are met alike.
    """
    chance = random.Random(SEED)  # noqa: S311 - no secret
    kinds = ["identify"] * (count * 4 // 10) + ["group"] * (count * 3 // 10)
    kinds += ["track"] * (count - len(kinds))
    chance.shuffle(kinds)
    weights = [1 / (person + 1) if is_skewed else 1.0 for person in range(people)]
    chosen = chance.choices(range(people), weights, k=count)
    employers = [person % companies for person in range(people)]
    chance.shuffle(employers)
    events = []
    for number, (kind, person) in enumerate(zip(kinds, chosen, strict=True)):
        if kind == "identify":
            events.append(identify(number, person))
        elif kind == "group":
            events.append(group(number, person, employers[person]))
        else:
            events.append(track(number, person))
    return events


def newcomers() -> list[Event]:
    """1,000 groups of 1,000 people in 40 companies."""
    return [group(number, number, number % 40) for number in range(1000)]


def regulars() -> list[Event]:
    """500 identifies and 500 groups of the same 250 people in 40 companies, two of each a person, in any order."""
    kinds = [(kind, person) for kind in ("identify", "group") for person in range(250)] * 2
    random.Random(SEED).shuffle(kinds)  # noqa: S311 - no secret
    return [
        identify(number, person) if kind == "identify" else group(number, person, person % 40)
        for number, (kind, person) in enumerate(kinds)
    ]


def repeating_days(days: int = 2) -> list[list[Event]]:
    """Days of 5,000 events of 300 people, five in each of 60 companies, of whom all are alike active.

    9 of 10 identifies and groups say what was said of that person, or of that company, before.
    """
    chance = random.Random(SEED)  # noqa: S311 - no secret
    count = 5000
    said: dict[str, Any] = {}
    out = []
    for start in range(0, days * count, count):
        kinds = ["identify"] * (count * 4 // 10) + ["group"] * (count * 3 // 10)
        kinds += ["track"] * (count - len(kinds))
        chance.shuffle(kinds)
        events = []
        for number, kind in enumerate(kinds, start):
            person = chance.randrange(300)
            company = person % 60
            if kind == "track":
                events.append(track(number, person))
                continue
            event = identify(number, person) if kind == "identify" else group(number, person, company)
            about = email_of(person) if kind == "identify" else company_of(company)
            if chance.random() < 0.9:
                event["traits"] = said.get(about, event["traits"])
            said[about] = event["traits"]
            events.append(event)
        out.append(events)
    return out


# --- delivery ---------------------------------------------------------------------------------------------------------


def sandbox(companies: int = 0) -> Sandbox:
    """A tenant without limits that holds the first so many companies."""
    held = [{"Gsid": f"HELD{n}", "Name": company_of(n), "Employees": 10} for n in range(companies)]
    content = Content.from_data({"people": [], "companies": held, "events": []})
    return Sandbox(CONFIG, calls_per_minute=None, calls_per_day=None, content=content)


def deliver(events: Sequence[Event], size: int, send: Send) -> list[Outcome]:
    """In batches of that size, one after the other."""
    outcomes: list[Outcome] = []
    for start in range(0, len(events), size):
        batch = transform_batch(events[start : start + size], CONFIG)
        while batch.requests:
            batch = batch.next([send(request) for request in batch.requests])
        outcomes += batch.outcomes
    return outcomes


def one_by_one(events: Sequence[Event], send: Send) -> None:
    """Each event alone. Raises ResponseError."""
    for event in events:
        request: Request | None = transform(event, CONFIG)
        while request is not None:
            request = request.next(send(request))


def state(tenant: Sandbox) -> Any:
    """What the tenant holds, companies by their Names."""
    names = {company["Gsid"]: company["Name"] for company in tenant.companies}
    people = {
        each["Email"]: {**each, "companies": sorted(names[gsid] for gsid in linked_companies(each))}
        for each in tenant.people
    }
    companies = sorted(({**each, "Gsid": None} for each in tenant.companies), key=lambda each: str(each["Name"]))
    return people, companies, tenant.events


def must(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition is what it takes
    """Stop where something else would be counted."""
    if not holds:
        raise AssertionError(f"nothing is counted, for this does not hold: {what}")


def made(tenant: Sandbox) -> int:
    """The calls that it got."""
    return sum(tenant.counts.values())


# --- what is counted --------------------------------------------------------------------------------------------------


class Scenario(NamedTuple):
    """Events, how many of their companies there are beforehand, and the calls that they may take at most."""

    label: str
    events: list[Event]
    companies: int
    limit: str
    most: float


def scenarios() -> list[Scenario]:
    """All that are judged by the calls an event."""
    first, second = newcomers(), regulars()
    days = [day(5000, 300, 60, is_skewed=is_skewed) for is_skewed in (True, False)]
    third = "1/3 of RudderStack's"
    return [
        Scenario("(a) 1,000 groups, 40 new companies", first, 0, "1.1 an event", 1.1 * len(first)),
        Scenario("(b) 500 identifies, 500 groups", second, 40, "0.3 an event", 0.3 * len(second)),
        Scenario("(c) a day, a few very active", days[0], 50, third, rudderstack(days[0]) / 3),
        Scenario("(c) a day, all alike active", days[1], 50, third, rudderstack(days[1]) / 3),
    ]


def rudderstack(events: Sequence[Event]) -> int:
    """The calls that RudderStack makes for them."""
    return sum(RUDDERSTACK[event["type"]] for event in events)


def calls_of(scenario: Scenario, size: int, expected: Any) -> int:
    """The calls for its events in batches of that size."""
    tenant = sandbox(scenario.companies)
    outcomes = deliver(scenario.events, size, tenant.handle)
    must([each.message_id for each in outcomes] == [event["messageId"] for event in scenario.events], "an outcome each")
    must(all(each.status == "delivered" and each.error is None for each in outcomes), "all are delivered")
    must(state(tenant) == expected, "the sandbox holds what one by one leaves there")
    must(sum(each.calls for each in outcomes) == made(tenant), "the outcomes tell of the calls that were made")
    return made(tenant)


HEAD = """
                                            in batches         calls an event     of Rudder-  events in 100 calls
scenario                             events         of  calls   ours  RudderStack     Stack's   ours  RudderStack  limit
"""


def count(scenario: Scenario) -> bool:
    """Print its lines. Whether its limit is kept."""
    label, events, companies, limit, most = scenario
    alone = sandbox(companies)
    one_by_one(events, alone.handle)
    theirs, number = rudderstack(events), len(events)
    must(made(alone) == theirs, "one by one takes the calls that are said to be RudderStack's")
    expected = state(alone)
    whole = calls_of(scenario, number, expected)
    is_kept = whole <= most
    verdict = f"{limit}: {'ok' if is_kept else 'MISSED'}"
    print(f"{label:36} {number:6,}  {'all':>9}  {figures(whole, theirs, number)}  {verdict}")
    for size in SIZES:
        print(f"{'':43}  {size:9,}  {figures(calls_of(scenario, size, expected), theirs, number)}")
    return is_kept


def figures(calls: int, theirs: int, number: int) -> str:
    """The middle of a line: calls, calls an event, a fraction, events in 100 calls."""
    fits, their_fits = CALLS_A_MINUTE * number / calls, CALLS_A_MINUTE * number / theirs
    return (
        f"{calls:5,}  {calls / number:.3f}  {theirs / number:11.3f}  {calls / theirs:10.1%}"
        f"  {fits:5.0f}  {their_fits:11.0f}"
    )


# --- what is known ----------------------------------------------------------------------------------------------------

#: Events of a batch where what is known is counted.
SIZE = 500


class Limit(NamedTuple):
    """The most calls an event on each of the days; None: it is for information."""

    label: str
    days: tuple[float | None, float | None]


BATCHES = Limit("in batches, without what is known", (None, None))
KNOWING_BATCHES = Limit("in batches, with it", (0.45, 0.37))
ALONE = Limit("one by one, without what is known", (None, None))
KNOWING_ALONE = Limit("one by one, with it", (None, 0.42))


def in_batches(days: Sequence[Sequence[Event]], known: Known | None) -> tuple[list[int], Any]:
    """The calls of each day, and the state in the end."""
    tenant, calls = sandbox(), []
    for events in days:
        before = made(tenant)
        for start in range(0, len(events), SIZE):
            batch = transform_batch(events[start : start + SIZE], CONFIG, known=known)
            while batch.requests:
                batch = batch.next([tenant.handle(request) for request in batch.requests])
            must(all(each.status in {"delivered", "unchanged"} for each in batch.outcomes), "all are delivered")
            known = None if known is None else known.learn(batch.learned, at=0)
        calls.append(made(tenant) - before)
    return calls, state(tenant)


def alone(days: Sequence[Sequence[Event]]) -> tuple[list[int], Any]:
    """The same, one by one."""
    tenant, calls = sandbox(), []
    for events in days:
        before = made(tenant)
        one_by_one(events, tenant.handle)
        calls.append(made(tenant) - before)
    return calls, state(tenant)


def by_deliverer(days: Sequence[Sequence[Event]], known: Store) -> tuple[list[int], Any]:
    """The same, one by one, as Deliverer sends them with what is known."""
    tenant, calls = sandbox(), []
    free: dict[str, Any] = {"calls_per_minute": None, "calls_per_day": None}
    with Deliverer(CONFIG, tenant.session(), known=known, **free) as deliverer:
        for events in days:
            before = made(tenant)
            outcomes = deliverer.run(events)
            must(all(each.status in {"delivered", "unchanged"} for each in outcomes), "all are delivered")
            calls.append(made(tenant) - before)
    return calls, state(tenant)


def count_known() -> bool:
    """Print the lines of what is known. Whether the limits are kept."""
    days = repeating_days()
    number, theirs = len(days[0]), [rudderstack(events) for events in days]
    with TemporaryDirectory() as folder, Known.open(Path(folder) / "known.db") as store:
        counted = {
            BATCHES: in_batches(days, None),
            KNOWING_BATCHES: in_batches(days, Known()),
            ALONE: alone(days),
            KNOWING_ALONE: by_deliverer(days, store),
        }
    (_, expected), *_ = counted.values()
    must(all(state == expected for _, state in counted.values()), "the sandbox holds the same in the end")
    must(counted[ALONE][0] == theirs, "one by one takes the calls that are said to be RudderStack's")
    print(f"\n(e) days of {number:,} events; 9 of 10 identifies and groups repeat what was said; batches of {SIZE}")
    print(f"{'':35}  calls an event                    calls")
    print(f"{'':35}  the first day  the second day     the first day  the second day   limits")
    is_kept = True
    for limit, (calls, _) in {**counted, Limit("RudderStack", (None, None)): (theirs, None)}.items():
        shares = [each / number for each in calls]
        verdicts = [
            f"{most}: {'ok' if share <= most else 'MISSED'}"
            for share, most in zip(shares, limit.days, strict=True)
            if most is not None
        ]
        is_kept = is_kept and not any(verdict.endswith("MISSED") for verdict in verdicts)
        columns = f"{shares[0]:13.3f}  {shares[1]:14.3f}     {calls[0]:13,}  {calls[1]:14,}"
        print(f"{limit.label:35}  {columns}   {', '.join(verdicts)}")
    return is_kept


# --- one bad record ---------------------------------------------------------------------------------------------------

COMPANIES = 50
MOST_COMPANY_CALLS = 2 * math.log2(COMPANIES) + 2
BAD_FIELD = "OriginalContractDate"


def spoiled(position: int) -> list[Event]:
    """A group each of new companies, one of them with a date that is refused. The others have dates as well."""
    events = [group(number, number, number) for number in range(COMPANIES)]
    for number, event in enumerate(events):
        event["traits"]["originalContractDate"] = "2026-02-30" if number == position else "2026-02-28"
    return events


def as_it_is(response: Response) -> Response:
    """The answer."""
    return response


def nameless(response: Response) -> Response:
    """The answer, but a refusal says nothing of the fields."""
    if response.status != 400:
        return response
    return attrs.evolve(response, body=json.dumps({**json.loads(response.body), "data": None}).encode())


def spoil(position: int, wire: Wire, named: list[str]) -> tuple[int, int]:
    """The company calls, and all, with the bad record in that place. `named`: the fields that its refusal names."""
    events, tenant, alone = spoiled(position), sandbox(), sandbox()
    outcomes = deliver(events, COMPANIES, lambda request: wire(tenant.handle(request)))
    bad = outcomes.pop(position)
    must(bad.status == "failed" and isinstance(bad.error, RejectedError), "the bad one is refused")
    must([each.field for each in getattr(bad.error, "field_errors", ())] == named, "by the field, or by none")
    must(all(each.status == "delivered" for each in outcomes), "the others are delivered")
    one_by_one(events[:position] + events[position + 1 :], alone.handle)
    must(state(tenant) == state(alone), "the sandbox holds what the others leave there one by one")
    must(len(tenant.companies) == COMPANIES - 1, "all companies but the bad one are created")
    return sum(calls for action, calls in tenant.counts.items() if action.endswith("company")), made(tenant)


def count_spoiled() -> bool:
    """Print the lines of the bad record. Whether the limit is kept."""
    print(f"\n(d) one bad record among {COMPANIES} new companies, in each place in turn, in one batch; 49 are created")
    print(f"{'':29}     company calls                  all calls")
    print(f"{'':29}  worst  median  RudderStack    worst  RudderStack   limit of company calls")
    is_kept = True
    for label, wire, named in (
        ("the refusal names the field", as_it_is, [BAD_FIELD]),
        ("the refusal names none", nameless, []),
    ):
        columns = zip(*(spoil(position, wire, named) for position in range(COMPANIES)), strict=True)
        company_calls, all_calls = map(sorted, columns)
        worst, median = company_calls[-1], statistics.median(company_calls)
        is_ok = worst <= MOST_COMPANY_CALLS
        is_kept = is_kept and is_ok
        # RudderStack finds and saves each of them, and links all persons but the bad one's.
        print(
            f"{label:29}  {worst:5}  {median:6g}  {2 * COMPANIES:11}    {all_calls[-1]:5}  {3 * COMPANIES - 1:11}"
            f"   {MOST_COMPANY_CALLS:.1f}: {'ok' if is_ok else 'MISSED'}"
        )
    return is_kept


def main() -> None:
    """Print the table."""
    print("Each limit is judged on one batch of all the events; the lines of smaller batches are for information.")
    print(HEAD, end="")
    kept = [count(scenario) for scenario in scenarios()]
    kept.append(count_spoiled())
    kept.append(count_known())
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
