"""One batch after the other: asked for side by side, recorded as it goes, told in the order of the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from gainsight_dest.batching.batch import Reply, transform_batch
from gainsight_dest.batching.requests import CompaniesRequest
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.journal import Journal
from gainsight_dest.descriptors import Request, SendEvent
from gainsight_dest.errors import EventError
from gainsight_dest.outcome import Event, Outcome, PreparedEvent, Status
from gainsight_dest.templates import Settings

#: An event and its place in the stream.
Place = tuple[int, "Event | EventError | PreparedEvent"]
#: What brings the answers to requests, given how often each has failed before, and how long it was waited for.
Ask = Callable[[Iterable[Request], Iterable[int], Iterable[float]], Iterable[Reply]]


class ChunkDelivery:
    """The delivery of some events as one batch, but for those that the journal knows.

    An outcome is recorded once no earlier event that shares a person or company with it is open: if the run is cut off,
    the open ones are sent again without putting older values over newer ones. `at_once`: calls for people that are made
    before that is done; those that have failed come last, so that none waits for them. Calls for companies, which are
    few, go together: what is found together is saved together.
    """

    def __init__(
        self,
        chunk: Sequence[Place],
        config: DestinationConfig | Settings,
        journal: Journal | None,
        *,
        attempts: int,
        at_once: int,
    ) -> None:
        self._chunk = chunk
        self._at_once = at_once
        self._journal = journal
        self._outcomes = [None if journal is None else journal.find(index, event) for index, event in chunk]
        self._places = [place for place, outcome in enumerate(self._outcomes) if outcome is None]
        self._batch = transform_batch([chunk[place][1] for place in self._places], config, attempts=attempts)
        self._open = list(range(len(self._places)))
        self._told = 0
        self._through: Counter[tuple[str | None, str]] = Counter()
        self._settle()

    @property
    def ahead(self) -> Counter[tuple[str | None, str]]:
        """Events that are through and not told yet, as they wait for others before them: by type and status.

        Those that the journal knows are not among them.
        """
        return +self._through.copy()  # it may change meanwhile: a copy is made at once

    @property
    def failed_ahead(self) -> list[Outcome]:
        """The outcomes of those that have failed."""
        waiting = self._outcomes[self._told :]
        return [each for each in waiting if each is not None and each.status is Status.FAILED and not each.resumed]

    def run(self, ask: Ask, is_stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """One outcome for each event, as soon as it and all before it are through."""
        yield from self._front()
        while (requests := self._batch.requests) and not is_stopped():
            self._ask(ask, requests)
            yield from self._front()
        rest = dict(zip(self._places, self._batch.outcomes, strict=True))
        for place in range(self._told, len(self._chunk)):
            self._told += 1
            if (outcome := self._outcomes[place]) is not None:
                self._count(outcome, -1)
            yield outcome or self._placed(place, rest[place])

    def _front(self) -> Iterator[Outcome]:
        while self._told < len(self._chunk) and (outcome := self._outcomes[self._told]) is not None:
            self._told += 1
            self._count(outcome, -1)
            yield outcome

    def _count(self, outcome: Outcome, times: int) -> None:
        if not outcome.resumed:
            self._through[outcome.type, str(outcome.status)] += times

    def _ask(self, ask: Ask, requests: Sequence[Request]) -> None:
        failures, waited = self._batch.failures, self._batch.waited
        chosen = sorted(range(len(requests)), key=failures.__getitem__)
        if not isinstance(requests[0], CompaniesRequest):
            chosen = chosen[: self._at_once]
        answers: list[Reply | None] = [None] * len(requests)
        asked = ((requests[number], failures[number], waited[number]) for number in chosen)
        told = ask(*zip(*asked, strict=True))
        for number, answer in zip(chosen, told, strict=True):
            answers[number] = answer
        self._batch = self._batch.next(answers)
        self._settle(only_first=isinstance(requests[0], SendEvent))  # in the last stage that is the one that was sent

    def _settle(self, *, only_first: bool = False) -> None:
        """Record what is through."""
        settled = list(self._batch.settled(self._open[:1] if only_first else self._open))
        for number in settled:
            place = self._places[number]
            outcome = self._outcomes[place] = self._placed(place, self._batch.outcome(number))
            self._count(outcome, 1)
            if self._journal is not None:
                self._journal.add(outcome, self._chunk[place][1])
        if only_first:
            del self._open[: len(settled)]
        else:
            done = {*settled}
            self._open = [number for number in self._open if number not in done]

    def _placed(self, place: int, outcome: Outcome) -> Outcome:
        return attrs.evolve(outcome, index=self._chunk[place][0])
