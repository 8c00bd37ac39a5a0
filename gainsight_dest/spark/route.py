"""Delivery by shards: companies first, by one task, then people and track events by as many tasks as there are shards.

One action of Spark's: each of its shuffles waits for all that comes before it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - so it is called in every Spark program

from gainsight_dest.deliver.call import target_of
from gainsight_dest.deliver.engines import ALONE, ConfigSource, ParsedEvent
from gainsight_dest.deliver.settings import OF_SHARDS
from gainsight_dest.deliver.shards import Shards, settings_by
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.outcome import Outcome, Status, outcome_record
from gainsight_dest.outcome import known as outcome_of
from gainsight_dest.spark.beats import COUNTS, Listener, beating
from gainsight_dest.spark.report import WriteError, WriteReport
from gainsight_dest.spark.rows import EVENT, Batches, as_json, batches, each_event, events_only, fit, read
from gainsight_dest.spark.sending import OUTCOME_COLUMNS, ShardTask, why
from gainsight_dest.spark.task import SpeculationError, Task, forget_before, journal_file, new_job

log = logging.getLogger("gainsight_dest.spark")

#: What a row has on its way. `sender`: 0 for the companies, else 1 and the shard. `unread`: a time of it that cannot be
#: read. `gsid`, `calls`, `unchanged`, `reason`, `outcome`: of a group event, once its company is saved, or cannot be.
#: `ended`: why the companies' task ended before it came to this one.
_FIELDS = {
    EVENT: pa.string(),
    "sender": pa.int32(),
    "shard": pa.int32(),
    "company": pa.string(),
    "key": pa.string(),
    "moment": pa.string(),
    "message_id": pa.string(),
    "unread": pa.string(),
    "gsid": pa.string(),
    "calls": pa.int32(),
    "unchanged": pa.bool_(),
    "reason": pa.string(),
    "outcome": pa.string(),
    "ended": pa.string(),
}
_SCHEMA = pa.schema(_FIELDS)
_NAMED = {pa.string(): "string", pa.int32(): "int", pa.bool_(): "boolean"}
_COLUMNS = ", ".join(f"{name} {_NAMED[kind]}" for name, kind in _FIELDS.items())
#: Their sender, in the names of files.
_COMPANIES = "companies"
#: Whether Spark compares what a task gives with what it gave when it was run before.
_COMPARES = tuple(
    f"spark.sql.shuffle.orderIndependentChecksum.{name}"
    for name in ("enabled", "enableFullRetryOnMismatch", "enableQueryLevelRollbackOnMismatch")
)
#: By what Spark shows a job.
_DESCRIPTION = "spark.job.description"


def by_shard(
    df: DataFrame,
    config: ConfigSource,
    shards: int = 1,
    *,
    failed: str | os.PathLike[str] | None = None,
    journal: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> WriteReport:
    """Deliver the events of the column `event` by so many tasks, and say what was sent. An action: it sends now.

    `settings`: see `gainsight_dest.deliver.settings.OPTIONS`. `failed`: where Spark writes the dead letters, any path
    that it knows; nothing is written if there are none. `journal`: an absolute path of a folder that all executors
    share: what a task that is run again has sent is not sent again. `config`: also the path of a JSON file, or a
    function that gives it: it is read here, on the driver.

    Raises OptionsError, which names all that is wrong, SpeculationError while spark.speculation is on, and WriteError,
    whose `report` says what was sent, where that is not all: a wrong key, a tenant that answers no more, a job that was
    cancelled or has failed.
    """
    given = {"shards": shards, "journal": journal, **settings}
    plan, others = settings_by("by_shard", config, given, (*OF_SHARDS, "journal"), is_opened=True)
    spark = df.sparkSession
    if str(spark.conf.get("spark.speculation", "false")).lower() == "true":
        raise SpeculationError
    if df.isStreaming:
        raise ValueError("a stream is routed in foreachBatch: call by_shard there, with the DataFrame that it is given")
    if plan.known is None:
        log.warning("%s", ALONE)
    job, senders = new_job(), f"{plan.shards} shard{'s' * (plan.shards > 1)}"
    with ExitStack() as opened:
        ear = opened.enter_context(_listening(spark))
        opened.enter_context(_tolerant(spark))
        opened.enter_context(
            _described(spark, f"gainsight: send to {target_of(plan.config, plan.base_url)} by {senders}")
        )
        try:
            rows = _sent(
                df, ShardTask(plan, job, others["journal"], None if ear is None else ear.driver)
            ).localCheckpoint()
            words = [row.report for row in rows.where("report is not null").select("report").collect()]
        except BaseException as error:  # Ctrl-C, too
            counts: Mapping[str, Any] = {} if ear is None else ear.last_words()
            report = WriteReport(job, **counts, ended="the Spark job has failed or was cancelled")
            report.tell(report.ended)
            if isinstance(error, Exception):
                raise WriteError(report, report.ended) from error
            raise
    report = WriteReport.of((WriteReport.from_data(json.loads(word)) for word in words), job)
    report.outcomes = rows.where("report is null").drop("report")
    report.tell(report.ended)
    if failed is not None and report.failed + report.not_tried:
        try:
            report.dead_letters.write.mode("append").text(os.fspath(failed))
        except Exception as error:
            raise WriteError(
                report, "all was sent, but the dead letters cannot be written: they are in .report"
            ) from error
    if report.ended:
        raise WriteError(report, report.ended)
    return report


def _sent(df: DataFrame, task: ShardTask) -> DataFrame:
    """The outcomes of the events. It calls Gainsight whenever it is evaluated."""
    plan = task.settings
    addressed = events_only(df).mapInArrow(_addressing(plan), _COLUMNS)
    of_companies = _in_order(spread(addressed, 1 + plan.shards, "sender"), "company")
    saved = of_companies.mapInArrow(partial(_with_companies, task=task), _COLUMNS)
    return _in_order(spread(saved, plan.shards, "shard"), "key").mapInArrow(
        partial(_of_shard, task=task), OUTCOME_COLUMNS
    )


@contextmanager
def _described(spark: SparkSession, text: str) -> Iterator[None]:
    """Jobs that begin here are shown by that text. Spark Connect has no context to say it to."""
    context = getattr(spark, "sparkContext", None)
    if context is None:
        yield
        return
    before = context.getLocalProperty(_DESCRIPTION)
    context.setLocalProperty(_DESCRIPTION, text)
    try:
        yield
    finally:
        context.setLocalProperty(_DESCRIPTION, before)


@contextmanager
def _tolerant(spark: SparkSession) -> Iterator[None]:
    """Rows of a task that is run again may differ: a company that it created before is found then, with fewer calls.

    Spark 4.1 and later compare them, and would fail the job, or send all shards again. Each of them is right.
    """
    before = {name: spark.conf.get(name, None) for name in _COMPARES}
    for name in _COMPARES:
        spark.conf.set(name, "false")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, value)


@contextmanager
def _listening(spark: SparkSession) -> Iterator[Listener | None]:
    """What hears the tasks, at the address by which executors reach the driver anyway; None where it cannot."""
    context = getattr(spark, "sparkContext", None)
    conf = None if context is None else context.getConf()
    host = None if conf is None else conf.get("spark.driver.host")
    if conf is None or host is None:
        yield None
        return
    try:
        ear = Listener(host, conf.get("spark.driver.bindAddress", host) or host)
    except OSError as error:
        log.warning("the driver cannot hear what the tasks send: %s", error)
        yield None
        return
    with ear:
        yield ear


def spread(df: DataFrame, partitions: int, column: str) -> DataFrame:
    """Each row in the partition that its column says, from 0. The tasks check it."""
    if hasattr(df, "repartitionById"):
        return df.repartitionById(partitions, F.col(column))
    # Spark 4.0 has only partitions by hash: of numbers enough, the first one that falls into each partition.
    numbers = df.sparkSession.range(100 * partitions)
    place = F.pmod(F.hash("id"), F.lit(partitions)).alias("place")
    first = {row.place: row.id for row in numbers.groupBy(place).agg(F.min("id").alias("id")).collect()}
    keys = F.array(*(F.lit(first[place]).cast("bigint") for place in range(partitions)))
    return df.repartition(partitions, F.get(keys, F.col(column)))


def _in_order(df: DataFrame, key: str) -> DataFrame:
    """Ordered in each partition, alike whenever it is made: a journal knows an event by its place."""
    return df.sortWithinPartitions(key, "moment", "message_id", EVENT)


def _addressing(settings: Shards) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    return each_event(partial(_addressed, settings=settings), _SCHEMA)


def _addressed(found: ParsedEvent, settings: Shards) -> dict[str, Any]:
    place = settings.place(found.event)
    texts = {name: fit(text) for name, text in place._asdict().items() if name != "shard"}
    row = {EVENT: found.as_text(), "shard": place.shard, "sender": 1 + place.sender}
    return {**row, **texts}


def _with_companies(rows: Iterable[pa.RecordBatch], task: ShardTask) -> Batches:
    """What a task does with its rows: the first one saves the companies of its own."""
    here = Task.current()
    checked = _at("sender", here.partition, rows)
    if here.partition != 0:
        yield from checked
        return
    yield from batches(_saved_by(task, here, checked), _SCHEMA)


def _saved_by(task: ShardTask, here: Task, rows: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    waiting: dict[int, dict[str, Any]] = {}
    calls = 0
    with task.settings.companies() as sender:
        made = sender.deliverer

        def counts() -> dict[str, int]:
            return {**dict.fromkeys(COUNTS, 0), "calls": made.calls}  # the events are counted where they are linked

        with beating(task.driver, _COMPANIES, here.attempt, counts, made.stop):
            ended = None
            forget_before(task.journal, here.stream)
            try:
                for outcome in sender.save_companies(
                    _groups(rows, waiting), journal_file(task.journal, here.stream, _COMPANIES)
                ):
                    calls += outcome.calls
                    yield {**waiting.pop(outcome.index), **_saved(outcome)}
            except GainsightDestError as error:
                ended = why(error)
            for row in waiting.values():
                untried = outcome_of(0, json.loads(row[EVENT]), Status.NOT_TRIED, calls=made.calls - calls)
                calls = made.calls
                yield {**row, **_saved(untried), "ended": ended}


def _of_shard(rows: Iterable[pa.RecordBatch], task: ShardTask) -> Batches:
    """What a task does with the rows of its shard."""
    return task(_at("shard", Task.current().partition, rows))


def _at(column: str, number: int, rows: Iterable[pa.RecordBatch]) -> Batches:
    """The rows as they are. Raises RuntimeError for one that another task should have."""
    for batch in rows:
        if {*batch.column(column).to_pylist()} - {number}:
            raise RuntimeError("Spark has put events into other partitions than it was asked to: none of them was sent")
        yield batch


def _groups(rows: Iterable[pa.RecordBatch], waiting: dict[int, dict[str, Any]]) -> Iterator[Any]:
    """The group events; `waiting` keeps their rows until their outcomes are known."""
    number = 0
    for batch in rows:
        for row, found in zip(batch.to_pylist(), read(batch), strict=True):
            waiting[number] = row
            number += 1
            yield found.event


def _saved(outcome: Outcome) -> dict[str, Any]:
    """What a row has more once the company of its group event is saved, or could not be."""
    if outcome.is_through:
        is_unchanged = outcome.status is Status.UNCHANGED
        return {"gsid": outcome.gsid, "calls": outcome.calls, "unchanged": is_unchanged, "reason": outcome.reason}
    return {"outcome": as_json(outcome_record(outcome)), "calls": outcome.calls}
