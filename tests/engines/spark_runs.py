"""DataFrames, and sources of them, for the tests of Spark. Workers of Spark's import this, so it imports little."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

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


class DiesOnce(Changed):
    """One of its tasks ends at once, once, when it has been given some of its rows."""

    called = "dies once"

    def changed(self, delivery: Any) -> Any:
        return DyingDelivery(delivery, Path(self.options["journal"]) / "died")


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
