"""A Kafka of one topic for docs/how-to/consume-from-kafka.md, and what the page makes of what is on it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import attrs
import pytest

from gainsight_dest import DestinationConfig
from gainsight_dest.deliver import Deliverer
from tests.pages import Page
from tests.some import group, identify

VALUES = [
    json.dumps(identify()),
    "{",
    None,
    "7",
    json.dumps({"type": "page"}),
    "[" * 100_000,
    json.dumps(group()),
]
FAULTY = (1, 2, 3, 5)


@attrs.frozen
class Message:
    """What is on the topic."""

    _offset: int
    _value: str | None
    _key: bytes | None = None

    def error(self) -> None:
        return None

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> str | None:
        return self._value


class Kafka:
    """What was done to it, step by step."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log: list[tuple[Any, ...]] = []
        self.left = [Message(offset, value, b"k") for offset, value in enumerate(VALUES)]

    def steps(self, kind: str) -> list[tuple[Any, ...]]:
        return [step[1:] for step in self.log if step[0] == kind]

    def module(self) -> ModuleType:
        """The client, as the page imports it."""
        module = ModuleType("confluent_kafka")
        module.__dict__.update(
            Consumer=lambda settings: Consumer(self, settings),
            Producer=lambda _: Producer(self),
            KafkaException=RuntimeError,
        )
        return module


class Consumer:
    """Has what was put on the topic, a few messages at a time, and ends the loop when that is all."""

    def __init__(self, kafka: Kafka, settings: Mapping[str, Any]) -> None:
        assert (settings["enable.auto.commit"], settings["max.poll.interval.ms"]) == (False, 86_400_000)
        self.kafka = kafka

    def subscribe(self, topics: list[str]) -> None:
        assert topics == ["rudderstack.events"]

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        assert num_messages >= 4
        assert timeout > 0
        messages, self.kafka.left = self.kafka.left[:4], self.kafka.left[4:]
        if not messages:
            self.kafka.page.stop()
        return messages

    def commit(self, message: Message, *, asynchronous: bool) -> None:
        assert not asynchronous
        self.kafka.log.append(("commit", message.offset()))

    def close(self) -> None:
        self.kafka.log.append(("close",))


class Producer:
    """Tells that a message has arrived when it is flushed."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.waiting: list[Callable[[None, None], None]] = []

    def produce(
        self,
        topic: str,
        value: str | None = None,
        key: bytes | None = None,
        *,
        headers: dict[str, str],
        on_delivery: Callable[[None, None], None],
    ) -> None:
        self.waiting.append(on_delivery)
        self.kafka.log.append(("produce", topic, value, key, headers))

    def flush(self) -> None:
        for tell in self.waiting:
            tell(None, None)
        self.waiting = []
        self.kafka.log.append(("flush",))


def around(page: Page) -> Iterator[None]:
    kafka = Kafka(page)
    page.monkeypatch.setitem(sys.modules, "confluent_kafka", kafka.module())
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        yield
        assert signal.getsignal(signal.SIGTERM) is page.stop
    finally:
        signal.signal(signal.SIGTERM, on_sigterm)
    all_is_committed_and_what_failed_is_kept_before(page, kafka)
    with_a_wrong_key_nothing_is_committed_and_nothing_is_a_dead_letter(page, kafka)
    with pytest.raises(RuntimeError, match="the topic is gone"):  # a dead letter that is lost raises an error
        page.check("the topic is gone", None)


def all_is_committed_and_what_failed_is_kept_before(page: Page, kafka: Kafka) -> None:
    assert kafka.steps("commit") == [(offset,) for offset in range(len(VALUES))]
    letters = kafka.steps("produce")
    assert [letter[:3] for letter in letters] == [("gainsight.dead-letters", VALUES[n], b"k") for n in FAULTY]
    assert {letter[3]["error"] for letter in letters} == {"EventError"}
    assert letters[0][3]["reason"] == "the message: is not JSON"
    assert all(kafka.log[place + 1] == ("flush",) for place, step in enumerate(kafka.log) if step[0] == "produce")
    assert kafka.log[-1] == ("close",)
    assert len(page.sandbox.people) == len(page.sandbox.companies) == 1


def with_a_wrong_key_nothing_is_committed_and_nothing_is_a_dead_letter(page: Page, kafka: Kafka) -> None:
    page.stopped.clear()
    kafka.log.clear()
    kafka.left = [Message(7, VALUES[0]), Message(8, VALUES[0])]
    config = DestinationConfig(domain=page.config.domain, access_key="another")
    with Deliverer(config, page.sandbox.session()) as refused:
        page.consume(refused)
    assert not page.stopped.is_set()
    assert kafka.log == []
