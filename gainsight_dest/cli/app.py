"""The commands: their options, their files, their exit status. What they decide stands in the modules beside."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import cast

import click
from rich.progress import Progress

from gainsight_dest import ConfigError, DestinationConfig, __version__
from gainsight_dest.cli import outcome, read, show

FAILED = 1
_EVENTS_BETWEEN_LOOKS = 1000
_OUTPUT_BUFFER = 1 << 16


class ReaderGoneError(Exception):
    """Whoever read standard output has had enough."""


class WrongInputError(click.ClickException):
    """A wrong use of the command line, or a config that cannot be used."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gainsight-dest")
def cli() -> None:
    """Customer events into Gainsight CS: RudderStack's identify, group and track events as Gainsight requests."""


@cli.command()
@click.argument("events", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The destination as RudderStack stores it (JSON), or its Config alone. Without it, each event must carry its "
    "destination.",
)
@click.option("-o", "--output", metavar="FILE", help="Write the requests here rather than to standard output.")
@click.option(
    "--errors", metavar="FILE", help="Write the events at fault here, with the reason, to mend and run again."
)
@click.option("--show-secrets", is_flag=True, help="Show the keys in the headers rather than ***.")
def transform(
    events: str, config_file: str | None, output: str | None, errors: str | None, *, show_secrets: bool
) -> int:
    """Print the requests that EVENTS would become, one JSON object an event, in order. Nothing is sent.

    EVENTS is NDJSON or a JSON array, plain or gzipped, a file or - for standard input; events may come in RudderStack's
    nested form, {"message": {...}, "destination": {...}}.

    For each event: its number (the line, or the place in the array), message id, type, and its requests, or why it is
    skipped, or its error. A group's requests are all that it may lead to: find, then create or update, then link.

    Exit status: 0 all well, 1 some events are at fault, 2 wrong use or config.
    """
    configs = outcome.Configs(_config(config_file) if config_file else None)
    tally = outcome.Tally()
    console = show.console_on_stderr()
    output = None if output == "-" else output
    with ExitStack() as stack:
        file = stack.enter_context(_reading(events))
        bar = show.progress(console, to_stdout=output is None)
        if not bar.disable:  # some releases of rich end a disabled bar with a blank line
            stack.enter_context(bar)
        write = stack.enter_context(_writing(output, file) if output else _standard_output(bar))
        write_error = stack.enter_context(_writing(errors, file) if errors else nullcontext(_nowhere))
        for item in _watched(read.events(file), file, bar):
            result = _outcome(item, configs)
            tally.add(result)
            write(outcome.line(outcome.as_record(result, show_secrets=show_secrets)))
            if result.fault is not None and not item.is_missing:
                write_error(outcome.line(outcome.as_event_at_fault(item, result.fault)))
    for table in show.summary(tally):
        console.print(table)
    return FAILED if tally.errors else 0


Write = Callable[[bytes], object]


def _config(file: str) -> DestinationConfig:
    try:
        return DestinationConfig.from_rudderstack(json.loads(Path(file).read_bytes()))
    except ConfigError as error:
        problems = "".join(f"\n  {place}: {problem}" for place, problem in error.problems)
        raise WrongInputError(f"{file} is not a destination config:{problems}") from None
    except (ValueError, RecursionError) as error:
        raise WrongInputError(f"{file}: {read.not_json(error)}") from None


def _outcome(item: read.Item, configs: outcome.Configs) -> outcome.Outcome:
    try:
        return outcome.outcome(item, configs)
    except outcome.NoConfigError:
        raise WrongInputError(
            f"event {item.number} carries no destination of its own: name one with --config FILE"
        ) from None


@contextmanager
def _reading(path: str) -> Iterator[io.BufferedReader]:
    if path == "-":
        yield cast("io.BufferedReader", sys.stdin.buffer)
    else:
        with Path(path).open("rb") as file:
            yield file


@contextmanager
def _writing(path: str, source: io.BufferedReader) -> Iterator[Write]:
    """A new file to write to, which must not be the one that is read."""
    try:
        if Path(path).exists() and os.path.samestat(Path(path).stat(), os.fstat(source.fileno())):
            raise WrongInputError(f"{path} is the file that the events come from: name another")
        file = Path(path).open("wb")  # noqa: SIM115 - closed below; only a failure to open is the user's mistake
    except OSError as error:
        raise WrongInputError(f"{path} cannot be written: {error.strerror}") from None
    with file:
        yield file.write


@contextmanager
def _standard_output(bar: Progress) -> Iterator[Write]:
    """Standard output; by way of the bar where both are on one terminal, so that it stays below the lines."""
    if sys.stdout.isatty() and not bar.disable:
        yield lambda line: bar.console.out(line.decode().rstrip("\n"), highlight=False)
        return
    try:
        with open(sys.stdout.fileno(), "wb", buffering=_OUTPUT_BUFFER, closefd=False) as file:
            yield file.write
    except BrokenPipeError:
        raise ReaderGoneError from None  # click would end with 1, which here says that events failed


def _nowhere(_: bytes) -> None:
    pass


def _watched(items: Iterator[read.Item], file: io.BufferedReader, bar: Progress) -> Iterator[read.Item]:
    """The items, with the bar kept up to them."""
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    task = bar.add_task("", total=size, events=0)
    count = 0
    for count, item in enumerate(items, 1):
        yield item
        if count % _EVENTS_BETWEEN_LOOKS == 0:
            bar.update(task, events=count, completed=file.tell() if size else 0)
    bar.update(task, events=count)
