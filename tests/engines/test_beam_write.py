# mypy: untyped-calls-exclude="apache_beam"
"""Events into Gainsight by Beam: all of them, once, within the budget, whatever fails; and no secret is shown."""

from __future__ import annotations

import base64
import bz2
import json
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.transforms.display import DisplayData
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark, Repeatedly
from apache_beam.transforms.window import FixedWindows, GlobalWindows, SlidingWindows, TimestampedValue

from gainsight_dest import (
    ConfigError,
    CredentialsError,
    DestinationConfig,
    EventError,
    RejectedError,
    RetryableError,
)
from gainsight_dest.beam import GainsightOptions, TransformEvents, WriteToGainsight, parse_event
from gainsight_dest.beam.requests import _Transform
from gainsight_dest.beam.results import counted
from gainsight_dest.deliver import Patience
from gainsight_dest.outcome import Status, known
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests import some
from tests.engines.beam_runs import Ran, deliver, not_run, write
from tests.engines.scenario import CONFIG, SETTINGS, Expected, Tenant, check, events, expected, faults

SECRETS = ("the-key-of-the-scenario", "the-secret-of-the-scenario")


def sandbox(**settings: Any) -> Sandbox:
    return Sandbox(CONFIG, **{**some.FREE, **settings})


def identify(number: int, second: int = 0, **traits: Any) -> dict[str, Any]:
    return some.identify(**traits) | {"messageId": f"i{number}", "timestamp": f"2026-03-02T00:00:{second:02}Z"}


def group(number: int, company: str) -> dict[str, Any]:
    return some.group(company) | {"messageId": f"g{number}"}


def track(number: int) -> dict[str, Any]:
    return some.track("Ticket Opened", number=number) | {"messageId": f"t{number}"}


def statuses(ran: Ran) -> list[tuple[str, str]]:
    return sorted((each["message_id"], each["status"]) for each in ran.outputs["outcomes"])


# --- a company's events -----------------------------------------------------------------------------------------------

STREAM = events(1_500, people=60, companies=15, seed=7)
LIMIT = 60_000
#: Seconds to wait before a call is made again, at most; what Gainsight asks for, too.
WAIT = 0.05


@cache
def model() -> Expected:
    """What is to come of STREAM. Not all who collect the tests need it."""
    return expected(STREAM, CONFIG)


@pytest.fixture(scope="module")
def scenario() -> tuple[Ran, Any]:
    """The events by four shards, to a tenant of which one call in fifty fails."""
    with pytest.MonkeyPatch.context() as patch, Tenant(faults(0.02, WAIT), LIMIT) as tenant:
        patch.setattr("gainsight_dest.deliver.patience._SHORTEST_WAIT", WAIT)
        lines = beam.Create([json.dumps(event) for event in reversed(STREAM)])
        ran = write(
            lines | beam.Map(parse_event),
            tenant.url,
            shards=4,
            calls_per_minute=LIMIT,
            patience=Patience(longest_wait=WAIT),
        )
        return ran, tenant.report()


def test_a_companys_events_leave_what_one_by_one_leaves_in_far_fewer_calls(scenario: tuple[Ran, Any]) -> None:
    ran, report = scenario
    checked = check(STREAM, statuses(ran), report, model())
    assert checked.problems == ()
    assert checked.faults > 0
    assert checked.calls < 0.7 * checked.calls_alone


def test_the_metrics_say_what_the_outcomes_and_the_tenant_say(scenario: tuple[Ran, Any]) -> None:
    ran, report = scenario
    by_status = Counter(each["status"] for each in ran.outputs["outcomes"])
    reasons = Counter(each["error"]["code"] or each["error"]["kind"] for each in ran.outputs["failures"])
    counters = {**ran.counters}
    assert counters.pop("waiting_ms") > 0
    counters.pop("cumulativeThrottlingSeconds", None)  # how many whole seconds these are depends on the machine
    assert counters == {
        "events": 1_500,
        "calls": len(report.calls),
        **by_status,
        **{f"failed_{reason}": number for reason, number in reasons.items()},
    }
    assert {*by_status} == {"delivered", "failed", "skipped"}
    assert {*reasons} > {"EventError", "ConfigError"}  # and a code of Gainsight's
    assert sum(each["calls"] for each in ran.outputs["outcomes"]) == len(report.calls)


def test_the_failures_are_dead_letters_that_can_be_sent_again(scenario: tuple[Ran, Any]) -> None:
    ran, _ = scenario
    failed = {each["message_id"]: each for each in ran.outputs["outcomes"] if each["status"] == "failed"}
    letters = {each["message"]["messageId"]: each for each in ran.outputs["failures"]}
    assert letters.keys() == failed.keys()
    assert len(letters) == len(ran.outputs["failures"])
    by_id = {event["messageId"]: event for event in STREAM}
    for name, letter in letters.items():
        assert letter == {"message": by_id[name], "error": failed[name]["error"]}
    fixed = [{**letter, "message": {**letter["message"], **identify(1)}} for letter in letters.values()]
    tenant = sandbox()
    with Server(tenant) as server:
        again = write(beam.Create([json.dumps(each) for each in fixed]) | beam.Map(parse_event), server.url)
    assert Counter(status for _, status in statuses(again)) == {"delivered": len(letters)}
    assert [person["Email"] for person in tenant.people] == ["ada@example.com"]


def test_a_bundle_that_a_runner_repeats_doubles_no_company_and_no_person() -> None:
    tenant = sandbox()
    stream = [group(1, "Acme"), group(2, "Blue Harbor"), identify(1, firstName="Ada"), track(1)]
    ran = deliver(stream, tenant, ["--direct_runner_bundle_repeat=1"])
    assert {*statuses(ran)} == {(name, "delivered") for name in ("g1", "g2", "i1", "t1")}
    assert sorted(company["Name"] for company in tenant.companies) == ["Acme", "Blue Harbor"]
    assert [(each["FirstName"], len(each["companies"])) for each in tenant.people] == [("Ada", 2)]
    assert len(tenant.events) == 2  # so it was repeated, and Gainsight has no key against that


def test_times_sort_whatever_their_form_and_one_that_cannot_be_read_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = [1_772_352_000, "2026-03-01 08:00:01 UTC", "2026-03-01T09:00:02+0100", "1772352003000"]
    sent = [
        some.identify(firstName=f"{place}") | {"messageId": f"{9 - place}", "timestamp": time}
        for place, time in enumerate(times)
    ]
    unread = [some.identify() | {"messageId": f"u{number}", "timestamp": "03/01/2026\n"} for number in range(3)]
    for _ in range(2):  # of a second pipeline in this process it is told again
        tenant = sandbox()
        caplog.clear()
        ran = deliver([*sent[::-1], *unread], tenant)
        assert tenant.people[0]["FirstName"] == "3"
        assert ran.counters["unread_times"] == 3
        (told,) = (message for message in caplog.messages if "cannot be read" in message)
        assert told.startswith(r'A time cannot be read: timestamp "03/01/2026\n". The counter unread_times counts')


def test_no_events_give_no_outcomes_and_make_no_calls() -> None:
    tenant = sandbox()
    ran = deliver([], tenant)
    assert (ran.outputs, ran.counters, sum(tenant.counts.values())) == ({"outcomes": [], "failures": []}, {}, 0)


def test_lines_that_are_no_events_come_out_as_failures() -> None:
    lines = [
        "{",
        '["\\ud83d"]',
        '{"type": "identify", "traits": {"firstName": "\\ud83d"}}',
        '{"type": "identify", "traits": {"email": "ada@example.com", "lastName": NaN}}',
        json.dumps(identify(1, firstName="\ud83d")),
    ]
    tenant = sandbox()
    with Server(tenant) as server:
        ran = write(beam.Create(lines) | beam.Map(parse_event), server.url)
    assert ran.counters["failed"] == len(ran.outputs["failures"]) == 4
    assert (ran.counters["delivered"], len(tenant.people)) == (1, 1)
    assert {each["message"] for each in ran.outputs["failures"] if isinstance(each["message"], str)} == {"{"}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RejectedError("upsert person", "refused", 400, "GSOBJ.1-a"), "failed_GSOBJ_1_a"),
        (RetryableError("send event", "broken", 502), "failed_http_502"),
        (RetryableError("send event", "no answer"), "failed_RetryableError"),
        (EventError("type", "is missing"), "failed_EventError"),
    ],
)
def test_a_failure_is_counted_by_gainsights_code_else_its_status_else_its_kind(
    error: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    monkeypatch.setattr("gainsight_dest.beam.results.count", names.append)
    counted(known(0, None, Status.FAILED, error=error))
    assert names == ["failed", name]


# --- the keys ---------------------------------------------------------------------------------------------------------


def test_a_wrong_key_fails_the_pipeline_and_shows_no_key() -> None:
    wrong = {**SETTINGS, "accessKey": "another-key-of-the-scenario"}
    with pytest.raises(CredentialsError, match="the access key is not authorized") as caught:
        deliver([identify(1)], sandbox(), config=wrong)
    assert not any(secret in str(caught.value) for secret in (*SECRETS, "another-key-of-the-scenario"))
    assert not any(secret in repr(caught.value) for secret in (*SECRETS, "another-key-of-the-scenario"))


def test_what_beam_shows_of_a_transform_holds_no_secret() -> None:
    pipeline = not_run()
    source = pipeline | beam.Create([identify(1)])
    write_to = WriteToGainsight(SETTINGS, shards=2, calls_per_day=None)
    written = source | write_to
    made = source | TransformEvents(SETTINGS)
    shown = [
        DisplayData.create_from(write_to).items,
        write_to,
        written,
        made.requests,
        pipeline.to_runner_api().components,
    ]
    texts = [f"{each!r} {each}" for each in shown[:-1]]
    texts += [str(each.display_data) + each.unique_name for each in shown[-1].transforms.values()]
    assert not any(secret in text for secret in SECRETS for text in texts)
    assert write_to.display_data() == {"shards": 2, "calls_per_minute": 100, "calls_per_day": "none", "batch": 2000}


def read_settings() -> dict[str, Any]:
    """As a secret manager gives them."""
    return SETTINGS


def graph_of(config: Any) -> bytes:
    """All that the graph of a pipeline with both transforms holds; what Beam has pickled and compressed, as it is."""
    pipeline = not_run()
    source = pipeline | beam.Create([identify(1)])
    _ = source | WriteToGainsight(config), source | TransformEvents(config)
    graph = pipeline.to_runner_api()
    parts = [graph.SerializeToString()]
    for each in graph.components.transforms.values():
        if each.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(each.spec.payload).do_fn.payload
            parts.append(bz2.decompress(base64.b64decode(payload)))
    return b"".join(parts)


def test_the_graph_holds_no_key_of_a_config_by_path_or_by_function(tmp_path: Path) -> None:
    file = tmp_path / "destination.json"
    file.write_text(json.dumps(SETTINGS), "utf8")
    keys = [secret.encode() for secret in SECRETS]
    assert all(key in graph_of(SETTINGS) for key in keys)  # so they would be found
    references: list[Any] = [str(file), file, read_settings]
    for config in references:
        graph = graph_of(config)
        assert not any(key in graph for key in keys)


def test_a_config_by_path_or_by_function_is_read_by_the_workers(tmp_path: Path) -> None:
    file = tmp_path / "destination.json"
    transforms = [
        (WriteToGainsight(config, shards=2), TransformEvents(config)) for config in (str(file), read_settings)
    ]
    file.write_text(json.dumps(SETTINGS), "utf8")  # only now
    for write_to, transform in transforms:
        assert write_to._shards.config == CONFIG
        step = _Transform(transform._config)
        step.setup()
        assert step._config == CONFIG
    tenant = sandbox()
    ran = deliver([group(1, "Acme"), identify(1)], tenant, config=str(file))
    assert statuses(ran) == [("g1", "delivered"), ("i1", "delivered")]


def test_a_config_that_is_not_there_fails_the_pipeline_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ConfigError: config: the file cannot be read"):
        deliver([identify(1)], sandbox(), config=str(tmp_path / "none.json"))


def test_options_hold_the_path_of_the_config_and_never_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "destination.json"
    file.write_text(json.dumps(SETTINGS), "utf8")
    arguments = [f"--gainsight_config={file}", "--gainsight_shards=3", "--gainsight_calls_per_day=7000"]
    options = PipelineOptions(arguments).view_as(GainsightOptions)
    assert options.destination_config() == CONFIG
    assert (options.gainsight_shards, options.gainsight_calls_per_minute) == (3, 100)
    shown = options.get_all_options()
    assert (shown["gainsight_config"], shown["gainsight_calls_per_day"]) == (str(file), 7000)
    assert not any(secret in f"{shown} {options} {options!r}" for secret in SECRETS)


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        (json.dumps(SETTINGS)[:-1], ValueError, "is not JSON"),
        (json.dumps(SETTINGS).encode("utf-16")[:-1], ValueError, "is not JSON"),
        (json.dumps({**SETTINGS, "personMap": SETTINGS["accessKey"]}), ConfigError, "personMap"),
        ("null", ConfigError, "must be an object"),
    ],
)
def test_a_config_file_at_fault_is_told_without_what_is_in_it(
    content: Any, error: type[Exception], problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "destination.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    options = GainsightOptions([f"--gainsight_config={file}"])
    with pytest.raises(error, match=problem) as caught:
        options.destination_config()
    seen: BaseException | None = caught.value
    while seen is not None:
        assert not any(secret in f"{seen!r} {vars(seen)}" for secret in SECRETS)
        seen = seen.__context__


def test_options_without_a_config_say_what_is_needed() -> None:
    with pytest.raises(ValueError, match="--gainsight_config is needed"):
        GainsightOptions([]).destination_config()


# --- windows ----------------------------------------------------------------------------------------------------------


def streamed(stream: Stream, tenant: Sandbox, **settings: Any) -> Ran:
    """FnApiRunner takes no TestStream; this one, of the same package, does."""
    with Server(tenant) as server:
        return write(stream, server.url, ["--streaming"], "BundleBasedDirectRunner", **settings)


def test_a_window_of_seconds_merges_what_it_holds_and_windows_that_wait_go_together() -> None:
    tenant = sandbox()
    early = [TimestampedValue(identify(number, number, firstName=f"{number}"), number) for number in (1, 2)]
    stream = Stream().add_elements([*early, TimestampedValue(identify(3, 3, lastName="3"), 61)])
    ran = streamed(stream.advance_watermark_to_infinity(), tenant, window=60)
    assert statuses(ran) == [(f"i{number}", "delivered") for number in (1, 2, 3)]
    assert tenant.counts["upsert person"] == 1
    assert (tenant.people[0]["FirstName"], tenant.people[0]["LastName"]) == ("2", "3")


def test_timers_of_the_clock_send_what_comes_and_each_event_is_told_once() -> None:
    tenant = sandbox()
    elements = [TimestampedValue(each, 1) for each in (identify(1), group(2, "Acme"), track(3), track(4))]
    stream = Stream().add_elements(elements).advance_watermark_to(120).advance_processing_time(int(time.time()) + 3_600)
    for number in range(5, 8):
        stream = stream.add_elements([TimestampedValue(track(number), 60 * number)]).advance_processing_time(60)
    ran = streamed(stream.advance_watermark_to_infinity(), tenant, window=60)
    names = ["g2", "i1", *(f"t{number}" for number in range(3, 8))]
    assert statuses(ran) == [(name, "delivered") for name in names]
    assert (len(tenant.companies), len(tenant.people), len(tenant.events)) == (1, 1, 5)


class Unbounded(beam.PTransform[Any, Any]):
    """What FnApiRunner takes, as if more could come."""

    def expand(self, pcoll: Any) -> Any:
        passed = pcoll | beam.Map(lambda each: each)
        passed.is_bounded = False
        return passed


def test_calls_in_the_background_are_counted_and_repeated_bundles_make_none() -> None:
    tenant = sandbox()
    stream = [identify(1), *(track(number) for number in range(9)), identify(2, email="")]
    with Server(tenant) as server:
        repeated = ["--direct_runner_bundle_repeat=1"]
        ran = write(beam.Create(stream) | Unbounded(), server.url, repeated, window=60)
    assert {name: ran.counters[name] for name in ("events", "delivered", "failed")} == {
        "events": 11,
        "delivered": 10,
        "failed": 1,
    }
    assert ran.counters["calls"] == sum(tenant.counts.values())
    assert len(tenant.events) == 9


def test_a_persons_link_goes_with_what_else_its_window_has_of_the_person() -> None:
    tenant = sandbox()
    stream = Stream().add_elements([TimestampedValue(identify(1), 1), TimestampedValue(group(2, "Acme"), 2)])
    ran = streamed(stream.advance_watermark_to_infinity(), tenant, window=60)
    assert statuses(ran) == [("g2", "delivered"), ("i1", "delivered")]
    assert sum(tenant.counts.values()) == 3  # the company is looked for and created, the person written


@pytest.mark.parametrize("late", [identify(9), group(9, "Acme"), track(9)], ids=lambda event: event["type"])
def test_late_data_is_sent_as_it_comes_and_nothing_twice(late: dict[str, Any]) -> None:
    tenant = sandbox()
    stream = Stream().add_elements([TimestampedValue(each, 1) for each in (identify(1), track(2), group(3, "Acme"))])
    stream = stream.advance_watermark_to(120).add_elements([TimestampedValue(late, 2)])
    stream = stream.advance_watermark_to(86_000).add_elements([TimestampedValue(identify(8), 3)])
    ran = streamed(stream.advance_watermark_to_infinity(), tenant, window=FixedWindows(60))
    assert statuses(ran) == sorted((name, "delivered") for name in ("i1", "t2", "g3", "i8", late["messageId"]))
    assert len(tenant.events) == 1 + (late["type"] == "track")
    assert [company["Name"] for company in tenant.companies] == ["Acme"]
    assert len(tenant.people) == 1


def test_windows_of_the_pipelines_own_are_kept() -> None:
    tenant = sandbox()
    elements = [TimestampedValue(identify(number, firstName=f"{number}"), number * 20) for number in range(4)]
    stream = Stream().add_elements([*elements, TimestampedValue(group(4, "Acme"), 1)])
    ran = streamed(stream.advance_watermark_to_infinity() | beam.WindowInto(FixedWindows(30)), tenant)
    assert {status for _, status in statuses(ran)} == {"delivered"}
    assert len(statuses(ran)) == 5


def test_bounded_events_are_one_window_whatever_windows_they_are_in() -> None:
    tenant = sandbox()
    stream = [TimestampedValue(identify(number, number, firstName=f"{number}"), number * 60) for number in range(9)]
    source = beam.Create(stream[::-1]) | beam.Map(lambda each: each) | beam.WindowInto(FixedWindows(60))
    with Server(tenant) as server:
        ran = write(source, server.url, window=60)
    assert len(statuses(ran)) == 9
    assert (tenant.counts["upsert person"], tenant.people[0]["FirstName"]) == (1, "8")


def windowed(window: Any, pipeline_window: Any = None) -> Any:
    """The PCollections of a pipeline that is not run, by the names of the transforms that make them."""
    source = not_run("--streaming") | Stream().advance_watermark_to_infinity()
    if pipeline_window is not None:
        source = source | "Own" >> pipeline_window
    return source | WriteToGainsight(CONFIG, window=window)


@pytest.mark.parametrize(
    ("window", "own"),
    [
        (SlidingWindows(60, 30), None),
        (None, beam.WindowInto(SlidingWindows(60, 30))),
        (60, beam.WindowInto(SlidingWindows(60, 30))),
    ],
)
def test_windows_that_hold_an_event_twice_are_refused(window: Any, own: Any) -> None:
    with pytest.raises(ValueError, match="sliding windows hold an event several times"):
        windowed(window, own)


@pytest.mark.parametrize("window", [None, 60])
def test_a_trigger_that_accumulates_is_refused(window: Any) -> None:
    accumulating = beam.WindowInto(
        GlobalWindows(), trigger=Repeatedly(AfterCount(1)), accumulation_mode=AccumulationMode.ACCUMULATING
    )
    with pytest.raises(ValueError, match="a trigger that accumulates would send events again"):
        windowed(window, accumulating)


@pytest.mark.parametrize("window", [0, -1])
def test_a_window_of_no_length_is_refused_when_it_is_made(window: float) -> None:
    with pytest.raises(ValueError, match="window: must be a number of seconds above 0"):
        WriteToGainsight(CONFIG, window=window)


@pytest.mark.parametrize(
    ("window", "own", "lateness"),
    [
        (60, None, 2 * 86_400),
        (None, beam.WindowInto(FixedWindows(60)), 0),
        (
            None,
            beam.WindowInto(
                FixedWindows(60),
                trigger=AfterWatermark(late=AfterCount(1)),
                accumulation_mode=AccumulationMode.DISCARDING,
                allowed_lateness=600,
            ),
            600 + 86_400,
        ),
    ],
)
def test_a_late_event_that_is_let_through_has_a_day_to_get_to_its_last_sender(
    window: Any, own: Any, lateness: int
) -> None:
    graph = windowed(window, own).outcomes.pipeline.to_runner_api().components
    grouped = [each for each in graph.transforms.values() if each.spec.urn == "beam:transform:group_by_key:v1"]
    assert len(grouped) == 4
    for each in grouped:
        (source,) = each.inputs.values()
        strategy = graph.windowing_strategies[graph.pcollections[source].windowing_strategy_id]
        assert strategy.allowed_lateness == lateness * 1000


@pytest.mark.parametrize("window", [60, FixedWindows(60)])
def test_a_senders_state_is_one_over_all_windows(window: Any) -> None:
    graph = windowed(window).outcomes.pipeline.to_runner_api().components
    stateful = [
        each for each in graph.transforms.values() if each.unique_name.endswith(("SaveCompaniesFn)", "DeliverLaterFn)"))
    ]
    assert len(stateful) == 2
    for each in stateful:
        (source,) = each.inputs.values()
        strategy = graph.windowing_strategies[graph.pcollections[source].windowing_strategy_id]
        assert strategy.window_fn.urn == "beam:window_fn:global_windows:v1"


def test_a_window_may_be_a_text_of_seconds_and_nothing_else() -> None:
    assert WriteToGainsight(CONFIG, window="300")._window == FixedWindows(300)
    some_wrong: list[Any] = ["five minutes", "-1", "nan", []]
    for wrong in some_wrong:
        with pytest.raises(ValueError, match="window: must be a number of seconds above 0, or a WindowFn"):
            WriteToGainsight(CONFIG, window=wrong)


def test_a_pipeline_without_a_store_says_that_it_is_to_be_the_only_one(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    each_settings: list[dict[str, Any]] = [{"known": tmp_path / "known.db"}, {}]
    for settings in each_settings:
        assert not any("No store is named" in each for each in caplog.messages)
        _ = not_run() | beam.Create([identify(1)]) | WriteToGainsight(CONFIG, **settings)
    assert sum("no other may send to the tenant" in each for each in caplog.messages) == 1


def test_pipelines_that_share_a_store_send_only_what_is_new(tmp_path: Path) -> None:
    tenant = sandbox()
    stream = [group(1, "Acme"), group(2, "Blue Harbor"), identify(1, firstName="Ada"), track(1)]
    with Server(tenant) as server:
        for more in ([], [track(2)]):
            ran = write(beam.Create([*stream, *more]), server.url, known=tmp_path / "known.db", resend_after=3_600)
    unchanged = [("g1", "unchanged"), ("g2", "unchanged"), ("i1", "unchanged"), ("t1", "unchanged")]
    assert statuses(ran) == [*unchanged, ("t2", "delivered")]
    assert {each["reason"] for each in ran.outputs["outcomes"] if each["message_id"] == "t1"} == {"sent before"}
    assert ran.outputs["failures"] == []
    counters = {name: ran.counters[name] for name in ("events", "unchanged", "delivered", "calls")}
    assert counters == {"events": 5, "unchanged": 4, "delivered": 1, "calls": 1}
    assert (len(tenant.companies), len(tenant.people), len(tenant.events)) == (2, 1, 2)


def test_the_place_of_a_store_is_an_option_and_a_password_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--gainsight_known=redis://cache:6379/0", "--gainsight_resend_after=60"]
    options = PipelineOptions(arguments).view_as(GainsightOptions)
    assert (options.gainsight_known, options.gainsight_resend_after) == ("redis://cache:6379/0", 60)
    with pytest.raises(SystemExit):
        PipelineOptions(["--gainsight_known=redis://:hidden@cache/0"]).view_as(GainsightOptions)
    told = capsys.readouterr().err
    assert "must hold no password" in told
    assert "hidden" not in told


def test_settings_that_cannot_be_are_refused_when_it_is_made() -> None:
    with pytest.raises(ValueError, match=r"sharsd: there is no such option\. Did you mean shards\?"):
        WriteToGainsight(CONFIG, sharsd=3)
    with pytest.raises(ValueError, match="too few for 100 shards"):
        WriteToGainsight(CONFIG, shards=100)
    with pytest.raises(ConfigError):
        WriteToGainsight({"domain": ""})
    assert WriteToGainsight(DestinationConfig(domain="acme.co", access_key="k")).display_data()["shards"] == 1
