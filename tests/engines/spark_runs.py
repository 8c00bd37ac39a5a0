"""DataFrames, and sources of them, for the tests of Spark. Workers of Spark's import this, so it imports little."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import attrs
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from gainsight_dest.deliver.patience import Patience
from gainsight_dest.spark import GainsightDataSource
from gainsight_dest.spark.sending import ShardTask
from gainsight_dest.spark.task import Task

#: For a tenant that fails now and then: what is tried again is so at once.
IMPATIENT = Patience(longest_wait=0.01)


def frame(spark: SparkSession, stream: Iterable[Any], partitions: int = 2) -> DataFrame:
    """The events as JSON text, in so many partitions."""
    texts = [each if each is None or isinstance(each, str) else json.dumps(each) for each in stream]
    table = pa.table({"event": pa.array(texts, pa.string())})  # tuples would take workers of another kind
    return spark.createDataFrame(table).repartition(partitions)


class Changed(GainsightDataSource):
    """The library's own, but for its name and for how it delivers."""

    called: ClassVar[str]

    @classmethod
    def name(cls) -> str:
        return cls.called

    def writer(self, schema: StructType, overwrite: bool) -> Any:
        writer: Any = super().writer(schema, overwrite)
        writer.delivery = self.changed(writer.delivery)
        return writer

    def changed(self, delivery: Any) -> Any:
        """How it delivers, made from how the library does."""
        raise NotImplementedError


class Impatient(Changed):
    """It tries again at once: an option for that there is not."""

    called = "impatient"

    def changed(self, delivery: Any) -> Any:
        shards = attrs.evolve(delivery.options.shards, patience=IMPATIENT)
        return attrs.evolve(delivery, options=attrs.evolve(delivery.options, shards=shards))


class Odd(NamedTuple):
    """A task of by_shard's, of which something is odd. It takes the place of ShardTask, and pickles."""

    task: ShardTask
    folder: Path

    @property
    def settings(self) -> Any:
        return self.task.settings

    @property
    def journal(self) -> Any:
        return self.task.journal

    @property
    def driver(self) -> Any:
        return self.task.driver

    def __call__(self, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return self.task(self.changed(rows))

    def changed(self, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows, or something else."""
        raise NotImplementedError


class DiesOnce(Odd):
    """The first one ends at once when it has been given some of its rows."""

    def changed(self, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield batch.slice(0, 40)
            with suppress(FileExistsError):
                (self.folder / "died").touch(exist_ok=False)
                os._exit(1)
            yield batch.slice(40)


class Fails(Odd):
    """That of the second shard fails whenever it is run, once the others have sent."""

    def changed(self, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from rows
        if Task.current().partition == 1:
            raise ArithmeticError("no more")
