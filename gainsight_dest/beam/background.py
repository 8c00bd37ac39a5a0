"""What one sender has to send, sent by a thread: a bundle only asks how it ended, and lasts no longer than that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import attrs

from gainsight_dest.beam.gather import RoutedEvent
from gainsight_dest.outcome import Outcome

#: Seconds after which it stops if no bundle has asked: the runner may have another process do the work.
UNASKED = 30.0


@attrs.define(eq=False)
class _Chunk:
    """Events that came together, and the outcomes that are there, by their places. The first of them need no more."""

    items: Sequence[RoutedEvent]
    outcomes: list[Outcome | None]
    first: int


class Background:
    """Sends chunks of events in their order; those that wait are sent together, up to `batch` events.

    `send` gives the outcomes of events in their order, `stop` ends it from elsewhere. An outcome is kept until `keep`
    leaves its chunk out, as a bundle that is tried again asks again: nothing is sent twice for that.
    """

    def __init__(
        self,
        send: Callable[[Iterable[RoutedEvent]], Iterable[Outcome]],
        stop: Callable[[], object],
        batch: int,
        unasked: float = UNASKED,
    ) -> None:
        self._send = send
        self._stop = stop
        self._batch = batch
        self._unasked = unasked
        self._chunks: dict[str, _Chunk] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watch: threading.Timer | None = None
        self._is_paused = False
        self._error: Exception | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._chunks

    @property
    def is_used(self) -> bool:
        """Whether somebody may ask again, also for what was given to a bundle that then failed."""
        return bool(self._chunks)

    def has_room(self) -> bool:
        """Whether less than a batch is waiting."""
        with self._lock:
            return sum(1 for _ in self._waiting()) < self._batch

    def add(self, name: str, items: Sequence[RoutedEvent], first: int) -> None:
        """A chunk, after those that are there; what comes before the place `first` has been sent already."""
        with self._lock:
            self._chunks[name] = _Chunk(items, [None] * len(items), first)

    def keep(self, names: Collection[str]) -> None:
        """Forget all other chunks."""
        with self._lock:
            gone = [self._chunks.pop(name) for name in [*self._chunks] if name not in names]
        if any(map(_places, gone)):  # the runner has gone back to an earlier state
            self.pause()

    def ask(self) -> None:
        """Go on with it: some bundle wants the outcomes."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = threading.Timer(self._unasked, self.pause)
        self._watch.daemon = True
        self._watch.start()
        with self._lock:
            self._is_paused = False
            if self._error is None and self._thread is None and any(self._waiting()):
                self._thread = threading.Thread(target=self._work, name="gainsight-dest-beam", daemon=True)
                self._thread.start()

    def raise_error(self) -> None:
        """Raises what has ended the sending, if anything has, once: whoever asks again has it go on."""
        with self._lock:
            error, self._error = self._error, None
        if error is not None:
            raise error

    def told(self, name: str, first: int) -> list[tuple[RoutedEvent, Outcome]]:
        """The events of the chunk from that place on, with their outcomes, as far as they are there without a gap."""
        told = []
        with self._lock:
            chunk = self._chunks[name]
            for item, outcome in zip(chunk.items[first:], chunk.outcomes[first:], strict=True):
                if outcome is None:
                    break
                told.append((item, outcome))
        return told

    def size(self, name: str) -> int:
        """How many events the chunk has."""
        return len(self._chunks[name].items)

    def pause(self) -> None:
        """Stop until somebody asks again; calls under way are finished."""
        self._is_paused = True
        self._stop()

    def close(self) -> None:
        """Stop, and wait for that."""
        self.pause()
        if self._watch is not None:
            self._watch.cancel()
        thread = self._thread
        if thread is not None:
            thread.join()

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while waiting := self._next():
            try:
                # A send that a pause did not stop, as it began after that, gets no event.
                for outcome in self._send(self._until_paused(waiting)):
                    chunk, place = waiting[outcome.index]
                    if outcome.is_settled:
                        with self._lock:
                            chunk.outcomes[place] = outcome
            except Exception as error:  # noqa: BLE001 - it is raised where the outcomes are asked for
                with self._lock:
                    self._error = error

    def _until_paused(self, waiting: Iterable[tuple[_Chunk, int]]) -> Iterator[RoutedEvent]:
        for chunk, place in waiting:
            if self._is_paused:
                return
            yield chunk.items[place]

    def _next(self) -> list[tuple[_Chunk, int]]:
        """What to send now: the first chunk, and those after it that go into a batch with it. Nothing: it is over."""
        with self._lock:
            batch: list[tuple[_Chunk, int]] = []
            if not self._is_paused and self._error is None:
                for chunk in self._chunks.values():
                    places = _places(chunk)
                    if batch and len(batch) + len(places) > self._batch:
                        break
                    batch += [(chunk, place) for place in places]
            if not batch:
                self._thread = None
            return batch

    def _waiting(self) -> Iterator[tuple[_Chunk, int]]:
        return ((chunk, place) for chunk in self._chunks.values() for place in _places(chunk))


def _places(chunk: _Chunk) -> list[int]:
    """Those of its events that are to be sent."""
    return [place for place in range(chunk.first, len(chunk.items)) if chunk.outcomes[place] is None]
