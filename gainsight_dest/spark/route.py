"""The route of events to the shards that send them: companies first, by one task, then people and track events by as
many tasks as there are shards. One job of Spark's: each of its shuffles waits for all that comes before it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - so it is called in every Spark program

from gainsight_dest.deliver.call import target_of
from gainsight_dest.deliver.engines import ConfigSource, ParsedEvent
from gainsight_dest.deliver.settings import OF_SHARDS, shown_place
from gainsight_dest.deliver.shards import Shards, settings_by
from gainsight_dest.outcome import Outcome, Status, outcome_record
from gainsight_dest.spark.rows import EVENT, Batches, as_json, batches, each_event, events_only, fit, read
from gainsight_dest.spark.task import SpeculationError, Task, journal_file

#: What a row has on its way. `sender`: 0 for the companies, else 1 and the shard. `route`: what it was routed for, so
#: that it is written as it was routed. `unread`: a time of it that cannot be read. `gsid`, `calls`, `unchanged`,
#: `outcome`: of a group event, once its company is saved, or could not be.
_FIELDS = {
    EVENT: pa.string(),
    "route": pa.string(),
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
    "outcome": pa.string(),
}
_SCHEMA = pa.schema(_FIELDS)
_NAMED = {pa.string(): "string", pa.int32(): "int", pa.bool_(): "boolean"}
_COLUMNS = ", ".join(f"{name} {_NAMED[kind]}" for name, kind in _FIELDS.items())
#: What tells rows that are routed from others.
ROUTED = frozenset(_FIELDS) - {"sender", "company"}


def route_of(settings: Shards) -> str:
    """What rows are routed for: so many shards, where they are sent, and the store, if there is one."""
    known = "" if settings.known is None else f", known in {shown_place(settings.known)}"
    return f"{settings.shards} shards, {target_of(settings.config, settings.base_url)}{known}"


def by_shard(
    df: DataFrame,
    config: ConfigSource,
    shards: int = 1,
    *,
    journal: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> DataFrame:
    """The events of the column `event`, each in the partition of the shard that sends it, for the writer "gainsight".

    **To evaluate it saves companies**: it calls Gainsight each time. Write it, once; do not show, count or cache it.

    `settings`: those of `gainsight_dest.deliver.shards.Shards`, such as `calls_per_minute` and `base_url`; give the
    writer the same. `journal`: an absolute path of a folder that all executors share: what a task that is run again
    has sent is not sent again. `config`: also the path of a JSON file, or a function that gives it: it is read here,
    on the driver. Raises OptionsError, which names all that is wrong, and SpeculationError while spark.speculation is
    on.
    """
    given = {"shards": shards, "journal": journal, **settings}
    plan, others = settings_by("by_shard", config, given, (*OF_SHARDS, "journal"), is_opened=True)
    folder = others["journal"]
    if str(df.sparkSession.conf.get("spark.speculation", "false")).lower() == "true":
        raise SpeculationError
    addressed = events_only(df).mapInArrow(_addressing(plan), _COLUMNS)
    of_companies = _in_order(spread(addressed, 1 + shards, "sender"), "company")
    saved = of_companies.mapInArrow(partial(_with_companies, settings=plan, folder=folder), _COLUMNS)
    return _in_order(spread(saved, shards, "shard"), "key").drop("sender", "company")


def spread(df: DataFrame, partitions: int, column: str) -> DataFrame:
    """Each row in the partition that its column says, from 0. Writer and companies' sender check it."""
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
    if df.isStreaming:  # Spark sorts no stream: the writer does
        raise ValueError("a stream is routed in foreachBatch: call by_shard there, with the DataFrame that it is given")
    return df.sortWithinPartitions(key, "moment", "message_id", EVENT)


def _addressing(settings: Shards) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    return each_event(partial(_addressed, settings=settings, route=route_of(settings)), _SCHEMA)


def _addressed(found: ParsedEvent, settings: Shards, route: str) -> dict[str, Any]:
    place = settings.place(found.event)
    texts = {name: fit(text) for name, text in place._asdict().items() if name != "shard"}
    row = {EVENT: found.as_text(), "route": route, "shard": place.shard, "sender": 1 + place.sender}
    return {**row, **texts}


def _with_companies(rows: Iterable[pa.RecordBatch], settings: Shards, folder: Path | None) -> Batches:
    """What a task does with its rows: the first one saves the companies of its own."""
    task = Task.current()
    checked = (_of_sender(task.partition, batch) for batch in rows)
    if task.partition != 0:
        yield from checked
        return
    with settings.companies() as sender:
        waiting: deque[dict[str, Any]] = deque()
        outcomes = sender.save_companies(_groups(checked, waiting), journal_file(folder, task.stream, "companies"))
        yield from batches(({**waiting.popleft(), **_saved(outcome)} for outcome in outcomes), _SCHEMA)


def _of_sender(number: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows as they are. Raises RuntimeError for one that another sender should have."""
    if {*batch.column("sender").to_pylist()} - {number}:
        raise RuntimeError("Spark has put events into other partitions than it was asked to: none of them was sent")
    return batch


def _groups(rows: Iterable[pa.RecordBatch], waiting: deque[dict[str, Any]]) -> Iterator[Any]:
    """The group events; `waiting` keeps their rows until their outcomes are known."""
    for batch in rows:
        for row, found in zip(batch.to_pylist(), read(batch), strict=True):
            waiting.append(row)
            yield found.event


def _saved(outcome: Outcome) -> dict[str, Any]:
    """What a row has more once the company of its group event is saved, or could not be."""
    if outcome.is_through:
        return {"gsid": outcome.gsid, "calls": outcome.calls, "unchanged": outcome.status is Status.UNCHANGED}
    return {"outcome": as_json(outcome_record(outcome)), "calls": outcome.calls}
