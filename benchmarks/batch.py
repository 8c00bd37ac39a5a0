"""How long a batch takes to plan, as a ratio to transforming the same events one by one, side by side in one run.

    python benchmarks/batch.py

Each round times every contestant in turn, so that a slow moment of the machine hits all of them alike; the figure is
the median of the rounds' ratios, with the lowest and the highest. Each timing starts after a full collection, so that
none pays for what another left behind. The garbage collector runs while planning is compared with transforming. Growth
is judged with the collector off, as timeit measures, and told once more with it on: it walks all that is in memory, the
events among it, so that even transforming one by one then takes more than ten times as long for ten times as many. The
whole way goes on from the plan to the last outcome, with canned
answers: what it takes without the network. Exit status 1 if a limit is missed.
"""

from __future__ import annotations

import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from calls import CONFIG, Event, day

from gainsight_dest import Batch, Request, Response, transform, transform_batch

ROUNDS = 25
GROWTH_ROUNDS = 5
FEW, MANY = 10_000, 100_000
MOST_PLANNING = 3.0
MOST_GROWTH = 12.0

DONE = Response(200, b'{"result": true}')
NONE_FOUND = Response(200, b'{"result": true, "data": {"records": []}}')


def canned(request: Request) -> Response:
    """A success at once: no company is there, and each that is created has a Gsid."""
    if request.action == "find company":
        return NONE_FOUND
    if request.action in {"create company", "update company"}:
        records = [{"Name": each["Name"], "Gsid": f"1P02{each['Name']}"} for each in request.body["records"]]
        return Response(200, json.dumps({"result": True, "data": {"records": records}}).encode())
    return DONE


def one_by_one(events: Sequence[Event]) -> list[Request]:
    """What planning is compared with."""
    return [transform(event, CONFIG) for event in events]


def plan(events: Sequence[Event]) -> Batch:
    """The batch with its first requests."""
    return transform_batch(events, CONFIG)


def whole_way(events: Sequence[Event], send: Callable[[Request], Response] = canned) -> Batch:
    """The batch with nothing left to send."""
    batch = transform_batch(events, CONFIG)
    while batch.requests:
        batch = batch.next([send(request) for request in batch.requests])
    return batch


def to_the_outcomes(events: Sequence[Event]) -> Any:
    """The whole way, and what became of each event."""
    return whole_way(events).outcomes


def requests_of(events: Sequence[Event]) -> list[Request]:
    """All that is sent on the whole way. Every event must be delivered."""
    sent: list[Request] = []

    def send(request: Request) -> Response:
        sent.append(request)
        return canned(request)

    outcomes = whole_way(events, send).outcomes
    if len(outcomes) != len(events) or any(outcome.status != "delivered" for outcome in outcomes):
        raise AssertionError("nothing is measured: not all events are delivered")
    return sent


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(ratios: Sequence[float]) -> str:
    """The median of the ratios, and how far the rounds are apart."""
    return f"{statistics.median(ratios):5.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"


def verdict(ratios: Sequence[float], most: float, kept: list[bool]) -> str:
    """Whether the median keeps the limit, which is noted."""
    kept.append(statistics.median(ratios) <= most)
    return f"limit {most:g} x: {'ok' if kept[-1] else 'MISSED'}"


def compare(kept: list[bool]) -> None:
    """Print the times for the events beside those of transforming them one by one."""
    events = day(FEW, people=600, companies=120, is_skewed=True)
    sent = requests_of(events)
    contestants: dict[str, Callable[[], object]] = {
        "transform, one by one": lambda: one_by_one(events),
        "transform_batch": lambda: plan(events),
        "the whole way": lambda: to_the_outcomes(events),
        "its canned answers alone": lambda: [canned(request) for request in sent],
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            times[name].append(seconds(work))
    alone, planned, whole, answers = times.values()
    print(f"{FEW:,} mixed events of 600 people in 120 companies, {len(sent):,} requests; {ROUNDS} rounds")
    for name, column in times.items():
        line = f"  {name:27} {statistics.median(column) * 1e3:8.1f} ms"
        if column is not alone:
            ratios = [ours / theirs for ours, theirs in zip(column, alone, strict=True)]
            told = verdict(ratios, MOST_PLANNING, kept) if column is planned else "for information"
            line += f"  {spread(ratios)}  {told}"
        print(line)
    less = [(ours - theirs) / base for ours, theirs, base in zip(whole, answers, alone, strict=True)]
    print(f"  {'the whole way without them':27} {'':11}  {spread(less)}  for information")


def grow(label: str, people: tuple[int, int], kept: list[bool] | None) -> None:
    """Print how the times grow with the number of the events. `kept` None: for information."""
    works = {"transform, one by one": one_by_one, "transform_batch": plan, "the whole way": to_the_outcomes}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(GROWTH_ROUNDS):
        for number, known in zip((FEW, MANY), people, strict=True):
            # Made anew: the collector walks whatever else is in memory, so there are never both.
            events = day(number, people=known, companies=known // 5, is_skewed=True)
            for name, work in works.items():
                times[name].append(seconds(lambda: work(events)))  # noqa: B023 - used at once
    print(f"{FEW:,} and {MANY:,} events, {label}; {GROWTH_ROUNDS} rounds")
    for name, column in times.items():
        shorter, longer = column[::2], column[1::2]
        ratios = [late / early for early, late in zip(shorter, longer, strict=True)]
        is_ours = works[name] is not one_by_one
        told = verdict(ratios, MOST_GROWTH, kept) if kept is not None and is_ours else "for information"
        print(
            f"  {name:27} {statistics.median(shorter) * 1e3:8.1f} ms {statistics.median(longer) * 1e3:8.1f} ms"
            f"  {spread(ratios)}  {told}"
        )


def main() -> None:
    """Print the ratios."""
    print(f"{platform.python_implementation()} {platform.python_version()}")
    kept: list[bool] = []
    compare(kept)
    gc.disable()
    grow("people and companies growing with them", (600, 6000), kept)
    grow("of the same 600 people in 120 companies", (600, 600), kept)
    gc.enable()
    grow("of the same 600 people, the garbage collector on", (600, 600), None)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
