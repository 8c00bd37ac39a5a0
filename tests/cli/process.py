"""The command line, in this process or in one of its own, and what it prints as data.

`run` is for most: the command itself, without the time that a new interpreter takes. A process of its own is for what
only one can show: signals, a terminal, pipes that stay open, kills, how it ends.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn
from unittest import mock

import pytest

from gainsight_dest.cli import main
from gainsight_dest.cli.deliver import COLUMNS, COLUMNS_KNOWN

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "examples" / "events.ndjson"
CONFIG = ROOT / "examples" / "destination.json"
PROGRAM = [sys.executable, "-m", "gainsight_dest"]
LONGEST = 60  # seconds; what takes longer hangs, be the machine ever so busy
_TO_END = 5  # seconds that a process has to end by itself, once it is asked to

Done = subprocess.CompletedProcess[bytes]


# --- in this process --------------------------------------------------------------------------------------------------


def run(*arguments: object, stdin: bytes = b"", stdout: IO[bytes] | None = None) -> Done:
    """The command, run to its end in this process, with a pipe as standard input and files for what it prints.

    Nothing is told of what it prints to a `stdout` that is given.
    """
    with tempfile.TemporaryFile(buffering=0) as printed, tempfile.TemporaryFile(buffering=0) as errors:
        with (
            piped(stdin) as source,
            _text(stdout or printed) as out,
            _text(errors, "backslashreplace") as err,
        ):
            status = called(arguments, stdin=source, stdout=out, stderr=err)
        return Done([*map(str, arguments)], status, *(_content(file) for file in (printed, errors)))


@contextmanager
def asked_to_end(when: Callable[[], object], how: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """A command in this process that heeds the signal is sent it, once the condition is there."""
    before = signal.getsignal(how)
    is_over = threading.Event()
    thread = threading.main_thread().ident
    assert thread is not None

    def ask() -> None:
        until(lambda: is_over.is_set() or (signal.getsignal(how) is not before and when()))
        time.sleep(0.05)  # the main thread has come to where it waits: on its way into a lock, it would not be woken
        if not is_over.is_set():
            signal.pthread_kill(thread, how)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield
    finally:
        is_over.set()
        asker.join()


def called(arguments: tuple[object, ...], stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> int:
    """The exit status of the command, called in this process as an interpreter calls it, with these streams."""
    given = {"argv": ["gainsight-dest", *map(str, arguments)], "stdin": stdin, "stdout": stdout, "stderr": stderr}
    with ExitStack() as stack:
        for name, value in given.items():
            stack.enter_context(mock.patch.object(sys, name, value))
        stack.enter_context(mock.patch.object(os, "_exit", _leave))  # as where the test's own threads are daemons
        stack.enter_context(_in_time())
        stack.enter_context(_threads_ended())
        stack.enter_context(_signals_kept())
        with pytest.raises(SystemExit) as end:
            main()
    assert isinstance(end.value.code, int)
    return end.value.code


def _leave(status: int) -> NoReturn:
    raise SystemExit(status)


@contextmanager
def _in_time() -> Iterator[None]:
    """What hangs is a failure."""
    if not hasattr(signal, "SIGALRM"):  # Windows has none
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    left = signal.alarm(LONGEST)  # of a command that uses this one
    try:
        yield
    finally:
        signal.alarm(left)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _threads_ended() -> Iterator[None]:
    """The threads that are begun here have ended."""
    before = {*threading.enumerate()}
    yield
    for thread in {*threading.enumerate()} - before:
        while thread.ident is None:  # the sandbox's, which is told of before it has begun
            time.sleep(0.001)
        thread.join(LONGEST)
        assert not thread.is_alive(), thread


@contextmanager
def _signals_kept() -> Iterator[None]:
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def piped(data: bytes) -> Iterator[IO[str]]:
    """A pipe that gives the data and is closed then."""
    ours, theirs = os.pipe()
    feeder = threading.Thread(target=_feed, args=[theirs, data])
    feeder.start()
    with os.fdopen(ours, encoding="utf8") as file:
        yield file
    feeder.join()


def _feed(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as file:  # it need not be read to its end
        file.write(data)


def _text(file: IO[bytes], errors: str = "strict") -> IO[str]:
    return os.fdopen(file.fileno(), "w", encoding="utf8", errors=errors, closefd=False)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


# --- in a process of its own ------------------------------------------------------------------------------------------


def popen(*arguments: object, program: list[str] = PROGRAM, **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own, with pipes, where `options` do not say otherwise: those of Popen.

    Ctrl-C ends it, even where this process was told to ignore it; it and what it starts are a group of their own.
    """
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with _ctrl_c_not_ignored():
        return subprocess.Popen([*program, *map(str, arguments)], **{**streams, **options}, start_new_session=True)


@contextmanager
def _ctrl_c_not_ignored() -> Iterator[None]:
    """What is started here does not ignore Ctrl-C: that it is ignored is inherited, another handler is not."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_process(*arguments: object, program: list[str] = PROGRAM, stdin: bytes = b"") -> Done:
    """The command, run to its end in a process of its own."""
    with started(*arguments, program=program) as process:
        stdout, stderr = process.communicate(stdin, timeout=LONGEST)
        return Done(process.args, process.returncode, stdout, stderr)


@contextmanager
def started(*arguments: object, forever: bool = False, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The command while it runs; ended at the end if it still does, or, if not `forever`, killed when it hangs."""
    with popen(*arguments, **options) as process:
        watchdog = threading.Timer(LONGEST, _kill, [process])
        if not forever:
            watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill what of it does not."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TO_END)
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all that it has started."""
    if not hasattr(os, "killpg"):  # Windows has none
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # it is gone; macOS says so of one that has not been waited for
        os.killpg(process.pid, signal.SIGKILL)


def ended(process: subprocess.Popen[bytes], how: int = signal.SIGINT) -> Done:
    """What the process printed and how it ended, once it was asked to."""
    process.send_signal(how)
    stdout, stderr = process.communicate(timeout=LONGEST)
    return Done(process.args, process.returncode, stdout, stderr)


def until(condition: Callable[[], object]) -> None:
    """Waits for the condition."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


# --- what serves ------------------------------------------------------------------------------------------------------


def address(process: subprocess.Popen[bytes]) -> str:
    """Where the process says that it serves."""
    assert process.stdout is not None
    while line := process.stdout.readline().decode():
        if found := re.search(r" is at (http://[\w.:]+\d)", line):
            return found[1]
    raise AssertionError("it names no address")


@contextmanager
def serving_sandbox(*arguments: object, forever: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`gainsight-dest sandbox` while it runs, and its address."""
    with started("sandbox", "--port", 0, *arguments, forever=forever) as process:
        yield process, address(process)


@contextmanager
def serving(*arguments: object, forever: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`gainsight-dest serve` while it runs, and its address."""
    with started("serve", "--port", 0, *arguments, forever=forever) as process:
        yield process, address(process)


# --- as data ----------------------------------------------------------------------------------------------------------


def lines(data: bytes) -> list[Any]:
    """The values of NDJSON."""
    return [json.loads(line) for line in data.splitlines()]


def ndjson(*values: Any) -> bytes:
    """The values as NDJSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def table(done: Done) -> dict[str, dict[str, int]]:
    """The closing table of a delivery: the counts of each type."""
    columns = COLUMNS_KNOWN if "unchanged" in done.stdout.decode() else COLUMNS
    rows = re.findall(r"^(\S+)" + r" +([\d,]+)" * len(columns) + "$", done.stdout.decode(), re.MULTILINE)
    assert rows, done
    return {
        name: dict(zip(columns, (int(count.replace(",", "")) for count in counts), strict=True))
        for name, *counts in rows
    }


def wrong_use(done: Done) -> str:
    """The one line that says what is wrong; nothing else is printed, least of all a traceback."""
    text = done.stderr.decode()
    assert done.returncode == 2, done
    assert text.startswith("Error: "), text
    assert text.count("\n") == 1, text
    return text.removeprefix("Error: ").rstrip("\n")
