"""What Gainsight was told of all records, as a value."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.fields import PERSON
from gainsight_dest.known import Digests, Known, StoreError, Told, new_owner
from gainsight_dest.known.known import after
from tests.known.test_told import KEY, OTHER, X, Y, told, tolds
from tests.some import ADA, CONFIG

RECORDS = (b"a", b"b", b"c")


# --- after a lesson ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "lesson", "expected"),
    [
        (None, None, None),
        (told(n=X, at=1), None, None),
        (None, told(n=X), told(n=X, at=5)),
        (None, told(n=X, is_all=True), told(n=X, at=5)),
        (told(n=X, at=1), told(n=Y), told(n=Y, at=5)),
        (told(n=X, at=1), told(a=Y), told(n=X, a=Y, at=1)),
        (told(n=X, at=1), told(a=Y, is_all=True), told(a=Y, at=5)),
        (told(n=X, at=1), told(OTHER, a=Y), told(OTHER, a=Y, at=5)),
        (told(n=X, at=1, gsid="1A"), told(n=Y), told(n=Y, at=5, gsid="1A")),
    ],
)
def test_a_lesson_is_added_to_what_was_known(before: Told | None, lesson: Told | None, expected: Told | None) -> None:
    assert after(before, lesson, 5) == expected


# --- the value --------------------------------------------------------------------------------------------------------


def test_nothing_is_known_at_first() -> None:
    assert len(Known()) == 0
    assert Known().view(RECORDS) == {}
    assert repr(Known().learn({b"a": told(n=X)}, at=1)) == "<Known: 1 records>"


def test_to_learn_gives_another_value_and_changes_none() -> None:
    first = Known(b"salt").learn({b"a": told(n=X), b"b": told(n=X)}, at=1)
    second = first.learn({b"b": None, b"c": told(n=Y)}, at=2)
    assert first.view(RECORDS) == {b"a": told(n=X, at=1), b"b": told(n=X, at=1)}
    assert second.view(RECORDS) == {b"a": told(n=X, at=1), b"c": told(n=Y, at=2)}
    assert second.view([b"c", b"d"]) == {b"c": told(n=Y, at=2)}
    assert second.salt == first.salt == b"salt"
    assert first.learn({}, at=3) == first
    assert first.learn({b"d": None}, at=3) == first


def test_what_was_told_long_ago_is_left_out() -> None:
    known = Known().learn({b"a": told(n=X)}, at=1).learn({b"b": told(n=X)}, at=2)
    assert known.view(RECORDS, since=2).keys() == {b"b"}
    assert known.since(2).view(RECORDS).keys() == {b"b"}
    assert known.since(1) == known
    assert len(known.since(2.5)) == 0
    assert known.since(2).salt == known.salt


@given(st.lists(st.tuples(st.dictionaries(st.sampled_from(RECORDS), st.one_of(st.none(), tolds)), st.integers(1, 9))))
def test_it_is_a_value(lessons: list[tuple[dict[bytes, Told | None], int]]) -> None:
    first, second = Known(b"salt"), Known(b"salt")
    for learned, at in lessons:
        first, second = first.learn(learned, at), pickle.loads(pickle.dumps(second)).learn(learned, at)
    assert first == second
    assert all(each.at and not each.is_all for each in first.view(RECORDS).values())


def test_digests_are_those_of_the_salt_and_the_tenant() -> None:
    assert Known(b"salt").digests(CONFIG) == Digests.of(CONFIG, b"salt") != Known().digests(CONFIG)


def test_it_shows_nothing_of_a_record() -> None:
    digests = Known().digests(CONFIG)
    known = Known().learn({digests.record(PERSON.identity(ADA)): digests.told(PERSON, {"Email": ADA})}, at=1)
    assert ADA.encode() not in pickle.dumps(known)
    assert repr(known) == "<Known: 1 records>"


# --- a place ----------------------------------------------------------------------------------------------------------


def test_a_store_has_a_salt_of_its_own_and_learns_as_the_value_does(tmp_path: Path) -> None:
    with Known.open(tmp_path / "one.db") as one, Known.open(str(tmp_path / "two.db"), most=10) as two:
        assert one.salt != two.salt
        assert one.digests(CONFIG) == Digests.of(CONFIG, one.salt)
        learned = {bytes(16): told(KEY, n=X)}
        one.learn(learned, at=1)
        assert one.view(learned) == Known().learn(learned, at=1).view(learned)


def test_a_store_that_cannot_be_used_says_which_and_why(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Known.open(tmp_path)
    assert str(caught.value) == f"{tmp_path}: {caught.value.problem}"
    assert caught.value.where == str(tmp_path)


def test_no_two_owners_have_one_number() -> None:
    owners = {new_owner() for _ in range(1000)}
    assert len(owners) == 1000
    assert all(0 <= owner < 2**63 for owner in owners)


def test_redis_without_its_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainsight_dest.known.known.find_spec", lambda _: None)
    with pytest.raises(StoreError, match=r"pip install 'gainsight-dest\[redis\]'") as error:
        Known.open("redis://:secret@localhost")
    assert "secret" not in str(error.value)
