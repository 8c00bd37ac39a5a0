"""`gainsight-dest deliver`: sends events, and says of each what became of it."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from gainsight_dest import CredentialsError, EventError
from gainsight_dest.cli import outcome, read, show
from gainsight_dest.cli.files import (
    Write,
    WrongInputError,
    budget_option,
    config_option,
    destination_config,
    is_same_file,
    limit,
    limit_option,
    needs,
    nowhere,
    reading,
    writing,
)
from gainsight_dest.cli.outcome import NOT_JSON
from gainsight_dest.cli.stop import Stop
from gainsight_dest.cli.tally import Tally
from gainsight_dest.cli.transform import transform
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.outcome import NOT_TRIED, Fault, Status, facts_of, fault_of, known

if TYPE_CHECKING:
    from gainsight_dest.deliver import Deliverer, Journal, Outcome

FAILED = 1
_DAY = 86_400.0
#: Events that are merged. In batches of 500 a day of a few hundred people costs a quarter to a half more calls.
BATCH = 2_000
COLUMNS = ("events", "delivered", "failed", "skipped", "not tried", "calls")
#: Why a line is not sent that a journal is to take up when it is whole.
_UNFINISHED = Fault("NotTried", None, "the last line is not whole yet")
#: Where an event is at fault that could not be read.
_LINE = "the line"


@click.command()
@click.argument("events", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
@click.option("--journal", metavar="FILE", help="Record each outcome here; run again, go on where this ends.")
@click.option("--retry-failed", is_flag=True, help="Send again what the journal has as failed.")
@click.option("--keep-events", is_flag=True, help="Keep the events themselves in the journal, not only their outcomes.")
@click.option("--errors", metavar="FILE", help="Write the events that failed here, with the reason, to send again.")
@click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N", default=4, show_default=True, help="Calls under way at once."
)
@budget_option
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    default=BATCH,
    show_default=True,
    help="Merge so many events into the fewest calls; more of them need fewer.",
)
@click.option("--no-batch", is_flag=True, help="Merge nothing: each event by itself, as it came.")
@click.option(
    "--linger",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=1.0,
    show_default=True,
    help="Where events come on a pipe, send a batch that is not full after so long.",
)
@limit_option("--calls-per-minute", 100, "What the tenant has; ")
@limit_option("--calls-per-day", 50_000, "What the tenant has; ")
@click.option("--base-url", metavar="URL", help="Send here, such as to a sandbox on this machine.")
@click.option("--dry-run", is_flag=True, help="Send nothing: print the requests, as transform does.")
@click.option("--report", metavar="FILE", help="Send nothing: print what a journal holds.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of each call on standard error.")
@click.pass_context
def deliver(context: click.Context, /, events: str | None, config_file: str | None, **options: Any) -> int:
    """Deliver EVENTS to Gainsight, and print what became of them.

    EVENTS is NDJSON or a JSON array, plain or gzipped, a file or - for standard input; events may come in RudderStack's
    nested form, {"message": {...}}. Calls that fail for a while are tried again, events of one person or company stay
    in order, the tenant's calls are not overrun. Events are merged into the fewest calls: what becomes of each of them
    is what would have become of it alone.

    Ctrl-C ends in good order: calls under way are finished. Ctrl-C twice ends at once.

    Exit status: 0 all well, 1 some events failed, 2 wrong use or config, wrong keys among it.
    """
    if options["report"] is not None:
        return _report(options["report"])
    if events is None or config_file is None:
        raise click.UsageError("EVENTS and --config FILE are needed", context)
    if options["journal"] is None and (options["retry_failed"] or options["keep_events"]):
        raise click.UsageError("--retry-failed and --keep-events speak of a journal: name one with --journal", context)
    if options["dry_run"]:
        status: int = context.invoke(transform, events=events, config_file=config_file, errors=options["errors"])
        return status
    needs("deliver", "deliver", "requests", "tenacity", "pyrate_limiter")
    return _deliver(events, config_file, options)


def _deliver(events: str, config_file: str, options: dict[str, Any]) -> int:
    from gainsight_dest.deliver import Deliverer, Journal  # noqa: PLC0415 - needs the extra deliver

    config = destination_config(config_file)
    _check_errors_file(options["errors"], config_file, options["journal"])
    console = show.console_on_stdout()
    tally = Tally(COLUMNS)
    with ExitStack() as stack:
        try:
            deliverer = stack.enter_context(
                Deliverer(
                    config,
                    base_url=options["base_url"],
                    workers=options["workers"],
                    calls_per_minute=limit(options["calls_per_minute"], options["budget"]),
                    calls_per_day=limit(options["calls_per_day"], options["budget"]),
                )
            )
            journal = None
            if options["journal"] is not None:
                how = {name: options[name] for name in ("retry_failed", "keep_events")}
                journal = stack.enter_context(Journal(options["journal"], deliverer.target, **how))
                deliverer.budget.remember(journal.calls_since(_DAY))
            file = stack.enter_context(reading(events))
            write_error = stack.enter_context(
                nullcontext(nowhere) if options["errors"] is None else writing(options["errors"], file, at_once=True)
            )
            if options["verbose"]:
                stack.enter_context(_log_on_stderr())
            run = Run(deliverer, journal, tally, write_error)
            batch = None if options["no_batch"] else options["batch"]
            linger = None if batch is None or file.seekable() else options["linger"]
            run.go(file, quiet=options["verbose"], batch=batch, linger=linger)
        except GainsightDestError as error:
            if tally.types:  # something has been sent before the journal failed
                show_outcome(console, tally)
            raise WrongInputError(str(error)) from None
    show_outcome(console, tally)
    return run.status(console, journal_file=options["journal"])


def _check_errors_file(errors: str | None, config_file: str, journal: str | None) -> None:
    """Raises WrongInputError if the errors would be written over another file of the run."""
    from gainsight_dest.deliver.journal import files_of  # noqa: PLC0415 - needs the extra deliver

    others = {config_file: "the config", **dict.fromkeys(files_of(journal) if journal else [], "the journal")}
    for other, name in others.items():
        if errors and is_same_file(errors, other):
            raise WrongInputError(f"{errors} is {name}: name another file for --errors")


@contextmanager
def _log_on_stderr() -> Iterator[None]:
    """The log of calls, while this is open."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(show.LogFormatter())
    log = logging.getLogger("gainsight_dest.deliver")
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)


class Run:
    """One delivery of a file: events in, counts and faults out."""

    def __init__(self, deliverer: Deliverer, journal: Journal | None, tally: Tally, write_error: Write) -> None:
        self._deliverer = deliverer
        self._journal = journal
        self._tally = tally
        self._write_error = write_error
        self._under_way: deque[tuple[read.Item, int]] = deque()
        self._stop = Stop(deliverer.stop)
        self._missing: read.Item | None = None
        self._unfinished: read.Item | None = None
        self._unwritten: str | None = None
        self._read = 0
        self._place = 0
        self._resumed = 0
        self._credentials: CredentialsError | None = None

    def go(
        self, file: io.BufferedReader, *, quiet: bool = False, batch: int | None = None, linger: float | None = None
    ) -> None:
        """Deliver all that the file holds. The rest is as for Deliverer.run."""
        size = os.fstat(file.fileno()).st_size if file.seekable() else None
        with self._stop.heeded(), ExitStack() as stack:
            bar = show.delivery_progress(
                show.console_on_stderr(), self._tally, self._deliverer, self._bytes_ahead, quiet=quiet
            )
            if not bar.disable:
                stack.enter_context(bar)
            task = bar.add_task("", total=size)
            results = self._deliverer.run(self._events(file), self._journal, batch=batch, linger=linger)
            for result in stack.enter_context(closing(results)):
                item, place = self._under_way.popleft()
                self._take(item, result)
                if size is not None:
                    if result.resumed:  # no work of this run: it would make what is left look quick
                        size -= place - self._place
                        bar.update(task, total=size)
                    else:
                        bar.advance(task, place - self._place)
                    self._place = place
        self._close()

    def _events(self, file: io.BufferedReader) -> Iterator[Any]:
        for item in self._stop.reading(read.events(file)):
            self._read = item.number
            if item.is_missing:
                self._missing = item
                return
            if item.is_open and self._journal is not None:  # as recorded, it would never be sent when it is whole
                self._unfinished = item
                return
            self._under_way.append((item, file.tell() if file.seekable() else 0))
            yield item.event if item.problem is None else EventError(_LINE, item.problem)

    def _bytes_ahead(self, events: int) -> int:
        """How much of the file the events are that come next and have no outcome yet."""
        try:
            return max(0, self._under_way[events - 1][1] - self._place) if events else 0
        except IndexError:  # another thread has told of some of them just now
            return 0

    def _close(self) -> None:
        """Tell of what has no outcome: a part of an event, an event that was read when the end was asked for."""
        if self._missing is not None:  # nothing of it is there to be sent, or to be recorded as sent
            fault = Fault(NOT_JSON, None, str(self._missing.problem))
            self._tally.add(self._missing.number, None, {"events": 1, "failed": 1}, fault=fault)
        while self._under_way:
            item, _ = self._under_way.popleft()
            self._take(item, known(item.number - 1, item.event, Status.NOT_TRIED))
        if self._unfinished is not None:
            self._tally.add(self._unfinished.number, None, {"events": 1, str(Status.NOT_TRIED): 1})
            self._keep(self._unfinished, _UNFINISHED, known(self._unfinished.number - 1, None, Status.NOT_TRIED))

    def _take(self, item: read.Item, result: Outcome) -> None:
        fault = _fault(result)
        calls = 0 if result.resumed else result.calls
        counts = {"events": 1, str(result.status): 1, "calls": calls}
        told = None if fault is NOT_TRIED else fault
        self._tally.add(item.number, result.type, counts, result.reason, told)
        self._resumed += result.resumed
        if isinstance(result.error, CredentialsError) and not result.resumed:  # one of an earlier run ended that one
            self._credentials = result.error
        if fault is not None:
            self._keep(item, fault, result)

    def _keep(self, item: read.Item, fault: Fault, result: Outcome) -> None:
        """Write the dead letter. The run ends with the first that cannot be written: none is left out in silence."""
        if self._unwritten is not None:
            return
        try:
            self._write_error(outcome.line(outcome.as_event_at_fault(item, fault, **facts_of(result))))
        except WrongInputError as error:
            self._unwritten = f"{error}. The run was ended, and event {item.number:,} and all after it are not in there"
            self._deliverer.stop()

    def status(self, console: Console, journal_file: str | None) -> int:
        """The exit status; what is to be said about the end of the run is said."""
        counts = self._tally.total()
        if self._resumed:
            console.print(f"\n{self._resumed:,} of them are told by the journal: nothing was sent for them now.")
        if self._unfinished is not None:
            console.print("\nThe last line is not whole yet. Run the same command when it is.")
        if self._unwritten is not None:
            again = ". With room for it, run the same command: the journal tells of all" if journal_file else ""
            raise WrongInputError(f"{self._unwritten}{again}")
        if self._stop.is_asked:
            rest = f"What comes after event {self._read:,} was not read." if self._read else "No event was read."
            again = "Run the same command to go on." if journal_file else rest
            console.print(f"\nEnded on request. {again}")
            raise click.Abort
        if reason := self._credentials or self._deliverer.ended:
            raise WrongInputError(f"the run was ended: {reason}")
        return FAILED if counts["failed"] or counts["not tried"] else 0


def show_outcome(console: Console, tally: Tally) -> None:
    """The closing tables."""
    for table in show.summary(tally):
        console.print(table)


def _fault(result: Outcome) -> Fault | None:
    """Why the event is not with Gainsight; None if it is, or need not be."""
    if isinstance(result.error, EventError) and result.error.path == _LINE:
        return Fault(NOT_JSON, None, result.error.problem)
    return fault_of(result)


def _report(path: str) -> int:
    needs("deliver", "deliver", "requests", "tenacity", "pyrate_limiter")
    from gainsight_dest.deliver import JournalError  # noqa: PLC0415 - needs the extra deliver
    from gainsight_dest.deliver.journal import entries  # noqa: PLC0415 - the same

    console = show.console_on_stdout()
    tally = Tally(COLUMNS)
    first, last = float("inf"), 0.0
    try:
        for entry in entries(path):
            result = entry.outcome
            counts = {"events": 1, str(result.status): 1, "calls": result.calls}
            fault = _fault(result)
            tally.add(result.index + 1, result.type, counts, result.reason, fault)
            first, last = min(first, entry.at), max(last, entry.at)
    except JournalError as error:
        raise WrongInputError(str(error)) from None
    show_outcome(console, tally)
    if last:
        span = (f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}" for at in (first, last))
        console.print("\nFirst outcome {}, last {}.".format(*span))
    return FAILED if tally.total()["failed"] else 0
