"""Delivery with requests: retries, the tenant's budget of calls, order, a journal. Extra `deliver`.

```python
for outcome in Deliverer(config, workers=8).run(events):
    print(outcome.index, outcome.status, outcome.error)
```

The only part of the library that does I/O. What an answer means and what comes next is decided by the requests
themselves; here they are sent, and waited for. AsyncDeliverer does the same with httpx and asyncio: extra `async`.
"""

from typing import TYPE_CHECKING

from gainsight_dest import load_later

if TYPE_CHECKING:
    from gainsight_dest.deliver.async_deliverer import AsyncDeliverer
    from gainsight_dest.deliver.budget import Budget
    from gainsight_dest.deliver.deliverer import Deliverer, deliver
    from gainsight_dest.deliver.driver import Waiting
    from gainsight_dest.deliver.file import EventReason, FileReport, deliver_file
    from gainsight_dest.deliver.flow import Trouble
    from gainsight_dest.deliver.journal import Journal, JournalError
    from gainsight_dest.deliver.patience import Patience
    from gainsight_dest.deliver.send import Sender
    from gainsight_dest.deliver.settings import OptionsError
    from gainsight_dest.deliver.shards import SavedGroup, Shard, Shards
    from gainsight_dest.outcome import Outcome, Status

__all__ = [
    "AsyncDeliverer",
    "Budget",
    "Deliverer",
    "EventReason",
    "FileReport",
    "Journal",
    "JournalError",
    "OptionsError",
    "Outcome",
    "Patience",
    "SavedGroup",
    "Sender",
    "Shard",
    "Shards",
    "Status",
    "Trouble",
    "Waiting",
    "deliver",
    "deliver_file",
]

#: What is loaded when it is asked for: each needs some of the libraries of the two extras, and none needs all.
_LATER = {
    "AsyncDeliverer": "deliver.async_deliverer",
    "Budget": "deliver.budget",
    "Deliverer": "deliver.deliverer",
    "EventReason": "deliver.file",
    "FileReport": "deliver.file",
    "Journal": "deliver.journal",
    "JournalError": "deliver.journal",
    "OptionsError": "deliver.settings",
    "Outcome": "outcome",
    "Patience": "deliver.patience",
    "SavedGroup": "deliver.shards",
    "Sender": "deliver.send",
    "Shard": "deliver.shards",
    "Shards": "deliver.shards",
    "Status": "outcome",
    "Trouble": "deliver.flow",
    "Waiting": "deliver.driver",
    "deliver": "deliver.deliverer",
    "deliver_file": "deliver.file",
}

if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them
    __getattr__, __dir__ = load_later(__name__, _LATER)
