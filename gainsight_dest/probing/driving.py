"""What drives a probe: it sends, waits and reads the clock, and decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from gainsight_dest.deliver.flow import Send, Wait
from gainsight_dest.descriptors import Request
from gainsight_dest.gainsight import Response
from gainsight_dest.probing.probe import Probe, Steps

#: Seconds until it is seen that a wait is to be cut short.
_NAP = 0.2


def drive(
    probe: Probe,
    flow: Steps[None],
    send: Callable[[Request], Response],
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Drives the flow of the probe to its end, also through Ctrl-C, which is raised then.

    `send` gives an answer, or raises what stands for one.
    """
    answer: object = None
    interrupted: KeyboardInterrupt | None = None
    while True:
        probe.now = clock()
        try:
            step = flow.send(answer)
        except StopIteration:
            break
        answer = None
        try:
            if isinstance(step, Send):
                answer = send(step.request)
            else:
                _wait(probe, step.seconds, sleep, is_cut=isinstance(step, Wait))
        except KeyboardInterrupt as error:
            probe.is_stopped, interrupted, answer = True, error, _LOST if isinstance(step, Send) else None
        except Exception as error:  # noqa: BLE001 - the flow tells them apart
            answer = error
    if interrupted is not None:
        raise interrupted


_LOST = ConnectionAbortedError("interrupted")


def _wait(probe: Probe, seconds: float, sleep: Callable[[float], object], *, is_cut: bool) -> None:
    while seconds > 0 and not (is_cut and probe.is_stopped):
        sleep(min(seconds, _NAP))
        seconds -= _NAP
