"""How the time of some work grows with its size."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: At twice the size: 2 is what linear work takes, 4 what quadratic work does. A clock is never exact.
MOST_GROWTH = 2.5
_TRIES = 20
#: What takes less at the larger size is quick enough, and too short to be measured. In seconds.
_QUICK = 0.02


def growth(work: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times as long the work of twice the size takes: by work of four times the size, where noise tells less.

    The best of some tries counts, as soon as it is good.
    """
    once, more = work(size), work(4 * size)
    least = [float("inf"), float("inf")]
    with _without_collection():
        for _ in range(_TRIES):
            for place, each in enumerate((once, more)):
                begun = time.process_time()
                each()
                least[place] = min(least[place], time.process_time() - begun)
            if least[1] < _QUICK or least[1] < MOST_GROWTH**2 * least[0]:
                break
    return 0.0 if least[1] < _QUICK else (least[1] / least[0]) ** 0.5


@contextmanager
def _without_collection() -> Iterator[None]:
    """The garbage collector looks at all that the process holds, and so at more than the work's own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
