"""Faults to order: what each kind does and shows, and which calls it meets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest import (
    CreateCompany,
    CredentialsError,
    FindCompany,
    RejectedError,
    Request,
    Response,
    ResponseError,
    RetryableError,
    SendEvent,
    ThrottledError,
    UpdateCompany,
    UpsertPerson,
)
from gainsight_dest.sandbox import FAULTS, DroppedConnectionError, PlannedFault, Sandbox, faults_from
from gainsight_dest.sandbox.faults import ACTIONS, FaultPlan
from tests import strategies
from tests.some import ADA, CONFIG

FIND = FindCompany(CONFIG, company={"Name": "Acme"}, email=ADA)
CREATE = CreateCompany(CONFIG, company={"Name": "Acme"}, email=ADA)
UPDATE = UpdateCompany(CONFIG, company={"Name": "Acme"}, email=ADA)
PERSON = UpsertPerson(CONFIG, person={"Email": ADA})
LINK = UpsertPerson(CONFIG, person={"Email": ADA, "companies": []})
EVENT = SendEvent(CONFIG, name="closed", version="1.0.0", properties={})

Seen = tuple[Request, int | None, str | None, type[ResponseError] | None]

#: Kind -> a call that shows it, the status and the error code that are seen (None: dropped, or no JSON), and the error
#: that the library makes of it.
SEEN: dict[str, Seen] = {
    "429": (CREATE, 429, "GU_2400", ThrottledError),
    "429-retry-after": (CREATE, 429, "GU_2400", ThrottledError),
    "throttled-200": (CREATE, 200, "GU_2400", ThrottledError),
    "500": (CREATE, 500, "GU_1101", RetryableError),
    "500-after": (CREATE, 500, "GU_1101", RetryableError),
    "503": (CREATE, 503, "GU_1101", RetryableError),
    "401": (CREATE, 401, "GS_APIG_2401", CredentialsError),
    "result-false": (CREATE, 200, "GSOBJ_1008", RejectedError),
    "html": (CREATE, 200, None, RetryableError),
    "truncated": (CREATE, 200, None, RetryableError),
    "slow": (CREATE, 200, None, None),
    "dropped-before": (CREATE, None, None, None),
    "dropped-after": (CREATE, None, None, None),
    "nothing-data": (FIND, 200, None, None),
    "nothing-words": (FIND, 200, None, None),
    "nothing-code": (FIND, 400, "GSOBJ_1011", None),
}


def sandbox(*faults: PlannedFault) -> Sandbox:
    return Sandbox(CONFIG, clock=lambda: 0.0, faults=faults)


def answered(tenant: Sandbox, request: Request) -> Response | None:
    try:
        return tenant.handle(request)
    except DroppedConnectionError:
        return None


def body_of(response: Response) -> Any:
    return json.loads(response.body)


def test_every_kind_has_a_row_here_and_says_what_it_does() -> None:
    assert list(SEEN) == list(FAULTS)
    assert all(kind.about for kind in FAULTS.values())


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_seen_as_its_row_says_and_passes_after_its_times(kind: str) -> None:
    request, status, code, error = SEEN[kind]
    tenant = sandbox(PlannedFault(kind, times=1))
    response = answered(tenant, request)
    assert (None if response is None else response.status) == status
    if response is not None and error is not None:
        with pytest.raises(ResponseError) as caught:
            request.next(response)
        assert (type(caught.value), caught.value.code) == (error, code)
    elif response is not None:
        assert request.next(response) is not None
        assert body_of(response)["errorCode"] == code
    assert tenant.calls[0].fault == kind
    assert FIND.next(tenant.handle(FIND)) == (UPDATE if request is CREATE and FAULTS[kind].is_done else CREATE)
    assert tenant.calls[1].fault is None


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (CREATE, lambda tenant: len(tenant.companies)),
        (PERSON, lambda tenant: len(tenant.people)),
        (EVENT, lambda tenant: len(tenant.events)),
    ],
    ids=["create company", "upsert person", "send event"],
)
def test_a_fault_does_what_is_asked_for_just_if_its_kind_says_so(
    kind: str, request_: Request, count: Callable[[Sandbox], int]
) -> None:
    tenant = sandbox(PlannedFault(kind))
    answered(tenant, request_)
    assert count(tenant) == int(FAULTS[kind].is_done)
    assert tenant.used() == (1, 1)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_never_hides_that_the_calls_are_used_up(kind: str) -> None:
    tenant = Sandbox(CONFIG, clock=lambda: 0.0, faults=[PlannedFault(kind)], calls_per_minute=0)
    answered(tenant, CREATE)
    assert (tenant.throttled, tenant.companies, tenant.calls[0].code) == (1, [], "GU_2400")


@pytest.mark.parametrize(("seconds", "told"), [(None, "7"), (30, "30"), (1.5, "1.5"), (0, "0")])
def test_a_retry_after_says_its_seconds(seconds: float | None, told: str) -> None:
    response = sandbox(PlannedFault("429-retry-after", seconds=seconds)).handle(CREATE)
    assert response.headers["Retry-After"] == told
    with pytest.raises(ThrottledError) as error:
        CREATE.next(response)
    assert error.value.retry_after == float(told)
    assert "Retry-After" not in sandbox(PlannedFault("429", seconds=3)).handle(CREATE).headers


@pytest.mark.parametrize(("seconds", "taken"), [(None, 60), (30, 30), (0, 0)])
def test_a_slow_answer_says_how_long_it_takes(seconds: float | None, taken: float) -> None:
    tenant = sandbox(PlannedFault("slow", seconds=seconds))
    answer = tenant.receive(CREATE.method, CREATE.url, CREATE.headers, CREATE.body)
    assert answer.seconds == taken
    assert answer.response is not None
    assert body_of(answer.response)["result"] is True


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("nothing-data", {"result": True, "errorDesc": None, "data": []}),
        ("nothing-words", {"result": False, "errorDesc": "No data found for given criteria", "data": None}),
        ("nothing-code", {"result": False, "errorCode": "GSOBJ_1011", "data": None}),
    ],
)
def test_nothing_found_takes_the_form_that_is_ordered_and_something_found_is_left_alone(
    kind: str, seen: dict[str, Any]
) -> None:
    tenant = sandbox(PlannedFault(kind))
    found = body_of(tenant.handle(FIND))
    assert {name: found[name] for name in seen} == seen
    tenant.handle(CREATE)
    assert FIND.next(tenant.handle(FIND)) == UPDATE


def test_html_and_a_truncated_answer_are_no_json() -> None:
    html = sandbox(PlannedFault("html")).handle(CREATE)
    assert (html.headers["Content-Type"], html.body[:6]) == ("text/html", b"<html>")
    whole, cut = sandbox().handle(CREATE).body, sandbox(PlannedFault("truncated")).handle(CREATE).body
    assert whole.startswith(cut)
    assert 0 < len(cut) < len(whole)


def test_a_fault_of_a_call_that_is_refused_shows_what_the_fault_shows() -> None:
    bad = CreateCompany(CONFIG, company={"Name": "Acme", "Arr": "many"}, email=ADA)
    tenant = sandbox(PlannedFault("500-after"))
    assert tenant.handle(bad).status == 500
    assert tenant.companies == []


# --- which calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [FIND, CREATE, UPDATE, LINK, PERSON, EVENT], ids=lambda request: request.action)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_met_by_the_calls_that_ask_for_it(action: str, request_: Request) -> None:
    tenant = sandbox(PlannedFault("503", action=action))
    assert (tenant.handle(request_).status == 503) is (request_.action == action)
    assert tenant.counts == {request_.action: 1}


def test_calls_are_met_by_their_numbers_from_one() -> None:
    tenant = sandbox(PlannedFault("503", calls=(1, 3)))
    assert [tenant.handle(PERSON).status for _ in range(4)] == [503, 200, 503, 200]


def test_times_counts_the_calls_that_were_met() -> None:
    tenant = sandbox(PlannedFault("503", action="upsert person", times=2))
    assert [tenant.handle(request).status for request in (EVENT, PERSON, EVENT, PERSON, PERSON)] == [
        200,
        503,
        200,
        503,
        200,
    ]


def test_the_first_fault_that_meets_a_call_is_the_one_that_comes() -> None:
    tenant = sandbox(PlannedFault("429", times=1), PlannedFault("503", calls=(1, 2)), PlannedFault("500", times=1))
    assert [tenant.handle(PERSON).status for _ in range(4)] == [429, 503, 500, 200]


def test_an_equal_fault_named_twice_comes_twice_as_often() -> None:
    tenant = sandbox(PlannedFault("503", times=1), PlannedFault("503", times=1))
    assert [tenant.handle(PERSON).status for _ in range(3)] == [503, 503, 200]


@given(st.integers(), st.floats(0, 1))
def test_a_share_meets_about_that_share_of_the_calls_and_the_same_ones_under_a_seed(seed: int, share: float) -> None:
    one, other = (PlannedFault("503", share=share, seed=seed) for _ in range(2))
    met = [number for number in range(1, 1001) if one.meets(number, None)]
    assert met == [number for number in range(1000, 0, -1) if other.meets(number, None)][::-1], "in any order"
    assert abs(len(met) / 1000 - share) < 0.1
    if share in {0, 1}:
        assert len(met) == share * 1000


def test_another_seed_meets_other_calls() -> None:
    one, other = ([n for n in range(100) if PlannedFault("503", share=0.5, seed=s).meets(n, None)] for s in (1, 2))
    assert one != other


def test_a_plan_of_no_faults_has_none() -> None:
    assert FaultPlan(()).fault(1, "find company") is None


# --- as data ----------------------------------------------------------------------------------------------------------


def test_faults_are_read_from_json() -> None:
    data = json.loads(
        '[{"kind": "500-after", "action": "create company", "times": 2},'
        ' {"kind": "slow", "seconds": 1.5, "calls": [3, 4]},'
        ' {"kind": "503", "share": 0.25, "seed": 7, "times": null, "action": null, "seconds": null}]'
    )
    assert faults_from(data) == (
        PlannedFault("500-after", action="create company", times=2),
        PlannedFault("slow", seconds=1.5, calls=(3, 4)),
        PlannedFault("503", share=0.25, seed=7),
    )
    assert faults_from([]) == ()


def test_every_problem_of_faults_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^faults\[0\]: kind is missing; ") as error:
        faults_from([{"share": 2, "sed": 1, "action": "delete"}, 7, {"kind": "500", "times": "a", "calls": [0]}])
    assert str(error.value).split("; ")[1:] == [
        f"faults[0]: action must be one of {', '.join(ACTIONS)}, not 'delete'",
        "faults[0]: share must be a number from 0 to 1, not 2",
        "faults[0]: no such setting: sed",
        "faults[1]: must be an object",
        "faults[2]: calls must be a list of whole numbers from 1, not [0]",
        "faults[2]: times must be a whole number from 0, not 'a'",
    ]


WRONG: list[tuple[str, Any]] = [
    ("kind", "501"),
    ("kind", None),
    ("kind", ["500"]),
    ("calls", 3),
    ("calls", "12"),
    ("calls", [True]),
    ("calls", [1.0]),
    ("action", "upsert"),
    ("action", {}),
    ("share", -0.1),
    ("share", 1.1),
    ("share", float("nan")),
    ("share", True),
    ("share", "0.5"),
    ("share", None),
    ("seed", "x"),
    ("seed", None),
    ("times", -1),
    ("times", 1.5),
    ("times", True),
    ("seconds", -1),
    ("seconds", float("inf")),
    ("seconds", float("nan")),
    ("seconds", 10**400),
    ("seconds", "7"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=repr)
def test_a_setting_that_is_wrong_is_refused_as_data_and_as_a_value(name: str, value: Any) -> None:
    settings: dict[str, Any] = {"kind": "500", name: value}
    with pytest.raises(ValueError, match=f"^{name} must be"):
        PlannedFault(**settings)
    with pytest.raises(ValueError, match=rf"^faults\[0\]: {name} must be"):
        faults_from([settings])


@pytest.mark.parametrize("data", [None, {}, {"kind": "500"}, "500", 7])
def test_faults_are_a_list(data: Any) -> None:
    with pytest.raises(ValueError, match="faults must be a list of objects"):
        faults_from(data)


@given(
    st.one_of(
        strategies.json_values,
        st.lists(
            st.dictionaries(
                st.one_of(
                    st.sampled_from(["kind", "calls", "action", "share", "seed", "times", "seconds"]), strategies.texts
                ),
                st.one_of(st.sampled_from([*FAULTS, *ACTIONS]), strategies.json_values),
            ),
            max_size=2,
        ),
    )
)
def test_any_json_gives_faults_or_a_value_error(data: Any) -> None:
    try:
        faults = faults_from(data)
    except ValueError as error:
        assert str(error).startswith("faults")  # noqa: PT017 - either is right
    else:
        assert len(faults) == len(data)
