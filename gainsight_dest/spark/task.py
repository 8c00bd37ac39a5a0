"""Where a task is: its partition, its micro-batch, and whether it may send at all."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import attrs
from pyspark import TaskContext

#: What Spark hands to its tasks: the query of a stream, the number of its micro-batch, and the settings.
_QUERY, _BATCH, _SPECULATION = "sql.streaming.queryId", "streaming.sql.batchId", "spark.speculation"

SPECULATION = (
    "spark.speculation is on: Spark would run a slow task twice at once, and so send its events twice. "
    "Sending is slow on purpose. Start the application with spark.speculation=false"
)


class SpeculationError(RuntimeError):
    """The application may run a task twice at once."""

    def __init__(self, problem: str = SPECULATION) -> None:
        super().__init__(problem)


@attrs.frozen
class Task:
    """One attempt of one task. `stream`: the query and the micro-batch, as a name for files; None in a batch job."""

    partition: int
    attempt: int
    stream: str | None

    @classmethod
    def current(cls) -> Task:
        """The one that runs here. Raises SpeculationError."""
        context = TaskContext.get()
        if context is None:
            raise RuntimeError("this is to run in a task of Spark")
        if (context.getLocalProperty(_SPECULATION) or "").lower() == "true":
            raise SpeculationError
        query, batch = context.getLocalProperty(_QUERY), context.getLocalProperty(_BATCH)
        stream = None if query is None or batch is None else stream_name(query, int(batch))
        return cls(context.partitionId(), context.taskAttemptId(), stream)


def new_job() -> str:
    """The name of a job: when it began, and something that no other has."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def stream_name(query: str, batch: int) -> str:
    """A micro-batch in the names of files: the same when it is run again, also after a restart."""
    return f"{query}.{batch:09}"


def file_name(*parts: str | None) -> str:
    """The name of a file, of those of its parts that there are."""
    return ".".join(filter(None, parts))


def journal_file(folder: Path | None, stream: str | None, sender: str) -> Path | None:
    """The file that a sender keeps its journal in, the same in each attempt."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder / file_name(stream, sender, "db")


def forget_before(folder: Path | None, stream: str | None) -> None:
    """Remove the journals of earlier micro-batches of the query: Spark begins none before the last one is done."""
    if folder is None or stream is None:
        return
    query = stream.rpartition(".")[0]
    for file in [*folder.glob(f"{query}.*.db*")]:
        if file.name < stream:
            file.unlink(missing_ok=True)


def shard_name(number: int) -> str:
    """A shard in the names of files."""
    return f"shard-{number:04}"
