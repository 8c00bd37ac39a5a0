"""The writer "gainsight" of Spark's, for batches and for streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pyarrow as pa
from pyspark.sql import datasource
from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, DataSourceStreamWriter
from pyspark.sql.types import StructType

from gainsight_dest.deliver.engines import ALONE
from gainsight_dest.spark.options import settings_of
from gainsight_dest.spark.report import WriteReport, log
from gainsight_dest.spark.rows import check_event_column
from gainsight_dest.spark.sending import Delivery, Messages
from gainsight_dest.spark.task import new_job, stream_name


class GainsightDataSource(DataSource):
    """`spark.dataSource.register(GainsightDataSource)`, then `df.write.format("gainsight")`, or `df.writeStream`.

    The rows have their events in a column `event`, and are in one partition, whose task sends them: `df.coalesce(1)`.
    Options: see `gainsight_dest.deliver.settings`. For more than one task can send: `by_shard`.
    """

    @classmethod
    def name(cls) -> str:
        """What `format` calls it."""
        return "gainsight"

    def writer(self, schema: StructType, overwrite: bool) -> BatchWriter:  # noqa: FBT001 - the signature is Spark's
        """The writer of a batch job. Raises OptionsError, ValueError."""
        return BatchWriter(_delivery(self.options, schema, overwrite=overwrite))

    def streamWriter(self, schema: StructType, overwrite: bool) -> StreamWriter:  # noqa: FBT001, N802 - the same
        """The writer of a stream. Raises OptionsError, ValueError."""
        return StreamWriter(_delivery(self.options, schema, overwrite=overwrite))


def _delivery(options: Any, schema: StructType, *, overwrite: bool) -> Delivery:
    if overwrite:
        raise ValueError('what is in Gainsight is not overwritten: use mode("append"), or outputMode("append")')
    check_event_column(schema)
    settings = settings_of(dict(options))
    if settings.shards.known is None:
        log.warning("%s", ALONE)
    return Delivery(settings)


@attrs.define
class _Writer:
    delivery: Delivery
    #: The job in the names of files: when it began, and something that no other has.
    job: str = attrs.field(factory=new_job)

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriteReport:
        """What a task does with its rows."""
        return self.delivery.take(iterator, self.job)

    def commit(self, messages: Messages, batchId: int | None = None) -> None:  # noqa: N803 - Spark's, as below
        """Report what was sent in the log. Raises WriteError if it is not all."""
        self.delivery.commit(messages, self._name(batchId))

    def abort(self, messages: Messages, batchId: int | None = None) -> None:  # noqa: N803
        """Report what was sent, as far as it is known: what was sent stays sent."""
        self.delivery.abort(messages, self._name(batchId))

    def _name(self, batch: int | None) -> str:
        """That of the job, or of its micro-batch."""
        return self.job if batch is None else stream_name(self.job, batch)


class BatchWriter(_Writer, DataSourceArrowWriter):
    """The writer of a batch job."""


#: Spark 4.0 has none that is given Arrow's batches; it gives them to whatever is of the second class, too.
_StreamWriter: Any = getattr(
    datasource,
    "DataSourceStreamArrowWriter",
    type("_StreamWriter", (DataSourceStreamWriter, DataSourceArrowWriter), {}),
)


class StreamWriter(_Writer, _StreamWriter):  # type: ignore[misc]
    """The writer of the micro-batches of a stream."""
