"""What errors say, how they compare, and that they travel."""

from __future__ import annotations

import pickle

import pytest

from gainsight_dest import errors
from gainsight_dest.errors import (
    BlockedError,
    ConfigError,
    CredentialsError,
    EventError,
    FieldError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnreachableError,
    UnsupportedTypeError,
)

DATE = FieldError("RenewalDate", "GSOBJ_1006", "soon")
RESPONSE_ARGUMENTS = ("create company", "a date is not understood", 400, "GSOBJ_1006", "req-1", (DATE,), None)
ERRORS: list[GainsightDestError] = [
    ConfigError(("domain", "is needed"), ("personMap[2].from", "must be a string, not a number")),
    EventError("traits.email", "a non-blank string is needed for identify, got null"),
    UnsupportedTypeError("type", '"page" is not supported'),
    ResponseError(*RESPONSE_ARGUMENTS),
    RetryableError("find company", "Gainsight failed", 503),
    ThrottledError("find company", "too many calls", 429, retry_after=3.0),
    RejectedError(*RESPONSE_ARGUMENTS),
    CredentialsError("upsert person", "the access key is not authorized", 401),
    BlockedError("upsert person", "a firewall", 403),
    UnreachableError("find company", "no connection"),
]


def test_every_error_class_is_among_those_tested() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert {type(error) for error in ERRORS} == classes - {GainsightDestError}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_equals_its_twin(error: GainsightDestError) -> None:
    revived = pickle.loads(pickle.dumps(error))
    assert revived == error
    assert hash(revived) == hash(error)
    assert vars(revived) == vars(error)
    assert str(revived) == str(error)


def test_errors_of_different_classes_or_contents_differ() -> None:
    assert EventError("type", "x") != UnsupportedTypeError("type", "x")
    assert EventError("type", "x") != EventError("type", "y")
    assert EventError("type", "x") != "type: x"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ERRORS[0], "domain: is needed; personMap[2].from: must be a string, not a number"),
        (ERRORS[1], "traits.email: a non-blank string is needed for identify, got null"),
        (
            ERRORS[3],
            "create company: a date is not understood "
            "(HTTP 400, GSOBJ_1006, RenewalDate: GSOBJ_1006, request id req-1)",
        ),
        (ERRORS[4], "find company: Gainsight failed (HTTP 503)"),
        (RetryableError("find company", "no answer"), "find company: no answer"),
        (
            RejectedError("create company", "refused", 400, field_errors=(FieldError("A", None),) * 7),
            "create company: refused (HTTP 400, A, A, A, A, A, 2 more fields)",
        ),
    ],
)
def test_an_error_says_what_where_and_who(error: GainsightDestError, text: str) -> None:
    assert str(error) == text


def test_a_config_error_has_its_first_place_as_path() -> None:
    assert ConfigError(("domain", "is needed"), ("accessKey", "is needed")).path == "domain"


def test_a_refused_value_stays_out_of_reprs() -> None:
    assert "soon" not in repr(RejectedError(*RESPONSE_ARGUMENTS))
    assert RejectedError(*RESPONSE_ARGUMENTS).field_errors[0].value == "soon"


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (RetryableError("send event", "no answer in time"), True),
        (RetryableError("send event", "the answer is not a JSON object", 200), True),
        (RetryableError("send event", "failed", 503), False),
        (ThrottledError("send event", "too many calls", 200), False),
        (UnreachableError("send event", "no connection"), False),
    ],
)
def test_an_answer_is_lost_where_nothing_tells_whether_the_request_was_carried_out(
    error: RetryableError, is_lost: bool
) -> None:
    assert error.is_lost is is_lost


def test_a_config_with_very_many_problems_names_the_first_and_counts_the_rest() -> None:
    error = ConfigError(*((f"personMap[{n}]", "is wrong") for n in range(1_060)))
    assert str(error).startswith("personMap[0]: is wrong; personMap[1]: is wrong; ")
    assert str(error).endswith("personMap[49]: is wrong; and 1,010 more problems")
    assert len(error.problems) == 1_060
