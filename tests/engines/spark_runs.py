"""DataFrames, and sources of them, for the tests of Spark. Workers of Spark's import this, so it imports little."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from gainsight_dest.deliver.patience import Patience
from gainsight_dest.spark import GainsightDataSource

#: For a tenant that fails now and then: what is tried again is so at once.
IMPATIENT = Patience(longest_wait=0.01)


def frame(spark: SparkSession, stream: Iterable[Any], partitions: int = 2) -> DataFrame:
    """The events as JSON text, in so many partitions."""
    texts = [each if each is None or isinstance(each, str) else json.dumps(each) for each in stream]
    table = pa.table({"event": pa.array(texts, pa.string())})  # tuples would take workers of another kind
    return spark.createDataFrame(table).repartition(partitions)


class Impatient(GainsightDataSource):
    """It tries again at once: an option for that there is not."""

    @classmethod
    def name(cls) -> str:
        return "impatient"

    def writer(self, schema: StructType, overwrite: bool) -> Any:
        writer: Any = super().writer(schema, overwrite)
        options = writer.delivery.options
        shards = attrs.evolve(options.shards, patience=IMPATIENT)
        writer.delivery = attrs.evolve(writer.delivery, options=attrs.evolve(options, shards=shards))
        return writer


class DiesOnce(GainsightDataSource):
    """One of its tasks ends at once, once, when it has been given some of its rows."""

    @classmethod
    def name(cls) -> str:
        return "dies once"

    def writer(self, schema: StructType, overwrite: bool) -> Any:
        writer: Any = super().writer(schema, overwrite)
        writer.delivery = DyingDelivery(writer.delivery, Path(self.options["journal"]) / "died")
        return writer


class DyingDelivery(NamedTuple):
    delivery: Any
    marker: Path

    def take(self, batches: Iterator[pa.RecordBatch], job: str) -> Any:
        return self.delivery.take(self._some(batches), job)

    def _some(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch.slice(0, 40)
            self.marker.parent.mkdir(exist_ok=True)
            if not self.marker.exists():
                self.marker.touch()
                os._exit(1)
            yield batch.slice(40)

    def commit(self, messages: Any, job: str) -> None:
        self.delivery.commit(messages, job)
