"""Ending in good order: once asked, what is under way is finished and counted; asked again, all ends at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")
#: What shells report an end by a signal as: 130 by Ctrl-C, 143 by SIGTERM.
_BY_SIGNAL = 128
_ASK = frozenset({signal.SIGINT, signal.SIGTERM})
if sys.platform != "win32":
    _WAKE = signal.SIGURG  # which nobody needs
_NAP = 0.02  # seconds between two tries to wake the main thread
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar has hidden it


class Stop:
    """Turns Ctrl-C and SIGTERM into a call of `end`, and into the end of `reading`.

    `end` is called by a thread that the system tells of each signal, not by the signal's handler: that runs between any
    two steps of the main thread, which may hold the very lock that `end` needs. And a signal that comes just as the
    main thread begins to wait does not wake it: the thread does.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        #: The signal that asked first.
        self.asked_by: int | None = None
        self._end = end
        self._is_reading = False
        self._is_over = False

    @property
    def is_asked(self) -> bool:
        """Whether the end was asked for."""
        return self.asked_by is not None

    @property
    def status(self) -> int:
        """The exit status of an end that was asked for; 0: it was not."""
        return 0 if self.asked_by is None else _BY_SIGNAL + self.asked_by

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """While this is open, the signals come here. For the main thread."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # noqa: FBT003 - its only argument, and unnamed
        handlers: dict[int, Any] = dict.fromkeys(_ASK, self._ask)
        if sys.platform != "win32":
            handlers[_WAKE] = lambda *_: None
        watch = threading.Thread(target=self._watch, args=[ours, threading.get_ident()], daemon=True)
        watch.start()
        told_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        before = {name: signal.signal(name, handler) for name, handler in handlers.items()}
        try:
            yield
        finally:
            self._is_over = True
            for name, handler in before.items():
                signal.signal(name, handler)
            signal.set_wakeup_fd(told_before)
            theirs.close()
            watch.join()
            ours.close()

    def _watch(self, signals: socket.socket, main: int) -> None:
        """The first signal ends what is under way, and wakes the main thread until it has heard; the next ends all."""
        is_ending = False
        while numbers := signals.recv(64):
            for number in _ASK.intersection(numbers):
                if is_ending:
                    _leave(_BY_SIGNAL + number)
                is_ending = True
                self._end()
            if sys.platform != "win32" and is_ending and not (self.is_asked or self._is_over):
                time.sleep(_NAP)
                signal.pthread_kill(main, _WAKE)  # of which this thread hears, too

    def reading(self, items: Iterator[_T]) -> Iterator[_T]:
        """The items, until the end is asked for, even while the next one is being waited for."""
        while True:
            try:  # a signal may come between any two steps: also once this is set, and before it is unset
                try:
                    # A signal comes to the main thread: nothing there would catch what is meant for another.
                    self._is_reading = threading.current_thread() is threading.main_thread()
                    item = None if self.is_asked else next(items, None)
                finally:
                    self._is_reading = False
            except KeyboardInterrupt:
                return
            if item is None:
                return
            yield item

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked_by is None:
            self.asked_by = number
        if self._is_reading:
            raise KeyboardInterrupt


def _leave(status: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_SHOW_CURSOR)
        sys.stderr.flush()
    os._exit(status)
