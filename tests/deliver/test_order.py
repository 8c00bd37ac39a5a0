"""Who waits for whom: plain bookkeeping, tested as such."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.deliver.order import Lanes


def test_a_job_waits_for_the_last_one_that_shares_a_record() -> None:
    lanes: Lanes[str] = Lanes()
    assert lanes.enter("first", {"acme"})
    assert not lanes.enter("second", {"acme", "ada"})
    assert lanes.enter("other", {"grace"})
    assert not lanes.enter("third", {"ada"})
    assert lanes.leave("first") == ["second"]
    assert lanes.leave("other") == []
    assert lanes.leave("second") == ["third"]
    assert lanes.leave("third") == []


def test_a_job_that_shares_with_two_waits_for_both() -> None:
    lanes: Lanes[str] = Lanes()
    assert lanes.enter("a", {"acme"})
    assert lanes.enter("b", {"ada"})
    assert not lanes.enter("both", {"acme", "ada"})
    assert lanes.leave("b") == []
    assert lanes.leave("a") == ["both"]


def test_jobs_without_records_never_wait() -> None:
    lanes: Lanes[int] = Lanes()
    assert all(lanes.enter(job, set()) for job in range(9))


@given(st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=30), st.randoms(use_true_random=False))
def test_jobs_of_one_record_run_one_by_one_and_in_order_and_all_of_them_run(
    jobs: list[frozenset[str]], random: Random
) -> None:
    lanes: Lanes[int] = Lanes()
    waiting = list(enumerate(jobs))
    running: list[int] = []
    order: list[int] = []
    while waiting or running:
        if waiting and (not running or random.random() < 0.5):
            job, records = waiting.pop(0)
            running += [job] if lanes.enter(job, records) else []
        else:
            job = running.pop(random.randrange(len(running)))
            order.append(job)
            running += lanes.leave(job)
        for record in "abcd":
            assert sum(record in jobs[job] for job in running) <= 1
    assert sorted(order) == list(range(len(jobs)))
    for record in "abcd":
        of_record = [job for job in order if record in jobs[job]]
        assert of_record == sorted(of_record)
    assert not any(vars(lanes).values()), "nothing is kept of jobs that have gone"
