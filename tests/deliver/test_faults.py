"""The fault matrix: no event lost, no company doubled, no person linked wrongly, no call too many."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gainsight_dest import CredentialsError, RejectedError, RetryableError
from gainsight_dest.deliver import Status
from gainsight_dest.sandbox import FAULTS
from tests.deliver.fault_matrix import Cell, cells, delivery
from tests.some import ADA
from tests.table import OfAll, each_row

pytestmark = [pytest.mark.once, pytest.mark.long]

ALONE, BATCHED = cells(), cells(batch=500)
IN_A_LOOP = [*cells(driver="async"), *cells(batch=500, driver="async")]
CELLS = [*ALONE, *BATCHED, *IN_A_LOOP]

#: What an event ends with if a step of it always fails so: None, if the run ends before that, as it is not the event's
#: fault. Those that are missing are delivered all the same.
ALWAYS: dict[str, type[Exception] | None] = {
    "429": None,
    "429-retry-after": None,
    "throttled-200": None,
    "500": RetryableError,
    "500-after": RetryableError,
    "503": RetryableError,
    "401": CredentialsError,
    "result-false": RejectedError,
    "html": RetryableError,
    "truncated": RetryableError,
    "slow": RetryableError,
    "dropped-before": RetryableError,
    "dropped-after": RetryableError,
}
#: Those that no second try is made after.
AT_ONCE = {"401", "result-false"}


def expected(cell: Cell) -> tuple[Status, type[Exception] | None]:
    """What the cell should end with."""
    if cell.kind in ALWAYS and (cell.kind in AT_ONCE or cell.times == "always"):
        # A create that was carried out, though its answer was lost, is found, and goes on as an update.
        if cell.step == "create company" and FAULTS[cell.kind].is_done:
            return Status.DELIVERED, None
        error = ALWAYS[cell.kind]
        # Where a find is never answered, nothing shows that Gainsight is there: the run ends for want of that.
        if error is None or (error is RetryableError and cell.step == "find company"):
            return Status.NOT_TRIED, None
        return Status.FAILED, error
    return Status.DELIVERED, None


def every(*cells: Cell) -> Callable[[Callable[[Cell], None]], OfAll]:
    return each_row(cells, lambda cell: cell.name)


def test_the_matrix_holds_every_fault_at_every_step() -> None:
    assert {cell.kind for cell in CELLS} == set(FAULTS)
    assert len(ALONE) == len(BATCHED) == len(ALWAYS) * 8 * 3 + (len(FAULTS) - len(ALWAYS)) * 3
    assert set(ALWAYS) == {kind for kind in FAULTS if not kind.startswith("nothing")}


@every(*CELLS)
def test_the_event_is_delivered_unless_the_fault_says_that_it_cannot_be(cell: Cell) -> None:
    done = delivery(cell)
    status, error = expected(cell)
    assert done.outcome.status is status
    assert type(done.outcome.error) is (error or type(None))


@every(*CELLS)
def test_there_is_one_company_and_it_holds_what_the_event_says(cell: Cell) -> None:
    done = delivery(cell)
    companies = done.sandbox.companies
    is_group = cell.event.startswith("group")
    assert len(companies) <= is_group
    if is_group and done.outcome.status is Status.DELIVERED:
        (company,) = companies
        assert (company["Name"], company["Employees"]) == ("Acme", 7)
        assert company.get("Industry") == ("Anvils" if cell.event == "group, known company" else None)
        assert done.outcome.gsid == company["Gsid"]


@every(*CELLS)
def test_the_person_is_linked_to_that_company_and_to_no_other(cell: Cell) -> None:
    done = delivery(cell)
    links = [link["Company_ID"] for person in done.sandbox.people for link in person["companies"]]
    assert len(links) <= 1
    assert set(links) <= {company["Gsid"] for company in done.sandbox.companies}
    if done.outcome.status is Status.DELIVERED:
        assert [person["Email"] for person in done.sandbox.people] == ([] if cell.event == "track" else [ADA])
        assert len(links) == cell.event.startswith("group")


@every(*(cell for cell in CELLS if cell.event == "track"))
def test_a_track_event_arrives_and_comes_twice_only_where_its_answer_was_lost(cell: Cell) -> None:
    done = delivery(cell)
    was_lost = FAULTS[cell.kind].is_done
    if done.outcome.status is Status.DELIVERED:
        failed = {"once": 1, "twice": 2}[cell.times]
        assert len(done.sandbox.events) == (1 + failed if was_lost else 1)
    else:
        assert bool(done.sandbox.events) == was_lost
    assert all(event["properties"] == {"ticket": 1} for event in done.sandbox.events)


@every(*CELLS)
def test_no_call_goes_beyond_the_budget_and_each_is_counted(cell: Cell) -> None:
    done = delivery(cell)
    assert done.sandbox.throttled == 0
    assert done.calls == sum(done.sandbox.counts.values())
    assert done.outcome.calls <= done.calls
    assert done.outcome.calls == done.calls or done.outcome.status is not Status.DELIVERED


@every(*CELLS)
def test_waits_are_bounded_and_as_long_as_gainsight_asks(cell: Cell) -> None:
    done = delivery(cell)
    times = {"once": 1, "twice": 2, "always": 0}[cell.times]
    if cell.kind in AT_ONCE or cell.kind.startswith("nothing"):
        assert done.waited == 0
    elif cell.kind == "429-retry-after" and times:
        assert done.waited == pytest.approx(7 * times)
    elif cell.kind in {"429", "throttled-200"} and times:
        assert done.waited == pytest.approx(61 - 1_000_000_020 % 60 + 60 * (times - 1), abs=2)
    else:
        assert 0 < done.waited <= 10_800 + 12 * 30


@every(*(cell for cell in CELLS if cell.kind in AT_ONCE))
def test_what_cannot_go_well_is_tried_once(cell: Cell) -> None:
    done = delivery(cell)
    assert done.outcome.attempts == 1
    assert done.sandbox.counts[cell.step] == 1


@every(*(cell for cell in CELLS if cell.step == "create company"))
def test_a_create_whose_answer_was_lost_is_followed_by_a_find(cell: Cell) -> None:
    done = delivery(cell)
    actions = [call.action for call in done.sandbox.calls]
    faults = [call.fault for call in done.sandbox.calls]
    for place, (action, fault) in enumerate(zip(actions, faults, strict=True)):
        is_last = place + 1 == len(actions)
        if (
            action == "create company"
            and fault
            and not is_last
            and fault not in {"429", "429-retry-after", "throttled-200"}
        ):
            assert actions[place + 1] == "find company"


def test_a_batch_of_one_event_does_as_the_event_alone() -> None:
    assert [_seen(cell) for cell in BATCHED] == [_seen(cell) for cell in ALONE]


@every(*IN_A_LOOP)
def test_delivery_in_a_loop_does_as_delivery_by_threads(cell: Cell) -> None:
    by_threads = cell._replace(driver="threads")
    assert _seen(cell) == _seen(by_threads)
    # Each wait holds a little chance.
    assert delivery(cell).waited == pytest.approx(delivery(by_threads).waited, abs=12)


def _seen(cell: Cell) -> object:
    done = delivery(cell)
    outcome = done.outcome
    return outcome.status, type(outcome.error), outcome.attempts, outcome.calls, outcome.gsid, done.sandbox.as_data()
