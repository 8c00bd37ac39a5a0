"""Delivery with requests: retries, the tenant's budget of calls, order, a journal. Extra `deliver`.

```python
for outcome in Deliverer(config, workers=8).run(events):
    print(outcome.index, outcome.status, outcome.error)
```

The only part of the library that does I/O. What an answer means and what comes next is decided by the requests
themselves; here they are sent, and waited for.
"""

from gainsight_dest.deliver.budget import Budget
from gainsight_dest.deliver.caller import Waiting
from gainsight_dest.deliver.deliverer import Deliverer, deliver
from gainsight_dest.deliver.journal import Journal, JournalError
from gainsight_dest.deliver.patience import Patience
from gainsight_dest.deliver.send import Sender
from gainsight_dest.deliver.shards import Saved, Shard, Shards
from gainsight_dest.outcome import Outcome, Status

__all__ = [
    "Budget",
    "Deliverer",
    "Journal",
    "JournalError",
    "Outcome",
    "Patience",
    "Saved",
    "Sender",
    "Shard",
    "Shards",
    "Status",
    "Waiting",
    "deliver",
]
