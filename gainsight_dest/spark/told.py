"""What became of the events: counted for the driver, and those that failed written to a file."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import attrs
from pyspark.sql.datasource import WriterCommitMessage

from gainsight_dest.batching.moments import UnreadTimes
from gainsight_dest.outcome import Status


@attrs.define
class Sent(WriterCommitMessage):
    """What one task has to tell: how many events became what, with how many calls. `waited`: seconds, of each worker.

    `name`: the job, or the query and the micro-batch, as in the names of files.
    `errors`: how many events failed, by Gainsight's error code, or else the name of the error's class. `unread`: how
    many have a time that cannot be read, and an example.
    """

    name: str = ""
    events: int = 0
    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    calls: int = 0
    waited: float = 0.0
    errors: Counter[str] = attrs.field(factory=Counter)
    unread: UnreadTimes = attrs.field(factory=UnreadTimes)

    def add(self, record: dict[str, Any]) -> None:
        """Count what `outcome_record` gave."""
        self.events += 1
        self.calls += record["calls"]
        self.delivered += record["status"] == Status.DELIVERED
        self.failed += record["status"] == Status.FAILED
        self.skipped += record["status"] == Status.SKIPPED
        if error := record["error"]:
            self.errors[error["code"] or error["kind"]] += 1

    @classmethod
    def of(cls, messages: Iterable[WriterCommitMessage | None], name: str) -> Sent:
        """All of them together; of a task that failed there is none. `name`: where none tells it."""
        told = cls(name)
        for each in messages:
            if isinstance(each, Sent):
                told.name = each.name
                for count in ("events", "delivered", "failed", "skipped", "calls", "waited", "errors", "unread"):
                    setattr(told, count, getattr(told, count) + getattr(each, count))
        return told

    def __str__(self) -> str:
        errors = "".join(f", {number} {code}" for code, number in self.errors.most_common())
        return (
            f"{self.events} events: {self.delivered} delivered, {self.failed} failed, {self.skipped} skipped; "
            f"{self.calls} calls, waited {self.waited:.0f} s{errors}"
        )


class DeadLetters:
    """The failed events of one attempt of a task, as a file of NDJSON that is there when all of them are in it.

    An attempt writes to a file of its own, of a name that Spark does not read; the last one gives it its name, so that
    a task that is run again leaves none twice. A context manager. Without failures there is no file.
    """

    def __init__(self, folder: Path | None, name: str, attempt: str) -> None:
        self._folder = folder
        self._file: IO[str] | None = None
        self._path = None if folder is None else folder / f"{name}.ndjson"
        self._draft = None if folder is None else folder / f".{name}.{attempt}"

    def add(self, letter: dict[str, Any]) -> None:
        """Write one."""
        if self._folder is None or self._draft is None:
            return
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self._draft.open("w", encoding="ascii")
        self._file.write(json.dumps(letter, default=repr) + "\n")

    def __enter__(self) -> DeadLetters:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._path is None or self._draft is None:
            return
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        if kind is not None:
            self._draft.unlink(missing_ok=True)
        elif self._file is not None:
            self._draft.replace(self._path)
        else:
            self._path.unlink(missing_ok=True)  # of an attempt before, of which nothing failed this time


def tell(folder: Path | None, told: Sent, *, missing: int, is_committed: bool) -> None:
    """Leave word of a job, or a micro-batch, in the folder: how it ended, and what became of the events.

    `missing`: tasks that failed, and cannot tell what they sent. Spark does not read files of such names as data.
    """
    if folder is None:
        return
    word = {"committed": is_committed, "tasks_failed": missing, **attrs.asdict(told), "waited": round(told.waited, 3)}
    folder.mkdir(parents=True, exist_ok=True)
    now, before = f"_committed.{told.name}.json", f"_aborted.{told.name}.json"
    if not is_committed:
        now, before = before, now
    (folder / before).unlink(missing_ok=True)
    (folder / now).write_text(json.dumps(word) + "\n", "ascii")
