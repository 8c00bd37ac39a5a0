"""Spark in earnest: the same requests as transform, every event accounted for, whatever dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark import InheritableThread
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - so it is called in every Spark program
from pyspark.sql.classic.dataframe import DataFrame as ClassicDataFrame

from gainsight_dest import ConfigError, EventError, transform
from gainsight_dest.deliver.journal import entries
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from gainsight_dest.spark import WriteError, WriteReport, by_shard, route, transform_events
from gainsight_dest.spark.requests import COLUMNS, transforming
from gainsight_dest.spark.route import spread
from gainsight_dest.spark.sending import ShardTask
from gainsight_dest.spark.task import SpeculationError
from gainsight_dest.templates import config_of
from tests.conformance import VECTORS, exact
from tests.engines.conftest import QUICK_JAVA, QUICK_SPARK
from tests.engines.scenario import CONFIG, SETTINGS, Expected, Tenant, check, events, expected, faults
from tests.engines.spark_runs import IMPATIENT, DiesOnce, Fails, frame
from tests.known.places import OnServer
from tests.known.places import Server as RedisServer
from tests.needs import need
from tests.some import FREE

STREAM = events(600, people=60, companies=9, seed=5)
PEOPLE = [event for event in STREAM if event["type"] == "identify"]
CALLS_PER_MINUTE = 30_000
SECRETS = (str(SETTINGS["accessKey"]), str(SETTINGS["sharedSecret"]))


@cache
def model() -> Expected:
    """What is to come of STREAM. Not all who collect the tests need it."""
    return expected(STREAM, CONFIG)


class Job:
    """A folder of a job: its config, journals and failed events, and the options that name them."""

    def __init__(self, folder: Path, url: str, settings: Any = SETTINGS, calls_per_minute: int = 0) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.failed, self.journal = folder / "failed", folder / "journal"
        self.limits: dict[str, Any] = {"calls_per_minute": calls_per_minute or None, "calls_per_day": None}
        self.url = url
        (folder / "config.json").write_text(json.dumps(settings), "utf8")
        self.options = {
            "config": str(folder / "config.json"),
            "base_url": url,
            "calls_per_minute": str(calls_per_minute),
            "calls_per_day": "0",
            "failed": str(self.failed),
            "journal": str(self.journal),
        }

    def send(self, df: DataFrame, shards: int = 4, **more: Any) -> WriteReport:
        return by_shard(df, CONFIG, shards, journal=self.journal, base_url=self.url, **{**self.limits, **more})

    def write(self, df: DataFrame, source: str = "gainsight", **more: Any) -> None:
        df.write.format(source).options(**self.options).options(**more).mode("append").save()

    def letters(self) -> list[dict[str, Any]]:
        """What was written of failed events, by the library or by Spark."""
        files = [*self.failed.glob("*.ndjson"), *self.failed.glob("*.txt")]
        return [json.loads(line) for file in files for line in file.read_text("utf8").splitlines()]

    def accounts(self) -> Iterator[tuple[str | None, str]]:
        """What the journals say of each event. Group events are in that of companies, too."""
        for file in self.journal.glob("*.db"):
            for entry in entries(file):
                if "companies" not in file.name or entry.outcome.status == "failed":
                    yield entry.outcome.message_id, str(entry.outcome.status)


def accounts_of(report: WriteReport) -> list[tuple[str | None, str]]:
    """What the report says of each event."""
    assert report.outcomes is not None
    return [(row.message_id, row.status) for row in report.outcomes.collect()]


def ids_of(letters: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(letter["message"]["messageId"] for letter in letters)


# --- requests ---------------------------------------------------------------------------------------------------------


def test_every_vector_is_the_same_request_as_transforms(spark: SparkSession) -> None:
    """Each by its own config, by what `transform_events` has tasks do: a job for each config would take minutes."""
    configs, vectors = [], []
    nothing = frame(spark, [])
    for vector in VECTORS:
        try:
            configs.append(config_of(vector["config"]))
            vectors.append(vector)
        except ConfigError:
            with pytest.raises(ConfigError):
                transform_events(nothing, vector["config"])
    rows = pa.table({"number": range(len(vectors)), "event": [json.dumps(vector["event"]) for vector in vectors]})

    def each_by_its_own(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place, number in enumerate(batch.column("number").to_pylist()):
                event = batch.slice(place, 1).select(["event"])
                yield from transforming(configs[number], show_secrets=True)([event])

    df = spark.createDataFrame(rows).coalesce(1)
    found = df.mapInArrow(each_by_its_own, COLUMNS).collect()
    assert [told(row) for row in found] == [what_transform_says(vector) for vector in vectors]
    assert Counter(bool(row.error) for row in found)[False] > 300


def test_requests_have_one_row_an_event_in_order_and_hide_the_keys(spark: SparkSession) -> None:
    stream: list[Any] = [*STREAM[:40], None, "{", [], {"type": "page"}, {**STREAM[0], "integrations": {"All": False}}]
    df = transform_events(frame(spark, stream, partitions=1), CONFIG)
    rows = df.collect()
    assert [row.message_id for row in rows[:40]] == [event["messageId"] for event in STREAM[:40]]
    assert [row.error and row.error.message for row in rows[-5:]] == [
        "the event: must be an object, got null",
        "the event: is not JSON",
        "the event: must be an object, got a list",
        None,
        None,
    ]
    assert [bool(row.skipped) for row in rows[-5:]] == [False, False, False, True, True]
    assert {value for row in rows if row.headers for name, value in row.headers.items() if "ey" in name} == {"***"}
    assert sum(row.calls or 0 for row in rows) > 40
    assert not any(secret in str(rows) + str(plan_of(df)) for secret in SECRETS)


def plan_of(df: DataFrame) -> str:
    """What Spark shows of how it is made."""
    return str(df._jdf.queryExecution().toString())


def told(row: Row) -> str:
    if row.error or row.skipped:
        return row.error.kind if row.error else "UnsupportedTypeError"
    return exact([row.method, row.url, row.headers, json.loads(row.body)])


def what_transform_says(vector: dict[str, Any]) -> str:
    try:
        request = transform(vector["event"], vector["config"])
    except (EventError, ConfigError) as error:
        return type(error).__name__
    return exact([request.method, request.url, {k: str(v) for k, v in request.headers.items()}, request.body])


# --- delivery ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tenant() -> Iterator[tuple[Sandbox, str]]:
    """A Gainsight without limits, and where it is."""
    sandbox = Sandbox(CONFIG, **FREE)
    with Server(sandbox) as server:
        yield sandbox, server.url


def test_a_plain_write_is_sent_by_the_one_task_that_has_the_events(spark: SparkSession, tmp_path: Path) -> None:
    with Tenant(faults(0.02)) as tenant:
        job = Job(tmp_path, tenant.url)
        job.write(frame(spark, STREAM, partitions=1), "impatient")
        checked = check(STREAM, job.accounts(), tenant.report(), model())
    assert checked.problems == ()
    assert checked.calls < model().calls / 2
    assert ids_of(job.letters()) == failing()


def failing() -> list[str]:
    """The events of STREAM that fail."""
    return sorted(name for name, status in model().statuses.items() if status == "failed")


def test_shards_send_side_by_side_within_their_shares_and_leave_what_one_by_one_leaves(
    spark: SparkSession, tmp_path: Path
) -> None:
    with Tenant(faults(0.02), CALLS_PER_MINUTE) as tenant:
        job = Job(tmp_path, tenant.url, calls_per_minute=CALLS_PER_MINUTE)
        spark.sparkContext.setJobDescription("mine")
        report = job.send(frame(spark, STREAM), patience=IMPATIENT, failed=job.failed.as_uri())
        checked = check(STREAM, accounts_of(report), tenant.report(), model())
    assert checked.problems == ()
    assert checked.calls < model().calls / 2
    assert report.calls == checked.calls
    assert {"delivered": report.delivered, "failed": report.failed, "skipped": report.skipped} == Counter(
        model().statuses.values()
    )
    assert ids_of(job.letters()) == failing()
    assert {file.name for file in job.journal.glob("*.db")} == {
        "companies.db",
        *(f"shard-{number:04}.db" for number in range(4)),
    }
    assert spark.sparkContext.getLocalProperty("spark.job.description") == "mine"


def test_a_task_that_dies_once_doubles_nothing_and_loses_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "ShardTask", lambda *given: DiesOnce(ShardTask(*given), tmp_path))
    with Tenant(calls_per_minute=CALLS_PER_MINUTE) as tenant:
        job = Job(tmp_path, tenant.url, calls_per_minute=CALLS_PER_MINUTE)
        report = job.send(frame(spark, STREAM), batch=30)
        checked = check(STREAM, accounts_of(report), tenant.report(), model())
    assert (tmp_path / "died").exists()
    assert checked.problems == ()


def test_a_job_that_fails_says_what_was_sent(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, url = tenant
    monkeypatch.setattr(route, "ShardTask", lambda *given: Fails(ShardTask(*given), tmp_path))
    with pytest.raises(WriteError, match="has failed or was cancelled") as raised:
        Job(tmp_path, url).send(frame(spark, STREAM[:50]), shards=2)
    assert "no more" in str(raised.value.__cause__)
    assert raised.value.report.calls == sum(sandbox.counts.values()) > 0
    assert raised.value.report.delivered > 0


def test_a_job_that_is_cancelled_sends_nothing_more_and_says_what_was_sent(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    problems: list[WriteError] = []

    def send() -> None:
        try:
            Job(tmp_path, url).send(frame(spark, STREAM), shards=2, calls_per_minute=1_200, workers=1)
        except WriteError as error:
            problems.append(error)

    job = InheritableThread(target=send)
    job.start()
    while sandbox.counts.get("upsert person", 0) < 3:
        time.sleep(0.02)
    spark.sparkContext.cancelAllJobs()
    job.join()
    made = sum(sandbox.counts.values())
    time.sleep(0.5)  # in which ten calls might be made
    assert [error.report.calls for error in problems] == [made] == [sum(sandbox.counts.values())]


def test_a_wrong_key_ends_the_job_without_showing_it(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    _, url = tenant
    settings = {**SETTINGS, "accessKey": "not-the-key"}
    job = Job(tmp_path, url, settings)
    events = [*STREAM[:20], {"type": "page"}]
    with pytest.raises(PySparkException, match="CredentialsError") as raised:
        job.write(frame(spark, events, partitions=1))
    assert "not-the-key" not in str(raised.value)
    assert len(job.letters()) == len(events)
    with pytest.raises(WriteError, match="CredentialsError") as ended:
        by_shard(frame(spark, events), settings, 2, base_url=url, **FREE)
    report = ended.value.report
    assert (report.events, report.skipped, report.not_tried + report.failed) == (21, 1, 20)
    assert report.dead_letters.count() == 20
    assert report.calls <= 3 * 4  # of each sender, those that were under way
    assert "not-the-key" not in str(ended.value) + str(accounts_of(report))


def test_dead_letters_that_cannot_be_written_are_in_the_report(
    spark: SparkSession, tenant: tuple[Sandbox, str]
) -> None:
    with pytest.raises(WriteError, match="the dead letters cannot be written") as raised:
        by_shard(frame(spark, ["{"]), CONFIG, base_url=tenant[1], failed="nowhere://at/all", **FREE)
    (row,) = raised.value.report.dead_letters.collect()
    assert row.letter.startswith('{"message": "{"')


def test_options_that_are_wrong_are_told_before_anything_is_read(spark: SparkSession, tmp_path: Path) -> None:
    """Those of one way to be wrong are in test_spark_parts.py."""
    job = Job(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(PySparkException) as raised:
        job.write(frame(spark, STREAM[:1]), config="missing.json", shard="4", shards="none", batch="0")
    for problem in (
        "config: the file cannot be read: No such file or directory",
        "shard: there is no such option. Did you mean shards?",
        "shards: must be a whole number from 1",
        "batch: must be a whole number from 1",
    ):
        assert problem in str(raised.value)


def test_overwriting_and_other_columns_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    job = Job(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(PySparkException, match="not overwritten"):
        frame(spark, []).write.format("gainsight").options(**job.options).mode("overwrite").save()
    with pytest.raises(PySparkException, match="a column 'event' is needed"):
        job.write(spark.range(1))
    with pytest.raises(ValueError, match="must be JSON text, a struct, a map or a variant, not bigint"):
        transform_events(spark.range(1).withColumnRenamed("id", "event"), CONFIG)


def test_events_in_several_partitions_are_for_by_shard(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    with pytest.raises(PySparkException, match=r"write df\.coalesce\(1\), or use by_shard\(df, config\) instead"):
        Job(tmp_path, tenant[1]).write(frame(spark, ["{"] * 8))
    assert sum(tenant[0].counts.values()) == 0


def test_spark_4_0_has_partitions_by_hash_alone(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ClassicDataFrame.__mro__:
        if "repartitionById" in vars(kind):
            monkeypatch.delattr(kind, "repartitionById")
    df = spark.range(1000).select((F.col("id") % 7).cast("int").alias("part"))
    rows = spread(df, 7, "part").select("part", F.spark_partition_id().alias("place")).distinct().collect()
    assert sorted((row.part, row.place) for row in rows) == [(number, number) for number in range(7)]


def test_failed_events_are_sent_again_as_they_stand(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    job = Job(tmp_path, url)
    job.write(frame(spark, [STREAM[0], "{", {"type": "identify", "messageId": "x", "traits": {}}], partitions=1))
    (file,) = job.failed.glob("*.ndjson")
    fixed = file.read_text("utf8").replace('"traits": {}', '"traits": {"email": "x@example.com"}')
    (tmp_path / "fixed.ndjson").write_text(fixed.replace('"message": "{"', '"message": {"type": "page"}'), "utf8")
    again = Job(tmp_path / "again", url)
    again.write(spark.read.text(str(tmp_path / "fixed.ndjson")).withColumnRenamed("value", "event"))
    assert again.letters() == []
    assert "x@example.com" in {person["Email"] for person in sandbox.people}


def test_shards_a_config_and_a_journal_that_cannot_be_are_refused_at_once(spark: SparkSession) -> None:
    with pytest.raises(ConfigError):
        by_shard(frame(spark, []), {"domain": "localhost"})
    with pytest.raises(ValueError, match="journal: must be an absolute path"):
        by_shard(frame(spark, []), CONFIG, journal="journal")
    with pytest.raises(ValueError, match="too few for 100 shards"):
        by_shard(frame(spark, []), CONFIG, shards=100)
    with pytest.raises(ValueError, match=r"sharsd: there is no such option\. Did you mean shards\?"):
        by_shard(frame(spark, []), CONFIG, sharsd=3)
    with pytest.raises(ValueError, match="must be an absolute path, or the URL of a Redis"):
        by_shard(frame(spark, []), CONFIG, known="known.db")
    with pytest.raises(SpeculationError):
        by_shard(Speculating(frame(spark, [])), CONFIG)  # type: ignore[arg-type]


class Speculating:
    """A DataFrame of a session in which slow tasks run twice."""

    def __init__(self, df: DataFrame) -> None:
        self.schema = df.schema
        self.sparkSession = SimpleNamespace(conf={"spark.speculation": "true"})


# --- streams ----------------------------------------------------------------------------------------------------------


def arriving(spark: SparkSession, folder: Path, *parts: Sequence[Any]) -> DataFrame:
    """A stream of files, of which each micro-batch takes one."""
    folder.mkdir()
    for number, part in enumerate(parts):
        file = folder / f"{number}.txt"
        file.write_text("".join(json.dumps(event) + "\n" for event in part), "utf8")
        os.utime(file, (1_000_000 + number, 1_000_000 + number))  # Spark takes the oldest first
    return spark.readStream.option("maxFilesPerTrigger", 1).text(str(folder)).withColumnRenamed("value", "event")


def test_a_stream_is_sent_micro_batch_by_micro_batch(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    job = Job(tmp_path, url)
    stream = arriving(spark, tmp_path / "in", STREAM[:200], STREAM[200:400], STREAM[400:])
    query = (
        stream.repartition(3)
        .coalesce(1)
        .writeStream.format("gainsight")
        .options(**job.options, checkpointLocation=str(tmp_path / "checkpoint"))
        .queryName("events")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    assert {file.name for file in job.journal.glob("*.db")} == {
        f"{query.id}.{2:09}.{name}.db" for name in ("all", "companies")
    }
    assert ids_of(job.letters()) == failing()
    assert holds_what_the_model_says(sandbox)


def holds_what_the_model_says(sandbox: Sandbox) -> bool:
    """Where no call failed."""
    held = sandbox.as_data()
    counts = [len(held[name]) for name in ("companies", "people", "events")]
    return counts == [len(model().held[name]) for name in ("companies", "people", "events")]


def test_a_micro_batch_that_is_run_again_after_a_restart_sends_nothing_twice(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    job = Job(tmp_path, url)
    df = arriving(spark, tmp_path / "in", STREAM)
    options = {**job.options, "checkpointLocation": str(tmp_path / "checkpoint")}

    def run() -> None:
        df.writeStream.format("gainsight").options(**options).trigger(availableNow=True).start().awaitTermination()

    run()
    made = sum(sandbox.counts.values())
    for file in (tmp_path / "checkpoint/commits").iterdir():  # as if Spark had died before it noted the end
        file.unlink()
    run()
    assert sum(sandbox.counts.values()) == made > 0
    assert holds_what_the_model_says(sandbox)


def test_a_stream_goes_to_shards_by_foreach_batch(
    spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    job = Job(tmp_path, url)
    with pytest.raises(ValueError, match="a stream is routed in foreachBatch"):
        by_shard(arriving(spark, tmp_path / "none"), CONFIG, 2)

    def send(df: DataFrame, _: int) -> None:
        job.send(df, shards=2)

    stream = arriving(spark, tmp_path / "in", STREAM[:300], STREAM[300:])
    options = {"checkpointLocation": str(tmp_path / "checkpoint")}
    stream.writeStream.foreachBatch(send).options(**options).trigger(availableNow=True).start().awaitTermination()
    assert holds_what_the_model_says(sandbox)


@pytest.mark.parametrize("store", ["sqlite", pytest.param("redis", marks=pytest.mark.again)])
def test_two_streams_that_share_a_store_lose_and_double_nothing(
    store: str, spark: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    """Of the same companies and people, at the same time; the second has some of the first one's track events."""
    sandbox, url = tenant
    others = [
        {**event, "messageId": f"other-{event['messageId']}"} for event in STREAM[:200] if event["type"] != "track"
    ]
    others += [event for event in STREAM[:200] if event["type"] == "track"]
    reports: list[WriteReport] = []
    with ExitStack() as opened:
        known = str(tmp_path / "known.db")
        if store == "redis":
            need("redis")
            need("redis-server")
            place = opened.enter_context(closing(OnServer(opened.enter_context(RedisServer()))))
            known = place.where

        def send(df: DataFrame, _: int) -> None:
            reports.append(by_shard(df, CONFIG, 2, known=known, base_url=url, **FREE))

        queries = [
            arriving(spark, tmp_path / name, *parts)
            .writeStream.foreachBatch(send)
            .option("checkpointLocation", str(tmp_path / f"checkpoint-{name}"))
            .trigger(availableNow=True)
            .start()
            for name, parts in (("one", [STREAM[:300], STREAM[300:]]), ("two", [others]))
        ]
        for query in queries:
            query.awaitTermination()
    assert holds_what_the_model_says(sandbox)
    assert sum(report.calls for report in reports) == sum(sandbox.counts.values())
    assert sum(report.events for report in reports) == len(STREAM) + len(others)
    assert not any(report.not_tried for report in reports)


# --- where a task may run twice at once -------------------------------------------------------------------------------


@pytest.fixture
def speculating(spark: SparkSession) -> Iterator[SparkSession]:
    """Spark, whose tasks are told what they are told where slow tasks run twice. It runs none twice."""
    lets_through = "spark.sql.legacy.setCommandRejectsSparkCoreConfs"  # settings that the start alone can change
    spark.conf.set(lets_through, "false")
    spark.conf.set("spark.speculation", "true")
    yield spark
    spark.conf.unset("spark.speculation")
    spark.conf.unset(lets_through)


def test_nothing_is_sent_where_a_task_may_run_twice(
    speculating: SparkSession, tenant: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = tenant
    job = Job(tmp_path, url)
    with pytest.raises(SpeculationError):
        job.send(frame(speculating, PEOPLE[:2]), shards=2)
    with pytest.raises(PySparkException, match=r"spark\.speculation is on: Spark would run a slow task twice"):
        job.write(frame(speculating, PEOPLE[:2], partitions=1))
    assert sandbox.people == []


SPECULATION = """
import json, sys
from pyspark.sql import SparkSession
from gainsight_dest.spark import GainsightDataSource, by_shard

config, url, settings = sys.argv[1:]
builder = SparkSession.builder.master("local[1]").config(map=json.loads(settings))
spark = builder.config("spark.speculation", "true").getOrCreate()
spark.dataSource.register(GainsightDataSource)
df = spark.sql("SELECT '{\\"type\\": \\"identify\\", \\"traits\\": {\\"email\\": \\"a@b.co\\"}}' AS event")
try:
    by_shard(df, {"domain": "acme.co"}, 2)
except Exception as error:
    print(type(error).__name__)
try:
    df.write.format("gainsight").options(config=config, base_url=url).mode("append").save()
except Exception as error:
    print("spark.speculation is on: Spark would run a slow task twice" in str(error))
"""


#: What takes long and says little more than another test, as a second Java does.
in_ci_only = pytest.mark.skipif("CI" not in os.environ, reason="it takes ten seconds, for a second Java: in CI only")


@in_ci_only
@pytest.mark.usefixtures("spark")  # which skips where there is no Java
def test_speculation_is_refused(tenant: tuple[Sandbox, str], tmp_path: Path) -> None:
    sandbox, url = tenant
    (tmp_path / "config.json").write_text(json.dumps(SETTINGS), "utf8")
    here = dict.fromkeys(("spark.driver.host", "spark.driver.bindAddress"), "127.0.0.1")  # no name is looked up
    settings = {**QUICK_SPARK, **here, "spark.driver.extraJavaOptions": QUICK_JAVA}
    done = subprocess.run(
        [sys.executable, "-c", SPECULATION, str(tmp_path / "config.json"), url, json.dumps(settings)],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LAUNCHER_OPTS": QUICK_JAVA},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["SpeculationError", "True"]
    assert sandbox.people == []
