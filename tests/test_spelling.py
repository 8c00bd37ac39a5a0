"""Names that are nearly another: what is a slip, and what is another name."""

from __future__ import annotations

import pytest

from gainsight_dest.spelling import Names, did_you_mean


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("Plan", "plan"), ("first_name", "firstName"), ("Ticket  closure!", "ticket-closure"), ("a.b", "A_B")),
        *(("PLÄNE", "pläne"), ("crm id", "crm.id")),
    ],
)
def test_another_case_and_other_separators_are_another_spelling(name: str, other: str) -> None:
    assert Names(["x", other]).respelt(name) == Names([other]).near(name) == other


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("emial", "email"), ("Plans", "plan"), ("industy", "industry"), ("seatts", "seats")),
        *(("customerLifetmeInMonth", "customerLifetimeInMonths"), ("adress.city", "address.ctiy")),
    ],
)
def test_a_letter_more_or_less_or_two_swapped_is_a_slip_and_in_long_names_a_little_more(name: str, other: str) -> None:
    names = Names(["something", other])
    assert names.respelt(name) is None
    assert names.misspelt(name) == names.near(name) == other


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("state", "stage"), ("csm", "crm"), ("arr", "mrr"), ("age", "ages"), ("address1", "address2")),
        *(
            ("address1", "address"),
            ("firstName", "lastName"),
            ("industry", "industryNew"),
            ("address.zip", "address.city"),
        ),
        *(("billingAddress", "shippingAddress"), ("plan", "x.plan"), ("", "_"), ("日本", "会社")),
        *(("x" * 101, "x" * 102), ("renewalDate", "removalDate")),
    ],
)
def test_another_name_is_no_slip(name: str, other: str) -> None:
    assert Names([other]).near(name) is None


def test_the_first_of_several_is_the_one() -> None:
    assert Names(["Plan", "PLAN"]).respelt("plan") == "Plan"
    assert Names(["plans", "plant"]).misspelt("plan") == "plans"


def test_a_question_is_asked_where_a_name_is_nearly_another_alone() -> None:
    assert did_you_mean(Names(["email"]).near("emial")) == "Did you mean email?"
    assert did_you_mean(Names(["email"]).near("phone")) is None
