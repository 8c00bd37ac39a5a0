"""The report of a write: counts for the driver and its log, the outcomes of its events, and those that failed."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from pyspark.sql import DataFrame
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.deliver.engines import failure_code
from gainsight_dest.outcome import Status

log = logging.getLogger("gainsight_dest.spark")

#: What of the reports of tasks adds up.
_ADDED = ("events", "delivered", "unchanged", "failed", "skipped", "not_tried", "calls", "waited", "errors", "unread")
#: What each status is counted as.
COUNTED = {
    str(Status.DELIVERED): "delivered",
    str(Status.UNCHANGED): "unchanged",
    str(Status.FAILED): "failed",
    str(Status.SKIPPED): "skipped",
    str(Status.NOT_TRIED): "not_tried",
}
#: Takes a dead letter.
Keep = Callable[[dict[str, Any]], object]


@attrs.define
class WriteReport(WriterCommitMessage):
    """What a task, or all of them, did: how many events, by their status, with how many calls. `waited`: seconds, of
    each worker.

    `name`: the job, or the query and the micro-batch, as in the names of files. `errors`: how many events failed, by
    their `failure_code`. `unread`: how many have a time that cannot be read, and an example. `ended`: why it ended
    before all was sent; "" if it did not. `outcomes`, of `by_shard`: a row for each event, `message_id`, `type`,
    `status`, `attempts`, `calls`, `gsid`, `reason`, `error`, and `letter`: its dead letter as JSON text, or null.
    """

    name: str = ""
    events: int = 0
    delivered: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    not_tried: int = 0
    calls: int = 0
    waited: float = 0.0
    errors: Counter[str] = attrs.field(factory=Counter)
    unread: UnreadTimes = attrs.field(factory=UnreadTimes)
    ended: str = ""
    outcomes: DataFrame | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def dead_letters(self) -> DataFrame:
        """The events that failed or were not tried, one `letter` each: JSON text that can be sent again once fixed."""
        if self.outcomes is None:
            raise ValueError("by_shard alone has the dead letters of its events in its report")
        return self.outcomes.where("letter is not null").select("letter")

    def add(self, record: Mapping[str, Any]) -> None:
        """Count an event by its `outcome_record`."""
        self.events += 1
        self.calls += record["calls"]
        name = COUNTED[record["status"]]
        setattr(self, name, getattr(self, name) + 1)
        if record["status"] == Status.FAILED:
            self.errors[failure_code(record["error"])] += 1

    @classmethod
    def of(cls, messages: Iterable[WriterCommitMessage | None], name: str) -> WriteReport:
        """All of them together; of a task that failed there is none. `name`: for where there is none at all."""
        report = cls(name)
        for each in messages:
            if isinstance(each, WriteReport):
                report.name = each.name
                report.ended = report.ended or each.ended
                for count in _ADDED:
                    setattr(report, count, getattr(report, count) + getattr(each, count))
        return report

    def as_data(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        fields = attrs.asdict(self, filter=lambda field, _: field.name != "outcomes")
        return {**fields, "waited": round(self.waited, 3)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> WriteReport:
        """That of what `as_data` gave."""
        return cls(**{**data, "errors": Counter(data["errors"]), "unread": UnreadTimes(**data["unread"])})

    def tell(self, problem: str = "") -> None:
        """Say in the log how it ended. `problem`: why it did not end well; "" if it did."""
        if problem:
            log.warning("%s ended early: %s; %s", self.name, self, problem)
        else:
            log.log(logging.WARNING if self.failed else logging.INFO, "%s: %s", self.name, self)
        if self.unread:
            log.warning("%s: %s", self.name, self.unread)

    def __str__(self) -> str:
        through = f"{self.delivered} delivered" + (f", {self.unchanged} unchanged" if self.unchanged else "")
        untried = f", {self.not_tried} not tried" if self.not_tried else ""
        errors = "".join(f", {number} {code}" for code, number in self.errors.most_common())
        return (
            f"{self.events} events: {through}, {self.failed} failed, {self.skipped} skipped{untried}; "
            f"{self.calls} calls, waited {self.waited:.0f} s{errors}"
        )


class WriteError(RuntimeError):
    """A write that ended before all was sent. `report`: what was sent, which stays sent, as far as it is known."""

    def __init__(self, report: WriteReport, problem: str) -> None:
        super().__init__(report, problem)
        self.report = report
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem}. {self.report.name}: {self.report}"


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
