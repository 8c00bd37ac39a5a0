"""Defaults of all that sends or plans calls: what a tenant has, and how much of it goes at once."""

from __future__ import annotations

#: The calls that Gainsight takes from a tenant.
CALLS_PER_MINUTE = 100
CALLS_PER_DAY = 50_000

#: Calls of a stream of events that are under way at once.
WORKERS = 4
#: Events that are merged. In batches of 500 a day of a few hundred people costs a quarter to a half more calls.
BATCH = 2_000
#: Seconds that a batch which is not full waits for more events.
LINGER = 1.0
