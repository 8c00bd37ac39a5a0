"""A destination for dlt: events that a pipeline loads are delivered to Gainsight. Extra `dlt`.

```python
pipeline = dlt.pipeline("customers", destination=gainsight(config=config, failed="failed"))
pipeline.run(resource.add_map(lambda event: {"message": event}))
```

A load job of dlt is a file, and is delivered as one, as by `deliver_file`. Its journal is in dlt's own load package. So
a job that dlt tries again continues where it was cut off, also in another process.
"""
# No `from __future__ import annotations`: dlt makes the settings of the destination from the annotations.

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import dlt
from dlt.common import json
from dlt.common.storages import FileStorage, ParsedLoadJobFileName

from gainsight_dest.batching.defaults import BATCH, CALLS_PER_DAY, CALLS_PER_MINUTE, WORKERS
from gainsight_dest.deliver.budget import Budget
from gainsight_dest.deliver.call import target_of
from gainsight_dest.deliver.file import DAY, deliver_items
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.files.read import Item, items_of
from gainsight_dest.templates import for_one_tenant

__all__ = ["gainsight"]

_log = logging.getLogger("gainsight_dest.dlt")
#: The folder of the journals, in a load package.
_FOLDER = "gainsight"
_FORMAT: Final = "typed-jsonl"
#: The columns that dlt adds.
_OF_DLT = {"_dlt_id", "_dlt_load_id"}
#: The budgets of this process, by target and limits: the jobs of all its pipelines share the calls of a tenant.
_BUDGETS: dict[tuple[str, int | None, int | None], Budget] = {}
_LOCK = threading.Lock()


def _deliver_job(
    items: Any,
    _: Any,
    config: dict[str, Any] = dlt.secrets.value,
    failed: str = dlt.config.value,
    known: str | None = None,
    base_url: str | None = None,
    batch: int = BATCH,
    workers: int = WORKERS,
    calls_per_minute: int | None = CALLS_PER_MINUTE,
    calls_per_day: int | None = CALLS_PER_DAY,
) -> None:
    """Deliver the events of a load job.

    `items`: the job's file. `config`: a destination's Config as RudderStack stores it. `failed`: the folder for dead
    letters, a file for each job. `known`: the place of a store of what is known. All else as for Deliverer.

    Raises whatever `deliver_file` raises. To dlt each of them is an error that may pass: it tries the job again, and
    after some times the load ends, with the job still to be done.
    """
    job, package = ParsedLoadJobFileName.parse(Path(items).name), Path(items).parents[1]
    if job.file_format != _FORMAT:
        raise ValueError(f"{items} is {job.file_format}: load it as {_FORMAT}, which is what dlt does without a format")
    name = f"{job.table_name}.{job.file_id}"
    journal = package / _FOLDER / f"{name}.db"
    letters = Path(failed) / f"{package.name}.{name}.ndjson"
    for file in (journal, letters):
        file.parent.mkdir(parents=True, exist_ok=True)
    limits: dict[str, Any] = {"calls_per_minute": calls_per_minute, "calls_per_day": calls_per_day}
    if known is None:
        limits = {
            "budget": _budget(target_of(for_one_tenant(config)[1], base_url), calls_per_minute, calls_per_day, journal)
        }
    report = deliver_items(
        _items_of(items),
        config,
        journal=journal,
        failed=letters,
        known=known,
        batch=batch,
        workers=workers,
        base_url=base_url,
        **limits,
    )
    if not report.errors:
        letters.unlink()
    level = logging.WARNING if report.errors else logging.INFO
    _log.log(level, "%s of %s: %s", name, package.name, ", ".join(f"{n} {what}" for what, n in report.counts.items()))


def _items_of(path: str) -> Iterator[Item]:
    """The events of a job's file, which may be gzipped, in any form that RudderStack knows.

    A message that is JSON text is parsed: if one row of a table has a text there, dlt makes texts of all.
    """
    number = 0
    with FileStorage.open_zipsafe_ro(path) as lines:
        for line in lines:
            rows = json.typed_loads(line)
            for row in rows if isinstance(rows, list) else [rows]:
                number += 1
                event = {name: value for name, value in row.items() if name not in _OF_DLT}
                yield from items_of(number, event, "row")


def _budget(target: str, calls_per_minute: int | None, calls_per_day: int | None, journal: Path) -> Budget:
    """The budget that the jobs of this process share. The first of them brings the calls of a process before it."""
    key = (target, calls_per_minute, calls_per_day)
    with _LOCK:
        if key not in _BUDGETS:
            budget = Budget(calls_per_minute, calls_per_day)
            with Journal(journal, target) as entries:
                budget.remember(entries.calls_since(DAY))
            _BUDGETS[key] = budget
        return _BUDGETS[key]


gainsight = dlt.destination(
    _deliver_job,
    name="gainsight",
    batch_size=0,  # the whole file
    loader_file_format=_FORMAT,
    max_parallel_load_jobs=1,  # two would create the same companies
    loader_parallelism_strategy="sequential",
)
