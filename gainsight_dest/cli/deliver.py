"""`gainsight-dest deliver`: sends events, and says how each of them ended."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
import click

from gainsight_dest import CredentialsError
from gainsight_dest.batching.defaults import BATCH, LINGER, WORKERS
from gainsight_dest.cli import FAILED, WRONG_USE, progress, show
from gainsight_dest.cli.config import config_option, destination_config, fit_option, fitting
from gainsight_dest.cli.events import name_of, read_events
from gainsight_dest.cli.files import Write, WrongInputError, check_replaceable, check_written, needs, reading, writing
from gainsight_dest.cli.options import (
    budget_option,
    errors_option,
    fail_empty_option,
    format_option,
    known_options,
    limit_options,
    limits,
    number_option,
    refuse_contradictions,
    refuse_idle,
    table_of,
    table_options,
    tenant_option,
)
from gainsight_dest.cli.progress import Look, ProgressLog, utc
from gainsight_dest.cli.stop import Stop
from gainsight_dest.cli.streams import plain_output, warn
from gainsight_dest.cli.transform import transform
from gainsight_dest.errors import GainsightDestError
from gainsight_dest.files import records
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.files.intake import EndedEvent, Intake
from gainsight_dest.files.read import Item, fault_in
from gainsight_dest.outcome import Fault, Outcome, Status
from gainsight_dest.spelling import counted

if TYPE_CHECKING:
    from gainsight_dest.deliver import Deliverer, Journal
    from gainsight_dest.files.tables import TableOptions

_DAY = 86_400.0
#: What delivering needs beside the command line.
LIBRARIES = ("requests", "pyrate_limiter")
COLUMNS = ("events", "delivered", "failed", "skipped", "not tried", "calls")
#: With what is known.
COLUMNS_KNOWN = ("events", "delivered", "unchanged", *COLUMNS[2:])
#: Options that go not with each other, by the names of their parameters.
_CONTRADICTIONS = {
    "no_batch": ("batch", "linger"),
    "dry_run": ("report", "journal", "known", "retry_failed", "keep_events", "metrics_file", "form"),
    "report": (
        *("events", "kind", "journal", "errors", "known", "retry_failed", "keep_events"),
        *("metrics_file", "log_format", "verbose", "fit"),
    ),
    "quiet": ("verbose",),
}


@click.command()
@click.argument("events", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@table_options
@config_option
@tenant_option
@fit_option
@click.option("--journal", metavar="FILE", help="Record each outcome here. The same command continues the run.")
@click.option("--retry-failed", is_flag=True, help="Send the failed events of the journal again.")
@click.option("--keep-events", is_flag=True, help="Keep the events themselves in the journal, not only their outcomes.")
@known_options
@errors_option
@number_option("--workers", WORKERS, "How many calls to make at the same time.", least=1, most=64)
@budget_option
@number_option("--batch", BATCH, "How many events to merge at once. A larger batch needs fewer calls.", least=1)
@click.option("--no-batch", is_flag=True, help="Do not merge: send each event by itself.")
@click.option(
    "--linger",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=LINGER,
    show_default=True,
    help="With events from a pipe: the longest time that a batch waits for more events.",
)
@limit_options
@fail_empty_option
@click.option("--base-url", metavar="URL", help="Send to this address instead of Gainsight, for example to a sandbox.")
@click.option("--dry-run", is_flag=True, help="Send nothing: print the requests, as transform does.")
@click.option("--report", metavar="FILE", help="Send nothing: print the results in this journal.")
@format_option("How to print the counts: tables, or one JSON object.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Show the progress as lines of text or of JSON.  [default: a bar at a terminal, else text]",
)
@click.option("--metrics-file", metavar="FILE", help="Write metrics here, for node_exporter's textfile collector.")
@click.option("-v", "--verbose", is_flag=True, help="Show each call on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def deliver(context: click.Context, /, events: str | None, config_file: str | None, **options: Any) -> int:
    """Deliver EVENTS to Gainsight, and print how many were delivered.

    EVENTS is a file of JSON, plain or gzipped, or - for standard input: one event on each line, or over several lines,
    or all in an array. Events may also be as RudderStack and its SDKs send them, {"message": {...}} and
    {"batch": [...]}. With --as, EVENTS is a table, CSV or Parquet: each row is an event.

    Calls that fail with a temporary error are tried again. The events of one person or company stay in order. No more
    calls are made than the tenant allows. Events are merged into the fewest calls; the result of each is the same as if
    it were sent alone.

    With --tenant and --fit, values are made to fit the tenant's fields, where only one thing can be meant.

    If standard error is not a terminal, it gets lines of text: at the start, at the first error of each kind, and every
    minute with the counts so far.

    Ctrl-C and SIGTERM end the run in good order: calls that were begun are finished. The second one ends it at once.

    Exit status: 0 all well, 1 some events failed, 2 wrong use or config, or a run that could not be finished, as with a
    wrong key; 130 ended by Ctrl-C, 143 by SIGTERM.
    """
    refuse_contradictions(_CONTRADICTIONS)
    refuse_idle({"resend_after": "known", "fit": "tenant"})
    refuse_idle({} if options["kind"] else {"tenant": "fit"})
    if options["report"] is not None:
        return _report(options["report"], options["form"])
    if events is None or config_file is None:
        raise click.UsageError("EVENTS and --config FILE are needed", context)
    if options["journal"] is None and (options["retry_failed"] or options["keep_events"]):
        raise click.UsageError("--retry-failed and --keep-events are for a journal: name one with --journal", context)
    if options["dry_run"]:
        same = {name: options[name] for name in ("kind", "columns", "errors", "fail_empty", "tenant", "fit")}
        status: int = context.invoke(transform, events=events, config_file=config_file, **same)
        return status
    needs("deliver", "deliver", *LIBRARIES)
    with _errors_as_json(is_wanted=options["log_format"] == "json"):
        return _deliver(events, config_file, options)


@contextmanager
def _errors_as_json(*, is_wanted: bool) -> Iterator[None]:
    """What ends the run goes into the log as its other lines do, not as click would print it."""
    try:
        yield
    except WrongInputError as error:
        if not is_wanted:
            raise
        with progress.logging_on_stderr("json", progress=True, calls=False):
            progress.tell("error", error.message, logging.ERROR)
        raise click.exceptions.Exit(error.exit_code) from None


def _deliver(events: str, config_file: str, options: dict[str, Any]) -> int:
    from gainsight_dest.deliver import Deliverer, Journal  # noqa: PLC0415 - needs the extra deliver
    from gainsight_dest.known import Known  # noqa: PLC0415 - the same

    config = fitting(destination_config(config_file), options["tenant"], options["fit"])
    table = table_of(options["kind"], options["columns"], config, options["tenant"])
    _check_files(options, events, config_file)
    counts = RunCounts(COLUMNS if options["known"] is None else COLUMNS_KNOWN)
    run = None
    with ExitStack() as stack:
        try:
            settings = {"base_url": options["base_url"], "workers": options["workers"], **limits(options)}
            if options["known"] is not None:
                store = stack.enter_context(Known.open(options["known"]))
                settings |= {"known": store, "resend_after": options["resend_after"]}
            deliverer = stack.enter_context(Deliverer(config, **settings))
            journal = None
            if options["journal"] is not None:
                how = {name: options[name] for name in ("retry_failed", "keep_events")}
                journal = stack.enter_context(Journal(options["journal"], deliverer.target, **how))
                deliverer.budget.remember(journal.calls_since(_DAY))
            file = stack.enter_context(reading(events))
            write_error = stack.enter_context(writing(options["errors"], file, at_once=True))
            in_lines = not options["quiet"] and (options["log_format"] is not None or not sys.stderr.isatty())
            stack.enter_context(
                progress.logging_on_stderr(options["log_format"] or "text", progress=in_lines, calls=options["verbose"])
            )
            batch = None if options["no_batch"] else options["batch"]
            linger = None if batch is None or file.seekable() else options["linger"]
            if in_lines:
                _tell_of_the_start(deliverer, file, options, batch)
            run = FileDelivery(deliverer, journal, counts, write_error, options["metrics_file"], table=table)
            quiet = in_lines or options["verbose"] or options["quiet"]
            say = _warn_in_the_log if options["log_format"] == "json" else warn
            run.go(file, quiet=quiet, batch=batch, linger=linger, fail_empty=options["fail_empty"], warn=say)
            end = run.end(options["journal"])
        except GainsightDestError as error:
            if run is None or not counts.types:
                raise WrongInputError(str(error)) from None
            end = End(WRONG_USE, str(error))  # something has been sent before the journal failed
    run.tell_end(end, options["form"])
    return end.leave()


def _warn_in_the_log(text: str) -> None:
    progress.tell("file", text, logging.WARNING)


def _tell_of_the_start(
    deliverer: Deliverer, file: io.BufferedReader, options: dict[str, Any], batch: int | None
) -> None:
    """What is delivered, as far as that is known, where to, and within which limits."""
    budget, count = deliverer.budget, None if options["kind"] else progress.known_events(file)
    name = name_of(file) or "standard input"
    allowed = {"calls_per_minute": budget.calls_per_minute, "calls_per_day": budget.calls_per_day}
    facts: dict[str, Any] = {"events": count, "source": name, "target": deliverer.target, **allowed}
    facts |= {"workers": options["workers"], "batch": batch}
    many = "events" if count is None else counted(count, "event")
    words = [f"{number:,} calls a {each.rpartition('_')[2]}" for each, number in allowed.items() if number is not None]
    within = f"at most {' and '.join(words)}" if words else "without a limit of calls"
    progress.tell("start", f"delivering {many} of {name} to {deliverer.target}, {within}", **facts)


def _check_files(options: dict[str, Any], events: str, config_file: str) -> None:
    """Raises WrongInputError if a file that is written would be written over another file of the run."""
    from gainsight_dest.deliver.journal import files_of  # noqa: PLC0415 - needs the extra deliver

    errors, metrics, journal = options["errors"], options["metrics_file"], options["journal"]
    if metrics is not None:
        check_replaceable(metrics)
    journals = dict.fromkeys(files_of(journal) if journal else [], "the journal")
    known = options["known"]
    stores = {} if known is None or "://" in known else {known: "the store of what is known"}
    others = {config_file: "the config", **journals, **stores, events: "the file of the events"}
    check_written({"--errors": errors, "--metrics-file": metrics}, others)


@attrs.frozen
class End:
    """How a run ended: the exit status, why it could not be finished, what else is to be said of it."""

    status: int
    reason: str | None = None
    notes: tuple[str, ...] = ()

    def leave(self) -> int:
        """The exit status of the command. Raises WrongInputError for a run that could not be finished."""
        if self.reason is not None:
            raise WrongInputError(self.reason)
        return self.status


class FileDelivery:
    """One delivery of a file: events in, counts and faults out."""

    def __init__(
        self,
        deliverer: Deliverer,
        journal: Journal | None,
        counts: RunCounts,
        write_error: Write,
        metrics_file: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        table: TableOptions | None = None,
    ) -> None:
        self._deliverer = deliverer
        self._table = table
        self._journal = journal
        self._counts = counts
        self._write_error = write_error
        self._intake = Intake(in_journal=journal is not None)
        self._stop = Stop(deliverer.stop)
        self._unwritten: str | None = None
        self._place = 0
        self._resumed = 0
        self._credentials: CredentialsError | None = None
        self._size: int | None = None
        self._clock = clock
        self._started = clock()
        self._started_at = time.time()
        self._calls_before, self._delayed_before = deliverer.calls, deliverer.delayed
        self._log = ProgressLog(self.look, metrics_file, self._seen, clock)

    def go(
        self,
        file: io.BufferedReader,
        *,
        quiet: bool = False,
        fail_empty: bool = False,
        warn: Callable[[str], object] = warn,
        **how: Any,
    ) -> None:
        """Deliver all that the file holds. `how`: as for Deliverer.run.

        Raises WrongInputError for a file that is something else than events, with `fail_empty` for one without them.
        """
        size = self._size = os.fstat(file.fileno()).st_size if file.seekable() else None
        bar = show.delivery_progress(
            show.console_on_stderr(), self.look, self._deliverer, self._bytes_ahead, quiet=quiet
        )
        events = self._events(file, fail_empty=fail_empty, warn=warn)
        results = self._deliverer.run(events, self._journal, **how)
        self._log.write(self.look())
        with self._stop.heeded(), self._log, show.on_screen(bar), closing(results):
            task = bar.add_task("", total=size)
            for result in results:
                ended, place = self._intake.ended(result)
                self._take(ended)
                if size is not None:
                    if result.resumed:  # no work of this run: it would make what is left look quick
                        size -= place - self._place
                        bar.update(task, total=size)
                    else:
                        bar.advance(task, place - self._place)
                    self._place = place
        for ended in self._intake.rest():
            self._take(ended)
        self._seen(self.look())

    def look(self) -> Look:
        """How far it has come: what has been counted, and what is through and waits for that."""
        ahead = self._deliverer.ahead
        done = self._place + self._bytes_ahead(sum(ahead.values()))
        return Look(
            self._counts.with_ahead(ahead),
            self._clock() - self._started,
            self._deliverer.calls - self._calls_before,
            self._deliverer.delayed - self._delayed_before,
            self._resumed,
            min(1.0, done / self._size) if self._size else None,
            self._deliverer.waiting,
            self._deliverer.troubles,
        )

    def _seen(self, look: Look) -> None:
        """Report faults whose events wait for those before them; note in the journal how far it has come."""
        failed = self._deliverer.failed_ahead
        numbers = {each.position: each.item.number for each in [*self._intake.under_way]} if failed else {}
        faults = [(fault, each.index) for each in failed if (fault := fault_in(each)) and each.index in numbers]
        for fault, index in faults:
            self._log.fault(fault, numbers[index])
        if self._journal is None:
            return
        from gainsight_dest.deliver.journal import JournalError, RunRecord  # noqa: PLC0415 - needs the extra deliver

        with suppress(JournalError):  # which ends the run where an outcome cannot be recorded
            self._journal.ran(RunRecord(self._started_at, self._started_at + look.seconds, look.calls, look.waited))

    def _events(
        self, file: io.BufferedReader, *, fail_empty: bool = False, warn: Callable[[str], object] = warn
    ) -> Iterator[Any]:
        items = self._stop.reading(read_events(file, fail_empty=fail_empty, warn=warn, table=self._table))
        return self._intake.given(items, file.tell if file.seekable() else int)

    def _bytes_ahead(self, events: int) -> int:
        """How much of the file the events are that come next and have no outcome yet."""
        try:
            return max(0, self._intake.under_way[events - 1].end - self._place) if events else 0
        except IndexError:  # another thread has taken some of them just now
            return 0

    def _take(self, event: EndedEvent) -> None:
        """Count an event that has ended, and keep it if it is not with Gainsight."""
        item, result, fault = event
        at_fault = self._counts.add_ended(event)
        if at_fault is not None and not result.resumed:
            self._log.fault(at_fault, item.number)
        self._resumed += result.resumed
        if isinstance(result.error, CredentialsError) and not result.resumed:  # one of an earlier run ended that one
            self._credentials = result.error
        if fault is not None and not item.is_missing:
            self._keep(item, fault, result)

    def _keep(self, item: Item, fault: Fault, result: Outcome) -> None:
        """Write the dead letter. The run ends with the first that cannot be written: none is left out in silence."""
        if self._unwritten is not None:
            return
        try:
            self._write_error(records.letter_line(item, fault, result))
        except WrongInputError as error:
            self._unwritten = f"{error}. The run was ended: event {item.number:,} and later ones are not in it"
            self._deliverer.stop()

    def end(self, journal_file: str | None = None) -> End:
        """How it ended, once it has."""
        counts, notes = self._counts.total(), []
        if self._resumed:
            notes.append(f"{self._resumed:,} of them were in the journal already, and were not sent again.")
        if self._intake.is_unfinished:
            notes.append("The last line is not complete yet. Run the same command when it is.")
        reason = None
        if self._unwritten is not None:
            again = ". Make room and run the same command: the journal has them all" if journal_file else ""
            reason = f"{self._unwritten}{again}"
        elif self._stop.is_asked:
            read = self._intake.read
            rest = f"Events after event {read:,} were not read." if read else "No event was read."
            notes.append(f"Ended on request. {'Run the same command to continue.' if journal_file else rest}")
        elif problem := self._credentials or self._deliverer.ended:
            reason = f"the run was ended: {problem}"
        status = WRONG_USE if reason else self._stop.status
        if not status and (counts["failed"] or counts["not tried"]):
            status = FAILED
        return End(status, reason, tuple(notes))

    def tell_end(self, end: End, form: str = "text") -> None:
        """Print how many events ended how, and write the last metrics."""
        look = self.look()
        self._log.write(look, end.status)
        facts = {"resumed": self._resumed, "notes": end.notes, "ended": end.reason, "exit_status": end.status}
        _print_result(form, self._counts, {**look.pace(), **facts}, f"{look.pace_words()}.", *end.notes)


def _print_result(form: str, counts: RunCounts, facts: dict[str, Any], *notes: str) -> None:
    """Print the counts on standard output: in tables, with the notes below, or with the facts as a line of JSON."""
    if form == "json":
        with plain_output() as write:
            write(records.line({**counts.as_dict(), **facts}))
        return
    console = show.console_on_stdout()
    show.print_counts(console, counts)
    for note in notes:
        console.print(f"\n{note}")


def _report(path: str, form: str) -> int:
    needs("deliver", "deliver", *LIBRARIES)
    from gainsight_dest.deliver import JournalError  # noqa: PLC0415 - needs the extra deliver
    from gainsight_dest.deliver.journal import entries, runs  # noqa: PLC0415 - the same

    counts = RunCounts(COLUMNS)
    first, last = float("inf"), 0.0
    try:
        for entry in entries(path):
            result = entry.outcome
            if result.status is Status.UNCHANGED:
                counts.columns = COLUMNS_KNOWN
            row = {"events": 1, str(result.status): 1, "calls": result.calls}
            counts.add(result.index + 1, result.type, row, result.reason, fault_in(result))
            first, last = min(first, entry.at), max(last, entry.at)
        ran = runs(path)
    except JournalError as error:
        raise WrongInputError(str(error)) from None
    status = FAILED if counts.total()["failed"] else 0
    seconds, waited = sum(run.ended - run.started for run in ran), sum(run.waited for run in ran)
    look = Look(counts.types, seconds, sum(run.calls for run in ran), waited)
    facts: dict[str, Any] = {"runs": len(ran), "first_outcome": None, "last_outcome": None, "exit_status": status}
    notes = [f"{counted(len(ran), 'run')}: {look.pace_words()}."]
    if last:
        facts |= {"first_outcome": utc(first), "last_outcome": utc(last)}
        moments = (f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}" for at in (first, last))
        notes.append("First outcome {}, last {}.".format(*moments))
    _print_result(form, counts, {**look.pace(), **facts}, *notes)
    return status
