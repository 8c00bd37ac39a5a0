"""Outcomes as values, and their errors as plain data."""

from __future__ import annotations

import json
import pickle

import pytest

from gainsight_dest import (
    ConfigError,
    CredentialsError,
    EventError,
    FieldError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnsupportedTypeError,
)
from gainsight_dest.outcome import Outcome, Status, error_as_data, error_from_data

ERRORS = [
    ConfigError(("a", "b"), ("c", "d")),
    EventError("traits.email", "is needed"),
    UnsupportedTypeError("type", "no"),
    RetryableError("find company", "failed", 500, "GU_1101", "id", (), 7.0),
    ThrottledError("find company", "too many", 429),
    CredentialsError("send event", "wrong", 401),
    RejectedError(
        "create company", "bad", 400, "GSOBJ_1006", "id", (FieldError("Arr", "GSOBJ_1002"), FieldError(None, None))
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_as_json(error: GainsightDestError) -> None:
    assert error_from_data(json.loads(json.dumps(error_as_data(error)))) == error


def test_every_error_of_the_library_that_an_outcome_can_hold_is_tried() -> None:
    tried = {type(error) for error in ERRORS}
    kinds = [GainsightDestError]
    for kind in kinds:
        kinds += [each for each in kind.__subclasses__() if each.__module__ == "gainsight_dest.errors"]
    assert tried == {*kinds} - {GainsightDestError, ResponseError}


def test_a_value_that_gainsight_refused_is_left_out() -> None:
    error = RejectedError("create company", "bad", 400, None, None, (FieldError("Arr", "GSOBJ_1002", "secret value"),))
    assert "secret value" not in json.dumps(error_as_data(error))


def test_an_outcome_is_a_value_and_its_status_equals_its_text() -> None:
    outcome = Outcome(0, "m", "identify", Status.DELIVERED, 1, 1)
    assert outcome == pickle.loads(pickle.dumps(outcome))
    assert outcome.status == "delivered"
    assert f"{Status.NOT_TRIED}" == "not tried"
