"""One batch after the other: asked for side by side, recorded and told in the order of the events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from gainsight_dest.batch import Tried, transform_batch
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.journal import Journal, record
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import CredentialsError, EventError
from gainsight_dest.outcome import Event, Outcome, Status

#: An event and its place in the stream.
Place = tuple[int, "Event | EventError"]
#: What brings the answers to requests, given how often each has failed before.
Ask = Callable[[Iterable[Request], Iterable[int]], Iterable[Tried]]


class ChunkDelivery:
    """The delivery of some events as one batch, but for those that the journal knows.

    An outcome is recorded once all before it are: after a kill the rest is sent again from there on, in order, and so
    no older value is put over a newer one.
    """

    def __init__(
        self, chunk: Sequence[Place], config: DestinationConfig, attempts: int, journal: Journal | None
    ) -> None:
        self._chunk = chunk
        self._journal = journal
        self._known = [journal and journal.find(index, event) for index, event in chunk]
        left = [event for (_, event), known in zip(chunk, self._known, strict=True) if not known]
        self._batch = transform_batch(left, config, attempts=attempts)
        self._at = 0
        self._sent = 0

    def run(self, ask: Ask, is_stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """One outcome for each event, as soon as it and all before it are through."""
        try:
            yield from self._front()
            while self._batch.requests and not is_stopped():
                self._batch = self._batch.next(ask(self._batch.requests, self._batch.failures))
                yield from self._front()
        finally:
            rest = self._rest()
        yield from rest

    def _front(self) -> Iterator[Outcome]:
        while self._at < len(self._chunk):
            known = self._known[self._at]
            outcome = known or self._batch.outcome(self._sent)
            if outcome.status is Status.NOT_TRIED or isinstance(outcome.error, CredentialsError):
                return
            yield self._told(outcome)

    def _rest(self) -> list[Outcome]:
        """Those that are left when no more is sent."""
        outcomes = self._batch.outcomes
        return [self._told(self._known[at] or outcomes[self._sent]) for at in range(self._at, len(self._chunk))]

    def _told(self, outcome: Outcome) -> Outcome:
        index, event = self._chunk[self._at]
        if not self._known[self._at]:
            self._sent += 1
            outcome = attrs.evolve(outcome, index=index)
            record(self._journal, outcome, event)
        self._at += 1
        return outcome
