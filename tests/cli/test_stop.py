"""Ending in good order on request, as the main thread sees it."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gainsight_dest.cli.stop import Stop
from tests.cli.process import LONGEST, until

BOTH = pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def stop(ends: list[str]) -> Stop:
    return Stop(lambda: ends.append("end"))


@BOTH
def test_a_signal_asks_for_the_end_and_the_handlers_are_put_back(
    how: signal.Signals, stop: Stop, ends: list[str]
) -> None:
    before = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]
    with stop.heeded():
        assert ends == []
        signal.raise_signal(how)
    assert stop.is_asked
    assert ends == ["end"]
    assert [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)] == before


@BOTH
def test_what_is_read_ends_also_while_the_next_item_is_waited_for(how: signal.Signals, stop: Stop) -> None:
    def items() -> Iterator[int]:
        yield 1
        signal.raise_signal(how)
        yield 2

    with stop.heeded():
        assert list(stop.reading(items())) == [1]
    assert stop.is_asked


@BOTH
def test_what_is_read_ends_before_the_next_item_where_it_was_asked_between_two(how: signal.Signals, stop: Stop) -> None:
    items = iter([1, 2, 3])
    with stop.heeded():
        for item in stop.reading(items):
            assert item == 1
            signal.raise_signal(how)
    assert next(items) == 2


def test_without_a_signal_all_is_read(stop: Stop) -> None:
    with stop.heeded():
        assert list(stop.reading(iter([1, 2, 3]))) == [1, 2, 3]
    assert not stop.is_asked
    assert stop.status == 0


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_status_is_that_of_the_signal_that_asked_first(
    how: signal.Signals, status: int, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "_exit", lambda _: None)
    (other,) = {signal.SIGINT, signal.SIGTERM} - {how}
    with stop.heeded():
        signal.raise_signal(how)
        assert stop.status == status
        signal.raise_signal(other)
        assert stop.status == status


def test_a_thread_that_reads_is_not_broken_off(stop: Stop) -> None:
    """The signal comes to the main thread, which must not take it for one that came while it was reading itself."""
    reading, may_go_on, read = threading.Event(), threading.Event(), list[int]()

    def items() -> Iterator[int]:
        reading.set()
        may_go_on.wait()
        yield 1
        yield 2

    with stop.heeded():
        thread = threading.Thread(target=lambda: read.extend(stop.reading(items())))
        thread.start()
        reading.wait()
        signal.raise_signal(signal.SIGINT)
        may_go_on.set()
        thread.join()
    assert read == [1]


@BOTH
@pytest.mark.parametrize("is_terminal", [True, False])
def test_asked_twice_it_leaves_at_once_and_gives_a_terminal_its_cursor_back(
    how: signal.Signals, is_terminal: bool, stop: Stop, ends: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    stderr = io.StringIO()
    monkeypatch.setattr(stderr, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(os, "_exit", left.append)
    with stop.heeded():
        signal.raise_signal(how)
        until(lambda: ends)
        assert not left
        signal.raise_signal(how)
        until(lambda: left)
    assert left == [128 + how]
    assert stderr.getvalue() == ("\x1b[?25h" if is_terminal else "")


def test_what_ends_it_may_need_a_lock_that_the_main_thread_holds() -> None:
    lock, ended = threading.Lock(), threading.Event()

    def end() -> None:
        with lock:
            ended.set()

    with Stop(end).heeded():
        with lock:
            signal.raise_signal(signal.SIGINT)
        assert ended.wait(LONGEST)


@pytest.mark.skipif(sys.platform == "win32", reason="a thread cannot be told of a signal there")
def test_a_main_thread_that_was_told_of_no_signal_is_woken() -> None:
    """As where the signal comes just before it waits: another thread has it, and so it does not end the wait."""
    ours, theirs = os.pipe()
    stop = Stop(lambda: None)

    def tell() -> None:
        time.sleep(0.1)  # most likely it waits by now; if not, it hears of the signal as ever
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other = threading.Thread(target=tell)

    def items() -> Iterator[bytes]:
        other.start()
        yield os.read(ours, 1)  # for ever, if nobody wakes it

    with stop.heeded():
        assert list(stop.reading(items())) == []
    os.close(theirs)
    os.close(ours)
    other.join()


def test_a_signal_that_comes_as_it_closes_does_not_hold_it_up(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    set_handler, heard = signal.signal, list[int]()

    def other(number: int, _: object) -> None:
        heard.append(number)

    def late(name: signal.Signals, handler: Any) -> Any:
        before = set_handler(name, handler)
        if handler is other:
            signal.raise_signal(name)
        return before

    before = signal.signal(signal.SIGINT, other)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(signal, "signal", late)
            with stop.heeded():
                pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    assert not stop.is_asked
