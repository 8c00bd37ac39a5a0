"""What tasks tell the driver while they send, and how they hear that they are to stop. Real sockets, no Spark."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from gainsight_dest.spark import beats
from gainsight_dest.spark.beats import COUNTS, DriverAddress, Listener, beating

HERE = "127.0.0.1"


@pytest.fixture
def ear() -> Iterator[Listener]:
    with Listener(HERE, HERE) as listener:
        yield listener


def counts(calls: int) -> dict[str, int]:
    return {**dict.fromkeys(COUNTS, 0), "events": 2 * calls, "calls": calls}


def never() -> None:
    raise AssertionError("it is not to stop")


def test_the_last_attempt_of_each_task_counts_and_the_calls_of_all(ear: Listener) -> None:
    for sender, attempt, calls in (("a", 1, 5), ("a", 2, 3), ("b", 3, 4)):
        with beating(ear.driver, sender, attempt, partial(counts, calls), never):
            pass
    assert ear.last_words() == {**counts(7), "calls": 12}


def test_a_driver_that_hangs_up_has_tasks_stop_and_hears_their_last_words(
    ear: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "_BEAT", 0.01)
    stopped = threading.Event()
    made = [0]

    def work() -> None:
        with beating(ear.driver, "a", 1, lambda: counts(made[0]), stopped.set):
            while not stopped.wait(0.001):
                made[0] += 1

    task = threading.Thread(target=work)
    task.start()
    while not ear.counts()["calls"]:
        time.sleep(0.005)
    heard = ear.last_words()
    task.join(10)
    assert stopped.is_set()
    assert heard == counts(made[0])


def test_a_driver_that_dies_has_tasks_stop() -> None:
    stopped = threading.Event()
    with (
        socket.create_server((HERE, 0)) as server,
        beating(DriverAddress(HERE, server.getsockname()[1], "token"), "a", 1, lambda: counts(0), stopped.set),
    ):
        line, _ = server.accept()
        line.recv(5)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        line.close()  # with a reset, as what it was told is not read
        assert stopped.wait(10)


def test_a_task_says_it_again_and_again(ear: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "_BEAT", 0.01)
    third = threading.Event()
    numbers = count(1)

    def said() -> dict[str, int]:
        number = next(numbers)
        if number == 3:
            third.set()
        return counts(number)

    with beating(ear.driver, "a", 1, said, never):
        assert third.wait(10)
    assert ear.last_words()["calls"] >= 3


def test_where_there_is_no_driver_to_be_told_the_task_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with beating(None, "a", 1, never, never):  # type: ignore[arg-type]
        pass
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
    with beating(DriverAddress(HERE, port, "token"), "a", 1, never, never):  # type: ignore[arg-type]
        pass
    assert [message.partition(":")[0] for message in caplog.messages] == ["a cannot tell the driver what it sends"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"{}",
        b"[" * 3_000,
        b'["token", "a", 1, 0, 0, 0, 0, 0, 0, 9]',
        b'["TOKEN", "a", 1, 9]',
        b'["TOKEN", "a", 1, 0, 0, 0, 0, 0, 0, "x"]',
        b'["TOKEN", "a", null, 0, 0, 0, 0, 0, 0, 9]',
        b"",
    ],
)
def test_what_is_said_by_nobody_of_the_job_is_not_heard(line: bytes, ear: Listener) -> None:
    with socket.create_connection((ear.driver.host, ear.driver.port)) as other:
        other.sendall(line.replace(b"TOKEN", ear.driver.token.encode()) + b"\n")
        assert other.recv(1) == b""
    assert ear.last_words()["calls"] == 0


def test_the_driver_says_once_a_minute_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    now = iter([0.0, 30.0, 61.0, 62.0])
    with caplog.at_level(logging.INFO), Listener(HERE, HERE, lambda: next(now)) as ear:
        for calls in (1, 2, 3):
            word = [ear.driver.token, "a", 1, *counts(calls).values()]
            assert ear.hear(json.dumps(word).encode())
    assert caplog.messages == [
        "so far: 4 events, 0 delivered, 0 unchanged, 0 failed, 0 skipped, 0 not_tried, 2 calls",
    ]
