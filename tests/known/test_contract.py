"""What a store promises, of a file and of a server."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from math import inf
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gainsight_dest.known import Known, Store, StoreError, Told, new_owner
from gainsight_dest.known.known import LEASE, after
from tests.known.places import Place, record, told
from tests.known.steps import OWNERS, RECORDS, steps

ANN, BEN, CAT = map(record, range(3))
ALL = (ANN, BEN, CAT)
MINE, OTHERS = 5, 2**63 - 1


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


def at(time: float, each: Told) -> Told:
    return attrs.evolve(each, at=time)


# --- what is known ----------------------------------------------------------------------------------------------------


def test_what_was_learnt_is_known_to_all_who_have_the_place_open(place: Place, store: Store) -> None:
    other = place.open()
    company = told(links=frozenset({b"a link.."}), gsid="1P02é")
    store.learn({ANN: told(), BEN: company}, 5.5)
    assert other.view(ALL) == {ANN: at(5.5, told()), BEN: at(5.5, company)}
    assert other.salt == store.salt
    assert len(store.salt) == 16


def test_nothing_is_known_of_no_records(store: Store) -> None:
    store.learn({}, 1)
    store.give({}, MINE, 1)
    store.renew([])
    assert store.take([], MINE)
    assert store.view([]) == {}


def test_what_is_learnt_is_added_to_what_was_known(store: Store) -> None:
    store.learn({ANN: told("1", name="a"), BEN: told("1")}, 5)
    store.learn({ANN: told("2", name="b"), BEN: None, CAT: None}, 7)
    expected = after(at(5, told("1", name="a")), told("2", name="b"), 7)
    assert store.view(ALL) == {ANN: expected}
    store.learn({ANN: told("3", key="another")}, 9)
    assert store.view(ALL) == {ANN: at(9, told("3", key="another"))}


def test_what_was_told_too_long_ago_is_left_out(store: Store) -> None:
    store.learn({ANN: told()}, 5)
    store.learn({BEN: told()}, 6.25)
    assert store.view(ALL, since=6.25).keys() == {BEN}
    assert store.view(ALL, since=inf) == {}


@pytest.mark.parametrize("number", [1, 9, 300, 2_500])
def test_as_many_records_as_one_likes_are_seen_and_taken_at_once(store: Store, number: int) -> None:
    everybody = [record(each) for each in range(number)]
    store.learn(dict.fromkeys(everybody, told()), 5)
    assert store.view(everybody).keys() == {*everybody}
    assert store.take([*everybody, ANN, ANN], MINE)
    assert not store.take(everybody[-1:], OTHERS)
    assert store.view(everybody) == {}
    store.give(dict.fromkeys(everybody, told("new")), MINE, 6)
    assert store.view(everybody) == dict.fromkeys(everybody, at(6, told("new")))


def test_what_was_told_longest_ago_goes_first(place: Place) -> None:
    store = place.open(most=3)
    for number in (3, 1, 4, 0, 5, 2):
        store.learn({record(number): told()}, 100 + number)
    assert store.view(map(record, range(6))).keys() == {record(3), record(4), record(5)}
    store.learn({record(3): None, record(6): told()}, 90)
    assert store.view(map(record, range(9))).keys() == {record(4), record(5), record(6)}


def test_it_is_as_large_as_asked_for_and_five_percent_at_most(place: Place) -> None:
    store = place.open(most=1_000)
    for begin in range(0, 3_000, 7):
        some = [record(number) for number in range(begin, begin + 7)]
        if begin % 2:
            store.learn(dict.fromkeys(some, told()), begin)
        else:
            assert store.take(some, MINE)
            store.give(dict.fromkeys(some, told()), MINE, begin)
    known = store.view(record(number) for number in range(3_100))
    assert 1_000 <= len(known) <= 1_050
    assert min(known) == record(3_003 - len(known))


def test_a_store_that_is_opened_with_less_room_becomes_smaller_bit_by_bit(place: Place, store: Store) -> None:
    everybody = [record(number) for number in range(200)]
    store.learn(dict.fromkeys(everybody, told()), 5)
    smaller = place.open(most=20)
    for number in range(200, 300):
        smaller.learn({record(number): told()}, 6)
    assert len(smaller.view(record(number) for number in range(300))) == 20


def test_when_a_record_was_told_last_stays_known_whatever_else_is_forgotten(place: Place, store: Store) -> None:
    first = told(moment=7, gsid="1P02", links=frozenset({b"a link.."}))
    time = Told(first.key, at=5, moment=7)
    everybody = {ANN: first, BEN: told("2", moment=-8), CAT: told()}
    store.learn(everybody, 5)
    assert store.view(ALL) == {ANN: at(5, first), BEN: at(5, everybody[BEN]), CAT: at(5, told())}
    assert store.view(ALL, since=5.5) == {ANN: time, BEN: attrs.evolve(time, moment=-8)}
    store.learn({ANN: None, CAT: None}, 6)
    assert place.open().view(ALL) == {ANN: time, BEN: at(5, everybody[BEN])}
    assert store.take(ALL, MINE)
    place.now += LEASE + 1
    known: dict[bytes, Told] = {}
    assert store.take(ALL, OTHERS, known)
    assert known == {ANN: time, BEN: attrs.evolve(time, moment=-8)}
    store.give({ANN: told(moment=3), BEN: told("3", moment=4)}, OTHERS, 9)
    assert {record: each.moment for record, each in store.view(ALL).items()} == {ANN: 7, BEN: 4}


def test_whoever_takes_records_is_told_what_is_known_of_them(store: Store) -> None:
    store.learn({ANN: told(), BEN: told("2")}, 5)
    known: dict[bytes, Told] = {}
    assert store.take([ANN, CAT], MINE, known)
    assert known == {ANN: at(5, told())}
    assert not store.take([ANN, BEN], OTHERS, known)
    assert known == {ANN: at(5, told())}


def test_no_event_counts_as_one_that_comes_after_it_was_told(store: Store) -> None:
    store.learn({ANN: told(moment=9_000_000), BEN: told(moment=4_999_999)}, 5)
    assert {record: each.moment for record, each in store.view(ALL).items()} == {ANN: 5_000_000, BEN: 4_999_999}


# --- leases -----------------------------------------------------------------------------------------------------------


def test_all_records_are_taken_or_none(store: Store) -> None:
    assert store.take([ANN, BEN], MINE)
    assert not store.take([CAT, BEN], OTHERS)
    assert store.take([CAT], OTHERS)
    assert not store.take([CAT, ANN], MINE)


def test_an_owner_may_take_what_it_has(place: Place, store: Store) -> None:
    assert store.take([ANN], MINE)
    place.now += LEASE - 1
    assert store.take([ANN, BEN], MINE)
    place.now += LEASE - 1
    assert not store.take([ANN], OTHERS)


def test_nothing_is_known_of_a_record_that_is_taken(place: Place, store: Store) -> None:
    store.learn({ANN: told(), BEN: told()}, 5)
    assert store.take([ANN], MINE)
    assert store.view(ALL).keys() == {BEN}
    store.learn({ANN: told("2")}, 6)
    assert store.view(ALL).keys() == {BEN}
    place.now += LEASE + 1
    assert store.view(ALL).keys() == {BEN}


def test_what_is_given_back_is_added_to_what_was_known(store: Store) -> None:
    store.learn({ANN: told("1", name="a"), BEN: told()}, 5)
    assert store.take(ALL, MINE)
    store.give({ANN: told("2", name="b"), BEN: None}, MINE, 7)
    known = after(at(5, told("1", name="a")), told("2", name="b"), 7)
    assert store.view(ALL) == {ANN: known}
    assert store.take([ANN, BEN], OTHERS)
    assert not store.take([CAT], OTHERS)
    store.give({CAT: told("3")}, MINE, 8)
    assert store.view(ALL) == {CAT: at(8, told("3"))}


def test_what_was_learnt_meanwhile_is_what_was_known(store: Store) -> None:
    assert store.take([ANN, BEN], MINE)
    store.learn({ANN: told("1", name="a"), BEN: told()}, 5)
    store.give({ANN: told("2", name="b")}, MINE, 7)
    store.release(MINE)
    assert store.view(ALL) == {ANN: after(at(5, told("1", name="a")), told("2", name="b"), 7), BEN: at(5, told())}


def test_what_is_released_is_known_as_before(store: Store) -> None:
    store.learn({ANN: told()}, 5)
    assert store.take([ANN, BEN], MINE)
    assert store.take([CAT], OTHERS)
    store.release(MINE)
    store.release(MINE)
    assert store.view(ALL) == {ANN: at(5, told())}
    assert store.take([ANN, BEN], OTHERS)
    assert not store.take([CAT], MINE)


def test_a_lease_that_has_ended_may_be_taken_and_nothing_is_known_then(place: Place, store: Store) -> None:
    store.learn({ANN: told(), BEN: told()}, 5)
    assert store.take([ANN, BEN], MINE)
    place.now += LEASE
    assert store.take([ANN], OTHERS)
    store.release(OTHERS)
    assert store.take([BEN], MINE)
    store.release(MINE)
    assert store.view(ALL) == {}


def test_what_its_owner_releases_too_late_is_not_known(place: Place, store: Store) -> None:
    store.learn({ANN: told()}, 5)
    assert store.take([ANN], MINE)
    place.now += LEASE
    store.release(MINE)
    assert store.view(ALL) == {}
    assert store.take([ANN], OTHERS)


def test_what_is_given_back_too_late_is_not_known(place: Place, store: Store) -> None:
    store.learn({ANN: told()}, 5)
    assert store.take([ANN], MINE)
    place.now += LEASE
    store.give({ANN: told("2")}, MINE, 7)
    assert store.view(ALL) == {}
    assert store.take([ANN], OTHERS)


def test_what_was_never_taken_is_not_known_when_it_is_given_back(store: Store) -> None:
    store.learn({ANN: told()}, 5)
    store.give({ANN: told("2"), BEN: told()}, MINE, 7)
    assert store.view(ALL) == {}


@pytest.mark.parametrize("is_given", [True, False])
def test_what_another_wrote_too_late_is_not_known_when_it_is_given_back(
    place: Place, store: Store, is_given: bool
) -> None:
    assert store.take([ANN], MINE)
    place.now += LEASE
    assert store.take([ANN], OTHERS)
    store.give({ANN: told("late")}, MINE, 7)
    assert not store.take([ANN], MINE), "it is still the other's"
    store.learn({ANN: told("learnt")}, 7)
    if is_given:
        store.give({ANN: told("2")}, OTHERS, 8)
    else:
        store.release(OTHERS)
    assert store.view(ALL) == {}
    assert store.take([ANN], MINE)


def test_renewed_leases_go_on_and_those_that_have_ended_do_not(place: Place, store: Store) -> None:
    store.learn({ANN: told()}, 5)
    assert store.take([ANN], MINE)
    assert store.take([BEN], OTHERS)
    place.now += LEASE - 1
    store.renew([MINE, 77])
    place.now += LEASE - 1
    assert not store.take([ANN], OTHERS)
    store.renew([MINE, OTHERS])
    assert store.take([BEN], MINE)
    store.give({ANN: told("2")}, MINE, 7)
    assert store.view(ALL) == {ANN: at(7, told("2"))}


def test_leases_that_nobody_gives_back_do_not_pile_up(place: Place, store: Store) -> None:
    for number in range(100):
        assert store.take([record(number)], new_owner())
        place.now += LEASE
    store.renew([MINE])
    place.open()
    assert store.take([record(100)], MINE)
    assert leases_in(place, store) < 20


def leases_in(place: Place, store: Store) -> int:
    if place.where.startswith("unix://"):
        return int(place.client.hlen("gainsight-dest:leases"))  # type: ignore[attr-defined]
    return int(store._db.execute("SELECT count(*) FROM leases").fetchone()[0])  # type: ignore[attr-defined]


def test_a_lease_ends_in_its_time_though_the_clock_is_set_back(place: Place, store: Store) -> None:
    assert store.take([ANN], MINE)
    place.now -= 3_600
    assert not store.take([ANN], OTHERS)
    place.now += LEASE
    assert store.take([ANN], OTHERS)


def test_threads_may_use_one_store(store: Store) -> None:
    taken: list[int] = []

    def take(owner: int) -> None:
        for number in range(20):
            both = [record(number), record(number + 1)]
            if store.take(both, owner):
                taken.append(number)
                store.give({both[0]: told(), both[1]: None}, owner, 5)

    threads = [threading.Thread(target=take, args=(owner,)) for owner in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken
    assert store.take([record(number) for number in range(21)], 99), "all was given back, or nothing"


# --- several uses at once ---------------------------------------------------------------------------------------------


def test_what_is_done_at_once_is_done_as_alone(place: Place, store: Store) -> None:
    store.learn({ANN: told()}, 5)
    with store.at_once():
        assert store.view([ANN]) == {ANN: at(5, told())}
        assert store.take([ANN, BEN], MINE)
        assert store.view([ANN]) == {}
        assert not store.take([ANN, CAT], OTHERS)
        assert store.spend(b"t" * 16, 1, None) == 0
        assert store.spend(b"t" * 16, 1, None) > 0
    with store.at_once():
        store.give({BEN: told("2")}, MINE, 7)
        store.release(MINE)
    other = place.open()
    assert other.view(ALL) == {ANN: at(5, told()), BEN: at(7, told("2"))}
    assert other.take(ALL, OTHERS)


def test_an_error_leaves_the_store_to_be_used(store: Store) -> None:
    def break_off() -> None:
        with store.at_once():
            store.take([ANN], MINE)
            raise LookupError

    with pytest.raises(LookupError):
        break_off()
    store.release(MINE)
    assert store.take([ANN], OTHERS)


# --- an end -----------------------------------------------------------------------------------------------------------


USES: list[Any] = [
    lambda store: store.view([ANN]),
    lambda store: store.learn({ANN: told()}, 5),
    lambda store: store.take([ANN], 5),
    lambda store: store.give({ANN: told()}, 5, 5),
    lambda store: store.release(5),
    lambda store: store.renew([5]),
    lambda store: store.spend(b"t", 1, 1),
    lambda store: store.hold(b"t", 1),
    lambda store: store.used(b"t"),
]


@pytest.mark.parametrize("use", USES)
def test_a_store_that_is_closed_says_so(store: Store, use: Any) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed: open it again"):
        use(store)


def test_a_store_is_closed_at_the_end_of_a_with(place: Place) -> None:
    with Known.open(place.where) as store:
        assert store.where == place.where
        store.learn({ANN: told()}, 5)
    with pytest.raises(StoreError):
        store.view([ANN])
    assert place.open().view(ALL).keys() == {ANN}


# --- laws -------------------------------------------------------------------------------------------------------------


class Model:
    """The contract, in the plainest words."""

    def __init__(self) -> None:
        self.now = 0.0
        self.known: dict[bytes, Told] = {}
        self.leases: dict[bytes, tuple[int, float]] = {}
        self.spoilt: set[bytes] = set()

    def view(self) -> dict[bytes, Told]:
        return {each: known for each, known in self.known.items() if each not in self.leases}

    def has(self, owner: int, each: bytes) -> bool:
        its_owner, until = self.leases.get(each, (None, 0.0))
        return its_owner == owner and until > self.now

    def learn(self, learned: dict[bytes, Told | None], at: float) -> None:
        for each, lesson in learned.items():
            now_known = after(self.known.pop(each, None), lesson, at)
            if now_known is not None:
                self.known[each] = now_known

    def take(self, wanted: Iterable[bytes], owner: int) -> bool:
        begun = [*wanted]
        others = {each: self.leases[each] for each in begun if self.leases.get(each, (owner,))[0] != owner}
        if any(until > self.now for _, until in others.values()):
            self.leases |= {each: (who, min(until, self.now + LEASE)) for each, (who, until) in others.items()}
            return False
        for each in begun:
            if each in self.leases and not self.has(owner, each):
                self.forget(each)
            self.leases[each] = (owner, self.now + LEASE)
        return True

    def forget(self, each: bytes) -> None:
        self.learn({each: None}, 0)
        self.leases.pop(each, None)
        self.spoilt.discard(each)

    def give(self, learned: dict[bytes, Told | None], owner: int, at: float) -> None:
        for each, lesson in learned.items():
            if self.has(owner, each) and each not in self.spoilt:
                del self.leases[each]
                self.learn({each: lesson}, at)
            elif self.leases.get(each, (owner, 0))[0] == owner:
                self.forget(each)
            else:
                self.learn({each: None}, 0)
                self.spoilt.add(each)

    def release(self, owner: int) -> None:
        for each in [each for each, (who, _) in self.leases.items() if who == owner]:
            if not self.has(owner, each) or each in self.spoilt:
                self.forget(each)
            self.leases.pop(each, None)

    def renew(self, owners: Iterable[int]) -> None:
        wanted = {*owners}
        for each, (owner, until) in [*self.leases.items()]:
            if until <= self.now:
                self.forget(each)
            elif owner in wanted:
                self.leases[each] = (owner, self.now + LEASE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_a_store_does_what_the_contract_says(place: Place, seed: int) -> None:
    store, model, begin = place.open(), Model(), place.now
    for owner in OWNERS:
        store.release(owner)
    store.learn(dict.fromkeys(RECORDS, told(is_all=True)), 1)  # nobody knows its time
    store.learn(dict.fromkeys(RECORDS), 1)
    for number, (name, given_to_it) in enumerate(steps(seed, 60)):
        if name == "wait":
            model.now += given_to_it[0]
            place.now = begin + model.now
        else:
            assert getattr(store, name)(*given_to_it) == getattr(model, name)(*given_to_it), (number, name)
        assert store.view(RECORDS) == model.view(), (number, name)
    place.now = begin + 100 * LEASE
    store.close()
