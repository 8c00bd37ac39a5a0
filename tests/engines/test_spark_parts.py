"""What Spark has its tasks and its driver do, by itself: no Spark runs here, and no Java is needed."""

from __future__ import annotations

import json
import logging
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark import TaskContext
from pyspark.sql.types import BinaryType, LongType, StringType, StructType, VariantVal

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.settings import OptionsError
from gainsight_dest.deliver.shards import Shards
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from gainsight_dest.spark import GainsightDataSource, route, sending
from gainsight_dest.spark.arrow import _plain, _with_texts, values_of
from gainsight_dest.spark.options import settings_of
from gainsight_dest.spark.report import WriteError, WriteReport, dead_letters
from gainsight_dest.spark.requests import transforming
from gainsight_dest.spark.route import _addressing, _of_shard, _with_companies
from gainsight_dest.spark.rows import check_event_column, read
from gainsight_dest.spark.sending import Delivery, ShardTask, _Events
from gainsight_dest.spark.source import BatchWriter, StreamWriter
from gainsight_dest.spark.task import SpeculationError, Task, journal_file
from tests.engines.imports import printed, told_of, told_without
from tests.engines.scenario import CONFIG, SETTINGS
from tests.some import FREE, group, identify, track

HERE = "127.0.0.1"
PLAIN = StructType().add("event", StringType())

ADA = identify(firstName="Ada") | {"messageId": "1"}
ACME = group() | {"messageId": "2"}
REFUSED = {**ACME, "messageId": "3", "traits": {"name": "Refused", "renewalDate": "no date"}}
NOBODY = {"type": "identify", "messageId": "4", "traits": {}}
PAGE = {"type": "page", "messageId": "5"}
EVENTS = [ADA, ACME, REFUSED, NOBODY, PAGE]


class Context:
    """What a task is told by Spark."""

    def __init__(self, partition: int = 0, **properties: str) -> None:
        self.partition, self.properties = partition, properties

    def partitionId(self) -> int:  # noqa: N802 - Spark's
        return self.partition

    def taskAttemptId(self) -> int:  # noqa: N802 - Spark's
        return 7

    def getLocalProperty(self, name: str) -> str | None:  # noqa: N802 - Spark's
        return self.properties.get(name)


@pytest.fixture
def in_task(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this process a task of Spark's."""

    def begin(partition: int = 0, **properties: str) -> None:
        monkeypatch.setattr(TaskContext, "get", lambda: Context(partition, **properties))

    begin()
    return begin


@pytest.fixture
def tenant() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox(CONFIG, **FREE)
    with Server(sandbox) as server:
        yield sandbox, server.url


@pytest.fixture
def options(tenant: tuple[Sandbox, str], tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config.json").write_text(json.dumps({"Config": SETTINGS}), "utf8")
    return {
        "config": str(tmp_path / "config.json"),
        "base_url": tenant[1],
        "calls_per_minute": "0",
        "calls_per_day": "0",
        "shards": "2",
        "failed": str(tmp_path / "failed"),
        "journal": str(tmp_path / "journal"),
    }


def rows(*events: Any, size: int = 2) -> list[pa.RecordBatch]:
    texts = [each if each is None or isinstance(each, str) else json.dumps(each) for each in events]
    return [pa.RecordBatch.from_pydict({"event": texts[at : at + size]}) for at in range(0, len(texts), size)]


def records(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def files(folder: str) -> dict[str, list[Any]]:
    """What the files of a folder hold, but for journals."""
    return {
        file.name: [json.loads(line) for line in file.read_text("utf8").splitlines()]
        for file in sorted(Path(folder).glob("*"))
    }


# --- requests ---------------------------------------------------------------------------------------------------------


def test_keys_are_shown_only_if_that_is_asked_for() -> None:
    for show_secrets, key in ((False, "***"), (True, SETTINGS["accessKey"])):
        (row,) = records(transforming(CONFIG, show_secrets=show_secrets)(rows(ADA)))
        assert dict(row["headers"])["Accesskey"] == key


def test_an_event_is_a_request_or_a_reason() -> None:
    told = records(transforming(CONFIG, show_secrets=False)(rows(*EVENTS, None, "{")))
    assert [bool(row["method"]) for row in told] == [True, True, True, False, False, False, False]
    assert [row["error"] and row["error"]["path"] for row in told[3:]] == [
        "traits.email",
        None,
        "the event",
        "the event",
    ]
    assert told[4]["skipped"].startswith('type: "page" is not supported')
    assert [row["calls"] for row in told] == [1, 3, 3, None, None, None, None]


# --- by shards --------------------------------------------------------------------------------------------------------


def sent(settings: Shards, *events: Any, in_task: Any, **how: Any) -> tuple[WriteReport, list[dict[str, Any]]]:
    """What by_shard has Spark make of events: its report, and the outcomes."""
    task = ShardTask(settings, "job", **how)
    addressed = records(_addressing(settings)(rows(*events)))
    found = []
    for number in range(1 + settings.shards):
        in_task(number)
        own = [row for row in addressed if row["sender"] == number]
        found += records(_with_companies([as_batch(own)], task))
    told = []
    for number in range(settings.shards):
        in_task(number)
        told += records(_of_shard([as_batch([row for row in found if row["shard"] == number])], task))
    reports = [WriteReport.from_data(json.loads(row["report"])) for row in told if row["report"] is not None]
    return WriteReport.of(reports, "job"), [row for row in told if row["report"] is None]


def as_batch(found: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(found, next(_addressing(Shards(config=CONFIG))(rows(ADA))).schema)


def test_companies_are_saved_and_people_are_linked(
    tenant: tuple[Sandbox, str], options: dict[str, str], in_task: Any, tmp_path: Path
) -> None:
    sandbox, _ = tenant
    journal = tmp_path / "journal"
    report, told = sent(settings_of(options).shards, *EVENTS, in_task=in_task, journal=journal)
    assert [company["Name"] for company in sandbox.companies] == ["Acme"]
    (person,) = sandbox.people
    assert (person["FirstName"], len(person["companies"])) == ("Ada", 1)
    assert (report.events, report.delivered, report.failed, report.skipped) == (5, 2, 2, 1)
    assert report.calls == sum(sandbox.counts.values())
    assert report.errors == {"GSOBJ_1006": 1, "EventError": 1}
    letters = [json.loads(row["letter"]) for row in told if row["letter"] is not None]
    assert sorted(letter["message"]["messageId"] for letter in letters) == ["3", "4"]
    assert {row["message_id"]: row["status"] for row in told} == {
        "1": "delivered",
        "2": "delivered",
        "3": "failed",
        "4": "failed",
        "5": "skipped",
    }
    assert (journal / "companies.db").exists()
    again, _ = sent(settings_of(options).shards, *EVENTS, in_task=in_task, journal=journal)
    assert (again.delivered, report.calls) == (2, sum(sandbox.counts.values()))


def test_a_task_can_tell_at_any_time_what_it_has_sent_so_far(
    options: dict[str, str], in_task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    @contextmanager
    def beating(_: object, name: str, __: object, counts: Any, ___: object) -> Iterator[None]:
        asked[name] = counts
        assert {*counts().values()} == {0}
        yield

    for module in (route, sending):
        monkeypatch.setattr(module, "beating", beating)
    report, _ = sent(settings_of(options).shards, *EVENTS, in_task=in_task)
    told = [counts() for counts in asked.values()]
    assert len(told) == 3  # the companies' sender, and two shards
    assert sum(each["delivered"] for each in told) == report.delivered == 2
    assert told[0]["events"] == 0, "companies are counted with those that are linked to them"
    assert told[0]["calls"] > 0


@pytest.mark.parametrize(("partition", "event"), [(1, ACME), (0, ADA), (2, ADA)])
def test_events_elsewhere_than_with_their_sender_are_not_passed_on(partition: int, event: Any, in_task: Any) -> None:
    settings = Shards(config=CONFIG, shards=1)
    in_task(partition)
    with pytest.raises(RuntimeError, match="into other partitions than it was asked to"):
        list(_with_companies(_addressing(settings)(rows(event)), ShardTask(settings, "job")))


def test_what_ends_the_delivery_is_told_and_the_rest_is_not_tried(
    tenant: tuple[Sandbox, str], options: dict[str, str], in_task: Any
) -> None:
    Path(options["config"]).write_text(json.dumps({**SETTINGS, "accessKey": "wrong-key"}), "utf8")
    settings = settings_of({**options, "shards": "1"}).shards
    half = {"type": "identify", "messageId": "\ud83d", "traits": {"email": "b@example.com"}}
    report, told = sent(settings, PAGE, NOBODY, ADA, half, ACME, REFUSED, in_task=in_task)
    assert report.ended.startswith("CredentialsError: find company: ")
    assert (report.skipped, report.failed, report.not_tried) == (1, 1, 4)
    assert report.calls == len(tenant[0].calls) > 0
    assert {row["message_id"] for row in told if row["status"] == "not tried"} == {"1", "2", "3", "\\ud83d"}
    assert {row["error"]["kind"] for row in told if row["letter"]} == {"NotTried", "EventError"}
    assert "1 failed, 1 skipped, 4 not tried; " in str(report)


def test_a_time_that_cannot_be_read_goes_with_its_row_to_the_task_that_tells(
    tenant: tuple[Sandbox, str], options: dict[str, str], in_task: Any
) -> None:
    settings = settings_of({**options, "shards": "1"}).shards
    events = [identify() | {"timestamp": "?", "sentAt": 1_772_352_000}, PAGE | {"timestamp": "?"}, identify()]
    report, _ = sent(settings, *events, in_task=in_task)
    assert (report.events, report.unread) == (3, UnreadTimes(1, 'timestamp "?"'))
    assert len(tenant[0].people) == 1


class Conf(dict[str, str]):
    """The settings of a session."""

    set, unset = dict.__setitem__, dict.__delitem__


def test_spark_does_not_compare_what_tasks_give_while_by_shard_sends() -> None:
    session: Any = SimpleNamespace(conf=Conf({route._COMPARES[0]: "true", "other": "1"}))
    with route._tolerant(session):
        assert session.conf == {**dict.fromkeys(route._COMPARES, "false"), "other": "1"}
    assert session.conf == {route._COMPARES[0]: "true", "other": "1"}


def test_ctrl_c_is_passed_on_once_it_is_told_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(route, "_sent", interrupted)
    df: Any = SimpleNamespace(sparkSession=SimpleNamespace(conf=Conf()), isStreaming=False)
    with pytest.raises(KeyboardInterrupt):
        route.by_shard(df, CONFIG)
    assert "ended early: 0 events: 0 delivered" in caplog.text


def test_a_session_of_spark_connect_has_no_context_to_describe_jobs_in_or_to_hear_tasks_by() -> None:
    session: Any = SimpleNamespace()
    with route._described(session, "gainsight: send"), route._listening(session) as ear:
        assert ear is None


@pytest.mark.parametrize(
    ("conf", "told"), [({}, 0), ({"spark.driver.host": HERE, "spark.driver.bindAddress": "x y"}, 1)]
)
def test_a_driver_that_cannot_listen_goes_on_without(
    conf: dict[str, str], told: int, caplog: pytest.LogCaptureFixture
) -> None:
    session: Any = SimpleNamespace(sparkContext=SimpleNamespace(getConf=lambda: conf))
    with route._listening(session) as ear:
        assert ear is None
    assert len(caplog.messages) == told


# --- with a store -----------------------------------------------------------------------------------------------------


@pytest.fixture
def with_store(options: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The options of a job that shares a store with others, and has no journal."""
    del options["journal"]
    return {**options, "known": str(tmp_path / "known.db"), "resend_after": "86400"}


def test_what_the_store_knows_tasks_do_not_send_again_and_count_as_unchanged(
    tenant: tuple[Sandbox, str], with_store: dict[str, str], in_task: Any
) -> None:
    sandbox, _ = tenant
    settings = settings_of(with_store).shards
    other = group(email="bob@example.com") | {"messageId": "6"}
    counts = []
    for events in ([ADA, ACME, NOBODY], [ADA, ACME, NOBODY], [ACME, other]):
        made = sum(sandbox.counts.values())
        report, _ = sent(settings, *events, in_task=in_task)
        assert report.calls == sum(sandbox.counts.values()) - made
        counts.append((report.delivered, report.unchanged, report.failed, report.calls))
    assert counts == [(2, 0, 1, 3), (0, 2, 1, 0), (1, 1, 0, 1)]
    assert str(report) == "2 events: 1 delivered, 1 unchanged, 0 failed, 0 skipped; 1 calls, waited 0 s"


@pytest.mark.usefixtures("in_task")
def test_what_the_store_knows_a_writer_does_not_send_again(
    tenant: tuple[Sandbox, str], with_store: dict[str, str]
) -> None:
    delivery = Delivery(settings_of(with_store))
    reports = [delivery.take(iter(rows(ADA, ACME, NOBODY)), "job") for _ in range(2)]
    assert sum(tenant[0].counts.values()) == 3
    assert [(report.delivered, report.unchanged, report.failed, report.calls) for report in reports] == [
        (2, 0, 1, 3),
        (0, 2, 1, 0),
    ]


def test_an_older_event_and_a_track_event_that_was_sent_are_left_out_and_say_why(
    tenant: tuple[Sandbox, str], with_store: dict[str, str], in_task: Any
) -> None:
    sandbox, _ = tenant
    settings = settings_of(with_store).shards
    moments = ("2026-03-02T09:00:00Z", "2026-03-02T08:00:00Z")
    for_both = [
        [{**event, "timestamp": at} for event in (ACME, track("Ticket Opened") | {"messageId": "t"})] for at in moments
    ]
    for_both[1][0] = {**for_both[1][0], "traits": {"name": "Acme", "industry": "Old"}}
    sent(settings, *for_both[0], in_task=in_task)
    made = sum(sandbox.counts.values())
    report, told = sent(settings, *for_both[1], in_task=in_task)
    assert sum(sandbox.counts.values()) == made
    assert (report.unchanged, sorted(row["reason"] for row in told)) == (2, ["older", "sent before"])


class WaitsError(Exception):
    """No call may be made for so long."""


def test_the_micro_batches_of_a_stream_share_the_calls_of_a_day(
    tenant: tuple[Sandbox, str], with_store: dict[str, str], in_task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        raise WaitsError(seconds)

    alone = Shards.alone
    monkeypatch.setattr(Shards, "alone", lambda shards: alone(shards, sleep=sleep))
    source = GainsightDataSource({**with_store, "calls_per_day": "100"})
    calls = []
    for number in range(3):
        in_task(0, **{"sql.streaming.queryId": "query", "streaming.sql.batchId": str(number)})
        writer = source.streamWriter(PLAIN, overwrite=False)
        tracks = (track("Ticket Opened", number=each) | {"messageId": f"{number}-{each}"} for each in range(90))
        with suppress(WaitsError):
            writer.commit([writer.write(iter(rows(*tracks, size=90)))], number)
        calls.append(sum(tenant[0].counts.values()))
    assert calls == [90, 100, 100]


@pytest.mark.usefixtures("in_task")
def test_a_store_that_cannot_be_opened_ends_the_job_before_anything_is_sent(
    tenant: tuple[Sandbox, str], with_store: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "known.db").write_text("no database" * 1_000, "utf8")
    delivery = Delivery(settings_of(with_store))
    with pytest.raises(WriteError, match="StoreError: ") as raised:
        delivery.commit([delivery.take(iter(rows(ADA)), "job")], "job")
    assert (raised.value.report.events, sum(tenant[0].counts.values())) == (0, 0)


def test_a_job_without_a_store_says_that_it_is_to_be_the_only_one(
    options: dict[str, str], with_store: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    GainsightDataSource(with_store).writer(PLAIN, overwrite=False)
    assert caplog.messages == []
    GainsightDataSource(options).writer(PLAIN, overwrite=False)
    (told,) = caplog.messages
    assert told.startswith("No store is named (known=…): while this job sends, no other may send to the tenant.")


# --- by the writer ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_task")
def test_the_task_sends_its_events_in_the_order_of_moments(
    tenant: tuple[Sandbox, str], options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox, _ = tenant
    delivery = Delivery(settings_of(options))
    later = {
        **ADA,
        "messageId": "6",
        "timestamp": "2026-03-02T09:00:00Z",
        "traits": {"email": "ada@example.com", "firstName": "A."},
    }
    earlier = {**later, "messageId": "7", "timestamp": "2026-03-02T08:00:00Z"}
    report = delivery.take(iter(rows(later, *EVENTS, earlier, None, "{")), "job")
    assert pickle.loads(pickle.dumps(report)) == report
    with caplog.at_level(logging.INFO):
        delivery.commit([report, WriteReport("job")], "job")
    (person,) = sandbox.people
    assert (person["FirstName"], len(person["companies"])) == ("A.", 1)
    assert (report.events, report.delivered, report.failed, report.skipped) == (9, 4, 4, 1)
    assert report.calls == sum(sandbox.counts.values())
    left = files(options["failed"])
    assert [*left] == ["job.ndjson"]
    assert [letter["message"] for letter in left["job.ndjson"]] == [REFUSED, None, "{", NOBODY]
    assert sorted(path.name for path in Path(options["journal"]).glob("*.db")) == ["all.db", "companies.db"]
    assert [message for message in caplog.messages if "9 events" in message] == [f"job: {report}"]
    assert "ada@example.com" not in caplog.text


@pytest.mark.usefixtures("in_task")
def test_times_sort_whatever_their_form_and_those_that_cannot_be_read_are_told_once(
    tenant: tuple[Sandbox, str], options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    delivery = Delivery(settings_of(options))
    times = [1_772_352_000, "2026-03-01 08:00:01 UTC", "2026-03-01T09:00:02+0100", "1772352003000"]
    events = [
        identify(firstName=f"{place}") | {"messageId": f"{9 - place}", "timestamp": time}
        for place, time in enumerate(times)
    ]
    unread = [identify() | {"messageId": f"u{number}", "timestamp": f"0{number}/03/2026\n"} for number in range(2)]
    report = delivery.take(iter(rows(*events[::-1], *unread)), "job")
    delivery.commit([report], "job")
    assert tenant[0].people[0]["FirstName"] == "3"
    assert report.unread == UnreadTimes(2, r'timestamp "00/03/2026\n"')
    told = [message for message in caplog.messages if "cannot be read" in message]
    assert len(told) == 1
    assert told[0].startswith(r'job: 2 events have a time that cannot be read, such as timestamp "00/03/2026\n". Such')


@pytest.mark.usefixtures("in_task")
def test_what_the_journal_knows_a_writer_does_not_send_again(
    tenant: tuple[Sandbox, str], options: dict[str, str]
) -> None:
    sandbox, _ = tenant
    delivery = Delivery(settings_of(options))
    events: list[Any] = [ADA, ACME, PAGE, NOBODY]
    reports = [delivery.take(iter(rows(*order)), "job") for order in (events, events[::-1])]  # a shuffle promises none
    assert sum(sandbox.counts.values()) == 3
    assert [(report.events, report.delivered) for report in reports] == [(4, 2)] * 2


@pytest.mark.usefixtures("in_task")
def test_a_wrong_key_ends_it_and_what_was_sent_is_told(
    options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    Path(options["config"]).write_text(json.dumps({**SETTINGS, "accessKey": "wrong-key"}), "utf8")
    delivery = Delivery(settings_of(options))
    messages = [delivery.take(iter(rows(PAGE, NOBODY, ADA, ACME)), "job")]
    with pytest.raises(WriteError, match=r"^CredentialsError: .*job: 4 events: 0 delivered") as raised:
        delivery.commit(messages, "job")
    delivery.abort(messages, "job")  # as Spark does then; all that is to be told has been
    assert (raised.value.report.not_tried, raised.value.report.calls) == (4, 1)
    assert len(files(options["failed"])["job.ndjson"]) == 4
    assert len([message for message in caplog.messages if "early" in message]) == 1
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.report, str(again)) == (raised.value.report, str(raised.value))


def test_only_the_first_partition_may_have_events(options: dict[str, str], in_task: Any) -> None:
    in_task(1)
    delivery = Delivery(settings_of(options))
    assert delivery.take(iter([rows(ADA)[0].slice(0, 0)]), "job") == WriteReport("job")
    with pytest.raises(ValueError, match=r"write df\.coalesce\(1\), or use by_shard"):
        delivery.take(iter(rows(ADA)), "job")


def test_events_are_kept_as_text_in_an_order_that_does_not_depend_on_the_shuffle() -> None:
    texts = [json.dumps(PAGE), None, "{", json.dumps({"message": ADA})]
    for order in (texts, texts[::-1]):
        events = _Events(order)
        assert [events.parsed(index).raw for index in range(len(events))] == [None, "{", ADA, PAGE]
        assert [event for event in events if isinstance(event, dict)] == [ADA, PAGE]


def test_where_a_task_failed_what_is_known_is_told(options: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    del options["journal"]
    Delivery(settings_of(options)).abort([WriteReport("job", events=3, calls=2), None], "job")
    BatchWriter(Delivery(settings_of(options)), "job").abort([WriteReport("job", events=3, calls=2), None])
    assert caplog.messages[1:] == caplog.messages[:1]
    assert caplog.messages[:1] == [
        "job ended early: 3 events: 0 delivered, 0 failed, 0 skipped; 2 calls, waited 0 s; "
        "1 tasks cannot tell what they sent, which stays sent"
    ]


def test_the_journals_of_a_micro_batch_are_there_until_the_next_one_begins(
    options: dict[str, str], in_task: Any
) -> None:
    source = GainsightDataSource({**options, "checkpointLocation": "/checkpoint", "queryName": "q"})
    writer = source.streamWriter(PLAIN, overwrite=False)
    assert isinstance(writer, StreamWriter)
    Path(options["journal"]).mkdir()
    (Path(options["journal"]) / "other.000000000.all.db").touch()
    (Path(options["journal"]) / "query.000000011.all.db").touch()
    for number in range(9, 11):
        in_task(0, **{"sql.streaming.queryId": "query", "streaming.sql.batchId": str(number)})
        message = writer.write(iter(rows({**ADA, "messageId": f"m-{number}"}, "{")))
        writer.commit([message], number)
        assert message.name == f"query.{number:09}"
    assert sorted(files(options["failed"])) == [f"query.{number:09}.ndjson" for number in range(9, 11)]
    assert sorted(path.name for path in Path(options["journal"]).glob("*.db")) == [
        "other.000000000.all.db",
        *(f"query.{10:09}.{sender}.db" for sender in ("all", "companies")),
        "query.000000011.all.db",
    ]


# --- the data source --------------------------------------------------------------------------------------------------


def test_a_writer_pickles_and_shows_no_key(options: dict[str, str]) -> None:
    assert GainsightDataSource.name() == "gainsight"
    writer = GainsightDataSource(options).writer(PLAIN, overwrite=False)
    assert isinstance(writer, BatchWriter)
    assert pickle.loads(pickle.dumps(writer)) == writer
    assert "the-key" not in repr(writer)


def test_a_column_of_events_is_needed(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a column 'event' is needed, of JSON text or a struct: there is none"):
        GainsightDataSource(options).writer(StructType(), overwrite=False)
    with pytest.raises(ValueError, match="must be JSON text, a struct, a map or a variant, not bigint"):
        GainsightDataSource(options).streamWriter(StructType().add("event", LongType()), overwrite=False)
    kafkas = 'there is key, value. Is it value\\? Then .selectExpr\\("CAST\\(value AS STRING\\) AS event"\\)'
    with pytest.raises(ValueError, match=kafkas):
        check_event_column(StructType().add("key", BinaryType()).add("value", BinaryType()))
    with pytest.raises(ValueError, match="is binary: cast it first, with"):
        check_event_column(StructType().add("event", BinaryType()))


def test_overwriting_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match='use mode\\("append"\\)'):
        GainsightDataSource(options).writer(PLAIN, overwrite=True)


@pytest.mark.usefixtures("in_task")
def test_a_batch_job_has_a_name_that_no_other_has(options: dict[str, str]) -> None:
    writers = [GainsightDataSource(options).writer(PLAIN, overwrite=False) for _ in range(2)]
    assert len({writer.job for writer in writers}) == 2
    assert [writer.write(iter(rows(PAGE))).name for writer in writers] == [writer.job for writer in writers]


# --- options ----------------------------------------------------------------------------------------------------------


def test_options_are_texts_and_have_the_defaults_of_delivery(options: dict[str, str]) -> None:
    settings = settings_of({"config": options["config"]})
    assert settings.shards == Shards(config=CONFIG)
    assert (settings.failed, settings.journal) == (None, None)
    settings = settings_of({**options, "workers": "2", "batch": "10"})
    assert (settings.shards.shards, settings.shards.calls_per_minute, settings.shards.workers) == (2, None, 2)
    settings = settings_of({"config": options["config"], "known": "redis://cache:6379/0", "resend_after": "60"})
    assert (settings.shards.known, settings.shards.resend_after) == ("redis://cache:6379/0", 60)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"config": None}, "config: is missing"),
        ({"config": '{"accessKey": "hidden"}'}, "config: must be the path of a JSON file, not its text"),
        ({"config": "/nowhere/at/all.json"}, "config: the file cannot be read: No such file or directory"),
        ({"shard": "1"}, "shard: there is no such option. Did you mean shards?"),
        ({"zzz": "1"}, "zzz: there is no such option"),
        (
            {"shards": "none", "batch": "0"},
            "shards: must be a whole number from 1 to 10,000, not a string; batch: must be a whole number from 1 to",
        ),
        (
            {"workers": "0", "batch": "x"},
            "workers: must be a whole number from 1 to 1,000, not 0; batch: must be a whole number from 1 to",
        ),
        ({"calls_per_minute": "-1"}, "calls_per_minute: must be a whole number, or 0 for no limit, not -1"),
        ({"calls_per_minute": "2"}, "2 calls are too few for 2 shards"),
        (
            {"failed": "s3://bucket/failed"},
            "failed: must be an absolute path of a folder that driver and executors share",
        ),
        ({"base_url": "http://acme.example.com"}, "base_url"),
        ({"known": "known.db"}, "known: must be an absolute path, or the URL of a Redis"),
        ({"known": "redis://user:hidden@cache:6379/0"}, "known: must hold no password, as the engine may show options"),
        ({"known": "redis://cache/0?password=hidden"}, "known: must hold no password, as the engine may show options"),
        (
            {"known": "/data/known.db", "resend_after": "24h"},
            "resend_after: must be a number of seconds above 0",
        ),
        ({"resend_after": "60"}, "resend_after: is for what is known: it needs known"),
    ],
)
def test_options_that_are_wrong_are_named_without_their_values(
    change: dict[str, str | None], problem: str, options: dict[str, str]
) -> None:
    given = {name: value for name, value in {**options, **change}.items() if value is not None}
    with pytest.raises(OptionsError) as raised:
        settings_of(given)
    assert problem in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"accessKey": "hidden", ', "the file is not JSON"),
        ("[" * 100_000, "the file is not JSON"),
        ('{"domain": "localhost", "accessKey": "hidden"}', "config.domain: "),
    ],
)
def test_a_config_file_that_is_wrong_is_named_without_its_keys(
    content: str, problem: str, options: dict[str, str]
) -> None:
    Path(options["config"]).write_text(content, "utf8")
    with pytest.raises(OptionsError, match=problem) as raised:
        settings_of(options)
    assert "hidden" not in str(raised.value)


# --- tasks, files -----------------------------------------------------------------------------------------------------


def test_a_task_knows_where_it_is_and_refuses_to_run_twice_at_once(in_task: Any) -> None:
    in_task(3)
    assert Task.current() == Task(3, 7, None)
    in_task(3, **{"sql.streaming.queryId": "query", "streaming.sql.batchId": "12"})
    assert Task.current() == Task(3, 7, "query.000000012")
    in_task(3, **{"spark.speculation": "TRUE"})
    with pytest.raises(SpeculationError, match=r"Start the application with spark\.speculation=false"):
        Task.current()
    assert str(pickle.loads(pickle.dumps(SpeculationError()))).startswith("spark.speculation is on")


def test_a_journal_has_a_name_for_each_sender_and_micro_batch(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    assert journal_file(folder, None, "shard-0001") == folder / "shard-0001.db"
    assert journal_file(folder, "query.000000012", "driver") == folder / "query.000000012.driver.db"
    assert folder.is_dir()
    assert journal_file(None, None, "driver") is None


def test_outside_of_spark_there_is_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskContext, "get", lambda: None)
    with pytest.raises(RuntimeError, match="in a task of Spark"):
        Task.current()


def test_failed_events_are_in_a_file_once_all_are(tmp_path: Path) -> None:
    with dead_letters(tmp_path / "failed", "job", "1") as keep:
        keep({"message": {"a": float("nan")}, "error": None})
        assert [file.name for file in (tmp_path / "failed").iterdir()] == [".job.1"]
    assert [file.name for file in (tmp_path / "failed").iterdir()] == ["job.ndjson"]
    with suppress(ArithmeticError), dead_letters(tmp_path / "failed", "job", "2") as keep:
        keep({})
        raise ArithmeticError
    assert [file.name for file in (tmp_path / "failed").iterdir()] == ["job.ndjson"]
    assert (tmp_path / "failed/job.ndjson").read_text("utf8").count("\n") == 1
    with dead_letters(tmp_path / "failed", "job", "3"):  # of this attempt nothing failed
        pass
    assert list((tmp_path / "failed").iterdir()) == []


def test_without_a_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with dead_letters(None, "job", "1") as keep:
        keep({})
    assert list(tmp_path.iterdir()) == []


def test_the_reports_of_tasks_add_up() -> None:
    one, two = (
        WriteReport("query.1", events=2, delivered=1, failed=1, calls=3),
        WriteReport("query.1", events=1, skipped=1, waited=2),
    )
    one.errors["EventError"] += 1
    both = WriteReport.of([one, None, two], "job")
    assert (both.name, both.events, both.delivered, both.failed, both.skipped) == ("query.1", 3, 1, 1, 1)
    assert str(both) == "3 events: 1 delivered, 1 failed, 1 skipped; 3 calls, waited 2 s, 1 EventError"
    assert WriteReport.of([None], "job") == WriteReport("job")
    assert WriteReport.from_data(json.loads(json.dumps(both.as_data()))) == both
    with pytest.raises(ValueError, match="by_shard alone has the dead letters"):
        _ = both.dead_letters


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_dead_letter_of_what_is_no_json_has_its_text() -> None:
    (found,) = read(rows("{")[0])
    assert (found.raw, found.as_text()) == ("{", "{")
    (found,) = read(pa.RecordBatch.from_pydict({"event": [{"type": "page", "x": None}]}))
    assert (found.raw, found.as_text()) == ({"type": "page"}, '{"type": "page"}')
    (found,) = read(pa.RecordBatch.from_pydict({"event": [None]}, pa.schema({"event": pa.struct({"a": pa.string()})})))
    assert (found.raw, found.as_text()) == (None, None)


def test_the_nested_form_of_dead_letters_is_read_and_what_was_no_json_may_be_mended_in_it() -> None:
    letters = [
        {"message": PAGE, "error": {}},
        {"message": json.dumps(ADA)},
        {"message": "{"},
        {"type": "x", "message": 1},
    ]
    found = [each for batch in rows(*letters) for each in read(batch)]
    assert [each.raw for each in found] == [PAGE, ADA, "{", letters[3]]
    assert [json.loads(each.as_text() or "") for each in (*found[:2], found[3])] == [PAGE, ADA, letters[3]]
    (struct,) = read(pa.RecordBatch.from_pydict({"event": [{"message": PAGE, "error": None}]}))
    assert struct.raw == PAGE


def test_values_of_every_kind_are_as_json_has_them() -> None:
    kinds = {
        "decimal": (pa.decimal128(9, 2), Decimal("12.50"), 12.5),
        "float": (pa.float64(), 2.5, 2.5),
        "bytes": (pa.binary(), b"abc", "YWJj"),
        "date": (pa.date32(), date(2026, 3, 2), "2026-03-02"),
        "interval": (pa.duration("us"), timedelta(days=1), "P1D"),
        "list": (
            pa.list_(pa.struct({"a": pa.int32(), "b": pa.string()})),
            [{"a": 1, "b": None}, None],
            [{"a": 1}, None],
        ),
        "map": (pa.map_(pa.string(), pa.string()), [("a", None)], {"a": None}),
        "none": (pa.string(), None, None),
    }
    schema = pa.schema({"event": pa.struct({name: kind for name, (kind, _, _) in kinds.items()})})
    row = {"event": {name: value for name, (_, value, _) in kinds.items()}}
    (found,) = read(pa.RecordBatch.from_pylist([row], schema))
    assert found.event == {name: told for name, (_, _, told) in kinds.items() if name != "none"}


def test_a_variant_is_read_with_all_that_it_holds() -> None:
    variant = VariantVal.parseJson('{"type": "track", "a": null, "b": [1.5, {"c": true}]}')
    field = (
        pa.field("value", pa.binary(), nullable=False),
        pa.field("metadata", pa.binary(), False, {b"variant": b"true"}),
    )
    row = {"event": {"value": variant.value, "metadata": variant.metadata}}
    batch = pa.RecordBatch.from_pylist([row], pa.schema({"event": pa.struct(field)}))
    assert [each.event for each in read(batch)] == [{"type": "track", "a": None, "b": [1.5, {"c": True}]}]


US = pa.timestamp("us")
NEW_YORK = pa.timestamp("us", "America/New_York")
YEAR_10000, YEAR_0 = 253_402_318_799_000_000, -62_167_219_200_000_000


@pytest.mark.parametrize(
    ("numbers", "kind", "found"),
    [
        ([YEAR_10000, None], NEW_YORK, "9999-12-31T23:59:59-05:00"),
        ([YEAR_0], NEW_YORK, "-000001-12-31T19:03:58-04:56:02"),
        ([YEAR_10000 + 5], pa.timestamp("us", "GMT+1"), "+010000-01-01T04:59:59.000005+00:00"),
        ([YEAR_0], US, "0000-01-01T00:00:00"),
        ([YEAR_10000 // 1_000], pa.timestamp("ms"), "+010000-01-01T04:59:59"),
        ([-800_000], pa.date32(), "-000221-09-04"),
    ],
)
def test_times_that_python_has_no_value_for_are_text(numbers: list[int], kind: pa.DataType, found: str) -> None:
    column = pa.StructArray.from_arrays([pa.array(numbers, kind)], names=["at"])
    assert next(values_of(column)) == {"at": found}


def test_months_are_text_and_so_is_what_json_has_no_form_for() -> None:
    class Months:  # pyarrow makes no array of them, Spark does
        id = -1

        def __str__(self) -> str:
            return "month_interval"

    months: Any = Months()
    assert _with_texts(pa.array([14, None], pa.int32()), months).to_pylist() == ["P14M", None]
    assert _plain({"of": [1j]}) == {"of": ["1j"]}


def test_such_times_are_text_whatever_they_are_in() -> None:
    times = pa.array([YEAR_0, None, 5], US)
    lists = pa.ListArray.from_arrays(pa.array([0, None, 2, 3]), times)
    maps = pa.MapArray.from_arrays(pa.array([0, 1, None, 2]), pa.array(["a", "b"]), times[:2])
    column = pa.StructArray.from_arrays([lists, maps, pa.array([1, 2, 3])], names=["list", "map", "number"])
    both = [
        {"list": ["0000-01-01T00:00:00", None], "map": {"a": "0000-01-01T00:00:00"}, "number": 1},
        {"map": {"b": None}, "number": 2},
        {"list": ["1970-01-01T00:00:00.000005"], "number": 3},
    ]
    assert [*values_of(column)] == both
    assert next(values_of(column.slice(1))) == {"map": {"b": None}, "number": 2}


@pytest.mark.parametrize(
    ("months", "days", "micros", "found"),
    [
        (0, 0, 0, "PT0S"),
        (14, 25, 18_367_500_000, "P14M25DT18367.5S"),
        (0, 1, 86_400_000_000, "P2D"),
        (0, 0, -500_000, "PT-0.5S"),
        (0, 0, 500_000, "PT0.5S"),
        (-2, 0, -90_000_000, "P-2MT-90S"),
    ],
)
def test_an_interval_is_text_as_iso_8601_has_it(months: int, days: int, micros: int, found: str) -> None:
    column = pa.array([{"for": pa.MonthDayNano([months, days, micros * 1_000])}])
    assert [*values_of(column)] == [{"for": found}]


def test_keys_of_maps_that_are_no_text_are_json() -> None:
    keys = pa.StructArray.from_arrays([pa.array([1])], names=["a"])
    for given, told in ((keys, '{"a": 1}'), (pa.array([1]), "1"), (pa.array([date(2026, 3, 2)]), "2026-03-02")):
        assert [*values_of(pa.MapArray.from_arrays([0, 1], given, pa.array(["x"])))] == [{told: "x"}]


def test_a_value_that_cannot_be_read_at_all_is_an_error_of_its_event() -> None:
    field = (
        pa.field("value", pa.binary(), nullable=False),
        pa.field("metadata", pa.binary(), False, {b"variant": b"true"}),
    )
    row = {"event": {"value": b"0\x80\x9c|14/#\xff", "metadata": b"\x01\x00\x00"}}  # a time of the year 0
    (found,) = read(pa.RecordBatch.from_pylist([row], pa.schema({"event": pa.struct(field)})))
    assert str(found.event) == "the event: has a value that cannot be read (OverflowError)"
    assert found.as_text() == found.raw == str(found.event)


# --- imports ----------------------------------------------------------------------------------------------------------


def test_importing_the_library_loads_no_spark() -> None:
    program = (
        "import sys, gainsight_dest, gainsight_dest.deliver\nprint({'pyspark', 'pyarrow', 'pandas'} & {*sys.modules})"
    )
    assert printed(program) == "set()\n"


MISSING = ("pyspark", "pyarrow", "requests")


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_not_installed_is_named_with_the_extra_that_has_it(missing: str) -> None:
    assert told_without("gainsight_dest.spark", *MISSING)[missing] == told_of(missing, "spark")


@pytest.mark.parametrize(
    ("absent", "problem"),
    [
        ("pyspark.sql.datasource", r"needs pyspark, .*'gainsight-dest\[spark\]'"),
        ("gainsight_dest.deliver.shards", r"gainsight_dest\.deliver\.shards"),
    ],
)
def test_only_what_is_not_the_librarys_own_is_a_matter_of_extras(
    absent: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("gainsight_dest.spark")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=problem) as caught:
        import_module("gainsight_dest.spark")
    assert isinstance(caught.value, ModuleNotFoundError) is absent.startswith("gainsight_dest")
