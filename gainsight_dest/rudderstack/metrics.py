"""What the service counts, for Prometheus. Nothing of an event is in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from gainsight_dest.descriptors import Request
from gainsight_dest.gainsight import Response
from gainsight_dest.rudderstack.send import Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Where the workers of one service leave their counts for each other: prometheus_client's own setting.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one app, or, where SHARED is set, of all workers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own: Any = {"registry": self._registry}
        if SHARED in os.environ:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call] # it has no types
            own = {"registry": None}
        self._requests = Counter("gainsight_dest_requests", "HTTP requests answered", ("route", "status"), **own)
        self._seconds = Histogram(
            "gainsight_dest_request_seconds", "Time to answer a request", ("route",), buckets=_SECONDS, **own
        )
        self._items = Counter("gainsight_dest_items", "Items answered", ("route", "status"), **own)
        self._calls = Counter("gainsight_dest_calls", "Calls made to Gainsight", ("action", "status"), **own)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route`: as it is written in the app, never as it was asked for."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def items(self, route: str, statuses: Iterable[tuple[int, int]]) -> None:
        """So many items were answered with each status."""
        for status, count in statuses:
            self._items.labels(route, status).inc(count)

    def counting(self, send: Send) -> Send:
        """The same, with each call counted."""

        def sent(request: Request) -> Response:
            status = "none"
            try:
                answer = send(request)
                status = str(answer.status)
            finally:
                self._calls.labels(request.action, status).inc()
            return answer

        return sent

    def page(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
