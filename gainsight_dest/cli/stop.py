"""Ending in good order: once asked, what is under way is finished and told; asked again, all ends at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
INTERRUPTED = 130  # as shells report an end by Ctrl-C
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar has hidden it


class Stop:
    """Turns Ctrl-C and SIGTERM into a call of `end`, and into the end of `reading`."""

    def __init__(self, end: Callable[[], object]) -> None:
        self.is_asked = False
        self._end = end
        self._is_reading = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """While this is open, the signals come here."""
        before = {name: signal.signal(name, self._ask) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

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

    def _ask(self, _: int, __: FrameType | None) -> None:
        if self.is_asked:
            if sys.stderr.isatty():
                sys.stderr.write(_SHOW_CURSOR)
                sys.stderr.flush()
            os._exit(INTERRUPTED)
        self.is_asked = True
        self._end()
        if self._is_reading:
            raise KeyboardInterrupt
