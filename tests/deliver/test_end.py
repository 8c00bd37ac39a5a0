"""The end of a run that gets nowhere: an outage fails no event, and an event that breaks Gainsight fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import pytest

from gainsight_dest import BlockedError, CredentialsError, DestinationConfig, Outcome, RetryableError
from gainsight_dest.deliver import Deliverer, Patience, Shards, flow
from gainsight_dest.gainsight import Response
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.answers import Answer
from tests.deliver.runs import GROUP, IDENTIFY, KINDS, TRACK, clocked, deliverer_to, session_to
from tests.some import CONFIG, FREE, Event, group, identify, track

PAGE = b"<html><title>Access denied</title></html>"
BATCHES = pytest.mark.parametrize("batch", [None, 500])
WORKERS = pytest.mark.parametrize("workers", [1, 4])


class Before(Sandbox):
    """A tenant behind something that answers some calls in its stead: `answer` gives that, or None."""

    def __init__(self, answer: Callable[[str, bytes], Response | None], **settings: Any) -> None:
        super().__init__(CONFIG, **{**FREE, **settings})
        self._before = answer
        self.kept = 0

    def receive(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        response = self._before(url, body)
        if response is None:
            return super().receive(method, url, headers, body)
        self.kept += 1
        return Answer(response)


def delivered(
    events: Iterable[Event],
    sandbox: Sandbox,
    timing: Mapping[str, Any],
    batch: int | None = None,
    kind: str = "threads",
    **settings: Any,
) -> tuple[list[Outcome], str | None]:
    """The outcomes, and why the run ended."""
    with deliverer_to(sandbox, kind, **{**FREE, **timing, **settings}) as deliverer:
        return list(deliverer.run(events, batch=batch)), deliverer.ended


def statuses(outcomes: Iterable[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[str, bytes], Response]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __: Response(status, body, names)


def poisoned(word: bytes, status: int, body: bytes = b"") -> Callable[[str, bytes], Response | None]:
    return lambda _, sent: Response(status, body) if word in sent else None


PEOPLE = [identify(f"p{n}@example.com", firstName=f"{n}") for n in range(20)]
GROUPS = [group(f"Company {n}", f"p{n}@example.com") for n in range(20)]


# --- silence ----------------------------------------------------------------------------------------------------------


@KINDS
@BATCHES
@WORKERS
@pytest.mark.parametrize("answer", [answering(503), answering(500, PAGE), answering(200, PAGE)])
def test_an_outage_ends_the_run_after_a_quarter_of_an_hour_and_fails_no_event(
    kind: str, answer: Any, workers: int, batch: int | None
) -> None:
    _, timing = clocked()
    began = timing["clock"]()
    outcomes, ended = delivered([*PEOPLE, *GROUPS], Before(answer), timing, batch, workers=workers, kind=kind)
    assert statuses(outcomes) == ["not tried"] * 40
    assert ended is not None
    assert ended.startswith("no call has got through for ")
    assert "https://acme.gainsightcloud.com" in ended
    assert 900 <= timing["clock"]() - began < 900 + 60 * workers


@KINDS
@BATCHES
def test_however_little_patience_there_is_an_outage_fails_no_event(kind: str, batch: int | None) -> None:
    _, timing = clocked()
    outcomes, ended = delivered(PEOPLE, Before(answering(503)), timing, batch, patience=Patience(attempts=1), kind=kind)
    assert statuses(outcomes) == ["not tried"] * 20
    assert ended is not None


@KINDS
@BATCHES
def test_what_got_through_before_an_outage_is_delivered_and_the_rest_not_tried(kind: str, batch: int | None) -> None:
    calls = iter(range(10**6))
    down = Before(lambda _, __: Response(503) if next(calls) >= 5 else None)
    outcomes, ended = delivered(PEOPLE, down, clocked()[1], batch, kind=kind)
    assert statuses(outcomes) == ["delivered"] * 5 + ["not tried"] * 15
    assert ended is not None


@KINDS
@BATCHES
@WORKERS
def test_an_outage_of_less_than_a_quarter_of_an_hour_costs_nothing_but_time(
    kind: str, workers: int, batch: int | None
) -> None:
    _, timing = clocked()
    until = timing["clock"]() + 600
    down = Before(lambda _, __: Response(503) if timing["clock"]() < until else None)
    outcomes, ended = delivered([*PEOPLE, *GROUPS], down, timing, batch, workers=workers, kind=kind)
    assert (statuses(outcomes), ended) == (["delivered"] * 40, None)


@pytest.mark.again
@KINDS
@BATCHES
@WORKERS
@pytest.mark.parametrize("place", [0, 10, 19])
def test_an_event_that_always_breaks_gainsight_fails_alone(
    kind: str, place: int, workers: int, batch: int | None
) -> None:
    tenant = Before(poisoned(b'"p%d@example.com"' % place, 500))
    outcomes, ended = delivered(PEOPLE, tenant, clocked()[1], batch, workers=workers, kind=kind)
    assert statuses(outcomes) == ["failed" if n == place else "delivered" for n in range(20)]
    assert ended is None


@KINDS
def test_throttling_is_no_silence(kind: str) -> None:
    _, timing = clocked()
    until = timing["clock"]() + 3_600
    tenant = Before(lambda _, __: Response(429) if timing["clock"]() < until else None)
    outcomes, ended = delivered(PEOPLE, tenant, timing, kind=kind)
    assert (statuses(outcomes), ended) == (["delivered"] * 20, None)


def test_the_next_run_begins_anew() -> None:
    _, timing = clocked()
    is_down = [True]
    tenant = Before(lambda _, __: Response(503) if is_down[0] else None)
    with Deliverer(CONFIG, session_to(tenant, timing["sleep"]), **FREE, **timing) as deliverer:
        assert statuses(deliverer.run(PEOPLE)) == ["not tried"] * 20
        assert deliverer.ended is not None
        is_down[0] = False
        assert statuses(deliverer.run(PEOPLE)) == ["delivered"] * 20
        assert deliverer.ended is None


def test_a_sender_of_a_shard_says_that_it_gets_nowhere_by_an_error() -> None:
    _, timing = clocked()
    settings = Shards(config=CONFIG, **FREE)
    shard = settings.alone(session=session_to(Before(answering(503))), **timing)
    with shard, pytest.raises(RetryableError, match="no call has got through"):
        list(shard.deliver(PEOPLE))


@pytest.mark.parametrize("seconds", [0, -1])
def test_silence_is_above_0(seconds: float) -> None:
    with pytest.raises(ValueError, match="silence must be above 0"):
        Deliverer(CONFIG, silence=seconds)


# --- what Gainsight asks to wait --------------------------------------------------------------------------------------


@KINDS
@BATCHES
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_beyond_all_patience_ends_the_run_and_fails_no_event(kind: str, status: int, batch: int | None) -> None:
    _, timing = clocked()
    began = timing["clock"]()
    tenant = Before(answering(status, retry_after="14400"))
    outcomes, ended = delivered(PEOPLE, tenant, timing, batch, kind=kind)
    assert statuses(outcomes) == ["not tried"] * 20
    assert ended is not None
    assert ended.startswith("Gainsight asks for a wait of 4 hours")
    assert (tenant.kept, timing["clock"]()) == (1, began)


@KINDS
@BATCHES
@WORKERS
@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_waited_by_all(kind: str, status: int, workers: int, batch: int | None) -> None:
    _, timing = clocked()
    began = timing["clock"]()
    answers = iter([Response(status, b"", {"Retry-After": "7200"})])
    outcomes, ended = delivered(
        PEOPLE, Before(lambda _, __: next(answers, None)), timing, batch, workers=workers, kind=kind
    )
    assert (statuses(outcomes), ended) == (["delivered"] * 20, None)
    assert timing["clock"]() - began >= 7_200


@KINDS
@BATCHES
def test_throttling_without_an_end_ends_the_run_and_fails_no_event(kind: str, batch: int | None) -> None:
    outcomes, ended = delivered(PEOPLE, Before(answering(429)), clocked()[1], batch, kind=kind)
    assert statuses(outcomes) == ["not tried"] * 20
    assert ended is not None
    assert ended.startswith("Gainsight has asked to wait for more than 3 hours")


# --- what something before Gainsight refuses --------------------------------------------------------------------------


@pytest.mark.again
@KINDS
@BATCHES
@WORKERS
@pytest.mark.parametrize("place", [0, 10, 19])
@pytest.mark.parametrize("events", [PEOPLE, GROUPS], ids=["people", "groups"])
def test_one_page_of_a_firewall_is_that_records_refusal(
    kind: str, events: list[Event], place: int, workers: int, batch: int | None
) -> None:
    word = f'"p{place}@example.com"' if events is PEOPLE else f'"Company {place}"'
    outcomes, ended = delivered(
        events, Before(poisoned(word.encode(), 403, PAGE)), clocked()[1], batch, workers=workers, kind=kind
    )
    assert statuses(outcomes) == ["failed" if n == place else "delivered" for n in range(20)]
    assert type(outcomes[place].error) is BlockedError
    assert ended is None


@KINDS
@BATCHES
@pytest.mark.parametrize("status", [401, 403])
def test_a_firewall_that_lets_nothing_through_ends_the_run_as_a_wrong_key_does(
    kind: str, status: int, batch: int | None
) -> None:
    tenant = Before(answering(status, PAGE))
    outcomes, _ = delivered(PEOPLE, tenant, clocked()[1], batch, kind=kind)
    assert statuses(outcomes) == ["failed"] + ["not tried"] * 19
    assert type(outcomes[0].error) is CredentialsError
    assert not outcomes[0].is_settled
    assert tenant.kept == 2, "and once it was asked whether anything gets through"


@KINDS
def test_a_wrong_key_ends_the_run_also_once_it_has_worked(kind: str) -> None:
    envelope = b'{"result": false, "errorCode": "GS_APIG_2401", "requestId": "r-1"}'
    outcomes, _ = delivered(PEOPLE, Before(poisoned(b'"p7@example.com"', 401, envelope)), clocked()[1], kind=kind)
    assert statuses(outcomes) == ["delivered"] * 7 + ["failed"] + ["not tried"] * 12


def test_with_a_config_for_track_alone_a_firewall_is_told_from_a_wrong_key() -> None:
    config: DestinationConfig = attrs.evolve(CONFIG, access_key=None)
    tenant = Before(poisoned(b'"n": 0', 403, PAGE))
    timing = clocked()[1]
    with Deliverer(config, session_to(tenant), **FREE, **timing) as deliverer:
        assert statuses(deliverer.run([track(n=0), track(n=1)])) == ["failed", "delivered"]


# --- what comes twice -------------------------------------------------------------------------------------------------


@KINDS
@BATCHES
@pytest.mark.parametrize("resends", [0, 2, 5])
def test_a_track_event_whose_answers_are_lost_is_sent_again_as_often_as_patience_says(
    kind: str, resends: int, batch: int | None
) -> None:
    tenant = Before(lambda url, _: Response(200, PAGE) if "eventManager" in url else None)
    (outcome, other), ended = delivered(
        [TRACK, IDENTIFY], tenant, clocked()[1], batch, patience=Patience(resends=resends), kind=kind
    )
    assert tenant.kept == resends + 1
    assert (outcome.status, outcome.attempts, type(outcome.error)) == ("failed", resends + 1, RetryableError)
    assert f"sent {resends + 1} times: Gainsight may have it as often" in str(outcome.error)
    assert (other.status, ended) == ("delivered", None)


@KINDS
@BATCHES
def test_a_track_event_is_not_sent_again_and_again_in_an_outage_and_does_not_fail_by_it(
    kind: str, batch: int | None
) -> None:
    sent = []

    def answer(url: str, _: bytes) -> Response:
        sent.append(url)
        return Response(200, PAGE)

    outcomes, ended = delivered([TRACK], Before(answer), clocked()[1], batch, kind=kind)
    assert statuses(outcomes) == ["not tried"]
    assert sum("eventManager" in url for url in sent) == 3
    assert ended is not None


@pytest.mark.again
@KINDS
@BATCHES
@WORKERS
def test_what_was_just_created_is_known_though_a_find_does_not_see_it_yet(
    kind: str, workers: int, batch: int | None
) -> None:
    blind = b'{"result": true, "data": {"records": []}}'
    tenant = Before(lambda url, _: Response(200, blind) if "query" in url else None)
    events = [group(f"Company {n % 10}", f"p{n}@example.com", employees=n) for n in range(100)]
    # In small batches, which know nothing of each other.
    outcomes, _ = delivered(events, tenant, clocked()[1], batch and 20, workers=workers, kind=kind)
    assert statuses(outcomes) == ["delivered"] * 100
    assert sorted(company["Name"] for company in tenant.companies) == [f"Company {n}" for n in range(10)]


@KINDS
def test_of_very_many_companies_the_latest_are_known(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_KNOWN", 2)
    blind = b'{"result": true, "data": {"records": []}}'
    tenant = Before(lambda url, _: Response(200, blind) if "query" in url else None)
    outcomes, _ = delivered([group(name, "ada@example.com") for name in "ABCCBA"], tenant, clocked()[1], kind=kind)
    assert statuses(outcomes) == ["delivered"] * 6
    assert sorted(company["Name"] for company in tenant.companies) == ["A", "A", "B", "C"]


@KINDS
@BATCHES
def test_a_create_whose_answer_was_lost_is_looked_for_as_long_as_a_find_may_be_late(
    kind: str, batch: int | None
) -> None:
    _, timing = clocked()
    blind = b'{"result": true, "data": {"records": []}}'
    created_at: list[float] = []

    def answer(url: str, body: bytes) -> Response | None:
        if "query" in url:
            is_seen = created_at and timing["clock"]() - created_at[0] > 3
            return None if is_seen else Response(200, blind)
        if b"records" in body and not created_at:
            created_at.append(timing["clock"]())
            tenant.content.insert_company({"Name": "Acme"})
            return Response(200, PAGE)  # it was carried out, and the answer was lost
        return None

    tenant = Before(answer)
    outcomes, _ = delivered([GROUP], tenant, timing, batch, kind=kind)
    assert statuses(outcomes) == ["delivered"]
    assert len(tenant.companies) == 1


@KINDS
@BATCHES
def test_an_answer_without_content_is_enough_where_nothing_of_it_is_needed(kind: str, batch: int | None) -> None:
    tenant = Before(lambda url, _: Response(204) if "people" in url or "event" in url else None)
    outcomes, _ = delivered([IDENTIFY, GROUP, TRACK], tenant, clocked()[1], batch, kind=kind)
    assert statuses(outcomes) == ["delivered"] * 3
    assert {outcome.attempts for outcome in outcomes} == {1}


def test_a_deadline_of_ones_own_is_kept_by_a_deliverer() -> None:
    with pytest.raises(ValueError, match="deadline must be above 0"):
        Deliverer(CONFIG, deadline=0)


def test_a_proxy_is_named_in_why_the_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", "http://me:secret@127.0.0.1:9")
    _, timing = clocked()
    with Deliverer(CONFIG, **timing, **FREE) as deliverer:
        assert statuses(deliverer.run([IDENTIFY])) == ["not tried"]
        assert "by the proxy of ALL_PROXY" in str(deliverer.ended)
        assert "secret" not in str(deliverer.ended)
