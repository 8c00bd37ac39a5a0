"""What Gainsight was told of a record: what it covers, what is added to it, and what its digests tell."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import COMPANY, PERSON, company_link
from gainsight_dest.known import told as told_module
from gainsight_dest.known.told import RECORD_SIZE, TIME_NAME, Digests, Told
from tests.some import ACCESS_KEY, ADA, CONFIG

SALT = b"salt"
DIGESTS = Digests.of(CONFIG, SALT)
KEY, OTHER = b"the key.", b"another."
NAME, AGE = b"name", b"age."
X, Y = b"value x.", b"value y."
ONE, TWO = b"link one", b"link two"


def told(key: bytes = KEY, links: tuple[bytes, ...] = (), **facts: Any) -> Told:
    """By the letters of fields: n, a."""
    letters = {"n": NAME, "a": AGE}
    fields = {letters[name]: value for name, value in facts.items() if name in letters}
    return Told(key, fields, frozenset(links), **{name: facts[name] for name in facts.keys() - letters})


def person(**fields: Any) -> Told:
    return DIGESTS.told(PERSON, {"Email": ADA, **fields})


# --- covers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "covers"),
    [
        (told(), told(), True),
        (told(n=X), told(), True),
        (told(n=X), told(n=X), True),
        (told(n=X, a=Y), told(a=Y), True),
        (told(n=X), told(n=Y), False),
        (told(n=X), told(a=X), False),
        (told(), told(n=X), False),
        (told(), told(OTHER), False),
        (told(n=X), told(OTHER, n=X), False),
        (told(links=(ONE, TWO)), told(links=(ONE,)), True),
        (told(links=(ONE,)), told(links=(ONE, TWO)), False),
        (told(), told(links=(ONE,)), False),
        (told(gsid="1A"), told(gsid="1B"), True),
        (told(at=1.0), told(at=2.0), True),
    ],
)
def test_what_says_nothing_more_is_covered(first: Told, second: Told, covers: bool) -> None:
    assert first.covers(second) is covers


# --- one after the other ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (told(n=X), told(a=Y), told(n=X, a=Y)),
        (told(n=X, a=X), told(a=Y), told(n=X, a=Y)),
        (told(links=(ONE,)), told(links=(TWO,)), told(links=(ONE, TWO))),
        (told(n=X, gsid="1A"), told(a=Y), told(n=X, a=Y, gsid="1A")),
        (told(n=X), told(a=Y, gsid="1A"), told(n=X, a=Y, gsid="1A")),
        # Of another spelling, of another record of that name, or of one of which it is not known what it has.
        (told(n=X), told(OTHER, a=Y), told(OTHER, a=Y, is_all=True)),
        (told(n=X, gsid="1A"), told(a=Y, gsid="1B"), told(a=Y, gsid="1B", is_all=True)),
        (told(n=X), told(a=Y, is_all=True), told(a=Y, is_all=True)),
        (told(n=X, is_all=True), told(a=Y), told(n=X, a=Y, is_all=True)),
        # All of it is so since the earlier of the two, unless the later one says all.
        (told(n=X, at=1.0), told(a=Y, at=2.0), told(n=X, a=Y, at=1.0)),
        (told(n=X, at=1.0), told(n=Y, at=2.0), told(n=Y, at=2.0)),
        (told(n=X, at=1.0), told(n=Y, a=Y, at=2.0), told(n=Y, a=Y, at=2.0)),
        (told(n=X, at=0.0), told(a=Y, at=2.0), told(n=X, a=Y, at=0.0)),
        (told(n=X, links=(ONE,), at=1.0), told(n=X, at=2.0), told(n=X, links=(ONE,), at=1.0)),
        (told(n=X, at=1.0), told(OTHER, n=X, at=2.0), told(OTHER, n=X, at=2.0, is_all=True)),
    ],
)
def test_what_is_told_later_is_added_or_stands_alone(first: Told, second: Told, both: Told) -> None:
    assert first.then(second) == both


values = st.dictionaries(st.sampled_from([NAME, AGE]), st.sampled_from([X, Y]))
tolds = st.builds(
    Told,
    st.sampled_from([KEY, OTHER]),
    values,
    st.frozensets(st.sampled_from([ONE, TWO])),
    st.sampled_from([None, "1A", "1B"]),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.booleans(),
)


@given(tolds, tolds, tolds)
def test_lessons_may_be_added_up_before_they_are_added(first: Told, second: Told, third: Told) -> None:
    one_by_one, together = first.then(second).then(third), first.then(second.then(third))
    assert attrs.evolve(together, at=0.0) == attrs.evolve(one_by_one, at=0.0)
    assert first.then(second).covers(second)


# --- bytes ------------------------------------------------------------------------------------------------------------


@given(tolds)
def test_it_comes_back_from_bytes(each: Told) -> None:
    packed = each.packed()
    assert Told.unpacked(packed) == attrs.evolve(each, is_all=False)
    assert len(packed) <= 30 + 12 * len(each.fields) + 8 * len(each.links)


def test_the_time_and_a_long_gsid_come_back_from_bytes() -> None:
    each = told(n=X, links=(TWO, ONE), gsid="1P02ÄÖÜ" * 20, at=1_764_000_000.25)
    assert Told.unpacked(each.packed()) == each


@pytest.mark.parametrize("size", [0, 1, 10, 18, 19, 30, 32, 39])
def test_bytes_that_were_cut_or_added_to_are_none(size: int) -> None:
    packed = told(n=X, links=(ONE,), gsid="1A").packed()
    assert len(packed) == 41
    for wrong in (packed[:size], packed + b"-"):
        with pytest.raises(ValueError, match=r"bytes"):
            Told.unpacked(wrong)


# --- digests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Plan__gc": "gold"}, {"Plan__gc": "silver"}),
        ({"Plan__gc": "1"}, {"Plan__gc": 1}),
        ({"Plan__gc": 1}, {"Plan__gc": 1.0}),
        ({"Plan__gc": 1}, {"Plan__gc": True}),
        ({"Plan__gc": ""}, {"Plan__gc": None}),
        ({"Plan__gc": "gold"}, {"Tier__gc": "gold"}),
        ({"Plan__gc": ["a", "b"]}, {"Plan__gc": ["b", "a"]}),
        ({"Plan__gc": "\ud800"}, {"Plan__gc": "\udfff"}),
        (company_link(ADA, "1A"), company_link(ADA, "1B")),
    ],
)
def test_what_differs_has_other_digests(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert not person(**first).covers(person(**second))
    assert person(**first) == person(**first)


def test_links_are_told_each_by_itself() -> None:
    both = person(companies=[{"Company_ID": "1A"}, {"Company_ID": "1B"}])
    assert len(both.links) == 2
    assert both.covers(person(companies=[{"Company_ID": "1B"}]))
    assert both.fields.keys() == person().fields.keys()


def test_what_stands_in_the_place_of_links_is_a_field_like_any_other() -> None:
    assert not person(companies="Acme").links
    assert not person(companies="Acme").covers(person(companies="Brix"))


def test_a_record_is_kept_by_its_folded_key_and_told_by_the_spelled_one() -> None:
    lower, upper = ({"Name": name} for name in ("acme", "ACME"))
    assert DIGESTS.record(COMPANY.identity("acme")) == DIGESTS.record(COMPANY.identity(" ACME"))
    assert DIGESTS.record(COMPANY.identity("acme")) != DIGESTS.record(PERSON.identity("acme"))
    assert DIGESTS.key(COMPANY, lower) != DIGESTS.key(COMPANY, upper)
    assert DIGESTS.told(COMPANY, lower).key == DIGESTS.key(COMPANY, lower)
    assert not DIGESTS.told(COMPANY, lower).covers(DIGESTS.told(COMPANY, upper))
    assert DIGESTS.records([COMPANY.identity("acme"), COMPANY.identity("ACME")]) == {
        DIGESTS.record(COMPANY.identity("acme"))
    }


@pytest.mark.parametrize(
    "other",
    [
        Digests.of(CONFIG, b"another salt"),
        Digests.of(attrs.evolve(CONFIG, access_key="another key"), SALT),
        Digests.of(attrs.evolve(CONFIG, access_key=None), SALT),
        Digests.of(attrs.evolve(CONFIG, domain="other.gainsightcloud.com"), SALT),
        Digests.of(CONFIG.at("http://127.0.0.1:8080"), SALT),
    ],
)
def test_another_tenant_address_key_or_salt_gives_other_digests(other: Digests) -> None:
    identity = PERSON.identity(ADA)
    assert other.record(identity) != DIGESTS.record(identity)
    assert other.tenant != DIGESTS.tenant
    assert not other.told(PERSON, {"Email": ADA}).covers(person())


def test_a_setting_that_says_nothing_of_the_tenant_changes_no_digest() -> None:
    config: DestinationConfig = attrs.evolve(CONFIG, person_map={"plan": "Plan__gc"}, topic_name="Other")
    assert Digests.of(config, SALT) == DIGESTS


def test_digests_show_nothing_and_are_values() -> None:
    assert len(DIGESTS.tenant) == len(DIGESTS.record(PERSON.identity(ADA))) == RECORD_SIZE
    assert pickle.loads(pickle.dumps(DIGESTS)) == DIGESTS
    each = person(FirstName="Ada")
    for shown in (repr(DIGESTS), repr(each), str(each.packed())):
        assert not any(text in shown for text in (ACCESS_KEY, ADA, "Ada", "FirstName", "Email"))


# --- the time of the event --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "moment"),
    [
        (told(n=X, moment=5), told(n=Y, moment=7), 7),
        (told(n=X, moment=7), told(n=Y, moment=5), 7),
        (told(n=X, moment=7), told(n=Y), 7),
        (told(n=X), told(n=Y, moment=-5), -5),
        (told(n=X, moment=7, gsid="1A"), told(n=Y, moment=5, gsid="1B"), 7),
        (told(n=X, moment=7), told(OTHER, n=Y, moment=5), 5),
        (told(n=X, moment=7), told(n=Y, moment=5, is_all=True), 5),
        (told(n=X), told(n=Y), None),
    ],
)
def test_the_newest_event_that_told_a_record_counts(first: Told, second: Told, moment: int | None) -> None:
    assert first.then(second).moment == moment


@pytest.mark.parametrize(
    ("one", "other", "is_older"),
    [
        (told(moment=5), told(moment=7), True),
        (told(moment=7), told(moment=7), False),
        (told(moment=9), told(moment=7), False),
        (told(), told(moment=7), False),
        (told(moment=5), told(), False),
        (told(OTHER, moment=5), told(moment=7), False),
    ],
)
def test_only_what_is_told_of_the_same_record_at_an_earlier_time_is_older(
    one: Told, other: Told, is_older: bool
) -> None:
    assert one.is_older_than(other) is is_older


@pytest.mark.parametrize("moment", [0, 1, -1, 253_402_300_799_999_999, -62_135_596_800_000_000])
def test_any_time_is_packed(moment: int) -> None:
    for each in (told(n=X, a=Y, links=(ONE,), gsid="1P02é", moment=moment, at=5.5), told(moment=moment)):
        assert Told.unpacked(each.packed()) == each
        assert len(each.packed()) == len(attrs.evolve(each, moment=None).packed()) + 12


def test_what_an_earlier_release_has_packed_is_read_and_the_other_way_round() -> None:
    """It takes the time for one more field, which nothing covers and nothing replaces."""
    before = told(n=X, at=5.0)
    assert Told.unpacked(before.packed()).moment is None
    fields = told(n=X, at=5.0, moment=7).packed()[-24:]
    assert (fields[:4], fields[12:16]) == (TIME_NAME, NAME)


def test_a_field_whose_digest_would_be_taken_for_the_time_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_module, "_digest", lambda _key, _text, size: TIME_NAME if size == 4 else X)
    made = Digests(b"a key of no other test").told(PERSON, {"Email": ADA})
    assert [*made.fields] == [TIME_NAME[::-1]]


def test_what_is_forgotten_leaves_its_time() -> None:
    whole = told(n=X, links=(ONE,), gsid="1A", at=5.0, moment=7)
    assert whole.only_time == told(at=5.0, moment=7)
    assert told(n=X).only_time is None
    assert whole.since(5.0) is whole
    assert whole.since(5.1) == whole.only_time
    assert told(n=X).since(1.0) is None
    assert told(at=1.0).since(2.0) == told(at=1.0), "a track event that was sent has no fields, and stays sent"
