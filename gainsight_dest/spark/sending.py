"""Who sends what a writer is given: the tasks, if by_shard has routed the events, or else the driver.

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
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pyarrow as pa
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.address import address
from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.shards import Saved, Shard
from gainsight_dest.outcome import Outcome, Status, dead_letter, outcome_record
from gainsight_dest.spark.options import Settings
from gainsight_dest.spark.route import facts, route_of
from gainsight_dest.spark.rows import Read, parsed, read
from gainsight_dest.spark.task import Task, file_name, journal_file, shard_name
from gainsight_dest.spark.told import DeadLetters, Sent, tell

log = logging.getLogger("gainsight_dest.spark")

Messages = Sequence[WriterCommitMessage | None]


_MISROUTED = {
    "route": "events are routed for {}, and written with options for {}: give by_shard and the writer the same",
    "shard": "an event of shard {} is in partition {}: write what by_shard gives as it is, without a further shuffle",
}


class Row(NamedTuple):
    """A row to send. `gsid`, `calls`: of a group event, once its company is saved; `outcome`: if it could not be.

    `unread`: a time of it that cannot be read.
    """

    found: Read
    gsid: str | None = None
    calls: int = 0
    outcome: str | None = None
    unread: str | None = None


def send(rows: Iterable[Row], sender: Shard, journal: Path | None, letters: DeadLetters, told: Sent) -> None:
    """Send them, count what became of them, and keep those that failed. Raises CredentialsError, JournalError."""
    waiting: deque[Read] = deque()

    def items() -> Iterator[Any]:
        for row in rows:
            if row.unread is not None:
                told.unread += UnreadTimes.of(row.unread)
            if row.outcome is not None:
                record = json.loads(row.outcome)
                told.add(record)
                letters.add({"message": row.found.raw, "error": record["error"]})
            else:
                waiting.append(row.found)
                yield row.found.event if row.gsid is None else Saved(row.found.event, row.gsid, row.calls)

    try:
        for outcome in sender.deliver(items(), journal):
            found = waiting.popleft()
            told.add(outcome_record(outcome))
            if outcome.status is Status.FAILED:
                letters.add(dead_letter(found.raw, outcome))
    finally:
        told.waited = sender.waited


@attrs.frozen
class InTasks:
    """Each task sends the events of one shard."""

    settings: Settings

    def take(self, batches: Iterator[pa.RecordBatch], job: str) -> Sent:
        """In a task: send its rows. Raises CredentialsError, JournalError, SpeculationError, ValueError."""
        task = Task.current()
        told, shard = Sent(task.stream or job), shard_name(task.partition)
        journal = journal_file(self.settings.journal, task.stream, shard)
        rows = self._rows(batches, task)
        first = [*islice(rows, 1)]
        if not first:  # there may be more partitions than shards, if it was routed for others
            return told
        with (
            self.settings.shards.shard(task.partition) as sender,
            DeadLetters(self.settings.failed, file_name(told.name, shard), str(task.attempt)) as letters,
        ):
            send(chain(first, rows), sender, journal, letters, told)
        return told

    def _rows(self, batches: Iterator[pa.RecordBatch], task: Task) -> Iterator[Row]:
        wanted = {"route": route_of(self.settings.shards), "shard": task.partition}
        for batch in batches:
            for name, value in wanted.items():  # before any of them is sent
                if others := {*batch.column(name).to_pylist()} - {value}:
                    raise ValueError(_MISROUTED[name].format(others.pop(), value))
            for each, found in zip(batch.to_pylist(), read(batch), strict=True):
                yield Row(found, each["gsid"], each["calls"] or 0, each["outcome"], each["unread"])

    def commit(self, messages: Messages, job: str) -> None:
        """On the driver: tell what the tasks have told."""
        _end(self.settings, Sent.of(messages, job), is_committed=True)

    def abort(self, messages: Messages, job: str) -> None:
        """On the driver: tell what was sent, as far as it is known. What was sent stays sent."""
        missing = sum(message is None for message in messages)
        asked = f": {self.settings.journal} may" if self.settings.journal else ""
        unknown = f"; {missing} tasks cannot tell what they sent{asked}" if missing else ""
        _end(self.settings, Sent.of(messages, job), is_committed=False, missing=missing, unknown=unknown)


@attrs.frozen
class Gathered(WriterCommitMessage):
    """The events of a task, for the driver to send: JSON texts, or what should be one, and None."""

    stream: str | None
    packed: bytes

    @classmethod
    def of(cls, stream: str | None, found: Iterable[Read]) -> Gathered:
        """Packed, as they go through the memory of the driver's JVM, which takes a gigabyte by default."""
        return cls(stream, zlib.compress(json.dumps([each.as_text() for each in found]).encode("ascii"), 1))

    def texts(self) -> list[str | None]:
        """As they were."""
        texts: list[str | None] = json.loads(zlib.decompress(self.packed))
        return texts


@attrs.frozen
class OnDriver:
    """The tasks read, and the driver sends, all by itself: as a shard does, what belongs together side by side."""

    settings: Settings

    def take(self, batches: Iterator[pa.RecordBatch], _: str) -> Gathered:
        """In a task: hand its rows on. Raises SpeculationError."""
        task = Task.current()
        return Gathered.of(task.stream, (found for batch in batches for found in read(batch)))

    def commit(self, messages: Messages, job: str) -> None:
        """On the driver: send all, and tell. Raises CredentialsError, JournalError."""
        gathered = [message for message in messages if isinstance(message, Gathered)]
        stream = gathered[0].stream if gathered else None
        told, sender = Sent(stream or job), self.settings.shards.alone()
        try:
            with sender, DeadLetters(self.settings.failed, told.name, "driver") as letters:
                places = [self._place(text) for each in gathered for text in each.texts()]
                first = sorted((each for each in places if each.company is not None), key=_by_company)
                rest = [each for each in places if each.company is None]
                saved = self._saved(first, sender, stream)
                rows = (each.row() for each in sorted((*rest, *saved), key=_by_key))
                send(rows, sender, journal_file(self.settings.journal, stream, "driver"), letters, told)
        except BaseException:
            told.calls = sender.calls  # those for companies, too, whose people were not told of
            _end(self.settings, told, is_committed=False)
            raise
        _end(self.settings, told, is_committed=True)

    def abort(self, messages: Messages, job: str) -> None:
        """On the driver: tell that nothing was sent. If it was `commit` that failed, that has told."""
        missing = sum(message is None for message in messages)
        if missing:
            _end(self.settings, Sent(job), is_committed=False, missing=missing)

    def _place(self, text: str | None) -> _Place:
        found = parsed(text)
        place = address(found.event, self.settings.shards.config, 1)
        if isinstance(place, Outcome):  # it goes nowhere: the sender finds the same out, and tells it
            return _Place(text, None, "", "", place.message_id or "")
        return _Place(text, place.company, place.key, place.moment, place.message_id, unread=place.unread)

    def _saved(self, places: list[_Place], sender: Shard, stream: str | None) -> Iterator[_Place]:
        """The group events once their companies are saved, or could not be."""
        journal = journal_file(self.settings.journal, stream, "companies")
        groups = (parsed(place.text).event for place in places)
        for place, outcome in zip(places, sender.save_companies(groups, journal), strict=True):
            yield place._replace(**facts(outcome))


class _Place(NamedTuple):
    """An event as text, as an object would take more memory, and what it is sorted by. The rest is as in Row."""

    text: str | None
    company: str | None
    key: str
    moment: str
    message_id: str
    gsid: str | None = None
    calls: int = 0
    outcome: str | None = None
    unread: str | None = None

    def row(self) -> Row:
        """To be sent."""
        return Row(parsed(self.text), self.gsid, self.calls, self.outcome, self.unread)


def _by_company(place: _Place) -> tuple[str, ...]:
    """Alike in each attempt, which a shuffle does not promise: a journal goes by places."""
    return place.company or "", place.moment, place.message_id, place.text or ""


def _by_key(place: _Place) -> tuple[str, ...]:
    return place.key, place.moment, place.message_id, place.text or ""


def _end(settings: Settings, told: Sent, *, is_committed: bool, missing: int = 0, unknown: str = "") -> None:
    """Leave word of how it ended, in the log and beside the failed events. `missing`: tasks that failed."""
    if is_committed:
        log.log(logging.WARNING if told.failed else logging.INFO, "%s: %s", told.name, told)
    else:
        log.warning("%s ended early: %s%s", told.name, told, unknown)
    if told.unread:
        log.warning("%s: %s", told.name, told.unread)
    tell(settings.failed, told, missing=missing, is_committed=is_committed)
