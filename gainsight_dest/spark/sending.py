"""What a task sends, and what it tells of it: the events of a shard for `by_shard`, or all that a writer is given.

What ends a delivery, such as a wrong key, does not fail the task: Spark would only run it again. The task says what was
sent, that the rest was not tried, and why, and the driver raises it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.engines import ParsedEvent, parsed
from gainsight_dest.deliver.shards import SavedGroup, Shard, Shards
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.outcome import Status, outcome_record
from gainsight_dest.outcome import known as outcome_of
from gainsight_dest.spark.beats import Counts, DriverAddress, beating
from gainsight_dest.spark.options import WriterOptions
from gainsight_dest.spark.report import COUNTED, Keep, WriteError, WriteReport, dead_letters
from gainsight_dest.spark.rows import Batches, as_json, batches, fit, read
from gainsight_dest.spark.task import Task, file_name, forget_before, journal_file, shard_name

Messages = Sequence[WriterCommitMessage | None]

_TEXT = pa.string()
#: A row for each event, and one more for each task, which has its `report` alone.
OUTCOMES = pa.schema(
    {
        "message_id": _TEXT,
        "type": _TEXT,
        "status": _TEXT,
        "attempts": pa.int32(),
        "calls": pa.int32(),
        "gsid": _TEXT,
        "reason": _TEXT,
        "error": pa.struct(
            {
                "kind": _TEXT,
                "path": _TEXT,
                "message": _TEXT,
                "status": pa.int32(),
                "code": _TEXT,
                "request_id": _TEXT,
                "attempts": pa.int32(),
            }
        ),
        "letter": _TEXT,
        "report": _TEXT,
    }
)
OUTCOME_COLUMNS = (
    "message_id string, type string, status string, attempts int, calls int, gsid string, reason string, "
    "error struct<kind: string, path: string, message: string, status: int, code: string, request_id: string, "
    "attempts: int>, letter string, report string"
)
#: So many rows go to Spark at once: few, as they show how far a task is.
_ROWS = 100


def why(error: GainsightDestError) -> str:
    """Why a delivery ended, in a line."""
    return f"{type(error).__name__}: {error}"


def letter_of(raw: Any, record: dict[str, Any]) -> dict[str, Any] | None:
    """The dead letter of an event, if it is to be sent again."""
    return None if record["error"] is None else {"message": raw, "error": record["error"]}


# --- by_shard ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class ShardTask:
    """What a task of `by_shard` needs to know. `job`: the name of it. `journal`: a folder, or None."""

    settings: Shards
    job: str
    journal: Path | None = None
    driver: DriverAddress | None = None

    def __call__(self, rows: Iterable[pa.RecordBatch]) -> Batches:
        """In a task: send the rows of its shard. Raises SpeculationError, ValueError."""
        return batches(self._told(rows), OUTCOMES, size=_ROWS)

    def _told(self, given: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
        task = Task.current()
        rows = _rows(given)
        first = [*islice(rows, 1)]
        if not first:
            return
        report, name = WriteReport(self.job), shard_name(task.partition)
        waiting: dict[int, ParsedEvent] = {}
        of_companies = 0
        done: list[dict[str, Any]] = []

        def told(found: ParsedEvent, record: dict[str, Any]) -> dict[str, Any]:
            report.add(record)
            letter = letter_of(found.raw, record)
            return {**_fitting(record), "letter": letter and as_json(letter)}

        def items() -> Iterator[Any]:
            nonlocal of_companies
            number = 0
            for row, found in chain(first, rows):
                report.unread += UnreadTimes.of(row["unread"])
                report.ended = report.ended or row["ended"] or ""
                of_companies += row["calls"] or 0
                if row["outcome"] is not None:
                    done.append(told(found, json.loads(row["outcome"])))
                    continue
                waiting[number] = found
                number += 1
                saved = row["gsid"], row["calls"], row["unchanged"], row["reason"]
                yield found.event if row["gsid"] is None else SavedGroup(found.event, *saved)

        with self.settings.shard(task.partition) as sender:
            with self._beating(sender, report, name, task.attempt):
                try:
                    for outcome in sender.deliver(items(), journal_file(self.journal, task.stream, name)):
                        yield told(waiting.pop(outcome.index), outcome_record(outcome))
                        yield from _drained(done)
                except GainsightDestError as error:
                    report.ended = report.ended or why(error)
                yield from _drained(done)
                for found in waiting.values():
                    yield told(found, _not_tried(found))
            report.waited = sender.deliverer.waited
            report.calls = max(
                report.calls, of_companies + sender.deliverer.calls
            )  # with those for what has no outcome
        yield {"report": as_json(report.as_data())}

    def _beating(self, sender: Shard, report: WriteReport, name: str, attempt: int) -> Any:
        def counts() -> Counts:
            ahead = sender.deliverer.ahead
            counted = {"events": report.events + sum(ahead.values()), "calls": sender.deliverer.calls}
            for status, counted_as in COUNTED.items():
                counted[counted_as] = getattr(report, counted_as) + sum(ahead[key] for key in ahead if key[1] == status)
            return counted

        return beating(self.driver, name, attempt, counts, sender.deliverer.stop)


def _rows(given: Iterable[pa.RecordBatch]) -> Iterator[tuple[dict[str, Any], ParsedEvent]]:
    for batch in given:
        yield from zip(batch.to_pylist(), read(batch), strict=True)


def _drained(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from rows
    rows.clear()


def _fitting(record: dict[str, Any]) -> dict[str, Any]:
    """The record, its texts as Arrow can hold them."""
    return {
        name: _fitting(value) if isinstance(value, dict) else fit(value) if isinstance(value, str) else value
        for name, value in record.items()
    }


def _not_tried(found: ParsedEvent) -> dict[str, Any]:
    return outcome_record(outcome_of(0, found.event, Status.NOT_TRIED))


# --- the writer -------------------------------------------------------------------------------------------------------


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
class Delivery:
    """How a writer delivers: one task sends all, by one sender, and the driver reports.

    A writer is not told how many partitions there are. Two tasks that each look for a new company would both create it,
    and neither would know the newest value of a person. So only the first partition may have rows.
    """

    options: WriterOptions

    def take(self, given: Iterator[pa.RecordBatch], job: str) -> WriteReport:
        """In a task: send its rows. Raises SpeculationError, and ValueError in another partition than the first."""
        task = Task.current()
        report = WriteReport(task.stream or job)
        rows = (batch for batch in given if batch.num_rows)
        if task.partition:
            if any(True for _ in rows):
                raise ValueError(PARTITIONS)
            return report
        events = _Events(found.as_text() for batch in rows for found in read(batch))
        forget_before(self.options.journal, task.stream)
        journals = (journal_file(self.options.journal, task.stream, name) for name in ("companies", "all"))
        try:
            sender = self.options.shards.alone()
        except GainsightDestError as error:
            report.ended = why(error)
            return report
        with sender, dead_letters(self.options.failed, file_name(report.name), str(task.attempt)) as keep:
            left = {*range(len(events))}
            try:
                for outcome in sender.deliver_all(events, *journals):
                    left.discard(outcome.index)
                    _add(report, events.parsed(outcome.index), outcome_record(outcome), keep)
            except GainsightDestError as error:
                report.ended = why(error)
            for index in sorted(left):
                found = events.parsed(index)
                _add(report, found, _not_tried(found), keep)
            report.waited, report.unread = sender.deliverer.waited, sender.unread
            report.calls = max(report.calls, sender.deliverer.calls)  # with those for what has no outcome
        return report

    def commit(self, messages: Messages, job: str) -> None:
        """On the driver: report what was sent. Raises WriteError if that is not all."""
        report = WriteReport.of(messages, job)
        report.tell(report.ended)
        if report.ended:
            raise WriteError(report, report.ended)

    def abort(self, messages: Messages, job: str) -> None:
        """On the driver: report what was sent, as far as it is known. If it was `commit` that failed, that has."""
        missing = sum(message is None for message in messages)
        if missing:
            WriteReport.of(messages, job).tell(f"{missing} tasks cannot tell what they sent, which stays sent")


def _add(report: WriteReport, found: ParsedEvent, record: dict[str, Any], keep: Keep) -> None:
    report.add(record)
    if letter := letter_of(found.raw, record):
        keep(letter)


PARTITIONS = (
    "the events are in several partitions, and one task alone may send, so that companies are made once and values "
    "come in order: write df.coalesce(1), or use by_shard(df, config) instead. What the first task has sent stays sent"
)
