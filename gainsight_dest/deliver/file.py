"""Delivery of a file of events in one call, for schedulers: journal, dead letters, budget, and a report."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import requests

from gainsight_dest.batching.defaults import BATCH, WORKERS
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.deliverer import Deliverer
from gainsight_dest.deliver.journal import Journal, files_of
from gainsight_dest.errors import CredentialsError, RetryableError
from gainsight_dest.files import read, records
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.intake import EndedEvent, Intake
from gainsight_dest.files.lines import LineFile, is_same_file
from gainsight_dest.files.read import Item
from gainsight_dest.files.tables import TableOptions
from gainsight_dest.known import Known, Store
from gainsight_dest.outcome import Status
from gainsight_dest.templates import Settings
from gainsight_dest.tenant import Tenant

PathOrName = str | os.PathLike[str]
#: For how long calls count, in seconds.
DAY = 86_400.0
#: Seconds between two looks whether the end is asked for.
_LOOK = 0.1
_log = logging.getLogger("gainsight_dest.deliver")


@attrs.frozen
class EventReason:
    """Why events failed or were skipped, in words, the first such event, how many there are.

    `first`: its line, or its place in the array, from 1. `kind`: the name of the error's class; `NotJSON` for what
    could not be read; None for events that were skipped.
    """

    reason: str
    first: int
    times: int
    kind: str | None = None


@attrs.frozen
class FileReport:
    """What was done with a file of events. It holds no values of events, so it can be logged and kept.

    `counts`: events by status, those that there are: `{"delivered": 9, "failed": 1}`. `errors`, `skipped`: the reasons.
    `calls`: made by this run. `waited`: seconds in which one of them had to wait, for the budget or to try again.
    `resumed`: events that the journal knew. `is_complete`: nothing is left to be sent by another run: it is not if the
    end was asked for, or if the last line of the file is not complete yet.
    """

    counts: Mapping[str, int]
    errors: tuple[EventReason, ...]
    skipped: tuple[EventReason, ...]
    calls: int
    waited: float
    resumed: int
    is_complete: bool = True

    @property
    def events(self) -> int:
        """All events that were read."""
        return sum(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON, an XCom or an artifact."""
        reasons = {"errors": self.errors, "skipped": self.skipped}
        lists = {name: [attrs.asdict(each) for each in some] for name, some in reasons.items()}
        return {"events": self.events, **attrs.asdict(self), **lists}


def deliver_file(
    path: PathOrName,
    config: DestinationConfig | Settings | Mapping[str, Any],
    session: requests.Session | None = None,
    *,
    journal: PathOrName | None = None,
    failed: PathOrName | None = None,
    known: Store | PathOrName | None = None,
    batch: int | None = BATCH,
    retry_failed: bool = False,
    keep_events: bool = False,
    stop: threading.Event | None = None,
    kind: str | None = None,
    names: Mapping[str, str] | None = None,
    tenant: Tenant | None = None,
    **settings: Any,
) -> FileReport:
    """Deliver a file of events as `gainsight-dest deliver` does: JSON in lines or in an array, plain or gzipped.

    `journal`: a file that has each outcome as it happens. With it, the same call continues a run that ended in any way.
    `failed`: a new file for the dead letters. `known`: a store, or the place of one, for `Known.open`: what Gainsight
    already has is not sent. `batch`: how many events to merge at once; None: send each by itself. `retry_failed`,
    `keep_events`: as for Journal. `stop`: once it is set, calls that were begun are finished, and the report is not
    complete. `kind`: the file is a table, CSV or Parquet, and its rows are events of that kind; with `names` and
    `tenant` as for `gainsight_dest.rows.RowReader`. `session` and all else are as for Deliverer; without `workers`
    there are four.

    Raises CredentialsError for a wrong key, and RetryableError if no call gets through for too long: the same call
    continues, once that is fixed. Raises ConfigError, JournalError and StoreError; ValueError for a file that is
    something else than events, and for files that would be written over each other; OSError for a file that cannot be
    read or written.
    """
    _check_apart(path, journal, failed, known)
    how: dict[str, Any] = {"journal": journal, "failed": failed, "known": known, "batch": batch, "stop": stop}
    how |= {"retry_failed": retry_failed, "keep_events": keep_events}
    rows = None if kind is None else TableOptions(kind, names or {}, config, tenant).items
    with Path(path).open("rb") as file:
        items = read.events(file, lambda text: _log.warning("%s: %s", path, text), rows)
        try:
            return deliver_items(items, config, session, **how, **settings)
        except read.WrongFormatError as error:
            raise ValueError(error.format.advice(str(path), is_packed=error.is_packed)) from None


def deliver_items(
    items: Iterator[Item],
    config: DestinationConfig | Settings | Mapping[str, Any],
    session: requests.Session | None = None,
    *,
    journal: PathOrName | None = None,
    failed: PathOrName | None = None,
    known: Store | PathOrName | None = None,
    batch: int | None = BATCH,
    retry_failed: bool = False,
    keep_events: bool = False,
    stop: threading.Event | None = None,
    **settings: Any,
) -> FileReport:
    """The same for events that have been read. What the journal has of calls counts for a budget that is made here."""
    with ExitStack() as opened:
        if known is not None:
            settings["known"] = known if isinstance(known, Store) else opened.enter_context(Known.open(known))
        deliverer = opened.enter_context(Deliverer(config, session, **{"workers": WORKERS, **settings}))
        entries = None
        if journal is not None:
            entries = Journal(journal, deliverer.target, retry_failed=retry_failed, keep_events=keep_events)
            opened.enter_context(entries)
            if settings.get("budget") is None:
                deliverer.budget.remember(entries.calls_since(DAY))
        letters = None if failed is None else opened.enter_context(closing(LineFile(failed, at_once=True)))
        delivery = _Delivery(letters)
        intake = Intake(in_journal=entries is not None)
        if stop is not None:
            items = _until(stop, items)
            opened.enter_context(_stopping(deliverer, stop))
        with closing(deliverer.run(intake.given(items), entries, batch=batch)) as outcomes:
            for outcome in outcomes:
                delivery.take(intake.ended(outcome)[0])
        for ended in intake.rest():
            delivery.take(ended)
    if delivery.wrong_key is not None:
        raise delivery.wrong_key
    if deliverer.ended is not None:
        raise RetryableError("deliver", deliverer.ended)
    is_complete = not (stop is not None and stop.is_set()) and not intake.is_unfinished
    return delivery.report(deliverer, is_complete=is_complete)


def _check_apart(
    path: PathOrName, journal: PathOrName | None, failed: PathOrName | None, known: Store | PathOrName | None
) -> None:
    """Raises ValueError if the dead letters would be written over another file of the run."""
    if failed is None:
        return
    others = {path: "the file of the events"}
    others |= dict.fromkeys([] if journal is None else files_of(journal), "the journal")
    if known is not None and not isinstance(known, Store):
        others[known] = "the store of what is known"
    for other, name in others.items():
        if is_same_file(failed, other):
            raise ValueError(f"{os.fspath(failed)} is {name}: name another file for failed")


def _until(stop: threading.Event, items: Iterator[Item]) -> Iterator[Item]:
    """The items, until the end is asked for."""
    for item in items:
        if stop.is_set():
            return
        yield item


@contextmanager
def _stopping(deliverer: Deliverer, stop: threading.Event) -> Iterator[None]:
    """While this is open, `stop` ends the run, also while a call waits."""
    is_over = threading.Event()

    def watch() -> None:
        while not (is_over.wait(_LOOK) or stop.is_set()):
            pass
        deliverer.stop()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


@attrs.define
class _Delivery:
    """Counts events as they end, and writes the dead letters."""

    _letters: LineFile | None
    wrong_key: CredentialsError | None = None
    _counts: RunCounts = attrs.field(factory=lambda: RunCounts(tuple(map(str, Status))), init=False)
    _resumed: int = attrs.field(default=0, init=False)

    def take(self, event: EndedEvent) -> None:
        """Raises OSError for a dead letter that cannot be written: none is left out in silence."""
        item, outcome, fault = event
        self._counts.add_ended(event)
        self._resumed += outcome.resumed
        if isinstance(outcome.error, CredentialsError) and not outcome.resumed:  # one of an earlier run ended that one
            self.wrong_key = outcome.error
        if self._letters is not None and fault is not None and not item.is_missing:
            self._letters.write(records.letter_line(item, fault, outcome))

    def report(self, deliverer: Deliverer, *, is_complete: bool) -> FileReport:
        """What it came to."""
        told, total = self._counts.as_dict(), self._counts.total()
        counts = {status: total[status] for status in map(str, Status) if total[status]}
        errors, skipped = (tuple(EventReason(**each) for each in told[name]) for name in ("errors", "skipped"))
        spent = deliverer.calls, deliverer.delayed
        return FileReport(counts, errors, skipped, *spent, self._resumed, is_complete=is_complete)
