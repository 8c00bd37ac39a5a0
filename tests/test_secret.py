"""A secret is its text to a machine, and three stars to a reader."""

from __future__ import annotations

import json
import pickle

from gainsight_dest import Secret
from gainsight_dest.secret import conceal, hide


def test_a_secret_equals_its_text_encodes_as_it_and_pickles() -> None:
    secret = Secret("s3cret")
    assert secret == "s3cret"
    assert {secret: 1} == {"s3cret": 1}
    assert secret.encode() == b"s3cret"
    assert json.dumps([secret]) == '["s3cret"]'
    revived = pickle.loads(pickle.dumps(secret))
    assert (revived, type(revived)) == ("s3cret", Secret)


def test_a_secret_hides_in_a_repr_also_inside_containers() -> None:
    assert repr(Secret("s3cret")) == "'***'"
    assert repr({"Accesskey": Secret("s3cret")}) == "{'Accesskey': '***'}"


def test_hiding_masks_each_secret_longest_first_and_leaves_very_short_ones() -> None:
    assert hide("key is abcd-efgh, not abcd", "abcd", "abcd-efgh", None) == "key is ***, not ***"
    assert hide("a key", "a", "") == "a key"


def test_a_text_that_holds_a_secret_is_concealed_and_stays_equal() -> None:
    assert repr(conceal("of abcd", "abcd", None)) == "'***'"
    assert conceal("of abcd", "abcd") == "of abcd"
    assert type(conceal("of abcd", "efgh", None, "of")) is str
