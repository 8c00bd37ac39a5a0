"""The report of a write: counts for the driver and its log, and the events that failed as a file."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.engines import failure_code
from gainsight_dest.outcome import Status

#: What of the reports of tasks adds up.
_ADDED = ("events", "delivered", "unchanged", "failed", "skipped", "calls", "waited", "errors", "unread")
#: Takes a dead letter.
Keep = Callable[[dict[str, Any]], object]


@attrs.define
class WriteReport(WriterCommitMessage):
    """What a task, or all of them, did: how many events, by their status, with how many calls. `waited`: seconds, of
    each worker.

    `name`: the job, or the query and the micro-batch, as in the names of files. `errors`: how many events failed, by
    their `failure_code`. `unread`: how many have a time that cannot be read, and an example.
    """

    name: str = ""
    events: int = 0
    delivered: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    calls: int = 0
    waited: float = 0.0
    errors: Counter[str] = attrs.field(factory=Counter)
    unread: UnreadTimes = attrs.field(factory=UnreadTimes)

    def add(self, raw: Any, record: dict[str, Any], keep: Keep) -> None:
        """Count an event by its `outcome_record`, and `keep` it if it has failed. `raw`: the event as a dead letter."""
        self.events += 1
        self.calls += record["calls"]
        self.delivered += record["status"] == Status.DELIVERED
        self.unchanged += record["status"] == Status.UNCHANGED
        self.failed += record["status"] == Status.FAILED
        self.skipped += record["status"] == Status.SKIPPED
        if record["error"] is not None:
            self.errors[failure_code(record["error"])] += 1
            keep({"message": raw, "error": record["error"]})

    @classmethod
    def of(cls, messages: Iterable[WriterCommitMessage | None], name: str) -> WriteReport:
        """All of them together; of a task that failed there is none. `name`: for where there is none at all."""
        report = cls(name)
        for each in messages:
            if isinstance(each, WriteReport):
                report.name = each.name
                for count in _ADDED:
                    setattr(report, count, getattr(report, count) + getattr(each, count))
        return report

    def __str__(self) -> str:
        through = f"{self.delivered} delivered" + (f", {self.unchanged} unchanged" if self.unchanged else "")
        errors = "".join(f", {number} {code}" for code, number in self.errors.most_common())
        return (
            f"{self.events} events: {through}, {self.failed} failed, {self.skipped} skipped; "
            f"{self.calls} calls, waited {self.waited:.0f} s{errors}"
        )


@contextmanager
def dead_letters(folder: Path | None, name: str, attempt: str) -> Iterator[Keep]:
    """What keeps the failed events of one attempt of a task, in a file of NDJSON that is there when all are in it.

    An attempt writes to a file of its own, of a name that Spark does not read; the last one gives it its name, so that
    a task that is run again leaves none twice. Without failures, or without a folder, no file is left.
    """
    if folder is None:
        yield lambda _: None
        return
    folder.mkdir(parents=True, exist_ok=True)
    path, draft = folder / f"{name}.ndjson", folder / f".{name}.{attempt}"
    try:
        with draft.open("w", encoding="ascii") as file:
            yield lambda letter: file.write(json.dumps(letter, default=repr) + "\n")
            file.flush()
            os.fsync(file.fileno())
            has_failed = file.tell() > 0
        if has_failed:
            draft.replace(path)
        else:
            path.unlink(missing_ok=True)  # of an attempt before, of which nothing failed this time
    finally:
        draft.unlink(missing_ok=True)


def save_report(folder: Path | None, report: WriteReport, *, missing: int, is_committed: bool) -> None:
    """Write the report of a job, or a micro-batch, into the folder.

    `missing`: tasks that failed, of which nobody knows what they sent. Spark does not read files of such names as data.
    """
    if folder is None:
        return
    counts = {**attrs.asdict(report), "waited": round(report.waited, 3)}
    folder.mkdir(parents=True, exist_ok=True)
    now, before = f"_committed.{report.name}.json", f"_aborted.{report.name}.json"
    if not is_committed:
        now, before = before, now
    (folder / before).unlink(missing_ok=True)
    (folder / now).write_text(
        json.dumps({"committed": is_committed, "tasks_failed": missing, **counts}) + "\n", "ascii"
    )
