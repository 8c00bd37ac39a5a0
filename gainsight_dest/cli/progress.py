"""The progress of a delivery where nobody watches it: a log, of lines or of JSON, and a file of metrics.

A `Look` is how far a delivery has come, as a value. `ProgressLog` takes one now and then, and logs what is new.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import attrs

from gainsight_dest.cli import show
from gainsight_dest.cli.files import write_whole
from gainsight_dest.explaining.profile import OTHER
from gainsight_dest.files import read, records
from gainsight_dest.outcome import Fault, Status
from gainsight_dest.plan.durations import lasting
from gainsight_dest.spelling import counted, printable

if TYPE_CHECKING:
    from gainsight_dest.deliver import Waiting
    from gainsight_dest.deliver.flow import Trouble

#: Seconds between two lines, two files of metrics, two looks.
LINES = 60.0
METRICS = 15.0
_LOOKS = 1.0
#: A file that is not longer is counted before it is delivered. In bytes: some tenth of a second.
_COUNTED = 4 * 1024 * 1024
#: Types of events that have metrics of their own; those that come after them are counted together.
_MOST_TYPES = 30

log = logging.getLogger("gainsight_dest.cli.deliver")
log.addHandler(logging.NullHandler())  # where nothing is to be logged, Python's last resort would log it
_CALLS = "gainsight_dest.deliver"


# --- how far it has come ----------------------------------------------------------------------------------------------


@attrs.frozen
class Look:
    """How far a delivery has come.

    `types`: what is counted of each type of event. `seconds`: since it began. `waited`: those of them in which a call
    was waited with. `resumed`: events that the journal has. `share`: of the file, from 0 to 1, if that is known.
    """

    types: Mapping[str, Counter[str]]
    seconds: float
    calls: int
    waited: float
    resumed: int = 0
    share: float | None = None
    waiting: Waiting | None = None
    troubles: Mapping[str, Trouble] = attrs.field(factory=dict)

    @property
    def total(self) -> Counter[str]:
        """The sums over all types."""
        return sum(self.types.values(), Counter())

    @property
    def events_per_minute(self) -> float:
        """The events that this run was through with, by the clock."""
        total = self.total
        through = total["events"] - total[str(Status.NOT_TRIED)] - self.resumed
        return through * 60 / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """It as plain data, but for what is counted of each type."""
        total, waiting = self.total, self.waiting
        return {
            **{str(status).replace(" ", "_"): total[str(status)] for status in Status},
            "resumed": self.resumed,
            "share": None if self.share is None else round(self.share, 4),
            **self.pace(),
            "waiting": None if waiting is None else {"until": utc(waiting.until), "reason": waiting.reason},
        }

    def pace(self) -> dict[str, Any]:
        """How long it took, how fast it was, what it spent."""
        return {
            "seconds": round(self.seconds, 3),
            "events_per_minute": round(self.events_per_minute, 1),
            "calls": self.calls,
            "seconds_waited": round(self.waited, 3),
        }

    def words(self) -> str:
        """It in a line."""
        total = self.total
        found = [f"{total[status]:,} {status}" for status in map(str, Status) if total[status] or status in _ALWAYS]
        share = [] if self.share is None else [f"{100 * self.share:.0f}% of the file"]
        waiting = [] if self.waiting is None else [show.waiting_words(self.waiting)]
        return "; ".join([", ".join(found + share), self.pace_words(), *waiting])

    def pace_words(self) -> str:
        """How long it took, how fast it was, what it spent, in words."""
        pace = f"{self.events_per_minute:,.0f} events a minute, {counted(self.calls, 'call')}"
        return f"{lasting(self.seconds)}, {pace}, {lasting(self.waited)} of waiting"


#: Those that are named even where there is none.
_ALWAYS = frozenset({str(Status.DELIVERED), str(Status.FAILED)})


def utc(at: float) -> str:
    """A moment in seconds since the epoch, as ISO 8601 has it."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_events(file: io.BufferedReader) -> int | None:
    """How many events there are, if it is a file, and short. It is read by a handle of its own."""
    try:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > _COUNTED or not isinstance(file.name, str):
            return None
        with open(file.name, "rb") as again:  # noqa: PTH123 - as a BufferedReader
            return sum(1 for _ in read.events(again))
    except (OSError, EOFError, read.WrongFormatError):
        return None


# --- the log ----------------------------------------------------------------------------------------------------------


class JsonFormatter(logging.Formatter):
    """A log of one JSON object a line: when, how grave, what it is about, the same in words, and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = getattr(record, "facts", {})
        about = {
            "time": utc(record.created),
            "level": record.levelname.lower(),
            "about": getattr(record, "about", "call"),
            "message": record.getMessage(),
        }
        return records.line({**about, **facts}).decode().rstrip("\n")


@contextmanager
def logging_on_stderr(form: str, *, progress: bool, calls: bool) -> Iterator[None]:
    """The lines on standard error while this is open: those of the progress, those of each call.

    `form`: "text" or "json".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else show.LogFormatter())
    names = {log.name: (progress, logging.INFO), _CALLS: (calls, logging.DEBUG)}
    opened = [(logging.getLogger(name), level) for name, (is_wanted, level) in names.items() if is_wanted]
    before = [each.level for each, _ in opened]
    for each, level in opened:
        each.setLevel(level)
        each.addHandler(handler)
    try:
        yield
    finally:
        for (each, _), level in zip(opened, before, strict=True):
            each.setLevel(level)
            each.removeHandler(handler)


def tell(about: str, message: str, level: int = logging.INFO, **facts: Any) -> None:
    """A line of the log, in which a word of an event or an answer is not raw."""
    log.log(level, "%s", printable(message), extra={"about": about, "facts": facts})


# --- what is logged when ----------------------------------------------------------------------------------------------


class ProgressLog:
    """Logs the first fault of each kind at once, how far the delivery has come each minute, and writes metrics.

    `look` takes a Look; `metrics`: a file to write them to. `seen` gets each Look.
    While it is open, a thread asks it to see to that; for tests it can be asked by `see`, with a `clock` of their own.
    """

    def __init__(
        self,
        look: Callable[[], Look],
        metrics: str | None = None,
        seen: Callable[[Look], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._metrics = metrics
        self._seen = seen
        self._clock = clock
        self._kinds: set[tuple[str, bool]] = set()
        self._told_at = self._wrote_at = clock()
        self._is_broken = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="gainsight-dest-progress", daemon=True)

    def fault(self, fault: Fault, event: int | None = None, *, is_retried: bool = False) -> None:
        """An event has failed, or a call that is made again: the first of its kind is logged."""
        if (fault.kind, is_retried) in self._kinds:
            return
        self._kinds.add((fault.kind, is_retried))
        what = "a call failed and is tried again" if is_retried else f"event {event:,} failed"
        facts = {"kind": fault.kind, "reason": fault.message, "event": event, "is_retried": is_retried}
        tell("fault", f"{what}: {fault.kind}: {fault.message}", logging.WARNING, **facts)

    def see(self) -> None:
        """Log and write what is due."""
        look, now = self._look(), self._clock()
        self._seen(look)
        for kind, trouble in look.troubles.items():
            self.fault(Fault(kind, None, trouble.message), is_retried=True)
        if now - self._told_at >= LINES:
            self._told_at = now
            tell("progress", look.words(), **look.as_dict())
        if now - self._wrote_at >= METRICS:
            self._wrote_at = now
            self.write(look)

    def write(self, look: Look, status: int | None = None) -> None:
        """Write the metrics. `status`: the exit status, at the end."""
        if self._metrics is None:
            return
        try:
            write_whole(self._metrics, metrics(look, time.time(), status), for_all=True)
        except OSError as error:  # a delivery does not end for that; what is there grows old, which can be seen
            if not self._is_broken:
                self._is_broken = True
                problem = f"{self._metrics} cannot be written: {error.strerror}"
                tell("metrics", problem, logging.WARNING)

    def __enter__(self) -> ProgressLog:  # noqa: PYI034 - Python 3.10 has no Self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        from gainsight_dest.deliver.chunks import leave_signals_to_the_main_thread  # noqa: PLC0415 - an extra's

        leave_signals_to_the_main_thread()
        while not self._ended.wait(_LOOKS):
            self.see()


# --- metrics ----------------------------------------------------------------------------------------------------------

_PREFIX = "gainsight_dest_deliver_"


def metrics(look: Look, now: float, status: int | None = None) -> str:
    """Metrics in Prometheus' text format. `now`: in seconds since the epoch. `status`: the exit status, at the end."""
    events = Counter[str]()
    for place, (name, row) in enumerate(look.types.items()):
        label = name if place < _MOST_TYPES else OTHER
        events.update({_label(type=label, status=str(each)): row[str(each)] for each in Status})
    failed_calls = {_label(kind=kind): trouble.times for kind, trouble in look.troubles.items()}
    families: list[tuple[str, str, Mapping[str, float]]] = [
        ("events_total", "Events by type and status.", events),
        ("resumed_events_total", "Events whose outcomes the journal had.", {"": look.resumed}),
        ("calls_total", "Calls made.", {"": look.calls}),
        ("failed_calls_total", "Calls that failed with a temporary error, by kind.", failed_calls),
        ("waited_seconds_total", "Seconds in which a call had to wait.", {"": look.waited}),
        ("waiting", "1 while a call waits.", {"": look.waiting is not None}),
        ("running", "1 until the run has ended.", {"": status is None}),
        ("started_timestamp_seconds", "When the run began.", {"": now - look.seconds}),
        ("updated_timestamp_seconds", "When this was written.", {"": now}),
        ("exit_status", "The exit status.", {} if status is None else {"": status}),
    ]
    return "".join(_family(*family) for family in families)


def _family(name: str, about: str, samples: Mapping[str, float]) -> str:
    """A family of metrics. `samples`: by their labels."""
    kind = "counter" if name.endswith("_total") else "gauge"
    head = f"# HELP {_PREFIX}{name} {about}\n# TYPE {_PREFIX}{name} {kind}\n"
    return head + "".join(f"{_PREFIX}{name}{label} {float(value):.15g}\n" for label, value in samples.items())


def _label(**labels: str) -> str:
    return "{{{}}}".format(",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()))


def _escaped(word: str) -> str:
    """A word as the text format has it; what may steer a terminal stands as JSON's escapes do."""
    return printable(word).replace("\\", "\\\\").replace('"', '\\"')
