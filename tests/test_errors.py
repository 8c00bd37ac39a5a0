"""What errors say, how they compare, and that they travel."""

from __future__ import annotations

import pickle

import pytest

from gainsight_dest import errors

DATE = errors.FieldError("RenewalDate", "GSOBJ_1006", "soon")
RESPONSE_ARGUMENTS = ("create company", "a date is not understood", 400, "GSOBJ_1006", "req-1", (DATE,), None)
ERRORS: list[errors.GainsightDestError] = [
    errors.ConfigError(("domain", "is needed"), ("personMap[2].from", "must be a string, not a number")),
    errors.EventError("traits.email", "a non-blank string is needed for identify, got null"),
    errors.UnsupportedTypeError("type", '"page" is not supported'),
    errors.ResponseError(*RESPONSE_ARGUMENTS),
    errors.RetryableError("find company", "Gainsight failed", 503),
    errors.ThrottledError("find company", "too many calls", 429, retry_after=3.0),
    errors.RejectedError(*RESPONSE_ARGUMENTS),
    errors.CredentialsError("upsert person", "the access key is not authorized", 401),
    errors.BlockedError("upsert person", "a firewall", 403),
    errors.UnreachableError("find company", "no connection"),
]


def test_every_error_class_is_among_those_tested() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert {type(error) for error in ERRORS} == classes - {errors.GainsightDestError}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_equals_its_twin(error: errors.GainsightDestError) -> None:
    revived = pickle.loads(pickle.dumps(error))
    assert revived == error
    assert hash(revived) == hash(error)
    assert vars(revived) == vars(error)
    assert str(revived) == str(error)


def test_errors_of_different_classes_or_contents_differ() -> None:
    assert errors.EventError("type", "x") != errors.UnsupportedTypeError("type", "x")
    assert errors.EventError("type", "x") != errors.EventError("type", "y")
    assert errors.EventError("type", "x") != "type: x"


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
        (errors.RetryableError("find company", "no answer"), "find company: no answer"),
        (
            errors.RejectedError("create company", "refused", 400, field_errors=(errors.FieldError("A", None),) * 7),
            "create company: refused (HTTP 400, A, A, A, A, A, 2 more fields)",
        ),
    ],
)
def test_an_error_says_what_where_and_who(error: errors.GainsightDestError, text: str) -> None:
    assert str(error) == text


def test_a_config_error_has_its_first_place_as_path() -> None:
    assert errors.ConfigError(("domain", "is needed"), ("accessKey", "is needed")).path == "domain"


def test_a_refused_value_stays_out_of_reprs() -> None:
    assert "soon" not in repr(errors.RejectedError(*RESPONSE_ARGUMENTS))
    assert errors.RejectedError(*RESPONSE_ARGUMENTS).field_errors[0].value == "soon"


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (errors.RetryableError("send event", "no answer in time"), True),
        (errors.RetryableError("send event", "the answer is not a JSON object", 200), True),
        (errors.RetryableError("send event", "failed", 503), False),
        (errors.ThrottledError("send event", "too many calls", 200), False),
        (errors.UnreachableError("send event", "no connection"), False),
    ],
)
def test_an_answer_is_lost_where_nothing_tells_whether_the_request_was_carried_out(
    error: errors.RetryableError, is_lost: bool
) -> None:
    assert error.is_lost is is_lost


def test_a_config_with_very_many_problems_names_the_first_and_counts_the_rest() -> None:
    error = errors.ConfigError(*((f"personMap[{n}]", "is wrong") for n in range(1_060)))
    assert str(error).startswith("personMap[0]: is wrong; personMap[1]: is wrong; ")
    assert str(error).endswith("personMap[49]: is wrong; and 1,010 more problems")
    assert len(error.problems) == 1_060
