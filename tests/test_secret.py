"""A secret is its text to a machine, and three stars to a reader."""

from __future__ import annotations

import json
import pickle

from gainsight_dest import Secret
from gainsight_dest.secret import conceal, hidden, hide


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


def test_each_text_of_a_json_value_is_hidden_names_of_keys_too_and_all_else_is_as_it_was() -> None:
    value = {"a s3cret": ["s3cret", 1, None, {"deep": "no s3cret"}], "n": 1.5, "own": Secret("x")}
    assert hidden(value, lambda text: hide(text, "s3cret")) == {
        "a ***": ["***", 1, None, {"deep": "no ***"}],
        "n": 1.5,
        "own": "***",
    }
    assert value["n"] == 1.5


def test_what_stands_under_a_secret_key_is_masked_as_a_whole_but_null() -> None:
    value = [{"Accesskey": {"any": 1}, "accessKey": None, "other": "x", "ACCESSKEY": 0}]
    assert hidden(value, str, {"accesskey"}) == [
        {"Accesskey": "***", "accessKey": None, "other": "x", "ACCESSKEY": "***"}
    ]
