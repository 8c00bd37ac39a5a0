"""Who sends the events that a writer is given: the tasks, if by_shard has routed them, or else the driver.

Spark tells a writer neither how many partitions there are nor what is in the others. Two tasks that each look for a
new company would both create it, and both take the tenant's calls for their own. So a task sends only what was routed
to it; what was not, it hands to the driver, which is one.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import attrs
import pyarrow as pa
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.engines import ParsedEvent, parsed
from gainsight_dest.deliver.shards import SavedGroup
from gainsight_dest.known.known import StoreError
from gainsight_dest.outcome import outcome_record
from gainsight_dest.spark.options import WriterOptions
from gainsight_dest.spark.report import Keep, WriteReport, dead_letters, save_report
from gainsight_dest.spark.route import route_of
from gainsight_dest.spark.rows import read
from gainsight_dest.spark.task import Task, file_name, journal_file, shard_name

log = logging.getLogger("gainsight_dest.spark")

Messages = Sequence[WriterCommitMessage | None]
#: A routed row, and its event.
_Row = tuple[dict[str, Any], ParsedEvent]

_MISROUTED = {
    "route": "events are routed for {}, and written with options for {}: give by_shard and the writer the same",
    "shard": "an event of shard {} is in partition {}: write what by_shard gives as it is, without a further shuffle",
}


@attrs.frozen
class TaskDelivery:
    """Each task sends the events of one shard."""

    options: WriterOptions

    def take(self, batches: Iterator[pa.RecordBatch], job: str) -> WriteReport:
        """In a task: send its rows. Raises CredentialsError, JournalError, StoreError, SpeculationError, ValueError."""
        task = Task.current()
        report, shard = WriteReport(task.stream or job), shard_name(task.partition)
        rows = self._rows(batches, task)
        first = [*islice(rows, 1)]
        if not first:  # there may be more partitions than shards, if it was routed for others
            return report
        journal = journal_file(self.options.journal, task.stream, shard)
        waiting: deque[ParsedEvent] = deque()
        with (
            self.options.shards.shard(task.partition) as sender,
            dead_letters(self.options.failed, file_name(report.name, shard), str(task.attempt)) as keep,
        ):
            items = _items(chain(first, rows), waiting, report, keep)
            try:
                for outcome in sender.deliver(items, journal):
                    report.add(waiting.popleft().raw, outcome_record(outcome), keep)
            except BaseException:  # the driver hears nothing of a task that fails
                log.warning("%s ended early: %s", file_name(report.name, shard), report)
                raise
            report.waited = sender.deliverer.waited
        return report

    def _rows(self, batches: Iterator[pa.RecordBatch], task: Task) -> Iterator[_Row]:
        wanted = {"route": route_of(self.options.shards), "shard": task.partition}
        for batch in batches:
            for name, value in wanted.items():  # before any of them is sent
                if others := {*batch.column(name).to_pylist()} - {value}:
                    raise ValueError(_MISROUTED[name].format(others.pop(), value))
            yield from zip(batch.to_pylist(), read(batch), strict=True)

    def commit(self, messages: Messages, job: str) -> None:
        """On the driver: report what the tasks have sent."""
        _end(self.options, WriteReport.of(messages, job), is_committed=True)

    def abort(self, messages: Messages, job: str) -> None:
        """On the driver: report what was sent, as far as it is known. What was sent stays sent."""
        missing = sum(message is None for message in messages)
        asked = f": {self.options.journal} may" if self.options.journal else ""
        unknown = f"; {missing} tasks cannot tell what they sent{asked}" if missing else ""
        _end(self.options, WriteReport.of(messages, job), is_committed=False, missing=missing, unknown=unknown)


def _items(rows: Iterable[_Row], waiting: deque[ParsedEvent], report: WriteReport, keep: Keep) -> Iterator[Any]:
    """The events to send, each `waiting` for its outcome; those whose company could not be saved have theirs."""
    for row, found in rows:
        report.unread += UnreadTimes.of(row["unread"])
        if row["outcome"] is not None:
            report.add(found.raw, json.loads(row["outcome"]), keep)
        else:
            waiting.append(found)
            saved = row["gsid"], row["calls"], row["unchanged"]
            yield found.event if row["gsid"] is None else SavedGroup(found.event, *saved)


@attrs.frozen
class TaskEvents(WriterCommitMessage):
    """The events of a task, for the driver to send: JSON texts, or what should be one, and None."""

    stream: str | None
    packed: bytes

    @classmethod
    def of(cls, stream: str | None, found: Iterable[ParsedEvent]) -> TaskEvents:
        """Packed, as they go through the memory of the driver's JVM, which takes a gigabyte by default."""
        return cls(stream, zlib.compress(json.dumps([each.as_text() for each in found]).encode("ascii"), 1))

    def texts(self) -> list[str | None]:
        """As they were."""
        texts: list[str | None] = json.loads(zlib.decompress(self.packed))
        return texts


class _Events(Sequence[Any]):
    """Events that are kept as text, which takes less memory than an object does, and parsed when they are needed."""

    def __init__(self, texts: Iterable[str | None]) -> None:
        #: Sorted, for a shuffle promises no order, and a journal knows an event by its place.
        self._texts = sorted(texts, key=lambda text: text or "")

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        return self.parsed(index).event

    def parsed(self, index: int) -> ParsedEvent:
        """The event, and its text."""
        return parsed(self._texts[index])


@attrs.frozen
class DriverDelivery:
    """The tasks read, and the driver sends: all by one sender."""

    options: WriterOptions

    def take(self, batches: Iterator[pa.RecordBatch], _: str) -> TaskEvents:
        """In a task: hand its rows on. Raises SpeculationError."""
        task = Task.current()
        return TaskEvents.of(task.stream, (found for batch in batches for found in read(batch)))

    def commit(self, messages: Messages, job: str) -> None:
        """On the driver: send all, and report. Raises CredentialsError, JournalError, StoreError."""
        given = [message for message in messages if isinstance(message, TaskEvents)]
        stream = given[0].stream if given else None
        report = WriteReport(stream or job)
        try:
            sender = self.options.shards.alone()
        except StoreError:
            _end(self.options, report, is_committed=False)
            raise
        is_committed = False
        try:
            with sender, dead_letters(self.options.failed, report.name, "driver") as keep:
                events = _Events(chain.from_iterable(each.texts() for each in given))
                journals = (journal_file(self.options.journal, stream, name) for name in ("companies", "driver"))
                for outcome in sender.deliver_all(events, *journals):
                    report.add(events.parsed(outcome.index).raw, outcome_record(outcome), keep)
            is_committed = True
        finally:
            report.waited, report.unread = sender.deliverer.waited, sender.unread
            if not is_committed:
                report.calls = sender.deliverer.calls  # with those for companies whose people have no outcome yet
            _end(self.options, report, is_committed=is_committed)

    def abort(self, messages: Messages, job: str) -> None:
        """On the driver: report that nothing was sent. If it was `commit` that failed, that has reported."""
        missing = sum(message is None for message in messages)
        if missing:
            _end(self.options, WriteReport(job), is_committed=False, missing=missing)


def _end(
    options: WriterOptions, report: WriteReport, *, is_committed: bool, missing: int = 0, unknown: str = ""
) -> None:
    """Report how it ended, in the log and beside the failed events. `missing`: tasks that failed."""
    if is_committed:
        log.log(logging.WARNING if report.failed else logging.INFO, "%s: %s", report.name, report)
    else:
        log.warning("%s ended early: %s%s", report.name, report, unknown)
    if report.unread:
        log.warning("%s: %s", report.name, report.unread)
    save_report(options.failed, report, missing=missing, is_committed=is_committed)
