"""Which sender an event belongs to: a pure function of the event."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import EventError
from gainsight_dest.batching.address import Address, Shares, address, shard_of, shares
from gainsight_dest.outcome import Outcome
from gainsight_dest.testing.strategies import events
from tests import some
from tests.needs import need
from tests.some import CONFIG

ADA = {"email": " Ada@Example.com "}
GROUP = some.group(" ACME Ltd", ADA["email"])


def place_of(event: Any, shards: int = 4) -> Address:
    found = address(event, CONFIG, shards)
    assert isinstance(found, Address)
    return found


def test_a_group_event_goes_by_its_company_and_then_with_its_person() -> None:
    group, identify = place_of(GROUP), place_of(some.identify())
    assert (group.company, identify.company) == ("acme ltd", None)
    assert group.key == identify.key == "Person ada@example.com"
    assert group.shard == identify.shard


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ({"userId": "u-1", "anonymousId": "a-1", "messageId": "m-1"}, "User u-1"),
        ({"userId": 7, "messageId": "m-1"}, "User 7"),
        ({"userId": "", "anonymousId": "a-1"}, "User a-1"),
        ({"userId": None, "messageId": "m-1"}, "User m-1"),
        ({}, "User "),
    ],
)
def test_a_track_event_goes_by_its_user(ids: dict[str, Any], key: str) -> None:
    assert place_of({**some.track(), **ids}).key == key


class OwnInt(int):
    def __str__(self) -> str:
        return "an id"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        *((same, "User 7") for same in ("7", 7, 7.0, Decimal(7), Fraction(7), OwnInt(7))),
        *((none, "User a-1") for none in (float("nan"), 10**5000, True, [7], {"id": 7}, Decimal("NaN"))),
        (0, "User 0"),
        (1.5, "User 1.5"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_id_of_another_class_is_the_user_that_pythons_own_is(value: Any, key: str) -> None:
    assert place_of({**some.track(), "userId": value, "anonymousId": "a-1"}).key == key


def test_an_id_of_numpy_or_pandas_is_the_user_that_pythons_own_is() -> None:
    need("pandas")
    numpy, pandas = import_module("numpy"), import_module("pandas")
    ids = [numpy.int64(7), numpy.uint8(7), numpy.str_("7"), pandas.Series([7], dtype="Int64")[0]]
    assert {place_of({**some.track(), "userId": each}) for each in ids} == {place_of({**some.track(), "userId": 7})}
    assert place_of({**some.track(), "userId": pandas.NA, "anonymousId": "a-1"}).key == "User a-1"


def test_an_address_has_the_message_id_to_order_by() -> None:
    assert place_of({**GROUP, "messageId": "m-1"}).message_id == "m-1"
    assert place_of({**GROUP, "messageId": 1}).message_id == ""


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"type": "page"}, "skipped"),
        ({**GROUP, "integrations": {"Gainsight": False}}, "skipped"),
        ({"type": "identify"}, "failed"),
        (None, "failed"),
        (EventError("the line", "is no JSON"), "failed"),
    ],
)
def test_an_event_that_goes_nowhere_has_its_outcome(event: Any, status: str) -> None:
    found = address(event, CONFIG, 4)
    assert isinstance(found, Outcome)
    assert found.status == status


@given(st.text(), st.integers(1, 64))
def test_a_shard_is_one_of_those_there_are(key: str, shards: int) -> None:
    assert 0 <= shard_of(key, shards) < shards


def test_a_shard_is_the_same_in_every_process() -> None:
    code = "from gainsight_dest.batching.address import shard_of; print([shard_of(str(n), 7) for n in range(50)])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert told == f"{[shard_of(str(n), 7) for n in range(50)]}\n".encode()
    assert shard_of("Person ada@example.com", 1000) == 451


def test_a_shard_takes_broken_unicode() -> None:
    assert 0 <= shard_of("\ud800", 3) < 3


def test_shards_are_about_as_large_as_each_other() -> None:
    sizes = [0] * 4
    for number in range(4000):
        sizes[shard_of(f"Person person{number}@example.com", 4)] += 1
    assert max(sizes) < 1.15 * min(sizes)


@given(events())
def test_every_event_has_an_address_or_an_outcome(event: Any) -> None:
    found = address(event, CONFIG, 3)
    assert isinstance(found, (Address, Outcome))
    assert found == address(event, CONFIG, 3)


def test_an_address_has_the_moment_and_a_time_that_cannot_be_read() -> None:
    place = place_of({**GROUP, "timestamp": "yesterday", "sentAt": "2026-11-25"})
    assert (place.moment, place.unread) == ("2026-11-25T00:00:00.000000", 'timestamp "yesterday"')
    assert place_of(GROUP)[-3:] == ("", "", None)


@given(st.integers(2, 10_000), st.integers(1, 64))
def test_shares_add_up_to_what_there_is(calls: int, shards: int) -> None:
    if calls - max(1, calls // 10) < shards:
        with pytest.raises(ValueError, match=f"^{calls} calls are too few for {shards} shards"):
            shares(calls, shards)
        return
    share = shares(calls, shards)
    assert share.companies is not None
    each = [calls for calls in share.each if calls is not None]
    assert share.companies + sum(each) == calls
    assert len(each) == shards
    assert max(each) - min(each) <= 1
    assert min(each) >= 1


def test_a_tenth_of_the_calls_is_for_companies() -> None:
    assert shares(100, 4).companies == 10
    assert shares(100, 4).each == (23, 23, 22, 22)


def test_each_sender_needs_a_call() -> None:
    assert shares(2, 1) == Shares(1, (1,))
    with pytest.raises(ValueError, match="4 calls are too few for 4 shards"):
        shares(4, 4)


def test_without_a_limit_no_share_has_one() -> None:
    assert shares(None, 2).companies is None
    assert shares(None, 2).each == (None, None)


def test_there_is_one_shard_at_least() -> None:
    with pytest.raises(ValueError, match="shards must be at least 1, not 0"):
        shares(100, 0)
