"""Gainsight in memory: for tests, for a demo, for a look at what a mapping makes of real events. Nothing leaves it.

```python
sandbox = Sandbox(config)
sandbox.handle(transform(event, config))
sandbox.people
```

It follows what is known of Gainsight's API (see `gainsight_dest.gainsight`), counts calls as Gainsight does, and fails
on request: see `PlannedFault`. `sandbox.session()` is a requests Session that ends in it (extra `deliver`), `Server`
puts it behind a local port, with a page to look at (extra `sandbox`).
"""

from gainsight_dest.sandbox.answers import Answer
from gainsight_dest.sandbox.content import Content
from gainsight_dest.sandbox.faults import FAULTS, PlannedFault, faults_from
from gainsight_dest.sandbox.tenant import CallRecord, DroppedConnectionError, Sandbox

__all__ = [
    "FAULTS",
    "Answer",
    "CallRecord",
    "Content",
    "DroppedConnectionError",
    "PlannedFault",
    "Sandbox",
    "faults_from",
]
